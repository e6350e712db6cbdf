// Package table is the dictionary: it finds the cell that holds a key.
//
// # Words
//
//	cell       one key with its value, in the slab (cell.go)
//	slot       8 bytes: where a cell is, and what must be known without touching it (slot.go)
//	bucket     a cache line: 7 slots and a byte of fingerprint for each
//	segment    a page of buckets: what grows, splits, merges, and is copied on write
//	directory  which segment a hash belongs to
//	home       the bucket that a hash points at within its segment
//	stash      a few buckets at a segment's end for what neither the home nor its neighbour could take
//
// # Layout
//
//	hash       | directory (as many of the top bits as it is deep) ... | home 12 bits | fingerprint 8 bits |
//
//	directory  | ref, buckets | ref, buckets | ...      2^depth entries; a segment of depth d fills 2^(depth-d) of them
//
//	segment    | header 64 B | bucket 0 | bucket 1 | ... | stash | ...
//	             0  u32  birth
//	             4  u16  slots in use
//	             6  u8   depth
//	             7  u8   buckets, without the stash
//
//	bucket     | f f f f f f f o | slot | slot | slot | slot | slot | slot | slot |      64 B
//	             f  fingerprint of the slot in the same place
//	             o  how many entries with this home are elsewhere: bits 0-2 in the next bucket, bits 3-7 in the stash
//
// # Lookup
//
// The directory entry tells the segment's place and size, so the segment's header is not touched: one line for the
// bucket, whose seven fingerprints are compared at once, and one for the cell. The neighbour and the stash are looked
// at only when the overflow byte says that there is something.
//
// # Growth
//
// When neither home, neighbour nor stash has room, one segment is rebuilt and nothing else moves. A small segment
// doubles; at its base size it grows by half; at one and a half it splits into two of base size. So segments are
// filled between two thirds and nearly full, never half. Tables differ in base size (by the spread given to New), lest
// all of them be at their emptiest at the same count of keys. Extendible hashing is Fagin, Nievergelt, Pippenger and
// Strong (1979); buckets with fingerprints, a neighbour and a stash are from Lu, Hao, Wang and Lo, "Dash: Scalable
// Hashing on Persistent Memory" (VLDB 2020).
//
// A segment that falls below a quarter merges with its sibling, or is rebuilt smaller.
//
// # What a snapshot sees
//
// Frozen is called under the lock and hands out the directory and a View on it. From then on the directory and all segments are
// frozen: the first change to a segment copies it, the first of those copies the directory. A View's reader needs no lock.
package table

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"
	"sync"

	"github.com/darterdb/darter/internal/slab"
)

const (
	lineSize    = 64
	perBucket   = 7
	homeBits    = 12
	fpBits      = 8
	minBuckets  = 2
	baseBuckets = 40  // smallest base size; the largest is twice that
	maxBuckets  = 238 // with stash and header they fill a cell whose lines a byte can count
	maxDepth    = 64 - homeBits - fpBits - 12

	hdrCount   = 4
	hdrDepth   = 6
	hdrBuckets = 7

	entryBucketsShift = 40
)

// View is a directory with what it leads to. Of a Table it is the current state, and the caller holds the shard; one
// from Frozen never changes.
type View struct {
	mem   slab.Mem
	seed  maphash.Seed
	dir   []uint64 // ref in units of 8 bytes, buckets from bit 40 on
	shift uint     // 64 - depth
	count int
}

// Table maps keys to slots. The caller holds the shard.
type Table struct {
	View
	s      *slab.Slab
	shared bool // the directory belongs to a View too
	base   int  // buckets of a segment after a split
}

// Pos is the place of a slot. It is good until the table changes.
type Pos struct{ at slab.Ref }

// New returns an empty table. Keys hash under seed; spread, from 0 to 1, chooses the size of its segments.
func New(s *slab.Slab, seed maphash.Seed, spread float64) (*Table, error) {
	base := int(baseBuckets * math.Exp2(spread))
	t := &Table{View: View{mem: s.Mem, seed: seed, shift: 64}, s: s, base: base}
	seg, err := t.newSegment(minBuckets, 0)
	if err != nil {
		return nil, err
	}
	t.dir = []uint64{seg}
	return t, nil
}

// Hash returns the hash under which a key is kept.
func (v *View) Hash(key []byte) uint64 { return maphash.Bytes(v.seed, key) }

// Len returns how many keys there are.
func (v *View) Len() int { return v.count }

// Frozen returns the table as it is now, for a version that the caller has just made or is about to make while it
// holds the shard.
func (t *Table) Frozen() View {
	t.shared = true
	return t.View
}

// Of returns a table that reads what a view sees. It can't be changed; s is not asked for memory.
func Of(s *slab.Slab, v View) *Table { return &Table{View: v, s: s, shared: true} }

