package resp

import (
	"bytes"
	"errors"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/pubsub"
	"github.com/darterdb/darter/internal/watchdog"
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
// waits for its reader (net.Pipe). Others append their pushes to the backlog themselves, between the replies of two
// batches.
type stream struct {
	client *client
	conn   net.Conn
	size   int // of the next read buffer
	resume chan struct{}
	watch  watchdog.Stopwatch
	sent   []byte // what the client has sent while its command waited

	mu struct {
		sync.Mutex
		idle     sync.Cond // the writer has ended
		ahead    [][]byte  // chunks of long replies, for the writer to take before the backlog
		aheadLen int       // bytes in ahead
		backlog  []byte    // for the writer to take
		taken    int       // bytes it is writing
		writing  bool
		failed   bool
		busy     bool     // in a batch: pushes wait until its replies are in the backlog
		ended    bool     // no more pushes
		last     bool     // no more is to be read
		late     []parcel // that wait so
		lateLen  int
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
	c.watch = &t.watch
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
	t.setBusy(true)
	c.out.Buf = outBuffer()
	left := c.rest
	for more := true; more && !c.closing && !c.killed.Load(); {
		used, why, next := c.run(left)
		t.watch.Pause()
		left = left[used:]
		switch why {
		case needTurn:
			t.flush(c)
			runtime.Gosched()
		case needAway, needPause:
			t.flush(c)
			c.seen.away.Store(true)
			if why == needPause {
				t.idle(func() bool { return c.paused(next.row) && c.server.pause.wait(c) })
			}
			if !c.killed.Load() {
				t.elsewhere(next)
				c.closing = c.closing || c.leaving
				t.waitForRoom()
				if len(t.sent) > 0 {
					t.collect(c) // what was posted before the client sent it comes before the replies to it
					left = append(bytes.Clone(left), t.sent...)
					t.sent = nil
				}
			}
			c.seen.away.Store(false)
		case needRoom:
			c.seen.away.Store(true)
			t.waitForRoom()
			c.seen.away.Store(false)
		default:
			more = false
		}
	}
	switch room := cap(c.rest); {
	case len(left) > room:
		c.rest = left
	case room > largeRead && len(left) < room/4: // neither rest nor the last arguments keep the memory of a long command
		c.rest = bytes.Clone(left)
		c.parser.Reset()
	default:
		c.rest = c.rest[:copy(c.rest[:room], left)]
	}
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
	t.setBusy(false)
}

// elsewhere runs a command that may take long. While one waits, pushes reach the client, and what it sends is read, so
// that its end is noticed.
func (t *stream) elsewhere(next call) {
	c := t.client
	next = next.copied()
	w := c.long()
	if next.row.Flags&command.Blocking != 0 {
		t.setBusy(false)
		stop := t.listen()
		c.elsewhere(next, &w, true)
		t.sent = stop()
		t.setBusy(true)
	} else {
		c.elsewhere(next, &w, true)
	}
	if w.Over() {
		c.cutOff("its output is over the limit", w.Mark())
		c.server.kill(c)
		c.closing = true
		return
	}
	if c.killed.Load() {
		return // it hears nothing more
	}
	if len(w.Full) > 0 {
		t.sendChunks(w.Full)
	}
	c.out.Buf = append(c.out.Buf, w.Buf...)
}

// sendChunks queues a long reply as it is.
func (t *stream) sendChunks(chunks [][]byte) {
	t.flush(t.client)
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, b := range chunks {
		n += len(b)
	}
	if t.fitsLocked(n) {
		if t.mu.backlog != nil {
			chunks = append([][]byte{t.mu.backlog}, chunks...)
			n += len(t.mu.backlog)
			t.mu.backlog = nil
		}
		t.mu.ahead = append(t.mu.ahead, chunks...)
		t.mu.aheadLen += n
		t.startLocked()
	}
	t.client.closing = t.client.closing || t.mu.failed
}

// listen reads what the client sends, up to aheadMost of it, until stop is called, which returns that. If the client
// ends, its session is told.
func (t *stream) listen() (stop func() []byte) {
	var got []byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		for len(got) < aheadMost {
			got = slices.Grow(got, smallRead)
			n, err := t.conn.Read(got[len(got):cap(got)])
			got = got[:len(got)+n]
			var timeout net.Error
			switch {
			case errors.As(err, &timeout) && timeout.Timeout():
				return
			case err != nil:
				t.client.session.Leave()
				return
			}
		}
	}()
	return func() []byte {
		// A deadline that can't be set leaves the reader waiting for the connection's end, which comes.
		_ = t.conn.SetReadDeadline(time.Now())
		<-done
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.mu.last && !t.mu.failed { // else the deadline is for good
			_ = t.conn.SetReadDeadline(time.Time{})
		}
		return got
	}
}

// waitForRoom waits until what the client has published was passed on.
func (t *stream) waitForRoom() {
	if jam := t.client.session.Jam(); jam != nil {
		t.flush(t.client)
		t.idle(func() bool { return jam.Wait(t.wake) })
	}
}

// idle waits in the midst of a batch for as long as there is something to wait for. Pushes reach the client meanwhile.
func (t *stream) idle(waiting func() bool) {
	t.setBusy(false)
	for !t.client.killed.Load() && waiting() {
		<-t.resume
	}
	t.setBusy(true)
}

// setBusy says whether pushes have to wait. A client that has had its last reply gets none.
func (t *stream) setBusy(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.busy = on
	t.mu.ended = t.mu.ended || t.client.closing
	if !on && !t.mu.ended {
		t.client.release()
		for _, p := range t.takeLateLocked() {
			t.queueLocked(t.client.wire(p, t.client.proto()))
		}
	}
}

// takeLateLocked takes the pushes that wait.
func (t *stream) takeLateLocked() []parcel {
	late := t.mu.late
	t.mu.late, t.mu.lateLen = nil, 0
	return late
}

func (t *stream) outlet() pubsub.Outlet { return nil }

func (t *stream) post(c *client, p parcel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.mu.failed || t.mu.ended:
	case !t.mu.busy && !c.holds():
		t.queueLocked(c.wire(p, c.proto()))
	case t.fitsLocked(len(p.Wire(2))):
		t.mu.late = append(t.mu.late, p)
		t.mu.lateLen += len(p.Wire(2))
	}
}

