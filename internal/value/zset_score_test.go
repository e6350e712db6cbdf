package value

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScoreSizes(t *testing.T) {
	for _, tc := range []struct {
		f    float64
		size int
	}{
		{0, 1}, {1, 1}, {159, 1}, {160, 2}, {16543, 2}, {16544, 3}, {-1, 2}, {-128, 2}, {-129, 3}, {32767, 3}, {32768, 4},
		{1e6, 4}, {1700000000, 5}, {1700000000123, 7}, {1700000000.123, 7}, {1 << 53, 8}, {1 << 54, 8}, {1 << 55, 5},
		{1e300, 9},
		{1.5, 2}, {-1.5, 2}, {12.7, 2}, {12.8, 3}, {0.1, 2}, {3.14, 3}, {99.999, 4}, {0.001, 2}, {0.0001, 9}, {1.0 / 3, 9},
		{0.0625, 5}, {100000.5, 4}, {math.Pi, 9}, {math.Inf(1), 5}, {math.Inf(-1), 5}, {5e-324, 9}, {math.MaxFloat64, 9},
		{1e15 + 0.5, 9}, {-99.99, 3},
	} {
		b := appendScore(nil, tc.f)
		require.Len(t, b, tc.size, "%v", tc.f)
		checkScore(t, tc.f)
	}
	require.Equal(t, plainScore(math.Copysign(0, -1)), 0.0)
	require.False(t, math.Signbit(plainScore(math.Copysign(0, -1))))
}

// checkScore writes a score in both forms and reads it again.
func checkScore(t testing.TB, f float64) {
	t.Helper()
	b := append(appendScore(nil, f), "tail"...)
	got, n := readScore(b)
	require.Equal(t, f, got)
	require.Equal(t, len(b)-4, n)
	require.Equal(t, n, scoreSize(b))
	n, ok := validScore(b)
	require.True(t, ok)
	require.Equal(t, len(b)-4, n)
	_, ok = validScore(b[:n-1])
	require.False(t, ok)
	require.Equal(t, f, keyScore(appendKey(nil, f)))
}

func TestScoresFromOutside(t *testing.T) {
	for _, b := range [][]byte{
		nil, {0xFE}, {0xFF}, {0xFC, 0, 0, 0, 0}, {0xFD, 0, 0, 0, 0, 0, 0, 0xF8, 0x7F}, {0xFC, 0, 0, 0xC0, 0x7F},
		{0xE0, 1}, {0xE1, 0, 0}, {0xE7, 10}, {0xEE, 10}, {0xFD, 0, 0, 0, 0, 0, 0, 0, 0x80},
	} {
		_, ok := validScore(b)
		require.False(t, ok, "%x", b)
	}
}

func TestKeysCompareAsScores(t *testing.T) {
	scores := []float64{
		math.Inf(-1), -math.MaxFloat64, -1e10, -1.5, -1, -5e-324, 0, 5e-324, 0.1, 1, 1.5, 2, 1e10,
		math.MaxFloat64, math.Inf(1),
	}
	require.True(t, slices.IsSortedFunc(scores, func(a, b float64) int {
		return bytes.Compare(appendKey(nil, a), appendKey(nil, b))
	}))
}

func FuzzScore(f *testing.F) {
	for _, seed := range []float64{0, 1.5, -3.14, 1e300, 1700000000.123, 0.001} {
		f.Add(math.Float64bits(seed), uint8(0))
	}
	f.Fuzz(func(t *testing.T, bits uint64, scale uint8) {
		s := math.Float64frombits(bits)
		if scale > 0 { // decimals
			s = float64(int64(bits)>>(scale%60)) / math.Pow10(int(scale%5))
		}
		if s == s {
			checkScore(t, plainScore(s))
		}
	})
}
