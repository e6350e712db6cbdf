package command

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeyCommands(t *testing.T) {
	script(t, `
		MSET a 1 b 2 c 3 => OK
		EXISTS a b none a => 3
		TOUCH a none => 1
		DBSIZE => 3
		DEL a none a => 1
		UNLINK b c b => 2
		DBSIZE => 0
		TYPE a => none
		SET a 1 EX 100 => OK
		TYPE a => string
		RENAME a b => OK
		TTL b => 100
		EXISTS a => 0
		RENAME a b => ERR no such key
		RENAME a a => ERR no such key
		RENAME b b => OK
		RENAMENX b b => 0
		SET c 3 => OK
		RENAMENX b c => 0
		RENAMENX b d => 1
		RENAMENX b d => ERR no such key
		RENAME d c => OK
		GET c => "1"
		TTL c => 100
		COPY c e => 1
		GET e => "1"
		TTL e => 100
		COPY c e => 0
		SET c 9 => OK
		COPY c e replace => 1
		GET e => "9"
		TTL e => -1
		COPY none e => 0
		COPY none e REPLACE => 0
		COPY c c => ERR source and destination objects are the same
		COPY none none => ERR source and destination objects are the same
		COPY c c DB 0 => ERR source and destination objects are the same
		COPY c c DB 1 => 1
		COPY c c DB 1 => 0
		COPY c c REPLACE DB 1 => 1
		COPY c e DB 4 => ERR DB index is out of range
		COPY c e DB -1 => ERR DB index is out of range
		COPY c e DB x => ERR value is not an integer or out of range
		COPY c e DB 99999999999 => ERR value is out of range, value must between -2147483648 and 2147483647
		COPY c e DB => ERR syntax error
		COPY c e junk => ERR syntax error
		MOVE c 1 => 0
		MOVE c 2 => 1
		MOVE c 2 => 0
		EXISTS c => 0
		MOVE e 0 => ERR source and destination objects are the same
		MOVE none 0 => ERR source and destination objects are the same
		MOVE e 4 => ERR DB index is out of range
		MOVE e -1 => ERR DB index is out of range
		MOVE e x => ERR value is not an integer or out of range
		MOVE e 99999999999 => ERR value is out of range, value must between -2147483648 and 2147483647
		DBSIZE => 1
	`)
	b := newBench(t, 4)
	b.do("SET", "k", "v", "EX", "100")
	require.Equal(t, "1", b.do("MOVE", "k", "3"))
	b.call.DB = 3
	require.Equal(t, "100", b.do("TTL", "k"))
	require.Equal(t, "1", b.do("COPY", "k", "copy", "DB", "0"))
	b.call.DB = 0
	require.Equal(t, "100", b.do("TTL", "copy"))
}

