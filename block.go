package darter

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
)

// # Commands that wait
//
// A command that waits (BLPOP, XREAD with BLOCK, ...) first looks, with the shards of all its keys held. If there is
// nothing, it enters the queue of each key before it lets them go, so that no change can slip through between. Then its
// session sleeps.
//
//	key  -->  queue  | waiter | waiter | ...      in the order of their coming
//
// A change of a key marks its queue. When whoever changed it lets the shard go, it serves the queue: it runs the first
// waiter's command, then the next one's, until there is nothing left. So nobody can come between the change and those who
// waited for it, and who waits costs nothing meanwhile. Who lets several shards go serves the queues of all of them first,
// in the order in which they were marked. If the key is there, the command looks at all of its keys whose shards are held,
// in its own order, as Redis's does, which is run again: the others hold nothing, or it would have been served.
//
// A command that needs a second shard (BLMOVE) is served with that taken out of turn, if it is free: to try cannot block.
// If it is not, the waiter is served a moment later, by a goroutine that takes both in order; those behind it in the queue
// wait for that.
//
// A waiter may stand in several queues. Whoever serves it claims it first; who finds it claimed waits for that moment to
// pass, with a shard held, since the claimer has all it needs. So the order of a queue is kept.
type waiter struct {
	s       *Session
	ctx     context.Context
	keys    []waitKey
	timeout time.Duration // 0 for ever
	second  int           // the shard of the key that it will write to, -1 if that is the key's own or there is none

	state atomic.Int32
	done  chan struct{}
	stop  chan stopReason
	err   error
}

// waitKey is one of a waiter's keys.
type waitKey struct {
	keyName
	shard int
	arg   int // which argument
}

// The states of a waiter.
const (
	waits   = iota
	claimed // somebody is trying to serve it
	served
	gone // its time is over
)

// stopReason says why a wait ends with nothing.
type stopReason uint8

const (
	stopTimeout stopReason = iota // as if its time were over
	stopError                     // CLIENT UNBLOCK with ERROR
)

const errUnblocked = errs.Error("UNBLOCKED client unblocked via CLIENT UNBLOCK")

// waitQueue is who waits for a key.
type waitQueue struct {
	name  keyName
	list  []*waiter
	ready bool   // it is in line to be served
	since uint64 // which of the cache's marks that was
	later bool   // a goroutine will serve it
}

// startWait enters the session's command, which found nothing, in the queues of its keys. Their shards are held.
func (s *Session) startWait(c *command.Call) {
	w := &waiter{s: s, ctx: s.ctx, timeout: c.Wait.Timeout, second: -1, done: make(chan struct{}), stop: make(chan stopReason, 1)}
	for _, k := range s.keys {
		n := s.shardOf(c.Args[k.Index])
		if c.Row.WaitsFor(k) {
			w.keys = append(w.keys, waitKey{keyName{c.DB, string(c.Args[k.Index])}, n, k.Index})
		} else {
			w.second = n
		}
	}
	for _, k := range w.keys {
		a := s.announcerOf(&s.shards[k.shard])
		if a.waiting == nil {
			a.waiting = map[keyName]*waitQueue{}
		}
		q := a.waiting[k.keyName]
		if q == nil {
			q = &waitQueue{name: k.keyName}
			a.waiting[k.keyName] = q
		}
		if n := len(q.list); n == 0 || q.list[n-1] != w { // it may name a key twice
			q.list = append(q.list, w)
		}
	}
	s.waiter.Store(w)
	if s.gone.Load() { // before anybody can serve it
		s.Unblock(false)
	}
}

// sleep waits until the session's command has been served, or its time is over.
func (s *Session) sleep(c *command.Call) error {
	began := time.Now()
	defer func() { s.waited += time.Since(began) }()
	w := s.waiter.Load()
	var late <-chan time.Time
	if w.timeout > 0 {
		t := time.NewTimer(w.timeout)
		defer t.Stop()
		late = t.C
	}
	reason := stopTimeout
	var cause error
	select {
	case <-w.done:
	case <-late:
	case reason = <-w.stop:
	case <-w.ctx.Done():
		cause = w.ctx.Err()
	case <-s.closing:
		cause = ErrClosed
	}
	s.leaveQueues(w)
	if len(w.stop) > 0 { // it came at the same moment
		reason = <-w.stop
	}
	s.waiter.Store(nil)
	c.Waited = false
	clear(s.targets)
	switch {
	case w.state.Load() == served:
		return w.err
	case cause != nil:
		return cause
	case reason == stopError:
		c.Fail(errUnblocked)
		return nil
	}
	s.inVain = true
	c.Row.Late(c)
	return nil
}

