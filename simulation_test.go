package darter_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// The simulation runs random writes on a cache and on plain maps. Every snapshot is kept with a copy of the maps as they
// were, and whatever happens later, to the cache or to other snapshots, must still say what these say. Time is a number
// that the simulation moves on; that the cache removes expired keys by a ticker of its own must not be seen anywhere.

const (
	simDatabases = 3
	simOpen      = 5    // snapshots open at a time
	simKeys      = 3000 // different keys
)

// simValue is what a key of the model holds.
type simValue struct {
	text string
	at   int64 // Unix milliseconds at which it expires, 0 for never
}

// simModel is a cache's content, by database.
type simModel [simDatabases]map[string]simValue

// at returns the database without the keys that have expired.
func (m *simModel) at(db int, now int64) map[string]simValue {
	live := make(map[string]simValue, len(m[db]))
	for k, v := range m[db] {
		if v.at == 0 || v.at > now {
			live[k] = v
		}
	}
	return live
}

func (m *simModel) clone() (c simModel) {
	for i := range m {
		c[i] = maps.Clone(m[i])
	}
	return c
}

// simClock is a clock that stands still until it is moved.
type simClock struct{ ms atomic.Int64 }

func newSimClock() *simClock {
	c := &simClock{}
	c.ms.Store(1_700_000_000_000)
	return c
}

func (c *simClock) Now() time.Time { return time.UnixMilli(c.ms.Load()) }

type simSnapshot struct {
	s     *darter.Snapshot
	now   int64
	model simModel
}

type simulation struct {
	t     testing.TB
	rng   *rand.Rand
	clock *simClock
	cache *darter.Cache
	user  *darter.Session
	model simModel
	open  []*simSnapshot
}

func newSimulation(t testing.TB, seed uint64, shards int) *simulation {
	s := &simulation{t: t, rng: rand.New(rand.NewPCG(seed, 1)), clock: newSimClock()}
	cache, err := darter.New(darter.Options{Shards: shards, Databases: simDatabases, Now: s.clock.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cache.Close()) })
	s.cache, s.user = cache, cache.NewSession()
	for i := range s.model {
		s.model[i] = map[string]simValue{}
	}
	return s
}

func (s *simulation) do(want any, args ...any) {
	s.t.Helper()
	got, err := s.user.Do(context.Background(), args...)
	if err != nil {
		got = err.Error()
	}
	require.Equal(s.t, want, got, "%v", args)
}

func (s *simulation) key() string {
	// Some keys are met often, most seldom; a few are long.
	n := s.rng.IntN(simKeys)
	if s.rng.IntN(3) == 0 {
		n %= 40
	}
	if n%17 == 0 {
		return fmt.Sprintf("%d-%0200d", n, n)
	}
	return fmt.Sprintf("key:%d", n)
}

func (s *simulation) value() string {
	n := s.rng.IntN(60)
	switch s.rng.IntN(30) {
	case 0:
		n = s.rng.IntN(20_000)
	case 1:
		return strconv.Itoa(s.rng.IntN(1e6))
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.rng.Uint32())
	}
	return string(b)
}

// live returns what a key holds now, and forgets it if it has expired.
func (s *simulation) live(db int, key string) (simValue, bool) {
	v, ok := s.model[db][key]
	if ok && v.at != 0 && v.at <= s.clock.ms.Load() {
		delete(s.model[db], key)
		return simValue{}, false
	}
	return v, ok
}

func simFlag(on bool) int64 {
	if on {
		return 1
	}
	return 0
}

