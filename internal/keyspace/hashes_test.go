package keyspace

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/value"
)

func (w *world) hset(key string, pairs ...string) (int, error) {
	t := w.target(0, key)
	return t.DB.HashSet(t.Hash, t.Key, asBytes(pairs))
}

func (w *world) hdel(key string, fields ...string) (int, error) {
	t := w.target(0, key)
	return t.DB.HashDelete(t.Hash, t.Key, asBytes(fields))
}

func (w *world) hexpire(key string, at int64, fields ...string) (results []FieldResult, err error) {
	t := w.target(0, key)
	err = t.DB.HashExpire(t.Hash, t.Key, asBytes(fields), at, 0, func(r FieldResult) { results = append(results, r) })
	return results, err
}

// fieldOf is a field's value with its time.
type fieldOf struct {
	value string
	at    int64
}

// fieldsOf returns what a hash has, given what opens it.
func fieldsOf(t *testing.T, open func(*value.Hash) error) map[string]fieldOf {
	t.Helper()
	var h value.Hash
	require.NoError(t, open(&h))
	all := map[string]fieldOf{}
	h.All(nil, func(field, v []byte, at int64) bool {
		all[string(field)] = fieldOf{string(v), at}
		return true
	})
	require.Len(t, all, h.Len())
	return all
}

func (w *world) hgetall(key string) map[string]fieldOf {
	w.t.Helper()
	t := w.target(0, key)
	return fieldsOf(w.t, t.DB.Look(t.Hash, t.Key).OpenHash)
}

// comeBy lets the expiry index of every shard come by.
func (w *world) comeBy() {
	for _, s := range w.shards {
		for range 100_000 {
			if !s.DB(0).ExpireSome(100) {
				break
			}
		}
	}
}

