package slab

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func freeze(t testing.TB, s *Slab) *Version {
	t.Helper()
	v, err := s.Freeze()
	require.NoError(t, err)
	return v
}

func thaw(s *Slab, v *Version) {
	for s.Thaw(v) {
	}
}

// TestVersionsOfTheDrawing plays what is drawn in version.go, for each order of closing.
func TestVersionsOfTheDrawing(t *testing.T) {
	for _, firstOrder := range []bool{true, false} {
		s := newSlab(t)
		a := alloc(t, s, Entry, 100)
		v1 := freeze(t, s)
		b := alloc(t, s, Entry, 100)
		require.True(t, s.Frozen(a))
		require.False(t, s.Frozen(b))
		v3 := freeze(t, s)
		require.True(t, s.Frozen(b))
		s.Free(a)
		s.Free(b)
		c := alloc(t, s, Entry, 100)
		require.False(t, s.Frozen(c))
		size := int64(CellSize(100))
		require.Equal(t, 2*size, s.Usage().Retired)
		if firstOrder {
			thaw(s, v1)
			require.Equal(t, 2*size, s.Usage().Retired, "v3 sees both")
			thaw(s, v3)
		} else {
			thaw(s, v3)
			require.Equal(t, size, s.Usage().Retired, "v1 sees only a")
			thaw(s, v1)
		}
		require.Zero(t, s.Usage().Retired)
		require.Equal(t, size, s.Used())
		require.False(t, s.HasVersions())
		s.Free(c)
		require.Zero(t, s.Used())
		s.check(t)
	}
}

// TestThawIsBounded closes a version with many retired cells bit by bit, while others come and go.
func TestThawIsBounded(t *testing.T) {
	s := newSlab(t)
	const cells = 10 * deadChunk
	size := int64(CellSize(48))
	var refs []Ref
	for range cells {
		refs = append(refs, alloc(t, s, Entry, 48))
	}
	old := freeze(t, s)
	for range cells {
		refs = append(refs, alloc(t, s, Entry, 48))
	}
	v := freeze(t, s)
	for _, ref := range refs {
		s.Free(ref)
	}
	require.Equal(t, 2*cells*size, s.Usage().Retired)
	calls := 0
	for more := true; more; calls++ {
		before := s.Usage().Retired
		more = s.Thaw(v)
		require.LessOrEqual(t, before-s.Usage().Retired, deadChunk*size)
		if calls == 3 {
			// One that is made meanwhile sees none of what was freed before.
			thaw(s, freeze(t, s))
		}
	}
	require.GreaterOrEqual(t, calls, cells/deadChunk)
	require.Equal(t, cells*size, s.Usage().Retired, "the older version keeps what it sees")
	require.True(t, s.Thaw(old))
	late := freeze(t, s)
	thaw(s, old)
	require.Zero(t, s.Usage().Retired, "a version made during the closing keeps nothing back")
	thaw(s, late)
	s.check(t)
}

// TestRebase runs the epochs up to where births are set back.
func TestRebase(t *testing.T) {
	s := newSlab(t)
	var refs []Ref
	for i := range 3000 {
		refs = append(refs, alloc(t, s, Purpose(i/3%int(numPurposes)), 16+i%7*100))
	}
	run := alloc(t, s, Entry, 200_000)
	for i := 0; i < len(refs); i += 3 {
		s.Free(refs[i])
	}
	s.epoch = rebaseAt - 2
	young := alloc(t, s, Entry, 16)
	dying := alloc(t, s, Entry, 16)

	v := freeze(t, s)
	thaw(s, v)
	long := freeze(t, s)
	require.Equal(t, uint32(rebaseAt), s.epoch)
	over := freeze(t, s)
	require.Equal(t, uint32(rebaseAt+1), s.epoch, "nothing is set back while a version is alive")
	s.Free(dying)
	require.True(t, s.Frozen(run))
	thaw(s, over)
	thaw(s, long)
	s.check(t)

	private := alloc(t, s, Entry, 16)
	v = freeze(t, s)
	require.EqualValues(t, 1, v.epoch)
	require.EqualValues(t, 2, s.epoch)
	s.check(t)
	for _, ref := range []Ref{young, private, run, refs[1], refs[2]} {
		require.EqualValues(t, 1, le32(s.At(ref, 4)))
		require.True(t, s.Frozen(ref))
	}
	require.Equal(t, deadCell, le32(s.At(refs[0], 4)), "free cells stay free")
	fresh := alloc(t, s, Entry, 16)
	require.False(t, s.Frozen(fresh))
	s.Free(young)
	require.NotZero(t, s.Usage().Retired)
	thaw(s, v)
	require.Zero(t, s.Usage().Retired)

	for i, ref := range refs {
		if i%3 != 0 {
			s.Free(ref)
		}
	}
	for _, ref := range []Ref{private, run, fresh} {
		s.Free(ref)
	}
}

