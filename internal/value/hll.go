package value

import (
	"encoding/binary"
	"math/bits"
)

// # HyperLogLogs
//
// A HyperLogLog estimates how many different elements were added to it, with a standard error of 0.81 %, in 12 KB or
// less. It is a string, in Redis's own format to the byte, so that one can be carried between the two by GET and SET:
//
//	| H Y L L | encoding | 0 0 0 | cached count, 8 bytes, little-endian | registers ... |
//
// The top bit of the count's last byte says that the count is out of date. An element's hash chooses one of 16384
// registers by its low 14 bits; how many zeros follow them, plus one, is what the register is raised to, if it is lower.
//
//	dense    encoding 0: 6 bits a register, from the low bits of each byte up; 12304 bytes in all
//	sparse   encoding 1: runs of equal registers, see hllsparse.go
//
// A new one is sparse. It becomes dense for good when it grows past a limit (Limits.HLLSparse) or a register past what a
// run can tell.
// Strings come from users: nothing here trusts more of them than Valid has checked.

const (
	hllBits      = 14
	hllRegisters = 1 << hllBits
	hllHash      = 64 - hllBits // bits of a hash that are counted in
	hllHeader    = 16
	hllDenseSize = hllHeader + hllRegisters*6/8

	hllEncoding   = 4 // where it stands
	hllCount      = 8
	hllStale      = hllCount + 7
	hllDense      = 0
	hllSparse     = 1
	hllStaleFlag  = 0x80
	hllSeed       = 0xadc83b19
	hllHighest    = 63 // of a register's numbers
	hllMagic      = "HYLL"
	hllNewContent = "\x7f\xff" // one run of 16384 zeros
)

// HLLSparseMax is the longest sparse HyperLogLog unless Limits say otherwise.
const HLLSparseMax = 3000

// HLL is the bytes of a HyperLogLog. Methods other than Valid are for valid ones.
type HLL []byte

// AppendHLL appends an empty HyperLogLog.
func AppendHLL(dst []byte) HLL {
	dst = append(dst, hllMagic...)
	dst = append(dst, hllSparse, 0, 0, 0)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	return append(dst, hllNewContent...)
}

// Valid says that a string has the form of a HyperLogLog. A sparse one may still be found to be corrupt.
func (h HLL) Valid() bool {
	return len(h) >= hllHeader && string(h[:4]) == hllMagic &&
		(h[hllEncoding] == hllSparse || h[hllEncoding] == hllDense && len(h) == hllDenseSize)
}

// Dense says which form it has.
func (h HLL) Dense() bool { return h[hllEncoding] == hllDense }

// Cached returns the count that is kept, if it is up to date.
func (h HLL) Cached() (n uint64, ok bool) {
	return binary.LittleEndian.Uint64(h[hllCount:]), h[hllStale]&hllStaleFlag == 0
}

// Cache keeps a count.
func (h HLL) Cache(n uint64) { binary.LittleEndian.PutUint64(h[hllCount:], n) }

// Outdate marks the count as out of date.
func (h HLL) Outdate() { h[hllStale] |= hllStaleFlag }

// HLLRegister returns which register an element belongs to and what it raises it to.
func HLLRegister(element []byte) (index int, to uint8) {
	hash := murmur64(element)
	return int(hash & (hllRegisters - 1)), uint8(bits.TrailingZeros64(hash>>hllBits|1<<hllHash)) + 1
}

// murmur64 is MurmurHash64A of Austin Appleby, with the seed that Redis gives it.
func murmur64(b []byte) uint64 {
	const m, r = 0xc6a4a7935bd1e995, 47
	h := hllSeed ^ uint64(len(b))*m
	for ; len(b) >= 8; b = b[8:] {
		k := binary.LittleEndian.Uint64(b) * m
		h = (h ^ (k^k>>r)*m) * m
	}
	if len(b) > 0 {
		var last [8]byte
		copy(last[:], b)
		h = (h ^ binary.LittleEndian.Uint64(last[:])) * m
	}
	h = (h ^ h>>r) * m
	return h ^ h>>r
}

