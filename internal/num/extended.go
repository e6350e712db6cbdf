package num

import (
	"errors"
	"math/big"
)

// INCRBYFLOAT adds in the x87 extended format, 64 bits of mantissa and 15 of exponent, and prints 17 places with
// trailing zeros cut. Both steps show in the digits (0.1 + 0.2 is 0.3, 1000.2 + 0 is 1000.20000000000000001), so the
// format is reproduced with big.Float: each operand is rounded once, to nearest even, and so is the sum. Subnormal
// operands keep more bits here than the hardware would; 17 places cannot show it.
const (
	extendedMantissa = 64
	extendedMaxExp   = 16384 // values are below 2^extendedMaxExp
	// extendedUnderflow: what is not above 2^extendedUnderflow rounds to zero.
	extendedUnderflow = -16446
	// extendedMaxText bounds the text of an operand, as Redis's buffer for it does.
	extendedMaxText = 5*1024 - 1
	// extendedMaxDigits is above the decimal exponents of both ends of the format.
	extendedMaxDigits = 5000
	// extendedPlaces is the number of digits printed after the point.
	extendedPlaces = 17
)

// Errors of IncrFloat. The caller has the text its command answers with.
var (
	ErrStoredFloat    = errors.New("stored value is not a valid float")
	ErrIncrementFloat = errors.New("increment is not a valid float")
	ErrNaNOrInfinity  = errors.New("increment would produce NaN or Infinity")
)

// IncrFloat appends to dst the decimal form of old + by as INCRBYFLOAT and HINCRBYFLOAT store and answer it. For a
// key that does not exist old is "0". On an error dst is returned unchanged.
func IncrFloat(dst, old, by []byte) ([]byte, error) {
	if a, ok := parseSafeInt(old); ok {
		if b, ok := parseSafeInt(by); ok {
			return AppendInt(dst, a+b), nil
		}
	}
	a, aInf, ok := parseExtended(old)
	if !ok {
		return dst, ErrStoredFloat
	}
	b, bInf, ok := parseExtended(by)
	if !ok {
		return dst, ErrIncrementFloat
	}
	if aInf || bInf {
		return dst, ErrNaNOrInfinity
	}
	sum := newExtended().Add(a, b)
	if sum.MantExp(nil) > extendedMaxExp {
		return dst, ErrNaNOrInfinity
	}
	start := len(dst)
	dst = sum.Append(dst, 'f', extendedPlaces)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	if string(dst[start:]) == "-0" {
		dst = append(dst[:start], '0')
	}
	return dst, nil
}

// IsIncrement reports whether by can be an operand of IncrFloat, and whether it is a finite one, for the command
// that must judge its argument before it looks at the data.
func IsIncrement(by []byte) (valid, finite bool) {
	_, inf, ok := parseExtended(by)
	return ok, ok && !inf
}

// parseSafeInt reads integers whose sum of two is exact both here and in the extended format.
func parseSafeInt(b []byte) (int64, bool) {
	n, ok := ParseInt(b)
	return n, ok && n >= -1<<61 && n <= 1<<61
}

func newExtended() *big.Float { return new(big.Float).SetPrec(extendedMantissa) }

// parseExtended reads b as strtold would and rounds it once. Numbers outside the format, and texts longer than
// Redis's buffer, are not ok.
func parseExtended(b []byte) (f *big.Float, inf, ok bool) {
	if len(b) > extendedMaxText {
		return nil, false, false
	}
	t := scanFloat(b)
	switch {
	case t.kind == notFloat:
		return nil, false, false
	case t.kind == infinity:
		return nil, true, true
	case t.zero:
		return newExtended(), false, true
	}
	digits, places := t.integer()
	var mantissa big.Int
	if t.kind == hexadecimal {
		mantissa.SetString(string(digits), 16)
		f = newExtended().SetInt(&mantissa)
		f.SetMantExp(f, t.exp()-4*places)
	} else {
		mantissa.SetString(string(digits), 10)
		exp := t.exp() - places
		// Far outside the format the power of ten need not be computed to know the answer.
		if top := exp + len(digits); top > extendedMaxDigits || top < -extendedMaxDigits {
			return nil, false, false
		}
		f = scaleByTen(&mantissa, exp)
	}
	if f.MantExp(nil) > extendedMaxExp {
		return nil, false, false
	}
	if f.Cmp(new(big.Float).SetMantExp(big.NewFloat(1), extendedUnderflow)) <= 0 {
		return nil, false, false
	}
	if t.neg {
		f.Neg(f)
	}
	return f, false, true
}

// scaleByTen is m x 10^exp, rounded once: the power is exact and so is m, only the last step rounds.
func scaleByTen(m *big.Int, exp int) *big.Float {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
	if exp >= 0 {
		return newExtended().SetInt(power.Mul(power, m))
	}
	return newExtended().Quo(new(big.Float).SetInt(m), new(big.Float).SetInt(power))
}

// integer is the mantissa without its point and without leading zeros, and how many of its digits stood after the
// point.
func (t *floatText) integer() (digits []byte, places int) {
	digits = make([]byte, 0, len(t.mantissa))
	point := len(t.mantissa)
	for i, c := range t.mantissa {
		if c == '.' {
			point = i + 1
		} else if c != '0' || len(digits) > 0 {
			digits = append(digits, c)
		}
	}
	return digits, len(t.mantissa) - point
}
