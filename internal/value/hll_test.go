package value

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// registersOf spells a HyperLogLog out.
func registersOf(t *testing.T, h HLL) (r HLLRegisters) {
	t.Helper()
	require.True(t, h.Valid())
	require.True(t, h.Merge(&r))
	return r
}

// naiveEstimate is the estimator by its formulas, on plain numbers.
func naiveEstimate(r *HLLRegisters) uint64 {
	var c [hllHash + 2]float64
	for _, v := range r {
		c[v]++
	}
	const m = float64(hllRegisters)
	tau := func(x float64) float64 {
		if x == 0 || x == 1 {
			return 0
		}
		sum := 1 - x
		for k := 1; k < 60; k++ {
			sum -= math.Pow(1-math.Pow(x, math.Pow(2, -float64(k))), 2) * math.Pow(2, -float64(k))
		}
		return sum / 3
	}
	sigma := func(x float64) float64 {
		if x == 1 {
			return math.Inf(1)
		}
		sum := x
		for k := 1; k < 60; k++ {
			sum += math.Pow(x, math.Pow(2, float64(k))) * math.Pow(2, float64(k-1))
		}
		return sum
	}
	z := m * sigma(c[0]/m)
	for k := 1; k <= hllHash; k++ {
		z += c[k] * math.Pow(2, -float64(k))
	}
	z += m * tau(1-c[hllHash+1]/m) * math.Pow(2, -hllHash)
	return uint64(math.Round(0.5 / math.Ln2 * m * m / z))
}

// checkHLL compares a HyperLogLog with the registers that it should have.
func checkHLL(t *testing.T, h HLL, want *HLLRegisters) {
	t.Helper()
	got := registersOf(t, h)
	require.True(t, got == *want, "registers differ")
	n, sound := h.Count()
	require.True(t, sound)
	require.Equal(t, want.Count(), n)
	naive := naiveEstimate(want)
	require.LessOrEqual(t, max(n, naive)-min(n, naive), uint64(1)+naive>>45)
	if h.Dense() {
		require.Len(t, h, hllDenseSize)
		for i, v := range want {
			if h.denseGet(i) != v {
				t.Fatalf("register %d is %d, not %d", i, h.denseGet(i), v)
			}
		}
		return
	}
	require.LessOrEqual(t, len(h), HLLSparseMax)
	covered := 0
	require.True(t, h.eachRun(func(first, n int, _ uint8) {
		if first != covered {
			t.Fatalf("a run starts at register %d, not %d", first, covered)
		}
		covered += n
	}))
	d, sound := h.ToDense([]byte("before"))
	require.True(t, sound)
	require.Equal(t, "before", string(d[:6]))
	require.True(t, registersOf(t, d[6:]) == *want)
}

func TestMurmur(t *testing.T) {
	// Of Redis: PFADD of an element to an empty key, and PFDEBUG DECODE of it.
	for element, want := range map[string][2]int{
		"": {5938, 2}, "a": {12711, 2}, "b": {15780, 1}, "c": {8436, 1}, "abcdefgh": {1383, 1}, "abcdefghi": {6903, 1},
		"the quick brown fox jumps over the lazy dog": {5508, 3},
	} {
		index, to := HLLRegister([]byte(element))
		require.Equal(t, want, [2]int{index, int(to)}, element)
	}
}

func TestHLLAgainstRegisters(t *testing.T) {
	for _, n := range []int{0, 1, 10, 300, 1500, 3000, 100_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			h := AppendHLL(nil)
			var want HLLRegisters
			for i := range n {
				index, to := HLLRegister(fmt.Appendf(nil, "element:%d", i))
				out, changed, sound := h.Raise(index, to, HLLSparseMax)
				require.True(t, sound)
				require.Equal(t, want[index] < to, changed)
				want[index] = max(want[index], to)
				h = out
			}
			checkHLL(t, h, &want)
			got := float64(want.Count())
			require.InDelta(t, n, got, 0.03*float64(n)+0.5)
		})
	}
}

// FuzzHLL raises registers, in two HyperLogLogs that are merged in the end, beside plain arrays.
func FuzzHLL(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 4 {
		b := make([]byte, 600)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Add(bytes.Repeat([]byte{0, 10, 1}, 100))
	var run []byte
	for i := range 100 {
		run = append(run, 0, byte(i), byte(i/9))
	}
	f.Add(run)
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), 600)]
		h := [2]HLL{AppendHLL(nil), AppendHLL(nil)}
		var want [2]HLLRegisters
		for ; len(b) >= 3; b = b[3:] {
			which := int(b[2] >> 7)
			index := int(binary.BigEndian.Uint16(b)) % hllRegisters
			to := 1 + b[2]%35
			if b[2]&64 == 0 {
				to = 1 + b[2]%3 // equal neighbours
				index %= 500
			}
			out, changed, sound := h[which].Raise(index, to, HLLSparseMax)
			if !sound || changed != (want[which][index] < to) {
				t.Fatalf("register %d to %d: %v, %v", index, to, changed, sound)
			}
			h[which] = out
			want[which][index] = max(want[which][index], to)
		}
		for i := range h {
			checkHLL(t, h[i], &want[i])
		}
		oneByOne := append(HLL(nil), h[0]...)
		for i, v := range want[1] {
			if v > 0 {
				var sound bool
				if oneByOne, _, sound = oneByOne.Raise(i, v, HLLSparseMax); !sound {
					t.Fatalf("register %d to %d", i, v)
				}
			}
			want[0][i] = max(want[0][i], v)
		}
		all, sound := h[0].RaiseAll(&want[1], HLLSparseMax)
		require.True(t, sound)
		require.Equal(t, oneByOne, all, "all at once differs from one by one")
		checkHLL(t, all, &want[0])
	})
}

