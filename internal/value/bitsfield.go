package value

import "encoding/binary"

// BitField is an integer of any width among the bits of a string, at any position: 1 to 64 bits if it is signed, in two's
// complement, and 1 to 63 if not, so that an int64 holds every value of either.
type BitField struct {
	Offset int64
	Width  uint8
	Signed bool
}

// Overflow says what becomes of a number that its field can't hold.
type Overflow uint8

const (
	OverflowWrap Overflow = iota // the low bits of it
	OverflowSat                  // the nearest number that the field holds
	OverflowFail                 // nothing: the field stays as it is
)

// End returns the length that a string must have for the field.
func (f BitField) End() int64 { return (f.Offset+int64(f.Width)-1)>>3 + 1 }

// A field of 64 bits that begins in the midst of a byte reaches into nine:
//
//	bytes     | b0 | b1 | ... | b7 | b8 |
//	field        |<------ 64 ------>|
//	          shift
//
// The first eight are a word, shifted to the left, and the ninth fills what is missing.

// Get returns the field's number. Bits beyond the end of the string are 0.
func (f BitField) Get(b []byte) int64 {
	var w [9]byte
	if at := f.Offset >> 3; at < int64(len(b)) {
		copy(w[:], b[at:])
	}
	shift := f.Offset & 7
	v := binary.BigEndian.Uint64(w[:])<<shift | uint64(w[8]>>(8-shift))
	if f.Signed {
		return int64(v) >> (64 - f.Width)
	}
	return int64(v >> (64 - f.Width))
}

// Put gives the field a number that fits. The string has room: it ends at End or later.
func (f BitField) Put(b []byte, n int64) {
	var w [9]byte
	at, shift := f.Offset>>3, f.Offset&7
	copy(w[:], b[at:])
	mask := ^uint64(0) << (64 - f.Width) // the field at the left end of a word
	v := uint64(n) << (64 - f.Width)
	word := binary.BigEndian.Uint64(w[:])
	binary.BigEndian.PutUint64(w[:], word&^(mask>>shift)|v>>shift)
	w[8] = w[8]&^byte(mask<<(8-shift)) | byte(v<<(8-shift))
	copy(b[at:f.End()], w[:])
}

// highest returns the largest number that the field holds.
func (f BitField) highest() int64 {
	if f.Signed {
		return 1<<(f.Width-1) - 1
	}
	return 1<<f.Width - 1
}

// lowest returns the smallest one.
func (f BitField) lowest() int64 {
	if f.Signed {
		return -1 << (f.Width - 1)
	}
	return 0
}

// wrap returns the low bits of a number as the field shows them.
func (f BitField) wrap(n int64) int64 {
	if f.Signed {
		return n << (64 - f.Width) >> (64 - f.Width)
	}
	return n & f.highest()
}

// Fit returns what the field holds after it is given a number, and whether it was changed at all: OverflowFail forbids it
// if the number doesn't fit. Given to an unsigned field a negative number counts as a very large one, as in Redis.
func (f BitField) Fit(n int64, o Overflow) (int64, bool) {
	switch {
	case n > f.highest() || !f.Signed && n < 0:
		return f.overflow(n, f.highest(), o)
	case n < f.lowest():
		return f.overflow(n, f.lowest(), o)
	}
	return n, true
}

// Sum is Fit of the field's number and an addend.
func (f BitField) Sum(n, by int64, o Overflow) (int64, bool) {
	// The sum may not fit an int64, the room above or below the number does not if the addend has the other sign.
	switch {
	case by > 0 && uint64(by) > uint64(f.highest())-uint64(n):
		return f.overflow(n+by, f.highest(), o)
	case by < 0 && -uint64(by) > uint64(n)-uint64(f.lowest()):
		return f.overflow(n+by, f.lowest(), o)
	}
	return n + by, true
}

// overflow returns what takes the place of a number beyond a bound.
func (f BitField) overflow(n, bound int64, o Overflow) (int64, bool) {
	switch o {
	case OverflowWrap:
		return f.wrap(n), true
	case OverflowSat:
		return bound, true
	}
	return 0, false
}
