package darter

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/luavm"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/reply"
)

// # Scripts
//
// A script (EVAL) or a function of a library (FCALL) is a transaction: see tx.go. It may use any keys, those that it names
// beforehand being taken first; nobody sees half of what it does; and it is stopped, by SCRIPT KILL or at a limit, with
// nothing left behind. An error that it does not catch ends it and keeps what it did so far, as in Redis.
//
//	EVAL --> machine (package luavm) --redis.call--> a session of the script's own --> the same command table
//
// An impatient session, which stands for an event loop, runs a script for a few instructions only. One that takes longer,
// or would have to wait, is rolled back and fails with ErrBusy, for somebody else to run it; it isn't tried again until
// it has turned out to be short.
// One that only reads is no transaction if it takes long: it reads a version of all shards, and nobody waits for it; see
// lua_version.go.
type scripting struct {
	pool *luavm.Pool

	changes atomic.Int64 // how often the libraries changed

	mu        sync.Mutex
	running   map[*running]struct{}     // of the sessions that have run some
	libraries map[string]*luavm.Library // replaced, never changed: snapshots keep it
	functions map[string]callable       // by their names in small letters
}

// running is the script or function that a session runs, if it is on. One that runs costs the lock of its own session's.
type running struct {
	control luavm.Control

	mu      sync.Mutex
	on      bool
	began   time.Time // zero on an event loop: nobody stays there for long
	name    string
	command [][]byte
	isFunc  bool

	killed bool // while one of its runs was under way
	reason error
	logged bool               // that it takes long
	busy   bool               // it is to be run again, by somebody with more time
	wait   context.CancelFunc // ends its wait for a shard: the one under way, or the last
}

// waits has a kill end a wait.
func (r *running) waits(end context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wait = end; r.killed {
		end()
	}
}

// start notes that one runs, for the first time or again; its control is fit for it.
func (r *running) start(name string, isFunc, impatient, again bool, command [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.control.Reset()
	again = again || r.busy && r.name == name
	r.on, r.name, r.isFunc, r.command, r.began, r.logged = true, name, isFunc, command, time.Time{}, false
	if !impatient {
		r.began = time.Now()
	}
	if r.killed = r.killed && again; r.killed { // when it was about to run again
		r.control.Kill(r.reason)
	}
}

// stop stops it, if it is on. Whoever starts it has to look whether it is to be stopped once it is on.
func (r *running) stop(reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on {
		r.stopLocked(reason)
	}
}

// stopLocked stops it. Its lock is held.
func (r *running) stopLocked(reason error) {
	r.control.Kill(reason)
	r.killed, r.reason = true, reason
	if r.wait != nil {
		r.wait()
	}
}

// leave notes whether it is to be run again by somebody with more time. A kill that it has met counts then too.
func (r *running) leave(busy bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = busy
}

// end notes that it is over. What it was is nobody's to read any more.
func (r *running) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on, r.command, r.wait = false, nil, nil
}

const (
	// loopInstructions is how long a script may run on an event loop: about 0.2 ms.
	loopInstructions = 20_000
	// loopCommands is how many commands it may call there.
	loopCommands = 64
	// shortRun is how long a script takes that a loop tries again: clearly less than what it can afford.
	shortRun  = 20 * time.Microsecond
	shaDigits = 40
)

const (
	errNoScript     = errs.Error("NOSCRIPT No matching script. Please use EVAL.")
	errNotBusy      = errs.Error("NOTBUSY No scripts in execution right now.")
	errKeysNegative = errs.Error("ERR Number of keys can't be negative")
	errKeysMany     = errs.Error("ERR Number of keys can't be greater than number of args")
	errFromScript   = errs.Error("ERR This Redis command is not allowed from script")
	errUnknown      = errs.Error("ERR Unknown Redis command called from script")
	errArgsFrom     = errs.Error("ERR Wrong number of args calling Redis command from script")
	errWriteInRO    = errs.Error("ERR Write commands are not allowed from read-only scripts.")
)

// errTooSlow ends a script that an event loop can't afford, and errAgain one that is to run again.
var (
	errTooSlow = errors.New("darter: the script is too slow for an event loop")
	errAgain   = errors.New("darter: the script is to run again")
)

func newScripting() *scripting {
	return &scripting{
		pool:      luavm.NewPool(luavm.Options{Version: RedisVersion}),
		running:   map[*running]struct{}{},
		libraries: map[string]*luavm.Library{},
		functions: map[string]callable{},
	}
}

// scriptState is what a session's scripts use again and again.
type scriptState struct {
	inner   *Session // in which scripts run their commands
	running running
	host    scriptHost
	tx      transaction
	seen    bool // the observer was told of the script, with what it ran
}

