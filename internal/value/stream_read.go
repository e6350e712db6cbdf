package value

import "github.com/darterdb/darter/internal/slab"

// StreamRange is entries of a stream with IDs from one to another, both included, in their order or the reverse. It is
// good until the stream changes.
type StreamRange struct {
	m slab.Mem
	blockList
	last     StreamID // the stream's
	from, to StreamID
	reverse  bool
	rank     int       // of the block that comes after the one under way
	it       blockIter // forwards: the block under way
	places   []uint32  // in reverse: where the entries of the block under way are that are still to come
}

// Range returns the entries from one ID to another.
func (s *Stream) Range(m slab.Mem, from, to StreamID) StreamRange {
	r := StreamRange{m: m, blockList: s.blockList, last: s.Last, from: from, to: to}
	r.start()
	return r
}

// start finds the first block of a range that goes forwards.
func (r *StreamRange) start() {
	if r.to.Less(r.from) {
		r.rank = r.ranks()
	} else if r.ranks() > 0 {
		r.rank = r.rankOf(r.m, r.from)
	}
}

// Reverse returns the entries from one ID to another, the last one first.
func (s *Stream) Reverse(m slab.Mem, from, to StreamID) StreamRange {
	r := StreamRange{m: m, blockList: s.blockList, last: s.Last, from: from, to: to, reverse: true, rank: -1}
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
				r.it.b, r.rank = nil, r.ranks()
				break
			}
			if !deleted && !id.Less(r.from) {
				return r.it.entry(at), true
			}
		}
		if r.rank >= r.ranks() {
			return StreamEntry{}, false
		}
		r.it = r.block(r.m, r.rank).entries()
		r.rank++
	}
}

func (r *StreamRange) prev() (StreamEntry, bool) {
	for len(r.places) == 0 {
		if r.rank < 0 || r.ranks() == 0 {
			return StreamEntry{}, false
		}
		b := r.block(r.m, r.rank)
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

// Count returns how many entries a range has that was just made, at most limit. Blocks that lie inside it aren't gone
// over.
func (r *StreamRange) Count(limit int) int {
	n := 0
	f := StreamRange{m: r.m, blockList: r.blockList, last: r.last, from: r.from, to: r.to}
	f.start()
	for n < limit {
		if f.it.next >= len(f.it.b) && f.rank < f.ranks() && f.inside(f.rank) {
			n += f.block(f.m, f.rank).live()
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
	if r.block(r.m, rank).base().Less(r.from) {
		return false
	}
	if rank+1 == r.ranks() {
		return !r.to.Less(r.last)
	}
	return !r.to.Less(r.block(r.m, rank+1).base())
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

// blockRef returns the ref of the block of a rank in the tree.
func (l *blockList) blockRef(m slab.Mem, rank int) slab.Ref {
	e, _ := l.blocks.At(m, rank)
	return readRef(e.Str[len(e.Str)-refSize:])
}

// block returns the block of a rank: those in the tree come first, then the tail.
func (l *blockList) block(m slab.Mem, rank int) block {
	if rank == l.blocks.Count {
		return l.tail
	}
	return openBlock(m, l.blockRef(m, rank))
}

// ranks returns how many blocks there are.
func (l *blockList) ranks() int {
	if l.tail == nil {
		return l.blocks.Count
	}
	return l.blocks.Count + 1
}

// rankOf returns the rank of the block that an ID lies in: the last one that doesn't start behind it, else the first.
func (l *blockList) rankOf(m slab.Mem, id StreamID) int {
	if l.tail != nil && !id.Less(l.tail.base()) {
		return l.blocks.Count
	}
	var key [maxIDKey]byte
	rank, exact := l.blocks.SeekPrefix(m, id.appendKey(key[:0]))
	if exact || rank == 0 {
		return rank
	}
	return rank - 1
}
