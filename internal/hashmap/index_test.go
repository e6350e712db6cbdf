package hashmap

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

// indexModel is what an index should hold: how often each entry.
type indexModel map[[2]uint64]int

func (m indexModel) count() (n int) {
	for _, c := range m {
		n += c
	}
	return n
}

func checkIndex(t testing.TB, mem slab.Mem, x *Index, model indexModel) {
	t.Helper()
	require.Equal(t, model.count(), x.Count)
	byHash := map[uint64][]uint64{}
	for e, c := range model {
		byHash[e[0]] = append(byHash[e[0]], slices.Repeat([]uint64{e[1]}, c)...)
	}
	for h, want := range byHash {
		var got []uint64
		x.Lookup(mem, h, func(number uint64) bool {
			got = append(got, number)
			return true
		})
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(want, got) {
			t.Fatalf("%#x leads to %v, want %v", h, got, want)
		}
	}
	var all, inPages int64
	entries := 0
	var walk func(ref slab.Ref)
	walk = func(ref slab.Ref) {
		b := node(mem, ref)
		all += int64(len(b))
		if kindOf(b) == indexPage {
			inPages += int64(len(b))
			entries += countOf(b)
			for i := 1; i < countOf(b); i++ {
				if hashOf(b, i-1) > hashOf(b, i) {
					t.Fatal("hashes are out of order")
				}
			}
		}
		Children(mem, ref, func(child slab.Ref, lone bool) {
			require.False(t, lone)
			walk(child)
		})
	}
	if x.Root != 0 {
		walk(x.Root)
	}
	require.Equal(t, x.Count, entries)
	require.Equal(t, x.inPages, inPages)
	require.Equal(t, x.Bytes, all)
}

func TestIndexDrawing(t *testing.T) {
	s, _ := newSlab(t)
	var x Index
	require.NoError(t, x.Put(s, 0xAABBCCDD_12345678, 7))
	require.NoError(t, x.Put(s, 0x01020304, 1<<63))
	b := node(s.Mem, x.Root)
	require.Len(t, b, 64)
	require.Equal(t, indexPage, kindOf(b))
	require.Equal(t, []byte{4, 3, 2, 1, 0x78, 0x56, 0x34, 0x12}, b[8:16])
	require.Equal(t, []byte{7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80}, b[48:])
	again, n := DecodeIndex(x.AppendTo(nil))
	require.Equal(t, RecordSize, n)
	require.Equal(t, x, again)
}

func TestIndex(t *testing.T) {
	s, _ := newSlab(t)
	var x Index
	model := indexModel{}
	x.Lookup(s.Mem, 5, func(uint64) bool { panic("called") })
	const n = 30_000
	entry := func(i int) (h, number uint64) { return mix(uint64(i)) >> 32, uint64(i) }
	worst := 0.0
	for i := range n {
		h, number := entry(i)
		require.NoError(t, x.Put(s, h, number))
		model[[2]uint64{h, number}]++
		if i > 2000 {
			worst = max(worst, float64(x.Bytes)/float64(x.Count))
		}
	}
	t.Logf("at most %.2f B an entry", worst)
	require.Less(t, worst, 13.6)
	checkIndex(t, s.Mem, &x, model)
	for i := range n {
		h, number := entry(i)
		had, err := x.Replace(s, h, number, number+n)
		require.NoError(t, err)
		require.True(t, had)
		had, err = x.Replace(s, h, number, 1)
		require.NoError(t, err)
		require.False(t, had)
		delete(model, [2]uint64{h, number})
		model[[2]uint64{h, number + n}]++
	}
	checkIndex(t, s.Mem, &x, model)
	other, _ := newSlab(t)
	c, err := x.Clone(s.Mem, other)
	require.NoError(t, err)
	checkIndex(t, other.Mem, &c, model)
	c.Free(other)
	require.Zero(t, other.Used())
	for i, k := range rand.Perm(n) {
		h, number := entry(k)
		had, err := x.Delete(s, h, number+n)
		require.NoError(t, err)
		require.True(t, had)
		had, err = x.Delete(s, h, number+n)
		require.NoError(t, err)
		require.False(t, had)
		delete(model, [2]uint64{h, number + n})
		if i%(n/3) == n/4 {
			checkIndex(t, s.Mem, &x, model)
		}
	}
	require.Equal(t, Index{}, x)
	require.Zero(t, s.Used())
}

