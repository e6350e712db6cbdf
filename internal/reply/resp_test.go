package reply

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// methods is every kind of reply with its bytes in both protocols.
var methods = []struct {
	name         string
	write        func(Writer)
	resp2, resp3 string
}{
	{"status", func(w Writer) { w.Status("OK") }, "+OK\r\n", "+OK\r\n"},
	{"error", func(w Writer) { w.Error("ERR no\r\nsuch thing\n") }, "-ERR no  such thing \r\n", "-ERR no  such thing \r\n"},
	{"int", func(w Writer) { w.Int(0) }, ":0\r\n", ":0\r\n"},
	{"negative int", func(w Writer) { w.Int(-1) }, ":-1\r\n", ":-1\r\n"},
	{"least int", func(w Writer) { w.Int(math.MinInt64) }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
	{"bulk", func(w Writer) { w.Bulk([]byte("a\r\n\x00")) }, "$4\r\na\r\n\x00\r\n", "$4\r\na\r\n\x00\r\n"},
	{"empty bulk", func(w Writer) { w.Bulk(nil) }, "$0\r\n\r\n", "$0\r\n\r\n"},
	{"bulk string", func(w Writer) { w.BulkString("hello, world") }, "$12\r\nhello, world\r\n", "$12\r\nhello, world\r\n"},
	{"null", func(w Writer) { w.Null() }, "$-1\r\n", "_\r\n"},
	{"null array", func(w Writer) { w.NullArray() }, "*-1\r\n", "_\r\n"},
	{"array", func(w Writer) { w.Array(2); w.Int(1); w.Null() }, "*2\r\n:1\r\n$-1\r\n", "*2\r\n:1\r\n_\r\n"},
	{"empty array", func(w Writer) { w.Array(0) }, "*0\r\n", "*0\r\n"},
	{"map", func(w Writer) { w.Map(1); w.BulkString("k"); w.Int(2) }, "*2\r\n$1\r\nk\r\n:2\r\n", "%1\r\n$1\r\nk\r\n:2\r\n"},
	{"empty map", func(w Writer) { w.Map(0) }, "*0\r\n", "%0\r\n"},
	{"set", func(w Writer) { w.Set(1); w.BulkString("m") }, "*1\r\n$1\r\nm\r\n", "~1\r\n$1\r\nm\r\n"},
	{"push", func(w Writer) { w.Push(1); w.BulkString("m") }, "*1\r\n$1\r\nm\r\n", ">1\r\n$1\r\nm\r\n"},
	{"double", func(w Writer) { w.Double(0.1) }, "$3\r\n0.1\r\n", ",0.1\r\n"},
	{"whole double", func(w Writer) { w.Double(-3) }, "$2\r\n-3\r\n", ",-3\r\n"},
	{"large double", func(w Writer) { w.Double(1e21) }, "$5\r\n1e+21\r\n", ",1e+21\r\n"},
	{"infinity", func(w Writer) { w.Double(math.Inf(1)) }, "$3\r\ninf\r\n", ",inf\r\n"},
	{"minus infinity", func(w Writer) { w.Double(math.Inf(-1)) }, "$4\r\n-inf\r\n", ",-inf\r\n"},
	{"nan", func(w Writer) { w.Double(math.NaN()) }, "$3\r\nnan\r\n", ",nan\r\n"},
	{"true", func(w Writer) { w.Bool(true) }, ":1\r\n", "#t\r\n"},
	{"false", func(w Writer) { w.Bool(false) }, ":0\r\n", "#f\r\n"},
	{"big number", func(w Writer) { w.BigNumber("-123456789012345678901") }, "$22\r\n-123456789012345678901\r\n", "(-123456789012345678901\r\n"},
	{"verbatim", func(w Writer) { w.Verbatim("txt", "Some string") }, "$11\r\nSome string\r\n", "=15\r\ntxt:Some string\r\n"},
	{"nested", func(w Writer) { w.Array(2); w.Map(1); w.Int(1); w.Set(0); w.Bool(true) }, "*2\r\n*2\r\n:1\r\n*0\r\n:1\r\n", "*2\r\n%1\r\n:1\r\n~0\r\n#t\r\n"},
}

func TestRESP(t *testing.T) {
	for _, m := range methods {
		var w RESP
		m.write(&w)
		if got := string(w.Buf); got != m.resp2 || w.Proto() != 2 {
			t.Errorf("%s in RESP2: %q, want %q", m.name, got, m.resp2)
		}
		w.Reset(3)
		m.write(&w)
		if got := string(w.Buf); got != m.resp3 || w.Proto() != 3 {
			t.Errorf("%s in RESP3: %q, want %q", m.name, got, m.resp3)
		}
		m.write(&w)
		if got := string(w.Buf); got != m.resp3+m.resp3 {
			t.Errorf("%s twice in RESP3: %q", m.name, got)
		}
		w.Reset(2)
		m.write(&w)
		if got := string(w.Buf); got != m.resp2 {
			t.Errorf("%s after going back to RESP2: %q, want %q", m.name, got, m.resp2)
		}
	}
}

func TestRESPHeaders(t *testing.T) {
	var w RESP
	for _, n := range []int{0, 1, 9, 10, 11, 19, 99, 100, 101, 110, 199, 999, 1000, 1001, 9999, 10000, 65536, 123456} {
		w.Reset(2)
		w.Array(n)
		w.Map(n)
		w.Int(int64(n))
		w.Int(int64(-n))
		w.BulkString(strings.Repeat("x", n))
		d := strconv.Itoa
		want := "*" + d(n) + "\r\n*" + d(2*n) + "\r\n:" + d(n) + "\r\n:" + d(-n) + "\r\n$" + d(n) + "\r\n" +
			strings.Repeat("x", n) + "\r\n"
		if string(w.Buf) != want {
			t.Errorf("%d: %.80q, want %.80q", n, w.Buf, want)
		}
	}
	w.Reset(3)
	w.SetProto(7)
	if w.Proto() != 2 {
		t.Errorf("Proto() = %d after SetProto(7)", w.Proto())
	}
}

func TestRESPAllocatesNothing(t *testing.T) {
	w := RESP{Buf: make([]byte, 0, 4096)}
	value := make([]byte, 256)
	if n := testing.AllocsPerRun(100, func() {
		w.Reset(2)
		w.Bulk(value)
		w.Double(1.25)
		w.Status("OK")
		w.Int(1 << 40)
		w.Reset(3)
		w.Double(1.25)
		w.Null()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkBulk(b *testing.B) {
	for _, size := range []int{3, 32, 256} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			w := RESP{Buf: make([]byte, 0, 64*(size+10))}
			value := make([]byte, size)
			n := 0
			for b.Loop() {
				if n++; n%64 == 0 {
					w.Reset(2)
				}
				w.Bulk(value)
			}
		})
	}
}

func BenchmarkStatus(b *testing.B) {
	w := RESP{Buf: make([]byte, 0, 4096)}
	for b.Loop() {
		if len(w.Buf) > 4000 {
			w.Reset(2)
		}
		w.Status("OK")
	}
}

// A long reply in chunks is the same as in one buffer, whatever is taken back meanwhile.
func TestChunks(t *testing.T) {
	one, many := RESP{}, RESP{Chunk: 64}
	write := func(w *RESP) {
		w.Array(300)
		for i := range 300 {
			switch i % 3 {
			case 0:
				w.Bulk([]byte(strings.Repeat("b", i%50)))
			case 1:
				w.Int(int64(i))
			case 2:
				w.BulkString("string")
			}
			if i%70 == 69 { // over several chunks
				mark := w.Mark()
				for range 40 {
					w.BulkString("taken back")
				}
				w.Rewind(mark)
				if w.Mark() != mark {
					t.Fatalf("at %d after going back to %d", w.Mark(), mark)
				}
			}
		}
	}
	write(&one)
	write(&many)
	var got []byte
	for _, b := range many.Full {
		got = append(got, b...)
	}
	if got = append(got, many.Buf...); string(got) != string(one.Buf) || len(many.Full) < 50 {
		t.Fatalf("%d chunks: %q, want %q", len(many.Full), got, one.Buf)
	}
	if many.Mark() != int64(len(got)) || many.Over() {
		t.Fatalf("%d bytes, want %d", many.Mark(), len(got))
	}

	limited := RESP{Chunk: 64, Limit: 1000}
	for i := range 1000 {
		limited.Int(int64(i))
		if len(limited.Full) > 1000/64 || cap(limited.Buf) > 128 {
			t.Fatalf("more is kept than the limit: %d chunks", len(limited.Full))
		}
	}
	if !limited.Over() || limited.Mark() < 1000 {
		t.Fatalf("the limit of 1000 bytes does not tell at %d", limited.Mark())
	}
	limited.Rewind(0)
	if limited.Over() || limited.Mark() != 0 {
		t.Fatal("what was taken back as a whole is over the limit")
	}
	for range 1000 {
		limited.Int(1000)
	}
	if limited.Reset(2); limited.Over() || limited.Mark() != 0 {
		t.Fatal("a reset writer remembers")
	}
}
