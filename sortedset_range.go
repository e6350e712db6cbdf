package darter

import (
	"fmt"
	"math"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

// SortedRange says which elements of a sorted set are meant: those that ByRank, ByScore, ByMember or ByPrefix have
// chosen, all of them in the zero value, and of these what the fields say. So
//
//	darter.SortedRange{Reverse: true, Limit: 10}
//
// is the ten elements with the highest scores.
type SortedRange struct {
	// ExceptMin and ExceptMax leave out elements at the bounds of ByScore and ByMember.
	ExceptMin, ExceptMax bool
	// Reverse goes from the highest to the lowest. Ranks count from the highest then.
	Reverse bool
	// Of the elements in the range, Skip are passed over, and then at most Limit taken; 0 means all. Neither may be
	// below 0.
	Skip, Limit int

	by         rangeBy
	first      int
	last       int
	scores     [2]float64
	from, to   string
	unbounded  bool // there is no last member
	exceptLast bool
}

type rangeBy uint8

const (
	everything rangeBy = iota
	byRank
	byScore
	byMember
)

// ByRank chooses the elements from rank first to rank last, both included. Ranks below 0 count from the end, -1 is
// the last.
func ByRank(first, last int) SortedRange { return SortedRange{by: byRank, first: first, last: last} }

// ByScore chooses the elements with scores from lowest to highest, both included. Infinite bounds are none.
func ByScore(lowest, highest float64) SortedRange {
	return SortedRange{by: byScore, scores: [2]float64{lowest, highest}}
}

// ByMember chooses the members from first to last in the order of their bytes, both included; an empty last is no
// bound. It is for sorted sets in which all scores are the same: in others what it chooses is undefined.
func ByMember(first, last string) SortedRange {
	return SortedRange{by: byMember, from: first, to: last, unbounded: last == ""}
}

// ByPrefix chooses the members that start with a prefix. See ByMember.
func ByPrefix(prefix string) SortedRange {
	r := ByMember(prefix, "")
	// The first string behind all that start with the prefix: its last byte that can be is one higher.
	end := len(prefix)
	for end > 0 && prefix[end-1] == math.MaxUint8 {
		end--
	}
	if end > 0 {
		r.to, r.unbounded, r.exceptLast = prefix[:end-1]+string([]byte{prefix[end-1] + 1}), false, true
	}
	return r
}

// inside returns the range as package value knows it.
func (r *SortedRange) inside() (v value.SortedRange, err error) {
	if r.Skip < 0 || r.Limit < 0 {
		return v, fmt.Errorf("%w: SortedRange.Skip is %d, Limit %d", ErrInvalid, r.Skip, r.Limit)
	}
	v = value.SortedRange{Reverse: r.Reverse, Skip: int64(r.Skip), Limit: int64(r.Limit)}
	if r.Limit == 0 {
		v.Limit = -1
	}
	switch r.by {
	case everything:
		v.By, v.Score = value.ByScore, value.ScoreRange{Min: math.Inf(-1), Max: math.Inf(1)}
	case byRank:
		v.By, v.First, v.Last = value.ByRank, int64(r.first), int64(r.last)
	case byScore:
		if math.IsNaN(r.scores[0]) || math.IsNaN(r.scores[1]) {
			return v, fmt.Errorf("%w: a bound of scores that is not a number", ErrInvalid)
		}
		v.By = value.ByScore
		v.Score = value.ScoreRange{Min: r.scores[0], Max: r.scores[1], ExceptMin: r.ExceptMin, ExceptMax: r.ExceptMax}
	case byMember:
		v.By = value.ByMember
		v.Member.Min = value.MemberBound{Member: bytesOf(r.from), Except: r.ExceptMin}
		v.Member.Max = value.MemberBound{Member: bytesOf(r.to), Except: r.ExceptMax || r.exceptLast}
		if r.unbounded {
			v.Member.Max = value.MemberBound{End: 1}
		}
	}
	return v, nil
}

// within finds the elements of a range in a sorted set.
func within(set *value.SortedSet, v *value.SortedRange) value.Ranks {
	s := set.Span(v)
	if v.By != value.ByRank {
		return s
	}
	// Of ranks too some may be skipped.
	skip := min(int(v.Skip), s.Len())
	take := s.Len() - skip
	if v.Limit >= 0 {
		take = min(take, int(v.Limit))
	}
	if v.Reverse {
		return value.Ranks{From: s.To - skip - take, To: s.To - skip}
	}
	return value.Ranks{From: s.From + skip, To: s.From + skip + take}
}

// Range returns the elements in a range, in its order. Their members share one piece of memory, which stays as long
// as any of them is in use. O(log n + elements), with the key's shard held meanwhile.
func (z SortedSet) Range(r SortedRange) (elements []Scored, err error) {
	v, err := r.inside()
	if err != nil {
		return nil, err
	}
	var seen seen
	defer seen.done(&err)
	if err = z.see(&seen, keyspace.SortedSet); err != nil {
		return nil, err
	}
	set := seen.sortedSet()
	s := within(&set, &v)
	list := scoredList{ends: make([]int, 0, s.Len()), scores: make([]float64, 0, s.Len())}
	list.span(&set, s, r.Reverse)
	return list.elements(), nil
}

// Count returns how many elements a range has. It allocates nothing. O(log n).
func (z SortedSet) Count(r SortedRange) (n int, err error) {
	v, err := r.inside()
	if err != nil {
		return 0, err
	}
	var seen seen
	defer seen.done(&err)
	if err = z.see(&seen, keyspace.SortedSet); err != nil {
		return 0, err
	}
	set := seen.sortedSet()
	return within(&set, &v).Len(), nil
}

// RemoveRange removes the elements in a range and returns how many there were. O(log n + elements).
func (z SortedSet) RemoveRange(r SortedRange) (removed int, err error) {
	v, err := r.inside()
	if err != nil {
		return 0, err
	}
	w, err := z.change(true)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	set, err := w.db.Look(w.hash, w.key).SortedSet()
	if err != nil {
		return 0, err
	}
	s := within(&set, &v)
	event := keyspace.EventZRemRangeByRank
	switch r.by {
	case byScore:
		event = keyspace.EventZRemRangeByScore
	case byMember:
		event = keyspace.EventZRemRangeByLex
	}
	if s.Len() == 0 {
		return 0, nil
	}
	ranks := value.SortedRange{First: int64(s.From), Last: int64(s.To - 1)}
	return w.db.SortedRemoveRange(w.hash, w.key, &ranks, event)
}

// RangeStore makes the key dst hold the elements in a range, whatever it held, without a time of expiry, and returns
// how many there are. dst may be the sorted set's own key; without any element it is removed. If it fails nothing has
// changed. O(log n + elements), with both keys' shards held, or without them where the sorted set is large.
func (z SortedSet) RangeStore(dst string, r SortedRange) (n int, err error) {
	if z.cache == nil {
		return 0, ErrReadOnly
	}
	v, err := r.inside()
	if err != nil {
		return 0, err
	}
	err = z.cache.makeOf(dst, []string{z.key}, func(to keyspace.Target, from []keyspace.Target) error {
		set, err := from[0].DB.Find(from[0].Hash, from[0].Key).SortedSet()
		if err != nil {
			return err
		}
		s := within(&set, &v)
		ranks := value.SortedRange{First: int64(s.From), Last: int64(s.To - 1)}
		if s.Len() == 0 {
			ranks = value.SortedRange{First: 1, Last: 0}
		}
		n, err = to.DB.SortedStoreRange(to.Hash, to.Key, &set, &ranks)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
