package command

import (
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/reply"
	"github.com/darterdb/darter/internal/slab"
)

// bench runs handlers on shards without locks, by a clock of its own.
type bench struct {
	only int // the one key that has a target, 0 for all

	t      testing.TB
	now    int64
	clock  *keyspace.Clock
	shards []*keyspace.Shard
	limit  int64
	held   int // shards held by WithShard in all

	call    Call
	keys    []KeyAt
	targets []Target
	out     reply.RESP
}

const (
	benchDatabases = 4
	benchNow       = 1_700_000_000_000
)

func newBench(t testing.TB, shards int) *bench {
	b := &bench{t: t, now: benchNow, limit: 512 << 20}
	region, err := slab.NewRegion()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, region.Close()) })
	b.clock = keyspace.NewClock(func() time.Time { return time.UnixMilli(b.now) })
	c := keyspace.Config{
		Region: region, Clock: b.clock, Seed: maphash.MakeSeed(), Databases: benchDatabases, Used: new(atomic.Int64),
	}
	for i := range shards {
		s, err := keyspace.NewShard(c, i, shards)
		require.NoError(t, err)
		b.shards = append(b.shards, s)
	}
	b.call.Env = b
	return b
}

func (b *bench) Databases() int { return benchDatabases }
func (b *bench) Shards() int    { return len(b.shards) }
func (b *bench) MaxBulk() int64 { return b.limit }

func (b *bench) WithShard(shard, db int, fn func(*keyspace.DB)) {
	b.held++
	d, err := b.shards[shard].Open(db)
	require.NoError(b.t, err)
	fn(d)
}

func (b *bench) ShardOf(key []byte) int {
	n := 0
	for _, c := range key {
		n += int(c)
	}
	return n % len(b.shards)
}

func (b *bench) ReadKey(shard, db int, _ []byte, fn func(*keyspace.DB)) { b.WithShard(shard, db, fn) }

func (b *bench) MakeKey(shard, db, _ int, fn func(*keyspace.DB) error) error {
	d, err := b.shards[shard].Open(db)
	require.NoError(b.t, err)
	return fn(d)
}

func (b *bench) In(t Target, db int) (Target, error) {
	if db < 0 || db >= benchDatabases {
		return Target{}, errs.DBIndex
	}
	return b.target(t.Key, db), nil
}

func (b *bench) target(key []byte, db int) Target {
	s := b.shards[b.ShardOf(key)]
	d, err := s.Open(db)
	require.NoError(b.t, err)
	return Target{DB: d, Hash: maphash.Bytes(s.Seed, key), Key: key}
}

// run runs a command as its row says, and leaves the reply in out.
func (b *bench) run(args [][]byte) {
	c := &b.call
	c.Args, c.W = args, &b.out
	row, err := Resolve(args)
	if err != nil {
		c.Fail(err)
		return
	}
	c.Row, c.Targets = row, nil
	switch row.Class {
	case OneKey:
		c.One = b.target(args[row.Keys[0].Pos], c.DB)
	case ManyKeys:
		b.keys, _ = KeysOf(row, args, b.keys[:0])
		if cap(b.targets) < len(args) {
			b.targets = make([]Target, len(args))
		}
		c.Targets = b.targets[:len(args)]
		clear(c.Targets)
		for _, k := range b.keys {
			if b.only == 0 || b.only == k.Index {
				c.Targets[k.Index] = b.target(args[k.Index], c.DB)
			}
		}
	}
	row.Run(c)
}

// do runs a command and returns the reply as a short text: (nil), integers and statuses bare, bulk strings quoted,
// arrays in brackets.
func (b *bench) do(args ...string) string {
	b.t.Helper()
	words := make([][]byte, len(args))
	for i, a := range args {
		words[i] = []byte(a)
	}
	b.out.Reset(2)
	b.run(words)
	text, rest := shorten(string(b.out.Buf))
	require.Empty(b.t, rest, "more than one reply to %q: %q", args, b.out.Buf)
	return text
}

// shorten reads one RESP2 reply.
func shorten(s string) (text, rest string) {
	line, rest, _ := strings.Cut(s, "\r\n")
	if line == "" {
		return "(no reply)", rest
	}
	switch kind, line := line[0], line[1:]; kind {
	case '$':
		n, _ := strconv.Atoi(line)
		if n < 0 {
			return "(nil)", rest
		}
		return strconv.Quote(rest[:n]), rest[n+2:]
	case '*':
		n, _ := strconv.Atoi(line)
		if n < 0 {
			return "(nil)", rest
		}
		items := make([]string, n)
		for i := range items {
			items[i], rest = shorten(rest)
		}
		return "[" + strings.Join(items, " ") + "]", rest
	default:
		return line, rest
	}
}

// script runs commands, one a line with its reply after " => ", on one shard and on four. A word in quotes may hold
// blanks and escapes.
func script(t *testing.T, lines string) {
	t.Helper()
	for _, shards := range []int{1, 4} {
		t.Run(fmt.Sprint(shards), func(t *testing.T) {
			b := newBench(t, shards)
			for _, line := range strings.Split(lines, "\n") {
				line = strings.TrimSpace(line)
				if line == "" || line[0] == '#' {
					continue
				}
				command, want, ok := strings.Cut(line, " => ")
				require.True(t, ok, line)
				require.Equal(t, want, b.do(split(t, command)...), line)
			}
		})
	}
}

func split(t *testing.T, line string) (words []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			require.NoError(t, err, line)
			word, err := strconv.Unquote(quoted)
			require.NoError(t, err, line)
			words, line = append(words, word), line[len(quoted):]
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		words, line = append(words, word), rest
	}
	return words
}
