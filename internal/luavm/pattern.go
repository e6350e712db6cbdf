package luavm

import "strings"

// matcher matches a text against a Lua pattern. A single item without a repetition is matched in a loop; recursion is
// needed where a choice may have to be undone, once for each such item of the pattern, and is bounded. Every step is
// paid for, so a pattern made to backtrack ends at the run's limits or by a kill.
type matcher struct {
	t        *thread
	src, pat string
	level    int // captures, finished or not
	depth    int
	capture  [maxCaptures]struct{ start, length int }
}

const (
	maxCaptures     = 32
	maxPatternDepth = 1000

	captureOpen     = -1 // length of a capture that is not closed yet
	capturePosition = -2 // of ()
)

// newMatcher prepares to match. A zero byte ends a pattern, as in C.
func newMatcher(t *thread, src, pat string) *matcher {
	if i := strings.IndexByte(pat, 0); i >= 0 {
		pat = pat[:i]
	}
	m := t.vm.spareMatcher
	if m == nil {
		m = &matcher{}
	}
	t.vm.spareMatcher = nil
	m.t, m.src, m.pat = t, src, pat
	return m
}

// done lets the next match use the matcher's memory.
func (m *matcher) done() {
	m.src, m.pat = "", ""
	m.t.vm.spareMatcher = m
}

// at tries to match with the text from s and the whole pattern from p, and gives the end of the match or -1.
func (m *matcher) at(s, p int) int {
	m.level, m.depth = 0, 0
	return m.match(s, p)
}

func (m *matcher) match(s, p int) int {
	if m.depth++; m.depth > maxPatternDepth {
		m.t.errorf("pattern too complex")
	}
	r := m.items(s, p)
	m.depth--
	return r
}

func (m *matcher) items(s, p int) int {
	for {
		m.t.vm.spend(1)
		if p == len(m.pat) {
			return s
		}
		switch c := m.pat[p]; c {
		case '(':
			if p+1 < len(m.pat) && m.pat[p+1] == ')' {
				return m.open(s, p+2, capturePosition)
			}
			return m.open(s, p+1, captureOpen)
		case ')':
			return m.close(s, p+1)
		case '$':
			if p+1 == len(m.pat) {
				if s == len(m.src) {
					return s
				}
				return -1
			}
		case '%':
			if p+1 < len(m.pat) {
				next, end, special := m.escape(s, p)
				if special {
					if next < 0 {
						return -1
					}
					s, p = next, end
					continue
				}
			}
		}
		end := m.itemEnd(p)
		here := s < len(m.src) && m.one(m.src[s], p, end)
		repeat := byte(0)
		if end < len(m.pat) {
			repeat = m.pat[end]
		}
		switch repeat {
		case '?':
			if here {
				if r := m.match(s+1, end+1); r >= 0 {
					return r
				}
			}
			p = end + 1
		case '*':
			return m.longest(s, p, end)
		case '+':
			if !here {
				return -1
			}
			return m.longest(s+1, p, end)
		case '-':
			return m.shortest(s, p, end)
		default:
			if !here {
				return -1
			}
			s++
			p = end
		}
	}
}

// escape handles %b, %f and back references at p, where the pattern goes on after them at end.
func (m *matcher) escape(s, p int) (next, end int, special bool) {
	switch c := m.pat[p+1]; {
	case c == 'b':
		if p+3 >= len(m.pat) {
			m.t.errorf("unbalanced pattern")
		}
		return m.balanced(s, m.pat[p+2], m.pat[p+3]), p + 4, true
	case c == 'f':
		if p+2 >= len(m.pat) || m.pat[p+2] != '[' {
			m.t.errorf("missing '[' after '%%f' in pattern")
		}
		end = m.itemEnd(p + 2)
		before, after := byte(0), byte(0)
		if s > 0 {
			before = m.src[s-1]
		}
		if s < len(m.src) {
			after = m.src[s]
		}
		if m.inSet(before, p+2, end-1) || !m.inSet(after, p+2, end-1) {
			return -1, end, true
		}
		return s, end, true
	case isDigit(c):
		i := int(c) - '1'
		if i < 0 || i >= m.level || m.capture[i].length == captureOpen {
			m.t.errorf("invalid capture index")
		}
		text := m.src[m.capture[i].start:][:max(m.capture[i].length, 0)]
		m.t.vm.spend(len(text) / 64)
		if !strings.HasPrefix(m.src[s:], text) {
			return -1, p + 2, true
		}
		return s + len(text), p + 2, true
	}
	return 0, 0, false
}

func (m *matcher) balanced(s int, open, shut byte) int {
	if s >= len(m.src) || m.src[s] != open {
		return -1
	}
	depth := 1
	for i := s + 1; i < len(m.src); i++ {
		m.t.vm.spend(1)
		switch c := m.src[i]; {
		case c == shut:
			if depth--; depth == 0 {
				return i + 1
			}
		case c == open:
			depth++
		}
	}
	return -1
}

