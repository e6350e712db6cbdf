package keyspace

import (
	"errors"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/value"
)

// The operations on strings. They are what the commands and the Go API share: each looks its key up once, checks that
// it holds a string, changes it and announces that.
//
// A string is its bytes, nothing more; integers are kept as their digits. The value's mark says that it was edited in
// place, which OBJECT ENCODING tells.

// maxValue bounds what may be asked for where a configured limit is higher: with a key it must fit a cell, and its
// length an int of 32 bits.
const maxValue = slab.MaxCell / 2

// AsString returns the bytes of a string. They are the shard's own: they are good until the DB changes. An absent key is
// an empty string. Another kind of value is errs.WrongType.
func (it Item) AsString() ([]byte, error) {
	if !it.Found() {
		return nil, nil
	}
	if it.Kind() != String {
		return nil, errs.WrongType
	}
	return it.Value(), nil
}

// Get returns the value of a string, and whether there is one. The bytes are the shard's own: they are good until the
// DB changes.
func (db *DB) Get(h uint64, key []byte) (v []byte, found bool, err error) {
	it := db.Find(h, key)
	v, err = it.AsString()
	return v, it.Found() && err == nil, err
}

// SetOptions say more of a Set. The zero value sets the key whatever it held, to live for ever.
type SetOptions struct {
	NX, XX   bool  // only if the key is absent, or present
	KeepTTL  bool  // the key keeps its time of expiry
	ExpireAt int64 // Unix time in milliseconds, 0 for never; one in the past is kept, and the key is hidden
	// Get asks for the old value, which must be a string. Old is where to append it: it is overwritten in its cell.
	Get bool
	Old []byte
}

// SetResult says what a Set did.
type SetResult struct {
	Stored bool
	Found  bool   // there was a value before
	Old    []byte // SetOptions.Old, with the old value after it if that was asked for
}

// Set makes a key hold a string. On an error nothing has changed.
func (db *DB) Set(h uint64, key, v []byte, o SetOptions) (SetResult, error) {
	var it Item
	r := SetResult{Old: o.Old}
	if o.Get {
		it = db.FindUntouched(h, key)
		old, err := it.AsString()
		if err != nil {
			return r, err
		}
		r.Old = append(r.Old, old...)
	} else {
		it = db.Look(h, key)
	}
	r.Found = it.Found()
	if r.Found && o.NX || !r.Found && o.XX {
		return r, nil
	}
	at := o.ExpireAt
	if o.KeepTTL && r.Found {
		at = it.ExpireAt()
	}
	b, err := db.Store(h, key, it, len(v), Value{Kind: String, ExpireAt: at}, EventSet)
	if err != nil {
		return r, err
	}
	copy(b, v)
	if o.ExpireAt != 0 {
		db.tell(key, EventExpire)
	}
	r.Stored = true
	return r, nil
}

// IncrBy adds to the integer that a key holds, 0 if it is absent, and returns the sum. The time of expiry stays.
func (db *DB) IncrBy(h uint64, key []byte, by int64) (int64, error) {
	it := db.Look(h, key)
	v, err := it.AsString()
	if err != nil {
		return 0, err
	}
	var n int64
	if it.Found() {
		var ok bool
		if n, ok = num.ParseInt(v); !ok {
			return 0, errs.NotInteger
		}
	}
	n, ok := value.AddInt(n, by)
	if !ok {
		return 0, errs.Overflow
	}
	var buf [20]byte
	return n, db.overwrite(h, key, it, num.AppendInt(buf[:0], n), EventIncrBy)
}

// IncrByFloat adds a decimal number to the one that a key holds, 0 if it is absent, and appends the sum to dst as it is
// stored from then on. The time of expiry stays.
func (db *DB) IncrByFloat(dst []byte, h uint64, key, by []byte) ([]byte, error) {
	it := db.Look(h, key)
	old, err := it.AsString()
	if err != nil {
		return dst, err
	}
	if !it.Found() {
		old = []byte{'0'}
	}
	start := len(dst)
	sum, err := num.IncrFloat(dst, old, by)
	switch {
	case errors.Is(err, num.ErrNaNOrInfinity):
		return dst, errs.NaN
	case err != nil:
		return dst, errs.NotFloat
	}
	return sum, db.overwrite(h, key, it, sum[start:], EventIncrByFloat)
}

