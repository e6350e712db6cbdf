package luavm

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/reply"
)

// TestNothingDangerousIsThere looks for what would reach out of the machine.
func TestNothingDangerousIsThere(t *testing.T) {
	p := NewPool(Options{})
	for _, name := range []string{
		"io", "debug", "package", "require", "module", "dofile", "loadfile", "print", "newproxy", "getfenv", "setfenv",
		"os.execute", "os.exit", "os.getenv", "os.remove", "os.rename", "os.tmpname", "os.time", "os.date",
		"string.dump_", "_printregs", "channel", "coroutine.isyieldable",
	} {
		text := `local t = _G for w in ('` + name + `'):gmatch('[^.]+') do t = rawget(t, w) end return tostring(t)`
		assert.Equal(t, "$3\r\nnil\r\n", eval(t, p, text), name)
	}
	assert.Equal(t, ":1\r\n", eval(t, p, `local n = 0 for k in pairs(os) do n = n + 1 end return n`))
	assert.Equal(t, ":1\r\n", eval(t, p, `return type(os.clock()) == 'number' and os.clock() >= 0`))
	for _, text := range []string{
		`return string.dump(function() end)`, `return loadstring('\27Lua')()`,
	} {
		_, o := run(t, p, text, Call{}, 2)
		assert.True(t, o.Failed, text)
	}
}

// TestTablesAreReadonly tries every way to change what other runs will see.
func TestTablesAreReadonly(t *testing.T) {
	p := NewPool(Options{Idle: 1})
	for _, text := range []string{
		`x = 1`, `function f() end`, `_G.x = 1`, `_G['x'] = 1`, `rawset(_G, 'x', 1)`, `setmetatable(_G, nil)`,
		`setmetatable(_G, {__index = {x = 1}})`, `getmetatable(_G).__index = nil`, `getmetatable(_G).__metatable = 1`,
		`rawset(getmetatable(_G), '__index', nil)`, `setmetatable(getmetatable(_G), {})`, `string.x = 1`, `string.rep = nil`,
		`rawset(string, 'rep', nil)`, `setmetatable(string, {})`, `getmetatable('').__index = {}`, `getmetatable('').x = 1`,
		`rawset(getmetatable(''), '__index', {})`, `table.insert(table, 1)`, `table.remove(table)  table.x = 1`, `redis.call = nil`,
		`redis.x = 1`, `rawset(redis, 'call', nil)`, `cjson.null = 1`, `cjson.decode = nil`, `bit.band = nil`, `struct.x = 1`,
		`cmsgpack.pack = nil`, `math.pi = 3`, `math.random = function() return 4 end`, `coroutine.wrap = nil`, `os.clock = nil`,
		`table.sort(_G) _G[1] = 1`, `for k in pairs(_G) do _G[k] = nil end`, `KEYS = {}`, `ARGV = nil`, `_G._G = {}`, `_VERSION = 1`,
		`local g = _G g.string = {}`, `table.foreach(_G, function(k) _G[k] = 1 end)`,
	} {
		r, o := run(t, p, text, Call{}, 2)
		assert.True(t, o.Failed, text)
		assert.Contains(t, r, "Attempt to modify a readonly table", text)
	}
	assert.Equal(t, 1, p.Stats().Idle, "one machine served all of them")
	assert.Equal(t, "$6\r\nx3.142\r\n", eval(t, p, `return ('x'):rep(1) .. string.format('%.3f', math.pi)`))
}

