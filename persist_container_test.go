package darter_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/archive"
)

// doer runs commands that must not fail.
type doer struct {
	t testing.TB
	s *darter.Session
}

func newDoer(t testing.TB, c *darter.Cache) doer {
	s := c.NewSession()
	t.Cleanup(s.Close)
	return doer{t, s}
}

func (d doer) run(args ...string) any {
	d.t.Helper()
	words := make([]any, len(args))
	for i, a := range args {
		words[i] = a
	}
	got, err := d.s.Do(context.Background(), words...)
	require.NoError(d.t, err, "%.200q", args)
	return got
}

// many runs a command of a key with the words of so many elements.
func (d doer) many(command, key string, elements int, words func(i int) []string) {
	args := []string{command, key}
	for i := range elements {
		args = append(args, words(i)...)
	}
	d.run(args...)
}

// fillContainers makes keys of every type of container, small and large, with all that can be set of them.
func fillContainers(d doer, many int) {
	for _, n := range []int{1, 5, many} {
		key := func(name string) string { return fmt.Sprintf("%s of %d", name, n) }
		pair := func(i int) []string { return []string{fmt.Sprintf("field:%d", i), fmt.Sprintf("value %d", i*i)} }
		d.many("HSET", key("hash"), n, pair)
		d.many("HSET", key("timed hash"), n, pair)
		if n > 1 {
			d.run("HPEXPIREAT", key("timed hash"), "1700001000000", "FIELDS", "1", fmt.Sprintf("field:%d", n-1))
		}
		for i := range n / 3 {
			d.run("HPEXPIREAT", key("timed hash"), strconv.FormatInt(1_800_000_000_000+int64(i%7), 10), "FIELDS", "1", fmt.Sprintf("field:%d", i*2))
		}
		d.many("RPUSH", key("list"), n, func(i int) []string { return []string{strings.Repeat("e", i%70) + strconv.Itoa(i)} })
		d.many("SADD", key("numbers"), n, func(i int) []string { return []string{strconv.Itoa(i*i - 50)} })
		d.many("SADD", key("set"), n, func(i int) []string { return []string{fmt.Sprintf("member \x00%d", i)} })
		d.many("ZADD", key("sorted set"), n, func(i int) []string {
			score := []string{"-inf", "+inf", "0", "1e-300", "0.1", strconv.Itoa(i), "-12345678901234567"}[i%7]
			return []string{score, fmt.Sprintf("member:%d", i)}
		})
		d.many("GEOADD", key("places"), n, func(i int) []string {
			return []string{strconv.Itoa(i%300 - 150), strconv.Itoa(i%160 - 80), fmt.Sprintf("place:%d", i)}
		})
		d.many("PFADD", key("log"), n, func(i int) []string { return []string{strconv.Itoa(i)} })
		fillStream(d, key("stream"), n)
		d.run("PEXPIREAT", key("list"), "1900000000000")
		d.run("PEXPIREAT", key("stream"), "1900000000001")
		d.run("PEXPIREAT", key("timed hash"), "1900000000002")
	}
	d.run("RPUSH", "long elements", strings.Repeat("x", 200_000), "", strings.Repeat("\xff", 70_000))
	d.run("HSET", "long value", "", strings.Repeat("y", 150_000), "empty", "")
	d.run("SETBIT", "bits", "70000", "1")
	d.run("XGROUP", "CREATE", "empty stream", "g", "$", "MKSTREAM")
	d.run("XSETID", "empty stream", "77-7", "ENTRIESADDED", "1000", "MAXDELETEDID", "70-1")
	d.run("SELECT", "3")
	d.run("ZADD", "elsewhere", "1", "a")
	d.run("SELECT", "0")
}

// fillStream makes a stream with gaps, groups, consumers, and entries that are pending.
func fillStream(d doer, key string, n int) {
	for i := range n {
		args := []string{"XADD", key, fmt.Sprintf("%d-%d", 5+i/3, i%3)}
		for f := range 1 + i%4 {
			args = append(args, fmt.Sprintf("field %d", f), strconv.Itoa(i))
		}
		d.run(args...)
	}
	d.run("XGROUP", "CREATE", key, "idle", "$")
	d.run("XGROUP", "CREATE", key, "unknown", "0-5", "ENTRIESREAD", "-1")
	for _, group := range []string{"one", "two"} {
		d.run("XGROUP", "CREATE", key, group, "0")
		d.run("XGROUP", "CREATECONSUMER", key, group, "nothing pending")
		for _, consumer := range []string{"alice", "bob"} {
			d.run("XREADGROUP", "GROUP", group, consumer, "COUNT", strconv.Itoa(1+n/3), "STREAMS", key, ">")
		}
	}
	d.run("XCLAIM", key, "one", "carol", "0", "5-0", "RETRYCOUNT", "9", "IDLE", "4000")
	if n > 4 {
		d.run("XACK", key, "two", "5-1")
		d.run("XDEL", key, "5-2", "6-0")
	}
}