func TestExpireCommands(t *testing.T) {
	script(t, `
		EXPIRE k 10 => 0
		TTL k => -2
		PTTL k => -2
		EXPIRETIME k => -2
		PEXPIRETIME k => -2
		PERSIST k => 0
		SET k v => OK
		TTL k => -1
		EXPIRETIME k => -1
		PERSIST k => 0
		EXPIRE k 10 XX => 0
		EXPIRE k 10 GT => 0
		EXPIRE k 10 LT => 1
		EXPIRE k 20 NX => 0
		EXPIRE k 20 LT => 0
		EXPIRE k 10 GT => 0
		EXPIRE k 20 gt XX => 1
		EXPIRE k 5 XX LT => 1
		TTL k => 5
		PEXPIRE k 1499 => 1
		TTL k => 1
		PEXPIRE k 1500 => 1
		TTL k => 2
		EXPIREAT k 1700000010 => 1
		TTL k => 10
		EXPIRETIME k => 1700000010
		PEXPIREAT k 1700000010499 => 1
		EXPIRETIME k => 1700000010
		PEXPIRETIME k => 1700000010499
		PERSIST k => 1
		TTL k => -1
		EXPIRE k x => ERR value is not an integer or out of range
		EXPIRE none x => ERR value is not an integer or out of range
		EXPIRE k x junk => ERR Unsupported option junk
		EXPIRE k x "ju\r\nnk\r\n\x00more" => ERR Unsupported option ju  nk
		EXPIRE k 10 NX XX => ERR NX and XX, GT or LT options at the same time are not compatible
		EXPIRE k 10 NX GT => ERR NX and XX, GT or LT options at the same time are not compatible
		EXPIRE k 10 LT NX => ERR NX and XX, GT or LT options at the same time are not compatible
		EXPIRE k 10 GT LT => ERR GT and LT options at the same time are not compatible
		EXPIRE k 10 GT LT NX => ERR NX and XX, GT or LT options at the same time are not compatible
		EXPIRE k x GT LT => ERR GT and LT options at the same time are not compatible
		EXPIRE k 9223372036854775807 => ERR invalid expire time in 'expire' command
		EXPIRE k 9223372036854775 => ERR invalid expire time in 'expire' command
		EXPIRE k -9223372036854775808 => ERR invalid expire time in 'expire' command
		EXPIREAT k 9223372036854776 => ERR invalid expire time in 'expireat' command
		PEXPIRE k 9223372036854775807 => ERR invalid expire time in 'pexpire' command
		PEXPIREAT k 9223372036854775807 => 1
		PEXPIRETIME k => 9223372036854775807
		PEXPIRE k -9223372036854775808 GT => 0
		PEXPIRE k -9223372036854775808 => 1
		EXISTS k => 0
		SET k v => OK
		EXPIRE k 0 => 1
		DBSIZE => 0
		SET k v => OK
		EXPIREAT k 1 NX => 1
		EXISTS k => 0
	`)
	b := newBench(t, 1)
	b.do("SET", "k", "v", "PX", "1500")
	b.now += 1499
	require.Equal(t, "1", b.do("PTTL", "k"))
	require.Equal(t, "0", b.do("TTL", "k"))
	b.now++
	require.Equal(t, "1", b.do("DBSIZE"), "nobody has looked yet")
	require.Equal(t, "-2", b.do("TTL", "k"))
	require.Equal(t, "0", b.do("DBSIZE"))
}

func TestObject(t *testing.T) {
	long := strings.Repeat("x", 45)
	script(t, `
		OBJECT ENCODING none => (nil)
		OBJECT FREQ none => (nil)
		OBJECT IDLETIME none => (nil)
		OBJECT REFCOUNT none => (nil)
		SET k 123 => OK
		OBJECT ENCODING k => "int"
		OBJECT REFCOUNT k => 2147483647
		INCRBY k 10000 => 10123
		OBJECT REFCOUNT k => 1
		OBJECT ENCODING k => "int"
		APPEND k 1 => 6
		OBJECT ENCODING k => "raw"
		INCR k => 101232
		OBJECT ENCODING k => "int"
		SETRANGE k 0 2 => 6
		OBJECT ENCODING k => "raw"
		COPY k l => 1
		OBJECT ENCODING l => "raw"
		RENAME l m => OK
		OBJECT ENCODING m => "raw"
		EXPIRE m 100 => 1
		OBJECT ENCODING m => "raw"
		SET k v => OK
		OBJECT ENCODING k => "embstr"
		OBJECT REFCOUNT k => 1
		SET k `+long[1:]+` => OK
		OBJECT ENCODING k => "embstr"
		SET k `+long+` => OK
		OBJECT ENCODING k => "raw"
		APPEND new 12 => 2
		OBJECT ENCODING new => "int"
		SETRANGE new2 0 12 => 2
		OBJECT ENCODING new2 => "raw"
		OBJECT IDLETIME k => 0
		OBJECT FREQ k => `+errNotLFU.Error()+`
		OBJECT ENCODING => ERR wrong number of arguments for 'object|encoding' command
		OBJECT foo k => ERR unknown subcommand 'foo'. Try OBJECT HELP.
		OBJECT => ERR wrong number of arguments for 'object' command
	`)
}

// TestAccessNotes tells which commands note an access, which count as reads, and what NO-TOUCH does.
func TestAccessNotes(t *testing.T) {
	for _, tc := range []struct {
		line          string
		noTouch, note bool
		hits          int64
	}{
		{"GET k", false, true, 1}, {"GET k", true, false, 1}, {"MGET k", false, true, 1}, {"STRLEN k", false, true, 1},
		{"TOUCH k", false, true, 1}, {"TOUCH k", true, true, 1}, {"EXISTS k", false, false, 1}, {"TYPE k", false, false, 1},
		{"TTL k", false, false, 1}, {"OBJECT ENCODING k", false, false, 1}, {"SET k v", true, true, 0},
		{"APPEND k v", false, true, 0}, {"EXPIRE k 10", false, true, 0}, {"SET k v GET", false, true, 1},
		{"SETNX none v", false, false, 0}, {"DEL none", false, false, 0}, {"KEYS *", false, false, 0}, {"SCAN 0", false, false, 0},
	} {
		b := newBench(t, 1)
		b.do("SET", "k", "v")
		b.now += 50_000
		b.clock.Tick()
		b.call.NoTouch = tc.noTouch
		b.do(split(t, tc.line)...)
		require.Equal(t, tc.hits, b.shards[0].Stats.Hits, "%+v", tc)
		require.Zero(t, b.shards[0].Stats.Misses, "%+v", tc)
		want := "50"
		if tc.note {
			want = "0"
		}
		require.Equal(t, want, b.do("OBJECT", "IDLETIME", "k"), "%+v", tc)
	}
}

