package luavm

import "math"

// one makes a library function of a function of one number.
func one(f func(float64) float64) native {
	return func(t *thread) int {
		t.push(number(f(t.checkNumber(1))))
		return 1
	}
}

// two makes a library function of a function of two numbers.
func two(f func(a, b float64) float64) native {
	return func(t *thread) int {
		t.push(number(f(t.checkNumber(1), t.checkNumber(2))))
		return 1
	}
}

var mathFunctions = []entry{
	{"abs", one(math.Abs)},
	{"acos", one(math.Acos)},
	{"asin", one(math.Asin)},
	{"atan", one(math.Atan)},
	{"atan2", two(math.Atan2)},
	{"ceil", one(math.Ceil)},
	{"cos", one(math.Cos)},
	{"cosh", one(math.Cosh)},
	{"deg", one(func(x float64) float64 { return x / radian })},
	{"exp", one(math.Exp)},
	{"floor", one(math.Floor)},
	{"fmod", two(math.Mod)},
	{"frexp", mathFrexp},
	{"ldexp", mathLdexp},
	{"log", one(math.Log)},
	{"log10", one(log10)},
	{"max", func(t *thread) int { return mathExtreme(t, func(a, b float64) bool { return a > b }) }},
	{"min", func(t *thread) int { return mathExtreme(t, func(a, b float64) bool { return a < b }) }},
	{"mod", two(math.Mod)},
	{"modf", mathModf},
	{"pow", two(power)},
	{"rad", one(func(x float64) float64 { return x * radian })},
	{"random", mathRandom},
	{"randomseed", mathRandomSeed},
	{"sin", one(math.Sin)},
	{"sinh", one(math.Sinh)},
	{"sqrt", one(math.Sqrt)},
	{"tan", one(math.Tan)},
	{"tanh", one(math.Tanh)},
}

// pi as a variable makes radian the quotient of two doubles, as it is in C, and not an exact constant.
var (
	pi     = math.Pi
	radian = pi / 180
)

// log10 is exact for the powers of ten, as C's is: scripts take floor of it.
func log10(x float64) float64 {
	r := math.Log10(x)
	if n := math.Round(r); math.Abs(r-n) < 1e-9 && math.Pow10(int(n)) == x {
		return n
	}
	return r
}

func mathFrexp(t *thread) int {
	m, e := math.Frexp(t.checkNumber(1))
	t.push(number(m))
	t.push(integer(e))
	return 2
}

func mathLdexp(t *thread) int {
	t.push(number(math.Ldexp(t.checkNumber(1), t.checkInt32(2))))
	return 1
}

func mathModf(t *thread) int {
	x := t.checkNumber(1)
	whole, part := math.Modf(x)
	if math.IsInf(x, 0) {
		part = math.Copysign(0, x)
	}
	t.push(number(whole))
	t.push(number(part))
	return 2
}

func mathExtreme(t *thread, better func(a, b float64) bool) int {
	best := t.checkNumber(1)
	for i := 2; i <= t.nargs(); i++ {
		if x := t.checkNumber(i); better(x, best) {
			best = x
		}
	}
	t.push(number(best))
	return 1
}

// generator is the linear congruential generator of 48 bits behind C's lrand48, which Redis gives scripts on every
// system, so that a seed means the same sequence everywhere.
type generator uint64

const (
	generatorA    = 0x5deece66d
	generatorC    = 0xb
	generatorMask = 1<<48 - 1
	// randomMax is what random numbers of 31 bits are taken modulo.
	randomMax = math.MaxInt32
)

func (g *generator) seed(n int32) { *g = generator(uint32(n))<<16 | 0x330e }

func (g *generator) next() int32 {
	*g = (*g*generatorA + generatorC) & generatorMask
	return int32(*g >> 17)
}

func mathRandom(t *thread) int {
	r := float64(t.vm.random.next()%randomMax) / randomMax
	switch t.nargs() {
	case 0:
		t.push(number(r))
	case 1:
		upper := t.checkInt32(1)
		if upper < 1 {
			t.argError(1, "interval is empty")
		}
		t.push(number(math.Floor(r*float64(upper)) + 1))
	case 2:
		lower, upper := t.checkInt32(1), t.checkInt32(2)
		if lower > upper {
			t.argError(2, "interval is empty")
		}
		t.push(number(math.Floor(r*float64(int32(upper-lower+1))) + float64(lower)))
	default:
		t.errorf("wrong number of arguments")
	}
	return 1
}

func mathRandomSeed(t *thread) int {
	t.vm.random.seed(int32(t.checkInt32(1)))
	return 0
}

func (vm *machine) openMath(g *table) {
	lib := vm.newTable(0, 40)
	vm.fill(lib, mathFunctions)
	vm.define(lib, "pi", number(math.Pi))
	vm.define(lib, "huge", number(math.Inf(1)))
	vm.define(g, "math", value{ref: lib})
}
