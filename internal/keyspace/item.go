package keyspace

import (
	"math"

	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// Item is a key that was found. It is good until its DB changes.
type Item struct {
	db   *DB
	hash uint64
	pos  table.Pos
	slot table.Slot
}

// Found says whether there is one: the zero Item stands for an absent key.
func (it Item) Found() bool { return it.slot != 0 }

// Kind returns what the key holds.
func (it Item) Kind() Kind { return Kind(it.slot.Kind()) }

// Mark returns the flag that was stored with the value.
func (it Item) Mark() bool { return it.slot.Mark() }

// Key returns the key. The bytes are the shard's own: they are good until the DB changes.
func (it Item) Key() []byte { return it.db.t.Key(it.slot) }

// Value returns the bytes of the value. They are the shard's own: they are good until the DB changes.
func (it Item) Value() []byte { return it.db.t.Value(it.slot) }

// ExpireAt returns the Unix time in milliseconds at which the key expires, 0 if it doesn't.
func (it Item) ExpireAt() int64 { return it.db.t.Expiry(it.slot) }

// Idle returns the seconds since the key was last used.
func (it Item) Idle() int64 {
	const mask = 1<<table.AccessBits - 1
	return int64((it.db.shard.Clock.access() - it.slot.Access()) & mask)
}

// Bytes returns the memory that the key with its value takes, its share of the index included.
func (it Item) Bytes() int {
	const slotShare = 13 // 64 B for 7 slots, three quarters of them in use
	n := it.db.t.CellBytes(it.slot) + slotShare
	if it.due() != math.MaxInt64 {
		n += entrySize
	}
	if it.large() {
		n += int(it.Kind().NodeBytes(it.db.View(), it.Value()))
	}
	return n
}

// Encoding names the way that Redis would keep the value.
func (it Item) Encoding() string {
	if it.Kind() == String {
		return value.Encoding(it.Value(), it.Mark())
	}
	return it.Kind().Encoding(it.Value())
}

// References returns how many references Redis would count to the value.
func (it Item) References() int64 {
	if it.Kind() == String {
		return value.References(it.Value(), it.Mark())
	}
	return 1
}

// Find looks a key up, notes the access and counts it as a hit or miss. An expired key is removed and not found.
func (db *DB) Find(h uint64, key []byte) Item {
	it := db.Look(h, key)
	if !it.Found() {
		db.shard.Stats.Misses++
		if db.shard.Detailed {
			db.tell(key, EventKeyMiss)
		}
		return it
	}
	db.shard.Stats.Hits++
	switch a := db.shard.Clock.access(); {
	case it.slot.Access() == a:
	case it.pos != (table.Pos{}):
		it.slot = it.slot.WithAccess(a)
		db.t.SetIfPrivate(h, it.pos, it.slot)
	case db.shard.aside != nil:
		db.shard.aside.use(db, key)
	}
	return it
}

// FindUntouched is Find without the note of access.
func (db *DB) FindUntouched(h uint64, key []byte) Item {
	it := db.FindQuietly(h, key)
	if !it.Found() && db.shard.Detailed {
		db.tell(key, EventKeyMiss)
	}
	return it
}

// FindQuietly is FindUntouched without an event for a miss.
func (db *DB) FindQuietly(h uint64, key []byte) Item {
	it := db.Look(h, key)
	if it.Found() {
		db.shard.Stats.Hits++
	} else {
		db.shard.Stats.Misses++
	}
	return it
}

// Look looks a key up without a trace, but for the removal of an expired one.
func (db *DB) Look(h uint64, key []byte) Item {
	switch {
	case db.shard.committed:
		return db.lookCommitted(h, key)
	case db.shard.aside != nil:
		return db.shard.aside.look(db, h, key)
	case db.shard.frozen != nil:
		return db.lookFrozen(h, key)
	}
	pos, w, ok := db.t.Find(h, key)
	if !ok {
		return Item{}
	}
	it := Item{db, h, pos, w}
	if w.Expires() && db.t.Expiry(w) <= db.Now() {
		db.expire(it)
		return Item{}
	}
	return it
}

// expire removes a key whose time has come, and says whether it could: without memory for the copy of a frozen page the
// key stays, and stays hidden.
func (db *DB) expire(it Item) bool {
	if db.Delete(it, EventExpired) != nil {
		return false
	}
	db.shard.Stats.Expired++
	return true
}

// Value is what Store gives a key beside its bytes.
type Value struct {
	Kind     Kind
	Mark     bool
	ExpireAt int64 // Unix time in milliseconds, 0 for never
}

// Store makes a key hold a value of n bytes and returns these for the caller to fill in before it lets the shard go;
// what they hold is undefined. it is what Find or Look returned for the key: an absent key is added. On an error
// nothing has changed.
func (db *DB) Store(h uint64, key []byte, it Item, n int, v Value, e Event) ([]byte, error) {
	b, err := db.put(h, key, it, n, v)
	if err == nil {
		db.touch(key, e)
	}
	return b, err
}

// put is Store without the announcement.
func (db *DB) put(h uint64, key []byte, it Item, n int, v Value) ([]byte, error) {
	c := table.Cell{Kind: uint8(v.Kind), Mark: v.Mark, Access: db.shard.Clock.access(), Expiry: v.ExpireAt}
	if it.Found() {
		b, _, err := db.replace(it, n, c, overwrite)
		return b, err
	}
	if err := db.indexExpiry(h, 0, v.ExpireAt); err != nil {
		return nil, err
	}
	db.noteChange(it, h, key)
	w, b, err := db.t.NewCell(key, n, c)
	if err != nil {
		return nil, err
	}
	if err := db.t.Insert(h, w); err != nil {
		db.t.FreeCell(w)
		return nil, err
	}
	db.keyBytes += int64(len(key))
	db.valBytes += int64(n)
	db.countExpiry(0, v.ExpireAt)
	db.countKind(0, v.Kind)
	if db.shard.Detailed {
		db.tell(key, EventNew)
	}
	return b, nil
}

// Edit changes the length of a key's value to n bytes and returns them: those up to the shorter length are as they
// were, the rest is zero. The time of expiry stays.
func (db *DB) Edit(it Item, n int, v Value, e Event) ([]byte, error) {
	c := table.Cell{Kind: uint8(v.Kind), Mark: v.Mark, Access: db.shard.Clock.access(), Expiry: it.ExpireAt()}
	old := len(it.Value())
	b, it, err := db.replace(it, n, c, edit)
	if err != nil {
		return nil, err
	}
	if n > old {
		clear(b[old:])
	}
	db.touch(it.Key(), e)
	return b, nil
}

// change is what replace does with the value that was.
type change uint8

const (
	overwrite change = iota // it goes, with the nodes that it leads to
	update                  // it goes; what it led to is the new one's
	edit                    // it stays, up to the shorter length
)

// replace gives a key another value, in place where it can.
func (db *DB) replace(it Item, n int, c table.Cell, how change) ([]byte, Item, error) {
	t := db.t
	db.noteChange(it, 0, nil)
	pos, err := t.Own(it.hash, it.pos)
	if err != nil {
		return nil, it, err
	}
	it.pos = pos
	before := t.Expiry(it.slot)
	if err := db.indexExpiry(it.hash, before, c.Expiry); err != nil {
		return nil, it, err
	}
	old := t.Value(it.slot)
	w := it.slot
	var b []byte
	inPlace, mayStay := false, false
	if it.slot.Expires() == (c.Expiry != 0) && t.Private(it.slot) {
		b, inPlace = old, len(old) == n
		// What leads to nodes that go too must stay readable until they do.
		mayStay = how != overwrite || !it.large()
		if !inPlace && mayStay {
			b, inPlace = t.Resize(it.slot, n)
		}
	}
	oldLen := len(old)
	if !inPlace {
		w, b, err = t.NewCell(t.Key(it.slot), n, c)
		switch {
		case err == nil && how == edit:
			copy(b, old)
		case err != nil && mayStay && n < oldLen:
			// What takes away from a key must not fail for want of memory: the cell is too large then.
			b, inPlace = t.Shrink(it.slot, n), true
			w = it.slot
		case err != nil:
			return nil, it, err
		}
	}
	if inPlace {
		if c.Expiry != 0 {
			t.SetExpiry(w, c.Expiry)
		}
		w = w.WithKind(c.Kind).WithMark(c.Mark).WithAccess(c.Access)
	}
	if how == overwrite {
		db.scrap(it)
	}
	if !inPlace {
		t.FreeCell(it.slot)
	}
	db.countKind(it.Kind(), Kind(c.Kind))
	if w != it.slot {
		it.slot = w
		t.Set(pos, w)
	}
	db.valBytes += int64(n - oldLen)
	db.countExpiry(before, c.Expiry)
	return b, it, nil
}

// SetExpiry gives a key a time of expiry, or takes it with 0, and returns the key as it is then.
func (db *DB) SetExpiry(it Item, at int64, e Event) (Item, error) {
	content := it.Value()
	c := table.Cell{Kind: it.slot.Kind(), Mark: it.slot.Mark(), Access: db.shard.Clock.access(), Expiry: at}
	_, it, err := db.replace(it, len(content), c, edit)
	if err == nil {
		db.touch(it.Key(), e)
	}
	return it, err
}

// Delete removes a key. On an error nothing has changed; after Own there is none.
func (db *DB) Delete(it Item, e Event) error {
	if err := db.remove(it); err != nil {
		return err
	}
	db.touch(it.Key(), e)
	db.scrap(it)
	db.t.FreeCell(it.slot)
	return nil
}

// remove takes a key out of the database without an announcement. Its cell is still to be freed.
func (db *DB) remove(it Item) error {
	db.noteChange(it, 0, nil)
	key, value, at := len(it.Key()), len(it.Value()), it.ExpireAt()
	if err := db.t.Remove(it.hash, it.pos); err != nil {
		return err
	}
	db.keyBytes -= int64(key)
	db.valBytes -= int64(value)
	db.countExpiry(at, 0)
	db.countKind(it.Kind(), 0)
	return nil
}

// Own prepares a key for removal: as long as the database doesn't change, Delete cannot fail then. Other Items of the
// database are no longer good.
func (db *DB) Own(it Item) (Item, error) {
	pos, err := db.t.Own(it.hash, it.pos)
	if err != nil {
		return it, err
	}
	it.pos = pos
	return it, nil
}

// refind looks a key up that is known to be there, wherever the table has moved it meanwhile. An expired one is left.
func (db *DB) refind(h uint64, key []byte) Item {
	pos, w, ok := db.t.Find(h, key)
	if !ok {
		return Item{}
	}
	return Item{db, h, pos, w}
}

// Scan passes on the keys of one step of a walk over the database and returns the cursor of the next step, 0 at the end.
// Expired ones are left out, and removed. See table.View.Scan for what is promised. fn must not change the DB.
func (db *DB) Scan(cursor uint64, fn func(Item)) uint64 {
	return db.ScanSome(cursor, func(Item) bool { return true }, fn)
}

// ScanSome is Scan for those keys that are wanted. An expired one that isn't is not removed.
func (db *DB) ScanSome(cursor uint64, want func(Item) bool, fn func(Item)) uint64 {
	var now int64
	var buf [8]uint64
	expired := buf[:0]
	cursor = db.t.Scan(cursor, func(w table.Slot) {
		it := Item{db: db, slot: w}
		if !want(it) {
			return
		}
		if w.Expires() {
			if now == 0 {
				now = db.Now()
			}
			if db.t.Expiry(w) <= now {
				if len(expired) < len(buf) && db.shard.frozen == nil {
					expired = append(expired, db.t.Hash(db.t.Key(w)))
				}
				return
			}
		}
		fn(it)
	})
	for _, h := range expired {
		db.dropExpired(h, now)
	}
	return cursor
}

// dropExpired removes a key of this hash whose time has come, if there is one.
func (db *DB) dropExpired(h uint64, now int64) {
	db.t.Candidates(h, func(pos table.Pos, w table.Slot) bool {
		if w.Expires() && db.t.Expiry(w) <= now && db.t.Hash(db.t.Key(w)) == h {
			db.expire(Item{db, h, pos, w})
			return false
		}
		return true
	})
}

// Random returns a key at random, or one that isn't Found if there is none that hasn't expired.
func (db *DB) Random() Item {
	for range 100 {
		if db.t.Len() == 0 {
			break
		}
		w := db.t.Random()
		key := append([]byte(nil), db.t.Key(w)...)
		if it := db.Look(db.t.Hash(key), key); it.Found() {
			return it
		}
	}
	return Item{}
}
