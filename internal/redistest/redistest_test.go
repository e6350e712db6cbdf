package redistest

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(wire string) (Reply, error) {
	return ReadReply(bufio.NewReader(strings.NewReader(wire)))
}

func TestReadReplyText(t *testing.T) {
	for wire, text := range map[string]string{
		"+OK\r\n":                              `+OK`,
		"+two words\r\n":                       `+"two words"`,
		"+\r\n":                                `+""`,
		"-ERR no\r\n":                          `-"ERR no"`,
		":-9223372036854775808\r\n":            `:-9223372036854775808`,
		"$3\r\na\x00\n\r\n":                    `"a\x00\n"`,
		"$0\r\n\r\n":                           `""`,
		"$-1\r\n":                              `$nil`,
		"*-1\r\n":                              `*nil`,
		"*0\r\n":                               `[]`,
		"_\r\n":                                `_`,
		"#t\r\n":                               `#t`,
		"#f\r\n":                               `#f`,
		",1.50\r\n":                            `,1.50`,
		",-inf\r\n":                            `,-inf`,
		"(-123456789012345678901234567890\r\n": `(-123456789012345678901234567890`,
		"=5\r\ntxt:a\r\n":                      `="txt:a"`,
		"!5\r\nERR x\r\n":                      `!"ERR x"`,
		"*2\r\n:1\r\n*1\r\n$-1\r\n":            `[:1, [$nil]]`,
		"%2\r\n+b\r\n:1\r\n$1\r\na\r\n_\r\n":   `%{+b: :1, "a": _}`,
		"~2\r\n:2\r\n:1\r\n":                   `~[:2, :1]`,
		">1\r\n+x\r\n":                         `>[+x]`,
		"|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n":      `|{+ttl: :3}"v"`,
		"$4\r\n\"\\\xff\x7f\r\n":               `"\"\\\xff\x7f"`,
		"*3\r\n$1\r\na\r\n+a\r\n-a\r\n":        `["a", +a, -"a"]`,
		"%1\r\n*1\r\n:1\r\n~1\r\n%0\r\n":       `%{[:1]: ~[%{}]}`,
		"$2\r\n\r\n\r\n":                       `"\r\n"`,
		"*1\r\n$5\r\n\a\b\t\x01\x02\r\nremainder": `["\a\b\t\x01\x02"]`,
	} {
		r, err := read(wire)
		require.NoError(t, err, "%q", wire)
		require.Equal(t, text, r.Text(), "%q", wire)
	}
}

func TestReadReplyRefuses(t *testing.T) {
	for _, wire := range []string{
		"\r\n", "x\r\n", "+OK\n", ":\r\n", ":01\r\n", ":+1\r\n", ":9223372036854775808\r\n", "_x\r\n", "#y\r\n", ",abc\r\n",
		"(\r\n", "(-\r\n", "(1.5\r\n", "$-2\r\n", "$2\r\nabc\r\n", "$99999999999\r\n", "*-2\r\n", "%-1\r\n", "~-1\r\n", "=-1\r\n",
		"=2\r\nab\r\n", "=5\r\ntxtab\r\n", "*99999999999\r\n", strings.Repeat("*1\r\n", maxDepth+2),
	} {
		_, err := read(wire)
		require.ErrorIs(t, err, ErrProtocol, "%q", wire)
	}
	_, err := read("")
	require.Equal(t, io.EOF, err)
	for _, wire := range []string{"+OK", "$3\r\nab", "$3\r\n", "*2\r\n:1\r\n", "|1\r\n+a\r\n:1\r\n"} {
		_, err := read(wire)
		require.Equal(t, io.ErrUnexpectedEOF, err, "%q", wire)
	}
}

func TestReplyOrders(t *testing.T) {
	r, err := read("*2\r\n%2\r\n+b\r\n~2\r\n:2\r\n:1\r\n+a\r\n:0\r\n:7\r\n")
	require.NoError(t, err)
	before := r.Text()
	require.Equal(t, `[%{+a: :0, +b: ~[:1, :2]}, :7]`, r.Canonical().Text())
	require.Equal(t, `[%{+a: :0, +b: ~[:1, :2]}, :7]`, r.Sorted().Text())
	require.Equal(t, before, r.Text(), "the original keeps its order")

	flat, err := read("*4\r\n+b\r\n:1\r\n+a\r\n:2\r\n")
	require.NoError(t, err)
	require.Equal(t, `[+a, +b, :1, :2]`, flat.Sorted().Text())
	require.Equal(t, `%{+a: :2, +b: :1}`, flat.AsMap().Canonical().Text())
	require.Equal(t, `[+b, :1, +a, :2]`, flat.Canonical().Text())
}

func FuzzReadReply(f *testing.F) {
	f.Add("*2\r\n$1\r\na\r\n%1\r\n+k\r\n_\r\n")
	f.Add("|1\r\n+a\r\n,1\r\n=5\r\ntxt:a\r\n")
	f.Add("*-1\r\n")
	f.Fuzz(func(t *testing.T, wire string) {
		r, err := read(wire)
		if err != nil {
			if err != io.EOF && err != io.ErrUnexpectedEOF && !errors.Is(err, ErrProtocol) {
				t.Fatalf("unclassified error %v", err)
			}
			return
		}
		if a, b := r.Canonical().Text(), r.Canonical().Canonical().Text(); a != b {
			t.Fatalf("the canonical order is not stable: %s, then %s", a, b)
		}
	})
}

func TestServerAndConn(t *testing.T) {
	s := Start(t)
	c := s.Dial(t)
	require.Equal(t, `+PONG`, c.Do("PING").Text())
	require.Equal(t, `$nil`, c.Do("GET", "k").Text())
	require.Equal(t, Map, c.Hello3().Kind)
	require.Equal(t, `_`, c.Do("GET", "k").Text())

	c.Send("SET", "k", "\x00\r\n")
	c.Send("GET", "k")
	require.Equal(t, `+OK`, c.Receive().Text())
	require.Equal(t, `"\x00\r\n"`, c.Receive().Text())

	u := Dial(t, "unix", s.Socket)
	require.Equal(t, `:1`, u.Do("EXISTS", "k").Text())
	u.SendRaw([]byte("PING\r\n*-9\r\n*x\r\n"))
	replies, err := u.ReceiveUntilClosed()
	require.NoError(t, err)
	require.Equal(t, "+PONG", replies[0].Text())
	require.True(t, replies[len(replies)-1].IsError())
	_, err = u.TryDo("PING")
	require.Error(t, err)

	s.Stop()
	_, err = c.TryDo("PING")
	require.Error(t, err)
}

// TestStartWithoutBinary runs Start with an empty PATH in a process of its own, where it may fail or skip.
func TestStartWithoutBinary(t *testing.T) {
	if os.Getenv("REDISTEST_CHILD") == "1" {
		Start(t)
		return
	}
	run := func(need string) (string, error) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestStartWithoutBinary$", "-test.v")
		cmd.Env = append(os.Environ(), "REDISTEST_CHILD=1", "PATH=", NeedEnv+"="+need)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("")
	require.NoError(t, err, out)
	require.Contains(t, out, "SKIP")
	out, err = run("1")
	require.Error(t, err)
	require.Contains(t, out, "no redis-server in PATH")
}
