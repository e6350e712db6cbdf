package keyspace

import (
	"bytes"

	"github.com/darterdb/darter/internal/errs"
)

// The operations on keys, whatever they hold. Those with a source and a destination work on two databases, of one shard
// or of two; the caller holds both.

// Target is a key with the part of the keyspace that it belongs to.
type Target struct {
	DB   *DB
	Hash uint64
	Key  []byte
}

// same says that both are one key.
func (t Target) same(u Target) bool { return t.DB == u.DB && bytes.Equal(t.Key, u.Key) }

// Del removes a key and says whether there was one.
func (db *DB) Del(h uint64, key []byte) (bool, error) {
	it := db.Look(h, key)
	if !it.Found() {
		return false, nil
	}
	return true, db.Delete(it, EventDel)
}

// Rename gives a key another name, with its time of expiry, and says whether it did: without replace, a key of that
// name stops it. A key renamed to itself is left alone, and counts as a name in use. An absent key is errs.NoSuchKey.
func Rename(from, to Target, replace bool) (bool, error) {
	if !from.DB.Look(from.Hash, from.Key).Found() {
		return false, errs.NoSuchKey
	}
	if from.same(to) {
		return replace, nil
	}
	if to.DB.Look(to.Hash, to.Key).Found() && !replace {
		return false, nil
	}
	return true, carry(from, to, EventRenameFrom, EventRenameTo)
}

// Move carries a key with its time of expiry to another database, and says whether it did: it doesn't if there is no
// such key here, or one there. A key can't be moved to itself: errs.SameObject.
func Move(from, to Target) (bool, error) {
	if from.same(to) {
		return false, errs.SameObject
	}
	if !from.DB.Look(from.Hash, from.Key).Found() || to.DB.Look(to.Hash, to.Key).Found() {
		return false, nil
	}
	return true, carry(from, to, EventMoveFrom, EventMoveTo)
}

// carry moves what one key holds to another, which is overwritten. On an error nothing has changed.
func carry(from, to Target, left, came Event) error {
	// Each step may move what the one before found, if both are in one table, so it is found again.
	it, err := from.DB.Own(from.DB.refind(from.Hash, from.Key))
	if err != nil {
		return err
	}
	v := Value{Kind: it.Kind(), Mark: it.Mark(), ExpireAt: it.ExpireAt()}
	content, cloned, err := contentFor(it, to.DB)
	if err != nil {
		return err
	}
	dst := to.DB.refind(to.Hash, to.Key)
	if err := to.DB.place(to.Hash, to.Key, dst, content, v, overwrite); err != nil {
		to.DB.Abandon(v.Kind, content, cloned)
		return err
	}
	to.DB.replaced(to.Key, dst.Found())
	it = from.DB.refind(from.Hash, from.Key)
	if err := from.DB.remove(it); err != nil {
		return err
	}
	if cloned {
		from.DB.scrap(it)
	}
	from.DB.t.FreeCell(it.slot)
	from.DB.touch(from.Key, left)
	to.DB.touch(to.Key, came)
	return nil
}

// contentFor returns the bytes of a key's value that another database can hold: where it leads to nodes of another shard's
// memory, those of a clone.
func contentFor(it Item, db *DB) (content []byte, cloned bool, err error) {
	content = it.Value()
	if !it.large() || it.db.shard == db.shard {
		return content, false, nil
	}
	content, err = it.Kind().Clone(it.View(), content, db.Heap())
	return content, true, err
}

// replaced tells of a new key where one was there before, which counts as removed first.
func (db *DB) replaced(key []byte, found bool) {
	if found && db.shard.Detailed {
		db.tell(key, EventNew)
	}
}

// Copy gives another key the same value and time of expiry, and says whether it did: it doesn't if there is nothing to
// copy or, without replace, if the other key is present. A key can't be copied to itself: errs.SameObject.
func Copy(from, to Target, replace bool) (bool, error) {
	if from.same(to) {
		return false, errs.SameObject
	}
	if !from.DB.Find(from.Hash, from.Key).Found() {
		return false, nil
	}
	dst := to.DB.Look(to.Hash, to.Key)
	if dst.Found() && !replace {
		return false, nil
	}
	src := from.DB.refind(from.Hash, from.Key)
	content := src.Value()
	if src.large() {
		var err error
		if content, err = src.Kind().Clone(src.View(), content, to.DB.Heap()); err != nil {
			return false, err
		}
		dst = to.DB.refind(to.Hash, to.Key)
	}
	v := Value{Kind: src.Kind(), Mark: src.Mark(), ExpireAt: src.ExpireAt()}
	if err := to.DB.place(to.Hash, to.Key, dst, content, v, overwrite); err != nil {
		to.DB.Abandon(v.Kind, content, src.large())
		return false, err
	}
	to.DB.replaced(to.Key, dst.Found())
	to.DB.touch(to.Key, EventCopyTo)
	return true, nil
}
