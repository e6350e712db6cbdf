//go:build !race && !invariants

package darter

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStreamAllocations holds what is done for each entry to account.
func TestStreamAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, n := range []uint64{2, 5000} {
		s := c.Stream(fmt.Sprint(n))
		for i := range n {
			addAt(t, s, StreamID{i + 1, 0}, "name", "value")
		}
		require.NoError(t, s.CreateGroup("g", GroupStart{}))
		_, err := s.ReadGroup("g", "c", GroupRead{})
		require.NoError(t, err)
		trimmed := []StreamField{{"name", []byte("another value")}}
		acked := StreamID{n, 0}
		for name, run := range map[string]func() error{
			"Add": func() error { _, err := s.Add("name", "another value", "city", "17"); return err },
			"AddWith and trim": func() error {
				_, _, err := s.AddWith(StreamAddOptions{Trim: StreamTrim{MaxLen: 5000}}, trimmed...)
				return err
			},
			"Len":  func() error { _, err := s.Len(); return err },
			"Info": func() error { _, err := s.Info(); return err },
			"Ack":  func() error { _, err := s.Ack("g", acked); return err },
			"Claim": func() error {
				_, err := s.Claim("g", "d", ClaimOptions{Force: true, JustID: true}, acked, StreamID{1, 5})
				return err
			},
			"ReadGroup, nothing": func() error {
				_, err := s.ReadGroup("g", "c", GroupRead{Count: 1, History: true, After: acked})
				return err
			},
		} {
			require.NoError(t, run())
			most := 0.0
			switch name {
			case "Claim":
				most = 1 // the slice that it returns
			case "Info":
				most = 1 // where the entries of the last block are
			}
			require.LessOrEqual(t, testing.AllocsPerRun(200, func() { _ = run() }), most, "%d: %s", n, name)
		}
	}
}