// step does one random thing to the cache and to the model.
func (s *simulation) step() {
	db, key, now := s.user.DB(), s.key(), s.clock.ms.Load()
	m := s.model[db]
	v, found := s.live(db, key)
	switch s.rng.IntN(24) {
	case 0, 1, 2, 3:
		text := s.value()
		s.do("OK", "SET", key, text)
		m[key] = simValue{text: text}
	case 4:
		text := s.value()
		require.NoError(s.t, s.cache.DB(db).Set(key, []byte(text)))
		m[key] = simValue{text: text}
	case 5, 6:
		text, ttl := s.value(), 1+s.rng.Int64N(100_000)
		s.do("OK", "SET", key, text, "PX", ttl)
		m[key] = simValue{text, now + ttl}
	case 7:
		v.text += "+" + key
		s.do(int64(len(v.text)), "APPEND", key, "+"+key)
		m[key] = v
	case 8:
		n, err := strconv.ParseInt(v.text, 10, 64)
		if found && (err != nil || strconv.FormatInt(n, 10) != v.text) {
			s.do("ERR value is not an integer or out of range", "INCRBY", key, 7)
			return
		}
		s.do(n+7, "INCRBY", key, 7)
		m[key] = simValue{strconv.FormatInt(n+7, 10), v.at}
	case 9:
		off := s.rng.IntN(100)
		b := append([]byte(v.text), make([]byte, max(off+3-len(v.text), 0))...)
		copy(b[off:], "abc")
		s.do(int64(len(b)), "SETRANGE", key, off, "abc")
		m[key] = simValue{string(b), v.at}
	case 10, 11:
		other := s.key()
		_, found2 := s.live(db, other)
		s.do(simFlag(found)+simFlag(found2 && other != key), "DEL", key, other)
		delete(m, key)
		delete(m, other)
	case 12:
		ttl := s.rng.Int64N(50_000) - 1000
		s.do(simFlag(found), "PEXPIRE", key, ttl)
		if found && ttl <= 0 {
			delete(m, key)
		} else if found {
			m[key] = simValue{v.text, now + ttl}
		}
	case 13:
		s.do(simFlag(found && v.at != 0), "PERSIST", key)
		if found {
			m[key] = simValue{text: v.text}
		}
	case 14:
		other := s.key()
		if !found {
			s.do("ERR no such key", "RENAME", key, other)
			return
		}
		s.do("OK", "RENAME", key, other)
		delete(m, key)
		m[other] = v
	case 15:
		to, other := s.rng.IntN(simDatabases), s.key()
		if to == db && other == key {
			return
		}
		_, taken := s.live(to, other)
		s.do(simFlag(found && !taken), "COPY", key, other, "DB", to)
		if found && !taken {
			s.model[to][other] = v
		}
	case 16:
		a, b := s.value(), s.value()
		other := s.key()
		s.do("OK", "MSET", key, a, other, b)
		m[key] = simValue{text: a}
		m[other] = simValue{text: b}
	case 17:
		var want any
		if found {
			want = []byte(v.text)
		}
		s.do(want, "GETDEL", key)
		delete(m, key)
	case 18:
		got, err := s.cache.DB(db).Get(key)
		if !found {
			require.ErrorIs(s.t, err, darter.ErrNotFound)
			return
		}
		require.NoError(s.t, err)
		require.Equal(s.t, v.text, string(got))
	case 19:
		s.clock.ms.Add(s.rng.Int64N(2000))
	case 20:
		require.NoError(s.t, s.user.SetDB(s.rng.IntN(simDatabases)))
	case 21:
		s.rare(db)
	case 22:
		if len(s.open) < simOpen && s.rng.IntN(10) == 0 {
			s.snapshot()
		}
	case 23:
		if len(s.open) > 0 && s.rng.IntN(12) == 0 {
			s.closeOne()
		}
	}
}

// rare does what changes much at a time.
func (s *simulation) rare(db int) {
	switch s.rng.IntN(120) {
	case 0:
		s.do("OK", "FLUSHDB")
		s.model[db] = map[string]simValue{}
	case 1:
		s.do("OK", "FLUSHALL", "ASYNC")
		for i := range s.model {
			s.model[i] = map[string]simValue{}
		}
	case 2, 3, 4:
		a, b := s.rng.IntN(simDatabases), s.rng.IntN(simDatabases)
		s.do("OK", "SWAPDB", a, b)
		s.model[a], s.model[b] = s.model[b], s.model[a]
	case 5, 6, 7: // growth
		for i := range 2000 {
			key := fmt.Sprintf("burst:%d", i)
			s.do("OK", "SET", key, key)
			s.model[db][key] = simValue{text: key}
		}
	case 8: // all of a database comes to expire
		for key := range s.model[db] {
			if v, ok := s.live(db, key); ok {
				s.do(int64(1), "PEXPIREAT", key, s.clock.ms.Load()+500)
				s.model[db][key] = simValue{v.text, s.clock.ms.Load() + 500}
			}
		}
	case 9:
		s.clock.ms.Add(60_000)
	}
}

func (s *simulation) snapshot() {
	snap, err := s.cache.Snapshot()
	require.NoError(s.t, err)
	require.Equal(s.t, s.clock.ms.Load(), snap.Time().UnixMilli())
	s.open = append(s.open, &simSnapshot{snap, s.clock.ms.Load(), s.model.clone()})
}

// closeOne checks a random open snapshot in every way and closes it.
func (s *simulation) closeOne() {
	i := s.rng.IntN(len(s.open))
	o := s.open[i]
	for db := range simDatabases {
		s.check(o, db)
		for j, later := range s.open[i:] {
			if j > 0 {
				s.checkDiff(o, later, db)
			}
		}
	}
	if s.rng.IntN(3) == 0 {
		s.checkSaved(o)
	}
	o.s.Close()
	s.open = append(s.open[:i], s.open[i+1:]...)
}

