package keyspace

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/value"
)

// listWorld is a shard with lists beside their models.
type listWorld struct {
	t      *testing.T
	region *slab.Region
	s      *Shard
	db     *DB
	model  map[string][]string
	events []string
	held   []heldLists
}

type heldLists struct {
	f     *Frozen
	model map[string][]string
}

func newListWorld(t *testing.T) *listWorld {
	region, err := slab.NewRegion()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, region.Close()) })
	w := &listWorld{t: t, region: region, model: map[string][]string{}}
	c := Config{
		Region: region, Clock: NewClock(func() time.Time { return time.UnixMilli(1_700_000_000_000) }),
		Seed: maphash.MakeSeed(), Databases: 1, Used: new(atomic.Int64), Observer: w,
	}
	w.s, err = NewShard(c, 0, 1)
	require.NoError(t, err)
	w.db = w.s.DB(0)
	return w
}

func (w *listWorld) Touched(_ int, key []byte, e Event) {
	w.events = append(w.events, fmt.Sprintf("%s %s", e, key))
}

func (w *listWorld) target(key string) Target {
	return Target{DB: w.db, Hash: maphash.Bytes(w.s.Seed, []byte(key)), Key: []byte(key)}
}

func listWords(l *value.List) []string {
	var out []string
	c := l.From(0)
	for e, ok := c.Next(); ok; e, ok = c.Next() {
		out = append(out, string(l.AppendElem(nil, e)))
	}
	return out
}

func (w *listWorld) words(key string) []string {
	k := w.target(key)
	l, err := w.db.Look(k.Hash, k.Key).List()
	require.NoError(w.t, err)
	return listWords(&l)
}

// check compares everything with the models.
func (w *listWorld) check() {
	for _, key := range []string{"a", "b", "c"} {
		require.Equal(w.t, w.model[key], w.words(key), key)
	}
	for _, h := range w.held {
		for _, key := range []string{"a", "b", "c"} {
			k := w.target(key)
			it := h.f.DB(0).Find(k.Hash, k.Key)
			require.Equal(w.t, len(h.model[key]) > 0, it.Found())
			if it.Found() {
				l := value.OpenList(it.View(), it.Value())
				require.Equal(w.t, h.model[key], listWords(&l))
			}
		}
	}
}

func (w *listWorld) freeze() {
	f, err := w.s.Freeze(1_700_000_000_000)
	if err != nil {
		require.ErrorIs(w.t, err, slab.ErrNoMemory)
		return
	}
	m := map[string][]string{}
	for key, list := range w.model {
		m[key] = slices.Clone(list)
	}
	w.held = append(w.held, heldLists{f, m})
}

func (w *listWorld) thaw(i int) {
	for w.s.Thaw(w.held[i].f) {
	}
	w.held = slices.Delete(w.held, i, i+1)
}

