package resp

import (
	"bytes"
	"errors"
	"runtime/debug"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/reply"
	"github.com/darterdb/darter/internal/watchdog"
	"github.com/darterdb/darter/internal/wire"
)

const (
	// flushAt is how many bytes of replies gather before they are sent although the batch is not through.
	flushAt = 128 << 10
	// replyChunk is the size of the chunks of a long reply.
	replyChunk = 256 << 10
	// batchCommands is how many commands a client runs before others have their turn.
	batchCommands = 1024
	// aheadMost is how much of what a client sends while its command waits is read meanwhile, so that its end is noticed.
	aheadMost = 512 << 10
	// briefBytes is the longest request that takes no time to speak of because of its length.
	briefBytes = 64 << 10
)

// verdict says why run stopped.
type verdict uint8

const (
	needMore  verdict = iota // no complete command is left
	needTurn                 // more commands are there, but others are to have a turn first
	needAway                 // the command in next may be slow; it counts as consumed
	needPause                // the command in next must wait for the end of CLIENT PAUSE; it counts as consumed
	needRoom                 // it has published more than can be passed on: it is to wait at session.Jam
	needClose                // no more commands: send the replies and close
)

// call is a command that was parsed and resolved.
type call struct {
	row    *command.Row
	args   [][]byte
	run    handler // nil: the session runs it
	slow   bool
	queued bool // EXEC is to run it
	pushes bool // see boundRow
}

// run runs the complete commands at the start of in, which must begin where the last run stopped, and appends their
// replies to c.out. It tells how many bytes it used, and why it stopped. After needAway and needPause, next is the
// command that elsewhere is to run; its arguments are parts of in.
func (c *client) run(in []byte) (used int, why verdict, next call) {
	s := c.server
	c.parser.MaxBulk = int(s.set.maxBulk.Load())
	c.parser.Unauthenticated = c.locked()
	left := in
	count := int64(0)
	var row *command.Row
	watch, show := c.watch, s.watched.any()
	watch.Start(s.dog)
loop:
	for len(left) > 0 {
		if count >= batchCommands {
			why = needTurn
			break
		}
		args, n, err := c.parser.Parse(left)
		if err != nil {
			c.fail(err)
			left, why = nil, needClose
			break
		}
		if n == 0 {
			break
		}
		if len(args) == 0 {
			left = left[n:]
			continue
		}
		mark := c.out.Mark()
		pushes := false
		resolved, err := command.Resolve(args)
		if err != nil {
			if isHTTP(args[0]) {
				s.log.Warn("closing client that speaks HTTP", "client", c.id, "addr", c.addr)
				s.kill(c)
				c.out.Buf = c.out.Buf[:c.sent] // the headers before this one were commands in error
				c.closing = true
				return len(in), needClose, next
			}
			c.session.Refuse()
			c.out.Error(err.Error())
		} else if !c.gate(resolved) {
			c.session.Refuse()
		} else {
			row = resolved
			h := &s.bound[row.Index()]
			run, slow := h.run, row.Slow || h.slow != nil && h.slow(c)
			pushes = h.pushes
			queued := c.session.InMulti() && !row.ControlsMulti()
			if c.narrow {
				run = h.narrow
			}
			timed := n > briefBytes || !row.Brief() || count == 0 && n == len(left)
			if timed {
				watch.Settle()
			}
			switch {
			case s.pause.on() && c.paused(row):
				why = needPause
				slow = slow && !queued
			case slow && !queued:
				why = needAway
			case queued && run != nil:
				pushes = false
				c.enqueue(run, row, args, &c.out)
			case run != nil:
				c.publish(row)
				c.runBound(run, row, args, &c.out)
			default:
				if err := c.session.Run(row, args, &c.out); err == darter.ErrBusy {
					c.out.Rewind(mark)
					why, slow = needAway, true
				} else if err != nil {
					c.defect(&c.out, mark, err)
				}
			}
			if why != needMore {
				next = call{row: row, args: args, run: run, slow: slow, queued: queued, pushes: pushes}
				left = left[n:]
				count++
				break
			}
			if queued {
				watch.Pass(0)
			} else if show || timed || !watch.Pass(int(c.out.Mark()-mark)) {
				c.ran(row, args, watch.Lap(), show)
				show = s.watched.any()
			}
		}
		if c.caching {
			c.finished(args)
		}
		count++
		left = left[n:]
		if c.quiet != muteOff {
			c.hush(&c.out, mark, pushes)
		}
		if c.told.Load() {
			c.told.Store(false)
			c.collect() // what the client has changed itself comes right behind the reply, not at the end of the batch
		}
		switch {
		case c.leaving:
			left, why = nil, needClose
			break loop
		case c.killed.Load():
			c.closing = true
			return len(in), needClose, next
		case c.session.Jammed():
			why = needRoom
			break loop
		case len(c.out.Buf)-c.sent >= flushAt:
			c.session.Broadcast()
			if c.transport.flush(c); c.closed {
				return len(in), needClose, next
			}
			if c.loop.behind() {
				// The client reads more slowly than it asks: others come first.
				why = needTurn
				break loop
			}
		}
	}
	c.session.Broadcast()
	used = len(in) - len(left)
	if why == needClose {
		c.closing = true
	}
	c.publish(row)
	c.meter.commands.Add(count)
	return used, why, next
}

