package value

import (
	"encoding/binary"
	"math"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/slab"
)

// # Streams
//
// A stream is entries in the order of their IDs, which only grow, and groups of consumers that share them out.
//
//	stream_id.go      IDs, as users write them and as trees keep them
//	stream_block.go   blocks: consecutive entries with the names of their fields once
//	stream.go         the record that holds it together; adding, deleting, trimming
//	stream_read.go    ranges of entries
//	stream_group.go   groups and consumers
//	stream_pending.go what was delivered and not acknowledged
//	stream_parts.go   streams in files and in other heaps
//
// # Layout
//
// The last block, the tail, is what is added to. It stands in the raw bytes while it is small, else in a cell of its
// own, with room to grow. A block that takes no more entries moves to a cell of just its size, and a tree leads to it.
// All groups, consumers and pending entries are elements of a second tree.
//
//	raw  | form | last, deleted, added, length | tail's ref and size | blocks | bytes of blocks | groups | tail |
//	                                               |                    |                          |
//	                                     block <---+      btree of ID, ref --> block ...     btree of elements
//
// The form is flags: which of the four is there. What isn't takes no bytes, so a small stream is a dozen bytes and its
// block. A stream of a million entries is ten thousand blocks: the tree of blocks takes a fifth of a byte an entry.
//
// Numbers are varints, but for the first six of a stream with blocks, which are 8 bytes each: every change writes them
// anew.
//
// # What a version sees
//
// Blocks are cells like nodes: a frozen one is copied before it is changed, and the tree's element for it with it. The
// tail that stands in the raw bytes is copied with them anyway.
const (
	tailInCell = 1 << iota
	hasBlocks
	hasGroups
	wideHead

	wideSize = 6 * 8

	// largeTail is the size from which a tail stands in a cell of its own.
	largeTail = 512
	// recordRoom is the most that the record takes without a tail in it.
	recordRoom = 160

	cellHeader = 4 // the slab's part of a cell
	refSize    = 6 // of the ref of a block behind its ID
)

var (
	blockTree = btree.Shape{Sorted: true, Leaf: 1024}
	groupTree = btree.Shape{Sorted: true, Leaf: 1024}
)

// Stream is an open stream. It is a value: it may be copied, and the copy read, as long as the stream isn't changed.
type Stream struct {
	Last    StreamID // of the entry that was added last, be it deleted
	Deleted StreamID // the greatest that was deleted one by one; trimming doesn't count
	Added   uint64   // entries ever added
	Len     int      // entries

	blockList
	tailRef    slab.Ref // its cell, 0 if it stands in the raw bytes
	tailSize   int      // the cell's size
	blockBytes int64    // bytes of the cells of the blocks in the tree
	groupList
	nextGroup uint64 // the number of the next group that is made, from 1
}

// blockList is the blocks of a stream.
type blockList struct {
	blocks btree.Tree // all but the tail; elements: the ID of the first entry, and the ref of the block
	tail   block      // nil if there is none
}

// OpenStream opens the raw bytes of a stream, none for an empty one, for reading.
func OpenStream(m slab.Mem, raw []byte) (s Stream) {
	s.Open(m, raw)
	return s
}

// Open makes a zero Stream what OpenStream returns.
func (s *Stream) Open(m slab.Mem, raw []byte) {
	s.nextGroup = 1
	s.blocks.Shape, s.groups.Shape = &blockTree, &groupTree
	if len(raw) == 0 {
		return
	}
	form, at := raw[0], 1
	next := func() uint64 {
		u, n := uvarint(raw[at:])
		at += n
		return u
	}
	if form&wideHead != 0 {
		b := raw[at : at+wideSize]
		s.Last = StreamID{le64(b), le64(b[8:])}
		s.Deleted = StreamID{le64(b[16:]), le64(b[24:])}
		s.Added, s.Len = le64(b[32:]), int(le64(b[40:]))
		at += wideSize
	} else {
		s.Last.Ms, s.Last.Seq = next(), next()
		s.Deleted.Ms, s.Deleted.Seq = next(), next()
		s.Added, s.Len = next(), int(next())
	}
	if form&tailInCell != 0 {
		s.tailRef = readRef(raw[at:])
		at += refSize
		s.tailSize = int(next())
		s.tail = openBlock(m, s.tailRef)
	}
	if form&hasBlocks != 0 {
		var n int
		s.blocks, n = btree.Decode(raw[at:], &blockTree)
		at += n
		s.blockBytes = int64(next())
	}
	if form&hasGroups != 0 {
		var n int
		s.groups, n = btree.Decode(raw[at:], &groupTree)
		at += n
		s.nextGroup = next()
	}
	if at < len(raw) {
		s.tail = block(raw[at:])
	}
}

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// openBlock returns the block in a cell.
func openBlock(m slab.Mem, ref slab.Ref) block {
	n := block(m.At(ref, cellHeader+blockHeader)[cellHeader:]).used()
	return block(m.At(ref, cellHeader+n)[cellHeader:])
}

