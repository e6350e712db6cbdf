package command

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSetsOfIntegers(t *testing.T) {
	script(t, `
		SADD s 3 1 2 1 => 3
		SADD s 2 => 0
		SMEMBERS s => ["1" "2" "3"]
		SCARD s => 3
		OBJECT ENCODING s => "intset"
		SISMEMBER s 2 => 1
		SISMEMBER s 02 => 0
		SISMEMBER s x => 0
		SMISMEMBER s 1 x 3 => [1 0 1]
		SREM s 1 x 1 => 1
		SMEMBERS s => ["2" "3"]
		SADD s 9223372036854775807 -9223372036854775808 => 2
		SMEMBERS s => ["-9223372036854775808" "2" "3" "9223372036854775807"]
		SADD s x => 1
		OBJECT ENCODING s => "listpack"
		SISMEMBER s -9223372036854775808 => 1
		SREM s x => 1
		OBJECT ENCODING s => "listpack"
		SREM s 2 3 9223372036854775807 -9223372036854775808 5 => 4
		EXISTS s => 0
		TYPE s => none
	`)
}

func TestSetsOfStrings(t *testing.T) {
	script(t, `
		SADD s a "" "b c" => 3
		SADD s a b => 1
		OBJECT ENCODING s => "listpack"
		SMISMEMBER s "" a x "b c" => [1 1 0 1]
		SISMEMBER none a => 0
		SMISMEMBER none a b => [0 0]
		SCARD none => 0
		SMEMBERS none => []
		SREM none a => 0
		SREM s a a "" => 2
		SCARD s => 2
		TYPE s => set
		SADD t 7 => 1
		SMOVE s t b => 1
		SMOVE s t b => 0
		SMOVE s t x => 0
		SMOVE none t x => 0
		SMEMBERS s => ["b c"]
		SMEMBERS t => ["7" "b"]
		SMOVE s s "b c" => 1
		SMOVE s s x => 0
		SMOVE s t "b c" => 1
		EXISTS s => 0
		SET str v => OK
		SADD str a => WRONGTYPE Operation against a key holding the wrong kind of value
		SREM str a => WRONGTYPE Operation against a key holding the wrong kind of value
		SCARD str => WRONGTYPE Operation against a key holding the wrong kind of value
		SMEMBERS str => WRONGTYPE Operation against a key holding the wrong kind of value
		SISMEMBER str a => WRONGTYPE Operation against a key holding the wrong kind of value
		SMISMEMBER str a => WRONGTYPE Operation against a key holding the wrong kind of value
		SPOP str => WRONGTYPE Operation against a key holding the wrong kind of value
		SPOP str 0 => WRONGTYPE Operation against a key holding the wrong kind of value
		SRANDMEMBER str => WRONGTYPE Operation against a key holding the wrong kind of value
		SRANDMEMBER str 0 => WRONGTYPE Operation against a key holding the wrong kind of value
		SSCAN str 0 => WRONGTYPE Operation against a key holding the wrong kind of value
		SMOVE str t a => WRONGTYPE Operation against a key holding the wrong kind of value
		SMOVE t str x => WRONGTYPE Operation against a key holding the wrong kind of value
		SMOVE none str x => 0
		SINTER none str => WRONGTYPE Operation against a key holding the wrong kind of value
		SUNIONSTORE t t str => WRONGTYPE Operation against a key holding the wrong kind of value
		SCARD t => 3
		GET t => WRONGTYPE Operation against a key holding the wrong kind of value
	`)
}

func TestSetAlgebra(t *testing.T) {
	script(t, `
		SADD a 1 2 3 4 5 => 5
		SADD b 3 4 5 6 => 4
		SADD c 5 x => 2
		SINTER a b => ["3" "4" "5"]
		SINTER a b c => ["5"]
		SINTER a none => []
		SINTER a => ["1" "2" "3" "4" "5"]
		SINTER a a => ["1" "2" "3" "4" "5"]
		SUNION a b => ["1" "2" "3" "4" "5" "6"]
		SUNION none => []
		SDIFF a b => ["1" "2"]
		SDIFF b a none => ["6"]
		SDIFF a a => []
		SDIFF none a => []
		SINTERCARD 2 a b => 3
		SINTERCARD 2 a b LIMIT 2 => 2
		SINTERCARD 2 a b limit 0 => 3
		SINTERCARD 2 a b LIMIT 1 LIMIT 9223372036854775807 => 3
		SINTERCARD 1 none => 0
		SINTERCARD 0 a => ERR numkeys should be greater than 0
		SINTERCARD -9223372036854775808 a => ERR numkeys should be greater than 0
		SINTERCARD 9223372036854775807 a => ERR Number of keys can't be greater than number of args
		SINTERCARD x a => ERR numkeys should be greater than 0
		SINTERCARD 2 a => ERR Number of keys can't be greater than number of args
		SINTERCARD 1 a b => ERR syntax error
		SINTERCARD 1 a LIMIT => ERR syntax error
		SINTERCARD 1 a LIMIT -1 => ERR LIMIT can't be negative
		SINTERCARD 1 a LIMIT x => ERR LIMIT can't be negative
		SINTERSTORE d a b => 3
		SMEMBERS d => ["3" "4" "5"]
		OBJECT ENCODING d => "intset"
		SUNIONSTORE d d c => 4
		SCARD d => 4
		OBJECT ENCODING d => "listpack"
		SDIFFSTORE d d a => 1
		SMEMBERS d => ["x"]
		SET d v EX 100 => OK
		SUNIONSTORE d a => 5
		TTL d => -1
		SINTERSTORE d a none => 0
		EXISTS d => 0
		SDIFFSTORE d a a => 0
	`)
}

