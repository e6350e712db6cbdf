package luavm

import (
	"errors"
	"sync/atomic"
	"time"
)

// Why a script was stopped before its end. A stopped script leaves no reply; what it did is the caller's to undo.
var (
	// ErrKilled is the reason of a Control's Kill without one of its own.
	ErrKilled = errors.New("ERR Script killed by user with SCRIPT KILL.")
	// ErrInstructions, ErrTime and ErrMemory are the limits' reasons.
	ErrInstructions = errors.New("ERR script exceeded its limit of instructions")
	ErrTime         = errors.New("ERR script exceeded its time limit")
	ErrMemory       = errors.New("ERR script exceeded its memory limit")
	// ErrInternal stands for a panic inside the machine; the state it happened in is thrown away.
	ErrInternal = errors.New("ERR internal error in the script engine")
)

// Limits bound what one run of a script may use. Zero means the default where one is named, else no limit.
type Limits struct {
	// Instructions bounds the steps of the virtual machine and of library functions that loop; about 10 ns each.
	Instructions int64
	// Time bounds the run's duration on the wall clock.
	Time time.Duration
	// Memory bounds the bytes that values reachable by the script hold; zero is DefaultMemory. It can be exceeded by an
	// eighth before it is noticed.
	Memory int64
	// Depth bounds nested calls of Lua functions; zero is DefaultDepth.
	Depth int
}

const (
	// DefaultMemory is the memory limit of a run, in bytes.
	DefaultMemory = 256 << 20
	// DefaultDepth is Lua's own bound of nested calls.
	DefaultDepth = 20000
	// maxGoDepth bounds calls that nest on the Go stack: metamethods, pcall, callbacks, coroutines. It is Lua's bound
	// for nested C calls.
	maxGoDepth = 200
)

// Control stops a running script from outside. The zero value is ready; it serves one run at a time and may be used
// from any goroutine.
type Control struct {
	reason atomic.Pointer[error]
}

// Kill asks the script to stop with a reason, which the run's outcome holds; nil is ErrKilled. The first reason given
// counts. It returns at once; the script stops within some thousand instructions, wherever it is, and no pcall holds it
// up. A command that is being executed ends first.
func (c *Control) Kill(reason error) {
	if reason == nil {
		reason = ErrKilled
	}
	c.reason.CompareAndSwap(nil, &reason)
}

// Killed is the reason given to Kill, nil if none was.
func (c *Control) Killed() error {
	if r := c.reason.Load(); r != nil {
		return *r
	}
	return nil
}

// Reset makes the control fit for another run.
func (c *Control) Reset() { c.reason.Store(nil) }

// abort is the panic that ends a run; no pcall recovers it.
type abort struct{ reason error }

// meter watches over a run. The machine counts down fuel, at each jump back, call and step of a library loop, by what
// has been executed since; when it is spent, refuel looks at the limits and the kill switch. So the machine's loop pays
// for one subtraction, and a clock is read some ten thousand times a second.
//
// Memory is charged where it is allocated, dead or alive. When the charges since the last count could have passed the
// limit, the bytes that are reachable are counted, and they are what the limit is held against. The count costs as much
// as a garbage collection of the script's values, and the next one comes no sooner than an eighth of the limit later.
type meter struct {
	fuel     int64
	left     int64 // instructions not yet handed out as fuel
	chunks   int   // how often it was handed out
	long     func()
	limited  bool
	deadline time.Time
	control  *Control
	stopped  error // sticks: once aborting, nothing runs on

	allocated int64 // charged since the last count
	checkAt   int64 // the charge that makes for a count
	limit     int64
	pinned    int64 // held by library functions that are building something
	epoch     uint32
	held      bool // a command runs: charges are added up, and looked at when it has ended
}

// fuelChunk is the fuel handed out at a time: some tens of microseconds.
const fuelChunk = 4096

// longRun is after how many chunks a run is long.
const longRun = 16

func (m *meter) start(l Limits, c *Control, long func()) {
	m.fuel, m.chunks, m.long = 0, 0, long
	m.left, m.limited = l.Instructions, l.Instructions > 0
	m.deadline = time.Time{}
	if l.Time > 0 {
		m.deadline = time.Now().Add(l.Time)
	}
	m.control = c
	m.stopped = nil
	m.limit = l.Memory
	if m.limit <= 0 {
		m.limit = DefaultMemory
	}
	m.allocated, m.checkAt, m.pinned, m.held = 0, m.limit, 0, false
}

// spend uses up n units of fuel.
func (vm *machine) spend(n int) {
	vm.fuel -= int64(n)
	if vm.fuel < 0 {
		vm.refuel()
	}
}

// spendAt pays for a loop over bytes, at byte i: now and then for all bytes since.
func (vm *machine) spendAt(i int) {
	if i&0x3fff == 0x3fff {
		vm.spend(0x4000 / 8)
	}
}