// TestIndexOneHash has many entries of one hash.
func TestIndexOneHash(t *testing.T) {
	s, _ := newSlab(t)
	var x Index
	for i := range uint64(300) {
		require.NoError(t, x.Put(s, 42, i%100))
	}
	model := indexModel{}
	for i := range uint64(100) {
		model[[2]uint64{42, i}] = 3
	}
	checkIndex(t, s.Mem, &x, model)
	first := 0
	x.Lookup(s.Mem, 42, func(uint64) bool { first++; return first < 5 })
	require.Equal(t, 5, first)
}

// FuzzIndex runs operations on an index and on a Go map, with versions held, and with little memory.
func FuzzIndex(f *testing.F) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 9))
		b := make([]byte, 900)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
	region, err := slab.NewRegion()
	if err != nil {
		f.Fatal(err)
	}
	region.Limit(6 << 20)
	f.Fuzz(func(t *testing.T, ops []byte) {
		s := slab.New(region)
		var x Index
		model := indexModel{}
		type version struct {
			v     *slab.Version
			x     Index
			model indexModel
		}
		var versions []version
		closeOne := func(i int) {
			v := versions[i]
			checkIndex(t, s.Mem, &v.x, v.model)
			for s.Thaw(v.v) {
			}
			versions = slices.Delete(versions, i, i+1)
		}
		put := func(h, number uint64) {
			if err := x.Put(s, h, number); err != nil {
				require.ErrorIs(t, err, slab.ErrNoMemory)
				return
			}
			model[[2]uint64{h, number}]++
		}
		drop := func(h, number uint64) {
			e := [2]uint64{h, number}
			had, err := x.Delete(s, h, number)
			if err != nil {
				require.ErrorIs(t, err, slab.ErrNoMemory)
				return
			}
			require.Equal(t, model[e] > 0, had)
			if had {
				if model[e]--; model[e] == 0 {
					delete(model, e)
				}
			}
		}
		for n := 0; len(ops) >= 3 && n < 200; n++ {
			op, h, number := ops[0], mix(uint64(ops[1]))>>32, uint64(ops[2])
			ops = ops[3:]
			switch op % 16 {
			case 0, 1, 2:
				drop(h, number)
			case 3:
				if len(versions) < 3 {
					v, err := s.Freeze()
					require.NoError(t, err)
					versions = append(versions, version{v, x, maps.Clone(model)})
				}
			case 4:
				if len(versions) > 0 {
					closeOne(int(number) % len(versions))
				}
			case 5:
				for i := range number / 8 {
					put(mix(h+i)>>32, i)
				}
			case 6:
				for i := range number / 8 {
					drop(mix(h+i)>>32, i)
				}
			case 7:
				old := [2]uint64{h, number}
				if had, err := x.Replace(s, h, number, number^1); err == nil {
					require.Equal(t, model[old] > 0, had)
					if had {
						if model[old]--; model[old] == 0 {
							delete(model, old)
						}
						model[[2]uint64{h, number ^ 1}]++
					}
				}
			default:
				put(h, number)
			}
		}
		checkIndex(t, s.Mem, &x, model)
		for len(versions) > 0 {
			closeOne(0)
		}
		checkIndex(t, s.Mem, &x, model)
		require.Equal(t, x.Bytes, s.Used())
		x.Free(s)
		require.Zero(t, s.Used())
		s.Trim()
	})
}

func BenchmarkIndex(b *testing.B) {
	for _, n := range []uint64{1000, 1 << 20} {
		s, _ := newSlab(b)
		var x Index
		for i := range n {
			if err := x.Put(s, mix(i), i); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprint("Lookup/", n), func(b *testing.B) {
			for i := uint64(0); b.Loop(); i++ {
				k := mix(i) % n
				found := false
				x.Lookup(s.Mem, mix(k), func(number uint64) bool {
					found = number == k
					return !found
				})
				if !found {
					b.Fatal("lost")
				}
			}
			b.ReportMetric(float64(x.Bytes)/float64(n), "B/entry")
		})
	}
}
