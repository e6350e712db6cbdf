package hashmap

import (
	"hash/maphash"
	"math"
	"math/bits"

	"github.com/darterdb/darter/internal/slab"
)

// Map leads from byte strings to byte strings, with a time each. The zero value is empty. A Map is its record: whoever
// changes it keeps the record anew, whatever the change returned.
//
// Hashes are maphash.Bytes(seed, key), the seed always the same.
type Map struct{ pages }

// Decode reads a Map's record from the start of b, and returns the record's size.
func Decode(b []byte) (Map, int) {
	var m Map
	m.decode(b)
	return m, RecordSize
}

// Get returns the entry of a key, given the key's hash, and whether there is one. O(1).
func (t *Map) Get(m slab.Mem, h uint64, key []byte) (Entry, bool) {
	if t.Count == 0 {
		return Entry{}, false
	}
	e := entryOf(m, t.page(m, t.number(h)), h, key)
	if e == nil {
		return Entry{}, false
	}
	return parse(m, e), true
}

// Value is Get of a record that need not become a Map first: it returns the key's value and whether there is one.
func Value(m slab.Mem, record []byte, h uint64, key []byte) ([]byte, bool) {
	e := find(m, record, h, key)
	switch {
	case e == nil:
		return nil, false
	case e[0] <= maxPlain:
		return e[1+int(e[0]):], true
	}
	return parse(m, e).Value, true
}

// Has says whether there is a key, given a record. O(1).
func Has(m slab.Mem, record []byte, h uint64, key []byte) bool { return find(m, record, h, key) != nil }

// find returns a key's entry, nil if there is none.
func find(m slab.Mem, record []byte, h uint64, key []byte) []byte {
	root, n := slab.Ref(le64(record)), int(le32(record[32:]))
	if root == 0 {
		return nil
	}
	return entryOf(m, pageBelow(m, root, n, numberOf(h, n)), h, key)
}

// Ahead has the processor load where a key is, or would be, for an operation on it that comes soon.
func (t *Map) Ahead(m slab.Mem, h uint64) {
	if t.Root == 0 {
		return
	}
	if page := t.page(m, t.number(h)); page != 0 {
		m.Prefetch(page, pageFill)
	}
}

// entryOf returns a key's entry in a page, nil if there is none.
func entryOf(m slab.Mem, page slab.Ref, h uint64, key []byte) []byte {
	if page == 0 {
		return nil
	}
	m.Prefetch(page, pageFill)
	b := node(m, page)
	i, start, end := locate(m, b, h, key)
	if i < 0 {
		return nil
	}
	return b[start:end:end]
}

// Put gives a key a value and a time, 0 for none, and says whether it was there before. key and value may be an Entry's
// of this map. On an error nothing has changed. O(1).
func (t *Map) Put(s *slab.Slab, seed maphash.Seed, h uint64, key, value []byte, at int64) (existed bool, err error) {
	if t.n == 0 {
		if err := t.push(s, 0); err != nil {
			return false, err
		}
	}
	number := t.number(h)
	ref := t.page(s.Mem, number)
	var b []byte
	i := -1
	var start, end int
	if ref != 0 {
		s.Prefetch(ref, pageFill)
		b = node(s.Mem, ref)
		i, start, end = locate(s.Mem, b, h, key)
	}
	existed = i >= 0
	if existed && t.overwrite(s, ref, b[start:end], value, at) {
		return true, nil
	}
	var d draft
	if err := d.make(s, key, value, at); err != nil {
		return false, err
	}
	var gone leaving
	if existed {
		gone = leavingOf(b[start:end])
	} else if ref != 0 {
		i, start = countOf(b), lowest(b)
		end = start
	}
	if err := t.change(s, number, ref, i, start, end, fingerprint(h), d.bytes()); err != nil {
		d.drop(s)
		return false, err
	}
	t.release(s, gone)
	t.Bytes += d.loneBytes
	if !existed {
		t.Count++
		if t.crowded() {
			t.split(s, seed)
		}
	}
	return existed, nil
}

