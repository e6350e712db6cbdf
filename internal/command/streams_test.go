package command

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The differential tests have most of what streams do; here is what the real server at hand does otherwise, or in its
// own time.

func TestStreamClock(t *testing.T) {
	b := newBench(t, 1)
	require.Equal(t, `"1700000000000-0"`, b.do("XADD", "s", "*", "a", "1"))
	require.Equal(t, `"1700000000000-1"`, b.do("XADD", "s", "*", "a", "2"))
	b.now -= 5000
	require.Equal(t, `"1700000000000-2"`, b.do("XADD", "s", "*", "a", "3"))
	b.now += 6000
	require.Equal(t, `"1700000001000-0"`, b.do("XADD", "s", "*", "a", "4"))
	require.Equal(t, `"1700000001000-1"`, b.do("XADD", "s", "1700000001000-*", "a", "5"))
	require.Equal(t, `"1700000009000-0"`, b.do("XADD", "s", "1700000009000-*", "a", "5"))
	require.Equal(t, `"1700000009000-1"`, b.do("XADD", "s", "*", "a", "6"))
	require.Equal(t, "7", b.do("XLEN", "s"))
}

func TestStreamTimes(t *testing.T) {
	b := newBench(t, 1)
	for i := range 4 {
		b.do("XADD", "s", fmt.Sprint(i+1), "n", fmt.Sprint(i))
	}
	require.Equal(t, "OK", b.do("XGROUP", "CREATE", "s", "g", "0"))
	require.Equal(t, "1", b.do("XGROUP", "CREATECONSUMER", "s", "g", "c"))
	b.now += 100
	require.Equal(t, `[["name" "c" "pending" 0 "idle" 100 "inactive" -1]]`, b.do("XINFO", "CONSUMERS", "s", "g"))
	b.do("XREADGROUP", "GROUP", "g", "c", "COUNT", "2", "STREAMS", "s", ">")
	b.now += 100
	b.do("XREADGROUP", "GROUP", "g", "d", "COUNT", "1", "STREAMS", "s", ">")
	b.now += 50
	require.Equal(t, `[["name" "c" "pending" 2 "idle" 150 "inactive" 150] `+
		`["name" "d" "pending" 1 "idle" 50 "inactive" 50]]`, b.do("XINFO", "CONSUMERS", "s", "g"))
	require.Equal(t, `[["1-0" "c" 150 1] ["2-0" "c" 150 1] ["3-0" "d" 50 1]]`, b.do("XPENDING", "s", "g", "-", "+", "9"))
	require.Equal(t, `[["1-0" "c" 150 1]]`, b.do("XPENDING", "s", "g", "IDLE", "60", "-", "+", "1"))
	require.Equal(t, `[]`, b.do("XPENDING", "s", "g", "IDLE", "60", "-", "+", "9", "d"))

	// Who tries and gets nothing is seen, and comes into being, but isn't active.
	require.Equal(t, "[]", b.do("XCLAIM", "s", "g", "e", "1000", "1"))
	require.Equal(t, `["0-0" [] []]`, b.do("XAUTOCLAIM", "s", "g", "f", "1000", "0"))
	b.do("XREADGROUP", "GROUP", "g", "h", "COUNT", "1", "STREAMS", "s", ">")
	b.now += 10
	require.Equal(t, "(nil)", b.do("XREADGROUP", "GROUP", "g", "i", "STREAMS", "s", ">"))
	require.Equal(t, `[["s" []]]`, b.do("XREADGROUP", "GROUP", "g", "j", "STREAMS", "s", "0"))
	b.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "1")
	require.Equal(t, strings.Join([]string{
		`[["name" "c" "pending" 2 "idle" 0 "inactive" 160]`, `["name" "d" "pending" 1 "idle" 60 "inactive" 60]`,
		`["name" "e" "pending" 0 "idle" 10 "inactive" -1]`, `["name" "f" "pending" 0 "idle" 10 "inactive" -1]`,
		`["name" "h" "pending" 1 "idle" 10 "inactive" 10]`, `["name" "i" "pending" 0 "idle" 0 "inactive" -1]`,
		`["name" "j" "pending" 0 "idle" 0 "inactive" -1]]`,
	}, " "), b.do("XINFO", "CONSUMERS", "s", "g"))

	// A reading of the history counts as a delivery, a claim of IDs alone doesn't.
	require.Equal(t, `[["1-0" "c" 160 1] ["2-0" "c" 0 2]]`, b.do("XPENDING", "s", "g", "-", "+", "9", "c"))
	require.Equal(t, `["1-0"]`, b.do("XCLAIM", "s", "g", "d", "0", "1", "JUSTID"))
	require.Equal(t, `[["2-0" ["n" "1"]]]`, b.do("XCLAIM", "s", "g", "d", "0", "2", "IDLE", "1000"))
	b.now += 5
	require.Equal(t, `[["1-0" "d" 5 1] ["2-0" "d" 1005 3] ["3-0" "d" 65 1]]`,
		b.do("XPENDING", "s", "g", "-", "+", "9", "d"))
	require.Equal(t, `["3-0" [["2-0" ["n" "1"]]] []]`, b.do("XAUTOCLAIM", "s", "g", "c", "1000", "(1", "COUNT", "1"))
	require.Equal(t, `["0-0" [] []]`, b.do("XAUTOCLAIM", "s", "g", "c", "1000", "3", "COUNT", "1"))
	require.Equal(t, `["2-0" ["1-0"] []]`, b.do("XAUTOCLAIM", "s", "g", "c", "1", "-", "COUNT", "1", "JUSTID"))

	full := b.do("XINFO", "STREAM", "s", "FULL", "COUNT", "1")
	require.Contains(t, full, `"pel-count" 4 "pending" [["1-0" "c" 1700000000265 1]] "consumers" [["name" "c" `+
		`"seen-time" 1700000000265 "active-time" 1700000000265 "pel-count" 2 "pending" [["1-0" 1700000000265 1]]]`)
	require.Contains(t, full, `["name" "e" "seen-time" 1700000000250 "active-time" -1 "pel-count" 0 "pending" []]`)
}

