package watchdog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// keptSpikes is how many seconds with spikes are kept of an event.
const keptSpikes = 160

// Spike is the worst latency of one second.
type Spike struct {
	At     int64 // Unix second
	Millis int64
}

// latency has the spikes of events.
type latency struct {
	mu     sync.Mutex
	events map[string]*series
}

// series is the spikes of one event, the oldest first.
type series struct {
	worst  int64
	spikes []Spike
}

func (l *latency) add(event string, at, millis int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == nil {
		l.events = map[string]*series{}
	}
	s := l.events[event]
	if s == nil {
		s = &series{}
		l.events[event] = s
	}
	s.worst = max(s.worst, millis)
	if n := len(s.spikes); n > 0 && s.spikes[n-1].At == at {
		s.spikes[n-1].Millis = max(s.spikes[n-1].Millis, millis)
		return
	}
	if len(s.spikes) == keptSpikes {
		s.spikes = slices.Delete(s.spikes, 0, 1)
	}
	s.spikes = append(s.spikes, Spike{at, millis})
}

// Latest is an event with its last spike and its worst.
type Latest struct {
	Event string
	Spike
	Worst int64
}

// Latest returns all events that had spikes.
func (d *Dog) Latest() []Latest {
	l := &d.latency
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Latest
	for _, name := range slices.Sorted(maps.Keys(l.events)) {
		s := l.events[name]
		out = append(out, Latest{name, s.spikes[len(s.spikes)-1], s.worst})
	}
	return out
}

// History returns an event's spikes, the oldest first, and its worst.
func (d *Dog) History(event string) (spikes []Spike, worst int64) {
	l := &d.latency
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.events[event]; s != nil {
		return slices.Clone(s.spikes), s.worst
	}
	return nil, 0
}

// ResetLatency forgets events, all without a name, and says how many.
func (d *Dog) ResetLatency(events ...string) (forgotten int) {
	l := &d.latency
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.events)
	if len(events) == 0 {
		clear(l.events)
	}
	for _, name := range events {
		delete(l.events, name)
	}
	return before - len(l.events)
}

// graphRows is how high a graph is, graphSteps what each row can show.
const (
	graphRows  = 4
	graphSteps = "_-`"
)

// Graph draws an event's spikes, each with its age below; ok says that there are some.
func (d *Dog) Graph(event string) (drawing string, ok bool) {
	spikes, worst := d.History(event)
	if len(spikes) == 0 {
		return "", false
	}
	low, high := spikes[0].Millis, spikes[0].Millis
	for _, s := range spikes {
		low, high = min(low, s.Millis), max(high, s.Millis)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n", event, high, low, worst)
	b.WriteString(strings.Repeat("-", 80) + "\n")
	columns := spikes[max(len(spikes)-80, 0):]
	for row := graphRows - 1; row >= 0; row-- {
		for _, s := range columns {
			level := 0
			if high > low {
				level = int((s.Millis - low) * int64(graphRows*len(graphSteps)-1) / (high - low))
			}
			switch at := level / len(graphSteps); {
			case at < row:
				b.WriteByte(' ')
			case at > row:
				b.WriteByte('|')
			default:
				b.WriteByte(graphSteps[level%len(graphSteps)])
			}
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	now := time.Now().Unix()
	ages := make([]string, len(columns))
	deepest := 0
	for i, s := range columns {
		ages[i] = age(max(now-s.At, 0))
		deepest = max(deepest, len(ages[i]))
	}
	for i := range deepest {
		for _, a := range ages {
			if i < len(a) {
				b.WriteByte(a[i])
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String(), true
}

// age writes seconds in the largest unit that fits.
func age(seconds int64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm", seconds/60)
	case seconds < 86400:
		return fmt.Sprintf("%dh", seconds/3600)
	}
	return fmt.Sprintf("%dd", seconds/86400)
}

// Doctor says in words what the spikes are like.
func (d *Dog) Doctor() string {
	if !d.WantsSpikes() {
		return "Latency is not monitored. CONFIG SET latency-monitor-threshold <milliseconds> has commands noted that " +
			"take at least so long.\n"
	}
	events := d.Latest()
	if len(events) == 0 {
		return "No spike of latency was seen.\n"
	}
	var b strings.Builder
	b.WriteString("Spikes of latency were seen.\n\n")
	for i, e := range events {
		spikes, worst := d.History(e.Event)
		if len(spikes) == 0 {
			continue
		}
		sum := int64(0)
		for _, s := range spikes {
			sum += s.Millis
		}
		fmt.Fprintf(&b, "%d. %s: %d spikes, %d ms on average, %d ms at worst.\n",
			i+1, e.Event, len(spikes), sum/int64(len(spikes)), worst)
	}
	b.WriteString("\nSLOWLOG GET shows which commands took long, if slowlog-log-slower-than is below what you look for.\n")
	return b.String()
}
