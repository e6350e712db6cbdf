package clienttest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// crowd runs fn in several goroutines and waits for them.
func crowd(t *testing.T, n int, fn func(worker int) error) {
	t.Helper()
	var all sync.WaitGroup
	for worker := range n {
		all.Go(func() {
			if err := fn(worker); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// limiters are scripts that let so many through in a window: KEYS[1], and the limit, the window in ms and something that
// is new each time. They answer 1 or 0.
var limiters = map[string]string{
	"sliding window": `
		local t = redis.call('TIME')
		local now = t[1] * 1000 + math.floor(t[2] / 1000)
		redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
		if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
		redis.call('ZADD', KEYS[1], now, ARGV[3])
		redis.call('PEXPIRE', KEYS[1], ARGV[2])
		return 1`,
	"fixed window": `
		local n = redis.call('INCR', KEYS[1])
		if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
		return n <= tonumber(ARGV[1]) and 1 or 0`,
	"leaky bucket": `
		local t = redis.call('TIME')
		local now = t[1] + t[2] / 1000000
		local every = ARGV[2] / ARGV[1] / 1000
		local full = tonumber(redis.call('GET', KEYS[1]) or now)
		if full < now then full = now end
		if full + every - now > ARGV[2] / 1000 then return 0 end
		redis.call('SET', KEYS[1], string.format('%.6f', full + every), 'EX', math.ceil(full + every - now))
		return 1`,
}

func TestRateLimiters(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		for name, text := range limiters {
			t.Run(name, func(t *testing.T) {
				script := redis.NewScript(text)
				const workers, each, limit = 16, 25, 60
				var let, asked atomic.Int64
				key := "limit:" + name
				crowd(t, workers, func(int) error {
					for range each {
						n, err := script.Run(ctx, c, []string{key}, limit, time.Hour.Milliseconds(), asked.Add(1)).Int64()
						if err != nil {
							return err
						}
						let.Add(n)
					}
					return nil
				})
				require.Equal(t, int64(limit), let.Load())
				ttl, err := c.PTTL(ctx, key).Result()
				require.NoError(t, err)
				require.Positive(t, ttl)

				// A short window ends.
				brief := func() int64 {
					n, err := script.Run(ctx, c, []string{"brief:" + name}, 1, 30, asked.Add(1)).Int64()
					require.NoError(t, err)
					return n
				}
				require.Equal(t, int64(1), brief())
				require.Eventually(t, func() bool { return brief() == 1 }, time.Minute, 5*time.Millisecond)
			})
		}
	})
}

// Each adds one by Watch, Get and a transaction, again and again until nobody has come between.
func TestWatchedCounter(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		const workers, each = 8, 40
		var lost atomic.Int64
		crowd(t, workers, func(int) error {
			for range each {
				for {
					err := c.Watch(ctx, func(tx *redis.Tx) error {
						n, err := tx.Get(ctx, "n").Int()
						if err != nil && !errors.Is(err, redis.Nil) {
							return err
						}
						_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
							p.Set(ctx, "n", n+1, 0)
							p.RPush(ctx, "log", n+1)
							return nil
						})
						return err
					}, "n")
					if errors.Is(err, redis.TxFailedErr) {
						lost.Add(1)
						continue
					}
					if err != nil {
						return err
					}
					break
				}
			}
			return nil
		})
		is(t, strconv.Itoa(workers*each))(c.Get(ctx, "n").Result())
		log, err := c.LRange(ctx, "log", 0, -1).Result()
		require.NoError(t, err)
		require.Len(t, log, workers*each)
		for i, v := range log {
			require.Equal(t, strconv.Itoa(i+1), v)
		}
		t.Logf("%d attempts found that somebody had come between", lost.Load())
	})
}

// Whoever moves money by a transaction and whoever looks by one agree on the sum.
func TestTransactionsAreSeenWhole(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		const accounts, writers = 8, 4
		var done atomic.Int32
		crowd(t, writers+2, func(worker int) error {
			if worker < writers {
				defer done.Add(1)
				for i := range 150 {
					_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
						p.IncrBy(ctx, fmt.Sprint("account:", (worker+i)%accounts), -int64(i))
						p.IncrBy(ctx, fmt.Sprint("account:", (worker+3*i+1)%accounts), int64(i))
						return nil
					})
					if err != nil {
						return err
					}
				}
				return nil
			}
			for done.Load() < writers {
				all, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
					for i := range accounts {
						p.Get(ctx, fmt.Sprint("account:", i))
					}
					return nil
				})
				if err != nil && !errors.Is(err, redis.Nil) {
					return err
				}
				sum := int64(0)
				for _, cmd := range all {
					n, _ := cmd.(*redis.StringCmd).Int64()
					sum += n
				}
				if sum != 0 {
					return fmt.Errorf("the sum is %d", sum)
				}
			}
			return nil
		})
	})
}

