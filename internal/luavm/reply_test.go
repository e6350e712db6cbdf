package luavm

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/reply"
)

// replies are what commands can answer, as a script sees it with both protocols, by the function d of the prelude.
var replies = []struct {
	name         string
	write        func(reply.Writer)
	resp2, resp3 string
}{
	{"status", func(w reply.Writer) { w.Status("OK") }, `{["ok"]="OK"}`, `{["ok"]="OK"}`},
	{"other status", func(w reply.Writer) { w.Status("QUEUED") }, `{["ok"]="QUEUED"}`, `{["ok"]="QUEUED"}`},
	{"integer", func(w reply.Writer) { w.Int(-7) }, `-7`, `-7`},
	{"large integer", func(w reply.Writer) { w.Int(1 << 53) }, `9007199254740992`, `9007199254740992`},
	{"bulk", func(w reply.Writer) { w.Bulk([]byte("a\x00b")) }, `"a\000b"`, `"a\000b"`},
	{"bulk string", func(w reply.Writer) { w.BulkString("") }, `""`, `""`},
	{"null", func(w reply.Writer) { w.Null() }, `false`, `nil`},
	{"null array", func(w reply.Writer) { w.NullArray() }, `false`, `nil`},
	{"empty array", func(w reply.Writer) { w.Array(0) }, `{}`, `{}`},
	{"array", func(w reply.Writer) { w.Array(3); w.Int(1); w.Null(); w.BulkString("x") }, `{[1]=1,[2]=false,[3]="x"}`, `{[1]=1,[3]="x"}`},
	{"nested", func(w reply.Writer) {
		w.Array(2)
		w.Array(2)
		w.Int(1)
		w.Array(0)
		w.Array(1)
		w.Int(2)
	},
		`{[1]={[1]=1,[2]={}},[2]={[1]=2}}`, `{[1]={[1]=1,[2]={}},[2]={[1]=2}}`},
	{"push", func(w reply.Writer) { w.Push(1); w.Int(1) }, `{[1]=1}`, `{[1]=1}`},
	{"map", func(w reply.Writer) {
		w.Map(2)
		w.BulkString("a")
		w.Int(1)
		w.BulkString("b")
		w.Array(1)
		w.Int(2)
	},
		`{[1]="a",[2]=1,[3]="b",[4]={[1]=2}}`, `{["map"]={["a"]=1,["b"]={[1]=2}}}`},
	{"empty map", func(w reply.Writer) { w.Map(0) }, `{}`, `{["map"]={}}`},
	{"map in a map", func(w reply.Writer) { w.Map(1); w.BulkString("a"); w.Map(1); w.Int(1); w.Bool(true) },
		`{[1]="a",[2]={[1]=1,[2]=1}}`, `{["map"]={["a"]={["map"]={[1]=true}}}}`},
	{"map with a null key", func(w reply.Writer) { w.Map(2); w.Null(); w.Int(1); w.Int(2); w.Null() },
		`{[1]=false,[2]=1,[3]=2,[4]=false}`, `{["map"]={}}`},
	{"set", func(w reply.Writer) { w.Set(2); w.BulkString("m"); w.Int(5) }, `{[1]="m",[2]=5}`, `{["set"]={["m"]=true,[5]=true}}`},
	{"double", func(w reply.Writer) { w.Double(1.5) }, `"1.5"`, `{["double"]=1.5}`},
	{"infinity", func(w reply.Writer) { w.Double(math.Inf(-1)) }, `"-inf"`, `{["double"]=-inf}`},
	{"true", func(w reply.Writer) { w.Bool(true) }, `1`, `true`},
	{"false", func(w reply.Writer) { w.Bool(false) }, `0`, `false`},
	{"big number", func(w reply.Writer) { w.BigNumber("12345678901234567890") },
		`"12345678901234567890"`, `{["big_number"]="12345678901234567890"}`},
	{"verbatim", func(w reply.Writer) { w.Verbatim("txt", "some") },
		`"some"`, `{["verbatim_string"]={["format"]="txt",["string"]="some"}}`},
	{"error inside", func(w reply.Writer) { w.Array(2); w.Error("ERR x"); w.Int(1) },
		`{[1]={["err"]="ERR x",["ignore_error_stats_update"]=true},[2]=1}`,
		`{[1]={["err"]="ERR x",["ignore_error_stats_update"]=true},[2]=1}`},
}

