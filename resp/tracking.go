package resp

import (
	"strings"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/reply"
	"github.com/darterdb/darter/internal/tracking"
)

// What a client keeps is the engine's to know (darter/tracking.go). Here is how it is asked for, and whom a message
// goes to: the client itself, if it speaks RESP3, or the one that it redirects to, which speaks RESP3 or subscribes to
// a channel. That is decided when something changes, and once more when the message is about to be written: meanwhile
// the client may have gone back to RESP2, and could not tell a message from a reply.

const (
	errOneRedirect = "ERR A client can only redirect to a single other client"
	errNoRedirect  = "ERR The client ID you want redirect to does not exist"
	errPrefixMode  = "ERR PREFIX option requires BCAST mode to be enabled"
	errOtherBcast  = "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then " +
		"re-enabling it with a different mode."
	errBcastOpt = "ERR OPTIN and OPTOUT are not compatible with BCAST"
	errBothOpt  = "ERR You can't specify both OPTIN mode and OPTOUT mode"
	errOtherOpt = "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then " +
		"re-enabling it with a different mode."
	errNotTracked = "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT " +
		"mode enabled"
	errCachingYes = "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
	errOverlap    = "'. Prefixes for a single client must not overlap."
	errCachingNo  = "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."
)

// trackingOptions are what CLIENT TRACKING was given.
type trackingOptions struct {
	mode     tracking.Mode
	redirect uint64
	prefixes []string
}

// parse reads the options, and answers if something is wrong with them.
func (o *trackingOptions) parse(c *client, args [][]byte, w *reply.RESP) bool {
	for ; len(args) > 0; args = args[1:] {
		switch {
		case is(args[0], "redirect") && len(args) > 1:
			args = args[1:]
			if o.redirect != 0 {
				w.Error(errOneRedirect)
				return false
			}
			id, ok := num.ParseInt(args[0])
			if !ok {
				w.Error(errs.NotInteger.Error())
				return false
			}
			o.redirect = uint64(id)
			if c.server.clients.get(o.redirect) == nil {
				w.Error(errNoRedirect)
				return false
			}
		case is(args[0], "bcast"):
			o.mode |= tracking.Broadcast
		case is(args[0], "optin"):
			o.mode |= tracking.OptIn
		case is(args[0], "optout"):
			o.mode |= tracking.OptOut
		case is(args[0], "noloop"):
			o.mode |= tracking.NoLoop
		case is(args[0], "prefix") && len(args) > 1:
			args = args[1:]
			o.prefixes = append(o.prefixes, string(args[0]))
		default:
			w.Error(errs.Syntax.Error())
			return false
		}
	}
	return true
}

// refusal says why the options can't be had together, or by a client that is tracked in its present way. It is empty if
// they can.
func (o *trackingOptions) refusal(now tracking.Mode, have []string) string {
	const opt = tracking.OptIn | tracking.OptOut
	switch bcast := o.mode&tracking.Broadcast != 0; {
	case !bcast && len(o.prefixes) > 0:
		return errPrefixMode
	case now&tracking.On != 0 && (now^o.mode)&tracking.Broadcast != 0:
		return errOtherBcast
	case bcast && o.mode&opt != 0:
		return errBcastOpt
	case o.mode&opt == opt:
		return errBothOpt
	case (o.mode|now)&opt == opt:
		return errOtherOpt
	}
	overlap := func(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }
	for i, p := range o.prefixes {
		for _, q := range have {
			if overlap(p, q) {
				return "ERR Prefix '" + p + "' overlaps with an existing prefix '" + q + errOverlap
			}
		}
		for _, q := range o.prefixes[i+1:] {
			if overlap(p, q) {
				return "ERR Prefix '" + p + "' overlaps with another provided prefix '" + q + errOverlap
			}
		}
	}
	return ""
}

func clientTracking(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	var o trackingOptions
	if !o.parse(c, args[3:], w) {
		return
	}
	mode, prefixes := c.tracked()
	switch {
	case is(args[2], "off"):
		c.endTracking()
		w.Status("OK")
		return
	case !is(args[2], "on"):
		w.Error(errs.Syntax.Error())
		return
	}
	if text := o.refusal(mode, prefixes); text != "" {
		w.Error(text)
		return
	}
	if o.mode&tracking.Broadcast != 0 && len(o.prefixes) == 0 {
		o.prefixes = []string{""}
	}
	c.seen.redirect.Store(o.redirect)
	c.flag(flagBroken, false)
	c.flag(flagBroadcast, o.mode&tracking.Broadcast != 0)
	c.flag(flagTracking, true)
	c.session.Track(c, o.mode|tracking.On, o.prefixes)
	c.tracker.Store(c.session.Tracker())
	w.Status("OK")
}

// endTracking switches tracking off.
func (c *client) endTracking() {
	if mode, _ := c.tracked(); mode&tracking.On != 0 {
		c.session.Track(c, 0, nil)
		c.flag(flagTracking|flagBroadcast|flagBroken, false)
		c.seen.redirect.Store(0)
	}
}