func le64(b []byte) uint64       { return binary.LittleEndian.Uint64(b) }
func put64(b []byte, w uint64)   { binary.LittleEndian.PutUint64(b, w) }
func le16(b []byte) uint16       { return binary.LittleEndian.Uint16(b) }
func put16(b []byte, w uint16)   { binary.LittleEndian.PutUint16(b, w) }
func entryRef(e uint64) slab.Ref { return slab.Ref(e&refMask) << 3 }
func entryBuckets(e uint64) uint64 {
	return e >> entryBucketsShift
}

func makeEntry(seg slab.Ref, buckets int) uint64 {
	return uint64(seg)>>3 | uint64(buckets)<<entryBucketsShift
}

// fingerprint is never 0, which stands for an empty slot.
func fingerprint(h uint64) uint64 {
	return max(h&(1<<fpBits-1), 1)
}

func home(h, buckets uint64) uint64 {
	return (h >> fpBits & (1<<homeBits - 1)) * buckets >> homeBits
}

func stashOf(buckets int) int { return (buckets + 15) / 16 }

// bucketAt returns where bucket i of a segment starts.
func bucketAt(seg slab.Ref, i uint64) slab.Ref { return seg + lineSize + slab.Ref(i)*lineSize }

// Find returns the place of a key's slot and the slot.
func (v *View) Find(h uint64, key []byte) (Pos, Slot, bool) {
	e := v.dir[h>>v.shift]
	seg, buckets := entryRef(e), entryBuckets(e)
	at := home(h, buckets)
	b := bucketAt(seg, at)
	line := v.mem.At(b, lineSize)
	p, w, ok := v.findIn(b, line, h, key)
	if ok || line[perBucket] == 0 {
		return p, w, ok
	}
	return v.findBeyond(seg, buckets, at, line[perBucket], h, key)
}

const (
	lowBits  = 0x0001010101010101
	highBits = 0x0080808080808080
)

// findIn looks for a key in the bucket at b, whose bytes are line.
func (v *View) findIn(b slab.Ref, line []byte, h uint64, key []byte) (Pos, Slot, bool) {
	_ = line[lineSize-1]
	x := le64(line) ^ fingerprint(h)*lowBits
	// The lowest byte found to be zero is; one above it may be 1 instead, so the key decides.
	for m := (x - lowBits) &^ x & highBits; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) &^ 7
		if w := Slot(le64(line[8+i&56:])); w != 0 && v.holds(w, key) {
			return Pos{b + 8 + slab.Ref(i)}, w, true
		}
	}
	return Pos{}, 0, false
}

// findBeyond looks in the neighbour and in the stash, as the home's overflow byte says.
func (v *View) findBeyond(seg slab.Ref, buckets, at uint64, over byte, h uint64, key []byte) (Pos, Slot, bool) {
	if over&7 != 0 {
		b := bucketAt(seg, next(at, buckets))
		if p, w, ok := v.findIn(b, v.mem.At(b, lineSize), h, key); ok {
			return p, w, true
		}
	}
	if over>>3 != 0 {
		for i := range uint64(stashOf(int(buckets))) {
			b := bucketAt(seg, buckets+i)
			if p, w, ok := v.findIn(b, v.mem.At(b, lineSize), h, key); ok {
				return p, w, true
			}
		}
	}
	return Pos{}, 0, false
}

// Candidates passes on the slots that may belong to a hash of which only the bits of directory, home and fingerprint
// need be right, until fn returns false. fn must not change the table unless it returns false.
func (v *View) Candidates(h uint64, fn func(Pos, Slot) bool) {
	e := v.dir[h>>v.shift]
	seg, buckets := entryRef(e), entryBuckets(e)
	at := home(h, buckets)
	over := v.mem.At(bucketAt(seg, at), lineSize)[perBucket]
	if !v.candidatesIn(bucketAt(seg, at), h, fn) {
		return
	}
	if over&7 != 0 && !v.candidatesIn(bucketAt(seg, next(at, buckets)), h, fn) {
		return
	}
	if over>>3 != 0 {
		for i := range uint64(stashOf(int(buckets))) {
			if !v.candidatesIn(bucketAt(seg, buckets+i), h, fn) {
				return
			}
		}
	}
}

func (v *View) candidatesIn(b slab.Ref, h uint64, fn func(Pos, Slot) bool) bool {
	line := v.mem.At(b, lineSize)
	for i := range perBucket {
		if line[i] == byte(fingerprint(h)) && !fn(Pos{b + 8 + slab.Ref(i)*8}, Slot(le64(line[8+8*i:]))) {
			return false
		}
	}
	return true
}

func next(at, buckets uint64) uint64 {
	if at++; at == buckets {
		return 0
	}
	return at
}

