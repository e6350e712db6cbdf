package darter

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/config"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/watchdog"
)

// # SLOWLOG, LATENCY, and what MONITOR is told
//
// Servers time the commands of their clients and show them in MONITOR: see package watchdog. What they can't see, since
// it is the session that runs it, their Observer is told of: the commands of EXEC, scripts, and what scripts call.
//
//	in EXEC        as each has run, the shards held
//	in a script    at its end, when it takes effect; what was undone is not told of
//
// A transaction that runs very many commands does not keep them all: it tells of them as it goes.

// Observer is told what a session runs that its user does not see. It is for package resp.
type Observer interface {
	// Watching says whether anybody wants to see commands. Saw is called only if so.
	Watching() bool
	// Saw is told of a command, in the database it was run in or has selected. Shards are held: it must not wait. It keeps
	// nothing of args.
	Saw(row *command.Row, db int, args [][]byte, byScript bool)
	// Took is told how long a command within EXEC took. It keeps nothing of args.
	Took(row *command.Row, args [][]byte, took time.Duration)
}

// SetObserver has o told of what the session runs, from now on.
func (s *Session) SetObserver(o Observer) { s.observer = o }

// Waited returns how long commands of the session have waited for keys since it was last asked, and whether the last of
// them waited in vain. That time is not counted as theirs in SLOWLOG, and of who waits in vain nothing is noted at all.
func (s *Session) Waited() (waited time.Duration, inVain bool) {
	waited, inVain = s.waited, s.inVain
	s.waited, s.inVain = 0, false
	return waited, inVain
}

// Watchdog returns what measures commands. It is for package resp.
func (c *Cache) Watchdog() *watchdog.Dog { return c.dog }

func (e *engine) bindWatchdog(v *config.Values) {
	w := watchdog.Wanted{
		Slower:   atMost(v.Int("slowlog-log-slower-than"), time.Microsecond),
		Entries:  v.Int("slowlog-max-len"),
		Spikes:   atMost(v.Int("latency-monitor-threshold"), time.Millisecond),
		Tracking: v.Bool("latency-tracking"),
	}
	e.dog.Set(w)
}

// atMost returns n units, as far as a duration can tell.
func atMost(n int64, unit time.Duration) time.Duration {
	const most = time.Duration(1 << 62)
	if n > int64(most/unit) {
		return most
	}
	return time.Duration(n) * unit
}

// maxObserved is how many bytes of commands a transaction keeps to tell of at its commit.
const maxObserved = 8 << 20

// observation is a command that is to be told of.
type observation struct {
	observer Observer
	row      *command.Row
	db       int
	args     [][]byte
	byScript bool
}

// observations are those of a transaction.
type observations struct {
	list  []observation
	bytes int
}

func (o *observations) add(one observation) {
	args := one.args
	one.args = make([][]byte, len(args))
	for i, a := range args {
		one.args[i] = bytes.Clone(a)
		o.bytes += len(a) + 24
	}
	o.list = append(o.list, one)
	if o.bytes > maxObserved {
		o.tell()
	}
}

func (o *observations) tell() {
	for _, one := range o.list {
		one.observer.Saw(one.row, one.db, one.args, one.byScript)
	}
	*o = observations{}
}

// saw tells the observer of a command: at the commit, in a transaction.
func (s *Session) saw(row *command.Row, db int, args [][]byte, byScript bool) {
	switch {
	case s.observer == nil || !s.observer.Watching():
	case s.tx != nil:
		s.tx.observed.add(observation{s.observer, row, db, args, byScript})
	case s.version != nil:
		s.version.observed.add(observation{s.observer, row, db, args, byScript})
	default:
		s.observer.Saw(row, db, args, byScript)
	}
}

// ranQueued tells of a command that EXEC has run. Scripts are told of where they run.
func (s *Session) ranQueued(q *queued, watch *watchdog.Stopwatch) {
	if !q.row.Brief() || !watch.Pass(0) {
		if took := watch.Lap(); took > 0 && s.observer != nil {
			s.observer.Took(q.row, q.args, took)
		}
	}
	if q.row.Flags&command.SkipMonitor == 0 {
		s.saw(q.row, s.call.DB, q.args, false)
	}
}

// observed makes a handler of scripts tell of those, too, that did not come to run or were undone.
func observed(run func(*Session, *command.Call)) func(*Session, *command.Call) {
	return func(s *Session, c *command.Call) {
		s.script.seen = false
		row, args := c.Row, c.Args
		run(s, c)
		if !s.busy && !s.script.seen {
			s.saw(row, c.DB, args, false)
		}
	}
}

