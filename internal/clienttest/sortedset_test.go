package clienttest

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func z(score float64, member string) redis.Z { return redis.Z{Score: score, Member: member} }

func TestSortedSets(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		is(t, int64(4))(c.ZAdd(ctx, "z", z(1, "a"), z(2.5, "b"), z(3, "c"), z(math.Inf(1), "d")).Result())
		is(t, int64(0))(c.ZAddNX(ctx, "z", z(9, "a")).Result())
		is(t, int64(0))(c.ZAddXX(ctx, "z", z(9, "none")).Result())
		is(t, int64(0))(c.ZAddGT(ctx, "z", z(0, "a")).Result())
		is(t, int64(0))(c.ZAddLT(ctx, "z", z(2, "b")).Result())
		is(t, int64(2))(c.ZAddArgs(ctx, "z", redis.ZAddArgs{Ch: true, Members: []redis.Z{z(4, "c"), z(0, "e")}}).Result())
		is(t, 1.5)(c.ZAddArgsIncr(ctx, "z", redis.ZAddArgs{Members: []redis.Z{z(1.5, "e")}}).Result())
		missing[float64](t)(c.ZAddArgsIncr(ctx, "z", redis.ZAddArgs{NX: true, Members: []redis.Z{z(1, "e")}}).Result())
		is(t, -0.5)(c.ZIncrBy(ctx, "z", -2, "e").Result())
		is(t, int64(5))(c.ZCard(ctx, "z").Result())
		is(t, 2.0)(c.ZScore(ctx, "z", "b").Result())
		is(t, math.Inf(1))(c.ZScore(ctx, "z", "d").Result())
		missing[float64](t)(c.ZScore(ctx, "z", "none").Result())
		is(t, []float64{1, 0, 4})(c.ZMScore(ctx, "z", "a", "none", "c").Result())
		is(t, int64(3))(c.ZCount(ctx, "z", "(-0.5", "4").Result())
		is(t, int64(0))(c.ZRank(ctx, "z", "e").Result())
		is(t, int64(4))(c.ZRevRank(ctx, "z", "e").Result())
		missing[int64](t)(c.ZRank(ctx, "z", "none").Result())
		is(t, redis.RankScore{Rank: 3, Score: 4})(c.ZRankWithScore(ctx, "z", "c").Result())
		is(t, redis.RankScore{Rank: 1, Score: 4})(c.ZRevRankWithScore(ctx, "z", "c").Result())

		is(t, []string{"e", "a", "b", "c", "d"})(c.ZRange(ctx, "z", 0, -1).Result())
		is(t, []string{"d", "c"})(c.ZRevRange(ctx, "z", 0, 1).Result())
		is(t, []redis.Z{z(-0.5, "e"), z(1, "a")})(c.ZRangeWithScores(ctx, "z", 0, 1).Result())
		is(t, []redis.Z{z(math.Inf(1), "d"), z(4, "c")})(c.ZRevRangeWithScores(ctx, "z", 0, 1).Result())
		between := &redis.ZRangeBy{Min: "(1", Max: "+inf", Offset: 1, Count: 2}
		is(t, []string{"c", "d"})(c.ZRangeByScore(ctx, "z", between).Result())
		is(t, []redis.Z{z(4, "c"), z(math.Inf(1), "d")})(c.ZRangeByScoreWithScores(ctx, "z", between).Result())
		is(t, []string{"c", "b"})(c.ZRevRangeByScore(ctx, "z", between).Result())
		is(t, []redis.Z{z(4, "c"), z(2, "b")})(c.ZRevRangeByScoreWithScores(ctx, "z", between).Result())
		down := redis.ZRangeArgs{Key: "z", Start: 4, Stop: 1, ByScore: true, Rev: true, Count: 2}
		is(t, []string{"c", "b"})(c.ZRangeArgs(ctx, down).Result())
		is(t, []redis.Z{z(4, "c"), z(2, "b")})(c.ZRangeArgsWithScores(ctx, down).Result())
		is(t, int64(2))(c.ZRangeStore(ctx, "to", down).Result())
		is(t, []string{"b", "c"})(c.ZRange(ctx, "to", 0, -1).Result())

		require.NoError(t, c.ZAdd(ctx, "lex", z(0, "a"), z(0, "b"), z(0, "c"), z(0, "d")).Err())
		letters := &redis.ZRangeBy{Min: "[b", Max: "+"}
		is(t, int64(3))(c.ZLexCount(ctx, "lex", "[b", "+").Result())
		is(t, []string{"b", "c", "d"})(c.ZRangeByLex(ctx, "lex", letters).Result())
		is(t, []string{"d", "c", "b"})(c.ZRevRangeByLex(ctx, "lex", letters).Result())
		is(t, int64(1))(c.ZRemRangeByLex(ctx, "lex", "(c", "[d").Result())
		is(t, int64(1))(c.ZRemRangeByRank(ctx, "lex", 0, 0).Result())
		is(t, int64(2))(c.ZRemRangeByScore(ctx, "lex", "-inf", "+inf").Result())
		is(t, int64(0))(c.Exists(ctx, "lex").Result())

		members, err := c.ZRandMember(ctx, "z", -20).Result()
		require.NoError(t, err)
		require.Len(t, members, 20)
		same(t, "a", "b", "c", "d", "e")(c.ZRandMember(ctx, "z", 20).Result())
		scored, err := c.ZRandMemberWithScores(ctx, "to", 20).Result()
		require.NoError(t, err)
		require.ElementsMatch(t, []redis.Z{z(2, "b"), z(4, "c")}, scored)
		is(t, int64(1))(c.ZRem(ctx, "z", "d", "none").Result())
		require.NoError(t, c.Set(ctx, "s", "v", 0).Err())
		require.EqualError(t, c.ZAdd(ctx, "s", z(1, "a")).Err(), wrongType)
		require.EqualError(t, c.ZAdd(ctx, "z", z(math.NaN(), "a")).Err(), "ERR value is not a valid float")
	})
}

