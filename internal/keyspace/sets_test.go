package keyspace

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/value"
)

func asBytes(members []string) (list [][]byte) {
	for _, m := range members {
		list = append(list, []byte(m))
	}
	return list
}

func (w *world) sadd(key string, members ...string) (int, error) {
	t := w.target(0, key)
	return t.DB.SetAdd(t.Hash, t.Key, asBytes(members))
}

func (w *world) srem(key string, members ...string) (int, error) {
	t := w.target(0, key)
	return t.DB.SetRemove(t.Hash, t.Key, asBytes(members))
}

func (w *world) spop(key string, n int) (popped []string, err error) {
	t := w.target(0, key)
	count, err := t.DB.SetPop(t.Hash, t.Key, n, func(m value.Member) {
		popped = append(popped, string(m.AppendTo(nil)))
	})
	return popped[:count], err
}

func (w *world) targets(keys ...string) (list []Target) {
	for _, key := range keys {
		list = append(list, w.target(0, key))
	}
	return list
}

// smembers returns the members of a key's set, in order.
func (w *world) smembers(key string) (list []string) {
	w.t.Helper()
	t := w.target(0, key)
	var s value.Set
	require.NoError(w.t, t.DB.Look(t.Hash, t.Key).OpenSet(&s))
	for m := range s.All {
		list = append(list, string(m.AppendTo(nil)))
	}
	slices.Sort(list)
	require.Len(w.t, list, s.Len())
	return list
}

func TestSetEvents(t *testing.T) {
	w := newWorld(t)
	rec := &recorder{}
	for _, s := range w.shards {
		s.Observer = rec
	}
	do := func(what string, fn func() (int, error), n int, want ...string) {
		t.Helper()
		rec.events = nil
		changes := w.shards[0].Stats.Changes + w.shards[1].Stats.Changes
		got, err := fn()
		require.NoError(t, err, what)
		require.Equal(t, n, got, what)
		require.Equal(t, want, rec.events, what)
		if len(want) == 0 {
			require.Equal(t, changes, w.shards[0].Stats.Changes+w.shards[1].Stats.Changes, what)
		}
	}
	store := func(op SetOperation, to string, keys ...string) func() (int, error) {
		return func() (int, error) { return SetStore(op, w.target(0, to), w.targets(keys...), false) }
	}
	move := func(from, to, member string) func() (int, error) {
		return func() (int, error) {
			moved, err := SetMove(w.target(0, from), w.target(0, to), []byte(member))
			if moved {
				return 1, err
			}
			return 0, err
		}
	}
	add := func(key string, m ...string) func() (int, error) {
		return func() (int, error) { return w.sadd(key, m...) }
	}
	remove := func(key string, m ...string) func() (int, error) {
		return func() (int, error) { return w.srem(key, m...) }
	}
	pop := func(key string, n int) func() (int, error) {
		return func() (int, error) { list, err := w.spop(key, n); return len(list), err }
	}
	do("sadd", add("s", "a", "b", "a"), 2, "0 sadd s")
	do("sadd of nothing new", add("s", "a"), 0)
	do("sadd of nothing", add("none"), 0)
	do("srem", remove("s", "a", "x"), 1, "0 srem s")
	do("srem of nothing", remove("s", "x"), 0)
	do("srem of the last", remove("s", "b"), 1, "0 srem s", "0 del s")
	do("srem of no key", remove("s", "b"), 0)
	do("sadd", add("s", "a", "b", "c", "d"), 4, "0 sadd s")
	do("spop", pop("s", 1), 1, "0 spop s")
	do("spop of some", pop("s", 2), 2, "0 spop s")
	do("spop of none", pop("s", 0), 0)
	do("spop of all", pop("s", 5), 1, "0 spop s", "0 del s")
	do("spop of no key", pop("s", 1), 0)
	do("sadd", add("s", "a", "b"), 2, "0 sadd s")
	do("smove", move("s", "d", "a"), 1, "0 srem s", "0 sadd d")
	do("smove of nothing", move("s", "d", "a"), 0)
	do("smove to itself", move("s", "s", "b"), 1)
	do("sadd", add("d", "b"), 1, "0 sadd d")
	do("smove of the last to where it is", move("s", "d", "b"), 1, "0 srem s", "0 del s")
	do("sadd", add("s", "b", "c"), 2, "0 sadd s")
	do("sunionstore", store(SetUnion, "r", "s", "d"), 3, "0 sunionstore r")
	do("sinterstore", store(SetIntersection, "r", "s", "d"), 1, "0 sinterstore r")
	do("sdiffstore", store(SetDifference, "r", "s", "d"), 1, "0 sdiffstore r")
	do("sdiffstore of nothing", store(SetDifference, "r", "s", "s"), 0, "0 del r")
	do("sinterstore of nothing", store(SetIntersection, "r", "s", "none"), 0)
	w.set(0, "str", "v", SetOptions{})
	do("sunionstore over a string", store(SetUnion, "str", "s"), 2, "0 sunionstore str")
	w.set(0, "str2", "v", SetOptions{})
	for _, op := range []SetOperation{SetUnion, SetIntersection, SetDifference} {
		_, err := SetStore(op, w.target(0, "str"), w.targets("none", "str2"), false)
		require.Equal(t, errs.WrongType, err)
	}
}

