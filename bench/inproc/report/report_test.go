package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darterdb/darter/bench/inproc"
)

func TestOptions(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-rounds", "101"}, {"-ops", "0"}, {"-goroutines", ""}, {"-goroutines", "1,0"},
		{"-goroutines", "x"}, {"-peers", "("}, {"-peers", "^no such$"}, {"darter"},
		{"-containers"}, {"-gc", "-containers", "-peers", "otter"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
	o, err := parse([]string{"-gc", "-peers", "otter|nothing"}, io.Discard)
	if err != nil || len(o.peers) != 2 || o.entries != 10_000_000 || o.valueSize != 32 {
		t.Errorf("got %+v, %v", o, err)
	}
}

// TestChildMeasuresEveryPeer takes each cache through both kinds of measurement, small.
func TestChildMeasuresEveryPeer(t *testing.T) {
	for _, name := range inproc.Names() {
		for _, more := range [][]string{{"-ops", "1000"}, {"-gc"}} {
			var out bytes.Buffer
			args := append([]string{"-entries", "1000", "-value", "64", "-child", name}, more...)
			if err := run(t.Context(), args, &out, io.Discard); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var m measurement
			if err := json.Unmarshal(out.Bytes(), &m); err != nil {
				t.Fatalf("%s: %v in %s", name, err, out.Bytes())
			}
			if m.Loaded != 1000 || (len(m.Operations) == 0) == (m.Collector == nil) {
				t.Errorf("%s: %+v", name, m)
			}
			for _, x := range m.Operations {
				if x.Hits != 1 || x.Wall <= 0 {
					t.Errorf("%s: %+v", name, x)
				}
			}
		}
	}
	for _, name := range append([]string{nothing}, inproc.ContainerNames()...) {
		var out bytes.Buffer
		args := []string{"-gc", "-containers", "-entries", "1000", "-child", name}
		if err := run(t.Context(), args, &out, io.Discard); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var m measurement
		if err := json.Unmarshal(out.Bytes(), &m); err != nil || m.Loaded != 1000 || m.Kept != 1000 || m.Collector == nil {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	if err := run(t.Context(), []string{"-child", "no such", "-entries", "1"}, io.Discard, io.Discard); err == nil {
		t.Error("a cache that is not known was measured")
	}
}

func TestTablesAndCharts(t *testing.T) {
	fast := []operation{{inproc.AppendGet, 1, 100, 100, 1}, {inproc.AppendGet, 2, 100, 50, 1}}
	slow := []operation{{inproc.AppendGet, 1, 50, 200, 0.5}, {inproc.AppendGet, 2, 50, 200, 1}, {inproc.View, 1, 25, 25, 1}}
	r := report{
		options: options{peers: []string{"fast", "slow"}, goroutines: []int{1, 2}, baseline: "fast", entries: 10, svg: t.TempDir()},
		results: map[string][]measurement{
			"fast": {{Loaded: 10, Kept: 10, Operations: fast}},
			"slow": {{Loaded: 9, Kept: 7, Operations: slow}},
		},
	}
	var out strings.Builder
	r.printOperations(&out)
	r.printDropped(&out)
	for _, want := range []string{
		"| AppendGet | 2 | fast | 100 (100..100) | **1.00** | 50.0 (50.0..50.0) | 20.0 | 2.00 | 100 |\n",
		"| AppendGet | 1 | slow | 50.0 (50.0..50.0) | **0.500** | 200 (200..200) | 5.00 | 1.00 | 50.0 |\n",
		"| View | 1 | slow | 25.0 (25.0..25.0) | **0.250** |",
		"fast has no View", "**slow dropped entries**: of 10, at the least 9 were there after loading and 7 at the end",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "fast dropped") {
		t.Error("a peer that kept all is said to have dropped some")
	}
	if err := r.writeCharts(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"inproc-1.svg", "inproc-2.svg"} {
		if _, err := os.Stat(filepath.Join(r.svg, name)); err != nil {
			t.Error(err)
		}
	}
}
