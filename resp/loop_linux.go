package resp

import (
	"net"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/reply"
	"github.com/darterdb/darter/internal/watchdog"
)

// An event loop serves its clients on one thread, one batch at a time:
//
//	poll ─► for each ready client: read ─► run ─► next ... ─► write to each ─► deliver pushes
//	  └── nothing ready: wait, and let the scheduler know
//
// Replies are written when the ready clients have had their turn, or much is to be written: a peer that gets them one by
// one falls asleep in between, and to wake it costs more than to write.
//
// Sockets are watched edge-triggered, for input always, for output only while there is a backlog. An edge comes once,
// so a client is read until a read comes short. One that keeps filling the read buffer goes to the end of the line
// (again), and the loop polls without waiting until the line is empty.
//
// Others reach a client through the loop's jobs, which run between two polls, and through its inbox (deliver_linux.go),
// which is emptied at the end of a turn.

const (
	readBuffer = 64 << 10
	// frontRest is the longest rest that is copied to the front of the read buffer; a longer one is read onto.
	frontRest = 16 << 10
	// readsPerTurn is how many full reads a client gets before others have their turn.
	readsPerTurn = 4
	// sendsPerTurn is how many pieces of at most sendMost bytes it is sent of a backlog.
	sendsPerTurn = 4
	sendMost     = 128 << 10
	// keepSpare is the largest reply buffer that a loop keeps, one of them; of those up to smallSpare it keeps freeSpares.
	// What is in a larger one is written at once.
	keepSpare  = 1 << 20
	smallSpare = 64 << 10
	freeSpares = 64
	// sendDue is at how many bytes of commands and replies these are written, though others are ready.
	sendDue = 256 << 10
	// freeRests is how many buffers of restSize for rests a loop keeps; keepRest bounds the one larger that it keeps.
	freeRests = 32
	restSize  = 4 << 10
	keepRest  = 2 << 20

	// returnAt is from which backlog on a closed client's memory goes back to the system at once.
	returnAt = 64 << 20

	eventsPerPoll = 256

	watchInput  = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET
	watchOutput = watchInput | unix.EPOLLOUT
)

// loop is the transport of many clients.
type loop struct {
	server *Server
	poller poller
	meter  *meter
	byFD   []*client
	in     []byte   // the read buffer
	spares [][]byte // free reply buffers
	spare  []byte   // a free one larger than these
	unsent []*client
	due    int      // about how much work the unsent have been
	rests  [][]byte // free buffers for rests, of restSize
	large  []byte   // one free larger buffer for a rest
	again  []*client
	events [eventsPerPoll]unix.EpollEvent

	inbox   inbox
	watch   watchdog.Stopwatch
	current *client // whose commands are running; nothing of c.out may be sent meanwhile
	errand  errand

	received, sent int64 // of the current round, not yet in the meter

	clients int // assigned; guarded by server.mu

	mu struct {
		sync.Mutex
		jobs    []order
		stopped bool
	}
	taken []order // jobs being done
}

// order is a job for a client; without a client it is the order to stop.
type order struct {
	client *client
	what   job
}

// loopClient is what a loop knows of a client and others need not.
type loopClient struct {
	adopted  bool // the loop has it
	watching bool // for output too
	hup      bool // the peer has sent its last: a short read is no sign that there is no more to see
	blocked  bool // the socket takes no more: an event will tell when it does
	queued   bool // in line for another turn
	unsent   bool // among the loop's unsent
	away     bool
	running  bool // a goroutine runs next
	next     call
	answered reply.RESP // the reply to next
	late     []byte     // pushes that come after it

	pushes [2]int32 // the first and last of those being delivered: indexes in errand.pieces, from 1 on

	// The backlog: replies that the socket did not take, in chunks, so that a long one is never copied; out comes after.
	backlog [][]byte
	waiting int // bytes in backlog
}

// waits says that a goroutine runs a command that may wait for as long as it likes.
func (c *loopClient) waits() bool { return c.running && c.next.row.Flags&command.Blocking != 0 }

// behind says that replies wait for the client to read.
func (c *loopClient) behind() bool { return c.waiting > 0 }

