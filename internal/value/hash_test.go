package value

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// fieldModel is what a hash should have for a field.
type fieldModel struct {
	value string
	at    int64
}

// hashTester is a hash with what it should hold.
type hashTester struct {
	t     testing.TB
	heap  *Heap
	now   int64
	raw   []byte
	large bool
	kind  Kind
	model map[string]fieldModel
}

func hashHeap(t testing.TB, region *slab.Region, entries int64) *Heap {
	if region == nil {
		var err error
		region, err = slab.NewRegion()
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, region.Close()) })
	}
	h := &Heap{Slab: slab.New(region), Seed: maphash.MakeSeed(), Limits: NewLimits()}
	h.Limits.HashEntries.Store(entries)
	return h
}

func newHashTester(t testing.TB, entries int64) *hashTester {
	return &hashTester{t: t, heap: hashHeap(t, nil, entries), now: 1000, kind: KindHash, model: map[string]fieldModel{}}
}

// edit changes the hash and keeps it, as the keyspace does.
func (x *hashTester) edit(fn func(e *HashEdit)) {
	e := EditHash(x.heap, x.now, x.raw)
	fn(&e)
	raw, large, kind := e.Raw()
	x.raw, x.large, x.kind = bytes.Clone(raw), large, kind
}

func (x *hashTester) shown(field string) bool {
	f, ok := x.model[field]
	return ok && (f.at == 0 || f.at > x.now)
}

func (x *hashTester) set(field, value string, at int64) {
	x.edit(func(e *HashEdit) {
		existed, err := e.Set([]byte(field), []byte(value), at)
		require.NoError(x.t, err)
		require.Equal(x.t, x.shown(field), existed, field)
	})
	if at == KeepTime {
		at = 0
		if x.shown(field) {
			at = x.model[field].at
		}
	}
	x.model[field] = fieldModel{value, at}
}

func (x *hashTester) delete(field string) {
	x.edit(func(e *HashEdit) {
		existed, err := e.Delete([]byte(field))
		require.NoError(x.t, err)
		require.Equal(x.t, x.shown(field), existed, field)
	})
	delete(x.model, field)
}

func (x *hashTester) setTime(field string, at int64) {
	x.edit(func(e *HashEdit) {
		existed, err := e.SetTime([]byte(field), at)
		require.NoError(x.t, err)
		require.Equal(x.t, x.shown(field), existed, field)
	})
	if x.shown(field) {
		x.model[field] = fieldModel{x.model[field].value, at}
	}
}

// expire removes what is hidden, n at a time.
func (x *hashTester) expire(n int) {
	hidden := 0
	for field := range x.model {
		if !x.shown(field) {
			hidden++
		}
	}
	x.edit(func(e *HashEdit) {
		removed, err := e.Expire(n)
		require.NoError(x.t, err)
		require.Equal(x.t, min(n, hidden), removed)
	})
	if hidden <= n {
		maps.DeleteFunc(x.model, func(field string, _ fieldModel) bool { return !x.shown(field) })
		return
	}
	// Which ones went is the hash's choice.
	left := map[string]fieldModel{}
	h := OpenHash(View{Mem: x.heap.Mem, Seed: x.heap.Seed, Now: 0}, x.raw)
	h.All(nil, func(field, _ []byte, _ int64) bool {
		left[string(field)] = x.model[string(field)]
		return true
	})
	require.Len(x.t, left, len(x.model)-n)
	x.model = left
}

func (x *hashTester) check() {
	x.t.Helper()
	checkHash(x.t, View{Mem: x.heap.Mem, Seed: x.heap.Seed, Now: x.now}, x.kind, x.raw, x.large, x.model)
}

