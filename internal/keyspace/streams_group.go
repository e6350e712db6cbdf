package keyspace

import (
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/value"
)

// Consumer groups. A group or key that is absent is errs.NoGroup, but where NoSuchKey is named.

// groupEdit is a group that is being changed.
type groupEdit struct {
	streamEdit
	name []byte
	g    value.StreamGroup
}

// editGroup finds a group. An absent key is missing.
func (db *DB) editGroup(h uint64, key, name []byte, missing error) (e groupEdit, err error) {
	e.name = name
	if err = e.streamEdit.open(db, h, key); err != nil {
		return e, err
	}
	if !e.it.Found() {
		return e, missing
	}
	g, ok := e.s.Group(db.shard.slab.Mem, name)
	if !ok {
		return e, errs.NoGroup
	}
	e.g = g
	return e, nil
}

// consumer returns a consumer of the group, which is made and announced if it isn't there, as seen now.
func (e *groupEdit) consumer(name []byte) (value.StreamConsumer, error) {
	h, now := e.db.Heap(), e.db.Now()
	c, ok := e.s.Consumer(h.Mem, &e.g, name)
	if ok {
		c.Seen = now
		return c, nil
	}
	c, err := e.s.AddConsumer(h, e.name, &e.g, name, now)
	if err == nil {
		e.db.tell(e.key, EventXGroupCreateConsumer)
	}
	return c, err
}

// GroupStart says where a group begins to read.
type GroupStart struct {
	After  value.StreamID
	Latest bool  // after the stream's last entry, in place of After
	Read   int64 // how many entries were added up to there, or value.UnknownRead
}

func (o *GroupStart) after(s *value.Stream) value.StreamID {
	if o.Latest {
		return s.Last
	}
	return o.After
}

// GroupCreate makes a group. An absent key is errs.NoSuchKey, unless makeStream says to make an empty stream; a group
// of that name is errs.GroupExists.
func (db *DB) GroupCreate(h uint64, key, name []byte, o *GroupStart, makeStream bool) error {
	var e streamEdit
	if err := e.open(db, h, key); err != nil {
		return err
	}
	if !e.it.Found() && !makeStream {
		return errs.NoSuchKey
	}
	if _, ok := e.s.Group(db.Heap().Mem, name); ok {
		return errs.GroupExists
	}
	if err := e.s.AddGroup(db.Heap(), name, o.after(&e.s), o.Read); err != nil {
		return err
	}
	event := EventXGroupCreate
	if !e.it.Found() {
		event = EventXGroupMake
	}
	return e.keep(event, nil)
}

// GroupSetID sets where a group goes on reading. An absent key is errs.NoSuchKey.
func (db *DB) GroupSetID(h uint64, key, name []byte, o *GroupStart) error {
	e, err := db.editGroup(h, key, name, errs.NoSuchKey)
	if err != nil {
		return err
	}
	e.g.Last, e.g.Read = o.after(&e.s), o.Read
	return e.keep(EventXGroupSetID, e.s.SetGroup(db.Heap(), name, &e.g))
}

// GroupDestroy removes a group with what is pending, and says whether there was one. An absent key is errs.NoSuchKey.
func (db *DB) GroupDestroy(h uint64, key, name []byte) (bool, error) {
	e, err := db.editGroup(h, key, name, errs.NoSuchKey)
	if err != nil {
		if err == errs.NoGroup {
			err = nil
		}
		return false, err
	}
	err = e.keep(EventXGroupDestroy, e.s.RemoveGroup(db.Heap(), name, &e.g))
	return err == nil, err
}

// ConsumerCreate makes a consumer and says whether there was none. An absent key is errs.NoSuchKey.
func (db *DB) ConsumerCreate(h uint64, key, group, name []byte) (bool, error) {
	e, err := db.editGroup(h, key, group, errs.NoSuchKey)
	if err != nil {
		return false, err
	}
	if _, ok := e.s.Consumer(db.Heap().Mem, &e.g, name); ok {
		return false, nil
	}
	_, err = e.consumer(name)
	err = e.keepQuietly(err)
	return err == nil, err
}

