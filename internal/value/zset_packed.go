package value

import (
	"bytes"
	"slices"

	"github.com/darterdb/darter/internal/packed"
)

// # Packed sorted sets
//
// The elements stand one after the other in their order, each a score and a member. Everything but the count goes over
// them from the start. A change is made on a copy in the heap's scratch, which becomes the key's value in the end, so
// that one copy serves all changes of an operation.

// elementSize returns how many bytes the element takes that b starts with.
func elementSize(b []byte) int {
	n := scoreSize(b)
	return n + packed.Skip(b[n:])
}

// readElement returns the element that b starts with and its size.
func readElement(b []byte) (SortedElem, int) {
	score, n := readScore(b)
	member, size := packed.Decode(b[n:])
	return SortedElem{score, member}, n + size
}

// compareMember compares the member of an element with another one.
func compareMember(e packed.Elem, member []byte) int {
	if e.IsInt {
		var digits [20]byte
		return bytes.Compare(e.AppendTo(digits[:0]), member)
	}
	return bytes.Compare(e.Str, member)
}

// findPacked returns where the element of a member is and its rank, -1 if it isn't there.
func (z *SortedSet) findPacked(member []byte) (at, rank int) {
	pattern := packed.NewPattern(member)
	for at < len(z.body) {
		n := scoreSize(z.body[at:])
		m := z.body[at+n:]
		e, size := packed.Decode(m)
		if pattern.Matches(e) {
			return at, rank
		}
		at += n + size
		rank++
	}
	return 0, -1
}

func (z *SortedSet) scorePacked(member []byte) (float64, bool) {
	at, rank := z.findPacked(member)
	if rank < 0 {
		return 0, false
	}
	score, _ := readScore(z.body[at:])
	return score, true
}

// seekPacked returns where a member with a score is or would be, its rank, and whether it is there.
func (z *SortedSet) seekPacked(score float64, member []byte) (at, rank int, found bool) {
	for at < len(z.body) {
		f, n := readScore(z.body[at:])
		if f > score {
			break
		}
		size := packed.Skip(z.body[at+n:])
		if f == score {
			e, _ := packed.Decode(z.body[at+n:])
			if c := compareMember(e, member); c >= 0 {
				return at, rank, c == 0
			}
		}
		at += n + size
		rank++
	}
	return at, rank, false
}

// offset returns where the element of a rank starts.
func (z *SortedSet) offset(rank int) int {
	at := 0
	for ; rank > 0; rank-- {
		at += elementSize(z.body[at:])
	}
	return at
}

// takeOver makes the elements a copy in the heap's scratch that can grow by some bytes.
func (z *SortedSet) takeOver(more int) {
	need := sortedRoom + len(z.body) + more
	s := z.heap.Scratch
	if z.own && cap(s) >= need {
		return
	}
	if cap(s) < need {
		s = make([]byte, 0, need+need/4)
	}
	s = s[:sortedRoom+len(z.body)]
	copy(s[sortedRoom:], z.body)
	z.heap.Scratch, z.body, z.own = s, s[sortedRoom:], true
}

// resize makes other room of the elements between two places, and returns it, empty, to append to.
func (z *SortedSet) resize(from, to, size int) []byte {
	by := size - (to - from)
	z.takeOver(max(by, 0))
	z.body = slices.Grow(z.body, max(by, 0)) // which finds it in the scratch
	tail := z.body[to:]
	z.body = z.body[:len(z.body)+by]
	copy(z.body[from+size:], tail)
	return z.body[from:from]
}

// cut takes out the bytes of n elements.
func (z *SortedSet) cut(from, to, n int) {
	z.resize(from, to, 0)
	z.n -= n
}

func (z *SortedSet) addPacked(member []byte, score float64, mode AddMode) (Added, float64, error) {
	at, rank := z.findPacked(member)
	old := 0.0
	if rank >= 0 {
		old, _ = readScore(z.body[at:])
	}
	did, score := mode.decide(rank >= 0, old, score)
	if did != AddChanged && did != AddDone {
		return did, score, nil
	}
	kept := plainScore(score)
	var buf [16]byte
	size := len(appendScore(buf[:0], kept)) + packed.SizeValue(member)
	if did == AddDone && !z.fits(member, size) {
		if err := z.toLarge(); err != nil {
			return AddNothing, 0, err
		}
		return z.addLarge(member, score, mode&^AddIncr)
	}
	to, _, _ := z.seekPacked(kept, member)
	if did == AddChanged {
		end := at + elementSize(z.body[at:])
		if to > at {
			to -= end - at
		}
		z.resize(at, end, 0)
		z.n--
	}
	packed.AppendValue(appendScore(z.resize(to, to, size), kept), member)
	z.form = sortedPacked
	z.n++
	return did, score, nil
}

// fits says whether a packed sorted set may take in one more member, which takes some bytes.
func (z *SortedSet) fits(member []byte, size int) bool {
	l := z.heap.Limits
	return int64(z.n) < l.ZSetEntries.Load() && int64(len(member)) <= l.ZSetValue.Load() &&
		len(z.body)+size <= maxPackedSorted
}

// packedCursor is a cursor in a packed sorted set. Since elements can be passed over only forwards, on its way back it
// notes where the ones before it start, some at a time.
type packedCursor struct {
	body  []byte
	at    int
	rank  int
	first int // the rank of the first mark
	n     int // marks in use
	marks [32]int32
}

func (c *packedCursor) next() (SortedElem, bool) {
	if c.at == len(c.body) {
		return SortedElem{}, false
	}
	e, size := readElement(c.body[c.at:])
	c.at += size
	c.rank++
	return e, true
}

func (c *packedCursor) prev() (SortedElem, bool) {
	if c.rank == 0 {
		return SortedElem{}, false
	}
	c.rank--
	if c.rank < c.first || c.rank >= c.first+c.n {
		c.mark()
	}
	c.at = int(c.marks[c.rank-c.first])
	e, _ := readElement(c.body[c.at:])
	return e, true
}

// mark notes where the elements up to the cursor's rank start.
func (c *packedCursor) mark() {
	c.first = max(0, c.rank+1-len(c.marks))
	c.n = c.rank + 1 - c.first
	at := 0
	for range c.first {
		at += elementSize(c.body[at:])
	}
	for i := range c.n {
		c.marks[i] = int32(at)
		at += elementSize(c.body[at:])
	}
}
