package clienttest

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func TestBitmaps(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		is(t, int64(0))(c.SetBit(ctx, "b", 7, 1).Result())
		is(t, int64(1))(c.SetBit(ctx, "b", 7, 1).Result())
		is(t, int64(0))(c.SetBit(ctx, "b", 100, 1).Result())
		is(t, int64(1))(c.GetBit(ctx, "b", 100).Result())
		is(t, int64(0))(c.GetBit(ctx, "b", 1<<31).Result())
		is(t, int64(2))(c.BitCount(ctx, "b", nil).Result())
		is(t, int64(1))(c.BitCount(ctx, "b", &redis.BitCount{Start: 0, End: 0}).Result())
		is(t, int64(1))(c.BitCount(ctx, "b", &redis.BitCount{Start: 8, End: 100, Unit: redis.BitCountIndexBit}).Result())
		is(t, int64(7))(c.BitPos(ctx, "b", 1).Result())
		is(t, int64(100))(c.BitPos(ctx, "b", 1, 1).Result())
		is(t, int64(-1))(c.BitPos(ctx, "b", 1, 1, 5).Result())
		is(t, int64(100))(c.BitPosSpan(ctx, "b", 1, 8, -1, "bit").Result())
		require.NoError(t, c.MSet(ctx, "x", "\xf0\x0f", "y", "\xff").Err())
		is(t, int64(2))(c.BitOpAnd(ctx, "to", "x", "y").Result())
		is(t, "\xf0\x00")(c.Get(ctx, "to").Result())
		is(t, int64(2))(c.BitOpOr(ctx, "to", "x", "y").Result())
		is(t, "\xff\x0f")(c.Get(ctx, "to").Result())
		is(t, int64(2))(c.BitOpXor(ctx, "to", "x", "y").Result())
		is(t, "\x0f\x0f")(c.Get(ctx, "to").Result())
		is(t, int64(2))(c.BitOpNot(ctx, "to", "x").Result())
		is(t, "\x0f\xf0")(c.Get(ctx, "to").Result())
		is(t, []int64{0, 5, 255})(c.BitField(ctx, "f", "SET", "u8", 0, 5, "INCRBY", "u8", 0, 0, "OVERFLOW", "SAT",
			"INCRBY", "u8", "#1", 1000).Result())
		is(t, []int64{5, -1})(c.BitFieldRO(ctx, "f", "u8", 0, "i8", 8).Result())
		require.EqualError(t, c.SetBit(ctx, "b", -1, 1).Err(), "ERR bit offset is not an integer or out of range")
	})
}

func TestHyperLogLogs(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		is(t, int64(1))(c.PFAdd(ctx, "p", "a", "b", "c").Result())
		is(t, int64(0))(c.PFAdd(ctx, "p", "a").Result())
		is(t, int64(3))(c.PFCount(ctx, "p").Result())
		p := c.Pipeline()
		for i := range 10_000 {
			p.PFAdd(ctx, "many", i)
		}
		_, err := p.Exec(ctx)
		require.NoError(t, err)
		n, err := c.PFCount(ctx, "many", "p", "none").Result()
		require.NoError(t, err)
		require.InEpsilon(t, 10_003, n, 0.03)
		is(t, "OK")(c.PFMerge(ctx, "to", "many", "p").Result())
		is(t, n)(c.PFCount(ctx, "to").Result())
		require.NoError(t, c.Set(ctx, "s", "v", 0).Err())
		require.EqualError(t, c.PFAdd(ctx, "s", "a").Err(), "WRONGTYPE Key is not a valid HyperLogLog string value.")
	})
}

func TestGeo(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		palermo := &redis.GeoLocation{Name: "Palermo", Longitude: 13.361389, Latitude: 38.115556}
		catania := &redis.GeoLocation{Name: "Catania", Longitude: 15.087269, Latitude: 37.502669}
		is(t, int64(2))(c.GeoAdd(ctx, "g", palermo, catania).Result())
		is(t, 166.2742)(c.GeoDist(ctx, "g", "Palermo", "Catania", "km").Result())
		missing[float64](t)(c.GeoDist(ctx, "g", "Palermo", "none", "m").Result())
		is(t, []string{"sqc8b49rny0", "", "sqdtr74hyu0"})(c.GeoHash(ctx, "g", "Palermo", "none", "Catania").Result())
		places, err := c.GeoPos(ctx, "g", "Palermo", "none").Result()
		require.NoError(t, err)
		require.Equal(t, "&{13.361389338970184 38.1155563954963}", fmt.Sprint(places[0]))
		require.Nil(t, places[1])

		near := redis.GeoSearchQuery{Longitude: 15, Latitude: 37, Radius: 200, RadiusUnit: "km", Sort: "ASC"}
		is(t, []string{"Catania", "Palermo"})(c.GeoSearch(ctx, "g", &near).Result())
		box := redis.GeoSearchQuery{Member: "Palermo", BoxWidth: 100, BoxHeight: 100, BoxUnit: "km", Count: 1, CountAny: true}
		is(t, []string{"Palermo"})(c.GeoSearch(ctx, "g", &box).Result())
		found, err := c.GeoSearchLocation(ctx, "g", &redis.GeoSearchLocationQuery{
			GeoSearchQuery: near, WithCoord: true, WithDist: true, WithHash: true,
		}).Result()
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.Equal(t, "{Catania 15.087267458438873 37.50266842333162 56.4413 3479447370796909}", fmt.Sprint(found[0]))
		is(t, int64(2))(c.GeoSearchStore(ctx, "g", "to", &redis.GeoSearchStoreQuery{GeoSearchQuery: near, StoreDist: true}).Result())
		score, err := c.ZScore(ctx, "to", "Catania").Result()
		require.NoError(t, err)
		require.InEpsilon(t, 56.4413, score, 1e-5)

		radius := &redis.GeoRadiusQuery{Radius: 200, Unit: "km", WithDist: true, Sort: "DESC"}
		found, err = c.GeoRadius(ctx, "g", 15, 37, radius).Result()
		require.NoError(t, err)
		require.Equal(t, []redis.GeoLocation{{Name: "Palermo", Dist: 190.4424}, {Name: "Catania", Dist: 56.4413}}, found)
		found, err = c.GeoRadiusByMember(ctx, "g", "Catania", &redis.GeoRadiusQuery{Radius: 1, Unit: "km"}).Result()
		require.NoError(t, err)
		require.Equal(t, []redis.GeoLocation{{Name: "Catania"}}, found)
		is(t, int64(2))(c.GeoRadiusStore(ctx, "g", 15, 37, &redis.GeoRadiusQuery{Radius: 200, Unit: "km", Store: "to"}).Result())
		is(t, int64(1))(c.GeoRadiusByMemberStore(ctx, "g", "Catania", &redis.GeoRadiusQuery{Radius: 1, Unit: "km", StoreDist: "to"}).Result())
		err = c.GeoAdd(ctx, "g", &redis.GeoLocation{Name: "x", Longitude: 181}).Err()
		require.EqualError(t, err, "ERR invalid longitude,latitude pair 181.000000,0.000000")
	})
}