// assignLoop gives the client the loop with the fewest clients for transport. It returns nil if the connection is not a
// plain TCP or unix one. What it returns takes the socket over from package net, or forgets the client.
func (s *Server) assignLoop(c *client, conn net.Conn) (begin func(admitted bool)) {
	if s.options.Loops < 0 {
		return nil
	}
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	fd, err := duplicate(conn.(syscall.Conn))
	if err != nil {
		s.log.Warn("cannot take a connection over from package net", "addr", c.addr, "error", err)
		return nil
	}
	l := s.leastLoop()
	if l == nil {
		_ = unix.Close(fd)
		return nil
	}
	c.transport, c.meter, c.watch, c.fd = l, l.meter, &l.watch, int32(fd)
	return func(admitted bool) {
		if admitted {
			_ = conn.Close()
			l.ask(c, jobAdopt)
			return
		}
		_ = unix.Close(fd)
		c.session.Close()
		l.release()
	}
}

// duplicate returns a descriptor of the connection's socket that package net does not know of.
func duplicate(conn syscall.Conn) (fd int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	fail := raw.Control(func(of uintptr) { fd, err = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) })
	if fail != nil {
		return 0, fail
	}
	return fd, err
}

// leastLoop returns the loop with the fewest clients and starts a new one while there are fewer than there may be.
func (s *Server) leastLoop() *loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return nil
	}
	var least *loop
	for _, l := range s.mu.loops {
		if least == nil || l.clients < least.clients {
			least = l
		}
	}
	if least == nil || least.clients > 0 && len(s.mu.loops) < s.options.Loops {
		p, err := newPoller()
		if err != nil {
			s.log.Error("cannot start an event loop", "error", err)
		} else {
			least = &loop{
				server: s,
				poller: p,
				meter:  &s.meters[len(s.mu.loops)],
				in:     make([]byte, readBuffer),
			}
			s.mu.loops = append(s.mu.loops, least)
			s.work.Go(least.serve)
		}
	}
	if least != nil {
		least.clients++
	}
	return least
}

// serve is the loop.
func (l *loop) serve() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		n := l.poller.poll(l.events[:])
		if n == 0 && len(l.again) == 0 && l.inbox.sleep() {
			l.watch.Pause()
			n = l.poller.wait(l.events[:])
			l.inbox.wake()
		}
		for i := range l.events[:n] {
			e := &l.events[i]
			if int(e.Fd) == l.poller.event {
				l.watch.Pause()
				l.sendAll()
				if l.doJobs() {
					return
				}
				continue
			}
			if c := l.byFD[e.Fd]; c != nil {
				l.ready(c, e.Events)
			}
		}
		l.takeTurns()
		l.sendAll()
		l.deliver()
		if l.received|l.sent != 0 {
			l.meter.in.Add(l.received)
			l.meter.out.Add(l.sent)
			l.received, l.sent = 0, 0
		}
	}
}

// ready serves a client after an event.
func (l *loop) ready(c *client, events uint32) {
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.loop.hup = true
		c.session.Leave()
	}
	if c.loop.blocked && events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.loop.blocked = false
		l.settle(c)
	}
	if events&^unix.EPOLLOUT != 0 {
		l.read(c)
	}
}

// takeTurns serves the clients that are in line.
func (l *loop) takeTurns() {
	line := len(l.again)
	for _, c := range l.again[:line] {
		c.loop.queued = false
		if c.loop.waiting > 0 && !c.loop.blocked && !c.closed {
			l.settle(c)
		}
		l.proceed(c)
	}
	l.again = append(l.again[:0], l.again[line:]...)
}

// line puts a client in line for another turn.
func (l *loop) line(c *client) {
	if !c.loop.queued {
		c.loop.queued = true
		l.again = append(l.again, c)
	}
}

// proceed runs what was left of an earlier turn, then reads on.
func (l *loop) proceed(c *client) {
	if c.closed || c.closing || c.loop.away {
		l.readAhead(c)
		return
	}
	if len(c.rest) == 0 || l.process(c, c.rest) {
		l.read(c)
	} else {
		l.readAhead(c)
	}
}

