package luavm

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// near reports whether got is want, or its neighbour where the exact result lies between the two so nearly in the
// middle that a hundred bits do not tell; that must be rare.
func near(got, want float64, rare *int) bool {
	if got == want {
		return true
	}
	*rare++
	return *rare < 5 && (math.Nextafter(got, want) == want)
}

// TestPowerOfIntegers compares with exact products.
func TestPowerOfIntegers(t *testing.T) {
	rare := 0
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a := math.Trunc(rnd.Float64()*1000) / 8
		n := rnd.IntN(60)
		if a == 0 {
			continue
		}
		exact := new(big.Float).SetPrec(4000).SetInt64(1)
		for range n {
			exact.Mul(exact, big.NewFloat(a))
		}
		want, _ := exact.Float64()
		if got := power(a, float64(n)); !near(got, want, &rare) {
			t.Errorf("%v ^ %d = %v, want %v", a, n, got, want)
		}
		want, _ = new(big.Float).SetPrec(4000).Quo(big.NewFloat(1).SetPrec(4000), exact).Float64()
		if got := power(-a, -float64(n)); !near(math.Abs(got), want, &rare) || n > 0 && (got < 0) != (n%2 == 1) {
			t.Errorf("%v ^ -%d = %v, want %v", -a, n, got, want)
		}
	}
}

// TestPowerOfFractions compares with square roots, which are exact to the last bit.
func TestPowerOfFractions(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		a := math.Exp(rnd.NormFloat64() * 50)
		if got, want := power(a, 0.5), math.Sqrt(a); got != want {
			t.Errorf("%v ^ 0.5 = %v, want %v", a, got, want)
		}
		fourth := new(big.Float).SetPrec(300).SetFloat64(a)
		fourth.Sqrt(fourth)
		fourth.Sqrt(fourth)
		if want, _ := fourth.Float64(); power(a, 0.25) != want {
			t.Errorf("%v ^ 0.25 = %v, want %v", a, power(a, 0.25), want)
		}
	}
}

func TestPowerSpecial(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range [][3]float64{
		{0, 0, 1}, {nan, 0, 1}, {1, nan, 1}, {0, -1, inf}, {0, 3, 0}, {inf, 2, inf}, {inf, -1, 0}, {2, inf, inf},
		{0.5, inf, 0}, {2, 2000, inf}, {2, -2000, 0}, {2, -1074, 5e-324}, {-2, 3, -8}, {-2, -3, -0.125}, {-1, 1e300, 1},
		{10, 308, 1e308}, {10, 309, inf}, {-8, 1.0 / 3, nan}, {nan, 1, nan}, {1e-300, 1.05, 1e-315},
	} {
		if got := power(c[0], c[1]); got != c[2] && (got == got || c[2] == c[2]) && math.Abs(got-c[2]) > 1e-322 {
			t.Errorf("%v ^ %v = %v, want %v", c[0], c[1], got, c[2])
		}
	}
}
