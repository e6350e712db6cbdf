package difftest

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// grammar makes random commands of the string and generic groups. It is biased to what finds faults: few keys, so that commands
// meet; numbers at the edges of their types; options that clash.
//
// What depends on the moment is kept out, so that a run of one seed always agrees between two equal servers: relative times are
// far away and unlike each other (see ttl), absolute ones lie in the far future or long ago, and commands that answer
// at random, or see keys that have expired and were not removed yet (MEMORY USAGE, DBSIZE), are left out.
type grammar struct {
	r *rand.Rand
}

func newGrammar(r *rand.Rand) *grammar { return &grammar{r: r} }

const (
	ttlSlack   = 2    // seconds by which TTLs of the two servers may differ
	ttlSlackMs = 2000 // the same in milliseconds
	databases  = 3    // how many logical databases are used
)

// production is one form of command; weight is how often it is chosen.
type production struct {
	weight int
	make   func(g *grammar) []string
	rule   rule
}

var productions = []production{
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
	{4, func(g *grammar) []string { return g.repeat("DEL", 3, g.key) }, rule{}},
	{2, func(g *grammar) []string { return g.repeat("UNLINK", 3, g.key) }, rule{}},
	{2, func(g *grammar) []string { return g.repeat("EXISTS", 4, g.key) }, rule{}},
	{2, func(g *grammar) []string { return g.repeat("TOUCH", 4, g.key) }, rule{}},
	{2, words("TYPE", "key"), rule{}},
	{2, words("KEYS", "pattern"), rule{unordered: true}},
	{3, words("RENAME", "key", "key"), rule{}},
	{3, words("RENAMENX", "key", "key"), rule{}},
	{4, func(g *grammar) []string { return g.copy() }, rule{}},
	{3, words("MOVE", "key", "db"), rule{}},
	{3, words("SELECT", "db"), rule{}},
	{1, words("SWAPDB", "db", "db"), rule{}},
	{6, func(g *grammar) []string { return g.expire() }, rule{}},
	{4, words("TTL", "key"), rule{approx: ttlSlack}},
	{4, words("PTTL", "key"), rule{approx: ttlSlackMs}},
	{3, words("EXPIRETIME", "key"), rule{approx: ttlSlack}},
	{3, words("PEXPIRETIME", "key"), rule{approx: ttlSlackMs}},
	{3, words("PERSIST", "key"), rule{}},
	{4, words("OBJECT", "ENCODING", "key"), rule{sums: true}},
	{1, words("OBJECT", "FREQ", "key"), rule{}},
	{1, words("OBJECT", "IDLETIME", "key"), rule{approx: 60}},
	{1, func(g *grammar) []string {
		return []string{g.pick("FLUSHDB", "FLUSHALL"), g.pick("SYNC", "ASYNC", "NOW")}
	}, rule{}},
	{3, func(g *grammar) []string { return g.mangled() }, rule{}},
}

// command makes the next command.
func (g *grammar) command() command {
	total := 0
	for _, p := range productions {
		total += p.weight
	}
	n := g.r.IntN(total)
	for _, p := range productions {
		if n -= p.weight; n < 0 {
			args := p.make(g)
			if g.r.IntN(10) == 0 {
				args[0] = strings.ToLower(args[0])
			}
			return command{args, p.rule}
		}
	}
	panic("the weights do not add up")
}

