package luavm

import (
	"math"
	"strconv"
	"strings"
)

// spec is a conversion of string.format.
type spec struct {
	left, plus, blank, alternate, zero bool
	width                              int
	precision                          int // -1: none given
	verb                               byte
}

func stringFormat(t *thread) int {
	format := t.checkString(1)
	b := t.vm.newBuilder()
	arg := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.addByte(format[i])
			continue
		}
		if i++; i < len(format) && format[i] == '%' {
			b.addByte('%')
			continue
		}
		if arg++; arg > t.nargs() {
			t.argError(arg, "no value")
		}
		var s spec
		s, i = t.scanSpec(format, i)
		t.formatOne(b, s, arg)
	}
	t.push(b.value())
	return 1
}

// scanSpec reads a conversion at i, behind its %; next is the place of its letter.
func (t *thread) scanSpec(format string, i int) (s spec, next int) {
	s.precision = -1
	start := i
	for ; i < len(format) && strings.IndexByte("-+ #0", format[i]) >= 0; i++ {
		switch format[i] {
		case '-':
			s.left = true
		case '+':
			s.plus = true
		case ' ':
			s.blank = true
		case '#':
			s.alternate = true
		case '0':
			s.zero = true
		}
	}
	if i-start >= 6 {
		t.errorf("invalid format (repeated flags)")
	}
	s.width, i = twoDigits(format, i)
	if i < len(format) && format[i] == '.' {
		s.precision, i = twoDigits(format, i+1)
	}
	if i < len(format) && isDigit(format[i]) {
		t.errorf("invalid format (width or precision too long)")
	}
	if i < len(format) {
		s.verb = format[i]
	}
	return s, i
}

func twoDigits(s string, i int) (n, next int) {
	for end := i + 2; i < len(s) && i < end && isDigit(s[i]); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n, i
}

func (t *thread) formatOne(b *builder, s spec, arg int) {
	var tmp [400]byte
	switch s.verb {
	case 'c':
		s.character(b, byte(toInteger(t.checkNumber(arg))))
	case 'd', 'i':
		n := toInteger(t.checkNumber(arg))
		digits := strconv.AppendInt(tmp[:0], n, 10)
		if n < 0 {
			digits = digits[1:]
		}
		s.pad(b, s.sign(n < 0), s.digits(digits, n == 0), true)
	case 'o', 'u', 'x', 'X':
		t.formatUnsigned(b, s, toUnsigned(t.checkNumber(arg)))
	case 'e', 'E', 'f', 'g', 'G':
		s.float(b, t.checkNumber(arg))
	case 'q':
		quote(b, t.checkString(arg))
	case 's':
		text := t.checkString(arg)
		if s.precision < 0 && len(text) >= 100 { // as in C: too long for the buffer of one item, so taken as it is
			b.add(text)
			return
		}
		text = untilZero(text)
		if s.precision >= 0 {
			text = text[:min(len(text), s.precision)]
		}
		s.zero = false
		s.pad(b, "", text, false)
	case 0:
		t.errorf("invalid option '%%' to 'format'")
	default:
		t.errorf("invalid option '%%%c' to 'format'", s.verb)
	}
}

// character adds a byte. A zero byte ends the text of the item, as in C.
func (s *spec) character(b *builder, c byte) {
	if c != 0 {
		s.pad(b, "", string([]byte{c}), false)
	} else if !s.left {
		b.add(strings.Repeat(" ", max(s.width-1, 0)))
	}
}

// toUnsigned converts as C does for unsigned long on the machines Redis runs on: negative numbers go through the
// signed type, and what is too large for either becomes 0.
func toUnsigned(f float64) uint64 {
	switch {
	case f >= 1<<64:
		return 0
	case f >= 1<<63:
		return uint64(f)
	}
	return uint64(toInteger(f))
}

