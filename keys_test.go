package darter

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDelExistsTouch(t *testing.T) {
	c := newTestCache(t, Options{})
	for i := range 50 {
		mustSet(t, c, fmt.Sprint(i), "v")
	}
	for _, count := range []func(...string) (int, error){c.Exists, c.Touch} {
		n, err := count("1", "absent", "2", "1")
		require.NoError(t, err)
		require.Equal(t, 3, n)
		n, err = count()
		require.NoError(t, err)
		require.Zero(t, n)
	}
	n, err := c.Del("1", "absent", "2", "1")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = c.Unlink("1", "3")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, 47, c.Len())
	n, err = c.Del(slices.Collect(c.Keys("*"))...)
	require.NoError(t, err)
	require.Equal(t, 47, n)
	require.Zero(t, c.Len())
}

func TestExpire(t *testing.T) {
	clock := newTestClock()
	now := clock.now()
	for _, tt := range []struct {
		name   string
		expire func(*Cache) (bool, error)
		after  time.Duration // the time to live; 0 if the key is gone
	}{
		{"Expire", func(c *Cache) (bool, error) { return c.Expire("k", time.Second) }, time.Second},
		{"Expire, rounded up", func(c *Cache) (bool, error) { return c.Expire("k", 1) }, time.Millisecond},
		{"Expire never", func(c *Cache) (bool, error) { return c.Expire("k", NoExpiry) }, NoExpiry},
		{"Expire at once", func(c *Cache) (bool, error) { return c.Expire("k", 0) }, 0},
		{"Expire before", func(c *Cache) (bool, error) { return c.Expire("k", -time.Hour) }, 0},
		{"Expire long before", func(c *Cache) (bool, error) { return c.Expire("k", math.MinInt64) }, 0},
		{"ExpireAt", func(c *Cache) (bool, error) { return c.ExpireAt("k", now.Add(time.Minute)) }, time.Minute},
		{"ExpireAt now", func(c *Cache) (bool, error) { return c.ExpireAt("k", now) }, 0},
		{"ExpireAt long before", func(c *Cache) (bool, error) { return c.ExpireAt("k", time.Unix(-1e9, 0)) }, 0},
		{"ExpireAt never", func(c *Cache) (bool, error) { return c.ExpireAt("k", time.Time{}) }, NoExpiry},
		{"ExpireAt in 1000 years", func(c *Cache) (bool, error) { return c.ExpireAt("k", now.AddDate(1000, 0, 0)) }, NoExpiry},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, before := range []time.Duration{0, time.Minute} {
				c := newTestCache(t, Options{Now: clock.now})
				found, err := tt.expire(c)
				require.NoError(t, err)
				require.False(t, found)
				_, err = c.SetWith("k", []byte("v"), SetOptions{TTL: before})
				require.NoError(t, err)
				found, err = tt.expire(c)
				require.NoError(t, err)
				require.True(t, found)
				ttl, err := c.TTL("k")
				if tt.after == 0 {
					require.Equal(t, ErrNotFound, err)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, tt.after, ttl)
				holds(t, c, "k", "v")
			}
		})
	}
}

