package clienttest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { os.Exit(Main(m, "../..")) }

// patient are options under which only a hang is a timeout.
func patient(socket string, protocol int) *redis.Options {
	return &redis.Options{
		Network: "unix", Addr: socket, Protocol: protocol,
		DialTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute, PoolTimeout: time.Minute,
	}
}

func client(t *testing.T, o *redis.Options) *redis.Client {
	t.Helper()
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// both runs a test in both protocols, each with an empty server.
func both(t *testing.T, test func(t *testing.T, ctx context.Context, c *redis.Client)) {
	socket := Server(t)
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			c := client(t, patient(socket, protocol))
			require.NoError(t, c.FlushAll(t.Context()).Err())
			test(t, t.Context(), c)
		})
	}
}

// is checks the result of a command.
func is[T any](t *testing.T, want T) func(got T, err error) {
	t.Helper()
	return func(got T, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestStrings(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		is(t, "OK")(c.Set(ctx, "k", "v", 0).Result())
		is(t, "v")(c.Get(ctx, "k").Result())
		_, err := c.Get(ctx, "none").Result()
		require.ErrorIs(t, err, redis.Nil)
		is(t, "OK")(c.Set(ctx, "empty", "", time.Hour).Result())
		is(t, "")(c.Get(ctx, "empty").Result())
		is(t, false)(c.SetNX(ctx, "k", "w", time.Minute).Result())
		is(t, true)(c.SetNX(ctx, "k2", "w", time.Minute).Result())
		is(t, true)(c.SetXX(ctx, "k2", "x", redis.KeepTTL).Result())
		is(t, "x")(c.SetArgs(ctx, "k2", "y", redis.SetArgs{Get: true, KeepTTL: true}).Result())
		_, err = c.SetArgs(ctx, "k2", "y", redis.SetArgs{Mode: "NX"}).Result()
		require.ErrorIs(t, err, redis.Nil)
		is(t, "y")(c.GetSet(ctx, "k2", "z").Result())
		is(t, "z")(c.GetEx(ctx, "k2", time.Hour).Result())
		is(t, "z")(c.GetDel(ctx, "k2").Result())
		is(t, "OK")(c.SetEx(ctx, "k3", "v", time.Hour).Result())

		is(t, int64(3))(c.Append(ctx, "app", "abc").Result())
		is(t, int64(6))(c.Append(ctx, "app", "def").Result())
		is(t, int64(6))(c.StrLen(ctx, "app").Result())
		is(t, "cde")(c.GetRange(ctx, "app", 2, -2).Result())
		is(t, int64(9))(c.SetRange(ctx, "app", 6, "ghi").Result())
		is(t, int64(1))(c.Incr(ctx, "n").Result())
		is(t, int64(42))(c.IncrBy(ctx, "n", 41).Result())
		is(t, int64(40))(c.DecrBy(ctx, "n", 2).Result())
		is(t, int64(39))(c.Decr(ctx, "n").Result())
		is(t, 39.5)(c.IncrByFloat(ctx, "n", 0.5).Result())
		require.EqualError(t, c.Incr(ctx, "app").Err(), "ERR value is not an integer or out of range")

		is(t, "OK")(c.MSet(ctx, "a", 1, "b", 2.5, "c", "text").Result())
		is(t, []any{"1", "2.5", nil, "text"})(c.MGet(ctx, "a", "b", "none", "c").Result())
		is(t, false)(c.MSetNX(ctx, "new", 1, "a", 2).Result())
		is(t, true)(c.MSetNX(ctx, "new", 1).Result())
		match, err := c.LCS(ctx, &redis.LCSQuery{Key1: "app", Key2: "c", Len: true}).Result()
		require.NoError(t, err)
		require.Equal(t, int64(1), match.Len)
		require.NoError(t, c.MSet(ctx, "x", "ohmytext", "y", "mynewtext").Err())
		match, err = c.LCS(ctx, &redis.LCSQuery{Key1: "x", Key2: "y", Idx: true, WithMatchLen: true}).Result()
		require.NoError(t, err)
		require.Equal(t, int64(6), match.Len)
		require.Len(t, match.Matches, 2)
		require.Equal(t, redis.LCSMatchedPosition{Key1: redis.LCSPosition{Start: 4, End: 7}, Key2: redis.LCSPosition{Start: 5, End: 8}, MatchLen: 4},
			match.Matches[0])

		type record struct {
			A int     `redis:"a"`
			B float64 `redis:"b"`
			C string  `redis:"c"`
		}
		var r record
		require.NoError(t, c.MGet(ctx, "a", "b", "c").Scan(&r))
		require.Equal(t, record{1, 2.5, "text"}, r)

		large := strings.Repeat("large\x00\r\n", 1<<18)
		is(t, "OK")(c.Set(ctx, "large", large, 0).Result())
		got, err := c.Get(ctx, "large").Result()
		require.NoError(t, err)
		require.True(t, got == large)
	})
}

