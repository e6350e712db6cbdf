package command

import (
	"fmt"
	"slices"
	"strings"
)

// KeySpec says where a command's keys are, in the form of COMMAND INFO's key specifications.
type KeySpec struct {
	Flags string // as COMMAND prints them: "RW access update"
	Notes string

	// Where the keys begin: at argument Pos, or after the argument Keyword, looked for from StartFrom on.
	Pos       int
	Keyword   string
	StartFrom int

	// Which arguments are keys. A range: from there to the Last-th after it (negative: counted from the end of the
	// arguments), every Step-th, of what is left only the Limit-th part where Limit is over 1.
	Last, Step, Limit int
	// Or a number: the argument KeyNumAt after the beginning says how many keys follow, the first FirstKey after it.
	KeyNum             bool
	KeyNumAt, FirstKey int
	// Or it can't be said.
	Unknown bool
}

// Arg is an argument as COMMAND DOCS describes it.
type Arg struct {
	Name          string
	Type          string // "key", "string", "integer", "double", "pattern", "unix-time", "pure-token", "oneof", "block"
	Key           int    // for type "key": 1 + index of its key spec
	Display       string // the name to show people, where it isn't Name
	Token         string
	Since         string
	Deprecated    string // the version of Redis since which it shouldn't be used
	Optional      bool
	Multiple      bool
	MultipleToken bool
	Args          []Arg
}

var (
	rows   []*Row // all, subcommands after their commands
	byName = map[string]*Row{}
	quick  [quickSize]*Row // rows of top-level commands with names of up to 8 letters
)

const (
	quickBits = 10
	quickSize = 1 << quickBits
)

func init() {
	for _, group := range []func() []Row{
		stringRows, listRows, hashRows, hashttlRows, setRows, sortedSetRows, streamRows, bitmapRows, hyperloglogRows, geoRows,
		sortRows, waitingRows, transactionRows, scriptingRows, genericRows, pubsubRows, serverRows, connectionRows,
	} {
		for _, r := range group() {
			add(&r, nil)
		}
	}
	weighRows()
}

func add(r *Row, parent *Row) {
	r.parent = parent
	r.index = len(rows)
	r.reads = r.Flags&ReadOnly != 0 && !slices.ContainsFunc(r.Keys, func(k KeySpec) bool { return strings.HasPrefix(k.Flags, "RW") })
	switch r.Name {
	case "multi", "exec", "discard", "watch", "quit", "reset":
		r.control = r.parent == nil
	}
	rows = append(rows, r)
	if parent == nil {
		if byName[r.Name] != nil {
			panic(fmt.Sprintf("command: two rows for %q", r.Name))
		}
		byName[r.Name] = r
		if w, ok := packName(r.Name); ok {
			at := quickHash(w)
			for quick[at] != nil {
				at = (at + 1) % quickSize
			}
			quick[at] = r
		}
	}
	for _, sub := range r.Sub {
		if sub.Group == "" {
			sub.Group = r.Group
		}
		add(sub, r)
	}
}

// Count returns how many rows there are, subcommands included.
func Count() int { return len(rows) }

// Rows returns all rows. The caller must not change them.
func Rows() []*Row { return rows }

// BoundRows returns the rows whose handlers are elsewhere: each of them needs exactly one.
func BoundRows() []*Row {
	var bound []*Row
	for _, r := range rows {
		if r.Class == Bound {
			bound = append(bound, r)
		}
	}
	return bound
}

// Lookup finds the row of a command's name in any case, nil if there is none.
func Lookup(name []byte) *Row {
	if w, ok := packName(name); ok {
		for at := quickHash(w); quick[at] != nil; at = (at + 1) % quickSize {
			if r := quick[at]; sameName(r.Name, name) {
				return r
			}
		}
		return nil
	}
	if len(name) > 64 {
		return nil
	}
	var buf [64]byte
	for i, c := range name {
		buf[i] = lower(c)
	}
	return byName[string(buf[:len(name)])]
}

// Subcommand finds a subcommand's row by its name in any case, nil if there is none.
func (r *Row) Subcommand(name []byte) *Row {
	for _, sub := range r.Sub {
		if sameName(sub.Name, name) {
			return sub
		}
	}
	return nil
}

// packName packs a name of up to 8 letters into a word, in lower case.
func packName[T string | []byte](name T) (uint64, bool) {
	if len(name) > 8 {
		return 0, false
	}
	var w uint64
	for i := range len(name) {
		w = w<<8 | uint64(name[i]|0x20)
	}
	return w, true
}

func quickHash(w uint64) uint64 { return w * 0x9E3779B97F4A7C15 >> (64 - quickBits) }

// sameName compares a row's name with one given in any case.
func sameName(row string, name []byte) bool {
	if len(row) != len(name) {
		return false
	}
	for i, c := range name {
		if lower(c) != row[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
