package keyspace

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/value"
)

// grown returns a model's string with at least n bytes.
func (e modelEntry) grown(n int) []byte {
	b := make([]byte, max(n, len(e.v)))
	copy(b, e.v)
	return b
}

func (w *world) setBit(db int, key string, at int64, on bool) {
	e, _ := w.look(db, key)
	t := w.target(db, key)
	was, err := t.DB.SetBit(t.Hash, t.Key, at, on)
	if at>>3 >= maxValue {
		require.ErrorIs(w.t, err, errs.TooLong)
		w.agree(db, key)
		return
	}
	require.NoError(w.t, err)
	b := e.grown(int(at>>3) + 1)
	mask := byte(0x80) >> (at & 7)
	require.Equal(w.t, b[at>>3]&mask != 0, was)
	b[at>>3] &^= mask
	if on {
		b[at>>3] |= mask
	}
	w.dbs[db][key] = modelEntry{string(b), e.at, true}
	w.agree(db, key)
}

func (w *world) fields(db int, key string, ops []FieldOp) {
	e, ok := w.look(db, key)
	n, writes := len(e.v), false
	for _, op := range ops {
		if op.Verb != FieldGet {
			n, writes = max(n, int(op.End())), true
		}
	}
	b := e.grown(n)
	type result struct {
		n  int64
		ok bool
	}
	var want, got []result
	for _, op := range ops {
		old := op.Get(b)
		r := result{old, true}
		after := old
		switch op.Verb {
		case FieldSet:
			after, r.ok = op.Fit(op.N, op.Overflow)
		case FieldIncr:
			after, r.ok = op.Sum(old, op.N, op.Overflow)
			r.n = after
		}
		if r.ok && op.Verb != FieldGet {
			op.Put(b, after)
		}
		want = append(want, r)
	}
	if writes {
		w.dbs[db][key] = modelEntry{string(b), e.at, true}
	} else if ok {
		w.dbs[db][key] = e
	}
	t := w.target(db, key)
	require.NoError(w.t, t.DB.Fields(t.Hash, t.Key, ops, func(n int64, ok bool) { got = append(got, result{n, ok}) }))
	require.Equal(w.t, len(want), len(got))
	for i := range want {
		require.Equal(w.t, want[i].ok, got[i].ok)
		if want[i].ok {
			require.Equal(w.t, want[i].n, got[i].n)
		}
	}
	w.agree(db, key)
}

func (w *world) combine(db int, op value.BitOp, to string, from ...string) {
	var sources [][]byte
	var targets []Target
	n := 0
	for _, key := range from {
		e, _ := w.look(db, key)
		sources = append(sources, []byte(e.v))
		targets = append(targets, w.target(db, key))
		n = max(n, len(e.v))
	}
	want := make([]byte, n)
	value.CombineBits(want, op, sources)
	length, err := CombineBits(w.target(db, to), op, targets)
	require.NoError(w.t, err)
	require.Equal(w.t, n, length)
	w.remove(db, to)
	if n > 0 {
		w.dbs[db][to] = modelEntry{string(want), 0, true}
	}
	for _, key := range append(from, to) {
		w.agree(db, key)
	}
}

func (p *program) field() FieldOp {
	op := FieldOp{Verb: FieldVerb(p.byte() % 3), Overflow: value.Overflow(p.byte() % 3)}
	op.Signed = p.byte()&1 != 0
	op.Width = uint8(1 + p.byte()%63)
	op.Offset = int64(p.byte() << (p.byte() % 4))
	op.N = int64(int8(p.byte())) << (p.byte() % 64)
	return op
}

