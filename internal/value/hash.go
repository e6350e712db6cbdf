package value

import (
	"encoding/binary"
	"hash/maphash"
	"math"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/hashmap"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/packed"
)

// # Hashes
//
// A hash is fields with a value each, some of which may have a time of expiry. Its raw bytes are
//
//	packed        | 1 | count u16 | field | value | field | value | ...
//	large         | 2 | map |
//	timed packed  | 3 | earliest i64 | count u16 | field | value | time | field | value | time | ...
//	timed large   | 4 | earliest i64 | map | index |
//
// where there may be bytes without a meaning behind the record of a large one. Fields, values and times are elements of
// package packed; a time is Unix milliseconds, 0 for none. A count of 65535 says that there are as many fields or more.
// The map is one of package hashmap, the index a sorted tree of package btree with the fields that expire, each behind
// the 8 bytes, big-endian, of its time. Earliest is when the first of them does.
//
// The timed forms are those of KindHashTTL. A field whose time has come is hidden from then on, and removed when the
// expiry index of the keyspace comes by.
const (
	hashPacked = iota + 1
	hashLarge
	hashTimedPacked
	hashTimedLarge
)

const (
	countSize    = 2
	manyFields   = math.MaxUint16
	earliestSize = 8

	// LargeTimedSize is what the raw bytes of a large hash take some of whose fields expire.
	LargeTimedSize = 1 + earliestSize + hashmap.RecordSize + btree.RecordSize

	// maxPackedHash is the most bytes that a packed hash takes, whatever the limits.
	maxPackedHash = 1 << 29
)

// fieldIndex is the shape of the trees of fields that expire.
var fieldIndex = btree.Shape{Sorted: true, Leaf: 1024}

// DigitsSize is the capacity of the buffer that reading a hash takes: integers are written out there.
const DigitsSize = 40

// Hash reads a hash. The bytes that it gives are the hash's own, good until that changes, or lie in the caller's
// buffer.
type Hash struct {
	v        View
	form     byte // 0 of an absent one
	b        []byte
	count    int // of a packed one, hidden ones included
	m        hashmap.Map
	index    btree.Tree
	earliest int64
}

// OpenHash returns what reads a hash, given its raw bytes; without any it is empty.
func OpenHash(v View, raw []byte) (x Hash) {
	x.Open(v, raw)
	return x
}

// Open makes a zero Hash what OpenHash returns.
func (x *Hash) Open(v View, raw []byte) {
	x.v = v
	if len(raw) == 0 {
		return
	}
	x.form = raw[0]
	b := raw[1:]
	if x.timed() {
		x.earliest = int64(binary.LittleEndian.Uint64(b))
		b = b[earliestSize:]
	}
	if !x.large() {
		x.b = b[countSize:]
		if x.count = int(binary.LittleEndian.Uint16(b)); x.count == manyFields {
			x.count = packed.Count(x.b) / x.stride()
		}
		return
	}
	var n int
	x.m, n = hashmap.Decode(b)
	if x.timed() {
		x.index, _ = btree.Decode(b[n:], &fieldIndex)
	}
}

func (x *Hash) timed() bool { return x.form >= hashTimedPacked }
func (x *Hash) large() bool { return x.form == hashLarge || x.form == hashTimedLarge }

// stride returns how many elements a field takes in a packed hash.
func (x *Hash) stride() int {
	if x.timed() {
		return 3
	}
	return 2
}

// hidden says whether a field with a time of expiry is no longer to be seen.
func (x *Hash) hidden(at int64) bool { return at != 0 && at <= x.v.Now }

// someHidden says whether there are such fields.
func (x *Hash) someHidden() bool { return x.timed() && x.earliest <= x.v.Now }

// all returns how many fields there are, hidden ones included.
func (x *Hash) all() int {
	if x.large() {
		return x.m.Count
	}
	return x.count
}

// Len returns how many fields there are. O(1), but O(fields) in a packed hash that hides some.
func (x *Hash) Len() int {
	if !x.someHidden() {
		return x.all()
	}
	if x.large() {
		rank, _ := x.index.Seek(x.v.Mem, timeKey(nil, x.v.Now+1))
		return x.m.Count - rank
	}
	n := 0
	x.All(nil, func(_, _ []byte, _ int64) bool {
		n++
		return true
	})
	return n
}

// Longest returns how long a field with its value is at most. O(1).
func (x *Hash) Longest() int64 {
	if x.large() {
		return x.m.Bytes
	}
	return int64(len(x.b)) + DigitsSize
}

// timeKey appends a time as the index of fields has it.
func timeKey(dst []byte, at int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(at)) }

// text returns the bytes of an element; an integer's are put into buf.
func text(e packed.Elem, buf []byte) []byte {
	if e.IsInt {
		return num.AppendInt(buf[:0], e.Int)
	}
	return e.Str
}

// Get returns the value of a field and its time of expiry, 0 for none, and whether there is one. The value may lie in
// buf, which an integer needs 20 bytes of.
func (x *Hash) Get(field, buf []byte) (value []byte, at int64, ok bool) {
	if x.large() {
		e, ok := x.m.Get(x.v.Mem, maphash.Bytes(x.v.Seed, field), field)
		if !ok || x.hidden(e.At) {
			return nil, 0, false
		}
		return e.Value, e.At, true
	}
	_, pos, ok := packed.NewPattern(field).Find(x.b, x.stride())
	if !ok {
		return nil, 0, false
	}
	pos += packed.Skip(x.b[pos:])
	e, n := packed.Decode(x.b[pos:])
	if x.timed() {
		t, _ := packed.Decode(x.b[pos+n:])
		if at = t.Int; x.hidden(at) {
			return nil, 0, false
		}
	}
	return text(e, buf), at, true
}

