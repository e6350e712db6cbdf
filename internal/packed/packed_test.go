package packed

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestElements(t *testing.T) {
	for _, tc := range []struct {
		s        string
		str, val int // sizes
	}{
		{"", 1, 1}, {"a", 2, 2}, {"0", 2, 1}, {"31", 3, 1}, {"32", 3, 2}, {"-1", 3, 2}, {"-128", 5, 2}, {"127", 4, 2},
		{"128", 4, 3}, {"-129", 5, 3}, {"32767", 6, 3}, {"32768", 6, 4}, {"8388607", 8, 4}, {"8388608", 8, 5},
		{"2147483648", 11, 6}, {"549755813888", 13, 7}, {"140737488355328", 16, 8}, {"36028797018963968", 18, 9},
		{"9223372036854775807", 20, 9}, {"-9223372036854775808", 21, 9}, {"9223372036854775808", 20, 20},
		{"-0", 3, 3}, {"007", 4, 4}, {"+1", 3, 3}, {" 1", 3, 3}, {"1.0", 4, 4}, {"-", 2, 2},
		{strings.Repeat("x", 127), 128, 128}, {strings.Repeat("x", 128), 130, 130},
		{strings.Repeat("x", 16383), 16385, 16385}, {strings.Repeat("x", 16384), 16389, 16389},
	} {
		s := []byte(tc.s)
		for _, b := range [][]byte{AppendString(nil, s), AppendValue(nil, s)} {
			require.True(t, Valid(b), "%.30s", s)
			for _, tail := range []string{"", "tail of some bytes"} {
				e, n := Decode(append(b[:len(b):len(b)], tail...))
				require.Equal(t, len(b), n, "%.30s", s)
				require.Equal(t, n, Skip(b))
				require.Equal(t, tc.s, string(e.AppendTo(nil)))
				require.Equal(t, len(s), e.Len())
				require.True(t, e.Equal(s))
				short, ok := Short(b)
				require.Equal(t, !e.IsInt && len(s) < 128, ok)
				require.True(t, !ok || string(short) == tc.s)
				require.False(t, e.Equal(append(s, 'x')))
				require.False(t, e.Equal([]byte("other")))
			}
		}
		require.Len(t, AppendString(nil, s), tc.str)
		require.Equal(t, tc.str, SizeString(s))
		require.Len(t, AppendValue(nil, s), tc.val)
		require.Equal(t, tc.val, SizeValue(s))
		require.LessOrEqual(t, tc.val, tc.str)
		require.LessOrEqual(t, tc.str, len(s)+MaxHeader)
	}
}

func TestLayout(t *testing.T) {
	require.Equal(t, []byte{2, 'h', 'i'}, AppendString(nil, []byte("hi")))
	require.Equal(t, []byte{0xC0 + 7}, AppendValue(nil, []byte("7")))
	require.Equal(t, []byte{0xE2, 0x39, 0x30}, AppendValue(nil, []byte("12345")))
	require.Equal(t, []byte{0xE1, 0xFF}, AppendInt(nil, -1))
	require.Equal(t, []byte{0x81, 0x00}, AppendString(nil, make([]byte, 256))[:2])
	require.Equal(t, []byte{0xF0, 0, 0, 1, 0}, AppendString(nil, make([]byte, 1<<16))[:5])
	require.Equal(t, []byte{0xF8, 8, 7, 6, 5, 4, 3, 2, 1, 0x39, 0x30, 0, 0}, AppendLone(nil, 0x0102030405060708, 12345))
}

func TestLone(t *testing.T) {
	b := AppendLone(nil, 1<<47+8, 1<<30)
	require.Len(t, b, LoneSize)
	require.Equal(t, LoneSize, Skip(b))
	e, n := Decode(b)
	require.Equal(t, LoneSize, n)
	require.Equal(t, Elem{Lone: 1<<47 + 8, LoneLen: 1 << 30}, e)
	require.Equal(t, 1<<30, e.Len())
	require.False(t, e.Equal(nil))
	p := NewPattern(nil)
	require.False(t, p.Matches(e))
	require.False(t, Valid(b))
}

func TestIntegersOfEveryWidth(t *testing.T) {
	for shift := range 64 {
		for _, d := range []int64{-1, 0, 1} {
			for _, n := range []int64{1<<shift + d, -(1 << shift) + d} {
				s := strconv.FormatInt(n, 10)
				b := AppendValue(nil, []byte(s))
				require.Equal(t, AppendInt(nil, n), b)
				e, size := Decode(b)
				require.True(t, e.IsInt)
				require.Equal(t, n, e.Int)
				require.Equal(t, len(b), size)
				require.Equal(t, len(s), e.Len())
			}
		}
	}
}

