package darter

import (
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/config"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/pubsub"
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/tracking"
	"github.com/darterdb/darter/internal/value"
	"github.com/darterdb/darter/internal/watchdog"
)

const (
	shardsPerProc = 32
	minShards     = 64
	maxShards     = 1024

	defaultDatabases = 16
	maxDatabases     = 1 << 10
)

// Options configure a cache. The zero value is a cache without a limit.
type Options struct {
	// Shards is into how many parts the keyspace is split, rounded up to a power of two, at most 1024. Commands on
	// different shards never wait for each other. 0 means 32 for each of GOMAXPROCS, and at least 64.
	Shards int

	// MaxMemory is the memory in bytes that keys, values and their index may take. When it is used up, commands that
	// would add to it fail with ErrOutOfMemory; reads and deletes go on. 0 means no limit. See SetMaxMemory.
	MaxMemory int64

	// Databases is how many logical databases there are, at most 1024. 0 means 16.
	Databases int

	// ScriptTime is how long one run of a script or function may take; then it is stopped, and what it did is undone. 0
	// means as long as it takes. Others are not held up by it, but for those who write to the shards that it has used.
	ScriptTime time.Duration

	// Logger is told of what happens in the background: saves, loads, snapshots that were never closed, contained
	// panics. nil means silence.
	Logger *slog.Logger

	// Now is the clock by which keys expire. nil means time.Now.
	Now func() time.Time

	// Config holds the directives that CONFIG GET and CONFIG SET work on. It is for the server binary; nil means the
	// defaults, but without savepoints: a cache writes no file that nobody asked for. Where both say something, the other fields of Options win.
	Config *config.Config
}

// Cache is an in-process cache of Redis's data types. Its methods are safe for concurrent use. Keys are any bytes.
//
// A Cache sees one logical database; DB gives the same cache seen through another. Byte slices passed in are copied;
// byte slices returned belong to the caller, unless the method says otherwise.
type Cache struct {
	*engine
	db int
	tx *transaction // nil outside of one
}

// engine is what all handles of one cache share.
type engine struct {
	shards     []shard
	shardShift uint // 64 - log2 of the number of shards
	seed       maphash.Seed
	region     *slab.Region
	clock      *keyspace.Clock
	limits     *value.Limits
	scripts    *scripting
	scriptTime time.Duration
	config     *config.Config
	log        *slog.Logger
	hub        *pubsub.Hub
	databases  int
	marks      atomic.Uint64 // of queues that are to be served: see block.go
	started    time.Time
	runID      string

	handles []Cache // one for each database

	used      atomic.Int64 // bytes in use, a little late
	peak      atomic.Int64 // the most of them that housekeeping and INFO have seen
	maxMemory atomic.Int64
	maxValue  atomic.Int64
	panics    atomic.Int64
	commands  atomic.Int64 // run by sessions that are closed

	listeners atomic.Pointer[listeners]
	listening sync.Mutex // held while listeners change
	notifying *listener  // that of keyspace notifications, nil while they are off

	trackers   tracking.Registry
	maxTracked atomic.Int64 // keys that may be tracked; 0 for any number

	gate sync.RWMutex // held by transactions while they run, and alone by who needs all shards between them

	noActiveExpiry atomic.Bool
	flushing       sync.Mutex // held while databases are replaced whole
	persistence    persistence
	attached       attachments

	snapshots snapshotSet
	dog       *watchdog.Dog // times commands

	pins     sync.WaitGroup // reads of large values that have let their shard go
	closing  chan struct{}
	closed   atomic.Bool
	starting sync.Mutex     // held while work is added to, or ends
	work     sync.WaitGroup // goroutines that end before Close returns
}

// New returns an empty cache. Close gives its memory back.
func New(o Options) (*Cache, error) {
	e, err := newEngine(o)
	if err != nil {
		return nil, err
	}
	e.inBackground(e.housekeeping)
	return &e.handles[0], nil
}