func TestStreamTexts(t *testing.T) {
	const unbalanced = "list of streams: for each stream key an ID or"
	script(t, `
		XADD s 5-18446744073709551615 a 1 => "5-18446744073709551615"
		XADD s 5-* a 1 => ERR The ID specified in XADD is equal or smaller than the target stream top item
		XADD s 6-1 a 1 => "6-1"
		XDEL s 6-1 => 1
		XSETID s 6-0 => ERR The ID specified in XSETID is smaller than current max_deleted_entry_id
		XREAD STREAMS s => ERR wrong number of arguments for 'xread' command
		XREAD STREAMS a b 0 => ERR Unbalanced 'xread' `+unbalanced+` '$' must be specified.
		XREADGROUP GROUP g c STREAMS a b 0 => ERR Unbalanced 'xreadgroup' `+unbalanced+` '>' must be specified.
		XREAD BLOCK 9223372036854775807 STREAMS a 0 => ERR timeout is out of range
		XREAD BLOCK 1.5 STREAMS a 0 => ERR timeout is not an integer or out of range
		XREAD BLOCK -1 STREAMS a 0 => ERR timeout is negative
		XGROUP CREATE "no\r\nkey" "g\x00x" 0 MKSTREAM => OK
		XGROUP SETID "no\r\nkey" "h\x00x" 0 => NOGROUP No such consumer group 'h' for key name 'no  key'
		XPENDING none "h\x00x" => NOGROUP No such key 'none' or consumer group 'h'
		XAUTOCLAIM s g c 0 0 COUNT 576460752303423487 => NOGROUP No such key 's' or consumer group 'g'
		XAUTOCLAIM s g c 0 0 COUNT 576460752303423488 => ERR COUNT must be > 0
	`)
}

