package darter_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// Users work on few lists in other shards, in every way there is to do several things at once, and what can go wrong does:
// scripts are killed and run out of time, fail half way and take shards in opposite orders, updates are undone, contexts
// end. What all of them were told must be strictly serializable.

const (
	contendUsers  = 6
	contendLists  = 5
	contendSteps  = 45
	contendRounds = 12
)

// contend is a test under way.
type contend struct {
	t       *testing.T
	c       *darter.Cache
	clock   atomic.Int64
	numbers atomic.Int64
	kinds   []atomic.Int64 // how many of each came through
}

// contendUser is one of its users.
type contendUser struct {
	*contend
	rng     *rand.Rand
	s       *darter.Session
	private string // a list of its own
	done    []*txn
}

// contendKinds are the ways of working. Each runs the steps, writes down what reads saw, and says whether it took place.
var contendKinds = []struct {
	name string
	run  func(u *contendUser, t *txn) (took bool)
}{
	{"command", (*contendUser).command},
	{"waiting command", (*contendUser).wait},
	{"EXEC", (*contendUser).exec},
	{"WATCH", (*contendUser).watch},
	{"EXEC of a script", (*contendUser).execScript},
	{"Update", (*contendUser).update},
	{"script", (*contendUser).script},
	{"script that fails", (*contendUser).failing},
	{"script without end", (*contendUser).endless},
	{"Snapshot", (*contendUser).snapshot},
}

func listName(k int) string { return fmt.Sprint("list:", k) }

func numbersOf(elems []any) []int {
	list := make([]int, len(elems))
	for i, e := range elems {
		list[i], _ = strconv.Atoi(string(e.([]byte)))
	}
	return list
}

// words is the command of a step.
func (s *txnStep) words() []any {
	if s.add != 0 {
		return []any{"RPUSH", listName(s.list), s.add}
	}
	return []any{"LRANGE", listName(s.list), 0, -1}
}

// heard notes the reply to a step.
func (s *txnStep) heard(reply any) {
	if elems, ok := reply.([]any); ok && s.add == 0 {
		s.read = numbersOf(elems)
	}
}

// steps draws the steps of a transaction.
func (u *contendUser) steps(n int) []txnStep {
	steps := make([]txnStep, n)
	for i := range steps {
		steps[i].list = u.rng.IntN(contendLists)
		if u.rng.IntN(2) == 0 {
			steps[i].add = int(u.numbers.Add(1))
		}
	}
	return steps
}

// do runs a command as a connection does: impatiently, and again by somebody who can wait if need be.
func (u *contendUser) do(ctx context.Context, args ...any) (any, error) {
	if u.rng.IntN(2) == 0 {
		u.s.SetImpatient(true)
		v, err := u.s.Do(ctx, args...)
		u.s.SetImpatient(false)
		if !errors.Is(err, darter.ErrBusy) {
			return v, err
		}
	}
	return u.s.Do(ctx, args...)
}

func (u *contendUser) must(args ...any) any {
	v, err := u.do(context.Background(), args...)
	if err != nil {
		u.t.Errorf("%v: %v", args, err)
	}
	return v
}

func (u *contendUser) command(t *txn) bool {
	t.steps = t.steps[:1]
	t.steps[0].heard(u.must(t.steps[0].words()...))
	return true
}

// wait appends by a command that waits for the element in another list.
func (u *contendUser) wait(t *txn) bool {
	s := &t.steps[0]
	t.steps = t.steps[:1]
	if s.add == 0 {
		s.add = int(u.numbers.Add(1))
	}
	var pushed sync.WaitGroup
	pushed.Go(func() {
		runtime.Gosched()
		if _, err := u.c.List(u.private).PushLeft([]byte(strconv.Itoa(s.add))); err != nil {
			u.t.Error(err)
		}
	})
	got := u.must("BLMOVE", u.private, listName(s.list), "LEFT", "RIGHT", 0)
	pushed.Wait()
	require.Equal(u.t, []byte(strconv.Itoa(s.add)), got)
	return true
}

