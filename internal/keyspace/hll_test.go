package keyspace

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/value"
)

// modelHLL returns a copy of a model's HyperLogLog, an empty one for an absent key.
func modelHLL(e modelEntry, found bool) value.HLL {
	if !found {
		h := value.AppendHLL(nil)
		h.Outdate()
		return h
	}
	return value.HLL([]byte(e.v))
}

func (w *world) hllAdd(db int, key string, elements ...string) {
	e, found := w.look(db, key)
	var args [][]byte
	for _, x := range elements {
		args = append(args, []byte(x))
	}
	t := w.target(db, key)
	changed, err := t.DB.HLLAdd(t.Hash, t.Key, args)
	h := modelHLL(e, found)
	if !h.Valid() {
		require.ErrorIs(w.t, err, errs.NotHLL)
		w.agree(db, key)
		return
	}
	require.NoError(w.t, err)
	want := !found
	for _, x := range args {
		index, to := value.HLLRegister(x)
		var did, sound bool
		h, did, sound = h.Raise(index, to, value.HLLSparseMax)
		require.True(w.t, sound)
		want = want || did
	}
	require.Equal(w.t, want, changed)
	if want {
		h.Outdate()
		w.dbs[db][key] = modelEntry{string(h), e.at, true}
	}
	w.agree(db, key)
}

func (w *world) hllCount(db int, key string) {
	e, found := w.look(db, key)
	t := w.target(db, key)
	n, err := t.DB.HLLCount(t.Hash, t.Key)
	h := modelHLL(e, found)
	switch {
	case !h.Valid():
		require.ErrorIs(w.t, err, errs.NotHLL)
	case !found:
		require.NoError(w.t, err)
		require.Zero(w.t, n)
	default:
		require.NoError(w.t, err)
		if want, ok := h.Cached(); ok {
			require.Equal(w.t, want, n)
			break
		}
		want, _ := h.Count()
		require.Equal(w.t, want, n)
		h.Cache(n)
		w.dbs[db][key] = modelEntry{string(h), e.at, true}
	}
	w.agree(db, key)
}

func (w *world) hllMerge(db int, to string, from ...string) {
	e, found := w.look(db, to)
	h := modelHLL(e, found)
	valid := h.Valid()
	var all value.HLLRegisters
	dense := false
	var targets []Target
	for _, key := range from {
		targets = append(targets, w.target(db, key))
		source, there := w.look(db, key)
		s := modelHLL(source, there)
		if valid = valid && s.Valid(); valid {
			s.Merge(&all)
			dense = dense || s.Dense()
		}
	}
	err := HLLMerge(w.target(db, to), targets)
	if !valid {
		require.ErrorIs(w.t, err, errs.NotHLL)
		w.agree(db, to)
		return
	}
	require.NoError(w.t, err)
	if dense && !h.Dense() {
		h, _ = h.ToDense(nil)
	}
	for i, v := range all {
		if v > 0 {
			h, _, _ = h.Raise(i, v, value.HLLSparseMax)
		}
	}
	h.Outdate()
	w.dbs[db][to] = modelEntry{string(h), e.at, true}
	w.agree(db, to)
	n, err := HLLUnion(targets)
	require.NoError(w.t, err)
	require.Equal(w.t, all.Count(), n)
}

func (w *world) hllToDense(db int, key string) {
	e, found := w.look(db, key)
	t := w.target(db, key)
	changed, err := t.DB.HLLToDense(t.Hash, t.Key)
	h := modelHLL(e, found)
	if !h.Valid() {
		require.ErrorIs(w.t, err, errs.NotHLL)
		return
	}
	require.NoError(w.t, err)
	require.Equal(w.t, found && !h.Dense(), changed)
	if changed {
		h, _ = h.ToDense(nil)
		w.dbs[db][key] = modelEntry{string(h), e.at, true}
	}
	w.agree(db, key)
}

func (w *world) hllStep(p *program) {
	w.steps++
	key := func() string { return "h" + strconv.Itoa(p.byte()%6) }
	switch db := p.db(); p.byte() % 16 {
	case 0, 1, 2, 3, 4:
		var elements []string
		for range p.byte() % 12 {
			elements = append(elements, strconv.Itoa(p.byte()<<4|p.byte()&15))
		}
		w.hllAdd(db, key(), elements...)
	case 5:
		from := p.byte() << 8
		var elements []string
		for i := range p.byte() * 4 {
			elements = append(elements, strconv.Itoa(from+i))
		}
		w.hllAdd(db, key(), elements...)
	case 6, 7:
		w.hllCount(db, key())
	case 8:
		var from []string
		for range p.byte() % 4 {
			from = append(from, key())
		}
		w.hllMerge(db, key(), from...)
	case 9:
		if p.byte() < 60 {
			w.hllToDense(db, key())
		}
	case 10:
		if p.byte() < 100 {
			w.del(db, key())
		}
	case 11:
		if p.byte() < 60 {
			w.set(db, key(), "not one", SetOptions{})
		}
	case 12:
		if len(w.views) < 4 {
			w.freeze()
		}
	case 13:
		if n := len(w.views); n > 0 {
			w.thaw(p.byte() % n)
		}
	case 14:
		w.copyKey(db, key(), p.db(), key(), true)
	case 15:
		w.expire(db, key(), p.time(w.now), 0)
	}
}

// FuzzHLLs runs operations on HyperLogLogs, and holds snapshots to what was there.
func FuzzHLLs(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(randomProgram(seed+80, 200))
	}
	f.Fuzz(func(t *testing.T, b []byte) { runHLLs(newWorld(t), b[:min(len(b), 120)]) })
}

func runHLLs(w *world, b []byte) {
	p := &program{b}
	for len(p.b) > 0 {
		w.hllStep(p)
	}
	w.check()
	for _, v := range w.views {
		w.checkView(v)
	}
	w.end()
}

func TestHLLsInWorld(t *testing.T) {
	for seed := range uint64(4) {
		runHLLs(newWorld(t), randomProgram(seed+3000, 2500))
	}
}
