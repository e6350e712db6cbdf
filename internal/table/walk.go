package table

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
)

// Scan passes on every slot of one step of a walk over the whole table and returns the cursor of the next step, 0 when
// there is none. A walk starts at 0. Each key that is there from the walk's start to its end is passed on at least
// once, however much the table grows or shrinks meanwhile; one may be passed on more than once. A step is the entries
// of one home bucket: seven on average at the most.
//
// A cursor names a point in the order of hashes: the directory bits of the segment it had come to, with how many they
// are, and the 12 bits that choose the home, of which all smaller ones are done.
//
//	| 1, then as many bits as the segment was deep | 12 bits of home |
//
// Directory bits and home bits of a key never change, so a segment that has split or grown since is entered at the
// same point. One that has merged holds keys before that point that weren't passed on: it is walked from its start.
func (v *View) Scan(cursor uint64, fn func(Slot)) uint64 {
	var h, from uint64
	var depth uint
	if cursor != 0 {
		prefix := cursor >> homeBits
		depth = uint(bits.Len64(prefix)) - 1
		if depth > maxDepth {
			return 0
		}
		h = (prefix &^ (1 << depth)) << (64 - depth)
		from = cursor & (1<<homeBits - 1)
	}
	e := v.dir[h>>v.shift]
	seg, buckets := entryRef(e), entryBuckets(e)
	d := uint(v.mem.At(seg, 8)[hdrDepth])
	if d < depth {
		h &= ^uint64(0) << (64 - d)
		from = 0
	}
	at := from * buckets >> homeBits
	line := v.mem.At(bucketAt(seg, at), lineSize)
	v.scanBucket(line, buckets, at, fn)
	if line[perBucket]&7 != 0 {
		v.scanBucket(v.mem.At(bucketAt(seg, next(at, buckets)), lineSize), buckets, at, fn)
	}
	if line[perBucket]>>3 != 0 {
		for i := range uint64(stashOf(int(buckets))) {
			v.scanBucket(v.mem.At(bucketAt(seg, buckets+i), lineSize), buckets, at, fn)
		}
	}
	if at++; at < buckets {
		from = (at<<homeBits + buckets - 1) / buckets
	} else {
		from = 0
		if h += 1 << (64 - d); d == 0 || h == 0 {
			return 0
		}
	}
	var prefix uint64
	if d > 0 {
		prefix = h >> (64 - d)
	}
	return (1<<d|prefix)<<homeBits | from
}

// scanBucket passes on the slots of a bucket whose home is bucket at.
func (v *View) scanBucket(line []byte, buckets, at uint64, fn func(Slot)) {
	for i := 8; i < lineSize; i += 8 {
		if w := Slot(le64(line[i:])); w != 0 && home(v.Hash(v.Key(w)), buckets) == at {
			fn(w)
		}
	}
}

// All yields every slot. The table must not change meanwhile.
func (v *View) All(yield func(Slot) bool) {
	for i := 0; i < len(v.dir); i += 1 << v.depthBelow(entryRef(v.dir[i])) {
		if !v.eachIn(v.dir[i], yield) {
			return
		}
	}
}

func (v *View) eachIn(e uint64, yield func(Slot) bool) bool {
	for _, line := range v.lines(e) {
		for i := 8; i < lineSize; i += 8 {
			if w := Slot(le64(line[i:])); w != 0 && !yield(w) {
				return false
			}
		}
	}
	return true
}

// Random returns a slot at random, each with about the same chance. The table must not be empty.
func (v *View) Random() Slot {
	// A segment is drawn with a chance in proportion to its share of all hashes, which is its share of the keys, too;
	// then places in it until one is taken.
	for range 1 << 6 {
		e := v.dir[rand.Uint64()>>v.shift]
		if le16(v.mem.At(entryRef(e), 8)[hdrCount:]) == 0 {
			continue
		}
		buckets := int(entryBuckets(e))
		places := (buckets + stashOf(buckets)) * perBucket
		for range places {
			i := rand.IntN(places)
			line := v.mem.At(bucketAt(entryRef(e), uint64(i/perBucket)), lineSize)
			if w := Slot(le64(line[8+8*(i%perBucket):])); w != 0 {
				return w
			}
		}
	}
	// Nearly empty: take the first one from a random place on.
	n := len(v.dir)
	start := rand.IntN(n)
	for i := range n {
		var found Slot
		v.eachIn(v.dir[(start+i)%n], func(w Slot) bool { found = w; return false })
		if found != 0 {
			return found
		}
	}
	return 0
}

// Diff passes on what differs between two states of one table: for each key that was added, removed or given another
// value, kind or time of expiry, its slot before and after, 0 where it is absent. Segments that both share are skipped
// unread, so the cost is that of the segments which changed.
func Diff(before, after *View, fn func(before, after Slot) bool) {
	for h := uint64(0); ; {
		ea, eb := before.dir[h>>before.shift], after.dir[h>>after.shift]
		d := min(before.mem.At(entryRef(ea), 8)[hdrDepth], after.mem.At(entryRef(eb), 8)[hdrDepth])
		if ea != eb && !diffRange(before, after, h, uint(d), fn) {
			return
		}
		if h += 1 << (64 - d); d == 0 || h == 0 {
			return
		}
	}
}

// diffRange compares all entries whose hashes share their first d bits with h.
func diffRange(before, after *View, h uint64, d uint, fn func(before, after Slot) bool) bool {
	return before.eachInRange(h, d, func(old Slot) bool {
		key := before.Key(old)
		_, w, ok := after.Find(after.Hash(key), key)
		if ok && same(before, after, old, w) {
			return true
		}
		return fn(old, w)
	}) && after.eachInRange(h, d, func(w Slot) bool {
		key := after.Key(w)
		if _, _, ok := before.Find(before.Hash(key), key); ok {
			return true
		}
		return fn(0, w)
	})
}

func same(before, after *View, a, b Slot) bool {
	if a.Ref() == b.Ref() {
		return true
	}
	return a.Kind() == b.Kind() && before.Expiry(a) == after.Expiry(b) && bytes.Equal(before.Value(a), after.Value(b))
}

func (v *View) eachInRange(h uint64, d uint, yield func(Slot) bool) bool {
	last := h | (1<<(64-d) - 1)
	for {
		e := v.dir[h>>v.shift]
		if !v.eachIn(e, yield) {
			return false
		}
		step := uint64(1) << (64 - v.mem.At(entryRef(e), 8)[hdrDepth])
		if step == 0 || last-h < step {
			return true
		}
		h += step
	}
}