func TestRepliesOfCommands(t *testing.T) {
	p := NewPool(Options{})
	for _, r := range replies {
		h := hostFunc(func(_ [][]byte, w reply.Writer) { r.write(w) })
		for proto, want := range map[string]string{"2": r.resp2, "3": r.resp3} {
			got, o := run(t, p, prelude+`redis.setresp(`+proto+`) return d(redis.call('x'))`, Call{Host: h}, 2)
			require.False(t, o.Failed, got)
			_, got, _ = strings.Cut(strings.TrimSuffix(got, "\r\n"), "\r\n")
			assert.Equal(t, want, got, "%s in RESP%s", r.name, proto)
			// A reply that is not looked at takes the same way.
			got, o = run(t, p, `redis.setresp(`+proto+`) redis.call('x') return 1`, Call{Host: h}, 2)
			assert.NoError(t, o.Err)
			assert.Equal(t, ":1\r\n", got)
		}
	}
}

func TestErrorsOfCommands(t *testing.T) {
	p := NewPool(Options{})
	h := hostFunc(func(_ [][]byte, w reply.Writer) { w.Error("WRONGTYPE not that") })
	for _, c := range []struct{ text, want string }{
		{`redis.call('x')`, "-WRONGTYPE not that script: SHA, on @user_script:1.\r\n"},
		{"\n\nredis.call('x')", "-WRONGTYPE not that script: SHA, on @user_script:3.\r\n"},
		{`return redis.call('x')`, "-WRONGTYPE not that script: SHA, on @user_script:1.\r\n"},
		{`return redis.pcall('x')`, "-WRONGTYPE not that\r\n"},
		{`redis.pcall('x') return 1`, ":1\r\n"},
		{`return redis.pcall('x').err`, "$18\r\nWRONGTYPE not that\r\n"},
		{`return {pcall(redis.call, 'x')}`, "*2\r\n$-1\r\n$18\r\nWRONGTYPE not that\r\n"},
		{`local e = redis.pcall('x') error(e)`, "-WRONGTYPE not that script: SHA, on @user_script:1.\r\n"},
		{`error({err = 'X y'})`, "-X y script: SHA, on @user_script:1.\r\n"},
	} {
		got, _ := run(t, p, c.text, Call{Host: h}, 2)
		assert.Equal(t, strings.ReplaceAll(c.want, "SHA", digest(c.text)), got, c.text)
	}
}

// TestArguments checks how numbers and strings reach a command.
func TestArguments(t *testing.T) {
	p := NewPool(Options{})
	var got []string
	h := hostFunc(func(args [][]byte, w reply.Writer) {
		got = got[:0]
		for _, a := range args {
			got = append(got, string(a))
			assert.Equal(t, len(a), cap(a), "an argument could be appended to over the next one")
		}
		w.Status("OK")
	})
	_, o := run(t, p, `redis.call('x', 1, -1, 1.5, 0.1, 1e15, 2^53, 2^62, 2^63, 1e20, 1e300, -0.25, 1/0, -1/0, '', 'a\0b', KEYS[1], ARGV[1], -0)`,
		Call{Host: h, Keys: [][]byte{[]byte("key")}, Args: [][]byte{[]byte("arg")}}, 2)
	require.False(t, o.Failed)
	assert.Equal(t, []string{
		"x", "1", "-1", "1.5", "0.1", "1000000000000000", "9007199254740992", "4611686018427387904",
		"9223372036854776000", "1e+20", "1e+300", "-0.25", "inf", "-inf", "", "a\x00b", "key", "arg", "0",
	}, got)
	_, o = run(t, p, `redis.call(('x'):rep(200000), ('y'):rep(200000)) redis.call('z')`, Call{Host: h}, 2)
	require.False(t, o.Failed)
	assert.Equal(t, []string{"z"}, got)
}

