package value

import (
	"encoding/binary"
	"math/bits"
)

// # Bitmaps
//
// A bitmap is a string whose bits are numbered from the highest of the first byte on:
//
//	byte      0                1
//	bit       0 1 2 3 4 5 6 7  8 9 ...
//
// Read as big-endian words, 64 bits at a time, bits stand in their order, so that counting, searching and combining work
// on words and look at single bytes only at the edges. Beyond the string's end all bits are 0. Positions are int64, since
// a string of 512 MB has more bits than an int of 32 bits can count.

// GetBit returns one bit. at is not negative.
func GetBit(b []byte, at int64) bool {
	i := at >> 3
	return i < int64(len(b)) && b[i]<<(at&7)&0x80 != 0
}

// PutBit changes one bit of a string that has it.
func PutBit(b []byte, at int64, on bool) {
	mask := byte(0x80) >> (at & 7)
	if on {
		b[at>>3] |= mask
	} else {
		b[at>>3] &^= mask
	}
}

// CountBits returns how many bits are 1.
func CountBits(b []byte) int64 {
	n := 0
	for len(b) >= 32 {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(b)) +
			bits.OnesCount64(binary.LittleEndian.Uint64(b[8:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(b[16:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(b[24:]))
		b = b[32:]
	}
	total := int64(n)
	for ; len(b) >= 8; b = b[8:] {
		total += int64(bits.OnesCount64(binary.LittleEndian.Uint64(b)))
	}
	for _, c := range b {
		total += int64(bits.OnesCount8(c))
	}
	return total
}

// CountBitRange returns how many of the bits from one on and before another are 1. Both lie within the string.
func CountBitRange(b []byte, from, to int64) int64 {
	if from >= to {
		return 0
	}
	b = b[from>>3 : (to+7)>>3]
	n := CountBits(b)
	n -= int64(bits.OnesCount8(b[0] &^ (0xff >> (from & 7))))
	if cut := -to & 7; cut != 0 {
		n -= int64(bits.OnesCount8(b[len(b)-1] & (1<<cut - 1)))
	}
	return n
}

// FindBit returns the position of the first bit that is on (or off) from one position on and before another, -1 if there
// is none. Both lie within the string.
func FindBit(b []byte, on bool, from, to int64) int64 {
	if from >= to {
		return -1
	}
	var flip uint64
	if !on {
		flip = ^flip
	}
	at, end := from>>3, (to+7)>>3
	if c := (b[at] ^ byte(flip)) & (0xff >> (from & 7)); c != 0 {
		return bitWithin(at<<3+int64(bits.LeadingZeros8(c)), to)
	}
	at++
	for ; end-at >= 8; at += 8 {
		if w := binary.BigEndian.Uint64(b[at:]) ^ flip; w != 0 {
			return bitWithin(at<<3+int64(bits.LeadingZeros64(w)), to)
		}
	}
	for ; at < end; at++ {
		if c := b[at] ^ byte(flip); c != 0 {
			return bitWithin(at<<3+int64(bits.LeadingZeros8(c)), to)
		}
	}
	return -1
}

// bitWithin returns a position if it lies before an end.
func bitWithin(at, end int64) int64 {
	if at >= end {
		return -1
	}
	return at
}

// BitRange clips a range given by its first and last position, negative ones counted from the end, to n of them and
// returns it as the bounds of a slice. Where nothing is left from is not less than to.
func BitRange(n, first, last int64) (from, to int64) {
	if first < 0 {
		first = max(first+n, 0)
	}
	if last < 0 {
		// A last position in front of the first one is the first one: so Redis has it.
		last = max(last+n, 0)
	}
	return first, min(last, n-1) + 1
}

// BitOp is a way to combine strings bit by bit.
type BitOp uint8

const (
	BitAnd BitOp = iota
	BitOr
	BitXor
	BitNot // of one string
)

// opBlock is how much of the result is made at a time: it stays in the processor's nearest cache while one string after
// the other is combined with it.
const opBlock = 8 << 10

// CombineBits fills dst with the combination of strings, of which shorter ones go on with zero bytes. There is at least
// one, none is longer than dst, and none overlaps it.
func CombineBits(dst []byte, op BitOp, sources [][]byte) {
	for at := 0; at < len(dst); at += opBlock {
		block := dst[at:min(at+opBlock, len(dst))]
		n := copy(block, bitTail(sources[0], at))
		clear(block[n:])
		if op == BitNot {
			notBits(block)
		}
		for _, s := range sources[1:] {
			s = bitTail(s, at)
			s = s[:min(len(s), len(block))]
			switch op {
			case BitAnd:
				andBits(block, s)
				clear(block[len(s):])
			case BitOr:
				orBits(block, s)
			case BitXor:
				xorBits(block, s)
			}
		}
	}
}

// bitTail returns what a string has from a place on.
func bitTail(b []byte, at int) []byte { return b[min(at, len(b)):] }

// The loops below are alike but for the operation. They are written out because they are all that BITOP spends its time
// on, and a function value would be called for every word.

func notBits(d []byte) {
	le := binary.LittleEndian
	for ; len(d) >= 8; d = d[8:] {
		le.PutUint64(d, ^le.Uint64(d))
	}
	for i := range d {
		d[i] = ^d[i]
	}
}

func andBits(d, s []byte) {
	le := binary.LittleEndian
	for len(d) >= 32 && len(s) >= 32 {
		x, y := d[:32], s[:32]
		le.PutUint64(x, le.Uint64(x)&le.Uint64(y))
		le.PutUint64(x[8:], le.Uint64(x[8:])&le.Uint64(y[8:]))
		le.PutUint64(x[16:], le.Uint64(x[16:])&le.Uint64(y[16:]))
		le.PutUint64(x[24:], le.Uint64(x[24:])&le.Uint64(y[24:]))
		d, s = d[32:], s[32:]
	}
	for i, c := range s {
		d[i] &= c
	}
}

func orBits(d, s []byte) {
	le := binary.LittleEndian
	for len(d) >= 32 && len(s) >= 32 {
		x, y := d[:32], s[:32]
		le.PutUint64(x, le.Uint64(x)|le.Uint64(y))
		le.PutUint64(x[8:], le.Uint64(x[8:])|le.Uint64(y[8:]))
		le.PutUint64(x[16:], le.Uint64(x[16:])|le.Uint64(y[16:]))
		le.PutUint64(x[24:], le.Uint64(x[24:])|le.Uint64(y[24:]))
		d, s = d[32:], s[32:]
	}
	for i, c := range s {
		d[i] |= c
	}
}

func xorBits(d, s []byte) {
	le := binary.LittleEndian
	for len(d) >= 32 && len(s) >= 32 {
		x, y := d[:32], s[:32]
		le.PutUint64(x, le.Uint64(x)^le.Uint64(y))
		le.PutUint64(x[8:], le.Uint64(x[8:])^le.Uint64(y[8:]))
		le.PutUint64(x[16:], le.Uint64(x[16:])^le.Uint64(y[16:]))
		le.PutUint64(x[24:], le.Uint64(x[24:])^le.Uint64(y[24:]))
		d, s = d[32:], s[32:]
	}
	for i, c := range s {
		d[i] ^= c
	}
}
