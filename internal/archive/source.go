package archive

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// source reads a file front to back and knows where it is.
type source struct {
	r    io.Reader
	off  int64
	room [frameHeaderSize]byte // the last frame header
}

// fill fills b or says that the file ends inside what, or passes on the reader's own error.
func (s *source) fill(b []byte, what string) error {
	n, err := io.ReadFull(s.r, b)
	s.off += int64(n)
	switch {
	case err == nil:
		return nil
	case err == io.EOF || err == io.ErrUnexpectedEOF: // as they are: an error that wraps one is the reader's own
		return corrupt(s.off, "the file ends %s", what)
	default:
		return s.readError(err)
	}
}

// end makes sure that nothing follows.
func (s *source) end() error {
	var b [1]byte
	_, err := io.ReadFull(s.r, b[:])
	switch {
	case err == nil:
		return corrupt(s.off, "there are bytes after the end frame")
	case err == io.EOF:
		return nil
	default:
		return s.readError(err)
	}
}

func (s *source) readError(err error) error {
	return fmt.Errorf("archive: read at byte %d: %w", s.off, err)
}

// fileHeader reads the file header and returns it with the beginning of the chain of checksums.
func (s *source) fileHeader() (h Header, chain uint32, err error) {
	var room [fileHeaderFixed + maxCreator + 4]byte
	if err := s.fill(room[:len(magic)], "before the file header does"); err != nil {
		return h, 0, err
	}
	if string(room[:len(magic)]) != magic {
		return h, 0, corrupt(0, "this is not a darter snapshot file")
	}
	if err := s.fill(room[len(magic):fileHeaderFixed], "inside the file header"); err != nil {
		return h, 0, err
	}
	n := fileHeaderFixed + int(room[fileHeaderFixed-1])
	if err := s.fill(room[fileHeaderFixed:n+4], "inside the file header"); err != nil {
		return h, 0, err
	}
	if binary.LittleEndian.Uint32(room[n:]) != checksum(room[:n]) {
		return h, 0, corrupt(0, "the file header's checksum doesn't match")
	}
	h.Version = int(binary.LittleEndian.Uint16(room[8:]))
	flags := binary.LittleEndian.Uint16(room[10:])
	shards := binary.LittleEndian.Uint32(room[12:])
	h.CreatedMs = int64(binary.LittleEndian.Uint64(room[16:]))
	h.Creator = string(room[fileHeaderFixed:n])
	switch {
	case h.Version > formatVersion:
		return h, 0, unsupported(0, "format version %d, written by %q, is newer than version %d, the newest known here",
			h.Version, h.Creator, formatVersion)
	case h.Version == 0:
		return h, 0, corrupt(0, "there is no format version 0")
	case flags != 0:
		return h, 0, unsupported(0, "unknown file flags %#x", flags)
	case shards == 0 || shards > MaxShards:
		return h, 0, corrupt(0, "%d shards, must be 1 to %d", shards, MaxShards)
	}
	h.Shards = int(shards)
	return h, chainSum(0, room[:n+4]), nil
}

// frame is a frame as it stands in the file.
type frame struct {
	header frameHeader
	off    int64  // of the header
	stored []byte // the payload; its room is used again
}

// frameHeader reads the next frame's header into f and checks all that can be known without the payload. shards and
// ordinal are what the file makes expect.
func (s *source) frameHeader(f *frame, shards int, ordinal uint32) error {
	f.off = s.off
	if err := s.fill(s.room[:1], "without an end frame"); err != nil {
		return err
	}
	if err := s.fill(s.room[1:], "inside a frame header"); err != nil {
		return err
	}
	h := &f.header
	switch {
	case !h.parse(s.room[:]):
		return corrupt(f.off, "a frame header's checksum doesn't match")
	case h.ordinal != ordinal:
		return corrupt(f.off, "frame %d stands where frame %d belongs: frames were dropped, repeated or moved",
			h.ordinal, ordinal)
	case h.flags != 0:
		return unsupported(f.off, "unknown frame flags %#x", h.flags)
	case h.rawLen == 0 || h.rawLen > maxFrameBytes:
		return corrupt(f.off, "a frame claims %d bytes, must be 1 to %d", h.rawLen, maxFrameBytes)
	case h.storedLen > h.rawLen:
		return corrupt(f.off, "a frame claims %d stored bytes for %d raw ones", h.storedLen, h.rawLen)
	case h.typ&frameSkippable != 0:
		return nil
	case h.typ < frameInfo || h.typ > frameEnd:
		return unsupported(f.off, "unknown frame type %d", h.typ)
	case h.codec > codecS2:
		return unsupported(f.off, "unknown codec %d", h.codec)
	case h.codec == codecRaw && h.storedLen != h.rawLen:
		return corrupt(f.off, "a frame claims %d stored bytes for %d raw ones, uncompressed", h.storedLen, h.rawLen)
	case h.shard >= uint32(shards):
		return corrupt(f.off, "a frame of shard %d in a file of %d shards", h.shard, shards)
	}
	return nil
}

// payload reads the payload that f's header announces.
func (s *source) payload(f *frame) error {
	f.stored = resize(f.stored, int(f.header.storedLen))
	return s.fill(f.stored, "inside a frame")
}

// resize returns b with the length n, at most maxFrameBytes, and any content. New room is a power of two, so that frames of
// slightly different sizes don't allocate each time.
func resize(b []byte, n int) []byte {
	if cap(b) < n {
		b = make([]byte, 1<<bits.Len(uint(n-1)))
	}
	return b[:n]
}
