package luavm

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/redistest"
	"github.com/darterdb/darter/internal/reply"
)

const (
	head      = "#!lua name=l\n"
	failed    = "ERR Error registering functions: ERR "
	failedAt2 = failed + "user_function:2: "
)

// libraryTexts are loads with what comes of them: the error, or "" for one that works.
var libraryTexts = []struct{ text, want string }{
	{"", "ERR Missing library metadata"},
	{" #!lua name=a\n", "ERR Missing library metadata"},
	{"#!lua", "ERR Invalid library metadata"},
	{"#!lua name=", "ERR Invalid library metadata"},
	{"#!lua name=a \"\n", "ERR Invalid library metadata"},
	{"#!lua\n", "ERR Library name was not given"},
	{"#!lua name=a name=b\n", "ERR Invalid metadata value, name argument was given multiple times"},
	{"#!lua foo=a\n", "ERR Invalid metadata value given: foo=a"},
	{"#!foo name=b\n", "ERR Engine 'foo' not found"},
	{"#! name=b\n", "ERR Engine '' not found"},
	{"#!lua name=a-b\n", "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"},
	{"#!lua name=\"a\"\nreturn 1", "ERR No functions registered"},
	{"#!LUA name=l\nredis.register_function('f1', function() end)", ""},
	{"#!lua  name=l \nredis.register_function('f1', function() end)", ""},
	{head + "x x", "ERR Error compiling function: user_function:2: '=' expected near 'x'"},
	{head + "redis.call('get','x')", failedAt2 + "Script attempted to access nonexistent global variable 'call'"},
	{head + "math.random()", failedAt2 + "Script attempted to access nonexistent global variable 'math'"},
	{head + "foo = 1", failedAt2 + "Attempt to modify a readonly table"},
	{head + "KEYS = 1", failedAt2 + "Attempt to modify a readonly table"},
	{head + "redis.foo = 1", failedAt2 + "Attempt to modify a readonly table"},
	{head + "return foo", failedAt2 + "Script attempted to access nonexistent global variable 'foo'"},
	{head + "local x = nil; x.y = 1", failedAt2 + "attempt to index local 'x' (a nil value)"},
	{head + "redis.log(9, 'x')", failed + "Invalid debug level."},
	{head + "redis.register_function()", failed + "wrong number of arguments to redis.register_function"},
	{head + "redis.register_function(1, 2, 3)", failed + "wrong number of arguments to redis.register_function"},
	{head + "redis.register_function('a')", failed + "calling redis.register_function with a single " +
		"argument is only applicable to Lua table (representing named arguments)."},
	{head + "redis.register_function('a', 1)",
		failed + "second argument to redis.register_function must be a function"},
	{head + "redis.register_function({}, function() end)",
		failed + "first argument to redis.register_function must be a string"},
	{head + "redis.register_function('a b', function() end)", failed + "Library names can only " +
		"contain letters, numbers, or underscores(_) and must be at least one character long"},
	{head + "redis.register_function{}", failed + "redis.register_function must get a function name argument"},
	{head + "redis.register_function{function_name='a'}",
		failed + "redis.register_function must get a callback argument"},
	{head + "redis.register_function{function_name='a', callback=1}",
		failed + "callback argument given to redis.register_function must be a function"},
	{head + "redis.register_function{function_name={}, callback=function() end}",
		failed + "function_name argument given to redis.register_function must be a string"},
	{head + "redis.register_function{function_name='a', callback=function() end, description={}}",
		failed + "description argument given to redis.register_function must be a string"},
	{head + "redis.register_function{function_name='a', callback=function() end, flags={'zz'}}",
		failed + "unknown flag given"},
	{head + "redis.register_function{function_name='a', callback=function() end, flags='x'}",
		failed + "flags argument to redis.register_function must be a table representing function flags"},
	{head + "redis.register_function{function_name='a', callback=function() end, foo='x'}",
		failed + "unknown argument given to redis.register_function"},
	{head + "redis.register_function{function_name='a', callback=function() end, [{}]='x'}",
		failed + "named argument key given to redis.register_function is not a string"},
	{head + "redis.register_function('a', function() end) redis.register_function('a', function() end)",
		failed + "Function already exists in the library"},
	{head + "local x = redis.LOG_DEBUG redis.register_function('l' .. x, function() end)", ""},
	{head + "redis.log(1, 'x') redis.register_function(1, function() end)", ""},
	{head + "redis.register_function{function_name='a', callback=function() end, flags={'no-writes', x='y'}}", ""},
	{head + "redis.register_function('a', redis.register_function)", ""},
}

func TestLoadLibrary(t *testing.T) {
	p := NewPool(Options{Version: serverVersion})
	for _, c := range libraryTexts {
		_, err := p.LoadLibrary(c.text)
		if c.want == "" {
			assert.NoError(t, err, c.text)
		} else {
			assert.EqualError(t, err, c.want, c.text)
		}
	}
}

