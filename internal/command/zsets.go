package command

import (
	"math"
	"strconv"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on one sorted set do; zsets_range.go has those that take a range of it, zsets_draw.go those that
// take elements from an end or at random, and zsets_merge.go those on several.

const (
	errNewAndOld     = errs.Error("ERR XX and NX options at the same time are not compatible")
	errNewAndLimited = errs.Error("ERR GT, LT, and/or NX options at the same time are not compatible")
	errPopCount      = errs.Error("ERR count should be greater than 0")
	errOneIncrement  = errs.Error("ERR INCR option supports a single increment-element pair")
)

// readSorted opens a sorted set as a read does, an empty one for an absent key.
func (c *Call) readSorted() (value.SortedSet, error) {
	it := c.find(&c.One)
	return it.SortedSet()
}

// parseAddOptions reads the options of ZADD, and returns where the scores begin.
func parseAddOptions(args [][]byte) (mode value.AddMode, changed bool, first int) {
	for first = 2; first < len(args); first++ {
		switch a := args[first]; {
		case isWord(a, "nx"):
			mode |= value.AddNew
		case isWord(a, "xx"):
			mode |= value.AddOld
		case isWord(a, "gt"):
			mode |= value.AddGreater
		case isWord(a, "lt"):
			mode |= value.AddLess
		case isWord(a, "incr"):
			mode |= value.AddIncr
		case isWord(a, "ch"):
			changed = true
		default:
			return mode, changed, first
		}
	}
	return mode, changed, first
}

// checkAddOptions says what is wrong with the options of ZADD for n arguments behind them.
func checkAddOptions(mode value.AddMode, n int) error {
	const (
		either  = value.AddNew | value.AddOld
		limited = value.AddGreater | value.AddLess
	)
	switch {
	case n == 0 || n%2 != 0:
		return errs.Syntax
	case mode&either == either:
		return errNewAndOld
	case mode&limited == limited, mode&limited != 0 && mode&value.AddNew != 0:
		return errNewAndLimited
	case mode&value.AddIncr != 0 && n > 2:
		return errOneIncrement
	}
	return nil
}

func runZadd(c *Call) {
	mode, changes, first := parseAddOptions(c.Args)
	pairs := c.Args[first:]
	if err := checkAddOptions(mode, len(pairs)); err != nil {
		c.Fail(err)
		return
	}
	scores := c.scores[:0]
	for i := 0; i < len(pairs); i += 2 {
		score, ok := num.ParseFloat(pairs[i])
		if !ok {
			c.Fail(errs.NotFloat)
			return
		}
		scores = append(scores, score)
	}
	if mode&value.AddIncr != 0 {
		c.incrScore(pairs[1], scores[0], mode)
		return
	}
	if cap(scores) <= maxKept/8 {
		c.scores = scores
	}
	added, changed, err := c.One.DB.SortedAdd(c.One.Hash, c.One.Key, mode, len(scores), func(i int) ([]byte, float64) {
		return pairs[2*i+1], scores[i]
	})
	if changes {
		added += changed
	}
	c.lengthOf(added, err)
}

// incrScore adds to the score of a member and answers with the sum, or that nothing was done.
func (c *Call) incrScore(member []byte, by float64, mode value.AddMode) {
	sum, done, err := c.One.DB.SortedIncr(c.One.Hash, c.One.Key, member, by, mode)
	switch {
	case err != nil:
		c.Fail(err)
	case !done:
		c.W.Null()
	default:
		c.W.Double(sum)
	}
}

func runZincrby(c *Call) {
	by, ok := num.ParseFloat(c.Args[2])
	if !ok {
		if _, _, first := parseAddOptions(c.Args); first > 2 { // where ZADD has options
			c.Fail(errs.Syntax)
			return
		}
		c.Fail(errs.NotFloat)
		return
	}
	c.incrScore(c.Args[3], by, 0)
}

func runZrem(c *Call) {
	members := c.Args[2:]
	c.lengthOf(c.One.DB.SortedRemove(c.One.Hash, c.One.Key, len(members), func(i int) []byte { return members[i] }))
}

func runZcard(c *Call) {
	z, err := c.readSorted()
	c.lengthOf(z.Len(), err)
}

func runZscore(c *Call) {
	score, found, err := c.find(&c.One).SortedScore(c.Args[2])
	if err != nil {
		c.Fail(err)
		return
	}
	c.score(score, found)
}

// score answers with the score of a member, or that it isn't there.
func (c *Call) score(score float64, found bool) {
	if found {
		c.W.Double(score)
	} else {
		c.W.Null()
	}
}

func runZmscore(c *Call) {
	z, err := c.readSorted()
	if err != nil {
		c.Fail(err)
		return
	}
	members := c.Args[2:]
	c.W.Array(len(members))
	for i, member := range members {
		z.Ahead(i, len(members), func(i int) []byte { return members[i] })
		c.score(z.Score(member))
	}
}

func runZrank(c *Call)    { c.memberRank(false) }
func runZrevrank(c *Call) { c.memberRank(true) }

func (c *Call) memberRank(reverse bool) {
	withScore := len(c.Args) == 4
	switch {
	case len(c.Args) > 4:
		c.Fail(WrongArity(c.Row))
		return
	case withScore && !isWord(c.Args[3], "withscore"):
		c.Fail(errs.Syntax)
		return
	}
	z, err := c.readSorted()
	if err != nil {
		c.Fail(err)
		return
	}
	rank, score, found := z.Rank(c.Args[2])
	if reverse {
		rank = z.Len() - 1 - rank
	}
	switch {
	case found && withScore:
		c.W.Array(2)
		c.W.Int(int64(rank))
		c.W.Double(score)
	case found:
		c.W.Int(int64(rank))
	case withScore:
		c.W.NullArray()
	default:
		c.W.Null()
	}
}

// memberOf returns the bytes of an element's member. Those of an integer are good until the next.
func (c *Call) memberOf(e *value.SortedElem) []byte {
	const digits = 20
	if cap(c.old) < digits {
		c.old = make([]byte, 0, 2*digits)
	}
	return e.Member(c.old)
}

// scorePairs opens an answer of n members with their scores, each pair of them an array of its own or not.
func (c *Call) scorePairs(n int, nested bool) {
	if nested {
		c.W.Array(n)
	} else {
		c.W.Array(2 * n)
	}
}

func (c *Call) scorePair(member []byte, score float64, nested bool) {
	if nested {
		c.W.Array(2)
	}
	c.W.Bulk(member)
	c.W.Double(score)
}

func runZscan(c *Call) {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		c.Fail(errs.InvalidCursor)
		return
	}
	z, err := c.readSorted()
	if err != nil {
		c.Fail(err)
		return
	}
	// An absent key is found out before the options are looked at.
	count, match := int64(10), func([]byte) bool { return true }
	if z.Len() > 0 {
		if count, match, err = scanOptions(c.Args[3:]); err != nil {
			c.Fail(err)
			return
		}
	}
	var found keyList
	var buf [32]byte
	cursor = z.Scan(cursor, int(min(count, int64(z.Len()))), func(member []byte, score float64) {
		if match(member) {
			found.add(member)
			found.add(appendScanned(buf[:0], score, z.Large()))
		}
	})
	c.W.Array(2)
	c.W.Bulk(num.AppendUint(buf[:0], cursor))
	found.write(c)
}

