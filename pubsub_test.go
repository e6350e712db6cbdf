package darter

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/pubsub"
)

// take reads n messages.
func take(s *Subscription, n int) (list []Message) {
	for m := range s.Messages() {
		if list = append(list, m); len(list) == n {
			break
		}
	}
	return list
}

func TestSubscribe(t *testing.T) {
	c := newTestCache(t, Options{Shards: 16})
	ctx := t.Context()
	require.Zero(t, c.Publish("news", []byte("nobody hears")))
	byName := c.Subscribe(ctx, "news", "weather", "news")
	byPattern := c.SubscribePattern(ctx, "n*")
	shard := c.DB(3).SubscribeTo(ctx, SubscribeOptions{ShardChannels: []string{"news"}})
	payload := []byte("1")
	require.Equal(t, 2, c.Publish("news", payload))
	payload[0] = '!'
	require.Equal(t, 1, c.DB(1).Publish("weather", []byte("2")))
	require.Equal(t, 1, c.Publish("nothing", nil))
	require.Equal(t, 1, c.PublishShard("news", []byte("3")))
	require.Equal(t, []Message{{Channel: "news", Payload: []byte("1")}, {Channel: "weather", Payload: []byte("2")}}, take(byName, 2))
	require.Equal(t, []Message{
		{Channel: "news", Pattern: "n*", Payload: []byte("1")}, {Channel: "nothing", Pattern: "n*", Payload: []byte{}},
	}, take(byPattern, 2))
	require.Equal(t, []Message{{Channel: "news", Payload: []byte("3")}}, take(shard, 1))

	byName.Close()
	byName.Close()
	require.Empty(t, take(byName, 1))
	require.Equal(t, 1, c.Publish("news", nil))
	byPattern.Close()
	shard.Close()
	require.Zero(t, c.Publish("news", nil)+c.PublishShard("news", nil))
	for k := range pubsub.Kinds {
		require.Zero(t, c.hub.Count(k))
	}
}

func TestPayloadsAreTheReceivers(t *testing.T) {
	c := newTestCache(t, Options{Shards: 16})
	a, b := c.Subscribe(t.Context(), "c"), c.Subscribe(t.Context(), "c")
	defer a.Close()
	defer b.Close()
	c.Publish("c", []byte("abc"))
	clear(take(a, 1)[0].Payload)
	require.Equal(t, "abc", string(take(b, 1)[0].Payload))
}

// A full buffer loses the oldest, and says so with the next message.
func TestFullBuffer(t *testing.T) {
	c := newTestCache(t, Options{Shards: 16})
	s := c.SubscribeTo(t.Context(), SubscribeOptions{Channels: []string{"c"}, Messages: 10})
	defer s.Close()
	text := func(list []Message) string {
		var words []string
		for _, m := range list {
			words = append(words, fmt.Sprintf("%s-%d", m.Payload, m.Missed))
		}
		return strings.Join(words, " ")
	}
	publish := func(from, to int) {
		for i := from; i <= to; i++ {
			require.Equal(t, 1, c.Publish("c", fmt.Append(nil, i)))
		}
	}
	publish(1, 10)
	require.Equal(t, "1-0 2-0 3-0", text(take(s, 3)))
	publish(11, 25)
	require.Equal(t, "16-12 17-0 18-0 19-0 20-0 21-0 22-0 23-0 24-0 25-0", text(take(s, 10)))
	require.Equal(t, int64(12), s.Dropped())
	for i := 100; i < 200; i += 7 { // around the ring
		publish(i, i+6)
		require.Equal(t, fmt.Sprintf("%d-0 %d-0", i, i+1), text(take(s, 2)))
		require.Len(t, take(s, 5), 5)
	}

	small := c.SubscribeTo(t.Context(), SubscribeOptions{Channels: []string{"d"}, Bytes: 1000})
	defer small.Close()
	for i := range 5 {
		c.Publish("d", []byte(strings.Repeat(fmt.Sprint(i), 400)))
	}
	require.Equal(t, 3, take(small, 1)[0].Missed)
	c.Publish("d", make([]byte, 5000)) // one message may always wait
	got := take(small, 1)
	require.Len(t, got[0].Payload, 5000)
	require.Equal(t, 1, got[0].Missed)
	require.Zero(t, small.mu.waiting)
}

