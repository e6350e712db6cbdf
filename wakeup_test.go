package darter_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// Thousands wait, and elements come in all ways there are. Each element goes to one of them, and as many are served as
// elements come: a wake-up that is lost leaves an element and somebody who waits for it.

// queueKind is a type of queue: how one waits for an element of it, and how elements come.
type queueKind struct {
	name string
	many int // who wait
	wait [][]any
	take func(reply any) string
	come []func(s *darter.Session, c *darter.Cache, queue, elem string)
	left func(s *darter.Session, queue string) any // elements that nobody took
}

// inUpdate runs a command in a Go transaction.
func inUpdate(c *darter.Cache, args ...any) {
	err := c.Update(context.Background(), func(tx *darter.Tx) error {
		_, err := tx.Do(context.Background(), args...)
		return err
	})
	if err != nil {
		panic(err)
	}
}

func textOf(reply any) string {
	if b, ok := reply.([]byte); ok {
		return string(b)
	}
	s, _ := reply.(string)
	return s
}

var queueKinds = []queueKind{
	{
		name: "list",
		many: 1500,
		wait: [][]any{
			{"BLPOP", "Q", 0}, {"BRPOP", "Q", "Q2", 0}, {"BLPOP", "Q2", "Q", "Q", 0}, {"BLMPOP", 0, 2, "Q2", "Q", "LEFT"},
			{"BLMOVE", "Q", "Qdone", "LEFT", "RIGHT", 0}, {"BRPOPLPUSH", "Q", "Qdone", 0}, {"BLMOVE", "Q", "{Q}done", "LEFT", "RIGHT", 0},
		},
		take: func(reply any) string {
			v, ok := reply.([]any)
			if !ok {
				return textOf(reply)
			}
			if many, ok := v[1].([]any); ok {
				return textOf(many[0])
			}
			return textOf(v[1])
		},
		come: []func(s *darter.Session, c *darter.Cache, queue, elem string){
			func(s *darter.Session, _ *darter.Cache, q, e string) { do(s, "LPUSH", q, e) },
			func(s *darter.Session, _ *darter.Cache, q, e string) { do(s, "RPUSH", q, e) },
			func(s *darter.Session, _ *darter.Cache, q, e string) {
				do(s, "MULTI")
				do(s, "RPUSH", q, e)
				do(s, "EXEC")
			},
			func(s *darter.Session, _ *darter.Cache, q, e string) {
				do(s, "EVAL", "redis.call('LPUSH', ARGV[1], ARGV[2])", 0, q, e)
			},
			func(_ *darter.Session, c *darter.Cache, q, e string) { inUpdate(c, "RPUSH", q, e) },
			func(_ *darter.Session, c *darter.Cache, q, e string) {
				if _, err := c.List(q).PushLeft([]byte(e)); err != nil {
					panic(err)
				}
			},
			func(s *darter.Session, _ *darter.Cache, q, e string) {
				do(s, "RPUSH", "from"+e, e)
				do(s, "LMOVE", "from"+e, q, "LEFT", "LEFT")
			},
			// These replace what is there, so they do it only if there is nothing.
			func(s *darter.Session, _ *darter.Cache, q, e string) {
				do(s, "RPUSH", "from"+e, e)
				for do(s, "RENAMENX", "from"+e, q) != int64(1) {
					runtime.Gosched()
				}
			},
			func(s *darter.Session, _ *darter.Cache, q, e string) {
				do(s, "RPUSH", "from"+e, e)
				for do(s, "COPY", "from"+e, q) != int64(1) {
					runtime.Gosched()
				}
				do(s, "DEL", "from"+e)
			},
			func(s *darter.Session, _ *darter.Cache, q, e string) {
				do(s, "SADD", "from"+e, e)
				do(s, "EVAL", `if redis.call('EXISTS', ARGV[1]) == 0 then redis.call('SORT', ARGV[2], 'STORE', ARGV[1])
					else redis.call('RPUSH', ARGV[1], ARGV[3]) end redis.call('DEL', ARGV[2])`, 0, q, "from"+e, e)
			},
		},
		left: func(s *darter.Session, q string) any { return do(s, "LLEN", q) },
	},
	{
		name: "sorted set",
		many: 1000,
		wait: [][]any{
			{"BZPOPMIN", "Q", 0}, {"BZPOPMAX", "Q2", "Q", 0}, {"BZMPOP", 0, 1, "Q", "MIN"}, {"BZMPOP", 0, 2, "Q2", "Q", "MAX", "COUNT", 1},
		},
		take: func(reply any) string {
			v := reply.([]any)
			if many, ok := v[1].([]any); ok {
				if pair, ok := many[0].([]any); ok {
					return textOf(pair[0])
				}
				return textOf(many[0])
			}
			return textOf(v[1])
		},
		come: []func(s *darter.Session, c *darter.Cache, queue, elem string){
			func(s *darter.Session, _ *darter.Cache, q, e string) { do(s, "ZADD", q, 1, e) },
			func(s *darter.Session, _ *darter.Cache, q, e string) { do(s, "ZINCRBY", q, e, e) },
			func(s *darter.Session, _ *darter.Cache, q, e string) {
				do(s, "EVAL", "redis.call('ZADD', ARGV[1], 1, ARGV[2])", 0, q, e)
			},
			func(_ *darter.Session, c *darter.Cache, q, e string) { inUpdate(c, "ZADD", q, 3, e) },
			func(s *darter.Session, _ *darter.Cache, q, e string) {
				do(s, "ZADD", "from"+e, 1, e)
				do(s, "EVAL", "redis.call('ZUNIONSTORE', ARGV[1], 2, ARGV[1], ARGV[2]) redis.call('DEL', ARGV[2])", 0, q, "from"+e)
			},
		},
		left: func(s *darter.Session, q string) any { return do(s, "ZCARD", q) },
	},
	{
		name: "stream of a group",
		many: 400, // each new entry is offered to all of them in turn
		wait: [][]any{
			{"XREADGROUP", "GROUP", "g", "me", "COUNT", 1, "BLOCK", 0, "NOACK", "STREAMS", "Q", ">"},
			{"XREADGROUP", "GROUP", "g", "you", "COUNT", 1, "BLOCK", 0, "STREAMS", "Q2", "Q", ">", ">"},
		},
		take: func(reply any) string {
			entry := reply.(darter.Map)[0].Value.([]any)[0].([]any)
			return textOf(entry[1].([]any)[1])
		},
		come: []func(s *darter.Session, c *darter.Cache, queue, elem string){
			func(s *darter.Session, _ *darter.Cache, q, e string) { do(s, "XADD", q, "*", "e", e) },
			func(s *darter.Session, _ *darter.Cache, q, e string) {
				do(s, "EVAL", "redis.call('XADD', ARGV[1], '*', 'e', ARGV[2])", 0, q, e)
			},
			func(_ *darter.Session, c *darter.Cache, q, e string) { inUpdate(c, "XADD", q, "*", "e", e) },
		},
		left: func(s *darter.Session, q string) any {
			rest, _ := do(s, "XREADGROUP", "GROUP", "g", "rest", "STREAMS", q, ">").(darter.Map)
			return int64(len(rest))
		},
	},
}

