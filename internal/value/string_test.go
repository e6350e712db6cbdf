package value

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRange(t *testing.T) {
	const s = "hello"
	for _, tc := range []struct {
		first, last int64
		want        string
	}{
		{0, -1, "hello"}, {0, 0, "h"}, {1, 3, "ell"}, {-3, -1, "llo"}, {-3, -5, ""}, {-1, -3, ""}, {3, 1, ""},
		{5, 9, ""}, {4, 9, "o"}, {-100, 2, "hel"}, {0, -100, "h"}, {-100, -100, "h"}, {1, -100, ""},
		{math.MinInt64, math.MaxInt64, "hello"}, {math.MaxInt64, math.MinInt64, ""}, {math.MaxInt64, math.MaxInt64, ""},
	} {
		from, to := Range(len(s), tc.first, tc.last)
		require.Equal(t, tc.want, s[from:to], "%d to %d", tc.first, tc.last)
	}
	from, to := Range(0, 0, -1)
	require.Equal(t, from, to)
}

func TestEndsWithin(t *testing.T) {
	for _, tc := range []struct {
		offset int64
		n      int
		limit  int64
		end    int64
		ok     bool
	}{
		{0, 0, 0, 0, true}, {3, 4, 7, 7, true}, {3, 5, 7, 8, false},
		{math.MaxInt64, 1, math.MaxInt64, 0, false}, {math.MaxInt64, 0, math.MaxInt64, math.MaxInt64, true},
		{math.MaxInt64 - 2, 5, 100, 0, false},
	} {
		end, ok := EndsWithin(tc.offset, tc.n, tc.limit)
		require.Equal(t, tc.ok, ok, "%+v", tc)
		require.Equal(t, tc.end, end, "%+v", tc)
	}
}

func TestAddInt(t *testing.T) {
	for _, tc := range []struct {
		a, b int64
		ok   bool
	}{
		{1, 2, true}, {math.MaxInt64, 0, true}, {math.MaxInt64, 1, false}, {math.MinInt64, -1, false},
		{math.MinInt64, math.MaxInt64, true}, {math.MinInt64, math.MinInt64, false}, {-1, math.MinInt64 + 1, true},
		{math.MaxInt64, math.MaxInt64, false},
	} {
		sum, ok := AddInt(tc.a, tc.b)
		require.Equal(t, tc.ok, ok, "%+v", tc)
		if ok {
			require.Equal(t, tc.a, sum-tc.b)
		}
	}
}

func TestEncoding(t *testing.T) {
	for _, tc := range []struct {
		v      string
		edited bool
		want   string
		refs   int64
	}{
		{"", false, "embstr", 1}, {"12", false, "int", math.MaxInt32}, {"9999", false, "int", math.MaxInt32},
		{"10000", false, "int", 1}, {"-1", false, "int", 1}, {"012", false, "embstr", 1}, {"12", true, "raw", 1},
		{"9223372036854775807", false, "int", 1}, {"9223372036854775808", false, "embstr", 1},
		{strings.Repeat("x", 44), false, "embstr", 1}, {strings.Repeat("x", 45), false, "raw", 1}, {"x", true, "raw", 1},
	} {
		require.Equal(t, tc.want, Encoding([]byte(tc.v), tc.edited), "%+v", tc)
		require.Equal(t, tc.refs, References([]byte(tc.v), tc.edited), "%+v", tc)
	}
}

func TestCommonWithin(t *testing.T) {
	require.True(t, CommonWithin(0, 0, 4))
	require.False(t, CommonWithin(0, 0, 3))
	require.True(t, CommonWithin(9, 9, 400))
	require.False(t, CommonWithin(9, 9, 399))
	require.False(t, CommonWithin(math.MaxInt32-1, math.MaxInt32-1, 512<<20))
	require.False(t, CommonWithin(1, 1, -1))
}

func TestCommon(t *testing.T) {
	text, matches := Common([]byte("ohmytext"), []byte("mynewtext"))
	require.Equal(t, "mytext", string(text))
	require.Equal(t, []Match{{4, 5, 4}, {2, 0, 2}}, matches)
	text, matches = Common(nil, []byte("a"))
	require.Empty(t, text)
	require.Empty(t, matches)
}

// FuzzCommon compares with the recursive definition.
func FuzzCommon(f *testing.F) {
	f.Add([]byte("ohmytext"), []byte("mynewtext"))
	f.Add([]byte("aaa"), []byte("aa"))
	f.Add([]byte{}, []byte("x"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		a, b = a[:min(len(a), 70)], b[:min(len(b), 70)]
		text, matches := Common(a, b)
		require.Len(t, text, lcsByDefinition(a, b))
		require.Equal(t, len(text), CommonLen(a, b))
		var joined []byte
		for i := len(matches) - 1; i >= 0; i-- {
			m := matches[i]
			require.Equal(t, a[m.A:m.A+m.Len], b[m.B:m.B+m.Len])
			joined = append(joined, a[m.A:m.A+m.Len]...)
			if i > 0 {
				next := matches[i-1]
				require.LessOrEqual(t, m.A+m.Len, next.A)
				require.LessOrEqual(t, m.B+m.Len, next.B)
			}
		}
		require.Equal(t, string(text), string(joined))
	})
}

func lcsByDefinition(a, b []byte) int {
	type at struct{ i, j int }
	known := map[at]int{}
	var of func(i, j int) int
	of = func(i, j int) int {
		if i == 0 || j == 0 {
			return 0
		}
		if n, ok := known[at{i, j}]; ok {
			return n
		}
		n := 0
		if a[i-1] == b[j-1] {
			n = of(i-1, j-1) + 1
		} else {
			n = max(of(i-1, j), of(i, j-1))
		}
		known[at{i, j}] = n
		return n
	}
	return of(len(a), len(b))
}
