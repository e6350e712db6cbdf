package table

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

// newTable returns an empty table on a slab of its own.
func newTable(t testing.TB, spread float64) (*Table, *slab.Slab, *slab.Region) {
	r, err := slab.NewRegion()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	s := slab.New(r)
	tab, err := New(s, maphash.MakeSeed(), spread)
	require.NoError(t, err)
	return tab, s, r
}

// add inserts a key that is not there.
func (t *Table) add(tb testing.TB, key, value string, expiry int64) Slot {
	w, b, err := t.NewCell([]byte(key), len(value), Cell{Kind: 1, Expiry: expiry})
	require.NoError(tb, err)
	copy(b, value)
	require.NoError(tb, t.Insert(t.Hash([]byte(key)), w))
	return w
}

// drop removes a key that is there.
func (t *Table) drop(tb testing.TB, key string) {
	h := t.Hash([]byte(key))
	p, w, ok := t.Find(h, []byte(key))
	require.True(tb, ok)
	require.NoError(tb, t.Remove(h, p))
	t.FreeCell(w)
}

// segments yields each directory entry once with its segment's depth.
func (v *View) segments(yield func(e uint64, depth uint8) bool) {
	for i := 0; i < len(v.dir); i += 1 << v.depthBelow(entryRef(v.dir[i])) {
		if !yield(v.dir[i], v.mem.At(entryRef(v.dir[i]), 8)[hdrDepth]) {
			return
		}
	}
}

// check holds directory, headers, fingerprints, overflow bytes and counts of a state against each other.
func (v *View) check(tb testing.TB) {
	tb.Helper()
	require.Len(tb, v.dir, 1<<(64-v.shift))
	total := 0
	for i := 0; i < len(v.dir); {
		e := v.dir[i]
		seg, buckets := entryRef(e), entryBuckets(e)
		hdr := v.mem.At(seg, 8)
		width := 1 << v.depthBelow(seg)
		require.Zero(tb, i%width, "a segment's directory entries are aligned")
		for j := i; j < i+width; j++ {
			require.Equal(tb, e, v.dir[j])
		}
		require.EqualValues(tb, buckets, hdr[hdrBuckets])
		require.Zero(tb, seg%lineSize, "buckets are cache lines")
		over := make([]byte, buckets)
		n := 0
		for at, line := range v.lines(e) {
			for k := range perBucket {
				w := Slot(le64(line[8+8*k:]))
				require.Equal(tb, w != 0, line[k] != 0, "a fingerprint for each slot, 0 for an empty one")
				if w == 0 {
					continue
				}
				n++
				h := v.Hash(v.Key(w))
				require.EqualValues(tb, fingerprint(h), line[k])
				require.Equal(tb, i, int(h>>v.shift)&^(width-1), "a key in a foreign segment")
				switch b := home(h, buckets); uint64(at) {
				case b:
				case next(b, buckets):
					over[b]++
				default:
					require.GreaterOrEqual(tb, uint64(at), buckets, "neither home, neighbour nor stash")
					over[b] += 8
				}
			}
			if uint64(at) >= buckets {
				require.Zero(tb, line[perBucket])
			}
		}
		for b := range over {
			require.Equal(tb, over[b], v.mem.At(bucketAt(seg, uint64(b)), lineSize)[perBucket], "overflow byte")
		}
		require.EqualValues(tb, n, le16(hdr[hdrCount:]))
		total += n
		i += width
	}
	require.Equal(tb, total, v.Len())
}

// TestLayout enforces the drawings of segment, bucket, slot and cell.
func TestLayout(t *testing.T) {
	require.Equal(t, 64, lineSize)
	require.Equal(t, lineSize, perBucket*8+8, "7 slots, their fingerprints and the overflow byte")
	require.Equal(t, []int{4, 6, 7}, []int{hdrCount, hdrDepth, hdrBuckets})
	require.Less(t, maxDepth+homeBits+fpBits, 64, "directory, home and fingerprint are bits of their own")
	require.Equal(t, 64, accessShift+AccessBits)

	tab, s, _ := newTable(t, 0)
	seg := entryRef(tab.dir[0])
	require.Equal(t, (1+minBuckets+stashOf(minBuckets))*lineSize, s.SizeOf(seg))
	w := tab.add(t, "key", "value", 0)
	e := tab.add(t, "later", "v", 1<<40)
	require.Equal(t, []byte("\x03key\x05value"), s.At(w.Ref(), 14)[4:])
	require.Equal(t, []byte("\x00\x00\x00\x00\x00\x01\x00\x00\x05later\x01v"), s.At(e.Ref(), 20)[4:])
	hdr := s.At(seg, 8)
	require.Equal(t, []byte{2, 0, 0, minBuckets}, hdr[4:])
	h := tab.Hash([]byte("key"))
	p, got, ok := tab.Find(h, []byte("key"))
	require.True(t, ok)
	require.Equal(t, w, got)
	at := p.at - seg
	require.EqualValues(t, 1+home(h, minBuckets), at/64, "bucket 0 follows the header")
	line := s.At(p.at&^63, 64)
	require.EqualValues(t, fingerprint(h), line[at%64/8-1])
	require.EqualValues(t, w, le64(line[at%64:]))
	tab.check(t)
}

