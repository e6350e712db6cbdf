package darter

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
)

// # Transactions
//
// A script or an Update is a transaction: it may use any keys without saying which beforehand, nobody sees half of what it
// does, and it can be stopped at any moment with nothing left behind. It takes shards as it goes and keeps them to its
// end: it is their *owner*. The shard's lock is held only while one of its commands runs; between two of them
//
//	others who read the shard     get its last committed state, at once
//	others who write to it        wait for the owner's end
//
// Before its first change in a shard the transaction begins a savepoint there (package keyspace, savepoint.go). At its end
// it holds the locks of all its shards at once and commits, or rolls back to the savepoints.
//
// Who waits stands in line: at its end an owner passes the shard on to the first of them, so that nobody can come between
// who asks for it again and again. A writer that is no transaction stands there as one that lets go as soon as it has the
// lock; one that needs several shards, and never finds all of them free, owns each while it waits for the next.
//
// Two transactions could wait for each other for ever. Shards are taken in order, as locks are, where that is possible: a
// transaction waits for a shard above all those it has. For one below, which another has, it does not: it is rolled back
// and runs again, with all the shards it has come to know taken in order first. So it loses a run at most for each
// shard it had not known of.
//
// Whoever needs every shard between transactions (a snapshot, a flush, a load) takes engine.gate first: it waits for those
// that run and keeps new ones from starting.
type transaction struct {
	e     *engine
	ctx   context.Context // ends waits
	owned []int           // shards, in the order they were taken
	known []int           // shards that earlier runs have come to know
	at    int64           // when it began, in Unix milliseconds: for its commands no time passes; 0 if it has none

	messages []publication // to be published at the commit
	by       *author       // whose it is, nil for Go code
	own      author        // then it is its own
	flushes  int           // how often it has emptied a database
	observed observations  // to be told of then

	impatient bool // it must not wait

	script *running // whose commands it runs, nil without one: who is killed waits no longer
}

// conflict is what a transaction panics with when it must run again. It never leaves this package.
type conflict struct{ shard int }

// stopped is what a transaction panics with when it can't go on: it was killed while it waited, or has no memory.
type stopped struct{ err error }

// ErrBusy says that a session's command was not run, since it would have had to wait for a transaction's end: see
// Session.SetImpatient.
var ErrBusy = errors.New("darter: a transaction is under way")

// maxRuns is how often a transaction runs before it takes all shards at once, and a writer tries before it stands in line
// for each of its shards.
const maxRuns = 16

// start starts a transaction, when it may start; memory of one that is over is used again. run is to follow.
func (t *transaction) start(e *engine, ctx context.Context, impatient bool) error {
	if !impatient {
		e.gate.RLock()
	} else if !e.gate.TryRLock() {
		return ErrBusy
	}
	*t = transaction{e: e, ctx: ctx, impatient: impatient, owned: t.owned[:0], known: t.known[:0], at: e.clock.Millis()}
	return nil
}

// highest returns the number of the last of the shards in order that the transaction owns, -1 without any.
func (t *transaction) highest() int {
	if len(t.owned) == 0 {
		return -1
	}
	return slices.Max(t.owned)
}

// take makes the transaction the owner of a shard that is locked, and stays so. It panics with conflict, or with stopped,
// with the shard unlocked.
func (t *transaction) take(s *shard) {
	for s.owner != t {
		if s.owner == nil {
			s.owner = t
			t.owned = append(t.owned, s.mu.number)
			break
		}
		if s.mu.number < t.highest() {
			s.unlock()
			panic(conflict{s.mu.number})
		}
		if t.impatient {
			s.unlock()
			panic(stopped{ErrBusy})
		}
		if err := s.await(t); err != nil {
			s.unlock()
			panic(stopped{err})
		}
		t.owned = append(t.owned, s.mu.number)
	}
	if t.at != 0 {
		s.stopTime(t.at)
	}
}

// turn is a place in the line for a shard.
type turn struct {
	t    *transaction
	come chan struct{} // closed when it is the owner
}

