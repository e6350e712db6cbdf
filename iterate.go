package darter

import (
	"bytes"
	"fmt"
	"iter"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"strings"

	"github.com/darterdb/darter/internal/glob"
	"github.com/darterdb/darter/internal/keyspace"
)

// # Going over the keys
//
// A walk over the cache holds one shard at a time for a slice of some dozen steps, each the few keys of one bucket, copies
// what it met, lets the shard go, and only then passes the keys on. So the loop's body may use the cache, and nobody waits
// for it. The price is Redis's for SCAN: a key that is there from start to end is met, at least once; one that comes or
// goes meanwhile may be met or not; one may be met twice when the cache grows or shrinks. A Snapshot's walk has none of
// this: it is of one instant, each key once.
const (
	sliceSteps = 64
	// Values up to this length are copied in the slice; a longer one is read when its turn comes, so that a slice stays
	// short and a walk small.
	sliceValue = 4 << 10

	scanCount   = 10 // ScanOptions.Count if it isn't given
	randomTries = 16
)

// ScanOptions say which keys a Scan returns. The zero value means all.
type ScanOptions struct {
	Match string // a pattern, as for Keys; "" means every key
	Type  string // only keys that hold this, as Type names it; "" means any
	Count int    // about how many keys to look at in one call; 0 means 10
}

// Scan returns some keys and the cursor to go on with, 0 at the end; a walk starts with 0. It can be stopped at any point
// and gone on with later, by anyone who has the cursor. Keys that are there from start to end are returned at least once,
// others may be or not; a call may well return no key though there are more. Any number is a cursor to go on with; one that
// no Scan of this cache returned starts somewhere. A Count below 0 is ErrInvalid. O(Count); the shards are held one at a
// time, for some 450 keys at the most.
func (c *Cache) Scan(cursor uint64, o ScanOptions) (keys []string, next uint64, err error) {
	if o.Count < 0 {
		return nil, 0, fmt.Errorf("%w: ScanOptions.Count is %d, below 0", ErrInvalid, o.Count)
	}
	if o.Count == 0 {
		o.Count = scanCount
	}
	match := matcher("*")
	if o.Match != "" {
		match = matcher(o.Match)
	}
	// A cursor is that of a shard's walk, with the shard's number in the low bits: the same as the command's.
	shardBits := bits.Len(uint(len(c.shards) - 1))
	n, inner := int(cursor&uint64(len(c.shards)-1)), cursor>>shardBits
	seen, steps := 0, 0
	visit := func(it keyspace.Item) {
		seen++
		if key := it.Key(); match(key) && (o.Type == "" || strings.EqualFold(o.Type, it.Kind().String())) {
			keys = append(keys, string(key))
		}
	}
	enough := func() bool {
		steps++
		return seen >= o.Count || steps/10 >= o.Count // the steps count where buckets are empty
	}
	for {
		if inner, err = c.slice(n, inner, enough, visit); err != nil {
			return nil, 0, err
		}
		if inner == 0 {
			if n++; n == len(c.shards) {
				return keys, 0, nil
			}
		}
		if seen >= o.Count || steps/10 >= o.Count {
			return keys, inner<<shardBits | uint64(n), nil
		}
	}
}

// slice goes on with a walk over one shard, with the shard held: for sliceSteps steps or until enough says so. It returns
// the walk's cursor, 0 at the shard's end.
func (c *Cache) slice(n int, cursor uint64, enough func() bool, visit func(keyspace.Item)) (next uint64, err error) {
	s := &c.shards[n]
	s.lockWalk(c.tx)
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return 0, err
	}
	for range sliceSteps {
		if cursor = db.Scan(cursor, visit); cursor == 0 || enough() {
			break
		}
	}
	return cursor, nil
}

// walkShards runs fn with each shard held in turn, when it has no owner but the cache's own transaction.
func (c *Cache) walkShards(fn func(*keyspace.Shard)) {
	for i := range c.shards {
		s := &c.shards[i]
		s.lockWalk(c.tx)
		func() {
			defer s.unlock()
			fn(s.data)
		}()
	}
}

// matcher returns what tells whether a key matches a pattern.
func matcher(pattern string) func(key []byte) bool {
	if pattern == "*" {
		return func([]byte) bool { return true }
	}
	p := []byte(pattern)
	return func(key []byte) bool { return glob.Match(p, key) }
}

// met is what a walk has met in a slice.
type met struct {
	bytes []byte // keys and values, one after the other
	items []metItem
}

type metItem struct {
	key, value int // lengths
	large      bool
}

