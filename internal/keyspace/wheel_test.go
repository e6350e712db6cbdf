package keyspace

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

// clocked is one shard whose clock the test sets.
type clocked struct {
	t      testing.TB
	now    int64 // Unix time in milliseconds
	region *slab.Region
	shard  *Shard
	db     *DB
}

func newClocked(t testing.TB, now int64) *clocked {
	region, err := slab.NewRegion()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, region.Close()) })
	c := &clocked{t: t, now: now, region: region}
	clock := NewClock(func() time.Time { return time.UnixMilli(c.now) })
	c.shard, err = NewShard(Config{
		Region: region, Clock: clock, Seed: maphash.MakeSeed(), Databases: 2, Used: new(atomic.Int64),
	}, 0, 1)
	require.NoError(t, err)
	c.db = c.shard.DB(0)
	return c
}

// set gives a key the value v and a time of expiry.
func (c *clocked) set(key []byte, at int64) error {
	_, err := c.db.Set(c.db.t.Hash(key), key, []byte("v"), SetOptions{ExpireAt: at})
	return err
}

// look finds a key, gone or not, without removing it.
func (c *clocked) look(key []byte) Item { return c.db.refind(c.db.t.Hash(key), key) }

// expire does all there is to do now.
func (c *clocked) expire() {
	for calls := 0; c.db.ExpireSome(1000); calls++ {
		if calls == 1_000_000 {
			c.t.Fatal("expiry finds no end")
		}
	}
}

// pages counts the pages of the index and the entries in them, and holds the wheel's own count to that.
func (c *clocked) pages() (pages, entries int) {
	w := c.db.expiry
	count := func(ref slab.Ref) {
		for ref != 0 {
			page := w.slab.At(ref, pageBytes)
			pages++
			entries += int(binary.LittleEndian.Uint16(page[4:]))
			ref = slab.Ref(binary.LittleEndian.Uint64(page[8:]))
		}
	}
	count(w.pending)
	for _, ref := range w.slots {
		count(ref)
	}
	if w.sweep != nil {
		for _, ref := range w.sweep.slots {
			count(ref)
		}
	}
	require.Equal(c.t, entries, w.entries)
	require.EqualValues(c.t, pages*slab.CellSize(pageBytes), c.shard.Usage().Cells[slab.Expiry])
	return pages, entries
}

func keyOf(i int) []byte { return fmt.Appendf(nil, "key:%d", i) }

// TestPageLayout enforces the drawing of a page.
func TestPageLayout(t *testing.T) {
	require.Equal(t, 508, pageBytes)
	require.Equal(t, 512, slab.CellSize(pageBytes))
	require.LessOrEqual(t, entriesPerPage, 1<<16-1)
	page := make([]byte, pageBytes)
	rnd := rand.New(rand.NewPCG(1, 1))
	var want [entriesPerPage]uint64
	for i := range want {
		h := rnd.Uint64()
		want[i] = entryOf(h)
		require.Less(t, want[i], uint64(1)<<48)
		require.Equal(t, h&^(0xFFFF<<20), hashOf(want[i]))
		require.Equal(t, want[i], entryOf(hashOf(want[i])))
		putEntry(page, i, want[i])
	}
	for i := range want {
		require.Equal(t, want[i], getEntry(page, i))
	}
	require.Equal(t, make([]byte, pageHeader), page[:pageHeader])
}

