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
// takes ordinary memory. The zero value but for Seed is empty.
//
// Members stand in chunks, one after the other. A table finds them by their hashes: of two slots for each member at least,
// one is empty, and a member is in the first empty one from its hash on.
//
// Nothing that may be large is copied because it grows: a copy of many megabytes can't be interrupted, and when the
// collector is about to stop the process for a moment, all others wait for its end.
type Tally struct {
	Seed   maphash.Seed
	items  []tallied
	chunks [][]byte
	table  []int32 // 1 + index of an item, 0 empty; nil until Join is called
}

// tallied is a member, by where it stands, with its score.
type tallied struct {
	score             float64
	chunk, from, size int32
}

const (
	firstTallyChunk = 1 << 10
	maxTallyChunk   = 64 << 10
)

// Len returns how many members there are.
func (t *Tally) Len() int { return len(t.items) }

// expect makes room for so many members.
func (t *Tally) expect(n int) { t.items = slices.Grow(t.items, n) }

// Add takes in a member that it doesn't have. A tally is filled either by Add or by Join.
func (t *Tally) Add(member []byte, score float64) {
	last := len(t.chunks) - 1
	if last < 0 || cap(t.chunks[last])-len(t.chunks[last]) < len(member) {
		size := firstTallyChunk
		if last >= 0 {
			size = min(2*cap(t.chunks[last]), maxTallyChunk)
		}
		t.chunks = append(t.chunks, make([]byte, 0, max(size, len(member))))
		last++
	}
	from := len(t.chunks[last])
	t.chunks[last] = append(t.chunks[last], member...)
	t.items = append(t.items, tallied{score, int32(last), int32(from), int32(len(member))})
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
		if *slot == 0 || bytes.Equal(t.member(&t.items[*slot-1]), member) {
			return slot
		}
	}
}

func (t *Tally) member(i *tallied) []byte { return t.chunks[i.chunk][i.from : i.from+i.size] }

// grow makes the table twice as large, or large enough for all members that are expected.
func (t *Tally) grow() {
	n := max(64, 2*len(t.table))
	for n <= 2*cap(t.items) {
		n *= 2
	}
	t.table = make([]int32, n)
	for i := range t.items {
		*t.slot(t.member(&t.items[i])) = int32(i + 1)
	}
}

// Sort puts the elements into the order of a sorted set. Nothing may be taken in afterwards.
func (t *Tally) Sort() {
	t.table = nil
	slices.SortFunc(t.items, func(a, b tallied) int {
		if c := cmp.Compare(a.score, b.score); c != 0 {
			return c
		}
		return bytes.Compare(t.member(&a), t.member(&b))
	})
}

// At returns an element by its number. The bytes are the tally's own.
func (t *Tally) At(i int) (member []byte, score float64) {
	return t.member(&t.items[i]), t.items[i].score
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
