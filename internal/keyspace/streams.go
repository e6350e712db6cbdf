package keyspace

import (
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/value"
)

// The operations on streams that change a key; streams_group.go has those of consumer groups. What only reads opens the
// stream of an Item and asks it.

// Stream opens the stream of a key for reading, an empty one for an absent key. It is good until the DB changes.
// Another kind of value is errs.WrongType.
func (it Item) Stream() (value.Stream, error) {
	raw, err := it.As(Stream)
	if err != nil || !it.Found() {
		return value.Stream{}, err
	}
	return value.OpenStream(it.db.shard.slab.Mem, raw), nil
}

// streamEdit is a key whose stream is being changed.
type streamEdit struct {
	db  *DB
	h   uint64
	key []byte
	it  Item
	s   value.Stream
}

// open looks the key up, to make a zero e a change of it.
func (e *streamEdit) open(db *DB, h uint64, key []byte) error {
	e.db, e.h, e.key = db, h, key
	e.it = db.Look(h, key)
	raw, err := e.it.As(Stream)
	if err == nil {
		e.s.Open(db.shard.slab.Mem, raw)
	}
	return err
}

// keep stores what has become of the stream, and returns the error that ended the operation, or its own.
func (e *streamEdit) keep(ev Event, failed error) error {
	if err := e.store(); err != nil {
		return err
	}
	e.db.touch(e.key, ev)
	return failed
}

// keepQuietly is keep without an announcement: who watches a stream, or waits for it, does not care for what consumers
// have pending.
func (e *streamEdit) keepQuietly(failed error) error {
	if err := e.store(); err != nil {
		return err
	}
	e.db.shard.Stats.Changes++
	e.db.shard.note()
	return failed
}

func (e *streamEdit) store() error {
	raw, large := e.s.Raw(e.db.Heap())
	return e.db.hold(e.h, e.key, e.it, Stream, raw, large, update)
}

// StreamAdd says how an entry is added. The zero value gives it an ID by the clock.
type StreamAdd struct {
	ID        value.StreamID
	Given     bool // the entry gets that ID
	ChooseSeq bool // with Given: of the ID only the time
	NoMake    bool // not if the key is absent
	Trim      value.StreamTrim
}

// StreamAdd adds an entry, fields and values in turn, to a stream, and returns its ID, and whether it was added: with
// NoMake it isn't if there is no stream. An ID that is not greater than all before is errs.StreamIDLow. On an error the
// stream is as it was, or, if the system gave no memory, the entry was added and only not all was trimmed.
func (db *DB) StreamAdd(h uint64, key []byte, pairs [][]byte, o *StreamAdd) (id value.StreamID, added bool, err error) {
	var e streamEdit
	if err = e.open(db, h, key); err != nil || o.NoMake && !e.it.Found() {
		return id, false, err
	}
	if id, err = e.nextID(o); err != nil {
		return id, false, err
	}
	size := int64(0)
	for _, b := range pairs {
		size += int64(len(b))
	}
	if size > maxEntry {
		return id, false, errs.StreamTooLarge
	}
	if err := e.s.Append(db.Heap(), id, pairs); err != nil {
		if e.it.Found() {
			return id, false, e.keepQuietly(err)
		}
		return id, false, err
	}
	trimmed, err := e.s.Trim(db.Heap(), &o.Trim)
	err = e.keep(EventXAdd, err)
	if trimmed > 0 {
		db.tell(key, EventXTrim)
	}
	return id, err == nil, err
}

// maxEntry is the most that the fields and values of an entry may take.
const maxEntry = 1 << 30

// nextID returns the ID of the entry that is to be added.
func (e *streamEdit) nextID(o *StreamAdd) (value.StreamID, error) {
	last := e.s.Last
	if last == value.MaxStreamID {
		return last, errs.StreamFull
	}
	id := o.ID
	ok := true
	switch {
	case !o.Given:
		if id = (value.StreamID{Ms: uint64(max(e.db.Now(), 0))}); id.Ms <= last.Ms {
			id, ok = last.Next()
		}
	case o.ChooseSeq && id.Ms == last.Ms:
		id.Seq = last.Seq + 1
	case o.ChooseSeq:
		id.Seq = 0
	}
	if !ok || !last.Less(id) {
		return id, errs.StreamIDLow
	}
	return id, nil
}

// StreamDelete deletes entries and returns how many there were.
func (db *DB) StreamDelete(h uint64, key []byte, ids []value.StreamID) (deleted int, err error) {
	var e streamEdit
	if err = e.open(db, h, key); err != nil || !e.it.Found() {
		return 0, err
	}
	for i := 0; i < len(ids) && err == nil; i++ {
		var did bool
		if did, err = e.s.Delete(db.Heap(), ids[i]); did {
			deleted++
		}
	}
	if deleted > 0 {
		return deleted, e.keep(EventXDel, err)
	}
	if err != nil {
		err = e.keepQuietly(err)
	}
	return deleted, err
}

// StreamTrim removes entries from the start of a stream and returns how many.
func (db *DB) StreamTrim(h uint64, key []byte, t *value.StreamTrim) (removed int, err error) {
	var e streamEdit
	if err = e.open(db, h, key); err != nil || !e.it.Found() {
		return 0, err
	}
	removed, err = e.s.Trim(db.Heap(), t)
	if removed > 0 {
		return removed, e.keep(EventXTrim, err)
	}
	if err != nil {
		err = e.keepQuietly(err)
	}
	return removed, err
}

// StreamSetID is what a stream is to take for its history.
type StreamSetID struct {
	Last    value.StreamID
	Added   int64          // how many entries were ever added, -1 to leave it
	Deleted value.StreamID // the greatest ID that was deleted, zero to leave it
}

// StreamSetID sets the last ID of a stream, and more of its history. What contradicts its entries is an error, an
// absent key errs.NoSuchKey.
func (db *DB) StreamSetID(h uint64, key []byte, o *StreamSetID) error {
	var e streamEdit
	err := e.open(db, h, key)
	switch {
	case err != nil:
		return err
	case !e.it.Found():
		return errs.NoSuchKey
	case o.Last.Less(e.s.Deleted):
		return errs.StreamBelowDeleted
	}
	if e.s.Len > 0 {
		top, _ := e.s.Final(e.it.View().Mem)
		if o.Last.Less(top.ID) {
			return errs.StreamBelowTop
		}
		if o.Added != -1 && int64(e.s.Len) > o.Added {
			return errs.StreamAddedLow
		}
	}
	e.s.Last = o.Last
	if o.Added != -1 {
		e.s.Added = uint64(o.Added)
	}
	if o.Deleted != (value.StreamID{}) {
		e.s.Deleted = o.Deleted
	}
	return e.keep(EventXSetID, nil)
}
