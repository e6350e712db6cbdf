package darter_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/darterdb/darter"
)

// The benchmarks work on keys of 16 bytes with values of 256, a million of them, asked for in an order that is drawn
// beforehand from a Zipf distribution. With -short it is 50 000, which fit the processor's caches: not to be compared.
const (
	benchValue = 256
	benchDraws = 1 << 21
)

func benchKeys() int {
	if testing.Short() {
		return 50_000
	}
	return 1_000_000
}

// drawn is the order of keys, one behind the other, as reading them so costs next to nothing.
var drawn = sync.OnceValue(func() string {
	n := benchKeys()
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.01, 1, uint64(n-1))
	b := make([]byte, 0, benchDraws*16)
	for range benchDraws {
		b = fmt.Appendf(b, "key:%012d", zipf.Uint64()*2_147_483_647%uint64(n)) // hot keys shall not be neighbours
	}
	return string(b)
})

func draw(i int) string {
	at := i & (benchDraws - 1) * 16
	return drawn()[at : at+16]
}

// loaded returns a cache with all keys.
func loaded(b *testing.B) *darter.Cache {
	b.Helper()
	c, err := darter.New(darter.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	value := make([]byte, benchValue)
	for i := range benchKeys() {
		if err := c.Set(fmt.Sprintf("key:%012d", i), value); err != nil {
			b.Fatal(err)
		}
	}
	draw(0)
	runtime.GC()
	return c
}

// both runs an operation from one goroutine and from as many as there are processors.
func both(b *testing.B, c *darter.Cache, op func(i int, buf []byte) error) {
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, benchValue)
		for i := 0; b.Loop(); i++ {
			if err := op(i, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		var start atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			buf := make([]byte, 0, benchValue)
			for i := int(start.Add(benchDraws / 8)); pb.Next(); i++ {
				if err := op(i, buf); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkAppendGet(b *testing.B) {
	c := loaded(b)
	both(b, c, func(i int, buf []byte) error {
		_, err := c.AppendGet(buf, draw(i))
		return err
	})
}

func BenchmarkView(b *testing.B) {
	c := loaded(b)
	see := func([]byte) error { return nil }
	both(b, c, func(i int, _ []byte) error { return c.View(draw(i), see) })
}

func BenchmarkSet(b *testing.B) {
	c := loaded(b)
	both(b, c, func(i int, buf []byte) error { return c.Set(draw(i), buf[:benchValue]) })
}

func BenchmarkIncr(b *testing.B) {
	c := loaded(b)
	if err := c.Flush(); err != nil {
		b.Fatal(err)
	}
	both(b, c, func(i int, _ []byte) error {
		_, err := c.Incr(draw(i), 1)
		return err
	})
}

// BenchmarkSnapshot takes and closes snapshots of caches of different sizes, which must not matter, and with different
// numbers of shards, which does.
func BenchmarkSnapshot(b *testing.B) {
	for _, shards := range []int{16, 256} {
		for _, keys := range []int{100, 100_000} {
			b.Run(fmt.Sprintf("shards=%d/keys=%d", shards, keys), func(b *testing.B) {
				c, err := darter.New(darter.Options{Shards: shards})
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				for i := range keys {
					if err := c.Set(strconv.Itoa(i), nil); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportAllocs()
				for b.Loop() {
					s, err := c.Snapshot()
					if err != nil {
						b.Fatal(err)
					}
					s.Close()
				}
			})
		}
	}
}

// BenchmarkGC is a cycle of the collector with a full cache, and the processor time it takes.
func BenchmarkGC(b *testing.B) {
	c := loaded(b)
	cpu := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(cpu)
	before := cpu[0].Value.Float64()
	for b.Loop() {
		runtime.GC()
	}
	metrics.Read(cpu)
	b.ReportMetric((cpu[0].Value.Float64()-before)*1e3/float64(b.N), "gc-cpu-ms/op")
	b.ReportMetric(float64(c.Len()), "keys")
}
