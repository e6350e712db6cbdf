package slab

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// check walks all spans and holds their headers, lists and the slab's accounts against each other.
func (s *Slab) check(t testing.TB) {
	t.Helper()
	var usage Usage
	usage.Retired = s.retired
	room := make(map[uint32]bool)
	for p := range s.room {
		for class := range s.room[p] {
			prev := uint32(0)
			for block := s.room[p][class]; block != 0; {
				h := s.At(blockRef(block), headerSize)
				require.Equal(t, prev, le32(h[hdrPrev:]), "list of spans with room, backwards")
				require.Equal(t, [2]byte{byte(p), byte(class)}, [2]byte{h[hdrKind], h[hdrKind+1]}, "span in a foreign list")
				room[block] = true
				prev, block = block, le32(h[hdrNext:])
			}
		}
	}
	prev := uint32(0)
	for block := s.all; block != 0; {
		h := s.At(blockRef(block), headerSize)
		require.Equal(t, prev, le32(h[hdrAllPrev:]), "list of all spans, backwards")
		p := h[hdrKind]
		size, used := le32(h[hdrSize:]), le32(h[hdrUsed:])
		if size == 0 {
			usage.Cells[p] += int64(used)
			usage.Taken += int64(runBytes(int(used)))
		} else {
			require.Equal(t, classSize[h[hdrKind+1]], size)
			require.NotZero(t, used, "an empty span was kept")
			usage.Cells[p] += int64(used) * int64(size)
			usage.Taken += BlockSize
			free := uint32(0)
			for at := le32(h[hdrFree:]); at != 0; free++ {
				require.Zero(t, (at-headerSize)%size)
				cell := s.At(blockRef(block)+Ref(at), 8)
				require.Equal(t, deadCell, le32(cell))
				at = le32(cell[4:])
			}
			bump := le32(h[hdrBump:])
			require.Equal(t, (bump-headerSize)/size, free+used, "cells free and used")
			full := free == 0 && bump+size > BlockSize
			require.Equal(t, !full && block != s.repair.block, room[block], "list of spans with room")
		}
		prev, block = block, le32(h[hdrAllNext:])
	}
	if s.spare != 0 {
		usage.Taken += BlockSize
	}
	require.Equal(t, usage, s.Usage())
	require.Equal(t, usage.Cells[Index]+usage.Cells[Entry]+usage.Cells[Expiry]+usage.Cells[Container], s.Used())
}

func newSlab(t testing.TB) *Slab {
	s := New(newRegion(t))
	t.Cleanup(func() {
		s.Trim()
		assert.Equal(t, Usage{}, s.Usage())
		assert.Zero(t, s.all)
	})
	return s
}

func alloc(t testing.TB, s *Slab, p Purpose, n int) Ref {
	t.Helper()
	ref, err := s.Alloc(p, n)
	require.NoError(t, err)
	return ref
}

// TestClasses holds the table of sizes to what class.go says of it.
func TestClasses(t *testing.T) {
	require.EqualValues(t, 16, classSize[0])
	require.EqualValues(t, maxSmall, classSize[numClasses-1])
	for c := 1; c < numClasses; c++ {
		size, below := classSize[c], classSize[c-1]
		require.Greater(t, size, below)
		switch {
		case size <= fineMax:
			require.EqualValues(t, fineStep, size-below)
		case size <= coarseMax:
			require.EqualValues(t, coarseStep, size-below)
		default:
			require.Zero(t, size%64, "pages of an index lie on cache lines")
		}
		require.GreaterOrEqual(t, (BlockSize-headerSize)/int(size), minCells)
	}
	for n := 0; n <= maxSmall; n++ {
		c := classOf[(n+7)>>3]
		require.GreaterOrEqual(t, int(classSize[c]), n)
		if c > 0 {
			require.Less(t, int(classSize[c-1]), n, "a smaller class would do")
		}
	}
}

