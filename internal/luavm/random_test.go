package luavm

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/darterdb/darter/internal/redistest"
)

// programmer writes random programs: most run into an error sooner or later, whose text then has to be the same.
type programmer struct {
	*rand.Rand
	b      strings.Builder
	locals []string
	fresh  int
	depth  int
	loops  int
}

func (p *programmer) one(choices ...string) string { return choices[p.IntN(len(choices))] }

func (p *programmer) name() string {
	if len(p.locals) == 0 || p.IntN(40) == 0 {
		return p.one("nosuch", "KEYS", "string", "math")
	}
	return p.locals[p.IntN(len(p.locals))]
}

func (p *programmer) expr() string {
	if p.depth++; p.depth > 6 {
		p.depth--
		return p.atom()
	}
	defer func() { p.depth-- }()
	switch p.IntN(16) {
	case 0, 1, 2, 3:
		return p.atom()
	case 4:
		return "(" + p.expr() + " " + p.one("+", "-", "*", "/", "%") + " " + p.expr() + ")"
	case 5:
		return p.expr() + p.one(" + ", " - ", " * ", " .. ", " .. ") + p.expr()
	case 6:
		return "(" + p.expr() + p.one(" == ", " ~= ", " < ", " <= ", " > ", " >= ") + p.expr() + ")"
	case 7:
		return "(" + p.expr() + p.one(" and ", " or ") + p.expr() + ")"
	case 8:
		return p.one("not ", "-", "#") + p.name()
	case 9:
		return p.table()
	case 10:
		return p.name() + "[" + p.expr() + "]"
	case 11:
		return p.name() + "." + p.one("x", "y", "z", "len", "rep")
	case 12:
		return p.call()
	case 13:
		return p.function()
	case 14:
		return p.name() + p.one(":x(", ":upper(", ":sub(") + p.args() + ")"
	}
	return p.name()
}

func (p *programmer) atom() string {
	switch p.IntN(8) {
	case 0:
		return strconv.Itoa(1 + p.IntN(20))
	case 1:
		return p.one("1.5", "0.25", "1e3", "2^3", "0x10", "100", "7")
	case 2:
		return p.one("'a'", "'10'", "'x y'", "''", "'abc'", "'5'")
	case 3:
		return p.one("nil", "true", "false")
	}
	return p.name()
}

func (p *programmer) args() string {
	var list []string
	for range p.IntN(4) {
		list = append(list, p.expr())
	}
	return strings.Join(list, ", ")
}

func (p *programmer) call() string {
	f := p.one("tostring", "tonumber", "type", "select", "unpack", "d", "next", "rawget", "string.rep", "string.sub",
		"string.format", "string.find", "string.byte", "string.upper", "table.concat", "table.insert", "table.remove",
		"math.floor", "math.max", "math.abs", "cjson.encode", "bit.band", "rawequal", p.name(), p.name(), p.name())
	if p.IntN(20) == 0 {
		return "pcall(" + p.expr() + ", " + p.expr() + ")" // without arguments Redis's own does what it likes
	}
	if f == "tostring" {
		return "tostring(" + p.atom() + " == nil)"
	}
	if f == "string.rep" {
		return "string.rep(" + p.atom() + ", " + strconv.Itoa(p.IntN(5)) + ")"
	}
	return f + "(" + p.args() + ")"
}

func (p *programmer) table() string {
	var list []string
	for range p.IntN(5) {
		switch p.IntN(4) {
		case 0:
			list = append(list, p.one("x", "y", "z")+" = "+p.expr())
		case 1:
			list = append(list, "["+p.expr()+"] = "+p.expr())
		default:
			list = append(list, p.expr())
		}
	}
	return "{" + strings.Join(list, ", ") + "}"
}

func (p *programmer) function() string {
	was, b := p.locals, p.b
	p.b = strings.Builder{}
	params := p.one("", "a", "a, b", "...", "a, ...")
	for _, name := range strings.Split(params, ", ") {
		if name != "" && name != "..." {
			p.locals = append(p.locals[:len(p.locals):len(p.locals)], name)
		}
	}
	p.block(p.IntN(3))
	body := p.b.String()
	if strings.HasSuffix(params, "...") && p.IntN(2) == 0 {
		body += "return ..."
	} else {
		body += "return " + p.expr()
	}
	p.locals, p.b = was, b
	return "function(" + params + ") " + body + " end"
}

