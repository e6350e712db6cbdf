package difftest

import (
	"slices"
	"strings"

	"github.com/darterdb/darter/internal/redistest"
)

// laterEncodings are the encodings that the real server names otherwise, by its names: 7.2 has packed lists and packed sets of any
// members; SORT unpacks a sorted set in Redis; and what stands in darter's strings is read off their bytes, as a whole sum of
// floats shows.
var laterEncodings = map[string]string{"quicklist": "listpack", "hashtable": "listpack", "skiplist": "listpack", "embstr": "int"}

// option finds a word among a command's arguments, -1 if it isn't there.
func (c command) option(word string) int {
	for i, a := range c.args {
		if i > 0 && strings.EqualFold(a, word) {
			return i
		}
	}
	return -1
}

// ruleOf is how replies to a command made from a row are compared.
func ruleOf(name string, c command) rule {
	switch name {
	case "smembers", "sinter", "sunion", "sdiff", "hkeys", "hvals", "spop":
		return rule{unordered: true}
	case "hgetall":
		return rule{pairs: true}
	case "srandmember", "hrandfield", "zrandmember":
		switch {
		case c.option(all) < 0:
			return anyOf
		case c.option("WITHVALUES") > 0 || c.option("WITHSCORES") > 0:
			return rule{fix: paired, unordered: true, doubles: true}
		}
		return rule{unordered: true}
	case "sort", "sort_ro":
		return sortRule(c)
	case "xread", "xreadgroup":
		return rule{errorPrefix: true} // 7.2 says more precisely what is wrong with the list of streams
	case "xpending":
		return rule{fix: withoutIdle}
	case "xgroup|createconsumer":
		return anyOf
	case "xinfo|stream", "xinfo|consumers", "xinfo|groups":
		return rule{fix: withoutMoments}
	}
	return rule{doubles: strings.HasPrefix(name, "z") || strings.HasPrefix(name, "bz")}
}

// sortRule allows any order where nothing is sorted, and among equals: by numbers these are sorted as text, by texts of others
// they are not.
func sortRule(c command) rule {
	by, alpha := c.option("BY"), c.option("ALPHA") > 0
	switch {
	case by < 0 && alpha && c.option("GET") < 0:
		return rule{fix: byText}
	case !alpha && (by < 0 || strings.Contains(c.args[min(by+1, len(c.args)-1)], "*")):
		return rule{}
	case c.option("LIMIT") > 0:
		return anyOf
	}
	return rule{unordered: true}
}

// byText cuts texts where Redis ends to compare them.
func byText(r redistest.Reply) redistest.Reply {
	r.Elems = slices.Clone(r.Elems)
	for i, e := range r.Elems {
		r.Elems[i].Str, _, _ = strings.Cut(e.Str, "\x00")
	}
	return r
}

// anyOf compares what was chosen by chance: how many there are.
var anyOf = rule{shape: true, fix: blanked}

func blanked(r redistest.Reply) redistest.Reply {
	switch r.Kind {
	case redistest.Bulk:
		if !r.Nil {
			r.Str = "?"
		}
	case redistest.Array:
		elems := make([]redistest.Reply, len(r.Elems))
		for i, e := range r.Elems {
			elems[i] = blanked(e)
			if e.Kind == redistest.Bulk || e.Kind == redistest.Null {
				elems[i] = redistest.Reply{Kind: redistest.Bulk, Str: "?"} // GET of SORT finds a value or none
			}
		}
		r.Elems = elems
	}
	return r
}

// paired makes pairs of a flat array, which RESP2 has where RESP3 has an array of pairs.
func paired(r redistest.Reply) redistest.Reply {
	if len(r.Elems) > 0 && r.Elems[0].Kind != redistest.Array {
		return r.AsMap()
	}
	return r
}

// withoutIdle takes the time for which they are pending from XPENDING's entries.
func withoutIdle(r redistest.Reply) redistest.Reply {
	r.Elems = slices.Clone(r.Elems)
	for i, e := range r.Elems {
		if e.Kind == redistest.Array && len(e.Elems) == 4 && e.Elems[2].Kind == redistest.Integer {
			e.Elems = slices.Clone(e.Elems)
			e.Elems[2].Int = 0
			r.Elems[i] = e
		}
	}
	return r
}

// momentary are the fields of XINFO that tell of the clock, of the nodes that a stream is kept in, or that 7.2 added.
var momentary = []string{"idle", "inactive", "seen-time", "active-time", "radix-tree-keys", "radix-tree-nodes"}

// withoutMoments takes the momentary fields from XINFO's reply and makes every time in it one and the same. Consumers that have
// nothing pending are left out, and so is their number: 7.2 makes a consumer where 7.0 waits until it gets an entry.
func withoutMoments(r redistest.Reply) redistest.Reply {
	const begin, end = 1_000_000_000_000, 4_000_000_000_000
	if r.Kind == redistest.Integer && r.Int > begin && r.Int < end {
		r.Int = begin
	}
	var elems []redistest.Reply
	for i := 0; i < len(r.Elems); i++ {
		e := r.Elems[i]
		switch {
		case i%2 == 0 && e.Kind == redistest.Bulk && slices.Contains(momentary, e.Str),
			i%2 == 0 && e.Str == "consumers" && r.Elems[i+1].Kind == redistest.Integer:
			i++
		case isIdleConsumer(e):
		default:
			elems = append(elems, withoutMoments(e))
		}
	}
	r.Elems = elems
	return r
}

// isIdleConsumer says whether a part of XINFO's reply is a consumer with nothing pending.
func isIdleConsumer(r redistest.Reply) bool {
	consumer, idle := false, false
	for i := 0; i+1 < len(r.Elems); i += 2 {
		switch value := r.Elems[i+1]; r.Elems[i].Str {
		case "idle", "seen-time":
			consumer = true
		case "pending", "pel-count":
			idle = idle || value.Kind == redistest.Integer && value.Int == 0
		}
	}
	return consumer && idle
}