func TestTimePasses(t *testing.T) {
	clock := newTestClock()
	c := newTestCache(t, Options{Now: clock.now})
	mustSet(t, c, "stays", "v")
	_, err := c.SetWith("k", []byte("v"), SetOptions{TTL: 1500 * time.Millisecond})
	require.NoError(t, err)
	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()
	at, err := c.ExpireTime("k")
	require.NoError(t, err)
	require.True(t, clock.now().Add(1500*time.Millisecond).Equal(at), at)
	clock.pass(time.Second)
	ttl, err := c.TTL("k")
	require.NoError(t, err)
	require.Equal(t, 500*time.Millisecond, ttl)
	clock.pass(499 * time.Millisecond)
	holds(t, c, "k", "v")
	clock.pass(time.Millisecond)
	holds(t, c, "k", "")
	for _, err := range []error{second(c.TTL("k")), second(c.ExpireTime("k")), second(c.Type("k"))} {
		require.Equal(t, ErrNotFound, err)
	}
	had, err := c.Persist("k")
	require.NoError(t, err)
	require.False(t, had)

	// Not so in the snapshot.
	for range 2 {
		ttl, err = snap.TTL("k")
		require.NoError(t, err)
		require.Equal(t, 1500*time.Millisecond, ttl)
		clock.pass(time.Hour)
	}
	frozen, err := snap.ExpireTime("k")
	require.NoError(t, err)
	require.Equal(t, at, frozen)
	ttl, err = snap.TTL("stays")
	require.NoError(t, err)
	require.Equal(t, NoExpiry, ttl)
	at, err = c.ExpireTime("stays")
	require.NoError(t, err)
	require.True(t, at.IsZero())

	_, err = c.Expire("stays", time.Hour)
	require.NoError(t, err)
	for _, want := range []bool{true, false} {
		had, err := c.Persist("stays")
		require.NoError(t, err)
		require.Equal(t, want, had)
	}
	kind, err := c.Type("stays")
	require.NoError(t, err)
	require.Equal(t, "string", kind)
}

func second[T any](_ T, err error) error { return err }

func TestRenameAndCopy(t *testing.T) {
	type outcome struct {
		done bool
		err  error
	}
	rename := func(c *Cache, from, to string) (bool, error) { err := c.Rename(from, to); return err == nil, err }
	copyTo := func(c *Cache, from, to string) (bool, error) { err := c.Copy(from, to); return err == nil, err }
	for _, tt := range []struct {
		name      string
		run       func(c *Cache, from, to string) (bool, error)
		from, to  string
		want      outcome
		afterFrom string
		afterTo   string
	}{
		{"Rename", rename, "a", "new", outcome{true, nil}, "", "1"},
		{"Rename over", rename, "a", "b", outcome{true, nil}, "", "1"},
		{"Rename to itself", rename, "a", "a", outcome{true, nil}, "1", "1"},
		{"Rename of none", rename, "none", "b", outcome{false, ErrNotFound}, "", "2"},
		{"RenameNew", (*Cache).RenameNew, "a", "new", outcome{true, nil}, "", "1"},
		{"RenameNew over", (*Cache).RenameNew, "a", "b", outcome{false, nil}, "1", "2"},
		{"RenameNew to itself", (*Cache).RenameNew, "a", "a", outcome{false, nil}, "1", "1"},
		{"RenameNew of none", (*Cache).RenameNew, "none", "b", outcome{false, ErrNotFound}, "", "2"},
		{"Copy", copyTo, "a", "new", outcome{true, nil}, "1", "1"},
		{"Copy over", copyTo, "a", "b", outcome{true, nil}, "1", "1"},
		{"Copy to itself", copyTo, "a", "a", outcome{false, ErrSameKey}, "1", "1"},
		{"Copy of none", copyTo, "none", "b", outcome{false, ErrNotFound}, "", "2"},
		{"CopyNew", (*Cache).CopyNew, "a", "new", outcome{true, nil}, "1", "1"},
		{"CopyNew over", (*Cache).CopyNew, "a", "b", outcome{false, nil}, "1", "2"},
		{"CopyNew to itself", (*Cache).CopyNew, "a", "a", outcome{false, ErrSameKey}, "1", "1"},
		{"CopyNew of none", (*Cache).CopyNew, "none", "new", outcome{false, ErrNotFound}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, shards := range []int{1, 64} {
				c := newTestCache(t, Options{Shards: shards, Now: newTestClock().now})
				_, err := c.SetWith("a", []byte("1"), SetOptions{TTL: time.Hour})
				require.NoError(t, err)
				mustSet(t, c, "b", "2")
				done, err := tt.run(c, tt.from, tt.to)
				require.Equal(t, tt.want, outcome{done, err})
				holds(t, c, tt.from, tt.afterFrom)
				holds(t, c, tt.to, tt.afterTo)
				if done {
					ttl, err := c.TTL(tt.to)
					require.NoError(t, err)
					require.Equal(t, time.Hour, ttl)
				}
			}
		})
	}
}