// read reads and runs until there is no more, or others are to have a turn.
func (l *loop) read(c *client) {
	for range readsPerTurn {
		if c.closed || c.closing || c.loop.away || c.loop.queued {
			l.readAhead(c)
			return
		}
		buf := l.space(c)
		k := len(c.rest)
		n, errno := receive(c.fd, buf[k:])
		switch {
		case errno == unix.EAGAIN:
			return
		case errno == unix.EINTR:
			continue
		case errno != 0:
			l.close(c)
			return
		case n == 0:
			c.closing = true
			l.settle(c)
			return
		}
		l.received += int64(n)
		short := k+n < len(buf)
		if !l.process(c, buf[:k+n]) {
			if !short {
				l.readAhead(c)
			}
			return
		}
		if short && !c.loop.hup {
			return
		}
	}
	l.line(c)
}

// readAhead reads what a client sends while its command waits: behind more than its socket holds its end would not be
// seen.
func (l *loop) readAhead(c *client) {
	for range readsPerTurn {
		k := len(c.rest)
		if c.closed || c.closing || c.loop.queued || !c.loop.waits() || k >= aheadMost {
			return
		}
		buf := l.in
		if k <= frontRest {
			copy(buf, c.rest)
		} else {
			if k == cap(c.rest) {
				larger := append(make([]byte, 0, 2*k), c.rest...)
				l.drop(c)
				c.rest = larger
			}
			buf = c.rest[:cap(c.rest)]
		}
		n, errno := receive(c.fd, buf[k:])
		switch {
		case errno == unix.EAGAIN:
			return
		case errno == unix.EINTR:
			continue
		case errno != 0:
			l.close(c)
			return
		case n == 0:
			c.session.Leave()
			return
		}
		l.received += int64(n)
		l.keep(c, buf[:k+n])
		if k+n < len(buf) {
			return
		}
	}
	l.line(c)
}

// space returns where to read to: rest, with room behind it. A short rest goes to the front of the loop's read
// buffer, a long one gets a larger buffer of the client's own: room for what the command is known to need, but never
// more than as much again as the client did send.
func (l *loop) space(c *client) []byte {
	k := len(c.rest)
	if k == 0 {
		return l.in
	}
	need := c.parser.Need()
	if k <= frontRest && need <= len(l.in)-k {
		copy(l.in, c.rest)
		return l.in
	}
	if k == cap(c.rest) || cap(c.rest) < readBuffer {
		size := k + min(max(need, restSize), max(k, readBuffer))
		var larger []byte
		if cap(l.large) >= size {
			larger, l.large = l.large[:k], nil
		} else {
			larger = make([]byte, k, size)
		}
		copy(larger, c.rest)
		l.drop(c)
		c.rest = larger
	}
	return c.rest[:cap(c.rest)]
}

// process runs what is in buf and sends the replies. It tells whether the client may read on at once.
func (l *loop) process(c *client, buf []byte) bool {
	if l.inbox.urgent.Load() {
		if l.deliver(); c.closed {
			return false
		}
	}
	l.lend(c)
	l.current = c
	used, why, next := c.run(buf)
	l.current = nil
	if c.closed {
		return false
	}
	if why == needAway || why == needPause {
		next = next.copied()
	}
	l.keep(c, buf[used:])
	if int64(len(c.rest)) > c.server.set.queryLimit.Load() {
		c.overQuery()
		l.close(c)
		return false
	}
	if why == needMore && !c.closing && !c.loop.blocked && cap(c.out.Buf) <= smallSpare {
		l.sendLater(c, used)
		return !c.closed
	}
	l.settle(c)
	switch {
	case c.closed:
		return false
	case why == needTurn:
		l.line(c)
		return false
	case why == needAway, why == needPause:
		l.leave(c, next, why == needPause)
		return false
	case why == needRoom:
		l.waitForRoom(c)
		return false
	}
	return !c.closing
}

