package value

import (
	"encoding/binary"
	"hash/maphash"
	"math"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/hashmap"
)

// # Reading one element
//
// To open a container is to read its record and to fill in what any method may want. Who asks for a single element of a
// large one goes straight to it here, which takes half the instructions.

// HashGet returns the value of a field of a hash, given its raw bytes, and whether there is one: see Hash.Get.
func HashGet(v *View, raw, field, buf []byte) (value []byte, ok bool) {
	if len(raw) > 0 && raw[0] == hashLarge {
		return hashmap.Value(v.Mem, raw[1:], maphash.Bytes(v.Seed, field), field)
	}
	x := OpenHash(*v, raw)
	value, _, ok = x.Get(field, buf)
	return value, ok
}

// SetHas says whether a set, given its raw bytes, has a member: see Set.Has.
func SetHas(v *View, raw, member []byte) bool {
	if len(raw) > 0 && raw[0] == setLarge {
		return hashmap.Has(v.Mem, raw[1:], maphash.Bytes(v.Seed, member), member)
	}
	s := OpenSet(*v, raw)
	return s.Has(member)
}

// SortedScore returns the score of a member of a sorted set, given its raw bytes, and whether there is one: see
// SortedSet.Score.
func SortedScore(v *View, raw, member []byte) (score float64, ok bool) {
	if len(raw) > 0 && raw[0] == sortedLarge {
		b, ok := hashmap.Value(v.Mem, raw[1+btree.RecordSize:], maphash.Bytes(v.Seed, member), member)
		if !ok {
			return 0, false
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), true
	}
	z := OpenSortedSet(*v, raw)
	return z.Score(member)
}

// Elements that are asked for together wait for memory together: the pages of the next ones are loaded ahead, so many at
// a time, if the map is too large for the caches that are near the processor.
const (
	aheadOf = 8
	farFrom = 1 << 20 // bytes
)

// Ahead is to be called before each of n fields is read, set or deleted, in order.
func (x *Hash) Ahead(i, n int, field func(i int) []byte) {
	if x.large() {
		loadAhead(&x.v, &x.m, i, n, field)
	}
}

// Ahead is to be called before each of n members is looked for, added or removed, in order.
func (s *Set) Ahead(i, n int, member func(i int) []byte) {
	if s.form == setLarge {
		loadAhead(&View{Mem: s.mem, Seed: s.seed}, &s.m, i, n, member)
	}
}

// Ahead is to be called before each of n members is looked for, added or removed, in order.
func (z *SortedSet) Ahead(i, n int, member func(i int) []byte) {
	if z.form == sortedLarge {
		loadAhead(&z.view, &z.scores, i, n, member)
	}
}

func loadAhead(v *View, m *hashmap.Map, i, n int, key func(i int) []byte) {
	if i%aheadOf != 0 || n == 1 || m.Bytes < farFrom {
		return
	}
	for j := i; j < min(i+aheadOf, n); j++ {
		m.Ahead(v.Mem, maphash.Bytes(v.Seed, key(j)))
	}
}
