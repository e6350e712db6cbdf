package darter

import (
	"bytes"
	"context"
	"iter"
	"sync"

	"github.com/darterdb/darter/internal/pubsub"
)

// # Publish and subscribe
//
// Go code and a server's clients share the channels: what one publishes, all subscribers get. A publisher never waits
// for a subscriber. So a subscription has a buffer between the two:
//
//	Publish ──► hub ──► [ oldest ... newest ] ──► Messages
//	                      full: the oldest go, and are counted
//
// Losing the oldest suits what channels are used for, news of something that has changed: what is newest counts, and
// who must know that something was lost is told with the next message. A client of a server is cut off instead, at the
// limit of its output, as in Redis.

// What holds where a SubscribeOptions field is zero.
const (
	DefaultMessages     = 1024
	DefaultMessageBytes = 32 << 20
)

// Message is a message that was published to a channel.
type Message struct {
	Channel string
	Pattern string // by which it was subscribed to, empty if by the channel's name
	Payload []byte // the receiver's own
	Missed  int    // messages lost directly before this one because the buffer was full
}

// SubscribeOptions say what to subscribe to, and how much may wait to be read.
type SubscribeOptions struct {
	Channels      []string
	Patterns      []string // as for Keys; all channels whose names match
	ShardChannels []string // those of SPUBLISH, which are apart from the channels

	// Messages is how many messages may wait. 0 means DefaultMessages.
	Messages int
	// Bytes is how many bytes of them may wait, names included; one message may always. 0 means DefaultMessageBytes.
	Bytes int
}

// Subscription is a subscriber of channels. Its methods are safe for concurrent use.
type Subscription struct {
	engine *engine
	stop   func() bool // lets go of the context
	leave  func()      // ends what else feeds it, nil if nothing does
	names  *pubsub.Subscriptions
	most   int // messages
	bytes  int // and bytes that may wait

	news chan struct{} // says that there is something to read
	done chan struct{} // closed by Close

	mu struct {
		sync.Mutex
		closed  bool
		ring    []*pubsub.Message // grows up to most
		first   int               // the oldest's place in ring
		count   int
		waiting int   // bytes
		missed  int   // since the last that was read
		dropped int64 // in all
	}
}

// Publish sends a message to all who have subscribed to the channel or to a pattern that matches it, here or through a
// server, and returns how many they are. It copies payload. It waits for no subscriber; only when a server has got more
// messages than it could pass on yet, it waits for the server to catch up. In a transaction the message is sent when
// that commits. O(N+M) for N receivers and M patterns.
func (c *Cache) Publish(channel string, payload []byte) (receivers int) {
	return c.publishAs(pubsub.Channel, channel, payload)
}

// PublishShard is Publish for a shard channel, as SPUBLISH.
func (c *Cache) PublishShard(channel string, payload []byte) (receivers int) {
	return c.publishAs(pubsub.ShardChannel, channel, payload)
}

func (c *Cache) publishAs(k pubsub.Kind, channel string, payload []byte) (receivers int) {
	n, full := c.publish(c.tx, k, bytesOf(channel), payload)
	if full != nil {
		full.Pass(c.closing)
	}
	return n
}

// Subscribe subscribes to channels. It gets what is published from now on, until ctx is done, Close is called or the
// cache is closed; one of these must happen.
func (c *Cache) Subscribe(ctx context.Context, channels ...string) *Subscription {
	return c.SubscribeTo(ctx, SubscribeOptions{Channels: channels})
}

// SubscribePattern subscribes to all channels that match patterns, now or later; see Subscribe. A message whose channel
// matches several of them comes once for each.
func (c *Cache) SubscribePattern(ctx context.Context, patterns ...string) *Subscription {
	return c.SubscribeTo(ctx, SubscribeOptions{Patterns: patterns})
}

// SubscribeTo subscribes to channels and patterns, with a buffer of a size to choose; see Subscribe.
func (c *Cache) SubscribeTo(ctx context.Context, o SubscribeOptions) *Subscription {
	s := c.newSubscription(o)
	for k, names := range [pubsub.Kinds][]string{
		pubsub.Channel: o.Channels, pubsub.Pattern: o.Patterns, pubsub.ShardChannel: o.ShardChannels,
	} {
		for _, name := range names {
			s.names.Add(pubsub.Kind(k), name)
		}
	}
	s.stop = context.AfterFunc(ctx, s.end)
	return s
}

