package value

import (
	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/packed"
)

// Changes of lists. On an error, which is for want of memory, a list is as it was, but that nodes may have moved: Raw
// is to be stored then too, if the list was large before.

// take copies the elements of a packed list into the heap's scratch, with room in front for what stands before them in
// the raw bytes.
func (l *List) take() {
	if l.own {
		return
	}
	var head [listHead]byte
	b := append(l.heap.Scratch[:0], head[:]...)
	b = append(b, l.body...)
	l.heap.Scratch, l.body, l.own = b, b[listHead:], true
}

// splice puts room of size bytes in the place of body[from:to] and returns it.
func (l *List) splice(from, to, size int) []byte {
	l.take()
	n := len(l.body) + size - (to - from)
	b := l.heap.Scratch
	for cap(b) < listHead+n {
		b = append(b[:cap(b)], 0)
	}
	b = b[:listHead+max(n, len(l.body))]
	body := b[listHead:]
	copy(body[from+size:], body[to:len(l.body)])
	l.heap.Scratch, l.body = b[:listHead+n], body[:n]
	return body[from : from+size : from+size]
}

// fits says whether a packed list can take so many bytes more and stay packed.
func (l *List) fits(extra int) bool { return len(l.body)+extra <= listPackedMax }

// spread makes a packed list large.
func (l *List) spread() error {
	t := btree.Tree{Shape: &listShape}
	if err := t.Append(l.heap.Slab, l.body); err != nil {
		t.Free(l.heap.Slab)
		return err
	}
	l.tree, l.size = t, len(l.body)
	l.form |= listLarge
	l.body, l.own = nil, false
	return nil
}

// Insert puts an element before the one at position i, from 0 to Len. O(log n).
func (l *List) Insert(i int, elem []byte) error {
	size := packed.SizeValue(elem)
	if !l.Large() {
		if l.fits(size) {
			at := len(l.body)
			if i < l.n {
				at = packed.Offset(l.body, i)
			}
			packed.AppendValue(l.splice(at, at, size)[:0], elem)
			l.n++
			return nil
		}
		if err := l.spread(); err != nil {
			return err
		}
	}
	if err := l.tree.InsertAt(l.heap.Slab, i, elem); err != nil {
		return err
	}
	l.n++
	l.size += size
	return nil
}

// Push puts an element at the start, or the end.
func (l *List) Push(elem []byte, start bool) error {
	if start {
		return l.Insert(0, elem)
	}
	return l.Insert(l.n, elem)
}

// QuickPush puts an element at the start of a list whose raw bytes are given, or its end, changing them where they are, if
// that is quickly done: it says whether it did, and how long the list is now.
func (h *Heap) QuickPush(raw, elem []byte, start bool) (length int, ok bool) {
	t, ok := quickList(raw)
	if !ok || !t.QuickPush(h.Slab, elem, start) {
		return 0, false
	}
	t.AppendTo(raw[1:1])
	return t.Count, true
}

// QuickPop removes the first element of a list whose raw bytes are given, or the last, changing them where they are, if
// that is quickly done, and appends it to dst as AppendPopped does.
func (h *Heap) QuickPop(dst, raw []byte, start bool) (out []byte, ok bool) {
	t, ok := quickList(raw)
	if !ok || t.Bytes <= listSettled {
		return dst, false
	}
	if out, ok = t.QuickTake(h.Slab, dst, start); ok {
		t.AppendTo(raw[1:1])
	}
	return out, ok
}

// listSettled is from how many bytes on no list is called a listpack, whatever the limit.
const listSettled = 2 * 4096 << 4

// quickList opens a list that has nothing but its tree to be changed.
func quickList(raw []byte) (t btree.Tree, ok bool) {
	if len(raw) == 0 || raw[0] != listLarge|listQuick {
		return t, false
	}
	t, _ = btree.Decode(raw[1:], &listShape)
	return t, true
}

// Set replaces the element at position i, which is there. O(log n).
func (l *List) Set(i int, elem []byte) error {
	size := packed.SizeValue(elem)
	if !l.Large() {
		at := packed.Offset(l.body, i)
		old := packed.Skip(l.body[at:])
		if l.fits(size - old) {
			packed.AppendValue(l.splice(at, at+old, size)[:0], elem)
			return nil
		}
		if err := l.spread(); err != nil {
			return err
		}
	}
	if l.form&listQuick == 0 {
		size -= l.measure(i, 1)
	}
	if err := l.tree.Set(l.heap.Slab, i, elem); err != nil {
		return err
	}
	l.size += size
	return nil
}

