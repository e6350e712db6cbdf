//go:build !race && !invariants

package command

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStreamAllocations holds the commands on few entries to account.
func TestStreamAllocations(t *testing.T) {
	b := newBench(t, 1)
	for i := range 3000 {
		for key, n := range map[string]int{"small": 5, "large": 3000} {
			if i < n {
				b.do("XADD", key, fmt.Sprint(i+1), "name", fmt.Sprint("value:", i), "number", fmt.Sprint(i))
			}
		}
	}
	for _, key := range []string{"small", "large"} {
		b.do("XGROUP", "CREATE", key, "g", "0")
		b.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", key, ">")
		for _, lines := range [][]string{
			{"XADD " + key + " * name value number 5"}, {"XADD " + key + " MAXLEN ~ 2000 * name value"}, {"XLEN " + key},
			{"XADD " + key + " * name value number 5", "XREADGROUP GROUP g c COUNT 10 STREAMS " + key + " >"},
			{"XRANGE " + key + " 2 4"}, {"XREAD COUNT 3 STREAMS " + key + " 2"}, {"XACK " + key + " g 1 2 3"},
			{"XCLAIM " + key + " g d 0 2 3 4 FORCE JUSTID", "XACK " + key + " g 2 3"}, {"XDEL " + key + " 2 77-5"},
			{"XPENDING " + key + " g"}, {"XINFO GROUPS " + key}, {"XINFO CONSUMERS " + key + " g"},
			{"XAUTOCLAIM " + key + " g c 100000 0 COUNT 5"},
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
