package hashmap

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"maps"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

func newSlab(t testing.TB) (*slab.Slab, *slab.Region) {
	t.Helper()
	r, err := slab.NewRegion()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return slab.New(r), r
}

// pair is what the model knows of a key.
type pair struct {
	value string
	at    int64
}

// tester is a map with what it should hold.
type tester struct {
	t     testing.TB
	s     *slab.Slab
	seed  maphash.Seed
	m     Map
	model map[string]pair
}

func newTester(t testing.TB) *tester {
	s, _ := newSlab(t)
	return &tester{t: t, s: s, seed: maphash.MakeSeed(), model: map[string]pair{}}
}

func (x *tester) hash(key string) uint64 { return maphash.String(x.seed, key) }

func (x *tester) put(key, value string, at int64) {
	_, had := x.model[key]
	existed, err := x.m.Put(x.s, x.seed, x.hash(key), []byte(key), []byte(value), at)
	if err != nil || had != existed {
		x.t.Fatalf("Put(%.20q) = %v, %v, want %v", key, existed, err, had)
	}
	x.model[key] = pair{value, at}
}

func (x *tester) delete(key string) {
	_, had := x.model[key]
	existed, err := x.m.Delete(x.s, x.hash(key), []byte(key))
	if err != nil || had != existed {
		x.t.Fatalf("Delete(%.20q) = %v, %v, want %v", key, existed, err, had)
	}
	delete(x.model, key)
}

// check compares a map, which may be of a version, with what it should hold, and goes over its pages.
func check(t testing.TB, mem slab.Mem, seed maphash.Seed, m *Map, model map[string]pair) {
	t.Helper()
	require.Equal(t, len(model), m.Count)
	seen := 0
	m.All(mem, func(e Entry) bool {
		seen++
		want, ok := model[string(e.Key)]
		if !ok || want.value != string(e.Value) || want.at != e.At {
			t.Fatalf("%q leads to %q at %d, want %+v, %v", e.Key, e.Value, e.At, want, ok)
		}
		return true
	})
	require.Equal(t, len(model), seen)
	for key, want := range model {
		e, ok := m.Get(mem, maphash.String(seed, key), []byte(key))
		if !ok || want != (pair{string(e.Value), e.At}) || string(e.Key) != key {
			t.Fatalf("%q leads to %q at %d, %v, want %+v", key, e.Value, e.At, ok, want)
		}
	}
	var all, inPages int64
	var walk func(ref slab.Ref)
	walk = func(ref slab.Ref) {
		b := node(mem, ref)
		all += int64(len(b))
		if kindOf(b) != dirNode {
			inPages += int64(len(b))
		}
		Children(mem, ref, func(child slab.Ref, lone bool) {
			if !lone {
				walk(child)
			}
		})
		eachRef(b, func(at []byte, n int) {
			if n >= 0 {
				all += int64(slab.CellSize(loneData + n))
			}
		})
	}
	if m.Root != 0 {
		walk(m.Root)
	}
	require.Equal(t, m.inPages, inPages)
	require.Equal(t, m.Bytes, all)
}

func (x *tester) check() {
	x.t.Helper()
	check(x.t, x.s.Mem, x.seed, &x.m, x.model)
	if !x.s.HasVersions() && x.s.Usage().Retired == 0 {
		require.Equal(x.t, x.m.Bytes, x.s.Used())
	}
	again, n := Decode(x.m.AppendTo([]byte("-"))[1:])
	require.Equal(x.t, RecordSize, n)
	require.Equal(x.t, x.m, again)
}

func TestPageDrawing(t *testing.T) {
	x := newTester(t)
	x.put("key", "value", 0)
	b := node(x.s.Mem, x.m.Root)
	require.Len(t, b, 64)
	require.Equal(t, mapPage, kindOf(b))
	require.Equal(t, 1, countOf(b))
	require.Equal(t, []byte{fingerprint(x.hash("key")), 9}, b[8:10])
	require.Equal(t, "\x03keyvalue", string(b[64-9:]))
	x.put("key", "value", -2)
	require.Equal(t, "\xf1\x03\xfe\xff\xff\xff\xff\xff\xff\xffkeyvalue", string(b[64-18:]))
	x.put("key", "", 0)
	x.check()
	require.Equal(t, 4+4+fan*refSize, slab.CellSize(nodeHead+fan*refSize), "a node of the directory fills its cell")
	require.Len(t, x.m.AppendTo(nil), RecordSize)
}

