package darter_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/redistest"
)

func TestScript(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 8})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	sha := do(s, "SCRIPT", "LOAD", "return redis.call('GET', KEYS[1])").(string)
	for _, tt := range []struct {
		args []any
		want any
	}{
		{[]any{"EVAL", "return 1", 0}, int64(1)},
		{[]any{"EVAL", "return {KEYS[1], ARGV[1]}", 1, "k", "v"}, []any{[]byte("k"), []byte("v")}},
		{[]any{"EVAL", "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])", 1, "k", "v"}, "v"},
		{[]any{"EVALSHA", sha, 1, "k"}, "v"},
		{[]any{"EVALSHA", "no", 0}, "NOSCRIPT No matching script. Please use EVAL."},
		{[]any{"EVAL", "return redis.call('SET', 'undeclared', 1)", 0}, "OK"},
		{[]any{"EVAL_RO", "return redis.call('GET', 'undeclared')", 0}, "1"},
		{[]any{"EVAL", "return redis.pcall('INCR', 'k').err", 0}, "ERR value is not an integer or out of range"},
		{[]any{"EVAL", "return 1", -1}, "ERR Number of keys can't be negative"},
		{[]any{"EVAL", "return 1", 5, "a"}, "ERR Number of keys can't be greater than number of args"},
		{[]any{"SCRIPT", "EXISTS", sha, "x"}, []any{int64(1), int64(0)}},
		{[]any{"EVAL", "return redis.call('BLPOP', 'empty', 0)", 0}, nil},
		{[]any{"EVAL", "redis.call('SELECT', 3) redis.call('SET', 'in3', 1) return 1", 0}, int64(1)},
		{[]any{"EXISTS", "in3"}, int64(0)},
		{[]any{"SCRIPT", "KILL"}, "NOTBUSY No scripts in execution right now."},
	} {
		require.Equal(t, tt.want, do(s, tt.args...), "%v", tt.args)
	}
	require.Contains(t, do(s, "EVAL", "return redis.call('MULTI')", 0), "not allowed from script")
	require.Contains(t, do(s, "EVAL_RO", "return redis.call('SET', 'x', 1)", 0), "Write commands are not allowed")
	do(s, "MULTI")
	do(s, "SET", "m", 1)
	do(s, "EVAL", "return redis.call('INCR', 'm')", 0)
	require.Equal(t, []any{"OK", int64(2)}, do(s, "EXEC"))
	do(s, "SCRIPT", "FLUSH")
	require.Equal(t, "NOSCRIPT No matching script. Please use EVAL.", do(s, "EVALSHA", sha, 0))
}

// A script that is killed leaves nothing; while it runs others read what was there before.
func TestKillLeavesNothing(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 8})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	for i := range 100 {
		require.NoError(t, c.Set(fmt.Sprint("k", i), []byte("old")))
	}
	require.NoError(t, c.Set("gone", []byte("there")))
	before := content(t, c)
	reply := make(chan any, 1)
	go func() {
		reply <- do(c.NewSession(), "EVAL", `
			for i = 0, 99 do redis.call('SET', 'k' .. i, 'new'); redis.call('RPUSH', 'list' .. i, i) end
			redis.call('DEL', 'gone')
			redis.call('PUBLISH', 'written', '1')
			while true do end`, 0)
	}()
	s := c.NewSession()
	require.Eventually(t, func() bool {
		v, err := c.Get("k99")
		require.NoError(t, err)
		require.Equal(t, "old", string(v))
		_, err = c.Get("gone")
		require.NoError(t, err)
		return do(s, "SCRIPT", "KILL") == "OK"
	}, time.Minute, 20*time.Millisecond)
	require.Contains(t, <-reply, "Script killed by user with SCRIPT KILL")
	require.Equal(t, before, content(t, c))
	require.NoError(t, c.FlushAll())
	requireNothingLeft(t, c)
}

