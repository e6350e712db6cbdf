package archive

// Reading. The goroutine that called Read reads frame after frame, checks the headers, and hands the payloads to
// workers, which verify, decompress, decode and call handle. Any worker may get any block. The pieces of one large record
// go to its assembly, in which one worker at a time takes them in order (assembly.go).
//
//	          free                       jobs
//	frames ---------> reading goroutine ------> workers ---> handle
//	   ^                    |      ^               |
//	   |                    v      '--- slots <----| (assemblies)
//	   '-------------------------------------------'
//
// Only the reading goroutine ever waits for a frame or an assembly, and it waits for such as are with the workers, which
// wait for nothing but handle: so nothing can lock up, and what is in memory is bounded by the number of frames and
// assemblies. A failure anywhere closes stop, which ends all waiting.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/s2"
)

// ReadOptions says how Read works. The zero value is ready for use.
type ReadOptions struct {
	// Workers is the number of goroutines that decode and call handle; 0 is GOMAXPROCS.
	Workers int
	// MaxRecordBytes bounds key and payload of a record together; 0 is MaxRecordBytes. A larger record makes the file
	// refused as corrupt.
	MaxRecordBytes int64
	// Embedded lets other data follow the file in r, which is then left at the first byte after the end frame.
	// Otherwise anything after the end frame makes the file refused.
	Embedded bool
	// OnHeader is called once, before any record is handled. Its error ends Read and is returned as it is.
	OnHeader func(Header) error
	// Progress is called now and then, and at the end, from the goroutine that called Read, with the bytes read and the
	// records handled so far.
	Progress func(bytes, records int64)
}

// Read reads one file from r and calls handle for each record, from several goroutines at once and in no order, also for
// records of one shard; worker, from 0 to Workers-1, is never in two calls at a time. The record and its bytes belong to
// handle until it returns.
//
// What Read has handed out is only known to be a whole, sound file once it returns nil: load aside, then put in place.
// The error is a *CorruptError for a damaged or truncated file, an *UnsupportedError for one that needs a newer program,
// the error of handle or OnHeader as it was, or r's own error wrapped. On an error Info is what was read so far.
// No goroutine is left and handle is not called any more when Read returns; Read can't return while r.Read or handle
// blocks.
//
// Memory: about 256 KiB for each of 2*Workers+2 frames (at most 1 MiB each, whatever the file claims), and for records
// larger than a frame at most Workers at a time, which grow with the bytes that arrive.
func Read(r io.Reader, opts ReadOptions, handle func(worker int, rec *Record) error) (Info, error) {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	limit := uint64(MaxRecordBytes)
	if opts.MaxRecordBytes > 0 {
		limit = min(uint64(opts.MaxRecordBytes), math.MaxInt-maxHead)
	}
	l := &loader{
		source:  source{r: r},
		opts:    opts,
		limit:   limit,
		handle:  handle,
		free:    make(chan *frame, opts.Workers+2),
		slots:   make(chan *assembly, opts.Workers),
		jobs:    make(chan job, opts.Workers+2),
		stop:    make(chan struct{}),
		workers: make([]worker, opts.Workers),
	}
	for range cap(l.free) {
		l.free <- &frame{}
	}
	for range cap(l.slots) {
		l.slots <- &assembly{}
	}
	err := l.run()
	l.info.Bytes = l.off
	l.info.Records = l.handled.Load()
	l.progress()
	return l.info, err
}

// loader is one Read at work.
type loader struct {
	source
	opts   ReadOptions
	limit  uint64
	handle func(worker int, rec *Record) error

	// The reading goroutine's own.
	info  Info
	chain uint32
	end   endTotals
	open  *assembly // the large record whose last piece is still to come
	count uint64    // records that the frame headers announce

	free    chan *frame    // frames nobody uses
	slots   chan *assembly // assemblies nobody uses
	jobs    chan job       // holds every frame there is, so that a send never waits
	stop    chan struct{}  // closed by the first failure
	workers []worker
	handled atomic.Int64

	failure struct {
		sync.Mutex
		err error
	}
}

// job is a block, or an assembly that has pieces waiting.
type job struct {
	block    *frame
	assembly *assembly
}

// worker is what one decoding goroutine owns.
type worker struct {
	id      int
	rec     Record
	scratch []byte // the decompressed payload
	kinds   kindCounts
	handled int64 // records of the job at hand
}

