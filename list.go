package darter

import (
	"fmt"
	"iter"
	"math"
	"runtime"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

// # Lists
//
// A List is a key that holds a list: a sequence of elements, any bytes, with fast access to both ends and to any
// position. The key comes with the first element and goes with the last; an absent key is an empty list. A short list
// takes hardly more memory than its elements' bytes, a long one a few percent more.
//
//	positions   0 is the first element, -1 the last, -2 the one before it
//	bytes in    copied before the method returns
//	bytes out   the caller's own, but for those that All and Backward yield
//
// Errors are ErrWrongType if a key holds something else, ErrClosed, ErrInternal; from methods that add ErrOutOfMemory
// and ErrTooLong; from those that change anything ErrReadOnly in a snapshot.

// ErrNoElement says that a list has no element at a position.
const ErrNoElement = errs.ListIndex

// List is the list under a key of a cache or a snapshot: see Cache.List.
type List struct{ place }

// List returns the list under a key, whether or not there is one yet. It costs nothing and need not be closed.
func (c *Cache) List(key string) List { return List{place{cache: c, key: key}} }

// List returns the list under a key as it was at the instant of the snapshot.
func (s *Snapshot) List(key string) List { return List{place{snap: s, key: key}} }

// ListEnd is one of the two ends of a list.
type ListEnd uint8

const (
	Left  ListEnd = iota // where the first element is
	Right                // where the last one is
)

// PushLeft puts elements at the start, one after the other, so that the last one given is the first of the list, and
// returns the list's length. If memory runs out some may be there. O(1) for each.
func (l List) PushLeft(elems ...[]byte) (length int, err error) { return l.push(Left, false, elems) }

// PushRight puts elements at the end, one after the other, and returns the list's length. If memory runs out some may
// be there. O(1) for each.
func (l List) PushRight(elems ...[]byte) (length int, err error) { return l.push(Right, false, elems) }

// PushIfPresent puts elements at an end, one after the other, if the key is there, and returns the list's length: 0 if
// it is not. O(1) for each.
func (l List) PushIfPresent(end ListEnd, elems ...[]byte) (length int, err error) {
	return l.push(end, true, elems)
}

func (l List) push(end ListEnd, ifPresent bool, elems [][]byte) (length int, err error) {
	w, err := l.change(false)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	for _, elem := range elems {
		if !w.c.fits(l.key, elem) {
			return 0, ErrTooLong
		}
	}
	return w.db.ListPush(w.hash, w.key, end == Left, ifPresent, elems)
}

// PopLeft removes the first element and returns it. An empty list is ErrNotFound. O(1).
func (l List) PopLeft() ([]byte, error) { return notNil(l.AppendPop([]byte{}, Left)) }

// PopRight removes the last element and returns it. An empty list is ErrNotFound. O(1).
func (l List) PopRight() ([]byte, error) { return notNil(l.AppendPop([]byte{}, Right)) }

// notNil returns nothing with an error.
func notNil(v []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// AppendPop removes the element at an end and appends it to dst. It allocates nothing but what dst lacks in capacity.
// On an error, ErrNotFound for an empty list, it returns dst as it was. O(1).
func (l List) AppendPop(dst []byte, end ListEnd) (out []byte, err error) {
	w, err := l.change(true)
	defer w.done(&err)
	if err != nil {
		return dst, err
	}
	// The element is appended as a list keeps it, and then what stands before its bytes is taken out.
	run, err := w.db.ListPop(dst, w.hash, w.key, end == Left, 1)
	if err != nil {
		return dst, err
	}
	if len(run) == len(dst) {
		return dst, ErrNotFound
	}
	var digits [20]byte
	elem, _ := value.NextPopped(run[len(dst):], digits[:0])
	return append(run[:len(dst)], elem...), nil
}

// Pop removes up to n elements from an end and returns them, the outermost first: none of an empty list. A number below
// 0 is ErrInvalid. O(n).
func (l List) Pop(end ListEnd, n int) (elems [][]byte, err error) {
	if n < 0 {
		return nil, fmt.Errorf("%w: %d elements", ErrInvalid, n)
	}
	w, err := l.change(true)
	defer w.done(&err)
	if err != nil {
		return nil, err
	}
	run, err := w.db.ListPop(nil, w.hash, w.key, end == Left, n)
	return popped(run), err
}

// popped returns elements that were taken from a list. They share one piece of memory.
func popped(run []byte) [][]byte {
	var e elemList
	var digits [20]byte
	e.ends = make([]int, 0, value.CountPopped(run))
	for len(run) > 0 {
		var elem []byte
		elem, run = value.NextPopped(run, digits[:0])
		e.add(elem)
	}
	return e.slices()
}

// elemList gathers elements in one piece of memory.
type elemList struct {
	bytes []byte
	ends  []int
}

func (e *elemList) add(elem []byte) {
	e.bytes = append(e.bytes, elem...)
	e.ends = append(e.ends, len(e.bytes))
}

func (e *elemList) slices() [][]byte {
	list := make([][]byte, len(e.ends))
	from := 0
	for i, to := range e.ends {
		list[i] = e.bytes[from:to:to]
		from = to
	}
	return list
}

// PopAny removes up to n elements from an end of the first of several lists that has some, and returns its key and
// them, the outermost first. If all are empty it is ErrNotFound. A number below 1 is ErrInvalid. O(keys + n).
func (c *Cache) PopAny(end ListEnd, n int, keys ...string) (key string, elems [][]byte, err error) {
	if n < 1 {
		return "", nil, fmt.Errorf("%w: %d elements", ErrInvalid, n)
	}
	err = c.onKeys(keys, func(i int, t keyspace.Target) error {
		if elems != nil {
			return nil
		}
		run, err := t.DB.ListPop(nil, t.Hash, t.Key, end == Left, n)
		if len(run) > 0 {
			key, elems = keys[i], popped(run)
		}
		return err
	})
	if err == nil && elems == nil {
		err = ErrNotFound
	}
	return key, elems, err
}

// Move removes the element at an end of the list, puts it at an end of another, or the same, and returns it, at one
// instant. An empty list is ErrNotFound. The other must be of the same cache and database: else it is ErrInvalid. O(1).
func (l List) Move(from ListEnd, other List, to ListEnd) (elem []byte, err error) {
	switch {
	case l.cache == nil || other.cache == nil:
		return nil, ErrReadOnly
	case l.cache.engine != other.cache.engine || l.cache.db != other.cache.db || l.cache.tx != other.cache.tx:
		return nil, fmt.Errorf("%w: lists of different caches, databases or transactions", ErrInvalid)
	case !l.cache.fits(other.key, nil):
		return nil, ErrTooLong
	}
	_, err = l.cache.onPair(l.key, other.key, l.cache.db, func(a, b keyspace.Target) (moved bool, err error) {
		if l.cache.full() {
			return false, ErrOutOfMemory
		}
		elem, moved, err = keyspace.ListMove([]byte{}, a, b, from == Left, to == Left)
		if err == nil && !moved {
			err = ErrNotFound
		}
		return moved, err
	})
	return notNil(elem, err)
}

// Len returns the number of elements. O(1).
func (l List) Len() (n int, err error) {
	var r seen
	defer r.done(&err)
	if err = l.see(&r, keyspace.List); err != nil {
		return 0, err
	}
	list := value.OpenList(*r.view, r.raw)
	return list.Len(), nil
}

// Index returns the element at a position. An absent key is ErrNotFound, a position without an element ErrNoElement.
// O(log n).
func (l List) Index(i int) ([]byte, error) { return notNil(l.AppendIndex([]byte{}, i)) }

// AppendIndex appends the element at a position to dst and returns the extended slice. It allocates nothing but what
// dst lacks in capacity. On an error, which is as Index's, it returns dst as it was.
func (l List) AppendIndex(dst []byte, i int) (out []byte, err error) {
	var r seen
	defer r.done(&err)
	if err = l.see(&r, keyspace.List); err != nil {
		return dst, err
	}
	list := value.OpenList(*r.view, r.raw)
	if list.Len() == 0 {
		return dst, ErrNotFound
	}
	i, ok := value.ListIndex(list.Len(), int64(i))
	if !ok {
		return dst, ErrNoElement
	}
	e, _ := list.At(i)
	return list.AppendElem(dst, e), nil
}

// Set replaces the element at a position. An absent key is ErrNotFound, a position without an element ErrNoElement.
// O(log n).
func (l List) Set(i int, elem []byte) (err error) {
	w, err := l.change(false)
	defer w.done(&err)
	if err != nil {
		return err
	}
	if !w.c.fits(l.key, elem) {
		return ErrTooLong
	}
	return w.db.ListSet(w.hash, w.key, int64(i), elem)
}

// InsertBefore puts an element before the first one that equals pivot and says whether there is one. O(elements before
// it).
func (l List) InsertBefore(pivot, elem []byte) (done bool, err error) {
	return l.insert(true, pivot, elem)
}

// InsertAfter puts an element behind the first one that equals pivot and says whether there is one. O(elements before
// it).
func (l List) InsertAfter(pivot, elem []byte) (done bool, err error) {
	return l.insert(false, pivot, elem)
}

func (l List) insert(before bool, pivot, elem []byte) (done bool, err error) {
	w, err := l.change(false)
	defer w.done(&err)
	if err != nil {
		return false, err
	}
	if !w.c.fits(l.key, elem) {
		return false, ErrTooLong
	}
	n, err := w.db.ListInsert(w.hash, w.key, before, pivot, elem)
	return n > 0 && err == nil, err
}

// Remove removes elements that equal elem and returns how many: the first count of them, with a count below 0 the last
// -count, with 0 all. O(n), and O(log n) for each that is removed.
func (l List) Remove(elem []byte, count int) (removed int, err error) {
	w, err := l.change(true)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	return w.db.ListRemove(w.hash, w.key, int64(count), elem)
}

// Trim removes all elements but those from position first to position last, both included. O(log n + elements removed).
func (l List) Trim(first, last int) (err error) {
	w, err := l.change(true)
	defer w.done(&err)
	if err != nil {
		return err
	}
	return w.db.ListTrim(w.hash, w.key, int64(first), int64(last))
}

// Range returns the elements from position first to position last, both included, as they are at one instant. What lies
// outside is left out. They share one piece of memory, which stays as long as any of them is in use. O(log n + elements
// returned), with the key's shard held meanwhile: All lets others have it in between.
func (l List) Range(first, last int) (elems [][]byte, err error) {
	var e elemList
	err = l.gather(&e, func(n int) (from, to int) { return value.ListRange(n, int64(first), int64(last)) })
	if err != nil {
		return nil, err
	}
	return e.slices(), nil
}

// gather adds the elements within bounds that are chosen by the length of the list.
func (l List) gather(e *elemList, bounds func(n int) (from, to int)) (err error) {
	var r seen
	defer r.done(&err)
	if err = l.see(&r, keyspace.List); err != nil {
		return err
	}
	list := value.OpenList(*r.view, r.raw)
	from, to := bounds(list.Len())
	e.ends = make([]int, 0, to-from)
	var digits [20]byte
	c := list.From(from)
	for range to - from {
		elem, _ := c.NextBytes(digits[:0])
		e.add(elem)
	}
	return nil
}

// Find returns the position of the first element that equals elem, -1 if there is none. O(elements before it).
func (l List) Find(elem []byte) (i int, err error) {
	var r seen
	defer r.done(&err)
	if err = l.see(&r, keyspace.List); err != nil {
		return -1, err
	}
	list := value.OpenList(*r.view, r.raw)
	i, found := list.Find(0, elem)
	if !found {
		return -1, nil
	}
	return i, nil
}

// ListSearch says which of the elements that are found are wanted. The zero value wants all.
type ListSearch struct {
	// Rank 1, which 0 means too, is the first that is found, 2 leaves out the first, and so on; -1 begins with the last
	// and goes to the start, -2 leaves out the last.
	Rank int
	// Count is the most that are wanted, 0 means all.
	Count int
	// MaxLen is how many elements are looked at, 0 means all.
	MaxLen int
}

// FindAll returns the positions of elements that equal elem, in the order of the search. A Count or MaxLen below 0 is
// ErrInvalid. O(elements looked at).
func (l List) FindAll(elem []byte, o ListSearch) (at []int, err error) {
	switch {
	case o.Count < 0 || o.MaxLen < 0:
		return nil, fmt.Errorf("%w: ListSearch.Count is %d and MaxLen %d", ErrInvalid, o.Count, o.MaxLen)
	case o.Rank == 0:
		o.Rank = 1
	}
	var r seen
	defer r.done(&err)
	if err = l.see(&r, keyspace.List); err != nil {
		return nil, err
	}
	list := value.OpenList(*r.view, r.raw)
	search := value.ListSearch{Rank: max(int64(o.Rank), -math.MaxInt64), MaxLen: int64(o.MaxLen)}
	list.Search(elem, search, func(i int) bool {
		at = append(at, i)
		return len(at) != o.Count
	})
	return at, nil
}

// listSlice is how many elements are copied at a time from a list that a loop goes over.
const listSlice = 256

// All yields the elements with their positions, from the first on. The bytes are good until the loop's body ends and
// must not be changed. In a cache it takes a long list slice by slice, by position, and holds nothing while the loop's
// body runs, which may use the cache: where elements come or go before the position that it has reached, others are
// left out or met twice. In a snapshot each is met once. What is no list, or closed, yields nothing. O(n).
func (l List) All() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		if l.cache == nil {
			l.allFrozen(yield)
			return
		}
		for at := 0; ; {
			var e elemList
			err := l.gather(&e, func(n int) (from, to int) { return min(at, n), min(at+listSlice, n) })
			if err != nil || len(e.ends) == 0 {
				return
			}
			for _, elem := range e.slices() {
				if !yield(at, elem) {
					return
				}
				at++
			}
		}
	}
}