// stateCheck makes the commands that look at everything in every database.
func (g *grammar) stateCheck() []command {
	var cs []command
	for db := range databases {
		cs = append(cs, command{args: []string{"SELECT", strconv.Itoa(db)}},
			command{[]string{"KEYS", "*"}, rule{unordered: true}})
		for _, k := range keys {
			cs = append(cs, command{args: []string{"GET", k}}, command{[]string{"PTTL", k}, rule{approx: ttlSlackMs}},
				command{[]string{"OBJECT", "ENCODING", k}, rule{sums: true}})
		}
		// Last, since keys that have expired count until somebody asks for them.
		cs = append(cs, command{args: []string{"DBSIZE"}})
	}
	return cs
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

var argumentKinds = map[string]func(*grammar) string{
	"key": (*grammar).key, "value": (*grammar).value, "number": (*grammar).number, "float": (*grammar).float,
	"index": (*grammar).index, "offset": (*grammar).offset, "ttl": (*grammar).ttl, "ttlms": (*grammar).ttlMs,
	"db": (*grammar).db, "pattern": (*grammar).pattern,
}

var keys = []string{"a", "b", "c", "key:1", "key:2", "{t}x", "", "bin\x00\xff\r\n"}

func (g *grammar) pick(of ...string) string { return of[g.r.IntN(len(of))] }

func (g *grammar) key() string { return g.pick(keys...) }

func (g *grammar) value() string {
	switch g.r.IntN(6) {
	case 0:
		return g.number()
	case 1:
		return g.float()
	case 2:
		return strings.Repeat(g.pick("x", "ab", "\x00\xfe"), g.r.IntN(60))
	case 3:
		return g.pick("", " ", "hello world", "ohmytext", "mynewtext", "-0", "007", "1 ", " 1", "1e3", "nan", "inf")
	case 4:
		// The length at which a string's encoding changes is close.
		return strings.Repeat("e", 42+g.r.IntN(5))
	}
	return strconv.Itoa(g.r.IntN(100) - 50)
}

func (g *grammar) number() string {
	return g.pick("0", "1", "-1", "2", "10", "9999", "10000", "9223372036854775807", "-9223372036854775808", "9223372036854775806",
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", "4294967296", "-0", "+1", "01", "1.0", "", "x", " 1", "0x10",
		strconv.Itoa(g.r.IntN(1000)-500))
}

func (g *grammar) float() string {
	return g.pick("0", "-0", "0.1", "1.5", "-2.25", "3.0e3", "1e10", "5e-3", "1e17", "1e-17", "0.3", "100", "-1", "inf", "-inf", "nan", "",
		"1.", ".5", "1e400", "abc", " 1", "1 ", "9223372036854775807", "0x1p3")
}

func (g *grammar) index() string {
	if g.r.IntN(8) == 0 {
		return g.number()
	}
	return strconv.Itoa(g.r.IntN(30) - 15)
}

func (g *grammar) offset() string {
	if g.r.IntN(8) == 0 {
		return g.pick("-1", "536870912", "9223372036854775807", "-9223372036854775808", "x", "", "4294967295")
	}
	return strconv.Itoa(g.r.IntN(40))
}

// ttl is a number of seconds: invalid, or at least a day and never twice the same in practice, since GT and LT
// would else depend on which millisecond a command came in.
func (g *grammar) ttl() string {
	if g.r.IntN(4) == 0 {
		return g.pick("0", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775", "9223372036854776", "x", "", "1.5")
	}
	return strconv.Itoa(86400 + 10*g.r.IntN(1_000_000))
}

func (g *grammar) ttlMs() string {
	if g.r.IntN(4) == 0 {
		return g.pick("0", "-1", "9223372036854775807", "-9223372036854775808", "x", "", "1.5")
	}
	return strconv.Itoa(86_400_000 + 10_000*g.r.IntN(1_000_000))
}

// at is a point in time in seconds: past, far future or invalid.
func (g *grammar) at() string {
	return g.pick("0", "-1", "1", "1000000000", "4102444800", "4102444801", "33177117420", "9223372036854775", "9223372036854776",
		"9223372036854775807", "-9223372036854775808", "x", "")
}

func (g *grammar) atMs() string {
	return g.pick("0", "-1", "1", "1000000000000", "4102444800000", "4102444800001", "33177117420000", "9223372036854775807",
		"-9223372036854775808", "x", "")
}

func (g *grammar) db() string {
	if g.r.IntN(10) == 0 {
		return g.pick("-1", "16", "99999999999", "x", "", "1.0")
	}
	return strconv.Itoa(g.r.IntN(databases))
}

func (g *grammar) pattern() string {
	return g.pick("*", "?", "a", "[abc]", "[^a]", "key:*", "key:[0-1]", "*1", "\\a", "[a-", "**", "", "*\xff*", "{t}?", "[b-a]", "k?y:?", "a*b", "[!a]")
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
	args := []string{"COPY", g.key(), g.key()}
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
		args = []string{"EXPIRE", g.key(), g.ttl()}
	case 1:
		args = []string{"PEXPIRE", g.key(), g.ttlMs()}
	case 2:
		args = []string{"EXPIREAT", g.key(), g.at()}
	default:
		args = []string{"PEXPIREAT", g.key(), g.atMs()}
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