// close has nobody find the session any more.
func (st *scriptState) close(sc *scripting) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	delete(sc.running, &st.running)
	st.inner, st.host, st.tx = nil, scriptHost{}, transaction{} // not running: somebody may be about to stop it
}

// scriptHost is what a script reaches of the cache.
type scriptHost struct {
	s        *Session // the script's own
	e        *engine
	control  *luavm.Control
	readOnly bool
	oom      bool // what needs memory is refused
	bounded  bool // it is to be short
	calls    int  // commands that it may still call, if so

	panicked any // what the transaction panicked with
}

// Call runs a command for the script.
func (h *scriptHost) Call(args [][]byte, w reply.Writer) {
	row, err := command.Resolve(args)
	switch {
	case err != nil:
		w.Error(string(scriptRefusal(args)))
		return
	case row.Flags&command.NoScript != 0:
		w.Error(string(errFromScript))
		return
	case h.readOnly && row.Flags&command.Write != 0:
		w.Error(string(errWriteInRO))
		return
	case row.Flags&command.Write != 0 && h.e.unsaved():
		w.Error(string(errs.Unsaved))
		return
	case h.oom && row.Flags&command.DenyOOM != 0:
		w.Error(string(errs.OutOfMemory))
		return
	}
	if h.bounded {
		if h.calls--; h.calls < 0 || row.Slow {
			h.control.Kill(errTooSlow)
			return
		}
	}
	defer func() {
		if h.panicked = recover(); h.panicked != nil {
			h.control.Kill(errAgain)
		}
	}()
	err = h.s.Run(row, args, w)
	h.s.saw(row, h.s.call.DB, args, true)
	switch {
	case errors.Is(err, ErrBusy):
		h.control.Kill(errTooSlow)
	case errors.Is(err, errNotFrozen):
		h.control.Kill(err)
	case err != nil:
		w.Error(errorReply(err))
	}
}

// scriptRefusal is how a call that is none is refused within a script.
func scriptRefusal(args [][]byte) errs.Error {
	if command.Lookup(args[0]) == nil {
		return errUnknown
	}
	if row := command.Lookup(args[0]); len(row.Sub) > 0 && len(args) > 1 && row.Subcommand(args[1]) == nil {
		return errUnknown
	}
	return errArgsFrom
}

// Allowed answers redis.acl_check_cmd: there is one user, who may run everything.
func (h *scriptHost) Allowed(args [][]byte) (allowed, known bool) {
	known = command.Lookup(args[0]) != nil
	return known, known
}

// Log writes a line of redis.log to the cache's log.
func (h *scriptHost) Log(level luavm.LogLevel, line string) {
	levels := map[luavm.LogLevel]slog.Level{
		luavm.LogDebug: slog.LevelDebug, luavm.LogVerbose: slog.LevelDebug, luavm.LogNotice: slog.LevelInfo,
		luavm.LogWarning: slog.LevelWarn,
	}
	h.e.log.Log(context.Background(), levels[level], line, "source", "script")
}

// SetReplication does nothing: there is nobody to replicate to.
func (h *scriptHost) SetReplication(int) {}

// scriptKeys reads the number of keys and splits what follows it into keys and arguments.
func scriptKeys(args [][]byte) (keys, rest [][]byte, err error) {
	n, ok := num.ParseInt(args[2])
	switch {
	case !ok:
		return nil, nil, errs.NotInteger
	case n > int64(len(args)-3):
		return nil, nil, errKeysMany
	case n < 0:
		return nil, nil, errKeysNegative
	}
	return args[3 : 3+n], args[3+n:], nil
}

func evalCommand(s *Session, c *command.Call) {
	keys, args, err := scriptKeys(c.Args)
	if err != nil {
		c.Fail(err)
		return
	}
	script, err := s.scripts.pool.Load(c.Args[1], false)
	if err != nil {
		c.W.Error(err.Error())
		return
	}
	s.runScript(c, script, keys, args)
}

func evalShaCommand(s *Session, c *command.Call) {
	if len(c.Args[1]) != shaDigits {
		c.Fail(errNoScript)
		return
	}
	keys, args, err := scriptKeys(c.Args)
	if err != nil {
		c.Fail(err)
		return
	}
	script, ok := s.scripts.pool.Script(c.Args[1])
	if !ok {
		c.Fail(errNoScript)
		return
	}
	s.runScript(c, script, keys, args)
}

