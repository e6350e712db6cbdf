package value

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainBits spells a string's bits out.
func plainBits(b []byte) []bool {
	out := make([]bool, 0, len(b)*8)
	for _, c := range b {
		for i := 7; i >= 0; i-- {
			out = append(out, c>>i&1 == 1)
		}
	}
	return out
}

func randomString(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	mode := r.IntN(4)
	for i := range b {
		switch mode {
		case 0:
			b[i] = byte(r.Uint32())
		case 1:
			b[i] = 0xff
		}
	}
	if n > 0 && mode > 0 {
		b[r.IntN(n)] ^= 1 << r.IntN(8)
	}
	return b
}

func checkRanges(t *testing.T, b []byte, from, to int64) {
	plain := plainBits(b)
	count, first := int64(0), [2]int64{-1, -1}
	for i := from; i < to; i++ {
		which := 0
		if plain[i] {
			count++
			which = 1
		}
		if first[which] < 0 {
			first[which] = i
		}
	}
	if n := CountBitRange(b, from, to); n != count {
		t.Fatalf("CountBitRange(%x, %d, %d) = %d, want %d", b, from, to, n, count)
	}
	for which, on := range []bool{false, true} {
		if at := FindBit(b, on, from, to); at != first[which] {
			t.Fatalf("FindBit(%x, %v, %d, %d) = %d, want %d", b, on, from, to, at, first[which])
		}
	}
}

func TestBitRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		b := randomString(r, r.IntN(120))
		from := r.Int64N(int64(len(b))*8 + 1)
		to := from + r.Int64N(int64(len(b))*8-from+1)
		checkRanges(t, b, from, to)
		checkRanges(t, b, 0, int64(len(b))*8)
		require.Equal(t, CountBitRange(b, 0, int64(len(b))*8), CountBits(b))
	}
	require.Zero(t, CountBitRange([]byte{0xff}, 3, 3))
	require.Zero(t, CountBitRange([]byte{0xff}, 5, 3))
	require.Equal(t, int64(-1), FindBit([]byte{0xff}, true, 5, 5))
}

func TestGetAndPutBit(t *testing.T) {
	b := make([]byte, 4)
	for at := range int64(32) {
		PutBit(b, at, true)
		require.True(t, GetBit(b, at))
		require.Equal(t, at+1, CountBits(b))
	}
	require.False(t, GetBit(b, 32))
	require.False(t, GetBit(b, math.MaxInt64))
	require.False(t, GetBit(nil, 0))
	PutBit(b, 9, false)
	require.Equal(t, []byte{0xff, 0xbf, 0xff, 0xff}, b)
}

func TestBitRange(t *testing.T) {
	for _, x := range []struct{ n, first, last, from, to int64 }{
		{10, 0, -1, 0, 10}, {10, 2, 5, 2, 6}, {10, -3, -2, 7, 9}, {10, -100, 3, 0, 4}, {10, 3, 100, 3, 10},
		{10, -100, -50, 0, 1}, {10, math.MinInt64, math.MaxInt64, 0, 10},
	} {
		from, to := BitRange(x.n, x.first, x.last)
		require.Equal(t, []int64{x.from, x.to}, []int64{from, to}, x)
	}
	for _, x := range [][3]int64{{0, 0, -1}, {0, -1, -1}, {10, 10, 20}, {10, 5, 4}, {10, math.MaxInt64, math.MaxInt64}} {
		from, to := BitRange(x[0], x[1], x[2])
		require.GreaterOrEqual(t, from, to, x)
	}
}

func TestCombineBits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		sources := make([][]byte, 1+r.IntN(5))
		n := 0
		for i := range sources {
			size := r.IntN(70)
			if round%4 == 0 {
				size = r.IntN(3 * opBlock)
			}
			sources[i] = make([]byte, size)
			for j := range sources[i] {
				sources[i][j] = byte(r.Uint32())
			}
			n = max(n, size)
		}
		for op := BitAnd; op <= BitNot; op++ {
			if op == BitNot {
				sources = sources[:1]
				n = len(sources[0])
			}
			want := make([]byte, n)
			for i := range want {
				for j, s := range sources {
					c := byte(0)
					if i < len(s) {
						c = s[i]
					}
					switch {
					case op == BitNot:
						want[i] = ^c
					case j == 0:
						want[i] = c
					case op == BitAnd:
						want[i] &= c
					case op == BitOr:
						want[i] |= c
					case op == BitXor:
						want[i] ^= c
					}
				}
			}
			got := bytes.Repeat([]byte{0x5a}, n)
			CombineBits(got, op, sources)
			require.Equal(t, want, got, "%d of %d strings", op, len(sources))
		}
	}
}

// naiveField is a field's number by the book, whatever its width.
func naiveField(b []byte, f BitField) *big.Int {
	n := new(big.Int)
	for i := range int64(f.Width) {
		n.Lsh(n, 1)
		if GetBit(b, f.Offset+i) {
			n.SetBit(n, 0, 1)
		}
	}
	if f.Signed && GetBit(b, f.Offset) {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(f.Width)))
	}
	return n
}

