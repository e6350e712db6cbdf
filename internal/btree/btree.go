package btree

import "github.com/darterdb/darter/internal/slab"

// Children passes on the cells that a node leads to; lone says that one of them is no node but the bytes of an element.
func Children(m slab.Mem, ref slab.Ref, fn func(ref slab.Ref, lone bool)) {}