// All passes on every field with its value and time of expiry, until fn returns false. What it passes on may lie in
// buf, if that has DigitsSize bytes of capacity.
func (x *Hash) All(buf []byte, fn func(field, value []byte, at int64) bool) {
	if x.large() {
		x.m.All(x.v.Mem, func(e hashmap.Entry) bool { return x.hidden(e.At) || fn(e.Key, e.Value, e.At) })
		return
	}
	for b := x.b; len(b) > 0; {
		f, v, at, n := x.decode(b)
		if b = b[n:]; !x.hidden(at) && !x.pass(f, v, at, buf, fn) {
			return
		}
	}
}

// decode reads the first field of packed ones and returns how many bytes it takes.
func (x *Hash) decode(b []byte) (field, value packed.Elem, at int64, size int) {
	field, size = packed.Decode(b)
	value, n := packed.Decode(b[size:])
	size += n
	if x.timed() {
		t, n := packed.Decode(b[size:])
		at, size = t.Int, size+n
	}
	return field, value, at, size
}

func (x *Hash) pass(f, v packed.Elem, at int64, buf []byte, fn func(field, value []byte, at int64) bool) bool {
	if cap(buf) < DigitsSize {
		buf = make([]byte, DigitsSize)
	}
	const half = DigitsSize / 2
	return fn(text(f, buf[:0:half]), text(v, buf[half:half:DigitsSize]), at)
}

// Scan passes on the fields of one step of a walk and returns the cursor of the next, 0 at the end. Fields that are
// there all the time are passed on at least once. A packed hash is one step. See All.
func (x *Hash) Scan(cursor uint64, buf []byte, fn func(field, value []byte, at int64)) uint64 {
	if x.large() {
		return x.m.Scan(x.v.Mem, cursor, func(e hashmap.Entry) {
			if !x.hidden(e.At) {
				fn(e.Key, e.Value, e.At)
			}
		})
	}
	x.All(buf, func(field, value []byte, at int64) bool {
		fn(field, value, at)
		return true
	})
	return 0
}

// Random passes on n fields at random, in no particular order: each once, at most as many as there are. rnd gives
// random numbers. See All.
func (x *Hash) Random(n int, rnd func() uint64, buf []byte, fn func(field, value []byte)) {
	left := x.Len()
	if n >= left || !x.large() || n > left/3 {
		// One pass: each field is taken with the chance of those still wanted among those still to come.
		x.All(buf, func(field, value []byte, _ int64) bool {
			if below(rnd, left) < n {
				fn(field, value)
				n--
			}
			left--
			return n > 0
		})
		return
	}
	seen := make(map[string]struct{}, n)
	for len(seen) < n {
		e, ok := x.draw(rnd)
		if !ok {
			return
		}
		if _, twice := seen[string(e.Key)]; !twice {
			seen[string(e.Key)] = struct{}{}
			fn(e.Key, e.Value)
		}
	}
}

// RandomRepeating passes on n fields at random, each drawn from all of them. fn returns whether to go on.
func (x *Hash) RandomRepeating(n int, rnd func() uint64, buf []byte, fn func(field, value []byte) bool) {
	if x.large() {
		for ; n > 0; n-- {
			if e, ok := x.draw(rnd); !ok || !fn(e.Key, e.Value) {
				return
			}
		}
		return
	}
	// Where each field starts; for one draw it is found without.
	var starts []int
	live := x.Len()
	if n > 1 {
		starts = x.starts()
	}
	for ; n > 0 && live > 0; n-- {
		i := below(rnd, live)
		at := 0
		if starts != nil {
			at = starts[i]
		} else {
			at = x.start(i)
		}
		f, v, t, _ := x.decode(x.b[at:])
		if !x.pass(f, v, t, buf, func(field, value []byte, _ int64) bool { return fn(field, value) }) {
			return
		}
	}
}

// starts returns where each field starts that isn't hidden.
func (x *Hash) starts() []int {
	s := make([]int, 0, x.count)
	for pos := 0; pos < len(x.b); {
		_, _, at, n := x.decode(x.b[pos:])
		if !x.hidden(at) {
			s = append(s, pos)
		}
		pos += n
	}
	return s
}

// start returns where the i-th field starts of those that aren't hidden.
func (x *Hash) start(i int) int {
	if !x.someHidden() {
		return packed.Offset(x.b, i*x.stride())
	}
	return x.starts()[i]
}

// draw returns a field of a large hash that isn't hidden, if there is one.
func (x *Hash) draw(rnd func() uint64) (hashmap.Entry, bool) {
	live := x.Len()
	if live == 0 {
		return hashmap.Entry{}, false
	}
	for range 100 {
		if e := x.m.Random(x.v.Mem, rnd()); !x.hidden(e.At) {
			return e, true
		}
	}
	// Nearly all are hidden: take one of the rest by its number.
	var found hashmap.Entry
	i := below(rnd, live)
	x.m.All(x.v.Mem, func(e hashmap.Entry) bool {
		if x.hidden(e.At) {
			return true
		}
		found = e
		i--
		return i >= 0
	})
	return found, true
}

// Now returns the Unix time in milliseconds by which fields are hidden. It may be 0 if none can be.
func (x *Hash) Now() int64 { return x.v.Now }
