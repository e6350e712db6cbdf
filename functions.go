package darter

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/glob"
	"github.com/darterdb/darter/internal/luavm"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/reply"
)

// # Functions
//
// A function is a script that stays, under a name of its own. FUNCTION LOAD is given libraries of them, in Lua; Go code
// registers others with RegisterFunction. FCALL runs either as a transaction; see lua.go. Names of functions are the same
// in capital and small letters, those of libraries are not.
//
//	libraries   name --> text, functions      saved and loaded with the data; see functions_file.go
//	functions   name --> library, or a Go function
type callable struct {
	luavm.Function
	library *luavm.Library // nil for a Go function
	native  GoFunction
	slow    *atomic.Bool // a loop can not afford it
}

// GoFunction is a function written in Go that FCALL can call. keys and args are the caller's words; their bytes must not
// be kept or changed. What it returns becomes the reply:
//
//	nil                           no value
//	string, []byte                bulk string
//	bool, integers, floats        boolean, integer, double
//	[]string, [][]byte, []any     array
//	Map                           map
//
// An error becomes an error reply, and what the function did is undone.
type GoFunction func(tx *Tx, keys []string, args [][]byte) (any, error)

const (
	errNoFunction  = errs.Error("ERR Function not found")
	errNoLibrary   = errs.Error("ERR Library not found")
	errBadKeys     = errs.Error("ERR Bad number of keys provided")
	errWriteFlag   = errs.Error("ERR Can not execute a script with write flag using *_ro command.")
	errFlushMode   = errs.Error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
	errLibraryName = errs.Error("ERR library name argument was not given")
	errPolicy      = errs.Error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
)

// RegisterFunction makes a Go function known under a name, of letters, digits and underscores, to FCALL: of Go code,
// scripts' users and clients of a server alike. It runs as a transaction, as the function given to Update does, and may be
// called by several goroutines at once. It fails with ErrInvalid if the name is no name or taken. Go functions are in no
// library: FUNCTION LIST does not show them, Save does not save them, FUNCTION FLUSH and Load let them be, and FUNCTION
// KILL does not stop them.
func (c *Cache) RegisterFunction(name string, fn GoFunction) error {
	if !isFunctionName(name) || fn == nil {
		return fmt.Errorf("%w: a function needs a name of letters, digits and underscores, and a body", ErrInvalid)
	}
	sc := c.scripts
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if _, taken := sc.functions[strings.ToLower(name)]; taken {
		return fmt.Errorf("%w: there is a function named %q already", ErrInvalid, name)
	}
	sc.functions[strings.ToLower(name)] = callable{Function: luavm.Function{Name: name}, native: fn}
	return nil
}

