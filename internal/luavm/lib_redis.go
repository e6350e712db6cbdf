package luavm

import (
	"crypto/sha1"
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	"github.com/darterdb/darter/internal/num"
)

// flavor is which redis table is meant.
type flavor byte

const (
	forScripts flavor = iota
	forFunctions
	forLoading
)

// openRedis puts the table redis among the globals.
func (vm *machine) openRedis(g *table, version string, f flavor) {
	lib := vm.newTable(0, 32)
	vm.fill(lib, []entry{{"log", redisLog}})
	for i, name := range []string{"LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"} {
		vm.define(lib, name, integer(i))
	}
	vm.define(lib, "REDIS_VERSION", fixedValue(version))
	vm.define(lib, "REDIS_VERSION_NUM", integer(versionNumber(version)))
	if f == forLoading {
		vm.fill(lib, []entry{{"register_function", redisRegisterFunction}})
		vm.define(g, "redis", value{ref: lib})
		return
	}
	vm.fill(lib, []entry{
		{"acl_check_cmd", redisCheckACL},
		{"call", func(t *thread) int { return t.redisCall(true) }},
		{"error_reply", redisErrorReply},
		{"pcall", func(t *thread) int { return t.redisCall(false) }},
		{"set_repl", redisSetRepl},
		{"setresp", redisSetResp},
		{"sha1hex", redisSHA1Hex},
		{"status_reply", redisStatusReply},
	})
	for _, c := range []struct {
		name string
		n    int
	}{{"REPL_NONE", 0}, {"REPL_AOF", 1}, {"REPL_SLAVE", 2}, {"REPL_REPLICA", 2}, {"REPL_ALL", replAll}} {
		vm.define(lib, c.name, integer(c.n))
	}
	if f == forScripts {
		vm.fill(lib, []entry{
			{"breakpoint", func(t *thread) int { t.push(boolean(false)); return 1 }},
			{"debug", func(*thread) int { return 0 }},
			{"replicate_commands", func(t *thread) int { t.push(boolean(true)); return 1 }},
		})
	}
	vm.define(g, "redis", value{ref: lib})
}

// versionNumber is a version like 7.2.0 with a byte for each part.
func versionNumber(version string) int {
	n := 0
	for _, part := range strings.SplitN(version, ".", 3) {
		p, _ := strconv.Atoi(part)
		n = n<<8 | p&0xff
	}
	return n
}

// redisCall is redis.call, and redis.pcall for raise false.
func (t *thread) redisCall(raise bool) int {
	vm := t.vm
	text := t.commandArgs()
	if text == "" {
		w := &vm.writer
		w.reset(vm, vm.resp, t.frames[len(t.frames)-1].want == 0)
		vm.held = true
		vm.host.Call(vm.args, w)
		vm.held = false
		vm.checkStopped()
		if w.full {
			vm.stop(ErrMemory)
		}
		if !w.failed {
			t.push(w.result)
			w.result = value{}
			vm.charge(0)
			return 1
		}
		e := value{ref: vm.errorTable(w.err, true)}
		if raise {
			t.throw(e)
		}
		t.push(e)
		return 1
	}
	return t.refuse(text, raise)
}

// refuse raises an error of the library, or returns it.
func (t *thread) refuse(text string, raise bool) int {
	if raise {
		t.redisError(text)
	}
	t.push(value{ref: t.vm.errorTable(text, false)})
	return 1
}

// commandArgs turns the arguments into those of a command, in vm.args. The bytes are copied into one buffer, so that
// no argument is allocated on its own. What it returns is the error, if there is one.
func (t *thread) commandArgs() string {
	vm := t.vm
	n := t.nargs()
	if n == 0 {
		return "ERR Please specify at least one argument for this redis lib call"
	}
	buf, ends := vm.argBytes[:0], vm.argEnds[:0]
	base := t.base()
	for i := range n {
		switch x := t.stack[base+i].ref.(type) {
		case *str:
			if len(x.s) > cap(buf)-len(buf) && len(x.s) > maxScratch {
				vm.charge(2*len(buf) + len(x.s))
			}
			buf = append(buf, x.s...)
		case numberTag:
			buf = appendArgument(buf, t.stack[base+i].num)
		default:
			vm.argBytes = buf
			return "ERR Lua redis lib command arguments must be strings or integers"
		}
		ends = append(ends, len(buf))
	}
	args, start := vm.args[:0], 0
	for _, end := range ends {
		args = append(args, buf[start:end:end])
		start = end
	}
	vm.argBytes, vm.argEnds, vm.args = buf, ends, args
	return ""
}

