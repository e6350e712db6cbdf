// Which arguments of a call are keys: read from the row's key specifications, as dispatch, COMMAND GETKEYS and access
// rules need it.
//
// Specifications can't say everything. A row for which they don't (a flag that hangs on an option, keys at places that
// only a parse finds) has a function of its own, FindKeys, and keeps its specifications for COMMAND to print.

package command

import (
	"strings"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
)

// KeyAt is a key among the arguments of a call.
type KeyAt struct {
	Index int    // of the argument, the command's name being 0
	Flags string // what is done with the key, in the words of KeySpec.Flags
}

// Accessed says that what the key holds is read.
func (k KeyAt) Accessed() bool { return strings.Contains(k.Flags, "access") }

// errKeys says that the arguments break the command's syntax, so that its keys can't be found.
const errKeys = errs.Error("ERR Invalid arguments specified for command")

// KeysOf appends the keys of a call to dst, in the order of the row's specifications, and returns the longer slice. It
// allocates only where dst has no room. args has the name first and its count suits the row's arity.
//
// An error says that the arguments are no valid call of the command; the command itself finds better words for it.
// Nothing is appended then. A key that is named twice appears twice.
func KeysOf(row *Row, args [][]byte, dst []KeyAt) ([]KeyAt, error) {
	if row.FindKeys != nil {
		return row.FindKeys(args, dst)
	}
	out := dst
	for i := range row.Keys {
		spec := &row.Keys[i]
		if spec.notKey() {
			continue
		}
		first, found := spec.begin(args)
		if !found {
			continue
		}
		first, last, ok := spec.span(args, first)
		if !ok || first > last || last >= len(args) {
			return dst, errKeys
		}
		for at := first; at <= last; at += spec.Step {
			out = append(out, KeyAt{at, spec.Flags})
		}
	}
	return out, nil
}

// HasKeys tells whether calls of the command can have keys.
func (r *Row) HasKeys() bool {
	for i := range r.Keys {
		if !r.Keys[i].notKey() {
			return true
		}
	}
	return false
}

// notKey tells whether the specification is about something like a key, a channel, only.
func (s *KeySpec) notKey() bool { return strings.Contains(s.Flags, "not_key") }

// begin returns where the search for keys starts. It is not found where an optional keyword is missing.
func (s *KeySpec) begin(args [][]byte) (first int, found bool) {
	if s.Keyword == "" {
		return s.Pos, true
	}
	at, step := s.StartFrom, 1
	if at < 0 {
		at, step = len(args)+at, -1
	}
	for ; 0 < at && at < len(args); at += step {
		if isKeyword(s.Keyword, args[at]) {
			return at + 1, true
		}
	}
	return 0, false
}

// isKeyword tells whether an argument is the keyword, which is in upper case, in any case.
func isKeyword(keyword string, arg []byte) bool {
	if len(keyword) != len(arg) {
		return false
	}
	for i, c := range arg {
		if lower(c) != lower(keyword[i]) {
			return false
		}
	}
	return true
}

// span returns the first and the last argument that can be a key. Both may lie outside the arguments.
func (s *KeySpec) span(args [][]byte, first int) (int, int, bool) {
	switch {
	case s.Unknown:
		return 0, 0, false
	case s.KeyNum:
		at := first + s.KeyNumAt
		if at >= len(args) {
			return 0, 0, false
		}
		n, ok := num.ParseInt(args[at])
		if !ok || n < 1 || n > int64(len(args)) {
			return 0, 0, false
		}
		first += s.FirstKey
		return first, first + (int(n)-1)*s.Step, true
	case s.Last >= 0:
		return first, first + s.Last, true
	case s.Limit > 1:
		return first, first + (len(args)-first)/s.Limit + s.Last, true
	}
	return first, len(args) + s.Last, true
}

// legacyRange returns what clients knew before there were key specifications: first and last key, and the step. It
// covers the specifications that are plain neighbouring ranges; others make the command's keys movable.
func (r *Row) legacyRange() (first, last, step int, movable bool) {
	if len(r.Keys) == 1 && r.Keys[0].plainRange() {
		s := &r.Keys[0]
		return s.Pos, s.absoluteLast(), s.Step, s.incomplete()
	}
	for i := range r.Keys {
		s := &r.Keys[i]
		if !s.plainRange() || s.Step != 1 || (last != 0 && last != s.Pos-1) {
			movable = true
			continue
		}
		movable = movable || s.incomplete()
		if first == 0 || s.Pos < first {
			first = s.Pos
		}
		// A negative last counts from the end and lies behind every other.
		if l := s.absoluteLast(); l < 0 || (last >= 0 && l > last) {
			last = l
		}
		step = 1
	}
	return first, last, step, movable
}

// plainRange tells whether the specification is a range from a fixed place.
func (s *KeySpec) plainRange() bool { return s.Keyword == "" && !s.KeyNum && !s.Unknown }

func (s *KeySpec) incomplete() bool { return strings.Contains(s.Flags, "incomplete") }

// absoluteLast returns the last key's place counted from the name, or from the end where it is negative.
func (s *KeySpec) absoluteLast() int {
	if s.Last < 0 {
		return s.Last
	}
	return s.Pos + s.Last
}

// setKeys finds the key of SET, which is read too where GET is asked for.
func setKeys(args [][]byte, dst []KeyAt) ([]KeyAt, error) {
	if len(args) < 3 {
		return dst, errKeys
	}
	for _, option := range args[3:] {
		if sameName("get", option) {
			return append(dst, KeyAt{1, "RW access update"}), nil
		}
	}
	return append(dst, KeyAt{1, "OW update"}), nil
}
