package resp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/watchdog"
)

const (
	// housekeepingEvery is how coarse the server's clock is.
	housekeepingEvery = 100 * time.Millisecond
	// sweepRounds is after how many rounds of it idle and overfull clients are looked for.
	sweepRounds = 10
	// grace is what Serve gives clients to take their last replies.
	grace = 2 * time.Second
)

var errShutDown = errors.New("resp: the server was shut down")

// Server serves one cache to any number of listeners, whose clients share one set of ids and limits.
type Server struct {
	cache   *darter.Cache
	log     *slog.Logger
	options Options
	set     settings
	clients registry
	pause   pause
	dog     *watchdog.Dog
	watched monitors
	clock   atomic.Int64 // Unix seconds, a little late

	accepted, rejected    atomic.Int64
	overOutput, overQuery atomic.Int64 // clients closed at a limit
	nextMeter             atomic.Uint32
	meters                []meter
	bound                 []boundRow // by Row.Index

	work sync.WaitGroup // goroutines that end before Shutdown returns

	mu struct {
		sync.Mutex
		started   bool
		closed    bool
		listeners map[net.Listener]struct{}
		loops     []*loop
		detach    func() // from INFO
	}
	closing chan struct{} // closed when Shutdown begins
	ended   chan struct{} // closed when the last client is gone
}

// New returns a server of cache. It starts nothing before Serve. The cache stays the caller's, to be closed after
// Shutdown.
func New(cache *darter.Cache, o Options) *Server {
	s := &Server{
		cache:   cache,
		log:     o.Logger,
		options: o,
		bound:   bindRows(),
		dog:     cache.Watchdog(),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.options.Loops == 0 {
		s.options.Loops = max(1, runtime.GOMAXPROCS(0)-1)
	}
	s.meters = make([]meter, max(s.options.Loops, streamMeters))
	for i := range s.meters {
		s.meters[i].tally = s.dog.Tally(i)
	}
	s.mu.listeners = map[net.Listener]struct{}{}
	s.clients.byID = map[uint64]*client{}
	s.clock.Store(time.Now().Unix())
	s.apply(o)
	s.follow(cache.Config(), o.Configured)
	return s
}

// Serve serves cache to the clients of one listener until ctx is done or the listener fails, gives the clients a
// moment to take the replies that are under way, and closes them and the listener. It returns nil when ctx is done.
func Serve(ctx context.Context, ln net.Listener, cache *darter.Cache, o Options) error {
	s := New(cache, o)
	err := s.Serve(ctx, ln)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if late := s.Shutdown(end); err == nil && late != nil {
		s.log.Warn("clients cut off while replies were under way", "error", late)
	}
	return err
}

// Serve accepts clients from ln until ctx is done, Shutdown is called or the listener fails, and closes it. Clients
// stay until Shutdown. It returns the listener's error, and nil if it was stopped. It may be called for several
// listeners at a time.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if err := s.enter(ln); err != nil {
		_ = ln.Close()
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	err := s.accept(ctx, ln)
	stop()
	s.mu.Lock()
	delete(s.mu.listeners, ln)
	s.mu.Unlock()
	_ = ln.Close()
	s.work.Done()
	if ctx.Err() != nil || s.shuttingDown() {
		return nil
	}
	return err
}

// enter notes a listener, and on the first starts what serves clients.
func (s *Server) enter(ln net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return errShutDown
	}
	if !s.mu.started {
		s.mu.started = true
		s.mu.detach = s.cache.Attach(s)
		s.work.Go(s.housekeeping)
	}
	s.mu.listeners[ln] = struct{}{}
	s.work.Add(1)
	return nil
}

// Shutdown closes the listeners, lets each client finish the batch it is in and take its replies, and closes it. When
// ctx is done first, it closes the clients as they are and returns ctx's error. No goroutine of the server is left
// when it returns, but for commands that are still running.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	first := !s.mu.closed
	s.mu.closed = true
	if first {
		close(s.closing)
		for ln := range s.mu.listeners {
			_ = ln.Close()
		}
	}
	s.mu.Unlock()
	s.pause.end()
	if first {
		s.clients.close(func() { close(s.ended) })
	}
	for _, c := range s.clients.all() {
		c.session.Leave() // what a command waits for won't come
		c.transport.ask(c, jobEnd)
	}
	var err error
	select {
	case <-s.ended:
	case <-ctx.Done():
		err = ctx.Err()
		for _, c := range s.clients.all() {
			c.session.Kill()
			s.kill(c)
		}
		<-s.ended
	}
	s.mu.Lock()
	for _, l := range s.mu.loops {
		l.stop()
	}
	s.mu.loops = nil
	if s.mu.detach != nil {
		s.mu.detach()
		s.mu.detach = nil
	}
	s.mu.Unlock()
	s.work.Wait()
	return err
}

func (s *Server) shuttingDown() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// kill closes a client from outside. It is out of the registry at once; its transport follows. Who kills may hold shards,
// and be about to serve the client's own command: so it is the transport that ends its wait. Who holds nothing may do so
// himself, by session.Leave.
func (s *Server) kill(c *client) {
	if c.killed.Swap(true) {
		return
	}
	s.clients.remove(c)
	c.transport.ask(c, jobKill)
}

// housekeeping keeps the coarse clock and closes clients that idle or do not read.
func (s *Server) housekeeping() {
	tick := time.NewTicker(housekeepingEvery)
	defer tick.Stop()
	for round := 1; ; round++ {
		select {
		case <-s.ended:
			return
		case now := <-tick.C:
			s.clock.Store(now.Unix())
		}
		if round%sweepRounds == 0 && (s.set.timeout.Load() != 0 || s.set.normal.any() || s.set.pubsub.any()) {
			s.sweep()
		}
	}
}

func (s *Server) sweep() {
	now := s.clock.Load()
	timeout := s.set.timeout.Load() / int64(time.Second)
	for _, c := range s.clients.all() {
		waits := c.seen.away.Load() || c.state.Load()&(flagSubscriber|flagMonitor) != 0
		if idle := now - c.seen.active.Load(); timeout > 0 && idle > timeout && !waits {
			s.log.Debug("closing idle client", "client", c.id, "addr", c.addr)
			s.kill(c)
		}
		if c.overdue(now) {
			c.cutOff("it does not read", c.seen.out.Load())
			s.kill(c)
		}
	}
}
