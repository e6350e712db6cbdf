package keyspace

import (
	"math/rand/v2"

	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// The operations on sets. Commands and the Go API share them.

// OpenSet makes a zero s the set of a key, an empty one for an absent key. It is good until the DB changes. Another
// kind of value is errs.WrongType.
func (it Item) OpenSet(s *value.Set) error {
	raw, err := it.As(Set)
	if err == nil && it.Found() {
		s.Open(it.db.shard.view, raw)
	}
	return err
}

// OpenSet makes a zero s the set of a key, an empty one for an absent key. It is good as long as the version. Another
// kind of value is errs.WrongType.
func (it FrozenItem) OpenSet(s *value.Set) error {
	raw, err := it.As(Set)
	if err == nil && it.Found() {
		s.Open(it.View(), raw)
	}
	return err
}

// SetHas says whether there is a member; an absent key has none. Another kind of value is errs.WrongType.
func (it Item) SetHas(member []byte) (bool, error) {
	raw, err := it.As(Set)
	return len(raw) > 0 && value.SetHas(&it.db.shard.view, raw, member), err
}

// editSet looks a key up for a change of its set, which it opens in a zero e. An error means that nothing has changed.
func (db *DB) editSet(h uint64, key []byte, e *value.SetEdit) (Item, error) {
	it := db.Look(h, key)
	raw, err := it.As(Set)
	if err == nil && it.large() {
		// From the first change of a node on there must be no way to fail to store what leads to it.
		if it, err = db.ownCell(it); err == nil {
			raw = it.Value()
		}
	}
	if err == nil {
		e.Open(&db.shard.heap, raw)
	}
	return it, err
}

// ownCell makes the cell of a key private, so that a value of the same length can be stored without fail.
func (db *DB) ownCell(it Item) (Item, error) {
	if !db.shard.slab.HasVersions() {
		return it, nil
	}
	v := it.Value()
	c := table.Cell{Kind: it.slot.Kind(), Mark: it.Mark(), Access: it.slot.Access(), Expiry: it.ExpireAt()}
	_, it, err := db.replace(it, len(v), c, edit)
	return it, err
}

// keepSet stores what an operation has made of a set, if it changed it. fault is the operation's own error, and is
// returned. If the set can't be stored, it is as it was; that never happens to one that was large.
func (db *DB) keepSet(h uint64, key []byte, it Item, e *value.SetEdit, ev Event, fault error) (kept bool, err error) {
	if !e.Changed() {
		return true, fault
	}
	raw, large := e.Raw()
	if err := db.Keep(h, key, it, Set, raw, large, ev); err != nil {
		if !it.large() {
			e.Free()
		}
		return false, err
	}
	return true, fault
}

// SetAdd adds members to a key's set and returns how many of them weren't there. After an error for want of memory some
// may be added.
func (db *DB) SetAdd(h uint64, key []byte, members [][]byte) (added int, err error) {
	if len(members) == 0 {
		return 0, nil
	}
	var e value.SetEdit
	it, err := db.editSet(h, key, &e)
	if err != nil {
		return 0, err
	}
	e.Expect(members[0], len(members))
	for i := 0; i < len(members) && err == nil; i++ {
		e.Ahead(i, len(members), func(i int) []byte { return members[i] })
		var isNew bool
		if isNew, err = e.Add(members[i]); isNew && err == nil {
			added++
		}
	}
	kept, err := db.keepSet(h, key, it, &e, EventSAdd, err)
	if !kept {
		added = 0
	}
	return added, err
}

// SetRemove removes members from a key's set and returns how many of them were there. The key goes with the last
// member. After an error for want of memory some may be removed.
func (db *DB) SetRemove(h uint64, key []byte, members [][]byte) (removed int, err error) {
	var e value.SetEdit
	it, err := db.editSet(h, key, &e)
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(members) && e.Len() > 0 && err == nil; i++ {
		e.Ahead(i, len(members), func(i int) []byte { return members[i] })
		var was bool
		if was, err = e.Remove(members[i]); was && err == nil {
			removed++
		}
	}
	kept, err := db.keepSet(h, key, it, &e, EventSRem, err)
	if !kept {
		removed = 0
	}
	return removed, err
}

// SetPop removes up to n members of a key's set, chosen at random, passes each to take, and returns how many it
// removed. Members are good for the call only. After an error for want of memory only the first ones that were passed
// on, so many as it returns, are removed.
func (db *DB) SetPop(h uint64, key []byte, n int, take func(value.Member)) (popped int, err error) {
	var e value.SetEdit
	it, err := db.editSet(h, key, &e)
	if err != nil || n <= 0 || !it.Found() {
		return 0, err
	}
	count := func(m value.Member) {
		take(m)
		popped++
	}
	if n < e.Len() {
		kept, err := db.keepSet(h, key, it, &e, EventSPop, e.Pop(n, rand.Uint64, count))
		if !kept {
			popped = 0
		}
		return popped, err
	}
	// The set goes as a whole.
	if it, err = db.Own(it); err != nil {
		return 0, err
	}
	e.All(func(m value.Member) bool {
		count(m)
		return true
	})
	if err := db.Delete(it, EventSPop); err != nil {
		return 0, err
	}
	db.tell(key, EventDel)
	return popped, nil
}

// SetMove moves a member from one key's set to another's, and says whether it was there. On an error nothing has changed.
func SetMove(from, to Target, member []byte) (bool, error) {
	source := from.DB.Look(from.Hash, from.Key)
	if !source.Found() {
		return false, nil
	}
	var s value.Set
	if err := source.OpenSet(&s); err != nil {
		return false, err
	}
	has := s.Has(member)
	dest := to.DB.Look(to.Hash, to.Key)
	if _, err := dest.As(Set); err != nil || !has || from.same(to) {
		return has && err == nil, err
	}
	if from.DB.shard.slab.HasVersions() {
		return moveBesideVersions(from, to, dest.Found(), member)
	}
	one := [1][]byte{member}
	if n, err := from.DB.SetRemove(from.Hash, from.Key, one[:]); err != nil || n == 0 {
		return false, err // it expired just now
	}
	_, err := to.DB.SetAdd(to.Hash, to.Key, one[:])
	if err != nil {
		// There is room where it came from.
		_, _ = from.DB.SetAdd(from.Hash, from.Key, one[:])
	}
	return err == nil, err
}

// moveBesideVersions is SetMove where versions may keep the room that a removed member leaves, so that it could not be
// put back: it is added first, and then removed, which can't fail. It is announced in Redis's order afterwards.
func moveBesideVersions(from, to Target, existed bool, member []byte) (bool, error) {
	if err := from.DB.prepareRemoval(from, member); err != nil {
		return false, err
	}
	isNew, err := to.DB.addQuietly(to, member)
	if err != nil {
		return false, err
	}
	var e value.SetEdit
	source := from.DB.refind(from.Hash, from.Key)
	e.Open(&from.DB.shard.heap, source.Value())
	_, err = e.Remove(member)
	if _, err = from.DB.keepSet(from.Hash, from.Key, source, &e, EventSRem, err); err != nil {
		return false, err
	}
	if !existed && to.DB.shard.Detailed {
		to.DB.tell(to.Key, EventNew)
	}
	if isNew {
		to.DB.touch(to.Key, EventSAdd)
	}
	return true, nil
}

// prepareRemoval sees to it that a member which is there can be removed from a key's set without any memory: what a
// version sees is copied for that.
func (db *DB) prepareRemoval(t Target, member []byte) error {
	it := db.refind(t.Hash, t.Key)
	it, err := db.ownCell(it)
	if err != nil || !it.large() {
		return err
	}
	var e value.SetEdit
	e.Open(&db.shard.heap, it.Value())
	err = e.Prepare(member)
	raw, large := e.Raw() // nodes may have moved, whatever came of it
	if err := db.hold(t.Hash, t.Key, it, Set, raw, large, update); err != nil {
		return err
	}
	return err
}

// addQuietly adds a member to a key's set without an announcement, and says whether it is new. On an error nothing has
// changed.
func (db *DB) addQuietly(t Target, member []byte) (isNew bool, err error) {
	defer func(detailed bool) { db.shard.Detailed = detailed }(db.shard.Detailed)
	db.shard.Detailed = false
	var e value.SetEdit
	it, err := db.editSet(t.Hash, t.Key, &e)
	if err != nil {
		return false, err
	}
	e.Expect(member, 1)
	isNew, fault := e.Add(member)
	if !e.Changed() {
		return false, fault
	}
	raw, large := e.Raw()
	if err := db.hold(t.Hash, t.Key, it, Set, raw, large, update); err != nil {
		if !it.large() {
			e.Free()
		}
		return false, err
	}
	return isNew && fault == nil, fault
}

// OpenSets opens the sets of several keys for reading, empty ones for absent keys, and appends them to dst. They are
// good until one of the keys' databases changes. A key that holds another kind of value is errs.WrongType. untouched
// says that no access is to be noted.
func OpenSets(keys []Target, dst []value.Set, untouched bool) ([]value.Set, error) {
	for i := range keys {
		t := &keys[i]
		var it Item
		if untouched {
			it = t.DB.FindUntouched(t.Hash, t.Key)
		} else {
			it = t.DB.Find(t.Hash, t.Key)
		}
		if _, err := it.As(Set); err != nil {
			return dst, err
		}
	}
	// To find one key may remove another that has expired. Now all are gone that had to, and nothing changes any more.
	for i := range keys {
		dst = append(dst, value.Set{})
		if err := keys[i].again().OpenSet(&dst[len(dst)-1]); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// again finds a key that was looked up just before, or doesn't as it didn't then, and removes nothing.
func (t *Target) again() Item {
	if s := t.DB.shard; s.committed || s.aside != nil || s.frozen != nil { // nothing is removed
		return t.DB.Look(t.Hash, t.Key)
	}
	return t.DB.refind(t.Hash, t.Key)
}

// SetOperation is an operation on several sets.
type SetOperation uint8

const (
	SetUnion SetOperation = iota
	SetIntersection
	SetDifference
)

func (op SetOperation) event() Event {
	return [...]Event{SetUnion: EventSUnionStore, SetIntersection: EventSInterStore, SetDifference: EventSDiffStore}[op]
}

// Select returns the outcome of an operation on sets, which it reorders and keeps. What it may need beside is made in
// the heap, if one is given, until the Selection's Free.
func (op SetOperation) Select(sets []value.Set, h *value.Heap) value.Selection {
	switch op {
	case SetUnion:
		return value.Union(sets, h)
	case SetIntersection:
		return value.Intersection(sets)
	}
	return value.Difference(sets, h)
}

// SetStore makes a key hold the outcome of an operation on the sets of several keys, whatever it held, and returns how
// many members that has. An empty one removes the key. On an error nothing has changed.
func SetStore(op SetOperation, to Target, keys []Target, untouched bool) (int, error) {
	sets, err := OpenSets(keys, nil, untouched)
	if err != nil {
		return 0, err
	}
	var e value.SetEdit
	e.Open(to.DB.Heap(), nil)
	if op == SetUnion {
		err = e.AddUnion(sets)
	} else {
		s := op.Select(sets, to.DB.Heap())
		err = e.AddAll(&s)
		s.Free()
	}
	if err == nil {
		raw, large := e.Raw()
		_, err = to.DB.Give(to.Hash, to.Key, Set, raw, large, op.event())
	}
	if err != nil {
		e.Free()
		return 0, err
	}
	return e.Len(), nil
}