func TestGeneric(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		require.NoError(t, c.MSet(ctx, "a", 1, "b", 2, "c", 3, "d", 4).Err())
		is(t, int64(3))(c.Exists(ctx, "a", "a", "b", "none").Result())
		is(t, int64(1))(c.Del(ctx, "d", "none").Result())
		is(t, int64(0))(c.Unlink(ctx, "d").Result())
		is(t, "string")(c.Type(ctx, "a").Result())
		is(t, "none")(c.Type(ctx, "d").Result())
		keys, err := c.Keys(ctx, "*").Result()
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"a", "b", "c"}, keys)
		key, err := c.RandomKey(ctx).Result()
		require.NoError(t, err)
		require.Contains(t, keys, key)
		is(t, int64(3))(c.DBSize(ctx).Result())

		is(t, time.Duration(-1))(c.TTL(ctx, "a").Result())
		is(t, time.Duration(-2))(c.TTL(ctx, "none").Result())
		is(t, true)(c.Expire(ctx, "a", time.Hour).Result())
		is(t, false)(c.ExpireNX(ctx, "a", time.Hour).Result())
		is(t, true)(c.ExpireGT(ctx, "a", 2*time.Hour).Result())
		is(t, true)(c.ExpireLT(ctx, "a", time.Hour).Result())
		is(t, true)(c.PExpire(ctx, "a", time.Hour).Result())
		left, err := c.PTTL(ctx, "a").Result()
		require.NoError(t, err)
		require.Greater(t, left, 50*time.Minute)
		at := time.Now().Add(24 * time.Hour).Truncate(time.Second)
		is(t, true)(c.ExpireAt(ctx, "a", at).Result())
		is(t, time.Duration(at.Unix())*time.Second)(c.ExpireTime(ctx, "a").Result())
		is(t, true)(c.Persist(ctx, "a").Result())

		is(t, "OK")(c.Rename(ctx, "a", "A").Result())
		is(t, false)(c.RenameNX(ctx, "A", "b").Result())
		require.EqualError(t, c.Rename(ctx, "none", "x").Err(), "ERR no such key")
		is(t, int64(1))(c.Copy(ctx, "A", "a", 0, false).Result())
		is(t, int64(1))(c.Copy(ctx, "A", "a", 3, true).Result())
		is(t, true)(c.Move(ctx, "b", 3).Result())
		is(t, int64(2))(c.Touch(ctx, "A", "a", "none").Result())
		is(t, "int")(c.ObjectEncoding(ctx, "A").Result())
		is(t, int64(math.MaxInt32))(c.ObjectRefCount(ctx, "c").Result()) // small numbers are shared
		_, err = c.ObjectIdleTime(ctx, "c").Result()
		require.NoError(t, err)
		n, err := c.MemoryUsage(ctx, "c").Result()
		require.NoError(t, err)
		require.Positive(t, n)

		other := client(t, func() *redis.Options { o := *c.Options(); o.DB = 3; return &o }())
		is(t, "2")(other.Get(ctx, "b").Result())
		is(t, int64(2))(other.DBSize(ctx).Result())
		require.NoError(t, other.Do(ctx, "SWAPDB", 3, 4).Err())
		is(t, int64(0))(other.DBSize(ctx).Result())
		is(t, "OK")(other.FlushDB(ctx).Result())
		is(t, int64(3))(c.DBSize(ctx).Result())
		is(t, "OK")(c.FlushAllAsync(ctx).Result())
		is(t, int64(0))(c.DBSize(ctx).Result())
	})
}