// queue is what comes after MULTI. It says whether EXEC found that a watched key had changed.
func (u *contendUser) queue(steps []txnStep) (ran bool) {
	for i := range steps {
		u.must(steps[i].words()...)
	}
	replies, _ := u.must("EXEC").([]any)
	for i := range replies {
		steps[i].heard(replies[i])
	}
	return replies != nil
}

func (u *contendUser) exec(t *txn) bool {
	u.must("MULTI")
	return u.queue(t.steps)
}

// watch reads, and appends if nobody came between.
func (u *contendUser) watch(t *txn) bool {
	var reads, adds []txnStep
	for _, s := range t.steps {
		if s.add == 0 {
			reads = append(reads, s)
		} else {
			adds = append(adds, s)
		}
	}
	for _, s := range reads {
		u.must("WATCH", listName(s.list))
	}
	for i := range reads {
		reads[i].heard(u.must(reads[i].words()...))
		if u.rng.IntN(2) == 0 {
			runtime.Gosched()
		}
	}
	u.must("MULTI")
	ran := u.queue(adds)
	t.steps = append(reads, adds...)
	return ran
}

// execScript has a script as a part of MULTI, which takes all shards.
func (u *contendUser) execScript(t *txn) bool {
	u.must("MULTI")
	half := len(t.steps) / 2
	for i := range t.steps[:half] {
		u.must(t.steps[i].words()...)
	}
	u.must(scriptWords("", t.steps[half:])...)
	v, err := u.do(context.Background(), "EXEC")
	if stoppedBy(err) {
		return false
	}
	require.NoError(u.t, err)
	replies := v.([]any)
	for i := range t.steps[:half] {
		t.steps[i].heard(replies[i])
	}
	hearScript(t.steps[half:], replies[half])
	return true
}

// mayEnd returns a context that may end at any moment.
func (u *contendUser) mayEnd() (context.Context, context.CancelFunc) {
	if u.rng.IntN(3) > 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), time.Duration(u.rng.IntN(2000))*time.Microsecond)
}

func (u *contendUser) update(t *txn) bool {
	ctx, cancel := u.mayEnd()
	defer cancel()
	undo := u.rng.IntN(4) == 0
	err := u.c.Update(ctx, func(tx *darter.Tx) error {
		s := tx.NewSession()
		defer s.Close()
		for i := range t.steps {
			step := &t.steps[i]
			if step.add != 0 {
				if _, err := tx.List(listName(step.list)).PushRight([]byte(strconv.Itoa(step.add))); err != nil {
					return err
				}
			} else {
				v, err := s.Do(context.Background(), step.words()...)
				if err != nil {
					return err
				}
				step.heard(v)
			}
			if u.rng.IntN(3) == 0 {
				runtime.Gosched()
			}
		}
		if undo {
			return errUndo
		}
		return nil
	})
	if err == nil {
		require.False(u.t, undo)
		return true
	}
	if !errors.Is(err, errUndo) {
		require.ErrorIs(u.t, err, context.DeadlineExceeded)
	}
	return false
}

const contendScript = `
	local out = {}
	for i = 2, #ARGV, 2 do
		if ARGV[i + 1] == '0' then
			out[#out + 1] = redis.call('LRANGE', 'list:' .. ARGV[i], 0, -1)
		else
			out[#out + 1] = redis.call('RPUSH', 'list:' .. ARGV[i], ARGV[i + 1])
		end
		for i = 1, 500 do end
	end
	if ARGV[1] == 'fail' then redis.call('INCR', 'list:' .. ARGV[2]) end
	while ARGV[1] == 'spin' do end
	return out`

// scriptWords is the call of a script that runs steps, on keys that it does not declare.
func scriptWords(how string, steps []txnStep) []any {
	words := []any{"EVAL", contendScript, 0, how}
	for _, s := range steps {
		words = append(words, s.list, s.add)
	}
	return words
}

func hearScript(steps []txnStep, reply any) {
	for i, r := range reply.([]any) {
		steps[i].heard(r)
	}
}

// stoppedBy says whether a script was stopped, which leaves nothing of it.
func stoppedBy(err error) bool {
	return err != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		strings.Contains(err.Error(), "killed by user") || strings.Contains(err.Error(), "time limit"))
}

