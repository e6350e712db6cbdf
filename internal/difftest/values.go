package difftest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

var argumentKinds = map[string]func(*grammar) string{
	"key": (*grammar).key, "value": (*grammar).value, "number": (*grammar).number, "float": (*grammar).float,
	"index": (*grammar).index, "offset": (*grammar).offset, "ttl": (*grammar).ttl, "ttlms": (*grammar).ttlMs,
	"db": (*grammar).db, "pattern": (*grammar).pattern, "anykey": (*grammar).anyKey,
}

var keys = []string{"a", "b", "c", "key:1", "key:2", "{t}x", "", "bin\x00\xff\r\n"}

// groupKeys are the keys that commands of a group mostly use.
var groupKeys = map[string][]string{
	"":            keys,
	"list":        {"l1", "l2", "l3"},
	"hash":        {"h1", "h2", "h3"},
	"set":         {"s1", "s2", "s3", "{t}s"},
	"sorted-set":  {"z1", "z2", "z3", "{t}z"},
	"stream":      {"x1", "x2"},
	"bitmap":      {"b1", "b2", "b3"},
	"hyperloglog": {"p1", "p2", "p3"},
	"geo":         {"g1", "g2"},
	"weights":     {"w_a", "w_1", "w_2"}, // what SORT's patterns find
	"lex":         {"y1", "y2"},          // sorted sets in which all scores are 0
}

// alone are the groups whose keys only they use: other commands would give members of one sorted set different scores, put places
// so close together that the order of their distances is chance, and make a HyperLogLog something that only looks like one.
var alone = []string{"lex", "geo", "hyperloglog"}

// groups are the others.
var groups = slices.DeleteFunc(slices.Sorted(maps.Keys(groupKeys)), func(g string) bool { return slices.Contains(alone, g) })

func (g *grammar) pick(of ...string) string { return of[g.r.IntN(len(of))] }

// key is a key of the group in hand, and now and then another.
func (g *grammar) key() string {
	if g.r.IntN(15) == 0 && !slices.Contains(alone, g.group) {
		return g.anyKey()
	}
	return g.pick(groupKeys[g.group]...)
}

func (g *grammar) anyKey() string { return g.pick(groupKeys[g.pick(groups...)]...) }

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

// member is a field, member or element. Most come again and again, so that what is stored is found.
func (g *grammar) member() string {
	if g.wide > 0 {
		return fmt.Sprintf(g.pick("m%d", "%d", "%d"), g.r.IntN(g.wide))
	}
	switch g.r.IntN(12) {
	case 0:
		return g.number()
	case 1:
		return g.float()
	case 2:
		return g.pick("", " ", "bin\x00\xff\r\n", strings.Repeat("x", 63+g.r.IntN(4)), strings.Repeat("y", 126+g.r.IntN(4)))
	case 3:
		return strings.Repeat(g.pick("long", "\x01\xfe"), 200+g.r.IntN(2500)) // SORT ends at a zero byte in Redis
	case 4, 5, 6:
		return strconv.Itoa(g.r.IntN(7) - 2)
	}
	return g.pick("a", "b", "c", "d", "ab", "B", "\xff")
}

// score is a score, weight or coordinate; what has no exact sum in binary is in, and what is no number.
func (g *grammar) score() string {
	switch g.r.IntN(10) {
	case 0:
		return g.float()
	case 1:
		return g.number()
	case 2:
		return strconv.FormatFloat(g.r.NormFloat64()*1000, 'g', -1, 64)
	}
	return strconv.FormatFloat(float64(g.r.IntN(40)-10)/4, 'g', -1, 64)
}

// scoreBound is an end of a range of scores.
func (g *grammar) scoreBound() string {
	return g.pick("-inf", "+inf", "inf", "(-inf", "(", g.score(), g.score(), "("+g.score())
}

// lexBound is an end of a range of members.
func (g *grammar) lexBound() string {
	return g.pick("-", "+", "[", "(", "["+g.member(), "["+g.member(), "("+g.member(), g.member())
}

// count is how many are wanted.
func (g *grammar) count() string {
	if g.r.IntN(6) == 0 {
		return g.number()
	}
	return strconv.Itoa(g.r.IntN(8) - 1)
}

// newID is an ID to add to a stream, greater than the last more often than not.
func (g *grammar) newID() string {
	switch g.r.IntN(8) {
	case 0:
		return g.pick("0", "0-0", "1-1", "18446744073709551616-1", "-1", "1-x", "x", "", "5-", "-5", "1-2-3")
	case 1:
		return fmt.Sprintf("%d-*", g.id/3)
	}
	g.id += g.r.IntN(3)
	return fmt.Sprintf("%d-%d", g.id/3, g.id%3)
}

// streamID is an ID near those that were added.
func (g *grammar) streamID() string {
	if g.r.IntN(10) == 0 {
		return g.pick("0", "0-0", "18446744073709551615-18446744073709551615", "18446744073709551615", "18446744073709551616-1", "-1", "1-x", "x", "",
			"5-", "-5", "1-2-3", "9999999999-0", "01-01")
	}
	n := max(g.id-g.r.IntN(30), 0)
	if g.r.IntN(4) == 0 {
		return strconv.Itoa(n / 3)
	}
	return fmt.Sprintf("%d-%d", n/3, n%3)
}

// idBound is an end of a range of a stream.
func (g *grammar) idBound() string {
	return g.pick("-", "+", "(", g.streamID(), g.streamID(), g.streamID(), "("+g.streamID())
}

// idle is a time in milliseconds for which entries are pending: next to nothing or more than any test takes.
func (g *grammar) idle() string {
	if g.r.IntN(12) == 0 {
		return g.number()
	}
	return g.pick("0", "0", "0", "100000000")
}

// degrees is a longitude or latitude, most near a place in Sicily, so that searches find something.
func (g *grammar) degrees(around float64) string {
	switch g.r.IntN(12) {
	case 0:
		return g.pick("180", "-180", "85.05112878", "-85.05112878", "85.06", "180.1", "0", "-0", "inf", "nan", "x", "")
	case 1:
		return strconv.FormatFloat(g.r.Float64()*340-170, 'f', 6, 64)
	}
	return strconv.FormatFloat(around+g.r.NormFloat64(), 'f', g.r.IntN(8), 64)
}

// radius is a distance.
func (g *grammar) radius() string {
	return g.pick("0", "1", "100", "200.5", "1000", "50000", "1e7", "-1", "x", strconv.Itoa(g.r.IntN(500_000)))
}

// encoding is the type of a bit field.
func (g *grammar) encoding() string {
	if g.r.IntN(10) == 0 {
		return g.pick("u64", "i65", "u0", "i0", "x8", "u", "", "8", "u08")
	}
	return fmt.Sprintf("%s%d", g.pick("u", "i"), 1+g.r.IntN(63))
}

// fieldNumber is what a bit field is set to. What is far below the least number of a field saturates to the largest in Redis.
func (g *grammar) fieldNumber() string {
	for {
		if n := g.number(); !strings.HasPrefix(n, "-92") {
			return n
		}
	}
}

// bit is where in a bitmap something is.
func (g *grammar) bit() string {
	if g.r.IntN(12) == 0 {
		return g.pick("-1", "4294967296", "x", "", "#", "#-1", "9223372036854775807")
	}
	return strconv.Itoa(g.r.IntN(120))
}
