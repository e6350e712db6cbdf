package hashmap

import (
	"math/bits"

	"github.com/darterdb/darter/internal/slab"
)

// # Pages of a map
//
//	| birth u32 | head u32 | pair 0 | pair 1 | ... | free | ... | entry 1 | entry 0 |
//
// A pair is one byte of the key's hash, the fingerprint, and one byte with the length of the entry. Pairs stand in
// front and entries, in the same order, at the end, so that both have room to grow. A lookup goes over the pairs, four
// at a time: it compares their fingerprints and sums up their lengths, which gives the place of an entry that is worth
// a look.
//
// An entry is one of
//
//	plain    | length of key u8, at most maxPlain | key | value |
//	special  | 0xF0 + flags | length of key u8 | time i64, if flagTime | key | value |
//
// where with flagLoneKey or flagLoneValue there is | ref u48 | length u32 | in place of the bytes. What would be longer
// than maxEntry has its value, its key or both in lone cells: | birth u32 | bytes |.
const (
	pairSize = 2
	maxEntry = 255

	maxPlain      = 0xEF
	special       = 0xF0
	flagTime      = 1
	flagLoneKey   = 2
	flagLoneValue = 4

	timeSize = 8
	loneSize = refSize + 4
	loneData = 4 // behind a lone cell's birth
)

// Lanes of 16 bits, a pair in each.
const (
	lanes     = 0x00FF00FF00FF00FF
	ones      = 0x0001000100010001
	highBits  = 0x8000800080008000
	belowHigh = 0x7FFF7FFF7FFF7FFF
)

// fingerprint returns the byte of a hash that a pair keeps.
func fingerprint(h uint64) byte { return byte(h >> 56) }

// pairWord returns the pairs i to i+3. There may be bytes of something else behind the last pair, but always eight.
func pairWord(b []byte, i int) uint64 { return le64(b[nodeHead+i*pairSize:]) }

// locate looks for a key in a page and returns its place and the start and end of its entry; i < 0 says that it isn't
// there.
func locate(m slab.Mem, b []byte, h uint64, key []byte) (i, start, end int) {
	want := uint64(fingerprint(h)) * ones
	end = len(b)
	n := countOf(b)
	for i = 0; i < n; i += 4 {
		w := pairWord(b, i)
		lens := w >> 8 & lanes
		sums := lens * ones // lane k: the lengths of the entries up to i+k
		same := ^((w&lanes ^ want) + belowHigh) & highBits
		for ; same != 0; same &= same - 1 {
			lane := bits.TrailingZeros64(same) &^ 15
			if i+lane>>4 >= n {
				break
			}
			start := end - int(sums>>lane&0xFFFF)
			stop := start + int(lens>>lane&0xFFFF)
			if hasKey(m, b[start:stop], key) {
				return i + lane>>4, start, stop
			}
		}
		end -= int(sums >> 48)
	}
	return -1, 0, 0
}

// lowest returns where the last entry starts.
func lowest(b []byte) int {
	end := len(b)
	n := countOf(b)
	i := 0
	for ; i+4 <= n; i += 4 {
		end -= int(pairWord(b, i) >> 8 & lanes * ones >> 48)
	}
	for ; i < n; i++ {
		end -= int(b[nodeHead+i*pairSize+1])
	}
	return end
}

// hasKey says whether an entry is that of a key.
func hasKey(m slab.Mem, e, key []byte) bool {
	if n := int(e[0]); n <= maxPlain {
		return n == len(key) && string(e[1:1+n]) == string(key)
	}
	return string(parse(m, e).Key) == string(key)
}

// Entry is a key with what it leads to. The bytes are the map's own: they are good until it changes.
type Entry struct {
	Key   []byte
	Value []byte
	At    int64 // 0 for none
}