// TestEntries has keys and values of all lengths around which the form of an entry changes.
func TestEntries(t *testing.T) {
	lengths := []int{0, 1, 100, 127, 128, 300, 5000, 70_000}
	for n := 225; n < 258; n++ {
		lengths = append(lengths, n)
	}
	for _, at := range []int64{0, 1, math.MaxInt64, math.MinInt64} {
		x := newTester(t)
		for i, n := range lengths {
			for _, m := range []int{0, 1, 10, 11, lengths[i], lengths[len(lengths)-1-i]} {
				key := fmt.Sprintf("%.*s", n, bytes.Repeat([]byte{byte('a' + i%26)}, n))
				x.put(key, string(bytes.Repeat([]byte{byte('A' + i%26)}, m)), at)
			}
			x.check()
		}
		for key := range maps.Clone(x.model) {
			x.put(key, "short", 0)
		}
		x.check()
		for key := range maps.Clone(x.model) {
			x.delete(key)
		}
		x.check()
		require.Zero(t, x.s.Used())
	}
}

// TestPutOwnBytes gives a key what another entry of the map, or its own, holds.
func TestPutOwnBytes(t *testing.T) {
	for _, n := range []int{3, 100, 1000} {
		x := newTester(t)
		value := string(bytes.Repeat([]byte("v"), n))
		x.put("a", value, 0)
		x.put("b", "x", 0)
		for i := range 40 {
			e, ok := x.m.Get(x.s.Mem, x.hash("a"), []byte("a"))
			require.True(t, ok)
			key := [...]string{"a", "b"}[i%2]
			_, err := x.m.Put(x.s, x.seed, x.hash(key), []byte(key), e.Value, int64(i%3))
			require.NoError(t, err)
			x.model[key] = pair{value, int64(i % 3)}
			x.check()
		}
	}
}

// TestGrowth goes up over all heights of the directory and down again.
func TestGrowth(t *testing.T) {
	x := newTester(t)
	const n = 20_000
	long := string(bytes.Repeat([]byte("v"), 200)) // few fit a page
	key := func(i int) string { return fmt.Sprintf("field:%d", i) }
	for i := range n {
		x.put(key(i), long, 0)
		if i == 100 || i == 5000 {
			x.check()
		}
	}
	require.Equal(t, 3, height(x.m.n))
	x.check()
	perm := rand.Perm(n)
	for i, k := range perm {
		x.delete(key(k))
		if i == n/2 || i == n-100 {
			x.check()
		}
	}
	x.check()
	require.Zero(t, x.s.Used())
	require.Equal(t, Map{}, x.m)
}

// TestDensity holds the overhead to what the design promises.
func TestDensity(t *testing.T) {
	for _, tc := range []struct {
		key, value int
		most       float64 // bytes of overhead an entry
	}{{16, 0, 5.2}, {12, 12, 6}, {16, 32, 8}, {8, 200, 26}} {
		x := newTester(t)
		value := bytes.Repeat([]byte("v"), tc.value)
		worst := 0.0
		for i := range 40_000 {
			key := fmt.Appendf(nil, "%0*d", tc.key, i)
			_, err := x.m.Put(x.s, x.seed, maphash.Bytes(x.seed, key), key, value, 0)
			require.NoError(t, err)
			if i > 2000 && i%64 == 0 {
				worst = max(worst, float64(x.m.Bytes)/float64(x.m.Count)-float64(tc.key+tc.value))
			}
		}
		t.Logf("key %d, value %d: at most %.2f B of overhead, at the end %.2f", tc.key, tc.value, worst,
			float64(x.m.Bytes)/float64(x.m.Count)-float64(tc.key+tc.value))
		require.Less(t, worst, tc.most)
	}
}

