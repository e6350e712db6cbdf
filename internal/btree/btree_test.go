package btree

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

var (
	lists  = &Shape{Leaf: 4352}
	sorted = &Shape{Sorted: true, Leaf: 1088}
	small  = &Shape{Leaf: 256}
	smallS = &Shape{Sorted: true, Leaf: 256}
)

// region is that of all tests but those that run out of memory.
var region = sync.OnceValues(slab.NewRegion)

func newSlab(t testing.TB) *slab.Slab {
	r, err := region()
	require.NoError(t, err)
	return slab.New(r)
}

// text returns the string that an element is.
func text(m slab.Mem, e packed.Elem) string {
	if e.IsInt {
		return string(e.AppendTo(nil))
	}
	return string(Bytes(m, e))
}

// all returns the elements of a tree.
func all(m slab.Mem, t Tree) []string {
	out := []string{}
	c := t.Cursor(m, 0)
	for e, ok := c.Next(); ok; e, ok = c.Next() {
		out = append(out, text(m, e))
	}
	return out
}

// check holds a tree to its structure. It panics where it is broken, so that a fuzz test shows the operations.
func check(m slab.Mem, t Tree, sizeOf func(slab.Ref) int) {
	if (t.Root == 0) != (t.Count == 0) {
		panic(fmt.Sprintf("root %d of %d elements", t.Root, t.Count))
	}
	if t.Root == 0 {
		if t.Bytes != 0 {
			panic(fmt.Sprintf("an empty tree of %d bytes", t.Bytes))
		}
		return
	}
	c := checker{m: m, t: t, sizeOf: sizeOf}
	if n := c.node(t.Root, nil, nil, true); n != t.Count {
		panic(fmt.Sprintf("%d elements, not %d", n, t.Count))
	}
	if c.bytes != t.Bytes {
		panic(fmt.Sprintf("%d bytes, not %d", c.bytes, t.Bytes))
	}
}

type checker struct {
	m      slab.Mem
	t      Tree
	sizeOf func(slab.Ref) int
	bytes  int64
	depth  int
	leaves int // depth of the leaves
}

func (c *checker) cell(ref slab.Ref, n int) {
	if size := c.sizeOf(ref); size != n {
		panic(fmt.Sprintf("a cell of %d bytes taken for one of %d", size, n))
	}
	c.bytes += int64(n)
}

func (c *checker) lone(e packed.Elem) {
	if e.Lone != 0 {
		c.cell(slab.Ref(e.Lone), slab.CellSize(loneHeader+e.LoneLen))
	}
}

// node checks a subtree whose elements lie in [lo, hi).
func (c *checker) node(ref slab.Ref, lo, hi []byte, root bool) int {
	x := open(c.m, ref)
	c.cell(ref, len(x))
	c.depth++
	defer func() { c.depth-- }()
	if !x.inner() {
		if c.leaves == 0 {
			c.leaves = c.depth
		}
		if c.leaves != c.depth {
			panic("leaves of different depth")
		}
		c.leaf(x, lo, hi)
		return x.count()
	}
	n, total, keys := x.count(), 0, 0
	if n == 0 || root && n == 1 {
		panic(fmt.Sprintf("an inner node of %d children", n))
	}
	if x.freeRoom() < 0 {
		panic("children overlap separators")
	}
	for i := range n {
		if x.hasKey(i) != (c.t.Shape.Sorted && i > 0) {
			panic("a separator that should not be there, or none")
		}
		from, to := lo, hi
		if x.hasKey(i) {
			c.lone(x.keyElem(i))
			keys += len(x.keyBytes(i))
			from = Bytes(c.m, x.keyElem(i))
			if lo != nil && bytes.Compare(from, lo) <= 0 || hi != nil && bytes.Compare(from, hi) >= 0 {
				panic("separators out of order")
			}
		}
		if i+1 < n && x.hasKey(i+1) {
			to = Bytes(c.m, x.keyElem(i+1))
		}
		count := c.node(x.child(i), from, to, false)
		if count != x.childCount(i) {
			panic(fmt.Sprintf("a child of %d elements counted as %d", count, x.childCount(i)))
		}
		total += count
	}
	if x.innerUsed() != header+childSize*n+keys {
		panic("wrong count of dead bytes")
	}
	return total
}

