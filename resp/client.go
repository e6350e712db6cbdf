package resp

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/pubsub"
	"github.com/darterdb/darter/internal/reply"
	"github.com/darterdb/darter/internal/tracking"
	"github.com/darterdb/darter/internal/watchdog"
	"github.com/darterdb/darter/internal/wire"
)

// transport moves a client's bytes. flush and collect belong to the client's own thread, the rest to everybody.
type transport interface {
	// flush sends what the peer takes of c.out now, and keeps the rest as backlog. It closes c if it can't.
	flush(c *client)
	// ask has the transport do something to the client, soon and on its own thread.
	ask(c *client, what job)
	// post has a push reach the client, after what was posted before. It does not wait.
	post(c *client, p parcel)
	// collect appends to c.out what was posted so far and is not on its way. A command may be running.
	collect(c *client)
	// outlet returns what takes messages for all clients of the transport, nil if there is only one.
	outlet() pubsub.Outlet
}

// job is what a transport can be asked to do to a client.
type job uint8

const (
	jobKill   job = iota // close it as it is
	jobEnd               // close it when it has its replies
	jobResume            // what it waited for has come: go on
	jobAdopt             // serve it, it is new
)

// mute says which replies a client does not want.
type mute uint8

const (
	muteOff  mute = iota // it wants replies
	muteAll              // CLIENT REPLY OFF
	muteNext             // CLIENT REPLY SKIP was run: not the next reply
	muteThis             // not the reply of the command being run
)

// client is one connection and its state. Who may touch which part is said in doc.go.
type client struct {
	id        uint64
	server    *Server
	transport transport
	meter     *meter
	watch     *watchdog.Stopwatch // its loop's, or its own
	session   *darter.Session
	addr      string // of the peer
	laddr     string
	unix      bool
	fd        int32 // -1 where there is none
	created   int64 // Unix seconds

	parser wire.Parser
	out    reply.RESP // replies; what is before sent is with the peer already
	sent   int
	rest   []byte // received, not yet run

	authenticated bool
	quiet         mute
	leaving       bool // the command just run was its last; set by handlers
	closing       bool // close it once the replies are sent: no more commands; set by the transport
	closed        bool // its socket is gone
	monitors      bool // it has sent MONITOR
	narrow        bool // it may only send commands about subscriptions
	executing     bool // a command of this package runs as a part of EXEC
	caching       bool // CLIENT CACHING was run and concerns the next command
	loop          loopClient
	subs          *pubsub.Subscriptions // nil if there are none

	state atomic.Uint32 // the flags* bits
	label struct {
		sync.Mutex
		name, libName, libVer string
	}
	seen    seen
	tracker atomic.Pointer[tracking.Tracker] // the session's, nil if it was never tracked
	told    atomic.Bool                      // it was told of a key, perhaps by the command that it is running
	killed  atomic.Bool                      // somebody wants it closed; it is out of the registry
}

const (
	flagNoEvict uint32 = 1 << iota
	flagNoTouch
	flagClosing
	flagRESP3
	flagSubscriber
	flagTracking
	flagBroadcast // it is told of prefixes
	flagBroken    // the client that it redirects to has gone
	flagMonitor
)

// seen is what others may see of a client, brought up to date once a batch.
type seen struct {
	active   atomic.Int64 // Unix second at which it last sent or took something
	cmd      atomic.Pointer[command.Row]
	db       atomic.Int32
	multi    atomic.Int32 // commands queued since MULTI, -1 outside
	in       atomic.Int64 // bytes of rest
	inCap    atomic.Int64
	out      atomic.Int64 // bytes of backlog
	overSoft atomic.Int64 // Unix second since which the backlog is over the soft limit; 0 if it is not
	away     atomic.Bool
	subs     [pubsub.Kinds]atomic.Int32
	redirect atomic.Uint64 // the id of the client that gets what this one is told of keys, 0 for itself
}

func (s *Server) newClient(peer, local net.Addr) *client {
	c := &client{
		server:        s,
		session:       s.cache.NewSession(),
		fd:            -1,
		created:       s.clock.Load(),
		authenticated: s.set.password.Load() == nil,
	}
	c.addr, c.unix = addressOf(peer, local)
	c.laddr, _ = addressOf(local, local)
	c.session.SetLocal(isLocal(peer))
	c.session.SetImpatient(true)
	c.session.SetObserver(c)
	c.seen.active.Store(c.created)
	c.seen.multi.Store(-1)
	return c
}

// addressOf is how clients are shown an address. A unix socket has the path of its listener and port 0 on both ends.
func addressOf(a, local net.Addr) (text string, unix bool) {
	if a == nil {
		return "?:0", false
	}
	if u, ok := local.(*net.UnixAddr); ok {
		return u.Name + ":0", true
	}
	return a.String(), false
}

