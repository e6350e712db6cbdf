package darter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// # Is what users were told strictly serializable?
//
// Transactions append numbers, each of which there is once, to lists, and read lists. As lists only grow, the last state of
// one tells in which order its numbers were appended, and a read tells between which two of them it took place:
//
//	list    1 4 2 7        the writer of 4 came after that of 1
//	read    1 4            the reader came after the writer of 4 and before that of 2
//
// So there is a graph of who must have come before whom; who had ended before another began is in it too. If it has a
// circle, no order one after the other explains what users saw. (This is how Elle looks at histories.)

// txn is a transaction as its user saw it.
type txn struct {
	call, end int64 // when it was called and had ended, by one clock; end 0: it never did
	steps     []txnStep
	aborted   bool // it said that it did nothing
	how       string
}

// txnStep appends a number to a list, or reads it.
type txnStep struct {
	list int
	add  int   // the number; 0 for a read
	read []int // what a read saw
	lost bool  // the user was not told what the read saw
}

func (t *txn) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s [%d, %d]", t.how, t.call, t.end)
	for _, s := range t.steps {
		switch {
		case s.add != 0:
			fmt.Fprintf(&b, "; append %d to %d", s.add, s.list)
		case s.lost:
			fmt.Fprintf(&b, "; read %d", s.list)
		default:
			fmt.Fprintf(&b, "; %d was %v", s.list, s.read)
		}
	}
	return b.String()
}

// history is what is checked: transactions, and the lists in the end.
type history struct {
	txns  []*txn
	lists [][]int
}

// check says what is wrong with a history, nil if nothing is.
func (h *history) check() error {
	writers, err := h.writers()
	if err != nil {
		return err
	}
	g := newOrder(h.txns)
	for _, list := range h.lists {
		for i := 1; i < len(list); i++ {
			g.before(writers[list[i-1]], writers[list[i]])
		}
	}
	for n, t := range h.txns {
		if t.aborted {
			continue
		}
		if err := h.reads(t, func(s txnStep) {
			list := h.lists[s.list]
			if k := len(s.read); k > 0 {
				g.before(writers[list[k-1]], n)
			}
			// What it appended itself comes after it in any case.
			if k := len(s.read); k < len(list) && writers[list[k]] != n {
				g.before(n, writers[list[k]])
			}
		}); err != nil {
			return err
		}
	}
	g.inTime()
	if circle := g.circle(); circle != nil {
		text := "no order explains it:"
		for _, n := range circle {
			if n < len(h.txns) {
				text += "\n\t" + h.txns[n].String()
			}
		}
		return fmt.Errorf("%s", text)
	}
	return nil
}

// writers returns who appended each number.
func (h *history) writers() (map[int]int, error) {
	writers, lists := map[int]int{}, map[int]int{}
	for n, t := range h.txns {
		for _, s := range t.steps {
			if s.add != 0 {
				writers[s.add], lists[s.add] = n, s.list
			}
		}
	}
	found := map[int]bool{}
	for k, list := range h.lists {
		for _, v := range list {
			n, ok := writers[v]
			switch {
			case !ok || lists[v] != k:
				return nil, fmt.Errorf("list %d has %d, which nobody appended", k, v)
			case h.txns[n].aborted:
				return nil, fmt.Errorf("list %d has %d of one that was undone: %v", k, v, h.txns[n])
			case found[v]:
				return nil, fmt.Errorf("%d is there twice", v)
			}
			found[v] = true
		}
	}
	for v, n := range writers {
		if t := h.txns[n]; !t.aborted && t.end != 0 && !found[v] {
			return nil, fmt.Errorf("%d was lost, of %v", v, t)
		}
	}
	return writers, nil
}

// reads calls fn with what a transaction read, and says whether it saw its own appends and no others than were there.
func (h *history) reads(t *txn, fn func(txnStep)) error {
	own := map[int][]int{}
	for _, s := range t.steps {
		if s.add != 0 {
			own[s.list] = append(own[s.list], s.add)
			continue
		}
		if s.lost {
			continue
		}
		list := h.lists[s.list]
		if len(s.read) > len(list) || !slices.Equal(s.read, list[:len(s.read)]) {
			return fmt.Errorf("list %d is %v in the end; %v", s.list, list, t)
		}
		if k := len(s.read) - len(own[s.list]); k < 0 || !slices.Equal(s.read[k:], own[s.list]) {
			return fmt.Errorf("it did not see what it had appended, or more after it: %v", t)
		}
		fn(s)
	}
	return nil
}

// order is the graph. The nodes behind the transactions are moments: ends of transactions, in their order.
type order struct {
	txns  []*txn
	after [][]int
}

func newOrder(txns []*txn) *order { return &order{txns, make([][]int, len(txns))} }

func (g *order) before(a, b int) {
	if a != b {
		g.after[a] = append(g.after[a], b)
	}
}

