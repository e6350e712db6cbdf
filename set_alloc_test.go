//go:build !race && !invariants

package darter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSetAllocations holds reads and writes of members to account.
func TestSetAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	for key, members := range map[string][]string{
		"ints": {"1", "2", "3", "77"}, "words": {"a", "b", "member5"}, "large": manyMembers(0, 2000),
	} {
		s := c.SetOf(key)
		_, err := s.Add(members...)
		require.NoError(t, err)
		snap, err := c.Snapshot()
		require.NoError(t, err)
		frozen := snap.SetOf(key)
		buf := make([]byte, 0, 100)
		for name, run := range map[string]func() error{
			"Has":          func() error { _, err := s.Has("member5"); return err },
			"Has, frozen":  func() error { _, err := frozen.Has("member5"); return err },
			"Has, absent":  func() error { _, err := c.SetOf("absent").Has("member5"); return err },
			"Len":          func() error { _, err := s.Len(); return err },
			"AppendRandom": func() (err error) { buf, err = s.AppendRandom(buf[:0]); return err },
		} {
			require.NoError(t, run())
			require.Zero(t, testing.AllocsPerRun(100, func() { _ = run() }), "%s %s", key, name)
		}
		snap.Close()
		<-snap.state.freed
		for name, run := range map[string]func() error{
			"Add again": func() error { _, err := s.Add(members[0]); return err },
			"Add and Remove": func() error {
				_, err := s.Add("5")
				_, err2 := s.Remove("5")
				return firstOf(err, err2)
			},
			"Add and AppendPop": func() (err error) {
				_, err = s.Add("p", "q")
				_, err2 := s.AppendPop(buf[:0])
				return firstOf(err, err2)
			},
			"Move": func() error {
				_, err := s.Add("44")
				_, err2 := s.Move("44", "other")
				_, err3 := c.SetOf("other").Remove("44")
				return firstOf(err, err2, err3)
			},
		} {
			require.NoError(t, run())
			require.Zero(t, testing.AllocsPerRun(100, func() { _ = run() }), "%s %s", key, name)
		}
	}
}
