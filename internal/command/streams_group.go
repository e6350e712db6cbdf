package command

import (
	"errors"
	"math"
	"strings"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on consumer groups do, but for XREADGROUP.

const (
	errStreamNeeded = errs.Error("ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may " +
		"want to use the MKSTREAM option to create an empty stream automatically.")
	errEntriesRead = errs.Error("ERR value for ENTRIESREAD must be positive or -1")

	errClaimIdle     = errs.Error("ERR Invalid min-idle-time argument for XCLAIM")
	errClaimIdleOpt  = errs.Error("ERR Invalid IDLE option argument for XCLAIM")
	errClaimTime     = errs.Error("ERR Invalid TIME option argument for XCLAIM")
	errClaimRetry    = errs.Error("ERR Invalid RETRYCOUNT option argument for XCLAIM")
	errAutoClaimIdle = errs.Error("ERR Invalid min-idle-time argument for XAUTOCLAIM")
	errAutoClaimMany = errs.Error("ERR COUNT must be > 0")
)

// text returns all of an argument as an error repeats it.
func text(arg []byte) []byte { return shown(arg, len(arg)) }

// noSuchGroup says that key or group are absent; noGroup that the group is, whose stream is there.
func noSuchGroup(key, group []byte) error {
	return refusal("NOGROUP No such key '", text(key), "' or consumer group '", text(group), "'")
}

func noGroup(key, group []byte) error {
	return refusal("NOGROUP No such consumer group '", text(group), "' for key name '", text(key), "'")
}

// subcommandSyntax says that a subcommand's arguments make no sense.
func (c *Call) subcommandSyntax() {
	c.Fail(refusal("ERR unknown subcommand or wrong number of arguments for '", shown(c.Args[1], shownArg), "'. Try ",
		strings.ToUpper(c.Row.parent.Name), " HELP."))
}

// failGroup answers the error of an operation on a group of XGROUP.
func (c *Call) failGroup(err error) {
	switch {
	case errors.Is(err, errs.NoSuchKey):
		err = errStreamNeeded
	case errors.Is(err, errs.NoGroup):
		err = noGroup(c.Args[2], c.Args[3])
	}
	c.Fail(err)
}

// groupOptions reads the options of XGROUP CREATE and XGROUP SETID, which may make a stream or not. It answers itself
// if something is wrong with them.
func (c *Call) groupOptions(create bool) (start keyspace.GroupStart, makeStream, ok bool) {
	start.Read = value.UnknownRead
	for i := 5; i < len(c.Args); i++ {
		switch a := c.Args[i]; {
		case create && isWord(a, "mkstream"):
			makeStream = true
		case isWord(a, "entriesread") && i+1 < len(c.Args):
			i++
			n, err := anInt(c.Args[i])
			if err == nil && n < 0 && n != value.UnknownRead {
				err = errEntriesRead
			}
			if err != nil {
				c.Fail(err)
				return start, false, false
			}
			start.Read = n
		default:
			c.subcommandSyntax()
			return start, false, false
		}
	}
	return start, makeStream, true
}

// startAfter reads the ID after which a group reads, $ for the last one.
func startAfter(arg []byte, start *keyspace.GroupStart, read func([]byte) (value.StreamID, error)) (err error) {
	if len(arg) == 1 && arg[0] == '$' {
		start.Latest = true
		return nil
	}
	start.After, err = read(arg)
	return err
}

func runXgroupCreate(c *Call) {
	start, makeStream, ok := c.groupOptions(true)
	if !ok {
		return
	}
	it := c.One.DB.Look(c.One.Hash, c.One.Key)
	_, err := it.As(keyspace.Stream)
	if err == nil && !it.Found() && !makeStream {
		err = errStreamNeeded
	}
	if err == nil && len(c.Args) > 8 {
		c.subcommandSyntax()
		return
	}
	if err == nil {
		err = startAfter(c.Args[4], &start, anID)
	}
	if err == nil {
		err = c.One.DB.GroupCreate(c.One.Hash, c.One.Key, c.Args[3], &start, makeStream)
	}
	if err != nil {
		c.failGroup(err)
		return
	}
	c.OK()
}

// anyID reads an ID, or - or + for the least or the greatest.
func anyID(arg []byte) (value.StreamID, error) {
	id, ok := value.ParseStreamBound(arg, 0)
	if !ok {
		return id, errs.StreamID
	}
	return id, nil
}

func runXgroupSetid(c *Call) {
	start, _, ok := c.groupOptions(false)
	if !ok {
		return
	}
	if err := c.hasGroup(); err != nil {
		c.failGroup(err)
		return
	}
	if len(c.Args) != 5 && len(c.Args) != 7 {
		c.subcommandSyntax()
		return
	}
	err := startAfter(c.Args[4], &start, anyID)
	if err == nil {
		err = c.One.DB.GroupSetID(c.One.Hash, c.One.Key, c.Args[3], &start)
	}
	if err != nil {
		c.failGroup(err)
		return
	}
	c.OK()
}

// hasGroup finds out whether the group that a subcommand names is there.
func (c *Call) hasGroup() error {
	it := c.One.DB.Look(c.One.Hash, c.One.Key)
	s, err := it.Stream()
	if err != nil {
		return err
	}
	if !it.Found() {
		return errs.NoSuchKey
	}
	if _, ok := s.Group(it.View().Mem, c.Args[3]); !ok {
		return errs.NoGroup
	}
	return nil
}

func runXgroupDestroy(c *Call) {
	done, err := c.One.DB.GroupDestroy(c.One.Hash, c.One.Key, c.Args[3])
	if err != nil {
		c.failGroup(err)
		return
	}
	c.countOf(done, nil)
}

func runXgroupCreateconsumer(c *Call) {
	done, err := c.One.DB.ConsumerCreate(c.One.Hash, c.One.Key, c.Args[3], c.Args[4])
	if err != nil {
		c.failGroup(err)
		return
	}
	c.countOf(done, nil)
}

func runXgroupDelconsumer(c *Call) {
	n, err := c.One.DB.ConsumerDelete(c.One.Hash, c.One.Key, c.Args[3], c.Args[4])
	if err != nil {
		c.failGroup(err)
		return
	}
	c.lengthOf(n, nil)
}

// readGroup opens the stream of the command's key and a group, as a read does.
func (c *Call) readGroup(name []byte) (s value.Stream, g value.StreamGroup, it keyspace.Item, err error) {
	s, it, err = c.readStream()
	if err != nil {
		return s, g, it, err
	}
	ok := it.Found()
	if ok {
		g, ok = s.Group(it.View().Mem, name)
	}
	if !ok {
		err = noSuchGroup(c.One.Key, name)
	}
	return s, g, it, err
}

func runXack(c *Call) {
	if _, _, _, err := c.readGroup(c.Args[2]); err != nil {
		if errors.Is(err, errs.WrongType) {
			c.Fail(err)
		} else {
			c.W.Int(0)
		}
		return
	}
	var few fewIDs
	ids, err := someIDs(few[:0], c.Args[3:])
	if err != nil {
		c.Fail(err)
		return
	}
	c.lengthOf(c.One.DB.GroupAck(c.One.Hash, c.One.Key, c.Args[2], ids))
}

func runXpending(c *Call) {
	if len(c.Args) == 3 {
		c.pendingSummary()
		return
	}
	if len(c.Args) < 6 || len(c.Args) > 9 {
		c.Fail(errs.Syntax)
		return
	}
	var minIdle int64
	var err error
	args := c.Args[3:]
	if isWord(args[0], "idle") {
		minIdle, err = anInt(args[1])
		if err == nil && len(args) < 5 {
			err = errs.Syntax
		}
		if err != nil {
			c.Fail(err)
			return
		}
		args = args[2:]
	}
	var from, to value.StreamID
	count, err := anInt(args[2])
	if err == nil {
		from, err = startBound(args[0])
	}
	if err == nil {
		to, err = endBound(args[1])
	}
	if err != nil {
		c.Fail(err)
		return
	}
	c.pendingEntries(args[3:], from, to, count, minIdle)
}

// pendingSummary answers how much is pending in a group, and with whom.
func (c *Call) pendingSummary() {
	s, g, it, err := c.readGroup(c.Args[2])
	if err != nil {
		c.Fail(err)
		return
	}
	mem := it.View().Mem
	n := s.PendingCount(mem, &g)
	c.W.Array(4)
	c.W.Int(int64(n))
	if n == 0 {
		c.W.Null()
		c.W.Null()
		c.W.NullArray()
		return
	}
	all := s.PendingFrom(mem, &g, value.StreamID{})
	first, _ := all.Next()
	last, _ := s.LastPending(mem, &g)
	c.streamID(first.ID)
	c.streamID(last.ID)
	consumers := s.Consumers(mem, &g)
	busy := 0
	for i := range consumers {
		_, consumer := s.ConsumerAt(mem, &g, i)
		if s.OwnedCount(mem, &g, consumer.Number) > 0 {
			busy++
		}
	}
	c.W.Array(busy)
	for i := range consumers {
		name, consumer := s.ConsumerAt(mem, &g, i)
		if n := s.OwnedCount(mem, &g, consumer.Number); n > 0 {
			c.W.Array(2)
			c.W.Bulk(name)
			c.old = num.AppendInt(c.old[:0], int64(n))
			c.W.Bulk(c.old)
		}
	}
}

// pendingEntries answers what is pending in a group, or with one consumer.
func (c *Call) pendingEntries(consumer [][]byte, from, to value.StreamID, count, minIdle int64) {
	s, g, it, err := c.readGroup(c.Args[2])
	if err != nil {
		c.Fail(err)
		return
	}
	mem, now := it.View().Mem, c.One.DB.Now()
	r := s.PendingFrom(mem, &g, from)
	if len(consumer) > 0 {
		who, ok := s.Consumer(mem, &g, consumer[0])
		if !ok {
			c.W.Array(0)
			return
		}
		r = s.OwnedFrom(mem, &g, who.Number, from)
	}
	var list []value.StreamPending
	for int64(len(list)) < count {
		p, ok := r.Next()
		if !ok || to.Less(p.ID) {
			break
		}
		if minIdle == 0 || now-p.Time >= minIdle {
			list = append(list, p)
		}
	}
	c.W.Array(len(list))
	for _, p := range list {
		c.W.Array(4)
		c.streamID(p.ID)
		c.W.Bulk(s.ConsumerName(mem, &g, p.Consumer))
		c.W.Int(max(now-p.Time, 0))
		c.W.Int(p.Count)
	}
}

func runXclaim(c *Call) {
	if _, _, _, err := c.readGroup(c.Args[2]); err != nil {
		c.Fail(err)
		return
	}
	o := keyspace.StreamClaim{Time: -1, Count: -1}
	idle, ok := num.ParseInt(c.Args[4])
	if !ok {
		c.Fail(errClaimIdle)
		return
	}
	o.MinIdle = max(idle, 0)
	var few, fewer fewIDs
	ids, i := few[:0], 5
	for ; i < len(c.Args); i++ {
		id, ok := value.ParseStreamID(c.Args[i], 0)
		if !ok {
			break
		}
		ids = append(ids, id)
	}
	if err := parseClaim(c.Args[i:], &o, c.One.DB.Now()); err != nil {
		c.Fail(err)
		return
	}
	claimed, err := c.One.DB.GroupClaim(fewer[:0], c.One.Hash, c.One.Key, c.Args[2], c.Args[3], ids, &o)
	if err != nil {
		c.Fail(err)
		return
	}
	c.claimed(claimed, o.JustID)
}

// parseClaim reads the options of XCLAIM.
func parseClaim(args [][]byte, o *keyspace.StreamClaim, now int64) (err error) {
	for i := 0; i < len(args) && err == nil; i++ {
		a, more := args[i], i+1 < len(args)
		switch {
		case isWord(a, "force"):
			o.Force = true
			continue
		case isWord(a, "justid"):
			o.JustID = true
			continue
		case isWord(a, "idle") && more:
			if o.Time, err = intOr(args[i+1], errClaimIdleOpt); err == nil {
				o.Time = now - o.Time
			}
		case isWord(a, "time") && more:
			o.Time, err = intOr(args[i+1], errClaimTime)
		case isWord(a, "retrycount") && more:
			o.Count, err = intOr(args[i+1], errClaimRetry)
		case isWord(a, "lastid") && more:
			o.Last, err = anID(args[i+1])
		default:
			return refusal("ERR Unrecognized XCLAIM option '", text(a), "'")
		}
		i++
	}
	return err
}

func intOr(arg []byte, err error) (int64, error) {
	if n, ok := num.ParseInt(arg); ok {
		return n, nil
	}
	return 0, err
}

// claimed answers with entries that were claimed, or just their IDs.
func (c *Call) claimed(ids []value.StreamID, justID bool) {
	c.W.Array(len(ids))
	s, _ := c.One.DB.Look(c.One.Hash, c.One.Key).Stream()
	for _, id := range ids {
		if justID {
			c.streamID(id)
			continue
		}
		e, _ := s.Find(c.One.DB.Heap().Mem, id)
		c.entry(e)
	}
}

func runXautoclaim(c *Call) {
	idle, ok := num.ParseInt(c.Args[4])
	if !ok {
		c.Fail(errAutoClaimIdle)
		return
	}
	from, err := startBound(c.Args[5])
	if err != nil {
		c.Fail(err)
		return
	}
	o := keyspace.StreamClaim{MinIdle: max(idle, 0), Time: -1, Count: -1}
	count := int64(100)
	for i := 6; i < len(c.Args); i++ {
		switch a := c.Args[i]; {
		case isWord(a, "count") && i+1 < len(c.Args):
			i++
			if count, ok = num.ParseInt(c.Args[i]); !ok || count < 1 || count > math.MaxInt64/16 {
				c.Fail(errAutoClaimMany)
				return
			}
		case isWord(a, "justid"):
			o.JustID = true
		default:
			c.Fail(errs.Syntax)
			return
		}
	}
	var few, fewer fewIDs
	r := keyspace.AutoClaimed{Claimed: few[:0], Lost: fewer[:0]}
	r, err = c.One.DB.GroupAutoClaim(r, c.One.Hash, c.One.Key, c.Args[2], c.Args[3], from, count, &o)
	switch {
	case errors.Is(err, errs.NoGroup):
		c.Fail(noSuchGroup(c.One.Key, c.Args[2]))
		return
	case err != nil:
		c.Fail(err)
		return
	}
	c.W.Array(3)
	c.streamID(r.Next)
	c.claimed(r.Claimed, o.JustID)
	c.W.Array(len(r.Lost))
	for _, id := range r.Lost {
		c.streamID(id)
	}
}
