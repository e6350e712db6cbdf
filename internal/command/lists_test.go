package command

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPushAndPop(t *testing.T) {
	script(t, `
		LPUSHX l a => 0
		RPUSHX l a => 0
		EXISTS l => 0
		LPUSH l a b c => 3
		RPUSH l 1 2 3 => 6
		LPUSHX l x y => 8
		RPUSHX l z => 9
		LRANGE l 0 -1 => ["y" "x" "c" "b" "a" "1" "2" "3" "z"]
		LLEN l => 9
		LPOP l => "y"
		RPOP l => "z"
		LPOP l 0 => []
		LPOP l 2 => ["x" "c"]
		RPOP l 2 => ["3" "2"]
		LPOP l x => ERR value is out of range, must be positive
		LPOP l -1 => ERR value is out of range, must be positive
		RPOP l 9223372036854775808 => ERR value is out of range, must be positive
		RPOP l 1 2 => ERR wrong number of arguments for 'rpop' command
		LPOP none 1 2 => ERR wrong number of arguments for 'lpop' command
		RPOP l 9223372036854775807 => ["1" "a" "b"]
		EXISTS l => 0
		TYPE l => none
		LPOP l => (nil)
		LPOP l 1 => (nil)
		LPOP l 0 => (nil)
		LPUSH l => ERR wrong number of arguments for 'lpush' command
		RPUSH l "" 007 -0 "a b" 9223372036854775807 9223372036854775808 => 6
		LRANGE l 0 -1 => ["" "007" "-0" "a b" "9223372036854775807" "9223372036854775808"]
		EXPIRE l 100 => 1
		LPUSH l x => 7
		TTL l => 100
		LPOP l => "x"
		TTL l => 100
	`)
}

func TestListPositions(t *testing.T) {
	script(t, `
		RPUSH l a b c d e => 5
		LINDEX l 0 => "a"
		LINDEX l -1 => "e"
		LINDEX l 5 => (nil)
		LINDEX l -6 => (nil)
		LINDEX l 9223372036854775807 => (nil)
		LINDEX l -9223372036854775808 => (nil)
		LINDEX none x => (nil)
		LINDEX l x => ERR value is not an integer or out of range
		LSET l 1 B => OK
		LSET l -1 E => OK
		LSET l 5 x => ERR index out of range
		LSET l -6 x => ERR index out of range
		LSET l 4294967296 x => ERR index out of range
		LSET l x y => ERR value is not an integer or out of range
		LSET none x y => ERR no such key
		LRANGE l 0 -1 => ["a" "B" "c" "d" "E"]
		LRANGE l 1 2 => ["B" "c"]
		LRANGE l -2 100 => ["d" "E"]
		LRANGE l -100 0 => ["a"]
		LRANGE l 3 1 => []
		LRANGE l 5 9 => []
		LRANGE l 0 -6 => []
		LRANGE l -9223372036854775808 9223372036854775807 => ["a" "B" "c" "d" "E"]
		LRANGE none 0 -1 => []
		LRANGE none 0 x => ERR value is not an integer or out of range
		LINSERT l BEFORE a first => 6
		LINSERT l after E last => 7
		LINSERT l AFTER none x => -1
		LINSERT none AFTER a x => 0
		EXISTS none => 0
		LINSERT l between a x => ERR syntax error
		LINSERT l BEFORE c 3 => 8
		LRANGE l 0 -1 => ["first" "a" "B" "3" "c" "d" "E" "last"]
		LTRIM l 1 -2 => OK
		LRANGE l 0 -1 => ["a" "B" "3" "c" "d" "E"]
		LTRIM l -3 100 => OK
		LRANGE l 0 -1 => ["c" "d" "E"]
		LTRIM l 0 x => ERR value is not an integer or out of range
		LTRIM none 0 1 => OK
		LTRIM l 2 1 => OK
		EXISTS l => 0
	`)
}

func TestLrem(t *testing.T) {
	script(t, `
		RPUSH l a b a c a d a => 7
		LREM l 2 a => 2
		LRANGE l 0 -1 => ["b" "c" "a" "d" "a"]
		LREM l -1 a => 1
		LRANGE l 0 -1 => ["b" "c" "a" "d"]
		LREM l 0 none => 0
		LREM none 0 x => 0
		LREM none x x => ERR value is not an integer or out of range
		RPUSH l 1 1 1 01 => 8
		LREM l 0 1 => 3
		LRANGE l 0 -1 => ["b" "c" "a" "d" "01"]
		LREM l -9223372036854775808 a => 1
		LREM l 9223372036854775807 b => 1
		LREM l 0 c => 1
		LREM l 0 d => 1
		LREM l 5 01 => 1
		EXISTS l => 0
	`)
}

