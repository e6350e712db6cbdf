package command

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSort(t *testing.T) {
	const wrong = "WRONGTYPE Operation against a key holding the wrong kind of value"
	const noScore = "ERR One or more scores can't be converted into double"
	script(t, `
		RPUSH l 3 1 2 10 2.5 => 5
		SORT l => ["1" "2" "2.5" "3" "10"]
		SORT l DESC LIMIT 1 2 => ["3" "2.5"]
		SORT l ALPHA => ["1" "10" "2" "2.5" "3"]
		SORT l BY nosort DESC LIMIT 0 2 => ["2.5" "10"]
		SORT l LIMIT 9223372036854775807 9223372036854775807 => []
		SORT l LIMIT -5 2 => ["1" "2"]
		SORT_RO l LIMIT 0 1 => ["1"]
		SORT_RO l STORE d => ERR syntax error
		SORT none => []
		SORT l STORE d => 5
		LRANGE d 0 -1 => ["1" "2" "2.5" "3" "10"]
		SORT none STORE d => 0
		EXISTS d => 0
		SADD set b a c => 3
		SORT set => `+noScore+`
		SORT set BY nosort STORE d => 3
		LRANGE d 0 -1 => ["a" "b" "c"]
		ZADD z 3 a 1 b 2 c => 3
		SORT z BY nosort => ["b" "c" "a"]
		SORT z BY nosort DESC LIMIT 0 2 => ["a" "c"]
		SET s v => OK
		SORT s => `+wrong+`
		SORT s junk => ERR syntax error
		SORT l LIMIT 0 => ERR syntax error
		SORT l LIMIT 0 x => ERR value is not an integer or out of range
		RPUSH e 1 "" " 2" 1e400 => 4
		SORT e => `+noScore+`
		LSET e 3 "3\x00and more" => OK
		SORT e => ["" "1" " 2" "3\x00and more"]
	`)
}

func TestSortPatterns(t *testing.T) {
	script(t, `
		RPUSH l 1 2 3 => 3
		MSET w_1 30 w_2 10 n_1 one n_2 two n_3 three => OK
		HSET h_1 f 3 name eins => 2
		HSET h_2 f 1 => 1
		SORT l BY w_* => ["3" "2" "1"]
		SORT l BY w_* GET n_* GET # DESC => ["one" "1" "two" "2" "three" "3"]
		SORT l BY h_*->f GET h_*->name LIMIT 1 2 => [(nil) "eins"]
		SORT l BY n_* ALPHA => ["1" "3" "2"]
		SORT l BY w_* ALPHA => ["3" "2" "1"]
		SORT l GET fixed => [(nil) (nil) (nil)]
		SORT l GET h_* => [(nil) (nil) (nil)]
		SORT l GET w_* STORE l => 3
		LRANGE l 0 -1 => ["30" "10" ""]
		SET w_30 x => OK
		SORT l BY w_* STORE d => ERR One or more scores can't be converted into double
		EXISTS d => 0
	`)
}

// TestSortMany sorts by keys in all shards, more than are looked up at a time, and holds each shard for some only.
func TestSortMany(t *testing.T) {
	b := newBench(t, 4)
	const n = 3000
	for i := range n {
		b.do("RPUSH", "l", strconv.Itoa(i))
		b.do("SET", "w"+strconv.Itoa(i), strconv.Itoa((i*7919)%n))
	}
	b.held = 0
	got := strings.Fields(strings.Trim(b.do("SORT", "l", "BY", "w*", "GET", "w*", "GET", "#"), "[]"))
	require.Len(t, got, 2*n)
	require.GreaterOrEqual(t, b.held, 1+2*n/lookupSlice)
	for i := range n {
		w, err := strconv.Unquote(got[2*i])
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(i), w)
		e, err := strconv.Unquote(got[2*i+1])
		require.NoError(t, err)
		number, err := strconv.Atoi(e)
		require.NoError(t, err)
		require.Equal(t, i, number*7919%n)
	}
	require.Equal(t, strconv.Itoa(n), b.do("SORT", "l", "DESC", "STORE", "l"))
	require.Equal(t, `["2999" "2998"]`, b.do("LRANGE", "l", "0", "1"))
}

func TestSortKeys(t *testing.T) {
	for call, want := range map[string][]KeyAt{
		"sort k":                 {{1, "RO access"}},
		"sort k store":           {{1, "RO access"}},
		"SORT k STORE d":         {{1, "RO access"}, {3, "OW update"}},
		"sort k store a store b": {{1, "RO access"}, {5, "OW update"}},
		"sort k by store get store limit store 1": {{1, "RO access"}},
		"sort k limit 0 1 desc store d":           {{1, "RO access"}, {7, "OW update"}},
		"sort_ro k store d":                       {{1, "RO access"}},
	} {
		var args [][]byte
		for _, w := range strings.Fields(call) {
			args = append(args, []byte(w))
		}
		keys, err := KeysOf(Lookup(args[0]), args, nil)
		require.NoError(t, err)
		require.Equal(t, want, keys, call)
	}
}
