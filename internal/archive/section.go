package archive

import "fmt"

// Section takes the records of one shard. It is used by one goroutine at a time.
type Section struct {
	w       *Writer
	shard   int
	pending *buffer // nil while no record is pending
	records uint32  // in pending
	kinds   kindCounts
}

// Add appends a record; its bytes are not kept after Add returns. Most calls copy the record to the section's block; the
// one that finds the block full compresses and writes it first, and a record larger than a block is written before Add
// returns. A record that can't be written (see the limits at Record) is refused, and nothing else changes.
func (s *Section) Add(rec Record) error {
	if err := s.w.failure(); err != nil {
		return err
	}
	if s.shard < 0 || s.shard >= s.w.header.Shards {
		return fmt.Errorf("archive: section of shard %d in a file of %d shards", s.shard, s.w.header.Shards)
	}
	if err := rec.check(); err != nil {
		return err
	}
	var room [maxHead]byte
	head := rec.appendHead(room[:0])
	size := len(head) + len(rec.Key) + len(rec.Payload)
	if size > s.w.blockSize {
		return s.addLarge(head, &rec, size)
	}
	if s.pending != nil && len(s.pending.b)-frameHeaderSize+size > s.w.blockSize {
		if err := s.Flush(); err != nil {
			return err
		}
	}
	if s.pending == nil {
		s.pending = s.w.getBuffer()
		s.w.unflushed.Add(1)
	}
	b := append(s.pending.b, head...)
	b = append(b, rec.Key...)
	s.pending.b = append(b, rec.Payload...)
	s.records++
	s.kinds[rec.Kind]++
	return nil
}

// Flush writes what is pending and gives its memory back. The section can be used again.
func (s *Section) Flush() error {
	if err := s.w.failure(); err != nil {
		s.drop()
		return err
	}
	if s.pending == nil {
		return nil
	}
	h := frameHeader{typ: frameBlock, shard: uint32(s.shard), records: s.records}
	err := s.w.emit(h, s.pending.b, &s.kinds)
	s.drop()
	return err
}

// drop forgets what is pending.
func (s *Section) drop() {
	if s.pending == nil {
		return
	}
	s.w.putBuffer(s.pending)
	s.w.unflushed.Add(-1)
	s.pending, s.records, s.kinds = nil, 0, kindCounts{}
}

// addLarge writes a record of size bytes, more than a block holds, as pieces of a block's size.
func (s *Section) addLarge(head []byte, rec *Record, size int) error {
	s.w.large.Lock()
	defer s.w.large.Unlock()
	piece := s.w.getBuffer()
	defer s.w.putBuffer(piece)
	h := frameHeader{typ: framePiece, shard: uint32(s.shard)}
	var kinds kindCounts
	for _, part := range [3][]byte{head, rec.Key, rec.Payload} {
		for len(part) > 0 {
			n := min(len(part), s.w.blockSize-(len(piece.b)-frameHeaderSize))
			piece.b = append(piece.b, part[:n]...)
			part = part[n:]
			size -= n
			if size == 0 {
				h.records = 1
				kinds[rec.Kind] = 1
			} else if len(piece.b)-frameHeaderSize < s.w.blockSize {
				continue
			}
			if err := s.w.emit(h, piece.b, &kinds); err != nil {
				return err
			}
			piece.b = piece.b[:frameHeaderSize]
		}
	}
	return nil
}
