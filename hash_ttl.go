package darter

import (
	"fmt"
	"iter"
	"time"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

// # Fields that expire
//
// A field of a hash may have a time of expiry of its own, to the millisecond. From then on no method sees it; it is
// removed soon after, and the key with the last field. Set and SetMany take the time away, Incr and IncrFloat leave it.
// A field can't expire later than in the year 4199: that is ErrInvalid.

// ExpireFields makes fields expire after ttl and returns how many of them are there. With NoExpiry they never do; with
// 0 or less they are removed. O(log fields) for each; in a small hash O(fields).
func (h Hash) ExpireFields(ttl time.Duration, fields ...string) (found int, err error) {
	if h.cache == nil {
		return 0, ErrReadOnly
	}
	return h.expireFields(fieldDeadline(ttl, h.cache.clock.Millis), fields)
}

// ExpireFieldsAt makes fields expire at a time and returns how many of them are there. The zero time means never; with
// another time that has come they are removed. O(log fields) for each; in a small hash O(fields).
func (h Hash) ExpireFieldsAt(t time.Time, fields ...string) (found int, err error) {
	return h.expireFields(instant(t), fields)
}

func (h Hash) expireFields(at int64, fields []string) (found int, err error) {
	if err := checkFieldTime(at); err != nil {
		return 0, err
	}
	w, err := h.change(at <= hasCome)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	count := func(r keyspace.FieldResult) {
		if r != keyspace.FieldAbsent {
			found++
		}
	}
	var list [fewFields][]byte
	names := listOf(list[:0], fields)
	if at == 0 {
		err = w.db.HashPersist(w.hash, w.key, names, count)
	} else {
		err = w.db.HashExpire(w.hash, w.key, names, at, 0, count)
	}
	return found, err
}

// hasCome is a time that has come.
const hasCome = 1

// fieldDeadline is deadline for fields, which a ttl of 0 or less removes.
func fieldDeadline(ttl time.Duration, now func() int64) int64 {
	if ttl <= 0 {
		return hasCome
	}
	return deadline(ttl, now)
}

func checkFieldTime(at int64) error {
	if at > keyspace.MaxFieldTime {
		return fmt.Errorf("%w: a field can't expire at %v", ErrInvalid, time.UnixMilli(at))
	}
	return nil
}

// PersistFields takes the times of expiry from fields, and returns how many of them had one. O(log fields) for each; in
// a small hash O(fields).
func (h Hash) PersistFields(fields ...string) (had int, err error) {
	w, err := h.change(true)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	var list [fewFields][]byte
	err = w.db.HashPersist(w.hash, w.key, listOf(list[:0], fields), func(r keyspace.FieldResult) {
		if r == keyspace.FieldChanged {
			had++
		}
	})
	return had, err
}

// FieldTTL returns how long a field has to live, NoExpiry if it does not expire. In a snapshot that is from the
// snapshot's instant on. An absent field is ErrNotFound. O(1); in a small hash O(fields).
func (h Hash) FieldTTL(field string) (ttl time.Duration, err error) {
	at, now, err := h.fieldTime(field)
	if err != nil {
		return 0, err
	}
	return lifetime(at-now, at != 0), nil
}

// FieldExpireTime returns when a field expires, the zero time if it does not. An absent field is ErrNotFound. O(1); in
// a small hash O(fields).
func (h Hash) FieldExpireTime(field string) (t time.Time, err error) {
	at, _, err := h.fieldTime(field)
	if err != nil {
		return time.Time{}, err
	}
	return timeOf(at), nil
}

func (h Hash) fieldTime(field string) (at, now int64, err error) {
	var x value.Hash
	var r seen
	defer r.done(&err)
	if err = h.open(&x, &r); err != nil {
		return 0, 0, err
	}
	var buf [value.DigitsSize]byte
	_, at, ok := x.Get(bytesOf(field), buf[:])
	if !ok {
		return 0, 0, ErrNotFound
	}
	return at, x.Now(), nil
}

// SetFieldsWith gives several fields their values at one instant, as the options say, and says whether it did: IfAbsent
// demands that none of the fields is there, IfPresent that all are. Options that clash, or a TTL below 0, are
// ErrInvalid. A time that has come removes the fields. See SetMany. O(pairs log fields); in a small hash O(pairs *
// fields).
func (h Hash) SetFieldsWith(pairs iter.Seq2[string, []byte], o SetOptions) (stored bool, err error) {
	list, err := h.listPairs(pairs)
	if err != nil || len(list) == 0 {
		return false, err
	}
	at, err := o.expireAt(h.cache.clock.Millis)
	if err == nil {
		err = checkFieldTime(at)
	}
	if err != nil {
		return false, err
	}
	w, err := h.change(false)
	defer w.done(&err)
	if err != nil {
		return false, err
	}
	return w.db.HashSetEx(w.hash, w.key, list, keyspace.HashSetOptions{
		NX: o.IfAbsent, XX: o.IfPresent, KeepTTL: o.KeepTTL, ExpireAt: at,
	})
}

// GetDelete returns the values of fields, in their order, and removes the fields. An absent one has nil; an empty value
// is not nil. O(1) for each; in a small hash O(fields).
func (h Hash) GetDelete(fields ...string) (values [][]byte, err error) {
	w, err := h.change(true)
	defer w.done(&err)
	if err != nil {
		return nil, err
	}
	var list [fewFields][]byte
	err = w.db.HashGetDelete(w.hash, w.key, listOf(list[:0], fields), func(v []byte, found bool) {
		values = append(values, valueOf(v, found))
	})
	return values, err
}

// GetExpire returns the values of fields, in their order, and makes the fields expire after ttl, never with NoExpiry.
// An absent one has nil; an empty value is not nil. With a ttl of 0 or less the fields are removed. O(log fields) for
// each; in a small hash O(fields).
func (h Hash) GetExpire(ttl time.Duration, fields ...string) (values [][]byte, err error) {
	w, err := h.change(true)
	defer w.done(&err)
	if err != nil {
		return nil, err
	}
	at := fieldDeadline(ttl, w.db.Now)
	if err := checkFieldTime(at); err != nil {
		return nil, err
	}
	var list [fewFields][]byte
	err = w.db.HashGetEx(w.hash, w.key, listOf(list[:0], fields), at, at == 0, func(v []byte, found bool) {
		values = append(values, valueOf(v, found))
	})
	return values, err
}

// valueOf copies a value; nil stands for none.
func valueOf(v []byte, found bool) []byte {
	if !found {
		return nil
	}
	return append([]byte{}, v...)
}
