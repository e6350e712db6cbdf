package value

import (
	"encoding/binary"

	"github.com/darterdb/darter/internal/packed"
)

// sortedInts is the members of a set of integers, in ascending order, each in 2, 4 or 8 bytes, little-endian and
// signed: as few as the widest of them needs. The width never goes down.
type sortedInts struct {
	b     []byte
	shift uint8 // the width is 1 << shift
}

// Shifts of the widths that there are.
const (
	ints16 = 1
	ints32 = 2
	ints64 = 3
)

// shiftOf returns the shift of the least width that an integer needs.
func shiftOf(n int64) uint8 {
	switch {
	case n == int64(int16(n)):
		return ints16
	case n == int64(int32(n)):
		return ints32
	}
	return ints64
}

func (s sortedInts) len() int { return len(s.b) >> s.shift }

// at returns integer i.
func (s sortedInts) at(i int) int64 {
	b := s.b[i<<s.shift:]
	switch s.shift {
	case ints16:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case ints32:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// search returns where an integer stands or belongs, and whether it is there.
func (s sortedInts) search(n int64) (int, bool) {
	low, high := 0, s.len()
	// Integers that only grow belong to the end.
	if high == 0 || n > s.at(high-1) {
		return high, false
	}
	for low < high {
		mid := int(uint(low+high) >> 1)
		if s.at(mid) < n {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, s.at(low) == n
}

// appendSorted appends an integer in its width.
func appendSorted(dst []byte, n int64, shift uint8) []byte {
	for range 1 << shift {
		dst = append(dst, byte(n))
		n >>= 8
	}
	return dst
}

// insertInt puts an integer in its place among those of buf from byte head on, and returns the buffer and the shift of
// their width then. i is its place, which for one that is too wide follows from its sign.
func insertInt(buf []byte, head int, shift uint8, i int, n int64) ([]byte, uint8) {
	if need := shiftOf(n); need > shift {
		buf = widenInts(buf, head, shift, need)
		shift = need
	}
	var b [8]byte
	at := head + i<<shift
	return packed.Splice(buf, at, at, appendSorted(b[:0], n, shift)), shift
}

// widenInts gives the integers of buf from byte head on another width, from the last to the first, in place.
func widenInts(buf []byte, head int, from, to uint8) []byte {
	n := (len(buf) - head) >> from
	buf = append(buf, make([]byte, n<<to-n<<from)...)
	old := sortedInts{buf[head : head+n<<from], from}
	for i := n - 1; i >= 0; i-- {
		at := head + i<<to
		appendSorted(buf[at:at], old.at(i), to)
	}
	return buf
}
