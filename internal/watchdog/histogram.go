package watchdog

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// # Histograms
//
// A histogram counts nanoseconds with two digits: as they are up to 255, above that in 128 buckets for each power of
// two.
//
//	0 1 2 ... 255 | 256 258 ... 510 | 512 516 ... 1020 | ... up to a second
//
// It is kept in stripes, so that those who count at the same time do not share a cache line: a loop of a server has a
// Tally of its own. Whoever asks adds them up.
const (
	exact     = 256 // values below have a bucket each
	perPower  = exact / 2
	longest   = time.Second // what takes longer counts as that
	powers    = 30 - 8      // of two between exact and longest
	nBuckets  = exact + powers*perPower
	tallies   = 64
	firstEdge = 1024 // ns; the edges that LATENCY HISTOGRAM shows are powers of two from here on
)

type histogram [nBuckets]atomic.Int64

// Tally is one stripe of all histograms.
type Tally struct {
	commands int
	of       atomic.Pointer[[]atomic.Pointer[histogram]] // by number of command; nil as long as nothing was counted
	_        [64 - 16]byte
}

// Tally returns the stripe for whoever has a number.
func (d *Dog) Tally(n int) *Tally { return &d.tallies[n%tallies] }

// bucketOf returns the bucket of a number of nanoseconds.
func bucketOf(ns uint64) int {
	if ns < exact {
		return int(ns)
	}
	shift := bits.Len64(ns) - 8
	return shift*perPower + int(ns>>shift)
}

// edges returns the lowest and the highest number that a bucket counts.
func edges(bucket int) (low, high int64) {
	if bucket < exact {
		return int64(bucket), int64(bucket)
	}
	shift := bucket/perPower - 1
	low = int64(bucket%perPower+perPower) << shift
	return low, low + 1<<shift - 1
}

// Add counts a command by its number.
func (t *Tally) Add(command int, took time.Duration) {
	list := t.of.Load()
	if list == nil {
		fresh := make([]atomic.Pointer[histogram], t.commands)
		t.of.CompareAndSwap(nil, &fresh)
		list = t.of.Load()
	}
	p := &(*list)[command]
	h := p.Load()
	if h == nil {
		p.CompareAndSwap(nil, new(histogram))
		h = p.Load()
	}
	h[bucketOf(uint64(min(max(took, 1), longest)))].Add(1)
}

// Distribution is how long the calls of a command took.
type Distribution struct {
	Calls   int64
	buckets [nBuckets]int64
}

// Distribution adds up what was counted of a command.
func (d *Dog) Distribution(command int) (sum Distribution) {
	for i := range d.tallies {
		list := d.tallies[i].of.Load()
		if list == nil {
			continue
		}
		if h := (*list)[command].Load(); h != nil {
			for b := range h {
				n := h[b].Load()
				sum.buckets[b] += n
				sum.Calls += n
			}
		}
	}
	return sum
}

// Bucket is the calls that took at most so long.
type Bucket struct{ Micros, Calls int64 }

// Buckets returns at the powers of two how many calls took no longer, where that number grows.
func (s *Distribution) Buckets() (list []Bucket) {
	calls, before, at := int64(0), int64(0), 0
	for edge := uint64(firstEdge); before < s.Calls; edge *= 2 {
		last := bucketOf(edge)
		for ; at <= last && at < nBuckets; at++ {
			calls += s.buckets[at]
		}
		if calls > before {
			_, high := edges(last)
			list = append(list, Bucket{high / 1000, calls})
			before = calls
		}
	}
	return list
}

// Percentile returns the time in ns that so many of a hundred calls did not exceed, with the digits that buckets have.
func (s *Distribution) Percentile(p float64) int64 {
	want := max(int64(p/100*float64(s.Calls)+0.5), 1)
	calls := int64(0)
	for b, n := range s.buckets {
		if calls += n; calls >= want {
			low, high := edges(b)
			if p == 0 {
				return low
			}
			return high
		}
	}
	return 0
}

// ResetHistograms forgets all that was counted.
func (d *Dog) ResetHistograms() {
	for i := range d.tallies {
		d.tallies[i].of.Store(nil)
	}
}
