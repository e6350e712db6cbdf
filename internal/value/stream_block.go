package value

import (
	"encoding/binary"
	"math"

	"github.com/darterdb/darter/internal/packed"
)

// # Blocks
//
// The entries of a stream stand in blocks of consecutive ones. Most streams have entries that all have the same
// fields, so a block has the fields of its first entry once, and an entry with just these has only its values:
//
//	0   u64  base, the ID of the first entry: time
//	8   u64  and number
//	16  u32  bytes of the block in use, this header included
//	20  u32  weight: the bytes that Redis's node would have
//	24  u16  live entries
//	26  u16  entries, with those that were deleted
//	28       number of fields | bytes of their names | name | name ... | entry | entry | ...
//
//	entry    bytes that follow << 2 | sameFields | deleted, uvarint
//	         time - base's, and whether the number follows, which is 0 else: see appendTime
//	         number, uvarint; less base's if the time is base's
//	         with sameFields: value | value ...     else: number of fields, uvarint | name | value | name | value ...
//
// Names and values are elements of package packed. An entry that is deleted stays with a flag, so that a block is
// changed in place; a block that isn't the last is written anew once most of its entries are deleted.
//
// An entry of two fields with values of 8 bytes takes 20 to 22 bytes, in Redis 28 to 30.
//
// # Where blocks end
//
// A block takes no further entry when Redis's node, with the same entries, would take none (stream-node-max-bytes and
// stream-node-max-entries). Trimming with ~ removes whole blocks, so it leaves the very entries that Redis leaves.
// Hence the weight: a node is a listpack, whose size is easily told without making one.
type block []byte

const (
	blockSeq    = 8
	blockUsed   = 16
	blockWeight = 20
	blockLive   = 24
	blockTotal  = 26
	blockHeader = 28

	entryDeleted = 1
	sameFields   = 2

	// Bounds of a block whatever the limits are: of Redis's as it is, and what the counts can say.
	maxBlockWeight  = 1 << 30
	maxBlockEntries = math.MaxUint16
)

func (b block) base() StreamID {
	return StreamID{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[blockSeq:])}
}

func (b block) used() int     { return int(binary.LittleEndian.Uint32(b[blockUsed:])) }
func (b block) weight() int64 { return int64(binary.LittleEndian.Uint32(b[blockWeight:])) }
func (b block) live() int     { return int(binary.LittleEndian.Uint16(b[blockLive:])) }
func (b block) total() int    { return int(binary.LittleEndian.Uint16(b[blockTotal:])) }
func (b block) setUsed(n int) { binary.LittleEndian.PutUint32(b[blockUsed:], uint32(n)) }
func (b block) setWeight(w int64) {
	binary.LittleEndian.PutUint32(b[blockWeight:], uint32(min(w, math.MaxUint32)))
}
func (b block) setLive(n int)  { binary.LittleEndian.PutUint16(b[blockLive:], uint16(n)) }
func (b block) setTotal(n int) { binary.LittleEndian.PutUint16(b[blockTotal:], uint16(n)) }

// full says that the block takes no entry with fields and values of so many bytes.
func (b block) full(payload int, l *Limits) bool {
	heaviest := l.StreamBytes.Load()
	if heaviest <= 0 || heaviest > maxBlockWeight {
		heaviest = maxBlockWeight
	}
	most := l.StreamEntries.Load()
	if most <= 0 || most > maxBlockEntries {
		most = maxBlockEntries
	}
	weight := b.weight() + listpackInt(int64(b.live())) + listpackInt(int64(b.total()-b.live()))
	return weight+int64(payload) >= heaviest || int64(b.total()) >= most
}

// headSize returns how many bytes a block has before its entries, if the first of them has those fields.
func headSize(pairs [][]byte) int {
	names := namesSize(pairs)
	return blockHeader + uvarintSize(uint64(len(pairs)/2)) + uvarintSize(uint64(names)) + names
}

func namesSize(pairs [][]byte) (size int) {
	for i := 0; i < len(pairs); i += 2 {
		size += packed.SizeValue(pairs[i])
	}
	return size
}

// appendHead appends a block without entries, whose first one will have that ID and those fields.
func appendHead(dst []byte, id StreamID, pairs [][]byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, id.Ms)
	dst = binary.LittleEndian.AppendUint64(dst, id.Seq)
	dst = append(dst, make([]byte, blockHeader-blockUsed)...)
	dst = binary.AppendUvarint(dst, uint64(len(pairs)/2))
	dst = binary.AppendUvarint(dst, uint64(namesSize(pairs)))
	weight := listpackFrame + listpackInt(int64(len(pairs)/2)) + listpackInt(0)
	for i := 0; i < len(pairs); i += 2 {
		at := len(dst)
		dst = packed.AppendValue(dst, pairs[i])
		weight += listpackElem(dst[at:])
	}
	b := block(dst[start:])
	b.setUsed(len(b))
	b.setWeight(weight)
	return dst
}

