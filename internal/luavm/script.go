package luavm

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// Flags are what the first line of a script, or the registration of a function, declares.
type Flags uint8

// The flags by their names in a script.
const (
	NoWrites       Flags = 1 << iota // no-writes
	AllowOOM                         // allow-oom
	AllowStale                       // allow-stale
	NoCluster                        // no-cluster
	AllowCrossSlot                   // allow-cross-slot-keys
)

var flagNames = [...]string{"no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"}

// Names gives the names of the flags that are set.
func (f Flags) Names() []string {
	var set []string
	for i, name := range flagNames {
		if f&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return set
}

// parseFlag gives the flag of a name.
func parseFlag(name string) (Flags, bool) {
	for i, n := range flagNames {
		if n == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// Script is a compiled script. It never changes, but for its note, and may run any number of times at once.
type Script struct {
	note     atomic.Bool
	sha      string
	text     string
	flags    Flags
	declared bool
	proto    *proto
}

// SHA is the name the script goes by, 40 hexadecimal digits.
func (s *Script) SHA() string { return s.sha }

// Text is the script as it was given.
func (s *Script) Text() string { return s.text }

// Flags are those its first line declares; declared reports whether there is such a line. A script without one runs in
// the compatibility mode of Redis: it may write, and what it may do is found out as it goes.
func (s *Script) Flags() (flags Flags, declared bool) { return s.flags, s.declared }

// Note is a mark that callers may leave on the script.
func (s *Script) Note() *atomic.Bool { return &s.note }

// Size is the estimated number of bytes it holds.
func (s *Script) Size() int { return len(s.text) + s.proto.size + 256 }

// scriptName is the chunk's name of scripts.
const scriptName = "@user_script"

// Compile compiles a script without keeping it. The error is the text of the error reply.
func Compile(text string) (*Script, error) {
	s := &Script{sha: digest(text), text: text}
	body := text
	if strings.HasPrefix(text, "#!") {
		line, _, found := strings.Cut(text, "\n")
		if !found {
			return nil, errors.New("ERR Invalid script shebang")
		}
		if err := s.parseHeader(line); err != nil {
			return nil, err
		}
		body = text[len(line):]
	}
	p, err := compile(body, scriptName)
	if err != nil {
		return nil, fmt.Errorf("ERR Error compiling script (new function): %w", err)
	}
	fixedProto(p)
	s.proto = p
	return s, nil
}

// parseHeader reads a first line such as "#!lua flags=no-writes,allow-stale".
func (s *Script) parseHeader(line string) error {
	words, ok := splitWords(line)
	if !ok || len(words) == 0 {
		return errors.New("ERR Invalid engine in script shebang")
	}
	if words[0] != "#!lua" {
		return fmt.Errorf("ERR Unexpected engine in script shebang: %s", words[0])
	}
	s.declared = true
	for _, word := range words[1:] {
		list, ok := strings.CutPrefix(word, "flags=")
		if !ok {
			return fmt.Errorf("ERR Unknown lua shebang option: %s", word)
		}
		if list == "" {
			continue
		}
		for name := range strings.SplitSeq(list, ",") {
			flag, ok := parseFlag(name)
			if !ok {
				return fmt.Errorf("ERR Unexpected flag in script shebang: %s", name)
			}
			s.flags |= flag
		}
	}
	return nil
}

// splitWords splits a line at blanks; words may be quoted as on a command line.
func splitWords(line string) (words []string, ok bool) {
	for {
		line = strings.TrimLeft(line, " \t\r\v\f")
		if line == "" {
			return words, true
		}
		var word []byte
		for line != "" && !isSpace(line[0]) {
			if c := line[0]; c != '"' && c != '\'' {
				word = append(word, c)
				line = line[1:]
				continue
			}
			inside, rest, closed := strings.Cut(line[1:], line[:1])
			if !closed || rest != "" && !isSpace(rest[0]) {
				return nil, false
			}
			word = append(word, inside...)
			line = rest
		}
		words = append(words, string(word))
	}
}
