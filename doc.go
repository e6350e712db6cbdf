// Package darter is an in-process cache of Redis's data types that uses every core: sharded, outside the Go heap, with
// snapshots that cost next to nothing. The same cache can also be served over the Redis protocol, by package resp or by
// the binary in cmd/darter.
//
//	c, err := darter.New(darter.Options{MaxMemory: 64 << 20})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer c.Close()
//	if err := c.Set("greeting", []byte("hello")); err != nil {
//		log.Fatal(err)
//	}
//	greeting, err := c.Get("greeting")
//	if errors.Is(err, darter.ErrNotFound) {
//		log.Fatal("nobody greets")
//	}
//	fmt.Printf("%s, world\n", greeting)
//
// # Words
//
//	shard      one part of the keys, with a lock and memory of its own; the caller of a method works under the lock
//	database   one of several logical keyspaces; a Cache or Snapshot sees one, and DB gives it seen through another
//	slot       where a shard's dictionary keeps a key: eight bytes that lead to the memory with key and value
//	segment    a page of slots: what grows, splits, and is copied when a snapshot needs the old one
//	version    a shard as it was at one moment; pages that a version sees never change, they are copied first
//	snapshot   a version of every shard, all of one instant
//	handle     a key with where it is: Hash, List, Set, SortedSet, Stream, Bits, HyperLogLog, Geo; made for nothing, good
//	           on a Cache, Tx and Snapshot
//	packed     how small containers are kept: all of one in the bytes of its key's value; large ones have nodes
//	owner      the transaction that has taken a shard: others read what was before it, and wait to write
//	savepoint  where a transaction can be rolled back to
//	session    one user's conversation: the selected database and how reads count; it runs any command by name
//
// # Methods
//
// The methods of Cache are safe for concurrent use, and each is atomic, those on several keys too: nobody sees half of
// it. All, Keys and Scan are not: they go over the cache slice by slice. Reads have the same names on Snapshot, but for Scan,
// RandomKey, IntersectLen and SortedIntersectLen.
// Whatever has no method is a command for Do.
//
// Byte slices passed in are copied, and slices returned are the caller's own. What is not copied says so: View, Entry and
// Change.
//
// Errors are sentinels, to be compared with errors.Is. Those that Redis has too bear its texts.
//
// # Caveats
//
//   - View calls its function with the key's shard held. A function that is slow holds up others, and one that calls the
//     cache waits for itself for ever. A Snapshot's View holds nothing.
//   - Close gives the memory back: the cache must be closed even though the collector runs. Everything fails with
//     ErrClosed afterwards. An iteration must not close the cache it goes over, but may close a snapshot.
//   - A Snapshot keeps whatever is overwritten after it, until it is closed. One that is forgotten is found by the
//     collector, logged and closed: late.
//   - MaxMemory refuses writes that would add (ErrOutOfMemory); nothing is evicted. It counts keys, values, index and what
//     snapshots keep; Stats tells of each. The count is a little late: by up to 256 KiB.
//   - Expired keys are never seen, but they are counted by Len and take memory until they are removed in the background,
//     within about a second.
//   - Keys are compared as bytes. The part of a key in braces, if any, chooses its shard: "{user:1}:name" and
//     "{user:1}:mail" share one.
//   - Commands answer as Redis 7.2 does. Where a method differs from its command, it says so: an absent key is mostly
//     ErrNotFound, where the command answers nil.
//
// # Systems
//
// On Linux, macOS and FreeBSD with amd64 or arm64, memory is mapped from the system, beside the Go heap. Elsewhere, and
// with the build tag heapslab, it comes from the Go heap, in blocks without pointers, so that the collector has little to
// do with them; a cache can take up to 64 GiB there, or 2 GiB where addresses have 32 bits.
//
// With the build tag invariants the cache checks its lock order and its memory as it works, slowly.
package darter
