package command

import (
	"fmt"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on HyperLogLogs do.

const (
	errNoSuchHLL = errs.Error("ERR The specified key does not exist")
	errNotSparse = errs.Error("ERR HLL encoding is not sparse")
)

func runPfadd(c *Call) { c.countOf(c.One.DB.HLLAdd(c.One.Hash, c.One.Key, c.Args[2:])) }

func runPfcount(c *Call) {
	var n uint64
	var err error
	if len(c.Args) == 2 {
		t := c.Key(1)
		n, err = t.DB.HLLCount(t.Hash, t.Key)
	} else {
		n, err = keyspace.HLLUnion(c.Targets[1:])
	}
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Int(int64(n))
}

func runPfmerge(c *Call) {
	if err := keyspace.HLLMerge(c.Key(1), c.Targets[2:]); err != nil {
		c.Fail(err)
		return
	}
	c.OK()
}

func runPfdebug(c *Call) {
	t := &c.One
	h, err := t.DB.Look(t.Hash, t.Key).AsHLL()
	if err == nil && h == nil {
		err = errNoSuchHLL
	}
	if err != nil {
		c.Fail(err)
		return
	}
	switch sub := c.Args[1]; {
	case isWord(sub, "encoding"):
		if h.Dense() {
			c.W.Status("dense")
		} else {
			c.W.Status("sparse")
		}
	case isWord(sub, "decode"):
		if h.Dense() {
			c.Fail(errNotSparse)
			return
		}
		c.W.Bulk(h.AppendRuns(nil))
	case isWord(sub, "getreg"):
		// It makes a sparse one dense: so Redis has it.
		var r value.HLLRegisters
		if _, err := t.DB.HLLToDense(t.Hash, t.Key); err != nil {
			c.Fail(err)
			return
		}
		if h, err = t.DB.Look(t.Hash, t.Key).AsHLL(); err != nil {
			c.Fail(err)
			return
		}
		h.Merge(&r)
		c.W.Array(len(r))
		for _, v := range r {
			c.W.Int(int64(v))
		}
	case isWord(sub, "todense"):
		c.countOf(t.DB.HLLToDense(t.Hash, t.Key))
	default:
		c.Fail(refusal("ERR Unknown PFDEBUG subcommand '", shown(sub, shownArg), "'"))
	}
}

// runPfselftest adds elements to HyperLogLogs in both forms and to plain registers, which must agree, on a count that is
// near enough.
func runPfselftest(c *Call) {
	const elements = 200_000
	sparse := value.AppendHLL(nil)
	dense, sound := sparse.ToDense(nil)
	var plain, merged value.HLLRegisters
	var digits [20]byte
	for i := range int64(elements) {
		index, to := value.HLLRegister(num.AppendInt(digits[:0], i))
		plain[index] = max(plain[index], to)
		dense.DenseRaise(index, to)
		if sound {
			sparse, _, sound = sparse.Raise(index, to, value.HLLSparseMax)
		}
		if n := i + 1; n&(n-1) != 0 && n != elements {
			continue
		}
		merged = value.HLLRegisters{}
		if !sound || !sparse.Merge(&merged) || merged != plain {
			c.Fail(selfTestError("the sparse form differs from the registers", i))
			return
		}
		merged = value.HLLRegisters{}
		if !dense.Merge(&merged) || merged != plain {
			c.Fail(selfTestError("the dense form differs from the registers", i))
			return
		}
		got, _ := dense.Count()
		if off := int64(got) - (i + 1); max(off, -off) > (i+1)/20+1 {
			c.Fail(selfTestError("the count is too far off", i))
			return
		}
	}
	c.OK()
}

func selfTestError(what string, after int64) error {
	return errs.Error(fmt.Sprintf("ERR PFSELFTEST failed: %s after %d elements", what, after+1))
}

// pfmergeKeys finds the keys of PFMERGE, which may be the destination alone: its specifications can't say that.
func pfmergeKeys(args [][]byte, dst []KeyAt) ([]KeyAt, error) {
	dst = append(dst, KeyAt{1, "RW access insert"})
	for i := 2; i < len(args); i++ {
		dst = append(dst, KeyAt{i, "RO access"})
	}
	return dst, nil
}
