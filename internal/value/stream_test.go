package value

import (
	"fmt"
	"hash/maphash"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

func TestParseStreamID(t *testing.T) {
	const most = math.MaxUint64
	for _, tc := range []struct {
		text string
		want StreamID
		ok   bool
	}{
		{"1-2", StreamID{1, 2}, true},
		{"5", StreamID{5, 77}, true},
		{"0-0", StreamID{}, true},
		{"18446744073709551615-18446744073709551615", MaxStreamID, true},
		{"18446744073709551616", StreamID{}, false},
		{"99999999999999999999999", StreamID{}, false},
		{"007-+3", StreamID{7, 3}, true},
		{" 7-\t8", StreamID{7, 8}, true},
		{"1--1", StreamID{}, false},
		{"1--01", StreamID{1, most}, true},
		{"1- -2", StreamID{1, most - 1}, true},
		{"9\x00-junk", StreamID{9, 77}, true},
		{"", StreamID{}, false}, {"-", StreamID{}, false}, {"+", StreamID{}, false}, {"1-", StreamID{}, false},
		{"-1", StreamID{}, false}, {"1-*", StreamID{}, false}, {"a", StreamID{}, false}, {"1-a", StreamID{}, false},
		{"1-2-3", StreamID{}, false}, {"1 ", StreamID{}, false}, {"*", StreamID{}, false}, {"+ 1", StreamID{}, false},
		{fmt.Sprintf("%0127d", 1), StreamID{1, 77}, true}, {fmt.Sprintf("%0128d", 1), StreamID{}, false},
	} {
		id, ok := ParseStreamID([]byte(tc.text), 77)
		require.Equal(t, tc.ok, ok, tc.text)
		if ok {
			require.Equal(t, tc.want, id, tc.text)
		}
	}
	id, chosen, ok := ParseNewStreamID([]byte("5-*"))
	require.True(t, ok && chosen)
	require.Equal(t, StreamID{5, 0}, id)
	id, ok = ParseStreamBound([]byte("+"), 0)
	require.True(t, ok)
	require.Equal(t, MaxStreamID, id)
	id, ok = ParseStreamBound([]byte("-"), 5)
	require.True(t, ok)
	require.Zero(t, id)
	require.Equal(t, "18446744073709551615-0", string(StreamID{most, 0}.AppendTo(nil)))
}

func TestStreamIDOrder(t *testing.T) {
	var ids []StreamID
	for _, ms := range []uint64{0, 1, 239, 240, 255, 256, 65535, 65536, 1 << 41, math.MaxUint64} {
		for _, seq := range []uint64{0, 1, 239, 240, 241, 1 << 32, math.MaxUint64} {
			ids = append(ids, StreamID{ms, seq})
		}
	}
	for _, a := range ids {
		key := a.appendKey(nil)
		back, n := idKey(key)
		require.Equal(t, a, back)
		require.Len(t, key, n)
		require.LessOrEqual(t, n, maxIDKey)
		for _, b := range ids {
			require.Equal(t, a.Compare(b), slices.Compare(key, b.appendKey(nil)), "%v %v", a, b)
			require.Equal(t, a.Compare(b) < 0, a.Less(b))
		}
	}
	next, ok := StreamID{1, math.MaxUint64}.Next()
	require.True(t, ok)
	require.Equal(t, StreamID{2, 0}, next)
	_, ok = MaxStreamID.Next()
	require.False(t, ok)
	prev, ok := StreamID{1, 0}.Prev()
	require.True(t, ok)
	require.Equal(t, StreamID{0, math.MaxUint64}, prev)
	_, ok = StreamID{}.Prev()
	require.False(t, ok)
}

func TestStreamEntryTimes(t *testing.T) {
	for _, ms := range []uint64{0, 1, 63, 64, 8191, 8192, 1 << 40, 1 << 63, math.MaxUint64} {
		for _, seq := range []uint64{0, 1, 127, 128, math.MaxUint64} {
			b := appendTime(nil, ms, seq)
			gotMs, gotSeq, n := readTime(append(b, 7))
			require.Equal(t, []any{ms, seq, len(b)}, []any{gotMs, gotSeq, n})
			if seq == 0 {
				require.Len(t, b, timeSize(ms))
			}
		}
	}
}

// TestStreamSize holds streams to the memory that entries and pending entries may take.
func TestStreamSize(t *testing.T) {
	h := &Heap{Slab: slab.New(newStreamRegion(t)), Limits: NewLimits()}
	s := OpenStream(h.Mem, nil)
	const n, payload = 20_000, 3 * 8
	for i := range uint64(n) {
		value := fmt.Appendf(nil, "v:%06d", i)
		id := StreamID{1_700_000_000_000 + i*7, 0}
		require.NoError(t, s.Append(h, id, [][]byte{[]byte("user"), value, []byte("action"), value, []byte("page"), value}))
	}
	raw, _ := s.Raw(h)
	per := float64(streamOps.nodeBytes(View{Mem: h.Mem}, raw)) / n
	require.Less(t, per, payload+8.0)

	require.NoError(t, s.AddGroup(h, []byte("g"), StreamID{}, 0))
	g, _ := s.Group(h.Mem, []byte("g"))
	c, err := s.AddConsumer(h, []byte("g"), &g, []byte("c"), 0)
	require.NoError(t, err)
	for i := range uint64(n) {
		p := StreamPending{StreamID{1_700_000_000_000 + i*7, 0}, c.Number, 1_700_000_000_000, 1}
		require.NoError(t, s.Deliver(h, &g, p, true))
	}
	require.Less(t, float64(s.groups.Bytes)/n, 40.0)
	t.Logf("%.1f bytes an entry of %d, %.1f bytes a pending one", per, payload, float64(s.groups.Bytes)/n)
}

func TestStreamNames(t *testing.T) {
	names := []string{"", "\x00", "\x00\x00", "\x00a", "a", "a\x00", "a\x00\x00", "a\x00b", "ab", "b", "\xff", "\xff\x00"}
	slices.Sort(names)
	var before []byte
	for i, name := range names {
		key := appendName(nil, []byte(name))
		back, n := nameKey(append(slices.Clone(key), "behind"...))
		require.Equal(t, name, string(back))
		require.Len(t, key, n)
		require.True(t, i == 0 || slices.Compare(before, key) < 0, "%q", name)
		before = key
	}
}

// modelEntry and modelGroup are the stream of modelStream said plainly.
type modelEntry struct {
	id    StreamID
	pairs []string
}

type modelGroup struct {
	last      StreamID
	read      int64
	consumers map[string]StreamConsumer // without numbers
	pending   map[StreamID]modelPending
}

type modelPending struct {
	consumer    string
	time, count int64
}

type modelStream struct {
	entries       []modelEntry
	last, deleted StreamID
	added         uint64
	groups        map[string]*modelGroup
}

func (m *modelStream) clone() *modelStream {
	c := *m
	c.entries = slices.Clone(m.entries)
	c.groups = map[string]*modelGroup{}
	for name, g := range m.groups {
		h := *g
		h.consumers, h.pending = maps.Clone(g.consumers), maps.Clone(g.pending)
		c.groups[name] = &h
	}
	return &c
}

// streamWorld runs operations on a stream and on its model, and holds versions meanwhile.
type streamWorld struct {
	t     testing.TB
	r     *rand.Rand
	h     *Heap
	raw   []byte
	large bool
	model *modelStream
	held  []heldStream
	now   int64
}

type heldStream struct {
	v     *slab.Version
	raw   []byte
	model *modelStream
}

// newStreamRegion returns the memory of a test, which several worlds can share: to make it takes its time where it is
// of the Go heap.
func newStreamRegion(t testing.TB) *slab.Region {
	region, err := slab.NewRegion()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, region.Close()) })
	return region
}

