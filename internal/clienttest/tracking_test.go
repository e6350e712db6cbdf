package clienttest

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"
)

// caching returns a rueidis client, which keeps what it has read.
func caching(t *testing.T, socket string, change func(*rueidis.ClientOption)) rueidis.Client {
	t.Helper()
	o := rueidis.ClientOption{
		InitAddress:      []string{socket},
		Dialer:           net.Dialer{},
		ConnWriteTimeout: time.Minute,
		DialCtxFn: func(ctx context.Context, _ string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return d.DialContext(ctx, "unix", socket)
		},
	}
	if change != nil {
		change(&o)
	}
	c, err := rueidis.NewClient(o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// cached reads a key through the client's cache.
func cached(t *testing.T, c rueidis.Client, key string) (value string, hit bool) {
	t.Helper()
	r := c.DoCache(t.Context(), c.B().Get().Key(key).Cache(), time.Minute)
	value, err := r.ToString()
	if rueidis.IsRedisNil(err) {
		return "", r.IsCacheHit()
	}
	require.NoError(t, err)
	return value, r.IsCacheHit()
}

// modes are the ways in which rueidis asks for tracking.
var modes = map[string][]string{
	"OPTIN": nil,
	"BCAST": {"PREFIX", "user:", "BCAST"},
}

func TestRueidisCaches(t *testing.T) {
	for name, options := range modes {
		t.Run(name, func(t *testing.T) {
			socket := Server(t)
			other := client(t, patient(socket, 2))
			ctx := t.Context()
			c := caching(t, socket, func(o *rueidis.ClientOption) { o.ClientTrackingOptions = options })
			until := func(key, want string) {
				t.Helper()
				require.Eventually(t, func() bool { got, _ := cached(t, c, key); return got == want }, time.Minute, time.Millisecond)
			}
			value, hit := cached(t, c, "user:1")
			require.Equal(t, "", value)
			require.False(t, hit)
			for range 3 {
				_, hit = cached(t, c, "user:1")
				require.True(t, hit)
			}

			// Somebody else writes, in every way
			write := func(want string, err error) {
				t.Helper()
				require.NoError(t, err)
				until("user:1", want)
				_, hit := cached(t, c, "user:1")
				require.True(t, hit)
			}
			write("a", other.Set(ctx, "user:1", "a", 0).Err())
			write("b", other.MSet(ctx, "user:1", "b", "user:2", "b").Err())
			_, err := other.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, "user:1", "c", 0)
				p.Append(ctx, "user:1", "d")
				return nil
			})
			write("cd", err)
			write("e", other.Eval(ctx, "return redis.call('set',KEYS[1],'e')", []string{"user:1"}).Err())
			write("", other.Rename(ctx, "user:1", "user:9").Err())
			write("e", other.Rename(ctx, "user:9", "user:1").Err())
			write("", other.FlushAll(ctx).Err())

			// It writes itself
			require.NoError(t, c.Do(ctx, c.B().Set().Key("user:1").Value("own").Build()).Error())
			until("user:1", "own")

			// A key expires
			write("short", other.Set(ctx, "user:1", "short", 50*time.Millisecond).Err())
			until("user:1", "")

			// Many keys at once, and a hash
			require.NoError(t, other.MSet(ctx, "user:a", "1", "user:b", "2").Err())
			require.NoError(t, other.HSet(ctx, "user:h", "f", "1").Err())
			got, err := rueidis.MGetCache(c, ctx, time.Minute, []string{"user:a", "user:b", "user:none"})
			require.NoError(t, err)
			require.Len(t, got, 3)
			field := func() (string, bool) {
				r := c.DoCache(ctx, c.B().Hget().Key("user:h").Field("f").Cache(), time.Minute)
				s, err := r.ToString()
				require.NoError(t, err)
				return s, r.IsCacheHit()
			}
			_, _ = field()
			_, hit = field()
			require.True(t, hit)
			require.NoError(t, other.HSet(ctx, "user:h", "f", "2").Err())
			require.Eventually(t, func() bool { s, _ := field(); return s == "2" }, time.Minute, time.Millisecond)

			// Its connection is cut: nothing kept survives that
			require.NoError(t, other.Set(ctx, "user:1", "before", 0).Err())
			until("user:1", "before")
			require.NotEmpty(t, other.ClientKillByFilter(ctx, "SKIPME", "yes").Val())
			require.NoError(t, other.Set(ctx, "user:1", "after", 0).Err())
			require.Eventually(t, func() bool {
				s, err := c.DoCache(ctx, c.B().Get().Key("user:1").Cache(), time.Minute).ToString()
				return err == nil && s == "after"
			}, time.Minute, time.Millisecond)
			_, hit = cached(t, c, "user:1")
			require.True(t, hit)
		})
	}
}

// Several caching clients read while others write: in the end nobody keeps an old value.
func TestRueidisKeepsNothingOld(t *testing.T) {
	for name, options := range modes {
		t.Run(name, func(t *testing.T) {
			socket := Server(t)
			ctx := t.Context()
			var readers []rueidis.Client
			for range 3 {
				readers = append(readers, caching(t, socket, func(o *rueidis.ClientOption) { o.ClientTrackingOptions = options }))
			}
			key := func(i int) string { return fmt.Sprint("user:", i) }
			var reading, writing sync.WaitGroup
			stop := make(chan struct{})
			for _, c := range readers {
				reading.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							cached(t, c, key(rand.IntN(20)))
						}
					}
				})
			}
			for w := range 3 {
				writing.Go(func() {
					other := redis.NewClient(patient(socket, 3))
					defer other.Close()
					for i := range 500 {
						if err := other.Set(ctx, key(rand.IntN(20)), fmt.Sprint(w, " ", i), 0).Err(); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			writing.Wait()
			close(stop)
			reading.Wait()
			other := client(t, patient(socket, 2))
			for _, c := range readers {
				require.NoError(t, c.Do(ctx, c.B().Ping().Build()).Error()) // what was on its way has come
				for i := range 20 {
					value, _ := cached(t, c, key(i))
					require.Equal(t, other.Get(ctx, key(i)).Val(), value)
				}
			}
		})
	}
}
