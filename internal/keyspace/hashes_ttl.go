package keyspace

import "github.com/darterdb/darter/internal/value"

// The operations on the times of expiry of fields. A time is Unix milliseconds.
//
// A field whose time has come is absent for every operation. It is removed when the expiry index comes by, or when its
// whole key goes; nothing else announces that it is gone.

// MaxFieldTime is the latest time that a field can expire at.
const MaxFieldTime = (1<<48 - 2) >> 2

// FieldResult says what became of a field whose time was to change.
type FieldResult int8

const (
	FieldAbsent  FieldResult = -2
	FieldNoTime  FieldResult = -1 // it has no time of expiry that could be taken away
	FieldRefused FieldResult = 0  // the condition forbids it
	FieldChanged FieldResult = 1
	FieldDeleted FieldResult = 2 // the time had come already
)

// refuses says whether a field's own time of expiry, 0 for none, forbids another. Of the flags at most one is set.
func (f ExpireFlags) refuses(old, at int64) bool {
	switch f {
	case ExpireNX:
		return old != 0
	case ExpireXX:
		return old == 0
	case ExpireGT:
		return old == 0 || at <= old
	case ExpireLT:
		return old != 0 && at >= old
	}
	return false
}

// HashExpire gives fields a time of expiry and passes on what became of each, in order. A time that has come removes
// them. After an error for want of memory the first ones may be changed.
func (db *DB) HashExpire(
	h uint64, key []byte, fields [][]byte, at int64, cond ExpireFlags, fn func(FieldResult),
) (err error) {
	var c hashChange
	if err := c.begin(db, h, key, true); err != nil {
		return err
	}
	past := at <= c.Now()
	set, deleted := false, false
	var buf [value.DigitsSize]byte
	for i := 0; i < len(fields) && err == nil; i++ {
		_, old, ok := c.Get(fields[i], buf[:])
		r := FieldChanged
		switch {
		case !ok:
			r = FieldAbsent
		case cond.refuses(old, at):
			r = FieldRefused
		case past:
			r = FieldDeleted
			_, err = c.Delete(fields[i])
			deleted = deleted || err == nil
		default:
			_, err = c.SetTime(fields[i], at)
			set = set || err == nil
		}
		if err == nil {
			fn(r)
		}
	}
	_, err = c.keepTimes(set, EventHExpire, deleted, err)
	return err
}

// keepTimes is keep where fields have got or lost a time, and others were removed: one change with two events.
func (c *hashChange) keepTimes(set bool, e Event, deleted bool, fault error) (kept bool, err error) {
	c.changed = set || deleted
	if !set {
		return c.keep(EventHDel, fault)
	}
	if kept, err = c.keep(e, fault); kept && deleted {
		c.db.tell(c.key, EventHDel)
	}
	return kept, err
}

// HashPersist takes the times of expiry of fields away and passes on what became of each, in order.
func (db *DB) HashPersist(h uint64, key []byte, fields [][]byte, fn func(FieldResult)) (err error) {
	var c hashChange
	if err := c.begin(db, h, key, false); err != nil {
		return err
	}
	var buf [value.DigitsSize]byte
	for i := 0; i < len(fields) && err == nil; i++ {
		_, old, ok := c.Get(fields[i], buf[:])
		r := FieldChanged
		switch {
		case !ok:
			r = FieldAbsent
		case old == 0:
			r = FieldNoTime
		default:
			_, err = c.SetTime(fields[i], 0)
			c.changed = c.changed || err == nil
		}
		if err == nil {
			fn(r)
		}
	}
	_, err = c.keep(EventHPersist, err)
	return err
}

// HashSetOptions say more of a HashSetEx.
type HashSetOptions struct {
	NX, XX   bool  // only if none of the fields is there, or all are
	KeepTTL  bool  // fields keep the time of expiry that they have
	ExpireAt int64 // 0 for never; a time that has come removes the fields
}

