package wire

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// commands is what a stream comes to: every command's arguments quoted, and the error that ended it.
type commands struct {
	list []string
	err  error
}

// parseIn feeds stream to a parser in pieces of the given sizes (the last one is repeated) the way a server does:
// what is left of a buffer moves to a new one, so that a parser that keeps stale slices is found out.
func parseIn(t *testing.T, p *Parser, stream []byte, sizes ...int) (got commands, left int) {
	t.Helper()
	var buf []byte
	for len(stream) > 0 {
		size := max(1, min(sizes[0], len(stream)))
		if len(sizes) > 1 {
			sizes = sizes[1:]
		}
		moved := append(slices.Clone(buf), stream[:size]...)
		for i := range buf {
			buf[i] = '!'
		}
		buf, stream = moved, stream[size:]
		for len(buf) > 0 {
			args, n, err := p.Parse(buf)
			if err != nil {
				if n != 0 {
					t.Fatalf("%d bytes taken together with %v", n, err)
				}
				got.err = err
				return got, len(buf)
			}
			if n < 0 || n > len(buf) {
				t.Fatalf("%d bytes taken of %d", n, len(buf))
			}
			if n == 0 {
				if need := p.Need(); need < 1 {
					t.Fatalf("Need() = %d after an incomplete command", need)
				}
				break
			}
			if p.Pending() {
				t.Fatal("Pending() after a complete command")
			}
			if len(args) > 0 {
				got.list = append(got.list, fmt.Sprintf("%q", args))
			}
			buf = buf[n:]
		}
	}
	return got, len(buf)
}

func TestParse(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, c := range []struct {
		stream string
		want   []string
		left   int
	}{
		{"*1\r\n$4\r\nPING\r\n", []string{`["PING"]`}, 0},
		{"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", []string{`["GET" ""]`}, 0},
		{"*2\r\n$3\r\nGET\r\n$12\r\na\r\nb\x00c$1\r\n*1\r\n*1\r\n$1\r\nX\r\n", []string{`["GET" "a\r\nb\x00c$1\r\n*1"]`, `["X"]`}, 0},
		{"*0\r\n*-1\r\n*-7\r\n*1\r\n$1\r\nX\r\n", []string{`["X"]`}, 0},
		{"*12\r\n" + strings.Repeat("$1\r\na\r\n", 12), []string{fmt.Sprintf("%q", slices.Repeat([]string{"a"}, 12))}, 0},
		{"*100\r\n" + strings.Repeat("$2\r\nab\r\n", 100), []string{fmt.Sprintf("%q", slices.Repeat([]string{"ab"}, 100))}, 0},
		{"*2000\r\n" + strings.Repeat("$1\r\na\r\n", 2000) + "PING\n", []string{fmt.Sprintf("%q", slices.Repeat([]string{"a"}, 2000)), `["PING"]`}, 0},
		{"*1\r\n$100000\r\n" + long + "\r\n", []string{fmt.Sprintf("[%q]", long)}, 0},
		{"*1\r\n$99999\r\n" + long[1:] + "\r\n", []string{fmt.Sprintf("[%q]", long[1:])}, 0},
		// What Redis does not look at: the byte after a CR, the two after a bulk.
		{"*1\rX$4\rYPINGzz*1\r\n$4\r\nPING\r\n", []string{`["PING"]`, `["PING"]`}, 0},
		{"*12\rX" + strings.Repeat("$10\rY0123456789zz", 12), []string{fmt.Sprintf("%q", slices.Repeat([]string{"0123456789"}, 12))}, 0},
		// Not complete yet.
		{"*2147483647\r\n", nil, 13},
		{"*1\r\n$536870912\r\n", nil, 16},
		{"*1\r\n$4\r\nPING\r", nil, 13},
		{"*1\r", nil, 3},
		{"*1\x00\r\n", nil, 5},
		{"*1\r\n$4\x00\r\n", nil, 9},
		{"*1\r\n\x00\r\n", nil, 7},
		{"PING\x00\r\nPING\r\n", nil, 13},
		// Inline.
		{"PING\r\n", []string{`["PING"]`}, 0},
		{"PING\nPING\r\nPING\r\r\n", []string{`["PING"]`, `["PING"]`, `["PING"]`}, 0},
		{"\r\n\n  \r\n\r\r\nPING\n", []string{`["PING"]`}, 0},
		{"  set\tkey   value \r\n", []string{`["set" "key" "value"]`}, 0},
		{"PING a\"b\"\r\n", []string{`["PING" "ab"]`}, 0},
		{"PING \xff\r\n", []string{`["PING" "\xff"]`}, 0},
		{"PING \"\\x41\\n\\r\\t\\b\\a\\q\\xZZ\\\\\\\"\" x\n", []string{`["PING" "A\n\r\t\b\aqxZZ\\\"" "x"]`}, 0},
		{"PI\rNG\n", []string{`["PI" "NG"]`}, 0},
	} {
		for _, size := range []int{1 << 30, 1, 2, 3, 7, 1000} {
			if size < 1000 && len(c.stream) > 20_000 {
				continue
			}
			var p Parser
			got, left := parseIn(t, &p, []byte(c.stream), size)
			if got.err != nil || !slices.Equal(got.list, c.want) || left != c.left {
				t.Errorf("%.60q by %d: %.200q, %v, %d bytes left; want %.200q and %d left",
					c.stream, size, got.list, got.err, left, c.want, c.left)
			}
		}
	}
}

