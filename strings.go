package darter

import (
	"fmt"
	"hash/maphash"
	"iter"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// # Plain values
//
// A method on one key takes the key's shard once, looks the key up once, and lets package keyspace do the work: the same
// functions that the commands call. Reads of a snapshot are at the end, under the names of the cache's.
//
//	bytes in    copied before the method returns
//	bytes out   the caller's own, but for View's
//	errors      ErrClosed, ErrWrongType and ErrInternal from any method; ErrOutOfMemory and ErrTooLong from those that add

// Version is the version of this package.
const Version = "0.1.0"

// A value longer than this is not copied with the shard held: it is pinned where it is, the shard let go, and the copy
// made meanwhile. For a shorter one the copy is cheaper than that and what writers of the shard have to do about a pin.
const pinFrom = 64 << 10

// bytesOf returns the bytes of a string without copying them. They are only read.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// hash returns the hash under which shards keep a key.
func (e *engine) hash(key []byte) uint64 { return maphash.Bytes(e.seed, key) }

// hold takes the shard of a key that is to be changed and returns it with the key's hash.
func (c *Cache) hold(key []byte) (*shard, uint64) {
	s := &c.shards[c.shardOf(key)]
	h := c.hash(key)
	s.lockWrite(c.tx)
	return s, h
}

// holdRead is hold for a key that is to be read.
func (c *Cache) holdRead(key []byte) (*shard, uint64) {
	s := &c.shards[c.shardOf(key)]
	h := c.hash(key)
	s.lockRead(c.tx)
	return s, h
}

// roomIn returns the shard's part of a database for a method that may add to it. The shard is held.
func (c *Cache) roomIn(s *shard) (*keyspace.DB, error) {
	db, err := s.db(c.db)
	if err == nil && c.full() {
		err = ErrOutOfMemory
	}
	return db, err
}

// fits says whether key and value are within the bounds of either.
func (e *engine) fits(key string, value []byte) bool {
	limit := e.maxValue.Load()
	return int64(len(key)) <= limit && int64(len(value)) <= limit
}

// aString returns the value of a string that must be there.
func aString(it keyspace.Item) ([]byte, error) {
	if !it.Found() {
		return nil, ErrNotFound
	}
	if it.Kind() != keyspace.String {
		return nil, ErrWrongType
	}
	return it.Value(), nil
}

// Get returns the value of a string key, not nil if there is one. An absent key is ErrNotFound. O(length).
func (c *Cache) Get(key string) ([]byte, error) {
	v, err := c.AppendGet([]byte{}, key)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// AppendGet appends the value of a string key to dst and returns the extended slice. It allocates nothing but what dst
// lacks in capacity. On an error, ErrNotFound for an absent key, it returns dst as it was. O(length).
func (c *Cache) AppendGet(dst []byte, key string) (out []byte, err error) {
	out = dst
	k := bytesOf(key)
	s := &c.shards[c.shardOf(k)]
	h := c.hash(k)
	s.lockRead(c.tx)
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return out, err
	}
	v, err := aString(db.Find(h, k))
	if err != nil {
		return out, err
	}
	if len(v) > pinFrom && !s.committed {
		return c.appendPinned(dst, v, s), nil
	}
	return append(dst, v...), nil
}

// appendPinned appends a value of a shard that is held, and lets others have the shard while it copies.
func (e *engine) appendPinned(dst, v []byte, s *shard) []byte {
	pin, err := s.data.Pin()
	if err != nil {
		return append(dst, v...)
	}
	e.pins.Add(1)
	s.unlock()
	defer func() {
		s.lock()
		for s.data.Unpin(pin) {
			s.unlock()
			runtime.Gosched()
			s.lock()
		}
		e.pins.Done()
	}()
	return append(dst, v...)
}

// View calls fn with the value of a string key, without copying it. The bytes are good for the call only and must not be
// changed; the key's shard is held meanwhile, so fn should be brief and must not call the cache, which would wait for
// itself for ever. An absent key is ErrNotFound; else the error is fn's, and so is a panic. O(1).
func (c *Cache) View(key string, fn func(value []byte) error) error {
	k := bytesOf(key)
	s := &c.shards[c.shardOf(k)]
	h := c.hash(k)
	s.lockRead(c.tx)
	defer s.unlock()
	db, err := s.db(c.db)
	if err != nil {
		return err
	}
	v, err := aString(db.Find(h, k))
	if err != nil {
		return err
	}
	return fn(v)
}

// GetMany returns the values of several keys as they are at one instant, in the order of the keys. A key that is absent,
// or no string, has nil; an empty value is not nil. O(keys + length of values), with the keys' shards held.
func (c *Cache) GetMany(keys ...string) (values [][]byte, err error) {
	values = make([][]byte, len(keys))
	err = c.onKeysRead(keys, func(i int, t keyspace.Target) error {
		if v, err := aString(t.DB.Find(t.Hash, t.Key)); err == nil {
			values[i] = append([]byte{}, v...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return values, nil
}

// Set makes a key hold a string, whatever it held, without a time of expiry; SetWith does more. A key or value above
// 512 MB (the directive proto-max-bulk-len) is ErrTooLong. O(length).
func (c *Cache) Set(key string, value []byte) (err error) {
	if !c.fits(key, value) {
		return ErrTooLong
	}
	k := bytesOf(key)
	s := &c.shards[c.shardOf(k)]
	h := c.hash(k)
	s.lockWrite(c.tx)
	defer c.contained(s, &err)
	db, err := c.roomIn(s)
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

// SetOptions say more of a SetWith. The zero value sets the key whatever it held, to live for ever.
type SetOptions struct {
	// When the key expires: TTL from now, or ExpireAt, or, with KeepTTL, when it did before. At most one may be given; a
	// TTL of NoExpiry and the zero time mean never. An ExpireAt in the past sets a key that has expired already.
	TTL      time.Duration
	ExpireAt time.Time
	KeepTTL  bool

	IfAbsent  bool // only if the key is absent
	IfPresent bool // only if it is there; with IfAbsent it is an error
}

// expireAt turns the options into a Unix time in milliseconds, 0 for never.
func (o *SetOptions) expireAt(now func() int64) (int64, error) {
	switch {
	case o.TTL < 0:
		return 0, fmt.Errorf("%w: SetOptions.TTL is %v, below 0", ErrInvalid, o.TTL)
	case o.IfAbsent && o.IfPresent:
		return 0, fmt.Errorf("%w: SetOptions.IfAbsent and IfPresent clash", ErrInvalid)
	case flag(o.TTL != 0)+flag(!o.ExpireAt.IsZero())+flag(o.KeepTTL) > 1:
		return 0, fmt.Errorf("%w: SetOptions has more than one of TTL, ExpireAt and KeepTTL", ErrInvalid)
	case o.TTL != 0:
		return deadline(o.TTL, now), nil
	}
	return instant(o.ExpireAt), nil
}

// SetWith makes a key hold a string, as the options say, and says whether it did: IfAbsent and IfPresent may forbid it,
// which is no error. Options that clash, or a TTL below 0, are ErrInvalid. O(length).
func (c *Cache) SetWith(key string, value []byte, o SetOptions) (stored bool, err error) {
	if !c.fits(key, value) {
		return false, ErrTooLong
	}
	at, err := o.expireAt(c.clock.Millis)
	if err != nil {
		return false, err
	}
	k := bytesOf(key)
	s, h := c.hold(k)
	defer c.contained(s, &err)
	db, err := c.roomIn(s)
	if err != nil {
		return false, err
	}
	r, err := db.Set(h, k, value, keyspace.SetOptions{NX: o.IfAbsent, XX: o.IfPresent, KeepTTL: o.KeepTTL, ExpireAt: at})
	return r.Stored, err
}

// Swap makes a key hold a string, without a time of expiry, and returns the one it held before: nil if the key was
// absent, and only then. If it held something else nothing changes: ErrWrongType. O(length).
func (c *Cache) Swap(key string, value []byte) (old []byte, err error) {
	if !c.fits(key, value) {
		return nil, ErrTooLong
	}
	k := bytesOf(key)
	s, h := c.hold(k)
	defer c.contained(s, &err)
	db, err := c.roomIn(s)
	if err != nil {
		return nil, err
	}
	r, err := db.Set(h, k, value, keyspace.SetOptions{Get: true, Old: []byte{}})
	if err != nil || !r.Found {
		return nil, err
	}
	return r.Old, nil
}

// SetMany makes several keys hold strings, without a time of expiry, at one instant: nobody sees some of them set and
// others not. Of a key that comes twice the last value counts. The pairs are gone over before anything is set, as in
//
//	err := c.SetMany(maps.All(values))
//
// so they may come from this cache. If it fails with ErrClosed, ErrTooLong or Options.MaxMemory is used up, nothing is
// set; if the system gives no memory in the midst of it, the first ones are. O(length), with the keys' shards held.
func (c *Cache) SetMany(pairs iter.Seq2[string, []byte]) error {
	var keys []string
	var values [][]byte
	for key, value := range pairs {
		if !c.fits(key, value) {
			return ErrTooLong
		}
		keys, values = append(keys, key), append(values, value)
	}
	return c.onKeys(keys, func(i int, t keyspace.Target) error {
		if i == 0 && c.full() {
			return ErrOutOfMemory
		}
		_, err := t.DB.Set(t.Hash, t.Key, values[i], keyspace.SetOptions{})
		return err
	})
}

// GetDel returns the value of a string key and removes the key. An absent key is ErrNotFound. O(length).
func (c *Cache) GetDel(key string) (old []byte, err error) {
	k := bytesOf(key)
	s, h := c.hold(k)
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return nil, err
	}
	it := db.Find(h, k)
	if _, err := aString(it); err != nil {
		return nil, err
	}
	err = db.GetDel(it, func(v []byte) { old = append([]byte{}, v...) })
	return old, err
}

// GetEx returns the value of a string key and makes the key expire after ttl, never with NoExpiry. An absent key is
// ErrNotFound; a ttl of 0 or less is ErrInvalid. O(length).
func (c *Cache) GetEx(key string, ttl time.Duration) (v []byte, err error) {
	if ttl <= 0 {
		return nil, fmt.Errorf("%w: a time to live of %v", ErrInvalid, ttl)
	}
	k := bytesOf(key)
	s, h := c.hold(k)
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return nil, err
	}
	it := db.Find(h, k)
	if _, err := aString(it); err != nil {
		return nil, err
	}
	o := keyspace.GetExOptions{Persist: ttl == NoExpiry, ExpireAt: deadline(ttl, db.Now)}
	err = db.GetEx(it, o, func(b []byte) { v = append([]byte{}, b...) })
	return v, err
}

// Append adds bytes to the end of a string and returns its new length. An absent key is an empty string. The time of
// expiry stays. O(length added), now and then O(length).
func (c *Cache) Append(key string, tail []byte) (length int, err error) {
	if !c.fits(key, tail) {
		return 0, ErrTooLong
	}
	k := bytesOf(key)
	s, h := c.hold(k)
	defer c.contained(s, &err)
	db, err := c.roomIn(s)
	if err != nil {
		return 0, err
	}
	return db.Append(h, k, tail, c.maxValue.Load())
}

// GetRange returns the bytes of a string from position first to position last, both included, not nil. Positions below 0
// count from the end, -1 is the last byte; what lies outside is left out. An absent key is an empty string. O(length
// returned).
func (c *Cache) GetRange(key string, first, last int) (part []byte, err error) {
	k := bytesOf(key)
	s, h := c.holdRead(k)
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return nil, err
	}
	v, _, err := db.Get(h, k)
	if err != nil {
		return nil, err
	}
	return rangeOf(v, first, last), nil
}

func rangeOf(v []byte, first, last int) []byte {
	from, to := value.Range(len(v), int64(first), int64(last))
	return append([]byte{}, v[from:to]...)
}

// SetRange overwrites a string from an offset on and returns its length. What lies between its end and the offset becomes
// zero bytes; an absent key is an empty string, and stays absent if there is nothing to write. The time of expiry stays.
// An offset below 0 is ErrInvalid. O(length written), O(length) where the string grows.
func (c *Cache) SetRange(key string, offset int, part []byte) (length int, err error) {
	if offset < 0 {
		return 0, fmt.Errorf("%w: offset %d is below 0", ErrInvalid, offset)
	}
	if !c.fits(key, part) {
		return 0, ErrTooLong
	}
	k := bytesOf(key)
	s, h := c.hold(k)
	defer c.contained(s, &err)
	db, err := c.roomIn(s)
	if err != nil {
		return 0, err
	}
	return db.SetRange(h, k, int64(offset), part, c.maxValue.Load())
}

// StrLen returns the length of a string, 0 for an absent key. O(1).
func (c *Cache) StrLen(key string) (length int, err error) {
	k := bytesOf(key)
	s, h := c.holdRead(k)
	defer c.contained(s, &err)
	db, err := s.db(c.db)
	if err != nil {
		return 0, err
	}
	v, _, err := db.Get(h, k)
	return len(v), err
}

// Incr adds to the integer that a key holds in decimal digits, 0 if it is absent, and returns the sum. The time of expiry
// stays. Another string is ErrNotInteger; a sum beyond 64 bits is ErrOverflow, and the key stays as it is. O(1).
func (c *Cache) Incr(key string, by int64) (sum int64, err error) {
	if !c.fits(key, nil) {
		return 0, ErrTooLong
	}
	k := bytesOf(key)
	s, h := c.hold(k)
	defer c.contained(s, &err)
	db, err := c.roomIn(s)
	if err != nil {
		return 0, err
	}
	return db.IncrBy(h, k, by)
}

// IncrFloat adds to the number that a key holds in decimal, 0 if it is absent, and returns the sum. Like Redis it keeps
// and adds decimals more exactly than a float64: by is taken at its shortest decimal form, 0.1 as 0.1. The time of expiry
// stays. Another string, or a by that is no number, is ErrNotFloat; an infinite sum is ErrNaN. O(1).
func (c *Cache) IncrFloat(key string, by float64) (sum float64, err error) {
	if !c.fits(key, nil) {
		return 0, ErrTooLong
	}
	k := bytesOf(key)
	s, h := c.hold(k)
	defer c.contained(s, &err)
	db, err := c.roomIn(s)
	if err != nil {
		return 0, err
	}
	var in, out [64]byte
	text, err := db.IncrByFloat(out[:0], h, k, strconv.AppendFloat(in[:0], by, 'g', -1, 64))
	if err != nil {
		return 0, err
	}
	sum, ok := num.ParseFloat(text)
	if !ok { // it is beyond what a float64 can hold: the nearest
		sum, _ = strconv.ParseFloat(string(text), 64)
	}
	return sum, nil
}

// aFrozenString is aString for a snapshot.
func aFrozenString(it keyspace.FrozenItem) ([]byte, error) {
	if !it.Found() {
		return nil, ErrNotFound
	}
	if it.Kind() != keyspace.String {
		return nil, ErrWrongType
	}
	return it.Value(), nil
}

// Get returns the value that a string key had, not nil if there was one. The bytes are the caller's. See Cache.Get.
func (s *Snapshot) Get(key string) ([]byte, error) {
	v, err := s.AppendGet([]byte{}, key)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// AppendGet appends the value that a string key had to dst and returns the extended slice; see Cache.AppendGet.
func (s *Snapshot) AppendGet(dst []byte, key string) ([]byte, error) {
	err := s.View(key, func(v []byte) error {
		dst = append(dst, v...)
		return nil
	})
	return dst, err
}

// View calls fn with the value that a string key had, without copying it. The bytes are good for the call only and must
// not be changed. Nothing is held meanwhile, so fn may take its time and use cache and snapshot. An absent key is
// ErrNotFound; else the error is fn's. O(1).
func (s *Snapshot) View(key string, fn func(value []byte) error) error {
	return s.read(key, func(it keyspace.FrozenItem) error {
		v, err := aFrozenString(it)
		if err != nil {
			return err
		}
		return fn(v)
	})
}

// GetMany returns the values that several keys had, in the order of the keys; see Cache.GetMany.
func (s *Snapshot) GetMany(keys ...string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		v, err := s.Get(key)
		if err != nil && err != ErrNotFound && err != ErrWrongType {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// GetRange returns a part of the value that a string key had; see Cache.GetRange.
func (s *Snapshot) GetRange(key string, first, last int) (part []byte, err error) {
	part = []byte{}
	err = s.View(key, func(v []byte) error {
		part = rangeOf(v, first, last)
		return nil
	})
	if err != nil && err != ErrNotFound {
		return nil, err
	}
	return part, nil
}

// StrLen returns the length of the value that a string key had, 0 for an absent key.
func (s *Snapshot) StrLen(key string) (length int, err error) {
	err = s.View(key, func(v []byte) error {
		length = len(v)
		return nil
	})
	if err == ErrNotFound {
		return 0, nil
	}
	return length, err
}
