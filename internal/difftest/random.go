package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/darterdb/darter/internal/redistest"
)

// command is one random command with the rule its replies are compared by.
type command struct {
	args []string
	rule rule
}

func (c command) String() string {
	words := make([]string, len(c.args))
	for i, a := range c.args {
		words[i] = a
		if quoted := redistest.Quote(a); a == "" || len(quoted) != len(a)+2 || strings.ContainsAny(a, " '") {
			words[i] = quoted
		}
	}
	return strings.Join(words, " ")
}

// runRandom sends count commands of one seed to both servers in lockstep, with a look at the whole state now and then. On
// a mismatch it shortens the history to the commands that matter and prints them.
func runRandom(t *testing.T, p *pair, seed uint64, count int) {
	const checkEvery = 200
	g := newGrammar(rand.New(rand.NewPCG(seed, 0)))
	var history []command
	for i := range count {
		batch := []command{g.command()}
		if i%checkEvery == checkEvery-1 {
			batch = g.stateCheck()
		}
		for _, c := range batch {
			history = append(history, c)
			wrong := p.compare(c)
			if wrong == "" {
				continue
			}
			short, last := p.shrink(history)
			var b strings.Builder
			for _, c := range short {
				fmt.Fprintf(&b, "\t%s\n", c)
			}
			t.Fatalf("seed %d, command %d: %s\nit takes these commands after a FLUSHALL:\n%s%s", seed, i, wrong, b.String(), last)
		}
	}
}

// compare runs one command on both servers and returns what is wrong, or "".
func (p *pair) compare(c command) string {
	a, b := p.real.do(c.args), p.ours.do(c.args)
	if c.rule.same(a, b) {
		return ""
	}
	return fmt.Sprintf("%s\n\tredis:  %s\n\tdarter: %s", c, a.text(), b.text())
}

func (s *side) do(args []string) outcome {
	s.link("main").SendRaw(redistest.AppendCommand(nil, args...))
	return s.receive("main", 1)
}

// replay runs a history from empty servers and returns how many commands it took to the first mismatch, and that mismatch.
func (p *pair) replay(history []command) (int, string) {
	p.real.reset()
	p.ours.reset()
	for i, c := range history {
		if wrong := p.compare(c); wrong != "" {
			return i + 1, wrong
		}
	}
	return 0, ""
}

// shrink drops pieces of a history that ends in a mismatch, large ones first, as long as a mismatch remains. It stops trying after
// a while and returns the best so far, with the mismatch it shows.
func (p *pair) shrink(history []command) (short []command, wrong string) {
	const limit = 20 * time.Second
	n, wrong := p.replay(history)
	if wrong == "" {
		return history[max(0, len(history)-50):], "\t(it does not happen again when repeated; these are the last 50 at most)"
	}
	short = history[:n]
	end := time.Now().Add(limit)
	for piece := (len(short) + 1) / 2; piece > 0; {
		removed := false
		for at := 0; at < len(short) && time.Now().Before(end); {
			rest := append(append([]command{}, short[:at]...), short[min(at+piece, len(short)):]...)
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
