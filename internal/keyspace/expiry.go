package keyspace

import (
	"encoding/binary"

	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/table"
)

// # The expiry index
//
// Keys with a time of expiry are found when it comes by a hierarchical timing wheel (Varghese and Lauck, 1987): levels
// of 64 slots, a slot of the lowest spanning one tick of 512 ms, of each next level 64 times as much. A slot is a list
// of pages of entries; an entry is 6 bytes of the key's hash, enough to find the key's bucket. The time itself stands in
// the key's cell, so an entry claims nothing: when its slot comes up, what is found in the bucket is looked at. Expired
// keys go; one that expires later is entered anew, closer; for a key that is gone the entry is dropped.
//
//	page  | birth u32 | entries u16 | - u16 | next page u64 | 82 entries of 6 bytes |     508 B in a cell of 512
//	entry | low 20 bits of the hash, top 28 bits of the hash |
//
// A key whose time moves back keeps the entry it has, which comes up too early and is entered anew. So a key that is
// set again and again with the same time to live costs nothing here. A key whose time moves forward gets another
// entry. Entries left behind that way, or by keys that were deleted, are counted; when they are more than the keys with a
// time of expiry, the wheel is swept: all its pages are set aside and entered anew bit by bit, one entry a key.
//
// A hash some of whose fields expire has an entry for the earliest of them, if not for itself: when it comes up, fields
// whose time has come are removed a slice at a time.
//
// With 8 bytes in the cell, a key with a time of expiry costs 14.3 bytes.
const (
	tickShift  = 9
	slotBits   = 6
	wheelSlots = 1 << slotBits
	levels     = 6 // 1115 years

	entrySize      = 6
	pageHeader     = 16
	entriesPerPage = 82
	pageBytes      = pageHeader + entriesPerPage*entrySize

	sweepFrom = 4096 // fewer entries left behind than this are let be

	fieldSlice = 64 // fields of a hash that are removed at a time
)

type wheel struct {
	slab    *slab.Slab
	tick    int64 // all slots up to this one's were dealt with
	slots   [levels * wheelSlots]slab.Ref
	filled  [levels]int // slots in use, by level
	pending slab.Ref    // pages taken out of their slot and not yet dealt with
	entries int
	stale   int      // at most so many entries are left behind
	fields  []uint64 // entries of hashes that have more fields to lose than one slice
	sweep   *sweep
}

// sweep is what is left of one, nil when none is under way.
type sweep struct {
	slots [levels * wheelSlots]slab.Ref
	at    int
	seen  map[uint64]struct{} // entries that were entered anew
}

// entryOf reduces a hash to what an entry keeps, and hashOf gives a hash that leads to the same bucket.
func entryOf(h uint64) uint64 { return h>>36<<20 | h&(1<<20-1) }
func hashOf(e uint64) uint64  { return e>>20<<36 | e&(1<<20-1) }

func (w *wheel) slotFor(at int64) int {
	t := max(at>>tickShift, w.tick) + 1 // the tick at whose start the time has come
	for l := 0; l < levels; l++ {
		// A full turn ahead is the slot of this very moment, which was dealt with and is free again. It must do: entries
		// dealt out from a slot of the level above may be that far ahead, and must not go back to where they came from.
		if delta := t>>(l*slotBits) - w.tick>>(l*slotBits); delta <= wheelSlots {
			return l*wheelSlots + int(t>>(l*slotBits)&(wheelSlots-1))
		}
	}
	l := levels - 1
	return l*wheelSlots + int((w.tick>>(l*slotBits)-1)&(wheelSlots-1))
}

