package command

import (
	"math"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on lists do. Those that take from the first list of several that has elements, or move one, are
// such that a command that waits for elements can call them again.

const (
	errRankZero = errs.Error("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
		"or use negative to start from the end of the list")
	errCountBelow   = errs.Error("ERR COUNT can't be negative")
	errMaxLenBelow  = errs.Error("ERR MAXLEN can't be negative")
	errNumKeys      = errs.Error("ERR numkeys should be greater than 0")
	errCountNotOver = errs.Error("ERR count should be greater than 0")
)

// readList opens a list as a read does, an empty one for an absent key.
func (c *Call) readList() (l value.List, found bool, err error) {
	it := c.find(&c.One)
	l, err = it.List()
	return l, it.Found(), err
}

func runLpush(c *Call)  { c.push(true, false) }
func runLpushx(c *Call) { c.push(true, true) }
func runRpush(c *Call)  { c.push(false, false) }
func runRpushx(c *Call) { c.push(false, true) }

func (c *Call) push(start, ifPresent bool) {
	c.lengthOf(c.One.DB.ListPush(c.One.Hash, c.One.Key, start, ifPresent, c.Args[2:]))
}

func runLpop(c *Call) { c.pop(true) }
func runRpop(c *Call) { c.pop(false) }

func (c *Call) pop(start bool) {
	if len(c.Args) > 3 {
		c.Fail(WrongArity(c.Row))
		return
	}
	counted, n := len(c.Args) == 3, int64(1)
	if counted {
		var ok bool
		if n, ok = num.ParseInt(c.Args[2]); !ok || n < 0 {
			c.Fail(errNotPositive)
			return
		}
	}
	if n == 0 {
		c.popNone()
		return
	}
	run, ok := c.take(&c.One, start, n)
	switch {
	case !ok:
	case len(run) == 0 && counted:
		c.W.NullArray()
	case len(run) == 0:
		c.W.Null()
	case counted:
		c.popped(run)
	default:
		c.poppedOne(run)
	}
}

// popNone answers a pop of no elements.
func (c *Call) popNone() {
	it := c.One.DB.Look(c.One.Hash, c.One.Key)
	switch _, err := it.List(); {
	case err != nil:
		c.Fail(err)
	case !it.Found():
		c.W.NullArray()
	default:
		c.W.Array(0)
	}
}

// take removes up to n elements of a list: none of an absent key. It answers only if that fails.
func (c *Call) take(t *Target, start bool, n int64) (run []byte, ok bool) {
	run, err := t.DB.ListPop(c.old[:0], t.Hash, t.Key, start, int(min(n, math.MaxInt)))
	if err != nil {
		c.Fail(err)
		return nil, false
	}
	if cap(run) <= maxKept {
		c.old = run
	}
	return run, true
}

// popped answers with elements that were taken, as an array.
func (c *Call) popped(run []byte) {
	c.W.Array(value.CountPopped(run))
	for len(run) > 0 {
		run = c.poppedOne(run)
	}
}

// poppedOne answers with the first of the elements that were taken, and returns the others.
func (c *Call) poppedOne(run []byte) (rest []byte) {
	elem, rest := value.NextPopped(run, c.digits[:0])
	c.W.Bulk(elem)
	return rest
}

func runLlen(c *Call) {
	l, _, err := c.readList()
	c.lengthOf(l.Len(), err)
}

func runLindex(c *Call) {
	l, found, err := c.readList()
	if err != nil {
		c.Fail(err)
		return
	}
	if !found {
		c.W.Null()
		return
	}
	at, ok := num.ParseInt(c.Args[2])
	if !ok {
		c.Fail(errs.NotInteger)
		return
	}
	i, ok := value.ListIndex(l.Len(), at)
	if !ok {
		c.W.Null()
		return
	}
	e, _ := l.At(i)
	c.W.Bulk(l.Bytes(e, c.digits[:0]))
}

func runLset(c *Call) {
	t := &c.One
	if it := t.DB.Look(t.Hash, t.Key); !it.Found() {
		c.Fail(errs.NoSuchKey)
		return
	} else if _, err := it.List(); err != nil {
		c.Fail(err)
		return
	}
	at, ok := num.ParseInt(c.Args[2])
	if !ok {
		c.Fail(errs.NotInteger)
		return
	}
	if err := t.DB.ListSet(t.Hash, t.Key, at, c.Args[3]); err != nil {
		c.Fail(err)
		return
	}
	c.OK()
}

func runLinsert(c *Call) {
	before := isWord(c.Args[2], "before")
	if !before && !isWord(c.Args[2], "after") {
		c.Fail(errs.Syntax)
		return
	}
	c.lengthOf(c.One.DB.ListInsert(c.One.Hash, c.One.Key, before, c.Args[3], c.Args[4]))
}

func runLrem(c *Call) {
	count, ok := num.ParseInt(c.Args[2])
	if !ok {
		c.Fail(errs.NotInteger)
		return
	}
	c.lengthOf(c.One.DB.ListRemove(c.One.Hash, c.One.Key, count, c.Args[3]))
}

// bounds reads the first and last position of a range. It answers if they are none.
func (c *Call) bounds() (first, last int64, ok bool) {
	first, ok1 := num.ParseInt(c.Args[2])
	last, ok2 := num.ParseInt(c.Args[3])
	if !ok1 || !ok2 {
		c.Fail(errs.NotInteger)
	}
	return first, last, ok1 && ok2
}

func runLrange(c *Call) {
	first, last, ok := c.bounds()
	if !ok {
		return
	}
	l, _, err := c.readList()
	if err != nil {
		c.Fail(err)
		return
	}
	from, to := value.ListRange(l.Len(), first, last)
	c.W.Array(to - from)
	cur := l.From(from)
	for range to - from {
		b, _ := cur.NextBytes(c.digits[:0])
		c.W.Bulk(b)
	}
}

func runLtrim(c *Call) {
	first, last, ok := c.bounds()
	if !ok {
		return
	}
	if err := c.One.DB.ListTrim(c.One.Hash, c.One.Key, first, last); err != nil {
		c.Fail(err)
		return
	}
	c.OK()
}

// posArgs is what LPOS takes beside key and element.
type posArgs struct {
	rank    int64
	counted bool
	count   int64
	maxLen  int64
}

func parsePosArgs(args [][]byte) (o posArgs, err error) {
	o.rank = 1
	for i := 0; i < len(args); i += 2 {
		word := args[i]
		if i+1 == len(args) {
			return o, errs.Syntax
		}
		n, ok := num.ParseInt(args[i+1])
		switch {
		case isWord(word, "rank"):
			switch {
			case !ok:
				return o, errs.NotInteger
			case n == math.MinInt64:
				return o, errNotLong
			case n == 0:
				return o, errRankZero
			}
			o.rank = n
		case isWord(word, "count"):
			if !ok || n < 0 {
				return o, errCountBelow
			}
			o.count, o.counted = n, true
		case isWord(word, "maxlen"):
			if !ok || n < 0 {
				return o, errMaxLenBelow
			}
			o.maxLen = n
		default:
			return o, errs.Syntax
		}
	}
	return o, nil
}

func runLpos(c *Call) {
	o, err := parsePosArgs(c.Args[3:])
	if err != nil {
		c.Fail(err)
		return
	}
	l, _, err := c.readList()
	if err != nil {
		c.Fail(err)
		return
	}
	search := value.ListSearch{Rank: o.rank, MaxLen: o.maxLen}
	if !o.counted {
		at := -1
		l.Search(c.Args[2], search, func(i int) bool {
			at = i
			return false
		})
		if at < 0 {
			c.W.Null()
		} else {
			c.W.Int(int64(at))
		}
		return
	}
	var all []int
	l.Search(c.Args[2], search, func(i int) bool {
		all = append(all, i)
		return int64(len(all)) != o.count
	})
	c.W.Array(len(all))
	for _, i := range all {
		c.W.Int(int64(i))
	}
}

// parseEnd reads LEFT or RIGHT.
func parseEnd(arg []byte) (start bool, err error) {
	switch {
	case isWord(arg, "left"):
		return true, nil
	case isWord(arg, "right"):
		return false, nil
	}
	return false, errs.Syntax
}

func runLmove(c *Call) {
	fromStart, err := parseEnd(c.Args[3])
	toStart := false
	if err == nil {
		toStart, err = parseEnd(c.Args[4])
	}
	if err != nil {
		c.Fail(err)
		return
	}
	c.move(fromStart, toStart)
}

func runRpoplpush(c *Call) { c.move(false, true) }

// move moves an element between two lists and answers with it, or with null.
func (c *Call) move(fromStart, toStart bool) {
	elem, moved, err := keyspace.ListMove(c.old[:0], c.Key(1), c.Key(2), fromStart, toStart)
	switch {
	case err != nil:
		c.Fail(err)
	case !moved:
		c.W.Null()
	default:
		c.W.Bulk(elem)
		if cap(elem) <= maxKept {
			c.old = elem
		}
	}
}

// mpopArgs is what commands like LMPOP take: the arguments that are keys, from the end of which to take, and how many.
type mpopArgs struct {
	firstKey, keys int
	start          bool
	count          int64
}

// parseMpop reads the arguments from the number of keys on, which is args[at].
func parseMpop(args [][]byte, at int) (o mpopArgs, err error) {
	n, ok := num.ParseInt(args[at])
	if !ok || n <= 0 {
		return o, errNumKeys
	}
	if n >= int64(len(args)-at-1) {
		return o, errs.Syntax
	}
	o.firstKey, o.keys, o.count = at+1, int(n), 1
	rest := args[o.firstKey+o.keys:]
	if o.start, err = parseEnd(rest[0]); err != nil {
		return o, err
	}
	switch rest = rest[1:]; {
	case len(rest) == 0:
		return o, nil
	case len(rest) < 2 || !isWord(rest[0], "count"):
		return o, errs.Syntax
	}
	if o.count, ok = num.ParseInt(rest[1]); !ok || o.count <= 0 {
		return o, errCountNotOver
	}
	if len(rest) > 2 {
		return o, errs.Syntax
	}
	return o, nil
}

func runLmpop(c *Call) {
	o, err := parseMpop(c.Args, 1)
	if err != nil {
		c.Fail(err)
		return
	}
	if !c.mpop(&o) {
		c.W.NullArray()
	}
}

// mpop takes elements from the first list that has some. It answers unless there is none.
func (c *Call) mpop(o *mpopArgs) (answered bool) {
	for i := o.firstKey; i < o.firstKey+o.keys; i++ {
		t := c.Key(i)
		run, ok := c.take(&t, o.start, o.count)
		if !ok {
			return true
		}
		if len(run) > 0 {
			c.W.Array(2)
			c.W.Bulk(c.Args[i])
			c.popped(run)
			return true
		}
	}
	return false
}
