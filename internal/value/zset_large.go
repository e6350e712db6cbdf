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
// them. Beside it stands a map from members to scores. So a member is kept twice, and its score is found as fast as a
// field of a hash: an index of hashes alone, which leaves it to the tree whose score it is, takes half the memory of
// the map, and twice the time.
//
//	tree     | score, 8 B | member |       by score and member
//	scores   | member | score, 8 B |       by hash
//
// Both always have the same elements.

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
	e, found := z.scores.Get(z.view.Mem, z.hashOf(member), member)
	if !found {
		return 0, false
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(e.Value)), true
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
	if err := z.note(key); err != nil {
		z.takeBack(key)
		return err
	}
	z.n = z.tree.Count
	return nil
}

// moveLarge gives a member the score of an element instead of its old one.
func (z *SortedSet) moveLarge(key []byte, old float64) error {
	s := z.heap.Slab
	if _, _, err := z.tree.Insert(s, key); err != nil {
		return err
	}
	err := z.note(key)
	if err == nil {
		score := keyScore(key)
		appendKey(key[:0], old)
		if _, _, err = z.tree.Delete(s, key); err == nil {
			return nil
		}
		_ = z.note(key) // for which its page has room, and is private by now
		appendKey(key[:0], score)
	}
	z.takeBack(key)
	return err
}

// note has the map know the score of an element.
func (z *SortedSet) note(key []byte) error {
	var bits [8]byte
	binary.LittleEndian.PutUint64(bits[:], math.Float64bits(keyScore(key)))
	member := key[keySize:]
	_, err := z.scores.Put(z.heap.Slab, z.view.Seed, z.hashOf(member), member, bits[:], 0)
	return err
}

// takeBack removes an element that was just inserted, for which no memory is needed: the way to it is private.
func (z *SortedSet) takeBack(key []byte) { _, _, _ = z.tree.Delete(z.heap.Slab, key) }

func (z *SortedSet) removeLarge(member []byte) (bool, error) {
	score, found := z.lookup(member)
	if !found {
		return false, nil
	}
	var buf [keySize + keyRoom]byte
	key := treeKey(buf[:0], score, member)
	if err := z.prepare(key); err != nil {
		return false, err
	}
	if _, _, err := z.tree.Delete(z.heap.Slab, key); err != nil {
		return false, err
	}
	z.forget(member)
	z.n = z.tree.Count
	return true, nil
}

// prepare sees to it that the map can forget an element without any memory.
func (z *SortedSet) prepare(key []byte) error {
	if !z.heap.HasVersions() {
		return nil
	}
	return z.note(key) // a page that a version sees is copied for it
}

// forget removes a member from the map, for which it was prepared.
func (z *SortedSet) forget(member []byte) {
	_, _ = z.scores.Delete(z.heap.Slab, z.hashOf(member), member)
}

// removeSpanLarge removes elements by rank, some at a time.
func (z *SortedSet) removeSpanLarge(from, to int) error {
	if from == 0 && to == z.n {
		z.freeNodes()
		z.n = 0
		return nil
	}
	const most, mostBytes = 64, 16 << 10
	var room [512]byte
	gone := room[:] // the elements' keys, one after the other
	var ends [most]int
	for from < to {
		n := 0
		gone = gone[:0]
		c := z.From(from)
		for n < min(to-from, most) && len(gone) < mostBytes {
			b, _ := c.step()
			if err := z.prepare(b); err != nil {
				return err
			}
			gone = append(gone, b...)
			ends[n] = len(gone)
			n++
		}
		err := z.tree.DeleteRange(z.heap.Slab, from, n)
		removed := z.n - z.tree.Count // the first ones, also where it failed
		z.n = z.tree.Count
		at := 0
		for _, end := range ends[:removed] {
			z.forget(gone[at+keySize : end])
			at = end
		}
		if err != nil {
			return err
		}
		to -= n
	}
	return nil
}

// freeNodes frees the nodes of a large sorted set.
func (z *SortedSet) freeNodes() {
	if z.form == sortedLarge {
		z.tree.Free(z.heap.Slab)
		z.scores.Free(z.heap.Slab)
	}
}