func TestDatabases(t *testing.T) {
	c := newTestCache(t, Options{Databases: 3})
	other := c.DB(2)
	mustSet(t, c, "k", "0")
	holds(t, other, "k", "")
	mustSet(t, other, "l", "2")
	for _, tt := range []struct {
		key   string
		db    int
		moved bool
		err   error
	}{
		{"k", 0, false, ErrSameKey}, {"k", -1, false, ErrNoDatabase}, {"k", 3, false, ErrNoDatabase}, {"absent", 2, false, nil},
		{"k", 2, true, nil}, {"k", 2, false, nil},
	} {
		moved, err := c.Move(tt.key, tt.db)
		require.Equal(t, tt.err, err, tt)
		require.Equal(t, tt.moved, moved, tt)
	}
	holds(t, c, "k", "")
	holds(t, other, "k", "0")
	mustSet(t, c, "l", "0")
	moved, err := c.Move("l", 2)
	require.NoError(t, err)
	require.False(t, moved)
	holds(t, other, "l", "2")
	require.Panics(t, func() { c.DB(3) })
	require.Panics(t, func() { c.DB(-1) })

	require.Equal(t, 1, c.Len())
	require.Equal(t, 2, other.Len())
	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()
	require.NoError(t, other.Flush())
	require.Zero(t, other.Len())
	require.Equal(t, 2, snap.DB(2).Len())
	require.Equal(t, []string{"l"}, slices.Collect(c.Keys("*")))
	require.NoError(t, c.FlushAll())
	require.Zero(t, c.Len())
	require.Equal(t, map[string][]byte{"l": []byte("0")}, maps.Collect(snap.All()))
}

func TestScan(t *testing.T) {
	for _, shards := range []int{1, 16} {
		c := newTestCache(t, Options{Shards: shards})
		want := map[string]bool{}
		for i := range 3000 {
			key := fmt.Sprintf("key:%d", i)
			want[key] = true
			mustSet(t, c, key, "v")
		}
		for _, o := range []ScanOptions{{}, {Count: 1}, {Count: 500}, {Count: math.MaxInt}, {Type: "STRING"}, {Match: "key:*"}, {Match: "*"}} {
			got := map[string]bool{}
			calls := 0
			for cursor := uint64(0); ; calls++ {
				keys, next, err := c.Scan(cursor, o)
				require.NoError(t, err)
				for _, k := range keys {
					got[k] = true
				}
				if cursor = next; cursor == 0 {
					break
				}
				if o.Count == 0 {
					require.Less(t, len(keys), 200)
				}
			}
			require.Equal(t, want, got)
			if o.Count == 0 {
				require.Greater(t, calls, 50)
			}
		}
		keys, next, err := c.Scan(0, ScanOptions{Match: "key:1?", Count: 100_000})
		require.NoError(t, err)
		require.Zero(t, next)
		sort.Strings(keys)
		require.Equal(t, []string{"key:10", "key:11", "key:12", "key:13", "key:14", "key:15", "key:16", "key:17", "key:18", "key:19"}, keys)
		keys, _, err = c.Scan(0, ScanOptions{Type: "list", Count: 100_000})
		require.NoError(t, err)
		require.Empty(t, keys)
		_, _, err = c.Scan(0, ScanOptions{Count: -1})
		require.ErrorIs(t, err, ErrInvalid)
		r := rand.New(rand.NewPCG(1, 1))
		for range 2000 {
			_, _, err := c.Scan(r.Uint64()>>r.IntN(64), ScanOptions{})
			require.NoError(t, err)
		}
	}
}