// TestNothingIsLeftBehind runs a script that changes what it may, and one that looks.
func TestNothingIsLeftBehind(t *testing.T) {
	p := NewPool(Options{Idle: 1, Seed: 7})
	eval(t, p, `cjson.encode_max_depth(2) cjson.decode_max_depth(2) cjson.encode_number_precision(3)
		cjson.encode_sparse_array(true) cjson.encode_invalid_numbers(true) cjson.decode_invalid_numbers(false)
		math.randomseed(1) redis.setresp(3) KEYS[1] = 'x' ARGV.y = 1 collectgarbage('stop') return 1`)
	r := eval(t, p, `return {cjson.encode_max_depth(), cjson.decode_max_depth(), cjson.encode_number_precision(),
		tostring(cjson.encode_sparse_array()), tostring(cjson.encode_invalid_numbers()),
		tostring(cjson.decode_invalid_numbers()), #KEYS, tostring(ARGV.y), false}`)
	assert.Equal(t, "*9\r\n:1000\r\n:1000\r\n:14\r\n$5\r\nfalse\r\n$5\r\nfalse\r\n$4\r\ntrue\r\n:0\r\n$3\r\nnil\r\n$-1\r\n", r)
	eval(t, p, `math.randomseed(1) return 1`)
	assert.NotEqual(t, eval(t, p, `return math.random(1e9)`), eval(t, p, `return math.random(1e9) - 0`),
		"random numbers are not the same in each run")
	assert.Equal(t, 1, p.Stats().Idle)
	vm := p.take()
	for _, v := range vm.main.stack {
		assert.Nil(t, v.ref, "a kept machine holds values of its last run")
	}
	assert.True(t, vm.scriptGlobals.getStr(nameKeys).isNil())
}