// denseAt returns where a register of a dense one begins: the byte, and the bit in it.
func denseAt(index int) (at int, shift uint) { return hllHeader + index*6>>3, uint(index) * 6 & 7 }

// denseGet returns a register of a dense one.
func (h HLL) denseGet(index int) uint8 {
	at, shift := denseAt(index)
	v := uint(h[at]) >> shift
	if shift > 2 {
		v |= uint(h[at+1]) << (8 - shift)
	}
	return uint8(v & hllHighest)
}

// densePut changes a register of a dense one.
func (h HLL) densePut(index int, to uint8) {
	at, shift := denseAt(index)
	h[at] = h[at]&^byte(hllHighest<<shift) | to<<shift
	if shift > 2 {
		h[at+1] = h[at+1]&^byte(hllHighest>>(8-shift)) | to>>(8-shift)
	}
}

// DenseBelow says that a register of a dense one is lower than a number.
func (h HLL) DenseBelow(index int, to uint8) bool { return h.denseGet(index) < to }

// DenseRaise raises a register of a dense one, in place, and says whether it was lower.
func (h HLL) DenseRaise(index int, to uint8) bool {
	if h.denseGet(index) >= to {
		return false
	}
	h.densePut(index, to)
	return true
}

// HLLRegisters are the registers of a HyperLogLog spelled out.
type HLLRegisters [hllRegisters]uint8

// eight returns eight registers of a dense one in the low bits of a word: six bytes hold eight of them.
func eight(b []byte) uint64 {
	return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint16(b[4:]))<<32
}

// Merge raises registers to those of a HyperLogLog. It says whether that is sound; if not, registers may have been raised.
func (h HLL) Merge(into *HLLRegisters) bool {
	if !h.Dense() {
		return h.eachRun(func(first, n int, v uint8) {
			if v == 0 {
				return
			}
			for i := first; i < first+n; i++ {
				into[i] = max(into[i], v)
			}
		})
	}
	b := h[hllHeader:]
	for i := 0; i+8 <= len(into); i += 8 {
		w, r := eight(b), into[i:i+8:i+8]
		b = b[6:]
		for j := range r {
			r[j] = max(r[j], uint8(w>>(6*uint(j))&hllHighest))
		}
	}
	return true
}

// ToDense appends the dense form of a sparse one. It says whether that is sound; if not it returns what is appended to as
// it was.
func (h HLL) ToDense(dst []byte) (HLL, bool) {
	start := len(dst)
	dst = append(dst, make([]byte, hllDenseSize)...)
	d := HLL(dst[start:])
	copy(d, h[:hllHeader])
	d[hllEncoding] = hllDense
	sound := h.eachRun(func(first, n int, v uint8) {
		if v == 0 {
			return
		}
		for i := first; i < first+n; i++ {
			d.densePut(i, v)
		}
	})
	if !sound {
		return dst[:start], false
	}
	return dst, true
}

// Raise raises a register of one whose bytes are the caller's, and returns it, perhaps longer and elsewhere, and whether
// the register was lower. A sparse one that would become longer than most becomes dense. It says whether the HyperLogLog is
// sound; one that is not may have been changed.
func (h HLL) Raise(index int, to uint8, most int64) (out HLL, changed, sound bool) {
	if h.Dense() {
		return h, h.DenseRaise(index, to), true
	}
	return h.sparseRaise(index, to, most, &hllWalk{})
}

// RaiseAll raises all registers to others. It is Raise for each of them.
func (h HLL) RaiseAll(to *HLLRegisters, most int64) (out HLL, sound bool) {
	var w hllWalk
	for i, v := range to {
		switch {
		case v == 0:
		case h.Dense():
			h.DenseRaise(i, v)
		default:
			if h, _, sound = h.sparseRaise(i, v, most, &w); !sound {
				return h, false
			}
		}
	}
	return h, true
}