// overwrite gives a key another string and leaves its time of expiry. v must not lie in the key's cell.
func (db *DB) overwrite(h uint64, key []byte, it Item, v []byte, e Event) error {
	var at int64
	if it.Found() {
		at = it.ExpireAt()
	}
	b, err := db.Store(h, key, it, len(v), Value{Kind: String, ExpireAt: at}, e)
	if err == nil {
		copy(b, v)
	}
	return err
}

// Append adds bytes to the end of a string, an empty one if the key is absent, and returns its new length, which must
// not exceed limit: else it fails with errs.TooLong. The time of expiry stays.
func (db *DB) Append(h uint64, key, tail []byte, limit int64) (int, error) {
	it := db.Look(h, key)
	v, err := it.AsString()
	if err != nil {
		return 0, err
	}
	if !it.Found() {
		return len(tail), db.overwrite(h, key, it, tail, EventAppend)
	}
	old := len(v)
	n, ok := value.EndsWithin(int64(old), len(tail), min(limit, maxValue))
	if !ok {
		return 0, errs.TooLong
	}
	b, err := db.Edit(it, int(n), Value{Kind: String, Mark: true}, EventAppend)
	if err != nil {
		return 0, err
	}
	copy(b[old:], tail)
	return int(n), nil
}

// SetRange overwrites a part of a string from an offset on, with zero bytes in a gap before it, and returns its length,
// which must not exceed limit: else it fails with errs.TooLong. To write nothing changes nothing and makes no key. The
// time of expiry stays.
func (db *DB) SetRange(h uint64, key []byte, offset int64, part []byte, limit int64) (int, error) {
	if offset < 0 {
		return 0, errs.OffsetLow
	}
	it := db.Look(h, key)
	v, err := it.AsString()
	if err != nil {
		return 0, err
	}
	if len(part) == 0 {
		return len(v), nil
	}
	end, ok := value.EndsWithin(offset, len(part), min(limit, maxValue))
	if !ok {
		return 0, errs.TooLong
	}
	edited := Value{Kind: String, Mark: true}
	var b []byte
	if it.Found() {
		b, err = db.Edit(it, max(int(end), len(v)), edited, EventSetRange)
	} else if b, err = db.Store(h, key, it, int(end), edited, EventSetRange); err == nil {
		clear(b[:offset])
	}
	if err != nil {
		return 0, err
	}
	copy(b[offset:], part)
	return len(b), nil
}

// GetDel passes the bytes of a string that was found to use, and removes it. The bytes are good for the call only. On an
// error use isn't called.
func (db *DB) GetDel(it Item, use func([]byte)) error {
	it, err := db.Own(it)
	if err != nil {
		return err
	}
	use(it.Value())
	return db.Delete(it, EventDel)
}

// GetExOptions say what a GetEx does to the time of expiry; the zero value leaves it.
type GetExOptions struct {
	Persist  bool
	ExpireAt int64 // Unix time in milliseconds, 0 to leave it; one in the past removes the key
}

// GetEx passes the bytes of a string that was found to use, and changes its time of expiry. The bytes are good for the
// call only. On an error use isn't called.
func (db *DB) GetEx(it Item, o GetExOptions, use func([]byte)) (err error) {
	switch {
	case o.ExpireAt != 0 && o.ExpireAt <= db.Now():
		return db.GetDel(it, use)
	case o.ExpireAt != 0:
		it, err = db.SetExpiry(it, o.ExpireAt, EventExpire)
	case o.Persist && it.slot.Expires():
		it, err = db.SetExpiry(it, 0, EventPersist)
	}
	if err != nil {
		return err
	}
	use(it.Value())
	return nil
}
