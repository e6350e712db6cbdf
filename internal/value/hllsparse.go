package value

import (
	"slices"

	"github.com/darterdb/darter/internal/num"
)

// # Sparse HyperLogLogs
//
// While few elements were added most registers are 0, and the others are small. The sparse form is a row of runs:
//
//	00nnnnnn             ZERO   n+1 registers, 1 to 64, are 0
//	01nnnnnn nnnnnnnn    XZERO  n+1 registers, 1 to 16384, are 0
//	1vvvvvnn             VAL    n+1 registers, 1 to 4, are v+1, 1 to 32
//
// The runs of a sound one cover the 16384 registers exactly. To raise a register is to find its run, to split it into up
// to three, and to join VAL runs of one number that have become neighbours. Where Redis splits and joins is part of the
// format here: the same elements added in the same order must give the same bytes.

const (
	sparseXZero   = 0x40
	sparseVal     = 0x80
	sparseZeroMax = 64
	sparseValMax  = 4  // registers in a VAL run
	sparseTop     = 32 // the highest number of one

	// sparseJoins is how many runs, from the one before a change on, are looked at for neighbours to join.
	sparseJoins = 5
)

// hllRun reads the run at the start of b: its size in bytes, how many registers it has, and their number. The size of a
// run that is cut off is 0.
func hllRun(b []byte) (size, n int, v uint8) {
	switch c := b[0]; {
	case c&sparseVal != 0:
		return 1, int(c&3) + 1, c>>2&31 + 1
	case c&sparseXZero == 0:
		return 1, int(c) + 1, 0
	case len(b) > 1:
		return 2, int(c&63)<<8 + int(b[1]) + 1, 0
	}
	return 0, 0, 0
}

// appendZeroRun appends a run of zeros as short as can be.
func appendZeroRun(dst []byte, n int) []byte {
	switch {
	case n == 0:
		return dst
	case n <= sparseZeroMax:
		return append(dst, byte(n-1))
	}
	return append(dst, sparseXZero|byte((n-1)>>8), byte(n-1))
}

func valRun(v uint8, n int) byte { return sparseVal | (v-1)<<2 | byte(n-1) }

func appendValRun(dst []byte, v uint8, n int) []byte {
	if n == 0 {
		return dst
	}
	return append(dst, valRun(v, n))
}

// eachRun calls fn with all runs of a sparse one in order. It stops, and says so, where the runs go beyond the registers
// or don't reach their end.
func (h HLL) eachRun(fn func(first, n int, v uint8)) (sound bool) {
	at := 0
	for b := h[hllHeader:]; len(b) > 0; {
		size, n, v := hllRun(b)
		if size == 0 || at+n > hllRegisters {
			return false
		}
		fn(at, n, v)
		b, at = b[size:], at+n
	}
	return at == hllRegisters
}

// hllWalk is where a walk over the runs can be taken up again for a higher register: at the second run before the last
// change, since the first one before it may have been joined with it. The zero value is the start.
type hllWalk struct {
	at    int // in the bytes after the header
	first int // register
}

// sparseRaise is Raise of a sparse one. w is where to begin, and then where to go on for a higher register.
func (h HLL) sparseRaise(index int, to uint8, most int64, w *hllWalk) (out HLL, changed, sound bool) {
	if to > sparseTop {
		return h.promote(index, to)
	}
	// Find the run, and the two before it.
	at, first := hllHeader+w.at, w.first
	prev, before := at, *w
	var size, n int
	var v uint8
	for {
		if at >= len(h) {
			return h, false, false
		}
		if size, n, v = hllRun(h[at:]); size == 0 {
			return h, false, false
		}
		if index < first+n {
			break
		}
		*w = before
		before = hllWalk{at - hllHeader, first}
		prev, at, first = at, at+size, first+n
	}
	if v >= to {
		return h, false, true
	}

	// Split it: what is before the register, the register, what is after it.
	var buf [5]byte
	seq := buf[:0]
	left, right := index-first, first+n-1-index
	if v == 0 {
		seq = appendZeroRun(appendValRun(appendZeroRun(seq, left), to, 1), right)
	} else {
		seq = appendValRun(appendValRun(appendValRun(seq, v, left), to, 1), v, right)
	}
	if len(seq) > size && int64(len(h)+len(seq)-size) > most {
		return h.promote(index, to)
	}
	h = slices.Replace(h, at, at+size, seq...)

	// Join neighbours.
	for p, scan := prev, sparseJoins; p < len(h) && scan > 0; scan-- {
		size, n, v := hllRun(h[p:])
		if size == 0 {
			return h, false, false
		}
		if v > 0 && p+1 < len(h) {
			if _, n2, v2 := hllRun(h[p+1:]); v2 == v && n+n2 <= sparseValMax {
				h[p+1] = valRun(v, n+n2)
				h = slices.Delete(h, p, p+1)
				continue
			}
		}
		p += size
	}
	h.Outdate()
	return h, true, true
}

// promote makes a sparse one dense and raises a register.
func (h HLL) promote(index int, to uint8) (out HLL, changed, sound bool) {
	d, sound := h.ToDense(nil)
	if !sound {
		return h, false, false
	}
	return d, d.DenseRaise(index, to), true
}

// AppendRuns appends a sparse one as text, its runs with blanks between them: z:64 and Z:16384 for zeros in a short and in
// a long form, v:2,1 for a number and how many registers have it. It shows whatever is there, sound or not.
func (h HLL) AppendRuns(dst []byte) []byte {
	for b := h[hllHeader:]; len(b) > 0; {
		size, n, v := hllRun(b)
		switch {
		case size == 0:
			return dst
		case v > 0:
			dst = num.AppendUint(append(dst, "v:"...), uint64(v))
			dst = append(dst, ',')
		case size == 1:
			dst = append(dst, "z:"...)
		default:
			dst = append(dst, "Z:"...)
		}
		dst = num.AppendUint(dst, uint64(n))
		if b = b[size:]; len(b) > 0 {
			dst = append(dst, ' ')
		}
	}
	return dst
}