// keep makes left, the end of what was given to run, the client's rest. It may be a part of rest.
func (l *loop) keep(c *client, left []byte) {
	switch fits := cap(c.rest) >= len(left); {
	case len(left) == 0:
		if cap(c.rest) > restSize {
			c.parser.Reset() // its arguments would keep the memory
		}
		l.drop(c)
		c.rest = nil
	case fits && (cap(c.rest) <= restSize || len(left) > cap(c.rest)/4):
		c.rest = c.rest[:len(left)]
		copy(c.rest, left)
	default:
		var own []byte
		if n := len(l.rests); n > 0 && len(left) <= restSize {
			own, l.rests = l.rests[n-1], l.rests[:n-1]
		} else {
			own = make([]byte, 0, max(len(left), restSize))
		}
		own = append(own, left...)
		if c.rest != nil {
			c.parser.Reset()
		}
		l.drop(c)
		c.rest = own
	}
	c.publishIn()
}

// drop takes the memory of rest back.
func (l *loop) drop(c *client) {
	switch n := cap(c.rest); {
	case n == restSize && len(l.rests) < freeRests:
		l.rests = append(l.rests, c.rest[:0])
	case n > restSize && n <= keepRest && n > cap(l.large):
		l.large = c.rest[:0]
	}
}

// lend gives a client that has no backlog the loop's reply buffer.
func (l *loop) lend(c *client) {
	if c.out.Buf != nil {
		return
	}
	if n := len(l.spares); n > 0 {
		c.out.Buf, l.spares = l.spares[n-1], l.spares[:n-1]
	} else {
		c.out.Buf, l.spare = l.spare, nil
	}
}

// sendLater has the replies of a batch written with those of others. used is how many bytes the batch had.
func (l *loop) sendLater(c *client, used int) {
	if !c.loop.unsent {
		c.loop.unsent = true
		l.unsent = append(l.unsent, c)
	}
	if l.due += used + len(c.out.Buf) - c.sent; l.due >= sendDue {
		l.sendAll()
	}
}

// sendAll writes the replies that are left to write.
func (l *loop) sendAll() {
	for i, c := range l.unsent {
		l.unsent[i] = nil
		c.loop.unsent = false
		if !c.closed {
			l.settle(c)
		}
	}
	l.unsent, l.due = l.unsent[:0], 0
}

// settle sends the replies of a batch, and closes a client that is through.
func (l *loop) settle(c *client) {
	l.write(c)
	if c.closed || c.sent < len(c.out.Buf) || c.loop.waiting > 0 {
		return
	}
	l.reclaim(c)
	if c.closing && !c.loop.away {
		l.close(c)
	}
}

// flush sends replies in the midst of a batch.
func (l *loop) flush(c *client) {
	l.write(c)
	if !c.closed && c.sent == len(c.out.Buf) && c.loop.waiting == 0 {
		c.out.Buf, c.sent = c.out.Buf[:0], 0
	}
}

// write sends what the socket takes.
func (l *loop) write(c *client) {
	if c.overfull(c.loop.waiting + len(c.out.Buf) - c.sent) {
		l.close(c)
		return
	}
	if len(c.out.Buf)-c.sent > sendsPerTurn*sendMost {
		c.stack()
	}
	for turn := sendsPerTurn; !c.loop.blocked && !c.closed && c.loop.waiting > 0; turn-- {
		if turn == 0 {
			l.line(c) // takeTurns goes on
			c.publishOut(c.loop.waiting + len(c.out.Buf) - c.sent)
			return
		}
		n := l.send(c, c.loop.backlog[0])
		if c.closed {
			return
		}
		c.loop.waiting -= n
		if c.loop.backlog[0] = c.loop.backlog[0][n:]; len(c.loop.backlog[0]) == 0 {
			c.loop.backlog[0] = nil
			c.loop.backlog = c.loop.backlog[1:]
		}
	}
	for !c.loop.blocked && !c.closed && c.sent < len(c.out.Buf) {
		c.sent += l.send(c, c.out.Buf[c.sent:])
	}
	if c.closed {
		return
	}
	switch {
	case len(c.out.Buf)-c.sent >= flushAt:
		c.stack()
	case c.sent >= flushAt: // it always has a little left
		c.out.Buf, c.sent = c.out.Buf[:copy(c.out.Buf, c.out.Buf[c.sent:])], 0
	}
	c.publishOut(c.loop.waiting + len(c.out.Buf) - c.sent)
}

