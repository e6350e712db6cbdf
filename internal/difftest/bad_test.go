package difftest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	rows "github.com/darterdb/darter/internal/command"
)

// Commands of all data types with one argument that does not fit: keys of other types, numbers past all limits, what is
// no number, IDs and ranges that are none. Both servers must say the same, and a command that is answered by an error must
// have changed nothing.

// poison are arguments that fit nowhere, or only with luck.
var poison = []string{
	"", " ", "x", "nan", "-nan", "inf", "-inf", "1e400", "-1e400", "1e308", "1.5", "0x10", "1 ", " 1", "+1", "-0", "\x00", "1\x00",
	"-1", "0", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
	"18446744073709551616", "4294967296", "1e3", "(", "[", "(1", "[a", "(nan", "+", "-", "$", ">", "=", "~",
	"0-0", "1-", "-1-1", "1-x", "1-1-1", "18446744073709551616-0", "18446744073709551615-18446744073709551615", "u64", "i0", "#-1",
	"COUNT", "LIMIT", "STREAMS", "WITHSCORES", "STORE", "181", "-86",
}

// risky are rows that are left out: what waits, for as long as the argument says, and what answers a count as low as there is
// without an end.
var risky = strings.Fields("srandmember hrandfield zrandmember blpop brpop blmove blmpop brpoplpush " +
	"bzpopmin bzpopmax bzmpop xread xreadgroup")

// sample puts a key of every type and form in place.
func sample(run func(args ...string)) {
	run("FLUSHALL")
	run("SET", "a", "text")
	run("SET", "b", "9223372036854775807")
	run("SET", "c", "1.5", "EX", "100000")
	run("SETRANGE", "key:1", "300", "x")
	wide := func(command, key string, words func(i int) []string) {
		args := []string{command, key}
		for i := range 150 {
			args = append(args, words(i)...)
		}
		run(args...)
	}
	run("RPUSH", "l1", "a", "b", "c", "1", "2")
	wide("RPUSH", "l2", func(i int) []string { return []string{strings.Repeat("e", i)} })
	run("HSET", "h1", "a", "1", "b", "x", "c", "1.5")
	wide("HSET", "h2", func(i int) []string { return []string{strconv.Itoa(i), strings.Repeat("v", i)} })
	run("SADD", "s1", "1", "2", "3")
	run("SADD", "s2", "a", "b", "1")
	wide("SADD", "s3", func(i int) []string { return []string{fmt.Sprint("m", i)} })
	run("ZADD", "z1", "1", "a", "2", "b", "inf", "c")
	wide("ZADD", "z2", func(i int) []string { return []string{strconv.Itoa(i / 2), fmt.Sprint("m", i)} })
	run("ZADD", "y1", "0", "a", "0", "b", "0", "c")
	run("GEOADD", "g1", "13.361389", "38.115556", "a", "15.087269", "37.502669", "b")
	run("SETBIT", "b1", "100", "1")
	run("PFADD", "p1", "a", "b", "c")
	run("SET", "p2", "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x60\x00\x80")
	run("SET", "p3", "HYLL\x00\x00\x00\x00")
	for _, id := range []string{"1-1", "1-2", "5-0"} {
		run("XADD", "x1", id, "f", "v")
	}
	run("XADD", "x2", "18446744073709551615-18446744073709551615", "f", "v")
	run("XGROUP", "CREATE", "x1", "g1", "0")
	run("XREADGROUP", "GROUP", "g1", "alice", "COUNT", "2", "STREAMS", "x1", ">")
}

// everything is a script that boils all data down to one number.
const everything = `
local out, names = {}, redis.call('KEYS', '*')
table.sort(names)
local reads = {string = {'GET'}, list = {'LRANGE', '0', '-1'}, set = {'SMEMBERS'}, hash = {'HGETALL'},
  zset = {'ZRANGE', '0', '-1', 'WITHSCORES'}, stream = {'XRANGE', '-', '+'}}
for _, key in ipairs(names) do
  local kind = redis.call('TYPE', key).ok
  local read = reads[kind]
  out[#out + 1] = {key, kind, redis.call('PEXPIRETIME', key), redis.call(read[1], key, unpack(read, 2))}
  if kind == 'stream' then
    out[#out + 1] = redis.call('XINFO', 'STREAM', key, 'FULL', 'COUNT', '0')
  end
end
return redis.sha1hex(cjson.encode(out))`

// poisoned makes a command with one argument that does not fit, or a key of another type.
func poisoned(g *grammar, of []*rows.Row) command {
	var c command
	if g.r.IntN(6) == 0 {
		c = written(stringProductions)(g)[0]
	} else {
		row := of[g.r.IntN(len(of))]
		g.group = row.Group
		c = g.fromRow(row)
	}
	if len(c.args) == 1 {
		return c
	}
	at := 1 + g.r.IntN(len(c.args)-1)
	if slices.Contains(groupKeys[g.group], c.args[at]) && g.r.IntN(4) > 0 {
		c.args[at] = g.pick(groupKeys[g.pick("", "list", "hash", "set", "sorted-set", "stream", "bitmap", "hyperloglog", "geo")]...)
	} else {
		c.args[at] = g.pick(poison...)
	}
	if c.option("RANK") > 0 && slices.Contains(c.args, "-9223372036854775808") { // 7.0 takes it
		return poisoned(g, of)
	}
	return c
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	realAddr, ourAddr := addresses(t)
	var both, later []*rows.Row
	for _, r := range rows.Rows() {
		switch {
		case groupKeys[r.Group] == nil, len(r.Sub) > 0, isLex(r),
			slices.Contains(leftOut, r.FullName()), slices.Contains(risky, r.Name):
		case isLater(r.Since):
			later = append(later, r)
		default:
			both = append(both, r)
		}
	}
	for _, resp3 := range []bool{false, true} {
		p := newPair(t, realAddr, ourAddr, resp3)
		p.poison(*randomCount/8, both, true)
		p.poison(*randomCount/40, later, false)
	}
}

// poison runs commands of rows, on the real server too if it knows them.
func (p *pair) poison(count int, of []*rows.Row, compared bool) {
	t := p.real.t
	g := newGrammar(rand.New(rand.NewPCG(*randomSeed, 77)))
	g.later = !compared
	state := func() string { return p.ours.do([]string{"EVAL", everything, "0"}).replies[0].Str }
	before, refused := "", 0
	for n := range count {
		if n%50 == 0 {
			sample(func(args ...string) {
				p.real.do(args)
				p.ours.do(args)
			})
			before = state()
			require.Len(t, before, 40)
		}
		c := poisoned(g, of)
		y := p.ours.do(c.args)
		if compared {
			if x := p.real.do(c.args); !c.rule.same(x, y) {
				t.Error(mismatch(c, p.real, p.ours, x, y))
			}
		}
		after := state()
		if y.failure == "" && y.replies[0].IsError() {
			refused++
			if before != after {
				t.Errorf("%.300s: %s, and yet something has changed", c, y.text())
			}
		}
		before = after
	}
	require.Greater(t, refused, count/5)
}
