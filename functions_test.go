package darter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/redistest"
)

const library = `#!lua name=lib
redis.register_function('put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)
redis.register_function{function_name='get', callback=function(keys) return redis.call('GET', keys[1]) end,
	flags={'no-writes'}, description='reads'}
redis.register_function('loop', function(keys) redis.call('SET', keys[1], 'x') while true do end end)
redis.register_function('fail', function(keys) redis.call('SET', keys[1], 'kept') error('oh') end)
`

func newSession(t *testing.T) (*darter.Cache, *darter.Session) {
	t.Helper()
	c, err := darter.New(darter.Options{Shards: 8})
	require.NoError(t, err)
	s := c.NewSession()
	t.Cleanup(func() {
		s.Close()
		require.NoError(t, c.Close())
	})
	return c, s
}

func TestFunctions(t *testing.T) {
	_, s := newSession(t)
	for _, tt := range []struct {
		args []any
		want any
	}{
		{[]any{"FUNCTION", "LOAD", "x"}, "ERR Missing library metadata"},
		{[]any{"FUNCTION", "LOAD", "x", library}, "ERR Unknown option given: x"},
		{[]any{"FUNCTION", "LOAD", library}, "lib"},
		{[]any{"FUNCTION", "LOAD", library}, "ERR Library 'lib' already exists"},
		{[]any{"FUNCTION", "LOAD", "REPLACE", library}, "lib"},
		{[]any{"FUNCTION", "LOAD", "#!lua name=b\nredis.register_function('PUT', function() end)"}, "ERR Function PUT already exists"},
		{[]any{"FUNCTION", "LOAD", "#!lua name=b\nredis.register_function('z', function() end) redis.register_function('Z', function() end)"},
			"ERR Function Z already exists"},
		{[]any{"FCALL", "put", 1, "k", "v"}, "OK"},
		{[]any{"FCALL", "Get", 1, "k"}, "v"},
		{[]any{"FCALL_RO", "get", 1, "k"}, "v"},
		{[]any{"FCALL_RO", "put", 1, "k", "v"}, "ERR Can not execute a script with write flag using *_ro command."},
		{[]any{"FCALL", "none", 0}, "ERR Function not found"},
		{[]any{"FCALL", "get", "x"}, "ERR Bad number of keys provided"},
		{[]any{"FCALL", "get", 2, "k"}, "ERR Number of keys can't be greater than number of args"},
		{[]any{"FCALL", "get", -1}, "ERR Number of keys can't be negative"},
		{[]any{"FCALL", "fail", 1, "f"}, "ERR user_function:6: oh script: fail, on @user_function:6."},
		{[]any{"GET", "f"}, "kept"},
		{[]any{"FUNCTION", "KILL"}, "NOTBUSY No scripts in execution right now."},
		{[]any{"FUNCTION", "FLUSH", "x"}, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"},
		{[]any{"FUNCTION", "DELETE", "none"}, "ERR Library not found"},
		{[]any{"FUNCTION", "DELETE", "lib"}, "OK"},
		{[]any{"FCALL", "get", 1, "k"}, "ERR Function not found"},
	} {
		require.Equal(t, tt.want, do(s, tt.args...), "%v", tt.args)
	}
}

// A function that is killed leaves nothing, and FUNCTION STATS tells of it while it runs.
func TestFunctionKill(t *testing.T) {
	c, s := newSession(t)
	do(s, "FUNCTION", "LOAD", library)
	done := make(chan error, 1)
	go func() {
		_, err := c.Do(context.Background(), "FCALL", "loop", 1, "k")
		done <- err
	}()
	require.Eventually(t, func() bool {
		stats, err := c.Do(context.Background(), "FUNCTION", "STATS")
		return err == nil && stats.(darter.Map)[0].Value != nil
	}, 10*time.Second, time.Millisecond)
	require.Equal(t, "NOTBUSY No scripts in execution right now.", do(s, "SCRIPT", "KILL"))
	require.Equal(t, "OK", do(s, "FUNCTION", "KILL"))
	require.ErrorContains(t, <-done, "killed by user")
	require.Equal(t, int64(0), do(s, "EXISTS", "k"))
}

func TestFunctionDump(t *testing.T) {
	_, s := newSession(t)
	do(s, "FUNCTION", "LOAD", library)
	dump := do(s, "FUNCTION", "DUMP").(string)
	require.Equal(t, "ERR Library lib already exists", do(s, "FUNCTION", "RESTORE", dump))
	require.Equal(t, "OK", do(s, "FUNCTION", "RESTORE", dump, "REPLACE"))
	do(s, "FUNCTION", "FLUSH")
	do(s, "FUNCTION", "LOAD", "#!lua name=other\nredis.register_function('get', function() end)")
	require.Equal(t, "ERR Function get already exists", do(s, "FUNCTION", "RESTORE", dump, "REPLACE"))
	require.Equal(t, "OK", do(s, "FUNCTION", "RESTORE", dump, "FLUSH"))
	require.Equal(t, "OK", do(s, "FCALL", "put", 1, "k", "v"))
	for i := range len(dump) {
		broken := []byte(dump)
		broken[i] ^= 1
		require.NotEqual(t, "OK", do(s, "FUNCTION", "RESTORE", broken, "FLUSH"), i)
		require.NotEqual(t, "OK", do(s, "FUNCTION", "RESTORE", dump[:i], "FLUSH"), i)
	}
	require.Equal(t, "v", do(s, "FCALL", "get", 1, "k"))
}

// Dumps go from a real server to the cache and back.
func TestFunctionDumpRedis(t *testing.T) {
	server := redistest.Start(t).Dial(t)
	_, s := newSession(t)
	require.Equal(t, "lib", server.Do("FUNCTION", "LOAD", library).Str)
	require.Equal(t, "OK", do(s, "FUNCTION", "RESTORE", []byte(server.Do("FUNCTION", "DUMP").Str)))
	dump := do(s, "FUNCTION", "DUMP").(string)
	require.Equal(t, "OK", server.Do("FUNCTION", "RESTORE", dump, "FLUSH").Str)
	require.Equal(t, "OK", do(s, "FCALL", "put", 1, "k", "v"))
	require.Equal(t, "v", do(s, "FCALL", "get", 1, "k"))
}

func TestRegisterFunction(t *testing.T) {
	c, s := newSession(t)
	transfer := func(tx *darter.Tx, keys []string, args [][]byte) (any, error) {
		if _, err := tx.Incr(keys[0], 1); err != nil {
			return nil, err
		}
		if len(args) > 0 {
			return nil, errors.New(string(args[0]))
		}
		return []any{keys, 1.5, int64(3), nil, darter.Map{{Key: "a", Value: true}}}, nil
	}
	require.NoError(t, c.RegisterFunction("Transfer", transfer))
	require.ErrorIs(t, c.RegisterFunction("transfer", transfer), darter.ErrInvalid)
	require.ErrorIs(t, c.RegisterFunction("no name", transfer), darter.ErrInvalid)
	require.ErrorIs(t, c.RegisterFunction("", transfer), darter.ErrInvalid)
	require.Equal(t, "ERR Function transfer already exists",
		do(s, "FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('transfer', function() end)"))
	require.Equal(t, []any{[]any{[]byte("k")}, 1.5, int64(3), nil, darter.Map{{Key: []byte("a"), Value: true}}},
		do(s, "FCALL", "TRANSFER", 1, "k"))
	require.Equal(t, "ERR no funds", do(s, "FCALL", "transfer", 1, "k", "no funds"))
	require.Equal(t, "1", do(s, "GET", "k"), "an error undoes it")
	require.Equal(t, "ERR Can not execute a script with write flag using *_ro command.", do(s, "FCALL_RO", "transfer", 1, "k"))
	do(s, "FUNCTION", "FLUSH")
	do(s, "MULTI")
	do(s, "FCALL", "transfer", 1, "k")
	do(s, "GET", "k")
	require.Equal(t, []byte("2"), do(s, "EXEC").([]any)[1])
	require.NoError(t, c.RegisterFunction("odd", func(*darter.Tx, []string, [][]byte) (any, error) { return []any{struct{}{}}, nil }))
	require.Contains(t, do(s, "FCALL", "odd", 0), "type struct {}")

	require.NoError(t, c.RegisterFunction("broken", func(tx *darter.Tx, keys []string, _ [][]byte) (any, error) {
		_, _ = tx.Incr(keys[0], 1)
		panic("oops")
	}))
	require.Equal(t, darter.ErrInternal.Error(), do(s, "FCALL", "broken", 1, "k"))
	require.Equal(t, "2", do(s, "GET", "k"))
	do(s, "MULTI")
	do(s, "FCALL", "broken", 1, "k")
	require.Equal(t, darter.ErrInternal.Error(), do(s, "EXEC"))
	require.Equal(t, "2", do(s, "GET", "k"))

	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, c.RegisterFunction("late", func(*darter.Tx, []string, [][]byte) (any, error) {
		cancel()
		return nil, ctx.Err()
	}))
	_, err := s.Do(ctx, "FCALL", "late", 0)
	require.ErrorIs(t, err, context.Canceled, "as from a script")
}
