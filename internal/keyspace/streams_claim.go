package keyspace

import (
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/value"
)

// StreamClaim says how a consumer takes over pending entries.
type StreamClaim struct {
	MinIdle int64          // only entries that were delivered so many milliseconds ago, or before
	Time    int64          // when they count as delivered, Unix time in milliseconds; below 0, or in the future, is now
	Count   int64          // how many times they count as delivered, below 0 for once more
	Force   bool           // make entries pending that aren't
	JustID  bool           // the entries aren't delivered by it, so that isn't counted
	Last    value.StreamID // the group has read up to there, at least
}

// GroupClaim makes pending entries those of a consumer, which is made if it isn't there. It appends to dst the IDs of
// the entries that it did so with. Those that the stream has lost are no longer pending.
func (db *DB) GroupClaim(dst []value.StreamID, h uint64, key, group, consumer []byte, ids []value.StreamID,
	o *StreamClaim) ([]value.StreamID, error) {
	e, err := db.editGroup(h, key, group, errs.NoGroup)
	if err != nil {
		return dst, err
	}
	claimed := dst
	moved := e.g.Last.Less(o.Last)
	if moved {
		e.g.Last = o.Last
	}
	c, err := e.consumer(consumer)
	cl := claimer{groupEdit: &e, c: &c, o: o, at: o.Time}
	if cl.at < 0 || cl.at > c.Seen {
		cl.at = c.Seen
	}
	for i := 0; i < len(ids) && err == nil; i++ {
		p, pending := e.s.Pending(db.Heap().Mem, &e.g, ids[i])
		var did bool
		if did, _, err = cl.claim(ids[i], p, pending); did {
			claimed = append(claimed, ids[i])
		}
	}
	if err == nil && moved {
		err = e.s.SetGroup(db.Heap(), group, &e.g)
	}
	if err == nil {
		err = e.s.SetConsumer(db.Heap(), &e.g, consumer, &c)
	}
	return claimed, e.keepQuietly(err)
}

// claimer takes over pending entries.
type claimer struct {
	*groupEdit
	c  *value.StreamConsumer
	o  *StreamClaim
	at int64
}

// claim takes over an entry, pending as p if it is pending, and says whether it did, or whether the stream has lost it.
func (cl *claimer) claim(id value.StreamID, p value.StreamPending, pending bool) (did, lost bool, err error) {
	h := cl.db.Heap()
	if !cl.s.Has(h.Mem, id) {
		if pending {
			_, err = cl.s.Ack(h, &cl.g, id)
		}
		return false, true, err
	}
	switch {
	case !pending && !cl.o.Force:
		return false, false, nil
	case !pending:
		p = value.StreamPending{ID: id, Count: 1}
	case cl.o.MinIdle > 0 && cl.c.Seen-p.Time < cl.o.MinIdle:
		return false, false, nil
	}
	p.Consumer, p.Time = cl.c.Number, cl.at
	if cl.o.Count >= 0 {
		p.Count = cl.o.Count
	} else if !cl.o.JustID {
		p.Count++
	}
	if err := cl.s.Deliver(h, &cl.g, p, !pending); err != nil {
		return false, false, err
	}
	cl.c.Active = cl.c.Seen
	return true, false, nil
}

// AutoClaimed is what a GroupAutoClaim did.
type AutoClaimed struct {
	Claimed []value.StreamID
	Lost    []value.StreamID // what the stream has lost: no longer pending
	Next    value.StreamID   // where to go on, zero at the end
}

// GroupAutoClaim goes over what is pending in a group, from an ID on, and makes up to count entries that are idle for
// long enough those of a consumer, which is made if it isn't there. r has the slices to append to.
func (db *DB) GroupAutoClaim(r AutoClaimed, h uint64, key, group, consumer []byte, from value.StreamID, count int64,
	o *StreamClaim) (AutoClaimed, error) {
	const attemptsEach = 10 // entries that are looked at for each that may be claimed
	e, err := db.editGroup(h, key, group, errs.NoGroup)
	if err != nil {
		return r, err
	}
	c, err := e.consumer(consumer)
	cl := claimer{groupEdit: &e, c: &c, o: o, at: c.Seen}
	heap := db.Heap()
	next, more := from, true
	for attempts := count * attemptsEach; err == nil && attempts > 0 && count > 0 && more; attempts-- {
		// What was claimed may have moved in the tree, so each entry is found anew.
		pending := e.s.PendingFrom(heap.Mem, &e.g, next)
		p, ok := pending.Next()
		if !ok {
			more = false
			break
		}
		var did, lost bool
		if did, lost, err = cl.claim(p.ID, p, true); err != nil {
			break
		}
		if lost {
			r.Lost = append(r.Lost, p.ID)
		} else if did {
			r.Claimed = append(r.Claimed, p.ID)
		}
		if did || lost {
			count--
		}
		next, more = p.ID.Next()
	}
	r.Next = value.StreamID{}
	if more && err == nil {
		pending := e.s.PendingFrom(heap.Mem, &e.g, next)
		if p, ok := pending.Next(); ok {
			r.Next = p.ID
		}
	}
	if err == nil {
		err = e.s.SetConsumer(heap, &e.g, consumer, &c)
	}
	return r, e.keepQuietly(err)
}
