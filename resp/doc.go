// Package resp serves a cache over the Redis protocol, RESP2 and RESP3, on any net.Listener.
//
// # Words
//
//	client      one connection with its state: what it has sent, what it is to get, who it is
//	transport   what moves a client's bytes: an event loop, or a goroutine of the client's own
//	batch       the complete commands of one read; their replies leave in one write
//	rest        received bytes that are no complete command yet, or wait behind one
//	backlog     replies that the peer's socket did not take yet
//	away        running a command, or waiting for leave to run it, outside the client's loop
//	push        what a client gets without having asked: a published message, or that a key has changed; see push.go
//	tracked     a client that is told of keys (CLIENT TRACKING); see tracking.go
//	subscriber  a client that has subscribed to channels
//
// # One state machine, two transports
//
// client.run is handed bytes and appends replies to a buffer. It knows nothing of sockets, so both transports, and the
// tests, drive the same code:
//
//	      bytes            commands                replies
//	read ───────► parse ───────────► gate, row ───────────► out ───────► write
//	              wire.Parser        run.go                  reply.RESP
//
// On Linux, plain TCP and unix connections belong to event loops (loop_linux.go): one goroutine on one thread, an epoll
// set, raw system calls. A loop lends its read and its reply buffer to the client being served, so an idle client holds
// neither. Everything else (TLS, in-memory listeners, other systems) has a goroutine that reads, and one that writes
// for as long as there is a backlog (stream.go). Neither transport ever waits for one client's socket to take bytes
// while other work is there, and a client's commands run whether or not it reads the replies, up to the limits.
//
// # Who may touch what
//
// A client's fields belong to its transport: to the loop's thread, or to the reading goroutine. What other clients
// see of it (CLIENT LIST) it publishes in client.seen, by atomics, once a batch. To kill it, to wake it up or to end it
// others ask its transport, which does it on its own thread. The registry's mutex is never held while a client's
// code runs.
//
// # Commands that take long
//
// A command whose row says Slow leaves the loop: a goroutine of its own runs it on a copy of the arguments. The client
// reads nothing meanwhile, what it has sent stays in rest; when the goroutine is done the loop is woken, appends the
// reply and goes on with rest. CLIENT PAUSE parks a client the same way, without a goroutine; what it asked for runs on
// its loop then, unless it is slow. So does a publisher that is ahead of what the loops can pass on.
package resp