// tracked returns how the client is tracked, for its own thread.
func (c *client) tracked() (tracking.Mode, []string) {
	if t := c.session.Tracker(); t != nil {
		return t.Mode(), t.Prefixes()
	}
	return 0, nil
}

func clientCaching(c *client, _ *command.Row, args [][]byte, w *reply.RESP) {
	mode, _ := c.tracked()
	switch yes := is(args[2], "yes"); {
	case mode&tracking.On == 0:
		w.Error(errNotTracked)
	case !yes && !is(args[2], "no"):
		w.Error(errs.Syntax.Error())
	case yes && mode&tracking.OptIn == 0:
		w.Error(errCachingYes)
	case !yes && mode&tracking.OptOut == 0:
		w.Error(errCachingNo)
	default:
		c.caching = true
		c.session.Tracker().SetCaching(true)
		w.Status("OK")
	}
}

// finished ends what CLIENT CACHING asked for: it is for one command, or one transaction, and other commands about the
// client may come between.
func (c *client) finished(args [][]byte) {
	client := len(args) > 1 && is(args[0], "client") && command.Lookup(args[0]).Subcommand(args[1]) != nil
	if client || c.session.InMulti() {
		return
	}
	c.caching = false
	c.session.Tracker().SetCaching(false)
}

// redirection is the id of the client that gets messages for a tracked client, 0 for itself, -1 if it isn't tracked.
func (c *client) redirection() int64 {
	if c.state.Load()&flagTracking == 0 {
		return -1
	}
	return int64(c.seen.redirect.Load())
}

func clientGetRedir(c *client, _ *command.Row, _ [][]byte, w *reply.RESP) { w.Int(c.redirection()) }

func clientTrackingInfo(c *client, _ *command.Row, _ [][]byte, w *reply.RESP) {
	mode, prefixes := c.tracked()
	var flags []string
	add := func(on bool, flag string) {
		if on {
			flags = append(flags, flag)
		}
	}
	has := func(m tracking.Mode) bool { return mode&m == m }
	add(has(tracking.On), "on")
	add(!has(tracking.On), "off")
	add(has(tracking.Broadcast), "bcast")
	add(has(tracking.OptIn), "optin")
	add(has(tracking.OptIn|tracking.Caching), "caching-yes")
	add(has(tracking.OptOut), "optout")
	add(has(tracking.OptOut|tracking.Caching), "caching-no")
	add(has(tracking.NoLoop), "noloop")
	add(c.state.Load()&flagBroken != 0, "broken_redirect")
	w.Map(3)
	w.BulkString("flags")
	w.Set(len(flags))
	for _, f := range flags {
		w.BulkString(f)
	}
	w.BulkString("redirect")
	w.Int(c.redirection())
	w.BulkString("prefixes")
	w.Array(len(prefixes))
	for _, p := range prefixes {
		w.BulkString(p)
	}
}

// Invalidate has a message about keys reach the client, or the one that it redirects to.
func (c *client) Invalidate(m *tracking.Message) {
	id := c.seen.redirect.Load()
	if id == 0 {
		if c.proto() == 3 {
			c.told.Store(true)
			c.push(notice{m})
		}
		return
	}
	to := c.server.clients.get(id)
	switch {
	case to == nil:
		c.flag(flagBroken, true)
		if c.proto() == 3 {
			c.push(notice{broken(id)})
		}
	case to.understands():
		to.push(notice{m})
	}
}

// understands says that the client can tell a message about keys from a reply. It may be called by any goroutine.
func (c *client) understands() bool { return c.state.Load()&(flagRESP3|flagSubscriber) != 0 }

// notice is a parcel for those only who understand it.
type notice struct{ parcel }

// takes says that the client can be sent a parcel.
func (c *client) takes(p parcel) bool {
	_, ok := p.(notice)
	return !ok || c.understands()
}

// wire returns a parcel in the client's form, nothing if it can't be sent.
func (c *client) wire(p parcel, proto int) []byte {
	if !c.takes(p) {
		return nil
	}
	return p.Wire(proto)
}

// broken tells a tracked client that the one it redirects to has gone, by its id.
type broken uint64

// Wire returns a push; in RESP2 there is none.
func (id broken) Wire(proto int) []byte {
	if proto != 3 {
		return nil
	}
	w := reply.RESP{}
	w.SetProto(3)
	w.Push(2)
	w.BulkString("tracking-redir-broken")
	w.Int(int64(id))
	return w.Buf
}

// holds says that what others have for the client must wait for the reply of a command that waited.
func (c *client) holds() bool {
	t := c.tracker.Load()
	return t != nil && t.Held()
}

// release ends that: the reply is in place.
func (c *client) release() {
	if t := c.tracker.Load(); t != nil {
		t.Release()
	}
}
