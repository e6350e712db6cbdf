package darter

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/keyspace"
)

// newTestCache returns a cache that is closed with the test.
func newTestCache(t testing.TB, o Options) *Cache {
	t.Helper()
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// testClock is a clock that stands still until it is told to go on.
type testClock struct{ ms atomic.Int64 }

func newTestClock() *testClock {
	k := &testClock{}
	k.ms.Store(1_700_000_000_000)
	return k
}

func (k *testClock) now() time.Time       { return time.UnixMilli(k.ms.Load()) }
func (k *testClock) pass(d time.Duration) { k.ms.Add(int64(d / time.Millisecond)) }

func mustSet(t testing.TB, c *Cache, key, value string) {
	t.Helper()
	require.NoError(t, c.Set(key, []byte(value)))
}

// holds checks what a key holds; "" stands for absent.
func holds(t testing.TB, c *Cache, key, value string) {
	t.Helper()
	v, err := c.Get(key)
	if value == "" {
		require.ErrorIs(t, err, ErrNotFound)
		return
	}
	require.NoError(t, err)
	require.Equal(t, value, string(v))
}

func TestGet(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, value := range []string{"", "v", strings.Repeat("x", 127), strings.Repeat("x", 128), strings.Repeat("y", 70_000)} {
		for _, key := range []string{"", "k", "\x00\xff", strings.Repeat("k", 1000)} {
			mustSet(t, c, key, value)
			v, err := c.Get(key)
			require.NoError(t, err)
			require.NotNil(t, v)
			require.Equal(t, value, string(v))
			v, err = c.AppendGet([]byte("before "), key)
			require.NoError(t, err)
			require.Equal(t, "before "+value, string(v))
			require.NoError(t, c.View(key, func(v []byte) error {
				require.Equal(t, value, string(v))
				return nil
			}))
			n, err := c.StrLen(key)
			require.NoError(t, err)
			require.Equal(t, len(value), n)
		}
	}
	v, err := c.Get("absent")
	require.Equal(t, ErrNotFound, err)
	require.Nil(t, v)
	v, err = c.AppendGet([]byte("as it was"), "absent")
	require.Equal(t, ErrNotFound, err)
	require.Equal(t, "as it was", string(v))
	require.Equal(t, ErrNotFound, c.View("absent", func([]byte) error { panic("called") }))
	mine := errors.New("mine")
	require.Equal(t, mine, c.View("k", func([]byte) error { return mine }))
}

// TestReturnedBytes changes what was returned and what was given.
func TestReturnedBytes(t *testing.T) {
	c := newTestCache(t, Options{})
	given := []byte("value")
	require.NoError(t, c.Set("k", given))
	given[0] = 'X'
	v, err := c.Get("k")
	require.NoError(t, err)
	v[0] = 'Y'
	many, err := c.GetMany("k", "k")
	require.NoError(t, err)
	many[0][0] = 'Z'
	require.Equal(t, "value", string(many[1]))
	part, err := c.GetRange("k", 0, -1)
	require.NoError(t, err)
	part[0] = 'W'
	for _, v := range c.All() {
		v[0] = 'V'
	}
	holds(t, c, "k", "value")
}

// TestViewPanics lets the shard go when the user's function panics, and leaves the panic to the user.
func TestViewPanics(t *testing.T) {
	c := newTestCache(t, Options{})
	mustSet(t, c, "k", "v")
	require.PanicsWithValue(t, "mine", func() { _ = c.View("k", func([]byte) error { panic("mine") }) })
	holds(t, c, "k", "v")
}

func TestGetMany(t *testing.T) {
	c := newTestCache(t, Options{})
	mustSet(t, c, "a", "1")
	mustSet(t, c, "empty", "")
	v, err := c.GetMany("a", "absent", "empty", "a")
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte("1"), nil, {}, []byte("1")}, v)
	v, err = c.GetMany()
	require.NoError(t, err)
	require.Empty(t, v)
}