func newStreamWorld(t testing.TB, region *slab.Region, seed uint64) *streamWorld {
	w := &streamWorld{t: t, r: rand.New(rand.NewPCG(seed, 5)), now: 1_700_000_000_000}
	w.h = &Heap{Slab: slab.New(region), Seed: maphash.MakeSeed(), Limits: NewLimits()}
	w.model = &modelStream{groups: map[string]*modelGroup{}}
	w.h.Limits.StreamEntries.Store([]int64{100, 0, 1, 3, 20}[seed%5])
	w.h.Limits.StreamBytes.Store([]int64{4096, 0, 200, 1000}[seed/5%4])
	return w
}

func (w *streamWorld) open() Stream { return OpenStream(w.h.Mem, w.raw) }

// keep stores the stream as the keyspace does.
func (w *streamWorld) keep(s *Stream) {
	raw, large := s.Raw(w.h)
	w.raw, w.large = slices.Clone(raw), large
	for i := range w.h.Scratch {
		w.h.Scratch[i] = 0xEE
	}
}

func (w *streamWorld) values(n int) []string {
	words := make([]string, n)
	for i := range words {
		switch w.r.IntN(8) {
		case 0:
			words[i] = strconv.FormatInt(w.r.Int64()>>w.r.IntN(64), 10)
		case 1:
			words[i] = ""
		case 2:
			words[i] = string(make([]byte, w.r.IntN(300)))
		default:
			words[i] = fmt.Sprint("value:", w.r.IntN(1000))
		}
	}
	return words
}

