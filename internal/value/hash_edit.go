package value

import (
	"encoding/binary"
	"hash/maphash"
	"math"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/packed"
)

// KeepTime in place of a time of expiry leaves the one that the field has.
const KeepTime = -1

// HashEdit changes a hash. A packed one is changed in a copy in the heap's scratch; of a large one the nodes are
// changed. Raw gives what is to be stored then, whatever the changes returned. An error of a change is
// slab.ErrNoMemory, and the field is as it was.
type HashEdit struct {
	Hash
	heap  *Heap
	least int    // of one that was large: the length of its raw bytes, kept so that to store them takes no memory
	raw   []byte // of a packed one: its raw bytes in the scratch, the head not yet up to date; b is a part of it
	moved bool   // whether times of a packed one have changed
	stay  bool   // whether the form is timed without any time
	nodes bool   // whether nodes may have changed
}

// Moved says whether nodes of a large hash may have changed, be it only by the removal of a field that was hidden: then
// its raw bytes must be stored, whatever the operation has done.
func (e *HashEdit) Moved() bool { return e.nodes }

// EditHash returns what changes a hash, given its raw bytes; without any it is empty. now is the Unix time in
// milliseconds.
func EditHash(heap *Heap, now int64, raw []byte) (e HashEdit) {
	e.Edit(heap, now, raw)
	return e
}

// Edit makes a zero HashEdit what EditHash returns.
func (e *HashEdit) Edit(heap *Heap, now int64, raw []byte) {
	e.heap = heap
	e.Open(View{Mem: heap.Mem, Seed: heap.Seed, Now: now}, raw)
	if len(raw) == 0 {
		e.form = hashPacked
	}
	if e.large() {
		e.least = len(raw)
	}
}

// head returns how many bytes stand in front of the fields of a packed hash.
func (e *HashEdit) head() int {
	if e.timed() {
		return 1 + earliestSize + countSize
	}
	return 1 + countSize
}

// take makes the scratch copy of a packed hash, if there is none yet.
func (e *HashEdit) take() {
	if e.raw != nil {
		return
	}
	n := e.head()
	e.raw = append(e.heap.Scratch[:0], make([]byte, earliestSize+1+countSize)[:n]...)
	e.raw = append(e.raw, e.b...)
	e.keep(n)
}

// keep notes that the scratch may have grown; n bytes of it are the head.
func (e *HashEdit) keep(n int) {
	e.heap.Scratch = e.raw
	e.b = e.raw[n:]
}

// splice puts other bytes in the place of those from one position of the packed fields to another.
func (e *HashEdit) splice(from, to int, with []byte) {
	e.take()
	n := e.head()
	e.raw = packed.Splice(e.raw, n+from, n+to, with)
	e.keep(n)
}

// Fits prepares for pairs of fields and values that are to be set: if the hash can't stay packed with them, as far as
// can be told by their lengths and number, it becomes large at once.
func (e *HashEdit) Fits(pairs [][]byte) error {
	if e.large() {
		return nil
	}
	if int64(len(pairs)/2) > e.heap.Limits.HashEntries.Load() {
		return e.grow()
	}
	for _, s := range pairs {
		if !e.short(s) {
			return e.grow()
		}
	}
	return nil
}

func (e *HashEdit) short(s []byte) bool { return int64(len(s)) <= e.heap.Limits.HashValue.Load() }

// Set gives a field a value and a time of expiry, 0 for none, and says whether it was there before.
func (e *HashEdit) Set(field, value []byte, at int64) (existed bool, err error) {
	if !e.large() && (!e.short(field) || !e.short(value)) {
		if err := e.grow(); err != nil {
			return false, err
		}
	}
	if e.large() {
		return e.setLarge(field, value, at)
	}
	if at > 0 {
		e.addTimes()
	}
	_, from, found := packed.NewPattern(field).Find(e.b, e.stride())
	if !found {
		if int64(e.count) >= e.heap.Limits.HashEntries.Load() || len(e.b)+len(field)+len(value) > maxPackedHash {
			if err := e.grow(); err != nil {
				return false, err
			}
			return e.setLarge(field, value, at)
		}
		e.take()
		e.raw = packed.AppendValue(packed.AppendValue(e.raw, field), value)
		if e.timed() {
			e.raw = packed.AppendInt(e.raw, max(at, 0))
			e.moved = e.moved || at > 0
		}
		e.keep(e.head())
		e.count++
		return false, nil
	}
	_, _, old, size := e.decode(e.b[from:])
	to := from + size
	from += packed.Skip(e.b[from:])
	existed = !e.hidden(old)
	if at == KeepTime {
		at = 0
		if existed {
			at = old
		}
	}
	var tmp [128]byte
	with := packed.AppendValue(tmp[:0], value)
	if e.timed() {
		with = packed.AppendInt(with, at)
		e.moved = e.moved || at != old
	}
	e.splice(from, to, with)
	return existed, nil
}

