package luavm

import (
	"math"
	"math/bits"
)

var bitFunctions = []entry{
	{"arshift", bitShift(func(b uint32, n int) uint32 { return uint32(int32(b) >> n) })},
	{"band", bitFold(func(a, b uint32) uint32 { return a & b })},
	{"bnot", bitOne(func(b uint32) uint32 { return ^b })},
	{"bor", bitFold(func(a, b uint32) uint32 { return a | b })},
	{"bswap", bitOne(bits.ReverseBytes32)},
	{"bxor", bitFold(func(a, b uint32) uint32 { return a ^ b })},
	{"lshift", bitShift(func(b uint32, n int) uint32 { return b << n })},
	{"rol", bitShift(bits.RotateLeft32)},
	{"ror", bitShift(func(b uint32, n int) uint32 { return bits.RotateLeft32(b, -n) })},
	{"rshift", bitShift(func(b uint32, n int) uint32 { return b >> n })},
	{"tobit", bitOne(func(b uint32) uint32 { return b })},
	{"tohex", bitToHex},
}

// checkBits is a number modulo 2^32. It is rounded by adding what leaves no room for a fraction, 2^52 + 2^51, whose low
// bits are zero; beyond 2^51 the low bits of the sum mean nothing, here as there.
func (t *thread) checkBits(n int) uint32 {
	const shift = 1<<52 + 1<<51
	return uint32(math.Float64bits(t.checkNumber(n) + shift))
}

func (t *thread) pushBits(b uint32) int {
	t.push(number(float64(int32(b))))
	return 1
}

func bitOne(f func(uint32) uint32) native {
	return func(t *thread) int { return t.pushBits(f(t.checkBits(1))) }
}

func bitFold(f func(a, b uint32) uint32) native {
	return func(t *thread) int {
		b := t.checkBits(1)
		for i := t.nargs(); i > 1; i-- {
			b = f(b, t.checkBits(i))
		}
		return t.pushBits(b)
	}
}

func bitShift(f func(b uint32, n int) uint32) native {
	return func(t *thread) int {
		b := t.checkBits(1)
		return t.pushBits(f(b, int(t.checkBits(2)&31)))
	}
}

func bitToHex(t *thread) int {
	b := t.checkBits(1)
	n := int32(8)
	if t.nargs() >= 2 {
		n = int32(t.checkBits(2))
	}
	digits := "0123456789abcdef"
	if n < 0 {
		digits = "0123456789ABCDEF"
		n = -max(n, -math.MaxInt32)
	}
	n = min(n, 8)
	var text [8]byte
	for i := n - 1; i >= 0; i-- {
		text[i] = digits[b&15]
		b >>= 4
	}
	t.pushBytes(text[:n])
	return 1
}

func (vm *machine) openBit(g *table) {
	lib := vm.newTable(0, 16)
	vm.fill(lib, bitFunctions)
	vm.define(g, "bit", value{ref: lib})
}
