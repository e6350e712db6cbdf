package command

import (
	"bytes"
	"math"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on the bits of strings do.

const (
	errBitOffset    = errs.Error("ERR bit offset is not an integer or out of range")
	errBitValue     = errs.Error("ERR bit is not an integer or out of range")
	errBitWanted    = errs.Error("ERR The bit argument must be 1 or 0.")
	errBitNot       = errs.Error("ERR BITOP NOT must be called with a single source key.")
	errFieldsRO     = errs.Error("ERR BITFIELD_RO only supports the GET subcommand")
	errOverflowType = errs.Error("ERR Invalid OVERFLOW type specified")
	errFieldType    = errs.Error(
		"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
)

// bitOffset reads the position of a bit, in a field's place that of its first: there "#3" stands for three times the
// field's width.
func (c *Call) bitOffset(arg []byte, width uint8) (int64, bool) {
	scale := int64(1)
	if width > 0 && len(arg) > 0 && arg[0] == '#' {
		arg, scale = arg[1:], int64(width)
	}
	at, ok := num.ParseInt(arg)
	if !ok || at < 0 || at > math.MaxInt64/scale {
		return 0, false
	}
	at *= scale
	return at, at>>3 < c.Env.MaxBulk()
}

func runSetbit(c *Call) {
	at, ok := c.bitOffset(c.Args[2], 0)
	if !ok {
		c.Fail(errBitOffset)
		return
	}
	bit, ok := num.ParseInt(c.Args[3])
	if !ok || bit&^1 != 0 {
		c.Fail(errBitValue)
		return
	}
	c.countOf(c.One.DB.SetBit(c.One.Hash, c.One.Key, at, bit == 1))
}

func runGetbit(c *Call) {
	at, ok := c.bitOffset(c.Args[2], 0)
	if !ok {
		c.Fail(errBitOffset)
		return
	}
	v, _, err := c.readString(&c.One)
	c.countOf(value.GetBit(v, at), err)
}

// bitUnit reads BYTE or BIT.
func bitUnit(arg []byte) (inBits, ok bool) {
	inBits = isWord(arg, "bit")
	return inBits, inBits || isWord(arg, "byte")
}

// inBits turns a range of bytes, or of bits, into one of bits.
func bitRange(size int, first, last int64, inBits bool) (from, to int64) {
	if inBits {
		return value.BitRange(int64(size)*8, first, last)
	}
	from, to = value.BitRange(int64(size), first, last)
	if from >= to {
		return 0, 0
	}
	return from * 8, to * 8
}

func runBitcount(c *Call) {
	v, found, err := c.readString(&c.One)
	if err != nil {
		c.Fail(err)
		return
	}
	if !found {
		c.W.Int(0)
		return
	}
	if len(c.Args) == 2 {
		c.W.Int(value.CountBits(v))
		return
	}
	if len(c.Args) > 5 || len(c.Args) == 3 {
		c.Fail(errs.Syntax)
		return
	}
	first, ok1 := num.ParseInt(c.Args[2])
	last, ok2 := num.ParseInt(c.Args[3])
	if !ok1 || !ok2 {
		c.Fail(errs.NotInteger)
		return
	}
	if first < 0 && last < 0 && first > last {
		c.W.Int(0)
		return
	}
	inBits := false
	if len(c.Args) == 5 {
		var ok bool
		if inBits, ok = bitUnit(c.Args[4]); !ok {
			c.Fail(errs.Syntax)
			return
		}
	}
	from, to := bitRange(len(v), first, last, inBits)
	c.W.Int(value.CountBitRange(v, from, to))
}

func runBitpos(c *Call) {
	bit, ok := num.ParseInt(c.Args[2])
	if !ok {
		c.Fail(errs.NotInteger)
		return
	}
	if bit&^1 != 0 {
		c.Fail(errBitWanted)
		return
	}
	on := bit == 1
	v, found, err := c.readString(&c.One)
	switch {
	case err != nil:
		c.Fail(err)
		return
	case !found && on:
		c.W.Int(-1)
		return
	case !found:
		c.W.Int(0)
		return
	case len(c.Args) > 6:
		c.Fail(errs.Syntax)
		return
	}
	first, last, inBits := int64(0), int64(-1), false
	if len(c.Args) > 3 {
		if first, ok = num.ParseInt(c.Args[3]); !ok {
			c.Fail(errs.NotInteger)
			return
		}
	}
	if len(c.Args) == 6 {
		if inBits, ok = bitUnit(c.Args[5]); !ok {
			c.Fail(errs.Syntax)
			return
		}
	}
	if len(c.Args) > 4 {
		if last, ok = num.ParseInt(c.Args[4]); !ok {
			c.Fail(errs.NotInteger)
			return
		}
	}
	from, to := bitRange(len(v), first, last, inBits)
	at := value.FindBit(v, on, from, to)
	if at < 0 && from < to && !on && len(c.Args) < 5 {
		at = to // without an end the string is followed by zeros
	}
	c.W.Int(at)
}

func runBitop(c *Call) {
	var op value.BitOp
	switch a := c.Args[1]; {
	case isWord(a, "and"):
		op = value.BitAnd
	case isWord(a, "or"):
		op = value.BitOr
	case isWord(a, "xor"):
		op = value.BitXor
	case isWord(a, "not"):
		op = value.BitNot
	default:
		c.Fail(errs.Syntax)
		return
	}
	if op == value.BitNot && len(c.Args) != 4 {
		c.Fail(errBitNot)
		return
	}
	c.lengthOf(keyspace.CombineBits(c.Key(2), op, c.Targets[3:]))
}

func runBitfield(c *Call)   { c.bitfield(false) }
func runBitfieldRO(c *Call) { c.bitfield(true) }

func (c *Call) bitfield(readOnly bool) {
	var few [8]keyspace.FieldOp
	ops := few[:0]
	overflow := value.OverflowWrap
	writes := false
	for i := 2; i < len(c.Args); i++ {
		left := len(c.Args) - i - 1
		op := keyspace.FieldOp{Overflow: overflow}
		switch a := c.Args[i]; {
		case isWord(a, "get") && left >= 2:
			op.Verb = keyspace.FieldGet
		case isWord(a, "set") && left >= 3:
			op.Verb = keyspace.FieldSet
		case isWord(a, "incrby") && left >= 3:
			op.Verb = keyspace.FieldIncr
		case isWord(a, "overflow") && left >= 1:
			i++
			var ok bool
			if overflow, ok = overflowOf(c.Args[i]); !ok {
				c.Fail(errOverflowType)
				return
			}
			continue
		default:
			c.Fail(errs.Syntax)
			return
		}
		var ok bool
		if op.BitField, ok = fieldType(c.Args[i+1]); !ok {
			c.Fail(errFieldType)
			return
		}
		if op.Offset, ok = c.bitOffset(c.Args[i+2], op.Width); !ok {
			c.Fail(errBitOffset)
			return
		}
		i += 2
		if op.Verb != keyspace.FieldGet {
			writes = true
			i++
			if op.N, ok = num.ParseInt(c.Args[i]); !ok {
				c.Fail(errs.NotInteger)
				return
			}
		}
		ops = append(ops, op)
	}
	if writes && readOnly {
		c.Fail(errFieldsRO)
		return
	}
	begun := false
	err := c.One.DB.Fields(c.One.Hash, c.One.Key, ops, func(n int64, ok bool) {
		if !begun {
			begun = true
			c.W.Array(len(ops))
		}
		if ok {
			c.W.Int(n)
		} else {
			c.W.Null()
		}
	})
	switch {
	case err != nil:
		c.Fail(err)
	case !begun:
		c.W.Array(0)
	}
}

// overflowOf reads what becomes of numbers that don't fit.
func overflowOf(arg []byte) (value.Overflow, bool) {
	switch {
	case isWord(arg, "wrap"):
		return value.OverflowWrap, true
	case isWord(arg, "sat"):
		return value.OverflowSat, true
	}
	return value.OverflowFail, isWord(arg, "fail")
}

// fieldType reads the type of a field, as in u8 or i64.
func fieldType(arg []byte) (f value.BitField, ok bool) {
	if len(arg) == 0 || arg[0] != 'i' && arg[0] != 'u' {
		return f, false
	}
	f.Signed = arg[0] == 'i'
	digits, _, _ := bytes.Cut(arg[1:], []byte{0})
	n, ok := num.ParseInt(digits)
	if !ok || n < 1 || n > 64 || n == 64 && !f.Signed {
		return f, false
	}
	f.Width = uint8(n)
	return f, true
}

// bitfieldKeys finds the key of BITFIELD, which is only read if nothing but GET is asked for.
func bitfieldKeys(args [][]byte, dst []KeyAt) ([]KeyAt, error) {
	for i := 2; i < len(args); i++ {
		left := len(args) - i - 1
		switch a := args[i]; {
		case isWord(a, "get") && left >= 2:
			i += 2
		case isWord(a, "overflow") && left >= 1:
			i++
		default: // it writes, or it is malformed
			return append(dst, KeyAt{1, "RW access update"}), nil
		}
	}
	return append(dst, KeyAt{1, "RO access"}), nil
}
