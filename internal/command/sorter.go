package command

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
)

// sorter has the elements on their way: in one piece of memory, told apart by where they lie in it, so that the collector
// has nothing to follow. A Call keeps it for the next time, unless it has grown large.
type sorter struct {
	c    *Call
	room []byte
	list []piece   // the elements
	keys []sortKey // one for each of them
	by   []piece   // with BY and ALPHA, what they are sorted by
	out  []piece   // what is asked for of them, if that is more than the elements

	spare []sortKey
	key   []byte   // one that a pattern gives
	home  []uint16 // the shards of such keys
	order []int32  // the elements in the order of these
	ends  []int    // where in that the shards' own end
}

// maxSorter is up to how many bytes, and elements, a sorter is kept.
const maxSorter = 64 << 10

// piece is some bytes of a sorter's room.
type piece struct{ from, to int }

var noPiece = piece{-1, -1}

func (p piece) missing() bool { return p.from < 0 }

// sortKey stands for an element while it is sorted.
type sortKey struct {
	first uint64 // what decides, unless it is the same: the score, or the first bytes
	i     int32  // which element
}

// keep copies bytes.
func (s *sorter) keep(b []byte) piece {
	from := len(s.room)
	s.room = append(s.room, b...)
	return piece{from, len(s.room)}
}

// bytes returns those of a piece, which is not missing.
func (s *sorter) bytes(p piece) []byte { return s.room[p.from:p.to] }

// sized returns a slice of n elements, undefined ones, in the memory of another where that has room.
func sized[T any](have []T, n int) []T { return slices.Grow(have[:0], n)[:n] }

// read copies the elements of the key: all of them, or, where they need no sorting, those that are wanted. It may find
// that a set has to be sorted after all.
func (s *sorter) read(o *sortArgs) (err error) {
	c, key := s.c, s.c.Args[1]
	c.Env.ReadKey(c.Env.ShardOf(key), c.DB, key, func(db *keyspace.DB) {
		t := db.Target(key)
		it := c.find(&t)
		if !it.Found() {
			return
		}
		n := 0
		switch it.Kind() {
		case keyspace.Set:
			n = Elements(it)
			if o.asIs && o.store != nil {
				// The order of a set says nothing; what is stored shall be the same everywhere.
				o.asIs, o.letters, o.hasBy = false, true, false
			}
		case keyspace.List, keyspace.SortedSet:
			n = Elements(it)
		default:
			err = errs.WrongType
			return
		}
		from, to := 0, n
		if o.asIs && it.Kind() != keyspace.Set {
			from, to = o.limits(n)
			o.start, o.count = 0, -1
		}
		if to > math.MaxInt32 {
			err = errs.OutOfMemory
			return
		}
		s.list = slices.Grow(s.list[:0], to-from)
		it.EachElement(from, to, o.asIs && o.desc, func(elem []byte) {
			s.list = append(s.list, s.keep(elem))
		})
	})
	return err
}

// lookUp finds what a pattern gives for each of the elements, and calls found with the index of each that has anything. The
// bytes are good for the call only.
func (s *sorter) lookUp(p *sortPattern, found func(i int, v []byte)) {
	c := s.c
	// Put the elements in the order of the shards that their keys are in.
	s.home, s.order = sized(s.home, len(s.list)), sized(s.order, len(s.list))
	s.ends = sized(s.ends, c.Env.Shards()+1)
	clear(s.ends)
	for i, elem := range s.list {
		s.key = p.appendKey(s.key[:0], s.bytes(elem))
		n := c.Env.ShardOf(s.key)
		s.home[i] = uint16(n)
		s.ends[n+1]++
	}
	for n := range c.Env.Shards() {
		s.ends[n+1] += s.ends[n]
	}
	for i, n := range s.home {
		s.order[s.ends[n]] = int32(i)
		s.ends[n]++ // it was where the shard's own begin
	}
	var group []int32
	look := func(db *keyspace.DB) {
		for _, i := range group {
			s.key = p.appendKey(s.key[:0], s.bytes(s.list[i]))
			t := db.Target(s.key)
			if v, ok := p.find(c.find(&t), c.digits[:]); ok {
				found(int(i), v)
			}
		}
	}
	from := 0
	for n := range c.Env.Shards() {
		for ; from < s.ends[n]; from += len(group) {
			group = s.order[from:min(from+lookupSlice, s.ends[n])]
			c.Env.WithShard(n, c.DB, look)
		}
	}
}

