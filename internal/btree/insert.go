package btree

import (
	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// item is an element that is to be written.
type item struct {
	s     []byte
	size  int // in a leaf
	value bool
	lone  slab.Ref
}

// item prepares an element. A lone one has its cell then; drop gives it up again.
func (t *Tree) item(s *slab.Slab, b []byte) (it item, err error) {
	it = item{s: b, value: !t.Shape.Sorted}
	if it.value {
		it.size = packed.SizeValue(b)
	} else {
		it.size = packed.SizeString(b)
	}
	if it.size > t.Shape.maxLeaf()/4 {
		it.size = packed.LoneSize
		it.lone, err = t.allocLone(s, b)
	}
	return it, err
}

func (t *Tree) drop(s *slab.Slab, it *item) {
	if it.lone != 0 {
		t.freeLone(s, packed.Elem{Lone: uint64(it.lone), LoneLen: len(it.s)})
	}
}

// write writes the element into room of its size.
func (it *item) write(x node, room []byte) {
	switch {
	case it.lone != 0:
		packed.AppendLone(room[:0], uint64(it.lone), len(it.s))
		x.noteLone()
	case it.value:
		packed.AppendValue(room[:0], it.s)
	default:
		packed.AppendString(room[:0], it.s)
	}
}

// InsertAt inserts an element before the one at position i, or at the end where i is Count. Another position is
// ErrRange. The bytes are copied. O(log n). The tree is positional.
func (t *Tree) InsertAt(s *slab.Slab, i int, elem []byte) error {
	if i < 0 || i > t.Count || t.Count == maxCount {
		return ErrRange
	}
	if err := t.begin(s); err != nil {
		return err
	}
	var p path
	n := 0
	if i > 0 {
		n = t.toRank(s.Mem, i-1, &p) + 1
	} else {
		t.toRank(s.Mem, 0, &p)
	}
	return t.insert(s, &p, n, elem)
}

// begin gives an empty tree a leaf.
func (t *Tree) begin(s *slab.Slab) error {
	if t.Root != 0 {
		return nil
	}
	ref, x, err := t.alloc(s, leafLeast)
	if err != nil {
		return err
	}
	x.initLeaf()
	t.Root = ref
	return nil
}

// end takes from a tree what begin and raise have given it for a change that has failed: an empty leaf, or a root with
// one child.
func (t *Tree) end(s *slab.Slab) {
	if t.Count == 0 && t.Root != 0 {
		t.free(s, t.Root)
		t.Root = 0
	}
	if t.Root != 0 {
		t.lower(s)
	}
}

// Insert inserts an element where it belongs, unless it is there, and returns its rank. The bytes are copied. O(log n).
// The tree is sorted.
func (t *Tree) Insert(s *slab.Slab, elem []byte) (rank int, inserted bool, err error) {
	if t.Count == maxCount {
		return 0, false, ErrRange
	}
	if err := t.begin(s); err != nil {
		return 0, false, err
	}
	var p path
	rank, i, _, exact := t.toKey(s.Mem, elem, &p)
	if exact {
		return rank, false, nil
	}
	if err := t.insert(s, &p, i, elem); err != nil {
		return 0, false, err
	}
	return rank, true, nil
}

// insert inserts an element as number i of the path's leaf.
func (t *Tree) insert(s *slab.Slab, p *path, i int, elem []byte) error {
	it, err := t.item(s, elem)
	if err != nil {
		t.end(s)
		return err
	}
	if err = t.own(s, p); err == nil {
		i, err = t.makeRoom(s, p, i, &it, 0)
	}
	if err != nil {
		t.drop(s, &it)
		t.end(s)
		return err
	}
	x := p.leaf(s.Mem)
	off := x.offset(i)
	it.write(x, x.splice(i, 0, off, off, 1, it.size))
	x.mend(i)
	t.count(s, p, 1)
	return nil
}

// Set replaces the element at position i, which must be there: else it is ErrRange. In a sorted tree the new one must
// belong in the old one's place. O(log n).
func (t *Tree) Set(s *slab.Slab, i int, elem []byte) error {
	if i < 0 || i >= t.Count {
		return ErrRange
	}
	it, err := t.item(s, elem)
	if err != nil {
		return err
	}
	var p path
	n := t.toRank(s.Mem, i, &p)
	x := p.leaf(s.Mem)
	oldSize := packed.Skip(x[x.offset(n):])
	if err = t.own(s, &p); err == nil {
		n, err = t.makeRoom(s, &p, n, &it, oldSize)
	}
	if err != nil {
		t.drop(s, &it)
		t.end(s)
		return err
	}
	x = p.leaf(s.Mem)
	off := x.offset(n)
	old, _ := packed.Decode(x[off:])
	old.Str = nil
	it.write(x, x.splice(n, 1, off, off+oldSize, 1, it.size))
	x.mend(n)
	t.freeLone(s, old)
	if it.size < oldSize {
		t.settle(s, &p)
	}
	return nil
}

const (
	leafLeast = 64
	// endRoom is the part of a leaf that must be free for the leaf's elements to be moved for the sake of one that
	// comes at its start or end: else each of many that come there would move them all.
	endRoom = 8
	// In a tree of more bytes than fullFrom leaves have, a new leaf at one of its ends has its full size at once.
	fullFrom = 16
)

// fits says whether element i can take so many bytes more in a leaf as it is, or be inserted there.
func (t *Tree) fits(x node, i, extra int, insert bool) bool {
	if x.need(extra) > len(x) {
		return false
	}
	near := len(x)
	switch {
	case !insert || t.Shape.Sorted || len(x) <= 512:
	case i == x.count():
		near = x.limit() - x.get(atEnd)
	case i == 0:
		near = x.get(atStart) - header
	}
	return near >= extra || len(x)-x.need(0) >= len(x)/endRoom
}

// makeRoom makes the leaf of a path private, and its cell such that element i can be inserted there, or can replace the
// one that has oldSize bytes. The leaf may split: then the path leads to the part where i is, and i is the number that
// is returned. The path above is private.
func (t *Tree) makeRoom(s *slab.Slab, p *path, i int, it *item, oldSize int) (int, error) {
	x := p.leaf(s.Mem)
	extra := it.size - oldSize
	frozen, fits := s.Frozen(p.ref[p.n-1]), t.fits(x, i, extra, oldSize == 0)
	if fits && !frozen {
		return i, nil
	}
	size, need := len(x), x.need(extra)
	if !fits {
		size = t.leafSize(need, oldSize == 0 && (i == 0 || i == x.count()))
		if need > size || size <= len(x) {
			return t.splitLeaf(s, p, i, it, oldSize)
		}
	}
	ref, y, err := t.alloc(s, size)
	if err != nil {
		return i, err
	}
	y.initLeaf()
	y.takeAll(x, i == 0 && x.count() > 1)
	t.swap(s, p, p.n-1, ref)
	return i, nil
}

// leafSize returns the size that a leaf gets which needs so much, with some room to grow. Where an element comes at its
// end more are likely to come.
func (t *Tree) leafSize(need int, atEnd bool) int {
	most := t.Shape.maxLeaf()
	switch {
	case !atEnd:
		need += need / 16
	case t.Bytes > int64(fullFrom*most):
		return most
	default:
		need += need / 4
	}
	return min(slab.CellSize(need), most)
}

// splitLeaf parts the leaf of a path in two, such that element i can be put in place. The path above is private.
func (t *Tree) splitLeaf(s *slab.Slab, p *path, i int, it *item, oldSize int) (int, error) {
	if p.n == 1 {
		if err := t.raise(s, p); err != nil {
			return i, err
		}
	}
	if err := t.widen(s, p); err != nil {
		return i, err
	}
	x := p.leaf(s.Mem)
	switch {
	case oldSize == 0 && i == x.count() && p.rightmost(s.Mem):
		return 0, t.splitEnd(s, p, it)
	case oldSize == 0 && i == 0 && p.leftmost():
		return 0, t.splitStart(s, p, it)
	}
	extra := it.size - oldSize
	at, off := x.middle()
	left, right := x[x.get(atStart):off], x[off:x.get(atEnd)]
	k, err := t.separator(s, x.lastOf(s.Mem, at), Bytes(s.Mem, first(right)))
	if err != nil {
		return i, err
	}
	inLeft := i < at || i == at && oldSize == 0 && k.n > 0 && compare(it.s, Bytes(s.Mem, first(k.bytes()))) < 0
	more := [2]int{0, extra}
	if inLeft {
		more = [2]int{extra, 0}
	}
	refs, parts, err := t.allocTwo(s, partNeed(len(left), more[0]), partNeed(len(right), more[1]))
	if err != nil {
		t.freeKey(s, k.bytes())
		return i, err
	}
	n := x.count() - at
	for j, part := range [2][]byte{left, right} {
		parts[j].initLeaf()
		parts[j][atKind] = x[atKind]
		parts[j].take([2]int{at, n}[j], len(part), false, part)
	}
	t.addLeaf(s, p, refs[1], n, k.bytes())
	t.swap(s, p, p.n-1, refs[0])
	if !inLeft {
		p.at[p.n-2]++
		p.ref[p.n-1] = refs[1]
		i -= at
	}
	return i, nil
}

// partNeed returns the size of the cell for a part of a leaf, with room to grow where an element is to come.
func partNeed(content, extra int) int {
	n := leafNeed(content+max(extra, 0), 0) + markSize
	if extra > 0 {
		n += n / 8
	}
	return n
}

// middle returns the element boundary of a leaf that is nearest to the middle: the number and the offset of the element
// behind it. On both sides are some.
func (x node) middle() (at, off int) {
	start := x.get(atStart)
	off = start
	half := start + x.content()/2
	for last := x.count() - 1; at < last; at++ {
		size := packed.Skip(x[off:])
		if at > 0 && off+size/2 > half {
			break
		}
		off += size
	}
	return at, off
}

// splitEnd begins a new leaf at the end of the tree for an element that goes behind all others.
func (t *Tree) splitEnd(s *slab.Slab, p *path, it *item) error {
	x := p.leaf(s.Mem)
	k, err := t.separator(s, x.lastOf(s.Mem, x.count()), it.s)
	if err != nil {
		return err
	}
	ref, y, err := t.alloc(s, t.leafSize(leafNeed(it.size, 0), true))
	if err != nil {
		t.freeKey(s, k.bytes())
		return err
	}
	y.initLeaf()
	t.addLeaf(s, p, ref, 0, k.bytes())
	t.trim(s, p)
	p.at[p.n-2]++
	p.ref[p.n-1] = ref
	return nil
}

// splitStart begins a new leaf at the start of the tree for an element that goes before all others.
func (t *Tree) splitStart(s *slab.Slab, p *path, it *item) error {
	x := p.leaf(s.Mem)
	k, err := t.separator(s, it.s, Bytes(s.Mem, first(x.elements())))
	if err != nil {
		return err
	}
	ref, y, err := t.alloc(s, t.leafSize(leafNeed(it.size, 0), true))
	if err != nil {
		t.freeKey(s, k.bytes())
		return err
	}
	y.initLeaf()
	y.set(atStart, y.limit()-markSize*(len(y)/markEvery))
	y.set(atEnd, y.get(atStart))
	n := x.count()
	t.trim(s, p)
	t.addLeaf(s, p, p.ref[p.n-1], n, k.bytes())
	t.link(s, p, p.n-1, ref)
	return nil
}

// trim gives back the room that a leaf has at which no more elements are likely to come. Without memory it stays.
func (t *Tree) trim(s *slab.Slab, p *path) {
	x := p.leaf(s.Mem)
	need := x.need(0)
	if len(x)-slab.CellSize(need) < len(x)/16 {
		return
	}
	if ref, y, err := t.alloc(s, need); err == nil {
		y.initLeaf()
		y.takeAll(x, false)
		t.swap(s, p, p.n-1, ref)
	}
}

// addLeaf enters a leaf to the right of the path's, n of whose elements are in it. The parent has room.
func (t *Tree) addLeaf(s *slab.Slab, p *path, ref slab.Ref, n int, key []byte) {
	parent, c := open(s.Mem, p.ref[p.n-2]), p.at[p.n-2]
	parent.addCount(c, -n)
	parent.insertChild(c+1, ref, n, key)
}

// first returns the first element of a sequence.
func first(b []byte) packed.Elem {
	e, _ := packed.Decode(b)
	return e
}

// lastOf returns the bytes of the last of a leaf's first n elements.
func (x node) lastOf(m slab.Mem, n int) []byte { return Bytes(m, first(x[x.offset(n-1):])) }

// separatorKey is a separator as it is kept in a node.
type separatorKey struct {
	b [maxKey + 1]byte
	n int
}

func (k *separatorKey) bytes() []byte { return k.b[:k.n] }

// separator returns the shortest beginning of b that is greater than a; nothing in a positional tree.
func (t *Tree) separator(s *slab.Slab, a, b []byte) (k separatorKey, err error) {
	if !t.Shape.Sorted {
		return k, nil
	}
	n := 0
	for n < len(a) && a[n] == b[n] {
		n++
	}
	b = b[:n+1]
	if len(b) <= maxKey {
		k.n = len(packed.AppendString(k.b[:0], b))
		return k, nil
	}
	ref, err := t.allocLone(s, b)
	if err == nil {
		k.n = len(packed.AppendLone(k.b[:0], uint64(ref), len(b)))
	}
	return k, err
}

// freeKey gives up the cell of a separator, if it is lone.
func (t *Tree) freeKey(s *slab.Slab, key []byte) {
	if len(key) > 0 {
		t.freeLone(s, first(key))
	}
}

// Append adds elements at the end: a sequence of package packed. In a sorted tree they are strings, in order, and
// greater than all that are there. On an error the first ones may have been added. O(log n + the length of the run).
func (t *Tree) Append(s *slab.Slab, run []byte) error {
	var digits [20]byte
	for len(run) > 0 {
		if t.Count == maxCount {
			return ErrRange
		}
		if err := t.begin(s); err != nil {
			return err
		}
		var p path
		t.toRank(s.Mem, max(t.Count-1, 0), &p)
		x := p.leaf(s.Mem)
		if n, size := t.fitting(x, run); n > 0 {
			if err := t.appendTo(s, &p, n, run[:size]); err != nil {
				t.end(s)
				return err
			}
			run = run[size:]
			continue
		}
		e, size := packed.Decode(run)
		b := e.Str
		if e.IsInt {
			b = e.AppendTo(digits[:0])
		}
		if err := t.insert(s, &p, x.count(), b); err != nil {
			return err
		}
		run = run[size:]
	}
	return nil
}

// fitting returns how many elements of a run a leaf can take at its end, and their size.
func (t *Tree) fitting(x node, run []byte) (n, size int) {
	most := t.Shape.maxLeaf()
	for size < len(run) {
		one := packed.Skip(run[size:])
		if one > most/4 || x.need(size+one) > most {
			break
		}
		size += one
		n++
	}
	return n, size
}

// appendTo adds n elements at the end of a path's leaf, which can grow so far.
func (t *Tree) appendTo(s *slab.Slab, p *path, n int, run []byte) error {
	if err := t.own(s, p); err != nil {
		return err
	}
	x := p.leaf(s.Mem)
	if s.Frozen(p.ref[p.n-1]) || x.need(len(run)) > len(x) {
		ref, y, err := t.alloc(s, max(len(x), slab.CellSize(x.need(len(run)))))
		if err != nil {
			return err
		}
		y.initLeaf()
		y.takeAll(x, false)
		t.swap(s, p, p.n-1, ref)
		x = y
	}
	i, end := x.count(), x.get(atEnd)
	copy(x.splice(i, 0, end, end, n, len(run)), run)
	x.mend(i)
	t.count(s, p, n)
	return nil
}
