package value

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/hashmap"
	"github.com/darterdb/darter/internal/packed"
)

// # Sorted sets
//
// A sorted set has members, each with a score, in the order of scores, and of bytes where scores are the same. The
// number of elements before one is its rank.
//
//	packed   | 1 | count, varint | score | member | score | member ...     in order; see zset_packed.go
//	large    | 2 | tree | scores |                                         see zset_large.go
//
// A score is coded as zset_score.go says, and a member is a value of package packed. Every range of elements, whether
// by rank, score or member (zset_range.go), is found as a span of ranks first, in O(log n) in a large one, and is
// then gone over with a cursor.
//
// A sorted set becomes large when it grows past Limits.ZSetEntries elements, or takes in a member longer than
// Limits.ZSetValue, and stays large. One that is made whole, by a SortedBuilder, is packed whenever the limits allow.

const (
	sortedPacked = 1
	sortedLarge  = 2

	// maxPackedSorted bounds the bytes of a packed one where the limits don't.
	maxPackedSorted = 64 << 20
)

var sortedSetOps = typeOps{
	count: func(_ View, raw []byte) int { return sortedCount(raw) },
	encoding: func(raw []byte) string {
		if raw[0] == sortedLarge {
			return "skiplist"
		}
		return "listpack"
	},
	nodeBytes: func(v View, raw []byte) int64 {
		z := OpenSortedSet(v, raw)
		return z.tree.Bytes + z.scores.Bytes
	},
	roots: func(v View, raw []byte, dst []Node) []Node {
		z := OpenSortedSet(v, raw)
		for _, n := range [...]Node{{TreeNode, z.tree.Root}, {MapNode, z.scores.Root}} {
			if n.Ref != 0 {
				dst = append(dst, n)
			}
		}
		return dst
	},
	clone: cloneSortedSet,
	parts: sortedSetParts,
	build: func(h *Heap) Builder { return &sortedSetBuilder{SortedBuilder: SortedBuilder{heap: h}} },
}

// SortedSet is a sorted set that is being read, or changed if it was opened by Heap.SortedSet. It is good until the
// container it was opened from changes by other hands. Members given to its methods are copied; those returned are the
// container's own bytes, and good until it changes. After changes Raw is to be kept, also where one has failed: nodes
// may have moved.
type SortedSet struct {
	view View
	heap *Heap // nil of one that is only read
	form byte  // 0 of an empty one
	n    int

	body []byte // packed: the elements
	own  bool   // body lies in the heap's scratch, sortedRoom bytes from its start

	tree   btree.Tree
	scores hashmap.Map
}

// OpenSortedSet opens raw bytes for reading; none are an empty sorted set.
func OpenSortedSet(v View, raw []byte) SortedSet {
	z := SortedSet{view: v}
	if len(raw) == 0 {
		return z
	}
	z.form = raw[0]
	if z.form == sortedPacked {
		n, size := binary.Uvarint(raw[1:])
		z.n, z.body = int(n), raw[1+size:]
		return z
	}
	size := 0
	z.tree, size = btree.Decode(raw[1:], &sortedShape)
	z.scores, _ = hashmap.Decode(raw[1+size:])
	z.n = z.tree.Count
	return z
}

func sortedCount(raw []byte) int {
	if raw[0] == sortedPacked {
		n, _ := binary.Uvarint(raw[1:])
		return int(n)
	}
	t, _ := btree.Decode(raw[1:], &sortedShape)
	return t.Count
}

// SortedSet opens raw bytes for changes; none are an empty sorted set. Until Raw is taken the heap's scratch is in use.
func (h *Heap) SortedSet(raw []byte) SortedSet {
	z := OpenSortedSet(View{Mem: h.Mem, Seed: h.Seed}, raw)
	z.heap = h
	return z
}

// sortedRoom is kept free before the elements of a packed one in the scratch, for form and count.
const sortedRoom = 1 + binary.MaxVarintLen32

