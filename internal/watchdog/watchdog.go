// Package watchdog knows which commands took long.
//
//	watchdog.go   what is wanted, and how closely to measure for it
//	stopwatch.go  times the commands that one goroutine runs, one after another
//	slowlog.go    the log of slow commands
//	latency.go    spikes of latency by event, as LATENCY shows them
//	histogram.go  how long each command takes, as a distribution
//
// A look at the clock costs a good part of what a small command does. So commands are timed as the Mode says:
//
//	Off      not at all
//	Coarse   each that may take long, or comes alone; brief ones in a batch, a few dozen of them together
//	Exact    each
//
// Coarse is for limits that no brief command reaches by its own work: what may take long is known beforehand. If brief
// commands have taken long together something held them up, and it can't be said which: the latency monitor notes it,
// the log of slow commands does not. For low limits, and for histograms, there is Exact.
package watchdog

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Mode says how closely to measure.
type Mode int32

// The modes; see the package.
const (
	Off Mode = iota
	Coarse
	Exact
)

// fineLimit is the limit below which some dozen brief commands together could reach it.
const fineLimit = 4 * time.Millisecond

// never is more than any command takes.
const never = time.Duration(math.MaxInt64)

// Wanted is what somebody wants to know.
type Wanted struct {
	Slower   time.Duration // commands that take so long get into the log; below zero: none
	Entries  int64         // how many of them are kept
	Spikes   time.Duration // commands and other work that take so long are spikes; 0: none
	Tracking bool          // histograms of all commands
}

// Dog measures. Its methods may be called by any goroutine. New makes one.
type Dog struct {
	mode     atomic.Int32
	limit    atomic.Int64 // the shortest time in ns that gets into the log or is a spike
	slower   atomic.Int64 // likewise, for the log
	spikes   atomic.Int64 // and for spikes
	tracking atomic.Bool

	setting sync.Mutex // held while what is wanted changes
	slow    Log
	latency latency
	tallies [tallies]Tally
}

// New returns a Dog for so many commands, to which nothing is wanted yet. Histograms are by the commands' numbers.
func New(commands int) *Dog {
	d := &Dog{}
	for i := range d.tallies {
		d.tallies[i].commands = commands
	}
	d.Set(Wanted{Slower: -1})
	return d
}

// Set says what is wanted from now on.
func (d *Dog) Set(w Wanted) {
	d.setting.Lock()
	defer d.setting.Unlock()
	if w.Slower < 0 {
		w.Slower = never
	}
	if w.Spikes <= 0 {
		w.Spikes = never
	}
	limit := min(w.Slower, w.Spikes)
	mode := Coarse
	switch {
	case w.Tracking || limit < fineLimit:
		mode = Exact
	case limit == never:
		mode = Off
	}
	d.slow.setMost(w.Entries)
	d.slower.Store(int64(w.Slower))
	d.spikes.Store(int64(w.Spikes))
	d.tracking.Store(w.Tracking)
	d.limit.Store(int64(limit))
	d.mode.Store(int32(mode))
}

// Mode returns how closely to measure.
func (d *Dog) Mode() Mode { return Mode(d.mode.Load()) }

// Tracking says whether histograms are wanted.
func (d *Dog) Tracking() bool { return d.tracking.Load() }

// Wants says whether Note has a use for a command that took so long.
func (d *Dog) Wants(took time.Duration) bool { return int64(took) >= d.limit.Load() }

// Command is a command that was measured.
type Command struct {
	Args   [][]byte
	Fast   bool // it is one of those that never take long
	Secret bool // it is not to be logged
	Addr   string
	Client string // its name
	Took   time.Duration
}

// Note takes the measure of a command. It keeps nothing of it.
func (d *Dog) Note(c Command) {
	if int64(c.Took) >= d.slower.Load() && !c.Secret {
		d.slow.add(c)
	}
	if c.Fast {
		d.NoteEvent(EventFast, c.Took)
	} else {
		d.NoteEvent(EventCommand, c.Took)
	}
}

// The events of the latency monitor.
const (
	EventCommand = "command"
	EventFast    = "fast-command" // one of those that never take long
	EventExpiry  = "expire-cycle" // a shard is held for keys whose time has come
)

// NoteEvent notes that something took so long, if that is a spike.
func (d *Dog) NoteEvent(event string, took time.Duration) {
	if int64(took) >= d.spikes.Load() {
		d.latency.add(event, time.Now().Unix(), took.Milliseconds())
	}
}

// WantsSpikes says that somebody wants to know of spikes.
func (d *Dog) WantsSpikes() bool { return time.Duration(d.spikes.Load()) != never }

// Slow is the log of slow commands.
func (d *Dog) Slow() *Log { return &d.slow }

var start = time.Now()

// Now is a clock that is cheap to read; only differences mean something.
func Now() time.Duration { return time.Since(start) }
