package value

import (
	"bytes"
	"errors"
	"hash/maphash"
	"slices"

	"github.com/darterdb/darter/internal/packed"
)

// SortedBuilder makes a sorted set of elements that come in their order.
type SortedBuilder struct {
	heap *Heap
	set  SortedSet
}

// BuildSortedSet returns a builder. Until Raw or Drop the heap's scratch is in use.
func (h *Heap) BuildSortedSet() SortedBuilder {
	return SortedBuilder{heap: h, set: h.SortedSet(nil)}
}

// Add takes the next element, which is behind all others, and whose member is a new one. After an error there is only
// Drop.
func (b *SortedBuilder) Add(member []byte, score float64) error {
	z := &b.set
	score = plainScore(score)
	if z.form == sortedLarge {
		return z.insertElement(member, score)
	}
	var buf [16]byte
	size := len(appendScore(buf[:0], score)) + packed.SizeValue(member)
	if !z.fits(member, size) {
		if err := z.toLarge(); err != nil {
			return err
		}
		return z.insertElement(member, score)
	}
	packed.AppendValue(appendScore(z.resize(len(z.body), len(z.body), size), score), member)
	z.form = sortedPacked
	z.n++
	return nil
}

// Raw returns the raw bytes and whether the sorted set is large; none of an empty one. They are in the heap's scratch.
func (b *SortedBuilder) Raw() (raw []byte, large bool) { return b.set.Raw() }

// Drop frees what was made.
func (b *SortedBuilder) Drop() { b.set.freeNodes() }

// sortedPart is how long a part becomes before it ends.
const sortedPart = 8 << 10

// sortedSetParts yields elements as a packed sorted set has them, some at a time.
func sortedSetParts(v View, raw []byte, yield func(part []byte) bool) {
	z := OpenSortedSet(v, raw)
	part := make([]byte, 0, sortedPart+sortedPart/4)
	var digits [20]byte
	c := z.From(0)
	for e, ok := c.Next(); ok; e, ok = c.Next() {
		part = packed.AppendValue(appendScore(part, e.Score), e.Member(digits[:]))
		if len(part) >= sortedPart {
			if !yield(part) {
				return
			}
			part = part[:0]
		}
	}
	if len(part) > 0 {
		yield(part)
	}
}

// cloneSortedSet copies a large one.
func cloneSortedSet(v View, raw []byte, to *Heap) ([]byte, error) {
	z := OpenSortedSet(v, raw)
	t, err := z.tree.Clone(v.Mem, to.Slab)
	if err != nil {
		return nil, err
	}
	m, err := z.scores.Clone(v.Mem, to.Slab)
	if err != nil {
		t.Free(to.Slab)
		return nil, err
	}
	z.tree, z.scores, z.heap = t, m, to
	raw, _ = z.Raw()
	return raw, nil
}

var errSortedPart = errors.New("value: not a part of a sorted set")

// sortedSetBuilder is a builder of parts, which come from outside: it checks them.
type sortedSetBuilder struct {
	SortedBuilder
	opened bool
	last   []byte   // the last element as a tree has it
	hashes []uint64 // of the members, as long as the sorted set is packed
}

func (b *sortedSetBuilder) Add(part []byte) error {
	if !b.opened {
		b.SortedBuilder, b.opened = b.heap.BuildSortedSet(), true
	}
	for len(part) > 0 {
		n, ok := validScore(part)
		if !ok {
			return errSortedPart
		}
		size, ok := validMember(part[n:])
		if !ok {
			return errSortedPart
		}
		e, _ := readElement(part)
		part = part[n+size:]
		var digits [20]byte
		if err := b.addElement(e.Member(digits[:]), e.Score); err != nil {
			return err
		}
	}
	return nil
}

func (b *sortedSetBuilder) addElement(member []byte, score float64) error {
	old := len(b.last)
	b.last = treeKey(b.last, score, member)
	if bytes.Compare(b.last[:old], b.last[old:]) >= 0 {
		return errSortedPart
	}
	b.last = append(b.last[:0], b.last[old:]...)
	if b.set.form == sortedLarge {
		if _, found := b.set.lookup(member); found {
			return errSortedPart
		}
		return b.SortedBuilder.Add(member, score)
	}
	b.hashes = append(b.hashes, maphash.Bytes(b.heap.Seed, member))
	err := b.SortedBuilder.Add(member, score)
	if err == nil && b.set.form == sortedLarge {
		err = b.unlike()
	}
	return err
}

// unlike checks that no member has come twice.
func (b *sortedSetBuilder) unlike() error {
	slices.Sort(b.hashes)
	if len(slices.Compact(b.hashes)) != b.set.n {
		return errSortedPart
	}
	b.hashes = nil
	return nil
}

func (b *sortedSetBuilder) Raw() (raw []byte, large bool, err error) {
	if !b.opened {
		return nil, false, nil
	}
	if b.set.form == sortedPacked {
		if err := b.unlike(); err != nil {
			return nil, false, err
		}
	}
	raw, large = b.SortedBuilder.Raw()
	return raw, large, nil
}

// validMember checks bytes from outside that should start with a value of package packed, and returns its size.
func validMember(b []byte) (size int, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	var head [packed.LoneSize]byte
	copy(head[:], b)
	size = packed.Skip(head[:])
	return size, size > 0 && size <= len(b) && packed.Valid(b[:size])
}

// toLarge makes a packed sorted set a large one. On an error it is as it was.
func (z *SortedSet) toLarge() error {
	large := SortedSet{view: z.view, heap: z.heap, form: sortedLarge}
	large.tree.Shape = &sortedShape
	var digits [20]byte
	c := z.From(0)
	for e, ok := c.Next(); ok; e, ok = c.Next() {
		if err := large.insertElement(e.Member(digits[:]), e.Score); err != nil {
			large.freeNodes()
			return err
		}
	}
	*z = large
	return nil
}

// insertElement adds an element that is not there to a large sorted set.
func (z *SortedSet) insertElement(member []byte, score float64) error {
	var buf [keySize + keyRoom]byte
	return z.insertLarge(treeKey(buf[:0], score, member))
}
