package luavm

import "sort"

// proto is a compiled function. It never changes once made and is shared by all states.
type proto struct {
	code      []instr
	lines     []int32 // of each instruction
	constants []value
	protos    []*proto
	upvalues  []upvalueDesc
	notes     []note // in the order of pc
	source    string // the chunk's name: "@user_script", or the text itself of a loaded string
	params    int
	registers int
	vararg    bool
	argTable  bool // the function wants its extra arguments in the local "arg", as Lua 5.0 had it
	size      int  // estimated bytes
	mark      uint32
}

// upvalueDesc says where a closure finds a variable of the function around it.
type upvalueDesc struct {
	local bool // a register of the enclosing function, else one of its upvalues
	index int
	name  string
}

// note names what an instruction works on, for error messages: "local 'x'", "field 'y'".
type note struct {
	pc      int32
	operand int32 // register or constant as the instruction names it
	kind    string
	name    string
}

// describe gives the note on an operand of an instruction.
func (p *proto) describe(pc, operand int) (kind, name string) {
	i := sort.Search(len(p.notes), func(i int) bool { return int(p.notes[i].pc) >= pc })
	for ; i < len(p.notes) && int(p.notes[i].pc) == pc; i++ {
		if int(p.notes[i].operand) == operand {
			return p.notes[i].kind, p.notes[i].name
		}
	}
	return "", ""
}

// instr is one instruction. R(x) is a register; RK(x) a register, or the constant x-firstConstant.
type instr struct {
	op opcode
	a  uint8
	c  uint16
	b  int32
}

const (
	// firstConstant is the operand that stands for constant 0.
	firstConstant = 256
	// maxRegisters bounds the registers of a function, maxOperand what an operand can name.
	maxRegisters = 250
	maxOperand   = 1<<16 - 1
	// listFlush is the number of values of a table constructor stored in one go.
	listFlush = 50
)

type opcode uint8

const (
	opMove      opcode = iota // R(a) = R(b)
	opLoadK                   // R(a) = K(b)
	opLoadBool                // R(a) = b != 0; if c != 0 skip one instruction
	opLoadNil                 // R(a) ... R(b) = nil
	opGetUpval                // R(a) = U(b)
	opSetUpval                // U(b) = R(a)
	opGetGlobal               // R(a) = G[K(b)]
	opSetGlobal               // G[K(b)] = R(a)
	opGetField                // R(a) = R(b)[K(c)], a string
	opGetTable                // R(a) = R(b)[RK(c)]
	opSetTable                // R(a)[RK(b)] = RK(c)
	opNewTable                // R(a) = {}, room for b in the array, c in the hash
	opSelf                    // R(a+1) = R(b); R(a) = R(b)[RK(c)]
	opAdd                     // R(a) = RK(b) + RK(c)
	opSub
	opMul
	opDiv
	opMod
	opPow
	opUnm     // R(a) = -R(b)
	opNot     // R(a) = not R(b)
	opLen     // R(a) = #R(b)
	opConcat  // R(a) = R(b) .. ... .. R(c)
	opJump    // pc += b
	opEq      // if (RK(b) == RK(c)) == (a != 0) take the jump behind, else skip it
	opLt      // the same with <
	opLe      // the same with <=
	opTest    // if truth of R(b) == (a != 0) take the jump behind, else skip it
	opCall    // R(a), ... = R(a)(R(a+1), ...): b-1 arguments or up to top, c-1 results or all
	opTail    // return R(a)(R(a+1), ...): b-1 arguments or up to top
	opReturn  // return R(a), ...: b-1 values or up to top
	opForLoop // R(a) += R(a+2); if not past R(a+1): R(a+3) = R(a), pc += b
	opForPrep // R(a) -= R(a+2); pc += b
	opForIn   // R(a+3), ... = R(a)(R(a+1), R(a+2)), c results
	opForTest // if R(a+3) != nil: R(a+2) = R(a+3), pc += b
	opSetList // R(a)[first+i] = R(a+1+i), b values or up to top; the instruction behind holds first
	opClose   // close the variables from R(a) on
	opClosure // R(a) = closure of proto b
	opVararg  // R(a), ... = the extra arguments, b-1 of them or all
)

// fixedProto marks protos of scripts kept by a pool, and those inside, as no run's memory.
func fixedProto(p *proto) {
	p.mark = fixedMark
	for _, q := range p.protos {
		fixedProto(q)
	}
}
