package value

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/slab"
)

// # Groups
//
// All that is known of the groups of a stream stands in one tree, whose elements begin with what they are found by:
//
//	0 | name                            --> group: number, last ID delivered, entries read, next consumer's number
//	group | 1 | name                    --> consumer: number, when seen, when active
//	group | 2 | consumer                --> name
//	group | 3 | ID                      --> pending entry: consumer, time of delivery, number of deliveries
//	group | 4 | consumer | ID           what a consumer has pending
//
// group and consumer are numbers, from 1, and stand as keys do (see appendKeyNumber); a name ends with two zero bytes,
// so that names are in the order of their bytes. How many consumers a group has, or how much is pending, is told by
// the ranks of two elements, so nothing needs to be counted; and a group is destroyed as one range of elements. A
// pending entry takes about 35 bytes, a third of what it takes in Redis.
const (
	byName    = 1
	byNumber  = 2
	isPending = 3
	isOwned   = 4
)

// UnknownRead is the number of entries read of a group for which it isn't known.
const UnknownRead = -1

// Never is the time of what hasn't happened.
const Never = -1

// StreamGroup is a group of consumers. A change of its fields is kept by SetGroup.
type StreamGroup struct {
	Last StreamID // the ID that was delivered last
	Read int64    // how many entries of the stream were read up to there, or UnknownRead

	number       uint64
	nextConsumer uint64
}

// StreamConsumer is a member of a group. A change of its times is kept by SetConsumer.
type StreamConsumer struct {
	Number uint64
	Seen   int64 // when it last tried to read or claim, Unix time in milliseconds
	Active int64 // when it last did, or Never
}

// appendName appends a name in the order of its bytes: none is the beginning of another.
func appendName(dst, name []byte) []byte {
	for {
		i := bytes.IndexByte(name, 0)
		if i < 0 {
			return append(append(dst, name...), 0, 0)
		}
		dst = append(append(dst, name[:i+1]...), 0xFF)
		name = name[i+1:]
	}
}

// nameKey reads what appendName has written, and returns it with the bytes it takes. It is part of b if it can be.
func nameKey(b []byte) (name []byte, n int) {
	n = bytes.IndexByte(b, 0)
	if b[n+1] == 0 {
		return b[:n:n], n + 2
	}
	for name = slices.Clone(b[:n]); b[n+1] != 0; {
		part := b[n+2:]
		part = part[:bytes.IndexByte(part, 0)]
		name = append(append(name, 0), part...)
		n += 2 + len(part)
	}
	return name, n + 2
}

// groupList is the tree.
type groupList struct{ groups btree.Tree }

// keyBuffer holds most keys of the tree of groups.
type keyBuffer [96]byte

func groupKey(dst, name []byte) []byte { return appendName(append(dst, 0), name) }

// under appends the beginning of what belongs to a group.
func (g *StreamGroup) under(dst []byte, what byte) []byte {
	return append(appendKeyNumber(dst, g.number), what)
}

// elem appends the element of a group.
func (g *StreamGroup) elem(dst, name []byte) []byte {
	return appendUvarints(groupKey(dst, name), g.number, g.Last.Ms, g.Last.Seq, uint64(g.Read+1), g.nextConsumer)
}

// uvarintList reads uvarints.
type uvarintList []byte

func (b *uvarintList) next() uint64 {
	u, n := uvarint(*b)
	*b = (*b)[n:]
	return u
}

func groupOf(payload []byte) StreamGroup {
	b := uvarintList(payload)
	return StreamGroup{
		number: b.next(), Last: StreamID{b.next(), b.next()}, Read: int64(b.next()) - 1, nextConsumer: b.next(),
	}
}

// elem returns the bytes of the element of a rank in the tree of groups.
func (s *groupList) elem(m slab.Mem, rank int) []byte {
	e, _ := s.groups.At(m, rank)
	return btree.Bytes(m, e)
}

// lookup returns the rank of the element that begins with a key, and what stands behind that.
func (s *groupList) lookup(m slab.Mem, key []byte) (rank int, payload []byte, ok bool) {
	rank, ok = s.groups.SeekPrefix(m, key)
	if !ok {
		return rank, nil, false
	}
	return rank, s.elem(m, rank)[len(key):], true
}

// part returns the ranks of all that a group has of a sort: from the first up to, not with, the second.
func (s *groupList) part(m slab.Mem, g *StreamGroup, what byte) (from, to int) {
	var key keyBuffer
	from, _ = s.groups.Seek(m, g.under(key[:0], what))
	to, _ = s.groups.Seek(m, g.under(key[:0], what+1))
	return from, to
}

// GroupCount returns how many groups there are.
func (s *Stream) GroupCount(m slab.Mem) int {
	n, _ := s.groups.Seek(m, []byte{1})
	return n
}

// Group returns a group by its name.
func (s *Stream) Group(m slab.Mem, name []byte) (StreamGroup, bool) {
	var key keyBuffer
	_, payload, ok := s.lookup(m, groupKey(key[:0], name))
	if !ok {
		return StreamGroup{}, false
	}
	return groupOf(payload), true
}

// GroupAt returns the i-th group and its name, in the order of names.
func (s *Stream) GroupAt(m slab.Mem, i int) (name []byte, g StreamGroup) {
	b := s.elem(m, i)
	name, n := nameKey(b[1:])
	return name, groupOf(b[1+n:])
}

// AddGroup makes a group, of a name that none has.
func (s *Stream) AddGroup(h *Heap, name []byte, last StreamID, read int64) error {
	g := StreamGroup{Last: last, Read: read, number: s.nextGroup, nextConsumer: 1}
	var key keyBuffer
	if _, _, err := s.groups.Insert(h.Slab, g.elem(key[:0], name)); err != nil {
		return err
	}
	s.nextGroup++
	return nil
}