func (m *matcher) open(s, p, length int) int {
	if m.level >= maxCaptures {
		m.t.errorf("too many captures")
	}
	m.capture[m.level].start = s
	m.capture[m.level].length = length
	m.level++
	r := m.match(s, p)
	if r < 0 {
		m.level--
	}
	return r
}

func (m *matcher) close(s, p int) int {
	i := m.level - 1
	for i >= 0 && m.capture[i].length != captureOpen {
		i--
	}
	if i < 0 {
		m.t.errorf("invalid pattern capture")
	}
	m.capture[i].length = s - m.capture[i].start
	r := m.match(s, p)
	if r < 0 {
		m.capture[i].length = captureOpen
	}
	return r
}

func (m *matcher) longest(s, p, end int) int {
	n := 0
	for s+n < len(m.src) && m.one(m.src[s+n], p, end) {
		n++
		if n&63 == 0 {
			m.t.vm.spend(64)
		}
	}
	if end+1 == len(m.pat) {
		return s + n
	}
	for ; n >= 0; n-- {
		if r := m.match(s+n, end+1); r >= 0 {
			return r
		}
	}
	return -1
}

func (m *matcher) shortest(s, p, end int) int {
	for {
		if r := m.match(s, end+1); r >= 0 {
			return r
		}
		if s >= len(m.src) || !m.one(m.src[s], p, end) {
			return -1
		}
		s++
	}
}

// itemEnd is where the single item at p ends: a byte, a class, or a set.
func (m *matcher) itemEnd(p int) int {
	c := m.pat[p]
	p++
	switch c {
	case '%':
		if p >= len(m.pat) {
			m.t.errorf("malformed pattern (ends with '%%')")
		}
		return p + 1
	case '[':
		if p < len(m.pat) && m.pat[p] == '^' {
			p++
		}
		for first := true; first || p >= len(m.pat) || m.pat[p] != ']'; first = false {
			if p >= len(m.pat) {
				m.t.errorf("malformed pattern (missing ']')")
			}
			if m.pat[p] == '%' {
				p++
			}
			p++
		}
		return p + 1
	}
	return p
}

// one reports whether c matches the item that stands in the pattern from p to end.
func (m *matcher) one(c byte, p, end int) bool {
	switch m.pat[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pat[p+1])
	case '[':
		return m.inSet(c, p, end-1)
	}
	return m.pat[p] == c
}

// inSet reports whether c is in the set whose [ stands at p and whose ] at end.
func (m *matcher) inSet(c byte, p, end int) bool {
	in := true
	p++
	if m.pat[p] == '^' {
		in = false
		p++
	}
	for ; p < end; p++ {
		switch {
		case m.pat[p] == '%':
			p++
			if inClass(c, m.pat[p]) {
				return in
			}
		case p+2 < end && m.pat[p+1] == '-':
			if m.pat[p] <= c && c <= m.pat[p+2] {
				return in
			}
			p += 2
		case m.pat[p] == c:
			return in
		}
	}
	return !in
}

// inClass reports whether c is in the class of a letter behind %; a capital letter is all that is not in it.
func inClass(c, class byte) bool {
	var in bool
	switch class | 0x20 {
	case 'a':
		in = isLetter(c)
	case 'c':
		in = c < ' ' || c == 0x7f
	case 'd':
		in = isDigit(c)
	case 'l':
		in = c >= 'a' && c <= 'z'
	case 'p':
		in = c > ' ' && c < 0x7f && !isLetter(c) && !isDigit(c)
	case 's':
		in = isSpace(c)
	case 'u':
		in = c >= 'A' && c <= 'Z'
	case 'w':
		in = isLetter(c) || isDigit(c)
	case 'x':
		in = isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
	case 'z':
		in = c == 0
	default:
		return class == c
	}
	if !isLetter(class) {
		return class == c
	}
	return in == (class&0x20 != 0)
}

func isDigit(c byte) bool  { return c-'0' <= 9 }
func isLetter(c byte) bool { return c|0x20-'a' < 26 }

// group gives capture i of a match of src[s:e]; without captures the whole match is the first.
func (m *matcher) group(i, s, e int) value {
	if i >= m.level {
		if i != 0 {
			m.t.errorf("invalid capture index")
		}
		return m.t.vm.newString(strings.Clone(m.src[s:e]))
	}
	c := &m.capture[i]
	switch c.length {
	case capturePosition:
		return integer(c.start + 1)
	case captureOpen:
		m.t.errorf("unfinished capture")
	}
	return m.t.vm.newString(strings.Clone(m.src[c.start : c.start+c.length]))
}

// groups is the number of values a match gives.
func (m *matcher) groups() int { return max(m.level, 1) }

// pushGroups pushes the captures of a match, the whole match if there are none.
func (m *matcher) pushGroups(s, e int) int {
	n := m.groups()
	for i := range n {
		m.t.push(m.group(i, s, e))
	}
	return n
}
