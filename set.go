package darter

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"runtime"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

// # Sets
//
// A Set is a key that holds a set: different strings, its members, in no order. The key comes with the first member and
// goes with the last; an absent key is an empty set. Members are any bytes. A small set, one of up to some hundred
// integers or short strings, takes hardly more memory than these.
//
//	one set        the methods of Set
//	several        Union, Intersect and Difference of the Cache or the Snapshot, and the same with Store, which keep the
//	               outcome under a key; all of them see their sets at one instant
//
// Errors are ErrWrongType if a key holds something else, ErrClosed, ErrInternal; from methods that add ErrOutOfMemory
// and ErrTooLong; from those that change anything ErrReadOnly in a snapshot.

// Set is the set under a key of a cache or a snapshot: see Cache.SetOf.
type Set struct{ place }

// SetOf returns the set under a key, whether or not there is one yet. It costs nothing and need not be closed.
func (c *Cache) SetOf(key string) Set { return Set{place{cache: c, key: key}} }

// SetOf returns the set under a key as it was at the instant of the snapshot.
func (s *Snapshot) SetOf(key string) Set { return Set{place{snap: s, key: key}} }

// open makes a zero set that of the key, an empty one if there is no key: see place.see.
func (s Set) open(set *value.Set, r *seen) error {
	err := s.see(r, keyspace.Set)
	if err == nil {
		set.Open(*r.view, r.raw)
	}
	return err
}

// Add adds members and returns how many of them are new. If memory runs out some may be added. O(1) for each; in a
// small set O(members).
func (s Set) Add(members ...string) (added int, err error) {
	w, err := s.change(false)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	var few [8][]byte
	list := few[:0]
	for _, m := range members {
		if !w.c.fits(s.key, bytesOf(m)) {
			return 0, ErrTooLong
		}
		list = append(list, bytesOf(m))
	}
	return w.db.SetAdd(w.hash, w.key, list)
}

// Remove removes members and returns how many of them were there. O(1) for each; in a small set O(members).
func (s Set) Remove(members ...string) (removed int, err error) {
	w, err := s.change(true)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	var few [8][]byte
	list := few[:0]
	for _, m := range members {
		list = append(list, bytesOf(m))
	}
	return w.db.SetRemove(w.hash, w.key, list)
}

// Has says whether the set has a member. It allocates nothing. O(1); in a small set O(members).
func (s Set) Has(member string) (has bool, err error) {
	var r seen
	defer r.done(&err)
	if err = s.see(&r, keyspace.Set); err != nil {
		return false, err
	}
	return value.SetHas(r.view, r.raw, bytesOf(member)), nil
}

// HasMany says for each of the given members whether the set has it, at one instant. O(1) for each; in a small set
// O(members).
func (s Set) HasMany(members ...string) (has []bool, err error) {
	var set value.Set
	var r seen
	defer r.done(&err)
	if err = s.open(&set, &r); err != nil {
		return nil, err
	}
	has = make([]bool, len(members))
	for i, m := range members {
		set.Ahead(i, len(members), func(i int) []byte { return bytesOf(members[i]) })
		has[i] = set.Has(bytesOf(m))
	}
	return has, nil
}

// Len returns how many members there are. O(1).
func (s Set) Len() (n int, err error) {
	var set value.Set
	var r seen
	defer r.done(&err)
	err = s.open(&set, &r)
	return set.Len(), err
}

// Members returns all members as they are at one instant. They share one piece of memory, which stays as long as any of
// them is in use. O(members), with the key's shard held meanwhile: All lets others have it in between.
func (s Set) Members() (members []string, err error) {
	var set value.Set
	var r seen
	defer r.done(&err)
	if err = s.open(&set, &r); err != nil {
		return nil, err
	}
	list := memberList{ends: make([]int, 0, set.Len())}
	for m := range set.All {
		list.add(m)
	}
	return list.strings(), nil
}

