package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHashes(t *testing.T) {
	script(t, `
		HSET h a 1 b two c "" => 3
		HSET h a 1 d 4 => 1
		HGET h a => "1"
		HGET h c => ""
		HGET h none => (nil)
		HGET none a => (nil)
		HMGET h a none b a => ["1" (nil) "two" "1"]
		HMGET none a b => [(nil) (nil)]
		HGETALL h => ["a" "1" "b" "two" "c" "" "d" "4"]
		HGETALL none => []
		HKEYS h => ["a" "b" "c" "d"]
		HVALS h => ["1" "two" "" "4"]
		HKEYS none => []
		HVALS none => []
		HLEN h => 4
		HLEN none => 0
		HSTRLEN h b => 3
		HSTRLEN h a => 1
		HSTRLEN h none => 0
		HSTRLEN none a => 0
		HEXISTS h a => 1
		HEXISTS h A => 0
		HEXISTS none a => 0
		HSETNX h a 5 => 0
		HSETNX h e 5 => 1
		HSETNX n e 5 => 1
		HGET n e => "5"
		HDEL h e none e => 1
		HDEL none a => 0
		HDEL n e => 1
		EXISTS n => 0
		HMSET h a x b y => OK
		HMGET h a b => ["x" "y"]
		HSET h a => ERR wrong number of arguments for 'hset' command
		HSET h a 1 b => ERR wrong number of arguments for 'hset' command
		HMSET h a 1 b => ERR wrong number of arguments for 'hmset' command
		HSET h a 1 a 2 a 3 => 0
		HGET h a => "3"
		HSET new a 1 a 2 => 1
		HGET new a => "2"
		TYPE h => hash
		OBJECT ENCODING h => "listpack"
		EXPIRE h 100 => 1
		HSET h z 1 => 1
		TTL h => 100
	`)
}

func TestHashWrongType(t *testing.T) {
	const wrong = "WRONGTYPE Operation against a key holding the wrong kind of value"
	b := newBench(t, 1)
	b.do("SET", "s", "v")
	for _, line := range []string{
		"HSET s a 1", "HSETNX s a 1", "HMSET s a 1", "HGET s a", "HMGET s a", "HGETALL s", "HDEL s a", "HLEN s",
		"HSTRLEN s a", "HEXISTS s a", "HKEYS s", "HVALS s", "HINCRBY s a 1", "HINCRBYFLOAT s a 1", "HRANDFIELD s", "HRANDFIELD s 1",
		"HSCAN s 0", "HEXPIRE s x", "HEXPIRE s x FIELDS 1 a", "HTTL s FIELDS x a", "HPERSIST s x 1 a", "HGETDEL s x 1 a",
		"HGETEX s FIELDS 1 a", "HSETEX s FIELDS 1 a b", "HPTTL s FIELDS 1 a", "HEXPIRETIME s FIELDS 1 a", "HPEXPIRETIME s FIELDS 1 a",
	} {
		got := b.do(strings.Fields(line)...)
		if strings.HasPrefix(got, "ERR wrong number") {
			got = b.do(append(strings.Fields(line), "y", "z", "w")...)
		}
		require.Equal(t, wrong, got, line)
	}
	b.do("HSET", "h", "a", "1")
	require.Equal(t, wrong, b.do("GET", "h"))
	require.Equal(t, wrong, b.do("INCR", "h"))
	require.Equal(t, "OK", b.do("SET", "h", "now a string"))
}

func TestHashCounters(t *testing.T) {
	script(t, `
		HINCRBY h n 5 => 5
		HINCRBY h n -7 => -2
		HGET h n => "-2"
		HINCRBY h n x => ERR value is not an integer or out of range
		HINCRBY h n 1.5 => ERR value is not an integer or out of range
		HSET h s str sp " 5" big 9223372036854775807 small -9223372036854775808 f 5.0e3 => 5
		HINCRBY h s 1 => ERR hash value is not an integer
		HINCRBY h sp 1 => ERR hash value is not an integer
		HINCRBY h big 1 => ERR increment or decrement would overflow
		HINCRBY h small -1 => ERR increment or decrement would overflow
		HINCRBY h big -1 => 9223372036854775806
		HINCRBY none n x => ERR value is not an integer or out of range
		EXISTS none => 0
		HINCRBYFLOAT h f 200 => "5200"
		HINCRBYFLOAT h new 0.1 => "0.1"
		HINCRBYFLOAT h new 0.2 => "0.3"
		HINCRBYFLOAT h n 0.5 => "-1.5"
		HINCRBY h n 1 => ERR hash value is not an integer
		HINCRBYFLOAT h s 1 => ERR hash value is not a float
		HINCRBYFLOAT h s x => ERR value is not a valid float
		HINCRBYFLOAT h new nan => ERR value is not a valid float
		HINCRBYFLOAT h new -inf => ERR value is NaN or Infinity
		HINCRBYFLOAT none new inf => ERR value is NaN or Infinity
		EXISTS none => 0
		HSET h huge 1e4932 => 1
		HINCRBYFLOAT h huge 1e4932 => ERR increment would produce NaN or Infinity
	`)
}

