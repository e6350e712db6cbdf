package keyspace

import (
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// The operations on lists that change a key. What only reads opens the list of an Item and asks it.
//
// The record of a large list is made the shard's own to change before its nodes change, and is then overwritten where
// it is, which cannot fail: so it leads to the nodes as they are, whatever an operation comes to.

// List opens the list of a key for reading, an empty one for an absent key. It is good until the DB changes. Another
// kind of value is errs.WrongType.
func (it Item) List() (l value.List, err error) {
	raw, err := it.As(List)
	if err != nil || !it.Found() {
		return l, err
	}
	return value.OpenList(it.db.shard.view, raw), nil
}

// listEdit is a key whose list is being changed.
type listEdit struct {
	db   *DB
	h    uint64
	key  []byte
	it   Item
	list value.List
	cell []byte // where the record of a large list is, once it may be overwritten
}

// open looks the key up.
func (e *listEdit) open(db *DB, h uint64, key []byte) error {
	return e.openAt(db, h, key, db.Look(h, key))
}

func (e *listEdit) openAt(db *DB, h uint64, key []byte, it Item) error {
	e.db, e.h, e.key, e.it = db, h, key, it
	raw, err := e.it.As(List)
	if err == nil {
		e.list.Edit(db.Heap(), raw)
	}
	return err
}

// begin is to be called before the first change.
func (e *listEdit) begin() (err error) {
	if !e.list.Large() {
		return nil
	}
	c := table.Cell{Kind: uint8(List), Mark: true, Access: e.db.shard.Clock.access(), Expiry: e.it.ExpireAt()}
	e.cell, e.it, err = e.db.replace(e.it, len(e.it.Value()), c, edit)
	return err
}

// keep stores what has become of the list, and returns the error that ended the operation, or its own.
func (e *listEdit) keep(ev Event, failed error) error {
	nodes, packed := e.list.Pack()
	raw, large := e.list.Raw()
	if e.cell != nil && large {
		copy(e.cell, raw)
		e.db.touch(e.key, ev)
		return failed
	}
	err := e.db.Keep(e.h, e.key, e.it, List, raw, large, ev)
	switch {
	case err == nil && packed:
		nodes.Free(e.db.shard.slab)
	case err != nil && packed:
		e.list.Unpack(nodes)
		raw, _ = e.list.Raw()
		copy(e.cell, raw)
		e.db.touch(e.key, ev)
		err = nil
	case err != nil && large:
		e.list.Drop()
	}
	if failed != nil {
		return failed
	}
	return err
}

// quickList says that a list's raw bytes may be changed where they are: no version or transaction needs them as they
// are.
func (db *DB) quickList(it Item) bool {
	return it.Found() && it.Kind() == List && it.Mark() && db.shard.save == nil && !db.shard.slab.HasVersions()
}

// quickly ends a change of a list where it is.
func (db *DB) quickly(it Item, key []byte, ev Event) {
	if w := it.slot.WithAccess(db.shard.Clock.access()); w != it.slot {
		db.t.Set(it.pos, w)
	}
	db.touch(key, ev)
}

// ListPush puts elements one after the other at the start of a list, or its end, and returns its length. An absent key
// is an empty list, unless ifPresent is set: then nothing is done and the length is 0. On an error the first ones may
// be there.
func (db *DB) ListPush(h uint64, key []byte, start, ifPresent bool, elems [][]byte) (length int, err error) {
	it := db.Look(h, key)
	if len(elems) == 1 && db.quickList(it) {
		if n, ok := db.Heap().QuickPush(it.Value(), elems[0], start); ok {
			db.quickly(it, key, pushEvent(start))
			return n, nil
		}
	}
	var e listEdit
	err = e.openAt(db, h, key, it)
	if err != nil || ifPresent && !e.it.Found() || len(elems) == 0 {
		return e.list.Len(), err
	}
	if err := e.begin(); err != nil {
		return 0, err
	}
	bytes := 0
	for _, elem := range elems {
		bytes += len(elem)
	}
	e.list.Expect(len(elems), bytes)
	done := 0
	for ; done < len(elems) && err == nil; done++ {
		err = e.list.Push(elems[done], start)
	}
	return e.list.Len(), e.keep(pushEvent(start), err)
}

func pushEvent(start bool) Event {
	if start {
		return EventLPush
	}
	return EventRPush
}

func popEvent(start bool) Event {
	if start {
		return EventLPop
	}
	return EventRPop
}

// ListPop removes up to n elements from the start of a list, or its end, and appends them to dst, the outermost first:
// each as NextPopped reads it. An absent key has none.
func (db *DB) ListPop(dst []byte, h uint64, key []byte, start bool, n int) ([]byte, error) {
	it := db.Look(h, key)
	if n == 1 && db.quickList(it) {
		if out, ok := db.Heap().QuickPop(dst, it.Value(), start); ok {
			db.quickly(it, key, popEvent(start))
			return out, nil
		}
	}
	var e listEdit
	err := e.openAt(db, h, key, it)
	if err != nil || n <= 0 || !e.it.Found() {
		return dst, err
	}
	l := &e.list
	n = min(n, l.Len())
	from := 0
	if !start {
		from = l.Len() - n
	}
	if n == 1 && l.Len() > 1 {
		return e.take(dst, from, popEvent(start))
	}
	out := dst
	if start {
		c := l.From(0)
		for range n {
			el, _ := c.Next()
			out = l.AppendPopped(out, el)
		}
	} else {
		c := l.DownFrom(l.Len() - 1)
		for range n {
			el, _ := c.Next()
			out = l.AppendPopped(out, el)
		}
	}
	if err := e.remove(from, n, popEvent(start)); err != nil {
		return dst, err
	}
	return out, nil
}

// take removes an element that is not the only one, and stores what is left.
func (e *listEdit) take(dst []byte, i int, ev Event) ([]byte, error) {
	if err := e.begin(); err != nil {
		return dst, err
	}
	out, err := e.list.Take(dst, i)
	e.list.Settle()
	return out, e.keep(ev, err)
}

// remove removes n elements and stores what is left. Of a large list without any left the nodes go bit by bit.
func (e *listEdit) remove(from, n int, ev Event) error {
	if n == e.list.Len() && e.list.Large() {
		return e.db.discard(e.it, e.key, ev)
	}
	if err := e.begin(); err != nil {
		return err
	}
	err := e.list.Remove(from, n)
	e.list.Settle()
	return e.keep(ev, err)
}

// ListSet replaces an element. A position below 0 counts from the end. Where there is none it is errs.ListIndex, for an
// absent key errs.NoSuchKey.
func (db *DB) ListSet(h uint64, key []byte, at int64, elem []byte) error {
	var e listEdit
	err := e.open(db, h, key)
	switch {
	case err != nil:
		return err
	case !e.it.Found():
		return errs.NoSuchKey
	}
	i, ok := value.ListIndex(e.list.Len(), at)
	if !ok {
		return errs.ListIndex
	}
	if err := e.begin(); err != nil {
		return err
	}
	e.list.Expect(0, len(elem))
	err = e.list.Set(i, elem)
	e.list.Settle()
	return e.keep(EventLSet, err)
}

// ListInsert puts an element before the first one that equals pivot, or behind it, and returns the length of the list:
// -1 if there is no such element, 0 for an absent key.
func (db *DB) ListInsert(h uint64, key []byte, before bool, pivot, elem []byte) (length int, err error) {
	var e listEdit
	err = e.open(db, h, key)
	if err != nil || !e.it.Found() {
		return 0, err
	}
	i, found := e.list.Find(0, pivot)
	if !found {
		return -1, nil
	}
	if !before {
		i++
	}
	if err := e.begin(); err != nil {
		return 0, err
	}
	e.list.Expect(1, len(elem))
	err = e.list.Insert(i, elem)
	return e.list.Len(), e.keep(EventLInsert, err)
}

// ListRemove removes the elements that equal elem and returns how many: all, or the first count of them, or, with a
// count below 0, the last -count.
func (db *DB) ListRemove(h uint64, key []byte, count int64, elem []byte) (removed int, err error) {
	var e listEdit
	err = e.open(db, h, key)
	if err != nil || !e.it.Found() {
		return 0, err
	}
	removed, err = e.removeEqual(count, elem)
	if removed > 0 || e.cell != nil {
		e.list.Settle()
		err = e.keep(EventLRem, err)
	}
	return removed, err
}

func (e *listEdit) removeEqual(count int64, elem []byte) (removed int, err error) {
	l := &e.list
	find, at := l.Find, 0
	if count < 0 {
		find, at = l.FindDown, l.Len()-1
	}
	for {
		i, found := find(at, elem)
		if !found {
			return removed, nil
		}
		if removed == 0 {
			if err := e.begin(); err != nil {
				return 0, err
			}
		}
		if err := l.Remove(i, 1); err != nil {
			return removed, err
		}
		removed++
		if int64(removed) == count || -int64(removed) == count || l.Len() == 0 {
			return removed, nil
		}
		if at = i; count < 0 {
			at--
		}
	}
}

// ListTrim removes all elements of a list but those from position first to position last, and says whether the key is
// there: that is announced even where nothing is removed. Positions below 0 count from the end.
func (db *DB) ListTrim(h uint64, key []byte, first, last int64) error {
	var e listEdit
	err := e.open(db, h, key)
	if err != nil || !e.it.Found() {
		return err
	}
	l := &e.list
	n := l.Len()
	from, to := value.ListRange(n, first, last)
	if from == to && l.Large() {
		return db.discard(e.it, key, EventLTrim)
	}
	if err := e.begin(); err != nil {
		return err
	}
	if to < n {
		err = l.Remove(to, n-to)
	}
	if from > 0 && err == nil {
		err = l.Remove(0, from)
	}
	l.Settle()
	return e.keep(EventLTrim, err)
}

// ListMove removes an element at the start of a list, or its end, and puts it at the start of another, or its end,
// which may be the same, and appends it to dst. If the first key is absent nothing is done. Either key with another
// kind of value is errs.WrongType.
func ListMove(dst []byte, from, to Target, fromStart, toStart bool) (out []byte, moved bool, err error) {
	it := from.DB.Look(from.Hash, from.Key)
	l, err := it.List()
	if err != nil || l.Len() == 0 {
		return dst, false, err
	}
	at := 0
	if !fromStart {
		at = l.Len() - 1
	}
	el, _ := l.At(at)
	out = l.AppendElem(dst, el)
	elem := out[len(dst):]
	if from.DB == to.DB && string(from.Key) == string(to.Key) {
		err = from.DB.rotate(from.Hash, from.Key, elem, fromStart, toStart)
		return out, err == nil, err
	}
	if _, err := to.DB.ListPush(to.Hash, to.Key, toStart, false, [][]byte{elem}); err != nil {
		return dst, false, err
	}
	var e listEdit
	if err = e.open(from.DB, from.Hash, from.Key); err == nil {
		err = e.remove(at, 1, popEvent(fromStart))
	}
	return out, err == nil, err
}

// rotate moves the first or last element of a list, which is given, within it.
func (db *DB) rotate(h uint64, key, elem []byte, fromStart, toStart bool) error {
	var e listEdit
	err := e.open(db, h, key)
	if err != nil {
		return err
	}
	if err := e.begin(); err != nil {
		return err
	}
	at := 0
	if !fromStart {
		at = e.list.Len() - 1
	}
	if err = e.list.Push(elem, toStart); err == nil {
		if toStart {
			at++
		}
		err = e.list.Remove(at, 1)
	}
	if err := e.keep(pushEvent(toStart), err); err != nil {
		return err
	}
	db.tell(key, popEvent(fromStart))
	return nil
}