// bombs are scripts that would take a host down that lets them; each has to end by itself, by a limit or by a kill.
var bombs = []struct {
	script string
	want   string // part of the outcome's message or of the reply
}{
	{`local s = 'x' while true do s = s .. s end`, "memory"},
	{`local t, s = {}, ('x'):rep(1e6) for i = 1, 1e9 do t[i] = s .. i end`, "memory"},
	{`local t = {} for i = 1, 1e12 do t[i] = i end`, "memory"},
	{`local t = {} for i = 1, 1e12 do t['k' .. i] = i end`, "memory"},
	{`local t = {} for i = 1, 1e12 do t[-i] = i end`, "memory"},
	{`local t = {} for i = 1, 1e12 do t = {t} end`, "memory"},
	{`local t = {} t[67108863] = 1 t[2^53] = 1 t[1e308] = 1 return 'ok'`, "ok"},
	{`local t = {} for i = 1, 1e12 do t[i] = function() return i end end`, "memory"},
	{`local t = {} for i = 1, 1e12 do t[i] = coroutine.create(function() end) end`, "memory"},
	{`return ('x'):rep(1e9)`, "memory"},
	{`return ('x'):rep(2^31 - 1):rep(2^31 - 1)`, "memory"},
	{`local s = ('x'):rep(4e6) return s:reverse() .. s:upper() .. s:lower() .. s`, "memory"},
	{`return table.concat({('x'):rep(4e6), ('y'):rep(4e6), ('z'):rep(4e6)})`, "memory"},
	{`local t = {} for i = 1, 1e5 do t[i] = i end return table.concat(t, ('x'):rep(1e5))`, "memory"},
	{`local s = ('x'):rep(1e6) return s:gsub('x', s)`, "memory"},
	{`local s = ('x'):rep(1e6) return s:gsub('', function() return s end)`, "memory"},
	{`return ('%99.99f'):rep(1000):format(1)`, "bad argument"},
	{`local s = ('%s'):rep(20) local a = ('x'):rep(4e6) return s:format(a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a)`, "memory"},
	{`local function f() return setmetatable({}, {__concat = function(a, b) return f() .. ('x'):rep(1e6) end}) end return f() .. 'x'`,
		"memory"},
	{`local s = ('x'):rep(1e6) local function f(n) return (('x'):gsub('x', function() return f(n + 1) .. s end)) end f(1)`,
		"overflow"},
	{`local function f() return f() end f()`, "killed"},
	{`local function f() f() end f()`, "stack overflow"},
	{`local function f(...) f(1, ...) end f()`, "memory"},
	{`local function f() return pcall(f) end return f() and 'ok' or 'ok'`, "ok"},
	{`local function f() return xpcall(f, f) end f() return 'ok'`, "ok"},
	{`local function f() error(f) end while true do pcall(f) end`, "killed"},
	{`while true do pcall(function() while true do end end) end`, "killed"},
	{`local function spin() while true do end end while true do xpcall(spin, spin) end`, "killed"},
	{`local function spin() while true do end end while true do coroutine.resume(coroutine.create(spin)) end`, "killed"},
	{`while true do pcall(string.rep, 'x', 1e9) end`, "memory"},
	{`local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]`, "C stack overflow"},
	{`local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x`, "loop in gettable"},
	{`local t = setmetatable({}, {}) getmetatable(t).__newindex = t t.x = 1`, "loop in settable"},
	{`local t = setmetatable({}, {__call = function(self) return self() end}) t()`, "killed"},
	{`local t = setmetatable({}, {__eq = function(a, b) return a == b end}) return t == setmetatable({}, getmetatable(t))`,
		"C stack overflow"},
	{`local function co() coroutine.wrap(co)() end co()`, "stack overflow"},
	{`local co co = coroutine.wrap(function() co() end) co()`, "cannot resume"},
	{`return (('a'):rep(1e5)):find(('a*'):rep(50) .. 'b')`, "killed"},
	{`return (('a'):rep(1e5)):find('.-.-.-.-.-.-b')`, "killed"},
	{`return (('('):rep(1e6)):find('%b()')`, "killed"},
	{`return (('a'):rep(6000)):find(('a?'):rep(5000))`, "pattern too complex"},
	{`return ('x'):find(('('):rep(100))`, "too many captures"},
	{`for w in ('a'):rep(1e6):gmatch('.-b') do end return 'ok'`, "killed"},
	{`local t = {} for i = 1, 1e5 do t[i] = i end table.sort(t, function() while true do end end)`, "killed"},
	{`local t = {9, 8, 7, 6, 5, 4, 3, 2, 1} table.sort(t, function(a, b) return true end)`, "invalid order function"},
	{`local t = {} for i = 1, 1e3 do t[i] = i % 2 end table.sort(t, function(a, b) t[#t + 1] = 1 return a < b end)`, ""},
	{`table.foreach({1}, function() while true do end end)`, "killed"},
	{`table.insert({}, -2147483648, 1)`, "killed"},
	{`local t = {1} t.n = 1 for k in pairs(t) do t[k .. 'x'] = 1 end`, "memory"},
	{`for i = 1, 1e308 do end`, "killed"},
	{`for i = 1, 2, 1e-320 do end`, "killed"},
	{`return select(2, load(function() return 'x=' end))`, "too large"},
	{`local s = ('x = 1 '):rep(1e4) while true do loadstring(s) end`, "killed"},
	{`return loadstring('return ' .. ('('):rep(5e4) .. '1' .. (')'):rep(5e4))()`, "ok or error"},
	{`return loadstring('return ' .. ('{'):rep(5e4) .. ('}'):rep(5e4))()`, "ok or error"},
	{`return loadstring('return ' .. ('-'):rep(2) .. ('not '):rep(2e4) .. '1')()`, "ok or error"},
	{`return loadstring('return ' .. ('not '):rep(2e4) .. '1')()`, "attempt to call a nil value"},
	{`return loadstring('return 1' .. ('+x'):rep(5e4))()`, "attempt to call a nil value"},
	{`return loadstring('return a' .. ('()'):rep(5e4))()`, "attempt to call a nil value"},
	{`return loadstring('return a' .. ('.a'):rep(5e4))()`, "attempt to call a nil value"},
	{`return loadstring('return a' .. ('..a'):rep(3e4))()`, "attempt to call a nil value"},
	{`return loadstring(('do '):rep(1e4) .. ('end '):rep(1e4))()`, "attempt to call a nil value"},
	{`return loadstring(('return function() '):rep(3e3) .. ('end '):rep(3e3))()`, "attempt to call a nil value"},
	{`return loadstring('local ' .. ('a,'):rep(300) .. 'a')()`, "attempt to call a nil value"},
	{`return #loadstring('return {' .. ('1,'):rep(3e4) .. '}')()`, ":30000"},
	{`local t = {} t[1] = t return t`, "reached lua stack limit"},
	{`local t = {} t[1] = t t[2] = t return t`, "memory"},
	{`local t = {} t.map = {a = t, b = t} return t`, "memory"},
	{`local t = {} t.set = {[t] = 1} return t`, "reached lua stack limit"},
	{`local t = {} for i = 1, 1e4 do t = {t} end return t`, "reached lua stack limit"},
	{`local s, t = ('x'):rep(1e6), {} for i = 1, 1e5 do t[i] = s end return t`, "memory"},
	{`return cjson.decode(('['):rep(1e6))`, "too many nested"},
	{`cjson.decode_max_depth(1e9) return cjson.decode(('['):rep(1e6))`, "too many nested"},
	{`local t = {} t[1] = t return cjson.encode(t)`, "excessive nesting"},
	{`cjson.encode_max_depth(1e9) local t = {} t[1] = t return cjson.encode(t)`, "excessive nesting"},
	{`local t = {} t[1] = t t[2] = t return cjson.encode(t)`, "excessive nesting"},
	{`cjson.encode_sparse_array(false, 0) return cjson.encode({[2^52] = 1})`, "memory"},
	{`cjson.encode_sparse_array(false, 0) return #cjson.encode({[1e9] = 1})`, "memory"},
	{`return cjson.decode('[' .. ('1,'):rep(2e6) .. '1]')`, "memory"},
	{`while true do cjson.new() end`, "killed"},
	{`local t = {} for i = 1, 1e9 do t[i] = cjson.new() end`, "memory"},
	{`return cmsgpack.unpack(('\221\255\255\255\255'):rep(5000))`, "stack overflow"},
	{`return cmsgpack.unpack('\221\255\255\255\255')`, "Missing bytes"},
	{`return cmsgpack.unpack('\223\255\255\255\255')`, "Missing bytes"},
	{`return cmsgpack.unpack('\219\255\255\255\255')`, "Missing bytes"},
	{`return cmsgpack.unpack(('\1'):rep(1e6))`, "too many return values"},
	{`local t = {} t[1] = t return #cmsgpack.pack(t)`, ":17"},
	{`local t = {} for i = 1, 16 do t = {t, t, t, t} end return #cmsgpack.pack(t)`, "memory"},
	{`return struct.pack('c2147483647', 'x')`, "too short"},
	{`return struct.pack(('x'):rep(1e8))`, "memory"},
	{`return struct.unpack('c0', 'x')`, "needs a previous size"},
	{`return struct.unpack('dc0', struct.pack('d', 1e300))`, "too short"},
	{`return struct.unpack('dc0', struct.pack('d', -1))`, "too short"},
	{`return struct.unpack(('b'):rep(9000), ('x'):rep(9000))`, "too many results"},
	{`return #struct.pack(('!8bd'):rep(10), 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20)`, ":"},
	{`return unpack({}, 1, 1e9)`, "too many results"},
	{`return unpack({}, -2147483648, 2147483647)`, "too many results"},
	{`return select('#', unpack({}, 1, 7990))`, ":7990"},
	{`return ('x'):rep(1e5):byte(1, -1)`, "string slice too long"},
	{`return string.char(unpack({}, 1, 10))`, "number expected"},
	{`while true do redis.call('x') end`, "killed"},
	{`while true do redis.pcall('x') end`, "killed"},
	{`while true do pcall(redis.call, 'x') end`, "killed"},
	{`redis.log(1, ('x'):rep(4e6), ('x'):rep(4e6), ('x'):rep(4e6), ('x'):rep(4e6)) return 1`, "memory"},
	{`return redis.sha1hex(('x'):rep(4e6))`, "$40"},
	{`error(('x'):rep(1e6))`, "xxx"},
	{`local e = {} e.err = e error(e)`, "ERR"},
	{`error(setmetatable({}, {__tostring = function() while true do end end}))`, "ERR"},
	{`error()`, "ERR"},
	{`error(nil)`, "ERR"},
	{`error({})`, "ERR"},
}