func TestHashEvents(t *testing.T) {
	w := newWorld(t)
	rec := &recorder{}
	for _, s := range w.shards {
		s.Observer = rec
	}
	do := func(what string, fn func() (int, error), n int, want ...string) {
		t.Helper()
		rec.events = nil
		got, err := fn()
		require.NoError(t, err, what)
		require.Equal(t, n, got, what)
		require.Equal(t, want, rec.events, what)
	}
	set := func(pairs ...string) func() (int, error) {
		return func() (int, error) { return w.hset("h", pairs...) }
	}
	del := func(fields ...string) func() (int, error) {
		return func() (int, error) { return w.hdel("h", fields...) }
	}
	expire := func(at int64, fields ...string) func() (int, error) {
		return func() (int, error) { r, err := w.hexpire("h", at, fields...); return len(r), err }
	}
	on := func(fn func(t Target) error) func() (int, error) {
		return func() (int, error) { return 0, fn(w.target(0, "h")) }
	}
	fields := func(f ...string) [][]byte { return asBytes(f) }
	do("hset", set("a", "1", "b", "2"), 2, "0 hset h")
	do("hset of the same", set("a", "1"), 0, "0 hset h")
	do("hsetnx of one that is there", on(func(t Target) error {
		_, err := t.DB.HashSetNX(t.Hash, t.Key, []byte("a"), []byte("2"))
		return err
	}), 0)
	do("hsetnx", on(func(t Target) error {
		_, err := t.DB.HashSetNX(t.Hash, t.Key, []byte("c"), []byte("2"))
		return err
	}), 0, "0 hset h")
	do("hincrby", on(func(t Target) error {
		_, err := t.DB.HashIncrBy(t.Hash, t.Key, []byte("a"), 1)
		return err
	}), 0, "0 hincrby h")
	do("hincrbyfloat", on(func(t Target) error {
		_, err := t.DB.HashIncrByFloat(nil, t.Hash, t.Key, []byte("a"), []byte("1"))
		return err
	}), 0, "0 hincrbyfloat h")
	do("hdel of nothing", del("x"), 0)
	do("hdel", del("c", "x"), 1, "0 hdel h")
	do("hexpire", expire(w.now+1000, "a", "x"), 2, "0 hexpire h")
	do("hexpire of nothing", expire(w.now+1000, "x"), 1)
	do("hexpire of one that stays", expire(w.now+100, "b"), 1, "0 hexpire h")
	do("hpersist", on(func(t Target) error {
		return t.DB.HashPersist(t.Hash, t.Key, fields("a", "x"), func(FieldResult) {})
	}), 0, "0 hpersist h")
	do("hpersist of nothing", on(func(t Target) error {
		return t.DB.HashPersist(t.Hash, t.Key, fields("a", "x"), func(FieldResult) {})
	}), 0)
	w.now += 2000
	do("nothing tells that a field is hidden", del("b"), 0)
	do("the index comes by", func() (int, error) { w.comeBy(); return 0, nil }, 0, "0 hexpired h")
	do("hgetex", on(func(t Target) error {
		return t.DB.HashGetEx(t.Hash, t.Key, fields("a"), w.now+50, false, func([]byte, bool) {})
	}), 0, "0 hexpire h")
	do("hgetex persist", on(func(t Target) error {
		return t.DB.HashGetEx(t.Hash, t.Key, fields("a"), 0, true, func([]byte, bool) {})
	}), 0, "0 hpersist h")
	do("hgetex without a time", on(func(t Target) error {
		return t.DB.HashGetEx(t.Hash, t.Key, fields("a"), 0, false, func([]byte, bool) {})
	}), 0)
	do("hsetex", on(func(t Target) error {
		_, err := t.DB.HashSetEx(t.Hash, t.Key, fields("b", "2"), HashSetOptions{ExpireAt: w.now + 1})
		return err
	}), 0, "0 hset h", "0 hexpire h")
	do("hsetex with a time that has come", on(func(t Target) error {
		_, err := t.DB.HashSetEx(t.Hash, t.Key, fields("b", "2"), HashSetOptions{ExpireAt: 1})
		return err
	}), 0, "0 hdel h")
	do("hexpire with a time that has come", expire(1, "a"), 1, "0 hdel h", "0 del h")
	do("hset", set("a", "1", "b", "2"), 2, "0 hset h")
	do("hgetdel", on(func(t Target) error {
		return t.DB.HashGetDelete(t.Hash, t.Key, fields("a", "b", "c"), func([]byte, bool) {})
	}), 0, "0 hdel h", "0 del h")
	do("hgetdel of nothing", on(func(t Target) error {
		return t.DB.HashGetDelete(t.Hash, t.Key, fields("a"), func([]byte, bool) {})
	}), 0)
	do("hset", set("a", "1"), 1, "0 hset h")
	do("hexpire", expire(w.now+1000, "a"), 1, "0 hexpire h")
	w.now += 5000
	do("the last field expires", func() (int, error) { w.comeBy(); return 0, nil }, 0, "0 hexpired h", "0 del h")
	w.set(0, "s", "v", SetOptions{})
	_, err := w.hset("s", "a", "b")
	require.Equal(t, errs.WrongType, err)
}

// TestHashesInSnapshots changes hashes while snapshots and savepoints are open, and memory is short.
func TestHashesInSnapshots(t *testing.T) {
	for _, short := range []bool{false, true} {
		t.Run(fmt.Sprint("short of memory ", short), func(t *testing.T) { changeHashes(t, short) })
	}
}

