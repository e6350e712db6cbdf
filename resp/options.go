package resp

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/wire"
)

// What holds where an Options field is zero.
const (
	DefaultMaxClients = 10000
	DefaultKeepAlive  = 300 * time.Second
	DefaultQueryLimit = 1 << 30
)

// defaultPubSubLimit is Redis's.
var defaultPubSubLimit = OutputLimit{Hard: 32 << 20, Soft: 8 << 20, Period: time.Minute}

// Options configure a Server. The zero value works: no password, no protected mode, Redis's limits.
type Options struct {
	// Password, if not empty, must be given with AUTH or HELLO before anything else. See SetPassword.
	Password string

	// MaxClients is how many clients are served at a time; one more gets an error and is closed.
	// 0 means DefaultMaxClients. See SetMaxClients.
	MaxClients int

	// Timeout is for how long a client may be silent before it is closed, checked once a second. 0 means for ever.
	// See SetTimeout.
	Timeout time.Duration

	// KeepAlive is after how long a silence TCP asks whether the peer is still there. 0 means DefaultKeepAlive, a
	// negative value never. See SetKeepAlive.
	KeepAlive time.Duration

	// ProtectedMode refuses TCP clients that are not on this machine for as long as there is no password.
	// See SetProtectedMode.
	ProtectedMode bool

	// OutputLimit bounds the replies that wait for a client to read them. The zero value is no bound.
	// See SetOutputLimit.
	OutputLimit OutputLimit

	// PubSubLimit bounds what waits for a client that has subscribed to channels, in place of OutputLimit. The zero value
	// means Redis's default: Hard 32 MB, Soft 8 MB for a minute. A Hard below 0 is no bound. See SetPubSubLimit.
	PubSubLimit OutputLimit

	// QueryLimit is how many bytes of commands a client may have sent that were not run yet. 0 means
	// DefaultQueryLimit. See SetQueryLimit.
	QueryLimit int64

	// MaxBulk is the longest argument in bytes. 0 means 512 MB. See SetMaxBulk.
	MaxBulk int64

	// Configured takes what the fields above say from the directives of darter.Options.Config instead: requirepass,
	// maxclients and so on. CONFIG SET of these directives reaches the server in either case.
	Configured bool

	// Loops is how many event loops serve plain TCP and unix connections on Linux. 0 means one less than GOMAXPROCS,
	// at least one: what is left is for commands that take long, and for the rest of the program. A negative value
	// means none: every client has a goroutine, as on other systems.
	Loops int

	// Logger is told of clients that were cut off, and of listeners that can't accept. nil means silence.
	Logger *slog.Logger

	// OnShutdown carries out SHUTDOWN: save if asked to, then bring the process to its end. It runs in a goroutine
	// of its own and may call Server.Shutdown. If it returns nil the client gets no reply and is closed; an error is
	// logged and the client told. nil means that SHUTDOWN is refused.
	OnShutdown func(ShutdownMode) error
}

// ShutdownMode is what SHUTDOWN was asked for.
type ShutdownMode struct {
	Save   bool // SAVE: save even if no save points are set
	NoSave bool // NOSAVE: do not save
	Now    bool // NOW: do not wait for anybody
	Force  bool // FORCE: end even if saving fails
}

// OutputLimit bounds a client's backlog, as one class of client-output-buffer-limit does. A client is closed at once
// when the backlog goes over Hard bytes, and when it has been over Soft bytes for longer than Period. 0 means no bound.
type OutputLimit struct {
	Hard, Soft int64
	Period     time.Duration
}

// settings are the options that may change while clients are served. Batches read them, so all is atomic.
type settings struct {
	password   atomic.Pointer[secret] // nil: none
	maxClients atomic.Int64
	timeout    atomic.Int64
	keepAlive  atomic.Int64
	protected  atomic.Bool
	normal     limits
	pubsub     limits // of clients that have subscriptions
	queryLimit atomic.Int64
	maxBulk    atomic.Int64
}

// limits are an OutputLimit in force.
type limits struct{ hard, soft, period atomic.Int64 }

func (l *limits) set(to OutputLimit) {
	l.hard.Store(max(to.Hard, 0))
	l.soft.Store(max(to.Soft, 0))
	l.period.Store(int64(max(to.Period, 0)))
}

// any says that there is a bound.
func (l *limits) any() bool { return l.hard.Load()|l.soft.Load() != 0 }

// secret is a password that is compared in a time that does not depend on what was guessed.
type secret [sha256.Size]byte

func (s *secret) is(guess []byte) bool {
	sum := sha256.Sum256(guess)
	return subtle.ConstantTimeCompare(s[:], sum[:]) == 1
}

func (s *Server) apply(o Options) {
	s.SetPassword(o.Password)
	s.SetMaxClients(o.MaxClients)
	s.SetTimeout(o.Timeout)
	s.SetKeepAlive(o.KeepAlive)
	s.SetProtectedMode(o.ProtectedMode)
	s.SetOutputLimit(o.OutputLimit)
	if o.PubSubLimit == (OutputLimit{}) {
		o.PubSubLimit = defaultPubSubLimit
	}
	s.SetPubSubLimit(o.PubSubLimit)
	s.SetQueryLimit(o.QueryLimit)
	s.SetMaxBulk(o.MaxBulk)
}

// SetPassword changes Options.Password. Clients that are let in already stay so.
func (s *Server) SetPassword(password string) {
	if password == "" {
		s.set.password.Store(nil)
		return
	}
	sum := secret(sha256.Sum256([]byte(password)))
	s.set.password.Store(&sum)
}

// SetMaxClients changes Options.MaxClients. Clients beyond it that are there already stay.
func (s *Server) SetMaxClients(n int) { s.set.maxClients.Store(orDefault(int64(n), DefaultMaxClients)) }

// SetTimeout changes Options.Timeout.
func (s *Server) SetTimeout(d time.Duration) { s.set.timeout.Store(int64(max(d, 0))) }

// SetKeepAlive changes Options.KeepAlive for clients that connect from now on.
func (s *Server) SetKeepAlive(d time.Duration) {
	if d == 0 {
		d = DefaultKeepAlive
	}
	s.set.keepAlive.Store(int64(d))
}

// SetProtectedMode changes Options.ProtectedMode.
func (s *Server) SetProtectedMode(on bool) { s.set.protected.Store(on) }

// SetOutputLimit changes Options.OutputLimit.
func (s *Server) SetOutputLimit(l OutputLimit) { s.set.normal.set(l) }

// SetPubSubLimit changes Options.PubSubLimit. Here the zero value is no bound.
func (s *Server) SetPubSubLimit(l OutputLimit) { s.set.pubsub.set(l) }

// SetQueryLimit changes Options.QueryLimit.
func (s *Server) SetQueryLimit(bytes int64) {
	s.set.queryLimit.Store(orDefault(bytes, DefaultQueryLimit))
}

// SetMaxBulk changes Options.MaxBulk.
func (s *Server) SetMaxBulk(bytes int64) {
	s.set.maxBulk.Store(min(orDefault(bytes, wire.DefaultMaxBulk), math.MaxInt32))
}

func orDefault(n, standard int64) int64 {
	if n <= 0 {
		return standard
	}
	return n
}
