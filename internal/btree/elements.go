package btree

import "github.com/darterdb/darter/internal/slab"

// Elements returns the elements of a leaf as one sequence, and none of an inner node. It is for trees whose elements have
// refs of cells in them, which their owner must find.
func Elements(m slab.Mem, ref slab.Ref) []byte {
	if x := open(m, ref); !x.inner() {
		return x.elements()
	}
	return nil
}
