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

	event bool // no command: something happens that nobody may notice
}

func (c command) String() string {
	switch {
	case c.look:
		return "# a look at all data"
	case c.event:
		return "# an event"
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
		short, last := shrink(history[:begin+n], p.replay)
		t.Fatalf("seed %d, unit %d: %s\nit takes these commands after a FLUSHALL:\n%s%s", seed, begin+n, wrong, printed(short), last)
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
				n, wrong = c.unit+1, mismatch(c.command, p.real, p.ours, a, b)
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
			if wrong = compare(p.real, p.ours, c); wrong != "" {
				return i + 1, wrong
			}
		}
	}
	collect()
	return n, wrong
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
func shrink(history []unit, replay func([]unit) (n int, wrong string)) (short []unit, wrong string) {
	const limit = 20 * time.Second
	n, wrong := replay(history)
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
			if n, w := replay(rest); w != "" {
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

// printed shows a history.
func printed(history []unit) string {
	var b strings.Builder
	for _, u := range history {
		for _, c := range u {
			fmt.Fprintf(&b, "\t%.300s\n", c)
		}
	}
	return b.String()
}
