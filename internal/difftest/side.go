package difftest

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/darterdb/darter/internal/redistest"
)

// side is one of the two servers under comparison, with the connections a script has opened to it.
type side struct {
	t     testing.TB
	name  string
	addr  string
	resp3 bool
	conns map[string]*link
}

// patience is how long a reply may take. No step of a script takes a tenth of it; it only turns a hang into a mismatch.
const patience = 10 * time.Second

// hung begins the failure of a step that got no answer, or none that can be read.
const hung = "no good reply: "

// link is a named connection.
type link struct {
	*redistest.Conn
	id string // its CLIENT ID
}

// outcome is what one step gave on one side.
type outcome struct {
	replies []redistest.Reply
	closed  bool   // the server closed the connection after the replies
	failure string // no such thing as a reply came: a timeout, an unexpected close, bytes that are no reply
}

// text shows an outcome in a message, cut to a readable length.
func (o outcome) text() string {
	const longest = 2000
	s := o.whole()
	if len(s) > longest {
		s = fmt.Sprintf("%s... (%d bytes)", s[:longest], len(s))
	}
	return s
}

func (o outcome) whole() string {
	var parts []string
	for _, r := range o.replies {
		parts = append(parts, r.Text())
	}
	if o.closed {
		parts = append(parts, "(closed)")
	}
	if o.failure != "" {
		parts = append(parts, "("+o.failure+")")
	}
	return strings.Join(parts, " ")
}

func newSide(t testing.TB, name, addr string, resp3 bool) *side {
	return &side{t: t, name: name, addr: addr, resp3: resp3, conns: map[string]*link{}}
}

// link returns the connection of that name, dialling it when it is new. A server that wants a password first keeps the
// connection in RESP2: scripts about AUTH see that.
func (s *side) link(name string) *link {
	if l := s.conns[name]; l != nil {
		return l
	}
	l := &link{Conn: redistest.Dial(s.t, "tcp", s.addr)}
	l.Timeout = patience
	if s.resp3 {
		l.Hello3()
	}
	l.id = strconv.FormatInt(l.Do("CLIENT", "ID").Int, 10)
	s.conns[name] = l
	return l
}

func (s *side) drop(name string) {
	if l := s.conns[name]; l != nil {
		l.Close()
		delete(s.conns, name)
	}
}

// reset closes all connections and flushes all data.
func (s *side) reset() {
	for name := range s.conns {
		s.drop(name)
	}
	c := redistest.Dial(s.t, "tcp", s.addr)
	defer c.Close()
	if r := c.Do("FLUSHALL"); r.IsError() {
		s.t.Fatalf("%s: FLUSHALL: %s", s.name, r.Text())
	}
}

// run does one step. now is the clock both sides' $variables are computed from.
func (s *side) run(st *step, now time.Time) outcome {
	if st.until {
		return s.await(st, now)
	}
	switch st.op {
	case opReset:
		s.reset()
		return outcome{}
	case opClose:
		s.drop(st.conn)
		return outcome{}
	case opClosed:
		return s.untilClosed(st.conn)
	case opReceive:
		return s.receive(st.conn, st.replies)
	}
	args, err := s.expand(st, now)
	if err != nil {
		return outcome{failure: err.Error()}
	}
	if st.scan {
		return scan(args, func(args []string) outcome {
			s.link(st.conn).SendRaw(redistest.AppendCommand(nil, args...))
			return s.receive(st.conn, 1)
		})
	}
	l := s.link(st.conn)
	if st.raw {
		l.SendRaw([]byte(strings.Join(args, "")))
	} else {
		l.SendRaw(redistest.AppendCommand(nil, args...))
	}
	if st.closes {
		return s.untilClosed(st.conn)
	}
	return s.receive(st.conn, st.replies)
}

// await repeats a step until the reply holds what its rule asks for.
func (s *side) await(st *step, now time.Time) outcome {
	once := *st
	once.until = false
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		o := s.run(&once, now)
		if len(o.replies) != 1 || st.rule.fits(o.replies[0]) || time.Now().After(end) {
			return o
		}
	}
}

// receive waits for n replies. After a failure the connection is out of step, so it is dropped.
func (s *side) receive(conn string, n int) outcome {
	var o outcome
	l := s.link(conn)
	for range n {
		r, err := l.TryReceive()
		if err == io.EOF {
			o.closed, o.failure = true, "instead of a reply"
		} else if err != nil {
			o.failure = hung + err.Error()
		}
		if err != nil {
			s.drop(conn)
			return o
		}
		o.replies = append(o.replies, r)
	}
	return o
}

func (s *side) untilClosed(conn string) outcome {
	replies, err := s.link(conn).ReceiveUntilClosed()
	s.drop(conn)
	o := outcome{replies: replies, closed: err == nil}
	if err != nil {
		o.failure = hung + "not closed: " + err.Error()
	}
	return o
}

func (s *side) title() string { return s.name }

func (s *side) send(args []string) { s.link("main").SendRaw(redistest.AppendCommand(nil, args...)) }

func (s *side) do(args []string) outcome {
	s.send(args)
	return s.receive("main", 1)
}

// batch sends all before it waits for replies.
func (s *side) batch(all [][]string) []outcome {
	var out []outcome
	for _, args := range all {
		s.send(args)
	}
	for range all {
		out = append(out, s.receive("main", 1))
	}
	return out
}

const cursorVariable = "$cursor"

// expand replaces the $variables of a step.
func (s *side) expand(st *step, now time.Time) ([]string, error) {
	args := make([]string, len(st.args))
	for i, t := range st.args {
		args[i] = t.text
		if t.quoted || !strings.HasPrefix(t.text, "$") || t.text == cursorVariable {
			continue
		}
		name, conn, named := strings.Cut(t.text[1:], ":")
		if !named {
			conn = st.conn
		}
		switch {
		case name == "id":
			args[i] = s.link(conn).id
		case name == "addr":
			args[i] = s.link(conn).LocalAddr()
		case name == "laddr":
			args[i] = s.addr
		case strings.HasPrefix(name, "nowms"):
			offset, err := clockOffset(name[len("nowms"):])
			if err != nil {
				return nil, err
			}
			args[i] = strconv.FormatInt(now.UnixMilli()+offset, 10)
		case strings.HasPrefix(name, "now"):
			offset, err := clockOffset(name[len("now"):])
			if err != nil {
				return nil, err
			}
			args[i] = strconv.FormatInt(now.Unix()+offset, 10)
		default:
			return nil, fmt.Errorf("unknown variable %s", t.text)
		}
	}
	return args, nil
}

func clockOffset(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || (s[0] != '+' && s[0] != '-') {
		return 0, fmt.Errorf("bad offset %q to the clock", s)
	}
	return n, nil
}
