//go:build invariants

package slab

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMisuse frees what must not be freed.
func TestMisuse(t *testing.T) {
	s := newSlab(t)
	a, b := alloc(t, s, Entry, 100), alloc(t, s, Entry, 100)
	run := alloc(t, s, Entry, BlockSize)
	require.Panics(t, func() { s.Free(a + 8) }, "not the start of a cell")
	require.Panics(t, func() { s.Free(run + 8) }, "not the start of a run's cell")
	s.Free(a)
	require.Panics(t, func() { s.Free(a) }, "a double free")
	for i, c := range s.At(a, CellSize(100))[8:] {
		require.EqualValues(t, 0xDB, c, i)
	}
	s.Free(b)
	s.Free(run)
}