func (c *checker) leaf(x node, lo, hi []byte) {
	if x.count() == 0 || x.count() != packed.Count(x.elements()) {
		panic(fmt.Sprintf("a leaf of %d elements has %d", x.count(), packed.Count(x.elements())))
	}
	if x.get(atStart) < header || x.get(atEnd) > x.limit() || len(x) > c.t.Shape.maxLeaf() {
		panic("a leaf overflows")
	}
	known := map[int]int{}
	off, i := x.get(atStart), 0
	var last []byte
	for off < x.get(atEnd) {
		known[i] = off
		e, n := packed.Decode(x[off:])
		c.lone(e)
		if e.Lone != 0 && !x.mayBeLone() {
			panic("a lone element that nobody knows of")
		}
		if c.t.Shape.Sorted {
			b := Bytes(c.m, e)
			if e.IsInt || i > 0 && bytes.Compare(last, b) >= 0 {
				panic("elements out of order")
			}
			if lo != nil && bytes.Compare(b, lo) < 0 || hi != nil && bytes.Compare(b, hi) >= 0 {
				panic(fmt.Sprintf("element %q is not in [%q, %q)", b, lo, hi))
			}
			last = b
		}
		off, i = off+n, i+1
	}
	at := -1
	for j := range x.marks() {
		off, i := x.mark(j)
		if known[i] != off || i <= at {
			panic(fmt.Sprintf("mark %d is for element %d at %d, which is at %d", j, i, off, known[i]))
		}
		at = i
	}
}

// held is a tree as a version sees it.
type held struct {
	v     *slab.Version
	tree  Tree
	model []string
}

// pair is a tree beside its model.
type pair struct {
	t     testing.TB
	s     *slab.Slab
	tree  Tree
	model []string
	held  []held
	quick int // changes that were quick ones
}

func (p *pair) check() {
	check(p.s.Mem, p.tree, p.s.SizeOf)
	require.Equal(p.t, len(p.model), p.tree.Count)
	require.True(p.t, slices.Equal(p.model, all(p.s.Mem, p.tree)))
	for _, h := range p.held {
		check(p.s.Mem, h.tree, p.s.SizeOf)
		require.True(p.t, slices.Equal(h.model, all(p.s.Mem, h.tree)))
	}
}

func (p *pair) freeze() {
	v, err := p.s.Freeze()
	require.NoError(p.t, err)
	p.held = append(p.held, held{v, p.tree, slices.Clone(p.model)})
}

func (p *pair) thaw(i int) {
	for p.s.Thaw(p.held[i].v) {
	}
	p.held = slices.Delete(p.held, i, i+1)
}

// end frees everything and looks for what is left.
func (p *pair) end() {
	p.check()
	p.tree.Free(p.s)
	require.Zero(p.t, p.tree.Bytes)
	p.model = nil
	for len(p.held) > 0 {
		p.check()
		p.thaw(len(p.held) / 2)
	}
	require.Zero(p.t, p.s.Used())
}

func (p *pair) insertAt(i int, s string) {
	require.NoError(p.t, p.tree.InsertAt(p.s, i, []byte(s)))
	p.model = slices.Insert(p.model, i, s)
}

// push puts an element at an end, the quick way if that can be.
func (p *pair) push(first bool, s string) {
	at := len(p.model)
	if first {
		at = 0
	}
	if p.tree.QuickPush(p.s, []byte(s), first) {
		p.quick++
		p.model = slices.Insert(p.model, at, s)
		return
	}
	p.insertAt(at, s)
}

// take removes the element at an end, the quick way if that can be.
func (p *pair) take(first bool) {
	at := len(p.model) - 1
	if first {
		at = 0
	}
	if out, ok := p.tree.QuickTake(p.s, []byte("before"), first); ok {
		p.quick++
		e, n := packed.Decode(out[len("before"):])
		require.Equal(p.t, len(out), len("before")+n)
		require.Equal(p.t, p.model[at], text(p.s.Mem, e))
	} else {
		require.Equal(p.t, "before", string(out))
		require.NoError(p.t, p.tree.Take(p.s, at, func(e packed.Elem) {
			require.Equal(p.t, p.model[at], text(p.s.Mem, e))
		}))
	}
	p.model = slices.Delete(p.model, at, at+1)
}

