package btree

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darterdb/darter/internal/slab"
)

func logBytes(b *testing.B, t Tree, s *slab.Slab) {
	n := float64(t.Count)
	b.Logf("%.1f bytes an element, with the slab's slack %.1f", float64(t.Bytes)/n, float64(s.Usage().Taken)/n)
}

// BenchmarkTree works on 150 000 elements: of 8 bytes of score and 14 of member, and of 7 to 12 bytes.
func BenchmarkTree(b *testing.B) {
	const n = 150000
	key := func(i int) []byte {
		return append(binary.BigEndian.AppendUint64(nil, uint64(i)*3), fmt.Sprintf("member:%07d", i)...)
	}
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = key(i)
	}
	s := newSlab(b)
	set := Tree{Shape: sorted}
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(n) {
		if _, _, err := set.Insert(s, keys[i]); err != nil {
			b.Fatal(err)
		}
	}
	logBytes(b, set, s)
	s2 := newSlab(b)
	list := Tree{Shape: lists}
	for i := range n {
		if err := list.InsertAt(s2, list.Count, fmt.Appendf(nil, "value:%d", i)); err != nil {
			b.Fatal(err)
		}
	}
	logBytes(b, list, s2)
	word := []byte("value:12345")
	b.Run("seek", func(b *testing.B) {
		for i := range b.N {
			set.Seek(s.Mem, keys[i*7919%n])
		}
	})
	b.Run("delete+insert", func(b *testing.B) {
		for i := range b.N {
			k := keys[i*7919%n]
			set.Delete(s, k)
			set.Insert(s, k)
		}
	})
	b.Run("at", func(b *testing.B) {
		for i := range b.N {
			list.At(s2.Mem, i*7919%n)
		}
	})
	b.Run("push left, pop right", func(b *testing.B) {
		for range b.N {
			list.InsertAt(s2, 0, word)
			list.DeleteRange(s2, list.Count-1, 1)
		}
	})
	b.Run("push right, pop left", func(b *testing.B) {
		for range b.N {
			list.InsertAt(s2, list.Count, word)
			list.DeleteRange(s2, 0, 1)
		}
	})
	b.Run("stack left", func(b *testing.B) {
		for range b.N {
			list.InsertAt(s2, 0, word)
			list.DeleteRange(s2, 0, 1)
		}
	})
	b.Run("100 next", func(b *testing.B) {
		for i := range b.N {
			c := list.Cursor(s2.Mem, i*7919%n)
			for range 100 {
				c.Next()
			}
		}
	})
	b.Run("100 prev", func(b *testing.B) {
		for i := range b.N {
			c := list.Cursor(s2.Mem, i*7919%n)
			for range 100 {
				c.Prev()
			}
		}
	})
}
