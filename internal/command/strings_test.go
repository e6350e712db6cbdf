package command

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/keyspace"
)

func TestSetAndGet(t *testing.T) {
	script(t, `
		GET k => (nil)
		SET k v => OK
		GET k => "v"
		SET k "" => OK
		GET k => ""
		SET k v NX => (nil)
		SET k w XX => OK
		SET n w XX => (nil)
		SET n w nx => OK
		SET k x GET => "w"
		SET none x GET => (nil)
		SET none y GET NX => "x"
		GET none => "x"
		SET absent y GET XX => (nil)
		EXISTS absent => 0
		SET k v NX XX => ERR syntax error
		SET k v XX NX => ERR syntax error
		SET k v junk => ERR syntax error
		SET k v EX => ERR syntax error
		SET k v EX 10 PX 10 => ERR syntax error
		SET k v EX 10 EXAT 10 => ERR syntax error
		SET k v PXAT 10 PX 10 => ERR syntax error
		SET k v EX 10 KEEPTTL => ERR syntax error
		SET k v KEEPTTL EX 10 => ERR syntax error
		SET k v PERSIST => ERR syntax error
		SET k v EX abc => ERR value is not an integer or out of range
		SET k v EX 1.5 => ERR value is not an integer or out of range
		SET k v EX 0 => ERR invalid expire time in 'set' command
		SET k v PX -1 => ERR invalid expire time in 'set' command
		SET k v EX 9223372036854775807 => ERR invalid expire time in 'set' command
		SET k v EX 9223372036854775 => ERR invalid expire time in 'set' command
		SET k v PX 9223372036854775807 => ERR invalid expire time in 'set' command
		SET k v EXAT 9223372036854776 => ERR invalid expire time in 'set' command
		GET k => "x"
		SET k v PXAT 9223372036854775807 => OK
		PEXPIRETIME k => 9223372036854775807
		EXPIRETIME k => 9223372036854776
		SET k v EX 10 => OK
		PTTL k => 10000
		SET k v ex 10 EX 20 => OK
		TTL k => 20
		SET k v KEEPTTL KEEPTTL => OK
		TTL k => 20
		SET k v PX 1500 => OK
		TTL k => 2
		PTTL k => 1500
		SET k v EXAT 1700000100 => OK
		TTL k => 100
		SET k v NX EX 5 => (nil)
		TTL k => 100
		SET k v => OK
		TTL k => -1
		SET k v KEEPTTL GET => "v"
		SET k v PXAT 1 => OK
		GET k => (nil)
		SET => ERR wrong number of arguments for 'set' command
		SET k => ERR wrong number of arguments for 'set' command
		GET => ERR wrong number of arguments for 'get' command
		GET a b => ERR wrong number of arguments for 'get' command
	`)
}

func TestSetterKin(t *testing.T) {
	script(t, `
		SETNX k v => 1
		SETNX k w => 0
		GET k => "v"
		SETEX k 10 w => OK
		TTL k => 10
		PSETEX k 2500 x => OK
		PTTL k => 2500
		SETEX k 0 x => ERR invalid expire time in 'setex' command
		PSETEX k -5 x => ERR invalid expire time in 'psetex' command
		SETEX k x x => ERR value is not an integer or out of range
		SETEX k 9223372036854775807 x => ERR invalid expire time in 'setex' command
		GETSET k y => "x"
		TTL k => -1
		GETSET new y => (nil)
		GET new => "y"
		GETDEL k => "y"
		GETDEL k => (nil)
		EXISTS k => 0
		MSET a 1 b 2 a 3 => OK
		MGET a b none a => ["3" "2" (nil) "3"]
		MSET a 1 b => ERR wrong number of arguments for 'mset' command
		MSETNX a 1 b => ERR wrong number of arguments for 'msetnx' command
		MSET a => ERR wrong number of arguments for 'mset' command
		MSETNX c 1 a 2 => 0
		EXISTS c => 0
		MSETNX c 1 d 2 c 3 => 1
		MGET c d => ["3" "2"]
		SET a v EX 100 => OK
		MSET a w => OK
		TTL a => -1
	`)
}