// SetGroup keeps what has changed of a group.
func (s *Stream) SetGroup(h *Heap, name []byte, g *StreamGroup) error {
	var key keyBuffer
	rank, _ := s.groups.SeekPrefix(h.Mem, groupKey(key[:0], name))
	return s.groups.Set(h.Slab, rank, g.elem(key[:0], name))
}

// RemoveGroup removes a group with its consumers and what they have pending. On an error it may have lost some of them.
func (s *Stream) RemoveGroup(h *Heap, name []byte, g *StreamGroup) error {
	var key keyBuffer
	from, _ := s.groups.Seek(h.Mem, appendKeyNumber(key[:0], g.number))
	to, _ := s.groups.Seek(h.Mem, appendKeyNumber(key[:0], g.number+1))
	if err := s.groups.DeleteRange(h.Slab, from, to-from); err != nil {
		return err
	}
	rank, _ := s.groups.SeekPrefix(h.Mem, groupKey(key[:0], name))
	if err := s.groups.DeleteRange(h.Slab, rank, 1); err != nil {
		return err
	}
	if s.groups.Count == 0 {
		s.nextGroup = 1
	}
	return nil
}

// consumerElem appends the element of a consumer, found by its name.
func (g *StreamGroup) consumerElem(dst, name []byte, c *StreamConsumer) []byte {
	dst = appendUvarints(appendName(g.under(dst, byName), name), c.Number)
	return binary.AppendVarint(binary.AppendVarint(dst, c.Seen), c.Active)
}

func consumerOf(payload []byte) StreamConsumer {
	number, n := uvarint(payload)
	seen, k := binary.Varint(payload[n:])
	active, _ := binary.Varint(payload[n+k:])
	return StreamConsumer{number, seen, active}
}

// Consumers returns how many consumers a group has.
func (s *Stream) Consumers(m slab.Mem, g *StreamGroup) int {
	from, to := s.part(m, g, byName)
	return to - from
}

// Consumer returns a consumer by its name.
func (s *Stream) Consumer(m slab.Mem, g *StreamGroup, name []byte) (StreamConsumer, bool) {
	var key keyBuffer
	_, payload, ok := s.lookup(m, appendName(g.under(key[:0], byName), name))
	if !ok {
		return StreamConsumer{}, false
	}
	return consumerOf(payload), true
}

// ConsumerAt returns the i-th consumer of a group and its name, in the order of names.
func (s *Stream) ConsumerAt(m slab.Mem, g *StreamGroup, i int) (name []byte, c StreamConsumer) {
	var key keyBuffer
	prefix := g.under(key[:0], byName)
	first, _ := s.groups.Seek(m, prefix)
	b := s.elem(m, first+i)[len(prefix):]
	name, n := nameKey(b)
	return name, consumerOf(b[n:])
}

// ConsumerName returns the name of a consumer by its number.
func (s *Stream) ConsumerName(m slab.Mem, g *StreamGroup, number uint64) []byte {
	var key keyBuffer
	_, name, _ := s.lookup(m, appendKeyNumber(g.under(key[:0], byNumber), number))
	return name
}

// AddConsumer makes a consumer, of a name that none has, and keeps the group.
func (s *Stream) AddConsumer(h *Heap, group []byte, g *StreamGroup, name []byte, now int64) (StreamConsumer, error) {
	c := StreamConsumer{Number: g.nextConsumer, Seen: now, Active: Never}
	var key keyBuffer
	number := append(appendKeyNumber(g.under(key[:0], byNumber), c.Number), name...)
	if _, _, err := s.groups.Insert(h.Slab, number); err != nil {
		return c, err
	}
	rank, _, err := s.groups.Insert(h.Slab, g.consumerElem(key[:0], name, &c))
	if err == nil {
		g.nextConsumer++
		if err = s.SetGroup(h, group, g); err == nil {
			return c, nil
		}
		_ = s.groups.DeleteRange(h.Slab, rank, 1)
	}
	_, _, _ = s.groups.Delete(h.Slab, append(appendKeyNumber(g.under(key[:0], byNumber), c.Number), name...))
	return c, err
}

// SetConsumer keeps what has changed of a consumer.
func (s *Stream) SetConsumer(h *Heap, g *StreamGroup, name []byte, c *StreamConsumer) error {
	var key keyBuffer
	rank, _ := s.groups.SeekPrefix(h.Mem, appendName(g.under(key[:0], byName), name))
	return s.groups.Set(h.Slab, rank, g.consumerElem(key[:0], name, c))
}

// RemoveConsumer removes a consumer with what it has pending, and returns how much that was. On an error it may have
// lost some of it.
func (s *Stream) RemoveConsumer(h *Heap, g *StreamGroup, name []byte, c *StreamConsumer) (pending int, err error) {
	var key keyBuffer
	owned := appendKeyNumber(g.under(key[:0], isOwned), c.Number)
	for {
		rank, has := s.groups.SeekPrefix(h.Mem, owned)
		if !has {
			break
		}
		id, _ := idKey(s.elem(h.Mem, rank)[len(owned):])
		if _, err := s.Ack(h, g, id); err != nil {
			return pending, err
		}
		pending++
	}
	rank, _ := s.groups.SeekPrefix(h.Mem, appendName(g.under(key[:0], byName), name))
	if err := s.groups.DeleteRange(h.Slab, rank, 1); err != nil {
		return pending, err
	}
	rank, _ = s.groups.SeekPrefix(h.Mem, appendKeyNumber(g.under(key[:0], byNumber), c.Number))
	return pending, s.groups.DeleteRange(h.Slab, rank, 1)
}
