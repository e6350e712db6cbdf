//go:build !race && !invariants

package darter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/reply"
)

// TestScriptAllocations holds how often a script that limits a rate allocates, and a transaction of MULTI.
func TestScriptAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	s := c.NewSession()
	defer s.Close()
	var w reply.RESP
	run := func(words ...string) func() {
		args := make([][]byte, len(words))
		for i, word := range words {
			args[i] = []byte(word)
		}
		row, err := command.Resolve(args)
		require.NoError(t, err)
		return func() {
			w.Reset(2)
			if err := s.Run(row, args, &w); err != nil || w.Buf[0] == '-' {
				t.Errorf("%s: %v", w.Buf, err)
			}
		}
	}
	multi := []func(){run("MULTI"), run("SET", "a", "value"), run("GET", "b"), run("INCR", "c"), run("MGET", "a", "d"), run("EXEC")}
	require.Zero(t, testing.AllocsPerRun(200, func() {
		for _, one := range multi {
			one()
		}
	}))
	for _, tc := range []struct {
		text string
		args []string
		most float64
	}{
		{`local n = redis.call('INCR', KEYS[1])
		  if n == 1 then redis.call('EXPIRE', KEYS[1], 60) end
		  return n <= 1000000 and 1 or 0`, []string{"1", "rate:1"}, 1},
		{`local n = tonumber(redis.call('GET', KEYS[1]) or '0')
		  if n >= tonumber(ARGV[1]) then return 0 end
		  redis.call('SET', KEYS[1], n + 1, 'PX', ARGV[2])
		  return 1`, []string{"1", "rate:2", "1000000", "60000"}, 2},
	} {
		run("SCRIPT", "LOAD", tc.text)()
		sha := string(w.Buf[len("$40\r\n") : len(w.Buf)-2])
		for _, impatient := range []bool{false, true} {
			s.SetImpatient(impatient)
			require.LessOrEqual(t, testing.AllocsPerRun(200, run(append([]string{"EVALSHA", sha}, tc.args...)...)), tc.most)
		}
	}
}