// TestRebaseWaitsForClosing has the epochs come to their end while a version is half closed.
func TestRebaseWaitsForClosing(t *testing.T) {
	s := newSlab(t)
	var refs []Ref
	for range 3 * deadChunk {
		refs = append(refs, alloc(t, s, Entry, 16))
	}
	v := freeze(t, s)
	for _, ref := range refs {
		s.Free(ref)
	}
	require.True(t, s.Thaw(v))
	s.epoch = rebaseAt
	w := freeze(t, s)
	require.Equal(t, uint32(rebaseAt), w.epoch)
	thaw(s, v)
	require.Zero(t, s.Usage().Retired)
	thaw(s, w)
	w = freeze(t, s)
	require.EqualValues(t, 1, w.epoch)
	thaw(s, w)
}

// TestTooManyVersions keeps one open to the end of all epochs.
func TestTooManyVersions(t *testing.T) {
	s := newSlab(t)
	first := freeze(t, s)
	s.epoch = deadCell - 3
	mid, last := freeze(t, s), freeze(t, s)
	_, err := s.Freeze()
	require.ErrorIs(t, err, ErrTooManyVersions)
	ref := alloc(t, s, Entry, 16)
	require.False(t, s.Frozen(ref))
	thaw(s, mid)
	require.Len(t, s.live, 2)
	require.Equal(t, first, s.live[0], "epochs are far apart: the right one must go")
	thaw(s, first)
	_, err = s.Freeze()
	require.ErrorIs(t, err, ErrTooManyVersions)
	thaw(s, last)
	v := freeze(t, s)
	require.EqualValues(t, 1, v.epoch)
	thaw(s, v)
	s.Free(ref)
}

// modelCell is what the model knows of a cell.
type modelCell struct {
	ref     Ref
	purpose Purpose
	n       int
	seed    byte
	seen    map[*Version]bool // open versions that see it
	retired bool
}

// model is a slab with plain maps of what it should hold.
type model struct {
	t       testing.TB
	s       *Slab
	rnd     *rand.Rand
	live    []*modelCell
	byRef   map[Ref]*modelCell // live and retired ones
	open    []*Version
	closing []*Version
}

// paint fills a cell with bytes of its own; of a large one only the first and last.
func (m *model) paint(c *modelCell) {
	c.seed = byte(m.rnd.Uint32())
	b := m.s.At(c.ref, CellSize(c.n))[4:]
	for i := range b {
		if i < 2000 || i > len(b)-500 {
			b[i] = c.seed + byte(i*7)
		}
	}
}

func (m *model) intact(c *modelCell) {
	b := m.s.At(c.ref, CellSize(c.n))[4:]
	for i := range b {
		if (i < 2000 || i > len(b)-500) && b[i] != c.seed+byte(i*7) {
			m.t.Fatalf("cell %#x of %d bytes, retired %v: byte %d changed", c.ref, c.n, c.retired, i)
		}
	}
}

func (m *model) alloc(p Purpose, n int) *modelCell {
	ref, err := m.s.Alloc(p, n)
	require.NoError(m.t, err)
	if was := m.byRef[ref]; was != nil {
		require.True(m.t, was.retired && len(was.seen) == 0 && len(m.closing) > 0, "a cell in use was handed out")
	}
	c := &modelCell{ref: ref, purpose: p, n: n, seen: map[*Version]bool{}}
	m.byRef[ref] = c
	m.paint(c)
	return c
}

func (m *model) size() int {
	switch m.rnd.IntN(12) {
	case 0:
		return 4 + m.rnd.IntN(maxSmall)
	case 1:
		return maxSmall + m.rnd.IntN(BlockSize)
	case 2:
		return BlockSize + m.rnd.IntN(10*BlockSize)
	case 3, 4:
		return 4 + m.rnd.IntN(2100)
	}
	return 100 + m.rnd.IntN(30)
}

