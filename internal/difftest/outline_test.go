package difftest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	rows "github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/redistest"
)

// All replies to the scripts and to random commands are held against the outlines of their commands, in both protocols, and of
// every command there must be a reply to hold.

const (
	outlinesFile = "testdata/outlines/redis-7.2.txt"
	outlinesHead = "# What the replies of Redis 7.2's commands may look like in RESP3, as outline.go writes it.\n"
)

// more are commands of which scripts and random commands need not have a reply.
var more = []string{
	"XGROUP HELP", "XINFO HELP", "MEMORY PURGE", "MEMORY MALLOC-STATS", "RPUSH l a b c", "BRPOPLPUSH l m 1", "ZADD z 1 a 2 b",
	"FUNCTION HELP", "SCRIPT HELP", "BZPOPMIN z 1", "BZPOPMAX z 1", "BLPOP l 1", "BRPOP l 1",
	"BLMOVE m l LEFT LEFT 1", "BLMPOP 1 1 l LEFT",
}

// unanswered are the commands of which there is no reply that could be held.
var unanswered = strings.Fields("shutdown client|reply config|rewrite function|kill function|restore script|debug script|kill")

// further is what Redis answers, too, though its schemas do not say so, and what it has no schemas of.
var further = map[string]string{
	"command|getkeys":         "[str]", // of a command that has a key twice
	"command|getkeysandflags": "[(str, [str])]",
	"debug":                   "any",
	"function|list":           functions,
	"geohash":                 "[str|null]", // of an absent member
	"hello":                   hello2,
	"lmove":                   "null",     // of an absent list
	"memory|stats":            "{*: any}", // darter's own fields are there, too
	"monitor":                 "'OK'",
	"object|freq":             "null", // of an absent key
	"object|idletime":         "null",
	"object|refcount":         "null",
	"pfdebug":                 "any",
	"ping":                    "('pong', str)", // of a subscriber in RESP2
	"xinfo|stream":            activeNever,
	"xpending":                "(int, null, null, null)", // of a group with nothing pending
	"xrange":                  "null",                    // with a count of 0
	"xrevrange":               "null",

	"hexpire": fieldTimes, "hpexpire": fieldTimes, "hexpireat": fieldTimes, "hpexpireat": fieldTimes, "hexpiretime": fieldTimes,
	"hpexpiretime": fieldTimes, "httl": fieldTimes, "hpttl": fieldTimes, "hpersist": fieldTimes,
	"hgetdel": "[str|null]+", "hgetex": "[str|null]+", "hsetex": "0|1",

	"subscribe": subscribed, "psubscribe": subscribed, "ssubscribe": subscribed,
	"unsubscribe": unsubscribed, "punsubscribe": unsubscribed, "sunsubscribe": unsubscribed,
}

const (
	fieldTimes   = "[int>=-2]+"
	subscribed   = "(/^[ps]?subscribe$/, str, int>=1)"
	unsubscribed = "(/^[ps]?unsubscribe$/, str|null, int>=0)"

	// functions may have a description.
	functions = "[{library_name: str, engine: str, functions: [{name: str, description: str|null, flags: [str]}], " +
		"library_code: str}]"
	// hello2 is HELLO's reply in RESP2.
	hello2 = "{server: str, version: str, proto: 2, id: int, mode: str, role: str, modules: [any]}"
	// activeNever is XINFO STREAM FULL with a consumer that was never given an entry.
	activeNever = "{entries: any, entries-added: int, groups: [{consumers: [{active-time: int>=-1, name: str, pel-count: int, " +
		"pending: [any], seen-time: int}], entries-read: null|int, lag: null|int, last-delivered-id: str, name: str, pel-count: int, " +
		"pending: [any]}], last-generated-id: str, length: int, max-deleted-entry-id: str, radix-tree-keys: int, " +
		"radix-tree-nodes: int, recorded-first-entry-id: str}"
)

// checker holds replies against the outlines of their commands.
type checker struct {
	t        *testing.T
	outlines map[string][]outline
	seen     map[string]bool
}

