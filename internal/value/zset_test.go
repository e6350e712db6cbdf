package value

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

// sortedModel is what a sorted set must be like.
type sortedModel map[string]float64

type sortedPair struct {
	member string
	score  float64
}

func (m sortedModel) pairs() []sortedPair {
	out := make([]sortedPair, 0, len(m))
	for member, score := range m {
		out = append(out, sortedPair{member, score})
	}
	slices.SortFunc(out, comparePairs)
	return out
}

func comparePairs(a, b sortedPair) int {
	if c := cmp.Compare(a.score, b.score); c != 0 {
		return c
	}
	return strings.Compare(a.member, b.member)
}

// sortedBench is a sorted set with its heap.
type sortedBench struct {
	t     testing.TB
	heap  *Heap
	raw   []byte
	large bool
	model sortedModel
}

func newSortedHeap(t testing.TB) *Heap {
	t.Helper()
	region, err := slab.NewRegion()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, region.Close()) })
	return &Heap{Slab: slab.New(region), Seed: maphash.MakeSeed(), Limits: NewLimits()}
}

func newSortedBench(t testing.TB) *sortedBench {
	return &sortedBench{t: t, heap: newSortedHeap(t), model: sortedModel{}}
}

func (b *sortedBench) view() View { return View{Mem: b.heap.Mem, Seed: b.heap.Seed} }

func (b *sortedBench) open() SortedSet { return OpenSortedSet(b.view(), b.raw) }

// change runs an operation, and keeps what becomes of the sorted set as a key would.
func (b *sortedBench) change(fn func(z *SortedSet)) {
	z := b.heap.SortedSet(b.raw)
	fn(&z)
	raw, large := z.Raw()
	b.raw, b.large = slices.Clone(raw), large
}

func (b *sortedBench) add(member string, score float64, mode AddMode) {
	b.t.Helper()
	b.change(func(z *SortedSet) {
		did, got, err := z.Add([]byte(member), score, mode)
		require.NoError(b.t, err)
		want, sum := b.model.add(member, score, mode)
		require.Equal(b.t, want, did, "add %q %v %b", member, score, mode)
		if did >= AddSame && did <= AddDone {
			require.Equal(b.t, sum, got)
		}
	})
}

func (m sortedModel) add(member string, score float64, mode AddMode) (Added, float64) {
	old, found := m[member]
	if found && mode&AddNew != 0 || !found && mode&AddOld != 0 {
		return AddNothing, 0
	}
	if found && mode&AddIncr != 0 {
		score += old
	}
	if math.IsNaN(score) {
		return AddNaN, 0
	}
	if found && (mode&AddGreater != 0 && score <= old || mode&AddLess != 0 && score >= old) {
		return AddNothing, 0
	}
	m[member] = plainScore(score)
	switch {
	case !found:
		return AddDone, score
	case old == score:
		return AddSame, score
	}
	return AddChanged, score
}

func (b *sortedBench) remove(member string) {
	b.t.Helper()
	b.change(func(z *SortedSet) {
		did, err := z.Remove([]byte(member))
		require.NoError(b.t, err)
		_, had := b.model[member]
		require.Equal(b.t, had, did)
		delete(b.model, member)
	})
}

// elements reads a sorted set from one end to the other.
func elements(z *SortedSet) []sortedPair {
	out := make([]sortedPair, 0, z.Len())
	var digits [20]byte
	c := z.From(0)
	for e, ok := c.Next(); ok; e, ok = c.Next() {
		out = append(out, sortedPair{string(e.Member(digits[:])), e.Score})
	}
	return out
}

// samePairs fails with the first pair that differs: all of them would be too many to read.
func samePairs(t testing.TB, want, got []sortedPair) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		require.Equal(t, want[i], got[i], "rank %d of %d", i, len(want))
	}
	require.Len(t, got, len(want))
}