func (p *pair) insert(s string) {
	at, found := slices.BinarySearch(p.model, s)
	rank, inserted, err := p.tree.Insert(p.s, []byte(s))
	require.NoError(p.t, err)
	require.Equal(p.t, !found, inserted)
	require.Equal(p.t, at, rank)
	if inserted {
		p.model = slices.Insert(p.model, at, s)
	}
}

func (p *pair) delete(s string) {
	at, found := slices.BinarySearch(p.model, s)
	rank, deleted, err := p.tree.Delete(p.s, []byte(s))
	require.NoError(p.t, err)
	require.Equal(p.t, found, deleted)
	require.Equal(p.t, at, rank)
	if found {
		p.model = slices.Delete(p.model, at, at+1)
	}
}

// word returns a string of some length that depends on n.
func word(n, length int) string {
	s := strconv.Itoa(n)
	if length <= len(s) {
		return s
	}
	return s + strings.Repeat("x", length-len(s))
}

func TestPositionalAtRandom(t *testing.T) {
	for _, shape := range []*Shape{small, {Leaf: 600}, lists} {
		rnd := rand.New(rand.NewPCG(1, 2))
		p := &pair{t: t, s: newSlab(t), tree: Tree{Shape: shape}}
		for step := range 6000 {
			n := len(p.model)
			switch op := rnd.IntN(20); {
			case op < 9 && (step/1500)%2 == 0 || n == 0:
				p.insertAt(rnd.IntN(n+1), word(rnd.IntN(1000), rnd.IntN(40)))
			case op < 10:
				p.insertAt(rnd.IntN(n+1), word(rnd.IntN(1000), rnd.IntN(2*shape.Leaf)))
			case op < 14:
				p.push(op < 12, word(step, 8))
			case op < 16:
				i, s := rnd.IntN(n), word(step, rnd.IntN(30))
				require.NoError(t, p.tree.Set(p.s, i, []byte(s)))
				p.model[i] = s
			case op < 19:
				i := []int{0, rnd.IntN(n), n - 1}[rnd.IntN(3)]
				k := 1 + rnd.IntN(min(n-i, 1+rnd.IntN(8)))
				if k == 1 && (i == 0 || i == n-1) {
					p.take(i == 0)
					continue
				}
				if k == 1 {
					require.NoError(t, p.tree.Take(p.s, i, func(e packed.Elem) {
						require.Equal(t, p.model[i], text(p.s.Mem, e))
					}))
				} else {
					require.NoError(t, p.tree.DeleteRange(p.s, i, k))
				}
				p.model = slices.Delete(p.model, i, i+k)
			default:
				i := rnd.IntN(n)
				e, ok := p.tree.At(p.s.Mem, i)
				require.True(t, ok)
				require.Equal(t, p.model[i], text(p.s.Mem, e))
			}
			switch {
			case step%300 == 100:
				p.freeze()
			case step%300 == 250:
				p.thaw(rnd.IntN(len(p.held)))
			}
			if step%100 == 0 {
				p.check()
			}
		}
		require.Greater(t, p.quick, 100)
		p.end()
	}
}

func TestSortedAtRandom(t *testing.T) {
	for _, shape := range []*Shape{smallS, sorted} {
		for _, prefix := range []string{"", "commonprefix", strings.Repeat("long", 40)} {
			rnd := rand.New(rand.NewPCG(3, 4))
			p := &pair{t: t, s: newSlab(t), tree: Tree{Shape: shape}}
			for step := range 4000 {
				s := prefix + word(rnd.IntN(1500), rnd.IntN(20))
				if rnd.IntN(30) == 0 {
					s = prefix + word(rnd.IntN(100), rnd.IntN(2*shape.Leaf))
				}
				if growing := (step/1000)%2 == 0; rnd.IntN(10) < 6 == growing {
					p.insert(s)
				} else {
					p.delete(s)
				}
				switch {
				case step%300 == 100:
					p.freeze()
				case step%300 == 250:
					p.thaw(rnd.IntN(len(p.held)))
				}
				if step%150 == 0 {
					p.check()
				}
				at, found := slices.BinarySearch(p.model, s)
				rank, exact := p.tree.Seek(p.s.Mem, []byte(s))
				require.Equal(t, found, exact)
				require.Equal(t, at, rank)
				s = s[:rnd.IntN(len(s)+1)]
				at, _ = slices.BinarySearch(p.model, s)
				rank, has := p.tree.SeekPrefix(p.s.Mem, []byte(s))
				require.Equal(t, at, rank)
				require.Equal(t, at < len(p.model) && strings.HasPrefix(p.model[at], s), has)
			}
			p.end()
		}
	}
}

