package darter_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// later runs a command in a session of its own and returns where its reply comes.
func later(t *testing.T, c *darter.Cache, args ...any) (reply chan any, s *darter.Session) {
	t.Helper()
	s = c.NewSession()
	reply = make(chan any, 1)
	go func() { reply <- do(s, args...) }()
	// A wait of some milliseconds may be over before anybody looks.
	require.Eventually(t, func() bool { return s.Blocked() || len(reply) > 0 }, time.Minute, 100*time.Microsecond)
	return reply, s
}

func pair(key, value string) []any { return []any{[]byte(key), []byte(value)} }

func TestWaiting(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 8})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	for _, tt := range []struct {
		name string
		wait []any
		then [][]any
		want any
		left int64 // keys
	}{
		{"pushed", []any{"BLPOP", "a", "b", 0}, [][]any{{"RPUSH", "b", "1", "2"}}, pair("b", "1"), 1},
		{"the last one", []any{"BRPOP", "a", "b", 0}, [][]any{{"RPUSH", "b", "1", "2"}}, pair("b", "2"), 1},
		{"renamed onto", []any{"BLPOP", "a", 0}, [][]any{{"RPUSH", "x", "1"}, {"RENAME", "x", "a"}}, pair("a", "1"), 0},
		{"copied", []any{"BLPOP", "a", 0}, [][]any{{"RPUSH", "x", "1"}, {"COPY", "x", "a"}}, pair("a", "1"), 1},
		{"moved by another", []any{"BLPOP", "a", 0}, [][]any{{"RPUSH", "x", "1"}, {"LMOVE", "x", "a", "LEFT", "LEFT"}}, pair("a", "1"), 0},
		{"in EXEC", []any{"BLPOP", "a", 0}, [][]any{{"MULTI"}, {"RPUSH", "a", "1"}, {"RPUSH", "a", "2"}, {"EXEC"}}, pair("a", "1"), 1},
		{"another type first", []any{"BLPOP", "a", 0}, [][]any{{"SET", "a", "x"}, {"DEL", "a"}, {"RPUSH", "a", "1"}}, pair("a", "1"), 0},
		{"swapped in", []any{"BLPOP", "a", 0}, [][]any{{"SELECT", 1}, {"RPUSH", "a", "1"}, {"SELECT", 0}, {"SWAPDB", 0, 1}}, pair("a", "1"), 0},
		{"one that moves", []any{"BLMOVE", "a", "b", "LEFT", "RIGHT", 0}, [][]any{{"RPUSH", "a", "1"}}, "1", 1},
		{"one that moves within", []any{"BLMOVE", "a", "a", "LEFT", "RIGHT", 0}, [][]any{{"RPUSH", "a", "1", "2"}}, "1", 1},
		{"the old one", []any{"BRPOPLPUSH", "a", "b", 0}, [][]any{{"RPUSH", "a", "1"}}, "1", 1},
		{"several", []any{"BLMPOP", 0, 2, "a", "b", "LEFT", "COUNT", 2}, [][]any{{"RPUSH", "b", "1", "2", "3"}},
			[]any{[]byte("b"), []any{[]byte("1"), []byte("2")}}, 1},
		{"sorted", []any{"BZPOPMIN", "a", "b", 0}, [][]any{{"ZADD", "b", 2, "y", 1, "x"}}, []any{[]byte("b"), []byte("x"), 1.0}, 1},
		{"sorted, highest", []any{"BZPOPMAX", "a", "b", 0}, [][]any{{"ZADD", "b", 2, "y", 1, "x"}}, []any{[]byte("b"), []byte("y"), 2.0}, 1},
		{"its time", []any{"BLPOP", "a", 0.02}, nil, nil, 0},
		{"its time, moving", []any{"BLMOVE", "a", "b", "LEFT", "LEFT", 0.02}, nil, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.NoError(t, c.FlushAll())
			reply, waiting := later(t, c, tt.wait...)
			defer waiting.Close()
			for _, args := range tt.then {
				do(s, args...)
			}
			select {
			case got := <-reply:
				require.Equal(t, tt.want, got)
			case <-time.After(time.Minute):
				t.Fatal("it waits for ever")
			}
			require.Equal(t, tt.left, do(s, "DBSIZE"))
		})
	}
}

