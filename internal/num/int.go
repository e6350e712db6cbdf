// Package num reads and writes numbers the way Redis does: which texts count as an integer or a float, and which
// digits come out. Pure functions over bytes; nothing here knows a command or a reply.
//
//	int.go       strict decimal integers
//	float.go     doubles: what ZADD accepts, what a score prints as
//	extended.go  the 80-bit arithmetic of INCRBYFLOAT
//	memory.go    sizes as the configuration file writes them
package num

import "math"

// maxIntDigits is the number of digits of the largest int64; that many digits cannot overflow a uint64.
const maxIntDigits = 19

// ParseInt reads b as a decimal int64 in its one canonical form: an optional '-', then digits without leading zeros.
// A leading '+', blanks, "-0", "007" and everything out of range are refused, so ParseInt(b) succeeds exactly when
// AppendInt gives b back.
func ParseInt(b []byte) (int64, bool) {
	neg := len(b) != 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > maxIntDigits {
		return 0, false
	}
	if b[0] == '0' {
		return 0, len(b) == 1 && !neg
	}
	var v uint64
	for _, c := range b {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		v = v*10 + uint64(c)
	}
	if neg {
		// The smallest int64 has no positive twin; its conversion and its negation both wrap onto itself.
		return -int64(v), v <= 1<<63
	}
	return int64(v), v <= math.MaxInt64
}

// digitPairs holds 00, 01, ... 99, so that two digits cost one division.
const digitPairs = "0001020304050607080910111213141516171819" +
	"2021222324252627282930313233343536373839" +
	"4041424344454647484950515253545556575859" +
	"6061626364656667686970717273747576777879" +
	"8081828384858687888990919293949596979899"

// AppendInt appends the decimal form of n to dst.
func AppendInt(dst []byte, n int64) []byte {
	u := uint64(n)
	if n < 0 {
		dst = append(dst, '-')
		u = -u
	}
	return AppendUint(dst, u)
}

// AppendUint appends the decimal form of u to dst.
func AppendUint(dst []byte, u uint64) []byte {
	switch {
	case u < 10:
		return append(dst, byte('0'+u))
	case u < 100:
		return append(dst, digitPairs[u*2], digitPairs[u*2+1])
	case u < 1000:
		q := u / 100
		r := u - q*100
		return append(dst, byte('0'+q), digitPairs[r*2], digitPairs[r*2+1])
	}
	var tmp [20]byte
	i := len(tmp)
	for u >= 100 {
		q := u / 100
		r := u - q*100
		i -= 2
		tmp[i+1], tmp[i] = digitPairs[r*2+1], digitPairs[r*2]
		u = q
	}
	if u >= 10 {
		i -= 2
		tmp[i+1], tmp[i] = digitPairs[u*2+1], digitPairs[u*2]
	} else {
		i--
		tmp[i] = byte('0' + u)
	}
	return append(dst, tmp[i:]...)
}
