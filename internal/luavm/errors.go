package luavm

import (
	"fmt"
)

// luaError is the panic of a Lua error: any value, as error() takes any. The place is that of the innermost Lua
// function at the time, which the reply of a failed script names.
type luaError struct {
	val    value
	source string // the chunk's name, "" if no Lua function was there
	line   int
}

// throw raises a Lua error.
func (t *thread) throw(v value) {
	e := &luaError{val: v}
	e.source, e.line = t.place()
	panic(e)
}

// place is the chunk and line of the innermost function if it is a Lua function, else of the one that called it.
func (t *thread) place() (source string, line int) {
	for i := len(t.frames) - 1; i >= 0 && i >= len(t.frames)-2; i-- {
		if f := &t.frames[i]; f.fn.proto != nil {
			return f.fn.proto.source, f.line()
		}
	}
	if len(t.frames) == 0 {
		return "", 0
	}
	return "=[C]", -1
}

// where is "chunk:line: " for the function level calls up, "" if that is no Lua function. Level 0 is the one running.
func (t *thread) where(level int) string {
	i := len(t.frames) - 1
	for ; i >= 0 && level > 0; i-- {
		level -= 1 + t.frames[i].tails
	}
	if i < 0 || level < 0 {
		return ""
	}
	if f := &t.frames[i]; f.fn.proto != nil {
		return fmt.Sprintf("%s:%d: ", chunkID(f.fn.proto.source), f.line())
	}
	return ""
}

// errorf raises an error with a message from a library function; the place put before it is that of its caller.
func (t *thread) errorf(format string, args ...any) {
	t.throw(t.vm.newString(t.where(1) + fmt.Sprintf(format, args...)))
}

// runError raises an error with a message from the machine itself; the place is that of the running function.
func (t *thread) runError(format string, args ...any) {
	t.throw(t.vm.newString(t.where(0) + fmt.Sprintf(format, args...)))
}

// redisError raises an error of the redis library: a table with the text, which says its own code.
func (t *thread) redisError(text string) {
	t.throw(value{ref: t.vm.errorTable(text, false)})
}

// errorTable is what scripts get for an error: {err=text}.
func (vm *machine) errorTable(text string, counted bool) *table {
	e := vm.newTable(0, 2)
	vm.setStr(e, nameErr, vm.newString(text))
	if counted {
		vm.setStr(e, nameIgnore, boolean(true))
	}
	return e
}

// typeError raises "attempt to <do> local 'x' (a nil value)" for an operand of the running instruction.
func (t *thread) typeError(operand int, v value, do string) {
	kind, name := "", ""
	if f := &t.frames[len(t.frames)-1]; f.fn.proto != nil {
		kind, name = f.fn.proto.describe(f.pc-1, operand)
	}
	if kind != "" {
		t.runError("attempt to %s %s '%s' (a %s value)", do, kind, name, v.typeName())
	}
	t.runError("attempt to %s a %s value", do, v.typeName())
}

// compareError raises the error of two values that have no order.
func (t *thread) compareError(a, b value) {
	if x, y := a.typeName(), b.typeName(); x == y {
		t.runError("attempt to compare two %s values", x)
	} else {
		t.runError("attempt to compare %s with %s", x, y)
	}
}

// calledAs is the name by which the running library function was called, as the calling code has it.
func (t *thread) calledAs() (kind, name string) {
	if n := len(t.frames); n >= 2 {
		if f := &t.frames[n-2]; f.fn.proto != nil {
			if i := f.fn.proto.code[f.pc-1]; i.op == opCall || i.op == opTail {
				return f.fn.proto.describe(f.pc-1, int(i.a))
			}
		}
	}
	return "", ""
}

// argError raises "bad argument #n to 'name' (problem)"; arguments count from 1.
func (t *thread) argError(n int, problem string) {
	kind, name := t.calledAs()
	if name == "" {
		name = "?"
	}
	if kind == "method" {
		if n--; n == 0 {
			t.errorf("calling '%s' on bad self (%s)", name, problem)
		}
	}
	t.errorf("bad argument #%d to '%s' (%s)", n, name, problem)
}

// wantError raises the error of an argument of the wrong type.
func (t *thread) wantError(n int, want string) {
	got := "no value"
	if n <= t.nargs() {
		got = t.arg(n).typeName()
	}
	t.argError(n, want+" expected, got "+got)
}
