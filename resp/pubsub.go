package resp

import (
	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/pubsub"
	"github.com/darterdb/darter/internal/reply"
)

// A client's subscriptions belong to its transport, like all its state: these handlers run there and answer to c.out.
// Confirmations are pushes, so a client that wants no replies gets them all the same.

// manySubscriptions is from how many on a client's subscriptions are ended beside its loop when it is closed.
const manySubscriptions = 256

// subscribeTo makes the handler of a SUBSCRIBE.
func subscribeTo(k pubsub.Kind) handler {
	return func(c *client, row *command.Row, args [][]byte, w *reply.RESP) {
		if c.subs == nil {
			c.subs = c.server.cache.Hub().NewSubscriptions(c)
		}
		for _, name := range args[1:] {
			c.subs.Add(k, string(name))
			c.confirm(w, row, k, name)
		}
		c.subscribed()
	}
}

// unsubscribeFrom makes the handler of an UNSUBSCRIBE.
func unsubscribeFrom(k pubsub.Kind) handler {
	return func(c *client, row *command.Row, args [][]byte, w *reply.RESP) {
		names := args[1:]
		if len(names) == 0 && c.subs != nil {
			for _, name := range c.subs.Names(k) {
				names = append(names, []byte(name))
			}
		}
		for _, name := range names {
			if c.subs != nil {
				c.subs.Remove(k, string(name))
				c.collect()
			}
			c.confirm(w, row, k, name)
		}
		if len(names) == 0 {
			c.confirm(w, row, k, nil)
		}
		c.subscribed()
	}
}

// confirm answers for one name, nil for none, with the count that this kind of subscription is counted in: shard
// channels have their own, channels and patterns share one.
func (c *client) confirm(w *reply.RESP, row *command.Row, k pubsub.Kind, name []byte) {
	w.Push(3)
	w.BulkString(row.Name)
	if name == nil {
		w.Null()
	} else {
		w.Bulk(name)
	}
	switch {
	case c.subs == nil:
		w.Int(0)
	case k == pubsub.ShardChannel:
		w.Int(int64(c.subs.Len(k)))
	default:
		w.Int(int64(c.subs.Len(pubsub.Channel) + c.subs.Len(pubsub.Pattern)))
	}
}

// subscribed notes how many subscriptions there are now, and shows it to others.
func (c *client) subscribed() {
	total := 0
	for k := range pubsub.Kinds {
		n := 0
		if c.subs != nil {
			n = c.subs.Len(k)
		}
		c.seen.subs[k].Store(int32(n))
		total += n
	}
	if total == 0 {
		c.subs = nil
	}
	c.flag(flagSubscriber, total > 0)
	c.restrict()
}

// restrict says whether the client may send nothing but commands about subscriptions: in RESP2 it could not tell a
// message from a reply.
func (c *client) restrict() { c.narrow = c.subs != nil && c.out.Proto() == 2 }

// unsubscribe ends all subscriptions of a client that goes on.
func (c *client) unsubscribe() {
	if c.subs != nil {
		c.subs.Clear()
		c.collect()
		c.subscribed()
	}
}

// collect has what was published so far come before what is answered next. Inside EXEC's reply there is no place for
// it: it comes after that.
func (c *client) collect() {
	if !c.executing {
		c.transport.collect(c)
	}
}

// leaveHub ends the subscriptions and the MONITOR of a client that is closed.
func (c *client) leaveHub() {
	c.endMonitor()
	subs := c.subs
	if subs == nil {
		return
	}
	c.subs = nil
	total := 0
	for k := range pubsub.Kinds {
		total += subs.Len(k)
	}
	if total < manySubscriptions {
		subs.Clear()
	} else {
		c.server.work.Go(subs.Clear)
	}
}

// refuseNarrow answers a command that a subscriber may not send in RESP2.
func (c *client) refuseNarrow(row *command.Row) {
	c.out.Error("ERR Can't execute '" + row.FullName() + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / " +
		"PING / QUIT / RESET are allowed in this context")
}

// narrowPing answers PING in the form of a message.
func narrowPing(_ *client, row *command.Row, args [][]byte, w *reply.RESP) {
	if len(args) > 2 {
		w.Error(command.WrongArity(row).Error())
		return
	}
	w.Array(2)
	w.BulkString("pong")
	if len(args) == 1 {
		w.BulkString("")
	} else {
		w.Bulk(args[1])
	}
}
