package difftest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darterdb/darter/internal/redistest"
)

// speaker is what answers commands: a server, or a cache in this process.
type speaker interface {
	title() string
	do(args []string) outcome
	batch(all [][]string) []outcome
}

// compare runs one command on both and returns what is wrong, or "".
func compare(a, b speaker, c command) string {
	var x, y outcome
	switch {
	case c.look:
		return look(a, b, true)
	case c.walk:
		x, y = scan(c.args, a.do), scan(c.args, b.do)
	default:
		x, y = a.do(c.args), b.do(c.args)
	}
	if c.rule.same(x, y) {
		return ""
	}
	return mismatch(c, a, b, x, y)
}

// mismatch shows where the outcomes of a command differ.
func mismatch(c command, a, b speaker, first, second outcome) string {
	x, y := first.whole(), second.whole()
	same := 0
	for same < min(len(x), len(y)) && x[same] == y[same] {
		same++
	}
	const before, after = 100, 400
	from := max(0, same-before)
	return fmt.Sprintf("%.1000s\n\tfrom byte %d on\n\t%-8s %.*s\n\t%-8s %.*s",
		c, from, a.title()+":", after, x[from:], b.title()+":", after, y[from:])
}

// scan runs a cursor to its end and returns the set of what it yielded, or the first error. An element may come more than once; those
// of hashes and sorted sets come with what belongs to them.
func scan(args []string, do func([]string) outcome) outcome {
	const longest = 100_000
	at := slices.Index(args, cursorVariable)
	if at < 0 {
		return outcome{failure: "!scan needs " + cursorVariable}
	}
	args = slices.Clone(args)
	width := 1
	if name := strings.ToUpper(args[0]); name == "HSCAN" || name == "ZSCAN" {
		width = 2
	}
	seen := map[string]bool{}
	set := redistest.Reply{Kind: redistest.Array}
	args[at] = "0"
	for range longest {
		o := do(args)
		if o.failure != "" || o.replies[0].IsError() {
			return o
		}
		r := o.replies[0]
		if r.Kind != redistest.Array || len(r.Elems) != 2 || r.Elems[0].Kind != redistest.Bulk || r.Elems[1].Kind != redistest.Array {
			return outcome{failure: "not a reply of a cursor: " + r.Text()}
		}
		for group := range slices.Chunk(r.Elems[1].Elems, width) {
			e := group[0]
			if width > 1 {
				e = redistest.Reply{Kind: redistest.Array, Elems: group}
			}
			if text := e.Text(); !seen[text] {
				seen[text] = true
				set.Elems = append(set.Elems, e)
			}
		}
		args[at] = r.Elems[0].Str
		if args[at] == "0" {
			return outcome{replies: []redistest.Reply{set.Sorted()}}
		}
	}
	return outcome{failure: "the cursor does not come to an end"}
}