// step does one operation. Where it fails for want of memory the key is as before or as after.
func (w *listWorld) step(r *rand.Rand) (failed bool) {
	key := string(rune('a' + r.IntN(3)))
	k, list := w.target(key), w.model[key]
	n := len(list)
	word := fmt.Sprint(r.IntN(50))
	if r.IntN(2) == 0 {
		word = strings.Repeat("w", r.IntN(60)) + word
	}
	if r.IntN(60) == 0 {
		word = strings.Repeat("lone", 600) + word
	}
	after := slices.Clone(list)
	other, otherAfter := "", []string(nil)
	var err error
	switch op := r.IntN(16); {
	case op < 5:
		start := op < 2
		if start {
			after = slices.Insert(after, 0, word)
		} else {
			after = append(after, word)
		}
		_, err = w.db.ListPush(k.Hash, k.Key, start, false, [][]byte{[]byte(word)})
	case op < 7 && n > 0:
		m := 1 + r.IntN(min(n, 1+r.IntN(n)))
		start := op == 5
		popped := slices.Clone(list[n-m:])
		slices.Reverse(popped)
		if after = after[:n-m]; start {
			popped, after = list[:m], slices.Clone(list[m:])
		}
		var run []byte
		run, err = w.db.ListPop(nil, k.Hash, k.Key, start, m)
		for i := 0; err == nil && i < m; i++ {
			var e []byte
			e, run = value.NextPopped(run, nil)
			require.Equal(w.t, popped[i], string(e))
		}
	case op == 7 && n > 0:
		i := r.IntN(n)
		after[i] = word
		err = w.db.ListSet(k.Hash, k.Key, int64(i-n), []byte(word))
	case op < 10 && n > 0:
		i := slices.Index(list, list[r.IntN(n)])
		after = slices.Insert(after, i, word)
		_, err = w.db.ListInsert(k.Hash, k.Key, true, []byte(list[i]), []byte(word))
	case op == 10 && n > 0:
		word = list[r.IntN(n)]
		i := slices.Index(list, word)
		after = slices.Delete(after, i, i+1)
		_, err = w.db.ListRemove(k.Hash, k.Key, 1, []byte(word))
	case op == 11 && n > 0:
		from := r.IntN(n)
		to := from + 1 + r.IntN(n-from)
		if r.IntN(3) > 0 {
			from, to = min(3, n), n
		}
		after = slices.Clone(list[from:to])
		err = w.db.ListTrim(k.Hash, k.Key, int64(from), int64(to)-1)
	case op < 15 && n > 0:
		fromStart, toStart := r.IntN(2) == 0, r.IntN(2) == 0
		moved := list[0]
		after = slices.Clone(list[1:])
		if !fromStart {
			moved, after = list[n-1], slices.Clone(list[:n-1])
		}
		other = string(rune('a' + r.IntN(3)))
		if otherAfter = slices.Clone(w.model[other]); other == key {
			otherAfter = after
		}
		if toStart {
			otherAfter = slices.Insert(otherAfter, 0, moved)
		} else {
			otherAfter = append(otherAfter, moved)
		}
		var e []byte
		if e, _, err = ListMove(nil, k, w.target(other), fromStart, toStart); err == nil {
			require.Equal(w.t, moved, string(e))
		}
	}
	if err != nil {
		require.ErrorIs(w.t, err, slab.ErrNoMemory)
		for _, at := range []string{key, other} {
			if at != "" {
				w.model[at] = w.words(at)
			}
		}
		if other == "" && !slices.Equal(list, w.model[key]) {
			require.ElementsMatch(w.t, after, w.model[key])
		}
		return true
	}
	if len(after) == 0 {
		after = nil
	}
	w.model[key] = after
	if other != "" {
		w.model[other] = otherAfter
	}
	return false
}

// end removes everything and looks for what is left.
func (w *listWorld) end() {
	w.check()
	for _, key := range []string{"a", "b", "c"} {
		k := w.target(key)
		if it := w.db.Look(k.Hash, k.Key); it.Found() {
			require.NoError(w.t, w.db.Delete(it, EventDel))
		}
	}
	for len(w.held) > 0 {
		w.thaw(0)
	}
	for w.s.FreeSome(100) {
	}
	require.Zero(w.t, w.s.Usage().Cells[slab.Container])
	require.Zero(w.t, w.s.Usage().Cells[slab.Entry])
}

func TestListsAtRandom(t *testing.T) {
	w := newListWorld(t)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 6000 {
		require.False(t, w.step(r))
		switch {
		case i%200 == 50:
			w.freeze()
		case i%200 == 180:
			w.thaw(r.IntN(len(w.held)))
		}
		if i%100 == 0 {
			w.check()
		}
	}
	w.end()
}