// checkHash compares a hash with what it should hold.
func checkHash(t testing.TB, v View, kind Kind, raw []byte, large bool, model map[string]fieldModel) {
	t.Helper()
	shown := map[string]fieldModel{}
	earliest := int64(math.MaxInt64)
	for field, f := range model {
		if f.at != 0 {
			earliest = min(earliest, f.at)
		}
		if f.at == 0 || f.at > v.Now {
			shown[field] = f
		}
	}
	require.Equal(t, len(model) == 0, len(raw) == 0)
	h := OpenHash(v, raw)
	if len(raw) > 0 {
		require.Equal(t, large, h.large())
		require.Equal(t, len(model), h.all())
		require.Equal(t, kind == KindHashTTL, h.timed())
		require.Equal(t, earliest != math.MaxInt64, h.timed(), "timed exactly while some field has a time")
		if h.timed() {
			require.Equal(t, uint64(earliest), binary.LittleEndian.Uint64(raw[1:]))
		}
		require.Equal(t, len(shown), kind.Count(v, raw))
	}
	require.Equal(t, len(shown), h.Len())
	buf := make([]byte, DigitsSize)
	got := map[string]fieldModel{}
	take := func(field, value []byte, at int64) {
		got[string(field)] = fieldModel{string(value), at}
	}
	h.All(buf, func(field, value []byte, at int64) bool {
		if _, twice := got[string(field)]; twice {
			t.Fatalf("%q comes twice", field)
		}
		take(field, value, at)
		return true
	})
	if !maps.Equal(shown, got) {
		t.Fatalf("there is %v, want %v", got, shown)
	}
	clear(got)
	for cursor := uint64(0); ; {
		if cursor = h.Scan(cursor, buf, take); cursor == 0 {
			break
		}
	}
	if !maps.Equal(shown, got) {
		t.Fatalf("a walk finds %v, want %v", got, shown)
	}
	for field, f := range model {
		value, at, ok := h.Get([]byte(field), buf)
		if _, want := shown[field]; ok != want || ok && (string(value) != f.value || at != f.at) {
			t.Fatalf("%q has %q at %d, %v, want %+v, %v", field, value, at, ok, f, want)
		}
	}
	_, _, ok := h.Get([]byte("no such field"), buf)
	require.False(t, ok)
}

func TestHashForms(t *testing.T) {
	x := newHashTester(t, 4)
	x.check()
	x.set("a", "1", 0)
	require.Equal(t, "\x01\x01\x00\x01a\xc1", string(x.raw), "as it is drawn")
	require.Equal(t, "listpack", x.kind.Encoding(x.raw))
	x.setTime("a", 5000)
	require.Equal(t, "\x03\x88\x13\x00\x00\x00\x00\x00\x00\x01\x00\x01a\xc1\xe2\x88\x13", string(x.raw))
	require.Equal(t, "listpackex", x.kind.Encoding(x.raw))
	require.Equal(t, KindHashTTL, x.kind)
	x.setTime("a", 0)
	require.Equal(t, "\x01\x01\x00\x01a\xc1", string(x.raw))
	require.Equal(t, KindHash, x.kind)
	for _, f := range []string{"b", "12", "d"} {
		x.set(f, f, 0)
	}
	require.False(t, x.large)
	x.set("a", strings.Repeat("v", 64), 0)
	require.False(t, x.large)
	x.set("e", "5", 0)
	require.True(t, x.large, "the fifth entry is one too many")
	require.Equal(t, "hashtable", x.kind.Encoding(x.raw))
	require.Len(t, x.raw, 1+36)
	x.check()
	x.setTime("e", 7000)
	require.Equal(t, KindHashTTL, x.kind)
	require.Equal(t, "hashtable", x.kind.Encoding(x.raw))
	require.Equal(t, x.heap.Used(), x.kind.NodeBytes(View{Mem: x.heap.Mem}, x.raw))
	x.check()
	for _, f := range []string{"a", "b", "12", "d", "e"} {
		x.delete(f)
		x.check()
	}
	require.Empty(t, x.raw)
	require.Zero(t, x.heap.Used())

	for _, long := range []string{"field", "value"} {
		x := newHashTester(t, 100)
		x.set("x", "y", 0)
		field, value := "f", "v"
		if long == "field" {
			field = strings.Repeat("f", 65)
		} else {
			value = strings.Repeat("v", 65)
		}
		x.set(field, value, 0)
		require.True(t, x.large, "a long %s", long)
		x.check()
	}
	for _, pairs := range [][]string{
		{"f", strings.Repeat("v", 65)}, {"a", "1", "a", "2", "a", "3", "a", "4", "a", "5"},
	} {
		x := newHashTester(t, 4)
		x.edit(func(e *HashEdit) {
			var b [][]byte
			for _, p := range pairs {
				b = append(b, []byte(p))
			}
			require.NoError(t, e.Fits(b))
			require.True(t, e.large())
			_, err := e.Set(b[0], b[1], 0)
			require.NoError(t, err)
		})
		require.True(t, x.large)
	}
}

