package value

import (
	"encoding/binary"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/slab"
)

// StreamPending is an entry that was delivered to a consumer, who hasn't acknowledged it. The stream may have lost it
// since.
type StreamPending struct {
	ID       StreamID
	Consumer uint64 // its number
	Time     int64  // when it was delivered last, Unix time in milliseconds
	Count    int64  // how many times it was
}

func (g *StreamGroup) pendingKey(dst []byte, id StreamID) []byte {
	return id.appendKey(g.under(dst, isPending))
}

func (g *StreamGroup) ownedKey(dst []byte, consumer uint64, id StreamID) []byte {
	return id.appendKey(appendKeyNumber(g.under(dst, isOwned), consumer))
}

// pendingElem appends the element of a pending entry.
func (g *StreamGroup) pendingElem(dst []byte, p *StreamPending) []byte {
	dst = binary.AppendUvarint(g.pendingKey(dst, p.ID), p.Consumer)
	return binary.AppendUvarint(binary.AppendVarint(dst, p.Time), uint64(p.Count))
}

func pendingOf(id StreamID, payload []byte) StreamPending {
	consumer, n := uvarint(payload)
	at, k := binary.Varint(payload[n:])
	count, _ := uvarint(payload[n+k:])
	return StreamPending{id, consumer, at, int64(count)}
}

// PendingCount returns how many entries a group has pending.
func (s *Stream) PendingCount(m slab.Mem, g *StreamGroup) int {
	from, to := s.part(m, g, isPending)
	return to - from
}

// OwnedCount returns how many entries a consumer has pending.
func (s *Stream) OwnedCount(m slab.Mem, g *StreamGroup, consumer uint64) int {
	var key keyBuffer
	from, _ := s.groups.Seek(m, appendKeyNumber(g.under(key[:0], isOwned), consumer))
	to, _ := s.groups.Seek(m, appendKeyNumber(g.under(key[:0], isOwned), consumer+1))
	return to - from
}

// Pending returns a pending entry of a group.
func (s *groupList) Pending(m slab.Mem, g *StreamGroup, id StreamID) (StreamPending, bool) {
	var key keyBuffer
	_, payload, ok := s.lookup(m, g.pendingKey(key[:0], id))
	if !ok {
		return StreamPending{}, false
	}
	return pendingOf(id, payload), true
}

// LastPending returns the pending entry of a group that has the greatest ID.
func (s *Stream) LastPending(m slab.Mem, g *StreamGroup) (StreamPending, bool) {
	from, to := s.part(m, g, isPending)
	if from == to {
		return StreamPending{}, false
	}
	return g.readPending(s.elem(m, to-1)), true
}

// readPending reads the element of a pending entry.
func (g *StreamGroup) readPending(b []byte) StreamPending {
	_, n := keyNumber(b)
	b = b[n+1:]
	id, n := idKey(b)
	return pendingOf(id, b[n:])
}

// PendingRange is the pending entries of a group, or of one of its consumers, in the order of their IDs. It is good
// until the stream changes.
type PendingRange struct {
	m slab.Mem
	groupList
	g     StreamGroup
	owned bool
	at    btree.Cursor
	left  int
}

// PendingFrom returns what a group has pending from an ID on.
func (s *Stream) PendingFrom(m slab.Mem, g *StreamGroup, from StreamID) PendingRange {
	var key keyBuffer
	rank, _ := s.groups.Seek(m, g.pendingKey(key[:0], from))
	end, _ := s.groups.Seek(m, g.under(key[:0], isPending+1))
	return PendingRange{m: m, groupList: s.groupList, g: *g, at: s.groups.Cursor(m, rank), left: end - rank}
}

// OwnedFrom returns what a consumer has pending from an ID on.
func (s *Stream) OwnedFrom(m slab.Mem, g *StreamGroup, consumer uint64, from StreamID) PendingRange {
	var key keyBuffer
	rank, _ := s.groups.Seek(m, g.ownedKey(key[:0], consumer, from))
	end, _ := s.groups.Seek(m, appendKeyNumber(g.under(key[:0], isOwned), consumer+1))
	return PendingRange{m: m, groupList: s.groupList, g: *g, owned: true, at: s.groups.Cursor(m, rank), left: end - rank}
}

// Next returns the next pending entry.
func (r *PendingRange) Next() (StreamPending, bool) {
	if r.left <= 0 {
		return StreamPending{}, false
	}
	r.left--
	e, ok := r.at.Next()
	if !ok {
		return StreamPending{}, false
	}
	b := btree.Bytes(r.m, e)
	if !r.owned {
		return r.g.readPending(b), true
	}
	_, n := keyNumber(b)
	_, k := keyNumber(b[n+1:])
	id, _ := idKey(b[n+1+k:])
	return r.Pending(r.m, &r.g, id)
}