// TestScanWhileChanging lets the cache grow and shrink under walks of all kinds, and uses it from within them.
func TestScanWhileChanging(t *testing.T) {
	c := newTestCache(t, Options{Shards: 4})
	stays := map[string]string{}
	for i := range 500 {
		key := fmt.Sprintf("stays:%d", i)
		stays[key] = strings.Repeat("v", i*20) // some longer than sliceValue
		mustSet(t, c, key, stays[key])
	}
	n := 0
	change := func() {
		n++
		if n%2000 < 1000 {
			mustSet(t, c, fmt.Sprintf("goes:%d", n%1000), "v")
			mustSet(t, c, fmt.Sprintf("grows:%d", n), "v")
			return
		}
		_, err := c.Del(fmt.Sprintf("goes:%d", n%1000), fmt.Sprintf("grows:%d", n-1000), fmt.Sprintf("grows:%d", n-999))
		require.NoError(t, err)
	}
	for range 3 {
		got := map[string]string{}
		for key, value := range c.All() {
			for range 3 {
				change()
			}
			if strings.HasPrefix(key, "stays:") {
				got[key] = string(value)
			}
		}
		require.Equal(t, stays, got)

		clear(got)
		for key := range c.Keys("stays:*") {
			change()
			got[key] = stays[key]
		}
		require.Equal(t, stays, got)

		clear(got)
		for cursor := uint64(0); ; {
			keys, next, err := c.Scan(cursor, ScanOptions{Match: "stays:*"})
			require.NoError(t, err)
			for _, key := range keys {
				got[key] = stays[key]
			}
			for range 50 {
				change()
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
		require.Equal(t, stays, got)
	}
	for range c.All() {
		break
	}
	for range c.Keys("*") {
		break
	}
}

func TestRandomKey(t *testing.T) {
	clock := newTestClock()
	c := newTestCache(t, Options{Now: clock.now})
	_, err := c.RandomKey()
	require.Equal(t, ErrNotFound, err)
	for i := range 20 {
		mustSet(t, c, fmt.Sprint(i), "v")
	}
	drawn := map[string]bool{}
	for range 1000 {
		key, err := c.RandomKey()
		require.NoError(t, err)
		drawn[key] = true
	}
	require.Len(t, drawn, 20)
	for i := range 20 {
		_, err := c.Expire(fmt.Sprint(i), time.Second)
		require.NoError(t, err)
	}
	clock.pass(time.Minute)
	_, err = c.RandomKey()
	require.Equal(t, ErrNotFound, err)
}

func TestSnapshotReads(t *testing.T) {
	clock := newTestClock()
	c := newTestCache(t, Options{Now: clock.now})
	want := map[string][]byte{"a": []byte("1"), "b": []byte("2"), "empty": {}}
	require.NoError(t, c.SetMany(maps.All(want)))
	_, err := c.Expire("a", time.Minute)
	require.NoError(t, err)
	snap, err := c.Snapshot()
	require.NoError(t, err)
	require.NoError(t, c.FlushAll())
	mustSet(t, c, "later", "v")
	clock.pass(time.Hour)

	require.Equal(t, want, maps.Collect(snap.All()))
	require.Equal(t, 3, snap.Len())
	require.Equal(t, []string{"empty"}, slices.Collect(snap.Keys("e*")))
	require.ElementsMatch(t, []string{"a", "b", "empty"}, slices.Collect(snap.Keys("*")))
	entries := map[string]Entry{}
	for e := range snap.Entries() {
		entries[string(e.Key)] = Entry{Value: slices.Clone(e.Value), Type: e.Type, ExpireAt: e.ExpireAt}
	}
	require.Equal(t, map[string]Entry{
		"a":     {Value: []byte("1"), Type: "string", ExpireAt: clock.now().Add(time.Minute - time.Hour)},
		"b":     {Value: []byte("2"), Type: "string"},
		"empty": {Value: []byte{}, Type: "string"},
	}, entries)
	v, err := snap.Get("a")
	require.NoError(t, err)
	require.Equal(t, "1", string(v))
	v, err = snap.Get("empty")
	require.NoError(t, err)
	require.NotNil(t, v)
	v, err = snap.AppendGet([]byte("="), "b")
	require.NoError(t, err)
	require.Equal(t, "=2", string(v))
	v, err = snap.AppendGet([]byte("="), "later")
	require.Equal(t, ErrNotFound, err)
	require.Equal(t, "=", string(v))
	many, err := snap.GetMany("b", "later", "empty")
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte("2"), nil, {}}, many)
	n, err := snap.Exists("a", "later", "a")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = snap.StrLen("later")
	require.NoError(t, err)
	require.Zero(t, n)
	kind, err := snap.Type("a")
	require.NoError(t, err)
	require.Equal(t, "string", kind)
	for _, err := range []error{second(snap.Type("later")), second(snap.TTL("later")), second(snap.ExpireTime("later"))} {
		require.Equal(t, ErrNotFound, err)
	}
	require.NoError(t, snap.View("a", func([]byte) error { _, err := c.Get("later"); return err }))

	// A snapshot that is closed in the midst of an iteration is kept for it.
	met := 0
	for key, value := range snap.All() {
		snap.Close()
		require.Equal(t, want[key], value)
		met++
	}
	require.Equal(t, 3, met)
	checkClosed(t, readsOf(snap))
	require.Empty(t, maps.Collect(snap.All()))
	require.Empty(t, slices.Collect(snap.Entries()))
	require.Zero(t, snap.Len())
}

