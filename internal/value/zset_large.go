package value

import (
	"encoding/binary"
	"math"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// # Large sorted sets
//
// A sorted tree has the elements, each the 8 bytes of its score that compare as scores do, and the member behind
// them. Beside it stands an index from 32 bits of a member's hash to the bits of its score, which keeps no member:
// whether a score that it gives is that of the member asked for, the tree says. So a member's bytes are kept once,
// and the index costs 12 bytes an element.
//
//	tree     | score, 8 B | member |      by score and member
//	index    | hash, 4 B | score, 8 B |   by hash
//
// Every element has an entry in the index. Where memory fails an entry may stay whose element is gone: the tree is what
// counts.

// sortedShape is that of the trees. Small leaves are quick to search, and to copy where a version sees them.
var sortedShape = btree.Shape{Sorted: true, Leaf: 1024}

// keyRoom is how long a member is whose element is put together without an allocation.
const keyRoom = 120

// treeKey appends the element of a tree.
func treeKey(dst []byte, score float64, member []byte) []byte {
	return append(appendKey(dst, score), member...)
}

// treeElement takes the element of a tree apart.
func treeElement(m slab.Mem, e packed.Elem) SortedElem {
	b := e.Str
	if e.Lone != 0 {
		b = btree.Bytes(m, e)
	}
	return SortedElem{keyScore(b), packed.Elem{Str: b[keySize:]}}
}

// lookup finds the score of a member.
func (z *SortedSet) lookup(member []byte) (score float64, found bool) {
	var buf [keySize + keyRoom]byte
	key := treeKey(buf[:0], 0, member)
	z.index.Lookup(z.view.Mem, z.hashOf(member), func(bits uint64) bool {
		score = math.Float64frombits(bits)
		appendKey(key[:0], score)
		found = z.tree.Has(z.view.Mem, key)
		return !found
	})
	return score, found
}

func (z *SortedSet) seekLarge(score float64, member []byte) (rank int, found bool) {
	var buf [keySize + keyRoom]byte
	return z.tree.Seek(z.view.Mem, treeKey(buf[:0], score, member))
}

func (z *SortedSet) addLarge(member []byte, score float64, mode AddMode) (Added, float64, error) {
	old, found := z.lookup(member)
	did, score := mode.decide(found, old, score)
	if did != AddChanged && did != AddDone {
		return did, score, nil
	}
	var buf [keySize + keyRoom]byte
	var err error
	kept := plainScore(score)
	key := treeKey(buf[:0], kept, member)
	if did == AddDone {
		err = z.insertLarge(key)
	} else {
		err = z.moveLarge(key, old)
	}
	if err != nil {
		return AddNothing, 0, err
	}
	return did, score, nil
}

// insertLarge adds an element that is not there.
func (z *SortedSet) insertLarge(key []byte) error {
	s := z.heap.Slab
	if _, _, err := z.tree.Insert(s, key); err != nil {
		return err
	}
	if err := z.index.Put(s, z.hashOf(key[keySize:]), scoreBits(key)); err != nil {
		z.takeBack(key)
		return err
	}
	z.n = z.tree.Count
	return nil
}

// moveLarge gives a member the score of an element instead of its old one.
func (z *SortedSet) moveLarge(key []byte, old float64) error {
	s, h, bits, oldBits := z.heap.Slab, z.hashOf(key[keySize:]), scoreBits(key), math.Float64bits(old)
	if _, _, err := z.tree.Insert(s, key); err != nil {
		return err
	}
	_, err := z.index.Replace(s, h, oldBits, bits)
	if err == nil {
		appendKey(key[:0], old)
		if _, _, err = z.tree.Delete(s, key); err == nil {
			return nil
		}
		_, _ = z.index.Replace(s, h, bits, oldBits) // its page is private by now
		binary.BigEndian.PutUint64(key, keyBits(math.Float64frombits(bits)))
	}
	z.takeBack(key)
	return err
}

// takeBack removes an element that was just inserted, for which no memory is needed: the way to it is private.
func (z *SortedSet) takeBack(key []byte) { _, _, _ = z.tree.Delete(z.heap.Slab, key) }

// scoreBits returns the score of a tree's element as the index keeps it.
func scoreBits(key []byte) uint64 { return math.Float64bits(keyScore(key)) }

func (z *SortedSet) removeLarge(member []byte) (bool, error) {
	score, found := z.lookup(member)
	if !found {
		return false, nil
	}
	var buf [keySize + keyRoom]byte
	if _, _, err := z.tree.Delete(z.heap.Slab, treeKey(buf[:0], score, member)); err != nil {
		return false, err
	}
	z.forget(z.hashOf(member), score)
	z.n = z.tree.Count
	return true, nil
}

// forget removes the entry of an element that is gone. One that stays for want of memory leads nowhere, which lookup
// finds out.
func (z *SortedSet) forget(hash uint64, score float64) {
	_, _ = z.index.Delete(z.heap.Slab, hash, math.Float64bits(score))
}

// removeSpanLarge removes elements by rank, some at a time.
func (z *SortedSet) removeSpanLarge(from, to int) error {
	if from == 0 && to == z.n {
		z.freeNodes()
		z.n = 0
		return nil
	}
	var gone [64]struct {
		hash  uint64
		score float64
	}
	for from < to {
		n := min(to-from, len(gone))
		c := z.From(from)
		for i := range gone[:n] {
			e, _ := c.Next()
			gone[i].hash, gone[i].score = z.hashOf(e.member.Str), e.Score
		}
		err := z.tree.DeleteRange(z.heap.Slab, from, n)
		z.n = z.tree.Count
		if err != nil {
			return err
		}
		for _, g := range gone[:n] {
			z.forget(g.hash, g.score)
		}
		to -= n
	}
	return nil
}

// freeNodes frees the nodes of a large sorted set.
func (z *SortedSet) freeNodes() {
	if z.form == sortedLarge {
		z.tree.Free(z.heap.Slab)
		z.index.Free(z.heap.Slab)
	}
}
