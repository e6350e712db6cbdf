package luavm

import (
	"strings"
	"unicode/utf8"
)

// jsonToken is a kind of token; the names are those of messages.
type jsonToken byte

const (
	jsonObject jsonToken = iota
	jsonObjectEnd
	jsonArray
	jsonArrayEnd
	jsonString
	jsonNumber
	jsonBoolean
	jsonNullToken
	jsonColon
	jsonComma
	jsonEnd
	jsonError
)

var jsonTokenNames = [...]string{
	"T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END", "T_STRING", "T_NUMBER", "T_BOOLEAN", "T_NULL", "T_COLON",
	"T_COMMA", "T_END",
}

// jsonSigns are the tokens of one byte each, jsonSignBytes the bytes.
var jsonSigns = [...]jsonToken{jsonObject, jsonObjectEnd, jsonArray, jsonArrayEnd, jsonColon, jsonComma}

const jsonSignBytes = "{}[]:,"

// jsonDecoder reads a text. A zero byte ends it, as in C.
type jsonDecoder struct {
	t     *thread
	c     *jsonConfig
	text  string
	at    int
	depth int
	buf   []byte

	// the current token
	kind   jsonToken
	start  int // where it begins
	num    float64
	str    string
	reason string // of jsonError
}

func jsonDecode(t *thread, c *jsonConfig) int {
	if t.nargs() != 1 {
		t.argError(1, "expected 1 argument")
	}
	d := jsonDecoder{t: t, c: c, text: t.checkString(1)}
	if len(d.text) >= 2 && (d.text[0] == 0 || d.text[1] == 0) {
		t.errorf("JSON parser does not support UTF-16 or UTF-32")
	}
	d.next()
	v := d.value()
	if d.next(); d.kind != jsonEnd {
		d.expected("the end")
	}
	t.push(v)
	return 1
}

func (d *jsonDecoder) expected(what string) {
	found := d.reason
	if d.kind != jsonError {
		found = jsonTokenNames[d.kind]
	}
	d.t.errorf("Expected %s but found %s at character %d", what, found, d.start+1)
}

func (d *jsonDecoder) value() value {
	switch d.kind {
	case jsonString:
		return d.t.vm.newString(d.str)
	case jsonNumber:
		return number(d.num)
	case jsonBoolean:
		return boolean(d.num != 0)
	case jsonNullToken:
		return value{ref: jsonNull}
	case jsonObject:
		return d.object()
	case jsonArray:
		return d.array()
	}
	d.expected("value")
	return value{}
}

func (d *jsonDecoder) descend() {
	if d.depth++; d.depth > min(d.c.decodeDepth, maxJSONDepth) {
		d.t.errorf("Found too many nested data structures (%d) at character %d", d.depth, d.at)
	}
}

func (d *jsonDecoder) object() value {
	d.descend()
	tab := d.t.vm.newTable(0, 0)
	d.t.hold(tab)
	if d.next(); d.kind != jsonObjectEnd {
		for {
			if d.kind != jsonString {
				d.expected("object key string")
			}
			key := d.t.vm.newString(d.str)
			if d.next(); d.kind != jsonColon {
				d.expected("colon")
			}
			d.next()
			d.t.vm.set(tab, key, d.value())
			if d.next(); d.kind == jsonObjectEnd {
				break
			}
			if d.kind != jsonComma {
				d.expected("comma or object end")
			}
			d.next()
		}
	}
	d.t.release()
	d.depth--
	return value{ref: tab}
}

func (d *jsonDecoder) array() value {
	d.descend()
	tab := d.t.vm.newTable(0, 0)
	d.t.hold(tab)
	if d.next(); d.kind != jsonArrayEnd {
		for i := 1; ; i++ {
			d.t.vm.setInt(tab, i, d.value())
			if d.next(); d.kind == jsonArrayEnd {
				break
			}
			if d.kind != jsonComma {
				d.expected("comma or array end")
			}
			d.next()
		}
	}
	d.t.release()
	d.depth--
	return value{ref: tab}
}

// peek is the byte n behind the current one, 0 past the end.
func (d *jsonDecoder) peek(n int) byte {
	if d.at+n < len(d.text) {
		return d.text[d.at+n]
	}
	return 0
}

// fail makes the current token an error.
func (d *jsonDecoder) fail(reason string) {
	d.kind, d.start, d.reason = jsonError, d.at, reason
}

// next reads a token.
func (d *jsonDecoder) next() {
	d.t.vm.spend(1)
	for {
		c := d.peek(0)
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			break
		}
		d.at++
	}
	d.start = d.at
	c := d.peek(0)
	switch c {
	case 0:
		d.kind = jsonEnd
	case '{', '}', '[', ']', ':', ',':
		d.kind = jsonSigns[strings.IndexByte(jsonSignBytes, c)]
		d.at++
	case '"':
		d.stringToken()
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if !d.c.decodeInvalid && d.isInvalidNumber() {
			d.fail("invalid number")
			return
		}
		d.numberToken()
	default:
		d.word(c)
	}
}

// word reads true, false, null, and the numbers that JSON does not know.
func (d *jsonDecoder) word(c byte) {
	rest := d.text[d.at:]
	switch {
	case strings.HasPrefix(rest, "true"):
		d.kind, d.num = jsonBoolean, 1
		d.at += 4
	case strings.HasPrefix(rest, "false"):
		d.kind, d.num = jsonBoolean, 0
		d.at += 5
	case strings.HasPrefix(rest, "null"):
		d.kind = jsonNullToken
		d.at += 4
	case strings.IndexByte("+iInN", c) >= 0 && d.c.decodeInvalid && d.isInvalidNumber():
		d.numberToken()
	default:
		d.fail("invalid token")
	}
}