// Remove takes n elements out from position i on, which are there. On an error some of them are gone. O(log n + n).
func (l *List) Remove(i, n int) error {
	if !l.Large() {
		from := packed.Offset(l.body, i)
		to := len(l.body)
		if i+n < l.n {
			to = from + packed.Offset(l.body[from:], n)
		}
		l.splice(from, to, 0)
		l.n -= n
		return nil
	}
	if l.form&listQuick == 0 {
		l.size -= l.measure(i, n)
	}
	err := l.tree.DeleteRange(l.heap.Slab, i, n)
	if l.n = l.tree.Count; l.n == 0 {
		l.form = 0
	}
	return err
}

// Take removes the element at position i, which is there, and appends it to dst as AppendPopped does. On an error dst
// is returned as it was. O(log n).
func (l *List) Take(dst []byte, i int) (out []byte, err error) {
	out = dst
	if !l.Large() {
		at := packed.Offset(l.body, i)
		n := packed.Skip(l.body[at:])
		out = append(dst, l.body[at:at+n]...)
		l.splice(at, at+n, 0)
		l.n--
		return out, nil
	}
	err = l.tree.Take(l.heap.Slab, i, func(e Elem) { out = l.AppendPopped(dst, e) })
	if err != nil {
		return dst, err
	}
	if l.form&listQuick == 0 {
		l.size -= len(out) - len(dst)
	}
	if l.n = l.tree.Count; l.n == 0 {
		l.form = 0
	}
	return out, nil
}

// measure returns how many bytes n elements from position i on take when they are not lone.
func (l *List) measure(i, n int) (size int) {
	c := l.tree.Cursor(l.view.Mem, i)
	for range n {
		e, _ := c.Next()
		size += sizeOf(e)
	}
	return size
}

func sizeOf(e Elem) int {
	switch {
	case e.IsInt:
		var buf [packed.LoneSize]byte
		return len(packed.AppendInt(buf[:0], e.Int))
	case e.Lone != 0:
		return packed.SizeOf(e.LoneLen)
	}
	return packed.SizeString(e.Str)
}

// listLimits returns how many bytes and elements Redis lets a listpack have.
func (h *Heap) listLimits() (size, n int) {
	const most, safe = 1<<31 - 1, 8192
	switch limit := h.Limits.ListSize.Load(); {
	case limit >= 0:
		return safe, int(min(max(limit, 1), most))
	default:
		return 4096 << min(-limit-1, 4), most
	}
}

// redisSize estimates how many bytes a listpack has, with its frame and the length behind each element.
func redisSize(size, n int) int { return size + n + 7 }

// Expect is told how many elements are to come, and their bytes in all, before they do: a list that is about to grow
// beyond Redis's limit is called a quicklist from then on.
func (l *List) Expect(n, bytes int) {
	if l.form&listQuick != 0 {
		return
	}
	size := len(l.body)
	if l.Large() {
		size = l.size
	}
	if most, count := l.heap.listLimits(); redisSize(size, l.n)+bytes > most || l.n+n > count {
		l.form |= listQuick
	}
}

// Settle is called when elements were removed or replaced by smaller ones. A list that is down to half of Redis's limit
// is called a listpack again.
func (l *List) Settle() {
	if l.form&listQuick == 0 || l.n == 0 {
		return
	}
	most, count := l.heap.listLimits()
	if l.n > count/2 {
		return
	}
	size := len(l.body)
	if l.Large() {
		if l.tree.Bytes > int64(2*most) {
			return
		}
		size = l.measure(0, l.n)
	}
	if redisSize(size, l.n) <= most/2 {
		l.form &^= listQuick
		l.size = size
	}
}

// Pack makes a large list that is small enough packed, and returns its nodes, which are to be freed once the list is
// stored. If it can't be stored, Unpack undoes that.
func (l *List) Pack() (nodes btree.Tree, packedNow bool) {
	if !l.Large() || l.tree.Bytes > listPackedMax {
		return nodes, false
	}
	var head [listHead]byte
	b := append(l.heap.Scratch[:0], head[:]...)
	c := l.tree.Cursor(l.view.Mem, 0)
	for run, n := c.Run(); n > 0; run, n = c.Run() {
		b = append(b, run...)
	}
	l.heap.Scratch = b
	if body := b[listHead:]; len(body) <= listPackedMax/2 && !hasLone(body) {
		nodes = l.tree
		l.body, l.own = body, true
		l.tree = btree.Tree{Shape: &listShape}
		l.form &^= listLarge
		return nodes, true
	}
	return nodes, false
}

// Unpack undoes Pack.
func (l *List) Unpack(nodes btree.Tree) {
	l.tree, l.size = nodes, len(l.body)
	l.form |= listLarge
	l.body, l.own = nil, false
}

func hasLone(b []byte) bool {
	for len(b) > 0 {
		e, n := packed.Decode(b)
		if e.Lone != 0 {
			return true
		}
		b = b[n:]
	}
	return false
}

// Drop frees the nodes of a large list that is not to be stored.
func (l *List) Drop() { l.tree.Free(l.heap.Slab) }