// fail records err and stops everything. Of several corruptions found at once the first in the file is kept.
func (l *loader) fail(err error) {
	l.failure.Lock()
	defer l.failure.Unlock()
	if l.failure.err == nil {
		l.failure.err = err
		close(l.stop)
		return
	}
	known, ok := l.failure.err.(*CorruptError)
	if next, also := err.(*CorruptError); ok && also && next.Offset < known.Offset {
		l.failure.err = err
	}
}

// stopped says whether something failed.
func (l *loader) stopped() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

func (l *loader) progress() {
	if l.opts.Progress != nil {
		l.opts.Progress(l.off, l.handled.Load())
	}
}

// run reads the file. It returns when all workers are gone.
func (l *loader) run() error {
	var err error
	if l.info.Header, l.chain, err = l.fileHeader(); err != nil {
		return err
	}
	if err := l.readInfo(); err != nil {
		return err
	}
	if l.opts.OnHeader != nil {
		if err := l.opts.OnHeader(l.info.Header); err != nil {
			return err
		}
	}
	l.readRecords()
	var kinds kindCounts
	for i := range l.workers {
		kinds.add(&l.workers[i].kinds)
	}
	l.info.Kinds = kinds.toMap()
	if l.failure.err != nil {
		return l.failure.err
	}
	if l.end.kinds != kinds {
		return corrupt(l.end.off, "the end frame counts other kinds of records than there are")
	}
	if l.opts.Embedded {
		return nil
	}
	return l.source.end()
}

// readInfo reads the first frame.
func (l *loader) readInfo() error {
	var f frame
	if err := l.frameHeader(&f, l.info.Header.Shards, 0); err != nil {
		return err
	}
	if f.header.typ != frameInfo {
		return corrupt(f.off, "the first frame is not an info frame")
	}
	if f.header.rawLen > maxInfoBytes {
		return corrupt(f.off, "an info frame of %d bytes, at most %d are allowed", f.header.rawLen, maxInfoBytes)
	}
	if err := l.payload(&f); err != nil {
		return err
	}
	var scratch []byte
	raw, err := f.unpack(&scratch)
	if err != nil {
		return err
	}
	attrs, ok := parseAttributes(raw)
	if !ok || f.header.records != 0 || f.header.shard != 0 {
		return corrupt(f.off, "the info frame is malformed")
	}
	l.info.Header.Attributes = attrs
	l.passed()
	return nil
}

// passed counts the frame whose header was read last.
func (l *loader) passed() {
	l.chain = chainSum(l.chain, l.room[:])
	l.info.Frames++
}

// readRecords runs the workers and feeds them all frames up to the end frame. Whatever fails is in l.failure afterwards.
func (l *loader) readRecords() {
	var wg sync.WaitGroup
	for i := range l.workers {
		l.workers[i].id = i
		wg.Go(func() { l.work(&l.workers[i]) })
	}
	// Deferred, so that no worker stays behind if r or Progress panics either.
	defer wg.Wait()
	defer close(l.jobs)
	for {
		done, err := l.next()
		if err != nil {
			l.fail(err)
			return
		}
		if done || l.stopped() {
			return
		}
		l.progress()
	}
}

// next reads one frame and passes it on. done says that it was the end frame, or that something failed elsewhere.
func (l *loader) next() (done bool, err error) {
	var f *frame
	select {
	case f = <-l.free:
	case <-l.stop:
		return true, nil
	}
	if err := l.frameHeader(f, l.info.Header.Shards, uint32(l.info.Frames)); err != nil {
		return false, err
	}
	if err := l.payload(f); err != nil {
		return false, err
	}
	h := &f.header
	l.count += uint64(h.records)
	switch {
	case h.typ == frameEnd:
		return true, l.readEnd(f)
	case h.typ == frameBlock:
		if h.records == 0 {
			return false, corrupt(f.off, "a block without a record")
		}
		l.info.RawBytes += int64(h.rawLen)
		l.jobs <- job{block: f}
	case h.typ == framePiece:
		l.info.RawBytes += int64(h.rawLen)
		if done, err := l.readPiece(f); done || err != nil {
			return done, err
		}
	case h.typ == frameInfo:
		return false, corrupt(f.off, "a second info frame")
	default: // a skippable one
		if h.payloadSum != checksum(f.stored) {
			return false, corrupt(f.off, "a frame's checksum doesn't match")
		}
		if h.records != 0 {
			return false, corrupt(f.off, "a skippable frame that counts records")
		}
		l.free <- f
	}
	l.passed()
	return false, nil
}