func (t *thread) formatUnsigned(b *builder, s spec, n uint64) {
	base, prefix := 10, ""
	switch s.verb {
	case 'o':
		base = 8
	case 'x', 'X':
		base = 16
	}
	var tmp [32]byte
	digits := string(strconv.AppendUint(tmp[:0], n, base))
	if s.alternate && n != 0 {
		switch s.verb {
		case 'o':
			digits = "0" + digits
		case 'x':
			prefix = "0x"
		case 'X':
			prefix = "0X"
		}
	}
	if s.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	s.pad(b, prefix, s.digits([]byte(digits), n == 0), true)
}

// sign is what stands before the digits.
func (s *spec) sign(neg bool) string {
	switch {
	case neg:
		return "-"
	case s.plus:
		return "+"
	case s.blank:
		return " "
	}
	return ""
}

// digits applies an integer's precision, the least number of digits; with 0 the number 0 has none.
func (s *spec) digits(digits []byte, isZero bool) string {
	if s.precision == 0 && isZero {
		return ""
	}
	if n := s.precision - len(digits); n > 0 {
		return strings.Repeat("0", n) + string(digits)
	}
	return string(digits)
}

// pad adds prefix and text, filled up to the width. Zeros fill numbers, if asked for and no precision says otherwise.
func (s *spec) pad(b *builder, prefix, text string, isInt bool) {
	n := s.width - len(prefix) - len(text)
	zero := s.zero && !s.left && !(isInt && s.precision >= 0)
	if n > 0 && !s.left && !zero {
		b.add(strings.Repeat(" ", n))
	}
	b.add(prefix)
	if n > 0 && zero {
		b.add(strings.Repeat("0", n))
	}
	b.add(text)
	if n > 0 && s.left {
		b.add(strings.Repeat(" ", n))
	}
}

func (s *spec) float(b *builder, f float64) {
	neg := math.Signbit(f)
	f = math.Abs(f)
	var text string
	switch {
	case math.IsNaN(f):
		text, s.zero = "nan", false
	case math.IsInf(f, 0):
		text, s.zero = "inf", false
	default:
		text = s.finite(f)
	}
	if s.verb == 'E' || s.verb == 'G' {
		text = strings.ToUpper(text)
	}
	s.pad(b, s.sign(neg), text, false)
}

func (s *spec) finite(f float64) string {
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	var tmp [400]byte
	switch s.verb {
	case 'f':
		text := strconv.AppendFloat(tmp[:0], f, 'f', precision, 64)
		if s.alternate && precision == 0 {
			text = append(text, '.')
		}
		return string(text)
	case 'e', 'E':
		text := string(strconv.AppendFloat(tmp[:0], f, 'e', precision, 64))
		if s.alternate && precision == 0 {
			text = strings.Replace(text, "e", ".e", 1)
		}
		return text
	}
	text := string(appendGeneral(tmp[:0], f, precision))
	if s.alternate {
		text = keepZeros(text, max(precision, 1))
	}
	return text
}

// keepZeros fills a %g text up to its precision, as its # flag asks.
func keepZeros(text string, precision int) string {
	mantissa, exponent, hasExponent := strings.Cut(text, "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += "."
	}
	digits := 0
	for i, started := 0, false; i < len(mantissa); i++ {
		if started = started || mantissa[i] >= '1' && mantissa[i] <= '9'; started && mantissa[i] != '.' {
			digits++
		}
	}
	if digits == 0 { // zero itself: one digit before the point counts
		digits = len(mantissa) - 1
	}
	if n := precision - digits; n > 0 {
		mantissa += strings.Repeat("0", n)
	}
	if hasExponent {
		mantissa += "e" + exponent
	}
	return mantissa
}

// quote adds a text as a Lua string literal.
func quote(b *builder, s string) {
	b.addByte('"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\', '\n':
			b.addByte('\\')
			b.addByte(c)
		case '\r':
			b.add(`\r`)
		case 0:
			b.add(`\000`)
		default:
			b.addByte(c)
		}
	}
	b.addByte('"')
}
