// Package pubsub carries messages from publishers to subscribers. It knows neither sockets nor keys: a server's clients
// and Go code subscribe to the same Hub and publish through it.
//
// # Words
//
//	space        a set of channels: the plain ones, or the shard channels, which have names of their own
//	topic        a channel, shard channel or pattern that has subscribers; without any there is no topic
//	outlet       what takes messages for many subscribers at once: an event loop, for its clients
//	message      one publication for the subscribers of one topic; its bytes are made once and shared by all
//	gate         where publishers wait while an outlet has too much to do; see Gate
//
// # Publishing
//
//	                       ┌ group: outlet A, members [s1 s2 s3 ...] ──► one Deliver for all of them
//	channel ─hash─► stripe ┤ group: outlet B, members [s7 ...]       ──► one Deliver
//	                 topic └ alone: [s4 s9]                          ──► a Deliver each
//	patterns, one after another: those that match, likewise
//
// A publisher holds the channel's stripe while it hands the message over, and that is all: what it costs depends on
// the number of outlets, not on how many subscribers they have. No Deliver waits for anything. So all subscribers of a
// channel get its messages in one order, those who subscribed by a pattern too, and publishers on channels of different
// stripes do not meet.
//
// The members of a group are lent with a message and are never written to afterwards: who leaves makes the group copy
// its list first, once for each message at most; who joins is put behind what was lent. So an outlet may go over the
// list when it likes, without a lock.
//
// # Locks
//
//	stripe.mu -> patterns.mu -> whatever Deliver takes
//
// A subscriber that subscribes or unsubscribes must therefore hold nothing that its Deliver takes.
package pubsub

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/darterdb/darter/internal/glob"
)

// Kind says what a subscriber subscribes to.
type Kind uint8

// The kinds. Shard channels are apart from channels: patterns do not match them.
const (
	Channel Kind = iota
	Pattern
	ShardChannel
	Kinds // how many there are
)

// Subscriber gets messages.
type Subscriber interface {
	// Outlet returns what takes messages for this subscriber and others, or nil if it takes them itself. It is always
	// the same.
	Outlet() Outlet
	// Deliver takes a message, if there is no outlet. It must not wait.
	Deliver(m *Message)
}

// Outlet takes messages for many subscribers.
type Outlet interface {
	// Deliver takes a message for some of the outlet's subscribers. It must not wait, and may keep to as long as it does
	// not write to it. A gate that is not nil asks the publisher to wait there before it publishes more.
	Deliver(m *Message, to []Subscriber) *Gate
}

// stripes is over how many locks the channels of a space are spread.
const stripes = 128

// Hub connects publishers and subscribers. Its methods are safe for concurrent use.
type Hub struct {
	seed     maphash.Seed
	channels space
	shards   space
	patterns patterns
}

// space is a set of channels.
type space struct {
	seed    *maphash.Seed
	count   atomic.Int64
	stripes [stripes]stripe
}

// stripe is a part of a space; it has cache lines of its own.
type stripe struct {
	mu     sync.Mutex
	topics map[string]*topic // made with the first topic
	_      [128 - 8 - 8]byte
}

// patterns are the topics that are matched one by one.
type patterns struct {
	count atomic.Int64
	mu    sync.RWMutex
	list  []*topic
}

// New returns a hub without subscribers.
func New() *Hub {
	h := &Hub{seed: maphash.MakeSeed()}
	h.channels.seed, h.shards.seed = &h.seed, &h.seed
	return h
}

func (s *space) stripe(name []byte) *stripe {
	return &s.stripes[maphash.Bytes(*s.seed, name)%stripes]
}

func (h *Hub) space(k Kind) *space {
	if k == ShardChannel {
		return &h.shards
	}
	return &h.channels
}

// Publish hands payload to the subscribers of a channel and of the patterns that match it, and returns how many got it;
// one that has subscribed in several ways is counted for each. It copies its arguments, and allocates nothing if nobody
// gets the message. It never waits; full, if not nil, is where the publisher should wait before it publishes more.
// O(N+M) for N outlets and M patterns.
func (h *Hub) Publish(channel, payload []byte) (receivers int, full *Gate) {
	if h.channels.count.Load() == 0 && h.patterns.count.Load() == 0 {
		return 0, nil
	}
	st := h.channels.stripe(channel)
	st.mu.Lock()
	defer st.mu.Unlock()
	if t := st.topics[string(channel)]; t != nil {
		receivers, full = t.publish(newMessage(Channel, "", channel, payload))
	}
	if h.patterns.count.Load() == 0 {
		return receivers, full
	}
	p := &h.patterns
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, t := range p.list {
		if !glob.Match(t.pattern, channel) {
			continue
		}
		n, wait := t.publish(newMessage(Pattern, t.name, channel, payload))
		if receivers += n; wait != nil {
			full = wait
		}
	}
	return receivers, full
}