func TestGetex(t *testing.T) {
	script(t, `
		GETEX k => (nil)
		GETEX k EX abc => (nil)
		GETEX k EX 10 PX 10 => ERR syntax error
		SET k v => OK
		GETEX k => "v"
		TTL k => -1
		GETEX k EX 10 => "v"
		TTL k => 10
		GETEX k => "v"
		TTL k => 10
		GETEX k PX 5000 px 7000 => "v"
		PTTL k => 7000
		GETEX k PERSIST => "v"
		TTL k => -1
		GETEX k persist => "v"
		GETEX k EXAT 1700000050 => "v"
		TTL k => 50
		GETEX k PXAT 1700000060000 => "v"
		TTL k => 60
		GETEX k EX abc => ERR value is not an integer or out of range
		GETEX k EX 0 => ERR invalid expire time in 'getex' command
		GETEX k PERSIST EX 1 => ERR syntax error
		GETEX k EX 1 PERSIST => ERR syntax error
		GETEX k KEEPTTL => ERR syntax error
		GETEX k NX => ERR syntax error
		GETEX k GET => ERR syntax error
		TTL k => 60
		GETEX k EXAT 1 => "v"
		EXISTS k => 0
		DBSIZE => 0
	`)
}

func TestCounters(t *testing.T) {
	script(t, `
		INCR n => 1
		INCRBY n 41 => 42
		DECR n => 41
		DECRBY n 50 => -9
		GET n => "-9"
		SET n 9223372036854775807 => OK
		INCR n => ERR increment or decrement would overflow
		INCRBY n 1 => ERR increment or decrement would overflow
		DECRBY n -1 => ERR increment or decrement would overflow
		GET n => "9223372036854775807"
		SET n -9223372036854775808 => OK
		DECR n => ERR increment or decrement would overflow
		INCRBY n -1 => ERR increment or decrement would overflow
		DECRBY n -9223372036854775808 => ERR decrement would overflow
		DECRBY n 9223372036854775808 => ERR value is not an integer or out of range
		INCRBY n 1.0 => ERR value is not an integer or out of range
		INCRBY n " 1" => ERR value is not an integer or out of range
		INCRBY n +1 => ERR value is not an integer or out of range
		INCRBY n 01 => ERR value is not an integer or out of range
		SET n 12345678901234567890 => OK
		INCR n => ERR value is not an integer or out of range
		SET n "" => OK
		INCR n => ERR value is not an integer or out of range
		SET n " 1" => OK
		INCR n => ERR value is not an integer or out of range
		SET n 5 EX 100 => OK
		INCR n => 6
		TTL n => 100
		INCRBYFLOAT n 0.5 => "6.5"
		TTL n => 100
		INCRBYFLOAT f 3.0e3 => "3000"
		INCRBYFLOAT f -0.1 => "2999.89999999999999991"
		INCRBYFLOAT f inf => ERR increment would produce NaN or Infinity
		INCRBYFLOAT f nan => ERR value is not a valid float
		INCRBYFLOAT f x => ERR value is not a valid float
		INCRBYFLOAT f "" => ERR value is not a valid float
		INCRBYFLOAT none x => ERR value is not a valid float
		EXISTS none => 0
		SET f x => OK
		INCRBYFLOAT f 1 => ERR value is not a valid float
		GET f => "x"
	`)
}

func TestRanges(t *testing.T) {
	script(t, `
		APPEND k Hello => 5
		APPEND k " World" => 11
		APPEND k "" => 11
		GET k => "Hello World"
		STRLEN k => 11
		STRLEN none => 0
		GETRANGE k 0 4 => "Hello"
		GETRANGE k -5 -1 => "World"
		SUBSTR k -3 -1 => "rld"
		GETRANGE k 0 -100 => "H"
		GETRANGE k -100 -200 => ""
		GETRANGE k 5 2 => ""
		GETRANGE k 20 30 => ""
		GETRANGE k -9223372036854775808 9223372036854775807 => "Hello World"
		GETRANGE none 0 -1 => ""
		GETRANGE k a 1 => ERR value is not an integer or out of range
		GETRANGE k 1 a => ERR value is not an integer or out of range
		SETRANGE k 6 Redis => 11
		GET k => "Hello Redis"
		SETRANGE k 12 x => 13
		GET k => "Hello Redis\x00x"
		SETRANGE k 100 "" => 13
		SETRANGE none 100 "" => 0
		EXISTS none => 0
		SETRANGE none 3 x => 4
		GET none => "\x00\x00\x00x"
		SETRANGE k -1 x => ERR offset is out of range
		SETRANGE k -1 "" => ERR offset is out of range
		SETRANGE k a x => ERR value is not an integer or out of range
		SETRANGE k 9223372036854775807 xx => ERR string exceeds maximum allowed size (proto-max-bulk-len)
		SETRANGE k 536870912 x => ERR string exceeds maximum allowed size (proto-max-bulk-len)
		SETRANGE none2 536870912 x => ERR string exceeds maximum allowed size (proto-max-bulk-len)
		SET t v EX 100 => OK
		APPEND t w => 2
		SETRANGE t 0 x => 2
		TTL t => 100
		GET t => "xw"
	`)
}

