package keyspace

import (
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// Shadow is a frozen shard in the form of a live one, for commands that read through a DB: they need no lock of it and
// find what was there when it was frozen. Time stands still in it. It is used by one goroutine at a time.
type Shadow struct {
	*Shard
	own []*DB // databases that were not there
}

// Shadow makes one of a version of this shard, which lives as long. It looks at nothing that changes: the shard need not
// be held.
func (s *Shard) Shadow(f *Frozen) *Shadow {
	at := time.UnixMilli(f.at)
	c := Config{
		Region: s.Region, Clock: NewClock(func() time.Time { return at }), Seed: s.Seed, Databases: s.Databases,
		Limits: s.Limits, Used: new(atomic.Int64),
	}
	// What commands make for the time being is made in memory of its own.
	memory := slab.New(s.Region)
	shadow := &Shadow{Shard: &Shard{Config: c, slab: memory, view: s.view, dbs: make([]*DB, len(f.dbs)), frozen: f}}
	shadow.heap = value.Heap{Slab: memory, Seed: s.Seed, Limits: s.Limits}
	for i, db := range f.dbs {
		if db != nil {
			shadow.dbs[i] = &DB{shard: shadow.Shard, index: i, t: table.Of(memory, db.v)}
		}
	}
	return shadow
}

// Open returns a logical database, an empty one if there was none.
func (s *Shadow) Open(i int) (*DB, error) {
	before := s.dbs[i]
	db, err := s.Shard.Open(i)
	if err == nil && before == nil {
		s.own = append(s.own, db)
	}
	return db, err
}

// Free gives the shadow's own memory back. The version is the caller's to close.
func (s *Shadow) Free() {
	for _, db := range s.own {
		for db.t.FreeSome(func(table.Slot) {}) {
		}
	}
	s.slab.Trim()
}

// lookFrozen is Look for a shadow.
func (db *DB) lookFrozen(h uint64, key []byte) Item {
	_, w, ok := db.t.Find(h, key)
	if !ok || w.Expires() && db.t.Expiry(w) <= db.shard.frozen.at {
		return Item{}
	}
	return Item{db: db, hash: h, slot: w}
}