// TestHashLimits turns packed hashes into large ones where Redis does it.
func TestHashLimits(t *testing.T) {
	long, longer := strings.Repeat("x", 64), strings.Repeat("x", 65)
	for _, tc := range []struct {
		commands []string
		want     string
	}{
		{[]string{"HSET h f " + long}, `"listpack"`}, {[]string{"HSET h f " + longer}, `"hashtable"`},
		{[]string{"HSET h " + long + " v"}, `"listpack"`}, {[]string{"HSET h " + longer + " v"}, `"hashtable"`},
		{[]string{"HSETNX h f " + longer}, `"hashtable"`}, {[]string{"HINCRBY h " + longer + " 1"}, `"hashtable"`},
		{[]string{"HINCRBYFLOAT h " + longer + " 1"}, `"hashtable"`},
		{[]string{"HSET h f 1", "HSET h f " + longer, "HSET h f 1"}, `"hashtable"`},
		{[]string{"HSET h f 1", "HSETNX h f " + longer}, `"listpack"`},
		{[]string{"HSETEX h EX 5 FIELDS 1 f 1"}, `"listpackex"`},
		{[]string{"HSETEX h EX 5 FIELDS 1 f " + longer}, `"hashtable"`},
		{[]string{"HSETEX h EX 5 FIELDS 1 f 1", "HPERSIST h FIELDS 1 f"}, `"listpack"`},
	} {
		b := newBench(t, 1)
		for _, c := range tc.commands {
			b.do(strings.Fields(c)...)
		}
		require.Equal(t, tc.want, b.do("OBJECT", "ENCODING", "h"), "%.60s", tc.commands)
	}
	b := newBench(t, 1)
	for i := range 512 {
		require.Equal(t, `1`, b.do("HSET", "h", fmt.Sprint(i), "v"))
	}
	require.Equal(t, `"listpack"`, b.do("OBJECT", "ENCODING", "h"))
	b.do("HSET", "h", "0", "w")
	require.Equal(t, `"listpack"`, b.do("OBJECT", "ENCODING", "h"))
	b.do("HSET", "h", "512", "w")
	require.Equal(t, `"hashtable"`, b.do("OBJECT", "ENCODING", "h"))
	require.Equal(t, "513", b.do("HLEN", "h"))
	for i := range 513 {
		require.Equal(t, "1", b.do("HDEL", "h", fmt.Sprint(i)))
	}
	require.Equal(t, "0", b.do("EXISTS", "h"))
}

func TestHrandfield(t *testing.T) {
	script(t, `
		HRANDFIELD none => (nil)
		HRANDFIELD none 5 => []
		HRANDFIELD none -5 => []
		HRANDFIELD none 5 WITHVALUES => []
		HSET h a 1 => 1
		HRANDFIELD h => "a"
		HRANDFIELD h 5 => ["a"]
		HRANDFIELD h 5 withvalues => ["a" "1"]
		HRANDFIELD h -3 => ["a" "a" "a"]
		HRANDFIELD h -2 WITHVALUES => ["a" "1" "a" "1"]
		HRANDFIELD h 0 => []
		HRANDFIELD h 0 WITHVALUES => []
		HRANDFIELD h 9223372036854775807 => ["a"]
		HRANDFIELD h x => ERR value is not an integer or out of range
		HRANDFIELD none x => ERR value is not an integer or out of range
		HRANDFIELD h 9223372036854775808 => ERR value is not an integer or out of range
		HRANDFIELD h -9223372036854775808 => ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
		HRANDFIELD h -9223372036854775807 => ERR value is out of range
		HRANDFIELD h -1000000000 => ERR value is out of range
		HRANDFIELD h 4611686018427387904 WITHVALUES => ERR value is out of range
		HRANDFIELD h -4611686018427387904 WITHVALUES => ERR value is out of range
		HRANDFIELD h 1 foo => ERR syntax error
		HRANDFIELD h 1 WITHVALUES x => ERR syntax error
		HRANDFIELD h x foo => ERR value is not an integer or out of range
	`)
	b := newBench(t, 1)
	for i := range 600 {
		b.do("HSET", "big", fmt.Sprint("f", i), fmt.Sprint(i))
	}
	for _, n := range []int{1, 10, 300, 599, 600} {
		fields := strings.Fields(strings.Trim(b.do("HRANDFIELD", "big", fmt.Sprint(n)), "[]"))
		seen := map[string]bool{}
		for _, f := range fields {
			seen[f] = true
		}
		require.Len(t, fields, n)
		require.Len(t, seen, n)
		require.Len(t, strings.Fields(b.do("HRANDFIELD", "big", fmt.Sprint(-n))), n)
		require.Len(t, strings.Fields(b.do("HRANDFIELD", "big", fmt.Sprint(-n), "WITHVALUES")), 2*n)
	}
	b.limit = 1000
	require.Equal(t, "ERR value is out of range", b.do("HRANDFIELD", "big", "-600"))
	require.Len(t, strings.Fields(b.do("HRANDFIELD", "big", "-50")), 50)
	// In RESP3 each field with its value is an array of its own.
	b.do("HSET", "one", "a", "1")
	b.out.Reset(3)
	b.run([][]byte{[]byte("HRANDFIELD"), []byte("one"), []byte("-2"), []byte("WITHVALUES")})
	require.Equal(t, "*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n", string(b.out.Buf))
	b.out.Reset(3)
	b.run([][]byte{[]byte("HGETALL"), []byte("one")})
	require.Equal(t, "%1\r\n$1\r\na\r\n$1\r\n1\r\n", string(b.out.Buf))
}