// TestHashOrder keeps fields of a packed hash in the order in which they came.
func TestHashOrder(t *testing.T) {
	x := newHashTester(t, 100)
	for _, f := range []string{"c", "a", "1", "b"} {
		x.set(f, "v", 0)
	}
	x.set("a", "a longer value", 0)
	x.setTime("1", 2000)
	x.delete("c")
	x.set("c", "", 0)
	var got []string
	h := OpenHash(View{}, x.raw)
	h.All(nil, func(field, _ []byte, _ int64) bool {
		got = append(got, string(field))
		return true
	})
	require.Equal(t, []string{"a", "1", "b", "c"}, got)
}

// TestHashManyFields has more fields in a packed hash than its count can say.
func TestHashManyFields(t *testing.T) {
	x := newHashTester(t, 1<<20)
	x.edit(func(e *HashEdit) {
		// Straight to the bytes: to set so many one by one takes a search for each.
		for i := range manyFields + 10 {
			e.take()
			e.raw = packed.AppendInt(packed.AppendInt(e.raw, int64(i)), 1)
			e.keep(e.head())
			e.count++
		}
	})
	h := OpenHash(View{}, x.raw)
	require.Equal(t, manyFields+10, h.Len())
	x.edit(func(e *HashEdit) {
		for i := range 20 {
			_, err := e.Delete(fmt.Append(nil, i))
			require.NoError(t, err)
		}
	})
	h = OpenHash(View{}, x.raw)
	require.Equal(t, manyFields-10, h.Len())
	require.False(t, x.large)
}

// TestHashRandom draws fields in every way, where some are hidden and where none is.
func TestHashRandom(t *testing.T) {
	for _, entries := range []int64{0, 1000} {
		for _, hide := range []int{0, 3, 10} {
			x := newHashTester(t, entries)
			shown := 0
			for i := range 120 {
				at := int64(0)
				if i%10 < hide && i != 55 {
					at = 1
				} else {
					shown++
				}
				x.edit(func(e *HashEdit) {
					_, err := e.Set(fmt.Append(nil, "f", i), fmt.Append(nil, i), at)
					require.NoError(t, err)
				})
			}
			h := OpenHash(View{Mem: x.heap.Mem, Seed: x.heap.Seed, Now: 1000}, x.raw)
			require.Equal(t, shown, h.Len())
			rng := rand.New(rand.NewPCG(uint64(entries), uint64(hide)))
			drawn := map[string]int{}
			for range 100 {
				for _, n := range []int{0, 1, 2, 10, shown / 2, shown, shown + 10, math.MaxInt} {
					once := map[string]bool{}
					h.Random(n, rng.Uint64, nil, func(field, value []byte) {
						require.Equal(t, string(field), "f"+string(value))
						once[string(field)] = true
						drawn[string(field)]++
					})
					require.Len(t, once, min(n, shown))
				}
			}
			require.Len(t, drawn, shown)
			for _, n := range []int{0, 1, 2, 500} {
				i := 0
				h.RandomRepeating(n, rng.Uint64, nil, func(field, value []byte) bool {
					require.Equal(t, string(field), "f"+string(value))
					require.Contains(t, drawn, string(field))
					i++
					return true
				})
				require.Equal(t, n, i)
			}
			i := 0
			h.RandomRepeating(100, rng.Uint64, nil, func(_, _ []byte) bool { i++; return i < 7 })
			require.Equal(t, 7, i)
		}
	}
	var none Hash
	none.Random(5, rand.Uint64, nil, func(_, _ []byte) { panic("called") })
	none.RandomRepeating(5, rand.Uint64, nil, func(_, _ []byte) bool { panic("called") })
}

