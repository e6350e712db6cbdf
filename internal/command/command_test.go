package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/reply"
	"github.com/stretchr/testify/require"
)

// words makes a call of words between blanks.
func words(line string) [][]byte {
	var args [][]byte
	for _, w := range strings.Fields(line) {
		args = append(args, []byte(w))
	}
	return args
}

// answer runs a command that needs nothing held, and returns its reply in RESP.
func answer(t *testing.T, proto int, args [][]byte) string {
	t.Helper()
	var w reply.RESP
	w.SetProto(proto)
	row, err := Resolve(args)
	if err != nil {
		w.Error(err.Error())
		return string(w.Buf)
	}
	require.Equal(t, Free, row.Class)
	row.Run(&Call{Args: args, W: &w, Row: row})
	return string(w.Buf)
}

// bulk and bulks write bulk strings in RESP, statuses writes short names.
func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

func bulks(words string) string {
	var out string
	for _, s := range strings.Fields(words) {
		out += bulk(s)
	}
	return out
}

func statuses(kind, words string) string {
	list := strings.Fields(words)
	out := fmt.Sprintf("%s%d\r\n", kind, len(list))
	for _, s := range list {
		out += "+" + s + "\r\n"
	}
	return out
}

// rangeSpec writes a key specification of keys at fixed places, in RESP3 or RESP2.
func rangeSpec(proto int, flags string, pos, last, step int) string {
	m, set, num := func(n int) string { return fmt.Sprintf("*%d\r\n", 2*n) }, "*", func(name string, n int) string {
		return bulk(name) + fmt.Sprintf(":%d\r\n", n)
	}
	if proto == 3 {
		m, set = func(n int) string { return fmt.Sprintf("%%%d\r\n", n) }, "~"
	}
	return m(3) + bulk("flags") + statuses(set, flags) +
		bulk("begin_search") + m(2) + bulks("type index spec") + m(1) + num("index", pos) +
		bulk("find_keys") + m(2) + bulks("type range spec") + m(3) +
		num("lastkey", last) + num("keystep", step) + num("limit", 0)
}

func TestCommandInfo(t *testing.T) {
	for _, tt := range []struct {
		name                    string
		arity                   int
		flags, categories, tips string
		first, last, step       int
		keyFlags                string
		lastInSpec              int
	}{
		{"get", 2, "readonly fast", "@read @string @fast", "", 1, 1, 1, "RO access", 0},
		{"mget", -2, "readonly fast", "@read @string @fast", "request_policy:multi_shard", 1, -1, 1, "RO access", -1},
		{"mset", -3, "write denyoom", "@write @string @slow", "request_policy:multi_shard response_policy:all_succeeded",
			1, -1, 2, "OW update", -1},
		{"lcs", -3, "readonly", "@read @string @slow", "", 1, 2, 1, "RO access", 1},
		{"memory|usage", -3, "readonly", "@read @slow", "", 2, 2, 1, "RO", 0},
	} {
		for proto, set := range map[int]string{2: "*", 3: "~"} {
			want := "*1\r\n*10\r\n" + bulk(tt.name) + fmt.Sprintf(":%d\r\n", tt.arity) + statuses(set, tt.flags) +
				fmt.Sprintf(":%d\r\n:%d\r\n:%d\r\n", tt.first, tt.last, tt.step) + statuses(set, tt.categories) +
				fmt.Sprintf("%s%d\r\n", set, len(strings.Fields(tt.tips))) + bulks(tt.tips) +
				set + "1\r\n" + rangeSpec(proto, tt.keyFlags, tt.first, tt.lastInSpec, tt.step) + set + "0\r\n"
			require.Equal(t, want, answer(t, proto, words("COMMAND INFO "+tt.name)), "%s RESP%d", tt.name, proto)
		}
	}

	missing := words("command info nosuch get|x config|get|x config|")
	missing = append(missing, []byte{})
	require.Equal(t, "*5\r\n"+strings.Repeat("$-1\r\n", 5), answer(t, 2, missing))
	require.Equal(t, "*5\r\n"+strings.Repeat("_\r\n", 5), answer(t, 3, missing))

	config := answer(t, 3, words("command info config"))
	require.True(t, strings.HasPrefix(config, "*1\r\n*10\r\n"+bulk("config")+
		":-2\r\n~0\r\n:0\r\n:0\r\n:0\r\n~1\r\n+@slow\r\n~0\r\n~0\r\n*5\r\n*10\r\n"), config)
	ping := answer(t, 3, words("command info ping"))
	require.Equal(t, "*1\r\n*10\r\n"+bulk("ping")+":-1\r\n~1\r\n+fast\r\n:0\r\n:0\r\n:0\r\n"+
		"~2\r\n+@fast\r\n+@connection\r\n~2\r\n"+bulks("request_policy:all_shards response_policy:all_succeeded")+
		"~0\r\n~0\r\n", ping)
}

