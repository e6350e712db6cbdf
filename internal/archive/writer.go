package archive

// Writing. Each section gathers records in a block of its own; when the block is full, the goroutine that called Add
// compresses and checksums it, and only the write of the finished frame happens under the Writer's mutex. Memory is one
// buffer per section that has something pending and one per section that is compressing just now, whatever the size of
// the records: a record that doesn't fit a block leaves in pieces.
//
// Lock order: large -> mu. A section holds large from the first to the last piece of a record, so that pieces of two
// records never mix; blocks of other sections pass between them.

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/s2"
)

// blockBytes is the raw size at which a block is written: large enough for s2 to find matches and for the cost of a
// write to vanish, small enough to stay in a core's second-level cache.
const blockBytes = 256 << 10

// minCompress is the raw size below which compression is not tried.
const minCompress = 64

// Info sums up a file.
type Info struct {
	Header Header
	// Records is the number of records, Kinds that of each kind that occurs.
	Records int64
	Kinds   map[Kind]int64
	// Bytes is the size of the file so far, RawBytes that of its records when decompressed.
	Bytes, RawBytes int64
	// Frames counts all frames, info and end included.
	Frames int64
}

// kindCounts counts records by kind.
type kindCounts [256]uint64

func (c *kindCounts) add(other *kindCounts) {
	for i, n := range other {
		c[i] += n
	}
}

func (c *kindCounts) toMap() map[Kind]int64 {
	m := make(map[Kind]int64)
	for i, n := range c {
		if n != 0 {
			m[Kind(i)] = int64(n)
		}
	}
	return m
}

// buffer is room for one frame, its header included.
type buffer struct{ b []byte }

// Writer writes one file. Its methods may be called by many goroutines. The first failed write sticks: the file is then
// worthless, and all later calls on the Writer and its Sections return that error.
type Writer struct {
	header    Header
	blockSize int
	buffers   sync.Pool // of *buffer; goes away with the Writer

	unflushed atomic.Int64 // sections with pending records
	failed    atomic.Bool  // mirrors mu.err != nil, for a look without the lock

	large sync.Mutex // from the first to the last piece of a record

	mu struct { // guards the file and its totals
		sync.Mutex
		w      io.Writer
		err    error
		chain  uint32
		frames uint64
		total  totals
	}
}

// totals is what the end frame says about the frames before it.
type totals struct {
	records  uint64
	rawBytes uint64
	bytes    int64
	kinds    kindCounts
}

// NewWriter begins a file on w, writing h at once. It buffers nothing beyond the sections, never seeks, and makes one
// call of w.Write per frame, of 256 KiB at most. It does not close or sync w.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	return newWriter(w, h, blockBytes)
}

func newWriter(w io.Writer, h Header, blockSize int) (*Writer, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	h.Version = formatVersion
	info := appendAttributes(make([]byte, frameHeaderSize), h.Attributes)
	if n := len(info) - frameHeaderSize; n > maxInfoBytes {
		return nil, fmt.Errorf("archive: attributes of %d bytes, at most %d fit", n, maxInfoBytes)
	}
	aw := &Writer{header: h, blockSize: blockSize}
	aw.mu.w = w
	aw.mu.Lock()
	defer aw.mu.Unlock()
	head := appendFileHeader(nil, &h)
	aw.mu.chain = chainSum(0, head)
	if err := aw.writeLocked(head); err != nil {
		return nil, err
	}
	fh := frameHeader{typ: frameInfo}
	fh.describe(info[frameHeaderSize:], len(info)-frameHeaderSize, codecRaw)
	if err := aw.writeFrameLocked(fh, info); err != nil {
		return nil, err
	}
	return aw, nil
}

// Info returns the totals of what has been written so far.
func (w *Writer) Info() Info {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Info{
		Header:   w.header,
		Records:  int64(w.mu.total.records),
		Kinds:    w.mu.total.kinds.toMap(),
		Bytes:    w.mu.total.bytes,
		RawBytes: int64(w.mu.total.rawBytes),
		Frames:   int64(w.mu.frames),
	}
}

// Section returns a new section for a shard, numbered from 0. Many sections may be in use at once, also for one shard, but
// each by one goroutine at a time. It holds memory only while it has records pending.
func (w *Writer) Section(shard int) *Section {
	return &Section{w: w, shard: shard}
}

