package inproc

import (
	"fmt"
	"runtime"
	"testing"
)

// The workload of the benchmarks.
const (
	benchEntries   = 1_000_000
	benchValueSize = 256
)

// BenchmarkPeers reports, beside the wall time of an operation, the CPU time it took (cpu-ns/op) and how many operations
// in a hundred found their key (hit-%): a peer under 100 there did less work than the others. One peer is loaded for
// all its benchmarks; choose with, say, -bench 'Peers/peer=darter/op=View'.
func BenchmarkPeers(b *testing.B) {
	w, err := NewWorkload(benchEntries, benchValueSize)
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range Names() {
		b.Run("peer="+name, func(b *testing.B) { benchmarkPeer(b, w, name) })
	}
}

func benchmarkPeer(b *testing.B, w *Workload, name string) {
	p, err := w.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	if err := w.Load(p); err != nil {
		b.Fatal(err)
	}
	if kept := w.Kept(p); kept != w.Entries {
		b.Fatalf("%d of %d entries are there after loading", kept, w.Entries)
	}
	for _, op := range Ops() {
		if op == View && !p.Views() {
			continue
		}
		for _, goroutines := range []int{1, 2} {
			b.Run(fmt.Sprintf("op=%s/goroutines=%d", op, goroutines), func(b *testing.B) {
				runtime.GC()
				b.ReportAllocs()
				b.ResetTimer()
				r, err := w.Run(p, op, b.N, goroutines)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(r.CPU.Nanoseconds())/float64(b.N), "cpu-ns/op")
				b.ReportMetric(100*float64(r.Hits)/float64(b.N), "hit-%")
			})
		}
	}
}