func TestServerCommands(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		is(t, "PONG")(c.Ping(ctx).Result())
		is(t, "hello")(c.Echo(ctx, "hello").Result())
		now, err := c.Time(ctx).Result()
		require.NoError(t, err)
		require.Less(t, time.Since(now).Abs(), time.Hour)
		info, err := c.InfoMap(ctx, "server", "keyspace").Result()
		require.NoError(t, err)
		require.Contains(t, info["Server"], "redis_version")
		settings, err := c.ConfigGet(ctx, "maxmem*").Result()
		require.NoError(t, err)
		require.Equal(t, "0", settings["maxmemory"])
		is(t, "OK")(c.ConfigSet(ctx, "maxclients", "5000").Result())
		is(t, "OK")(c.ConfigResetStat(ctx).Result())
		is(t, "OK")(c.Save(ctx).Result())
		saved, err := c.LastSave(ctx).Result()
		require.NoError(t, err)
		require.Positive(t, saved)
		commands, err := c.Command(ctx).Result()
		require.NoError(t, err)
		require.Equal(t, int8(2), commands["get"].Arity)
		require.True(t, commands["get"].ReadOnly)
		names, err := c.CommandList(ctx, &redis.FilterBy{Pattern: "getr*"}).Result()
		require.NoError(t, err)
		require.Equal(t, []string{"getrange"}, names)
		found, err := c.CommandGetKeys(ctx, "mset", "a", 1, "b", 2).Result()
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, found)
		id, err := c.ClientID(ctx).Result()
		require.NoError(t, err)
		me, err := c.ClientInfo(ctx).Result()
		require.NoError(t, err)
		require.Equal(t, id, me.ID)
		require.Equal(t, "go-redis", strings.SplitN(me.LibName, "(", 2)[0])
		list, err := c.ClientList(ctx).Result()
		require.NoError(t, err)
		require.Contains(t, list, fmt.Sprintf("id=%d ", id))

		err = c.Do(ctx, "NOSUCHCOMMAND", "a").Err()
		require.EqualError(t, err, "ERR unknown command 'NOSUCHCOMMAND', with args beginning with: 'a' ")
		err = c.Do(ctx, "GET").Err()
		require.EqualError(t, err, "ERR wrong number of arguments for 'get' command")
	})
}

func TestPipelines(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		const n = 5000
		results, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range n {
				p.Set(ctx, fmt.Sprintf("k%d", i), i, 0)
				p.Get(ctx, fmt.Sprintf("k%d", i))
				if i%100 == 0 {
					p.Incr(ctx, "counter")
				}
			}
			return nil
		})
		require.NoError(t, err)
		require.Len(t, results, 2*n+n/100)
		i := 0
		for _, r := range results {
			if get, ok := r.(*redis.StringCmd); ok {
				require.Equal(t, fmt.Sprint(i), get.Val())
				i++
			}
		}
		is(t, fmt.Sprint(n/100))(c.Get(ctx, "counter").Result())

		// An error in the middle is the error of its command alone.
		results, err = c.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "text", "x", 0)
			p.Incr(ctx, "text")
			p.Get(ctx, "none")
			p.Get(ctx, "text")
			return nil
		})
		require.Error(t, err)
		require.Error(t, results[1].Err())
		require.ErrorIs(t, results[2].Err(), redis.Nil)
		require.Equal(t, "x", results[3].(*redis.StringCmd).Val())
	})
}

