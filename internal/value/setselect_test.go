package value

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

// setSums are operations on models.
var setSums = map[string]func(models []map[string]bool) map[string]bool{
	"union": func(models []map[string]bool) map[string]bool {
		out := map[string]bool{}
		for _, m := range models {
			for k := range m {
				out[k] = true
			}
		}
		return out
	},
	"intersection": func(models []map[string]bool) map[string]bool {
		out := map[string]bool{}
		for k := range models[0] {
			if !slices.ContainsFunc(models, func(m map[string]bool) bool { return !m[k] }) {
				out[k] = true
			}
		}
		return out
	},
	"difference": func(models []map[string]bool) map[string]bool {
		out := map[string]bool{}
		for k := range models[0] {
			if !slices.ContainsFunc(models[1:], func(m map[string]bool) bool { return m[k] }) {
				out[k] = true
			}
		}
		return out
	},
}

func selectSets(name string, sets []Set, h *Heap) Selection {
	switch name {
	case "union":
		return Union(sets, h)
	case "intersection":
		return Intersection(sets)
	}
	return Difference(sets, h)
}

// TestSetSelections combines sets of all forms and sizes, and compares with maps.
func TestSetSelections(t *testing.T) {
	h, _ := newSetHeap(t)
	rnd := rand.New(rand.NewPCG(1, 1))
	limits := []int64{0, 20, 300}
	// pool of sets in one heap, some of them empty
	var pool []*setTester
	for i := range 24 {
		x := &setTester{t: t, h: h, model: map[string]bool{}}
		limit := limits[i%3]
		h.Limits.SetInts.Store(limit)
		h.Limits.SetEntries.Store(limit)
		size := []int{0, 1, 10, 60, 400}[rnd.IntN(5)]
		for range size {
			m := strconv.Itoa(rnd.IntN(size * 2))
			if i%2 == 0 && rnd.IntN(2) == 0 {
				m = "s" + m
			}
			if !x.model[m] {
				x.add(m)
			}
		}
		pool = append(pool, x)
	}
	used := h.Used()
	for range 60 {
		n := 1 + rnd.IntN(4)
		if rnd.IntN(8) == 0 {
			n = 25 // so many that unions are made in the heap
		}
		limit := limits[rnd.IntN(3)]
		h.Limits.SetInts.Store(limit)
		h.Limits.SetEntries.Store(limit)
		var models []map[string]bool
		var chosen []*setTester
		for range n {
			x := pool[rnd.IntN(len(pool))]
			chosen, models = append(chosen, x), append(models, x.model)
		}
		open := func() (sets []Set) {
			for _, x := range chosen {
				sets = append(sets, x.open())
			}
			return sets
		}
		for name, sum := range setSums {
			want := sum(models)
			for _, temp := range []*Heap{nil, h} {
				s := selectSets(name, open(), temp)
				require.Equal(t, membersOf(want), walkMembers(t, s.All), "%s as it goes", name)
				require.Equal(t, len(want), s.Count(math.MaxInt))
				require.Equal(t, min(3, len(want)), s.Count(3))
				require.Zero(t, s.Count(0))
				require.Equal(t, len(want), s.Fix())
				for range 2 {
					require.Equal(t, membersOf(want), walkMembers(t, s.All), "%s when fixed", name)
				}
				for range s.All {
					break
				}
				e := newSet(h)
				require.NoError(t, e.AddAll(&s))
				checkNewSet(t, h, &e, want)
				s.Free()
			}
			if name == "union" {
				e := editSet(h, nil)
				require.NoError(t, e.AddUnion(open()))
				checkNewSet(t, h, &e, want)
			}
			require.Equal(t, used, h.Used(), "%s leaves nothing behind", name)
		}
	}
	for _, x := range pool {
		checkSet(t, h.view(), x.raw, x.model)
	}
	for name := range setSums {
		s := selectSets(name, nil, h)
		require.Zero(t, s.Fix())
		require.Empty(t, walkMembers(t, s.All))
		s.Free()
	}
}

// checkNewSet checks what was made, and frees it.
func checkNewSet(t *testing.T, h *Heap, e *SetEdit, want map[string]bool) {
	raw, _ := e.Raw()
	checkSet(t, h.view(), slices.Clone(raw), want)
	e.Free()
	require.Zero(t, e.Len())
}

// TestSetUnionOfLarge goes the way by a copy of the largest set.
func TestSetUnionOfLarge(t *testing.T) {
	h, _ := newSetHeap(t)
	x := &setTester{t: t, h: h, model: map[string]bool{}}
	y := &setTester{t: t, h: h, model: map[string]bool{}}
	x.add(intMembers(0, 2000)...)
	y.add(intMembers(1500, 2200)...)
	used := h.Used()
	e := editSet(h, nil)
	require.NoError(t, e.AddUnion([]Set{y.open(), x.open(), y.open()}))
	require.Equal(t, 2200, e.Len())
	checkNewSet(t, h, &e, setSums["union"]([]map[string]bool{x.model, y.model}))
	checkSet(t, h.view(), x.raw, x.model)
	checkSet(t, h.view(), y.raw, y.model)
	require.Equal(t, used, h.Used())
}

// TestSetSelectionsWithoutMemory falls back to lookups where there is no memory for a set beside.
func TestSetSelectionsWithoutMemory(t *testing.T) {
	h, region := newSetHeap(t)
	h.Limits.SetInts.Store(0)
	h.Limits.SetEntries.Store(0)
	var pool []*setTester
	for i := range 30 {
		x := &setTester{t: t, h: h, model: map[string]bool{}}
		x.add(intMembers(i*50, i*50+200)...)
		pool = append(pool, x)
	}
	big := &setTester{t: t, h: h, model: map[string]bool{}}
	big.add(intMembers(0, 2000)...)
	pool = append([]*setTester{big}, pool...)
	region.Limit(0)
	for _, err := h.Alloc(slab.Container, 64); err == nil; _, err = h.Alloc(slab.Container, 64) {
	}
	used := h.Used()
	var models []map[string]bool
	for _, x := range pool {
		models = append(models, x.model)
	}
	for name, sum := range setSums {
		var sets []Set
		for _, x := range pool {
			sets = append(sets, x.open())
		}
		s := selectSets(name, sets, h)
		want := sum(models)
		require.Equal(t, len(want), s.Fix(), name)
		require.Equal(t, membersOf(want), walkMembers(t, s.All), name)
		s.Free()
	}
	require.GreaterOrEqual(t, used, h.Used())
	e := newSet(h)
	all := Selection{over: []Set{big.open()}}
	require.ErrorIs(t, e.AddAll(&all), slab.ErrNoMemory)
	e.Free()
}
