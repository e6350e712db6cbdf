package keyspace

import (
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// # Aside
//
// A command that goes over much has some keys of a shard set aside, as they are then, and goes on without the shard, on
// databases that know these keys alone. If it makes a container for a key, that is made in memory of its own, and becomes
// the key's when the shard is held again: the shard then takes that memory over as it is (package slab, adopt.go).
//
//	with the shard held     a, err := s.Aside();  db := a.Add(...) for each key to be read;  db := a.Beside(...)
//	without it              ... reads keys through those databases, and may Give one a container ...
//	with it again           if !a.Changed() { err = a.Land() };  a.Settle()
//	                        for a.Close() {}
//
// The cells that the keys were found in are frozen meanwhile, so they are neither changed nor used again: a key that is
// found in the same cell later holds the same, and has held nothing else in between that matters.

// Aside is what was set aside of one shard, and what was made of it.
type Aside struct {
	shard   *Shard // the real one
	shadow  *Shard
	version *slab.Version
	found   map[committedKey]table.Slot // what was added, 0 for an absent key
	used    []committedKey              // whose use is still to be noted
	missed  []committedKey              // that are still to be told of
	made    gift
}

// gift is a container that was made aside for a key; of no kind, there is none.
type gift struct {
	db    int
	hash  uint64
	key   []byte
	kind  Kind
	raw   []byte
	large bool
	event Event
}

// Aside begins one. O(1).
func (s *Shard) Aside() (*Aside, error) {
	v, err := s.slab.FreezeCells()
	if err != nil {
		return nil, err
	}
	a := &Aside{shard: s, version: v, found: map[committedKey]table.Slot{}}
	a.shadow = &Shard{Config: s.Config, slab: s.slab, view: s.view, aside: a, dbs: make([]*DB, len(s.dbs))}
	a.shadow.Observer = a // of misses
	a.shadow.heap = value.Heap{Slab: s.slab.Beside(), Seed: s.Seed, Limits: s.Limits}
	return a, nil
}

// Beside returns the database that stands for another one. The shard is held.
func (a *Aside) Beside(db *DB) *DB {
	shadow := a.shadow.dbs[db.index]
	if shadow == nil {
		shadow = &DB{shard: a.shadow, index: db.index, t: db.t}
		a.shadow.dbs[db.index] = shadow
	}
	return shadow
}

// Add sets a key aside, without a trace, and returns the database through which it is to be read. The shard is held.
func (a *Aside) Add(db *DB, h uint64, key []byte) *DB {
	shadow := a.Beside(db)
	a.found[committedKey{shadow, string(key)}] = db.Look(h, key).slot
	return shadow
}

// look is DB.Look in what was set aside.
func (a *Aside) look(db *DB, h uint64, key []byte) Item {
	w := a.found[committedKey{db, string(key)}]
	if w == 0 {
		return Item{}
	}
	return Item{db: db, hash: h, slot: w}
}

// use keeps the note of an access.
func (a *Aside) use(db *DB, key []byte) { a.used = append(a.used, committedKey{db, string(key)}) }

// Touched keeps the news of a miss, the only news there is.
func (a *Aside) Touched(db int, key []byte, _ Event) {
	a.missed = append(a.missed, committedKey{a.shadow.dbs[db], string(key)})
}

// Settle leaves in the shard, which is held, the traces of what was looked up: counts, notes of access, news of misses.
func (a *Aside) Settle() {
	s := a.shard
	s.Stats.Hits += a.shadow.Stats.Hits
	s.Stats.Misses += a.shadow.Stats.Misses
	a.shadow.Stats = Stats{}
	for _, k := range a.used {
		if db := s.DB(k.db.index); db != nil {
			key := []byte(k.key)
			if it := db.refind(db.t.Hash(key), key); it.slot.Ref() == a.found[k].Ref() {
				db.noteAccess(it)
			}
		}
	}
	for _, k := range a.missed {
		if s.Observer != nil {
			s.Observer.Touched(k.db.index, []byte(k.key), EventKeyMiss)
		}
	}
	a.used, a.missed = nil, nil
}

// Changed says that one of the keys which were added is not what it was then. The shard is held.
func (a *Aside) Changed() bool {
	for k, w := range a.found {
		key := []byte(k.key)
		var now table.Slot
		if db := a.shard.DB(k.db.index); db != nil {
			now = db.Look(db.t.Hash(key), key).slot
		}
		if now.Ref() != w.Ref() {
			return true
		}
	}
	return false
}

// Made says that a container was made for a key.
func (a *Aside) Made() bool { return a.made.kind != 0 }

// Land gives a key what was made for it, if anything was, as DB.Give does. On an error nothing has changed. The shard is
// held. O(1) but for what DB.Give does, and a few words for each block of memory with room in it.
func (a *Aside) Land() error {
	m := &a.made
	if !a.Made() {
		return nil
	}
	db, err := a.shard.Open(m.db)
	if err != nil {
		return err
	}
	if _, err := db.Give(m.hash, m.key, m.kind, m.raw, m.large, m.event); err != nil {
		return err
	}
	if m.large {
		a.shard.slab.Adopt(a.shadow.heap.Slab)
		a.shard.note()
	}
	return nil
}

// Drop gives back what was made and has not landed. The shard need not be held.
func (a *Aside) Drop() { a.shadow.heap.Drop() }

// Close frees what only it kept, a bounded amount a call: it is called, with the shard held, until it returns false.
func (a *Aside) Close() (more bool) {
	more = a.shard.slab.Thaw(a.version)
	a.shard.note()
	return more
}