// checkSorted compares everything that can be read with what should be there.
func checkSorted(t testing.TB, z *SortedSet, want []sortedPair) {
	t.Helper()
	require.Equal(t, len(want), z.Len())
	samePairs(t, want, elements(z))
	var digits [20]byte
	back := z.From(z.Len())
	for i := len(want) - 1; i >= 0; i-- {
		e, ok := back.Prev()
		require.True(t, ok)
		require.Equal(t, want[i], sortedPair{string(e.Member(digits[:])), e.Score})
	}
	_, ok := back.Prev()
	require.False(t, ok)
	for rank, p := range want {
		if len(want) > 300 && rank%37 != 0 {
			continue
		}
		score, found := z.Score([]byte(p.member))
		require.True(t, found, "%q", p.member)
		require.Equal(t, p.score, score)
		at, score, found := z.Rank([]byte(p.member))
		require.True(t, found)
		require.Equal(t, p.score, score)
		require.Equal(t, rank, at)
		at, found = z.Seek(p.score, []byte(p.member))
		require.True(t, found)
		require.Equal(t, rank, at)
	}
	_, found := z.Score([]byte("not there"))
	require.False(t, found)
	_, _, found = z.Rank([]byte("not there"))
	require.False(t, found)
}

func (b *sortedBench) check() {
	b.t.Helper()
	z := b.open()
	checkSorted(b.t, &z, b.model.pairs())
	if b.large {
		require.Equal(b.t, z.n, z.scores.Count)
		require.Equal(b.t, b.heap.Usage().Cells[slab.Container]-b.heap.Usage().Retired, z.tree.Bytes+z.scores.Bytes)
		require.Equal(b.t, z.tree.Bytes+z.scores.Bytes, KindSortedSet.NodeBytes(b.view(), b.raw))
	}
	if len(b.raw) > 0 {
		require.Equal(b.t, len(b.model), KindSortedSet.Count(b.view(), b.raw))
	} else {
		require.Empty(b.t, b.model)
	}
}

func TestSortedSetForms(t *testing.T) {
	b := newSortedBench(t)
	b.heap.Limits.ZSetEntries.Store(4)
	for i := range 4 {
		b.add(fmt.Sprint("m", i), float64(-i), 0)
		require.Equal(t, "listpack", KindSortedSet.Encoding(b.raw))
	}
	b.add("m4", 2, 0)
	require.Equal(t, "skiplist", KindSortedSet.Encoding(b.raw))
	b.check()
	for i := range 5 {
		b.remove(fmt.Sprint("m", i))
		b.check()
	}
	require.Empty(t, b.raw)
	require.Zero(t, b.heap.Usage().Cells[slab.Container])

	b.add(strings.Repeat("x", 64), 1, 0)
	require.False(t, b.large)
	b.add(strings.Repeat("x", 65), 1, 0)
	require.True(t, b.large)
	b.check()
	b.remove(strings.Repeat("x", 65))
	require.True(t, b.large, "it must not go back")
	b.check()
}

func TestSortedSetBytes(t *testing.T) {
	b := newSortedBench(t)
	b.add("b", 1.5, 0)
	b.add("7", 1, 0)
	b.add("a", 1.5, 0)
	require.Equal(t, "\x01\x03\x01\xc7\xe7\x0f\x01a\xe7\x0f\x01b", string(b.raw))
}

// Members that are integers stand as such when packed, and yet come in the order of their digits.
func TestSortedSetOrder(t *testing.T) {
	for _, entries := range []int64{128, 0} {
		b := newSortedBench(t)
		b.heap.Limits.ZSetEntries.Store(entries)
		for _, m := range []string{"10", "9", "", "-1", "a", "100", "09", "9.5", "99", "\x00", "\xff", "1", "1000000", "0"} {
			b.add(m, 0, 0)
			b.add(m, math.Copysign(0, -1), 0)
		}
		for i, s := range []float64{math.Inf(-1), -1e308, -2, -1, 1, 2, 1e308, math.Inf(1)} {
			b.add(fmt.Sprint("s", i), s, 0)
		}
		b.check()
	}
}

