// Package tracking knows what clients keep in caches of their own, and tells them when that is no longer true. It knows
// neither sockets nor values: the engine says which keys were read and which have changed.
//
// # Words
//
//	tracker      one client's tracking: how it wants to be told, and what it has read
//	reading      a tracker has read a key since the key last changed
//	table        the readings of one shard, guarded by the shard
//	prefix       with Broadcast: the client is told of all keys that begin so, whether it has read them or not
//	changes      the keys that one author has changed and that a prefix matches, to be told together
//
// # The table
//
//	keys:  name --> entry --> reading -- reading -- reading     of one key, who has read it
//	                             |          |
//	                          reading    reading                of one tracker, what it has read of this shard
//
// Both lists are linked both ways. So a change of a key costs what its readers are, and a client that goes away what it
// has read: nothing of it stays. A reading is good for one message: who wants another reads the key again. Databases
// are not told apart, as in Redis: a key's name stands for the keys of that name in all of them.
//
// # Broadcasts
//
// Prefixes are one list for all shards, which never changes: a new one takes its place. What a command, or a batch of
// them, changes is gathered by name, and each prefix's trackers are told of all its keys in one message.
package tracking

import (
	"sync"
	"sync/atomic"
)

// Mode is how a client is tracked; 0 is not at all.
type Mode uint32

// The parts of a mode.
const (
	On        Mode = 1 << iota
	Broadcast      // it is told of prefixes, not of what it has read
	OptIn          // only reads are tracked that Caching asks for
	OptOut         // reads are tracked unless Caching says otherwise
	NoLoop         // it is not told of its own changes
	Caching        // OptIn and OptOut are turned around for the command or transaction that comes next
)

// Client is who gets messages.
type Client interface {
	// Invalidate has a message reach the client. It is called with shards held, by any goroutine, and does not wait.
	Invalidate(m *Message)
}

// Tracker is one client's tracking. It lasts as long as the client, whether tracking is on or off.
type Tracker struct {
	client   Client
	mode     atomic.Uint32
	held     atomic.Bool
	prefixes []string // sorted; the client's own
	items    atomic.Int64
	lists    []*reading // by shard, each guarded by it: what was read
}

// Mode returns how the client is tracked. It may be called by any goroutine.
func (t *Tracker) Mode() Mode { return Mode(t.mode.Load()) }

// Prefixes returns those of a client that is told of prefixes, in order.
func (t *Tracker) Prefixes() []string { return t.prefixes }

// SetCaching sets or clears Caching.
func (t *Tracker) SetCaching(on bool) {
	if on {
		t.mode.Or(uint32(Caching))
	} else {
		t.mode.And(^uint32(Caching))
	}
}

// Notes says that what the client reads now is to be noted.
func (t *Tracker) Notes() bool {
	m := t.Mode()
	caching := m&Caching != 0
	switch {
	case m&On == 0 || m&Broadcast != 0:
		return false
	case m&OptIn != 0:
		return caching
	}
	return m&OptOut == 0 || !caching
}

// Hold says that a command which waited has read what it waited for, and its reply is on its way: what the client is
// told from now on belongs behind that. Release ends this.
func (t *Tracker) Hold()    { t.held.Store(true) }
func (t *Tracker) Release() { t.held.Store(false) }

// Held says whether Hold was called last.
func (t *Tracker) Held() bool { return t.held.Load() }

// hears says that the tracker is told of a key that it has read, which by has changed.
func (t *Tracker) hears(by *Tracker) bool {
	m := t.Mode()
	return m&On != 0 && m&Broadcast == 0 && (m&NoLoop == 0 || t != by)
}

// Registry is what all shards share: the trackers, the prefixes and the figures.
type Registry struct {
	prefixes atomic.Pointer[prefixes] // nil without any
	keys     atomic.Int64
	items    atomic.Int64

	mu struct {
		sync.Mutex
		all map[*Tracker]struct{} // those that were switched on ever
	}
}

// Keys and Items return how many keys were read by somebody, and how many readings there are.
func (r *Registry) Keys() int64  { return r.keys.Load() }
func (r *Registry) Items() int64 { return r.items.Load() }

// NewTracker returns that of a client which isn't tracked yet, for so many shards.
func (r *Registry) NewTracker(c Client, shards int) *Tracker {
	t := &Tracker{client: c, lists: make([]*reading, shards)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.all == nil {
		r.mu.all = map[*Tracker]struct{}{}
	}
	r.mu.all[t] = struct{}{}
	return t
}

// Set changes how a client is tracked, by the client. Caching stays as it is until tracking ends. Prefixes are added to
// those it has; without Broadcast all are dropped.
func (r *Registry) Set(t *Tracker, m Mode, add []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.prefixes.Load()
	if m&Broadcast == 0 {
		for _, p := range t.prefixes {
			now = now.without(p, t)
		}
		t.prefixes = nil
	} else {
		for _, p := range add {
			now = t.add(now, p)
		}
	}
	if m&On != 0 {
		m |= t.Mode() & Caching
	}
	t.mode.Store(uint32(m))
	r.prefixes.Store(now)
}

// Remove ends a client's tracking for good. What it has read is dropped by Table.Forget, shard by shard.
func (r *Registry) Remove(t *Tracker) {
	r.Set(t, 0, nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.mu.all, t)
}

// TellAll tells all who are tracked, in whatever way, that nothing they keep is true any more.
func (r *Registry) TellAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for t := range r.mu.all {
		if t.Mode()&On != 0 {
			t.client.Invalidate(everything)
		}
	}
}

// Reads returns how many keys the tracker has read.
func (t *Tracker) Reads() int64 { return t.items.Load() }
