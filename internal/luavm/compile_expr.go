package luavm

import (
	"math"

	"github.com/yuin/gopher-lua/ast"
)

// isMulti reports whether an expression can give any number of values.
func isMulti(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return !e.AdjustRet
	case *ast.Comma3Expr:
		return !e.AdjustRet
	}
	return false
}

// lastLine is the line where an expression ends, as far as the tree tells. It is what Lua notes for an instruction,
// since it writes it when it has read that far. Few steps towards the end are enough for expressions people write.
func lastLine(e ast.Expr) int {
	for range 16 {
		switch x := e.(type) {
		case *ast.AttrGetExpr:
			e = x.Key
		case *ast.ArithmeticOpExpr:
			e = x.Rhs
		case *ast.RelationalOpExpr:
			e = x.Rhs
		case *ast.LogicalOpExpr:
			e = x.Rhs
		case *ast.StringConcatOpExpr:
			e = x.Rhs
		case *ast.UnaryMinusOpExpr:
			e = x.Expr
		case *ast.UnaryNotOpExpr:
			e = x.Expr
		case *ast.UnaryLenOpExpr:
			e = x.Expr
		case *ast.FuncCallExpr:
			switch {
			case len(x.Args) > 0:
				e = x.Args[len(x.Args)-1]
			case x.Receiver != nil:
				e = x.Receiver
			default:
				e = x.Func
			}
		case *ast.TableExpr:
			if len(x.Fields) == 0 {
				return x.Line()
			}
			e = x.Fields[len(x.Fields)-1].Value
		case *ast.FunctionExpr:
			return x.LastLine()
		default:
			return e.Line()
		}
	}
	return e.Line()
}

// callLine is the line where the arguments of a call begin.
func callLine(e *ast.FuncCallExpr) int {
	if e.Receiver != nil {
		return lastLine(e.Receiver)
	}
	return lastLine(e.Func)
}

// literal is the value of an expression that is a constant, numbers computed from constants included. What would
// divide by zero or give NaN is left to be computed each time, as Lua does.
func (f *funcState) literal(e ast.Expr) (value, bool) {
	switch e := e.(type) {
	case *ast.NilExpr:
		return value{}, true
	case *ast.TrueExpr:
		return boolean(true), true
	case *ast.FalseExpr:
		return boolean(false), true
	case *ast.StringExpr:
		return value{ref: intern(e.Value)}, true
	case *ast.NumberExpr:
		n, ok := parseNumber(e.Value)
		if !ok {
			f.fail(e.Line(), "malformed number near '%s'", e.Value)
		}
		return number(n), true
	case *ast.UnaryMinusOpExpr:
		f.enter(e.Line())
		defer f.leave()
		if v, ok := f.literal(e.Expr); ok && v.isNumber() {
			return number(-v.num), true
		}
	case *ast.ArithmeticOpExpr:
		f.enter(e.Line())
		defer f.leave()
		a, ok := f.literal(e.Lhs)
		if !ok || !a.isNumber() {
			return value{}, false
		}
		b, ok := f.literal(e.Rhs)
		if !ok || !b.isNumber() {
			return value{}, false
		}
		op := arithmeticOp(e.Operator)
		if b.num == 0 && (op == opDiv || op == opMod) {
			return value{}, false
		}
		if r := arith(op, a.num, b.num); !math.IsNaN(r) {
			return number(r), true
		}
	}
	return value{}, false
}

// constantOperand is the operand of a constant, or -1 if e is none or there is no room for it.
func (f *funcState) constantOperand(e ast.Expr) int {
	v, ok := f.literal(e)
	if !ok {
		return -1
	}
	k := firstConstant
	if s, isStr := v.ref.(*str); isStr {
		k += f.stringConstant(s.s)
	} else {
		k += f.constant(v)
	}
	if k > maxOperand {
		return -1
	}
	return k
}

// operand gives the value of e as a constant, the register of a local, or a new register.
func (f *funcState) operand(e ast.Expr) int {
	if k := f.constantOperand(e); k >= 0 {
		return k
	}
	return f.register(e)
}

// register gives the value of e in the register of a local, or in a new one.
func (f *funcState) register(e ast.Expr) int {
	if id, ok := e.(*ast.IdentExpr); ok {
		if r := f.local(id.Value); r >= 0 {
			return r
		}
	}
	return f.next(e)
}

