package main

import (
	"context"
	"strconv"
	"time"
)

// The script overwrites the keys from scriptKeys on, as many as the probe asks for, over and over: for scriptTime, by a
// number of rounds found beforehand from the CPU time that some take, as no clock runs for scripts of both servers.
const (
	scriptTime = 2 * time.Second
	scriptKeys = probeKeys
	scriptText = `for round = 1, ARGV[1] do
	for i = ARGV[2], ARGV[2] + ARGV[3] - 1 do redis.call('SET', string.format('key:%012d', i), ARGV[4]) end
end
return ARGV[1]`
)

// scriptLatency probes keys from the number first on while the script runs. A server that refuses to answer meanwhile is
// taken to answer when it does so again.
func scriptLatency(first int) func(context.Context, *bench, target) ([]sample, error) {
	return func(ctx context.Context, b *bench, t target) ([]sample, error) {
		s, err := b.start(ctx, t, anyCPU)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		if err := load(s.addr, 0, scriptKeys+probeKeys, valueSize); err != nil {
			return nil, err
		}
		c, err := dial(s.addr)
		if err != nil {
			return nil, err
		}
		defer c.close()
		value := newValues(valueSize, writerStream).next()
		script := func(rounds int) (took time.Duration, err error) {
			begin := time.Now()
			_, err = c.do("EVAL", scriptText, "0", strconv.Itoa(rounds), strconv.Itoa(scriptKeys), strconv.Itoa(probeKeys), value)
			return time.Since(begin), err
		}
		rounds, used, whole := 1, time.Duration(0), b.lasting(scriptTime)
		for used < whole/8 {
			rounds *= 2
			used, err = s.usedDuring(func() error {
				_, err := script(rounds)
				return err
			})
			if err != nil {
				return nil, err
			}
		}
		rounds = int(float64(rounds) * float64(whole) / float64(used))
		return b.disturbFrom(ctx, s, first, func() (window, error) {
			begin := time.Now()
			took, err := script(rounds)
			if err != nil {
				return window{}, err
			}
			return window{begin, begin.Add(took), []sample{
				{"the script, ms", milliseconds(took), noChart},
				{"its SETs, thousands/s", float64(rounds*probeKeys) / 1e3 / took.Seconds(), noChart},
			}}, nil
		})
	}
}
