package hashmap

import (
	"github.com/darterdb/darter/internal/slab"
)

// # Pages of an index
//
//	| birth u32 | head u32 | hash 0 u32 | hash 1 u32 | ... | free | ... | number 1 u64 | number 0 u64 |
//
// Entries are in the order of their hashes. The hashes of one page agree in their low bits and are even in the high
// ones, so a hash is found near where its size says.
const (
	hashSize   = 4
	numberSize = 8
)

// Index leads from hashes to numbers: whoever keeps the keys elsewhere finds by them where. Hashes need not be unlike,
// and all but their low 32 bits are dropped. The zero value is empty. An Index is its record: whoever changes it keeps
// the record anew, whatever the change returned.
type Index struct{ pages }

// DecodeIndex reads an Index's record from the start of b, and returns the record's size.
func DecodeIndex(b []byte) (Index, int) {
	var x Index
	x.decode(b)
	return x, RecordSize
}

func hashOf(b []byte, i int) uint32 { return le32(b[nodeHead+i*hashSize:]) }

// numberOf returns where number i of a page stands.
func numberOf(b []byte, i int) []byte { return b[len(b)-(i+1)*numberSize:] }

// seekHash returns the place of the first entry of a hash in a page, or that where it would be.
func seekHash(b []byte, h uint32) int {
	n := countOf(b)
	i := int(uint64(h) * uint64(n) >> 32)
	for i < n && hashOf(b, i) < h {
		i++
	}
	for i > 0 && hashOf(b, i-1) >= h {
		i--
	}
	return i
}

// seekEntry returns the place of an entry in a page, -1 without it.
func seekEntry(b []byte, h uint32, number uint64) int {
	for i, n := seekHash(b, h), countOf(b); i < n && hashOf(b, i) == h; i++ {
		if le64(numberOf(b, i)) == number {
			return i
		}
	}
	return -1
}

func indexSize(entries int) int { return nodeHead + entries*(hashSize+numberSize) }

// Lookup passes on the numbers that a hash leads to until fn returns false. O(1).
func (x *Index) Lookup(m slab.Mem, h uint64, fn func(number uint64) bool) {
	if x.Count == 0 {
		return
	}
	ref := x.page(m, x.number(h))
	if ref == 0 {
		return
	}
	b := node(m, ref)
	want := uint32(h)
	for i, n := seekHash(b, want), countOf(b); i < n && hashOf(b, i) == want; i++ {
		if !fn(le64(numberOf(b, i))) {
			return
		}
	}
}

// Put adds an entry. On an error nothing has changed. O(1).
func (x *Index) Put(s *slab.Slab, h, number uint64) error {
	if x.n == 0 {
		if err := x.push(s, 0); err != nil {
			return err
		}
	}
	page := x.number(h)
	ref := x.page(s.Mem, page)
	if err := x.insert(s, page, ref, uint32(h), number); err != nil {
		return err
	}
	if x.Count++; x.crowded() {
		x.split(s)
	}
	return nil
}

func (x *Index) insert(s *slab.Slab, page int, ref slab.Ref, h uint32, number uint64) error {
	if ref == 0 {
		fresh, b, err := x.newPage(s, indexPage, 1, indexSize(1))
		if err != nil {
			return err
		}
		setEntry(b, 0, h, number)
		return x.swap(s, page, 0, fresh)
	}
	b := node(s.Mem, ref)
	n := countOf(b)
	at := seekHash(b, h)
	if indexSize(n+1) > len(b) || s.Frozen(ref) {
		fresh, dst, err := x.newPage(s, indexPage, n+1, indexSize(n+1))
		if err != nil {
			return err
		}
		copyEntries(dst, 0, b, 0, at)
		setEntry(dst, at, h, number)
		copyEntries(dst, at+1, b, at, n)
		return x.swap(s, page, ref, fresh)
	}
	setHead(b, indexPage, n+1)
	copyEntries(b, at+1, b, at, n)
	setEntry(b, at, h, number)
	return nil
}

func setEntry(b []byte, i int, h uint32, number uint64) {
	put32(b[nodeHead+i*hashSize:], h)
	put64(numberOf(b, i), number)
}

// copyEntries copies the entries from one place up to another to a page, or within one.
func copyEntries(dst []byte, at int, b []byte, from, to int) {
	copy(dst[nodeHead+at*hashSize:], b[nodeHead+from*hashSize:nodeHead+to*hashSize])
	copy(dst[len(dst)-(at+to-from)*numberSize:], b[len(b)-to*numberSize:len(b)-from*numberSize])
}