// Delete removes a field and says whether it was there.
func (e *HashEdit) Delete(field []byte) (bool, error) {
	if e.large() {
		return e.deleteLarge(field)
	}
	_, from, found := packed.NewPattern(field).Find(e.b, e.stride())
	if !found {
		return false, nil
	}
	_, _, at, size := e.decode(e.b[from:])
	e.splice(from, from+size, nil)
	e.count--
	e.moved = e.moved || at != 0
	return !e.hidden(at), nil
}

// SetTime gives a field another time of expiry, 0 for none, and says whether it is there.
func (e *HashEdit) SetTime(field []byte, at int64) (bool, error) {
	if e.large() {
		old, ok := e.m.Get(e.v.Mem, maphash.Bytes(e.v.Seed, field), field)
		if !ok || e.hidden(old.At) {
			return false, nil
		}
		return e.setLarge(field, old.Value, at)
	}
	p := packed.NewPattern(field)
	_, from, found := p.Find(e.b, e.stride())
	if !found || !e.timed() && at == 0 {
		return found, nil
	}
	if !e.timed() {
		e.addTimes()
		_, from, _ = p.Find(e.b, e.stride())
	}
	_, _, old, size := e.decode(e.b[from:])
	if e.hidden(old) {
		return false, nil
	}
	var was, with [16]byte
	n := len(packed.AppendInt(was[:0], old))
	e.splice(from+size-n, from+size, packed.AppendInt(with[:0], at))
	e.moved = true
	return true, nil
}

// addTimes gives all fields of a packed hash a place for a time.
func (e *HashEdit) addTimes() {
	if e.timed() {
		return
	}
	raw := make([]byte, 1+earliestSize+countSize, 1+earliestSize+countSize+len(e.b)+e.count+64)
	for b := e.b; len(b) > 0; {
		n := packed.Offset(b, 2)
		raw = packed.AppendInt(append(raw, b[:n]...), 0)
		b = b[n:]
	}
	e.form, e.raw, e.moved = hashTimedPacked, raw, true
	e.keep(e.head())
}

// dropTimes takes these places away again.
func (e *HashEdit) dropTimes() {
	e.take()
	to := 1 + countSize
	for b := e.b; len(b) > 0; {
		n := packed.Offset(b, 2)
		to += copy(e.raw[to:], b[:n])
		b = b[n+packed.Skip(b[n:]):]
	}
	e.form, e.raw = hashPacked, e.raw[:to]
	e.keep(e.head())
}

// grow makes a packed hash large. On an error it stays what it was.
func (e *HashEdit) grow() error {
	large := HashEdit{Hash: Hash{v: e.v, form: hashLarge, index: btree.Tree{Shape: &fieldIndex}}, heap: e.heap}
	var buf [DigitsSize]byte
	for b := e.b; len(b) > 0; {
		f, v, at, n := e.decode(b)
		b = b[n:]
		if _, err := large.setLarge(text(f, buf[:0:20]), text(v, buf[20:20]), at); err != nil {
			large.m.Free(e.heap.Slab)
			large.index.Free(e.heap.Slab)
			return err
		}
	}
	*e = large
	return nil
}

// setLarge is Set in a large hash. The index may have a field too many, if memory runs out, but never one too few.
func (e *HashEdit) setLarge(field, value []byte, at int64) (existed bool, err error) {
	e.nodes = true
	s, h := e.heap.Slab, maphash.Bytes(e.v.Seed, field)
	if !e.timed() && at <= 0 {
		return e.m.Put(s, e.v.Seed, h, field, value, 0)
	}
	old, found := e.m.Get(e.v.Mem, h, field)
	existed = found && !e.hidden(old.At)
	if at == KeepTime {
		at = 0
		if existed {
			at = old.At
		}
	}
	if at != 0 && at != old.At {
		e.form = hashTimedLarge
		if err := e.enter(field, at); err != nil {
			return existed, err
		}
	}
	if _, err := e.m.Put(s, e.v.Seed, h, field, value, at); err != nil {
		if at != old.At {
			e.leave(field, at)
		}
		return existed, err
	}
	if at != old.At {
		e.leave(field, old.At)
	}
	return existed, nil
}

// deleteLarge is Delete in a large hash.
func (e *HashEdit) deleteLarge(field []byte) (bool, error) {
	h := maphash.Bytes(e.v.Seed, field)
	at := int64(0)
	if e.timed() {
		old, _ := e.m.Get(e.v.Mem, h, field)
		at = old.At
	}
	found, err := e.m.Delete(e.heap.Slab, h, field)
	if !found || err != nil {
		return false, err
	}
	e.nodes = true
	e.leave(field, at)
	return !e.hidden(at), nil
}

