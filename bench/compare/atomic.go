package main

import (
	"context"
	"fmt"
	"strconv"
)

// The load of the scenarios evalsha and multi.
const (
	limiterKeys     = 10_000
	limiterCalls    = 400_000
	limiterPipeline = 64

	multiKeys         = 10_000
	multiTransactions = 60_000
	multiBatch        = 50 // transactions sent at a time
)

// limiters are scripts that limit a rate: each call counts for one key and says whether it may go on.
var limiters = []struct{ name, text string }{
	{"INCR and EXPIRE", `local n = redis.call('INCR', KEYS[1])
		if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
		if n > tonumber(ARGV[1]) then return 0 end
		return 1`},
	{"GET and SET", `local n = tonumber(redis.call('GET', KEYS[1]) or '0')
		if n >= tonumber(ARGV[1]) then return 0 end
		redis.call('SET', KEYS[1], n + 1, 'EX', ARGV[2])
		return 1`},
}

// limiterCost measures the server's CPU time for a call of each limiter by EVALSHA.
func limiterCost(ctx context.Context, b *bench, t target) ([]sample, error) {
	s, c, err := b.pinnedClient(ctx, t)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	defer c.close()
	var samples []sample
	for i, l := range limiters {
		sha, err := c.do("SCRIPT", "LOAD", l.text)
		if err != nil {
			return nil, err
		}
		n := max(b.scaled(limiterCalls), 2*connections*limiterPipeline)
		words := []string{"EVALSHA", sha.text, "1", fmt.Sprintf("rate:%d:__rand_int__", i), "1000000", "600"}
		call := func(n int) error {
			_, err := b.run(ctx, s, b.generatorCPU, n, b.scaled(limiterKeys), limiterPipeline, words...)
			return err
		}
		if err := call(n / 4); err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		used, err := s.usedDuring(func() error { return call(n) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		samples = append(samples, sample{l.name + ": server CPU, µs/call", float64(used.Nanoseconds()) / 1e3 / float64(n), cpuChart})
	}
	return samples, nil
}

// multiCost measures the server's CPU time for a transaction of ten commands, many of which are sent at a time.
func multiCost(ctx context.Context, b *bench, t target) ([]sample, error) {
	s, c, err := b.pinnedClient(ctx, t)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	defer c.close()
	n := b.scaled(multiTransactions)
	if err := transactions(ctx, c, n/4+1); err != nil {
		return nil, err
	}
	used, err := s.usedDuring(func() error { return transactions(ctx, c, n) })
	if err != nil {
		return nil, err
	}
	return []sample{{"server CPU, µs/transaction", float64(used.Nanoseconds()) / 1e3 / float64(n), cpuChart}}, nil
}

// transactions runs n of them: SET, GET and INCR on ten keys.
func transactions(ctx context.Context, c *client, n int) error {
	v := newValues(valueSize, loadStream)
	value := v.next()
	for first := 0; first < n; first += multiBatch {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := min(multiBatch, n-first)
		for i := range batch {
			c.queue("MULTI")
			for k := range 10 {
				name := strconv.Itoa(((first+i)*10 + k) % multiKeys)
				switch k % 3 {
				case 0:
					c.queue("SET", "text:"+name, value)
				case 1:
					c.queue("GET", "text:"+name)
				default:
					c.queue("INCR", "count:"+name)
				}
			}
			c.queue("EXEC")
		}
		if err := c.flush(); err != nil {
			return err
		}
		for range batch {
			if err := c.expect(11, '+'); err != nil { // OK and ten times QUEUED
				return err
			}
			if err := c.expect(1, '*'); err != nil {
				return err
			}
		}
	}
	return nil
}

// pinnedClient starts a server on a core of its own, and connects to it.
func (b *bench) pinnedClient(ctx context.Context, t target) (*server, *client, error) {
	s, err := b.pinned(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	c, err := dial(s.addr)
	if err != nil {
		s.stop()
		return nil, nil, err
	}
	return s, c, nil
}
