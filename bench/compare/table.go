package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/darterdb/darter/bench/internal/plot"
	"github.com/darterdb/darter/bench/internal/stats"
)

// chart names a plot; measures of one chart appear in it as bars of darter's ratio to redis.
type chart string

const (
	noChart         chart = ""
	throughputChart chart = "throughput"
	cpuChart        chart = "cpu"
	memoryChart     chart = "memory"
	latencyChart    chart = "latency"
)

var chartTitles = []struct {
	chart chart
	title string
}{
	{throughputChart, "Throughput, darter / redis (more is better)"},
	{cpuChart, "Server CPU per operation, darter / redis (less is better)"},
	{memoryChart, "Memory, darter / redis (less is better)"},
	{latencyChart, "p99 of GET while the server is busy, darter / redis (less is better)"},
}

// table prints rows as they come and keeps the charts' bars.
type table struct {
	w       io.Writer
	targets []target
	bars    map[chart][]plot.Bar
}

func newTable(w io.Writer, targets []target) *table {
	t := &table{w: w, targets: targets, bars: map[chart][]plot.Bar{}}
	head, rule := "| scenario | measure |", "|---|---|"
	for _, target := range targets {
		head += " " + target.name + " |"
		rule += "--:|"
	}
	if t.compares() {
		head += " " + darterName + " / " + redisName + " |"
		rule += "--:|"
	}
	fmt.Fprintf(w, "%s\n%s\n", head, rule)
	return t
}

func (t *table) compares() bool { return len(t.targets) == 2 }

func (t *table) add(scenario string, rows []row) {
	for _, r := range rows {
		var line strings.Builder
		fmt.Fprintf(&line, "| %s | %s |", scenario, r.measure)
		for i := range t.targets {
			fmt.Fprintf(&line, " %v |", stats.Of(r.values[i]))
		}
		if t.compares() {
			ratio := stats.Ratios(r.values[1], r.values[0])
			fmt.Fprintf(&line, " **%s** (%s..%s) |",
				stats.Number(ratio.Median), stats.Number(ratio.Min), stats.Number(ratio.Max))
			if r.chart != noChart {
				t.bars[r.chart] = append(t.bars[r.chart], plot.Bar{
					Label: scenario + ": " + strings.SplitN(r.measure, ",", 2)[0], Value: ratio, Accent: true,
				})
			}
		}
		fmt.Fprintln(t.w, line.String())
	}
}

// writeCharts writes one SVG a chart that has bars.
func (t *table) writeCharts(dir, machine string) error {
	for _, c := range chartTitles {
		if len(t.bars[c.chart]) == 0 {
			continue
		}
		name, err := inside(dir, string(c.chart)+".svg")
		if err != nil {
			return err
		}
		file, err := os.Create(name)
		if err != nil {
			return err
		}
		drawing := plot.Chart{Title: c.title, Note: machine, Reference: 1, Bars: t.bars[c.chart]}
		err = drawing.WriteSVG(file)
		if closing := file.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
