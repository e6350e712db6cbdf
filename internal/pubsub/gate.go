package pubsub

import (
	"sync"
)

// Gate is where publishers wait for an outlet that has more to deliver than it should. Publish never waits: it is for
// the publisher to ask the gate when it holds nothing, before it publishes more. An outlet waits for no subscriber,
// only its own work keeps it, so a gate opens soon. The zero value is an open gate.
type Gate struct {
	mu      sync.Mutex
	shut    bool
	waiting []func()
}

// Shut makes publishers wait.
func (g *Gate) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
}

// Open lets all who wait go on.
func (g *Gate) Open() {
	g.mu.Lock()
	g.shut = false
	waiting := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	for _, wake := range waiting {
		wake()
	}
}

// Wait has wake called once the gate opens, by whoever opens it, and is true. If the gate is open it is false.
func (g *Gate) Wait(wake func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		g.waiting = append(g.waiting, wake)
	}
	return g.shut
}

// Pass waits until the gate is open, or done is closed.
func (g *Gate) Pass(done <-chan struct{}) {
	open := make(chan struct{})
	if !g.Wait(func() { close(open) }) {
		return
	}
	select {
	case <-open:
	case <-done:
	}
}
