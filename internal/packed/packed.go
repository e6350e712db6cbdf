// Package packed keeps a sequence of strings in a few bytes: each element is a header and its bytes, one after the
// other, with nothing between them, before them or behind them. It is what small containers consist of, and the leaves
// of B+trees.
//
// # Elements
//
//	0LLLLLLL                            string of up to 127 bytes, which follow
//	10LLLLLL LLLLLLLL                   string of up to 16383 bytes; the length is big-endian
//	110vvvvv                            the integer 0 to 31
//	0xE1 ... 0xE8                       an integer in the 1 to 8 bytes that follow, little-endian, signed
//	0xF0 + 4 bytes                      longer string; the length is little-endian
//	0xF8 + 8 bytes + 4 bytes            lone: a string in a cell of its own; its ref and length, little-endian
//
// An integer is a string too: the decimal digits that num.AppendInt gives. Only strings that are exactly such digits
// are kept so, and an element is never larger for it. Whether integers are to be used is the choice of whoever appends:
// where elements are compared as bytes they are not.
//
// An element can be passed over only forwards. Where positions are to be reached from the back, or fast in a long
// sequence, it takes an index beside it: see the marks of package btree.
//
// # Trust
//
// All functions but Valid trust their input to be a whole number of elements. They panic, by the bounds of a slice, on
// some of what isn't.
package packed

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/darterdb/darter/internal/num"
)

// Headers of elements.
const (
	tagMedium = 0x80 // and up to tagTiny: string with 14 bits of length
	tagTiny   = 0xC0 // and up to tagInt: an integer in the header itself
	tagInt    = 0xE0 // + 1 to 8: an integer in so many bytes
	tagLong   = 0xF0
	tagLone   = 0xF8

	maxMedium = 1<<14 - 1
	maxTiny   = 31

	// MaxShort is the longest string whose header is its length in one byte; see Short.
	MaxShort = tagMedium - 1
	// LoneSize is what an element takes whose bytes stand in a cell of their own.
	LoneSize = 13
	// MaxHeader is the most that an element takes beside the bytes of its string.
	MaxHeader = 5
	// MaxLen is the longest string that an element can be.
	MaxLen = math.MaxInt32
)

// Elem is an element: a string, an integer, or the place of a lone string.
type Elem struct {
	Str     []byte // part of the sequence, not a copy
	Int     int64
	IsInt   bool
	Lone    uint64 // the ref of the cell, 0 if the element isn't lone
	LoneLen int
}

// Decode returns the first element of b and how many bytes it takes.
func Decode(b []byte) (Elem, int) {
	h := int(b[0])
	switch {
	case h <= MaxShort:
		return Elem{Str: b[1 : 1+h : 1+h]}, 1 + h
	case h < tagTiny:
		n := 2 + (h&0x3F)<<8 + int(b[1])
		return Elem{Str: b[2:n:n]}, n
	case h < tagInt:
		return Elem{Int: int64(h - tagTiny), IsInt: true}, 1
	case h < tagLong:
		return Elem{Int: readInt(b[1:], h-tagInt), IsInt: true}, 1 + h - tagInt
	case h == tagLong:
		n := 5 + int(binary.LittleEndian.Uint32(b[1:]))
		return Elem{Str: b[5:n:n]}, n
	}
	lone := Elem{Lone: binary.LittleEndian.Uint64(b[1:]), LoneLen: int(binary.LittleEndian.Uint32(b[9:]))}
	return lone, LoneSize
}

// Short returns the string of the first element of b if it is one of the shortest form, in place of the more costly
// Decode. It takes one byte more than the string has.
func Short(b []byte) (s []byte, ok bool) {
	n := int(b[0])
	if n > MaxShort {
		return nil, false
	}
	return b[1 : 1+n : 1+n], true
}

// readInt reads a signed integer of some bytes.
func readInt(b []byte, width int) int64 {
	unused := 64 - 8*width
	if len(b) >= 8 {
		return int64(binary.LittleEndian.Uint64(b)<<unused) >> unused
	}
	var u uint64
	for i, c := range b[:width] {
		u |= uint64(c) << (8 * i)
	}
	return int64(u<<unused) >> unused
}