// ConsumerDelete removes a consumer with what it has pending, and returns how much that was. An absent key is
// errs.NoSuchKey.
func (db *DB) ConsumerDelete(h uint64, key, group, name []byte) (pending int, err error) {
	e, err := db.editGroup(h, key, group, errs.NoSuchKey)
	if err != nil {
		return 0, err
	}
	c, ok := e.s.Consumer(db.Heap().Mem, &e.g, name)
	if !ok {
		return 0, nil
	}
	pending, err = e.s.RemoveConsumer(db.Heap(), &e.g, name, &c)
	return pending, e.keep(EventXGroupDelConsumer, err)
}

// Delivery says which entries a consumer was given: the first Count of those after After, of the stream or, with
// History, of what the consumer has pending. They are there to be read until the DB changes.
type Delivery struct {
	After   value.StreamID
	Count   int
	History bool
}

// GroupRead gives a consumer up to count entries, 0 for any number, that the group has not read yet. They become
// pending, unless noAck says that they needn't be acknowledged. The consumer is made if it isn't there.
func (db *DB) GroupRead(h uint64, key, group, consumer []byte, count int, noAck bool) (d Delivery, err error) {
	e, err := db.editGroup(h, key, group, errs.NoGroup)
	if err != nil {
		return d, err
	}
	c, err := e.consumer(consumer)
	if err == nil {
		d.After = e.g.Last
		d.Count, err = e.deliver(&c, count, noAck)
		if d.Count > 0 && err == nil {
			err = e.s.SetGroup(db.Heap(), group, &e.g)
		}
		if err == nil {
			err = e.s.SetConsumer(db.Heap(), &e.g, consumer, &c)
		}
	}
	return d, e.keepQuietly(err)
}

// deliver makes what the group has not read pending for a consumer and returns how many entries that are.
func (e *groupEdit) deliver(c *value.StreamConsumer, count int, noAck bool) (n int, err error) {
	after, ok := e.g.Last.Next()
	if !ok {
		return 0, nil
	}
	heap := e.db.Heap()
	r := e.s.Range(heap.Mem, after, value.MaxStreamID)
	entry, ok := r.Next()
	if !ok {
		return 0, nil
	}
	first, _ := e.s.First(heap.Mem)
	newest, pending := e.s.LastPending(heap.Mem, &e.g)
	for ; ok && (count == 0 || n < count); entry, ok = r.Next() {
		if !noAck {
			p := value.StreamPending{ID: entry.ID, Consumer: c.Number, Time: c.Seen, Count: 1}
			if err := e.s.Deliver(heap, &e.g, p, !pending || newest.ID.Less(entry.ID)); err != nil {
				return n, err
			}
			c.Active = c.Seen
		}
		e.s.NoteRead(&e.g, entry.ID, first.ID)
		n++
	}
	return n, nil
}

// GroupHistory gives a consumer up to count entries, 0 for any number, of those after an ID that it has pending, once
// more. Of those that the stream has lost only the IDs are left. The consumer is made if it isn't there.
func (db *DB) GroupHistory(h uint64, key, group, consumer []byte, after value.StreamID, count int) (
	d Delivery, err error) {
	d = Delivery{After: after, History: true}
	e, err := db.editGroup(h, key, group, errs.NoGroup)
	if err != nil {
		return d, err
	}
	c, err := e.consumer(consumer)
	heap := db.Heap()
	for err == nil && (count == 0 || d.Count < count) {
		from, ok := after.Next()
		if !ok {
			break
		}
		r := e.s.OwnedFrom(heap.Mem, &e.g, c.Number, from)
		p, ok := r.Next()
		if !ok {
			break
		}
		after = p.ID
		d.Count++
		if e.s.Has(heap.Mem, p.ID) {
			p.Time = c.Seen
			p.Count++
			err = e.s.Deliver(heap, &e.g, p, false)
		}
	}
	if err == nil {
		err = e.s.SetConsumer(heap, &e.g, consumer, &c)
	}
	return d, e.keepQuietly(err)
}

// GroupAck takes entries from what is pending in a group and returns how many were.
func (db *DB) GroupAck(h uint64, key, group []byte, ids []value.StreamID) (acked int, err error) {
	e, err := db.editGroup(h, key, group, errs.NoGroup)
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(ids) && err == nil; i++ {
		var did bool
		if did, err = e.s.Ack(db.Heap(), &e.g, ids[i]); did {
			acked++
		}
	}
	if acked > 0 || err != nil {
		err = e.keepQuietly(err)
	}
	return acked, err
}
