package difftest

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/darterdb/darter/internal/redistest"
)

// rule says how two replies are compared; the zero rule wants them equal in every type and byte, but for the order
// of maps and sets.
type rule struct {
	unordered   bool
	anyOrder    bool
	pairs       bool
	shape       bool
	errorPrefix bool
	doubles     bool // a string that is a number is compared as one: 7.0 writes a double's 17 digits, 7.2 its shortest form
	approx      int64
	has         []string
	match       *regexp.Regexp

	encodings map[string]string                     // what darter may say, by what the real server says
	fix       func(redistest.Reply) redistest.Reply // brings a reply into the form in which it is compared
	each      []rule                                // the rules of an array's elements, if it has as many
}

// loose reports whether the rule compares each reply with a pattern rather than with the other reply.
func (u rule) loose() bool { return len(u.has) > 0 || u.match != nil }

// same reports whether two outcomes agree under the rule.
func (u rule) same(a, b outcome) bool {
	if a.closed != b.closed || a.failure != "" || b.failure != "" || len(a.replies) != len(b.replies) {
		return false
	}
	for i := range a.replies {
		if !u.sameReply(a.replies[i], b.replies[i]) {
			return false
		}
	}
	return true
}

func (u rule) sameReply(a, b redistest.Reply) bool {
	if u.loose() {
		return a.Kind == b.Kind && u.fits(a) && u.fits(b)
	}
	if to, ok := u.encodings[a.Str]; ok && to == b.Str {
		return true
	}
	if n := len(u.each); n > 0 && a.Kind == b.Kind && len(a.Elems) == n && len(b.Elems) == n {
		for i, r := range u.each {
			if !r.sameReply(a.Elems[i], b.Elems[i]) {
				return false
			}
		}
		return true
	}
	return equal(u.normal(a), u.normal(b), u.approx)
}

// fits reports whether one reply has all the patterns of a loose rule.
func (u rule) fits(r redistest.Reply) bool {
	text := r.Text()
	for _, h := range u.has {
		if !strings.Contains(text, h) && !strings.Contains(r.Str, h) {
			return false
		}
	}
	return u.match == nil || u.match.MatchString(text)
}

// normal brings a reply into the form in which it is compared.
func (u rule) normal(r redistest.Reply) redistest.Reply {
	if u.fix != nil {
		r = u.fix(r)
	}
	if u.pairs {
		r = r.AsMap()
	}
	r = r.Canonical()
	if u.errorPrefix && r.IsError() {
		r.Str, _, _ = strings.Cut(r.Str, " ")
	}
	r = u.plainDoubles(r)
	if u.shape {
		r = shape(r).Canonical()
	}
	if u.unordered {
		r = r.Sorted()
	}
	if u.anyOrder {
		r = sortedAll(r)
	}
	return r
}

// plainDoubles gives doubles one form.
func (u rule) plainDoubles(r redistest.Reply) redistest.Reply {
	if r.Kind == redistest.Double || u.doubles && r.Kind == redistest.Bulk && !r.Nil {
		if f, err := strconv.ParseFloat(r.Str, 64); err == nil {
			r.Str = strconv.FormatFloat(f+0, 'g', -1, 64) // -0 is 0: so it is in Redis's packed sorted sets, and in all of darter's
		}
	}
	elems := make([]redistest.Reply, len(r.Elems))
	for i, e := range r.Elems {
		elems[i] = u.plainDoubles(e)
	}
	r.Elems = elems
	return r
}

// sortedAll orders the elements of the arrays at every depth.
func sortedAll(r redistest.Reply) redistest.Reply {
	elems := make([]redistest.Reply, len(r.Elems))
	for i, e := range r.Elems {
		elems[i] = sortedAll(e)
	}
	r.Elems = elems
	return r.Sorted()
}

// shape blanks all values and leaves types, lengths and the keys of maps. Errors stay: they are no values.
func shape(r redistest.Reply) redistest.Reply {
	if r.IsError() {
		return r
	}
	if r.Str != "" {
		r.Str = "?"
	}
	r.Int = 0
	elems := make([]redistest.Reply, len(r.Elems))
	for i, e := range r.Elems {
		if r.Kind == redistest.Map && i%2 == 0 {
			elems[i] = e
		} else {
			elems[i] = shape(e)
		}
	}
	r.Elems = elems
	return r
}

// equal compares two replies in normal form; approx is how far integers may be apart.
func equal(a, b redistest.Reply, approx int64) bool {
	if approx == 0 {
		return a.Text() == b.Text()
	}
	if a.Kind != b.Kind || a.Nil != b.Nil || len(a.Elems) != len(b.Elems) {
		return false
	}
	for i := range a.Elems {
		if !equal(a.Elems[i], b.Elems[i], approx) {
			return false
		}
	}
	if a.Kind == redistest.Integer {
		return near(a.Int, b.Int, approx)
	}
	if a.Kind == redistest.Bulk && a.Str != b.Str {
		x, errX := strconv.ParseInt(a.Str, 10, 64)
		y, errY := strconv.ParseInt(b.Str, 10, 64)
		return errX == nil && errY == nil && near(x, y, approx)
	}
	return a.Str == b.Str && a.Int == b.Int
}

// near allows no slack for negative numbers: -1 and -2 say "no expiry" and "no key", which 0 does not.
func near(a, b, slack int64) bool {
	if a == b {
		return true
	}
	return a >= 0 && b >= 0 && a-b <= slack && b-a <= slack
}