// deep is all that can be seen of a cache's keys: a text of each, by database and name.
func deep(d doer) map[string]string {
	all := map[string]string{}
	for db := range 16 {
		d.run("SELECT", strconv.Itoa(db))
		for _, name := range d.run("KEYS", "*").([]any) {
			key := string(name.([]byte))
			all[fmt.Sprint(db, " ", key)] = deepOf(d, key)
		}
	}
	d.run("SELECT", "0")
	return all
}

func deepOf(d doer, key string) string {
	kind := fmt.Sprintf("%s", d.run("TYPE", key))
	text := fmt.Sprintf("%s %v ", kind, d.run("PEXPIRETIME", key))
	switch kind {
	case "string":
		return text + fmt.Sprintf("%q", d.run("GET", key))
	case "list":
		return text + fmt.Sprintf("%q", d.run("LRANGE", key, "0", "-1"))
	case "set":
		return text + fmt.Sprint(d.run("SCARD", key)) + sorted(d.run("SMEMBERS", key).([]any))
	case "zset":
		return text + fmt.Sprintf("%q", d.run("ZRANGE", key, "0", "-1", "WITHSCORES"))
	case "hash":
		names, values := d.run("HKEYS", key).([]any), d.run("HVALS", key).([]any)
		times := []string{"HPEXPIRETIME", key, "FIELDS", strconv.Itoa(len(names))}
		for _, name := range names {
			times = append(times, string(name.([]byte)))
		}
		var fields []any
		for i, at := range d.run(times...).([]any) {
			fields = append(fields, fmt.Sprintf("%q %q %v", names[i], values[i], at))
		}
		return text + fmt.Sprint(d.run("HLEN", key)) + sorted(fields)
	}
	info := fmt.Sprintf("%q", d.run("XINFO", "STREAM", key, "FULL", "COUNT", "0"))
	_, after, _ := strings.Cut(info, `"last-generated-id"`) // before it stands how many nodes there are
	return text + fmt.Sprint(d.run("XLEN", key)) + after
}

