package difftest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	rows "github.com/darterdb/darter/internal/command"
)

// Commands made from rows of the command table: every argument, option and block that a row states is given or left out at
// random, with a value from the pool that fits its name. One in some dozen is damaged afterwards.

// realVersion is what the real server at hand knows; what came later is for darter alone.
const realVersion = "7.0"

// isLater says that something came after the real server's version.
func isLater(since string) bool {
	major, minor, _ := strings.Cut(since, ".")
	minor, _, _ = strings.Cut(minor, ".")
	return since != "" && (len(major) > 1 || major+"."+minor > realVersion)
}

// leftOut are rows of which no commands are made: cursors are of one server and have a theme of their own (walk.go), debugging
// and help speak of the server.
var leftOut = []string{"hscan", "sscan", "zscan", "pfdebug", "pfselftest", "xgroup|help", "xinfo|help"}

// often are the commands that fill containers; the others are made as often as each other, those that may wait seldom.
var often = []string{"rpush", "lpush", "hset", "sadd", "zadd", "xadd", "xreadgroup", "setbit", "geoadd", "pfadd", "zincrby"}

type weighedRow struct {
	*rows.Row
	weight int
}

// inLex are the commands on ranges of members, and what goes with them. These ranges make sense where all scores are the same,
// so they have keys of their own, on which there are no other commands.
var inLex = strings.Fields("zlexcount zrangebylex zrevrangebylex zremrangebylex zrange zrangestore zadd zrem zrank zmscore")

// inGroup says that a command of the row is made by the theme of a group.
func inGroup(r *rows.Row, group string) bool {
	if group == "lex" {
		return slices.Contains(inLex, r.Name)
	}
	return r.Group == group && len(r.Sub) == 0 && !slices.Contains(leftOut, r.FullName()) && !isLex(r)
}

func isLex(r *rows.Row) bool { return strings.Contains(r.Name, "lex") }

// ofGroup makes a theme of a group's rows.
func ofGroup(group string) func(*grammar) unit {
	var all []weighedRow
	for _, r := range rows.Rows() {
		if !inGroup(r, group) {
			continue
		}
		w := weighedRow{r, 4}
		if slices.Contains(often, r.Name) {
			w.weight = 25
		}
		if r.Flags&rows.Blocking != 0 && !strings.HasPrefix(r.Name, "x") {
			w.weight = 1
		}
		all = append(all, w)
	}
	return func(g *grammar) unit {
		g.group = group
		for {
			r := choose(g, all, func(w *weighedRow) int { return w.weight })
			if g.later || !isLater(r.Since) {
				return unit{g.fromRow(r.Row)}
			}
		}
	}
}

// rowMaker is a command in the making.
type rowMaker struct {
	*grammar
	row  *rows.Row
	args []string
	many int // how many keys or fields a number before them has promised, 0 for none
	by   string
}

// fromRow makes a command of a row.
func (g *grammar) fromRow(r *rows.Row) command {
	m := &rowMaker{grammar: g, row: r}
	if p := r.Parent(); p != nil {
		m.args = append(m.args, strings.ToUpper(p.Name))
	}
	m.args = append(m.args, strings.ToUpper(r.Name))
	g.wide = 0
	if g.r.IntN(40) == 0 {
		g.wide = 60 + g.r.IntN(1000)
	}
	if m.by = g.pick("BYSCORE", ""); g.group == "lex" {
		m.by = "BYLEX"
	}
	for _, a := range m.shuffled(r.Args) {
		m.argument(&a)
	}
	g.wide = 0
	if g.r.IntN(30) == 0 && r.Name != "spop" && g.group != "lex" && (g.queued || r.Flags&rows.Blocking == 0) {
		m.damage()
	}
	if g.r.IntN(10) == 0 {
		m.args[0] = strings.ToLower(m.args[0])
	}
	c := command{args: m.args}
	c.rule = ruleOf(r.FullName(), c)
	return c
}

