package value

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/darterdb/darter/internal/hashmap"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// # Sets
//
// The raw bytes of a set are one of
//
//	integers   | form 1, 2 or 3 | integers in ascending order, each in 2, 4 or 8 bytes |      packed, see setints.go
//	strings    | form 4 | uvarint: number of members | elements as package packed has them |  packed
//	large      | form 5 | record of a hashmap.Map whose keys are the members |
//
// A set starts as integers if its first member is one. Which forms it goes through as it grows is what Redis 7.2 does
// (it calls them intset, listpack and hashtable), by the limits SetInts, SetEntries and SetValue:
//
//	integers --a string--> strings --too many or too long--> large
//	       \---------------too many------------------------>
//
// No set ever goes back: a set that shrinks is likely to grow again. Integers are found by halving, strings by going over
// all of them, which is quick as long as they are few.
//
//	set.go         reading
//	setints.go     the integers
//	setedit.go     changing
//	setrandom.go   members at random
//	setselect.go   union, intersection and difference
//	setparts.go    saving and loading

// Forms of sets. Those of integers are the shift of their width.
const (
	setStrings = ints64 + 1 + iota
	setLarge
)

// maxPacked is the most bytes that a packed set may have, whatever the limits: a change copies all of it.
const maxPacked = 64 << 20

// Member is a member as a walk meets it: the bytes of a string, or an integer, which stands for its digits. The bytes
// are part of the set: they are good until it changes. AppendTo gives the bytes of either.
type Member = packed.Elem

// Set is a set to be read. A zero Set has no members.
type Set struct {
	form byte
	n    int
	body []byte // the members of a packed one
	m    hashmap.Map
	mem  slab.Mem
	seed maphash.Seed
}

// OpenSet opens a set, given its raw bytes, none for an empty set. It is good as long as they are.
func OpenSet(v View, raw []byte) (s Set) {
	s.Open(v, raw)
	return s
}

// Open is OpenSet without copying the result: it makes a zero Set the one of raw bytes.
func (s *Set) Open(v View, raw []byte) {
	s.form, s.mem, s.seed = ints16, v.Mem, v.Seed
	if len(raw) == 0 {
		return
	}
	s.form, s.body = raw[0], raw[1:]
	switch s.form {
	case setStrings:
		n, size := binary.Uvarint(s.body)
		s.n, s.body = int(n), s.body[size:]
	case setLarge:
		s.m, _ = hashmap.Decode(s.body)
		s.n, s.body = s.m.Count, nil
	default:
		s.n = s.ints().len()
	}
}

func (s *Set) ints() sortedInts { return sortedInts{s.body, s.form} }

// Len returns how many members there are. O(1).
func (s *Set) Len() int { return s.n }

// Has says whether the set has a member. O(1); in a packed set O(log n) among integers and O(n) among strings.
func (s *Set) Has(member []byte) bool {
	if s.n == 0 {
		return false
	}
	switch s.form {
	case setLarge:
		_, ok := s.m.Get(s.mem, maphash.Bytes(s.seed, member), member)
		return ok
	case setStrings:
		_, _, ok := packed.Find(s.body, member)
		return ok
	}
	n, ok := parseMember(member)
	if ok {
		_, ok = s.ints().search(n)
	}
	return ok
}

// has is Has for a member of another set.
func (s *Set) has(m Member) bool {
	if !m.IsInt {
		return s.Has(m.Str)
	}
	if s.form < setStrings {
		_, ok := s.ints().search(m.Int)
		return ok
	}
	var digits [20]byte
	return s.Has(num.AppendInt(digits[:0], m.Int))
}

// parseMember returns the integer that a member is the digits of.
func parseMember(member []byte) (int64, bool) {
	if len(member) == 0 || member[0] > '9' {
		return 0, false
	}
	return num.ParseInt(member)
}

// All passes on every member until yield returns false, integers in ascending order. yield must not change the set.
// O(n).
func (s *Set) All(yield func(Member) bool) {
	switch s.form {
	case setLarge:
		s.m.All(s.mem, func(e hashmap.Entry) bool { return yield(Member{Str: e.Key}) })
	case setStrings:
		for b := s.body; len(b) > 0; {
			m, n := packed.Decode(b)
			if !yield(m) {
				return
			}
			b = b[n:]
		}
	default:
		ints := s.ints()
		for i := range s.n {
			if !yield(Member{Int: ints.at(i), IsInt: true}) {
				return
			}
		}
	}
}

// Scan passes on the members of one step of a walk and returns the cursor of the next step, 0 at the end; 0 starts one.
// A packed set is one step. Members that are there from the start of a walk to its end are passed on at least once. fn
// must not change the set.
func (s *Set) Scan(cursor uint64, fn func(Member)) uint64 {
	if s.form == setLarge {
		return s.m.Scan(s.mem, cursor, func(e hashmap.Entry) { fn(Member{Str: e.Key}) })
	}
	s.All(func(m Member) bool {
		fn(m)
		return true
	})
	return 0
}

// Longest returns a bound of the lengths of the members. O(1).
func (s *Set) Longest() int64 {
	const longestInt = len("-9223372036854775808")
	if s.form == setLarge {
		return s.m.Bytes
	}
	return int64(max(len(s.body), longestInt))
}
