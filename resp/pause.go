package resp

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/command"
)

// pauseMode says which commands wait.
type pauseMode int32

const (
	pauseNone pauseMode = iota
	pauseWrites
	pauseAll
)

// pause is CLIENT PAUSE: commands that begin while it lasts wait for its end, those that are running go on. A second
// pause makes the first longer or stricter, never shorter or milder.
type pause struct {
	mode atomic.Int32

	mu      sync.Mutex
	until   time.Time
	timer   *time.Timer
	waiting []*client
}

// on says that there is a pause.
func (p *pause) on() bool { return pauseMode(p.mode.Load()) != pauseNone }

// paused tells whether the client's command has to wait. Those who monitor don't, as in Redis.
func (c *client) paused(row *command.Row) bool {
	mode := pauseMode(c.server.pause.mode.Load())
	switch {
	case mode == pauseNone || c.monitors:
		return false
	case mode == pauseAll:
		return true
	}
	flags := row.Flags
	if row.Name == "exec" {
		flags |= c.session.QueuedFlags()
	}
	return flags&(command.Write|command.MayReplicate) != 0
}

// begin starts a pause or extends the one there is. A time too long to be counted is over at once, as in Redis.
func (p *pause) begin(millis int64, mode pauseMode) {
	now := time.Now()
	if millis > math.MaxInt64-now.UnixMilli() {
		return
	}
	d := time.Duration(min(millis, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := now.Add(d); until.After(p.until) {
		p.until = until
	}
	p.mode.Store(max(p.mode.Load(), int32(mode)))
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(p.until.Sub(now), p.expire)
}

// expire ends the pause if its time has come: a timer may fire while the pause is being made longer.
func (p *pause) expire() { p.endIf(func() bool { return !time.Now().Before(p.until) }) }

// end ends the pause and lets everyone who waits go on.
func (p *pause) end() { p.endIf(func() bool { return true }) }

// endIf does so if that is due; it asks with the lock held.
func (p *pause) endIf(due func() bool) {
	p.mu.Lock()
	if !due() {
		p.mu.Unlock()
		return
	}
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.until = time.Time{}
	p.mode.Store(int32(pauseNone))
	waiting := p.waiting
	p.waiting = nil
	p.mu.Unlock()
	for _, c := range waiting {
		c.transport.ask(c, jobResume)
	}
}

// wait notes that the client waits, and has its transport resume it at the end. It is false if there is no pause.
func (p *pause) wait(c *client) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pauseMode(p.mode.Load()) == pauseNone {
		return false
	}
	p.waiting = append(p.waiting, c)
	return true
}
