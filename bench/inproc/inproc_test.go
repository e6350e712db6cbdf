package inproc

import (
	"testing"
)

// TestPeersKeepWhatTheyAreGiven is what makes the figures comparable: every peer must hold the whole workload, find every
// key of the sequence in each way it has, and hold the right values after they were overwritten.
func TestPeersKeepWhatTheyAreGiven(t *testing.T) {
	const entries, ops = 20_000, 50_000
	w, err := NewWorkload(entries, 256)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			p, err := w.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if p.Name() != name {
				t.Errorf("it calls itself %q", p.Name())
			}
			if err := w.Load(p); err != nil {
				t.Fatal(err)
			}
			if kept := w.Kept(p); kept != entries {
				t.Errorf("%d of %d entries are there after loading", kept, entries)
			}
			for _, op := range Ops() {
				if op == View && !p.Views() {
					continue
				}
				for _, goroutines := range []int{1, 3} {
					r, err := w.Run(p, op, ops, goroutines)
					if err != nil {
						t.Fatal(err)
					}
					if r.Hits != ops || r.Ops != ops || r.Wall <= 0 {
						t.Errorf("%s by %d: %+v, want %d hits", op, goroutines, r, ops)
					}
				}
			}
			p.Settle()
			if _, ok := p.Fetch(nil, "key:missing00000"); ok {
				t.Error("a key that was never stored is there")
			}
			if _, ok := p.Fetch(nil, string(w.sequence.Bytes[:KeySize])); !ok {
				t.Error("a hot key is gone after being overwritten")
			}
		})
	}
}

func TestScatterMeetsEveryEntryOnce(t *testing.T) {
	for _, entries := range []uint64{1, 2, 10, 1000, 65536, 100_003} {
		met := make([]bool, entries)
		for rank := range entries {
			met[scatter(rank, entries)] = true
		}
		for i, ok := range met {
			if !ok {
				t.Fatalf("of %d entries, %d is never asked for", entries, i)
			}
		}
	}
}

func TestSequenceIsSkewed(t *testing.T) {
	w, err := NewWorkload(200, KeySize)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for i := range w.sequence.Len() {
		key := w.sequence.slice(i, i+1)
		if key.Text != string(key.Bytes) || key.Text[:4] != "key:" {
			t.Fatalf("key %d is %q and %q", i, key.Text, key.Bytes)
		}
		count[key.Text]++
	}
	if len(count) != 200 {
		t.Errorf("%d different keys, want 200", len(count))
	}
	if hottest := count["key:000000000000"]; hottest < w.sequence.Len()/20 {
		t.Errorf("the hottest key comes %d times of %d", hottest, w.sequence.Len())
	}
}

func TestBadWorkloads(t *testing.T) {
	for _, c := range [][2]int{{0, 256}, {-1, 256}, {2_000_000_000, 256}, {1, KeySize - 1}, {1, 60_001}} {
		if _, err := NewWorkload(c[0], c[1]); err == nil {
			t.Errorf("%v was taken", c)
		}
	}
	w, err := NewWorkload(1, KeySize)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Open("nothing"); err == nil {
		t.Error("a peer that is not known was opened")
	}
	p, err := w.Open("map64")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Run(p, AppendGet, 1, 0); err == nil {
		t.Error("no goroutine did the work")
	}
}
