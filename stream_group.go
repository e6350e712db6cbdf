package darter

import (
	"fmt"
	"math"
	"time"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/value"
)

// # Consumer groups
//
// A group reads a stream from some entry on. ReadGroup gives each entry to one consumer and makes it pending; the
// consumer works on it and calls Ack. What stays pending for too long, because its consumer has died, is given to
// another by Claim or AutoClaim. Consumers come into being when they are first named.
//
//	entries, err := s.ReadGroup("workers", "ann", darter.GroupRead{Count: 10})
//	... work on them ...
//	_, err = s.Ack("workers", ids...)

// GroupStart says where a new group begins. The zero value is the start of the stream.
type GroupStart struct {
	After   StreamID // it reads what comes after this ID
	Latest  bool     // it reads what is added from now on, in place of After
	MakeNew bool     // an absent key becomes an empty stream; else it is ErrNotFound
}

// start turns the options into those of the keyspace.
func (o *GroupStart) start() *keyspace.GroupStart {
	return &keyspace.GroupStart{After: value.StreamID(o.After), Latest: o.Latest, Read: value.UnknownRead}
}

// CreateGroup makes a consumer group. If there is one of that name it is ErrGroupExists. O(1).
func (s Stream) CreateGroup(group string, o GroupStart) (err error) {
	w, err := s.change(false)
	defer w.done(&err)
	if err != nil {
		return err
	}
	if !w.c.fits(s.key, bytesOf(group)) {
		return ErrTooLong
	}
	return w.db.GroupCreate(w.hash, w.key, bytesOf(group), o.start(), o.MakeNew)
}

// SetGroup sets where a group goes on reading. What is pending stays pending. GroupStart.MakeNew means nothing here.
// O(1).
func (s Stream) SetGroup(group string, o GroupStart) (err error) {
	w, err := s.change(false)
	defer w.done(&err)
	if err != nil {
		return err
	}
	return noGroup(w.db.GroupSetID(w.hash, w.key, bytesOf(group), o.start()))
}

// noGroup says of an absent key what is said of an absent group.
func noGroup(err error) error {
	if err == errs.NoSuchKey {
		return ErrNoGroup
	}
	return err
}

// DestroyGroup removes a group with all that is pending in it, and says whether there was one. O(entries pending).
func (s Stream) DestroyGroup(group string) (done bool, err error) {
	w, err := s.change(true)
	defer w.done(&err)
	if err != nil {
		return false, err
	}
	done, err = w.db.GroupDestroy(w.hash, w.key, bytesOf(group))
	if err == errs.NoSuchKey {
		err = nil
	}
	return done, err
}

// CreateConsumer makes a consumer of a group, and says whether there was none of that name. O(1).
func (s Stream) CreateConsumer(group, consumer string) (created bool, err error) {
	w, err := s.change(false)
	defer w.done(&err)
	if err != nil {
		return false, err
	}
	if !w.c.fits(s.key, bytesOf(consumer)) {
		return false, ErrTooLong
	}
	created, err = w.db.ConsumerCreate(w.hash, w.key, bytesOf(group), bytesOf(consumer))
	return created, noGroup(err)
}

// DeleteConsumer removes a consumer from a group with what it has pending, and returns how much that was: entries that
// nobody will read again. O(entries pending with it).
func (s Stream) DeleteConsumer(group, consumer string) (pending int, err error) {
	w, err := s.change(true)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	pending, err = w.db.ConsumerDelete(w.hash, w.key, bytesOf(group), bytesOf(consumer))
	return pending, noGroup(err)
}

// GroupRead says what a consumer reads. The zero value is all that its group has not read yet.
type GroupRead struct {
	Count int  // so many entries at most, 0 for any number
	NoAck bool // the entries don't become pending

	// History asks, in place of new entries, for those after After that the consumer has pending already, which count as
	// delivered once more.
	History bool
	After   StreamID
}

// ReadGroup reads for a consumer of a group, which is made if it isn't there. What it returns is pending with the
// consumer until Ack. Of an entry of its history that the stream has lost only the ID is left. O(length of the
// entries).
func (s Stream) ReadGroup(group, consumer string, o GroupRead) (entries []StreamEntry, err error) {
	if o.Count < 0 {
		return nil, fmt.Errorf("%w: GroupRead.Count is %d, below 0", ErrInvalid, o.Count)
	}
	w, err := s.change(false)
	defer w.done(&err)
	if err != nil {
		return nil, err
	}
	if !w.c.fits(s.key, bytesOf(consumer)) {
		return nil, ErrTooLong
	}
	g, name := bytesOf(group), bytesOf(consumer)
	if !o.History {
		d, err := w.db.GroupRead(w.hash, w.key, g, name, o.Count, o.NoAck)
		if err != nil || d.Count == 0 {
			return nil, err
		}
		stream, mem := w.stream()
		from, _ := d.After.Next()
		return copyRange(&stream, mem, from, value.MaxStreamID, &StreamRange{Count: d.Count}), nil
	}
	d, err := w.db.GroupHistory(w.hash, w.key, g, name, value.StreamID(o.After), o.Count)
	if err != nil || d.Count == 0 {
		return nil, err
	}
	stream, mem := w.stream()
	sg, _ := stream.Group(mem, g)
	c, _ := stream.Consumer(mem, &sg, name)
	from, _ := d.After.Next()
	history := stream.OwnedFrom(mem, &sg, c.Number, from)
	for range d.Count {
		p, _ := history.Next()
		entries = append(entries, streamEntryOf(&stream, w, p.ID))
	}
	return entries, nil
}

