package luavm

// function is a closure: of compiled code, or of Go code with the values it was made with.
type function struct {
	object
	proto    *proto
	upvalues []*upvalue
	native   native
	captured []value // what a native function made at run time holds on to, for the accounting
}

// native is a library function. Its arguments are arg(1) to arg(nargs()); it pushes its results and returns their
// number. yielded as the number of results suspends the coroutine that runs it.
type native func(t *thread) int

const yielded = -1

// upvalue is a variable that closures share: while its function runs, a register of that function's thread, later a
// place of its own.
type upvalue struct {
	owner  *thread // nil when closed
	index  int
	closed value
	mark   uint32
}

func (u *upvalue) get() value {
	if u.owner != nil {
		return u.owner.stack[u.index]
	}
	return u.closed
}

func (u *upvalue) set(v value) {
	if u.owner != nil {
		u.owner.stack[u.index] = v
	} else {
		u.closed = v
	}
}

// thread is a coroutine, or the script itself: a stack of registers and a stack of calls.
//
//	stack: ... function | extra arguments | registers of the call (base ...) | registers of the next call ...
//
// Calls of Lua functions by Lua functions push a frame and need no Go stack; a coroutine that yields keeps its frames.
type thread struct {
	object
	vm     *machine
	stack  []value
	top    int // behind the arguments of a native function, or behind an open list of values
	frames []frame
	open   []*upvalue // variables of running functions in use by closures, in the order of the stack

	status  threadStatus
	entered int       // runs of the machine's loop and native functions between the last resume and now
	body    *function // what a coroutine runs that has not begun
}

type threadStatus uint8

const (
	suspended threadStatus = iota
	running
	normal // has resumed another one
	dead
)

var statusNames = [...]value{
	fixedValue("suspended"), fixedValue("running"), fixedValue("normal"), fixedValue("dead"),
}

// frame is one call.
type frame struct {
	fn    *function
	base  int // the first register, or the first argument of a native function
	slot  int // of the function; results go there
	pc    int
	want  int // results wanted, -1 for all
	extra int // extra arguments of a vararg function below base; the number of arguments of a native one
	tails int // calls it has replaced
	fresh bool
}

const (
	stringSize   = 40
	functionSize = 96
	upvalueSize  = 64
	threadSize   = 200
	frameSize    = 80

	// stackRoom is the room for registers that a thread begins with, stackStart is how many of them it begins to use.
	stackRoom  = 64
	stackStart = 16
	// maxStack bounds the registers of one thread.
	maxStack = 1 << 20
)

func (vm *machine) newThread() *thread {
	vm.charge(threadSize + stackRoom*valueSize + 8*frameSize)
	return &thread{vm: vm, stack: make([]value, stackStart, stackRoom), frames: make([]frame, 0, 8)}
}

func (vm *machine) newFunction(p *proto) *function {
	vm.charge(functionSize + len(p.upvalues)*8)
	f := &function{proto: p}
	if len(p.upvalues) > 0 {
		f.upvalues = make([]*upvalue, len(p.upvalues))
	}
	return f
}

// newString makes a string of a run.
func (vm *machine) newString(s string) value {
	vm.charge(len(s) + stringSize)
	return value{ref: vm.reuse.str(s)}
}

// newBytes is newString for bytes, which are copied.
func (vm *machine) newBytes(b []byte) value {
	vm.charge(len(b) + stringSize)
	return value{ref: vm.reuse.str(string(b))}
}

// line is the line of the instruction that was fetched last.
func (f *frame) line() int { return int(f.fn.proto.lines[max(f.pc-1, 0)]) }

// used is the number of registers that may hold something.
func (t *thread) used() int {
	n := t.top
	for i := range t.frames {
		if f := &t.frames[i]; f.fn.proto != nil {
			n = max(n, f.base+f.fn.proto.registers)
		}
	}
	return min(n, len(t.stack))
}

// need makes room for registers up to n.
func (t *thread) need(n int) {
	if n > len(t.stack) {
		t.grow(n)
	}
}

func (t *thread) grow(n int) {
	if n > maxStack {
		t.runError("stack overflow")
	}
	if n <= cap(t.stack) {
		t.stack = t.stack[:min(n+stackStart, cap(t.stack))]
		return
	}
	size := max(n+maxRegisters, 2*len(t.stack))
	t.vm.charge(size * valueSize)
	stack := make([]value, size)
	copy(stack, t.stack)
	t.stack = stack
}

// clear forgets all values, so that a kept machine holds none of its last run. Registers behind the stack's length and
// frames behind the first without a function have not been in use since.
func (t *thread) clear() {
	clear(t.stack)
	t.stack = t.stack[:stackStart]
	t.frames = t.frames[:cap(t.frames)]
	for i := range t.frames {
		if t.frames[i].fn == nil {
			break
		}
		t.frames[i].fn = nil
	}
	t.frames = t.frames[:0]
	t.open = t.open[:0]
	t.top, t.entered = 0, 0
}

// nargs is the number of arguments of the running native function.
func (t *thread) nargs() int { return t.frames[len(t.frames)-1].extra }

// arg is argument n of the running native function, counted from 1; nil past the last one.
func (t *thread) arg(n int) value {
	f := &t.frames[len(t.frames)-1]
	if n > f.extra {
		return value{}
	}
	return t.stack[f.base+n-1]
}

// push adds a result of the running native function.
func (t *thread) push(v value) {
	t.need(t.top + 1)
	t.stack[t.top] = v
	t.top++
}

// findUpvalue gives the shared variable for a register.
func (t *thread) findUpvalue(index int) *upvalue {
	i := len(t.open)
	for i > 0 && t.open[i-1].index > index {
		i--
	}
	if i > 0 && t.open[i-1].index == index {
		return t.open[i-1]
	}
	t.vm.charge(upvalueSize)
	u := &upvalue{owner: t, index: index}
	t.open = append(t.open, nil)
	copy(t.open[i+1:], t.open[i:])
	t.open[i] = u
	return u
}

// closeUpvalues gives the shared variables from register index on a place of their own.
func (t *thread) closeUpvalues(index int) {
	n := len(t.open)
	for n > 0 && t.open[n-1].index >= index {
		n--
		u := t.open[n]
		u.closed = t.stack[u.index]
		u.owner = nil
		t.open[n] = nil
	}
	t.open = t.open[:n]
}
