//go:build !race && !invariants

package darter

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHyperLogLogAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	sparse, dense := c.HyperLogLog("sparse"), c.HyperLogLog("dense")
	_, err := sparse.Add(elements(0, 300)...)
	require.NoError(t, err)
	_, err = dense.Add(elements(0, 5000)...)
	require.NoError(t, err)
	for _, l := range []HyperLogLog{sparse, dense} {
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if _, err := l.Add("element:7"); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Count(); err != nil {
				t.Fatal(err)
			}
		}), l.key)
	}
	names := make([]string, 200)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	i := 0
	require.Zero(t, testing.AllocsPerRun(100, func() {
		i++
		if _, err := dense.Add(names[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := dense.Count(); err != nil {
			t.Fatal(err)
		}
	}))
}
