package luavm

import (
	"math"
	"strings"

	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/reply"
)

// luaWriter is a reply.Writer that turns a command's reply into the Lua value that redis.call returns:
//
//	                 RESP2              RESP3, after redis.setresp(3)
//	status           {ok=text}          the same
//	error            {err=text}         the same; the whole reply is kept apart for redis.call to raise
//	integer          number             the same
//	bulk string      string             the same
//	null             false              nil
//	array, push      table              the same
//	map              table, flat        {map={key=value}}
//	set              table              {set={member=true}}
//	double           string             {double=number}
//	boolean          1 or 0             boolean
//	big number       string             {big_number=text}
//	verbatim text    string             {verbatim_string={string=text, format=format}}
//
// The command runs with shards held, so nothing here ends the run: memory is added up, and past the limit the rest of
// the reply is dropped for redisCall to find. A reply that no one looks at is not built at all.
type luaWriter struct {
	vm      *machine
	proto   int
	dropped bool // the value is not wanted, or there is no room for it
	full    bool // the run's memory limit was reached
	begun   bool
	failed  bool // the whole reply is an error
	err     string
	result  value
	open    []collection
}

var _ reply.Writer = (*luaWriter)(nil)

// collection is a table waiting for the rest of its items.
type collection struct {
	table *table
	kind  byte // 'a'rray, 'm'ap, 's'et
	left  int  // items, keys and values alike
	key   value
	isKey bool // the next item of a map is a key
}

// maxOpen bounds the nesting of a reply.
const maxOpen = 1024

func (w *luaWriter) reset(vm *machine, proto int, drop bool) {
	w.vm, w.proto, w.dropped = vm, proto, drop
	w.full, w.begun, w.failed = false, false, false
	w.err, w.result = "", value{}
	clear(w.open)
	w.open = w.open[:0]
}

// Proto is the protocol chosen with redis.setresp.
func (w *luaWriter) Proto() int { return w.proto }

// charge accounts for n bytes, and reports whether they may be allocated.
func (w *luaWriter) charge(n int) bool {
	w.begun = true
	if w.dropped {
		return false
	}
	m := &w.vm.meter
	if m.allocated += int64(n); m.allocated > m.checkAt+m.limit/8 {
		w.dropped, w.full = true, true
		w.result = value{}
		return false
	}
	return true
}

// item adds a finished value.
func (w *luaWriter) item(v value) {
	if len(w.open) == 0 {
		w.result = v
		return
	}
	c := &w.open[len(w.open)-1]
	c.add(w.vm, v)
	if c.left--; c.left > 0 {
		return
	}
	w.open[len(w.open)-1] = collection{}
	w.open = w.open[:len(w.open)-1]
}

// add puts an item into the table. An entry that Lua could not hold, because its key is nil, is left out.
func (c *collection) add(vm *machine, v value) {
	switch c.kind {
	case 'a':
		c.table.array = append(c.table.array, v)
	case 's':
		if !v.isNil() {
			vm.set(c.table, v, boolean(true))
		}
	default:
		if c.isKey = !c.isKey; !c.isKey {
			c.key = v
		} else if !c.key.isNil() {
			vm.set(c.table, c.key, v)
		}
	}
}

// wrap is {name=v}.
func (w *luaWriter) wrap(name *str, v value) value {
	t := &table{nodes: []node{{value{ref: name}, v}}, live: 1}
	return value{ref: t}
}

const wrapSize = tableSize + nodeSize

func (w *luaWriter) text(s string) value { return value{ref: w.vm.reuse.str(s)} }

// Status makes {ok=s}.
func (w *luaWriter) Status(s string) {
	if !w.charge(wrapSize + stringSize + len(s)) {
		return
	}
	v := textOK
	if s != "OK" {
		v = w.text(strings.Clone(s))
	}
	w.item(w.wrap(nameOK, v))
}

var textOK = fixedValue("OK")

// Error makes {err=s}, or ends the call with s if it is the whole reply.
func (w *luaWriter) Error(s string) {
	if !w.begun {
		w.begun, w.failed, w.err = true, true, strings.Clone(s)
		return
	}
	if w.charge(wrapSize + nodeSize + stringSize + len(s)) {
		t := &table{nodes: []node{
			{value{ref: nameErr}, w.text(strings.Clone(s))}, {value{ref: nameIgnore}, boolean(true)},
		}, live: 2}
		w.item(value{ref: t})
	}
}