func TestSetsAtRandom(t *testing.T) {
	script(t, `
		SPOP none => (nil)
		SPOP none 5 => []
		SPOP none x => ERR value is out of range, must be positive
		SPOP none -1 => ERR value is out of range, must be positive
		SPOP none 9223372036854775808 => ERR value is out of range, must be positive
		SPOP none 1 2 => ERR syntax error
		SADD s 1 2 3 => 3
		SPOP s 0 => []
		SPOP s 9223372036854775807 => ["1" "2" "3"]
		EXISTS s => 0
		SADD s x => 1
		SPOP s => "x"
		EXISTS s => 0
		SRANDMEMBER none => (nil)
		SRANDMEMBER none 5 => []
		SRANDMEMBER none x => ERR value is not an integer or out of range
		SRANDMEMBER none -9223372036854775808 => ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
		SRANDMEMBER none -9223372036854775807 => []
		SRANDMEMBER none 1 2 => ERR syntax error
		SADD s 7 => 1
		SRANDMEMBER s => "7"
		SRANDMEMBER s 0 => []
		SRANDMEMBER s 10 => ["7"]
		SRANDMEMBER s -3 => ["7" "7" "7"]
		SRANDMEMBER s -9223372036854775807 => ERR value is out of range
		SRANDMEMBER s -100000000 => ERR value is out of range
		SADD s 8 9 => 2
		SRANDMEMBER s 9223372036854775807 => ["7" "8" "9"]
	`)
}

// TestSetDrawsAreBounded refuses draws that would make a reply longer than a string may be, whatever the members.
func TestSetDrawsAreBounded(t *testing.T) {
	b := newBench(t, 1)
	b.limit = 10_000
	b.do("SADD", "s", strings.Repeat("x", 1000))
	require.Equal(t, 9_000, strings.Count(b.do("SRANDMEMBER", "s", "-9"), "x"))
	require.Equal(t, "ERR value is out of range", b.do("SRANDMEMBER", "s", "-10"))
	b.do("SADD", "t", "y")
	require.Equal(t, 1000, strings.Count(b.do("SRANDMEMBER", "t", "-1000"), "y"))
	require.Equal(t, "ERR value is out of range", b.do("SRANDMEMBER", "t", "-2000"))
}

func TestSscan(t *testing.T) {
	script(t, `
		SSCAN none 0 => ["0" []]
		SSCAN none 0 junk => ["0" []]
		SSCAN none x => ERR invalid cursor
		SADD s 1 2 13 => 3
		SSCAN s 0 => ["0" ["1" "2" "13"]]
		SSCAN s 0 COUNT 1 => ["0" ["1" "2" "13"]]
		SSCAN s 99 MATCH 1* => ["0" ["1" "13"]]
		SSCAN s 0 COUNT 0 => ERR syntax error
		SSCAN s 0 COUNT x => ERR value is not an integer or out of range
		SSCAN s 0 COUNT => ERR syntax error
		SSCAN s 0 TYPE set => ERR syntax error
		SSCAN s x => ERR invalid cursor
	`)
	b := newBench(t, 1)
	want := map[string]bool{}
	for i := range 2000 {
		m := fmt.Sprint("member", i)
		b.do("SADD", "large", m)
		want[strconv.Quote(m)] = true
	}
	for _, count := range []string{"1", "100", "9223372036854775807"} {
		got := map[string]bool{}
		cursor, calls := "0", 0
		for cursor != "0" || calls == 0 {
			reply := strings.Trim(b.do("SSCAN", "large", cursor, "COUNT", count), "[]")
			words := strings.Fields(strings.ReplaceAll(reply, "[", ""))
			cursor = strings.Trim(words[0], `"`)
			for _, m := range words[1:] {
				got[m] = true
			}
			calls++
		}
		require.Equal(t, want, got)
		if count == "1" {
			require.Greater(t, calls, 20)
		} else if len(count) > 3 {
			require.Equal(t, 1, calls)
		}
	}
}

