package wire

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// reference reads a whole stream at once, slowly and plainly, by the rules of Redis: the model of the fuzz test.
func reference(p Parser, s string) (got commands, left int) {
	limit := func(n, fallback int) int {
		if n > 0 {
			return n
		}
		return fallback
	}
	maxInline := limit(p.MaxInline, 64<<10)
	maxBulk := limit(p.MaxBulk, 512<<20)
	maxArgs := limit(p.MaxMultibulk, 1<<31-1)
	// lineOf gives the line at the start of s up to the terminator; state is 0 for a line, 1 for none yet, 2 for none
	// ever.
	lineOf := func(s, terminator string) (line string, state int) {
		end := strings.Index(s, terminator)
		if nul := strings.IndexByte(s, 0); nul >= 0 && nul < end {
			end = -1
		}
		switch {
		case end >= 0 && end <= maxInline:
			return s[:end], 0
		case len(s) > maxInline:
			return "", 2
		}
		return "", 1
	}
	number := func(s string) (int, bool) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != s {
			return 0, false
		}
		return int(max(min(n, 1<<31), -1)), true
	}
	for s != "" {
		if s[0] != '*' {
			line, state := lineOf(s, "\n")
			if state != 0 {
				if state == 2 {
					got.err = ErrInlineTooBig
				}
				return got, len(s)
			}
			words, ok := referenceSplit(strings.TrimSuffix(line, "\r"))
			if !ok {
				got.err = ErrUnbalancedQuotes
				return got, len(s)
			}
			if len(words) > 0 {
				got.list = append(got.list, fmt.Sprintf("%q", words))
			}
			s = s[len(line)+1:]
			continue
		}
		whole := len(s)
		line, state := lineOf(s, "\r")
		if state == 2 {
			got.err = ErrMultibulkCountTooBig
		}
		if state != 0 || len(s) < len(line)+2 {
			return got, whole
		}
		argc, ok := number(line[1:])
		if !ok || argc > maxArgs {
			got.err = ErrMultibulkLength
			return got, whole
		}
		if p.Unauthenticated && argc > 10 {
			got.err = ErrUnauthenticatedMultibulk
			return got, whole
		}
		rest := s[len(line)+2:]
		args := []string{}
		for len(args) < argc {
			line, state := lineOf(rest, "\r")
			if state == 2 {
				got.err = ErrBulkCountTooBig
			}
			if state != 0 || len(rest) < len(line)+2 {
				return got, whole
			}
			if rest[0] != '$' {
				c := strings.NewReplacer("\r", " ", "\n", " ").Replace(rest[:1])
				got.err = ProtocolError("Protocol error: expected '$', got '" + c + "'")
				return got, whole
			}
			size, ok := number(line[1:])
			if !ok || size < 0 || size > maxBulk {
				got.err = ErrBulkLength
				return got, whole
			}
			if p.Unauthenticated && size > 16384 {
				got.err = ErrUnauthenticatedBulk
				return got, whole
			}
			rest = rest[len(line)+2:]
			if len(rest) < size+2 {
				return got, whole
			}
			args = append(args, rest[:size])
			rest = rest[size+2:]
		}
		if argc > 0 {
			got.list = append(got.list, fmt.Sprintf("%q", args))
		}
		s = rest
	}
	return got, 0
}

