package btree

import (
	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// Cursor goes over the elements of a tree from a position on, in both directions. It is good until the tree changes;
// over the nodes of a version for as long as that is held. It allocates nothing.
//
// Where a leaf ends it goes down from the root again.
type Cursor struct {
	m    slab.Mem
	t    Tree
	rank int // of the element that Next returns
	leaf node
	from int // the rank of the leaf's first element
	off  int // where the element of the rank starts in the leaf

	// Where some elements start: those up to the leaf's number backTo - 1, back to backFrom. Walks to the front use it.
	back             [backSteps]uint16
	backFrom, backTo int
}

const backSteps = 64

// Cursor returns a cursor that stands before the element at a position, from 0 to Count.
func (t *Tree) Cursor(m slab.Mem, rank int) Cursor {
	return Cursor{m: m, t: *t, rank: min(max(rank, 0), t.Count)}
}

// Rank returns the position of the element that Next returns next.
func (c *Cursor) Rank() int { return c.rank }

// Move has the cursor stand before the element at a position, from 0 to Count.
func (c *Cursor) Move(rank int) { *c = c.t.Cursor(c.m, rank) }

// Next returns the next element, if there is one.
func (c *Cursor) Next() (packed.Elem, bool) {
	if c.leaf == nil || c.off == c.leaf.get(atEnd) {
		if c.rank >= c.t.Count {
			return packed.Elem{}, false
		}
		i := c.enter(c.rank)
		c.off = c.leaf.offset(i)
	}
	e, n := packed.Decode(c.leaf[c.off:])
	c.off += n
	c.rank++
	return e, true
}

// Run returns the elements from the next one to the last of its leaf as one sequence, and how many there are, and goes
// on behind them. At the end there are none.
func (c *Cursor) Run() (run []byte, n int) {
	if c.leaf == nil || c.off == c.leaf.get(atEnd) {
		if c.rank >= c.t.Count {
			return nil, 0
		}
		i := c.enter(c.rank)
		c.off = c.leaf.offset(i)
	}
	end := c.leaf.get(atEnd)
	run, n = c.leaf[c.off:end:end], c.from+c.leaf.count()-c.rank
	c.off, c.rank = end, c.rank+n
	return run, n
}

// Run returns the elements from a position to the end of their leaf as one sequence, and how many there are: none where
// the tree ends.
func (t *Tree) Run(m slab.Mem, rank int) (run []byte, n int) {
	if rank < 0 || rank >= t.Count {
		return nil, 0
	}
	x, i := t.leafAt(m, rank)
	end := x.get(atEnd)
	return x[x.offset(i):end:end], x.count() - i
}

// enter opens the leaf that has an element and returns the element's number there.
func (c *Cursor) enter(rank int) int {
	var i int
	c.leaf, i = c.t.leafAt(c.m, rank)
	c.from = rank - i
	c.backTo = 0
	return i
}

// Prev returns the element before the one that Next would return, and goes before it.
func (c *Cursor) Prev() (packed.Elem, bool) {
	if c.rank == 0 {
		return packed.Elem{}, false
	}
	if c.leaf == nil || c.rank <= c.from {
		c.enter(c.rank - 1)
	}
	c.rank--
	i := c.rank - c.from
	if i < c.backFrom || i >= c.backTo {
		c.walkTo(i)
	}
	c.off = int(c.back[i%backSteps])
	e, _ := packed.Decode(c.leaf[c.off:])
	return e, true
}

// walkTo notes where element i of the leaf and those before it start.
func (c *Cursor) walkTo(i int) {
	off, at := c.leaf.nearest(i)
	c.backFrom, c.backTo = max(at, i+1-backSteps), i+1
	for ; ; at++ {
		c.back[at%backSteps] = uint16(off)
		if at == i {
			return
		}
		off += packed.Skip(c.leaf[off:])
	}
}
