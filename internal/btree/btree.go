// Package btree is the counted B+tree that large lists, sorted sets and streams are kept in: a sequence of byte strings
// in the nodes of a slab, with access by position and, where it is sorted, by value, both in O(log n).
//
// B-trees are from Bayer and McCreight ("Organization and Maintenance of Large Ordered Indexes", 1972); that all
// elements stand in the leaves is the B+tree of Comer's survey ("The Ubiquitous B-Tree", 1979), which also has the
// truncated separators of Bayer and Unterauer ("Prefix B-Trees", 1977). To count the elements below each child makes
// positions searchable: Knuth's ordered trees by rank (The Art of Computer Programming 3, 6.2.3).
//
// # Words
//
//	element    a byte string, in the encoding of package packed
//	rank       the position of an element, from 0
//	leaf       a node with elements
//	inner      a node with children, how many elements each has below it, and separators
//	separator  bytes that are greater than all elements left of a child's, and not greater than any of its own
//	lone       an element, or separator, too long for a node: it stands in a cell of its own
//	path       the nodes from the root to a leaf
//	Shape      what a tree is like: sorted or positional, and how large its leaves get
//
// # Layout
//
//	                      inner  | 310 | 205 "m" | 97 "t" |
//	                           /        |          \
//	inner  | 100 | 110 "f" | 100 "j" |  ...        ...
//	         |      \
//	leaf   | a ab abc ... |  | fa fb ... |
//
// A *positional* tree has no separators, and keeps integers as such. A *sorted* one compares elements with
// bytes.Compare. How nodes look is drawn in leaf.go and inner.go.
//
// Cells are of the size of what is in them and grow with it by a sixteenth or so, up to the shape's maximum; then a
// leaf splits. So memory is about 90 % used whatever the order of inserts, though leaves be half their largest size
// after a split. Where elements are added at the end, or the beginning, of the tree a new leaf begins and leaves the
// last one full. A leaf that has become half empty joins a neighbour or moves to a smaller cell.
//
// # Change, and what a version sees
//
// A node that a version sees is frozen: it is copied before it is changed. Nodes know neither parent nor neighbour, so
// a copy changes only the path above it, up to the root, whose ref is the owner's to keep. Who has a version's Tree
// reads it without a lock.
//
// Each change makes its path its own from the top down, then makes room for one child more in each inner node, where
// that is needed, also from the top down, and only then touches the leaf. A failure to get memory on the way leaves a
// tree that has all its elements and none but those: the change has not happened, though nodes may have moved. So the
// Tree after a failure is to be kept, as after a success.
package btree

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// Shape says what a tree is like. It is not kept with the tree: who opens one knows it.
type Shape struct {
	// Sorted says that the elements are in the order of bytes.Compare, each different from all others, and are kept as
	// strings even where they look like integers.
	Sorted bool
	// Leaf is the size up to which leaves grow, in bytes, from 256 to 32 KiB. An element that takes more than a quarter
	// of it is lone.
	Leaf int
}

// maxLeaf returns the size of the largest leaf's cell.
func (sh *Shape) maxLeaf() int { return slab.CellSize(sh.Leaf) }

// Tree is a sequence of elements in a slab. The zero value but for Shape is an empty one. It is a value: a copy of it
// sees what the original saw until the original is changed, and for ever if a version was made before that.
type Tree struct {
	Shape *Shape
	Root  slab.Ref // 0 of an empty tree
	Count int      // elements
	Bytes int64    // what its nodes and lone cells take, in whole cells
}

// ErrRange says that a position is outside of a tree.
var ErrRange = errors.New("btree: position out of range")

// RecordSize is what AppendTo appends. It is always the same, so that the record of a tree that is being changed can be
// overwritten where it is.
const RecordSize = 16

// AppendTo appends the tree in a few bytes: what Decode needs.
//
//	root 6 B | elements 5 B | bytes of cells / 8 5 B        little-endian
func (t *Tree) AppendTo(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t.Root)|uint64(t.Count)<<48)
	return binary.LittleEndian.AppendUint64(dst, uint64(t.Count)>>16|uint64(t.Bytes)>>3<<24)
}