func TestSortedSetModes(t *testing.T) {
	for _, entries := range []int64{128, 0} {
		b := newSortedBench(t)
		b.heap.Limits.ZSetEntries.Store(entries)
		for mode := range AddMode(32) {
			if mode&(AddNew|AddOld) == AddNew|AddOld {
				continue
			}
			b.model = sortedModel{}
			b.change(func(z *SortedSet) { require.NoError(t, z.RemoveSpan(0, z.Len())) })
			b.add("keep", 100, 0)
			for _, score := range []float64{5, 5, 3, 7, -1, 0, math.Inf(1), math.Inf(-1)} {
				b.add("m", score, mode)
				b.add("new"+fmt.Sprint(score), score, mode)
				b.check()
			}
		}
	}
}

func TestSortedRanges(t *testing.T) {
	inf := math.Inf(1)
	for _, entries := range []int64{128, 0} {
		b := newSortedBench(t)
		b.heap.Limits.ZSetEntries.Store(entries)
		for i, s := range []float64{-inf, -1, 0, 0, 1, 1, 1, 2.5, inf} {
			b.add(string(rune('a'+i)), s, 0)
		}
		z := b.open()
		all := "abcdefghi"
		for _, tc := range []struct {
			r    SortedRange
			want string
		}{
			{SortedRange{}, "a"}, {SortedRange{Last: -1}, all}, {SortedRange{First: 2, Last: 4}, "cde"},
			{SortedRange{First: -3, Last: -2}, "gh"},
			{SortedRange{First: 5, Last: 4}, ""}, {SortedRange{First: 9, Last: 12}, ""},
			{SortedRange{First: -100, Last: 100}, all},
			{SortedRange{First: math.MinInt64, Last: math.MaxInt64}, all},
			{SortedRange{First: math.MaxInt64, Last: math.MinInt64}, ""},
			{SortedRange{Last: -100}, ""}, {SortedRange{Last: 1, Reverse: true}, "hi"},
			{SortedRange{First: -2, Last: -1, Reverse: true}, "ab"},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: -inf, Max: inf}, Limit: -1}, all},
			{
				SortedRange{By: ByScore, Score: ScoreRange{Min: -inf, Max: inf, ExceptMin: true, ExceptMax: true}, Limit: -1},
				"bcdefgh",
			},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1}, Limit: -1}, "cdefg"},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: math.Copysign(0, -1), Max: math.Copysign(0, -1)}, Limit: -1}, "cd"},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1, ExceptMin: true}, Limit: -1}, "efg"},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1, ExceptMax: true}, Limit: -1}, "cd"},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 1, Max: 1, ExceptMax: true}, Limit: -1}, ""},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 2, Max: 1}, Limit: -1}, ""},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 1.5, Max: 2}, Limit: -1}, ""},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: inf, Max: inf}, Limit: -1}, "i"},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: inf, Max: inf, ExceptMin: true}, Limit: -1}, ""},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: -inf, Max: -inf}, Limit: -1}, "a"},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1}, Skip: 1, Limit: 2}, "de"},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1}, Skip: 1, Limit: 2, Reverse: true}, "ef"},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1}, Skip: 4, Limit: 100}, "g"},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1}, Skip: 5, Limit: -1}, ""},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1}, Skip: -1, Limit: -1}, ""},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1}}, ""},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1}, Skip: math.MaxInt64, Limit: math.MaxInt64}, ""},
			{SortedRange{By: ByScore, Score: ScoreRange{Min: 0, Max: 1}, Skip: 2, Limit: math.MaxInt64, Reverse: true}, "cde"},
		} {
			s := z.Span(&tc.r)
			require.LessOrEqual(t, s.From, s.To)
			require.Equal(t, tc.want, all[s.From:s.To], "%+v", tc.r)
		}
	}
}

