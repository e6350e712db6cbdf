package resp

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/command"
)

// conversations are bytes sent, and bytes that must come back, on any transport.
var conversations = []struct{ name, send, want string }{
	{"ping", "*1\r\n$4\r\nPING\r\n", "+PONG\r\n"},
	{"inline", "PING\r\nECHO 'a b'\r\n", "+PONG\r\n$3\r\na b\r\n"},
	{"empty lines and arrays", "\r\n*0\r\n*-1\r\nPING\r\n", "+PONG\r\n"},
	{"data", "SET k v\r\nGET k\r\nGET none\r\nINCR k\r\n",
		"+OK\r\n$1\r\nv\r\n$-1\r\n-ERR value is not an integer or out of range\r\n"},
	{"unknown", "NOSUCH a b\r\nGET\r\nCLIENT NOSUCH\r\n",
		"-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \r\n" +
			"-ERR wrong number of arguments for 'get' command\r\n" +
			"-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.\r\n"},
	{"databases", "SET k 0\r\nSELECT 1\r\nGET k\r\nSELECT 0\r\nGET k\r\nSELECT 99\r\n",
		"+OK\r\n+OK\r\n$-1\r\n+OK\r\n$1\r\n0\r\n-ERR DB index is out of range\r\n"},
	{"names", "CLIENT GETNAME\r\nCLIENT SETNAME me\r\nCLIENT GETNAME\r\nCLIENT SETNAME 'a b'\r\nCLIENT SETNAME ''\r\nCLIENT GETNAME\r\n",
		"$-1\r\n+OK\r\n$2\r\nme\r\n-" + badName + "\r\n+OK\r\n$-1\r\n"},
	{"protocol versions", "HELLO 4\r\nHELLO x\r\nHELLO 3 junk\r\nHELLO 2 SETNAME 'a b'\r\nHELLO 3 AUTH nobody x\r\n",
		"-NOPROTO unsupported protocol version\r\n-ERR Protocol version is not an integer or out of range\r\n" +
			"-ERR Syntax error in HELLO option 'junk'\r\n-" + badName + "\r\n-" + wrongPass + "\r\n"},
	{"a failed hello changes nothing", "HELLO 3 SETNAME x junk\r\nGET none\r\nCLIENT GETNAME\r\n",
		"-ERR Syntax error in HELLO option 'junk'\r\n$-1\r\n$-1\r\n"},
	{"no password", "AUTH x\r\nAUTH default x\r\nAUTH nobody x\r\nAUTH a b c\r\n",
		"-" + noPass + "\r\n+OK\r\n-" + wrongPass + "\r\n-ERR syntax error\r\n"},
	{"quit", "PING\r\nQUIT\r\nPING\r\n", "+PONG\r\n+OK\r\n"},
	{"reset", "SELECT 3\r\nCLIENT SETNAME x\r\nCLIENT REPLY OFF\r\nPING\r\nRESET\r\nCLIENT GETNAME\r\n",
		"+OK\r\n+OK\r\n+RESET\r\n$-1\r\n"},
	{"reply skip", "CLIENT REPLY SKIP\r\nPING\r\nECHO a\r\nCLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nECHO b\r\nECHO c\r\n",
		"$1\r\na\r\n$1\r\nc\r\n"},
	{"reply off", "CLIENT REPLY OFF\r\nPING\r\nNOSUCH\r\nKEYS *\r\nCLIENT REPLY ON\r\nPING\r\n", "+OK\r\n+PONG\r\n"},
	{"reply skips a slow command", "CLIENT REPLY SKIP\r\nKEYS *\r\nPING\r\n", "+PONG\r\n"},
	{"slow among quick", "SET k v\r\nKEYS *\r\nDEL k\r\nKEYS *\r\nPING\r\n", "+OK\r\n*1\r\n$1\r\nk\r\n:1\r\n*0\r\n+PONG\r\n"},
	{"kill itself", "CLIENT KILL TYPE normal SKIPME no\r\nPING\r\n", ":1\r\n"},
	{"http", "POST / HTTP/1.1\r\nHost: x\r\n", ""},
	{"bad length", "*1\r\n$-5\r\nPING\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
	{"huge length", "PING\r\n*1\r\n$9223372036854775808\r\n", "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"},
	{"huge array", "*9223372036854775807\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
	{"no bulk", "*1\r\n:1\r\n", "-ERR Protocol error: expected '$', got ':'\r\n"},
	{"quotes", "PING 'x\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
	{"endless line", strings.Repeat("x", 70_000), "-ERR Protocol error: too big inline request\r\n"},
}

// serverCloses are the conversations that the server ends itself.
var serverCloses = map[string]bool{"quit": true, "kill itself": true, "http": true, "bad length": true, "huge length": true,
	"huge array": true, "no bulk": true, "quotes": true, "endless line": true}

func TestConversations(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		admin := h.dial()
		for _, c := range conversations {
			t.Run(c.name, func(t *testing.T) {
				if c.name == "kill itself" && admin != nil {
					_ = admin.Close() // it would be killed too
					admin = nil
					eventually(t, "the other client to be gone", func() bool { return h.clients.len() == 0 })
				}
				p := h.dial()
				// Some of it may never be read: the server has closed.
				go func() { _, _ = p.Write([]byte(c.send)) }()
				got := make([]byte, len(c.want))
				if n, err := io.ReadFull(p.r, got); err != nil || string(got) != c.want {
					t.Fatalf("got %q, %v, want %q", got[:n], err, c.want)
				}
				if serverCloses[c.name] {
					if more := p.wantClosed(); more != "" {
						t.Errorf("and then %q", more)
					}
				} else {
					p.t = t
					p.want("ECHO end", `"end"`)
				}
				_ = p.Close()
			})
		}
		p := h.dial()
		p.want("FLUSHALL", "+OK")
	})
}

func TestRESP3(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		got := p.do("HELLO 3 SETNAME three")
		want := `%{"server": "redis", "version": "` + redisVersion + `", "proto": :3, "id": :1, "mode": "standalone", ` +
			`"role": "master", "modules": []}`
		if got != want {
			t.Errorf("HELLO 3: %s\nwant %s", got, want)
		}
		p.want("GET none", "_", "CLIENT GETNAME", `"three"`, "KEYS nothing", "[]")
		if info := p.do("CLIENT INFO"); !strings.HasPrefix(info, `="txt:id=1 `) || !strings.Contains(info, " resp=3 ") {
			t.Errorf("CLIENT INFO: %s", info)
		}
		p.want("RESET", "+RESET", "GET none", "$nil")
	})
}

