package darter

import (
	"bytes"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dgryski/go-farm"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/keyspace"
)

// # Shards and their locks
//
// The keyspace is split over shards, a power of two of them, by a hash of the key that is the same in every process, so
// that a shard saved is a shard loaded. The caller runs its command itself, under the lock of the shard:
//
//	key --go-farm--> shard --lock--> dictionary (a keyed hash, secret to the process) --> cell
//
//	shard  | mutex | data: memory, databases, expiry, counters | padding |   two shards never share a cache line
//
// Lock order; A -> B means that B may be taken while A is held:
//
//	engine.saving   -> engine.gate       one save at a time
//	engine.flushing -> engine.gate       one replacement of whole databases at a time
//	engine.gate     -> shard.mu          transactions hold it shared, whoever needs all shards between them alone
//	engine.listening -> shard.mu         one change of the listeners, or of tracked prefixes, at a time
//	shard[i].mu     -> shard[j].mu       only for i < j, or by a try that does not wait (block.go)
//	shard.mu        -> the region's lock (package slab), which takes nothing
//	shard.mu        -> scripting.mu      functions; it takes only the locks of scripts that run and package luavm's pool
//	shard.mu        -> engine.starting   work for the background; it takes nothing, nor does the lock of the snapshots' list
//	shard.mu        -> the locks of package pubsub, package tracking and servers, which take none of these
//
// Whoever holds a shard does not block, but for these. A build with the tag invariants checks the order of shards.
//
// What takes locks, and for how long:
//
//	one key            its shard, for the command
//	several keys       their shards, all at once, in order, for the command: nobody sees half of it
//	a snapshot         all shards, in order, for a few words written in each
//	a walk             one shard at a time, for a slice of some hundred keys; between two slices others get their turn
//	expiry, freeing    likewise
type shard struct {
	mu        shardLock
	data      *keyspace.Shard
	owner     *transaction // nil without one; see tx.go
	line      []turn       // who wants to be the next
	announcer *announcer   // nil as long as nobody asked for announcements; see announce.go
	committed bool         // this holder reads the state before the owner's changes
	special   bool         // the announcer has something to do before the shard is let go
	stopped   bool         // time stands still for this holder
	inLine    atomic.Int32 // how many wait for mu
	busy      atomic.Bool  // a heavy command holds the shard: who can't wait should not try
	_         [128 - 80]byte
}

// shardLock is the mutex of a shard, with the shard's number where the invariants build wants it.
type shardLock struct {
	sync.Mutex
	number int
}

// lock takes the shard.
func (s *shard) lock() {
	noteLock(s.mu.number)
	if !s.mu.TryLock() {
		s.inLine.Add(1)
		s.mu.Lock()
		s.inLine.Add(-1)
	}
}

// giveWay lets those go first who wait for the shard that was just let go. Whoever takes one again and again calls it
// between: a mutex alone would let the holder win each time, for a millisecond.
func (s *shard) giveWay() {
	for turn := 0; s.inLine.Load() > 0 && turn < maxTurns || turn == 0 && alone(); turn++ {
		runtime.Gosched()
	}
}

const maxTurns = 100

// alone says that no other goroutine runs now. Where one may, whoever works for long does not make room: the
// scheduler does, and the threads that it wakes at each call to look for work take the processor from others.
func alone() bool { return runtime.GOMAXPROCS(0) == 1 }

func (s *shard) unlock() {
	if s.committed || s.special || s.stopped {
		s.settle()
	}
	s.mu.Unlock()
	noteUnlock(s.mu.number)
}

// settle does what is to be done before the shard is let go.
func (s *shard) settle() {
	if s.committed {
		s.committed = false
		s.data.AsCommitted(false)
	}
	if s.special {
		s.announcer.settle()
	}
	if s.stopped {
		s.stopped = false
		s.data.StopTime(0)
	}
}

// stopTime has time stand still until the shard, which is locked, is let go.
func (s *shard) stopTime(at int64) {
	s.stopped = true
	s.data.StopTime(at)
}

// db returns the shard's part of a logical database. The shard is held.
func (s *shard) db(n int) (*keyspace.DB, error) {
	if db := s.data.DB(n); db != nil {
		return db, nil
	}
	return s.data.Open(n)
}

// shardOf returns the number of the shard of a key.
func (e *engine) shardOf(key []byte) int {
	return int(farm.Fingerprint64(hashTag(key)) >> e.shardShift)
}

// hashTag returns the part of a key that chooses its shard: what stands between the first '{' and the next '}', if that
// is not empty, so that keys which are used together can be kept together; else all of it.
func hashTag(key []byte) []byte {
	open := bytes.IndexByte(key, '{')
	if open < 0 {
		return key
	}
	if n := bytes.IndexByte(key[open+1:], '}'); n > 0 {
		return key[open+1 : open+1+n]
	}
	return key
}

// shardSet is the shards that a command needs.
type shardSet struct {
	numbers []int
	small   [8]int
}

func (set *shardSet) reset() {
	if set.numbers == nil {
		set.numbers = set.small[:0]
	}
	set.numbers = set.numbers[:0]
}

func (set *shardSet) add(n int) {
	if len(set.numbers) > 0 && set.numbers[len(set.numbers)-1] == n {
		return
	}
	set.numbers = append(set.numbers, n)
}

func (e *engine) unlockShards(numbers []int) {
	if len(numbers) > 1 {
		e.serveTogether(numbers)
	}
	for _, n := range slices.Backward(numbers) {
		e.shards[n].unlock()
	}
}

// lockAll takes every shard, in order, when no transaction runs. unlockAll is to follow.
func (e *engine) lockAll() {
	e.gate.Lock()
	for i := range e.shards {
		e.shards[i].lock()
	}
}

func (e *engine) unlockAll() {
	for i := range e.shards {
		e.shards[i].unlock()
	}
	e.gate.Unlock()
}

// target returns a key with its part of the keyspace. The key's shard is held.
func (e *engine) target(key []byte, db int) (command.Target, error) {
	return e.targetIn(e.shardOf(key), key, db)
}

func (e *engine) targetIn(shard int, key []byte, db int) (command.Target, error) {
	d, err := e.shards[shard].db(db)
	if err != nil {
		return command.Target{}, err
	}
	return command.Target{DB: d, Hash: e.hash(key), Key: key}, nil
}

// shardCount returns the number of shards for a number of cores: well above it, so that two commands seldom meet.
func shardCount(procs int) int {
	n := max(procs*shardsPerProc, minShards)
	return 1 << bits.Len(uint(n-1))
}
