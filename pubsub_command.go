package darter

import (
	"bytes"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/pubsub"
)

// Publishing and looking at channels are the engine's, so that Go code, scripts and connections do it alike. Package
// resp has what belongs to a connection: subscribing.

// Hub returns where messages are published and subscribed to. It is for package resp.
func (c *Cache) Hub() *pubsub.Hub { return c.hub }

// Jammed says that Jam is not nil.
func (s *Session) Jammed() bool { return s.by.jam != nil }

// Jam returns where the session should wait before it goes on, and forgets it: what it has published is more than a
// server could pass on yet. It is nil mostly. It is for package resp; Do waits itself.
func (s *Session) Jam() *pubsub.Gate {
	jam := s.by.jam
	if jam != nil {
		s.by.jam = nil
	}
	return jam
}

func publishCommand(s *Session, c *command.Call) { s.publish(c, pubsub.Channel) }

func spublishCommand(s *Session, c *command.Call) { s.publish(c, pubsub.ShardChannel) }

func (s *Session) publish(c *command.Call, k pubsub.Kind) {
	n, full := s.engine.publish(s.tx, k, c.Args[1], c.Args[2])
	if full != nil {
		s.by.jam = full
	}
	c.W.Int(int64(n))
}

// publication is a message that waits for a transaction's commit.
type publication struct {
	kind             pubsub.Kind
	channel, payload []byte
}

// publish publishes a message; in a transaction at its end, if it commits. Then it returns how many would get the
// message now.
func (e *engine) publish(t *transaction, k pubsub.Kind, channel, payload []byte) (receivers int, full *pubsub.Gate) {
	switch {
	case t != nil:
		t.messages = append(t.messages, publication{k, bytes.Clone(channel), bytes.Clone(payload)})
		if k == pubsub.ShardChannel {
			return e.hub.Subscribers(k, channel), nil
		}
		return e.hub.Receivers(channel), nil
	case k == pubsub.ShardChannel:
		return e.hub.PublishShard(channel, payload)
	}
	return e.hub.Publish(channel, payload)
}

// publishHeld publishes what the transaction has held back. Its shards are locked still, so that who gets a message
// finds what came before it. Its author is to wait, when it holds nothing, if that was more than can be passed on.
func (t *transaction) publishHeld(by *author) {
	for _, m := range t.messages {
		if _, full := t.e.publish(nil, m.kind, m.channel, m.payload); full != nil {
			by.jam = full
		}
	}
	t.messages = nil
}

func pubsubChannelsCommand(s *Session, c *command.Call) { s.listChannels(c, pubsub.Channel) }

func pubsubShardChannelsCommand(s *Session, c *command.Call) { s.listChannels(c, pubsub.ShardChannel) }

func (s *Session) listChannels(c *command.Call, k pubsub.Kind) {
	var pattern []byte
	switch len(c.Args) {
	case 2:
	case 3:
		pattern = c.Args[2]
	default:
		wrongSubcommand(c, "PUBSUB")
		return
	}
	names := s.hub.Names(k, pattern)
	c.W.Array(len(names))
	for _, name := range names {
		c.W.BulkString(name)
	}
}

func pubsubNumSubCommand(s *Session, c *command.Call) { s.countSubscribers(c, pubsub.Channel) }

func pubsubShardNumSubCommand(s *Session, c *command.Call) {
	s.countSubscribers(c, pubsub.ShardChannel)
}

// countSubscribers answers with names and counts in turn, in RESP3 too.
func (s *Session) countSubscribers(c *command.Call, k pubsub.Kind) {
	c.W.Array(2 * len(c.Args[2:]))
	for _, name := range c.Args[2:] {
		c.W.Bulk(name)
		c.W.Int(int64(s.hub.Subscribers(k, name)))
	}
}

func pubsubNumPatCommand(s *Session, c *command.Call) { c.W.Int(int64(s.hub.Count(pubsub.Pattern))) }
