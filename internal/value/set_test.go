package value

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

// newHeap returns a heap with Redis's limits, and its region.
func newSetHeap(t testing.TB) (*Heap, *slab.Region) {
	t.Helper()
	r, err := slab.NewRegion()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return &Heap{Slab: slab.New(r), Seed: maphash.MakeSeed(), Limits: NewLimits()}, r
}

func editSet(h *Heap, raw []byte) (e SetEdit) {
	e.Open(h, raw)
	return e
}

func newSet(h *Heap) (e SetEdit) {
	e.New(h)
	return e
}

// setTester is a key's set with what it should hold, and versions of it.
type setTester struct {
	t        testing.TB
	h        *Heap
	raw      []byte
	model    map[string]bool
	versions []setVersion
}

type setVersion struct {
	v     *slab.Version
	raw   []byte
	model map[string]bool
}

func newSetTester(t testing.TB) *setTester {
	h, _ := newSetHeap(t)
	return &setTester{t: t, h: h, model: map[string]bool{}}
}

// edit changes the set and keeps what comes of it, as a key does.
func (x *setTester) edit(fn func(e *SetEdit)) {
	x.t.Helper()
	e := editSet(x.h, x.raw)
	fn(&e)
	if e.Changed() {
		raw, large := e.Raw()
		require.Equal(x.t, len(raw) > 0 && raw[0] == setLarge, large)
		x.raw = slices.Clone(raw)
	}
	x.h.Tidy()
}

func (x *setTester) add(members ...string) {
	x.t.Helper()
	x.edit(func(e *SetEdit) {
		e.Expect([]byte(members[0]), len(members))
		for _, m := range members {
			added, err := e.Add([]byte(m))
			if err != nil || added == x.model[m] {
				x.t.Fatalf("Add(%.30q) = %v, %v", m, added, err)
			}
			x.model[m] = true
		}
	})
}

func (x *setTester) remove(members ...string) {
	x.t.Helper()
	x.edit(func(e *SetEdit) {
		for _, m := range members {
			removed, err := e.Remove([]byte(m))
			if err != nil || removed != x.model[m] {
				x.t.Fatalf("Remove(%.30q) = %v, %v", m, removed, err)
			}
			delete(x.model, m)
		}
	})
}

func (x *setTester) pop(n int, draw func() uint64) {
	x.t.Helper()
	x.edit(func(e *SetEdit) {
		popped := 0
		err := e.Pop(n, draw, func(m Member) {
			popped++
			s := memberText(m)
			require.True(x.t, x.model[s], "%.30q was popped", s)
			delete(x.model, s)
		})
		require.NoError(x.t, err)
		require.Equal(x.t, n, popped)
	})
}

func memberText(m Member) string { return string(m.AppendTo(nil)) }

func (x *setTester) open() Set { return OpenSet(x.h.view(), x.raw) }

// walkMembers returns all members of a set, none of which may come twice.
func walkMembers(t testing.TB, all func(func(Member) bool)) []string {
	t.Helper()
	var list []string
	for m := range all {
		list = append(list, memberText(m))
	}
	slices.Sort(list)
	for i := 1; i < len(list); i++ {
		if list[i] == list[i-1] {
			t.Fatalf("%.30q comes twice", list[i])
		}
	}
	return list
}

func membersOf(model map[string]bool) []string { return slices.Sorted(maps.Keys(model)) }

// checkSet compares a set with what it should hold.
func checkSet(t testing.TB, v View, raw []byte, model map[string]bool) {
	t.Helper()
	s := OpenSet(v, raw)
	require.Equal(t, len(model), s.Len())
	require.Equal(t, membersOf(model), walkMembers(t, s.All))
	for m := range model {
		if !s.Has([]byte(m)) || !s.has(Member{Str: []byte(m)}) {
			t.Fatalf("%.30q is not found", m)
		}
		if n, ok := parseMember([]byte(m)); ok && !s.has(Member{Int: n, IsInt: true}) {
			t.Fatalf("%d is not found", n)
		}
		if s.Longest() < int64(len(m)) {
			t.Fatalf("%.30q is longer than %d", m, s.Longest())
		}
	}
	for _, m := range []string{"absent", "", "0", "-1", "01", "9223372036854775807", "99999999999999999999"} {
		require.Equal(t, model[m], s.Has([]byte(m)), m)
	}
	if len(raw) == 0 {
		require.Empty(t, model)
		return
	}
	require.NotEmpty(t, model)
	require.Equal(t, len(model), KindSet.Count(v, raw))
	if KindSet.Encoding(raw) == "intset" {
		last := int64(math.MinInt64)
		for m := range s.All {
			if !m.IsInt || m.Int <= last && last != math.MinInt64 {
				t.Fatalf("%d after %d", m.Int, last)
			}
			last = m.Int
		}
	}
}