// scanAll follows a walk to its end.
func (b *bench) scanAll(options ...string) (keys map[string]bool, calls int) {
	keys = map[string]bool{}
	cursor := "0"
	for {
		calls++
		require.Less(b.t, calls, 100_000)
		text := b.do(append([]string{"SCAN", cursor}, options...)...)
		list, ok := strings.CutSuffix(text, "]]")
		require.True(b.t, ok, text)
		head, list, _ := strings.Cut(list, " [")
		cursor, _ = strconv.Unquote(head[1:])
		for _, quoted := range strings.Fields(list) {
			key, err := strconv.Unquote(quoted)
			require.NoError(b.t, err)
			keys[key] = true
		}
		if cursor == "0" {
			return keys, calls
		}
	}
}

func TestScan(t *testing.T) {
	for _, shards := range []int{1, 4, 64} {
		t.Run(fmt.Sprint(shards), func(t *testing.T) {
			b := newBench(t, shards)
			keys, _ := b.scanAll()
			require.Empty(t, keys)
			const n = 2000
			for i := range n {
				b.do("SET", fmt.Sprintf("key:%d", i), "v")
			}
			for i := range 50 {
				b.do("SET", fmt.Sprintf("gone:%d", i), "v", "PX", "1")
			}
			b.now += 2
			for _, options := range [][]string{nil, {"COUNT", "1"}, {"COUNT", "100"}, {"count", "1000000"}, {"TYPE", "STRING"},
				{"MATCH", "*"}, {"MATCH", "k*", "COUNT", "50", "TYPE", "string"}} {
				keys, calls := b.scanAll(options...)
				require.Len(t, keys, n, options)
				if len(options) > 0 && options[1] == "1000000" {
					require.Equal(t, 1, calls)
				}
			}
			require.Equal(t, strconv.Itoa(n), b.do("DBSIZE"), "walks remove what is expired")
			keys, _ = b.scanAll("MATCH", "key:12?")
			require.Len(t, keys, 10)
			keys, _ = b.scanAll("TYPE", "list")
			require.Empty(t, keys)
			keys, _ = b.scanAll("TYPE", "no such type")
			require.Empty(t, keys)

			// A call returns about what was asked for.
			text := b.do("SCAN", "0", "COUNT", "100")
			got := strings.Count(text, "key:")
			require.GreaterOrEqual(t, got, 100)
			require.Less(t, got, 150)
		})
	}
}

// TestScanErrors has cursors that nobody gave out, and options that make no sense.
func TestScanErrors(t *testing.T) {
	for _, shards := range []int{1, 4} {
		b := newBench(t, shards)
		for i := range 500 {
			b.do("SET", fmt.Sprintf("key:%d", i), "v")
		}
		for line, want := range map[string]string{
			"SCAN abc": "ERR invalid cursor", `SCAN " 0"`: "ERR invalid cursor", "SCAN 0x1": "ERR invalid cursor",
			"SCAN 1.5": "ERR invalid cursor", "SCAN -": "ERR invalid cursor", "SCAN +": "ERR invalid cursor",
			"SCAN 18446744073709551616": "ERR invalid cursor", "SCAN 99999999999999999999999": "ERR invalid cursor",
			"SCAN abc COUNT x": "ERR invalid cursor",
			"SCAN 0 COUNT":     "ERR syntax error", "SCAN 0 COUNT 0": "ERR syntax error", "SCAN 0 COUNT -1": "ERR syntax error",
			"SCAN 0 COUNT x": "ERR value is not an integer or out of range", "SCAN 0 MATCH": "ERR syntax error",
			"SCAN 0 TYPE": "ERR syntax error", "SCAN 0 junk x": "ERR syntax error", "SCAN 0 junk": "ERR syntax error",
			"SCAN": "ERR wrong number of arguments for 'scan' command",
		} {
			require.Equal(t, want, b.do(split(t, line)...), line)
		}
		require.True(t, strings.HasPrefix(b.do("SCAN", ""), "["))
		require.True(t, strings.HasPrefix(b.do("SCAN", "+0"), "["))
		r := rand.New(rand.NewPCG(1, 2))
		for range 3000 {
			cursor := strconv.FormatUint(r.Uint64()>>r.IntN(64), 10)
			require.True(t, strings.HasPrefix(b.do("SCAN", cursor), "["), cursor)
		}
		require.True(t, strings.HasPrefix(b.do("SCAN", "-1"), "["))
		require.True(t, strings.HasPrefix(b.do("SCAN", "0", "COUNT", "9223372036854775807"), `["0" [`))
	}
}

