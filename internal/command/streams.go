package command

import (
	"math"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on the entries of a stream do. streams_read.go has those that read several streams, and wait,
// streams_group.go those of consumer groups, streams_info.go those that describe a stream.

const (
	errTwoTrims = errs.Error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
	errNoTrim   = errs.Error("ERR syntax error, XTRIM must be called with a trimming strategy")
	errMaxLen   = errs.Error("ERR The MAXLEN argument must be >= 0.")
	errLimit    = errs.Error("ERR The LIMIT argument must be >= 0.")
	errBare     = errs.Error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
	errExact    = errs.Error("ERR syntax error, LIMIT cannot be used without the special ~ option")

	errStartID = errs.Error("ERR invalid start ID for the interval")
	errEndID   = errs.Error("ERR invalid end ID for the interval")

	errAddedBelow = errs.Error("ERR entries_added must be positive")
	errBelowGiven = errs.Error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
)

// readStream opens the stream of the command's key as a read does.
func (c *Call) readStream() (s value.Stream, it keyspace.Item, err error) {
	it = c.find(&c.One)
	s, err = it.Stream()
	return s, it, err
}

// streamID answers an ID.
func (c *Call) streamID(id value.StreamID) {
	c.old = id.AppendTo(c.old[:0])
	c.W.Bulk(c.old)
}

// entry answers an entry: its ID, and its fields and values in turn.
func (c *Call) entry(e value.StreamEntry) {
	c.W.Array(2)
	c.streamID(e.ID)
	c.W.Array(2 * e.Len)
	for name, v, ok := e.Next(); ok; name, v, ok = e.Next() {
		c.stringOf(name.Str, name.Int, name.IsInt)
		c.stringOf(v.Str, v.Int, v.IsInt)
	}
}

// stringOf answers an element of a packed sequence.
func (c *Call) stringOf(s []byte, n int64, isInt bool) {
	if isInt {
		c.old = num.AppendInt(c.old[:0], n)
		s = c.old
	}
	c.W.Bulk(s)
}

// entries answers the first n entries of a range.
func (c *Call) entries(r *value.StreamRange, n int) {
	c.W.Array(n)
	for range n {
		e, _ := r.Next()
		c.entry(e)
	}
}

// anInt reads an integer.
func anInt(arg []byte) (int64, error) {
	if n, ok := num.ParseInt(arg); ok {
		return n, nil
	}
	return 0, errs.NotInteger
}

// anID reads the ID of an entry; one without a number is the first of its time.
func anID(arg []byte) (value.StreamID, error) {
	if id, ok := value.ParseStreamID(arg, 0); ok {
		return id, nil
	}
	return value.StreamID{}, errs.StreamID
}

// someIDs reads IDs and appends them to dst.
func someIDs(dst []value.StreamID, args [][]byte) ([]value.StreamID, error) {
	for _, a := range args {
		id, err := anID(a)
		if err != nil {
			return dst, err
		}
		dst = append(dst, id)
	}
	return dst, nil
}

// fewIDs is room for the IDs of most commands.
type fewIDs [8]value.StreamID

// bound reads an end of an interval; missing is the number of an ID that has none. open says that the ID itself doesn't
// belong to it.
func bound(arg []byte, missing uint64) (id value.StreamID, open bool, err error) {
	ok := false
	if open = len(arg) > 1 && arg[0] == '('; open {
		id, ok = value.ParseStreamID(arg[1:], missing)
	} else {
		id, ok = value.ParseStreamBound(arg, missing)
	}
	if !ok {
		err = errs.StreamID
	}
	return id, open, err
}

// startBound and endBound read the ends of an interval.
func startBound(arg []byte) (value.StreamID, error) {
	id, open, err := bound(arg, 0)
	if err == nil && open {
		if id, open = id.Next(); !open {
			err = errStartID
		}
	}
	return id, err
}

func endBound(arg []byte) (value.StreamID, error) {
	id, open, err := bound(arg, math.MaxUint64)
	if err == nil && open {
		if id, open = id.Prev(); !open {
			err = errEndID
		}
	}
	return id, err
}

// trimParser reads what XADD and XTRIM share.
type trimParser struct {
	trim    value.StreamTrim
	limited bool
}

// option reads the option that args begin with, and returns how many arguments it takes, 0 if it is none.
func (p *trimParser) option(args [][]byte) (n int, err error) {
	if len(args) < 2 {
		return 0, nil
	}
	t := &p.trim
	switch {
	case isWord(args[0], "maxlen"), isWord(args[0], "minid"):
		if t.By != value.TrimNothing {
			return 0, errTwoTrims
		}
		n = 1
		if len(args) > 2 {
			if t.Whole = isWord(args[1], "~"); t.Whole || isWord(args[1], "=") {
				n = 2
			}
		}
		if isWord(args[0], "maxlen") {
			t.By = value.TrimMaxLen
			if t.MaxLen, err = anInt(args[n]); err == nil && t.MaxLen < 0 {
				err = errMaxLen
			}
		} else {
			t.By = value.TrimMinID
			t.MinID, err = anID(args[n])
		}
		return n + 1, err
	case isWord(args[0], "limit"):
		p.limited = true
		if t.Limit, err = anInt(args[1]); err == nil && t.Limit < 0 {
			err = errLimit
		}
		return 2, err
	}
	return 0, nil
}

// finish checks whether the options suit each other. blockEntries is how many entries a block has.
func (p *trimParser) finish(must bool, blockEntries int64) error {
	t := &p.trim
	switch {
	case t.Limit != 0 && t.By == value.TrimNothing:
		return errBare
	case must && t.By == value.TrimNothing:
		return errNoTrim
	case p.limited && !t.Whole:
		return errExact
	case !p.limited && t.Whole:
		// A hundred blocks at a time.
		const least, most = 10_000, 1_000_000
		if t.Limit = most; blockEntries <= most/100 {
			t.Limit = blockEntries * 100
		}
		if t.Limit <= 0 {
			t.Limit = least
		}
	}
	return nil
}

func (c *Call) blockEntries() int64 { return c.One.DB.Heap().Limits.StreamEntries.Load() }

func runXadd(c *Call) {
	var o keyspace.StreamAdd
	var p trimParser
	i := 2
	for ; i < len(c.Args) && !isWord(c.Args[i], "*"); i++ {
		n, err := p.option(c.Args[i:])
		if err != nil {
			c.Fail(err)
			return
		}
		if n > 0 {
			i += n - 1
			continue
		}
		if isWord(c.Args[i], "nomkstream") {
			o.NoMake = true
			continue
		}
		if o.ID, o.ChooseSeq, o.Given = value.ParseNewStreamID(c.Args[i]); !o.Given {
			c.Fail(errs.StreamID)
			return
		}
		break
	}
	if err := p.finish(false, c.blockEntries()); err != nil {
		c.Fail(err)
		return
	}
	if rest := len(c.Args) - i - 1; rest < 2 || rest%2 == 1 {
		c.Fail(WrongArity(c.Row))
		return
	}
	if o.Given && !o.ChooseSeq && o.ID == (value.StreamID{}) {
		c.Fail(errs.StreamIDZero)
		return
	}
	o.Trim = p.trim
	id, added, err := c.One.DB.StreamAdd(c.One.Hash, c.One.Key, c.Args[i+1:], &o)
	switch {
	case err != nil:
		c.Fail(err)
	case added:
		c.streamID(id)
	default:
		c.W.Null()
	}
}

func runXtrim(c *Call) {
	var p trimParser
	for i := 2; i < len(c.Args); {
		n, err := p.option(c.Args[i:])
		if err == nil && n == 0 {
			err = errs.Syntax
		}
		if err != nil {
			c.Fail(err)
			return
		}
		i += n
	}
	if err := p.finish(true, c.blockEntries()); err != nil {
		c.Fail(err)
		return
	}
	c.lengthOf(c.One.DB.StreamTrim(c.One.Hash, c.One.Key, &p.trim))
}

func runXlen(c *Call) {
	s, _, err := c.readStream()
	c.lengthOf(s.Len, err)
}

func runXdel(c *Call) {
	it := c.One.DB.Look(c.One.Hash, c.One.Key)
	if _, err := it.As(keyspace.Stream); err != nil || !it.Found() {
		c.lengthOf(0, err)
		return
	}
	var few fewIDs
	ids, err := someIDs(few[:0], c.Args[2:])
	if err != nil {
		c.Fail(err)
		return
	}
	c.lengthOf(c.One.DB.StreamDelete(c.One.Hash, c.One.Key, ids))
}

func runXrange(c *Call)    { c.streamRange(c.Args[2], c.Args[3], false) }
func runXrevrange(c *Call) { c.streamRange(c.Args[3], c.Args[2], true) }

func (c *Call) streamRange(start, end []byte, reverse bool) {
	from, err := startBound(start)
	if err != nil {
		c.Fail(err)
		return
	}
	to, err := endBound(end)
	if err != nil {
		c.Fail(err)
		return
	}
	count := int64(math.MaxInt)
	for i := 4; i < len(c.Args); i += 2 {
		if !isWord(c.Args[i], "count") || i+1 == len(c.Args) {
			c.Fail(errs.Syntax)
			return
		}
		if count, err = anInt(c.Args[i+1]); err != nil {
			c.Fail(err)
			return
		}
	}
	s, it, err := c.readStream()
	switch {
	case err != nil:
		c.Fail(err)
		return
	case !it.Found():
		c.W.Array(0)
		return
	case count <= 0:
		c.W.NullArray()
		return
	}
	r := s.Range(it.View().Mem, from, to)
	if reverse {
		r = s.Reverse(it.View().Mem, from, to)
	}
	c.entries(&r, r.Count(int(min(count, math.MaxInt))))
}

func runXsetid(c *Call) {
	o := keyspace.StreamSetID{Added: -1}
	var err error
	if o.Last, err = anID(c.Args[2]); err != nil {
		c.Fail(err)
		return
	}
	for i := 3; i < len(c.Args); i += 2 {
		switch a := c.Args[i]; {
		case i+1 == len(c.Args):
			err = errs.Syntax
		case isWord(a, "entriesadded"):
			if o.Added, err = anInt(c.Args[i+1]); err == nil && o.Added < 0 {
				err = errAddedBelow
			}
		case isWord(a, "maxdeletedid"):
			if o.Deleted, err = anID(c.Args[i+1]); err == nil && o.Last.Less(o.Deleted) {
				err = errBelowGiven
			}
		default:
			err = errs.Syntax
		}
		if err != nil {
			c.Fail(err)
			return
		}
	}
	if err := c.One.DB.StreamSetID(c.One.Hash, c.One.Key, &o); err != nil {
		c.Fail(err)
		return
	}
	c.OK()
}
