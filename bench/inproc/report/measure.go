package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"

	"github.com/darterdb/darter/bench/inproc"
)

// measurement is what a child reports about one cache in one round.
type measurement struct {
	// Loaded and Kept are the entries held with the right value after loading and at the end.
	Loaded, Kept int
	Operations   []operation `json:",omitempty"`
	Collector    *collector  `json:",omitempty"`
}

// operation is what one kind of work cost, in nanoseconds an operation, and the share that found its key.
type operation struct {
	Op         inproc.Op
	Goroutines int
	CPU, Wall  float64
	Hits       float64
}

// collector is what a cycle cost, in milliseconds: by the runtime's own accounts, by the operating system's, and the
// longest pause that the runtime saw in any cycle.
type collector struct {
	Runtime, Process, LongestPause float64
}

func measure(o options) (measurement, error) {
	w, err := inproc.NewWorkload(o.entries, o.valueSize)
	if err != nil {
		return measurement{}, err
	}
	if o.gc && o.child == nothing {
		c, err := measureCollector()
		return measurement{Loaded: o.entries, Kept: o.entries, Collector: &c}, err
	}
	if o.containers {
		return measureContainers(w, o.child)
	}
	p, err := w.Open(o.child)
	if err != nil {
		return measurement{}, err
	}
	m, err := measurePeer(o, w, p)
	return m, errors.Join(err, p.Close())
}

func measurePeer(o options, w *inproc.Workload, p inproc.Peer) (measurement, error) {
	var m measurement
	if err := w.Load(p); err != nil {
		return m, err
	}
	m.Loaded = w.Kept(p)
	if o.gc {
		c, err := measureCollector()
		if err != nil {
			return m, err
		}
		m.Collector = &c
	} else if err := measureOperations(o, w, p, &m); err != nil {
		return m, err
	}
	m.Kept = w.Kept(p)
	return m, nil
}

func measureContainers(w *inproc.Workload, kind string) (m measurement, err error) {
	filled, err := w.FillContainers(kind)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, filled.Close()) }()
	if m.Loaded, err = filled.Len(); err != nil {
		return m, err
	}
	c, err := measureCollector()
	if err != nil {
		return m, err
	}
	m.Collector = &c
	m.Kept, err = filled.Len()
	return m, err
}

func measureOperations(o options, w *inproc.Workload, p inproc.Peer, m *measurement) error {
	for _, op := range inproc.Ops() {
		if op == inproc.View && !p.Views() {
			continue
		}
		for _, goroutines := range o.goroutines {
			// Warmed up, and without garbage of what came before.
			if _, err := w.Run(p, op, o.ops/4, goroutines); err != nil {
				return err
			}
			runtime.GC()
			r, err := w.Run(p, op, o.ops, goroutines)
			if err != nil {
				return err
			}
			n := float64(r.Ops)
			m.Operations = append(m.Operations, operation{
				Op: op, Goroutines: goroutines, Hits: float64(r.Hits) / n,
				CPU: float64(r.CPU.Nanoseconds()) / n, Wall: float64(r.Wall.Nanoseconds()) / n,
			})
		}
	}
	return nil
}

const (
	collectorCPU    = "/cpu/classes/gc/total:cpu-seconds"
	collectorPauses = "/sched/pauses/total/gc:seconds"
	cycles          = 5
)

// measureCollector forces some cycles and returns the cost of an average one. The first two are not counted: they clear
// away what loading left. The runtime brings its accounts up to date at the end of a cycle.
func measureCollector() (collector, error) {
	runtime.GC()
	runtime.GC()
	var c collector
	before := []metrics.Sample{{Name: collectorCPU}, {Name: collectorPauses}}
	metrics.Read(before)
	if before[0].Value.Kind() != metrics.KindFloat64 || before[1].Value.Kind() != metrics.KindFloat64Histogram {
		return c, fmt.Errorf("this Go does not report %s and %s", collectorCPU, collectorPauses)
	}
	pausesBefore := append([]uint64(nil), before[1].Value.Float64Histogram().Counts...)
	cpuBefore, err := inproc.CPUTime()
	if err != nil {
		return c, err
	}
	for range cycles {
		runtime.GC()
	}
	cpuAfter, err := inproc.CPUTime()
	if err != nil {
		return c, err
	}
	after := []metrics.Sample{{Name: collectorCPU}, {Name: collectorPauses}}
	metrics.Read(after)
	c.Runtime = (after[0].Value.Float64() - before[0].Value.Float64()) * 1e3 / cycles
	c.Process = float64((cpuAfter - cpuBefore).Nanoseconds()) / 1e6 / cycles
	c.LongestPause = longest(after[1].Value.Float64Histogram(), pausesBefore) * 1e3
	return c, nil
}

// longest is the upper end of the last bucket that counted something new, in seconds.
func longest(h *metrics.Float64Histogram, before []uint64) float64 {
	for i := len(h.Counts) - 1; i >= 0; i-- {
		if i >= len(before) || h.Counts[i] > before[i] {
			if end := h.Buckets[i+1]; !math.IsInf(end, 1) {
				return end
			}
			return h.Buckets[i]
		}
	}
	return 0
}