// overwrite changes an entry where it is, if neither its form nor a length changes, and says whether it did.
func (t *Map) overwrite(s *slab.Slab, page slab.Ref, e, value []byte, at int64) bool {
	was := parse(s.Mem, e)
	if len(was.Value) != len(value) || (was.At == 0) != (at == 0) || s.Frozen(page) {
		return false
	}
	if _, lone := lones(e); lone != nil && s.Frozen(getRef(lone)) {
		return false
	}
	copy(was.Value, value)
	if at != 0 {
		put64(e[2:], uint64(at))
	}
	return true
}

// change puts entry e in the place of entry i of a page, whose bytes are those from start to end, or adds it, if there
// are none; no bytes remove the one that was. On an error nothing has changed.
func (t *Map) change(s *slab.Slab, number int, ref slab.Ref, i, start, end int, print byte, e []byte) error {
	if ref == 0 {
		fresh, b, err := t.newPage(s, mapPage, 1, nodeHead+pairSize+len(e))
		if err != nil {
			return err
		}
		w := writeTo(b)
		w.add(print, e)
		return t.swap(s, number, 0, fresh)
	}
	b := node(s.Mem, ref)
	count := countOf(b)
	if start == end {
		count++
	} else if len(e) == 0 {
		count--
	}
	if count == 0 {
		return t.swap(s, number, ref, 0)
	}
	need := sizeWith(b, end-start, len(e))
	frozen := s.Frozen(ref)
	if frozen || need > len(b) || roomFor(need)+step < len(b) {
		fresh, dst, err := t.newPage(s, mapPage, count, need)
		if err == nil {
			copyWith(dst, b, i, start, end, print, e)
			return t.swap(s, number, ref, fresh)
		}
		if frozen || need > len(b) {
			return err
		}
	}
	edit(b, i, start, end, print, e)
	return nil
}

// leaving is the lone cells of an entry that goes.
type leaving struct {
	refs  [2]slab.Ref
	bytes int64
}

func leavingOf(e []byte) (l leaving) {
	key, value := lones(e)
	for i, at := range [...][]byte{key, value} {
		if at != nil {
			l.refs[i] = getRef(at)
			l.bytes += loneBytes(at)
		}
	}
	return l
}

func (t *Map) release(s *slab.Slab, l leaving) {
	if l.bytes == 0 {
		return
	}
	for _, ref := range l.refs {
		if ref != 0 {
			s.Free(ref)
		}
	}
	t.Bytes -= l.bytes
}

// Delete removes a key and says whether it was there. On an error nothing has changed. O(1).
func (t *Map) Delete(s *slab.Slab, h uint64, key []byte) (bool, error) {
	if t.Count == 0 {
		return false, nil
	}
	number := t.number(h)
	ref := t.page(s.Mem, number)
	if ref == 0 {
		return false, nil
	}
	s.Prefetch(ref, pageFill)
	b := node(s.Mem, ref)
	i, start, end := locate(s.Mem, b, h, key)
	if i < 0 {
		return false, nil
	}
	gone := leavingOf(b[start:end])
	if err := t.change(s, number, ref, i, start, end, 0, nil); err != nil {
		return false, err
	}
	t.release(s, gone)
	if t.Count--; t.Count == 0 {
		t.free(s)
	} else if t.sparse() {
		t.join(s)
	}
	return true, nil
}

