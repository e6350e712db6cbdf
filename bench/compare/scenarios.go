package main

import (
	"context"
	"fmt"
	"strings"
)

// The load of the throughput scenarios.
const (
	connections = 50
	valueSize   = 256
	throughKeys = 100_000
	millionKeys = 1_000_000
)

func scenarios() []scenario {
	return []scenario{
		throughput("pipeline-1", 1, 250_000, true),
		throughput("pipeline-16", 16, 1_500_000, true),
		throughput("pipeline-64", 64, 3_000_000, true),
		throughput("shared", 1, 250_000, false),
		{"types", "commands on large containers, pipeline 64, server on one core, generator on another", typesCost},
		{"evalsha", "scripts that limit a rate by EVALSHA, pipeline 64, server on one core, generator on another", limiterCost},
		{"multi", "MULTI of 10 commands, 50 transactions at a time on one connection, server on one core", multiCost},
		memoryStrings("memory-strings-32", 32),
		memoryStrings("memory-strings-256", 256),
		{"memory-types", "resident memory of hashes, sets, sorted sets and lists, small and large, with elements of 15 B, less the " +
			"empty server's", memoryTypes},
		{"p99-bgsave", "GET while BGSAVE writes 1 M keys of 256 B and others are overwritten", saveLatency},
		{"p99-flush-async", "GET on db 0 while FLUSHDB ASYNC drops 1 M keys of db 1", flushLatency("ASYNC")},
		{"p99-flush-sync", "GET on db 0 while FLUSHDB SYNC drops 1 M keys of db 1", flushLatency("SYNC")},
		{"p99-keys", "GET on db 0 while KEYS * lists 1 M keys of db 1, over and over", keysLatency},
		{"p99-expiry", "GET on db 0 while 1 M keys of db 1 expire at the same millisecond", expiryLatency},
		{"p99-del-set", "GET on db 0 while DEL drops a set of 1 M members in db 1", heavyLatency(
			heavy{command: []string{"DEL", largeSet.key}, of: largeSet, once: true})},
		{"p99-union-set", "GET on db 0 while SUNIONSTORE copies a set of 1 M members in db 1, over and over", heavyLatency(
			heavy{command: []string{"SUNIONSTORE", "union", largeSet.key, "absent"}, of: largeSet})},
		{"p99-union-zset", "GET on db 0 while ZUNIONSTORE copies a sorted set of 1 M members in db 1, over and over", heavyLatency(
			heavy{command: []string{"ZUNIONSTORE", "union", "2", largeZSet.key, "absent"}, of: largeZSet})},
		{"p99-sort-set", "GET on db 0 while SORT STORE sorts a set of 1 M numbers in db 1, over and over", heavyLatency(
			heavy{command: []string{"SORT", numbers.key, "STORE", "sorted"}, of: numbers})},
		{"p99-lrange", "GET on db 0 while LRANGE returns a list of 1 M elements of db 1, over and over", heavyLatency(
			heavy{command: []string{"LRANGE", largeList.key, "0", "-1"}, of: largeList})},
		{"p99-bgsave-containers", "GET on db 0 while BGSAVE writes 4 containers of 250 000 elements that others change",
			saveContainersLatency},
		{"p99-script", "GET of other keys while a script writes 1000 keys for 2 s", scriptLatency(0)},
		{"p99-script-written", "GET of the 1000 keys that a script writes for 2 s", scriptLatency(scriptKeys)},
		{"publish", "PUBLISH of 64 B to 1000 subscribers, pipelines of 1, 16 and 100, server on one core, subscribers on another",
			publishRate},
		{"snapshot-memory", "memory added by a BGSAVE of 1 M keys of 256 B under random writes at full rate", snapshotMemory},
		{"empty", "time to start and memory held with nothing loaded", emptyServer},
		{"idle-connections", "memory and CPU that 10 000 idle connections cost", idleConnections},
	}
}

// throughput measures SET and GET by redis-benchmark. Pinned gives the server one core and the generator another, which
// makes the server's CPU per operation comparable; otherwise both use all cores.
func throughput(name string, pipeline, requests int, pinned bool) scenario {
	where := "server and generator on all cores"
	if pinned {
		where = "server on one core, generator on another"
	}
	about := fmt.Sprintf("SET and GET, %d connections, pipeline %d, %d keys of %d B, %s",
		connections, pipeline, throughKeys, valueSize, where)
	return scenario{name, about, func(ctx context.Context, b *bench, t target) ([]sample, error) {
		serverCPU, generatorCPU := anyCPU, anyCPU
		if pinned {
			if serverCPU, generatorCPU = b.serverCPU, b.generatorCPU; serverCPU < 0 || generatorCPU < 0 {
				return nil, errOneCore
			}
		}
		s, err := b.start(ctx, t, serverCPU)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		keys, n := b.scaled(throughKeys), b.scaled(requests)
		if err := load(s.addr, 0, keys, valueSize); err != nil {
			return nil, err
		}
		var samples []sample
		for _, test := range []string{"set", "get"} {
			// What is measured is the server warmed up.
			if _, err := b.generate(ctx, s, generatorCPU, test, max(1, n/5), keys, pipeline); err != nil {
				return nil, err
			}
			var g generated
			used, err := s.usedDuring(func() (err error) {
				g, err = b.generate(ctx, s, generatorCPU, test, n, keys, pipeline)
				return err
			})
			if err != nil {
				return nil, err
			}
			command := strings.ToUpper(test)
			samples = append(samples,
				sample{command + " throughput, thousands/s", g.perSecond / 1e3, throughputChart},
				sample{command + " server CPU, µs/op", float64(used.Nanoseconds()) / 1e3 / float64(n), cpuChart},
				sample{command + " p50, µs", g.p50, noChart},
				sample{command + " p99, µs", g.p99, noChart},
				sample{command + " p99.9, µs", g.p999, noChart},
			)
		}
		m, err := memoryOf(s.pid, false)
		return append(samples, sample{"resident memory, MB", float64(m.resident) / 1e6, noChart}), err
	}}
}