func sorted(elements []any) string {
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = fmt.Sprintf("%q", e)
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

func sameKeys(t testing.TB, want, got map[string]string) {
	t.Helper()
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
	for key, text := range want {
		require.True(t, text == got[key], "%s\nwant %.2000s\ngot  %.2000s", key, text, got[key])
	}
}

var packedLimits = map[string][]string{
	"default": nil,
	"zero": strings.Fields("hash-max-listpack-entries 0 list-max-listpack-size 1 set-max-intset-entries 0 " +
		"set-max-listpack-entries 0 zset-max-listpack-entries 0 stream-node-max-entries 1"),
	"large": strings.Fields("hash-max-listpack-entries 100000 hash-max-listpack-value 1000000 list-max-listpack-size 100000 " +
		"set-max-intset-entries 100000 set-max-listpack-entries 100000 zset-max-listpack-entries 100000 stream-node-max-entries 0"),
}

func limitedCache(t testing.TB, clock *simClock, shards int, limits string) (*darter.Cache, doer) {
	c, err := darter.New(darter.Options{Shards: shards, Now: clock.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	d := newDoer(t, c)
	if words := packedLimits[limits]; words != nil {
		d.run(append([]string{"CONFIG", "SET"}, words...)...)
	}
	return c, d
}

// TestContainersInAFile saves containers of every type and form and loads them into caches of other shards and limits.
func TestContainersInAFile(t *testing.T) {
	for from := range packedLimits {
		clock := newSimClock()
		source, d := limitedCache(t, clock, 16, from)
		fillContainers(d, 3000)
		clock.ms.Add(2_000_000) // some fields are hidden by now
		want := deep(d)
		require.Contains(t, want["0 timed hash of 3000"], `\"field:2\" `)
		require.NotContains(t, want["0 timed hash of 3000"], `\"field:2999\" `)
		file := savedBytes(t, source)
		for to, shards := range map[string]int{"default": 1, "zero": 64, "large": 2} {
			loaded, l := limitedCache(t, clock, shards, to)
			require.NoError(t, loaded.Load(bytes.NewReader(file)))
			sameKeys(t, want, deep(l))
			if to == from {
				for _, name := range d.run("KEYS", "*").([]any) {
					key := string(name.([]byte))
					require.Equal(t, d.run("OBJECT", "ENCODING", key), l.run("OBJECT", "ENCODING", key), key)
				}
			}
		}
	}
}

// TestLoadedContainersGoOn changes what was loaded and what it was saved from alike.
func TestLoadedContainersGoOn(t *testing.T) {
	clock := newSimClock()
	source, d := limitedCache(t, clock, 16, "default")
	fillContainers(d, 3000)
	loaded, l := limitedCache(t, clock, 4, "zero")
	require.NoError(t, loaded.Load(bytes.NewReader(savedBytes(t, source))))
	for _, n := range []string{"1", "5", "3000"} {
		for _, command := range [][]string{
			{"HDEL", "hash of " + n, "field:0", "field:4", "field:77"}, {"HSET", "hash of " + n, "new", "1", "field:3", "changed"},
			{"HPERSIST", "timed hash of " + n, "FIELDS", "1", "field:2"}, {"HSET", "timed hash of " + n, "field:4", "untimed"},
			{"LPOP", "list of " + n}, {"LINSERT", "list of " + n, "BEFORE", "eeee4", "in between"}, {"LPUSH", "list of " + n, "first"},
			{"SREM", "numbers of " + n, "-50", "-49"}, {"SADD", "numbers of " + n, "no number"}, {"SADD", "set of " + n, "1"},
			{"ZADD", "sorted set of " + n, "0.5", "member:1", "7", "member:0"}, {"ZREMRANGEBYRANK", "sorted set of " + n, "1", "2"},
			{"XADD", "stream of " + n, "99999-1", "a", "b"}, {"XACK", "stream of " + n, "one", "5-0"}, {"PFADD", "log of " + n, "x"},
			{"XREADGROUP", "GROUP", "two", "dora", "STREAMS", "stream of " + n, ">"}, {"XTRIM", "stream of " + n, "MAXLEN", "4"},
			{"XAUTOCLAIM", "stream of " + n, "one", "dora", "0", "0"}, {"XGROUP", "DELCONSUMER", "stream of " + n, "two", "bob"},
		} {
			require.Equal(t, d.run(command...), l.run(command...), command)
		}
	}
	sameKeys(t, deep(d), deep(l))
	for range 3 {
		clock.ms.Add(100_000_000_000) // fields and keys expire
		sameKeys(t, deep(d), deep(l))
	}
	require.Zero(t, statsOf(source).Panics+statsOf(loaded).Panics)
}

// recordsOf takes a file apart.
func recordsOf(t testing.TB, file []byte) (records []archive.Record) {
	var mu sync.Mutex
	_, err := archive.Read(bytes.NewReader(file), archive.ReadOptions{Workers: 1}, func(_ int, r *archive.Record) error {
		mu.Lock()
		defer mu.Unlock()
		own := *r
		own.Key, own.Payload = bytes.Clone(r.Key), bytes.Clone(r.Payload)
		records = append(records, own)
		return nil
	})
	require.NoError(t, err)
	return records
}

// fileOf makes a file whose checksums are right.
func fileOf(t testing.TB, records []archive.Record) []byte {
	var file bytes.Buffer
	w, err := archive.NewWriter(&file, archive.Header{Creator: "test", Shards: 1})
	require.NoError(t, err)
	section := w.Section(0)
	for _, r := range records {
		require.NoError(t, section.Add(r))
	}
	require.NoError(t, section.Flush())
	require.NoError(t, w.Close())
	return file.Bytes()
}

// TestDamagedContainersAreRefused damages records of containers in files whose checksums are right. What is loaded
// nevertheless can be read whole; what is refused leaves the cache as it was, and no memory behind.
func TestDamagedContainersAreRefused(t *testing.T) {
	clock := newSimClock()
	source, d := limitedCache(t, clock, 2, "default")
	fillContainers(d, 300)
	records := recordsOf(t, savedBytes(t, source))
	c, own := limitedCache(t, clock, 4, "default")
	own.run("ZADD", "before", "1", "a", "2", "b")
	own.run("XADD", "before too", "1-1", "a", "b")
	want, used := deep(own), statsOf(c).Used
	rng := rand.New(rand.NewPCG(11, 12))
	refused, taken := 0, 0
	for round := range 50 {
		damaged := slices.Clone(records)
		at := rng.IntN(len(damaged))
		r := &damaged[at]
		r.Payload = bytes.Clone(r.Payload)
		n := len(r.Payload)
		switch rng.IntN(6) {
		case 0:
			r.Payload = r.Payload[:rng.IntN(n+1)]
		case 1:
			from := rng.IntN(n + 1)
			r.Payload = slices.Delete(r.Payload, from, min(n, from+1+rng.IntN(20)))
		case 2:
			r.Flags ^= byte(1 << rng.IntN(3))
		case 3:
			damaged = slices.Delete(damaged, at, at+1)
		case 4:
			damaged = slices.Insert(damaged, at, damaged[rng.IntN(len(damaged))])
		default:
			for range 1 + rng.IntN(3) {
				if n > 0 {
					r.Payload[min(rng.IntN(n), rng.IntN(n))] ^= 1 << rng.IntN(8)
				}
			}
		}
		err := c.Load(bytes.NewReader(fileOf(t, damaged)))
		require.Zero(t, statsOf(c).Panics, "round %d: %v", round, err)
		if err != nil {
			refused++
			sameKeys(t, want, deep(own))
			require.Equal(t, used, statsOf(c).Used, "round %d: %v", round, err)
			continue
		}
		taken++
		got := deep(own)
		require.NoError(t, c.Load(bytes.NewReader(savedBytes(t, c))), "round %d", round)
		sameKeys(t, got, deep(own))
		own.run("FLUSHALL")
		own.run("ZADD", "before", "1", "a", "2", "b")
		own.run("XADD", "before too", "1-1", "a", "b")
		require.Equal(t, used, statsOf(c).Used, "round %d", round)
	}
	t.Logf("%d refused, %d taken", refused, taken)
	require.Greater(t, min(refused, taken), 5)
}