func TestSortedSetsTogether(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		require.NoError(t, c.ZAdd(ctx, "a", z(1, "x"), z(2, "y"), z(3, "w")).Err())
		require.NoError(t, c.ZAdd(ctx, "b", z(10, "x"), z(20, "y"), z(30, "z")).Err())
		weighed := redis.ZStore{Keys: []string{"a", "b"}, Weights: []float64{2, 0.5}, Aggregate: "MAX"}
		plain := redis.ZStore{Keys: []string{"a", "b"}}
		is(t, []string{"w", "x", "y", "z"})(c.ZUnion(ctx, plain).Result())
		is(t, []redis.Z{z(5, "x"), z(6, "w"), z(10, "y"), z(15, "z")})(c.ZUnionWithScores(ctx, weighed).Result())
		is(t, []string{"x", "y"})(c.ZInter(ctx, &plain).Result())
		is(t, []redis.Z{z(11, "x"), z(22, "y")})(c.ZInterWithScores(ctx, &plain).Result())
		is(t, int64(2))(c.ZInterCard(ctx, 0, "a", "b").Result())
		is(t, []string{"w"})(c.ZDiff(ctx, "a", "b").Result())
		is(t, []redis.Z{z(3, "w")})(c.ZDiffWithScores(ctx, "a", "b").Result())
		is(t, int64(4))(c.ZUnionStore(ctx, "u", &weighed).Result())
		is(t, int64(2))(c.ZInterStore(ctx, "i", &weighed).Result())
		is(t, []redis.Z{z(5, "x"), z(10, "y")})(c.ZRangeWithScores(ctx, "i", 0, -1).Result())
		is(t, int64(1))(c.ZDiffStore(ctx, "d", "a", "b").Result())

		is(t, []redis.Z{z(5, "x")})(c.ZPopMin(ctx, "u").Result())
		is(t, []redis.Z{z(15, "z"), z(10, "y")})(c.ZPopMax(ctx, "u", 2).Result())
		is(t, []redis.Z{})(c.ZPopMin(ctx, "none").Result())
		key, popped, err := c.ZMPop(ctx, "max", 2, "none", "b").Result()
		require.NoError(t, err)
		require.Equal(t, "b", key)
		require.Equal(t, []redis.Z{z(30, "z"), z(20, "y")}, popped)
		_, _, err = c.ZMPop(ctx, "min", 1, "none").Result()
		require.ErrorIs(t, err, redis.Nil)
		is(t, &redis.ZWithKey{Z: z(1, "x"), Key: "a"})(c.BZPopMin(ctx, time.Minute, "none", "a").Result())
		is(t, &redis.ZWithKey{Z: z(3, "w"), Key: "a"})(c.BZPopMax(ctx, time.Minute, "a").Result())
		missing[any](t)(c.Do(ctx, "BZPOPMIN", "none", 0.01).Result())
		key, popped, err = c.BZMPop(ctx, time.Minute, "min", 5, "none", "a").Result()
		require.NoError(t, err)
		require.Equal(t, "a", key)
		require.Equal(t, []redis.Z{z(2, "y")}, popped)
	})
}
