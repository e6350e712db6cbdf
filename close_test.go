package darter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/config"
)

func TestClosedCache(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 4})
	require.NoError(t, err)
	fill(t, c, 100, 20, 'a')
	s := takeSnapshot(t, c)
	user := c.NewSession()
	var file bytes.Buffer
	require.NoError(t, c.Save(&file))
	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "closing twice")

	ctx := context.Background()
	_, err = c.Get("key:1")
	require.ErrorIs(t, err, darter.ErrClosed)
	require.ErrorIs(t, c.Set("key:1", nil), darter.ErrClosed)
	require.ErrorIs(t, c.View("key:1", func([]byte) error { return nil }), darter.ErrClosed)
	require.ErrorIs(t, c.DB(3).Set("key:1", nil), darter.ErrClosed)
	_, err = c.Snapshot()
	require.ErrorIs(t, err, darter.ErrClosed)
	require.ErrorIs(t, c.Save(io.Discard), darter.ErrClosed)
	require.ErrorIs(t, c.Load(&file), darter.ErrClosed)
	require.ErrorIs(t, c.SaveFile(filepath.Join(t.TempDir(), "f")), darter.ErrClosed)
	require.ErrorIs(t, s.Save(io.Discard), darter.ErrClosed)
	require.Zero(t, countEntries(s))
	require.Zero(t, s.Len())
	s.Close()

	// Whatever is asked of a closed cache, nothing crashes; what touches a key says why it can't.
	for _, command := range []string{"GET k", "SET k v", "MSET a 1 b 2", "MGET a b", "DEL a b", "APPEND k v", "RENAME a b",
		"COPY a b DB 2", "TTL k"} {
		_, err := user.Do(ctx, split(command)...)
		require.Error(t, err, command)
		require.True(t, errors.Is(err, darter.ErrClosed), "%s: %v", command, err)
	}
	for _, command := range []string{"KEYS *", "SCAN 0", "RANDOMKEY", "DBSIZE", "FLUSHALL", "FLUSHDB ASYNC", "SWAPDB 0 1", "INFO",
		"MEMORY STATS", "MEMORY PURGE", "MEMORY DOCTOR", "SELECT 2", "TIME", "LASTSAVE", "CONFIG RESETSTAT", "MEMORY USAGE k",
		"OBJECT ENCODING k", "MOVE k 3", "PING"} {
		_, err := user.Do(ctx, split(command)...)
		require.NotErrorIs(t, err, darter.ErrInternal, command)
	}
	user.Close()
	require.Zero(t, statsOf(c).Panics)
}

func split(command string) (args []any) {
	for _, w := range strings.Fields(command) {
		args = append(args, w)
	}
	return args
}

// TestCloseUnderLoad closes caches while everything is being done to them.
func TestCloseUnderLoad(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	source := filledCache(t, darter.Options{Shards: 4}, 3000, 100)
	var file bytes.Buffer
	require.NoError(t, source.Save(&file))
	for round := range 5 {
		closeUnderLoad(t, round, file.Bytes())
	}
	require.NoError(t, source.Close())
	until(func() bool { return runtime.NumGoroutine() <= goroutines })
}

