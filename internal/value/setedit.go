package value

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/darterdb/darter/internal/hashmap"
	"github.com/darterdb/darter/internal/packed"
)

// SetEdit is a set to be changed. The caller holds the heap's shard and, when it is done, stores what Raw returns, even
// if an operation failed: each does all of its work or nothing, and a large set has changed by those before.
//
// A packed set is copied when the first change comes, behind room for its head:
//
//	buf  | room | members ... |         room: form and number of members, written by Raw
type SetEdit struct {
	Set
	h       *Heap
	buf     []byte
	own     bool // the members of a packed set are in buf
	leave   bool // with the next member that comes the set is made large
	changed bool
	private bool // buf is not the heap's scratch
}

// setRoom is for the form and the number of members.
const setRoom = 1 + binary.MaxVarintLen32

// Open makes a zero SetEdit one of raw bytes, none for an empty set. It uses the heap's scratch.
func (e *SetEdit) Open(h *Heap, raw []byte) {
	e.Set.Open(h.view(), raw)
	e.h, e.buf = h, h.Scratch
}

// New makes a zero SetEdit an empty set with a buffer of its own, so that it can be worked on beside others and for as
// long as need be.
func (e *SetEdit) New(h *Heap) {
	e.Set.Open(h.view(), nil)
	e.h, e.private = h, true
}

// view reads what is in the heap.
func (h *Heap) view() View { return View{Mem: h.Mem, Seed: h.Seed} }

// Raw returns the set as raw bytes and whether it is large. Without members they are empty.
func (e *SetEdit) Raw() (raw []byte, large bool) {
	if e.n == 0 {
		return nil, false
	}
	if e.form == setLarge {
		e.buf = e.m.AppendTo(append(e.buf[:0], setLarge))
		e.keepScratch()
		return e.buf, true
	}
	e.take()
	e.keepScratch()
	if e.form != setStrings {
		e.buf[setRoom-1] = e.form
		return e.buf[setRoom-1:], false
	}
	var count [binary.MaxVarintLen32]byte
	n := binary.PutUvarint(count[:], uint64(e.n))
	start := setRoom - 1 - n
	e.buf[start] = setStrings
	copy(e.buf[start+1:], count[:n])
	return e.buf[start:], false
}

func (e *SetEdit) keepScratch() {
	if !e.private {
		e.h.Scratch = e.buf
	}
}

// Changed says whether the set is another than the one that was opened.
func (e *SetEdit) Changed() bool { return e.changed }

// take makes a copy of a packed set's members that can be changed.
func (e *SetEdit) take() {
	if e.own {
		return
	}
	var room [setRoom]byte
	e.buf = append(append(e.buf[:0], room[:]...), e.body...)
	e.own = true
	e.body = e.buf[setRoom:]
}

// put brings the set up to date with buf.
func (e *SetEdit) put(buf []byte, n int) {
	e.buf, e.body, e.n = buf, buf[setRoom:], n
	e.changed = true
}

// Expect says that up to n members are about to be added, the first of which is given. If that may be more than the
// set's form is for, it leaves it with the first one that is new; an empty set begins in the form for so many.
func (e *SetEdit) Expect(first []byte, n int) {
	ints, entries := e.h.Limits.SetInts.Load(), e.h.Limits.SetEntries.Load()
	if e.n > 0 {
		e.leave = e.form == setStrings && int64(n) > entries || e.form < setStrings && int64(n) > ints
		return
	}
	_, isInt := parseMember(first)
	switch {
	case isInt && int64(n) <= ints:
		e.form = ints16
	case int64(n) <= entries:
		e.form = setStrings
	default:
		e.form = setLarge
	}
}

// Add adds a member and says whether it wasn't there before. member must not be part of the set. O(1) in a large set,
// O(n) in a packed one.
func (e *SetEdit) Add(member []byte) (bool, error) {
	switch e.form {
	case setLarge:
		return e.addLarge(member)
	case setStrings:
		return e.addString(member)
	}
	if n, ok := parseMember(member); ok {
		return e.addInt(n)
	}
	if !e.stringsHold(len(member)) || !e.intsFit() {
		return true, e.enlargeWith(member)
	}
	e.toStrings()
	e.put(packed.AppendString(e.buf, member), e.n+1)
	return true, nil
}

// add is Add for a member of another set.
func (e *SetEdit) add(m Member) (bool, error) {
	switch {
	case !m.IsInt:
		return e.Add(m.Str)
	case e.form < setStrings:
		return e.addInt(m.Int)
	}
	var digits [20]byte
	return e.Add(m.AppendTo(digits[:0]))
}

func (e *SetEdit) addInt(n int64) (bool, error) {
	i, found := e.ints().search(n)
	if found {
		return false, nil
	}
	if e.leave || int64(e.n) >= e.h.Limits.SetInts.Load() || len(e.body) >= maxPacked {
		var digits [20]byte
		m := Member{Int: n, IsInt: true}
		return true, e.enlargeWith(m.AppendTo(digits[:0]))
	}
	e.take()
	buf, shift := insertInt(e.buf, setRoom, e.form, i, n)
	e.form = shift
	e.put(buf, e.n+1)
	return true, nil
}