// TestSetsInSnapshots changes large and small sets while snapshots and savepoints are open.
func TestSetsInSnapshots(t *testing.T) {
	w := newWorld(t)
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprint("member", i))
	}
	_, err := w.sadd("large", many...)
	require.NoError(t, err)
	_, err = w.sadd("small", many[:50]...)
	require.NoError(t, err)
	slices.Sort(many)
	small := slices.Clone(w.smembers("small"))
	frozen := make([]*Frozen, len(w.shards))
	for i, s := range w.shards {
		frozen[i], err = s.Freeze(w.now)
		require.NoError(t, err)
	}
	see := func(key string) (list []string) {
		tg := w.target(0, key)
		for i, s := range w.shards {
			if s == tg.DB.shard {
				var s value.Set
				require.NoError(t, frozen[i].DB(0).Find(tg.Hash, tg.Key).OpenSet(&s))
				for m := range s.All {
					list = append(list, string(m.AppendTo(nil)))
				}
			}
		}
		slices.Sort(list)
		return list
	}
	for range 3 {
		popped, err := w.spop("large", 300)
		require.NoError(t, err)
		_, err = w.sadd("large", append(popped[:100], "more")...)
		require.NoError(t, err)
		_, err = w.srem("small", popped...)
		require.NoError(t, err)
		require.Equal(t, many, see("large"))
		require.Equal(t, small, see("small"))
	}
	for _, s := range w.shards {
		require.NoError(t, s.Begin())
	}
	before := w.smembers("large")
	_, err = SetStore(SetUnion, w.target(0, "large"), w.targets("small", "large"), false)
	require.NoError(t, err)
	_, err = w.spop("large", math.MaxInt)
	require.NoError(t, err)
	_, err = w.spop("small", math.MaxInt)
	require.NoError(t, err)
	for _, s := range w.shards {
		s.AsCommitted(true)
	}
	sets, err := OpenSets(w.targets("large", "large", "small", "none"), nil, false)
	require.NoError(t, err)
	require.Equal(t, []int{len(before), len(before), len(w.smembers("small")), 0},
		[]int{sets[0].Len(), sets[1].Len(), sets[2].Len(), sets[3].Len()})
	for _, s := range w.shards {
		s.AsCommitted(false)
		s.Rollback()
	}
	require.Equal(t, before, w.smembers("large"))
	require.Equal(t, many, see("large"))
	for i, s := range w.shards {
		for s.Thaw(frozen[i]) {
		}
	}
	_, err = w.spop("large", math.MaxInt)
	require.NoError(t, err)
	_, err = w.spop("small", math.MaxInt)
	require.NoError(t, err)
	for _, s := range w.shards {
		for s.FreeSome(100) {
		}
		for s.CloseSome() {
		}
		require.Zero(t, s.Usage().Cells[slab.Container])
	}
}

// TestSetsWithoutMemory lets memory run out: what a set had and was not removed is still there.
func TestSetsWithoutMemory(t *testing.T) {
	w := newWorld(t)
	w.region.Limit(24 * slab.BlockSize)
	model := map[string]map[string]bool{"a": {}, "b": {}, "c": {}}
	keys := []string{"a", "b", "c"}
	var frozen []*Frozen
	failed := 0
	check := func() {
		t.Helper()
		for key, m := range model {
			var want []string
			for s := range m {
				want = append(want, s)
			}
			slices.Sort(want)
			require.Equal(t, want, w.smembers(key), key)
		}
	}
	for i := range 30_000 {
		key, m := keys[i%3], "member"+strconv.Itoa(i*i%7919)
		switch i % 5 {
		case 0, 1, 2:
			n, err := w.sadd(key, m)
			if err == nil {
				require.Equal(t, !model[key][m], n == 1)
				model[key][m] = true
			} else {
				require.Zero(t, n)
				failed++
			}
		case 3:
			n, err := w.srem(key, m)
			if err == nil {
				require.Equal(t, model[key][m], n == 1)
				delete(model[key], m)
			} else {
				require.Zero(t, n)
				failed++
			}
		case 4:
			if i%20 == 4 {
				popped, err := w.spop(key, 2)
				if err != nil {
					failed++
				}
				for _, m := range popped {
					require.True(t, model[key][m])
					delete(model[key], m)
				}
				continue
			}
			to := keys[(i+1)%3]
			if _, err := SetMove(w.target(0, key), w.target(0, to), []byte(m)); err != nil {
				failed++
				// It is in one of the two, or was in neither.
				has := slices.Contains(w.smembers(key), m)
				require.True(t, has || !model[key][m] || slices.Contains(w.smembers(to), m))
			} else if model[key][m] {
				delete(model[key], m)
				model[to][m] = true
			}
		}
		if i%1000 == 999 {
			check()
			for n, s := range w.shards {
				if len(frozen) == len(w.shards) {
					for s.Thaw(frozen[n]) {
					}
				}
			}
			frozen = frozen[:0]
			for _, s := range w.shards {
				f, err := s.Freeze(w.now)
				require.NoError(t, err)
				frozen = append(frozen, f)
			}
		}
	}
	check()
	require.Positive(t, failed)
}