func TestHscan(t *testing.T) {
	script(t, `
		HSCAN none 0 => ["0" []]
		HSCAN none 5 COUNT x => ["0" []]
		HSCAN none x => ERR invalid cursor
		HSET h a 1 b 2 ab 3 => 3
		HSCAN h 0 => ["0" ["a" "1" "b" "2" "ab" "3"]]
		HSCAN h 0 COUNT 1 => ["0" ["a" "1" "b" "2" "ab" "3"]]
		HSCAN h 0 MATCH a* => ["0" ["a" "1" "ab" "3"]]
		HSCAN h 0 MATCH x* COUNT 5 => ["0" []]
		HSCAN h 0 NOVALUES => ["0" ["a" "b" "ab"]]
		HSCAN h 0 MATCH a* NOVALUES COUNT 3 => ["0" ["a" "ab"]]
		HSCAN h 0 NOVALUES MATCH a => ["0" ["a"]]
		HSCAN h x => ERR invalid cursor
		HSCAN h 0 COUNT 0 => ERR syntax error
		HSCAN h 0 COUNT x => ERR value is not an integer or out of range
		HSCAN h 0 MATCH => ERR syntax error
		HSCAN h 0 FOO 1 => ERR syntax error
		HSCAN h 0 TYPE hash => ERR syntax error
	`)
	b := newBench(t, 1)
	for i := range 3000 {
		b.do("HSET", "h", fmt.Sprint("f", i), fmt.Sprint(i))
	}
	seen := map[string]string{}
	cursor, calls := "0", 0
	for {
		text := b.do("HSCAN", "h", cursor, "COUNT", "100")
		reply := strings.Fields(strings.NewReplacer("[", "", "]", "", `"`, "").Replace(text))
		for i := 1; i < len(reply); i += 2 {
			seen[reply[i]] = reply[i+1]
		}
		calls++
		if cursor = reply[0]; cursor == "0" {
			break
		}
	}
	require.Len(t, seen, 3000)
	require.Equal(t, "77", seen["f77"])
	require.Less(t, calls, 31)
	require.Greater(t, calls, 10)
}

// TestHashAllocations holds the commands on one field to no allocation, packed and large.
func TestHashAllocations(t *testing.T) {
	b := newBench(t, 1)
	for i := range 600 {
		b.do("HSET", "large", fmt.Sprint("f", i), fmt.Sprint(i))
	}
	for i := range 20 {
		b.do("HSET", "packed", fmt.Sprint("f", i), fmt.Sprint(i))
	}
	for _, line := range []string{
		"HGET packed f7", "HGET large f7", "HSET packed f7 12345", "HSET large f7 value", "HMGET packed f1 f2 f3",
		"HLEN large", "HEXISTS large f9", "HSTRLEN large f9", "HINCRBY packed f8 1", "HINCRBY large f8 1", "HSETNX large f1 x",
		"HDEL large none",
	} {
		var args [][]byte
		for _, a := range strings.Fields(line) {
			args = append(args, []byte(a))
		}
		b.out.Reset(2)
		b.run(args)
		require.Zero(t, testing.AllocsPerRun(50, func() {
			b.out.Reset(2)
			b.run(args)
		}), line)
	}
}