// walk goes over the cache's database, slice by slice, and passes on the keys, with values if asked for, until yield
// returns false. The bytes are good for the call only; a value that is nil is a large one. A closed cache ends it.
func (c *Cache) walk(match func([]byte) bool, values bool, yield func(key, value []byte) bool) {
	var m met
	visit := func(it keyspace.Item) {
		key := it.Key()
		if !match(key) || values && it.Kind() != keyspace.String {
			return
		}
		item := metItem{key: len(key)}
		m.bytes = append(m.bytes, key...)
		if values {
			v := it.Value()
			if item.large = len(v) > sliceValue; !item.large {
				item.value = len(v)
				m.bytes = append(m.bytes, v...)
			}
		}
		m.items = append(m.items, item)
	}
	never := func() bool { return false }
	for n := range c.shards {
		for cursor, more := uint64(0), true; more; more = cursor != 0 {
			m.bytes, m.items = m.bytes[:0], m.items[:0]
			var err error
			if cursor, err = c.slice(n, cursor, never, visit); err != nil {
				return
			}
			rest := m.bytes
			for _, item := range m.items {
				key, value := rest[:item.key], rest[item.key:item.key+item.value]
				rest = rest[item.key+item.value:]
				if item.large {
					value = nil
				}
				if !yield(key, value) {
					return
				}
			}
		}
	}
}

// All yields the string keys of the cache's database with their values, in no order. Both are the caller's to keep: a
// snapshot's Entries copies nothing. It goes on slice by slice and holds nothing while the loop's body runs, which may
// use the cache. A key that is there from start to end is met, at least once and seldom twice; one that comes or goes
// meanwhile may be met or not. For one instant and each key once, take a Snapshot. A closed cache yields nothing.
// O(keys).
func (c *Cache) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		c.walk(matcher("*"), true, func(key, value []byte) bool {
			k := string(key)
			if value != nil {
				return yield(k, append([]byte{}, value...))
			}
			v, err := c.Get(k)
			return err != nil || yield(k, v) // it may be gone by now
		})
	}
}

// Keys yields the keys of the cache's database that match a pattern, in no order; "*" matches all. In a pattern * stands
// for any bytes, ? for one, [a-z] for one of these and [^a-z] for one that is none of them; \ takes the next byte as it
// is. What All says holds for it too. O(keys), however few match.
func (c *Cache) Keys(pattern string) iter.Seq[string] {
	return func(yield func(string) bool) {
		c.walk(matcher(pattern), false, func(key, _ []byte) bool { return yield(string(key)) })
	}
}

// Len returns how many keys there are in the cache's database, expired ones that were not removed yet included; 0 once
// the cache is closed. The shards are counted one after another. O(shards).
func (c *Cache) Len() int {
	n := 0
	c.walkShards(func(s *keyspace.Shard) {
		if db := s.DB(c.db); db != nil {
			n += db.Len()
		}
	})
	return n
}

// drawKey draws a shard by its share of the keys, and a key from it. It finds none where there is none, or where keys
// went in between.
func (c *Cache) drawKey() (key string, found bool, err error) {
	sizes := make([]int, 0, len(c.shards))
	total := 0
	c.walkShards(func(s *keyspace.Shard) {
		n := 0
		if db := s.DB(c.db); db != nil {
			n = db.Len()
		}
		sizes = append(sizes, n)
		total += n
	})
	if total == 0 {
		return "", false, nil
	}
	at, n := rand.IntN(total), 0
	for at >= sizes[n] {
		at -= sizes[n]
		n++
	}
	s := &c.shards[n]
	s.lockWalk(c.tx)
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return "", false, err
	}
	it := db.Random()
	if it.Found() {
		key = string(it.Key())
	}
	return key, it.Found(), nil
}

// All yields the string keys of the snapshot's database with their values, each once, in no order. Both are the caller's to
// keep; Entries does without the copies and tells more. It takes no lock: other users of the cache do not notice. A closed
// snapshot yields nothing. O(keys).
func (s *Snapshot) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		s.each(func(it keyspace.FrozenItem) bool {
			return it.Kind() != keyspace.String || yield(string(it.Key()), bytes.Clone(it.Value()))
		})
	}
}

// Keys yields the keys of the snapshot's database that match a pattern, each once, in no order; see Cache.Keys for
// patterns. A closed snapshot yields nothing. O(keys).
func (s *Snapshot) Keys(pattern string) iter.Seq[string] {
	match := matcher(pattern)
	return func(yield func(string) bool) {
		s.each(func(it keyspace.FrozenItem) bool { return !match(it.Key()) || yield(string(it.Key())) })
	}
}

// each passes on every key until yield returns false. The snapshot's pages are kept meanwhile.
func (s *Snapshot) each(yield func(keyspace.FrozenItem) bool) {
	st := s.state
	if !st.use() {
		return
	}
	defer runtime.KeepAlive(s.snapshotHandle)
	defer st.done()
	for _, f := range st.frozen {
		db := f.DB(s.db)
		if db == nil {
			continue
		}
		for it := range db.All {
			if !yield(it) {
				return
			}
		}
	}
}
