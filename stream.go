package darter

import (
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/slab"
	"github.com/darterdb/darter/internal/value"
)

// # Streams
//
// A Stream is a key that holds a log: entries, each with an ID greater than all before, and with fields. What is added
// stays until it is deleted or trimmed, whoever reads it. A stream whose entries are all gone is still there, with
// what is known of its history; an absent key is an empty stream.
//
// Entries can be shared out: a consumer group gives each entry to one of its consumers and remembers it as pending
// until the consumer acknowledges it. See stream_group.go.
//
// Errors are ErrWrongType if the key holds something else, ErrClosed, ErrInternal; from methods that add ErrOutOfMemory
// and ErrTooLong; from those that change anything ErrReadOnly in a snapshot; from those of groups ErrNoGroup.

// Errors of streams.
const (
	// ErrStreamID says that an ID was to be added that is not greater than the stream's last one, or is zero, or that
	// there is no greater one.
	ErrStreamID = errs.StreamIDLow
	// ErrNoGroup says that there is no such consumer group, or no stream.
	ErrNoGroup = errs.NoGroup
	// ErrGroupExists says that there is a consumer group of that name.
	ErrGroupExists = errs.GroupExists
)

// StreamID is the ID of an entry of a stream: a Unix time in milliseconds, and a number that tells apart entries of one
// time. The zero StreamID comes before all others and is none's.
type StreamID struct{ Ms, Seq uint64 }

// ParseStreamID reads an ID as String writes it. Without a number, "1700000000000", it is the first of its time. What
// is no ID is ErrInvalid.
func ParseStreamID(s string) (StreamID, error) {
	id, ok := value.ParseStreamID(bytesOf(s), 0)
	if !ok {
		return StreamID{}, fmt.Errorf("%w: %.64q is no stream ID", ErrInvalid, s)
	}
	return StreamID(id), nil
}

// StreamIDAt returns the first ID of a time.
func StreamIDAt(t time.Time) StreamID { return StreamID{Ms: uint64(max(t.UnixMilli(), 0))} }

// String returns the ID as Redis writes it: "1700000000000-0".
func (id StreamID) String() string { return string(value.StreamID(id).AppendTo(nil)) }

// Time returns the ID's time.
func (id StreamID) Time() time.Time { return time.UnixMilli(int64(min(id.Ms, math.MaxInt64))) }

// Compare returns -1, 0 or 1 for an ID that is less than, equal to or greater than the other.
func (id StreamID) Compare(other StreamID) int {
	return value.StreamID(id).Compare(value.StreamID(other))
}

// StreamField is a field of an entry. An entry may have several of one name.
type StreamField struct {
	Name  string
	Value []byte
}

// StreamEntry is an entry of a stream. It is a copy: it belongs to the caller.
type StreamEntry struct {
	ID StreamID
	// Fields are in the order in which they were added. They are nil only where a consumer is told of an entry that the
	// stream has lost.
	Fields []StreamField
}

// Get returns the value of the first field of a name, and whether there is one.
func (e *StreamEntry) Get(name string) ([]byte, bool) {
	for i := range e.Fields {
		if e.Fields[i].Name == name {
			return e.Fields[i].Value, true
		}
	}
	return nil, false
}

// copyEntry returns a copy of an entry. Names and values share one piece of memory each.
func copyEntry(e value.StreamEntry) StreamEntry {
	out := StreamEntry{ID: StreamID(e.ID), Fields: make([]StreamField, 0, e.Len)}
	size := 0
	for sum := e; ; {
		name, v, ok := sum.Next()
		if !ok {
			break
		}
		size += name.Len() + v.Len()
	}
	all := make([]byte, 0, size)
	for name, v, ok := e.Next(); ok; name, v, ok = e.Next() {
		at := len(all)
		all = name.AppendTo(all)
		f := StreamField{Name: string(all[at:])}
		all = v.AppendTo(all[:at])
		f.Value = all[at:len(all):len(all)]
		out.Fields = append(out.Fields, f)
	}
	return out
}

// Stream is the stream under a key of a cache or a snapshot: see Cache.Stream.
type Stream struct{ place }

// Stream returns the stream under a key, whether or not there is one yet. It costs nothing and need not be closed.
func (c *Cache) Stream(key string) Stream { return Stream{place{cache: c, key: key}} }

// Stream returns the stream under a key as it was at the instant of the snapshot.
func (s *Snapshot) Stream(key string) Stream { return Stream{place{snap: s, key: key}} }

// StreamAddOptions say more of an AddWith. The zero value chooses the ID by the clock.
type StreamAddOptions struct {
	// ID is the entry's; it must be greater than all before. With ChooseSeq only its time is taken, and the number is the
	// next one of that time.
	ID        StreamID
	ChooseSeq bool

	IfExists bool       // only if there is a stream under the key
	Trim     StreamTrim // remove entries from the start afterwards
}

