package darter

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// scoredMembers returns so many elements, in order, with few different scores.
func scoredMembers(n int) (list []Scored) {
	for i := range n {
		list = append(list, Scored{fmt.Sprintf("member%05d", i), float64(i / 3)})
	}
	return list
}

// is checks all that a sorted set has, by every way to read it.
func (z SortedSet) is(t testing.TB, want ...Scored) {
	t.Helper()
	n, err := z.Len()
	require.NoError(t, err)
	require.Equal(t, len(want), n)
	all, err := z.Range(SortedRange{})
	require.NoError(t, err)
	sameElements(t, want, all)
	back, err := z.Range(SortedRange{Reverse: true})
	require.NoError(t, err)
	slices.Reverse(back)
	sameElements(t, want, back)
	sameElements(t, want, collect(z.All()))
	back = collect(z.Backward())
	slices.Reverse(back)
	sameElements(t, want, back)
	members := []string{"absent"}
	for i, e := range want {
		members = append(members, e.Member)
		score, err := z.Score(e.Member)
		require.NoError(t, err)
		require.Equal(t, e.Score, score)
		rank, err := z.Rank(e.Member)
		require.NoError(t, err)
		require.Equal(t, i, rank)
		rank, err = z.RevRank(e.Member)
		require.NoError(t, err)
		require.Equal(t, len(want)-1-i, rank)
	}
	scores, err := z.Scores(members...)
	require.NoError(t, err)
	require.True(t, math.IsNaN(scores[0]))
	for i, e := range want {
		require.Equal(t, e.Score, scores[1+i])
	}
	_, err = z.Score("absent")
	require.Equal(t, ErrNotFound, err)
	_, err = z.Rank("absent")
	require.Equal(t, ErrNotFound, err)
	_, err = z.RevRank("absent")
	require.Equal(t, ErrNotFound, err)
	met := map[string]float64{}
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		var list []Scored
		list, cursor, err = z.Scan(cursor, ScanOptions{Count: 50})
		require.NoError(t, err)
		for _, e := range list {
			met[e.Member] = e.Score
		}
	}
	require.Len(t, met, len(want))
	for _, e := range want {
		require.Equal(t, e.Score, met[e.Member])
	}
}

func collect(seq func(func(string, float64) bool)) (list []Scored) {
	for member, score := range seq {
		list = append(list, Scored{member, score})
	}
	return list
}

// sameElements fails with the first element that differs: all of them would be too many to read.
func sameElements(t testing.TB, want, got []Scored) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		require.Equal(t, want[i], got[i], "element %d of %d", i, len(want))
	}
	require.Len(t, got, len(want))
}

func compareScored(a, b Scored) int {
	if c := cmp.Compare(a.Score, b.Score); c != 0 {
		return c
	}
	return strings.Compare(a.Member, b.Member)
}

func TestSortedSetBasics(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, elements := range [][]Scored{
		{{"b", -1.5}, {"", 0}, {"10", 0.1}, {"9", 0.1}, {"a\x00\xff", math.Inf(1)}}, scoredMembers(1000),
	} {
		for _, key := range []string{"", "k", "\x00"} {
			z := c.SortedSet(key)
			z.is(t)
			shuffled := slices.Clone(elements)
			rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			n, err := z.AddMany(append(shuffled, shuffled[0])...)
			require.NoError(t, err)
			require.Equal(t, len(elements), n)
			z.is(t, elements...)
			added, err := z.Add("zzz", math.Inf(1))
			require.NoError(t, err)
			require.True(t, added)
			added, err = z.Add("zzz", math.Inf(1))
			require.NoError(t, err)
			require.False(t, added)
			z.is(t, append(slices.Clone(elements), Scored{"zzz", math.Inf(1)})...)
			n, err = z.Remove("zzz", "absent", elements[1].Member, "zzz")
			require.NoError(t, err)
			require.Equal(t, 2, n)
			z.is(t, slices.Delete(slices.Clone(elements), 1, 2)...)
			kind, err := c.Type(key)
			require.NoError(t, err)
			require.Equal(t, "zset", kind)
			n, err = z.RemoveRange(SortedRange{})
			require.NoError(t, err)
			require.Equal(t, len(elements)-1, n)
			z.is(t)
			_, err = c.Type(key)
			require.Equal(t, ErrNotFound, err)
		}
	}
	require.Zero(t, c.Len())
	n, err := c.SortedSet("k").AddMany()
	require.NoError(t, err)
	require.Zero(t, n)
	require.Zero(t, c.Len())
}

