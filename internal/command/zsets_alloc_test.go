//go:build !race && !invariants

package command

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSortedAllocations holds the commands on few members to account, for both forms.
func TestSortedAllocations(t *testing.T) {
	b := newBench(t, 1)
	for i := range 2000 {
		n := strconv.Itoa(i)
		b.do("ZADD", "skiplist", n, "member"+n)
		if i < 60 {
			b.do("ZADD", "listpack", n, "member"+n)
		}
	}
	for _, key := range []string{"listpack", "skiplist"} {
		require.Equal(t, strconv.Quote(key), b.do("OBJECT", "ENCODING", key))
		for _, lines := range [][]string{
			{"ZADD " + key + " 12.5 new 7 12345", "ZREM " + key + " new 12345"},
			{"ZADD " + key + " 5 member1", "ZADD " + key + " 1 member1"},
			{"ZADD " + key + " 1 member1"}, {"ZADD " + key + " XX GT CH 100 member2", "ZADD " + key + " 2 member2"},
			{"ZINCRBY " + key + " 1.5 member3"}, {"ZADD " + key + " INCR -1 member3"},
			{"ZSCORE " + key + " member7"}, {"ZSCORE " + key + " none"}, {"ZMSCORE " + key + " member1 none"}, {"ZCARD " + key},
			{"ZRANK " + key + " member7 WITHSCORE"}, {"ZREVRANK " + key + " member7"}, {"ZCOUNT " + key + " 5 (20"},
			{"ZRANGE " + key + " 0 9 WITHSCORES"}, {"ZRANGE " + key + " 20 (5 BYSCORE REV LIMIT 1 5"},
			{"ZRANGEBYLEX " + key + " - [zz"},
			{"ZPOPMIN " + key, "ZADD " + key + " 0 member0"}, {"ZRANDMEMBER " + key},
			{"ZADD one 5 7", "ZPOPMAX one"}, {"ZREMRANGEBYSCORE " + key + " 30 31", "ZADD " + key + " 30 member30 31 member31"},
		} {
			var calls [][][]byte
			for _, line := range lines {
				calls = append(calls, words(line))
			}
			run := func() {
				for _, args := range calls {
					b.out.Reset(2)
					b.run(args)
				}
			}
			run()
			require.Zero(t, testing.AllocsPerRun(50, run), lines)
		}
	}
}