// await has the transaction become the owner of a shard that has one. It waits, with the shard locked before and after,
// unless the context ends.
func (s *shard) await(t *transaction) error {
	come := make(chan struct{})
	s.line = append(s.line, turn{t, come})
	s.unlock()
	ctx := t.ctx
	if t.script != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		t.script.waits(cancel)
	}
	var err error
	select {
	case <-come:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.lock()
	switch {
	case err == nil:
	case s.owner == t: // at the same moment
		s.free()
	default:
		s.line = slices.DeleteFunc(s.line, func(w turn) bool { return w.t == t })
	}
	return err
}

// free gives the shard up, which is locked, to the first in the line.
func (s *shard) free() {
	s.owner = nil
	if len(s.line) > 0 {
		next := s.line[0]
		s.line = slices.Delete(s.line, 0, 1)
		s.owner = next.t
		close(next.come)
	}
}

// pass waits, with the shard locked before and after, for a moment without an uncommitted change. The next in the line may
// own the shard by then, but can do nothing before it is unlocked.
func (s *shard) pass() {
	if s.owner != nil {
		_ = s.await(&transaction{ctx: context.Background()})
		s.free()
	}
}

// enterRead readies a shard that is locked, and owned by somebody, for a reader.
func (s *shard) enterRead(t *transaction) {
	if t != nil {
		t.take(s)
		return
	}
	s.committed = true
	s.data.AsCommitted(true)
}

// enterWrite readies a shard that is locked, and owned by somebody, for a writer.
func (s *shard) enterWrite(t *transaction) {
	if t == nil {
		s.pass()
		return
	}
	t.take(s)
	if !s.data.Saved() {
		if err := s.data.Begin(); err != nil {
			s.unlock()
			panic(stopped{err})
		}
	}
}

// lockRead takes the shard for a reader, in a transaction or not.
func (s *shard) lockRead(t *transaction) {
	s.lock()
	if s.owner != nil || t != nil {
		s.enterRead(t)
	}
}

// lockWrite takes the shard for a writer, in a transaction or not.
func (s *shard) lockWrite(t *transaction) {
	s.lock()
	if s.owner != nil || t != nil {
		s.enterWrite(t)
	}
}

// lockWalk takes the shard for one slice of a walk, in a transaction or not, when it has no other owner.
func (s *shard) lockWalk(t *transaction) {
	s.lock()
	if t != nil {
		t.take(s)
		return
	}
	s.pass()
}

// lockWalk is that of a session's command. An impatient one gives up: it panics with stopped.
func (s *Session) lockWalk(sh *shard) {
	if s.impatient && s.tx == nil {
		sh.lock()
		if sh.owner == nil {
			return
		}
		sh.unlock()
		panic(stopped{ErrBusy})
	}
	sh.lockWalk(s.tx)
}

// enter readies a shard that is locked, and has an owner or will, for a session's command.
func (s *Session) enter(sh *shard, row *command.Row) error {
	switch {
	case row.Reads():
		sh.enterRead(s.tx)
	case s.impatient && s.tx == nil:
		return ErrBusy
	default:
		sh.enterWrite(s.tx)
	}
	return nil
}

// lockEach takes shards in order, each once, for a reader or a writer, and returns their numbers so. It gives up, with no
// shard taken, if it would have to wait for a transaction and may not.
func (e *engine) lockEach(numbers []int, t *transaction, write, impatient bool) (taken []int, ok bool) {
	if len(numbers) > 1 {
		slices.Sort(numbers)
		numbers = slices.Compact(numbers)
	}
	if t != nil {
		// Those that are missing are taken first, so that no lock is held during a wait.
		for _, n := range numbers {
			s := &e.shards[n]
			if write {
				s.lockWrite(t)
			} else {
				s.lockRead(t)
			}
			s.unlock()
		}
		for _, n := range numbers {
			s := &e.shards[n]
			s.lock()
			s.stopTime(t.at)
		}
		return numbers, true
	}
	runs := 0
again:
	for i, n := range numbers {
		s := &e.shards[n]
		if impatient && s.busy.Load() {
			e.unlockShards(numbers[:i])
			return numbers, false
		}
		s.lock()
		switch {
		case s.owner == nil:
		case !write:
			s.enterRead(nil)
		default:
			e.unlockShards(numbers[:i])
			if runs++; impatient || runs > maxRuns {
				s.unlock()
				if !impatient {
					e.lockInLine(numbers)
				}
				return numbers, !impatient
			}
			s.pass()
			s.unlock()
			goto again
		}
	}
	return numbers, true
}

