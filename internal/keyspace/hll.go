package keyspace

import (
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/value"
)

// The operations on HyperLogLogs, which are strings of a form that package value knows. A dense one is edited in its
// cell. A sparse one, which is short and changes its length with every new register, is worked on in the shard's scratch
// and then stored.

// AsHLL returns the bytes of a HyperLogLog, none for an absent key. They are the shard's own: they are good until the DB
// changes. Another kind of value is errs.WrongType, another string errs.NotHLL.
func (it Item) AsHLL() (value.HLL, error) {
	v, err := it.AsString()
	if err != nil || !it.Found() {
		return nil, err
	}
	if h := value.HLL(v); h.Valid() {
		return h, nil
	}
	return nil, errs.NotHLL
}

// HLLAdd adds elements to a HyperLogLog, which is made if the key is absent, and says whether that changed it. The time
// of expiry stays. One that is found to be broken is errs.CorruptHLL. On an error nothing has changed.
func (db *DB) HLLAdd(h uint64, key []byte, elements [][]byte) (changed bool, err error) {
	it := db.Look(h, key)
	v, err := it.AsHLL()
	if err != nil {
		return false, err
	}
	if it.Found() && v.Dense() {
		return db.denseAdd(h, key, it, v, elements)
	}
	heap := db.Heap()
	most := heap.Limits.HLLSparse.Load()
	work := value.HLL(heap.Scratch[:0])
	if it.Found() {
		work = append(work, v...)
	} else {
		work = value.AppendHLL(work)
		work.Outdate()
		changed = true
	}
	for _, e := range elements {
		index, to := value.HLLRegister(e)
		var did, sound bool
		if work, did, sound = work.Raise(index, to, most); !sound {
			return false, errs.CorruptHLL
		}
		changed = changed || did
	}
	heap.Scratch = work
	if changed {
		work.Outdate()
		err = db.overwriteHLL(h, key, it, work)
	}
	return changed && err == nil, err
}

// denseAdd adds to a dense one in its cell.
func (db *DB) denseAdd(h uint64, key []byte, it Item, v value.HLL, elements [][]byte) (changed bool, err error) {
	for _, e := range elements {
		index, to := value.HLLRegister(e)
		if !v.DenseBelow(index, to) {
			continue
		}
		if !changed { // from here on the bytes must be the key's own
			b, err := db.stretch(h, key, it, len(v))
			if err != nil {
				return false, err
			}
			v, changed = b, true
		}
		v.DenseRaise(index, to)
	}
	if changed {
		v.Outdate()
		db.touch(key, EventPFAdd)
	}
	return changed, nil
}

// overwriteHLL gives a key another HyperLogLog and leaves its time of expiry.
func (db *DB) overwriteHLL(h uint64, key []byte, it Item, v value.HLL) error {
	var at int64
	if it.Found() {
		at = it.ExpireAt()
	}
	b, err := db.Store(h, key, it, len(v), Value{Kind: String, Mark: true, ExpireAt: at}, EventPFAdd)
	if err == nil {
		copy(b, v)
	}
	return err
}

// HLLCount estimates how many different elements were added to a HyperLogLog, 0 for an absent key. The count is kept in
// it until it changes; that is no change that anyone is told of.
func (db *DB) HLLCount(h uint64, key []byte) (n uint64, err error) {
	it := db.Find(h, key)
	v, err := it.AsHLL()
	if err != nil || !it.Found() {
		return 0, err
	}
	if n, ok := v.Cached(); ok {
		return n, nil
	}
	n, sound := v.Count()
	if !sound {
		return 0, errs.CorruptHLL
	}
	// Without memory for the copy of a frozen one it is counted again the next time.
	if b, err := db.stretch(h, key, it, len(v)); err == nil {
		value.HLL(b).Cache(n)
	}
	return n, nil
}

// HLLUnion estimates how many different elements were added to several HyperLogLogs in all. Absent keys are empty ones.
func HLLUnion(keys []Target) (uint64, error) {
	var all value.HLLRegisters
	if _, err := mergeHLLs(&all, keys); err != nil {
		return 0, err
	}
	return all.Count(), nil
}

// mergeHLLs raises registers to those of several HyperLogLogs, and says whether any is dense.
func mergeHLLs(into *value.HLLRegisters, keys []Target) (dense bool, err error) {
	for _, t := range keys {
		it := t.DB.Find(t.Hash, t.Key)
		v, err := it.AsHLL()
		if err != nil {
			return false, err
		}
		if !it.Found() {
			continue
		}
		dense = dense || v.Dense()
		if !v.Merge(into) {
			return false, errs.CorruptHLL
		}
	}
	return dense, nil
}

// HLLMerge adds to a HyperLogLog, which is made if the key is absent, what was added to others. It becomes dense if any of
// them is. The time of expiry stays. On an error nothing has changed.
func HLLMerge(to Target, from []Target) error {
	var all value.HLLRegisters
	denseTo, err := mergeHLLs(&all, []Target{to})
	if err != nil {
		return err
	}
	dense, err := mergeHLLs(&all, from)
	if err != nil {
		return err
	}
	it := to.DB.Look(to.Hash, to.Key)
	v, err := it.AsHLL()
	if err != nil {
		return err
	}
	heap := to.DB.Heap()
	work := value.HLL(heap.Scratch[:0])
	if it.Found() {
		work = append(work, v...)
	} else {
		work = value.AppendHLL(work)
	}
	sound := true
	if dense && !denseTo {
		work, sound = work.ToDense(nil)
	}
	if sound {
		work, sound = work.RaiseAll(&all, heap.Limits.HLLSparse.Load())
	}
	if !sound {
		return errs.CorruptHLL
	}
	heap.Scratch = work
	work.Outdate()
	return to.DB.overwriteHLL(to.Hash, to.Key, it, work)
}

// HLLToDense makes a sparse HyperLogLog dense and says whether it was sparse. Nobody is told of it, since what it counts
// is the same.
func (db *DB) HLLToDense(h uint64, key []byte) (changed bool, err error) {
	it := db.Look(h, key)
	v, err := it.AsHLL()
	if err != nil || !it.Found() || v.Dense() {
		return false, err
	}
	d, sound := v.ToDense(nil)
	if !sound {
		return false, errs.CorruptHLL
	}
	b, err := db.stretch(h, key, it, len(d))
	if err == nil {
		copy(b, d)
	}
	return err == nil, err
}
