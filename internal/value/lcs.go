package value

import "math"

// The longest common subsequence by dynamic programming (Wagner and Fischer, 1974). Of the table of lengths only the
// last row is kept. The way back through it needs one bit a cell: which neighbour the cell took its length from.
//
//	cell (i, j)   length for the first i bytes of a and the first j of b
//	equal bytes   1 + cell (i-1, j-1)
//	else          the greater of cell (i-1, j), where the bit is set, and cell (i, j-1), which wins a tie

// lcsCell is the size that a cell of the table counts for under the limit. Redis keeps them all, and refuses by it.
const lcsCell = 4

// Match is a stretch that two strings have in common: Len bytes from A on in the one and from B on in the other.
type Match struct{ A, B, Len int }

// CommonWithin says whether the table for strings of n and m bytes stays within limit bytes, and within what Common can
// count.
func CommonWithin(n, m int, limit int64) bool {
	limit = min(limit, lcsCell*math.MaxInt32)
	return int64(n)+1 <= limit/lcsCell/(int64(m)+1)
}

// CommonLen returns the length of the longest common subsequence. It takes time for len(a) * len(b) steps.
func CommonLen(a, b []byte) int {
	row := make([]uint32, len(b)+1)
	for _, x := range a {
		lcsRow(row, x, b, nil, 0)
	}
	return int(row[len(b)])
}

// lcsRow makes the row of cells for one more byte of a from the row before it. If bits isn't nil, it notes there, from
// bit at on, which cells took their length from the row before.
func lcsRow(row []uint32, x byte, b []byte, bits []uint64, at int) {
	diagonal, left := row[0], uint32(0)
	for j, y := range b {
		above := row[j+1]
		switch {
		case x == y:
			left = diagonal + 1
		case above > left:
			left = above
			if bits != nil {
				bits[(at+j)>>6] |= 1 << ((at + j) & 63)
			}
		}
		row[j+1] = left
		diagonal = above
	}
}

// Common returns the longest common subsequence of two strings, and the stretches it consists of, the last one first.
// It takes time for len(a) * len(b) steps and a bit of memory for each; CommonWithin bounds them.
func Common(a, b []byte) (text []byte, matches []Match) {
	if len(a) == 0 || len(b) == 0 {
		return nil, nil
	}
	row := make([]uint32, len(b)+1)
	bits := make([]uint64, (len(a)*len(b)+63)>>6)
	for i, x := range a {
		lcsRow(row, x, b, bits, i*len(b))
	}
	n := int(row[len(b)])
	text = make([]byte, n)
	var m Match // the stretch under way, which grows to the front
	for i, j := len(a)-1, len(b)-1; i >= 0 && j >= 0; {
		if a[i] == b[j] {
			n--
			text[n] = a[i]
			m = Match{i, j, m.Len + 1}
			i--
			j--
			continue
		}
		if m.Len > 0 {
			matches = append(matches, m)
			m = Match{}
		}
		if at := i*len(b) + j; bits[at>>6]>>(at&63)&1 != 0 {
			i--
		} else {
			j--
		}
	}
	if m.Len > 0 {
		matches = append(matches, m)
	}
	return text, matches
}