func (w *streamWorld) add() {
	s := w.open()
	id := w.model.last
	switch w.r.IntN(4) {
	case 0:
		id.Ms += uint64(1 + w.r.IntN(1000))
		id.Seq = uint64(w.r.IntN(3))
	case 1:
		id.Seq += uint64(w.r.IntN(300))
	}
	id, _ = id.Next()
	var pairs []string
	if w.r.IntN(5) == 0 {
		pairs = w.values(2 * (1 + w.r.IntN(4)))
	} else {
		v := w.values(3)
		pairs = []string{"name", v[0], "7", v[1], "city", v[2]}[:2*(1+w.r.IntN(30)/10)]
	}
	args := make([][]byte, len(pairs))
	for i := range pairs {
		args[i] = []byte(pairs[i])
	}
	require.NoError(w.t, s.Append(w.h, id, args))
	w.keep(&s)
	w.model.entries = append(w.model.entries, modelEntry{id, pairs})
	w.model.last = id
	w.model.added++
}

// someID returns an ID near those of the model.
func (w *streamWorld) someID() StreamID {
	if n := len(w.model.entries); n > 0 && w.r.IntN(4) > 0 {
		id := w.model.entries[w.r.IntN(n)].id
		switch w.r.IntN(6) {
		case 0:
			id, _ = id.Next()
		case 1:
			id, _ = id.Prev()
		}
		return id
	}
	return []StreamID{{}, MaxStreamID, w.model.last, {w.r.Uint64N(w.model.last.Ms + 2), w.r.Uint64N(4)}}[w.r.IntN(4)]
}

func (w *streamWorld) delete() {
	s, id := w.open(), w.someID()
	at := slices.IndexFunc(w.model.entries, func(e modelEntry) bool { return e.id == id })
	require.Equal(w.t, at >= 0, s.Has(w.h.Mem, id))
	done, err := s.Delete(w.h, id)
	require.NoError(w.t, err)
	require.Equal(w.t, at >= 0, done)
	if done {
		w.keep(&s)
		w.model.entries = slices.Delete(slices.Clone(w.model.entries), at, at+1)
		if w.model.deleted.Less(id) {
			w.model.deleted = id
		}
	}
}

