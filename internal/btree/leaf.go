package btree

import (
	"bytes"
	"encoding/binary"

	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// # A leaf
//
//	0   u32  birth, the slab's
//	4   u8   kindLeaf, with loneFlag if some element may be lone
//	5   u8   number of marks
//	6   u16  size of the cell
//	8   u16  number of elements
//	10  u16  where the first one starts
//	12  u16  where the last one ends
//	14  u16  base of the numbers in marks
//	16       room | element | element | ... | element | room | ... mark 1 | mark 0 |
//
// With room on both sides, elements come and go at either end without a move of the others.
//
// # Marks
//
// Elements can be passed over only forwards. So that a long leaf need not be walked from its start, for its last
// element least of all, it has marks: 4 bytes for about every markEvery bytes of elements, with the offset and the
// number of an element. The number minus the base (modulo 2^16) is the element's number in the leaf, so that what comes
// or goes at the front changes the base only. Marks are hints: where there is no room for one there is none.
type node []byte

const (
	kindLeaf  = 1
	kindInner = 2
	kindMask  = 0x0F
	loneFlag  = 0x80

	atKind  = 4
	atMarks = 5
	atSize  = 6
	atCount = 8
	atStart = 10
	atEnd   = 12
	atBase  = 14
	header  = 16

	markSize  = 4
	markEvery = 320
	maxMarks  = 255
)

func le16(b []byte) int         { return int(binary.LittleEndian.Uint16(b)) }
func put16(b []byte, v int)     { binary.LittleEndian.PutUint16(b, uint16(v)) }
func compare(a, b []byte) int   { return bytes.Compare(a, b) }
func (x node) get(at int) int   { return le16(x[at:]) }
func (x node) set(at, v int)    { put16(x[at:], v) }
func (x node) inner() bool      { return x[atKind]&kindMask == kindInner }
func (x node) count() int       { return x.get(atCount) }
func (x node) marks() int       { return int(x[atMarks]) }
func (x node) mayBeLone() bool  { return x[atKind]&loneFlag != 0 }
func (x node) noteLone()        { x[atKind] |= loneFlag }
func (x node) content() int     { return x.get(atEnd) - x.get(atStart) }
func (x node) elements() []byte { return x[x.get(atStart):x.get(atEnd)] }

// open returns the node at a ref.
func open(m slab.Mem, ref slab.Ref) node {
	b := m.From(ref)
	n := le16(b[atSize:])
	return node(b[:n:n])
}

// lookAhead has the processor load a node in which a key is to be looked for, most of it, instead of one line after the
// other as the search gets there.
func lookAhead(m slab.Mem, ref slab.Ref) { m.Prefetch(ref, 1024) }

// initLeaf makes a leaf without elements of a new cell.
func (x node) initLeaf() {
	x[atKind], x[atMarks] = kindLeaf, 0
	x.set(atSize, len(x))
	x.set(atCount, 0)
	x.set(atStart, header)
	x.set(atEnd, header)
	x.set(atBase, 0)
}

// leafNeed returns the size of cell that a leaf needs for elements of some bytes in all and at least so many marks.
func leafNeed(content, marks int) int {
	return header + content + markSize*max(marks, content/markEvery)
}

// need returns the size of cell that the leaf's elements need with some bytes more.
func (x node) need(extra int) int { return leafNeed(x.content()+extra, x.marks()) }

// limit returns where the marks start.
func (x node) limit() int { return len(x) - markSize*x.marks() }

// mark returns the offset and the number of the element that mark j is for.
func (x node) mark(j int) (off, i int) {
	m := x[len(x)-markSize*(j+1):]
	return le16(m), int(uint16(le16(m[2:]) - x.get(atBase)))
}

// setMark writes mark j.
func (x node) setMark(j, off, i int) {
	m := x[len(x)-markSize*(j+1):]
	put16(m, off)
	put16(m[2:], i+x.get(atBase))
}

// marksUpTo returns how many marks are for elements up to number i.
func (x node) marksUpTo(i int) int {
	lo, hi := 0, x.marks()
	if hi == 0 {
		return 0
	}
	// Most changes are at the ends.
	if _, at := x.mark(hi - 1); at <= i {
		return hi
	}
	if _, at := x.mark(0); at > i {
		return 0
	}
	for lo < hi {
		mid := (lo + hi) / 2
		if _, at := x.mark(mid); at <= i {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// nearest returns the offset and the number of the last element up to number i that is known by a mark or as the first.
func (x node) nearest(i int) (off, at int) {
	if j := x.marksUpTo(i); j > 0 {
		return x.mark(j - 1)
	}
	return x.get(atStart), 0
}

// offset returns where element i starts; where the last one ends if there are only i.
func (x node) offset(i int) int {
	if i == x.count() {
		return x.get(atEnd)
	}
	off, at := x.nearest(i)
	for ; at < i; at++ {
		off += packed.Skip(x[off:])
	}
	return off
}

// stringAt returns the bytes of the first element of b, which is no integer, and how many it takes in b.
func stringAt(m slab.Mem, b []byte) ([]byte, int) {
	if s, ok := packed.Short(b); ok {
		return s, 1 + len(s)
	}
	e, n := packed.Decode(b)
	return Bytes(m, e), n
}

// seek returns the number and the offset of the first element that is not less than the key, and whether it equals it.
func (x node) seek(m slab.Mem, k *sought) (i, off int, exact bool) {
	lo, hi := 0, x.marks()
	for lo < hi {
		mid := (lo + hi) / 2
		at, _ := x.mark(mid)
		if b, _ := stringAt(m, x[at:]); k.compare(b) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	off = x.get(atStart)
	if lo > 0 {
		off, i = x.mark(lo - 1)
	}
	for end := x.get(atEnd); off < end; i++ {
		if head, ok := k.headOf(x[off:]); ok && head < k.head {
			off += 1 + int(x[off])
			continue
		}
		b, n := stringAt(m, x[off:])
		if c := k.compare(b); c >= 0 {
			return i, off, c == 0
		}
		off += n
	}
	return i, off, false
}

// splice makes room of size bytes for k elements in the place of the n from number i on, which lie in x[from:to], and
// returns it: there the caller writes them, and then calls mend. The cell has the room in all.
func (x node) splice(i, n, from, to, k, size int) []byte {
	split := x.marksUpTo(i - 1) // marks before are for elements of the head
	if n > 0 {
		x.dropMarks(split, x.marksUpTo(i+n-1))
	}
	delta := size - (to - from)
	moveHead := false
	if delta > 0 {
		var slid int
		moveHead, slid = x.clear(from, to, delta)
		from, to = from+slid, to+slid
	} else {
		moveHead = from-x.get(atStart) < x.get(atEnd)-to
	}
	start, end := x.get(atStart), x.get(atEnd)
	if moveHead {
		copy(x[start-delta:], x[start:from])
		x.set(atStart, start-delta)
		// The base moves all numbers; those of the head are moved back.
		x.set(atBase, x.get(atBase)-(k-n))
		x.shiftMarks(0, split, -delta, -(k - n))
		from -= delta
	} else {
		copy(x[to+delta:], x[to:end])
		x.set(atEnd, end+delta)
		x.shiftMarks(split, x.marks(), delta, k-n)
	}
	x.set(atCount, x.count()+k-n)
	return x[from : from+size : from+size]
}

// clear decides whether what is before x[from:to] is to move to make delta bytes more of it, or what is behind, and
// slides all elements along where neither has room, or where that spares later moves. It returns how far.
func (x node) clear(from, to, delta int) (moveHead bool, slid int) {
	start, end, limit := x.get(atStart), x.get(atEnd), x.limit()
	front, back := start-header, limit-end
	head, tail := from-start, end-to
	switch {
	case head <= tail && front >= delta:
		return true, 0
	case head == 0 && tail > 0:
		// More will come at the front: all room goes there, but for the marks.
		slid = back - markSize*max(0, len(x)/markEvery-x.marks())
		if slid > 0 && front+slid >= delta {
			x.slide(slid)
			return true, slid
		}
	}
	if back >= delta {
		return false, 0
	}
	if front >= delta && tail > 0 {
		return true, 0
	}
	x.slide(-front)
	return false, -front
}

// slide moves all elements within the cell.
func (x node) slide(by int) {
	start, end := x.get(atStart), x.get(atEnd)
	copy(x[start+by:], x[start:end])
	x.set(atStart, start+by)
	x.set(atEnd, end+by)
	x.shiftMarks(0, x.marks(), by, 0)
}

// shiftMarks adds to the offsets and the numbers of marks.
func (x node) shiftMarks(from, to, offset, number int) {
	for j := from; j < to; j++ {
		m := x[len(x)-markSize*(j+1):]
		put16(m, le16(m)+offset)
		put16(m[2:], le16(m[2:])+number)
	}
}

// dropMarks removes marks.
func (x node) dropMarks(from, to int) {
	if from == to {
		return
	}
	n, end := x.marks(), len(x)
	copy(x[end-markSize*(n-to+from):end-markSize*from], x[end-markSize*n:end-markSize*to])
	x[atMarks] = byte(n - (to - from))
}

// mend adds marks where a change of element i has left a long stretch without any.
func (x node) mend(i int) {
	j := x.marksUpTo(i)
	off, at := x.get(atStart), 0
	if j > 0 {
		off, at = x.mark(j - 1)
	}
	stop := x.get(atEnd)
	if j < x.marks() {
		stop, _ = x.mark(j)
	}
	for next := off; stop-off > 2*markEvery; {
		next += packed.Skip(x[next:])
		at++
		if next >= stop || x.limit()-markSize < x.get(atEnd) || x.marks() == maxMarks {
			return
		}
		if next-off < markEvery {
			continue
		}
		n, end := x.marks(), len(x)
		copy(x[end-markSize*(n+1):], x[end-markSize*n:end-markSize*j])
		x[atMarks]++
		x.setMark(j, next, at)
		j++
		off = next
	}
}

// take fills a leaf that has none with elements. gapFront leaves the room that is over in front of them.
func (x node) take(count, content int, gapFront bool, parts ...[]byte) {
	at := header
	if gapFront {
		at = max(header, len(x)-markSize*(len(x)/markEvery)-content)
	}
	x.set(atStart, at)
	for _, p := range parts {
		at += copy(x[at:], p)
	}
	x.set(atEnd, at)
	x.set(atCount, count)
	x.mend(0)
}

// takeAll fills a leaf that has none with the elements and marks of another.
func (x node) takeAll(from node, gapFront bool) {
	start, n := from.get(atStart), from.content()
	at := header
	if gapFront {
		at = max(header, len(x)-markSize*max(len(x)/markEvery, from.marks())-n)
	}
	copy(x[at:], from.elements())
	x[atKind], x[atMarks] = from[atKind], from[atMarks]
	x.set(atStart, at)
	x.set(atEnd, at+n)
	x.set(atCount, from.count())
	x.set(atBase, from.get(atBase))
	copy(x[len(x)-markSize*x.marks():], from[from.limit():])
	x.shiftMarks(0, x.marks(), at-start, 0)
}
