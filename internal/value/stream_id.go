package value

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/darterdb/darter/internal/num"
)

// StreamID is the ID of an entry of a stream: a time in milliseconds, and a number that tells apart those of one time.
type StreamID struct{ Ms, Seq uint64 }

// MaxStreamID is the greatest ID there is.
var MaxStreamID = StreamID{math.MaxUint64, math.MaxUint64}

// Compare returns -1, 0 or 1 for an ID that is less than, equal to or greater than the other.
func (id StreamID) Compare(other StreamID) int {
	if c := cmp.Compare(id.Ms, other.Ms); c != 0 {
		return c
	}
	return cmp.Compare(id.Seq, other.Seq)
}

// Less says that the ID comes before the other.
func (id StreamID) Less(other StreamID) bool {
	return id.Ms < other.Ms || id.Ms == other.Ms && id.Seq < other.Seq
}

// Next returns the ID after this one, and whether there is one.
func (id StreamID) Next() (StreamID, bool) {
	if id.Seq++; id.Seq == 0 {
		id.Ms++
	}
	return id, id != StreamID{}
}

// Prev returns the ID before this one, and whether there is one.
func (id StreamID) Prev() (StreamID, bool) {
	if id.Seq--; id.Seq == math.MaxUint64 {
		id.Ms--
	}
	return id, id != MaxStreamID
}

// AppendTo appends the ID as users see it: "1700000000000-0".
func (id StreamID) AppendTo(dst []byte) []byte {
	return num.AppendUint(append(num.AppendUint(dst, id.Ms), '-'), id.Seq)
}

// # IDs as users write them
//
//	1700000000000-5    time and number
//	1700000000000      the number is what the command takes for missing
//	1700000000000-*    the number is chosen by the stream, where an entry is added
//	-  +               the least and the greatest ID, as bounds
//
// Redis reads both parts as C's strtoull does if they aren't plain integers, so that " 7", "+7" and "007" are 7. It
// looks no further than to a zero byte, nor at texts of more than maxIDText bytes.
const maxIDText = 127

// ParseStreamID reads the ID of an entry; missing is the number of one that has none.
func ParseStreamID(b []byte, missing uint64) (StreamID, bool) {
	id, chosen, ok := parseID(b, missing)
	return id, ok && !chosen
}

// ParseNewStreamID reads the ID of an entry to be added. chosen says that its number is left to the stream.
func ParseNewStreamID(b []byte) (id StreamID, chosen, ok bool) { return parseID(b, 0) }

// ParseStreamBound reads an ID, or - or + for the least or the greatest.
func ParseStreamBound(b []byte, missing uint64) (StreamID, bool) {
	if len(b) <= maxIDText {
		switch string(cString(b)) {
		case "-":
			return StreamID{}, true
		case "+":
			return MaxStreamID, true
		}
	}
	return ParseStreamID(b, missing)
}

func parseID(b []byte, missing uint64) (id StreamID, chosen, ok bool) {
	if len(b) > maxIDText {
		return id, false, false
	}
	ms, seq, dash := bytes.Cut(cString(b), []byte{'-'})
	if id.Ms, ok = parseUint(ms); !ok {
		return StreamID{}, false, false
	}
	switch {
	case !dash:
		id.Seq = missing
	case len(seq) == 1 && seq[0] == '*':
		chosen = true
	default:
		if id.Seq, ok = parseUint(seq); !ok {
			return StreamID{}, false, false
		}
	}
	return id, chosen, true
}

// cString returns what C sees of a string: the bytes before the first zero byte.
func cString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// parseUint reads a part of an ID. A plain negative integer is refused, but one in another form wraps around.
func parseUint(b []byte) (uint64, bool) {
	if n, ok := num.ParseInt(b); ok {
		return uint64(n), n >= 0
	}
	for len(b) > 0 && (b[0] == ' ' || '\t' <= b[0] && b[0] <= '\r') {
		b = b[1:]
	}
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, false
	}
	var u uint64
	for _, c := range b {
		if c -= '0'; c > 9 {
			return 0, false
		}
		hi, lo := bits.Mul64(u, 10)
		sum, carry := bits.Add64(lo, uint64(c), 0)
		if hi != 0 || carry != 0 {
			return 0, false
		}
		u = sum
	}
	if negative {
		u = -u
	}
	return u, true
}

// # Numbers in keys
//
// The trees of a stream compare bytes, so numbers in their elements stand such that the bytes are in the numbers'
// order, and short, since most numbers are small: below shortNumbers the number itself in one byte, else one byte that
// says how many follow, and these, big-endian. No number is the beginning of another.
const shortNumbers = 0xF0

// appendKeyNumber appends a number in its order.
func appendKeyNumber(dst []byte, u uint64) []byte {
	if u < shortNumbers {
		return append(dst, byte(u))
	}
	n := (bits.Len64(u) + 7) / 8
	dst = append(dst, byte(shortNumbers+n))
	for n--; n >= 0; n-- {
		dst = append(dst, byte(u>>(8*n)))
	}
	return dst
}

// keyNumber reads what appendKeyNumber has written, and returns it with the bytes it takes.
func keyNumber(b []byte) (u uint64, n int) {
	if b[0] < shortNumbers {
		return uint64(b[0]), 1
	}
	n = int(b[0]) - shortNumbers
	for _, c := range b[1 : 1+n] {
		u = u<<8 | uint64(c)
	}
	return u, 1 + n
}

// appendKey appends the ID in its order.
func (id StreamID) appendKey(dst []byte) []byte {
	return appendKeyNumber(appendKeyNumber(dst, id.Ms), id.Seq)
}

// idKey reads what appendKey has written.
func idKey(b []byte) (id StreamID, n int) {
	id.Ms, n = keyNumber(b)
	seq, m := keyNumber(b[n:])
	id.Seq = seq
	return id, n + m
}

// maxIDKey is the most that appendKey appends.
const maxIDKey = 18

// uvarint is binary.Uvarint with a quick way for the one byte that most numbers take.
func uvarint(b []byte) (uint64, int) {
	if b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}