func (m *model) free(c *modelCell) {
	m.intact(c)
	require.Equal(m.t, len(c.seen) > 0, m.s.Frozen(c.ref))
	if c.purpose == Expiry {
		m.s.FreeNow(c.ref)
	} else {
		m.s.Free(c.ref)
		if c.retired = len(c.seen) > 0; c.retired {
			return
		}
	}
	delete(m.byRef, c.ref)
}

func (m *model) freeAt(i int) {
	c := m.live[i]
	m.live[i] = m.live[len(m.live)-1]
	m.live = m.live[:len(m.live)-1]
	m.free(c)
}

// close begins to close a version; from then on it holds back nothing for which it is not responsible alone.
func (m *model) close(i int) {
	v := m.open[i]
	for _, c := range m.byRef {
		if c.seen[v] {
			m.intact(c)
		}
	}
	m.open = append(m.open[:i], m.open[i+1:]...)
	m.closing = append(m.closing, v)
	for _, c := range m.byRef {
		delete(c.seen, v)
	}
}

// step closes a version that is being closed a bit further.
func (m *model) step(i int) {
	if !m.s.Thaw(m.closing[i]) {
		m.closing = append(m.closing[:i], m.closing[i+1:]...)
	}
	if len(m.closing) == 0 {
		for ref, c := range m.byRef {
			if c.retired && len(c.seen) == 0 {
				delete(m.byRef, ref)
			}
		}
	}
}

func (m *model) check() {
	var want Usage
	for _, c := range m.byRef {
		size := int64(CellSize(c.n))
		want.Cells[c.purpose] += size
		if c.retired {
			want.Retired += size
		}
		m.intact(c)
	}
	got := m.s.Usage()
	want.Taken = m.s.region.Bytes()
	require.Equal(m.t, want, got)
	require.GreaterOrEqual(m.t, got.Taken, m.s.Used())
	m.s.check(m.t)
}

func (m *model) repair() {
	m.s.Repair(1+m.rnd.IntN(40), func(ref Ref) {
		require.Empty(m.t, m.open)
		c := m.byRef[ref]
		require.NotNil(m.t, c, "asked to move a cell that is not in use")
		require.Equal(m.t, Entry, c.purpose)
		if c.retired || m.rnd.IntN(20) == 0 {
			return
		}
		m.intact(c)
		to, err := m.s.Alloc(Entry, c.n)
		require.NoError(m.t, err)
		copy(m.s.At(to, CellSize(c.n))[4:], m.s.At(ref, CellSize(c.n))[4:])
		delete(m.byRef, ref)
		m.s.Free(ref)
		c.ref = to
		m.byRef[to] = c
	})
}

// TestRandomUse compares slabs under long random use with plain maps, FuzzSlab under brief use.
func TestRandomUse(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { useAtRandom(t, seed, byte(seed), 3000) })
	}
}

func FuzzSlab(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed, byte(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, bias byte) { useAtRandom(t, seed, bias, 200) })
}

