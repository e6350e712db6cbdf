package command

import (
	"math"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/value"
)

// XINFO describes a stream, its groups and their consumers.

// defaultShown is how many entries XINFO STREAM FULL shows of each list.
const defaultShown = 10

// streamInfo is a stream that is being described.
type streamInfo struct {
	*Call
	view  value.View
	s     value.Stream
	first value.StreamID // of the first entry
	shown int            // how many entries of each list
}

// describe opens the stream that is to be described; it answers itself if there is none.
func (c *Call) describe() (streamInfo, bool) {
	s, it, err := c.readStream()
	if err == nil && !it.Found() {
		err = errs.NoSuchKey
	}
	if err != nil {
		c.Fail(err)
		return streamInfo{}, false
	}
	i := streamInfo{Call: c, view: it.View(), s: s}
	if e, ok := s.First(i.view.Mem); ok {
		i.first = e.ID
	}
	return i, true
}

// field writes the name of a field, and then its value.
func (i *streamInfo) field(name string, n int64) {
	i.W.BulkString(name)
	i.W.Int(n)
}

func (i *streamInfo) fieldID(name string, id value.StreamID) {
	i.W.BulkString(name)
	i.streamID(id)
}

func (i *streamInfo) fieldText(name string, s []byte) {
	i.W.BulkString(name)
	i.W.Bulk(s)
}

// fieldIf writes null for a number that is not known.
func (i *streamInfo) fieldIf(name string, n int64, known bool) {
	i.W.BulkString(name)
	if known {
		i.W.Int(n)
	} else {
		i.W.Null()
	}
}

func runXinfoStream(c *Call) {
	i, ok := c.describe()
	if !ok {
		return
	}
	full := len(c.Args) > 3
	if full && !i.parseFull(c.Args[3:]) {
		return
	}
	i.stream(full)
}

// parseFull reads FULL and its COUNT, of which 0 is all. It answers itself if there is something else.
func (i *streamInfo) parseFull(args [][]byte) bool {
	i.shown = defaultShown
	if len(args) != 1 && len(args) != 3 || !isWord(args[0], "full") || len(args) == 3 && !isWord(args[1], "count") {
		i.subcommandSyntax()
		return false
	}
	if len(args) == 1 {
		return true
	}
	n, err := anInt(args[2])
	switch {
	case err != nil:
		i.Fail(err)
		return false
	case n == 0:
		i.shown = math.MaxInt
	case n > 0:
		i.shown = int(min(n, math.MaxInt))
	}
	return true
}

// stream describes the stream.
func (i *streamInfo) stream(full bool) {
	s, mem := &i.s, i.view.Mem
	if full {
		i.W.Map(9)
	} else {
		i.W.Map(10)
	}
	i.field("length", int64(s.Len))
	// The nodes of a radix tree would be one for each key, and the root, at least.
	i.field("radix-tree-keys", int64(s.Blocks()))
	i.field("radix-tree-nodes", int64(s.Blocks())+1)
	i.fieldID("last-generated-id", s.Last)
	i.fieldID("max-deleted-entry-id", s.Deleted)
	i.field("entries-added", int64(s.Added))
	i.fieldID("recorded-first-entry-id", i.first)
	if !full {
		i.field("groups", int64(s.GroupCount(mem)))
		first, ok := s.First(mem)
		i.edge("first-entry", first, ok)
		last, ok := s.Final(mem)
		i.edge("last-entry", last, ok)
		return
	}
	i.W.BulkString("entries")
	all := s.Range(mem, value.StreamID{}, value.MaxStreamID)
	i.entries(&all, all.Count(i.shown))
	n := s.GroupCount(mem)
	i.W.BulkString("groups")
	i.W.Array(n)
	for at := range n {
		name, g := s.GroupAt(mem, at)
		i.group(name, &g)
	}
}

func (i *streamInfo) edge(name string, e value.StreamEntry, ok bool) {
	i.W.BulkString(name)
	if ok {
		i.entry(e)
	} else {
		i.W.Null()
	}
}

// group describes a group with its consumers and what is pending.
func (i *streamInfo) group(name []byte, g *value.StreamGroup) {
	s, mem := &i.s, i.view.Mem
	i.W.Map(7)
	i.fieldText("name", name)
	i.fieldID("last-delivered-id", g.Last)
	i.progress(g)
	pending := s.PendingCount(mem, g)
	i.field("pel-count", int64(pending))
	i.W.BulkString("pending")
	pending = min(pending, i.shown)
	i.W.Array(pending)
	r := s.PendingFrom(mem, g, value.StreamID{})
	for range pending {
		p, _ := r.Next()
		i.W.Array(4)
		i.streamID(p.ID)
		i.W.Bulk(s.ConsumerName(mem, g, p.Consumer))
		i.W.Int(p.Time)
		i.W.Int(p.Count)
	}
	n := s.Consumers(mem, g)
	i.W.BulkString("consumers")
	i.W.Array(n)
	for at := range n {
		name, c := s.ConsumerAt(mem, g, at)
		i.consumer(g, name, &c)
	}
}

// progress writes how far a group has read.
func (i *streamInfo) progress(g *value.StreamGroup) {
	i.fieldIf("entries-read", g.Read, g.Read != value.UnknownRead)
	lag, known := i.s.Lag(g, i.first)
	i.fieldIf("lag", lag, known)
}

func (i *streamInfo) consumer(g *value.StreamGroup, name []byte, c *value.StreamConsumer) {
	s, mem := &i.s, i.view.Mem
	i.W.Map(5)
	i.fieldText("name", name)
	i.field("seen-time", c.Seen)
	i.field("active-time", c.Active)
	owned := s.OwnedCount(mem, g, c.Number)
	i.field("pel-count", int64(owned))
	i.W.BulkString("pending")
	owned = min(owned, i.shown)
	i.W.Array(owned)
	r := s.OwnedFrom(mem, g, c.Number, value.StreamID{})
	for range owned {
		p, _ := r.Next()
		i.W.Array(3)
		i.streamID(p.ID)
		i.W.Int(p.Time)
		i.W.Int(p.Count)
	}
}

func runXinfoGroups(c *Call) {
	i, ok := c.describe()
	if !ok {
		return
	}
	mem := i.view.Mem
	n := i.s.GroupCount(mem)
	c.W.Array(n)
	for at := range n {
		name, g := i.s.GroupAt(mem, at)
		c.W.Map(6)
		i.fieldText("name", name)
		i.field("consumers", int64(i.s.Consumers(mem, &g)))
		i.field("pending", int64(i.s.PendingCount(mem, &g)))
		i.fieldID("last-delivered-id", g.Last)
		i.progress(&g)
	}
}

func runXinfoConsumers(c *Call) {
	i, ok := c.describe()
	if !ok {
		return
	}
	mem, now := i.view.Mem, c.One.DB.Now()
	g, ok := i.s.Group(mem, c.Args[3])
	if !ok {
		c.Fail(noGroup(c.One.Key, c.Args[3]))
		return
	}
	n := i.s.Consumers(mem, &g)
	c.W.Array(n)
	for at := range n {
		name, who := i.s.ConsumerAt(mem, &g, at)
		inactive := int64(value.Never)
		if who.Active != value.Never {
			inactive = now - who.Active
		}
		c.W.Map(4)
		i.fieldText("name", name)
		i.field("pending", int64(i.s.OwnedCount(mem, &g, who.Number)))
		i.field("idle", max(now-who.Seen, 0))
		i.field("inactive", inactive)
	}
}
