package redistest

// The canonical text of a reply: one line, every type visible, every string quoted.
//
//	+OK  +"two words"          simple string            $nil  *nil  _     the three nulls
//	-"ERR no such key"         error                    #t  #f            boolean
//	:42                        integer                  ,1.5              double, digits as sent
//	"text\x00\n"               bulk string              (123              big number
//	["a", :1]                  array                    ="txt:hello"      verbatim string
//	%{"a": :1, "b": _}         map                      !"ERR x"          bulk error
//	~["a"]                     set                      >["invalidate"]   push
//
// An attribute stands in front of the reply it belongs to: |{"ttl": :3}"value".

import (
	"slices"
	"strconv"
	"strings"
)

// Text returns the canonical text. Two replies are equal in every type and byte exactly when their texts are equal.
func (r Reply) Text() string {
	var b strings.Builder
	r.appendText(&b)
	return b.String()
}

// String is [Reply.Text], for %v and %s.
func (r Reply) String() string { return r.Text() }

func (r Reply) appendText(b *strings.Builder) {
	if len(r.Attrs) > 0 {
		b.WriteByte('|')
		appendPairs(b, r.Attrs)
	}
	switch r.Kind {
	case Simple:
		b.WriteByte('+')
		if isWord(r.Str) {
			b.WriteString(r.Str)
		} else {
			b.WriteString(Quote(r.Str))
		}
	case Error, BulkError, Verbatim:
		b.WriteByte(byte(r.Kind))
		b.WriteString(Quote(r.Str))
	case Bulk:
		if r.Nil {
			b.WriteString("$nil")
		} else {
			b.WriteString(Quote(r.Str))
		}
	case Integer:
		b.WriteByte(':')
		b.WriteString(strconv.FormatInt(r.Int, 10))
	case Null:
		b.WriteByte('_')
	case Boolean:
		b.WriteByte('#')
		b.WriteByte("ft"[r.Int&1])
	case Double, BigNumber:
		b.WriteByte(byte(r.Kind))
		b.WriteString(r.Str)
	case Map:
		b.WriteByte('%')
		appendPairs(b, r.Elems)
	case Array, Set, Push:
		if r.Nil {
			b.WriteString("*nil")
			return
		}
		if r.Kind != Array {
			b.WriteByte(byte(r.Kind))
		}
		b.WriteByte('[')
		for i, e := range r.Elems {
			if i > 0 {
				b.WriteString(", ")
			}
			e.appendText(b)
		}
		b.WriteByte(']')
	default:
		b.WriteString("(no reply)")
	}
}

func appendPairs(b *strings.Builder, elems []Reply) {
	b.WriteByte('{')
	for i, e := range elems {
		switch {
		case i > 0 && i%2 == 0:
			b.WriteString(", ")
		case i > 0:
			b.WriteString(": ")
		}
		e.appendText(b)
	}
	b.WriteByte('}')
}

func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return s != ""
}

// Quote writes s between double quotes with the escapes redis-cli prints and Redis's own splitting of quoted
// arguments reads back: \n \r \t \a \b \\ \" and \xHH for all else that is not printable ASCII.
func Quote(s string) string {
	const hex = "0123456789abcdef"
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\a':
			b = append(b, '\\', 'a')
		case c == '\b':
			b = append(b, '\\', 'b')
		case c < ' ' || c > '~':
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}

// Canonical returns a copy in which what the protocol leaves unordered is in the order of its text: the pairs of
// maps and the elements of sets, at every depth.
func (r Reply) Canonical() Reply {
	if len(r.Elems) == 0 {
		return r
	}
	elems := make([]Reply, len(r.Elems))
	for i, e := range r.Elems {
		elems[i] = e.Canonical()
	}
	r.Elems = elems
	switch r.Kind {
	case Map:
		sortGroups(r.Elems, 2)
	case Set:
		sortGroups(r.Elems, 1)
	}
	return r
}

// Sorted returns a copy with the top-level elements of an array or push in the order of their texts, and all below
// it canonical. It is for replies whose order is no promise, such as that of KEYS.
func (r Reply) Sorted() Reply {
	r = r.Canonical()
	if r.Kind == Array || r.Kind == Push {
		r.Elems = slices.Clone(r.Elems)
		sortGroups(r.Elems, 1)
	}
	return r
}

// AsMap returns an array of even length as the map it stands for in RESP2; any other reply is returned as it is.
func (r Reply) AsMap() Reply {
	if r.Kind == Array && !r.Nil && len(r.Elems)%2 == 0 {
		r.Kind = Map
	}
	return r
}

// sortGroups orders elems, taken n at a time, by the text of each group.
func sortGroups(elems []Reply, n int) {
	type group struct {
		text  string
		elems []Reply
	}
	groups := make([]group, 0, len(elems)/n)
	for i := 0; i+n <= len(elems); i += n {
		var b strings.Builder
		for _, e := range elems[i : i+n] {
			e.appendText(&b)
			b.WriteByte(' ')
		}
		groups = append(groups, group{b.String(), slices.Clone(elems[i : i+n])})
	}
	slices.SortFunc(groups, func(a, b group) int { return strings.Compare(a.text, b.text) })
	for i, g := range groups {
		copy(elems[i*n:], g.elems)
	}
}
