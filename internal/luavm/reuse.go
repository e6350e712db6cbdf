package luavm

// reuse is memory that a machine uses again from one run of a script to the next. Nothing that a script makes outlives its
// run: all tables that do are readonly, so whatever it has put somewhere goes with it. A function of a library may keep
// what it makes in the library's variables: for those, and while a library is loaded, all is made anew.
type reuse struct {
	on         bool // a script runs
	main       function
	keys, args table // KEYS and ARGV
	keysAt     int   // their places among the globals
	argsAt     int
	strings    []str // those in use come first
	used       int
}

// maxStrings is how many strings of a run are used again. Others are made as they are needed.
const maxStrings = 32

// init puts KEYS and ARGV among the globals once, so that a run only sets them.
func (r *reuse) init(vm *machine) {
	r.strings = make([]str, maxStrings)
	for _, name := range []*str{nameKeys, nameArgv} {
		vm.setStr(vm.scriptGlobals, name, boolean(false))
	}
	r.keysAt, r.argsAt = vm.find(vm.scriptGlobals, value{ref: nameKeys}), vm.find(vm.scriptGlobals, value{ref: nameArgv})
	vm.scriptGlobals.put(r.keysAt, value{})
	vm.scriptGlobals.put(r.argsAt, value{})
}

// begin returns the function that runs a script on keys and arguments.
func (r *reuse) begin(vm *machine, p *proto, keys, args [][]byte) *function {
	r.on = true
	n := 0
	for _, b := range keys {
		n += len(b)
	}
	for _, b := range args {
		n += len(b)
	}
	vm.charge(2*tableSize + functionSize + (len(keys)+len(args))*(valueSize+stringSize) + n)
	// All of them are parts of one string: one allocation in place of one for each.
	buf := vm.argBytes[:0]
	for _, b := range keys {
		buf = append(buf, b...)
	}
	for _, b := range args {
		buf = append(buf, b...)
	}
	vm.argBytes = buf
	all := string(buf)
	all = r.list(&r.keys, keys, all)
	r.list(&r.args, args, all)
	vm.globals = vm.scriptGlobals
	vm.globals.put(r.keysAt, value{ref: &r.keys})
	vm.globals.put(r.argsAt, value{ref: &r.args})
	r.main = function{proto: p}
	return &r.main
}

// list fills a table with strings that are the next parts of a text, and returns the rest of the text.
func (r *reuse) list(t *table, items [][]byte, text string) string {
	for _, b := range items {
		t.array = append(t.array, value{ref: r.str(text[:len(b)])})
		text = text[len(b):]
	}
	return text
}

// end forgets what the run has made.
func (r *reuse) end(vm *machine) {
	if !r.on {
		return
	}
	r.on = false
	vm.scriptGlobals.put(r.keysAt, value{})
	vm.scriptGlobals.put(r.argsAt, value{})
	for _, t := range []*table{&r.keys, &r.args} {
		array := t.array
		if cap(array) > maxStrings {
			array = nil
		}
		clear(array)
		*t = table{array: array[:0]}
	}
	r.main = function{}
	clear(r.strings[:r.used])
	r.used = 0
}

// str makes a string of a run.
func (r *reuse) str(s string) *str {
	if !r.on || r.used == len(r.strings) {
		return &str{s: s}
	}
	x := &r.strings[r.used]
	r.used++
	x.s = s
	return x
}
