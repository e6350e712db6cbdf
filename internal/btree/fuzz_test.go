package btree

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzTree reads operations from bytes and runs them on a tree and on a slice, and holds versions meanwhile.
func FuzzTree(f *testing.F) {
	f.Add([]byte{0, 0, 10, 0, 1, 200, 20, 0, 30, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{1, 0, 10, 0, 1, 200, 20, 0, 30, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	var ops []byte
	for i := range 250 {
		ops = append(ops, byte(i*7), byte(i*31), byte(i*13))
	}
	f.Add(append([]byte{0}, ops...))
	f.Add(append([]byte{1}, ops...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		p := &pair{t: t, s: newSlab(t), tree: Tree{Shape: []*Shape{small, smallS}[data[0]&1]}}
		for ops := data[1:min(len(data), 1000)]; len(ops) >= 3; ops = ops[3:] {
			p.run(ops[0], int(ops[1]), int(ops[2]))
		}
		p.end()
	})
}

// run does one operation.
func (p *pair) run(op byte, a, b int) {
	n := len(p.model)
	w := word(a*5+b%5, b/4)
	if b > 250 {
		w += strings.Repeat("long", a)
	}
	at := a * (n + 1) / 256
	switch op % 16 {
	case 0:
		p.freeze()
		return
	case 1:
		if len(p.held) > 0 {
			p.thaw(b % len(p.held))
		}
		return
	case 2, 3:
		k := min(b/8, n-at)
		require.NoError(p.t, p.tree.DeleteRange(p.s, at, k))
		p.model = slices.Delete(p.model, at, at+k)
		return
	}
	switch {
	case p.tree.Shape.Sorted && op%16 < 7:
		p.delete(w)
	case p.tree.Shape.Sorted:
		p.insert(w)
	case op%16 < 7 && at < n:
		require.NoError(p.t, p.tree.Set(p.s, at, []byte(w)))
		p.model[at] = w
	case op%16 < 9:
		p.push(true, w)
	case op%16 < 11:
		p.push(false, w)
	case op%16 < 13 && n > 0:
		p.take(op%16 == 11)
	default:
		p.insertAt(at, w)
	}
}
