package darter

import (
	"math"
	"time"

	"github.com/darterdb/darter/internal/keyspace"
)

// # Keys, whatever they hold
//
// Methods on several keys hold the shards of all of them for as long as they work, taken in order, so they are atomic:
// nobody sees half of one. That also means that one on a great many keys holds up those who need the same shards.

// onKeys calls fn with each of several keys, in their order, with the shards of all of them held. The first error ends
// it.
func (c *Cache) onKeys(keys []string, fn func(i int, t keyspace.Target) error) error {
	return c.withKeys(keys, true, fn)
}

// onKeysRead is onKeys for an fn that only reads.
func (c *Cache) onKeysRead(keys []string, fn func(i int, t keyspace.Target) error) error {
	return c.withKeys(keys, false, fn)
}

func (c *Cache) withKeys(keys []string, write bool, fn func(i int, t keyspace.Target) error) (err error) {
	if c.closed.Load() {
		return ErrClosed
	}
	var few [8]int
	numbers := few[:0]
	for _, key := range keys {
		numbers = append(numbers, c.shardOf(bytesOf(key)))
	}
	numbers, _ = c.lockEach(numbers, c.tx, write, false)
	defer func() {
		c.unlockShards(numbers)
		if r := recover(); r != nil {
			err = c.caught(r)
		}
	}()
	for i, key := range keys {
		t, err := c.target(bytesOf(key), c.db)
		if err == nil {
			err = fn(i, t)
		}
		if err != nil {
			return told(err)
		}
	}
	return nil
}

// onPair calls fn with two keys, the second of which may be in another database, with the shards of both held.
func (c *Cache) onPair(from, to string, db int, fn func(from, to keyspace.Target) (bool, error)) (done bool, err error) {
	var source keyspace.Target
	err = c.onKeys([]string{from, to}, func(i int, t keyspace.Target) (err error) {
		if i == 0 {
			source = t
			return nil
		}
		if db != c.db {
			if t, err = c.target(t.Key, db); err != nil {
				return err
			}
		}
		done, err = fn(source, t)
		return err
	})
	return done && err == nil, err
}

// Del removes keys and returns how many of them there were. O(keys), whatever they hold.
func (c *Cache) Del(keys ...string) (removed int, err error) {
	err = c.onKeys(keys, func(_ int, t keyspace.Target) error {
		found, err := t.DB.Del(t.Hash, t.Key)
		if found && err == nil {
			removed++
		}
		return err
	})
	return removed, err
}

// Unlink is Del under the name of the command that frees memory in the background. Here both do the same: what a large
// value held is freed bit by bit afterwards.
func (c *Cache) Unlink(keys ...string) (removed int, err error) { return c.Del(keys...) }

// Exists returns how many of the keys there are; one that is named twice counts twice. O(keys).
func (c *Cache) Exists(keys ...string) (found int, err error) { return c.find(keys) }

// Touch brings the keys' time of last use up to now and returns how many of them there are. O(keys).
func (c *Cache) Touch(keys ...string) (found int, err error) { return c.find(keys) }

// find looks keys up as a read does.
func (c *Cache) find(keys []string) (found int, err error) {
	err = c.onKeysRead(keys, func(_ int, t keyspace.Target) error {
		if t.DB.Find(t.Hash, t.Key).Found() {
			found++
		}
		return nil
	})
	return found, err
}

// Type returns what a key holds: "string", "list", "hash", "set", "zset" or "stream". An absent key is ErrNotFound. O(1).
func (c *Cache) Type(key string) (kind string, err error) {
	err = c.lookRead(key, func(_ *keyspace.DB, it keyspace.Item) error {
		if !it.Found() {
			return ErrNotFound
		}
		kind = it.Kind().String()
		return nil
	})
	return kind, err
}

// look calls fn with a key that it may change, and which may not be Found, with its shard held and without a note of
// access.
func (c *Cache) look(key string, fn func(*keyspace.DB, keyspace.Item) error) (err error) {
	k := bytesOf(key)
	s, h := c.hold(k)
	return c.lookIn(s, h, k, fn)
}

