package keyspace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/slab"
)

// TestRepair empties sparse memory while keys change.
func TestRepair(t *testing.T) {
	w := newWorld(t)
	for i := range 4000 {
		w.set(0, fmt.Sprintf("key:%d", i), strings.Repeat("v", 600+i%300), SetOptions{ExpireAt: w.now + int64(i%2)*1_000_000_000})
	}
	r := rand.New(rand.NewPCG(3, 0))
	for i := range 4000 {
		if r.IntN(8) > 0 {
			w.del(0, fmt.Sprintf("key:%d", i))
		} else {
			w.append(0, fmt.Sprintf("key:%d", i), "and more")
		}
	}
	before := [worldShards]slab.Usage{}
	for i, s := range w.shards {
		before[i] = s.Usage()
	}
	for n, more := 0, true; more; n++ {
		more = false
		for _, s := range w.shards {
			more = s.RepairSome() || more
		}
		key := fmt.Sprintf("key:%d", r.IntN(4000))
		switch n % 4 {
		case 0:
			w.del(0, key)
		case 1:
			w.append(0, key, "tail")
		case 2:
			w.agree(0, key)
		}
	}
	moved := int64(0)
	for i, s := range w.shards {
		moved += s.Stats.Moved
		require.Less(t, s.Usage().Taken, before[i].Taken*2/3)
	}
	require.Positive(t, moved)
	w.check()

	// A snapshot stops it.
	for i := range 3000 {
		w.set(1, fmt.Sprintf("more:%d", i), strings.Repeat("v", 700), SetOptions{})
	}
	for i := range 3000 {
		if i%8 > 0 {
			w.del(1, fmt.Sprintf("more:%d", i))
		}
	}
	for _, s := range w.shards {
		require.True(t, s.RepairSome())
	}
	w.freeze()
	for _, s := range w.shards {
		s.RepairSome()
		require.False(t, s.RepairSome())
	}
	w.checkView(w.views[0])
	w.end()
}

// recorder notes events.
type recorder struct{ events []string }

func (r *recorder) Touched(db int, key []byte, e Event) {
	r.events = append(r.events, fmt.Sprintf("%d %s %s", db, e, key))
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	rec := &recorder{}
	for _, s := range w.shards {
		s.Observer = rec
	}
	step := func(what string, fn func(), want ...string) {
		t.Helper()
		rec.events = nil
		changes := w.shards[0].Stats.Changes + w.shards[1].Stats.Changes
		fn()
		require.Equal(t, want, rec.events, what)
		if len(want) == 0 {
			require.Equal(t, changes, w.shards[0].Stats.Changes+w.shards[1].Stats.Changes, what)
		}
	}
	soon := w.now + 1000
	step("set", func() { w.set(0, "k", "1", SetOptions{}) }, "0 set k")
	step("set with time", func() { w.set(0, "k", "1", SetOptions{ExpireAt: soon}) }, "0 set k", "0 expire k")
	step("set that keeps it", func() { w.set(0, "k", "1", SetOptions{KeepTTL: true}) }, "0 set k")
	step("set refused", func() { w.set(0, "k", "1", SetOptions{NX: true}) })
	step("incrby", func() { w.incrBy(0, "k", 1) }, "0 incrby k")
	step("incrbyfloat", func() { w.incrByFloat(0, "k") }, "0 incrbyfloat k")
	step("incrby refused", func() { w.incrBy(0, "k", 1) })
	step("append", func() { w.append(0, "k", "x") }, "0 append k")
	step("append to none", func() { w.append(0, "a", "x") }, "0 append a")
	step("setrange", func() { w.setRange(0, "k", 3, "x") }, "0 setrange k")
	step("setrange of nothing", func() { w.setRange(0, "k", 3, "") })
	step("getex", func() { w.getEx(0, "k", GetExOptions{}) })
	step("getex with time", func() { w.getEx(0, "k", GetExOptions{ExpireAt: soon}) }, "0 expire k")
	step("getex persist", func() { w.getEx(0, "k", GetExOptions{Persist: true}) }, "0 persist k")
	step("getex persist of nothing", func() { w.getEx(0, "k", GetExOptions{Persist: true}) })
	step("expire", func() { w.expire(0, "k", soon, 0) }, "0 expire k")
	step("expire refused", func() { w.expire(0, "k", soon, ExpireNX) })
	step("persist", func() { w.persist(0, "k") }, "0 persist k")
	step("rename", func() { w.rename(0, "k", "l", true) }, "0 rename_from k", "0 rename_to l")
	step("rename over", func() { w.rename(0, "l", "a", true) }, "0 rename_from l", "0 rename_to a")
	step("copy", func() { w.copyKey(0, "a", 1, "b", false) }, "1 copy_to b")
	step("move", func() { w.move(1, "b", 2) }, "1 move_from b", "2 move_to b")
	step("getdel", func() { w.getDel(2, "b") }, "2 del b")
	step("getex past", func() { w.getEx(0, "a", GetExOptions{ExpireAt: 1}) }, "0 del a")
	step("del of none", func() { w.del(0, "a") })
	step("expire past", func() { w.set(0, "a", "", SetOptions{}); w.expire(0, "a", -5, 0) }, "0 set a", "0 del a")
	step("expired", func() { w.set(0, "a", "", SetOptions{ExpireAt: soon}); w.now += 1000; w.get(0, "a") },
		"0 set a", "0 expire a", "0 expired a")
	step("set over an expired one",
		func() { w.set(0, "a", "", SetOptions{ExpireAt: w.now + 1}); w.now++; w.set(0, "a", "x", SetOptions{}) },
		"0 set a", "0 expire a", "0 expired a", "0 set a")
}