// lockInLine takes shards, in order, of which always some have owners.
func (e *engine) lockInLine(numbers []int) {
	t := &transaction{e: e, ctx: context.Background()}
	for _, n := range numbers {
		s := &e.shards[n]
		s.lock()
		t.take(s)
		s.unlock()
	}
	for _, n := range numbers {
		s := &e.shards[n]
		s.lock()
		s.free()
	}
}

// takeKnown takes the shards that earlier runs have come to know, in order.
func (t *transaction) takeKnown() {
	slices.Sort(t.known)
	t.known = slices.Compact(t.known)
	for _, n := range t.known {
		s := &t.e.shards[n]
		s.lockRead(t)
		s.unlock()
	}
}

// takeAll takes all shards.
func (t *transaction) takeAll() {
	for i := range t.e.shards {
		s := &t.e.shards[i]
		s.lockWrite(t)
		s.unlock()
	}
}

// commit keeps what the transaction did and gives its shards up, all at one instant.
func (t *transaction) commit() {
	e := t.e
	slices.Sort(t.owned)
	for _, n := range t.owned {
		e.shards[n].lock()
	}
	var rest []int // shards where much is to be freed
	for _, n := range t.owned {
		s := &e.shards[n]
		if s.data.Commit() {
			rest = append(rest, n)
		}
		s.free()
	}
	by := t.by
	if by == nil {
		by = &t.own
	}
	for _, n := range t.owned {
		if a := e.shards[n].announcer; a != nil {
			a.author = by
			a.commit(t)
			a.author = &a.own
		}
	}
	t.own.tell(e)
	t.publishHeld(by)
	for ; t.flushes > 0; t.flushes-- {
		e.trackers.TellAll()
	}
	t.observed.tell()
	e.unlockShards(t.owned)
	for _, n := range rest {
		e.inSlices(&e.shards[n], (*keyspace.Shard).CloseSome)
	}
	t.owned = t.owned[:0]
}

// rollback undoes what the transaction did and gives its shards up. It remembers which they were.
func (t *transaction) rollback() {
	e := t.e
	for _, n := range t.owned {
		s := &e.shards[n]
		s.lock()
		s.data.Rollback()
		s.free()
		if s.announcer != nil {
			s.announcer.rollback()
		}
		s.unlock()
	}
	t.messages, t.flushes, t.observed = nil, 0, observations{}
	t.known = append(t.known, t.owned...)
	t.owned = t.owned[:0]
}

// transact runs fn as a transaction and commits, unless keep says otherwise of its outcome. A panic of fn is passed on
// after a rollback. If it has published more than a server could pass on yet, and is no session's, it waits for that.
func (e *engine) transact(ctx context.Context, fn func(t *transaction) (keep bool, err error)) error {
	t := &transaction{}
	if err := t.start(e, ctx, false); err != nil {
		return err
	}
	err := t.run(fn)
	if t.own.jam != nil {
		t.own.jam.Pass(e.closing)
	}
	return err
}

// run runs fn, again if need be, and ends the transaction.
func (t *transaction) run(fn func(*transaction) (keep bool, err error)) error {
	defer t.e.gate.RUnlock()
	for run := 1; ; run++ {
		again, err := t.once(run >= maxRuns, fn)
		if !again {
			return err
		}
		if err := t.ctx.Err(); err != nil {
			return err
		}
		runtime.Gosched()
	}
}

