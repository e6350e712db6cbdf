package luavm

import (
	"math"
	"strings"
)

var stringFunctions = []entry{
	{"byte", stringByte},
	{"char", stringChar},
	{"dump", stringDump},
	{"find", func(t *thread) int { return stringFind(t, true) }},
	{"format", stringFormat},
	{"gfind", stringGmatch},
	{"gmatch", stringGmatch},
	{"gsub", stringGsub},
	{"len", stringLen},
	{"lower", func(t *thread) int { return mapBytes(t, 'A', 'Z') }},
	{"match", func(t *thread) int { return stringFind(t, false) }},
	{"rep", stringRep},
	{"reverse", stringReverse},
	{"sub", stringSub},
	{"upper", func(t *thread) int { return mapBytes(t, 'a', 'z') }},
}

// position turns an index that may count from the end into one from the start.
func position(i int64, length int) int64 {
	if i < 0 {
		i += int64(length) + 1
	}
	return max(i, 0)
}

func stringLen(t *thread) int {
	t.push(integer(len(t.checkString(1))))
	return 1
}

func stringSub(t *thread) int {
	s := t.checkString(1)
	from := max(position(t.checkInt(2), len(s)), 1)
	to := min(position(t.optInt(3, -1), len(s)), int64(len(s)))
	if from > to {
		t.push(textEmpty)
	} else {
		t.pushString(strings.Clone(s[from-1 : to]))
	}
	return 1
}

var textEmpty = fixedValue("")

func stringReverse(t *thread) int {
	s := t.checkString(1)
	t.vm.charge(len(s))
	b := make([]byte, len(s))
	for i := range len(s) {
		t.vm.spendAt(i)
		b[len(s)-1-i] = s[i]
	}
	t.pushBytes(b)
	return 1
}

// mapBytes turns letters from first to last to the other case. Like the server's, the locale knows ASCII only.
func mapBytes(t *thread, first, last byte) int {
	s := t.checkString(1)
	t.vm.charge(len(s))
	b := []byte(s)
	for i, c := range b {
		t.vm.spendAt(i)
		if c >= first && c <= last {
			b[i] = c ^ 0x20
		}
	}
	t.pushBytes(b)
	return 1
}

func stringRep(t *thread) int {
	s := t.checkString(1)
	n := int64(t.checkInt32(2))
	if n <= 0 || s == "" {
		t.push(textEmpty)
		return 1
	}
	if size := int64(len(s)) * n; size > t.vm.limit || size > math.MaxInt-stringSize {
		t.vm.stop(ErrMemory)
	}
	size := len(s) * int(n)
	t.vm.charge(size + stringSize)
	t.vm.spend(size / 64)
	t.push(value{ref: &str{s: strings.Repeat(s, int(n))}})
	return 1
}

func stringByte(t *thread) int {
	s := t.checkString(1)
	i := position(t.optInt(2, 1), len(s))
	from := max(i, 1)
	to := min(position(t.optInt(3, i), len(s)), int64(len(s)))
	if from > to {
		return 0
	}
	n := int(to-from) + 1
	if n+t.nargs() > maxUnpack {
		t.errorf("stack overflow (string slice too long)")
	}
	for _, c := range []byte(s[from-1 : to]) {
		t.push(integer(int(c)))
	}
	return n
}

func stringChar(t *thread) int {
	var tmp [64]byte
	b := tmp[:0]
	for i := 1; i <= t.nargs(); i++ {
		c := t.checkInt32(i)
		if c != c&0xff {
			t.argError(i, "invalid value")
		}
		b = append(b, byte(c))
	}
	t.pushBytes(b)
	return 1
}

func stringDump(t *thread) int {
	t.checkFunction(1)
	t.errorf("unable to dump given function")
	return 0
}

// specials are the bytes that make a text a pattern.
const specials = "^$*+?.([%-"

