package luavm

import "sync"

// names holds one string for each name of a library and each event of a metatable. Compiled code uses the same one, so
// that looking up a global or a library function compares pointers. Only this package adds names, never a script.
var names = struct {
	sync.RWMutex
	known map[string]*str
}{known: make(map[string]*str)}

// libraryName gives the one string for a name of a library.
func libraryName(s string) *str {
	names.RLock()
	n := names.known[s]
	names.RUnlock()
	if n != nil {
		return n
	}
	names.Lock()
	defer names.Unlock()
	if n = names.known[s]; n == nil {
		n = fixed(s)
		names.known[s] = n
	}
	return n
}

// intern gives the one string for s if libraries use it as a name, else a new one for compiled code.
func intern(s string) *str {
	names.RLock()
	n := names.known[s]
	names.RUnlock()
	if n == nil {
		n = fixed(s)
	}
	return n
}

// Names of fields that are looked up from Go.
var (
	nameN         = libraryName("n")
	nameOK        = libraryName("ok")
	nameErr       = libraryName("err")
	nameIgnore    = libraryName("ignore_error_stats_update")
	nameDouble    = libraryName("double")
	nameMap       = libraryName("map")
	nameSet       = libraryName("set")
	nameBigNumber = libraryName("big_number")
	nameVerbatim  = libraryName("verbatim_string")
	nameFormat    = libraryName("format")
	nameString    = libraryName("string")
	nameKeys      = libraryName("KEYS")
	nameArgv      = libraryName("ARGV")
	nameRedis     = libraryName("redis")
)

// event is a metamethod.
type event uint8

const (
	evIndex event = iota
	evNewIndex
	evEq
	evCall
	evAdd // the arithmetic ones in the order of their opcodes
	evSub
	evMul
	evDiv
	evMod
	evPow
	evUnm
	evLen
	evLt
	evLe
	evConcat
	evToString
	evMetatable
)

var eventNames = [...]*str{
	libraryName("__index"), libraryName("__newindex"), libraryName("__eq"), libraryName("__call"), libraryName("__add"),
	libraryName("__sub"), libraryName("__mul"), libraryName("__div"), libraryName("__mod"), libraryName("__pow"),
	libraryName("__unm"), libraryName("__len"), libraryName("__lt"), libraryName("__le"), libraryName("__concat"),
	libraryName("__tostring"), libraryName("__metatable"),
}
