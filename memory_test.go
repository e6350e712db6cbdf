package darter_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// MEMORY USAGE of every type is held against the engine's own accounts: the bytes in use after many such keys were made,
// less those before, per key.

// doing runs a command.
type doing func(args ...string)

// kept makes keys of one type, and takes away half of what it has put into them.
type kept struct {
	name string
	make func(do doing, key string, elements int)
	less func(do doing, key string, elements int)
}

// inTurns runs a command with the words of some elements, several hundred at a time.
func inTurns(do doing, command, key string, elements, step int, words func(i int) []string) {
	for from := 0; from < elements; {
		args := []string{command, key}
		for ; from < elements && len(args) < 1000; from += step {
			args = append(args, words(from)...)
		}
		do(args...)
	}
}

// kind makes keys whose elements are added and removed by a command each.
func kind(name, add, remove string, element func(i int) string, with func(i int) []string) kept {
	return kept{
		name,
		func(do doing, key string, n int) { inTurns(do, add, key, n, 1, with) },
		func(do doing, key string, n int) {
			inTurns(do, remove, key, n, 2, func(i int) []string { return []string{element(i)} })
		},
	}
}

func number(i int) string { return strconv.Itoa(i * 7) }
func field(i int) string  { return fmt.Sprintf("field:%d", i) }

func stream(do doing, key string, n int) {
	for i := range n {
		do("XADD", key, fmt.Sprintf("%d-1", i+1), "field", fmt.Sprintf("value:%d", i))
	}
}

var everyType = []kept{
	{
		"string",
		func(do doing, key string, n int) { do("SET", key, string(make([]byte, n))) },
		func(do doing, key string, n int) { do("SET", key, string(make([]byte, n/2))) },
	},
	{
		"string that expires",
		func(do doing, key string, n int) { do("SET", key, string(make([]byte, n)), "EX", "1000") },
		func(do doing, key string, n int) { do("SETRANGE", key, "0", "") },
	},
	kind("hash", "HSET", "HDEL", field, func(i int) []string { return []string{field(i), fmt.Sprintf("value:%d", i)} }),
	{
		"hash with times",
		func(do doing, key string, n int) {
			inTurns(do, "HSET", key, n, 1, func(i int) []string { return []string{field(i), fmt.Sprintf("value:%d", i)} })
			for i := 0; i < n; i += 200 {
				timed := min(100, n-i)
				args := []string{"HEXPIRE", key, strconv.Itoa(1000 + i), "FIELDS", strconv.Itoa(timed)}
				for j := range timed {
					args = append(args, field(i+j))
				}
				do(args...)
			}
		},
		func(do doing, key string, n int) {
			inTurns(do, "HDEL", key, n, 2, func(i int) []string { return []string{field(i)} })
		},
	},
	{
		"list",
		func(do doing, key string, n int) {
			inTurns(do, "RPUSH", key, n, 1, func(i int) []string { return []string{fmt.Sprintf("element:%d", i)} })
		},
		func(do doing, key string, n int) { do("LTRIM", key, strconv.Itoa(n/4), strconv.Itoa(n/4*3)) },
	},
	kind("set of numbers", "SADD", "SREM", number, func(i int) []string { return []string{number(i)} }),
	kind("set", "SADD", "SREM", field, func(i int) []string { return []string{field(i)} }),
	kind("sorted set", "ZADD", "ZREM", field, func(i int) []string { return []string{strconv.Itoa(i / 3), field(i)} }),
	{
		"stream", stream,
		func(do doing, key string, n int) { do("XTRIM", key, "MAXLEN", strconv.Itoa(n/2)) },
	},
	{
		"stream with groups",
		func(do doing, key string, n int) {
			stream(do, key, n)
			for _, group := range []string{"one", "two"} {
				do("XGROUP", "CREATE", key, group, "0")
				do("XREADGROUP", "GROUP", group, "alice", "COUNT", strconv.Itoa(max(n/2, 1)), "STREAMS", key, ">")
				do("XREADGROUP", "GROUP", group, "bob", "COUNT", "10", "STREAMS", key, ">")
			}
		},
		func(do doing, key string, n int) {
			for i := 0; i < n; i += 3 {
				do("XACK", key, "one", fmt.Sprintf("%d-1", i+1))
			}
			do("XDEL", key, "1-1", "3-1", "4-1")
		},
	},
}

func TestMemoryUsage(t *testing.T) {
	sizes := []struct{ elements, keys int }{{1, 3000}, {20, 400}, {1000, 6}, {100_000, 1}}
	for _, k := range everyType {
		t.Run(k.name, func(t *testing.T) {
			for _, size := range sizes {
				keys := size.keys
				if k.name == "string that expires" {
					keys *= 20 // the index by time takes room by pages
				}
				c, err := darter.New(darter.Options{Shards: 2, Now: func() time.Time { return time.UnixMilli(1_700_000_000_000) }})
				require.NoError(t, err)
				s := c.NewSession()
				do := func(args ...string) {
					words := make([]any, len(args))
					for i, a := range args {
						words[i] = a
					}
					_, err := s.Do(context.Background(), words...)
					require.NoError(t, err, args[:2])
				}
				var before darter.Stats
				c.Stats(&before)
				hold := func() {
					said := 0.0
					for i := range keys {
						n, err := s.Do(context.Background(), "MEMORY", "USAGE", fmt.Sprintf("key:%d", i))
						require.NoError(t, err)
						said += float64(n.(int64)) / float64(keys)
					}
					var after darter.Stats
					c.Stats(&after)
					truth := float64(after.Used-before.Used) / float64(keys)
					assert.InEpsilon(t, truth, said, 0.1, "%d keys of %d elements: %.1f in truth, %.1f said", keys, size.elements, truth, said)
				}
				for i := range keys {
					k.make(do, fmt.Sprintf("key:%d", i), size.elements)
				}
				hold()
				if size.elements > 1 {
					for i := range keys {
						k.less(do, fmt.Sprintf("key:%d", i), size.elements)
					}
					hold()
				}
				s.Close()
				require.NoError(t, c.Close())
			}
		})
	}
}
