package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/darterdb/darter/bench/inproc"
	"github.com/darterdb/darter/bench/internal/plot"
	"github.com/darterdb/darter/bench/internal/stats"
)

// report turns the rounds into tables and plots.
type report struct {
	options
	results map[string][]measurement
	machine string
}

// figures gathers one figure of all rounds of a peer; it is empty if the peer has no such operation.
func (r report) figures(peer string, op inproc.Op, goroutines int, of func(operation) float64) []float64 {
	var values []float64
	for _, m := range r.results[peer] {
		for _, x := range m.Operations {
			if x.Op == op && x.Goroutines == goroutines {
				values = append(values, of(x))
			}
		}
	}
	return values
}

func cpuOf(x operation) float64  { return x.CPU }
func wallOf(x operation) float64 { return x.Wall }
func rateOf(x operation) float64 { return 1e3 / x.Wall }
func hitsOf(x operation) float64 { return 100 * x.Hits }

// baselineFigures are the CPU times that the ratios are to. A baseline that cannot View is compared by its AppendGet, which
// is how one looks at a value there.
func (r report) baselineFigures(op inproc.Op, goroutines int) []float64 {
	if values := r.figures(r.baseline, op, goroutines, cpuOf); len(values) > 0 || op != inproc.View {
		return values
	}
	return r.figures(r.baseline, inproc.AppendGet, goroutines, cpuOf)
}

func (r report) printOperations(w io.Writer) {
	fmt.Fprintf(w, "| operation | goroutines | cache | CPU, ns/op | CPU / %s | wall, ns/op | millions/s | x 1 goroutine | hits, %% |\n",
		r.baseline)
	fmt.Fprintln(w, "|---|--:|---|--:|--:|--:|--:|--:|--:|")
	for _, op := range inproc.Ops() {
		for _, goroutines := range r.goroutines {
			for _, peer := range r.peers {
				cpu := r.figures(peer, op, goroutines, cpuOf)
				if len(cpu) == 0 {
					continue
				}
				rate := r.figures(peer, op, goroutines, rateOf)
				fmt.Fprintf(w, "| %s | %d | %s | %v | **%s** | %v | %s | %s | %s |\n", op, goroutines, peer, stats.Of(cpu),
					stats.Number(stats.Ratios(cpu, r.baselineFigures(op, goroutines)).Median),
					stats.Of(r.figures(peer, op, goroutines, wallOf)), stats.Number(stats.Of(rate).Median),
					stats.Number(stats.Ratios(rate, r.figures(peer, op, 1, rateOf)).Median),
					stats.Number(stats.Of(r.figures(peer, op, goroutines, hitsOf)).Min))
			}
		}
	}
	if r.comparesView() {
		fmt.Fprintf(w, "\n%s has no View: those ratios are to its AppendGet.\n", r.baseline)
	}
}

func (r report) comparesView() bool {
	has := func(op inproc.Op) bool { return len(r.figures(r.baseline, op, r.goroutines[0], cpuOf)) > 0 }
	return has(inproc.AppendGet) && !has(inproc.View)
}

func (r report) printCollector(w io.Writer) {
	fmt.Fprintln(w, "| loaded with | CPU of a cycle by the runtime, ms | CPU of a cycle by the system, ms | longest pause, ms |")
	fmt.Fprintln(w, "|---|--:|--:|--:|")
	for _, peer := range r.peers {
		var byRuntime, bySystem, pause []float64
		for _, m := range r.results[peer] {
			byRuntime = append(byRuntime, m.Collector.Runtime)
			bySystem = append(bySystem, m.Collector.Process)
			pause = append(pause, m.Collector.LongestPause)
		}
		fmt.Fprintf(w, "| %s | %v | %v | %v |\n", peer, stats.Of(byRuntime), stats.Of(bySystem), stats.Of(pause))
	}
}

// printDropped names the peers that did not hold all they were given.
func (r report) printDropped(w io.Writer) {
	for _, peer := range r.peers {
		var loaded, kept []float64
		for _, m := range r.results[peer] {
			loaded = append(loaded, float64(m.Loaded))
			kept = append(kept, float64(m.Kept))
		}
		least := min(stats.Of(loaded).Min, stats.Of(kept).Min)
		if least < float64(r.entries) {
			fmt.Fprintf(w, "\n**%s dropped entries**: of %d, at the least %.0f were there after loading and %.0f at the end.\n",
				peer, r.entries, stats.Of(loaded).Min, stats.Of(kept).Min)
		}
	}
}

func (r report) writeCharts() error {
	if err := os.MkdirAll(r.svg, 0o755); err != nil {
		return err
	}
	workload := fmt.Sprintf("%d entries, %d B values; %s", r.entries, r.valueSize, r.machine)
	if r.gc {
		c := plot.Chart{Title: "CPU of one cycle of the garbage collector, ms (less is better)", Note: workload}
		for _, peer := range r.peers {
			var values []float64
			for _, m := range r.results[peer] {
				values = append(values, m.Collector.Process)
			}
			c.Bars = append(c.Bars, plot.Bar{Label: peer, Value: stats.Of(values), Accent: peer == "darter"})
		}
		return r.writeChart("inproc-gc.svg", c)
	}
	for _, goroutines := range r.goroutines {
		c := plot.Chart{Note: workload,
			Title: fmt.Sprintf("CPU of an operation, ns, goroutines: %d (less is better)", goroutines)}
		for _, op := range inproc.Ops() {
			for _, peer := range r.peers {
				if cpu := r.figures(peer, op, goroutines, cpuOf); len(cpu) > 0 {
					label := string(op) + ", " + peer
					c.Bars = append(c.Bars, plot.Bar{Label: label, Value: stats.Of(cpu), Accent: peer == "darter"})
				}
			}
		}
		if err := r.writeChart(fmt.Sprintf("inproc-%d.svg", goroutines), c); err != nil {
			return err
		}
	}
	return nil
}

func (r report) writeChart(name string, c plot.Chart) error {
	file, err := os.Create(filepath.Join(r.svg, name))
	if err != nil {
		return err
	}
	err = c.WriteSVG(file)
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}