// Skip returns how many bytes the first element of b takes.
func Skip(b []byte) int {
	h := int(b[0])
	switch {
	case h <= MaxShort:
		return 1 + h
	case h < tagTiny:
		return 2 + (h&0x3F)<<8 + int(b[1])
	case h < tagInt:
		return 1
	case h < tagLong:
		return 1 + h - tagInt
	case h == tagLong:
		return 5 + int(binary.LittleEndian.Uint32(b[1:]))
	}
	return LoneSize
}

// AppendString appends a string, as a string even if it is the digits of an integer.
func AppendString(dst, s []byte) []byte {
	switch n := len(s); {
	case n <= MaxShort:
		dst = append(dst, byte(n))
	case n <= maxMedium:
		dst = append(dst, tagMedium|byte(n>>8), byte(n))
	default:
		dst = binary.LittleEndian.AppendUint32(append(dst, tagLong), uint32(n))
	}
	return append(dst, s...)
}

// AppendValue appends a string, as an integer if it is the digits of one.
func AppendValue(dst, s []byte) []byte {
	if n, ok := asInt(s); ok {
		return AppendInt(dst, n)
	}
	return AppendString(dst, s)
}

// asInt returns the integer that a string is the digits of.
func asInt(s []byte) (int64, bool) {
	if len(s) == 0 || s[0] > '9' {
		return 0, false
	}
	return num.ParseInt(s)
}

// AppendInt appends an integer.
func AppendInt(dst []byte, n int64) []byte {
	if 0 <= n && n <= maxTiny {
		return append(dst, tagTiny|byte(n))
	}
	width := intWidth(n)
	dst = append(dst, tagInt+byte(width))
	for range width {
		dst = append(dst, byte(n))
		n >>= 8
	}
	return dst
}

// intWidth returns in how many bytes an integer can be kept.
func intWidth(n int64) int { return (bits.Len64(uint64(n^n>>63)) + 8) / 8 }

// AppendLone appends an element whose n bytes stand in a cell of their own.
func AppendLone(dst []byte, ref uint64, n int) []byte {
	dst = binary.LittleEndian.AppendUint64(append(dst, tagLone), ref)
	return binary.LittleEndian.AppendUint32(dst, uint32(n))
}

// SizeString returns how many bytes AppendString appends.
func SizeString(s []byte) int { return SizeOf(len(s)) }

// SizeOf returns how many bytes a string of n bytes takes as a string.
func SizeOf(n int) int {
	switch {
	case n <= MaxShort:
		return 1 + n
	case n <= maxMedium:
		return 2 + n
	}
	return MaxHeader + n
}

// SizeValue returns how many bytes AppendValue appends.
func SizeValue(s []byte) int {
	n, ok := asInt(s)
	switch {
	case !ok:
		return SizeString(s)
	case 0 <= n && n <= maxTiny:
		return 1
	}
	return 1 + intWidth(n)
}

// AppendTo appends the bytes of the string that the element is, of an integer its digits. A lone element appends
// nothing.
func (e Elem) AppendTo(dst []byte) []byte {
	if e.IsInt {
		return num.AppendInt(dst, e.Int)
	}
	return append(dst, e.Str...)
}

// Equal says whether the element is the string s. A lone element equals nothing.
func (e Elem) Equal(s []byte) bool {
	if e.IsInt {
		n, ok := asInt(s)
		return ok && n == e.Int
	}
	return e.Lone == 0 && bytes.Equal(e.Str, s)
}

// Len returns the length of the string that the element is.
func (e Elem) Len() int {
	switch {
	case e.IsInt:
		return digits(e.Int)
	case e.Lone != 0:
		return e.LoneLen
	}
	return len(e.Str)
}

// digits returns how many bytes an integer has in decimal.
func digits(n int64) int {
	u, d := uint64(n), 1
	if n < 0 {
		u, d = -u, 2
	}
	for ; u >= 10; u /= 10 {
		d++
	}
	return d
}