// reader is the reads that a cache and a snapshot share, in one form.
type reader interface {
	Get(key string) ([]byte, error)
	AppendGet(dst []byte, key string) ([]byte, error)
	View(key string, fn func([]byte) error) error
	GetMany(keys ...string) ([][]byte, error)
	GetRange(key string, first, last int) ([]byte, error)
	StrLen(key string) (int, error)
	Exists(keys ...string) (int, error)
	Type(key string) (string, error)
	TTL(key string) (time.Duration, error)
	ExpireTime(key string) (time.Time, error)
}

func readsOf(r reader) map[string]func() error {
	return map[string]func() error{
		"Get":        func() error { return second(r.Get("k")) },
		"AppendGet":  func() error { return second(r.AppendGet(nil, "k")) },
		"View":       func() error { return r.View("k", func([]byte) error { return nil }) },
		"GetMany":    func() error { return second(r.GetMany("k", "l")) },
		"GetRange":   func() error { return second(r.GetRange("k", 0, -1)) },
		"StrLen":     func() error { return second(r.StrLen("k")) },
		"Exists":     func() error { return second(r.Exists("k")) },
		"Type":       func() error { return second(r.Type("k")) },
		"TTL":        func() error { return second(r.TTL("k")) },
		"ExpireTime": func() error { return second(r.ExpireTime("k")) },
	}
}

func checkClosed(t *testing.T, calls map[string]func() error) {
	t.Helper()
	for name, call := range calls {
		require.Equal(t, ErrClosed, call(), name)
	}
}

