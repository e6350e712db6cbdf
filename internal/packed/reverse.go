package packed

// Reverse goes over a sequence from its end to its start, without an allocation. It walks the sequence from the start
// for each reverseSteps elements that it returns, so it is for short ones.
type Reverse struct {
	b    []byte
	left int                  // elements that were not returned
	at   [reverseSteps]uint32 // where some of them start: number i at i % reverseSteps
	from int                  // the first of these
}

const reverseSteps = 64

// Backwards returns a Reverse over the n elements of b.
func Backwards(b []byte, n int) Reverse { return Reverse{b: b, left: n, from: n} }

// Next returns the element before the one that it returned last, the last one first.
func (r *Reverse) Next() (Elem, bool) {
	if r.left == 0 {
		return Elem{}, false
	}
	if r.left == r.from {
		r.from = max(0, r.left-reverseSteps)
		at := Offset(r.b, r.from)
		for i := r.from; i < r.left; i++ {
			r.at[i%reverseSteps] = uint32(at)
			at += Skip(r.b[at:])
		}
	}
	r.left--
	e, _ := Decode(r.b[r.at[r.left%reverseSteps]:])
	return e, true
}
