package darter

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"strconv"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// # Hashes
//
// A Hash is a key that holds fields with a value each. The key comes with the first field and goes with the last; an
// absent key is an empty hash. Fields and values are any bytes. A hash of few and short fields takes hardly more memory
// than their bytes. Fields may expire, each at its own time: see hash_ttl.go. One whose time has come is absent.
//
// Errors are ErrWrongType if a key holds something else, ErrClosed, ErrInternal; from methods that add ErrOutOfMemory
// and ErrTooLong; from those that change anything ErrReadOnly in a snapshot.

// Hash is the hash under a key of a cache or a snapshot: see Cache.Hash.
type Hash struct{ place }

// Hash returns the hash under a key, whether or not there is one yet. It costs nothing and need not be closed.
func (c *Cache) Hash(key string) Hash { return Hash{place{cache: c, key: key}} }

// Hash returns the hash under a key as it was at the instant of the snapshot.
func (s *Snapshot) Hash(key string) Hash { return Hash{place{snap: s, key: key}} }

// Field is a field of a hash with its value.
type Field struct {
	Name  string
	Value []byte
}

// open makes a zero x the hash of the key, an empty one if there is no key: see place.see.
func (h Hash) open(x *value.Hash, r *seen) error {
	err := h.see(r, keyspace.Hash)
	if err == nil {
		x.Open(*r.view, r.raw)
	}
	return err
}

// fewFields is for how many fields a call keeps its list of them on the stack.
const fewFields = 16

// listOf returns the bytes of fields, in dst's memory if it has room.
func listOf(dst [][]byte, fields []string) [][]byte {
	for _, f := range fields {
		dst = append(dst, bytesOf(f))
	}
	return dst
}