func readRef(b []byte) slab.Ref {
	return slab.Ref(binary.LittleEndian.Uint32(b)) | slab.Ref(binary.LittleEndian.Uint16(b[4:]))<<32
}

func appendRef(dst []byte, ref slab.Ref) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(ref))
	return binary.LittleEndian.AppendUint16(dst, uint16(ref>>32))
}

// large says that the stream leads to nodes.
func (s *Stream) large() bool { return s.tailRef != 0 || s.blocks.Root != 0 || s.groups.Root != 0 }

// Raw returns the stream's raw bytes, in the heap's scratch, and whether they lead to nodes.
func (s *Stream) Raw(h *Heap) (raw []byte, large bool) {
	inline := s.tail
	if s.tailRef != 0 {
		inline = nil
	}
	// A tail that was written stands in scratch already, behind the room for the record.
	at := h.tailRoom(len(inline))
	if len(inline) > 0 && &h.Scratch[at] != &inline[0] {
		copy(h.Scratch[at:], inline)
	}
	var room [recordRoom]byte
	b := room[:1]
	if s.blocks.Root != 0 {
		b[0] = wideHead
		b = appendWide(b, s.Last.Ms, s.Last.Seq, s.Deleted.Ms, s.Deleted.Seq, s.Added, uint64(s.Len))
	} else {
		b = appendUvarints(b, s.Last.Ms, s.Last.Seq, s.Deleted.Ms, s.Deleted.Seq, s.Added, uint64(s.Len))
	}
	if s.tailRef != 0 {
		b[0] |= tailInCell
		b = appendUvarints(appendRef(b, s.tailRef), uint64(s.tailSize))
	}
	if s.blocks.Root != 0 {
		b[0] |= hasBlocks
		b = appendUvarints(s.blocks.AppendTo(b), uint64(s.blockBytes))
	}
	if s.groups.Root != 0 || s.nextGroup != 1 {
		b[0] |= hasGroups
		b = appendUvarints(s.groups.AppendTo(b), s.nextGroup)
	}
	from := at - len(b)
	copy(h.Scratch[from:], b)
	return h.Scratch[from : at+len(inline)], s.large()
}

func appendWide(dst []byte, numbers ...uint64) []byte {
	for _, u := range numbers {
		dst = binary.LittleEndian.AppendUint64(dst, u)
	}
	return dst
}

func appendUvarints(dst []byte, numbers ...uint64) []byte {
	for _, u := range numbers {
		dst = binary.AppendUvarint(dst, u)
	}
	return dst
}

// tailRoom makes room in scratch for a record with a tail of n bytes behind it, and returns where the tail goes. What
// stands there already stays.
func (h *Heap) tailRoom(n int) int {
	if need := recordRoom + n; cap(h.Scratch) < need {
		grown := make([]byte, need, need+need/2)
		copy(grown, h.Scratch[:cap(h.Scratch)])
		h.Scratch = grown
	}
	h.Scratch = h.Scratch[:cap(h.Scratch)]
	return recordRoom
}

