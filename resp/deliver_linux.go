package resp

import (
	"sync"
	"sync/atomic"

	"github.com/darterdb/darter/internal/pubsub"
)

// What others have for the clients of a loop goes through its inbox: an entry for a message and all who get it.
//
//	inbox:   [ m1 ─► (a b c ...) ][ m2 ─► (a b c ...) ][ m3 ─► (x) ] ...
//	           └────── a run ───────────────────────┘
//
// At the end of its turn the loop takes all that is there. Messages one after another with the same receivers are a
// run: they are joined, once for each protocol version, and every receiver is sent the same bytes, in one write. A
// thousand subscribers of one busy channel so cost a write each for many messages, and no copy. What a socket does not
// take is kept for its client: small pieces copied, large ones shared.
//
// The loop is woken only if it sleeps: it says so before it waits, and looks into the inbox once more after that.

const (
	// inboxFull and inboxSends are from how many bytes, and writes to clients, in the inbox on publishers are to wait.
	inboxFull  = 8 << 20
	inboxSends = 256 << 10
	// inboxLimit is how many bytes the inbox holds at the most, if the limit of subscribers is not higher.
	inboxLimit = 64 << 20
	// entryBytes is what an entry counts beside the message.
	entryBytes = 128

	// Messages shorter than joinBelow are joined, to runs of up to joinUpTo.
	joinBelow = 4 << 10
	joinUpTo  = 256 << 10
	// shareFrom is from which length on what waits for clients is shared, not copied.
	shareFrom = 16 << 10

	// keepEntries is for how many entries a loop keeps its lists.
	keepEntries = 64 << 10
)

// inbox is what others have for a loop's clients.
type inbox struct {
	filled   atomic.Bool // there are entries
	urgent   atomic.Bool // some are about keys: they come before whatever their clients send from now on is run
	sleeping atomic.Bool // the loop waits, or is about to
	gate     pubsub.Gate

	mu struct {
		sync.Mutex
		list    []entry
		bytes   int
		sends   int
		shut    bool // the gate is
		stopped bool
	}
	spare []entry // the list taken before
}

// entry is a push with its receivers.
type entry struct {
	what parcel
	to   []pubsub.Subscriber // clients of the loop
}

// errand is the entries that are being delivered.
type errand struct {
	pieces []piece
	dirty  []*client // those who have pieces
	gather []byte    // small pieces of one client
}

// piece is bytes for a client, in a list of all its pieces.
type piece struct {
	b    []byte
	next int32
}

// sleep says that the loop is going to wait. It is false if there is something to do.
func (in *inbox) sleep() bool {
	in.sleeping.Store(true)
	if in.filled.Load() {
		in.sleeping.Store(false)
		return false
	}
	return true
}

// wake says that the loop waits no longer.
func (in *inbox) wake() { in.sleeping.Store(false) }

func (l *loop) outlet() pubsub.Outlet { return l }

// Deliver takes a message for clients of the loop; see pubsub.Outlet.
func (l *loop) Deliver(m *pubsub.Message, to []pubsub.Subscriber) *pubsub.Gate {
	return l.put(entry{m, to})
}

func (l *loop) post(c *client, p parcel) { l.put(entry{p, []pubsub.Subscriber{c}}) }

// put puts an entry into the inbox. If there is much already, it returns where to wait.
func (l *loop) put(e entry) *pubsub.Gate {
	in := &l.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.mu.stopped {
		return nil
	}
	if hard := l.server.set.pubsub.hard.Load(); hard != 0 && int64(in.mu.bytes) > max(hard, inboxLimit) {
		for _, s := range e.to {
			if c := s.(*client); !c.killed.Load() {
				c.cutOff("it gets more than can be passed on", int64(in.mu.bytes))
				l.server.kill(c)
			}
		}
		return &in.gate
	}
	in.mu.list = append(in.mu.list, e)
	in.mu.bytes += entryBytes + len(e.what.Wire(2))
	in.mu.sends += len(e.to)
	in.filled.Store(true)
	if _, ok := e.what.(notice); ok {
		in.urgent.Store(true)
	}
	if in.sleeping.Load() && in.sleeping.Swap(false) {
		l.poller.interrupt()
	}
	if in.mu.bytes <= inboxFull && in.mu.sends <= inboxSends {
		return nil
	}
	if !in.mu.shut {
		in.mu.shut = true
		in.gate.Shut()
	}
	return &in.gate
}

// take takes all entries. done gives the list back.
func (in *inbox) take() []entry {
	in.mu.Lock()
	defer in.mu.Unlock()
	list := in.mu.list
	in.mu.list, in.spare = in.spare, nil
	in.mu.bytes, in.mu.sends = 0, 0
	in.filled.Store(false)
	in.urgent.Store(false)
	return list
}

// done keeps the memory of a list whose entries were delivered, and lets publishers go on.
func (in *inbox) done(list []entry) {
	clear(list)
	if cap(list) <= keepEntries {
		in.spare = list[:0]
	}
	in.mu.Lock()
	open := in.mu.shut && in.mu.bytes <= inboxFull && in.mu.sends <= inboxSends
	if open {
		in.mu.shut = false
	}
	in.mu.Unlock()
	if open {
		in.gate.Open()
	}
}