// registerVia is register for an operand of an instruction that will set dst: a register taken last can hold it until
// then.
func (f *funcState) registerVia(e ast.Expr, dst int) int {
	if id, ok := e.(*ast.IdentExpr); ok {
		if r := f.local(id.Value); r >= 0 {
			return r
		}
	}
	if dst == f.free-1 && dst >= len(f.locals) {
		f.exprTo(e, dst)
		return dst
	}
	return f.next(e)
}

// next puts the value of e into the next register.
func (f *funcState) next(e ast.Expr) int {
	r := f.reserve(1, e.Line())
	f.exprTo(e, r)
	return r
}

// multi puts the values of a call or of ... into the next registers: want of them, or all for -1.
func (f *funcState) multi(e ast.Expr, want int) {
	if call, ok := e.(*ast.FuncCallExpr); ok {
		f.call(call, want)
		return
	}
	f.vararg(e.(*ast.Comma3Expr), f.free, want)
}

func (f *funcState) vararg(e *ast.Comma3Expr, r, want int) {
	if !f.p.vararg {
		f.fail(e.Line(), "cannot use '...' outside a vararg function near '...'")
	}
	f.usesDots = true
	if want > 0 {
		free := f.free
		f.free = r
		f.reserve(want, e.Line())
		f.free = free
	}
	f.emit(instr{op: opVararg, a: uint8(r), b: int32(want + 1)}, e.Line())
}

// exprTo puts the value of e into the register dst: a local's, or the last one taken.
func (f *funcState) exprTo(e ast.Expr, dst int) {
	line := lastLine(e)
	f.enter(line)
	defer f.leave()
	free := f.free
	switch e := e.(type) {
	case *ast.IdentExpr:
		f.variable(e, dst)
	case *ast.AttrGetExpr:
		f.index(e, dst)
	case *ast.FuncCallExpr:
		f.viaTop(dst, line, func() int { return f.call(e, 1) })
	case *ast.Comma3Expr:
		f.vararg(e, dst, 1)
	case *ast.FunctionExpr:
		f.closure(e, dst, false)
	case *ast.TableExpr:
		f.viaTop(dst, line, func() int { return f.table(e) })
	case *ast.LogicalOpExpr:
		f.viaTop(dst, line, func() int { return f.logical(e) })
	case *ast.RelationalOpExpr:
		jumps := f.branch(e, true)
		f.emit(instr{op: opLoadBool, a: uint8(dst), b: 0, c: 1}, line)
		f.patchAll(jumps, f.pc())
		f.emit(instr{op: opLoadBool, a: uint8(dst), b: 1}, line)
	case *ast.StringConcatOpExpr:
		f.concat(e, dst)
	case *ast.UnaryNotOpExpr:
		f.unary(opNot, e.Expr, dst, line)
	case *ast.UnaryLenOpExpr:
		f.unary(opLen, e.Expr, dst, line)
	default:
		f.constantOrArithmetic(e, dst)
	}
	f.free = free
}

// viaTop runs code that builds a value in the first free register, and sees to it that it ends up in dst. A register
// taken last serves as that free one; a local must not be touched before the value is there.
func (f *funcState) viaTop(dst, line int, code func() int) {
	if dst == f.free-1 && dst >= len(f.locals) {
		f.free--
		code()
		f.free = max(f.free, dst+1)
		return
	}
	if r := code(); r != dst {
		f.emit(instr{op: opMove, a: uint8(dst), b: int32(r)}, line)
	}
}

func (f *funcState) constantOrArithmetic(e ast.Expr, dst int) {
	line := lastLine(e)
	if v, ok := f.literal(e); ok {
		switch v.ref.(type) {
		case nil:
			f.emit(instr{op: opLoadNil, a: uint8(dst), b: int32(dst)}, line)
		case booleanTag:
			f.emit(instr{op: opLoadBool, a: uint8(dst), b: int32(v.num)}, line)
		case *str:
			f.emit(instr{op: opLoadK, a: uint8(dst), b: int32(f.stringConstant(v.ref.(*str).s))}, line)
		default:
			f.emit(instr{op: opLoadK, a: uint8(dst), b: int32(f.constant(v))}, line)
		}
		return
	}
	switch e := e.(type) {
	case *ast.UnaryMinusOpExpr:
		f.unary(opUnm, e.Expr, dst, line)
	case *ast.ArithmeticOpExpr:
		b := f.constantOperand(e.Lhs)
		if b < 0 {
			b = f.registerVia(e.Lhs, dst)
		}
		c := f.operand(e.Rhs)
		f.note(f.pc(), b, e.Lhs)
		f.note(f.pc(), c, e.Rhs)
		f.emit(instr{op: arithmeticOp(e.Operator), a: uint8(dst), b: int32(b), c: uint16(c)}, line)
	default:
		f.fail(line, "unexpected symbol")
	}
}