func TestSlot(t *testing.T) {
	const ref = slab.Ref(1<<41 - 8)
	for _, c := range []struct {
		kind          uint8
		expires, mark bool
		access        uint32
	}{{0, false, false, 0}, {15, true, true, 1<<AccessBits - 1}, {1, true, false, 1}, {2, false, true, 1 << 19}} {
		w := makeSlot(ref, c.kind, c.expires, c.mark, c.access)
		for _, w := range []Slot{
			w, makeSlot(8, c.kind, c.expires, c.mark, c.access).WithRef(ref),
			makeSlot(ref, 9, c.expires, c.mark, c.access).WithKind(c.kind),
			makeSlot(ref, c.kind, c.expires, !c.mark, c.access).WithMark(c.mark),
			makeSlot(ref, c.kind, c.expires, c.mark, ^c.access&(1<<AccessBits-1)).WithAccess(c.access),
		} {
			require.Equal(t, ref, w.Ref())
			require.Equal(t, c.kind, w.Kind())
			require.Equal(t, c.expires, w.Expires())
			require.Equal(t, c.mark, w.Mark())
			require.Equal(t, c.access, w.Access())
		}
	}
}

// TestCells writes cells of all lengths whose prefixes differ, reads them back and resizes them in place.
func TestCells(t *testing.T) {
	tab, s, _ := newTable(t, 0)
	lengths := []int{0, 1, 2, 3, 10, 126, 127, 128, 129, 500, 16_383, 16_384, 70_000, 2_200_000}
	for _, k := range lengths {
		for _, n := range lengths {
			for _, expiry := range []int64{0, 1 << 50} {
				if k > 200 && n > 200 && k+n > 20_000 || n+k > 100_000 && min(k, n) > 1 {
					continue
				}
				key := make([]byte, k)
				w, b, err := tab.NewCell(key, n, Cell{Kind: 3, Mark: true, Access: 77, Expiry: expiry})
				require.NoError(t, err)
				require.Len(t, b, n)
				for i := range b {
					b[i] = byte(i)
				}
				require.True(t, tab.Private(w))
				require.Equal(t, key, tab.Key(w))
				require.Equal(t, b, tab.Value(w))
				require.Equal(t, expiry, tab.Expiry(w))
				require.Equal(t, [2]any{uint8(3), uint32(77)}, [2]any{w.Kind(), w.Access()})
				require.Equal(t, s.SizeOf(w.Ref()), tab.CellBytes(w))
				require.True(t, tab.holds(w, key))
				require.False(t, tab.holds(w, append(key, 1)))
				want := append([]byte{}, b...)
				for _, to := range []int{n + 1, n - 1, n + 8, n - 3, 127, 128, n, 0} {
					if to < 0 {
						continue
					}
					fits := slab.CellSize(cellLen(key, to, expiry != 0)) == s.SizeOf(w.Ref())
					b, ok := tab.Resize(w, to)
					require.Equal(t, fits, ok)
					if !ok {
						continue
					}
					require.Len(t, b, to)
					keep := min(to, len(want))
					require.Equal(t, want[:keep], b[:keep])
					for i := range b {
						b[i] = byte(i)
					}
					want = append(want[:0], b...)
					require.Equal(t, want, tab.Value(w))
					require.Equal(t, key, tab.Key(w))
					require.Equal(t, expiry, tab.Expiry(w))
					require.Equal(t, s.SizeOf(w.Ref()), tab.CellBytes(w))
				}
				tab.FreeCell(w)
			}
		}
	}
}

