package value

import (
	"bytes"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/packed"
	"github.com/darterdb/darter/internal/slab"
)

// listRegion is that of all tests of lists.
var listRegion = sync.OnceValues(slab.NewRegion)

func listHeap(t testing.TB) *Heap {
	r, err := listRegion()
	require.NoError(t, err)
	return &Heap{Slab: slab.New(r), Seed: maphash.MakeSeed(), Limits: NewLimits()}
}

// listText returns the elements of a list.
func listText(v View, raw []byte) []string {
	l := OpenList(v, raw)
	out := []string{}
	c := l.From(0)
	for b, ok := c.NextBytes(nil); ok; b, ok = c.NextBytes(nil) {
		out = append(out, string(b))
	}
	return out
}

// listPair is a list as a key has it, beside its model.
type listPair struct {
	t     testing.TB
	h     *Heap
	raw   []byte
	model []string
	held  []heldList
}

type heldList struct {
	v     *slab.Version
	raw   []byte
	model []string
}

// change runs an operation as package keyspace does.
func (p *listPair) change(fn func(l *List) error) {
	var l List
	l.Edit(p.h, p.raw)
	require.NoError(p.t, fn(&l))
	l.Settle()
	nodes, packed := l.Pack()
	raw, large := l.Raw()
	p.raw = slices.Clone(raw)
	require.Equal(p.t, large, l.Large())
	require.Equal(p.t, len(p.model) == 0, len(raw) == 0)
	if packed {
		nodes.Free(p.h.Slab)
	}
}

func (p *listPair) check() {
	require.Equal(p.t, p.model, listText(p.h.view(), p.raw))
	for _, held := range p.held {
		require.Equal(p.t, held.model, listText(p.h.view(), held.raw))
	}
	if len(p.raw) == 0 {
		return
	}
	require.Equal(p.t, len(p.model), KindList.Count(p.h.view(), p.raw))
	l := OpenList(p.h.view(), p.raw)
	n := len(p.model)
	for _, from := range []int{0, n / 2, n - 1, n} {
		c := l.From(from)
		for _, want := range p.model[min(from, n):] {
			e, ok := c.Next()
			require.True(p.t, ok)
			require.Equal(p.t, want, string(l.AppendElem(nil, e)))
		}
		_, ok := c.Next()
		require.False(p.t, ok)
		d := l.DownFrom(from)
		for i := min(from, n-1); i >= 0; i-- {
			e, ok := d.Next()
			require.True(p.t, ok)
			require.Equal(p.t, p.model[i], string(l.AppendElem(nil, e)))
		}
		_, ok = d.Next()
		require.False(p.t, ok)
	}
	if l.form == listLarge {
		require.Equal(p.t, l.measure(0, l.n), l.size)
	}
}

// run does one operation.
func (p *listPair) run(op byte, a, b int) {
	n := len(p.model)
	w := strconv.Itoa(a * b)
	if b%3 == 0 {
		w += strings.Repeat("x", a/2)
	}
	if b == 255 {
		w += strings.Repeat("lone", 500)
	}
	at := a * n / 256
	switch op % 12 {
	case 0, 1, 2:
		p.model = slices.Insert(p.model, 0, w)
		p.change(func(l *List) error { l.Expect(1, len(w)); return l.Push([]byte(w), true) })
	case 3, 4, 5:
		p.model = append(p.model, w)
		p.change(func(l *List) error { l.Expect(1, len(w)); return l.Push([]byte(w), false) })
	case 6:
		p.model = slices.Insert(p.model, at, w)
		p.change(func(l *List) error { return l.Insert(at, []byte(w)) })
	case 7:
		if n > 0 {
			p.model[at] = w
			p.change(func(l *List) error { return l.Set(at, []byte(w)) })
		}
	case 8, 9:
		k := min(1+b/16, n-at)
		if k > 0 {
			taken := p.model[at]
			p.model = slices.Delete(p.model, at, at+k)
			p.change(func(l *List) error {
				if k > 1 {
					return l.Remove(at, k)
				}
				run, err := l.Take([]byte("before"), at)
				e, rest := NextPopped(run[len("before"):], nil)
				require.Empty(p.t, rest)
				require.Equal(p.t, taken, string(e))
				return err
			})
		}
	case 10:
		v, err := p.h.Freeze()
		require.NoError(p.t, err)
		p.held = append(p.held, heldList{v, p.raw, slices.Clone(p.model)})
	case 11:
		if len(p.held) > 0 {
			i := b % len(p.held)
			for p.h.Thaw(p.held[i].v) {
			}
			p.held = slices.Delete(p.held, i, i+1)
		}
	}
}