// waitWords is a command that waits, on a queue.
func waitWords(args []any, queue string) []any {
	words := make([]any, len(args))
	for i, a := range args {
		if text, ok := a.(string); ok && i > 0 {
			a = strings.ReplaceAll(text, "Q", queue)
		}
		words[i] = a
	}
	return words
}

func TestNoWakeUpIsLost(t *testing.T) {
	for _, k := range queueKinds {
		t.Run(k.name, func(t *testing.T) {
			c, err := darter.New(darter.Options{Shards: 16})
			require.NoError(t, err)
			defer func() { require.NoError(t, c.Close()) }()
			const queues = 7
			waiting, quitting := k.many, k.many/7
			s := c.NewSession()
			defer s.Close()
			for q := range queues {
				if strings.HasPrefix(k.name, "stream") {
					do(s, "XGROUP", "CREATE", fmt.Sprint("queue", q), "g", "$", "MKSTREAM")
					do(s, "XGROUP", "CREATE", fmt.Sprint("queue", q, "2"), "g", "$", "MKSTREAM")
				}
			}
			taken := make([]atomic.Int32, waiting)
			var left atomic.Int64
			left.Store(int64(waiting))
			var waiters, others sync.WaitGroup
			var sessions []*darter.Session
			begin := func(i int, each func(s *darter.Session, words []any)) {
				s := c.NewSession()
				sessions = append(sessions, s)
				waiters.Go(func() {
					defer s.Close()
					each(s, waitWords(k.wait[i%len(k.wait)], fmt.Sprint("queue", i%queues)))
				})
			}
			for i := range waiting {
				if i == waiting/2 { // the rest come when there is something already
					require.True(t, eventually(func() bool {
						return !slices.ContainsFunc(sessions, func(s *darter.Session) bool { return !s.Blocked() })
					}))
				}
				begin(i, func(s *darter.Session, words []any) {
					n, err := strconv.Atoi(k.take(do(s, words...)))
					if err != nil {
						t.Errorf("%v: %v", words, err)
						return
					}
					taken[n].Add(1)
					left.Add(-1)
				})
			}
			// Some come, wait, and go before they are served, or just as they are.
			for i := range quitting {
				begin(i, func(s *darter.Session, words []any) {
					rng := rand.New(rand.NewPCG(uint64(i), 7))
					for left.Load() > 0 {
						ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.IntN(3000))*time.Microsecond)
						v, err := s.Do(ctx, words...)
						cancel()
						if err == nil && v != nil { // it was served: it passes the element on
							k.come[0](s, c, fmt.Sprint("queue", i%queues), k.take(v))
						}
						time.Sleep(time.Duration(rng.IntN(5)) * time.Millisecond)
					}
				})
			}
			for p := range 4 {
				others.Go(func() {
					s := c.NewSession()
					defer s.Close()
					rng := rand.New(rand.NewPCG(uint64(p), 8))
					for e := p; e < waiting; e += 4 {
						k.come[rng.IntN(len(k.come))](s, c, fmt.Sprint("queue", e%queues), strconv.Itoa(e))
						if rng.IntN(8) == 0 {
							time.Sleep(100 * time.Microsecond)
						}
					}
				})
			}
			others.Wait()
			if !eventually(func() bool { return left.Load() == 0 }) {
				t.Errorf("%d are still waiting", left.Load())
				for q := range queues {
					t.Logf("queue %d has %v", q, k.left(s, fmt.Sprint("queue", q)))
				}
				left.Store(0)
				require.NoError(t, c.Close()) // ends the waits
				waiters.Wait()
				return
			}
			waiters.Wait()
			for n := range taken {
				require.Equal(t, int32(1), taken[n].Load(), "element %d", n)
			}
			for q := range queues {
				require.Equal(t, int64(0), k.left(s, fmt.Sprint("queue", q)))
			}
		})
	}
}

