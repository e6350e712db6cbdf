package command

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
)

// # SORT
//
// SORT reads keys that its arguments don't name: a pattern of BY or GET gives another one for each element, anywhere. To
// hold the shards of all of them is not possible, since they are known only once the elements are; to take shards one
// after the other and keep them would be a deadlock with somebody who does the same. So it never holds more than one:
//
//	copy the elements         with the shard of the key held
//	look up what BY names     shard by shard, some keys at a time
//	sort                      with nothing held
//	look up what GET names    like BY
//	store                     with the shard of the destination held
//
// Each of these sees its keys at its own instant. In a transaction, and so between MULTI and EXEC, all of it is one.

const (
	errSortScore = errs.Error("ERR One or more scores can't be converted into double")

	// lookupSlice is how many keys are looked up while a shard is held.
	lookupSlice = 128
)

// sortArgs is what SORT is asked for.
type sortArgs struct {
	by            sortPattern
	hasBy, asIs   bool // asIs: BY names one key for all, so nothing is sorted
	gets          []sortPattern
	start, count  int64
	desc, letters bool
	store         []byte // the destination, nil to answer
}

// sortPattern is a pattern of BY or GET: the name of a key with a star in it where the element goes, and perhaps of a field
// of the hash that it holds.
type sortPattern struct {
	self          bool // it stands for the element
	none          bool // it names no key
	before, after []byte
	field         []byte
	inHash        bool
}

func parseSortPattern(p []byte) sortPattern {
	star := bytes.IndexByte(p, '*')
	switch {
	case string(p) == "#":
		return sortPattern{self: true}
	case star < 0:
		return sortPattern{none: true}
	}
	s := sortPattern{before: p[:star], after: p[star+1:]}
	if at := bytes.Index(s.after, []byte("->")); at >= 0 && at+2 < len(s.after) {
		s.field, s.inHash = s.after[at+2:], true
		s.after = s.after[:at]
	}
	return s
}

// appendKey appends the key that the pattern gives for an element.
func (s *sortPattern) appendKey(dst, elem []byte) []byte {
	return append(append(append(dst, s.before...), elem...), s.after...)
}

// find returns what the pattern means of a key: its string, or a field of its hash.
func (s *sortPattern) find(it keyspace.Item, digits []byte) (v []byte, found bool) {
	if !it.Found() {
		return nil, false
	}
	if !s.inHash {
		return it.Value(), it.Kind() == keyspace.String
	}
	h, err := it.AsHash()
	if err != nil {
		return nil, false
	}
	v, _, found = h.Get(s.field, digits)
	return v, found
}

func parseSort(args [][]byte, readOnly bool) (o sortArgs, err error) {
	o.count = -1
	for i := 2; i < len(args); i++ {
		left := len(args) - i - 1
		switch a := args[i]; {
		case isWord(a, "asc"):
			o.desc = false
		case isWord(a, "desc"):
			o.desc = true
		case isWord(a, "alpha"):
			o.letters = true
		case isWord(a, "limit") && left >= 2:
			var ok1, ok2 bool
			o.start, ok1 = num.ParseInt(args[i+1])
			o.count, ok2 = num.ParseInt(args[i+2])
			if !ok1 || !ok2 {
				return o, errs.NotInteger
			}
			i += 2
		case !readOnly && isWord(a, "store") && left >= 1:
			i++
			o.store = args[i]
		case isWord(a, "by") && left >= 1:
			i++
			o.by, o.hasBy = parseSortPattern(args[i]), true
			// Redis keeps to the first BY that names one key for all.
			o.asIs = o.asIs || o.by.none || o.by.self
		case isWord(a, "get") && left >= 1:
			i++
			o.gets = append(o.gets, parseSortPattern(args[i]))
		default:
			return o, errs.Syntax
		}
	}
	return o, nil
}

// limits returns which of n elements in order are wanted.
func (o *sortArgs) limits(n int) (from, to int) {
	size := int64(n)
	start := min(max(o.start, 0), size)
	count := size - start
	if o.count >= 0 {
		count = min(o.count, count)
	}
	return int(start), int(start + count)
}

// sortElem is an element on its way.
type sortElem struct {
	elem  []byte
	by    []byte // what it is sorted by, with BY and ALPHA; nil if there is none
	score float64
}

// sorter has the elements and their memory.
type sorter struct {
	c    *Call
	list []sortElem
	room []byte // where copies are put
	next int    // how much room to make when that is used up
}

// keep copies bytes. The copy isn't nil.
func (s *sorter) keep(b []byte) []byte {
	if cap(s.room)-len(s.room) < len(b) || s.room == nil {
		s.next = min(max(2*s.next, 1<<9), 1<<16)
		s.room = make([]byte, 0, max(s.next, len(b)))
	}
	at := len(s.room)
	s.room = append(s.room, b...)
	return s.room[at:len(s.room):len(s.room)]
}

// read copies the elements of the key: all of them, or, where they need no sorting, those that are wanted. It may find
// that a set has to be sorted after all.
func (s *sorter) read(o *sortArgs) (err error) {
	c, key := s.c, s.c.Args[1]
	c.Env.WithShard(c.Env.ShardOf(key), c.DB, func(db *keyspace.DB) {
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
		s.list = make([]sortElem, 0, to-from)
		it.EachElement(from, to, o.asIs && o.desc, func(elem []byte) {
			s.list = append(s.list, sortElem{elem: s.keep(elem)})
		})
	})
	return err
}

