package keyspace

import (
	"encoding/binary"
	"math"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/table"
	"github.com/darterdb/darter/internal/value"
)

// The operations on sorted sets that change a key. What only reads opens the sorted set of an Item and asks it.

// SortedSet opens the sorted set of a key for reading, an empty one for an absent key. It is good until the DB changes.
// Another kind of value is errs.WrongType.
func (it Item) SortedSet() (value.SortedSet, error) {
	raw, err := it.As(SortedSet)
	if err != nil || !it.Found() {
		return value.SortedSet{}, err
	}
	return value.OpenSortedSet(it.db.shard.view, raw), nil
}

// SortedScore returns the score of a member, and whether there is one; an absent key has none. Another kind of value is
// errs.WrongType.
func (it Item) SortedScore(member []byte) (score float64, found bool, err error) {
	raw, err := it.As(SortedSet)
	if len(raw) == 0 {
		return 0, false, err
	}
	score, found = value.SortedScore(&it.db.shard.view, raw, member)
	return score, found, nil
}

// sortedEdit is a key whose sorted set is being changed.
type sortedEdit struct {
	db  *DB
	h   uint64
	key []byte
	it  Item
	set value.SortedSet
}

func (db *DB) editSorted(h uint64, key []byte) (sortedEdit, error) {
	it := db.Look(h, key)
	if _, err := it.As(SortedSet); err != nil {
		return sortedEdit{}, err
	}
	it, err := db.secure(it)
	if err != nil {
		return sortedEdit{}, err
	}
	raw, _ := it.As(SortedSet)
	return sortedEdit{db, h, key, it, db.Heap().SortedSet(raw)}, nil
}

// secure makes the cell of a key that leads to nodes private, so that to store the record anew, which is as long,
// needs no memory: once nodes have changed it must not fail.
func (db *DB) secure(it Item) (Item, error) {
	if !it.Found() || !it.large() || db.t.Private(it.slot) {
		return it, nil
	}
	c := table.Cell{Kind: it.slot.Kind(), Mark: true, Access: it.slot.Access(), Expiry: it.ExpireAt()}
	_, it, err := db.replace(it, len(it.Value()), c, edit)
	return it, err
}

// end stores what has become of the sorted set, and returns the error that ended the operation, or its own. Without a
// change nothing is announced; yet a large one that failed to change may have moved nodes.
func (e *sortedEdit) end(changed bool, ev Event, failed error) error {
	wasLarge := e.it.Found() && e.it.large()
	if !changed && (failed == nil || !wasLarge) {
		return failed
	}
	raw, large := e.set.Raw()
	var err error
	if changed {
		err = e.db.Keep(e.h, e.key, e.it, SortedSet, raw, large, ev)
	} else {
		err = e.db.hold(e.h, e.key, e.it, SortedSet, raw, large, update)
	}
	if err == nil {
		return failed
	}
	if !wasLarge {
		e.db.Abandon(SortedSet, raw, large)
	}
	return err
}

// SortedAdd gives n members scores, as the mode says, and returns how many were added, and how many others have another
// score now. each returns member i and its score, which is a number. Without any change nothing is announced, and an
// absent key stays absent. On an error the members before the one that it came from are done. AddIncr is SortedIncr's.
func (db *DB) SortedAdd(
	h uint64, key []byte, mode value.AddMode, n int, each func(i int) ([]byte, float64),
) (added, changed int, err error) {
	e, err := db.editSorted(h, key)
	if err != nil {
		return 0, 0, err
	}
	for i := 0; i < n && err == nil; i++ {
		e.set.Ahead(i, n, func(i int) []byte {
			member, _ := each(i)
			return member
		})
		var did value.Added
		member, score := each(i)
		switch did, _, err = e.set.Add(member, score, mode); did {
		case value.AddDone:
			added++
		case value.AddChanged:
			changed++
		}
	}
	return added, changed, e.end(added+changed > 0, EventZAdd, err)
}

// SortedIncr adds to the score of a member, 0 if it is not there, and returns the sum, and whether the mode let it
// be. A sum that is no number is errs.ScoreNaN.
func (db *DB) SortedIncr(
	h uint64, key, member []byte, by float64, mode value.AddMode,
) (sum float64, done bool, err error) {
	e, err := db.editSorted(h, key)
	if err != nil {
		return 0, false, err
	}
	did, sum, err := e.set.Add(member, by, mode|value.AddIncr)
	switch err = e.end(did == value.AddDone || did == value.AddChanged, EventZIncr, err); {
	case err != nil || did == value.AddNothing:
		return 0, false, err
	case did == value.AddNaN:
		return 0, false, errs.ScoreNaN
	}
	return sum, true, nil
}

// SortedRemove removes n members and returns how many of them were there.
func (db *DB) SortedRemove(h uint64, key []byte, n int, each func(i int) []byte) (removed int, err error) {
	e, err := db.editSorted(h, key)
	if err != nil || !e.it.Found() {
		return 0, err
	}
	for i := 0; i < n && err == nil && e.set.Len() > 0; i++ {
		e.set.Ahead(i, n, each)
		var did bool
		if did, err = e.set.Remove(each(i)); did {
			removed++
		}
	}
	return removed, e.end(removed > 0, EventZRem, err)
}