// TestSparseLimits comes to the longest sparse form and to the highest number in one.
func TestSparseLimits(t *testing.T) {
	for _, most := range []int64{0, 20, 100, HLLSparseMax, 10_000} {
		h := AppendHLL(nil)
		var want HLLRegisters
		for i := 0; !h.Dense(); i++ {
			index, to := i*37%hllRegisters, uint8(1+i%30)
			out, changed, sound := h.Raise(index, to, most)
			require.True(t, changed && sound)
			require.True(t, out.Dense() || int64(len(out)) <= most, "%d bytes", len(out))
			h = out
			want[index] = max(want[index], to)
			require.Less(t, int64(i), most+1)
		}
		checkHLL(t, h, &want)
	}

	var want HLLRegisters
	h := AppendHLL(nil)
	h, changed, sound := h.Raise(5, sparseTop, HLLSparseMax)
	require.True(t, changed && sound)
	require.False(t, h.Dense())
	h, changed, sound = h.Raise(6, sparseTop+1, HLLSparseMax)
	require.True(t, changed && sound)
	require.True(t, h.Dense())
	want = HLLRegisters{5: sparseTop, 6: sparseTop + 1}
	checkHLL(t, h, &want)
}

func TestEstimate(t *testing.T) {
	var r HLLRegisters
	require.Zero(t, r.Count())
	rnd := rand.New(rand.NewPCG(1, 1))
	for n := 1; n <= 1<<20; n++ {
		hash := rnd.Uint64()
		i := hash & (hllRegisters - 1)
		v := uint8(1)
		for hash >>= hllBits; hash&1 == 0 && v < hllHash; hash >>= 1 {
			v++
		}
		r[i] = max(r[i], v)
		if n&(n-1) == 0 {
			require.InDelta(t, n, r.Count(), 0.03*float64(n)+0.5)
			require.Equal(t, naiveEstimate(&r), r.Count())
		}
	}
	for i := range r {
		r[i] = uint8(40 + i%12) // up to the highest, which hllTau is for
	}
	naive, got := naiveEstimate(&r), r.Count()
	require.InEpsilon(t, float64(naive), float64(got), 1e-12)
	for i := range r {
		r[i] = hllHighest
	}
	require.Equal(t, uint64(1)<<63, r.Count())
}

// FuzzBrokenHLL opens strings that say they are HyperLogLogs.
func FuzzBrokenHLL(f *testing.F) {
	sparse := AppendHLL(nil)
	f.Add([]byte(sparse), uint16(3), uint8(4))
	f.Add([]byte(sparse[:17]), uint16(3), uint8(40))
	f.Add([]byte(sparse[:16]), uint16(3), uint8(1))
	f.Add([]byte(string(sparse)+"\x7f\xff\xff"), uint16(16000), uint8(1))
	f.Add([]byte(string(sparse[:16])+"\x80\x80\x7f\xfd"), uint16(1), uint8(1))
	f.Add([]byte(string(sparse[:16])+strings.Repeat("\x83", 4096)), uint16(16000), uint8(63))
	f.Add([]byte(strings.Repeat("H", 20)), uint16(0), uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, index uint16, to uint8) {
		h := HLL(b)
		if !h.Valid() {
			return
		}
		h.Cached()
		h.Count()
		var r HLLRegisters
		sound := h.Merge(&r)
		_, converts := h.ToDense(nil)
		if sound != (converts || h.Dense()) {
			t.Fatalf("%x merges %v and converts %v", b, sound, converts)
		}
		r[index%hllRegisters] = to % 64
		h.RaiseAll(&r, HLLSparseMax)
		h.Raise(int(index%hllRegisters), 1+to%51, HLLSparseMax)
	})
}

func TestDenseRegisters(t *testing.T) {
	h, sound := AppendHLL(nil).ToDense(nil)
	require.True(t, sound)
	rnd := rand.New(rand.NewPCG(2, 2))
	var want HLLRegisters
	for range 100_000 {
		i, v := rnd.IntN(hllRegisters), uint8(rnd.IntN(64))
		h.densePut(i, v)
		want[i] = v
	}
	for i, v := range want {
		require.Equal(t, v, h.denseGet(i))
	}
	var hist, plain hllHistogram
	hist.dense(h[hllHeader:])
	for _, v := range want {
		plain[v]++
	}
	require.Equal(t, plain, hist)
}

func BenchmarkHLLCount(b *testing.B) {
	h, _ := AppendHLL(nil).ToDense(nil)
	for i := range 1_000_000 {
		index, to := HLLRegister(fmt.Appendf(nil, "%d", i))
		h.DenseRaise(index, to)
	}
	var r HLLRegisters
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			h.Count()
		}
	})
	b.Run("merge", func(b *testing.B) {
		for b.Loop() {
			h.Merge(&r)
		}
	})
	e := []byte("some element of 24 bytes")
	b.Run("add", func(b *testing.B) {
		for b.Loop() {
			index, to := HLLRegister(e)
			h.DenseRaise(index, to)
		}
	})
	s := AppendHLL(nil)
	for i := range 1200 {
		index, to := HLLRegister(fmt.Appendf(nil, "%d", i))
		s, _, _ = s.Raise(index, to, HLLSparseMax)
	}
	b.Run("add sparse", func(b *testing.B) {
		for b.Loop() {
			index, to := HLLRegister(e)
			s, _, _ = s.Raise(index, to, HLLSparseMax)
		}
	})
	require.False(b, s.Dense())
}
