package difftest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/darterdb/darter/internal/redistest"
)

// An outline says what a reply may look like. It is written so:
//
//	any              whatever there is
//	str num null     a string, a number, a null
//	int int>=N       an integer, one from N on
//	'OK' -1          this very text or integer
//	/re/             a string that the regular expression finds something in
//	[T]              a list; [T]+ has an element at least, [T]! has none twice, [] has none
//	(T, U)           a list of two elements; after (T, U, V...) there are any number of further ones
//	{a: T, /re/: U}  a map that has these fields, or some of them, and no other; {*: T} has any
//	@                the whole outline again
//	T|U              one or the other
//
// Outlines are stated for RESP3. In RESP2 a number is a string or an integer, a map is a list of its fields and values
// or of pairs of them, and a list of lists may be one flat list.
type outline struct {
	is     string // "any", "str", "num", "null", "int", "text", "match", "list", "tuple", "map", "whole" or "choice"
	of     []outline
	fields []string // of a map, those of what stands in of; "*" is any field
	text   string
	re     *regexp.Regexp
	least  int64 // of an integer
	some   bool  // of a list: it is not empty
	unlike bool  // of a list: nothing is in it twice
	none   bool  // of a list: it is empty
	rest   bool  // of a tuple: its last outline is that of any number of elements
}

// parseOutline reads what an outline is written as.
func parseOutline(text string) (o outline, err error) {
	p := outlineParser{text}
	defer func() {
		if r, ok := recover().(outlineError); ok {
			err = fmt.Errorf("%s at %.20q of the outline %s", string(r), p.left, text)
		}
	}()
	o = p.choice()
	if p.left != "" {
		panic(outlineError("something is left over"))
	}
	return o, nil
}

type outlineError string

type outlineParser struct{ left string }

// take takes a prefix if it is there.
func (p *outlineParser) take(prefix string) bool {
	rest, found := strings.CutPrefix(p.left, prefix)
	p.left = rest
	return found
}

func (p *outlineParser) want(prefix string) {
	if !p.take(prefix) {
		panic(outlineError("no " + prefix))
	}
}

// until takes what stands before a text, and that text.
func (p *outlineParser) until(end string) string {
	before, after, found := strings.Cut(p.left, end)
	if !found {
		panic(outlineError("no " + end))
	}
	p.left = after
	return before
}

func (p *outlineParser) choice() outline {
	all := []outline{p.one()}
	for p.take("|") {
		all = append(all, p.one())
	}
	if len(all) == 1 {
		return all[0]
	}
	return outline{is: "choice", of: all}
}

func (p *outlineParser) one() outline {
	for _, word := range []string{"any", "str", "num", "null"} {
		if p.take(word) {
			return outline{is: word}
		}
	}
	switch {
	case p.take("@"):
		return outline{is: "whole"}
	case p.take("int>="):
		return outline{is: "int", least: p.number()}
	case p.take("int"):
		return outline{is: "int", least: -1 << 63}
	case p.take("'"):
		return outline{is: "text", text: p.until("'")}
	case p.take("/"):
		re, err := regexp.Compile(p.until("/"))
		if err != nil {
			panic(outlineError(err.Error()))
		}
		return outline{is: "match", re: re}
	case p.take("[]"):
		return outline{is: "list", none: true, of: []outline{{is: "any"}}}
	case p.take("["):
		o := outline{is: "list", of: []outline{p.choice()}}
		p.want("]")
		o.unlike = p.take("!")
		o.some = p.take("+")
		return o
	case p.take("("):
		return p.tuple()
	case p.take("{"):
		return p.fields()
	}
	return outline{is: "number", least: p.number()}
}

func (p *outlineParser) number() int64 {
	end := 0
	for end < len(p.left) && (p.left[end] == '-' || p.left[end] >= '0' && p.left[end] <= '9') {
		end++
	}
	n, err := strconv.ParseInt(p.left[:end], 10, 64)
	if err != nil {
		panic(outlineError("no outline"))
	}
	p.left = p.left[end:]
	return n
}

func (p *outlineParser) tuple() outline {
	o := outline{is: "tuple"}
	for {
		o.of = append(o.of, p.choice())
		if p.take("...") {
			o.rest = true
			p.want(")")
			return o
		}
		if p.take(")") {
			return o
		}
		p.want(", ")
	}
}

func (p *outlineParser) fields() outline {
	o := outline{is: "map"}
	if p.take("}") {
		return o
	}
	for {
		o.fields = append(o.fields, p.until(": "))
		o.of = append(o.of, p.choice())
		if p.take("}") {
			return o
		}
		p.want(", ")
	}
}

// fitting holds a reply against an outline.
type fitting struct {
	whole outline
	resp3 bool
}

// fits says what is wrong with a reply, or nil.
func (o outline) fits(r redistest.Reply, resp3 bool) error { return fitting{o, resp3}.fits(o, r) }

