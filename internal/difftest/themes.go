package difftest

import (
	"fmt"
	"strconv"

	rows "github.com/darterdb/darter/internal/command"
)

// sort makes a SORT of what can be sorted.
func (g *grammar) sort() unit {
	g.group = g.pick("list", "set", "sorted-set", "weights")
	if g.group == "weights" {
		return unit{{args: []string{"SET", g.key(), g.score()}}}
	}
	for {
		c := g.fromRow(rows.Lookup([]byte(g.pick("sort", "sort", "sort_ro"))))
		if !c.rule.unordered && !c.rule.shape && c.rule.fix == nil || c.option("STORE") < 0 {
			// Redis's SORT takes an overflow that an earlier command left behind for its own; this one leaves none.
			return unit{{args: []string{"INCRBYFLOAT", "w_0", "1"}}, c}
		}
	}
}

// walk follows a cursor to its end, over keys or in a container.
func (g *grammar) walk() unit {
	name := g.pick("SCAN", "HSCAN", "SSCAN", "ZSCAN")
	args := []string{name}
	if name != "SCAN" {
		g.group = map[string]string{"HSCAN": "hash", "SSCAN": "set", "ZSCAN": "sorted-set"}[name]
		args = append(args, g.key())
	}
	args = append(args, cursorVariable)
	if g.r.IntN(2) == 0 {
		args = append(args, "COUNT", g.pick("1", "5", "100", "1000000", "0", "-1", "x"))
	}
	if g.r.IntN(2) == 0 {
		args = append(args, "MATCH", g.pattern())
	}
	if name == "SCAN" && g.r.IntN(3) == 0 {
		args = append(args, "TYPE", g.pick("string", "list", "hash", "set", "zset", "stream", "x"))
	}
	return unit{{args: args, walk: true, rule: rule{doubles: name == "ZSCAN"}}}
}

// log adds enough to a stream to fill several of its nodes, or to a group's pending entries.
func (g *grammar) log() unit {
	g.group = "stream"
	key := g.key()
	var u unit
	for i := range 250 {
		g.id++
		u = append(u, command{args: []string{"XADD", key, fmt.Sprintf("%d-%d", g.id/3, g.id%3), "n", strconv.Itoa(i)}})
	}
	return append(u, command{args: []string{"XREADGROUP", "GROUP", "g1", "alice", "COUNT", "150", "STREAMS", key, ">"}})
}

// queueable are the themes whose commands may stand in a transaction.
var queueable []theme

func init() {
	// What stands in themes can't be told from there: transaction is one of them.
	for _, t := range themes {
		if t.weight > 20 {
			queueable = append(queueable, t)
		}
	}
}

// transaction makes MULTI, some commands, and EXEC, at times with a WATCH ahead of it, of what may be changed before.
func (g *grammar) transaction() unit {
	var u unit
	if g.r.IntN(4) == 0 {
		u = append(u, command{args: g.repeat("WATCH", 3, g.anyKey)})
		if g.r.IntN(2) == 0 {
			u = append(u, g.plain()...)
		}
		if g.r.IntN(6) == 0 {
			u = append(u, command{args: []string{"UNWATCH"}})
		}
	}
	u = append(u, command{args: []string{g.pick("MULTI", "multi")}})
	g.queued = true
	var each []rule
	for range g.r.IntN(8) {
		for _, c := range g.plain() {
			u = append(u, command{args: c.args})
			each = append(each, c.rule)
		}
	}
	g.queued = false
	switch g.r.IntN(20) {
	case 0:
		return append(u, command{args: []string{"DISCARD"}})
	case 1:
		u = append(u, command{args: []string{g.pick("MULTI", "NOSUCH", "GET", "WATCH")}}) // an error: EXEC refuses
	}
	return append(u, command{args: []string{"EXEC"}, rule: rule{each: each}})
}

// plain makes a unit of one command that answers once.
func (g *grammar) plain() unit {
	for {
		u := choose(g, queueable, func(t *theme) int { return t.weight }).make(g)
		if len(u) == 1 && !u[0].walk {
			return u
		}
	}
}
