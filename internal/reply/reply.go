// Package reply is how a command answers: one Writer interface, written to by every handler, with an implementation
// for RESP bytes (RESP) and one for Go values (Values).
//
// A reply is written in order, outer first: Array(2) is followed by exactly two replies, Map(2) by four (key, value,
// key, value). What a type becomes in RESP2, which knows neither maps nor doubles, is the writer's business, so that a
// handler says what it means once.
package reply

// Writer receives one reply. Bytes handed to it are copied before the call returns.
type Writer interface {
	// Status writes a short answer such as OK. It must hold no CR or LF.
	Status(s string)
	// Error writes an error; s starts with its code ("ERR ...", "WRONGTYPE ..."). CR and LF become spaces.
	Error(s string)
	Int(n int64)
	Bulk(b []byte)
	BulkString(s string)
	// Null is "no value": $-1 in RESP2, _ in RESP3.
	Null()
	// NullArray is "no array": *-1 in RESP2, _ in RESP3.
	NullArray()
	// Array opens an array of n replies.
	Array(n int)
	// Map opens a map of n pairs; in RESP2 an array of 2n replies.
	Map(n int)
	// Set opens an unordered collection of n replies; in RESP2 an array.
	Set(n int)
	// Push opens an out-of-band message of n replies; in RESP2 an array.
	Push(n int)
	// Double writes a float; in RESP2 a bulk string, both formatted as Redis formats them.
	Double(f float64)
	// Bool writes a boolean; in RESP2 the integers 1 and 0.
	Bool(b bool)
	// BigNumber writes an integer of any size given in decimal; in RESP2 a bulk string.
	BigNumber(s string)
	// Verbatim writes text with a three-letter format ("txt", "mkd"); in RESP2 a bulk string without the format.
	Verbatim(format, s string)
	// Proto is the protocol version the reader speaks, 2 or 3, for the few answers whose shape depends on it.
	Proto() int
}

// Rewinder is a Writer that can take back what was written since a mark, as long as the reply around it is still open.
type Rewinder interface {
	Writer
	Mark() int64
	Rewind(mark int64)
}