// Get returns the value of a field, not nil if there is one. An absent field is ErrNotFound. O(1); in a small hash
// O(fields).
func (h Hash) Get(field string) ([]byte, error) {
	v, err := h.AppendGet([]byte{}, field)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// AppendGet appends the value of a field to dst and returns the extended slice. It allocates nothing but what dst lacks
// in capacity. On an error, ErrNotFound for an absent field, it returns dst as it was. O(1); in a small hash O(fields).
func (h Hash) AppendGet(dst []byte, field string) (out []byte, err error) {
	var r seen
	defer r.done(&err)
	if err = h.see(&r, keyspace.Hash); err != nil {
		return dst, err
	}
	var buf [value.DigitsSize]byte
	v, ok := value.HashGet(r.view, r.raw, bytesOf(field), buf[:])
	if !ok {
		return dst, ErrNotFound
	}
	return append(dst, v...), nil
}

// GetMany returns the values of several fields as they are at one instant, in the order of the fields. An absent one
// has nil; an empty value is not nil. O(1) for each; in a small hash O(fields).
func (h Hash) GetMany(fields ...string) (values [][]byte, err error) {
	var x value.Hash
	var r seen
	defer r.done(&err)
	if err = h.open(&x, &r); err != nil {
		return nil, err
	}
	var buf [value.DigitsSize]byte
	values = make([][]byte, len(fields))
	for i, f := range fields {
		x.Ahead(i, len(fields), func(i int) []byte { return bytesOf(fields[i]) })
		if v, _, ok := x.Get(bytesOf(f), buf[:]); ok {
			values[i] = append([]byte{}, v...)
		}
	}
	return values, nil
}

// Has says whether there is a field. It allocates nothing. O(1); in a small hash O(fields).
func (h Hash) Has(field string) (has bool, err error) {
	var r seen
	defer r.done(&err)
	if err = h.see(&r, keyspace.Hash); err != nil {
		return false, err
	}
	var buf [value.DigitsSize]byte
	_, has = value.HashGet(r.view, r.raw, bytesOf(field), buf[:])
	return has, nil
}

// Len returns how many fields there are. O(1); in a small hash some of whose fields have expired O(fields).
func (h Hash) Len() (n int, err error) {
	var x value.Hash
	var r seen
	defer r.done(&err)
	err = h.open(&x, &r)
	return x.Len(), err
}

// ValueLen returns the length of the value of a field, 0 for an absent one. O(1); in a small hash O(fields).
func (h Hash) ValueLen(field string) (n int, err error) {
	var r seen
	defer r.done(&err)
	if err = h.see(&r, keyspace.Hash); err != nil {
		return 0, err
	}
	var buf [value.DigitsSize]byte
	v, _ := value.HashGet(r.view, r.raw, bytesOf(field), buf[:])
	return len(v), nil
}

// Set gives a field a value, whatever it had, and no time of expiry. It allocates nothing. O(1); in a small hash
// O(fields).
func (h Hash) Set(field string, value []byte) (err error) {
	w, err := h.change(false)
	defer w.done(&err)
	if err != nil {
		return err
	}
	if !w.c.fits(h.key, value) || !w.c.fits(field, nil) {
		return ErrTooLong
	}
	pair := [2][]byte{bytesOf(field), value}
	_, err = w.db.HashSet(w.hash, w.key, pair[:])
	return err
}

// SetNew gives a field a value if it has none, and says whether it did. O(1); in a small hash O(fields).
func (h Hash) SetNew(field string, value []byte) (set bool, err error) {
	w, err := h.change(false)
	defer w.done(&err)
	if err != nil {
		return false, err
	}
	if !w.c.fits(h.key, value) || !w.c.fits(field, nil) {
		return false, ErrTooLong
	}
	return w.db.HashSetNX(w.hash, w.key, bytesOf(field), value)
}

// SetMany gives several fields their values at one instant, and returns how many of them are new. The pairs are gone
// over before anything is set, as in
//
//	n, err := h.SetMany(maps.All(values))
//
// so they may come from this cache. If the system gives no memory in the midst of it the first ones are set. O(pairs);
// in a small hash O(pairs * fields).
func (h Hash) SetMany(pairs iter.Seq2[string, []byte]) (created int, err error) {
	list, err := h.listPairs(pairs)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	w, err := h.change(false)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	return w.db.HashSet(w.hash, w.key, list)
}

// listPairs gathers pairs, field and value in turn.
func (h Hash) listPairs(pairs iter.Seq2[string, []byte]) (list [][]byte, err error) {
	if h.cache == nil {
		return nil, ErrReadOnly
	}
	if !h.cache.fits(h.key, nil) {
		return nil, ErrTooLong
	}
	for f, v := range pairs {
		if !h.cache.fits(f, v) {
			return nil, ErrTooLong
		}
		list = append(list, bytesOf(f), v)
	}
	return list, nil
}

// Delete removes fields and returns how many of them were there. O(1) for each; in a small hash O(fields).
func (h Hash) Delete(fields ...string) (removed int, err error) {
	w, err := h.change(true)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	var list [fewFields][]byte
	return w.db.HashDelete(w.hash, w.key, listOf(list[:0], fields))
}

// Incr adds to the integer that a field holds in decimal digits, 0 if it is absent, and returns the sum. The field's
// time of expiry stays. Another value is ErrNotInteger; a sum beyond 64 bits is ErrOverflow. O(1); in a small hash
// O(fields).
func (h Hash) Incr(field string, by int64) (sum int64, err error) {
	w, err := h.change(false)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	if !w.c.fits(h.key, bytesOf(field)) {
		return 0, ErrTooLong
	}
	sum, err = w.db.HashIncrBy(w.hash, w.key, bytesOf(field), by)
	if errors.Is(err, errs.HashNotInteger) {
		err = ErrNotInteger
	}
	return sum, err
}

// IncrFloat adds to the number that a field holds in decimal, 0 if it is absent, and returns the sum: see
// Cache.IncrFloat. The field's time of expiry stays. O(1); in a small hash O(fields).
func (h Hash) IncrFloat(field string, by float64) (sum float64, err error) {
	w, err := h.change(false)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	if !w.c.fits(h.key, bytesOf(field)) {
		return 0, ErrTooLong
	}
	var in, out [64]byte
	digits := strconv.AppendFloat(in[:0], by, 'g', -1, 64)
	text, err := w.db.HashIncrByFloat(out[:0], w.hash, w.key, bytesOf(field), digits)
	if errors.Is(err, errs.HashNotFloat) {
		err = ErrNotFloat
	}
	if err != nil {
		return 0, err
	}
	sum, ok := num.ParseFloat(text)
	if !ok { // it is beyond what a float64 can hold: the nearest
		sum, _ = strconv.ParseFloat(string(text), 64)
	}
	return sum, nil
}

// Fields returns all fields as they are at one instant. O(fields), with the key's shard held meanwhile: All lets others
// have it in between.
func (h Hash) Fields() (names []string, err error) {
	err = h.each(func(n int, field, _ []byte) {
		if names == nil {
			names = make([]string, 0, n)
		}
		names = append(names, string(field))
	})
	return names, err
}

// Values returns the values of all fields as they are at one instant; see Fields.
func (h Hash) Values() (values [][]byte, err error) {
	err = h.each(func(n int, _, v []byte) {
		if values == nil {
			values = make([][]byte, 0, n)
		}
		values = append(values, append([]byte{}, v...))
	})
	return values, err
}

// Map returns all fields with their values as they are at one instant; see Fields. The map is not nil.
func (h Hash) Map() (m map[string][]byte, err error) {
	m = map[string][]byte{}
	err = h.each(func(_ int, field, v []byte) { m[string(field)] = append([]byte{}, v...) })
	if err != nil {
		return nil, err
	}
	return m, nil
}

// each passes on all fields with their number.
func (h Hash) each(fn func(n int, field, v []byte)) (err error) {
	var x value.Hash
	var r seen
	defer r.done(&err)
	if err = h.open(&x, &r); err != nil {
		return err
	}
	n := x.Len()
	x.All(make([]byte, value.DigitsSize), func(field, v []byte, _ int64) bool {
		fn(n, field, v)
		return true
	})
	return nil
}

// All yields the fields with their values, in no order. In a cache it takes a large hash slice by slice, and holds
// nothing while the loop's body runs, which may use the cache: fields that are there from start to end are met at least
// once, and seldom twice; those that come or go meanwhile may be met or not. In a snapshot each is met once. What is no
// hash, or closed, yields nothing. O(fields).
func (h Hash) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		if h.cache == nil {
			h.allFrozen(yield)
			return
		}
		const slice = 128 // fields or a few more are copied at a time
		for cursor := uint64(0); ; {
			fields, next, err := h.Scan(cursor, ScanOptions{Count: slice})
			if err != nil {
				return
			}
			for _, f := range fields {
				if !yield(f.Name, f.Value) {
					return
				}
			}
			if cursor = next; cursor == 0 {
				return
			}
		}
	}
}