// stop drops what is there and what will come.
func (in *inbox) stop() {
	in.mu.Lock()
	in.mu.stopped = true
	in.mu.list = nil
	in.mu.Unlock()
	in.gate.Open()
}

// deliver sends what is in the inbox. While a client's commands run, what it gets itself only goes to c.out.
func (l *loop) deliver() {
	if !l.inbox.filled.Load() {
		return
	}
	l.watch.Pause()
	list := l.inbox.take()
	for left := list; len(left) > 0; {
		n := runLength(left)
		l.spread(left[:n])
		left = left[n:]
	}
	e := &l.errand
	for _, c := range e.dirty {
		l.handOver(c)
	}
	clear(e.dirty)
	clear(e.pieces)
	e.dirty, e.pieces, e.gather = e.dirty[:0], e.pieces[:0], e.gather[:0]
	if cap(e.pieces) > keepEntries || cap(e.gather) > keepSpare {
		*e = errand{}
	}
	l.inbox.done(list)
}

// collect need not do anything while a goroutine runs the client's command: what is posted comes after its reply.
func (l *loop) collect(c *client) {
	if !c.loop.running {
		l.deliver()
	}
}

// runLength returns how many entries at the start of the list are to be joined.
func runLength(list []entry) int {
	to := list[0].to
	size := len(list[0].what.Wire(2))
	if size >= joinBelow {
		return 1
	}
	n := 1
	for ; n < len(list); n++ {
		e := &list[n]
		if len(e.to) != len(to) || &e.to[0] != &to[0] {
			break
		}
		more := len(e.what.Wire(2))
		if size += more; more >= joinBelow || size > joinUpTo {
			break
		}
	}
	return n
}

// spread gives every receiver of a run its piece.
func (l *loop) spread(run []entry) {
	var joined [2][]byte // by protocol version, when the first needs it
	e := &l.errand
	for _, s := range run[0].to {
		c := s.(*client)
		if c.closed || c.closing || !c.takes(run[0].what) {
			continue
		}
		proto := c.proto()
		b := joined[proto-2]
		if b == nil {
			b = join(run, proto)
			joined[proto-2] = b
		}
		e.pieces = append(e.pieces, piece{b: b})
		at := int32(len(e.pieces))
		if c.loop.pushes[0] == 0 {
			e.dirty = append(e.dirty, c)
			c.loop.pushes[0] = at
		} else {
			e.pieces[c.loop.pushes[1]-1].next = at
		}
		c.loop.pushes[1] = at
	}
}

// join returns the wire form of a run. It is never written to again.
func join(run []entry, proto int) []byte {
	if len(run) == 1 {
		return run[0].what.Wire(proto)
	}
	size := 0
	for i := range run {
		size += len(run[i].what.Wire(proto))
	}
	b := make([]byte, 0, size)
	for i := range run {
		b = append(b, run[i].what.Wire(proto)...)
	}
	return b
}

// handOver sends a client its pieces, and keeps what can't be sent now.
func (l *loop) handOver(c *client) {
	e := &l.errand
	first := c.loop.pushes[0]
	c.loop.pushes = [2]int32{}
	late := c.loop.running && (!c.loop.waits() || c.holds())
	if c.closed || c.closing {
		return
	}
	for at := first; at != 0; at = e.pieces[at-1].next {
		switch b := e.pieces[at-1].b; {
		case late:
			c.loop.late = append(c.loop.late, b...)
		case c == l.current:
			c.out.Buf = append(c.out.Buf, b...)
		case len(b) >= shareFrom || at == first && e.pieces[at-1].next == 0:
			l.offerGathered(c)
			l.offer(c, b, true)
		default:
			e.gather = append(e.gather, b...)
		}
	}
	switch {
	case c == l.current: // it is sent with the replies
	case late:
		if c.overfull(c.loop.waiting + len(c.loop.late)) {
			l.close(c)
		}
	default:
		l.offerGathered(c)
		if !c.closed && (c.loop.waiting > 0 || c.sent < len(c.out.Buf)) {
			l.write(c)
		}
	}
}

// offerGathered sends the small pieces that were gathered.
func (l *loop) offerGathered(c *client) {
	l.offer(c, l.errand.gather, false)
	l.errand.gather = l.errand.gather[:0]
}

// offer sends what the socket takes of b, unless it is behind already, and queues the rest: shared, if b lasts and it
// is worth it.
func (l *loop) offer(c *client, b []byte, lasts bool) {
	if c.loop.unsent && len(b) > 0 { // replies that were left to write come first
		l.write(c)
	}
	behind := c.loop.waiting > 0 || c.sent < len(c.out.Buf) // though the socket may take more: a backlog is sent in turns
	for len(b) > 0 && !behind && !c.loop.blocked && !c.closed {
		b = b[l.send(c, b):]
	}
	switch {
	case len(b) == 0 || c.closed:
	case lasts && len(b) >= shareFrom:
		c.stack()
		c.loop.backlog = append(c.loop.backlog, b)
		c.loop.waiting += len(b)
	default:
		c.out.Buf = append(c.out.Buf, b...)
	}
}
