package clienttest

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// message is an entry with one field.
func message(id, field, value string) redis.XMessage {
	return redis.XMessage{ID: id, Values: map[string]any{field: value}}
}

// addFive adds the entries 1-1 to 5-1 to a stream.
func addFive(t *testing.T, ctx context.Context, c *redis.Client, key string) (all []redis.XMessage) {
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		is(t, n+"-1")(c.XAdd(ctx, &redis.XAddArgs{Stream: key, ID: n + "-1", Values: []string{"n", n}}).Result())
		all = append(all, message(n+"-1", "n", n))
	}
	return all
}

func TestStreams(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		all := addFive(t, ctx, c, "x")
		is(t, "5-2")(c.XAdd(ctx, &redis.XAddArgs{Stream: "x", ID: "5-*", Values: map[string]any{"n": 6}}).Result())
		missing[string](t)(c.XAdd(ctx, &redis.XAddArgs{Stream: "none", NoMkStream: true, Values: []string{"a", "b"}}).Result())
		err := c.XAdd(ctx, &redis.XAddArgs{Stream: "x", ID: "1-1", Values: []string{"a", "b"}}).Err()
		require.EqualError(t, err, "ERR The ID specified in XADD is equal or smaller than the target stream top item")
		is(t, int64(6))(c.XLen(ctx, "x").Result())
		is(t, int64(1))(c.XDel(ctx, "x", "5-2", "9-9").Result())
		is(t, all)(c.XRange(ctx, "x", "-", "+").Result())
		is(t, all[1:3])(c.XRangeN(ctx, "x", "(1-1", "+", 2).Result())
		is(t, []redis.XMessage{all[2], all[1]})(c.XRevRange(ctx, "x", "3", "2").Result())
		is(t, []redis.XMessage{all[4]})(c.XRevRangeN(ctx, "x", "+", "-", 1).Result())
		is(t, []redis.XMessage{})(c.XRange(ctx, "none", "-", "+").Result())

		is(t, []redis.XStream{{Stream: "x", Messages: all[3:]}})(c.XReadStreams(ctx, "x", "none", "3-1", "0").Result())
		first := &redis.XReadArgs{Streams: []string{"x"}, ID: "0", Count: 1, Block: -1}
		is(t, []redis.XStream{{Stream: "x", Messages: all[:1]}})(c.XRead(ctx, first).Result())
		missing[[]redis.XStream](t)(c.XRead(ctx, &redis.XReadArgs{Streams: []string{"x", "$"}, Block: 10 * time.Millisecond}).Result())

		info, err := c.XInfoStream(ctx, "x").Result()
		require.NoError(t, err)
		require.Equal(t, []int64{5, 6, 0}, []int64{info.Length, info.EntriesAdded, info.Groups})
		require.Equal(t, []string{"5-2", "5-2", "1-1"}, []string{info.LastGeneratedID, info.MaxDeletedEntryID, info.RecordedFirstEntryID})
		require.Equal(t, all[0], info.FirstEntry)
		require.Equal(t, all[4], info.LastEntry)

		is(t, int64(1))(c.XTrimMaxLen(ctx, "x", 4).Result())
		is(t, int64(1))(c.XTrimMinID(ctx, "x", "3").Result())
		is(t, int64(0))(c.XTrimMaxLenApprox(ctx, "x", 1, 10).Result())
		is(t, int64(0))(c.XTrimMinIDApprox(ctx, "x", "5", 10).Result())
		trimmed := &redis.XAddArgs{Stream: "x", ID: "7-0", MaxLen: 2, Values: []any{"n", 7}}
		is(t, "7-0")(c.XAdd(ctx, trimmed).Result())
		is(t, []redis.XMessage{all[4], message("7-0", "n", "7")})(c.XRange(ctx, "x", "-", "+").Result())
		require.NoError(t, c.Set(ctx, "s", "v", 0).Err())
		require.EqualError(t, c.XLen(ctx, "s").Err(), wrongType)
	})
}