// isLocal tells whether the peer is on this machine: of the networks that Go knows only IP ones lead elsewhere.
func isLocal(peer net.Addr) bool {
	tcp, ok := peer.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// locked tells whether a password is asked for that the client has not given.
func (c *client) locked() bool { return !c.authenticated && c.server.set.password.Load() != nil }

// flag sets or clears a flag.
func (c *client) flag(bit uint32, on bool) {
	if on {
		c.state.Or(bit)
	} else {
		c.state.And(^bit)
	}
}

// stir notes that the client does something now: it has sent commands, or takes replies.
func (c *client) stir() {
	if now := c.server.clock.Load(); c.seen.active.Load() != now {
		c.seen.active.Store(now)
	}
}

// publish shows others how the client stands. Plain loads come first: a store to a line that did not change costs more.
func (c *client) publish(last *command.Row) {
	c.stir()
	if last != nil && c.seen.cmd.Load() != last {
		c.seen.cmd.Store(last)
	}
	if db := int32(c.session.DB()); c.seen.db.Load() != db {
		c.seen.db.Store(db)
	}
	if n := int32(c.session.Queued()); c.seen.multi.Load() != n {
		c.seen.multi.Store(n)
	}
}

// publishIn shows others what waits to be run.
func (c *client) publishIn() {
	if n := int64(len(c.rest)); c.seen.in.Load() != n {
		c.seen.in.Store(n)
	}
	if n := int64(cap(c.rest) - len(c.rest)); c.seen.inCap.Load() != n {
		c.seen.inCap.Store(n)
	}
}

// limit returns the bounds of what may wait for the client. One in MONITOR gets what it has not asked for, like a
// subscriber: it has the bounds of those, unless normal clients have some.
func (c *client) limit() *limits {
	normal := &c.server.set.normal
	switch state := c.state.Load(); {
	case state&flagSubscriber != 0:
		return &c.server.set.pubsub
	case state&flagMonitor != 0 && normal.hard.Load() == 0 && normal.soft.Load() == 0:
		return &c.server.set.pubsub
	}
	return normal
}

// overfull tells whether n bytes of output that wait are more than the hard limit. Then the client is to be closed,
// which it counts and says in the log.
func (c *client) overfull(n int) bool {
	hard := c.limit().hard.Load()
	if hard == 0 || int64(n) <= hard {
		return false
	}
	c.cutOff("its output is over the limit", int64(n))
	return true
}

// cutOff counts a client that is closed because it does not read.
func (c *client) cutOff(why string, n int64) {
	c.server.overOutput.Add(1)
	c.server.log.Warn("closing client: "+why, "client", c.id, "addr", c.addr, "bytes", n)
}

// overQuery says in the log that the client has sent too much that is no complete command.
func (c *client) overQuery() {
	c.server.overQuery.Add(1)
	c.server.log.Warn("closing client: its unfinished command is over the limit", "client", c.id, "addr", c.addr,
		"bytes", len(c.rest))
}

// publishOut shows others a backlog of n bytes, and notes since when it is over the soft limit.
func (c *client) publishOut(n int) {
	if int64(n) == c.seen.out.Load() {
		return
	}
	c.seen.out.Store(int64(n))
	soft := c.limit().soft.Load()
	switch over := soft != 0 && int64(n) > soft; {
	case !over:
		c.seen.overSoft.Store(0)
	case c.seen.overSoft.Load() == 0:
		c.seen.overSoft.Store(c.server.clock.Load())
	}
}

// overdue tells whether the client has had a backlog for too long, or one that is too large now. The limits may have
// changed since the backlog did, and with them what is noted of it.
func (c *client) overdue(now int64) bool {
	limit, out := c.limit(), c.seen.out.Load()
	hard, soft := limit.hard.Load(), limit.soft.Load()
	since := c.seen.overSoft.Load()
	switch {
	case hard != 0 && out > hard:
		return true
	case soft == 0 || out <= soft:
		if since != 0 {
			c.seen.overSoft.Store(0)
		}
		return false
	case since == 0:
		c.seen.overSoft.Store(now)
		return false
	}
	return now-since > limit.period.Load()/int64(time.Second)
}

// setProto changes the protocol version.
func (c *client) setProto(version int) {
	c.out.SetProto(version)
	c.flag(flagRESP3, version == 3)
	c.restrict()
}

// proto returns the protocol version, for others than the client's own thread.
func (c *client) proto() int { return 2 + int(c.state.Load()&flagRESP3/flagRESP3) }
