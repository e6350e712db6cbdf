package difftest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darterdb/darter/internal/redistest"
)

// command is one random command with the rule its replies are compared by.
type command struct {
	args []string
	rule rule
	walk bool // a cursor is followed to its end
	look bool // no command: all data is compared
}

func (c command) String() string {
	if c.look {
		return "# a look at all data"
	}
	words := make([]string, len(c.args))
	for i, a := range c.args {
		words[i] = a
		if quoted := redistest.Quote(a); a == "" || len(quoted) != len(a)+2 || strings.ContainsAny(a, " '") {
			words[i] = quoted
		}
	}
	return strings.Join(words, " ")
}

const (
	lookEvery = 400 // units
	batchSize = 50  // units that are sent before replies are read
)

// runRandom sends some count commands of one seed to both servers, with a look at all data now and then. On a mismatch it
// shortens the history to the commands that matter and prints them.
func runRandom(t *testing.T, p *pair, seed uint64, count int) {
	g := newGrammar(rand.New(rand.NewPCG(seed, 0)))
	var history []unit
	for sent := 0; sent < count; {
		begin := len(history)
		for range batchSize {
			history = append(history, g.unit())
			sent += len(history[len(history)-1])
			if len(history)%lookEvery == 0 {
				history = append(history, unit{{look: true}})
			}
		}
		if sent >= count {
			history = append(history, unit{{look: true}})
		}
		n, wrong := p.runUnits(history[begin:])
		if wrong == "" {
			continue
		}
		short, last := p.shrink(history[:begin+n])
		var b strings.Builder
		for _, u := range short {
			for _, c := range u {
				fmt.Fprintf(&b, "\t%.300s\n", c)
			}
		}
		t.Fatalf("seed %d, unit %d: %s\nit takes these commands after a FLUSHALL:\n%s%s", seed, begin+n, wrong, b.String(), last)
	}
}

// runUnits runs commands on both servers, and returns after how many units there was a mismatch, and that mismatch, or
// "". What answers once is sent ahead of the replies.
func (p *pair) runUnits(units []unit) (n int, wrong string) {
	type sent struct {
		command
		unit int
	}
	var under []sent
	collect := func() bool {
		for _, c := range under {
			a, b := p.real.receive("main", 1), p.ours.receive("main", 1)
			if wrong == "" && !c.rule.same(a, b) {
				n, wrong = c.unit+1, mismatch(c.command, a, b)
			}
			if a.failure != "" || b.failure != "" {
				break // the connection is a new one
			}
		}
		under = under[:0]
		return wrong == ""
	}
	for i, u := range units {
		for _, c := range u {
			if !c.walk && !c.look {
				p.real.send(c.args)
				p.ours.send(c.args)
				under = append(under, sent{c, i})
				continue
			}
			if !collect() {
				return n, wrong
			}
			if wrong = p.compare(c); wrong != "" {
				return i + 1, wrong
			}
		}
	}
	collect()
	return n, wrong
}

func mismatch(c command, a, b outcome) string {
	x, y := a.whole(), b.whole()
	same := 0
	for same < min(len(x), len(y)) && x[same] == y[same] {
		same++
	}
	const before, after = 100, 400
	from := max(0, same-before)
	return fmt.Sprintf("%.1000s\n\tfrom byte %d on\n\tredis:  %.*s\n\tdarter: %.*s", c, from, after, x[from:], after, y[from:])
}

// compare runs one command on both servers and returns what is wrong, or "".
func (p *pair) compare(c command) string {
	var a, b outcome
	switch {
	case c.look:
		return p.look()
	case c.walk:
		a, b = p.real.scan("main", c.args), p.ours.scan("main", c.args)
	default:
		a, b = p.real.do(c.args), p.ours.do(c.args)
	}
	if c.rule.same(a, b) {
		return ""
	}
	return mismatch(c, a, b)
}

func (s *side) send(args []string) { s.link("main").SendRaw(redistest.AppendCommand(nil, args...)) }

func (s *side) do(args []string) outcome {
	s.send(args)
	return s.receive("main", 1)
}

// replay runs a history from empty servers and returns how many units it took to the first mismatch, and that mismatch.
func (p *pair) replay(history []unit) (int, string) {
	p.real.reset()
	p.ours.reset()
	return p.runUnits(history)
}

func isMulti(c command) bool { return len(c.args) == 1 && strings.EqualFold(c.args[0], "MULTI") }

// shrink drops pieces of a history that ends in a mismatch, large ones first, as long as a mismatch remains. It stops trying after
// a while and returns the best so far, with the mismatch it shows. Of units, only transactions stay whole.
func (p *pair) shrink(history []unit) (short []unit, wrong string) {
	const limit = 20 * time.Second
	n, wrong := p.replay(history)
	if wrong == "" {
		return history[max(0, len(history)-50):], "\t(it does not happen again when repeated; these are the last 50 at most)"
	}
	for _, u := range history[:n] {
		if slices.ContainsFunc(u, isMulti) {
			short = append(short, u)
			continue
		}
		for _, c := range u {
			short = append(short, unit{c})
		}
	}
	end := time.Now().Add(limit)
	for piece := (len(short) + 1) / 2; piece > 0; {
		removed := false
		for at := 0; at < len(short) && time.Now().Before(end); {
			rest := append(append([]unit{}, short[:at]...), short[min(at+piece, len(short)):]...)
			if n, w := p.replay(rest); w != "" {
				short, wrong, removed = rest[:n], w, true
			} else {
				at += piece
			}
		}
		if piece == 1 && !removed || time.Now().After(end) {
			break
		}
		piece = max(1, piece/2)
	}
	return short, wrong
}