// TestSetRepliesInRESP3 tells which replies are sets.
func TestSetRepliesInRESP3(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"SMEMBERS s", "~1\r\n$1\r\n5\r\n"}, {"SMEMBERS none", "~0\r\n"},
		{"SUNION s", "~1\r\n$1\r\n5\r\n"}, {"SINTER s s", "~1\r\n$1\r\n5\r\n"}, {"SDIFF s none", "~1\r\n$1\r\n5\r\n"},
		{"SDIFF none s", "~0\r\n"}, {"SINTER s none", "~0\r\n"},
		{"SRANDMEMBER s", "$1\r\n5\r\n"}, {"SRANDMEMBER s 1", "*1\r\n$1\r\n5\r\n"}, {"SRANDMEMBER s 0", "*0\r\n"},
		{"SRANDMEMBER none", "_\r\n"}, {"SRANDMEMBER none 1", "*0\r\n"}, {"SMISMEMBER s 5 6", "*2\r\n:1\r\n:0\r\n"},
		{"SSCAN s 0", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\n5\r\n"}, {"SPOP none", "_\r\n"}, {"SPOP none 1", "~0\r\n"},
		{"SPOP s 1", "~1\r\n$1\r\n5\r\n"},
	} {
		b := newBench(t, 1)
		b.do("SADD", "s", "5")
		b.out.Reset(3)
		b.run(words(tc.line))
		require.Equal(t, tc.want, string(b.out.Buf), tc.line)
	}
}

// TestSetFormsDontShow runs the same commands under different limits: replies differ in the order of members only.
func TestSetFormsDontShow(t *testing.T) {
	const commands = 3000
	var logs [3][]string
	for i, limit := range []int64{0, -1, math.MaxInt64} {
		b := newBench(t, 2)
		if limit >= 0 {
			for _, s := range b.shards {
				s.Limits.SetInts.Store(limit)
				s.Limits.SetEntries.Store(limit)
				s.Limits.SetValue.Store(limit)
			}
		}
		rnd := rand.New(rand.NewPCG(9, 9))
		for range commands {
			args := randomSetCommand(rnd)
			reply := b.do(args...)
			if strings.HasPrefix(args[0], "SRANDMEMBER") {
				reply = fmt.Sprint(strings.Count(reply, `"`))
			} else if strings.HasPrefix(reply, "[") && args[0] != "SMISMEMBER" {
				list := strings.Fields(strings.Trim(strings.ReplaceAll(reply, "[", ""), "[]"))
				slices.Sort(list)
				reply = fmt.Sprint(list)
			}
			logs[i] = append(logs[i], fmt.Sprintf("%.200q => %s", args, reply))
		}
	}
	require.Equal(t, logs[0], logs[1])
	require.Equal(t, logs[0], logs[2])
}

// randomSetCommand makes a command whose reply doesn't hang on chance, but for SRANDMEMBER.
func randomSetCommand(rnd *rand.Rand) []string {
	keys := []string{"a", "b", "c", "d", "e"}
	key := func() string { return keys[rnd.IntN(len(keys))] }
	member := func() string {
		switch rnd.IntN(12) {
		case 0:
			return strings.Repeat("long", rnd.IntN(100))
		case 1, 2, 3:
			return fmt.Sprint("m", rnd.IntN(300))
		case 4:
			return strconv.FormatInt(rnd.Int64N(9)*math.MaxInt32, 10)
		}
		return strconv.Itoa(rnd.IntN(400))
	}
	some := func(first ...string) []string {
		for range 1 + rnd.IntN(20) {
			first = append(first, member())
		}
		return first
	}
	several := func(first ...string) []string {
		for range 1 + rnd.IntN(4) {
			first = append(first, key())
		}
		return first
	}
	switch rnd.IntN(16) {
	case 0, 1, 2, 3:
		return some("SADD", key())
	case 4, 5:
		return some("SREM", key())
	case 6:
		return []string{"SMOVE", key(), key(), member()}
	case 7:
		return some("SMISMEMBER", key())
	case 8:
		return several("SINTER")
	case 9:
		return several("SUNION")
	case 10:
		return several("SDIFF")
	case 11:
		op := []string{"SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"}[rnd.IntN(3)]
		return several(op, key())
	case 12:
		return []string{"SINTERCARD", "2", key(), key(), "LIMIT", strconv.Itoa(rnd.IntN(5))}
	case 13:
		return []string{"SRANDMEMBER", key(), strconv.Itoa(rnd.IntN(20) - 10)}
	case 14:
		return []string{"SCARD", key()}
	}
	if rnd.IntN(20) == 0 {
		return []string{"SPOP", key(), "100000"}
	}
	return []string{"SMEMBERS", key()}
}
