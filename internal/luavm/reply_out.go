package luavm

import (
	"strings"

	"github.com/darterdb/darter/internal/reply"
)

// What a script returns becomes a reply in two walks over the value: the first follows it with the run's limits in
// force, as a table that holds itself twice would never end; the second writes, and nothing stops it halfway.

const (
	// maxReplyDepth is how deep tables may nest; Lua's stack ends there.
	maxReplyDepth = 7994
	tooDeep       = "ERR reached lua stack limit"
)

// special is a table that stands for something other than an array.
func special(t *table) (kind *str, v value) {
	if t.live == 0 {
		return nil, value{}
	}
	for _, kind := range []*str{nameErr, nameOK, nameDouble, nameMap, nameSet, nameBigNumber, nameVerbatim} {
		v := t.getStr(kind)
		ok := false
		switch kind {
		case nameErr, nameOK, nameBigNumber:
			_, ok = v.ref.(*str)
		case nameDouble:
			ok = v.isNumber()
		case nameMap, nameSet:
			_, ok = v.ref.(*table)
		default:
			_, _, ok = verbatim(v)
		}
		if ok {
			return kind, v
		}
	}
	return nil, value{}
}

func verbatim(v value) (format, text string, ok bool) {
	t, isTable := v.ref.(*table)
	if !isTable {
		return "", "", false
	}
	f, isFormat := t.getStr(nameFormat).ref.(*str)
	s, isText := t.getStr(nameString).ref.(*str)
	if !isFormat || !isText {
		return "", "", false
	}
	return f.s, s.s, true
}

// measure walks over a value that is to be the reply, spending fuel and memory for what will be written.
func (vm *machine) measure(v value, depth int) {
	vm.spend(1)
	switch x := v.ref.(type) {
	case *str:
		vm.pin(len(x.s) + 16)
	case *table:
		vm.pin(16)
		if depth >= maxReplyDepth {
			return
		}
		switch kind, inner := special(x); kind {
		case nil:
			for i := 1; ; i++ {
				item := x.getInt(i)
				if item.isNil() {
					return
				}
				vm.measure(item, depth+1)
			}
		case nameMap, nameSet:
			inner := inner.ref.(*table)
			for k, val, _ := vm.next(inner, value{}); !k.isNil(); k, val, _ = vm.next(inner, k) {
				vm.measure(k, depth+1)
				if kind == nameMap {
					vm.measure(val, depth+1)
				}
			}
		}
	}
}

// write writes a value as a reply.
func (vm *machine) write(w reply.Writer, v value, depth int) {
	if depth > maxReplyDepth {
		w.Error(tooDeep)
		return
	}
	switch x := v.ref.(type) {
	case *str:
		w.BulkString(x.s)
	case numberTag:
		w.Int(toInteger(v.num))
	case booleanTag:
		switch {
		case vm.resp == 3:
			w.Bool(v.truthy())
		case v.truthy():
			w.Int(1)
		default:
			w.Null()
		}
	case *table:
		vm.writeTable(w, x, depth)
	default:
		w.Null()
	}
}

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

func (vm *machine) writeTable(w reply.Writer, t *table, depth int) {
	kind, v := special(t)
	switch kind {
	case nameErr:
		w.Error(v.ref.(*str).s)
	case nameOK:
		w.Status(lineBreaks.Replace(v.ref.(*str).s))
	case nameDouble:
		w.Double(v.num)
	case nameMap:
		inner := v.ref.(*table)
		w.Map(inner.count())
		for k, val, _ := vm.next(inner, value{}); !k.isNil(); k, val, _ = vm.next(inner, k) {
			vm.write(w, k, depth+1)
			vm.write(w, val, depth+1)
		}
	case nameSet:
		inner := v.ref.(*table)
		w.Set(inner.count())
		for k, _, _ := vm.next(inner, value{}); !k.isNil(); k, _, _ = vm.next(inner, k) {
			vm.write(w, k, depth+1)
		}
	case nameBigNumber:
		w.BigNumber(lineBreaks.Replace(v.ref.(*str).s))
	case nameVerbatim:
		format, text, _ := verbatim(v)
		w.Verbatim((format + "   ")[:3], text)
	default:
		n := 0
		for !t.getInt(n + 1).isNil() {
			n++
		}
		w.Array(n)
		for i := 1; i <= n; i++ {
			vm.write(w, t.getInt(i), depth+1)
		}
	}
}

// count is the number of entries.
func (t *table) count() int {
	n := t.live
	for i := range t.array {
		if !t.array[i].isNil() {
			n++
		}
	}
	return n
}
