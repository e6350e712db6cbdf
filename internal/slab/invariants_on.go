//go:build invariants

package slab

import "fmt"

const invariants = true

// checkFree panics on a double free, and overwrites what is freed so that a stale reader notices.
func (s *Slab) checkFree(ref Ref, h []byte) {
	if le32(s.At(ref, 4)) == deadCell {
		panic(fmt.Sprintf("slab: cell %#x is freed twice", ref))
	}
	size := le32(h[hdrSize:])
	if size == 0 {
		if ref&(BlockSize-1) != headerSize {
			panic(fmt.Sprintf("slab: %#x is not the cell of its run", ref))
		}
		return
	}
	if (ref-spanOf(ref)-headerSize)%Ref(size) != 0 {
		panic(fmt.Sprintf("slab: %#x is not the start of a cell of %d bytes", ref, size))
	}
	b := s.At(ref, int(size))
	for i := 4; i < len(b); i++ {
		b[i] = 0xDB
	}
}
