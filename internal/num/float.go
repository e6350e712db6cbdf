package num

import (
	"math"
	"strconv"
)

// floatKind is what a text says it is, before anyone asks whether the number fits a format.
type floatKind uint8

const (
	notFloat floatKind = iota
	infinity
	decimal
	hexadecimal
)

// floatText is a float taken apart, without its value: the syntax C's strtod accepts, minus NaN and minus blanks.
type floatText struct {
	kind floatKind
	neg  bool
	zero bool // every digit of the mantissa is 0
	// mantissa is digits with at most one '.', without sign and 0x.
	mantissa []byte
	// exponent is the text after e or p with its sign; nil if there is none.
	exponent []byte
}

// scanFloat takes b apart. Sign, then "inf" or "infinity" in any case, or decimal digits with an optional point and
// an e exponent, or 0x with hexadecimal digits and an optional p exponent.
func scanFloat(b []byte) (t floatText) {
	if len(b) != 0 && (b[0] == '-' || b[0] == '+') {
		t.neg = b[0] == '-'
		b = b[1:]
	}
	if equalFold(b, "inf") || equalFold(b, "infinity") {
		t.kind = infinity
		return t
	}
	kind, mark := decimal, byte('e')
	if len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' {
		kind, mark = hexadecimal, 'p'
		b = b[2:]
	}
	t.zero = true
	i, digits, points := 0, 0, 0
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' {
			points++
			continue
		}
		if !isDigit(c) && (kind == decimal || c|0x20 < 'a' || c|0x20 > 'f') {
			break
		}
		digits++
		t.zero = t.zero && c == '0'
	}
	if digits == 0 || points > 1 {
		return t
	}
	t.mantissa = b[:i]
	if i < len(b) {
		if b[i]|0x20 != mark {
			return t
		}
		t.exponent = b[i+1:]
		e := t.exponent
		if len(e) != 0 && (e[0] == '-' || e[0] == '+') {
			e = e[1:]
		}
		if len(e) == 0 {
			return t
		}
		for _, c := range e {
			if !isDigit(c) {
				return t
			}
		}
	}
	t.kind = kind
	return t
}

// exp is the exponent as a number; beyond a million, where every format has long overflowed, it stops growing.
func (t *floatText) exp() int {
	const enough = 1_000_000
	e, neg := t.exponent, false
	if len(e) != 0 && (e[0] == '-' || e[0] == '+') {
		neg = e[0] == '-'
		e = e[1:]
	}
	n := 0
	for _, c := range e {
		n = min(n*10+int(c-'0'), enough)
	}
	if neg {
		return -n
	}
	return n
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// equalFold compares b with lower-case letters.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// ParseFloat reads b as a double as Redis reads scores and other float arguments: decimal or hexadecimal, correctly
// rounded, with "inf", "+inf", "-inf" and "infinity" in any case. NaN, blanks, trailing bytes, and numbers too large
// or too close to zero for a double are refused.
func ParseFloat(b []byte) (float64, bool) {
	if f, ok := parseSmall(b); ok {
		return f, true
	}
	t := scanFloat(b)
	var (
		f   float64
		err error
	)
	switch t.kind {
	case notFloat:
		return 0, false
	case infinity:
		if t.neg {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	case decimal:
		f, err = strconv.ParseFloat(string(b), 64)
	case hexadecimal:
		if t.exponent != nil {
			f, err = strconv.ParseFloat(string(b), 64)
		} else {
			f, err = strconv.ParseFloat(string(b)+"p0", 64)
		}
	}
	if err != nil || f == 0 && !t.zero {
		return 0, false
	}
	return f, true
}

// parseSmall reads the commonest floats, integers below 10^15, which a double holds exactly.
func parseSmall(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > 15 {
		return 0, false
	}
	n := int64(0)
	for _, c := range b {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return float64(n), true
}

// AppendDouble appends f as Redis 7.2 prints scores and RESP3 doubles: "inf", "-inf", "nan", integers up to 2^62 in
// full, and everything else with the fewest digits that read back as f. (Redis's own printer misses the shortest
// digits for about one long fraction in a thousand, and prints one that reads back as the same number.)
func AppendDouble(dst []byte, f float64) []byte {
	const exactInts = 1 << 62
	switch {
	case f != f:
		return append(dst, "nan"...)
	case f > math.MaxFloat64:
		return append(dst, "inf"...)
	case f < -math.MaxFloat64:
		return append(dst, "-inf"...)
	case f == 0 && math.Signbit(f):
		return append(dst, "-0"...)
	case f >= -exactInts && f <= exactInts && f == math.Trunc(f):
		return AppendInt(dst, int64(f))
	}
	return appendShortest(dst, f)
}

// appendShortest lays out the shortest digits of a finite f that is not zero. Where the exponent notation starts is
// the one Redis's printer has: it looks at how many digits follow the point, not only at the size of the number.
func appendShortest(dst []byte, f float64) []byte {
	var tmp [32]byte
	text := strconv.AppendFloat(tmp[:0], math.Abs(f), 'e', -1, 64)
	// text is d[.ddd]e±xx; close the gap of the point to have the digits side by side.
	mark := len(text) - 1
	for text[mark] != 'e' {
		mark--
	}
	top := 0 // the decimal exponent of the first digit
	for _, c := range text[mark+2:] {
		top = top*10 + int(c-'0')
	}
	if text[mark+1] == '-' {
		top = -top
	}
	digits := text[:1]
	if mark > 1 {
		digits = append(digits, text[2:mark]...)
	}
	last := top - len(digits) + 1 // the decimal exponent of the last digit

	if f < 0 {
		dst = append(dst, '-')
	}
	switch {
	case last >= 0 && top < len(digits)+7:
		dst = append(dst, digits...)
		return appendZeros(dst, last)
	case last < 0 && (last > -7 || top > -4 && top < 4):
		if top < 0 {
			dst = append(dst, "0."...)
			dst = appendZeros(dst, -top-1)
			return append(dst, digits...)
		}
		dst = append(dst, digits[:top+1]...)
		dst = append(dst, '.')
		return append(dst, digits[top+1:]...)
	}
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(dst, '.')
		dst = append(dst, digits[1:]...)
	}
	if top < 0 {
		return AppendUint(append(dst, "e-"...), uint64(-top))
	}
	return AppendUint(append(dst, "e+"...), uint64(top))
}

func appendZeros(dst []byte, n int) []byte {
	for ; n > 0; n-- {
		dst = append(dst, '0')
	}
	return dst
}