func TestWaitingIsRefused(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	for _, tt := range []struct {
		args []any
		want string
	}{
		{[]any{"BLPOP", "a", "x"}, "ERR timeout is not a float or out of range"},
		{[]any{"BLPOP", "a", "-1"}, "ERR timeout is negative"},
		{[]any{"BLPOP", "a", "1e30"}, "ERR timeout is out of range"},
		{[]any{"BLMPOP", 0, 0, "a", "LEFT"}, "ERR numkeys should be greater than 0"},
		{[]any{"BLMOVE", "a", "b", "UP", "LEFT", 0}, "ERR syntax error"},
	} {
		require.Equal(t, tt.want, do(s, tt.args...), "%v", tt.args)
	}
	require.Equal(t, "OK", do(s, "MULTI"))
	do(s, "BLPOP", "a", 0)
	do(s, "BLMOVE", "a", "b", "LEFT", "LEFT", 0)
	require.Equal(t, []any{nil, nil}, do(s, "EXEC"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.Do(ctx, "BLPOP", "a", 0)
	require.ErrorIs(t, err, context.Canceled)
}

func TestFirstComeFirstServed(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	const n = 50
	var replies []chan any
	for range n {
		reply, _ := later(t, c, "BLPOP", "q", 0)
		replies = append(replies, reply)
	}
	for i := range n {
		do(c.NewSession(), "RPUSH", "q", i)
		require.Equal(t, pair("q", fmt.Sprint(i)), <-replies[i])
	}
}

func TestUnblock(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	reply, s := later(t, c, "BLPOP", "q", 0)
	require.True(t, s.Unblock(false))
	require.Nil(t, <-reply)
	reply, s = later(t, c, "BLPOP", "q", 0)
	require.True(t, s.Unblock(true))
	require.Equal(t, "UNBLOCKED client unblocked via CLIENT UNBLOCK", <-reply)
	require.False(t, s.Unblock(true))
	// Nobody who is gone takes an element.
	do(s, "RPUSH", "q", "x")
	require.Equal(t, int64(1), do(s, "LLEN", "q"))
	reply, _ = later(t, c, "BLPOP", "other", 0)
	require.NoError(t, c.Close())
	require.Equal(t, darter.ErrClosed.Error(), <-reply)
}

// Elements pushed and taken under contention are each taken once, whoever waits for which keys.
func TestNothingIsLost(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 4})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	const producers, each, consumers = 4, 400, 12
	var taken [producers * each]atomic.Int32
	var left atomic.Int64
	left.Store(producers * each)
	done := make(chan struct{})
	var consume, produce sync.WaitGroup
	for i := range consumers {
		consume.Go(func() {
			s := c.NewSession()
			defer s.Close()
			a, b := fmt.Sprint("q", i%3), fmt.Sprint("q", (i+1)%3)
			for {
				args := []any{"BLPOP", a, b, 0.001}
				if i%3 == 0 {
					args = []any{"BLMOVE", a, "moved", "LEFT", "LEFT", 0.001}
				}
				var n int
				switch v := do(s, args...).(type) {
				case nil:
					select {
					case <-done:
						return
					default:
						continue
					}
				case string:
					_, _ = fmt.Sscan(v, &n)
				case []any:
					_, _ = fmt.Sscan(string(v[1].([]byte)), &n)
				}
				taken[n].Add(1)
				if left.Add(-1) == 0 {
					close(done)
				}
			}
		})
	}
	for p := range producers {
		produce.Go(func() {
			s := c.NewSession()
			defer s.Close()
			for i := range each {
				n := p*each + i
				switch q := fmt.Sprint("q", n%3); n % 4 {
				case 0:
					do(s, "MULTI")
					do(s, "RPUSH", q, n)
					do(s, "EXEC")
				case 1:
					require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
						do(tx.NewSession(), "RPUSH", q, n)
						return nil
					}))
				default:
					do(s, "RPUSH", q, n)
				}
			}
		})
	}
	produce.Wait()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Errorf("%d elements were never taken", left.Load())
		close(done)
	}
	consume.Wait()
	for n := range taken {
		require.Equal(t, int32(1), taken[n].Load(), "element %d", n)
	}
}

