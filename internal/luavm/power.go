package luavm

import "math"

// C's pow is right to the last bit nearly always; Go's is off by several, which scripts would see in what they print
// and store. So powers are computed here as exp(b * log a) with about a hundred bits, each number the sum of two
// doubles.

// pair is hi + lo, with lo at most half a unit of hi's last place.
type pair struct{ hi, lo float64 }

// sum is a + b for |a| >= |b|.
func sum(a, b float64) pair {
	s := a + b
	return pair{s, b - (s - a)}
}

func (a pair) add(b pair) pair {
	s := a.hi + b.hi
	t := s - a.hi
	rest := (a.hi - (s - t)) + (b.hi - t) // what s has lost
	return sum(s, rest+a.lo+b.lo)
}

func (a pair) mul(b pair) pair {
	p := a.hi * b.hi
	return sum(p, math.FMA(a.hi, b.hi, -p)+(a.hi*b.lo+a.lo*b.hi))
}

func (a pair) div(b pair) pair {
	q := a.hi / b.hi
	r := a.add(b.mul(pair{-q, 0}))
	return sum(q, r.hi/b.hi)
}

var (
	ln2  = pair{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}
	odds = reciprocals(1, 2, 18) // 1, 1/3, 1/5, ...
	all  = reciprocals(1, 1, 14) // 1, 1/2, 1/3, ...
)

func reciprocals(from, step float64, n int) []pair {
	r := make([]pair, n)
	for i := range r {
		r[i] = pair{1, 0}.div(pair{from + step*float64(i), 0})
	}
	return r
}

// logarithm is the natural logarithm of a positive finite number: with a = m * 2^e and s = (m - 1) / (m + 1) it is
// e ln 2 + 2 (s + s^3/3 + s^5/5 + ...), where s is below 0.172.
func logarithm(a float64) pair {
	m, e := math.Frexp(a)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	s := pair{m - 1, 0}.div(sum(math.Max(m, 1), math.Min(m, 1)))
	square := s.mul(s)
	series := odds[len(odds)-1]
	for i := len(odds) - 2; i >= 0; i-- {
		series = series.mul(square).add(odds[i])
	}
	return series.mul(pair{2 * s.hi, 2 * s.lo}).add(ln2.mul(pair{float64(e), 0}))
}

// exponential is e^r for a result that is neither too large nor subnormal: r = k ln 2 + 16 t, e^t by its series, and
// the 16th power by squaring.
func exponential(r pair) float64 {
	k := math.Round(r.hi / math.Ln2)
	t := r.add(ln2.mul(pair{-k, 0}))
	t = pair{t.hi / 16, t.lo / 16}
	p := pair{1, 0}
	for i := len(all) - 1; i >= 0; i-- {
		p = p.mul(t).mul(all[i]).add(pair{1, 0})
	}
	for range 4 {
		p = p.mul(p)
	}
	return math.Ldexp(p.hi+p.lo, int(k))
}

// power is C's pow.
func power(a, b float64) float64 {
	if b == 2 {
		return a * a
	}
	x := math.Abs(a)
	if x == 0 || x == 1 || b == 0 || x > math.MaxFloat64 || math.Abs(b) > 1<<53 || a != a || b != b {
		return math.Pow(a, b)
	}
	whole := math.Floor(b) == b
	if a < 0 && !whole {
		return math.Copysign(math.NaN(), -1)
	}
	r := logarithm(x).mul(pair{b, 0})
	if r.hi > 709.7 || r.hi < -708 {
		return math.Pow(a, b)
	}
	f := exponential(r)
	if a < 0 && math.Mod(b, 2) != 0 {
		f = -f
	}
	return f
}