// Int makes a number.
func (w *luaWriter) Int(n int64) {
	if w.charge(0) {
		w.item(number(float64(n)))
	}
}

// Bulk makes a string.
func (w *luaWriter) Bulk(b []byte) {
	if w.charge(stringSize + len(b)) {
		w.item(w.text(string(b)))
	}
}

// BulkString makes a string.
func (w *luaWriter) BulkString(s string) {
	if w.charge(stringSize + len(s)) {
		w.item(w.text(strings.Clone(s)))
	}
}

// Null makes false, in RESP3 nil.
func (w *luaWriter) Null() {
	if !w.charge(0) {
		return
	}
	if w.proto == 3 {
		w.item(value{})
	} else {
		w.item(boolean(false))
	}
}

// NullArray is Null.
func (w *luaWriter) NullArray() { w.Null() }

// begin opens a collection of n items; outer is the value that stands for it.
func (w *luaWriter) begin(kind byte, n int, t *table, outer value) {
	if len(w.open) >= maxOpen {
		w.dropped, w.full = true, true
		return
	}
	if n <= 0 {
		w.item(outer)
		return
	}
	w.item(outer)
	w.open = append(w.open, collection{table: t, kind: kind, left: n, isKey: true})
}

// Array opens a table.
func (w *luaWriter) Array(n int) {
	if !w.charge(tableSize + sizeOf(n, valueSize)) {
		return
	}
	t := &table{}
	if n > 0 {
		t.array = make([]value, 0, min(n, maxReserve))
	}
	w.begin('a', n, t, value{ref: t})
}

// sizeOf is the memory of n items, or of enough of them to pass any limit.
func sizeOf(n, each int) int { return min(max(n, 0), math.MaxInt32/2/each) * each }

// maxReserve bounds the room made for items that have not come yet.
const maxReserve = 4096

// Push opens a table.
func (w *luaWriter) Push(n int) { w.Array(n) }

// Map opens {map={}} for n pairs, in RESP2 a table of keys and values in turn.
func (w *luaWriter) Map(n int) {
	if w.proto != 3 {
		w.Array(2 * n)
		return
	}
	if w.charge(wrapSize + tableSize + sizeOf(n, nodeSize)) {
		t := &table{}
		w.begin('m', 2*n, t, w.wrap(nameMap, value{ref: t}))
	}
}

// Set opens {set={}}, in RESP2 a table.
func (w *luaWriter) Set(n int) {
	if w.proto != 3 {
		w.Array(n)
		return
	}
	if w.charge(wrapSize + tableSize + sizeOf(n, nodeSize)) {
		t := &table{}
		w.begin('s', n, t, w.wrap(nameSet, value{ref: t}))
	}
}

// Double makes {double=f}, in RESP2 a string.
func (w *luaWriter) Double(f float64) {
	if !w.charge(wrapSize + stringSize) {
		return
	}
	if w.proto == 3 {
		w.item(w.wrap(nameDouble, number(f)))
		return
	}
	var tmp [32]byte
	w.item(w.text(string(num.AppendDouble(tmp[:0], f))))
}

// Bool makes a boolean, in RESP2 1 or 0.
func (w *luaWriter) Bool(b bool) {
	if !w.charge(0) {
		return
	}
	v := boolean(b)
	if w.proto != 3 {
		v = number(v.num)
	}
	w.item(v)
}

// BigNumber makes {big_number=s}, in RESP2 a string.
func (w *luaWriter) BigNumber(s string) {
	if !w.charge(wrapSize + stringSize + len(s)) {
		return
	}
	v := w.text(strings.Clone(s))
	if w.proto == 3 {
		v = w.wrap(nameBigNumber, v)
	}
	w.item(v)
}

// Verbatim makes {verbatim_string={string=s, format=format}}, in RESP2 a string.
func (w *luaWriter) Verbatim(format, s string) {
	if !w.charge(2*wrapSize + nodeSize + 2*stringSize + len(s)) {
		return
	}
	v := w.text(strings.Clone(s))
	if w.proto == 3 {
		t := &table{nodes: []node{
			{value{ref: nameString}, v}, {value{ref: nameFormat}, w.text(strings.Clone(format))},
		}, live: 2}
		v = w.wrap(nameVerbatim, value{ref: t})
	}
	w.item(v)
}
