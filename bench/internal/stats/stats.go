// Package stats holds the few figures that every benchmark here reports: a median with its spread, percentiles,
// and numbers printed short enough to compare by eye.
package stats

import (
	"math"
	"slices"
	"strconv"
)

// Spread is a median and the smallest and largest values it was taken from.
type Spread struct {
	Median, Min, Max float64
}

// Of returns the spread of values, all zero when there are none. It leaves values as they are.
func Of(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return Spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// String prints "median (min..max)".
func (s Spread) String() string {
	return Number(s.Median) + " (" + Number(s.Min) + ".." + Number(s.Max) + ")"
}

// Ratios returns the spread of over[i]/under[i], the pairs being the rounds. The median is the ratio of the two
// medians, so that it agrees with the columns beside it; the ends are those of single rounds. Pairs whose divisor
// is zero are left out; without any pair the result is not a number.
func Ratios(over, under []float64) Spread {
	var rounds []float64
	for i := range min(len(over), len(under)) {
		if under[i] != 0 {
			rounds = append(rounds, over[i]/under[i])
		}
	}
	divisor := Of(under).Median
	if len(rounds) == 0 || divisor == 0 {
		return Spread{Median: math.NaN(), Min: math.NaN(), Max: math.NaN()}
	}
	s := Of(rounds)
	s.Median = Of(over).Median / divisor
	s.Min, s.Max = min(s.Min, s.Median), max(s.Max, s.Median)
	return s
}

// Percentile returns the nearest-rank percentile p (0 to 100) of sorted, or 0 when sorted is empty.
func Percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	// A hair less, so that 99.9 % of 1000 is 999 in spite of binary fractions.
	rank := int(math.Ceil(p*float64(len(sorted))/100 - 1e-9))
	return sorted[max(0, min(rank-1, len(sorted)-1))]
}

// Number prints v with three significant digits or, from 100 on, without decimals.
func Number(v float64) string {
	size := math.Abs(v)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "-"
	case v == 0:
		return "0"
	case size >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case size >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case size >= 0.9995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case size >= 0.001:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}
