package reply

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestValues(t *testing.T) {
	bignum, _ := new(big.Int).SetString("-123456789012345678901", 10)
	for _, c := range []struct {
		name  string
		write func(Writer)
		want  any
	}{
		{"status", func(w Writer) { w.Status("OK") }, "OK"},
		{"bulk", func(w Writer) { w.Bulk([]byte("x")) }, []byte("x")},
		{"nil bulk", func(w Writer) { w.Bulk(nil) }, []byte{}},
		{"bulk string", func(w Writer) { w.BulkString("x") }, []byte("x")},
		{"int", func(w Writer) { w.Int(-5) }, int64(-5)},
		{"null", func(w Writer) { w.Null() }, nil},
		{"null array", func(w Writer) { w.NullArray() }, nil},
		{"double", func(w Writer) { w.Double(1.5) }, 1.5},
		{"bool", func(w Writer) { w.Bool(true) }, true},
		{"big number", func(w Writer) { w.BigNumber("-123456789012345678901") }, bignum},
		{"no big number", func(w Writer) { w.BigNumber("12x") }, "12x"},
		{"verbatim", func(w Writer) { w.Verbatim("txt", "hi") }, "hi"},
		{"empty array", func(w Writer) { w.Array(0) }, []any{}},
		{"empty map", func(w Writer) { w.Map(0) }, Map{}},
		{"array", func(w Writer) { w.Array(3); w.Int(1); w.Null(); w.Error("ERR x") }, []any{int64(1), nil, Error("ERR x")}},
		{"set", func(w Writer) { w.Set(1); w.Int(1) }, []any{int64(1)}},
		{"push", func(w Writer) { w.Push(1); w.Int(1) }, []any{int64(1)}},
		{
			"map", func(w Writer) {
				w.Map(2)
				w.Status("b")
				w.Int(1)
				w.Array(0)
				w.Array(1)
				w.Int(2)
			},
			Map{{"b", int64(1)}, {[]any{}, []any{int64(2)}}},
		},
		{
			"nested", func(w Writer) {
				w.Array(2)
				w.Map(1)
				w.Int(1)
				w.Set(1)
				w.Array(0)
				w.Bool(false)
			},
			[]any{Map{{int64(1), []any{[]any{}}}}, false},
		},
	} {
		var v Values
		for range 2 {
			c.write(&v)
			got, err := v.Value()
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: %#v, %v; want %#v", c.name, got, err, c.want)
			}
			v.Reset()
		}
	}
}

func TestValuesErrors(t *testing.T) {
	var v Values
	v.Error("WRONGTYPE Operation")
	got, err := v.Value()
	var e Error
	if got != nil || !errors.As(err, &e) || e != "WRONGTYPE Operation" || err.Error() != "WRONGTYPE Operation" {
		t.Errorf("error reply: %v, %v", got, err)
	}
	for name, c := range map[string]struct {
		write func(Writer)
		want  error
	}{
		"nothing":     {func(Writer) {}, errUnfinished},
		"short array": {func(w Writer) { w.Array(2); w.Int(1) }, errUnfinished},
		"short map":   {func(w Writer) { w.Map(1); w.Int(1) }, errUnfinished},
		"endless":     {func(w Writer) { w.Array(1 << 30); w.Int(1) }, errUnfinished},
		"two":         {func(w Writer) { w.Int(1); w.Array(1); w.Int(2) }, errTwoReplies},
		"deep": {func(w Writer) {
			for range 10_000 {
				w.Array(1)
			}
			w.Int(1)
		}, errTooDeep},
	} {
		v.Reset()
		c.write(&v)
		if got, err := v.Value(); got != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
	v.Reset()
	for range maxDepth {
		v.Array(1)
	}
	v.Int(1)
	if _, err := v.Value(); err != nil {
		t.Errorf("the deepest reply allowed: %v", err)
	}
}

func TestValuesOwnTheirBytes(t *testing.T) {
	b := []byte("before")
	var v Values
	v.Array(1)
	v.Bulk(b)
	got, _ := v.Value()
	v.Reset()
	v.Array(1)
	v.Int(7)
	copy(b, "after!")
	if want := []any{[]byte("before")}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestRoundTrip reads the RESP3 bytes of every reply back with a plain decoder and expects what Values built.
func TestRoundTrip(t *testing.T) {
	for _, m := range methods {
		if m.name == "nan" || m.name == "error" {
			continue // a NaN equals nothing; an error's line breaks do not survive the wire
		}
		w, v := RESP{}, Values{}
		w.SetProto(3)
		m.write(&w)
		m.write(&v)
		want, err := v.Value()
		if err != nil {
			t.Fatal(m.name, err)
		}
		got, rest := decode(string(w.Buf))
		if rest != "" || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the wire says %#v (%d bytes left), the value is %#v", m.name, got, len(rest), want)
		}
	}
}

// decode reads one RESP3 reply into the values that Values makes.
func decode(s string) (value any, rest string) {
	line, rest, _ := strings.Cut(s, "\r\n")
	text := line[1:]
	n, _ := strconv.Atoi(text)
	items := func(n int) []any {
		list := make([]any, n)
		for i := range list {
			list[i], rest = decode(rest)
		}
		return list
	}
	switch line[0] {
	case '+':
		return text, rest
	case '-':
		return Error(text), rest
	case ':':
		n, _ := strconv.ParseInt(text, 10, 64)
		return n, rest
	case '$':
		return []byte(rest[:n]), rest[n+2:]
	case '=':
		return rest[4:n], rest[n+2:]
	case '_':
		return nil, rest
	case ',':
		f, _ := strconv.ParseFloat(text, 64)
		return f, rest
	case '#':
		return text == "t", rest
	case '(':
		b, _ := new(big.Int).SetString(text, 10)
		return b, rest
	case '*', '~', '>':
		list := items(n)
		return list, rest
	case '%':
		pairs := Map{}
		for list := items(2 * n); len(list) > 0; list = list[2:] {
			pairs = append(pairs, Pair{list[0], list[1]})
		}
		return pairs, rest
	}
	panic(fmt.Sprintf("unknown reply %q", line))
}
