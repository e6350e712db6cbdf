package luavm

import (
	"encoding/binary"
	"math"
	"strings"
)

// The struct library packs values into strings after a format, a letter for each:
//
//	> < !n   big endian, little endian (at first), alignment n; a blank says nothing
//	b B      a byte           h H   2 bytes        i I n   n bytes, 4 if none are given
//	l L T    8 bytes          f d   4 and 8 bytes of a float
//	s        text up to a zero byte               c n   n bytes of text; c0: as many as the number before says
//	x        a zero byte
//
// Small letters are signed. The format is the C library's: what the host's compiler decides there is decided as on the
// 64-bit systems Redis runs on.
const (
	structMaxInt   = 32 // bytes of an integer
	structMaxAlign = 8
)

var structFunctions = []entry{
	{"pack", structPack},
	{"size", structSize},
	{"unpack", structUnpack},
}

// layout reads a format.
type layout struct {
	t      *thread
	format string
	at     int
	big    bool
	align  int
}

func (t *thread) layout() *layout {
	return &layout{t: t, format: untilZero(t.checkString(1)), align: 1}
}

// next gives the next letter with the size it stands for; ok is false at the end.
func (l *layout) next() (letter byte, size int, ok bool) {
	if l.at == len(l.format) {
		return 0, 0, false
	}
	letter = l.format[l.at]
	l.at++
	switch letter {
	case 'b', 'B', 'x':
		size = 1
	case 'h', 'H':
		size = 2
	case 'l', 'L', 'T', 'd':
		size = 8
	case 'f':
		size = 4
	case 'c':
		size = l.number(1)
	case 'i', 'I':
		if size = l.number(4); size > structMaxInt {
			l.t.errorf("integral size %d is larger than limit of %d", size, structMaxInt)
		}
	}
	return letter, size, true
}

// number reads digits, if there are any.
func (l *layout) number(otherwise int) int {
	if l.at == len(l.format) || !isDigit(l.format[l.at]) {
		return otherwise
	}
	n := int64(0)
	for ; l.at < len(l.format) && isDigit(l.format[l.at]); l.at++ {
		if n = n*10 + int64(l.format[l.at]-'0'); n > math.MaxInt32 {
			l.t.errorf("integral size overflow")
		}
	}
	return int(n)
}

// padding is the number of bytes to skip at offset for a value to be aligned.
func (l *layout) padding(letter byte, offset, size int) int {
	if size == 0 || letter == 'c' {
		return 0
	}
	size = min(size, l.align)
	return (size - offset&(size-1)) & (size - 1)
}

// control takes a letter that stands for no value.
func (l *layout) control(letter byte) {
	switch letter {
	case ' ':
	case '>':
		l.big = true
	case '<':
		l.big = false
	case '!':
		a := l.number(structMaxAlign)
		if a <= 0 || a&(a-1) != 0 {
			l.t.errorf("alignment %d is not a power of 2", a)
		}
		l.align = a
	default:
		l.t.argError(1, "invalid format option '"+string([]byte{letter})+"'")
	}
}

