package luavm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestReuseShowsNothing has scripts do what they can to the memory that the next run uses, in one machine.
func TestReuseShowsNothing(t *testing.T) {
	p := NewPool(Options{Idle: 1})
	look := `local n = 0
		for k in pairs(KEYS) do n = n + 1 end
		for k in pairs(ARGV) do n = n + 1 end
		return {#KEYS, #ARGV, n, tostring(getmetatable(KEYS)), tostring(KEYS.x), tostring(KEYS[7]), KEYS[1], ARGV[1]}`
	keys := func(n int) (k [][]byte) {
		for i := range n {
			k = append(k, fmt.Appendf(nil, "key%d", i))
		}
		return k
	}
	call := Call{Host: &fakeHost{}, Keys: keys(1), Args: [][]byte{[]byte("arg")}}
	want, _ := run(t, p, look, call, 2)
	assert.Contains(t, want, "key0")
	for _, text := range []string{
		`KEYS.x = 'left' KEYS[7] = 'left' for i = 1, 100 do ARGV[i] = i end`,
		`setmetatable(KEYS, {__index = function() return 'left' end}) setmetatable(ARGV, {__newindex = error})`,
		`KEYS[1] = nil ARGV[1] = nil`,
		`local t = {} for i = 1, 100 do t[i] = 'left' .. i end KEYS[1] = t return t`,
		`error({err = KEYS[1] .. 'left'})`,
		`error(KEYS)`,
		`local co = coroutine.wrap(function(k) coroutine.yield(k) end) co(KEYS[1]) return tostring(KEYS)`,
		`local f f = function(n) if n == 0 then return KEYS[1] end return (f(n - 1)) end return f(200)`,
		`return loadstring('return KEYS[1] .. ARGV[1]')()`,
		`local function f() return f() end KEYS[1] = f return ('x'):rep(100)`,
	} {
		for _, n := range []int{1, maxStrings - 1, 3 * maxStrings} {
			c := call
			c.Keys = keys(n)
			before, _ := run(t, p, text, c, 2)
			got, _ := run(t, p, look, call, 2)
			assert.Equal(t, want, got, text)
			after, _ := run(t, p, text, c, 2)
			if !strings.Contains(text, "tostring") && !strings.Contains(text, "error(KEYS)") {
				assert.Equal(t, before, after, text)
			}
		}
	}
	assert.Equal(t, 1, p.Stats().Idle, "one machine served all of them")
}