// TestScanGuarantee walks while the map grows and shrinks: what stays must be seen.
func TestScanGuarantee(t *testing.T) {
	for round := range 30 {
		x := newTester(t)
		rng := rand.New(rand.NewPCG(uint64(round), 1))
		stay := map[string]bool{}
		for i := range rng.IntN(3000) {
			key := fmt.Sprint("stays", i)
			stay[key] = true
			x.put(key, "", 0)
		}
		extra := 0
		for range rng.IntN(6000) {
			x.put(fmt.Sprint("extra", extra), "v", 0)
			extra++
		}
		seen := map[string]int{}
		steps := 0
		for cursor := uint64(0); ; {
			cursor = x.m.Scan(x.s.Mem, cursor, func(e Entry) { seen[string(e.Key)]++ })
			if cursor == 0 {
				break
			}
			steps++
			require.Less(t, steps, 100_000)
			for range rng.IntN(60) {
				if round%2 == 0 {
					x.put(fmt.Sprint("extra", extra), "v", 0)
					extra++
				} else if extra > 0 {
					extra--
					x.delete(fmt.Sprint("extra", extra))
				}
			}
		}
		for key := range stay {
			require.NotZero(t, seen[key], "round %d: %s was not seen", round, key)
		}
		// Without changes every entry comes once.
		once := 0
		for cursor := uint64(0); ; {
			if cursor = x.m.Scan(x.s.Mem, cursor, func(Entry) { once++ }); cursor == 0 {
				break
			}
		}
		require.Equal(t, x.m.Count, once)
		// Any cursor is a place.
		for range 100 {
			x.m.Scan(x.s.Mem, rng.Uint64(), func(Entry) {})
		}
	}
}

// TestRandom draws often and looks at how often each entry came.
func TestRandom(t *testing.T) {
	for _, n := range []int{1, 2, 10, 50, 400, 1500} {
		x := newTester(t)
		for i := range n {
			x.put(fmt.Sprint(i), string(bytes.Repeat([]byte("v"), i%200)), 0)
		}
		const each = 200
		count := map[string]int{}
		rng := rand.New(rand.NewPCG(uint64(n), 2))
		for range n * each {
			count[string(x.m.Random(x.s.Mem, rng.Uint64()).Key)]++
		}
		require.Len(t, count, n)
		for key, c := range count {
			require.InDelta(t, each, c, 6*math.Sqrt(each), "%d entries: %s", n, key)
		}
	}
}

func TestCloneAndFree(t *testing.T) {
	x := newTester(t)
	for i := range 20_000 {
		x.put(fmt.Sprint(i), string(bytes.Repeat([]byte("v"), i%300)), int64(i%3))
	}
	other, _ := newSlab(t)
	c, err := x.m.Clone(x.s.Mem, other)
	require.NoError(t, err)
	check(t, other.Mem, x.seed, &c, x.model)
	require.Equal(t, c.Bytes, other.Used())
	c.Free(other)
	require.Zero(t, other.Used())
	require.Equal(t, Map{}, c)
	small, region := newSlab(t)
	region.Limit(1 << 20)
	_, err = x.m.Clone(x.s.Mem, small)
	require.ErrorIs(t, err, slab.ErrNoMemory)
	require.Zero(t, small.Used(), "what was copied is freed")
	x.check()
	var empty Map
	c, err = empty.Clone(x.s.Mem, other)
	require.NoError(t, err)
	require.Equal(t, Map{}, c)
	empty.All(x.s.Mem, func(Entry) bool { panic("called") })
	require.Zero(t, empty.Scan(x.s.Mem, 7, func(Entry) { panic("called") }))
}