// stream opens the stream of a key that was changed.
func (w *changed) stream() (value.Stream, slab.Mem) {
	stream, _ := w.db.Look(w.hash, w.key).Stream()
	return stream, w.db.Heap().Mem
}

// streamEntryOf returns a copy of an entry; of one that is lost only the ID.
func streamEntryOf(stream *value.Stream, w changed, id value.StreamID) StreamEntry {
	if e, ok := stream.Find(w.db.Heap().Mem, id); ok {
		return copyEntry(e)
	}
	return StreamEntry{ID: StreamID(id)}
}

// Ack acknowledges entries: they are no longer pending. It returns how many were. O(log pending) for each.
func (s Stream) Ack(group string, ids ...StreamID) (acked int, err error) {
	w, err := s.change(true)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	var few fewStreamIDs
	return w.db.GroupAck(w.hash, w.key, bytesOf(group), few.of(ids))
}

// GroupPending is an entry that was given to a consumer, who hasn't acknowledged it.
type GroupPending struct {
	ID       StreamID
	Consumer string
	Idle     time.Duration // since it was delivered last
	Count    int64         // how many times it was
}

// PendingRange says which pending entries are wanted. The zero value is all of them.
type PendingRange struct {
	From, To StreamID      // from the first to the second, both included; a zero To is the end
	Consumer string        // only with this consumer
	MinIdle  time.Duration // only what is idle for so long
	Count    int           // so many at most, 0 for any number
}

// Pending returns what is pending in a group, in the order of IDs. In a snapshot Idle is what it was. O(entries looked
// at).
func (s Stream) Pending(group string, o PendingRange) (list []GroupPending, err error) {
	var r seen
	defer r.done(&err)
	stream, err := s.read(&r)
	if err != nil {
		return nil, err
	}
	g, ok := stream.Group(r.view.Mem, bytesOf(group))
	if !ok {
		return nil, ErrNoGroup
	}
	from, to, _ := (&StreamRange{From: o.From, To: o.To}).bounds()
	pending := stream.PendingFrom(r.view.Mem, &g, from)
	if o.Consumer != "" {
		c, ok := stream.Consumer(r.view.Mem, &g, bytesOf(o.Consumer))
		if !ok {
			return nil, nil
		}
		pending = stream.OwnedFrom(r.view.Mem, &g, c.Number, from)
	}
	for o.Count <= 0 || len(list) < o.Count {
		p, ok := pending.Next()
		if !ok || to.Less(p.ID) {
			break
		}
		if idle := sinceMs(r.view.Now, p.Time); idle >= o.MinIdle {
			name := string(stream.ConsumerName(r.view.Mem, &g, p.Consumer))
			list = append(list, GroupPending{ID: StreamID(p.ID), Consumer: name, Idle: idle, Count: p.Count})
		}
	}
	return list, nil
}