// referenceSplit builds every word byte by byte in a string of its own.
func referenceSplit(s string) (words []string, ok bool) {
	words = []string{}
	at := func(i int) byte { // a line has no NUL, so NUL is its end
		if i < len(s) {
			return s[i]
		}
		return 0
	}
	isIn := func(c byte, set string) bool { return c != 0 && strings.IndexByte(set, c) >= 0 }
	const spaces, hex = " \t\n\v\f\r", "0123456789abcdefABCDEF"
	i := 0
	for {
		for isIn(at(i), spaces) {
			i++
		}
		if i >= len(s) {
			return words, true
		}
		word := ""
		for i < len(s) && !isIn(at(i), " \t\n\r") {
			quote := at(i)
			i++
			if quote != '"' && quote != '\'' {
				word += string([]byte{quote})
				continue
			}
			for at(i) != quote {
				switch {
				case i >= len(s):
					return nil, false
				case quote == '"' && at(i) == '\\' && at(i+1) == 'x' && isIn(at(i+2), hex) && isIn(at(i+3), hex):
					n, _ := strconv.ParseUint(s[i+2:i+4], 16, 8)
					word += string([]byte{byte(n)})
					i += 4
				case quote == '"' && at(i) == '\\' && i+1 < len(s):
					c := at(i + 1)
					if k := strings.IndexByte("nrtba", c); k >= 0 {
						c = "\n\r\t\b\a"[k]
					}
					word += string([]byte{c})
					i += 2
				case quote == '\'' && at(i) == '\\' && at(i+1) == '\'':
					word += "'"
					i += 2
				default:
					word += s[i : i+1]
					i++
				}
			}
			i++
			if i < len(s) && !isIn(at(i), spaces) {
				return nil, false
			}
			break
		}
		words = append(words, word)
	}
}

// FuzzParse cuts a stream into pieces at random places and expects the commands, the error and the rest that the
// model finds in the whole.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n",
		"*-1\r\n*0\r\nPING\r\n\r\nset 'a' \"b\\x41\"\n*1\r\n$-1\r\n",
		"*1\rX$4\rYPINGzz*1\r\n$04\r\n",
		"*12\r\n" + strings.Repeat("$10\r\n0123456789\r\n", 12),
		"*11\r\n$20000\r\n", "*1\r\n$123456\r\n", "*2\r\n$2\r\nab\r\n:1\r\n", "*1\x00\r\n", "abc\x00\n", "*1\r\n\r\n",
		"0123456789012345678901234567890123456789\n", "*9223372036854775808\r\n", "get \"a\"b\n", "get '\\'' a\"b c\"\v\n",
		"*99\r\n", "*100\r\n$1\r\n", "*1\r\n$" + strings.Repeat("0", 50) + "\r\n",
	} {
		f.Add([]byte(seed), []byte{1, 5, 2, 200}, uint8(0))
		f.Add([]byte(seed), []byte{3}, uint8(7))
	}
	f.Fuzz(func(t *testing.T, stream, cuts []byte, limits uint8) {
		p := Parser{Unauthenticated: limits&1 != 0}
		if limits&2 != 0 {
			p.MaxInline = 30
		}
		if limits&4 != 0 {
			p.MaxBulk, p.MaxMultibulk = 40, 5
		}
		want, wantLeft := reference(p, string(stream))
		sizes := []int{1 << 30}
		if len(cuts) > 0 {
			sizes = nil
		}
		for _, c := range cuts {
			sizes = append(sizes, int(c)+1)
		}
		got, left := parseIn(t, &p, slices.Clone(stream), sizes...)
		if got.err != want.err || !slices.Equal(got.list, want.list) {
			t.Fatalf("%q in pieces of %v:\n got %q, %v\nwant %q, %v", stream, sizes, got.list, got.err, want.list, want.err)
		}
		if got.err == nil && left != wantLeft {
			t.Fatalf("%q in pieces of %v: %d bytes left, want %d", stream, sizes, left, wantLeft)
		}
	})
}

func FuzzSplitArgs(f *testing.F) {
	for _, seed := range []string{
		"save 900 1", `requirepass "a b"`, `a"b"c`, `'it\'s'`, `"\x4"`, `"\x4g\x41"`, `"\`, `'\`, "\v\fa\vb", `""`, `''x`, `"a`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.IndexByte(line, 0) >= 0 {
			return
		}
		want, ok := referenceSplit(line)
		got, err := SplitArgs(line)
		if (err == nil) != ok || ok && !slices.Equal(got, want) {
			t.Fatalf("SplitArgs(%q) = %q, %v; want %q, %v", line, got, err, want, ok)
		}
	})
}