// TestHashParts saves hashes and loads them again, into heaps with other limits.
func TestHashParts(t *testing.T) {
	for _, entries := range []int64{0, 10_000} {
		for _, n := range []int{1, 300, 2000} {
			for _, times := range []bool{false, true} {
				x := newHashTester(t, entries)
				x.edit(func(e *HashEdit) {
					for i := range n {
						at := int64(0)
						if times && i%2 == 0 {
							at = int64(i) + 1
						}
						f := fieldModel{strings.Repeat("v", i%60) + fmt.Sprint(i), at}
						_, err := e.Set(fmt.Append(nil, i), []byte(f.value), at)
						require.NoError(t, err)
						if at == 0 || at > 1000 {
							x.model[fmt.Sprint(i)] = f
						}
					}
				})
				v := View{Mem: x.heap.Mem, Seed: x.heap.Seed, Now: 1000}
				for _, limit := range []int64{0, 10_000} {
					heap := hashHeap(t, nil, limit)
					b := x.kind.Build(heap)
					for part := range x.kind.Parts(v, x.raw) {
						require.NoError(t, b.Add(bytes.Clone(part)))
						heap.Scratch = append(heap.Scratch[:0], "others use it between"...)
					}
					raw, large, err := b.Raw()
					require.NoError(t, err)
					if len(x.model) == 0 {
						require.Empty(t, raw)
						continue
					}
					require.Equal(t, limit == 0, large)
					h := OpenHash(View{Mem: heap.Mem, Seed: heap.Seed, Now: 1000}, raw)
					require.Equal(t, times, h.timed())
					got := map[string]fieldModel{}
					h.All(nil, func(field, value []byte, at int64) bool {
						got[string(field)] = fieldModel{string(value), at}
						return true
					})
					require.Equal(t, x.model, got)
				}
			}
		}
	}
	plain, timed := KindHash, KindHashTTL
	for _, tc := range []struct {
		k    Kind
		part string
	}{
		{plain, ""}, {plain, "\x00"}, {plain, "\x00\x01a"}, {plain, "\x00\x01a\x05b"}, {plain, "\x01\x01a\x01b\xc1"},
		{plain, "\x00\x01a\x01b\x01a\x01c"}, {plain, "\x02\x01a\x01b"}, {timed, "\x00\x01a\x01b"},
		{timed, "\x01\x01a\x01b"}, {timed, "\x01\x01a\x01b\x01c"}, {timed, "\x01\x01a\x01b\xe1\xff"},
	} {
		require.Error(t, tc.k.Build(hashHeap(t, nil, 100)).Add([]byte(tc.part)), "%v %q", tc.k, tc.part)
	}
	// One that says it has times and has none is still of the kind that it says.
	for _, limit := range []int64{0, 100} {
		b := timed.Build(hashHeap(t, nil, limit))
		require.NoError(t, b.Add([]byte("\x01\x01a\x01b\xc0")))
		raw, _, err := b.Raw()
		require.NoError(t, err)
		require.Equal(t, int64(math.MaxInt64), int64(binary.LittleEndian.Uint64(raw[1:])))
	}
}

// TestHashNoMemory lets memory run out in the midst of changes: what failed has changed nothing.
func TestHashNoMemory(t *testing.T) {
	region, err := slab.NewRegion()
	require.NoError(t, err)
	defer func() { require.NoError(t, region.Close()) }()
	x := &hashTester{t: t, heap: hashHeap(t, region, 4), now: 1000, model: map[string]fieldModel{}}
	for i := range 3000 {
		x.set(fmt.Sprint(i), strings.Repeat("v", i%200), int64(i%2)*int64(2000+i))
	}
	region.Limit(0)
	rng := rand.New(rand.NewPCG(5, 5))
	failed := 0
	var v *slab.Version
	for i := range 6000 {
		if i%1500 == 0 {
			if v != nil {
				for x.heap.Thaw(v) {
				}
			}
			v, err = x.heap.Freeze()
			require.NoError(t, err)
		}
		field := fmt.Sprint(rng.IntN(4000))
		value := strings.Repeat("w", rng.IntN(300))
		at := int64(rng.IntN(3)) * 3000
		x.edit(func(e *HashEdit) {
			if _, err := e.Set([]byte(field), []byte(value), at); err != nil {
				require.ErrorIs(t, err, slab.ErrNoMemory)
				failed++
				return
			}
			x.model[field] = fieldModel{value, at}
		})
	}
	require.NotZero(t, failed)
	for x.heap.Thaw(v) {
	}
	x.check()
}

