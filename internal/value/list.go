package value

import (
	"encoding/binary"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// # Lists
//
//	packed   | form | number of elements, varint | element | element | ... |
//	large    | form | record of a positional B+tree, 16 B | bytes of the elements, 4 B |
//
// A list is packed up to listPackedMax bytes, so that a push to either end moves little and a pop passes over little.
// When a large one is down to half of that it becomes packed again.
//
// Whether OBJECT ENCODING calls a list a listpack or a quicklist is another matter, and a flag of the form: it goes by
// what Redis allows a listpack (list-max-listpack-size), from where on it makes a quicklist, and below which half of it
// that becomes a listpack again. The flag is not needed for anything else. As long as a large list is called a listpack
// its record has the bytes that its elements take, to be held against the limit.
const (
	listQuick = 1 << iota // Redis has a quicklist
	listLarge

	listPackedMax = 1024
	listRawSize   = 1 + btree.RecordSize + 4
	// listHead is the most that stands before the elements of a packed list.
	listHead = 3
)

// listShape is that of the trees: leaves that fill a span without a remainder.
var listShape = btree.Shape{Leaf: 4352}

// Elem is an element of a list. It may be an integer; its bytes come from List.AppendElem.
type Elem = packed.Elem

// List is a list that is open. One that was opened to be changed keeps its elements in the heap's scratch, or in nodes,
// until Raw gives what to store.
type List struct {
	view View
	heap *Heap // nil in one that is only read
	form byte
	n    int
	body []byte // of a packed list its elements, in raw bytes or, from the first change on, in the heap's scratch
	own  bool   // they are in the scratch
	tree btree.Tree
	size int // of a large list that is called a listpack the bytes of its elements
}

// OpenList opens a list for reading, an empty one without raw bytes.
func OpenList(v View, raw []byte) (l List) {
	l.view = v
	l.open(raw)
	return l
}

func (l *List) open(raw []byte) {
	l.tree.Shape = &listShape
	if len(raw) == 0 {
		return
	}
	l.form = raw[0]
	if l.form&listLarge == 0 {
		n, size := binary.Uvarint(raw[1:])
		l.n, l.body = int(n), raw[1+size:]
		return
	}
	l.tree, _ = btree.Decode(raw[1:], &listShape)
	l.n, l.size = l.tree.Count, int(binary.LittleEndian.Uint32(raw[1+btree.RecordSize:]))
}

// Edit opens a list to change it, an empty one without raw bytes. l is the zero List. The raw bytes must stay as they
// are until the first change. Only one list can be open so at a time.
func (l *List) Edit(h *Heap, raw []byte) {
	l.heap, l.view.Mem = h, h.Mem
	l.open(raw)
}

// Len returns the number of elements.
func (l *List) Len() int { return l.n }

// Large says that the list has nodes.
func (l *List) Large() bool { return l.form&listLarge != 0 }

// At returns element i, and whether there is one. Below 0 there is none. O(log n).
func (l *List) At(i int) (Elem, bool) {
	if l.Large() {
		return l.tree.At(l.view.Mem, i)
	}
	return packed.At(l.body, i)
}

// AppendElem appends the bytes of an element of this list.
func (l *List) AppendElem(dst []byte, e Elem) []byte {
	if e.IsInt {
		return e.AppendTo(dst)
	}
	return append(dst, btree.Bytes(l.view.Mem, e)...)
}

// Bytes returns the bytes of an element: those of an integer appended to digits, else the list's own, good until the
// list changes.
func (l *List) Bytes(e Elem, digits []byte) []byte {
	if e.IsInt {
		return e.AppendTo(digits)
	}
	return btree.Bytes(l.view.Mem, e)
}

// ListCursor goes over the elements of a list to its end. It is good until the list changes.
type ListCursor struct {
	m    slab.Mem
	tree btree.Tree
	run  []byte // elements in a row, of which the next is the first
	rank int    // of the first element behind them
}

// From returns a cursor over the elements from position i on, to the end.
func (l *List) From(i int) (c ListCursor) {
	c.rank = i
	switch {
	case l.Large():
		c.m, c.tree = l.view.Mem, l.tree
	case i < l.n:
		c.run = l.body[packed.Offset(l.body, i):]
	}
	return c
}

// Next returns the next element, if there is one.
func (c *ListCursor) Next() (Elem, bool) {
	if len(c.run) == 0 && !c.more() {
		return Elem{}, false
	}
	e, n := packed.Decode(c.run)
	c.run = c.run[n:]
	return e, true
}

// NextBytes returns the bytes of the next element, if there is one: those of an integer appended to digits.
func (c *ListCursor) NextBytes(digits []byte) ([]byte, bool) {
	if len(c.run) == 0 && !c.more() {
		return nil, false
	}
	if s, ok := packed.Short(c.run); ok {
		c.run = c.run[1+len(s):]
		return s, true
	}
	e, n := packed.Decode(c.run)
	c.run = c.run[n:]
	if e.IsInt {
		return e.AppendTo(digits), true
	}
	return btree.Bytes(c.m, e), true
}

// more goes on to the elements of the next leaf, if there is one.
func (c *ListCursor) more() bool {
	var n int
	c.run, n = c.tree.Run(c.m, c.rank)
	c.rank += n
	return n > 0
}

// ListDown goes over the elements of a list to its start. It is good until the list changes.
type ListDown struct {
	back  packed.Reverse
	tree  btree.Cursor
	large bool
}

// DownFrom returns a cursor over the elements from position i down to the start.
func (l *List) DownFrom(i int) (c ListDown) {
	n := max(min(i, l.n-1)+1, 0)
	if c.large = l.Large(); c.large {
		c.tree = l.tree.Cursor(l.view.Mem, n)
	} else {
		c.back = packed.Backwards(l.body, n)
	}
	return c
}

// Next returns the next element on the way to the start, if there is one.
func (c *ListDown) Next() (Elem, bool) {
	if c.large {
		return c.tree.Prev()
	}
	return c.back.Next()
}

// ListMatch looks for elements that are a string.
type ListMatch struct {
	p    packed.Pattern
	s    []byte
	list *List
}

// Matching returns a match for the string s, which it keeps.
func (l *List) Matching(s []byte) ListMatch { return ListMatch{packed.NewPattern(s), s, l} }

// Is says whether an element of the list is the string.
func (m *ListMatch) Is(e Elem) bool {
	if e.Lone != 0 {
		return e.LoneLen == len(m.s) && string(btree.Bytes(m.list.view.Mem, e)) == string(m.s)
	}
	return m.p.Matches(e)
}

// Find returns the position of the first element from position i on that is the string s, and whether there is one.
func (l *List) Find(i int, s []byte) (at int, found bool) {
	m, c := l.Matching(s), l.From(i)
	for ; ; i++ {
		e, ok := c.Next()
		if !ok || m.Is(e) {
			return i, ok
		}
	}
}

// FindDown returns the position of the last element up to position i that is the string s, and whether there is one.
func (l *List) FindDown(i int, s []byte) (at int, found bool) {
	m, c := l.Matching(s), l.DownFrom(i)
	for ; ; i-- {
		e, ok := c.Next()
		if !ok || m.Is(e) {
			return i, ok
		}
	}
}

// ListIndex returns the position that a number means in a list of n elements, below 0 from the end, and whether there
// is an element.
func ListIndex(n int, at int64) (i int, ok bool) {
	if at < 0 {
		at += int64(n)
	}
	return int(at), 0 <= at && at < int64(n)
}

// ListRange clips a range of positions, both included and below 0 from the end, to a list of n elements and returns it
// as bounds. Where nothing is left both are equal.
func ListRange(n int, first, last int64) (from, to int) {
	size := int64(n)
	if first < 0 {
		first = max(first+size, 0)
	}
	if last < 0 {
		last += size
	}
	last = min(last, size-1)
	if first > last {
		return 0, 0
	}
	return int(first), int(last) + 1
}

// AppendPopped appends an element to ones that were taken from a list: a sequence that NextPopped reads.
func (l *List) AppendPopped(dst []byte, e Elem) []byte {
	if e.IsInt {
		return packed.AppendInt(dst, e.Int)
	}
	return packed.AppendString(dst, btree.Bytes(l.view.Mem, e))
}

// NextPopped returns the first of the elements that AppendPopped has put together, as part of b or appended to digits,
// and the rest.
func NextPopped(b, digits []byte) (elem, rest []byte) {
	e, n := packed.Decode(b)
	if e.IsInt {
		return e.AppendTo(digits), b[n:]
	}
	return e.Str, b[n:]
}

// CountPopped returns how many elements AppendPopped has put together.
func CountPopped(b []byte) int { return packed.Count(b) }

// ListSearch says which of the elements that match are wanted.
type ListSearch struct {
	// Rank 1 is the first that matches and those behind it, 2 all but the first; -1 is the last and those before it. It
	// is not 0 or the least int64.
	Rank   int64
	MaxLen int64 // the most elements to compare, 0 for all
}

// Search passes on the positions of elements that are the string s, in the order in which they are found, until found
// returns false. O(n).
func (l *List) Search(s []byte, o ListSearch, found func(i int) (more bool)) {
	n := int64(l.n)
	if o.MaxLen > 0 {
		n = min(n, o.MaxLen)
	}
	m, up := l.Matching(s), l.From(0)
	var down ListDown
	if o.Rank < 0 {
		down = l.DownFrom(l.n - 1)
	}
	left := max(o.Rank, -o.Rank)
	for i := range int(n) {
		var e Elem
		at := i
		if o.Rank < 0 {
			at = l.n - 1 - i
			e, _ = down.Next()
		} else {
			e, _ = up.Next()
		}
		if m.Is(e) {
			if left--; left <= 0 && !found(at) {
				return
			}
		}
	}
}

// Raw returns the list as it is to be stored, and whether it is large; nothing of an empty one. The bytes are in the
// heap's scratch.
func (l *List) Raw() (raw []byte, large bool) {
	switch {
	case l.n == 0:
		return nil, false
	case l.Large():
		return l.record(), true
	}
	l.take()
	b := l.heap.Scratch
	var count [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(count[:], uint64(l.n))
	at := listHead - 1 - k
	b[at] = l.form
	copy(b[at+1:], count[:k])
	return b[at : listHead+len(l.body)], false
}

// record returns the raw bytes of a large list, which are always as long.
func (l *List) record() []byte {
	b := append(l.heap.Scratch[:0], l.form)
	b = l.tree.AppendTo(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(l.size))
	l.heap.Scratch = b
	return b
}

var listOps = typeOps{
	count: func(v View, raw []byte) int {
		l := OpenList(v, raw)
		return l.n
	},
	encoding: func(raw []byte) string {
		if raw[0]&listQuick != 0 {
			return "quicklist"
		}
		return "listpack"
	},
	nodeBytes: func(v View, raw []byte) int64 {
		l := OpenList(v, raw)
		return l.tree.Bytes
	},
	roots: func(v View, raw []byte, dst []Node) []Node {
		l := OpenList(v, raw)
		if l.tree.Root == 0 {
			return dst
		}
		return append(dst, Node{TreeNode, l.tree.Root})
	},
	clone: func(v View, raw []byte, to *Heap) ([]byte, error) {
		l := OpenList(v, raw)
		t, err := l.tree.Clone(v.Mem, to.Slab)
		if err != nil {
			return nil, err
		}
		l.tree, l.heap = t, to
		return l.record(), nil
	},
	parts: listParts,
	build: func(h *Heap) Builder { return &listBuilder{heap: h, tree: btree.Tree{Shape: &listShape}} },
}