// allFrozen is All in a snapshot, whose pages are kept meanwhile.
func (h Hash) allFrozen(yield func(string, []byte) bool) {
	var r seen
	err := h.snap.seeFrozen(&r, keyspace.Hash, bytesOf(h.key))
	if r.st == nil {
		return
	}
	defer runtime.KeepAlive(r.hand)
	defer r.st.done()
	if err != nil {
		return
	}
	x := value.OpenHash(*r.view, r.raw)
	x.All(make([]byte, value.DigitsSize), func(field, v []byte, _ int64) bool {
		return yield(string(field), append([]byte{}, v...))
	})
}

// Scan returns some fields and the cursor to go on with, 0 at the end; a walk starts with 0. Fields that are there from
// the start of a walk to its end are returned at least once, others may be or not. A small hash is returned whole,
// whatever Count says. ScanOptions.Type means nothing here; a Count below 0 is ErrInvalid. O(Count).
func (h Hash) Scan(cursor uint64, o ScanOptions) (fields []Field, next uint64, err error) {
	if o.Count < 0 {
		return nil, 0, fmt.Errorf("%w: ScanOptions.Count is %d, below 0", ErrInvalid, o.Count)
	}
	if o.Count == 0 {
		o.Count = scanCount
	}
	if o.Match == "" {
		o.Match = "*"
	}
	var x value.Hash
	var r seen
	defer r.done(&err)
	if err = h.open(&x, &r); err != nil {
		return nil, 0, err
	}
	match, seen := matcher(o.Match), 0
	buf := make([]byte, value.DigitsSize)
	visit := func(field, v []byte, _ int64) {
		seen++
		if match(field) {
			fields = append(fields, Field{string(field), append([]byte{}, v...)})
		}
	}
	for steps := 0; ; {
		cursor = x.Scan(cursor, buf, visit)
		// The steps count where there is nothing.
		if steps++; cursor == 0 || seen >= o.Count || steps/10 >= o.Count {
			return fields, cursor, nil
		}
	}
}

// Random returns a field chosen at random, all with the same chance, or nearly so in a large hash. An empty hash is
// ErrNotFound. O(1); in a small hash O(fields).
func (h Hash) Random() (f Field, err error) {
	fields, err := h.RandomMany(1)
	if err == nil && len(fields) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Field{}, err
	}
	return fields[0], nil
}

// RandomMany returns n different fields chosen at random, or all of them if there are no more. A number below 0 is
// ErrInvalid. O(n); where n is not much smaller than the hash, or the hash is small, O(fields).
func (h Hash) RandomMany(n int) (fields []Field, err error) {
	if n < 0 {
		return nil, fmt.Errorf("%w: %d fields", ErrInvalid, n)
	}
	var x value.Hash
	var r seen
	defer r.done(&err)
	if err = h.open(&x, &r); err != nil {
		return nil, err
	}
	x.Random(n, rand.Uint64, make([]byte, value.DigitsSize), func(field, v []byte) {
		fields = append(fields, Field{string(field), append([]byte{}, v...)})
	})
	return fields, nil
}
