package luavm

import (
	"fmt"
	"math"

	"github.com/yuin/gopher-lua/ast"
)

// The compiler walks the parser's tree once and writes code for a register machine as Lua 5.1 has it: the active local
// variables of a function stand in its first registers, in the order of declaration, and what an expression needs
// meanwhile is stacked above them. A local is named by its register, so reading one costs nothing.

const (
	// maxDepth bounds how deep the tree is followed; Lua itself gives up at 200 levels.
	maxDepth = 2000
	// maxLocals and maxUpvalues are Lua's own bounds.
	maxLocals   = 200
	maxUpvalues = 255
)

// compiler is what the functions of one chunk share.
type compiler struct {
	name  string // of the chunk, as given
	short string // as messages show it
	depth int
}

// funcState is a function being compiled.
type funcState struct {
	*compiler
	parent    *funcState
	p         *proto
	locals    []string // active; the index is the register
	free      int      // the first register not in use
	block     *block
	constants map[constant]int
	usesDots  bool
	usesArg   bool
}

// block is a scope.
type block struct {
	outer    *block
	locals   int   // active when it began
	captured bool  // a closure uses one of its variables
	loop     bool  // break ends it
	breaks   []int // jumps out of it
}

// constant is a constant as a map key. Numbers go by their bits: 0 and -0 are two constants.
type constant struct {
	kind byte
	bits uint64
	text string
}

func compileMain(tree []ast.Stmt, name, short string) *proto {
	c := &compiler{name: name, short: short}
	f := newFuncState(c, nil)
	f.p.vararg = true
	last := 1
	f.statements(tree)
	if n := len(f.p.lines); n > 0 {
		last = int(f.p.lines[n-1])
	}
	f.finish(last)
	return f.p
}

func newFuncState(c *compiler, parent *funcState) *funcState {
	f := &funcState{compiler: c, parent: parent, constants: make(map[constant]int)}
	f.p = &proto{source: c.name, registers: 2, mark: 0}
	f.block = &block{}
	return f
}

// finish ends the function's code.
func (f *funcState) finish(line int) {
	f.emit(instr{op: opReturn, a: 0, b: 1}, line)
	p := f.p
	p.size = 256 + len(p.code)*12 + len(p.constants)*valueSize + len(p.notes)*48 + len(p.upvalues)*32
	for _, k := range p.constants {
		if s, ok := k.ref.(*str); ok {
			p.size += len(s.s)
		}
	}
	for _, q := range p.protos {
		p.size += q.size
	}
}

func (f *funcState) fail(line int, format string, args ...any) {
	panic(&syntaxError{fmt.Sprintf("%s:%d: ", f.short, line) + fmt.Sprintf(format, args...)})
}

// enter counts a level of nesting; what is returned ends it.
func (f *funcState) enter(line int) {
	if f.depth++; f.depth > maxDepth {
		f.fail(line, "chunk has too many syntax levels")
	}
}

func (f *funcState) leave() { f.depth-- }

func (f *funcState) emit(i instr, line int) int {
	f.p.code = append(f.p.code, i)
	f.p.lines = append(f.p.lines, int32(line))
	return len(f.p.code) - 1
}

// note names an operand of the instruction to come after those emitted so far.
func (f *funcState) note(pc, operand int, e ast.Expr) {
	if operand >= firstConstant {
		return
	}
	if kind, name := f.describe(e); kind != "" {
		f.p.notes = append(f.p.notes, note{int32(pc), int32(operand), kind, name})
	}
}

// describe says what an expression is for a message about its value: "local 'x'", "field 'y'".
func (f *funcState) describe(e ast.Expr) (kind, name string) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		if f.local(e.Value) >= 0 {
			return "local", e.Value
		}
		if f.upvalue(e.Value) >= 0 {
			return "upvalue", e.Value
		}
		return "global", e.Value
	case *ast.AttrGetExpr:
		if key, ok := e.Key.(*ast.StringExpr); ok {
			return "field", key.Value
		}
		return "field", "?"
	case *ast.LogicalOpExpr: // with a constant that lets it be the other one
		if v, ok := f.literal(e.Lhs); ok && v.truthy() == (e.Operator == "and") {
			return f.describe(e.Rhs)
		}
	}
	return "", ""
}