// PublishShard is Publish for the subscribers of a shard channel.
func (h *Hub) PublishShard(channel, payload []byte) (receivers int, full *Gate) {
	if h.shards.count.Load() == 0 {
		return 0, nil
	}
	st := h.shards.stripe(channel)
	st.mu.Lock()
	defer st.mu.Unlock()
	if t := st.topics[string(channel)]; t != nil {
		receivers, full = t.publish(newMessage(ShardChannel, "", channel, payload))
	}
	return receivers, full
}

// Receivers returns how many would get a message that is published to a channel now.
func (h *Hub) Receivers(channel []byte) int {
	n := h.Subscribers(Channel, channel)
	h.patterns.mu.RLock()
	defer h.patterns.mu.RUnlock()
	for _, t := range h.patterns.list {
		if glob.Match(t.pattern, channel) {
			n += t.count
		}
	}
	return n
}

// join adds a subscriber that the topic does not have, and returns the name as the topic keeps it.
func (h *Hub) join(k Kind, name string, s Subscriber) string {
	if k == Pattern {
		return h.patterns.join(name, s)
	}
	sp := h.space(k)
	st := sp.stripe([]byte(name))
	st.mu.Lock()
	defer st.mu.Unlock()
	t := st.topics[name]
	if t == nil {
		t = &topic{name: name}
		if st.topics == nil {
			st.topics = map[string]*topic{}
		}
		st.topics[name] = t
		sp.count.Add(1)
	}
	t.add(s)
	return t.name
}

// leave removes a subscriber that the topic has.
func (h *Hub) leave(k Kind, name string, s Subscriber) {
	if k == Pattern {
		h.patterns.leave(name, s)
		return
	}
	sp := h.space(k)
	st := sp.stripe([]byte(name))
	st.mu.Lock()
	defer st.mu.Unlock()
	t := st.topics[name]
	if t.remove(s); t.count > 0 {
		return
	}
	delete(st.topics, name)
	if len(st.topics) == 0 {
		st.topics = nil // a map keeps the room of all it once held
	}
	sp.count.Add(-1)
}

func (p *patterns) find(name string) int {
	return slices.IndexFunc(p.list, func(t *topic) bool { return t.name == name })
}

func (p *patterns) join(name string, s Subscriber) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(name)
	if i < 0 {
		i = len(p.list)
		p.list = append(p.list, &topic{name: name, pattern: []byte(name)})
		p.count.Add(1)
	}
	p.list[i].add(s)
	return p.list[i].name
}

func (p *patterns) leave(name string, s Subscriber) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(name)
	if p.list[i].remove(s); p.list[i].count > 0 {
		return
	}
	p.list = slices.Delete(p.list, i, i+1)
	p.count.Add(-1)
}

// Count returns how many channels, patterns or shard channels have subscribers.
func (h *Hub) Count(k Kind) int {
	if k == Pattern {
		return int(h.patterns.count.Load())
	}
	return int(h.space(k).count.Load())
}

// Subscribers returns how many subscribers a channel or shard channel has, patterns that match it not counted.
func (h *Hub) Subscribers(k Kind, channel []byte) int {
	st := h.space(k).stripe(channel)
	st.mu.Lock()
	defer st.mu.Unlock()
	if t := st.topics[string(channel)]; t != nil {
		return t.count
	}
	return 0
}

// Names returns the channels or shard channels that have subscribers and match a pattern; nil matches all. It goes over
// them stripe by stripe.
func (h *Hub) Names(k Kind, pattern []byte) []string {
	var names []string
	sp := h.space(k)
	for i := range sp.stripes {
		names = sp.stripes[i].names(pattern, names)
	}
	return names
}

func (st *stripe) names(pattern []byte, dst []string) []string {
	st.mu.Lock()
	defer st.mu.Unlock()
	for name := range st.topics {
		if pattern == nil || glob.Match(pattern, []byte(name)) {
			dst = append(dst, name)
		}
	}
	return dst
}
