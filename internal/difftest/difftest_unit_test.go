package difftest

import (
	"bufio"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	rows "github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/redistest"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		``:                         nil,
		`  GET  k `:                {"GET", "k"},
		`SET "a b" 'c d'`:          {"SET", "a b", "c d"},
		`"\x00\n\r\t\a\b\\\"\q"`:   {"\x00\n\r\t\a\b\\\"q"},
		`"\xzz\x4"`:                {"xzzx4"},
		`'it\'s \n'`:               {`it's \n`},
		`""`:                       {""},
		`"ab"*3 'x'*0 k`:           {"ababab", "", "k"},
		"a\tb":                     {"a", "b"},
		`a"b c"`:                   {"ab c"},
		`ECHO *3`:                  {"ECHO", "*3"},
		`"!unordered" "$now" "@x"`: {"!unordered", "$now", "@x"},
	} {
		tokens, err := split(line)
		require.NoError(t, err, line)
		var got []string
		for _, tok := range tokens {
			got = append(got, tok.text)
		}
		require.Equal(t, want, got, line)
	}
	for _, line := range []string{`"a`, `'a`, `"a"b`, `'a'b`, `"a\`, `"a"*`, `"a"*x`, `"a"*-1`, `"aaaa"*999999999`} {
		_, err := split(line)
		require.Error(t, err, line)
	}
}

func TestParseStep(t *testing.T) {
	s, err := parseStep(`@c2 !approx 5 !unordered PTTL k`)
	require.NoError(t, err)
	require.Equal(t, "c2", s.conn)
	require.Equal(t, int64(5), s.rule.approx)
	require.True(t, s.rule.unordered)
	require.Equal(t, []token{{"PTTL", false}, {"k", false}}, s.args)

	s, err = parseStep(`!expect GET "a => b" => $nil => _`)
	require.Error(t, err, "an argument with the arrow in it is cut there: %v", s)
	s, err = parseStep(`!expect GET k => $nil => _`)
	require.NoError(t, err)
	require.Equal(t, []string{"$nil", "_"}, []string{s.expect2, s.expect3})
	s, err = parseStep(`!expect PING => +PONG`)
	require.NoError(t, err)
	require.Equal(t, []string{"+PONG", "+PONG"}, []string{s.expect2, s.expect3})
	s, err = parseStep(`ECHO => x`)
	require.NoError(t, err)
	require.Len(t, s.args, 3)
	s, err = parseStep(`"!shape" x`)
	require.NoError(t, err)
	require.False(t, s.rule.shape)

	for _, text := range []string{
		`!nosuch GET k`, `!approx GET k`, `!approx`, `!shape`, `!expect GET k`, `!solo GET k`, `@c2`, `!reset GET k`, `!match "[" GET k`,
		`!sleep`, `!sleep -5`, `!recv GET k`, `GET "k`,
	} {
		_, err := parseStep(text)
		require.Error(t, err, text)
	}
}

func TestLoadScript(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.txt")
	require.NoError(t, os.WriteFile(path, []byte("# comment\n\nPING\n  # another\n!bad x\n"), 0o600))
	_, err := loadScript(path)
	require.ErrorContains(t, err, "s.txt:5: unknown directive !bad")
	require.NoError(t, os.WriteFile(path, []byte("# comment\n\nPING\n"), 0o600))
	steps, err := loadScript(path)
	require.NoError(t, err)
	require.Len(t, steps, 1)
	require.Equal(t, path+":3: PING", steps[0].where())
}

