package glob

import (
	"bytes"
	"strings"
	"testing"
)

// The answers are those of a Redis server on x86-64.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "a", true},
		{"*", "", false},
		{"**", "", false},
		{"?", "", false},
		{"?", "a", true},
		{"h?llo", "hello", true},
		{"h?llo", "hllo", false},
		{"h*llo", "hllo", true},
		{"h*llo", "heeeello", true},
		{"h[ae]llo", "hallo", true},
		{"h[ae]llo", "hillo", false},
		{"h[^e]llo", "hello", false},
		{"h[a-b]llo", "hbllo", true},
		{"a*", "a", true},
		{"a**", "a", true},
		{"a**?", "ab", true},
		{"*a*", "a", true},
		{"*b", "abab", true},
		{"*ab*cd*", "xabcabcdd", true},
		{"*ab*cd*e", "xabcabcdd", false},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"\\", "\\", true},
		{"a\\", "a\\", true},
		{"a\\", "a", false},
		{"*\x00", "a\x00", true},
		{"\x00*", "\x00b", true},
		{"[z-a]", "m", true},
		{"[a-c-e]", "d", false},
		{"[a-c-e]", "-", true},
		{"[--a]", "0", true},
		{"[^a-c]x", "dx", true},
		// Classes that are not closed.
		{"[", "a", false},
		{"[", "[", false},
		{"[^", "a", true},
		{"[a", "a", true},
		{"[a-", "a", true},
		{"[a-", "-", true},
		{"[\\", "\\", true},
		{"[a\\", "\\", true},
		{"a[", "a", false},
		{"a[*", "a", false},
		{"a[^*", "ab", true},
		{"*[^", "ab", true},
		{"*[", "ab", false},
		// The bracket as end of a range, and in first place.
		{"[a-]", "]", true},
		{"[a-]", "a", true},
		{"[a-]", "_", true},
		{"[]", "]", false},
		{"[]a]", "]", false},
		{"[^]", "a", true},
		{"[^]a", "xa", true},
		// Escapes in a class.
		{"[\\]]", "]", true},
		{"[\\a-z]", "b", false},
		{"[\\a-z]", "-", true},
		{"[\\a-z]", "a", true},
		{"[a-\\z]", "z", true},
		{"[a-\\z]", "_", true},
		{"[a-\\z]", "\\", true},
		// Signed bytes.
		{"[a-\xff]", "b", false},
		{"[a-\xff]", "\xff", true},
		{"[a-\xff]", "A", true},
		{"[\x80-\xff]", "\x90", true},
	} {
		if got := Match([]byte(c.pattern), []byte(c.name)); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

// The names that are "port" are answers of CONFIG GET on a Redis server.
func TestMatchFold(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"PORT", "port", true},
		{"POR\\T", "port", true},
		{"P[N-P]RT", "port", true},
		{"por[T]", "port", true},
		{"[P-p]ort", "port", true},
		{"[Z-a]ort", "port", false},
		{"[P-_]ort", "port", false},
		{"por[\\T]", "port", false},
		{"por[\\t]", "port", true},
		{"*O*T", "port", true},
		{"[^P]ort", "port", false},
		{"@", "`", false},
		{"[", "{", false},
		{"\xc3", "\xe3", false},
	} {
		if got := MatchFold([]byte(c.pattern), []byte(c.name)); got != c.want {
			t.Errorf("MatchFold(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
	if Match([]byte("PORT"), []byte("port")) {
		t.Error("Match disregards case")
	}
}

// TestHostilePatterns would not end in a lifetime if every star could try every place.
func TestHostilePatterns(t *testing.T) {
	pattern := []byte(strings.Repeat("*a", 500) + "b")
	name := bytes.Repeat([]byte("a"), 5000)
	if Match(pattern, name) || MatchFold(pattern, name) {
		t.Error("a name without b matched")
	}
	if !Match(pattern, append(name, 'b')) {
		t.Error("a name with b did not match")
	}
}

func TestLiteral(t *testing.T) {
	for _, c := range []struct {
		pattern, prefix string
		literal         bool
	}{
		{"", "", true},
		{"user:1", "user:1", true},
		{"user:*", "user:", false},
		{"user:?", "user:", false},
		{"user:[1]", "user:", false},
		{"*", "", false},
		{"a]b^c-", "a]b^c-", true},
		{"h\\[l\\lo", "h[llo", true},
		{"h\\*l*", "h*l", false},
		{"a\\", "a\\", true},
		{"a\\\\", "a\\", true},
		{"\\a\\\\*", "a\\", false},
	} {
		pattern := []byte(c.pattern)
		name, ok := Literal(pattern)
		if prefix := Prefix(pattern); string(prefix) != c.prefix || string(name) != c.prefix || ok != c.literal {
			t.Errorf("%q: Literal gives %q, %v, Prefix %q; want %q, %v", c.pattern, name, ok, prefix, c.prefix, c.literal)
		}
		_ = append(name, "!!!!"...)
		if string(pattern) != c.pattern {
			t.Errorf("%q: appending to the literal wrote into the pattern", c.pattern)
		}
	}
}

// naive is the pattern language written down as one recursion: every star tries every place. at gives NUL behind the
// end, as the text of a C string has it.
func naive(pattern, name string, fold bool) bool {
	at := func(i int) byte {
		if i < len(pattern) {
			return pattern[i]
		}
		return 0
	}
	low := func(c byte) byte {
		if fold && c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}
	if pattern == "" || name == "" {
		return pattern == name
	}
	width, ok := 1, false
	switch at(0) {
	case '*':
		if strings.Trim(pattern, "*") == "" {
			return true
		}
		for i := range len(name) {
			if naive(pattern[1:], name[i:], fold) {
				return true
			}
		}
		return false
	case '?':
		ok = true
	case '[':
		i := 1
		not := at(i) == '^'
		if not {
			i++
		}
		for ; ; i++ {
			left := len(pattern) - i
			if left >= 2 && at(i) == '\\' {
				i++
				ok = ok || at(i) == name[0]
			} else if left <= 0 {
				i--
				break
			} else if at(i) == ']' {
				break
			} else if left >= 3 && at(i+1) == '-' {
				a, b := int(int8(at(i))), int(int8(at(i+2)))
				a, b = min(a, b), max(a, b)
				c := int(int8(low(name[0])))
				ok = ok || int(int8(low(byte(a)))) <= c && c <= int(int8(low(byte(b))))
				i += 2
			} else {
				ok = ok || low(at(i)) == low(name[0])
			}
		}
		ok = ok != not
		width = i + 1
	case '\\':
		if len(pattern) > 1 {
			width = 2
		}
		ok = low(at(width-1)) == low(name[0])
	default:
		ok = low(at(0)) == low(name[0])
	}
	pattern, name = pattern[width:], name[1:]
	if ok && name == "" {
		return strings.Trim(pattern, "*") == ""
	}
	return ok && naive(pattern, name, fold)
}

func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"*a*b", "xaxb"}, {"[^a-c]*\\?", "d?"}, {"[a-", "-"}, {"**[\\", "\\"}, {"[]", "]"}, {"h[Z-a]", "hb"}, {"*", ""},
		{"a*[^", "abc"}, {"[\xff-a]", "\x00"}, {"*ab*ab?", "abababx"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, pattern, name []byte) {
		if bytes.Count(pattern, []byte("*")) > 6 || len(name) > 30 {
			return // the model is exponential
		}
		for fold, got := range map[bool]bool{false: Match(pattern, name), true: MatchFold(pattern, name)} {
			if want := naive(string(pattern), string(name), fold); got != want {
				t.Fatalf("match(%q, %q, %v) = %v", pattern, name, fold, got)
			}
		}
		matched := Match(pattern, name)
		if matched && !bytes.HasPrefix(name, Prefix(pattern)) {
			t.Fatalf("%q matches %q, which does not begin with %q", pattern, name, Prefix(pattern))
		}
		if only, ok := Literal(pattern); ok && matched != bytes.Equal(only, name) {
			t.Fatalf("%q is %q and nothing else, but for %q the answer is %v", pattern, only, name, matched)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	name := []byte("user:000000012345:session")
	for _, pattern := range []string{"user:*", "*:session", "*12345*", "user:????????????:*", "user:[0-9]*"} {
		b.Run(pattern, func(b *testing.B) {
			p := []byte(pattern)
			for b.Loop() {
				Match(p, name)
			}
		})
	}
}
