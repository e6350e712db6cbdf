package reply

import "github.com/darterdb/darter/internal/num"

// RESP is a Writer that appends the wire form of replies to Buf. The zero value speaks RESP2 into an empty buffer.
//
// The reader of a connection gets its replies by writing Buf to the socket and handing it back with Reset; Buf only
// grows, so a settled connection answers without allocating. It is not safe for concurrent use.
//
// A reply of many megabytes in one buffer would be copied again and again as that grows, each time for as long as the
// memory takes to be mapped, in which the process can't be stopped for a collection. For a writer of long replies
// Chunk is set: then what is full moves to Full, and is sent before Buf.
type RESP struct {
	// Buf holds the replies so far, or their end. The caller may take it, cut it or replace it between replies.
	Buf []byte
	// Full holds what comes before Buf, in chunks.
	Full [][]byte
	// Chunk is the size from which on Buf is moved to Full; 0 is never.
	Chunk int
	// Limit is how many bytes of replies there may be where Chunk is set; 0 is any number. More are dropped, all of
	// them, and Over says so.
	Limit int64

	before int64 // bytes that were moved to Full
	over   bool
	resp3  bool
}

var _ Rewinder = (*RESP)(nil)

// Reset drops what was written, keeping the buffer's memory, and sets the protocol version.
func (w *RESP) Reset(proto int) {
	w.Buf, w.Full, w.before, w.over = w.Buf[:0], nil, 0, false
	w.SetProto(proto)
}

// SetProto sets the protocol version for replies from now on: 3 is RESP3, anything else RESP2.
func (w *RESP) SetProto(proto int) { w.resp3 = proto == 3 }

// Mark is where the replies end now: how many bytes there are, or were.
func (w *RESP) Mark() int64 { return w.before + int64(len(w.Buf)) }

// Rewind takes back what was written since a Mark.
func (w *RESP) Rewind(mark int64) {
	for mark < w.before && len(w.Full) > 0 {
		last := len(w.Full) - 1
		w.Buf = w.Full[last]
		w.before -= int64(len(w.Buf))
		w.Full[last] = nil
		w.Full = w.Full[:last]
	}
	w.Buf = w.Buf[:max(mark-w.before, 0)]
	if mark == 0 {
		w.before, w.over = 0, false
	}
}

// Over says that the replies were more than Limit. There are none then.
func (w *RESP) Over() bool { return w.over }

// turn moves Buf to Full.
func (w *RESP) turn() {
	w.before += int64(len(w.Buf))
	if w.over || w.Limit != 0 && w.before > w.Limit {
		w.Full, w.Buf, w.over = nil, w.Buf[:0], true
		return
	}
	w.Full = append(w.Full, w.Buf)
	w.Buf = make([]byte, 0, w.Chunk+w.Chunk/8)
}

// Proto is the protocol version in use, 2 or 3.
func (w *RESP) Proto() int {
	if w.resp3 {
		return 3
	}
	return 2
}

// Status writes +s.
func (w *RESP) Status(s string) {
	w.Buf = append(append(append(w.Buf, '+'), s...), '\r', '\n')
}

// Error writes -s with every CR and LF of s made a space.
func (w *RESP) Error(s string) {
	start := len(w.Buf) + 1
	b := append(append(w.Buf, '-'), s...)
	for i := start; i < len(b); i++ {
		if b[i] == '\r' || b[i] == '\n' {
			b[i] = ' '
		}
	}
	w.Buf = append(b, '\r', '\n')
}

// Int writes :n.
func (w *RESP) Int(n int64) {
	if w.Chunk != 0 && len(w.Buf) >= w.Chunk {
		w.turn()
	}
	w.Buf = appendLine(w.Buf, ':', n)
}

// Bulk writes b with its length before it.
func (w *RESP) Bulk(b []byte) {
	if w.Chunk != 0 && len(w.Buf) >= w.Chunk {
		w.turn()
	}
	w.Buf = append(append(appendLine(w.Buf, '$', int64(len(b))), b...), '\r', '\n')
}

