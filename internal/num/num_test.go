package num

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestParseInt(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "-1": -1, "10": 10, "1234567890123456789": 1234567890123456789,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
		"-9223372036854775807": -math.MaxInt64,
	} {
		if got, ok := ParseInt([]byte(text)); !ok || got != want {
			t.Errorf("ParseInt(%q) = %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", "-", "-0", "+1", "01", "-01", "00", "1 ", " 1", "1.0", "--1", "1\x00", "1a", "a", "/", ":", "1:",
		"9223372036854775808", "-9223372036854775809", "9999999999999999999", "18446744073709551616",
		"99999999999999999999", "000000000000000000001", "-99999999999999999999999",
	} {
		if got, ok := ParseInt([]byte(text)); ok {
			t.Errorf("ParseInt(%q) = %d, want a refusal", text, got)
		}
	}
}

func TestAppendInt(t *testing.T) {
	check := func(n int64) {
		t.Helper()
		if got, want := string(AppendInt([]byte("x"), n)), "x"+strconv.FormatInt(n, 10); got != want {
			t.Errorf("AppendInt(%d) = %q, want %q", n, got, want)
		}
	}
	for n := int64(-12000); n < 12000; n++ {
		check(n)
	}
	for shift := range 64 {
		check(1 << shift)
		check(-1 << shift)
		check(1<<shift - 1)
	}
	for n := int64(1); n > 0 && n < math.MaxInt64/10; n *= 10 {
		check(n - 1)
		check(n)
		check(-n)
	}
	if got := string(AppendUint(nil, math.MaxUint64)); got != "18446744073709551615" {
		t.Errorf("AppendUint(max) = %q", got)
	}
}

func FuzzParseInt(f *testing.F) {
	for _, seed := range []string{"0", "-0", "12", "-9223372036854775808", "9223372036854775808", "+5", "007", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want, err := strconv.ParseInt(string(b), 10, 64)
		canonical := err == nil && strconv.FormatInt(want, 10) == string(b)
		got, ok := ParseInt(b)
		if ok != canonical || ok && got != want {
			t.Fatalf("ParseInt(%q) = %d, %v; want %d, %v", b, got, ok, want, canonical)
		}
	})
}

func TestParseFloat(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "+1": 1, "1.": 1, ".5": .5, "-.5": -.5, "1e3": 1000, "1E3": 1000, "1e+3": 1000, "25e-1": 2.5,
		"0x10": 16, "0x1p3": 8, "0X1.8P-1": .75, "0x.8": .5, "0x1e": 30, "1e-310": 1e-310, "007": 7,
		"inf": math.Inf(1), "+inf": math.Inf(1), "-inf": math.Inf(-1), "Inf": math.Inf(1), "-INFINITY": math.Inf(-1),
		"0e99999": 0, "0e-99999": 0, "0x1.1p-1075": 0x1p-1074, "123456789012345": 123456789012345,
		"1234567890123456789": 1234567890123456789, "0." + strings.Repeat("0", 5200): 0,
		"1" + strings.Repeat("0", 300): 1e300,
	} {
		if got, ok := ParseFloat([]byte(text)); !ok || got != want {
			t.Errorf("ParseFloat(%q) = %g, %v; want %g", text, got, ok, want)
		}
	}
	if got, ok := ParseFloat([]byte("-0")); !ok || got != 0 || !math.Signbit(got) {
		t.Errorf("ParseFloat(-0) = %g, %v", got, ok)
	}
	for _, text := range []string{
		"", ".", "-", "+", "1e", "1e+", "1e-", "0x", "0x.", "0xp1", "0x1p", "infinit", "in", "nan", "NAN", "-nan",
		"nan(1)", "nan()", " 1", "1 ", "\t1", "1\n", "1\x00", "1_0", "0x_1p3", "1e1_0", "1e400", "-1e400", "1e-400",
		"0x1p-1075", "0x1p1024", "1d", "1e0x1", "++1", "--1", "+-1", "0b1", "0o7", "1,5", "1.2.3", "1e99999999999",
		"1e-99999999999999999999", "e5", "p5", "1p5", strings.Repeat("1", 400),
	} {
		if got, ok := ParseFloat([]byte(text)); ok {
			t.Errorf("ParseFloat(%q) = %g, want a refusal", text, got)
		}
	}
}

