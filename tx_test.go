package darter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/config"
)

// content returns all keys of the first two databases with what they hold and their times of expiry.
func content(t *testing.T, c *darter.Cache) map[string]string {
	t.Helper()
	all := map[string]string{}
	s := c.NewSession()
	defer s.Close()
	for n := range 2 {
		require.NoError(t, s.SetDB(n))
		for _, k := range do(s, "KEYS", "*").([]any) {
			key := string(k.([]byte))
			kind := do(s, "TYPE", key).(string)
			read := map[string][]any{
				"string": {"GET", key}, "list": {"LRANGE", key, 0, -1}, "hash": {"HGETALL", key}, "set": {"SMEMBERS", key},
				"zset": {"ZRANGE", key, 0, -1, "WITHSCORES"}, "stream": {"XRANGE", key, "-", "+"},
			}[kind]
			var parts []string
			switch v := do(s, read...).(type) {
			case string:
				parts = []string{v}
			case darter.Map:
				for _, p := range v {
					parts = append(parts, fmt.Sprintf("%s", p))
				}
			case []any:
				for _, p := range v {
					parts = append(parts, fmt.Sprintf("%s", p))
				}
			}
			if kind == "set" || kind == "hash" {
				slices.Sort(parts)
			}
			all[fmt.Sprint(n, " ", key)] = fmt.Sprint(kind, " ", do(s, "PEXPIRETIME", key), " ", strings.Join(parts, ","))
		}
	}
	return all
}

var errUndo = errors.New("undo it")

// act does something at random to the cache, or to a transaction.
func act(t *testing.T, r *rand.Rand, s *darter.Session) {
	t.Helper()
	key := func() string { return fmt.Sprintf("key:%d", r.IntN(40)) }
	commands := [][]any{
		{"SET", key(), fmt.Sprint(r.Uint64())},
		{"SET", key(), make([]byte, r.IntN(400)), "PX", 1 + r.IntN(1_000_000)},
		{"APPEND", key(), "tail"},
		{"DEL", key(), key()},
		{"RENAME", key(), key()},
		{"COPY", key(), key(), "REPLACE"},
		{"COPY", key(), key(), "DB", 1, "REPLACE"},
		{"MOVE", key(), 1},
		{"EXPIRE", key(), 1000},
		{"PERSIST", key()},
		{"GETDEL", key()},
		{"SETRANGE", key(), r.IntN(100), "part"},
		{"MSET", key(), "a", key(), "b"},
		{"RPUSH", key(), r.IntN(9), "b", "c"},
		{"RPUSH", "big:list", make([]byte, 2000), make([]byte, 3000), r.IntN(1000)},
		{"LPOP", "big:list", r.IntN(4)},
		{"LPOP", key()},
		{"HSET", key(), r.IntN(9), "v", "g", r.IntN(9)},
		{"HSET", "big:hash", r.IntN(2000), make([]byte, 70), r.IntN(2000), "x"},
		{"HDEL", "big:hash", r.IntN(2000), r.IntN(2000)},
		{"SADD", key(), r.IntN(9), "m", r.IntN(9)},
		{"SADD", "big:set", fmt.Sprint("m", r.IntN(500)), make([]byte, 80), fmt.Sprint("m", r.IntN(500))},
		{"SPOP", "big:set", r.IntN(5)},
		{"SUNIONSTORE", key(), "big:set", key()},
		{"ZADD", key(), r.IntN(9), "m", r.IntN(9), "n"},
		{"ZADD", "big:zset", r.IntN(500), fmt.Sprint(r.IntN(500)), r.IntN(500), make([]byte, 80)},
		{"ZREMRANGEBYRANK", "big:zset", 0, r.IntN(4)},
		{"ZUNIONSTORE", key(), 2, "big:zset", key()},
		{"XADD", "stream", "*", "f", r.IntN(9)},
		{"XTRIM", "stream", "MAXLEN", r.IntN(9)},
		{"RENAME", []string{"big:list", "big:hash", "big:set", "big:zset"}[r.IntN(4)], key()},
		{"RENAME", key(), []string{"big:list", "big:hash", "big:set", "big:zset"}[r.IntN(4)]},
		{"COPY", []string{"big:list", "big:hash", "big:set", "big:zset"}[r.IntN(4)], key()},
		{"DEL", []string{"big:list", "big:hash", "big:set", "big:zset"}[r.IntN(4)]},
		{"SWAPDB", 0, 1},
		{"FLUSHDB"},
	}
	n := r.IntN(len(commands))
	if n >= len(commands)-2 && r.IntN(6) > 0 { // a flush too often would leave nothing to work on
		n = r.IntN(3)
	}
	// Some of them find nothing to work on.
	_, _ = s.Do(context.Background(), commands[n]...)
}

