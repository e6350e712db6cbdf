//go:build !race && !invariants

package darter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGeoAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	g := c.Geo("Sicily")
	_, err := g.AddMany(palermo, catania, agrigento)
	require.NoError(t, err)
	for name, fn := range map[string]func() error{
		"Add":  func() error { _, err := c.Geo("Sicily").Add("Palermo", palermo.At); return err },
		"Pos":  func() error { _, err := g.Pos("Palermo"); return err },
		"Dist": func() error { _, err := g.Dist("Palermo", "Catania"); return err },
	} {
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if err := fn(); err != nil {
				t.Fatal(err)
			}
		}), name)
	}
}