// FuzzHash runs operations on a hash and on a Go map, with versions held: each must stay as it was.
func FuzzHash(f *testing.F) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 0))
		b := make([]byte, 500)
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
		if len(ops) < 2 {
			return
		}
		x := &hashTester{t: t, heap: hashHeap(t, region, int64(ops[0])), now: 1000, model: map[string]fieldModel{}}
		type version struct {
			v     *slab.Version
			x     hashTester
			model map[string]fieldModel
		}
		var versions []version
		closeOne := func(i int) {
			v := versions[i]
			checkHash(t, View{Mem: x.heap.Mem, Seed: x.heap.Seed, Now: v.x.now}, v.x.kind, v.x.raw, v.x.large, v.model)
			for x.heap.Thaw(v.v) {
			}
			versions = slices.Delete(versions, i, i+1)
		}
		ops = ops[1:]
		for n := 0; len(ops) >= 3 && n < 100; n++ {
			op, k, size := ops[0], ops[1], int(ops[2])
			ops = ops[3:]
			field := fmt.Sprint(k)
			if k%3 == 0 {
				field = strings.Repeat("f", int(k))
			}
			at := x.now + int64(size)*10
			switch op % 16 {
			case 0, 1:
				x.delete(field)
			case 2:
				if len(versions) < 2 {
					v, err := x.heap.Freeze()
					require.NoError(t, err)
					versions = append(versions, version{v, *x, maps.Clone(x.model)})
				}
			case 3:
				if len(versions) > 0 {
					closeOne(size % len(versions))
				}
			case 4:
				x.now += int64(size) * 5
			case 5:
				x.expire(size)
			case 6:
				x.setTime(field, at)
			case 7:
				x.setTime(field, 0)
			case 8:
				x.set(field, "kept", KeepTime)
			case 9:
				x.set(field, fmt.Sprint(size), at)
			case 10:
				for i := range size / 8 {
					x.set(fmt.Sprint(k, i), "many", int64(i%3)*at)
				}
			case 11:
				x.heap.Limits.HashEntries.Store(int64(size))
			default:
				x.set(field, strings.Repeat("v", size), 0)
			}
		}
		x.check()
		for len(versions) > 0 {
			closeOne(0)
		}
		if x.large {
			other := hashHeap(t, region, 0)
			other.Seed = x.heap.Seed
			raw, err := x.kind.Clone(View{Mem: x.heap.Mem, Seed: x.heap.Seed}, x.raw, other)
			require.NoError(t, err)
			checkHash(t, View{Mem: other.Mem, Seed: x.heap.Seed, Now: x.now}, x.kind, raw, true, x.model)
			freeHash(x.kind, raw, other)
			require.Zero(t, other.Used())
			other.Trim()
			require.Equal(t, x.heap.Used(), x.kind.NodeBytes(View{Mem: x.heap.Mem}, x.raw))
			freeHash(x.kind, x.raw, x.heap)
		}
		require.Zero(t, x.heap.Used())
		x.heap.Trim()
	})
}

// freeHash frees a large hash as the keyspace does.
func freeHash(k Kind, raw []byte, h *Heap) {
	var d Debris
	d.Add(k, View{Mem: h.Mem}, raw)
	for !d.Empty() {
		d.FreeSome(h.Slab, 10)
	}
}

func TestHashNoAllocation(t *testing.T) {
	for _, entries := range []int64{0, 100} {
		x := newHashTester(t, entries)
		for i := range 50 {
			x.set(fmt.Sprint("field", i), fmt.Sprint(i), 0)
		}
		field, value := []byte("field7"), []byte("123456")
		require.Zero(t, testing.AllocsPerRun(100, func() {
			h := OpenHash(View{Mem: x.heap.Mem, Seed: x.heap.Seed}, x.raw)
			var buf [DigitsSize]byte
			if _, _, ok := h.Get(field, buf[:]); !ok {
				t.Fatal("lost")
			}
			e := EditHash(x.heap, 0, x.raw)
			_, _ = e.Set(field, value, 0)
			raw, _, _ := e.Raw()
			copy(x.raw, raw)
		}))
	}
}