// TestOverhead bounds what the dictionary costs beside keys and values, for tables of all spreads and sizes: 24 bytes
// on average over the sizes between two doublings, the cells' births, lengths and rounding included. Spans that are
// not full may come to some more in a table this small.
func TestOverhead(t *testing.T) {
	const keyLen, valueLen = 16, 32
	most := 200_000
	if slow {
		most = 30_000
	}
	key := make([]byte, keyLen)
	cells, taken, samples := 0.0, 0.0, 0
	for _, spread := range []float64{0, 0.33, 0.67, 1} {
		tab, s, _ := newTable(t, spread)
		step := 10_000
		for n := 1; n <= most; n++ {
			binary.BigEndian.PutUint64(key, uint64(n))
			w, b, err := tab.NewCell(key, valueLen, Cell{})
			if err == nil {
				clear(b)
				err = tab.Insert(tab.Hash(key), w)
			}
			if err != nil {
				t.Fatal(err)
			}
			if n == step {
				step += step / 9
				u := s.Usage()
				over := float64(s.Used()+tab.Bytes())/float64(n) - keyLen - valueLen
				assert.Less(t, over, 26.0, "%d keys, spread %v", n, spread)
				cells += over
				taken += float64(u.Taken+tab.Bytes())/float64(n) - keyLen - valueLen
				samples++
			}
		}
		tab.check(t)
		for n := 1; n <= most; n++ {
			binary.BigEndian.PutUint64(key, uint64(n))
			if _, _, ok := tab.Find(tab.Hash(key), key); !ok {
				t.Fatalf("key %d is lost", n)
			}
		}
	}
	cells, taken = cells/float64(samples), taken/float64(samples)
	t.Logf("%.2f bytes a key in cells, %.2f with slack", cells, taken)
	require.LessOrEqual(t, cells, 24.0)
	if !slow {
		require.LessOrEqual(t, taken, 28.0)
	}
}