func arithmeticOp(operator string) opcode {
	switch operator {
	case "+":
		return opAdd
	case "-":
		return opSub
	case "*":
		return opMul
	case "/":
		return opDiv
	case "%":
		return opMod
	}
	return opPow
}

func (f *funcState) variable(e *ast.IdentExpr, dst int) {
	line := e.Line()
	if r := f.local(e.Value); r >= 0 {
		if r != dst {
			f.emit(instr{op: opMove, a: uint8(dst), b: int32(r)}, line)
		}
	} else if u := f.upvalue(e.Value); u >= 0 {
		f.emit(instr{op: opGetUpval, a: uint8(dst), b: int32(u)}, line)
	} else {
		f.emit(instr{op: opGetGlobal, a: uint8(dst), b: int32(f.stringConstant(e.Value))}, line)
	}
}

func (f *funcState) index(e *ast.AttrGetExpr, dst int) {
	line := lastLine(e)
	object := f.registerVia(e.Object, dst)
	if _, ok := e.Key.(*ast.StringExpr); ok {
		if k := f.constantOperand(e.Key); k >= 0 {
			f.note(f.pc(), object, e.Object)
			f.emit(instr{op: opGetField, a: uint8(dst), b: int32(object), c: uint16(k - firstConstant)}, line)
			return
		}
	}
	key := f.operand(e.Key)
	f.note(f.pc(), object, e.Object)
	f.emit(instr{op: opGetTable, a: uint8(dst), b: int32(object), c: uint16(key)}, line)
}

func (f *funcState) unary(op opcode, operand ast.Expr, dst, line int) {
	r := f.registerVia(operand, dst)
	f.note(f.pc(), r, operand)
	f.emit(instr{op: op, a: uint8(dst), b: int32(r)}, line)
}

func (f *funcState) concat(e *ast.StringConcatOpExpr, dst int) {
	first := f.free
	var parts []ast.Expr
	var rest ast.Expr = e
	for {
		c, ok := rest.(*ast.StringConcatOpExpr)
		if !ok {
			break
		}
		parts = append(parts, c.Lhs)
		f.next(c.Lhs)
		rest = c.Rhs
	}
	parts = append(parts, rest)
	last := f.next(rest)
	for i, part := range parts {
		f.note(f.pc(), first+i, part)
	}
	f.emit(instr{op: opConcat, a: uint8(dst), b: int32(first), c: uint16(last)}, lastLine(e))
}