// The texts and the limits are those of a Redis server.
func TestParseErrors(t *testing.T) {
	noBulk := func(c string) error { return ProtocolError("Protocol error: expected '$', got '" + c + "'") }
	for _, c := range []struct {
		stream string
		want   error
	}{
		{"*\r\n", ErrMultibulkLength},
		{"*a\r\n", ErrMultibulkLength},
		{"*01\r\n", ErrMultibulkLength},
		{"*+1\r\n", ErrMultibulkLength},
		{"*-0\r\n", ErrMultibulkLength},
		{"* 1\r\n", ErrMultibulkLength},
		{"*1\nPING\r\n", ErrMultibulkLength},
		{"*2147483648\r\n", ErrMultibulkLength},
		{"*9223372036854775808\r\n", ErrMultibulkLength},
		{"*-99999999999999999999\r\n", ErrMultibulkLength},
		{"*1\r\n$-1\r\n", ErrBulkLength},
		{"*1\r\n$\r\n", ErrBulkLength},
		{"*1\r\n$04\r\n", ErrBulkLength},
		{"*1\r\n$00\r\n\r\n", ErrBulkLength},
		{"*1\r\n$536870913\r\n", ErrBulkLength},
		{"*1\r\n$9223372036854775807\r\n", ErrBulkLength},
		{"*1\r\n$9223372036854775808\r\n", ErrBulkLength},
		{"*2\r\n$1\r\na\r\n$1x\r\nb\r\n", ErrBulkLength},
		{"*1\r\nPING\r\n", noBulk("P")},
		{"*1\r\n\r\n", noBulk(" ")},
		{"*1\r\n\n\r\n", noBulk(" ")},
		{"*1\r\n\xff\r\n", noBulk("\xff")},
		{"*" + strings.Repeat("1", 65536), ErrMultibulkCountTooBig},
		{"*1\r\n" + strings.Repeat("$", 65537), ErrBulkCountTooBig},
		{strings.Repeat("P", 65537), ErrInlineTooBig},
		{strings.Repeat("\x00", 65537), ErrInlineTooBig},
		{"A\x00\r\n" + strings.Repeat("P", 65533), ErrInlineTooBig},
		{"PING \"a\r\n", ErrUnbalancedQuotes},
		{"PING 'a\r\n", ErrUnbalancedQuotes},
		{"PING \"a\"b\r\n", ErrUnbalancedQuotes},
	} {
		for _, size := range []int{1 << 30, 4096, 1} {
			if size == 1 && len(c.stream) > 1000 {
				continue
			}
			var p Parser
			if got, _ := parseIn(t, &p, []byte(c.stream), size); got.err != c.want || got.list != nil {
				t.Errorf("%.30q by %d: %q, %v; want %v", c.stream, size, got.list, got.err, c.want)
			}
			if c.want != nil && len(c.stream) > 65536 {
				p.Reset()
				if got, _ := parseIn(t, &p, []byte(c.stream[:65536]), size); got.err != nil {
					t.Errorf("%.30q, cut: %v", c.stream, got.err)
				}
			}
		}
	}
	var e ProtocolError
	if !errors.As(error(ErrBulkLength), &e) || e.Error() != "Protocol error: invalid bulk length" {
		t.Errorf("%v is no ProtocolError with Redis's text", ErrBulkLength)
	}
}

