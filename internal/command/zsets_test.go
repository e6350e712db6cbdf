package command

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/keyspace"
)

// scriptBothForms is script on packed and on large sorted sets.
func scriptBothForms(t *testing.T, lines string) {
	t.Helper()
	for _, entries := range []int64{128, 0} {
		t.Run(fmt.Sprint(entries), func(t *testing.T) {
			b := newBench(t, 2)
			for _, s := range b.shards {
				s.Limits.ZSetEntries.Store(entries)
			}
			for _, line := range strings.Split(lines, "\n") {
				line = strings.TrimSpace(line)
				if line == "" {
					continue
				}
				command, want, ok := strings.Cut(line, " => ")
				require.True(t, ok, line)
				require.Equal(t, want, b.do(split(t, command)...), line)
			}
		})
	}
}

// Scores are printed with the fewest digits that tell them apart.
func TestSortedScores(t *testing.T) {
	scriptBothForms(t, `
		ZADD z 0.1 a 0.30000000000000004 b 1e-7 c 123456789012345680 d 1.7976931348623157e308 e 3.14159 f => 6
		ZRANGE z 0 3 WITHSCORES => ["c" "1e-7" "a" "0.1" "b" "0.30000000000000004" "f" "3.14159"]
		ZRANGE z 4 -1 WITHSCORES => ["d" "123456789012345680" "e" "1.7976931348623157e+308"]
		ZINCRBY z 0.2 a => "0.30000000000000004"
		ZMSCORE z a c none => ["0.30000000000000004" "1e-7" (nil)]
		ZADD z INCR -inf e => "-inf"
		ZADD z -0 zero => 1
		ZSCORE z zero => "0"
		ZINCRBY z -0 other => "-0"
		ZSCORE z other => "0"
		ZREM z d f a => 3
		ZUNION 1 z WEIGHTS -1 WITHSCORES => ["b" "-0.30000000000000004" "c" "-1e-7" "other" "-0" "zero" "-0" "e" "inf"]
	`)
}

func TestRankWithScore(t *testing.T) {
	scriptBothForms(t, `
		ZADD z 1 a 2.5 b 3 c => 3
		ZRANK z b WITHSCORE => [1 "2.5"]
		ZREVRANK z c withscore => [0 "3"]
		ZRANK z none WITHSCORE => (nil)
		ZRANK none b WITHSCORE => (nil)
		ZRANK z b WITHSCORES => ERR syntax error
		ZRANK z b WITHSCORE x => ERR wrong number of arguments for 'zrank' command
		ZREVRANK z b x => ERR syntax error
		ZREVRANK z b WITHSCORE x => ERR wrong number of arguments for 'zrevrank' command
		SET s x => OK
		ZRANK s b WITHSCORE => WRONGTYPE Operation against a key holding the wrong kind of value
		ZRANK s b x => ERR syntax error
	`)
}

