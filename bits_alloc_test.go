//go:build !race && !invariants

package darter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBitsAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	b := c.Bits("k")
	_, err := b.Set(10_000, true)
	require.NoError(t, err)
	snap, err := c.Snapshot()
	require.NoError(t, err)
	old := snap.Bits("k")
	_, err = b.Set(10_000, false)
	require.NoError(t, err)
	at := int64(0)
	for name, fn := range map[string]func() error{
		"Get":          func() error { _, err := c.Bits("k").Get(9000); return err },
		"Set":          func() error { at++; _, err := c.Bits("k").Set(at, true); return err },
		"Count":        func() error { _, err := b.Count(); return err },
		"Pos":          func() error { _, err := b.Pos(true, 100); return err },
		"Field":        func() error { _, err := b.Field(BitField{Width: 9}); return err },
		"IncrField":    func() error { _, _, err := b.IncrField(BitField{Width: 9}, 1, BitWrap); return err },
		"Snapshot.Get": func() error { _, err := old.Get(10_000); return err },
	} {
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if err := fn(); err != nil {
				t.Fatal(err)
			}
		}), name)
	}
	snap.Close()
}
