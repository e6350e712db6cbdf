package slab

import (
	"encoding/binary"
	"fmt"
)

// Purpose says what a cell is for. Cells of different purposes never share a span: bytes are counted by purpose, and
// the cells of a span can be walked by someone who knows what they are.
type Purpose uint8

const (
	Index     Purpose = iota // pages of dictionaries
	Entry                    // a key with its value
	Expiry                   // pages of expiry indexes
	Container                // nodes of large containers
	numPurposes
)

func (p Purpose) String() string { return [...]string{"index", "entry", "expiry", "container"}[p] }

// The header of a span or run, 64 bytes of which 36 are used:
//
//	0   u32  cell size in bytes; of a run 0
//	4   u8   purpose
//	5   u8   class
//	8   u32  cells in use; of a run the size of its cell
//	12  u32  offset in the span of the first cell that was never handed out
//	16  u32  offset in the span of the first free cell, 0 none; each free cell holds the next at its byte 4
//	20  u32  next span of the class with room, by block number, 0 none
//	24  u32  previous one
//	28  u32  next span of the slab, by block number, 0 none; runs stand in this list too
//	32  u32  previous one
const (
	hdrSize = iota * 4
	hdrKind
	hdrUsed
	hdrBump
	hdrFree
	hdrNext
	hdrPrev
	hdrAllNext
	hdrAllPrev
)

// deadCell stands where a free cell's birth was; no epoch reaches it.
const deadCell = ^uint32(0)

func le32(b []byte) uint32       { return binary.LittleEndian.Uint32(b) }
func put32(b []byte, v uint32)   { binary.LittleEndian.PutUint32(b, v) }
func spanOf(ref Ref) Ref         { return ref &^ (BlockSize - 1) }
func blockRef(block uint32) Ref  { return Ref(block) << blockShift }
func blockNumber(ref Ref) uint32 { return uint32(ref >> blockShift) }

// Slab is one shard's memory. The caller holds the shard.
type Slab struct {
	Mem
	region *Region

	versions
	repair repair

	room  [numPurposes][numClasses]uint32 // first span with a free cell, by block number
	fill  [numPurposes][numClasses]fill
	all   uint32             // first of all spans and runs
	last  uint32             // the last of them
	spare uint32             // an empty span kept back, so that a class going up and down by one cell costs no system call
	cells [numPurposes]int64 // bytes in use, in whole cells
	taken int64              // bytes taken from the region
}

// fill counts the spans of a class and their cells in use.
type fill struct{ spans, cells uint32 }

// New returns an empty slab on a region.
func New(r *Region) *Slab {
	return &Slab{Mem: r.Mem, region: r, versions: versions{epoch: 1}}
}

// Usage is what a slab holds, in bytes.
type Usage struct {
	Cells   [numPurposes]int64 // in use, by purpose
	Taken   int64              // taken from the region; what is beyond Cells is slack
	Retired int64              // part of Cells: kept only because a version still sees it
}

// Usage returns what the slab holds.
func (s *Slab) Usage() Usage { return Usage{Cells: s.cells, Taken: s.taken, Retired: s.retired} }

// Used returns the bytes in use in whole cells, retired ones included.
func (s *Slab) Used() int64 {
	var n int64
	for _, b := range s.cells {
		n += b
	}
	return n
}

// Alloc returns a cell of at least n bytes, stamped with the current epoch in its first four. The rest is undefined.
// n includes those four bytes. An error means that the region is exhausted; nothing has changed then.
func (s *Slab) Alloc(p Purpose, n int) (Ref, error) {
	if n > maxSmall {
		return s.allocRun(p, n)
	}
	class := classOf[(n+7)>>3]
	block := s.room[p][class]
	if block == 0 {
		var err error
		if block, err = s.newSpan(p, class); err != nil {
			return 0, err
		}
	}
	span := blockRef(block)
	h := s.At(span, headerSize)
	size := le32(h[hdrSize:])
	var ref Ref
	free, bump := le32(h[hdrFree:]), le32(h[hdrBump:])
	if free != 0 {
		ref = span + Ref(free)
		free = le32(s.At(ref, 8)[4:])
		put32(h[hdrFree:], free)
	} else {
		ref = span + Ref(bump)
		bump += size
		put32(h[hdrBump:], bump)
	}
	put32(h[hdrUsed:], le32(h[hdrUsed:])+1)
	if free == 0 && bump+size > BlockSize {
		s.unlink(p, class, block, h)
	}
	s.cells[p] += int64(size)
	s.fill[p][class].cells++
	put32(s.At(ref, 4), s.epoch)
	return ref, nil
}

// newSpan cuts a block into cells of a class.
func (s *Slab) newSpan(p Purpose, class uint8) (uint32, error) {
	block := s.spare
	s.spare = 0
	if block == 0 {
		b, err := s.region.take(1)
		if err != nil {
			return 0, err
		}
		block = uint32(b)
		s.taken += BlockSize
	}
	h := s.At(blockRef(block), headerSize)
	clear(h)
	put32(h[hdrSize:], classSize[class])
	h[hdrKind], h[hdrKind+1] = byte(p), class
	put32(h[hdrBump:], headerSize)
	s.enlist(block, h)
	s.room[p][class] = block
	s.fill[p][class].spans++
	return block, nil
}

