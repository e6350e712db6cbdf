package luavm

import "github.com/yuin/gopher-lua/ast"

func (f *funcState) statements(list []ast.Stmt) {
	for _, s := range list {
		f.statement(s)
		f.free = len(f.locals)
	}
}

// scope compiles a list of statements as a block of its own.
func (f *funcState) scope(list []ast.Stmt, line int) {
	f.openBlock(false)
	f.statements(list)
	f.closeBlock(line)
}

func (f *funcState) statement(s ast.Stmt) {
	line := s.Line()
	f.enter(line)
	defer f.leave()
	switch s := s.(type) {
	case *ast.LocalAssignStmt:
		f.localStatement(s)
	case *ast.AssignStmt:
		f.assignment(s.Lhs, s.Rhs, line)
	case *ast.FuncCallStmt:
		f.call(s.Expr.(*ast.FuncCallExpr), 0)
	case *ast.DoBlockStmt:
		f.scope(s.Stmts, s.LastLine())
	case *ast.WhileStmt:
		f.whileStatement(s)
	case *ast.RepeatStmt:
		f.repeatStatement(s)
	case *ast.IfStmt:
		f.ifStatement(s)
	case *ast.NumberForStmt:
		f.numericFor(s)
	case *ast.GenericForStmt:
		f.genericFor(s)
	case *ast.FuncDefStmt:
		f.functionStatement(s)
	case *ast.ReturnStmt:
		f.returnStatement(s)
	case *ast.BreakStmt:
		f.breakStatement(line)
	case *ast.GotoStmt:
		f.fail(line, "'=' expected near '%s'", s.Label)
	case *ast.LabelStmt:
		f.fail(line, "unexpected symbol near ':'")
	default:
		f.fail(line, "syntax error")
	}
}

func (f *funcState) localStatement(s *ast.LocalAssignStmt) {
	line := s.Line()
	// Of the two ways to declare a local function only "local function f" has the parser note where it ends, and only
	// there the function sees its own name.
	if s.LastLine() != 0 && len(s.Names) == 1 && len(s.Exprs) == 1 {
		if fn, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			r := f.reserve(1, line)
			f.declare(line, s.Names[0])
			f.closure(fn, r, false)
			return
		}
	}
	f.values(s.Exprs, len(s.Names), line)
	f.declare(line, s.Names...)
}

// values puts exactly want values of a list of expressions into the next registers.
func (f *funcState) values(list []ast.Expr, want, line int) {
	base := f.free
	for i, e := range list {
		last := i == len(list)-1
		switch {
		case last && isMulti(e) && want >= i:
			f.multi(e, want-i)
			if n := base + want - f.free; n > 0 {
				f.reserve(n, line)
			}
		case i < want:
			f.next(e)
		default: // one too many is still computed
			free := f.free
			f.next(e)
			f.free = free
		}
	}
	if n := base + want - f.free; n > 0 {
		r := f.reserve(n, line)
		f.emit(instr{op: opLoadNil, a: uint8(r), b: int32(r + n - 1)}, line)
	}
}

// target is the left side of an assignment.
type target struct {
	kind  byte // 'l'ocal, 'u'pvalue, 'g'lobal, 't'able
	index int  // register, upvalue, constant, or the register of the table
	key   int  // operand
	expr  ast.Expr
}

func (f *funcState) target(e ast.Expr, copyLocals bool) target {
	switch e := e.(type) {
	case *ast.IdentExpr:
		if r := f.local(e.Value); r >= 0 {
			return target{kind: 'l', index: r}
		}
		if u := f.upvalue(e.Value); u >= 0 {
			return target{kind: 'u', index: u}
		}
		return target{kind: 'g', index: f.stringConstant(e.Value)}
	case *ast.AttrGetExpr:
		t := target{kind: 't', expr: e.Object}
		if copyLocals {
			t.index = f.next(e.Object)
			if t.key = f.constantOperand(e.Key); t.key < 0 {
				t.key = f.next(e.Key)
			}
		} else {
			t.index = f.register(e.Object)
			t.key = f.operand(e.Key)
		}
		return t
	}
	f.fail(e.Line(), "syntax error")
	return target{}
}

// store assigns the operand to the target.
func (f *funcState) store(t target, operand, line int) {
	switch t.kind {
	case 'l':
		if operand >= firstConstant {
			f.emit(instr{op: opLoadK, a: uint8(t.index), b: int32(operand - firstConstant)}, line)
		} else if operand != t.index {
			f.emit(instr{op: opMove, a: uint8(t.index), b: int32(operand)}, line)
		}
	case 'u':
		f.emit(instr{op: opSetUpval, a: uint8(operand), b: int32(t.index)}, line)
	case 'g':
		f.emit(instr{op: opSetGlobal, a: uint8(operand), b: int32(t.index)}, line)
	default:
		f.note(f.pc(), t.index, t.expr)
		f.emit(instr{op: opSetTable, a: uint8(t.index), b: int32(t.key), c: uint16(operand)}, line)
	}
}

func (f *funcState) assignment(left, right []ast.Expr, line int) {
	if len(right) > 0 {
		line = lastLine(right[len(right)-1])
	}
	if len(left) == 1 && len(right) == 1 {
		switch t := f.target(left[0], false); t.kind {
		case 'l':
			f.exprTo(right[0], t.index)
		case 't':
			f.store(t, f.operand(right[0]), line)
		default:
			f.store(t, f.register(right[0]), line)
		}
		return
	}
	// A local among the targets could be the table or the key of another one, so those are copied.
	copyLocals := false
	for _, e := range left {
		if id, ok := e.(*ast.IdentExpr); ok && f.local(id.Value) >= 0 {
			copyLocals = true
		}
	}
	targets := make([]target, len(left))
	for i, e := range left {
		targets[i] = f.target(e, copyLocals)
	}
	base := f.free
	f.values(right, len(left), line)
	for i := len(left) - 1; i >= 0; i-- {
		f.store(targets[i], base+i, line)
	}
}

