package btree

import (
	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// Delete removes an element, if it is there, and returns the rank it had. O(log n). The tree is sorted.
func (t *Tree) Delete(s *slab.Slab, elem []byte) (rank int, deleted bool, err error) {
	if t.Root == 0 {
		return 0, false, nil
	}
	var p path
	rank, i, _, exact := t.toKey(s.Mem, elem, &p)
	if !exact {
		return rank, false, nil
	}
	if err := t.cut(s, &p, i, 1, nil); err != nil {
		return 0, false, err
	}
	return rank, true, nil
}

// Take passes the element at a position, which must be there, to use, and removes it: else it is ErrRange. If it fails
// for want of memory use may have been called. O(log n).
func (t *Tree) Take(s *slab.Slab, i int, use func(packed.Elem)) error {
	if i < 0 || i >= t.Count {
		return ErrRange
	}
	var p path
	return t.cut(s, &p, t.toRank(s.Mem, i, &p), 1, use)
}

// DeleteRange removes n elements from position from on. Positions that the tree doesn't have are ErrRange. On an error
// the first ones may have been removed. O(log n) for each leaf that has some of them, and O(1) for each lone one.
func (t *Tree) DeleteRange(s *slab.Slab, from, n int) error {
	if from < 0 || n < 0 || from > t.Count-n {
		return ErrRange
	}
	for n > 0 {
		var p path
		i := t.toRank(s.Mem, from, &p)
		k := min(n, p.leaf(s.Mem).count()-i)
		if err := t.cut(s, &p, i, k, nil); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// cut removes k elements of a path's leaf from number i on. The first of them is passed to use before, if that isn't
// nil.
func (t *Tree) cut(s *slab.Slab, p *path, i, k int, use func(packed.Elem)) error {
	if err := t.own(s, p); err != nil {
		return err
	}
	x := p.leaf(s.Mem)
	from := x.offset(i)
	if use != nil {
		use(first(x[from:]))
	}
	if k == x.count() {
		t.freeLones(s, x.elements(), x)
		t.count(s, p, -k)
		t.unlink(s, p)
		return nil
	}
	to := from + packed.Offset(x[from:], k)
	if !s.Frozen(p.ref[p.n-1]) {
		t.freeLones(s, x[from:to], x)
		x.splice(i, k, from, to, 0, 0)
		if i > 0 && i < x.count() {
			x.mend(i)
		}
		t.count(s, p, -k)
		t.settle(s, p)
		return nil
	}
	content := x.content() - (to - from)
	ref, y, err := t.alloc(s, leafNeed(content, 0)+markSize)
	if err != nil {
		return err
	}
	y.initLeaf()
	y[atKind] = x[atKind]
	y.take(x.count()-k, content, false, x[x.get(atStart):from], x[to:x.get(atEnd)])
	t.freeLones(s, x[from:to], x)
	t.swap(s, p, p.n-1, ref)
	t.count(s, p, -k)
	return nil
}

// freeLones gives up the cells of a leaf's lone elements that are among b.
func (t *Tree) freeLones(s *slab.Slab, b []byte, x node) {
	if !x.mayBeLone() {
		return
	}
	for len(b) > 0 {
		e, n := packed.Decode(b)
		t.freeLone(s, e)
		b = b[n:]
	}
}

// unlink takes the leaf of a private path out of the tree, and the nodes above that have nothing else.
func (t *Tree) unlink(s *slab.Slab, p *path) {
	for {
		p.n--
		t.free(s, p.ref[p.n])
		if p.n == 0 {
			t.Root = 0
			return
		}
		x := open(s.Mem, p.ref[p.n-1])
		t.cutChild(s, x, p.at[p.n-1])
		if x.count() > 0 {
			break
		}
	}
	t.joinInner(s, p, p.n-1)
	t.lower(s)
}

// cutChild takes a child out of a private inner node, with its separator; another that becomes the first needs none.
func (t *Tree) cutChild(s *slab.Slab, x node, i int) {
	t.freeKey(s, x.keyBytes(i))
	x.dropKey(i)
	if i == 0 && x.count() > 1 {
		t.freeKey(s, x.keyBytes(1))
		x.dropKey(1)
	}
	x.removeChild(i)
}

// lower takes the root away while it has only one child.
func (t *Tree) lower(s *slab.Slab) {
	for x := open(s.Mem, t.Root); x.inner() && x.count() == 1; x = open(s.Mem, t.Root) {
		child := x.child(0)
		t.free(s, t.Root)
		t.Root = child
	}
}

// fullWith says that the leaf's cell is not too large for elements of so many bytes.
func (x node) fullWith(content int) bool {
	return leafNeed(content, 0)+markSize > len(x)/2 || len(x) <= leafLeast
}

// settle gives the leaf of a private path that has become half empty to a neighbour, or else a smaller cell. Where
// there is no memory for that it stays as it is.
func (t *Tree) settle(s *slab.Slab, p *path) {
	x := p.leaf(s.Mem)
	if x.fullWith(x.content()) {
		return
	}
	need := leafNeed(x.content(), 0) + markSize
	if p.n > 1 {
		c := p.at[p.n-2]
		if t.join(s, p, c) || c > 0 && t.join(s, p, c-1) {
			t.joinInner(s, p, p.n-2)
			t.lower(s)
			return
		}
	}
	size := slab.CellSize(max(need+need/8, leafLeast))
	if size >= len(x) {
		return
	}
	if ref, y, err := t.alloc(s, size); err == nil {
		y.initLeaf()
		y[atKind] = x[atKind]
		y.take(x.count(), x.content(), x.get(atStart)-header > x.limit()-x.get(atEnd), x.elements())
		t.swap(s, p, p.n-1, ref)
	}
}

// join makes one leaf of children c and c+1 of the last inner node of a path, if they are small enough.
func (t *Tree) join(s *slab.Slab, p *path, c int) bool {
	parent := open(s.Mem, p.ref[p.n-2])
	if c+1 >= parent.count() {
		return false
	}
	left, right := open(s.Mem, parent.child(c)), open(s.Mem, parent.child(c+1))
	content := left.content() + right.content()
	need, most := leafNeed(content, 0)+markSize, t.Shape.maxLeaf()
	if need > most*3/4 {
		return false
	}
	ref, x, err := t.alloc(s, need+need/8)
	if err != nil {
		return false
	}
	x.initLeaf()
	x[atKind] = left[atKind] | right[atKind]
	x.take(left.count()+right.count(), content, false, left.elements(), right.elements())
	t.freeKey(s, parent.keyBytes(c+1))
	t.merged(s, parent, c, ref)
	return true
}

// merged puts a new node in the place of children c and c+1 of an inner node, and gives these up.
func (t *Tree) merged(s *slab.Slab, parent node, c int, ref slab.Ref) {
	t.free(s, parent.child(c))
	t.free(s, parent.child(c+1))
	parent.setChild(c, ref)
	parent.addCount(c, parent.childCount(c+1))
	parent.dropKey(c + 1)
	parent.removeChild(c + 1)
}

// joinInner gives the children of small inner nodes of a private path, from level k up, to neighbours. Where there is
// no memory for that they stay as they are.
func (t *Tree) joinInner(s *slab.Slab, p *path, k int) {
	for ; k > 0; k-- {
		x := open(s.Mem, p.ref[k])
		c := p.at[k-1]
		if x.innerUsed() > maxInner/4 || !t.joinAt(s, p, k, c) && (c == 0 || !t.joinAt(s, p, k, c-1)) {
			return
		}
	}
}

// joinAt makes one inner node of children c and c+1 of the node above level k, if they are small enough.
func (t *Tree) joinAt(s *slab.Slab, p *path, k, c int) bool {
	parent := open(s.Mem, p.ref[k-1])
	if c+1 >= parent.count() {
		return false
	}
	left, right := open(s.Mem, parent.child(c)), open(s.Mem, parent.child(c+1))
	size := left.innerUsed() + right.innerUsed() + len(parent.keyBytes(c+1))
	if size > maxInner*3/4 {
		return false
	}
	ref, x, err := t.alloc(s, size+childRoom)
	if err != nil {
		return false
	}
	x.initInner()
	x.appendChildren(left, 0, left.count(), nil)
	x.appendChildren(right, 0, right.count(), parent.keyBytes(c+1))
	t.merged(s, parent, c, ref)
	return true
}
