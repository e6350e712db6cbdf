package difftest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOutlineFits holds the words of outlines: one that lets everything pass would find nothing.
func TestOutlineFits(t *testing.T) {
	const two, three = 2, 3
	for _, k := range []struct {
		outline, reply string
		protocol       int
		fits           bool
	}{
		{"any", "*0\r\n", three, true},
		{"str", "+a\r\n", three, true},
		{"str", "$1\r\na\r\n", three, true},
		{"str", "=5\r\ntxt:a\r\n", three, true},
		{"str", "=5\r\ntxt:a\r\n", two, false},
		{"str", ":1\r\n", three, false},
		{"str", "$-1\r\n", two, false},
		{"int", ":-1\r\n", three, true},
		{"int", "$1\r\n1\r\n", three, false},
		{"int>=1", ":1\r\n", three, true},
		{"int>=1", ":0\r\n", three, false},
		{"num", ",1.5\r\n", three, true},
		{"num", "$3\r\n1.5\r\n", three, false},
		{"num", "$3\r\n1.5\r\n", two, true},
		{"num", "$1\r\nx\r\n", two, false},
		{"null", "_\r\n", three, true},
		{"null", "$-1\r\n", three, false},
		{"null", "$-1\r\n", two, true},
		{"null", "*-1\r\n", two, true},
		{"null", "*0\r\n", two, false},
		{"'OK'", "+OK\r\n", three, true},
		{"'OK'", "+NO\r\n", three, false},
		{"-1", ":-1\r\n", three, true},
		{"-1", ":1\r\n", three, false},
		{"/^[0-9]+-/", "$3\r\n1-2\r\n", three, true},
		{"/^[0-9]+-/", "$1\r\n1\r\n", three, false},
		{"[int]", "*0\r\n", three, true},
		{"[int]", "~1\r\n:1\r\n", three, true},
		{"[int]", "*1\r\n+1\r\n", three, false},
		{"[int]", "*-1\r\n", two, false},
		{"[int]+", "*0\r\n", three, false},
		{"[int]!", "~2\r\n:1\r\n:2\r\n", three, true},
		{"[int]!", "~2\r\n:1\r\n:1\r\n", three, false},
		{"[]", "*0\r\n", three, true},
		{"[]", "*1\r\n:1\r\n", three, false},
		{"(int, str)", "*2\r\n:1\r\n+1\r\n", three, true},
		{"(int, str)", "*1\r\n:1\r\n", three, false},
		{"(int, str)", "*3\r\n:1\r\n+1\r\n+1\r\n", three, false},
		{"(int, str...)", "*1\r\n:1\r\n", three, true},
		{"(int, str...)", "*3\r\n:1\r\n+1\r\n+1\r\n", three, true},
		{"(int, str...)", "*3\r\n:1\r\n+1\r\n:1\r\n", three, false},
		{"[(str, num)]", "*2\r\n+a\r\n$1\r\n1\r\n", two, true},
		{"[(str, num)]", "*3\r\n+a\r\n$1\r\n1\r\n+b\r\n", two, false},
		{"[(str, num)]", "*2\r\n+a\r\n,1\r\n", three, false},
		{"{a: int}", "%1\r\n+a\r\n:1\r\n", three, true},
		{"{a: int}", "%1\r\n+a\r\n+1\r\n", three, false},
		{"{a: int}", "%1\r\n+b\r\n:1\r\n", three, false},
		{"{a: int}", "*2\r\n+a\r\n:1\r\n", three, false},
		{"{a: int}", "*2\r\n+a\r\n:1\r\n", two, true},
		{"{a: int}", "*1\r\n*2\r\n+a\r\n:1\r\n", two, true},
		{"{a: int}", "*1\r\n+a\r\n", two, false},
		{"{*: int}", "%1\r\n+b\r\n:1\r\n", three, true},
		{"{*: int}", "%1\r\n+b\r\n+1\r\n", three, false},
		{"{/^b/: int}", "%1\r\n+b\r\n:1\r\n", three, true},
		{"{/^b/: int}", "%1\r\n+a\r\n:1\r\n", three, false},
		{"{}", "%0\r\n", three, true},
		{"{}", "%1\r\n+a\r\n:1\r\n", three, false},
		{"int|[@]", "*2\r\n:1\r\n*1\r\n:1\r\n", three, true},
		{"int|[@]", "*1\r\n*1\r\n+1\r\n", three, false},
	} {
		o, err := parseOutline(k.outline)
		require.NoError(t, err)
		if err := o.fits(decode(t, k.reply), k.protocol == three); (err == nil) != k.fits {
			t.Errorf("%s and %q: %v", k.outline, k.reply, err)
		}
	}
	for _, text := range []string{"", "int|", "[int", "(int", "(int,str)", "{a}", "{a: int", "'OK", "/[/", "/x", "surprise", "int str"} {
		_, err := parseOutline(text)
		require.Error(t, err, text)
	}
}