// allFrozen is All in a snapshot, whose pages are kept meanwhile.
func (l List) allFrozen(yield func(int, []byte) bool) {
	list, end, ok := l.frozen()
	if !ok {
		return
	}
	defer end()
	var digits [20]byte
	c := list.From(0)
	for i := range list.Len() {
		elem, _ := c.NextBytes(digits[:0])
		if !yield(i, elem) {
			return
		}
	}
}

// frozen opens a list of a snapshot, which is kept until end is called.
func (l List) frozen() (list value.List, end func(), ok bool) {
	var r seen
	err := l.snap.seeFrozen(&r, keyspace.List, bytesOf(l.key))
	if r.st == nil {
		return list, nil, false
	}
	if err != nil {
		r.st.done()
		return list, nil, false
	}
	return value.OpenList(*r.view, r.raw), func() {
		r.st.done()
		runtime.KeepAlive(r.hand)
	}, true
}

// Backward yields the elements with their positions, from the last on: else it is as All.
func (l List) Backward() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		if l.cache == nil {
			l.backwardFrozen(yield)
			return
		}
		for at := math.MaxInt; at > 0; {
			var e elemList
			err := l.gather(&e, func(n int) (from, to int) {
				at = min(at, n)
				return max(at-listSlice, 0), at
			})
			if err != nil {
				return
			}
			elems := e.slices()
			for i := len(elems) - 1; i >= 0; i-- {
				at--
				if !yield(at, elems[i]) {
					return
				}
			}
		}
	}
}

func (l List) backwardFrozen(yield func(int, []byte) bool) {
	list, end, ok := l.frozen()
	if !ok {
		return
	}
	defer end()
	var digits [20]byte
	c := list.DownFrom(list.Len() - 1)
	for i := list.Len() - 1; i >= 0; i-- {
		e, _ := c.Next()
		if !yield(i, list.Bytes(e, digits[:0])) {
			return
		}
	}
}