// TestQueues moves elements through from one end to the other.
func TestQueues(t *testing.T) {
	for _, shape := range []*Shape{small, lists} {
		for _, length := range []int{1, 10, 30, 200, 800} {
			for _, in := range []bool{false, true} {
				p := &pair{t: t, s: newSlab(t), tree: Tree{Shape: shape}}
				for i := range 3000 {
					n := len(p.model)
					p.push(!in, word(i, 9))
					if n >= length {
						p.take(in)
					}
					if i%500 == 0 {
						p.check()
					}
				}
				p.end()
			}
		}
	}
}

func TestFill(t *testing.T) {
	const n = 30000
	key := func(i int) []byte {
		return append(binary.BigEndian.AppendUint64(nil, uint64(i)), fmt.Sprintf("member:%d", i)...)
	}
	shuffled := rand.New(rand.NewPCG(5, 6)).Perm(n)
	for _, tc := range []struct {
		name  string
		shape *Shape
		least float64
		add   func(t *Tree, s *slab.Slab, i int) error
	}{
		{"push right", lists, 0.955, func(t *Tree, s *slab.Slab, i int) error {
			return t.InsertAt(s, t.Count, []byte(word(i, 20)))
		}},
		{"push left", lists, 0.955, func(t *Tree, s *slab.Slab, i int) error {
			return t.InsertAt(s, 0, []byte(word(i, 20)))
		}},
		{"append", lists, 0.955, func(t *Tree, s *slab.Slab, i int) error {
			return t.Append(s, packed.AppendString(nil, []byte(word(i, 20))))
		}},
		{"sorted up", sorted, 0.92, func(t *Tree, s *slab.Slab, i int) error {
			_, _, err := t.Insert(s, key(i))
			return err
		}},
		{"sorted down", sorted, 0.92, func(t *Tree, s *slab.Slab, i int) error {
			_, _, err := t.Insert(s, key(n-i))
			return err
		}},
		{"sorted at random", sorted, 0.86, func(t *Tree, s *slab.Slab, i int) error {
			_, _, err := t.Insert(s, key(shuffled[i]))
			return err
		}},
	} {
		s := newSlab(t)
		tree := Tree{Shape: tc.shape}
		for i := range n {
			require.NoError(t, tc.add(&tree, s, i))
		}
		check(s.Mem, tree, s.SizeOf)
		content := 0
		c := tree.Cursor(s.Mem, 0)
		for run, k := c.Run(); k > 0; run, k = c.Run() {
			content += len(run)
		}
		fill := float64(content) / float64(tree.Bytes)
		t.Logf("%s: %.3f of %d bytes", tc.name, fill, tree.Bytes)
		require.GreaterOrEqual(t, fill, tc.least, tc.name)
	}
}