func (p *programmer) block(n int) {
	was := p.locals
	for range n {
		p.statement()
	}
	p.locals = was
}

func (p *programmer) say(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

func (p *programmer) statement() {
	if p.depth++; p.depth > 6 {
		p.depth--
		return
	}
	defer func() { p.depth-- }()
	switch p.IntN(12) {
	case 0, 1, 2:
		p.fresh++
		name := "v" + strconv.Itoa(p.fresh)
		p.say("local %s = %s", name, p.expr())
		p.locals = append(p.locals[:len(p.locals):len(p.locals)], name)
	case 3:
		if len(p.locals) > 0 {
			p.say("%s = %s", p.locals[p.IntN(len(p.locals))], p.expr())
		}
	case 4:
		p.say("%s[%s] = %s", p.name(), p.expr(), p.expr())
	case 5:
		p.say("%s.%s = %s", p.name(), p.one("x", "y", "z"), p.expr())
	case 6:
		p.say("if %s then", p.expr())
		p.block(1 + p.IntN(3))
		if p.IntN(2) == 0 {
			p.say("else")
			p.block(1 + p.IntN(2))
		}
		p.say("end")
	case 7:
		p.fresh++
		name := "i" + strconv.Itoa(p.fresh)
		p.say("for %s = 1, %d do", name, p.IntN(4))
		was := p.locals
		p.locals = append(p.locals[:len(p.locals):len(p.locals)], name)
		p.loops++
		p.block(1 + p.IntN(3))
		if p.IntN(5) == 0 {
			p.say("if %s then break end", p.expr())
		}
		p.loops--
		p.locals = was
		p.say("end")
	case 8:
		p.say("for k, v in ipairs(%s) do", p.expr())
		was := p.locals
		p.locals = append(p.locals[:len(p.locals):len(p.locals)], "k", "v")
		p.block(1 + p.IntN(2))
		p.locals = was
		p.say("end")
	case 9:
		if len(p.locals) > 1 {
			a, b := p.locals[p.IntN(len(p.locals))], p.locals[p.IntN(len(p.locals))]
			p.say("%s, %s = %s, %s", a, b, p.expr(), p.expr())
		}
	case 10:
		p.fresh++
		name := "f" + strconv.Itoa(p.fresh)
		p.say("local function %s%s", name, strings.TrimPrefix(p.function(), "function"))
		p.locals = append(p.locals[:len(p.locals):len(p.locals)], name)
	case 11:
		p.say("local ok, e = pcall(function() %s end)", strings.ReplaceAll("return "+p.expr(), "\n", " "))
		p.locals = append(p.locals[:len(p.locals):len(p.locals)], "ok", "e")
	}
}

// program is the text of a random program, whose last line shows all its variables.
func program(seed uint64) string {
	p := &programmer{Rand: rand.New(rand.NewPCG(seed, 5))}
	for range 4 + p.IntN(12) {
		p.statement()
	}
	list := p.locals[max(0, len(p.locals)-150):]
	return p.b.String() + "return d(" + strings.Join(list, ", ") + ")\n"
}

// TestRandomPrograms runs random programs here and on a real server. LUAVM_PROGRAMS says how many.
func TestRandomPrograms(t *testing.T) {
	server := redistest.Start(t)
	conn := server.Dial(t)
	n := 150
	if s := os.Getenv("LUAVM_PROGRAMS"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	p := NewPool(Options{Version: serverVersion})
	// Nothing is said about the sign of zero and NaN: Lua's compiler takes 0 and -0 for one constant.
	show := strings.Replace(prelude, "if type(v) == 'number'",
		"if v ~= v then return 'nan' elseif v == 0 then return '0' elseif type(v) == 'number'", 1)
	for seed := range uint64(n) {
		text := show + program(seed)
		want := conn.Do("EVAL", text, "2", "k1", "k2", "a1").Canonical().Text()
		if got := answer(t, p, text, 2); got != want {
			t.Errorf("seed %d:\n%s\n got %.800s\nwant %.800s", seed, strings.TrimPrefix(text, show), got, want)
		}
	}
}
