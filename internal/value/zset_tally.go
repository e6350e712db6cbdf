package value

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
)

// Aggregate says what becomes of the scores that a member has in several sorted sets.
type Aggregate uint8

const (
	AggregateSum Aggregate = iota
	AggregateMin
	AggregateMax
)

// Join returns what becomes of two scores. y may be no number, where a weight has made it so: then the sum is 0, and
// x is the lowest and the highest. Another sum that would be no number is 0 too.
func (a Aggregate) Join(x, y float64) float64 {
	switch {
	case a == AggregateMin && y < x, a == AggregateMax && y > x:
		return y
	case a != AggregateSum:
		return x
	}
	if x += y; x != x {
		return 0
	}
	return x
}

// Weigh returns a score times a weight, 0 where that is no number.
func Weigh(score, weight float64) float64 {
	if score *= weight; score != score {
		return 0
	}
	return score
}

// Tally gathers members with scores: the result of an operation on several sorted sets, before it is put in order. It
// takes ordinary memory, and keeps it for the next use. The zero value but for Seed is empty.
//
// Members stand in one buffer. A table finds them by their hashes: of two slots for each member at least, one is empty,
// and a member is in the first empty one from its hash on.
type Tally struct {
	Seed  maphash.Seed
	items []tallied
	bytes []byte
	table []int32 // 1 + index of an item, 0 empty; nil until Join is called
}

type tallied struct {
	score    float64
	from, to int
}

// Len returns how many members there are.
func (t *Tally) Len() int { return len(t.items) }

// Reset empties the tally.
func (t *Tally) Reset() {
	t.items, t.bytes, t.table = t.items[:0], t.bytes[:0], nil
}

// Add takes in a member that it doesn't have. A tally is filled either by Add or by Join.
func (t *Tally) Add(member []byte, score float64) {
	from := len(t.bytes)
	t.bytes = append(t.bytes, member...)
	t.items = append(t.items, tallied{score, from, len(t.bytes)})
}

// Join takes in a member, or, if it has it already, joins the scores.
func (t *Tally) Join(member []byte, score float64, a Aggregate) {
	if 2*len(t.items) >= len(t.table) {
		t.grow()
	}
	slot := t.slot(member)
	if i := *slot; i != 0 {
		item := &t.items[i-1]
		item.score = a.Join(item.score, score)
		return
	}
	t.Add(member, score)
	*slot = int32(len(t.items))
}

// slot returns the slot of a member, or the one for it.
func (t *Tally) slot(member []byte) *int32 {
	mask := len(t.table) - 1
	for i := int(maphash.Bytes(t.Seed, member)) & mask; ; i = (i + 1) & mask {
		slot := &t.table[i]
		if *slot == 0 || bytes.Equal(t.member(*slot-1), member) {
			return slot
		}
	}
}

func (t *Tally) member(i int32) []byte { return t.bytes[t.items[i].from:t.items[i].to] }

// grow makes the table twice as large.
func (t *Tally) grow() {
	t.table = make([]int32, max(64, 2*len(t.table)))
	for i := range t.items {
		*t.slot(t.member(int32(i))) = int32(i + 1)
	}
}

// Sort puts the elements into the order of a sorted set. Nothing may be taken in afterwards.
func (t *Tally) Sort() {
	t.table = nil
	slices.SortFunc(t.items, func(a, b tallied) int {
		if c := cmp.Compare(a.score, b.score); c != 0 {
			return c
		}
		return bytes.Compare(t.bytes[a.from:a.to], t.bytes[b.from:b.to])
	})
}

// At returns an element by its number. The bytes are the tally's own.
func (t *Tally) At(i int) (member []byte, score float64) {
	return t.member(int32(i)), t.items[i].score
}

// SortedSet makes a sorted set of the elements, which are sorted.
func (t *Tally) SortedSet(h *Heap) (raw []byte, large bool, err error) {
	b := h.BuildSortedSet()
	for i := range t.items {
		if err := b.Add(t.At(i)); err != nil {
			b.Drop()
			return nil, false, err
		}
	}
	raw, large = b.Raw()
	return raw, large, nil
}