// Append adds an entry with fields and values in turn. Its ID must be greater than Last. On an error the entries are as
// they were, though blocks may have moved.
func (s *Stream) Append(h *Heap, id StreamID, pairs [][]byte) error {
	payload := 0
	for _, b := range pairs {
		payload += len(b)
	}
	if err := s.makeTail(h, payload); err != nil {
		return err
	}
	var form entryForm
	var b block // the tail up to the entry
	if s.tail == nil {
		form = firstForm(pairs)
		if err := s.startTail(h, headSize(pairs)+form.size()); err != nil {
			return err
		}
		b = appendHead(s.tail[:0], id, pairs)
	} else {
		form = s.tail.form(id, pairs)
		used := len(s.tail)
		if err := s.growTail(h, form.size()); err != nil {
			return err
		}
		b = s.tail[:used]
	}
	b, weight := form.append(b, int64(id.Seq-b.base().Seq), pairs)
	s.tail = b
	b.setUsed(len(b))
	b.setWeight(b.weight() + weight)
	b.setLive(b.live() + 1)
	b.setTotal(b.total() + 1)
	s.Last = id
	s.Added++
	s.Len++
	return nil
}

// makeTail sees to it that the tail, if there is one, takes an entry with so many bytes of fields and values. Where the
// tail's entries were all deleted the block before it may go on.
func (s *Stream) makeTail(h *Heap, payload int) error {
	switch {
	case s.tail != nil && s.tail.full(payload, h.Limits):
		return s.seal(h)
	case s.tail == nil && s.blocks.Count > 0:
		last := s.blocks.Count - 1
		b := s.block(h.Mem, last)
		if b.full(payload, h.Limits) {
			return nil
		}
		if err := s.moveTail(h, b, len(b)); err != nil {
			return err
		}
		if err := s.dropBlocks(h, last, 1); err != nil {
			s.dropTail(h)
			return err
		}
	}
	return nil
}

// startTail gives a stream that has none a tail of n bytes, which are to be written. That of a stream with blocks has the
// room that the last of them takes, so that it grows where it is.
func (s *Stream) startTail(h *Heap, n int) error {
	if s.blocks.Count > 0 {
		room := len(s.block(h.Mem, s.blocks.Count-1))
		return s.moveTailTo(h, nil, n, max(n, min(room, maxTailRoom)))
	}
	if n <= largeTail {
		at := h.tailRoom(n)
		s.tail = h.Scratch[at : at+n : at+n]
		return nil
	}
	return s.moveTail(h, nil, n)
}

// growTail makes the tail one that may be written, n bytes longer than it is.
func (s *Stream) growTail(h *Heap, n int) error {
	size := len(s.tail) + n
	switch {
	case s.tailRef == 0 && size <= largeTail:
		at := h.tailRoom(size)
		b := block(h.Scratch[at : at+size : at+size])
		if &b[0] != &s.tail[0] {
			copy(b, s.tail)
		}
		s.tail = b
		return nil
	case s.tailRef != 0 && cellHeader+size <= s.tailSize && !h.Frozen(s.tailRef):
		s.tail = block(h.At(s.tailRef, cellHeader+size)[cellHeader:])
		return nil
	}
	old := s.tailRef
	if err := s.moveTail(h, s.tail, size); err != nil {
		return err
	}
	if old != 0 {
		h.Free(old)
	}
	return nil
}

// moveTail copies bytes to a new cell, which is the tail's from then on. The tail has size bytes.
func (s *Stream) moveTail(h *Heap, b []byte, size int) error {
	room := size
	if n := int64(size) * 5 / 4; n < min(maxTailRoom, slab.MaxCell) {
		room = int(n)
	}
	return s.moveTailTo(h, b, size, room)
}

// moveTailTo is moveTail to a cell with room for so many bytes.
func (s *Stream) moveTailTo(h *Heap, b []byte, size, room int) error {
	ref, err := allocCell(h, room)
	if err != nil {
		return err
	}
	s.tailRef, s.tailSize = ref, slab.CellSize(cellHeader+room)
	s.tail = block(h.At(ref, cellHeader+size)[cellHeader:])
	copy(s.tail, b)
	return nil
}

// maxTailRoom is the size up to which a tail gets room to grow. With the usual limits none gets so large.
const maxTailRoom = 1 << 20

// allocCell returns a cell for a block of n bytes.
func allocCell(h *Heap, n int) (slab.Ref, error) {
	if n > slab.MaxCell-cellHeader {
		return 0, slab.ErrNoMemory
	}
	return h.Alloc(slab.Container, cellHeader+n)
}