func (w *streamWorld) trim() {
	s := w.open()
	n := len(w.model.entries)
	tr := StreamTrim{By: TrimMaxLen, MaxLen: int64(n - w.r.IntN(n/4+2)), Whole: w.r.IntN(3) == 0}
	if w.r.IntN(3) == 0 {
		tr = StreamTrim{By: TrimMinID, MinID: w.someID(), Whole: w.r.IntN(2) == 0}
	}
	if tr.Whole && w.r.IntN(2) == 0 {
		tr.Limit = int64(w.r.IntN(100))
	}
	want := 0
	for want < n && !tr.enough(n-want, w.model.entries[want].id) {
		want++
	}
	removed, err := s.Trim(w.h, &tr)
	require.NoError(w.t, err)
	if tr.Whole {
		require.LessOrEqual(w.t, removed, want)
		require.True(w.t, tr.Limit == 0 || int64(removed) <= tr.Limit)
	} else {
		require.Equal(w.t, want, removed, "%+v", tr)
	}
	w.keep(&s)
	w.model.entries = w.model.entries[removed:]
}

var (
	groupNames    = []string{"g", "", "group\x00zero", "a group of a name that is longer than most are in real life"}
	consumerNames = []string{"c", "Alice", "Bob\x00", "", string(make([]byte, 400))}
)

func (w *streamWorld) groupOp() {
	s := w.open()
	name := groupNames[w.r.IntN(len(groupNames))]
	g, ok := s.Group(w.h.Mem, []byte(name))
	mg := w.model.groups[name]
	require.Equal(w.t, mg != nil, ok)
	switch {
	case !ok:
		mg = &modelGroup{last: w.someID(), read: int64(w.r.IntN(5)) - 1}
		mg.consumers, mg.pending = map[string]StreamConsumer{}, map[StreamID]modelPending{}
		w.model.groups[name] = mg
		require.NoError(w.t, s.AddGroup(w.h, []byte(name), mg.last, mg.read))
	case w.r.IntN(30) == 0:
		delete(w.model.groups, name)
		require.NoError(w.t, s.RemoveGroup(w.h, []byte(name), &g))
	case w.r.IntN(4) == 0:
		mg.last, mg.read = w.someID(), w.r.Int64()
		g.Last, g.Read = mg.last, mg.read
		require.NoError(w.t, s.SetGroup(w.h, []byte(name), &g))
	case w.r.IntN(3) == 0:
		w.ack(&s, &g, mg)
	default:
		w.consumerOp(&s, name, &g, mg)
	}
	w.keep(&s)
}

func (w *streamWorld) ack(s *Stream, g *StreamGroup, mg *modelGroup) {
	ids := slices.Collect(maps.Keys(mg.pending))
	slices.SortFunc(ids, StreamID.Compare)
	for range w.r.IntN(len(ids)/2 + 1) {
		id := ids[w.r.IntN(len(ids))]
		_, want := mg.pending[id]
		done, err := s.Ack(w.h, g, id)
		require.NoError(w.t, err)
		require.Equal(w.t, want, done)
		delete(mg.pending, id)
	}
}

func (w *streamWorld) consumerOp(s *Stream, group string, g *StreamGroup, mg *modelGroup) {
	name := consumerNames[w.r.IntN(len(consumerNames))]
	c, ok := s.Consumer(w.h.Mem, g, []byte(name))
	_, want := mg.consumers[name]
	require.Equal(w.t, want, ok)
	var err error
	switch {
	case !ok:
		c, err = s.AddConsumer(w.h, []byte(group), g, []byte(name), w.now)
		require.NoError(w.t, err)
		mg.consumers[name] = StreamConsumer{Seen: w.now, Active: Never}
	case w.r.IntN(20) == 0:
		n, err := s.RemoveConsumer(w.h, g, []byte(name), &c)
		require.NoError(w.t, err)
		delete(mg.consumers, name)
		maps.DeleteFunc(mg.pending, func(_ StreamID, p modelPending) bool {
			if p.consumer == name {
				n--
			}
			return p.consumer == name
		})
		require.Zero(w.t, n)
		return
	}
	c.Seen, c.Active = w.now+5, w.now+3
	require.NoError(w.t, s.SetConsumer(w.h, g, []byte(name), &c))
	mg.consumers[name] = StreamConsumer{Seen: c.Seen, Active: c.Active}
	for range w.r.IntN(10) {
		id := w.someID()
		p := StreamPending{ID: id, Consumer: c.Number, Time: w.now, Count: w.r.Int64N(300)}
		last, any := s.LastPending(w.h.Mem, g)
		require.NoError(w.t, s.Deliver(w.h, g, p, !any || last.ID.Less(id)))
		mg.pending[id] = modelPending{name, p.Time, p.Count}
	}
}