// parse reads an entry.
func parse(m slab.Mem, e []byte) Entry {
	n := int(e[0])
	if n <= maxPlain {
		return Entry{Key: e[1 : 1+n : 1+n], Value: e[1+n : len(e) : len(e)]}
	}
	flags := n - special
	var r Entry
	n = int(e[1])
	e = e[2:]
	if flags&flagTime != 0 {
		r.At = int64(le64(e))
		e = e[timeSize:]
	}
	if flags&flagLoneKey != 0 {
		r.Key = lone(m, getRef(e), int(le32(e[refSize:])))
		e = e[loneSize:]
	} else {
		r.Key = e[:n:n]
		e = e[n:]
	}
	if flags&flagLoneValue != 0 {
		r.Value = lone(m, getRef(e), int(le32(e[refSize:])))
	} else {
		r.Value = e[:len(e):len(e)]
	}
	return r
}

// lones returns where an entry has the refs of lone cells, nil where it has none.
func lones(e []byte) (key, value []byte) {
	if e[0] <= maxPlain {
		return nil, nil
	}
	flags := int(e[0]) - special
	at := 2
	if flags&flagTime != 0 {
		at += timeSize
	}
	if flags&flagLoneKey != 0 {
		key = e[at : at+loneSize]
	}
	if flags&flagLoneValue != 0 {
		value = e[len(e)-loneSize:]
	}
	return key, value
}

// lone returns the bytes in a lone cell.
func lone(m slab.Mem, ref slab.Ref, n int) []byte { return m.At(ref, loneData+n)[loneData:] }

// newLone puts bytes in a cell of their own.
func newLone(s *slab.Slab, v []byte) (slab.Ref, error) {
	if len(v) > slab.MaxCell-loneData {
		return 0, slab.ErrNoMemory
	}
	ref, err := s.Alloc(slab.Container, loneData+len(v))
	if err == nil {
		copy(lone(s.Mem, ref, len(v)), v)
	}
	return ref, err
}

// loneBytes returns the size of the cell that a lone ref leads to.
func loneBytes(at []byte) int64 { return int64(slab.CellSize(loneData + int(le32(at[refSize:])))) }

// form says how an entry is to be kept: its flags and its length.
func form(key, value []byte, at int64) (flags, size int) {
	if at == 0 && len(key) <= maxPlain && 1+len(key)+len(value) <= maxEntry {
		return -1, 1 + len(key) + len(value)
	}
	head := 2
	if at != 0 {
		flags, head = flagTime, head+timeSize
	}
	switch {
	case len(key)+len(value) <= maxEntry-head:
		return flags, head + len(key) + len(value)
	case len(key) <= maxEntry-head-loneSize:
		return flags | flagLoneValue, head + len(key) + loneSize
	case len(value) <= maxEntry-head-loneSize:
		return flags | flagLoneKey, head + loneSize + len(value)
	}
	return flags | flagLoneKey | flagLoneValue, head + 2*loneSize
}

// draft is an entry in the making, with cells that are to be freed when it is not used.
type draft struct {
	buf       [maxEntry]byte
	n         int
	lone      [2]slab.Ref
	loneBytes int64
}

// bytes returns the entry.
func (d *draft) bytes() []byte { return d.buf[:d.n] }

// make writes an entry. On an error nothing has changed.
func (d *draft) make(s *slab.Slab, key, value []byte, at int64) error {
	flags, size := form(key, value, at)
	d.n = size
	b := d.buf[:0]
	if flags < 0 {
		d.buf[0] = byte(len(key))
		copy(d.buf[1+copy(d.buf[1:], key):], value)
		return nil
	}
	b = append(b, byte(special+flags), byte(len(key)))
	if at != 0 {
		b = b[:len(b)+timeSize]
		put64(b[len(b)-timeSize:], uint64(at))
	}
	for i, v := range [...][]byte{key, value} {
		if flags&(flagLoneKey<<i) == 0 {
			b = append(b, v...)
			continue
		}
		ref, err := newLone(s, v)
		if err != nil {
			d.drop(s)
			return err
		}
		d.lone[i] = ref
		b = b[:len(b)+loneSize]
		slot := b[len(b)-loneSize:]
		putRef(slot, ref)
		put32(slot[refSize:], uint32(len(v)))
		d.loneBytes += loneBytes(slot)
	}
	return nil
}

// drop frees what was made for an entry.
func (d *draft) drop(s *slab.Slab) {
	for _, ref := range d.lone {
		if ref != 0 {
			s.FreeNow(ref)
		}
	}
}