func TestSortedSetAddWith(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, size := range []int{1, 500} {
		key := fmt.Sprint("k", size)
		z := c.SortedSet(key)
		_, err := z.AddMany(scoredMembers(size)...)
		require.NoError(t, err)
		for _, tt := range []struct {
			o              SortedAddOptions
			e              Scored
			added, changed int
			after          float64 // NaN for absent
		}{
			{SortedAddOptions{}, Scored{"m", 10}, 1, 0, 10},
			{SortedAddOptions{}, Scored{"m", 10}, 0, 0, 10},
			{SortedAddOptions{}, Scored{"m", 20}, 0, 1, 20},
			{SortedAddOptions{OnlyNew: true}, Scored{"m", 30}, 0, 0, 20},
			{SortedAddOptions{OnlyNew: true}, Scored{"n", 30}, 1, 0, 30},
			{SortedAddOptions{OnlyOld: true}, Scored{"m", 30}, 0, 1, 30},
			{SortedAddOptions{OnlyOld: true}, Scored{"o", 30}, 0, 0, math.NaN()},
			{SortedAddOptions{OnlyGreater: true}, Scored{"m", 20}, 0, 0, 30},
			{SortedAddOptions{OnlyGreater: true}, Scored{"m", 40}, 0, 1, 40},
			{SortedAddOptions{OnlyLess: true}, Scored{"m", 50}, 0, 0, 40},
			{SortedAddOptions{OnlyLess: true}, Scored{"m", 35}, 0, 1, 35},
			{SortedAddOptions{OnlyLess: true}, Scored{"p", 35}, 1, 0, 35},
			{SortedAddOptions{OnlyLess: true, OnlyOld: true}, Scored{"q", 35}, 0, 0, math.NaN()},
		} {
			added, changed, err := z.AddWith(tt.o, tt.e)
			require.NoError(t, err)
			require.Equal(t, [2]int{tt.added, tt.changed}, [2]int{added, changed}, "%+v", tt)
			score, err := z.Score(tt.e.Member)
			if math.IsNaN(tt.after) {
				require.Equal(t, ErrNotFound, err)
			} else {
				require.Equal(t, tt.after, score, "%+v", tt)
			}
		}
		for _, o := range []SortedAddOptions{
			{OnlyNew: true, OnlyOld: true}, {OnlyNew: true, OnlyGreater: true}, {OnlyGreater: true, OnlyLess: true},
		} {
			_, _, err := z.AddWith(o, Scored{"m", 1})
			require.ErrorIs(t, err, ErrInvalid)
			_, _, err = z.IncrWith(o, "m", 1)
			require.ErrorIs(t, err, ErrInvalid)
		}
		_, err = z.Add("m", math.NaN())
		require.ErrorIs(t, err, ErrInvalid)
		_, err = z.AddMany(Scored{"x", 1}, Scored{"y", math.NaN()})
		require.ErrorIs(t, err, ErrInvalid)
		_, err = z.Score("x")
		require.Equal(t, ErrNotFound, err)
	}
}

func TestSortedSetIncr(t *testing.T) {
	c := newTestCache(t, Options{})
	z := c.SortedSet("k")
	for _, tt := range []struct {
		by, sum float64
		err     error
	}{
		{1.5, 1.5, nil}, {2, 3.5, nil}, {-4, -0.5, nil}, {math.Inf(1), math.Inf(1), nil}, {math.Inf(-1), 0, ErrScoreNaN},
		{5, math.Inf(1), nil},
	} {
		sum, err := z.Incr("m", tt.by)
		require.Equal(t, tt.err, err)
		require.Equal(t, tt.sum, sum)
	}
	z.is(t, Scored{"m", math.Inf(1)})
	_, err := z.Incr("m", math.NaN())
	require.ErrorIs(t, err, ErrInvalid)
	sum, done, err := z.IncrWith(SortedAddOptions{OnlyOld: true}, "n", 1)
	require.NoError(t, err)
	require.False(t, done)
	require.Zero(t, sum)
	sum, done, err = z.IncrWith(SortedAddOptions{OnlyNew: true}, "n", 7)
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, 7.0, sum)
	_, done, err = z.IncrWith(SortedAddOptions{OnlyGreater: true}, "n", -7)
	require.NoError(t, err)
	require.False(t, done)
}