// Decode returns the tree of a record that AppendTo has made, and the record's size.
func Decode(b []byte, sh *Shape) (Tree, int) {
	lo, hi := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	return Tree{
		Shape: sh,
		Root:  slab.Ref(lo & maxRef),
		Count: int(lo>>48 | hi&(1<<24-1)<<16),
		Bytes: int64(hi >> 24 << 3),
	}, RecordSize
}

const maxRef = 1<<48 - 1

// Bytes returns the bytes of an element, which lie in a node or in a cell of their own. An integer has none: that is
// for Elem.AppendTo.
func Bytes(m slab.Mem, e packed.Elem) []byte {
	if e.Lone != 0 {
		return m.At(slab.Ref(e.Lone), loneHeader+e.LoneLen)[loneHeader:]
	}
	return e.Str
}

// loneHeader is the slab's part of a cell.
const loneHeader = 4

// At returns the element at a position, and whether there is one. It is part of a node: good until the tree changes.
func (t *Tree) At(m slab.Mem, i int) (packed.Elem, bool) {
	if i < 0 || i >= t.Count {
		return packed.Elem{}, false
	}
	x, i := t.leafAt(m, i)
	e, _ := packed.Decode(x[x.offset(i):])
	return e, true
}

// leafAt returns the leaf that has the element of a rank, and its number there.
func (t *Tree) leafAt(m slab.Mem, rank int) (node, int) {
	x, total := open(m, t.Root), t.Count
	for x.inner() {
		i, before := x.childAt(rank, total)
		rank -= before
		total = x.childCount(i)
		x = open(m, x.child(i))
	}
	return x, rank
}

// Seek returns the rank of the first element that is not less than key, Count if all are less, and whether it equals
// key. The tree is sorted.
func (t *Tree) Seek(m slab.Mem, key []byte) (rank int, exact bool) {
	if t.Root == 0 {
		return 0, false
	}
	k := newSought(key)
	x := open(m, t.Root)
	for x.inner() {
		i := x.childFor(m, &k)
		ref := x.child(i)
		lookAhead(m, ref)
		rank += x.countBefore(i)
		x = open(m, ref)
	}
	i, _, exact := x.seek(m, &k)
	return rank + i, exact
}

// SeekPrefix returns the rank of the first element that is not less than prefix, and whether it starts with prefix. The
// tree is sorted.
func (t *Tree) SeekPrefix(m slab.Mem, prefix []byte) (rank int, has bool) {
	rank, exact := t.Seek(m, prefix)
	if exact {
		return rank, true
	}
	e, ok := t.At(m, rank)
	if !ok || e.Len() < len(prefix) {
		return rank, false
	}
	return rank, string(Bytes(m, e)[:len(prefix)]) == string(prefix)
}

// sought is a key that is being looked for. Most comparisons end within its first eight bytes.
type sought struct {
	key  []byte
	head uint64
	long bool // the key has the eight bytes
}

func newSought(key []byte) sought {
	k := sought{key: key}
	if len(key) >= 8 {
		k.head, k.long = binary.BigEndian.Uint64(key), true
	}
	return k
}

// headOf returns the first eight bytes of the element at the start of b, if it is a short one that has them, and the key
// has: mostly they tell which is less.
func (k *sought) headOf(b []byte) (head uint64, ok bool) {
	if len(b) > 8 && b[0] >= 8 && b[0] <= packed.MaxShort && k.long {
		return binary.BigEndian.Uint64(b[1:]), true
	}
	return 0, false
}

// compare returns how b compares with the key: below 0 if it is less.
func (k *sought) compare(b []byte) int {
	if k.long && len(b) >= 8 {
		switch head := binary.BigEndian.Uint64(b); {
		case head < k.head:
			return -1
		case head > k.head:
			return 1
		}
		return compare(b[8:], k.key[8:])
	}
	return compare(b, k.key)
}

// maxCount keeps the count of a tree within its record.
const maxCount = min(1<<40-1, math.MaxInt)
