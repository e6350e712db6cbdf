package clienttest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// messages receives n messages.
func messages(t *testing.T, ctx context.Context, sub *redis.PubSub, n int) []*redis.Message {
	t.Helper()
	list := make([]*redis.Message, n)
	for i := range list {
		m, err := sub.ReceiveMessage(ctx)
		require.NoError(t, err)
		list[i] = m
	}
	return list
}

func TestPubSub(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		sub := c.Subscribe(ctx, "news", "weather")
		defer sub.Close()
		for i, name := range []string{"news", "weather"} {
			got, err := sub.Receive(ctx)
			require.NoError(t, err)
			require.Equal(t, &redis.Subscription{Kind: "subscribe", Channel: name, Count: i + 1}, got)
		}
		pattern := c.PSubscribe(ctx, "n*")
		defer pattern.Close()
		_, err := pattern.Receive(ctx)
		require.NoError(t, err)
		shard := c.SSubscribe(ctx, "news")
		defer shard.Close()
		_, err = shard.Receive(ctx)
		require.NoError(t, err)

		is(t, int64(2))(c.Publish(ctx, "news", "one").Result())
		is(t, int64(1))(c.Publish(ctx, "weather", "two\r\nlines").Result())
		is(t, int64(0))(c.Publish(ctx, "sports", "three").Result())
		is(t, int64(1))(c.SPublish(ctx, "news", "four").Result())
		require.Equal(t, []*redis.Message{
			{Channel: "news", Payload: "one"}, {Channel: "weather", Payload: "two\r\nlines"},
		}, messages(t, ctx, sub, 2))
		require.Equal(t, []*redis.Message{{Channel: "news", Pattern: "n*", Payload: "one"}}, messages(t, ctx, pattern, 1))
		require.Equal(t, []*redis.Message{{Channel: "news", Payload: "four"}}, messages(t, ctx, shard, 1))

		channels, err := c.PubSubChannels(ctx, "*").Result()
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"news", "weather"}, channels)
		is(t, map[string]int64{"news": 1, "sports": 0})(c.PubSubNumSub(ctx, "news", "sports").Result())
		is(t, int64(1))(c.PubSubNumPat(ctx).Result())
		is(t, []string{"news"})(c.PubSubShardChannels(ctx, "n*").Result())
		is(t, map[string]int64{"news": 1})(c.PubSubShardNumSub(ctx, "news").Result())

		require.NoError(t, sub.Ping(ctx, "still there?"))
		got, err := sub.Receive(ctx)
		require.NoError(t, err)
		require.IsType(t, &redis.Pong{}, got)
		require.NoError(t, sub.Unsubscribe(ctx, "weather"))
		got, err = sub.Receive(ctx)
		require.NoError(t, err)
		require.Equal(t, &redis.Subscription{Kind: "unsubscribe", Channel: "weather", Count: 1}, got)
		is(t, int64(0))(c.Publish(ctx, "weather", "nobody").Result())

		require.NoError(t, sub.Close())
		require.Eventually(t, func() bool { return c.PubSubNumSub(ctx, "news").Val()["news"] == 0 }, time.Minute, time.Millisecond)
	})
}

// What several publish is received in the order of each, through the channel that go-redis makes of a subscription.
func TestPubSubOrder(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		sub := c.Subscribe(ctx, "order")
		defer sub.Close()
		_, err := sub.Receive(ctx)
		require.NoError(t, err)
		inbox := sub.Channel(redis.WithChannelSize(100))
		const publishers, each = 4, 500
		var publishing sync.WaitGroup
		defer publishing.Wait() // for replies that come after the messages
		for p := range publishers {
			publishing.Go(func() {
				for i := 0; i < each; i += 50 {
					_, err := c.Pipelined(ctx, func(pipe redis.Pipeliner) error {
						for j := i; j < i+50; j++ {
							pipe.Publish(ctx, "order", fmt.Sprintf("%d %d", p, j))
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		next := [publishers]int{}
		for range publishers * each {
			var p, i int
			_, err := fmt.Sscanf((<-inbox).Payload, "%d %d", &p, &i)
			require.NoError(t, err)
			require.Equal(t, next[p], i)
			next[p]++
		}
	})
}

// A subscription whose connection is cut is made anew.
func TestPubSubReconnects(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		sub := c.Subscribe(ctx, "news")
		defer sub.Close()
		_, err := sub.Receive(ctx)
		require.NoError(t, err)
		inbox := sub.Channel()
		is(t, int64(1))(c.Publish(ctx, "news", "before").Result())
		require.Equal(t, "before", (<-inbox).Payload)
		is(t, int64(1))(c.ClientKillByFilter(ctx, "TYPE", "pubsub").Result())
		require.Eventually(t, func() bool {
			list := c.Do(ctx, "CLIENT", "LIST", "TYPE", "pubsub").String()
			return strings.Contains(list, "flags=P") && c.Publish(ctx, "news", "after").Val() == 1
		}, time.Minute, time.Millisecond)
		require.Equal(t, "after", (<-inbox).Payload)
	})
}
