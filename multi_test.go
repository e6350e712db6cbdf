package darter_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// do runs a command and returns its reply, or the error's text.
func do(s *darter.Session, args ...any) any {
	v, err := s.Do(context.Background(), args...)
	if err != nil {
		return err.Error()
	}
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return v
}

func TestMulti(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 8})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s, other := c.NewSession(), c.NewSession()
	defer s.Close()

	require.Equal(t, "OK", do(s, "MULTI"))
	require.Equal(t, "QUEUED", do(s, "SET", "a", "1"))
	require.Equal(t, "QUEUED", do(s, "INCR", "a"))
	require.Equal(t, "QUEUED", do(s, "LCS", "a"+"b", "c"))
	require.Equal(t, "QUEUED", do(s, "SETRANGE", "a", -1, "x"))
	require.Equal(t, "QUEUED", do(s, "KEYS", "*"))
	require.Equal(t, "QUEUED", do(s, "DBSIZE"))
	require.Nil(t, do(other, "GET", "a"))
	require.Equal(t, []any{
		"OK", int64(2), []byte{}, darter.ReplyError("ERR offset is out of range"), []any{[]byte("a")}, int64(1),
	}, do(s, "EXEC"))
	require.Equal(t, "ERR EXEC without MULTI", do(s, "EXEC"))
	require.Equal(t, "ERR DISCARD without MULTI", do(s, "DISCARD"))

	require.Equal(t, "OK", do(s, "MULTI"))
	require.Equal(t, "ERR MULTI calls can not be nested", do(s, "MULTI"))
	require.Equal(t, "ERR WATCH inside MULTI is not allowed", do(s, "WATCH", "a"))
	require.Equal(t, []any{}, do(s, "EXEC"))

	require.Equal(t, "OK", do(s, "MULTI"))
	require.Equal(t, "ERR wrong number of arguments for 'get' command", do(s, "GET"))
	require.Equal(t, "EXECABORT Transaction discarded because of previous errors.", do(s, "EXEC"))
	require.Equal(t, "2", do(s, "GET", "a"))

	require.Equal(t, "OK", do(s, "MULTI"))
	require.Equal(t, "QUEUED", do(s, "SET", "a", "9"))
	require.Equal(t, "OK", do(s, "DISCARD"))
	require.Equal(t, "2", do(s, "GET", "a"))

	require.Equal(t, "OK", do(s, "MULTI"))
	require.Equal(t, "QUEUED", do(s, "FLUSHALL"))
	require.Equal(t, "QUEUED", do(s, "SET", "b", "1"))
	require.Equal(t, "QUEUED", do(s, "SWAPDB", 0, 1))
	require.Equal(t, []any{"OK", "OK", "OK"}, do(s, "EXEC"))
	require.Equal(t, int64(0), do(s, "DBSIZE"))
	require.Equal(t, "OK", do(s, "SELECT", 1))
	require.Equal(t, "1", do(s, "GET", "b"))
}