func useAtRandom(t *testing.T, seed uint64, bias byte, ops int) {
	s := newSlab(t)
	m := &model{t: t, s: s, rnd: rand.New(rand.NewPCG(seed, 3)), byRef: map[Ref]*modelCell{}}
	if bias%3 == 0 {
		s.epoch = rebaseAt - 2
	}
	for op := range ops {
		switch k := m.rnd.IntN(100); {
		case k < 35:
			m.live = append(m.live, m.alloc(Purpose(m.rnd.IntN(int(numPurposes))), m.size()))
		case k < 38:
			for range m.rnd.IntN(200) {
				m.live = append(m.live, m.alloc(Entry, 200+m.rnd.IntN(8)))
			}
		case k < 60:
			if len(m.live) > 0 {
				m.freeAt(m.rnd.IntN(len(m.live)))
			}
		case k < 63:
			for range min(len(m.live)*m.rnd.IntN(100)/100, 400+int(bias)) {
				m.freeAt(m.rnd.IntN(len(m.live)))
			}
		case k < 75:
			if len(m.live) > 0 { // what no version sees is changed in place
				if c := m.live[m.rnd.IntN(len(m.live))]; !s.Frozen(c.ref) {
					require.Empty(t, c.seen)
					m.intact(c)
					m.paint(c)
				} else {
					require.NotEmpty(t, c.seen)
				}
			}
		case k < 78:
			if len(m.open) < 5 {
				v := freeze(t, s)
				m.open = append(m.open, v)
				for _, c := range m.live {
					c.seen[v] = true
				}
			}
		case k < 83:
			if len(m.open) > 0 {
				m.close(m.rnd.IntN(len(m.open)))
				m.step(len(m.closing) - 1) // from the first call on the version is not live
			}
		case k < 90:
			if len(m.closing) > 0 {
				m.step(m.rnd.IntN(len(m.closing)))
			}
		case k < 98:
			m.repair()
		default:
			s.Trim()
		}
		require.Equal(t, len(m.open) > 0, s.HasVersions())
		if op%250 == 0 {
			for len(m.closing) > 0 {
				m.step(m.rnd.IntN(len(m.closing)))
			}
			m.check()
		}
	}
	for len(m.open) > 0 {
		m.close(m.rnd.IntN(len(m.open)))
		m.step(len(m.closing) - 1)
	}
	for len(m.closing) > 0 {
		m.step(m.rnd.IntN(len(m.closing)))
	}
	m.check()
	for len(m.live) > 0 {
		m.freeAt(m.rnd.IntN(len(m.live)))
	}
	m.check()
	require.Empty(t, m.byRef)
}

// TestOrdersOfClosing closes three versions in each order; the last one to see a cell frees it.
func TestOrdersOfClosing(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			s := newSlab(t)
			m := &model{t: t, s: s, rnd: rand.New(rand.NewPCG(1, 4)), byRef: map[Ref]*modelCell{}}
			for range 4 { // cells born and freed between any two of them
				for range 3 * deadChunk / 2 {
					m.live = append(m.live, m.alloc(Entry, 64))
				}
				if len(m.open) < 3 {
					v := freeze(t, s)
					m.open = append(m.open, v)
					for _, c := range m.live {
						c.seen[v] = true
					}
				}
				for range deadChunk {
					m.freeAt(m.rnd.IntN(len(m.live)))
				}
			}
			m.check()
			versions := append([]*Version(nil), m.open...)
			for _, which := range order {
				for i, v := range m.open {
					if v == versions[which] {
						m.close(i)
						break
					}
				}
				for len(m.closing) > 0 {
					m.step(0)
				}
				m.check()
			}
			for len(m.live) > 0 {
				m.freeAt(0)
			}
			m.check()
		})
	}
}

// A version of cells alone keeps cells but lets pages of dictionaries be changed and freed at once, and can be gone back to.
func TestVersionsOfCells(t *testing.T) {
	s := newSlab(t)
	alloc := func(p Purpose) Ref {
		ref, err := s.Alloc(p, 64)
		require.NoError(t, err)
		return ref
	}
	page, entry, node := alloc(Index), alloc(Entry), alloc(Container)
	all := freeze(t, s)
	under := alloc(Index)
	cells, err := s.FreezeCells()
	require.NoError(t, err)
	require.True(t, s.FrozenPage(page))
	require.False(t, s.FrozenPage(under), "a version of cells sees no pages")
	require.True(t, s.Frozen(entry) && s.BornBy(entry, cells))
	fresh := alloc(Entry)
	require.False(t, s.Frozen(fresh) || s.BornBy(fresh, cells))

	used := s.Usage()
	s.FreePage(under)
	require.Equal(t, used.Cells[Index]-64, s.Usage().Cells[Index], "a page that no version sees is freed at once")
	s.FreePage(page)
	s.Free(entry)
	s.Free(node)
	require.Equal(t, int64(3*64), s.Usage().Retired)

	s.Revive(cells)
	require.Equal(t, int64(64), s.Usage().Retired, "all but the page come back")
	for s.Thaw(cells) {
	}
	s.Free(entry)
	require.Equal(t, int64(2*64), s.Usage().Retired)
	for s.Thaw(all) {
	}
	require.False(t, s.HasVersions() || s.HasPagedVersions())
	s.Free(node)
	s.Free(fresh)
	s.check(t)
	require.Zero(t, s.Used())
}
