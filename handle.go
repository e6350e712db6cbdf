package darter

import (
	"runtime"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

// # Handles
//
// A handle (Hash, List, Set, SortedSet, Stream) is a key with where it is: in a cache, where it can be read and changed,
// or in a snapshot, where it can be read. It is a small value that costs nothing to make, and need not be closed.
//
// A method that reads goes
//
//	var r seen
//	defer r.done(&err)                  to let go of what see takes
//	err = h.see(&r, keyspace.Hash)      the key's shard is held, or its snapshot kept
//	... value.OpenHash(*r.view, r.raw) ...
//
// and one that changes the key
//
//	w, err := h.change()
//	defer w.done(&err)
//	... w.db.HashSet(w.hash, w.key, ...) ...

// place is what all handles have.
type place struct {
	cache *Cache    // nil in a snapshot
	snap  *Snapshot // nil in a cache
	key   string
}

// seen is a key that is being read.
type seen struct {
	view *value.View // see keyspace.DB.ViewOf
	kind keyspace.Kind
	raw  []byte // none for an absent key

	e    *engine
	s    *shard         // held, in a cache
	st   *snapshotState // kept, in a snapshot
	hand *snapshotHandle
}

// noView is that of an absent key.
var noView value.View

// see finds the key for a reader of a kind of container (keyspace.Hash stands for both kinds of hashes) and fills in a
// zero r. An absent key has no raw bytes; another kind is ErrWrongType. r.done is to be called whatever see returns.
func (p place) see(r *seen, k keyspace.Kind) (err error) {
	key := bytesOf(p.key)
	if p.cache == nil {
		return p.snap.seeFrozen(r, k, key)
	}
	r.view, r.e = &noView, p.cache.engine
	s, h := p.cache.holdRead(key)
	r.s = s
	db, err := s.db(p.cache.db)
	if err != nil {
		return err
	}
	it := db.Find(h, key)
	if r.raw, err = it.As(k); err == nil && it.Found() {
		r.kind = it.Kind()
		r.view = db.ViewOf(r.kind)
	}
	return err
}

// seeFrozen is see in a snapshot.
func (s *Snapshot) seeFrozen(r *seen, k keyspace.Kind, key []byte) (err error) {
	st := s.state
	r.view = &noView
	if !st.use() {
		return ErrClosed
	}
	r.e, r.st, r.hand = st.e, st, s.snapshotHandle
	db := st.frozen[st.e.shardOf(key)].DB(s.db)
	if db == nil {
		return nil
	}
	it := db.Find(st.e.hash(key), key)
	if r.raw, err = it.As(k); err == nil && it.Found() {
		r.kind = it.Kind()
		r.view = db.View()
	}
	return err
}

// done lets go of what see took, and turns a panic into an error. It is to be deferred directly.
func (r *seen) done(err *error) {
	if r.s != nil {
		r.s.unlock()
	}
	if v := recover(); v != nil {
		*err = r.e.caught(v)
	} else if *err != nil {
		*err = told(*err)
	}
	if r.st != nil {
		r.st.done()
		runtime.KeepAlive(r.hand)
	}
}

// changed is a key that is being changed.
type changed struct {
	db   *keyspace.DB // nil if change failed
	hash uint64
	key  []byte
	c    *Cache
	s    *shard // held
}

// change finds where the key is, for a writer. It fails with ErrReadOnly in a snapshot, and with ErrOutOfMemory if
// Options.MaxMemory is used up, unless the change makes the key smaller. done is to be called whatever change returns.
func (p place) change(smaller bool) (w changed, err error) {
	if p.cache == nil {
		return w, ErrReadOnly
	}
	w.key, w.c = bytesOf(p.key), p.cache
	w.s, w.hash = p.cache.hold(w.key)
	if smaller {
		w.db, err = w.s.db(p.cache.db)
	} else {
		w.db, err = p.cache.roomIn(w.s)
	}
	return w, err
}

// done lets go of what change took, and turns a panic into an error. It is to be deferred directly.
func (w *changed) done(err *error) {
	if w.s != nil {
		w.s.unlock()
	}
	if v := recover(); v != nil {
		*err = w.c.caught(v)
	} else if *err != nil {
		*err = told(*err)
	}
}