// StreamTrim says which entries are removed from the start of a stream. The zero value removes none.
type StreamTrim struct {
	MaxLen int      // so many entries stay, at most; 0 means any number
	MinID  StreamID // entries before this ID go; only one of MaxLen and MinID may be given
	Empty  bool     // all entries go

	// Roughly removes only what can be removed cheaply, whole blocks of some dozen entries, and so leaves a few more.
	Roughly bool
	// Limit is how many entries are removed at most; it needs Roughly. 0 means any number.
	Limit int
}

// trim turns the options into those of the keyspace.
func (o *StreamTrim) trim() (t value.StreamTrim, err error) {
	byLen, byID := o.MaxLen != 0 || o.Empty, o.MinID != StreamID{}
	switch {
	case o.MaxLen < 0 || o.Limit < 0:
		return t, fmt.Errorf("%w: StreamTrim has a MaxLen of %d and a Limit of %d", ErrInvalid, o.MaxLen, o.Limit)
	case byLen && byID || o.Empty && o.MaxLen != 0:
		return t, fmt.Errorf("%w: StreamTrim has more than one of MaxLen, MinID and Empty", ErrInvalid)
	case o.Limit != 0 && !o.Roughly:
		return t, fmt.Errorf("%w: StreamTrim.Limit without Roughly", ErrInvalid)
	}
	t = value.StreamTrim{MaxLen: int64(o.MaxLen), MinID: value.StreamID(o.MinID), Whole: o.Roughly, Limit: int64(o.Limit)}
	if byLen {
		t.By = value.TrimMaxLen
	} else if byID {
		t.By = value.TrimMinID
	}
	return t, nil
}

// Add adds an entry to the end of the stream, and returns its ID, which is chosen by the clock. Names of fields and
// their values come in turn, as in
//
//	id, err := c.Stream("clicks").Add("user", "ann", "page", "/")
//
// An odd number of them, or none, is ErrInvalid. O(length of the entry).
func (s Stream) Add(pairs ...string) (id StreamID, err error) {
	if len(pairs) == 0 || len(pairs)%2 != 0 {
		return id, fmt.Errorf("%w: %d names and values", ErrInvalid, len(pairs))
	}
	var few [16][]byte
	list := few[:0]
	for _, p := range pairs {
		list = append(list, bytesOf(p))
	}
	id, _, err = s.add(&keyspace.StreamAdd{}, list)
	return id, err
}

// AddWith adds an entry as the options say, and returns its ID and whether it was added: IfExists may forbid it, which
// is no error. An ID that isn't greater than all before is ErrStreamID; no fields, or options that clash, ErrInvalid.
// O(length of the entry), and O(entries removed) if it trims.
func (s Stream) AddWith(o StreamAddOptions, fields ...StreamField) (id StreamID, added bool, err error) {
	trim, err := o.Trim.trim()
	if err != nil {
		return id, false, err
	}
	if len(fields) == 0 {
		return id, false, fmt.Errorf("%w: an entry without fields", ErrInvalid)
	}
	var few [16][]byte
	list := few[:0]
	for i := range fields {
		list = append(list, bytesOf(fields[i].Name), fields[i].Value)
	}
	given := o.ChooseSeq || o.ID != StreamID{}
	return s.add(&keyspace.StreamAdd{
		ID: value.StreamID(o.ID), Given: given, ChooseSeq: o.ChooseSeq, NoMake: o.IfExists, Trim: trim,
	}, list)
}

func (s Stream) add(o *keyspace.StreamAdd, pairs [][]byte) (id StreamID, added bool, err error) {
	w, err := s.change(false)
	defer w.done(&err)
	if err != nil {
		return id, false, err
	}
	for _, p := range pairs {
		if !w.c.fits(s.key, p) {
			return id, false, ErrTooLong
		}
	}
	got, added, err := w.db.StreamAdd(w.hash, w.key, pairs, o)
	switch err {
	case errs.StreamFull:
		err = ErrStreamID
	case errs.StreamTooLarge:
		err = ErrTooLong
	}
	return StreamID(got), added, err
}

// read opens the stream for reading. r.done is to be called whatever it returns.
func (s Stream) read(r *seen) (stream value.Stream, err error) {
	if err = s.see(r, keyspace.Stream); err == nil {
		stream = value.OpenStream(r.view.Mem, r.raw)
	}
	return stream, err
}

// Len returns how many entries there are. O(1).
func (s Stream) Len() (n int, err error) {
	var r seen
	defer r.done(&err)
	stream, err := s.read(&r)
	return stream.Len, err
}

// Get returns the entry with an ID. One that isn't there is ErrNotFound. O(length of the entry).
func (s Stream) Get(id StreamID) (e StreamEntry, err error) {
	var r seen
	defer r.done(&err)
	stream, err := s.read(&r)
	if err != nil {
		return e, err
	}
	found, ok := stream.Find(r.view.Mem, value.StreamID(id))
	if !ok {
		return e, ErrNotFound
	}
	return copyEntry(found), nil
}