// TestNoMemory lets memory run out at any moment, with versions alive: what failed has changed nothing.
func TestNoMemory(t *testing.T) {
	s, region := newSlab(t)
	x := &tester{t: t, s: s, seed: maphash.MakeSeed(), model: map[string]pair{}}
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range 10_000 {
		x.put(fmt.Sprint(i), string(bytes.Repeat([]byte("v"), rng.IntN(300))), 0)
	}
	region.Limit(0)
	var v *slab.Version
	var frozen Map
	var was map[string]pair
	failed := 0
	for i := range 30_000 {
		if i%3000 == 0 {
			if v != nil {
				check(t, s.Mem, x.seed, &frozen, was)
				for s.Thaw(v) {
				}
			}
			var err error
			v, err = s.Freeze()
			require.NoError(t, err)
			frozen, was = x.m, maps.Clone(x.model)
		}
		key := fmt.Sprint(rng.IntN(13_000))
		if rng.IntN(3) == 0 {
			existed, err := x.m.Delete(s, x.hash(key), []byte(key))
			if err == nil {
				_, had := x.model[key]
				require.Equal(t, had, existed)
				delete(x.model, key)
			} else {
				failed++
			}
		} else {
			value := string(bytes.Repeat([]byte("v"), rng.IntN(300)))
			if _, err := x.m.Put(s, x.seed, x.hash(key), []byte(key), []byte(value), int64(rng.IntN(2))); err == nil {
				e, _ := x.m.Get(s.Mem, x.hash(key), []byte(key))
				x.model[key] = pair{value, e.At}
			} else {
				require.ErrorIs(t, err, slab.ErrNoMemory)
				failed++
			}
		}
		if i%1000 == 0 {
			x.check()
		}
	}
	require.Greater(t, failed, 100)
	for s.Thaw(v) {
	}
	x.check()
}

// TestOneHash has every key with one hash, which no good hash function does: it must end in an error.
func TestOneHash(t *testing.T) {
	s, _ := newSlab(t)
	var m Map
	var err error
	n := 0
	value := bytes.Repeat([]byte("v"), 200)
	for ; err == nil; n++ {
		_, err = m.Put(s, maphash.MakeSeed(), 7, fmt.Append(nil, n), value, 0)
	}
	require.ErrorIs(t, err, slab.ErrNoMemory)
	require.Greater(t, n, 500)
	require.Equal(t, n-1, m.Count)
}

// FuzzMap runs operations on a map and on a Go map, with versions held: each must stay as it was.
func FuzzMap(f *testing.F) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		b := make([]byte, 600)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
	region, err := slab.NewRegion()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		x := &tester{t: t, s: slab.New(region), seed: maphash.MakeSeed(), model: map[string]pair{}}
		type version struct {
			v     *slab.Version
			m     Map
			model map[string]pair
		}
		var versions []version
		closeOne := func(i int) {
			v := versions[i]
			check(t, x.s.Mem, x.seed, &v.m, v.model)
			for x.s.Thaw(v.v) {
			}
			versions = append(versions[:i], versions[i+1:]...)
		}
		for n := 0; len(ops) >= 3 && n < 200; n++ {
			op, k, size := ops[0], int(ops[1]), int(ops[2])
			ops = ops[3:]
			key := string(bytes.Repeat([]byte{byte(k)}, 1+k*k/180))
			switch op % 16 {
			case 0, 1, 2:
				x.delete(key)
			case 3:
				if len(versions) < 3 {
					v, err := x.s.Freeze()
					require.NoError(t, err)
					versions = append(versions, version{v, x.m, maps.Clone(x.model)})
				}
			case 4:
				if len(versions) > 0 {
					closeOne(k % len(versions))
				}
			case 5:
				for i := range size / 8 {
					x.put(fmt.Sprint(k, i), "many", 0)
				}
			case 6:
				for i := range size / 4 {
					x.delete(fmt.Sprint(k, i))
				}
			default:
				x.put(key, string(bytes.Repeat([]byte{op}, size*size/100)), int64(op%3))
			}
		}
		x.check()
		for len(versions) > 0 {
			closeOne(0)
		}
		x.check()
		x.m.Free(x.s)
		require.Zero(t, x.s.Used())
		x.s.Trim()
	})
}

