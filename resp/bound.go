package resp

import (
	"bytes"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/pubsub"
	"github.com/darterdb/darter/internal/reply"
)

// handler runs a command about connections. It answers to w, which is c.out unless the command runs outside its loop.
type handler func(c *client, row *command.Row, args [][]byte, w *reply.RESP)

// boundRow is what this package adds to a row.
type boundRow struct {
	run    handler              // nil: the session runs it
	slow   func(c *client) bool // nil: the row's Slow says it
	narrow handler              // runs it for a subscriber in RESP2; nil: such a client may not
	pushes bool                 // it answers with pushes, which a client gets that wants no replies
}

// boundRows are the commands of this package by the full names of their rows. Those about data are the engine's.
var boundRows = map[string]boundRow{
	"auth":                {run: authCommand},
	"client|caching":      {run: clientCaching},
	"client|getname":      {run: clientGetName},
	"client|getredir":     {run: clientGetRedir},
	"client|id":           {run: clientID},
	"client|info":         {run: clientInfo},
	"client|kill":         {run: clientKill, slow: manyClients},
	"client|list":         {run: clientList, slow: manyClients},
	"client|no-evict":     {run: clientNoEvict},
	"client|no-touch":     {run: clientNoTouch},
	"client|pause":        {run: clientPause},
	"client|reply":        {run: clientReply},
	"client|setinfo":      {run: clientSetInfo},
	"client|setname":      {run: clientSetName},
	"client|tracking":     {run: clientTracking},
	"client|trackinginfo": {run: clientTrackingInfo},
	"client|unblock":      {run: clientUnblock},
	"client|unpause":      {run: clientUnpause},
	"hello":               {run: helloCommand},
	"monitor":             {run: monitorCommand},
	"psubscribe":          pushing(subscribeTo(pubsub.Pattern)),
	"punsubscribe":        pushing(unsubscribeFrom(pubsub.Pattern)),
	"quit":                {run: quitCommand, narrow: quitCommand},
	"reset":               {run: resetCommand, narrow: resetCommand},
	"shutdown":            {run: shutdownCommand, slow: always},
	"ssubscribe":          pushing(subscribeTo(pubsub.ShardChannel)),
	"subscribe":           pushing(subscribeTo(pubsub.Channel)),
	"sunsubscribe":        pushing(unsubscribeFrom(pubsub.ShardChannel)),
	"unsubscribe":         pushing(unsubscribeFrom(pubsub.Channel)),
}

// pushing makes the row of a command about subscriptions.
func pushing(run handler) boundRow { return boundRow{run: run, narrow: run, pushes: true} }

func bindRows() []boundRow {
	list := make([]boundRow, command.Count())
	for _, row := range command.Rows() {
		if row.Class == command.Bound {
			list[row.Index()] = boundRows[row.FullName()]
		}
	}
	list[command.Lookup([]byte("ping")).Index()].narrow = narrowPing // it has a handler, but not for this
	return list
}

// slowList is from how many clients on going over all of them is kept off the loops.
const slowList = 256

func manyClients(c *client) bool { return c.server.clients.len() > slowList }
func always(*client) bool        { return true }

const (
	wrongPass = "WRONGPASS invalid username-password pair or user is disabled."
	noPass    = "ERR AUTH <password> called without any password configured for the default user. " +
		"Are you sure your configuration is correct?"
	noAuthHello = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> " +
		"AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version " +
		"at the same time"
	badName = "ERR Client names cannot contain spaces, newlines or special characters."
)

// redisVersion is what HELLO tells, the same as INFO: clients choose what they use by it.
const redisVersion = "7.2.0"

// defaultUser is the only user there is.
const defaultUser = "default"

func is(arg []byte, word string) bool {
	return len(arg) == len(word) && bytes.EqualFold(arg, []byte(word))
}

// authenticate lets the client in if user and password are right.
func (c *client) authenticate(user, password []byte) bool {
	if string(user) != defaultUser {
		return false
	}
	if want := c.server.set.password.Load(); want != nil && !want.is(password) {
		return false
	}
	c.authenticated = true
	c.parser.Unauthenticated = false
	return true
}

