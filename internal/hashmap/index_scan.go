package hashmap

import "github.com/darterdb/darter/internal/slab"

// Scan passes on the entries of one step of a walk and returns the cursor of the next step, 0 at the end; 0 starts one.
// Entries that are there from the start of a walk to its end are passed on at least once, as by Map.Scan. fn must not
// change the index. O(1).
func (x *Index) Scan(m slab.Mem, cursor uint64, fn func(h uint32, number uint64)) uint64 {
	if x.Count == 0 {
		return 0
	}
	i := x.number(cursor)
	if ref := x.page(m, i); ref != 0 {
		b := node(m, ref)
		for j := range countOf(b) {
			fn(hashOf(b, j), le64(numberOf(b, j)))
		}
	}
	return x.next(cursor, i)
}
