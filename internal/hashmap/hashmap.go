// Package hashmap is the hash table of large containers: byte strings with a value and a time each.
//
// # Words
//
//	page       a cell that holds the entries of one part of all hashes, with room for few more
//	number     pages are numbered from 0 on; which one a hash belongs to follows from the count of pages
//	directory  a radix tree of nodes that leads from a page's number to its cell
//	entry      a key, its value and its time
//	lone       bytes too long for a page, in a cell of their own
//
// # Layout
//
//	record     root ref u64 | count u64 | bytes u64 | bytes of pages u64 | pages u32 |    in the container's raw bytes
//	directory  birth u32 | head u32 | ref u48 | ref u48 | ... 64 of them                           392 B
//	page       see page.go
//	head       kind 2 bits, count 14 bits (of a directory's node: its slots) | size of the cell in units of 8 B u16 |
//
// A ref of 0 is a page without entries. Of one page the root is that page; of up to 64 it is a node that grows with
// their number; of more, nodes have full size.
//
// # Growth
//
// By linear hashing (Litwin, 1980), so that there is never a stop for rehashing and no page of the directory stands for
// another. With n pages, 2^b <= n < 2^(b+1), a hash's page is its low b+1 bits, or, if there is no such page yet, its
// low b bits:
//
//	n = 6     0      1      2     3     4      5        page 2 is the next to be split, by the third bit, with page 6
//	         000    001     10    11   100    101
//
// When pages are on average fuller than pageFill, the next one in turn is split in two, by the hashes of its keys,
// which are computed anew. When they are much emptier the last page joins the one that it came from. A page's cell
// grows and shrinks with what is in it, so that the uneven filling of linear hashing costs no memory: on average half a
// step of 64 bytes is free.
//
// # Versions
//
// A frozen page is copied to change, and so are the nodes of the directory on the way to it, root first. What may fail
// for want of memory is done before anything changes: an operation that returns an error has done nothing.
//
// # Order
//
// Scans go over pages in the order of their bits reversed, as Redis's do: then the hashes that were passed stay passed,
// however many pages there are at the next step.
package hashmap

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/darterdb/darter/internal/slab"
)

// What a node is. The number stands in its head.
const (
	dirNode = iota
	mapPage
)

const (
	headAt   = 4 // behind the birth
	nodeHead = 8

	refSize = 6
	fanBits = 6
	fan     = 1 << fanBits
	dirMin  = 8 // slots of the least node, a root that is the only one and doubles as it fills
	// maxHeight is that of a directory of as many pages as a record can count.
	maxHeight = (30 + fanBits - 1) / fanBits
	maxPages  = 1 << 30

	pageFill = 704 // bytes of a page's cell, on average, above which pages are split
	minFill  = 288 // and below which they are joined
	step     = 64  // by which cells of pages grow
	maxCount = 1<<14 - 1
	maxPage  = 1 << 18 // bytes
)

// RecordSize is the size of a Map's record.
const RecordSize = 36

func le16(b []byte) int        { return int(binary.LittleEndian.Uint16(b)) }
func le32(b []byte) uint32     { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64     { return binary.LittleEndian.Uint64(b) }
func put16(b []byte, v int)    { binary.LittleEndian.PutUint16(b, uint16(v)) }
func put32(b []byte, v uint32) { binary.LittleEndian.PutUint32(b, v) }
func put64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }

func getRef(b []byte) slab.Ref { return slab.Ref(le32(b)) | slab.Ref(le16(b[4:]))<<32 }

func putRef(b []byte, ref slab.Ref) {
	put32(b, uint32(ref))
	put16(b[4:], int(ref>>32))
}

// setHead writes what a cell is.
func setHead(b []byte, kind, count int) {
	put16(b[headAt:], kind<<14|count)
	put16(b[headAt+2:], len(b)>>3)
}

func kindOf(b []byte) int  { return le16(b[headAt:]) >> 14 }
func countOf(b []byte) int { return le16(b[headAt:]) & maxCount }

// node returns the bytes of a node.
func node(m slab.Mem, ref slab.Ref) []byte {
	b := m.From(ref)
	n := le16(b[headAt+2:]) << 3
	return b[:n:n]
}

// pages is a map's pages by number. The zero value has none.
type pages struct {
	// Root is the node that leads to all others, 0 without any page that has an entry.
	Root slab.Ref
	// Count is how many entries there are.
	Count int
	// Bytes is what the nodes and lone cells take, in whole cells.
	Bytes int64

	inPages int64 // part of Bytes: the pages' cells
	n       int   // how many pages there are
}

// decode reads a record.
func (p *pages) decode(b []byte) {
	p.Root = slab.Ref(le64(b))
	p.Count = int(le64(b[8:]))
	p.Bytes = int64(le64(b[16:]))
	p.inPages = int64(le64(b[24:]))
	p.n = int(le32(b[32:]))
}

