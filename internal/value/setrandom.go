package value

import (
	"hash/maphash"
	"math/bits"

	"github.com/darterdb/darter/internal/packed"
)

// Members at random. In a packed set all chances are exactly equal; in a large one as near as a hashmap.Map can tell. A
// source of random numbers is a function like rand.Uint64.

// below returns a number from 0 to n-1, all with the same chance (Lemire, "Fast Random Integer Generation in an
// Interval", 2019).
func below(draw func() uint64, n int) int {
	width := uint64(n)
	high, low := bits.Mul64(draw(), width)
	if low < width {
		for least := -width % width; low < least; {
			high, low = bits.Mul64(draw(), width)
		}
	}
	return int(high)
}

// Random returns a member at random. The set must not be empty. O(1), in a packed set of strings O(n).
func (s *Set) Random(draw func() uint64) Member {
	switch s.form {
	case setLarge:
		return Member{Str: s.m.Random(s.mem, draw()).Key}
	case setStrings:
		m, _ := packed.At(s.body, below(draw, s.n))
		return m
	}
	return Member{Int: s.ints().at(below(draw, s.n)), IsInt: true}
}

// Draw passes on n members, each chosen from all of them, so that one may come again, until yield returns false. The
// set must not be empty. yield must not change the set. O(n).
func (s *Set) Draw(n int64, draw func() uint64, yield func(Member) bool) {
	var starts []int // of the elements, where to look for each would take long
	if s.form == setStrings && n > 2 {
		starts = make([]int, 0, s.n)
		for at := 0; at < len(s.body); at += packed.Skip(s.body[at:]) {
			starts = append(starts, at)
		}
	}
	for ; n > 0; n-- {
		var m Member
		if starts != nil {
			m, _ = packed.Decode(s.body[starts[below(draw, s.n)]:])
		} else {
			m = s.Random(draw)
		}
		if !yield(m) {
			return
		}
	}
}

// Of a large set so many times the members that are wanted it is cheaper to draw them one by one than to go over all.
const fewWanted = 8

// Sample passes on n different members, all such choices with the same chance, or all members if there are no more.
// yield must not change the set. O(n); where n is not much smaller than the set, or the set is packed, O(members).
func (s *Set) Sample(n int, draw func() uint64, yield func(Member)) {
	if s.form == setLarge && n < s.n/fewWanted {
		s.sampleFew(n, draw, yield)
		return
	}
	// Each member is taken with the chance of those still wanted among those still to come.
	left := s.n
	s.All(func(m Member) bool {
		if n >= left || n > 0 && below(draw, left) < n {
			yield(m)
			n--
		}
		left--
		return n > 0
	})
}

// sampleFew draws members of a large set until it has n different ones.
func (s *Set) sampleFew(n int, draw func() uint64, yield func(Member)) {
	// They are told apart by their hashes. If two members had the same one, the second wouldn't be taken.
	taken := make(map[uint64]struct{}, n)
	for len(taken) < n {
		m := s.Random(draw)
		h := maphash.Bytes(s.seed, m.Str)
		if _, again := taken[h]; !again {
			taken[h] = struct{}{}
			yield(m)
		}
	}
}

// Pop removes n members chosen at random, no more than there are, all choices with the same chance, and passes each on.
// After an error, which only a large set gives, those that were passed on are gone and no others. take must not keep a
// member. O(n), in a packed set O(members).
func (e *SetEdit) Pop(n int, draw func() uint64, take func(Member)) error {
	switch {
	case n <= 0:
		return nil
	case e.form == setLarge:
		return e.popLarge(n, draw, take)
	case n == 1:
		e.popOne(draw, take)
		return nil
	}
	e.take()
	// Those that stay move up to the gaps of those that go.
	buf, kept, left := e.buf, setRoom, e.n
	for at, wanted := setRoom, n; at < len(buf); left-- {
		m, size := e.element(buf[at:])
		if below(draw, left) < wanted {
			take(m)
			wanted--
		} else {
			kept += copy(buf[kept:], buf[at:at+size])
		}
		at += size
	}
	e.put(buf[:kept], e.n-n)
	return nil
}

// element returns the first member of a packed set's bytes, and how many of them it takes.
func (e *SetEdit) element(b []byte) (Member, int) {
	if e.form == setStrings {
		return packed.Decode(b)
	}
	return Member{Int: sortedInts{b, e.form}.at(0), IsInt: true}, 1 << e.form
}

// popOne pops one member of a packed set.
func (e *SetEdit) popOne(draw func() uint64, take func(Member)) {
	i := below(draw, e.n)
	at := i << e.form
	if e.form == setStrings {
		at = packed.Offset(e.body, i)
	}
	m, size := e.element(e.body[at:])
	take(m)
	e.cut(at, size)
}

func (e *SetEdit) popLarge(n int, draw func() uint64, take func(Member)) error {
	for ; n > 0; n-- {
		e.buf = append(e.buf[:0], e.Random(draw).Str...) // a copy: the page that it stands in is about to change
		if _, err := e.Remove(e.buf); err != nil {
			return err
		}
		take(Member{Str: e.buf})
	}
	return nil
}