// names returns the fields of the block's first entry, and how many they are, and where the entries start.
func (b block) names() (names []byte, n, end int) {
	count, k := uvarint(b[blockHeader:])
	size, k2 := uvarint(b[blockHeader+k:])
	at := blockHeader + k + k2
	end = at + int(size)
	return b[at:end:end], int(count), end
}

// hasFields says that an entry has the fields of the block's first one.
func (b block) hasFields(pairs [][]byte) bool {
	names, n, _ := b.names()
	if 2*n != len(pairs) {
		return false
	}
	for i := 0; i < len(pairs); i += 2 {
		e, size := packed.Decode(names)
		if !e.Equal(pairs[i]) {
			return false
		}
		names = names[size:]
	}
	return true
}

// entryForm is how an entry will stand in a block.
type entryForm struct {
	ms, seq uint64 // as appendTime has them
	same    bool   // it has the fields of the block's first entry
	body    int    // bytes that follow its first number
}

// firstForm returns the form of a block's first entry.
func firstForm(pairs [][]byte) entryForm {
	f := entryForm{same: true}
	f.measure(pairs)
	return f
}

// form returns the form of another entry.
func (b block) form(id StreamID, pairs [][]byte) entryForm {
	base := b.base()
	f := entryForm{ms: id.Ms - base.Ms, seq: id.Seq, same: b.hasFields(pairs)}
	if f.ms == 0 {
		f.seq -= base.Seq
	}
	f.measure(pairs)
	return f
}

func (f *entryForm) measure(pairs [][]byte) {
	f.body = timeSize(f.ms)
	if f.seq != 0 {
		f.body += uvarintSize(f.seq)
	}
	if !f.same {
		f.body += uvarintSize(uint64(len(pairs)/2)) + namesSize(pairs)
	}
	for i := 1; i < len(pairs); i += 2 {
		f.body += packed.SizeValue(pairs[i])
	}
}

// head returns the entry's first number.
func (f *entryForm) head() uint64 {
	head := uint64(f.body) << 2
	if f.same {
		head |= sameFields
	}
	return head
}

// size returns how many bytes the entry takes.
func (f *entryForm) size() int { return uvarintSize(f.head()) + f.body }

// append appends the entry, which has an ID whose number is seq more than that of the block's base, and returns its
// weight.
func (f *entryForm) append(dst []byte, seq int64, pairs [][]byte) ([]byte, int64) {
	dst = binary.AppendUvarint(dst, f.head())
	dst = appendTime(dst, f.ms, f.seq)
	step, flags, count := 1, int64(0), len(pairs)/2
	elements := 4 + 2*count
	if f.same {
		step, flags, elements = 2, sameFields, 3+count
	}
	weight := listpackInt(flags) + listpackInt(int64(f.ms)) + listpackInt(seq) + listpackInt(int64(elements))
	if !f.same {
		dst = binary.AppendUvarint(dst, uint64(count))
		weight += listpackInt(int64(count))
	}
	for i := step - 1; i < len(pairs); i += step {
		at := len(dst)
		dst = packed.AppendValue(dst, pairs[i])
		weight += listpackElem(dst[at:])
	}
	return dst, weight
}

// blockIter goes over the entries of a block, deleted ones included.
type blockIter struct {
	b     block
	base  StreamID
	names []byte
	n     int
	next  int // where the next entry starts
}

func (b block) entries() blockIter {
	names, n, at := b.names()
	return blockIter{b: b, base: b.base(), names: names, n: n, next: at}
}

// step returns the ID and the place of the next entry, and whether it is deleted.
func (it *blockIter) step() (id StreamID, at int, deleted, ok bool) {
	if it.next >= len(it.b) {
		return id, 0, false, false
	}
	at = it.next
	head, n := uvarint(it.b[at:])
	body := at + n
	it.next = body + int(head>>2)
	ms, seq, _ := readTime(it.b[body:])
	return it.id(ms, seq), at, head&entryDeleted != 0, true
}

// appendTime appends the time of an entry, and its number unless that is 0, as that of most is. The first byte says
// with its last bit whether there is a number, and with its first one whether it has only the lower timeBits of the
// time.
func appendTime(dst []byte, ms, seq uint64) []byte {
	first := byte(ms&(1<<timeBits-1)) << 1
	if seq != 0 {
		first |= 1
	}
	if ms >>= timeBits; ms == 0 {
		dst = append(dst, first)
	} else {
		dst = binary.AppendUvarint(append(dst, first|0x80), ms)
	}
	if seq != 0 {
		dst = binary.AppendUvarint(dst, seq)
	}
	return dst
}

const timeBits = 6

// timeSize returns how many bytes of appendTime's the time takes.
func timeSize(ms uint64) int {
	if ms >>= timeBits; ms != 0 {
		return 1 + uvarintSize(ms)
	}
	return 1
}

