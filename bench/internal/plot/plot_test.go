package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/darterdb/darter/bench/internal/stats"
)

func TestSVGIsWellFormed(t *testing.T) {
	for name, c := range map[string]Chart{
		"empty": {},
		"spread": {Title: "a < b & c", Reference: 1, Bars: []Bar{
			{Label: "GET \"x\"", Value: stats.Spread{Median: 0.5, Min: 0.4, Max: 0.7}, Accent: true},
			{Label: "far", Value: stats.Spread{Median: 1234, Min: 1, Max: 2000}},
		}},
		"not a number": {Reference: 1, Bars: []Bar{{Value: stats.Spread{Median: math.NaN(), Min: math.Inf(1), Max: -3}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := c.WriteSVG(&out); err != nil {
				t.Fatal(err)
			}
			rects := 0
			for d := xml.NewDecoder(strings.NewReader(out.String())); ; {
				token, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("not well-formed: %v\n%s", err, out.String())
				}
				if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
					rects++
				}
			}
			if rects != len(c.Bars) {
				t.Errorf("%d bars drawn, want %d", rects, len(c.Bars))
			}
			if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
				t.Errorf("a coordinate is not a number:\n%s", out.String())
			}
		})
	}
}

func TestTickStep(t *testing.T) {
	for longest, want := range map[float64]float64{0: 1, 1: 0.2, 1.9: 0.5, 2.1: 0.5, 10: 2, 450: 100} {
		if got := tickStep(longest); math.Abs(got-want) > 1e-9 {
			t.Errorf("tickStep(%v) = %v, want %v", longest, got, want)
		}
	}
}