func (s *Session) runScript(c *command.Call, script *luavm.Script, keys, args [][]byte) {
	flags, declared := script.Flags()
	readOnly := c.Row.Flags&command.ReadOnly != 0 || flags&luavm.NoWrites != 0
	if c.Row.Flags&command.ReadOnly != 0 && declared && flags&luavm.NoWrites == 0 {
		c.Fail(errWriteFlag)
		return
	}
	switch {
	case !declared || readOnly:
	case s.unsaved():
		c.Fail(errs.Unsaved)
		return
	case s.full() && flags&luavm.AllowOOM == 0:
		c.Fail(errs.OutOfMemory)
		return
	}
	s.runMachine(c, script.SHA(), script.Note(), false, readOnly, s.full() && flags&luavm.AllowOOM == 0, keys,
		func(call luavm.Call) luavm.Outcome {
			call.Keys, call.Args = keys, args
			return s.scripts.pool.Run(script, call, c.W)
		})
}

// runMachine runs a script or function as a transaction, or as a part of the one that the session is in. slow is set for
// one that took longer than a loop can afford.
func (s *Session) runMachine(c *command.Call, name string, slow *atomic.Bool, isFunc, readOnly, oom bool, keys [][]byte,
	run func(luavm.Call) luavm.Outcome,
) {
	if s.impatient && slow.Load() {
		s.busy = true
		return
	}
	mayFreeze := readOnly && s.tx == nil && !s.impatient && !s.notesReads()
	bounded := s.impatient || mayFreeze
	rewinder, _ := c.W.(reply.Rewinder)
	mark := rewinder.Mark()
	w, row, arguments := c.W, c.Row, c.Args
	tooSlow, again := false, false
	if s.ctx.Done() != nil {
		defer s.stopWithContext()()
	}
	once := func(t *transaction) (keep bool, err error) {
		rewinder.Rewind(mark)
		inner := s.scriptSession(t, c.DB)
		r := &s.script.running
		r.start(name, isFunc, s.impatient, again, arguments)
		again = true
		defer r.end()
		host := &s.script.host
		*host = scriptHost{
			s: inner, e: s.engine, control: &r.control, readOnly: readOnly, oom: oom, bounded: bounded, calls: loopCommands,
		}
		inner.impatient = bounded
		call := luavm.Call{Host: host, Control: &r.control, Limits: s.scriptLimits(bounded)}
		if s.expendable {
			call.Long = modestly()
		}
		if s.closed.Load() { // Close waits for scripts, and may have missed this one when it killed those that ran
			r.control.Kill(ErrClosed)
		}
		if err := s.ctx.Err(); err != nil || s.killed.Load() {
			r.control.Kill(err)
		}
		inner.saw(row, c.DB, arguments, false)
		if t != nil {
			t.script = r
			defer func() { t.script = nil }()
		}
		o := run(call)
		switch {
		case host.panicked != nil && errors.Is(o.Err, errAgain): // else it was killed before
			panic(host.panicked)
		case o.Err == nil:
			if !s.impatient && slow.Load() && time.Since(r.began) < shortRun {
				slow.Store(false)
			}
			return true, nil
		case bounded && (errors.Is(o.Err, errTooSlow) || errors.Is(o.Err, luavm.ErrInstructions)):
			tooSlow = true
			return false, ErrBusy
		case errors.Is(o.Err, errNotFrozen):
			return false, errNotFrozen
		case s.ctx.Err() != nil && errors.Is(o.Err, s.ctx.Err()):
			return false, s.ctx.Err()
		}
		return false, errs.Error(o.Message)
	}
	var err error
	if s.tx != nil {
		var keep bool
		if keep, err = once(s.tx); !keep {
			panic(stopped{err}) // what it is a part of is undone with it
		}
		s.script.seen = true
		return
	}
	if tooSlow = mayFreeze && slow.Load(); !tooSlow {
		err = s.transactOn(keys, once)
		if tooSlow {
			slow.Store(true)
		}
	}
	if mayFreeze && tooSlow {
		bounded = false
		if err = s.onVersion(once); errors.Is(err, errNotFrozen) {
			err = s.transactOn(keys, once)
		}
	}
	c.W, c.Row, c.Args = w, row, arguments
	s.script.running.leave(errors.Is(err, ErrBusy))
	switch {
	case err == nil:
		s.script.seen = true
	case errors.Is(err, ErrBusy):
		rewinder.Rewind(mark)
		s.busy = true
	default:
		rewinder.Rewind(mark)
		s.fail(c.W, err)
	}
}

// stopWithContext has the context's end stop the session's script, until what it returns is called.
func (s *Session) stopWithContext() (end func()) {
	ctx, r, done := s.ctx, &s.script.running, make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		r.stop(ctx.Err())
	})
	return func() {
		if !stop() {
			<-done // it must not meet the session's next script
		}
	}
}

