package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/bench/internal/stats"
)

// A probe is one connection that sends a GET at a steady rate, whether or not earlier ones were answered, and notes how
// long each took. A server that stops for 100 ms delays all the GETs of those 100 ms and each is counted; a probe that
// waited for its replies would count one.
type probe struct {
	conn   *client
	first  int            // number of its first key
	sent   chan time.Time // send times of the GETs not answered yet, in order
	closed atomic.Bool
	done   chan error
	points []point
}

// point is one answered GET.
type point struct {
	at      time.Time
	latency time.Duration
}

const (
	probeEvery = 500 * time.Microsecond
	probeKeys  = 1000
)

// startProbe begins to send GETs for probeKeys keys of database 0, which must exist, from the number first on.
func startProbe(addr string, first int) (*probe, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	// Room for more unanswered GETs than ioLimit can gather.
	p := &probe{conn: c, first: first, sent: make(chan time.Time, 2*ioLimit/probeEvery), done: make(chan error, 2)}
	go func() { p.done <- p.send() }()
	go func() { p.done <- p.receive() }()
	return p, nil
}

func (p *probe) send() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.sent)
	next := time.Now()
	for i := 0; !p.closed.Load(); i++ {
		p.conn.queue("GET", keyName(p.first+i%probeKeys))
		p.sent <- time.Now()
		if err := p.conn.flush(); err != nil {
			return err
		}
		next = next.Add(probeEvery)
		if wait := time.Until(next); wait > 0 {
			pause(wait)
		}
	}
	return nil
}

// receive notes the replies. A GET that is refused because a script runs has told nobody a value: it counts as answered
// when the server answers again, since its client would have had to ask until then.
func (p *probe) receive() error {
	var refused []time.Time
	for sent := range p.sent {
		r, err := p.conn.receive()
		if no, ok := errors.AsType[refusal](err); ok && strings.HasPrefix(string(no), "BUSY ") {
			refused = append(refused, sent)
			continue
		}
		if err != nil {
			return err
		}
		if r.kind != '$' || r.n < 0 {
			return fmt.Errorf("a key of the probe is missing: the reply is %c%d", r.kind, r.n)
		}
		for _, at := range append(refused, sent) {
			p.points = append(p.points, point{at, time.Since(at)})
		}
		refused = refused[:0]
	}
	if len(refused) > 0 {
		return fmt.Errorf("the last %d GETs were refused", len(refused))
	}
	return nil
}

// stop ends the probe after the replies to all GETs sent have come. It may be called again.
func (p *probe) stop() error {
	if p.closed.Swap(true) {
		return nil
	}
	err := errors.Join(<-p.done, <-p.done)
	p.conn.close()
	return err
}

// window returns the sorted latencies, in microseconds, of the GETs sent from begin to end. Call it after stop.
func (p *probe) window(begin, end time.Time) []float64 {
	var latencies []float64
	for _, x := range p.points {
		if !x.at.Before(begin) && x.at.Before(end) {
			latencies = append(latencies, float64(x.latency.Nanoseconds())/1e3)
		}
	}
	slices.Sort(latencies)
	return latencies
}

// latencySamples turns a quiet and a busy window into samples.
func latencySamples(quiet, busy []float64) []sample {
	calm, loaded := stats.Percentile(quiet, 99), stats.Percentile(busy, 99)
	return []sample{
		{"quiet p50, µs", stats.Percentile(quiet, 50), noChart},
		{"quiet p99, µs", calm, noChart},
		{"busy p50, µs", stats.Percentile(busy, 50), noChart},
		{"busy p99, µs", loaded, latencyChart},
		{"busy p99.9, µs", stats.Percentile(busy, 99.9), noChart},
		{"busy slowest, µs", stats.Percentile(busy, 100), noChart},
		{"busy p99 / quiet p99", loaded / calm, noChart},
	}
}

// writer is a connection that sends writes at a steady rate, also without waiting for replies.
type writer struct {
	conn   *client
	closed atomic.Bool
	done   chan error
}

// startWriter sends perMillisecond writes each millisecond to database db. queue queues one, whose reply is of the kind
// given; it is called from one goroutine.
func startWriter(addr string, db, perMillisecond int, kind byte, queue func(*client)) (*writer, error) {
	c, err := selectDB(addr, db)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: c, done: make(chan error, 2)}
	batches := make(chan int, 1<<16)
	go func() {
		defer close(batches)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		next := time.Now()
		for !w.closed.Load() {
			for range perMillisecond {
				queue(c)
			}
			batches <- perMillisecond
			if err := c.flush(); err != nil {
				w.done <- err
				return
			}
			next = next.Add(time.Millisecond)
			if wait := time.Until(next); wait > 0 {
				pause(wait)
			}
		}
		w.done <- nil
	}()
	go func() {
		for n := range batches {
			if err := c.expect(n, kind); err != nil {
				w.done <- err
				return
			}
		}
		w.done <- nil
	}()
	return w, nil
}

// stop ends the writer after the replies to all its writes have come. It may be called again.
func (w *writer) stop() error {
	if w.closed.Swap(true) {
		return nil
	}
	err := errors.Join(<-w.done, <-w.done)
	w.conn.close()
	return err
}

// selectDB returns a new connection that uses database db.
func selectDB(addr string, db int) (*client, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	if _, err := c.do("SELECT", strconv.Itoa(db)); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}
