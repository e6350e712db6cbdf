package resp

import "github.com/darterdb/darter/internal/pubsub"

// # Pushes
//
// A push is what a client gets without having asked just now: a published message, and whatever else others have for
// it. It is made once, in the form of each protocol version, and shared by all who get it. Anybody may push, from any
// goroutine and holding locks: it costs an entry in a list, and never waits.
//
//	push ─► stream: behind the backlog                                  its writer takes it
//	     └► loop:   into the loop's inbox ─ one wake-up if it sleeps ─► at the end of its turn, see deliver_linux.go
//
// Where pushes come among replies:
//
//   - never inside one, nor between a command's beginning and its reply: what a command causes comes after its reply.
//     Only those who wait in a blocking command get pushes meanwhile;
//   - before the confirmation of an UNSUBSCRIBE everything that was published before it, after it nothing more;
//   - in the order in which they were posted, for each client;
//   - what a client is told of a key that it has read comes after the reply of the read: the read was run by the
//     client's own transport, which puts pushes behind the replies of what it is running. A command that waited and was
//     served by somebody else says so (tracking.Tracker.Hold);
//   - what it is told of keys comes before the replies to what it sends later. So a client that has seen the reply of a
//     write, on any connection, and then that of a PING on its own, keeps nothing that the write has made untrue.
//
// What waits for a client that does not read is bounded by the limit of its class, as are replies. What waits in the
// inbox of a loop is bounded too: beyond inboxFull publishers are asked to wait for the loop, beyond inboxLimit (or the
// limit of subscribers, if that is higher) clients that get still more are cut off.

// parcel is bytes for the outputs of clients. They are shared: nobody writes to them.
type parcel interface {
	// Wire returns the form of a protocol version, 2 or 3.
	Wire(proto int) []byte
}

// push has a parcel reach the client.
func (c *client) push(p parcel) { c.transport.post(c, p) }

// Outlet returns what takes messages for the client and others; see pubsub.Subscriber.
func (c *client) Outlet() pubsub.Outlet { return c.transport.outlet() }

// Deliver takes a message.
func (c *client) Deliver(m *pubsub.Message) { c.push(m) }