// valueOf runs a command and returns its reply as a Go value.
func valueOf(t *testing.T, line string) (any, error) {
	t.Helper()
	args := words(line)
	row, err := Resolve(args)
	require.NoError(t, err)
	var w reply.Values
	row.Run(&Call{Args: args, W: &w, Row: row})
	return w.Value()
}

func TestCommandListsEverything(t *testing.T) {
	tops := 0
	for _, r := range Rows() {
		if r.Parent() == nil {
			tops++
		}
	}
	for _, line := range []string{"command", "command info"} {
		v, err := valueOf(t, line)
		require.NoError(t, err)
		require.Len(t, v, tops)
	}
	v, err := valueOf(t, "command count")
	require.NoError(t, err)
	require.Equal(t, int64(tops), v)
	v, err = valueOf(t, "command list")
	require.NoError(t, err)
	require.Len(t, v, Count())
	v, err = valueOf(t, "command docs")
	require.NoError(t, err)
	require.Len(t, v, tops)
	_, err = valueOf(t, "command getkeys nosuch x")
	require.EqualError(t, err, "ERR Invalid command specified")
}

func TestCommandReplies(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"command list filterby module x", "*0\r\n"},
		{"command list filterby aclcat nosuch", "*0\r\n"},
		{"command list FILTERBY pattern CONFIG|RE*", "*2\r\n" + bulks("config|resetstat config|rewrite")},
		{"command list filterby pattern nosuch", "*0\r\n"},
		{"command list filterby", "-ERR syntax error\r\n"},
		{"command list filterby pattern", "-ERR syntax error\r\n"},
		{"command list filterby pattern a b", "-ERR syntax error\r\n"},
		{"command list filterby nosuch a", "-ERR syntax error\r\n"},
		{"command list x", "-ERR syntax error\r\n"},
		{"command docs nosuch", "%0\r\n"},
		{"command docs echo nosuch", "%1\r\n" + bulk("echo") + "%5\r\n" +
			bulk("summary") + bulk("Answers with its argument.") + bulks("since 1.0.0 group connection complexity O(1)") +
			bulk("arguments") + "*1\r\n%3\r\n" + bulks("name message type string display_text message")},
		{"command docs config|get", "%1\r\n" + bulk("config|get") + "%5\r\n" +
			bulk("summary") + bulk("Returns the settings whose names match a pattern.") +
			bulks("since 2.0.0 group server complexity") +
			bulk("O(N) for N directives") + bulk("arguments") + "*1\r\n%4\r\n" +
			bulks("name parameter type string display_text parameter flags") + "~1\r\n+multiple\r\n"},
		{"command docs quit", "%1\r\n" + bulk("quit") + "%7\r\n" + bulk("summary") + bulk("Closes the connection.") +
			bulks("since 1.0.0 group connection complexity O(1) doc_flags") + "~1\r\n+deprecated\r\n" +
			bulks("deprecated_since 7.2.0 replaced_by") + bulk("closing the connection on the client's side")},
		{"command docs bgsave", "%1\r\n" + bulk("bgsave") + "%5\r\n" + bulk("summary") +
			bulk("Saves the data to disk while other commands go on.") + bulks("since 1.0.0 group server complexity O(1)") +
			bulk("arguments") + "*1\r\n%6\r\n" + bulks("name schedule type pure-token display_text schedule "+
			"token SCHEDULE since 3.2.2 flags") + "~1\r\n+optional\r\n"},
		{"command docs client|no-touch", "%1\r\n" + bulk("client|no-touch") + "%5\r\n" + bulk("summary") +
			bulk("Makes the connection's reads leave no note of access, or leave it again.") +
			bulks("since 7.2.0 group connection complexity O(1) arguments") + "*1\r\n%3\r\n" +
			bulks("name enabled type oneof arguments") + "*2\r\n%4\r\n" +
			bulks("name on type pure-token display_text on token ON") + "%4\r\n" +
			bulks("name off type pure-token display_text off token OFF")},

		{"command getkeys get a", "*1\r\n" + bulks("a")},
		{"command getkeys mget a b a", "*3\r\n" + bulks("a b a")},
		{"command getkeys mset a 1 b 2", "*2\r\n" + bulks("a b")},
		{"command getkeys mset a 1 b", "*2\r\n" + bulks("a b")},
		{"command getkeys memory usage a", "*1\r\n" + bulks("a")},
		{"command getkeysandflags mset a 1 b 2", "*2\r\n*2\r\n" + bulks("a") + statuses("~", "OW update") +
			"*2\r\n" + bulks("b") + statuses("~", "OW update")},
		{"command getkeys foo a", "-ERR Invalid command specified\r\n"},
		{"command getkeys memory foo a", "-ERR Invalid command specified\r\n"},
		{"command getkeys ping a", "-ERR The command has no key arguments\r\n"},
		{"command getkeys memory help", "-ERR The command has no key arguments\r\n"},
		{"command getkeys get a b", "-ERR Invalid number of arguments specified for command\r\n"},
		{"command getkeysandflags get a b", "-ERR Invalid number of arguments specified for command\r\n"},
		{"command getkeys get", "-ERR Invalid number of arguments specified for command\r\n"},
		{"command getkeys", "-ERR wrong number of arguments for 'command|getkeys' command\r\n"},

		{"command help x", "-ERR wrong number of arguments for 'command|help' command\r\n"},
		{"config help", "*11\r\n+CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n" +
			"+GET <parameter> [<parameter> ...]\r\n+    Returns the settings whose names match a pattern.\r\n" +
			"+SET <parameter> <value> [<parameter> <value> ...]\r\n" +
			"+    Changes settings while the server runs, all of them or none.\r\n" +
			"+RESETSTAT\r\n+    Sets the statistics of INFO back to zero.\r\n" +
			"+REWRITE\r\n+    Writes the settings in force to the configuration file.\r\n" +
			"+HELP\r\n+    Print this help.\r\n"},

		{"ping", "+PONG\r\n"},
		{"PING hello", bulk("hello")},
		{"ping a b", "-ERR wrong number of arguments for 'ping' command\r\n"},
		{"echo hello", bulk("hello")},
		{"echo", "-ERR wrong number of arguments for 'echo' command\r\n"},
		{"time x", "-ERR wrong number of arguments for 'time' command\r\n"},
		{"lolwut version x", "-ERR value is not an integer or out of range\r\n"},
	} {
		require.Equal(t, tt.want, answer(t, 3, words(tt.line)), tt.line)
	}
}

