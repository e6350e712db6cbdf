package keyspace

import "github.com/darterdb/darter/internal/table"

const graveSlice = 128 // nodes of containers that are freed at a time

// Grave is a database that was flushed: out of reach, and its memory still to be freed.
type Grave struct{ db *DB }

// Bury puts an empty database in the place of one and returns the old one, nil if there was nothing to free. O(1).
func (s *Shard) Bury(i int) (*Grave, error) {
	old := s.dbs[i]
	if old == nil {
		return nil, nil
	}
	fresh, err := s.newDB(i)
	if err != nil {
		return nil, err
	}
	logged := s.noteReplaced(i, true)
	s.dbs[i] = fresh
	s.Stats.Changes += int64(old.Len())
	if logged {
		return nil, nil // it is freed when the savepoint is committed
	}
	return &Grave{old}, nil
}

// Adopt puts a database that was filled apart in the place of one, and returns the old one, nil if there was none. It
// must belong to this shard.
func (s *Shard) Adopt(i int, db *DB) *Grave {
	old := s.dbs[i]
	db.index = i
	s.dbs[i] = db
	if old == nil {
		return nil
	}
	return &Grave{old}
}

// Apart returns an empty database that belongs to the shard but cannot be reached through it, until it is adopted.
func (s *Shard) Apart(i int) (*DB, error) { return s.newDB(i) }

// Discard returns a grave for a database that was never adopted.
func (db *DB) Discard() *Grave { return &Grave{db} }

// FreeSome frees a bounded part and says whether there is more. The shard is held.
func (g *Grave) FreeSome() (more bool) {
	defer g.db.shard.note()
	if g.db.expiry != nil && g.db.expiry.free() {
		return true
	}
	s := g.db.shard
	if s.save != nil {
		s.graves = append(s.graves, g) // what is freed now would come back with a rollback
		return false
	}
	if !s.debris.Empty() {
		s.debris.FreeSome(s.slab, graveSlice)
		return true
	}
	more = g.db.t.FreeSome(func(w table.Slot) {
		if it := (Item{db: g.db, slot: w}); it.large() {
			s.debris.Add(it.Kind(), g.db.View(), it.Value())
		}
	})
	return more || !s.debris.Empty()
}
