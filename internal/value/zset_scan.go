package value

import (
	"cmp"
	"math"
	"slices"
)

// # Scans
//
// A scan must meet every element that is there all the time, whatever becomes of its score meanwhile. So it can't go
// by the order of the elements: it goes over the index, by hashes, a page at a time. An entry there has a score but
// no member: the tree has it among the members with that score. Where scores differ that is one search an element.
// Where many members share a score all of these are gone over and their hashes compared; then more pages are taken at
// once, so that the elements which are passed over are no more than scanEffort times those that are found.

const scanEffort = 64

// scanned is an entry of the index.
type scanned struct {
	score float64
	hash  uint32
}

func compareScanned(a, b scanned) int {
	if c := cmp.Compare(a.score, b.score); c != 0 {
		return c
	}
	return cmp.Compare(a.hash, b.hash)
}

// Scan passes on the elements of one step of a walk, count of them or more if there are so many, and returns the
// cursor of the next step, 0 at the end; 0 starts one. A packed sorted set is one step. Elements that are there from
// the start of a walk to its end are passed on at least once, others may be or not. fn must not change the sorted
// set. Members are good for the call.
func (z *SortedSet) Scan(cursor uint64, count int, fn func(member []byte, score float64)) (next uint64) {
	var digits [20]byte
	if z.form != sortedLarge {
		c := z.From(0)
		for e, ok := c.Next(); ok; e, ok = c.Next() {
			fn(e.Member(digits[:]), e.Score)
		}
		return 0
	}
	var batch []scanned
	for {
		for more := true; more; more = cursor != 0 && len(batch) < count {
			cursor = z.index.Scan(z.view.Mem, cursor, func(hash uint32, bits uint64) {
				batch = append(batch, scanned{math.Float64frombits(bits), hash})
			})
		}
		slices.SortFunc(batch, compareScanned)
		effort := 0
		z.eachRun(batch, func(_ []scanned, r Ranks) { effort += r.Len() })
		if cursor == 0 || effort <= scanEffort*len(batch) {
			break
		}
		count = effort/scanEffort + 1
	}
	z.eachRun(batch, func(run []scanned, r Ranks) {
		c := z.From(r.From)
		for range r.Len() {
			e, _ := c.Next()
			member := e.Member(digits[:])
			if r.Len() > len(run) {
				if _, found := slices.BinarySearchFunc(run, z.hashOf(member), scanned.compareHash); !found {
					continue
				}
			}
			fn(member, e.Score)
		}
	})
	return cursor
}

func (s scanned) compareHash(hash uint64) int { return cmp.Compare(s.hash, uint32(hash)) }

// eachRun passes on the entries of each score in a batch, and the ranks of all elements with that score.
func (z *SortedSet) eachRun(batch []scanned, fn func(run []scanned, r Ranks)) {
	for len(batch) > 0 {
		score, n := batch[0].score, 1
		for n < len(batch) && batch[n].score == score {
			n++
		}
		fn(batch[:n], Ranks{z.scoreRank(score, false), z.scoreRank(score, true)})
		batch = batch[n:]
	}
}