func (x *setTester) check() {
	x.t.Helper()
	checkSet(x.t, x.h.view(), x.raw, x.model)
	for _, v := range x.versions {
		checkSet(x.t, x.h.view(), v.raw, v.model)
	}
	if len(x.versions) == 0 && x.h.Usage().Retired == 0 {
		nodes := int64(0)
		if len(x.raw) > 0 {
			nodes = KindSet.NodeBytes(x.h.view(), x.raw)
		}
		require.Equal(x.t, nodes, x.h.Used())
	}
}

func (x *setTester) freeze() {
	x.t.Helper()
	v, err := x.h.Freeze()
	require.NoError(x.t, err)
	x.versions = append(x.versions, setVersion{v, x.raw, maps.Clone(x.model)})
}

func (x *setTester) thaw(i int) {
	for x.h.Thaw(x.versions[i].v) {
	}
	x.versions = slices.Delete(x.versions, i, i+1)
}

func (x *setTester) encoding() string { return KindSet.Encoding(x.raw) }

func intMembers(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, strconv.Itoa(i))
	}
	return list
}

func TestSetForms(t *testing.T) {
	long, longest := strings.Repeat("x", 65), strings.Repeat("x", 64)
	for _, tc := range []struct {
		name string
		adds [][]string // a call each
		want string
	}{
		{"integers", [][]string{{"1", "2", "-5"}}, "intset"},
		{"most integers", [][]string{intMembers(0, 512)}, "intset"},
		{"too many integers", [][]string{intMembers(0, 512), {"512"}}, "hashtable"},
		{"the same again", [][]string{intMembers(0, 512), {"511"}}, "intset"},
		{"too many integers at once", [][]string{intMembers(0, 513)}, "hashtable"},
		{"many, few of them new", [][]string{{"1"}, append(intMembers(0, 300), intMembers(0, 213)...)}, "hashtable"},
		{"a string", [][]string{{"a"}}, "listpack"},
		{"a string and then an integer", [][]string{{"a"}, {"1"}}, "listpack"},
		{"an integer and then a string", [][]string{{"1"}, {"a"}}, "listpack"},
		{"not quite an integer", [][]string{{"01"}}, "listpack"},
		{"too large for an integer", [][]string{{"1", "9223372036854775808"}}, "listpack"},
		{"the longest string", [][]string{{longest}}, "listpack"},
		{"too long a string", [][]string{{long}}, "hashtable"},
		{"integers and too long a string", [][]string{{"1"}, {long}}, "hashtable"},
		{"strings and too long a one", [][]string{{"a"}, {long}}, "hashtable"},
		{"most strings", [][]string{append(intMembers(0, 127), "x")}, "listpack"},
		{"127 integers and a string", [][]string{intMembers(0, 127), {"x"}}, "listpack"},
		{"128 integers and a string", [][]string{intMembers(0, 128), {"x"}}, "hashtable"},
		{"too many strings", [][]string{append(intMembers(0, 128), "x")}, "hashtable"},
		{"one string too many", [][]string{append([]string{"x"}, intMembers(0, 127)...), {"y"}}, "hashtable"},
		{"many strings at once", [][]string{{"x"}, intMembers(0, 129)}, "hashtable"},
		{"many strings at once, few of them new", [][]string{append([]string{"x"}, intMembers(0, 100)...),
			append(intMembers(0, 100), append(intMembers(0, 100), "y")...)}, "hashtable"},
	} {
		x := newSetTester(t)
		for _, members := range tc.adds {
			x.add(members...)
			x.check()
		}
		require.Equal(t, tc.want, x.encoding(), tc.name)
		all := membersOf(x.model)
		x.remove(all[1:]...)
		x.check()
		require.Equal(t, tc.want, x.encoding(), "no set goes back: %s", tc.name)
		x.remove(all[0], "absent")
		x.check()
		require.Empty(t, x.raw)
	}
}