// add enters a hash that is to come up at a time.
func (w *wheel) add(h uint64, at int64) error {
	where := w.slotFor(at)
	slot := &w.slots[where]
	var page []byte
	n := entriesPerPage
	if *slot != 0 {
		page = w.slab.At(*slot, pageBytes)
		n = int(binary.LittleEndian.Uint16(page[4:]))
	}
	if n == entriesPerPage {
		ref, err := w.slab.Alloc(slab.Expiry, pageBytes)
		if err != nil {
			return err
		}
		page = w.slab.At(ref, pageBytes)
		clear(page[4:pageHeader])
		if *slot == 0 {
			w.filled[where/wheelSlots]++
		}
		binary.LittleEndian.PutUint64(page[8:], uint64(*slot))
		*slot, n = ref, 0
	}
	putEntry(page, n, entryOf(h))
	binary.LittleEndian.PutUint16(page[4:], uint16(n+1))
	w.entries++
	return nil
}

func putEntry(page []byte, i int, e uint64) {
	b := page[pageHeader+i*entrySize:]
	binary.LittleEndian.PutUint32(b, uint32(e))
	binary.LittleEndian.PutUint16(b[4:], uint16(e>>32))
}

func getEntry(page []byte, i int) uint64 {
	b := page[pageHeader+i*entrySize:]
	return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint16(b[4:]))<<32
}

// pop takes up to n entries out of a list of pages.
func (w *wheel) pop(list *slab.Ref, dst []uint64, n int) []uint64 {
	for *list != 0 && n > 0 {
		page := w.slab.At(*list, pageBytes)
		have := int(binary.LittleEndian.Uint16(page[4:]))
		take := min(have, n)
		for i := have - take; i < have; i++ {
			dst = append(dst, getEntry(page, i))
		}
		binary.LittleEndian.PutUint16(page[4:], uint16(have-take))
		if have -= take; have == 0 {
			next := slab.Ref(binary.LittleEndian.Uint64(page[8:]))
			w.slab.FreeNow(*list)
			*list = next
		}
		n -= take
		w.entries -= take
	}
	return dst
}

// advance moves on to the next slot with something in it, if it is due, makes its pages the pending ones and says
// whether there was one. None may be pending.
func (w *wheel) advance(now int64) bool {
	due := now >> tickShift
	if w.entries == 0 {
		w.tick = max(w.tick, due)
		return false
	}
	for w.tick < due {
		// Below the lowest level with something in it there is nothing to come to: on to that level's next slot.
		lowest := 0
		for lowest < levels-1 && w.filled[lowest] == 0 {
			lowest++
		}
		next := (w.tick>>(lowest*slotBits) + 1) << (lowest * slotBits)
		if next > due {
			w.tick = due
			return false
		}
		// A higher level's slot is dealt out to the levels below when the time comes to its start.
		for l := levels - 1; l >= lowest; l-- {
			if next&(1<<(l*slotBits)-1) != 0 {
				continue
			}
			slot := l*wheelSlots + int(next>>(l*slotBits)&(wheelSlots-1))
			if w.slots[slot] != 0 {
				w.tick = next
				if l > 0 {
					w.tick-- // entries of this tick itself must still find its slot ahead of them
				}
				w.pending, w.slots[slot] = w.slots[slot], 0
				w.filled[l]--
				return true
			}
		}
		w.tick = next
	}
	return false
}

// indexExpiry sees to it that the index knows a key whose time of expiry changes.
func (db *DB) indexExpiry(h uint64, before, after int64) error {
	if after == 0 || before != 0 && before <= after {
		return nil
	}
	if db.expiry == nil {
		db.expiry = &wheel{slab: db.shard.slab, tick: db.Now() >> tickShift}
	}
	if before != 0 && db.expiry.slotFor(before) == db.expiry.slotFor(after) {
		return nil
	}
	return db.expiry.add(h, after)
}

// countExpiry counts a key whose time of expiry has changed.
func (db *DB) countExpiry(before, after int64) {
	switch {
	case before == 0 && after != 0:
		db.expires++
	case before != 0 && after == 0:
		db.expires--
		db.expiry.stale++
	case after < before:
		db.expiry.stale++
	}
}