func (l *layout) order() binary.AppendByteOrder {
	if l.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func structPack(t *thread) int {
	l := t.layout()
	t.push(value{}) // what is missing reads as nil, since that is what stands there in C
	t.frames[len(t.frames)-1].extra++
	b := t.vm.newBuilder()
	arg, total := 2, 0
	var tmp [8]byte
	for {
		letter, size, ok := l.next()
		if !ok {
			break
		}
		skip := l.padding(letter, total, size)
		total += skip
		for range skip {
			b.addByte(0)
		}
		switch letter {
		case 'b', 'B', 'h', 'H', 'l', 'L', 'T', 'i', 'I':
			l.putInteger(b, t.checkNumber(arg), size)
			arg++
		case 'x':
			b.addByte(0)
		case 'f':
			b.add(string(l.order().AppendUint32(tmp[:0], math.Float32bits(float32(t.checkNumber(arg))))))
			arg++
		case 'd':
			b.add(string(l.order().AppendUint64(tmp[:0], math.Float64bits(t.checkNumber(arg)))))
			arg++
		case 'c', 's':
			s := t.checkString(arg)
			arg++
			if size == 0 {
				size = len(s)
			}
			if len(s) < size {
				t.argError(arg, "string too short")
			}
			b.add(s[:size])
			if letter == 's' {
				b.addByte(0)
				size++
			}
		default:
			l.control(letter)
		}
		total += size
	}
	t.push(b.value())
	return 1
}

func (l *layout) putInteger(b *builder, f float64, size int) {
	var n uint64
	if f < 0 {
		n = uint64(toInteger(f))
	} else {
		n = toUnsigned(f)
	}
	var buf [structMaxInt]byte
	for i := range size {
		at := i
		if l.big {
			at = size - 1 - i
		}
		buf[at] = byte(n)
		n >>= 8
	}
	b.add(string(buf[:size]))
}

func (l *layout) integer(data string, signed bool) float64 {
	n := uint64(0)
	for i := range len(data) {
		at := i
		if !l.big {
			at = len(data) - 1 - i
		}
		n = n<<8 | uint64(data[at])
	}
	if !signed {
		return float64(n)
	}
	// The shift is by C's rule on these machines, modulo 64.
	if mask := ^uint64(0) << (uint(len(data)*8-1) & 63); n&mask != 0 {
		n |= mask
	}
	return float64(int64(n))
}

func structUnpack(t *thread) int {
	l := t.layout()
	data := t.checkString(2)
	start := t.optInt(3, 1)
	if start < 1 {
		t.argError(3, "offset must be 1 or greater")
	}
	at, n := int(min(start-1, math.MaxInt32)), 0
	fits := func(size int) {
		if at > len(data) || size > len(data)-at {
			t.argError(2, "data string too short")
		}
	}
	for {
		letter, size, ok := l.next()
		if !ok {
			break
		}
		t.vm.spend(1)
		fits(size)
		at += l.padding(letter, at, size)
		fits(size)
		if n+t.nargs() >= maxUnpack {
			t.errorf("stack overflow (too many results)")
		}
		switch letter {
		case 'b', 'B', 'h', 'H', 'l', 'L', 'T', 'i', 'I':
			t.push(number(l.integer(data[at:at+size], letter >= 'a')))
			n++
		case 'x':
		case 'f':
			bits := uint32(l.integer(data[at:at+4], false))
			t.push(number(float64(math.Float32frombits(bits))))
			n++
		case 'd':
			t.push(number(math.Float64frombits(l.bits(data[at : at+8]))))
			n++
		case 'c':
			if size == 0 {
				if n == 0 || !t.stack[t.top-1].isNumber() {
					t.errorf("format 'c0' needs a previous size")
				}
				size = int(min(max(toInteger(t.stack[t.top-1].num), -1), math.MaxInt32))
				if size < 0 {
					size = math.MaxInt32
				}
				t.top--
				n--
				fits(size)
			}
			t.pushString(strings.Clone(data[at : at+size]))
			n++
		case 's':
			size = strings.IndexByte(data[at:], 0) + 1
			if size == 0 {
				t.errorf("unfinished string in data")
			}
			t.pushString(strings.Clone(data[at : at+size-1]))
			n++
		default:
			l.control(letter)
		}
		at += size
	}
	t.push(integer(at + 1))
	return n + 1
}

// bits reads 8 bytes.
func (l *layout) bits(data string) uint64 {
	if l.big {
		return binary.BigEndian.Uint64([]byte(data))
	}
	return binary.LittleEndian.Uint64([]byte(data))
}

func structSize(t *thread) int {
	l := t.layout()
	total := int64(0)
	for {
		letter, size, ok := l.next()
		if !ok {
			break
		}
		total += int64(l.padding(letter, int(total&(structMaxInt-1)), size))
		switch {
		case letter == 's':
			t.argError(1, "option 's' has no fixed size")
		case letter == 'c' && size == 0:
			t.argError(1, "option 'c0' has no fixed size")
		case !isLetter(letter) && !isDigit(letter):
			l.control(letter)
		}
		total += int64(size)
	}
	t.push(number(float64(total)))
	return 1
}

func (vm *machine) openStruct(g *table) {
	lib := vm.newTable(0, 4)
	vm.fill(lib, structFunctions)
	vm.define(g, "struct", value{ref: lib})
}