// leaveQueues takes a waiter out of all queues. While it holds their shards nobody can be serving it.
func (s *Session) leaveQueues(w *waiter) {
	var few [8]int
	numbers := few[:0]
	for _, k := range w.keys {
		numbers = append(numbers, k.shard)
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	for _, n := range numbers {
		s.shards[n].lock()
	}
	w.move(gone)
	for _, k := range w.keys {
		a := s.shards[k.shard].announcer
		q := a.waiting[k.keyName]
		if q == nil {
			continue
		}
		if i := slices.Index(q.list, w); i >= 0 {
			q.list = slices.Delete(q.list, i, i+1)
		}
		a.drop(q)
	}
	s.unlockShards(numbers)
}

// move takes a waiter that waits to another state, and says whether it did.
func (w *waiter) move(to int32) bool {
	for {
		switch w.state.Load() {
		case waits:
			if w.state.CompareAndSwap(waits, to) {
				return true
			}
		case claimed:
			runtime.Gosched()
		default:
			return false
		}
	}
}

// drop forgets a queue that is empty, unless another has its place: this one may have been forgotten before.
func (a *announcer) drop(q *waitQueue) {
	if len(q.list) == 0 && a.waiting[q.name] == q {
		delete(a.waiting, q.name)
		a.rest()
	}
}

// Unblock ends the wait of a session's command from outside, as if its time were over or, asError, with an error. It says
// whether there was one. It may be called by any goroutine.
func (s *Session) Unblock(asError bool) bool {
	w := s.waiter.Load()
	if w == nil || !w.move(gone) {
		return false
	}
	reason := stopTimeout
	if asError {
		reason = stopError
	}
	w.stop <- reason
	return true
}

// Leave says that the session's user has gone: a command that waits, or will, ends with nothing and takes nothing. It may
// be called by any goroutine.
func (s *Session) Leave() {
	s.gone.Store(true)
	s.Unblock(false)
}

// Left says that Leave was called.
func (s *Session) Left() bool { return s.gone.Load() }

// Kill does what Leave does, and stops a script of the session too, with nothing of it left. It may be called by any
// goroutine.
func (s *Session) Kill() {
	s.killed.Store(true)
	s.Leave()
	s.script.running.stop(nil)
}

// Blocked says whether the session's command waits. It may be called by any goroutine.
func (s *Session) Blocked() bool { return s.waiter.Load() != nil }

// serve serves the queues of keys that have changed. The shard is held.
func (a *announcer) serve() {
	for len(a.ready) > 0 {
		a.serveNext(nil)
	}
	a.ready = nil
}

// serveTogether is serve for several shards that are held. What it serves is served in the order of the changes.
func (e *engine) serveTogether(numbers []int) {
	for {
		var next *announcer
		for _, n := range numbers {
			a := e.shards[n].announcer
			if a != nil && len(a.ready) > 0 && (next == nil || a.ready[0].since < next.ready[0].since) {
				next = a
			}
		}
		if next == nil {
			return
		}
		next.author = &next.own
		next.serveNext(numbers)
	}
}

// serveNext serves the first queue in line. held is which shards are held beside its own.
func (a *announcer) serveNext(held []int) {
	q := a.ready[0]
	a.ready = a.ready[1:]
	q.ready = false
	if !q.later {
		a.serveQueue(q, held)
	}
}

// serveQueue serves a queue as far as it can. held is which shards are held beside its own.
func (a *announcer) serveQueue(q *waitQueue, held []int) {
	for i := 0; i < len(q.list); {
		w := q.list[i]
		var second *shard
		if w.second >= 0 && w.second != a.sh.mu.number && !slices.Contains(held, w.second) {
			if second = a.e.tryLock(w.second); second == nil {
				q.later = true
				a.e.inBackground(func() { a.e.serveLater(q, w.second, a.sh.mu.number) })
				return
			}
		}
		done, again := a.serveOne(q, w, held)
		if second != nil {
			second.unlock()
		}
		switch {
		case done:
			q.list = slices.Delete(q.list, i, i+1)
			close(w.done)
		case again:
			i++
		default:
			a.drop(q)
			return
		}
	}
	a.drop(q)
}

// serveOne tries to serve a waiter, with all the shards held that its command needs. If it isn't done, again says whether
// the next one in the queue may be.
func (a *announcer) serveOne(q *waitQueue, w *waiter, held []int) (done, again bool) {
	if !w.move(claimed) {
		return false, true // it is about to leave the queue
	}
	wide := a.present(q.name.db, q.name.key) // else nothing has come, and it waits on or ends with an error
	if a.e.try(w, q.name, wide, held) {
		w.state.Store(served)
		return true, false
	}
	w.state.Store(waits)
	return false, a.present(q.name.db, q.name.key)
}

// tryLock takes a shard out of order, if nobody holds or owns it.
func (e *engine) tryLock(n int) *shard {
	s := &e.shards[n]
	if !s.mu.TryLock() {
		return nil
	}
	noteTry(n)
	if s.owner != nil {
		s.unlock()
		return nil
	}
	return s
}

// try runs a waiter's command on a key that has changed, or, if wide, on those of its keys whose shards are held, and says
// whether that ended its wait.
func (e *engine) try(w *waiter, name keyName, wide bool, held []int) (done bool) {
	s := w.s
	c := &s.call
	defer func() {
		if r := recover(); r != nil {
			w.err = e.caught(r)
			done = true
		}
	}()
	if cap(s.targets) < len(c.Args) {
		s.targets = make([]command.Target, len(c.Args))
	}
	s.targets = s.targets[:len(c.Args)]
	clear(s.targets)
	own := e.shardOf(bytesOf(name.key))
	for _, k := range s.keys {
		key := c.Args[k.Index]
		n := e.shardOf(key)
		if c.Row.WaitsFor(k) && string(key) != name.key && !(wide && (n == own || slices.Contains(held, n))) {
			continue
		}
		t, err := e.targetIn(n, key, c.DB)
		if err != nil {
			w.err = err
			return true
		}
		s.targets[k.Index] = t
		s.sign(&e.shards[n])
	}
	c.Targets, c.Waited = s.targets, true
	c.Wait = command.Wait{}
	c.Row.Run(c)
	if !c.Wait.On && s.noting(c.Row) {
		for _, k := range s.keys {
			if s.targets[k.Index].DB != nil {
				s.noteRead(c.Args[k.Index])
			}
		}
		s.by.tracker.Hold()
	}
	return !c.Wait.On
}

// serveLater serves a queue whose first waiter needs a second shard.
func (e *engine) serveLater(q *waitQueue, second, first int) {
	numbers, _ := e.lockEach([]int{first, second}, nil, true, false)
	defer e.unlockShards(numbers)
	q.later = false
	if !e.closed.Load() {
		e.shards[first].announcer.serveQueue(q, numbers)
	}
}