func TestUnauthenticated(t *testing.T) {
	for stream, want := range map[string]error{
		"*10\r\n":                            nil,
		"*11\r\n":                            ErrUnauthenticatedMultibulk,
		"*2147483648\r\n":                    ErrMultibulkLength,
		"*1\r\n$16384\r\n":                   nil,
		"*1\r\n$16385\r\n":                   ErrUnauthenticatedBulk,
		"*1\r\n$536870913\r\n":               ErrBulkLength,
		"*1\r\n$4\r\nPING\r\n":               nil,
		"A A A A A A A A A A A ":             nil,
		"A A A A A A A A A A A A\r\n*11\r\n": ErrUnauthenticatedMultibulk,
	} {
		p := Parser{Unauthenticated: true}
		if got, _ := parseIn(t, &p, []byte(stream), 100); got.err != want {
			t.Errorf("%q: %v, want %v", stream, got.err, want)
		}
		p = Parser{}
		if got, _ := parseIn(t, &p, []byte(stream), 100); got.err == ErrUnauthenticatedBulk || got.err == ErrUnauthenticatedMultibulk {
			t.Errorf("%q, authenticated: %v", stream, got.err)
		}
	}
}

func TestLimits(t *testing.T) {
	p := Parser{MaxBulk: 3, MaxMultibulk: 2, MaxInline: 10}
	for stream, want := range map[string]error{
		"*2\r\n$3\r\nabc\r\n$0\r\n\r\n": nil,
		"*1\r\n$10\r\n":                 ErrBulkLength,
		"*3\r\n":                        ErrMultibulkLength,
		"0123456789\n":                  nil,
		"01234567890":                   ErrInlineTooBig,
		"01234567890\n":                 ErrInlineTooBig,
	} {
		p.Reset()
		if got, _ := parseIn(t, &p, []byte(stream), 100); got.err != want {
			t.Errorf("%q: %v, want %v", stream, got.err, want)
		}
	}
}

func TestNeed(t *testing.T) {
	for stream, want := range map[string]int{
		"":                                   1,
		"*":                                  1,
		"PI":                                 1,
		"*2\r\n":                             12,
		"*2\r\n$":                            11,
		"*1\r\n$100000000\r\nab":             100_000_000,
		"*3\r\n$1\r\na\r\n$10\r\n0123":       6 + 2 + 6,
		"*1\r\n$3\r\nabc\r":                  1,
		"*1\r\n$0000000":                     1,
		"*1\r\n$1\r\na\r\n*1\r\n$1\r\na\r\n": 1,
	} {
		var p Parser
		p.Parse([]byte(stream))
		if got := p.Need(); got != want {
			t.Errorf("after %q: Need() = %d, want %d", stream, got, want)
		}
	}
}