func TestLoadLibraryAgainstRedis(t *testing.T) {
	conn := redistest.Start(t).Dial(t)
	for _, c := range libraryTexts {
		conn.Do("FUNCTION", "FLUSH")
		r := conn.Do("FUNCTION", "LOAD", c.text)
		got := r.Str
		if !r.IsError() {
			got = ""
		}
		assert.Equal(t, c.want, got, c.text)
	}
}

const sampleLibrary = `#!lua name=mylib
local count = 0
local function helper(x) return x * 2 end
redis.register_function('twice', function(keys, args) return helper(tonumber(args[1])) end)
redis.register_function{function_name='keys', description='what it says', flags={'no-writes', 'allow-stale'},
	callback=function(keys, args) return {keys, args} end}
redis.register_function('count', function() count = count + 1 return count end)
redis.register_function('fail', function()
	return redis.call('x')
end)
redis.register_function('index', function()
	local x return x.y
end)
redis.register_function('global', function() leak = 1 end)
redis.register_function('again', function() redis.register_function('z', function() end) end)
redis.register_function('env', function() return type(math) .. type(rawget(_G, 'KEYS')) .. type(redis.call) end)
`

func TestFunctions(t *testing.T) {
	p := NewPool(Options{Idle: 1})
	lib, err := p.LoadLibrary(sampleLibrary)
	require.NoError(t, err)
	assert.Equal(t, "mylib", lib.Name())
	assert.Equal(t, sampleLibrary, lib.Text())
	assert.Positive(t, lib.Size())
	var names []string
	for _, f := range lib.Functions() {
		names = append(names, f.Name)
	}
	assert.Equal(t, []string{"twice", "keys", "count", "fail", "index", "global", "again", "env"}, names)
	assert.Equal(t, Function{Name: "keys", Description: "what it says", Flags: NoWrites | AllowStale}, lib.Functions()[1])
	assert.Equal(t, []string{"no-writes", "allow-stale"}, lib.Functions()[1].Flags.Names())
	assert.Empty(t, p.mu.idle[0].libraries, "it may have been refused")

	call := func(p *Pool, name string, args ...string) string {
		c := Call{Host: &fakeHost{}, Keys: [][]byte{[]byte("k")}}
		for _, a := range args {
			c.Args = append(c.Args, []byte(a))
		}
		var w reply.RESP
		o := p.RunFunction(lib, name, c, &w)
		require.NoError(t, o.Err)
		return string(w.Buf)
	}
	// The pool that it was made with, and another one.
	for _, p := range []*Pool{p, NewPool(Options{Idle: 1})} {
		assert.Equal(t, ":42\r\n", call(p, "twice", "21"))
		assert.Equal(t, "*2\r\n*1\r\n$1\r\nk\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n", call(p, "keys", "a", "b"))
		assert.Equal(t, ":1\r\n", call(p, "count"))
		assert.Equal(t, ":2\r\n", call(p, "count"))
		assert.Equal(t, "-ERR Unknown Redis command called from script script: fail, on @user_function:9.\r\n", call(p, "fail"))
		assert.Equal(t, "-ERR user_function:12: attempt to index local 'x' (a nil value) script: index, on @user_function:12.\r\n",
			call(p, "index"))
		assert.Equal(t, "-ERR user_function:14: Attempt to modify a readonly table script: global, on @user_function:14.\r\n",
			call(p, "global"))
		assert.Equal(t, "-ERR user_function:15: attempt to call field 'register_function' (a nil value) script: again, on @user_function:15.\r\n",
			call(p, "again"))
		assert.Equal(t, "$16\r\ntablenilfunction\r\n", call(p, "env"))
	}
	assert.Equal(t, "$3\r\nnil\r\n", eval(t, p, `return type(rawget(_G, 'leak'))`))
	assert.Equal(t, ":3\r\n", call(p, "count"), "a script in between does not disturb a library")
	p.Forget(func(l *Library) bool { return l != lib })
	assert.Equal(t, ":1\r\n", call(p, "count"))
}

// TestEndlessLibrary needs half a second: a load has no other limit.
func TestEndlessLibrary(t *testing.T) {
	p := NewPool(Options{})
	_, err := p.LoadLibrary("#!lua name=l\nwhile true do end")
	assert.EqualError(t, err, "ERR FUNCTION LOAD timeout")
	_, err = p.LoadLibrary("#!lua name=l\nlocal s = ('x'):rep(1e9)")
	assert.EqualError(t, err, ErrMemory.Error())
	assert.Zero(t, p.Stats().Idle)
	_, err = p.LoadLibrary("#!lua name=l\n" + strings.Repeat("x", maxSource))
	assert.ErrorContains(t, err, "chunk is too large")
}