func (w *world) bitStep(p *program) {
	w.steps++
	switch db := p.db(); p.byte() % 12 {
	case 0, 1, 2, 3:
		w.setBit(db, p.key(), int64(p.byte()<<(p.byte()%9)), p.byte()&1 != 0)
	case 4:
		w.setBit(db, p.key(), math.MaxInt64-int64(p.byte()), true)
	case 5, 6:
		ops := make([]FieldOp, p.byte()%5)
		for i := range ops {
			ops[i] = p.field()
		}
		w.fields(db, p.key(), ops)
	case 7:
		from := []string{p.key()}
		op := value.BitOp(p.byte() % 4)
		if op != value.BitNot {
			for range p.byte() % 4 {
				from = append(from, p.key())
			}
		}
		w.combine(db, op, p.key(), from...)
	default:
		w.step(p)
	}
}

// FuzzBitmaps runs operations on bits among others, and holds snapshots to what was there.
func FuzzBitmaps(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(randomProgram(seed+50, 300))
	}
	f.Fuzz(func(t *testing.T, b []byte) { runBits(newWorld(t), b[:min(len(b), 250)]) })
}

func runBits(w *world, b []byte) {
	p := &program{b}
	for len(p.b) > 0 {
		w.bitStep(p)
		if w.steps%256 == 0 {
			w.check()
			for _, v := range w.views {
				w.checkView(v)
			}
		}
	}
	w.end()
}

func TestBitmapsInWorld(t *testing.T) {
	for seed := range uint64(3) {
		runBits(newWorld(t), randomProgram(seed+2000, 8000))
	}
}

func TestBitEvents(t *testing.T) {
	w := newWorld(t)
	rec := &recorder{}
	for _, s := range w.shards {
		s.Observer = rec
	}
	step := func(what string, fn func(), want ...string) {
		t.Helper()
		rec.events = nil
		fn()
		require.Equal(t, want, rec.events, what)
	}
	u8 := value.BitField{Width: 8}
	step("a new key", func() { w.setBit(0, "k", 0, false) }, "0 setbit k")
	step("no change", func() { w.setBit(0, "k", 1, false) })
	step("a change", func() { w.setBit(0, "k", 1, true) }, "0 setbit k")
	step("growth", func() { w.setBit(0, "k", 9, false) }, "0 setbit k")
	step("read", func() { w.fields(0, "k", []FieldOp{{BitField: u8}}) })
	step("written", func() { w.fields(0, "k", []FieldOp{{BitField: u8, Verb: FieldSet, N: 7}}) }, "0 setbit k")
	step("the same written", func() { w.fields(0, "k", []FieldOp{{BitField: u8, Verb: FieldSet, N: 7}}) })
	step("several", func() {
		w.fields(0, "k", []FieldOp{{BitField: u8, Verb: FieldIncr, N: 7}, {BitField: u8, Verb: FieldIncr, N: 7}})
	}, "0 setbit k")
	step("refused", func() {
		w.fields(0, "k", []FieldOp{{BitField: u8, Verb: FieldIncr, N: 1000, Overflow: value.OverflowFail}})
	})
	step("combined", func() { w.combine(0, value.BitOr, "to", "k", "none") }, "0 set to")
	step("combined to nothing", func() { w.combine(0, value.BitOr, "to", "none") }, "0 del to")
	step("nothing of nothing", func() { w.combine(0, value.BitOr, "to", "none") })
	w.set(0, "n", "12", SetOptions{})
	step("a number", func() { w.setBit(0, "n", 0, false) })
	require.Equal(t, "raw", w.target(0, "n").DB.Look(w.hash([]byte("n")), []byte("n")).Encoding())
}

// TestSetBitInPlace shows that a private string is not copied: its bytes stay where they are.
func TestSetBitInPlace(t *testing.T) {
	w := newWorld(t)
	w.setBit(0, "k", 8<<20-1, true)
	at := func() *byte {
		x := w.target(0, "k")
		return &x.DB.Look(x.Hash, x.Key).Value()[0]
	}
	before := at()
	for i := range int64(100) {
		w.setBit(0, "k", i*1000, true)
	}
	require.Same(t, before, at())
	w.freeze()
	w.setBit(0, "k", 5, true)
	require.NotSame(t, before, at())
	before = at()
	w.setBit(0, "k", 6, true)
	require.Same(t, before, at())
	w.checkView(w.views[0])
	w.end()
}
