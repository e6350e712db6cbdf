package stats

import (
	"math"
	"testing"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{3, 1, 2}, Spread{2, 1, 3}},
		{[]float64{4, 1, 2, 3}, Spread{2.5, 1, 4}},
	} {
		if got := Of(c.values); got != c.want {
			t.Errorf("Of(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestRatios(t *testing.T) {
	if got, want := Ratios([]float64{2, 4, 9}, []float64{1, 2, 3}), (Spread{2, 2, 3}); got != want {
		t.Errorf("Ratios = %v, want %v", got, want)
	}
	if got := Ratios([]float64{1}, []float64{0}); !math.IsNaN(got.Median) {
		t.Errorf("a ratio to zero is %v, want not a number", got)
	}
	if got := Ratios(nil, nil).String(); got != "- (-..-)" {
		t.Errorf("no rounds print as %q", got)
	}
}

func TestPercentile(t *testing.T) {
	sorted := make([]float64, 1000)
	for i := range sorted {
		sorted[i] = float64(i + 1)
	}
	for p, want := range map[float64]float64{0: 1, 50: 500, 99: 990, 99.9: 999, 100: 1000} {
		if got := Percentile(sorted, p); got != want {
			t.Errorf("Percentile(%v) = %v, want %v", p, got, want)
		}
	}
	if got := Percentile(nil, 99); got != 0 {
		t.Errorf("Percentile of nothing = %v", got)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1234.6: "1235", 99.97: "100", 12.34: "12.3", 1.234: "1.23",
		0.9999: "1.00", 0.1234: "0.123", 0.00012: "0.00012", -5.5: "-5.50", math.Inf(1): "-"} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) = %q, want %q", v, got, want)
		}
	}
}
