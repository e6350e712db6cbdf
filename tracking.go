package darter

import (
	"math/rand/v2"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/pubsub"
	"github.com/darterdb/darter/internal/tracking"
)

// # Tracking
//
// Clients of a server may keep what they have read, if they are told when it changes: CLIENT TRACKING. Which keys a
// client has read is noted with the key's shard held, by the command that reads it, after it has read; and a change is
// told by the announcement of that change, with the shard held too. So between a read and its note nothing can happen,
// and what a client is told is on its way before whoever made the change has a reply. It is the client's transport that
// puts it behind the reply of the read: what is pushed to a client comes after the replies to the commands that it is
// running.
//
//	read   shard held: look, note                       ─► reply ─┐
//	write                          shard held: change, tell ──────┴─► the reader gets the reply, then the message
//
// What a script or a transaction reads and changes takes effect here at its commit, in the order in which it was done,
// and nothing of it at a rollback. A read aside is noted before the shard is let go. A read of a shard that a script
// owns sees what was committed: it is noted at once, and told of at the script's commit.
//
// Prefixes (BCAST) are told of once a batch: an author gathers what it changes until its session says Broadcast, which
// a server does before it sends the batch's replies. What has no session is told of when the shard is let go.
type author struct {
	tracker *tracking.Tracker // nil unless it is, or was, tracked
	changed tracking.Changes
	jam     *pubsub.Gate // where to wait before more is published; see Session.Jam
}

// tell tells those who follow prefixes what the author has changed.
func (a *author) tell(e *engine) { a.changed.Tell(&e.trackers, a.tracker) }

const (
	// forgetSlice is how many readings of a client that has gone, or keys beyond the limit, go while a shard is held.
	forgetSlice = 64
	// forgetNow is how many of them the client's own goroutine sees to.
	forgetNow = 1024
)

// Track changes how the session's client is tracked, to 0 for not at all, and adds to its prefixes. It is for package
// resp.
func (s *Session) Track(c tracking.Client, mode tracking.Mode, prefixes []string) {
	if s.by.tracker == nil {
		if mode == 0 {
			return
		}
		s.by.tracker = s.trackers.NewTracker(c, len(s.shards))
	}
	s.follow(s.tx, func() { s.trackers.Set(s.by.tracker, mode, prefixes) })
}

// Tracker returns how the session's client is tracked, nil if it never was. It is for package resp.
func (s *Session) Tracker() *tracking.Tracker { return s.by.tracker }

// Broadcast tells clients that follow prefixes what the session has changed since the last time. Package resp calls it
// before it sends replies.
func (s *Session) Broadcast() {
	if !s.by.changed.Empty() {
		s.by.tell(s.engine)
	}
}

// follow runs a change of prefixes, in a transaction or not, and lets all shards announce changes if there are prefixes
// now. None of the shards may be held.
func (e *engine) follow(t *transaction, change func()) {
	e.listening.Lock()
	defer e.listening.Unlock()
	before := e.trackers.Broadcasts()
	change()
	now := e.trackers.Broadcasts()
	if now == before {
		return
	}
	for i := range e.shards {
		sh := &e.shards[i]
		sh.lock()
		if now {
			a := e.announcerOf(sh)
			a.missed = a.missed || a.deaf && sh.owner != t
		} else if sh.announcer != nil {
			sh.announcer.rest()
		}
		sh.unlock()
	}
}

// sign makes what changes in a shard, which is held, the session's doing until the shard is let go.
func (s *Session) sign(sh *shard) {
	by := &s.by
	if s.tx != nil && s.tx.by != nil {
		by = s.tx.by // a script's session speaks for the one that runs the script
	}
	if sh.data.Observer != nil && (by.tracker != nil || s.trackers.Broadcasts()) {
		sh.announcer.author = by
		sh.special = true
	}
}

// tracks says that somebody may be told of changes in the shard.
func (a *announcer) tracks() bool { return a.tracked.Len() > 0 || a.e.trackers.Broadcasts() }

// tellTrackers tells those who keep a key that it has changed. That a key has expired is nobody's doing: whoever
// noticed it may keep it too.
func (a *announcer) tellTrackers(key []byte, e keyspace.Event) {
	by := a.author
	if e == keyspace.EventExpired {
		by = &a.own
	}
	a.tracked.Changed(key, by.tracker)
	if by.changed.Add(&a.e.trackers, key) {
		by.tell(a.e)
	}
	if by == &a.own && !by.changed.Empty() {
		a.sh.special = true
	}
}

