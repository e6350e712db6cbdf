package luavm

import "math"

// Metamethods and the operations that may need them. What the machine's loop can do itself with plain numbers and
// tables never comes here.

// metatable is the table of a value's metamethods, nil if it has none.
func (vm *machine) metatable(v value) *table {
	switch x := v.ref.(type) {
	case *table:
		return x.meta
	case *str:
		return vm.stringMeta
	}
	return nil
}

// metamethod is the handler of an event, nil if there is none.
func (vm *machine) metamethod(v value, e event) value {
	if m := vm.metatable(v); m != nil {
		return m.event(e)
	}
	return value{}
}

// event looks up a handler in a metatable. That the most asked ones are absent is remembered.
func (t *table) event(e event) value {
	if e <= evEq && t.absent&(1<<e) != 0 {
		return value{}
	}
	v := t.getStr(eventNames[e])
	if e <= evEq && v.isNil() {
		t.absent |= 1 << e
	}
	return v
}

// maxMetaChain bounds tables that stand in for each other.
const maxMetaChain = 100

// index is v[key]; operand names v for a message.
func (t *thread) index(v, key value, operand int) value {
	vm := t.vm
	for range maxMetaChain {
		var h value
		if tab, ok := v.ref.(*table); ok {
			r := vm.get(tab, key)
			if !r.isNil() || tab.meta == nil {
				return r
			}
			if h = tab.meta.event(evIndex); h.isNil() {
				return r
			}
		} else if h = vm.metamethod(v, evIndex); h.isNil() {
			t.typeError(operand, v, "index")
		}
		if _, ok := h.ref.(*function); ok {
			return t.call1(h, v, key)
		}
		v, operand = h, -1
	}
	t.runError("loop in gettable")
	return value{}
}

const readonlyText = "Attempt to modify a readonly table"

// setIndex is v[key] = val.
func (t *thread) setIndex(v, key, val value, operand int) {
	vm := t.vm
	for range maxMetaChain {
		var h value
		if tab, ok := v.ref.(*table); ok {
			if tab.readonly {
				t.runError(readonlyText)
			}
			if tab.meta != nil {
				h = tab.meta.event(evNewIndex)
			}
			if h.isNil() || !vm.get(tab, key).isNil() {
				t.rawSet(tab, key, val)
				return
			}
		} else if h = vm.metamethod(v, evNewIndex); h.isNil() {
			t.typeError(operand, v, "index")
		}
		if _, ok := h.ref.(*function); ok {
			t.callNone(h, v, key, val)
			return
		}
		v, operand = h, -1
	}
	t.runError("loop in settable")
}

func (t *thread) callNone(f value, args ...value) {
	slot, top := t.free(), t.top
	t.need(slot + len(args) + 1)
	t.stack[slot] = f
	copy(t.stack[slot+1:], args)
	t.top = slot + 1 + len(args)
	t.call(slot, len(args), 0)
	t.top = top
}

// rawSet stores with the checks that every store needs.
func (t *thread) rawSet(tab *table, key, val value) {
	if tab.readonly {
		t.runError(readonlyText)
	}
	switch key.ref.(type) {
	case nil:
		t.runError("table index is nil")
	case numberTag:
		if math.IsNaN(key.num) {
			t.runError("table index is NaN")
		}
	}
	t.vm.set(tab, key, val)
}

// arith computes on two numbers.
func arith(op opcode, a, b float64) float64 {
	switch op {
	case opAdd:
		return a + b
	case opSub:
		return a - b
	case opMul:
		return a * b
	case opDiv:
		return a / b
	case opMod:
		return a - math.Floor(a/b)*b
	}
	return power(a, b)
}

// arithSlow is a op b for operands that are not both numbers.
func (t *thread) arithSlow(i instr, a, b value) value {
	if x, ok := a.toNumber(); ok {
		if y, ok := b.toNumber(); ok {
			return number(arith(i.op, x, y))
		}
	}
	h := t.binaryHandler(a, b, evAdd+event(i.op-opAdd))
	if h.isNil() {
		if _, ok := a.toNumber(); ok {
			t.typeError(int(i.c), b, "perform arithmetic on")
		}
		t.typeError(int(i.b), a, "perform arithmetic on")
	}
	return t.call1(h, a, b)
}

func (t *thread) binaryHandler(a, b value, e event) value {
	if h := t.vm.metamethod(a, e); !h.isNil() {
		return h
	}
	return t.vm.metamethod(b, e)
}

func (t *thread) negate(v value, operand int) value {
	if f, ok := v.toNumber(); ok {
		return number(-f)
	}
	h := t.vm.metamethod(v, evUnm)
	if h.isNil() {
		t.typeError(operand, v, "perform arithmetic on")
	}
	return t.call1(h, v, v)
}