// FuzzWheel gives keys times of expiry, takes and moves them, and lets time pass in steps of milliseconds to years. No
// key goes before its time; none is there when the tick after its time has begun.
func FuzzWheel(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, int64(1_700_000_000_000)>>(seed*5))
	}
	f.Fuzz(func(t *testing.T, seed uint64, start int64) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		c := newClocked(t, max(start&(1<<50-1), 0))
		model := make(map[int]int64) // 0 for a key without a time of expiry
		reach := func() int64 {
			const second = 1000
			most := []int64{2, 600, 5 * second, 100 * second, 3600 * second, 86_400 * second, 40 * 86_400 * second,
				4 * 365 * 86_400 * second}
			return 1 + rnd.Int64N(most[rnd.IntN(len(most))])
		}
		for range 4000 {
			i := rnd.IntN(600)
			key := keyOf(i)
			switch rnd.IntN(10) {
			case 0, 1, 2, 3, 4:
				at := c.now + reach()
				require.NoError(t, c.set(key, at))
				model[i] = at
			case 5:
				require.NoError(t, c.set(key, 0))
				model[i] = 0
			case 6:
				if it := c.db.Look(c.db.t.Hash(key), key); it.Found() {
					require.NoError(t, c.db.Delete(it, EventDel))
				}
				delete(model, i)
			case 7, 8:
				if it := c.db.Look(c.db.t.Hash(key), key); it.Found() {
					at := c.now + reach()
					_, err := c.db.Expire(it, at, 0)
					require.NoError(t, err)
					model[i] = at
				}
			case 9:
				c.now += reach() >> rnd.IntN(12)
				c.expire()
				for i, at := range model {
					there := c.look(keyOf(i)).Found()
					if at == 0 || at > c.now {
						require.True(t, there, "key %d went %d ms early", i, at-c.now)
					} else {
						if at>>tickShift < c.now>>tickShift {
							require.False(t, there, "key %d is %d ms late", i, c.now-at)
						}
						if !there {
							delete(model, i)
						}
					}
				}
			}
		}
		timed := 0
		for i, at := range model {
			if c.look(keyOf(i)).Found() && at != 0 {
				timed++
			} else if at != 0 {
				require.LessOrEqual(t, at, c.now)
			}
		}
		require.Equal(t, timed, c.db.Expires())
		c.pages()
		c.now += 100 * 365 * 86_400_000
		c.expire()
		require.Zero(t, c.db.Expires())
		_, entries := c.pages()
		require.Zero(t, entries)
	})
}

// TestRefresh sets keys again and again with the same time to live: each has one entry.
func TestRefresh(t *testing.T) {
	const keys, ttl = 2000, 60_000
	c := newClocked(t, 1_700_000_000_000)
	for range 90 {
		for i := range keys {
			require.NoError(t, c.set(keyOf(i), c.now+ttl))
		}
		c.now += 1000
		c.expire()
		_, entries := c.pages()
		require.Equal(t, keys, entries)
	}
	require.Equal(t, keys, c.db.Len())
}

// TestEntriesAreBounded moves times of expiry to and fro, deletes and persists keys: what is left behind in the index
// stays in proportion to the keys, because it is swept.
func TestEntriesAreBounded(t *testing.T) {
	const keys = 2000
	set := func(c *clocked, i int, ttl int64) { require.NoError(t, c.set(keyOf(i), c.now+ttl*1000)) }
	for name, churn := range map[string]func(c *clocked, i, round int){
		"shorter and longer": func(c *clocked, i, round int) { set(c, i, []int64{100, 50}[round%2]) },
		"far and near":       func(c *clocked, i, round int) { set(c, i, []int64{1_000_000, 20, 100_000, 3}[round%4]) },
		"shorter and shorter": func(c *clocked, i, round int) {
			set(c, i, int64(10_000-round*80))
		},
		"deleted": func(c *clocked, i, _ int) {
			set(c, i, 86_400)
			if i%10 != 0 {
				require.NoError(t, c.db.Delete(c.look(keyOf(i)), EventDel))
			}
		},
		"persisted": func(c *clocked, i, _ int) {
			set(c, i, 86_400)
			_, err := c.db.Persist(c.look(keyOf(i)))
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(t, 1_700_000_000_000)
			most := 0
			for round := range 30 {
				for i := range keys {
					churn(c, i, round)
					if i%500 == 0 {
						c.now += 100
						c.expire()
						most = max(most, c.db.expiry.entries)
					}
				}
			}
			require.LessOrEqual(t, most, 3*keys+2*sweepFrom)
			c.now += 40_000_000_000
			c.expire()
			_, entries := c.pages()
			require.Zero(t, entries)
			require.Zero(t, c.db.Expires())
		})
	}
}

