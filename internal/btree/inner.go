package btree

import (
	"cmp"
	"encoding/binary"

	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// # An inner node
//
//	0   u32  birth, the slab's
//	4   u8   kindInner
//	6   u16  size of the cell
//	8   u16  number of children
//	10  u16  where the separators start
//	12  u16  bytes of separators that no child has any more
//	16       child | child | ... | child | room | ... separator | separator |
//
//	child    u48 ref | u48 elements below it | u16 offset of its separator, 0 without one
//
// Separators are elements of package packed, the newest first. Those of children that went stay, as dead bytes, until
// the node is written anew. The first child of a node has none: whatever is less than the second child's is its.
const (
	atKeys = 10
	atDead = 12

	childSize  = 14
	innerLeast = 128
	maxInner   = 1088 // with little left over where a span is cut into cells of it

	// A separator of more bytes than maxKey is lone.
	maxKey = 48
	// childRoom is the most that one child more takes.
	childRoom = childSize + maxKey + 1
)

func (x node) initInner() {
	x[atKind], x[atMarks] = kindInner, 0
	x.set(atSize, len(x))
	x.set(atCount, 0)
	x.set(atKeys, len(x))
	x.set(atDead, 0)
}

func (x node) entry(i int) []byte        { return x[header+childSize*i : header+childSize*(i+1)] }
func (x node) child(i int) slab.Ref      { return slab.Ref(binary.LittleEndian.Uint64(x.entry(i)) & maxRef) }
func (x node) childCount(i int) int      { return int(binary.LittleEndian.Uint64(x.entry(i)[4:]) >> 16) }
func (x node) freeRoom() int             { return x.get(atKeys) - header - childSize*x.count() }
func (x node) innerUsed() int            { return len(x) - x.freeRoom() - x.get(atDead) }
func (x node) addCount(i, n int)         { x.setCount(i, x.childCount(i)+n) }
func (x node) hasKey(i int) bool         { return x.keyAt(i) != 0 }
func (x node) keyAt(i int) int           { return le16(x.entry(i)[12:]) }
func (x node) keyElem(i int) packed.Elem { e, _ := packed.Decode(x[x.keyAt(i):]); return e }

func (x node) setChild(i int, ref slab.Ref) {
	e := x.entry(i)
	binary.LittleEndian.PutUint32(e, uint32(ref))
	put16(e[4:], int(ref>>32))
}

func (x node) setCount(i, n int) {
	e := x.entry(i)
	binary.LittleEndian.PutUint32(e[6:], uint32(n))
	put16(e[10:], int(uint64(n)>>32))
}

// keyBytes returns the separator of child i as it is kept, none without one.
func (x node) keyBytes(i int) []byte {
	at := x.keyAt(i)
	if at == 0 {
		return nil
	}
	return x[at : at+packed.Skip(x[at:])]
}

// childAt returns the child that has the element of a rank below this node, which has total elements, and how many
// elements are before the child. It counts from the nearer end.
func (x node) childAt(rank, total int) (i, before int) {
	if rank < total/2 {
		for {
			n := x.childCount(i)
			if rank < before+n {
				return i, before
			}
			before += n
			i++
		}
	}
	before = total
	for i = x.count() - 1; ; i-- {
		if before -= x.childCount(i); before <= rank {
			return i, before
		}
	}
}

// countBefore returns how many elements are before child i.
func (x node) countBefore(i int) int {
	n := 0
	for j := range i {
		n += x.childCount(j)
	}
	return n
}

// childFor returns the child that the key belongs to.
func (x node) childFor(m slab.Mem, k *sought) int {
	lo, hi := 1, x.count()
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		b := x[x.keyAt(mid):]
		var c int
		if head, ok := k.headOf(b); ok && head != k.head {
			c = cmp.Compare(head, k.head)
		} else {
			b, _ := stringAt(m, b)
			c = k.compare(b)
		}
		if c <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// insertChild puts a child at place i. key is its separator as it is to be kept. The cell has room.
func (x node) insertChild(i int, ref slab.Ref, count int, key []byte) {
	n := x.count()
	from := header + childSize*i
	copy(x[from+childSize:], x[from:header+childSize*n])
	x.set(atCount, n+1)
	x.setChild(i, ref)
	x.setCount(i, count)
	x.setKey(i, key)
}

// setKey gives a child a separator, as it is to be kept. The cell has room.
func (x node) setKey(i int, key []byte) {
	at := 0
	if len(key) > 0 {
		at = x.get(atKeys) - len(key)
		copy(x[at:], key)
		x.set(atKeys, at)
	}
	put16(x.entry(i)[12:], at)
}

// dropKey takes a child's separator from it.
func (x node) dropKey(i int) {
	x.set(atDead, x.get(atDead)+len(x.keyBytes(i)))
	put16(x.entry(i)[12:], 0)
}

// removeChild takes out a child that has no separator.
func (x node) removeChild(i int) {
	n := x.count()
	from := header + childSize*i
	copy(x[from:], x[from+childSize:header+childSize*n])
	x.set(atCount, n-1)
}

// appendChildren adds children of another node. The first of them gets the separator given.
func (x node) appendChildren(from node, lo, hi int, firstKey []byte) {
	for i := lo; i < hi; i++ {
		key := firstKey
		if i > lo {
			key = from.keyBytes(i)
		}
		x.insertChild(x.count(), from.child(i), from.childCount(i), key)
	}
}

// half returns where to part a node in two of about the same size.
func (x node) half() int {
	target, size := x.innerUsed()/2, header
	n := x.count()
	for i := 1; i < n-1; i++ {
		if size += childSize + len(x.keyBytes(i)); size >= target {
			return i
		}
	}
	return n - 1
}