func (t *stream) collect(c *client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.takeLateLocked() {
		c.out.Buf = append(c.out.Buf, c.wire(p, c.out.Proto())...)
	}
}

// flush hands the replies to the writer.
func (t *stream) flush(c *client) {
	if len(c.out.Buf) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.backlog == nil && t.fitsLocked(len(c.out.Buf)) {
		t.mu.backlog, c.out.Buf = c.out.Buf, outBuffer()
		t.startLocked()
	} else {
		t.queueLocked(c.out.Buf)
		c.out.Buf = c.out.Buf[:0]
	}
	c.closing = c.closing || t.mu.failed
}

// queueLocked appends b to the backlog.
func (t *stream) queueLocked(b []byte) {
	if len(b) == 0 || !t.fitsLocked(len(b)) {
		return
	}
	if t.mu.backlog == nil {
		t.mu.backlog = outBuffer()
	}
	t.mu.backlog = append(t.mu.backlog, b...)
	t.startLocked()
}

// fitsLocked tells whether n bytes more may wait. If they may not the client is closed.
func (t *stream) fitsLocked(n int) bool {
	if t.mu.failed {
		return false
	}
	if t.client.overfull(t.mu.aheadLen + len(t.mu.backlog) + t.mu.taken + t.mu.lateLen + n) {
		t.mu.failed = true
		t.client.server.kill(t.client)
		return false
	}
	return true
}

// startLocked shows others the backlog, and starts the writer if it is not at work.
func (t *stream) startLocked() {
	t.client.publishOut(t.mu.aheadLen + len(t.mu.backlog) + t.mu.taken)
	if !t.mu.writing {
		t.mu.writing = true
		t.client.server.work.Go(t.write)
	}
}

// write writes the backlog until there is none.
func (t *stream) write() {
	t.mu.Lock()
	t.writeLocked()
	failed := t.mu.failed
	t.mu.Unlock()
	if failed {
		t.client.session.Leave() // it may wait for somebody who holds shards and has something for the client
	}
}

// writeLocked does so; the lock is not held while it writes.
func (t *stream) writeLocked() {
	for !t.mu.failed {
		var buf []byte
		if len(t.mu.ahead) > 0 {
			buf, t.mu.ahead = t.mu.ahead[0], t.mu.ahead[1:]
			t.mu.aheadLen -= len(buf)
		} else {
			buf, t.mu.backlog = t.mu.backlog, nil
		}
		if len(buf) == 0 {
			break
		}
		for at := 0; at < len(buf) && !t.mu.failed; {
			t.mu.taken = len(buf) - at
			t.client.publishOut(t.mu.taken + t.mu.aheadLen + len(t.mu.backlog))
			t.mu.Unlock()
			n, err := t.conn.Write(buf[at:min(at+writeChunk, len(buf))])
			t.client.meter.out.Add(int64(n))
			if n > 0 {
				t.client.stir()
			}
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
		t.mu.ahead, t.mu.aheadLen, t.mu.backlog = nil, 0, nil
		_ = t.conn.SetReadDeadline(time.Now()) // no more commands either
	}
	t.client.publishOut(0)
	t.mu.writing = false
	t.mu.idle.Broadcast()
}

// finish waits for the writer and ends the client.
func (t *stream) finish() {
	c := t.client
	c.leaveHub() // before the peer can see the end, and also if it does not read what it was sent
	t.mu.Lock()
	t.mu.ended = true
	t.mu.late = nil
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
		// Closing may wait, with TLS for the peer; it also ends a read and a write under way. Who asks may hold shards.
		c.server.work.Go(func() {
			c.session.Leave()
			_ = t.conn.Close()
		})
		t.wake()
	case jobEnd:
		t.mu.Lock()
		t.mu.last = true
		err := t.conn.SetReadDeadline(time.Now())
		t.mu.Unlock()
		if err != nil {
			c.server.kill(c)
		}
	case jobResume:
		t.wake()
	}
}

// wake ends a wait in the midst of a batch.
func (t *stream) wake() {
	select {
	case t.resume <- struct{}{}:
	default:
	}
}
