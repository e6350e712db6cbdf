package btree

import (
	"encoding/binary"

	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// Children passes on the cells that a node leads to; lone says that one of them is no node but the bytes of an element.
func Children(m slab.Mem, ref slab.Ref, fn func(ref slab.Ref, lone bool)) {
	x := open(m, ref)
	if !x.inner() {
		x.lones(func(_ int, e packed.Elem) { fn(slab.Ref(e.Lone), true) })
		return
	}
	for i := range x.count() {
		fn(x.child(i), false)
		if x.hasKey(i) {
			if e := x.keyElem(i); e.Lone != 0 {
				fn(slab.Ref(e.Lone), true)
			}
		}
	}
}

// lones passes on a leaf's lone elements and where they are.
func (x node) lones(fn func(off int, e packed.Elem)) {
	if !x.mayBeLone() {
		return
	}
	for off, end := x.get(atStart), x.get(atEnd); off < end; {
		e, n := packed.Decode(x[off:])
		if e.Lone != 0 {
			fn(off, e)
		}
		off += n
	}
}

// Free gives up all nodes, and leaves an empty tree. O(nodes).
func (t *Tree) Free(s *slab.Slab) {
	if t.Root != 0 {
		freeAll(s, t.Root)
	}
	*t = Tree{Shape: t.Shape}
}

func freeAll(s *slab.Slab, ref slab.Ref) {
	Children(s.Mem, ref, func(child slab.Ref, lone bool) {
		if lone {
			s.Free(child)
		} else {
			freeAll(s, child)
		}
	})
	s.Free(ref)
}

// Clone copies a tree to another slab, or the same. On an error nothing is left of the copy. O(n).
func (t *Tree) Clone(m slab.Mem, to *slab.Slab) (Tree, error) {
	c := cloner{from: m, s: to, tree: Tree{Shape: t.Shape, Count: t.Count}}
	if t.Root == 0 {
		return c.tree, nil
	}
	var err error
	if c.tree.Root, err = c.node(t.Root); err != nil {
		for _, ref := range c.made {
			to.Free(ref)
		}
		return Tree{Shape: t.Shape}, err
	}
	return c.tree, nil
}

// cloner copies nodes, and notes which it has made.
type cloner struct {
	from slab.Mem
	s    *slab.Slab
	tree Tree
	made []slab.Ref
}

// cell copies a cell but for its birth.
func (c *cloner) cell(b []byte) (slab.Ref, node, error) {
	ref, x, err := c.tree.alloc(c.s, len(b))
	if err != nil {
		return 0, nil, err
	}
	c.made = append(c.made, ref)
	copy(x[loneHeader:], b[loneHeader:])
	return ref, x, nil
}

// node copies a node with all below it.
func (c *cloner) node(ref slab.Ref) (slab.Ref, error) {
	old := open(c.from, ref)
	ref, x, err := c.cell(old)
	if err != nil {
		return 0, err
	}
	if !x.inner() {
		x.lones(func(off int, e packed.Elem) {
			if err == nil {
				err = c.lone(x[off:], e)
			}
		})
		return ref, err
	}
	for i := range x.count() {
		child, err := c.node(x.child(i))
		if err != nil {
			return 0, err
		}
		x.setChild(i, child)
		if x.hasKey(i) {
			if err := c.lone(x[x.keyAt(i):], x.keyElem(i)); err != nil {
				return 0, err
			}
		}
	}
	return ref, nil
}

// lone copies the cell of an element, if it is lone, and leads the element there.
func (c *cloner) lone(at []byte, e packed.Elem) error {
	if e.Lone == 0 {
		return nil
	}
	ref, _, err := c.cell(c.from.At(slab.Ref(e.Lone), loneHeader+e.LoneLen))
	if err == nil {
		binary.LittleEndian.PutUint64(at[1:], uint64(ref))
	}
	return err
}
