package luavm

// The ways to call. precall pushes the frame of a Lua function, for the machine's loop to run, or runs a native one to
// its end. call runs any function to its end from Go; protect does so and catches Lua errors. Aborts pass through all
// of them up to the run.

// precall begins the call of the function at slot with the arguments behind it. It reports whether a Lua function is
// now there to be run; else the results are in place. A native function that yields gives suspend.
func (t *thread) precall(slot, nargs, want int) (lua, suspend bool) {
	fn, ok := t.stack[slot].ref.(*function)
	if !ok {
		fn = t.callable(slot, nargs)
		nargs++
	}
	if len(t.frames) >= t.vm.maxFrames {
		t.overflow()
	}
	p := fn.proto
	if p == nil {
		return false, t.callNative(fn, slot, nargs, want)
	}
	base := slot + 1
	extra := 0
	if p.vararg {
		base, extra = t.spreadExtra(p, slot, nargs)
	} else {
		t.need(base + p.registers)
		for i := nargs; i < p.params; i++ {
			t.stack[base+i] = value{}
		}
	}
	t.enter(fn, base, slot, want, extra)
	return true, false
}

// enter pushes a frame. The fields are written where they stay: a frame built elsewhere and copied takes twice as long.
func (t *thread) enter(fn *function, base, slot, want, extra int) {
	n := len(t.frames)
	if n == cap(t.frames) {
		t.frames = append(t.frames, frame{})
	} else {
		t.frames = t.frames[:n+1]
	}
	f := &t.frames[n]
	f.fn, f.base, f.slot, f.pc, f.want, f.extra, f.tails, f.fresh = fn, base, slot, 0, want, extra, 0, false
}

// spreadExtra lays out the registers of a vararg function: its parameters move above the extra arguments.
func (t *thread) spreadExtra(p *proto, slot, nargs int) (base, extra int) {
	base = slot + 1 + nargs
	t.need(base + p.registers)
	for i := range p.params {
		if i < nargs {
			t.stack[base+i] = t.stack[slot+1+i]
			t.stack[slot+1+i] = value{}
		} else {
			t.stack[base+i] = value{}
		}
	}
	extra = max(nargs-p.params, 0)
	if p.argTable {
		arg := t.vm.newTable(extra, 1)
		t.vm.setList(arg, 1, t.stack[base-extra:base])
		t.vm.setStr(arg, nameN, integer(extra))
		t.stack[base+p.params] = value{ref: arg}
	} else if p.registers > p.params {
		t.stack[base+p.params] = value{}
	}
	return base, extra
}

func (t *thread) overflow() {
	if len(t.frames) >= t.vm.maxFrames+maxGoDepth { // handlers of the overflow itself
		panic(&luaError{val: fixedValue("error in error handling")})
	}
	if len(t.frames) == t.vm.maxFrames {
		t.runError("stack overflow")
	}
}

// callable puts the __call handler of a value below it, in the place of the function.
func (t *thread) callable(slot, nargs int) *function {
	v := t.stack[slot]
	h, ok := t.vm.metamethod(v, evCall).ref.(*function)
	if !ok {
		t.typeError(slot-t.base(), v, "call")
	}
	t.need(slot + nargs + 2)
	copy(t.stack[slot+1:slot+nargs+2], t.stack[slot:slot+nargs+1])
	t.stack[slot] = value{ref: h}
	return h
}

// base is the first register of the running function.
func (t *thread) base() int {
	if len(t.frames) == 0 {
		return 0
	}
	return t.frames[len(t.frames)-1].base
}

func (t *thread) callNative(fn *function, slot, nargs, want int) (suspend bool) {
	t.enter(fn, slot+1, slot, want, nargs)
	t.top = slot + 1 + nargs
	t.need(t.top + 8)
	n := fn.native(t)
	if n == yielded {
		return true
	}
	t.frames = t.frames[:len(t.frames)-1]
	t.results(slot, t.top-n, n, want)
	return false
}

// results moves n values from register from on to where a call's results go, and makes them as many as are wanted.
func (t *thread) results(slot, from, n, want int) {
	switch want {
	case 0:
	case 1:
		if n > 0 {
			t.stack[slot] = t.stack[from]
		} else {
			t.stack[slot] = value{}
		}
	case -1:
		copy(t.stack[slot:], t.stack[from:from+n])
		t.top = slot + n
	default:
		t.need(slot + want)
		m := copy(t.stack[slot:slot+want], t.stack[from:from+n])
		clear(t.stack[slot+m : slot+want])
	}
}

// free is the first register that nothing uses.
func (t *thread) free() int {
	if n := len(t.frames); n > 0 {
		if f := &t.frames[n-1]; f.fn.proto != nil {
			return f.base + f.fn.proto.registers
		}
	}
	return t.top
}

// call runs the function at slot with the arguments behind it to its end; the results go to slot and on.
func (t *thread) call(slot, nargs, want int) {
	vm := t.vm
	if vm.goDepth++; vm.goDepth > maxGoDepth {
		if vm.goDepth > maxGoDepth+maxGoDepth/8 {
			vm.goDepth--
			panic(&luaError{val: fixedValue("error in error handling")})
		}
		vm.goDepth--
		t.runError("C stack overflow")
	}
	t.entered++
	vm.spend(1)
	if lua, suspend := t.precall(slot, nargs, want); lua {
		t.frames[len(t.frames)-1].fresh = true
		t.execute()
	} else if suspend {
		t.runError("attempt to yield across metamethod/C-call boundary")
	}
	t.entered--
	vm.goDepth--
}

// call1 calls a function with up to three arguments for one result.
func (t *thread) call1(f value, args ...value) value {
	slot, top := t.free(), t.top
	t.need(slot + len(args) + 1)
	t.stack[slot] = f
	copy(t.stack[slot+1:], args)
	t.top = slot + 1 + len(args)
	t.call(slot, len(args), 1)
	t.top = top
	return t.stack[slot]
}

// protect is call with Lua errors caught: what it returns is the error, nil if there was none.
func (t *thread) protect(slot, nargs, want int) (err *luaError) {
	vm := t.vm
	frames, depth, entered, pinned := len(t.frames), vm.goDepth, t.entered, vm.pinned
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*luaError)
			if !ok {
				panic(r)
			}
			t.closeUpvalues(slot)
			t.frames = t.frames[:frames]
			t.top = slot
			vm.goDepth, t.entered, vm.pinned = depth, entered, pinned
			err = e
		}
	}()
	t.call(slot, nargs, want)
	return nil
}
