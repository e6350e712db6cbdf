package darter_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// engineBombs are scripts that mean ill, or are mistaken. Each has written before it goes off. One that is stopped leaves
// nothing of that; one that fails by itself leaves it, as in Redis.
var engineBombs = []struct {
	script, want string
	stays        bool
}{
	{`while true do end`, "time limit", false},
	{`while true do pcall(error, 'x') end`, "time limit", false},
	{`while true do pcall(redis.call, 'GET', 'k') end`, "time limit", false},
	{`while true do redis.pcall('RPUSH', 'k', 'x') redis.call('INCR', 'n' .. math.random(100)) end`, "time limit", false},
	{`local function f() return f() end f()`, "time limit", false},
	{`return (('a'):rep(1e5)):find(('.-'):rep(9) .. 'b')`, "time limit", false},
	{`for i = 1, 1e9 do redis.call('SADD', 's', i % 100) redis.call('SPOP', 's') end`, "time limit", false},
	{`coroutine.wrap(function() while true do end end)()`, "time limit", false},
	{`local t = {} t[1] = t t[2] = t return t`, "time limit", false},
	{`return ('x'):rep(1e9)`, "memory", false},
	{`redis.call('SET', 'k', ('x'):rep(1e9))`, "memory", false},
	{`local s, t = ('x'):rep(1e6), {} for i = 1, 1e5 do t[i] = s end return t`, "memory", false},
	{`local function f() return 1 + f() end return f()`, "stack overflow", true},
	{`local t = {} t[1] = t return t`, "nested too deeply", true},
	{`local t = {} for i = 1, 1e4 do t = {t} end return t`, "nested too deeply", true},
	{`redis.setresp(3) local t = {} t.map = {a = t} return t`, "nested too deeply", true},
	{`local t = {} for i = 1, 1e4 do t = {t} end return cjson.encode(t)`, "excessive nesting", true},
	{`return cjson.decode(('['):rep(1e5))`, "too many nested", true},
	{`return cmsgpack.unpack(('\221\255\255\255\255'):rep(5000))`, "stack overflow", true},
	{`return cmsgpack.unpack('\223\255\255\255\255')`, "Missing bytes", true},
	{`return unpack({}, 1, 1e8)`, "too many results", true},
	{`return redis.call(unpack({}, 1, 100))`, "must be strings or integers", true},
	{`return redis.call('EVAL', 'return 1', 0)`, "not allowed from script", true},
	{`return redis.call('NOSUCH')`, "Unknown Redis command", true},
	{`redis.call = nil`, "readonly table", true},
	{`error(setmetatable({}, {__tostring = function() error('again') end}))`, "ERR", true},
	{`local e = {} e.err = e error(e)`, "ERR", true},
	{`pcall(redis.call, 'INCR', 'k') error('at last')`, "at last", true},
}

func TestBombsHarmNobodyElse(t *testing.T) {
	for _, limit := range []time.Duration{0, 30 * time.Millisecond} {
		t.Run(limit.String(), func(t *testing.T) {
			c, err := darter.New(darter.Options{Shards: 16, ScriptTime: limit})
			require.NoError(t, err)
			defer func() { require.NoError(t, c.Close()) }()
			var stop atomic.Bool
			var other sync.WaitGroup
			other.Go(func() {
				s := c.NewSession()
				defer s.Close()
				for n := 0; !stop.Load(); n++ {
					key := fmt.Sprint("other", n%50)
					if do(s, "SET", key, n) != "OK" || do(s, "GET", key) != fmt.Sprint(n) {
						t.Error("another user was harmed")
						return
					}
					time.Sleep(time.Millisecond)
				}
			})
			s := c.NewSession()
			defer s.Close()
			for _, b := range engineBombs {
				if (b.want == "time limit") != (limit > 0) {
					continue
				}
				require.Equal(t, "OK", do(s, "SET", "k", "old"))
				got := fmt.Sprint(do(s, "EVAL", "redis.call('SET', 'k', 'new') redis.call('HSET', 'h', 'f', 'v') "+b.script, 0))
				assert.Contains(t, got, b.want, b.script)
				want, there := "old", int64(0)
				if b.stays {
					want, there = "new", 1
				}
				assert.Equal(t, want, do(s, "GET", "k"), b.script)
				assert.Equal(t, there, do(s, "DEL", "h"), b.script)
			}
			stop.Store(true)
			other.Wait()
			require.Zero(t, statsOf(c).Panics)
			require.NoError(t, c.FlushAll())
			requireNothingLeft(t, c)
		})
	}
}

// Libraries that mean ill are not loaded.
func TestLibrariesThatMeanIll(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	require.Equal(t, "good", do(s, "FUNCTION", "LOAD", "#!lua name=good\nredis.register_function('f', function() return 1 end)"))
	for _, tt := range []struct{ code, want string }{
		{"while true do end", "timeout"},
		{"redis.register_function('g', function() end) local s = 'x' while true do s = s .. s end", "memory|timeout"}, // which comes first
		{"for i = 1, 1e9 do redis.register_function('g' .. i, function() end) end", "timeout"},
		{"redis.register_function('f', function() end)", "already exists"},
		{"redis.register_function('g', function() end) redis.register_function('G', function() end)", "already exists"},
		{"redis.register_function('g', function() end) redis.register_function('F', function() end)", "already exists"},
		{"redis.call('SET', 'k', 1)", ""},
		{"function g() end", ""},
		{"local function f() return 1 + f() end f()", "stack overflow"},
		{"redis.register_function('" + strings.Repeat("g", 1000) + " ', function() end)", ""},
		{"return 1", "No functions registered"},
	} {
		got := fmt.Sprint(do(s, "FUNCTION", "LOAD", "#!lua name=ill\n"+tt.code))
		require.Contains(t, got, "ERR", tt.code)
		require.Regexp(t, tt.want, got, tt.code)
		require.Len(t, do(s, "FUNCTION", "LIST"), 1, tt.code)
		require.Equal(t, int64(1), do(s, "FCALL", "f", 0))
	}
	_, err = c.Eval(context.Background(), "return 1", nil)
	require.NoError(t, err)
}
