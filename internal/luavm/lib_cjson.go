package luavm

import (
	"math"
	"strconv"
)

// jsonConfig is what the functions of one cjson module go by.
type jsonConfig struct {
	sparseConvert bool
	sparseRatio   int
	sparseSafe    int
	encodeDepth   int
	encodeInvalid int // 0 off, 1 on, 2 null
	precision     int
	keepBuffer    bool
	decodeInvalid bool
	decodeDepth   int
}

func (c *jsonConfig) reset() {
	*c = jsonConfig{
		sparseRatio: 2, sparseSafe: 10, encodeDepth: 1000, precision: 14, keepBuffer: true, decodeInvalid: true,
		decodeDepth: 1000,
	}
}

// maxJSONDepth bounds the nesting whatever the configuration says; Lua's stack ends about there.
const maxJSONDepth = 7900

// jsonNull stands for null in decoded values.
var jsonNull = &userdata{name: "userdata: (nil)"}

func (vm *machine) openCjson(g *table) {
	vm.json.reset()
	vm.define(g, "cjson", value{ref: vm.newCjson(&vm.json)})
}

// newCjson makes a module with a configuration.
func (vm *machine) newCjson(c *jsonConfig) *table {
	lib := vm.newTable(0, 16)
	vm.fill(lib, []entry{
		{"decode", func(t *thread) int { return jsonDecode(t, c) }},
		{"decode_invalid_numbers", func(t *thread) int {
			t.jsonArgs(1)
			t.jsonBool(1, &c.decodeInvalid)
			return 1
		}},
		{"decode_max_depth", func(t *thread) int {
			t.jsonArgs(1)
			t.jsonInt(1, &c.decodeDepth, 1, math.MaxInt32)
			return 1
		}},
		{"encode", func(t *thread) int { return jsonEncode(t, c) }},
		{"encode_invalid_numbers", func(t *thread) int {
			t.jsonArgs(1)
			t.jsonInvalid(&c.encodeInvalid)
			return 1
		}},
		{"encode_keep_buffer", func(t *thread) int {
			t.jsonArgs(1)
			t.jsonBool(1, &c.keepBuffer)
			return 1
		}},
		{"encode_max_depth", func(t *thread) int {
			t.jsonArgs(1)
			t.jsonInt(1, &c.encodeDepth, 1, math.MaxInt32)
			return 1
		}},
		{"encode_number_precision", func(t *thread) int {
			t.jsonArgs(1)
			t.jsonInt(1, &c.precision, 1, 14)
			return 1
		}},
		{"encode_sparse_array", func(t *thread) int {
			t.jsonArgs(3)
			t.jsonBool(1, &c.sparseConvert)
			t.jsonInt(2, &c.sparseRatio, 0, math.MaxInt32)
			t.jsonInt(3, &c.sparseSafe, 0, math.MaxInt32)
			return 3
		}},
		{"new", func(t *thread) int {
			fresh := new(jsonConfig)
			fresh.reset()
			t.push(value{ref: t.vm.newCjson(fresh)})
			return 1
		}},
	})
	vm.charge(11 * functionSize)
	vm.define(lib, "null", value{ref: jsonNull})
	vm.define(lib, "_NAME", fixedValue("cjson"))
	vm.define(lib, "_VERSION", fixedValue("2.1.0"))
	return lib
}

// jsonArgs refuses more arguments than a configuring function takes.
func (t *thread) jsonArgs(most int) {
	if t.nargs() > most {
		t.argError(most+1, "found too many arguments")
	}
}

// jsonInt sets an integer of the configuration if argument n is given, and pushes it.
func (t *thread) jsonInt(n int, setting *int, least, most int) {
	if !t.none(n) {
		v := t.checkInt(n)
		if v < int64(least) || v > int64(most) {
			t.argError(1, "expected integer between "+strconv.Itoa(least)+" and "+strconv.Itoa(most))
		}
		*setting = int(v)
	}
	t.push(integer(*setting))
}

func (t *thread) jsonBool(n int, setting *bool) {
	if v := t.arg(n); v.isBoolean() {
		*setting = v.truthy()
	} else if !v.isNil() {
		*setting = t.option(n, "off", "on") == 1
	}
	t.push(boolean(*setting))
}

func (t *thread) jsonInvalid(setting *int) {
	if v := t.arg(1); v.isBoolean() {
		*setting = int(v.num)
	} else if !v.isNil() {
		*setting = t.option(1, "off", "on", "null")
	}
	if *setting == 2 {
		t.push(fixedValue("null"))
	} else {
		t.push(boolean(*setting == 1))
	}
}

// option is the number of the option that argument n names.
func (t *thread) option(n int, options ...string) int {
	s := t.checkString(n)
	for i, o := range options {
		if s == o {
			return i
		}
	}
	t.argError(n, "invalid option '"+s+"'")
	return 0
}