func TestSetLimits(t *testing.T) {
	for _, tc := range []struct {
		ints, entries, value int64
		members              []string
		want                 string
	}{
		{0, 128, 64, []string{"1"}, "listpack"},
		{0, 0, 64, []string{"1"}, "hashtable"},
		{512, 0, 64, []string{"1"}, "intset"},
		{512, 0, 64, []string{"a"}, "hashtable"},
		{512, 128, 0, []string{"a"}, "hashtable"},
		{512, 128, 0, []string{"1"}, "intset"},
		{512, 128, 3, []string{"1000", "a"}, "hashtable"},
		{512, 128, 4, []string{"-100", "a"}, "listpack"},
		{2, 128, 64, []string{"1", "2", "3"}, "listpack"},
		{2, 2, 64, []string{"1", "2", "3"}, "hashtable"},
		{2, 2, 64, []string{"1", "2"}, "intset"},
		{math.MaxInt64, math.MaxInt64, math.MaxInt64, intMembers(0, 5000), "intset"},
		{math.MaxInt64, math.MaxInt64, math.MaxInt64, []string{strings.Repeat("y", 20_000), "1"}, "listpack"},
		{math.MaxInt64, math.MaxInt64, math.MaxInt64, []string{"1", strings.Repeat("y", 20_000)}, "listpack"},
	} {
		x := newSetTester(t)
		x.h.Limits.SetInts.Store(tc.ints)
		x.h.Limits.SetEntries.Store(tc.entries)
		x.h.Limits.SetValue.Store(tc.value)
		x.add(tc.members...)
		x.check()
		require.Equal(t, tc.want, x.encoding(), "%.60v", tc)
	}
}

func TestSetInts(t *testing.T) {
	x := newSetTester(t)
	sizes := []struct {
		n    int64
		raw  int
		form byte
	}{
		{5, 1 + 2, ints16}, {-32768, 1 + 2*2, ints16}, {32767, 1 + 3*2, ints16}, {32768, 1 + 4*4, ints32},
		{-32769, 1 + 5*4, ints32}, {math.MinInt32, 1 + 6*4, ints32}, {math.MaxInt32, 1 + 7*4, ints32},
		{math.MaxInt32 + 1, 1 + 8*8, ints64}, {math.MinInt32 - 1, 1 + 9*8, ints64}, {math.MinInt64, 1 + 10*8, ints64},
		{math.MaxInt64, 1 + 11*8, ints64},
	}
	for _, tc := range sizes {
		x.add(strconv.FormatInt(tc.n, 10))
		require.Len(t, x.raw, tc.raw)
		require.Equal(t, tc.form, x.raw[0])
		x.check()
	}
	x.remove("9223372036854775807", "-9223372036854775808")
	require.Len(t, x.raw, 1+9*8)
	x.check()
	for _, from := range []uint8{ints16, ints32} {
		for _, n := range []int64{math.MaxInt64, math.MinInt64} {
			x := newSetTester(t)
			x.add("1", "-2", "3", strconv.Itoa(1<<(8<<from-2)))
			require.Equal(t, from, x.raw[0])
			x.add(strconv.FormatInt(n, 10))
			require.Equal(t, uint8(ints64), x.raw[0])
			x.check()
		}
	}
}

// setWord makes members of all kinds of a byte and a number.
func setWord(kind byte, n int) string {
	switch kind % 8 {
	case 0, 1:
		return strconv.Itoa(n)
	case 2:
		return strconv.FormatInt(int64(n)*0x7FFFFFFFFFFF-1<<40, 10)
	case 3:
		return strconv.Itoa(n*301 - 35_000)
	case 4:
		return fmt.Sprintf("0%d", n)
	case 5:
		return strings.Repeat("long", n)
	}
	return fmt.Sprintf("member-%d", n)
}