func TestPassword(t *testing.T) {
	onEach(t, Options{Password: "secret"}, func(t *testing.T, h *house) {
		const locked = `-"NOAUTH Authentication required."`
		p := h.dial()
		p.want("GET k", locked, "PING", locked, "CLIENT ID", locked, "KEYS *", locked,
			"NOSUCH", `-"ERR unknown command 'NOSUCH', with args beginning with: "`,
			"HELLO", "-"+quoted(noAuthHello), "HELLO 3", "-"+quoted(noAuthHello),
			"AUTH wrong", "-"+quoted(wrongPass), "AUTH nobody secret", "-"+quoted(wrongPass),
			"RESET", "+RESET", "PING", locked,
			"AUTH secret", "+OK", "PING", "+PONG",
			"AUTH wrong", "-"+quoted(wrongPass), "PING", "+PONG",
			"RESET", "+RESET", "PING", locked,
			"AUTH default secret", "+OK", "PING", "+PONG")
		q := h.dial()
		if got := q.do("HELLO 3 AUTH default secret SETNAME q"); !strings.HasPrefix(got, "%{") {
			t.Errorf("HELLO with AUTH: %s", got)
		}
		q.want("CLIENT GETNAME", `"q"`)

		for _, c := range []struct{ send, want string }{
			{"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"},
			{"*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"},
		} {
			p := h.dial()
			p.raw(c.send)
			if got := p.wantClosed(); got != c.want {
				t.Errorf("%q: %q, want %q", c.send, got, c.want)
			}
		}
		h.SetPassword("")
		h.dial().want("PING", "+PONG")
		h.SetPassword("other")
		p.want("PING", "+PONG") // it was let in before
		h.dial().want("PING", locked, "AUTH secret", "-"+quoted(wrongPass), "AUTH other", "+OK")
	})
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// requests makes a stream of commands with values of the given sizes, and the replies it must have.
func requests(n int, sizes ...int) (stream, want []byte) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		value := strings.Repeat(string(rune('a'+i%26)), sizes[rnd.IntN(len(sizes))])
		stream = fmt.Appendf(stream, "*3\r\n$3\r\nSET\r\n$4\r\nk%03d\r\n$%d\r\n%s\r\n", i, len(value), value)
		stream = fmt.Appendf(stream, "get 'k%03d'\r\n", i)
		want = fmt.Appendf(want, "+OK\r\n$%d\r\n%s\r\n", len(value), value)
		if i%20 == 0 {
			stream = append(stream, bytesOf("KEYS nothing")...)
			want = append(want, "*0\r\n"...)
		}
	}
	return stream, want
}