// A kill is not lost when it meets a script that an event loop gives up, for somebody with more time to run again.
func TestKillBeforeRunAgain(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	killer := c.NewSession()
	for i := range 2000 {
		ended := make(chan any, 1)
		go func() {
			s := c.NewSession()
			defer s.Close()
			s.SetImpatient(true)
			// Each is new, so that it is tried.
			_, err := s.Do(context.Background(), "EVAL", fmt.Sprintf("local i = %d while true do i = i + 1 end", i), 0)
			if errors.Is(err, darter.ErrBusy) {
				s.SetImpatient(false)
				_, err = s.Do(context.Background(), "EVAL", fmt.Sprintf("local i = %d while true do i = i + 1 end", i), 0)
			}
			ended <- err
		}()
		// At any moment of the first run.
		for begin := time.Now(); time.Since(begin) < time.Duration(i%100)*10*time.Microsecond; {
			runtime.Gosched()
		}
		for do(killer, "SCRIPT", "KILL") != "OK" {
			runtime.Gosched()
		}
		select {
		case err := <-ended:
			require.ErrorContains(t, err.(error), "Script killed by user")
		case <-time.After(time.Minute):
			t.Fatal("the script goes on")
		}
	}
}

func TestScriptLimit(t *testing.T) {
	c, err := darter.New(darter.Options{ScriptTime: 20 * time.Millisecond})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	_, err = c.Eval(context.Background(), "redis.call('SET', 'a', 1) while true do end", nil)
	require.ErrorContains(t, err, "time limit")
	_, err = c.Get("a")
	require.ErrorIs(t, err, darter.ErrNotFound)
}

// Scripts that take their keys in different orders don't wait for each other for ever.
func TestScriptsDoNotDeadlock(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 16})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	const n, each = 4, 100
	done := make(chan struct{})
	for w := range n {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range each {
				order := "for i = 1, 20 do"
				if (w+i)%2 == 0 {
					order = "for i = 20, 1, -1 do"
				}
				_, err := c.Eval(context.Background(), order+" redis.call('INCR', 'n' .. i) end", nil)
				require.NoError(t, err)
			}
		}()
	}
	for range n {
		<-done
	}
	for i := 1; i <= 20; i++ {
		v, err := c.Get(fmt.Sprint("n", i))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(n*each), string(v))
	}
}

// A script that waits for somebody else's shard can be killed, and leaves nothing.
func TestKillWhileWaiting(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
		require.NoError(t, tx.Set("k", []byte("mine")))
		reply := make(chan any, 1)
		go func() {
			reply <- do(c.NewSession(), "EVAL", "redis.pcall('SET', 'k', 'other') redis.call('SET', 'l', 'other') while true do end", 0)
		}()
		s := c.NewSession()
		defer s.Close()
		require.True(t, eventually(func() bool { return do(s, "SCRIPT", "KILL") == "OK" }))
		require.Contains(t, <-reply, "Script killed by user with SCRIPT KILL")
		return nil
	}))
	v, err := c.Get("k")
	require.NoError(t, err)
	require.Equal(t, "mine", string(v))
	_, err = c.Get("l")
	require.ErrorIs(t, err, darter.ErrNotFound)
}

// The end of a context stops a script, with nothing left, and meets no other.
func TestContextStopsScripts(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 4, ScriptTime: 10 * time.Second})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	for _, script := range []string{
		"redis.call('SET', 'a', 1) while true do end",
		"#!lua flags=no-writes\nwhile true do redis.call('GET', 'a') end",
	} {
		for range 3 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
			_, err = s.Do(ctx, "EVAL", script, 0)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Nil(t, do(s, "EVAL", "return redis.call('GET', 'a')", 0))
		}
	}
	err = c.Update(context.Background(), func(tx *darter.Tx) error {
		require.NoError(t, tx.Set("b", []byte("2")))
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		defer cancel()
		_, err := tx.Eval(ctx, "while true do end", nil)
		return err
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = c.Get("b")
	require.ErrorIs(t, err, darter.ErrNotFound)
}

// A script that takes long is logged once, and not if nobody wants to know.
func TestLongScriptsAreLogged(t *testing.T) {
	log := &redistest.Output{}
	c, err := darter.New(darter.Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	defer c.Close()
	ctx := context.Background()
	run := func(threshold string, enough func() bool) {
		_, err := c.Do(ctx, "CONFIG", "SET", "busy-reply-threshold", threshold)
		require.NoError(t, err)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = c.Do(ctx, "EVAL", "while true do end", 0)
		}()
		until(enough)
		until(func() bool {
			_, err := c.Do(ctx, "SCRIPT", "KILL")
			return err == nil
		})
		<-ended
	}
	times := func() int { return strings.Count(log.String(), "a script takes long") }
	run("1", func() bool { return times() > 0 })
	run("0", func() bool { time.Sleep(1200 * time.Millisecond); return true })
	require.Equal(t, 1, times())
}