// readPiece gives a piece to the assembly of its record.
func (l *loader) readPiece(f *frame) (done bool, err error) {
	if f.header.records > 1 {
		return false, corrupt(f.off, "a piece of %d records", f.header.records)
	}
	if l.open == nil {
		select {
		case l.open = <-l.slots:
			l.open.begin(f.header.shard)
		case <-l.stop:
			return true, nil
		}
	}
	a := l.open
	if a.shard != int(f.header.shard) {
		return false, corrupt(f.off, "a piece of shard %d among those of a record of shard %d", f.header.shard, a.shard)
	}
	if f.header.records == 1 {
		l.open = nil
	}
	if a.push(f) {
		l.jobs <- job{assembly: a}
	}
	return false, nil
}

// endTotals is what the end frame claims and what can only be compared when the workers are done.
type endTotals struct {
	off   int64
	kinds kindCounts
}

// readEnd checks the end frame against the frames before it.
func (l *loader) readEnd(f *frame) error {
	l.end.off = f.off
	b := f.stored
	h := &f.header
	switch {
	case h.payloadSum != checksum(b):
		return corrupt(f.off, "a frame's checksum doesn't match")
	case h.codec != codecRaw || h.records != 0 || h.shard != 0 || len(b) < endFixed ||
		len(b) != endFixed+endPerKind*int(binary.LittleEndian.Uint16(b[28:])):
		return corrupt(f.off, "the end frame is malformed")
	case l.open != nil:
		return corrupt(f.off, "the file ends inside a large record")
	case binary.LittleEndian.Uint64(b) != l.count,
		binary.LittleEndian.Uint64(b[8:]) != uint64(l.info.RawBytes),
		binary.LittleEndian.Uint64(b[16:]) != uint64(l.info.Frames),
		binary.LittleEndian.Uint32(b[24:]) != l.chain:
		return corrupt(f.off, "the end frame belongs to other frames than those before it")
	}
	last := -1
	for b = b[endFixed:]; len(b) > 0; b = b[endPerKind:] {
		if int(b[0]) <= last {
			return corrupt(f.off, "the end frame is malformed")
		}
		last = int(b[0])
		l.end.kinds[last] = binary.LittleEndian.Uint64(b[1:])
	}
	l.info.Frames++
	return nil
}

// work is the life of a worker.
func (l *loader) work(w *worker) {
	finished := false
	defer func() {
		if v := recover(); v != nil {
			l.fail(fmt.Errorf("archive: panic while loading: %v\n%s", v, debug.Stack()))
		} else if !finished {
			l.fail(errors.New("archive: handle ended its goroutine"))
		}
	}()
	for j := range l.jobs {
		if l.stopped() {
			continue
		}
		var err error
		if j.block != nil {
			err = l.loadBlock(w, j.block)
			l.free <- j.block
		} else {
			err = l.loadPieces(w, j.assembly)
		}
		l.handled.Add(w.handled)
		w.handled = 0
		if err != nil {
			l.fail(err)
		}
	}
	finished = true
}

// loadBlock handles the records of a block.
func (l *loader) loadBlock(w *worker, f *frame) error {
	b, err := f.unpack(&w.scratch)
	if err != nil {
		return err
	}
	w.rec.Shard = int(f.header.shard)
	for i := range f.header.records {
		var reason string
		if b, reason = w.rec.parse(b, l.limit); reason != "" {
			return corrupt(f.off, "%s (record %d of a block)", reason, i)
		}
		if err := l.deliver(w); err != nil {
			return err
		}
	}
	if len(b) > 0 {
		return corrupt(f.off, "%d bytes after the last record of a block", len(b))
	}
	return nil
}

// deliver calls handle with w.rec, unless something failed meanwhile.
func (l *loader) deliver(w *worker) error {
	if l.stopped() {
		return nil
	}
	w.kinds[w.rec.Kind]++
	if err := l.handle(w.id, &w.rec); err != nil {
		return err
	}
	w.handled++
	return nil
}

// unpack verifies the payload and returns it decompressed: in *scratch, which grows as needed, or where it is.
func (f *frame) unpack(scratch *[]byte) ([]byte, error) {
	if f.header.payloadSum != checksum(f.stored) {
		return nil, corrupt(f.off, "a frame's checksum doesn't match")
	}
	if f.header.codec == codecRaw {
		return f.stored, nil
	}
	want := int(f.header.rawLen)
	if n, err := s2.DecodedLen(f.stored); err != nil || n != want {
		return nil, corrupt(f.off, "a frame doesn't decompress to the %d bytes it claims", want)
	}
	*scratch = resize(*scratch, want)
	raw, err := s2.Decode(*scratch, f.stored)
	if err != nil || len(raw) != want {
		return nil, corrupt(f.off, "a frame doesn't decompress")
	}
	return raw, nil
}
