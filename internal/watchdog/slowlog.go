package watchdog

import (
	"fmt"
	"sync"
	"time"
)

const (
	// mostArgs and mostBytes are how much of a command is kept.
	mostArgs  = 32
	mostBytes = 128
)

// Entry is a slow command.
type Entry struct {
	ID     int64
	At     int64 // Unix second
	Micros int64
	Args   []string
	Addr   string
	Client string
}

// Log has the latest slow commands.
type Log struct {
	mu      sync.Mutex
	most    int64
	next    int64
	entries []Entry // the oldest first
}

func (l *Log) setMost(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = n
	l.trimLocked()
}

func (l *Log) trimLocked() {
	if over := int64(len(l.entries)) - l.most; over > 0 {
		clear(l.entries[:over]) // the slice is copied now and then, when it grows at its other end
		l.entries = l.entries[over:]
	}
}

func (l *Log) add(c Command) {
	e := Entry{
		At: time.Now().Unix(), Micros: c.Took.Microseconds(), Args: shortened(c.Args), Addr: c.Addr, Client: c.Client,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.ID = l.next
	l.next++
	l.entries = append(l.entries, e)
	l.trimLocked()
}

// shortened copies arguments, without what would take too much room.
func shortened(args [][]byte) []string {
	kept := args
	if len(args) > mostArgs {
		kept = args[:mostArgs-1]
	}
	out := make([]string, 0, len(kept)+1)
	for _, a := range kept {
		if len(a) > mostBytes {
			out = append(out, fmt.Sprintf("%s... (%d more bytes)", a[:mostBytes], len(a)-mostBytes))
		} else {
			out = append(out, string(a))
		}
	}
	if len(kept) < len(args) {
		out = append(out, fmt.Sprintf("... (%d more arguments)", len(args)-len(kept)))
	}
	return out
}

// Latest returns the latest entries, the last one first; n below zero is all.
func (l *Log) Latest(n int64) []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 0 || n > int64(len(l.entries)) {
		n = int64(len(l.entries))
	}
	out := make([]Entry, 0, n)
	for i := len(l.entries) - 1; int64(len(out)) < n; i-- {
		out = append(out, l.entries[i])
	}
	return out
}

// Len counts the entries.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// Reset forgets the entries. Numbers go on.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}
