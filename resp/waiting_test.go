package resp

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func blocked(h *house, n int) func() bool {
	return func() bool { return h.Stats().Blocked == n }
}

func TestMultiOverAConnection(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		p.want("MULTI", "+OK", "SET k 1", "+QUEUED", "CLIENT SETNAME me", "+QUEUED", "CLIENT GETNAME", "+QUEUED", "ECHO x", "+QUEUED",
			"EXEC", `[+OK, +OK, "me", "x"]`)
		p.want("MULTI", "+OK", "NOSUCH", `-"ERR unknown command 'NOSUCH', with args beginning with: "`,
			"EXEC", `-"EXECABORT Transaction discarded because of previous errors."`)
		p.want("MULTI", "+OK", "SET k 2", "+QUEUED", "RESET", "+RESET", "EXEC", `-"ERR EXEC without MULTI"`, "GET k", `"1"`)
		p.want("WATCH k", "+OK")
		h.dial().want("SET k 3", "+OK")
		p.want("MULTI", "+OK", "GET k", "+QUEUED", "EXEC", "*nil")
	})
}

func TestWaitingOverAConnection(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		waiting, other := h.dial(), h.dial()
		waiting.say("BLPOP q 0", "PING")
		eventually(t, "a client waits", blocked(h, 1))
		other.want("RPUSH q a b", ":2")
		waiting.wantHear(`["q", "a"]`, "+PONG")
		other.want("DEL q", ":1")

		id := waiting.id()
		waiting.say("BLPOP q 0")
		eventually(t, "a client waits", blocked(h, 1))
		other.want("CLIENT UNBLOCK "+id+" ERROR", ":1")
		waiting.wantHear(`-"UNBLOCKED client unblocked via CLIENT UNBLOCK"`)
		other.want("CLIENT UNBLOCK "+id, ":0")

		// A client that has gone takes nothing.
		waiting.say("BLPOP q 0")
		eventually(t, "a client waits", blocked(h, 1))
		require.NoError(t, waiting.Close())
		eventually(t, "nobody waits", blocked(h, 0))
		other.want("RPUSH q x", ":1", "LLEN q", ":1")
	})
}

func TestScriptOverAConnection(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		busy, other := h.dial(), h.dial()
		other.want("SET n 1", "+OK")
		busy.raw("*3\r\n$4\r\nEVAL\r\n$66\r\nredis.call('SET', 'n', 2) while true do redis.call('INCR','m') end\r\n$1\r\n0\r\n")
		killed := func() bool { return other.do("SCRIPT KILL") == "+OK" }
		eventually(t, "a script runs", killed)
		require.Contains(t, busy.hear(), "Script killed by user")
		other.want("GET n", `"1"`, "EXISTS m", ":0")
	})
}

// A server that is shut down does not wait for clients whose commands wait.
func TestShutdownEndsWaits(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		p.say("BLPOP never 0")
		eventually(t, "a client waits", blocked(h, 1))
		go func() { _, _ = io.Copy(io.Discard, p.Conn) }() // a pipe's writer waits for its reader
		require.NoError(t, h.Shutdown(context.Background()))
	})
}
