package value

import (
	"encoding/binary"
	"math"

	"github.com/darterdb/darter/internal/hashmap"
)

// Scan passes on the elements of one step of a walk, count of them or more if there are so many, and returns the
// cursor of the next step, 0 at the end; 0 starts one. A packed sorted set is one step. Elements that are there from
// the start of a walk to its end are passed on at least once, others may be or not. fn must not change the sorted
// set. Members are good for the call.
//
// A scan must meet every element that is there all the time, whatever becomes of its score meanwhile. So it goes over
// the map, by hashes, a page at a time.
func (z *SortedSet) Scan(cursor uint64, count int, fn func(member []byte, score float64)) (next uint64) {
	if z.form != sortedLarge {
		var digits [20]byte
		c := z.From(0)
		for e, ok := c.Next(); ok; e, ok = c.Next() {
			fn(e.Member(digits[:]), e.Score)
		}
		return 0
	}
	for more := true; more; more = cursor != 0 && count > 0 {
		cursor = z.scores.Scan(z.view.Mem, cursor, func(e hashmap.Entry) {
			count--
			fn(e.Key, math.Float64frombits(binary.LittleEndian.Uint64(e.Value)))
		})
	}
	return cursor
}