func pairsOf(m slab.Mem, e StreamEntry) []string {
	var pairs []string
	for name, value, ok := e.Next(); ok; name, value, ok = e.Next() {
		pairs = append(pairs, string(name.AppendTo(nil)), string(value.AppendTo(nil)))
	}
	return pairs
}

// check compares raw bytes with a model.
func (w *streamWorld) check(raw []byte, m *modelStream) {
	t, mem := w.t, w.h.Mem
	s := OpenStream(mem, raw)
	require.Equal(t, []any{len(m.entries), m.last, m.deleted, m.added}, []any{s.Len, s.Last, s.Deleted, s.Added})
	for range 3 {
		from, to := w.someID(), w.someID()
		if w.r.IntN(2) == 0 {
			from, to = StreamID{}, MaxStreamID
		}
		var want []modelEntry
		for _, e := range m.entries {
			if !e.id.Less(from) && !to.Less(e.id) {
				want = append(want, e)
			}
		}
		r, back := s.Range(mem, from, to), s.Reverse(mem, from, to)
		limit := w.r.IntN(len(m.entries) + 2)
		require.Equal(t, min(limit, len(want)), r.Count(limit))
		for i := range want {
			e, ok := r.Next()
			require.True(t, ok)
			require.Equal(t, want[i], modelEntry{e.ID, pairsOf(mem, e)})
			e, ok = back.Next()
			require.True(t, ok)
			require.Equal(t, want[len(want)-1-i].id, e.ID)
		}
		_, ok := r.Next()
		require.False(t, ok)
		_, ok = back.Next()
		require.False(t, ok)
	}
	first, ok := s.First(mem)
	require.Equal(t, len(m.entries) > 0, ok)
	last, _ := s.Final(mem)
	if ok {
		require.Equal(t, m.entries[0].id, first.ID)
		require.Equal(t, m.entries[len(m.entries)-1].id, last.ID)
		found, ok := s.Find(mem, last.ID)
		require.True(t, ok)
		require.Equal(t, pairsOf(mem, last), pairsOf(mem, found))
	}
	w.checkGroups(&s, m)
}

