package luavm

import "math"

// maxUnpack is the number of values that unpack, string.byte and the like return at most, as in Lua, where they go
// through the C stack.
const maxUnpack = 8000

var baseFunctions = []entry{
	{"assert", baseAssert},
	{"collectgarbage", baseCollectGarbage},
	{"error", baseError},
	{"gcinfo", baseGCInfo},
	{"getmetatable", baseGetMetatable},
	{"load", baseLoad},
	{"loadstring", baseLoadString},
	{"pcall", basePcall},
	{"rawequal", baseRawEqual},
	{"rawget", baseRawGet},
	{"rawset", baseRawSet},
	{"select", baseSelect},
	{"setmetatable", baseSetMetatable},
	{"tonumber", baseToNumber},
	{"tostring", baseToString},
	{"type", baseType},
	{"unpack", baseUnpack},
	{"xpcall", baseXpcall},
}

func (vm *machine) openBase(g *table) {
	vm.fill(g, baseFunctions)
	vm.define(g, "next", value{ref: vm.nextFunction})
	vm.define(g, "pairs", value{ref: &function{native: func(t *thread) int {
		t.checkTable(1)
		t.push(value{ref: t.vm.nextFunction})
		t.push(t.arg(1))
		t.push(value{})
		return 3
	}}})
	vm.define(g, "ipairs", value{ref: &function{native: func(t *thread) int {
		t.checkTable(1)
		t.push(value{ref: t.vm.ipairsFunction})
		t.push(t.arg(1))
		t.push(integer(0))
		return 3
	}}})
	vm.define(g, "_VERSION", fixedValue("Lua 5.1"))
}

func baseAssert(t *thread) int {
	if !t.checkAny(1).truthy() {
		t.throw(t.vm.newString(t.where(1) + t.optString(2, "assertion failed!")))
	}
	return t.nargs()
}

func baseError(t *thread) int {
	v := t.arg(1)
	level := t.optInt(2, 1)
	if s, ok := t.toText(v); ok && level > 0 {
		v = t.vm.newString(t.where(int(min(level, math.MaxInt32))) + s)
	}
	t.throw(v)
	return 0
}

// memoryInUse is what the collector would call the state's size. Counting it is work, and is paid for.
func (t *thread) memoryInUse() float64 {
	n := t.vm.countMemory() + t.vm.pinned
	t.vm.spend(int(min(n/64, 1<<30)))
	return float64(n) / 1024
}

func baseCollectGarbage(t *thread) int {
	switch option := t.optString(1, "collect"); option {
	case "count":
		t.push(number(t.memoryInUse()))
	case "step":
		t.push(boolean(true))
	case "collect", "stop", "restart", "setpause", "setstepmul":
		t.push(integer(0))
	default:
		t.argError(1, "invalid option '"+option+"'")
	}
	return 1
}

func baseGCInfo(t *thread) int {
	t.push(number(math.Floor(t.memoryInUse())))
	return 1
}

func baseGetMetatable(t *thread) int {
	m := t.vm.metatable(t.checkAny(1))
	switch {
	case m == nil:
		t.push(value{})
	case !m.event(evMetatable).isNil():
		t.push(m.event(evMetatable))
	default:
		t.push(value{ref: m})
	}
	return 1
}

func baseSetMetatable(t *thread) int {
	tab := t.checkTable(1)
	m, ok := t.arg(2).ref.(*table)
	if !ok && (t.nargs() < 2 || !t.none(2)) {
		t.argError(2, "nil or table expected")
	}
	if tab.meta != nil && !tab.meta.event(evMetatable).isNil() {
		t.errorf("cannot change a protected metatable")
	}
	if tab.readonly {
		t.runError(readonlyText)
	}
	tab.meta = m
	t.push(t.arg(1))
	return 1
}

// loadText compiles for load and loadstring.
func (t *thread) loadText(text, name string) int {
	if len(text) > maxLoad {
		t.push(value{})
		t.pushString(chunkID(name) + ": chunk is too large")
		return 2
	}
	t.vm.charge(len(text) * sourceCost)
	t.vm.spend(len(text))
	p, err := compile(text, name)
	if err != nil {
		t.push(value{})
		t.pushString(err.Error())
		return 2
	}
	t.vm.charge(p.size)
	t.push(value{ref: t.vm.newFunction(p)})
	return 1
}

func baseLoadString(t *thread) int {
	text := t.checkString(1)
	return t.loadText(text, t.optString(2, text))
}

func baseLoad(t *thread) int {
	f := t.checkFunction(1)
	name := t.optString(2, "=(load)")
	b := t.vm.newBuilder()
	for {
		piece := t.call1(f)
		if piece.isNil() {
			break
		}
		s, ok := t.toText(piece)
		if !ok {
			b.drop()
			t.push(value{})
			t.pushString("reader function must return a string")
			return 2
		}
		if s == "" || len(b.buf) > maxLoad {
			break
		}
		b.add(s)
	}
	return t.loadText(b.text(), name)
}

func (vm *machine) nextNative(t *thread) int {
	tab := t.checkTable(1)
	k, v, ok := vm.next(tab, t.arg(2))
	if !ok {
		t.runError("invalid key to 'next'")
	}
	t.push(k)
	if k.isNil() {
		return 1
	}
	t.push(v)
	return 2
}

func (vm *machine) ipairsNative(t *thread) int {
	n := t.checkInt(2) + 1
	v := vm.get(t.checkTable(1), number(float64(n)))
	if v.isNil() {
		return 0
	}
	t.push(number(float64(n)))
	t.push(v)
	return 2
}