func TestListsWithoutMemory(t *testing.T) {
	for seed := range uint64(3) {
		w := newListWorld(t)
		r := rand.New(rand.NewPCG(seed, 7))
		w.region.Limit(w.region.Bytes() + 5*slab.BlockSize)
		failed := 0
		for i := range 6000 {
			if w.step(r) {
				if failed++; failed%20 == 0 {
					w.check()
				}
				if len(w.held) > 0 && failed%3 == 0 {
					w.thaw(r.IntN(len(w.held)))
				}
				if failed%200 == 0 {
					for _, key := range []string{"a", "b", "c"} {
						k := w.target(key)
						if it := w.db.Look(k.Hash, k.Key); it.Found() && w.db.Delete(it, EventDel) == nil {
							delete(w.model, key)
						}
					}
				}
			}
			if i%50 == 0 {
				w.freeze()
			}
		}
		require.NotZero(t, failed)
		for len(w.held) > 0 {
			w.check()
			w.thaw(0)
		}
		w.end()
	}
}

func TestListEvents(t *testing.T) {
	w := newListWorld(t)
	l, m := w.target("l"), w.target("m")
	elems := func(words ...string) (list [][]byte) {
		for _, word := range words {
			list = append(list, []byte(word))
		}
		return list
	}
	for _, tc := range []struct {
		do   func() error
		want string
	}{
		{func() error { _, err := w.db.ListPush(l.Hash, l.Key, true, true, elems("x")); return err }, ""},
		{func() error { _, err := w.db.ListPush(l.Hash, l.Key, true, false, elems("a", "b")); return err }, "lpush l"},
		{func() error { _, err := w.db.ListPush(l.Hash, l.Key, false, true, elems("c")); return err }, "rpush l"},
		{func() error { return w.db.ListSet(l.Hash, l.Key, 0, []byte("x")) }, "lset l"},
		{func() error { _, err := w.db.ListInsert(l.Hash, l.Key, true, []byte("none"), nil); return err }, ""},
		{func() error { _, err := w.db.ListInsert(l.Hash, l.Key, true, []byte("c"), nil); return err }, "linsert l"},
		{func() error { _, err := w.db.ListRemove(l.Hash, l.Key, 0, []byte("none")); return err }, ""},
		{func() error { _, err := w.db.ListRemove(l.Hash, l.Key, 0, nil); return err }, "lrem l"},
		{func() error { return w.db.ListTrim(l.Hash, l.Key, 0, -1) }, "ltrim l"},
		{func() error { _, err := w.db.ListPop(nil, l.Hash, l.Key, true, 0); return err }, ""},
		{func() error { _, err := w.db.ListPop(nil, l.Hash, l.Key, true, 1); return err }, "lpop l"},
		{func() error { _, _, err := ListMove(nil, l, m, false, true); return err }, "lpush m, rpop l"},
		{func() error { _, _, err := ListMove(nil, l, l, true, false); return err }, "rpush l, lpop l"},
		{func() error { _, _, err := ListMove(nil, l, m, true, false); return err }, "rpush m, lpop l, del l"},
		{func() error { _, _, err := ListMove(nil, l, m, true, false); return err }, ""},
		{func() error { _, err := w.db.ListPop(nil, m.Hash, m.Key, false, 9); return err }, "rpop m, del m"},
		{func() error { _, err := w.db.ListPush(l.Hash, l.Key, false, false, elems("a")); return err }, "rpush l"},
		{func() error { return w.db.ListTrim(l.Hash, l.Key, 5, 9) }, "ltrim l, del l"},
		{func() error { return w.db.ListTrim(l.Hash, l.Key, 5, 9) }, ""},
		{func() error { _, err := w.db.ListPush(l.Hash, l.Key, false, false, elems("a")); return err }, "rpush l"},
		{func() error { _, err := w.db.ListRemove(l.Hash, l.Key, 0, []byte("a")); return err }, "lrem l, del l"},
	} {
		w.events = nil
		require.NoError(t, tc.do())
		require.Equal(t, tc.want, strings.Join(w.events, ", "))
	}
	require.Equal(t, errs.NoSuchKey, w.db.ListSet(l.Hash, l.Key, 0, nil))
}
