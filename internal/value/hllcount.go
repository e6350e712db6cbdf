package value

import "math"

// hllHistogram counts the registers by their number.
type hllHistogram [hllHighest + 1]int

// Count estimates how many different elements were added. It says whether the HyperLogLog is sound.
func (h HLL) Count() (n uint64, sound bool) {
	var hist hllHistogram
	if h.Dense() {
		hist.dense(h[hllHeader:])
	} else if !h.eachRun(func(_, n int, v uint8) { hist[v] += n }) {
		return 0, false
	}
	return hist.estimate(), true
}

// Count estimates how many different elements raised the registers.
func (r *HLLRegisters) Count() uint64 {
	var hist hllHistogram
	for _, v := range r {
		hist[v&hllHighest]++
	}
	return hist.estimate()
}

// dense counts registers of the dense form. Most of them have one of a few numbers; four counters for each, in turn, keep
// an addition from waiting for the one before.
func (hist *hllHistogram) dense(b []byte) {
	var parts [4][hllHighest + 1]uint32
	for ; len(b) >= 6; b = b[6:] {
		w := eight(b)
		parts[0][w&hllHighest]++
		parts[1][w>>6&hllHighest]++
		parts[2][w>>12&hllHighest]++
		parts[3][w>>18&hllHighest]++
		parts[0][w>>24&hllHighest]++
		parts[1][w>>30&hllHighest]++
		parts[2][w>>36&hllHighest]++
		parts[3][w>>42&hllHighest]++
	}
	for i := range hist {
		hist[i] = int(parts[0][i] + parts[1][i] + parts[2][i] + parts[3][i])
	}
}

// estimate is the improved raw estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
// (arXiv:1702.01284), as Redis has it since version 5: unbiased from the first element on, without tables. Products are
// converted before they are added so that no compiler fuses the two, and all machines get the same number.
func (hist *hllHistogram) estimate() uint64 {
	const m = hllRegisters
	z := m * hllTau((m-float64(hist[hllHash+1]))/m)
	for k := hllHash; k >= 1; k-- {
		z += float64(hist[k])
		z *= 0.5
	}
	z += float64(m * hllSigma(float64(hist[0])/m))
	if z == 0 {
		return 1 << 63 // no elements raise all registers that far: where Redis ends up, too
	}
	return uint64(math.Round(0.5 / math.Ln2 * m * m / z))
}

// hllSigma sums up x + x^2 + 2*x^4 + 4*x^8 + ... until it no longer grows.
func hllSigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}

// hllTau is its counterpart for registers that are full, as only hundreds of millions of millions of elements make them.
func hllTau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}
