package command

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// onForms runs a script on packed hashes and on large ones. A line WAIT lets so many milliseconds pass; with "all"
// after it the expiry index comes by.
func onForms(t *testing.T, lines string) {
	t.Helper()
	for _, large := range []bool{false, true} {
		t.Run(fmt.Sprint("large ", large), func(t *testing.T) {
			b := newBench(t, 1)
			for _, line := range strings.Split(lines, "\n") {
				command, want, _ := strings.Cut(strings.TrimSpace(line), " => ")
				words := split(t, command)
				switch {
				case len(words) == 0:
				case words[0] == "WAIT":
					ms, err := strconv.ParseInt(words[1], 10, 64)
					require.NoError(t, err)
					b.now += ms
					for len(words) == 3 && b.shards[0].DB(0).ExpireSome(100) {
					}
				default:
					require.Equal(t, want, b.do(words...), line)
				}
				if large && len(words) > 0 && words[0] == "HSET" {
					// A long value makes it large for good.
					b.do("HSET", words[1], "long", strings.Repeat("x", 65))
					b.do("HDEL", words[1], "long")
				}
			}
		})
	}
}

func TestHashFieldTTL(t *testing.T) {
	onForms(t, `
		HSET h a 1 b 2 c 3 => 3
		HTTL h FIELDS 2 a none => [-1 -2]
		HTTL none FIELDS 2 a b => [-2 -2]
		HEXPIRE h 100 FIELDS 2 a none => [1 -2]
		HTTL h FIELDS 3 a b none => [100 -1 -2]
		HPTTL h FIELDS 1 a => [100000]
		HEXPIRETIME h FIELDS 2 a b => [1700000100 -1]
		HPEXPIRETIME h FIELDS 1 a => [1700000100000]
		HEXPIRE none 100 FIELDS 1 a => [-2]
		EXISTS none => 0
		HPEXPIRE h 1500 FIELDS 1 b => [1]
		HTTL h FIELDS 1 b => [2]
		HPTTL h FIELDS 1 b => [1500]
		HEXPIREAT h 1700000050 FIELDS 1 c => [1]
		HTTL h FIELDS 1 c => [50]
		HPEXPIREAT h 1700000050001 FIELDS 1 c => [1]
		HTTL h FIELDS 1 c => [51]
		HEXPIRETIME h FIELDS 1 c => [1700000051]
		HPERSIST h FIELDS 3 c c none => [1 -1 -2]
		HPERSIST none FIELDS 1 a => [-2]
		HTTL h FIELDS 1 c => [-1]
		WAIT 1499
		HGET h b => "2"
		WAIT 1
		HGET h b => (nil)
		HLEN h => 2
		HMGET h a b c => ["1" (nil) "3"]
		HTTL h FIELDS 1 b => [-2]
		HEXPIRE h 10 FIELDS 1 b => [-2]
		HPERSIST h FIELDS 1 b => [-2]
		HDEL h b => 0
		HSET h b new => 1
		HTTL h FIELDS 1 b => [-1]
		WAIT 200000 all
		HMGET h a b c => [(nil) "new" "3"]
		HLEN h => 2
	`)
}

func TestHashFieldConditions(t *testing.T) {
	onForms(t, `
		HSET h a 1 b 2 => 2
		HEXPIRE h 100 XX FIELDS 1 a => [0]
		HEXPIRE h 100 GT FIELDS 1 a => [0]
		HEXPIRE h 100 LT FIELDS 1 a => [1]
		HEXPIRE h 100 NX FIELDS 2 a b => [0 1]
		HEXPIRE h 100 GT FIELDS 1 a => [0]
		HEXPIRE h 100 LT FIELDS 1 a => [0]
		HEXPIRE h 101 LT FIELDS 1 a => [0]
		HEXPIRE h 101 gt FIELDS 1 a => [1]
		HEXPIRE h 50 lt FIELDS 1 a => [1]
		HEXPIRE h 70 xx FIELDS 1 a => [1]
		HTTL h FIELDS 2 a b => [70 100]
		HEXPIRE h 0 GT FIELDS 1 a => [0]
		HEXPIRE h 0 NX FIELDS 1 a => [0]
		HGET h a => "1"
		HEXPIRE h 0 FIELDS 2 a none => [2 -2]
		HGET h a => (nil)
		HEXPIREAT h 1 LT FIELDS 1 b => [2]
		EXISTS h => 0
		HSET h a 1 => 1
		HPEXPIREAT h 0 FIELDS 2 a a => [2 -2]
		EXISTS h => 0
	`)
}

