package table

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

// entry is what the model knows of a key.
type entry struct {
	value  string
	expiry int64
	kind   uint8
	mark   bool
}

// frozen is a version with a model of what it should show.
type frozen struct {
	version *slab.Version
	view    View
	model   map[string]entry
}

// walk is a scan under way: the keys that have been there all the while, and those that it passed on.
type walk struct {
	cursor   uint64
	expected map[string]bool
	seen     map[string]bool
	steps    int
}

// world is a table with a plain map of what it should hold.
type world struct {
	tb       testing.TB
	rnd      *rand.Rand
	t        *Table
	s        *slab.Slab
	r        *slab.Region
	model    map[string]entry
	keys     []string
	at       map[string]int // where in keys a key stands
	versions []*frozen
	walks    []*walk
	space    int // how many keys there can be
}

func newWorld(tb testing.TB, seed uint64, spread float64, space int) *world {
	w := &world{tb: tb, rnd: rand.New(rand.NewPCG(seed, 5)), model: map[string]entry{}, at: map[string]int{}, space: space}
	w.t, w.s, w.r = newTable(tb, spread)
	return w
}

func (w *world) key() string {
	k := w.rnd.IntN(w.space)
	if k%50 == 0 {
		return fmt.Sprintf("%0*d", 100+k%300, k) // its length takes two bytes, or nearly
	}
	return fmt.Sprint("key:", k)
}

func (w *world) entry() entry {
	e := entry{kind: uint8(w.rnd.IntN(16)), mark: w.rnd.IntN(2) == 0}
	if w.rnd.IntN(3) == 0 {
		e.expiry = 1 + w.rnd.Int64N(1<<50)
	}
	n := w.rnd.IntN(20)
	switch w.rnd.IntN(40) {
	case 0:
		n = w.rnd.IntN(300)
	case 1:
		n = w.rnd.IntN(30_000)
	}
	e.value = string(w.bytes(make([]byte, n)))
	return e
}

func (w *world) bytes(b []byte) []byte {
	for i := range b {
		b[i] = byte(w.rnd.Uint32())
	}
	return b
}

// cell writes a cell for a key.
func (w *world) cell(key string, e entry) (Slot, error) {
	slot, b, err := w.t.NewCell([]byte(key), len(e.value), Cell{Kind: e.kind, Mark: e.mark, Access: 3, Expiry: e.expiry})
	copy(b, e.value)
	return slot, err
}

// put sets a key, whether it is there or not. On an error nothing has changed.
func (w *world) put(key string, e entry) error {
	h := w.t.Hash([]byte(key))
	p, old, ok := w.t.Find(h, []byte(key))
	_, want := w.model[key]
	require.Equal(w.tb, want, ok)
	if !ok {
		slot, err := w.cell(key, e)
		if err != nil {
			return err
		}
		if err := w.t.Insert(h, slot); err != nil {
			w.t.FreeCell(slot)
			return err
		}
		w.at[key] = len(w.keys)
		w.keys = append(w.keys, key)
		w.model[key] = e
		return nil
	}
	p, err := w.t.Own(h, p)
	if err != nil {
		return err
	}
	if w.t.Private(old) && old.Expires() == (e.expiry != 0) {
		if b, ok := w.t.Resize(old, len(e.value)); ok {
			copy(b, e.value)
			if e.expiry != 0 {
				w.t.SetExpiry(old, e.expiry)
			}
			w.t.Set(p, old.WithKind(e.kind).WithMark(e.mark))
			w.model[key] = e
			return nil
		}
	}
	slot, err := w.cell(key, e)
	if err != nil {
		return err
	}
	w.t.FreeCell(old)
	w.t.Set(p, slot)
	w.model[key] = e
	return nil
}

func (w *world) remove(key string) error {
	h := w.t.Hash([]byte(key))
	p, old, ok := w.t.Find(h, []byte(key))
	_, want := w.model[key]
	require.Equal(w.tb, want, ok)
	if !ok {
		return nil
	}
	if err := w.t.Remove(h, p); err != nil {
		return err
	}
	w.t.FreeCell(old)
	delete(w.model, key)
	at := w.at[key]
	last := w.keys[len(w.keys)-1]
	w.keys[at], w.at[last] = last, at
	w.keys = w.keys[:len(w.keys)-1]
	delete(w.at, key)
	for _, k := range w.walks {
		delete(k.expected, key)
	}
	return nil
}

// touch notes an access, which must not show in any version.
func (w *world) touch(key string) {
	h := w.t.Hash([]byte(key))
	if p, slot, ok := w.t.Find(h, []byte(key)); ok {
		w.t.SetIfPrivate(h, p, slot.WithAccess(w.rnd.Uint32N(1<<AccessBits)))
	}
}