// inTime enters that who had ended before another began came before it.
func (g *order) inTime() {
	var ends, calls []int
	for n, t := range g.txns {
		if t.aborted {
			continue
		}
		calls = append(calls, n)
		if t.end != 0 {
			ends = append(ends, n)
		}
	}
	slices.SortFunc(ends, func(a, b int) int { return int(g.txns[a].end - g.txns[b].end) })
	slices.SortFunc(calls, func(a, b int) int { return int(g.txns[a].call - g.txns[b].call) })
	next, moment := 0, -1
	for _, n := range calls {
		for ; next < len(ends) && g.txns[ends[next]].end < g.txns[n].call; next++ {
			g.after = append(g.after, nil)
			now := len(g.after) - 1
			g.before(ends[next], now)
			if moment >= 0 {
				g.before(moment, now)
			}
			moment = now
		}
		if moment >= 0 {
			g.before(moment, n)
		}
	}
}

// circle returns the nodes of a circle, nil if there is none.
func (g *order) circle() []int {
	const (
		unseen = iota
		open
		through
	)
	state := make([]int, len(g.after))
	var path []int
	var visit func(n int) []int
	visit = func(n int) []int {
		state[n] = open
		path = append(path, n)
		for _, m := range g.after[n] {
			switch state[m] {
			case open:
				return slices.Clone(path[slices.Index(path, m):])
			case unseen:
				if c := visit(m); c != nil {
					return c
				}
			}
		}
		state[n] = through
		path = path[:len(path)-1]
		return nil
	}
	for n := range g.after {
		if state[n] == unseen {
			if c := visit(n); c != nil {
				return c
			}
		}
	}
	return nil
}

// TestHistories shows that the checker finds what it is there for.
func TestHistories(t *testing.T) {
	add := func(list, v int) txnStep { return txnStep{list: list, add: v} }
	read := func(list int, v ...int) txnStep { return txnStep{list: list, read: v} }
	// Without times all of them ran at once.
	at := func(call, end int64, steps ...txnStep) *txn { return &txn{call: call, end: end, steps: steps} }
	run := func(steps ...txnStep) *txn { return at(1, 100, steps...) }
	undone := func(t *txn) *txn { t.aborted = true; return t }
	for _, tt := range []struct {
		name  string
		lists [][]int
		txns  []*txn
		want  string // part of what is wrong; empty: nothing
	}{
		{"nothing", [][]int{{}, {}}, nil, ""},
		{"one after the other", [][]int{{1, 2}, {3}}, []*txn{
			at(1, 2, add(0, 1)), at(3, 4, read(0, 1), add(0, 2), read(0, 1, 2), add(1, 3)), at(5, 6, read(1, 3), read(0, 1, 2)),
		}, ""},
		{"at once", [][]int{{1, 2}, {}}, []*txn{run(add(0, 1)), run(add(0, 2)), run(read(0)), run(read(0, 1))}, ""},
		{"one who never heard of its end", [][]int{{1, 2}, {}}, []*txn{at(1, 0, add(0, 2)), at(5, 6, add(0, 1)), at(1, 0, add(1, 3))}, ""},
		{"undone", [][]int{{1}, {}}, []*txn{run(add(0, 1)), undone(run(add(0, 2)))}, ""},
		{"undone, but there", [][]int{{1, 2}, {}}, []*txn{run(add(0, 1)), undone(run(add(0, 2)))}, "undone"},
		{"undone, but seen", [][]int{{1}, {}}, []*txn{run(add(0, 1)), undone(run(add(0, 2))), run(read(0, 2))}, "in the end"},
		{"lost", [][]int{{1}, {}}, []*txn{run(add(0, 1)), run(add(0, 2))}, "lost"},
		{"twice", [][]int{{1, 1}, {}}, []*txn{run(add(0, 1))}, "twice"},
		{"from nowhere", [][]int{{1, 9}, {}}, []*txn{run(add(0, 1))}, "nobody"},
		{"own append unseen", [][]int{{1}, {}}, []*txn{run(add(0, 1), read(0))}, "did not see"},
		{"half of another", [][]int{{1}, {2}}, []*txn{run(add(0, 1), add(1, 2)), run(read(0, 1), read(1))}, "no order"},
		{"another in between", [][]int{{1, 3, 2}, {}}, []*txn{run(add(0, 1), add(0, 2)), run(add(0, 3))}, "no order"},
		{"a lost update", [][]int{{1, 2}, {}}, []*txn{run(read(0), add(0, 1)), run(read(0), add(0, 2))}, "no order"},
		{"write skew", [][]int{{1}, {2}}, []*txn{run(read(1), add(0, 1)), run(read(0), add(1, 2))}, "no order"},
		{"a read that does not repeat", [][]int{{1}, {}}, []*txn{run(read(0), read(0, 1)), run(add(0, 1))}, "no order"},
		{"two orders", [][]int{{1}, {2}}, []*txn{run(add(0, 1)), run(add(1, 2)), run(read(0, 1), read(1)), run(read(0), read(1, 2))},
			"no order"},
		{"stale", [][]int{{1}, {}}, []*txn{at(1, 2, add(0, 1)), at(3, 4, read(0))}, "no order"},
		{"stale by way of another", [][]int{{1}, {2}}, []*txn{
			at(1, 20, add(0, 1)), at(2, 5, read(0, 1), add(1, 2)), at(6, 7, read(1, 2)), at(8, 9, read(0)),
		}, "no order"},
		{"of the future", [][]int{{1}, {}}, []*txn{at(1, 2, read(0, 1)), at(3, 4, add(0, 1))}, "no order"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &history{tt.txns, tt.lists}
			if err := h.check(); tt.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.want)
			}
		})
	}
}
