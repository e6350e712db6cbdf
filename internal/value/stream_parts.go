package value

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

var streamOps = typeOps{
	count: func(v View, raw []byte) int {
		s := OpenStream(v.Mem, raw)
		return s.Len
	},
	encoding: func([]byte) string { return "stream" },
	nodeBytes: func(v View, raw []byte) int64 {
		s := OpenStream(v.Mem, raw)
		return int64(s.tailSize) + s.blocks.Bytes + s.blockBytes + s.groups.Bytes
	},
	roots: streamRoots,
	clone: cloneStream,
	parts: streamParts,
	build: func(h *Heap) Builder {
		return &streamBuilder{h: h, s: OpenStream(h.Mem, nil)}
	},
}

func streamRoots(v View, raw []byte, dst []Node) []Node {
	s := OpenStream(v.Mem, raw)
	for _, n := range []Node{{LoneCell, s.tailRef}, {BlockNode, s.blocks.Root}, {TreeNode, s.groups.Root}} {
		if n.Ref != 0 {
			dst = append(dst, n)
		}
	}
	return dst
}

// blockRefs appends the blocks that a leaf of a tree of blocks leads to.
func blockRefs(m slab.Mem, leaf slab.Ref, dst []Node) []Node {
	for b := btree.Elements(m, leaf); len(b) > 0; {
		e, n := packed.Decode(b)
		dst = append(dst, Node{LoneCell, readRef(e.Str[len(e.Str)-refSize:])})
		b = b[n:]
	}
	return dst
}

// cloneStream copies a stream to another heap. On an error nothing is left of the copy.
func cloneStream(v View, raw []byte, to *Heap) ([]byte, error) {
	s := OpenStream(v.Mem, raw)
	c := s
	c.tailRef, c.tailSize, c.blockBytes = 0, 0, 0
	c.blocks, c.groups = btree.Tree{Shape: &blockTree}, btree.Tree{Shape: &groupTree}
	err := c.cloneFrom(v.Mem, &s, to)
	if err != nil {
		_ = c.dropBlocks(to, 0, c.blocks.Count)
		if c.tailRef != 0 {
			to.Free(c.tailRef)
		}
		c.groups.Free(to.Slab)
		return nil, err
	}
	raw, _ = c.Raw(to)
	return raw, nil
}

func (s *Stream) cloneFrom(m slab.Mem, from *Stream, to *Heap) (err error) {
	if s.groups, err = from.groups.Clone(m, to.Slab); err != nil {
		return err
	}
	if from.tailRef != 0 {
		if err := s.moveTail(to, from.tail, len(from.tail)); err != nil {
			return err
		}
	}
	for rank := range from.blocks.Count {
		if err := s.addBlock(to, from.block(m, rank)); err != nil {
			return err
		}
	}
	return nil
}

// # Parts
//
// A stream in a file is: itself, its entries, and each group with its consumers and with what these have pending. A
// part is one of them: a letter, and numbers as uvarints (signed ones as varints), names and elements as packed has
// them.
//
//	s   last ms, last seq, deleted ms, deleted seq, added
//	e   ms, seq, number of fields, name, value, name, value ...
//	g   last ms, last seq, read, name
//	c   seen, active, name                        of the last group
//	p   ms, seq, consumer, time, count            of the last group; consumers are counted from 0
const (
	partStream   = 's'
	partEntry    = 'e'
	partGroup    = 'g'
	partConsumer = 'c'
	partPending  = 'p'
)

func streamParts(v View, raw []byte, yield func([]byte) bool) {
	s := OpenStream(v.Mem, raw)
	b := appendUvarints([]byte{partStream}, s.Last.Ms, s.Last.Seq, s.Deleted.Ms, s.Deleted.Seq, s.Added)
	if !yield(b) {
		return
	}
	r := s.Range(v.Mem, StreamID{}, MaxStreamID)
	for e, ok := r.Next(); ok; e, ok = r.Next() {
		b = appendUvarints(append(b[:0], partEntry), e.ID.Ms, e.ID.Seq, uint64(e.Len))
		b = e.appendElements(b)
		if !yield(b) {
			return
		}
	}
	for i := range s.GroupCount(v.Mem) {
		if b = s.groupParts(v.Mem, i, b, yield); b == nil {
			return
		}
	}
}

// appendElements appends names and values in turn.
func (e StreamEntry) appendElements(dst []byte) []byte {
	if e.names == nil {
		return append(dst, e.rest...)
	}
	names, rest := e.names, e.rest
	for range e.Len {
		n, k := packed.Skip(names), packed.Skip(rest)
		dst = append(append(dst, names[:n]...), rest[:k]...)
		names, rest = names[n:], rest[k:]
	}
	return dst
}

// groupParts yields the parts of a group and returns the buffer, or nil if that is enough.
func (s *Stream) groupParts(m slab.Mem, i int, b []byte, yield func([]byte) bool) []byte {
	name, g := s.GroupAt(m, i)
	b = appendUvarints(append(b[:0], partGroup), g.Last.Ms, g.Last.Seq)
	b = packed.AppendString(binary.AppendVarint(b, g.Read), name)
	if !yield(b) {
		return nil
	}
	order := map[uint64]uint64{}
	for j := range s.Consumers(m, &g) {
		name, c := s.ConsumerAt(m, &g, j)
		order[c.Number] = uint64(j)
		b = binary.AppendVarint(binary.AppendVarint(append(b[:0], partConsumer), c.Seen), c.Active)
		if !yield(packed.AppendString(b, name)) {
			return nil
		}
	}
	r := s.PendingFrom(m, &g, StreamID{})
	for p, ok := r.Next(); ok; p, ok = r.Next() {
		b = appendUvarints(append(b[:0], partPending), p.ID.Ms, p.ID.Seq, order[p.Consumer])
		b = binary.AppendUvarint(binary.AppendVarint(b, p.Time), uint64(p.Count))
		if !yield(b) {
			return nil
		}
	}
	return b
}

