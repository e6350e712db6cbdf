package keyspace

import "github.com/darterdb/darter/internal/value"

// Target returns a key of this database, which belongs to its shard, for an operation on it.
func (db *DB) Target(key []byte) Target { return Target{db, db.t.Hash(key), key} }

// SortStore makes a key hold a list of n elements, whatever it held, without a time of expiry. Without elements the key is
// removed. On an error it is as it was.
func (db *DB) SortStore(h uint64, key []byte, n int, each func(i int) []byte) error {
	var l value.List
	l.Edit(db.Heap(), nil)
	size := 0
	for i := range n {
		size += len(each(i))
	}
	l.Expect(n, size)
	for i := range n {
		if err := l.Push(each(i), false); err != nil {
			l.Drop()
			return err
		}
	}
	raw, large := l.Raw()
	if _, err := db.Give(h, key, List, raw, large, EventSortStore); err != nil {
		db.Abandon(List, raw, large)
		return err
	}
	return nil
}

// EachElement calls fn with the elements of a list, set or sorted set that was found, in order where they have one: those
// from position from on and before position to, or, counted from the other end, backward. A set takes no notice of either.
// Elements are good for the call only. Another kind of value has none.
func (it Item) EachElement(from, to int, backward bool, fn func(elem []byte)) {
	var digits [20]byte
	switch it.Kind() {
	case List:
		l, _ := it.List()
		if backward {
			c := l.DownFrom(l.Len() - 1 - from)
			for range to - from {
				e, _ := c.Next()
				fn(l.Bytes(e, digits[:0]))
			}
			return
		}
		c := l.From(from)
		for range to - from {
			e, _ := c.Next()
			fn(l.Bytes(e, digits[:0]))
		}
	case Set:
		var s value.Set
		if it.OpenSet(&s) != nil {
			return
		}
		for m := range s.All {
			elem := m.Str
			if m.IsInt {
				elem = m.AppendTo(digits[:0])
			}
			fn(elem)
		}
	case SortedSet:
		z, _ := it.SortedSet()
		c := z.From(from)
		next := c.Next
		if backward {
			c = z.From(z.Len() - from)
			next = c.Prev
		}
		for range to - from {
			e, _ := next()
			fn(e.Member(digits[:]))
		}
	}
}
