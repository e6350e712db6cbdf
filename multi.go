package darter

import (
	"slices"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/reply"
	"github.com/darterdb/darter/internal/watchdog"
)

// # MULTI and EXEC
//
// Between MULTI and EXEC a session keeps its commands. EXEC takes the shards of all their keys, and of the watched ones,
// in order, runs the commands and lets the shards go: nobody sees half of it. Where a command of the queue goes over all
// shards or takes what it needs itself (KEYS, FLUSHALL, ...), EXEC runs as a transaction that owns them all instead.
// As in Redis, a command that fails does not undo the others.
type multiState struct {
	on      bool
	refused bool // a command could not be queued: EXEC will do nothing
	queue   []queued
	flags   command.Flags // of the queue's commands

	// The arguments of the queue, one behind the other: memory that is used again.
	bytes  []byte
	args   [][]byte
	shards []int // those that EXEC takes
}

// queued is a command that waits for EXEC.
type queued struct {
	row   *command.Row
	args  [][]byte
	shard int                  // of its key, if it is a command on one: known from EXEC on
	run   func(w reply.Writer) // of a command that is not the session's own to run
}

const (
	errNested     = errs.Error("ERR MULTI calls can not be nested")
	errNoMulti    = errs.Error("ERR EXEC without MULTI")
	errNoDiscard  = errs.Error("ERR DISCARD without MULTI")
	errWatchInMul = errs.Error("ERR WATCH inside MULTI is not allowed")
	errExecAbort  = errs.Error("EXECABORT Transaction discarded because of previous errors.")
	errDiscarded  = errs.Error("EXECABORT Transaction discarded because of: ")
	errNotInMulti = errs.Error("ERR Command not allowed inside a transaction")
)

// InMulti says that the session is between MULTI and EXEC, where commands are queued.
func (s *Session) InMulti() bool { return s.multi.on }

// Queued returns how many commands are queued since MULTI, -1 outside of it.
func (s *Session) Queued() int {
	if !s.multi.on {
		return -1
	}
	return len(s.multi.queue)
}

// QueuedFlags returns the flags that commands have which are queued since MULTI. It is for package resp.
func (s *Session) QueuedFlags() command.Flags { return s.multi.flags }

// Spoiled says that a watched key has changed: EXEC will do nothing. It may be called by any goroutine.
func (s *Session) Spoiled() bool { return s.watch.dirty.Load() }

// Enqueue keeps a command of a connection for EXEC, which calls run in its turn with a copy of args. It answers to w.
func (s *Session) Enqueue(row *command.Row, args [][]byte, w reply.Writer, run func(args [][]byte, w reply.Writer)) {
	copied := s.multi.copyArgs(args)
	_ = s.enqueue(row, copied, w, func(w reply.Writer) { run(copied, w) })
}

// Refuse has EXEC do nothing, because a command was refused that should have been queued. Outside of MULTI it does nothing.
func (s *Session) Refuse() { s.multi.refused = s.multi.on || s.multi.refused }

func (s *Session) enqueue(row *command.Row, args [][]byte, w reply.Writer, run func(reply.Writer)) error {
	err := s.refusal(row)
	if row.Flags&command.NoMulti != 0 {
		err = errNotInMulti
	}
	if err != nil {
		s.multi.refused = true
		w.Error(err.Error())
		return nil
	}
	if run == nil {
		args = s.multi.copyArgs(args)
	}
	s.multi.queue = append(s.multi.queue, queued{row: row, args: args, run: run})
	s.multi.flags |= row.Flags
	w.Status("QUEUED")
	return nil
}

// copyArgs copies arguments into the queue's memory.
func (m *multiState) copyArgs(args [][]byte) [][]byte {
	from := len(m.args)
	for _, a := range args {
		at := len(m.bytes)
		m.bytes = append(m.bytes, a...)
		m.args = append(m.args, m.bytes[at:len(m.bytes):len(m.bytes)])
	}
	return m.args[from:len(m.args):len(m.args)]
}

// maxQueueBytes is how much memory of a queue is kept for the next.
const maxQueueBytes = 16 << 10

// empty forgets the queue.
func (m *multiState) empty() {
	clear(m.queue)
	clear(m.args)
	*m = multiState{queue: m.queue[:0], bytes: m.bytes[:0], args: m.args[:0], shards: m.shards[:0]}
	if cap(m.bytes) > maxQueueBytes || cap(m.args) > maxQueueBytes/8 || cap(m.queue) > maxQueueBytes/32 {
		*m = multiState{}
	}
}

// Reset forgets what is queued and ends all watches.
func (s *Session) Reset() { s.discard() }

// discard forgets the queue and ends all watches.
func (s *Session) discard() {
	s.multi.empty()
	s.unwatch()
}

func multiCommand(s *Session, c *command.Call) {
	if s.multi.on {
		c.Fail(errNested)
		return
	}
	s.multi.on = true
	c.OK()
}

func discardCommand(s *Session, c *command.Call) {
	if !s.multi.on {
		c.Fail(errNoDiscard)
		return
	}
	s.discard()
	c.OK()
}

func watchCommand(s *Session, c *command.Call) {
	if s.multi.on {
		c.Fail(errWatchInMul)
		return
	}
	for _, key := range c.Args[1:] {
		if err := s.watchKey(key); err != nil {
			c.Fail(err)
			return
		}
	}
	c.OK()
}