// each passes on the entries of a page until fn returns false, and returns whether it didn't.
func each(b []byte, fn func(i int, e []byte) bool) bool {
	end := len(b)
	for i := range countOf(b) {
		n := int(b[nodeHead+i*pairSize+1])
		if !fn(i, b[end-n:end:end]) {
			return false
		}
		end -= n
	}
	return true
}

// entryAt returns entry i of a page.
func entryAt(b []byte, i int) []byte {
	end := len(b)
	j := 0
	for ; j+4 <= i; j += 4 {
		end -= int(pairWord(b, j) >> 8 & lanes * ones >> 48)
	}
	for ; j < i; j++ {
		end -= int(b[nodeHead+j*pairSize+1])
	}
	n := int(b[nodeHead+i*pairSize+1])
	return b[end-n : end : end]
}

// eachLoneAt passes on where a page has refs of lone cells, with the lengths of what is in them.
func eachLoneAt(b []byte, fn func(at []byte, n int)) {
	each(b, func(_ int, e []byte) bool {
		key, value := lones(e)
		for _, at := range [...][]byte{key, value} {
			if at != nil {
				fn(at, int(le32(at[refSize:])))
			}
		}
		return true
	})
}

// eachLone passes on the lone cells that a page leads to.
func eachLone(b []byte, fn func(ref slab.Ref)) {
	eachLoneAt(b, func(at []byte, _ int) {
		if ref := getRef(at); ref != 0 {
			fn(ref)
		}
	})
}

// writer fills a new page with entries in order.
type writer struct {
	b   []byte
	at  int // where the next pair stands
	end int // where the next entry ends
}

func writeTo(b []byte) writer { return writer{b, nodeHead, len(b)} }

func (w *writer) add(print byte, e []byte) {
	w.b[w.at], w.b[w.at+1] = print, byte(len(e))
	w.at += pairSize
	w.end -= len(e)
	copy(w.b[w.end:], e)
}

// addAll adds the entries of a whole page.
func (w *writer) addAll(b []byte) {
	n := countOf(b) * pairSize
	w.at += copy(w.b[w.at:], b[nodeHead:nodeHead+n])
	entries := b[lowest(b):]
	w.end -= len(entries)
	copy(w.b[w.end:], entries)
}

// sizeWith returns how many bytes a page needs when its entry of old bytes becomes one of size bytes; without an entry
// before old is 0, and without one after size is.
func sizeWith(b []byte, old, size int) int {
	n := nodeHead + countOf(b)*pairSize + len(b) - lowest(b) - old + size
	if old == 0 {
		n += pairSize
	}
	if size == 0 {
		n -= pairSize
	}
	return n
}

// edit puts an entry in the place of entry i, whose bytes are those from start to end, in a page that has room for it;
// i is the count of entries, and both are the lowest one's start, for one that is added. No entry removes the one that
// was.
func edit(b []byte, i, start, end int, print byte, e []byte) {
	low, n := lowest(b), countOf(b)
	copy(b[low+(end-start)-len(e):], b[low:start])
	pair := nodeHead + i*pairSize
	switch {
	case len(e) == 0:
		copy(b[pair:], b[pair+pairSize:nodeHead+n*pairSize])
		n--
	default:
		if i == n {
			n++
		}
		b[pair], b[pair+1] = print, byte(len(e))
		copy(b[end-len(e):], e)
	}
	setHead(b, mapPage, n)
}

// copyWith fills a new page with the entries of another, as edit would have changed them.
func copyWith(dst, b []byte, i, start, end int, print byte, e []byte) {
	n := countOf(b)
	low := lowest(b)
	pair := nodeHead + i*pairSize
	at := copy(dst[nodeHead:], b[nodeHead:pair]) + nodeHead
	to := len(dst) - (len(b) - end)
	copy(dst[to:], b[end:])
	if len(e) > 0 {
		dst[at], dst[at+1] = print, byte(len(e))
		at += pairSize
		to -= len(e)
		copy(dst[to:], e)
	}
	if i < n {
		copy(dst[at:], b[pair+pairSize:nodeHead+n*pairSize])
	}
	copy(dst[to-(start-low):], b[low:start])
}
