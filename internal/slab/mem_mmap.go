//go:build !heapslab && (amd64 || arm64) && (linux || darwin || freebsd)

package slab

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// HeapTwin says whether blocks come from the Go heap.
const HeapTwin = false

const (
	maxReserve  = 1 << 40 // what a slot's ref can address twice over
	minReserve  = 1 << 30
	commitBlock = 1024 // blocks made accessible at a time
)

// Mem reaches the bytes of a region. It is copied freely: it never changes after the reservation.
type Mem struct {
	b []byte
	// accessible counts the blocks from the region's start that may be touched. The region's lock guards it.
	accessible *int
}

// reserve asks for address space without access, which costs nothing under any overcommit policy, and settles for less
// where a limit on address space is set.
func (r *Region) reserve() (int64, error) {
	for size := int64(maxReserve); ; size >>= 1 {
		b, err := unix.Mmap(-1, 0, int(size), unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err == nil {
			r.Mem = Mem{b: b, accessible: new(int)}
			return size, nil
		}
		if size <= minReserve {
			return 0, fmt.Errorf("slab: reserve %d bytes of address space: %w", size, err)
		}
	}
}

func (r *Region) release() error {
	b := r.b
	r.b = nil
	return unix.Munmap(b)
}

// commit makes blocks accessible. The region's lock is held.
func (r *Region) commit(first, n int) error {
	end := first + n
	if end <= *r.accessible {
		return nil
	}
	from := *r.accessible
	to := min(max(end, from+commitBlock), len(r.b)>>blockShift)
	part := r.b[from<<blockShift : to<<blockShift]
	if err := unix.Mprotect(part, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		// Perhaps only the margin was too much.
		to = end
		part = r.b[from<<blockShift : to<<blockShift]
		if err := unix.Mprotect(part, unix.PROT_READ|unix.PROT_WRITE); err != nil {
			return fmt.Errorf("%w: %w", ErrNoMemory, err)
		}
	}
	*r.accessible = to
	return nil
}

// At returns n bytes at ref.
func (m Mem) At(ref Ref, n int) []byte { return m.b[ref : ref+Ref(n) : ref+Ref(n)] }

// From returns the bytes from ref on, at least to the end of its block.
func (m Mem) From(ref Ref) []byte { return m.b[ref:] }
