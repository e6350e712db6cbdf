package darter

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/slab"
)

// ask runs a line of words and returns the reply as text.
func ask(s *Session, line string) string {
	var args []any
	for word := range strings.FieldsSeq(line) {
		args = append(args, word)
	}
	v, err := s.Do(context.Background(), args...)
	if err != nil {
		return err.Error()
	}
	return textOf(v)
}

func textOf(v any) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case []any:
		words := make([]string, len(v))
		for i := range v {
			words[i] = textOf(v[i])
		}
		return strings.Join(words, " ")
	}
	return fmt.Sprint(v)
}

// askAll runs lines and says that none has failed.
func askAll(t *testing.T, s *Session, lines ...string) {
	t.Helper()
	for _, line := range lines {
		require.NotContains(t, ask(s, line), "ERR", line)
	}
}

func asideCache(t *testing.T, o Options) (*Cache, *Session) {
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	s := c.NewSession()
	t.Cleanup(s.Close)
	return c, s
}

// many is more than what makes a command heavy.
const many = command.Heavy/500*500 + 1000

// fillSet makes a large set.
func fillSet(t *testing.T, s *Session, key string) {
	t.Helper()
	for from := 0; from < many; from += 500 {
		var line strings.Builder
		for n := from; n < from+500; n++ {
			fmt.Fprintf(&line, " m%d", n)
		}
		askAll(t, s, "SADD "+key+line.String())
	}
}

// fill gives a key of each kind so many elements, of which those of one are partly those of the others: s for a set, i for
// one of integers, z for a sorted set, g for places, l for a list; and a few of the small.
func fill(t *testing.T, s *Session) {
	t.Helper()
	for from := 0; from < many; from += 500 {
		var set, ints, sorted, places, list strings.Builder
		for n := from; n < from+500; n++ {
			fmt.Fprintf(&set, " m%d", n)
			fmt.Fprintf(&ints, " %d", 3*n)
			fmt.Fprintf(&sorted, " %d m%d %d %d", n%7, 2*n, n, 2*n)
			fmt.Fprintf(&places, " %g %g m%d", float64(n%100)/100, float64(n/100)/100, n)
			fmt.Fprintf(&list, " %d", n*7919%many)
		}
		askAll(t, s, "SADD s"+set.String(), "SADD i"+ints.String(), "ZADD z"+sorted.String(), "GEOADD g"+places.String(),
			"RPUSH l"+list.String())
	}
	askAll(t, s, "SADD few m1 m2 3 none", "ZADD zfew 1 m1 2 m4 3 none", "SET str x", "HSET h f v")
}

// contentOf is all that a user sees of a key.
func contentOf(s *Session, key string) string {
	kind := ask(s, "TYPE "+key)
	all := ""
	switch kind {
	case "set":
		members := strings.Fields(ask(s, "SMEMBERS "+key))
		slices.Sort(members)
		all = strings.Join(members, " ")
	case "zset":
		all = ask(s, "ZRANGE "+key+" 0 -1 WITHSCORES")
	case "list":
		all = ask(s, "LRANGE "+key+" 0 -1")
	case "string":
		all = ask(s, "GET "+key)
	}
	return fmt.Sprintf("%s %s %s %d %.300s %x", kind, ask(s, "OBJECT ENCODING "+key), ask(s, "TTL "+key), len(all), all,
		sha1.Sum([]byte(all)))
}