// Replace gives an entry another number and says whether there was such an entry. On an error nothing has changed.
// O(1).
func (x *Index) Replace(s *slab.Slab, h, old, number uint64) (bool, error) {
	page, ref, i := x.find(s.Mem, h, old)
	if i < 0 {
		return false, nil
	}
	b := node(s.Mem, ref)
	if s.Frozen(ref) {
		fresh, dst, err := x.newPage(s, indexPage, countOf(b), indexSize(countOf(b)))
		if err != nil {
			return false, err
		}
		copyEntries(dst, 0, b, 0, countOf(b))
		put64(numberOf(dst, i), number)
		err = x.swap(s, page, ref, fresh)
		return err == nil, err
	}
	put64(numberOf(b, i), number)
	return true, nil
}

// find looks for an entry: its page and place, below 0 if there is none.
func (x *Index) find(m slab.Mem, h, number uint64) (page int, ref slab.Ref, i int) {
	if x.Count == 0 {
		return 0, 0, -1
	}
	page = x.number(h)
	if ref = x.page(m, page); ref == 0 {
		return page, 0, -1
	}
	return page, ref, seekEntry(node(m, ref), uint32(h), number)
}

// Delete removes an entry and says whether it was there. On an error nothing has changed. O(1).
func (x *Index) Delete(s *slab.Slab, h, number uint64) (bool, error) {
	page, ref, i := x.find(s.Mem, h, number)
	if i < 0 {
		return false, nil
	}
	if err := x.remove(s, page, ref, i); err != nil {
		return false, err
	}
	if x.Count--; x.Count == 0 {
		x.free(s)
	} else if x.sparse() {
		x.join(s)
	}
	return true, nil
}

func (x *Index) remove(s *slab.Slab, page int, ref slab.Ref, i int) error {
	b := node(s.Mem, ref)
	n := countOf(b)
	if n == 1 {
		return x.swap(s, page, ref, 0)
	}
	need := indexSize(n - 1)
	if frozen := s.Frozen(ref); frozen || roomFor(need)+step < len(b) {
		fresh, dst, err := x.newPage(s, indexPage, n-1, need)
		if err == nil {
			copyEntries(dst, 0, b, 0, i)
			copyEntries(dst, i, b, i+1, n)
			return x.swap(s, page, ref, fresh)
		}
		if frozen {
			return err
		}
	}
	copyEntries(b, i, b, i+1, n)
	setHead(b, indexPage, n-1)
	return nil
}

// split makes two pages of the one that is next in turn.
func (x *Index) split(s *slab.Slab) {
	x.splitWith(s, func(from slab.Ref, bit uint64) (low, high slab.Ref, err error) {
		b := node(s.Mem, from)
		n := countOf(b)
		var count [2]int
		for i := range n {
			count[side(b, i, bit)]++
		}
		var refs [2]slab.Ref
		var dst [2][]byte
		for k := range refs {
			if count[k] == 0 {
				continue
			}
			if refs[k], dst[k], err = x.newPage(s, indexPage, count[k], indexSize(count[k])); err != nil {
				x.freePage(s, refs[0])
				return 0, 0, err
			}
		}
		count = [2]int{}
		for i := range n {
			k := side(b, i, bit)
			setEntry(dst[k], count[k], hashOf(b, i), le64(numberOf(b, i)))
			count[k]++
		}
		return refs[0], refs[1], nil
	})
}

// side returns which of two pages an entry goes to.
func side(b []byte, i int, bit uint64) int {
	if uint64(hashOf(b, i))&bit != 0 {
		return 1
	}
	return 0
}

// join makes one page of the last one and the one that it was split from.
func (x *Index) join(s *slab.Slab) {
	x.joinWith(s, func(low, high slab.Ref) (slab.Ref, error) {
		if low == 0 || high == 0 {
			return low + high, nil
		}
		a, b := node(s.Mem, low), node(s.Mem, high)
		n, m := countOf(a), countOf(b)
		ref, dst, err := x.newPage(s, indexPage, n+m, indexSize(n+m))
		if err != nil {
			return 0, err
		}
		for i, j := 0, 0; i+j < n+m; {
			if j == m || i < n && hashOf(a, i) <= hashOf(b, j) {
				setEntry(dst, i+j, hashOf(a, i), le64(numberOf(a, i)))
				i++
			} else {
				setEntry(dst, i+j, hashOf(b, j), le64(numberOf(b, j)))
				j++
			}
		}
		return ref, nil
	})
}

// Free frees all that the index has in the slab, and leaves it empty. O(n).
func (x *Index) Free(s *slab.Slab) { x.free(s) }

// Clone copies the index into another slab, or the same. On an error nothing is left there. O(n).
func (x *Index) Clone(m slab.Mem, to *slab.Slab) (Index, error) {
	p, err := x.clone(m, to)
	return Index{p}, err
}
