package slab

// Prefetch has the processor load n bytes from ref on, while the caller goes on: a cell whose bytes are read one here
// and one there costs one wait for memory then, not one for each. It reads nothing: what is there may change, and may
// lie behind the region's end.
func (m Mem) Prefetch(ref Ref, n int) { prefetch(&m.From(ref)[0], n) }