// TestBombs lets off each with 8 MiB. Those meant to go on until they are killed are killed after a moment.
func TestBombs(t *testing.T) {
	p := NewPool(Options{})
	for _, b := range bombs {
		c := &Control{}
		limits := Limits{Memory: 8 << 20}
		var timer *time.Timer
		if b.want == "killed" {
			timer = time.AfterFunc(5*time.Millisecond, func() { c.Kill(nil) })
		}
		r, o := run(t, p, b.script, Call{Control: c, Limits: limits}, 2)
		if timer != nil {
			timer.Stop()
		}
		text := o.Message
		if o.Err == nil && !o.Failed {
			text = r
		}
		if b.want != "ok or error" {
			assert.Contains(t, text, b.want, b.script)
		}
		switch b.want {
		case "killed":
			assert.ErrorIs(t, o.Err, ErrKilled, b.script)
		case "memory":
			assert.ErrorIs(t, o.Err, ErrMemory, b.script)
		default:
			assert.NoError(t, o.Err, b.script)
		}
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	assert.Less(t, m.HeapAlloc, uint64(100<<20), "what the bombs have built is gone")
}

// TestMemoryPeak checks that the limit holds the process's heap, not only a count.
func TestMemoryPeak(t *testing.T) {
	p := NewPool(Options{})
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const limit = 16 << 20
	for _, text := range []string{
		`local s = 'x' while true do s = s .. s end`,
		`local t = {} for i = 1, 1e9 do t[i] = i end`,
		`return ('x'):rep(1e5):gsub('x', ('y'):rep(1e5))`,
		`local t = {} for i = 1, 1e9 do t[i] = {} end`,
	} {
		_, o := run(t, p, text, Call{Limits: Limits{Memory: limit}}, 2)
		require.ErrorIs(t, o.Err, ErrMemory, text)
	}
	runtime.ReadMemStats(&after)
	// Total allocation, garbage included: what a script may allocate before it is stopped is a small multiple.
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(40*limit))
}

