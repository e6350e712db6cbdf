// Package slab is darter's memory: cells for keys, values and index pages that live outside the Go heap, so that the
// garbage collector neither scans nor counts them.
//
// # Words
//
//	Region   the address space of one cache: one reservation, handed out in blocks
//	block    64 KiB of the region, aligned to its size
//	span     a block cut into cells of one class and one purpose
//	cell     what Alloc returns: a page of an index, or one key with its value
//	run      several blocks in a row that hold one large cell
//	Ref      the offset of a cell in the region, a multiple of 8; 0 is no cell
//	Slab     one shard's cells: its spans, their free lists, its versions; "the caller holds the shard"
//
// # Layout
//
//	region   | block 0: never used | block 1 | block 2 | ...                      (so that Ref 0 is free to mean nil)
//	span     | header 64 B | cell | cell | cell | ...                | tail |     (header: see span.go)
//	cell     | birth u32 | the owner's bytes ...                            |     (birth: see version.go)
//	run      | header 64 B | one cell                                       |
//
// A Ref is an offset, so reaching a cell is one addition and one bounds check on one slice; keeping blocks behind slices
// of their own costs a cache miss more on every access. Where a large reservation is not to be had (32-bit systems,
// Windows, or the build tag heapslab) the same blocks come from the Go heap: see mem_heap.go.
//
// Blocks are handed out lowest address first, and pages are touched only when cells in them are, so resident memory
// follows use. A block that empties goes back to the system at once.
package slab

import (
	"errors"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	// BlockSize is the unit in which a region hands out memory.
	BlockSize  = 1 << blockShift
	blockShift = 16

	// MaxCell is the largest cell that Alloc gives.
	MaxCell = min(1<<31-1<<20, math.MaxInt/2)

	headerSize = 64
)

// ErrNoMemory says that the region has no room, or that the system refused to give it.
var ErrNoMemory = errors.New("slab: out of memory")

// Ref addresses a cell: its offset in the region, a multiple of 8. 0 is no cell.
type Ref uint64

// Region is the memory of one cache, shared by its shards' slabs. Its methods are safe for concurrent use.
type Region struct {
	Mem
	used atomic.Int64 // blocks handed out

	mu struct {
		sync.Mutex // guards which blocks are free; taken while a shard is held, and takes nothing itself
		free       []uint64
		low        int // no free block lies below word low
		top        int // blocks at and above top were never handed out
		limit      int
		closed     bool
	}
}

// NewRegion reserves the address space of a cache. It costs no memory until cells are allocated.
func NewRegion() (*Region, error) {
	r := &Region{}
	size, err := r.reserve()
	if err != nil {
		return nil, err
	}
	r.mu.limit = int(size >> blockShift)
	r.mu.top = 1
	return r, nil
}

// Close gives all memory back. No cell of the region may be used afterwards.
func (r *Region) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.closed {
		return nil
	}
	r.mu.closed = true
	r.mu.limit = 0
	return r.release()
}

// Bytes returns how much memory is handed out, in whole blocks.
func (r *Region) Bytes() int64 { return r.used.Load() << blockShift }

// Limit lowers how many bytes may be handed out in all to whole blocks below that number, counted from the region's
// start. It lets a test see what happens when memory runs out.
func (r *Region) Limit(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.limit = min(r.mu.limit, 1+int(bytes>>blockShift))
}

// take hands out n blocks in a row and returns the number of the first.
func (r *Region) take(n int) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, ok := r.findFreeLocked(n)
	if ok {
		r.markLocked(first, n, false)
	} else {
		first = r.mu.top
		if n > r.mu.limit-first {
			return 0, ErrNoMemory
		}
	}
	if err := r.commit(first, n); err != nil {
		if ok {
			r.markLocked(first, n, true)
		}
		return 0, err
	}
	if !ok {
		r.mu.top = first + n
	}
	r.used.Add(int64(n))
	return first, nil
}

// give takes back n blocks that start at block first, and their pages to the system.
func (r *Region) give(first, n int) {
	r.decommit(first, n)
	r.mu.Lock()
	r.markLocked(first, n, true)
	r.mu.Unlock()
	r.used.Add(-int64(n))
}

// findFreeLocked looks for n free blocks in a row, lowest address first. r.mu is held.
func (r *Region) findFreeLocked(n int) (int, bool) {
	run := 0
	free := r.mu.free
	for w := r.mu.low; w < len(free); w++ {
		word := free[w]
		if word == 0 {
			if run == 0 && w == r.mu.low {
				r.mu.low++
			}
			run = 0
			continue
		}
		if word == ^uint64(0) {
			if run += 64; run >= n {
				return w*64 + 63 - run + 1, true
			}
			continue
		}
		for b := 0; b < 64; {
			if word>>b&1 == 0 {
				run = 0
				if word>>b == 0 {
					break
				}
				b += bits.TrailingZeros64(word >> b)
				continue
			}
			ones := min(bits.TrailingZeros64(^(word >> b)), 64-b)
			if run += ones; run >= n {
				return w*64 + b + ones - run, true
			}
			b += ones
		}
	}
	return 0, false
}

// markLocked sets n blocks from first on free or taken. r.mu is held.
func (r *Region) markLocked(first, n int, free bool) {
	for len(r.mu.free) <= (first+n)/64 {
		r.mu.free = append(r.mu.free, 0)
	}
	for b := first; b < first+n; b++ {
		if free {
			r.mu.free[b/64] |= 1 << (b % 64)
		} else {
			r.mu.free[b/64] &^= 1 << (b % 64)
		}
	}
	if free {
		r.mu.low = min(r.mu.low, first/64)
	}
}
