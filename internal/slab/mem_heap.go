//go:build heapslab || !(amd64 || arm64) || !(linux || darwin || freebsd)

package slab

import "math"

// HeapTwin says whether blocks come from the Go heap.
const HeapTwin = true

// Mem reaches the bytes of a region: here a table of byte slices from the Go heap, one entry a block. A run's first
// entry covers all of it. The table has its full size from the start, so that looking one block up never races with
// the arrival of another.
//
// The collector need not look inside the blocks (bytes hold no pointers), only at the table.
type Mem struct {
	blocks [][]byte
}

// tableBlocks bounds the heap twin: 64 GiB, or half of a 32-bit address space.
const tableBlocks = min(64<<30, math.MaxInt) >> blockShift

func (r *Region) reserve() (int64, error) {
	r.Mem = Mem{blocks: make([][]byte, tableBlocks)}
	return int64(tableBlocks) << blockShift, nil
}

func (r *Region) release() error {
	clear(r.blocks)
	return nil
}

func (r *Region) commit(first, n int) error {
	r.blocks[first] = make([]byte, n<<blockShift)
	return nil
}

func (r *Region) decommit(first, _ int) { r.blocks[first] = nil }

// At returns n bytes at ref.
func (m Mem) At(ref Ref, n int) []byte {
	at := int(ref & (BlockSize - 1))
	return m.blocks[ref>>blockShift][at : at+n : at+n]
}

// From returns the bytes from ref on, at least to the end of its block.
func (m Mem) From(ref Ref) []byte { return m.blocks[ref>>blockShift][ref&(BlockSize-1):] }
