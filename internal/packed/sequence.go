package packed

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Functions on whole sequences. All but Valid and Splice go over it element by element.

// Count returns the number of elements.
func Count(b []byte) int {
	n := 0
	for len(b) > 0 {
		b = b[Skip(b):]
		n++
	}
	return n
}

// Offset returns where element i starts, counted from 0. The one after the last starts at the end.
func Offset(b []byte, i int) int {
	at := 0
	for ; i > 0; i-- {
		at += Skip(b[at:])
	}
	return at
}

// At returns element i, and whether there is one.
func At(b []byte, i int) (Elem, bool) {
	if i < 0 {
		return Elem{}, false
	}
	for ; len(b) > 0; i-- {
		if i == 0 {
			e, _ := Decode(b)
			return e, true
		}
		b = b[Skip(b):]
	}
	return Elem{}, false
}

// Find returns the first element that is the string s: its number and where it starts, and whether there is one.
func Find(b, s []byte) (i, at int, ok bool) { return NewPattern(s).Find(b, 1) }

// Pattern is a string that is looked for in sequences.
type Pattern struct {
	s     []byte
	n     int64
	isInt bool
}

// NewPattern returns a pattern for the string s, which it keeps.
func NewPattern(s []byte) Pattern {
	p := Pattern{s: s}
	p.n, p.isInt = asInt(s)
	return p
}

// Matches says whether an element is the string. A lone one never is.
func (p *Pattern) Matches(e Elem) bool {
	if e.IsInt {
		return p.isInt && e.Int == p.n
	}
	return e.Lone == 0 && bytes.Equal(e.Str, p.s)
}

// Find returns the first of the elements 0, step, 2 * step, ... that is the string: its number and where it starts, and
// whether there is one. With a step of 2 it looks for fields among fields and values.
func (p Pattern) Find(b []byte, step int) (i, at int, ok bool) {
	for ; at < len(b); i += step {
		// Most elements differ in length or in their first byte from what is looked for.
		if h := int(b[at]); h > MaxShort {
			if e, _ := Decode(b[at:]); p.Matches(e) {
				return i, at, true
			}
		} else if h == len(p.s) && bytes.Equal(b[at+1:at+1+h], p.s) {
			return i, at, true
		}
		for j := 0; j < step && at < len(b); j++ {
			at += Skip(b[at:])
		}
	}
	return 0, 0, false
}

// Splice puts other bytes in the place of b[from:to] and returns the result, in b's memory if it has room. with must
// not lie in it.
func Splice(b []byte, from, to int, with []byte) []byte {
	old := len(b)
	n := old + len(with) - (to - from)
	if n > old {
		b = slices.Grow(b, n-old)
	}
	tail := b[to:old]
	b = b[:n]
	copy(b[from+len(with):], tail)
	copy(b[from:], with)
	return b
}

// Valid says whether b is a whole number of elements none of which is lone: bytes that pass can be given to all
// functions. An integer must be kept in the one way in which AppendInt does, and a string with the shortest header.
func Valid(b []byte) bool {
	for len(b) > 0 {
		n, ok := valid(b)
		if !ok {
			return false
		}
		b = b[n:]
	}
	return true
}

// valid checks the first element and returns its size.
func valid(b []byte) (n int, ok bool) {
	h := int(b[0])
	switch {
	case h <= MaxShort:
		n = 1 + h
	case h < tagTiny:
		if len(b) < 2 {
			return 0, false
		}
		length := (h&0x3F)<<8 + int(b[1])
		n, ok = 2+length, length > MaxShort
		return n, ok && n <= len(b)
	case h < tagInt:
		n = 1
	case h > tagInt && h <= tagInt+8:
		n = 1 + h - tagInt
		if n > len(b) {
			return 0, false
		}
		v := readInt(b[1:], n-1)
		return n, intWidth(v) == n-1 && (v < 0 || v > maxTiny)
	case h == tagLong && len(b) >= MaxHeader:
		length := binary.LittleEndian.Uint32(b[1:])
		if length <= maxMedium || int64(length) > int64(len(b)-MaxHeader) {
			return 0, false
		}
		n = MaxHeader + int(length)
	default:
		return 0, false
	}
	return n, n <= len(b)
}