// Own makes the slot's segment private, so that Set may be called on the place it returns.
func (t *Table) Own(h uint64, p Pos) (Pos, error) {
	if !t.s.HasPagedVersions() {
		return p, nil
	}
	seg := entryRef(t.dir[h>>t.shift])
	if !t.s.FrozenPage(seg) {
		return p, nil
	}
	fresh, err := t.copySegment(h)
	return Pos{p.at - seg + fresh}, err
}

// Set writes a slot of a private segment.
func (t *Table) Set(p Pos, w Slot) { put64(t.mem.At(p.at, 8), uint64(w)) }

// SetIfPrivate writes a slot unless its segment is frozen: for notes that may be lost, like the time of an access.
func (t *Table) SetIfPrivate(h uint64, p Pos, w Slot) {
	if !t.s.HasPagedVersions() || !t.s.FrozenPage(entryRef(t.dir[h>>t.shift])) {
		t.Set(p, w)
	}
}

// Insert adds a slot for a key that is not in the table.
func (t *Table) Insert(h uint64, w Slot) error {
	for {
		e := t.dir[h>>t.shift]
		seg := entryRef(e)
		if t.s.FrozenPage(seg) {
			var err error
			if seg, err = t.copySegment(h); err != nil {
				return err
			}
		}
		if place(t.mem, seg, entryBuckets(e), h, w) {
			hdr := t.mem.At(seg, 8)
			put16(hdr[hdrCount:], le16(hdr[hdrCount:])+1)
			t.count++
			return nil
		}
		if err := t.grow(h); err != nil {
			return err
		}
	}
}

// place puts a slot in a segment, and says whether there was room.
func place(mem slab.Mem, seg slab.Ref, buckets, h uint64, w Slot) bool {
	at := home(h, buckets)
	line := mem.At(bucketAt(seg, at), lineSize)
	if put(line, h, w) {
		return true
	}
	if put(mem.At(bucketAt(seg, next(at, buckets)), lineSize), h, w) {
		line[perBucket]++
		return true
	}
	if line[perBucket]>>3 == 31 {
		return false
	}
	for i := range uint64(stashOf(int(buckets))) {
		if put(mem.At(bucketAt(seg, buckets+i), lineSize), h, w) {
			line[perBucket] += 8
			return true
		}
	}
	return false
}

// put writes a slot into the first empty place of a bucket.
func put(line []byte, h uint64, w Slot) bool {
	f := le64(line)
	m := (f - lowBits) &^ f & highBits
	if m == 0 {
		return false
	}
	i := bits.TrailingZeros64(m) &^ 7 // the lowest zero byte is always a true one
	line[i>>3] = byte(fingerprint(h))
	put64(line[8+i:], uint64(w))
	return true
}

// Remove takes a slot out. The cell is the caller's to free.
func (t *Table) Remove(h uint64, p Pos) error {
	p, err := t.Own(h, p)
	if err != nil {
		return err
	}
	e := t.dir[h>>t.shift]
	seg, buckets := entryRef(e), entryBuckets(e)
	at := home(h, buckets)
	bucket := uint64(p.at-seg-lineSize) / lineSize
	line := t.mem.At(bucketAt(seg, bucket), lineSize)
	i := uint64(p.at) % lineSize / 8
	line[i-1] = 0
	put64(line[i*8:], 0)
	if bucket != at {
		over := &t.mem.At(bucketAt(seg, at), lineSize)[perBucket]
		if bucket < buckets {
			*over--
		} else {
			*over -= 8
		}
	}
	hdr := t.mem.At(seg, 8)
	n := le16(hdr[hdrCount:]) - 1
	put16(hdr[hdrCount:], n)
	t.count--
	if int(n)*4 < int(buckets)*perBucket && (buckets > minBuckets || len(t.dir) > 1) {
		t.shrink(h)
	}
	return nil
}

// FreeSome gives up the table's last segment with the cells that it leads to, each after a call of last, and says whether
// there are more. The table can only be freed further from then on.
func (t *Table) FreeSome(last func(Slot)) (more bool) {
	n := len(t.dir)
	if n == 0 {
		return false
	}
	e := t.dir[n-1]
	t.eachIn(e, func(w Slot) bool {
		last(w)
		t.FreeCell(w)
		return true
	})
	n -= 1 << t.depthBelow(entryRef(e))
	t.s.FreePage(entryRef(e))
	t.dir = t.dir[:n] // a View that shares the directory has a slice of its own
	return n > 0
}

// Bytes returns the size of the directory, which is not in the slab.
func (v *View) Bytes() int64 { return int64(cap(v.dir)) * 8 }

// depthBelow returns how many doublings of the directory a segment has not followed.
func (v *View) depthBelow(seg slab.Ref) uint {
	return 64 - v.shift - uint(v.mem.At(seg, 8)[hdrDepth])
}

// scratch holds the entries of a segment while it is rebuilt.
type scratch struct{ entries []rebuilt }

type rebuilt struct {
	h uint64
	w Slot
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}
