package resp

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/reply"
	"github.com/darterdb/darter/internal/watchdog"
)

// # What commands are seen
//
// A command that has run is timed, as package watchdog says, and shown to those who have sent MONITOR:
//
//	a batch, or elsewhere ─► ran ─┐
//	EXEC, scripts ─► the session ─┴─► took ─► SLOWLOG, LATENCY
//	                              └─► show ─► a push for each who monitors
//
// Lines are made and pushed one at a time, so that all who monitor see one order, and times that never go back. A push
// waits for nobody: a client that does not read is cut off at its limit. A command that waits is shown before it does.

// monitors are the clients that have sent MONITOR.
type monitors struct {
	list atomic.Pointer[[]*client] // nil without any; never changed in place
	mu   sync.Mutex                // held while the list changes, and while a line is pushed
}

// any says that somebody monitors.
func (m *monitors) any() bool { return m.list.Load() != nil }

func (m *monitors) add(c *client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*client
	if before := m.list.Load(); before != nil {
		all = slices.Clone(*before)
	}
	all = append(all, c)
	m.list.Store(&all)
}

func (m *monitors) remove(c *client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.list.Load()
	if before == nil {
		return
	}
	all := slices.DeleteFunc(slices.Clone(*before), func(o *client) bool { return o == c })
	if len(all) == 0 {
		m.list.Store(nil)
		return
	}
	m.list.Store(&all)
}

// line is a status, which looks the same in both protocols.
type line []byte

// Wire returns the line.
func (l line) Wire(int) []byte { return l }

// push shows everybody a command.
func (m *monitors) push(db int, from string, args [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.list.Load()
	if all == nil {
		return
	}
	text := line(appendCommand(nil, time.Now(), db, from, args))
	for _, c := range *all {
		c.push(text)
	}
}

// appendCommand appends a command in the form of MONITOR.
func appendCommand(b []byte, at time.Time, db int, from string, args [][]byte) []byte {
	size := 64
	for _, a := range args {
		size += len(a) + 3
	}
	b = append(slices.Grow(b, size), '+')
	b = strconv.AppendInt(b, at.Unix(), 10)
	micros := strconv.AppendInt(nil, 1e6+int64(at.Nanosecond()/1e3), 10)
	b = append(append(b, '.'), micros[1:]...)
	b = append(b, " ["...)
	b = strconv.AppendInt(b, int64(db), 10)
	b = append(append(append(b, ' '), from...), ']')
	for _, a := range args {
		b = appendQuoted(append(b, ' '), a)
	}
	return append(b, "\r\n"...)
}

// appendQuoted appends an argument in quotes, with what is not printable escaped.
func appendQuoted(b, arg []byte) []byte {
	const (
		hex     = "0123456789abcdef"
		special = "\\\"\n\r\t\a\b"
		letters = "\\\"nrtab"
	)
	b = append(b, '"')
	for _, c := range arg {
		if c >= ' ' && c <= '~' && c != '\\' && c != '"' {
			b = append(b, c)
		} else if i := strings.IndexByte(special, c); i >= 0 {
			b = append(b, '\\', letters[i])
		} else {
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		}
	}
	return append(b, '"')
}

// origin is what MONITOR calls the client.
func (c *client) origin() string {
	if path, ok := strings.CutSuffix(c.addr, ":0"); ok && c.unix {
		return "unix:" + path
	}
	return c.addr
}

// ran notes a command that was run, and how long it took, and shows it if show says so. The engine shows scripts
// itself.
func (c *client) ran(row *command.Row, args [][]byte, took time.Duration, show bool) {
	c.Took(row, args, took)
	if show {
		c.show(row, args)
	}
}

func (c *client) show(row *command.Row, args [][]byte) {
	if row.Flags&command.SkipMonitor == 0 || row.Name == "exec" {
		c.Saw(row, c.session.DB(), args, false)
	}
}

// Watching says whether somebody monitors; see darter.Observer.
func (c *client) Watching() bool { return c.server.watched.any() }

// Saw shows a command to those who monitor; see darter.Observer.
func (c *client) Saw(row *command.Row, db int, args [][]byte, byScript bool) {
	switch {
	case row.Flags&command.Admin != 0:
	case byScript:
		c.server.watched.push(db, "lua", args)
	default:
		c.server.watched.push(db, c.origin(), redacted(row, args))
	}
}

// Took notes how long a command took; see darter.Observer.
func (c *client) Took(row *command.Row, args [][]byte, took time.Duration) {
	dog := c.server.dog
	if dog.Mode() == watchdog.Off {
		return
	}
	if dog.Tracking() {
		c.meter.tally.Add(row.Index(), took)
	}
	if !dog.Wants(took) {
		return
	}
	c.label.Lock()
	name := c.label.name
	c.label.Unlock()
	dog.Note(watchdog.Command{
		Args: redacted(row, args), Took: took, Addr: c.addr, Client: name,
		Fast:   row.Flags&command.Fast != 0,
		Secret: row.Flags&command.SkipSlowlog != 0,
	})
}

// hidden stands for what must not be shown.
var hidden = []byte("(redacted)")

// redacted returns the arguments without passwords.
func redacted(row *command.Row, args [][]byte) [][]byte {
	hide := func(from, to int) [][]byte {
		shown := slices.Clone(args)
		for i := from; i < min(to, len(shown)); i++ {
			shown[i] = hidden
		}
		return shown
	}
	switch row.FullName() {
	case "auth":
		return hide(1, len(args))
	case "hello":
		for i := 2; i < len(args); i++ {
			if is(args[i], "auth") {
				return hide(i+1, i+3)
			}
		}
	case "config|set":
		for i := 2; i < len(args); i += 2 {
			if is(args[i], "requirepass") {
				args = hide(i+1, i+2)
			}
		}
	}
	return args
}

const (
	errMonitorMulti = "ERR MONITOR isn't allowed for DENY BLOCKING client"
	errMonitorKeys  = "ERR Replica can't interact with the keyspace"
)

func monitorCommand(c *client, _ *command.Row, _ [][]byte, w *reply.RESP) {
	switch {
	case c.executing:
		w.Error(errMonitorMulti)
	case c.monitors: // as in Redis, without an answer
	default:
		c.monitors = true
		c.flag(flagMonitor, true)
		c.server.watched.add(c)
		w.Status("OK")
	}
}

// endMonitor ends the client's MONITOR, if it has sent one.
func (c *client) endMonitor() {
	if c.monitors {
		c.monitors = false
		c.flag(flagMonitor, false)
		c.server.watched.remove(c)
	}
}
