package value

import (
	"hash/maphash"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTally(t *testing.T) {
	one, two := newSortedBench(t), newSortedBench(t)
	two.heap.Limits.ZSetEntries.Store(0)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 100 {
		one.add(strconv.Itoa(rng.IntN(150)), float64(i), 0)
		two.add(strconv.Itoa(rng.IntN(150)), float64(-2*i), 0)
	}
	sources := func() []ScoreSource {
		a := SourceOf(one.view(), KindSortedSet, one.raw)
		b := SourceOf(two.view(), KindSortedSet, two.raw)
		a.Weight, b.Weight = 2, 0.5
		return []ScoreSource{a, b}
	}
	for _, a := range []Aggregate{AggregateSum, AggregateMin, AggregateMax} {
		union, common := sortedModel{}, sortedModel{}
		for m, s := range one.model {
			union[m] = 2 * s
		}
		for m, s := range two.model {
			if have, found := union[m]; found {
				common[m] = a.Join(have, s/2)
				union[m] = common[m]
			} else {
				union[m] = s / 2
			}
		}
		result := func(fill func(*Tally)) {
			tally := Tally{Seed: one.heap.Seed}
			fill(&tally)
			tally.Sort()
			raw, large, err := tally.SortedSet(two.heap)
			require.NoError(t, err)
			require.True(t, large)
			z := OpenSortedSet(two.view(), raw)
			got := elements(&z)
			for i, p := range got {
				m, s := tally.At(i)
				require.Equal(t, p, sortedPair{string(m), plainScore(s)})
			}
			require.Len(t, got, tally.Len())
			want := union
			if tally.Len() == len(common) {
				want = common
			}
			samePairs(t, want.pairs(), got)
		}
		result(func(tally *Tally) { tally.Union(sources(), a) })
		result(func(tally *Tally) { tally.Intersect(sources(), a) })
		require.Equal(t, int64(len(common)), CommonCount(sources(), 0))
		require.Equal(t, int64(3), CommonCount(sources(), 3))
		tally := Tally{}
		tally.Subtract(sources())
		require.Equal(t, len(one.model)-len(common), tally.Len())
	}
	require.Zero(t, AggregateSum.Join(math.Inf(1), math.Inf(-1)))
	require.Zero(t, Weigh(math.Inf(1), 0))
	for a, want := range map[Aggregate]float64{AggregateSum: 0, AggregateMin: 5, AggregateMax: 5} {
		require.Equal(t, want, a.Join(5, math.NaN()))
	}
}

// TestTallyOfManyLengths has members of all lengths join, the empty one and some longer than a chunk too, with and without
// room made for them before.
func TestTallyOfManyLengths(t *testing.T) {
	for _, expected := range []int{0, 1, 64, 5000, 20_000} {
		tally := Tally{Seed: maphash.MakeSeed()}
		tally.expect(expected)
		members := []string{""}
		for i := range 5000 {
			members = append(members, strconv.Itoa(i)+strings.Repeat("x", i%200))
		}
		for i := range 3 {
			members = append(members, strings.Repeat(strconv.Itoa(i), maxTallyChunk+i-1))
		}
		for round := range 3 {
			for i, m := range members {
				tally.Join([]byte(m), float64(i), AggregateSum)
			}
			require.Equal(t, len(members), tally.Len(), "round %d", round)
		}
		want := map[string]float64{}
		for i, m := range members {
			want[m] = float64(3 * i)
		}
		tally.Sort()
		last := -1.0
		for i := range tally.Len() {
			m, score := tally.At(i)
			require.Greater(t, score, last)
			require.Equal(t, want[string(m)], score)
			last = score
			delete(want, string(m))
		}
		require.Empty(t, want)
	}
}
