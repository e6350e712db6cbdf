package command

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSetbitAndGetbit(t *testing.T) {
	script(t, `
		SETBIT k 7 1 => 0
		SETBIT k 7 0 => 1
		GET k => "\x00"
		SETBIT k 17 1 => 0
		GET k => "\x00\x00@"
		GETBIT k 17 => 1
		GETBIT k 18 => 0
		GETBIT k 4294967295 => 0
		GETBIT none 0 => 0
		SETBIT k -1 1 => ERR bit offset is not an integer or out of range
		SETBIT k 4294967296 1 => ERR bit offset is not an integer or out of range
		SETBIT k x 2 => ERR bit offset is not an integer or out of range
		GETBIT k 9223372036854775807 => ERR bit offset is not an integer or out of range
		SETBIT k 0 2 => ERR bit is not an integer or out of range
		SETBIT k 0 -1 => ERR bit is not an integer or out of range
		SETBIT k 0 x => ERR bit is not an integer or out of range
		STRLEN k => 3
		SETBIT new 0 0 => 0
		STRLEN new => 1
		SET n 12 EX 100 => OK
		SETBIT n 0 0 => 0
		OBJECT ENCODING n => "raw"
		TTL n => 100
		SETBIT n 30 1 => 0
		TTL n => 100
	`)
}

func TestBitcountAndBitpos(t *testing.T) {
	script(t, `
		SET s foobar => OK
		BITCOUNT s => 26
		BITCOUNT s 0 0 => 4
		BITCOUNT s 5 30 BIT => 17
		BITCOUNT s -3 -1 => 10
		BITCOUNT s -1 -3 => 0
		BITCOUNT s -1 -3 junk => 0
		BITCOUNT s 0 => ERR syntax error
		BITCOUNT s 0 0 BIT x => ERR syntax error
		BITCOUNT s 0 0 junk => ERR syntax error
		BITCOUNT s x 0 => ERR value is not an integer or out of range
		BITCOUNT none => 0
		BITCOUNT none x => 0
		SET p "\xff\xf0\x00" => OK
		BITPOS p 0 => 12
		BITPOS p 1 2 => -1
		BITPOS p 1 1 -1 => 8
		BITPOS p 0 7 11 BIT => -1
		BITPOS p 0 7 12 BIT => 12
		SET f "\xff\xff" => OK
		BITPOS f 0 => 16
		BITPOS f 0 1 => 16
		BITPOS f 0 0 -1 => -1
		BITPOS f 0 5 => -1
		BITPOS none 0 => 0
		BITPOS none 1 => -1
		BITPOS f 2 => ERR The bit argument must be 1 or 0.
		BITPOS f x => ERR value is not an integer or out of range
		BITPOS f 0 0 x junk => ERR syntax error
		BITPOS f 0 0 0 BIT x => ERR syntax error
	`)
}

func TestBitop(t *testing.T) {
	script(t, `
		SET a foobar => OK
		SET b abc => OK
		BITOP AND d a b => 6
		GET d => "`+"`"+`bc\x00\x00\x00"
		BITOP OR d a b => 6
		GET d => "goobar"
		BITOP XOR a a b => 6
		GET a => "\a\r\fbar"
		BITOP NOT b b => 3
		GET b => "\x9e\x9d\x9c"
		SET d v EX 10 => OK
		BITOP OR d d b => 3
		TTL d => -1
		BITOP AND d none => 0
		EXISTS d => 0
		BITOP NOT d a b => ERR BITOP NOT must be called with a single source key.
		BITOP NAND d a b => ERR syntax error
		BITOP AND d => ERR wrong number of arguments for 'bitop' command
	`)
}

func TestBitfield(t *testing.T) {
	const badType = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
	script(t, `
		BITFIELD k => []
		BITFIELD k GET u8 0 => [0]
		EXISTS k => 0
		BITFIELD k SET u8 #1 255 GET i8 8 GET u4 #3 INCRBY i8 8 2 => [0 -1 15 1]
		GET k => "\x00\x01"
		BITFIELD k OVERFLOW FAIL INCRBY u2 0 5 OVERFLOW SAT INCRBY u2 0 5 => [(nil) 3]
		BITFIELD_RO k GET u2 0 => [3]
		BITFIELD_RO k SET u2 0 1 => ERR BITFIELD_RO only supports the GET subcommand
		BITFIELD k GET u64 0 => `+badType+`
		BITFIELD k GET i65 0 => `+badType+`
		BITFIELD k GET u8 #4611686018427387904 => ERR bit offset is not an integer or out of range
		BITFIELD k SET u8 4294967296 1 => ERR bit offset is not an integer or out of range
		BITFIELD k SET u8 0 => ERR syntax error
		BITFIELD k SET u8 0 x => ERR value is not an integer or out of range
		BITFIELD k OVERFLOW NONE => ERR Invalid OVERFLOW type specified
		BITFIELD k JUNK => ERR syntax error
		STRLEN k => 2
	`)
}

// TestBitsAtTheEnd goes as far as a string may reach, under a low limit.
func TestBitsAtTheEnd(t *testing.T) {
	b := newBench(t, 1)
	b.limit = 1000
	require.Equal(t, "0", b.do("SETBIT", "k", "7999", "1"))
	require.Equal(t, "1000", b.do("STRLEN", "k"))
	require.Contains(t, b.do("SETBIT", "k", "8000", "1"), "bit offset")
	require.Equal(t, "[-9223372036854775808]", b.do("BITFIELD", "k", "SET", "i64", "7999", "-1"))
	require.Equal(t, "1008", b.do("STRLEN", "k"))
	b.limit = 1 << 40
	require.Contains(t, b.do("SETBIT", "k", "4000000000000", "1"), "string exceeds maximum allowed size")
	require.Contains(t, b.do("BITFIELD", "k", "SET", "i64", "4000000000000", "-1"), "string exceeds maximum allowed size")
	require.Equal(t, "1008", b.do("STRLEN", "k"))
}

func TestBitfieldKeys(t *testing.T) {
	for call, want := range map[string]string{
		"bitfield k":                           "RO access",
		"bitfield k get u8 0":                  "RO access",
		"bitfield k overflow sat get u8 0":     "RO access",
		"bitfield k get u8 0 set u8 0 1":       "RW access update",
		"bitfield k get u8":                    "RW access update",
		"bitfield k overflow":                  "RW access update",
		"bitfield k get set 0 incrby u8 0 100": "RW access update",
	} {
		var args [][]byte
		for _, w := range strings.Fields(call) {
			args = append(args, []byte(w))
		}
		keys, err := KeysOf(Lookup(args[0]), args, nil)
		require.NoError(t, err)
		require.Equal(t, []KeyAt{{1, want}}, keys, call)
	}
}