func TestSubscriptionEnds(t *testing.T) {
	c, err := New(Options{Shards: 16})
	require.NoError(t, err)
	ends := func(end func(s *Subscription)) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		s := c.Subscribe(ctx, "c")
		var readers sync.WaitGroup
		for range 3 {
			readers.Go(func() {
				for range s.Messages() {
				}
			})
		}
		c.Publish("c", []byte("x"))
		if end == nil {
			cancel()
		} else {
			end(s)
		}
		readers.Wait()
		require.Empty(t, take(s, 1))
	}
	ends(nil)
	ends((*Subscription).Close)
	require.Eventually(t, func() bool { return c.Publish("c", nil) == 0 }, time.Minute, time.Millisecond)
	ends(func(*Subscription) { require.NoError(t, c.Close()) })
	require.Empty(t, take(c.Subscribe(context.Background(), "c"), 1), "the cache is closed")

	done, cancel := context.WithCancel(context.Background())
	cancel()
	require.Empty(t, take(c.Subscribe(done, "c"), 1))
}

// What many publish arrives in each one's order, and each message at one of the readers.
func TestManyPublishersAndReaders(t *testing.T) {
	c := newTestCache(t, Options{Shards: 16})
	const publishers, each = 4, 500
	s := c.SubscribeTo(t.Context(), SubscribeOptions{Channels: []string{"c"}, Messages: publishers * each})
	alone := c.SubscribeTo(t.Context(), SubscribeOptions{Patterns: []string{"c"}, Messages: publishers * each})
	defer alone.Close()
	var mu sync.Mutex
	read := 0
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for range s.Messages() {
				mu.Lock()
				if read++; read == publishers*each {
					s.Close()
				}
				mu.Unlock()
			}
		})
	}
	for p := range publishers {
		group.Go(func() {
			for i := range each {
				c.Publish("c", fmt.Appendf(nil, "%d:%d", p, i))
			}
		})
	}
	next := [publishers]int{}
	for _, m := range take(alone, publishers*each) {
		var p, i int
		_, err := fmt.Sscanf(string(m.Payload), "%d:%d", &p, &i)
		require.NoError(t, err)
		require.Equal(t, next[p], i)
		next[p]++
	}
	group.Wait()
	require.Equal(t, publishers*each, read)
	require.Zero(t, s.Dropped()+alone.Dropped())
}