// A stream of requests means the same in whatever pieces it arrives.
func TestPieces(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		for _, c := range []struct {
			piece, n int
			sizes    []int
		}{
			{7, 100, []int{0, 1, 50}},
			{2000, 300, []int{0, 100, 3000, 70_000}},
			{100_000, 500, []int{0, 100, 3000, 70_000}},
		} {
			stream, want := requests(c.n, c.sizes...)
			p := h.dial()
			sent := make(chan error, 1)
			go func() {
				rnd := rand.New(rand.NewPCG(3, uint64(c.piece)))
				for len(stream) > 0 {
					n := min(1+rnd.IntN(c.piece), len(stream))
					if _, err := p.Write(stream[:n]); err != nil {
						sent <- err
						return
					}
					stream = stream[n:]
				}
				sent <- nil
			}()
			got := make([]byte, len(want))
			if _, err := io.ReadFull(p.r, got); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("pieces of up to %d: %v, or wrong replies", c.piece, err)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			p.want("PING", "+PONG")
			_ = p.Close()
		}
	})
}

// A client may send everything before it reads anything, with replies far beyond what sockets hold.
func TestSendFirstReadLater(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		const rounds, size = 200, 100_000
		p := h.dial()
		p.raw(bulk("k", size))
		p.wantHear("+OK")
		p.raw(strings.Repeat("GET k\r\n", rounds))
		eventually(t, "all commands to be run", func() bool { return h.Stats().Commands == rounds+1 })
		other := h.dial()
		other.want("PING", "+PONG")
		if st := h.Stats(); st.MaxOutput < rounds*size/2 {
			t.Errorf("MaxOutput is %d while %d bytes wait", st.MaxOutput, rounds*size)
		}
		n, err := io.CopyN(io.Discard, p.r, rounds*int64(len(fmt.Sprintf("$%d\r\n\r\n", size))+size))
		if err != nil {
			t.Fatalf("%v after %d bytes", err, n)
		}
		p.want("PING", "+PONG")
		eventually(t, "the backlog to be gone", func() bool { return h.Stats().MaxOutput == 0 })
	})
}

func TestLargeValues(t *testing.T) {
	onEach(t, Options{MaxBulk: 8 << 20}, func(t *testing.T, h *house) {
		p := h.dial()
		for _, size := range []int{65_536, 1 << 20, 5_000_001} {
			sent := make(chan struct{})
			go func() { defer close(sent); p.raw(bulk("k", size) + "PING\r\n") }()
			p.wantHear("+OK", "+PONG")
			<-sent
			p.want("STRLEN k", fmt.Sprintf(":%d", size))
		}
		go func() { _, _ = p.Write([]byte("*2\r\n$3\r\nGET\r\n$8388609\r\n")) }()
		p.wantHear(`-"ERR Protocol error: invalid bulk length"`, "closed")
		h.SetMaxBulk(16 << 20)
		p = h.dial()
		p.raw("*2\r\n$3\r\nGET\r\n$8388609\r\n")
		eventually(t, "the header to be read", func() bool { return h.Stats().MaxInput > 0 })
	})
}

