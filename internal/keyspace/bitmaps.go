package keyspace

import (
	"slices"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// The operations on the bits of strings. Package value has what they do to bytes. A string is edited in its cell, which
// is copied only if it must grow or if a version sees it. Offsets are not negative.

// SetBit changes one bit of a string, which grows with zeros as needed, and returns what it was. The time of expiry stays.
// A string that would be longer than any can be is errs.TooLong.
func (db *DB) SetBit(h uint64, key []byte, at int64, on bool) (was bool, err error) {
	it := db.Look(h, key)
	v, err := it.AsString()
	if err != nil {
		return false, err
	}
	if at>>3 >= maxValue {
		return false, errs.TooLong
	}
	n := max(int(at>>3)+1, len(v))
	was = value.GetBit(v, at)
	same := was == on && n == len(v)
	if same && it.Mark() {
		return was, nil
	}
	b, err := db.stretch(h, key, it, n)
	if err != nil {
		return false, err
	}
	if !same {
		value.PutBit(b, at, on)
		db.touch(key, EventSetBit)
	}
	return was, nil
}

// stretch returns the bytes of a string of a length that is not less than its own, for the caller to edit and announce;
// those that it hadn't are zero.
func (db *DB) stretch(h uint64, key []byte, it Item, n int) (b []byte, err error) {
	old := 0
	if it.Found() {
		old = len(it.Value())
		c := table.Cell{Kind: uint8(String), Mark: true, Access: db.shard.Clock.access(), Expiry: it.ExpireAt()}
		b, _, err = db.replace(it, n, c, edit)
	} else {
		b, err = db.put(h, key, it, n, Value{Kind: String, Mark: true})
	}
	if err != nil {
		return nil, err
	}
	clear(b[old:])
	return b, nil
}

// FieldVerb is what a FieldOp does.
type FieldVerb uint8

const (
	FieldGet  FieldVerb = iota
	FieldSet            // gives the field N
	FieldIncr           // adds N to it
)

// FieldOp is one operation on an integer among the bits of a string.
type FieldOp struct {
	value.BitField
	Verb     FieldVerb
	N        int64
	Overflow value.Overflow
}

// Fields runs operations on the bits of one string, one after the other, and passes the result of each to answer: the
// number that FieldGet found, that FieldSet replaced or that FieldIncr left, and whether there is one, which
// OverflowFail may forbid. If any is to change something the string grows to have all their fields, with zeros. The time
// of expiry stays. On an error answer isn't called and nothing has changed.
func (db *DB) Fields(h uint64, key []byte, ops []FieldOp, answer func(n int64, ok bool)) error {
	end := int64(-1) // of the fields to be changed
	for _, op := range ops {
		if op.Verb != FieldGet {
			end = max(end, op.End())
		}
	}
	if end < 0 {
		v, err := db.Find(h, key).AsString()
		if err != nil {
			return err
		}
		for _, op := range ops {
			answer(op.Get(v), true)
		}
		return nil
	}
	it := db.Look(h, key)
	v, err := it.AsString()
	if err != nil {
		return err
	}
	if end > maxValue {
		return errs.TooLong
	}
	n := max(int(end), len(v))
	changed := n > len(v)
	b, err := db.stretch(h, key, it, n)
	if err != nil {
		return err
	}
	for _, op := range ops {
		before := op.Get(b)
		after, ok := before, true
		switch op.Verb {
		case FieldSet:
			after, ok = op.Fit(op.N, op.Overflow)
		case FieldIncr:
			after, ok = op.Sum(before, op.N, op.Overflow)
		}
		if ok && after != before {
			op.Put(b, after)
			changed = true
		}
		if op.Verb == FieldIncr {
			before = after
		}
		answer(before, ok)
	}
	if changed {
		db.touch(key, EventSetBit)
	}
	return nil
}

// CombineBits gives a key the combination of strings bit by bit, without a time of expiry, and returns its length, that
// of the longest. An absent key is an empty string; an empty result removes the key. On an error nothing has changed.
func CombineBits(to Target, op value.BitOp, from []Target) (int, error) {
	var few [8][]byte
	sources := few[:0]
	n := 0
	for _, t := range from {
		v, err := t.DB.Find(t.Hash, t.Key).AsString()
		if err != nil {
			return 0, err
		}
		sources = append(sources, v)
		n = max(n, len(v))
	}
	it := to.DB.Look(to.Hash, to.Key)
	if n == 0 {
		if !it.Found() {
			return 0, nil
		}
		return 0, to.DB.Delete(it, EventDel)
	}
	// A source that is overwritten gives up its bytes before they are read.
	var apart []byte
	if slices.ContainsFunc(from, to.same) {
		apart = make([]byte, n)
		value.CombineBits(apart, op, sources)
	}
	b, err := to.DB.Store(to.Hash, to.Key, it, n, Value{Kind: String, Mark: true}, EventSet)
	if err != nil {
		return 0, err
	}
	if apart != nil {
		copy(b, apart)
	} else {
		value.CombineBits(b, op, sources)
	}
	return n, nil
}