func (t *transaction) once(all bool, fn func(*transaction) (bool, error)) (again bool, err error) {
	done := false
	defer func() {
		if done {
			return
		}
		t.rollback()
		switch r := recover().(type) {
		case nil:
		case conflict:
			t.known = append(t.known, r.shard)
			again = true
		case stopped:
			err = told(r.err)
		default:
			panic(r)
		}
	}()
	if all {
		t.takeAll()
	} else {
		t.takeKnown()
	}
	keep, err := fn(t)
	if keep {
		done = true
		t.commit()
	}
	return false, err
}

// Tx is the cache as a transaction sees it; Update makes it. All methods of Cache that read or change keys, and all
// handles made from it, work on it and are part of the transaction. Those about the cache as a whole fail: Snapshot, Save
// and Load with their like, Update, Close. It is used by one goroutine at a time, and not after the function that it was
// given to has returned.
type Tx struct{ *Cache }

// Update runs fn as a transaction: nobody sees half of what it does, and nothing of it if it returns an error or panics,
// which Update passes on. No keys need be named beforehand. While it runs, others read the keys that it has changed as
// they were before, and wait to write to keys of the shards that it has used. What goes over all keys waits for its end
// (Len, Keys, All, Scan, RandomKey, Snapshot, Save), and so do other transactions that use its shards. No key expires for
// it meanwhile.
//
// fn may run more than once, when two transactions would wait for each other: it should have no effects but on tx, and
// must use no other handle of the cache, which might wait for itself. ctx ends the wait for other transactions; fn itself
// should heed it if it takes long. The cost is that of the methods called, and O(1) more for each shard and each key
// changed.
func (c *Cache) Update(ctx context.Context, fn func(tx *Tx) error) error {
	if c.tx != nil {
		return fmt.Errorf("%w: an Update within an Update", ErrInvalid)
	}
	if c.closed.Load() {
		return ErrClosed
	}
	return c.transact(ctx, func(t *transaction) (bool, error) {
		inside := &Cache{engine: c.engine, db: c.db, tx: t}
		err := fn(&Tx{inside})
		return err == nil, err
	})
}

// Watch is an Update for changes that take long to work out. look runs first and holds nothing up: with the cache's own
// methods it reads what the change depends on, and takes its time. Then change runs as in Update, but only if none of the
// keys has been changed by anybody since before look began; else both run again. So each may run more than once, and what
// look has found out is still true when change does it. An error of either, which Watch passes on, ends it, and so does ctx.
//
// It suits keys that are seldom changed: nothing keeps others from changing them time and again. The keys are those of the
// handle's logical database. O(keys) beside what the two do.
func (c *Cache) Watch(ctx context.Context, keys []string, look func() error, change func(tx *Tx) error) error {
	if c.tx != nil {
		return fmt.Errorf("%w: a Watch within an Update", ErrInvalid)
	}
	s := c.NewSession()
	defer s.Close()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.closed.Load() {
			return ErrClosed
		}
		for _, key := range keys {
			if err := s.watchKey(bytesOf(key)); err != nil {
				return told(err)
			}
		}
		if err := look(); err != nil {
			return err
		}
		unchanged := false
		err := c.Update(ctx, func(tx *Tx) (err error) {
			if unchanged, err = tx.unchanged(s); err != nil || !unchanged {
				return err
			}
			return change(tx)
		})
		if unchanged || err != nil {
			return err
		}
		s.unwatch()
	}
}

// unchanged takes the shards of a session's watched keys, and says whether these are as they were.
func (tx *Tx) unchanged(s *Session) (bool, error) {
	for _, w := range s.watch.keys {
		n, err := tx.Exists(w.key)
		if err != nil || w.absent != (n == 0) {
			return false, err
		}
	}
	return !s.watch.dirty.Load(), nil
}

// DB returns the transaction seen through another logical database; see Cache.DB.
func (tx *Tx) DB(n int) *Tx {
	_ = tx.handles[n]
	return &Tx{&Cache{engine: tx.engine, db: n, tx: tx.tx}}
}

// errInTx is what methods and commands give in a transaction that wait for the end of all of them.
const errInTx = errs.Error("ERR not within a transaction")