func TestCursor(t *testing.T) {
	for _, shape := range []*Shape{small, lists} {
		p := &pair{t: t, s: newSlab(t), tree: Tree{Shape: shape}}
		c := p.tree.Cursor(p.s.Mem, 0)
		_, ok := c.Next()
		require.False(t, ok)
		_, ok = c.Prev()
		require.False(t, ok)
		for i := range 1000 {
			p.insertAt(i, word(i, i%30))
		}
		rnd := rand.New(rand.NewPCG(7, 8))
		for _, from := range []int{0, 1, 500, 999, 1000, -5, 2000} {
			at := min(max(from, 0), 1000)
			c := p.tree.Cursor(p.s.Mem, from)
			for range 3000 {
				require.Equal(t, at, c.Rank())
				if rnd.IntN(2) == 0 {
					for range rnd.IntN(40) {
						e, ok := c.Next()
						require.Equal(t, at < 1000, ok)
						if ok {
							require.Equal(t, p.model[at], text(p.s.Mem, e))
							at++
						}
					}
				} else {
					for range rnd.IntN(40) {
						e, ok := c.Prev()
						require.Equal(t, at > 0, ok)
						if ok {
							at--
							require.Equal(t, p.model[at], text(p.s.Mem, e))
						}
					}
				}
			}
			run, n := p.tree.Run(p.s.Mem, c.Rank())
			if n > 0 {
				require.Equal(t, p.model[at], text(p.s.Mem, first(run)))
			}
			require.Equal(t, n, packed.Count(run))
			run, n = c.Run()
			require.Equal(t, n, packed.Count(run))
			for ; n > 0; n-- {
				require.Equal(t, p.model[at], text(p.s.Mem, first(run)))
				run = run[packed.Skip(run):]
				at++
			}
		}
		require.Zero(t, testing.AllocsPerRun(10, func() {
			c := p.tree.Cursor(p.s.Mem, 1000)
			for _, ok := c.Prev(); ok; _, ok = c.Prev() {
			}
		}))
		p.end()
	}
}

func TestRecord(t *testing.T) {
	for _, tree := range []Tree{
		{Shape: lists}, {Shape: sorted, Root: 64, Count: 1, Bytes: 64},
		{Shape: lists, Root: 1<<48 - 8, Count: maxCount, Bytes: 1<<43 - 8},
		{Shape: lists, Root: 1<<31 + 8, Count: 0x1234567, Bytes: 0x123456789A8},
	} {
		b := tree.AppendTo([]byte("x"))
		require.Len(t, b, 1+RecordSize)
		got, n := Decode(b[1:], tree.Shape)
		require.Equal(t, RecordSize, n)
		require.Equal(t, tree, got)
	}
}

func TestOutOfRange(t *testing.T) {
	s := newSlab(t)
	tree := Tree{Shape: lists}
	for range 2 {
		n := tree.Count
		for _, i := range []int{-1, n + 1, 1 << 30, -1 << 31} {
			require.Equal(t, ErrRange, tree.InsertAt(s, i, []byte("x")))
			require.Equal(t, ErrRange, tree.Set(s, i, []byte("x")))
			require.Equal(t, ErrRange, tree.DeleteRange(s, i, 1))
			require.Equal(t, ErrRange, tree.Take(s, i, nil))
			require.Equal(t, ErrRange, tree.DeleteRange(s, 0, i))
			_, ok := tree.At(s.Mem, i)
			require.False(t, ok)
		}
		require.Equal(t, ErrRange, tree.Set(s, n, []byte("x")))
		require.NoError(t, tree.DeleteRange(s, n, 0))
		require.NoError(t, tree.InsertAt(s, 0, []byte("12")))
	}
}

func TestCloneAndFree(t *testing.T) {
	for _, shape := range []*Shape{small, smallS, lists} {
		s := newSlab(t)
		p := &pair{t: t, s: s, tree: Tree{Shape: shape}}
		for i := range 600 {
			s := word(i, i%3*i)
			if shape.Sorted {
				p.insert(strings.Repeat("p", 60) + s)
			} else {
				p.insertAt(i/2, s)
			}
		}
		other := newSlab(t)
		c, err := p.tree.Clone(s.Mem, other)
		require.NoError(t, err)
		check(other.Mem, c, other.SizeOf)
		require.Equal(t, p.model, all(other.Mem, c))
		require.Equal(t, p.tree.Bytes, c.Bytes)
		require.Equal(t, other.Used(), c.Bytes)
		p.end()
		require.Len(t, all(other.Mem, c), 600)
		c.Free(other)
		require.Zero(t, other.Used())
		c, err = p.tree.Clone(s.Mem, other)
		require.NoError(t, err)
		require.Zero(t, c.Count)
	}
}