func TestSequence(t *testing.T) {
	words := []string{"a", "12", "", "a", strings.Repeat("long", 100), "-70000", "012", "12"}
	var b []byte
	offsets := []int{0}
	for _, w := range words {
		b = AppendValue(b, []byte(w))
		offsets = append(offsets, len(b))
	}
	require.Equal(t, len(words), Count(b))
	for i, w := range words {
		require.Equal(t, offsets[i], Offset(b, i))
		e, ok := At(b, i)
		require.True(t, ok)
		require.Equal(t, w, string(e.AppendTo(nil)))
	}
	require.Equal(t, len(b), Offset(b, len(words)))
	for _, i := range []int{-1, len(words), math.MaxInt, math.MinInt} {
		_, ok := At(b, i)
		require.False(t, ok)
	}
	for _, tc := range []struct {
		s    string
		step int
		at   int // -1 for none
	}{{"a", 1, 0}, {"12", 1, 1}, {"", 1, 2}, {"012", 1, 6}, {"-70000", 1, 5}, {"none", 1, -1}, {"13", 1, -1},
		{"a", 2, 0}, {"12", 2, -1}, {"", 2, 2}, {"012", 2, 6}, {"-70000", 2, -1}, {words[4], 2, 4}} {
		i, at, ok := NewPattern([]byte(tc.s)).Find(b, tc.step)
		require.Equal(t, tc.at >= 0, ok, "%+v", tc)
		if ok {
			require.Equal(t, tc.at, i, "%+v", tc)
			require.Equal(t, offsets[i], at)
		}
	}
	require.Zero(t, Count(nil))
	_, _, ok := Find(nil, nil)
	require.False(t, ok)
}

func TestReverse(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 128, 300} {
		var b []byte
		for i := range n {
			b = AppendValue(b, []byte(strconv.Itoa(i*i)))
		}
		r := Backwards(b, n)
		for i := n - 1; i >= 0; i-- {
			e, ok := r.Next()
			require.True(t, ok)
			require.Equal(t, int64(i*i), e.Int)
		}
		_, ok := r.Next()
		require.False(t, ok)
	}
}

func TestSplice(t *testing.T) {
	for _, tc := range []struct {
		from, to   int
		with, want string
	}{
		{0, 0, "", "abcdef"}, {0, 0, "xy", "xyabcdef"}, {6, 6, "xy", "abcdefxy"}, {2, 4, "x", "abxef"},
		{2, 4, "xyz", "abxyzef"}, {0, 6, "", ""}, {1, 6, "long text here", "along text here"}, {0, 3, "", "def"},
	} {
		for _, room := range []int{0, 100} {
			b := append(make([]byte, 0, 6+room), "abcdef"...)
			require.Equal(t, tc.want, string(Splice(b, tc.from, tc.to, []byte(tc.with))), "%+v", tc)
		}
	}
}

func TestValid(t *testing.T) {
	require.True(t, Valid(nil))
	for _, b := range []string{
		"\x01", "\x80", "\x80\x05abcde", "\x81\x00", "\xE0", "\xE1", "\xE1\x05", "\xE2\x7F\x00", "\xE9123456789", "\xEF",
		"\xF0\x01\x00\x00\x00a", "\xF0\xFF\xFF\xFF\xFF", "\xF0\xFF", "\xF1", "\xFF", "\xF8", "\x01a\x02b",
		string(AppendLone(nil, 8, 1)),
	} {
		require.False(t, Valid([]byte(b)), "%q", b)
	}
}

// FuzzElements packs strings and unpacks them again, and holds Valid to its promise.
func FuzzElements(f *testing.F) {
	f.Add([]byte("a\x00b\x0012\x00-5\x00\x00007"))
	f.Add(AppendString(nil, []byte("x")))
	f.Add([]byte{0xE1, 0x05, 0xF0, 0, 0, 0, 0, 0x81, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		words := bytes.Split(data, []byte{0})
		var b []byte
		for i, w := range words {
			if i%3 == 0 {
				b = AppendString(b, w)
			} else {
				b = AppendValue(b, w)
			}
		}
		require.True(t, Valid(b))
		require.Equal(t, len(words), Count(b))
		for i, w := range words {
			e, _ := At(b, i)
			require.Equal(t, string(w), string(e.AppendTo(nil)))
			first, _, ok := Find(b, w)
			require.True(t, ok)
			require.LessOrEqual(t, first, i)
			require.Equal(t, string(w), string(words[first]))
		}
		if !Valid(data) {
			return
		}
		var again []byte
		for rest := data; len(rest) > 0; {
			e, n := Decode(rest)
			if e.IsInt {
				again = AppendInt(again, e.Int)
			} else {
				again = AppendString(again, e.Str)
			}
			rest = rest[n:]
		}
		require.Equal(t, data, append([]byte{}, again...), "an element has one form")
	})
}

func TestAllocateNothing(t *testing.T) {
	buf := make([]byte, 0, 1000)
	s, n := []byte("some string"), []byte("1234567")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		b := AppendValue(AppendValue(buf, s), n)
		_, _, ok := Find(b, n)
		e, _ := At(b, 1)
		if !ok || e.Len() != 7 {
			panic("not found")
		}
		_ = Splice(b, 0, 3, n)
	}))
}
