package darter_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/redistest"
)

// filledCache is a cache with keys 0 to n-1 that hold values of a size.
func filledCache(t testing.TB, o darter.Options, n, size int) *darter.Cache {
	t.Helper()
	c, err := darter.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	fill(t, c, n, size, 'a')
	return c
}

func fill(t testing.TB, c *darter.Cache, n, size int, letter byte) {
	t.Helper()
	value := bytes.Repeat([]byte{letter}, size)
	for i := range n {
		require.NoError(t, c.Set(fmt.Sprintf("key:%d", i), value))
	}
}

func takeSnapshot(t testing.TB, c *darter.Cache) *darter.Snapshot {
	t.Helper()
	s, err := c.Snapshot()
	require.NoError(t, err)
	return s
}

func statsOf(c *darter.Cache) (st darter.Stats) {
	c.Stats(&st)
	return st
}

func countEntries(s *darter.Snapshot) (n int) {
	for range s.Entries() {
		n++
	}
	return n
}

// until waits for as long as it takes; the test binary's own limit ends a wait for what never comes.
func until(cond func() bool) {
	for !cond() {
		time.Sleep(time.Millisecond)
	}
}

func TestForgottenSnapshotIsFound(t *testing.T) {
	log := &redistest.Output{}
	c := filledCache(t, darter.Options{Shards: 4, Logger: slog.New(slog.NewTextHandler(log, nil))}, 2000, 100)
	func() {
		s := takeSnapshot(t, c)
		_ = s.DB(3) // a second handle is forgotten with the first
		fill(t, c, 2000, 100, 'b')
		require.Equal(t, 2000, countEntries(s))
	}()
	require.NotZero(t, statsOf(c).SnapshotBytes)
	until(func() bool {
		runtime.GC()
		return statsOf(c).Snapshots == 0
	})
	require.Zero(t, statsOf(c).SnapshotBytes)
	require.Equal(t, 1, strings.Count(log.String(), "dropped without being closed"))
}

func TestClosedSnapshotIsNotReported(t *testing.T) {
	log := &redistest.Output{}
	c := filledCache(t, darter.Options{Shards: 4, Logger: slog.New(slog.NewTextHandler(log, nil))}, 10, 10)
	func() {
		s := takeSnapshot(t, c)
		s.Close()
		s.Close()
		s.DB(1).Close()
	}()
	for range 5 {
		runtime.GC()
	}
	require.NotContains(t, log.String(), "dropped")
}

func TestSnapshotInUseIsNotForgotten(t *testing.T) {
	c := filledCache(t, darter.Options{Shards: 4}, 500, 10)
	entries := takeSnapshot(t, c).Entries()
	n := 0
	for range entries {
		if n++; n%100 == 0 {
			runtime.GC()
			require.Equal(t, 1, statsOf(c).Snapshots)
		}
	}
	require.Equal(t, 500, n)
}

func TestSnapshotMemoryReturns(t *testing.T) {
	const keys = 4000
	c := filledCache(t, darter.Options{Shards: 8}, keys, 100)
	before := statsOf(c)
	require.Zero(t, before.SnapshotBytes)

	// In any order of closing, all memory is back after the last.
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}} {
		var all []*darter.Snapshot
		for i := range 4 {
			all = append(all, takeSnapshot(t, c))
			fill(t, c, keys, 100, 'b'+byte(i))
		}
		require.Equal(t, 4, statsOf(c).Snapshots)
		for n, i := range order {
			letter := byte('a' + i)
			if i == 0 {
				letter = 'e' // what the round before left
			}
			for e := range all[i].Entries() {
				if len(e.Value) != 100 || e.Value[0] != letter && !(i == 0 && e.Value[0] == 'a') {
					t.Fatalf("snapshot %d has %.10q", i, e.Value)
				}
			}
			all[i].Close()
			require.Equal(t, 3-n, statsOf(c).Snapshots)
		}
		after := statsOf(c)
		require.Zero(t, after.SnapshotBytes)
		require.Equal(t, before.Used, after.Used)
		require.Equal(t, before.IndexBytes, after.IndexBytes)
	}
}