func newChecker(t *testing.T) *checker {
	text, err := os.ReadFile(outlinesFile)
	require.NoError(t, err)
	c := &checker{t: t, outlines: map[string][]outline{}, seen: map[string]bool{}}
	add := func(name, text string) {
		o, err := parseOutline(text)
		require.NoError(t, err, name)
		c.outlines[name] = append(c.outlines[name], o)
	}
	for line := range strings.Lines(string(text)) {
		if name, outline, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && name != "#" {
			add(name, outline)
		}
	}
	for name, text := range further {
		add(name, text)
	}
	return c
}

// check takes in one reply.
func (c *checker) check(args []string, r redistest.Reply, resp3 bool) {
	row, err := rows.Resolve(bytesOf(args))
	if err != nil || r.IsError() || r.Kind == redistest.Simple && r.Str == "QUEUED" {
		return
	}
	name := row.FullName()
	if isPush := r.Kind == redistest.Push; isPush != (resp3 && strings.HasSuffix(name, "subscribe")) {
		if !isPush {
			c.t.Errorf("%.300s: the reply %.500s is no push", command{args: args}, r.Text())
		}
		return
	}
	var wrong []string
	for _, o := range c.outlines[name] {
		err := o.fits(r, resp3)
		if err == nil {
			c.seen[name] = true
			return
		}
		wrong = append(wrong, err.Error())
	}
	if len(wrong) > 0 {
		c.t.Errorf("%.300s: of the reply %.500s\n\t%.500s", command{args: args}, r.Text(), strings.Join(wrong, "; "))
	}
}

func TestReplyOutlines(t *testing.T) {
	t.Parallel()
	for _, resp3 := range []bool{false, true} {
		t.Run(fmt.Sprint("RESP3 ", resp3), func(t *testing.T) {
			t.Parallel()
			holdAll(newChecker(t), resp3)
		})
	}
}

func holdAll(c *checker, resp3 bool) {
	t := c.t
	ours := newSide(t, "darter", serveDarter(t), resp3)
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	require.NoError(t, err)
	for _, file := range files {
		steps, err := loadScript(file)
		require.NoError(t, err)
		ours.reset()
		switched := map[string]bool{} // the connections that have gone over to the other protocol
		for _, st := range steps {
			if st.only == 2 && resp3 || st.only == 3 && !resp3 {
				continue
			}
			if st.op == opSleep {
				time.Sleep(st.sleep) // else messages of what expires come among the replies
				continue
			}
			now := time.Now()
			o := ours.run(st, now)
			args, err := ours.expand(st, now)
			if err != nil || len(args) == 0 || len(o.replies) == 0 {
				continue
			}
			r := o.replies[0]
			switch {
			case r.IsError():
			case strings.EqualFold(args[0], "HELLO"):
				switched[st.conn] = (r.Kind == redistest.Map) != resp3
			case strings.EqualFold(args[0], "RESET"):
				switched[st.conn] = resp3
			}
			if st.op == opCommand && len(o.replies) == 1 && !st.raw && !st.scan {
				c.check(args, r, resp3 != switched[st.conn])
			}
		}
	}
	ours.reset()
	hold := func(args ...string) redistest.Reply {
		r := ours.do(args).replies[0]
		c.check(args, r, resp3)
		return r
	}
	hold("HELLO")
	for _, text := range more {
		hold(strings.Fields(text)...)
	}
	hold("EVALSHA_RO", hold("SCRIPT", "LOAD", "return 1").Str, "0")
	const randomUnits = 3000
	g := newGrammar(rand.New(rand.NewPCG(3, 0)))
	g.later = true
	for range randomUnits {
		for _, k := range g.unit() {
			if !k.walk {
				hold(k.args...)
			}
		}
	}
	for _, row := range rows.Rows() {
		name := row.FullName()
		if slices.Contains(unanswered, name) || len(row.Sub) > 0 || c.seen[name] {
			continue
		}
		if c.outlines[name] == nil {
			t.Errorf("there is no outline of the replies of %s", name)
		} else {
			t.Errorf("no script has a reply of %s to hold", name)
		}
	}
}