// All yields the members, in no order. In a cache it takes a large set slice by slice, and holds nothing while the
// loop's body runs, which may use the cache: members that are there from start to end are met at least once, and seldom
// twice; those that come or go meanwhile may be met or not. In a snapshot each is met once. What is no set, or closed,
// yields nothing. O(members).
func (s Set) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		if s.cache == nil {
			s.allFrozen(yield)
			return
		}
		const slice = 256 // members or a few more are copied at a time
		for cursor := uint64(0); ; {
			members, next, err := s.Scan(cursor, ScanOptions{Count: slice})
			if err != nil {
				return
			}
			for _, m := range members {
				if !yield(m) {
					return
				}
			}
			if cursor = next; cursor == 0 {
				return
			}
		}
	}
}

// allFrozen is All in a snapshot, whose pages are kept meanwhile.
func (s Set) allFrozen(yield func(string) bool) {
	var r seen
	err := s.snap.seeFrozen(&r, keyspace.Set, bytesOf(s.key))
	if r.st == nil {
		return
	}
	defer runtime.KeepAlive(r.hand)
	defer r.st.done()
	if err != nil {
		return
	}
	set := value.OpenSet(*r.view, r.raw)
	for m := range set.All {
		if !yield(string(m.AppendTo(nil))) {
			return
		}
	}
}

// Scan returns some members and the cursor to go on with, 0 at the end; a walk starts with 0. Members that are there
// from the start of a walk to its end are returned at least once, others may be or not. A small set is returned whole,
// whatever Count says. ScanOptions.Type means nothing here; a Count below 0 is ErrInvalid. O(Count).
func (s Set) Scan(cursor uint64, o ScanOptions) (members []string, next uint64, err error) {
	if o.Count < 0 {
		return nil, 0, fmt.Errorf("%w: ScanOptions.Count is %d, below 0", ErrInvalid, o.Count)
	}
	if o.Count == 0 {
		o.Count = scanCount
	}
	if o.Match == "" {
		o.Match = "*"
	}
	var set value.Set
	var r seen
	defer r.done(&err)
	if err = s.open(&set, &r); err != nil {
		return nil, 0, err
	}
	var list memberList
	match, seen := matcher(o.Match), 0
	visit := func(m value.Member) {
		seen++
		if n := len(list.bytes); !match(list.add(m)) {
			list.bytes, list.ends = list.bytes[:n], list.ends[:len(list.ends)-1]
		}
	}
	for steps := 0; ; {
		cursor = set.Scan(cursor, visit)
		// The steps count where there is nothing.
		if steps++; cursor == 0 || seen >= o.Count || steps/10 >= o.Count {
			return list.strings(), cursor, nil
		}
	}
}

// Pop removes a member chosen at random and returns it. An empty set is ErrNotFound. O(1); in a small set O(members).
func (s Set) Pop() (string, error) {
	var buf [64]byte
	m, err := s.AppendPop(buf[:0])
	return string(m), err
}

// AppendPop is Pop that appends the member to dst. It allocates nothing but what dst lacks in capacity.
func (s Set) AppendPop(dst []byte) (out []byte, err error) {
	w, err := s.change(true)
	defer w.done(&err)
	if err != nil {
		return dst, err
	}
	out = dst
	n, err := w.db.SetPop(w.hash, w.key, 1, func(m value.Member) { out = m.AppendTo(dst) })
	if n == 0 {
		out = dst
		if err == nil {
			err = ErrNotFound
		}
	}
	return out, err
}

// PopMany removes up to n members chosen at random, all choices with the same chance, and returns them. If memory runs
// out it returns those that it has removed with the error. A number below 0 is ErrInvalid. O(n); in a small set
// O(members).
func (s Set) PopMany(n int) (members []string, err error) {
	if n < 0 {
		return nil, fmt.Errorf("%w: %d members", ErrInvalid, n)
	}
	w, err := s.change(true)
	defer w.done(&err)
	if err != nil {
		return nil, err
	}
	var list memberList
	popped, err := w.db.SetPop(w.hash, w.key, n, func(m value.Member) { list.add(m) })
	list.ends = list.ends[:popped]
	return list.strings(), err
}

