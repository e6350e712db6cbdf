package table

import "github.com/darterdb/darter/internal/slab"

// newSegment returns the directory entry of an empty segment with at least that many buckets: as many as its cell has
// room for.
func (t *Table) newSegment(buckets int, depth uint8) (uint64, error) {
	lines := slab.CellSize((1+buckets+stashOf(buckets))*lineSize) / lineSize
	for 1+buckets+1+stashOf(buckets+1) <= lines {
		buckets++
	}
	size := (1 + buckets + stashOf(buckets)) * lineSize
	seg, err := t.s.Alloc(slab.Index, size)
	if err != nil {
		return 0, err
	}
	b := t.mem.At(seg, size)
	clear(b[4:])
	b[hdrDepth] = depth
	b[hdrBuckets] = byte(buckets)
	return makeEntry(seg, buckets), nil
}

// copySegment replaces the frozen segment of a hash by a private copy, and returns where that is.
func (t *Table) copySegment(h uint64) (slab.Ref, error) {
	e := t.dir[h>>t.shift]
	old := entryRef(e)
	buckets := int(entryBuckets(e))
	size := (1 + buckets + stashOf(buckets)) * lineSize
	seg, err := t.s.Alloc(slab.Index, size)
	if err != nil {
		return 0, err
	}
	copy(t.mem.At(seg, size)[4:], t.mem.At(old, size)[4:])
	t.point(h, old, makeEntry(seg, buckets))
	t.s.FreePage(old)
	return seg, nil
}

// unshare makes the directory private.
func (t *Table) unshare() {
	if t.shared {
		t.dir = append(make([]uint64, 0, len(t.dir)), t.dir...)
		t.shared = false
	}
}

// point lets all directory entries of the segment old, to which h belongs, lead to e.
func (t *Table) point(h uint64, old slab.Ref, e uint64) {
	t.unshare()
	n := 1 << t.depthBelow(old)
	from := int(h>>t.shift) &^ (n - 1)
	for i := from; i < from+n; i++ {
		t.dir[i] = e
	}
}

// grow makes room in the segment of a hash: it enlarges the segment or splits it in two.
func (t *Table) grow(h uint64) error {
	e := t.dir[h>>t.shift]
	buckets := int(entryBuckets(e))
	depth := t.mem.At(entryRef(e), 8)[hdrDepth]
	switch {
	case buckets*2 <= t.base:
		return t.resize(h, buckets*2)
	case buckets < t.base:
		return t.resize(h, t.base)
	case buckets < t.base*3/2:
		return t.resize(h, t.base*3/2)
	case depth == maxDepth:
		return t.resize(h, buckets*2)
	}
	return t.split(h)
}

// resize rebuilds the segment of a hash with another number of buckets.
func (t *Table) resize(h uint64, buckets int) error {
	old := t.dir[h>>t.shift]
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	sc.entries = t.collect(sc.entries[:0], old)
	fresh, err := t.build(sc.entries, buckets, t.mem.At(entryRef(old), 8)[hdrDepth])
	if err != nil {
		return err
	}
	t.point(h, entryRef(old), fresh)
	t.s.FreePage(entryRef(old))
	return nil
}

// split replaces the segment of a hash by two, told apart by one more bit of the hash.
func (t *Table) split(h uint64) error {
	old := t.dir[h>>t.shift]
	seg := entryRef(old)
	depth := t.mem.At(seg, 8)[hdrDepth]
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	sc.entries = t.collect(sc.entries[:0], old)

	bit := uint64(1) << (63 - depth)
	n := 0 // entries of the lower half come first
	for i := range sc.entries {
		if sc.entries[i].h&bit == 0 {
			sc.entries[i], sc.entries[n] = sc.entries[n], sc.entries[i]
			n++
		}
	}
	low, err := t.build(sc.entries[:n], t.base, depth+1)
	if err != nil {
		return err
	}
	high, err := t.build(sc.entries[n:], t.base, depth+1)
	if err != nil {
		t.s.FreePage(entryRef(low))
		return err
	}
	if t.depthBelow(seg) == 0 {
		dir := make([]uint64, 0, len(t.dir)*2)
		for _, e := range t.dir {
			dir = append(dir, e, e)
		}
		t.dir, t.shared = dir, false
		t.shift--
	}
	t.unshare()
	width := 1 << t.depthBelow(seg)
	from := int(h>>t.shift) &^ (width - 1)
	for i := range width / 2 {
		t.dir[from+i] = low
		t.dir[from+width/2+i] = high
	}
	t.s.FreePage(seg)
	return nil
}