// AppendTo appends the record, RecordSize bytes.
func (p *pages) AppendTo(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(p.Root))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(p.Count))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(p.Bytes))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(p.inPages))
	return binary.LittleEndian.AppendUint32(dst, uint32(p.n))
}

// number returns the number of the page that a hash belongs to. There is at least one page.
func (p *pages) number(h uint64) int { return numberOf(h, p.n) }

func numberOf(h uint64, n int) int {
	b := bits.Len(uint(n - 1))
	i := int(h & (1<<b - 1))
	if i >= n {
		i &= 1<<(b-1) - 1
	}
	return i
}

// depth returns how many low bits of a hash make it belong to page i.
func (p *pages) depth(i int) int {
	b := bits.Len(uint(p.n - 1))
	if b > 0 && i < 1<<(b-1) && i+1<<(b-1) >= p.n {
		b--
	}
	return b
}

// height returns how many levels of nodes the directory of n pages has.
func height(n int) int {
	if n <= 1 {
		return 0
	}
	return (bits.Len(uint(n-1)) + fanBits - 1) / fanBits
}

// slot returns where a node of a level, 0 the lowest, has the ref that leads to page i.
func slot(b []byte, i, level int) []byte {
	at := nodeHead + refSize*(i>>(level*fanBits)&(fan-1))
	return b[at : at+refSize : at+refSize]
}

// page returns the cell of page i.
func (p *pages) page(m slab.Mem, i int) slab.Ref { return pageBelow(m, p.Root, p.n, i) }

func pageBelow(m slab.Mem, root slab.Ref, n, i int) slab.Ref {
	for level := height(n) - 1; level >= 0; level-- {
		root = getRef(slot(m.From(root), i, level))
	}
	return root
}

// place is where a page's ref stands: in a node of the directory, or as the root.
type place struct{ slot []byte }

func (p *pages) get(at place) slab.Ref {
	if at.slot == nil {
		return p.Root
	}
	return getRef(at.slot)
}

func (p *pages) set(at place, ref slab.Ref) {
	if at.slot == nil {
		p.Root = ref
	} else {
		putRef(at.slot, ref)
	}
}

// own makes the nodes on the way to page i private, down to a level, and returns where the lowest of them has the ref
// that leads to the page. On an error nothing has changed.
func (p *pages) own(s *slab.Slab, i, level int) (place, error) {
	var old, fresh [maxHeight]slab.Ref
	top := height(p.n) - 1
	if s.HasVersions() {
		ref := p.Root
		for l := top; l >= level; l-- {
			b := node(s.Mem, ref)
			if s.Frozen(ref) {
				var err error
				if fresh[l], err = s.Alloc(slab.Container, len(b)); err != nil {
					for _, ref := range fresh[l:] {
						if ref != 0 {
							s.FreeNow(ref)
						}
					}
					return place{}, err
				}
				old[l] = ref
			}
			ref = getRef(slot(b, i, l))
		}
	}
	at := place{}
	for l := top; l >= level; l-- {
		if fresh[l] != 0 {
			b := node(s.Mem, old[l])
			copy(s.At(fresh[l], len(b))[headAt:], b[headAt:])
			p.set(at, fresh[l])
			s.Free(old[l])
		}
		at = place{slot(s.From(p.get(at)), i, l)}
	}
	return at, nil
}

// newDir makes a node of the directory.
func (p *pages) newDir(s *slab.Slab, slots int) (slab.Ref, []byte, error) {
	n := slab.CellSize(nodeHead + slots*refSize)
	ref, err := s.Alloc(slab.Container, n)
	if err != nil {
		return 0, nil, err
	}
	b := s.At(ref, n)
	setHead(b, dirNode, slots)
	clear(b[nodeHead:])
	p.Bytes += int64(n)
	return ref, b, nil
}

// freeDir frees a node of the directory.
func (p *pages) freeDir(s *slab.Slab, ref slab.Ref) {
	p.Bytes -= int64(len(node(s.Mem, ref)))
	s.Free(ref)
}

// push adds a page with the next number. On an error nothing has changed.
func (p *pages) push(s *slab.Slab, ref slab.Ref) error {
	i := p.n
	switch {
	case i == 0:
		p.Root = ref
	case i >= maxPages:
		return slab.ErrNoMemory
	case i < fan:
		if err := p.pushShort(s, i, ref); err != nil {
			return err
		}
	default:
		if err := p.pushLong(s, i, ref); err != nil {
			return err
		}
	}
	p.n++
	return nil
}

