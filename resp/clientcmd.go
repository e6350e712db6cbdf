package resp

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/pubsub"
	"github.com/darterdb/darter/internal/reply"
)

// printable tells whether a name may be shown in a line of words: no blanks, no control characters, ASCII only.
func printable(name []byte) bool {
	for _, b := range name {
		if b < '!' || b > '~' {
			return false
		}
	}
	return true
}

// setName names the client; an empty name is none.
func (c *client) setName(name []byte) {
	c.label.Lock()
	defer c.label.Unlock()
	c.label.name = string(name)
}

func clientSetName(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	if !printable(args[2]) {
		w.Error(badName)
		return
	}
	c.setName(args[2])
	w.Status("OK")
}

func clientGetName(c *client, _ *command.Row, _ [][]byte, w *reply.RESP) {
	c.label.Lock()
	defer c.label.Unlock()
	if c.label.name == "" {
		w.Null()
		return
	}
	w.BulkString(c.label.name)
}

func clientSetInfo(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	field, name := &c.label.libName, "lib-name"
	switch {
	case is(args[2], "lib-name"):
	case is(args[2], "lib-ver"):
		field, name = &c.label.libVer, "lib-ver"
	default:
		w.Error("ERR Unrecognized option '" + string(args[2]) + "'")
		return
	}
	if !printable(args[3]) {
		w.Error("ERR " + name + " cannot contain spaces, newlines or special characters.")
		return
	}
	c.label.Lock()
	defer c.label.Unlock()
	*field = string(args[3])
	w.Status("OK")
}

func clientID(c *client, _ *command.Row, _ [][]byte, w *reply.RESP) { w.Int(int64(c.id)) }

// onOff reads an argument that is ON or OFF, and answers if it is neither.
func onOff(arg []byte, w *reply.RESP) (on, ok bool) {
	switch {
	case is(arg, "on"):
		return true, true
	case is(arg, "off"):
		return false, true
	}
	w.Error(errs.Syntax.Error())
	return false, false
}

func clientNoEvict(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	if on, ok := onOff(args[2], w); ok {
		c.flag(flagNoEvict, on)
		w.Status("OK")
	}
}

func (c *client) setNoTouch(on bool) {
	c.session.SetNoTouch(on)
	c.flag(flagNoTouch, on)
}

func clientNoTouch(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	if on, ok := onOff(args[2], w); ok {
		c.setNoTouch(on)
		w.Status("OK")
	}
}

func clientReply(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	switch {
	case is(args[2], "on"):
		c.quiet = muteOff
		w.Status("OK")
	case is(args[2], "off"):
		c.quiet = muteAll
	case is(args[2], "skip"):
		if c.quiet != muteAll {
			c.quiet = muteNext
		}
	default:
		w.Error(errs.Syntax.Error())
	}
}

func clientPause(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	mode := pauseAll
	switch {
	case len(args) > 4:
		w.Error(tooMany(args[1]))
		return
	case len(args) == 3 || is(args[3], "all"):
	case is(args[3], "write"):
		mode = pauseWrites
	default:
		w.Error("ERR CLIENT PAUSE mode must be WRITE or ALL")
		return
	}
	millis, ok := num.ParseInt(args[2])
	switch {
	case !ok:
		w.Error("ERR timeout is not an integer or out of range")
		return
	case millis < 0:
		w.Error("ERR timeout is negative")
		return
	}
	c.server.pause.begin(millis, mode)
	w.Status("OK")
}

func clientUnpause(c *client, _ *command.Row, _ [][]byte, w *reply.RESP) {
	c.server.pause.end()
	w.Status("OK")
}

// tooMany refuses a subcommand of CLIENT that was given more than it can take.
func tooMany(sub []byte) string {
	return fmt.Sprintf("ERR unknown subcommand or wrong number of arguments for '%.128s'. Try CLIENT HELP.", sub)
}

// clientUnblock ends the wait of another client's command.
func clientUnblock(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	if len(args) > 4 {
		w.Error(tooMany(args[1]))
		return
	}
	if len(args) == 4 && !is(args[3], "timeout") && !is(args[3], "error") {
		w.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		return
	}
	id, ok := num.ParseInt(args[2])
	if !ok {
		w.Error(errs.NotInteger.Error())
		return
	}
	n := int64(0)
	for _, other := range c.server.clients.all() {
		if int64(other.id) == id && other.session.Unblock(len(args) == 4 && is(args[3], "error")) {
			n = 1
		}
	}
	w.Int(n)
}

func clientInfo(c *client, _ *command.Row, _ [][]byte, w *reply.RESP) {
	w.Verbatim("txt", string(append(c.appendLine(nil, c.server.clock.Load()), '\n')))
}