// eventually waits for what is to become true; only a hang is too late.
func eventually(ok func() bool) bool {
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// Who came first is served first, whatever they wait with and however elements come.
func TestFirstComeFirstServedInAllWays(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 16})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	waits := [][]any{
		{"BLPOP", "q", 0}, {"BLPOP", "other", "q", 0}, {"BLMPOP", 0, 1, "q", "LEFT"}, {"BLMOVE", "q", "done", "LEFT", "RIGHT", 0},
		{"BLMOVE", "q", "{q}done", "LEFT", "RIGHT", 0}, {"BLMPOP", 0, 2, "other", "q", "LEFT", "COUNT", 1},
	}
	pushes := []func(elems []any){
		func(e []any) { do(s, append([]any{"RPUSH", "q"}, e...)...) },
		func(e []any) {
			do(s, "MULTI")
			for _, one := range e {
				do(s, "RPUSH", "q", one)
			}
			do(s, "EXEC")
		},
		func(e []any) { do(s, append([]any{"EVAL", "redis.call('RPUSH', 'q', unpack(ARGV))", 0}, e...)...) },
		func(e []any) { inUpdate(c, append([]any{"RPUSH", "q"}, e...)...) },
		func(e []any) {
			do(s, append([]any{"RPUSH", "from"}, e...)...)
			do(s, "RENAME", "from", "q")
		},
		func(e []any) {
			do(s, append([]any{"RPUSH", "from"}, e...)...)
			do(s, "COPY", "from", "q")
			do(s, "DEL", "from")
		},
		func(e []any) {
			do(s, append([]any{"SADD", "from"}, e...)...)
			do(s, "SORT", "from", "STORE", "q")
			do(s, "DEL", "from")
		},
		func(e []any) {
			require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
				s := tx.DB(1).NewSession()
				defer s.Close()
				do(s, append([]any{"RPUSH", "q"}, e...)...)
				do(s, "SWAPDB", 0, 1)
				return nil
			}))
		},
	}
	take := queueKinds[0].take
	for n, push := range pushes {
		const waiting = 24
		var replies []chan any
		var elems []any
		for i := range waiting {
			reply, waiter := later(t, c, waits[(i+n)%len(waits)]...)
			defer waiter.Close()
			replies = append(replies, reply)
			elems = append(elems, i)
		}
		for i := 0; i < waiting; i += 4 {
			push(elems[i : i+4])
			for j := i; j < i+4; j++ {
				require.Equal(t, strconv.Itoa(j), take(<-replies[j]), "way %d", n)
			}
		}
	}
}

// A wait lasts its time, to the millisecond, and no less.
func TestWaitsAreNotShort(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	for _, tt := range []struct {
		args []any
		want time.Duration
	}{
		{[]any{"BLPOP", "q", 0.03}, 30 * time.Millisecond},
		{[]any{"BLPOP", "q", 0.0203}, 21 * time.Millisecond},
		{[]any{"BLPOP", "q", 0.0000001}, time.Millisecond},
		{[]any{"BLMOVE", "q", "to", "LEFT", "LEFT", 0.007}, 7 * time.Millisecond},
		{[]any{"BZPOPMAX", "a", "b", 0.012}, 12 * time.Millisecond},
		{[]any{"BZMPOP", 0.005, 1, "a", "MIN"}, 5 * time.Millisecond},
		{[]any{"XREAD", "BLOCK", 17, "STREAMS", "s", "$"}, 17 * time.Millisecond},
	} {
		s := c.NewSession()
		began := time.Now()
		require.Nil(t, do(s, tt.args...))
		took := time.Since(began)
		require.GreaterOrEqual(t, took, tt.want, "%v", tt.args)
		require.Less(t, took, time.Minute, "%v", tt.args)
		s.Close()
	}
}
