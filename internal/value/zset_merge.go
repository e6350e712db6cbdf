package value

import (
	"slices"
)

// ScoreSource is a sorted set, or a set whose members all have the score 1, that others are to be joined or compared
// with.
type ScoreSource struct {
	Weight float64 // what scores are multiplied by
	sorted SortedSet
	set    Set
	plain  bool // it is the set
}

// SourceOf returns a container of kind KindSortedSet or KindSet as a source of weight 1; no raw bytes are an empty one.
func SourceOf(v View, k Kind, raw []byte) ScoreSource {
	s := ScoreSource{Weight: 1}
	if k == KindSet {
		s.set, s.plain = OpenSet(v, raw), true
	} else {
		s.sorted = OpenSortedSet(v, raw)
	}
	return s
}

// Len returns the number of elements.
func (s *ScoreSource) Len() int {
	if s.plain {
		return s.set.Len()
	}
	return s.sorted.Len()
}

// find returns the weighed score of a member, which may be no number.
func (s *ScoreSource) find(member []byte) (float64, bool) {
	if s.plain {
		return s.Weight, s.set.Has(member)
	}
	score, found := s.sorted.Score(member)
	return score * s.Weight, found
}

// each passes on every element with its weighed score until yield returns false. The bytes are good for the call.
func (s *ScoreSource) each(yield func(member []byte, score float64) bool) {
	var digits [20]byte
	if s.plain {
		one := Weigh(1, s.Weight)
		s.set.All(func(m Member) bool {
			if m.IsInt {
				return yield(m.AppendTo(digits[:0]), one)
			}
			return yield(m.Str, one)
		})
		return
	}
	c := s.sorted.From(0)
	for e, ok := c.Next(); ok; e, ok = c.Next() {
		if !yield(e.Member(digits[:]), Weigh(e.Score, s.Weight)) {
			return
		}
	}
}

// smallestFirst puts the smallest source first, as Redis does, on which the sums of scores may hang in their last
// digit.
func smallestFirst(sources []ScoreSource) {
	slices.SortStableFunc(sources, func(a, b ScoreSource) int { return a.Len() - b.Len() })
}

// Union gathers the members of all sources. It changes the order of sources. O(n) for n elements in all.
func (t *Tally) Union(sources []ScoreSource, a Aggregate) {
	smallestFirst(sources)
	// The members of the largest, and those of others, which may be the same.
	all, most := 0, sources[len(sources)-1].Len()
	for i := range sources {
		all += sources[i].Len()
	}
	t.expect(min(all, 2*most))
	for i := range sources {
		sources[i].each(func(member []byte, score float64) bool {
			t.Join(member, score, a)
			return true
		})
	}
}

// Intersect gathers the members that all sources have. It changes the order of sources. O(n k) for k sources, n
// elements in the smallest.
func (t *Tally) Intersect(sources []ScoreSource, a Aggregate) {
	smallestFirst(sources)
	t.expect(sources[0].Len())
	eachCommon(sources, a, func(member []byte, score float64) bool {
		t.Add(member, score)
		return true
	})
}

// CommonCount returns how many members all sources have, limit at the most if it is above 0. It changes the order of
// sources. The cost is that of Intersect.
func CommonCount(sources []ScoreSource, limit int64) int64 {
	n := int64(0)
	eachCommon(sources, AggregateSum, func([]byte, float64) bool {
		n++
		return n != limit
	})
	return n
}

// eachCommon passes on the members that all sources have, and their joint scores, until yield returns false.
func eachCommon(sources []ScoreSource, a Aggregate, yield func(member []byte, score float64) bool) {
	smallestFirst(sources)
	sources[0].each(func(member []byte, score float64) bool {
		for i := range sources[1:] {
			other, found := sources[1+i].find(member)
			if !found {
				return true
			}
			score = a.Join(score, other)
		}
		return yield(member, score)
	})
}

// Subtract gathers the members of the first source that none of the others has. O(n k) for k sources, n elements in the
// first.
func (t *Tally) Subtract(sources []ScoreSource) {
	t.expect(sources[0].Len())
	sources[0].each(func(member []byte, score float64) bool {
		for i := range sources[1:] {
			if _, found := sources[1+i].find(member); found {
				return true
			}
		}
		t.Add(member, score)
		return true
	})
}