// Random returns a member chosen at random, all with the same chance, or nearly so in a large set. An empty set is
// ErrNotFound. O(1); in a small set O(members).
func (s Set) Random() (string, error) {
	var buf [64]byte
	m, err := s.AppendRandom(buf[:0])
	return string(m), err
}

// AppendRandom is Random that appends the member to dst. It allocates nothing but what dst lacks in capacity.
func (s Set) AppendRandom(dst []byte) (out []byte, err error) {
	var set value.Set
	var r seen
	defer r.done(&err)
	if err = s.open(&set, &r); err != nil {
		return dst, err
	}
	if set.Len() == 0 {
		return dst, ErrNotFound
	}
	m := set.Random(rand.Uint64)
	return m.AppendTo(dst), nil
}

// RandomMany returns n different members chosen at random, or all of them if there are no more. A number below 0 is
// ErrInvalid. O(n); where n is not much smaller than the set, or the set is small, O(members).
func (s Set) RandomMany(n int) (members []string, err error) {
	if n < 0 {
		return nil, fmt.Errorf("%w: %d members", ErrInvalid, n)
	}
	var set value.Set
	var r seen
	defer r.done(&err)
	if err = s.open(&set, &r); err != nil {
		return nil, err
	}
	var list memberList
	set.Sample(n, rand.Uint64, func(m value.Member) { list.add(m) })
	return list.strings(), nil
}

// Move moves a member to the set under another key, atomically, and says whether it was there. O(1); in small sets
// O(members).
func (s Set) Move(member, to string) (moved bool, err error) {
	if s.cache == nil {
		return false, ErrReadOnly
	}
	if !s.cache.fits(to, nil) {
		return false, ErrTooLong
	}
	return s.cache.onPair(s.key, to, s.cache.db, func(from, to keyspace.Target) (bool, error) {
		return keyspace.SetMove(from, to, bytesOf(member))
	})
}

// Union returns the members that any of the sets under some keys has, as they are at one instant. They share one piece
// of memory, which stays as long as any of them is in use. O(members of all sets), with the keys' shards held.
func (c *Cache) Union(keys ...string) ([]string, error) { return c.combine(keyspace.SetUnion, keys) }

// Intersect returns the members that all of the sets have; see Union. O(members of the smallest set * sets).
func (c *Cache) Intersect(keys ...string) ([]string, error) {
	return c.combine(keyspace.SetIntersection, keys)
}

// Difference returns the members of the first set that none of the others has; see Union. O(members of all sets).
func (c *Cache) Difference(keys ...string) ([]string, error) {
	return c.combine(keyspace.SetDifference, keys)
}

// IntersectLen counts the members that all of the sets have. It stops at a limit, if that isn't 0. A limit below 0 is
// ErrInvalid. O(members of the smallest set * sets), with the keys' shards held.
func (c *Cache) IntersectLen(limit int, keys ...string) (n int, err error) {
	if limit < 0 {
		return 0, fmt.Errorf("%w: a limit of %d", ErrInvalid, limit)
	}
	if limit == 0 {
		limit = math.MaxInt
	}
	err = c.onSets(keys, func(targets []keyspace.Target, sets []value.Set) {
		s := keyspace.SetIntersection.Select(sets, nil)
		n = s.Count(limit)
	})
	return n, err
}

// UnionStore makes the key dst hold the union of the sets under other keys, whatever it held, without a time of expiry,
// and returns how many members that has. dst may be one of the keys; an empty union removes it. If it fails nothing has
// changed. O(members of all sets), with the keys' shards held; of large sets it is made without them, and others go on.
func (c *Cache) UnionStore(dst string, keys ...string) (n int, err error) {
	return c.combineInto(keyspace.SetUnion, dst, keys)
}