func collect(t testing.TB, s *darter.Snapshot) map[string]simValue {
	got := map[string]simValue{}
	for e := range s.Entries() {
		v := simValue{text: string(e.Value)}
		if !e.ExpireAt.IsZero() {
			v.at = e.ExpireAt.UnixMilli()
		}
		if _, twice := got[string(e.Key)]; twice {
			t.Fatalf("key %.80q met twice", e.Key)
		}
		require.Equal(t, "string", e.Type)
		got[string(e.Key)] = v
	}
	return got
}

// sameContent compares without printing megabytes.
func sameContent(t testing.TB, want, got map[string]simValue, what string) {
	t.Helper()
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			t.Fatalf("%s: key %.80q is %.80q (found: %v, expires %d), not %.80q (expires %d)", what, k, g.text, ok, g.at, v.text, v.at)
		}
	}
	for k, v := range got {
		if _, ok := want[k]; !ok {
			t.Fatalf("%s: key %.80q should be absent and is %.80q (expires %d)", what, k, v.text, v.at)
		}
	}
}

func (s *simulation) check(o *simSnapshot, db int) {
	snap := o.s.DB(db)
	sameContent(s.t, o.model.at(db, o.now), collect(s.t, snap), "Entries")
	// Keys that had expired count until they are removed, as they do for DBSIZE.
	require.GreaterOrEqual(s.t, snap.Len(), len(o.model.at(db, o.now)))
}

// checkDiff applies the difference to the earlier content and compares with the later.
func (s *simulation) checkDiff(a, b *simSnapshot, db int) {
	content := a.model.at(db, b.now) // what expires meanwhile need not be told
	for c := range b.s.DB(db).Diff(a.s.DB(db)) {
		key := string(c.Key)
		if c.Before.Key != nil && (c.Before.ExpireAt.IsZero() || c.Before.ExpireAt.UnixMilli() > a.now) {
			require.Equal(s.t, a.model[db][key].text, string(c.Before.Value), "before %q", key)
		}
		if c.After.Key == nil {
			require.NotNil(s.t, c.Before.Key)
			delete(content, key)
			continue
		}
		v := simValue{text: string(c.After.Value)}
		if !c.After.ExpireAt.IsZero() {
			v.at = c.After.ExpireAt.UnixMilli()
		}
		if c.Before.Key != nil {
			require.NotEqual(s.t, a.model[db][key], v, "key %.80q has not changed", key)
		}
		content[key] = v
	}
	sameContent(s.t, b.model.at(db, b.now), content, "Diff")
}

// checkSaved saves a snapshot, loads it into a cache of another shape and compares.
func (s *simulation) checkSaved(o *simSnapshot) {
	var file bytes.Buffer
	require.NoError(s.t, o.s.Save(&file))
	other, err := darter.New(darter.Options{Shards: 1 << s.rng.IntN(6), Databases: simDatabases, Now: s.clock.Now})
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, other.Close()) }()
	require.NoError(s.t, other.Set("left from before", nil))
	require.NoError(s.t, other.Load(&file))
	snap, err := other.Snapshot()
	require.NoError(s.t, err)
	defer snap.Close()
	for db := range simDatabases {
		sameContent(s.t, o.model.at(db, s.clock.ms.Load()), collect(s.t, snap.DB(db)), "loaded")
	}
}

// finish closes everything and sees that nothing is left of it.
func (s *simulation) finish() {
	s.snapshot()
	for len(s.open) > 0 {
		s.closeOne()
	}
	var st darter.Stats
	s.cache.Stats(&st)
	require.Zero(s.t, st.Snapshots)
	require.Zero(s.t, st.SnapshotBytes)
	require.Zero(s.t, st.Panics)
}

func TestSimulation(t *testing.T) {
	for seed, shards := range []int{1, 2, 16, 64} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) {
			t.Parallel()
			s := newSimulation(t, uint64(seed), shards)
			for range 15_000 {
				s.step()
			}
			s.finish()
		})
	}
}

func FuzzSimulation(f *testing.F) {
	f.Add(uint64(7), uint16(3000), uint8(3))
	f.Add(uint64(8), uint16(500), uint8(0))
	f.Fuzz(func(t *testing.T, seed uint64, steps uint16, shards uint8) {
		s := newSimulation(t, seed, 1<<(shards%6))
		for range steps {
			s.step()
		}
		s.finish()
	})
}

