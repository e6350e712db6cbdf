package slab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newRegion returns a region that must be empty again when the test ends.
func newRegion(t testing.TB) *Region {
	r, err := NewRegion()
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.Zero(t, r.Bytes(), "blocks were not given back")
		assert.NoError(t, r.Close())
		assert.NoError(t, r.Close(), "Close may be called twice")
	})
	return r
}

// TestFindFree marks runs of blocks free, within words and over their borders, and looks for room.
func TestFindFree(t *testing.T) {
	type span struct{ first, n int }
	for _, c := range []struct {
		free  []span
		n     int
		first int // -1 for none
	}{
		{nil, 1, -1},
		{[]span{{1, 1}}, 1, 1},
		{[]span{{1, 1}}, 2, -1},
		{[]span{{63, 1}}, 1, 63},
		{[]span{{63, 2}}, 2, 63},
		{[]span{{62, 3}}, 3, 62},
		{[]span{{62, 3}}, 4, -1},
		{[]span{{64, 64}}, 64, 64},
		{[]span{{64, 64}}, 65, -1},
		{[]span{{63, 66}}, 66, 63},
		{[]span{{60, 200}}, 200, 60},
		{[]span{{60, 200}}, 100, 60},
		{[]span{{60, 200}}, 201, -1},
		{[]span{{5, 2}, {9, 3}}, 3, 9},
		{[]span{{5, 2}, {9, 3}}, 2, 5},
		{[]span{{126, 2}, {129, 70}}, 3, 129},
		{[]span{{100, 28}, {128, 1}}, 29, 100},
		{[]span{{64, 63}, {128, 64}, {192, 1}}, 65, 128},
		{[]span{{0, 64}, {65, 63}, {128, 64}}, 127, 65},
	} {
		t.Run(fmt.Sprint(c.free, c.n), func(t *testing.T) {
			var r Region
			for _, s := range c.free {
				r.markLocked(s.first, s.n, true)
			}
			for range 2 { // looking changes what low says, never the answer
				first, ok := r.findFreeLocked(c.n)
				if c.first < 0 {
					assert.False(t, ok)
				} else {
					assert.True(t, ok)
					assert.Equal(t, c.first, first)
				}
			}
		})
	}
}

// FuzzRegionBits compares the bitmap of free blocks with a plain slice.
func FuzzRegionBits(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		const blocks = 600
		var r Region
		model := make([]bool, blocks)
		for range 500 {
			n := 1 + rnd.IntN([]int{2, 10, 70, 200}[rnd.IntN(4)])
			if rnd.IntN(2) == 0 {
				first := rnd.IntN(blocks - n + 1)
				r.markLocked(first, n, true)
				for i := first; i < first+n; i++ {
					model[i] = true
				}
			}
			want, run := -1, 0
			for i := 0; i < blocks && want < 0; i++ {
				if run++; !model[i] {
					run = 0
				}
				if run == n {
					want = i - n + 1
				}
			}
			got, ok := r.findFreeLocked(n)
			if !ok {
				got = -1
			}
			require.Equal(t, want, got, "%d blocks", n)
			if ok {
				r.markLocked(got, n, false)
				for i := got; i < got+n; i++ {
					model[i] = false
				}
			}
		}
	})
}

// TestRegionReuse gives blocks back and takes them again, lowest address first.
func TestRegionReuse(t *testing.T) {
	r := newRegion(t)
	take := func(n, want int) {
		first, err := r.take(n)
		require.NoError(t, err)
		require.Equal(t, want, first)
	}
	take(1, 1) // block 0 is never used: Ref 0 means nil
	take(3, 2)
	take(1, 5)
	require.EqualValues(t, 5*BlockSize, r.Bytes())
	r.give(2, 3)
	require.EqualValues(t, 2*BlockSize, r.Bytes())
	take(1, 2)
	take(3, 6)
	take(2, 3)
	for b := 1; b < 9; b++ {
		r.give(b, 1)
	}
	take(8, 1)
	r.give(1, 8)
}