func TestMemberRanges(t *testing.T) {
	bound := func(s string) MemberBound {
		switch s[0] {
		case '-':
			return MemberBound{End: -1}
		case '+':
			return MemberBound{End: 1}
		}
		return MemberBound{Member: []byte(s[1:]), Except: s[0] == '('}
	}
	for _, entries := range []int64{128, 0} {
		b := newSortedBench(t)
		b.heap.Limits.ZSetEntries.Store(entries)
		for _, m := range "abcdefg" {
			b.add(string(m), 3, 0)
		}
		z := b.open()
		for _, tc := range []struct{ min, max, want string }{
			{"-", "+", "abcdefg"}, {"+", "-", ""}, {"-", "-", ""}, {"+", "+", ""}, {"[b", "[d", "bcd"}, {"(b", "[d", "cd"},
			{"[b", "(d", "bc"},
			{"(b", "(d", "c"}, {"(b", "(b", ""}, {"[b", "[b", "b"}, {"[b", "(b", ""}, {"[d", "[b", ""}, {"-", "[c", "abc"},
			{"[f", "+", "fg"},
			{"[bb", "[dd", "cd"}, {"(a", "+", "bcdefg"}, {"(g", "+", ""}, {"[", "[a", "a"}, {"-", "[", ""}, {"[h", "[z", ""},
			{"[c", "-", ""},
			{"+", "[c", ""}, {"[0", "[1", ""},
		} {
			for _, reverse := range []bool{false, true} {
				r := SortedRange{By: ByMember, Member: MemberRange{bound(tc.min), bound(tc.max)}, Limit: -1, Reverse: reverse}
				s := z.Span(&r)
				require.LessOrEqual(t, s.From, s.To)
				require.Equal(t, tc.want, "abcdefg"[s.From:s.To], "%s %s", tc.min, tc.max)
			}
		}
	}
}

func TestSortedRemoveSpan(t *testing.T) {
	for _, size := range []int{1, 20, 128, 129, 1000} {
		b := newSortedBench(t)
		for _, tc := range [][2]int{{0, 1}, {0, size}, {size / 2, size}, {size / 3, size / 2}, {size - 1, size}, {1, 1}} {
			b.change(func(z *SortedSet) {
				require.NoError(t, z.RemoveSpan(0, z.Len()))
				b.model = sortedModel{}
				for i := range size {
					b.model[fmt.Sprint("member", i)] = float64(i % 50)
					_, _, err := z.Add(fmt.Append(nil, "member", i), float64(i%50), 0)
					require.NoError(t, err)
				}
			})
			b.check()
			pairs := b.model.pairs()
			b.change(func(z *SortedSet) { require.NoError(t, z.RemoveSpan(tc[0], tc[1])) })
			for _, p := range pairs[tc[0]:max(tc[0], tc[1])] {
				delete(b.model, p.member)
			}
			b.check()
		}
	}
}

// scanAll goes over a sorted set and returns how often each member came.
func scanAll(z *SortedSet, count int) (met map[string]int, steps int) {
	met = map[string]int{}
	for cursor := uint64(0); ; {
		cursor = z.Scan(cursor, count, func(member []byte, score float64) {
			met[string(member)]++
			if want, found := z.Score(member); !found || want != score {
				panic("scanned what isn't there")
			}
		})
		if steps++; cursor == 0 {
			return met, steps
		}
	}
}

func TestSortedScan(t *testing.T) {
	for name, score := range map[string]func(int) float64{
		"all unlike": func(i int) float64 { return float64(i) },
		"all alike":  func(int) float64 { return 7 },
		"runs":       func(i int) float64 { return float64(i % 10) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{0, 1, 128, 500, 3000} {
				b := newSortedBench(t)
				b.change(func(z *SortedSet) {
					for i := range size {
						_, _, err := z.Add(fmt.Append(nil, "m:", i), score(i), 0)
						require.NoError(t, err)
					}
				})
				z := b.open()
				for _, count := range []int{1, 10, 1000, math.MaxInt} {
					met, steps := scanAll(&z, count)
					require.Len(t, met, size)
					for m, n := range met {
						require.Equal(t, 1, n, m)
					}
					if size == 3000 && count == 10 {
						require.Greater(t, steps, 20)
					}
				}
			}
		})
	}
}

