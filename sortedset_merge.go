package darter

import (
	"fmt"
	"math"
	"runtime"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

// SortedMerge says how the scores of several sorted sets are joined. The zero value adds them up.
type SortedMerge struct {
	// Weights are what the scores of each sorted set are multiplied by, in the order of the keys; nil means 1 for all.
	Weights []float64
	// Join says what becomes of the scores that a member has in several sorted sets.
	Join ScoreJoin
}

// ScoreJoin is a way to make one score of several. Sums and products that would be no number are 0.
type ScoreJoin uint8

const (
	SumOfScores ScoreJoin = iota
	LowestScore
	HighestScore
)

func (o *SortedMerge) aggregate() value.Aggregate {
	switch o.Join {
	case LowestScore:
		return value.AggregateMin
	case HighestScore:
		return value.AggregateMax
	}
	return value.AggregateSum
}

// check finds out what is wrong with the options for some keys.
func (o *SortedMerge) check(keys int) error {
	if o.Join > HighestScore {
		return fmt.Errorf("%w: SortedMerge.Join is %d", ErrInvalid, o.Join)
	}
	if o.Weights != nil && len(o.Weights) != keys {
		return fmt.Errorf("%w: SortedMerge has %d weights for %d keys", ErrInvalid, len(o.Weights), keys)
	}
	for _, w := range o.Weights {
		if math.IsNaN(w) {
			return fmt.Errorf("%w: a weight that is not a number", ErrInvalid)
		}
	}
	return nil
}

// weigh gives sources their weights.
func (o *SortedMerge) weigh(sources []value.ScoreSource) {
	for i, w := range o.Weights {
		sources[i].Weight = w
	}
}

// SortedUnion returns the members that any of the sorted sets under some keys has, with their joint scores, in order,
// as they are at one instant. Sets may be among them: their members have the score 1. Options that make no sense are
// ErrInvalid. O(n + m log m) for n elements in all, m returned, with the keys' shards held.
func (c *Cache) SortedUnion(o SortedMerge, keys ...string) ([]Scored, error) {
	return c.mergeSorted(keys, o, (*value.Tally).Union)
}

// SortedIntersect returns the members that all of the sorted sets have; see SortedUnion. O(n k + m log m) for n
// elements in the smallest of k, m returned.
func (c *Cache) SortedIntersect(o SortedMerge, keys ...string) ([]Scored, error) {
	return c.mergeSorted(keys, o, (*value.Tally).Intersect)
}

// SortedDifference returns the elements of the first sorted set whose members none of the others has; see SortedUnion.
// O(n k + m log m) for n elements in the first of k, m returned.
func (c *Cache) SortedDifference(keys ...string) ([]Scored, error) {
	return c.mergeSorted(keys, SortedMerge{}, subtract)
}

// SortedUnionStore makes the key dst hold what SortedUnion returns, whatever it held, without a time of expiry, and
// returns how many elements that are. dst may be one of the keys; an empty union removes it. If it fails nothing has
// changed. The cost is that of SortedUnion; where there is much to join it is done without the shards, and others go on.
func (c *Cache) SortedUnionStore(dst string, o SortedMerge, keys ...string) (n int, err error) {
	return c.storeSorted(dst, keys, o, (*value.Tally).Union, keyspace.EventZUnionStore)
}

// SortedIntersectStore is SortedUnionStore for what SortedIntersect returns.
func (c *Cache) SortedIntersectStore(dst string, o SortedMerge, keys ...string) (n int, err error) {
	return c.storeSorted(dst, keys, o, (*value.Tally).Intersect, keyspace.EventZInterStore)
}

// SortedDifferenceStore is SortedUnionStore for what SortedDifference returns.
func (c *Cache) SortedDifferenceStore(dst string, keys ...string) (n int, err error) {
	return c.storeSorted(dst, keys, SortedMerge{}, subtract, keyspace.EventZDiffStore)
}

// SortedIntersectLen counts the members that all of the sorted sets have. It stops at a limit, if that isn't 0. A limit
// below 0 is ErrInvalid. O(n k) for n elements in the smallest of k, with the keys' shards held.
func (c *Cache) SortedIntersectLen(limit int, keys ...string) (n int, err error) {
	if limit < 0 {
		return 0, fmt.Errorf("%w: a limit of %d", ErrInvalid, limit)
	}
	err = c.onSources(keys, SortedMerge{}, func(_ keyspace.Target, sources []value.ScoreSource) {
		n = int(value.CommonCount(sources, int64(limit)))
	})
	return n, err
}

// merging is what is done with the sources.
type merging func(t *value.Tally, sources []value.ScoreSource, a value.Aggregate)

func subtract(t *value.Tally, sources []value.ScoreSource, _ value.Aggregate) { t.Subtract(sources) }

// onSources calls fn with the sorted sets under several keys, their shards held, and the target of the first.
func (c *Cache) onSources(
	keys []string, o SortedMerge, fn func(first keyspace.Target, sources []value.ScoreSource),
) error {
	if err := o.check(len(keys)); err != nil {
		return err
	}
	var first keyspace.Target
	sources := make([]value.ScoreSource, 0, len(keys))
	return c.onKeysRead(keys, func(i int, t keyspace.Target) error {
		if i == 0 {
			first = t
		}
		source, err := t.DB.Find(t.Hash, t.Key).SortedSource()
		if err != nil {
			return err
		}
		if sources = append(sources, source); len(sources) == len(keys) {
			o.weigh(sources)
			fn(first, sources)
		}
		return nil
	})
}

func (c *Cache) mergeSorted(keys []string, o SortedMerge, do merging) (elements []Scored, err error) {
	elements = []Scored{}
	err = c.onSources(keys, o, func(first keyspace.Target, sources []value.ScoreSource) {
		t := value.Tally{Seed: first.DB.Heap().Seed}
		do(&t, sources, o.aggregate())
		elements = tallied(&t)
	})
	if err != nil {
		return nil, err
	}
	return elements, nil
}

// tallied returns the elements of a tally in order.
func tallied(t *value.Tally) []Scored {
	t.Sort()
	var list scoredList
	for i := range t.Len() {
		list.add(t.At(i))
	}
	return list.elements()
}

func (c *Cache) storeSorted(dst string, keys []string, o SortedMerge, do merging, e keyspace.Event) (n int, err error) {
	if err := o.check(len(keys)); err != nil {
		return 0, err
	}
	if len(keys) == 0 {
		return 0, fmt.Errorf("%w: no keys", ErrInvalid)
	}
	err = c.makeOf(dst, keys, func(to keyspace.Target, from []keyspace.Target) (err error) {
		sources := make([]value.ScoreSource, len(from))
		for i, t := range from {
			if sources[i], err = t.DB.Find(t.Hash, t.Key).SortedSource(); err != nil {
				return err
			}
		}
		o.weigh(sources)
		tally := value.Tally{Seed: to.DB.Heap().Seed}
		do(&tally, sources, o.aggregate())
		n = tally.Len()
		return to.DB.SortedStore(to.Hash, to.Key, &tally, e)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// SortedUnion returns the members that any of the sorted sets had at the instant of the snapshot; see
// Cache.SortedUnion.
func (s *Snapshot) SortedUnion(o SortedMerge, keys ...string) ([]Scored, error) {
	return s.mergeSorted(keys, o, (*value.Tally).Union)
}

// SortedIntersect returns the members that all of the sorted sets had; see Cache.SortedIntersect.
func (s *Snapshot) SortedIntersect(o SortedMerge, keys ...string) ([]Scored, error) {
	return s.mergeSorted(keys, o, (*value.Tally).Intersect)
}

// SortedDifference returns the elements of the first sorted set whose members none of the others had; see
// Cache.SortedDifference.
func (s *Snapshot) SortedDifference(keys ...string) ([]Scored, error) {
	return s.mergeSorted(keys, SortedMerge{}, subtract)
}

func (s *Snapshot) mergeSorted(keys []string, o SortedMerge, do merging) ([]Scored, error) {
	if err := o.check(len(keys)); err != nil {
		return nil, err
	}
	st := s.state
	if !st.use() {
		return nil, ErrClosed
	}
	defer runtime.KeepAlive(s.snapshotHandle)
	defer st.done()
	sources := make([]value.ScoreSource, 0, len(keys))
	for _, key := range keys {
		err := s.read(key, func(it keyspace.FrozenItem) error {
			source, err := it.SortedSource()
			sources = append(sources, source)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(sources) == 0 {
		return []Scored{}, nil
	}
	o.weigh(sources)
	t := value.Tally{Seed: st.e.seed}
	do(&t, sources, o.aggregate())
	return tallied(&t), nil
}