func TestWatch(t *testing.T) {
	clock := newSimClock()
	c, err := darter.New(darter.Options{Shards: 4, Now: clock.Now})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	for _, tt := range []struct {
		name    string
		between func(s, other *darter.Session)
		spoiled bool
	}{
		{"nothing", func(_, _ *darter.Session) {}, false},
		{"another key", func(_, o *darter.Session) { do(o, "SET", "other", "x") }, false},
		{"no change", func(_, o *darter.Session) { do(o, "SETNX", "there", "x") }, false},
		{"an absent key deleted", func(_, o *darter.Session) { do(o, "DEL", "absent") }, false},
		{"set", func(_, o *darter.Session) { do(o, "SET", "there", "1") }, true},
		{"set by itself", func(s, _ *darter.Session) { do(s, "SET", "there", "1") }, true},
		{"added", func(_, o *darter.Session) { do(o, "SET", "absent", "1") }, true},
		{"deleted", func(_, o *darter.Session) { do(o, "DEL", "there") }, true},
		{"renamed onto", func(_, o *darter.Session) { do(o, "RENAME", "third", "absent") }, true},
		{"its expiry set", func(_, o *darter.Session) { do(o, "EXPIRE", "there", 1000) }, true},
		{"expired", func(_, _ *darter.Session) { clock.ms.Add(200) }, true},
		{"flushed", func(_, o *darter.Session) { do(o, "FLUSHDB") }, true},
		{"another database flushed", func(_, o *darter.Session) { do(o, "SELECT", 3); do(o, "FLUSHDB") }, false},
		{"swapped", func(_, o *darter.Session) { do(o, "SWAPDB", 0, 5) }, true},
		{"unwatched", func(s, o *darter.Session) { do(o, "SET", "there", "1"); do(s, "UNWATCH") }, false},
		{"in another's EXEC", func(_, o *darter.Session) { do(o, "MULTI"); do(o, "SET", "there", "2"); do(o, "EXEC") }, true},
		{"in an Update", func(_, _ *darter.Session) {
			require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
				return tx.Set("there", []byte("3"))
			}))
		}, true},
		{"in an Update undone", func(_, _ *darter.Session) {
			require.Error(t, c.Update(context.Background(), func(tx *darter.Tx) error {
				require.NoError(t, tx.Set("there", []byte("3")))
				return errUndo
			}))
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.NoError(t, c.FlushAll())
			s, other := c.NewSession(), c.NewSession()
			defer s.Close()
			do(other, "SET", "there", "0")
			do(other, "SET", "third", "0")
			do(other, "SET", "brief", "0", "PX", 100)
			require.Equal(t, "OK", do(s, "WATCH", "there", "absent", "brief"))
			tt.between(s, other)
			do(s, "MULTI")
			do(s, "SET", "done", "1")
			if tt.spoiled {
				require.Nil(t, do(s, "EXEC"))
				require.Nil(t, do(s, "GET", "done"))
			} else {
				require.Equal(t, []any{"OK"}, do(s, "EXEC"))
			}
			// What EXEC ends is ended.
			do(other, "SET", "there", "again")
			do(s, "MULTI")
			require.Equal(t, []any{}, do(s, "EXEC"))
		})
	}
}

// Sessions that each add one by WATCH, GET, MULTI, SET, EXEC lose no addition.
func TestWatchLosesNothing(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 4})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	require.NoError(t, c.Set("n", []byte("0")))
	const workers, each = 4, 200
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			s := c.NewSession()
			defer s.Close()
			for done := 0; done < each; {
				do(s, "WATCH", "n")
				var n int
				_, err := fmt.Sscan(do(s, "GET", "n").(string), &n)
				require.NoError(t, err)
				do(s, "MULTI")
				do(s, "SET", "n", n+1)
				if do(s, "EXEC") != nil {
					done++
				}
			}
		})
	}
	wg.Wait()
	v, err := c.Get("n")
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(workers*each), string(v))
}

// TestMultiOutOfMemory tells where a transaction and a script are refused when memory has run out: at once, and as a whole.
func TestMultiOutOfMemory(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	const oom = "OOM command not allowed when used memory > 'maxmemory'."

	do(s, "FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
	do(s, "SET", "big", make([]byte, 2<<20))
	do(s, "MULTI")
	do(s, "DEL", "big")
	do(s, "SET", "a", "1")
	c.SetMaxMemory(1 << 20)

	require.Equal(t, "EXECABORT Transaction discarded because of: "+oom, do(s, "EXEC"))
	require.Equal(t, "ERR EXEC without MULTI", do(s, "EXEC"))
	require.Equal(t, int64(1), do(s, "EXISTS", "big"))

	require.Equal(t, oom, do(s, "EVAL", "#!lua\nreturn 1", 0))
	require.Equal(t, oom, do(s, "FCALL", "f", 0))
	require.Equal(t, int64(1), do(s, "EVAL", "#!lua flags=allow-oom\nreturn 1", 0))

	do(s, "MULTI")
	do(s, "DEL", "big")
	require.Equal(t, []any{int64(1)}, do(s, "EXEC"))
}

// TestRefusedByDo asks for what is no command, or not whole: that is an error reply too.
func TestRefusedByDo(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	for _, args := range [][]any{{"NOPE"}, {"GET"}, {"HGET", "k"}} {
		_, err := c.Do(context.Background(), args...)
		require.ErrorAs(t, err, new(darter.ReplyError), "%v", args)
	}
}
