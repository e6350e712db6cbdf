package command

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/glob"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
)

// Commands that go over the keyspace. They hold one shard at a time, for sliceSteps steps of a walk: some 450 keys at
// the most.
const sliceSteps = 64

// keyList gathers keys, one after the other with its length before it, in chunks: in one buffer many keys would be
// copied again and again as that grows.
type keyList struct {
	n    int
	full [][]byte
	last []byte
}

// keyChunk is the size from which on a chunk is full.
const keyChunk = 64 << 10

func (l *keyList) add(key []byte) {
	if len(l.last) >= keyChunk {
		l.full = append(l.full, l.last)
		l.last = make([]byte, 0, keyChunk+keyChunk/8)
	}
	l.last = append(binary.AppendUvarint(l.last, uint64(len(key))), key...)
	l.n++
}

// all yields the keys in order.
func (l *keyList) all(yield func(key []byte) bool) {
	for i := range len(l.full) + 1 {
		left := l.last
		if i < len(l.full) {
			left = l.full[i]
		}
		for len(left) > 0 {
			n, size := binary.Uvarint(left)
			end := size + int(n)
			if !yield(left[size:end]) {
				return
			}
			left = left[end:]
		}
	}
}

func (l *keyList) write(c *Call) {
	c.W.Array(l.n)
	for key := range l.all {
		c.W.Bulk(key)
	}
}

// matcher returns what tells whether a key matches a pattern.
func matcher(pattern []byte) func(key []byte) bool {
	if len(pattern) == 1 && pattern[0] == '*' {
		return func([]byte) bool { return true }
	}
	return func(key []byte) bool { return glob.Match(pattern, key) }
}

func runKeys(c *Call) {
	match := matcher(c.Args[1])
	var found keyList
	want := func(it keyspace.Item) bool { return match(it.Key()) }
	visit := func(it keyspace.Item) { found.add(it.Key()) }
	for shard := range c.Env.Shards() {
		from := uint64(0)
		for {
			next := uint64(0) // also where there is no memory to open the database
			c.Env.WithShard(shard, c.DB, func(db *keyspace.DB) {
				next = from
				for range sliceSteps {
					if next = db.ScanSome(next, want, visit); next == 0 {
						return
					}
				}
			})
			if from = next; from == 0 {
				break
			}
		}
	}
	found.write(c)
}

// A cursor of SCAN is one of a shard's walk, with the shard's number in the low bits; 0 is the start and the end.
func runScan(c *Call) {
	cursor, ok := parseCursor(c.Args[1])
	if !ok {
		c.Fail(errs.InvalidCursor)
		return
	}
	count := int64(10)
	match := func([]byte) bool { return true }
	var kind []byte
	for i := 2; i < len(c.Args); i += 2 {
		if i+1 == len(c.Args) {
			c.Fail(errs.Syntax)
			return
		}
		switch a, v := c.Args[i], c.Args[i+1]; {
		case isWord(a, "count"):
			if count, ok = num.ParseInt(v); !ok {
				c.Fail(errs.NotInteger)
				return
			}
			if count < 1 {
				c.Fail(errs.Syntax)
				return
			}
		case isWord(a, "match"):
			match = matcher(v)
		case isWord(a, "type"):
			kind = v
		default:
			c.Fail(errs.Syntax)
			return
		}
	}
	shards := c.Env.Shards()
	shardBits := bits.Len(uint(shards - 1))
	shard, inner := int(cursor&uint64(shards-1)), cursor>>shardBits
	var found keyList
	seen, steps := int64(0), int64(0)
	want := func(it keyspace.Item) bool {
		seen++
		return match(it.Key()) && (kind == nil || isWord(kind, it.Kind().String()))
	}
	visit := func(it keyspace.Item) { found.add(it.Key()) }
	// Where buckets are empty the number of steps ends the call, as Redis does it.
	for shard < shards && seen < count && steps/10 < count {
		from := inner
		inner = 0 // also where the database is empty, or there is no memory to open it
		c.Env.WithShard(shard, c.DB, func(db *keyspace.DB) {
			if db.Len() == 0 {
				return
			}
			inner = from
			for range sliceSteps {
				inner = db.ScanSome(inner, want, visit)
				steps++
				if inner == 0 || seen >= count || steps/10 >= count {
					return
				}
			}
		})
		if inner == 0 {
			shard++
		}
	}
	next := uint64(0)
	if shard < shards {
		next = inner<<shardBits | uint64(shard)
	}
	c.W.Array(2)
	var buf [20]byte
	c.W.Bulk(num.AppendUint(buf[:0], next))
	found.write(c)
}

// parseCursor reads an unsigned decimal number, as freely as Redis does: nothing is 0, and a sign is allowed, with which
// a number counts from the end of its range. It ends with a zero byte.
func parseCursor(b []byte) (uint64, bool) {
	b, _, _ = bytes.Cut(b, []byte{0})
	if len(b) == 0 {
		return 0, true
	}
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		if b = b[1:]; len(b) == 0 {
			return 0, false
		}
	}
	var n uint64
	for _, d := range b {
		if d < '0' || d > '9' {
			return 0, false
		}
		hi, lo := bits.Mul64(n, 10)
		sum, carry := bits.Add64(lo, uint64(d-'0'), 0)
		if hi != 0 || carry != 0 {
			return 0, false
		}
		n = sum
	}
	if negative {
		n = -n
	}
	return n, true
}

// runRandomkey draws a shard by its share of the keys, and a key from it.
func runRandomkey(c *Call) {
	shards := c.Env.Shards()
	for range 16 {
		total := 0
		sizes := make([]int, shards)
		for i := range shards {
			c.Env.WithShard(i, c.DB, func(db *keyspace.DB) { sizes[i] = db.Len() })
			total += sizes[i]
		}
		if total == 0 {
			break
		}
		at := rand.IntN(total)
		shard := 0
		for at >= sizes[shard] {
			at -= sizes[shard]
			shard++
		}
		var key []byte
		c.Env.WithShard(shard, c.DB, func(db *keyspace.DB) {
			if it := db.Random(); it.Found() {
				key = append(make([]byte, 0, 64), it.Key()...)
			}
		})
		if key != nil {
			c.W.Bulk(key)
			return
		}
	}
	c.W.Null()
}

func runDbsize(c *Call) {
	n := 0
	for i := range c.Env.Shards() {
		c.Env.WithShard(i, c.DB, func(db *keyspace.DB) { n += db.Len() })
	}
	c.W.Int(int64(n))
}