func (f *funcState) whileStatement(s *ast.WhileStmt) {
	start := f.pc()
	exits := f.branch(s.Condition, false)
	b := f.openBlock(true)
	f.statements(s.Stmts)
	f.closeBlock(s.LastLine())
	f.jumpTo(start, s.LastLine())
	f.patchAll(exits, f.pc())
	f.patchAll(b.breaks, f.pc())
}

func (f *funcState) repeatStatement(s *ast.RepeatStmt) {
	start := f.pc()
	loop := f.openBlock(true)
	body := f.openBlock(false)
	f.statements(s.Stmts)
	line := s.Condition.Line()
	exits := f.branch(s.Condition, true) // the condition sees the body's variables
	if body.captured {
		f.emit(instr{op: opClose, a: uint8(body.locals)}, line)
	}
	f.jumpTo(start, line)
	f.patchAll(exits, f.pc())
	f.closeBlock(line)
	f.closeBlock(line)
	f.patchAll(loop.breaks, f.pc())
}

func (f *funcState) ifStatement(s *ast.IfStmt) {
	var ends []int
	for {
		exits := f.branch(s.Condition, false)
		f.scope(s.Then, s.Line())
		if len(s.Else) == 0 {
			f.patchAll(exits, f.pc())
			break
		}
		ends = append(ends, f.jump(s.Line()))
		f.patchAll(exits, f.pc())
		if next, ok := s.Else[0].(*ast.IfStmt); ok && len(s.Else) == 1 {
			s = next
			continue
		}
		f.scope(s.Else, s.LastLine())
		break
	}
	f.patchAll(ends, f.pc())
}

func (f *funcState) numericFor(s *ast.NumberForStmt) {
	line := s.Line()
	loop := f.openBlock(true)
	base := f.next(s.Init)
	f.next(s.Limit)
	if s.Step != nil {
		f.next(s.Step)
	} else {
		r := f.reserve(1, line)
		f.emit(instr{op: opLoadK, a: uint8(r), b: int32(f.constant(number(1)))}, line)
	}
	f.declare(line, "(for index)", "(for limit)", "(for step)")
	prep := f.emit(instr{op: opForPrep, a: uint8(base)}, line)
	f.openBlock(false)
	f.reserve(1, line)
	f.declare(line, s.Name)
	f.statements(s.Stmts)
	f.closeBlock(line)
	f.patch(prep, f.pc())
	end := f.emit(instr{op: opForLoop, a: uint8(base)}, line)
	f.patch(end, prep+1)
	f.closeBlock(line)
	f.patchAll(loop.breaks, f.pc())
}

func (f *funcState) genericFor(s *ast.GenericForStmt) {
	line := s.Line()
	loop := f.openBlock(true)
	base := f.free
	f.values(s.Exprs, 3, line)
	f.declare(line, "(for generator)", "(for state)", "(for control)")
	prep := f.jump(line)
	f.openBlock(false)
	f.reserve(max(len(s.Names), 3), line) // the call of the generator needs three
	f.declare(line, s.Names...)
	f.free = len(f.locals)
	f.statements(s.Stmts)
	f.closeBlock(line)
	f.patch(prep, f.pc())
	f.emit(instr{op: opForIn, a: uint8(base), c: uint16(len(s.Names))}, line)
	f.patch(f.emit(instr{op: opForTest, a: uint8(base)}, line), prep+1)
	f.closeBlock(line)
	f.patchAll(loop.breaks, f.pc())
}

func (f *funcState) functionStatement(s *ast.FuncDefStmt) {
	line := s.Line()
	if s.Name.Func != nil {
		f.assignment([]ast.Expr{s.Name.Func}, []ast.Expr{s.Func}, line)
		return
	}
	object := f.register(s.Name.Receiver)
	key := f.operand(&ast.StringExpr{Value: s.Name.Method})
	r := f.reserve(1, line)
	f.closure(s.Func, r, true)
	f.note(f.pc(), object, s.Name.Receiver)
	f.emit(instr{op: opSetTable, a: uint8(object), b: int32(key), c: uint16(r)}, line)
}

func (f *funcState) returnStatement(s *ast.ReturnStmt) {
	line := s.Line()
	if len(s.Exprs) == 1 {
		if call, ok := s.Exprs[0].(*ast.FuncCallExpr); ok && !call.AdjustRet {
			base := f.call(call, -1)
			f.p.code[f.pc()-1].op = opTail
			f.emit(instr{op: opReturn, a: uint8(base), b: 0}, line)
			return
		}
		if !isMulti(s.Exprs[0]) {
			r := f.register(s.Exprs[0])
			f.emit(instr{op: opReturn, a: uint8(r), b: 2}, line)
			return
		}
	}
	base := f.free
	n := int32(len(s.Exprs) + 1)
	for i, e := range s.Exprs {
		if i == len(s.Exprs)-1 && isMulti(e) {
			f.multi(e, -1)
			n = 0
		} else {
			f.next(e)
		}
	}
	f.emit(instr{op: opReturn, a: uint8(base), b: n}, line)
}

func (f *funcState) breakStatement(line int) {
	captured := false
	for b := f.block; b != nil; b = b.outer {
		captured = captured || b.captured
		if b.loop {
			if captured {
				f.emit(instr{op: opClose, a: uint8(b.locals)}, line)
			}
			b.breaks = append(b.breaks, f.jump(line))
			return
		}
	}
	f.fail(line, "no loop to break near '<eof>'")
}
