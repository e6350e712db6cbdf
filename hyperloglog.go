package darter

import (
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

const (
	// ErrNotHyperLogLog says that a key holds a string that is no HyperLogLog.
	ErrNotHyperLogLog = errs.NotHLL
	// ErrBrokenHyperLogLog says that a key holds a string that begins like a HyperLogLog but makes no sense.
	ErrBrokenHyperLogLog = errs.CorruptHLL
)

// HyperLogLog is the handle of an estimate of how many different elements were seen: 12 KB or less, however many there
// are, with a standard error of 0.81 %. It is kept as a string, in the same bytes as Redis's: Get and Set can carry it
// between the two. An absent key is an empty one. See Cache.HyperLogLog.
//
// A key that holds no string is ErrWrongType, one that holds another string ErrNotHyperLogLog.
type HyperLogLog struct{ place }

// HyperLogLog returns the handle of a HyperLogLog of the cache. The key need not exist.
func (c *Cache) HyperLogLog(key string) HyperLogLog { return HyperLogLog{place{cache: c, key: key}} }

// HyperLogLog returns the handle of a HyperLogLog of the snapshot. Methods that write fail with ErrReadOnly.
func (s *Snapshot) HyperLogLog(key string) HyperLogLog {
	return HyperLogLog{place{snap: s, key: key}}
}

// Add adds elements and says whether that changed anything: if not, all of them, or others that look the same to it, were
// added before. The key is made if it is absent, even without elements. The time of expiry stays. O(elements) once the
// HyperLogLog has grown to its full size; before, each costs up to some microseconds.
func (l HyperLogLog) Add(elements ...string) (changed bool, err error) {
	w, err := l.change(false)
	defer w.done(&err)
	if err != nil {
		return false, err
	}
	if !w.c.fits(l.key, nil) {
		return false, ErrTooLong
	}
	var few [8][]byte
	list := few[:0]
	for _, e := range elements {
		list = append(list, bytesOf(e))
	}
	return w.db.HLLAdd(w.hash, w.key, list)
}

// Count estimates how many different elements were added. O(1), but for the first call after a change, which takes some
// microseconds.
func (l HyperLogLog) Count() (n int64, err error) {
	if l.cache == nil {
		return l.countFrozen()
	}
	c := l.cache
	key := bytesOf(l.key)
	s, h := c.hold(key)
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return 0, err
	}
	count, err := db.HLLCount(h, key)
	return int64(count), err
}

// countFrozen is Count in a snapshot, where the count can't be kept.
func (l HyperLogLog) countFrozen() (n int64, err error) {
	var r seen
	defer r.done(&err)
	h, err := l.frozen(&r)
	if err != nil || h == nil {
		return 0, err
	}
	count, ok := h.Cached()
	if !ok {
		if count, ok = h.Count(); !ok {
			return 0, ErrBrokenHyperLogLog
		}
	}
	return int64(count), nil
}

// frozen finds a HyperLogLog of a snapshot, nil for an absent key.
func (l HyperLogLog) frozen(r *seen) (value.HLL, error) {
	err := l.see(r, keyspace.String)
	if err != nil || r.raw == nil {
		return nil, err
	}
	if h := value.HLL(r.raw); h.Valid() {
		return h, nil
	}
	return nil, ErrNotHyperLogLog
}

// CountWith estimates how many different elements were added to this HyperLogLog and to others in all, without changing
// any. In a cache it happens at one instant, with the keys' shards held. O(keys), some tens of microseconds each.
func (l HyperLogLog) CountWith(others ...string) (n int64, err error) {
	keys := append([]string{l.key}, others...)
	if l.cache == nil {
		return l.unionFrozen(keys)
	}
	all := make([]keyspace.Target, len(keys))
	err = l.cache.onKeys(keys, func(i int, t keyspace.Target) error {
		if all[i] = t; i+1 < len(all) {
			return nil
		}
		count, err := keyspace.HLLUnion(all)
		n = int64(count)
		return err
	})
	return n, err
}

// unionFrozen is CountWith in a snapshot.
func (l HyperLogLog) unionFrozen(keys []string) (int64, error) {
	var all value.HLLRegisters
	for _, key := range keys {
		if err := l.snap.HyperLogLog(key).mergeFrozen(&all); err != nil {
			return 0, err
		}
	}
	return int64(all.Count()), nil
}

func (l HyperLogLog) mergeFrozen(into *value.HLLRegisters) (err error) {
	var r seen
	defer r.done(&err)
	h, err := l.frozen(&r)
	if err == nil && h != nil && !h.Merge(into) {
		err = ErrBrokenHyperLogLog
	}
	return err
}

// Merge adds what was added to others. The key is made if it is absent; the time of expiry stays. It happens at one
// instant, with the keys' shards held. O(keys), some tens of microseconds each.
func (l HyperLogLog) Merge(others ...string) error {
	switch {
	case l.cache == nil:
		return ErrReadOnly
	case !l.cache.fits(l.key, nil):
		return ErrTooLong
	}
	keys := append(append(make([]string, 0, len(others)+1), others...), l.key)
	from := make([]keyspace.Target, len(others))
	return l.cache.onKeys(keys, func(i int, t keyspace.Target) error {
		if i < len(from) {
			from[i] = t
			return nil
		}
		if l.cache.full() {
			return ErrOutOfMemory
		}
		return keyspace.HLLMerge(t, from)
	})
}
