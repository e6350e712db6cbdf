package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The windows of the latency scenarios. Those of a fixed length are as long for either server, whoever is done sooner,
// so that the percentiles are taken from as many GETs.
const (
	quietWindow = 2 * time.Second
	// flushWindow, of a DEL too, is short, as that is soon over: with 2000 GETs, a stop of 10 ms is its p99.
	flushWindow  = time.Second
	keysWindow   = 2 * time.Second
	expiryWindow = 2 * time.Second
	expiryLimit  = 60 * time.Second
	saveWindow   = 2 * time.Second
	saveLimit    = 120 * time.Second
	// saveWrites is how many keys a millisecond are overwritten while saves run, and in the quiet window before.
	saveWrites = 20
)

// window is the part of a probe's time that counts as busy, and what else was measured in it.
type window struct {
	begin, end time.Time
	more       []sample
}

// disturb probes a server in a quiet window and then while busy runs. Nothing is pinned: a server that can put what
// disturbs it on another core may.
func (b *bench) disturb(ctx context.Context, s *server, busy func() (window, error)) ([]sample, error) {
	return b.disturbFrom(ctx, s, 0, busy)
}

// disturbFrom is disturb with the probe's keys starting at the number given.
func (b *bench) disturbFrom(ctx context.Context, s *server, first int, busy func() (window, error)) ([]sample, error) {
	p, err := startProbe(s.addr, first)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	// The first replies come from a server that was at rest.
	if err := sleep(ctx, b.lasting(quietWindow)/4); err != nil {
		return nil, err
	}
	quietBegin := time.Now()
	if err := sleep(ctx, b.lasting(quietWindow)); err != nil {
		return nil, err
	}
	quietEnd := time.Now()
	w, err := busy()
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, time.Until(w.end)); err != nil {
		return nil, err
	}
	if err := p.stop(); err != nil {
		return nil, fmt.Errorf("the probing connection: %w", err)
	}
	quiet, loaded := p.window(quietBegin, quietEnd), p.window(w.begin, w.end)
	if len(quiet) == 0 || len(loaded) == 0 {
		return nil, errors.New("the probing connection got no reply in one of the windows")
	}
	return append(latencySamples(quiet, loaded), w.more...), nil
}

// startProbed starts a server with the probe's keys in database 0 and n keys of 32 B in database 1, and returns a
// connection to the latter.
func (b *bench) startProbed(ctx context.Context, t target, n int) (*server, *client, error) {
	s, err := b.start(ctx, t, anyCPU)
	if err != nil {
		return nil, nil, err
	}
	c, err := prepareProbed(s.addr, n)
	if err != nil {
		s.stop()
		return nil, nil, err
	}
	return s, c, nil
}

func prepareProbed(addr string, n int) (*client, error) {
	if err := load(addr, 0, probeKeys, valueSize); err != nil {
		return nil, err
	}
	if err := load(addr, 1, n, 32); err != nil {
		return nil, err
	}
	return selectDB(addr, 1)
}

// flushLatency drops database 1 only, so that the probe goes on finding its keys.
func flushLatency(how string) func(context.Context, *bench, target) ([]sample, error) {
	return func(ctx context.Context, b *bench, t target) ([]sample, error) {
		s, c, err := b.startProbed(ctx, t, b.scaled(millionKeys))
		if err != nil {
			return nil, err
		}
		defer s.stop()
		defer c.close()
		return b.disturb(ctx, s, func() (window, error) {
			begin := time.Now()
			if _, err := c.do("FLUSHDB", how); err != nil {
				return window{}, err
			}
			took := sample{"FLUSHDB " + how + ", ms", milliseconds(time.Since(begin)), noChart}
			return window{begin, begin.Add(b.lasting(flushWindow)), []sample{took}}, nil
		})
	}
}

func keysLatency(ctx context.Context, b *bench, t target) ([]sample, error) {
	n := b.scaled(millionKeys)
	s, c, err := b.startProbed(ctx, t, n)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	defer c.close()
	return b.disturb(ctx, s, func() (window, error) {
		begin, rounds := time.Now(), 0
		for time.Since(begin) < b.lasting(keysWindow) {
			r, err := c.do("KEYS", "*")
			if err != nil {
				return window{}, err
			}
			if r.n != int64(n) {
				return window{}, fmt.Errorf("KEYS * listed %d keys of %d", r.n, n)
			}
			rounds++
		}
		end := time.Now()
		took := sample{"one KEYS *, ms", milliseconds(end.Sub(begin)) / float64(rounds), noChart}
		return window{begin, end, []sample{took}}, nil
	})
}