// TestDiffTellsOfLateRemoval has a key expire before a snapshot and be removed after it: whoever follows the cache by
// differences must hear of the removal sooner or later.
func TestDiffTellsOfLateRemoval(t *testing.T) {
	clock := newSimClock()
	cache, err := darter.New(darter.Options{Shards: 1, Now: clock.Now})
	require.NoError(t, err)
	defer cache.Close()
	ctx := context.Background()
	_, err = cache.Do(ctx, "SET", "k", "v", "PX", 1000)
	require.NoError(t, err)

	take := func() *darter.Snapshot {
		s, err := cache.Snapshot()
		require.NoError(t, err)
		t.Cleanup(s.Close)
		return s
	}
	first := take()
	clock.ms.Add(2000)
	second := take()
	require.Empty(t, collect(t, second))
	_, err = cache.Get("k")
	require.ErrorIs(t, err, darter.ErrNotFound)
	third := take()

	removals := 0
	for _, pair := range [][2]*darter.Snapshot{{first, second}, {second, third}} {
		for c := range pair[1].Diff(pair[0]) {
			require.Equal(t, "k", string(c.Key))
			require.Nil(t, c.After.Key)
			removals++
		}
	}
	require.Equal(t, 1, removals)
}

// TestSnapshotsAreConsistent moves amounts between the two keys of accounts while snapshots are taken, read, compared and
// saved: in each of them the two must come to the same sum, and a database that is flushed and refilled as a whole
// must be there whole or not at all.
func TestSnapshotsAreConsistent(t *testing.T) {
	const accounts, sum, rounds = 40, 1000, 300
	cache, err := darter.New(darter.Options{Shards: 32})
	require.NoError(t, err)
	defer func() { require.NoError(t, cache.Close()) }()
	ctx := context.Background()
	for i := range accounts {
		_, err := cache.Do(ctx, "MSET", fmt.Sprintf("a%d", i), sum, fmt.Sprintf("b%d", i), 0)
		require.NoError(t, err)
	}

	var stop atomic.Bool
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 2))
			user := cache.NewSession()
			defer user.Close()
			for !stop.Load() {
				// An account has one writer.
				i := rng.IntN(accounts/3)*3 + w
				if i >= accounts {
					continue
				}
				part := rng.IntN(sum)
				if _, err := user.Do(ctx, "MSET", fmt.Sprintf("a%d", i), sum-part, fmt.Sprintf("b%d", i), part); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Go(func() { // fills a database apart from the one read, and puts it in its place
		user := cache.DB(2).NewSession()
		defer user.Close()
		for n := 0; !stop.Load(); n++ {
			args := []any{"MSET"}
			for i := range 50 {
				args = append(args, i, n)
			}
			for _, command := range [][]any{{"FLUSHDB"}, args, {"SWAPDB", 1, 2}} {
				if _, err := user.Do(ctx, command...); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	writers.Go(func() { // makes the dictionaries of all shards grow and things expire
		user := cache.NewSession()
		defer user.Close()
		for n := 0; !stop.Load(); n++ {
			if _, err := user.Do(ctx, "SET", fmt.Sprintf("noise:%d", n%20_000), n, "PX", 1+n%300); err != nil {
				t.Error(err)
				return
			}
		}
	})

	check := func(s *darter.Snapshot) map[string]int {
		content := map[string]int{}
		for e := range s.Entries() {
			if e.Key[0] == 'n' {
				continue
			}
			n, err := strconv.Atoi(string(e.Value))
			require.NoError(t, err)
			content[string(e.Key)] = n
		}
		require.Len(t, content, 2*accounts)
		for i := range accounts {
			require.Equal(t, sum, content[fmt.Sprintf("a%d", i)]+content[fmt.Sprintf("b%d", i)])
		}
		whole := map[string]int{}
		for e := range s.DB(1).Entries() {
			whole[string(e.Value)]++
		}
		require.LessOrEqual(t, len(whole), 1, "values of several rounds: %v", whole)
		for _, n := range whole {
			require.Equal(t, 50, n)
		}
		return content
	}
	func() {
		defer writers.Wait()
		defer stop.Store(true)
		before, err := cache.Snapshot()
		require.NoError(t, err)
		content := check(before)
		for round := range rounds {
			s, err := cache.Snapshot()
			require.NoError(t, err)
			for c := range s.Diff(before) {
				if c.Key[0] != 'n' {
					require.NotNil(t, c.After.Key)
					content[string(c.Key)], err = strconv.Atoi(string(c.After.Value))
					require.NoError(t, err)
				}
			}
			before.Close()
			require.Equal(t, check(s), content, "by difference and by reading")
			before = s
			if round%10 == 0 {
				var file bytes.Buffer
				require.NoError(t, s.Save(&file))
				other, err := darter.New(darter.Options{Shards: 1 + round%4})
				require.NoError(t, err)
				require.NoError(t, other.Load(&file))
				loaded, err := other.Snapshot()
				require.NoError(t, err)
				require.Equal(t, content, check(loaded))
				loaded.Close()
				require.NoError(t, other.Close())
			}
		}
		before.Close()
	}()
}
