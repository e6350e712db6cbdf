package luavm

var coroutineFunctions = []entry{
	{"create", coroutineCreate},
	{"resume", coroutineResume},
	{"running", coroutineRunning},
	{"status", coroutineStatus},
	{"wrap", coroutineWrap},
	{"yield", coroutineYield},
}

func (t *thread) newCoroutine(n int) *thread {
	f, ok := t.arg(n).ref.(*function)
	if !ok || f.proto == nil {
		t.argError(n, "Lua function expected")
	}
	co := t.vm.newThread()
	co.body = f
	return co
}

func coroutineCreate(t *thread) int {
	t.push(value{ref: t.newCoroutine(1)})
	return 1
}

func coroutineWrap(t *thread) int {
	co := t.newCoroutine(1)
	t.push(t.vm.adopt(func(t *thread) int {
		n, err := t.resume(co, t.nargs())
		if err != nil {
			v := err.val
			if s, ok := v.ref.(*str); ok {
				v = t.vm.newString(t.where(1) + s.s)
			}
			t.throw(v)
		}
		return n
	}, value{ref: co}))
	return 1
}

func coroutineResume(t *thread) int {
	co := t.checkThread(1)
	result := t.top
	t.push(boolean(true))
	for i := 2; i <= result-t.base(); i++ {
		t.push(t.arg(i))
	}
	n, err := t.resume(co, t.top-result-1)
	if err != nil {
		t.top = result
		t.push(boolean(false))
		t.push(err.val)
		return 2
	}
	copy(t.stack[result+1:], t.stack[t.top-n:t.top])
	t.top = result + 1 + n
	return n + 1
}

// resume goes on with a coroutine, whose n values stand on top of the stack, and pushes what it yields or returns.
func (t *thread) resume(co *thread, n int) (results int, err *luaError) {
	vm := t.vm
	if co.status != suspended {
		return 0, &luaError{val: vm.newString("cannot resume " + statusNames[co.status].ref.(*str).s + " coroutine")}
	}
	if vm.goDepth >= maxGoDepth {
		return 0, &luaError{val: fixedValue("C stack overflow")}
	}
	args := t.stack[t.top-n : t.top]
	yields := false
	t.status, co.status = normal, running
	vm.threads = append(vm.threads, co)
	depth, pinned, threads := vm.goDepth, vm.pinned, len(vm.threads)-1
	vm.goDepth++
	func() {
		defer func() {
			if r := recover(); r != nil {
				e, ok := r.(*luaError)
				if !ok {
					panic(r)
				}
				err = e
			}
		}()
		yields = co.proceed(args)
	}()
	vm.goDepth, vm.pinned = depth, pinned
	clear(vm.threads[threads:])
	vm.threads = vm.threads[:threads]
	t.status, co.status = running, dead
	if err != nil {
		co.closeUpvalues(0)
		co.frames = co.frames[:0]
		return 0, err
	}
	from := 0
	if yields {
		co.status = suspended
		from = co.frames[len(co.frames)-1].base
	}
	results = co.top - from
	t.need(t.top + results)
	copy(t.stack[t.top:], co.stack[from:co.top])
	t.top += results
	return results, nil
}

// proceed starts a coroutine with arguments, or lets its yield return them, and reports whether it yields again.
func (t *thread) proceed(args []value) (yields bool) {
	if t.body != nil {
		t.need(len(args) + 1)
		t.stack[0] = value{ref: t.body}
		copy(t.stack[1:], args)
		t.body = nil
		t.precall(0, len(args), -1)
		t.frames[0].fresh = true
		return t.execute()
	}
	yield := t.frames[len(t.frames)-1]
	t.frames = t.frames[:len(t.frames)-1]
	t.need(yield.base + len(args))
	copy(t.stack[yield.base:], args)
	t.top = yield.base + len(args)
	t.results(yield.slot, yield.base, len(args), yield.want)
	return t.execute()
}

func coroutineYield(t *thread) int {
	if t.entered > 0 {
		t.runError("attempt to yield across metamethod/C-call boundary")
	}
	return yielded
}

func coroutineRunning(t *thread) int {
	if t == t.vm.threads[0] {
		t.push(value{})
	} else {
		t.push(value{ref: t})
	}
	return 1
}

func coroutineStatus(t *thread) int {
	t.push(statusNames[t.checkThread(1).status])
	return 1
}