func jsonEncode(t *thread, c *jsonConfig) int {
	if t.nargs() != 1 {
		t.argError(1, "expected 1 argument")
	}
	e := jsonEncoder{t, c, t.vm.newBuilder()}
	e.encode(t.arg(1), 0)
	t.push(e.b.value())
	return 1
}

type jsonEncoder struct {
	t *thread
	c *jsonConfig
	b *builder
}

func (e *jsonEncoder) fail(v value, why string) {
	e.t.errorf("Cannot serialise %s: %s", v.typeName(), why)
}

func (e *jsonEncoder) encode(v value, depth int) {
	e.t.vm.spend(1)
	switch x := v.ref.(type) {
	case nil:
		e.b.add("null")
	case booleanTag:
		if v.num != 0 {
			e.b.add("true")
		} else {
			e.b.add("false")
		}
	case numberTag:
		e.number(v)
	case *str:
		e.text(x.s)
	case *table:
		depth++
		if depth > min(e.c.encodeDepth, maxJSONDepth) {
			e.t.errorf("Cannot serialise, excessive nesting (%d)", depth)
		}
		if n := e.arrayLength(x); n > 0 {
			e.array(x, n, depth)
		} else {
			e.object(x, depth)
		}
	case *userdata:
		e.b.add("null")
	default:
		e.fail(v, "type not supported")
	}
}

func (e *jsonEncoder) number(v value) {
	if math.IsNaN(v.num) || math.IsInf(v.num, 0) {
		switch e.c.encodeInvalid {
		case 0:
			e.fail(v, "must not be NaN or Inf")
		case 1:
			if math.IsNaN(v.num) {
				e.b.add("nan")
				return
			}
		default:
			e.b.add("null")
			return
		}
	}
	var tmp [32]byte
	if e.c.precision == 14 {
		e.b.add(string(appendNumber(tmp[:0], v.num)))
	} else {
		e.b.add(string(appendGeneral(tmp[:0], v.num, e.c.precision)))
	}
}

// text adds a string with what JSON, or a page of HTML around it, could stumble over escaped.
func (e *jsonEncoder) text(s string) {
	const hex = "0123456789abcdef"
	e.b.addByte('"')
	start := 0
	for i := range len(s) {
		e.t.vm.spendAt(i)
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != '/' && c != 0x7f {
			continue
		}
		e.b.add(s[start:i])
		start = i + 1
		e.b.addByte('\\')
		switch c {
		case '"', '\\', '/':
			e.b.addByte(c)
		case '\b':
			e.b.addByte('b')
		case '\t':
			e.b.addByte('t')
		case '\n':
			e.b.addByte('n')
		case '\f':
			e.b.addByte('f')
		case '\r':
			e.b.addByte('r')
		default:
			e.b.add("u00")
			e.b.addByte(hex[c>>4])
			e.b.addByte(hex[c&15])
		}
	}
	e.b.add(s[start:])
	e.b.addByte('"')
}

// arrayLength is the largest index of a table whose keys are all positive integers, -1 for other tables and for those
// that are to be objects because they are sparse.
func (e *jsonEncoder) arrayLength(t *table) float64 {
	most, items := 0.0, 0
	for i := range t.array {
		if !t.array[i].isNil() {
			most = float64(i + 1)
			items++
		}
	}
	e.t.vm.spend(len(t.array) / 8)
	for i := range t.nodes {
		n := &t.nodes[i]
		if n.val.isNil() {
			continue
		}
		if !n.key.isNumber() || n.key.num < 1 || math.Floor(n.key.num) != n.key.num {
			return -1
		}
		most = math.Max(most, n.key.num)
		items++
	}
	if c := e.c; c.sparseRatio > 0 && most > float64(items)*float64(c.sparseRatio) && most > float64(c.sparseSafe) {
		if !c.sparseConvert {
			e.fail(value{ref: t}, "excessively sparse array")
		}
		return -1
	}
	return most
}

func (e *jsonEncoder) array(t *table, n float64, depth int) {
	e.b.addByte('[')
	for i := 1.0; i <= n; i++ {
		if i > 1 {
			e.b.addByte(',')
		}
		e.encode(e.t.vm.get(t, number(i)), depth)
	}
	e.b.addByte(']')
}

func (e *jsonEncoder) object(t *table, depth int) {
	e.b.addByte('{')
	first := true
	for k, v, _ := e.t.vm.next(t, value{}); !k.isNil(); k, v, _ = e.t.vm.next(t, k) {
		if !first {
			e.b.addByte(',')
		}
		first = false
		switch x := k.ref.(type) {
		case numberTag:
			e.b.addByte('"')
			e.number(k)
			e.b.addByte('"')
		case *str:
			e.text(x.s)
		default:
			e.fail(k, "table key must be a number or string")
		}
		e.b.addByte(':')
		e.encode(v, depth)
	}
	e.b.addByte('}')
}
