package difftest

import (
	"errors"
	"strconv"
	"strings"
)

// token is one word of a script line.
type token struct {
	text   string
	quoted bool // no directive and no $variable, whatever it looks like
}

var errUnbalanced = errors.New("unbalanced quotes")

// split cuts a line into words with Redis's quoting, and repeats "x"*3.
func split(line string) ([]token, error) {
	var out []token
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return out, nil
		}
		var b strings.Builder
		quoted := false
		for i < len(line) && !isSpace(line[i]) {
			if c := line[i]; c != '"' && c != '\'' {
				b.WriteByte(c)
				i++
				continue
			}
			text, n, err := unquote(line[i:])
			if err != nil {
				return nil, err
			}
			quoted = true
			i += n
			if i < len(line) && line[i] == '*' {
				digits := i + 1
				for digits < len(line) && !isSpace(line[digits]) {
					digits++
				}
				times, err := strconv.Atoi(line[i+1 : digits])
				if err != nil || times < 0 || times*len(text) > 1<<30 {
					return nil, errors.New("bad repeat count " + line[i:digits])
				}
				text, i = strings.Repeat(text, times), digits
			}
			b.WriteString(text)
			if i < len(line) && !isSpace(line[i]) {
				return nil, errUnbalanced
			}
		}
		out = append(out, token{b.String(), quoted})
	}
}

// unquote reads the quoted text that s starts with, and returns it with the number of bytes it took.
func unquote(s string) (string, int, error) {
	var b strings.Builder
	quote := s[0]
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == quote:
			return b.String(), i + 1, nil
		case c != '\\' || i+1 == len(s):
			b.WriteByte(c)
		case quote == '\'':
			if s[i+1] == '\'' {
				i++
			}
			b.WriteByte(s[i])
		default:
			i++
			if s[i] == 'x' && i+2 < len(s) {
				if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
					b.WriteByte(byte(v))
					i += 2
					continue
				}
			}
			b.WriteByte(escaped(s[i]))
		}
	}
	return "", 0, errUnbalanced
}

func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'a':
		return '\a'
	case 'b':
		return '\b'
	}
	return c
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }
