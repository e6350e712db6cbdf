package darter

import (
	"hash/maphash"
	"unsafe"

	"github.com/darterdb/darter/internal/keyspace"
)

// Version is the version of this package.
const Version = "0.1.0"

// bytesOf returns the bytes of a string without copying them. They are only read.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// hash returns the hash under which shards keep a key.
func (e *engine) hash(key []byte) uint64 { return maphash.Bytes(e.seed, key) }

// Get returns the value of a string key. The bytes are the caller's. An absent key is ErrNotFound.
func (c *Cache) Get(key string) ([]byte, error) { return c.AppendGet(nil, key) }

// AppendGet appends the value of a string key to dst and returns the extended slice. It allocates nothing but what dst
// lacks in capacity. On an error, ErrNotFound for an absent key, it returns dst as it was.
func (c *Cache) AppendGet(dst []byte, key string) (_ []byte, err error) {
	k := bytesOf(key)
	s := &c.shards[c.shardOf(k)]
	h := c.hash(k)
	s.lock()
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return dst, err
	}
	it := db.Find(h, k)
	if !it.Found() {
		return dst, ErrNotFound
	}
	if it.Kind() != keyspace.String {
		return dst, ErrWrongType
	}
	return append(dst, it.Value()...), nil
}

// View calls fn with the value of a string key, without copying it. The bytes are good for the call only and must not be
// changed; the key's shard is held meanwhile, so fn should be brief and must not call the cache. An absent key is
// ErrNotFound; else the error is fn's.
func (c *Cache) View(key string, fn func(value []byte) error) error {
	k := bytesOf(key)
	s := &c.shards[c.shardOf(k)]
	h := c.hash(k)
	s.lock()
	defer s.unlock()
	db, err := s.db(c.db)
	if err != nil {
		return err
	}
	it := db.Find(h, k)
	if !it.Found() {
		return ErrNotFound
	}
	if it.Kind() != keyspace.String {
		return ErrWrongType
	}
	return fn(it.Value())
}

// Set makes a key hold a string, whatever it held, without a time of expiry.
func (c *Cache) Set(key string, value []byte) (err error) {
	if c.full() {
		return ErrOutOfMemory
	}
	k := bytesOf(key)
	s := &c.shards[c.shardOf(k)]
	h := c.hash(k)
	s.lock()
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return err
	}
	b, err := db.Store(h, k, db.Look(h, k), len(value), keyspace.Value{Kind: keyspace.String}, keyspace.EventSet)
	if err != nil {
		return err
	}
	copy(b, value)
	return nil
}
