package command

import (
	"math"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
)

// The commands that combine sets: union, intersection, difference, and the same with the outcome stored.

const (
	errKeyCount      = errs.Error("ERR numkeys should be greater than 0")
	errTooManyKeys   = errs.Error("ERR Number of keys can't be greater than number of args")
	errNegativeLimit = errs.Error("ERR LIMIT can't be negative")
)

func runSunion(c *Call) { c.combine(keyspace.SetUnion) }
func runSinter(c *Call) { c.combine(keyspace.SetIntersection) }
func runSdiff(c *Call)  { c.combine(keyspace.SetDifference) }

func runSunionstore(c *Call) { c.combineInto(keyspace.SetUnion) }
func runSinterstore(c *Call) { c.combineInto(keyspace.SetIntersection) }
func runSdiffstore(c *Call)  { c.combineInto(keyspace.SetDifference) }

// combine answers with the outcome of an operation on the sets of all keys.
func (c *Call) combine(op keyspace.SetOperation) {
	sets, err := keyspace.OpenSets(c.Targets[1:], nil, c.NoTouch)
	if err != nil {
		c.Fail(err)
		return
	}
	s := op.Select(sets, c.Key(1).DB.Heap())
	defer s.Free()
	c.W.Set(s.Fix())
	for m := range s.All {
		c.member(m)
	}
}

// combineInto stores it in the first key.
func (c *Call) combineInto(op keyspace.SetOperation) {
	c.lengthOf(keyspace.SetStore(op, c.Key(1), c.Targets[2:], c.NoTouch))
}

func runSintercard(c *Call) {
	keys, ok := num.ParseInt(c.Args[1])
	switch {
	case !ok || keys < 1:
		c.Fail(errKeyCount)
		return
	case keys > int64(len(c.Args)-2):
		c.Fail(errTooManyKeys)
		return
	}
	limit := int64(0)
	for i := 2 + int(keys); i < len(c.Args); i += 2 {
		if i+1 == len(c.Args) || !isWord(c.Args[i], "limit") {
			c.Fail(errs.Syntax)
			return
		}
		if limit, ok = num.ParseInt(c.Args[i+1]); !ok || limit < 0 {
			c.Fail(errNegativeLimit)
			return
		}
	}
	if limit == 0 {
		limit = math.MaxInt
	}
	sets, err := keyspace.OpenSets(c.Targets[2:2+keys], nil, c.NoTouch)
	if err != nil {
		c.Fail(err)
		return
	}
	s := keyspace.SetIntersection.Select(sets, nil)
	c.lengthOf(s.Count(int(min(limit, math.MaxInt))), nil)
}