// TestGarbageIsNoMemory lets a script allocate many times its limit without holding it.
func TestGarbageIsNoMemory(t *testing.T) {
	p := NewPool(Options{})
	r, o := run(t, p, `local s = ('x'):rep(1e5) local n = 0 for i = 1, 400 do local t = {s .. i} n = n + #t end return n`,
		Call{Limits: Limits{Memory: 4 << 20}}, 2)
	require.NoError(t, o.Err)
	assert.Equal(t, ":400\r\n", r)
}

func TestLimits(t *testing.T) {
	p := NewPool(Options{})
	for _, c := range []struct {
		text   string
		limits Limits
		want   error
	}{
		{`while true do end`, Limits{Instructions: 100000}, ErrInstructions},
		{`while true do pcall(string.rep, 'x', 10) end`, Limits{Instructions: 100000}, ErrInstructions},
		{`return (('a'):rep(1e4)):find(('a*'):rep(20) .. 'b')`, Limits{Instructions: 100000}, ErrInstructions},
		{`local t = {} for i = 1, 1e4 do t[i] = i end table.sort(t)`, Limits{Instructions: 20000}, ErrInstructions},
		{`while true do end`, Limits{Time: time.Millisecond}, ErrTime},
		{`for i = 1, 100 do end return 1`, Limits{Instructions: 1000, Time: time.Hour}, nil},
		{`local function f(n) if n > 0 then f(n - 1) end end f(150) return 1`, Limits{Depth: 200}, nil},
	} {
		_, o := run(t, p, c.text, Call{Limits: c.limits}, 2)
		assert.ErrorIs(t, o.Err, c.want, c.text)
		if c.want != nil {
			assert.Contains(t, o.Message, " script: "+digest(c.text)+", on @user_script:1.")
		}
	}
	r, o := run(t, p, `local function f(n) if n > 0 then f(n - 1) end end f(300) return 1`, Call{Limits: Limits{Depth: 200}}, 2)
	assert.True(t, o.Failed)
	assert.Contains(t, r, "stack overflow")
	// A budget is the same on every run.
	text := `local n = 0 while true do n = n + 1 redis.call('x') end`
	counts := map[int]bool{}
	for range 5 {
		h := &nopHost{}
		run(t, p, text, Call{Host: h, Limits: Limits{Instructions: 50000}}, 2)
		counts[h.calls] = true
	}
	assert.Len(t, counts, 1)
}

