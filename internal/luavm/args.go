package luavm

import "fmt"

// Arguments of library functions. The checks and texts are those of Lua's own libraries; n counts from 1.

// none reports whether argument n was not given at all or is nil.
func (t *thread) none(n int) bool { return t.arg(n).isNil() }

func (t *thread) checkAny(n int) value {
	if n > t.nargs() {
		t.argError(n, "value expected")
	}
	return t.arg(n)
}

func (t *thread) checkTable(n int) *table {
	tab, ok := t.arg(n).ref.(*table)
	if !ok {
		t.wantError(n, "table")
	}
	return tab
}

func (t *thread) checkFunction(n int) value {
	v := t.arg(n)
	if _, ok := v.ref.(*function); !ok {
		t.wantError(n, "function")
	}
	return v
}

func (t *thread) checkThread(n int) *thread {
	co, ok := t.arg(n).ref.(*thread)
	if !ok {
		t.argError(n, "coroutine expected")
	}
	return co
}

// toText is a string, or a number as tostring shows it.
func (t *thread) toText(v value) (string, bool) {
	switch x := v.ref.(type) {
	case *str:
		return x.s, true
	case numberTag:
		var tmp [32]byte
		return string(appendNumber(tmp[:0], v.num)), true
	}
	return "", false
}

func (t *thread) checkString(n int) string {
	s, ok := t.toText(t.arg(n))
	if !ok {
		t.wantError(n, "string")
	}
	return s
}

func (t *thread) optString(n int, otherwise string) string {
	if t.none(n) {
		return otherwise
	}
	return t.checkString(n)
}

func (t *thread) checkNumber(n int) float64 {
	f, ok := t.arg(n).toNumber()
	if !ok {
		t.wantError(n, "number")
	}
	return f
}

// checkInt is an argument of C's type ptrdiff_t; what does not fit becomes the smallest one.
func (t *thread) checkInt(n int) int64 { return toInteger(t.checkNumber(n)) }

func (t *thread) optInt(n int, otherwise int64) int64 {
	if t.none(n) {
		return otherwise
	}
	return t.checkInt(n)
}

// checkInt32 is an argument of C's type int.
func (t *thread) checkInt32(n int) int { return int(int32(toInteger(t.checkNumber(n)))) }

func (t *thread) pushString(s string) { t.push(t.vm.newString(s)) }

func (t *thread) pushBytes(b []byte) { t.push(t.vm.newBytes(b)) }

// entry is a function of a library.
type entry struct {
	name string
	fn   native
}

// fill puts functions into a table.
func (vm *machine) fill(t *table, functions []entry) {
	for _, e := range functions {
		vm.setStr(t, libraryName(e.name), value{ref: &function{native: e.fn}})
	}
}

// constant puts a value into a table.
func (vm *machine) define(t *table, name string, v value) { vm.setStr(t, libraryName(name), v) }

// address is how tostring shows an object.
func (vm *machine) address(v value) string {
	if u, ok := v.ref.(*userdata); ok {
		return u.name
	}
	return fmt.Sprintf("%s: 0x%012x", v.typeName(), 0x7f0000000000+uint64(vm.identity(v))*64)
}

// adopt lets a native function hold on to values of the run.
func (vm *machine) adopt(fn native, captured ...value) value {
	vm.charge(functionSize + len(captured)*valueSize)
	return value{ref: &function{native: fn, captured: captured}}
}