// The shapes of answers where scores come with members, and of answers of nothing.
func TestSortedShapes(t *testing.T) {
	flat, nested := "*4\r\n"+bulks("a 1.5 b 2"), "*2\r\n*2\r\n"+bulk("a")+",1.5\r\n*2\r\n"+bulk("b")+",2\r\n"
	for _, tt := range []struct{ line, two, three string }{
		{"ZSCORE z a", bulk("1.5"), ",1.5\r\n"},
		{"ZSCORE z none", "$-1\r\n", "_\r\n"},
		{"ZMSCORE z a none", "*2\r\n" + bulk("1.5") + "$-1\r\n", "*2\r\n,1.5\r\n_\r\n"},
		{"ZRANK z a WITHSCORE", "*2\r\n:0\r\n" + bulk("1.5"), "*2\r\n:0\r\n,1.5\r\n"},
		{"ZRANK z none WITHSCORE", "*-1\r\n", "_\r\n"},
		{"ZRANK z none", "$-1\r\n", "_\r\n"},
		{"ZADD z INCR 1 b", bulk("3"), ",3\r\n"},
		{"ZADD z NX INCR 1 b", "$-1\r\n", "_\r\n"},
		{"ZINCRBY z 0 b", bulk("2"), ",2\r\n"},
		{"ZRANGE z 0 -1", "*2\r\n" + bulks("a b"), "*2\r\n" + bulks("a b")},
		{"ZRANGE z 0 -1 WITHSCORES", flat, nested},
		{"ZRANGE none 0 -1 WITHSCORES", "*0\r\n", "*0\r\n"},
		{"ZREVRANGEBYSCORE z 5 2 WITHSCORES", "*2\r\n" + bulks("b 2"), "*1\r\n*2\r\n" + bulk("b") + ",2\r\n"},
		{"ZUNION 1 z WITHSCORES", flat, nested},
		{"ZDIFF 1 none WITHSCORES", "*0\r\n", "*0\r\n"},
		{"ZPOPMIN z", "*2\r\n" + bulks("a 1.5"), "*2\r\n" + bulk("a") + ",1.5\r\n"},
		{"ZPOPMIN z 1", "*2\r\n" + bulks("a 1.5"), "*1\r\n*2\r\n" + bulk("a") + ",1.5\r\n"},
		{"ZPOPMAX none", "*0\r\n", "*0\r\n"},
		{"ZPOPMAX none 3", "*0\r\n", "*0\r\n"},
		{"ZMPOP 2 none z MAX", "*2\r\n" + bulk("z") + "*1\r\n*2\r\n" + bulks("b 2"),
			"*2\r\n" + bulk("z") + "*1\r\n*2\r\n" + bulk("b") + ",2\r\n"},
		{"ZMPOP 1 none MAX", "*-1\r\n", "_\r\n"},
		{"ZRANDMEMBER z 5 WITHSCORES", flat, nested},
		{"ZRANDMEMBER none", "$-1\r\n", "_\r\n"},
		{"ZSCAN z 0", "*2\r\n" + bulk("0") + flat, "*2\r\n" + bulk("0") + flat},
		{"ZSCAN none 0", "*2\r\n" + bulk("0") + "*0\r\n", "*2\r\n" + bulk("0") + "*0\r\n"},
		{"ZINTERCARD 1 z", ":2\r\n", ":2\r\n"},
	} {
		for proto, want := range map[int]string{2: tt.two, 3: tt.three} {
			b := newBench(t, 1)
			b.do("ZADD", "z", "1.5", "a", "2", "b")
			b.out.Reset(proto)
			b.run(words(tt.line))
			require.Equal(t, want, string(b.out.Buf), "%s RESP%d", tt.line, proto)
		}
	}
}

// The scores of a scan have 17 digits where Redis goes over its own large form.
func TestScannedScores(t *testing.T) {
	b := newBench(t, 1)
	b.do("ZADD", "z", "0.1", "a")
	require.Equal(t, `["0" ["a" "0.1"]]`, b.do("ZSCAN", "z", "0"))
	b.shards[0].Limits.ZSetEntries.Store(0)
	b.do("ZADD", "y", "0.1", "a")
	require.Equal(t, `["0" ["a" "0.10000000000000001"]]`, b.do("ZSCAN", "y", "0"))
}