func TestSnapshotMemoryIsBounded(t *testing.T) {
	const keys = 20_000
	c := filledCache(t, darter.Options{Shards: 8}, keys, 200)
	start := statsOf(c)
	perKey := start.EntryBytes / keys

	// However often keys are written, a snapshot keeps the index and each overwritten value once.
	s := takeSnapshot(t, c)
	require.Zero(t, statsOf(c).SnapshotBytes)
	require.Equal(t, start.Used, statsOf(c).Used)
	for range 5 {
		fill(t, c, keys/100, 200, 'b')
	}
	some := statsOf(c)
	require.LessOrEqual(t, some.SnapshotBytes, start.IndexBytes+keys/100*(perKey+16))
	for range 3 {
		fill(t, c, keys, 200, 'c')
	}
	all := statsOf(c)
	require.LessOrEqual(t, all.SnapshotBytes, start.IndexBytes+start.EntryBytes)
	require.LessOrEqual(t, all.Used, 2*start.Used)
	require.Equal(t, keys, countEntries(s))
	s.Close()
	require.Zero(t, statsOf(c).SnapshotBytes)
}

func TestManySnapshotsOfTheSameCostNothing(t *testing.T) {
	c := filledCache(t, darter.Options{Shards: 8}, 1000, 50)
	used := statsOf(c).Used
	var all []*darter.Snapshot
	for range 500 {
		all = append(all, takeSnapshot(t, c))
	}
	fill(t, c, 1000, 50, 'b')
	require.LessOrEqual(t, statsOf(c).Used, 2*used+1000*16)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i, s := range all {
		if i%50 == 0 {
			require.Equal(t, 1000, countEntries(s))
		}
		s.Close()
	}
	require.Equal(t, used, statsOf(c).Used)
}

func TestSnapshotKeepsWhatIsFlushed(t *testing.T) {
	c := filledCache(t, darter.Options{Shards: 8}, 3000, 50)
	s := takeSnapshot(t, c)
	require.NoError(t, c.FlushAll())
	require.Zero(t, statsOf(c).Keys)
	require.Equal(t, 3000, countEntries(s))
	require.Equal(t, 3000, s.Len())
	s.Close()
	require.Zero(t, statsOf(c).SnapshotBytes)
	require.Zero(t, statsOf(c).EntryBytes)
}

func TestCloseDuringIteration(t *testing.T) {
	c := filledCache(t, darter.Options{Shards: 8}, 3000, 50)
	s := takeSnapshot(t, c)
	fill(t, c, 3000, 50, 'b')
	n := 0
	for e := range s.Entries() {
		if n == 10 {
			s.Close()
			require.Zero(t, countEntries(s), "a new iteration of a closed snapshot")
			require.NotZero(t, statsOf(c).SnapshotBytes, "freed under an iteration")
		}
		require.Equal(t, byte('a'), e.Value[0])
		n++
	}
	require.Equal(t, 3000, n, "an iteration under way goes on")
	require.Zero(t, statsOf(c).SnapshotBytes)
	require.Zero(t, s.Len())
	require.ErrorIs(t, s.Save(io.Discard), darter.ErrClosed)
}

func TestCloseFromAnotherGoroutine(t *testing.T) {
	c := filledCache(t, darter.Options{Shards: 8}, 2000, 50)
	for range 50 {
		s := takeSnapshot(t, c)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if n := countEntries(s); n != 0 && n != 2000 {
					t.Errorf("an iteration met %d keys", n)
				}
			})
		}
		group.Go(func() { fill(t, c, 200, 50, 'c') })
		group.Go(s.Close)
		group.Wait()
	}
	require.Zero(t, statsOf(c).SnapshotBytes)
	require.Zero(t, statsOf(c).Snapshots)
}

func TestDiffOfClosedAndForeign(t *testing.T) {
	c := filledCache(t, darter.Options{Shards: 2}, 10, 10)
	other := filledCache(t, darter.Options{Shards: 2}, 10, 10)
	a := takeSnapshot(t, c)
	fill(t, c, 10, 10, 'b')
	b := takeSnapshot(t, c)
	foreign := takeSnapshot(t, other)
	count := func(later, earlier *darter.Snapshot) (n int) {
		for range later.Diff(earlier) {
			n++
		}
		return n
	}
	require.Equal(t, 10, count(b, a))
	require.Equal(t, 10, count(a, b), "backwards")
	require.Zero(t, count(a, a))
	require.Panics(t, func() { count(foreign, a) })
	require.Panics(t, func() { a.DB(16) })
	a.Close()
	require.Zero(t, count(b, a))
	require.Zero(t, count(a, b))
	b.Close()
	foreign.Close()
}

func TestDiffStopsAndResumes(t *testing.T) {
	c := filledCache(t, darter.Options{Shards: 4}, 300, 10)
	a := takeSnapshot(t, c)
	defer a.Close()
	fill(t, c, 100, 10, 'b')
	b := takeSnapshot(t, c)
	for range b.Diff(a) {
		break
	}
	for range b.Entries() {
		break
	}
	b.Close()
	require.Equal(t, 1, statsOf(c).Snapshots, "a broken-off iteration lets go")
}