func (w *streamWorld) checkGroups(s *Stream, m *modelStream) {
	t, mem := w.t, w.h.Mem
	names := slices.Sorted(maps.Keys(m.groups))
	require.Equal(t, len(names), s.GroupCount(mem))
	for i, name := range names {
		mg := m.groups[name]
		got, g := s.GroupAt(mem, i)
		require.Equal(t, name, string(got))
		require.Equal(t, []any{mg.last, mg.read}, []any{g.Last, g.Read})
		consumers := slices.Sorted(maps.Keys(mg.consumers))
		require.Equal(t, len(consumers), s.Consumers(mem, &g))
		require.Equal(t, len(mg.pending), s.PendingCount(mem, &g))
		ids := slices.SortedFunc(maps.Keys(mg.pending), StreamID.Compare)
		from := w.someID()
		r := s.PendingFrom(mem, &g, from)
		for _, id := range ids {
			if !id.Less(from) {
				p, ok := r.Next()
				require.True(t, ok)
				require.Equal(t, mg.pending[id], modelPending{string(s.ConsumerName(mem, &g, p.Consumer)), p.Time, p.Count})
			}
		}
		_, ok := r.Next()
		require.False(t, ok)
		for j, name := range consumers {
			got, c := s.ConsumerAt(mem, &g, j)
			require.Equal(t, name, string(got))
			require.Equal(t, mg.consumers[name], StreamConsumer{Seen: c.Seen, Active: c.Active})
			owned := s.OwnedFrom(mem, &g, c.Number, from)
			n := 0
			for _, id := range ids {
				if mg.pending[id].consumer != name {
					continue
				}
				n++
				if !id.Less(from) {
					p, ok := owned.Next()
					require.True(t, ok)
					require.Equal(t, StreamPending{id, c.Number, mg.pending[id].time, mg.pending[id].count}, p)
				}
			}
			_, ok := owned.Next()
			require.False(t, ok)
			require.Equal(t, n, s.OwnedCount(mem, &g, c.Number))
		}
	}
}

func (w *streamWorld) view() View { return View{Mem: w.h.Mem, Seed: w.h.Seed} }

// remake puts the stream together from its parts, or clones it, and frees the old one.
func (w *streamWorld) remake() {
	before, large := w.raw, w.large
	if w.large && w.r.IntN(2) == 0 {
		raw, err := KindStream.Clone(w.view(), w.raw, w.h)
		require.NoError(w.t, err)
		w.raw = slices.Clone(raw)
	} else {
		b := KindStream.Build(w.h)
		for part := range KindStream.Parts(w.view(), w.raw) {
			require.NoError(w.t, b.Add(part))
			for i := range w.h.Scratch {
				w.h.Scratch[i] = 0xEF
			}
		}
		raw, l, err := b.Raw()
		require.NoError(w.t, err)
		w.raw, w.large = slices.Clone(raw), l
	}
	w.free(before, large)
}

func (w *streamWorld) free(raw []byte, large bool) {
	if large {
		var d Debris
		d.Add(KindStream, w.view(), raw)
		for !d.Empty() {
			d.FreeSome(w.h.Slab, 3)
		}
	}
}

func (w *streamWorld) step() {
	switch n := w.r.IntN(100); {
	case n < 55:
		w.add()
	case n < 70:
		w.delete()
	case n < 72:
		w.trim()
	case n < 90:
		w.groupOp()
	case n < 92:
		w.remake()
	case n < 95 && len(w.held) < 4:
		v, err := w.h.Freeze()
		require.NoError(w.t, err)
		w.held = append(w.held, heldStream{v, slices.Clone(w.raw), w.model.clone()})
	case n < 98 && len(w.held) > 0:
		i := w.r.IntN(len(w.held))
		w.check(w.held[i].raw, w.held[i].model)
		for w.h.Thaw(w.held[i].v) {
		}
		w.held = slices.Delete(w.held, i, i+1)
	default:
		w.check(w.raw, w.model)
	}
}

// close checks that nothing is left behind.
func (w *streamWorld) close() {
	w.check(w.raw, w.model)
	for _, held := range w.held {
		w.check(held.raw, held.model)
		for w.h.Thaw(held.v) {
		}
	}
	if w.large {
		s := w.open()
		require.Equal(w.t, s.Len, s.count(w.h.Mem))
		require.Equal(w.t, w.h.Used(), KindStream.NodeBytes(w.view(), w.raw))
	}
	w.free(w.raw, w.large)
	require.Zero(w.t, w.h.Used())
}

func TestStreamAgainstModel(t *testing.T) {
	region := newStreamRegion(t)
	for seed := range uint64(20) {
		w := newStreamWorld(t, region, seed)
		for range 600 {
			w.step()
		}
		w.close()
	}
}