// expiryLatency gives all keys of database 1 the same moment to end at, waits for it, and then for their number to
// become zero without anyone reading them.
func expiryLatency(ctx context.Context, b *bench, t target) ([]sample, error) {
	n := b.scaled(millionKeys)
	s, err := b.start(ctx, t, anyCPU)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	loading := time.Now()
	c, err := prepareProbed(s.addr, n)
	if err != nil {
		return nil, err
	}
	defer c.close()
	took := time.Since(loading)
	return b.disturb(ctx, s, func() (window, error) {
		moment := time.Now().Add(3*took + 2*time.Second).Truncate(time.Millisecond)
		at := strconv.FormatInt(moment.UnixMilli(), 10)
		if err := batches(c, n, ':', func(i int) { c.queue("PEXPIREAT", keyName(i), at) }); err != nil {
			return window{}, err
		}
		if time.Until(moment) < 100*time.Millisecond {
			return window{}, errors.New("giving the keys their end took longer than expected: the machine is too busy")
		}
		if err := sleep(ctx, time.Until(moment)); err != nil {
			return window{}, err
		}
		for {
			left, err := c.integer("DBSIZE")
			if err != nil {
				return window{}, err
			}
			since := time.Since(moment)
			if left == 0 {
				gone := sample{"all reclaimed after, ms", milliseconds(since), noChart}
				return window{moment, moment.Add(b.lasting(expiryWindow)), []sample{gone}}, nil
			}
			if since > expiryLimit {
				return window{}, fmt.Errorf("%d expired keys still count after %v", left, expiryLimit)
			}
			if err := sleep(ctx, 20*time.Millisecond); err != nil {
				return window{}, err
			}
		}
	})
}

// saveLatency compares writes with writes under BGSAVE, so the ratio shows the save alone.
func saveLatency(ctx context.Context, b *bench, t target) ([]sample, error) {
	n := b.scaled(millionKeys)
	s, err := b.start(ctx, t, anyCPU)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := load(s.addr, 0, max(n, probeKeys), valueSize); err != nil {
		return nil, err
	}
	v := newValues(valueSize, writerStream)
	w, err := startWriter(s.addr, 0, saveWrites, '+', func(c *client) {
		c.queue("SET", keyName(int(v.source.Uint64()%uint64(n))), v.next())
	})
	if err != nil {
		return nil, err
	}
	defer w.stop()
	return b.disturbBySaves(ctx, s, w)
}

// disturbBySaves probes a server while it saves, time and again. w has been writing and stops afterwards.
func (b *bench) disturbBySaves(ctx context.Context, s *server, w *writer) ([]sample, error) {
	c, err := dial(s.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	samples, err := b.disturb(ctx, s, func() (window, error) {
		begin, saves := time.Now(), 0
		for time.Since(begin) < b.lasting(saveWindow) {
			if err := backgroundSave(ctx, c); err != nil {
				return window{}, err
			}
			saves++
		}
		end := time.Now()
		took := sample{"one BGSAVE, ms", milliseconds(end.Sub(begin)) / float64(saves), noChart}
		return window{begin, end, []sample{took}}, nil
	})
	if err != nil {
		return nil, err
	}
	if err := w.stop(); err != nil {
		return nil, fmt.Errorf("the writing connection: %w", err)
	}
	return samples, nil
}

// backgroundSave starts a BGSAVE and waits until it has ended well.
func backgroundSave(ctx context.Context, c *client) error {
	if _, err := c.do("BGSAVE"); err != nil {
		return err
	}
	for begin := time.Now(); ; {
		// The first look comes after a pause, as a server may take a moment to start what it has agreed to.
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		running, err := c.info("persistence", "rdb_bgsave_in_progress")
		if err != nil {
			return err
		}
		if running == "0" {
			break
		}
		if time.Since(begin) > saveLimit {
			return fmt.Errorf("BGSAVE is not done after %v", saveLimit)
		}
	}
	status, err := c.info("persistence", "rdb_last_bgsave_status")
	if err == nil && status != "ok" {
		err = fmt.Errorf("BGSAVE ended with status %q", status)
	}
	return err
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