// TestCellSize holds sizes of all magnitudes to: enough, never falling, waste bounded, whole blocks with the header.
func TestCellSize(t *testing.T) {
	last := 0
	for n := 0; n <= MaxCell; n += 1 + n/97 {
		size := CellSize(n)
		require.GreaterOrEqual(t, size, n)
		require.GreaterOrEqual(t, size, last)
		require.Equal(t, size, CellSize(size), "what a cell has is a request that fits it")
		require.LessOrEqual(t, size-n, max(16, n/3, 0), "%d", n)
		if n > BlockSize {
			require.LessOrEqual(t, size-n, max(n/8, pageSize), "%d", n)
		}
		run := runBytes(size)
		require.Zero(t, run%BlockSize)
		require.GreaterOrEqual(t, run, size+headerSize)
		require.Less(t, run-size-headerSize, BlockSize)
		last = size
	}
	for _, n := range []int{
		maxSmall, maxSmall + 1, BlockSize - headerSize, BlockSize, BlockSize + 1, 1 << 20, 1<<30 - 1, MaxCell - 1, MaxCell,
	} {
		require.GreaterOrEqual(t, CellSize(n), n)
		require.Positive(t, runBytes(CellSize(n)))
		require.LessOrEqual(t, CellSize(n), CellSize(MaxCell))
	}
}

// TestAllocGivesCellSize compares what Alloc gives and counts with what CellSize foretells.
func TestAllocGivesCellSize(t *testing.T) {
	s := newSlab(t)
	for n := 4; n < 5*BlockSize; n += 1 + n/50 {
		ref := alloc(t, s, Entry, n)
		require.Zero(t, ref%8)
		require.Equal(t, CellSize(n), s.SizeOf(ref))
		require.EqualValues(t, CellSize(n), s.Used())
		require.Equal(t, s.epoch, le32(s.At(ref, 4)))
		b := s.At(ref, CellSize(n))
		for i := range b[4:] {
			b[4+i] = 0x5A
		}
		require.GreaterOrEqual(t, len(s.From(ref)), CellSize(n))
		s.Free(ref)
		require.Zero(t, s.Used())
	}
}

// TestHeaderLayout enforces the drawing of a span's header.
func TestHeaderLayout(t *testing.T) {
	require.Equal(t, []int{0, 4, 8, 12, 16, 20, 24, 28, 32},
		[]int{hdrSize, hdrKind, hdrUsed, hdrBump, hdrFree, hdrNext, hdrPrev, hdrAllNext, hdrAllPrev})
	require.Equal(t, 64, headerSize)
	require.Equal(t, 64<<10, BlockSize)

	s := newSlab(t)
	a, b, c := alloc(t, s, Entry, 24), alloc(t, s, Entry, 24), alloc(t, s, Entry, 24)
	run := alloc(t, s, Index, 100_000)
	other := alloc(t, s, Expiry, 512)
	s.Free(b)
	s.Free(a)
	h := s.At(spanOf(c), headerSize)
	want := make([]byte, headerSize)
	put32(want, 24)
	want[4], want[5] = byte(Entry), classOf[3]
	put32(want[8:], 1)                         // cells in use
	put32(want[12:], 64+3*24)                  // first never handed out
	put32(want[16:], 64)                       // first free
	put32(want[32:], blockNumber(spanOf(run))) // previous of all
	require.Equal(t, want, []byte(h))
	require.EqualValues(t, 64+24, le32(s.At(a, 8)[4:]), "each free cell holds the next")
	require.Zero(t, le32(s.At(b, 8)[4:]))

	h = s.At(spanOf(run), headerSize)
	clear(want)
	want[4] = byte(Index)
	put32(want[8:], uint32(CellSize(100_000)))
	put32(want[28:], blockNumber(spanOf(c)))
	put32(want[32:], blockNumber(spanOf(other)))
	require.Equal(t, want, []byte(h))
	require.EqualValues(t, headerSize, run-spanOf(run))
	for _, ref := range []Ref{c, run, other} {
		s.Free(ref)
	}
}

