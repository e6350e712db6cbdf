package darter

import (
	"fmt"
	"math"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

// Bits is the handle of a string as a row of bits, numbered from 0 at the highest bit of the first byte on, as the bit
// commands of Redis number them. Beyond the string's end all bits are 0, and an absent key is an empty string. What the
// bits say can be read and written as a string too.
//
// A negative number of a bit is ErrInvalid; one at or beyond 8 times the largest length of a value, 512 MB by default,
// can be read but not written: ErrTooLong. See Cache.Bits.
type Bits struct{ place }

// Bits returns the handle of a string of the cache as a row of bits. The key need not exist.
func (c *Cache) Bits(key string) Bits { return Bits{place{cache: c, key: key}} }

// Bits returns the handle of a string of the snapshot as a row of bits. Methods that write fail with ErrReadOnly.
func (s *Snapshot) Bits(key string) Bits { return Bits{place{snap: s, key: key}} }

func badBit(at int64) error { return fmt.Errorf("%w: a bit at %d", ErrInvalid, at) }

// Get returns a bit. O(1).
func (b Bits) Get(at int64) (on bool, err error) {
	if at < 0 {
		return false, badBit(at)
	}
	var r seen
	defer r.done(&err)
	err = b.see(&r, keyspace.String)
	return err == nil && value.GetBit(r.raw, at), err
}

// Set changes a bit and returns what it was. The string grows as needed, with zeros; the time of expiry stays. O(1), now
// and then, where the string grows or a snapshot has it, O(length).
func (b Bits) Set(at int64, on bool) (was bool, err error) {
	if at < 0 {
		return false, badBit(at)
	}
	w, err := b.change(false)
	defer w.done(&err)
	if err != nil {
		return false, err
	}
	if at>>3 >= w.c.maxValue.Load() || !w.c.fits(b.key, nil) {
		return false, ErrTooLong
	}
	return w.db.SetBit(w.hash, w.key, at, on)
}

// Count returns how many bits are 1. O(length), some 10 GB a second.
func (b Bits) Count() (n int64, err error) {
	var r seen
	defer r.done(&err)
	err = b.see(&r, keyspace.String)
	return value.CountBits(r.raw), err
}

// CountRange returns how many bits from the first to the last one, both included, are 1. Negative numbers count from the
// string's end, -1 being its last bit. O(range).
func (b Bits) CountRange(first, last int64) (n int64, err error) {
	var r seen
	defer r.done(&err)
	err = b.see(&r, keyspace.String)
	from, to := value.BitRange(int64(len(r.raw))*8, first, last)
	return value.CountBitRange(r.raw, from, to), err
}

// Pos returns where the first bit from a place on is that is 1, or 0, as asked for: -1 if there is none, which can't be
// of bits that are 0, since those go on beyond the string's end. A negative place counts from the end. O(distance).
func (b Bits) Pos(on bool, from int64) (at int64, err error) {
	var r seen
	defer r.done(&err)
	err = b.see(&r, keyspace.String)
	size := int64(len(r.raw)) * 8
	start, to := value.BitRange(size, from, -1)
	at = value.FindBit(r.raw, on, start, to)
	if at < 0 && !on {
		at = max(start, size)
	}
	return at, err
}

// PosRange is Pos between the first and the last bit of a range of the string, both included: -1 if there is none.
// Negative numbers count from the string's end, -1 being its last bit. O(distance).
func (b Bits) PosRange(on bool, first, last int64) (at int64, err error) {
	var r seen
	defer r.done(&err)
	err = b.see(&r, keyspace.String)
	from, to := value.BitRange(int64(len(r.raw))*8, first, last)
	return value.FindBit(r.raw, on, from, to), err
}

// BitOp is a way to combine strings bit by bit.
type BitOp uint8

const (
	BitAnd BitOp = iota // bits that are 1 in all of them
	BitOr               // in any of them
	BitXor              // in an odd number of them
	BitNot              // bits that are 0 in the one given
)

// Op makes the key hold the combination of one or more strings of the cache, whatever it held, without a time of expiry,
// and returns its length in bytes, that of the longest. Shorter ones go on with zeros; if all are empty the key is
// removed. The key may be one of them. BitNot takes one. It happens at one instant, with the keys' shards held. O(length
// of all).
func (b Bits) Op(op BitOp, sources ...string) (length int, err error) {
	switch {
	case b.cache == nil:
		return 0, ErrReadOnly
	case len(sources) == 0 || op > BitNot || op == BitNot && len(sources) > 1:
		return 0, fmt.Errorf("%w: bit operation %d of %d strings", ErrInvalid, op, len(sources))
	case !b.cache.fits(b.key, nil):
		return 0, ErrTooLong
	}
	keys := append(append(make([]string, 0, len(sources)+1), sources...), b.key)
	from := make([]keyspace.Target, len(sources))
	err = b.cache.onKeys(keys, func(i int, t keyspace.Target) (err error) {
		if i < len(from) {
			from[i] = t
			return nil
		}
		if b.cache.full() {
			return ErrOutOfMemory
		}
		length, err = keyspace.CombineBits(t, value.BitOp(op), from)
		return err
	})
	return length, err
}

// BitField is an integer among the bits of a string: how wide it is, 1 to 64 bits if it is signed and 1 to 63 if not,
// and which is its first bit, its highest.
type BitField struct {
	Offset int64
	Width  int
	Signed bool
}

// plain checks a field.
func (f BitField) plain() (v value.BitField, err error) {
	widest := 63
	if f.Signed {
		widest = 64
	}
	if f.Offset < 0 || f.Offset > math.MaxInt64-64 || f.Width < 1 || f.Width > widest {
		return v, fmt.Errorf("%w: a field of %d bits at %d", ErrInvalid, f.Width, f.Offset)
	}
	return value.BitField{Offset: f.Offset, Width: uint8(f.Width), Signed: f.Signed}, nil
}

// BitOverflow says what becomes of a number that its field can't hold.
type BitOverflow uint8

const (
	BitWrap     BitOverflow = iota // its low bits are taken
	BitSaturate                    // the nearest number that the field holds is
	BitRefuse                      // the field stays as it is
)

// Field returns the integer in a field. A field that makes no sense is ErrInvalid. O(1).
func (b Bits) Field(f BitField) (n int64, err error) {
	field, err := f.plain()
	if err != nil {
		return 0, err
	}
	var r seen
	defer r.done(&err)
	if err = b.see(&r, keyspace.String); err != nil {
		return 0, err
	}
	return field.Get(r.raw), nil
}

// SetField changes the integer in a field and returns the one before. One that doesn't fit is cut to its low bits. The
// string grows as for Set. A field that makes no sense is ErrInvalid. O(1).
func (b Bits) SetField(f BitField, n int64) (old int64, err error) {
	old, _, err = b.changeField(f, keyspace.FieldOp{Verb: keyspace.FieldSet, N: n})
	return old, err
}

// IncrField adds to the integer in a field and returns the sum as the field holds it. If it can't hold the sum, o says
// what is done; with BitRefuse ok is false then. The string grows as for Set. A field that makes no sense is ErrInvalid.
// O(1).
func (b Bits) IncrField(f BitField, by int64, o BitOverflow) (sum int64, ok bool, err error) {
	if o > BitRefuse {
		return 0, false, fmt.Errorf("%w: overflow %d", ErrInvalid, o)
	}
	return b.changeField(f, keyspace.FieldOp{Verb: keyspace.FieldIncr, N: by, Overflow: value.Overflow(o)})
}

func (b Bits) changeField(f BitField, op keyspace.FieldOp) (n int64, ok bool, err error) {
	if op.BitField, err = f.plain(); err != nil {
		return 0, false, err
	}
	w, err := b.change(false)
	defer w.done(&err)
	if err != nil {
		return 0, false, err
	}
	if op.End() > w.c.maxValue.Load() || !w.c.fits(b.key, nil) {
		return 0, false, ErrTooLong
	}
	err = w.db.Fields(w.hash, w.key, []keyspace.FieldOp{op}, func(result int64, did bool) { n, ok = result, did })
	return n, ok, err
}
