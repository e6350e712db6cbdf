package darter

import (
	"slices"
	"sync/atomic"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/tracking"
)

// # Announcements
//
// Every change of a key is announced once, by package keyspace's touch, with the key's shard held. An announcer stands
// behind each shard, as long as somebody wants to know: sessions that watch keys, sessions that wait for them, clients
// that keep what they have read (tracking.go), and whoever asked for events. What a transaction changes is announced at
// its commit, with all its shards held.
type announcer struct {
	e  *engine
	sh *shard

	watched map[keyName]map[*Session]struct{} // who watches a key
	waiting map[keyName]*waitQueue            // who waits for a key
	ready   []*waitQueue                      // those of keys that changed
	held    []announcement                    // of the owner's transaction
	wakeAll bool                              // so is this: all who wait are to be served

	tracked tracking.Table // who has read a key and is to be told of its change
	author  *author        // who makes the changes now; &own if that is nobody who matters
	own     author

	// deaf says that the owner's transaction has made changes that nobody wanted to hear of then. What others have read
	// since may be among them: those keys are told of as if they had changed, and who has begun to wait is served.
	deaf     bool
	missed   bool // so have clients that follow prefixes: they are told that everything has changed
	doubtful []string
}

// keyName is a key with its logical database.
type keyName struct {
	db  int
	key string
}

// announcement is one that waits for a commit: a change, a read to be noted, or that all keys are gone.
type announcement struct {
	keyName
	event   keyspace.Event
	flushed bool              // there is no event: the key's whole database was replaced
	reader  *tracking.Tracker // who has read the key, nil for a change
	all     bool              // all keys were replaced
	late    bool              // it was told already, but not to those who have read the key in this transaction
}

// announcerOf returns that of a shard that is held, and lets it hear of changes.
func (e *engine) announcerOf(sh *shard) *announcer {
	if sh.announcer == nil {
		a := &announcer{e: e, sh: sh, tracked: tracking.Table{Registry: &e.trackers, Shard: sh.mu.number}}
		a.author = &a.own
		sh.announcer = a
	}
	if sh.data.Observer == nil {
		sh.announcer.deaf = sh.owner != nil && sh.data.Saved()
		sh.data.Observer = sh.announcer
	}
	return sh.announcer
}

// rest lets changes pass unheard when nobody wants to know of them, and no transaction is under way that they may yet
// concern. The shard is held.
func (a *announcer) rest() {
	if a.sh.owner == nil && len(a.watched) == 0 && len(a.waiting) == 0 && a.e.listeners.Load() == nil && !a.tracks() {
		a.sh.data.Observer = nil
	}
}

// Touched takes an announcement.
func (a *announcer) Touched(db int, key []byte, e keyspace.Event) {
	if e == keyspace.EventKeyMiss { // nothing has changed
		if l := a.e.listeners.Load(); l != nil {
			l.tell(db, key, e)
		}
		return
	}
	if a.undoable() {
		a.held = append(a.held, announcement{keyName: keyName{db, string(key)}, event: e})
		return
	}
	if a.sh.owner != nil && len(a.held) > 0 {
		a.held = append(a.held, announcement{keyName: keyName{db, string(key)}, late: true})
	}
	a.tell(db, key, e)
	a.rest() // who was told of it may have been the last who wanted to know
}

// undoable says that what changes now is part of a transaction. One that has only read has nothing to undo: then a key that
// goes has expired, and that stays.
func (a *announcer) undoable() bool { return a.sh.data.Saved() }

// commit passes on what the owner's transaction has changed, and notes what it has read; rollback forgets it.
func (a *announcer) commit(t *transaction) {
	for _, m := range a.held {
		switch {
		case m.flushed:
			a.spoil(m.keyName)
		case m.all:
			a.tracked.Clear()
		case m.reader != nil:
			a.tracked.Note(bytesOf(m.key), m.reader)
		case m.late:
			a.tracked.Changed(bytesOf(m.key), nil)
		default:
			a.tell(m.db, bytesOf(m.key), m.event)
		}
	}
	if a.wakeAll || a.deaf {
		a.wake(func(keyName) bool { return true })
	}
	for _, key := range a.doubtful {
		a.tracked.Changed(bytesOf(key), nil)
	}
	if a.missed {
		t.flushes = max(t.flushes, 1)
	}
	a.rollback()
}

func (a *announcer) rollback() {
	a.deaf, a.missed, a.doubtful = false, false, nil
	defer a.rest()
	if cap(a.held) > maxHeld {
		a.held = nil
	}
	clear(a.held)
	a.held, a.wakeAll = a.held[:0], false
}

// maxHeld is how many announcements' room is kept from one transaction to the next.
const maxHeld = 1024

// tell passes an announcement on to those whom it concerns.
func (a *announcer) tell(db int, key []byte, e keyspace.Event) {
	if len(a.watched) > 0 && !e.SparesWatch() {
		a.spoil(keyName{db, string(key)})
	}
	if len(a.waiting) > 0 {
		if q := a.waiting[keyName{db, string(key)}]; q != nil {
			a.mark(q)
		}
	}
	if !e.SparesWatch() && a.tracks() {
		a.tellTrackers(key, e)
	}
	if l := a.e.listeners.Load(); l != nil {
		l.tell(db, key, e)
	}
}

// listeners are those who asked for the events of all keys. The list never changes: a new one takes its place.
type listeners struct{ all []*listener }

// listener is told of events with the key's shard held: it must not wait.
type listener struct {
	tell     func(db int, key []byte, e keyspace.Event)
	detailed bool // of misses and new keys too
}