// FuzzSet runs operations on a set and on a map, with versions that must stay what they were.
func FuzzSet(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	for seed := range byte(4) {
		rnd := rand.New(rand.NewPCG(uint64(seed), 2))
		ops := []byte{seed}
		for range 60 {
			ops = append(ops, byte(rnd.IntN(10)), byte(rnd.Uint32()), byte(rnd.Uint32()))
		}
		f.Add(ops)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x := newSetTester(t)
		next := func() byte {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return b
		}
		// A third of the cases each: all large, as usual but small, all packed.
		limit := []int64{0, 12, math.MaxInt64}[next()%3]
		x.h.Limits.SetInts.Store(limit)
		x.h.Limits.SetEntries.Store(limit)
		x.h.Limits.SetValue.Store(limit)
		rnd := rand.NewPCG(uint64(len(data)), 3)
		for steps := 0; len(data) > 0 && steps < 60; steps++ {
			op, a := next(), next()
			switch op % 10 {
			case 0, 1, 2:
				x.add(setWord(a, int(next())))
			case 3: // several at once
				var list []string
				for i := range 1 + a%40 {
					list = append(list, setWord(a, int(i)*3))
				}
				x.add(list...)
			case 4:
				x.remove(setWord(a, int(next())))
			case 5:
				var list []string
				for i := range 1 + a%40 {
					list = append(list, setWord(a, int(i)*3))
				}
				x.remove(list...)
			case 6:
				x.pop(min(int(a%20), len(x.model)), rnd.Uint64)
			case 7:
				if len(x.versions) < 3 {
					x.freeze()
				}
			case 8:
				if len(x.versions) > 0 {
					x.thaw(int(a) % len(x.versions))
				}
			case 9:
				s := x.open()
				got := map[string]bool{}
				s.Sample(int(a), rnd.Uint64, func(m Member) {
					require.True(t, x.model[memberText(m)])
					got[memberText(m)] = true
				})
				require.Len(t, got, min(int(a), len(x.model)))
			}
			if steps%16 == 0 {
				x.check()
			}
		}
		x.check()
		for len(x.versions) > 0 {
			x.thaw(0)
		}
		x.check()
		if len(x.model) > 0 {
			x.pop(len(x.model), rnd.Uint64)
		}
		x.check()
		require.Zero(t, x.h.Used())
	})
}

// TestSetScan walks while members come and go: those that stay are met.
func TestSetScan(t *testing.T) {
	x := newSetTester(t)
	stay := map[string]bool{}
	for i := range 3000 {
		m := fmt.Sprint("stays", i)
		x.add(m)
		stay[m] = true
	}
	seen := map[string]bool{}
	for cursor, steps := uint64(0), 0; cursor != 0 || steps == 0; steps++ {
		s := x.open()
		cursor = s.Scan(cursor, func(m Member) { seen[memberText(m)] = true })
		for i := range 20 {
			x.add(fmt.Sprint("comes", steps*20+i))
		}
		if steps == 100 {
			for i := range 1500 {
				x.remove(fmt.Sprint("comes", i))
			}
		}
	}
	for m := range stay {
		require.True(t, seen[m], m)
	}
	for _, list := range [][]string{{"1", "2"}, {"a", "b"}} {
		x := newSetTester(t)
		x.add(list...)
		s := x.open()
		for _, cursor := range []uint64{0, 5, math.MaxUint64} {
			var got []string
			require.Zero(t, s.Scan(cursor, func(m Member) { got = append(got, memberText(m)) }))
			require.Equal(t, list, got)
		}
	}
}