// Raw returns what is to be kept of a sorted set that was changed, and whether it is large: nothing of an empty one,
// whose nodes are freed. The bytes are in the heap's scratch.
func (z *SortedSet) Raw() (raw []byte, large bool) {
	if z.n == 0 {
		z.freeNodes()
		return nil, false
	}
	if z.form == sortedLarge {
		z.heap.Scratch = z.scores.AppendTo(z.tree.AppendTo(append(z.heap.Scratch[:0], sortedLarge)))
		return z.heap.Scratch, true
	}
	z.takeOver(0)
	var head [sortedRoom]byte
	size := 1 + binary.PutUvarint(head[1:], uint64(z.n))
	head[0] = sortedPacked
	raw = z.heap.Scratch[sortedRoom-size : sortedRoom+len(z.body)]
	copy(raw, head[:size])
	return raw, false
}

// Len returns the number of elements. O(1).
func (z *SortedSet) Len() int { return z.n }

// Large says that it is a large one.
func (z *SortedSet) Large() bool { return z.form == sortedLarge }

// Score returns the score of a member. O(1), in a packed one O(n).
func (z *SortedSet) Score(member []byte) (score float64, found bool) {
	switch z.form {
	case sortedPacked:
		return z.scorePacked(member)
	case sortedLarge:
		return z.lookup(member)
	}
	return 0, false
}

// Rank returns how many elements come before that of a member, and its score. O(log n), in a packed one O(n).
func (z *SortedSet) Rank(member []byte) (rank int, score float64, found bool) {
	switch z.form {
	case sortedPacked:
		at, rank := z.findPacked(member)
		if rank < 0 {
			return 0, 0, false
		}
		score, _ = readScore(z.body[at:])
		return rank, score, true
	case sortedLarge:
		if score, found = z.lookup(member); found {
			rank, _ = z.seekLarge(score, member)
		}
	}
	return rank, score, found
}

// Seek returns how many elements come before a member with a score, and whether it is there. O(log n), in a packed one
// O(n).
func (z *SortedSet) Seek(score float64, member []byte) (rank int, found bool) {
	switch z.form {
	case sortedPacked:
		_, rank, found = z.seekPacked(score, member)
	case sortedLarge:
		rank, found = z.seekLarge(score, member)
	}
	return rank, found
}

// AddMode says what an Add may do; 0 is everything.
type AddMode uint8

const (
	AddNew     AddMode = 1 << iota // only add members that are not there
	AddOld                         // only change the scores of those that are
	AddGreater                     // only change a score for a greater one
	AddLess                        // only change a score for a lesser one
	AddIncr                        // the score is to be added to the member's own, 0 if it is not there
)

// Added is what an Add did.
type Added uint8

const (
	AddNothing Added = iota // the mode forbade it
	AddSame                 // the member has that score already
	AddChanged              // it had another one
	AddDone                 // it was not there
	AddNaN                  // the sum would be no number: nothing was done
)

// Add gives a member a score, as the mode says, and returns what it did and the score: the one that the member was to
// be given, also where the mode forbade it. The score must be a number. On an error the sorted set is as it was.
// O(log n), in a packed one O(n).
func (z *SortedSet) Add(member []byte, score float64, mode AddMode) (Added, float64, error) {
	if z.form == sortedLarge {
		return z.addLarge(member, score, mode)
	}
	return z.addPacked(member, score, mode)
}

// decide says what is to be done about a member that has the score old, if it is there.
func (mode AddMode) decide(found bool, old, score float64) (Added, float64) {
	if !found {
		if mode&AddOld != 0 {
			return AddNothing, score
		}
		return AddDone, score
	}
	if mode&AddNew != 0 {
		return AddNothing, old
	}
	if mode&AddIncr != 0 {
		if score += old; score != score {
			return AddNaN, 0
		}
	}
	switch {
	case mode&AddLess != 0 && score >= old, mode&AddGreater != 0 && score <= old:
		return AddNothing, score
	case score == old:
		return AddSame, score
	}
	return AddChanged, score
}