// queue puts b, which is the client's own, behind what is unsent.
func (c *client) queue(b []byte) {
	if len(b) < shareFrom {
		c.out.Buf = append(c.out.Buf, b...)
		return
	}
	c.stack()
	c.loop.backlog = append(c.loop.backlog, b)
	c.loop.waiting += len(b)
}

// stack moves what is unsent to the backlog.
func (c *client) stack() {
	if unsent := c.out.Buf[c.sent:]; len(unsent) > 0 {
		c.loop.backlog = append(c.loop.backlog, unsent)
		c.loop.waiting += len(unsent)
		c.out.Buf, c.sent = nil, 0
	}
}

// send sends what the socket takes of b, and returns how much that was.
func (l *loop) send(c *client, b []byte) int {
	b = b[:min(len(b), sendMost)]
	n, errno := send(c.fd, b)
	switch {
	case errno == unix.EINTR:
		return 0
	case errno == unix.EAGAIN:
		n = 0
	case errno != 0:
		l.close(c)
		return 0
	}
	l.sent += int64(n)
	if n > 0 {
		c.stir()
	}
	if n < len(b) {
		l.block(c)
	}
	return n
}

// block waits for the socket to take more.
func (l *loop) block(c *client) {
	c.loop.blocked = true
	if !c.loop.watching {
		c.loop.watching = true
		if err := l.poller.control(unix.EPOLL_CTL_MOD, int(c.fd), watchOutput); err != nil {
			l.close(c)
		}
	}
}

// reclaim takes the reply buffer back.
func (l *loop) reclaim(c *client) {
	if c.loop.watching {
		c.loop.watching = false
		_ = l.poller.control(unix.EPOLL_CTL_MOD, int(c.fd), watchInput)
	}
	switch size := cap(c.out.Buf); {
	case size == 0:
	case size <= smallSpare && len(l.spares) < freeSpares:
		l.spares = append(l.spares, c.out.Buf[:0])
	case size > smallSpare && size <= keepSpare && size >= cap(l.spare):
		l.spare = c.out.Buf[:0]
	}
	c.out.Buf, c.sent = nil, 0
}

// leave has a command run outside the loop if it is slow, at the end of a pause if it must wait for that.
func (l *loop) leave(c *client, next call, paused bool) {
	c.loop.next = next
	c.loop.away = true
	c.seen.away.Store(true)
	if !paused || !l.server.pause.wait(c) {
		l.runNext(c)
	}
}

func (l *loop) runNext(c *client) {
	if !c.loop.next.slow {
		l.lend(c)
		l.current = c
		done := c.elsewhere(c.loop.next, &c.out, false)
		l.current = nil
		if done {
			l.back(c)
			return
		}
	}
	c.loop.running = true
	c.release() // of what was found at once on the loop
	w := c.long()
	go func() {
		c.session.SetExpendable(true)
		c.elsewhere(c.loop.next, &w, true)
		c.session.SetExpendable(false)
		c.loop.answered = w
		l.ask(c, jobResume)
	}()
}

// waitForRoom lets a client run no more commands until what it has published was passed on.
func (l *loop) waitForRoom(c *client) {
	c.loop.away = true
	c.seen.away.Store(true)
	if !c.session.Jam().Wait(func() { l.ask(c, jobResume) }) {
		l.back(c)
	}
}

// resume goes on with a client that was away: what it waited for has come, or its command has run.
func (l *loop) resume(c *client) {
	switch {
	case c.loop.running:
		c.loop.running = false
		c.release()
		if c.closed {
			c.forget()
			return
		}
		answer, late := c.loop.answered, c.loop.late
		c.loop.answered, c.loop.late = reply.RESP{}, nil
		if answer.Over() {
			c.cutOff("its output is over the limit", answer.Mark())
			l.close(c)
			c.forget()
			return
		}
		for _, b := range answer.Full {
			c.queue(b)
		}
		c.queue(answer.Buf)
		l.lend(c)
		c.out.Buf = append(c.out.Buf, late...)
		l.back(c)
	case c.closed || !c.loop.away:
	case c.loop.next.row == nil: // it waited for room
		l.back(c)
	case c.paused(c.loop.next.row) && l.server.pause.wait(c):
	default:
		l.runNext(c)
		l.readAhead(c) // what came meanwhile was not looked at
	}
}