// TestRegionExhaustion runs out of room, and goes on when some is given back.
func TestRegionExhaustion(t *testing.T) {
	r := newRegion(t)
	r.Limit(3*BlockSize + 1)
	s := New(r)
	var refs []Ref
	for range 3 {
		ref, err := s.Alloc(Entry, 40_000)
		require.NoError(t, err)
		refs = append(refs, ref)
	}
	for _, n := range []int{16, maxSmall, maxSmall + 1, 10 * BlockSize, MaxCell, MaxCell + 1} {
		before := s.Usage()
		_, err := s.Alloc(Entry, n)
		require.ErrorIs(t, err, ErrNoMemory, n)
		require.Equal(t, before, s.Usage(), "nothing has changed")
		s.check(t)
	}
	s.Free(refs[1])
	small, err := s.Alloc(Index, 16)
	require.NoError(t, err)
	_, err = s.Alloc(Entry, 16)
	require.ErrorIs(t, err, ErrNoMemory, "the purposes share no span")
	s.Free(small)
	small, err = s.Alloc(Entry, 16)
	require.NoError(t, err, "the span kept back serves any purpose")
	for _, ref := range []Ref{refs[0], refs[2], small} {
		s.Free(ref)
	}
	s.Trim()
	require.Equal(t, Usage{}, s.Usage())
}

func TestClosedRegion(t *testing.T) {
	r, err := NewRegion()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	_, err = r.take(1)
	require.ErrorIs(t, err, ErrNoMemory)
}

// TestDecommit sees that a block that was given back has lost its pages.
func TestDecommit(t *testing.T) {
	if runtime.GOOS != "linux" && !HeapTwin {
		t.Skip("this system takes pages when it likes")
	}
	r := newRegion(t)
	b, err := r.take(2)
	require.NoError(t, err)
	page := r.At(blockRef(uint32(b)), 2*BlockSize)
	for i := range page {
		page[i] = 0xAA
	}
	r.give(b, 2)
	again, err := r.take(2)
	require.NoError(t, err)
	require.Equal(t, b, again)
	for i, c := range r.At(blockRef(uint32(again)), 2*BlockSize) {
		if c != 0 {
			t.Fatalf("byte %d is %#x", i, c)
		}
	}
	r.give(again, 2)
}

// TestRegionShared lets several slabs take and give blocks at once.
func TestRegionShared(t *testing.T) {
	r := newRegion(t)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := New(r)
			rnd := rand.New(rand.NewPCG(uint64(i), 2))
			type mine struct {
				ref Ref
				n   int
			}
			var cells []mine
			drop := func(k int) {
				c := cells[k]
				for _, b := range s.At(c.ref, c.n)[4:] {
					if b != byte(i) {
						errs[i] = errors.New("a cell holds another slab's bytes")
					}
				}
				s.Free(c.ref)
				cells[k] = cells[len(cells)-1]
				cells = cells[:len(cells)-1]
			}
			for range 2000 {
				if len(cells) > 40 || len(cells) > 0 && rnd.IntN(3) == 0 {
					drop(rnd.IntN(len(cells)))
					continue
				}
				n := 16 + rnd.IntN(3*BlockSize>>rnd.IntN(12))
				ref, err := s.Alloc(Entry, n)
				if err != nil {
					errs[i] = err
					return
				}
				b := s.At(ref, n)[4:]
				for j := range b {
					b[j] = byte(i)
				}
				cells = append(cells, mine{ref, n})
			}
			for len(cells) > 0 {
				drop(0)
			}
			s.Trim()
			if s.Usage() != (Usage{}) {
				errs[i] = fmt.Errorf("left: %+v", s.Usage())
			}
		}()
	}
	wg.Wait()
	for _, err := range errs {
		assert.NoError(t, err)
	}
}
