package command

import (
	"math"
	"time"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// XREAD and XREADGROUP: what came after an ID in several streams. With BLOCK they wait if nothing did.

const (
	errGroupOption = errs.Error("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.")
	errNoAckOption = errs.Error("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.")
	errGroupNeeded = errs.Error("ERR Missing GROUP option for XREADGROUP")
	errLatest      = errs.Error("ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history " +
		"of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an " +
		"empty result set.")
	errUnread = errs.Error("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> " +
		"<consumer> option.")

	errBlockTime       = errs.Error("ERR timeout is not an integer or out of range")
	errTimeoutNegative = errs.Error("ERR timeout is negative")
	errTimeoutRange    = errs.Error("ERR timeout is out of range")
)

// streamReader is a call of XREAD or XREADGROUP.
type streamReader struct {
	*Call
	group, consumer []byte // nil in XREAD
	count           int    // 0 for any number
	noAck           bool
	block           bool
	timeout         time.Duration
	first, n        int // the first key's argument, and how many keys there are
}

// streamRead is what is read of one stream.
type streamRead struct {
	after  value.StreamID
	unread bool // what the group has not read yet: the ID is >
	found  keyspace.Delivery
	serve  bool // there is an answer for this stream, though it may have no entries
}

// greaterThanAll is what > stands for, so that this ID means the same.
var greaterThanAll = value.MaxStreamID

func runXread(c *Call) {
	r := streamReader{Call: c}
	if err := r.parse(); err != nil {
		c.Fail(err)
		return
	}
	var few [4]streamRead
	list := few[:] // not part of r: it would cost an allocation
	if r.n > len(list) {
		list = make([]streamRead, r.n)
	}
	r.run(list)
}

func runXreadgroup(c *Call) { runXread(c) }

// run reads the streams, list of them.
func (r *streamReader) run(list []streamRead) {
	err := r.resolve(list)
	served := 0
	for i := 0; i < r.n && err == nil; i++ {
		if r.skips(i) {
			continue
		}
		if err = r.look(&list[i], r.Key(r.first+i)); list[i].serve {
			served++
		}
	}
	switch {
	case err != nil:
		r.Fail(err)
	case served > 0:
		r.answer(list, served)
	case r.block:
		r.wait(list)
	default:
		r.W.NullArray()
	}
}

// skips says that the command, having waited, isn't to look at a key.
func (r *streamReader) skips(i int) bool { return r.Call.skips(r.first + i) }

// readKeys finds the keys of XREAD and XREADGROUP. A group, a consumer and a key may be called STREAMS too.
func readKeys(args [][]byte, dst []KeyAt) ([]KeyAt, error) {
	for i := 1; i < len(args); i++ {
		switch a := args[i]; {
		case isWord(a, "block"), isWord(a, "count"):
			i++
		case isWord(a, "group"):
			i += 2
		case isWord(a, "noack"):
		case isWord(a, "streams"):
			n := len(args) - i - 1
			if n == 0 || n%2 != 0 {
				return dst, errKeys
			}
			for k := range n / 2 {
				dst = append(dst, KeyAt{i + 1 + k, "RO access"})
			}
			return dst, nil
		default:
			return dst, errKeys
		}
	}
	return dst, errKeys
}

// forgives says that a key with another kind of value is as good as absent: to XREAD, when it has waited.
func (r *streamReader) forgives() bool { return r.Waited && r.group == nil }

// parse reads the options, up to STREAMS.
func (r *streamReader) parse() error {
	grouped := sameName("xreadgroup", []byte(r.Row.Name))
	for i := 1; i < len(r.Args); i++ {
		a, more := r.Args[i], len(r.Args)-i-1
		switch {
		case isWord(a, "block") && more > 0:
			i++
			if err := r.parseTimeout(r.Args[i]); err != nil {
				return err
			}
		case isWord(a, "count") && more > 0:
			i++
			n, err := anInt(r.Args[i])
			if err != nil {
				return err
			}
			r.count = int(min(max(n, 0), math.MaxInt))
		case isWord(a, "streams") && more > 0:
			r.first, r.n = i+1, more/2
			if more%2 != 0 {
				id := byte('$')
				if grouped {
					id = '>'
				}
				return errs.Error("ERR Unbalanced '" + r.Row.FullName() + "' list of streams: for each stream key an ID or '" +
					string(id) + "' must be specified.")
			}
			i = len(r.Args)
		case isWord(a, "group") && more >= 2:
			if !grouped {
				return errGroupOption
			}
			r.group, r.consumer = r.Args[i+1], r.Args[i+2]
			i += 2
		case isWord(a, "noack"):
			if !grouped {
				return errNoAckOption
			}
			r.noAck = true
		default:
			return errs.Syntax
		}
	}
	switch {
	case r.first == 0:
		return errs.Syntax
	case grouped && r.group == nil:
		return errGroupNeeded
	}
	return nil
}

func (r *streamReader) parseTimeout(arg []byte) error {
	ms, ok := num.ParseInt(arg)
	switch {
	case !ok:
		return errBlockTime
	case ms < 0:
		return errTimeoutNegative
	case ms > math.MaxInt64-time.Now().UnixMilli():
		return errTimeoutRange
	}
	r.block, r.timeout = true, time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond)))*time.Millisecond
	return nil
}