// lookRead is look for an fn that only reads.
func (c *Cache) lookRead(key string, fn func(*keyspace.DB, keyspace.Item) error) (err error) {
	k := bytesOf(key)
	s, h := c.holdRead(k)
	return c.lookIn(s, h, k, fn)
}

func (c *Cache) lookIn(s *shard, h uint64, k []byte, fn func(*keyspace.DB, keyspace.Item) error) (err error) {
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return err
	}
	return fn(db, db.Look(h, k))
}

// Expire makes a key expire after ttl and says whether there is such a key. With NoExpiry it never does; with 0 or less
// it is removed. O(1).
func (c *Cache) Expire(key string, ttl time.Duration) (found bool, err error) {
	err = c.look(key, func(db *keyspace.DB, it keyspace.Item) error {
		found = it.Found()
		return expire(db, it, deadline(ttl, db.Now))
	})
	return found && err == nil, err
}

// ExpireAt makes a key expire at a time, to the millisecond, and says whether there is such a key. The zero time means
// never; with another time that has come the key is removed. O(1).
func (c *Cache) ExpireAt(key string, t time.Time) (found bool, err error) {
	err = c.look(key, func(db *keyspace.DB, it keyspace.Item) error {
		found = it.Found()
		return expire(db, it, instant(t))
	})
	return found && err == nil, err
}

// expire gives a key a time of expiry, or takes it with 0.
func expire(db *keyspace.DB, it keyspace.Item, at int64) (err error) {
	switch {
	case !it.Found():
	case at == 0:
		_, err = db.Persist(it)
	default:
		_, err = db.Expire(it, at, 0)
	}
	return err
}

// Persist takes the time of expiry from a key, and says whether it had one. O(1).
func (c *Cache) Persist(key string) (had bool, err error) {
	err = c.look(key, func(db *keyspace.DB, it keyspace.Item) (err error) {
		if it.Found() {
			had, err = db.Persist(it)
		}
		return err
	})
	return had, err
}

// TTL returns how long a key has to live, NoExpiry if it does not expire. An absent key is ErrNotFound. O(1).
func (c *Cache) TTL(key string) (ttl time.Duration, err error) {
	err = c.lookRead(key, func(db *keyspace.DB, it keyspace.Item) error {
		if !it.Found() {
			return ErrNotFound
		}
		ms, ends := it.TTL()
		ttl = lifetime(ms, ends)
		return nil
	})
	return ttl, err
}

// lifetime turns milliseconds into a time to live. More than one can say, 292 years, is NoExpiry.
func lifetime(ms int64, ends bool) time.Duration {
	if !ends || ms > int64(NoExpiry/time.Millisecond) {
		return NoExpiry
	}
	return time.Duration(ms) * time.Millisecond
}

// ExpireTime returns when a key expires, the zero time if it does not. An absent key is ErrNotFound. O(1).
func (c *Cache) ExpireTime(key string) (t time.Time, err error) {
	err = c.lookRead(key, func(_ *keyspace.DB, it keyspace.Item) error {
		if !it.Found() {
			return ErrNotFound
		}
		t = timeOf(it.ExpireAt())
		return nil
	})
	return t, err
}

// timeOf is the opposite of instant.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// NoExpiry is the time to live of a key that does not expire: the longest there is, so that it compares as it should.
const NoExpiry = time.Duration(math.MaxInt64)

// deadline turns a time to live into a Unix time in milliseconds, 0 for never. A part of a millisecond counts as one, so
// that a key is never shorter-lived than asked for.
func deadline(ttl time.Duration, now func() int64) int64 {
	if ttl == NoExpiry {
		return 0
	}
	ms := int64(ttl / time.Millisecond)
	if ttl%time.Millisecond > 0 {
		ms++
	}
	return now() + ms
}

// instant turns a time into a Unix time in milliseconds, 0 for never, which the zero time means.
func instant(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(t.UnixMilli(), 1)
}