// stringFind is find, and match for whole false.
func stringFind(t *thread, find bool) int {
	s, pat := t.checkString(1), t.checkString(2)
	init := t.optInt(3, 1)
	if init < 0 {
		init += int64(len(s)) + 1
	}
	at := int(min(max(init-1, 0), int64(len(s))))
	if find && (t.arg(4).truthy() || !strings.ContainsAny(untilZero(pat), specials)) {
		t.vm.spend((len(s) - at) / 32)
		i := strings.Index(s[at:], pat)
		if i < 0 {
			t.push(value{})
			return 1
		}
		t.push(integer(at + i + 1))
		t.push(integer(at + i + len(pat)))
		return 2
	}
	m := newMatcher(t, s, pat)
	p := 0
	if anchored(m.pat) {
		p = 1
	}
	for {
		if e := m.at(at, p); e >= 0 {
			n := 0
			if find {
				t.push(integer(at + 1))
				t.push(integer(e))
				n = 2
			}
			if !find || m.level > 0 {
				n += m.pushGroups(at, e)
			}
			m.done()
			return n
		}
		if at++; at > len(s) || p == 1 {
			m.done()
			t.push(value{})
			return 1
		}
	}
}

func anchored(pat string) bool { return pat != "" && pat[0] == '^' }

func untilZero(s string) string {
	if i := strings.IndexByte(s, 0); i >= 0 {
		return s[:i]
	}
	return s
}

func stringGmatch(t *thread) int {
	s, pat := t.checkString(1), t.checkString(2)
	at := 0
	t.push(t.vm.adopt(func(t *thread) int {
		m := newMatcher(t, s, pat)
		for ; at <= len(s); at++ {
			if e := m.at(at, 0); e >= 0 {
				start := at
				at = e
				if e == start {
					at++
				}
				n := m.pushGroups(start, e)
				m.done()
				return n
			}
		}
		m.done()
		return 0
	}, t.arg(1), t.arg(2)))
	return 1
}

func stringGsub(t *thread) int {
	s, pat := t.checkString(1), t.checkString(2)
	repl := t.arg(3)
	switch repl.ref.(type) {
	case *str, numberTag, *table, *function:
	default:
		t.argError(3, "string/function/table expected")
	}
	most := t.optInt(4, int64(len(s))+1)
	m := newMatcher(t, s, pat)
	p := 0
	if anchored(m.pat) {
		p = 1
	}
	b := t.vm.newBuilder()
	at, count := 0, int64(0)
	for count < most {
		e := m.at(at, p)
		if e >= 0 {
			count++
			t.substitute(m, b, repl, at, e)
		}
		if e > at {
			at = e
		} else if at < len(s) {
			b.addByte(s[at])
			at++
		} else {
			break
		}
		if p == 1 {
			break
		}
	}
	m.done()
	b.add(s[min(at, len(s)):])
	t.push(b.value())
	t.push(number(float64(count)))
	return 2
}

// substitute adds what takes the place of a match of s to e.
func (t *thread) substitute(m *matcher, b *builder, repl value, s, e int) {
	var v value
	switch repl.ref.(type) {
	case *table:
		v = t.index(repl, m.group(0, s, e), -1)
	case *function:
		slot, top := t.top, t.top
		t.push(repl)
		n := m.pushGroups(s, e)
		t.call(slot, n, 1)
		v = t.stack[slot]
		t.top = top
	default:
		text, _ := t.toText(repl)
		t.expand(m, b, text, s, e)
		return
	}
	if !v.truthy() {
		b.add(m.src[s:e])
		return
	}
	text, ok := t.toText(v)
	if !ok {
		t.errorf("invalid replacement value (a %s)", v.typeName())
	}
	b.add(text)
}

// expand adds a replacement text with its %0 to %9 filled in.
func (t *thread) expand(m *matcher, b *builder, text string, s, e int) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '%' {
			b.addByte(c)
			continue
		}
		if i++; i == len(text) {
			b.addByte(0)
			return
		}
		switch c = text[i]; {
		case c == '0':
			b.add(m.src[s:e])
		case isDigit(c):
			g, _ := t.toText(m.group(int(c-'1'), s, e))
			b.add(g)
		default:
			b.addByte(c)
		}
	}
}

func (vm *machine) openString(g *table) {
	lib := vm.newTable(0, 16)
	vm.fill(lib, stringFunctions)
	vm.define(g, "string", value{ref: lib})
	if vm.stringMeta == nil {
		vm.stringMeta = vm.newTable(0, 1)
		vm.setStr(vm.stringMeta, eventNames[evIndex], value{ref: lib})
	}
}