// TestNestingOfReplies goes to where Redis ends and past it; both ways.
func TestNestingOfReplies(t *testing.T) {
	p := NewPool(Options{})
	nested := func(n string) string { return eval(t, p, `local t = {} for i = 1, `+n+` do t = {t} end return t`) }
	assert.Equal(t, strings.Repeat("*1\r\n", 7994)+"*0\r\n", nested("7994"))
	assert.Equal(t, strings.Repeat("*1\r\n", 7995)+"-ERR reached lua stack limit\r\n", nested("7995"))
	assert.Equal(t, nested("7995"), nested("9000"))

	deep := func(n int) Host {
		return hostFunc(func(_ [][]byte, w reply.Writer) {
			for range 100000 {
				w.Array(n)
			}
			for range 100000*(n-1) + 1 {
				w.Int(1)
			}
		})
	}
	r, o := run(t, p, `return redis.call('x')`, Call{Host: deep(1)}, 2)
	require.NoError(t, o.Err)
	assert.Equal(t, nested("9000"), r)
	_, o = run(t, p, `return redis.call('x')`, Call{Host: deep(2)}, 2)
	assert.ErrorIs(t, o.Err, ErrMemory, "more collections open at once than any command has")
}

// TestLargeReplies lets commands answer more than the run may hold.
func TestLargeReplies(t *testing.T) {
	p := NewPool(Options{})
	limits := Limits{Memory: 4 << 20}
	for name, write := range map[string]func(w reply.Writer){
		"one string": func(w reply.Writer) { w.Bulk(make([]byte, 8<<20)) },
		"many strings": func(w reply.Writer) {
			w.Array(1 << 20)
			for range 1 << 20 {
				w.BulkString("0123456789")
			}
		},
		"a header": func(w reply.Writer) { w.Array(math.MaxInt32) },
		"a set": func(w reply.Writer) {
			w.Set(1 << 20)
			for i := range 1 << 20 {
				w.Int(int64(i))
			}
		},
	} {
		for _, text := range []string{`return redis.call('x')`, `redis.setresp(3) local x = redis.pcall('x') return 1`} {
			_, o := run(t, p, text, Call{Host: hostFunc(func(_ [][]byte, w reply.Writer) { write(w) }), Limits: limits}, 2)
			assert.ErrorIs(t, o.Err, ErrMemory, name)
		}
		_, o := run(t, p, `for i = 1, 5 do redis.call('x') end`,
			Call{Host: hostFunc(func(_ [][]byte, w reply.Writer) { write(w) }), Limits: limits}, 2)
		assert.NoError(t, o.Err, "%s that is not looked at", name)
	}
}

func TestHostFunctions(t *testing.T) {
	p := NewPool(Options{Version: "7.2.4"})
	h := &nopHost{}
	r, o := run(t, p, `redis.log(redis.LOG_WARNING, 'a', 1, {}, 2.5, 'b') redis.set_repl(redis.REPL_AOF)
		return {redis.REDIS_VERSION, redis.REDIS_VERSION_NUM, tostring(redis.acl_check_cmd('get', 'k')),
		tostring(redis.acl_check_cmd('set')), (select(2, pcall(redis.acl_check_cmd, 'nosuchcommand')))}`, Call{Host: h}, 2)
	require.False(t, o.Failed, r)
	assert.Equal(t, []string{"a 1 2.5 b"}, h.log)
	assert.Equal(t, 1, h.repl)
	assert.Equal(t, "*5\r\n$5\r\n7.2.4\r\n:459268\r\n$4\r\ntrue\r\n$5\r\nfalse\r\n"+
		"$51\r\nERR Invalid command passed to redis.acl_check_cmd()\r\n", r)
}
