package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"
)

// ioLimit bounds every wait for a server: none of the commands used here takes nearly as long.
const ioLimit = 60 * time.Second

// client is a connection that sends commands and reads replies in order. Sending and receiving may be done by two
// goroutines.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	out  []byte
}

// reply is what a server answered. Text holds a simple or bulk string, n an integer or the length of an array, whose
// elements are read and dropped.
type reply struct {
	kind byte
	text string
	n    int64
}

// refusal is the text of an error reply.
type refusal string

func (r refusal) Error() string { return fmt.Sprintf("the server answered %q", string(r)) }

func dial(addr string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// queue adds a command to those that flush will send.
func (c *client) queue(args ...string) {
	c.out = append(strconv.AppendInt(append(c.out, '*'), int64(len(args)), 10), "\r\n"...)
	for _, a := range args {
		c.out = append(strconv.AppendInt(append(c.out, '$'), int64(len(a)), 10), "\r\n"...)
		c.out = append(append(c.out, a...), "\r\n"...)
	}
}

func (c *client) flush() error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(ioLimit)); err != nil {
		return err
	}
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

// do sends one command and returns its reply; an error reply is an error.
func (c *client) do(args ...string) (reply, error) {
	c.queue(args...)
	if err := c.flush(); err != nil {
		return reply{}, err
	}
	r, err := c.receive()
	if err != nil {
		return r, fmt.Errorf("%s: %w", args[0], err)
	}
	return r, nil
}

// expect reads n replies that must all be of the kind given.
func (c *client) expect(n int, kind byte) error {
	for range n {
		r, err := c.receive()
		if err != nil {
			return err
		}
		if r.kind != kind {
			return fmt.Errorf("a reply of type %q where %q was expected", r.kind, kind)
		}
	}
	return nil
}

func (c *client) receive() (reply, error) { return c.read(true) }

// read reads one reply; without keep, the text of a bulk string is dropped as it comes.
func (c *client) read(keep bool) (reply, error) {
	if c.r.Buffered() == 0 {
		if err := c.conn.SetReadDeadline(time.Now().Add(ioLimit)); err != nil {
			return reply{}, err
		}
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return reply{}, err
	}
	if len(line) < 3 {
		return reply{}, fmt.Errorf("the server sent %q, which is no reply", line)
	}
	r := reply{kind: line[0]}
	rest := line[1 : len(line)-2]
	switch r.kind {
	case '+':
		r.text = string(rest)
		return r, nil
	case '-':
		return r, refusal(rest)
	}
	if r.n, err = strconv.ParseInt(string(rest), 10, 64); err != nil {
		return r, fmt.Errorf("the server sent %q, which is no reply", line)
	}
	switch r.kind {
	case ':':
		return r, nil
	case '$':
		return c.readBulk(r, keep)
	case '*':
		for range r.n {
			if _, err := c.read(false); err != nil {
				return r, err
			}
		}
		return r, nil
	}
	return r, fmt.Errorf("a reply of the unknown type %q", r.kind)
}

func (c *client) readBulk(r reply, keep bool) (reply, error) {
	const most = 64 << 20
	switch {
	case r.n < 0:
		return r, nil
	case r.n > most:
		return r, fmt.Errorf("a bulk reply of %d bytes", r.n)
	case !keep:
		_, err := c.r.Discard(int(r.n) + 2)
		return r, err
	}
	text := make([]byte, r.n+2)
	_, err := io.ReadFull(c.r, text)
	r.text = string(text[:r.n])
	return r, err
}

// integer sends a command whose reply is an integer.
func (c *client) integer(args ...string) (int64, error) {
	r, err := c.do(args...)
	if err == nil && r.kind != ':' {
		err = fmt.Errorf("%s: a reply of type %q where an integer was expected", args[0], r.kind)
	}
	return r.n, err
}

// info returns one field of a section of INFO.
func (c *client) info(section, field string) (string, error) {
	r, err := c.do("INFO", section)
	if err != nil {
		return "", err
	}
	for line := range strings.SplitSeq(r.text, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && name == field {
			return value, nil
		}
	}
	return "", fmt.Errorf("INFO %s has no field %s", section, field)
}

// keyName is redis-benchmark's: 16 bytes, "key:" and the number in twelve digits.
func keyName(i int) string {
	digits := strconv.Itoa(i)
	return "key:000000000000"[:16-len(digits)] + digits
}

// values makes values that do not compress, the same ones for every server.
type values struct {
	source *rand.ChaCha8
	buf    []byte
}

// newValues starts one of 256 streams, which have nothing in common.
func newValues(size int, stream byte) *values {
	return &values{source: rand.NewChaCha8([32]byte{stream}), buf: make([]byte, size)}
}

// The streams in use; those of the flood's connections follow floodStream.
const (
	loadStream byte = iota
	writerStream
	floodStream
)

func (v *values) next() string {
	_, _ = v.source.Read(v.buf)
	return string(v.buf)
}

// load fills database db with n keys of size random bytes each and verifies their number.
func load(addr string, db, n, size int) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.do("SELECT", strconv.Itoa(db)); err != nil {
		return err
	}
	v := newValues(size, loadStream)
	if err := batches(c, n, '+', func(i int) { c.queue("SET", keyName(i), v.next()) }); err != nil {
		return fmt.Errorf("loading: %w", err)
	}
	held, err := c.integer("DBSIZE")
	if err == nil && held != int64(n) {
		err = fmt.Errorf("%d keys were loaded and DBSIZE says %d", n, held)
	}
	return err
}

// batches sends n commands, a few hundred at a time, and expects replies of one kind.
func batches(c *client, n int, kind byte, queue func(i int)) error {
	const batch = 500
	for first := 0; first < n; first += batch {
		last := min(n, first+batch)
		for i := first; i < last; i++ {
			queue(i)
		}
		if err := c.flush(); err != nil {
			return err
		}
		if err := c.expect(last-first, kind); err != nil {
			return err
		}
	}
	return nil
}