// TestHashTTLKept holds the time of a field while its value is changed, but not while it is replaced.
func TestHashTTLKept(t *testing.T) {
	onForms(t, `
		HSET h n 1 f 1 s 1 => 3
		HEXPIRE h 100 FIELDS 3 n f s => [1 1 1]
		HINCRBY h n 5 => 6
		HINCRBYFLOAT h f 0.5 => "1.5"
		HSETNX h s 2 => 0
		HTTL h FIELDS 3 n f s => [100 100 100]
		HSET h s 2 => 0
		HTTL h FIELDS 3 n f s => [100 100 -1]
		COPY h copy => 1
		HTTL copy FIELDS 3 n f s => [100 100 -1]
		RENAME copy other => OK
		MOVE other 1 => 1
		WAIT 100000 all
		HINCRBY h n 5 => 5
		HTTL h FIELDS 1 n => [-1]
		HMGET h s n f => ["2" "5" (nil)]
	`)
}

func TestHgetdelGetexSetex(t *testing.T) {
	onForms(t, `
		HSET h a 1 b 2 c 3 => 3
		HGETDEL h FIELDS 2 a none => ["1" (nil)]
		HGETDEL none FIELDS 2 a b => [(nil) (nil)]
		HMGET h a b c => [(nil) "2" "3"]
		HGETDEL h FIELDS 3 b c b => ["2" "3" (nil)]
		EXISTS h => 0
		HSET h a 1 b 2 => 2
		HGETEX h FIELDS 2 a none => ["1" (nil)]
		HGETEX none EX 5 FIELDS 1 a => [(nil)]
		HTTL h FIELDS 1 a => [-1]
		HGETEX h EX 5 FIELDS 2 a none => ["1" (nil)]
		HTTL h FIELDS 1 a => [5]
		HGETEX h PX 7500 FIELDS 1 a => ["1"]
		HPTTL h FIELDS 1 a => [7500]
		HGETEX h EXAT 1700000030 FIELDS 1 a => ["1"]
		HTTL h FIELDS 1 a => [30]
		HGETEX h PXAT 1700000031000 FIELDS 1 a => ["1"]
		HTTL h FIELDS 1 a => [31]
		HGETEX h FIELDS 1 a => ["1"]
		HTTL h FIELDS 1 a => [31]
		HGETEX h PERSIST FIELDS 2 a b => ["1" "2"]
		HTTL h FIELDS 1 a => [-1]
		HGETEX h EX 0 FIELDS 1 a => ["1"]
		HGET h a => (nil)
		HGETEX h PXAT 0 FIELDS 1 b => ["2"]
		EXISTS h => 0
		HSETEX h FXX EX 5 FIELDS 1 a 1 => 0
		EXISTS h => 0
		HSETEX h FNX EX 5 FIELDS 2 a 1 b 2 => 1
		HTTL h FIELDS 2 a b => [5 5]
		HSETEX h FNX FIELDS 2 a x c 3 => 0
		HSETEX h FXX FIELDS 2 a x c 3 => 0
		HSETEX h KEEPTTL FXX FIELDS 1 a x => 1
		HTTL h FIELDS 1 a => [5]
		HGET h a => "x"
		HSETEX h FIELDS 1 a y => 1
		HTTL h FIELDS 1 a => [-1]
		HSETEX h PXAT 1700000009000 FIELDS 2 a y c z => 1
		HTTL h FIELDS 3 a b c => [9 5 9]
		WAIT 5000
		HSETEX h KEEPTTL FIELDS 1 b back => 1
		HTTL h FIELDS 1 b => [-1]
		HSETEX h EX 0 FIELDS 2 a 1 none 2 => 1
		HMGET h a b c => [(nil) "back" "z"]
		HSETEX h EXAT 1 FIELDS 2 b 1 c 2 => 1
		EXISTS h => 0
	`)
}