func TestLpos(t *testing.T) {
	script(t, `
		RPUSH l a b c 1 2 3 c c => 8
		LPOS l c => 2
		LPOS l c RANK 2 => 6
		LPOS l c RANK -1 => 7
		LPOS l c RANK 4 => (nil)
		LPOS l c COUNT 2 => [2 6]
		LPOS l c COUNT 0 => [2 6 7]
		LPOS l c RANK -1 COUNT 2 => [7 6]
		LPOS l c RANK 2 COUNT 0 => [6 7]
		LPOS l c RANK -3 COUNT 5 => [2]
		LPOS l c MAXLEN 2 => (nil)
		LPOS l c MAXLEN 3 => 2
		LPOS l c COUNT 0 MAXLEN 7 => [2 6]
		LPOS l c RANK -1 MAXLEN 1 COUNT 0 => [7]
		LPOS l 2 => 4
		LPOS l x => (nil)
		LPOS l x COUNT 1 => []
		LPOS none x => (nil)
		LPOS none x COUNT 0 => []
		LPOS l c rank 1 RANK 2 => 6
		LPOS l c RANK 0 => ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
		LPOS l c RANK x => ERR value is not an integer or out of range
		LPOS l c RANK -9223372036854775808 => ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
		LPOS l c RANK -9223372036854775807 => (nil)
		LPOS l c RANK 9223372036854775807 COUNT 9223372036854775807 => []
		LPOS l c COUNT -1 => ERR COUNT can't be negative
		LPOS l c MAXLEN -1 => ERR MAXLEN can't be negative
		LPOS l c MAXLEN 9223372036854775807 => 2
		LPOS l c COUNT => ERR syntax error
		LPOS l c junk 1 => ERR syntax error
		LPOS none c RANK 0 COUNT => ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
	`)
}

func TestLmove(t *testing.T) {
	script(t, `
		RPUSH a 1 2 3 => 3
		LMOVE a b LEFT RIGHT => "1"
		LMOVE a b right left => "3"
		LRANGE b 0 -1 => ["3" "1"]
		RPOPLPUSH a b => "2"
		EXISTS a => 0
		LRANGE b 0 -1 => ["2" "3" "1"]
		RPOPLPUSH a b => (nil)
		LMOVE a b LEFT LEFT => (nil)
		LMOVE b b LEFT RIGHT => "2"
		LRANGE b 0 -1 => ["3" "1" "2"]
		LMOVE b b RIGHT LEFT => "2"
		LMOVE b b LEFT LEFT => "2"
		LMOVE b b RIGHT RIGHT => "1"
		RPOPLPUSH b b => "1"
		LRANGE b 0 -1 => ["1" "2" "3"]
		RPUSH one x => 1
		RPOPLPUSH one one => "x"
		LMOVE one one LEFT LEFT => "x"
		LRANGE one 0 -1 => ["x"]
		LMOVE a b UP LEFT => ERR syntax error
		LMOVE a b LEFT DOWN => ERR syntax error
		SET s v => OK
		LMOVE none s LEFT LEFT => (nil)
		LMOVE b s LEFT LEFT => WRONGTYPE Operation against a key holding the wrong kind of value
		LMOVE s b LEFT LEFT => WRONGTYPE Operation against a key holding the wrong kind of value
		LLEN b => 3
	`)
}

func TestLmpop(t *testing.T) {
	script(t, `
		RPUSH a 1 2 3 => 3
		RPUSH b x y => 2
		LMPOP 2 none a LEFT => ["a" ["1"]]
		LMPOP 2 a b RIGHT COUNT 10 => ["a" ["3" "2"]]
		LMPOP 2 a b right count 1 => ["b" ["y"]]
		LMPOP 1 b LEFT => ["b" ["x"]]
		LMPOP 2 a b LEFT => (nil)
		LMPOP 0 a LEFT => ERR numkeys should be greater than 0
		LMPOP x a LEFT => ERR numkeys should be greater than 0
		LMPOP -1 a LEFT => ERR numkeys should be greater than 0
		LMPOP 2 a LEFT => ERR syntax error
		LMPOP 9223372036854775807 a LEFT => ERR syntax error
		LMPOP 1 a UP => ERR syntax error
		LMPOP 1 a LEFT COUNT => ERR syntax error
		LMPOP 1 a LEFT COUNT 0 => ERR count should be greater than 0
		LMPOP 1 a LEFT COUNT x => ERR count should be greater than 0
		LMPOP 1 a LEFT COUNT 1 COUNT 2 => ERR syntax error
		LMPOP 1 a LEFT 1 => ERR syntax error
		SET s v => OK
		LMPOP 2 none s LEFT => WRONGTYPE Operation against a key holding the wrong kind of value
	`)
}