// end frees everything and looks for what is left.
func (p *listPair) end() {
	p.check()
	if n := len(p.model); n > 0 {
		p.model = nil
		p.change(func(l *List) error { return l.Remove(0, n) })
	}
	for _, held := range p.held {
		for p.h.Thaw(held.v) {
		}
	}
	require.Zero(p.t, p.h.Used())
}

func TestListAtRandom(t *testing.T) {
	for seed := range uint64(4) {
		p := &listPair{t: t, h: listHeap(t), model: []string{}}
		rnd := rand.New(rand.NewPCG(seed, 2))
		for step := range 3000 {
			op := byte(rnd.IntN(12))
			if (step/400)%2 == 1 && op < 4 {
				op = 8
			}
			p.run(op, rnd.IntN(256), rnd.IntN(256))
			if step%50 == 0 {
				p.check()
			}
		}
		p.end()
	}
}

func FuzzList(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 8, 7, 6, 10, 1, 1, 7, 100, 3, 11, 0, 0})
	var ops []byte
	for i := range 200 {
		ops = append(ops, byte(i*7), byte(i*31), byte(i*13))
	}
	f.Add(ops)
	f.Fuzz(func(t *testing.T, ops []byte) {
		p := &listPair{t: t, h: listHeap(t), model: []string{}}
		for ops = ops[:min(len(ops), 600)]; len(ops) >= 3; ops = ops[3:] {
			p.run(ops[0], int(ops[1]), int(ops[2]))
		}
		p.end()
	})
}

// TestListEncoding follows the name that Redis would give a list as it grows and shrinks.
func TestListEncoding(t *testing.T) {
	p := &listPair{t: t, h: listHeap(t), model: []string{}}
	push := func(w string) {
		p.model = append(p.model, w)
		p.change(func(l *List) error { l.Expect(1, len(w)); return l.Push([]byte(w), false) })
	}
	pop := func(n int) {
		p.model = p.model[n:]
		p.change(func(l *List) error { return l.Remove(0, n) })
	}
	name := func() string { return KindList.Encoding(p.raw) }
	w := strings.Repeat("w", 98) // 100 B each as Redis counts
	for range 81 {
		push(w)
		require.Equal(t, "listpack", name())
	}
	l := OpenList(p.h.view(), p.raw)
	require.True(t, l.Large())
	push(w)
	require.Equal(t, "quicklist", name())
	p.check()
	pop(41)
	require.Equal(t, "quicklist", name())
	pop(1)
	require.Equal(t, "listpack", name())
	p.check()
	pop(36)
	l = OpenList(p.h.view(), p.raw)
	require.False(t, l.Large())
	p.check()

	p.h.Limits.ListSize.Store(10)
	for len(p.model) < 10 {
		push("1")
	}
	require.Equal(t, "listpack", name())
	push("1")
	require.Equal(t, "quicklist", name())
	l = OpenList(p.h.view(), p.raw)
	require.False(t, l.Large())
	pop(5)
	require.Equal(t, "quicklist", name())
	pop(1)
	require.Equal(t, "listpack", name())
	push(strings.Repeat("x", 8192))
	require.Equal(t, "quicklist", name())
	for _, limit := range []int64{0, -100, 1 << 62, -1 << 63} {
		p.h.Limits.ListSize.Store(limit)
		push("2")
	}
	p.end()
}