func newEngine(o Options) (*engine, error) {
	n := o.Shards
	switch {
	case n < 0 || n > maxShards:
		return nil, fmt.Errorf("darter: Options.Shards is %d, not 0 to %d", n, maxShards)
	case o.Databases < 0 || o.Databases > maxDatabases:
		return nil, fmt.Errorf("darter: Options.Databases is %d, not 0 to %d", o.Databases, maxDatabases)
	case o.MaxMemory < 0:
		return nil, fmt.Errorf("darter: Options.MaxMemory is %d, below 0", o.MaxMemory)
	case n == 0:
		n = min(shardCount(runtime.GOMAXPROCS(0)), maxShards)
	default:
		n = 1 << bits.Len(uint(n-1))
	}
	e := &engine{
		shards:     make([]shard, n),
		shardShift: uint(64 - bits.Len(uint(n-1))),
		seed:       maphash.MakeSeed(),
		config:     o.Config,
		log:        o.Logger,
		hub:        pubsub.New(),
		dog:        watchdog.New(command.Count()),
		databases:  o.Databases,
		runID:      newRunID(),
		closing:    make(chan struct{}),
	}
	e.clock = keyspace.NewClock(o.Now)
	e.started = time.Now()
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.config == nil {
		c, err := newConfig()
		if err != nil {
			return nil, fmt.Errorf("darter: %w", err)
		}
		e.config = c
	}
	if e.databases == 0 {
		e.databases = defaultDatabases
	}
	region, err := slab.NewRegion()
	if err != nil {
		return nil, fmt.Errorf("darter: %w", err)
	}
	e.region = region
	e.limits = value.NewLimits()
	e.scripts, e.scriptTime = newScripting(), o.ScriptTime
	shared := keyspace.Config{
		Region: region, Clock: e.clock, Seed: e.seed, Databases: e.databases, Limits: e.limits, Used: &e.used,
	}
	for i := range e.shards {
		e.shards[i].mu.number = i
		if e.shards[i].data, err = keyspace.NewShard(shared, i, n); err != nil {
			return nil, errors.Join(fmt.Errorf("darter: %w", err), region.Close())
		}
	}
	e.handles = make([]Cache, e.databases)
	for i := range e.handles {
		e.handles[i] = Cache{engine: e, db: i}
	}
	if err := e.bindConfig(o); err != nil {
		return nil, errors.Join(fmt.Errorf("darter: %w", err), region.Close())
	}
	return e, nil
}

// Close stops the cache's goroutines and gives its memory back. Methods of the cache and of its snapshots fail with
// ErrClosed from then on, or find nothing. It waits for saves and iterations under way: an iteration must not close
// the cache it goes over. Stop servers that serve the cache before.
func (c *Cache) Close() error {
	if c.tx != nil {
		return errInTx
	}
	e := c.engine
	e.starting.Lock()
	before := e.closed.Swap(true)
	e.starting.Unlock()
	if before {
		return nil
	}
	close(e.closing)
	e.scripts.kill(false, ErrClosed)
	e.scripts.kill(true, ErrClosed)
	e.work.Wait()
	e.lockAll() // a snapshot that is being taken gets into the list
	e.unlockAll()
	for _, s := range e.snapshots.all() {
		s.close()
		<-s.freed
	}
	e.eachShard((*keyspace.Shard).Close)
	e.pins.Wait() // a pin is made in a shard that is not closed
	e.lockAll()
	defer e.unlockAll()
	return e.region.Close()
}

// inBackground runs fn in a goroutine that Close waits for, and says whether it does: not once the cache is closed.
func (e *engine) inBackground(fn func()) bool {
	e.starting.Lock()
	defer e.starting.Unlock()
	if e.closed.Load() {
		return false
	}
	e.work.Go(fn)
	return true
}

// DB returns the same cache, seen through another logical database, 0 to Options.Databases-1. It panics if there is no
// such database, as indexing a slice does.
func (c *Cache) DB(n int) *Cache { return &c.handles[n] }

// SetMaxMemory changes Options.MaxMemory.
func (c *Cache) SetMaxMemory(bytes int64) { c.maxMemory.Store(max(bytes, 0)) }

// full says that no memory may be added.
func (e *engine) full() bool {
	limit := e.maxMemory.Load()
	return limit != 0 && e.used.Load() > limit
}

// contained turns a panic in one command into an error and counts it. It is deferred where a shard has been taken.
func (e *engine) contained(s *shard, err *error) {
	s.unlock()
	if r := recover(); r != nil {
		*err = e.caught(r)
	} else if *err != nil {
		*err = told(*err)
	}
}

// told returns an error as users are told of it: an allocator that is exhausted is ErrOutOfMemory.
func told(err error) error {
	if _, ok := err.(errs.Error); !ok && errors.Is(err, slab.ErrNoMemory) {
		return ErrOutOfMemory
	}
	return err
}

// caught notes a panic of a command. What a transaction panics with to be run again is passed on.
func (e *engine) caught(r any) error {
	switch r.(type) {
	case conflict, stopped:
		panic(r)
	}
	e.panics.Add(1)
	buf := make([]byte, 16<<10)
	e.log.Error("panic contained", "panic", r, "stack", string(buf[:runtime.Stack(buf, false)]))
	return ErrInternal
}
