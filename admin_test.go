package darter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/config"
)

// sessionWith opens a session on a cache of its own, configured as on a command line.
func sessionWith(t *testing.T, flags ...string) *Session {
	t.Helper()
	cfg, err := config.New(config.Standard())
	require.NoError(t, err)
	_, err = cfg.Load(flags, nil)
	require.NoError(t, err)
	c, err := New(Options{Config: cfg})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	s := c.NewSession()
	t.Cleanup(s.Close)
	return s
}

// doLine runs a command given as words between blanks.
func doLine(t *testing.T, s *Session, line string) (any, error) {
	t.Helper()
	var args []any
	for word := range strings.FieldsSeq(line) {
		args = append(args, word)
	}
	return s.Do(t.Context(), args...)
}

func TestDebugIsRefusedUnlessEnabled(t *testing.T) {
	for _, tt := range []struct {
		flags  string
		remote bool
		ok     bool
	}{
		{"", false, false},
		{"no", false, false},
		{"local", false, true},
		{"local", true, false},
		{"yes", true, true},
	} {
		var flags []string
		if tt.flags != "" {
			flags = []string{"--enable-debug-command", tt.flags}
		}
		s := sessionWith(t, flags...)
		s.SetLocal(!tt.remote)
		for _, line := range []string{"DEBUG SLEEP 0", "DEBUG SET-ACTIVE-EXPIRE 1", "DEBUG HELP"} {
			_, err := doLine(t, s, line)
			if tt.ok {
				require.NoError(t, err, "%+v", tt)
				continue
			}
			require.ErrorContains(t, err, `ERR DEBUG command not allowed. If the enable-debug-command option is set to "local"`)
		}
	}
}

// Numbers that do not fit the type that Redis keeps them in have texts of their own; a redis-server says the same.
func TestDatabaseNumbers(t *testing.T) {
	s := sessionWith(t)
	const tooFar = "ERR value is out of range, value must between -2147483648 and 2147483647"
	for line, want := range map[string]string{
		"SELECT 2147483647":    "ERR DB index is out of range",
		"SELECT 2147483648":    tooFar,
		"SELECT -2147483649":   tooFar,
		"SELECT x":             "ERR value is not an integer or out of range",
		"MOVE k 99999999999":   tooFar,
		"SWAPDB 2147483648 0":  "ERR invalid first DB index",
		"SWAPDB 0 -2147483649": "ERR invalid second DB index",
		"SWAPDB 0 2147483647":  "ERR DB index is out of range",
		"BGSAVE SCHEDULE x":    "ERR syntax error",
		"CONFIG SET a b c":     "ERR syntax error",
	} {
		_, err := doLine(t, s, line)
		require.EqualError(t, err, want, line)
	}
}

// The peak never falls, and is at least what is in use.
func TestPeak(t *testing.T) {
	s := sessionWith(t)
	peak := func() int64 {
		v, err := doLine(t, s, "MEMORY STATS")
		require.NoError(t, err)
		found := map[string]int64{}
		for _, p := range v.(Map) {
			if n, ok := p.Value.(int64); ok {
				found[string(p.Key.([]byte))] = n
			}
		}
		require.GreaterOrEqual(t, found["peak.allocated"], found["total.allocated"])
		return found["peak.allocated"]
	}
	empty := peak()
	_, err := doLine(t, s, "SETRANGE k 1000000 x")
	require.NoError(t, err)
	full := peak()
	require.Greater(t, full, empty+1_000_000)
	_, err = doLine(t, s, "DEL k")
	require.NoError(t, err)
	require.Equal(t, full, peak())
}
