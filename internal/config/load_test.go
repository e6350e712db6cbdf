package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inFolder makes a folder with the given files (name, text, name, text ...) the working directory of the test.
func inFolder(t testing.TB, files ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(files[i+1]), 0o600))
	}
	t.Chdir(dir)
	return dir
}

// line is a command line without blanks inside its arguments; two quotes stand for an empty one.
func line(s string) []string {
	args := strings.Fields(s)
	for i := range args {
		if args[i] == "''" {
			args[i] = ""
		}
	}
	return args
}

func TestLoadFile(t *testing.T) {
	for _, test := range []struct{ file, name, want string }{
		{"", "port", "6379"},
		{"port 1", "port", "1"},
		{"\n# port 2\n   # port 3\n\tPORT\t 4  \r\n\n", "port", "4"},
		{"port 1\nport 2\n", "port", "2"},
		{`requirepass "a b"`, "requirepass", "a b"},
		{`requirepass 'a\x41\''`, "requirepass", `a\x41'`},
		{`requirepass "a\x41\n\"\q"`, "requirepass", "aA\n\"q"},
		{`requirepass ""`, "requirepass", ""},
		{`"requirepass" # `, "requirepass", "#"},
		{"maxmemory 100mb", "maxmemory", "104857600"},
		{"maxmemory 100MB", "maxmemory", "104857600"},
		{"unixsocketperm 0700", "unixsocketperm", "700"},
		{"loglevel Debug", "loglevel", "debug"},
		{"save 1 2", "save", "1 2"},
		{"save 1 2\nsave 3 4", "save", "1 2 3 4"},
		{"save 1 2 3 4", "save", "1 2 3 4"},
		{`save "1 2 3 4"`, "save", "1 2 3 4"},
		{`save ""`, "save", ""},
		{"save 1 2\nsave \"\"\nsave 3 4", "save", "3 4"},
		{"bind 127.0.0.1 -::1\nbind 127.0.0.2", "bind", "127.0.0.2"},
		{"bind", "bind", ""},
		{`bind "10.0.0.1 10.0.0.2"`, "bind", "10.0.0.1 10.0.0.2"},
		{"client-output-buffer-limit normal 1mb 1 2\nclient-output-buffer-limit replica 1 1 1 pubsub 2 2 2",
			"client-output-buffer-limit", "normal 1048576 1 2 slave 1 1 1 pubsub 2 2 2"},
		{"client-output-buffer-limit", "client-output-buffer-limit", limitsDefault},
		{"appendonly no\ndaemonize no", "appendonly", "no"},
	} {
		dir := inFolder(t, "d.conf", test.file)
		c := fresh(t)
		action, err := c.Load([]string{"d.conf"}, nil)
		require.NoError(t, err, test.file)
		require.Equal(t, Run, action)
		require.Equal(t, test.want, c.String(test.name), test.file)
		require.Equal(t, filepath.Join(dir, "d.conf"), c.File())
	}
}

func TestLoadFileErrors(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"\n\nmaxmemry 100mb", "d.conf:3: maxmemry 100mb: unknown directive 'maxmemry', did you mean 'maxmemory'?"},
		{"zzz 1", "d.conf:1: zzz 1: unknown directive 'zzz', the nearest known one is 'hz'"},
		{"maxmemory 10x", "d.conf:1: maxmemory 10x: argument must be a memory value " +
			"(usage: maxmemory <bytes, or with k kb m mb g gb>)"},
		{"maxmemory", "d.conf:1: maxmemory: wrong number of arguments (usage: maxmemory <bytes, or with k kb m mb g gb>)"},
		{"port 1 # web", "d.conf:1: port 1 # web: wrong number of arguments (usage: port <0-65535>)"},
		{"port 70000", "d.conf:1: port 70000: argument must be between 0 and 65535 inclusive (usage: port <0-65535>)"},
		{"port 0x10", "d.conf:1: port 0x10: argument couldn't be parsed into an integer (usage: port <0-65535>)"},
		{"unixsocketperm 888", "d.conf:1: unixsocketperm 888: argument couldn't be parsed as an octal number " +
			"(usage: unixsocketperm <0-777>)"},
		{"unixsocketperm 7777", "d.conf:1: unixsocketperm 7777: argument must be between 0 and 777 inclusive " +
			"(usage: unixsocketperm <0-777>)"},
		{"loglevel loud", "d.conf:1: loglevel loud: argument(s) must be one of the following: " +
			"debug, verbose, notice, warning, nothing (usage: loglevel debug|verbose|notice|warning|nothing)"},
		{"protected-mode on", "d.conf:1: protected-mode on: argument must be 'yes' or 'no' (usage: protected-mode yes|no)"},
		{"appendonly yes", "d.conf:1: appendonly yes: darter keeps no append log (usage: appendonly yes|no)"},
		{"save 1", `d.conf:1: save 1: Invalid save parameters (usage: save <seconds> <changes> ... | "")`},
		{`save "" 3 4`, `d.conf:1: save "" 3 4: Invalid save parameters (usage: save <seconds> <changes> ... | "")`},
		{"dir nosuch", "d.conf:1: dir nosuch: No such file or directory (usage: dir <folder>)"},
		{"dir d.conf", "d.conf:1: dir d.conf: Not a directory (usage: dir <folder>)"},
		{"dbfilename a/b", "d.conf:1: dbfilename a/b: dbfilename can't be a path, just a filename " +
			"(usage: dbfilename <text>)"},
		{`logfile "x`, `d.conf:1: logfile "x: unbalanced quotes`},
		{`requirepass "secret`, "d.conf:1: requirepass (value not shown): unbalanced quotes"},
		{`requirepass secret word`, "d.conf:1: requirepass (value not shown): wrong number of arguments " +
			"(usage: requirepass <text>)"},
		{`requirepas secret`, "d.conf:1: requirepas (value not shown): unknown directive 'requirepas', " +
			"did you mean 'requirepass'?"},
		{"include", "d.conf:1: include: wrong number of arguments (usage: include <path>)"},
		{"include nosuch.conf", "d.conf:1: include nosuch.conf: can't read config file 'nosuch.conf': " +
			"No such file or directory"},
		{"include [", "d.conf:1: include [: '[' is not a path pattern"},
		{"port \x1b[31m1", "d.conf:1: port ?[31m1: argument couldn't be parsed into an integer (usage: port <0-65535>)"},
		{"port " + strings.Repeat("1", 200), "d.conf:1: port " + strings.Repeat("1", 95) +
			"...: argument couldn't be parsed into an integer (usage: port <0-65535>)"},
	} {
		inFolder(t, "d.conf", test.file)
		c := fresh(t)
		before := c.Get("*")
		_, err := c.Load([]string{"d.conf", "--timeout", "1"}, nil)
		require.EqualError(t, err, test.want)
		require.Equal(t, before, c.Get("*"), "nothing is half loaded")
		require.Empty(t, c.File())
	}
}