func TestSortedSetRanges(t *testing.T) {
	c := newTestCache(t, Options{})
	inf := math.Inf(1)
	for _, size := range []int{9, 600} {
		elements := scoredMembers(size)
		z := c.SortedSet("k")
		_, err := z.RemoveRange(SortedRange{})
		require.NoError(t, err)
		_, err = z.AddMany(elements...)
		require.NoError(t, err)
		from := func(from, to int) []Scored { return elements[from:to] }
		back := func(from, to int) []Scored {
			list := slices.Clone(elements[from:to])
			slices.Reverse(list)
			return list
		}
		with := func(r SortedRange, change func(*SortedRange)) SortedRange {
			change(&r)
			return r
		}
		for name, tt := range map[string]struct {
			r    SortedRange
			want []Scored
		}{
			"all":                {SortedRange{}, elements},
			"top":                {SortedRange{Reverse: true, Limit: 4}, back(size-4, size)},
			"all, skip":          {SortedRange{Skip: 2, Limit: 3}, from(2, 5)},
			"skip too many":      {SortedRange{Skip: size + 1, Limit: 3}, nil},
			"ranks":              {ByRank(1, 4), from(1, 5)},
			"ranks from the end": {ByRank(-3, -1), from(size-3, size)},
			"ranks, none":        {ByRank(4, 1), nil},
			"ranks, far":         {ByRank(math.MinInt, math.MaxInt), elements},
			"ranks backwards":    {with(ByRank(1, 3), func(r *SortedRange) { r.Reverse = true }), back(size-4, size-1)},
			"ranks, skip":        {with(ByRank(1, 6), func(r *SortedRange) { r.Skip, r.Limit = 2, 2 }), from(3, 5)},
			"ranks backwards, skip": {
				with(ByRank(0, 6), func(r *SortedRange) { r.Skip, r.Limit, r.Reverse = 1, 2, true }),
				back(size-3, size-1),
			},
			"scores": {ByScore(1, 2), from(3, 9)},
			"scores, open": {
				with(ByScore(0, 2), func(r *SortedRange) { r.ExceptMin, r.ExceptMax = true, true }),
				from(3, 6),
			},
			"scores, no bounds": {ByScore(-inf, inf), elements},
			"scores, none":      {ByScore(2, 1), nil},
			"scores backwards": {
				with(ByScore(0, 1), func(r *SortedRange) { r.Reverse, r.Skip, r.Limit = true, 1, 3 }),
				back(2, 5),
			},
		} {
			got, err := z.Range(tt.r)
			require.NoError(t, err, name)
			require.NotNil(t, got)
			sameElements(t, tt.want, got)
			n, err := z.Count(tt.r)
			require.NoError(t, err)
			require.Equal(t, len(tt.want), n, name)

			n, err = z.RangeStore("dst", tt.r)
			require.NoError(t, err)
			require.Equal(t, len(tt.want), n)
			stored := slices.Clone(tt.want)
			slices.SortFunc(stored, compareScored)
			c.SortedSet("dst").is(t, stored...)
			n, err = c.SortedSet("dst").RemoveRange(SortedRange{})
			require.NoError(t, err)
			require.Equal(t, len(tt.want), n)

			_, err = c.SortedSet("copy").AddMany(elements...)
			require.NoError(t, err)
			n, err = c.SortedSet("copy").RemoveRange(tt.r)
			require.NoError(t, err)
			require.Equal(t, len(tt.want), n, name)
			left := slices.DeleteFunc(slices.Clone(elements), func(e Scored) bool { return slices.Contains(tt.want, e) })
			sameElements(t, left, collect(c.SortedSet("copy").All()))
		}
		for _, r := range []SortedRange{{Skip: -1}, {Limit: -1}, ByScore(math.NaN(), 1), ByScore(1, math.NaN())} {
			_, err := z.Range(r)
			require.ErrorIs(t, err, ErrInvalid)
			_, err = z.Count(r)
			require.ErrorIs(t, err, ErrInvalid)
			_, err = z.RemoveRange(r)
			require.ErrorIs(t, err, ErrInvalid)
			_, err = z.RangeStore("dst", r)
			require.ErrorIs(t, err, ErrInvalid)
		}
		n, err := z.RangeStore("k", ByRank(0, 4))
		require.NoError(t, err)
		require.Equal(t, 5, n)
		z.is(t, elements[:5]...)
	}
}