func TestHelpLines(t *testing.T) {
	v, err := valueOf(t, "client help")
	require.NoError(t, err)
	var lines []string
	for _, l := range v.([]any) {
		lines = append(lines, l.(string))
	}
	for _, want := range []string{
		"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"ID",
		"KILL (<ip:port>|(ID <client-id>|TYPE (normal|master|slave|replica|pubsub)|USER <username>|ADDR <ip:port>|" +
			"LADDR <ip:port>|SKIPME (YES|NO)) [...])",
		"LIST [TYPE (normal|master|replica|pubsub)] [ID <client-id> [<client-id> ...]]",
		"PAUSE <timeout> [WRITE|ALL]",
		"NO-EVICT (ON|OFF)",
		"SETINFO (lib-name <libname>|lib-ver <libver>)",
		"    Print this help.",
	} {
		require.Contains(t, lines, want)
	}
	require.Len(t, lines, 1+2*len(Lookup([]byte("client")).Sub))

	v, err = valueOf(t, "command help")
	require.NoError(t, err)
	require.Equal(t, "(no subcommand)", v.([]any)[1])
	require.Contains(t, v, "LIST [FILTERBY (MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>)]")
}

func TestTimeAndLolwut(t *testing.T) {
	v, err := valueOf(t, "time")
	require.NoError(t, err)
	require.Len(t, v, 2)
	require.Regexp(t, `^\d{10,}$`, string(v.([]any)[0].([]byte)))
	require.Regexp(t, `^\d{1,6}$`, string(v.([]any)[1].([]byte)))

	for range 200 { // another picture each time: none may leave its frame
		for _, line := range []string{"lolwut", "lolwut version 5 10", "lolwut x"} {
			v, err := valueOf(t, line)
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(v.(string), "\ndarter ver. "+Version+"\n"))
		}
	}
}