// IntersectStore is UnionStore for what Intersect returns.
func (c *Cache) IntersectStore(dst string, keys ...string) (n int, err error) {
	return c.combineInto(keyspace.SetIntersection, dst, keys)
}

// DifferenceStore is UnionStore for what Difference returns.
func (c *Cache) DifferenceStore(dst string, keys ...string) (n int, err error) {
	return c.combineInto(keyspace.SetDifference, dst, keys)
}

// onSets calls fn with the sets under several keys, the keys' shards held.
func (c *Cache) onSets(keys []string, fn func([]keyspace.Target, []value.Set)) error {
	targets := make([]keyspace.Target, 0, len(keys))
	return c.onKeysRead(keys, func(_ int, t keyspace.Target) error {
		if targets = append(targets, t); len(targets) < len(keys) {
			return nil
		}
		sets, err := keyspace.OpenSets(targets, make([]value.Set, 0, len(keys)), false)
		if err == nil {
			fn(targets, sets)
		}
		return err
	})
}

func (c *Cache) combine(op keyspace.SetOperation, keys []string) (members []string, err error) {
	err = c.onSets(keys, func(targets []keyspace.Target, sets []value.Set) {
		members = selected(op.Select(sets, targets[0].DB.Heap()))
	})
	return members, err
}

// selected returns the members of a selection, and frees it.
func selected(s value.Selection) []string {
	defer s.Free()
	var list memberList
	for m := range s.All {
		list.add(m)
	}
	return list.strings()
}

func (c *Cache) combineInto(op keyspace.SetOperation, dst string, keys []string) (n int, err error) {
	err = c.makeOf(dst, keys, func(to keyspace.Target, from []keyspace.Target) (err error) {
		n, err = keyspace.SetStore(op, to, from, false)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Union returns the members that any of the sets had at the instant of the snapshot; see Cache.Union. O(members of all
// sets * sets).
func (s *Snapshot) Union(keys ...string) ([]string, error) {
	return s.combine(keyspace.SetUnion, keys)
}

// Intersect returns the members that all of the sets had; see Cache.Intersect.
func (s *Snapshot) Intersect(keys ...string) ([]string, error) {
	return s.combine(keyspace.SetIntersection, keys)
}

// Difference returns the members of the first set that none of the others had; see Cache.Difference. O(members of the
// first set * sets).
func (s *Snapshot) Difference(keys ...string) ([]string, error) {
	return s.combine(keyspace.SetDifference, keys)
}

func (s *Snapshot) combine(op keyspace.SetOperation, keys []string) (members []string, err error) {
	st := s.state
	if !st.use() {
		return nil, ErrClosed
	}
	defer runtime.KeepAlive(s.snapshotHandle)
	defer st.done()
	sets := make([]value.Set, 0, len(keys))
	for _, key := range keys {
		err := s.read(key, func(it keyspace.FrozenItem) error {
			sets = append(sets, value.Set{})
			return it.OpenSet(&sets[len(sets)-1])
		})
		if err != nil {
			return nil, err
		}
	}
	return selected(op.Select(sets, nil)), nil
}

// memberList gathers members in one piece of memory.
type memberList struct {
	bytes []byte
	ends  []int
}

// add adds a member and returns its bytes.
func (l *memberList) add(m value.Member) []byte {
	n := len(l.bytes)
	l.bytes = m.AppendTo(l.bytes)
	l.ends = append(l.ends, len(l.bytes))
	return l.bytes[n:]
}

// strings returns the members, never nil.
func (l *memberList) strings() []string {
	all, from := string(l.bytes), 0
	list := make([]string, len(l.ends))
	for i, end := range l.ends {
		list[i], from = all[from:end], end
	}
	return list
}