func (w *world) freeze() {
	v, err := w.s.Freeze()
	require.NoError(w.tb, err)
	f := &frozen{v, w.t.Frozen(), make(map[string]entry, len(w.model))}
	for k, e := range w.model {
		f.model[k] = e
	}
	w.versions = append(w.versions, f)
}

func (w *world) thaw(i int) {
	f := w.versions[i]
	w.same(&f.view, f.model)
	w.versions = append(w.versions[:i], w.versions[i+1:]...)
	for w.s.Thaw(f.version) {
	}
}

// shows compares what a state shows under a slot with what the model has.
func (w *world) shows(v *View, slot Slot, e entry) {
	require.Equal(w.tb, e.value, string(v.Value(slot)))
	require.Equal(w.tb, e.expiry, v.Expiry(slot))
	require.Equal(w.tb, e.kind, slot.Kind())
	require.Equal(w.tb, e.mark, slot.Mark())
}

// same compares a state with a model, both ways.
func (w *world) same(v *View, model map[string]entry) {
	w.tb.Helper()
	require.Equal(w.tb, len(model), v.Len())
	n := 0
	for slot := range v.All {
		n++
		e, ok := model[string(v.Key(slot))]
		if !ok {
			w.tb.Fatalf("key %q should not be there", v.Key(slot))
		}
		w.shows(v, slot, e)
	}
	require.Equal(w.tb, len(model), n)
	for key := range model {
		if _, _, ok := v.Find(v.Hash([]byte(key)), []byte(key)); !ok {
			w.tb.Fatalf("key %q is not found", key)
		}
	}
	_, _, ok := v.Find(v.Hash([]byte("absent")), []byte("absent"))
	require.False(w.tb, ok)
}

// diff compares two states, and stops half-way now and then.
func (w *world) diff(before, after *View, a, b map[string]entry) {
	want := make(map[string]bool)
	for k, e := range a {
		if f, ok := b[k]; !ok || e.value != f.value || e.kind != f.kind || e.expiry != f.expiry {
			want[k] = true
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			want[k] = true
		}
	}
	all := len(want)
	Diff(before, after, func(old, now Slot) bool {
		var key string
		if old != 0 {
			key = string(before.Key(old))
			w.shows(before, old, a[key])
		}
		if now != 0 {
			key = string(after.Key(now))
			w.shows(after, now, b[key])
		}
		_, inA := a[key]
		_, inB := b[key]
		require.Equal(w.tb, [2]bool{inA, inB}, [2]bool{old != 0, now != 0})
		// A mark alone is no difference, but one that comes with another place of the cell is allowed to be none either.
		require.True(w.tb, want[key], "%q did not change, or comes up twice", key)
		delete(want, key)
		return true
	})
	require.Empty(w.tb, want)
	calls := 0
	Diff(before, after, func(Slot, Slot) bool { calls++; return calls < 3 })
	require.Equal(w.tb, min(all, 3), calls)
}

func (w *world) startWalk() {
	k := &walk{expected: make(map[string]bool, len(w.model)), seen: map[string]bool{}}
	for key := range w.model {
		k.expected[key] = true
	}
	w.walks = append(w.walks, k)
}

// stepWalk goes on with a walk, and at its end sees that nothing that was there throughout was left out.
func (w *world) stepWalk(i, steps int) {
	k := w.walks[i]
	for range steps {
		got := 0
		k.cursor = w.t.Scan(k.cursor, func(slot Slot) {
			got++
			key := string(w.t.Key(slot))
			_, ok := w.model[key]
			require.True(w.tb, ok)
			k.seen[key] = true
		})
		require.LessOrEqual(w.tb, got, 14+31)
		k.steps++
		if k.cursor == 0 {
			for key := range k.expected {
				require.True(w.tb, k.seen[key], "the walk left out %q", key)
			}
			w.walks = append(w.walks[:i], w.walks[i+1:]...)
			return
		}
	}
}

