package darter

import (
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/luavm"
)

// Snapshot is the cache as it was at one instant, all databases of it. To take one costs a few words for each shard,
// whatever the cache holds; while it lives, pages that are about to change are copied first, so its extra memory is
// that of the index and of the values overwritten since. Any number may be open at once.
//
// Reads take no lock and wait for nobody. Keys that had expired by the instant are absent, others stay.
//
// A snapshot must be closed. One that is dropped without is found by the garbage collector, logged and closed.
type Snapshot struct {
	*snapshotHandle
	db int
}

// snapshotHandle is what the collector watches: when it is unreachable, nobody can close the snapshot any more.
type snapshotHandle struct {
	state   *snapshotState
	cleanup runtime.Cleanup
}

// snapshotState is the snapshot itself. Its reader count starts at one, the owner's; when it comes to zero the
// snapshot's pages are freed.
type snapshotState struct {
	e         *engine
	at        time.Time
	frozen    []*keyspace.Frozen        // by shard
	libraries map[string]*luavm.Library // of functions, for Save
	users     atomic.Int64
	closed    atomic.Bool
	freed     chan struct{}
}

// Snapshot returns the cache as it is now. No command on several keys is seen half done. O(shards), once the transactions
// and scripts that run have ended; those that come meanwhile wait.
func (c *Cache) Snapshot() (*Snapshot, error) {
	if c.tx != nil {
		return nil, errInTx
	}
	s, err := c.engine.freeze()
	if err != nil {
		return nil, err
	}
	h := &snapshotHandle{state: s}
	h.cleanup = runtime.AddCleanup(h, (*snapshotState).forgotten, s)
	return &Snapshot{h, c.db}, nil
}

// freeze makes versions of all shards at one instant.
func (e *engine) freeze() (*snapshotState, error) {
	s := &snapshotState{e: e, frozen: make([]*keyspace.Frozen, len(e.shards)), freed: make(chan struct{})}
	s.users.Store(1)
	if err := s.cut(); err != nil {
		s.thaw()
		return nil, err
	}
	return s, nil
}

func (s *snapshotState) cut() error {
	e := s.e
	e.lockAll()
	defer e.unlockAll()
	if e.closed.Load() {
		return ErrClosed
	}
	s.at = e.clock.Now()
	for i := range e.shards {
		f, err := e.shards[i].data.Freeze(s.at.UnixMilli())
		if err != nil {
			return err
		}
		s.frozen[i] = f
	}
	s.libraries = e.scripts.allLibraries()
	e.snapshots.add(s)
	return nil
}

// thaw frees what only the snapshot saw, in slices.
func (s *snapshotState) thaw() {
	for i, f := range s.frozen {
		if f != nil {
			s.e.inSlices(&s.e.shards[i], func(sh *keyspace.Shard) bool { return sh.Thaw(f) })
		}
	}
	s.frozen = nil
	s.e.snapshots.remove(s)
	close(s.freed)
}

