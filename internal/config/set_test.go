package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// setTests are CONFIG SET commands with Redis's answer ("" for OK) and, after it, CONFIG GET of the first name.
var setTests = []struct {
	pairs string // name=value, parted by |
	err   string
	after string
}{
	{"xyz=1", "ERR Unknown option or number of arguments for CONFIG SET - 'xyz'", ""},
	{"maxmemory=1k|XYZ=2k|databases=3", "ERR Unknown option or number of arguments for CONFIG SET - 'XYZ'", "0"},
	{"databases=3|xyz=2", failedText("databases", "can't set immutable config"), "16"},
	{"maxmemory=abc|DATABASES=3", failedText("DATABASES", "can't set immutable config"), "0"},
	{"tcp-backlog=1", failedText("tcp-backlog", "can't set immutable config"), "511"},
	{"unixsocket=x", failedText("unixsocket", "can't set immutable config"), ""},
	{"unixsocketperm=700", failedText("unixsocketperm", "can't set immutable config"), "0"},
	{"logfile=x", failedText("logfile", "can't set immutable config"), ""},
	{"pidfile=x", failedText("pidfile", "can't set immutable config"), ""},
	{"daemonize=no", failedText("daemonize", "can't set immutable config"), "no"},
	{"enable-debug-command=no", failedText("enable-debug-command", "can't set immutable config"), "no"},
	{"enable-protected-configs=yes", failedText("enable-protected-configs", "can't set immutable config"), "no"},
	{"dir=/", failedText("dir", "can't set protected config"), "-"},
	{"DBFILENAME=x", failedText("DBFILENAME", "can't set protected config"), "dump.darter"},
	{"maxmemory=1k|MAXMEMORY=2k", failedText("MAXMEMORY", "duplicate parameter"), "0"},
	{"maxmemory=abc", failedText("maxmemory", "argument must be a memory value"), "0"},
	{"MaxMemory=-1", failedText("maxmemory", "argument must be a memory value"), "0"},
	{"maxmemory=1tb", failedText("maxmemory", "argument must be a memory value"), "0"},
	{"maxmemory=50%", failedText("maxmemory", "argument must be a memory value"), "0"},
	{"maxmemory=1.5gb", failedText("maxmemory", "argument must be a memory value"), "0"},
	{"maxmemory=1 gb", failedText("maxmemory", "argument must be a memory value"), "0"},
	{"maxmemory=1KB", "", "1024"},
	{"maxmemory=2k", "", "2000"},
	{"maxmemory=010", "", "10"},
	{"maxmemory=", "", "0"},
	{"client-query-buffer-limit=1",
		failedText("client-query-buffer-limit", "argument must be between 1048576 and 9223372036854775807 inclusive"),
		"1073741824"},
	{"client-query-buffer-limit=3mb", "", "3145728"},
	{"proto-max-bulk-len=9223372036854775807", "", "9223372036854775807"},
	{"timeout=abc", failedText("timeout", "argument couldn't be parsed into an integer"), "0"},
	{"timeout=", failedText("timeout", "argument couldn't be parsed into an integer"), "0"},
	{"timeout=1 ", failedText("timeout", "argument couldn't be parsed into an integer"), "0"},
	{"timeout=+1", failedText("timeout", "argument couldn't be parsed into an integer"), "0"},
	{"timeout=0100", failedText("timeout", "argument couldn't be parsed into an integer"), "0"},
	{"timeout=99999999999999999999", failedText("timeout", "argument couldn't be parsed into an integer"), "0"},
	{"timeout=-1", failedText("timeout", "argument must be between 0 and 2147483647 inclusive"), "0"},
	{"timeout=2147483648", failedText("timeout", "argument must be between 0 and 2147483647 inclusive"), "0"},
	{"maxclients=0", failedText("maxclients", "argument must be between 1 and 4294967295 inclusive"), "10000"},
	{"timeout=5|maxclients=0|tcp-keepalive=1",
		failedText("maxclients", "argument must be between 1 and 4294967295 inclusive"), "0"},
	{"timeout=5|tcp-keepalive=1", "", "5"},
	{"protected-mode=maybe", failedText("protected-mode", "argument must be 'yes' or 'no'"), "yes"},
	{"protected-mode=NO", "", "no"},
	{"appendonly=maybe", failedText("appendonly", "argument must be 'yes' or 'no'"), "no"},
	{"appendonly=no", "", "no"},
	{"loglevel=NOTICE", "", "notice"},
	{"tls-auth-clients=x", failedText("tls-auth-clients", "argument(s) must be one of the following: no, yes, optional"),
		"yes"},
	{"requirepass=a b\"c", "", "a b\"c"},
	{"requirepass=", "", ""},
	{"save=10", failedText("save", "Invalid save parameters"), "3600 1 300 100 60 10000"},
	{"save=a b", failedText("save", "Invalid save parameters"), "3600 1 300 100 60 10000"},
	{"save=0 1", failedText("save", "Invalid save parameters"), "3600 1 300 100 60 10000"},
	{"save=1 -1", failedText("save", "Invalid save parameters"), "3600 1 300 100 60 10000"},
	{"save= 10 2", failedText("save", "Invalid save parameters"), "3600 1 300 100 60 10000"},
	{"save=10 2  20 3", failedText("save", "Invalid save parameters"), "3600 1 300 100 60 10000"},
	{"save=\"\"", failedText("save", "Invalid save parameters"), "3600 1 300 100 60 10000"},
	{"save=", "", ""},
	{"save=1 0", "", "1 0"},
	{"save=10 2 20 3", "", "10 2 20 3"},
	{"bind=a b c d e f g h i j k l m n o p q", failedText("bind", "Too many bind addresses specified."), "* -::*"},
	{"bind=127.0.0.1  -::1", failedText("bind", "Failed to bind to specified addresses."), "* -::*"},
	{"bind=127.0.0.1 -::1", "", "127.0.0.1 -::1"},
	{"port=70000", failedText("port", "argument must be between 0 and 65535 inclusive"), "6379"},
	{"port=-1", failedText("port", "argument must be between 0 and 65535 inclusive"), "6379"},
	{"client-output-buffer-limit=x 1 2 3",
		limitsFailed + "Invalid client class specified in buffer limit configuration.", limitsDefault},
	{"client-output-buffer-limit=master 1 2 3",
		limitsFailed + "Invalid client class specified in buffer limit configuration.", limitsDefault},
	{"client-output-buffer-limit=normal 1 2",
		limitsFailed + "Wrong number of arguments in buffer limit configuration.", limitsDefault},
	{"client-output-buffer-limit=  normal 1  2 3",
		limitsFailed + "Wrong number of arguments in buffer limit configuration.", limitsDefault},
	{"client-output-buffer-limit=normal 1 2 x",
		limitsFailed + "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
		limitsDefault},
	{"client-output-buffer-limit=normal 1 2 -3",
		limitsFailed + "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
		limitsDefault},
	{"client-output-buffer-limit=pubsub 1 1 1 normal 1x 2 3",
		limitsFailed + "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
		limitsDefault},
	{"client-output-buffer-limit=", "", limitsDefault},
	{"client-output-buffer-limit=replica 1mb 2kb 3 pubsub 1 1 1 NORMAL 9 9 9", "",
		"normal 9 9 9 slave 1048576 2048 3 pubsub 1 1 1"},
	{"client-output-buffer-limit=slave 1 2 3 replica 4 5 6", "", "normal 0 0 0 slave 4 5 6 pubsub 33554432 8388608 60"},
	{"lazyfree-lazy-user-flush=yes", "", "yes"},
}

