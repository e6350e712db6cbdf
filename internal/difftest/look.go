package difftest

import (
	"maps"
	"slices"
	"strconv"
)

// look compares all data of both servers: the keys of every database, their types and times of expiry, what they hold
// and, if asked to, how that is kept. It leaves the first database selected.
func look(a, b speaker, encodings bool) string {
	defer compare(a, b, command{args: []string{"SELECT", "0"}})
	for db := range databases {
		all := command{args: []string{"KEYS", "*"}, rule: rule{unordered: true}}
		for _, c := range []command{{args: []string{"SELECT", strconv.Itoa(db)}}, all} {
			if wrong := compare(a, b, c); wrong != "" {
				return wrong
			}
		}
		var names []string
		for _, e := range a.do(all.args).replies[0].Elems {
			names = append(names, e.Str)
		}
		slices.Sort(names)
		for _, key := range names {
			if wrong := lookAt(a, b, key, encodings); wrong != "" {
				return wrong
			}
		}
		// Keys that have expired count until somebody asks for them.
		compare(a, b, command{args: append([]string{"EXISTS"}, slices.Concat(slices.Collect(maps.Values(groupKeys))...)...)})
		if wrong := compare(a, b, command{args: []string{"DBSIZE"}}); wrong != "" {
			return wrong
		}
	}
	return ""
}

// lookAt compares one key.
func lookAt(a, b speaker, key string, encodings bool) string {
	kind := a.do([]string{"TYPE", key}).replies[0].Str
	encoding := rule{}
	var reads []command
	read := func(u rule, args ...string) { reads = append(reads, command{args: args, rule: u}) }
	switch kind {
	case "string":
		encoding.encodings = map[string]string{"embstr": "int"}
		read(rule{}, "GET", key)
	case "list":
		encoding.encodings = map[string]string{"quicklist": "listpack"}
		read(rule{}, "LRANGE", key, "0", "-1")
		read(rule{}, "LLEN", key)
	case "hash":
		read(rule{pairs: true}, "HGETALL", key)
		read(rule{}, "HLEN", key)
	case "set":
		encoding.encodings = map[string]string{"hashtable": "listpack"}
		read(rule{unordered: true}, "SMEMBERS", key)
		read(rule{}, "SCARD", key)
	case "zset":
		encoding.encodings = map[string]string{"skiplist": "listpack"} // SORT leaves them unpacked in Redis
		read(rule{doubles: true}, "ZRANGE", key, "0", "-1", "WITHSCORES")
		read(rule{}, "ZCARD", key)
		// The scores are kept twice: by order, and by member.
		scores := []string{"ZMSCORE", key}
		for _, e := range a.do([]string{"ZRANGE", key, "0", "-1"}).replies[0].Elems {
			scores = append(scores, e.Str)
		}
		read(rule{doubles: true}, scores...)
	case "stream":
		read(rule{}, "XRANGE", key, "-", "+")
		read(rule{fix: withoutMoments}, "XINFO", "STREAM", key, "FULL", "COUNT", "0")
	}
	if encodings {
		read(encoding, "OBJECT", "ENCODING", key)
	}
	read(rule{approx: ttlSlackMs}, "PTTL", key)
	read(rule{}, "TYPE", key)
	var all [][]string
	for _, c := range reads {
		all = append(all, c.args)
	}
	x, y := a.batch(all), b.batch(all)
	for i, c := range reads {
		if !c.rule.same(x[i], y[i]) {
			return mismatch(c, a, b, x[i], y[i])
		}
	}
	return ""
}