// readTime reads what appendTime has written, and returns it with the bytes it takes.
func readTime(b []byte) (ms, seq uint64, n int) {
	ms, n = uint64(b[0]>>1&(1<<timeBits-1)), 1
	if b[0]&0x80 != 0 {
		high, k := uvarint(b[1:])
		ms |= high << timeBits
		n += k
	}
	if b[0]&1 != 0 {
		number, k := uvarint(b[n:])
		seq, n = number, n+k
	}
	return ms, seq, n
}

func (it *blockIter) id(ms, seq uint64) StreamID {
	if ms == 0 {
		return StreamID{it.base.Ms, it.base.Seq + seq}
	}
	return StreamID{it.base.Ms + ms, seq}
}

// entry returns the entry at a place.
func (it *blockIter) entry(at int) StreamEntry {
	head, n := uvarint(it.b[at:])
	body := it.b[at+n : at+n+int(head>>2)]
	ms, seq, n := readTime(body)
	e := StreamEntry{ID: it.id(ms, seq), Len: it.n, names: it.names, rest: body[n:]}
	if head&sameFields == 0 {
		count, n := uvarint(e.rest)
		e.Len, e.names, e.rest = int(count), nil, e.rest[n:]
	}
	return e
}

// find returns where the live entry with an ID is.
func (b block) find(id StreamID) (at int, ok bool) {
	for it := b.entries(); ; {
		have, at, deleted, ok := it.step()
		if !ok || id.Less(have) {
			return 0, false
		}
		if have == id {
			return at, !deleted
		}
	}
}

// kill marks the entry at a place, which is live, as deleted.
func (b block) kill(at int) {
	b[at] |= entryDeleted
	b.setLive(b.live() - 1)
}

// last returns the ID of the block's last entry, which may be deleted.
func (b block) last() StreamID {
	last := b.base()
	for it := b.entries(); ; {
		id, _, _, ok := it.step()
		if !ok {
			return last
		}
		last = id
	}
}

// appendLive appends the block without its deleted entries, but for the last one, whose ID trimming goes by.
func (b block) appendLive(dst []byte) []byte {
	start, kept := len(dst), 0
	it := b.entries()
	dst = append(dst, b[:it.next]...)
	for {
		_, at, deleted, ok := it.step()
		if !ok {
			break
		}
		if !deleted || it.next == len(b) {
			dst = append(dst, b[at:it.next]...)
			kept++
		}
	}
	c := block(dst[start:])
	c.setUsed(len(c))
	c.setTotal(kept)
	return dst
}

// sparse says that most entries of the block are deleted.
func (b block) sparse() bool { return b.live() < b.total()/2 }

// StreamEntry is an entry of a stream, with its fields in the order in which they were given; a field may come more
// than once. Its bytes are the stream's own.
type StreamEntry struct {
	ID    StreamID
	Len   int    // fields that are still to come
	names []byte // their names, unless they stand among the values
	rest  []byte
}

// Next returns the next field.
func (e *StreamEntry) Next() (name, value packed.Elem, ok bool) {
	if e.Len == 0 {
		return name, value, false
	}
	e.Len--
	var n int
	if e.names != nil {
		name, n = packed.Decode(e.names)
		e.names = e.names[n:]
	} else {
		name, n = packed.Decode(e.rest)
		e.rest = e.rest[n:]
	}
	value, n = packed.Decode(e.rest)
	e.rest = e.rest[n:]
	return name, value, true
}

// listpackFrame is what a listpack has beside its elements.
const listpackFrame = 7

// listpackInt returns what an integer takes in a listpack.
func listpackInt(n int64) int64 {
	switch {
	case 0 <= n && n < 1<<7:
		return 2
	case -1<<12 <= n && n < 1<<12:
		return 3
	case -1<<15 <= n && n < 1<<15:
		return 4
	case -1<<23 <= n && n < 1<<23:
		return 5
	case math.MinInt32 <= n && n <= math.MaxInt32:
		return 6
	}
	return 10
}

// listpackElem returns what the first element of b takes in a listpack.
func listpackElem(b []byte) int64 {
	e, _ := packed.Decode(b)
	if e.IsInt {
		return listpackInt(e.Int)
	}
	n := int64(len(e.Str))
	switch {
	case n < 64:
		n++
	case n < 4096:
		n += 2
	default:
		n += 5
	}
	// The length stands behind the element once more, in units of 7 bits.
	switch {
	case n <= 127:
		return n + 1
	case n < 16383:
		return n + 2
	case n < 2097151:
		return n + 3
	case n < 268435455:
		return n + 4
	}
	return n + 5
}

// uvarintSize returns how many bytes binary.AppendUvarint appends.
func uvarintSize(u uint64) int {
	n := 1
	for ; u >= 0x80; u >>= 7 {
		n++
	}
	return n
}