func FuzzParseFloat(f *testing.F) {
	for _, seed := range []string{"1.5", "-inf", "0x1.8p3", "1e400", "1_0", "nan", ".e1", "0x1p", "123456789012345678"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := ParseFloat(b)
		if !ok {
			return
		}
		text := AppendDouble(nil, got)
		if again, ok := ParseFloat(text); !ok || again != got {
			t.Fatalf("%q reads as %g, prints as %q, reads back as %g, %v", b, got, text, again, ok)
		}
		if want, err := strconv.ParseFloat(string(b), 64); err == nil && want != got {
			t.Fatalf("ParseFloat(%q) = %g, want %g", b, got, want)
		}
	})
}

func TestAppendDouble(t *testing.T) {
	for _, c := range []struct {
		f    float64
		want string
	}{
		{0, "0"}, {math.Copysign(0, -1), "-0"}, {3, "3"}, {-3, "-3"}, {0.1, "0.1"}, {-0.1, "-0.1"}, {1.5, "1.5"},
		{0.30000000000000004, "0.30000000000000004"}, {3.14159, "3.14159"}, {1.0 / 3, "0.3333333333333333"},
		{math.Inf(1), "inf"}, {math.Inf(-1), "-inf"}, {math.NaN(), "nan"},
		{1e15, "1000000000000000"}, {1e18, "1000000000000000000"}, {1 << 62, "4611686018427387904"},
		{1 << 63, "9223372036854776000"},
		{1e19, "1e+19"}, {1e21, "1e+21"}, {-1e21, "-1e+21"}, {1.5e300, "1.5e+300"}, {1e100, "1e+100"},
		{1.2345678901234568e22, "12345678901234568000000"}, {1.2345e22, "1.2345e+22"},
		{1e-5, "0.00001"}, {1e-6, "0.000001"}, {1e-7, "1e-7"}, {1.5e-7, "1.5e-7"}, {-1e-7, "-1e-7"}, {1e-100, "1e-100"},
		{123456.789, "123456.789"}, {1.2345678, "1.2345678"}, {1234.12345678, "1234.12345678"},
		{12345.12345678, "1.234512345678e+4"}, {0.0012345678, "0.0012345678"}, {0.00012345678, "1.2345678e-4"},
		{5e-324, "5e-324"}, {math.MaxFloat64, "1.7976931348623157e+308"},
	} {
		if got := string(AppendDouble(nil, c.f)); got != c.want {
			t.Errorf("AppendDouble(%g) = %q, want %q", c.f, got, c.want)
		}
	}
}