const limitsFailed = "ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - "

const limitsDefault = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"

func failedText(name, why string) string {
	return "ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + why
}

func pairsOf(text string) []Pair {
	var pairs []Pair
	for p := range strings.SplitSeq(text, "|") {
		name, value, _ := strings.Cut(p, "=")
		pairs = append(pairs, Pair{name, value})
	}
	return pairs
}

// hookAll lets every directive change that needs a hook.
func hookAll(c *Config) {
	for _, d := range c.table {
		if d.Change == Hooked {
			c.OnSet(func(*Values) error { return nil }, d.Name)
		}
	}
}

func TestSet(t *testing.T) {
	for _, test := range setTests {
		c := fresh(t)
		hookAll(c)
		before := c.Get("*")
		pairs := pairsOf(test.pairs)
		err := c.Set(pairs, true)
		if test.err == "" {
			require.NoError(t, err, test.pairs)
		} else {
			require.EqualError(t, err, test.err, test.pairs)
			require.Equal(t, before, c.Get("*"), test.pairs)
		}
		if got := c.Get(pairs[0].Name); len(got) == 1 && test.after != "-" {
			require.Equal(t, test.after, got[0].Value, test.pairs)
		}
	}
}

func TestSetOfAlias(t *testing.T) {
	c := fresh(t)
	// As in Redis, an alias beside its directive is no duplicate; the later one counts.
	require.NoError(t, c.Set([]Pair{{"hash-max-listpack-entries", "5"}, {"Hash-Max-Ziplist-Entries", "6"}}, false))
	require.Equal(t, []Pair{{"hash-max-listpack-entries", "6"}, {"hash-max-ziplist-entries", "6"}}, c.Get("hash-max-*-entries"))
}

