package value

import "github.com/darterdb/darter/internal/slab"

// StreamRange is entries of a stream with IDs from one to another, both included, in their order or the reverse. It is good
// until the stream changes.
type StreamRange struct {
	m        slab.Mem
	s        *Stream
	from, to StreamID
	reverse  bool
	rank     int       // of the block that comes after the one under way
	it       blockIter // forwards: the block under way
	places   []uint32  // in reverse: where the entries of the block under way are that are still to come
}

// Range returns the entries from one ID to another.
func (s *Stream) Range(m slab.Mem, from, to StreamID) StreamRange {
	r := StreamRange{m: m, s: s, from: from, to: to}
	if to.Less(from) {
		r.rank = s.ranks()
	} else if s.ranks() > 0 {
		r.rank = s.rankOf(m, from)
	}
	return r
}

// Reverse returns the entries from one ID to another, the last one first.
func (s *Stream) Reverse(m slab.Mem, from, to StreamID) StreamRange {
	r := StreamRange{m: m, s: s, from: from, to: to, reverse: true, rank: -1}
	if !to.Less(from) && s.ranks() > 0 {
		r.rank = s.rankOf(m, to)
	}
	return r
}

// Next returns the next entry.
func (r *StreamRange) Next() (StreamEntry, bool) {
	if r.reverse {
		return r.prev()
	}
	for {
		for r.it.next < len(r.it.b) {
			id, at, deleted, _ := r.it.step()
			if r.to.Less(id) {
				r.it.b, r.rank = nil, r.s.ranks()
				break
			}
			if !deleted && !id.Less(r.from) {
				return r.it.entry(at), true
			}
		}
		if r.rank >= r.s.ranks() {
			return StreamEntry{}, false
		}
		r.it = r.s.block(r.m, r.rank).entries()
		r.rank++
	}
}

func (r *StreamRange) prev() (StreamEntry, bool) {
	for len(r.places) == 0 {
		if r.rank < 0 || r.s.ranks() == 0 {
			return StreamEntry{}, false
		}
		b := r.s.block(r.m, r.rank)
		r.rank--
		r.it = b.entries()
		if r.places == nil {
			r.places = make([]uint32, 0, b.live())
		}
		for {
			id, at, deleted, ok := r.it.step()
			if !ok || r.to.Less(id) {
				break
			}
			if id.Less(r.from) {
				r.rank = -1 // the blocks before have only lesser ones
			} else if !deleted {
				r.places = append(r.places, uint32(at))
			}
		}
	}
	last := len(r.places) - 1
	at := r.places[last]
	r.places = r.places[:last]
	return r.it.entry(int(at)), true
}

// Count returns how many entries a range has that was just made, at most limit. Blocks that lie inside it aren't gone over.
func (r *StreamRange) Count(limit int) int {
	n := 0
	f := r.s.Range(r.m, r.from, r.to)
	for n < limit {
		if f.it.next >= len(f.it.b) && f.rank < f.s.ranks() && f.inside(f.rank) {
			n += f.s.block(f.m, f.rank).live()
			f.rank++
			continue
		}
		if _, ok := f.Next(); !ok {
			break
		}
		n++
	}
	return min(n, limit)
}

// inside says that all entries of a block lie in the range.
func (r *StreamRange) inside(rank int) bool {
	if r.s.block(r.m, rank).base().Less(r.from) {
		return false
	}
	if rank+1 == r.s.ranks() {
		return !r.to.Less(r.s.Last)
	}
	return !r.to.Less(r.s.block(r.m, rank+1).base())
}

// First returns the first entry.
func (s *Stream) First(m slab.Mem) (StreamEntry, bool) {
	r := s.Range(m, StreamID{}, MaxStreamID)
	return r.Next()
}

// Final returns the last entry.
func (s *Stream) Final(m slab.Mem) (StreamEntry, bool) {
	r := s.Reverse(m, StreamID{}, MaxStreamID)
	return r.Next()
}

// Find returns the entry with an ID.
func (s *Stream) Find(m slab.Mem, id StreamID) (StreamEntry, bool) {
	if s.ranks() == 0 || s.Last.Less(id) {
		return StreamEntry{}, false
	}
	b := s.block(m, s.rankOf(m, id))
	at, ok := b.find(id)
	if !ok {
		return StreamEntry{}, false
	}
	it := b.entries()
	return it.entry(at), true
}

// Has says whether there is an entry with an ID.
func (s *Stream) Has(m slab.Mem, id StreamID) bool {
	if s.ranks() == 0 || s.Last.Less(id) {
		return false
	}
	_, ok := s.block(m, s.rankOf(m, id)).find(id)
	return ok
}

// Blocks returns how many blocks there are.
func (s *Stream) Blocks() int { return s.ranks() }
