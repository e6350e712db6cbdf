package value

import "math"

// # Exact sines
//
// Distances are stored as scores by STOREDIST and printed to the last digit, and the C library that Redis uses rounds sines
// and cosines correctly, as good as always, which package math does not promise: about every third distance came out one
// digit off. So what users see is computed here in numbers of two float64s, the second of which is what the first has
// lost in rounding: some 100 bits. It takes about four times as long; what is only compared with a radius goes without.

// twin is the sum of a float64 and a much smaller one.
type twin struct{ hi, lo float64 }

// sumOf adds without loss.
func sumOf(a, b float64) twin {
	s := a + b
	t := s - a
	return twin{s, (a - (s - t)) + (b - t)}
}

// productOf multiplies without loss.
func productOf(a, b float64) twin {
	p := float64(a * b)
	return twin{p, math.FMA(a, b, -p)}
}

func (x twin) add(y twin) twin {
	s := sumOf(x.hi, y.hi)
	return sumOf(s.hi, s.lo+(x.lo+y.lo))
}

func (x twin) mul(y twin) twin {
	p := productOf(x.hi, y.hi)
	return sumOf(p.hi, p.lo+(float64(x.hi*y.lo)+float64(x.lo*y.hi)))
}

func (x twin) negative() twin { return twin{-x.hi, -x.lo} }

// A quarter of a turn, in three parts.
const (
	quarter1 = 0x1.921fb54442d18p+00
	quarter2 = 0x1.1a62633145c07p-54
	quarter3 = -0x1.f1976b7ed8fbcp-110
)

// Inverses of factorials.
var (
	inverse3 = twin{0x1.5555555555555p-03, 0x1.5555555555555p-57}
	inverse4 = twin{0x1.5555555555555p-05, 0x1.5555555555555p-59}
	inverse5 = twin{0x1.1111111111111p-07, 0x1.1111111111111p-63}
	inverse6 = twin{0x1.6c16c16c16c17p-10, -0x1.f49f49f49f49fp-65}
	inverse7 = twin{0x1.a01a01a01a01ap-13, 0x1.a01a01a01a01ap-73}
)

// The terms after those, 1/9! - x/11! + x^2/13! ... and 1/8! - x/10! + x^2/12! ..., the last one first.
var (
	sineRest = [7]float64{
		1.0 / 51090942171709440000, 1.0 / 121645100408832000, 1.0 / 355687428096000, 1.0 / 1307674368000, 1.0 / 6227020800,
		1.0 / 39916800, 1.0 / 362880,
	}
	cosineRest = [8]float64{
		1.0 / 1124000727777607680000, 1.0 / 2432902008176640000, 1.0 / 6402373705728000, 1.0 / 20922789888000,
		1.0 / 87178291200, 1.0 / 479001600, 1.0 / 3628800, 1.0 / 40320,
	}
)

// geoSeries adds the terms up, with alternating signs.
func geoSeries(x float64, terms []float64) (sum float64) {
	for _, c := range terms {
		sum = c - x*sum
	}
	return sum
}

// exactSine returns the sine of an angle of at most half a turn, or its cosine.
func exactSine(x float64, cosine bool) twin {
	// Bring it to an eighth of a turn at the most.
	k := math.RoundToEven(x / quarter1)
	r := sumOf(x-k*quarter1, -k*quarter2).add(twin{-k * quarter3, 0})
	s := r.mul(r)
	turns := int(k) & 3
	if cosine {
		turns = (turns + 1) & 3
	}
	// A quarter of a turn on from a sine is a cosine. Of the series' terms those from the fifth on are so small that a
	// float64 has all that counts of them.
	var y twin
	if turns&1 == 0 {
		p := inverse7.negative().add(twin{float64(s.hi * geoSeries(s.hi, sineRest[:])), 0})
		p = inverse5.add(s.mul(p))
		p = inverse3.negative().add(s.mul(p))
		y = r.add(r.mul(s).mul(p))
	} else {
		p := inverse6.negative().add(twin{float64(s.hi * geoSeries(s.hi, cosineRest[:])), 0})
		p = inverse4.add(s.mul(p))
		p = twin{-0.5, 0}.add(s.mul(p))
		y = twin{1, 0}.add(s.mul(p))
	}
	if turns&2 != 0 {
		return y.negative()
	}
	return y
}

func exactSin(x float64) float64 { return exactSine(x, false).hi }
func exactCos(x float64) float64 { return exactSine(x, true).hi }

// exactAsin improves an angle by how far its sine is off.
func exactAsin(y float64) float64 {
	x := math.Asin(y)
	cos := math.Cos(x)
	if cos == 0 {
		return x
	}
	sin := exactSine(x, false)
	return x + ((y-sin.hi)-sin.lo)/cos
}
