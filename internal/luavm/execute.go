package luavm

// execute runs the innermost frame, which is fresh, until it returns, or until the coroutine yields; it reports which.
//
// The loop holds what it needs of the frame in local variables. Everything that may fail, call or move the stack first
// writes pc back to the frame, for messages and for the way back, and the registers are taken anew after it. Fuel is
// spent where code goes back or calls: by the length of the loop's body, by a function's length when it returns.
func (t *thread) execute() (yields bool) {
	vm := t.vm
reenter:
	fr := &t.frames[len(t.frames)-1]
	fn := fr.fn
	p := fn.proto
	base := fr.base
	code, k := p.code, p.constants
	regs := t.stack[base : base+p.registers]
	pc := fr.pc
	for {
		i := code[pc]
		pc++
		switch i.op {
		case opMove:
			regs[i.a] = regs[i.b]
		case opLoadK:
			regs[i.a] = k[i.b]
		case opLoadBool:
			regs[i.a] = value{booleanTag{}, float64(i.b)}
			if i.c != 0 {
				pc++
			}
		case opLoadNil:
			clear(regs[i.a : i.b+1])
		case opGetUpval:
			regs[i.a] = fn.upvalues[i.b].get()
		case opSetUpval:
			fn.upvalues[i.b].set(regs[i.a])
		case opGetGlobal:
			key := k[i.b]
			v := vm.globals.getStr(key.ref.(*str))
			if v.ref == nil {
				fr.pc = pc
				v = t.index(value{ref: vm.globals}, key, -1)
				regs = t.stack[base : base+p.registers]
			}
			regs[i.a] = v
		case opSetGlobal:
			fr.pc = pc
			t.setIndex(value{ref: vm.globals}, k[i.b], regs[i.a], -1)
			regs = t.stack[base : base+p.registers]
		case opGetField:
			if tab, ok := regs[i.b].ref.(*table); ok {
				v := tab.getStr(k[i.c].ref.(*str))
				if v.ref != nil || tab.meta == nil {
					regs[i.a] = v
					continue
				}
			}
			fr.pc = pc
			v := t.index(regs[i.b], k[i.c], int(i.b))
			regs = t.stack[base : base+p.registers]
			regs[i.a] = v
		case opGetTable:
			key := operand(regs, k, int(i.c))
			if tab, ok := regs[i.b].ref.(*table); ok {
				var v value
				if key.isNumber() {
					if n := int(key.num); float64(n) == key.num && uint(n-1) < uint(len(tab.array)) {
						v = tab.array[n-1]
					} else {
						v = vm.get(tab, *key)
					}
				} else {
					v = vm.get(tab, *key)
				}
				if v.ref != nil || tab.meta == nil {
					regs[i.a] = v
					continue
				}
			}
			fr.pc = pc
			v := t.index(regs[i.b], *key, int(i.b))
			regs = t.stack[base : base+p.registers]
			regs[i.a] = v
		case opSetTable:
			key, val := operand(regs, k, int(i.b)), operand(regs, k, int(i.c))
			tab, ok := regs[i.a].ref.(*table)
			if ok && tab.meta == nil && !tab.readonly && key.ref != nil && key.num == key.num {
				if key.isNumber() {
					if n := int(key.num); float64(n) == key.num && uint(n-1) < uint(len(tab.array)) {
						tab.array[n-1] = *val
						continue
					}
				}
				vm.set(tab, *key, *val)
				continue
			}
			fr.pc = pc
			t.setIndex(regs[i.a], *key, *val, int(i.a))
			regs = t.stack[base : base+p.registers]
		case opNewTable:
			regs[i.a] = value{ref: vm.newTable(int(i.b), int(i.c))}
		case opSelf:
			fr.pc = pc
			object := regs[i.b]
			v := t.index(object, *operand(regs, k, int(i.c)), int(i.b))
			regs = t.stack[base : base+p.registers]
			regs[i.a+1] = object
			regs[i.a] = v
		case opAdd:
			x, y := operand(regs, k, int(i.b)), operand(regs, k, int(i.c))
			if x.isNumber() && y.isNumber() {
				regs[i.a] = number(x.num + y.num)
				continue
			}
			fr.pc = pc
			v := t.arithSlow(i, *x, *y)
			regs = t.stack[base : base+p.registers]
			regs[i.a] = v
		case opSub:
			x, y := operand(regs, k, int(i.b)), operand(regs, k, int(i.c))
			if x.isNumber() && y.isNumber() {
				regs[i.a] = number(x.num - y.num)
				continue
			}
			fr.pc = pc
			v := t.arithSlow(i, *x, *y)
			regs = t.stack[base : base+p.registers]
			regs[i.a] = v
		case opMul, opDiv, opMod, opPow:
			x, y := operand(regs, k, int(i.b)), operand(regs, k, int(i.c))
			if x.isNumber() && y.isNumber() {
				regs[i.a] = number(arith(i.op, x.num, y.num))
				continue
			}
			fr.pc = pc
			v := t.arithSlow(i, *x, *y)
			regs = t.stack[base : base+p.registers]
			regs[i.a] = v
		case opUnm:
			if x := &regs[i.b]; x.isNumber() {
				regs[i.a] = number(-x.num)
				continue
			}
			fr.pc = pc
			v := t.negate(regs[i.b], int(i.b))
			regs = t.stack[base : base+p.registers]
			regs[i.a] = v
		case opNot:
			regs[i.a] = boolean(!regs[i.b].truthy())
		case opLen:
			fr.pc = pc
			v := t.lengthOf(regs[i.b], int(i.b))
			regs = t.stack[base : base+p.registers]
			regs[i.a] = v
		case opConcat:
			fr.pc = pc
			v := t.concat(base+int(i.b), base+int(i.c))
			regs = t.stack[base : base+p.registers]
			regs[i.a] = v
		case opJump:
			pc += int(i.b)
			if i.b < 0 {
				if vm.fuel += int64(i.b); vm.fuel < 0 {
					fr.pc = pc
					vm.refuel()
				}
			}
		case opEq, opLt, opLe:
			x, y := operand(regs, k, int(i.b)), operand(regs, k, int(i.c))
			var r bool
			if x.isNumber() && y.isNumber() {
				switch i.op {
				case opEq:
					r = x.num == y.num
				case opLt:
					r = x.num < y.num
				default:
					r = x.num <= y.num
				}
			} else {
				fr.pc = pc
				switch i.op {
				case opEq:
					r = t.equal(*x, *y)
				case opLt:
					r = t.less(*x, *y)
				default:
					r = t.lessEqual(*x, *y)
				}
				regs = t.stack[base : base+p.registers]
			}
			if r == (i.a != 0) {
				j := code[pc].b
				pc += int(j) + 1
				if j < 0 {
					if vm.fuel += int64(j); vm.fuel < 0 {
						fr.pc = pc
						vm.refuel()
					}
				}
			} else {
				pc++
			}
		case opTest:
			if regs[i.b].truthy() == (i.a != 0) {
				j := code[pc].b
				pc += int(j) + 1
				if j < 0 {
					if vm.fuel += int64(j); vm.fuel < 0 {
						fr.pc = pc
						vm.refuel()
					}
				}
			} else {
				pc++
			}
		case opCall:
			fr.pc = pc
			slot := base + int(i.a)
			nargs := int(i.b) - 1
			if nargs < 0 {
				nargs = t.top - slot - 1
			}
			if vm.fuel--; vm.fuel < 0 {
				vm.refuel()
			}
			lua, suspend := t.precall(slot, nargs, int(i.c)-1)
			if lua {
				goto reenter
			}
			if suspend {
				return true
			}
			fr = &t.frames[len(t.frames)-1]
			regs = t.stack[base : base+p.registers]
		case opTail:
			fr.pc = pc
			slot := base + int(i.a)
			nargs := int(i.b) - 1
			if nargs < 0 {
				nargs = t.top - slot - 1
			}
			if vm.fuel -= int64(pc); vm.fuel < 0 {
				vm.refuel()
			}
			lua, suspend := t.precall(slot, nargs, -1)
			if lua {
				t.replaceCaller()
				goto reenter
			}
			if suspend {
				return true
			}
			fr = &t.frames[len(t.frames)-1]
			regs = t.stack[base : base+p.registers]
		case opReturn:
			if vm.fuel -= int64(pc); vm.fuel < 0 {
				fr.pc = pc
				vm.refuel()
			}
			from := base + int(i.a)
			n := int(i.b) - 1
			if n < 0 {
				n = t.top - from
			}
			if len(t.open) > 0 {
				t.closeUpvalues(base)
			}
			slot, want, fresh := fr.slot, fr.want, fr.fresh
			t.frames = t.frames[:len(t.frames)-1]
			t.results(slot, from, n, want)
			if fresh {
				return false
			}
			goto reenter
		case opForLoop:
			step := regs[i.a+2].num
			x := regs[i.a].num + step
			limit := regs[i.a+1].num
			if step > 0 && x <= limit || step <= 0 && x >= limit {
				pc += int(i.b)
				regs[i.a].num = x
				regs[i.a+3] = number(x)
				if vm.fuel += int64(i.b); vm.fuel < 0 {
					fr.pc = pc
					vm.refuel()
				}
			}
		case opForPrep:
			fr.pc = pc
			t.forPrep(regs[i.a : i.a+3])
			pc += int(i.b)
		case opForIn:
			fr.pc = pc
			if vm.fuel--; vm.fuel < 0 {
				vm.refuel()
			}
			if i.c <= 2 && vm.step(regs[i.a:i.a+5]) {
				continue
			}
			copy(regs[i.a+3:i.a+6], regs[i.a:i.a+3])
			lua, suspend := t.precall(base+int(i.a)+3, 2, int(i.c))
			if lua {
				goto reenter
			}
			if suspend {
				return true
			}
			fr = &t.frames[len(t.frames)-1]
			regs = t.stack[base : base+p.registers]
		case opForTest:
			if v := regs[i.a+3]; v.ref != nil {
				regs[i.a+2] = v
				pc += int(i.b)
				if vm.fuel += int64(i.b); vm.fuel < 0 {
					fr.pc = pc
					vm.refuel()
				}
			}
		case opSetList:
			fr.pc = pc
			from := base + int(i.a) + 1
			n := int(i.b)
			if n == 0 {
				n = t.top - from
			}
			vm.setList(regs[i.a].ref.(*table), int(code[pc].b), t.stack[from:from+n])
			pc++
		case opClose:
			t.closeUpvalues(base + int(i.a))
		case opClosure:
			regs[i.a] = value{ref: t.closure(fn, p.protos[i.b], base)}
		case opVararg:
			n := int(i.b) - 1
			dst := base + int(i.a)
			if n < 0 {
				n = fr.extra
				t.need(dst + n)
				t.top = dst + n
			}
			m := copy(t.stack[dst:dst+n], t.stack[base-fr.extra:base])
			clear(t.stack[dst+m : dst+n])
			regs = t.stack[base : base+p.registers]
		}
	}
}