const errSlowCount = errs.Error("ERR count should be greater than or equal to -1")

func slowlogGetCommand(s *Session, c *command.Call) {
	n := int64(10)
	switch {
	case len(c.Args) > 3:
		wrongSubcommand(c, "SLOWLOG")
		return
	case len(c.Args) == 3:
		var ok bool
		if n, ok = num.ParseInt(c.Args[2]); !ok || n < -1 {
			c.Fail(errSlowCount)
			return
		}
	}
	entries := s.dog.Slow().Latest(n)
	w := c.W
	w.Array(len(entries))
	for _, e := range entries {
		w.Array(6)
		w.Int(e.ID)
		w.Int(e.At)
		w.Int(e.Micros)
		w.Array(len(e.Args))
		for _, a := range e.Args {
			w.BulkString(a)
		}
		w.BulkString(e.Addr)
		w.BulkString(e.Client)
	}
}

func slowlogLenCommand(s *Session, c *command.Call) { c.W.Int(int64(s.dog.Slow().Len())) }

func slowlogResetCommand(s *Session, c *command.Call) {
	s.dog.Slow().Reset()
	c.OK()
}

func latencyLatestCommand(s *Session, c *command.Call) {
	events := s.dog.Latest()
	c.W.Array(len(events))
	for _, e := range events {
		c.W.Array(4)
		c.W.BulkString(e.Event)
		c.W.Int(e.At)
		c.W.Int(e.Millis)
		c.W.Int(e.Worst)
	}
}

func latencyHistoryCommand(s *Session, c *command.Call) {
	spikes, _ := s.dog.History(string(c.Args[2]))
	c.W.Array(len(spikes))
	for _, sp := range spikes {
		c.W.Array(2)
		c.W.Int(sp.At)
		c.W.Int(sp.Millis)
	}
}

func latencyResetCommand(s *Session, c *command.Call) {
	var names []string
	for _, a := range c.Args[2:] {
		names = append(names, string(a))
	}
	c.W.Int(int64(s.dog.ResetLatency(names...)))
}

func latencyGraphCommand(s *Session, c *command.Call) {
	drawing, ok := s.dog.Graph(string(c.Args[2]))
	if !ok {
		c.W.Error(fmt.Sprintf("ERR No samples available for event '%s'", c.Args[2]))
		return
	}
	c.W.Verbatim("txt", drawing)
}

func latencyDoctorCommand(s *Session, c *command.Call) { c.W.Verbatim("txt", s.dog.Doctor()) }

// latencyHistogramCommand answers for the commands asked for, or all; one with subcommands stands for these.
func latencyHistogramCommand(s *Session, c *command.Call) {
	rows := command.Rows()
	if len(c.Args) > 2 {
		rows = nil
		for _, name := range c.Args[2:] {
			row := command.Lookup(name)
			if parent, sub, ok := bytes.Cut(name, []byte{'|'}); ok {
				if row = command.Lookup(parent); row != nil {
					row = row.Subcommand(sub)
				}
			}
			if row != nil {
				rows = append(append(rows, row), row.Sub...)
			}
		}
	}
	type found struct {
		name    string
		calls   int64
		buckets []watchdog.Bucket
	}
	var list []found
	for _, row := range rows {
		if sum := s.dog.Distribution(row.Index()); sum.Calls > 0 {
			list = append(list, found{row.FullName(), sum.Calls, sum.Buckets()})
		}
	}
	w := c.W
	w.Map(len(list))
	for _, f := range list {
		w.BulkString(f.name)
		w.Map(2)
		w.BulkString("calls")
		w.Int(f.calls)
		w.BulkString("histogram_usec")
		w.Map(len(f.buckets))
		for _, b := range f.buckets {
			w.Int(b.Micros)
			w.Int(b.Calls)
		}
	}
}

// infoLatency tells percentiles of how long commands take, in microseconds.
func infoLatency(e *engine, t *infoText) {
	percentiles := e.config.Current().Floats("latency-tracking-info-percentiles")
	for _, row := range command.Rows() {
		sum := e.dog.Distribution(row.Index())
		if sum.Calls == 0 || len(percentiles) == 0 {
			continue
		}
		var b []byte
		for i, p := range percentiles {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(append(b, 'p'), p, 'g', -1, 64)
			b = fmt.Appendf(b, "=%.3f", float64(sum.Percentile(p))/1000)
		}
		t.add("latency_percentiles_usec_"+row.FullName(), string(b))
	}
}
