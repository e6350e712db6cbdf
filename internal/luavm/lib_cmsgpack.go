package luavm

import (
	"encoding/binary"
	"math"
)

const (
	// packNesting is how deep tables are packed; what is nested deeper becomes nil.
	packNesting = 16
	// unpackNesting bounds the nesting of what is unpacked, about where Lua's stack ends.
	unpackNesting = 3999
)

var cmsgpackFunctions = []entry{
	{"pack", cmsgpackPack},
	{"unpack", func(t *thread) int { return t.unpackMessages(0, 0) }},
	{"unpack_limit", func(t *thread) int { return t.unpackMessages(t.checkInt32(2), int(int32(t.optInt(3, 0)))) }},
	{"unpack_one", func(t *thread) int { return t.unpackMessages(1, int(int32(t.optInt(2, 0)))) }},
}

func (vm *machine) openCmsgpack(g *table) {
	lib := vm.newTable(0, 8)
	vm.fill(lib, cmsgpackFunctions)
	vm.define(lib, "_NAME", fixedValue("cmsgpack"))
	vm.define(lib, "_VERSION", fixedValue("lua-cmsgpack 0.4.0"))
	vm.define(lib, "_COPYRIGHT", fixedValue("Copyright (C) 2012, Salvatore Sanfilippo"))
	vm.define(lib, "_DESCRIPTION", fixedValue("MessagePack C implementation for Lua"))
	vm.define(g, "cmsgpack", value{ref: lib})
}

func cmsgpackPack(t *thread) int {
	if t.nargs() == 0 {
		t.argError(0, "MessagePack pack needs input.")
	}
	b := t.vm.newBuilder()
	for i := 1; i <= t.nargs(); i++ {
		t.pack(b, t.arg(i), 0)
	}
	t.push(b.value())
	return 1
}

// pack adds the packed form of v, which lies level tables deep.
func (t *thread) pack(b *builder, v value, level int) {
	t.vm.spend(1)
	switch x := v.ref.(type) {
	case *str:
		packLength(b, len(x.s), 0xa0, 31, 0xd9, 0xda)
		b.add(x.s)
	case booleanTag:
		b.addByte(0xc2 + byte(v.num))
	case numberTag:
		packNumber(b, v.num)
	case *table:
		if level == packNesting {
			b.addByte(0xc0)
			return
		}
		t.packTable(b, x, level)
	default:
		b.addByte(0xc0)
	}
}

func (t *thread) packTable(b *builder, tab *table, level int) {
	count, array := t.vm.shape(tab)
	if array {
		n := tab.length()
		packLength(b, n, 0x90, 15, 0, 0xdc)
		for i := 1; i <= n; i++ {
			t.pack(b, tab.getInt(i), level+1)
		}
		return
	}
	packLength(b, count, 0x80, 15, 0, 0xde)
	for k, v, _ := t.vm.next(tab, value{}); !k.isNil(); k, v, _ = t.vm.next(tab, k) {
		t.pack(b, k, level+1)
		t.pack(b, v, level+1)
	}
}

// shape counts the entries of a table and reports whether their keys are 1, 2, ... count.
func (vm *machine) shape(t *table) (count int, array bool) {
	most := 0
	array = true
	for i := range t.array {
		if !t.array[i].isNil() {
			count++
			most = i + 1
		}
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		if n.val.isNil() {
			continue
		}
		count++
		k, ok := 0, false
		if n.key.isNumber() {
			k, ok = exactInt(n.key.num)
		}
		array = array && ok && k > 0
		most = max(most, k)
	}
	vm.spend(len(t.array)/8 + len(t.nodes)/4)
	return count, array && most == count
}

// packLength adds the head of a string or a container: short for up to most, then with 8 bits if there is such a form,
// 16, and with the code behind that 32.
func packLength(b *builder, n int, short byte, most int, code8, code16 byte) {
	var tmp [5]byte
	switch {
	case n <= most:
		b.addByte(short | byte(n))
	case n <= math.MaxUint8 && code8 != 0:
		b.addByte(code8)
		b.addByte(byte(n))
	case n <= math.MaxUint16:
		b.add(string(binary.BigEndian.AppendUint16(append(tmp[:0], code16), uint16(n))))
	default:
		b.add(string(binary.BigEndian.AppendUint32(append(tmp[:0], code16+1), uint32(n))))
	}
}

func packNumber(b *builder, f float64) {
	var tmp [9]byte
	buf := tmp[:0]
	n := toInteger(f)
	switch {
	case float64(n) != f || f == 1<<63:
		if single := float32(f); float64(single) == f {
			buf = binary.BigEndian.AppendUint32(append(buf, 0xca), math.Float32bits(single))
		} else {
			buf = binary.BigEndian.AppendUint64(append(buf, 0xcb), math.Float64bits(f))
		}
	case n >= 0 && n <= math.MaxInt8, n < 0 && n >= -32:
		buf = append(buf, byte(n))
	case n >= 0 && n <= math.MaxUint8:
		buf = append(buf, 0xcc, byte(n))
	case n >= 0 && n <= math.MaxUint16:
		buf = binary.BigEndian.AppendUint16(append(buf, 0xcd), uint16(n))
	case n >= 0 && n <= math.MaxUint32:
		buf = binary.BigEndian.AppendUint32(append(buf, 0xce), uint32(n))
	case n >= 0:
		buf = binary.BigEndian.AppendUint64(append(buf, 0xcf), uint64(n))
	case n >= math.MinInt8:
		buf = append(buf, 0xd0, byte(n))
	case n >= math.MinInt16:
		buf = binary.BigEndian.AppendUint16(append(buf, 0xd1), uint16(n))
	case n >= math.MinInt32:
		buf = binary.BigEndian.AppendUint32(append(buf, 0xd2), uint32(n))
	default:
		buf = binary.BigEndian.AppendUint64(append(buf, 0xd3), uint64(n))
	}
	b.add(string(buf))
}

