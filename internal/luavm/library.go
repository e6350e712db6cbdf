package luavm

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Library is a set of functions that FUNCTION LOAD was given. It never changes. Each machine that runs one of its
// functions first runs the library's text, once; the library's local variables are that machine's own from then on.
type Library struct {
	name      string
	text      string
	proto     *proto
	functions []Function
}

// Function describes a function of a library.
type Function struct {
	// Name is unique among all functions of a server, which is for the caller to check.
	Name string
	// Description is what the library says about it, "" if it says nothing.
	Description string
	Flags       Flags
}

// Name is the library's name.
func (l *Library) Name() string { return l.name }

// Text is the library as it was given, with its first line.
func (l *Library) Text() string { return l.text }

// Functions are the library's functions in the order of their registration. The slice is the library's own.
func (l *Library) Functions() []Function { return l.functions }

// Size is the estimated number of bytes it holds.
func (l *Library) Size() int { return len(l.text) + l.proto.size + 256 + 128*len(l.functions) }

const (
	functionName = "@user_function"
	// loadTime and loadMemory bound the load of a library.
	loadTime   = 500 * time.Millisecond
	reloadTime = time.Minute
	loadMemory = 32 << 20
)

// LoadLibrary compiles a library and runs its text to learn its functions. The error is the text of the error reply.
func (p *Pool) LoadLibrary(text string) (*Library, error) { return p.loadLibrary(text, loadTime) }

// ReloadLibrary does the same for a library that was loaded before and then kept in a file. It has more time: that the
// machine is busy must not make a file unreadable.
func (p *Pool) ReloadLibrary(text string) (*Library, error) { return p.loadLibrary(text, reloadTime) }

func (p *Pool) loadLibrary(text string, within time.Duration) (*Library, error) {
	name, line, err := parseLibraryHeader(text)
	if err != nil {
		return nil, err
	}
	code, err := compile(text[len(line):], functionName)
	if err != nil {
		return nil, fmt.Errorf("ERR Error compiling function: %w", err)
	}
	fixedProto(code)
	lib := &Library{name: name, text: text, proto: code}
	vm := p.take()
	vm.begin(&Call{Limits: Limits{Time: within, Memory: loadMemory}})
	var functions map[string]*function
	failed, ended := vm.guard(func() { functions = vm.load(lib) })
	switch {
	case errors.Is(ended, ErrTime):
		err = errors.New("ERR FUNCTION LOAD timeout")
	case ended != nil:
		err = ended
	case failed != nil:
		err = errors.New("ERR Error registering functions: " + vm.main.errorText(failed.val))
	case len(functions) == 0:
		err = errors.New("ERR No functions registered")
	}
	vm.end() // it keeps nothing of the library, which nobody may come to use
	p.put(vm)
	if err != nil {
		return nil, err
	}
	return lib, nil
}

// Forget lets idle machines drop what they hold of libraries that are not among those in use.
func (p *Pool) Forget(inUse func(*Library) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, vm := range p.mu.idle {
		for lib := range vm.libraries {
			if !inUse(lib) {
				delete(vm.libraries, lib)
			}
		}
	}
}

// LibraryName returns the name that a library's first line gives it. The error is the text of the error reply.
func LibraryName(text string) (string, error) {
	name, _, err := parseLibraryHeader(text)
	return name, err
}

// parseLibraryHeader reads a first line such as "#!lua name=mylib".
func parseLibraryHeader(text string) (name, line string, err error) {
	if !strings.HasPrefix(text, "#!") {
		return "", "", errors.New("ERR Missing library metadata")
	}
	line, _, found := strings.Cut(text, "\n")
	words, ok := splitWords(line)
	if !found || !ok || len(words) == 0 {
		return "", "", errors.New("ERR Invalid library metadata")
	}
	if engine := words[0][2:]; !strings.EqualFold(engine, "lua") {
		return "", "", fmt.Errorf("ERR Engine '%s' not found", engine)
	}
	named := false
	for _, word := range words[1:] {
		if len(word) < 5 || !strings.EqualFold(word[:5], "name=") {
			return "", "", fmt.Errorf("ERR Invalid metadata value given: %s", word)
		}
		if named {
			return "", "", errors.New("ERR Invalid metadata value, name argument was given multiple times")
		}
		named, name = true, word[5:]
	}
	switch {
	case !named:
		return "", "", errors.New("ERR Library name was not given")
	case !isName(name):
		return "", "", errors.New("ERR " + badName)
	}
	return name, line, nil
}

