//go:build !race && !invariants

package darter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSortedSetAllocations holds reads and writes of elements to account.
func TestSortedSetAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	for key, size := range map[string]int{"small": 50, "large": 5000} {
		z := c.SortedSet(key)
		_, err := z.AddMany(scoredMembers(size)...)
		require.NoError(t, err)
		snap, err := c.Snapshot()
		require.NoError(t, err)
		frozen := snap.SortedSet(key)
		for name, run := range map[string]func() error{
			"Score":         func() error { _, err := z.Score("member00007"); return err },
			"Score, frozen": func() error { _, err := frozen.Score("member00007"); return err },
			"Score, absent": func() error { _, _ = z.Score("absent"); return nil },
			"Rank":          func() error { _, err := z.Rank("member00007"); return err },
			"RevRank":       func() error { _, err := z.RevRank("member00007"); return err },
			"Len":           func() error { _, err := z.Len(); return err },
			"Count":         func() error { _, err := z.Count(ByScore(1, 5)); return err },
		} {
			require.NoError(t, run())
			require.Zero(t, testing.AllocsPerRun(100, func() { _ = run() }), "%s %s", key, name)
		}
		snap.Close()
		<-snap.state.freed
		score := 0.0
		for name, run := range map[string]func() error{
			"Add again": func() error { _, err := z.Add("member00007", 2); return err },
			"Add another score": func() error {
				score++
				_, err := z.Add("member00009", score)
				return err
			},
			"Incr":           func() error { _, err := z.Incr("member00008", 1.5); return err },
			"Add and Remove": func() error { _, err := z.Add("m", 5); _, err2 := z.Remove("m"); return firstOf(err, err2) },
			"RemoveRange": func() error {
				_, err := z.Add("m", -1)
				_, err2 := z.RemoveRange(ByScore(-1, -1))
				return firstOf(err, err2)
			},
		} {
			require.NoError(t, run())
			require.Zero(t, testing.AllocsPerRun(100, func() { _ = run() }), "%s %s", key, name)
		}
	}
}
