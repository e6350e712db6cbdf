package keyspace

import (
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// Frozen is a shard as it was at one moment. Its pages never change, so its readers hold no lock; Thaw alone does.
type Frozen struct {
	version *slab.Version
	at      int64 // Unix time in milliseconds: keys that had expired by then are absent
	dbs     []*FrozenDB
}

// FrozenDB is a logical database's share of a frozen shard.
type FrozenDB struct {
	v    table.View
	read value.View
	at   int64
}

// Freeze makes a version of the shard: O(databases). now is the moment that expiry is judged by.
func (s *Shard) Freeze(now int64) (*Frozen, error) {
	v, err := s.slab.Freeze()
	if err != nil {
		return nil, err
	}
	f := &Frozen{version: v, at: now, dbs: make([]*FrozenDB, len(s.dbs))}
	for i, db := range s.dbs {
		if db != nil {
			f.dbs[i] = &FrozenDB{v: db.t.Frozen(), read: value.View{Mem: s.slab.Mem, Seed: s.Seed, Now: now}, at: now}
		}
	}
	return f, nil
}

// Thaw frees what only the version saw, a bounded amount a call: it is called, with the shard held, until it returns
// false. The Frozen must not be read any more.
func (s *Shard) Thaw(f *Frozen) (more bool) {
	more = s.slab.Thaw(f.version)
	s.note()
	return more
}

// HasVersions says that a snapshot of the shard is alive.
func (s *Shard) HasVersions() bool { return s.slab.HasVersions() }

// DB returns a logical database, or nil if nothing was ever stored in it.
func (f *Frozen) DB(i int) *FrozenDB { return f.dbs[i] }

// FrozenItem is a key of a frozen database. Its bytes are good as long as the version.
type FrozenItem struct {
	db   *FrozenDB
	slot table.Slot
}

// Found says whether there is one.
func (it FrozenItem) Found() bool { return it.slot != 0 }

// Kind returns what the key holds.
func (it FrozenItem) Kind() Kind { return Kind(it.slot.Kind()) }

// Mark returns the flag that was stored with the value.
func (it FrozenItem) Mark() bool { return it.slot.Mark() }

// Access returns the note of access.
func (it FrozenItem) Access() uint32 { return it.slot.Access() }

// Key returns the key.
func (it FrozenItem) Key() []byte { return it.db.v.Key(it.slot) }

// Value returns the bytes of the value.
func (it FrozenItem) Value() []byte { return it.db.v.Value(it.slot) }

// As returns the raw bytes of a container of a kind (Hash stands for both kinds of hashes), none for an absent key.
// Another kind of value is errs.WrongType.
func (it FrozenItem) As(k Kind) ([]byte, error) {
	if !it.Found() {
		return nil, nil
	}
	if have := it.Kind(); have != k && (k != Hash || have != HashTTL) {
		return nil, errs.WrongType
	}
	return it.Value(), nil
}

// View reads the container of the key.
func (it FrozenItem) View() value.View { return it.db.read }

// ExpireAt returns the Unix time in milliseconds at which the key expires, 0 if it doesn't.
func (it FrozenItem) ExpireAt() int64 {
	if !it.Found() {
		return 0
	}
	return it.db.v.Expiry(it.slot)
}

// Find looks a key up.
func (db *FrozenDB) Find(h uint64, key []byte) FrozenItem {
	_, w, ok := db.v.Find(h, key)
	if !ok || db.expired(w) {
		return FrozenItem{}
	}
	return FrozenItem{db, w}
}

func (db *FrozenDB) expired(w table.Slot) bool {
	return w.Expires() && db.v.Expiry(w) <= db.at
}

// View reads the containers of the version.
func (db *FrozenDB) View() *value.View { return &db.read }

// Len returns how many keys there are, expired ones that had not been removed included.
func (db *FrozenDB) Len() int { return db.v.Len() }

// All yields every key.
func (db *FrozenDB) All(yield func(FrozenItem) bool) {
	db.v.All(func(w table.Slot) bool {
		return db.expired(w) || yield(FrozenItem{db, w})
	})
}

// Diff passes on the keys that differ between two moments of one shard's database, with what each was and is; a nil
// database is an empty one. The cost is that of the pages which changed.
func Diff(before, after *FrozenDB, fn func(before, after FrozenItem) bool) {
	if before == nil || after == nil {
		if before != nil {
			before.v.All(func(w table.Slot) bool { return fn(FrozenItem{before, w}, FrozenItem{}) })
		}
		if after != nil {
			after.All(func(it FrozenItem) bool { return fn(FrozenItem{}, it) })
		}
		return
	}
	table.Diff(&before.v, &after.v, func(a, b table.Slot) bool {
		x, y := FrozenItem{before, a}, FrozenItem{after, b}
		if b != 0 && after.expired(b) {
			y = FrozenItem{}
		}
		// An expired key stays where nothing else changed, since it is not looked for there. Its removal is told of by the
		// difference that it falls into, even if the key had expired before.
		if y.Found() && a != 0 && before.expired(a) {
			x = FrozenItem{}
		}
		return !x.Found() && !y.Found() || fn(x, y)
	})
}