// Deliver makes an entry pending for p.Consumer, whoever had it before. fresh says that nobody did.
func (s *Stream) Deliver(h *Heap, g *StreamGroup, p StreamPending, fresh bool) error {
	var key keyBuffer
	if !fresh {
		rank, payload, ok := s.lookup(h.Mem, g.pendingKey(key[:0], p.ID))
		if ok {
			return s.redeliver(h, g, &p, rank, pendingOf(p.ID, payload).Consumer)
		}
	}
	owned := g.ownedKey(key[:0], p.Consumer, p.ID)
	rank, added, err := s.groups.Insert(h.Slab, owned)
	if err != nil {
		return err
	}
	if _, _, err = s.groups.Insert(h.Slab, g.pendingElem(key[:0], &p)); err != nil && added {
		_ = s.groups.DeleteRange(h.Slab, rank, 1)
	}
	return err
}

// redeliver keeps what has changed of the pending entry of a rank.
func (s *Stream) redeliver(h *Heap, g *StreamGroup, p *StreamPending, rank int, before uint64) error {
	var key keyBuffer
	if before == p.Consumer {
		return s.groups.Set(h.Slab, rank, g.pendingElem(key[:0], p))
	}
	// Elements of owners come behind those of pending entries, so the rank stays.
	if _, _, err := s.groups.Insert(h.Slab, g.ownedKey(key[:0], p.Consumer, p.ID)); err != nil {
		return err
	}
	if err := s.groups.Set(h.Slab, rank, g.pendingElem(key[:0], p)); err != nil {
		_, _, _ = s.groups.Delete(h.Slab, g.ownedKey(key[:0], p.Consumer, p.ID))
		return err
	}
	_, _, err := s.groups.Delete(h.Slab, g.ownedKey(key[:0], before, p.ID))
	return err
}

// Ack takes an entry from what is pending, and says whether it was.
func (s *Stream) Ack(h *Heap, g *StreamGroup, id StreamID) (bool, error) {
	var key keyBuffer
	rank, payload, ok := s.lookup(h.Mem, g.pendingKey(key[:0], id))
	if !ok {
		return false, nil
	}
	consumer := pendingOf(id, payload).Consumer
	// Whom nothing leads to first: what is left after a failure is still pending, and can be acknowledged again.
	if _, _, err := s.groups.Delete(h.Slab, g.ownedKey(key[:0], consumer, id)); err != nil {
		return false, err
	}
	if err := s.groups.DeleteRange(h.Slab, rank, 1); err != nil {
		return false, err
	}
	return true, nil
}

// # Lag
//
// How many entries a group has not read yet can't be counted where entries were deleted. Redis counts what a group has
// read as it goes, and finds the count again where the ID tells it: at the first and the last entry.

// Lag returns how many entries of the stream the group has not read yet, and whether that is known. first is the ID of
// the stream's first entry, zero if it is empty.
func (s *Stream) Lag(g *StreamGroup, first StreamID) (int64, bool) {
	if s.Added == 0 {
		return 0, true
	}
	read := g.Read
	if read == UnknownRead || s.deletedFrom(g.Last, first) {
		if read = s.readAt(g.Last, first); read == UnknownRead {
			return 0, false
		}
	}
	return int64(s.Added) - read, true
}

// NoteRead counts an entry that is delivered to a group for the first time.
func (s *Stream) NoteRead(g *StreamGroup, id, first StreamID) {
	if !g.Last.Less(id) {
		return
	}
	if g.Read != UnknownRead && !s.deletedFrom(id, first) {
		g.Read++
	} else if s.Added != 0 {
		g.Read = s.readAt(id, first)
	}
	g.Last = id
}

// deletedFrom says that an entry may have been deleted that is not before an ID, and is not before all others.
func (s *Stream) deletedFrom(id, first StreamID) bool {
	if s.Len == 0 || s.Deleted == (StreamID{}) || s.Deleted.Less(first) {
		return false
	}
	return !s.Deleted.Less(id)
}

// readAt returns how many entries have been read by who has read up to an ID, or UnknownRead.
func (s *Stream) readAt(id, first StreamID) int64 {
	if s.Added == 0 {
		return 0
	}
	last := id.Compare(s.Last)
	switch {
	case last == 0, s.Len == 0 && last < 0:
		return int64(s.Added)
	case last > 0:
		return UnknownRead
	}
	if s.Deleted == (StreamID{}) || s.Deleted.Less(first) {
		switch id.Compare(first) {
		case -1:
			return int64(s.Added) - int64(s.Len)
		case 0:
			return int64(s.Added) - int64(s.Len) + 1
		}
	}
	return UnknownRead
}