func TestSortedSetMembers(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, more := range []int{0, 300} {
		z := c.SortedSet(fmt.Sprint(more))
		words := []string{"", "a", "ab", "abc", "b", "b\xff", "b\xff\xff", "c", "\xff", "\xff\xff"}
		for _, w := range words {
			_, err := z.Add(w, 1)
			require.NoError(t, err)
		}
		for i := range more {
			_, err := z.Add(fmt.Sprintf("m%03d", i), 1)
			require.NoError(t, err)
		}
		for _, tt := range []struct {
			r    SortedRange
			want string
		}{
			{ByMember("a", "b"), "a ab abc b"}, {ByMember("ab", "abb"), "ab"}, {ByMember("\xff", ""), "\xff \xff\xff"},
			{ByMember("c", "a"), ""},
			{ByPrefix("a"), "a ab abc"}, {ByPrefix("ab"), "ab abc"}, {ByPrefix("b\xff"), "b\xff b\xff\xff"},
			{ByPrefix("\xff"), "\xff \xff\xff"},
			{ByPrefix("\xff\xff"), "\xff\xff"}, {ByPrefix("x"), ""}, {ByPrefix("b\xff\xff\xff"), ""},
		} {
			got, err := z.Range(tt.r)
			require.NoError(t, err)
			var members []string
			for _, e := range got {
				members = append(members, e.Member)
			}
			require.Equal(t, tt.want, strings.Join(members, " "), "%+v", tt.r)
		}
		n, err := z.Count(ByPrefix(""))
		require.NoError(t, err)
		require.Equal(t, len(words)+more, n)
		n, err = z.RemoveRange(ByPrefix("a"))
		require.NoError(t, err)
		require.Equal(t, 3, n)
	}
}

func TestSortedSetPop(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, size := range []int{6, 500} {
		z := c.SortedSet("k")
		for _, pop := range []func() (Scored, error){z.PopMin, z.PopMax, z.Random} {
			_, err := pop()
			require.Equal(t, ErrNotFound, err)
		}
		left := scoredMembers(size)
		_, err := z.AddMany(left...)
		require.NoError(t, err)
		e, err := z.Random()
		require.NoError(t, err)
		require.Contains(t, left, e)
		e, err = z.PopMin()
		require.NoError(t, err)
		require.Equal(t, left[0], e)
		e, err = z.PopMax()
		require.NoError(t, err)
		require.Equal(t, left[size-1], e)
		left = left[1 : size-1]
		list, err := z.PopMinMany(2)
		require.NoError(t, err)
		require.Equal(t, left[:2], list)
		left = left[2:]
		z.is(t, left...)
		for _, pop := range []func(int) ([]Scored, error){z.PopMinMany, z.PopMaxMany} {
			list, err = pop(0)
			require.NoError(t, err)
			require.Empty(t, list)
			_, err = pop(-1)
			require.ErrorIs(t, err, ErrInvalid)
		}
		list, err = z.PopMaxMany(math.MaxInt)
		require.NoError(t, err)
		slices.Reverse(list)
		sameElements(t, left, list)
		list, err = z.PopMaxMany(1)
		require.NoError(t, err)
		require.Empty(t, list)
	}
	require.Zero(t, c.Len())
}