func TestResolve(t *testing.T) {
	long := func(s string, n int) string { return strings.Repeat(s, n) }
	for _, tt := range []struct {
		args []string
		want string // a row's full name, or an error
	}{
		{[]string{"get", "a"}, "get"},
		{[]string{"CONFIG", "GET", "x"}, "config|get"},
		{[]string{"command"}, "command"},
		{[]string{"Command", "Count"}, "command|count"},
		{[]string{"debug", "sleep", "0"}, "debug"},
		{nil, "ERR unknown command '', with args beginning with: "},
		{[]string{""}, "ERR unknown command '', with args beginning with: "},
		{[]string{"foo"}, "ERR unknown command 'foo', with args beginning with: "},
		{[]string{"foo", "a", "b"}, "ERR unknown command 'foo', with args beginning with: 'a' 'b' "},
		{[]string{"foo\r\nx", "a", "b\r\nc"}, "ERR unknown command 'foo  x', with args beginning with: 'a' 'b  c' "},
		{[]string{"foo\x00x", "a\x00b", "c"}, "ERR unknown command 'foo', with args beginning with: 'a' 'c' "},
		{[]string{long("X", 200), long("a", 100), long("b", 100), "c"}, "ERR unknown command '" + long("X", 128) +
			"', with args beginning with: '" + long("a", 100) + "' '" + long("b", 25) + "' "},
		{[]string{"foo", long("a", 126), "b"},
			"ERR unknown command 'foo', with args beginning with: '" + long("a", 126) + "' "},
		{[]string{"foo", long("a", 200), "b"},
			"ERR unknown command 'foo', with args beginning with: '" + long("a", 128) + "' "},
		{append([]string{"x", ""}, strings.Split(long("y", 100), "")...),
			"ERR unknown command 'x', with args beginning with: '' " + long("'y' ", 32)},
		{[]string{"get"}, "ERR wrong number of arguments for 'get' command"},
		{[]string{"GET", "a", "b"}, "ERR wrong number of arguments for 'get' command"},
		{[]string{"config"}, "ERR wrong number of arguments for 'config' command"},
		{[]string{"config", "get"}, "ERR wrong number of arguments for 'config|get' command"},
		{[]string{"Config", "foo"}, "ERR unknown subcommand 'foo'. Try CONFIG HELP."},
		{[]string{"command", "a\r\nb\x00c"}, "ERR unknown subcommand 'a  b'. Try COMMAND HELP."},
		{[]string{"config", long("x", 200)}, "ERR unknown subcommand '" + long("x", 128) + "'. Try CONFIG HELP."},
	} {
		var args [][]byte
		for _, a := range tt.args {
			args = append(args, []byte(a))
		}
		row, err := Resolve(args)
		if err != nil {
			require.IsType(t, errs.Error(""), err)
			require.Equal(t, tt.want, err.Error())
			continue
		}
		require.Equal(t, tt.want, row.FullName())
	}
}