// unpackMessages pushes the values packed in the first argument from offset on, limit of them or all for 0 and 0. With
// a limit the offset to go on from comes first, -1 at the end.
func (t *thread) unpackMessages(limit, offset int) int {
	s := t.checkString(1)
	switch {
	case offset < 0 || limit < 0:
		t.errorf("Invalid request to unpack with offset of %d and limit of %d.", offset, len(s))
	case offset > len(s):
		t.errorf("Start offset %d greater than input length %d.", offset, len(s))
	}
	all := limit == 0 && offset == 0
	place := t.top
	t.push(value{})
	u := unpacker{t: t, data: s, at: offset}
	n := 0
	for ; u.at < len(s) && (all || n < limit); n++ {
		if n+t.nargs() >= maxUnpack {
			t.errorf("stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)")
		}
		t.push(u.value(0))
	}
	if all {
		return n
	}
	t.stack[place] = integer(u.at)
	if u.at == len(s) {
		t.stack[place] = integer(-1)
	}
	return n + 1
}

type unpacker struct {
	t    *thread
	data string
	at   int
}

// take gives the next n bytes.
func (u *unpacker) take(n int) string {
	if n > len(u.data)-u.at {
		u.t.errorf("Missing bytes in input.")
	}
	s := u.data[u.at : u.at+n]
	u.at += n
	return s
}

func (u *unpacker) unsigned(n int) uint64 {
	v := uint64(0)
	for _, c := range []byte(u.take(n)) {
		v = v<<8 | uint64(c)
	}
	return v
}

func (u *unpacker) text(n int) value { return u.t.vm.newBytes([]byte(u.take(n))) }

// value reads one value, depth containers deep.
func (u *unpacker) value(depth int) value {
	u.t.vm.spend(1)
	c := u.take(1)[0]
	switch {
	case c < 0x80:
		return integer(int(c))
	case c >= 0xe0:
		return integer(int(int8(c)))
	case c < 0x90:
		return u.mapping(int(c&15), depth)
	case c < 0xa0:
		return u.list(int(c&15), depth)
	case c < 0xc0:
		return u.text(int(c & 31))
	}
	switch c {
	case 0xc0:
		return value{}
	case 0xc2, 0xc3:
		return boolean(c == 0xc3)
	case 0xd9:
		return u.text(int(u.unsigned(1)))
	case 0xda:
		return u.text(int(u.unsigned(2)))
	case 0xdb:
		return u.text(int(min(u.unsigned(4), math.MaxInt32)))
	case 0xca:
		return number(float64(math.Float32frombits(uint32(u.unsigned(4)))))
	case 0xcb:
		return number(math.Float64frombits(u.unsigned(8)))
	case 0xcc, 0xcd, 0xce, 0xcf:
		return number(float64(u.unsigned(1 << (c - 0xcc))))
	case 0xd0:
		return number(float64(int8(u.unsigned(1))))
	case 0xd1:
		return number(float64(int16(u.unsigned(2))))
	case 0xd2:
		return number(float64(int32(u.unsigned(4))))
	case 0xd3:
		return number(float64(int64(u.unsigned(8))))
	case 0xdc, 0xdd:
		return u.list(int(min(u.unsigned(2<<(c-0xdc)), math.MaxInt32)), depth)
	case 0xde, 0xdf:
		return u.mapping(int(min(u.unsigned(2<<(c-0xde)), math.MaxInt32)), depth)
	}
	u.t.errorf("Bad data format in input.")
	return value{}
}

func (u *unpacker) descend(depth int, what string) {
	if depth >= unpackNesting {
		u.t.errorf("stack overflow (in function mp_decode_to_lua_%s)", what)
	}
}

func (u *unpacker) list(n, depth int) value {
	u.descend(depth, "array")
	// Room is made for what can be there: a value takes a byte at least.
	tab := u.t.vm.newTable(min(n, len(u.data)-u.at, 64), 0)
	u.t.hold(tab)
	for i := 1; i <= n; i++ {
		u.t.vm.setInt(tab, i, u.value(depth+1))
	}
	u.t.release()
	return value{ref: tab}
}

func (u *unpacker) mapping(n, depth int) value {
	u.descend(depth, "hash")
	tab := u.t.vm.newTable(0, min(n, len(u.data)-u.at, 16))
	u.t.hold(tab)
	for range n {
		k := u.value(depth + 1)
		v := u.value(depth + 1)
		u.t.rawSet(tab, k, v)
	}
	u.t.release()
	return value{ref: tab}
}

// hold keeps a table that is being built where a count of memory finds it.
func (t *thread) hold(tab *table) { t.push(value{ref: tab}) }

func (t *thread) release() { t.top-- }