// TestEntryBytes weighs what a time of expiry costs: 8 bytes in the cell and an entry of the index.
func TestEntryBytes(t *testing.T) {
	const keys = 50_000
	used := func(ttl int64) float64 {
		c := newClocked(t, 1_700_000_000_000)
		rnd := rand.New(rand.NewPCG(1, 8))
		for i := range keys {
			at := int64(0)
			if ttl != 0 {
				at = c.now + 1 + rnd.Int64N(ttl)
			}
			require.NoError(t, c.set(fmt.Appendf(nil, "%012d", i), at))
		}
		u := c.shard.Usage()
		return float64(u.Cells[slab.Entry]+u.Cells[slab.Expiry]) / keys
	}
	without := used(0)
	for _, ttl := range []int64{1000, 60_000, 3_600_000, 30 * 86_400_000} {
		cost := used(ttl) - without
		t.Logf("up to %v: %.2f bytes", time.Duration(ttl)*time.Millisecond, cost)
		require.LessOrEqual(t, cost, 16.0, "times to live up to %d ms", ttl)
	}
}

// TestGraveFreesIndex flushes databases whose index is in use, pending and being swept; all pages are given back.
func TestGraveFreesIndex(t *testing.T) {
	for _, state := range []string{"at rest", "pending", "sweep"} {
		t.Run(state, func(t *testing.T) {
			c := newClocked(t, 1_700_000_000_000)
			for i := range 10_000 {
				require.NoError(t, c.set(keyOf(i), c.now+int64(1+i%3)*100_000))
			}
			switch state {
			case "pending":
				c.now += 150_000
				for c.db.expiry.pending == 0 {
					require.True(t, c.db.ExpireSome(10))
				}
			case "sweep":
				for i := range 9000 {
					require.NoError(t, c.set(keyOf(i), 0))
				}
				require.True(t, c.db.ExpireSome(10))
				require.NotNil(t, c.db.expiry.sweep)
			}
			grave, err := c.shard.Bury(0)
			require.NoError(t, err)
			for calls := 1; grave.FreeSome(); calls++ {
				require.Less(t, calls, 10_000)
			}
			c.shard.Trim()
			u := c.shard.Usage()
			require.Zero(t, u.Cells[slab.Expiry])
			require.Zero(t, u.Cells[slab.Entry])
			require.EqualValues(t, slab.BlockSize, c.region.Bytes(), "the first segment of the new dictionary")
		})
	}
}

// TestExpiryWithoutMemory has keys expire whose frozen pages cannot be copied, for lack of memory: they stay hidden,
// and go when there is memory again.
func TestExpiryWithoutMemory(t *testing.T) {
	c := newClocked(t, 1_700_000_000_000)
	const keys = 5000
	for i := range keys {
		require.NoError(t, c.set(keyOf(i), c.now+1000))
	}
	frozen, err := c.shard.Freeze(c.now)
	require.NoError(t, err)
	c.shard.Trim()
	c.region.Limit(0)
	for i := 0; ; i++ { // use up what the spans have left for pages of the dictionary
		if _, err := c.shard.slab.Alloc(slab.Index, 64); err != nil {
			break
		}
	}
	for size := 128; size < 16_384; size += 64 {
		for {
			if _, err := c.shard.slab.Alloc(slab.Index, size); err != nil {
				break
			}
		}
	}
	c.now += 2000
	c.expire()
	require.Equal(t, keys, c.db.Len())
	require.Zero(t, c.shard.Stats.Expired, "nothing was removed")
	for i := range keys {
		require.False(t, c.db.Look(c.db.t.Hash(keyOf(i)), keyOf(i)).Found(), "its time has come")
	}
	for c.shard.Thaw(frozen) {
	}
	c.now += 1000
	c.expire()
	require.Zero(t, c.db.Len())
	require.EqualValues(t, keys, c.shard.Stats.Expired)
}