// Workers wait for jobs in several lists. Each job is done once.
func TestWorkersThatWait(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		const jobs = 600
		var done [jobs]atomic.Int32
		var left atomic.Int64
		left.Store(jobs)
		take := func(worker int) (string, error) {
			if worker%3 == 0 { // safely: it is in a second list until it is done
				v, err := c.BLMove(ctx, "jobs:0", "doing", "LEFT", "RIGHT", time.Minute).Result()
				if err == nil {
					err = c.LRem(ctx, "doing", 1, v).Err()
				}
				return v, err
			}
			v, err := c.BLPop(ctx, time.Minute, "jobs:0", "jobs:1", "jobs:2").Result()
			if err != nil {
				return "", err
			}
			return v[1], nil
		}
		const workers = 12
		crowd(t, workers, func(worker int) error {
			if worker < 2 {
				for i := worker; i < jobs; i += 20 {
					_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
						for j := i; j < min(i+20, jobs); j += 2 {
							p.RPush(ctx, fmt.Sprint("jobs:", j/2%3), j)
						}
						return nil
					})
					if err != nil {
						return err
					}
				}
				return nil
			}
			for {
				v, err := take(worker)
				if err != nil || v == "stop" {
					return err
				}
				n, _ := strconv.Atoi(v)
				done[n].Add(1)
				if left.Add(-1) == 0 {
					for range workers - 2 {
						if err := c.RPush(ctx, "jobs:0", "stop").Err(); err != nil {
							return err
						}
					}
				}
			}
		})
		for n := range done {
			require.Equal(t, int32(1), done[n].Load(), "job %d", n)
		}
		is(t, int64(0))(c.Exists(ctx, "jobs:0", "jobs:1", "jobs:2", "doing").Result())
	})
}

// A group's workers read, do and acknowledge; what one of them leaves undone another claims.
func TestStreamWorkers(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		const entries = 400
		require.NoError(t, c.XGroupCreateMkStream(ctx, "s", "g", "$").Err())
		var done [entries]atomic.Int32
		var left atomic.Int64
		left.Store(entries)
		finish := func(m redis.XMessage) error {
			n, _ := strconv.Atoi(m.Values["n"].(string))
			done[n].Add(1)
			left.Add(-1)
			return c.XAck(ctx, "s", "g", m.ID).Err()
		}
		crowd(t, 7, func(worker int) error {
			me := fmt.Sprint("worker", worker)
			switch {
			case worker == 0:
				for i := range entries {
					if err := c.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: []any{"n", i}}).Err(); err != nil {
						return err
					}
				}
				return nil
			case worker == 1: // takes up what others forgot
				for left.Load() > 0 {
					got, _, err := c.XAutoClaim(ctx, &redis.XAutoClaimArgs{
						Stream: "s", Group: "g", Consumer: me, MinIdle: 50 * time.Millisecond, Start: "0", Count: 50,
					}).Result()
					if err != nil {
						return err
					}
					for _, m := range got {
						if err := finish(m); err != nil {
							return err
						}
					}
					time.Sleep(time.Millisecond)
				}
				return nil
			}
			for left.Load() > 0 {
				got, err := c.XReadGroup(ctx, &redis.XReadGroupArgs{
					Group: "g", Consumer: me, Streams: []string{"s", ">"}, Count: 5, Block: 50 * time.Millisecond,
				}).Result()
				if errors.Is(err, redis.Nil) {
					continue
				}
				if err != nil {
					return err
				}
				for i, m := range got[0].Messages {
					if worker == 2 && i%2 == 1 {
						continue // forgotten
					}
					if err := finish(m); err != nil {
						return err
					}
				}
			}
			return nil
		})
		for n := range done {
			require.GreaterOrEqual(t, done[n].Load(), int32(1), "entry %d", n)
		}
		pending, err := c.XPending(ctx, "s", "g").Result()
		require.NoError(t, err)
		require.Zero(t, pending.Count)
	})
}