// TestStringLimit holds strings to proto-max-bulk-len, whatever it is set to.
func TestStringLimit(t *testing.T) {
	b := newBench(t, 1)
	b.limit = 10
	const tooLong = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	require.Equal(t, "4", b.do("APPEND", "k", "1234"))
	require.Equal(t, "10", b.do("APPEND", "k", "567890"))
	require.Equal(t, tooLong, b.do("APPEND", "k", "x"))
	require.Equal(t, "10", b.do("SETRANGE", "k", "9", "x"))
	require.Equal(t, tooLong, b.do("SETRANGE", "k", "10", "x"))
	require.Equal(t, `"123456789x"`, b.do("GET", "k"))
	b.limit = 1 << 62
	require.Equal(t, tooLong, b.do("SETRANGE", "k", "1099511627776", "x"))
	require.Equal(t, "10", b.do("STRLEN", "k"))
}

func TestLCS(t *testing.T) {
	script(t, `
		MSET a ohmytext b mynewtext => OK
		LCS a b => "mytext"
		LCS a b LEN => 6
		LCS a b IDX => ["matches" [[[4 7] [5 8]] [[2 3] [0 1]]] "len" 6]
		LCS a b idx withmatchlen => ["matches" [[[4 7] [5 8] 4] [[2 3] [0 1] 2]] "len" 6]
		LCS a b IDX MINMATCHLEN 3 => ["matches" [[[4 7] [5 8]]] "len" 6]
		LCS a b IDX MINMATCHLEN -5 => ["matches" [[[4 7] [5 8]] [[2 3] [0 1]]] "len" 6]
		LCS a b MINMATCHLEN 100 => "mytext"
		LCS a none => ""
		LCS none a LEN => 0
		LCS none none IDX => ["matches" [] "len" 0]
		LCS a a IDX WITHMATCHLEN => ["matches" [[[0 7] [0 7] 8]] "len" 8]
		LCS a b IDX LEN => ERR If you want both the length and indexes, please just use IDX.
		LCS a b MINMATCHLEN => ERR syntax error
		LCS a b MINMATCHLEN x => ERR value is not an integer or out of range
		LCS a b junk => ERR syntax error
		LCS a => ERR wrong number of arguments for 'lcs' command
	`)
	b := newBench(t, 1)
	b.do("SET", "a", strings.Repeat("a", 99))
	b.limit = 100 * 100 * 4
	require.Equal(t, "99", b.do("LCS", "a", "a", "LEN"))
	b.limit--
	require.Equal(t, "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len", b.do("LCS", "a", "a"))
}

// TestWrongTypes stores what isn't a string, as later types will.
func TestWrongTypes(t *testing.T) {
	const wrong = "WRONGTYPE Operation against a key holding the wrong kind of value"
	b := newBench(t, 4)
	k := b.target([]byte("k"), 0)
	_, err := k.DB.Store(k.Hash, k.Key, keyspace.Item{}, 1, keyspace.Value{Kind: 7}, keyspace.EventSet)
	require.NoError(t, err)
	for line, want := range map[string]string{
		"GET k": wrong, "SET k v GET": wrong, "GETSET k v": wrong, "GETDEL k": wrong, "GETEX k": wrong, "INCR k": wrong,
		"INCRBYFLOAT k x": wrong, "INCRBY k x": "ERR value is not an integer or out of range", "APPEND k v": wrong,
		"SETRANGE k 0 v": wrong, "SETRANGE k 0 \"\"": wrong, "STRLEN k": wrong, "GETRANGE k 0 1": wrong, "MGET k": "[(nil)]",
		"LCS k k junk": "ERR The specified keys must contain string values", "SETNX k v": "0", "EXISTS k": "1",
		"GETRANGE k x 1": "ERR value is not an integer or out of range", "MSETNX k v": "0",
	} {
		require.Equal(t, want, b.do(split(t, line)...), line)
	}
	require.Equal(t, "OK", b.do("SET", "k", "v"))
	require.Equal(t, "string", b.do("TYPE", "k"))
}

// TestHotHandlersAllocateNothing covers what a settled connection sends most.
func TestHotHandlersAllocateNothing(t *testing.T) {
	b := newBench(t, 4)
	for _, line := range []string{
		"GET k", "GET none", "SET k some-value", "SET k other-value EX 100", "SET k other-value GET", "INCR n", "INCRBY n 5",
		"MGET k none", "DEL k", "MSET k v", "GETEX k PX 5000", "APPEND e \"\"", "EXISTS k", "TTL k", "EXPIRE k 100", "PERSIST k", "STRLEN k", "GETRANGE k 1 3",
		"SETRANGE k 1 x", "SETNX k v", "GETSET k v", "TYPE k", "OBJECT ENCODING k",
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