// BulkString writes s as Bulk does.
func (w *RESP) BulkString(s string) {
	if w.Chunk != 0 && len(w.Buf) >= w.Chunk {
		w.turn()
	}
	w.Buf = append(append(appendLine(w.Buf, '$', int64(len(s))), s...), '\r', '\n')
}

// Null writes $-1, in RESP3 _.
func (w *RESP) Null() { w.null("$-1\r\n") }

// NullArray writes *-1, in RESP3 _.
func (w *RESP) NullArray() { w.null("*-1\r\n") }

func (w *RESP) null(resp2 string) {
	if w.resp3 {
		resp2 = "_\r\n"
	}
	w.Buf = append(w.Buf, resp2...)
}

// Array writes the header of an array of n replies.
func (w *RESP) Array(n int) { w.Buf = appendLine(w.Buf, '*', int64(n)) }

// Map writes the header of n pairs, in RESP2 of an array of 2n replies.
func (w *RESP) Map(n int) {
	if w.resp3 {
		w.Buf = appendLine(w.Buf, '%', int64(n))
	} else {
		w.Buf = appendLine(w.Buf, '*', 2*int64(n))
	}
}

// Set writes the header of a set of n replies, in RESP2 of an array.
func (w *RESP) Set(n int) { w.collection('~', n) }

// Push writes the header of a push message of n replies, in RESP2 of an array.
func (w *RESP) Push(n int) { w.collection('>', n) }

func (w *RESP) collection(kind byte, n int) {
	if !w.resp3 {
		kind = '*'
	}
	w.Buf = appendLine(w.Buf, kind, int64(n))
}

// Double writes ,f; in RESP2 a bulk string.
func (w *RESP) Double(f float64) {
	if w.resp3 {
		w.Buf = append(num.AppendDouble(append(w.Buf, ','), f), '\r', '\n')
		return
	}
	var tmp [32]byte
	w.Bulk(num.AppendDouble(tmp[:0], f))
}

// DoubleText writes a float that is given in decimal: ,digits; in RESP2 a bulk string.
func (w *RESP) DoubleText(digits []byte) {
	if w.resp3 {
		w.Buf = append(append(append(w.Buf, ','), digits...), '\r', '\n')
		return
	}
	w.Bulk(digits)
}

// Bool writes #t or #f; in RESP2 :1 or :0.
func (w *RESP) Bool(b bool) {
	text := "#f\r\n:0\r\n"
	if b {
		text = "#t\r\n:1\r\n"
	}
	if w.resp3 {
		w.Buf = append(w.Buf, text[:4]...)
	} else {
		w.Buf = append(w.Buf, text[4:]...)
	}
}

// BigNumber writes (s; in RESP2 a bulk string.
func (w *RESP) BigNumber(s string) {
	if !w.resp3 {
		w.BulkString(s)
		return
	}
	w.Buf = append(append(append(w.Buf, '('), s...), '\r', '\n')
}

// Verbatim writes =length, format, ':' and s; in RESP2 s as a bulk string.
func (w *RESP) Verbatim(format, s string) {
	if !w.resp3 {
		w.BulkString(s)
		return
	}
	b := appendLine(w.Buf, '=', int64(len(format)+1+len(s)))
	b = append(append(b, format...), ':')
	w.Buf = append(append(b, s...), '\r', '\n')
}

// appendLine appends kind, n and CRLF: a header or an integer. Most are short, so those are laid out by hand in one
// append each.
func appendLine(dst []byte, kind byte, n int64) []byte {
	switch u := uint64(n); {
	case u < 10:
		return append(dst, kind, byte('0'+u), '\r', '\n')
	case u < 100:
		q := u / 10
		return append(dst, kind, byte('0'+q), byte('0'+u-q*10), '\r', '\n')
	case u < 1000:
		h := u / 100
		u -= h * 100
		q := u / 10
		return append(dst, kind, byte('0'+h), byte('0'+q), byte('0'+u-q*10), '\r', '\n')
	}
	return append(num.AppendInt(append(dst, kind), n), '\r', '\n')
}
