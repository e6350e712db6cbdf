package difftest

import (
	"math/rand/v2"
	"strings"
)

// grammar makes random commands of all groups that have data. It is biased to what finds faults: few keys, so that commands
// meet; numbers at the edges of their types; wrong types; options that clash; now and then a container that outgrows its
// packed form.
//
// Commands about strings and keys are written out as productions below; those of the other groups are made from the
// arguments that their rows in the command table state (rows.go), with values from values.go.
//
// What depends on the moment is kept out, so that a run of one seed always agrees between two equal servers: relative times are
// far away and unlike each other (see ttl), absolute ones lie in the far future or long ago, and commands that answer
// at random take all there is or are compared by shape.
type grammar struct {
	r *rand.Rand

	later  bool // commands that came after the real server's version, too
	shapes bool // nothing that depends on how containers are kept
	queued bool // inside of a transaction, where nothing waits
	group  string
	wide   int // over 0: members are from a pool of so many
	id     int // the last number of an ID of a stream
}

func newGrammar(r *rand.Rand) *grammar { return &grammar{r: r} }

const (
	ttlSlack   = 2    // seconds by which TTLs of the two servers may differ
	ttlSlackMs = 2000 // the same in milliseconds
	databases  = 3    // how many logical databases are used
)

// unit is commands that belong together, as those of a transaction do: a history is shortened by whole units.
type unit []command

// theme is a kind of units; weight is how often it is chosen.
type theme struct {
	weight int
	make   func(g *grammar) unit
}

var themes = []theme{
	{150, written(stringProductions)},
	{110, written(keyProductions)},
	{1, written(flushProductions)},
	{90, ofGroup("list")},
	{90, ofGroup("hash")},
	{90, ofGroup("set")},
	{110, ofGroup("sorted-set")},
	{40, ofGroup("lex")},
	{130, ofGroup("stream")},
	{50, ofGroup("bitmap")},
	{25, ofGroup("hyperloglog")},
	{50, ofGroup("geo")},
	{30, (*grammar).sort},
	{15, (*grammar).walk},
	{25, (*grammar).transaction},
	{4, (*grammar).log},
}

// unit makes the next commands.
func (g *grammar) unit() unit {
	return choose(g, themes, func(t *theme) int { return t.weight }).make(g)
}

// choose takes one of a list by their weights.
func choose[T any](g *grammar, of []T, weight func(*T) int) *T {
	total := 0
	for i := range of {
		total += weight(&of[i])
	}
	n := g.r.IntN(total)
	for i := range of {
		if n -= weight(&of[i]); n < 0 {
			return &of[i]
		}
	}
	panic("the weights do not add up")
}

// production is one form of command; weight is how often it is chosen.
type production struct {
	weight int
	make   func(g *grammar) []string
	rule   rule
}

// written makes a theme of productions.
func written(of []production) func(*grammar) unit {
	return func(g *grammar) unit {
		g.group = ""
		p := choose(g, of, func(p *production) int { return p.weight })
		args := p.make(g)
		if g.r.IntN(10) == 0 {
			args[0] = strings.ToLower(args[0])
		}
		c := command{args: args, rule: p.rule}
		if g.shapes && strings.EqualFold(args[0], "OBJECT") {
			c.rule = anyOf
		}
		return unit{c}
	}
}

var stringProductions = []production{
	{10, func(g *grammar) []string { return g.set() }, rule{}},
	{6, words("GET", "key"), rule{}},
	{3, words("APPEND", "key", "value"), rule{}},
	{3, words("INCR", "key"), rule{}},
	{3, words("DECR", "key"), rule{}},
	{4, words("INCRBY", "key", "number"), rule{}},
	{4, words("DECRBY", "key", "number"), rule{}},
	{4, words("INCRBYFLOAT", "key", "float"), rule{}},
	{2, words("GETDEL", "key"), rule{}},
	{5, func(g *grammar) []string { return g.getex() }, rule{}},
	{2, words("GETSET", "key", "value"), rule{}},
	{4, words("GETRANGE", "key", "index", "index"), rule{}},
	{1, words("SUBSTR", "key", "index", "index"), rule{}},
	{4, words("SETRANGE", "key", "offset", "value"), rule{}},
	{2, words("STRLEN", "key"), rule{}},
	{2, words("SETNX", "key", "value"), rule{}},
	{2, words("SETEX", "key", "ttl", "value"), rule{}},
	{2, words("PSETEX", "key", "ttlms", "value"), rule{}},
	{2, func(g *grammar) []string { return g.repeat("MGET", 4, g.key) }, rule{}},
	{2, func(g *grammar) []string { return g.repeat("MSET", 3, g.key, g.value) }, rule{}},
	{2, func(g *grammar) []string { return g.repeat("MSETNX", 3, g.key, g.value) }, rule{}},
	{4, func(g *grammar) []string { return g.lcs() }, rule{}},
	{3, func(g *grammar) []string { return g.mangled() }, rule{}},
}