func clientList(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	list := c.server.clients.all()
	switch {
	case len(args) == 2:
	case len(args) == 4 && is(args[2], "type"):
		class, ok := clientType(args[3], w)
		if !ok {
			return
		}
		list = slices.DeleteFunc(list, func(other *client) bool { return other.class() != class })
	case len(args) > 3 && is(args[2], "id"):
		list = list[:0]
		for _, a := range args[3:] {
			id, ok := num.ParseInt(a)
			if !ok {
				w.Error("ERR Invalid client ID")
				return
			}
			if found := c.server.clients.get(uint64(id)); found != nil {
				list = append(list, found)
			}
		}
	default:
		w.Error(errs.Syntax.Error())
		return
	}
	now := c.server.clock.Load()
	var text []byte
	for _, other := range list {
		text = append(other.appendLine(text, now), '\n')
	}
	w.Verbatim("txt", string(text))
}

// clientClass is a type of client.
type clientClass uint8

const (
	classAny clientClass = iota
	classNormal
	classPubSub
	classNobody // types that no client of this server has
)

func (c *client) class() clientClass {
	if c.state.Load()&flagSubscriber != 0 {
		return classPubSub
	}
	return classNormal
}

// clientType reads a type of client, and answers if there is none such.
func clientType(arg []byte, w *reply.RESP) (class clientClass, ok bool) {
	switch {
	case is(arg, "normal"):
		return classNormal, true
	case is(arg, "pubsub"):
		return classPubSub, true
	case is(arg, "master"), is(arg, "replica"), is(arg, "slave"):
		return classNobody, true
	}
	w.Error("ERR Unknown client type '" + string(arg) + "'")
	return classAny, false
}

// bookkeeping is about what a client costs without its buffers.
const bookkeeping = 1 << 10

// appendLine appends the client's line of CLIENT LIST, without the line's end. Figures that this server has no use for
// are zero.
func (c *client) appendLine(b []byte, now int64) []byte {
	text := func(name, value string) { b = append(append(append(append(b, name...), '='), value...), ' ') }
	number := func(name string, value int64) {
		b = append(strconv.AppendInt(append(append(b, name...), '='), value, 10), ' ')
	}
	state := c.state.Load()
	in, free, out := c.seen.in.Load(), c.seen.inCap.Load(), c.seen.out.Load()
	c.label.Lock()
	name, libName, libVer := c.label.name, c.label.libName, c.label.libVer
	c.label.Unlock()
	number("id", int64(c.id))
	text("addr", c.addr)
	text("laddr", c.laddr)
	number("fd", int64(c.fd))
	text("name", name)
	number("age", now-c.created)
	number("idle", now-c.seen.active.Load())
	text("flags", c.flags(state))
	number("db", int64(c.seen.db.Load()))
	number("sub", int64(c.seen.subs[pubsub.Channel].Load()))
	number("psub", int64(c.seen.subs[pubsub.Pattern].Load()))
	number("ssub", int64(c.seen.subs[pubsub.ShardChannel].Load()))
	number("multi", int64(c.seen.multi.Load()))
	number("qbuf", in)
	number("qbuf-free", free)
	number("argv-mem", 0)
	number("multi-mem", 0)
	number("rbs", 0)
	number("rbp", 0)
	number("obl", out)
	number("oll", 0)
	number("omem", out)
	number("tot-mem", bookkeeping+in+free+out)
	if out > 0 {
		text("events", "rw")
	} else {
		text("events", "r")
	}
	if row := c.seen.cmd.Load(); row != nil {
		text("cmd", row.FullName())
	} else {
		text("cmd", "NULL")
	}
	text("user", defaultUser)
	number("redir", c.redirection())
	number("resp", int64(c.proto()))
	text("lib-name", libName)
	text("lib-ver", libVer)
	return b[:len(b)-1]
}

// flags are the letters that CLIENT LIST has for a client.
func (c *client) flags(state uint32) string {
	s := ""
	if state&flagMonitor != 0 {
		s += "O"
	}
	if state&flagSubscriber != 0 {
		s += "P"
	}
	if c.seen.multi.Load() >= 0 {
		s += "x"
	}
	if c.session.Blocked() {
		s += "b"
	}
	if state&flagTracking != 0 {
		s += "t"
	}
	if state&flagBroken != 0 {
		s += "R"
	}
	if state&flagBroadcast != 0 {
		s += "B"
	}
	if c.session.Spoiled() {
		s += "d"
	}
	if c.unix {
		s += "U"
	}
	if state&flagNoEvict != 0 {
		s += "e"
	}
	if state&flagNoTouch != 0 {
		s += "T"
	}
	if s == "" {
		return "N"
	}
	return s
}