func TestSortedMerge(t *testing.T) {
	c := newTestCache(t, Options{})
	rng := rand.New(rand.NewPCG(1, 9))
	models := map[string]map[string]float64{"absent": {}}
	for key, size := range map[string]int{"a": 20, "b": 400, "c": 3, "set": 50} {
		models[key] = map[string]float64{}
		for range size {
			m, score := fmt.Sprint(rng.IntN(500)), float64(rng.IntN(100))
			var err error
			if key == "set" {
				score = 1
				_, err = c.SetOf(key).Add(m)
			} else {
				_, err = c.SortedSet(key).Add(m, score)
			}
			require.NoError(t, err)
			models[key][m] = score
		}
	}
	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()
	keys := slices.Sorted(maps.Keys(models))
	for range 60 {
		var chosen []string
		o := SortedMerge{Join: ScoreJoin(rng.IntN(3))}
		for range 1 + rng.IntN(3) {
			chosen = append(chosen, keys[rng.IntN(len(keys))])
			o.Weights = append(o.Weights, float64(rng.IntN(5)-2))
		}
		union, count := map[string]float64{}, map[string]int{}
		for i, key := range chosen {
			for m, s := range models[key] {
				s *= o.Weights[i]
				if count[m]++; count[m] > 1 {
					s = o.aggregate().Join(union[m], s)
				}
				union[m] = s
			}
		}
		var all, both, diff []Scored
		for m, s := range union {
			all = append(all, Scored{m, s})
			if count[m] == len(chosen) {
				both = append(both, Scored{m, s})
			}
		}
		for m, s := range models[chosen[0]] {
			if !slices.ContainsFunc(chosen[1:], func(key string) bool { _, has := models[key][m]; return has }) {
				diff = append(diff, Scored{m, s})
			}
		}
		n, err := c.SortedIntersectLen(0, chosen...)
		require.NoError(t, err)
		require.Equal(t, len(both), n)
		n, err = c.SortedIntersectLen(2, chosen...)
		require.NoError(t, err)
		require.Equal(t, min(2, len(both)), n)
		for _, tt := range []struct {
			want   []Scored
			cache  func() ([]Scored, error)
			frozen func() ([]Scored, error)
			store  func() (int, error)
		}{
			{
				all,
				func() ([]Scored, error) { return c.SortedUnion(o, chosen...) },
				func() ([]Scored, error) { return snap.SortedUnion(o, chosen...) },
				func() (int, error) { return c.SortedUnionStore("dst", o, chosen...) },
			},
			{
				both,
				func() ([]Scored, error) { return c.SortedIntersect(o, chosen...) },
				func() ([]Scored, error) { return snap.SortedIntersect(o, chosen...) },
				func() (int, error) { return c.SortedIntersectStore("dst", o, chosen...) },
			},
			{
				diff,
				func() ([]Scored, error) { return c.SortedDifference(chosen...) },
				func() ([]Scored, error) { return snap.SortedDifference(chosen...) },
				func() (int, error) { return c.SortedDifferenceStore("dst", chosen...) },
			},
		} {
			slices.SortFunc(tt.want, compareScored)
			for _, read := range []func() ([]Scored, error){tt.cache, tt.frozen} {
				got, err := read()
				require.NoError(t, err)
				require.NotNil(t, got)
				sameElements(t, tt.want, got)
			}
			for i := range tt.want {
				tt.want[i].Score += 0 // -0 is kept as 0
			}
			n, err := tt.store()
			require.NoError(t, err)
			require.Equal(t, len(tt.want), n)
			sameElements(t, tt.want, collect(c.SortedSet("dst").All()))
		}
	}
	for _, o := range []SortedMerge{{Weights: []float64{1}}, {Weights: []float64{1, math.NaN()}}, {Join: 9}} {
		_, err := c.SortedUnion(o, "a", "b")
		require.ErrorIs(t, err, ErrInvalid)
		_, err = snap.SortedIntersect(o, "a", "b")
		require.ErrorIs(t, err, ErrInvalid)
		_, err = c.SortedUnionStore("dst", o, "a", "b")
		require.ErrorIs(t, err, ErrInvalid)
	}
	got, err := c.SortedUnion(SortedMerge{})
	require.NoError(t, err)
	require.Empty(t, got)
	got, err = snap.SortedDifference()
	require.NoError(t, err)
	require.Empty(t, got)
	_, err = c.SortedUnionStore("dst", SortedMerge{})
	require.ErrorIs(t, err, ErrInvalid)
	_, err = c.SortedIntersectLen(-1, "a")
	require.ErrorIs(t, err, ErrInvalid)
}

