package keyspace

import (
	"encoding/binary"
	"math"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// # Containers
//
// What a list, hash, set, sorted set or stream looks like is package value's business (see the head of its kind.go).
// Here its raw bytes are the value of a key like those of a string, and an operation is three steps:
//
//	it := db.Look(h, key)                     find the key
//	raw, err := it.As(List)                   its raw bytes, none for an absent key
//	... package value works on them and on the nodes that they lead to, and gives new raw bytes ...
//	err = db.Keep(h, key, it, List, raw, large, EventRPush)
//
// From the first change on the old raw bytes are void: even when the operation fails halfway, for want of memory, what it
// has done so far is kept. A key that is deleted or overwritten leaves its nodes as debris, which is freed bit by bit:
// some at once, the rest by whoever calls FreeSome.

const freeAtOnce = 32 // nodes that a deletion frees itself

// As returns the raw bytes of a container of a kind (Hash stands for both kinds of hashes), none for an absent key. They
// are the shard's own: they are good until the DB changes. Another kind of value is errs.WrongType.
func (it Item) As(k Kind) ([]byte, error) {
	if !it.Found() {
		return nil, nil
	}
	if have := it.Kind(); have != k && (k != Hash || have != HashTTL) {
		return nil, errs.WrongType
	}
	return it.Value(), nil
}

// View reads the container of the key.
func (it Item) View() value.View { return it.db.View() }

// DB returns where the key is.
func (it Item) DB() *DB { return it.db }

// large says that the value leads to nodes.
func (it Item) large() bool { return it.Mark() && it.Kind() != String }

// Keep stores what an operation has made of a key's container: its raw bytes and whether they lead to nodes. Without raw
// bytes the key goes, with EventDel after the operation's own event. it is what Look or Find returned for the key before
// the operation. The time of expiry stays. raw must not lie in the key's cell.
func (db *DB) Keep(h uint64, key []byte, it Item, k Kind, raw []byte, large bool, e Event) error {
	if len(raw) == 0 {
		if !it.Found() {
			return nil
		}
		if err := db.remove(it); err != nil {
			return err
		}
		db.touch(key, e)
		db.tell(key, EventDel)
		db.t.FreeCell(it.slot)
		return nil
	}
	if err := db.hold(h, key, it, k, raw, large, update); err != nil {
		return err
	}
	db.touch(key, e)
	return nil
}

// Give makes a key hold a container that was made for it, whatever it held, without a time of expiry. Without raw bytes
// the key goes, and only that is announced. It says whether anything changed. Aside, all this happens when that lands.
func (db *DB) Give(h uint64, key []byte, k Kind, raw []byte, large bool, e Event) (bool, error) {
	if a := db.shard.aside; a != nil {
		a.made = gift{db.index, h, key, k, raw, large, e}
		return true, nil
	}
	it := db.Look(h, key)
	if len(raw) == 0 {
		if !it.Found() {
			return false, nil
		}
		return true, db.Delete(it, EventDel)
	}
	if err := db.hold(h, key, it, k, raw, large, overwrite); err != nil {
		return false, err
	}
	db.touch(key, e)
	return true, nil
}

// Load stores a container with a time of expiry, 0 for never, without an announcement: that of a key that is being loaded.
func (db *DB) Load(h uint64, key []byte, k Kind, raw []byte, large bool, at int64) error {
	return db.place(h, key, db.refind(h, key), raw, Value{Kind: k, Mark: large, ExpireAt: at}, overwrite)
}

// hold stores a container; an update keeps the key's time of expiry.
func (db *DB) hold(h uint64, key []byte, it Item, k Kind, raw []byte, large bool, how change) error {
	v := Value{Kind: k, Mark: large}
	if it.Found() && how == update {
		v.ExpireAt = it.ExpireAt()
	}
	return db.place(h, key, it, raw, v, how)
}

// place stores raw bytes of any kind without an announcement.
func (db *DB) place(h uint64, key []byte, it Item, raw []byte, v Value, how change) error {
	if v.Kind == HashTTL {
		// Without memory for a page of the index fields are hidden in time, though not removed.
		_ = db.indexExpiry(h, it.fieldExpiry(), earliestField(raw))
	}
	var b []byte
	var err error
	if it.Found() {
		c := table.Cell{Kind: uint8(v.Kind), Mark: v.Mark, Access: db.shard.Clock.access(), Expiry: v.ExpireAt}
		b, _, err = db.replace(it, len(raw), c, how)
	} else {
		b, err = db.put(h, key, it, len(raw), v)
	}
	if err == nil {
		copy(b, raw)
	}
	return err
}

// scrap leaves the nodes of a key that goes as debris.
func (db *DB) scrap(it Item) {
	if !it.large() {
		return
	}
	s := db.shard
	if s.save != nil {
		s.save.scraps.Add(it.Kind(), db.View(), it.Value())
		return
	}
	s.debris.Add(it.Kind(), db.View(), it.Value())
	s.debris.FreeSome(s.slab, freeAtOnce)
}

// Abandon gives up a container that was made and then not stored.
func (db *DB) Abandon(k Kind, raw []byte, large bool) {
	if large {
		db.shard.debris.Add(k, db.View(), raw)
	}
}

// FreeSome frees some of the debris, and of what transactions have left, and says whether there is more.
func (s *Shard) FreeSome(nodes int) (more bool) {
	s.heap.Tidy()
	if s.CloseSome() {
		return true
	}
	if s.save != nil {
		return false // what is freed now would come back with a rollback
	}
	if n := len(s.graves); n > 0 {
		g := s.graves[n-1]
		s.graves = s.graves[:n-1]
		if g.FreeSome() {
			s.graves = append(s.graves, g)
		}
		return true
	}
	if s.debris.Empty() {
		return false
	}
	s.debris.FreeSome(s.slab, nodes)
	s.note()
	return !s.debris.Empty()
}

// countKind counts hashes whose fields expire.
func (db *DB) countKind(before, after Kind) {
	if before == HashTTL {
		db.fielded--
	}
	if after == HashTTL {
		db.fielded++
	}
}

// earliestField returns when the first field of a hash expires, given its raw bytes.
func earliestField(raw []byte) int64 { return int64(binary.LittleEndian.Uint64(raw[1:])) }

// fieldExpiry returns when the key's first field expires, 0 if none does.
func (it Item) fieldExpiry() int64 {
	if !it.Found() || it.Kind() != HashTTL {
		return 0
	}
	return earliestField(it.Value())
}

// due returns when the expiry index must next come to a key, math.MaxInt64 if never.
func (it Item) due() int64 {
	at := int64(math.MaxInt64)
	if it.slot.Expires() {
		at = it.ExpireAt()
	}
	if f := it.fieldExpiry(); f != 0 {
		at = min(at, f)
	}
	return at
}