// SortedRemoveRange removes the elements in a range and returns how many there were.
func (db *DB) SortedRemoveRange(h uint64, key []byte, r *value.SortedRange, ev Event) (removed int, err error) {
	e, err := db.editSorted(h, key)
	if err != nil || !e.it.Found() {
		return 0, err
	}
	return e.removeSpan(e.set.Span(r), ev)
}

// removeSpan removes elements by rank and stores what is left. Of a large sorted set without any left the nodes go
// bit by bit.
func (e *sortedEdit) removeSpan(s value.Ranks, ev Event) (removed int, err error) {
	n := e.set.Len()
	switch {
	case s.Len() == 0:
		return 0, nil
	case s.Len() == n:
		return n, e.db.discard(e.it, e.key, ev)
	}
	err = e.set.RemoveSpan(s.From, s.To)
	removed = n - e.set.Len()
	return removed, e.end(removed > 0, ev, err)
}

// discard removes a key whose elements were all taken from it.
func (db *DB) discard(it Item, key []byte, ev Event) error {
	if err := db.remove(it); err != nil {
		return err
	}
	db.touch(key, ev)
	db.tell(key, EventDel)
	db.scrap(it)
	db.t.FreeCell(it.slot)
	return nil
}

// SortedPop removes up to n elements with the lowest scores, or the highest, and appends them to dst in that order:
// see NextPopped. It returns how many there were. An absent key has none. If memory runs out those that are gone come
// with the error.
func (db *DB) SortedPop(dst []byte, h uint64, key []byte, n int, highest bool) (popped []byte, count int, err error) {
	e, err := db.editSorted(h, key)
	if err != nil || n <= 0 || !e.it.Found() {
		return dst, 0, err
	}
	out, ev, z := dst, EventZPopMin, &e.set
	s := value.Ranks{From: 0, To: min(n, z.Len())}
	c := z.From(0)
	if highest {
		ev, s = EventZPopMax, value.Ranks{From: z.Len() - s.To, To: z.Len()}
		c = z.From(s.To)
	}
	var digits [20]byte
	for range s.Len() {
		var el value.SortedElem
		if highest {
			el, _ = c.Prev()
		} else {
			el, _ = c.Next()
		}
		out = appendPopped(out, el.Member(digits[:]), el.Score)
	}
	if _, err := e.removeSpan(s, ev); err != nil {
		// What was stored says what is gone, not what was to be stored.
		left, _ := db.refind(h, key).SortedSet()
		out, count = onlyGone(&left, dst, out[len(dst):])
		return out, count, err
	}
	return out, s.Len(), nil
}

// onlyGone appends those popped elements that are not there any more.
func onlyGone(z *value.SortedSet, dst, popped []byte) (out []byte, count int) {
	for len(popped) > 0 {
		var member []byte
		var score float64
		member, score, popped = NextPopped(popped)
		if _, found := z.Seek(score, member); !found {
			dst = appendPopped(dst, member, score)
			count++
		}
	}
	return dst, count
}

func appendPopped(dst, member []byte, score float64) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(score))
	dst = binary.AppendUvarint(dst, uint64(len(member)))
	return append(dst, member...)
}

// NextPopped returns the first element of what SortedPop has appended, and the others. member is part of popped.
func NextPopped(popped []byte) (member []byte, score float64, rest []byte) {
	score = math.Float64frombits(binary.LittleEndian.Uint64(popped))
	n, size := binary.Uvarint(popped[8:])
	end := 8 + size + int(n)
	return popped[8+size : end : end], score, popped[end:]
}

// SortedStore makes a key hold the elements of a tally, whatever it held, or removes it where there are none.
func (db *DB) SortedStore(h uint64, key []byte, t *value.Tally, ev Event) error {
	t.Sort()
	raw, large, err := t.SortedSet(db.Heap())
	if err != nil {
		return err
	}
	return db.giveSorted(h, key, raw, large, ev)
}

// SortedStoreRange makes a key hold the elements in a range of a sorted set, which may be the key's own, and returns
// how many there are. Without any the key is removed.
func (db *DB) SortedStoreRange(h uint64, key []byte, from *value.SortedSet, r *value.SortedRange) (int, error) {
	s := from.Span(r)
	b := db.Heap().BuildSortedSet()
	c := from.From(s.From)
	var digits [20]byte
	for range s.Len() {
		e, _ := c.Next()
		if err := b.Add(e.Member(digits[:]), e.Score); err != nil {
			b.Drop()
			return 0, err
		}
	}
	raw, large := b.Raw()
	return s.Len(), db.giveSorted(h, key, raw, large, EventZRangeStore)
}

// giveSorted is Give for a sorted set that was made.
func (db *DB) giveSorted(h uint64, key []byte, raw []byte, large bool, ev Event) error {
	_, err := db.Give(h, key, SortedSet, raw, large, ev)
	if err != nil {
		db.Abandon(SortedSet, raw, large)
	}
	return err
}