// appendScanned appends a score as ZSCAN tells it: of a large sorted set with 17 digits, as few of which are zeros at
// the end as can be.
func appendScanned(dst []byte, score float64, large bool) []byte {
	if !large || math.IsInf(score, 0) {
		return num.AppendDouble(dst, score)
	}
	return strconv.AppendFloat(dst, score, 'g', 17, 64)
}

func runZpopmin(c *Call) { c.popEnd(false) }
func runZpopmax(c *Call) { c.popEnd(true) }

func (c *Call) popEnd(highest bool) {
	count := int64(1)
	if len(c.Args) > 3 {
		c.Fail(errs.Syntax)
		return
	}
	if len(c.Args) == 3 {
		var ok bool
		if count, ok = num.ParseInt(c.Args[2]); !ok || count < 0 {
			c.Fail(errNotPositive)
			return
		}
	}
	popped, n, err := c.popSorted(&c.One, count, highest)
	if err != nil && n == 0 {
		c.Fail(err)
		return
	}
	c.writePopped(popped, n, len(c.Args) == 3 && c.W.Proto() == 3)
}

// popSorted removes up to count elements from an end of a sorted set. What is gone has to be told, even if memory ran
// out before the rest.
func (c *Call) popSorted(t *Target, count int64, highest bool) (popped []byte, n int, err error) {
	popped, n, err = t.DB.SortedPop(c.old[:0], t.Hash, t.Key, int(min(count, math.MaxInt)), highest)
	if cap(popped) <= maxKept {
		c.old = popped
	}
	return popped, n, err
}

func (c *Call) writePopped(popped []byte, n int, nested bool) {
	c.scorePairs(n, nested)
	for len(popped) > 0 {
		var member []byte
		var score float64
		member, score, popped = keyspace.NextPopped(popped)
		c.scorePair(member, score, nested)
	}
}

func runZmpop(c *Call) {
	keys, highest, count, err := parseZmpop(c.Args, 1)
	if err != nil {
		c.Fail(err)
		return
	}
	for i := range keys {
		t := c.Key(2 + i)
		popped, n, err := c.popSorted(&t, count, highest)
		if err != nil && n == 0 {
			c.Fail(err)
			return
		}
		if n > 0 {
			c.W.Array(2)
			c.W.Bulk(t.Key)
			c.writePopped(popped, n, true)
			return
		}
	}
	c.W.NullArray()
}

// parseZmpop reads the arguments of ZMPOP from the number of keys on, which is args[at].
func parseZmpop(args [][]byte, at int) (keys int, highest bool, count int64, err error) {
	n, ok := num.ParseInt(args[at])
	if !ok || n < 1 {
		return 0, false, 0, errKeyCount
	}
	if n >= int64(len(args)-at-1) {
		return 0, false, 0, errs.Syntax
	}
	highest, count, err = parsePopArgs(args[at+1+int(n):])
	return int(n), highest, count, err
}

// parsePopArgs reads what follows the keys of ZMPOP: an end, and how many elements.
func parsePopArgs(args [][]byte) (highest bool, count int64, err error) {
	switch {
	case isWord(args[0], "max"):
		highest = true
	case !isWord(args[0], "min"):
		return false, 0, errs.Syntax
	}
	args = args[1:]
	if len(args) == 0 {
		return highest, 1, nil
	}
	if len(args) < 2 || !isWord(args[0], "count") {
		return false, 0, errs.Syntax
	}
	count, ok := num.ParseInt(args[1])
	switch {
	case !ok || count < 1:
		return false, 0, errPopCount
	case len(args) > 2:
		return false, 0, errs.Syntax
	}
	return highest, count, nil
}
