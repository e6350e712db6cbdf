package tracking

import "github.com/darterdb/darter/internal/reply"

// Channel is where clients that speak RESP2 are told: they have another connection that subscribes to it.
const Channel = "__redis__:invalidate"

// Message says that keys have changed, or everything. It never changes, and all who get it share it.
type Message struct{ resp2, resp3 []byte }

// everything says that nothing is true any more.
var everything = &Message{resp2: write(2, nil), resp3: write(3, nil)}

// keyMessage makes a message about keys.
func keyMessage(keys ...string) *Message {
	return &Message{resp2: write(2, keys), resp3: write(3, keys)}
}

// Wire returns the message in the form of a protocol version: 3 a push, 2 what a subscriber of Channel gets. The bytes
// are shared: nobody may write to them.
func (m *Message) Wire(proto int) []byte {
	if proto == 3 {
		return m.resp3
	}
	return m.resp2
}

// write writes a message about keys, or with nil about everything.
func write(proto int, keys []string) []byte {
	size := 64
	for _, k := range keys {
		size += len(k) + 16
	}
	w := reply.RESP{Buf: make([]byte, 0, size)}
	w.SetProto(proto)
	if proto == 3 {
		w.Push(2)
		w.BulkString("invalidate")
	} else {
		w.Push(3)
		w.BulkString("message")
		w.BulkString(Channel)
	}
	if keys == nil {
		w.Null()
		return w.Buf
	}
	w.Array(len(keys))
	for _, k := range keys {
		w.BulkString(k)
	}
	return w.Buf
}