// sinceMs returns how long ago a time was, both in milliseconds.
func sinceMs(now, at int64) time.Duration {
	return time.Duration(min(max(now-at, 0), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// ClaimOptions say how a consumer takes over pending entries.
type ClaimOptions struct {
	MinIdle time.Duration // only entries that are idle for so long
	Force   bool          // entries that aren't pending become so
	JustID  bool          // only their IDs are returned, and it doesn't count as a delivery
}

func (o *ClaimOptions) claim() *keyspace.StreamClaim {
	return &keyspace.StreamClaim{
		MinIdle: int64(max(o.MinIdle, 0) / time.Millisecond), Time: -1, Count: -1, Force: o.Force, JustID: o.JustID,
	}
}

// Claim gives a consumer, which is made if it isn't there, entries that are pending with others, and returns those
// that it got. Entries that the stream has lost are no longer pending. O(log pending) for each, and the length of the
// entries.
func (s Stream) Claim(group, consumer string, o ClaimOptions, ids ...StreamID) (entries []StreamEntry, err error) {
	w, err := s.change(false)
	defer w.done(&err)
	if err != nil {
		return nil, err
	}
	if !w.c.fits(s.key, bytesOf(consumer)) {
		return nil, ErrTooLong
	}
	var few, got fewStreamIDs
	claimed, err := w.db.GroupClaim(got[:0], w.hash, w.key, bytesOf(group), bytesOf(consumer), few.of(ids), o.claim())
	if err != nil {
		return nil, err
	}
	return w.claimed(claimed, o.JustID), nil
}

// claimed returns copies of entries that were claimed.
func (w changed) claimed(ids []value.StreamID, justID bool) (entries []StreamEntry) {
	stream, _ := w.stream()
	for _, id := range ids {
		if justID {
			entries = append(entries, StreamEntry{ID: StreamID(id)})
		} else {
			entries = append(entries, streamEntryOf(&stream, w, id))
		}
	}
	return entries
}

// AutoClaimOptions say how AutoClaim goes over what is pending.
type AutoClaimOptions struct {
	ClaimOptions
	From  StreamID // where to begin: AutoClaimed.Next of the call before
	Count int      // so many entries at most, 0 for a hundred
}

// AutoClaimed is what an AutoClaim did.
type AutoClaimed struct {
	Entries []StreamEntry // those that the consumer got
	Lost    []StreamID    // those that the stream has lost: they are no longer pending
	Next    StreamID      // where to go on, zero at the end
}

// AutoClaim goes over what is pending in a group, part by part, and gives a consumer, which is made if it isn't there,
// what is idle for long enough. It looks at ten times Count entries at most. ClaimOptions.Force means nothing here.
func (s Stream) AutoClaim(group, consumer string, o AutoClaimOptions) (out AutoClaimed, err error) {
	if o.Count < 0 || int64(o.Count) > math.MaxInt64/16 {
		return out, fmt.Errorf("%w: AutoClaimOptions.Count is %d", ErrInvalid, o.Count)
	}
	if o.Count == 0 {
		o.Count = 100
	}
	w, err := s.change(false)
	defer w.done(&err)
	if err != nil {
		return out, err
	}
	if !w.c.fits(s.key, bytesOf(consumer)) {
		return out, ErrTooLong
	}
	r, err := w.db.GroupAutoClaim(keyspace.AutoClaimed{}, w.hash, w.key, bytesOf(group), bytesOf(consumer),
		value.StreamID(o.From), int64(o.Count), o.claim())
	if err != nil {
		return out, err
	}
	out = AutoClaimed{Entries: w.claimed(r.Claimed, o.JustID), Next: StreamID(r.Next)}
	for _, id := range r.Lost {
		out.Lost = append(out.Lost, StreamID(id))
	}
	return out, nil
}

// GroupInfo describes a consumer group.
type GroupInfo struct {
	Name          string
	Consumers     int
	Pending       int
	LastDelivered StreamID
	Lag           int64 // entries that the group has not read yet, -1 if that is not known
}

// Groups describes the stream's groups, in the order of their names. O(groups).
func (s Stream) Groups() (list []GroupInfo, err error) {
	var r seen
	defer r.done(&err)
	stream, err := s.read(&r)
	if err != nil || r.raw == nil {
		return nil, err
	}
	first, _ := stream.First(r.view.Mem)
	for i := range stream.GroupCount(r.view.Mem) {
		name, g := stream.GroupAt(r.view.Mem, i)
		lag, known := stream.Lag(&g, first.ID)
		if !known {
			lag = -1
		}
		list = append(list, GroupInfo{
			Name: string(name), Consumers: stream.Consumers(r.view.Mem, &g), Pending: stream.PendingCount(r.view.Mem, &g),
			LastDelivered: StreamID(g.Last), Lag: lag,
		})
	}
	return list, nil
}

// ConsumerInfo describes a consumer of a group.
type ConsumerInfo struct {
	Name    string
	Pending int
	Seen    time.Time // when it last read or claimed, or tried to
	Active  time.Time // when it last got something by that; zero if it never did
}

// Consumers describes a group's consumers, in the order of their names. O(consumers).
func (s Stream) Consumers(group string) (list []ConsumerInfo, err error) {
	var r seen
	defer r.done(&err)
	stream, err := s.read(&r)
	if err != nil {
		return nil, err
	}
	g, ok := stream.Group(r.view.Mem, bytesOf(group))
	if !ok {
		return nil, ErrNoGroup
	}
	for i := range stream.Consumers(r.view.Mem, &g) {
		name, c := stream.ConsumerAt(r.view.Mem, &g, i)
		owned := stream.OwnedCount(r.view.Mem, &g, c.Number)
		info := ConsumerInfo{Name: string(name), Pending: owned, Seen: time.UnixMilli(c.Seen)}
		if c.Active != value.Never {
			info.Active = time.UnixMilli(c.Active)
		}
		list = append(list, info)
	}
	return list, nil
}