func TestInclude(t *testing.T) {
	dir := inFolder(t,
		"d.conf", "timeout 1\ninclude conf/a.conf\nmaxclients 7\ninclude conf/z*.conf\ninclude none/*.conf\n",
		"conf/a.conf", "timeout 2\nmaxclients 8\nINCLUDE 'conf/b c.conf'",
		"conf/b c.conf", "tcp-keepalive 3",
		"conf/z2.conf", "port 2",
		"conf/z1.conf", "port 1\nport 3\ndir conf\ninclude b?c.conf\ninclude d.conf",
		"conf/d.conf", "databases 3")
	c := fresh(t)
	_, err := c.Load([]string{"d.conf"}, nil)
	require.NoError(t, err)
	require.Equal(t, []Pair{{"timeout", "2"}, {"maxclients", "7"}, {"tcp-keepalive", "3"}, {"port", "2"},
		{"databases", "3"}, {"dir", filepath.Join(dir, "conf")}},
		c.Get("timeout", "maxclients", "tcp-keepalive", "port", "databases", "dir"))
}

func TestIncludeErrors(t *testing.T) {
	dir := inFolder(t,
		"self.conf", "include self.conf",
		"a.conf", "# a\ninclude b.conf",
		"b.conf", "include ./a.conf",
		"outer.conf", "include inner.conf",
		"inner.conf", "\nport x",
		"wide.conf", strings.Repeat("include empty.conf\n", maxFiles),
		"empty.conf", "",
		"big.conf", strings.Repeat("#", maxFileSize+1))
	for i := range maxDepth + 1 {
		require.NoError(t, os.WriteFile(fmt.Sprintf("deep%d.conf", i), fmt.Appendf(nil, "include deep%d.conf", i+1), 0o600))
	}
	tooMany := fmt.Sprintf("more than %d files, or files within files more than %d deep", maxFiles, maxDepth)
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, want := range map[string]string{
		"self.conf": "self.conf:1: include self.conf: self.conf includes itself: " +
			in("self.conf") + " -> " + in("self.conf"),
		"a.conf": "b.conf:1: include ./a.conf: ./a.conf includes itself: " +
			in("a.conf") + " -> " + in("b.conf") + " -> " + in("a.conf"),
		"outer.conf": "inner.conf:2: port x: argument couldn't be parsed into an integer (usage: port <0-65535>)",
		"wide.conf":  fmt.Sprintf("wide.conf:%d: include empty.conf: %s", maxFiles, tooMany),
		"deep0.conf": fmt.Sprintf("deep%d.conf:1: include deep%d.conf: %s", maxDepth-1, maxDepth, tooMany),
		"big.conf": fmt.Sprintf("can't read config file 'big.conf': longer than %d bytes, which no config file is",
			maxFileSize),
		"nosuch.conf": "can't read config file 'nosuch.conf': No such file or directory",
		"":            "can't read config file '': Is a directory",
	} {
		_, err := fresh(t).Load([]string{name}, nil)
		require.EqualError(t, err, want)
	}
}