// makers are the commands that are run aside; D stands for the destination, and K for keys.
var makers = []string{
	"SUNIONSTORE D K", "SUNIONSTORE D K K", "SUNIONSTORE D K K K K K K K K", "SINTERSTORE D K K", "SDIFFSTORE D K K",
	"SDIFFSTORE D K K K K", "ZUNIONSTORE D 2 K K", "ZUNIONSTORE D 2 K K WEIGHTS 2 -1 AGGREGATE MAX", "ZUNIONSTORE D 1 K",
	"ZINTERSTORE D 2 K K", "ZINTERSTORE D 2 K K AGGREGATE MIN", "ZDIFFSTORE D 2 K K", "ZUNIONSTORE D 2 K K WEIGHTS x 1",
	"ZRANGESTORE D K 0 -1", "ZRANGESTORE D K 3 40", "ZRANGESTORE D K (2 5 BYSCORE REV", "ZRANGESTORE D K 7 3",
	"GEOSEARCHSTORE D K FROMMEMBER m1 BYRADIUS 40 km", "GEOSEARCHSTORE D K FROMLONLAT 0.2 0.2 BYBOX 20 20 km STOREDIST",
	"GEORADIUS K 0.2 0.2 20 km STORE D", "GEORADIUS K 0.2 0.2 2 km", "GEORADIUSBYMEMBER K m1 30 km STOREDIST D",
	"SORT K STORE D", "SORT K ALPHA DESC STORE D", "SORT K BY nosort LIMIT 5 4990 STORE D",
}

// aimed puts a key in the place of D.
func aimed(line, key string) string {
	words := strings.Fields(line)
	for i, w := range words {
		if w == "D" {
			words[i] = key
		}
	}
	return strings.Join(words, " ")
}

// TestMadeAsideAsWithin runs commands twice: alone, when they are run aside, and in EXEC, where they are not. Replies,
// what is stored and what is announced must be the same.
func TestMadeAsideAsWithin(t *testing.T) {
	c, s := asideCache(t, Options{Shards: 4})
	askAll(t, s, "CONFIG SET notify-keyspace-events KEAmn")
	fill(t, s)
	names := map[byte][]string{
		'S': {"s", "i", "s", "few", "absent"}, 'Z': {"s", "i", "z", "g", "few", "zfew", "absent"}, 'G': {"g", "g", "g", "absent"},
	}
	before := []string{"", "SADD D x m1", "SUNIONSTORE D s i", "SET D x EX 100", "ZUNIONSTORE D 2 s z", "RPUSH D 1 2"}
	rnd := rand.New(rand.NewPCG(1, 2))
	ways := func(line, prepare string) (told [2]string) {
		for way, key := range []string{"alone", "within"} {
			askAll(t, s, "DEL "+key)
			if prepare != "" {
				askAll(t, s, aimed(prepare, key))
			}
			events := c.SubscribeTo(t.Context(), SubscribeOptions{Patterns: []string{"__keyevent@0__:*"}, Channels: []string{"end"}})
			var reply string
			if way == 0 {
				reply = ask(s, aimed(line, key))
			} else {
				ask(s, "MULTI")
				ask(s, aimed(line, key))
				reply = ask(s, "EXEC")
			}
			c.Publish("end", nil)
			var heard []string
			for m := range events.Messages() {
				if m.Channel == "end" {
					break
				}
				heard = append(heard, strings.TrimPrefix(m.Channel, "__keyevent@0__:")+" "+strings.Replace(string(m.Payload), key, "D", 1))
			}
			events.Close()
			told[way] = fmt.Sprintf("%.500s %v %s", reply, heard, contentOf(s, key))
		}
		return told
	}
	stored := 0
	for round := range 2 {
		for i, line := range makers {
			for strings.Contains(line, "K") {
				before, after, ok := strings.Cut(line, " K")
				if !ok {
					break
				}
				of := names[line[0]]
				switch {
				case strings.HasPrefix(line, "SORT"):
					of = []string{"l", "i"}
				case rnd.IntN(20) == 0:
					of = []string{"str", "h", "l", "D", "z"}
				}
				line = before + " " + of[rnd.IntN(len(of))] + after
			}
			prepare := before[(i+round)%len(before)]
			told := ways(line, prepare)
			require.Equal(t, told[1], told[0], "%s after %q", line, prepare)
			if strings.Contains(told[0], "tore D") {
				stored++
			}
		}
	}
	require.Greater(t, stored, len(makers))
}