// lookUp finds what a pattern gives for some elements, and calls found with the index of each that has anything. The bytes
// are good for the call only.
func (s *sorter) lookUp(p *sortPattern, elems []sortElem, found func(i int, v []byte)) {
	c := s.c
	// Put the elements in the order of the shards that their keys are in.
	home := make([]uint16, len(elems))
	starts := make([]int, c.Env.Shards()+1)
	var key []byte
	for i := range elems {
		key = p.appendKey(key[:0], elems[i].elem)
		n := c.Env.ShardOf(key)
		home[i] = uint16(n)
		starts[n+1]++
	}
	for n := range c.Env.Shards() {
		starts[n+1] += starts[n]
	}
	order := make([]int, len(elems))
	at := slices.Clone(starts)
	for i, n := range home {
		order[at[n]] = i
		at[n]++
	}
	for n := range c.Env.Shards() {
		for group := range slices.Chunk(order[starts[n]:starts[n+1]], lookupSlice) {
			c.Env.WithShard(n, c.DB, func(db *keyspace.DB) {
				var digits [20]byte
				for _, i := range group {
					key = p.appendKey(key[:0], elems[i].elem)
					t := db.Target(key)
					if v, ok := p.find(c.find(&t), digits[:]); ok {
						found(i, v)
					}
				}
			})
		}
	}
}

// sortScore reads a number as C's strtod does: with blanks before it, up to a zero byte, nothing being 0.
func sortScore(b []byte) (float64, bool) {
	b, _, _ = bytes.Cut(b, []byte{0})
	if len(b) == 0 {
		return 0, true
	}
	return num.ParseFloat(bytes.TrimLeft(b, " \t\n\v\f\r"))
}

// weigh finds what the elements are sorted by.
func (s *sorter) weigh(o *sortArgs) error {
	sound := true
	score := func(e *sortElem, b []byte) {
		var ok bool
		e.score, ok = sortScore(b)
		sound = sound && ok
	}
	switch {
	case o.hasBy:
		s.lookUp(&o.by, s.list, func(i int, v []byte) {
			if o.letters {
				s.list[i].by = s.keep(v)
			} else {
				score(&s.list[i], v)
			}
		})
	case !o.letters:
		for i := range s.list {
			score(&s.list[i], s.list[i].elem)
		}
	}
	if !sound {
		return errSortScore
	}
	return nil
}

// sort puts the elements in order. Those that are the same by what they are sorted by go by themselves, or, with BY and
// ALPHA, stay as they are.
func (s *sorter) sort(o *sortArgs) {
	compare := func(a, b sortElem) int {
		switch {
		case o.letters && o.hasBy:
			return compareBy(a.by, b.by)
		case a.score != b.score:
			return cmp.Compare(a.score, b.score)
		}
		return bytes.Compare(a.elem, b.elem)
	}
	if o.desc {
		ascending := compare
		compare = func(a, b sortElem) int { return ascending(b, a) }
	}
	if o.letters && o.hasBy {
		slices.SortStableFunc(s.list, compare)
	} else {
		slices.SortFunc(s.list, compare)
	}
}

// compareBy compares bytes; having none comes first.
func compareBy(a, b []byte) int {
	switch {
	case a != nil && b != nil:
		return bytes.Compare(a, b)
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	}
	return 1
}

// output returns what is asked for of the elements: nil for what there isn't.
func (s *sorter) output(o *sortArgs) [][]byte {
	per := max(len(o.gets), 1)
	out := make([][]byte, len(s.list)*per)
	if len(o.gets) == 0 {
		for i := range s.list {
			out[i] = s.list[i].elem
		}
	}
	for g := range o.gets {
		switch p := &o.gets[g]; {
		case p.self:
			for i := range s.list {
				out[i*per+g] = s.list[i].elem
			}
		case !p.none:
			s.lookUp(p, s.list, func(i int, v []byte) { out[i*per+g] = s.keep(v) })
		}
	}
	return out
}

func runSort(c *Call)   { c.sort(false) }
func runSortRO(c *Call) { c.sort(true) }

func (c *Call) sort(readOnly bool) {
	o, err := parseSort(c.Args, readOnly)
	if err != nil {
		c.Fail(err)
		return
	}
	s := sorter{c: c}
	if err = s.read(&o); err == nil && !o.asIs {
		if err = s.weigh(&o); err == nil {
			s.sort(&o)
		}
	}
	if err != nil {
		c.Fail(err)
		return
	}
	from, to := o.limits(len(s.list))
	s.list = s.list[from:to]
	if len(s.list) > math.MaxInt32/max(len(o.gets), 1) {
		c.Fail(errs.OutOfMemory)
		return
	}
	out := s.output(&o)
	if o.store != nil {
		err := c.Env.ChangeShard(c.Env.ShardOf(o.store), c.DB, func(db *keyspace.DB) error {
			t := db.Target(o.store)
			return db.SortStore(t.Hash, t.Key, out)
		})
		c.lengthOf(len(out), err)
		return
	}
	c.W.Array(len(out))
	for _, v := range out {
		if v == nil {
			c.W.Null()
		} else {
			c.W.Bulk(v)
		}
	}
}

// sortKeys finds the keys of SORT that its arguments name, of several to store to the last. SORT_RO has no STORE.
func sortKeys(args [][]byte, dst []KeyAt) ([]KeyAt, error) {
	dst = append(dst, KeyAt{1, "RO access"})
	if !isWord(args[0], "sort") {
		return dst, nil
	}
	store := 0
	for i := 2; i < len(args); i++ {
		switch a := args[i]; {
		case isWord(a, "limit"):
			i += 2
		case isWord(a, "get"), isWord(a, "by"):
			i++
		case isWord(a, "store") && i+1 < len(args):
			i++
			store = i
		}
	}
	if store > 0 {
		dst = append(dst, KeyAt{store, "OW update"})
	}
	return dst, nil
}
