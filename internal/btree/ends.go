package btree

import (
	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// # Quick changes at the ends
//
// Most changes of lists are at their ends, and most of these concern one leaf that has the room, or stays full enough,
// and the numbers of elements in the nodes above it. They are done here without a path or moves of elements, wholly or
// not at all: where a version sees nodes, or more is to be done than that, the caller goes the long way.

// quickDepth is the height up to which trees are changed so.
const quickDepth = 8

// edge leads to the first leaf of a tree, or the last, and returns it with the nodes above.
func (t *Tree) edge(s *slab.Slab, first bool, above *[quickDepth]node) (x node, n int) {
	if t.Root == 0 || s.HasVersions() {
		return nil, 0
	}
	x = open(s.Mem, t.Root)
	for x.inner() {
		if n == quickDepth {
			return nil, 0
		}
		above[n] = x
		n++
		i := 0
		if !first {
			i = x.count() - 1
		}
		x = open(s.Mem, x.child(i))
	}
	return x, n
}

// counted adds to the numbers of elements below the first children of nodes, or the last.
func (t *Tree) counted(above []node, first bool, n int) {
	t.Count += n
	for _, x := range above {
		i := 0
		if !first {
			i = x.count() - 1
		}
		x.addCount(i, n)
	}
}

// QuickPush puts an element at the start of a positional tree, or its end, if that is quickly done, and says whether it
// did. O(log n).
func (t *Tree) QuickPush(s *slab.Slab, elem []byte, first bool) bool {
	var above [quickDepth]node
	x, n := t.edge(s, first, &above)
	if x == nil || len(elem) > packed.MaxShort || t.Count == maxCount {
		return false
	}
	size, start, end := packed.SizeValue(elem), x.get(atStart), x.get(atEnd)
	marks, count := x.marks(), x.count()
	var bare int // the bytes at this end without a mark
	if first {
		if start-header < size {
			return false
		}
		start -= size
		packed.AppendValue(x[start:start:start+size], elem)
		x.set(atStart, start)
		x.set(atBase, x.get(atBase)-1) // which moves all numbers
		bare = end - start
		if marks > 0 {
			off, _ := x.mark(0)
			bare = off - start
		}
	} else {
		if x.limit()-end < size {
			return false
		}
		packed.AppendValue(x[end:end:end+size], elem)
		end += size
		x.set(atEnd, end)
		bare = end - start
		if marks > 0 {
			off, _ := x.mark(marks - 1)
			bare = end - off
		}
	}
	x.set(atCount, count+1)
	if bare > 2*markEvery {
		if first {
			x.mend(0)
		} else {
			x.mend(count)
		}
	}
	t.counted(above[:n], first, 1)
	return true
}

// QuickTake removes the first element of a positional tree, or the last, if that is quickly done, and appends it to dst
// in the encoding of package packed. O(log n).
func (t *Tree) QuickTake(s *slab.Slab, dst []byte, first bool) (out []byte, ok bool) {
	var above [quickDepth]node
	x, n := t.edge(s, first, &above)
	if x == nil || x.count() < 2 || x.mayBeLone() {
		return dst, false
	}
	count, marks := x.count(), x.marks()
	at := x.get(atStart)
	if !first {
		at = x.offset(count - 1)
	}
	size := packed.Skip(x[at:])
	if !x.fullWith(x.content() - size) {
		return dst, false
	}
	out = append(dst, x[at:at+size]...)
	if first {
		if marks > 0 {
			if _, i := x.mark(0); i == 0 {
				x.dropMarks(0, 1)
			}
		}
		x.set(atStart, at+size)
		x.set(atBase, x.get(atBase)+1)
	} else {
		if marks > 0 {
			if _, i := x.mark(marks - 1); i == count-1 {
				x.dropMarks(marks-1, marks)
			}
		}
		x.set(atEnd, at)
	}
	x.set(atCount, count-1)
	t.counted(above[:n], first, -1)
	return out, true
}