// resolve reads the IDs. It finds out before anything changes whether all streams, and groups, are there.
func (r *streamReader) resolve(list []streamRead) error {
	for i := range r.n {
		if r.skips(i) {
			continue
		}
		t := r.Key(r.first + i)
		it := r.find(&t)
		s, err := it.Stream()
		if err != nil && !r.forgives() {
			return err
		}
		if r.group != nil {
			ok := it.Found()
			if ok {
				_, ok = s.Group(it.View().Mem, r.group)
			}
			if !ok {
				return refusal("NOGROUP No such key '", text(t.Key), "' or consumer group '",
					text(r.group), "' in XREADGROUP with GROUP option")
			}
		}
		read := &list[i]
		switch id := r.Args[r.first+r.n+i]; {
		case len(id) == 1 && id[0] == '$':
			if r.group != nil {
				return errLatest
			}
			read.after = s.Last
		case len(id) == 1 && id[0] == '>':
			if r.group == nil {
				return errUnread
			}
			read.unread = true
		default:
			if read.after, err = anID(id); err != nil {
				return err
			}
			read.unread = r.group != nil && read.after == greaterThanAll
		}
	}
	return nil
}

// look finds out what there is to read in one stream.
func (r *streamReader) look(read *streamRead, t Target) (err error) {
	switch {
	case r.group == nil:
		s, _ := t.DB.Look(t.Hash, t.Key).Stream()
		read.found = keyspace.Delivery{After: read.after}
		if from, ok := read.after.Next(); ok && s.Len > 0 {
			unread := s.Range(t.DB.Heap().Mem, from, value.MaxStreamID)
			read.found.Count = unread.Count(r.most())
		}
		read.serve = read.found.Count > 0
	case read.unread:
		read.found, err = t.DB.GroupRead(t.Hash, t.Key, r.group, r.consumer, r.count, r.noAck)
		read.serve = read.found.Count > 0
	default:
		read.found, err = t.DB.GroupHistory(t.Hash, t.Key, r.group, r.consumer, read.after, r.count)
		read.serve = true
	}
	return err
}

// most returns how many entries of a stream may be read.
func (r *streamReader) most() int {
	if r.count == 0 {
		return math.MaxInt
	}
	return r.count
}

// answer answers with the streams that there is something of.
func (r *streamReader) answer(list []streamRead, served int) {
	if r.W.Proto() == 3 {
		r.W.Map(served)
	} else {
		r.W.Array(served)
	}
	for i := range r.n {
		if r.skips(i) || !list[i].serve {
			continue
		}
		if r.W.Proto() != 3 {
			r.W.Array(2)
		}
		t := r.Key(r.first + i)
		r.W.Bulk(t.Key)
		r.delivered(&t, list[i].found)
	}
}

// delivered answers with the entries of a delivery.
func (r *streamReader) delivered(t *Target, d keyspace.Delivery) {
	mem := t.DB.Heap().Mem
	s, _ := t.DB.Look(t.Hash, t.Key).Stream() // the delivery has moved it
	from, _ := d.After.Next()
	if !d.History {
		entries := s.Range(mem, from, value.MaxStreamID)
		r.entries(&entries, d.Count)
		return
	}
	r.W.Array(d.Count)
	g, _ := s.Group(mem, r.group)
	c, _ := s.Consumer(mem, &g, r.consumer)
	history := s.OwnedFrom(mem, &g, c.Number, from)
	for range d.Count {
		p, _ := history.Next()
		if e, ok := s.Find(mem, p.ID); ok {
			r.entry(e)
			continue
		}
		r.W.Array(2)
		r.streamID(p.ID)
		r.W.NullArray()
	}
}

// wait has the command wait. It will be run again for each of its streams that changes, so $ gives way to the ID that
// it stood for when the wait began.
func (r *streamReader) wait(list []streamRead) {
	for i := range r.n {
		if at := r.first + r.n + i; !r.skips(i) && len(r.Args[at]) == 1 && r.Args[at][0] == '$' {
			r.Args[at] = list[i].after.AppendTo(nil)
		}
	}
	r.WaitFor(r.timeout)
}
