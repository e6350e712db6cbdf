package darter

import (
	"context"
	"strconv"
	"strings"

	"github.com/darterdb/darter/internal/glob"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/pubsub"
)

// # Keyspace notifications
//
// Where the directive notify-keyspace-events asks for it, what happens to keys is published:
//
//	__keyspace@0__:key     set        with K: what happened to a key
//	__keyevent@0__:set     key        with E: to which keys something happened
//
// The other letters choose the classes of events; A stands for all but m and n. It is published with the key's shard held,
// at the commit of what changed it: publishing waits for nobody. Go code has Events as well, which needs no directive.
type notifyMode struct {
	space, event bool
	classes      [128]bool
}

// allClasses is what A stands for.
const allClasses = "g$lshzxetd"

// parseNotify reads the directive, whose letters were checked. Without K or E, or without a class, nothing is published.
func parseNotify(text string) *notifyMode {
	m := &notifyMode{space: strings.Contains(text, "K"), event: strings.Contains(text, "E")}
	classes := strings.Trim(strings.ReplaceAll(text, "A", allClasses), "KE")
	for i := range len(classes) {
		m.classes[classes[i]&0x7f] = true
	}
	if classes == "" || !m.space && !m.event {
		return nil
	}
	return m
}

// notify lets the directive take effect. It is called by one goroutine at a time.
func (e *engine) notify(text string) {
	var l *listener
	if m := parseNotify(text); m != nil {
		l = &listener{
			tell:     func(db int, key []byte, ev keyspace.Event) { m.publish(e, db, key, ev) },
			detailed: m.classes[keyspace.ClassMiss] || m.classes[keyspace.ClassNew],
		}
	}
	if l != nil || e.notifying != nil {
		e.listen(e.notifying, l)
		e.notifying = l
	}
}

// publish publishes an event.
func (m *notifyMode) publish(e *engine, db int, key []byte, ev keyspace.Event) {
	if !m.classes[ev.Class()] {
		return
	}
	var buf [128]byte
	name := ev.String()
	if m.space {
		ch := append(buf[:0], "__keyspace@"...)
		ch = append(strconv.AppendInt(ch, int64(db), 10), "__:"...)
		e.hub.Publish(append(ch, key...), bytesOf(name))
	}
	if m.event {
		ch := append(buf[:0], "__keyevent@"...)
		ch = append(strconv.AppendInt(ch, int64(db), 10), "__:"...)
		e.hub.Publish(append(ch, name...), key)
	}
}

// Events subscribes to what happens to the keys of the logical database that match a pattern, from now on: a message's
// Channel is the key, its Payload what happened, in the words of Redis's keyspace notifications ("set", "expired", "lpush",
// ...). It needs no directive. Changes of one key come in their order, those of a transaction at its commit; FLUSHALL,
// SWAPDB and loads replace all keys without an event for each. As with Subscribe, the oldest events are dropped and
// counted when the buffer is full. Every change of any key costs a little more as long as there is such a subscription.
func (c *Cache) Events(ctx context.Context, pattern string) *Subscription {
	sub := c.newSubscription(SubscribeOptions{})
	glb := []byte(pattern)
	l := &listener{tell: func(db int, key []byte, ev keyspace.Event) {
		if db == c.db && glob.Match(glb, key) {
			sub.put(pubsub.NewMessage(pubsub.Pattern, pattern, key, bytesOf(ev.String())))
		}
	}}
	c.listen(nil, l)
	sub.leave = func() { c.listen(l, nil) }
	sub.stop = context.AfterFunc(ctx, sub.end)
	return sub
}