// TestClosed calls every method of a closed cache, one that was full too.
func TestClosed(t *testing.T) {
	c, err := New(Options{Databases: 4, MaxMemory: 1})
	require.NoError(t, err)
	c.SetMaxMemory(0)
	for i := range 300 { // memory in reserve
		mustSet(t, c, fmt.Sprint(i), strings.Repeat("v", 30_000))
	}
	require.NoError(t, c.Flush())
	mustSet(t, c, "k", "v")
	c.SetMaxMemory(1)
	snap, err := c.Snapshot()
	require.NoError(t, err)
	session := c.NewSession()
	require.NoError(t, c.Close())
	for _, c := range []*Cache{c, c.DB(3)} {
		checkClosed(t, readsOf(c))
		checkClosed(t, map[string]func() error{
			"Set":       func() error { return c.Set("k", nil) },
			"SetWith":   func() error { return second(c.SetWith("k", nil, SetOptions{})) },
			"Swap":      func() error { return second(c.Swap("k", nil)) },
			"SetMany":   func() error { return c.SetMany(maps.All(map[string][]byte{"k": nil})) },
			"GetDel":    func() error { return second(c.GetDel("k")) },
			"GetEx":     func() error { return second(c.GetEx("k", 1)) },
			"Append":    func() error { return second(c.Append("k", nil)) },
			"SetRange":  func() error { return second(c.SetRange("k", 0, nil)) },
			"Incr":      func() error { return second(c.Incr("k", 1)) },
			"IncrFloat": func() error { return second(c.IncrFloat("k", 1)) },
			"Del":       func() error { return second(c.Del("k")) },
			"Del none":  func() error { return second(c.Del()) },
			"Unlink":    func() error { return second(c.Unlink("k", "l")) },
			"Touch":     func() error { return second(c.Touch("k")) },
			"Expire":    func() error { return second(c.Expire("k", 1)) },
			"ExpireAt":  func() error { return second(c.ExpireAt("k", time.Time{})) },
			"Persist":   func() error { return second(c.Persist("k")) },
			"Rename":    func() error { return c.Rename("k", "l") },
			"RenameNew": func() error { return second(c.RenameNew("k", "l")) },
			"Copy":      func() error { return c.Copy("k", "l") },
			"CopyNew":   func() error { return second(c.CopyNew("k", "l")) },
			"Move":      func() error { return second(c.Move("k", 1)) },
			"RandomKey": func() error { return second(c.RandomKey()) },
			"Scan":      func() error { _, _, err := c.Scan(0, ScanOptions{}); return err },
			"Flush":     c.Flush,
			"FlushAll":  c.FlushAll,
			"Snapshot":  func() error { return second(c.Snapshot()) },
		})
		require.Empty(t, maps.Collect(c.All()))
		require.Empty(t, slices.Collect(c.Keys("*")))
		require.Zero(t, c.Len())
		var st Stats
		c.Stats(&st)
		require.Zero(t, st.Keys)
	}
	checkClosed(t, readsOf(snap))
	snap.Close()
	for _, line := range []string{
		"GET k", "MGET k l", "SCAN 0", "KEYS *", "RANDOMKEY", "DBSIZE", "FLUSHALL", "FLUSHDB ASYNC", "INFO", "MEMORY USAGE k",
		"MEMORY PURGE", "MEMORY STATS", "SWAPDB 0 1", "DEBUG OBJECT k", "OBJECT ENCODING k", "DEL k", "COPY k l DB 1",
	} {
		var args []any
		for word := range strings.FieldsSeq(line) {
			args = append(args, word)
		}
		_, _ = session.Do(t.Context(), args...) // any answer will do
	}
	var st Stats
	c.Stats(&st)
	require.Zero(t, st.Panics)
}

func TestNewRefuses(t *testing.T) {
	for _, o := range []Options{
		{Shards: -1}, {Shards: maxShards + 1}, {Databases: -1}, {Databases: maxDatabases + 1}, {MaxMemory: -1},
	} {
		c, err := New(o)
		require.ErrorContains(t, err, "darter: Options.")
		require.Nil(t, c)
	}
}

// modelEntry is a key of the plain cache that FuzzCache compares with.
type modelEntry struct {
	value string
	at    int64 // Unix milliseconds, 0 for never
}

// FuzzCache runs methods on a cache and on a map beside it.
func FuzzCache(f *testing.F) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 7))
		program := make([]byte, 600)
		for i := range program {
			program[i] = byte(r.Uint32())
		}
		f.Add(program)
	}
	f.Fuzz(func(t *testing.T, program []byte) { runProgram(t, program[:min(len(program), 6000)]) })
}

// TestPrograms runs longer ones, with a few shards and many.
func TestPrograms(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 8))
		program := make([]byte, 40_000)
		for i := range program {
			program[i] = byte(r.Uint32())
		}
		runProgram(t, program)
	}
}

