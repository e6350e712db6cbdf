package slab

// # Fragmentation
//
// Cells that are freed here and there leave spans with few cells in them. Where more than an eighth of the memory taken
// is such slack, spans of entries that are no fuller than the average are emptied, if the others of their class have
// room for their cells: the owner moves each cell elsewhere, and the block goes back. Spans are visited in a circle, a
// few at a call.
type repair struct {
	hand  uint32 // the next span to look at, by block number; 0 is the end of the list, or its start
	going bool   // a circle has begun
	block uint32 // the span being emptied, 0 without one
	at    uint32 // offset of its first cell that was not looked at
}

const (
	repairLook  = 64 // spans looked at in one call
	repairSlack = 4 * BlockSize
)

// Repair goes on repairing fragmentation: it calls move for some cells, at most budget, which should be moved to a new
// cell and freed, and says whether there is more to do. move may leave a cell alone that it knows nothing of.
// Nothing is moved while a version is alive.
func (s *Slab) Repair(budget int, move func(Ref)) (more bool) {
	r := &s.repair
	if r.block == 0 && !s.pickSparse() {
		return false
	}
	span := blockRef(r.block)
	h := s.At(span, headerSize)
	if s.HasVersions() {
		s.endRepair(h)
		return false
	}
	size, end := le32(h[hdrSize:]), le32(h[hdrBump:])
	for r.block != 0 && r.at < end && budget > 0 {
		ref := span + Ref(r.at)
		r.at += size
		if le32(s.At(ref, 4)) != deadCell {
			move(ref)
			budget--
		}
	}
	if r.block != 0 && r.at >= end {
		s.endRepair(h)
	}
	return true
}

// endRepair lets a span that was not emptied be filled again.
func (s *Slab) endRepair(h []byte) {
	s.link(Purpose(h[hdrKind]), h[hdrKind+1], s.repair.block, h)
	s.repair.block = 0
}

// pickSparse looks for a span worth emptying, and takes it out of its class's list of spans with room.
func (s *Slab) pickSparse() bool {
	if slack := s.taken - s.Used(); slack < repairSlack || slack < s.taken/8 || s.HasVersions() {
		return false
	}
	r := &s.repair
	if r.hand == 0 {
		// The end of a circle ends this round of work: where cells can't be moved, the next one does no better.
		if r.going = !r.going; !r.going {
			return false
		}
		r.hand = s.all
	}
	for range repairLook {
		block := r.hand
		if block == 0 {
			r.going = false
			return false
		}
		h := s.At(blockRef(block), headerSize)
		r.hand = le32(h[hdrAllNext:])
		size, p, class := le32(h[hdrSize:]), Purpose(h[hdrKind]), h[hdrKind+1]
		if size == 0 || p != Entry {
			continue
		}
		used, per, f := le32(h[hdrUsed:]), (BlockSize-headerSize)/size, &s.fill[p][class]
		roomElsewhere := (f.spans-1)*per - (f.cells - used)
		if used == per || used > roomElsewhere || int64(used*size)*s.taken > s.Used()*BlockSize {
			continue
		}
		s.unlink(p, class, block, h)
		r.block, r.at = block, headerSize
		return true
	}
	return false
}
