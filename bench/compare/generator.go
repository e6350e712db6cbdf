package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// generated is what redis-benchmark measured: requests a second and latencies in microseconds.
type generated struct {
	perSecond, p50, p99, p999 float64
}

// generate runs redis-benchmark with one kind of request. Its CSV output has no p99.9, so the report in words is read.
func (b *bench) generate(ctx context.Context, s *server, cpu int, test string, requests, keys, pipeline int) (generated, error) {
	return b.run(ctx, s, cpu, requests, keys, pipeline, "-t", test)
}

// run runs redis-benchmark with a command of one's own or whatever else is given behind the other arguments.
func (b *bench) run(ctx context.Context, s *server, cpu, requests, keys, pipeline int, what ...string) (generated, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 5*time.Minute, errors.New("redis-benchmark took more than 5 minutes"))
	defer cancel()
	args := []string{"-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-c", strconv.Itoa(connections),
		"-n", strconv.Itoa(requests), "-r", strconv.Itoa(keys), "-d", strconv.Itoa(valueSize),
		"-P", strconv.Itoa(pipeline), "--precision", "3"}
	args = append(args, what...)
	cmd := exec.Command(b.generator, args...)
	var out, problems strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := startOn(cmd, cpu); err != nil {
		return generated{}, err
	}
	stops := context.AfterFunc(ctx, func() { killGroup(cmd.Process.Pid) })
	err := cmd.Wait()
	stops()
	if ctx.Err() != nil {
		return generated{}, context.Cause(ctx)
	}
	if err != nil {
		return generated{}, fmt.Errorf("redis-benchmark %s: %w\n%s", strings.Join(args, " "), err, problems.String())
	}
	return parseReport(out.String())
}

var (
	percentileLine = regexp.MustCompile(`^([0-9.]+)% <= ([0-9.]+) milliseconds \(cumulative`)
	throughputLine = regexp.MustCompile(`throughput summary: ([0-9.]+) requests per second`)
)

// parseReport reads a report of redis-benchmark. Its first list of percentiles goes up in ever finer steps; the next
// section repeats the latencies in even steps and is left out. A percentile is the first listed one that reaches it,
// so p99 is the 99.219th and p99.9 the 99.902nd, but for p50 and p99, which the summary has exactly.
func parseReport(report string) (generated, error) {
	var g generated
	inPercentiles, inSummary := false, false
	for line := range strings.Lines(strings.ReplaceAll(report, "\r", "\n")) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "Latency by percentile"):
			inPercentiles = true
		case strings.HasPrefix(line, "Cumulative distribution"):
			inPercentiles = false
		case strings.HasPrefix(line, "avg"):
			inSummary = true
			continue
		}
		if m := percentileLine.FindStringSubmatch(line); m != nil && inPercentiles && g.p999 == 0 {
			if reached, err := strconv.ParseFloat(m[1], 64); err == nil && reached >= 99.9 {
				g.p999 = microseconds(m[2])
			}
		}
		if m := throughputLine.FindStringSubmatch(line); m != nil {
			var err error
			if g.perSecond, err = strconv.ParseFloat(m[1], 64); err != nil {
				return g, fmt.Errorf("redis-benchmark: %w in %q", err, line)
			}
		}
		// avg, min, p50, p95, p99, max
		if columns := strings.Fields(line); inSummary && len(columns) == 6 {
			g.p50, g.p99 = microseconds(columns[2]), microseconds(columns[4])
		}
		inSummary = false
	}
	if g.perSecond == 0 || g.p50 == 0 || g.p99 == 0 || g.p999 == 0 {
		return g, fmt.Errorf("redis-benchmark's report lacks a figure (version 7 or newer is needed):\n%s", report)
	}
	return g, nil
}

// microseconds converts a number of milliseconds as redis-benchmark prints it; what is no number becomes 0.
func microseconds(milliseconds string) float64 {
	v, err := strconv.ParseFloat(milliseconds, 64)
	if err != nil {
		return 0
	}
	return math.Round(v*1e6) / 1e3
}
