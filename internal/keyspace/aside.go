package keyspace

import (
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// Aside is some keys of a shard as they are when it is made, for a command that reads much: it goes on without the shard,
// on databases that know these keys alone.
//
//	with the shard held     a, err := s.Aside();  aside := a.Add(db, hash, key, untouched) for each key
//	without it              read through aside what was added
//	with it again           for a.Close() {}
type Aside struct {
	shard   *Shard // the real one
	shadow  *Shard
	version *slab.Version
}

// asideKeys finds what was added.
type asideKeys map[committedKey]table.Slot

// Aside begins one. O(1).
func (s *Shard) Aside() (*Aside, error) {
	v, err := s.slab.FreezeCells()
	if err != nil {
		return nil, err
	}
	shadow := &Shard{Config: s.Config, slab: s.slab, aside: asideKeys{}, dbs: make([]*DB, len(s.dbs))}
	shadow.Observer, shadow.Detailed = nil, false // Add tells of what is missing
	// What the command makes for the time being is made in memory of its own.
	shadow.heap = value.Heap{Slab: slab.New(s.Region), Seed: s.Seed, Limits: s.Limits}
	return &Aside{s, shadow, v}, nil
}

// Add looks a key up, as a read does, untouched or not, and returns the database through which it is to be read. The
// shard is held.
func (a *Aside) Add(db *DB, h uint64, key []byte, untouched bool) *DB {
	shadow := a.shadow.dbs[db.index]
	if shadow == nil {
		shadow = &DB{shard: a.shadow, index: db.index, t: db.t}
		a.shadow.dbs[db.index] = shadow
	}
	find := db.Find
	if untouched {
		find = db.FindUntouched
	}
	if it := find(h, key); it.Found() {
		a.shadow.aside[committedKey{shadow, string(key)}] = it.slot
	}
	return shadow
}

// Close frees what only it kept, a bounded amount a call: it is called, with the shard held, until it returns false.
func (a *Aside) Close() (more bool) {
	a.shadow.heap.Trim()
	more = a.shard.slab.Thaw(a.version)
	a.shard.note()
	return more
}