func TestListsOfTheWrongType(t *testing.T) {
	const wrong = "WRONGTYPE Operation against a key holding the wrong kind of value"
	b := newBench(t, 1)
	b.do("SET", "s", "v")
	for _, line := range []string{
		"LPUSH s a", "RPUSH s a", "LPUSHX s a", "RPUSHX s a", "LPOP s", "RPOP s", "LPOP s 0", "LLEN s", "LINDEX s x",
		"LSET s x a", "LINSERT s BEFORE a b", "LREM s 0 a", "LRANGE s 0 1", "LTRIM s 0 1", "LPOS s a", "RPOPLPUSH s s",
		"LMPOP 1 s LEFT",
	} {
		require.Equal(t, wrong, b.do(split(t, line)...), line)
	}
	b.do("RPUSH", "l", "a")
	require.Equal(t, wrong, b.do("GET", "l"))
	require.Equal(t, "list", b.do("TYPE", "l"))
}

// TestLargeLists runs the commands where the list has nodes.
func TestLargeLists(t *testing.T) {
	b := newBench(t, 1)
	for i := range 3000 {
		require.Equal(t, strconv.Itoa(i+1), b.do("RPUSH", "l", fmt.Sprintf("element:%d", i)))
	}
	require.Equal(t, `"quicklist"`, b.do("OBJECT", "ENCODING", "l"))
	require.Equal(t, `"element:1500"`, b.do("LINDEX", "l", "1500"))
	require.Equal(t, `["element:2998" "element:2999"]`, b.do("LRANGE", "l", "-2", "-1"))
	require.Equal(t, "1700", b.do("LPOS", "l", "element:1700"))
	require.Equal(t, "1700", b.do("LPOS", "l", "element:1700", "RANK", "-1"))
	require.Equal(t, "3001", b.do("LINSERT", "l", "AFTER", "element:1000", "12345"))
	require.Equal(t, "OK", b.do("LSET", "l", "1001", strings.Repeat("long", 1000)))
	require.Equal(t, `"`+strings.Repeat("long", 1000)+`"`, b.do("LINDEX", "l", "1001"))
	require.Equal(t, "1", b.do("LREM", "l", "0", strings.Repeat("long", 1000)))
	require.Equal(t, `"element:1001"`, b.do("LINDEX", "l", "1001"))
	require.Equal(t, `"element:2999"`, b.do("RPOPLPUSH", "l", "l"))
	require.Equal(t, `["element:2999" "element:0"]`, b.do("LPOP", "l", "2"))
	require.Equal(t, `"element:1"`, b.do("LMOVE", "l", "other", "LEFT", "LEFT"))
	require.Equal(t, "1", b.do("COPY", "l", "copy"))
	require.Equal(t, "OK", b.do("LTRIM", "l", "10", "19"))
	require.Equal(t, `"listpack"`, b.do("OBJECT", "ENCODING", "l"))
	require.Equal(t, "10", b.do("LLEN", "l"))
	require.Equal(t, "2997", b.do("LLEN", "copy"))
	require.Equal(t, `"element:12"`, b.do("LINDEX", "l", "0"))
	require.True(t, strings.HasPrefix(b.do("RPOP", "copy", "2996"), `["element:2998" "element:2997" `))
	require.Equal(t, `["element:2"]`, b.do("LRANGE", "copy", "0", "-1"))
	require.Equal(t, "1", b.do("DEL", "copy"))
}

func TestListsInResp3(t *testing.T) {
	b := newBench(t, 1)
	for _, line := range []string{"LPOP l", "LPOP l 1", "LMPOP 1 l LEFT", "LMOVE l l LEFT LEFT", "LPOS l a", "LINDEX l 0"} {
		var words [][]byte
		for _, w := range split(t, line) {
			words = append(words, []byte(w))
		}
		b.out.Reset(3)
		b.run(words)
		require.Equal(t, "_\r\n", string(b.out.Buf), line)
	}
}

func TestListHandlersAllocateNothing(t *testing.T) {
	b := newBench(t, 4)
	for i := range 1000 {
		b.do("RPUSH", "large", fmt.Sprintf("element:%d", i))
		if i < 20 {
			b.do("RPUSH", "small", strconv.Itoa(i*100))
		}
	}
	for _, line := range []string{
		"LPUSH small element", "LPOP small", "RPUSH small 12345", "RPOP small", "LPUSH large element", "RPOP large",
		"RPUSH large element", "LPOP large", "LPUSH none a", "LPOP none", "LRANGE small 0 -1", "LRANGE large 300 400", "LINDEX large 500",
		"LINDEX small -1", "LLEN large", "LSET large 3 12", "LSET small 3 x", "LPOS large element:400", "LINSERT small BEFORE 500 x",
		"LREM small 1 x", "RPOPLPUSH small small", "LMOVE large large LEFT RIGHT", "RPUSH l a", "LMOVE l m LEFT LEFT", "LMPOP 2 none m LEFT",
	} {
		var words [][]byte
		for _, w := range split(t, line) {
			words = append(words, []byte(w))
		}
		run := func() {
			b.out.Reset(3)
			b.run(words)
		}
		run()
		require.Zero(t, testing.AllocsPerRun(100, run), line)
	}
}
