package main

import (
	"context"
	"fmt"
	"strings"
)

// The load of the scenario types: containers of some hundred thousand elements.
const (
	typesElements = 200_000
	typesRequests = 400_000
	typesPipeline = 64
)

// typed is one command on a container; redis-benchmark puts a random number in the place of __rand_int__.
type typed struct {
	command string
	fewer   int // it is run so many times less often, since it returns much; 0 means 1
}

var typedCommands = []typed{
	{"HSET hash field:__rand_int__ value:__rand_int__", 0},
	{"HGET hash field:__rand_int__", 0},
	{"LPUSH list element:__rand_int__", 0},
	{"LPOP list", 0},
	{"SADD set member:__rand_int__", 0},
	{"SISMEMBER set member:__rand_int__", 0},
	{"ZADD zset __rand_int__ member:__rand_int__", 0},
	{"ZSCORE zset member:__rand_int__", 0},
	{"ZRANK zset member:__rand_int__", 0},
	{"ZRANGE zset 1000 1099", 20},
	{"RPUSH numbers __rand_int__", 0},
	{"LRANGE numbers 0 99", 20},
	{"XADD stream * field value:__rand_int__", 0},
	{"PFADD loglog element:__rand_int__", 0},
	{"SETBIT bits 123456 1", 0},
}

// typesCost measures the server's CPU time for each command, one after the other on the same server.
func typesCost(ctx context.Context, b *bench, t target) ([]sample, error) {
	s, err := b.pinned(ctx, t)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var samples []sample
	for _, c := range typedCommands {
		// Fewer than each connection sends in two batches would give no percentiles.
		n := max(b.scaled(typesRequests)/max(c.fewer, 1), 2*connections*typesPipeline)
		words := strings.Fields(c.command)
		if _, err := b.run(ctx, s, b.generatorCPU, n, b.scaled(typesElements), typesPipeline, words...); err != nil {
			return nil, err
		}
		var g generated
		used, err := s.usedDuring(func() (err error) {
			g, err = b.run(ctx, s, b.generatorCPU, n, b.scaled(typesElements), typesPipeline, words...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.command, err)
		}
		name := words[0]
		samples = append(samples,
			sample{name + " server CPU, µs/op", float64(used.Nanoseconds()) / 1e3 / float64(n), cpuChart},
			sample{name + " throughput, thousands/s", g.perSecond / 1e3, noChart},
		)
	}
	return samples, nil
}
