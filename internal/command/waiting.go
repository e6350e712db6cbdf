package command

import (
	"math"
	"math/big"
	"time"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
)

// What the commands do that wait for an element. Each looks at its keys in turn and, if none has one, asks to wait: whoever
// runs it has it wait and calls it again when one of the keys has changed (Call.Waited). A key with
// another kind of value is an error at first; later it is as good as absent.

const (
	errWaitTime = errs.Error("ERR timeout is not a float or out of range")
)

// timeout reads a time in seconds, 0 for ever. Parts of a millisecond count as one.
func timeout(arg []byte) (time.Duration, error) {
	s, ok := num.ParseFloat(arg)
	if !ok || math.IsNaN(s) {
		return 0, errWaitTime
	}
	ms := math.Ceil(s * 1000)
	if ms < 0 {
		ms = wholeMillis(arg)
	}
	switch {
	case ms >= math.MaxInt64:
		return 0, errTimeoutRange
	case ms < 0:
		return 0, errTimeoutNegative
	}
	if ms > float64(math.MaxInt64/int64(time.Millisecond)) {
		return math.MaxInt64, nil
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// wholeMillis returns the whole milliseconds of a negative time. Redis reckons with 64 bits for it, in which -0.001 is a hair
// less than one of them: that is for ever, too.
func wholeMillis(arg []byte) float64 {
	f, _, err := big.ParseFloat(string(arg), 0, 64, big.ToNearestEven)
	if err != nil {
		return -1
	}
	whole, _ := f.Mul(f, big.NewFloat(1000)).Int64()
	return float64(whole)
}

// eachAwaited calls fn with the keys in args[first:first+n] that are to be looked at, until it returns true, and says
// whether it did.
func (c *Call) eachAwaited(first, n int, fn func(t *Target) (answered bool)) bool {
	for i := first; i < first+n; i++ {
		if c.skips(i) {
			continue
		}
		if t := c.Key(i); fn(&t) {
			return true
		}
	}
	return false
}

// refuse answers with an error, unless the command has waited, when a key with another kind of value is as good as absent.
func (c *Call) refuse(err error) (answered bool) {
	if c.Waited && err == errs.WrongType {
		return false
	}
	c.Fail(err)
	return true
}

func runBlpop(c *Call) { c.awaitPop(true) }
func runBrpop(c *Call) { c.awaitPop(false) }

func (c *Call) awaitPop(start bool) {
	last := len(c.Args) - 1
	wait, err := timeout(c.Args[last])
	if err != nil {
		c.Fail(err)
		return
	}
	answered := c.eachAwaited(1, last-1, func(t *Target) bool {
		l, err := t.DB.Look(t.Hash, t.Key).List()
		if err != nil {
			return c.refuse(err)
		}
		if l.Len() == 0 {
			return false
		}
		if run, ok := c.take(t, start, 1); ok {
			c.W.Array(2)
			c.W.Bulk(t.Key)
			c.poppedOne(run)
		}
		return true
	})
	if !answered {
		c.WaitFor(wait)
	}
}

func runBlmpop(c *Call) {
	o, err := parseMpop(c.Args, 2)
	var wait time.Duration
	if err == nil {
		wait, err = timeout(c.Args[1]) // stands first, is read last
	}
	if err != nil {
		c.Fail(err)
		return
	}
	answered := c.eachAwaited(o.firstKey, o.keys, func(t *Target) bool {
		l, err := t.DB.Look(t.Hash, t.Key).List()
		if err != nil {
			return c.refuse(err)
		}
		if l.Len() == 0 {
			return false
		}
		if run, ok := c.take(t, o.start, o.count); ok {
			c.W.Array(2)
			c.W.Bulk(t.Key)
			c.popped(run)
		}
		return true
	})
	if !answered {
		c.WaitFor(wait)
	}
}

func runBlmove(c *Call) {
	fromStart, err := parseEnd(c.Args[3])
	toStart := false
	if err == nil {
		toStart, err = parseEnd(c.Args[4])
	}
	if err != nil {
		c.Fail(err)
		return
	}
	c.awaitMove(fromStart, toStart, c.Args[5])
}

func runBrpoplpush(c *Call) { c.awaitMove(false, true, c.Args[3]) }

func (c *Call) awaitMove(fromStart, toStart bool, arg []byte) {
	wait, err := timeout(arg)
	if err != nil {
		c.Fail(err)
		return
	}
	from, to := c.Key(1), c.Key(2)
	l, err := from.DB.Look(from.Hash, from.Key).List()
	switch {
	case err != nil && !c.refuse(err), err == nil && l.Len() == 0:
		c.WaitFor(wait)
		return
	case err != nil:
		return
	}
	elem, _, err := keyspace.ListMove(c.old[:0], from, to, fromStart, toStart)
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Bulk(elem)
	if cap(elem) <= maxKept {
		c.old = elem
	}
}

func runBzpopmin(c *Call) { c.awaitZPop(false) }
func runBzpopmax(c *Call) { c.awaitZPop(true) }

func (c *Call) awaitZPop(highest bool) {
	last := len(c.Args) - 1
	wait, err := timeout(c.Args[last])
	if err != nil {
		c.Fail(err)
		return
	}
	answered := c.eachAwaited(1, last-1, func(t *Target) bool {
		popped, n, err := c.popSorted(t, 1, highest)
		if err != nil {
			return c.refuse(err)
		}
		if n == 0 {
			return false
		}
		member, score, _ := keyspace.NextPopped(popped)
		c.W.Array(3)
		c.W.Bulk(t.Key)
		c.W.Bulk(member)
		c.W.Double(score)
		return true
	})
	if !answered {
		c.WaitFor(wait)
	}
}

func runBzmpop(c *Call) {
	keys, highest, count, err := parseZmpop(c.Args, 2)
	var wait time.Duration
	if err == nil {
		wait, err = timeout(c.Args[1])
	}
	if err != nil {
		c.Fail(err)
		return
	}
	answered := c.eachAwaited(3, keys, func(t *Target) bool {
		popped, n, err := c.popSorted(t, count, highest)
		if err != nil {
			return c.refuse(err)
		}
		if n == 0 {
			return false
		}
		c.W.Array(2)
		c.W.Bulk(t.Key)
		c.writePopped(popped, n, true)
		return true
	})
	if !answered {
		c.WaitFor(wait)
	}
}

// lateArray answers for a command whose time is over, or which may not wait.
func lateArray(c *Call) { c.W.NullArray() }

// lateMove is lateArray for those that move one element, which answer otherwise where they may not wait.
func lateMove(c *Call) {
	if c.NoWait {
		c.W.Null()
		return
	}
	c.W.NullArray()
}