func (f fitting) fits(o outline, r redistest.Reply) error {
	isNull := r.Kind == redistest.Null && f.resp3 || r.Nil && !f.resp3
	isText := !r.Nil && (r.Kind == redistest.Bulk || r.Kind == redistest.Simple || r.Kind == redistest.Verbatim && f.resp3)
	ok := true
	switch o.is {
	case "any":
	case "whole":
		return f.fits(f.whole, r)
	case "str":
		ok = isText
	case "null":
		ok = isNull
	case "int":
		ok = r.Kind == redistest.Integer && r.Int >= o.least
	case "number":
		ok = r.Kind == redistest.Integer && r.Int == o.least
	case "num":
		_, err := strconv.ParseFloat(r.Str, 64)
		ok = r.Kind == redistest.Integer || err == nil && (r.Kind == redistest.Double && f.resp3 || isText && !f.resp3)
	case "text":
		ok = isText && r.Str == o.text
	case "match":
		ok = isText && o.re.MatchString(r.Str)
	case "choice":
		var wrong []string
		for _, of := range o.of {
			err := f.fits(of, r)
			if err == nil {
				return nil
			}
			wrong = append(wrong, err.Error())
		}
		return fmt.Errorf("none of: %s", strings.Join(wrong, "; "))
	case "map":
		return f.fitsMap(o, r)
	default:
		return f.fitsList(o, r)
	}
	if !ok {
		return fmt.Errorf("%.60s is no %s", r.Text(), o)
	}
	return nil
}

// isList says that a reply is a list: in RESP3 sets and pushes are, too.
func (f fitting) isList(r redistest.Reply) bool {
	return !r.Nil && (r.Kind == redistest.Array || f.resp3 && (r.Kind == redistest.Set || r.Kind == redistest.Push))
}

func (f fitting) fitsList(o outline, r redistest.Reply) error {
	if !f.isList(r) {
		return fmt.Errorf("%.60s is no list", r.Text())
	}
	n := len(r.Elems)
	switch {
	case o.some && n == 0:
		return fmt.Errorf("the list is empty")
	case o.none && n > 0:
		return fmt.Errorf("the list is not empty")
	case o.is == "tuple" && (n < len(o.of) && !o.rest || n < len(o.of)-1 || n > len(o.of) && !o.rest):
		return fmt.Errorf("there are %d elements in place of %d", n, len(o.of))
	}
	elems := r.Elems
	if of := o.of[0]; o.is == "list" && !f.resp3 && of.is == "tuple" && !of.rest && n > 0 && !f.isList(elems[0]) {
		elems = grouped(elems, len(of.of))
	}
	seen := map[string]bool{}
	for i, e := range elems {
		if err := f.fits(o.of[min(i, len(o.of)-1)], e); err != nil {
			return fmt.Errorf("[%d] %w", i, err)
		}
		if text := e.Text(); o.unlike {
			if seen[text] {
				return fmt.Errorf("%.60s is there twice", text)
			}
			seen[text] = true
		}
	}
	return nil
}

// grouped makes lists of n elements each of one flat list.
func grouped(elems []redistest.Reply, n int) (out []redistest.Reply) {
	for group := range slices.Chunk(elems, n) {
		out = append(out, redistest.Reply{Kind: redistest.Array, Elems: group})
	}
	return out
}

func (f fitting) fitsMap(o outline, r redistest.Reply) error {
	elems := r.Elems
	switch {
	case f.resp3 && r.Kind != redistest.Map, !f.resp3 && (r.Kind != redistest.Array || r.Nil):
		return fmt.Errorf("%.60s is no map", r.Text())
	case !f.resp3 && len(elems) > 0 && f.isList(elems[0]):
		elems = nil
		for _, e := range r.Elems {
			elems = append(elems, e.Elems...)
		}
	}
	if len(elems)%2 != 0 {
		return fmt.Errorf("a field has no value")
	}
	for i := 0; i < len(elems); i += 2 {
		at := o.field(elems[i].Str)
		if at < 0 {
			return fmt.Errorf("there is a field %q", elems[i].Str)
		}
		if err := f.fits(o.of[at], elems[i+1]); err != nil {
			return fmt.Errorf("%q: %w", elems[i].Str, err)
		}
	}
	return nil
}

// field finds the outline of a field: that of its name before that of a pattern, and that of any last.
func (o outline) field(name string) int {
	if at := slices.Index(o.fields, name); at >= 0 {
		return at
	}
	return slices.IndexFunc(o.fields, func(f string) bool {
		if len(f) > 2 && f[0] == '/' && f[len(f)-1] == '/' {
			return regexp.MustCompile(f[1 : len(f)-1]).MatchString(name)
		}
		return f == "*"
	})
}

// String shows what a simple outline asks for.
func (o outline) String() string {
	switch o.is {
	case "text":
		return "'" + o.text + "'"
	case "match":
		return "/" + o.re.String() + "/"
	case "number":
		return strconv.FormatInt(o.least, 10)
	case "int":
		if o.least > -1<<63 {
			return "int>=" + strconv.FormatInt(o.least, 10)
		}
	}
	return o.is
}