const badName = "Library names can only contain letters, numbers, or underscores(_) and must be at least " +
	"one character long"

func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && !isDigit(c) && c != '_' {
			return false
		}
	}
	return s != ""
}

// library gives the functions of a library in this machine.
func (vm *machine) library(lib *Library) map[string]*function {
	functions, ok := vm.libraries[lib]
	if !ok {
		functions = vm.load(lib)
		vm.libraries[lib] = functions
	}
	return functions
}

// load runs a library's text. Its functions are registered by the calls it makes meanwhile.
func (vm *machine) load(lib *Library) map[string]*function {
	vm.globals = vm.loadGlobals
	vm.loading = &Library{}
	vm.registered = make(map[string]*function)
	t := vm.main
	t.stack[0] = value{ref: vm.newFunction(lib.proto)}
	t.top = 1
	t.call(0, 0, 0)
	if lib.functions == nil {
		lib.functions = vm.loading.functions
	}
	functions := vm.registered
	vm.loading, vm.registered = nil, nil
	return functions
}

// redisRegisterFunction takes a name and a function, or a table with these and more.
func redisRegisterFunction(t *thread) int {
	if t.vm.loading == nil {
		t.redisError("ERR redis.register_function can only be called on FUNCTION LOAD command")
	}
	var f Function
	var callback *function
	problem := ""
	switch n := t.nargs(); {
	case n < 1 || n > 2:
		problem = "wrong number of arguments to redis.register_function"
	case n == 1:
		tab, ok := t.arg(1).ref.(*table)
		if !ok {
			problem = "calling redis.register_function with a single argument is only applicable to Lua table " +
				"(representing named arguments)."
			break
		}
		callback, problem = t.namedArguments(tab, &f)
	default:
		callback, problem = t.plainArguments(&f)
	}
	switch {
	case problem != "":
	case !isName(f.Name):
		problem = badName
	case t.vm.registered[f.Name] != nil:
		problem = "Function already exists in the library"
	}
	if problem != "" {
		t.redisError("ERR " + problem)
	}
	t.vm.registered[f.Name] = callback
	t.vm.loading.functions = append(t.vm.loading.functions, f)
	return 0
}

func (t *thread) plainArguments(f *Function) (callback *function, problem string) {
	name, ok := t.toText(t.arg(1))
	if !ok {
		return nil, "first argument to redis.register_function must be a string"
	}
	f.Name = strings.Clone(name)
	if callback, ok = t.arg(2).ref.(*function); !ok {
		return nil, "second argument to redis.register_function must be a function"
	}
	return callback, ""
}

func (t *thread) namedArguments(tab *table, f *Function) (callback *function, problem string) {
	for k, v, _ := t.vm.next(tab, value{}); !k.isNil(); k, v, _ = t.vm.next(tab, k) {
		key, ok := t.toText(k)
		if !ok {
			return nil, "named argument key given to redis.register_function is not a string"
		}
		switch strings.ToLower(key) {
		case "function_name":
			if f.Name, ok = t.toText(v); !ok {
				return nil, "function_name argument given to redis.register_function must be a string"
			}
		case "description":
			if f.Description, ok = t.toText(v); !ok {
				return nil, "description argument given to redis.register_function must be a string"
			}
		case "callback":
			if callback, ok = v.ref.(*function); !ok {
				return nil, "callback argument given to redis.register_function must be a function"
			}
		case "flags":
			if problem := t.flagsArgument(v, f); problem != "" {
				return nil, problem
			}
		default:
			return nil, "unknown argument given to redis.register_function"
		}
	}
	switch {
	case f.Name == "":
		return nil, "redis.register_function must get a function name argument"
	case callback == nil:
		return nil, "redis.register_function must get a callback argument"
	}
	return callback, ""
}

func (t *thread) flagsArgument(v value, f *Function) (problem string) {
	tab, ok := v.ref.(*table)
	if !ok {
		return "flags argument to redis.register_function must be a table representing function flags"
	}
	for i := 1; ; i++ {
		item := tab.getInt(i)
		if item.isNil() {
			return ""
		}
		name, _ := t.toText(item)
		flag, ok := parseFlag(name)
		if !ok {
			return "unknown flag given"
		}
		f.Flags |= flag
	}
}