func unwatchCommand(s *Session, c *command.Call) {
	s.unwatch()
	c.OK()
}

func execCommand(s *Session, c *command.Call) {
	switch {
	case !s.multi.on:
		c.Fail(errNoMulti)
		return
	case s.multi.refused:
		s.discard()
		c.Fail(errExecAbort)
		return
	case s.multi.flags&command.DenyOOM != 0 && s.full():
		s.discard()
		c.Fail(errDiscarded + errs.OutOfMemory)
		return
	case s.multi.flags&command.Write != 0 && s.unsaved():
		s.discard()
		c.Fail(errDiscarded + errs.Unsaved)
		return
	}
	queue := s.multi.queue
	args, row, w := c.Args, c.Row, c.W
	numbers, all := s.shardsOf(queue)
	if all && s.impatient {
		s.busy = true
		return
	}
	s.multi.on = false
	if all {
		s.execOwned(queue, w)
	} else if !s.execHeld(numbers, queue, w) {
		s.multi.on, s.busy = true, true
		return
	}
	c.Args, c.Row, c.W = args, row, w
	s.multi.empty()
	s.unwatch()
}

// shardsOf returns the shards of the keys that the queue's commands name, and of those that are watched. all says that a
// command may want others.
func (s *Session) shardsOf(queue []queued) (numbers []int, all bool) {
	numbers = s.multi.shards[:0]
	for i := range queue {
		q := &queue[i]
		switch {
		case q.run != nil && q.row.Name == "tracking": // it may want every shard to announce changes
			return nil, true
		case q.run != nil || q.row.Flags&command.PubSub != 0:
			continue
		case q.row.Class == command.Walk || q.row.Class == command.Bound || q.row.Scatter:
			return nil, true
		case q.row.Class == command.OneKey:
			q.shard = s.shardOf(q.args[q.row.Keys[0].Pos])
			numbers = append(numbers, q.shard)
			continue
		}
		s.keys, _ = command.KeysOf(q.row, q.args, s.keys[:0])
		for _, k := range s.keys {
			numbers = append(numbers, s.shardOf(q.args[k.Index]))
		}
	}
	for _, w := range s.watch.keys {
		numbers = append(numbers, w.shard)
	}
	s.multi.shards = numbers
	return numbers, false
}

// execHeld runs the queue with the shards held, unless it would have to wait for them and may not.
func (s *Session) execHeld(numbers []int, queue []queued, w reply.Writer) (done bool) {
	numbers, ok := s.lockEach(numbers, s.tx, true, s.impatient)
	if !ok {
		return false
	}
	s.held = true
	now := s.clock.Millis()
	for _, n := range numbers {
		sh := &s.shards[n]
		s.sign(sh)
		if s.tx == nil { // else it stands already
			sh.stopTime(now)
		}
	}
	defer func() {
		s.held = false
		s.unlockShards(numbers)
	}()
	s.execAll(queue, w)
	return true
}

// execOwned runs the queue as a transaction on all shards.
func (s *Session) execOwned(queue []queued, w reply.Writer) {
	if s.tx != nil { // it is part of one already
		s.execAll(queue, w)
		return
	}
	rewinder, _ := w.(reply.Rewinder)
	mark := rewinder.Mark()
	err := s.transact(s.ctx, func(t *transaction) (bool, error) {
		s.tx, t.by = t, &s.by
		defer func() { s.tx = nil }()
		t.takeAll()
		rewinder.Rewind(mark)
		s.execAll(queue, w)
		return true, nil
	})
	if err != nil {
		rewinder.Rewind(mark)
		s.fail(w, err)
	}
}

// fail ends a command whose transaction was undone: with an error reply or, if its context ended, with that as its error.
func (s *Session) fail(w reply.Writer, err error) {
	if err == s.ctx.Err() {
		s.ended = err
		return
	}
	w.Error(errorReply(err))
}

// execAll runs the queue, unless a watched key has changed.
func (s *Session) execAll(queue []queued, w reply.Writer) {
	if s.spoiled() {
		w.NullArray()
		return
	}
	w.Array(len(queue))
	rewinder, _ := w.(reply.Rewinder)
	var watch watchdog.Stopwatch
	watch.StartWithin(s.dog)
	for i := range queue {
		q := &queue[i]
		if !q.row.Brief() {
			watch.Settle()
		}
		if q.run != nil {
			q.run(w)
			s.ranQueued(q, &watch)
			continue
		}
		mark := rewinder.Mark()
		c := &s.call
		c.Args, c.W, c.Row = q.args, w, q.row
		s.heldIn = q.shard
		if err := s.run(q.row, c); err != nil {
			rewinder.Rewind(mark)
			w.Error(errorReply(err))
		}
		s.ranQueued(q, &watch)
	}
}

// spoiled says that a watched key has changed, expired or come to be. The shards of all of them are held, or owned.
func (s *Session) spoiled() bool {
	return s.watch.dirty.Load() || slices.ContainsFunc(s.watch.keys, func(w watchedKey) bool {
		db := s.shards[w.shard].data.DB(w.db)
		found := db != nil && db.Look(s.hash(bytesOf(w.key)), bytesOf(w.key)).Found()
		return found == w.absent
	})
}
