package command

import (
	"bytes"
	"math"
	"strconv"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// The commands that take a range of a sorted set. All of them read their arguments with sortedRange, which differs in
// what the command's name says already.

const (
	errLimitByRank  = errs.Error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
	errScoresByLex  = errs.Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
	errScoreBounds  = errs.Error("ERR min or max is not a float")
	errMemberBounds = errs.Error("ERR min or max not valid string range item")
)

// rangeCommand says what is known of a range before its options are read.
type rangeCommand struct {
	by      value.RangeBy
	reverse bool
	free    bool // options may say by what, and whether backwards
	store   bool // there are no scores to be asked for
}

// sortedRange reads two bounds and the options behind them.
func sortedRange(args [][]byte, rc rangeCommand) (r value.SortedRange, withScores bool, err error) {
	r = value.SortedRange{By: rc.by, Reverse: rc.reverse, Limit: -1}
	bySaid, reverseSaid := !rc.free, !rc.free
	for i := 2; i < len(args); i++ {
		switch a := args[i]; {
		case !rc.store && isWord(a, "withscores"):
			withScores = true
		case isWord(a, "limit") && i+2 < len(args):
			var ok1, ok2 bool
			r.Skip, ok1 = num.ParseInt(args[i+1])
			r.Limit, ok2 = num.ParseInt(args[i+2])
			if !ok1 || !ok2 {
				return r, false, errs.NotInteger
			}
			i += 2
		case !reverseSaid && isWord(a, "rev"):
			r.Reverse, reverseSaid = true, true
		case !bySaid && isWord(a, "byscore"):
			r.By, bySaid = value.ByScore, true
		case !bySaid && isWord(a, "bylex"):
			r.By, bySaid = value.ByMember, true
		default:
			return r, false, errs.Syntax
		}
	}
	switch {
	case r.By == value.ByRank && r.Limit != -1:
		return r, false, errLimitByRank
	case r.By == value.ByMember && withScores:
		return r, false, errScoresByLex
	}
	lower, upper := args[0], args[1]
	if r.Reverse && r.By != value.ByRank {
		lower, upper = upper, lower
	}
	return r, withScores, setBounds(&r, lower, upper)
}

// setBounds reads the bounds of a range.
func setBounds(r *value.SortedRange, lower, upper []byte) error {
	var ok1, ok2 bool
	switch r.By {
	case value.ByRank:
		r.First, ok1 = num.ParseInt(lower)
		r.Last, ok2 = num.ParseInt(upper)
		if !ok1 || !ok2 {
			return errs.NotInteger
		}
	case value.ByScore:
		r.Score.Min, r.Score.ExceptMin, ok1 = parseScoreBound(lower)
		r.Score.Max, r.Score.ExceptMax, ok2 = parseScoreBound(upper)
		if !ok1 || !ok2 {
			return errScoreBounds
		}
	case value.ByMember:
		r.Member.Min, ok1 = parseMemberBound(lower)
		r.Member.Max, ok2 = parseMemberBound(upper)
		if !ok1 || !ok2 {
			return errMemberBounds
		}
	}
	return nil
}

// parseScoreBound reads a score that may have a ( before it, as freely as Redis does: blanks may stand before the
// number, which ends at a zero byte; nothing is 0, and a number out of a float's range is infinite or 0.
func parseScoreBound(b []byte) (score float64, except, ok bool) {
	if len(b) > 0 && b[0] == '(' {
		b, except = b[1:], true
	}
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	if len(b) == 0 {
		return 0, except, true
	}
	b = bytes.TrimLeft(b, " \t\n\v\f\r")
	if score, ok = num.ParseFloat(b); ok || len(b) == 0 {
		return score, except, ok
	}
	score, ok = parseOutOfRange(b)
	return score, except, ok
}

// parseOutOfRange reads a number that is too large for a float or too close to zero.
func parseOutOfRange(b []byte) (float64, bool) {
	if len(bytes.Trim(b, "+-.0123456789abcdefABCDEFxXpP")) > 0 {
		return 0, false
	}
	text := string(b)
	if bytes.ContainsAny(b, "xX") && !bytes.ContainsAny(b, "pP") {
		text += "p0"
	}
	score, err := strconv.ParseFloat(text, 64)
	return score, err == nil || math.IsInf(score, 0)
}

// parseMemberBound reads a member with a [ or ( before it, or a - or + for the ends of all.
func parseMemberBound(b []byte) (bound value.MemberBound, ok bool) {
	if len(b) == 0 {
		return bound, false
	}
	switch b[0] {
	case '-':
		return value.MemberBound{End: -1}, len(b) == 1 || b[1] == 0
	case '+':
		return value.MemberBound{End: 1}, len(b) == 1 || b[1] == 0
	case '[':
		return value.MemberBound{Member: b[1:]}, true
	case '(':
		return value.MemberBound{Member: b[1:], Except: true}, true
	}
	return bound, false
}

func runZrange(c *Call)    { c.sendRange(rangeCommand{free: true}) }
func runZrevrange(c *Call) { c.sendRange(rangeCommand{reverse: true}) }

func runZrangebyscore(c *Call)    { c.sendRange(rangeCommand{by: value.ByScore}) }
func runZrevrangebyscore(c *Call) { c.sendRange(rangeCommand{by: value.ByScore, reverse: true}) }
func runZrangebylex(c *Call)      { c.sendRange(rangeCommand{by: value.ByMember}) }
func runZrevrangebylex(c *Call)   { c.sendRange(rangeCommand{by: value.ByMember, reverse: true}) }

func (c *Call) sendRange(rc rangeCommand) {
	r, withScores, err := sortedRange(c.Args[2:], rc)
	if err != nil {
		c.Fail(err)
		return
	}
	z, err := c.readSorted()
	if err != nil {
		c.Fail(err)
		return
	}
	s := z.Span(&r)
	c.openSorted(s.Len(), withScores)
	if r.Reverse {
		at := z.From(s.To)
		for range s.Len() {
			e, _ := at.Prev()
			c.sortedElement(&e, withScores)
		}
		return
	}
	at := z.From(s.From)
	pairs := c.W.Proto() == 3
	for range s.Len() {
		member, score, _ := at.NextBytes(c.digits[:0])
		if withScores {
			c.scorePair(member, score, pairs)
		} else {
			c.W.Bulk(member)
		}
	}
}

func runZrangestore(c *Call) {
	r, _, err := sortedRange(c.Args[3:], rangeCommand{free: true, store: true})
	if err != nil {
		c.Fail(err)
		return
	}
	to, from := c.Key(1), c.Key(2)
	it := c.find(&from)
	z, err := it.SortedSet()
	if err != nil {
		c.Fail(err)
		return
	}
	c.lengthOf(to.DB.SortedStoreRange(to.Hash, to.Key, &z, &r))
}

func runZcount(c *Call)    { c.countRange(value.ByScore) }
func runZlexcount(c *Call) { c.countRange(value.ByMember) }

func (c *Call) countRange(by value.RangeBy) {
	r, _, err := sortedRange(c.Args[2:], rangeCommand{by: by})
	if err != nil {
		c.Fail(err)
		return
	}
	z, err := c.readSorted()
	c.lengthOf(z.Span(&r).Len(), err)
}

func runZremrangebyrank(c *Call)  { c.removeRange(value.ByRank, keyspace.EventZRemRangeByRank) }
func runZremrangebyscore(c *Call) { c.removeRange(value.ByScore, keyspace.EventZRemRangeByScore) }
func runZremrangebylex(c *Call)   { c.removeRange(value.ByMember, keyspace.EventZRemRangeByLex) }

func (c *Call) removeRange(by value.RangeBy, e keyspace.Event) {
	r, _, err := sortedRange(c.Args[2:], rangeCommand{by: by})
	if err != nil {
		c.Fail(err)
		return
	}
	c.lengthOf(c.One.DB.SortedRemoveRange(c.One.Hash, c.One.Key, &r, e))
}