// use keeps the snapshot's pages until done; it fails once the snapshot is closed.
func (s *snapshotState) use() bool {
	for {
		n := s.users.Load()
		if n == 0 || s.closed.Load() {
			return false
		}
		if s.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *snapshotState) done() {
	if s.users.Add(-1) == 0 {
		s.thaw()
	}
}

func (s *snapshotState) close() {
	if !s.closed.Swap(true) {
		s.done()
	}
}

func (s *snapshotState) forgotten() {
	if s.e.closed.Load() {
		return
	}
	s.e.log.Warn("a snapshot was dropped without being closed", "taken", s.at)
	s.close()
}

// Close frees the memory that only the snapshot kept, once iterations of it that are under way have ended. Closing
// twice does nothing.
func (s *Snapshot) Close() {
	s.cleanup.Stop()
	s.state.close()
}

// Time returns the instant of the snapshot.
func (s *Snapshot) Time() time.Time { return s.state.at }

// DB returns the same snapshot seen through another logical database. Closing either closes both. It panics if there
// is no such database.
func (s *Snapshot) DB(n int) *Snapshot {
	_ = s.state.e.handles[n]
	return &Snapshot{s.snapshotHandle, n}
}

// read runs fn on a key, which may not be Found, of a snapshot that cannot be freed meanwhile.
func (s *Snapshot) read(key string, fn func(keyspace.FrozenItem) error) error {
	st := s.state
	if !st.use() {
		return ErrClosed
	}
	defer runtime.KeepAlive(s.snapshotHandle)
	defer st.done()
	k := bytesOf(key)
	n := st.e.shardOf(k)
	db := st.frozen[n].DB(s.db)
	if db == nil {
		return fn(keyspace.FrozenItem{})
	}
	return fn(db.Find(st.e.hash(k), k))
}

// Len returns how many keys there were, expired ones that had not been removed yet included. O(shards).
func (s *Snapshot) Len() int {
	n := 0
	if s.state.use() {
		defer s.state.done()
		for _, f := range s.state.frozen {
			if db := f.DB(s.db); db != nil {
				n += db.Len()
			}
		}
	}
	return n
}

// Entry is a key as an iteration meets it. Its bytes are the snapshot's own: they are good until the iteration goes on.
type Entry struct {
	Key      []byte
	Value    []byte    // of a string
	Type     string    // "string", ...
	ExpireAt time.Time // zero for never
}

func entryOf(it keyspace.FrozenItem) Entry {
	e := Entry{Key: it.Key(), Type: it.Kind().String(), ExpireAt: timeOf(it.ExpireAt())}
	if it.Kind() == keyspace.String {
		e.Value = it.Value()
	}
	return e
}

// Entries yields every key of the snapshot's database with its value, type and time of expiry, in no order and without
// copying: see Entry for how long its bytes are good. It takes no lock: other users of the cache do not notice. A closed
// snapshot yields nothing; one that is closed meanwhile is kept until the iteration ends.
func (s *Snapshot) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		s.each(func(it keyspace.FrozenItem) bool { return yield(entryOf(it)) })
	}
}

// Change is a key that differs between two snapshots. Key's bytes are good until the iteration goes on.
type Change struct {
	Key    []byte
	Before Entry // Before.Key is nil where the key was absent
	After  Entry // After.Key is nil where the key is gone
}

// Diff yields the keys of the snapshot's database that were added, removed, or given another value or time of expiry
// between an earlier snapshot of the same cache and this one. Parts of the index that did not change are not looked
// at, so the cost is that of what was written between the two. A key that expires is yielded as removed by whichever Diff
// its removal falls into, which comes a moment after its time: who applies one Diff after the other misses none, and may
// meet one that had expired before the earlier snapshot. It yields nothing if either is closed, and panics if they are of
// different caches.
func (s *Snapshot) Diff(earlier *Snapshot) iter.Seq[Change] {
	a, b := earlier.state, s.state
	if a.e != b.e {
		panic("darter: Diff of snapshots of different caches")
	}
	return func(yield func(Change) bool) {
		if !a.use() {
			return
		}
		defer a.done()
		if !b.use() {
			return
		}
		defer b.done()
		defer runtime.KeepAlive(s.snapshotHandle)
		defer runtime.KeepAlive(earlier.snapshotHandle)
		for i := range b.frozen {
			more := true
			keyspace.Diff(a.frozen[i].DB(earlier.db), b.frozen[i].DB(s.db), func(x, y keyspace.FrozenItem) bool {
				var c Change
				if x.Found() {
					c.Before = entryOf(x)
					c.Key = c.Before.Key
				}
				if y.Found() {
					c.After = entryOf(y)
					c.Key = c.After.Key
				}
				more = yield(c)
				return more
			})
			if !more {
				return
			}
		}
	}
}

// snapshotSet has the snapshots that are not freed.
type snapshotSet struct {
	mu   sync.Mutex
	live map[*snapshotState]struct{}
}

func (l *snapshotSet) add(s *snapshotState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		l.live = map[*snapshotState]struct{}{}
	}
	l.live[s] = struct{}{}
}

func (l *snapshotSet) remove(s *snapshotState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.live, s)
}

func (l *snapshotSet) all() []*snapshotState {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*snapshotState
	for s := range l.live {
		all = append(all, s)
	}
	return all
}