func TestQueryLimit(t *testing.T) {
	onEach(t, Options{QueryLimit: 1 << 20}, func(t *testing.T, h *house) {
		p := h.dial()
		go func() { _, _ = p.Write([]byte(bulk("k", 3<<20))) }()
		p.wantHear("closed")
		h.dial().want("EXISTS k", ":0")
	})
}

// Whoever closes his side of the connection after his requests still gets the replies.
func TestHalfClosed(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		half, ok := p.Conn.(interface{ CloseWrite() error })
		if !ok {
			return // pipes have no halves
		}
		p.raw(bulk("k", 1<<20))
		p.wantHear("+OK")
		p.raw(strings.Repeat("GET k\r\n", 20) + "KEYS nothing\r\nPING\r\n*1\r\n$4\r\nPI")
		if err := half.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got := p.wantClosed()
		if want := 20*(len("$1048576\r\n\r\n")+1<<20) + len("*0\r\n+PONG\r\n"); len(got) != want || !strings.HasSuffix(got, "*0\r\n+PONG\r\n") {
			t.Errorf("%d bytes, want %d, ending in %q", len(got), want, got[max(0, len(got)-30):])
		}
		eventually(t, "the client to be gone", func() bool { return h.Stats().Clients == 0 })
	})
}

// Whoever goes while his command waits gets no reply to that, and nothing behind it is done for him.
func TestHalfClosedWait(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		half, ok := p.Conn.(interface{ CloseWrite() error })
		if !ok {
			return
		}
		p.want("RPUSH q x", ":1")
		p.say("BLPOP q 0", "BLPOP q 0", "SET behind 1", "PING")
		if err := half.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, want := p.wantClosed(), "*2\r\n$1\r\nq\r\n$1\r\nx\r\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		h.dial().want("EXISTS behind", ":0")
	})
}

// The memory of a long command is not kept for the client's short ones.
func TestLongCommandsAreForgotten(t *testing.T) {
	if checkedBuild {
		return
	}
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		p.want("PING", "+PONG")
		before := memory()
		p.raw(bulk("k", 32<<20))
		p.wantHear("+OK")
		p.want("DEL k", ":1", "PING", "+PONG")
		eventually(t, "the memory to be free", func() bool { return int64(memory()-before) < 16<<20 })
	})
}

func TestMaxClients(t *testing.T) {
	onEach(t, Options{MaxClients: 2}, func(t *testing.T, h *house) {
		a, b := h.dial(), h.dial()
		a.want("PING", "+PONG")
		b.want("PING", "+PONG")
		if got := h.dial().wantClosed(); got != refusedFull {
			t.Errorf("the third client got %q", got)
		}
		_ = a.Close()
		eventually(t, "room for another", func() bool { return h.Stats().Clients == 1 })
		h.dial().want("PING", "+PONG")
		if st := h.Stats(); st.Accepted != 3 || st.Rejected != 1 {
			t.Errorf("%d accepted, %d rejected", st.Accepted, st.Rejected)
		}
	})
}

func TestProtectedMode(t *testing.T) {
	ln := newPipeListener()
	ln.peer = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5}
	h := serveOn(t, ln, ln.dial, Options{ProtectedMode: true})
	if got := h.dial().wantClosed(); !strings.HasPrefix(got, "-DENIED ") || !strings.HasSuffix(got, "\r\n") {
		t.Errorf("a client from elsewhere got %q", got)
	}
	h.SetPassword("x")
	h.dial().want("AUTH x", "+OK")
	h.SetPassword("")
	h.SetProtectedMode(false)
	h.dial().want("PING", "+PONG")
	h.SetProtectedMode(true)
}

