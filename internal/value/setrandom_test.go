package value

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireFair holds counts to what chance makes of equal chances, by the sum of squares: a fair source is within these
// bounds but once in some hundred million times.
func requireFair(t *testing.T, name string, counts map[string]int, members, draws int) {
	t.Helper()
	require.LessOrEqual(t, len(counts), members, name)
	want := float64(draws) / float64(members)
	sum := float64(members-len(counts)) * want
	for _, n := range counts {
		sum += (float64(n) - want) * (float64(n) - want) / want
	}
	free := float64(members - 1)
	require.InDelta(t, free, sum, 6*math.Sqrt(2*free)+10, name)
}

// setsOfAllForms returns a set of each form, with the same number of members.
func setsOfAllForms(t *testing.T, n int) map[string]*setTester {
	all := map[string]*setTester{}
	for name, limit := range map[string]int64{"intset": 1 << 20, "listpack": 1 << 20, "hashtable": 0} {
		x := newSetTester(t)
		x.h.Limits.SetInts.Store(limit)
		x.h.Limits.SetEntries.Store(limit)
		if name == "listpack" {
			x.add("a string")
			x.add(intMembers(1, n)...)
		} else {
			x.add(intMembers(0, n)...)
		}
		require.Equal(t, name, x.encoding())
		all[name] = x
	}
	return all
}

func TestSetDrawsAreFair(t *testing.T) {
	const n, draws = 120, 60_000
	for name, x := range setsOfAllForms(t, n) {
		rnd := rand.NewPCG(1, 2)
		s := x.open()
		counts := map[string]int{}
		for range draws {
			counts[memberText(s.Random(rnd.Uint64))]++
		}
		requireFair(t, name+" Random", counts, n, draws)
		clear(counts)
		s.Draw(draws, rnd.Uint64, func(m Member) bool {
			counts[memberText(m)]++
			return true
		})
		requireFair(t, name+" Draw", counts, n, draws)
		for _, k := range []int{1, 7, 60, 119} {
			clear(counts)
			for range draws / k {
				s.Sample(k, rnd.Uint64, func(m Member) { counts[memberText(m)]++ })
			}
			// Without repetition counts differ less than by chance, so scale what is left of that.
			got := map[string]int{}
			for m, c := range counts {
				want := float64(draws/k*k) / n
				got[m] = int(math.Round(want + (float64(c)-want)/math.Sqrt(float64(n-k)/float64(n-1))))
			}
			requireFair(t, name+" Sample", got, n, draws/k*k)
		}
	}
}

// TestSetPopsAreFair counts which members go first, one by one and several at once.
func TestSetPopsAreFair(t *testing.T) {
	const n, rounds = 30, 3000
	for _, at := range []int{1, 10} {
		for name, x := range setsOfAllForms(t, n) {
			rnd := rand.NewPCG(3, 4)
			counts := map[string]int{}
			all := x.raw
			for range rounds {
				popped := 0
				e := editSet(x.h, all)
				require.NoError(t, e.Pop(at, rnd.Uint64, func(m Member) {
					counts[memberText(m)]++
					popped++
				}))
				require.Equal(t, at, popped)
				require.Equal(t, n-at, e.Len())
				if name == "hashtable" {
					for m := range x.model {
						_, err := e.Add([]byte(m))
						require.NoError(t, err)
					}
					raw, _ := e.Raw()
					all = append([]byte{}, raw...)
				}
			}
			scale := math.Sqrt(float64(n-at) / float64(n-1))
			want := float64(rounds*at) / n
			for m, c := range counts {
				counts[m] = int(math.Round(want + (float64(c)-want)/scale))
			}
			requireFair(t, name, counts, n, rounds*at)
		}
	}
}

// TestSetRandomInLarge draws from a set of many pages, which are not all equally full.
func TestSetRandomInLarge(t *testing.T) {
	x := newSetTester(t)
	const n, draws = 3000, 150_000
	x.add(intMembers(0, n)...)
	s := x.open()
	rnd := rand.NewPCG(5, 6)
	counts := map[string]int{}
	for range draws {
		counts[memberText(s.Random(rnd.Uint64))]++
	}
	requireFair(t, "Random", counts, n, draws)
	clear(counts)
	for range draws / 100 {
		got := 0
		s.Sample(100, rnd.Uint64, func(m Member) {
			counts[memberText(m)]++
			got++
		})
		require.Equal(t, 100, got)
	}
	requireFair(t, "Sample", counts, n, draws)
}

func TestSetBelow(t *testing.T) {
	rnd := rand.NewPCG(7, 8)
	counts := [5]int{}
	for range 50_000 {
		counts[below(rnd.Uint64, 5)]++
	}
	for _, c := range counts {
		require.InDelta(t, 10_000, c, 600)
	}
	// What would make the first numbers likelier is thrown away.
	draws := []uint64{0, 1 << 63}
	require.Equal(t, 1, below(func() uint64 {
		d := draws[0]
		draws = draws[1:]
		return d
	}, 3))
	require.Zero(t, below(func() uint64 { return math.MaxUint64 }, 1))
}