// TestShrink deletes all of many keys, in several orders: what the dictionary holds must go with them.
func TestShrink(t *testing.T) {
	const n = 60_000
	for name, order := range map[string]func([]string, *Table){
		"as they came": func([]string, *Table) {},
		"shuffled": func(keys []string, _ *Table) {
			rnd := rand.New(rand.NewPCG(1, 2))
			rnd.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		},
		"segment by segment": func(keys []string, tab *Table) {
			keys = keys[:0]
			for w := range tab.All {
				keys = append(keys, string(tab.Key(w)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tab, s, r := newTable(t, 0.5)
			keys := make([]string, n)
			for i := range keys {
				keys[i] = fmt.Sprintf("key:%d", i)
				tab.add(t, keys[i], "v", 0)
			}
			tab.check(t)
			peak := s.Usage().Cells[slab.Index]
			order(keys, tab)
			for i, key := range keys {
				tab.drop(t, key)
				if i == n*7/8 {
					tab.check(t)
					require.Less(t, s.Usage().Cells[slab.Index], peak/2)
				}
			}
			tab.check(t)
			s.Trim()
			segments := 0
			for range tab.segments {
				segments++
			}
			require.Equal(t, 1, segments)
			require.EqualValues(t, (1+minBuckets+stashOf(minBuckets))*lineSize, s.Usage().Cells[slab.Index])
			require.Zero(t, s.Usage().Cells[slab.Entry])
			require.EqualValues(t, slab.BlockSize, r.Bytes(), "one span with the last segment in it")
			require.False(t, tab.FreeSome(func(Slot) {}))
			s.Trim()
			require.Zero(t, r.Bytes())
		})
	}
}

// TestFreeSome gives up a table of many segments bit by bit, with a view of it open.
func TestFreeSome(t *testing.T) {
	tab, s, r := newTable(t, 0)
	const n = 20_000
	for i := range n {
		tab.add(t, fmt.Sprint(i), "v", int64(i%2))
	}
	v, err := s.Freeze()
	require.NoError(t, err)
	view := tab.Frozen()
	calls := 1
	for tab.FreeSome(func(Slot) {}) {
		calls++
	}
	require.Greater(t, calls, 20)
	view.check(t)
	require.Equal(t, n, view.Len())
	for s.Thaw(v) {
	}
	s.Trim()
	require.Zero(t, r.Bytes())
	require.False(t, tab.FreeSome(func(Slot) {}))
}

// crafted are entries whose hashes are chosen; their slots lead to no cell.
func crafted(n int, hash func(i int) uint64) []rebuilt {
	out := make([]rebuilt, n)
	for i := range out {
		out[i] = rebuilt{hash(i), makeSlot(slab.Ref(i+1)*8, 1, false, false, 0)}
	}
	return out
}

// TestBuildSkewed builds segments of entries that crowd into few buckets.
func TestBuildSkewed(t *testing.T) {
	homeOf := func(part uint64) uint64 { return part << fpBits }
	for _, c := range []struct {
		name    string
		entries []rebuilt
		buckets int
		skewed  bool
	}{
		{"none", nil, minBuckets, false},
		{"even", crafted(300, func(i int) uint64 { return homeOf(uint64(i) * 4096 / 300) }), 60, false},
		{"too few buckets asked for", crafted(300, func(i int) uint64 { return homeOf(uint64(i) * 4096 / 300) }), 2, false},
		{"one home, neighbour and stash", crafted(7+7+7, func(int) uint64 { return 5 }), 2, false},
		{"one home, until the stash is large", crafted(14+31, func(int) uint64 { return 5 }), 2, false},
		{"one home, more than the overflow byte counts", crafted(14+32, func(int) uint64 { return 5 }), 2, true},
		{"one home of all hashes", crafted(400, func(int) uint64 { return 1 << 63 }), 40, true},
		{"too many buckets asked for", crafted(3, func(i int) uint64 { return uint64(i) }), 400, true},
		{"last home wraps round", crafted(14, func(int) uint64 { return homeOf(4095) }), 8, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab, s, _ := newTable(t, 0)
			before := s.Usage().Cells
			e, err := tab.build(c.entries, c.buckets, 3)
			if c.skewed {
				require.ErrorIs(t, err, errSkewed)
				require.Equal(t, before, s.Usage().Cells, "nothing is left of the attempts")
				return
			}
			require.NoError(t, err)
			require.Less(t, entryBuckets(e), uint64(256))
			found := make(map[Slot]bool)
			tab.eachIn(e, func(w Slot) bool { found[w] = true; return true })
			require.Len(t, found, len(c.entries))
			require.EqualValues(t, len(c.entries), le16(s.At(entryRef(e), 8)[hdrCount:]))
			tab.dir = []uint64{e}
			for _, en := range c.entries {
				seen := false
				tab.Candidates(en.h, func(_ Pos, w Slot) bool { seen = seen || w == en.w; return true })
				require.True(t, seen)
			}
		})
	}
}

// TestInsertSkewed inserts under one hash until that is refused; nothing is lost then, and other keys go on.
func TestInsertSkewed(t *testing.T) {
	tab, s, _ := newTable(t, 0)
	// Rebuilding hashes keys anew, so keys of one hash can only be met at the bounds of one segment.
	h := uint64(5)
	seg := entryRef(tab.dir[0])
	n := 0
	for place(tab.mem, seg, entryBuckets(tab.dir[0]), h, makeSlot(slab.Ref(n+1)*8, 1, false, false, 0)) {
		n++
	}
	require.Equal(t, 2*perBucket+perBucket*stashOf(minBuckets), n)
	line := s.At(bucketAt(seg, home(h, minBuckets)), lineSize)
	require.EqualValues(t, perBucket|perBucket<<3, line[perBucket])
}

// TestRandomIsFair draws many times while segments are of different depth and size, and compares how often keys of each
// kind of segment come up.
func TestRandomIsFair(t *testing.T) {
	tab, _, _ := newTable(t, 0)
	for i := 0; ; i++ {
		tab.add(t, fmt.Sprint(i), "", 0)
		kinds := make(map[uint8]int)
		for e, depth := range tab.segments {
			kinds[depth] += int(le16(tab.mem.At(entryRef(e), 8)[hdrCount:]))
		}
		if i > 4000 && len(kinds) > 1 {
			least := i
			for _, n := range kinds {
				least = min(least, n)
			}
			if least > i/3 {
				break
			}
		}
		require.Less(t, i, 50_000)
	}
	draws := 100 * tab.Len()
	got, keys := make(map[uint8]int), make(map[uint8]int)
	depthOf := func(w Slot) uint8 {
		return tab.mem.At(entryRef(tab.dir[tab.Hash(tab.Key(w))>>tab.shift]), 8)[hdrDepth]
	}
	for w := range tab.All {
		keys[depthOf(w)]++
	}
	each := make(map[Slot]int)
	for range draws {
		w := tab.Random()
		got[depthOf(w)]++
		each[w]++
	}
	for depth, n := range keys {
		assert.InEpsilon(t, 100, float64(got[depth])/float64(n), 0.15, "keys in segments of depth %d", depth)
	}
	require.Len(t, each, tab.Len(), "some keys never come up")
}

// TestRandomOfFew draws from a table that has grown and shrunk to a few keys; each must come up.
func TestRandomOfFew(t *testing.T) {
	for _, left := range []int{1, 2, 10} {
		tab, _, _ := newTable(t, 0)
		for i := range 20_000 {
			tab.add(t, fmt.Sprint(i), "", 0)
		}
		for i := left; i < 20_000; i++ {
			tab.drop(t, fmt.Sprint(i))
		}
		each := make(map[Slot]int)
		for range 400 * left {
			each[tab.Random()]++
		}
		require.Len(t, each, left)
		for _, n := range each {
			require.Greater(t, n, 100)
		}
	}
}
