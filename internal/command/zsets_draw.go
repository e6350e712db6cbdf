package command

import (
	"math"
	"math/rand/v2"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

func runZrandmember(c *Call) {
	if len(c.Args) > 2 {
		c.randomMany()
		return
	}
	z, err := c.readSorted()
	switch {
	case err != nil:
		c.Fail(err)
	case z.Len() == 0:
		c.W.Null()
	default:
		e := elementAt(&z, rand.IntN(z.Len()))
		c.W.Bulk(c.memberOf(&e))
	}
}

func elementAt(z *value.SortedSet, rank int) value.SortedElem {
	c := z.From(rank)
	e, _ := c.Next()
	return e
}

func (c *Call) randomMany() {
	count, ok := num.ParseInt(c.Args[2])
	withScores := len(c.Args) == 4
	switch {
	case !ok:
		c.Fail(errs.NotInteger)
		return
	case count == math.MinInt64:
		c.Fail(errNotLong)
		return
	case len(c.Args) > 4 || withScores && !isWord(c.Args[3], "withscores"):
		c.Fail(errs.Syntax)
		return
	case withScores && (count < -math.MaxInt64/2 || count > math.MaxInt64/2):
		c.Fail(errTooMany)
		return
	}
	z, err := c.readSorted()
	switch {
	case err != nil:
		c.Fail(err)
	case count == 0 || z.Len() == 0:
		c.W.Array(0)
	case count < 0:
		c.drawElements(&z, -count, withScores)
	default:
		c.sampleElements(&z, int(min(count, int64(z.Len()))), withScores)
	}
}

// openSorted opens an answer of n elements, and sortedElement answers one of them.
func (c *Call) openSorted(n int, withScores bool) {
	if withScores {
		c.scorePairs(n, c.W.Proto() == 3)
	} else {
		c.W.Array(n)
	}
}

func (c *Call) sortedElement(e *value.SortedElem, withScores bool) {
	if withScores {
		c.scorePair(c.memberOf(e), e.Score, c.W.Proto() == 3)
	} else {
		c.W.Bulk(c.memberOf(e))
	}
}

// sampleElements answers n different elements. Where these are a good part of all, it goes over all; else it draws
// ranks.
func (c *Call) sampleElements(z *value.SortedSet, n int, withScores bool) {
	const manyOf = 8
	c.openSorted(n, withScores)
	if n >= z.Len()/manyOf {
		at := z.From(0)
		for left := z.Len(); n > 0; left-- {
			e, _ := at.Next()
			if rand.IntN(left) < n {
				c.sortedElement(&e, withScores)
				n--
			}
		}
		return
	}
	// Floyd's way: a rank that is drawn again gives way to the last one that could be drawn.
	drawn := make(map[int]struct{}, n)
	for last := z.Len() - n; last < z.Len(); last++ {
		rank := rand.IntN(last + 1)
		if _, again := drawn[rank]; again {
			rank = last
		}
		drawn[rank] = struct{}{}
		e := elementAt(z, rank)
		c.sortedElement(&e, withScores)
	}
}

// drawElements answers n elements, of which some may come again. What that takes has no bound but n, so it is counted
// before anything is written: a reply longer than the longest string allowed is refused.
func (c *Call) drawElements(z *value.SortedSet, n int64, withScores bool) {
	const overhead = int64(len("$1\r\n\r\n"))
	limit := c.Env.MaxBulk()
	least := overhead
	if withScores {
		least += overhead
	}
	if n > limit/least {
		c.Fail(errTooMany)
		return
	}
	at := elementAt
	if !z.Large() && n > int64(z.Len())/2 {
		all := make([]value.SortedElem, 0, z.Len())
		cursor := z.From(0)
		for e, ok := cursor.Next(); ok; e, ok = cursor.Next() {
			all = append(all, e)
		}
		at = func(_ *value.SortedSet, rank int) value.SortedElem { return all[rank] }
	}
	a, b := rand.Uint64(), rand.Uint64()
	draw := func(fn func(e *value.SortedElem)) {
		rng := rand.New(rand.NewPCG(a, b))
		for range n {
			e := at(z, rng.IntN(z.Len()))
			fn(&e)
		}
	}
	total := int64(0)
	draw(func(e *value.SortedElem) { total += least + int64(len(c.memberOf(e))) })
	if total > limit {
		c.Fail(errTooMany)
		return
	}
	c.openSorted(int(n), withScores)
	draw(func(e *value.SortedElem) { c.sortedElement(e, withScores) })
}
