package btree

import (
	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// maxDepth bounds the height of trees. An inner node that splits has at least 13 children, so a tree of this height has
// seen more than 6^20 leaves.
const maxDepth = 22

// path leads from the root to a leaf.
type path struct {
	ref [maxDepth]slab.Ref // ref[0] is the root, ref[n-1] the leaf
	at  [maxDepth]int      // ref[k+1] is child at[k] of ref[k]
	n   int
}

func (p *path) leaf(m slab.Mem) node { return open(m, p.ref[p.n-1]) }

// leftmost and rightmost say that nothing in the tree is before the leaf, or behind it.
func (p *path) leftmost() bool {
	for k := range p.n - 1 {
		if p.at[k] != 0 {
			return false
		}
	}
	return true
}

func (p *path) rightmost(m slab.Mem) bool {
	for k := range p.n - 1 {
		if p.at[k] != open(m, p.ref[k]).count()-1 {
			return false
		}
	}
	return true
}

// toRank leads to the element of a rank, and returns its number in the leaf.
func (t *Tree) toRank(m slab.Mem, rank int, p *path) int {
	p.ref[0], p.n = t.Root, 1
	x, total := open(m, t.Root), t.Count
	for x.inner() {
		i, before := x.childAt(rank, total)
		rank -= before
		total = x.childCount(i)
		p.push(i, x.child(i))
		x = open(m, p.ref[p.n-1])
	}
	return rank
}

// toKey leads to where a key is or belongs, and returns its rank, its number in the leaf and its offset, and whether it
// is there. The tree isn't empty.
func (t *Tree) toKey(m slab.Mem, key []byte, p *path) (rank, i, off int, exact bool) {
	k := newSought(key)
	p.ref[0], p.n = t.Root, 1
	x := open(m, t.Root)
	for x.inner() {
		c := x.childFor(m, &k)
		ref := x.child(c)
		lookAhead(m, ref)
		rank += x.countBefore(c)
		p.push(c, ref)
		x = open(m, ref)
	}
	i, off, exact = x.seek(m, &k)
	return rank + i, i, off, exact
}

func (p *path) push(at int, ref slab.Ref) {
	p.at[p.n-1] = at
	p.ref[p.n] = ref
	p.n++
}

// alloc returns a cell of the tree for n bytes.
func (t *Tree) alloc(s *slab.Slab, n int) (slab.Ref, node, error) {
	ref, err := s.Alloc(slab.Container, n)
	if err != nil {
		return 0, nil, err
	}
	n = slab.CellSize(n)
	t.Bytes += int64(n)
	return ref, node(s.At(ref, n)), nil
}

// free gives up a node.
func (t *Tree) free(s *slab.Slab, ref slab.Ref) {
	t.Bytes -= int64(len(open(s.Mem, ref)))
	s.Free(ref)
}

// allocLone keeps a string in a cell of its own and returns its ref.
func (t *Tree) allocLone(s *slab.Slab, b []byte) (slab.Ref, error) {
	if len(b) > packed.MaxLen-loneHeader {
		return 0, slab.ErrNoMemory
	}
	ref, x, err := t.alloc(s, loneHeader+len(b))
	if err == nil {
		copy(x[loneHeader:], b)
	}
	return ref, err
}

// freeLone gives up the cell of a lone element, if it is one.
func (t *Tree) freeLone(s *slab.Slab, e packed.Elem) {
	if e.Lone != 0 {
		t.Bytes -= int64(slab.CellSize(loneHeader + e.LoneLen))
		s.Free(slab.Ref(e.Lone))
	}
}

// swap puts a new node in the place of level k of the path and gives up the old one. The nodes above are private.
func (t *Tree) swap(s *slab.Slab, p *path, k int, ref slab.Ref) {
	t.free(s, p.ref[k])
	t.link(s, p, k, ref)
}

// link leads the path at level k, and the tree, to another node.
func (t *Tree) link(s *slab.Slab, p *path, k int, ref slab.Ref) {
	p.ref[k] = ref
	if k == 0 {
		t.Root = ref
		return
	}
	open(s.Mem, p.ref[k-1]).setChild(p.at[k-1], ref)
}

// own makes the inner nodes of a path private.
func (t *Tree) own(s *slab.Slab, p *path) error {
	if !s.HasVersions() {
		return nil
	}
	for k := range p.n - 1 {
		if !s.Frozen(p.ref[k]) {
			continue
		}
		old := open(s.Mem, p.ref[k])
		ref, x, err := t.alloc(s, len(old))
		if err != nil {
			return err
		}
		copy(x[atKind:], old[atKind:])
		t.swap(s, p, k, ref)
	}
	return nil
}

// widen makes room for one child more in each inner node of a private path.
func (t *Tree) widen(s *slab.Slab, p *path) error {
	for k := 0; k < p.n-1; k++ {
		x := open(s.Mem, p.ref[k])
		if x.freeRoom() >= childRoom {
			continue
		}
		if used := x.innerUsed() + childRoom; used <= maxInner {
			ref, y, err := t.alloc(s, min(used+used/8, maxInner))
			if err != nil {
				return err
			}
			y.initInner()
			y.appendChildren(x, 0, x.count(), nil)
			t.swap(s, p, k, ref)
			continue
		}
		if k == 0 {
			if err := t.raise(s, p); err != nil {
				return err
			}
			k++
		}
		if err := t.splitInner(s, p, k); err != nil {
			return err
		}
	}
	return nil
}

// raise puts a new root on the tree whose only child is the old one.
func (t *Tree) raise(s *slab.Slab, p *path) error {
	if p.n == maxDepth {
		return slab.ErrNoMemory
	}
	ref, x, err := t.alloc(s, innerLeast)
	if err != nil {
		return err
	}
	x.initInner()
	x.insertChild(0, t.Root, t.Count, nil)
	copy(p.ref[1:p.n+1], p.ref[:p.n])
	copy(p.at[1:p.n], p.at[:p.n-1])
	p.ref[0], p.at[0] = ref, 0
	p.n++
	t.Root = ref
	return nil
}

// splitInner parts the inner node at level k of a private path, whose parent has room for one child more. The path goes
// on through the part that has its next node.
func (t *Tree) splitInner(s *slab.Slab, p *path, k int) error {
	x, parent := open(s.Mem, p.ref[k]), open(s.Mem, p.ref[k-1])
	n, at := x.count(), x.half()
	refs, parts, err := t.allocTwo(s, x.partSize(0, at)+childRoom, x.partSize(at, n)+childRoom)
	if err != nil {
		return err
	}
	left, right := parts[0], parts[1]
	left.initInner()
	left.appendChildren(x, 0, at, nil)
	right.initInner()
	right.appendChildren(x, at, n, nil)
	c := p.at[k-1]
	below := right.countBefore(n - at)
	parent.addCount(c, -below)
	parent.insertChild(c+1, refs[1], below, x.keyBytes(at))
	t.swap(s, p, k, refs[0])
	if p.at[k] >= at {
		p.at[k] -= at
		p.at[k-1]++
		p.ref[k] = refs[1]
	}
	return nil
}

// partSize returns the size of a node with some of the children.
func (x node) partSize(lo, hi int) int {
	n := header
	for i := lo; i < hi; i++ {
		n += childSize + len(x.keyBytes(i))
	}
	return n
}

// allocTwo returns two cells, or none.
func (t *Tree) allocTwo(s *slab.Slab, n1, n2 int) (refs [2]slab.Ref, parts [2]node, err error) {
	if refs[0], parts[0], err = t.alloc(s, n1); err != nil {
		return refs, parts, err
	}
	if refs[1], parts[1], err = t.alloc(s, n2); err != nil {
		t.Bytes -= int64(len(parts[0]))
		s.Free(refs[0])
	}
	return refs, parts, err
}

// count adds to the numbers of elements along a private path.
func (t *Tree) count(s *slab.Slab, p *path, n int) {
	for k := range p.n - 1 {
		open(s.Mem, p.ref[k]).addCount(p.at[k], n)
	}
	t.Count += n
}
