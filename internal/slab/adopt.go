package slab

// # Adoption
//
// What takes long to make is made without the shard: in a slab beside its own, on the same region, which nobody else
// sees. When it is ready the shard's slab adopts the spans and runs as they are, whole blocks: no cell is copied and no
// ref changes. Since both slabs keep spans in lists, that is to join some lists.
//
//	shard held       beside := s.Beside()
//	without it       cells are made in beside
//	shard held       s.Adopt(beside)
//
// Cells made beside count as born when that slab was. A version that is made before they are adopted seems to see them:
// then they are copied to be changed and retired when they are freed, which does no harm.

// Beside returns an empty slab on the same region, whose cells the slab can adopt. From then until it does, at least one
// of its versions must be alive, so that births stay what they are.
func (s *Slab) Beside() *Slab {
	b := New(s.region)
	b.epoch = s.epoch
	return b
}

// Adopt takes over all cells of a slab that was made beside this one, which is empty then. O(classes), and O(spans with
// room) of the other.
func (s *Slab) Adopt(from *Slab) {
	from.Trim()
	if from.all == 0 {
		return
	}
	if s.all != 0 {
		put32(s.At(blockRef(from.last), headerSize)[hdrAllNext:], s.all)
		put32(s.At(blockRef(s.all), headerSize)[hdrAllPrev:], from.last)
	} else {
		s.last = from.last
	}
	s.all = from.all
	for p := range from.room {
		s.cells[p] += from.cells[p]
		for class := range from.room[p] {
			s.fill[p][class].spans += from.fill[p][class].spans
			s.fill[p][class].cells += from.fill[p][class].cells
			s.adoptRoom(from.room[p][class], &s.room[p][class])
		}
	}
	s.taken += from.taken
	*from = *from.Beside()
}

// adoptRoom puts a list of spans with room before another, whose first is head.
func (s *Slab) adoptRoom(first uint32, head *uint32) {
	if first == 0 {
		return
	}
	if *head != 0 {
		last := first
		h := s.At(blockRef(last), headerSize)
		for next := le32(h[hdrNext:]); next != 0; next = le32(h[hdrNext:]) {
			last, h = next, s.At(blockRef(next), headerSize)
		}
		put32(h[hdrNext:], *head)
		put32(s.At(blockRef(*head), headerSize)[hdrPrev:], last)
	}
	*head = first
}

// Drop gives all memory of a slab without versions back, whatever is in it. It is empty then.
func (s *Slab) Drop() {
	s.Trim()
	for block := s.all; block != 0; {
		h := s.At(blockRef(block), headerSize)
		next, blocks := le32(h[hdrAllNext:]), 1
		if le32(h[hdrSize:]) == 0 {
			blocks = runBytes(int(sizeOf(h))) >> blockShift
		}
		s.region.give(int(block), blocks)
		block = next
	}
	*s = *s.Beside()
}
