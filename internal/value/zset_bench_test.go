package value

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/slab"
)

// BenchmarkSortedSet measures operations on a large sorted set of a million elements, and what an element takes.
func BenchmarkSortedSet(b *testing.B) {
	const n = 1_000_000
	for name, order := range map[string]func(i int) int{
		"ascending": func(i int) int { return i },
		"mixed":     func(i int) int { return i * 7919 % n },
	} {
		s := newSortedBench(b)
		z := s.heap.SortedSet(nil)
		members := make([][]byte, n)
		for i := range members {
			members[i] = fmt.Appendf(nil, "member:0:%d", i)
		}
		for i := range members {
			_, _, err := z.Add(members[order(i)], float64(order(i))*1.5, 0)
			require.NoError(b, err)
		}
		b.Run(name+"/Score", func(b *testing.B) {
			for b.Loop() {
				z.Score(members[rand.IntN(n)])
			}
			b.ReportMetric(float64(s.heap.Usage().Cells[slab.Container])/n, "B/element")
		})
		b.Run(name+"/Rank", func(b *testing.B) {
			for b.Loop() {
				z.Rank(members[rand.IntN(n)])
			}
		})
		b.Run(name+"/Add another score", func(b *testing.B) {
			for b.Loop() {
				_, _, _ = z.Add(members[rand.IntN(n)], rand.Float64()*n, 0)
			}
		})
	}
}
