package luavm

import (
	"errors"

	"github.com/darterdb/darter/internal/reply"
)

// LogLevel is a level of redis.log.
type LogLevel int

// The levels, as scripts number them.
const (
	LogDebug LogLevel = iota
	LogVerbose
	LogNotice
	LogWarning
)

// Host is what scripts reach outside of their machine. A run calls it from its own goroutine only.
type Host interface {
	// Call runs one command and writes exactly one reply to w; an error reply that stands alone is what redis.call
	// raises. args, at least one, and their bytes are the machine's and valid until Call returns; they must not be
	// changed. w must not be used after that. To end the run instead, Call kills the run's Control before it returns.
	Call(args [][]byte, w reply.Writer)
	// Allowed answers redis.acl_check_cmd: whether there is such a command, and whether the caller may run it.
	Allowed(args [][]byte) (allowed, known bool)
	// Log takes a line of redis.log.
	Log(level LogLevel, line string)
	// SetReplication notes the flags of redis.set_repl: 1 the append-only file, 2 replicas.
	SetReplication(flags int)
}

// Call is one run of a script or function.
type Call struct {
	// Host is required.
	Host Host
	// Keys and Args become KEYS and ARGV; they are copied.
	Keys, Args [][]byte
	Limits     Limits
	// Control, if not nil, stops the run from outside.
	Control *Control
	// Long, if not nil, is called by the goroutine that runs the script when it has run for some milliseconds, and from
	// then on every few thousand instructions, which is some tens of microseconds if they call no command.
	Long func()
}

// Outcome is how a run ended.
type Outcome struct {
	// Err is nil when the script ended by itself: its reply is written, be it a value or the error it ended with. Else
	// the run was stopped, nothing is written, and Err says why: what Control.Kill was given, ErrTime, ErrInstructions,
	// ErrMemory or ErrInternal.
	Err error
	// Failed reports that the script ended with an error it did not catch, which is the reply.
	Failed bool
	// Message is the text of an error reply for a run that was stopped or failed: the error, the script, and the line.
	Message string
}

// Run runs a script and writes its reply to w.
func (p *Pool) Run(s *Script, c Call, w reply.Writer) Outcome {
	return p.run(&c, s.sha, w, func(vm *machine) (*function, int) {
		vm.globals = vm.scriptGlobals
		return vm.reuse.begin(vm, s.proto, c.Keys, c.Args), 0
	})
}

// RunFunction runs a function of a library and writes its reply to w.
func (p *Pool) RunFunction(lib *Library, name string, c Call, w reply.Writer) Outcome {
	return p.run(&c, name, w, func(vm *machine) (*function, int) {
		f := vm.library(lib)[name]
		if f == nil {
			vm.main.throw(fixedValue("Function not found"))
		}
		vm.globals = vm.functionGlobals
		t := vm.main
		t.stack[1], t.stack[2] = vm.list(c.Keys), vm.list(c.Args)
		return f, 2
	})
}

// run runs what prepare gives, with so many arguments that it has put behind the place of the function.
func (p *Pool) run(c *Call, what string, w reply.Writer, prepare func(*machine) (*function, int)) (o Outcome) {
	vm := p.take()
	vm.begin(c)
	t := vm.main
	var result value
	failed, ended := vm.guard(func() {
		f, n := prepare(vm)
		t.stack[0] = value{ref: f}
		t.top = n + 1
		t.call(0, n, 1)
		result = t.stack[0]
		vm.measure(result, 0)
	})
	switch {
	case ended != nil:
		text := ended.Error()
		if errors.Is(ended, ErrInternal) {
			text = ErrInternal.Error()
		}
		source, line := t.running()
		o = Outcome{Err: ended, Message: message(text, what, source, line)}
	case failed != nil:
		o = Outcome{Failed: true, Message: message(t.errorText(failed.val), what, failed.source, failed.line)}
		w.Error(o.Message)
	default:
		vm.write(w, result, 0)
	}
	vm.end()
	p.put(vm)
	return o
}

// running is the chunk and line where the run was stopped.
func (t *thread) running() (source string, line int) {
	threads := t.vm.threads
	for i := len(threads) - 1; i >= 0; i-- {
		frames := threads[i].frames
		for j := len(frames) - 1; j >= 0; j-- {
			if f := &frames[j]; f.fn.proto != nil {
				return f.fn.proto.source, f.line()
			}
		}
	}
	return "", 0
}