// errStreamPart says that a part is none that a stream yields, or comes where it can't.
var errStreamPart = errors.New("a part that no stream has")

// streamBuilder puts a stream together from its parts.
type streamBuilder struct {
	h     *Heap
	s     Stream
	begun bool
	whole Stream // what is known of the stream as a whole

	group     StreamGroup
	groupName []byte
	consumers []uint64 // numbers, in order

	pairs  [][]byte
	digits []byte
	tail   []byte // the stream's, while it is small
}

// streamPart reads a part. Past its end, and what is no number, reads as 0 and is noted.
type streamPart struct {
	b   []byte
	bad bool
}

func (p *streamPart) uint() uint64 {
	u, n := binary.Uvarint(p.b)
	return u * p.pass(n)
}

func (p *streamPart) int() int64 {
	i, n := binary.Varint(p.b)
	return i * int64(p.pass(n))
}

// pass goes on by n bytes and returns 1, or 0 if there was nothing to read.
func (p *streamPart) pass(n int) uint64 {
	if n <= 0 {
		p.bad = true
		return 0
	}
	p.b = p.b[n:]
	return 1
}

func (p *streamPart) id() StreamID {
	ms := p.uint()
	return StreamID{ms, p.uint()}
}

// name reads the one string that is left.
func (p *streamPart) name() []byte {
	if p.bad || len(p.b) == 0 || !packed.Valid(p.b) || packed.Skip(p.b) != len(p.b) {
		p.bad = true
		return nil
	}
	e, _ := packed.Decode(p.b)
	p.b = nil
	p.bad = e.IsInt
	return e.Str
}

// end says that the part was good and that nothing is left of it.
func (p *streamPart) end() bool { return !p.bad && len(p.b) == 0 }

func (b *streamBuilder) Add(bytes []byte) error {
	if len(bytes) == 0 {
		return errStreamPart
	}
	p := streamPart{b: bytes[1:]}
	switch kind := bytes[0]; {
	case kind == partStream && !b.begun:
		b.begun = true
		b.whole.Last, b.whole.Deleted, b.whole.Added = p.id(), p.id(), p.uint()
		if p.end() {
			return nil
		}
	case !b.begun:
	case kind == partEntry:
		return b.addEntry(&p)
	case kind == partGroup:
		g := StreamGroup{Last: p.id(), Read: p.int()}
		name := p.name()
		if _, twice := b.s.Group(b.h.Mem, name); p.end() && !twice && g.Read >= UnknownRead {
			return b.addGroup(name, g)
		}
	case kind == partConsumer:
		c := StreamConsumer{Seen: p.int(), Active: p.int()}
		name := p.name()
		if p.end() && b.group.number != 0 {
			return b.addConsumer(name, c)
		}
	case kind == partPending:
		e := StreamPending{ID: p.id(), Consumer: p.uint(), Time: p.int(), Count: int64(p.uint())}
		if p.end() && e.Consumer < uint64(len(b.consumers)) {
			e.Consumer = b.consumers[e.Consumer]
			return b.s.Deliver(b.h, &b.group, e, false)
		}
	}
	return errStreamPart
}

func (b *streamBuilder) addEntry(p *streamPart) error {
	id, n := p.id(), p.uint()
	if p.bad || !packed.Valid(p.b) || n == 0 || n > math.MaxInt32 || uint64(packed.Count(p.b)) != 2*n ||
		!b.s.Last.Less(id) || b.whole.Last.Less(id) {
		return errStreamPart
	}
	// Integers become digits again, all in one buffer of the size of the longest.
	b.pairs, b.digits = b.pairs[:0], b.digits[:0]
	if need := 20 * 2 * int(n); cap(b.digits) < need {
		b.digits = make([]byte, 0, need)
	}
	for rest := p.b; len(rest) > 0; {
		e, size := packed.Decode(rest)
		if e.IsInt {
			at := len(b.digits)
			b.digits = e.AppendTo(b.digits)
			e.Str = b.digits[at:]
		}
		b.pairs = append(b.pairs, e.Str)
		rest = rest[size:]
	}
	if err := b.s.Append(b.h, id, b.pairs); err != nil {
		return err
	}
	if b.s.tailRef == 0 { // it stands in scratch, which others use until the next part
		b.tail = append(b.tail[:0], b.s.tail...)
		b.s.tail = b.tail
	}
	return nil
}

func (b *streamBuilder) addGroup(name []byte, g StreamGroup) error {
	if err := b.s.AddGroup(b.h, name, g.Last, g.Read); err != nil {
		return err
	}
	b.group, _ = b.s.Group(b.h.Mem, name)
	b.groupName = append(b.groupName[:0], name...)
	b.consumers = b.consumers[:0]
	return nil
}

func (b *streamBuilder) addConsumer(name []byte, c StreamConsumer) error {
	if _, twice := b.s.Consumer(b.h.Mem, &b.group, name); twice {
		return errStreamPart
	}
	made, err := b.s.AddConsumer(b.h, b.groupName, &b.group, name, c.Seen)
	if err != nil {
		return err
	}
	b.consumers = append(b.consumers, made.Number)
	made.Active = c.Active
	return b.s.SetConsumer(b.h, &b.group, name, &made)
}

func (b *streamBuilder) Raw() (raw []byte, large bool, err error) {
	if !b.begun {
		return nil, false, nil
	}
	b.s.Last, b.s.Deleted, b.s.Added = b.whole.Last, b.whole.Deleted, b.whole.Added
	raw, large = b.s.Raw(b.h)
	return raw, large, nil
}