func TestSetWith(t *testing.T) {
	clock := newTestClock()
	now := clock.now()
	for _, tt := range []struct {
		name   string
		before string        // "" for absent
		ttl    time.Duration // before
		o      SetOptions
		stored bool
		err    error
		after  time.Duration // the time to live, if stored; 0 for a key that has expired
	}{
		{name: "plain", stored: true, after: NoExpiry},
		{name: "plain over a time of expiry", before: "b", ttl: time.Minute, stored: true, after: NoExpiry},
		{name: "TTL", o: SetOptions{TTL: time.Second}, stored: true, after: time.Second},
		{name: "TTL over none", before: "b", o: SetOptions{TTL: time.Second}, stored: true, after: time.Second},
		{name: "TTL below a millisecond", o: SetOptions{TTL: time.Nanosecond}, stored: true, after: time.Millisecond},
		{name: "TTL rounded up", o: SetOptions{TTL: time.Millisecond + 1}, stored: true, after: 2 * time.Millisecond},
		{name: "TTL never", before: "b", ttl: time.Minute, o: SetOptions{TTL: NoExpiry}, stored: true, after: NoExpiry},
		{name: "TTL very long", o: SetOptions{TTL: NoExpiry - time.Hour}, stored: true, after: (NoExpiry - time.Hour).Truncate(time.Millisecond) + time.Millisecond},
		{name: "ExpireAt", o: SetOptions{ExpireAt: now.Add(time.Hour)}, stored: true, after: time.Hour},
		{name: "ExpireAt past", o: SetOptions{ExpireAt: now.Add(-time.Hour)}, stored: true},
		{name: "ExpireAt now", o: SetOptions{ExpireAt: now}, stored: true},
		{name: "ExpireAt before 1970", before: "b", o: SetOptions{ExpireAt: time.Unix(-5, 0)}, stored: true},
		{name: "ExpireAt the beginning of 1970", o: SetOptions{ExpireAt: time.Unix(0, 0)}, stored: true},
		{name: "KeepTTL", before: "b", ttl: time.Minute, o: SetOptions{KeepTTL: true}, stored: true, after: time.Minute},
		{name: "KeepTTL of none", before: "b", o: SetOptions{KeepTTL: true}, stored: true, after: NoExpiry},
		{name: "KeepTTL of an absent key", o: SetOptions{KeepTTL: true}, stored: true, after: NoExpiry},
		{name: "IfAbsent and absent", o: SetOptions{IfAbsent: true, TTL: time.Second}, stored: true, after: time.Second},
		{name: "IfAbsent and present", before: "b", o: SetOptions{IfAbsent: true, TTL: time.Second}},
		{name: "IfPresent and absent", o: SetOptions{IfPresent: true}},
		{name: "IfPresent and present", before: "b", o: SetOptions{IfPresent: true}, stored: true, after: NoExpiry},
		{name: "IfAbsent and IfPresent", o: SetOptions{IfAbsent: true, IfPresent: true}, err: ErrInvalid},
		{name: "negative TTL", o: SetOptions{TTL: -1}, err: ErrInvalid},
		{name: "TTL and ExpireAt", o: SetOptions{TTL: 1, ExpireAt: now}, err: ErrInvalid},
		{name: "TTL and KeepTTL", o: SetOptions{TTL: 1, KeepTTL: true}, err: ErrInvalid},
		{name: "ExpireAt and KeepTTL", o: SetOptions{ExpireAt: now, KeepTTL: true}, err: ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestCache(t, Options{Now: clock.now})
			if tt.before != "" {
				mustSet(t, c, "k", tt.before)
				if tt.ttl != 0 {
					_, err := c.Expire("k", tt.ttl)
					require.NoError(t, err)
				}
			}
			stored, err := c.SetWith("k", []byte("new"), tt.o)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.stored, stored)
			switch {
			case !stored:
				holds(t, c, "k", tt.before)
			case tt.after == 0:
				holds(t, c, "k", "")
			default:
				holds(t, c, "k", "new")
				ttl, err := c.TTL("k")
				require.NoError(t, err)
				require.Equal(t, tt.after, ttl)
			}
		})
	}
}