// TestSortedScanKeepsItsPromise changes a sorted set during a scan: what stays must be met, though scores change.
func TestSortedScanKeepsItsPromise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		b := newSortedBench(t)
		b.change(func(z *SortedSet) {
			for i := range 3000 {
				_, _, err := z.Add(fmt.Append(nil, "stays:", i), float64(rng.IntN(1000)), 0)
				require.NoError(t, err)
			}
		})
		met := map[string]bool{}
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			z := b.open()
			cursor = z.Scan(cursor, 20, func(member []byte, _ float64) { met[string(member)] = true })
			b.change(func(z *SortedSet) {
				for range 100 {
					_, _, err := z.Add(fmt.Append(nil, "stays:", rng.IntN(3000)), float64(rng.IntN(1000)), 0)
					require.NoError(t, err)
					_, _, err = z.Add(fmt.Append(nil, "goes:", rng.IntN(2000)), float64(rng.IntN(1000)), 0)
					require.NoError(t, err)
					_, err = z.Remove(fmt.Append(nil, "goes:", rng.IntN(2000)))
					require.NoError(t, err)
				}
			})
		}
		for i := range 3000 {
			require.True(t, met[fmt.Sprint("stays:", i)])
		}
	}
}

func TestSortedParts(t *testing.T) {
	for _, size := range []int{1, 5, 128, 129, 2000} {
		b := newSortedBench(t)
		b.change(func(z *SortedSet) {
			for i := range size {
				member := strconv.Itoa(i)
				if i%3 == 0 {
					member = "m" + strings.Repeat("x", i%60) + member
				}
				b.model[member] = float64(i%7) / 4
				_, _, err := z.Add([]byte(member), b.model[member], 0)
				require.NoError(t, err)
			}
		})
		var parts [][]byte
		for p := range KindSortedSet.Parts(b.view(), b.raw) {
			parts = append(parts, slices.Clone(p))
		}
		for _, entries := range []int64{0, 128, 1 << 20} {
			other := newSortedBench(t)
			other.heap.Limits.ZSetEntries.Store(entries)
			build := KindSortedSet.Build(other.heap)
			for _, p := range parts {
				require.NoError(t, build.Add(p))
			}
			raw, large, err := build.Raw()
			require.NoError(t, err)
			require.Equal(t, int64(size) > entries, large)
			other.raw, other.large, other.model = slices.Clone(raw), large, b.model
			other.check()
			var again [][]byte
			for p := range KindSortedSet.Parts(other.view(), other.raw) {
				again = append(again, slices.Clone(p))
			}
			require.True(t, slices.EqualFunc(parts, again, bytes.Equal), "parts depend on the form")
			if large {
				clone, err := KindSortedSet.Clone(other.view(), other.raw, b.heap)
				require.NoError(t, err)
				clone = slices.Clone(clone)
				z := OpenSortedSet(b.view(), clone)
				z.view.Seed = other.heap.Seed
				checkSorted(t, &z, b.model.pairs())
			}
		}
		raw, large, err := KindSortedSet.Build(b.heap).Raw()
		require.NoError(t, err)
		require.Empty(t, raw)
		require.False(t, large)
	}
}

