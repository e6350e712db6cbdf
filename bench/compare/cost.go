package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	idleClients  = 10_000
	fullWriters  = 4
	fullPipeline = 16
	memoryEvery  = 20 * time.Millisecond
)

// emptyServer measures what a server costs that does nothing.
func emptyServer(ctx context.Context, b *bench, t target) ([]sample, error) {
	s, err := b.start(ctx, t, anyCPU)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	held, err := s.resident(ctx)
	if err != nil {
		return nil, err
	}
	idle, err := idleCPU(ctx, s)
	return []sample{
		{"start until PING answers, ms", milliseconds(s.started), noChart},
		{"resident memory, MB", held, memoryChart},
		{"CPU while idle, ms/s", idle, noChart},
	}, err
}

// idleCPU is the CPU time a server uses in a second, in milliseconds.
func idleCPU(ctx context.Context, s *server) (float64, error) {
	const window = 2 * time.Second
	used, err := s.usedDuring(func() error { return sleep(ctx, window) })
	return milliseconds(used) / window.Seconds(), err
}

// idleConnections opens connections, has each answer one PING, and leaves them.
func idleConnections(ctx context.Context, b *bench, t target) ([]sample, error) {
	n := b.scaled(idleClients)
	// Some more than the connections, for whatever else a process has open.
	if err := allowFiles(n + 200); err != nil {
		return nil, err
	}
	s, err := b.start(ctx, t, anyCPU, "--maxclients", fmt.Sprint(n+100))
	if err != nil {
		return nil, err
	}
	defer s.stop()
	before, err := s.resident(ctx)
	if err != nil {
		return nil, err
	}
	open := make([]*client, 0, n)
	defer func() {
		for _, c := range open {
			c.close()
		}
	}()
	for range n {
		c, err := dial(s.addr)
		if err != nil {
			return nil, fmt.Errorf("after %d connections: %w", len(open), err)
		}
		open = append(open, c)
		if _, err := c.do("PING"); err != nil {
			return nil, fmt.Errorf("after %d connections: %w", len(open), err)
		}
	}
	after, err := s.resident(ctx)
	if err != nil {
		return nil, err
	}
	idle, err := idleCPU(ctx, s)
	return []sample{
		{"memory of the connections, MB", after - before, memoryChart},
		{"memory of one, kB", (after - before) * 1e3 / float64(n), noChart},
		{"CPU while idle, ms/s", idle, noChart},
	}, err
}

// snapshotMemory watches the memory of a server, with that of the child it may fork, while it saves and connections
// overwrite random keys as fast as it lets them. Pages that parent and child share are counted once.
func snapshotMemory(ctx context.Context, b *bench, t target) ([]sample, error) {
	n := b.scaled(millionKeys)
	s, err := b.start(ctx, t, anyCPU)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := load(s.addr, 0, n, valueSize); err != nil {
		return nil, err
	}
	flood, err := startFlood(s.addr, n)
	if err != nil {
		return nil, err
	}
	defer flood.stop()
	// The writes alone bring the server to its steady size.
	before, err := peakMemory(ctx, s, func() error { return sleep(ctx, 2*time.Second) })
	if err != nil {
		return nil, err
	}
	c, err := dial(s.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	begin, written := time.Now(), flood.written.Load()
	peak, err := peakMemory(ctx, s, func() error { return backgroundSave(ctx, c) })
	if err != nil {
		return nil, err
	}
	took, writes := time.Since(begin), flood.written.Load()-written
	if err := flood.stop(); err != nil {
		return nil, fmt.Errorf("a writing connection: %w", err)
	}
	if _, err := s.resident(ctx); err != nil {
		return nil, err
	}
	after, err := memoryOf(s.pid, true)
	if err != nil {
		return nil, err
	}
	return []sample{
		{"before (writes alone), MB", before, noChart},
		{"peak while saving, MB", peak, memoryChart},
		{"added by the save, MB", peak - before, memoryChart},
		{"added, % of before", (peak - before) / before * 100, noChart},
		{"left over afterwards, MB", float64(after.shared)/1e6 - before, noChart},
		{"BGSAVE, ms", milliseconds(took), noChart},
		{"SETs meanwhile, thousands", float64(writes) / 1e3, noChart},
		{"SETs meanwhile, thousands/s", float64(writes) / 1e3 / took.Seconds(), noChart},
	}, nil
}

// peakMemory is the most memory, in megabytes, that a server and its children were seen to hold while f ran.
func peakMemory(ctx context.Context, s *server, f func() error) (float64, error) {
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	most := int64(0)
	for {
		m, err := memoryOf(s.pid, true)
		if err != nil {
			return 0, errors.Join(err, <-ended)
		}
		most = max(most, m.shared)
		select {
		case err := <-ended:
			return float64(most) / 1e6, err
		case <-time.After(memoryEvery):
		}
	}
}

// flood is several connections that overwrite random keys as fast as they are let.
type flood struct {
	written atomic.Int64
	closed  atomic.Bool
	done    chan error
}

func startFlood(addr string, keys int) (*flood, error) {
	var conns []*client
	for range fullWriters {
		c, err := dial(addr)
		if err != nil {
			for _, open := range conns {
				open.close()
			}
			return nil, err
		}
		conns = append(conns, c)
	}
	f := &flood{done: make(chan error, fullWriters)}
	for i, c := range conns {
		go func() {
			defer c.close()
			f.done <- f.write(c, floodStream+byte(i), keys)
		}()
	}
	return f, nil
}

func (f *flood) write(c *client, stream byte, keys int) error {
	v := newValues(valueSize, stream)
	for !f.closed.Load() {
		for range fullPipeline {
			c.queue("SET", keyName(int(v.source.Uint64()%uint64(keys))), v.next())
		}
		if err := c.flush(); err != nil {
			return err
		}
		if err := c.expect(fullPipeline, '+'); err != nil {
			return err
		}
		f.written.Add(fullPipeline)
	}
	return nil
}

// stop ends the writes and returns the first error that one met. It may be called again.
func (f *flood) stop() error {
	if f.closed.Swap(true) {
		return nil
	}
	var errs []error
	for range fullWriters {
		errs = append(errs, <-f.done)
	}
	return errors.Join(errs...)
}
