// Package keyspace is the data of one shard: its memory, its logical databases with their dictionaries and expiry, and
// its versions. It holds no lock: every method says or implies "the caller holds the shard", but for those of Frozen.
//
// # Words
//
//	Shard    one part of the keyspace with memory of its own
//	DB       one logical database's share of a shard: a dictionary and an expiry index
//	Item     a key that was found; good until the DB changes
//	Frozen   a shard as it was when a snapshot was taken; read without the shard's lock
//	Grave    a database that was flushed and is freed bit by bit
//
// # Change
//
// Every change of a key ends in touch, which counts it and tells the shard's observer. Nothing else tells anyone.
package keyspace

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// Kind is what a key holds. The numbers stand in snapshot files.
type Kind = value.Kind

const (
	String    = value.KindString
	List      = value.KindList
	Hash      = value.KindHash
	Set       = value.KindSet
	SortedSet = value.KindSortedSet
	Stream    = value.KindStream
	HashTTL   = value.KindHashTTL
)

// Clock tells the time to a cache's shards: exact where a time of expiry is at stake, and a coarse second for notes of
// access.
//
// To ask the system for the time of day costs twice as much as to ask how much time has passed, so the exact time is that
// of the last tick and what has passed since: if the system's clock is set, that is seen at the next.
type Clock struct {
	Now    func() time.Time
	tick   atomic.Pointer[time.Time] // nil for a clock that is not the system's
	second atomic.Uint32
}

// NewClock returns a clock that reads now, nil for the system's.
func NewClock(now func() time.Time) *Clock {
	c := &Clock{Now: now}
	if now == nil {
		c.Now = time.Now
		c.tick.Store(new(time.Time))
	}
	c.Tick()
	return c
}

// Tick brings what is only looked at now and then up to date.
func (c *Clock) Tick() {
	now := c.Now()
	if c.tick.Load() != nil {
		c.tick.Store(&now)
	}
	c.second.Store(uint32(now.Unix()))
}

// Millis returns the Unix time in milliseconds.
func (c *Clock) Millis() int64 {
	if at := c.tick.Load(); at != nil {
		return (at.UnixNano() + int64(time.Since(*at))) / int64(time.Millisecond)
	}
	return c.Now().UnixMilli()
}

// access is a moment as a slot keeps it.
func (c *Clock) access() uint32 { return c.second.Load() & (1<<table.AccessBits - 1) }

// Config is what the shards of a cache have in common.
type Config struct {
	Region    *slab.Region
	Clock     *Clock
	Seed      maphash.Seed
	Databases int
	Limits    *value.Limits // nil means Redis's defaults
	Used      *atomic.Int64 // bytes in use in all shards, a little late
	Observer  Observer      // may be nil
	Detailed  bool          // it is told of misses and of new keys, too
}

// Observer is told of changes. The shard is held meanwhile.
type Observer interface {
	// Touched is called after a key changed; the bytes of key are good for the call.
	Touched(db int, key []byte, e Event)
}

// Stats counts what happened in a shard.
type Stats struct {
	Hits, Misses int64
	Expired      int64 // keys removed because their time had come
	Changes      int64 // changes of keys
	Moved        int64 // cells moved to repair fragmentation
}

// Shard is one part of the keyspace.
type Shard struct {
	Config
	Stats  Stats
	slab   *slab.Slab
	heap   value.Heap
	view   value.View // of what has no use for the time: to ask for it costs more than the rest of a read
	timed  value.View // see DB.ViewOf
	debris value.Debris
	dbs    []*DB
	now    int64 // what DB.Now tells, 0 for the clock's time
	spread float64
	noted  int64 // what of the bytes in use Used knows of
	much   int64 // how much it may be off by, so that all shards together are by 256 KiB
	closed bool

	save      *savepoint // nil without one
	spare     *savepoint // memory of one that is over
	committed bool       // what is read now is the state before it
	aside     *Aside     // of an Aside's shadow: it has all that can be read
	frozen    *Frozen    // of a Shadow: what it shows
	closing   []*slab.Version
	graves    []*Grave // databases that a transaction flushed
}

// NewShard returns an empty shard, the i-th of n.
func NewShard(c Config, i, n int) (*Shard, error) {
	s := &Shard{Config: c, slab: slab.New(c.Region), dbs: make([]*DB, c.Databases), spread: float64(i) / float64(n), much: 256 << 10 / int64(n)}
	if s.Limits == nil {
		s.Limits = value.NewLimits()
	}
	s.heap = value.Heap{Slab: s.slab, Seed: c.Seed, Limits: s.Limits}
	s.view = value.View{Mem: s.slab.Mem, Seed: s.Seed}
	if _, err := s.Open(0); err != nil {
		return nil, err
	}
	return s, nil
}

