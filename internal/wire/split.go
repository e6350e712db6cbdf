package wire

import "github.com/darterdb/darter/internal/num"

// SplitArgs splits a line of text into words by the rules of inline commands, which are those of the configuration
// file too. Blanks separate words. In "double quotes" the escapes \n \r \t \b \a \xHH hold, and a backslash before
// anything else is dropped; in 'single quotes' only \' is an escape. A closing quote must be followed by a blank or
// by the end, otherwise, or if one is missing, the error is ErrUnbalancedQuotes.
func SplitArgs(line string) ([]string, error) {
	args, ok := split(nil, []byte(line))
	if !ok {
		return nil, ErrUnbalancedQuotes
	}
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = string(arg)
	}
	return words, nil
}

// split appends the words of line to args. A word never gets longer by unescaping, so it is written over its own
// source; the words are parts of line.
func split(args [][]byte, line []byte) (words [][]byte, ok bool) {
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return args, true
		}
		start, end := i, i
		for ; i < len(line) && !endsWord(line[i]); i++ {
			if c := line[i]; c == '"' || c == '\'' {
				if end, i = unquote(line, end, i); i < 0 {
					return args, false
				}
				break
			}
			line[end] = line[i]
			end++
		}
		args = append(args, line[start:end:end])
	}
}

// unquote copies the quoted text that opens at line[i] down to line[end:]. It gives the end of the copy and the
// offset behind the closing quote, which is -1 if the quotes are not balanced.
func unquote(line []byte, end, i int) (newEnd, next int) {
	quote := line[i]
	for i++; i < len(line); i++ {
		c := line[i]
		if c == quote {
			if i+1 < len(line) && !isSpace(line[i+1]) {
				return end, -1
			}
			return end, i + 1
		}
		if c == '\\' && i+1 < len(line) {
			if quote == '\'' {
				if line[i+1] == '\'' {
					i++
					c = '\''
				}
			} else {
				var length int
				c, length = escape(line[i+1:])
				i += length
			}
		}
		line[end] = c
		end++
	}
	return end, -1
}

// escape reads what follows a backslash in double quotes: the byte it means, and how many bytes it takes.
func escape(s []byte) (c byte, length int) {
	switch s[0] {
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	case 'b':
		return '\b', 1
	case 'a':
		return '\a', 1
	case 'x':
		if len(s) >= 3 {
			high, low := hexDigit(s[1]), hexDigit(s[2])
			if high < 16 && low < 16 {
				return high<<4 | low, 3
			}
		}
	}
	return s[0], 1
}

// hexDigit is the value of c, or at least 16 if c is no hexadecimal digit.
func hexDigit(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return (c | 0x20) - 'a' + 10
	}
	return 16
}

// isSpace is what C calls a space.
func isSpace(c byte) bool { return c == ' ' || c-'\t' <= '\r'-'\t' }

// endsWord is what ends a word outside quotes: less than isSpace, as vertical tab and form feed only count between
// words.
func endsWord(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// AppendCommand appends a command to dst in the form that Parse reads: an array of bulks.
func AppendCommand[T string | []byte](dst []byte, args ...T) []byte {
	dst = num.AppendInt(append(dst, '*'), int64(len(args)))
	dst = append(dst, '\r', '\n')
	for _, arg := range args {
		dst = num.AppendInt(append(dst, '$'), int64(len(arg)))
		dst = append(dst, '\r', '\n')
		dst = append(dst, arg...)
		dst = append(dst, '\r', '\n')
	}
	return dst
}