func TestRandomMembers(t *testing.T) {
	for _, size := range []int{3, 100, 1000} {
		b := newBench(t, 1)
		for i := range size {
			b.do("ZADD", "z", strconv.Itoa(i), "m"+strconv.Itoa(i))
		}
		met := map[string]bool{}
		for range 40 * size {
			met[b.do("ZRANDMEMBER", "z")] = true
		}
		require.Len(t, met, size)
		for _, n := range []int{1, 2, size / 9, size / 2, size - 1, size, size + 1, 10 * size} {
			found := strings.Fields(strings.Trim(b.do("ZRANDMEMBER", "z", strconv.Itoa(n)), "[]"))
			require.Len(t, found, min(n, size))
			unlike := map[string]bool{}
			for _, m := range found {
				unlike[m] = true
			}
			require.Len(t, unlike, len(found))
			drawn := strings.Fields(strings.Trim(b.do("ZRANDMEMBER", "z", strconv.Itoa(-n), "WITHSCORES"), "[]"))
			require.Len(t, drawn, 2*n)
			for i := 0; i < len(drawn); i += 2 {
				require.Equal(t, "m"+strings.Trim(drawn[i+1], `"`), strings.Trim(drawn[i], `"`))
			}
		}
	}
}

// An answer that may hold any number of elements must be refused before memory is taken.
func TestTooManyRandomMembers(t *testing.T) {
	b := newBench(t, 1)
	b.do("ZADD", "z", "1", strings.Repeat("x", 1000))
	for _, n := range []string{"-9223372036854775807", "-4611686018427387904", "-1000000000"} {
		require.Equal(t, string(errTooMany), b.do("ZRANDMEMBER", "z", n))
		require.Equal(t, string(errTooMany), b.do("ZRANDMEMBER", "z", n, "WITHSCORES"))
	}
	b.limit = 1 << 20
	require.Equal(t, string(errTooMany), b.do("ZRANDMEMBER", "z", "-2000"))
	require.NotEqual(t, string(errTooMany), b.do("ZRANDMEMBER", "z", "-1000"))
}

// noted gathers the events of a bench.
type noted struct{ events []string }

func (n *noted) Touched(_ int, key []byte, e keyspace.Event) {
	n.events = append(n.events, e.String()+" "+string(key))
}

func TestSortedEvents(t *testing.T) {
	for _, entries := range []int64{128, 0} {
		b := newBench(t, 1)
		var n noted
		b.shards[0].Observer = &n
		b.shards[0].Limits.ZSetEntries.Store(entries)
		for _, tt := range []struct{ line, events string }{
			{"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g", "zadd z"},
			{"ZADD z 1 a 2 b", ""},
			{"ZADD z XX 5 none", ""},
			{"ZADD none XX 5 none", ""},
			{"ZADD z CH 1 a 3 b", "zadd z"},
			{"ZADD z INCR 1 a", "zincr z"},
			{"ZADD z INCR 0 a", ""},
			{"ZADD z NX INCR 1 a", ""},
			{"ZINCRBY z 1 a", "zincr z"},
			{"ZREM z none", ""},
			{"ZREM z a none", "zrem z"},
			{"ZPOPMIN z", "zpopmin z"},
			{"ZPOPMAX z 0", ""},
			{"ZPOPMAX z", "zpopmax z"},
			{"ZMPOP 1 z MIN", "zpopmin z"},
			{"ZREMRANGEBYRANK z 9 9", ""},
			{"ZREMRANGEBYRANK z 0 0", "zremrangebyrank z"},
			{"ZREMRANGEBYSCORE z 5 5", "zremrangebyscore z"},
			{"ZUNIONSTORE d 1 z", "zunionstore d"},
			{"ZINTERSTORE d 1 z", "zinterstore d"},
			{"ZDIFFSTORE d 1 z", "zdiffstore d"},
			{"ZRANGESTORE d z 0 -1", "zrangestore d"},
			{"ZRANGESTORE d z 5 6", "del d"},
			{"ZRANGESTORE d z 5 6", ""},
			{"ZDIFFSTORE d 2 z z", ""},
			{"ZREMRANGEBYLEX z - +", "zremrangebylex z,del z"},
			{"ZADD z 1 a", "zadd z"},
			{"ZREM z a", "zrem z,del z"},
			{"ZADD z 1 a 2 b", "zadd z"},
			{"ZPOPMAX z 5", "zpopmax z,del z"},
			{"SET s x", "set s"},
			{"ZUNIONSTORE s 1 none", "del s"},
		} {
			n.events = nil
			reply := b.do(strings.Fields(tt.line)...)
			require.False(t, strings.HasPrefix(reply, "ERR"), "%s: %s", tt.line, reply)
			require.Equal(t, tt.events, strings.Join(n.events, ","), tt.line)
		}
		require.Zero(t, b.shards[0].Usage().Cells[3], "nodes are left")
	}
}

// TestSortedFormsAgree runs the same commands on sorted sets that are packed, large, and of both kinds.
func TestSortedFormsAgree(t *testing.T) {
	var benches []*bench
	for _, entries := range []int64{0, 5, 128, 1 << 40} {
		b := newBench(t, 2)
		for _, s := range b.shards {
			s.Limits.ZSetEntries.Store(entries)
		}
		benches = append(benches, b)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	key := func() string { return pick("a", "b", "c", "{x}d") }
	score := func() string {
		return pick("1", "2", "2.5", "-3", "0.1", "inf", "-inf", strconv.Itoa(rng.IntN(300)), strconv.Itoa(rng.IntN(300)))
	}
	member := func() string {
		return pick("m", "x", "10", "9", "-1", "", strings.Repeat("long", 20)) + pick("", strconv.Itoa(rng.IntN(40)))
	}
	bound := func() string { return pick("", "(") + score() }
	rank := func() string { return strconv.Itoa(rng.IntN(80) - 40) }
	for range 3000 {
		var args []string
		switch rng.IntN(24) {
		case 0, 1, 2, 3, 4, 5:
			args = []string{"ZADD", key()}
			for range 1 + rng.IntN(5) {
				args = append(args, score(), member())
			}
		case 6:
			args = []string{"ZADD", key(), pick("NX", "XX", "GT", "LT"), "CH", score(), member()}
		case 7:
			args = []string{"ZINCRBY", key(), score(), member()}
		case 8:
			args = []string{"ZREM", key(), member(), member(), member()}
		case 9:
			args = []string{pick("ZPOPMIN", "ZPOPMAX"), key(), strconv.Itoa(rng.IntN(4))}
		case 10:
			args = []string{pick("ZRANGE", "ZREVRANGE"), key(), rank(), rank(), "WITHSCORES"}
		case 11:
			args = []string{"ZRANGE", key(), bound(), bound(), "BYSCORE", "LIMIT", rank(), rank()}
		case 12:
			args = []string{pick("ZREVRANGEBYSCORE", "ZRANGEBYSCORE"), key(), bound(), bound(), "WITHSCORES"}
		case 13:
			args = []string{"ZCOUNT", key(), bound(), bound()}
		case 14:
			args = []string{pick("ZRANK", "ZREVRANK"), key(), member(), "WITHSCORE"}
		case 15:
			args = []string{"ZMSCORE", key(), member(), member(), member()}
		case 16:
			args = []string{"ZREMRANGEBYSCORE", key(), bound(), score()}
		case 17:
			args = []string{"ZREMRANGEBYRANK", key(), rank(), rank()}
		case 18:
			args = []string{"ZRANGESTORE", key(), key(), rank(), rank()}
		case 19:
			args = []string{
				pick("ZUNIONSTORE", "ZINTERSTORE"), key(), "2", key(), key(), "WEIGHTS", "1", score(),
				"AGGREGATE", pick("SUM", "MIN", "MAX"),
			}
		case 20:
			args = []string{pick("ZDIFF", "ZUNION", "ZINTER"), "3", key(), key(), key(), "WITHSCORES"}
		case 21:
			args = []string{"COPY", key(), key(), "REPLACE"}
		case 22:
			args = []string{"ZCARD", key()}
		case 23:
			args = []string{"ZINTERCARD", "2", key(), key()}
		}
		want := benches[0].do(args...)
		for _, b := range benches[1:] {
			require.Equal(t, want, b.do(args...), "%q", args)
		}
	}
}
