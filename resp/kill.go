package resp

import (
	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/reply"
)

// filter says which clients CLIENT KILL means; what is zero matches all.
type filter struct {
	id          uint64
	addr, laddr []byte
	class       clientClass
	skipSelf    bool
}

func (f *filter) matches(c, self *client) bool {
	return (f.class == classAny || c.class() == f.class) &&
		(f.id == 0 || c.id == f.id) &&
		(f.addr == nil || string(f.addr) == c.addr) &&
		(f.laddr == nil || string(f.laddr) == c.laddr) &&
		!(f.skipSelf && c == self)
}

func clientKill(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	var f filter
	old := len(args) == 3
	if old {
		f.addr = args[2]
	} else {
		f.skipSelf = true
		if !f.parse(args[2:], w) {
			return
		}
	}
	killed := int64(0)
	for _, other := range c.server.clients.all() {
		if !f.matches(other, c) {
			continue
		}
		killed++
		if other == c {
			c.leaving = true // after the reply
		} else {
			c.server.kill(other)
			// What it waits for is not its own any more, though its transport has yet to close it, and a script of its would
			// go on without anybody.
			other.session.Kill()
		}
	}
	switch {
	case !old:
		w.Int(killed)
	case killed > 0:
		w.Status("OK")
	default:
		w.Error("ERR No such client")
	}
}

// parse reads pairs of a filter and its value, and answers if something is wrong with them.
func (f *filter) parse(args [][]byte, w *reply.RESP) bool {
	for ; len(args) > 1; args = args[2:] {
		switch value := args[1]; {
		case is(args[0], "id"):
			id, ok := num.ParseInt(value)
			if !ok || id < 1 {
				w.Error("ERR client-id should be greater than 0")
				return false
			}
			f.id = uint64(id)
		case is(args[0], "type"):
			class, ok := clientType(value, w)
			if !ok {
				return false
			}
			f.class = class
		case is(args[0], "addr"):
			f.addr = value
		case is(args[0], "laddr"):
			f.laddr = value
		case is(args[0], "user"):
			if string(value) != defaultUser {
				w.Error("ERR No such user '" + string(value) + "'")
				return false
			}
		case is(args[0], "skipme") && is(value, "yes"):
			f.skipSelf = true
		case is(args[0], "skipme") && is(value, "no"):
			f.skipSelf = false
		default:
			w.Error(errs.Syntax.Error())
			return false
		}
	}
	if len(args) > 0 {
		w.Error(errs.Syntax.Error())
		return false
	}
	return true
}