func TestScanOverManyKeys(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		const n = 50_000
		for from := 0; from < n; from += 5000 {
			pairs := make([]any, 0, 10_000)
			for i := from; i < from+5000; i++ {
				pairs = append(pairs, fmt.Sprintf("key:%d", i), i)
			}
			require.NoError(t, c.MSet(ctx, pairs...).Err())
		}
		seen := map[string]bool{}
		it := c.Scan(ctx, 0, "", 500).Iterator()
		for round := 0; it.Next(ctx); round++ {
			seen[it.Val()] = true
			if round%100 == 0 { // the keyspace grows and shrinks meanwhile
				require.NoError(t, c.Set(ctx, fmt.Sprintf("extra:%d", round), 1, 0).Err())
				require.NoError(t, c.Del(ctx, fmt.Sprintf("extra:%d", round-5000)).Err())
			}
		}
		require.NoError(t, it.Err())
		for i := range n {
			require.True(t, seen[fmt.Sprintf("key:%d", i)], "key:%d is missing", i)
		}

		matched := 0
		it = c.ScanType(ctx, 0, "key:1234*", 1000, "string").Iterator()
		for it.Next(ctx) {
			require.True(t, strings.HasPrefix(it.Val(), "key:1234"))
			matched++
		}
		require.NoError(t, it.Err())
		require.GreaterOrEqual(t, matched, 11)
	})
}

func TestManyUsersOfOnePool(t *testing.T) {
	socket := Server(t)
	o := patient(socket, 3)
	o.PoolSize = 20
	o.ConnMaxLifetime = 20 * time.Millisecond // connections come and go all the time
	c := client(t, o)
	ctx := t.Context()
	const users, steps = 60, 150
	var group sync.WaitGroup
	for u := range users {
		group.Go(func() {
			mine := fmt.Sprintf("user:%d", u)
			for i := range steps {
				if err := c.Incr(ctx, "all").Err(); err != nil {
					t.Error(err)
					return
				}
				got, err := c.Incr(ctx, mine).Result()
				if err != nil || got != int64(i+1) {
					t.Error(mine, got, err)
					return
				}
			}
		})
	}
	group.Wait()
	is(t, fmt.Sprint(users*steps))(c.Get(ctx, "all").Result())
}

func TestReconnect(t *testing.T) {
	both(t, func(t *testing.T, ctx context.Context, c *redis.Client) {
		o := *c.Options()
		o.PoolSize, o.MaxRetries, o.ClientName = 1, 3, "victim"
		victim := client(t, &o)
		require.NoError(t, victim.Set(ctx, "k", "v", 0).Err())
		for range 20 {
			id, err := victim.ClientID(ctx).Result()
			require.NoError(t, err)
			is(t, int64(1))(c.ClientKillByFilter(ctx, "ID", fmt.Sprint(id)).Result())
			is(t, "v")(victim.Get(ctx, "k").Result())
			after, err := victim.ClientID(ctx).Result()
			require.NoError(t, err)
			require.NotEqual(t, id, after)
			is(t, "victim")(victim.ClientGetName(ctx).Result())
		}
	})
}

func TestPassword(t *testing.T) {
	socket := Server(t, "--requirepass", "open sesame")
	for _, protocol := range []int{2, 3} {
		o := patient(socket, protocol)
		require.ErrorContains(t, client(t, o).Ping(t.Context()).Err(), "NOAUTH")
		o = patient(socket, protocol)
		o.Password = "open sesame"
		is(t, "PONG")(client(t, o).Ping(t.Context()).Result())
		o = patient(socket, protocol)
		o.Username, o.Password = "default", "open sesame"
		is(t, "PONG")(client(t, o).Ping(t.Context()).Result())
		o = patient(socket, protocol)
		o.Password = "wrong"
		require.ErrorContains(t, client(t, o).Ping(t.Context()).Err(), "WRONGPASS")
	}
}

func TestCanceledCommand(t *testing.T) {
	socket := Server(t)
	c := client(t, patient(socket, 3))
	require.NoError(t, c.ClientPause(t.Context(), 300*time.Millisecond).Err())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.True(t, errors.Is(c.Set(ctx, "k", "v", 0).Err(), context.Canceled))
	require.NoError(t, c.Set(t.Context(), "k", "w", 0).Err())
	is(t, "w")(c.Get(t.Context(), "k").Result())
}
