package clienttest

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// same checks a result that comes in no order.
func same(t *testing.T, want ...string) func(got []string, err error) {
	t.Helper()
	return func(got []string, err error) {
		t.Helper()
		require.NoError(t, err)
		require.ElementsMatch(t, want, got)
	}
}

// missing checks that a command found nothing.
func missing[T any](t *testing.T) func(got T, err error) {
	t.Helper()
	return func(_ T, err error) {
		t.Helper()
		require.ErrorIs(t, err, redis.Nil)
	}
}

const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value"

func TestHashes(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		is(t, int64(3))(c.HSet(ctx, "h", "a", 1, "b", "two", "c", 2.5).Result())
		is(t, int64(0))(c.HSet(ctx, "h", map[string]any{"a": 2}).Result())
		is(t, true)(c.HMSet(ctx, "h", "d", "").Result())
		is(t, "2")(c.HGet(ctx, "h", "a").Result())
		is(t, "")(c.HGet(ctx, "h", "d").Result())
		missing[string](t)(c.HGet(ctx, "h", "none").Result())
		missing[string](t)(c.HGet(ctx, "none", "a").Result())
		is(t, map[string]string{"a": "2", "b": "two", "c": "2.5", "d": ""})(c.HGetAll(ctx, "h").Result())
		is(t, map[string]string{})(c.HGetAll(ctx, "none").Result())
		is(t, []any{"2", nil, "two"})(c.HMGet(ctx, "h", "a", "none", "b").Result())
		is(t, true)(c.HExists(ctx, "h", "d").Result())
		is(t, false)(c.HExists(ctx, "h", "none").Result())
		is(t, int64(4))(c.HLen(ctx, "h").Result())
		is(t, int64(3))(c.HStrLen(ctx, "h", "b").Result())
		same(t, "a", "b", "c", "d")(c.HKeys(ctx, "h").Result())
		same(t, "2", "two", "2.5", "")(c.HVals(ctx, "h").Result())
		is(t, false)(c.HSetNX(ctx, "h", "a", 9).Result())
		is(t, true)(c.HSetNX(ctx, "h", "e", 9).Result())
		is(t, int64(-1))(c.HIncrBy(ctx, "h", "a", -3).Result())
		is(t, 2.75)(c.HIncrByFloat(ctx, "h", "c", 0.25).Result())
		require.EqualError(t, c.HIncrBy(ctx, "h", "b", 1).Err(), "ERR hash value is not an integer")
		is(t, int64(2))(c.HDel(ctx, "h", "d", "e", "none").Result())

		type record struct {
			A int     `redis:"a"`
			B string  `redis:"b"`
			C float64 `redis:"c"`
		}
		var r record
		require.NoError(t, c.HGetAll(ctx, "h").Scan(&r))
		require.Equal(t, record{-1, "two", 2.75}, r)
		require.NoError(t, c.HMGet(ctx, "h", "b").Scan(&r))

		same(t, "a", "b", "c")(c.HRandField(ctx, "h", 10).Result())
		some, err := c.HRandField(ctx, "h", -20).Result()
		require.NoError(t, err)
		require.Len(t, some, 20)
		pairs, err := c.HRandFieldWithValues(ctx, "h", 10).Result()
		require.NoError(t, err)
		require.ElementsMatch(t, []redis.KeyValue{{Key: "a", Value: "-1"}, {Key: "b", Value: "two"}, {Key: "c", Value: "2.75"}}, pairs)

		require.NoError(t, c.Set(ctx, "s", "v", 0).Err())
		require.EqualError(t, c.HGet(ctx, "s", "a").Err(), wrongType)
		require.EqualError(t, c.HGetAll(ctx, "s").Err(), wrongType)
	})
}

