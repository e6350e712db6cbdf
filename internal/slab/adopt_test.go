package slab

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// mix allocates and frees at random, so that there are full spans, spans with room, empty ones and runs, and returns what
// is left, each filled with a letter of its own.
func mix(t *testing.T, s *Slab, rnd *rand.Rand, n int) (left map[Ref]byte) {
	left = map[Ref]byte{}
	for range n {
		size := 16 + rnd.IntN(3000)
		switch rnd.IntN(10) {
		case 0:
			size = 16 + rnd.IntN(200_000)
		case 1, 2, 3:
			size = 16 + rnd.IntN(64)
		}
		ref := alloc(t, s, Purpose(rnd.IntN(int(numPurposes))), size)
		letter := byte(rnd.Uint32())
		for i := range s.At(ref, size)[4:] {
			s.At(ref, size)[4+i] = letter
		}
		left[ref] = letter
		if rnd.IntN(3) == 0 {
			for ref := range left {
				s.Free(ref)
				delete(left, ref)
				break
			}
		}
	}
	return left
}

// TestAdopt has a slab adopt what was made beside it: all cells are where and what they were, and behave as its own.
func TestAdopt(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 1))
	for round := range 40 {
		s := newSlab(t)
		own := map[Ref]byte{}
		if round%4 > 0 {
			own = mix(t, s, rnd, rnd.IntN(400))
		}
		v, err := s.FreezeCells()
		require.NoError(t, err)
		beside := s.Beside()
		made := map[Ref]byte{}
		if round%5 > 0 {
			made = mix(t, beside, rnd, rnd.IntN(400))
		}
		for ref, letter := range mix(t, s, rnd, 50) {
			own[ref] = letter
		}
		if round%3 == 0 { // a version that comes between
			other := freeze(t, s)
			defer thaw(s, other)
		}
		used, taken := s.Used()+beside.Used(), s.region.Bytes()
		s.Adopt(beside)
		s.check(t)
		beside.check(t)
		require.Equal(t, used, s.Used())
		require.Zero(t, beside.Used())
		require.LessOrEqual(t, s.region.Bytes(), taken)
		thaw(s, v)
		s.check(t)
		for ref, letter := range mix(t, s, rnd, 100) {
			own[ref] = letter
		}
		for ref, letter := range made {
			require.NotContains(t, own, ref)
			own[ref] = letter
		}
		for ref, letter := range own {
			require.Equal(t, letter, s.At(ref, 16)[15])
			s.Free(ref)
		}
		s.check(t)
		alloc(t, beside, Entry, 100)
		beside.Drop()
		beside.check(t)
	}
}

// TestAdoptedCellsAndVersions makes cells beside a slab while versions come and go. None that was made before they were
// adopted may see them change.
func TestAdoptedCellsAndVersions(t *testing.T) {
	s := newSlab(t)
	v := freeze(t, s)
	beside := s.Beside()
	a := alloc(t, beside, Container, 100)
	between := freeze(t, s)
	b := alloc(t, beside, Container, 100)
	s.Adopt(beside)
	require.True(t, s.Frozen(a), "for all that is known")
	require.True(t, s.Frozen(b))
	later := freeze(t, s)
	thaw(s, between)
	s.Free(a)
	require.Equal(t, int64(CellSize(100)), s.Usage().Retired, "one that sees it is alive")
	thaw(s, v)
	require.True(t, s.Frozen(b))
	thaw(s, later)
	require.False(t, s.Frozen(b))
	require.Zero(t, s.Usage().Retired)
	s.Free(b)
}

// TestDrop gives back what was made beside a slab, in whatever state it is.
func TestDrop(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 2))
	s := New(newRegion(t))
	for range 20 {
		b := s.Beside()
		mix(t, b, rnd, 200)
		b.Drop()
		b.check(t)
		require.Equal(t, Usage{}, b.Usage())
		require.Zero(t, s.region.Bytes())
	}
}
