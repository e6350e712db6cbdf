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
// beforehand from a Zipf distribution, or on containers of a million elements of 16 bytes. With -short it is 50 000, which fit the processor's caches: not to be compared.
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

// members is an order of elements of a container, drawn evenly: nothing but luck brings one into the processor's caches.
var members = sync.OnceValue(func() string {
	rng := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, 0, benchDraws*16)
	for range benchDraws {
		b = fmt.Appendf(b, "member:%09d", rng.IntN(benchKeys()))
	}
	return string(b)
})

func member(i int) string {
	at := i & (benchDraws - 1) * 16
	return members()[at : at+16]
}

// filled returns a cache in which add was called for each element of a container, all of which are looked at once.
func filled(b *testing.B, add func(c *darter.Cache, i int, member string) error) *darter.Cache {
	b.Helper()
	c, err := darter.New(darter.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	for i := range benchKeys() {
		if err := add(c, i, fmt.Sprintf("member:%09d", i)); err != nil {
			b.Fatal(err)
		}
	}
	member(0)
	runtime.GC()
	return c
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

// BenchmarkHashAppendGet, BenchmarkSetHas, BenchmarkSortedSetScore and BenchmarkSortedSetRank read single elements of
// containers that have as many of them as the other benchmarks have keys.
func BenchmarkHashAppendGet(b *testing.B) {
	c := filled(b, func(c *darter.Cache, _ int, member string) error { return c.Hash("hash").Set(member, []byte(member)) })
	h := c.Hash("hash")
	both(b, c, func(i int, buf []byte) error {
		_, err := h.AppendGet(buf, member(i))
		return err
	})
}

func BenchmarkSetHas(b *testing.B) {
	c := filled(b, func(c *darter.Cache, _ int, member string) error {
		_, err := c.SetOf("set").Add(member)
		return err
	})
	s := c.SetOf("set")
	both(b, c, func(i int, _ []byte) error {
		has, err := s.Has(member(i))
		if err == nil && !has {
			err = darter.ErrNotFound
		}
		return err
	})
}

// BenchmarkGoMap reads the elements of BenchmarkHashAppendGet from a map of the language, without a lock.
func BenchmarkGoMap(b *testing.B) {
	m := map[string][]byte{}
	for i := range benchKeys() {
		key := fmt.Sprintf("member:%09d", i)
		m[key] = []byte(key)
	}
	member(0)
	var buf []byte
	for i := 0; b.Loop(); i++ {
		buf = append(buf[:0], m[member(i)]...)
	}
}

// BenchmarkSetHasMany looks for a hundred members at a time; a time is that of one.
func BenchmarkSetHasMany(b *testing.B) {
	c := filled(b, func(c *darter.Cache, _ int, member string) error {
		_, err := c.SetOf("set").Add(member)
		return err
	})
	var list [100]string
	for i := 0; b.Loop(); i++ {
		list[i%len(list)] = member(i)
		if i%len(list) != len(list)-1 {
			continue
		}
		if _, err := c.SetOf("set").HasMany(list[:]...); err != nil {
			b.Fatal(err)
		}
	}
}

// sortedSet is a cache with a sorted set whose scores say nothing of its members' order.
func sortedSet(b *testing.B) (*darter.Cache, darter.SortedSet) {
	b.Helper()
	c := filled(b, func(c *darter.Cache, i int, member string) error {
		_, err := c.SortedSet("zset").Add(member, float64(uint64(i)*2_147_483_647%uint64(benchKeys())))
		return err
	})
	return c, c.SortedSet("zset")
}

func BenchmarkSortedSetScore(b *testing.B) {
	c, z := sortedSet(b)
	both(b, c, func(i int, _ []byte) error {
		_, err := z.Score(member(i))
		return err
	})
}

func BenchmarkSortedSetRank(b *testing.B) {
	c, z := sortedSet(b)
	both(b, c, func(i int, _ []byte) error {
		_, err := z.Rank(member(i))
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