func runProgram(t *testing.T, program []byte) {
	next := func() int {
		if len(program) == 0 {
			return 0
		}
		b := program[0]
		program = program[1:]
		return int(b)
	}
	clock := newTestClock()
	c := newTestCache(t, Options{Now: clock.now, Shards: 1 << (next() % 6)})
	model := map[string]modelEntry{}
	var snap *Snapshot
	var frozen map[string]modelEntry

	live := func(key string) (modelEntry, bool) {
		e, ok := model[key]
		if ok && e.at != 0 && e.at <= clock.ms.Load() {
			delete(model, key)
			return e, false
		}
		return e, ok
	}
	key := func() string { return fmt.Sprintf("k%d", next()%40) }
	value := func() string {
		switch n := next(); {
		case n < 40:
			return fmt.Sprint(n - 20)
		case n == 255:
			return strings.Repeat("L", 70_000)
		default:
			return strings.Repeat(string(rune('a'+n%26)), n*n%300)
		}
	}
	ttl := func() time.Duration { return time.Duration(1+next()) * 100 * time.Millisecond }
	after := func(d time.Duration) int64 { return clock.ms.Load() + d.Milliseconds() }
	errIf := func(missing bool) error {
		if missing {
			return ErrNotFound
		}
		return nil
	}

	for len(program) > 0 {
		k := key()
		e, ok := live(k)
		switch op := next() % 24; op {
		case 0, 1:
			v := value()
			require.NoError(t, c.Set(k, []byte(v)))
			model[k] = modelEntry{value: v}
		case 2:
			v, o := value(), SetOptions{IfAbsent: next()%4 == 0, IfPresent: next()%4 == 0}
			at := int64(0)
			switch next() % 3 {
			case 0:
				o.TTL = ttl()
				at = after(o.TTL)
			case 1:
				o.KeepTTL = true
				if ok {
					at = e.at
				}
			}
			stored, err := c.SetWith(k, []byte(v), o)
			if o.IfAbsent && o.IfPresent {
				require.ErrorIs(t, err, ErrInvalid)
				break
			}
			require.NoError(t, err)
			require.Equal(t, !(o.IfAbsent && ok) && !(o.IfPresent && !ok), stored)
			if stored {
				model[k] = modelEntry{v, at}
			}
		case 3:
			v := value()
			old, err := c.Swap(k, []byte(v))
			require.NoError(t, err)
			require.Equal(t, ok, old != nil)
			if ok {
				require.Equal(t, e.value, string(old))
			}
			model[k] = modelEntry{value: v}
		case 4:
			v, err := c.GetDel(k)
			require.Equal(t, errIf(!ok), err)
			if ok {
				require.Equal(t, e.value, string(v))
			}
			delete(model, k)
		case 5:
			d := ttl()
			v, err := c.GetEx(k, d)
			require.Equal(t, errIf(!ok), err)
			if ok {
				require.Equal(t, e.value, string(v))
				model[k] = modelEntry{e.value, after(d)}
			}
		case 6:
			v := value()
			n, err := c.Append(k, []byte(v))
			require.NoError(t, err)
			if !ok {
				e = modelEntry{}
			}
			e.value += v
			require.Equal(t, len(e.value), n)
			if model[k] = e; len(e.value) > 200_000 {
				delete(model, k)
				require.Equal(t, 1, must(c.Del(k)))
			}
		case 7:
			at, v := next(), value()
			if !ok {
				e = modelEntry{}
			}
			b := []byte(e.value)
			if len(v) > 0 {
				b = append(b, make([]byte, max(0, at+len(v)-len(b)))...)
				copy(b[at:], v)
			}
			require.Equal(t, len(b), must(c.SetRange(k, at, []byte(v))))
			if ok || len(v) > 0 {
				model[k] = modelEntry{string(b), e.at}
			}
		case 8, 9:
			by := int64(next() - 100)
			n := int64(0)
			var parsed error
			if ok {
				_, parsed = fmt.Sscanf(e.value, "%d", &n)
				if fmt.Sprint(n) != e.value {
					parsed = ErrNotInteger
				}
			} else {
				e = modelEntry{}
			}
			sum, err := c.Incr(k, by)
			if parsed != nil {
				require.Equal(t, ErrNotInteger, err)
				break
			}
			require.NoError(t, err)
			require.Equal(t, n+by, sum)
			model[k] = modelEntry{fmt.Sprint(sum), e.at}
		case 10:
			k2 := key()
			_, ok2 := live(k2)
			want := flag(ok)
			if k2 != k {
				want += flag(ok2)
			}
			require.Equal(t, want, must(c.Del(k, k2)))
			delete(model, k)
			delete(model, k2)
		case 11:
			d := ttl() - time.Second
			require.Equal(t, ok, must(c.Expire(k, d)))
			switch {
			case ok && d <= 0:
				delete(model, k)
			case ok:
				model[k] = modelEntry{e.value, after(d)}
			}
		case 12:
			require.Equal(t, ok && e.at != 0, must(c.Persist(k)))
			if ok {
				model[k] = modelEntry{value: e.value}
			}
		case 13, 14:
			to := key()
			_, taken := live(to)
			if op == 13 {
				require.Equal(t, errIf(!ok), c.Rename(k, to))
			} else {
				done, err := c.RenameNew(k, to)
				require.Equal(t, errIf(!ok), err)
				require.Equal(t, ok && !taken, done)
				ok = done
			}
			if ok {
				delete(model, k)
				model[to] = e
			}
		case 15, 16:
			to := key()
			if to == k {
				require.Equal(t, ErrSameKey, c.Copy(k, to))
				break
			}
			_, taken := live(to)
			if op == 15 {
				require.Equal(t, errIf(!ok), c.Copy(k, to))
			} else {
				done, err := c.CopyNew(k, to)
				require.Equal(t, errIf(!ok), err)
				require.Equal(t, ok && !taken, done)
				ok = done
			}
			if ok {
				model[to] = e
			}
		case 17:
			clock.pass(time.Duration(next()) * 20 * time.Millisecond)
		case 18:
			k2, v := key(), value()
			require.NoError(t, c.SetMany(maps.All(map[string][]byte{k: []byte(v), k2: []byte(v)})))
			model[k], model[k2] = modelEntry{value: v}, modelEntry{value: v}
		case 19:
			if snap != nil {
				compareSnapshot(t, snap, frozen)
				snap.Close()
			}
			for key := range model {
				live(key)
			}
			frozen = maps.Clone(model)
			var err error
			snap, err = c.Snapshot()
			require.NoError(t, err)
		case 20:
			if next()%8 == 0 {
				require.NoError(t, c.Flush())
				clear(model)
			}
		default:
			v, err := c.Get(k)
			require.Equal(t, errIf(!ok), err)
			if !ok {
				break
			}
			require.Equal(t, e.value, string(v))
			require.Equal(t, len(e.value), must(c.StrLen(k)))
			want := NoExpiry
			if e.at != 0 {
				want = time.Duration(e.at-clock.ms.Load()) * time.Millisecond
			}
			require.Equal(t, want, must(c.TTL(k)))
		}
	}
	want := map[string]string{}
	for key := range model {
		if e, ok := live(key); ok {
			want[key] = e.value
		}
	}
	got := map[string]string{}
	for key, value := range c.All() {
		got[key] = string(value)
	}
	require.Equal(t, want, got)
	if snap != nil {
		compareSnapshot(t, snap, frozen)
		snap.Close()
	}
	require.NoError(t, c.Flush())
	var st Stats
	c.Stats(&st)
	require.Zero(t, st.EntryBytes)
	require.Zero(t, st.SnapshotBytes)
	require.Zero(t, st.Panics)
}

func compareSnapshot(t *testing.T, snap *Snapshot, want map[string]modelEntry) {
	t.Helper()
	got := map[string]modelEntry{}
	for e := range snap.Entries() {
		m := modelEntry{value: string(e.Value)}
		if !e.ExpireAt.IsZero() {
			m.at = e.ExpireAt.UnixMilli()
		}
		got[string(e.Key)] = m
	}
	require.Equal(t, want, got)
	for key, m := range want {
		v, err := snap.Get(key)
		require.NoError(t, err)
		require.Equal(t, m.value, string(v))
	}
}

// must returns the value of a call that may not fail.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
