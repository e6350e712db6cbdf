//go:build !race && !invariants

package command

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBitAllocations: the everyday commands on bits give the garbage collector nothing to do.
func TestBitAllocations(t *testing.T) {
	b := newBench(t, 1)
	b.do("SETBIT", "k", "100000", "1")
	for _, call := range []string{
		"setbit k 77 1", "getbit k 77", "bitcount k", "bitcount k 3 -5 bit", "bitpos k 1 10",
		"bitfield k get u8 100 incrby i16 #3 5 set u5 33 7", "bitop or d k k2",
	} {
		var args [][]byte
		for _, w := range strings.Fields(call) {
			args = append(args, []byte(w))
		}
		require.Zero(t, testing.AllocsPerRun(50, func() {
			b.out.Reset(2)
			b.run(args)
		}), call)
	}
}
