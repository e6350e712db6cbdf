package luavm

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/reply"
)

func TestScriptCache(t *testing.T) {
	p := NewPool(Options{Scripts: 3})
	keep, err := p.Load([]byte("return 'kept'"), true)
	require.NoError(t, err)
	assert.Equal(t, digest("return 'kept'"), keep.SHA())
	assert.Equal(t, "return 'kept'", keep.Text())
	same, err := p.Load([]byte("return 'kept'"), false)
	require.NoError(t, err)
	assert.Same(t, keep, same)

	var shas []string
	for i := range 5 {
		s, err := p.Load(fmt.Appendf(nil, "return %d", i), false)
		require.NoError(t, err)
		shas = append(shas, s.SHA())
		p.Script([]byte(shas[0])) // used again and again
	}
	for i, want := range []bool{true, false, false, true, true} {
		assert.Equal(t, want, p.Exists(shas[i]), i)
	}
	_, ok := p.Script([]byte(strings.ToUpper(keep.SHA())))
	assert.True(t, ok)
	assert.Equal(t, 4, p.Stats().Scripts)
	_, err = p.Load([]byte("return 0"), true) // now it stays
	require.NoError(t, err)
	for i := range 10 {
		_, err := p.Load(fmt.Appendf(nil, "return -%d", i), false)
		require.NoError(t, err)
	}
	assert.True(t, p.Exists(shas[0]))
	assert.Positive(t, p.Stats().ScriptBytes)
	p.Flush()
	assert.Equal(t, Stats{}, p.Stats())
	_, ok = p.Script([]byte(keep.SHA()))
	assert.False(t, ok)
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		text  string
		flags Flags
		want  string
	}{
		{"return 1", 0, ""},
		{"#!lua\nreturn 1", 0, ""},
		{"#!lua flags=no-writes\nreturn 1", NoWrites, ""},
		{"#!lua flags=no-writes,allow-oom,allow-stale,no-cluster,allow-cross-slot-keys\nreturn 1",
			NoWrites | AllowOOM | AllowStale | NoCluster | AllowCrossSlot, ""},
		{"#!lua flags=\nreturn 1", 0, ""},
		{"#!lua flags=no-writes flags=allow-oom\nreturn 1", NoWrites | AllowOOM, ""},
		{"#!lua", 0, "ERR Invalid script shebang"},
		{"#!x\nreturn 1", 0, "ERR Unexpected engine in script shebang: #!x"},
		{"#!\nreturn 1", 0, "ERR Unexpected engine in script shebang: #!"},
		{"#!lua flags=foo\nreturn 1", 0, "ERR Unexpected flag in script shebang: foo"},
		{"#!lua flags=no-writes, \nreturn 1", 0, "ERR Unexpected flag in script shebang: "},
		{"#!lua x=1\nreturn 1", 0, "ERR Unknown lua shebang option: x=1"},
		{"#!lua \"\nreturn 1", 0, "ERR Invalid engine in script shebang"},
		{"#return 1", 0, "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'"},
	} {
		s, err := Compile(c.text)
		if c.want != "" {
			assert.EqualError(t, err, c.want, c.text)
			continue
		}
		require.NoError(t, err, c.text)
		flags, declared := s.Flags()
		assert.Equal(t, c.flags, flags, c.text)
		assert.Equal(t, strings.HasPrefix(c.text, "#!"), declared, c.text)
	}
	p := NewPool(Options{})
	assert.Contains(t, eval(t, p, "#!lua\nerror('x')"), "user_script:2: x")
}

// TestRunsSideBySide runs scripts and functions in several goroutines on shared code, for the race detector too.
func TestRunsSideBySide(t *testing.T) {
	p := NewPool(Options{Idle: 2})
	lib, err := p.LoadLibrary(sampleLibrary)
	require.NoError(t, err)
	texts := []string{
		`local t = {} for i = 1, 100 do t[i] = 'k' .. i end table.sort(t) return #t`,
		`local n = 0 for i = 1, 50 do n = n + #redis.call('echo', ('x'):rep(i)) end return n`,
		`return cjson.decode(cjson.encode({a = {1, 2, {b = KEYS[1]}}})).a[3].b`,
		`return {pcall(function() return nosuch.x end)}`,
		`local f = loadstring('return function(a) return a + 1 end') return f()(41)`,
		`local co = coroutine.wrap(function() for i = 1, 10 do coroutine.yield(i) end end) return co() + co()`,
	}
	want := make([]string, len(texts))
	for i, text := range texts {
		want[i], _ = run(t, p, text, Call{Host: &fakeHost{}, Keys: [][]byte{[]byte("k")}}, 2)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 60 {
				n := (g + i) % len(texts)
				s, err := p.Load([]byte(texts[n]), false)
				if err != nil {
					t.Error(err)
					return
				}
				var w reply.RESP
				p.Run(s, Call{Host: &fakeHost{}, Keys: [][]byte{[]byte("k")}}, &w)
				if string(w.Buf) != want[n] {
					t.Errorf("%s: %q, want %q", texts[n], w.Buf, want[n])
				}
				w.Reset(2)
				p.RunFunction(lib, "twice", Call{Host: &fakeHost{}, Args: [][]byte{[]byte("4")}}, &w)
				if string(w.Buf) != ":8\r\n" {
					t.Errorf("twice: %q", w.Buf)
				}
				if i == 30 && g == 0 {
					p.Flush()
				}
			}
		})
	}
	wg.Wait()
	assert.LessOrEqual(t, p.Stats().Idle, 2)
}

func TestRandomSequence(t *testing.T) {
	text := `return {math.random(1e6), math.random(1e6)}`
	a, b := NewPool(Options{Seed: 1}), NewPool(Options{Seed: 1})
	first := eval(t, a, text)
	assert.Equal(t, first, eval(t, b, text))
	assert.NotEqual(t, first, eval(t, a, text))
}

func TestRunAllocatesLittle(t *testing.T) {
	p := NewPool(Options{})
	s, err := p.Load([]byte(`local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end return n`), true)
	require.NoError(t, err)
	c := Call{
		Host: hostFunc(func(_ [][]byte, w reply.Writer) { w.Int(1) }),
		Keys: [][]byte{[]byte("limit:1")}, Args: [][]byte{[]byte("1000")},
	}
	var w reply.RESP
	n := testing.AllocsPerRun(100, func() {
		w.Reset(2)
		p.Run(s, c, &w)
	})
	assert.LessOrEqual(t, n, 1.0)
}

func BenchmarkSetLoop(b *testing.B) {
	benchmark(b, `for i = 1, 10000 do redis.call('SET', 'key' .. i, i) end`)
}

func BenchmarkFib(b *testing.B) {
	benchmark(b, `local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return fib(22)`)
}

func BenchmarkLoop(b *testing.B) {
	benchmark(b, `local s = 0 for i = 1, 100000 do s = s + i * 2 if s > 1e9 then s = 0 end end return s`)
}

func BenchmarkShortScript(b *testing.B) {
	benchmark(b, `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end`)
}

func benchmark(b *testing.B, text string) {
	p := NewPool(Options{})
	s, err := p.Load([]byte(text), true)
	require.NoError(b, err)
	c := Call{Host: &nopHost{}, Keys: [][]byte{[]byte("key")}, Args: [][]byte{[]byte("arg")}}
	var w reply.RESP
	b.ReportAllocs()
	for b.Loop() {
		w.Reset(2)
		p.Run(s, c, &w)
	}
}