// Close writes the end frame, without which a file is refused as truncated. All sections must have been flushed: one
// that wasn't is an error that sticks, since the file then lacks records. After Close every call returns ErrClosed.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.err != nil {
		return w.mu.err
	}
	if n := w.unflushed.Load(); n != 0 {
		return w.failLocked(fmt.Errorf("archive: closed while %d sections had records pending", n))
	}
	frame := make([]byte, frameHeaderSize, frameHeaderSize+endFixed+16*endPerKind)
	frame = binary.LittleEndian.AppendUint64(frame, w.mu.total.records)
	frame = binary.LittleEndian.AppendUint64(frame, w.mu.total.rawBytes)
	frame = binary.LittleEndian.AppendUint64(frame, w.mu.frames)
	frame = binary.LittleEndian.AppendUint32(frame, w.mu.chain)
	kinds := 0
	for _, n := range w.mu.total.kinds {
		if n != 0 {
			kinds++
		}
	}
	frame = binary.LittleEndian.AppendUint16(frame, uint16(kinds))
	for kind, n := range w.mu.total.kinds {
		if n != 0 {
			frame = append(frame, byte(kind))
			frame = binary.LittleEndian.AppendUint64(frame, n)
		}
	}
	h := frameHeader{typ: frameEnd}
	h.describe(frame[frameHeaderSize:], len(frame)-frameHeaderSize, codecRaw)
	if err := w.writeFrameLocked(h, frame); err != nil {
		return err
	}
	w.failLocked(ErrClosed)
	return nil
}

// describe fills in what the header says about a finished payload.
func (h *frameHeader) describe(stored []byte, rawLen int, codec byte) {
	h.codec = codec
	h.rawLen = uint32(rawLen)
	h.storedLen = uint32(len(stored))
	h.payloadSum = checksum(stored)
}

// emit compresses raw, whose first frameHeaderSize bytes are room for the header, and writes it as one frame with h's
// type, shard and record count. kinds are the records that end in it.
func (w *Writer) emit(h frameHeader, raw []byte, kinds *kindCounts) error {
	body := raw[frameHeaderSize:]
	frame := raw
	h.describe(body, len(body), codecRaw)
	if len(body) >= minCompress {
		out := w.getBuffer()
		defer w.putBuffer(out)
		packed := s2.Encode(out.b[frameHeaderSize:cap(out.b)], body)
		// A gain of less than a sixteenth isn't worth the reader's time.
		if len(packed) < len(body)-len(body)/16 {
			frame = out.b[:frameHeaderSize+len(packed)]
			h.describe(packed, len(body), codecS2)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.writeFrameLocked(h, frame); err != nil {
		return err
	}
	w.mu.total.records += uint64(h.records)
	w.mu.total.rawBytes += uint64(len(body))
	w.mu.total.kinds.add(kinds)
	return nil
}

// writeFrameLocked numbers a frame, completes its header and writes it. Caller holds mu.
func (w *Writer) writeFrameLocked(h frameHeader, frame []byte) error {
	h.ordinal = uint32(w.mu.frames)
	h.put(frame)
	if err := w.writeLocked(frame); err != nil {
		return err
	}
	w.mu.chain = chainSum(w.mu.chain, frame[:frameHeaderSize])
	w.mu.frames++
	return nil
}

// writeLocked writes b or fails for good. Caller holds mu.
func (w *Writer) writeLocked(b []byte) error {
	if w.mu.err != nil {
		return w.mu.err
	}
	n, err := w.mu.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return w.failLocked(fmt.Errorf("archive: write at byte %d: %w", w.mu.total.bytes, err))
	}
	w.mu.total.bytes += int64(n)
	return nil
}

// failLocked makes err the answer to all later calls. Caller holds mu.
func (w *Writer) failLocked(err error) error {
	w.mu.err = err
	w.failed.Store(true)
	return err
}

// failure returns the error that sticks, if there is one.
func (w *Writer) failure() error {
	if !w.failed.Load() {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.err
}

func (w *Writer) getBuffer() *buffer {
	if b, ok := w.buffers.Get().(*buffer); ok {
		return b
	}
	// One size serves both a raw block and its compressed form at its worst.
	return &buffer{b: make([]byte, frameHeaderSize, frameHeaderSize+s2.MaxEncodedLen(w.blockSize))}
}

func (w *Writer) putBuffer(b *buffer) {
	b.b = b.b[:frameHeaderSize]
	w.buffers.Put(b)
}