// basePcall gives the text of an error that has the form of an error reply, as Redis's does, so that scripts written
// for errors that are strings go on working.
func basePcall(t *thread) int {
	t.checkAny(1)
	slot := t.base()
	err := t.protect(slot, t.nargs()-1, -1)
	if err != nil {
		v := err.val
		if tab, ok := v.ref.(*table); ok {
			if text := tab.getStr(nameErr); isText(text) {
				v = text
			}
		}
		t.top = slot
		t.push(boolean(false))
		t.push(v)
		return 2
	}
	n := t.top - slot
	t.need(t.top + 1)
	copy(t.stack[slot+1:], t.stack[slot:t.top])
	t.stack[slot] = boolean(true)
	t.top++
	return n + 1
}

func baseXpcall(t *thread) int {
	t.checkAny(2)
	f, handler := t.arg(1), t.arg(2)
	slot := t.top
	t.push(f)
	err := t.protect(slot, 0, -1)
	if err == nil {
		n := t.top - slot
		t.need(t.top + 1)
		copy(t.stack[slot+1:], t.stack[slot:t.top])
		t.stack[slot] = boolean(true)
		t.top++
		return n + 1
	}
	t.top = slot
	t.push(boolean(false))
	t.push(handler)
	t.push(err.val)
	if again := t.protect(slot+1, 1, 1); again != nil {
		t.stack[slot+1] = again.val
	}
	t.top = slot + 2
	return 2
}

func baseRawEqual(t *thread) int {
	t.push(boolean(rawEqual(t.checkAny(1), t.checkAny(2))))
	return 1
}

func baseRawGet(t *thread) int {
	t.push(t.vm.get(t.checkTable(1), t.checkAny(2)))
	return 1
}

func baseRawSet(t *thread) int {
	t.rawSet(t.checkTable(1), t.checkAny(2), t.checkAny(3))
	t.push(t.arg(1))
	return 1
}

func baseSelect(t *thread) int {
	n := t.nargs()
	if s, ok := t.arg(1).ref.(*str); ok && s.s != "" && s.s[0] == '#' {
		t.push(integer(n - 1))
		return 1
	}
	i := int64(t.checkInt32(1))
	if i < 0 {
		i += int64(n)
	} else if i > int64(n) {
		i = int64(n)
	}
	if i < 1 {
		t.argError(1, "index out of range")
	}
	return n - int(i)
}

func baseToNumber(t *thread) int {
	base := t.optInt(2, 10)
	if base == 10 {
		if f, ok := t.checkAny(1).toNumber(); ok {
			t.push(number(f))
		} else {
			t.push(value{})
		}
		return 1
	}
	s := t.checkString(1)
	if base < 2 || base > 36 {
		t.argError(2, "base out of range")
	}
	if f, ok := parseUnsigned(s, uint64(base)); ok {
		t.push(number(f))
	} else {
		t.push(value{})
	}
	return 1
}

// parseUnsigned reads a text in a base as C's strtoul does: blanks, a sign that negates modulo 2^64, 0x before
// hexadecimal digits; what is too large becomes the largest.
func parseUnsigned(s string, base uint64) (float64, bool) {
	s = trimSpace(s)
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if base == 16 && len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		s = s[2:]
	}
	if s == "" {
		return 0, false
	}
	n, over := uint64(0), false
	for i := range len(s) {
		c := s[i]
		var d uint64
		switch lower := c | 0x20; {
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case lower >= 'a' && lower <= 'z':
			d = uint64(lower-'a') + 10
		default:
			return 0, false
		}
		if d >= base {
			return 0, false
		}
		over = over || n > (math.MaxUint64-d)/base
		n = n*base + d
	}
	switch {
	case over:
		n = math.MaxUint64
	case neg:
		n = -n
	}
	return float64(n), true
}

func baseToString(t *thread) int {
	t.push(t.display(t.checkAny(1)))
	return 1
}

// display is tostring.
func (t *thread) display(v value) value {
	if h := t.vm.metamethod(v, evToString); !h.isNil() {
		return t.call1(h, v)
	}
	switch v.ref.(type) {
	case nil:
		return textNil
	case booleanTag:
		if v.num != 0 {
			return textTrue
		}
		return textFalse
	case *str:
		return v
	case numberTag:
		s, _ := t.toText(v)
		return t.vm.newString(s)
	}
	return t.vm.newString(t.vm.address(v))
}

var textNil, textTrue, textFalse = fixedValue("nil"), fixedValue("true"), fixedValue("false")

// typeNames holds the string for each name of a type.
var typeNames = func() map[string]value {
	m := make(map[string]value)
	for _, s := range []string{"nil", "number", "boolean", "string", "table", "function", "thread", "userdata"} {
		m[s] = value{ref: libraryName(s)}
	}
	return m
}()

func baseType(t *thread) int {
	t.push(typeNames[t.checkAny(1).typeName()])
	return 1
}

func baseUnpack(t *thread) int {
	tab := t.checkTable(1)
	i := int64(t.optInt(2, 1))
	e := int64(0)
	if t.none(3) {
		e = int64(tab.length())
	} else {
		e = t.checkInt(3)
	}
	i, e = int64(int32(i)), int64(int32(e))
	if i > e {
		return 0
	}
	n := e - i + 1
	if n+int64(t.nargs()) > maxUnpack {
		t.errorf("too many results to unpack")
	}
	t.vm.spend(int(n) / 8)
	t.need(t.top + int(n))
	for ; i <= e; i++ {
		t.push(t.vm.get(tab, number(float64(i))))
	}
	return int(n)
}
