package luavm

import (
	"fmt"
	"time"
)

// machine is a Lua state: the globals with the libraries, made once, and what a run needs, reused from run to run. It
// serves one run at a time.
//
// Scripts cannot change any table that outlives their run, so a run leaves nothing behind but the state of a function
// library that it called into, which is the library's own.
type machine struct {
	meter
	random generator

	scriptGlobals   *table // what EVAL sees
	functionGlobals *table // what the functions of libraries see
	loadGlobals     *table // what a library sees while it is loaded
	globals         *table // the one of these in use

	stringMeta     *table
	nextFunction   *function
	ipairsFunction *function

	main      *thread
	threads   []*thread // running: main and the coroutines resumed in turn; nil between runs
	goDepth   int
	maxFrames int
	lastID    uint32

	libraries  map[*Library]map[string]*function
	loading    *Library // collects what a library that is being loaded registers
	registered map[string]*function

	host   Host
	resp   int // the protocol whose replies redis.call converts
	writer luaWriter

	reuse reuse
	seeds generator // of the random numbers of its runs

	json         jsonConfig
	args         [][]byte
	argBytes     []byte
	argEnds      []int
	scratch      []byte
	markWork     []any
	spareMatcher *matcher
	spareBuf     []byte // a builder's
	started      time.Time
}

func newMachine(version string, seeds generator) *machine {
	vm := &machine{libraries: make(map[*Library]map[string]*function), started: time.Now(), seeds: seeds}
	vm.start(Limits{}, nil, nil)
	vm.nextFunction = &function{native: vm.nextNative}
	vm.ipairsFunction = &function{native: vm.ipairsNative}
	vm.main = vm.newThread()

	vm.scriptGlobals = vm.newTable(0, 64)
	vm.openLibraries(vm.scriptGlobals)
	vm.openRedis(vm.scriptGlobals, version, forScripts)
	vm.functionGlobals = vm.newTable(0, 64)
	for k, v, _ := vm.next(vm.scriptGlobals, value{}); !k.isNil(); k, v, _ = vm.next(vm.scriptGlobals, k) {
		vm.set(vm.functionGlobals, k, v)
	}
	vm.openRedis(vm.functionGlobals, version, forFunctions)
	vm.loadGlobals = vm.newTable(0, 2)
	vm.openRedis(vm.loadGlobals, version, forLoading)

	strict := vm.newTable(0, 1)
	vm.setStr(strict, eventNames[evIndex], value{ref: &function{native: missingGlobal}})
	vm.loadGlobals.getStr(nameRedis).ref.(*table).meta = strict
	for _, g := range []*table{vm.scriptGlobals, vm.functionGlobals, vm.loadGlobals} {
		vm.define(g, "_G", value{ref: g})
		g.meta = strict
		vm.protect(g)
	}
	vm.stringMeta.readonly = true
	vm.reuse.init(vm)
	return vm
}

func (vm *machine) openLibraries(g *table) {
	vm.openBase(g)
	vm.openString(g)
	vm.openTable(g)
	vm.openMath(g)
	vm.openBit(g)
	vm.openStruct(g)
	vm.openCjson(g)
	vm.openCmsgpack(g)
	lib := vm.newTable(0, 8)
	vm.fill(lib, coroutineFunctions)
	vm.define(g, "coroutine", value{ref: lib})
	lib = vm.newTable(0, 1)
	vm.fill(lib, []entry{{"clock", func(t *thread) int {
		t.push(number(time.Since(t.vm.started).Seconds()))
		return 1
	}}})
	vm.define(g, "os", value{ref: lib})
}

// missingGlobal is the __index of the globals.
func missingGlobal(t *thread) int {
	name, ok := t.toText(t.arg(2))
	if !ok {
		name = t.arg(2).typeName()
	}
	t.errorf("Script attempted to access nonexistent global variable '%s'", name)
	return 0
}

// protect makes a table, the tables in it and their metatables readonly.
func (vm *machine) protect(t *table) {
	if t == nil || t.readonly {
		return
	}
	t.readonly = true
	vm.protect(t.meta)
	for i := range t.nodes {
		if inner, ok := t.nodes[i].val.ref.(*table); ok {
			vm.protect(inner)
		}
	}
}

// begin prepares for a run.
func (vm *machine) begin(c *Call) {
	vm.start(c.Limits, c.Control, c.Long)
	vm.maxFrames = c.Limits.Depth
	if vm.maxFrames <= 0 {
		vm.maxFrames = DefaultDepth
	}
	// Two outputs make a state: consecutive runs do not walk along one sequence, one step apart.
	vm.random = generator(vm.seeds.next())<<17 ^ generator(vm.seeds.next())
	vm.host = c.Host
	vm.resp = 2
	vm.goDepth = 0
	vm.json.reset()
	vm.main.status = running
	vm.threads = append(vm.threads[:0], vm.main)
}

// end forgets the run.
func (vm *machine) end() {
	clear(vm.threads)
	vm.threads = vm.threads[:0]
	vm.main.clear()
	vm.host = nil
	vm.control = nil
	vm.loading, vm.registered = nil, nil
	vm.writer.reset(nil, 2, false)
	vm.reuse.end(vm)
	clear(vm.markWork[:cap(vm.markWork)])
	clear(vm.args[:cap(vm.args)])
	if cap(vm.argBytes) > maxScratch {
		vm.argBytes = nil
	}
	vm.spareMatcher = nil
}

// maxKept is the memory beyond which a machine is not kept for another run.
const maxKept = 1 << 20

// keepable reports whether a machine that ended a run is worth keeping.
func (vm *machine) keepable() bool {
	return vm.stopped == nil && cap(vm.main.stack)*valueSize < maxKept && cap(vm.main.frames)*frameSize < maxKept &&
		cap(vm.markWork)*16 < maxKept && vm.lastID < 1<<30
}

// guard runs f and gives the panic that ended it: a Lua error, or else the error to end the run with.
func (vm *machine) guard(f func()) (failed *luaError, ended error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *luaError:
			failed = r
		case *abort:
			ended = r.reason
		default:
			vm.stopped = ErrInternal
			ended = fmt.Errorf("%w: %v", ErrInternal, r)
		}
	}()
	f()
	return nil, nil
}

// list makes a table of byte strings.
func (vm *machine) list(items [][]byte) value {
	t := vm.newTable(len(items), 0)
	for _, b := range items {
		t.array = append(t.array, vm.newBytes(b))
	}
	return value{ref: t}
}

// message words what ended a run as the reply says it: the error, what ran, and where.
func message(text, what, source string, line int) string {
	if source == "" {
		return text
	}
	return fmt.Sprintf("%s script: %s, on %s:%d.", text, what, source, line)
}

// errorText is the text of a Lua error as a reply. Only a table's field err says its own code.
func (t *thread) errorText(v value) string {
	switch x := v.ref.(type) {
	case *table:
		if text, ok := t.toText(x.getStr(nameErr)); ok {
			return text
		}
		return "ERR unknown error"
	case *str, numberTag:
		text, _ := t.toText(v)
		return "ERR " + text
	case nil:
		return "ERR nil"
	case booleanTag:
		if v.num != 0 {
			return "ERR true"
		}
		return "ERR false"
	}
	return "ERR " + t.vm.address(v)
}
