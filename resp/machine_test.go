package resp

import (
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/pubsub"
	"github.com/darterdb/darter/internal/watchdog"
)

// paper is a transport without a socket: it keeps all replies, and pushes until the end of a batch.
type paper struct {
	killed bool
	late   []parcel
}

func (p *paper) flush(*client) {}
func (p *paper) ask(_ *client, what job) {
	p.killed = p.killed || what == jobKill
}
func (p *paper) post(_ *client, what parcel) { p.late = append(p.late, what) }
func (p *paper) outlet() pubsub.Outlet       { return nil }
func (p *paper) collect(c *client) {
	for _, what := range p.late {
		c.out.Buf = append(c.out.Buf, what.Wire(c.out.Proto())...)
	}
	p.late = nil
}

// onPaper makes a client that is fed by hand.
func onPaper(tb testing.TB) *client {
	cache, err := darter.New(darter.Options{Shards: 16})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = cache.Close() })
	s := New(cache, Options{})
	c := s.newClient(&net.UnixAddr{}, &net.UnixAddr{})
	c.transport, c.meter, c.watch = &paper{}, &s.meters[0], &watchdog.Stopwatch{}
	s.clients.add(c, 1)
	return c
}

// feed runs what a transport would, in place.
func (c *client) feed(in []byte) (left []byte) {
	for {
		used, why, next := c.run(in)
		in = in[used:]
		switch why {
		case needAway, needPause:
			c.elsewhere(next, &c.out, true)
		case needTurn:
		default:
			c.transport.collect(c)
			return in
		}
	}
}

// However a stream is cut, the machine makes the same of it.
func TestMachineCuts(t *testing.T) {
	stream, want := requests(60, 0, 10, 200)
	stream = append(stream, "CLIENT REPLY SKIP\r\nGET k000\r\nCLIENT REPLY OFF\r\nKEYS *\r\nNOSUCH\r\nCLIENT REPLY ON\r\nQUIT\r\nPING\r\n"...)
	want = append(want, "+OK\r\n+OK\r\n"...)
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		c := onPaper(t)
		var buf []byte
		for at := 0; at < len(stream) && !c.closing; {
			n := min(1+rnd.IntN(1+rnd.IntN(300)), len(stream)-at)
			moved := append(append(make([]byte, 0, len(buf)+n), buf...), stream[at:at+n]...)
			for i := range buf {
				buf[i] = '!' // nothing may be kept of what was consumed, nor of where it lay
			}
			buf = c.feed(moved)
			at += n
		}
		if got := string(c.out.Buf); got != string(want) {
			t.Fatalf("seed %d:\n got %.2000q\nwant %.2000q", seed, got, want)
		}
	}
}

// Bytes of any kind give replies, or an error and the end; never a panic.
func FuzzMachine(f *testing.F) {
	for _, c := range conversations {
		f.Add([]byte(c.send), uint16(5))
	}
	f.Add(bytesOf("CLIENT PAUSE 0", "CLIENT KILL ID 1 SKIPME no", "HELLO 3 AUTH default x", "CLIENT LIST ID 1"), uint16(40))
	f.Fuzz(func(t *testing.T, stream []byte, piece uint16) {
		if strings.Contains(strings.ToLower(string(stream)), "debug") || strings.Contains(strings.ToLower(string(stream)), "save") {
			return // they sleep, or write files
		}
		c := onPaper(t)
		var buf []byte
		for len(stream) > 0 && !c.closing {
			n := min(1+int(piece), len(stream))
			buf = c.feed(append(append([]byte(nil), buf...), stream[:n]...))
			stream = stream[n:]
		}
	})
}

func TestNoAllocation(t *testing.T) {
	if checkedBuild {
		return // it allocates by itself
	}
	c := onPaper(t)
	value := strings.Repeat("v", 256)
	c.feed(bytesOf("SET key:1 " + value))
	for name, in := range map[string][]byte{
		"GET":      bytesOf("GET key:1"),
		"SET":      bytesOf("SET key:1 " + value),
		"pipeline": bytesOf("GET key:1", "SET key:1 "+value, "PING", "GET none", "SET key:1 "+value),
	} {
		c.out.Buf = make([]byte, 0, 4096)
		allocations := testing.AllocsPerRun(200, func() {
			c.out.Buf = c.out.Buf[:0]
			if left := c.feed(in); len(left) > 0 {
				t.Fatal("not all was run")
			}
		})
		if allocations != 0 {
			t.Errorf("%s: %v allocations", name, allocations)
		}
	}
}

// Over a socket nothing is allocated for a batch either.
func TestNoAllocationOnLoop(t *testing.T) {
	if checkedBuild || runtime.GOOS != "linux" {
		return
	}
	h := serveTCP(t, Options{})
	p := h.dial()
	p.want("SET key:1 "+strings.Repeat("v", 256), "+OK")
	request := bytesOf("GET key:1")
	reply := make([]byte, len("$256\r\n\r\n")+256)
	round := func() {
		_, _ = p.Write(request)
		for n := 0; n < len(reply); {
			k, err := p.Read(reply[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += k
		}
	}
	// The engine's housekeeping may allocate a little meanwhile.
	if allocations := testing.AllocsPerRun(2000, round); allocations >= 0.5 {
		t.Errorf("%v allocations for a request", allocations)
	}
}

// memory is what the Go program takes.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// Idle clients cost little: with the test's ends of the connections, which are in the figure.
func TestIdleClientsAreSmall(t *testing.T) {
	if checkedBuild {
		return
	}
	onEach(t, Options{}, func(t *testing.T, h *house) {
		most := 10 << 10
		switch {
		case strings.Contains(t.Name(), "tls"):
			most = 64 << 10 // nearly all of it the library's
		case runtime.GOOS == "linux" && !strings.Contains(t.Name(), "goroutines") && !strings.Contains(t.Name(), "pipe"):
			most = 3 << 10
		}
		clients := 2000
		if most > 10<<10 {
			clients = 100 // handshakes take their time
		}
		conns := make([]net.Conn, 0, clients)
		defer func() {
			for _, c := range conns {
				_ = c.Close()
			}
		}()
		h.dial().want("SET k v", "+OK")
		request, reply := bytesOf("GET k"), make([]byte, 7)
		before := memory()
		for range clients {
			conn, err := h.call()
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
			if _, err := conn.Write(request); err != nil {
				t.Fatal(err)
			}
			for n := 0; n < len(reply); {
				k, err := conn.Read(reply[n:])
				if err != nil {
					t.Fatal(err)
				}
				n += k
			}
		}
		each := int(memory()-before) / clients
		t.Logf("%d bytes a client, both ends", each)
		if each > most {
			t.Errorf("an idle client takes %d bytes, more than %d", each, most)
		}
	})
}