func changeHashes(t *testing.T, short bool) {
	w := newWorld(t)
	if short {
		w.region.Limit(24 * slab.BlockSize)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	keys := []string{"small", "large", "timed", "both"}
	model := map[string]map[string]fieldOf{}
	for _, k := range keys {
		model[k] = map[string]fieldOf{}
	}
	shown := func(m map[string]fieldOf, now int64) map[string]fieldOf {
		m = maps.Clone(m)
		maps.DeleteFunc(m, func(_ string, f fieldOf) bool { return f.at != 0 && f.at <= now })
		return m
	}
	type picture struct {
		frozen [worldShards]*Frozen
		now    int64
		model  map[string]map[string]fieldOf
	}
	var pictures []picture
	copyModel := func() map[string]map[string]fieldOf {
		c := map[string]map[string]fieldOf{}
		for k, m := range model {
			c[k] = maps.Clone(m)
		}
		return c
	}
	compare := func(p *picture) {
		t.Helper()
		for _, k := range keys {
			tg := w.target(0, k)
			for i, s := range w.shards {
				if s == tg.DB.shard {
					it := p.frozen[i].DB(0).Find(tg.Hash, tg.Key)
					require.Equal(t, shown(p.model[k], p.now), fieldsOf(t, it.OpenHash), k)
				}
			}
		}
	}
	failed := 0
	for i := range 4000 {
		key := keys[rng.IntN(len(keys))]
		field := fmt.Sprint("field", rng.IntN(30))
		if key == "large" || key == "both" {
			field = fmt.Sprint("field", rng.IntN(900))
		}
		m := model[key]
		before := shown(m, w.now)
		_, there := before[field]
		tg := w.target(0, key)
		switch rng.IntN(12) {
		case 0, 1:
			n, err := w.hdel(key, field)
			if err != nil {
				failed++
				break
			}
			require.Equal(t, there, n == 1)
			delete(m, field)
		case 2, 3:
			if key == "small" || key == "large" {
				break
			}
			at := w.now + 1 + rng.Int64N(5000)
			r, err := w.hexpire(key, at, field)
			if err != nil {
				failed++
				break
			}
			require.Equal(t, there, r[0] == FieldChanged)
			if there {
				m[field] = fieldOf{m[field].value, at}
			}
		case 4:
			w.now += rng.Int64N(1000)
		case 5:
			w.comeBy()
		case 6:
			if len(pictures) < 2 {
				p := picture{now: w.now, model: copyModel()}
				for i, s := range w.shards {
					var err error
					p.frozen[i], err = s.Freeze(w.now)
					require.NoError(t, err)
				}
				pictures = append(pictures, p)
			} else {
				compare(&pictures[0])
				for i, s := range w.shards {
					for s.Thaw(pictures[0].frozen[i]) {
					}
				}
				pictures = pictures[1:]
			}
		case 7:
			if tg.DB.shard.Begin() == nil && !short {
				for range 5 {
					_, err := w.hset(key, fmt.Sprint("field", rng.IntN(900)), "to be undone")
					require.NoError(t, err)
					_, err = w.hexpire(key, w.now+5, fmt.Sprint("field", rng.IntN(900)))
					require.NoError(t, err)
					_, err = w.hdel(key, fmt.Sprint("field", rng.IntN(900)))
					require.NoError(t, err)
				}
			}
			tg.DB.shard.Rollback()
			require.Equal(t, before, w.hgetall(key))
		default:
			v := strings.Repeat("v", rng.IntN(40))
			if key == "large" && i%7 == 0 {
				v = strings.Repeat("w", 100+rng.IntN(400))
			}
			n, err := w.hset(key, field, v)
			if err != nil {
				failed++
				break
			}
			require.Equal(t, !there, n == 1)
			m[field] = fieldOf{v, 0}
		}
		require.Equal(t, shown(m, w.now), w.hgetall(key), key)
	}
	require.Equal(t, short, failed > 0, "%d failures", failed)
	for i := range pictures {
		compare(&pictures[i])
		for j, s := range w.shards {
			for s.Thaw(pictures[i].frozen[j]) {
			}
		}
	}
	for _, key := range keys {
		require.Equal(t, shown(model[key], w.now), w.hgetall(key))
		tg := w.target(0, key)
		_, err := tg.DB.Del(tg.Hash, tg.Key)
		require.NoError(t, err)
	}
	for _, s := range w.shards {
		for s.FreeSome(100) {
		}
		for s.CloseSome() {
		}
		require.Zero(t, s.Usage().Cells[slab.Container])
		require.Zero(t, s.DB(0).fielded)
	}
}