// A queue that is to be served later, for the sake of a second shard, may be gone by then, and another in its place.
func TestServedLaterThanItsQueue(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 16})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	tried := false
	for i := range 20 {
		to := fmt.Sprintf("{to%d}", i)
		moved, first := later(t, c, "BLMOVE", "q", to, "LEFT", "LEFT", 0)
		var popped chan any
		var second *darter.Session
		require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
			require.NoError(t, tx.Set(to+"beside", []byte("x"))) // the shard is taken
			s := c.NewSession()
			defer s.Close()
			s.SetImpatient(true)
			if do(s, "RPUSH", "q", "early") != int64(1) {
				return nil // q is in the same one
			}
			require.True(t, first.Unblock(false))
			require.Nil(t, <-moved)
			require.Equal(t, "early", do(s, "LPOP", "q"))
			popped, second = later(t, c, "BLPOP", "q", 0)
			return nil
		}))
		if second == nil {
			first.Unblock(false)
			<-moved
			continue
		}
		tried = true
		for range 10 { // what was to be done later is done
			time.Sleep(100 * time.Microsecond)
			do(first, "LLEN", "q")
		}
		do(first, "RPUSH", "q", "late")
		select {
		case got := <-popped:
			require.Equal(t, pair("q", "late"), got)
		case <-time.After(time.Minute):
			t.Fatal("it waits for ever")
		}
		first.Close()
		second.Close()
	}
	require.True(t, tried)
}

// TestMovedBeforeTheNextCommand pushes for somebody who waits to move the element into another shard: nobody who comes
// after the push may see it undone or take the element.
func TestMovedBeforeTheNextCommand(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 16})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	for i := range 100 {
		from, to := fmt.Sprint("from", i), fmt.Sprint("to", i)
		reply, waiter := later(t, c, "BLMOVE", from, to, "LEFT", "LEFT", 0)
		do(s, "RPUSH", from, "a")
		require.Nil(t, do(s, "LPOP", from), i)
		require.Equal(t, int64(1), do(s, "LLEN", to), i)
		require.Equal(t, "a", plain(<-reply))
		waiter.Close()
	}
}

// TestServedInItsOwnOrder has several keys of one waiter come at once, in one transaction, in either order: it takes from
// the first of its own, and reads all streams, as if it had come just now.
func TestServedInItsOwnOrder(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 16})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	for i := range 30 {
		a, b := fmt.Sprint("a", i), fmt.Sprint("b", i)
		if i%5 == 0 { // of one shard
			a, b = "{x}"+a, "{x}"+b
		}
		for _, tt := range []struct {
			wait []any
			add  func(key, elem string) []any
			want string
		}{
			{[]any{"BLPOP", a, b, 0}, func(key, e string) []any { return []any{"RPUSH", key, e} }, fmt.Sprintf("[%s of a]", a)},
			{[]any{"BZPOPMIN", a, b, 0}, func(key, e string) []any { return []any{"ZADD", key, 1, e} }, fmt.Sprintf("[%s of a 1]", a)},
			{
				[]any{"XREAD", "BLOCK", 0, "STREAMS", a, b, "$", "$"},
				func(key, e string) []any { return []any{"XADD", key, "1-1", "f", e} },
				fmt.Sprintf("[%s [[1-1 [f of a]]] %s [[1-1 [f of b]]]]", a, b),
			},
		} {
			reply, waiter := later(t, c, tt.wait...)
			do(s, "MULTI")
			if i%2 == 0 {
				do(s, tt.add(a, "of a")...)
			}
			do(s, tt.add(b, "of b")...)
			if i%2 == 1 {
				do(s, tt.add(a, "of a")...)
			}
			do(s, "EXEC")
			require.Equal(t, tt.want, plain(<-reply), "%v", tt.wait)
			waiter.Close()
			require.NoError(t, c.Flush())
		}
	}
}

// plain returns a reply as a short text.
func plain(v any) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case []any:
		list := make([]string, len(v))
		for i, e := range v {
			list[i] = plain(e)
		}
		return fmt.Sprint(list)
	case darter.Map:
		var list []string
		for _, p := range v {
			list = append(list, plain(p.Key), plain(p.Value))
		}
		return fmt.Sprint(list)
	}
	return fmt.Sprint(v)
}