// TestScanWhileChanging keeps Redis's promise: what is there throughout is returned.
func TestScanWhileChanging(t *testing.T) {
	b := newBench(t, 4)
	const kept, moving = 800, 6000
	for i := range kept {
		b.do("SET", fmt.Sprintf("kept:%d", i), "v")
	}
	r := rand.New(rand.NewPCG(9, 9))
	keys := map[string]bool{}
	cursor, grow := "0", true
	for calls := 0; ; calls++ {
		text := b.do("SCAN", cursor, "COUNT", "5")
		head, list, _ := strings.Cut(strings.TrimSuffix(text, "]]"), " [")
		cursor, _ = strconv.Unquote(head[1:])
		for _, quoted := range strings.Fields(list) {
			keys[strings.Trim(quoted, `"`)] = true
		}
		if cursor == "0" {
			break
		}
		if calls%40 == 0 {
			grow = !grow
		}
		for range 60 {
			key := fmt.Sprintf("moving:%d", r.IntN(moving))
			if grow {
				b.do("SET", key, "v")
			} else {
				for i := range 10 {
					b.do("DEL", key[:len(key)-1]+strconv.Itoa(i))
				}
			}
		}
	}
	for i := range kept {
		require.True(t, keys[fmt.Sprintf("kept:%d", i)], i)
	}
}

func TestKeys(t *testing.T) {
	for _, shards := range []int{1, 4} {
		b := newBench(t, shards)
		require.Equal(t, "[]", b.do("KEYS", "*"))
		for i := range 3000 {
			b.do("SET", fmt.Sprintf("key:%d", i), "v")
		}
		b.do("SET", "", "the empty key")
		b.do("SET", "gone", "v", "PX", "1")
		b.now++
		require.Equal(t, 3000, strings.Count(b.do("KEYS", "key:*"), "key:"))
		require.Equal(t, `["key:77"]`, b.do("KEYS", "key:77"))
		require.Equal(t, 3001, len(strings.Fields(b.do("KEYS", "*"))))
		require.Equal(t, "[]", b.do("KEYS", "gone"))
		require.Equal(t, "[]", b.do("KEYS", "x*"))

		// No hold goes over more than a slice.
		b.held = 0
		b.do("KEYS", "*")
		require.Greater(t, b.held, 3000/(7*sliceSteps))
		require.Equal(t, "3001", b.do("DBSIZE"))
		b.call.DB = 2
		require.Equal(t, "[]", b.do("KEYS", "*"))
		require.Equal(t, "0", b.do("DBSIZE"))
		b.call.DB = 0
	}
}

func TestRandomkey(t *testing.T) {
	for _, shards := range []int{1, 4} {
		b := newBench(t, shards)
		require.Equal(t, "(nil)", b.do("RANDOMKEY"))
		for i := range 20 {
			b.do("SET", fmt.Sprintf("key:%d", i), "v")
		}
		for i := range 300 {
			b.do("SET", fmt.Sprintf("gone:%d", i), "v", "PX", "1")
		}
		b.now++
		seen := map[string]bool{}
		for range 1000 {
			seen[b.do("RANDOMKEY")] = true
		}
		require.Len(t, seen, 20, "all keys are drawn, and no other")
		for i := range 20 {
			b.do("PEXPIRE", fmt.Sprintf("key:%d", i), "1")
		}
		b.now++
		require.Equal(t, "(nil)", b.do("RANDOMKEY"))
	}
}
