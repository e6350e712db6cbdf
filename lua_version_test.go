package darter_test

import (
	"fmt"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// long makes a script too long for a run as a transaction.
const long = "for i = 1, 30000 do end "

// A script that only reads and takes long sees one instant, and nobody waits for it.
func TestReadOnlyScriptHoldsNothing(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 8})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s, other := c.NewSession(), c.NewSession()
	defer s.Close()
	defer other.Close()
	const watch = `local n = 0
		while true do
			for i = 0, 99 do
				if redis.call('GET', 'k' .. i) ~= '0' then return 'k' .. i .. ' changed' end
			end
			if redis.call('DBSIZE') ~= 100 or redis.call('SCARD', 'late') ~= 0 then return 'there are others' end
		end`
	library := "#!lua name=lib\nredis.register_function{function_name='watching', flags={'no-writes'}, callback=function() " + watch + " end}"
	require.Equal(t, "lib", do(s, "FUNCTION", "LOAD", library))
	for _, call := range [][]any{
		{"EVAL_RO", watch, 3, "k1", "k2", "k3"},
		{"EVAL", "#!lua flags=no-writes\n" + watch, 0},
		{"FCALL_RO", "watching", 0},
		{"FCALL", "watching", 1, "k1"},
	} {
		do(s, "FLUSHALL")
		for i := range 100 {
			require.NoError(t, c.Set(fmt.Sprint("k", i), []byte("0")))
		}
		ended := make(chan any)
		go func() { ended <- do(s, call...) }()
		require.Eventually(t, func() bool { return versions(c) == 1 }, time.Minute, time.Millisecond)
		for i := range 100 {
			require.Equal(t, int64(i+1), do(other, "INCRBY", fmt.Sprint("k", i), i+1))
		}
		do(other, "SADD", "late", 1)
		require.Equal(t, int64(1), do(other, "EVAL", "return redis.call('DEL', 'k5')", 0))
		do(other, "FLUSHDB")
		kind := "SCRIPT"
		if call[0] == "FCALL_RO" || call[0] == "FCALL" {
			kind = "FUNCTION"
		}
		require.Equal(t, "OK", do(other, kind, "KILL"))
		require.Contains(t, <-ended, "Script killed by user", "%v", call[0])
		require.Zero(t, versions(c))
	}
}

// Closing the cache ends a script that reads a version.
func TestReadOnlyScriptEndsWithTheCache(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 8})
	require.NoError(t, err)
	s := c.NewSession()
	ended := make(chan any)
	go func() { ended <- do(s, "EVAL_RO", "while true do redis.call('GET', 'k') end", 0) }()
	require.Eventually(t, func() bool { return versions(c) == 1 }, time.Minute, time.Millisecond)
	require.NoError(t, c.Close())
	require.Contains(t, <-ended, darter.ErrClosed.Error())
	s.Close()
}

// What a script reads from a version is what it reads from the shards.
func TestReadOnlyScriptReads(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 8})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	do(s, "SET", "text", "value")
	do(s, "SET", "gone", "value", "PX", 1)
	do(s, "SET", "ends", "value", "PX", 1_000_000_000)
	do(s, "EXPIREAT", "ends", int64(33_000_000_000))
	do(s, "SELECT", 2)
	do(s, "SET", "two", 2)
	do(s, "SELECT", 0)
	for i := range 300 {
		do(s, "RPUSH", "list", i)
		do(s, "HSET", "hash", i, i)
		do(s, "SADD", "set", i)
		do(s, "SADD", "other", i+100)
		do(s, "ZADD", "zset", i, i)
		do(s, "XADD", "stream", fmt.Sprintf("%d-1", i+1), "f", i)
		do(s, "PFADD", "loglog", i)
		do(s, "SETBIT", "bits", i, i&1)
	}
	time.Sleep(2 * time.Millisecond)
	for _, body := range []string{
		"return redis.call('MGET', 'text', 'gone', 'ends', 'none', 'list')",
		"return redis.call('EXPIRETIME', 'ends')",
		"return redis.call('EXISTS', 'text', 'gone', 'none')",
		"return redis.call('LRANGE', 'list', 100, 110)",
		"return redis.call('HGET', 'hash', '77')",
		"return redis.call('SINTERCARD', 2, 'set', 'other')",
		"local t = redis.call('SDIFF', 'set', 'other') table.sort(t) return t",
		"return redis.call('ZRANGE', 'zset', 5, 9, 'WITHSCORES')",
		"return redis.call('ZUNION', 2, 'zset', 'set')",
		"return redis.call('XRANGE', 'stream', 7, 9)",
		"return redis.call('XREAD', 'COUNT', 2, 'STREAMS', 'stream', '290-1')",
		"return redis.call('PFCOUNT', 'loglog', 'none')",
		"return redis.call('BITCOUNT', 'bits')",
		"return redis.call('TYPE', 'stream')",
		"return redis.call('DBSIZE') - redis.call('EXISTS', 'gone')",
		"local t = redis.call('KEYS', '*') table.sort(t) return t",
		"local at, n = '0', 0 repeat local r = redis.call('SCAN', at) at, n = r[1], n + #r[2] until at == '0' return n",
		"return redis.call('EXISTS', redis.call('RANDOMKEY'))",
		"return redis.call('SORT_RO', 'list', 'LIMIT', 0, 3, 'DESC', 'GET', 'te*')",
		"redis.call('SELECT', 2) return redis.call('GET', 'two')",
		"redis.call('SELECT', 5) return {redis.call('GET', 'two'), redis.call('DBSIZE')}",
		"return redis.call('ECHO', 'x')",
		"return redis.pcall('SET', 'x', 1)",
		"return redis.pcall('NONE')",
		"return redis.call('INCR', 'text')",
		"return redis.call('LPOP', 'list')",
		"return redis.call('DUMP', 'set') == redis.call('DUMP', 'set')",
		"return redis.call('PUBLISH', 'nobody', 'x')",
	} {
		// The first run finds out that the script is long, the second knows.
		want := do(s, "EVAL_RO", body, 0)
		for range 2 {
			require.Equal(t, withoutSHA(want), withoutSHA(do(s, "EVAL_RO", long+body, 0)), body)
		}
	}
	require.Zero(t, versions(c))
}

// withoutSHA leaves the name of the script out of an error's text.
func withoutSHA(reply any) any {
	if text, ok := reply.(string); ok {
		return regexp.MustCompile("[0-9a-f]{40}").ReplaceAllString(text, "")
	}
	return reply
}

func versions(c *darter.Cache) int {
	var st darter.Stats
	c.Stats(&st)
	return st.Snapshots
}

// A version is read without a trace, whatever time it is.
func TestReadOnlyScriptLeavesNoTrace(t *testing.T) {
	for _, start := range []int64{0, 1 << 30} {
		var now atomic.Int64
		now.Store(start - 1000)
		c, err := darter.New(darter.Options{Now: func() time.Time { return time.Unix(now.Load(), 0) }})
		require.NoError(t, err)
		s := c.NewSession()
		do(s, "SET", "k", "v")
		now.Store(start)
		idle := func() bool { return do(s, "OBJECT", "IDLETIME", "k") == int64(1000) }
		require.Eventually(t, idle, time.Minute, time.Millisecond)
		const script = long + "return redis.call('GET', KEYS[1])"
		do(s, "EVAL_RO", script, 1, "none") // finds out that it is long
		require.Equal(t, "v", do(s, "EVAL_RO", script, 1, "k"))
		require.True(t, idle())
		s.Close()
		require.NoError(t, c.Close())
	}
}