// sortScore reads a number as C's strtod does: with blanks before it, up to a zero byte, nothing being 0.
func sortScore(b []byte) (float64, bool) {
	if f, ok := num.ParseFloat(b); ok {
		return f, true
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	if len(b) == 0 {
		return 0, true
	}
	return num.ParseFloat(bytes.TrimLeft(b, " \t\n\v\f\r"))
}

// weigh finds what the elements are sorted by.
func (s *sorter) weigh(o *sortArgs) error {
	s.keys = sized(s.keys, len(s.list))
	first := scoreOrder(0)
	if o.letters {
		first = 0
	}
	for i := range s.keys {
		s.keys[i] = sortKey{first, int32(i)}
	}
	sound := true
	score := func(i int, v []byte) {
		f, ok := sortScore(v)
		s.keys[i].first, sound = scoreOrder(f), sound && ok
	}
	switch {
	case o.hasBy && o.letters:
		s.by = s.missing(s.by, len(s.list))
		s.lookUp(&o.by, func(i int, v []byte) {
			s.by[i] = s.keep(v)
			s.keys[i].first = firstBytes(v)
		})
	case o.hasBy:
		s.lookUp(&o.by, score)
	case o.letters:
		for i, elem := range s.list {
			s.keys[i].first = firstBytes(s.bytes(elem))
		}
	default:
		for i, elem := range s.list {
			score(i, s.bytes(elem))
		}
	}
	if !sound {
		return errSortScore
	}
	return nil
}

// missing returns n pieces that are missing, in the memory of others where that has room.
func (s *sorter) missing(have []piece, n int) []piece {
	have = sized(have, n)
	for i := range have {
		have[i] = noPiece
	}
	return have
}

// sort puts the elements in order and leaves those that are wanted. Those that are the same by what they are sorted by go by
// themselves, or, with BY and ALPHA, stay as they are.
func (s *sorter) sort(o *sortArgs) {
	if o.desc {
		for i := range s.keys {
			s.keys[i].first = ^s.keys[i].first
		}
	}
	s.byFirst()
	byBytes := o.hasBy && o.letters
	compare := func(a, b sortKey) int {
		var c int
		if byBytes {
			c = s.compareBy(s.by[a.i], s.by[b.i])
		} else {
			c = bytes.Compare(s.bytes(s.list[a.i]), s.bytes(s.list[b.i]))
		}
		switch {
		case c == 0:
			return cmp.Compare(a.i, b.i)
		case o.desc:
			return -c
		}
		return c
	}
	for at := 0; at < len(s.keys); {
		end := at + 1
		for end < len(s.keys) && s.keys[end].first == s.keys[at].first {
			end++
		}
		if end > at+1 {
			slices.SortFunc(s.keys[at:end], compare)
		}
		at = end
	}
	from, to := o.limits(len(s.keys))
	list := sized(s.by, to-from)
	for i, k := range s.keys[from:to] {
		list[i] = s.list[k.i]
	}
	s.list, s.by = list, s.list
}

// byFirst sorts the keys by their numbers: by one byte of them after the other, from the lowest on, without those bytes
// which are the same in all, which are most of them.
func (s *sorter) byFirst() {
	const few = 48
	if len(s.keys) < few {
		slices.SortFunc(s.keys, func(a, b sortKey) int { return cmp.Compare(a.first, b.first) })
		return
	}
	var counts [8][256]int32
	for _, k := range s.keys {
		for b := range counts {
			counts[b][byte(k.first>>(8*b))]++
		}
	}
	s.spare = sized(s.spare, len(s.keys))
	for b := range counts {
		count := &counts[b]
		if count[byte(s.keys[0].first>>(8*b))] == int32(len(s.keys)) {
			continue
		}
		at := int32(0)
		for i, n := range count {
			count[i] = at
			at += n
		}
		for _, k := range s.keys {
			place := &count[byte(k.first>>(8*b))]
			s.spare[*place] = k
			*place++
		}
		s.keys, s.spare = s.spare, s.keys
	}
}

// scoreOrder turns a float into a number that compares as it does.
func scoreOrder(f float64) uint64 {
	b := math.Float64bits(f + 0) // -0 is 0
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// firstBytes returns the first eight bytes of a string as a number that compares as they do, where they differ.
func firstBytes(b []byte) uint64 {
	var w [8]byte
	copy(w[:], b)
	return binary.BigEndian.Uint64(w[:])
}

// compareBy compares what elements are sorted by; having nothing comes first.
func (s *sorter) compareBy(a, b piece) int {
	switch {
	case !a.missing() && !b.missing():
		return bytes.Compare(s.bytes(a), s.bytes(b))
	case !a.missing():
		return 1
	case !b.missing():
		return -1
	}
	return 0
}

// output returns what is asked for of the elements.
func (s *sorter) output(o *sortArgs) []piece {
	per := len(o.gets)
	if per == 0 {
		return s.list
	}
	s.out = s.missing(s.out, len(s.list)*per)
	for g := range o.gets {
		switch p := &o.gets[g]; {
		case p.self:
			for i, elem := range s.list {
				s.out[i*per+g] = elem
			}
		case !p.none:
			s.lookUp(p, func(i int, v []byte) { s.out[i*per+g] = s.keep(v) })
		}
	}
	return s.out
}