func TestProtectedModeLetsNeighboursIn(t *testing.T) {
	onEach(t, Options{ProtectedMode: true}, func(t *testing.T, h *house) { h.dial().want("PING", "+PONG") })
}

func TestIdleTimeout(t *testing.T) {
	for _, loops := range []int{1, -1} {
		t.Run(fmt.Sprintf("%d loops", loops), func(t *testing.T) {
			h := serveTCP(t, Options{Timeout: time.Second, Loops: loops})
			idle, waiting := h.dial(), h.dial()
			idle.want("PING", "+PONG")
			waiting.want("CLIENT PAUSE 100000 WRITE", "+OK")
			waiting.say("SET k v") // who waits does not idle
			idle.wantHear("closed")
			h.SetTimeout(0)
			h.dial().want("CLIENT UNPAUSE", "+OK")
			waiting.wantHear("+OK")
		})
	}
}

// Errors of Accept that pass are waited out; one that does not ends Serve.
func TestAcceptErrors(t *testing.T) {
	cache, err := darter.New(darter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cache.Close() }()
	ln := newPipeListener()
	ln.fails <- &net.OpError{Op: "accept", Err: syscall.EMFILE}
	ln.fails <- &net.OpError{Op: "accept", Err: syscall.ECONNABORTED}
	served := make(chan error, 1)
	go func() { served <- Serve(context.Background(), ln, cache, Options{}) }()
	conn, err := ln.dial()
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t, conn, bufio.NewReader(conn)}
	p.want("PING", "+PONG")
	ln.fails <- io.ErrUnexpectedEOF
	if conn, err := ln.dial(); err == nil { // so that Accept is called again
		defer func() { _ = conn.Close() }()
	}
	if err := <-served; err != io.ErrUnexpectedEOF {
		t.Errorf("Serve returned %v", err)
	}
	p.wantHear("closed")
	noGoroutines(t)
}

// Serve ends when its context does, with everything it started.
func TestServeEndsWithContext(t *testing.T) {
	for _, tr := range transports {
		cache, err := darter.New(darter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ln, dial := tr.open(t)
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- Serve(ctx, ln, cache, Options{Loops: tr.loops}) }()
		h := &house{t: t, call: dial}
		p, idle := h.dial(), h.dial()
		p.want("SET k v", "+OK")
		cancel()
		if err := <-served; err != nil {
			t.Errorf("%s: Serve returned %v", tr.name, err)
		}
		p.wantHear("closed")
		idle.wantHear("closed")
		if _, err := dial(); err == nil {
			t.Errorf("%s: the listener still accepts", tr.name)
		}
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
		noGoroutines(t)
	}
}

// Every row that the engine leaves to others is bound here, once, and nothing else is.
func TestBoundRows(t *testing.T) {
	bound := map[string]bool{}
	for _, row := range command.Rows() {
		_, here := boundRows[row.FullName()]
		if here == darter.Binds(row) && len(row.Sub) == 0 {
			t.Errorf("%s: bound by resp: %v, by the engine: %v", row.FullName(), here, darter.Binds(row))
		}
		if here {
			bound[row.FullName()] = true
		}
	}
	for name := range boundRows {
		if !bound[name] {
			t.Errorf("%s has no row", name)
		}
	}
}

func TestInfo(t *testing.T) {
	h := serveTCP(t, Options{MaxClients: 77})
	p := h.dial()
	info := p.do("INFO")
	for _, want := range []string{"redis_version:" + redisVersion + `\r\n`, `connected_clients:1\r\n`, `maxclients:77\r\n`,
		`total_connections_received:1\r\n`, fmt.Sprintf(`tcp_port:%d\r\n`, p.RemoteAddr().(*net.TCPAddr).Port)} {
		if !strings.Contains(info, want) {
			t.Errorf("INFO lacks %s", want)
		}
	}
	p.want("CONFIG RESETSTAT", "+OK")
	if st := h.Stats(); st.Accepted != 0 || st.Clients != 1 {
		t.Errorf("after CONFIG RESETSTAT: %+v", st)
	}
}