// newSubscription returns one that nothing feeds yet.
func (c *Cache) newSubscription(o SubscribeOptions) *Subscription {
	s := &Subscription{
		engine: c.engine,
		most:   o.Messages,
		bytes:  o.Bytes,
		news:   make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	if s.most <= 0 {
		s.most = DefaultMessages
	}
	if s.bytes <= 0 {
		s.bytes = DefaultMessageBytes
	}
	s.names = c.hub.NewSubscriptions(inlet{s})
	return s
}

// Messages iterates over what is published, in the order of publication for each channel, and waits where there is
// nothing. It ends when the subscription does; what was not read then is dropped. It can be left and taken up again. Of
// several that run at a time each message goes to one.
func (s *Subscription) Messages() iter.Seq[Message] {
	return func(yield func(Message) bool) {
		for {
			m, missed := s.next()
			if m == nil {
				return
			}
			if !yield(Message{string(m.Channel), m.Pattern, bytes.Clone(m.Payload), missed}) {
				return
			}
		}
	}
}

// next waits for a message and takes it. At the end it returns nil.
func (s *Subscription) next() (m *pubsub.Message, missed int) {
	for {
		select {
		case <-s.done:
			return nil, 0
		case <-s.engine.closing:
			return nil, 0
		default:
		}
		if m, missed := s.take(); m != nil {
			return m, missed
		}
		select {
		case <-s.news:
		case <-s.done:
		case <-s.engine.closing:
		}
	}
}

// take takes the oldest message, if there is any, and tells another reader if there are more.
func (s *Subscription) take() (m *pubsub.Message, missed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.count == 0 {
		return nil, 0
	}
	m = s.dropLocked()
	missed, s.mu.missed = s.mu.missed, 0
	if s.mu.count > 0 {
		s.tell()
	}
	return m, missed
}

// dropLocked takes the oldest message out of the buffer. mu is held.
func (s *Subscription) dropLocked() *pubsub.Message {
	m := s.mu.ring[s.mu.first]
	s.mu.ring[s.mu.first] = nil
	s.mu.first = (s.mu.first + 1) % len(s.mu.ring)
	s.mu.count--
	s.mu.waiting -= sizeOf(m)
	return m
}

// tell wakes one reader that waits, or the next that comes.
func (s *Subscription) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// sizeOf is what a message counts.
func sizeOf(m *pubsub.Message) int { return len(m.Wire(2)) }

// put appends a message, and drops the oldest where there is no room.
func (s *Subscription) put(m *pubsub.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return
	}
	for s.mu.count > 0 && (s.mu.count == s.most || s.mu.waiting+sizeOf(m) > s.bytes) {
		s.dropLocked()
		s.mu.missed++
		s.mu.dropped++
	}
	if s.mu.count == len(s.mu.ring) {
		s.growLocked()
	}
	s.mu.ring[(s.mu.first+s.mu.count)%len(s.mu.ring)] = m
	s.mu.count++
	s.mu.waiting += sizeOf(m)
	s.tell()
}

// growLocked makes room for more messages, as many as are ever allowed at the most. mu is held.
func (s *Subscription) growLocked() {
	larger := make([]*pubsub.Message, min(max(2*len(s.mu.ring), 8), s.most))
	n := copy(larger, s.mu.ring[s.mu.first:])
	copy(larger[n:], s.mu.ring[:s.mu.first])
	s.mu.ring, s.mu.first = larger, 0
}

// Dropped returns how many messages were lost because the buffer was full.
func (s *Subscription) Dropped() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.dropped
}

// Close ends the subscription, and the iterations over its messages. It may be called more than once.
func (s *Subscription) Close() {
	s.stop()
	s.end()
}

func (s *Subscription) end() {
	s.mu.Lock()
	before := s.mu.closed
	s.mu.closed = true
	s.mu.ring, s.mu.count = nil, 0
	s.mu.Unlock()
	if before {
		return
	}
	close(s.done)
	if s.leave != nil {
		s.leave()
	}
	s.names.Clear() // holding nothing: a publisher may be waiting for mu
}

// inlet is a subscription as the hub sees it.
type inlet struct{ *Subscription }

// Outlet returns nil: a subscription takes its messages itself.
func (inlet) Outlet() pubsub.Outlet { return nil }

// Deliver puts a message into the buffer.
func (i inlet) Deliver(m *pubsub.Message) { i.put(m) }