func TestAppend(t *testing.T) {
	for _, shape := range []*Shape{small, smallS, lists} {
		p := &pair{t: t, s: newSlab(t), tree: Tree{Shape: shape}}
		rnd := rand.New(rand.NewPCG(9, 10))
		n := 0
		for step := range 100 {
			var run []byte
			for range rnd.IntN(100) {
				w := fmt.Sprintf("%06d", n) + strings.Repeat("y", rnd.IntN(30))
				if n%50 == 0 {
					w += strings.Repeat("z", 2*shape.Leaf)
				}
				if !shape.Sorted && n%3 == 0 {
					w = strconv.Itoa(n)
					run = packed.AppendValue(run, []byte(w))
				} else {
					run = packed.AppendString(run, []byte(w))
				}
				p.model = append(p.model, w)
				n++
			}
			require.NoError(t, p.tree.Append(p.s, run))
			if step%10 == 0 {
				p.check()
				p.freeze()
			}
		}
		p.end()
	}
}

// TestNoMemory lets memory run out anywhere in an operation: the tree is whole after that and has what it had.
func TestNoMemory(t *testing.T) {
	for _, shape := range []*Shape{small, smallS} {
		r, err := slab.NewRegion()
		require.NoError(t, err)
		defer func() { require.NoError(t, r.Close()) }()
		s := slab.New(r)
		r.Limit(16 * slab.BlockSize)
		p := &pair{t: t, s: s, tree: Tree{Shape: shape}}
		rnd := rand.New(rand.NewPCG(11, 12))
		failed := 0
		for step := range 12000 {
			w := strings.Repeat("q", rnd.IntN(2)*50) + word(rnd.IntN(3000), rnd.IntN(400))
			n := len(p.model)
			var err error
			switch at := rnd.IntN(n + 1); {
			case rnd.IntN(5) == 0 && n > 0 && at < n:
				if err = p.tree.DeleteRange(s, at, 1); err == nil {
					p.model = slices.Delete(p.model, at, at+1)
				}
			case shape.Sorted:
				at, found := slices.BinarySearch(p.model, w)
				if _, _, err = p.tree.Insert(s, []byte(w)); err == nil && !found {
					p.model = slices.Insert(p.model, at, w)
				}
			case rnd.IntN(5) == 0 && at < n:
				if err = p.tree.Set(s, at, []byte(w)); err == nil {
					p.model[at] = w
				}
			default:
				if err = p.tree.InsertAt(s, at, []byte(w)); err == nil {
					p.model = slices.Insert(p.model, at, w)
				}
			}
			if err != nil {
				require.ErrorIs(t, err, slab.ErrNoMemory)
				check(s.Mem, p.tree, s.SizeOf)
				if failed++; failed%50 == 0 {
					p.check()
					used := s.Used()
					c, _ := p.tree.Clone(s.Mem, s)
					c.Free(s)
					require.Equal(t, used, s.Used())
				}
				if len(p.held) > 0 {
					p.thaw(0)
				} else if failed%100 == 0 {
					k := len(p.model) / 2
					require.NoError(t, p.tree.DeleteRange(s, 0, k))
					p.model = slices.Delete(p.model, 0, k)
				}
			}
			if step%400 == 0 {
				p.freeze()
			}
		}
		require.NotZero(t, failed)
		p.end()
	}
}

// TestHotPathsAllocateNothing covers what commands do most.
func TestHotPathsAllocateNothing(t *testing.T) {
	s := newSlab(t)
	list, set := Tree{Shape: lists}, Tree{Shape: sorted}
	for i := range 5000 {
		require.NoError(t, list.InsertAt(s, i, []byte(word(i, 20))))
		_, _, err := set.Insert(s, []byte(word(i, 20)))
		require.NoError(t, err)
	}
	k := []byte("some-element-here")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if list.InsertAt(s, 0, k) != nil || list.InsertAt(s, list.Count, k) != nil || list.Set(s, 2000, k) != nil {
			panic("failed")
		}
		if list.DeleteRange(s, 0, 1) != nil || list.DeleteRange(s, list.Count-1, 1) != nil {
			panic("failed")
		}
		list.At(s.Mem, 2500)
		if _, ok, err := set.Insert(s, k); !ok || err != nil {
			panic("failed")
		}
		if _, exact := set.Seek(s.Mem, k); !exact {
			panic("failed")
		}
		if _, ok, err := set.Delete(s, k); !ok || err != nil {
			panic("failed")
		}
	}))
}