// pushShort is push where the directory has at most one node.
func (p *pages) pushShort(s *slab.Slab, i int, ref slab.Ref) error {
	if i > 1 && countOf(node(s.Mem, p.Root)) > i {
		at, err := p.own(s, i, 0)
		if err == nil {
			p.set(at, ref)
		}
		return err
	}
	dir, b, err := p.newDir(s, min(max(2*i, dirMin), fan))
	if err != nil {
		return err
	}
	if i == 1 {
		putRef(slot(b, 0, 0), p.Root)
	} else {
		copy(b[nodeHead:], node(s.Mem, p.Root)[nodeHead:nodeHead+i*refSize])
		p.freeDir(s, p.Root)
	}
	putRef(slot(b, i, 0), ref)
	p.Root = dir
	return nil
}

// pushLong is push where nodes have full size: it makes those that are to lead to the new page only, lowest first, and
// hangs them in.
func (p *pages) pushLong(s *slab.Slab, i int, ref slab.Ref) error {
	var fresh [maxHeight]slab.Ref
	undo := func(err error) error {
		for _, ref := range fresh {
			if ref != 0 {
				p.freeDir(s, ref)
			}
		}
		return err
	}
	level, top := 0, height(p.n)
	for ; level < top && i>>(level*fanBits)&(fan-1) == 0; level++ {
		dir, b, err := p.newDir(s, fan)
		if err != nil {
			return undo(err)
		}
		putRef(slot(b, i, level), ref)
		fresh[level], ref = dir, dir
	}
	if level == top {
		dir, b, err := p.newDir(s, fan)
		if err != nil {
			return undo(err)
		}
		putRef(slot(b, 0, level), p.Root)
		putRef(slot(b, i, level), ref)
		p.Root = dir
		return nil
	}
	// The page before is under the same node of this level.
	if _, err := p.own(s, i-1, level); err != nil {
		return undo(err)
	}
	above := p.Root
	for l := top - 1; l > level; l-- {
		above = getRef(slot(s.From(above), i, l))
	}
	putRef(slot(s.From(above), i, level), ref)
	return nil
}

// pop takes the last page away, whose cell is the caller's then. On an error nothing has changed.
func (p *pages) pop(s *slab.Slab) error {
	i, top := p.n-1, height(p.n)
	// Nodes that lead to this page only go with it.
	level := 0
	for level < top && i>>(level*fanBits)&(fan-1) == 0 {
		level++
	}
	var gone [maxHeight]slab.Ref
	if height(i) < top {
		// So does the root, which leads to page 0 and this one, or to the node of the pages before and this one's.
		ref := p.Root
		for l := top - 1; l >= 0; l-- {
			gone[l] = ref
			ref = getRef(slot(s.From(ref), i, l))
		}
		p.Root = getRef(slot(s.From(p.Root), 0, top-1))
	} else {
		at, err := p.own(s, i, level)
		if err != nil {
			return err
		}
		ref := p.get(at)
		for l := level - 1; l >= 0; l-- {
			gone[l] = ref
			ref = getRef(slot(s.From(ref), i, l))
		}
		p.set(at, 0)
	}
	for _, ref := range gone {
		if ref != 0 {
			p.freeDir(s, ref)
		}
	}
	p.n--
	return nil
}

// roomFor returns the size of a cell for a page with n bytes in it.
func roomFor(n int) int { return slab.CellSize((n + step - 1) &^ (step - 1)) }

// newPage makes a page with room for n bytes, its head included.
func (p *pages) newPage(s *slab.Slab, kind, count, n int) (slab.Ref, []byte, error) {
	size := roomFor(n)
	if count > maxCount || size > maxPage {
		return 0, nil, fmt.Errorf("%w: hashes are far from even", slab.ErrNoMemory)
	}
	ref, err := s.Alloc(slab.Container, size)
	if err != nil {
		return 0, nil, err
	}
	b := s.At(ref, size)
	setHead(b, kind, count)
	p.inPages += int64(size)
	p.Bytes += int64(size)
	return ref, b, nil
}

// freePage frees a page that nothing leads to any more.
func (p *pages) freePage(s *slab.Slab, ref slab.Ref) {
	if ref == 0 {
		return
	}
	size := int64(len(node(s.Mem, ref)))
	p.inPages -= size
	p.Bytes -= size
	s.Free(ref)
}

// swap puts a page in the place of another, which is freed. On an error nothing has changed, and the new one is freed.
func (p *pages) swap(s *slab.Slab, number int, old, fresh slab.Ref) error {
	at, err := p.own(s, number, 0)
	if err != nil {
		p.freePage(s, fresh)
		return err
	}
	p.set(at, fresh)
	p.freePage(s, old)
	return nil
}

// crowded says that a page is to be split, and sparse that two are to be joined.
func (p *pages) crowded() bool { return p.inPages > int64(p.n)*pageFill }
func (p *pages) sparse() bool  { return p.n > 1 && p.inPages < int64(p.n)*minFill }