func TestSortedPartsFromOutside(t *testing.T) {
	for _, entries := range []int64{0, 128} {
		heap := newSortedHeap(t)
		heap.Limits.ZSetEntries.Store(entries)
		for _, parts := range [][]string{
			{"\x01"}, {"\xfe"}, {"\x01\x05ab"}, {"\x01\x80\x01a"}, {"\x01\xff"}, {"\x01\xf0\xff\xff\xff\xff"}, {"\x01\xf8"},
			{"\x02\x01a\x01\x01b"}, {"\x01\x01b\x01\x01a"}, {"\x01\x01a\x01\x01a"}, {"\x01\x01a", "\x01\x01a"},
			{"\x01\x01a\x02\x01a"},
			{"\xfd\x00\x00\x00\x00\x00\x00\xf8\x7f\x01a"}, {"\xe0\x01\x01a"}, {"\x01\xe1\x05"},
		} {
			build := KindSortedSet.Build(heap)
			var err error
			for _, p := range parts {
				if err = build.Add([]byte(p)); err != nil {
					break
				}
			}
			if err == nil {
				_, _, err = build.Raw()
			}
			require.Error(t, err, "%q", parts)
		}
	}
}

// TestSortedNoMemory lets memory run out in the midst of changes: what failed has changed nothing, but for a
// RemoveSpan, which may have got some way.
func TestSortedNoMemory(t *testing.T) {
	region, err := slab.NewRegion()
	require.NoError(t, err)
	defer func() { require.NoError(t, region.Close()) }()
	b := &sortedBench{t: t, model: sortedModel{}}
	b.heap = &Heap{Slab: slab.New(region), Seed: maphash.MakeSeed(), Limits: NewLimits()}
	for i := range 4000 {
		b.add(fmt.Sprint("member", i), float64(i%500), 0)
	}
	region.Limit(0)
	rng := rand.New(rand.NewPCG(5, 6))
	failed := 0
	var v *slab.Version
	var frozen []byte
	var seen []sortedPair
	closeVersion := func() {
		z := OpenSortedSet(b.view(), frozen)
		samePairs(t, seen, elements(&z))
		for b.heap.Thaw(v) {
		}
	}
	for i := range 6000 {
		if i%1500 == 0 {
			if v != nil {
				closeVersion()
			}
			v, err = b.heap.Freeze()
			require.NoError(t, err)
			frozen, seen = b.raw, b.model.pairs()
		}
		member, score := fmt.Sprint("member", rng.IntN(6000)), float64(rng.IntN(500))
		b.change(func(z *SortedSet) {
			switch rng.IntN(20) {
			case 0:
				from := rng.IntN(z.Len())
				before := elements(z)
				n := min(rng.IntN(100), z.Len()-from)
				if err := z.RemoveSpan(from, from+n); err != nil {
					require.ErrorIs(t, err, slab.ErrNoMemory)
					failed++
				}
				left := elements(z)
				for _, p := range before {
					if _, found := slices.BinarySearchFunc(left, p, comparePairs); !found {
						delete(b.model, p.member)
					}
				}
				require.GreaterOrEqual(t, len(left), len(before)-n)
			case 1, 2, 3, 4, 5:
				if _, err := z.Remove([]byte(member)); err != nil {
					require.ErrorIs(t, err, slab.ErrNoMemory)
					failed++
					return
				}
				delete(b.model, member)
			default:
				if _, _, err := z.Add([]byte(member), score, 0); err != nil {
					require.ErrorIs(t, err, slab.ErrNoMemory)
					failed++
					return
				}
				b.model[member] = score
			}
		})
		if i%500 == 0 {
			z := b.open()
			checkSorted(t, &z, b.model.pairs())
		}
	}
	require.NotZero(t, failed)
	closeVersion()
	z := b.open()
	checkSorted(t, &z, b.model.pairs())
}

