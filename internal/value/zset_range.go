package value

import (
	"bytes"
	"math"

	"github.com/darterdb/darter/internal/packed"
)

// # Ranges of sorted sets
//
// Each kind of range comes down to a span of ranks. A range by member takes the order of members alone: it is meant for
// sorted sets whose scores are all the same. Where they are not, a packed one is gone over from the end that the range
// starts at, as Redis does, and in a large one the members with the lowest score come before all others.

// ScoreRange is a range of scores.
type ScoreRange struct {
	Min, Max float64
	// ExceptMin and ExceptMax say that the bound itself is outside.
	ExceptMin, ExceptMax bool
}

func (r *ScoreRange) empty() bool {
	return r.Min > r.Max || r.Min == r.Max && (r.ExceptMin || r.ExceptMax)
}

func (r *ScoreRange) aboveMin(score float64) bool {
	return score > r.Min || score == r.Min && !r.ExceptMin
}

func (r *ScoreRange) belowMax(score float64) bool {
	return score < r.Max || score == r.Max && !r.ExceptMax
}

// MemberBound is an end of a range of members. The zero value is the member "".
type MemberBound struct {
	Member []byte
	Except bool // the member itself is outside
	End    int8 // -1 before all members, 1 after all of them
}

// compare compares the bound with a member, or an end with anything: 0 if they are the same.
func (b *MemberBound) compare(e packed.Elem) int {
	if b.End != 0 {
		return int(b.End)
	}
	return -compareMember(e, b.Member)
}

// MemberRange is a range of members.
type MemberRange struct{ Min, Max MemberBound }

func (r *MemberRange) empty() bool {
	if r.Min.End != 0 || r.Max.End != 0 {
		return r.Min.End > r.Max.End || r.Min.End == r.Max.End && r.Min.End != 0
	}
	c := bytes.Compare(r.Min.Member, r.Max.Member)
	return c > 0 || c == 0 && (r.Min.Except || r.Max.Except)
}

func (r *MemberRange) aboveMin(e packed.Elem) bool {
	c := r.Min.compare(e)
	return c < 0 || c == 0 && !r.Min.Except
}

func (r *MemberRange) belowMax(e packed.Elem) bool {
	c := r.Max.compare(e)
	return c > 0 || c == 0 && !r.Max.Except
}

// RangeBy says what a range is given in.
type RangeBy uint8

const (
	ByRank RangeBy = iota
	ByScore
	ByMember
)

// SortedRange says which elements of a sorted set are meant. The zero value is the first one.
type SortedRange struct {
	By RangeBy
	// First and Last are ranks, both inside. One below 0 is counted from the end, -1 being the last.
	First, Last int64
	Score       ScoreRange
	Member      MemberRange
	// Reverse turns the order: the last element has rank 0, and Skip and Limit count from there.
	Reverse bool
	// Of the elements in the range, Skip are passed over, and then at most Limit taken, all if it is below 0. With a Skip
	// below 0 none are. By rank neither counts.
	Skip, Limit int64
}

// Ranks are the elements of ranks From to To-1.
type Ranks struct{ From, To int }

// Len returns how many elements there are.
func (s Ranks) Len() int { return s.To - s.From }

// Span returns which elements are in a range. From is not above To. O(log n), in a packed one O(n).
func (z *SortedSet) Span(r *SortedRange) Ranks {
	var s Ranks
	switch r.By {
	case ByRank:
		s = z.rankSpan(r.First, r.Last)
		if r.Reverse {
			s = Ranks{z.n - s.To, z.n - s.From}
		}
		return s
	case ByScore:
		s = z.scoreSpan(&r.Score)
	case ByMember:
		s = z.memberSpan(&r.Member, r.Reverse)
	}
	n := int64(s.Len())
	skip, take := r.Skip, r.Limit
	if skip < 0 || skip >= n {
		return Ranks{s.From, s.From}
	}
	if take < 0 || take > n-skip {
		take = n - skip
	}
	if r.Reverse {
		to := s.To - int(skip)
		return Ranks{to - int(take), to}
	}
	from := s.From + int(skip)
	return Ranks{from, from + int(take)}
}

// rankSpan turns ranks, those below 0 counted from the end, into a span.
func (z *SortedSet) rankSpan(first, last int64) Ranks {
	n := int64(z.n)
	if first < 0 {
		first = max(first+n, 0)
	}
	if last < 0 {
		last += n
	}
	last = min(last, n-1)
	if first > last {
		return Ranks{}
	}
	return Ranks{int(first), int(last) + 1}
}

func (z *SortedSet) scoreSpan(r *ScoreRange) Ranks {
	if z.n == 0 || r.empty() {
		return Ranks{}
	}
	if z.form == sortedLarge {
		from, to := z.scoreRank(r.Min, r.ExceptMin), z.scoreRank(r.Max, !r.ExceptMax)
		return Ranks{from, max(from, to)}
	}
	var s Ranks
	at := 0
	for at < len(z.body) {
		score, n := readScore(z.body[at:])
		if !r.belowMax(score) {
			break
		}
		if !r.aboveMin(score) {
			s.From++
		}
		s.To++
		at += n + packed.Skip(z.body[at+n:])
	}
	return s
}

// scoreRank returns how many elements of a large sorted set have a score less than one, or, with equals, not greater.
func (z *SortedSet) scoreRank(score float64, equals bool) int {
	if equals {
		if score = plainScore(score); score == math.Inf(1) {
			return z.n
		}
		score = math.Nextafter(score, math.Inf(1))
	}
	var buf [keySize]byte
	rank, _ := z.tree.Seek(z.view.Mem, appendKey(buf[:0], plainScore(score)))
	return rank
}

func (z *SortedSet) memberSpan(r *MemberRange, reverse bool) Ranks {
	if z.n == 0 || r.empty() {
		return Ranks{}
	}
	if z.form == sortedLarge {
		from, to := z.memberRank(&r.Min, false), z.memberRank(&r.Max, true)
		return Ranks{from, max(from, to)}
	}
	c := z.From(0)
	first, _ := c.Next()
	c = z.From(z.n)
	last, _ := c.Prev()
	if !r.belowMax(first.member) || !r.aboveMin(last.member) {
		return Ranks{}
	}
	if reverse {
		return z.memberSpanBack(r)
	}
	s := Ranks{}
	c = z.From(0)
	for e, ok := c.Next(); ok && !r.aboveMin(e.member); e, ok = c.Next() {
		s.From++
	}
	c = z.From(s.From)
	s.To = s.From
	for e, ok := c.Next(); ok && r.belowMax(e.member); e, ok = c.Next() {
		s.To++
	}
	return s
}

// memberSpanBack finds the span of a packed sorted set from its end.
func (z *SortedSet) memberSpanBack(r *MemberRange) Ranks {
	s := Ranks{z.n, z.n}
	c := z.From(z.n)
	for e, ok := c.Prev(); ok && !r.belowMax(e.member); e, ok = c.Prev() {
		s.To--
	}
	c = z.From(s.To)
	s.From = s.To
	for e, ok := c.Prev(); ok && r.aboveMin(e.member); e, ok = c.Prev() {
		s.From--
	}
	return s
}

// memberRank returns how many elements of a large sorted set come before an end of a range; upper says that it is the
// upper one.
func (z *SortedSet) memberRank(b *MemberBound, upper bool) int {
	switch b.End {
	case -1:
		return 0
	case 1:
		return z.n
	}
	c := z.From(0)
	first, _ := c.Next()
	rank, found := z.seekLarge(first.Score, b.Member)
	if found && b.Except != upper {
		rank++
	}
	return rank
}