// indexKey appends what the index has of a field.
func indexKey(dst, field []byte, at int64) []byte { return append(timeKey(dst, at), field...) }

// enter enters a field in the index.
func (e *HashEdit) enter(field []byte, at int64) error {
	var tmp [128]byte
	if e.index.Shape == nil {
		e.index.Shape = &fieldIndex
	}
	_, _, err := e.index.Insert(e.heap.Slab, indexKey(tmp[:0], field, at))
	return err
}

// leave takes a field out of the index, if it has a time. Without memory it stays there: an entry whose field has
// another time is dropped when that comes.
func (e *HashEdit) leave(field []byte, at int64) {
	if at == 0 {
		return
	}
	var tmp [128]byte
	_, _, _ = e.index.Delete(e.heap.Slab, indexKey(tmp[:0], field, at))
}

// Expire removes fields whose time has come, at most n, and returns how many.
func (e *HashEdit) Expire(n int) (removed int, err error) {
	if !e.someHidden() {
		return 0, nil
	}
	if !e.large() {
		return e.expirePacked(n), nil
	}
	e.nodes = true
	for ; n > 0; n-- {
		first, ok := e.index.At(e.v.Mem, 0)
		if !ok {
			break
		}
		key := btree.Bytes(e.v.Mem, first)
		at := int64(binary.BigEndian.Uint64(key))
		if !e.hidden(at) {
			break
		}
		field := key[8:]
		h := maphash.Bytes(e.v.Seed, field)
		if f, ok := e.m.Get(e.v.Mem, h, field); ok && f.At == at {
			if _, err := e.m.Delete(e.heap.Slab, h, field); err != nil {
				return removed, err
			}
			removed++
		}
		if err := e.index.DeleteRange(e.heap.Slab, 0, 1); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (e *HashEdit) expirePacked(n int) (removed int) {
	e.take()
	to := e.head()
	for b := e.b; len(b) > 0; {
		_, _, at, size := e.decode(b)
		if e.hidden(at) && removed < n {
			removed++
		} else {
			to += copy(e.raw[to:], b[:size])
		}
		b = b[size:]
	}
	e.raw = e.raw[:to]
	e.keep(e.head())
	e.count -= removed
	e.moved = true
	return removed
}

// Raw returns the raw bytes of the hash as it is now, whether they lead to nodes, and the kind. Without fields there
// are no bytes. They are good until the next operation on the shard. Nothing can be changed afterwards.
func (e *HashEdit) Raw() (raw []byte, large bool, k Kind) {
	e.settle()
	k = KindHash
	if e.timed() {
		k = KindHashTTL
	}
	if e.all() == 0 {
		e.index.Free(e.heap.Slab)
		return nil, false, k
	}
	if !e.large() {
		e.take()
		raw = e.raw
	} else {
		raw = append(e.heap.Scratch[:0], 0)
		if e.timed() {
			raw = append(raw, make([]byte, earliestSize)...)
		}
		raw = e.m.AppendTo(raw)
		if e.timed() {
			raw = e.index.AppendTo(raw)
		}
		if n := e.least - len(raw); n > 0 {
			raw = append(raw, make([]byte, n)...)
		}
		e.heap.Scratch = raw
	}
	raw[0] = e.form
	at := 1
	if e.timed() {
		binary.LittleEndian.PutUint64(raw[at:], uint64(e.earliest))
		at += earliestSize
	}
	if !e.large() {
		binary.LittleEndian.PutUint16(raw[at:], uint16(min(e.count, manyFields)))
	}
	return raw, e.large(), k
}

// settle finds out when the first field expires; a hash without any that does is plain.
func (e *HashEdit) settle() {
	switch {
	case e.form == hashTimedLarge:
		first, ok := e.index.At(e.v.Mem, 0)
		if !ok {
			e.never()
			return
		}
		e.earliest = int64(binary.BigEndian.Uint64(btree.Bytes(e.v.Mem, first)))
	case e.form == hashTimedPacked && e.moved:
		e.earliest = math.MaxInt64
		for b := e.b; len(b) > 0; {
			_, _, at, n := e.decode(b)
			if b = b[n:]; at != 0 {
				e.earliest = min(e.earliest, at)
			}
		}
		if e.earliest == math.MaxInt64 {
			e.never()
		}
	}
}

// never makes a hash plain that has no field which expires.
func (e *HashEdit) never() {
	switch {
	case e.stay:
		e.earliest = math.MaxInt64
	case e.large():
		e.form = hashLarge
	default:
		e.dropTimes()
	}
}

// stayTimed gives a hash a timed form though no field may expire.
func (e *HashEdit) stayTimed() {
	e.stay, e.moved = true, true
	if e.large() {
		e.form, e.index.Shape = hashTimedLarge, &fieldIndex
	} else {
		e.addTimes()
	}
}