// TestSortedSetErrors calls every method where it must fail.
func TestSortedSetErrors(t *testing.T) {
	methods := map[string]func(SortedSet) error{
		"Add":         func(z SortedSet) error { _, err := z.Add("m", 1); return err },
		"AddMany":     func(z SortedSet) error { _, err := z.AddMany(Scored{"m", 1}); return err },
		"Incr":        func(z SortedSet) error { _, err := z.Incr("m", 1); return err },
		"Remove":      func(z SortedSet) error { _, err := z.Remove("m"); return err },
		"RemoveRange": func(z SortedSet) error { _, err := z.RemoveRange(SortedRange{}); return err },
		"RangeStore":  func(z SortedSet) error { _, err := z.RangeStore("dst", SortedRange{}); return err },
		"PopMin":      func(z SortedSet) error { _, err := z.PopMin(); return err },
		"PopMaxMany":  func(z SortedSet) error { _, err := z.PopMaxMany(1); return err },
	}
	reads := map[string]func(SortedSet) error{
		"Score":  func(z SortedSet) error { _, err := z.Score("m"); return err },
		"Scores": func(z SortedSet) error { _, err := z.Scores("m"); return err },
		"Rank":   func(z SortedSet) error { _, err := z.Rank("m"); return err },
		"Len":    func(z SortedSet) error { _, err := z.Len(); return err },
		"Range":  func(z SortedSet) error { _, err := z.Range(SortedRange{}); return err },
		"Count":  func(z SortedSet) error { _, err := z.Count(SortedRange{}); return err },
		"Random": func(z SortedSet) error { _, err := z.Random(); return err },
		"Scan":   func(z SortedSet) error { _, _, err := z.Scan(0, ScanOptions{}); return err },
	}
	c := newTestCache(t, Options{})
	mustSet(t, c, "string", "x")
	_, err := c.SortedSet("zset").Add("m", 1)
	require.NoError(t, err)
	snap, err := c.Snapshot()
	require.NoError(t, err)
	for name, method := range methods {
		require.Equal(t, ErrWrongType, method(c.SortedSet("string")), name)
		require.Equal(t, ErrReadOnly, method(snap.SortedSet("zset")), name)
	}
	for name, method := range reads {
		require.Equal(t, ErrWrongType, method(c.SortedSet("string")), name)
		require.Equal(t, ErrWrongType, method(snap.SortedSet("string")), name)
		require.NoError(t, method(snap.SortedSet("zset")), name)
	}
	_, _, err = c.SortedSet("zset").Scan(0, ScanOptions{Count: -1})
	require.ErrorIs(t, err, ErrInvalid)
	for range c.SortedSet("string").All() {
		t.Error("a string has elements")
	}
	_, err = c.SortedUnion(SortedMerge{}, "zset", "string")
	require.Equal(t, ErrWrongType, err)
	_, err = snap.SortedUnion(SortedMerge{}, "zset", "string")
	require.Equal(t, ErrWrongType, err)
	_, err = c.SortedUnionStore("dst", SortedMerge{}, "zset", "string")
	require.Equal(t, ErrWrongType, err)
	holds(t, c, "string", "x")

	c.maxValue.Store(10)
	long := strings.Repeat("x", 11)
	_, err = c.SortedSet("zset").Add(long, 1)
	require.Equal(t, ErrTooLong, err)
	_, err = c.SortedSet(long).Incr("m", 1)
	require.Equal(t, ErrTooLong, err)
	_, err = c.SortedSet("zset").AddMany(Scored{"n", 1}, Scored{long, 1})
	require.Equal(t, ErrTooLong, err)
	_, err = c.SortedSet("zset").RangeStore(long, SortedRange{})
	require.Equal(t, ErrTooLong, err)
	_, err = c.SortedUnionStore(long, SortedMerge{}, "zset")
	require.Equal(t, ErrTooLong, err)

	snap.Close()
	require.NoError(t, c.Close())
	for name, method := range methods {
		require.Equal(t, ErrClosed, method(c.SortedSet("zset")), name)
	}
	for name, method := range reads {
		require.Equal(t, ErrClosed, method(c.SortedSet("zset")), name)
		require.Equal(t, ErrClosed, method(snap.SortedSet("zset")), name)
	}
	for range snap.SortedSet("zset").All() {
		t.Error("a closed snapshot has elements")
	}
	_, err = snap.SortedUnion(SortedMerge{}, "zset")
	require.Equal(t, ErrClosed, err)
}

func TestSortedSetOutOfMemory(t *testing.T) {
	c := newTestCache(t, Options{MaxMemory: 1})
	z := c.SortedSet("k")
	var err error
	for i := 0; err == nil && i < 1_000_000; i++ {
		_, err = z.Add(fmt.Sprint("member", i), float64(i))
	}
	require.Equal(t, ErrOutOfMemory, err)
	_, err = z.Incr("m", 1)
	require.Equal(t, ErrOutOfMemory, err)
	_, err = z.RangeStore("dst", SortedRange{})
	require.Equal(t, ErrOutOfMemory, err)
	_, err = c.SortedUnionStore("dst", SortedMerge{}, "k")
	require.Equal(t, ErrOutOfMemory, err)
	_, err = z.PopMin()
	require.NoError(t, err)
	_, err = z.RemoveRange(SortedRange{})
	require.NoError(t, err)
}