// step makes a step of a loop over pairs or ipairs of a table without a call; r are the loop's three registers and two
// of its variables. It reports false if that is not what the loop runs over.
func (vm *machine) step(r []value) bool {
	g, ok := r[0].ref.(*function)
	if !ok {
		return false
	}
	tab, ok := r[1].ref.(*table)
	if !ok {
		return false
	}
	switch g {
	case vm.nextFunction:
		key, val, known := vm.next(tab, r[2])
		if known {
			r[3], r[4] = key, val
		}
		return known
	case vm.ipairsFunction:
		n := r[2].num + 1
		if v := vm.get(tab, number(n)); v.isNil() {
			r[3] = v
		} else {
			r[3], r[4] = number(n), v
		}
		return true
	}
	return false
}

// operand is the register or constant that an instruction names.
func operand(regs, k []value, x int) *value {
	if x < firstConstant {
		return &regs[x]
	}
	return &k[x-firstConstant]
}

// replaceCaller drops the frame of a function whose last deed was to call the one now innermost.
func (t *thread) replaceCaller() {
	n := len(t.frames)
	caller, callee := &t.frames[n-2], &t.frames[n-1]
	if len(t.open) > 0 {
		t.closeUpvalues(caller.base)
	}
	// The callee's registers, extra arguments included, move down to where the caller's began.
	from, to := callee.slot, caller.slot
	length := callee.base + callee.fn.proto.registers - from
	copy(t.stack[to:to+length], t.stack[from:from+length])
	callee.base += to - from
	callee.slot = to
	callee.want, callee.fresh, callee.tails = caller.want, caller.fresh, caller.tails+1
	*caller = *callee
	t.frames = t.frames[:n-1]
}

// closure makes a closure of p, a function inside fn, whose registers start at base.
func (t *thread) closure(fn *function, p *proto, base int) *function {
	c := t.vm.newFunction(p)
	for i, u := range p.upvalues {
		if u.local {
			c.upvalues[i] = t.findUpvalue(base + u.index)
		} else {
			c.upvalues[i] = fn.upvalues[u.index]
		}
	}
	return c
}

// forPrep makes numbers of a loop's start, limit and step, and steps back once.
func (t *thread) forPrep(r []value) {
	for i, what := range [...]string{"initial value", "limit", "step"} {
		f, ok := r[i].toNumber()
		if !ok {
			t.runError("'for' %s must be a number", what)
		}
		r[i] = number(f)
	}
	r[0].num -= r[2].num
}
