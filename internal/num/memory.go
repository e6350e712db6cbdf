package num

import (
	"fmt"
	"math"
)

// ParseMemory reads a size as the configuration file writes it: decimal digits, then a unit in any case or none.
// b is one byte; k, m and g count in thousands; kb, mb and gb in 1024s. A sign, a fraction, a blank, missing digits,
// an unknown unit and a size above the largest int64 are errors that name the text.
func ParseMemory(s string) (int64, error) {
	end := 0
	for end < len(s) && isDigit(s[end]) {
		end++
	}
	scale := uint64(1)
	if unit := []byte(s[end:]); len(unit) > 0 {
		switch {
		case equalFold(unit, "b"):
		case equalFold(unit, "k"):
			scale = 1000
		case equalFold(unit, "kb"):
			scale = 1 << 10
		case equalFold(unit, "m"):
			scale = 1000 * 1000
		case equalFold(unit, "mb"):
			scale = 1 << 20
		case equalFold(unit, "g"):
			scale = 1000 * 1000 * 1000
		case equalFold(unit, "gb"):
			scale = 1 << 30
		default:
			return 0, fmt.Errorf("%q is not a memory size: unknown unit %q", s, unit)
		}
	}
	if end == 0 {
		return 0, fmt.Errorf("%q is not a memory size: it must start with a digit", s)
	}
	n, largest := uint64(0), math.MaxInt64/scale
	for _, c := range []byte(s[:end]) {
		d := uint64(c - '0')
		if d > largest || n > (largest-d)/10 {
			return 0, fmt.Errorf("%q is not a memory size: too large", s)
		}
		n = n*10 + d
	}
	return int64(n * scale), nil
}