// locate finds a slot by its cell and by its hash's bits, and moves the cell if no version is alive.
func (w *world) locate(key string) {
	h := w.t.Hash([]byte(key))
	p, slot, ok := w.t.Find(h, []byte(key))
	require.True(w.tb, ok)
	h2, p2, slot2, ok := w.t.Locate(slot.Ref())
	require.True(w.tb, ok)
	require.Equal(w.tb, h, h2)
	require.Equal(w.tb, p, p2)
	require.Equal(w.tb, slot, slot2)
	const kept = 1<<20 - 1 | (1<<28-1)<<36
	found := false
	w.t.Candidates(h&kept, func(q Pos, c Slot) bool {
		found = q == p && c == slot
		return !found
	})
	require.True(w.tb, found)
	calls := 0
	w.t.Candidates(h, func(Pos, Slot) bool { calls++; return false })
	require.Equal(w.tb, 1, calls, "told to stop")
	if !w.s.HasVersions() {
		require.NoError(w.tb, w.t.Move(p, slot))
		_, moved, ok := w.t.Find(h, []byte(key))
		require.True(w.tb, ok)
		require.NotEqual(w.tb, slot.Ref(), moved.Ref())
		w.shows(&w.t.View, moved, w.model[key])
	}
}

// repair moves cells as the table's owner does.
func (w *world) repair() {
	w.s.Repair(50, func(ref slab.Ref) {
		if _, p, slot, ok := w.t.Locate(ref); ok {
			require.NoError(w.tb, w.t.Move(p, slot))
		}
	})
}

func (w *world) check() {
	w.t.check(w.tb)
	w.same(&w.t.View, w.model)
}

// accounts compares the bytes in use with those of the cells and segments that are reachable. No version may be alive.
func (w *world) accounts() {
	require.Empty(w.tb, w.versions)
	var want slab.Usage
	for slot := range w.t.All {
		want.Cells[slab.Entry] += int64(w.t.CellBytes(slot))
	}
	for e := range w.t.segments {
		want.Cells[slab.Index] += int64(w.s.SizeOf(entryRef(e)))
	}
	got := w.s.Usage()
	want.Taken = got.Taken
	require.Equal(w.tb, want, got)
}

// end empties the table, and sees that it holds nothing.
func (w *world) end() {
	for len(w.walks) > 0 {
		w.stepWalk(0, 1)
	}
	for len(w.versions) > 0 {
		w.thaw(w.rnd.IntN(len(w.versions)))
	}
	w.check()
	w.accounts()
	for len(w.keys) > 0 {
		require.NoError(w.tb, w.remove(w.keys[w.rnd.IntN(len(w.keys))]))
	}
	w.check()
	segments := 0
	for range w.t.segments {
		segments++
	}
	require.Equal(w.tb, 1, segments, "an empty table has one segment")
	for w.t.FreeSome(func(Slot) {}) {
	}
	w.s.Trim()
	require.Equal(w.tb, slab.Usage{}, w.s.Usage())
	require.Zero(w.tb, w.r.Bytes())
}

// step does one thing at random. grow, from 0 to 100, says how likely it is that keys are added.
func (w *world) step(grow int) {
	some := func() string {
		if len(w.keys) > 0 && w.rnd.IntN(8) > 0 {
			return w.keys[w.rnd.IntN(len(w.keys))]
		}
		return w.key()
	}
	switch k := w.rnd.IntN(1000); {
	case k < 8*grow:
		require.NoError(w.tb, w.put(w.key(), w.entry()))
	case k < 830:
		require.NoError(w.tb, w.remove(some()))
	case k < 870:
		require.NoError(w.tb, w.put(some(), w.entry()))
	case k < 900:
		w.touch(some())
	case k < 920:
		if len(w.keys) > 0 {
			w.locate(w.keys[w.rnd.IntN(len(w.keys))])
			slot := w.t.Random()
			w.shows(&w.t.View, slot, w.model[string(w.t.Key(slot))])
		}
	case k < 924:
		if len(w.versions) < 4 {
			w.freeze()
		}
	case k < 929:
		if len(w.versions) > 0 {
			w.thaw(w.rnd.IntN(len(w.versions)))
		}
	case k < 931:
		if n := len(w.versions); n > 0 {
			i := w.rnd.IntN(n)
			j := i + w.rnd.IntN(n-i)
			a, b := w.versions[i], w.versions[j]
			w.diff(&a.view, &b.view, a.model, b.model)
			w.diff(&a.view, &w.t.View, a.model, w.model)
			a.view.check(w.tb)
		}
	case k < 935:
		if len(w.walks) < 3 {
			w.startWalk()
		}
	case k < 985:
		if len(w.walks) > 0 {
			w.stepWalk(w.rnd.IntN(len(w.walks)), 1+w.rnd.IntN(5))
		}
	case k < 998:
		w.repair()
	default:
		w.check()
	}
}