// appendArgument appends a number as commands get it: whole numbers in full, others in the shortest form that reads
// back the same.
func appendArgument(dst []byte, f float64) []byte {
	if f >= -(1<<62) && f <= 1<<62 {
		if n := int64(f); float64(n) == f {
			return num.AppendInt(dst, n)
		}
	}
	return num.AppendDouble(dst, f)
}

func redisErrorReply(t *thread) int {
	text, ok := t.arg(1).ref.(*str)
	if t.nargs() != 1 || !ok {
		return t.refuse("ERR wrong number or type of arguments", false)
	}
	return t.refuse(withCode(text.s), false)
}

// withCode is the text of an error with a code: the first word is one, with or without a "-", if others follow.
func withCode(text string) string {
	text = strings.Trim(strings.TrimPrefix(text, "-"), "\r\n")
	if !strings.Contains(text, " ") {
		return "ERR " + text
	}
	return text
}

func redisStatusReply(t *thread) int {
	text, ok := t.arg(1).ref.(*str)
	if t.nargs() != 1 || !ok {
		return t.refuse("ERR wrong number or type of arguments", false)
	}
	tab := t.vm.newTable(0, 1)
	t.vm.setStr(tab, nameOK, value{ref: text})
	t.push(value{ref: tab})
	return 1
}

func redisSHA1Hex(t *thread) int {
	if t.nargs() != 1 {
		t.redisError("ERR wrong number of arguments")
	}
	text, _ := t.toText(t.arg(1))
	h := sha1.New()
	for text != "" {
		n := min(len(text), 64<<10)
		t.vm.spend(n / 8)
		h.Write([]byte(text[:n]))
		text = text[n:]
	}
	t.pushString(hex.EncodeToString(h.Sum(nil)))
	return 1
}

// digest is the SHA1 of a text in hexadecimal, the name scripts go by.
func digest(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func redisLog(t *thread) int {
	n := t.nargs()
	if n < 2 {
		t.redisError("ERR redis.log() requires two arguments or more.")
	}
	if !t.arg(1).isNumber() {
		t.redisError("ERR First argument must be a number (log level).")
	}
	level := toInteger(t.arg(1).num)
	if level < int64(LogDebug) || level > int64(LogWarning) {
		t.redisError("ERR Invalid debug level.")
	}
	b := t.vm.newBuilder()
	for i := 2; i <= n; i++ {
		if text, ok := t.toText(t.arg(i)); ok {
			if i > 2 {
				b.addByte(' ')
			}
			b.add(text)
		}
	}
	if t.vm.host != nil {
		t.vm.host.Log(LogLevel(level), b.text())
	}
	return 0
}

func redisSetResp(t *thread) int {
	if t.nargs() != 1 {
		t.redisError("ERR redis.setresp() requires one argument.")
	}
	f, _ := t.arg(1).toNumber()
	if f = math.Trunc(f); f != 2 && f != 3 {
		t.redisError("ERR RESP version must be 2 or 3.")
	}
	t.vm.resp = int(f)
	return 0
}

// replAll are the flags of redis.set_repl.
const replAll = 3

func redisSetRepl(t *thread) int {
	if t.nargs() != 1 {
		t.redisError("ERR redis.set_repl() requires two arguments.")
	}
	f, _ := t.arg(1).toNumber()
	flags := toInteger(f)
	if flags&^replAll != 0 {
		t.redisError("ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
	}
	t.vm.host.SetReplication(int(flags))
	return 0
}

func redisCheckACL(t *thread) int {
	if text := t.commandArgs(); text != "" {
		t.redisError(text)
	}
	allowed, known := t.vm.host.Allowed(t.vm.args)
	if !known {
		t.redisError("ERR Invalid command passed to redis.acl_check_cmd()")
	}
	t.push(boolean(allowed))
	return 1
}