// TestSourcesThatChangeMeanwhile has something happen to the sources while a union of them is made, before the first try
// ends or the second, too. What is stored must be what they hold then.
func TestSourcesThatChangeMeanwhile(t *testing.T) {
	c, s := asideCache(t, Options{Shards: 4})
	for _, change := range []struct {
		lines  string
		spares bool // it changes none of the sources
	}{
		{"SADD few new", false},
		{"SADD s new", false},
		{"SREM s m7|SADD s m7", false},
		{"DEL few", false},
		{"SADD absent x", false},
		{"DEL s|SUNIONSTORE s few i", false},
		{"RENAME few other|RENAME other few", false},
		{"PEXPIRE few 100000", false},
		{"SPOP s", false},
		{"SWAPDB 0 1", false},
		{"FLUSHDB", false},
		{"FLUSHALL", false},
		{"SET few string", false},
		{"SMOVE few s none", false},
		{"EVAL redis.call('sadd','s','x')redis.call('sadd','few','y') 0", false},
		{"SET to x", true},
		{"SADD to x", true},
		{"DEL to", true},
		{"SADD other x", true},
		{"SADD few m1", true},
		{"SMEMBERS s", true},
		{"SUNION s few", true},
		{"GET few", true},
		{"EXPIRE to 100", true},
	} {
		for _, times := range []int{1, makeTries} {
			askAll(t, s, "SELECT 0", "FLUSHALL", "SADD other 1", "SADD to 1", "SADD few m1 m2 3 none")
			fillSet(t, s, "s")
			askAll(t, s, "SELECT 1", "SADD few other", "SADD s other", "SELECT 0")
			runs := 0
			n, err := c.makeOfSets("to", []string{"s", "few", "absent"}, func() {
				if runs++; runs <= times && runs < makeTries { // the last time the shards are held
					for line := range strings.SplitSeq(change.lines, "|") {
						ask(s, line)
					}
				}
			})
			what := fmt.Sprint(change.lines, ", ", times, " times")
			if change.spares {
				require.Equal(t, 1, runs, what)
			} else {
				require.Greater(t, runs, 1, what)
				require.LessOrEqual(t, runs, makeTries, what)
			}
			want := ask(s, "SUNION s few absent")
			if err != nil {
				require.Equal(t, want, err.Error(), what)
				continue
			}
			require.Equal(t, sorted(want), sorted(ask(s, "SMEMBERS to")), what)
			require.Equal(t, len(strings.Fields(want)), n, what)
		}
	}
}

func sorted(words string) []string {
	list := strings.Fields(words)
	slices.Sort(list)
	return list
}

// makeOfSets is UnionStore that calls meanwhile during each try.
func (c *Cache) makeOfSets(dst string, keys []string, meanwhile func()) (n int, err error) {
	err = c.makeOf(dst, keys, func(to keyspace.Target, from []keyspace.Target) error {
		n, err = keyspace.SetStore(keyspace.SetUnion, to, from, false)
		meanwhile()
		return err
	})
	return n, err
}

// TestSourceThatExpiresMeanwhile has a source expire while a union is made, and another before.
func TestSourceThatExpiresMeanwhile(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Now().UnixMilli())
	c, s := asideCache(t, Options{Shards: 4, Now: func() time.Time { return time.UnixMilli(now.Load()) }})
	fill(t, s)
	askAll(t, s, "SADD gone x", "PEXPIRE gone 10", "PEXPIRE few 1000")
	now.Add(20)
	runs := 0
	n, err := c.makeOfSets("to", []string{"s", "few", "gone"}, func() {
		runs++
		now.Add(2000)
	})
	require.NoError(t, err)
	require.Equal(t, many, n)
	require.Equal(t, 2, runs)
	require.Equal(t, fmt.Sprint(many), ask(s, "SCARD to"))
}

