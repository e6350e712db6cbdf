package keyspace

import (
	"bytes"
	"errors"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// The operations on hashes. Commands and the Go API share them; those on the times of fields are in hashes_ttl.go.

// OpenHash makes a zero x the hash of a key, an empty one for an absent key. It is good until the DB changes. Another kind
// of value is errs.WrongType.
func (it Item) OpenHash(x *value.Hash) error {
	raw, err := it.As(Hash)
	if err == nil && it.Found() {
		x.Open(*it.db.ViewOf(it.Kind()), raw)
	}
	return err
}

// AsHash is OpenHash that returns the hash.
func (it Item) AsHash() (x value.Hash, err error) {
	err = it.OpenHash(&x)
	return x, err
}

// OpenHash makes a zero x the hash of a key, an empty one for an absent key. It is good as long as the version. Another
// kind of value is errs.WrongType.
func (it FrozenItem) OpenHash(x *value.Hash) error {
	raw, err := it.As(Hash)
	if err == nil && it.Found() {
		x.Open(it.View(), raw)
	}
	return err
}

// HashGet returns the value of a field, and whether there is one; an absent key has none. The value may lie in buf, which
// has room for value.DigitsSize bytes. Another kind of value is errs.WrongType.
func (it Item) HashGet(field, buf []byte) (v []byte, found bool, err error) {
	raw, err := it.As(Hash)
	if len(raw) == 0 {
		return nil, false, err
	}
	v, found = value.HashGet(it.db.ViewOf(it.Kind()), raw, field, buf)
	return v, found, nil
}

// hashChange is a hash that is being changed.
type hashChange struct {
	value.HashEdit
	db      *DB
	h       uint64
	key     []byte
	it      Item
	changed bool
}

// begin makes a zero c a change of the hash of a key; timed says that fields may get a time of expiry. An error means that
// nothing has changed.
func (c *hashChange) begin(db *DB, h uint64, key []byte, timed bool) error {
	it := db.Look(h, key)
	raw, err := it.As(Hash)
	if err == nil && it.large() {
		// From the first change of a node on there must be no way to fail to store what leads to it.
		if it, err = db.ownHash(it, timed); err == nil {
			raw = it.Value()
		}
	}
	if err != nil {
		return err
	}
	now := int64(0)
	if timed || it.Found() && it.Kind() == HashTTL {
		now = db.Now()
	}
	c.db, c.h, c.key, c.it = db, h, key, it
	c.Edit(&db.shard.heap, now, raw)
	return nil
}

// ownHash makes the cell of a large hash private, and large enough for the times of fields.
func (db *DB) ownHash(it Item, timed bool) (Item, error) {
	n := len(it.Value())
	if !timed || n >= value.LargeTimedSize {
		return db.ownCell(it)
	}
	c := table.Cell{Kind: it.slot.Kind(), Mark: it.Mark(), Access: it.slot.Access(), Expiry: it.ExpireAt()}
	_, it, err := db.replace(it, value.LargeTimedSize, c, edit)
	return it, err
}

// keep stores what an operation has made of a hash and announces it, if it changed it. fault is the operation's own
// error and is returned. A hash that can't be stored is as it was; that never happens to one that was large.
func (c *hashChange) keep(e Event, fault error) (kept bool, err error) {
	if !c.changed && !c.Moved() {
		return true, fault
	}
	raw, large, kind := c.Raw()
	switch {
	case c.it.large() && bytes.Equal(raw, c.it.Value()):
		// Only nodes have changed, in place.
		if c.changed {
			c.db.noteAccess(c.it)
			c.db.touch(c.key, e)
		}
	case c.changed:
		err = c.db.Keep(c.h, c.key, c.it, kind, raw, large, e)
	case c.it.large():
		err = c.db.hold(c.h, c.key, c.it, kind, raw, large, update)
	default:
		err = fault // one that was made large in vain
	}
	if large && !c.it.large() && (err != nil || !c.changed) {
		c.db.Abandon(kind, raw, large)
	}
	if err != nil {
		return false, err
	}
	return true, fault
}

// noteAccess notes that a key was used.
func (db *DB) noteAccess(it Item) {
	if a := db.shard.Clock.access(); it.slot.Access() != a {
		db.t.SetIfPrivate(it.hash, it.pos, it.slot.WithAccess(a))
	}
}

// HashSet gives fields of a hash their values, given as pairs, and returns how many of them weren't there. After an
// error for want of memory some may be set.
func (db *DB) HashSet(h uint64, key []byte, pairs [][]byte) (created int, err error) {
	var c hashChange
	if err := c.begin(db, h, key, false); err != nil {
		return 0, err
	}
	err = c.Fits(pairs)
	for i := 0; i+1 < len(pairs) && err == nil; i += 2 {
		c.Ahead(i/2, len(pairs)/2, func(i int) []byte { return pairs[2*i] })
		var existed bool
		if existed, err = c.Set(pairs[i], pairs[i+1], 0); err != nil {
			break
		}
		c.changed = true
		if !existed {
			created++
		}
	}
	if kept, err := c.keep(EventHSet, err); !kept {
		return 0, err
	}
	return created, err
}

// HashSetNX gives a field a value if it isn't there, and says whether it did.
func (db *DB) HashSetNX(h uint64, key, field, v []byte) (bool, error) {
	var c hashChange
	if err := c.begin(db, h, key, false); err != nil {
		return false, err
	}
	var buf [value.DigitsSize]byte
	if _, _, ok := c.Get(field, buf[:]); ok {
		return false, nil
	}
	_, err := c.Set(field, v, 0)
	c.changed = err == nil
	_, err = c.keep(EventHSet, err)
	return err == nil, err
}

// HashDelete removes fields and returns how many of them were there. The key goes with the last one.
func (db *DB) HashDelete(h uint64, key []byte, fields [][]byte) (removed int, err error) {
	var c hashChange
	if err := c.begin(db, h, key, false); err != nil || !c.it.Found() {
		return 0, err
	}
	for i := 0; i < len(fields) && err == nil; i++ {
		c.Ahead(i, len(fields), func(i int) []byte { return fields[i] })
		var was bool
		if was, err = c.Delete(fields[i]); was {
			removed++
			c.changed = true
		}
	}
	if kept, err := c.keep(EventHDel, err); !kept {
		return 0, err
	}
	return removed, err
}

// HashIncrBy adds to the integer that a field holds, 0 if it is absent, and returns the sum. The field's time of expiry
// stays.
func (db *DB) HashIncrBy(h uint64, key, field []byte, by int64) (int64, error) {
	var c hashChange
	if err := c.begin(db, h, key, false); err != nil {
		return 0, err
	}
	var buf [value.DigitsSize]byte
	n := int64(0)
	if old, _, ok := c.Get(field, buf[:]); ok {
		if n, ok = num.ParseInt(old); !ok {
			return 0, errs.HashNotInteger
		}
	}
	n, ok := value.AddInt(n, by)
	if !ok {
		return 0, errs.Overflow
	}
	_, err := c.Set(field, num.AppendInt(buf[:0], n), value.KeepTime)
	c.changed = err == nil
	if _, err = c.keep(EventHIncrBy, err); err != nil {
		return 0, err
	}
	return n, nil
}

// HashIncrByFloat adds a decimal number to the one that a field holds, 0 if it is absent, and appends the sum to dst as
// it is stored from then on. The field's time of expiry stays.
func (db *DB) HashIncrByFloat(dst []byte, h uint64, key, field, by []byte) ([]byte, error) {
	var c hashChange
	if err := c.begin(db, h, key, false); err != nil {
		return dst, err
	}
	var buf [value.DigitsSize]byte
	old, _, ok := c.Get(field, buf[:])
	if !ok {
		old = append(buf[:0], '0')
	}
	start := len(dst)
	sum, err := num.IncrFloat(dst, old, by)
	switch {
	case errors.Is(err, num.ErrNaNOrInfinity):
		return dst, errs.NaN
	case errors.Is(err, num.ErrIncrementFloat):
		return dst, errs.NotFloat
	case err != nil:
		return dst, errs.HashNotFloat
	}
	_, err = c.Set(field, sum[start:], value.KeepTime)
	c.changed = err == nil
	if _, err = c.keep(EventHIncrByFloat, err); err != nil {
		return dst, err
	}
	return sum, nil
}