// pc is where the next instruction goes.
func (f *funcState) pc() int { return len(f.p.code) }

// patch makes the jump at pc go to target.
func (f *funcState) patch(pc, target int) { f.p.code[pc].b = int32(target - pc - 1) }

func (f *funcState) patchAll(jumps []int, target int) {
	for _, pc := range jumps {
		f.patch(pc, target)
	}
}

func (f *funcState) jump(line int) int { return f.emit(instr{op: opJump}, line) }

func (f *funcState) jumpTo(target, line int) { f.patch(f.jump(line), target) }

// reserve takes the next n registers and gives the first.
func (f *funcState) reserve(n, line int) int {
	r := f.free
	f.free += n
	if f.free > maxRegisters {
		f.fail(line, "function or expression too complex")
	}
	f.p.registers = max(f.p.registers, f.free)
	return r
}

// constant is the number of a constant, which is added if it is new.
func (f *funcState) constant(v value) int {
	var key constant
	switch x := v.ref.(type) {
	case nil:
	case numberTag:
		key = constant{kind: 'n', bits: math.Float64bits(v.num)}
	case booleanTag:
		key = constant{kind: 'b', bits: uint64(v.num)}
	case *str:
		key = constant{kind: 's', text: x.s}
	}
	if i, ok := f.constants[key]; ok {
		return i
	}
	i := len(f.p.constants)
	f.p.constants = append(f.p.constants, v)
	f.constants[key] = i
	return i
}

func (f *funcState) stringConstant(s string) int {
	if i, ok := f.constants[constant{kind: 's', text: s}]; ok {
		return i
	}
	return f.constant(value{ref: intern(s)})
}

// local is the register of an active local variable, or -1.
func (f *funcState) local(name string) int {
	for i := len(f.locals) - 1; i >= 0; i-- {
		if f.locals[i] == name {
			if name == "arg" {
				f.usesArg = true
			}
			return i
		}
	}
	return -1
}

// upvalue is the number of an upvalue of that name, or -1 if the name is a global's.
func (f *funcState) upvalue(name string) int {
	for i := range f.p.upvalues {
		if f.p.upvalues[i].name == name {
			return i
		}
	}
	if f.parent == nil {
		return -1
	}
	desc := upvalueDesc{name: name}
	if r := f.parent.local(name); r >= 0 {
		b := f.parent.block
		for b.locals > r {
			b = b.outer
		}
		b.captured = true
		desc.local, desc.index = true, r
	} else if desc.index = f.parent.upvalue(name); desc.index < 0 {
		return -1
	}
	if len(f.p.upvalues) == maxUpvalues {
		f.fail(0, "function has more than %d upvalues", maxUpvalues)
	}
	f.p.upvalues = append(f.p.upvalues, desc)
	return len(f.p.upvalues) - 1
}

// declare makes the next registers, which hold their values, local variables.
func (f *funcState) declare(line int, names ...string) {
	if len(f.locals)+len(names) > maxLocals {
		f.fail(line, "function has more than %d local variables", maxLocals)
	}
	f.locals = append(f.locals, names...)
}

func (f *funcState) openBlock(loop bool) *block {
	f.block = &block{outer: f.block, locals: len(f.locals), loop: loop}
	return f.block
}

// closeBlock ends the scope of the innermost block's variables. Jumps out of a loop are patched by the caller, behind
// the instruction that closes its variables: a break has closed them itself.
func (f *funcState) closeBlock(line int) {
	b := f.block
	if b.captured {
		f.emit(instr{op: opClose, a: uint8(b.locals)}, line)
	}
	f.locals = f.locals[:b.locals]
	f.free = b.locals
	f.block = b.outer
}