// TestDestinationAmongTheSources adds to a key what another holds, again and again, while somebody adds to it too.
func TestDestinationAmongTheSources(t *testing.T) {
	c, s := asideCache(t, Options{Shards: 4})
	fill(t, s)
	var wg sync.WaitGroup
	const added = 100
	for _, key := range []string{"s", "z"} {
		wg.Go(func() {
			s := c.NewSession()
			defer s.Close()
			for i := range added {
				if key == "s" {
					ask(s, fmt.Sprint("SADD s new", i))
				} else {
					ask(s, fmt.Sprint("ZADD z ", i, " new", i))
				}
			}
		})
		wg.Go(func() {
			s := c.NewSession()
			defer s.Close()
			for range 10 {
				if key == "s" {
					ask(s, "SUNIONSTORE s few s")
				} else {
					ask(s, "ZUNIONSTORE z 2 zfew z AGGREGATE MAX")
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, fmt.Sprint(many+added+2), ask(s, "SCARD s"), "3 and none are new")
	require.Equal(t, fmt.Sprint(ask(s, "ZCARD z")), fmt.Sprint(len(strings.Fields(ask(s, "ZRANGE z 0 -1")))))
	for i := range added {
		require.Equal(t, "1", ask(s, fmt.Sprint("SISMEMBER s new", i)))
		require.Equal(t, fmt.Sprint(i), ask(s, fmt.Sprint("ZSCORE z new", i)))
	}
}

// TestUnionsAreOfOneInstant has somebody add numbers, in order, to one source or another, while others store unions of all
// sources and look at what is stored. A union must have all numbers up to one, and none above: one that had been added
// when it ended, and not less than had been added when it began. Who looks at the destination never sees less than before.
func TestUnionsAreOfOneInstant(t *testing.T) {
	for _, kind := range []string{"set", "zset", "go"} {
		t.Run(kind, func(t *testing.T) {
			c, s := asideCache(t, Options{Shards: 8})
			fill(t, s)
			rounds := 15
			if kind == "zset" {
				rounds = 2
			}
			sources := []string{"s", "few", "other"}
			if kind == "zset" {
				sources = []string{"z", "zfew", "other"}
			}
			var begun, ended atomic.Int64
			var stop atomic.Bool
			var stores, others sync.WaitGroup
			others.Go(func() {
				s := c.NewSession()
				defer s.Close()
				for i := int64(1); !stop.Load(); i++ {
					begun.Store(i)
					line := fmt.Sprint("SADD ", sources[i%3], " n", i)
					if kind == "zset" {
						line = fmt.Sprint("ZADD ", sources[i%3], " ", i, " n", i)
					}
					if got := ask(s, line); got != "1" {
						t.Errorf("%s: %s", line, got)
					}
					ended.Store(i)
					if i%8 == 0 {
						time.Sleep(time.Duration(i%64) * 50 * time.Microsecond)
					}
				}
			})
			// upTo returns the number up to which there are all.
			upTo := func(members []string) (int64, error) {
				var numbers []int64
				for _, m := range members {
					if n, ok := strings.CutPrefix(m, "n"); ok && m != "none" {
						i, err := strconv.ParseInt(n, 10, 64)
						if err != nil {
							return 0, err
						}
						numbers = append(numbers, i)
					}
				}
				slices.Sort(numbers)
				for i, n := range numbers {
					if n != int64(i)+1 {
						return 0, fmt.Errorf("%d in place of %d, of %d", n, i+1, len(numbers))
					}
				}
				return int64(len(numbers)), nil
			}
			members := func(s *Session, key string) []string {
				if kind == "zset" {
					return strings.Fields(ask(s, "ZRANGE "+key+" 0 -1"))
				}
				return strings.Fields(ask(s, "SMEMBERS "+key))
			}
			for who := range 2 {
				stores.Go(func() {
					s := c.NewSession()
					defer s.Close()
					key := fmt.Sprint("to", who)
					for range rounds {
						least := ended.Load()
						switch kind {
						case "set":
							ask(s, "SUNIONSTORE "+key+" "+strings.Join(sources, " "))
						case "zset":
							ask(s, "ZUNIONSTORE "+key+" 3 "+strings.Join(sources, " "))
						default:
							if _, err := c.UnionStore(key, sources...); err != nil {
								t.Error(err)
							}
						}
						most := begun.Load()
						got, err := upTo(members(s, key))
						if err != nil || got < least || got > most {
							t.Errorf("all up to %d, not %d to %d: %v", got, least, most, err)
						}
					}
				})
				others.Go(func() {
					s := c.NewSession()
					defer s.Close()
					for seen := int64(0); !stop.Load(); {
						got, err := upTo(members(s, fmt.Sprint("to", who)))
						if err != nil || got < seen {
							t.Errorf("all up to %d, after %d: %v", got, seen, err)
						}
						seen = got
						time.Sleep(5 * time.Millisecond)
					}
				})
			}
			stores.Wait()
			stop.Store(true)
			others.Wait()
		})
	}
}

// TestTracesOfWorkAside counts hits and misses, and looks at what is told of misses and noted of uses, which must be what
// they are for a command that holds its shards.
func TestTracesOfWorkAside(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Now().UnixMilli())
	c, s := asideCache(t, Options{Shards: 4, Now: func() time.Time { return time.UnixMilli(now.Load()) }})
	fillSet(t, s, "s")
	askAll(t, s, "SADD few m1", "SET str x", "CONFIG SET notify-keyspace-events Km")
	for _, line := range []string{
		"SUNIONSTORE to s absent few absent", "SUNION s absent few absent", "SUNIONSTORE to s absent str absent2", "SINTER few absent s",
		"SINTERSTORE to s absent",
	} {
		var told [2]string
		for way := range 2 {
			ask(s, "TOUCH s few")
			now.Add(60_000)
			c.clock.Tick()
			events := c.SubscribeTo(t.Context(), SubscribeOptions{Patterns: []string{"__key*"}, Channels: []string{"end"}})
			var before, after Stats
			c.Stats(&before)
			if way == 0 {
				ask(s, line)
			} else {
				ask(s, "MULTI")
				ask(s, line)
				ask(s, "EXEC")
			}
			c.Stats(&after)
			c.Publish("end", nil)
			var missed []string
			for m := range events.Messages() {
				if m.Channel == "end" {
					break
				}
				missed = append(missed, m.Channel)
			}
			events.Close()
			told[way] = fmt.Sprint(after.Hits-before.Hits, after.Misses-before.Misses, missed,
				ask(s, "OBJECT IDLETIME s"), ask(s, "OBJECT IDLETIME few"))
		}
		require.Equal(t, told[1], told[0], line)
		require.Contains(t, told[0], "absent", line)
	}

	s.SetNoTouch(true)
	for _, line := range []string{"SUNIONSTORE to s few", "SUNION s few"} {
		now.Add(60_000)
		c.clock.Tick()
		before := ask(s, "OBJECT IDLETIME s")
		ask(s, line)
		require.Equal(t, before, ask(s, "OBJECT IDLETIME s"), line)
		require.NotEqual(t, "0", before)
	}
}

// TestWhoHearsOfWhatWasMadeAside has others watch the destination, wait for it and keep what they have read of it.
func TestWhoHearsOfWhatWasMadeAside(t *testing.T) {
	c, s := asideCache(t, Options{Shards: 4})
	fill(t, s)
	for line, hears := range map[string]bool{
		"ZUNIONSTORE to 2 z zfew": true, "SUNIONSTORE to s few": true, "ZINTERSTORE to 2 z absent": false, "ZUNIONSTORE to 2 z h": false,
	} {
		askAll(t, s, "DEL to")
		watcher := c.NewSession()
		askAll(t, watcher, "WATCH to")
		require.Contains(t, []string{"WRONGTYPE", "5002", "0", "10002"}, strings.Fields(ask(s, line))[0], line)
		askAll(t, watcher, "MULTI", "PING")
		if hears {
			require.Equal(t, "<nil>", ask(watcher, "EXEC"), line)
		} else {
			require.Equal(t, "PONG", ask(watcher, "EXEC"), line)
		}
		watcher.Close()
	}
	askAll(t, s, "DEL to")
	popped := make(chan string)
	go func() {
		waiter := c.NewSession()
		defer waiter.Close()
		popped <- ask(waiter, "BZPOPMAX to 0")
	}()
	sh := &c.shards[c.shardOf([]byte("to"))]
	waits := func() (yes bool) {
		sh.while(func(*keyspace.Shard) bool {
			yes = sh.announcer != nil && len(sh.announcer.waiting) > 0
			return false
		})
		return yes
	}
	require.Eventually(t, waits, time.Minute, time.Millisecond)
	askAll(t, s, "ZUNIONSTORE to 2 z zfew")
	require.Equal(t, "to 9998 4999", <-popped)
}

// TestMemoryOfWorkAside has the memory of what was made aside counted, given back when it goes, and given back at once when
// it comes to nothing.
func TestMemoryOfWorkAside(t *testing.T) {
	c, s := asideCache(t, Options{Shards: 4})
	fill(t, s)
	used := func() (n int64) {
		c.freeDebris()
		for i := range c.shards {
			c.shards[i].while(func(s *keyspace.Shard) bool {
				s.Trim()
				u := s.Usage()
				n += u.Taken
				require.Zero(t, u.Retired)
				return false
			})
		}
		require.Equal(t, c.region.Bytes(), n, "all that is taken is some shard's")
		return n
	}
	before := used()
	lines := []string{"SUNIONSTORE to s i", "ZUNIONSTORE to 2 z s", "SDIFFSTORE to s i i i", "SORT l STORE to", "ZRANGESTORE to z 0 -1"}
	for _, line := range lines {
		ask(s, line)
		with := used()
		require.Greater(t, with, before, line)
		stats, one := Stats{}, ask(s, "MEMORY USAGE to")
		c.Stats(&stats)
		n, err := strconv.ParseInt(one, 10, 64)
		require.NoError(t, err)
		require.GreaterOrEqual(t, stats.ContainerBytes, n-200, line)
		ask(s, line) // once more, over itself
		askAll(t, s, "DEL to")
		require.LessOrEqual(t, used(), before+64<<10, line)
	}
	// Every try but the last is in vain, and one has an error at its end.
	runs := 0
	_, err := c.makeOfSets("to", []string{"s", "i"}, func() {
		if runs++; runs < makeTries {
			ask(s, "SADD s one-more")
			ask(s, "SREM s one-more")
		}
	})
	require.NoError(t, err)
	require.Equal(t, makeTries, runs)
	require.Equal(t, "10000", fmt.Sprint(many+len(strings.Fields(ask(s, "SDIFF i s")))), ask(s, "SCARD to"))
	askAll(t, s, "DEL to")
	_, err = c.makeOfSets("to", []string{"s", "i"}, func() { panic("in the work") })
	require.Error(t, err)
	require.Equal(t, "0", ask(s, "EXISTS to"))
	require.LessOrEqual(t, used(), before+64<<10)
	askAll(t, s, "SADD s goes-on", "SREM s goes-on")

	// Without memory nothing changes.
	askAll(t, s, "SET to before")
	c.region.Limit(0)
	others := slab.New(c.region)
	for err == nil || !errors.Is(err, slab.ErrNoMemory) {
		_, err = others.Alloc(slab.Entry, slab.BlockSize/2)
	}
	for _, line := range lines {
		require.Contains(t, ask(s, line), "OOM", line)
		require.Equal(t, "before", ask(s, "GET to"), line)
	}
	others.Drop()
	askAll(t, s, lines...)
	askAll(t, s, "DEL to")
	require.LessOrEqual(t, used(), before+64<<10)
}