// split makes two pages of the one that is next in turn.
func (t *Map) split(s *slab.Slab, seed maphash.Seed) {
	t.splitWith(s, func(from slab.Ref, bit uint64) (low, high slab.Ref, err error) {
		b := node(s.Mem, from)
		var up [(maxCount + 63) / 64]uint64 // the entries that go to the higher page
		var count, size [2]int
		each(b, func(i int, e []byte) bool {
			to := 0
			if maphash.Bytes(seed, parse(s.Mem, e).Key)&bit != 0 {
				to = 1
				up[i>>6] |= 1 << (i & 63)
			}
			count[to]++
			size[to] += pairSize + len(e)
			return true
		})
		var w [2]writer
		var refs [2]slab.Ref
		for k := range refs {
			if count[k] == 0 {
				continue
			}
			var dst []byte
			if refs[k], dst, err = t.newPage(s, mapPage, count[k], nodeHead+size[k]); err != nil {
				t.freePage(s, refs[0])
				return 0, 0, err
			}
			w[k] = writeTo(dst)
		}
		each(b, func(i int, e []byte) bool {
			w[up[i>>6]>>(i&63)&1].add(b[nodeHead+i*pairSize], e)
			return true
		})
		return refs[0], refs[1], nil
	})
}

// join makes one page of the last one and the one that it was split from.
func (t *Map) join(s *slab.Slab) {
	t.joinWith(s, func(low, high slab.Ref) (slab.Ref, error) {
		if low == 0 || high == 0 {
			return low + high, nil
		}
		a, b := node(s.Mem, low), node(s.Mem, high)
		ref, dst, err := t.newPage(s, mapPage, countOf(a)+countOf(b), sizeWith(a, 0, 0)+sizeWith(b, 0, 0)-nodeHead)
		if err != nil {
			return 0, err
		}
		w := writeTo(dst)
		w.addAll(a)
		w.addAll(b)
		return ref, nil
	})
}

// Scan passes on the entries of one step of a walk and returns the cursor of the next step, 0 at the end; 0 starts one.
// Entries that are there from the start of a walk to its end are passed on at least once, whatever happens to others
// meanwhile. fn must not change the map. O(1).
func (t *Map) Scan(m slab.Mem, cursor uint64, fn func(Entry)) uint64 {
	if t.Count == 0 {
		return 0
	}
	i := t.number(cursor)
	if ref := t.page(m, i); ref != 0 {
		each(node(m, ref), func(_ int, e []byte) bool {
			fn(parse(m, e))
			return true
		})
	}
	return t.next(cursor, i)
}

// All passes on every entry until fn returns false. fn must not change the map. O(n).
func (t *Map) All(m slab.Mem, fn func(Entry) bool) {
	if t.Count == 0 {
		return
	}
	for i := range t.n {
		ref := t.page(m, i)
		if ref != 0 && !each(node(m, ref), func(_ int, e []byte) bool { return fn(parse(m, e)) }) {
			return
		}
	}
}

// Random returns an entry at random, each with the same chance, or nearly. rnd is a random number. The map must not be
// empty. O(1).
func (t *Map) Random(m slab.Mem, rnd uint64) Entry {
	// A page is drawn with a chance that follows from its part of all hashes, and one of the places in it, of which
	// there are as many for each part of that size as a crowded page has entries. Where there is none it is tried
	// again.
	b := bits.Len(uint(t.n - 1))
	part := float64(t.Count) / float64(uint64(1)<<b)
	places := uint64(part + 3*math.Sqrt(part) + 2)
	for {
		rnd += 2
		i := t.number(mix(rnd))
		ref := t.page(m, i)
		if ref == 0 {
			continue
		}
		page := node(m, ref)
		count := uint64(countOf(page))
		if at := mix(rnd+1) % max(places<<(b-t.depth(i)), count); at < count {
			return parse(m, entryAt(page, int(at)))
		}
	}
}

// mix makes a random number of any number (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
func mix(x uint64) uint64 {
	x *= 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// Free frees all that the map has in the slab, and leaves it empty. O(n).
func (t *Map) Free(s *slab.Slab) { t.free(s) }

// Clone copies the map into another slab, or the same. On an error nothing is left there. O(n).
func (t *Map) Clone(m slab.Mem, to *slab.Slab) (Map, error) {
	p, err := t.clone(m, to)
	return Map{p}, err
}