// logical leaves the value of "a and b" or "a or b" in the first free register.
func (f *funcState) logical(e *ast.LogicalOpExpr) int {
	line := e.Line()
	r := f.next(e.Lhs)
	f.emit(instr{op: opTest, a: flag(e.Operator == "or"), b: int32(r)}, line)
	end := f.jump(line)
	f.exprTo(e.Rhs, r)
	f.patch(end, f.pc())
	return r
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// branch writes code that jumps if the truth of e is what is asked for, and goes on behind it otherwise. It gives the
// jumps to patch.
func (f *funcState) branch(e ast.Expr, jumpIf bool) []int {
	line := e.Line()
	f.enter(line)
	defer f.leave()
	free := f.free
	defer func() { f.free = free }()
	switch e := e.(type) {
	case *ast.UnaryNotOpExpr:
		return f.branch(e.Expr, !jumpIf)
	case *ast.RelationalOpExpr:
		return f.compare(e, jumpIf)
	case *ast.LogicalOpExpr:
		// "a and b" is false if a is false; "a or b" is true if a is true. What decides alone jumps at once if that is
		// where to jump to, else past the test of b.
		alone := e.Operator == "or"
		if alone == jumpIf {
			jumps := f.branch(e.Lhs, jumpIf)
			return append(jumps, f.branch(e.Rhs, jumpIf)...)
		}
		skip := f.branch(e.Lhs, alone)
		jumps := f.branch(e.Rhs, jumpIf)
		f.patchAll(skip, f.pc())
		return jumps
	}
	if v, ok := f.literal(e); ok {
		if v.truthy() == jumpIf {
			return []int{f.jump(line)}
		}
		return nil
	}
	r := f.register(e)
	f.emit(instr{op: opTest, a: flag(jumpIf), b: int32(r)}, line)
	return []int{f.jump(line)}
}

func (f *funcState) compare(e *ast.RelationalOpExpr, jumpIf bool) []int {
	b := f.operand(e.Lhs)
	c := f.operand(e.Rhs)
	i := instr{op: opLt, a: flag(jumpIf)}
	switch e.Operator {
	case "==":
		i.op = opEq
	case "~=":
		i.op, i.a = opEq, flag(!jumpIf)
	case "<=":
		i.op = opLe
	case ">":
		b, c = c, b
	case ">=":
		i.op = opLe
		b, c = c, b
	}
	i.b, i.c = int32(b), uint16(c)
	f.emit(i, lastLine(e))
	return []int{f.jump(lastLine(e))}
}

// call writes a call with its results, want of them or all for -1, from the first free register on, and gives that.
func (f *funcState) call(e *ast.FuncCallExpr, want int) int {
	line := callLine(e)
	f.enter(line)
	defer f.leave()
	base := f.free
	n := int32(1)
	kind, name := "method", e.Method
	if e.Receiver != nil {
		object := f.register(e.Receiver)
		key := f.operand(&ast.StringExpr{Value: e.Method})
		f.free = base
		f.reserve(2, line)
		f.note(f.pc(), object, e.Receiver)
		f.emit(instr{op: opSelf, a: uint8(base), b: int32(object), c: uint16(key)}, line)
		n++
	} else {
		f.next(e.Func)
		kind, name = f.describe(e.Func)
	}
	for i, arg := range e.Args {
		if i == len(e.Args)-1 && isMulti(arg) {
			f.multi(arg, -1)
			n = 0
			break
		}
		f.next(arg)
		n++
	}
	if kind != "" {
		f.p.notes = append(f.p.notes, note{int32(f.pc()), int32(base), kind, name})
	}
	f.emit(instr{op: opCall, a: uint8(base), b: n, c: uint16(want + 1)}, line)
	f.free = base
	if want > 0 {
		f.reserve(want, line)
		f.free = base + 1
	}
	return base
}

// table builds a table in the first free register.
func (f *funcState) table(e *ast.TableExpr) int {
	r := f.reserve(1, e.Line())
	create := f.emit(instr{op: opNewTable, a: uint8(r)}, e.Line())
	items, fields, pending := 0, 0, 0
	for i, field := range e.Fields {
		if field.Key != nil {
			free := f.free
			line := lastLine(field.Value)
			key := f.operand(field.Key)
			val := f.operand(field.Value)
			f.emit(instr{op: opSetTable, a: uint8(r), b: int32(key), c: uint16(val)}, line)
			f.free = free
			fields++
			continue
		}
		items++
		if i == len(e.Fields)-1 && isMulti(field.Value) {
			f.multi(field.Value, -1)
			f.setList(r, 0, items-pending, field.Value.Line())
			pending = 0
			items--
			continue
		}
		f.next(field.Value)
		if pending++; pending == listFlush {
			f.setList(r, pending, items-pending+1, field.Value.Line())
			f.free = r + 1
			pending = 0
		}
	}
	if pending > 0 {
		f.setList(r, pending, items-pending+1, e.Line())
	}
	f.free = r + 1
	f.p.code[create].b = int32(min(items, maxOperand))
	f.p.code[create].c = uint16(min(fields, maxOperand))
	return r
}

// setList stores n values, or all up to top for 0, of the registers behind r at first, first+1, ...
func (f *funcState) setList(r, n, first, line int) {
	f.emit(instr{op: opSetList, a: uint8(r), b: int32(n)}, line)
	f.emit(instr{op: opJump, b: int32(first)}, line) // never run, it holds the first index
}

// closure compiles a function and puts a closure of it into dst.
func (f *funcState) closure(e *ast.FunctionExpr, dst int, method bool) {
	g := newFuncState(f.compiler, f)
	line := e.Line()
	if method {
		g.parameter(line, "self")
	}
	for _, name := range e.ParList.Names {
		g.parameter(line, name)
	}
	g.p.params = len(g.locals)
	if e.ParList.HasVargs {
		g.p.vararg = true
		g.parameter(line, "arg")
	}
	g.statements(e.Stmts)
	g.p.argTable = g.p.vararg && g.usesArg && !g.usesDots
	g.finish(e.LastLine())
	f.p.protos = append(f.p.protos, g.p)
	f.emit(instr{op: opClosure, a: uint8(dst), b: int32(len(f.p.protos) - 1)}, e.LastLine())
}

func (f *funcState) parameter(line int, name string) {
	f.reserve(1, line)
	f.declare(line, name)
}