// TestSortedSetSnapshots holds snapshots while a sorted set goes on changing.
func TestSortedSetSnapshots(t *testing.T) {
	c := newTestCache(t, Options{})
	z := c.SortedSet("k")
	rng := rand.New(rand.NewPCG(5, 5))
	type held struct {
		snap *Snapshot
		want []Scored
	}
	var snaps []held
	model := map[string]float64{}
	for range 25 {
		for range 100 {
			m, score := fmt.Sprint("member", rng.IntN(800)), float64(rng.IntN(50))
			if rng.IntN(4) == 0 {
				_, err := z.Remove(m)
				require.NoError(t, err)
				delete(model, m)
			} else {
				_, err := z.Add(m, score)
				require.NoError(t, err)
				model[m] = score
			}
		}
		if e, err := z.PopMin(); err == nil {
			delete(model, e.Member)
		}
		var want []Scored
		for m, s := range model {
			want = append(want, Scored{m, s})
		}
		slices.SortFunc(want, compareScored)
		snap, err := c.Snapshot()
		require.NoError(t, err)
		snaps = append(snaps, held{snap, want})
		if len(snaps) > 5 {
			i := rng.IntN(len(snaps))
			snaps[i].snap.SortedSet("k").is(t, snaps[i].want...)
			snaps[i].snap.Close()
			snaps = slices.Delete(snaps, i, i+1)
		}
	}
	for _, h := range snaps {
		h.snap.SortedSet("k").is(t, h.want...)
		h.snap.Close()
	}
	z.is(t, snaps[len(snaps)-1].want...)
}

// TestSortedSetWalk changes a sorted set while it is gone over.
func TestSortedSetWalk(t *testing.T) {
	c := newTestCache(t, Options{})
	z := c.SortedSet("k")
	elements := scoredMembers(2000)
	_, err := z.AddMany(elements...)
	require.NoError(t, err)
	met := map[string]int{}
	for member, score := range z.All() {
		met[member]++
		if score > 100 && score < 600 && int(score)%2 == 0 {
			_, err := z.Remove(member)
			require.NoError(t, err)
		}
		_, err := z.Add(fmt.Sprint("new", member), -1)
		require.NoError(t, err)
	}
	for _, e := range elements {
		require.Equal(t, 1, met[e.Member], e.Member)
	}
	n := 0
	for range z.Backward() {
		if n++; n == 10 {
			break
		}
	}
	require.Equal(t, 10, n)
}

// TestSortedSetConcurrent keeps the sum of all scores while members give points to each other.
func TestSortedSetConcurrent(t *testing.T) {
	c := newTestCache(t, Options{})
	z := c.SortedSet("k")
	const members = 300
	for i := range members {
		_, err := z.Add(fmt.Sprint(i), 100)
		require.NoError(t, err)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 1))
			for range 300 {
				points := float64(rng.IntN(10))
				_, err := z.Incr(fmt.Sprint(rng.IntN(members)), points)
				if err == nil {
					_, err = z.Incr(fmt.Sprint(rng.IntN(members)), -points)
				}
				if err != nil {
					t.Error(err)
					return
				}
				list, err := z.Range(SortedRange{})
				if err != nil || len(list) != members || !slices.IsSortedFunc(list, compareScored) {
					t.Error("a range is out of order", err)
					return
				}
			}
		})
	}
	wg.Wait()
	sum := 0.0
	for _, score := range z.All() {
		sum += score
	}
	require.Equal(t, float64(100*members), sum)
}

// TestSortedSetSaved saves and loads sorted sets of both forms.
func TestSortedSetSaved(t *testing.T) {
	c := newTestCache(t, Options{})
	small, large := scoredMembers(20), scoredMembers(3000)
	_, err := c.SortedSet("small").AddMany(small...)
	require.NoError(t, err)
	_, err = c.SortedSet("large").AddMany(large...)
	require.NoError(t, err)
	var file strings.Builder
	require.NoError(t, c.Save(&file))
	other := newTestCache(t, Options{Shards: 2})
	require.NoError(t, other.Load(strings.NewReader(file.String())))
	other.SortedSet("small").is(t, small...)
	other.SortedSet("large").is(t, large...)
	require.Equal(t, 2, other.Len())
}
