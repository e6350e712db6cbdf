package resp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/config"
	"github.com/darterdb/darter/internal/redistest"
)

// patience bounds every wait; it only turns a hang into a failure.
const patience = time.Minute

// transports are the ways to reach a server: each makes a listener and what dials it.
var transports = []struct {
	name  string
	loops int
	open  func(t *testing.T) (net.Listener, func() (net.Conn, error))
}{
	{"tcp", 0, listenTCP},
	{"tcp in goroutines", -1, listenTCP},
	{"unix", 0, listenUnix},
	{"unix in goroutines", -1, listenUnix},
	{"pipe", 0, listenPipe},
	{"tls", 0, listenTLS},
}

func listenTCP(t *testing.T) (net.Listener, func() (net.Conn, error)) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln, func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }
}

func listenUnix(t *testing.T) (net.Listener, func() (net.Conn, error)) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return ln, func() (net.Conn, error) { return net.Dial("unix", path) }
}

func listenTLS(t *testing.T) (net.Listener, func() (net.Conn, error)) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	card := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"darter"}}
	der, err := x509.CreateCertificate(rand.Reader, &card, &card, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := tls.NewListener(plain, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	return ln, func() (net.Conn, error) {
		return tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "darter"})
	}
}

// pipeListener is a listener in memory. Its connections have no buffer: a write waits for its reader.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	fails chan error // given out by Accept before connections
	peer  net.Addr   // whom connections claim to come from; nil: as net.Pipe has it
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{}), fails: make(chan error, 10)}
}

func listenPipe(*testing.T) (net.Listener, func() (net.Conn, error)) {
	l := newPipeListener()
	return l, l.dial
}

func (l *pipeListener) dial() (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case l.conns <- a:
		return b, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case err := <-l.fails:
		return nil, err
	default:
	}
	select {
	case c := <-l.conns:
		if l.peer != nil {
			c = farConn{c, l.peer}
		}
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// farConn claims to come from elsewhere.
type farConn struct {
	net.Conn
	peer net.Addr
}

func (c farConn) RemoteAddr() net.Addr { return c.peer }

// house is a server under test.
type house struct {
	*Server
	t    *testing.T
	call func() (net.Conn, error)
}

// onEach runs a test over every transport.
func onEach(t *testing.T, o Options, fn func(t *testing.T, h *house)) {
	for _, tr := range transports {
		t.Run(tr.name, func(t *testing.T) {
			ln, dial := tr.open(t)
			o := o
			if tr.loops != 0 {
				o.Loops = tr.loops
			}
			fn(t, serveOn(t, ln, dial, o))
		})
	}
}

// serveTCP starts a server whose clients share one loop.
func serveTCP(t *testing.T, o Options) *house {
	ln, dial := listenTCP(t)
	if o.Loops == 0 {
		o.Loops = 1
	}
	return serveOn(t, ln, dial, o)
}

// serveOn starts a server and ends it with the test. Then no goroutine of it may be left.
func serveOn(t *testing.T, ln net.Listener, dial func() (net.Conn, error), o Options) *house {
	t.Helper()
	cfg, err := config.New(config.Standard())
	if err == nil {
		_, err = cfg.Load([]string{"--enable-debug-command", "yes"}, strings.NewReader(""))
	}
	if err != nil {
		t.Fatal(err)
	}
	cache, err := darter.New(darter.Options{Shards: 16, Config: cfg})
	if err != nil {
		t.Fatal(err)
	}
	s := New(cache, o)
	served := make(chan error, 1)
	go func() { served <- s.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Shutdown(ctx) // a test may leave clients that do not read
		select {
		case err := <-served:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(patience):
			t.Error("Serve did not return after Shutdown")
		}
		if err := cache.Close(); err != nil {
			t.Errorf("closing the cache: %v", err)
		}
		noGoroutines(t)
	})
	return &house{Server: s, t: t, call: dial}
}

// noGoroutines fails if goroutines of a server stay.
func noGoroutines(t *testing.T) {
	t.Helper()
	buf := make([]byte, 1<<20)
	eventually(t, "the server's goroutines to end", func() bool {
		stacks := string(buf[:runtime.Stack(buf, true)])
		for _, of := range []string{"resp.(*loop)", "resp.(*stream)", "resp.(*Server)"} {
			if strings.Contains(stacks, of) {
				return false
			}
		}
		return true
	})
}

// eventually waits for something that is to become true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// peer is a client's end of a connection.
type peer struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (h *house) dial() *peer {
	h.t.Helper()
	conn, err := h.call()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &peer{t: h.t, Conn: conn, r: bufio.NewReader(conn)}
}

// dialFails tells whether nobody is let in any more.
func (h *house) dialFails() bool {
	conn, err := h.call()
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}

// bytesOf is the wire form of commands given as words.
func bytesOf(commands ...string) []byte {
	var b []byte
	for _, c := range commands {
		b = redistest.AppendCommand(b, strings.Fields(c)...)
	}
	return b
}

// say sends commands given as words.
func (p *peer) say(commands ...string) {
	p.t.Helper()
	p.raw(string(bytesOf(commands...)))
}

func (p *peer) raw(text string) {
	p.t.Helper()
	if _, err := p.Write([]byte(text)); err != nil {
		p.t.Fatalf("sending %.60q: %v", text, err)
	}
}

// hear returns the next reply, in the notation of redistest; "closed" at the end of the connection.
func (p *peer) hear() string {
	p.t.Helper()
	r, err := redistest.ReadReply(p.r)
	var timeout net.Error
	switch {
	case err == nil:
		return r.Text()
	case errors.As(err, &timeout) && timeout.Timeout():
		p.t.Fatal("no reply")
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, &timeout):
		p.t.Fatalf("no reply can be read: %v", err)
	}
	return "closed"
}

func (p *peer) do(command string) string {
	p.t.Helper()
	p.say(command)
	return p.hear()
}

// want sends commands and compares the replies.
func (p *peer) want(pairs ...string) {
	p.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := p.do(pairs[i]); got != pairs[i+1] {
			p.t.Errorf("%s: %.300s, want %.300s", pairs[i], got, pairs[i+1])
		}
	}
}

func (p *peer) wantHear(replies ...string) {
	p.t.Helper()
	for _, want := range replies {
		if got := p.hear(); got != want {
			p.t.Errorf("heard %.300s, want %.300s", got, want)
		}
	}
}

// wantClosed reads on until the connection ends, and returns what came before.
func (p *peer) wantClosed() string {
	p.t.Helper()
	b, err := io.ReadAll(p.r)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		p.t.Fatal("the connection was not closed")
	}
	return string(b)
}

// id is the client's id.
func (p *peer) id() string {
	p.t.Helper()
	return strings.TrimPrefix(p.do("CLIENT ID"), ":")
}

// bulk is a SET of a large value.
func bulk(key string, size int) string {
	return fmt.Sprintf("*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(key), key, size, bytes.Repeat([]byte{'v'}, size))
}