func TestPubSubCommands(t *testing.T) {
	c := newTestCache(t, Options{Shards: 16})
	ctx := t.Context()
	s := c.SubscribeTo(ctx, SubscribeOptions{Channels: []string{"a", "b"}, Patterns: []string{"?"}, ShardChannels: []string{"s"}})
	defer s.Close()
	do := func(want any, args ...any) {
		t.Helper()
		got, err := c.Do(ctx, args...)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	do(int64(2), "PUBLISH", "a", "x")
	do(int64(1), "SPUBLISH", "s", "y")
	do([]any{[]byte("a")}, "PUBSUB", "CHANNELS", "[a]")
	do([]any{[]byte("b"), int64(1), []byte("s"), int64(0)}, "PUBSUB", "NUMSUB", "b", "s")
	do([]any{[]byte("s"), int64(1)}, "PUBSUB", "SHARDNUMSUB", "s")
	do([]any{[]byte("s")}, "PUBSUB", "SHARDCHANNELS")
	do(int64(1), "PUBSUB", "NUMPAT")
	_, err := c.Do(ctx, "SUBSCRIBE", "a")
	require.EqualError(t, err, "ERR this command belongs to a connection")
	info, err := c.Do(ctx, "INFO", "stats")
	require.NoError(t, err)
	require.Contains(t, info, "pubsub_channels:2\r\npubsub_patterns:1\r\npubsubshard_channels:1\r\n")
}

// busyServer is an outlet that has too much to do, and its only client.
type busyServer struct{ gate pubsub.Gate }

type busyClient struct{ *busyServer }

func (s *busyServer) Deliver(*pubsub.Message, []pubsub.Subscriber) *pubsub.Gate { return &s.gate }

func (c busyClient) Outlet() pubsub.Outlet { return c.busyServer }
func (busyClient) Deliver(*pubsub.Message) {}

// Who publishes waits for a server that is behind, after it has published.
func TestPublishersWaitForServers(t *testing.T) {
	c, err := New(Options{Shards: 16})
	require.NoError(t, err)
	var s busyServer
	names := c.Hub().NewSubscriptions(busyClient{&s})
	names.Add(pubsub.Channel, "c")
	names.Add(pubsub.ShardChannel, "c")
	publishers := map[string]func(){
		"Publish":      func() { c.Publish("c", nil) },
		"PublishShard": func() { c.PublishShard("c", nil) },
		"Do":           func() { _, _ = c.Do(context.Background(), "PUBLISH", "c", "x") },
		"Update": func() {
			_ = c.Update(context.Background(), func(tx *Tx) error { tx.Publish("c", nil); return nil })
		},
		"Eval": func() { _, _ = c.Eval(context.Background(), "return redis.call('SPUBLISH', 'c', 'x')", nil) },
		"EXEC": func() {
			s := c.NewSession()
			defer s.Close()
			for _, words := range [][]any{{"MULTI"}, {"PUBLISH", "c", "x"}, {"DBSIZE"}, {"EXEC"}} {
				_, _ = s.Do(context.Background(), words...)
			}
		},
	}
	for name, publish := range publishers {
		publish() // the gate is open
		s.gate.Shut()
		passed := make(chan struct{})
		go func() { publish(); close(passed) }()
		select {
		case <-passed:
			t.Errorf("%s did not wait", name)
		case <-time.After(10 * time.Millisecond):
		}
		s.gate.Open()
		<-passed
	}
	s.gate.Shut()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	session := c.NewSession()
	defer session.Close()
	_, err = session.Do(ctx, "PUBLISH", "c", "x")
	require.ErrorIs(t, err, context.Canceled)
	passed := make(chan struct{})
	go func() { c.Publish("c", nil); close(passed) }()
	require.NoError(t, c.Close()) // whoever waits goes on
	<-passed
	names.Clear()
}

func TestPublishAllocations(t *testing.T) {
	c := newTestCache(t, Options{Shards: 16})
	s := c.Subscribe(t.Context(), "another")
	defer s.Close()
	payload := []byte("payload")
	require.Zero(t, testing.AllocsPerRun(100, func() { c.Publish("channel", payload) }))
}

// What a transaction publishes is sent when it commits, and never if it does not.
func TestPublishInTransactions(t *testing.T) {
	c := newTestCache(t, Options{Shards: 16})
	ctx := t.Context()
	s := c.SubscribeTo(ctx, SubscribeOptions{Channels: []string{"c"}, Patterns: []string{"c*"}, ShardChannels: []string{"c"}})
	defer s.Close()
	waiting := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.mu.count
	}
	failed := fmt.Errorf("never mind")
	for _, err := range []error{failed, nil} {
		require.ErrorIs(t, c.Update(ctx, func(tx *Tx) error {
			require.NoError(t, tx.Set("k", []byte("v")))
			require.Equal(t, 2, tx.Publish("c", []byte("1")))
			require.Equal(t, 1, tx.PublishShard("c", []byte("2")))
			n, doErr := tx.Do(ctx, "PUBLISH", "c2", "3")
			require.NoError(t, doErr)
			require.Equal(t, int64(1), n)
			require.Zero(t, waiting())
			return err
		}), err)
		if err != nil {
			require.Zero(t, waiting())
		}
	}
	var got []string
	for _, m := range take(s, 4) {
		got = append(got, m.Pattern+" "+m.Channel+" "+string(m.Payload))
	}
	require.Equal(t, []string{" c 1", "c* c 1", " c 2", "c* c2 3"}, got)

	session := c.NewSession()
	defer session.Close()
	for _, words := range [][]any{{"MULTI"}, {"SET", "k", "w"}, {"PUBLISH", "c", "4"}, {"PUBSUB", "NUMSUB", "c"}, {"SPUBLISH", "c", "5"}} {
		_, err := session.Do(ctx, words...)
		require.NoError(t, err)
	}
	require.Zero(t, waiting())
	_, all := session.shardsOf(session.multi.queue)
	require.False(t, all, "channels need no shards")
	replies, err := session.Do(ctx, "EXEC")
	require.NoError(t, err)
	require.Equal(t, []any{"OK", int64(2), []any{[]byte("c"), int64(1)}, int64(1)}, replies)
	require.Len(t, take(s, 3), 3)
}
