package luavm

import (
	"math"
	"strconv"
	"strings"

	"github.com/darterdb/darter/internal/num"
)

// appendNumber appends a number as tostring shows it: C's "%.14g".
func appendNumber(dst []byte, f float64) []byte {
	if n := int64(f); float64(n) == f && n > -1e14 && n < 1e14 && (n != 0 || !math.Signbit(f)) {
		return num.AppendInt(dst, n)
	}
	return appendGeneral(dst, f, 14)
}

// appendGeneral appends C's "%.<precision>g".
func appendGeneral(dst []byte, f float64, precision int) []byte {
	switch {
	case math.IsNaN(f):
		if math.Signbit(f) {
			return append(dst, "-nan"...)
		}
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	if precision == 0 {
		precision = 1
	}
	// Go's 'e' form gives the digits and the exponent that decide between the two notations.
	var tmp [128]byte
	e := strconv.AppendFloat(tmp[:0], f, 'e', precision-1, 64)
	split := len(e) - 1
	for e[split] != 'e' {
		split--
	}
	exponent, _ := strconv.Atoi(string(e[split+1:]))
	if exponent >= -4 && exponent < precision {
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', precision-1-exponent, 64)
		return trimZeros(dst, start)
	}
	start := len(dst)
	dst = trimZeros(append(dst, e[:split]...), start)
	return append(dst, e[split:]...)
}

// trimZeros cuts trailing zeros of a fraction in dst[start:], and the point if nothing is left of it.
func trimZeros(dst []byte, start int) []byte {
	point := false
	for _, c := range dst[start:] {
		point = point || c == '.'
	}
	if !point {
		return dst
	}
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func trimSpace(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// parseNumber reads a text as Lua does, by the rules of C's strtod: blanks around, a sign, decimal or 0x digits with
// an exponent, also "inf" and "nan".
func parseNumber(s string) (float64, bool) {
	if s == "" {
		return 0, false
	}
	s = trimSpace(untilZero(s))
	if n, ok := parseSmall(s); ok {
		return n, true
	}
	digits, neg := s, false
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		neg = digits[0] == '-'
		digits = digits[1:]
	}
	if digits == "" {
		return 0, false
	}
	var f float64
	switch c := digits[0]; {
	case c >= '0' && c <= '9' || c == '.':
		var ok bool
		if f, ok = parseDigits(digits); !ok {
			return 0, false
		}
	case strings.EqualFold(digits, "inf"), strings.EqualFold(digits, "infinity"):
		f = math.Inf(1)
	case strings.EqualFold(digits, "nan"):
		f = math.NaN()
	default:
		return 0, false
	}
	if neg {
		f = -f
	}
	return f, true
}

// parseSmall reads the common case, a few decimal digits.
func parseSmall(s string) (float64, bool) {
	digits := s
	if digits != "" && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	n := int64(0)
	for i := range len(digits) {
		c := digits[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if len(digits) != len(s) {
		return -float64(n), true
	}
	return float64(n), true
}

// parseDigits reads a number without sign. Only what C takes reaches Go's reader, which would take more.
func parseDigits(s string) (float64, bool) {
	mark, hex := byte('e'), false
	body := s
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		mark, hex = 'p', true
		body = s[2:]
	}
	i, digits, points := 0, 0, 0
	for ; i < len(body); i++ {
		c := body[i]
		if c == '.' {
			points++
			continue
		}
		lower := c | 0x20
		if (c < '0' || c > '9') && (!hex || lower < 'a' || lower > 'f') {
			break
		}
		digits++
	}
	if digits == 0 || points > 1 {
		return 0, false
	}
	exponent := i < len(body)
	if exponent {
		rest := body[i:]
		if rest[0]|0x20 != mark {
			return 0, false
		}
		rest = rest[1:]
		if rest != "" && (rest[0] == '-' || rest[0] == '+') {
			rest = rest[1:]
		}
		if rest == "" {
			return 0, false
		}
		for j := range len(rest) {
			if rest[j] < '0' || rest[j] > '9' {
				return 0, false
			}
		}
	}
	if hex && !exponent {
		s += "p0"
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || math.IsInf(f, 0) // too large is infinite, as in C
}

// toNumber is a number, or a string that reads as one.
func (v value) toNumber() (float64, bool) {
	switch x := v.ref.(type) {
	case numberTag:
		return v.num, true
	case *str:
		return parseNumber(x.s)
	}
	return 0, false
}