func TestRollbackLeavesNothing(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			c, err := darter.New(darter.Options{Shards: 4})
			require.NoError(t, err)
			defer func() { require.NoError(t, c.Close()) }()
			for range 40 {
				s := c.NewSession()
				for range r.IntN(30) {
					act(t, r, s)
				}
				before := content(t, c)
				undo := r.IntN(3) > 0
				err := c.Update(context.Background(), func(tx *darter.Tx) error {
					s := tx.NewSession()
					for range r.IntN(40) {
						act(t, r, s)
					}
					if undo {
						return errUndo
					}
					return nil
				})
				if undo {
					require.ErrorIs(t, err, errUndo)
					require.Equal(t, before, content(t, c))
				} else {
					require.NoError(t, err)
				}
			}
			require.NoError(t, c.FlushAll())
			requireNothingLeft(t, c)
		})
	}
}

// requireNothingLeft says that an empty cache holds no cells of keys.
func requireNothingLeft(t *testing.T, c *darter.Cache) {
	t.Helper()
	require.Eventually(t, func() bool {
		st := statsOf(c)
		return st.EntryBytes == 0 && st.ContainerBytes == 0
	}, time.Minute, time.Millisecond, "cells of keys were left")
}

func TestUpdateIsSeenWholeOrNotAtAll(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 8})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	const accounts, sum = 16, 1600
	name := func(i int) string { return fmt.Sprint("account:", i) }
	for i := range accounts {
		require.NoError(t, c.Set(name(i), []byte("100")))
	}
	total := func(get func(...string) ([][]byte, error)) int {
		var keys []string
		for i := range accounts {
			keys = append(keys, name(i))
		}
		values, err := get(keys...)
		require.NoError(t, err)
		n := 0
		for _, v := range values {
			var one int
			_, err := fmt.Sscan(string(v), &one)
			require.NoError(t, err)
			n += one
		}
		return n
	}
	var writers, readers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 2))
			for range 300 {
				from, to, much := name(r.IntN(accounts)), name(r.IntN(accounts)), int64(r.IntN(50))
				undo := r.IntN(4) == 0
				err := c.Update(context.Background(), func(tx *darter.Tx) error {
					if _, err := tx.Incr(from, -much); err != nil {
						return err
					}
					if _, err := tx.Incr(to, much); err != nil {
						return err
					}
					if undo {
						return errUndo
					}
					return nil
				})
				if undo {
					require.ErrorIs(t, err, errUndo)
				} else {
					require.NoError(t, err)
				}
			}
		})
	}
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s, err := c.Snapshot()
				require.NoError(t, err)
				require.Equal(t, sum, total(s.GetMany))
				s.Close()
				// A transaction that reads sees one state, too.
				require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
					require.Equal(t, sum, total(tx.GetMany))
					return nil
				}))
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	require.Equal(t, sum, total(c.GetMany))
}

func TestReadersSeeWhatIsCommitted(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	require.NoError(t, c.Set("changed", []byte("old")))
	require.NoError(t, c.Set("deleted", []byte("there")))
	written := make(chan struct{})
	require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
		require.NoError(t, tx.Set("changed", []byte("new")))
		require.NoError(t, tx.Set("added", []byte("new")))
		_, err := tx.Del("deleted")
		require.NoError(t, err)
		v, err := tx.Get("changed")
		require.NoError(t, err)
		require.Equal(t, "new", string(v))

		outside := make(chan struct{})
		go func() {
			defer close(outside)
			v, err := c.Get("changed")
			require.NoError(t, err)
			require.Equal(t, "old", string(v))
			_, err = c.Get("added")
			require.ErrorIs(t, err, darter.ErrNotFound)
			n, err := c.Exists("deleted", "added", "changed")
			require.NoError(t, err)
			require.Equal(t, 2, n)
		}()
		<-outside
		go func() {
			defer close(written)
			require.NoError(t, c.Set("changed", []byte("later")))
		}()
		return nil
	}))
	<-written
	v, err := c.Get("changed")
	require.NoError(t, err)
	require.Equal(t, "later", string(v))
}

func TestUpdateOfUpdate(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
		require.ErrorIs(t, tx.Update(context.Background(), func(*darter.Tx) error { return nil }), darter.ErrInvalid)
		return nil
	}))
}