// TestSpanFillsAndEmpties fills spans to the last cell, empties them, and reuses cells last freed first.
func TestSpanFillsAndEmpties(t *testing.T) {
	for _, n := range []int{16, 24, 512, 513, 2048, 2049, maxSmall - 1, maxSmall} {
		s := newSlab(t)
		each := (BlockSize - headerSize) / CellSize(n)
		var refs []Ref
		for range 2*each + 1 {
			refs = append(refs, alloc(t, s, Entry, n))
		}
		require.EqualValues(t, 3*BlockSize, s.region.Bytes())
		require.EqualValues(t, 3*BlockSize, s.Usage().Taken)
		require.Equal(t, spanOf(refs[0]), spanOf(refs[each-1]))
		require.NotEqual(t, spanOf(refs[0]), spanOf(refs[each]))
		s.check(t)
		s.Free(refs[1])
		s.check(t)
		require.Equal(t, refs[1], alloc(t, s, Entry, n))
		for i, ref := range refs {
			s.Free(ref)
			if i%(each/3+1) == 0 {
				s.check(t)
			}
		}
		require.EqualValues(t, BlockSize, s.region.Bytes(), "one empty span is kept back")
		s.Trim()
		require.Zero(t, s.region.Bytes())
		s.Trim()
	}
}

// TestRepairEmptiesSpans frees most cells, has the rest moved, and gets the memory back.
func TestRepairEmptiesSpans(t *testing.T) {
	s := newSlab(t)
	const n, cells = 100, 20_000
	live := make(map[Ref]byte)
	for i := range cells {
		ref := alloc(t, s, Entry, n)
		s.At(ref, n)[50] = byte(i)
		live[ref] = byte(i)
	}
	i := 0
	for ref := range live {
		if i++; i%5 != 0 {
			s.Free(ref)
			delete(live, ref)
		}
	}
	before := s.Usage().Taken
	move := func(ref Ref) {
		b, ok := live[ref]
		require.True(t, ok, "asked to move a cell that is not in use")
		to := alloc(t, s, Entry, n)
		require.NotEqual(t, spanOf(ref), spanOf(to), "moved within the span that is being emptied")
		copy(s.At(to, n)[4:], s.At(ref, n)[4:])
		delete(live, ref)
		live[to] = b
		s.Free(ref)
	}
	v, err := s.Freeze()
	require.NoError(t, err)
	require.False(t, s.Repair(64, move), "nothing is moved while a version is alive")
	for s.Thaw(v) {
	}
	calls := 0
	for s.Repair(16, move) {
		if calls++; calls == 20 {
			// A version in the midst of it: the span is left as it is, and can be filled again.
			v, err := s.Freeze()
			require.NoError(t, err)
			require.False(t, s.Repair(16, move))
			s.check(t)
			for s.Thaw(v) {
			}
		}
		require.Less(t, calls, cells)
	}
	s.check(t)
	after := s.Usage()
	require.LessOrEqual(t, after.Taken-s.Used(), max(after.Taken/8, repairSlack)+BlockSize, "slack is left")
	require.Less(t, after.Taken, before/2)
	for ref, b := range live {
		require.Equal(t, b, s.At(ref, n)[50])
		s.Free(ref)
	}
}

// TestRepairEnds lets nobody move anything: the circle must end nevertheless.
func TestRepairEnds(t *testing.T) {
	s := newSlab(t)
	var refs []Ref
	for range 40_000 {
		refs = append(refs, alloc(t, s, Entry, 64))
	}
	kept := refs[:0]
	for i, ref := range refs {
		if i%4 != 0 {
			s.Free(ref)
		} else {
			kept = append(kept, ref)
		}
	}
	for range 3 {
		calls := 0
		for s.Repair(64, func(Ref) {}) {
			calls++
			require.Less(t, calls, 2*len(refs)/64)
		}
		s.check(t)
	}
	for _, ref := range kept {
		s.Free(ref)
	}
}
