// Package archive reads and writes darter's native snapshot file: the records of a cache as one stream of compressed,
// checksummed frames, made and taken apart by many goroutines at once over a plain io.Writer and io.Reader.
//
// # Words
//
//	record    one key with its value and what belongs to it, or a library of functions (Record)
//	frame     a header of fixed size and a payload: the unit that is compressed, checksummed, and written at once
//	block     the payload of a block frame: whole records, one after another
//	piece     the payload of a piece frame: a part of one record that is too big for a block
//	section   the writing end of one shard (Section)
//	end       the last frame; a file without it is truncated
//
// # File
//
//	+-------------+------------+---------------------------------------------+-----------+
//	| file header | info frame | block and piece frames, shards interleaved  | end frame |
//	+-------------+------------+---------------------------------------------+-----------+
//
// All fixed-width numbers are little-endian, all checksums CRC-32C. A uvarint is that of encoding/binary.
//
// # File header
//
// This layout is the same in every version to come, so that any version can say what it is looking at; what a later
// version has to add goes into the info frame or a new frame type.
//
//	offset  size
//	     0     8  magic: "DARTER", 0x00, 0x0A
//	     8     2  format version (formatVersion)
//	    10     2  file flags: 0; a bit that the reader doesn't know is refused
//	    12     4  number of shards the cache had when it was saved, 1..MaxShards
//	    16     8  time of creation, Unix milliseconds
//	    24     1  n, the length of the creator
//	    25     n  creator: the program that wrote the file and its version
//	  25+n     4  checksum of bytes 0..24+n
//
// # Frame header
//
//	offset  size
//	     0     1  type: 1 info, 2 block, 3 piece, 4 end; 0x80..0xFF may be skipped by a reader that doesn't know them,
//	              all other unknown types are refused
//	     1     1  codec of the payload: 0 stored as it is, 1 one s2 block
//	     2     2  frame flags: 0; a bit that the reader doesn't know is refused
//	     4     4  ordinal: 0 for the info frame, then one more per frame in file order (its low 32 bits)
//	     8     4  shard; 0 in info and end frames
//	    12     4  number of records that end in this frame
//	    16     4  raw length: of the payload when decompressed, 1..maxFrameBytes
//	    20     4  stored length: of the payload in the file, never above the raw length
//	    24     4  checksum of the stored payload
//	    28     4  checksum of bytes 0..27
//
// The header's own checksum lets the one goroutine that reads the file trust the lengths, and find the next frame,
// while the payload is still to be verified by a worker. As it covers the payload's checksum, it stands for the whole
// frame. The ordinal makes a dropped, repeated or moved frame known where it happens.
//
// # Payloads
//
//	info   uvarint count, then per attribute: uvarint length, name, uvarint length, value. Names ascend.
//	block  the records named by the header's count, back to back
//	piece  the next bytes of one record; the last piece has the count 1, those before it 0. The first piece holds at
//	       least the record's head. Blocks of any shard may stand between two pieces, pieces of another record may
//	       not: whoever reads needs memory for one unfinished record, however many shards there are.
//	end    offset  size
//	            0     8  number of records in the file
//	            8     8  sum of the raw lengths of all block and piece frames
//	           16     8  number of frames before this one
//	           24     4  checksum over the file header's checksum and every earlier frame header's, in file order
//	           28     2  number of kinds k
//	           30   9 k  per kind, ascending: its byte, and the number of its records (8)
//
// # Record
//
//	size
//	     1      kind
//	     1      flags
//	     1-5    uvarint: database
//	     1-9    uvarint: expiry, Unix milliseconds; 0 is none
//	     1-10   uvarint: access history
//	     1-10   uvarint: k, the length of the key
//	     1-10   uvarint: p, the length of the payload      (up to here: the head)
//	     k      key
//	     p      payload
//
// # Versions
//
// A reader refuses a file whose version is above its own. A version that only adds attributes or skippable frames keeps
// the number; anything an old reader would misread raises it.
package archive

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	magic         = "DARTER\x00\n"
	formatVersion = 1

	fileHeaderFixed = 25 // the file header without the creator and the checksum
	maxCreator      = 255
	frameHeaderSize = 32
	endFixed        = 30 // the end payload without its kinds
	endPerKind      = 9

	// maxFrameBytes bounds the raw length of a frame, and with it what a reader allocates on a frame's word.
	maxFrameBytes = 1 << 20
	// maxInfoBytes bounds the encoded attributes.
	maxInfoBytes = 64 << 10

	// MaxShards is the largest number of shards a file can name.
	MaxShards = 1 << 20
)

