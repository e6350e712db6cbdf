package table

import (
	"encoding/binary"
	"errors"

	"github.com/darterdb/darter/internal/slab"
)

// A cell holds one key and its value:
//
//	| birth u32 | expiry i64, if the slot says so | length of key, varint | key | length of value, varint | value |
//
// The key comes early so that a lookup that fails on it touches one line; the value's length follows it, so that a
// value can grow within its cell without the key moving.
const (
	cellStart  = 4
	expirySize = 8
)

var errSkewed = errors.New("table: too many keys with one hash")

func uvarintLen(n int) int {
	l := 1
	for ; n >= 0x80; n >>= 7 {
		l++
	}
	return l
}

func keyStart(w Slot) int {
	if w&expiryBit != 0 {
		return cellStart + expirySize
	}
	return cellStart
}

// holds says whether the slot's cell is that of key.
func (v *View) holds(w Slot, key []byte) bool {
	at := keyStart(w)
	b := v.mem.From(w.Ref())
	n := int(b[at])
	if at++; n >= 0x80 {
		long, size := binary.Uvarint(b[at-1:])
		n, at = int(long), at-1+size
	}
	return n == len(key) && string(b[at:at+n]) == string(key)
}

// Key returns the key of a slot's cell. The bytes are the cell's own.
func (v *View) Key(w Slot) []byte {
	key, _ := v.keyAndRest(w)
	return key
}

// Value returns the value of a slot's cell. The bytes are the cell's own.
func (v *View) Value(w Slot) []byte {
	b := v.mem.From(w.Ref())
	at := keyStart(w)
	n := int(b[at])
	if at++; n >= 0x80 {
		long, size := binary.Uvarint(b[at-1:])
		n, at = int(long), at-1+size
	}
	at += n
	n = int(b[at])
	if at++; n >= 0x80 {
		long, size := binary.Uvarint(b[at-1:])
		n, at = int(long), at-1+size
	}
	return b[at : at+n : at+n]
}

// keyAndRest returns the key and where the value's length stands.
func (v *View) keyAndRest(w Slot) (key []byte, at int) {
	b := v.mem.From(w.Ref())
	at = keyStart(w)
	n := int(b[at])
	if at++; n >= 0x80 {
		long, size := binary.Uvarint(b[at-1:])
		n, at = int(long), at-1+size
	}
	end := at + n
	return b[at:end:end], end
}

// Expiry returns the time of expiry of a slot's cell, 0 if it has none.
func (v *View) Expiry(w Slot) int64 {
	if !w.Expires() {
		return 0
	}
	return int64(le64(v.mem.At(w.Ref()+cellStart, expirySize)))
}

// CellBytes returns how many bytes a slot's cell takes in the slab.
func (v *View) CellBytes(w Slot) int {
	_, at := v.keyAndRest(w)
	n, size := binary.Uvarint(v.mem.From(w.Ref())[at:])
	return slab.CellSize(at + size + int(n))
}

func cellLen(key []byte, value int, expires bool) int {
	n := cellStart + uvarintLen(len(key)) + len(key) + uvarintLen(value) + value
	if expires {
		n += expirySize
	}
	return n
}

// Cell is what a new slot should lead to.
type Cell struct {
	Kind   uint8
	Mark   bool
	Access uint32
	Expiry int64 // 0 for none
}

// NewCell writes a cell with room for a value of n bytes and returns its slot and the value's bytes, which are undefined.
// The caller Inserts the slot, or Sets it in the place of another.
func (t *Table) NewCell(key []byte, n int, c Cell) (Slot, []byte, error) {
	size := cellLen(key, n, c.Expiry != 0)
	ref, err := t.s.Alloc(slab.Entry, size)
	if err != nil {
		return 0, nil, err
	}
	b := t.mem.At(ref, size)
	at := cellStart
	if c.Expiry != 0 {
		put64(b[at:], uint64(c.Expiry))
		at += expirySize
	}
	at += binary.PutUvarint(b[at:], uint64(len(key)))
	at += copy(b[at:], key)
	at += binary.PutUvarint(b[at:], uint64(n))
	return makeSlot(ref, c.Kind, c.Expiry != 0, c.Mark, c.Access), b[at:], nil
}

// Private says that no version sees the slot's cell, so that it may be changed in place.
func (t *Table) Private(w Slot) bool { return !t.s.Frozen(w.Ref()) }

// Resize changes the length of a private cell's value in place, if its cell has room, and returns the value's bytes:
// those up to the shorter length are as they were, the rest is undefined.
func (t *Table) Resize(w Slot, n int) ([]byte, bool) {
	_, at := t.keyAndRest(w)
	old, size := binary.Uvarint(t.mem.From(w.Ref())[at:])
	if slab.CellSize(at+size+int(old)) != slab.CellSize(at+uvarintLen(n)+n) {
		return nil, false
	}
	return t.setLength(w, n), true
}

// Shrink is Resize for a shorter value, whatever that leaves free of the cell.
func (t *Table) Shrink(w Slot, n int) []byte { return t.setLength(w, n) }

// setLength changes the length of a value for which the cell has room.
func (t *Table) setLength(w Slot, n int) []byte {
	b := t.mem.From(w.Ref())
	_, at := t.keyAndRest(w)
	old, size := binary.Uvarint(b[at:])
	fresh := uvarintLen(n)
	if fresh != size {
		copy(b[at+fresh:at+fresh+n], b[at+size:at+size+min(int(old), n)])
	}
	binary.PutUvarint(b[at:], uint64(n))
	at += fresh
	return b[at : at+n : at+n]
}

// SetExpiry changes the time of expiry of a private cell that has one.
func (t *Table) SetExpiry(w Slot, at int64) {
	put64(t.mem.At(w.Ref()+cellStart, expirySize), uint64(at))
}

// FreeCell gives up a slot's cell.
func (t *Table) FreeCell(w Slot) { t.s.Free(w.Ref()) }

// Locate finds the slot that leads to a cell, among those of this table.
func (t *Table) Locate(ref slab.Ref) (h uint64, p Pos, w Slot, ok bool) {
	b := t.mem.At(ref, t.s.SizeOf(ref))
	// Whether the cell has a time of expiry stands in the slot that is looked for: try both.
	for _, at := range [...]int{cellStart, cellStart + expirySize} {
		if at >= len(b) {
			break
		}
		n, size := binary.Uvarint(b[at:])
		if size <= 0 || n > uint64(len(b)-at-size) {
			continue
		}
		h = t.Hash(b[at+size : at+size+int(n)])
		t.Candidates(h, func(q Pos, x Slot) bool {
			if ok = x.Ref() == ref && keyStart(x) == at; ok {
				p, w = q, x
			}
			return !ok
		})
		if ok {
			return h, p, w, true
		}
	}
	return 0, Pos{}, 0, false
}

// Move gives a slot's cell another place. Cell and segment must be private.
func (t *Table) Move(p Pos, w Slot) error {
	_, at := t.keyAndRest(w)
	n, size := binary.Uvarint(t.mem.From(w.Ref())[at:])
	total := at + size + int(n)
	ref, err := t.s.Alloc(slab.Entry, total)
	if err != nil {
		return err
	}
	copy(t.mem.At(ref, total)[4:], t.mem.At(w.Ref(), total)[4:])
	t.Set(p, w.WithRef(ref))
	t.s.Free(w.Ref())
	return nil
}