// transactOn runs fn as a transaction that takes the shards of some keys first.
func (s *Session) transactOn(keys [][]byte, fn func(*transaction) (bool, error)) error {
	t := &s.script.tx
	if err := t.start(s.engine, s.ctx, s.impatient); err != nil {
		return err
	}
	t.by = &s.by
	for _, k := range keys {
		t.known = append(t.known, s.shardOf(k))
	}
	return t.run(fn)
}

// scriptSession returns the session in which a script runs its commands. It is kept from one script to the next.
func (s *Session) scriptSession(t *transaction, db int) *Session {
	if s.script.inner == nil {
		s.script.inner = &Session{engine: s.engine, local: s.local, ctx: context.Background()} // it never waits
		s.script.inner.call.Env = env{s.script.inner}
		s.scripts.mu.Lock()
		s.scripts.running[&s.script.running] = struct{}{}
		s.scripts.mu.Unlock()
	}
	s.script.inner.tx, s.script.inner.call.DB = t, db
	s.script.inner.call.NoTouch = s.call.NoTouch
	s.script.inner.by.tracker = s.by.tracker
	s.script.inner.observer = s.observer
	return s.script.inner
}

// scriptLimits returns what one run may use. Where it is to be short its instructions bound its time.
func (s *Session) scriptLimits(bounded bool) luavm.Limits {
	if bounded {
		return luavm.Limits{Instructions: loopInstructions}
	}
	return luavm.Limits{Time: s.scriptTime}
}

// kill stops all scripts, or all functions, and says whether there was one.
func (sc *scripting) kill(functions bool, reason error) bool {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	some := false
	for r := range sc.running {
		r.mu.Lock()
		if r.on && r.isFunc == functions {
			r.stopLocked(reason)
			some = true
		}
		r.mu.Unlock()
	}
	return some
}

// noteSlow logs the scripts that have run for longer than a limit.
func (sc *scripting) noteSlow(limit time.Duration, log *slog.Logger) {
	if limit <= 0 {
		return
	}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	for r := range sc.running {
		r.mu.Lock()
		if took := time.Since(r.began); r.on && !r.logged && !r.began.IsZero() && took > limit {
			r.logged = true
			log.Warn("a script takes long: SCRIPT KILL, or FUNCTION KILL, would undo it", "name", r.name,
				"function", r.isFunc, "took", took.Round(time.Millisecond))
		}
		r.mu.Unlock()
	}
}

func scriptKillCommand(s *Session, c *command.Call) {
	if !s.scripts.kill(false, nil) {
		c.Fail(errNotBusy)
		return
	}
	c.OK()
}

func scriptLoadCommand(s *Session, c *command.Call) {
	script, err := s.scripts.pool.Load(c.Args[2], true)
	if err != nil {
		c.W.Error(err.Error())
		return
	}
	c.W.BulkString(script.SHA())
}

func scriptExistsCommand(s *Session, c *command.Call) {
	c.W.Array(len(c.Args) - 2)
	for _, sha := range c.Args[2:] {
		c.W.Int(int64(flag(s.scripts.pool.Exists(string(sha)))))
	}
}

func scriptFlushCommand(s *Session, c *command.Call) {
	if len(c.Args) > 3 || len(c.Args) == 3 && !isFlushMode(c.Args[2]) {
		c.W.Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
		return
	}
	s.scripts.pool.Flush()
	c.OK()
}

// isFlushMode says that a word is SYNC or ASYNC, which for scripts are the same.
func isFlushMode(word []byte) bool {
	return bytes.EqualFold(word, []byte("sync")) || bytes.EqualFold(word, []byte("async"))
}

func scriptDebugCommand(_ *Session, c *command.Call) {
	c.W.Error("ERR darter has no debugger for scripts")
}

// Eval runs a Lua script as EVAL does and returns its reply as a Go value, like Session.Do. It is a transaction: see
// Update. The script may use any keys; those in keys are its KEYS and are taken first. When ctx ends, the script is stopped,
// what it did is undone, and the error is ctx's.
func (c *Cache) Eval(ctx context.Context, script string, keys []string, args ...any) (any, error) {
	return NewScript(script).Run(ctx, c, keys, args...)
}

// Script is a Lua script that is run many times: it is compiled once.
type Script struct{ text string }

// NewScript returns a script. Mistakes in it show when it is first run.
func NewScript(text string) *Script { return &Script{text} }

// Run runs the script; see Cache.Eval.
func (s *Script) Run(ctx context.Context, c *Cache, keys []string, args ...any) (any, error) {
	words := make([]any, 0, 3+len(keys)+len(args))
	words = append(words, "EVAL", s.text, len(keys))
	for _, k := range keys {
		words = append(words, k)
	}
	return c.Do(ctx, append(words, args...)...)
}
