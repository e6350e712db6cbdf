package archive

import "sync"

// An assembly puts one large record together. The reading goroutine pushes its pieces in file order; whoever finds it idle
// schedules it, and one worker then takes pieces until none is waiting, so that their order is kept without a worker ever
// waiting for a piece that is still to be read.
//
// The bytes are gathered in one slice of the record's size divided by the power of four that just holds what has arrived:
// a file that claims much and brings little costs little, and the copies left behind by growth are a third of the record.

const (
	assemblyStart = blockBytes // the slice doesn't start smaller, unless the record is
	assemblyKeep  = 4 << 20    // what an idle assembly may hold on to
)

type assembly struct {
	shard int

	mu      sync.Mutex // guards queue and running
	queue   []*frame
	running bool // a worker has it, or will

	// Of the worker that runs it.
	buf                []byte // what arrived after the head
	rec                Record
	begun              bool // the head is known
	keyLen, payloadLen int
}

// begin makes the assembly ready for the first piece of a record. Nobody else knows it yet.
func (a *assembly) begin(shard uint32) {
	if cap(a.buf) > assemblyKeep {
		a.buf = nil
	}
	a.shard, a.buf, a.begun = int(shard), a.buf[:0], false
}

// push adds a piece and says whether the assembly has to be scheduled.
func (a *assembly) push(f *frame) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queue = append(a.queue, f)
	start := !a.running
	a.running = true
	return start
}

// pop takes the next piece, or gives the assembly up until one is pushed.
func (a *assembly) pop() *frame {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 {
		a.running = false
		return nil
	}
	f := a.queue[0]
	n := copy(a.queue, a.queue[1:])
	a.queue[n] = nil
	a.queue = a.queue[:n]
	return f
}

// finish gives the assembly up after its last piece, behind which nothing can wait.
func (a *assembly) finish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running = false
}

// add appends a decompressed piece. reason is empty unless the pieces are no record.
func (a *assembly) add(piece []byte, limit uint64) (reason string) {
	if !a.begun {
		n, keyLen, payloadLen, reason := a.rec.parseHead(piece, limit)
		if reason != "" {
			return reason
		}
		a.begun, a.keyLen, a.payloadLen = true, keyLen, payloadLen
		piece = piece[n:]
	}
	total := a.keyLen + a.payloadLen
	need := len(a.buf) + len(piece)
	if need > total {
		return "the pieces of a record are longer than the record"
	}
	if need > cap(a.buf) {
		size := total
		for size/4 >= max(need, assemblyStart) {
			size /= 4
		}
		a.buf = append(make([]byte, 0, size), a.buf...)
	}
	a.buf = append(a.buf, piece...)
	return ""
}

// loadPieces takes the pieces that wait in a, and handles the record if its last piece is among them.
func (l *loader) loadPieces(w *worker, a *assembly) error {
	for {
		f := a.pop()
		if f == nil {
			return nil
		}
		piece, err := f.unpack(&w.scratch)
		if err != nil {
			return err
		}
		if reason := a.add(piece, l.limit); reason != "" {
			return corrupt(f.off, "%s", reason)
		}
		last, off := f.header.records == 1, f.off
		l.free <- f
		if !last {
			continue
		}
		if len(a.buf) != a.keyLen+a.payloadLen {
			return corrupt(off, "the pieces of a record are shorter than the record")
		}
		w.rec = a.rec
		w.rec.Shard = a.shard
		w.rec.Key, w.rec.Payload = a.buf[:a.keyLen:a.keyLen], a.buf[a.keyLen:]
		err = l.deliver(w)
		w.rec = Record{}
		a.finish()
		l.slots <- a
		return err
	}
}
