package luavm

import (
	"hash/maphash"
	"math"
)

// value is one Lua value. It is 24 bytes and never boxed: arithmetic allocates nothing.
//
//	nil       ref nil
//	number    ref numberTag, num the number
//	boolean   ref booleanTag, num 1 or 0
//	others    ref *str, *table, *function, *thread or *userdata
//
// The kind is the dynamic type of ref, so asking for it is one comparison of a word.
type value struct {
	ref any
	num float64
}

type (
	numberTag  struct{}
	booleanTag struct{}
)

// userdata is an opaque value that scripts can only hold, compare and hand back; cjson.null is the one in use.
type userdata struct{ name string }

// str is a string. Lua compares strings all the time as keys of tables, so it remembers its hash.
type str struct {
	s    string
	hash uint32 // 0: not computed
	mark uint32 // the last count of memory that saw it; fixedMark if it belongs to no run
}

// fixedMark marks what belongs to compiled code and libraries: it is shared by states that run side by side, so it is
// never written, and it is not counted as a run's memory.
const fixedMark = math.MaxUint32

func number(f float64) value { return value{numberTag{}, f} }

func integer(n int) value { return value{numberTag{}, float64(n)} }

func boolean(b bool) value {
	if b {
		return value{booleanTag{}, 1}
	}
	return value{booleanTag{}, 0}
}

// fixed makes a string for compiled code and libraries; its hash is computed at once.
func fixed(s string) *str {
	return &str{s: s, hash: hashString(s), mark: fixedMark}
}

func fixedValue(s string) value { return value{ref: fixed(s)} }

func (v value) isNil() bool { return v.ref == nil }

func (v value) isNumber() bool { _, ok := v.ref.(numberTag); return ok }

func (v value) isBoolean() bool { _, ok := v.ref.(booleanTag); return ok }

// truthy is what conditions ask: everything is true but nil and false.
func (v value) truthy() bool {
	if _, ok := v.ref.(booleanTag); ok {
		return v.num != 0
	}
	return v.ref != nil
}

// typeName is the name type() gives.
func (v value) typeName() string {
	switch v.ref.(type) {
	case nil:
		return "nil"
	case numberTag:
		return "number"
	case booleanTag:
		return "boolean"
	case *str:
		return "string"
	case *table:
		return "table"
	case *function:
		return "function"
	case *thread:
		return "thread"
	}
	return "userdata"
}

// rawEqual compares without metamethods.
func rawEqual(a, b value) bool {
	switch x := a.ref.(type) {
	case nil:
		return b.ref == nil
	case numberTag:
		return b.isNumber() && a.num == b.num
	case booleanTag:
		return b.isBoolean() && a.num == b.num
	case *str:
		y, ok := b.ref.(*str)
		return ok && (x == y || x.s == y.s)
	}
	return a.ref == b.ref
}

// seed makes hashes differ between processes, so that no one can choose keys that collide.
var seed = maphash.MakeSeed()

// hashString never gives 0, which stands for "not computed".
func hashString(s string) uint32 {
	h := maphash.String(seed, s)
	return uint32(h) | 1
}

func (s *str) hashed() uint32 {
	if s.hash == 0 {
		s.hash = hashString(s.s)
	}
	return s.hash
}

// object is what tables, functions and threads have in common: a number to be hashed and printed by, given when it is
// first asked for, and the mark of the last count of memory.
type object struct {
	id   uint32
	mark uint32
}

// hashValue hashes a key of a table; v is neither nil nor NaN.
func (vm *machine) hashValue(v value) uint32 {
	switch x := v.ref.(type) {
	case numberTag:
		return hashNumber(v.num)
	case booleanTag:
		return uint32(v.num) + 1
	case *str:
		return x.hashed()
	}
	return vm.identity(v) * 0x9e3779b1
}

func hashNumber(f float64) uint32 {
	bits := math.Float64bits(f + 0) // -0 + 0 is 0: both zeros are one key
	return uint32(bits * 0x9e3779b97f4a7c15 >> 32)
}

// identity numbers the objects of a state in the order in which someone asks.
func (vm *machine) identity(v value) uint32 {
	var o *object
	switch x := v.ref.(type) {
	case *table:
		o = &x.object
	case *function:
		o = &x.object
	case *thread:
		o = &x.object
	default:
		return 0
	}
	if o.id == 0 {
		vm.lastID++
		o.id = vm.lastID
	}
	return o.id
}

// toInteger converts as C does on the machines Redis runs on: towards zero, and what does not fit, or is no number,
// becomes the smallest integer.
func toInteger(f float64) int64 {
	if f >= -(1<<63) && f < 1<<63 {
		return int64(f)
	}
	return math.MinInt64
}

// exactInt gives the number as an int if it is a whole number that an array index could be.
func exactInt(f float64) (int, bool) {
	n := int32(0)
	if f >= -(1<<31) && f < 1<<31 {
		n = int32(f)
	}
	return int(n), float64(n) == f
}