// TestWrongType has every operation on strings refuse another kind of value, and change nothing.
func TestWrongType(t *testing.T) {
	w := newWorld(t)
	k := w.target(0, "k")
	other := Kind(9)
	b, err := k.DB.Store(k.Hash, k.Key, Item{}, 3, Value{Kind: other, ExpireAt: w.now + 100}, EventSet)
	require.NoError(t, err)
	copy(b, "abc")
	changes := w.shards[shardOfKey("k")].Stats.Changes
	_, found, err := k.DB.Get(k.Hash, k.Key)
	require.ErrorIs(t, err, errs.WrongType)
	require.False(t, found)
	_, err = k.DB.Set(k.Hash, k.Key, []byte("x"), SetOptions{Get: true})
	require.ErrorIs(t, err, errs.WrongType)
	_, err = k.DB.IncrBy(k.Hash, k.Key, 1)
	require.ErrorIs(t, err, errs.WrongType)
	_, err = k.DB.IncrByFloat(nil, k.Hash, k.Key, []byte("x"))
	require.ErrorIs(t, err, errs.WrongType)
	_, err = k.DB.Append(k.Hash, k.Key, nil, 100)
	require.ErrorIs(t, err, errs.WrongType)
	_, err = k.DB.SetRange(k.Hash, k.Key, 0, nil, 100)
	require.ErrorIs(t, err, errs.WrongType)
	require.Equal(t, changes, w.shards[shardOfKey("k")].Stats.Changes)

	// What works on any kind keeps it.
	to := w.target(1, "longer name")
	done, err := Copy(k, to, false)
	require.NoError(t, err)
	require.True(t, done)
	it := to.DB.Look(to.Hash, to.Key)
	require.Equal(t, other, it.Kind())
	require.Equal(t, "abc", string(it.Value()))
	ms, ends := it.TTL()
	require.True(t, ends)
	require.Equal(t, int64(100), ms)
	_, err = k.DB.Set(k.Hash, k.Key, []byte("x"), SetOptions{})
	require.NoError(t, err)
	require.Equal(t, String, k.DB.Look(k.Hash, k.Key).Kind())
	_, ends = k.DB.Look(k.Hash, k.Key).TTL()
	require.False(t, ends)
}

// TestStats counts reads as hits and misses, and writes as neither.
func TestStats(t *testing.T) {
	w := newWorld(t)
	s := w.shards[shardOfKey("k")]
	w.set(0, "k", "1", SetOptions{})
	w.incrBy(0, "k", 1)
	w.append(0, "k", "1")
	require.Zero(t, s.Stats.Hits+s.Stats.Misses)
	w.get(0, "k")
	w.set(0, "k", "1", SetOptions{Get: true})
	require.Equal(t, int64(2), s.Stats.Hits)
	w.del(0, "k")
	w.get(0, "k")
	require.Equal(t, int64(1), s.Stats.Misses)
}

// TestIdle notes when a key was last used.
func TestIdle(t *testing.T) {
	w := newWorld(t)
	w.set(0, "k", "1", SetOptions{})
	k := w.target(0, "k")
	w.now += 90_000
	w.clock.Tick()
	require.Equal(t, int64(90), k.DB.Look(k.Hash, k.Key).Idle())
	require.Equal(t, int64(90), k.DB.FindUntouched(k.Hash, k.Key).Idle())
	require.Zero(t, k.DB.Find(k.Hash, k.Key).Idle())
	require.Zero(t, k.DB.Look(k.Hash, k.Key).Idle())
	w.now += 5000
	w.clock.Tick()
	w.freeze()
	require.Zero(t, k.DB.Find(k.Hash, k.Key).Idle(), "the finder itself is told")
	require.Equal(t, int64(5), k.DB.Look(k.Hash, k.Key).Idle(), "a frozen page is not copied for a note")
	require.Equal(t, 16+13, k.DB.Look(k.Hash, k.Key).Bytes())
}

// TestHotPathsAllocateNothing holds for keys that are there and for keys that are not.
func TestHotPathsAllocateNothing(t *testing.T) {
	w := newWorld(t)
	k, n := w.target(0, "key"), w.target(0, "number")
	v := []byte("some value")
	for name, fn := range map[string]func(){
		"Get": func() { _, _, _ = k.DB.Get(k.Hash, k.Key) },
		"Set": func() { _, _ = k.DB.Set(k.Hash, k.Key, v, SetOptions{}) },
		"Set with time": func() {
			w.now++
			_, _ = k.DB.Set(k.Hash, k.Key, v, SetOptions{ExpireAt: w.now + 1000})
		},
		"IncrBy":      func() { _, _ = n.DB.IncrBy(n.Hash, n.Key, 1) },
		"Set and Del": func() { _, _ = k.DB.Set(k.Hash, k.Key, v, SetOptions{}); _, _ = k.DB.Del(k.Hash, k.Key) },
		"Append":      func() { _, _ = k.DB.Append(k.Hash, k.Key, v[:1], 100); _, _ = k.DB.Del(k.Hash, k.Key) },
		"Expire and Persist": func() {
			_, _ = k.DB.Set(k.Hash, k.Key, v, SetOptions{})
			_, _ = k.DB.Expire(k.DB.Look(k.Hash, k.Key), w.now+1000, 0)
			_, _ = k.DB.Persist(k.DB.Look(k.Hash, k.Key))
		},
	} {
		require.Zero(t, testing.AllocsPerRun(200, fn), name)
	}
}