// TestListParts takes lists apart and puts them together again, whatever their form.
func TestListParts(t *testing.T) {
	for _, n := range []int{1, 20, 300, 5000} {
		p := &listPair{t: t, h: listHeap(t), model: []string{}}
		for i := range n {
			w := strconv.Itoa(i)
			if i%1000 == 7 {
				w = strings.Repeat("lone", 5000)
			}
			p.model = append(p.model, w)
			p.change(func(l *List) error { l.Expect(1, len(w)); return l.Push([]byte(w), false) })
		}
		other := listHeap(t)
		b := KindList.Build(other)
		for part := range KindList.Parts(p.h.view(), p.raw) {
			require.NoError(t, b.Add(part))
		}
		raw, large, err := b.Raw()
		require.NoError(t, err)
		raw = slices.Clone(raw)
		require.Equal(t, p.model, listText(other.view(), raw))
		require.Equal(t, KindList.Encoding(p.raw), KindList.Encoding(raw))
		if large {
			require.Equal(t, other.Used(), KindList.NodeBytes(other.view(), raw))
			clone, err := KindList.Clone(other.view(), raw, p.h)
			require.NoError(t, err)
			clone = slices.Clone(clone)
			require.Equal(t, p.model, listText(p.h.view(), clone))
			var c List
			c.Edit(p.h, clone)
			c.Drop()
		}
		var d Debris
		d.Add(KindList, other.view(), raw)
		d.FreeSome(other.Slab, 1<<20)
		require.True(t, d.Empty())
		require.Zero(t, other.Used())
		p.end()
	}
	b := KindList.Build(listHeap(t))
	raw, _, err := b.Raw()
	require.NoError(t, err)
	require.Empty(t, raw)
}

func TestListPartsFromOutside(t *testing.T) {
	h := listHeap(t)
	long := bytes.Repeat(packed.AppendString(nil, bytes.Repeat([]byte("x"), 100)), 30)
	lone := string(packed.AppendLone(nil, 8, 1))
	for _, bad := range []string{"\x05abc", "\xE1\x05", "\xFF", "\xF0\xFF\xFF\xFF\xFF", lone} {
		for _, before := range [][]byte{nil, {1, 'a'}, long} {
			b := KindList.Build(h)
			require.NoError(t, b.Add(before))
			require.ErrorIs(t, b.Add([]byte(bad)), errListPart)
			require.Zero(t, h.Used())
		}
	}
}

func TestListMatches(t *testing.T) {
	h := listHeap(t)
	lone := strings.Repeat("lone", 1000)
	var l List
	l.Edit(h, nil)
	words := []string{"a", "12", "", lone, "012"}
	for _, w := range words {
		require.NoError(t, l.Push([]byte(w), false))
	}
	require.True(t, l.Large())
	for _, w := range append(words, "none", lone[1:]+"x", lone+"x") {
		m := l.Matching([]byte(w))
		for i, have := range words {
			e, ok := l.At(i)
			require.True(t, ok)
			require.Equal(t, w == have, m.Is(e))
		}
	}
}

func TestListChangesAllocateNothing(t *testing.T) {
	h := listHeap(t)
	for _, n := range []int{10, 1000} {
		var raw []byte
		for range n {
			var l List
			l.Edit(h, raw)
			require.NoError(t, l.Push([]byte("some element"), true))
			r, _ := l.Raw()
			raw = append(raw[:0], r...)
		}
		w := []byte("12345")
		require.Zero(t, testing.AllocsPerRun(100, func() {
			for _, start := range []bool{true, false} {
				var l List
				l.Edit(h, raw)
				l.Expect(1, len(w))
				if l.Push(w, start) != nil {
					panic("push")
				}
				at := 0
				if !start {
					at = l.Len() - 1
				}
				if l.Remove(at, 1) != nil {
					panic("remove")
				}
				l.Settle()
				r, _ := l.Raw()
				raw = append(raw[:0], r...)
			}
		}))
	}
}
