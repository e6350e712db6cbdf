package keyspace

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

const tick = 1 << tickShift

// TestExpiryTickByTick lets time pass a tick at a time and more, so that slots of all lower levels are dealt out at each
// of their borders, and has every key gone when its tick is over, not before its time.
func TestExpiryTickByTick(t *testing.T) {
	for _, start := range []int64{0, 1, 63, 64, 4095, 4096, 262_143, 1_000_000} {
		t.Run(fmt.Sprint(start), func(t *testing.T) {
			w := newWorld(t)
			w.now = start*tick + 7
			for i := range int64(700) {
				w.set(0, fmt.Sprintf("tick:%d", i), "v", SetOptions{ExpireAt: w.now + i*tick})
				w.set(0, fmt.Sprintf("later:%d", i), "v", SetOptions{ExpireAt: w.now + i*i*tick/3 + 1})
			}
			for range 700 {
				w.now += tick
				w.expireAll()
			}
			w.check()
			for w.now < start*tick+170_000*tick {
				w.now += 97 * tick
				w.expireAll()
			}
			require.Empty(t, w.dbs[0])
			for _, s := range w.shards {
				require.Zero(t, s.DB(0).Len())
				require.Zero(t, s.DB(0).expiry.entries)
			}
			w.end()
		})
	}
}

// TestExpiryFarAway has times of expiry at the end of what can be told, and a clock that jumps.
func TestExpiryFarAway(t *testing.T) {
	w := newWorld(t)
	w.set(0, "end", "v", SetOptions{ExpireAt: math.MaxInt64})
	w.set(0, "past", "v", SetOptions{ExpireAt: 1})
	w.set(0, "year", "v", SetOptions{ExpireAt: w.now + 365*86_400_000})
	w.expireAll()
	w.now += 366 * 86_400_000
	w.expireAll()
	w.check()
	require.Len(t, w.dbs[0], 1)
	w.now -= 400 * 86_400_000
	w.set(0, "before", "v", SetOptions{ExpireAt: w.now + 5})
	w.now += 10
	w.agree(0, "before")
	w.end()
}

// TestExpirySweep leaves many entries behind, and has them swept while time goes on and keys change.
func TestExpirySweep(t *testing.T) {
	w := newWorld(t)
	const keys = 1000
	for round := range 12 {
		for i := range keys {
			key := fmt.Sprintf("key:%d", i)
			w.set(0, key, "v", SetOptions{ExpireAt: w.now + int64(40+i%200+round)*tick})
			if i%4 != 0 || round < 11 {
				w.persist(0, key)
			}
		}
	}
	swept := false
	for n := 0; n < 4000; n++ {
		for _, s := range w.shards {
			s.DB(0).ExpireSome(4)
			swept = swept || s.DB(0).expiry.sweep != nil
		}
		if n%10 == 0 {
			w.now += tick
			w.checkIndex()
		}
		if n%50 == 0 {
			w.set(0, fmt.Sprintf("key:%d", n%keys), "w", SetOptions{ExpireAt: w.now + 100*tick})
		}
	}
	require.True(t, swept, "no sweep was seen")
	w.check()
	w.now += 600 * tick
	w.expireAll()
	w.check()
	entries := 0
	for _, s := range w.shards {
		entries += s.DB(0).expiry.entries
	}
	require.Zero(t, entries)
	w.end()
}

// TestExpiryBudget holds a shard for no more entries than it is told.
func TestExpiryBudget(t *testing.T) {
	w := newWorld(t)
	for i := range 2000 {
		w.set(0, fmt.Sprintf("key:%d", i), "v", SetOptions{ExpireAt: w.now + 100})
	}
	w.now += 5 * tick
	db := w.shards[0].DB(0)
	before := db.Len()
	require.True(t, db.ExpireSome(10))
	require.InDelta(t, before-10, db.Len(), 10, "neighbours may go with them")
	calls := 0
	for db.ExpireSome(100) {
		calls++
	}
	require.Zero(t, db.Len())
	require.GreaterOrEqual(t, calls, (before-20)/100)
	require.Equal(t, int64(before), w.shards[0].Stats.Expired)
}

// TestExpiryClockJumps lets a long time pass at once, which must not take a step for each of its ticks.
func TestExpiryClockJumps(t *testing.T) {
	w := newWorld(t)
	const century = 36_525 * 86_400_000
	w.set(0, "soon", "v", SetOptions{ExpireAt: w.now + 60_000})
	w.set(0, "later", "v", SetOptions{ExpireAt: w.now + 9*century})
	for range 1000 {
		w.now += century / 125
		w.expireAll()
	}
	require.Len(t, w.dbs[0], 1)
	w.now += century + tick
	w.expireAll()
	require.Empty(t, w.dbs[0])
	w.end()
}