func TestSetOfWhatDarterLacks(t *testing.T) {
	c := fresh(t)
	require.EqualError(t, c.Set([]Pair{{"appendonly", "YES"}}, false),
		failedText("appendonly", "darter keeps no append log"))
	require.EqualError(t, c.Set([]Pair{{"maxmemory", "99999999999999999999"}}, false),
		failedText("maxmemory", "argument must be a memory value"))
}

func TestSetOfProtected(t *testing.T) {
	dir := t.TempDir()
	c := fresh(t)
	_, err := c.Load([]string{"--enable-protected-configs", "local"}, nil)
	require.NoError(t, err)
	require.EqualError(t, c.Set([]Pair{{"dir", dir}}, false), failedText("dir", "can't set protected config"))
	require.NoError(t, c.Set([]Pair{{"dir", dir}}, true))
	require.Equal(t, dir, c.String("dir"))
	require.NoError(t, c.Set([]Pair{{"dir", ".."}, {"dbfilename", "x"}}, true))
	require.Equal(t, filepath.Dir(dir), c.String("dir"))
	require.Equal(t, filepath.Join(filepath.Dir(dir), "x"), c.Path("dbfilename"))
	require.EqualError(t, c.Set([]Pair{{"dir", "nosuch"}}, true), failedText("dir", "No such file or directory"))
	require.EqualError(t, c.Set([]Pair{{"dir", ""}}, true), failedText("dir", "No such file or directory"))
	for _, name := range []string{"a/b", `a\b`, "..", "."} {
		require.EqualError(t, c.Set([]Pair{{"dbfilename", name}}, true),
			failedText("dbfilename", "dbfilename can't be a path, just a filename"))
	}
	require.Error(t, c.Set([]Pair{{"dbfilename", ""}}, true))
}

func TestHookedWithoutHook(t *testing.T) {
	c := fresh(t)
	require.EqualError(t, c.Set([]Pair{{"timeout", "1"}, {"Port", "1"}}, false),
		failedText("Port", "can't set immutable config"))
	require.EqualValues(t, 0, c.Int("timeout"))
	require.NoError(t, c.Set([]Pair{{"port", "6379"}}, false), "no change is no lie")
	require.Panics(t, func() { c.OnSet(func(*Values) error { return nil }, "nosuch") })
}

func TestHooks(t *testing.T) {
	c := fresh(t)
	var calls []string
	refuse := ""
	hook := func(label string, names ...string) {
		c.OnSet(func(v *Values) error {
			call := label
			for _, name := range names {
				call += " " + v.String(name)
			}
			calls = append(calls, call)
			if label == refuse {
				return errors.New("no " + label)
			}
			return nil
		}, names...)
	}
	hook("listen", "port", "bind")
	hook("memory", "maxmemory")
	hook("also memory", "maxmemory")

	require.NoError(t, c.Set(pairsOf("bind=a|maxmemory=1kb|PORT=7|timeout=3"), false))
	require.Equal(t, []string{"listen 7 a", "memory 1024", "also memory 1024"}, calls, "once each, with all new values")

	calls = nil
	require.NoError(t, c.Set(pairsOf("port=7|maxmemory=1024|timeout=4"), false))
	require.Empty(t, calls, "nothing of theirs has changed")

	refuse = "also memory"
	before := c.Get("*")
	require.EqualError(t, c.Set(pairsOf("timeout=9|port=8|MAXMEMORY=2kb"), false),
		failedText("maxmemory", "no also memory"))
	require.Equal(t, before, c.Get("*"))
	require.Equal(t, []string{"listen 8 a", "memory 2048", "also memory 2048", "memory 1024", "listen 7 a"}, calls,
		"those that had run go back, the last one first")
}

func TestHookThatCannotGoBack(t *testing.T) {
	c := fresh(t)
	c.OnSet(func(v *Values) error {
		if v.Int("port") == 6379 {
			return errors.New("port taken")
		}
		return nil
	}, "port")
	c.OnSet(func(*Values) error { return errors.New("too little") }, "maxmemory")
	require.EqualError(t, c.Set(pairsOf("port=1|maxmemory=1"), false),
		failedText("maxmemory", "too little; going back failed too: port taken"))
	require.EqualValues(t, 6379, c.Int("port"))
}