func TestHashFieldExpiry(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		require.NoError(t, c.HSet(ctx, "h", "a", 1, "b", 2, "c", 3).Err())
		is(t, []int64{1, -2})(c.HExpire(ctx, "h", time.Hour, "a", "none").Result())
		is(t, []int64{0, 1})(c.HExpireWithArgs(ctx, "h", 2*time.Hour, redis.HExpireArgs{NX: true}, "a", "b").Result())
		is(t, []int64{1})(c.HPExpireWithArgs(ctx, "h", time.Hour, redis.HExpireArgs{LT: true}, "b").Result())
		is(t, []int64{1})(c.HPExpire(ctx, "h", 90*time.Minute, "b").Result())
		seconds, err := c.HTTL(ctx, "h", "a", "c", "none").Result()
		require.NoError(t, err)
		require.InDelta(t, 3600, seconds[0], 60)
		require.Equal(t, []int64{-1, -2}, seconds[1:])
		ms, err := c.HPTTL(ctx, "h", "b").Result()
		require.NoError(t, err)
		require.InDelta(t, 5_400_000, ms[0], 60_000)
		at := time.Now().Add(24 * time.Hour).Truncate(time.Second)
		is(t, []int64{1})(c.HExpireAt(ctx, "h", at, "c").Result())
		is(t, []int64{0})(c.HExpireAtWithArgs(ctx, "h", at, redis.HExpireArgs{GT: true}, "c").Result())
		is(t, []int64{at.Unix()})(c.HExpireTime(ctx, "h", "c").Result())
		is(t, []int64{1})(c.HPExpireAt(ctx, "h", at, "a").Result())
		is(t, []int64{at.UnixMilli()})(c.HPExpireTime(ctx, "h", "a").Result())
		is(t, []int64{1, -2})(c.HPersist(ctx, "h", "a", "none").Result())
		is(t, []int64{-1})(c.HTTL(ctx, "h", "a").Result())

		is(t, []string{"1", "2"})(c.HGetEX(ctx, "h", "a", "b").Result())
		persist := &redis.HGetEXOptions{ExpirationType: redis.HGetEXExpirationPERSIST}
		is(t, []string{"2"})(c.HGetEXWithArgs(ctx, "h", persist, "b").Result())
		is(t, []int64{-1})(c.HTTL(ctx, "h", "b").Result())
		is(t, int64(1))(c.HSetEX(ctx, "h", "d", "4").Result())
		onlyNew := &redis.HSetEXOptions{Condition: redis.HSetEXFNX, ExpirationType: redis.HSetEXExpirationEX, ExpirationVal: 100}
		is(t, int64(0))(c.HSetEXWithArgs(ctx, "h", onlyNew, "d", "5", "e", "6").Result())
		is(t, int64(1))(c.HSetEXWithArgs(ctx, "h", onlyNew, "e", "6").Result())
		is(t, []string{"4", "6"})(c.HGetDel(ctx, "h", "d", "e").Result())
		is(t, int64(3))(c.HLen(ctx, "h").Result())
	})
}

func TestContainerIterators(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		const n = 3000
		want := map[string]string{}
		var members []string
		p := c.Pipeline()
		for i := range n {
			m := "member:" + time.Duration(i).String()
			members = append(members, m)
			want[m] = time.Duration(i * i).String()
			p.HSet(ctx, "h", m, want[m])
			p.SAdd(ctx, "s", m)
			p.ZAdd(ctx, "z", redis.Z{Score: float64(i), Member: m})
		}
		_, err := p.Exec(ctx)
		require.NoError(t, err)

		walk := func(it *redis.ScanIterator) (all []string) {
			for it.Next(ctx) {
				all = append(all, it.Val())
			}
			require.NoError(t, it.Err())
			return all
		}
		require.ElementsMatch(t, members, walk(c.SScan(ctx, "s", 0, "", 70).Iterator()))
		got := map[string]string{}
		pairs := walk(c.HScan(ctx, "h", 0, "", 70).Iterator())
		for i := 0; i < len(pairs); i += 2 {
			got[pairs[i]] = pairs[i+1]
		}
		require.Equal(t, want, got)
		scored := walk(c.ZScan(ctx, "z", 0, "", 70).Iterator())
		require.Len(t, scored, 2*n)
		require.Len(t, walk(c.HScan(ctx, "h", 0, "*:1?ns", 1000).Iterator()), 20)
		require.Len(t, walk(c.SScan(ctx, "s", 0, "*:1?ns", 1000).Iterator()), 10)
		require.Empty(t, walk(c.ZScan(ctx, "none", 0, "", 10).Iterator()))
		require.ElementsMatch(t, []string{"h", "s", "z"}, walk(c.Scan(ctx, 0, "", 10).Iterator()))
		require.Equal(t, []string{"z"}, walk(c.ScanType(ctx, 0, "*", 10, "zset").Iterator()))
	})
}