func TestSwap(t *testing.T) {
	c := newTestCache(t, Options{})
	old, err := c.Swap("k", []byte(""))
	require.NoError(t, err)
	require.Nil(t, old)
	old, err = c.Swap("k", []byte("2"))
	require.NoError(t, err)
	require.NotNil(t, old)
	require.Empty(t, old)
	_, err = c.Expire("k", time.Hour)
	require.NoError(t, err)
	old, err = c.Swap("k", []byte("3"))
	require.NoError(t, err)
	require.Equal(t, "2", string(old))
	ttl, err := c.TTL("k")
	require.NoError(t, err)
	require.Equal(t, NoExpiry, ttl)
}

func TestSetMany(t *testing.T) {
	c := newTestCache(t, Options{})
	values := map[string][]byte{}
	for i := range 200 {
		values[fmt.Sprint("k", i)] = fmt.Appendf(nil, "v%d", i)
	}
	require.NoError(t, c.SetMany(maps.All(values)))
	require.Equal(t, 200, c.Len())
	require.Equal(t, values, maps.Collect(c.All()))
	require.NoError(t, c.SetMany(func(yield func(string, []byte) bool) {
		_ = yield("twice", []byte("1")) && yield("twice", []byte("2"))
	}))
	holds(t, c, "twice", "2")
	require.NoError(t, c.SetMany(maps.All(map[string][]byte(nil))))

	// The pairs may come from the cache itself.
	require.NoError(t, c.SetMany(c.All()))
	require.Equal(t, 201, c.Len())
}

