//go:build !race && !invariants

package command

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSetAllocations holds the commands on few members to account, for sets of all forms.
func TestSetAllocations(t *testing.T) {
	b := newBench(t, 1)
	for i := range 2000 {
		n := strconv.Itoa(i)
		b.do("SADD", "hashtable", "member"+n)
		if i < 60 {
			b.do("SADD", "intset", n)
			b.do("SADD", "listpack", "member"+n)
		}
	}
	for _, key := range []string{"intset", "listpack", "hashtable"} {
		require.Equal(t, strconv.Quote(key), b.do("OBJECT", "ENCODING", key))
		for _, lines := range [][]string{
			{"SADD " + key + " 12345 23456", "SREM " + key + " 12345 23456"},
			{"SADD " + key + " member1 12"}, {"SISMEMBER " + key + " 12"}, {"SMISMEMBER " + key + " 12 member1 x"},
			{"SCARD " + key}, {"SRANDMEMBER " + key}, {"SMEMBERS " + key}, {"SRANDMEMBER " + key + " 3000"},
			{"SADD " + key + " 7777", "SMOVE " + key + " other 7777", "SMOVE other " + key + " 7777"},
			{"SADD one 5", "SPOP one"},
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
