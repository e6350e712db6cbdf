// Package plot writes horizontal bar charts as SVG that read on light and on dark pages alike: the file carries its
// own colours and switches them by the reader's colour scheme.
package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"

	"github.com/darterdb/darter/bench/internal/stats"
)

// Chart is one picture: bars of one measure under each other.
type Chart struct {
	Title string
	// Note stands small under the title: what is shown and on which machine.
	Note string
	// Reference draws a line across all bars at this value; 0 draws none.
	Reference float64
	Bars      []Bar
}

// Bar is one bar with its spread as a whisker.
type Bar struct {
	Label string
	Value stats.Spread
	// Accent draws the bar in the strong colour.
	Accent bool
}

const (
	width      = 860
	labelWidth = 330
	plotWidth  = 390
	barHeight  = 18
	rowHeight  = 28
	headHeight = 72
)

const style = `<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 }
.note, .tick { font-size: 11px; fill: #57606a }
.bar { fill: #9aa4af }
.accent { fill: #1f6feb }
.whisker { stroke: #24292f; stroke-width: 1.5 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.reference { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.note, .tick { fill: #9198a1 }
.bar { fill: #6e7681 }
.accent { fill: #4493f8 }
.whisker { stroke: #e6edf3 }
.grid { stroke: #3d444d }
.reference { stroke: #f85149 }
}
</style>
`

// WriteSVG writes the chart. Values that are negative or not a number are drawn as empty bars with the text "-".
func (c Chart) WriteSVG(w io.Writer) error {
	longest := c.Reference
	for _, b := range c.Bars {
		longest = max(longest, drawable(b.Value.Median), drawable(b.Value.Max))
	}
	step := tickStep(longest)
	scale := plotWidth / (math.Ceil(longest/step) * step)
	bottom := headHeight + rowHeight*len(c.Bars)

	var out bytes.Buffer
	fmt.Fprintf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n", width, bottom+30)
	fmt.Fprintf(&out, "<title>%s</title>\n%s", escape(c.Title), style)
	fmt.Fprintf(&out, "<text class=\"title\" x=\"12\" y=\"26\">%s</text>\n", escape(c.Title))
	fmt.Fprintf(&out, "<text class=\"note\" x=\"12\" y=\"46\">%s</text>\n", escape(c.Note))
	for tick := 0.0; tick*scale <= plotWidth+0.5; tick += step {
		x := labelWidth + tick*scale
		fmt.Fprintf(&out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n", x, headHeight-10, x, bottom)
		fmt.Fprintf(&out, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.4g</text>\n", x, bottom+16, tick)
	}
	for i, b := range c.Bars {
		c.writeBar(&out, b, headHeight+rowHeight*i, scale)
	}
	if c.Reference > 0 {
		x := labelWidth + c.Reference*scale
		fmt.Fprintf(&out, "<line class=\"reference\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n", x, headHeight-10, x, bottom)
	}
	out.WriteString("</svg>\n")
	_, err := w.Write(out.Bytes())
	return err
}

func (c Chart) writeBar(out *bytes.Buffer, b Bar, top int, scale float64) {
	class := "bar"
	if b.Accent {
		class = "bar accent"
	}
	middle := top + barHeight/2
	length := drawable(b.Value.Median) * scale
	low, high := labelWidth+drawable(b.Value.Min)*scale, labelWidth+drawable(b.Value.Max)*scale
	fmt.Fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", labelWidth-10, top+14, escape(b.Label))
	fmt.Fprintf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n",
		class, labelWidth, top, length, barHeight)
	if high > low {
		fmt.Fprintf(out, "<line class=\"whisker\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n", low, middle, high, middle)
	}
	// In a column of their own, no number is crossed by the reference line.
	fmt.Fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", width-40, top+14,
		stats.Number(b.Value.Median))
}

// drawable is the length of a value as a bar: nothing for what no bar can show.
func drawable(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return 0
	}
	return v
}

// tickStep picks 1, 2 or 5 times a power of ten, so that an axis up to longest has at most eight steps.
func tickStep(longest float64) float64 {
	if longest <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(longest/4)))
	for _, m := range []float64{1, 2, 5} {
		if longest/(m*power) <= 8 {
			return m * power
		}
	}
	return 10 * power
}

func escape(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}