// enqueue keeps a command of this package for EXEC.
func (c *client) enqueue(run handler, row *command.Row, args [][]byte, w *reply.RESP) {
	c.session.Enqueue(row, args, w, func(args [][]byte, w reply.Writer) {
		c.executing = true
		c.runBound(run, row, args, w.(*reply.RESP))
		c.executing = false
	})
}

// copied returns the call with arguments of its own.
func (n call) copied() call {
	size := 0
	for _, a := range n.args {
		size += len(a)
	}
	flat := make([]byte, 0, size)
	args := make([][]byte, len(n.args))
	for i, a := range n.args {
		at := len(flat)
		flat = append(flat, a...)
		args[i] = flat[at:len(flat):len(flat)]
	}
	n.args = args
	return n
}

// gate answers for a client that must give the password first, or may send little else than subscriptions, and tells
// whether the command may run.
func (c *client) gate(row *command.Row) bool {
	switch {
	case !c.authenticated && row.Flags&command.NoAuth == 0 && c.locked():
		c.out.Error("NOAUTH Authentication required.")
	case c.monitors && row.Flags&(command.ReadOnly|command.Write|command.MayReplicate) != 0:
		c.out.Error(errMonitorKeys)
	case c.narrow && c.server.bound[row.Index()].narrow == nil:
		c.refuseNarrow(row)
	default:
		return true
	}
	return false
}

// fail answers a request that can't be read.
func (c *client) fail(err error) {
	mark := c.out.Mark()
	var protocol wire.ProtocolError
	if errors.As(err, &protocol) {
		c.server.log.Debug("closing client: "+string(protocol), "client", c.id, "addr", c.addr)
	}
	c.out.Error("ERR " + err.Error())
	if c.quiet != muteOff {
		c.hush(&c.out, mark, false)
	}
}

// defect replaces a reply that may be half written.
func (c *client) defect(w *reply.RESP, mark int64, err error) {
	w.Rewind(mark)
	if known, ok := err.(errs.Error); ok {
		w.Error(string(known))
		return
	}
	w.Error("ERR " + err.Error())
}

// hush takes a reply back that the client does not want, unless it is pushes. A muteNext turns to the command after the
// one that set it.
func (c *client) hush(w *reply.RESP, mark int64, pushes bool) {
	if !pushes {
		w.Rewind(mark)
	}
	switch c.quiet {
	case muteNext:
		c.quiet = muteThis
	case muteThis:
		c.quiet = muteOff
	}
}

// long returns a writer for the reply of a command that may be long.
func (c *client) long() reply.RESP {
	w := reply.RESP{Chunk: replyChunk, Limit: c.limit().hard.Load()}
	w.SetProto(c.out.Proto())
	return w
}

// elsewhere runs a command that left the batch, answering to w. It may take long and wait, unless it is run on the loop
// after all: then it says that it can't.
func (c *client) elsewhere(next call, w *reply.RESP, patient bool) (done bool) {
	mark := w.Mark()
	var watch watchdog.Stopwatch
	watch.Start(c.server.dog)
	show := c.server.watched.any()
	if show && patient && next.row.Flags&command.Blocking != 0 {
		c.show(next.row, next.args) // before it waits
		show = false
	}
	if next.queued && next.run != nil {
		next.pushes = false
		c.enqueue(next.run, next.row, next.args, w)
	} else if next.run != nil {
		c.runBound(next.run, next.row, next.args, w)
	} else {
		if patient {
			c.session.SetImpatient(false)
			defer c.session.SetImpatient(true)
		}
		switch err := c.session.Run(next.row, next.args, w); {
		case err == darter.ErrBusy:
			w.Rewind(mark)
			return false
		case err != nil:
			c.defect(w, mark, err)
		}
	}
	switch waited, inVain := c.session.Waited(); {
	case !inVain:
		c.ran(next.row, next.args, watch.Lap()-waited, show)
	case c.session.Left(): // to nobody nothing is answered, and nothing more is done for it
		w.Rewind(mark)
		c.leaving = true
	}
	c.session.Broadcast()
	if c.caching {
		c.finished(next.args)
	}
	if c.quiet != muteOff {
		c.hush(w, mark, next.pushes)
	}
	return true
}

// runBound runs a command of this package. As in a session, a defect costs the command and nothing else.
func (c *client) runBound(run handler, row *command.Row, args [][]byte, w *reply.RESP) {
	mark := w.Mark()
	defer func() {
		if r := recover(); r != nil {
			c.server.log.Error("panic contained", "panic", r, "command", row.FullName(), "stack", string(debug.Stack()))
			c.defect(w, mark, darter.ErrInternal)
		}
	}()
	run(c, row, args, w)
}

// isHTTP tells whether a browser was tricked into sending a request here: nobody else says POST or Host.
func isHTTP(name []byte) bool {
	return bytes.EqualFold(name, []byte("post")) || bytes.EqualFold(name, []byte("host:"))
}