// ExpireSome removes keys whose time has come and says whether there is more to do. It looks at no more than budget
// entries of the index, so that the shard isn't held for long.
func (db *DB) ExpireSome(budget int) (more bool) {
	w := db.expiry
	if w == nil || db.shard.save != nil {
		return false
	}
	now := db.Now()
	if n := len(w.fields); n > 0 {
		e := w.fields[n-1]
		w.fields = w.fields[:n-1]
		db.comeUp(e, now, false)
		return true
	}
	if w.pending == 0 && !w.advance(now) {
		return db.sweepSome(budget, now)
	}
	var buf [64]uint64
	for budget > 0 && w.pending != 0 {
		batch := w.pop(&w.pending, buf[:0], min(budget, len(buf)))
		budget -= len(batch)
		for _, e := range batch {
			db.comeUp(e, now, false)
		}
	}
	return true
}

// comeUp deals with an entry whose slot has come up, or which a sweep has come to; twice says that the sweep has come to
// one like it before.
func (db *DB) comeUp(e uint64, now int64, twice bool) {
	w := db.expiry
	found := false
	for again := true; again; {
		again = false
		db.t.Candidates(hashOf(e), func(pos table.Pos, s table.Slot) bool {
			if !s.Expires() && Kind(s.Kind()) != HashTTL {
				return true
			}
			h := db.t.Hash(db.t.Key(s))
			it := Item{db, h, pos, s}
			if s.Expires() && it.ExpireAt() <= now && db.expire(it) {
				again = true // the table has changed: look again
				return false
			}
			if entryOf(h) != e || found {
				return true
			}
			if f := it.fieldExpiry(); f != 0 && f <= now {
				more, err := db.expireFields(it, fieldSlice)
				switch {
				case err != nil:
					// Without memory for the copy of a frozen page they stay, hidden, until the next tick.
					_ = w.add(h, now)
					found = true
				case more:
					w.fields = append(w.fields, e)
					found = true
				default:
					again = true
				}
				return false
			}
			found = true
			if !twice {
				// Without memory for a page the key is still found expired when it is next looked up. One that could not
				// be removed comes up again at the next tick.
				_ = w.add(h, max(it.due(), now))
			}
			return true
		})
	}
	if !found && w.stale > 0 {
		w.stale--
	}
}

// sweepSome drops entries that were left behind, if there are too many.
func (db *DB) sweepSome(budget int, now int64) (more bool) {
	w := db.expiry
	if w.sweep == nil {
		if w.stale < sweepFrom || w.stale < db.expires+db.fielded {
			return false
		}
		w.sweep = &sweep{slots: w.slots, seen: make(map[uint64]struct{})}
		clear(w.slots[:])
		clear(w.filled[:])
	}
	var buf [64]uint64
	for sw := w.sweep; budget > 0; {
		if sw.slots[sw.at] == 0 {
			if sw.at++; sw.at == len(sw.slots) {
				w.sweep = nil
				w.stale = max(w.entries-db.expires-db.fielded, 0)
				return false
			}
			continue
		}
		batch := w.pop(&sw.slots[sw.at], buf[:0], min(budget, len(buf)))
		budget -= len(batch)
		for _, e := range batch {
			_, twice := sw.seen[e]
			db.comeUp(e, now, twice)
			sw.seen[e] = struct{}{}
		}
	}
	return true
}

// free gives up the index's pages, a bounded number at a call, and says whether there are more.
func (w *wheel) free() (more bool) {
	var buf [64]uint64
	for range 16 {
		list := &w.pending
		for i := 0; *list == 0; i++ {
			if i < len(w.slots) {
				list = &w.slots[i]
			} else if w.sweep != nil && i-len(w.slots) < len(w.sweep.slots) {
				list = &w.sweep.slots[i-len(w.slots)]
			} else {
				return false
			}
		}
		w.pop(list, buf[:0], len(buf))
	}
	return true
}