// shuffled is a row's arguments with runs of optional ones in another order at times.
func (m *rowMaker) shuffled(args []rows.Arg) []rows.Arg {
	args = slices.Clone(args)
	if m.r.IntN(3) > 0 {
		return args
	}
	for from := 0; from < len(args); from++ {
		to := from
		for to < len(args) && args[to].Optional && (args[to].Token != "" || args[to].Type == "oneof") {
			to++
		}
		m.r.Shuffle(to-from, func(i, j int) { args[from+i], args[from+j] = args[from+j], args[from+i] })
		from = max(from, to-1)
	}
	return args
}

// skipped are arguments that would make a command answer by chance or wait.
func (m *rowMaker) skipped(a *rows.Arg) bool {
	switch {
	case isLater(a.Since) && !m.later, a.Name == "withscore" && !m.later, a.Name == "auto-id":
		return true
	case a.Name == "approximately" && m.shapes: // trims by the nodes of a stream
		return true
	case a.Name == "storedist", a.Name == "storedistkey": // the last of 17 digits differ between libraries of functions
		return true
	case a.Name == "milliseconds" && strings.HasPrefix(m.row.Name, "xread"):
		return !m.queued && m.r.IntN(20) > 0
	case a.Name == "sortby":
		return m.by == ""
	}
	return false
}

// argument appends an argument, with all that belongs to it, or leaves it out.
func (m *rowMaker) argument(a *rows.Arg) {
	always := a.Name == "sortby" || m.row.Name == "spop" // which takes all there is, not any
	if m.skipped(a) || a.Optional && !always && m.r.IntN(3) > 0 {
		return
	}
	if a.Name == "streams" {
		m.streams()
		return
	}
	times := 1
	if a.Multiple {
		times += m.r.IntN(3)
		switch {
		case m.many > 0 && (a.Type == "key" || a.Name == "weight" || a.Name == "field" || a.Name == "data"):
			times = m.many
		case m.wide > 0 && a.Type != "key":
			times = 20 + m.r.IntN(200)
		}
	}
	for i := range times {
		if a.Token != "" && a.Type != "pure-token" && (i == 0 || a.MultipleToken) {
			m.token(a.Token)
		}
		m.one(a)
	}
}

// one appends one occurrence.
func (m *rowMaker) one(a *rows.Arg) {
	switch a.Type {
	case "pure-token":
		m.token(a.Token)
	case "block":
		for _, sub := range a.Args {
			m.argument(&sub)
		}
	case "oneof":
		if a.Name == "sortby" {
			m.token(m.by)
			return
		}
		var choices []rows.Arg
		for _, sub := range a.Args {
			if !m.skipped(&sub) {
				choices = append(choices, sub)
			}
		}
		m.argument(&choices[m.r.IntN(len(choices))])
	case "key":
		m.args = append(m.args, m.key())
	default:
		m.args = append(m.args, m.valueOf(a))
	}
}

func (m *rowMaker) token(t string) {
	if m.r.IntN(10) == 0 {
		t = strings.ToLower(t)
	}
	m.args = append(m.args, t)
}

// streams appends keys of streams and as many IDs.
func (m *rowMaker) streams() {
	m.token("STREAMS")
	n := 1 + m.r.IntN(2)
	for range n {
		m.args = append(m.args, m.key())
	}
	for range n {
		id := m.streamID()
		if m.row.Name == "xreadgroup" && m.r.IntN(3) > 0 {
			id = ">"
		} else if m.r.IntN(6) == 0 {
			id = "$"
		}
		m.args = append(m.args, id)
	}
}

