package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// The scenarios of large containers: what is done to one of a million elements in database 1 must not be felt by those who
// GET other keys.

// container is a large value that is built before a server is probed.
type container struct {
	add     string // the command that adds elements to it
	key     string
	element func(dst []string, i int) []string // appends the arguments for element i
}

var (
	largeSet  = container{"SADD", "set", func(dst []string, i int) []string { return append(dst, memberName(i)) }}
	largeList = container{"RPUSH", "list", func(dst []string, i int) []string { return append(dst, memberName(i)) }}
	largeZSet = container{"ZADD", "zset", func(dst []string, i int) []string {
		return append(dst, strconv.Itoa(scattered(i)), memberName(i))
	}}
	largeHash = container{"HSET", "hash", func(dst []string, i int) []string {
		return append(dst, memberName(i), memberName(i+1))
	}}
	// numbers is a set to be sorted, its members in no order.
	numbers = container{"SADD", "numbers", func(dst []string, i int) []string {
		return append(dst, strconv.Itoa(scattered(i)))
	}}
)

// memberName is a member of 15 bytes.
func memberName(i int) string {
	digits := strconv.Itoa(i)
	return "member:00000000"[:15-len(digits)] + digits
}

// scattered is a permutation of the numbers below a prime, under which neighbours are far apart.
func scattered(i int) int {
	const prime, factor = 16_777_213, 9_973_137
	return i * factor % prime
}

// build adds elements 0 to n-1, a hundred with a command.
func (k container) build(c *client, n int) error {
	const each = 100
	commands := (n + each - 1) / each
	err := batches(c, commands, ':', func(i int) {
		args := []string{k.add, k.key}
		for e := i * each; e < min(n, (i+1)*each); e++ {
			args = k.element(args, e)
		}
		c.queue(args...)
	})
	if err != nil {
		return fmt.Errorf("building %s: %w", k.key, err)
	}
	return nil
}

// heavy is a command on a large container.
type heavy struct {
	command []string
	of      container
	once    bool // it can be run only once, since the container is gone then
}

// heavyLatency probes a server while a heavy command runs on a container of n elements: over and over for a while, or once.
// Its reply, or the length of it, is to be that number; a command that is run once is to answer 1.
func heavyLatency(h heavy) func(context.Context, *bench, target) ([]sample, error) {
	return func(ctx context.Context, b *bench, t target) ([]sample, error) {
		n := b.scaled(millionKeys)
		s, c, err := b.startProbed(ctx, t, 1)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		defer c.close()
		if err := h.of.build(c, n); err != nil {
			return nil, err
		}
		run := func(want int) error {
			r, err := c.do(h.command...)
			if err == nil && r.n != int64(want) {
				err = fmt.Errorf("%s of %d elements answered %d", h.command[0], n, r.n)
			}
			return err
		}
		return b.disturb(ctx, s, func() (window, error) {
			begin, rounds := time.Now(), 0
			if h.once {
				if err := run(1); err != nil {
					return window{}, err
				}
				took := sample{h.command[0] + ", ms", milliseconds(time.Since(begin)), noChart}
				return window{begin, begin.Add(b.lasting(flushWindow)), []sample{took}}, nil
			}
			for time.Since(begin) < b.lasting(keysWindow) {
				if err := run(n); err != nil {
					return window{}, err
				}
				rounds++
			}
			end := time.Now()
			took := sample{"one " + h.command[0] + ", ms", milliseconds(end.Sub(begin)) / float64(rounds), noChart}
			return window{begin, end, []sample{took}}, nil
		})
	}
}

// saveContainersLatency is saveLatency with containers: a quarter million elements each are saved while others of their
// elements are overwritten.
func saveContainersLatency(ctx context.Context, b *bench, t target) ([]sample, error) {
	n := b.scaled(millionKeys / 4)
	s, c, err := b.startProbed(ctx, t, 1)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	defer c.close()
	all := []container{largeHash, largeSet, largeZSet, largeList}
	for _, k := range all {
		if err := k.build(c, n); err != nil {
			return nil, err
		}
	}
	v, turn := newValues(8, writerStream), 0
	w, err := startWriter(s.addr, 1, saveWrites, ':', func(c *client) {
		i := int(v.source.Uint64() % uint64(n))
		switch turn++; turn % 4 {
		case 0:
			c.queue("HSET", largeHash.key, memberName(i), v.next())
		case 1:
			c.queue("ZADD", largeZSet.key, strconv.Itoa(scattered(i+turn)), memberName(i))
		case 2:
			c.queue("SREM", largeSet.key, memberName(i))
		case 3:
			c.queue(slices.Concat([]string{largeSet.add, largeSet.key}, largeSet.element(nil, i))...)
		}
	})
	if err != nil {
		return nil, err
	}
	defer w.stop()
	return b.disturbBySaves(ctx, s, w)
}