// TestRules compares pairs of replies under the rule of a line. A rule that accepts too much would let faults through.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		directives, a, b string
		same             bool
	}{
		{"", "+OK\r\n", "+OK\r\n", true},
		{"", "+OK\r\n", "$2\r\nOK\r\n", false},
		{"", "$-1\r\n", "*-1\r\n", false},
		{"", "$-1\r\n", "_\r\n", false},
		{"", "*2\r\n:1\r\n:2\r\n", "*2\r\n:2\r\n:1\r\n", false},
		{"", "~2\r\n:1\r\n:2\r\n", "~2\r\n:2\r\n:1\r\n", true},
		{"", "%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "%2\r\n+b\r\n:2\r\n+a\r\n:1\r\n", true},
		{"", "%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "%2\r\n+b\r\n:1\r\n+a\r\n:2\r\n", false},
		{"!unordered", "*2\r\n:1\r\n:2\r\n", "*2\r\n:2\r\n:1\r\n", true},
		{"!unordered", "*2\r\n:1\r\n:1\r\n", "*2\r\n:2\r\n:1\r\n", false},
		{"!unordered", "*1\r\n:1\r\n", "~1\r\n:1\r\n", false},
		{"!unordered", "*1\r\n*2\r\n:1\r\n:2\r\n", "*1\r\n*2\r\n:2\r\n:1\r\n", false},
		{"!any-order", "*1\r\n*2\r\n:1\r\n:2\r\n", "*1\r\n*2\r\n:2\r\n:1\r\n", true},
		{"!any-order", "*1\r\n*2\r\n:1\r\n:2\r\n", "*1\r\n*2\r\n:2\r\n:2\r\n", false},
		{"!pairs", "*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "*4\r\n+b\r\n:2\r\n+a\r\n:1\r\n", true},
		{"!pairs", "*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "*4\r\n+b\r\n:1\r\n+a\r\n:2\r\n", false},
		{"!pairs !shape", "*2\r\n+a\r\n:1\r\n", "*2\r\n+a\r\n:2\r\n", true},
		{"!pairs !shape", "*2\r\n+a\r\n:1\r\n", "*2\r\n+b\r\n:1\r\n", false},
		{"!shape", "$1\r\na\r\n", "$3\r\nxyz\r\n", true},
		{"!shape", "$1\r\na\r\n", "$0\r\n\r\n", false},
		{"!shape", ":1\r\n", "$1\r\n1\r\n", false},
		{"!shape", "*1\r\n:1\r\n", "*2\r\n:1\r\n:1\r\n", false},
		{"!shape", "-ERR a\r\n", "-ERR b\r\n", false},
		{"!approx 5", ":10\r\n", ":15\r\n", true},
		{"!approx 5", ":10\r\n", ":16\r\n", false},
		{"!approx 5", ":-1\r\n", ":1\r\n", false},
		{"!approx 5", ":-1\r\n", ":-2\r\n", false},
		{"!approx 5", "*1\r\n$2\r\n10\r\n", "*1\r\n$2\r\n12\r\n", true},
		{"!approx 5", "*1\r\n$2\r\n10\r\n", "*1\r\n:12\r\n", false},
		{"!approx 5", "$1\r\nx\r\n", "$1\r\ny\r\n", false},
		{"!approx 5", "_\r\n", "$-1\r\n", false},
		{"!error-prefix", "-ERR a\r\n", "-ERR b\r\n", true},
		{"!error-prefix", "-ERR a\r\n", "-WRONGTYPE a\r\n", false},
		{"!error-prefix", "+ERR a\r\n", "+ERR b\r\n", false},
		{"!has a,b", "$3\r\na b\r\n", "$3\r\nb a\r\n", true},
		{"!has a,b", "$3\r\na b\r\n", "$3\r\na c\r\n", false},
		{"!has a,b", "$3\r\na b\r\n", "+a b\r\n", false},
		{`!match "^:[0-9]+$"`, ":1\r\n", ":2\r\n", true},
		{`!match "^:[0-9]+$"`, ":1\r\n", ":-2\r\n", false},
	} {
		s, err := parseStep(c.directives + " X")
		require.NoError(t, err, c.directives)
		a, b := outcome{replies: []redistest.Reply{decode(t, c.a)}}, outcome{replies: []redistest.Reply{decode(t, c.b)}}
		require.Equal(t, c.same, s.rule.same(a, b), "%s: %q, %q", c.directives, c.a, c.b)
		require.Equal(t, c.same, s.rule.same(b, a), "%s: %q, %q", c.directives, c.b, c.a)
	}
	ok := outcome{replies: []redistest.Reply{decode(t, "+OK\r\n")}}
	require.False(t, rule{}.same(ok, outcome{}))
	require.False(t, rule{}.same(ok, outcome{replies: ok.replies, closed: true}))
	require.False(t, rule{}.same(outcome{failure: "x"}, outcome{failure: "x"}), "two hangs are no agreement")
}

func decode(t *testing.T, wire string) redistest.Reply {
	t.Helper()
	r, err := redistest.ReadReply(bufio.NewReader(strings.NewReader(wire)))
	require.NoError(t, err)
	return r
}

// TestPairFindsDifferences runs steps on two real servers, one of which was given other data behind the back of the pair.
func TestPairFindsDifferences(t *testing.T) {
	a, b := redistest.Start(t), redistest.Start(t)
	p := newPair(t, a.Addr, b.Addr, true)
	run := func(text string) string {
		s, err := parseStep(text)
		require.NoError(t, err)
		s.file, s.line = "x.txt", 7
		return p.run(s)
	}
	require.Empty(t, run("SET k v"))
	b.Dial(t).Do("APPEND", "k", "w")
	require.Equal(t, "x.txt:7: GET k\n\tredis:  \"v\"\n\tdarter: \"vw\"", run("GET k"))
	require.Empty(t, run("!shape GET k"))
	require.Empty(t, run("!resp2 GET k"))
	require.NotEmpty(t, run("!resp3 GET k"))
	require.Empty(t, run("!expect GET k => nonsense"), "two servers of one version: nothing to expect")
	p.solo = true
	require.Equal(t, "x.txt:7: !expect GET k => \"v\"\n\texpect: \"v\"\n\tdarter: \"vw\"", run(`!expect GET k => "v"`))
	require.Empty(t, run(`!expect GET k => "v" => "vw"`))
	require.Empty(t, run("!solo !has w GET k"))
	require.NotEmpty(t, run("!solo !has z GET k"))

	b.Dial(t).Do("SET", "extra", "1")
	require.NotEmpty(t, run("!scan SCAN $cursor"))
	require.Empty(t, run("!scan SCAN $cursor MATCH k*"))
	require.NotEmpty(t, run("!scan SCAN 0"), "no place for the cursor")
	require.NotEmpty(t, run("SET k v EX $nower"))
	require.Empty(t, run("@q !closes QUIT"))
	require.Empty(t, run("@q CLIENT KILL ID $id SKIPME yes"), "$id is each server's own")
	require.Empty(t, run("!reset"))
	require.Empty(t, run("DBSIZE"))
}

// TestShrink hides one command's effect from one server and wants the history cut to what shows it.
func TestShrink(t *testing.T) {
	a, b := redistest.Start(t), redistest.Start(t, "--rename-command", "GETDEL", "GET2")
	p := newPair(t, a.Addr, b.Addr, false)
	var history []unit
	for i := range 60 {
		history = append(history, unit{{args: []string{"SET", "k", strings.Repeat("x", i)}}, {args: []string{"GET", "k"}}})
	}
	history = append(history, unit{{args: []string{"GETDEL", "k"}}})
	short, wrong := shrink(history, p.replay)
	require.Len(t, short, 1)
	require.Contains(t, wrong, "GETDEL k")
}

// TestLook changes one server's data behind the back of a pair, in every type.
func TestLook(t *testing.T) {
	a, b := redistest.Start(t), redistest.Start(t)
	p := newPair(t, a.Addr, b.Addr, true)
	for _, commands := range [][2]string{
		{"SET k v", "SET k w"}, {"SET k v", "SET k v EX 1000"}, {"SET k v", "SET other v"}, {"SET k v", "RPUSH k v"},
		{"RPUSH k a b", "RPUSH k b a"}, {"SADD k a b", "SADD k a c"}, {"HSET k f v", "HSET k f w"}, {"ZADD k 1 a", "ZADD k 2 a"},
		{"XADD k 1-1 f v", "XADD k 1-2 f v"}, {"XGROUP CREATE k g 0 MKSTREAM", "XGROUP CREATE k g 1 MKSTREAM"},
	} {
		p.real.do(strings.Fields(commands[0]))
		p.ours.do(strings.Fields(commands[0]))
		require.Empty(t, look(p.real, p.ours, true), commands)
		p.ours.do([]string{"FLUSHALL"})
		p.ours.do(strings.Fields(commands[1]))
		require.NotEmpty(t, look(p.real, p.ours, true), commands)
		p.real.reset()
		p.ours.reset()
	}
}

// TestGrammar holds what the random commands rely on: one seed gives one sequence, what is printed can be run again, and no command
// of a group is left out.
func TestGrammar(t *testing.T) {
	g, h := newGrammar(rand.New(rand.NewPCG(1, 2))), newGrammar(rand.New(rand.NewPCG(1, 2)))
	seen := map[string]bool{}
	for range 12_000 {
		u, v := g.unit(), h.unit()
		require.Len(t, v, len(u))
		for i, c := range u {
			require.Equal(t, c.String(), v[i].String())
			if row, err := rows.Resolve(bytesOf(c.args)); err == nil {
				seen[row.FullName()] = true
			}
			tokens, err := split(c.String())
			require.NoError(t, err)
			require.Len(t, tokens, len(c.args), "a printed command reads back: %s", c)
			for i, tok := range tokens {
				require.Equal(t, c.args[i], tok.text)
			}
		}
	}
	for _, row := range rows.Rows() {
		name := row.FullName()
		if _, ok := groupKeys[row.Group]; ok && len(row.Sub) == 0 && !isLater(row.Since) && !slices.Contains(leftOut, name) {
			require.True(t, seen[name], "no random command is %s", name)
		}
	}
}

func bytesOf(args []string) (b [][]byte) {
	for _, a := range args {
		b = append(b, []byte(a))
	}
	return b
}