func (t *thread) lengthOf(v value, operand int) value {
	switch x := v.ref.(type) {
	case *table:
		return integer(x.length())
	case *str:
		return integer(len(x.s))
	}
	h := t.vm.metamethod(v, evLen)
	if h.isNil() {
		t.typeError(operand, v, "get length of")
	}
	return t.call1(h, v)
}

// equal compares with metamethods: only tables that share a handler ask it.
func (t *thread) equal(a, b value) bool {
	x, ok := a.ref.(*table)
	if !ok {
		return rawEqual(a, b)
	}
	y, ok := b.ref.(*table)
	if !ok || x == y {
		return x == y
	}
	if x.meta == nil || y.meta == nil {
		return false
	}
	h := x.meta.event(evEq)
	if h.isNil() || !rawEqual(h, y.meta.event(evEq)) {
		return false
	}
	return t.call1(h, a, b).truthy()
}

func (t *thread) less(a, b value) bool {
	if a.isNumber() && b.isNumber() {
		return a.num < b.num
	}
	if x, ok := a.ref.(*str); ok {
		if y, ok := b.ref.(*str); ok {
			return t.compareStrings(x, y) < 0
		}
	}
	r, ok := t.orderHandler(a, b, evLt)
	if !ok {
		t.compareError(a, b)
	}
	return r
}

func (t *thread) lessEqual(a, b value) bool {
	if a.isNumber() && b.isNumber() {
		return a.num <= b.num
	}
	if x, ok := a.ref.(*str); ok {
		if y, ok := b.ref.(*str); ok {
			return t.compareStrings(x, y) <= 0
		}
	}
	if r, ok := t.orderHandler(a, b, evLe); ok {
		return r
	}
	r, ok := t.orderHandler(b, a, evLt)
	if !ok {
		t.compareError(a, b)
	}
	return !r
}

// compareStrings orders by bytes, as a server in the C locale does.
func (t *thread) compareStrings(a, b *str) int {
	t.vm.spend(min(len(a.s), len(b.s)) / 256)
	switch {
	case a.s < b.s:
		return -1
	case a.s > b.s:
		return 1
	}
	return 0
}

// orderHandler asks the handler that two values of one kind share.
func (t *thread) orderHandler(a, b value, e event) (result, ok bool) {
	if a.typeName() != b.typeName() {
		return false, false
	}
	h := t.vm.metamethod(a, e)
	if h.isNil() || !rawEqual(h, t.vm.metamethod(b, e)) {
		return false, false
	}
	return t.call1(h, a, b).truthy(), true
}

// concat joins the registers from first to last, from the right as Lua does: what is not text or a number is given to
// its handler, with all that stands right of it joined already.
func (t *thread) concat(first, last int) value {
	vm := t.vm
	acc := t.stack[last]
	for i := last - 1; i >= first; {
		v := t.stack[i]
		if !isText(v) || !isText(acc) {
			h := t.binaryHandler(v, acc, evConcat)
			if h.isNil() {
				t.concatError(i, v, acc)
			}
			t.stack[i+1] = acc // counted there while the handler runs
			acc = t.call1(h, v, acc)
			i--
			continue
		}
		start := i
		for start > first && isText(t.stack[start-1]) {
			start--
		}
		buf := vm.scratch[:0]
		for j := start; j <= i; j++ {
			buf = t.appendText(buf, t.stack[j])
		}
		buf = t.appendText(buf, acc)
		acc = vm.newBytes(buf)
		vm.keepScratch(buf)
		i = start - 1
	}
	return acc
}

// concatError names the operand that is no text; the left one stands in register i.
func (t *thread) concatError(i int, left, right value) {
	operand, v := i, left
	if isText(left) {
		operand, v = i+1, right
	}
	t.typeError(operand-t.base(), v, "concatenate")
}

func isText(v value) bool {
	switch v.ref.(type) {
	case *str, numberTag:
		return true
	}
	return false
}

// appendText appends a string or a number, after accounting for it.
func (t *thread) appendText(dst []byte, v value) []byte {
	if s, ok := v.ref.(*str); ok {
		if n := len(s.s); n > 64 {
			t.vm.spend(n / 64)
			if len(dst)+n > cap(dst) {
				t.vm.charge(2 * (len(dst) + n))
			}
		}
		return append(dst, s.s...)
	}
	return appendNumber(dst, v.num)
}

// maxScratch is what is kept of the buffer for building strings.
const maxScratch = 64 << 10

func (vm *machine) keepScratch(buf []byte) {
	if cap(buf) <= maxScratch {
		vm.scratch = buf[:0]
	}
}
