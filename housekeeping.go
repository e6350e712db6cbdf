package darter

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/watchdog"
)

const (
	housekeepingEvery = 100 * time.Millisecond

	// A shard is held for so many entries of its expiry index at a time: some tens of microseconds.
	expirySlice = 64
	// Scripts that take long are looked for every so many rounds.
	scriptRounds = 5
	// Free memory that is kept in reserve is given back every so many rounds.
	trimRounds = 50
	// So many nodes of containers that were deleted are freed while a shard is held: some tens of microseconds.
	debrisSlice = 128
)

// housekeeping is the cache's one standing goroutine: it keeps the coarse clock, removes what has expired, frees what
// deleted containers held, repairs fragmentation, logs scripts that take long and starts saves that are due.
func (e *engine) housekeeping() {
	tick := time.NewTicker(housekeepingEvery)
	defer tick.Stop()
	for round := 1; ; round++ {
		select {
		case <-e.closing:
			return
		case <-tick.C:
		}
		e.clock.Tick()
		e.notePeak(e.used.Load())
		if !e.noActiveExpiry.Load() {
			e.reclaimExpired()
		}
		e.freeDebris()
		e.repair()
		if round%trimRounds == 0 {
			e.eachShard(func(s *keyspace.Shard) { s.Trim() })
		}
		if round%scriptRounds == 0 {
			e.scripts.noteSlow(atMost(e.config.Int("busy-reply-threshold"), time.Millisecond), e.log)
		}
		e.saveIfDue()
	}
}

// eachShard runs fn with each shard held in turn.
func (e *engine) eachShard(fn func(*keyspace.Shard)) {
	for i := range e.shards {
		e.shards[i].while(func(s *keyspace.Shard) bool { fn(s); return false })
	}
}

// while holds the shard for fn, and lets it go even if fn panics.
func (s *shard) while(fn func(*keyspace.Shard) bool) bool {
	s.lock()
	defer s.unlock()
	return fn(s.data)
}

// inSlices holds a shard again and again until fn returns false, and lets others run between.
func (e *engine) inSlices(s *shard, fn func(*keyspace.Shard) (more bool)) {
	for s.while(fn) {
		s.giveWay()
	}
}

// reclaimExpired removes keys whose time has come, shard by shard. What others may feel of it is how long a slice
// takes: the latency monitor is told of the longest.
func (e *engine) reclaimExpired() {
	timed := e.dog.WantsSpikes()
	longest := time.Duration(0)
	expire := func(s *keyspace.Shard) bool {
		for n := range e.databases {
			if db := s.DB(n); db != nil && db.ExpireSome(expirySlice) {
				return !e.closed.Load()
			}
		}
		return false
	}
	for i := range e.shards {
		e.inSlices(&e.shards[i], func(s *keyspace.Shard) bool {
			if !timed {
				return expire(s)
			}
			began := watchdog.Now()
			more := expire(s)
			longest = max(longest, watchdog.Now()-began)
			return more
		})
	}
	if timed {
		e.dog.NoteEvent(watchdog.EventExpiry, longest)
	}
}

// freeDebris frees the nodes of large containers that were deleted.
func (e *engine) freeDebris() {
	for i := range e.shards {
		e.inSlices(&e.shards[i], func(s *keyspace.Shard) bool {
			return !e.closed.Load() && s.FreeSome(debrisSlice)
		})
	}
}

// repair moves cells out of sparsely filled spans, so that these can be given back.
func (e *engine) repair() {
	for i := range e.shards {
		e.inSlices(&e.shards[i], func(s *keyspace.Shard) bool {
			return !e.closed.Load() && s.RepairSome()
		})
	}
}

func newRunID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// modestly returns what long work calls now and then, which nobody waits for: the first time it gives the goroutine a
// thread with a lower share of the processor, then it lets others go first.
func modestly() (pause func()) {
	lowered := false
	return func() {
		if lowered {
			yieldThread()
			return
		}
		lowered = true
		lowerThread()
	}
}
