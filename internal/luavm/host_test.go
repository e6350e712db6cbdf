package luavm

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/reply"
)

// nopHost answers every command with OK.
type nopHost struct {
	calls int
	log   []string
	repl  int
}

func (h *nopHost) Call(_ [][]byte, w reply.Writer) {
	h.calls++
	w.Status("OK")
}

func (h *nopHost) Allowed(args [][]byte) (allowed, known bool) {
	return string(args[0]) == "get", string(args[0]) != "nosuchcommand"
}

func (h *nopHost) Log(_ LogLevel, line string) { h.log = append(h.log, line) }

func (h *nopHost) SetReplication(flags int) { h.repl = flags }

// fakeHost answers a few commands as the server does.
type fakeHost struct{ nopHost }

func (*fakeHost) Call(args [][]byte, w reply.Writer) {
	switch strings.ToLower(string(args[0])) {
	case "ping":
		w.Status("PONG")
	case "echo":
		w.Bulk(args[1])
	case "eval":
		w.Error("ERR This Redis command is not allowed from script")
	default:
		w.Error("ERR Unknown Redis command called from script")
	}
}

// hostFunc is a host that is only a function.
type hostFunc func(args [][]byte, w reply.Writer)

func (f hostFunc) Call(args [][]byte, w reply.Writer)   { f(args, w) }
func (hostFunc) Allowed([][]byte) (allowed, known bool) { return true, true }
func (hostFunc) Log(LogLevel, string)                   {}
func (hostFunc) SetReplication(int)                     {}

// run runs a text and gives the reply's bytes.
func run(t testing.TB, p *Pool, text string, c Call, proto int) (string, Outcome) {
	t.Helper()
	if c.Host == nil {
		c.Host = &nopHost{}
	}
	s, err := p.Load([]byte(text), false)
	require.NoError(t, err)
	var w reply.RESP
	w.SetProto(proto)
	o := p.Run(s, c, &w)
	if o.Err != nil {
		require.Empty(t, w.Buf, "a stopped run wrote a reply")
	}
	return string(w.Buf), o
}

// eval runs a text that ends by itself.
func eval(t testing.TB, p *Pool, text string) string {
	t.Helper()
	r, o := run(t, p, text, Call{}, 2)
	require.NoError(t, o.Err, text)
	return r
}