// refuel hands out more fuel, or ends the run.
func (vm *machine) refuel() {
	vm.checkStopped()
	if vm.chunks++; vm.chunks >= longRun && vm.long != nil {
		vm.long()
	}
	if !vm.deadline.IsZero() && time.Now().After(vm.deadline) {
		vm.stop(ErrTime)
	}
	if vm.limited {
		if vm.left <= 0 {
			vm.stop(ErrInstructions)
		}
		n := min(vm.left, fuelChunk)
		vm.left -= n
		vm.fuel += n
		if vm.fuel < 0 { // one step cost more than a chunk
			vm.left += vm.fuel
			vm.fuel = 0
		}
		return
	}
	vm.fuel = fuelChunk
}

// checkStopped ends the run if it was killed.
func (vm *machine) checkStopped() {
	if vm.stopped != nil {
		panic(&abort{vm.stopped})
	}
	if vm.control != nil {
		if err := vm.control.Killed(); err != nil {
			vm.stop(err)
		}
	}
}

func (vm *machine) stop(reason error) {
	vm.stopped = reason
	panic(&abort{reason})
}

// charge accounts for n bytes about to be allocated, and ends the run if they would pass the limit.
func (vm *machine) charge(n int) {
	vm.allocated += int64(n)
	if vm.allocated > vm.checkAt && !vm.held {
		vm.recount(int64(n))
	}
}

// recount counts what is reachable; wanted is about to be allocated.
func (vm *machine) recount(wanted int64) {
	if wanted > vm.limit {
		vm.stop(ErrMemory)
	}
	live := vm.countMemory() + vm.pinned + wanted
	if live > vm.limit {
		vm.stop(ErrMemory)
	}
	vm.allocated = 0
	vm.checkAt = max(vm.limit-live, vm.limit/8)
}

// pin accounts for memory that a library function holds outside of the values a count finds, until unpin.
func (vm *machine) pin(n int) {
	vm.charge(n)
	vm.pinned += int64(n)
}

func (vm *machine) unpin(n int) { vm.pinned -= int64(n) }

// countMemory is the number of bytes reachable from the stacks and globals. It needs no Go stack.
func (vm *machine) countMemory() int64 {
	vm.epoch++
	if vm.epoch == fixedMark {
		vm.epoch = 1
	}
	c := counter{epoch: vm.epoch, work: vm.markWork[:0]}
	c.table(vm.scriptGlobals)
	c.table(vm.functionGlobals)
	c.table(vm.loadGlobals)
	for _, t := range vm.threads {
		c.thread(t)
	}
	for _, lib := range vm.libraries {
		for _, f := range lib {
			c.function(f)
		}
	}
	for len(c.work) > 0 {
		last := c.work[len(c.work)-1]
		c.work = c.work[:len(c.work)-1]
		c.walk(last)
	}
	vm.markWork = c.work[:0]
	return c.bytes
}

// counter adds up what it meets for the first time.
type counter struct {
	epoch uint32
	bytes int64
	work  []any // objects seen whose contents have not been
}

func (c *counter) value(v value) {
	switch x := v.ref.(type) {
	case *str:
		if x.mark != fixedMark && x.mark != c.epoch {
			x.mark = c.epoch
			c.bytes += int64(len(x.s)) + stringSize
		}
	case *table:
		c.table(x)
	case *function:
		c.function(x)
	case *thread:
		c.thread(x)
	}
}

func (c *counter) see(o *object, what any, size int) {
	if o.mark != c.epoch {
		o.mark = c.epoch
		c.bytes += int64(size)
		c.work = append(c.work, what)
	}
}

func (c *counter) table(t *table) {
	if t != nil {
		c.see(&t.object, t, t.size())
	}
}

func (c *counter) function(f *function) {
	if f != nil {
		c.see(&f.object, f, functionSize+len(f.upvalues)*8)
	}
}

func (c *counter) thread(t *thread) {
	if t != nil {
		c.see(&t.object, t, threadSize+cap(t.stack)*valueSize+cap(t.frames)*frameSize)
	}
}

// proto counts code made by the script itself.
func (c *counter) proto(p *proto) {
	if p != nil && p.mark != fixedMark && p.mark != c.epoch {
		p.mark = c.epoch
		c.bytes += int64(p.size)
	}
}

func (c *counter) walk(what any) {
	switch x := what.(type) {
	case *table:
		c.table(x.meta)
		for i := range x.array {
			c.value(x.array[i])
		}
		for i := range x.nodes {
			c.value(x.nodes[i].key)
			c.value(x.nodes[i].val)
		}
	case *function:
		c.proto(x.proto)
		for _, u := range x.upvalues {
			if u != nil && u.mark != c.epoch {
				u.mark = c.epoch
				c.bytes += upvalueSize
				c.value(u.closed)
			}
		}
		for _, v := range x.captured {
			c.value(v)
		}
	case *thread:
		for i := range x.stack[:x.used()] {
			c.value(x.stack[i])
		}
		for i := range x.frames {
			c.function(x.frames[i].fn)
		}
	}
}