// Rename gives a key another name; a key that has it is overwritten. The time of expiry goes with it. An absent key is
// ErrNotFound; a key renamed to itself is left alone. O(length).
func (c *Cache) Rename(from, to string) error {
	_, err := c.rename(from, to, true)
	return err
}

// RenameNew gives a key another name unless a key has it, and says whether it did. An absent key is ErrNotFound; the
// key's own name counts as one in use. O(length).
func (c *Cache) RenameNew(from, to string) (renamed bool, err error) {
	return c.rename(from, to, false)
}

func (c *Cache) rename(from, to string, replace bool) (bool, error) {
	if !c.fits(to, nil) {
		return false, ErrTooLong
	}
	return c.onPair(from, to, c.db, func(from, to keyspace.Target) (bool, error) {
		return keyspace.Rename(from, to, replace)
	})
}

// Copy gives another key the same value and time of expiry; what the other held is overwritten. An absent key is
// ErrNotFound, a copy to itself ErrSameKey. O(length).
func (c *Cache) Copy(from, to string) error {
	_, err := c.copyKey(from, to, true)
	return err
}

// CopyNew copies a key like Copy unless the other key is there, and says whether it did. O(length).
func (c *Cache) CopyNew(from, to string) (copied bool, err error) { return c.copyKey(from, to, false) }

func (c *Cache) copyKey(from, to string, replace bool) (bool, error) {
	if !c.fits(to, nil) {
		return false, ErrTooLong
	}
	return c.onPair(from, to, c.db, func(from, to keyspace.Target) (bool, error) {
		if c.full() {
			return false, ErrOutOfMemory
		}
		done, err := keyspace.Copy(from, to, replace)
		if err == nil && !done && !from.DB.Look(from.Hash, from.Key).Found() {
			err = ErrNotFound
		}
		return done, err
	})
}

// Move carries a key with its time of expiry to another logical database, and says whether it did: it does not if the
// key is absent here or present there. A database that does not exist is ErrNoDatabase, this one ErrSameKey. O(length).
func (c *Cache) Move(key string, db int) (moved bool, err error) {
	if db < 0 || db >= c.databases {
		return false, ErrNoDatabase
	}
	return c.onPair(key, key, db, keyspace.Move)
}

// RandomKey returns a key at random, each with about the same chance. If there is none, it is ErrNotFound. O(shards).
func (c *Cache) RandomKey() (string, error) {
	if c.closed.Load() {
		return "", ErrClosed
	}
	for range randomTries {
		key, found, err := c.drawKey()
		if found || err != nil {
			return key, err
		}
	}
	return "", ErrNotFound
}

// Exists returns how many of the keys there were; see Cache.Exists.
func (s *Snapshot) Exists(keys ...string) (found int, err error) {
	for _, key := range keys {
		err := s.read(key, func(it keyspace.FrozenItem) error {
			if it.Found() {
				found++
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return found, nil
}

// Type returns what a key held; see Cache.Type.
func (s *Snapshot) Type(key string) (kind string, err error) {
	err = s.see(key, func(it keyspace.FrozenItem) { kind = it.Kind().String() })
	return kind, err
}

// TTL returns how long a key had to live at the instant of the snapshot; see Cache.TTL.
func (s *Snapshot) TTL(key string) (ttl time.Duration, err error) {
	err = s.see(key, func(it keyspace.FrozenItem) {
		at := it.ExpireAt()
		ttl = lifetime(at-s.state.at.UnixMilli(), at != 0)
	})
	return ttl, err
}

// ExpireTime returns when a key was to expire; see Cache.ExpireTime.
func (s *Snapshot) ExpireTime(key string) (t time.Time, err error) {
	err = s.see(key, func(it keyspace.FrozenItem) { t = timeOf(it.ExpireAt()) })
	return t, err
}

// see calls fn with a key that must be there.
func (s *Snapshot) see(key string, fn func(keyspace.FrozenItem)) error {
	return s.read(key, func(it keyspace.FrozenItem) error {
		if !it.Found() {
			return ErrNotFound
		}
		fn(it)
		return nil
	})
}
