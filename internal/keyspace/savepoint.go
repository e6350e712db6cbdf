package keyspace

import (
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// # Savepoints
//
// A transaction that may have to be undone begins a savepoint in each shard that it changes. From then on the memory's
// cells are frozen (a version of cells alone), so what it changes it changes in copies, and a log keeps for each key where
// its cell was before the first change:
//
//	log     | set k1: cell a | add k2 | delete k3: cell b | flush db 0: the old database | ...
//	table   k1 -> cell c (new), k2 -> cell d (new)
//	cells   a and b are retired, not freed: the savepoint's version sees them
//
// The dictionary itself is no part of it: slots are changed in place.
//
//	Commit    closes the version, which frees a and b.
//	Rollback  goes through the log backwards: frees c and d with the nodes born since, and puts a and b back.
//
// Others who read the shard meanwhile read the last committed state: a key whose cell is older than the savepoint is read
// from there, one that the log knows from the cell that the log has. They neither remove what has expired nor leave notes
// of access.
type savepoint struct {
	version *slab.Version
	log     []logEntry
	moved   []movedDB
	keys    []byte       // of keys that were absent, one after the other
	scraps  value.Debris // nodes of containers that were deleted; live again after a rollback
	dbs     []*DB        // as they were; nil as long as none was replaced
	empty   []*DB        // databases that stand for those that weren't there

	// committed finds the oldest log entry of a key. It is made of the log up to seen, when somebody else first reads a key
	// that is absent now, or has changed.
	committed map[committedKey]table.Slot
	seen      int
}

type committedKey struct {
	db  *DB
	key string
}

// logEntry is one change. A key that was there is known by its cell, one that was absent by its place in keys. Without a
// database it is the change of a whole one. Scripts make many entries: they are small.
type logEntry struct {
	db   *DB
	slot table.Slot
	hash uint64
	at   int // of a key that was absent: where it starts in savepoint.keys; of a database: where it is in savepoint.moved
	n    int32
}

// movedDB is a database that was replaced: dbs[index] was old, which is buried unless it was only moved.
type movedDB struct {
	old    *DB
	index  int
	buried bool
}

// Begin begins a savepoint. None may be open in the shard.
func (s *Shard) Begin() error {
	v, err := s.slab.FreezeCells()
	if err != nil {
		return err
	}
	if s.save = s.spare; s.save == nil {
		s.save = &savepoint{}
	}
	s.spare = nil
	s.save.version = v
	return nil
}

// keepSpare keeps the memory of a savepoint that is over for the next, unless it is much.
func (s *Shard) keepSpare(sp *savepoint) {
	if cap(sp.log) <= spareLog && cap(sp.keys) <= 16*spareLog && sp.committed == nil && sp.dbs == nil {
		clear(sp.log)
		*sp = savepoint{log: sp.log[:0], keys: sp.keys[:0]}
		s.spare = sp
	}
}

// spareLog is how long a log is kept.
const spareLog = 512

// Saved says that a savepoint is open.
func (s *Shard) Saved() bool { return s.save != nil }

// AsCommitted chooses whether what is read from now on is the state before the savepoint that is open. Only reads are
// allowed meanwhile.
func (s *Shard) AsCommitted(on bool) { s.committed = on && s.save != nil }

// Commit closes the savepoint, if one is open, and keeps what was changed since. It says whether there is more to free:
// then CloseSome is to be called.
func (s *Shard) Commit() (more bool) {
	if sp := s.save; sp != nil {
		s.save, s.committed = nil, false
		s.debris.Take(&sp.scraps)
		for _, m := range sp.moved {
			if m.buried {
				s.graves = append(s.graves, &Grave{m.old})
			}
		}
		s.endSavepoint(sp)
	}
	return s.CloseSome()
}

func (s *Shard) endSavepoint(sp *savepoint) {
	for _, db := range sp.empty {
		s.graves = append(s.graves, &Grave{db})
	}
	s.closing = append(s.closing, sp.version)
	s.keepSpare(sp)
}

// CloseSome frees a bounded amount of what only savepoints that are over kept, and says whether there is more. Others may
// use the shard between two calls.
func (s *Shard) CloseSome() (more bool) {
	if n := len(s.closing); n > 0 {
		if v := s.closing[n-1]; !s.slab.Thaw(v) {
			s.closing[n-1] = nil
			s.closing = s.closing[:n-1]
			s.slab.Reuse(v)
		}
	}
	s.note()
	return len(s.closing) > 0
}

// Rollback closes the savepoint and undoes what was changed since.
func (s *Shard) Rollback() {
	sp := s.save
	if sp == nil {
		return
	}
	s.save, s.committed = nil, false
	s.slab.Revive(sp.version)
	for i := len(sp.log) - 1; i >= 0; i-- {
		e := &sp.log[i]
		if e.db == nil {
			m := sp.moved[e.at]
			fresh := s.dbs[m.index]
			s.dbs[m.index] = m.old
			if m.old != nil {
				m.old.index = m.index
			}
			if fresh != nil && !sp.known(fresh) {
				s.graves = append(s.graves, &Grave{fresh})
			}
			continue
		}
		e.db.undo(sp, e)
	}
	sp.scraps.FreeWhere(s.slab, func(ref slab.Ref) bool { return !s.slab.BornBy(ref, sp.version) })
	s.endSavepoint(sp)
	s.CloseSome()
}

// known says that a database was there when the savepoint began.
func (sp *savepoint) known(db *DB) bool {
	for _, d := range sp.dbs {
		if d == db {
			return true
		}
	}
	return false
}

// undo undoes one change of a key.
func (db *DB) undo(sp *savepoint, e *logEntry) {
	key := sp.keys[e.at : e.at+int(e.n)]
	if e.slot != 0 {
		key = db.t.Key(e.slot)
	}
	// The table's pages are the table's own to change, and there was room for the key before: no step needs memory that
	// may be lacking, but for a page that was split or merged since.
	if it := db.refind(e.hash, key); it.Found() {
		if it.slot.Ref() == e.slot.Ref() && e.slot != 0 {
			return
		}
		if db.remove(it) != nil {
			return
		}
		db.shard.freeBorn(sp.version, it)
		db.t.FreeCell(it.slot)
	}
	if e.slot == 0 {
		return
	}
	if db.t.Insert(e.hash, e.slot) != nil {
		return
	}
	db.keyBytes += int64(len(key))
	db.valBytes += int64(len(db.t.Value(e.slot)))
	db.countExpiry(0, db.t.Expiry(e.slot))
	db.countKind(0, Kind(e.slot.Kind()))
}

// freeBorn frees the nodes of a container that were born after a version.
func (s *Shard) freeBorn(v *slab.Version, it Item) {
	if !it.large() {
		return
	}
	var d value.Debris
	d.Add(it.Kind(), it.db.View(), it.Value())
	d.FreeWhere(s.slab, func(ref slab.Ref) bool { return !s.slab.BornBy(ref, v) })
}

// noteChange enters a key in the savepoint's log before it changes: it is what was found, hash and key are needed only if
// nothing was.
func (db *DB) noteChange(it Item, hash uint64, key []byte) {
	sp := db.shard.save
	if sp == nil {
		return
	}
	if !it.Found() {
		sp.log = append(sp.log, logEntry{db: db, hash: hash, at: len(sp.keys), n: int32(len(key))})
		sp.keys = append(sp.keys, key...)
		return
	}
	// A cell born since is of a key that is in the log.
	if db.shard.slab.BornBy(it.slot.Ref(), sp.version) {
		sp.log = append(sp.log, logEntry{db: db, hash: it.hash, slot: it.slot})
	}
}

// noteReplaced enters a database in the log before another takes its place, and says whether there is a log.
func (s *Shard) noteReplaced(i int, buried bool) bool {
	sp := s.save
	if sp == nil {
		return false
	}
	if sp.dbs == nil {
		sp.dbs = append(sp.dbs, s.dbs...)
	}
	sp.log = append(sp.log, logEntry{at: len(sp.moved)})
	sp.moved = append(sp.moved, movedDB{s.dbs[i], i, buried && s.dbs[i] != nil})
	return true
}

// committedDB returns a database as it was when the savepoint began.
func (s *Shard) committedDB(i int) (*DB, error) {
	sp := s.save
	if sp.dbs == nil {
		return s.dbs[i], nil
	}
	if sp.dbs[i] == nil && s.dbs[i] != nil {
		db, err := s.newDB(i)
		if err != nil {
			return nil, err
		}
		sp.dbs[i], sp.empty = db, append(sp.empty, db)
	}
	return sp.dbs[i], nil
}

// before returns what a key was when the savepoint began: 0 if it was absent, or the log doesn't know it.
func (sp *savepoint) before(db *DB, key []byte) table.Slot {
	if sp.committed == nil {
		sp.committed = make(map[committedKey]table.Slot)
	}
	for ; sp.seen < len(sp.log); sp.seen++ {
		e := &sp.log[sp.seen]
		if e.db == nil {
			continue
		}
		k := sp.keys[e.at : e.at+int(e.n)]
		if e.slot != 0 {
			k = e.db.t.Key(e.slot)
		}
		id := committedKey{e.db, string(k)}
		if _, ok := sp.committed[id]; !ok {
			sp.committed[id] = e.slot
		}
	}
	return sp.committed[committedKey{db, string(key)}]
}

// lookCommitted is Look for those who read the state before the savepoint. What has the cell that it had then has not
// changed: for most readers that is all there is to find out.
func (db *DB) lookCommitted(h uint64, key []byte) Item {
	sp := db.shard.save
	_, w, ok := db.t.Find(h, key)
	if !ok || !db.shard.slab.BornBy(w.Ref(), sp.version) {
		w = sp.before(db, key)
	}
	if w == 0 || w.Expires() && db.t.Expiry(w) <= db.Now() {
		return Item{}
	}
	return Item{db: db, hash: h, slot: w}
}