// storeBlock copies a block, live entries only, to a cell of just its size, and returns that.
func storeBlock(h *Heap, b block) (slab.Ref, int64, error) {
	if b.live() < b.total() {
		b = b.appendLive(make([]byte, 0, len(b)))
	}
	ref, err := allocCell(h, len(b))
	if err != nil {
		return 0, 0, err
	}
	copy(h.At(ref, cellHeader+len(b))[cellHeader:], b)
	return ref, int64(slab.CellSize(cellHeader + len(b))), nil
}

// blockElem appends the element of the tree of blocks for a block.
func blockElem(dst []byte, base StreamID, ref slab.Ref) []byte {
	return appendRef(base.appendKey(dst), ref)
}

// seal gives the tail, which is full, to the tree of blocks: with its cell, if that is no larger than it must be.
func (s *Stream) seal(h *Heap) error {
	if s.tailRef != 0 && s.tail.live() == s.tail.total() && s.tailSize == slab.CellSize(cellHeader+len(s.tail)) {
		err := s.linkBlock(h, s.tail.base(), s.tailRef, int64(s.tailSize))
		if err == nil {
			s.tail, s.tailRef, s.tailSize = nil, 0, 0
		}
		return err
	}
	err := s.addBlock(h, s.tail)
	if err == nil {
		s.dropTail(h)
	}
	return err
}

// addBlock copies a block, which comes behind all others of the tree, to a cell of its own.
func (s *Stream) addBlock(h *Heap, b block) error {
	ref, size, err := storeBlock(h, b)
	if err != nil {
		return err
	}
	if err := s.linkBlock(h, b.base(), ref, size); err != nil {
		h.Free(ref)
		return err
	}
	return nil
}

// linkBlock has the tree lead to a block, whose cell has so many bytes.
func (s *Stream) linkBlock(h *Heap, base StreamID, ref slab.Ref, size int64) error {
	var key [maxIDKey + refSize]byte
	_, _, err := s.blocks.Insert(h.Slab, blockElem(key[:0], base, ref))
	if err == nil {
		s.blockBytes += size
	}
	return err
}

// dropTail leaves the stream without a tail.
func (s *Stream) dropTail(h *Heap) {
	if s.tailRef != 0 {
		h.Free(s.tailRef)
	}
	s.tail, s.tailRef, s.tailSize = nil, 0, 0
}

// own makes the block of a rank one that may be written, and returns it.
func (s *Stream) own(h *Heap, rank int) (block, error) {
	if rank == s.blocks.Count {
		return s.tail, s.growTail(h, 0)
	}
	ref := s.blockRef(h.Mem, rank)
	b := openBlock(h.Mem, ref)
	if !h.Frozen(ref) {
		return b, nil
	}
	return s.rewrite(h, rank, ref, b)
}

// rewrite copies the live entries of a block of the tree to a cell of just their size.
func (s *Stream) rewrite(h *Heap, rank int, old slab.Ref, b block) (block, error) {
	ref, size, err := storeBlock(h, b)
	if err != nil {
		return nil, err
	}
	var key [maxIDKey + refSize]byte
	if err := s.blocks.Set(h.Slab, rank, blockElem(key[:0], b.base(), ref)); err != nil {
		h.Free(ref)
		return nil, err
	}
	s.blockBytes += size - int64(slab.CellSize(cellHeader+len(b)))
	h.Free(old)
	return openBlock(h.Mem, ref), nil
}

// Delete deletes an entry and says whether there was one. On an error the entries are as they were.
func (s *Stream) Delete(h *Heap, id StreamID) (bool, error) {
	if s.ranks() == 0 {
		return false, nil
	}
	rank := s.rankOf(h.Mem, id)
	b := s.block(h.Mem, rank)
	if _, ok := b.find(id); !ok {
		return false, nil
	}
	if b.live() == 1 {
		if err := s.dropBlocks(h, rank, 1); err != nil {
			return false, err
		}
	} else {
		b, err := s.own(h, rank)
		if err != nil {
			return false, err
		}
		at, _ := b.find(id)
		b.kill(at)
		s.tidy(h, rank)
	}
	s.Len--
	if s.Deleted.Less(id) {
		s.Deleted = id
	}
	return true, nil
}