// FuzzSortedSet runs operations on a sorted set and on a model. Versions are made on the way, and what their readers
// see is checked when they are closed.
func FuzzSortedSet(f *testing.F) {
	f.Add(uint64(1), []byte("\x00\x10\x20\x30\x40\x50"))
	f.Add(uint64(2), bytes.Repeat([]byte{3, 9, 27, 81, 243, 217, 139, 161}, 20))
	f.Add(uint64(0x501), bytes.Repeat([]byte{0xC0, 0xC1, 0xC2, 0xCC, 0xC3, 0xC4, 0xFF, 0xC8, 0xF6, 0x8E, 0xBB}, 14))
	f.Add(uint64(3), bytes.Repeat([]byte{0, 1, 0, 2, 0, 3, 5, 0, 0, 7, 0, 8, 6}, 12))
	f.Fuzz(func(t *testing.T, seed uint64, ops []byte) {
		region, err := slab.NewRegion()
		require.NoError(t, err)
		defer region.Close()
		b := &sortedBench{t: t, model: sortedModel{}}
		b.heap = &Heap{Slab: slab.New(region), Seed: maphash.MakeSeed(), Limits: NewLimits()}
		b.heap.Limits.ZSetEntries.Store(int64(seed % 5 * 16))
		rng := rand.New(rand.NewPCG(seed, 1))
		members := int(8 << (seed >> 8 % 6))
		member := func() string {
			n := rng.IntN(members)
			switch n % 11 {
			case 0:
				return strconv.Itoa(n)
			case 1:
				return strings.Repeat("long", n%80) + strconv.Itoa(n)
			}
			return "member:" + strconv.Itoa(n)
		}
		score := func() float64 {
			switch rng.IntN(6) {
			case 0:
				return float64(rng.IntN(5))
			case 1:
				return math.Inf(rng.IntN(2)*2 - 1)
			case 2:
				return -rng.Float64()
			}
			return float64(rng.IntN(1000)) / 4
		}
		type held struct {
			v     *slab.Version
			raw   []byte
			pairs []sortedPair
		}
		var versions []held
		closeOne := func(i int) {
			h := versions[i]
			z := OpenSortedSet(b.view(), h.raw)
			samePairs(t, h.pairs, elements(&z))
			if len(h.pairs) > 0 {
				p := h.pairs[rng.IntN(len(h.pairs))]
				s, found := z.Score([]byte(p.member))
				require.True(t, found)
				require.Equal(t, p.score, s)
			}
			for b.heap.Thaw(h.v) {
			}
			versions = slices.Delete(versions, i, i+1)
		}
		for _, op := range ops[:min(len(ops), 150)] {
			switch op % 16 {
			case 0, 1, 2, 3, 4, 5:
				for range 1 + op>>6 {
					b.add(member(), score(), 0)
				}
			case 6:
				b.add(member(), score(), AddMode(op>>4)&^AddNew)
			case 7:
				b.add(member(), score(), AddIncr)
			case 8, 9, 10:
				b.remove(member())
			case 11:
				pairs := b.model.pairs()
				from := rng.IntN(len(pairs) + 1)
				to := min(len(pairs), from+rng.IntN(1+int(op>>4)))
				b.change(func(z *SortedSet) { require.NoError(t, z.RemoveSpan(from, to)) })
				for _, p := range pairs[from:to] {
					delete(b.model, p.member)
				}
			case 12, 13:
				if len(versions) < 3 {
					v, err := b.heap.Freeze()
					require.NoError(t, err)
					versions = append(versions, held{v, b.raw, b.model.pairs()})
				}
			case 14:
				if len(versions) > 0 {
					closeOne(rng.IntN(len(versions)))
				}
			case 15:
				lo, hi := score(), score()
				z := b.open()
				r := ScoreRange{Min: lo, Max: hi, ExceptMin: op&16 != 0, ExceptMax: op&32 != 0}
				s := z.Span(&SortedRange{By: ByScore, Score: r, Limit: -1})
				n := 0
				for _, x := range b.model {
					if r.aboveMin(x) && r.belowMax(x) {
						n++
					}
				}
				require.Equal(t, n, s.Len())
				if op == 0xFF {
					met, _ := scanAll(&z, 10)
					require.Len(t, met, len(b.model))
				}
			}
		}
		b.check()
		for len(versions) > 0 {
			closeOne(len(versions) - 1)
		}
		b.check()
		b.change(func(z *SortedSet) { require.NoError(t, z.RemoveSpan(0, z.Len())) })
		require.Zero(t, b.heap.Usage().Cells[slab.Container])
	})
}