func TestKill(t *testing.T) {
	p := NewPool(Options{})
	mine := errors.New("ERR lost a deadlock")

	// Before the run.
	c := &Control{}
	c.Kill(mine)
	c.Kill(nil)
	h := &nopHost{}
	_, o := run(t, p, `redis.call('set', 'a', 1) return 1`, Call{Host: h, Control: c}, 2)
	assert.ErrorIs(t, o.Err, mine)
	assert.LessOrEqual(t, h.calls, 1)
	c.Reset()
	_, o = run(t, p, `return 1`, Call{Control: c}, 2)
	assert.NoError(t, o.Err)

	// By the host, in a command: nothing runs on behind it, whatever the script does against it.
	for _, text := range []string{
		`redis.call('x') redis.call('never')`,
		`pcall(redis.call, 'x') redis.call('never')`,
		`redis.pcall('x') redis.call('never')`,
		`xpcall(function() redis.call('x') end, function() redis.call('never') end) redis.call('never')`,
		`pcall(coroutine.wrap(function() redis.call('x') end)) redis.call('never')`,
		`coroutine.resume(coroutine.create(function() redis.call('x') end)) redis.call('never')`,
		`pcall(table.sort, {1, 2, 3}, function() redis.call('x') end) redis.call('never')`,
		`pcall(string.gsub, 'a', 'a', function() redis.call('x') end) redis.call('never')`,
		`local t = setmetatable({}, {__index = function() redis.call('x') end}) pcall(function() return t.x end) redis.call('never')`,
	} {
		c := &Control{}
		calls := 0
		_, o := run(t, p, text, Call{Control: c, Host: hostFunc(func(args [][]byte, w reply.Writer) {
			calls++
			assert.Equal(t, "x", string(args[0]), text)
			c.Kill(mine)
			w.Error("ERR this is not seen")
		})}, 2)
		assert.Equal(t, mine, o.Err, text)
		assert.Equal(t, "ERR lost a deadlock script: "+digest(text)+", on @user_script:1.", o.Message)
		assert.Equal(t, 1, calls, text)
	}

	// From another goroutine, once the script is at work.
	for _, text := range []string{
		`redis.call('go') while true do end`,
		`redis.call('go') while true do pcall(error, 'x') end`,
		`redis.call('go') repeat local t = {} for i = 1, 100 do t[i] = i end table.sort(t) until false`,
		`redis.call('go') return (('a'):rep(1e6)):find(('.-'):rep(9) .. 'b')`,
		`redis.call('go') local t = {} for i = 1, 1e3 do t[i] = i end while true do cjson.decode(cjson.encode(t)) end`,
		`redis.call('go') while true do redis.sha1hex(('x'):rep(1e6)) end`,
		`redis.call('go') while true do ('x'):rep(1e6):upper():reverse() end`,
		`redis.call('go') local s = ('"'):rep(1e6) while true do cjson.encode(s) end`,
	} {
		c := &Control{}
		started := make(chan struct{})
		done := make(chan Outcome)
		go func() {
			_, o := run(t, p, text, Call{Control: c, Host: hostFunc(func(_ [][]byte, w reply.Writer) {
				close(started)
				w.Status("OK")
			})}, 2)
			done <- o
		}()
		<-started
		c.Kill(nil)
		o := <-done
		assert.ErrorIs(t, o.Err, ErrKilled, text)
		assert.True(t, strings.HasPrefix(o.Message, "ERR Script killed by user with SCRIPT KILL. script: "), o.Message)
	}
}

// TestPanicInHost checks that a panic ends the run and costs the machine, no more.
func TestPanicInHost(t *testing.T) {
	p := NewPool(Options{})
	text := `pcall(redis.call, 'x') return 1`
	_, o := run(t, p, text, Call{Host: hostFunc(func([][]byte, reply.Writer) { panic("boom") })}, 2)
	assert.ErrorIs(t, o.Err, ErrInternal)
	assert.Contains(t, o.Err.Error(), "boom")
	assert.NotContains(t, o.Message, "boom")
	assert.Zero(t, p.Stats().Idle)
	assert.Equal(t, ":1\r\n", eval(t, p, text))
}

// A long run says so again and again; a short one does not.
func TestLong(t *testing.T) {
	p := NewPool(Options{})
	for script, want := range map[string]int{
		`for i = 1, 1000 do end return 1`:    0,
		`for i = 1, 5000000 do end return 1`: 5000000/fuelChunk - longRun,
	} {
		told := 0
		_, o := run(t, p, script, Call{Long: func() { told++ }}, 2)
		if o.Err != nil || told < want || told > 2*want {
			t.Errorf("%s: %v, told %d times, want %d", script, o.Err, told, want)
		}
	}
}