// StreamRange says which entries are wanted. The zero value is all of them.
type StreamRange struct {
	From, To StreamID // from the first to the second, both included; a zero To is the end
	After    StreamID // those after this ID, in place of From
	Count    int      // so many at most, 0 for any number
	Reverse  bool     // the last one first
}

// bounds returns the first and the last ID of the range, and whether there can be any.
func (o *StreamRange) bounds() (from, to value.StreamID, ok bool) {
	from, to, ok = value.StreamID(o.From), value.StreamID(o.To), true
	if o.After != (StreamID{}) {
		from, ok = value.StreamID(o.After).Next()
	}
	if to == (value.StreamID{}) {
		to = value.MaxStreamID
	}
	return from, to, ok
}

// Range returns entries in the order of their IDs, or the reverse. A Count below 0 is ErrInvalid. O(length of the
// entries), with the key's shard held meanwhile: All lets others have it in between.
func (s Stream) Range(o StreamRange) (entries []StreamEntry, err error) {
	if o.Count < 0 {
		return nil, fmt.Errorf("%w: StreamRange.Count is %d, below 0", ErrInvalid, o.Count)
	}
	var r seen
	defer r.done(&err)
	stream, err := s.read(&r)
	from, to, ok := o.bounds()
	if err != nil || !ok {
		return nil, err
	}
	return copyRange(&stream, r.view.Mem, from, to, &o), nil
}

func copyRange(stream *value.Stream, mem slab.Mem, from, to value.StreamID, o *StreamRange) []StreamEntry {
	r := stream.Range(mem, from, to)
	if o.Reverse {
		r = stream.Reverse(mem, from, to)
	}
	most := o.Count
	if most == 0 {
		most = math.MaxInt
	}
	entries := make([]StreamEntry, 0, r.Count(most))
	for len(entries) < cap(entries) {
		e, ok := r.Next()
		if !ok {
			break
		}
		entries = append(entries, copyEntry(e))
	}
	return entries
}

// All yields the entries in order. In a cache it takes them slice by slice, and holds nothing while the loop's body
// runs, which may use the cache: it meets what is added meanwhile, until it has come to the end. In a snapshot each
// entry is met once. What is no stream, or closed, yields nothing. O(length of the entries).
func (s Stream) All() iter.Seq[StreamEntry] {
	return func(yield func(StreamEntry) bool) {
		const slice = 100 // entries are copied at a time
		o := StreamRange{Count: slice}
		for {
			entries, err := s.Range(o)
			if err != nil {
				return
			}
			for _, e := range entries {
				if !yield(e) {
					return
				}
			}
			if len(entries) < slice {
				return
			}
			o.After = entries[slice-1].ID
		}
	}
}

// Delete deletes entries and returns how many of them there were. O(1) for each.
func (s Stream) Delete(ids ...StreamID) (deleted int, err error) {
	w, err := s.change(true)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	var few fewStreamIDs
	return w.db.StreamDelete(w.hash, w.key, few.of(ids))
}

// fewStreamIDs is room for the IDs of most calls.
type fewStreamIDs [8]value.StreamID

func (few *fewStreamIDs) of(ids []StreamID) []value.StreamID {
	list := few[:0]
	for _, id := range ids {
		list = append(list, value.StreamID(id))
	}
	return list
}

// Trim removes entries from the start of the stream and returns how many. Options that clash are ErrInvalid. O(entries
// removed).
func (s Stream) Trim(o StreamTrim) (removed int, err error) {
	trim, err := o.trim()
	if err != nil {
		return 0, err
	}
	w, err := s.change(true)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	return w.db.StreamTrim(w.hash, w.key, &trim)
}

// StreamInfo describes a stream.
type StreamInfo struct {
	Len         int
	First, Last StreamID // of the first and the last entry, zero without any
	LastAdded   StreamID // the ID that was added last, be the entry deleted
	MaxDeleted  StreamID // the greatest ID that was deleted, not trimmed
	Added       uint64   // entries ever added
	Groups      int
}

// Info describes the stream. An absent key is ErrNotFound. O(1).
func (s Stream) Info() (info StreamInfo, err error) {
	var r seen
	defer r.done(&err)
	stream, err := s.read(&r)
	if err != nil {
		return info, err
	}
	if r.raw == nil {
		return info, ErrNotFound
	}
	info = StreamInfo{
		Len: stream.Len, LastAdded: StreamID(stream.Last), MaxDeleted: StreamID(stream.Deleted), Added: stream.Added,
		Groups: stream.GroupCount(r.view.Mem),
	}
	if first, ok := stream.First(r.view.Mem); ok {
		last, _ := stream.Final(r.view.Mem)
		info.First, info.Last = StreamID(first.ID), StreamID(last.ID)
	}
	return info, nil
}
