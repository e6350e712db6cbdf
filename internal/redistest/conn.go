package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"time"
)

// Conn is a plain client connection: what is sent is what was asked for, replies come in the order of the wire.
// It is for one goroutine at a time. Methods without an error result fail the test instead.
type Conn struct {
	// Timeout bounds each wait for a reply; Dial sets DefaultTimeout.
	Timeout time.Duration

	t   testing.TB
	nc  net.Conn
	r   *bufio.Reader
	buf []byte
}

// DefaultTimeout is how long a connection waits for one reply. It is generous: it only turns a hang into a failure.
const DefaultTimeout = 20 * time.Second

// Dial connects to a server and closes the connection when the test ends. The connection speaks RESP2 until
// [Conn.Hello3]. A failure to connect fails the test.
func Dial(t testing.TB, network, addr string) *Conn {
	t.Helper()
	nc, err := net.DialTimeout(network, addr, DefaultTimeout)
	if err != nil {
		t.Fatalf("redistest: cannot connect: %v", err)
	}
	c := &Conn{Timeout: DefaultTimeout, t: t, nc: nc, r: bufio.NewReader(nc)}
	t.Cleanup(func() { nc.Close() })
	return c
}

// Do sends one command and waits for its reply. An error reply is a reply like any other.
func (c *Conn) Do(args ...string) Reply {
	c.t.Helper()
	c.Send(args...)
	return c.Receive()
}

// Hello3 switches the connection to RESP3 and returns the server's answer, a map or an error.
func (c *Conn) Hello3() Reply {
	c.t.Helper()
	return c.Do("HELLO", "3")
}

// Send writes one command as an array of bulk strings and waits for nothing.
func (c *Conn) Send(args ...string) {
	c.t.Helper()
	c.buf = AppendCommand(c.buf[:0], args...)
	if err := c.write(c.buf); err != nil {
		c.t.Fatalf("redistest: sending %q: %v", args, err)
	}
}

// SendRaw writes bytes as they are. The server may have closed the connection in the middle of them: that is no
// failure here, the next read shows it.
func (c *Conn) SendRaw(b []byte) {
	_ = c.write(b)
}

// Receive waits for the next reply. A closed connection, a timeout or bytes that are no reply fail the test.
func (c *Conn) Receive() Reply {
	c.t.Helper()
	r, err := c.TryReceive()
	if err != nil {
		c.t.Fatalf("redistest: waiting for a reply: %v", err)
	}
	return r
}

// TryDo is [Conn.Do] with an error in place of a failed test.
func (c *Conn) TryDo(args ...string) (Reply, error) {
	c.buf = AppendCommand(c.buf[:0], args...)
	if err := c.write(c.buf); err != nil {
		return Reply{}, err
	}
	return c.TryReceive()
}

// TryReceive waits for the next reply. The error is io.EOF when the server has closed the connection, be it in
// order or by a reset.
func (c *Conn) TryReceive() (Reply, error) {
	if err := c.nc.SetReadDeadline(time.Now().Add(c.Timeout)); err != nil {
		return Reply{}, err
	}
	r, err := ReadReply(c.r)
	var netErr net.Error
	switch {
	case err == nil, err == io.EOF, errors.Is(err, ErrProtocol):
		return r, err
	case errors.As(err, &netErr) && netErr.Timeout():
		return Reply{}, fmt.Errorf("no reply within %v: %w", c.Timeout, err)
	case errors.As(err, &netErr):
		return Reply{}, io.EOF
	}
	return Reply{}, err
}

// ReceiveUntilClosed returns all replies up to the end of the connection.
func (c *Conn) ReceiveUntilClosed() ([]Reply, error) {
	var all []Reply
	for {
		r, err := c.TryReceive()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
}

// Close closes the connection; closing twice is harmless.
func (c *Conn) Close() { c.nc.Close() }

// LocalAddr is the client's end of the connection, as the server shows it in CLIENT LIST.
func (c *Conn) LocalAddr() string { return c.nc.LocalAddr().String() }

func (c *Conn) write(b []byte) error {
	if err := c.nc.SetWriteDeadline(time.Now().Add(c.Timeout)); err != nil {
		return err
	}
	_, err := c.nc.Write(b)
	return err
}

// AppendCommand appends a command as an array of bulk strings, the form every client uses.
func AppendCommand(dst []byte, args ...string) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(args)), 10)
	dst = append(dst, '\r', '\n')
	for _, a := range args {
		dst = append(dst, '$')
		dst = strconv.AppendInt(dst, int64(len(a)), 10)
		dst = append(dst, '\r', '\n')
		dst = append(dst, a...)
		dst = append(dst, '\r', '\n')
	}
	return dst
}