func closeUnderLoad(t *testing.T, round int, file []byte) {
	conf, err := config.New(config.Standard())
	require.NoError(t, err)
	_, err = conf.Load([]string{"--dir", t.TempDir()}, nil)
	require.NoError(t, err)
	c, err := darter.New(darter.Options{Shards: 8, Databases: 4, Config: conf})
	require.NoError(t, err)
	fill(t, c, 2000, 100, 'a')
	var snapshots []*darter.Snapshot
	for range 3 {
		snapshots = append(snapshots, takeSnapshot(t, c))
		fill(t, c, 500, 100, 'b')
	}
	ctx := context.Background()
	fine := func(err error) bool {
		if err != nil && !errors.Is(err, darter.ErrClosed) && !errors.Is(err, darter.ErrNotFound) {
			t.Error(err)
		}
		return !errors.Is(err, darter.ErrClosed)
	}
	var group, going sync.WaitGroup
	run := func(fn func(i int) bool) {
		going.Add(1)
		group.Go(func() {
			for i := 0; ; i++ {
				more := fn(i)
				if i == 0 {
					going.Done()
				}
				if !more {
					return
				}
			}
		})
	}
	open := func() bool { return fine(c.DB(3).Set("probe", nil)) }
	run(func(i int) bool { return fine(c.Set(fmt.Sprintf("key:%d", i%5000), file[:i%500])) })
	run(func(i int) bool {
		_, err := c.Get(fmt.Sprintf("key:%d", i%5000))
		return fine(err)
	})
	run(func(i int) bool {
		_, err := c.Do(ctx, "MSET", i%100, i, "x", i)
		return fine(err)
	})
	run(func(int) bool { return fine(c.Save(io.Discard)) })
	run(func(int) bool { return fine(c.Load(bytes.NewReader(file))) })
	run(func(int) bool {
		s, err := c.Snapshot()
		if err != nil {
			return fine(err)
		}
		countEntries(s)
		for range s.Diff(snapshots[0]) {
			continue
		}
		s.Close()
		return true
	})
	for _, s := range snapshots {
		run(func(int) bool {
			runtime.Gosched()
			return countEntries(s) > 0
		})
	}
	for _, commands := range [][]string{
		{"KEYS *", "SCAN 0 COUNT 1000", "DBSIZE", "RANDOMKEY"},
		{"FLUSHDB ASYNC", "SWAPDB 0 1", "FLUSHALL ASYNC", "FLUSHALL"},
		{"INFO", "MEMORY STATS", "MEMORY PURGE", "BGSAVE"},
		{"PEXPIRE key:1 1", "EXPIRE key:2 100", "SET key:3 v PX 1"},
	} {
		run(func(i int) bool {
			_, err := c.Do(ctx, split(commands[i%len(commands)])...)
			if err != nil && strings.Contains(err.Error(), "already in progress") {
				err = nil
			}
			return fine(err) && (i%5 != 0 || open())
		})
	}
	going.Wait()
	for range round {
		runtime.Gosched()
	}
	require.NoError(t, c.Close())
	group.Wait()
	for _, s := range snapshots {
		s.Close()
	}
	require.Zero(t, statsOf(c).Panics)
}

func TestBadOptions(t *testing.T) {
	for _, o := range []darter.Options{{Shards: -1}, {Shards: 1025}, {Databases: -1}, {Databases: 1025}, {MaxMemory: -1}} {
		c, err := darter.New(o)
		require.ErrorContains(t, err, "darter: Options.")
		require.Nil(t, c)
	}
	for _, o := range []darter.Options{{Shards: 1}, {Shards: 3}, {Shards: 1024, Databases: 1}, {Databases: 1024, Shards: 2}} {
		c, err := darter.New(o)
		require.NoError(t, err)
		require.NoError(t, c.Set("k", []byte("v")))
		require.NoError(t, c.Close())
	}
}

// A script that waits for another's shard does not run once the cache is being closed.
func TestCloseEndsScriptsThatWait(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 1})
	require.NoError(t, err)
	const script = "redis.call('SET', KEYS[1], ARGV[1]) redis.call('PUBLISH', 'c', 'm') while true do end"
	ended := make(chan any, 2)
	for i := range 2 {
		go func() { ended <- do(c.NewSession(), "EVAL", script, 1, "k", i) }()
	}
	time.Sleep(50 * time.Millisecond) // one runs by then, most likely, and the other waits
	closed := make(chan error)
	go func() { closed <- c.Close() }()
	select {
	case err := <-closed:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("it is never closed")
	}
	for range 2 {
		require.Contains(t, <-ended, darter.ErrClosed.Error())
	}
}