func TestStreamGroups(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		all := addFive(t, ctx, c, "x")
		is(t, "OK")(c.XGroupCreate(ctx, "x", "g", "0").Result())
		is(t, "OK")(c.XGroupCreateMkStream(ctx, "made", "g", "$").Result())
		require.EqualError(t, c.XGroupCreate(ctx, "x", "g", "0").Err(), "BUSYGROUP Consumer Group name already exists")
		is(t, int64(1))(c.XGroupCreateConsumer(ctx, "x", "g", "idle").Result())
		read := func(consumer, id string, count int64) *redis.XReadGroupArgs {
			return &redis.XReadGroupArgs{Group: "g", Consumer: consumer, Streams: []string{"x", id}, Count: count, Block: -1}
		}
		is(t, []redis.XStream{{Stream: "x", Messages: all[:3]}})(c.XReadGroup(ctx, read("alice", ">", 3)).Result())
		is(t, []redis.XStream{{Stream: "x", Messages: all[3:4]}})(c.XReadGroup(ctx, read("bob", ">", 1)).Result())
		is(t, []redis.XStream{{Stream: "x", Messages: all[1:3]}})(c.XReadGroup(ctx, read("alice", "1-1", 9)).Result())
		is(t, int64(1))(c.XAck(ctx, "x", "g", "1-1", "9-9").Result())
		is(t, &redis.XPending{Count: 3, Lower: "2-1", Higher: "4-1", Consumers: map[string]int64{"alice": 2, "bob": 1}})(
			c.XPending(ctx, "x", "g").Result())
		pending, err := c.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: "x", Group: "g", Start: "-", End: "+", Count: 10, Consumer: "alice",
		}).Result()
		require.NoError(t, err)
		require.Len(t, pending, 2)
		require.Equal(t, "3-1 alice", pending[1].ID+" "+pending[1].Consumer)
		require.Equal(t, int64(2), pending[1].RetryCount)
		require.Less(t, pending[1].Idle, time.Minute)

		is(t, all[1:2])(c.XClaim(ctx, &redis.XClaimArgs{Stream: "x", Group: "g", Consumer: "bob", Messages: []string{"2-1", "9-9"}}).Result())
		later := &redis.XClaimArgs{Stream: "x", Group: "g", Consumer: "bob", MinIdle: time.Hour, Messages: []string{"3-1"}}
		is(t, []string{})(c.XClaimJustID(ctx, later).Result())
		require.NoError(t, c.XDel(ctx, "x", "3-1").Err())
		auto := &redis.XAutoClaimArgs{Stream: "x", Group: "g", Consumer: "carol", Start: "0", Count: 2}
		ids, start, err := c.XAutoClaimJustID(ctx, auto).Result()
		require.NoError(t, err)
		require.Equal(t, []string{"2-1"}, ids)
		require.Equal(t, "4-1", start)
		messages, start, err := c.XAutoClaim(ctx, auto).Result()
		require.NoError(t, err)
		require.Equal(t, []redis.XMessage{all[1], all[3]}, messages)
		require.Equal(t, "0-0", start)

		groups, err := c.XInfoGroups(ctx, "x").Result()
		require.NoError(t, err)
		require.Equal(t, "g", groups[0].Name)
		require.Equal(t, "4-1", groups[0].LastDeliveredID)
		require.Equal(t, []int64{4, 2, 4}, []int64{groups[0].Consumers, groups[0].Pending, groups[0].EntriesRead})
		consumers, err := c.XInfoConsumers(ctx, "x", "g").Result()
		require.NoError(t, err)
		counts := map[string]int64{}
		for _, k := range consumers {
			counts[k.Name] = k.Pending
		}
		require.Equal(t, map[string]int64{"alice": 0, "bob": 0, "carol": 2, "idle": 0}, counts)
		full, err := c.XInfoStreamFull(ctx, "x", 2).Result()
		require.NoError(t, err)
		require.Equal(t, int64(4), full.Length)
		require.Equal(t, all[:2], full.Entries)
		require.Len(t, full.Groups, 1)
		require.Equal(t, int64(2), full.Groups[0].PelCount)
		require.Equal(t, "2-1 carol", full.Groups[0].Pending[0].ID+" "+full.Groups[0].Pending[0].Consumer)
		require.Len(t, full.Groups[0].Consumers, 4)

		is(t, "OK")(c.XGroupSetID(ctx, "x", "g", "0").Result())
		quiet := read("dora", ">", 1)
		quiet.NoAck = true
		is(t, []redis.XStream{{Stream: "x", Messages: all[:1]}})(c.XReadGroup(ctx, quiet).Result())
		is(t, int64(2))(c.XGroupDelConsumer(ctx, "x", "g", "carol").Result())
		is(t, int64(1))(c.XGroupDestroy(ctx, "x", "g").Result())
		require.ErrorContains(t, c.XReadGroup(ctx, read("a", ">", 1)).Err(), "NOGROUP No such key 'x' or consumer group 'g'")
	})
}
