package command

import (
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// The commands that join or compare several sorted sets. Sets may be among them: their members have the score 1.

const errWeight = errs.Error("ERR weight value is not a float")

// mergeKind is what is done with the sources.
type mergeKind uint8

const (
	mergeUnion mergeKind = iota
	mergeCommon
	mergeRest
	mergeCount
)

// mergeArgs is a call of such a command.
type mergeArgs struct {
	sources    []value.ScoreSource
	aggregate  value.Aggregate
	withScores bool
	limit      int64
}

// scoreSources reads a number of keys, which is argument at, and opens what they hold. It returns where the options
// begin.
func (c *Call) scoreSources(at int) (sources []value.ScoreSource, next int, err error) {
	n, ok := num.ParseInt(c.Args[at])
	switch {
	case !ok:
		return nil, 0, errs.NotInteger
	case n < 1:
		return nil, 0, errs.Error("ERR at least 1 input key is needed for '" + c.Row.FullName() + "' command")
	case n > int64(len(c.Args)-at-1):
		return nil, 0, errs.Syntax
	}
	sources = make([]value.ScoreSource, n)
	for i := range sources {
		t := c.Key(at + 1 + i)
		it := c.find(&t)
		if sources[i], err = it.SortedSource(); err != nil {
			return nil, 0, err
		}
	}
	return sources, at + 1 + int(n), nil
}

// mergeArgs reads the arguments from the number of keys on.
func (c *Call) mergeArgs(at int, kind mergeKind, store bool) (m mergeArgs, err error) {
	m.sources, at, err = c.scoreSources(at)
	if err != nil {
		return m, err
	}
	weighed := kind == mergeUnion || kind == mergeCommon
	for args := c.Args[at:]; len(args) > 0; {
		used := 2
		switch {
		case weighed && len(args) > len(m.sources) && isWord(args[0], "weights"):
			for i := range m.sources {
				weight, ok := num.ParseFloat(args[1+i])
				if !ok {
					return m, errWeight
				}
				m.sources[i].Weight = weight
			}
			used = 1 + len(m.sources)
		case weighed && len(args) > 1 && isWord(args[0], "aggregate"):
			switch a := args[1]; {
			case isWord(a, "sum"):
				m.aggregate = value.AggregateSum
			case isWord(a, "min"):
				m.aggregate = value.AggregateMin
			case isWord(a, "max"):
				m.aggregate = value.AggregateMax
			default:
				return m, errs.Syntax
			}
		case !store && kind != mergeCount && isWord(args[0], "withscores"):
			m.withScores, used = true, 1
		case kind == mergeCount && len(args) > 1 && isWord(args[0], "limit"):
			limit, ok := num.ParseInt(args[1])
			if !ok || limit < 0 {
				return m, errNegativeLimit
			}
			m.limit = limit
		default:
			return m, errs.Syntax
		}
		args = args[used:]
	}
	return m, nil
}

// tally does what a command is for.
func (m *mergeArgs) tally(kind mergeKind, h *value.Heap) *value.Tally {
	t := &value.Tally{Seed: h.Seed}
	switch kind {
	case mergeUnion:
		t.Union(m.sources, m.aggregate)
	case mergeCommon:
		t.Intersect(m.sources, m.aggregate)
	case mergeRest:
		t.Subtract(m.sources)
	}
	return t
}

func runZunion(c *Call) { c.merge(mergeUnion) }
func runZinter(c *Call) { c.merge(mergeCommon) }
func runZdiff(c *Call)  { c.merge(mergeRest) }

func (c *Call) merge(kind mergeKind) {
	m, err := c.mergeArgs(1, kind, false)
	if err != nil {
		c.Fail(err)
		return
	}
	t := m.tally(kind, c.Key(2).DB.Heap())
	t.Sort()
	c.openSorted(t.Len(), m.withScores)
	for i := range t.Len() {
		member, score := t.At(i)
		if m.withScores {
			c.scorePair(member, score, c.W.Proto() == 3)
		} else {
			c.W.Bulk(member)
		}
	}
}

func runZunionstore(c *Call) { c.mergeInto(mergeUnion, keyspace.EventZUnionStore) }
func runZinterstore(c *Call) { c.mergeInto(mergeCommon, keyspace.EventZInterStore) }
func runZdiffstore(c *Call)  { c.mergeInto(mergeRest, keyspace.EventZDiffStore) }

func (c *Call) mergeInto(kind mergeKind, e keyspace.Event) {
	m, err := c.mergeArgs(2, kind, true)
	if err != nil {
		c.Fail(err)
		return
	}
	to := c.Key(1)
	t := m.tally(kind, to.DB.Heap())
	c.lengthOf(t.Len(), to.DB.SortedStore(to.Hash, to.Key, t, e))
}

func runZintercard(c *Call) {
	m, err := c.mergeArgs(1, mergeCount, false)
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Int(value.CommonCount(m.sources, m.limit))
}