func TestNoAllocation(t *testing.T) {
	x := newTester(t)
	key, value := []byte("a key"), []byte("a value")
	for i := range 1000 {
		x.put(fmt.Sprint(i), "v", 0)
	}
	x.put("a key", "a value", 0)
	h := maphash.Bytes(x.seed, key)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, ok := x.m.Get(x.s.Mem, h, key); !ok {
			t.Fatal("lost")
		}
		_, _ = x.m.Put(x.s, x.seed, h, key, value, 0)
		_, _ = x.m.Put(x.s, x.seed, h, key, value[:3], 5)
		_, _ = x.m.Delete(x.s, h, key)
		_, _ = x.m.Put(x.s, x.seed, h, key, value, 0)
		x.m.Random(x.s.Mem, 5)
	}))
}

func BenchmarkMap(b *testing.B) {
	const n = 1 << 20
	s, _ := newSlab(b)
	seed := maphash.MakeSeed()
	var m Map
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "field:%d", i)
		value := fmt.Appendf(nil, "value:%d", i)
		if _, err := m.Put(s, seed, maphash.Bytes(seed, keys[i]), keys[i], value, 0); err != nil {
			b.Fatal(err)
		}
	}
	order := rand.Perm(n)
	b.Run("Get", func(b *testing.B) {
		i := 0
		for b.Loop() {
			key := keys[order[i&(n-1)]]
			if _, ok := m.Get(s.Mem, maphash.Bytes(seed, key), key); !ok {
				b.Fatal("lost")
			}
			i++
		}
		b.ReportMetric(float64(m.Bytes)/n, "B/entry")
	})
	b.Run("Random", func(b *testing.B) {
		for i := uint64(0); b.Loop(); i++ {
			m.Random(s.Mem, i*1000)
		}
	})
	b.Run("Overwrite", func(b *testing.B) {
		i := 0
		value := []byte("value:12")
		for b.Loop() {
			key := keys[order[i&(n-1)]]
			_, _ = m.Put(s, seed, maphash.Bytes(seed, key), key, value, 0)
			i++
		}
	})
	b.Run("DeleteAndPut", func(b *testing.B) {
		i := 0
		value := []byte("value:1234567")
		for b.Loop() {
			key := keys[order[i&(n-1)]]
			h := maphash.Bytes(seed, key)
			_, _ = m.Delete(s, h, key)
			_, _ = m.Put(s, seed, h, key, value, 0)
			i++
		}
	})
	b.Run("Build", func(b *testing.B) {
		for b.Loop() {
			var m Map
			for i := range 100_000 {
				_, _ = m.Put(s, seed, maphash.Bytes(seed, keys[i]), keys[i], keys[i], 0)
			}
			m.Free(s)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e5, "ns/entry")
	})
}

func BenchmarkGoMap(b *testing.B) {
	const n = 1 << 20
	m := map[string][]byte{}
	for i := range n {
		m[fmt.Sprintf("field:%d", i)] = fmt.Appendf(nil, "value:%d", i)
	}
	key := []byte("field:")
	for i := uint64(0); b.Loop(); i++ {
		if len(m[string(strconv.AppendUint(key, mix(i)%n, 10))]) == 0 {
			b.Fatal("lost")
		}
	}
}

func BenchmarkGetBare(b *testing.B) {
	for _, n := range []uint64{1000, 10000, 100000, 1 << 20} {
		s, _ := newSlab(b)
		seed := maphash.MakeSeed()
		var m Map
		for i := range n {
			k := fmt.Appendf(nil, "field:%d", i)
			_, _ = m.Put(s, seed, maphash.Bytes(seed, k), k, fmt.Appendf(nil, "value:%d", i), 0)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			key := []byte("field:")
			for i := uint64(0); b.Loop(); i++ {
				key := strconv.AppendUint(key[:6], mix(i)%n, 10)
				if _, ok := m.Get(s.Mem, maphash.Bytes(seed, key), key); !ok {
					b.Fatal("lost")
				}
			}
		})
	}
}
