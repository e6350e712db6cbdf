package keyspace

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/value"
)

func (w *world) zadd(key, member string, score float64) error {
	t := w.target(0, key)
	_, _, err := t.DB.SortedAdd(t.Hash, t.Key, 0, 1, func(int) ([]byte, float64) { return []byte(member), score })
	return err
}

// zrange returns the members of a key with their scores, and checks that what it counts is right.
func (w *world) zrange(key string) map[string]float64 {
	w.t.Helper()
	t := w.target(0, key)
	z, err := t.DB.Look(t.Hash, t.Key).SortedSet()
	require.NoError(w.t, err)
	return w.zall(&z)
}

func (w *world) zall(z *value.SortedSet) map[string]float64 {
	all := map[string]float64{}
	c := z.From(0)
	for e, ok := c.Next(); ok; e, ok = c.Next() {
		all[string(e.Member(make([]byte, 0, 20)))] = e.Score
	}
	require.Len(w.t, all, z.Len())
	return all
}

func TestSortedOperations(t *testing.T) {
	w := newWorld(t)
	k := w.target(0, "k")
	require.NoError(t, w.zadd("k", "a", 1))
	require.NoError(t, w.zadd("k", "b", 2))
	sum, done, err := k.DB.SortedIncr(k.Hash, k.Key, []byte("c"), 3, value.AddOld)
	require.NoError(t, err)
	require.False(t, done)
	require.Zero(t, sum)
	sum, done, err = k.DB.SortedIncr(k.Hash, k.Key, []byte("c"), 3, 0)
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, 3.0, sum)
	require.Equal(t, map[string]float64{"a": 1, "b": 2, "c": 3}, w.zrange("k"))

	popped, n, err := k.DB.SortedPop([]byte("before"), k.Hash, k.Key, 2, true)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	member, score, rest := NextPopped(popped[len("before"):])
	require.Equal(t, "c", string(member))
	require.Equal(t, 3.0, score)
	member, score, rest = NextPopped(rest)
	require.Equal(t, "b", string(member))
	require.Equal(t, 2.0, score)
	require.Empty(t, rest)
	popped, n, err = k.DB.SortedPop(nil, k.Hash, k.Key, 0, true)
	require.NoError(t, err)
	require.Zero(t, n+len(popped))

	d := w.target(0, "d")
	z, err := k.DB.Look(k.Hash, k.Key).SortedSet()
	require.NoError(t, err)
	n, err = d.DB.SortedStoreRange(d.Hash, d.Key, &z, &value.SortedRange{Last: -1})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, map[string]float64{"a": 1}, w.zrange("d"))
	n, err = k.DB.SortedRemoveRange(k.Hash, k.Key, &value.SortedRange{Last: -1}, EventZRemRangeByRank)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.False(t, k.DB.Look(k.Hash, k.Key).Found())

	s := w.target(0, "s")
	_, err = s.DB.Set(s.Hash, s.Key, []byte("x"), SetOptions{})
	require.NoError(t, err)
	require.Equal(t, errs.WrongType, w.zadd("s", "a", 1))
	_, err = s.DB.SortedRemove(s.Hash, s.Key, 1, func(int) []byte { return nil })
	require.Equal(t, errs.WrongType, err)
	_, err = s.DB.Look(s.Hash, s.Key).SortedSource()
	require.Equal(t, errs.WrongType, err)
}

// TestSortedNoMemory lets memory run out while a version is held: each operation is done or not, what the version sees
// stays, and nothing is lost of what was there.
func TestSortedNoMemory(t *testing.T) {
	w := newWorld(t)
	models := map[string]map[string]float64{}
	keys := []string{"a", "b", "c", "d", "e"}
	for i, key := range keys {
		models[key] = map[string]float64{}
		for j := range 50 * (1 + 10*i) {
			require.NoError(t, w.zadd(key, fmt.Sprint("member", j), float64(j%70)))
			models[key][fmt.Sprint("member", j)] = float64(j % 70)
		}
	}
	var frozen [worldShards]*Frozen
	seen := map[string]map[string]float64{}
	for i, s := range w.shards {
		var err error
		frozen[i], err = s.Freeze(w.now)
		require.NoError(t, err)
	}
	for _, key := range keys {
		seen[key] = w.zrange(key)
	}
	w.region.Limit(0)
	rng := rand.New(rand.NewPCG(3, 3))
	failed := 0
	for range 4000 {
		key := keys[rng.IntN(len(keys))]
		k, member, score := w.target(0, key), fmt.Sprint("member", rng.IntN(3000)), float64(rng.IntN(90))
		var err error
		switch rng.IntN(8) {
		case 0:
			_, err = k.DB.SortedRemove(k.Hash, k.Key, 1, func(int) []byte { return []byte(member) })
			if err == nil {
				delete(models[key], member)
			}
		case 1:
			var popped []byte
			if popped, _, err = k.DB.SortedPop(nil, k.Hash, k.Key, 1, false); len(popped) > 0 {
				m, _, _ := NextPopped(popped)
				delete(models[key], string(m))
			}
		default:
			if err = w.zadd(key, member, score); err == nil {
				models[key][member] = score
			}
		}
		if err != nil {
			require.ErrorIs(t, err, slab.ErrNoMemory)
			failed++
			require.Equal(t, models[key], w.zrange(key))
		}
	}
	require.NotZero(t, failed)
	for _, key := range keys {
		require.Equal(t, models[key], w.zrange(key))
		k := w.target(0, key)
		it := frozen[shardOfKey(key)].DB(0).Find(k.Hash, k.Key)
		raw, err := it.As(SortedSet)
		require.NoError(t, err)
		z := value.OpenSortedSet(it.View(), raw)
		require.Equal(t, seen[key], w.zall(&z))
	}
	for i, s := range w.shards {
		for s.Thaw(frozen[i]) {
		}
	}
	for _, key := range keys {
		require.Equal(t, models[key], w.zrange(key))
	}
}