// keyProductions are about keys, whatever they hold.
var keyProductions = []production{
	{4, func(g *grammar) []string { return g.repeat("DEL", 3, g.anyKey) }, rule{}},
	{2, func(g *grammar) []string { return g.repeat("UNLINK", 3, g.anyKey) }, rule{}},
	{2, func(g *grammar) []string { return g.repeat("EXISTS", 4, g.anyKey) }, rule{}},
	{2, func(g *grammar) []string { return g.repeat("TOUCH", 4, g.anyKey) }, rule{}},
	{2, words("TYPE", "anykey"), rule{}},
	{2, words("KEYS", "pattern"), rule{unordered: true}},
	{3, words("RENAME", "anykey", "anykey"), rule{}},
	{3, words("RENAMENX", "anykey", "anykey"), rule{}},
	{4, func(g *grammar) []string { return g.copy() }, rule{}},
	{3, words("MOVE", "anykey", "db"), rule{}},
	{3, words("SELECT", "db"), rule{}},
	{1, words("SWAPDB", "db", "db"), rule{}},
	{6, func(g *grammar) []string { return g.expire() }, rule{}},
	{4, words("TTL", "anykey"), rule{approx: ttlSlack}},
	{4, words("PTTL", "anykey"), rule{approx: ttlSlackMs}},
	{3, words("EXPIRETIME", "anykey"), rule{approx: ttlSlack}},
	{3, words("PEXPIRETIME", "anykey"), rule{approx: ttlSlackMs}},
	{3, words("PERSIST", "anykey"), rule{}},
	{4, words("OBJECT", "ENCODING", "anykey"), rule{encodings: laterEncodings}},
	{1, words("OBJECT", "FREQ", "anykey"), rule{}},
	{1, words("OBJECT", "IDLETIME", "anykey"), rule{approx: 60}},
}

var flushProductions = []production{
	{1, func(g *grammar) []string {
		return []string{g.pick("FLUSHDB", "FLUSHALL"), g.pick("SYNC", "ASYNC", "NOW")}
	}, rule{}},
}

// words makes a production of fixed length; a word that names a kind of argument stands for a random one.
func words(names ...string) func(*grammar) []string {
	return func(g *grammar) []string {
		args := make([]string, len(names))
		for i, name := range names {
			if kind := argumentKinds[name]; kind != nil {
				args[i] = kind(g)
			} else {
				args[i] = name
			}
		}
		return args
	}
}

// expiry is an option that sets, keeps or drops a time to live.
func (g *grammar) expiry() []string {
	switch g.r.IntN(6) {
	case 0:
		return []string{"EX", g.ttl()}
	case 1:
		return []string{"px", g.ttlMs()}
	case 2:
		return []string{"EXAT", g.at()}
	case 3:
		return []string{"PXAT", g.atMs()}
	case 4:
		return []string{"KEEPTTL"}
	}
	return []string{"PERSIST"}
}

func (g *grammar) set() []string {
	args := []string{"SET", g.key(), g.value()}
	for g.r.IntN(2) == 0 {
		switch g.r.IntN(4) {
		case 0:
			args = append(args, g.pick("NX", "XX", "nx"))
		case 1:
			args = append(args, "GET")
		default:
			args = append(args, g.expiry()...)
		}
	}
	return args
}

func (g *grammar) getex() []string {
	args := []string{"GETEX", g.key()}
	for n := g.r.IntN(3); n > 0; n-- {
		args = append(args, g.expiry()...)
	}
	return args
}

func (g *grammar) lcs() []string {
	args := []string{"LCS", g.key(), g.key()}
	for n := g.r.IntN(4); n > 0; n-- {
		switch g.r.IntN(4) {
		case 0:
			args = append(args, "LEN")
		case 1:
			args = append(args, "IDX")
		case 2:
			args = append(args, "MINMATCHLEN", g.index())
		default:
			args = append(args, "WITHMATCHLEN")
		}
	}
	return args
}

func (g *grammar) copy() []string {
	args := []string{"COPY", g.anyKey(), g.anyKey()}
	for n := g.r.IntN(3); n > 0; n-- {
		if g.r.IntN(2) == 0 {
			args = append(args, "REPLACE")
		} else {
			args = append(args, "DB", g.db())
		}
	}
	return args
}

func (g *grammar) expire() []string {
	var args []string
	switch g.r.IntN(4) {
	case 0:
		args = []string{"EXPIRE", g.anyKey(), g.ttl()}
	case 1:
		args = []string{"PEXPIRE", g.anyKey(), g.ttlMs()}
	case 2:
		args = []string{"EXPIREAT", g.anyKey(), g.at()}
	default:
		args = []string{"PEXPIREAT", g.anyKey(), g.atMs()}
	}
	for n := g.r.IntN(3); n > 0; n-- {
		args = append(args, g.pick("NX", "XX", "GT", "LT", "gt", "ZZ"))
	}
	return args
}

// repeat makes a command with a list of 1 to most arguments or groups of them.
func (g *grammar) repeat(name string, most int, kinds ...func() string) []string {
	args := []string{name}
	for n := 1 + g.r.IntN(most); n > 0; n-- {
		for _, kind := range kinds {
			args = append(args, kind())
		}
	}
	return args
}

// mangled makes a command with an argument too many, too few, or of the wrong kind.
func (g *grammar) mangled() []string {
	var args []string
	switch g.r.IntN(5) {
	case 0:
		args = g.set()
	case 1:
		args = g.copy()
	case 2:
		args = g.expire()
	case 3:
		args = g.lcs()
	default:
		args = []string{g.pick("GET", "STRLEN", "INCR", "TTL", "MSET", "DEL", "OBJECT", "SELECT", "KEYS", "TYPE", "NOSUCH"), g.key()}
	}
	switch g.r.IntN(3) {
	case 0:
		return args[:1+g.r.IntN(len(args)-1)]
	case 1:
		return append(args, g.pick("NX", "EX", "", "1", "DB"))
	}
	args[1+g.r.IntN(len(args)-1)] = g.pick("", "-1", "NX", "\r\n", "GET")
	return args
}
