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
	quick  [quickSize]quickRow // top-level commands with names of up to 16 characters
)

// quickRow is a row by its packed name. Of one that has letters only that name says all.
type quickRow struct {
	name    packedName
	letters bool
	row     *Row
}

const (
	quickBits = 10
	quickSize = 1 << quickBits
)

func init() {
	for _, group := range []func() []Row{
		stringRows, listRows, hashRows, hashttlRows, setRows, sortedSetRows, streamRows, bitmapRows, hyperloglogRows, geoRows,
		sortRows, waitingRows, transactionRows, scriptingRows, genericRows, watchdogRows, pubsubRows, serverRows, connectionRows,
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
			at := w.hash()
			for quick[at].row != nil {
				at = (at + 1) % quickSize
			}
			quick[at] = quickRow{w, strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyz") == "", r}
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
		for at := w.hash(); ; at = (at + 1) % quickSize {
			q := &quick[at]
			if q.row == nil || q.name == w && (q.letters || sameName(q.row.Name, name)) {
				return q.row
			}
		}
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

// packedName is a name of up to 16 characters: its first and last 8, which may be the same in part, in lower case. Other
// characters than letters may look alike in it.
type packedName struct {
	first, last uint64
	length      int
}

const lowerBits = 0x2020202020202020

func packName[T string | []byte](name T) (w packedName, ok bool) {
	switch n := len(name); {
	case n >= 8 && n <= 16:
		return packedName{le64(name[:8]) | lowerBits, le64(name[n-8:]) | lowerBits, n}, true
	case n < 8:
		for i := range n {
			w.first = w.first<<8 | uint64(name[i]|0x20)
		}
		w.length = n
		return w, true
	}
	return w, false
}

// le64 reads the first 8 bytes.
func le64[T string | []byte](b T) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func (w packedName) hash() uint64 {
	return (w.first*0x9E3779B97F4A7C15 ^ w.last*0xC2B2AE3D27D4EB4F) >> (64 - quickBits)
}

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
