// Package glob matches names against Redis's patterns, those of KEYS, SCAN, PSUBSCRIBE, CONFIG GET and ACL.
//
//   - any bytes, also none
//     ?       one byte
//     [abc]   one of these bytes; a-z in it is a range, \ takes the next byte as it is
//     [^abc]  one byte that is none of these
//     \x      x itself
//
// Everything but * stands for exactly one byte. So when the rest of a pattern fails after a *, only the last * met can
// mend it by taking one byte more; an earlier one would leave less for the same rest. Matching remembers that one
// place, needs no recursion, and takes at most len(pattern) x len(name) steps.
//
// Redis's oddities are kept, as patterns in use may rest on them: a class that is not closed ends with the pattern, a
// range with its ends swapped is set right, the ends are compared as signed bytes, ] closes a class even in first
// place, and no pattern of stars matches the empty name (KEYS and SCAN treat "*" alone as "everything" before they
// match).
package glob

// Match reports whether name matches pattern.
func Match(pattern, name []byte) bool { return match(pattern, name, false) }

// MatchFold is Match with ASCII letters compared without regard to case.
func MatchFold(pattern, name []byte) bool { return match(pattern, name, true) }

func match(pattern, name []byte, fold bool) bool {
	if len(name) == 0 {
		return len(pattern) == 0
	}
	p, n := 0, 0
	afterStar, starred := -1, 0 // where the pattern goes on behind the last *, and the first byte that * does not take
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			for p < len(pattern) && pattern[p] == '*' {
				p++
			}
			if p == len(pattern) {
				return true
			}
			afterStar, starred = p, n
			continue
		}
		if p < len(pattern) {
			next, ok := p+1, false
			if c := pattern[p]; c == '?' || c == '[' || c == '\\' {
				next, ok = special(pattern, p, name[n], fold)
			} else {
				ok = same(c, name[n], fold)
			}
			if ok {
				p = next
				n++
				continue
			}
		}
		if afterStar < 0 {
			return false
		}
		starred++
		p, n = afterStar, starred
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// special matches the element at pattern[p], which begins with ?, [ or \, with one byte; next is the offset behind
// the element.
func special(pattern []byte, p int, c byte, fold bool) (next int, ok bool) {
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return class(pattern, p+1, c, fold)
	}
	if p+1 < len(pattern) {
		p++
	}
	return p + 1, same(pattern[p], c, fold)
}

// class matches the inside of brackets, which begins at pattern[p].
func class(pattern []byte, p int, c byte, fold bool) (next int, ok bool) {
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	found := false
	for ; p < len(pattern) && pattern[p] != ']'; p++ {
		switch {
		case pattern[p] == '\\' && p+1 < len(pattern):
			// An escaped byte is compared as it is, even without regard to case.
			p++
			found = found || pattern[p] == c
		case p+2 < len(pattern) && pattern[p+1] == '-':
			found = found || inRange(pattern[p], pattern[p+2], c, fold)
			p += 2
		default:
			found = found || same(pattern[p], c, fold)
		}
	}
	// An unclosed class ends with the pattern, otherwise the ] belongs to it.
	return min(p+1, len(pattern)), found != not
}

// inRange compares as Redis does: signed bytes, the ends put in order before their case is dropped.
func inRange(from, to, c byte, fold bool) bool {
	low, high := int8(from), int8(to)
	if low > high {
		low, high = high, low
	}
	at := int8(c)
	if fold {
		low, high, at = int8(lower(byte(low))), int8(lower(byte(high))), int8(lower(c))
	}
	return low <= at && at <= high
}

// same compares two bytes that stand for themselves.
func same(a, b byte, fold bool) bool { return a == b || fold && lower(a) == lower(b) }

func lower(c byte) byte {
	if c-'A' <= 'Z'-'A' {
		c |= 0x20
	}
	return c
}

// Literal gives the only name that pattern matches, if there is just one because pattern has neither *, ? nor [. The
// bytes are pattern itself unless a \ had to be taken out.
func Literal(pattern []byte) (name []byte, ok bool) {
	name, end := literal(pattern)
	return name, end == len(pattern)
}

// Prefix gives the bytes that every name matching pattern begins with, empty if there are none. The bytes are part of
// pattern unless a \ had to be taken out.
func Prefix(pattern []byte) []byte {
	name, _ := literal(pattern)
	return name
}

// literal reads pattern up to end, where its first element stands that is more than one fixed byte.
func literal(pattern []byte) (name []byte, end int) {
	escaped := false
	for end < len(pattern) {
		c := pattern[end]
		if c == '*' || c == '?' || c == '[' {
			break
		}
		if c == '\\' && end+1 < len(pattern) {
			if !escaped {
				escaped = true
				name = append(make([]byte, 0, len(pattern)), pattern[:end]...)
			}
			end++
			c = pattern[end]
		}
		if escaped {
			name = append(name, c)
		}
		end++
	}
	if !escaped {
		name = pattern[:end:end]
	}
	return name, end
}
