package reply

import (
	"bytes"
	"errors"
	"math/big"
)

// Error is an error reply as a Go value: the whole text with its code ("ERR ...", "WRONGTYPE ...").
type Error string

func (e Error) Error() string { return string(e) }

// Is makes errors.Is take an error reply for the Go error that has its text.
func (e Error) Is(target error) bool { return string(e) == target.Error() }

// Pair is one entry of a Map.
type Pair struct{ Key, Value any }

// Map is a map reply as a Go value: its pairs in the order they were written. It is a slice, not a Go map, because
// the order can carry meaning and because a key can be any reply, also one that Go cannot compare.
type Map []Pair

// Errors of Values.Value that are about how the reply was written, not what it says.
var (
	errUnfinished = errors.New("reply: the reply is not complete")
	errTwoReplies = errors.New("reply: more than one reply was written")
	errTooDeep    = errors.New("reply: the reply is nested too deeply")
)

const (
	// maxDepth bounds the nesting of a reply; what readers of RESP accept ends about here.
	maxDepth = 128
	// maxReserve bounds the slots made before the items are there.
	maxReserve = 1024
)

// Values is a Writer that builds the reply as a Go value. The zero value is ready.
//
//	Status, Verbatim                     string
//	Bulk, BulkString                     []byte, owned by whoever takes the value
//	Int                                  int64
//	Double                               float64
//	Bool                                 bool
//	BigNumber                            *big.Int
//	Null, NullArray                      nil
//	Array, Set, Push                     []any, never nil
//	Map                                  Map, never nil
//	Error                                Error
//
// It is not safe for concurrent use.
type Values struct {
	// open holds the collections being filled, outermost first; every one of them still waits for items.
	open  []collection
	value any // the whole reply, once done
	done  bool
	err   error // sticks until Reset; nothing is added after it
}

// collection is an array or a map on its way. A map's keys and values come as items in turn.
type collection struct {
	items []any
	left  int
	isMap bool
}

var _ Rewinder = (*Values)(nil)

// Reset forgets everything written. Values handed out before stay as they are.
func (v *Values) Reset() {
	clear(v.open[:cap(v.open)])
	*v = Values{open: v.open[:0]}
}

// Value gives the reply. An error reply comes as a nil value and an Error; inside a collection it is an item. A reply
// that is unfinished, followed by another, or nested beyond all use is an error of another type.
func (v *Values) Value() (any, error) {
	switch {
	case v.err != nil:
		return nil, v.err
	case !v.done:
		return nil, errUnfinished
	}
	if e, ok := v.value.(Error); ok {
		return nil, e
	}
	return v.value, nil
}

const markDepth = 32 // a mark has the number of open collections from this bit on, below that the items of the last

// Mark is how much of the reply is there.
func (v *Values) Mark() int64 {
	if len(v.open) == 0 {
		return 0
	}
	return int64(len(v.open))<<markDepth | int64(len(v.open[len(v.open)-1].items))
}

// Rewind takes back what was written since a Mark, unless that completed the whole reply.
func (v *Values) Rewind(mark int64) {
	depth, items := int(mark>>markDepth), int(mark&(1<<markDepth-1))
	if len(v.open) < depth {
		return
	}
	if depth == 0 {
		v.Reset()
		return
	}
	clear(v.open[depth:])
	v.open = v.open[:depth]
	top := &v.open[depth-1]
	top.left += len(top.items) - items
	clear(top.items[items:])
	top.items = top.items[:items]
}

// add puts one complete reply in its place, and closes the collections it completes.
func (v *Values) add(item any) {
	if v.err != nil {
		return
	}
	for len(v.open) > 0 {
		top := &v.open[len(v.open)-1]
		top.items = append(top.items, item)
		top.left--
		if top.left > 0 {
			return
		}
		item = top.finish()
		*top = collection{}
		v.open = v.open[:len(v.open)-1]
	}
	if v.done {
		v.err = errTwoReplies
		return
	}
	v.value, v.done = item, true
}

func (c *collection) finish() any {
	if !c.isMap {
		return c.items
	}
	pairs := make(Map, len(c.items)/2)
	for i := range pairs {
		pairs[i] = Pair{c.items[2*i], c.items[2*i+1]}
	}
	return pairs
}

// begin opens a collection of left replies.
func (v *Values) begin(left int, isMap bool) {
	c := collection{items: make([]any, 0, min(max(left, 0), maxReserve)), left: left, isMap: isMap}
	switch {
	case v.err != nil:
	case left <= 0:
		v.add(c.finish())
	case len(v.open) == maxDepth:
		v.err = errTooDeep
	default:
		v.open = append(v.open, c)
	}
}

// Status adds a string.
func (v *Values) Status(s string) { v.add(s) }

// Error adds an Error.
func (v *Values) Error(s string) { v.add(Error(s)) }

// Int adds an int64.
func (v *Values) Int(n int64) { v.add(n) }

// Bulk adds a copy of b.
func (v *Values) Bulk(b []byte) {
	if b == nil {
		b = []byte{}
	}
	v.add(bytes.Clone(b))
}

// BulkString adds s as a []byte.
func (v *Values) BulkString(s string) { v.add([]byte(s)) }

// Null adds nil.
func (v *Values) Null() { v.add(nil) }

// NullArray adds nil.
func (v *Values) NullArray() { v.add(nil) }

// Array opens a []any.
func (v *Values) Array(n int) { v.begin(n, false) }

// Map opens a Map of n pairs.
func (v *Values) Map(n int) { v.begin(2*n, true) }

// Set opens a []any.
func (v *Values) Set(n int) { v.begin(n, false) }

// Push opens a []any.
func (v *Values) Push(n int) { v.begin(n, false) }

// Double adds a float64.
func (v *Values) Double(f float64) { v.add(f) }

// Bool adds a bool.
func (v *Values) Bool(b bool) { v.add(b) }

// BigNumber adds a *big.Int; text that is no integer stays a string.
func (v *Values) BigNumber(s string) {
	if n, ok := new(big.Int).SetString(s, 10); ok {
		v.add(n)
	} else {
		v.add(s)
	}
}

// Verbatim adds a string; the format is dropped.
func (v *Values) Verbatim(_, s string) { v.add(s) }

// Proto is 3: Go values keep every distinction that RESP3 makes.
func (v *Values) Proto() int { return 3 }