// naiveFit brings a number into a field.
func naiveFit(f BitField, n *big.Int, o Overflow) (*big.Int, bool) {
	size := new(big.Int).Lsh(big.NewInt(1), uint(f.Width))
	low, high := new(big.Int), new(big.Int).Sub(size, big.NewInt(1))
	if f.Signed {
		half := new(big.Int).Rsh(size, 1)
		low.Neg(half)
		high.Sub(half, big.NewInt(1))
	}
	if n.Cmp(low) >= 0 && n.Cmp(high) <= 0 {
		return n, true
	}
	switch o {
	case OverflowFail:
		return nil, false
	case OverflowSat:
		if n.Cmp(low) < 0 {
			return low, true
		}
		return high, true
	}
	wrapped := new(big.Int).Sub(n, low)
	wrapped.Mod(wrapped, size)
	return wrapped.Add(wrapped, low), true
}

func checkField(t *testing.T, b []byte, f BitField, by int64, o Overflow) {
	before := f.Get(b)
	if want := naiveField(b, f); want.Cmp(big.NewInt(before)) != 0 {
		t.Fatalf("%+v of %x is %d, want %v", f, b, before, want)
	}
	want, wantOK := naiveFit(f, new(big.Int).Add(big.NewInt(before), big.NewInt(by)), o)
	sum, ok := f.Sum(before, by, o)
	if ok != wantOK || ok && want.Cmp(big.NewInt(sum)) != 0 {
		t.Fatalf("%+v: %d + %d with %d is %d, %v; want %v", f, before, by, o, sum, ok, want)
	}
	given := big.NewInt(by)
	if !f.Signed && by < 0 { // taken as the unsigned number of the same bits
		given.Add(given, new(big.Int).Lsh(big.NewInt(1), 64))
	}
	want, wantOK = naiveFit(f, given, o)
	fit, ok := f.Fit(by, o)
	if ok != wantOK || ok && want.Cmp(big.NewInt(fit)) != 0 {
		t.Fatalf("%+v: %d with %d fits as %d, %v; want %v", f, by, o, fit, ok, want)
	}
	if !ok {
		return
	}
	long := make([]byte, max(int(f.End()), len(b)))
	copy(long, b)
	spelled := plainBits(long)
	f.Put(long, fit)
	if got := f.Get(long); got != fit {
		t.Fatalf("%+v was given %d, has %d", f, fit, got)
	}
	for i, on := range plainBits(long) {
		if at := int64(i); (at < f.Offset || at >= f.Offset+int64(f.Width)) && on != spelled[i] {
			t.Fatalf("%+v: giving it %d changed bit %d", f, fit, i)
		}
	}
}

// FuzzBitField compares fields with numbers of any size.
func FuzzBitField(f *testing.F) {
	f.Add([]byte("foobar"), uint8(3), uint8(8), true, int64(100), uint8(0))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, uint8(7), uint8(64), true, int64(-1), uint8(1))
	f.Add([]byte{}, uint8(200), uint8(63), false, int64(math.MinInt64), uint8(1))
	f.Add([]byte{0x80}, uint8(0), uint8(1), true, int64(1), uint8(2))
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, uint8(0), uint8(64), true, int64(math.MaxInt64), uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, offset, width uint8, signed bool, by int64, o uint8) {
		if len(b) > 40 {
			b = b[:40]
		}
		field := BitField{Offset: int64(offset), Width: 1 + width%63, Signed: signed}
		if signed {
			field.Width = 1 + width%64
		}
		checkField(t, b, field, by, Overflow(o%3))
	})
}

func TestBitFields(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	edges := []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1}
	for range 20_000 {
		f := BitField{Offset: r.Int64N(100), Signed: r.IntN(2) == 0}
		f.Width = 1 + uint8(r.IntN(63))
		if f.Signed {
			f.Width = 1 + uint8(r.IntN(64))
		}
		by := int64(r.Uint64()) >> r.IntN(64)
		if r.IntN(4) == 0 {
			by = edges[r.IntN(len(edges))]
		}
		checkField(t, randomString(r, r.IntN(24)), f, by, Overflow(r.IntN(3)))
	}
}

func BenchmarkCountBits(b *testing.B) {
	s := make([]byte, 1<<20)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		CountBits(s)
	}
}

func BenchmarkCombineBits(b *testing.B) {
	sources := [][]byte{make([]byte, 1<<20), make([]byte, 1<<20), make([]byte, 1<<20)}
	dst := make([]byte, 1<<20)
	b.SetBytes(3 << 20)
	for b.Loop() {
		CombineBits(dst, BitAnd, sources)
	}
}

func BenchmarkFindBit(b *testing.B) {
	s := make([]byte, 1<<20)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		FindBit(s, true, 0, 8<<20)
	}
}