// Remove takes a member out and says whether it was there. On an error the sorted set is as it was. O(log n), in a
// packed one O(n).
func (z *SortedSet) Remove(member []byte) (bool, error) {
	switch z.form {
	case sortedPacked:
		at, rank := z.findPacked(member)
		if rank < 0 {
			return false, nil
		}
		z.cut(at, at+elementSize(z.body[at:]), 1)
		return true, nil
	case sortedLarge:
		return z.removeLarge(member)
	}
	return false, nil
}

// RemoveSpan takes out the elements of ranks from to to-1. On an error some of them may be gone. O(log n + m log n)
// for m elements.
func (z *SortedSet) RemoveSpan(from, to int) error {
	if from >= to {
		return nil
	}
	if z.form == sortedLarge {
		return z.removeSpanLarge(from, to)
	}
	at := z.offset(from)
	end := at
	for range to - from {
		end += elementSize(z.body[end:])
	}
	z.cut(at, end, to-from)
	return nil
}

// SortedElem is an element of a sorted set.
type SortedElem struct {
	Score  float64
	member packed.Elem
}

// Member returns the bytes of the member. Those of an integer are its digits, in scratch, which needs 20 bytes of
// capacity; others are the container's own.
func (e *SortedElem) Member(scratch []byte) []byte {
	if e.member.IsInt {
		return e.member.AppendTo(scratch[:0])
	}
	return e.member.Str
}

// SortedCursor goes over the elements of a sorted set that doesn't change meanwhile. It stands between two elements,
// or at either end.
type SortedCursor struct {
	large bool
	tree  btree.Cursor // of a large one: behind the elements of run
	run   []byte       // the elements of a leaf that come next, as one sequence
	left  int          // how many there are in run
	view  View
	packedCursor
}

// From returns a cursor before the element of a rank. O(log n), in a packed one O(n).
func (z *SortedSet) From(rank int) SortedCursor {
	c := SortedCursor{large: z.form == sortedLarge, view: z.view}
	if c.large {
		c.tree = z.tree.Cursor(z.view.Mem, rank)
	} else {
		c.packedCursor = packedCursor{body: z.body, at: z.offset(rank), rank: rank}
	}
	return c
}

// Next returns the element behind the cursor and moves past it. At the end ok is false.
func (c *SortedCursor) Next() (e SortedElem, ok bool) {
	if !c.large {
		return c.packedCursor.next()
	}
	b, ok := c.step()
	if ok {
		e = SortedElem{keyScore(b), packed.Elem{Str: b[keySize:]}}
	}
	return e, ok
}

// NextBytes is Next for the member's bytes alone. Those of an integer are its digits, in scratch, which needs 20 bytes
// of capacity; others are the container's own.
func (c *SortedCursor) NextBytes(scratch []byte) (member []byte, score float64, ok bool) {
	if !c.large {
		e, ok := c.packedCursor.next()
		return e.Member(scratch), e.Score, ok
	}
	b, ok := c.step()
	if !ok {
		return nil, 0, false
	}
	return b[keySize:], keyScore(b), true
}

// step returns the next element of the tree, and goes on behind it.
func (c *SortedCursor) step() (b []byte, ok bool) {
	if c.left == 0 {
		if c.run, c.left = c.tree.Run(); c.left == 0 {
			return nil, false
		}
	}
	c.left--
	b, ok = packed.Short(c.run)
	if ok {
		c.run = c.run[1+len(b):]
		return b, true
	}
	e, n := packed.Decode(c.run)
	c.run = c.run[n:]
	return btree.Bytes(c.view.Mem, e), true
}

// Prev returns the element before the cursor and moves back past it. At the start ok is false.
func (c *SortedCursor) Prev() (e SortedElem, ok bool) {
	if !c.large {
		return c.packedCursor.prev()
	}
	if c.left > 0 {
		c.tree.Move(c.tree.Rank() - c.left)
		c.run, c.left = nil, 0
	}
	t, ok := c.tree.Prev()
	if ok {
		e = treeElement(c.view.Mem, t)
	}
	return e, ok
}

// hashOf is the hash of a member.
func (z *SortedSet) hashOf(member []byte) uint64 { return maphash.Bytes(z.view.Seed, member) }