func (s *Slab) allocRun(p Purpose, n int) (Ref, error) {
	if n > MaxCell {
		return 0, fmt.Errorf("%w: a cell of %d bytes", ErrNoMemory, n)
	}
	cell := CellSize(n)
	size := runBytes(cell)
	b, err := s.region.take(size >> blockShift)
	if err != nil {
		return 0, err
	}
	block := uint32(b)
	h := s.At(blockRef(block), headerSize)
	clear(h)
	h[hdrKind] = byte(p)
	put32(h[hdrUsed:], uint32(cell))
	s.enlist(block, h)
	s.taken += int64(size)
	s.cells[p] += int64(cell)
	ref := blockRef(block) + headerSize
	put32(s.At(ref, 4), s.epoch)
	return ref, nil
}

// Free gives a cell up: at once where no version sees it, else when the last one that does is closed.
func (s *Slab) Free(ref Ref) {
	if s.Frozen(ref) {
		s.retire(ref)
		return
	}
	s.release(ref)
}

// FreeNow gives up a cell that no version reads, whenever it was born.
func (s *Slab) FreeNow(ref Ref) { s.release(ref) }

// sizeOf returns the size of a cell, given its span's header.
func sizeOf(h []byte) uint32 {
	if size := le32(h[hdrSize:]); size != 0 {
		return size
	}
	return le32(h[hdrUsed:])
}

// SizeOf returns how many bytes a cell has.
func (s *Slab) SizeOf(ref Ref) int { return int(sizeOf(s.At(spanOf(ref), headerSize))) }

// release frees a cell now.
func (s *Slab) release(ref Ref) {
	span := spanOf(ref)
	block := blockNumber(span)
	h := s.At(span, headerSize)
	p := Purpose(h[hdrKind])
	if invariants {
		s.checkFree(ref, h)
	}
	size := le32(h[hdrSize:])
	if size == 0 {
		cell := sizeOf(h)
		run := runBytes(int(cell))
		s.cells[p] -= int64(cell)
		s.taken -= int64(run)
		s.delist(block, h)
		s.region.give(int(block), run>>blockShift)
		return
	}
	class := h[hdrKind+1]
	cell := s.At(ref, 8)
	put32(cell, deadCell)
	free, bump := le32(h[hdrFree:]), le32(h[hdrBump:])
	put32(cell[4:], free)
	put32(h[hdrFree:], uint32(ref-span))
	used := le32(h[hdrUsed:]) - 1
	put32(h[hdrUsed:], used)
	s.cells[p] -= int64(size)
	s.fill[p][class].cells--
	if free == 0 && bump+size > BlockSize {
		s.link(p, class, block, h)
	}
	if used == 0 {
		if s.repair.block == block {
			s.repair.block = 0
		} else {
			s.unlink(p, class, block, h)
		}
		s.delist(block, h)
		s.fill[p][class].spans--
		if s.spare == 0 {
			s.spare = block
			return
		}
		s.giveSpan(block)
	}
}

func (s *Slab) giveSpan(block uint32) {
	s.taken -= BlockSize
	s.region.give(int(block), 1)
}

// Trim gives the empty span that is kept back to the system.
func (s *Slab) Trim() {
	if s.spare != 0 {
		s.giveSpan(s.spare)
		s.spare = 0
	}
}

// enlist enters a span in the list of all.
func (s *Slab) enlist(block uint32, h []byte) {
	put32(h[hdrAllNext:], s.all)
	if s.all != 0 {
		put32(s.At(blockRef(s.all), headerSize)[hdrAllPrev:], block)
	} else {
		s.last = block
	}
	s.all = block
}

func (s *Slab) delist(block uint32, h []byte) {
	next, prev := le32(h[hdrAllNext:]), le32(h[hdrAllPrev:])
	if s.repair.hand == block {
		s.repair.hand = next
	}
	if prev != 0 {
		put32(s.At(blockRef(prev), headerSize)[hdrAllNext:], next)
	} else {
		s.all = next
	}
	if next != 0 {
		put32(s.At(blockRef(next), headerSize)[hdrAllPrev:], prev)
	} else {
		s.last = prev
	}
}

// link puts a span at the head of its class's list of spans with room.
func (s *Slab) link(p Purpose, class uint8, block uint32, h []byte) {
	head := s.room[p][class]
	put32(h[hdrNext:], head)
	put32(h[hdrPrev:], 0)
	if head != 0 {
		put32(s.At(blockRef(head), headerSize)[hdrPrev:], block)
	}
	s.room[p][class] = block
}

func (s *Slab) unlink(p Purpose, class uint8, block uint32, h []byte) {
	next, prev := le32(h[hdrNext:]), le32(h[hdrPrev:])
	if prev != 0 {
		put32(s.At(blockRef(prev), headerSize)[hdrNext:], next)
	} else {
		s.room[p][class] = next
	}
	if next != 0 {
		put32(s.At(blockRef(next), headerSize)[hdrPrev:], prev)
	}
	put32(h[hdrNext:], 0)
	put32(h[hdrPrev:], 0)
}