func TestHashTTLRefusals(t *testing.T) {
	script(t, `
		HSET h a 1 => 1
		HEXPIRE h x FIELDS 1 a => ERR value is not an integer or out of range
		HEXPIRE h -1 FIELDS 1 a => ERR invalid expire time, must be >= 0
		HEXPIRE h 9223372036854775807 FIELDS 1 a => ERR invalid expire time in 'hexpire' command
		HEXPIRE h 70368744178 FIELDS 1 a => ERR invalid expire time in 'hexpire' command
		HPEXPIRE h 70368744177663 FIELDS 1 a => ERR invalid expire time in 'hpexpire' command
		HPEXPIREAT h 70368744177664 FIELDS 1 a => ERR invalid expire time in 'hpexpireat' command
		HEXPIREAT h 70368744178 FIELDS 1 a => ERR invalid expire time in 'hexpireat' command
		HPEXPIREAT h 70368744177663 FIELDS 1 a => [1]
		HPEXPIRETIME h FIELDS 1 a => [70368744177663]
		HEXPIRE h 10 FOO 1 a => ERR Mandatory argument FIELDS is missing or not at the right position
		HEXPIRE h 10 NX GT FIELDS 1 a => ERR Mandatory argument FIELDS is missing or not at the right position
		HEXPIRE h 10 FIELDS 0 a => ERR Parameter `+"`numFields`"+` should be greater than 0
		HEXPIRE h 10 FIELDS x a => ERR Parameter `+"`numFields`"+` should be greater than 0
		HEXPIRE h 10 FIELDS 2 a => ERR The `+"`numfields`"+` parameter must match the number of arguments
		HEXPIRE h 10 FIELDS 1 a b => ERR The `+"`numfields`"+` parameter must match the number of arguments
		HEXPIRE h 10 FIELDS 9223372036854775807 a => ERR The `+"`numfields`"+` parameter must match the number of arguments
		HEXPIRE h 10 FIELDS 1 => ERR wrong number of arguments for 'hexpire' command
		HTTL h FOO 1 a => ERR Mandatory argument FIELDS is missing or not at the right position
		HTTL h FIELDS 0 a => ERR Number of fields must be a positive integer
		HTTL h FIELDS 2 a => ERR The `+"`numfields`"+` parameter must match the number of arguments
		HTTL h FIELDS 1 => ERR wrong number of arguments for 'httl' command
		HPERSIST h FIELDS -1 a => ERR Number of fields must be a positive integer
		HPERSIST h FIELDS 3 a => ERR The `+"`numfields`"+` parameter must match the number of arguments
		HGETDEL h FIELD 1 a => ERR Mandatory argument FIELDS is missing or not at the right position
		HGETDEL h FIELDS 0 a => ERR Number of fields must be a positive integer
		HGETDEL h FIELDS 2 a => ERR The `+"`numfields`"+` parameter must match the number of arguments
		HGETEX h FOO FIELDS 1 a => ERR unknown argument: FOO
		HGETEX h KEEPTTL FIELDS 1 a => ERR unknown argument: KEEPTTL
		HGETEX h EX 1 PX 1 FIELDS 1 a => ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified
		HGETEX h PERSIST EX 1 FIELDS 1 a => ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified
		HGETEX h EX x FIELDS 1 a => ERR value is not an integer or out of range
		HGETEX h EX -1 FIELDS 1 a => ERR invalid expire time, must be >= 0
		HGETEX h EX 70368744178 FIELDS 1 a => ERR invalid expire time in 'hgetex' command
		HGETEX h FIELDS 0 a => ERR invalid number of fields
		HGETEX h FIELDS 2 a => ERR wrong number of arguments for 'hgetex' command
		HGETEX h PERSIST PERSIST a => ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified
		HGETEX h PERSIST FIELDS 1 => ERR wrong number of arguments for 'hgetex' command
		HSETEX h FNX FXX FIELDS 1 a b => ERR Only one of FXX or FNX arguments can be specified
		HSETEX h EX 5 KEEPTTL FIELDS 1 a b => ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
		HSETEX h PERSIST FIELDS 1 a b => ERR unknown argument: PERSIST
		HSETEX h FIELDS 2 a b => ERR wrong number of arguments for 'hsetex' command
		HSETEX h FIELDS 1 a b c => ERR wrong number of arguments for 'hsetex' command
		HSETEX h FIELDS x a b => ERR invalid number of fields
		HSETEX h KEEPTTL FXX FNX EX => ERR Only one of FXX or FNX arguments can be specified
		HSETEX h KEEPTTL FXX a b => ERR unknown argument: a
		HGET h a => "1"
	`)
}

// TestHashFieldsExpire removes many fields, of packed and of large hashes, when their time has come.
func TestHashFieldsExpire(t *testing.T) {
	b := newBench(t, 1)
	for i := range 1000 {
		b.do("HSET", "large", fmt.Sprint("f", i), "v")
		b.do("HPEXPIRE", "large", fmt.Sprint(1000+i*10), "FIELDS", "1", fmt.Sprint("f", i))
	}
	for i := range 100 {
		b.do("HSETEX", fmt.Sprint("packed", i), "PX", fmt.Sprint(1000+i*100), "FIELDS", "2", "a", "1", "b", "2")
		if i%2 == 0 {
			b.do("HSET", fmt.Sprint("packed", i), "stays", "1")
		}
	}
	db := b.shards[0].DB(0)
	for range 24 {
		b.now += 512
		for range 10_000 {
			if !db.ExpireSome(10) {
				break
			}
		}
		left := 0
		for i := range 1000 {
			if benchNow+1000+int64(i)*10 > b.now {
				left++
			}
		}
		require.Equal(t, fmt.Sprint(left), b.do("HLEN", "large"))
	}
	require.Equal(t, "0", b.do("EXISTS", "large"), "the key goes with its last field")
	require.Equal(t, "50", b.do("DBSIZE"))
	for i := range 100 {
		want := "0"
		if i%2 == 0 {
			want = "1"
		}
		require.Equal(t, want, b.do("HLEN", fmt.Sprint("packed", i)))
	}
	require.Equal(t, `"listpack"`, b.do("OBJECT", "ENCODING", "packed0"))
}