// FuzzTable compares a table under random use with a plain map: its current state, that of each version, differences,
// and walks while it grows and shrinks.
func FuzzTable(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed, byte(seed*50), uint16(200<<seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, spread byte, space uint16) {
		w := newWorld(t, seed, float64(spread)/255, int(space)%8192+1)
		for phase := range 4 {
			grow := 85 - 60*(phase%2)
			for range 2500 {
				w.step(grow)
			}
			w.check()
		}
		w.end()
	})
}

// TestScanGrowth walks while the table doubles many times over, shrinks to nearly nothing and grows again.
func TestScanGrowth(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(t, seed, float64(seed)/3, 1<<30)
		fill := func(n int) {
			for i := range n {
				require.NoError(t, w.put(fmt.Sprintf("%d-%d", len(w.at), i), entry{value: "v"}))
			}
		}
		fill(300)
		for range 6 {
			w.startWalk()
			for round := 0; len(w.walks) > 0; round++ {
				w.stepWalk(0, 1+w.rnd.IntN(30))
				switch round % 4 {
				case 0, 1:
					fill(w.rnd.IntN(400))
				case 3:
					for len(w.keys) > 400 {
						require.NoError(t, w.remove(w.keys[w.rnd.IntN(len(w.keys))]))
						if w.rnd.IntN(1500) == 0 {
							break
						}
					}
				}
				require.Less(t, round, 5000, "the walk doesn't end")
			}
		}
		w.end()
	}
}

// TestScanQuiet walks over tables of all sizes that don't change: each key comes up once.
func TestScanQuiet(t *testing.T) {
	tab, _, _ := newTable(t, 0.2)
	for n := 0; n < 20_000; n++ {
		if n < 100 || n%1777 == 0 {
			seen := make(map[string]int)
			for cursor := tab.Scan(0, func(w Slot) { seen[string(tab.Key(w))]++ }); cursor != 0; {
				// The home bits of a cursor are the first that choose the next bucket, so they hold for any number of buckets.
				if from := cursor & (1<<homeBits - 1); from > 0 {
					prefix := cursor >> homeBits
					h := prefix << 1 << (bits.LeadingZeros64(prefix))
					buckets := entryBuckets(tab.dir[h>>tab.shift])
					require.Equal(t, home(from<<fpBits, buckets), home((from-1)<<fpBits, buckets)+1)
				}
				cursor = tab.Scan(cursor, func(w Slot) { seen[string(tab.Key(w))]++ })
			}
			require.Len(t, seen, n)
			for _, times := range seen {
				require.Equal(t, 1, times)
			}
		}
		tab.add(t, fmt.Sprint(n), "", 0)
	}
}

// TestScanForeignCursor takes cursors that no walk has returned.
func TestScanForeignCursor(t *testing.T) {
	tab, _, _ := newTable(t, 0)
	for n := range 5000 {
		tab.add(t, fmt.Sprint(n), "", 0)
	}
	rnd := rand.New(rand.NewPCG(1, 6))
	for i := range 2000 {
		cursor := rnd.Uint64() >> (i % 64)
		for step := 0; ; step++ {
			if cursor = tab.Scan(cursor, func(Slot) {}); cursor == 0 {
				break
			}
			if i > 50 {
				break
			}
			require.Less(t, step, 10_000)
		}
	}
	for _, cursor := range []uint64{1, 4095, 4096, 1<<64 - 1, 1 << 63, 1<<45 - 1, 1 << 44} {
		require.NotPanics(t, func() { tab.Scan(cursor, func(Slot) {}) })
	}
}

// TestWithoutMemory runs out of memory at each point there is: an operation that fails changes nothing, and all goes on
// when there is memory again.
func TestWithoutMemory(t *testing.T) {
	for seed := range uint64(3) {
		w := newWorld(t, seed, float64(seed)/2, 4000)
		w.r.Limit(int64(20+10*seed) * slab.BlockSize)
		failed := 0
		for range 12_000 {
			var err error
			switch k := w.rnd.IntN(100); {
			case k < 72:
				err = w.put(w.key(), entry{value: string(make([]byte, w.rnd.IntN(1200)))})
			case k < 95:
				if len(w.keys) > 0 {
					err = w.remove(w.keys[w.rnd.IntN(len(w.keys))])
				}
			case k < 96:
				if len(w.versions) < 3 {
					w.freeze()
				}
			case k < 99:
				if len(w.versions) > 0 {
					w.thaw(w.rnd.IntN(len(w.versions)))
				}
			}
			if err != nil {
				require.ErrorIs(t, err, slab.ErrNoMemory)
				if failed++; failed%200 == 1 {
					w.check()
				}
			}
		}
		require.Greater(t, failed, 100)
		w.end()
	}
}