// isInvalidNumber reports whether what follows is a number in C but not in JSON.
func (d *jsonDecoder) isInvalidNumber() bool {
	rest := d.text[d.at:]
	if rest[0] == '+' {
		return true
	}
	rest = strings.TrimPrefix(rest, "-")
	if rest == "" {
		return false
	}
	if rest[0] == '0' {
		return len(rest) > 1 && (rest[1]|0x20 == 'x' || isDigit(rest[1]))
	}
	return rest[0] > '9' && len(rest) >= 3 && (strings.EqualFold(rest[:3], "inf") || strings.EqualFold(rest[:3], "nan"))
}

func (d *jsonDecoder) numberToken() {
	n := numberPrefix(d.text[d.at:])
	if n == 0 {
		d.fail("invalid number")
		return
	}
	d.num, _ = parseNumber(d.text[d.at : d.at+n])
	d.kind = jsonNumber
	d.at += n
	d.t.vm.spend(n / 16)
}

// numberPrefix is the length of the longest beginning of s that C's strtod reads.
func numberPrefix(s string) int {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	for _, word := range []string{"infinity", "inf", "nan"} {
		if len(s)-i >= len(word) && strings.EqualFold(s[i:i+len(word)], word) {
			return i + len(word)
		}
	}
	isMantissa, mark := isDigit, byte('e')
	if rest := s[i:]; len(rest) > 2 && rest[0] == '0' && rest[1]|0x20 == 'x' &&
		(isHex(rest[2]) || rest[2] == '.' && len(rest) > 3 && isHex(rest[3])) {
		i += 2
		isMantissa, mark = isHex, 'p'
	}
	digits, point := 0, false
	for ; i < len(s); i++ {
		if s[i] == '.' && !point {
			point = true
		} else if isMantissa(s[i]) {
			digits++
		} else {
			break
		}
	}
	if digits == 0 {
		return 0
	}
	if i < len(s) && s[i]|0x20 == mark {
		j := i + 1
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		if j < len(s) && isDigit(s[j]) {
			for j < len(s) && isDigit(s[j]) {
				j++
			}
			i = j
		}
	}
	return i
}

func isHex(c byte) bool { return isDigit(c) || c|0x20-'a' < 6 }

func (d *jsonDecoder) stringToken() {
	d.at++
	d.buf = d.buf[:0]
	// A string without escapes is taken as it stands.
	rest := d.text[d.at:]
	end := 0
	for end < len(rest) && rest[end] != '"' && rest[end] != '\\' && rest[end] != 0 {
		d.t.vm.spendAt(end)
		end++
	}
	if end < len(rest) && rest[end] == '"' {
		d.t.vm.charge(end)
		d.kind, d.str = jsonString, strings.Clone(rest[:end])
		d.at += end + 1
		return
	}
	for {
		c := d.peek(0)
		switch c {
		case '"':
			d.at++
			d.kind, d.str = jsonString, string(d.buf)
			return
		case 0:
			d.fail("unexpected end of string")
			return
		case '\\':
			if !d.escape() {
				return
			}
		default:
			d.put(c)
			d.at++
		}
	}
}

// put adds a byte of a string, and accounts for the buffer as it grows.
func (d *jsonDecoder) put(c byte) {
	if len(d.buf) == cap(d.buf) {
		d.t.vm.charge(2*cap(d.buf) + 64)
	}
	d.t.vm.spendAt(len(d.buf))
	d.buf = append(d.buf, c)
}

// escape reads an escape sequence; it reports false if that is none.
func (d *jsonDecoder) escape() bool {
	c := d.peek(1)
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 't':
		c = '\t'
	case 'n':
		c = '\n'
	case 'f':
		c = '\f'
	case 'r':
		c = '\r'
	case 'u':
		r, n := d.unicode()
		if n == 0 {
			d.fail("invalid unicode escape code")
			return false
		}
		var tmp [utf8.UTFMax]byte
		for _, b := range tmp[:utf8.EncodeRune(tmp[:], r)] {
			d.put(b)
		}
		d.at += n
		return true
	default:
		d.fail("invalid escape code")
		return false
	}
	d.put(c)
	d.at += 2
	return true
}

// unicode reads \uXXXX, or two of them for a surrogate pair, and gives the number of bytes; 0 if there is none.
func (d *jsonDecoder) unicode() (r rune, n int) {
	r, ok := d.hex4(2)
	if !ok {
		return 0, 0
	}
	if r&0xf800 != 0xd800 {
		return r, 6
	}
	low, ok := d.hex4(8)
	if r&0x400 != 0 || d.peek(6) != '\\' || d.peek(7) != 'u' || !ok || low&0xfc00 != 0xdc00 {
		return 0, 0
	}
	return (r&0x3ff<<10 | low&0x3ff) + 0x10000, 12
}

func (d *jsonDecoder) hex4(at int) (r rune, ok bool) {
	for i := range 4 {
		c := d.peek(at + i)
		if !isHex(c) {
			return 0, false
		}
		digit := rune(c - '0')
		if c > '9' {
			digit = rune(c|0x20-'a') + 10
		}
		r = r<<4 | digit
	}
	return r, true
}
