package pubsub

import (
	"sync/atomic"

	"github.com/darterdb/darter/internal/reply"
)

// Message is what the subscribers of one topic get of one publication. It never changes, and all share it.
type Message struct {
	Kind    Kind   // of the topic
	Pattern string // of a Pattern topic
	Channel []byte // part of the wire form, as is Payload
	Payload []byte

	resp2 []byte
	resp3 atomic.Pointer[[]byte] // made when the first asks for it
}

// words are what a message begins with, by its kind.
var words = [Kinds]string{Channel: "message", Pattern: "pmessage", ShardChannel: "smessage"}

// room is more than what stands in a message beside its three strings.
const room = 64

// NewMessage makes a message that no hub has published. It copies channel and payload.
func NewMessage(k Kind, pattern string, channel, payload []byte) *Message {
	return newMessage(k, pattern, channel, payload)
}

// newMessage copies channel and payload into the message's RESP2 form.
func newMessage(k Kind, pattern string, channel, payload []byte) *Message {
	m := &Message{Kind: k, Pattern: pattern}
	w := reply.RESP{Buf: make([]byte, 0, room+len(pattern)+len(channel)+len(payload))}
	m.open(&w)
	w.Bulk(channel)
	m.Channel = last(w.Buf, len(channel))
	w.Bulk(payload)
	m.Payload = last(w.Buf, len(payload))
	m.resp2 = w.Buf
	return m
}

// open writes what comes before the channel.
func (m *Message) open(w *reply.RESP) {
	if m.Kind == Pattern {
		w.Push(4)
		w.BulkString(words[m.Kind])
		w.BulkString(m.Pattern)
		return
	}
	w.Push(3)
	w.BulkString(words[m.Kind])
}

// last returns the n bytes of the string that was just written to b.
func last(b []byte, n int) []byte {
	end := len(b) - len("\r\n")
	return b[end-n : end : end]
}

// Wire returns the message in the form of a protocol version, 2 or 3. The bytes are shared: nobody may write to them.
func (m *Message) Wire(proto int) []byte {
	if proto != 3 {
		return m.resp2
	}
	if b := m.resp3.Load(); b != nil {
		return *b
	}
	w := reply.RESP{Buf: make([]byte, 0, len(m.resp2))}
	w.SetProto(3)
	m.open(&w)
	w.Bulk(m.Channel)
	w.Bulk(m.Payload)
	m.resp3.CompareAndSwap(nil, &w.Buf)
	return *m.resp3.Load()
}