func (l *listeners) tell(db int, key []byte, e keyspace.Event) {
	for _, one := range l.all {
		one.tell(db, key, e)
	}
}

// listen has one listener take another's place; either may be nil. None of the shards may be held.
func (e *engine) listen(gone, come *listener) {
	e.listening.Lock()
	defer e.listening.Unlock()
	var now listeners
	if before := e.listeners.Load(); before != nil {
		now.all = slices.DeleteFunc(slices.Clone(before.all), func(l *listener) bool { return l == gone })
	}
	if come != nil {
		now.all = append(now.all, come)
	}
	if len(now.all) == 0 {
		e.listeners.Store(nil)
	} else {
		e.listeners.Store(&now)
	}
	detailed := slices.ContainsFunc(now.all, func(l *listener) bool { return l.detailed })
	for i := range e.shards {
		sh := &e.shards[i]
		sh.lock()
		sh.data.Detailed = detailed
		if len(now.all) > 0 {
			e.announcerOf(sh)
		} else if sh.announcer != nil {
			sh.announcer.rest()
		}
		sh.unlock()
	}
}

// watchState is the keys that a session watches.
type watchState struct {
	dirty atomic.Bool // one of them has changed
	keys  []watchedKey
}

type watchedKey struct {
	keyName
	shard  int
	absent bool // it was not there when the watch began
}

// watchKey begins to watch a key in the selected database.
func (s *Session) watchKey(key []byte) error {
	name := keyName{s.call.DB, string(key)}
	for _, w := range s.watch.keys {
		if w.keyName == name {
			return nil
		}
	}
	n := s.shardOf(key)
	sh := &s.shards[n]
	s.lockWalk(sh) // what a transaction has not committed is no state to start from
	defer sh.unlock()
	db, err := sh.db(s.call.DB)
	if err != nil {
		return err
	}
	absent := !db.Look(s.hash(key), key).Found() // one that has expired goes now, before it is watched
	a := s.announcerOf(sh)
	if a.watched == nil {
		a.watched = map[keyName]map[*Session]struct{}{}
	}
	if a.watched[name] == nil {
		a.watched[name] = map[*Session]struct{}{}
	}
	a.watched[name][s] = struct{}{}
	s.watch.keys = append(s.watch.keys, watchedKey{name, n, absent})
	return nil
}

// unwatch ends all watches of the session. None of the keys' shards may be held.
func (s *Session) unwatch() {
	for _, w := range s.watch.keys {
		sh := &s.shards[w.shard]
		sh.lock()
		s.unwatchIn(sh, w)
		sh.unlock()
	}
	clear(s.watch.keys)
	s.watch.keys = s.watch.keys[:0]
	s.watch.dirty.Store(false)
}

// unwatchIn ends one watch, with the key's shard held.
func (s *Session) unwatchIn(sh *shard, w watchedKey) {
	a := sh.announcer
	set := a.watched[w.keyName]
	if delete(set, s); len(set) == 0 {
		delete(a.watched, w.keyName)
		a.rest()
	}
}

// settle does what is left to do before the shard is let go: it serves those who wait for keys that have changed, and
// tells of changes that are no session's.
func (a *announcer) settle() {
	for a.sh.special {
		a.sh.special = false
		a.author = &a.own
		a.serve()
		a.own.tell(a.e)
	}
	a.author = &a.own
}

// flushing announces that a logical database of the shard, which is held, is about to be emptied.
func (a *announcer) flushing(db int) {
	a.dirty(func(name keyName) bool { return name.db == db && a.present(name.db, name.key) })
	a.wake(func(name keyName) bool { return name.db == db })
}

// swapping announces that two logical databases of the shard, which is held, are about to be exchanged.
func (a *announcer) swapping(i, j int) {
	touches := func(name keyName) bool { return name.db == i || name.db == j }
	a.dirty(func(name keyName) bool { return touches(name) && (a.present(i, name.key) || a.present(j, name.key)) })
	a.wake(touches)
}

// reloaded announces that all of the shard, which is held, was replaced.
func (a *announcer) reloaded() {
	a.emptied(nil)
	a.dirty(func(keyName) bool { return true })
	a.wake(func(keyName) bool { return true })
}

// dirty spoils the watches of some keys.
func (a *announcer) dirty(which func(keyName) bool) {
	for name := range a.watched {
		switch {
		case !which(name):
		case a.undoable():
			a.held = append(a.held, announcement{keyName: name, flushed: true})
		default:
			a.spoil(name)
		}
	}
}

// spoil spoils the watches of a key.
func (a *announcer) spoil(name keyName) {
	for s := range a.watched[name] {
		s.watch.dirty.Store(true)
	}
}

// wake has those served who wait for some keys; in a transaction all, at its end.
func (a *announcer) wake(which func(keyName) bool) {
	if a.undoable() {
		a.wakeAll = true
		return
	}
	for name, q := range a.waiting {
		if which(name) {
			a.mark(q)
		}
	}
}

// mark has a queue served when the shard is let go.
func (a *announcer) mark(q *waitQueue) {
	if !q.ready {
		q.ready, q.since = true, a.e.marks.Add(1)
		a.ready = append(a.ready, q)
		a.sh.special = true
	}
}

func (a *announcer) present(n int, key string) bool {
	db := a.sh.data.DB(n)
	return db != nil && db.Look(a.e.hash(bytesOf(key)), bytesOf(key)).Found()
}