// HashSetEx gives fields their values and a time of expiry, and says whether it did.
func (db *DB) HashSetEx(h uint64, key []byte, pairs [][]byte, o HashSetOptions) (bool, error) {
	var c hashChange
	if err := c.begin(db, h, key, o.ExpireAt != 0); err != nil {
		return false, err
	}
	var buf [value.DigitsSize]byte
	if o.NX || o.XX {
		for i := 0; i+1 < len(pairs); i += 2 {
			if _, _, ok := c.Get(pairs[i], buf[:]); ok == o.NX {
				return false, nil
			}
		}
	}
	if o.ExpireAt != 0 && o.ExpireAt <= c.Now() {
		return true, c.dropPairs(pairs)
	}
	at := o.ExpireAt
	if o.KeepTTL {
		at = value.KeepTime
	}
	err := c.Fits(pairs)
	for i := 0; i+1 < len(pairs) && err == nil; i += 2 {
		_, err = c.Set(pairs[i], pairs[i+1], at)
		c.changed = c.changed || err == nil
	}
	kept, err := c.keep(EventHSet, err)
	if err == nil && o.ExpireAt != 0 {
		db.tell(key, EventHExpire)
	}
	return kept && err == nil, err
}

// dropPairs removes the fields of pairs, which would have expired at once.
func (c *hashChange) dropPairs(pairs [][]byte) (err error) {
	for i := 0; i+1 < len(pairs) && err == nil; i += 2 {
		var was bool
		was, err = c.Delete(pairs[i])
		c.changed = c.changed || was
	}
	_, err = c.keep(EventHDel, err)
	return err
}

// HashGetDelete passes on the values of fields, in order, and removes them. The bytes are good for the call.
func (db *DB) HashGetDelete(h uint64, key []byte, fields [][]byte, fn func(v []byte, found bool)) error {
	drop := func(c *hashChange, field []byte, _ int64) (set, deleted bool, err error) {
		deleted, err = c.Delete(field)
		return false, deleted, err
	}
	return db.hashGet(h, key, fields, false, fn, drop)
}

// HashGetEx passes on the values of fields, in order, and changes their time of expiry: to none for persist, to that of
// at if it isn't 0. A time that has come removes them. The bytes are good for the call.
func (db *DB) HashGetEx(
	h uint64, key []byte, fields [][]byte, at int64, persist bool, fn func(v []byte, found bool),
) error {
	past := at != 0 && at <= db.Now()
	change := func(c *hashChange, field []byte, old int64) (set, deleted bool, err error) {
		switch {
		case past:
			deleted, err = c.Delete(field)
		case at != 0, persist && old != 0:
			_, err = c.SetTime(field, at)
			set = err == nil
		}
		return set, deleted, err
	}
	return db.hashGet(h, key, fields, at != 0, fn, change)
}

// hashGet passes on the values of fields and lets then change each that is there.
func (db *DB) hashGet(
	h uint64, key []byte, fields [][]byte, timed bool, fn func(v []byte, found bool),
	then func(c *hashChange, field []byte, old int64) (set, deleted bool, err error),
) (err error) {
	var c hashChange
	if err := c.begin(db, h, key, timed); err != nil {
		return err
	}
	buf := make([]byte, value.DigitsSize)
	anySet, anyDeleted := false, false
	for i := 0; i < len(fields); i++ {
		v, old, ok := c.Get(fields[i], buf)
		fn(v, ok)
		if !ok || err != nil {
			continue
		}
		var set, deleted bool
		set, deleted, err = then(&c, fields[i], old)
		anySet, anyDeleted = anySet || set, anyDeleted || deleted
	}
	e := EventHExpire
	if !timed {
		e = EventHPersist
	}
	_, err = c.keepTimes(anySet, e, anyDeleted, err)
	return err
}

// expireFields removes fields of a hash whose time has come, at most budget of them, and says whether there may be
// more. It fails for want of memory only.
func (db *DB) expireFields(it Item, budget int) (more bool, err error) {
	var buf [64]byte
	key := append(buf[:0], it.Key()...)
	var c hashChange
	if err := c.begin(db, it.hash, key, false); err != nil || !c.it.Found() {
		return false, err
	}
	n, err := c.Expire(budget)
	c.changed = n > 0
	_, err = c.keep(EventHExpired, err)
	return n == budget, err
}