// emptied forgets who has read the shard's keys, since all are gone or others are there. In a transaction it does so at
// the commit. The shard is held.
func (a *announcer) emptied(t *transaction) {
	if t != nil {
		a.held = append(a.held, announcement{all: true})
		return
	}
	a.tracked.Clear()
	a.rest()
}

// notesReads says that the session's client is to be told of what it reads now.
func (s *Session) notesReads() bool { return s.by.tracker != nil && s.by.tracker.Notes() }

// noting says that what the session reads by a command is to be noted.
func (s *Session) noting(row *command.Row) bool {
	return s.notesReads() && row.Flags&(command.ReadOnly|command.PubSub) == command.ReadOnly
}

// noteReads notes the keys of a command that was run, if they are to be noted. Their shards are held.
func (s *Session) noteReads(row *command.Row, c *command.Call) {
	if !s.noting(row) {
		return
	}
	if c.Targets == nil {
		s.noteRead(c.One.Key)
	} else {
		for _, k := range s.keys {
			s.noteRead(c.Args[k.Index])
		}
	}
	if row.Flags&command.Blocking != 0 && !c.Wait.On {
		s.by.tracker.Hold()
	}
}

// noteWalk notes the keys of a command that takes their shards itself, before it runs: who is told of a change in
// between is told after its reply.
func (s *Session) noteWalk(row *command.Row, c *command.Call) {
	if !s.noting(row) {
		return
	}
	s.keys, _ = command.KeysOf(row, c.Args, s.keys[:0])
	for _, k := range s.keys {
		sh := &s.shards[s.shardOf(c.Args[k.Index])]
		sh.lockRead(s.tx)
		s.noteRead(c.Args[k.Index])
		sh.unlock()
	}
}

// noteRead notes that the session's client has read a key, whose shard is held.
func (s *Session) noteRead(key []byte) {
	sh := &s.shards[s.shardOf(key)]
	a := s.announcerOf(sh)
	s.sign(sh) // what comes behind it in EXEC, if nobody listened before
	if s.tx != nil {
		a.held = append(a.held, announcement{keyName: keyName{s.call.DB, string(key)}, reader: s.by.tracker})
		return
	}
	a.tracked.Note(key, s.by.tracker)
	if a.deaf {
		a.doubtful = append(a.doubtful, string(key))
	}
}

// limitTracked has keys forgotten, as if they had changed, as long as there are more than the directive
// tracking-table-max-keys allows. None of the shards may be held.
func (e *engine) limitTracked() {
	limit := e.maxTracked.Load()
	for idle := 0; limit > 0 && e.trackers.Keys() > limit && idle < 2*len(e.shards); {
		first := rand.IntN(len(e.shards))
		for i := range e.shards {
			if e.forgetSome(&e.shards[(first+i)%len(e.shards)], limit) {
				idle = 0
				break
			}
			idle++
		}
	}
}

// forgetSome forgets some keys of a shard, and says whether there were any.
func (e *engine) forgetSome(sh *shard, limit int64) (some bool) {
	sh.lock()
	defer sh.unlock()
	a := sh.announcer
	for n := 0; a != nil && n < forgetSlice && e.trackers.Keys() > limit && a.tracked.DropOne(); n++ {
		some = true
	}
	if some {
		a.rest()
	}
	return some
}

// endTracking ends the tracking of a session that is closed, and forgets what its client has read: here, or, if that is
// much, in the background.
func (s *Session) endTracking() {
	s.Broadcast()
	t := s.by.tracker
	if t == nil {
		return
	}
	s.by.tracker = nil
	e := s.engine
	e.follow(nil, func() { e.trackers.Remove(t) })
	forget := func() {
		for i := range e.shards {
			sh := &e.shards[i]
			e.inSlices(sh, func(*keyspace.Shard) bool {
				a := sh.announcer
				if a == nil || e.closed.Load() {
					return false
				}
				more := a.tracked.Forget(t, forgetSlice)
				a.rest()
				return more
			})
		}
	}
	switch {
	case t.Reads() > forgetNow:
		e.inBackground(forget)
	case t.Reads() > 0:
		forget()
	}
}