func (u *contendUser) script(t *txn) bool {
	ctx, cancel := u.mayEnd()
	defer cancel()
	v, err := u.do(ctx, scriptWords("", t.steps)...)
	if stoppedBy(err) {
		return false
	}
	require.NoError(u.t, err)
	hearScript(t.steps, v)
	return true
}

// failing fails at its end: what it did stays, and what it read nobody is told.
func (u *contendUser) failing(t *txn) bool {
	t.steps = append(t.steps, txnStep{list: t.steps[0].list, add: int(u.numbers.Add(1))})
	t.steps[0], t.steps[len(t.steps)-1] = t.steps[len(t.steps)-1], t.steps[0] // INCR finds a list
	_, err := u.do(context.Background(), scriptWords("fail", t.steps)...)
	if stoppedBy(err) {
		return false
	}
	require.ErrorContains(u.t, err, "WRONGTYPE")
	for i := range t.steps {
		t.steps[i].lost = t.steps[i].add == 0
	}
	return true
}

// endless does not end by itself.
func (u *contendUser) endless(t *txn) bool {
	_, err := u.do(context.Background(), scriptWords("spin", t.steps)...)
	require.True(u.t, stoppedBy(err), "%v", err)
	return false
}

func (u *contendUser) snapshot(t *txn) bool {
	s, err := u.c.Snapshot()
	require.NoError(u.t, err)
	defer s.Close()
	t.steps = nil
	for k := range contendLists {
		elems, err := s.List(listName(k)).Range(0, -1)
		require.NoError(u.t, err)
		step := txnStep{list: k}
		for _, e := range elems {
			n, _ := strconv.Atoi(string(e))
			step.read = append(step.read, n)
		}
		t.steps = append(t.steps, step)
	}
	return true
}

// one runs one transaction.
func (u *contendUser) one() {
	n := u.rng.IntN(len(contendKinds))
	if contendKinds[n].name == "script without end" && u.rng.IntN(4) > 0 {
		n = 0
	}
	t := &txn{steps: u.steps(1 + u.rng.IntN(5)), how: contendKinds[n].name}
	t.call = u.clock.Add(1)
	t.aborted = !contendKinds[n].run(u, t)
	t.end = u.clock.Add(1)
	if !t.aborted {
		u.kinds[n].Add(1)
	}
	u.done = append(u.done, t)
}

func TestAllWaysTogetherAreStrictlySerializable(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 16, ScriptTime: 5 * time.Millisecond})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	h := &contend{t: t, c: c, kinds: make([]atomic.Int64, len(contendKinds))}
	for round := range contendRounds {
		require.NoError(t, c.FlushAll())
		var users, others sync.WaitGroup
		stop := make(chan struct{})
		others.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(round), 1000))
			s := c.NewSession()
			defer s.Close()
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(rng.IntN(2000)) * time.Microsecond):
					do(s, "SCRIPT", "KILL")
				}
			}
		})
		all := make([]*contendUser, contendUsers)
		for n := range all {
			u := &contendUser{contend: h, rng: rand.New(rand.NewPCG(uint64(round), uint64(n))), s: c.NewSession(), private: fmt.Sprint("of:", n)}
			all[n] = u
			users.Go(func() {
				defer u.s.Close()
				for range contendSteps {
					u.one()
				}
			})
		}
		users.Wait()
		close(stop)
		others.Wait()
		seen := &history{}
		for _, u := range all {
			seen.txns = append(seen.txns, u.done...)
		}
		for k := range contendLists {
			v, err := c.Do(context.Background(), "LRANGE", listName(k), 0, -1)
			require.NoError(t, err)
			seen.lists = append(seen.lists, numbersOf(v.([]any)))
		}
		require.NoError(t, seen.check(), "round %d", round)
	}
	for n := range contendKinds {
		if contendKinds[n].name != "script without end" {
			require.NotZero(t, h.kinds[n].Load(), contendKinds[n].name)
		}
	}
	require.NoError(t, c.FlushAll())
	requireNothingLeft(t, c)
}