type frameType byte

const (
	frameInfo  frameType = 1
	frameBlock frameType = 2
	framePiece frameType = 3
	frameEnd   frameType = 4

	frameSkippable frameType = 0x80 // this bit marks types that a reader may pass over unknown
)

const (
	codecRaw byte = 0
	codecS2  byte = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// Header says where a file comes from.
type Header struct {
	// Version is the format version of the file read; NewWriter ignores it and writes its own.
	Version int
	// Creator names the program that wrote the file and its version, at most 255 bytes.
	Creator string
	// CreatedMs is the instant the file is of, in Unix milliseconds.
	CreatedMs int64
	// Shards is the number of shards of the cache, 1 to MaxShards.
	Shards int
	// Attributes are names and values free of form, at most 64 KiB together. A reader ignores names it doesn't know.
	Attributes map[string]string
}

// check reports what makes h unfit for a file.
func (h *Header) check() error {
	if len(h.Creator) > maxCreator {
		return fmt.Errorf("archive: creator of %d bytes, at most %d fit", len(h.Creator), maxCreator)
	}
	if h.Shards < 1 || h.Shards > MaxShards {
		return fmt.Errorf("archive: %d shards, must be 1 to %d", h.Shards, MaxShards)
	}
	return nil
}

// appendFileHeader appends the encoded file header, whose last four bytes are its checksum.
func appendFileHeader(dst []byte, h *Header) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint16(dst, formatVersion)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.Shards))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.CreatedMs))
	dst = append(dst, byte(len(h.Creator)))
	dst = append(dst, h.Creator...)
	return binary.LittleEndian.AppendUint32(dst, checksum(dst[start:]))
}

// frameHeader is a frame's header without its own checksum.
type frameHeader struct {
	typ        frameType
	codec      byte
	flags      uint16
	ordinal    uint32
	shard      uint32
	records    uint32
	rawLen     uint32
	storedLen  uint32
	payloadSum uint32
}

// put encodes h into b[:frameHeaderSize], whose last four bytes are the header's checksum.
func (h *frameHeader) put(b []byte) {
	b[0] = byte(h.typ)
	b[1] = h.codec
	binary.LittleEndian.PutUint16(b[2:], h.flags)
	binary.LittleEndian.PutUint32(b[4:], h.ordinal)
	binary.LittleEndian.PutUint32(b[8:], h.shard)
	binary.LittleEndian.PutUint32(b[12:], h.records)
	binary.LittleEndian.PutUint32(b[16:], h.rawLen)
	binary.LittleEndian.PutUint32(b[20:], h.storedLen)
	binary.LittleEndian.PutUint32(b[24:], h.payloadSum)
	binary.LittleEndian.PutUint32(b[28:], checksum(b[:28]))
}

// parse decodes b[:frameHeaderSize] and says whether its checksum is right.
func (h *frameHeader) parse(b []byte) (ok bool) {
	h.typ = frameType(b[0])
	h.codec = b[1]
	h.flags = binary.LittleEndian.Uint16(b[2:])
	h.ordinal = binary.LittleEndian.Uint32(b[4:])
	h.shard = binary.LittleEndian.Uint32(b[8:])
	h.records = binary.LittleEndian.Uint32(b[12:])
	h.rawLen = binary.LittleEndian.Uint32(b[16:])
	h.storedLen = binary.LittleEndian.Uint32(b[20:])
	h.payloadSum = binary.LittleEndian.Uint32(b[24:])
	return binary.LittleEndian.Uint32(b[28:]) == checksum(b[:28])
}

// chainSum folds the checksum that ends a header into the one that the end frame carries.
func chainSum(chain uint32, header []byte) uint32 {
	return crc32.Update(chain, castagnoli, header[len(header)-4:])
}