// TestStreamOutOfMemory runs operations while memory runs out: each fails with its stream as it was.
func TestStreamOutOfMemory(t *testing.T) {
	for seed := range uint64(3) {
		region := newStreamRegion(t)
		region.Limit(int64(3+seed) * slab.BlockSize)
		w := newStreamWorld(t, region, seed)
		failed := 0
		for failed < 20 {
			s := w.open()
			id, _ := s.Last.Next()
			value := []byte(w.values(1)[0])
			switch err := s.Append(w.h, id, [][]byte{[]byte("name"), value}); {
			case err == nil:
				w.model.entries = append(w.model.entries, modelEntry{id, []string{"name", string(value)}})
				w.model.last = id
				w.model.added++
			default:
				require.ErrorIs(t, err, slab.ErrNoMemory)
				failed++
				w.keep(&s)
				// Now with every block frozen, so that each change needs memory.
				v, err := w.h.Freeze()
				require.NoError(t, err)
				w.deleteWithout()
				for w.h.Thaw(v) {
				}
				s = w.open()
			}
			w.keep(&s)
		}
		w.close()
	}
}

// deleteWithout deletes an entry, unless there is no memory for that.
func (w *streamWorld) deleteWithout() {
	at := w.r.IntN(len(w.model.entries))
	id := w.model.entries[at].id
	s := w.open()
	done, err := s.Delete(w.h, id)
	w.keep(&s)
	require.Equal(w.t, err == nil, done)
	if done {
		w.model.entries = slices.Delete(slices.Clone(w.model.entries), at, at+1)
		w.model.deleted = StreamID{max(w.model.deleted.Ms, id.Ms), max(w.model.deleted.Seq, id.Seq)}
	}
}

// TestStreamBadParts gives a builder parts that were tampered with: it refuses them or makes a stream that can be read.
func TestStreamBadParts(t *testing.T) {
	region := newStreamRegion(t)
	w := newStreamWorld(t, region, 3)
	for len(w.model.groups) < len(groupNames) || len(w.model.entries) < 50 {
		w.add()
		w.groupOp()
	}
	var parts [][]byte
	for part := range KindStream.Parts(w.view(), w.raw) {
		parts = append(parts, slices.Clone(part))
	}
	refused := 0
	for range 600 {
		h := &Heap{Slab: slab.New(region), Limits: NewLimits()}
		b := KindStream.Build(h)
		bad := w.r.IntN(len(parts))
		for i, part := range parts {
			if i == bad {
				part = w.spoil(slices.Clone(part))
			}
			if b.Add(part) != nil {
				refused++
			}
		}
		raw, large, err := b.Raw()
		require.NoError(t, err)
		v := View{Mem: h.Mem}
		for part := range KindStream.Parts(v, raw) {
			_ = part
		}
		if large {
			var d Debris
			d.Add(KindStream, v, raw)
			d.FreeSome(h.Slab, math.MaxInt)
		}
		require.Zero(t, h.Used())
		h.Trim()
	}
	require.Greater(t, refused, 200)
	b := KindStream.Build(w.h)
	require.Error(t, b.Add(nil))
	require.Error(t, b.Add([]byte{partEntry}))
	raw, large, err := b.Raw()
	require.NoError(t, err)
	require.Empty(t, raw)
	require.False(t, large)
	w.close()
}

// spoil changes some bytes.
func (w *streamWorld) spoil(b []byte) []byte {
	switch at := w.r.IntN(len(b)); w.r.IntN(4) {
	case 0:
		return b[:at]
	case 1:
		return slices.Insert(b, at, byte(w.r.Uint32()))
	default:
		b[at] = byte(w.r.Uint32())
		return b
	}
}

func FuzzStream(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, uint8(60))
	}
	region := newStreamRegion(f)
	f.Fuzz(func(t *testing.T, seed uint64, steps uint8) {
		w := newStreamWorld(t, region, seed)
		for range steps {
			w.step()
		}
		w.close()
	})
}