// valueOf makes a value for an argument that is no key, token or block.
func (m *rowMaker) valueOf(a *rows.Arg) string {
	group := m.row.Group
	switch a.Name {
	case "numkeys", "numfields":
		m.many = 1 + m.r.IntN(3)
		if m.r.IntN(25) == 0 {
			return m.pick("0", "-1", "x", "9", "4294967297", "9223372036854775807")
		}
		return strconv.Itoa(m.many)
	case "field", "member", "element", "pivot", "member1", "member2":
		return m.member()
	case "value":
		if group == "bitmap" {
			return m.pick("0", "1", "1", m.fieldNumber())
		}
		return m.value()
	case "score", "weight":
		if m.grammar.group == "lex" {
			return "0"
		}
		return m.score()
	case "increment":
		switch {
		case group == "bitmap":
			return m.fieldNumber()
		case m.row.Name == "hincrby":
			return m.number()
		}
		return m.score()
	case "min", "max":
		return m.bound(a.Type == "double")
	case "start", "stop", "end":
		switch {
		case group == "stream" && m.row.Name == "xautoclaim":
			return m.streamID()
		case group == "stream":
			return m.idBound()
		case m.row.Name == "zrange":
			return m.bound(false)
		}
		return m.index()
	case "timeout":
		return m.pick("0.01", "0.01", "0.01", "0.01", "0.01", "-1", "x", "nan")
	case "group":
		return m.pick("g1", "g1", "g2")
	case "consumer":
		return m.pick("alice", "bob", "carol")
	case "ID", "lastid", "max-deleted-id":
		return m.streamID()
	case "last-id": // 7.0 lets it go below IDs that were deleted
		m.grammar.id++
		return m.pick("x", "", "1-x", fmt.Sprintf("%d-%d", m.grammar.id/3, m.grammar.id%3), strconv.Itoa(m.grammar.id/3+1))
	case "id":
		if m.row.Name == "xadd" {
			return m.newID()
		}
		return m.streamID()
	case "threshold":
		return m.pick(m.count(), m.streamID(), strconv.Itoa(m.r.IntN(200)))
	case "min-idle-time", "ms":
		return m.idle()
	case "milliseconds":
		if group == "stream" {
			return m.pick("1", "5", "-1", "x")
		}
		return m.ttlMs()
	case "seconds":
		return m.ttl()
	case "unix-time-seconds":
		return m.at()
	case "unix-time-milliseconds":
		return m.atMs()
	case "encoding":
		return m.encoding()
	case "offset":
		if group == "bitmap" {
			return m.bit()
		}
		return m.index()
	case "bit":
		return m.pick("0", "1", "0", "1", "2", "x")
	case "longitude":
		return m.degrees(14)
	case "latitude":
		return m.degrees(38)
	case "radius", "width", "height":
		return m.radius()
	case "count":
		return m.countOf()
	case "rank": // 7.0 takes the smallest number
		return strconv.Itoa(m.r.IntN(9) - 4)
	case "index":
		return m.index()
	case "by-pattern":
		return m.pick("w_*", "w_*", "h*->1", "nosort", "x", "*", "w_*->", "*->*", "")
	case "get-pattern":
		return m.pick("#", "#", "w_*", "h*->1", "x", "*", "h*->")
	}
	if a.Type == "integer" {
		return m.count()
	}
	panic(fmt.Sprintf("difftest: no values for argument %s of %s", a.Name, m.row.FullName()))
}

// bound is an end of a range of a sorted set.
func (m *rowMaker) bound(score bool) string {
	switch {
	case m.r.IntN(30) == 0:
		return m.member()
	case m.by == "BYLEX":
		return m.lexBound()
	case score || m.by == "BYSCORE":
		return m.scoreBound()
	}
	return m.index()
}

// all is a count that takes whatever there is.
const all = "1000000"

// countOf is a count. What answers at random is asked for everything, or for what can be compared by shape.
func (m *rowMaker) countOf() string {
	switch m.row.Name {
	case "spop":
		return m.pick(all, all, "0", "-1", "x")
	case "srandmember", "hrandfield", "zrandmember":
		return m.pick(all, all, "0", "-7", "3", "x", "-9223372036854775808", "9223372036854775807")
	}
	return m.count()
}

// damage makes a mistake in the command.
func (m *rowMaker) damage() {
	at := 1 + m.r.IntN(len(m.args))
	switch {
	case at == len(m.args) && strings.HasSuffix(m.row.Name, "rank"): // takes one more in 7.2
	case at == len(m.args):
		m.args = append(m.args, m.pick("x", "", "1", "COUNT", "LIMIT"))
	case m.r.IntN(2) == 0:
		m.args = slices.Delete(m.args, at, at+1)
	default:
		m.args[at] = m.pick("", "-1", "x", "1.5", "\x01", m.args[len(m.args)-1])
	}
}