func TestStreamRESP3(t *testing.T) {
	b := newBench(t, 1)
	do := func(line string) string {
		b.out.Reset(3)
		b.run(words(line))
		return strings.ReplaceAll(string(b.out.Buf), "\r\n", " ")
	}
	do("XADD s 1-1 a 1")
	do("XGROUP CREATE s g 1-1")
	const entries = "*1 *2 $3 1-1 *2 $1 a $1 1 "
	require.Equal(t, "%1 $1 s "+entries, do("XREAD STREAMS s none 0 0"))
	require.Equal(t, "_ ", do("XREAD STREAMS none 0"))
	require.Equal(t, "_ ", do("XRANGE s - + COUNT 0"))
	require.Equal(t, "*0 ", do("XRANGE none - +"))
	require.Equal(t, "*4 :0 _ _ _ ", do("XPENDING s g"))
	require.Equal(t, "%1 $1 s *0 ", do("XREADGROUP GROUP g c STREAMS s 0"))
	do("XCLAIM s g c 0 1-1 FORCE")
	require.Equal(t, "%1 $1 s "+entries, do("XREADGROUP GROUP g c STREAMS s 0"))
	require.Equal(t, "*4 :1 $3 1-1 $3 1-1 *1 *2 $1 c $1 1 ", do("XPENDING s g"))
	do("XDEL s 1-1")
	require.Equal(t, "%1 $1 s *1 *2 $3 1-1 _ ", do("XREADGROUP GROUP g c STREAMS s 0"))
	require.Equal(t, "*1 %6 $4 name $1 g $9 consumers :1 $7 pending :1 $17 last-delivered-id $3 1-1 $12 entries-read _ "+
		"$3 lag :0 ", do("XINFO GROUPS s"))
	require.Equal(t, "*1 %4 $4 name $1 c $7 pending :1 $4 idle :0 $8 inactive :0 ", do("XINFO CONSUMERS s g"))
	require.Equal(t, "%10 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1 $17 last-generated-id $3 1-1 "+
		"$20 max-deleted-entry-id $3 1-1 $13 entries-added :1 $23 recorded-first-entry-id $3 0-0 $6 groups :1 "+
		"$11 first-entry _ $10 last-entry _ ", do("XINFO STREAM s"))
	require.True(t, strings.HasPrefix(do("XINFO STREAM s FULL"), "%9 "))
}

// TestReadsWait looks at what a command that would wait leaves behind, and runs it again as whoever makes it wait does.
func TestReadsWait(t *testing.T) {
	b := newBench(t, 1)
	b.do("XADD", "s", "1-1", "a", "1")
	b.do("XGROUP", "CREATE", "s", "g", "$")
	run := func(args [][]byte, only int) string {
		b.out.Reset(2)
		b.call.Wait, b.call.Waited, b.only = Wait{}, only != 0, only
		b.run(args)
		b.call.Waited, b.only = false, 0
		if b.call.Wait.On {
			require.Empty(t, b.out.Buf)
			return fmt.Sprint("waits ", b.call.Wait.Timeout)
		}
		text, _ := shorten(string(b.out.Buf))
		return text
	}
	require.Equal(t, `[["s" [["1-1" ["a" "1"]]]]]`, run(words("XREAD BLOCK 0 STREAMS none s 0 0"), 0))

	read := words("XREAD BLOCK 1500 COUNT 5 STREAMS none s $ $")
	require.Equal(t, "waits "+(1500*time.Millisecond).String(), run(read, 0))
	require.Equal(t, "0-0 1-1", string(read[8])+" "+string(read[9]), "the IDs that $ stands for")
	b.do("XADD", "s", "2-1", "a", "2")
	b.do("XADD", "none", "3-1", "a", "3")
	require.Equal(t, `[["s" [["2-1" ["a" "2"]]]]]`, run(read, 7))
	require.Equal(t, `[["none" [["3-1" ["a" "3"]]]]]`, run(read, 6))
	b.do("DEL", "none")
	b.do("SET", "none", "no stream")
	require.Equal(t, "waits 1.5s", run(read, 6), "another kind of value is as good as none")
	require.Equal(t, "WRONGTYPE Operation against a key holding the wrong kind of value", run(read, 0))

	group := words("XREADGROUP GROUP g c BLOCK 0 STREAMS s >")
	require.Equal(t, `[["s" [["2-1" ["a" "2"]]]]]`, run(group, 0))
	require.Equal(t, "waits 0s", run(group, 0))
	require.Equal(t, "waits 0s", run(group, 7))
	b.do("XADD", "s", "3-1", "a", "3")
	require.Equal(t, `[["s" [["3-1" ["a" "3"]]]]]`, run(group, 7))
	require.Equal(t, `[["s" []]]`, run(words("XREADGROUP GROUP g d BLOCK 0 STREAMS s 5"), 0), "a history never waits")
	b.do("XGROUP", "DESTROY", "s", "g")
	require.Equal(t, "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option", run(group, 7))
	b.do("SET", "s", "no stream")
	require.Equal(t, "WRONGTYPE Operation against a key holding the wrong kind of value", run(group, 7))
	require.Equal(t, "waits 2562047h47m16.854s", run(words("XREAD BLOCK 9223372000000000 STREAMS x 0"), 0))
}