// TestSetManyIsAtomic looks for halves of it, by GetMany and in snapshots.
func TestSetManyIsAtomic(t *testing.T) {
	c := newTestCache(t, Options{Shards: 8})
	keys := []string{"a", "b", "c", "d", "e", "f"}
	set := func(v string) error {
		return c.SetMany(func(yield func(string, []byte) bool) {
			for _, k := range keys {
				if !yield(k, []byte(v)) {
					return
				}
			}
		})
	}
	require.NoError(t, set("0"))
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := range 300 {
				if err := set(fmt.Sprint(w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 300 {
		read := c.GetMany
		if i%10 == 0 {
			snap, err := c.Snapshot()
			require.NoError(t, err)
			defer snap.Close()
			read = snap.GetMany
		}
		v, err := read(keys...)
		require.NoError(t, err)
		for _, w := range v {
			require.Equal(t, string(v[0]), string(w))
		}
	}
	wg.Wait()
}

func TestGetDelAndGetEx(t *testing.T) {
	clock := newTestClock()
	c := newTestCache(t, Options{Now: clock.now})
	mustSet(t, c, "k", "v")
	mustSet(t, c, "empty", "")
	v, err := c.GetEx("k", time.Minute)
	require.NoError(t, err)
	require.Equal(t, "v", string(v))
	ttl, err := c.TTL("k")
	require.NoError(t, err)
	require.Equal(t, time.Minute, ttl)
	v, err = c.GetEx("empty", NoExpiry)
	require.NoError(t, err)
	require.Equal(t, []byte{}, v)
	_, err = c.GetEx("k", NoExpiry)
	require.NoError(t, err)
	ttl, err = c.TTL("k")
	require.NoError(t, err)
	require.Equal(t, NoExpiry, ttl)
	for _, ttl := range []time.Duration{0, -1, math.MinInt64} {
		_, err = c.GetEx("k", ttl)
		require.ErrorIs(t, err, ErrInvalid)
	}
	_, err = c.GetEx("absent", time.Second)
	require.Equal(t, ErrNotFound, err)

	v, err = c.GetDel("k")
	require.NoError(t, err)
	require.Equal(t, "v", string(v))
	v, err = c.GetDel("k")
	require.Equal(t, ErrNotFound, err)
	require.Nil(t, v)
	v, err = c.GetDel("empty")
	require.NoError(t, err)
	require.Equal(t, []byte{}, v)
	require.Zero(t, c.Len())
}

func TestRanges(t *testing.T) {
	c := newTestCache(t, Options{})
	mustSet(t, c, "k", "Hello, world")
	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()
	for _, tt := range []struct {
		first, last int
		want        string
	}{
		{0, -1, "Hello, world"}, {0, 4, "Hello"}, {-5, -1, "world"}, {7, 100, "world"}, {5, 3, ""}, {100, 200, ""},
		{-100, 0, "H"}, {-100, -100, "H"}, {-1, -3, ""}, {math.MinInt, math.MaxInt, "Hello, world"}, {math.MaxInt, math.MinInt, ""},
	} {
		for _, read := range []func(string, int, int) ([]byte, error){c.GetRange, snap.GetRange} {
			v, err := read("k", tt.first, tt.last)
			require.NoError(t, err)
			require.NotNil(t, v)
			require.Equal(t, tt.want, string(v), tt)
			v, err = read("absent", tt.first, tt.last)
			require.NoError(t, err)
			require.Equal(t, []byte{}, v)
		}
	}
	n, err := c.SetRange("k", 7, []byte("there"))
	require.NoError(t, err)
	require.Equal(t, 12, n)
	holds(t, c, "k", "Hello, there")
	n, err = c.SetRange("k", 14, []byte("!"))
	require.NoError(t, err)
	require.Equal(t, 15, n)
	holds(t, c, "k", "Hello, there\x00\x00!")
	n, err = c.SetRange("absent", 5, nil)
	require.NoError(t, err)
	require.Zero(t, n)
	holds(t, c, "absent", "")
	_, err = c.SetRange("k", -1, []byte("x"))
	require.ErrorIs(t, err, ErrInvalid)
	_, err = c.SetRange("k", 512<<20, []byte("x"))
	require.ErrorIs(t, err, ErrTooLong)
	_, err = c.SetRange("k", math.MaxInt, []byte("x"))
	require.ErrorIs(t, err, ErrTooLong)
	n, err = c.StrLen("k")
	require.NoError(t, err)
	require.Equal(t, 15, n)
	n, err = c.StrLen("absent")
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestAppend(t *testing.T) {
	c := newTestCache(t, Options{})
	want := ""
	for i := range 200 {
		tail := strings.Repeat("x", i)
		want += tail
		n, err := c.Append("k", []byte(tail))
		require.NoError(t, err)
		require.Equal(t, len(want), n)
		if i%50 == 0 {
			_, err := c.Expire("k", time.Hour)
			require.NoError(t, err)
		}
	}
	holds(t, c, "k", want)
	at, err := c.ExpireTime("k")
	require.NoError(t, err)
	require.False(t, at.IsZero())
}

func TestIncr(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, tt := range []struct {
		before string
		by     int64
		want   int64
		err    error
	}{
		{"", 5, 5, nil}, {"", 0, 0, nil}, {"10", -20, -10, nil}, {"-1", math.MinInt64 + 1, math.MinInt64, nil},
		{"9223372036854775806", 1, math.MaxInt64, nil}, {"9223372036854775807", 1, 0, ErrOverflow},
		{"-2", math.MinInt64, 0, ErrOverflow}, {"x", 1, 0, ErrNotInteger}, {" 1", 1, 0, ErrNotInteger},
		{"1.0", 1, 0, ErrNotInteger}, {"9223372036854775808", -1, 0, ErrNotInteger}, {"01", 1, 0, ErrNotInteger},
	} {
		_, err := c.Del("k")
		require.NoError(t, err)
		if tt.before != "" {
			mustSet(t, c, "k", tt.before)
		}
		n, err := c.Incr("k", tt.by)
		require.Equal(t, tt.err, err, tt)
		require.Equal(t, tt.want, n, tt)
		if err != nil {
			holds(t, c, "k", tt.before)
		} else {
			holds(t, c, "k", fmt.Sprint(tt.want))
		}
	}
}

func TestIncrFloat(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, tt := range []struct {
		before string
		by     float64
		want   float64
		stored string
		err    error
	}{
		{"", 0.1, 0.1, "0.1", nil}, {"0.2", 0.1, 0.3, "0.3", nil}, {"10.50", -10.5, 0, "0", nil}, {"5e3", 200, 5200, "5200", nil},
		{"x", 1, 0, "", ErrNotFloat}, {"1", math.NaN(), 0, "", ErrNotFloat}, {"1", math.Inf(1), 0, "", ErrNaN},
		{"1", math.Inf(-1), 0, "", ErrNaN}, {"", 1e300, 1e300, "", nil}, {"1.7e308", 1.7e308, math.Inf(1), "", nil},
	} {
		_, err := c.Del("k")
		require.NoError(t, err)
		if tt.before != "" {
			mustSet(t, c, "k", tt.before)
		}
		f, err := c.IncrFloat("k", tt.by)
		require.Equal(t, tt.err, err, tt)
		require.Equal(t, tt.want, f, tt)
		switch {
		case err != nil:
			holds(t, c, "k", tt.before)
		case tt.stored != "":
			holds(t, c, "k", tt.stored)
		}
	}
}

// TestTooLong lowers the bound, so that the test needs no memory.
func TestTooLong(t *testing.T) {
	c := newTestCache(t, Options{})
	_, err := c.Do(t.Context(), "CONFIG", "SET", "proto-max-bulk-len", "1mb")
	require.NoError(t, err)
	mustSet(t, c, "k", "v")
	long := make([]byte, 1<<20+1)
	key := string(long)
	require.NoError(t, c.Set("fits", long[1:]))
	for name, run := range map[string]func() error{
		"Set":             func() error { return c.Set("k", long) },
		"Set, key":        func() error { return c.Set(key, nil) },
		"SetWith":         func() error { _, err := c.SetWith("k", long, SetOptions{}); return err },
		"Swap":            func() error { _, err := c.Swap("k", long); return err },
		"SetMany":         func() error { return c.SetMany(maps.All(map[string][]byte{"k": long})) },
		"Append, at once": func() error { _, err := c.Append("k", long); return err },
		"Append":          func() error { _, err := c.Append("k", long[1:]); return err },
		"SetRange":        func() error { _, err := c.SetRange("k", 1, long[1:]); return err },
		"Incr":            func() error { _, err := c.Incr(key, 1); return err },
		"IncrFloat":       func() error { _, err := c.IncrFloat(key, 1); return err },
		"Rename":          func() error { return c.Rename("k", key) },
		"CopyNew":         func() error { _, err := c.CopyNew("k", key); return err },
	} {
		require.Equal(t, ErrTooLong, run(), name)
	}
	holds(t, c, "k", "v")
}

// TestOutOfMemory fills a cache: what adds is refused, what reads and removes goes on.
func TestOutOfMemory(t *testing.T) {
	c := newTestCache(t, Options{MaxMemory: 8 << 20, Shards: 16})
	value := make([]byte, 1000)
	n := 0
	for ; ; n++ {
		if err := c.Set(fmt.Sprint(n), value); err != nil {
			require.Equal(t, ErrOutOfMemory, err)
			break
		}
		require.Less(t, n, 20_000, "the limit is not kept")
	}
	for name, run := range map[string]func() error{
		"Set, present": func() error { return c.Set("0", nil) },
		"SetWith":      func() error { _, err := c.SetWith("0", nil, SetOptions{}); return err },
		"Swap":         func() error { _, err := c.Swap("0", nil); return err },
		"SetMany":      func() error { return c.SetMany(maps.All(map[string][]byte{"a": nil, "b": nil})) },
		"Append":       func() error { _, err := c.Append("0", value); return err },
		"SetRange":     func() error { _, err := c.SetRange("0", 0, value); return err },
		"Incr":         func() error { _, err := c.Incr("a", 1); return err },
		"IncrFloat":    func() error { _, err := c.IncrFloat("a", 1); return err },
		"Copy":         func() error { return c.Copy("0", "a") },
	} {
		require.Equal(t, ErrOutOfMemory, run(), name)
	}
	require.Equal(t, n, c.Len())
	holds(t, c, "0", string(value))
	_, err := c.Expire("0", time.Hour)
	require.NoError(t, err)
	require.NoError(t, c.Rename("0", "a"))
	for i := range 400 {
		_, err := c.Del(fmt.Sprint(i))
		require.NoError(t, err)
	}
	require.NoError(t, c.Set("room", value))
	c.SetMaxMemory(1)
	require.Equal(t, ErrOutOfMemory, c.Set("room", value))
	c.SetMaxMemory(0)
	require.NoError(t, c.Set("room", value))
}

// TestLargeValues reads values that are pinned for it, whole, while they are overwritten, edited and removed.
func TestLargeValues(t *testing.T) {
	c := newTestCache(t, Options{Shards: 1})
	const size = 3 * pinFrom
	fill := func(b byte) []byte { return bytes.Repeat([]byte{b}, size) }
	require.NoError(t, c.Set("k", fill('0')))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			var buf []byte
			for {
				select {
				case <-done:
					return
				default:
				}
				var err error
				if buf, err = c.AppendGet(buf[:0], "k"); err == ErrNotFound {
					continue
				}
				if err != nil || len(buf) < size || bytes.Count(buf[:size], buf[:1]) != size {
					t.Errorf("%v: %d bytes, not all alike", err, len(buf))
					return
				}
			}
		})
	}
	for i := range 300 {
		switch i % 4 {
		case 0:
			require.NoError(t, c.Set("k", fill(byte('a'+i%26))))
		case 1:
			_, err := c.Append("k", []byte("tail"))
			require.NoError(t, err)
		case 2:
			_, err := c.Del("k")
			require.NoError(t, err)
			require.NoError(t, c.Set(fmt.Sprint(i%10), fill('z')))
		case 3:
			require.NoError(t, c.Set("k", fill(byte('A'+i%26))))
			_, err := c.SetRange("k", 0, fill('x'))
			require.NoError(t, err)
		}
	}
	close(done)
	wg.Wait()
	require.NoError(t, c.Flush())
	var st Stats
	c.Stats(&st)
	require.Zero(t, st.SnapshotBytes)
	require.Zero(t, st.EntryBytes)
}

// TestPinnedReadHoldsNothing writes to the shard while a large value is being read from it.
func TestPinnedReadHoldsNothing(t *testing.T) {
	c := newTestCache(t, Options{Shards: 1})
	value := bytes.Repeat([]byte{'v'}, pinFrom+1)
	require.NoError(t, c.Set("k", value))
	s, h := c.hold([]byte("k"))
	db, err := s.db(0)
	require.NoError(t, err)
	v := db.Find(h, []byte("k")).Value()
	pin, err := s.data.Pin()
	require.NoError(t, err)
	s.unlock()

	_, err = c.Del("k") // the shard is free
	require.NoError(t, err)
	require.NoError(t, c.Set("other", bytes.Repeat([]byte{'o'}, pinFrom+1)))
	require.Equal(t, value, v)

	s.lock()
	for s.data.Unpin(pin) {
	}
	s.unlock()
	var st Stats
	c.Stats(&st)
	require.Zero(t, st.SnapshotBytes)
}

// TestCloseUnderReads closes caches that are being read and written: every call works or says ErrClosed.
func TestCloseUnderReads(t *testing.T) {
	for range 10 {
		c, err := New(Options{Shards: 2})
		require.NoError(t, err)
		value := make([]byte, 4*pinFrom)
		require.NoError(t, c.Set("k", value))
		var wg sync.WaitGroup
		started := make(chan struct{}, 4)
		for g := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					if i == 3 {
						started <- struct{}{}
					}
					var err error
					switch g {
					case 0, 1:
						_, err = c.Get("k")
					case 2:
						err = c.Set("k", value)
					case 3:
						for range c.All() {
						}
						_, err = c.GetMany("k", "l")
					}
					if err != nil {
						if err != ErrClosed {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		for range 4 {
			<-started
		}
		require.NoError(t, c.Close())
		wg.Wait()
		require.NoError(t, c.Close())
	}
}

// TestContainedPanic makes a method fail by a defect: it is an error, counted, and the cache goes on.
func TestContainedPanic(t *testing.T) {
	c := newTestCache(t, Options{Shards: 4, Now: func() time.Time { return time.Unix(1e9, 0) }})
	mustSet(t, c, "k", "v")
	none := make([]int, len(c.shards)-4)
	boom := func() { none[0]++ }
	require.Panics(t, boom)
	err := c.look("k", func(*keyspace.DB, keyspace.Item) error { boom(); return nil })
	require.Equal(t, ErrInternal, err)
	err = c.onKeys([]string{"k", "a", "b", "c"}, func(int, keyspace.Target) error { boom(); return nil })
	require.Equal(t, ErrInternal, err)
	var st Stats
	c.Stats(&st)
	require.EqualValues(t, 2, st.Panics)
	holds(t, c, "k", "v")
	require.Equal(t, []string{"k"}, slices.Collect(c.Keys("*")))
}
