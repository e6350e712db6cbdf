package btree

import "github.com/darterdb/darter/internal/slab"

// Has says whether a sorted tree has an element. It is Seek without the rank, for which that reads counts. O(log n).
func (t *Tree) Has(m slab.Mem, key []byte) bool {
	if t.Root == 0 {
		return false
	}
	k := newSought(key)
	x := open(m, t.Root)
	for x.inner() {
		ref := x.child(x.childFor(m, &k))
		lookAhead(m, ref)
		x = open(m, ref)
	}
	_, _, exact := x.seek(m, &k)
	return exact
}
