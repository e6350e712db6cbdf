package command

import (
	"bytes"
	"math"

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
//	copy the elements         with the shard of the key held, or many of them aside
//	look up what BY names     shard by shard, some keys at a time
//	sort                      with nothing held
//	look up what GET names    like BY
//	store                     with the shard of the destination held, much of it only at the end
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

func runSort(c *Call)   { c.sort(false) }
func runSortRO(c *Call) { c.sort(true) }

func (c *Call) sort(readOnly bool) {
	o, err := parseSort(c.Args, readOnly)
	if err != nil {
		c.Fail(err)
		return
	}
	s := c.sorter
	if s == nil {
		s = &sorter{c: c}
	}
	c.sorter = nil // in case of a panic
	s.room, s.list = s.room[:0], s.list[:0]
	err = s.read(&o)
	switch {
	case err != nil:
	case o.asIs:
		from, to := o.limits(len(s.list))
		s.list = s.list[from:to]
	default:
		if err = s.weigh(&o); err == nil {
			s.sort(&o)
		}
	}
	if err == nil && len(s.list) > math.MaxInt32/max(len(o.gets), 1) {
		err = errs.OutOfMemory
	}
	if err != nil {
		c.Fail(err)
		return
	}
	s.answer(&o)
	if cap(s.room) <= maxSorter && cap(s.keys)+cap(s.out) <= maxSorter/16 {
		c.sorter = s
	}
}

// answer answers with what is asked for, or stores it.
func (s *sorter) answer(o *sortArgs) {
	c, out := s.c, s.output(o)
	if o.store != nil {
		err := c.Env.MakeKey(c.Env.ShardOf(o.store), c.DB, len(out), func(db *keyspace.DB) error {
			t := db.Target(o.store)
			return db.SortStore(t.Hash, t.Key, len(out), func(i int) []byte {
				if out[i].missing() {
					return nil
				}
				return s.bytes(out[i])
			})
		})
		c.lengthOf(len(out), err)
		return
	}
	c.W.Array(len(out))
	for _, p := range out {
		if p.missing() {
			c.W.Null()
		} else {
			c.W.Bulk(s.bytes(p))
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