func authCommand(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	user, password := []byte(defaultUser), args[len(args)-1]
	switch {
	case len(args) > 3:
		w.Error(errs.Syntax.Error())
		return
	case len(args) == 3:
		user = args[1]
	case c.server.set.password.Load() == nil:
		w.Error(noPass)
		return
	}
	if !c.authenticate(user, password) {
		w.Error(wrongPass)
		return
	}
	w.Status("OK")
}

func helloCommand(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	version := int64(0)
	rest := args[1:]
	if len(rest) > 0 {
		var ok bool
		if version, ok = num.ParseInt(rest[0]); !ok {
			w.Error("ERR Protocol version is not an integer or out of range")
			return
		}
		if version < 2 || version > 3 {
			w.Error("NOPROTO unsupported protocol version")
			return
		}
		rest = rest[1:]
	}
	var user, password, name []byte
	for len(rest) > 0 {
		switch {
		case is(rest[0], "auth") && len(rest) > 2:
			user, password, rest = rest[1], rest[2], rest[3:]
		case is(rest[0], "setname") && len(rest) > 1:
			if name, rest = rest[1], rest[2:]; !printable(name) {
				w.Error(badName)
				return
			}
		default:
			w.Error("ERR Syntax error in HELLO option '" + string(rest[0]) + "'")
			return
		}
	}
	if user != nil && !c.authenticate(user, password) {
		w.Error(wrongPass)
		return
	}
	if c.locked() {
		w.Error(noAuthHello)
		return
	}
	if name != nil {
		c.setName(name)
	}
	if version != 0 {
		c.setProto(int(version))
		w.SetProto(int(version)) // it need not be c.out
	}
	w.Map(7)
	w.BulkString("server")
	w.BulkString("redis")
	w.BulkString("version")
	w.BulkString(redisVersion)
	w.BulkString("proto")
	w.Int(int64(w.Proto()))
	w.BulkString("id")
	w.Int(int64(c.id))
	w.BulkString("mode")
	w.BulkString("standalone")
	w.BulkString("role")
	w.BulkString("master")
	w.BulkString("modules")
	w.Array(0)
}

func quitCommand(c *client, _ *command.Row, _ [][]byte, w *reply.RESP) {
	w.Status("OK")
	c.leaving = true
}

// resetCommand puts everything back but what is known of the client's library.
func resetCommand(c *client, _ *command.Row, _ [][]byte, w *reply.RESP) {
	if c.monitors {
		c.endMonitor()
		c.collect() // what it was shown comes before the reply, after that nothing more
	}
	c.unsubscribe()
	c.endTracking()
	c.session.Reset()
	_ = c.session.SetDB(0) // which there always is
	c.setNoTouch(false)
	c.flag(flagNoEvict, false)
	c.setName(nil)
	c.quiet = muteOff
	c.setProto(2)
	c.authenticated = c.server.set.password.Load() == nil
	c.parser.Unauthenticated = !c.authenticated
	w.Status("RESET")
}

func shutdownCommand(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	var mode ShutdownMode
	abort := false
	for _, a := range args[1:] {
		switch {
		case is(a, "save"):
			mode.Save = true
		case is(a, "nosave"):
			mode.NoSave = true
		case is(a, "now"):
			mode.Now = true
		case is(a, "force"):
			mode.Force = true
		case is(a, "abort"):
			abort = true
		default:
			w.Error(errs.Syntax.Error())
			return
		}
	}
	if mode.Save && mode.NoSave || abort && len(args) > 2 {
		w.Error(errs.Syntax.Error())
		return
	}
	if abort {
		w.Error("ERR No shutdown in progress.")
		return
	}
	s := c.server
	refused := "ERR Errors trying to SHUTDOWN. Check logs."
	if s.options.OnShutdown == nil {
		s.log.Warn("SHUTDOWN refused: this server can only be shut down from within", "client", c.id, "addr", c.addr)
		w.Error(refused)
		return
	}
	s.log.Info("SHUTDOWN", "client", c.id, "addr", c.addr)
	// Shutdown waits for the commands that are running. This one has had its answer when it begins: there is none.
	failed := make(chan error, 1)
	go func() { failed <- s.options.OnShutdown(mode) }()
	select {
	case err := <-failed:
		if err != nil {
			s.log.Error("SHUTDOWN failed", "error", err)
			w.Error(refused)
			return
		}
	case <-s.closing:
	}
	c.leaving = true
}