// DB returns a logical database, or nil if nothing was ever stored in it.
func (s *Shard) DB(i int) *DB {
	if s.committed {
		// Without memory for an empty one there is none.
		db, _ := s.committedDB(i)
		return db
	}
	return s.dbs[i]
}

// Open returns a logical database and makes it if need be.
func (s *Shard) Open(i int) (*DB, error) {
	if db := s.DB(i); db != nil {
		return db, nil
	}
	if s.closed {
		return nil, errs.Closed
	}
	db, err := s.newDB(i)
	if err == nil {
		s.dbs[i] = db
	}
	return db, err
}

func (s *Shard) newDB(i int) (*DB, error) {
	t, err := table.New(s.slab, s.Seed, s.spread)
	if err != nil {
		return nil, err
	}
	return &DB{shard: s, index: i, t: t}, nil
}

// Close makes all databases unreachable. The region may be closed afterwards.
func (s *Shard) Close() {
	s.closed = true
	clear(s.dbs)
}

// Swap exchanges two logical databases.
func (s *Shard) Swap(i, j int) {
	s.noteReplaced(i, false)
	s.noteReplaced(j, false)
	s.dbs[i], s.dbs[j] = s.dbs[j], s.dbs[i]
	for _, k := range []int{i, j} {
		if s.dbs[k] != nil {
			s.dbs[k].index = k
		}
	}
}

// Usage returns what the shard's memory holds.
func (s *Shard) Usage() slab.Usage { return s.slab.Usage() }

// Trim gives back what was kept in reserve.
func (s *Shard) Trim() {
	if !s.closed {
		s.slab.Trim()
	}
}

// note brings the cache's count of bytes in use up to date when it is off by much.
func (s *Shard) note() {
	if d := s.slab.Used() - s.noted; d > s.much || d < -s.much {
		s.noted += d
		s.Used.Add(d)
	}
}

// DB is one logical database's share of a shard.
type DB struct {
	shard  *Shard
	index  int
	t      *table.Table
	expiry *wheel // nil until a key has a time of expiry

	expires  int // keys with a time of expiry
	fielded  int // hashes some of whose fields have one
	keyBytes int64
	valBytes int64
}

// Len returns how many keys there are, expired ones that were not found out included.
func (db *DB) Len() int { return db.t.Len() }

// Expires returns how many of them have a time of expiry.
func (db *DB) Expires() int { return db.expires }

// Bytes returns the sums of the lengths of keys and values, and the bytes of index kept outside the shard's memory.
func (db *DB) Bytes() (keys, values, outside int64) { return db.keyBytes, db.valBytes, db.t.Bytes() }

// Heap returns the memory of the shard's containers.
func (db *DB) Heap() *value.Heap { return &db.shard.heap }

// View reads the shard's containers as they are now.
func (db *DB) View() value.View {
	v := db.shard.view
	v.Now = db.Now()
	return v
}

// ViewOf is View for a kind of container, with the time only where it matters: for streams, and for hashes some of whose
// fields expire. It is the shard's own, good until the next call.
func (db *DB) ViewOf(k Kind) *value.View {
	if k != HashTTL && k != Stream {
		return &db.shard.view
	}
	db.shard.timed = db.View()
	return &db.shard.timed
}

// Index returns the database's number.
func (db *DB) Index() int { return db.index }

// Now returns the Unix time in milliseconds, or that at which it was stopped.
func (db *DB) Now() int64 {
	if now := db.shard.now; now != 0 {
		return now
	}
	return db.shard.Clock.Millis()
}

// StopTime has DB.Now tell a time, 0 for the clock's again, so that no key expires between two commands that see one moment.
func (s *Shard) StopTime(now int64) { s.now = now }

// touch is the one announcement of change.
func (db *DB) touch(key []byte, e Event) {
	db.shard.Stats.Changes++
	db.shard.note()
	db.tell(key, e)
}

// tell passes an event on to the observer. A change that is two events is touch for the first and tell for the second.
func (db *DB) tell(key []byte, e Event) {
	if o := db.shard.Observer; o != nil {
		o.Touched(db.index, key, e)
	}
}