// TestNoRescan delivers large commands in small pieces; a parser that started over each time would look at some
// hundred thousand million bytes here and never come back.
func TestNoRescan(t *testing.T) {
	for name, stream := range map[string][]byte{
		"arguments": append([]byte("*300000\r\n"), bytes.Repeat([]byte("$3\r\nabc\r\n"), 300_000)...),
		"bulk":      append(append([]byte("*2\r\n$1\r\nx\r\n$3000000\r\n"), make([]byte, 3_000_000)...), "\r\n"...),
	} {
		var p Parser
		for n := 1; n < len(stream); n += 7 {
			if _, taken, err := p.Parse(stream[:n]); taken != 0 || err != nil {
				t.Fatalf("%s: %d bytes taken, %v", name, taken, err)
			}
		}
		args, taken, err := p.Parse(stream)
		if taken != len(stream) || err != nil || len(args) != 2 && len(args) != 300_000 {
			t.Fatalf("%s: %d arguments, %d bytes taken of %d, %v", name, len(args), taken, len(stream), err)
		}
		if cap(p.args) > keepArgs {
			t.Errorf("%s: the parser keeps room for %d arguments", name, cap(p.args))
		}
	}
}

func TestArgumentsDoNotOverlap(t *testing.T) {
	for _, stream := range []string{"*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n$1\rXa\r\n$1\r\nb\r\n", "a b\n"} {
		var p Parser
		args, _, _ := p.Parse([]byte(stream))
		_ = append(args[0], "zzzzzzzzzz"...)
		if string(args[1]) != "b" {
			t.Errorf("%q: appending to an argument wrote into the next one: %q", stream, args[1])
		}
	}
	var p Parser
	p.Parse([]byte("*1\r\n$1\r\na\r\n"))
	p.Reset()
	for _, arg := range p.args[:cap(p.args)] {
		if arg != nil {
			t.Error("the buffer is still referred to after Reset")
		}
	}
}

func TestAppendCommand(t *testing.T) {
	got := AppendCommand([]byte("+"), "SET", "", strings.Repeat("v", 10))
	if want := "+*3\r\n$3\r\nSET\r\n$0\r\n\r\n$10\r\nvvvvvvvvvv\r\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := string(AppendCommand[[]byte](nil)); got != "*0\r\n" {
		t.Errorf("%q for no arguments", got)
	}
}

func pipeline(args ...string) []byte {
	var buf []byte
	for range 64 {
		buf = AppendCommand(buf, args...)
	}
	return buf
}

func TestParseAllocatesNothing(t *testing.T) {
	var p Parser
	for _, buf := range [][]byte{
		pipeline("SET", "key:000000000001", strings.Repeat("v", 256)),
		[]byte("SET 'a' \"b\\n\"\r\n"),
		[]byte("*1\rX$4\rYPINGzz"),
	} {
		received := make([]byte, len(buf))
		if n := testing.AllocsPerRun(100, func() {
			copy(received, buf) // unescaping writes to it
			for rest := received; len(rest) > 0; {
				_, n, err := p.Parse(rest)
				if n == 0 || err != nil {
					t.Fatal(n, err)
				}
				rest = rest[n:]
			}
		}); n != 0 {
			t.Errorf("%.20q: %v allocations", buf, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct {
		name string
		args []string
	}{
		{"GET", []string{"GET", "key:000000000001"}},
		{"SET256", []string{"SET", "key:000000000001", strings.Repeat("v", 256)}},
		{"MSET20", append([]string{"MSET"}, slices.Repeat([]string{"key:000000000001", "value"}, 10)...)},
		{"MSET200", append([]string{"MSET"}, slices.Repeat([]string{"key:000000000001", "value"}, 100)...)},
	} {
		b.Run(c.name, func(b *testing.B) {
			buf := pipeline(c.args...)
			b.SetBytes(int64(len(buf)))
			var p Parser
			for b.Loop() {
				for rest := buf; len(rest) > 0; {
					_, n, err := p.Parse(rest)
					if n == 0 || err != nil {
						b.Fatal(n, err)
					}
					rest = rest[n:]
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/command")
		})
	}
}