// tidy writes a block of the tree anew if most of its entries are deleted. Where there is no memory for that it stays.
func (s *Stream) tidy(h *Heap, rank int) {
	if rank == s.blocks.Count {
		return
	}
	ref := s.blockRef(h.Mem, rank)
	if b := openBlock(h.Mem, ref); b.sparse() {
		_, _ = s.rewrite(h, rank, ref, b)
	}
}

// dropBlocks frees n blocks from a rank on. On an error some of them are left: the first is the one of that rank.
func (s *Stream) dropBlocks(h *Heap, rank, n int) error {
	for n > 0 && rank < s.blocks.Count {
		var refs [64]slab.Ref
		k := min(n, len(refs), s.blocks.Count-rank)
		for i := range k {
			refs[i] = s.blockRef(h.Mem, rank+i)
		}
		if err := s.blocks.DeleteRange(h.Slab, rank, k); err != nil {
			return err
		}
		for _, ref := range refs[:k] {
			b := openBlock(h.Mem, ref)
			s.blockBytes -= int64(slab.CellSize(cellHeader + len(b)))
			h.Free(ref)
		}
		n -= k
	}
	if n > 0 {
		s.dropTail(h)
	}
	return nil
}

// StreamTrim says which entries a Trim removes, from the first on. The zero value removes none.
type StreamTrim struct {
	By     TrimBy
	MaxLen int64    // by TrimMaxLen: so many entries stay
	MinID  StreamID // by TrimMinID: those from this ID on stay
	Whole  bool     // remove whole blocks only
	Limit  int64    // with Whole, remove at most so many entries, 0 for any number
}

// TrimBy is what a trim goes by.
type TrimBy uint8

const (
	TrimNothing TrimBy = iota
	TrimMaxLen
	TrimMinID
)

// enough says that an entry is to stay, and all that follow, when length entries are left.
func (t *StreamTrim) enough(length int, id StreamID) bool {
	if t.By == TrimMaxLen {
		return int64(length) <= t.MaxLen
	}
	return !id.Less(t.MinID)
}

// Trim removes entries from the start of the stream and returns how many. On an error those are removed.
func (s *Stream) Trim(h *Heap, t *StreamTrim) (removed int, err error) {
	if t.By == TrimNothing {
		return 0, nil
	}
	limit := int64(math.MaxInt64)
	if t.Whole && t.Limit > 0 {
		limit = t.Limit
	}
	whole, rank, ranks := 0, 0, s.ranks()
	partly := false
	for ; rank < ranks && !(t.By == TrimMaxLen && int64(s.Len-whole) <= t.MaxLen); rank++ {
		b := s.block(h.Mem, rank)
		n := b.live()
		if int64(whole)+int64(n) > limit {
			break
		}
		gone := t.By == TrimMaxLen && int64(s.Len-whole-n) >= t.MaxLen || t.By == TrimMinID && b.last().Less(t.MinID)
		if !gone {
			partly = !t.Whole
			break
		}
		whole += n
	}
	if rank > 0 {
		if err = s.dropBlocks(h, 0, rank); err != nil {
			whole = s.Len - s.count(h.Mem)
		}
		s.Len -= whole
		removed = whole
	}
	if err != nil || !partly {
		return removed, err
	}
	n, err := s.trimFirst(h, t)
	return removed + n, err
}

// count counts the entries, block by block.
func (s *Stream) count(m slab.Mem) int {
	n := 0
	for rank := range s.ranks() {
		n += s.block(m, rank).live()
	}
	return n
}

// trimFirst removes entries from the first block, which keeps some.
func (s *Stream) trimFirst(h *Heap, t *StreamTrim) (removed int, err error) {
	b := s.block(h.Mem, 0)
	it := b.entries()
	id, _, deleted, _ := it.step()
	for deleted {
		id, _, deleted, _ = it.step()
	}
	if t.enough(s.Len, id) {
		return 0, nil
	}
	if b, err = s.own(h, 0); err != nil {
		return 0, err
	}
	for it = b.entries(); ; {
		id, at, deleted, ok := it.step()
		if !ok || t.enough(s.Len, id) {
			break
		}
		if !deleted {
			b.kill(at)
			s.Len--
			removed++
		}
	}
	if b.live() == 0 { // the entry that is to stay had been deleted
		return removed, s.dropBlocks(h, 0, 1)
	}
	s.tidy(h, 0)
	return removed, nil
}
