package darter_test

import (
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

// kept makes keys of one type, and takes away half of what it has put into them.
type kept struct {
	name string
	make func(d doer, key string, elements int)
	less func(d doer, key string, elements int)
}

// inTurns runs a command with the words of some elements, several hundred at a time.
func inTurns(d doer, command, key string, elements, step int, words func(i int) []string) {
	for from := 0; from < elements; {
		args := []string{command, key}
		for ; from < elements && len(args) < 1000; from += step {
			args = append(args, words(from)...)
		}
		d.run(args...)
	}
}

// kind makes keys whose elements are added and removed by a command each.
func kind(name, add, remove string, element func(i int) string, with func(i int) []string) kept {
	return kept{
		name,
		func(d doer, key string, n int) { inTurns(d, add, key, n, 1, with) },
		func(d doer, key string, n int) {
			inTurns(d, remove, key, n, 2, func(i int) []string { return []string{element(i)} })
		},
	}
}

func number(i int) string { return strconv.Itoa(i * 7) }
func field(i int) string  { return fmt.Sprintf("field:%d", i) }

func stream(d doer, key string, n int) {
	for i := range n {
		d.run("XADD", key, fmt.Sprintf("%d-1", i+1), "field", fmt.Sprintf("value:%d", i))
	}
}

var everyType = []kept{
	{
		"string",
		func(d doer, key string, n int) { d.run("SET", key, string(make([]byte, n))) },
		func(d doer, key string, n int) { d.run("SET", key, string(make([]byte, n/2))) },
	},
	{
		"string that expires",
		func(d doer, key string, n int) { d.run("SET", key, string(make([]byte, n)), "EX", "1000") },
		func(d doer, key string, n int) { d.run("SETRANGE", key, "0", "") },
	},
	kind("hash", "HSET", "HDEL", field, func(i int) []string { return []string{field(i), fmt.Sprintf("value:%d", i)} }),
	{
		"hash with times",
		func(d doer, key string, n int) {
			inTurns(d, "HSET", key, n, 1, func(i int) []string { return []string{field(i), fmt.Sprintf("value:%d", i)} })
			for i := 0; i < n; i += 200 {
				timed := min(100, n-i)
				args := []string{"HEXPIRE", key, strconv.Itoa(1000 + i), "FIELDS", strconv.Itoa(timed)}
				for j := range timed {
					args = append(args, field(i+j))
				}
				d.run(args...)
			}
		},
		func(d doer, key string, n int) {
			inTurns(d, "HDEL", key, n, 2, func(i int) []string { return []string{field(i)} })
		},
	},
	{
		"list",
		func(d doer, key string, n int) {
			inTurns(d, "RPUSH", key, n, 1, func(i int) []string { return []string{fmt.Sprintf("element:%d", i)} })
		},
		func(d doer, key string, n int) { d.run("LTRIM", key, strconv.Itoa(n/4), strconv.Itoa(n/4*3)) },
	},
	kind("set of numbers", "SADD", "SREM", number, func(i int) []string { return []string{number(i)} }),
	kind("set", "SADD", "SREM", field, func(i int) []string { return []string{field(i)} }),
	kind("sorted set", "ZADD", "ZREM", field, func(i int) []string { return []string{strconv.Itoa(i / 3), field(i)} }),
	{
		"stream", stream,
		func(d doer, key string, n int) { d.run("XTRIM", key, "MAXLEN", strconv.Itoa(n/2)) },
	},
	{
		"stream with groups",
		func(d doer, key string, n int) {
			stream(d, key, n)
			for _, group := range []string{"one", "two"} {
				d.run("XGROUP", "CREATE", key, group, "0")
				d.run("XREADGROUP", "GROUP", group, "alice", "COUNT", strconv.Itoa(max(n/2, 1)), "STREAMS", key, ">")
				d.run("XREADGROUP", "GROUP", group, "bob", "COUNT", "10", "STREAMS", key, ">")
			}
		},
		func(d doer, key string, n int) {
			for i := 0; i < n; i += 3 {
				d.run("XACK", key, "one", fmt.Sprintf("%d-1", i+1))
			}
			d.run("XDEL", key, "1-1", "3-1", "4-1")
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
				d := newDoer(t, c)
				var before darter.Stats
				c.Stats(&before)
				hold := func() {
					said := 0.0
					for i := range keys {
						said += float64(d.run("MEMORY", "USAGE", fmt.Sprintf("key:%d", i)).(int64)) / float64(keys)
					}
					var after darter.Stats
					c.Stats(&after)
					truth := float64(after.Used-before.Used) / float64(keys)
					assert.InEpsilon(t, truth, said, 0.1, "%d keys of %d elements: %.1f in truth, %.1f said", keys, size.elements, truth, said)
				}
				for i := range keys {
					k.make(d, fmt.Sprintf("key:%d", i), size.elements)
				}
				hold()
				if size.elements > 1 {
					for i := range keys {
						k.less(d, fmt.Sprintf("key:%d", i), size.elements)
					}
					hold()
				}
				require.NoError(t, c.Close())
			}
		})
	}
}