// TestSetClone copies sets to another heap, and saves and loads them.
func TestSetClone(t *testing.T) {
	for _, list := range [][]string{
		intMembers(0, 10), {"a", "b", "7"}, intMembers(0, 5000), {strings.Repeat("x", 1000), "y"},
	} {
		x := newSetTester(t)
		x.add(list...)
		y := newSetTester(t)
		y.h.Seed = x.h.Seed
		raw, err := KindSet.Clone(x.h.view(), x.raw, y.h)
		require.NoError(t, err)
		y.raw, y.model = raw, maps.Clone(x.model)
		y.check()
		x.check()
		y.add("one more")
		y.check()
		x.check()
		for _, limit := range []int64{0, 512, math.MaxInt64} {
			z := newSetTester(t)
			z.h.Limits.SetInts.Store(limit)
			b := KindSet.Build(z.h)
			for part := range KindSet.Parts(x.h.view(), x.raw) {
				require.NoError(t, b.Add(part))
				z.h.Scratch = append(z.h.Scratch[:0], "others use it meanwhile"...)
			}
			raw, large, err := b.Raw()
			require.NoError(t, err)
			require.Equal(t, raw[0] == setLarge, large)
			z.raw, z.model = raw, x.model
			z.check()
			require.Error(t, b.Add([]byte(list[0])), "a member that comes twice")
		}
		if x.encoding() == "hashtable" {
			var d Debris
			d.Add(KindSet, x.h.view(), x.raw)
			for !d.Empty() {
				d.FreeSome(x.h.Slab, 7)
			}
			require.Zero(t, x.h.Used())
		}
	}
	b := KindSet.Build(newSetTester(t).h)
	raw, large, err := b.Raw()
	require.NoError(t, err)
	require.False(t, large)
	require.Empty(t, raw)
}

// TestSetWithoutMemory lets memory run out in the midst of everything.
func TestSetWithoutMemory(t *testing.T) {
	for _, limit := range []int64{0, 1, 2, 3, 6} {
		h, region := newSetHeap(t)
		region.Limit(limit * slab.BlockSize)
		x := &setTester{t: t, h: h, model: map[string]bool{}}
		rnd := rand.New(rand.NewPCG(uint64(limit), 7))
		failed := 0
		for i := range 2000 {
			if i%300 == 200 && len(x.versions) < 2 {
				x.freeze()
			}
			m := strings.Repeat("m", rnd.IntN(40)) + strconv.Itoa(rnd.IntN(3000))
			x.edit(func(e *SetEdit) {
				add := rnd.IntN(4) > 0
				change := e.Remove
				if add {
					change = e.Add
				}
				changed, err := change([]byte(m))
				if err != nil {
					require.ErrorIs(t, err, slab.ErrNoMemory)
					failed++
					return
				}
				require.Equal(t, x.model[m] != add, changed)
				if add {
					x.model[m] = true
				} else {
					delete(x.model, m)
				}
			})
			if i%500 == 0 {
				x.check()
			}
		}
		x.check()
		require.True(t, failed > 0 || limit > 3, "limit %d", limit)
		for len(x.versions) > 0 {
			x.thaw(0)
		}
		x.check()
	}
}

func TestSetAllocatesNothing(t *testing.T) {
	for _, list := range [][]string{intMembers(0, 100), append(intMembers(0, 50), "a"), intMembers(0, 3000)} {
		x := newSetTester(t)
		x.add(list...)
		member, other := []byte("12"), []byte("98765")
		raw := x.raw
		run := func() {
			e := editSet(x.h, raw)
			if added, err := e.Add(other); !added || err != nil {
				panic("not added")
			}
			if removed, err := e.Remove(other); !removed || err != nil {
				panic("not removed")
			}
			b, _ := e.Raw()
			raw = append(raw[:0], b...)
			s := OpenSet(x.h.view(), raw)
			if !s.Has(member) || s.Has(other) || s.Random(rand.Uint64).Len() == 0 {
				panic("not found")
			}
		}
		run()
		require.Zero(t, testing.AllocsPerRun(100, run), "%d members", len(list))
	}
}

func TestSetTakesLittle(t *testing.T) {
	x := newSetTester(t)
	var payload int
	for i := range 150_000 {
		m := fmt.Sprintf("member:%d", i)
		payload += len(m)
		x.add(m)
	}
	perMember := float64(KindSet.NodeBytes(x.h.view(), x.raw)-int64(payload)) / 150_000
	require.Less(t, perMember, 5.5, "bytes beside those of the member")
	require.Less(t, bytes.Count(x.raw, nil), 64)
}