// shrink merges the segment of a hash with its sibling, and the outcome with its own as long as they are small, or
// rebuilds it smaller. It is an economy: where memory for it is not to be had, the segment stays as it is.
func (t *Table) shrink(h uint64) {
	if t.merge(h) {
		for t.merge(h) {
		}
		return
	}
	old := t.dir[h>>t.shift]
	n := int(le16(t.mem.At(entryRef(old), 8)[hdrCount:]))
	if buckets := max(n*3/2/perBucket, minBuckets); buckets < int(entryBuckets(old)) {
		_ = t.resize(h, buckets)
	}
}

// merge replaces the segment of a hash and its sibling by one, and says whether it did: only if that one is less than
// two thirds full at base size.
func (t *Table) merge(h uint64) bool {
	a := t.dir[h>>t.shift]
	hdr := t.mem.At(entryRef(a), 8)
	depth := hdr[hdrDepth]
	if depth == 0 {
		return false
	}
	b := t.dir[(h^uint64(1)<<(64-depth))>>t.shift]
	other := t.mem.At(entryRef(b), 8)
	total := int(le16(hdr[hdrCount:])) + int(le16(other[hdrCount:]))
	if other[hdrDepth] != depth || total*3 >= t.base*perBucket*2 {
		return false
	}
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	sc.entries = t.collect(sc.entries[:0], a)
	sc.entries = t.collect(sc.entries, b)
	fresh, err := t.build(sc.entries, max(total*3/2/perBucket, minBuckets), depth-1)
	if err != nil {
		return false
	}
	t.unshare()
	width := 2 << t.depthBelow(entryRef(a))
	from := int(h>>t.shift) &^ (width - 1)
	for i := range width {
		t.dir[from+i] = fresh
	}
	t.s.FreePage(entryRef(a))
	t.s.FreePage(entryRef(b))
	return true
}

// collect appends the entries of a segment with their hashes.
func (t *Table) collect(dst []rebuilt, e uint64) []rebuilt {
	for _, line := range t.lines(e) {
		for i := 8; i < lineSize; i += 8 {
			if w := Slot(le64(line[i:])); w != 0 {
				dst = append(dst, rebuilt{t.Hash(t.Key(w)), w})
			}
		}
	}
	return dst
}

// lines yields the buckets of a segment, those of the stash last.
func (v *View) lines(e uint64) func(func(int, []byte) bool) {
	return func(yield func(int, []byte) bool) {
		buckets := int(entryBuckets(e))
		n := buckets + stashOf(buckets)
		b := v.mem.At(entryRef(e)+lineSize, n*lineSize)
		for i := range n {
			if !yield(i, b[i*lineSize:(i+1)*lineSize]) {
				return
			}
		}
	}
}

// build returns the directory entry of a new segment that holds the given entries, with more buckets than asked for if
// need be.
func (t *Table) build(entries []rebuilt, buckets int, depth uint8) (uint64, error) {
	for buckets <= maxBuckets {
		fresh, err := t.newSegment(buckets, depth)
		if err != nil {
			return 0, err
		}
		seg := entryRef(fresh)
		fits := true
		for _, en := range entries {
			if fits = place(t.mem, seg, entryBuckets(fresh), en.h, en.w); !fits {
				break
			}
		}
		if fits {
			put16(t.mem.At(seg, 8)[hdrCount:], uint16(len(entries)))
			return fresh, nil
		}
		t.s.FreePage(seg)
		buckets = int(entryBuckets(fresh)) + buckets/4 + 1
	}
	return 0, errSkewed
}