// The sums come from a Redis server on x86-64.
func TestIncrFloat(t *testing.T) {
	for _, c := range []struct{ old, by, want string }{
		{"0", "-0", "0"}, {"-0", "-0", "0"}, {"0.1", "0.2", "0.3"}, {"3", "1e15", "1000000000000003"},
		{"1e17", "1", "100000000000000001"}, {"1e-17", "0", "0.00000000000000001"}, {"5e-18", "0", "0"},
		{"4.9e-18", "0", "0"}, {"-1e-18", "0", "0"}, {"15e-18", "0", "0.00000000000000002"}, {"10.50", "0.1", "10.6"},
		{"5.0e3", "200", "5200"}, {"18446744073709551615", "1", "18446744073709551616"},
		{"18446744073709551617", "0", "18446744073709551616"}, {"18446744073709551619", "0", "18446744073709551620"},
		{"64.1", "0", "64.1"}, {"100.1", "0", "100.1"}, {"1000.2", "0", "1000.20000000000000001"},
		{"0x1p-17", "0", "0.00000762939453125"}, {"0X1.8P-1", ".25", "1"}, {"1e-4950", "0", "0"},
		{"1.9e-4951", "0", "0"}, {"0x1.1p-16446", "1", "1"}, {"5", "-5", "0"}, {"-1.5", "1", "-0.5"},
		{"9223372036854775807", "1", "9223372036854775808"}, {"2305843009213693952", "-1", "2305843009213693951"},
	} {
		got, err := IncrFloat([]byte("+"), []byte(c.old), []byte(c.by))
		if err != nil || string(got) != "+"+c.want {
			t.Errorf("%s + %s = %q, %v; want %q", c.old, c.by, got, err, c.want)
		}
	}
	big, err := IncrFloat(nil, []byte("1e4932"), []byte("0"))
	if err != nil || len(big) != 4933 || !strings.HasPrefix(string(big), "10000000000000000000060189493879638913238377") {
		t.Errorf("1e4932 + 0 = %.60s (%d digits), %v", big, len(big), err)
	}
	for _, c := range []struct {
		old, by string
		want    error
	}{
		{"x", "1", ErrStoredFloat}, {"", "1", ErrStoredFloat}, {"nan", "1", ErrStoredFloat}, {"1 ", "1", ErrStoredFloat},
		{"1e5000", "1", ErrStoredFloat}, {"1e-5000", "1", ErrStoredFloat}, {"1.2e4932", "1", ErrStoredFloat},
		{"1.8e-4951", "1", ErrStoredFloat}, {"0x1p16384", "1", ErrStoredFloat}, {"0x1p-16446", "1", ErrStoredFloat},
		{"0." + strings.Repeat("0", 5200), "1", ErrStoredFloat}, {"1e999999999999", "1", ErrStoredFloat},
		{"1", "x", ErrIncrementFloat}, {"1", "1e-999999999999", ErrIncrementFloat},
		{"inf", "1", ErrNaNOrInfinity}, {"1", "-inf", ErrNaNOrInfinity}, {"inf", "-inf", ErrNaNOrInfinity},
		{"1e4932", "1e4932", ErrNaNOrInfinity},
	} {
		got, err := IncrFloat([]byte("+"), []byte(c.old), []byte(c.by))
		if !errors.Is(err, c.want) || string(got) != "+" {
			t.Errorf("%.20s + %.20s = %q, %v; want %v", c.old, c.by, got, err, c.want)
		}
	}
	for text, want := range map[string][2]bool{"1": {true, true}, "-inf": {true, false}, "nan": {}, "": {}, "1e-5": {true, true}} {
		if valid, finite := IsIncrement([]byte(text)); [2]bool{valid, finite} != want {
			t.Errorf("IsIncrement(%q) = %v, %v", text, valid, finite)
		}
	}
}

func TestParseMemory(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "1b": 1, "1k": 1000, "1kb": 1024, "1KB": 1024, "1m": 1e6, "100mb": 100 << 20, "1MB": 1 << 20,
		"1g": 1e9, "1Gb": 1 << 30, "0gb": 0, "9223372036854775807": math.MaxInt64, "8589934591gb": 8589934591 << 30,
		"007": 7,
	} {
		if got, err := ParseMemory(text); err != nil || got != want {
			t.Errorf("ParseMemory(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "mb", "-1", "+1", "1t", "1 mb", " 1", "0x10", "1.5gb", "1bb", "1mbb", "9223372036854775808",
		"18446744073709551616", "99999999999999999999999999", "8589934592gb", "9223372036854775807k",
	} {
		if got, err := ParseMemory(text); err == nil {
			t.Errorf("ParseMemory(%q) = %d, want an error", text, got)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	buf := make([]byte, 0, 64)
	number, float := []byte("-1234567890"), []byte("3.25")
	if n := testing.AllocsPerRun(100, func() {
		v, _ := ParseInt(number)
		f, _ := ParseFloat(float)
		buf = AppendDouble(AppendInt(buf[:0], v), f)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParseInt(b *testing.B) {
	text := []byte("1234567890")
	for b.Loop() {
		ParseInt(text)
	}
}

func BenchmarkAppendInt(b *testing.B) {
	buf := make([]byte, 0, 64)
	for _, n := range []int64{7, 512, 123456789} {
		b.Run(strconv.FormatInt(n, 10), func(b *testing.B) {
			for b.Loop() {
				buf = AppendInt(buf[:0], n)
			}
		})
	}
}

func BenchmarkIncrFloat(b *testing.B) {
	buf := make([]byte, 0, 64)
	x, y := []byte("10.5"), []byte("0.1")
	for b.Loop() {
		buf, _ = IncrFloat(buf[:0], x, y)
	}
}
