package main

import (
	"context"
	"fmt"
	"strings"
)

// The load of the scenario publish: one connection sends messages of publishSize bytes to a channel with subscribers, and
// so many are sent with each pipeline that a run takes seconds.
const (
	subscribers    = 1000
	publishSize    = 64
	publishChannel = "channel"
	// publishAhead is how many pipelines may be sent before the subscribers have all messages of the first: a publisher
	// that ran away from them would measure buffers.
	publishAhead = 4
)

var publishRuns = []struct{ pipeline, messages int }{{1, 3_000}, {16, 8_000}, {100, 16_000}}

// publishRate measures how fast messages reach subscribers and what one delivery costs the server, for several pipelines of
// the publisher, one after the other on the same server.
func publishRate(ctx context.Context, b *bench, t target) ([]sample, error) {
	n := b.scaled(subscribers)
	if err := allowFiles(n + 200); err != nil {
		return nil, err
	}
	s, err := b.pinned(ctx, t, "--maxclients", fmt.Sprint(n+100))
	if err != nil {
		return nil, err
	}
	defer s.stop()
	f, err := openFanout(s.port, n, b.generatorCPU)
	if err != nil {
		return nil, err
	}
	defer f.close()
	var samples []sample
	for _, r := range publishRuns {
		messages := b.scaled(r.messages)
		if _, err := f.publish(ctx, max(1, messages/5), r.pipeline); err != nil {
			return nil, fmt.Errorf("pipeline %d: %w", r.pipeline, err)
		}
		var perSecond float64
		used, err := s.usedDuring(func() (err error) {
			perSecond, err = f.publish(ctx, messages, r.pipeline)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("pipeline %d: %w", r.pipeline, err)
		}
		name := fmt.Sprintf("pipeline %d ", r.pipeline)
		samples = append(samples,
			sample{name + "deliveries, thousands/s", perSecond / 1e3, throughputChart},
			sample{name + "server CPU, ns/delivery", float64(used.Nanoseconds()) / float64(messages*n), cpuChart},
		)
	}
	return samples, nil
}

// command is a command as it is sent.
func command(args ...string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&text, "$%d\r\n%s\r\n", len(a), a)
	}
	return text.String()
}
