package tracking

// Table is the readings of one shard, which is held while it is used. The zero value with its Registry and Shard set is
// empty.
type Table struct {
	Registry *Registry
	Shard    int

	keys map[string]*entry
}

// entry is a key with those who have read it.
type entry struct {
	key   string
	first *reading
	count int
	index map[*Tracker]struct{} // who they are, once they are many
}

// reading is in two lists.
type reading struct {
	entry      *entry
	by         *Tracker
	prev, next *reading // of the entry

	before, after *reading // of the tracker
}

// manyReaders is from how many on a key's readers are looked up in an index.
const manyReaders = 8

// Len returns how many keys there are.
func (t *Table) Len() int { return len(t.keys) }

// Note notes that a tracker has read a key.
func (t *Table) Note(key []byte, by *Tracker) {
	e := t.keys[string(key)]
	if e == nil {
		if t.keys == nil {
			t.keys = map[string]*entry{}
		}
		e = &entry{key: string(key)}
		t.keys[e.key] = e
		t.Registry.keys.Add(1)
	} else if e.has(by) {
		return
	}
	list := &by.lists[t.Shard]
	r := &reading{entry: e, by: by, next: e.first, after: *list}
	if r.next != nil {
		r.next.prev = r
	}
	if r.after != nil {
		r.after.before = r
	}
	e.first, *list = r, r
	t.count(by, 1)
	e.count++
	switch {
	case e.index != nil:
		e.index[by] = struct{}{}
	case e.count == manyReaders:
		e.index = map[*Tracker]struct{}{}
		for r := e.first; r != nil; r = r.next {
			e.index[r.by] = struct{}{}
		}
	}
}

func (t *Table) count(by *Tracker, n int64) {
	by.items.Add(n)
	t.Registry.items.Add(n)
}

func (e *entry) has(by *Tracker) bool {
	if e.index != nil {
		_, ok := e.index[by]
		return ok
	}
	for r := e.first; r != nil; r = r.next {
		if r.by == by {
			return true
		}
	}
	return false
}

// Changed tells those who have read a key that it was changed, by a tracked client or, nil, by somebody else, and
// forgets the readings.
func (t *Table) Changed(key []byte, by *Tracker) {
	if e := t.keys[string(key)]; e != nil {
		t.end(e, func(r *reading, m *Message) *Message {
			if !r.by.hears(by) {
				return m
			}
			if m == nil {
				m = keyMessage(e.key)
			}
			r.by.client.Invalidate(m)
			return m
		})
	}
}

// end forgets the readings of a key, and hands each to tell with what that returned for the one before.
func (t *Table) end(e *entry, tell func(*reading, *Message) *Message) {
	delete(t.keys, e.key)
	if len(t.keys) == 0 {
		t.keys = nil // the map keeps the room of all keys that it ever had
	}
	t.Registry.keys.Add(-1)
	var m *Message
	for r := e.first; r != nil; r = r.next {
		r.leave(&r.by.lists[t.Shard])
		t.count(r.by, -1)
		m = tell(r, m)
	}
}

// leave takes a reading out of its tracker's list.
func (r *reading) leave(list **reading) {
	if r.before == nil {
		*list = r.after
	} else {
		r.before.after = r.after
	}
	if r.after != nil {
		r.after.before = r.before
	}
}

// Clear forgets all readings and tells nobody.
func (t *Table) Clear() {
	for _, e := range t.keys {
		t.end(e, func(*reading, *Message) *Message { return nil })
	}
}

// DropOne forgets some key and tells those who have read it, as if it had changed. It is false if there is none.
func (t *Table) DropOne() bool {
	for key := range t.keys {
		t.Changed([]byte(key), nil)
		return true
	}
	return false
}

// Forget drops up to n of a tracker's readings, and says whether there may be more.
func (t *Table) Forget(by *Tracker, n int) (more bool) {
	list := &by.lists[t.Shard]
	for ; n > 0 && *list != nil; n-- {
		r := *list
		r.leave(list)
		t.count(by, -1)
		e := r.entry
		if r.prev == nil {
			e.first = r.next
		} else {
			r.prev.next = r.next
		}
		if r.next != nil {
			r.next.prev = r.prev
		}
		delete(e.index, by)
		if e.count--; e.count == 0 {
			delete(t.keys, e.key)
			t.Registry.keys.Add(-1)
		}
	}
	if len(t.keys) == 0 {
		t.keys = nil
	}
	return *list != nil
}