func TestCommandLine(t *testing.T) {
	inFolder(t, "d.conf", "timeout 1\nsave 1 2\n")
	for _, test := range []struct {
		args, stdin string
		want        string // name=value, parted by |
	}{
		{"", "", "timeout=0"},
		{"d.conf", "", "timeout=1"},
		{"d.conf --timeout 2", "", "timeout=2|save=1 2"},
		{"--TIMEOUT 2 --port 1 --timeout 3", "", "timeout=3|port=1"},
		{"--timeout=4 --requirepass=a=b", "", "timeout=4|requirepass=a=b"},
		{"--requirepass= --timeout 1", "", "timeout=1|requirepass="},
		{"--requirepass --port --timeout 3", "", "requirepass=--port|timeout=3"},
		{"--bind 10.0.0.1 10.0.0.2 --port 1", "", "bind=10.0.0.1 10.0.0.2|port=1"},
		{"--save ''", "", "save="},
		{"--save --timeout 2", "", "save=|timeout=2"},
		{"--timeout 2 --save", "", "timeout=2|save="},
		{"--save= --timeout 2", "", "save=|timeout=2"},
		{"d.conf --save 5 6", "", "save=1 2 5 6"},
		{"d.conf --save '' --save 9 9", "", "save=9 9"},
		{"d.conf --save 10 10 11 11", "", "save=1 2 10 10 11 11"},
		{"-", "timeout 5\n", "timeout=5"},
		{"- --timeout 6", "timeout 5", "timeout=6"},
		{"--port 1 --include d.conf --port 2", "", "timeout=1|port=2"},
		{"d.conf -", "port 5", "timeout=1|port=5"},
		{"d.conf --timeout 7 -", "timeout 5\nport 5", "timeout=7|port=5"},
	} {
		c := fresh(t)
		action, err := c.Load(line(test.args), strings.NewReader(test.stdin))
		require.NoError(t, err, test.args)
		require.Equal(t, Run, action, test.args)
		for _, p := range pairsOf(test.want) {
			require.Equal(t, p.Value, c.String(p.Name), test.args)
		}
	}
	c := fresh(t)
	_, err := c.Load([]string{"--timeout 5", "--save 1 2 3 4", "--requirepass 'a b'"}, nil)
	require.NoError(t, err)
	require.Equal(t, []Pair{{"timeout", "5"}, {"save", "1 2 3 4"}, {"requirepass", "a b"}},
		c.Get("timeout", "save", "requirepass"))
}

func TestCommandLineActions(t *testing.T) {
	for args, want := range map[string]Action{
		"-v": ShowVersion, "--version": ShowVersion, "--port 1 --version": ShowVersion, "nosuch.conf --version": ShowVersion,
		"-h": ShowHelp, "--help": ShowHelp, "--nosuch 1 --help": ShowHelp,
	} {
		action, err := fresh(t).Load(line(args), nil)
		require.NoError(t, err, args)
		require.Equal(t, want, action, args)
	}
}

func TestCommandLineErrors(t *testing.T) {
	inFolder(t, "d.conf", "port 1\n", "bad.conf", "port z")
	for _, test := range []struct {
		args []string
		want string
	}{
		{line("--prot 1"), "command line: --prot 1: unknown directive 'prot', did you mean 'port'?"},
		{line("--port"), "command line: --port: wrong number of arguments (usage: port <0-65535>)"},
		{line("--port 1 foo"), "command line: --port 1 foo: wrong number of arguments (usage: port <0-65535>)"},
		{line("d.conf --port 1 - 2"), "command line: --port 1 - 2: wrong number of arguments (usage: port <0-65535>)"},
		{line("--port=x"), "command line: --port=x: argument couldn't be parsed into an integer (usage: port <0-65535>)"},
		{line("d.conf foo"), "command line: foo: a flag starts with --, a config file comes first"},
		{line("-p 1"), "command line: -p: a flag starts with --, a config file comes first"},
		{line("--"), "command line: --: a flag needs a name"},
		{line("--=3"), "command line: --=3: a flag needs a name"},
		{[]string{`--logfile "x`}, `command line: --logfile "x: unbalanced quotes`},
		{line("--requirepass=x y"), "command line: --requirepass (value not shown): wrong number of arguments " +
			"(usage: requirepass <text>)"},
		{line("--requirpass x"), "command line: --requirpass (value not shown): unknown directive 'requirpass', " +
			"did you mean 'requirepass'?"},
		{line("--include bad.conf"), "bad.conf:1: port z: argument couldn't be parsed into an integer " +
			"(usage: port <0-65535>)"},
	} {
		_, err := fresh(t).Load(test.args, strings.NewReader(""))
		require.EqualError(t, err, test.want)
	}
	_, err := fresh(t).Load(line("-"), strings.NewReader("port 1\nport y"))
	require.EqualError(t, err,
		"standard input:2: port y: argument couldn't be parsed into an integer (usage: port <0-65535>)")
	_, err = fresh(t).Load(line("-"), io.LimitReader(endless{}, 1<<40))
	require.ErrorContains(t, err, "can't read standard input: longer than")
}

// endless is a reader that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
