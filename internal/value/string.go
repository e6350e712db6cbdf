// Package value has what commands compute of values: pure functions on bytes, which know no key, clock or lock.
//
//	string.go   ranges, lengths, sums and the names of encodings
//	lcs.go      the longest common subsequence of two strings
package value

import (
	"math"

	"github.com/darterdb/darter/internal/num"
)

// embeddedMax is the longest string that OBJECT ENCODING calls embstr.
const embeddedMax = 44

// sharedInts is how many integers from 0 on Redis has one shared object for, and sharedRefs what it answers then when
// it is asked for the references of one.
const (
	sharedInts = 10000
	sharedRefs = math.MaxInt32
)

// Range clips a range given by its first and last position, negative ones counted from the end, to a string of n bytes
// and returns it as the bounds of a slice. Where nothing is left both are equal.
func Range(n int, first, last int64) (from, to int) {
	size := int64(n)
	if size == 0 || first < 0 && last < 0 && first > last {
		return 0, 0
	}
	if first < 0 {
		first = max(first+size, 0)
	}
	if last < 0 {
		// A last position in front of the string is its first byte: so Redis has it.
		last = max(last+size, 0)
	}
	last = min(last, size-1)
	if first > last {
		return 0, 0
	}
	return int(first), int(last) + 1
}

// EndsWithin returns where n bytes at an offset end, and whether that is at most limit. offset is not negative.
func EndsWithin(offset int64, n int, limit int64) (end int64, ok bool) {
	if int64(n) > math.MaxInt64-offset {
		return 0, false
	}
	end = offset + int64(n)
	return end, end <= limit
}

// AddInt returns a + b and whether an int64 holds it.
func AddInt(a, b int64) (sum int64, ok bool) {
	sum = a + b
	return sum, (a^sum)&(b^sum) >= 0
}

// Encoding names the way Redis would keep a string. edited says that it was changed in place, which Redis does only to
// the plain form.
func Encoding(v []byte, edited bool) string {
	if edited {
		return "raw"
	}
	if _, ok := num.ParseInt(v); ok {
		return "int"
	}
	if len(v) <= embeddedMax {
		return "embstr"
	}
	return "raw"
}

// References returns how many references Redis would count to a string.
func References(v []byte, edited bool) int64 {
	if n, ok := num.ParseInt(v); ok && !edited && n >= 0 && n < sharedInts {
		return sharedRefs
	}
	return 1
}