func (e *SetEdit) addString(member []byte) (bool, error) {
	if _, _, found := packed.Find(e.body, member); found {
		return false, nil
	}
	if !e.stringsHold(len(member)) {
		return true, e.enlargeWith(member)
	}
	e.take()
	e.put(packed.AppendValue(e.buf, member), e.n+1)
	return true, nil
}

// stringsHold says whether the set, packed as strings, can take another member, of a length.
func (e *SetEdit) stringsHold(length int) bool {
	l := e.h.Limits
	return !e.leave && int64(e.n) < l.SetEntries.Load() && int64(length) <= l.SetValue.Load() &&
		len(e.body)+length <= maxPacked
}

// intsFit says whether the digits of all integers are short enough for packed strings.
func (e *SetEdit) intsFit() bool {
	if e.n == 0 {
		return true
	}
	first, last := Member{Int: e.ints().at(0), IsInt: true}, Member{Int: e.ints().at(e.n - 1), IsInt: true}
	return int64(max(first.Len(), last.Len())) <= e.h.Limits.SetValue.Load()
}

// toStrings turns integers into packed strings.
func (e *SetEdit) toStrings() {
	e.take()
	// The elements come behind the integers, and then in their place.
	ints, end := e.ints(), len(e.buf)
	buf := e.buf
	for i := range e.n {
		buf = packed.AppendInt(buf, ints.at(i))
	}
	n := copy(buf[setRoom:], buf[end:])
	e.form = setStrings
	e.put(buf[:setRoom+n], e.n)
}

func (e *SetEdit) addLarge(member []byte) (bool, error) {
	h := maphash.Bytes(e.seed, member)
	if e.h.HasVersions() {
		// To put a member where it is already would copy a frozen page.
		if _, found := e.m.Get(e.mem, h, member); found {
			return false, nil
		}
	}
	existed, err := e.m.Put(e.h.Slab, e.seed, h, member, nil, 0)
	if err != nil || existed {
		return false, err
	}
	e.n, e.changed = e.m.Count, true
	return true, nil
}

// enlargeWith makes a packed set large and adds a member that it doesn't have. If it can't do both, it changes nothing.
func (e *SetEdit) enlargeWith(member []byte) error {
	m, err := e.toMap()
	if err != nil {
		return err
	}
	if _, err = m.Put(e.h.Slab, e.seed, maphash.Bytes(e.seed, member), member, nil, 0); err != nil {
		m.Free(e.h.Slab)
		return err
	}
	e.setMap(m)
	return nil
}

func (e *SetEdit) setMap(m hashmap.Map) {
	e.m, e.n, e.form = m, m.Count, setLarge
	e.body, e.own, e.changed = nil, false, true
}

// toMap makes a hash map of a packed set's members.
func (e *SetEdit) toMap() (m hashmap.Map, err error) {
	var digits [20]byte
	e.All(func(member Member) bool {
		key := member.Str
		if member.IsInt {
			key = member.AppendTo(digits[:0])
		}
		_, err = m.Put(e.h.Slab, e.seed, maphash.Bytes(e.seed, key), key, nil, 0)
		return err == nil
	})
	if err != nil {
		m.Free(e.h.Slab)
	}
	return m, err
}

// Remove removes a member and says whether it was there. member must not be part of the set. A large set whose last
// member goes has no nodes left. O(1) in a large set, O(n) in a packed one.
func (e *SetEdit) Remove(member []byte) (bool, error) {
	if e.n == 0 {
		return false, nil
	}
	switch e.form {
	case setLarge:
		existed, err := e.m.Delete(e.h.Slab, maphash.Bytes(e.seed, member), member)
		if existed && err == nil {
			e.n, e.changed = e.m.Count, true
		}
		return existed && err == nil, err
	case setStrings:
		_, at, found := packed.Find(e.body, member)
		if found {
			e.cut(at, packed.Skip(e.body[at:]))
		}
		return found, nil
	}
	n, ok := parseMember(member)
	if !ok {
		return false, nil
	}
	i, found := e.ints().search(n)
	if found {
		e.cut(i<<e.form, 1<<e.form)
	}
	return found, nil
}

// Prepare has a large set own what is changed when a member that it has is removed.
func (e *SetEdit) Prepare(member []byte) error {
	_, err := e.m.Put(e.h.Slab, e.seed, maphash.Bytes(e.seed, member), member, nil, 0)
	return err
}

// cut takes one member of a packed set out: some bytes of its body.
func (e *SetEdit) cut(at, size int) {
	e.take()
	e.put(packed.Splice(e.buf, setRoom+at, setRoom+at+size, nil), e.n-1)
}

// Free frees the nodes of a large set, which has no members then.
func (e *SetEdit) Free() {
	if e.form == setLarge {
		e.m.Free(e.h.Slab)
	}
	*e = SetEdit{h: e.h, buf: e.buf, private: e.private}
	e.Set.Open(e.h.view(), nil)
}