// What waits for the end of all transactions is refused in one, which would wait for itself.
func TestNothingOfTheWholeCacheInATransaction(t *testing.T) {
	conf, err := config.New(config.Standard())
	require.NoError(t, err)
	_, err = conf.Load([]string{"--dir", t.TempDir(), "--enable-debug-command", "yes"}, nil)
	require.NoError(t, err)
	c, err := darter.New(darter.Options{Config: conf})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "f")
	require.NoError(t, c.SaveFile(path))
	require.NoError(t, c.Update(ctx, func(tx *darter.Tx) error {
		_, err := tx.Snapshot()
		for name, err := range map[string]error{
			"Snapshot": err, "Close": tx.Close(), "Save": tx.Save(io.Discard), "SaveFile": tx.SaveFile(path),
			"Load": tx.Load(strings.NewReader("")), "LoadFile": tx.LoadFile(path, nil), "of the database": tx.DB(1).Save(io.Discard),
		} {
			require.EqualError(t, err, "ERR not within a transaction", name)
		}
		for _, command := range []string{"SAVE", "DEBUG RELOAD", "DEBUG RELOAD NOSAVE"} {
			_, err := tx.Do(ctx, split(command)...)
			require.EqualError(t, err, "ERR not within a transaction", command)
		}
		return nil
	}))
	s := c.NewSession()
	defer s.Close()
	do(s, "MULTI")
	do(s, "DEBUG", "RELOAD")
	do(s, "BGSAVE")
	require.Equal(t, []any{darter.ReplyError("ERR not within a transaction"), "Background saving started"}, do(s, "EXEC"))
	require.Equal(t, "OK", do(s, "DEBUG", "RELOAD"))
}

// What a transaction does to whole databases and then undoes neither wakes those who wait nor spoils watches.
func TestUndoneFlushIsNotAnnounced(t *testing.T) {
	for _, text := range []string{"redis.call('SWAPDB', 0, 1)", "redis.call('FLUSHALL')", "redis.call('FLUSHDB')"} {
		t.Run(text, func(t *testing.T) {
			c, err := darter.New(darter.Options{Shards: 4, ScriptTime: 10 * time.Millisecond})
			require.NoError(t, err)
			defer func() { require.NoError(t, c.Close()) }()
			s := c.NewSession()
			defer s.Close()
			require.NoError(t, c.Set("watched", []byte("x")))
			do(s, "XGROUP", "CREATE", "stream", "g", "$", "MKSTREAM")
			do(s, "SELECT", 1)
			do(s, "RPUSH", "list", "there")
			do(s, "XADD", "stream", "1-1", "a", "b")
			do(s, "SELECT", 0)
			before := content(t, c)
			popped, first := later(t, c, "BLPOP", "list", 0)
			defer first.Close()
			read, second := later(t, c, "XREADGROUP", "GROUP", "g", "me", "BLOCK", 0, "STREAMS", "stream", ">")
			defer second.Close()
			require.Equal(t, "OK", do(s, "WATCH", "watched", "list"))

			_, err = c.Eval(context.Background(), text+" while true do end", nil)
			require.ErrorContains(t, err, "time limit")
			require.Equal(t, before, content(t, c))
			require.True(t, first.Blocked())
			require.True(t, second.Blocked())
			do(s, "MULTI")
			do(s, "GET", "watched")
			require.Equal(t, []any{[]byte("x")}, do(s, "EXEC"))

			// Done for good, it is heard of.
			require.Equal(t, "OK", do(s, "WATCH", "watched"))
			_, err = c.Eval(context.Background(), text, nil)
			require.NoError(t, err)
			do(s, "MULTI")
			require.Nil(t, do(s, "EXEC"))
			if strings.Contains(text, "SWAPDB") {
				require.Equal(t, pair("list", "there"), <-popped)
			}
			require.Contains(t, <-read, "NOGROUP")
			first.Unblock(false)
		})
	}
}

// Who needs many shards at once gets them, though there is always a script in one of them or another.
func TestManyShardsAreToBeHad(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 16})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	var stop atomic.Bool
	var scripts sync.WaitGroup
	for n := range 6 {
		scripts.Go(func() {
			s := c.NewSession()
			defer s.Close()
			for !stop.Load() {
				do(s, "EVAL", "redis.call('INCR', KEYS[1]) for i = 1, 200000 do end", 1, fmt.Sprint("key", n))
			}
		})
	}
	mset := []any{"MSET"}
	for n := range 60 {
		mset = append(mset, fmt.Sprint("key", n), "0")
	}
	s := c.NewSession()
	defer s.Close()
	require.True(t, eventually(func() bool { return do(s, "EXISTS", "key0", "key1", "key2", "key3", "key4", "key5") == int64(6) }))
	for range 3 {
		require.Equal(t, "OK", do(s, "SET", "key0", "0"))
		require.Equal(t, "OK", do(s, mset...))
		do(s, "MULTI")
		do(s, mset...)
		require.Equal(t, []any{"OK"}, do(s, "EXEC"))
		require.NoError(t, c.FlushAll())
	}
	stop.Store(true)
	scripts.Wait()
}
