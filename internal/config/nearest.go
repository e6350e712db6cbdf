package config

// The known name closest to a misspelt one, by the number of single slips (a letter too many, one missing, one wrong,
// two swapped) between them.

import "strings"

// maxNameLength bounds how much of an unknown name is compared, so that a hostile line costs little.
const maxNameLength = 64

// nearest returns the row whose name or alias is closest to name, that name, and whether it is close enough to be what
// was meant: a third of its letters may be wrong.
func (c *Config) nearest(name string) (row int, known string, likely bool) {
	if len(name) > maxNameLength {
		name = name[:maxNameLength]
	}
	name = strings.ToLower(name)
	best := -1
	for i := range c.table {
		for _, candidate := range append([]string{c.table[i].Name}, c.table[i].Aliases...) {
			if d := distance(name, candidate); best < 0 || d < best {
				best, row, known = d, i, candidate
			}
		}
	}
	return row, known, best >= 0 && best <= max(1, len(known)/3)
}

// distance counts the slips that turn a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			wrong := 0
			if a[i-1] != b[j-1] {
				wrong = 1
			}
			row[j] = min(last[j-1]+wrong, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