// buddy returns the page that page i was split from, and the bit of the hash by which it was.
func buddy(i int) (parent int, bit uint64) {
	bit = 1 << (bits.Len(uint(i)) - 1)
	return i &^ int(bit), bit
}

// splitWith adds a page: it replaces the page that is next in turn by two, which partition makes of it. Without memory
// nothing happens: pages are fuller then, and the next operation tries again.
func (p *pages) splitWith(s *slab.Slab, partition func(from slab.Ref, bit uint64) (low, high slab.Ref, err error)) {
	parent, bit := buddy(p.n)
	from := p.page(s.Mem, parent)
	if from == 0 {
		_ = p.push(s, 0)
		return
	}
	low, high, err := partition(from, bit)
	if err != nil {
		return
	}
	if _, err = p.own(s, parent, 0); err == nil {
		err = p.push(s, high)
	}
	if err != nil {
		p.freePage(s, low)
		p.freePage(s, high)
		return
	}
	// The way is private by now, so this takes no memory; push may have changed it.
	at, _ := p.own(s, parent, 0)
	p.set(at, low)
	p.freePage(s, from)
}

// joinWith takes the last page away: union makes one page of it and the one that it was split from. Without memory
// nothing happens.
func (p *pages) joinWith(s *slab.Slab, union func(low, high slab.Ref) (slab.Ref, error)) {
	last := p.n - 1
	parent, _ := buddy(last)
	low, high := p.page(s.Mem, parent), p.page(s.Mem, last)
	both, err := union(low, high)
	if err != nil {
		return
	}
	at, err := p.own(s, parent, 0)
	if err == nil {
		err = p.pop(s)
	}
	if err != nil {
		if both != low && both != high {
			p.freePage(s, both)
		}
		return
	}
	if p.n == 1 {
		at = place{}
	}
	p.set(at, both)
	for _, ref := range [...]slab.Ref{low, high} {
		if ref != both {
			p.freePage(s, ref)
		}
	}
}

// next returns the cursor behind page i, 0 behind the last.
func (p *pages) next(cursor uint64, i int) uint64 {
	cursor |= ^uint64(0) << p.depth(i)
	return bits.Reverse64(bits.Reverse64(cursor) + 1)
}

// free frees all nodes.
func (p *pages) free(s *slab.Slab) {
	if p.Root != 0 {
		freeBelow(s, p.Root)
	}
	*p = pages{}
}

func freeBelow(s *slab.Slab, ref slab.Ref) {
	Children(s.Mem, ref, func(child slab.Ref, lone bool) {
		if lone {
			s.Free(child)
		} else {
			freeBelow(s, child)
		}
	})
	s.Free(ref)
}

// Children passes on the cells that a node leads to; lone says that one of them is no node but the bytes of an element.
func Children(m slab.Mem, ref slab.Ref, fn func(ref slab.Ref, lone bool)) {
	b := node(m, ref)
	switch kindOf(b) {
	case dirNode:
		for i := range countOf(b) {
			if child := getRef(slot(b, i, 0)); child != 0 {
				fn(child, false)
			}
		}
	case mapPage:
		eachLone(b, func(ref slab.Ref) { fn(ref, true) })
	}
}

// clone copies all nodes into another slab, or the same. On an error nothing is left there.
func (p *pages) clone(m slab.Mem, to *slab.Slab) (pages, error) {
	q := *p
	if p.Root == 0 {
		return q, nil
	}
	var err error
	q.Root, err = cloneBelow(m, p.Root, to)
	return q, err
}

func cloneBelow(m slab.Mem, ref slab.Ref, to *slab.Slab) (slab.Ref, error) {
	from := node(m, ref)
	dst, err := to.Alloc(slab.Container, len(from))
	if err != nil {
		return 0, err
	}
	b := to.At(dst, len(from))
	copy(b[headAt:], from[headAt:])
	// Until a ref has been replaced it is 0, so that what was made can be freed at any time.
	eachRef(b, func(at []byte, n int) {
		child := getRef(at)
		putRef(at, 0)
		if err != nil || child == 0 {
			return
		}
		var copied slab.Ref
		if n < 0 {
			copied, err = cloneBelow(m, child, to)
		} else {
			copied, err = newLone(to, lone(m, child, n))
		}
		if err == nil {
			putRef(at, copied)
		}
	})
	if err != nil {
		freeBelow(to, dst)
		return 0, err
	}
	return dst, nil
}

// eachRef passes on where a node has refs of others, with the length of the bytes where it is lone ones', else -1.
func eachRef(b []byte, fn func(at []byte, n int)) {
	switch kindOf(b) {
	case dirNode:
		for i := range countOf(b) {
			fn(slot(b, i, 0), -1)
		}
	case mapPage:
		eachLoneAt(b, fn)
	}
}