func isFunctionName(name string) bool {
	for _, r := range name {
		if r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return name != ""
}

// function looks a function up.
func (sc *scripting) function(name []byte) (f callable, ok bool) {
	var small [64]byte
	lower := append(small[:0], name...)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	f, ok = sc.functions[string(lower)]
	return f, ok
}

func fcallCommand(s *Session, c *command.Call) {
	f, ok := s.scripts.function(c.Args[1])
	if !ok {
		c.Fail(errNoFunction)
		return
	}
	keys, args, err := scriptKeys(c.Args)
	readOnly := f.Flags&luavm.NoWrites != 0
	switch {
	case err == errs.NotInteger:
		c.Fail(errBadKeys)
		return
	case err != nil:
		c.Fail(err)
		return
	case c.Row.Flags&command.ReadOnly != 0 && !readOnly:
		c.Fail(errWriteFlag)
		return
	case f.native != nil:
		s.runNative(c, f.native, keys, args)
		return
	case !readOnly && s.unsaved():
		c.Fail(errs.Unsaved)
		return
	case s.full() && !readOnly && f.Flags&luavm.AllowOOM == 0:
		c.Fail(errs.OutOfMemory)
		return
	}
	s.runMachine(c, f.Name, f.slow, true, readOnly, s.full() && f.Flags&luavm.AllowOOM == 0, keys,
		func(call luavm.Call) luavm.Outcome {
			call.Keys, call.Args = keys, args
			return s.scripts.pool.RunFunction(f.library, f.Name, call, c.W)
		})
}

// runNative runs a Go function as a transaction, or as a part of the one that the session is in. Nobody knows how long it
// takes: an event loop leaves it to others.
func (s *Session) runNative(c *command.Call, fn GoFunction, keys, args [][]byte) {
	if s.impatient {
		s.busy = true
		return
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = string(k)
	}
	var result any
	db := c.DB
	once := func(t *transaction) (keep bool, err error) {
		result, err = fn(&Tx{&Cache{engine: s.engine, db: db, tx: t}}, names, args)
		return err == nil, err
	}
	var err error
	if s.tx != nil {
		defer func() {
			if r := recover(); r != nil {
				panic(stopped{s.caught(r)}) // what it is a part of is undone with it, as after an error
			}
		}()
		if _, err = once(s.tx); err != nil {
			panic(stopped{err})
		}
	} else {
		err = s.transactOn(keys, once)
	}
	if err == nil {
		err = writeResult(c.W, result)
	}
	if err != nil {
		s.fail(c.W, err)
	}
}

// writeResult answers with a Go function's result. It fails, with nothing written, where that has no form in a reply.
func writeResult(w reply.Writer, v any) error {
	rewinder, _ := w.(reply.Rewinder)
	mark := rewinder.Mark()
	if err := writeValue(w, v, 0); err != nil {
		rewinder.Rewind(mark)
		return err
	}
	return nil
}

// maxDepth is how deep a Go function's result may be nested.
const maxDepth = 64

func writeValue(w reply.Writer, v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: a function's result is nested too deep", ErrInvalid)
	}
	switch v := v.(type) {
	case nil:
		w.Null()
	case error:
		w.Error(errorReply(v))
	case string:
		w.BulkString(v)
	case []byte:
		w.Bulk(v)
	case bool:
		w.Bool(v)
	case float32:
		w.Double(float64(v))
	case float64:
		w.Double(v)
	case int64:
		w.Int(v)
	case int, int8, int16, int32, uint, uint8, uint16, uint32, uint64:
		text := fmt.Appendf(nil, "%d", v)
		n, ok := num.ParseInt(text)
		if !ok {
			w.BigNumber(string(text))
			return nil
		}
		w.Int(n)
	case []string:
		w.Array(len(v))
		for _, e := range v {
			w.BulkString(e)
		}
	case [][]byte:
		w.Array(len(v))
		for _, e := range v {
			w.Bulk(e)
		}
	case []any:
		w.Array(len(v))
		for _, e := range v {
			if err := writeValue(w, e, depth+1); err != nil {
				return err
			}
		}
	case Map:
		w.Map(len(v))
		for _, p := range v {
			if err := writeValue(w, p.Key, depth+1); err != nil {
				return err
			}
			if err := writeValue(w, p.Value, depth+1); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("%w: a function's result of type %T", ErrInvalid, v)
	}
	return nil
}

// functionSet is libraries with their functions, to be put in place all at once.
type functionSet struct {
	libraries map[string]*luavm.Library
	functions map[string]callable
}

func newFunctionSet() functionSet {
	return functionSet{map[string]*luavm.Library{}, map[string]callable{}}
}

// copiedLocked returns what there is, or only the Go functions. sc.mu is held.
func (sc *scripting) copiedLocked(all bool) functionSet {
	set := newFunctionSet()
	if all {
		maps.Copy(set.libraries, sc.libraries)
	}
	for name, f := range sc.functions {
		if all || f.native != nil {
			set.functions[name] = f
		}
	}
	return set
}

// add adds a library; it fails with the name of a function that is taken.
func (set functionSet) add(lib *luavm.Library) error {
	set.remove(lib.Name())
	for _, f := range lib.Functions() {
		name := strings.ToLower(f.Name)
		if _, taken := set.functions[name]; taken {
			return errs.Error("ERR Function " + f.Name + " already exists")
		}
		set.functions[name] = callable{Function: f, library: lib, slow: new(atomic.Bool)}
	}
	set.libraries[lib.Name()] = lib
	return nil
}

// remove removes a library, if it is there.
func (set functionSet) remove(library string) {
	lib := set.libraries[library]
	if lib == nil {
		return
	}
	for _, f := range lib.Functions() {
		delete(set.functions, strings.ToLower(f.Name))
	}
	delete(set.libraries, library)
}

// installLocked puts a set in place. sc.mu is held.
func (sc *scripting) installLocked(set functionSet) {
	sc.libraries, sc.functions = set.libraries, set.functions
	sc.changes.Add(1)
	sc.pool.Forget(func(lib *luavm.Library) bool { return set.libraries[lib.Name()] == lib })
}

func functionLoadCommand(s *Session, c *command.Call) {
	replace := false
	last := len(c.Args) - 1
	for _, a := range c.Args[2:last] {
		if !bytes.EqualFold(a, []byte("replace")) {
			c.W.Error("ERR Unknown option given: " + string(a))
			return
		}
		replace = true
	}
	text := string(c.Args[last])
	name, err := luavm.LibraryName(text)
	if err != nil {
		c.W.Error(err.Error())
		return
	}
	sc := s.scripts
	exists := func() bool {
		if sc.libraries[name] == nil || replace {
			return false
		}
		c.W.Error("ERR Library '" + name + "' already exists")
		return true
	}
	sc.mu.Lock()
	taken := exists()
	sc.mu.Unlock()
	if taken {
		return
	}
	lib, err := sc.pool.LoadLibrary(text) // which may take long
	if err != nil {
		c.W.Error(err.Error())
		return
	}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if exists() {
		return
	}
	set := sc.copiedLocked(true)
	if err := set.add(lib); err != nil {
		c.Fail(err)
		return
	}
	sc.installLocked(set)
	c.W.BulkString(name)
}

func functionDeleteCommand(s *Session, c *command.Call) {
	sc := s.scripts
	sc.mu.Lock()
	defer sc.mu.Unlock()
	name := string(c.Args[2])
	if sc.libraries[name] == nil {
		c.Fail(errNoLibrary)
		return
	}
	set := sc.copiedLocked(true)
	set.remove(name)
	sc.installLocked(set)
	c.OK()
}

func functionFlushCommand(s *Session, c *command.Call) {
	switch {
	case len(c.Args) > 3:
		wrongSubcommand(c, "FUNCTION")
		return
	case len(c.Args) == 3 && !isFlushMode(c.Args[2]):
		c.Fail(errFlushMode)
		return
	}
	sc := s.scripts
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.installLocked(sc.copiedLocked(false))
	c.OK()
}

// wrongSubcommand refuses a subcommand that has too many arguments in the way of those that check it themselves.
func wrongSubcommand(c *command.Call, name string) {
	c.W.Error(fmt.Sprintf("ERR unknown subcommand or wrong number of arguments for '%.128s'. Try %s HELP.", c.Args[1], name))
}

// sortedLibraries returns the libraries by name.
func (sc *scripting) sortedLibraries() []*luavm.Library {
	return byName(sc.allLibraries())
}

func byName(libraries map[string]*luavm.Library) []*luavm.Library {
	return slices.SortedFunc(maps.Values(libraries), func(a, b *luavm.Library) int {
		return strings.Compare(a.Name(), b.Name())
	})
}

func functionListCommand(s *Session, c *command.Call) {
	var pattern []byte
	named, withCode := false, false
	for i := 2; i < len(c.Args); i++ {
		switch a := c.Args[i]; {
		case !withCode && bytes.EqualFold(a, []byte("withcode")):
			withCode = true
		case !named && bytes.EqualFold(a, []byte("libraryname")):
			if i++; i == len(c.Args) {
				c.Fail(errLibraryName)
				return
			}
			named, pattern = true, c.Args[i]
		default:
			c.W.Error("ERR Unknown argument " + string(a))
			return
		}
	}
	libraries := slices.DeleteFunc(s.scripts.sortedLibraries(), func(lib *luavm.Library) bool {
		return named && !glob.MatchFold(pattern, []byte(lib.Name()))
	})
	w := c.W
	w.Array(len(libraries))
	for _, lib := range libraries {
		w.Map(3 + flag(withCode))
		w.BulkString("library_name")
		w.BulkString(lib.Name())
		w.BulkString("engine")
		w.BulkString("LUA")
		w.BulkString("functions")
		w.Array(len(lib.Functions()))
		for _, f := range lib.Functions() {
			writeFunction(w, f)
		}
		if withCode {
			w.BulkString("library_code")
			w.BulkString(lib.Text())
		}
	}
}

func writeFunction(w reply.Writer, f luavm.Function) {
	w.Map(3)
	w.BulkString("name")
	w.BulkString(f.Name)
	w.BulkString("description")
	if f.Description == "" {
		w.Null()
	} else {
		w.BulkString(f.Description)
	}
	w.BulkString("flags")
	names := f.Flags.Names()
	w.Set(len(names))
	for _, name := range names {
		w.Status(name)
	}
}

func functionStatsCommand(s *Session, c *command.Call) {
	sc := s.scripts
	sc.mu.Lock()
	var shown *running // what is shown of the oldest, copied while it runs
	for r := range sc.running {
		r.mu.Lock()
		if r.on && r.isFunc {
			began := r.began
			if began.IsZero() {
				began = time.Now()
			}
			if shown == nil || began.Before(shown.began) {
				shown = &running{name: r.name, began: began}
				for _, a := range r.command {
					shown.command = append(shown.command, bytes.Clone(a))
				}
			}
		}
		r.mu.Unlock()
	}
	libraries, functions := len(sc.libraries), 0
	for _, lib := range sc.libraries {
		functions += len(lib.Functions())
	}
	sc.mu.Unlock()
	w := c.W
	w.Map(2)
	w.BulkString("running_script")
	if shown == nil {
		w.Null()
	} else {
		w.Map(3)
		w.BulkString("name")
		w.BulkString(shown.name)
		w.BulkString("command")
		w.Array(len(shown.command))
		for _, a := range shown.command {
			w.Bulk(a)
		}
		w.BulkString("duration_ms")
		w.Int(time.Since(shown.began).Milliseconds())
	}
	w.BulkString("engines")
	w.Map(1)
	w.BulkString("LUA")
	w.Map(2)
	w.BulkString("libraries_count")
	w.Int(int64(libraries))
	w.BulkString("functions_count")
	w.Int(int64(functions))
}

func functionKillCommand(s *Session, c *command.Call) {
	if !s.scripts.kill(true, nil) {
		c.Fail(errNotBusy)
		return
	}
	c.OK()
}

func functionDumpCommand(s *Session, c *command.Call) {
	c.W.Bulk(dumpLibraries(s.scripts.sortedLibraries()))
}

func functionRestoreCommand(s *Session, c *command.Call) {
	policy := "append"
	switch {
	case len(c.Args) > 4:
		wrongSubcommand(c, "FUNCTION")
		return
	case len(c.Args) == 4:
		policy = strings.ToLower(string(c.Args[3]))
		if policy != "append" && policy != "flush" && policy != "replace" {
			c.Fail(errPolicy)
			return
		}
	}
	if err := s.scripts.restore(c.Args[2], policy); err != nil {
		c.W.Error(errorReply(err))
		return
	}
	c.OK()
}

// restore loads the libraries of a dump, all or none of them.
func (sc *scripting) restore(dump []byte, policy string) error {
	texts, err := parseLibraries(dump)
	if err != nil {
		return err
	}
	// First among themselves: they may clash with each other under any policy.
	loaded := newFunctionSet()
	for _, text := range texts {
		lib, err := sc.pool.LoadLibrary(text)
		if err != nil {
			return errs.Error(err.Error())
		}
		if loaded.libraries[lib.Name()] != nil {
			return errs.Error("ERR Library '" + lib.Name() + "' already exists")
		}
		if err := loaded.add(lib); err != nil {
			return err
		}
	}
	names := slices.Sorted(maps.Keys(loaded.libraries))
	sc.mu.Lock()
	defer sc.mu.Unlock()
	set := sc.copiedLocked(policy != "flush")
	for _, name := range names {
		if policy == "append" && set.libraries[name] != nil {
			return errs.Error("ERR Library " + name + " already exists")
		}
		set.remove(name)
	}
	for _, name := range names {
		if err := set.add(loaded.libraries[name]); err != nil {
			return err
		}
	}
	sc.installLocked(set)
	return nil
}