// back goes on with a client that is away no longer.
func (l *loop) back(c *client) {
	c.loop.away, c.loop.next = false, call{}
	c.closing = c.closing || c.leaving
	c.seen.away.Store(false)
	l.settle(c)
	switch {
	case c.closed || c.closing:
	case c.session.Jammed():
		l.waitForRoom(c)
	default:
		l.line(c)
	}
}

func (l *loop) ask(c *client, what job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.stopped {
		abandon(order{c, what})
		return
	}
	l.mu.jobs = append(l.mu.jobs, order{c, what})
	if len(l.mu.jobs) == 1 {
		l.poller.interrupt()
	}
}

// stop ends the loop and closes the clients it still has.
func (l *loop) stop() { l.ask(nil, jobKill) }

// doJobs does what others have asked for. It is true if the loop has ended.
func (l *loop) doJobs() (stopped bool) {
	l.mu.Lock()
	l.taken, l.mu.jobs = l.mu.jobs, l.taken[:0]
	l.mu.Unlock()
	for i, o := range l.taken {
		c := o.client
		switch {
		case c == nil:
			l.end(l.taken[i+1:])
			return true
		case o.what == jobAdopt:
			l.adopt(c)
		case o.what == jobResume:
			l.resume(c)
		case c.closed:
		case !c.loop.adopted:
			c.closing = true
		case o.what == jobKill:
			l.close(c)
		case o.what == jobEnd:
			c.closing = true
			l.settle(c)
		}
	}
	clear(l.taken)
	return false
}

// adopt begins to serve a client.
func (l *loop) adopt(c *client) {
	if int(c.fd) >= len(l.byFD) {
		l.byFD = append(l.byFD, make([]*client, int(c.fd)+1-len(l.byFD))...)
	}
	l.byFD[c.fd] = c
	c.loop.adopted = true
	if err := l.poller.control(unix.EPOLL_CTL_ADD, int(c.fd), watchInput); err != nil {
		l.server.log.Error("cannot watch a connection", "client", c.id, "addr", c.addr, "error", err)
		l.close(c)
	} else if c.closing { // it was killed before it began
		l.close(c)
	}
}

// close ends a client. Its session and its subscriptions live on while a goroutine runs a command in it.
func (l *loop) close(c *client) {
	if c.closed {
		return
	}
	c.closed, c.closing = true, true
	l.byFD[c.fd] = nil
	if !c.loop.running {
		c.leaveHub() // before the peer can see the end
	}
	_ = unix.Close(int(c.fd))
	l.drop(c)
	c.rest = nil
	waited := c.loop.waiting
	c.loop.backlog, c.loop.waiting = nil, 0
	if waited > returnAt {
		// The collector alone would keep so much for minutes.
		go debug.FreeOSMemory()
	}
	c.loop.watching = false
	l.reclaim(c)
	c.publishIn()
	c.publishOut(0)
	c.loop.late = nil
	c.session.Leave()
	if !c.loop.running {
		c.session.Close()
	}
	l.release()
	l.server.clients.remove(c)
}

// forget ends what a closed client still has when a goroutine has run its last command.
func (c *client) forget() {
	c.endMonitor()
	if c.subs != nil {
		c.subs.Clear()
	}
	c.session.Close()
}

// release takes a client off the loop's books.
func (l *loop) release() {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	l.clients--
}

// end closes all clients and gives up what the loop has of the system. left is jobs that it won't do.
func (l *loop) end(left []order) {
	for _, c := range l.byFD {
		if c != nil {
			l.close(c)
		}
	}
	l.inbox.stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.stopped = true
	for _, o := range append(left, l.mu.jobs...) {
		abandon(o)
	}
	l.poller.close()
}

// abandon frees what a job that nobody does any more would have led to.
func abandon(o order) {
	switch c := o.client; {
	case c == nil:
	case o.what == jobAdopt:
		_ = unix.Close(int(c.fd))
		c.session.Close()
	case o.what == jobResume && c.loop.running:
		c.forget()
	}
}
