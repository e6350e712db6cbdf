package resp

import (
	"net"
	"runtime"
	"sync"
	"time"
)

const (
	// A stream's read buffer begins small, grows while reads fill it, and is small again when the client is quiet.
	smallRead = 1 << 10
	largeRead = 64 << 10
	// writeChunk is how much is written at a time, so that others see a backlog shrink.
	writeChunk = 256 << 10
	// keepOut is the largest reply buffer that is kept for the next batch.
	keepOut = 64 << 10
)

// stream is the transport of a client on any net.Conn: a goroutine reads and runs commands, another writes for as long
// as there are replies. So a client that sends a lot before it reads is served as on an event loop, also where a write
// waits for its reader (net.Pipe).
type stream struct {
	client *client
	conn   net.Conn
	size   int // of the next read buffer
	resume chan struct{}

	mu struct {
		sync.Mutex
		idle    sync.Cond // the writer has ended
		backlog []byte    // for the writer to take
		taken   int       // bytes it is writing
		writing bool
		failed  bool
	}
}

// outBuffers has reply buffers for clients in a batch.
var outBuffers = sync.Pool{New: func() any { return new([]byte) }}

func outBuffer() []byte { return *outBuffers.Get().(*[]byte) }

// assignStream gives the client goroutines for transport. What it returns starts them, or forgets the client.
func (s *Server) assignStream(c *client, conn net.Conn) (begin func(admitted bool)) {
	t := &stream{client: c, conn: conn, size: smallRead, resume: make(chan struct{}, 1)}
	t.mu.idle.L = &t.mu.Mutex
	c.transport = t
	c.meter = &s.meters[s.nextMeter.Add(1)%streamMeters]
	return func(admitted bool) {
		if admitted {
			s.work.Go(t.serve)
		} else {
			c.session.Close()
		}
	}
}

func (t *stream) serve() {
	c := t.client
	for !c.closing && !c.killed.Load() {
		k := len(c.rest)
		c.rest = t.space()
		n, err := t.conn.Read(c.rest[k:cap(c.rest)])
		c.rest = c.rest[:k+n]
		t.suit(n)
		if n > 0 {
			c.meter.in.Add(int64(n))
			t.process()
		}
		if err != nil {
			break
		}
	}
	t.finish()
}

// space returns rest with room to read into. A command that does not fit gets room for what it is known to need, but
// never more than as much again as the client did send.
func (t *stream) space() []byte {
	c := t.client
	k := len(c.rest)
	switch {
	case k == 0 && cap(c.rest) != t.size:
		return make([]byte, 0, t.size)
	case k < cap(c.rest):
		return c.rest
	}
	larger := make([]byte, k, k+min(max(c.parser.Need(), smallRead), max(k, smallRead)))
	copy(larger, c.rest)
	return larger
}

// suit fits the size of the read buffer to what the client sends.
func (t *stream) suit(n int) {
	switch {
	case n >= t.size && t.size < largeRead:
		t.size *= 2
	case n < t.size/4 && t.size > smallRead:
		t.size /= 2
	}
}

// process runs what has arrived and has the replies written.
func (t *stream) process() {
	c := t.client
	c.out.Buf = outBuffer()
	left := c.rest
	for more := true; more && !c.closing && !c.killed.Load(); {
		used, why, next := c.run(left)
		left = left[used:]
		switch why {
		case needTurn:
			t.flush(c)
			runtime.Gosched()
		case needAway, needPause:
			t.flush(c)
			c.seen.away.Store(true)
			for why == needPause && c.server.pause.holds(next.row) && !c.killed.Load() && c.server.pause.wait(c) {
				<-t.resume
			}
			if !c.killed.Load() {
				c.elsewhere(next, &c.out)
				c.closing = c.closing || c.leaving
			}
			c.seen.away.Store(false)
		default:
			more = false
		}
	}
	c.rest = c.rest[:copy(c.rest, left)]
	c.publishIn()
	if int64(len(c.rest)) > c.server.set.queryLimit.Load() {
		c.overQuery()
		c.closing = true
	}
	t.flush(c)
	if b := c.out.Buf[:0]; cap(b) > 0 && cap(b) <= keepOut {
		outBuffers.Put(&b)
	}
	c.out.Buf = nil
}

// flush hands the replies to the writer, and starts it if it is not at work.
func (t *stream) flush(c *client) {
	if len(c.out.Buf) == 0 {
		return
	}
	t.mu.Lock()
	if t.mu.failed {
		t.mu.Unlock()
		c.out.Buf = c.out.Buf[:0]
		c.closing = true
		return
	}
	n := len(t.mu.backlog) + t.mu.taken + len(c.out.Buf)
	if c.overfull(n) {
		t.mu.Unlock()
		c.out.Buf = c.out.Buf[:0]
		c.closing = true
		c.server.kill(c)
		return
	}
	if t.mu.backlog == nil {
		t.mu.backlog, c.out.Buf = c.out.Buf, outBuffer()
	} else {
		t.mu.backlog = append(t.mu.backlog, c.out.Buf...)
		c.out.Buf = c.out.Buf[:0]
	}
	start := !t.mu.writing
	t.mu.writing = true
	c.publishOut(n)
	t.mu.Unlock()
	if start {
		c.server.work.Go(t.write)
	}
}

// write writes the backlog until there is none.
func (t *stream) write() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.mu.backlog) > 0 && !t.mu.failed {
		buf := t.mu.backlog
		t.mu.backlog = nil
		for at := 0; at < len(buf) && !t.mu.failed; {
			t.mu.taken = len(buf) - at
			t.client.publishOut(t.mu.taken + len(t.mu.backlog))
			t.mu.Unlock()
			n, err := t.conn.Write(buf[at:min(at+writeChunk, len(buf))])
			t.client.meter.out.Add(int64(n))
			t.mu.Lock()
			at += n
			t.mu.failed = t.mu.failed || err != nil
		}
		t.mu.taken = 0
		if buf = buf[:0]; cap(buf) <= keepOut {
			outBuffers.Put(&buf)
		}
	}
	if t.mu.failed {
		t.mu.backlog = nil
		_ = t.conn.SetReadDeadline(time.Now()) // no more commands either
	}
	t.client.publishOut(0)
	t.mu.writing = false
	t.mu.idle.Broadcast()
}

// finish waits for the writer and ends the client.
func (t *stream) finish() {
	c := t.client
	t.mu.Lock()
	for t.mu.writing {
		t.mu.idle.Wait()
	}
	t.mu.Unlock()
	_ = t.conn.Close()
	c.closed = true
	c.rest = nil
	c.session.Close()
	c.server.clients.remove(c)
}

func (t *stream) ask(c *client, what job) {
	switch what {
	case jobKill:
		// Closing may wait, with TLS for the peer; it also ends a read and a write under way.
		c.server.work.Go(func() { _ = t.conn.Close() })
		t.wake()
	case jobEnd:
		if t.conn.SetReadDeadline(time.Now()) != nil {
			c.server.kill(c)
		}
	case jobResume:
		t.wake()
	}
}

// wake ends a wait for the end of a pause.
func (t *stream) wake() {
	select {
	case t.resume <- struct{}{}:
	default:
	}
}
