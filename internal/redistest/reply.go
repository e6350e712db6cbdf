// Package redistest is what tests need to talk to a server in the Redis protocol: it starts a real redis-server,
// dials any server, and decodes replies into trees that keep every type the wire has.
//
// The decoder is written for tests and shares no code with the server's own reader and writer, so a mistake in one
// cannot hide a mistake in the other. Nothing is converted: the two nulls of RESP2 and the one of RESP3 are three
// different replies, a simple string is not a bulk string, and a map is not an array. [Reply.Text] shows the
// difference, so two replies are equal exactly when their texts are.
package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Kind is the first byte of a reply on the wire.
type Kind byte

// The kinds of RESP2 and RESP3.
const (
	Simple    Kind = '+'
	Error     Kind = '-'
	Integer   Kind = ':'
	Bulk      Kind = '$'
	Array     Kind = '*'
	Null      Kind = '_'
	Boolean   Kind = '#'
	Double    Kind = ','
	BigNumber Kind = '('
	BulkError Kind = '!'
	Verbatim  Kind = '='
	Map       Kind = '%'
	Set       Kind = '~'
	Push      Kind = '>'

	attribute Kind = '|'
)

// Reply is one decoded reply. Which fields count depends on Kind.
type Reply struct {
	Kind Kind
	// Nil marks RESP2's null bulk ($-1) and null array (*-1); Kind says which.
	Nil bool
	// Str is the text of Simple, Error, Bulk, BulkError and Verbatim (with its "txt:" prefix), and the digits as
	// sent of Double and BigNumber.
	Str string
	// Int is the value of Integer, and 0 or 1 for Boolean.
	Int int64
	// Elems holds the elements of Array, Set and Push; for Map, keys and values in turn.
	Elems []Reply
	// Attrs holds the attribute sent ahead of the reply, keys and values in turn.
	Attrs []Reply
}

// IsError reports whether the reply is an error of either form.
func (r Reply) IsError() bool { return r.Kind == Error || r.Kind == BulkError }

// Limits that keep a broken server from taking the test process down.
const (
	maxDepth = 64
	maxBulk  = 1 << 30
	maxElems = 1 << 26
	maxLine  = 1 << 20
)

// ErrProtocol is wrapped by every error of [ReadReply] that is the server's fault, not the connection's.
var ErrProtocol = errors.New("bad reply on the wire")

// ReadReply decodes the next reply. At a clean end of the stream the error is io.EOF, inside a reply it is
// io.ErrUnexpectedEOF; bytes that are no reply give an error that wraps [ErrProtocol].
func ReadReply(r *bufio.Reader) (Reply, error) {
	return readReply(r, 0)
}

func readReply(r *bufio.Reader, depth int) (Reply, error) {
	if depth > maxDepth {
		return Reply{}, fmt.Errorf("%w: nested deeper than %d", ErrProtocol, maxDepth)
	}
	line, err := readLine(r)
	if err != nil {
		if depth > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Reply{}, err
	}
	if line == "" {
		return Reply{}, fmt.Errorf("%w: empty line", ErrProtocol)
	}
	rep, rest := Reply{Kind: Kind(line[0])}, line[1:]
	switch rep.Kind {
	case Simple, Error:
		rep.Str = rest
		return rep, nil
	case Integer:
		rep.Int, err = parseInt(rest)
		return rep, err
	case Null:
		if rest != "" {
			return rep, fmt.Errorf("%w: null followed by %q", ErrProtocol, rest)
		}
		return rep, nil
	case Boolean:
		if rest != "t" && rest != "f" {
			return rep, fmt.Errorf("%w: boolean %q", ErrProtocol, rest)
		}
		if rest == "t" {
			rep.Int = 1
		}
		return rep, nil
	case Double, BigNumber:
		rep.Str = rest
		return rep, checkNumber(rep.Kind, rest)
	case Bulk, BulkError, Verbatim:
		return readBulk(r, rep, rest)
	case Array, Map, Set, Push, attribute:
		return readElems(r, rep, rest, depth)
	}
	return Reply{}, fmt.Errorf("%w: unknown first byte in %q", ErrProtocol, line)
}

func readBulk(r *bufio.Reader, rep Reply, header string) (Reply, error) {
	n, err := parseInt(header)
	if err != nil {
		return Reply{}, err
	}
	if n == -1 && rep.Kind == Bulk {
		rep.Nil = true
		return rep, nil
	}
	if n < 0 || n > maxBulk {
		return Reply{}, fmt.Errorf("%w: string of %d bytes", ErrProtocol, n)
	}
	buf := make([]byte, n+2)
	if _, err := io.ReadFull(r, buf); err != nil {
		return Reply{}, unexpected(err)
	}
	if buf[n] != '\r' || buf[n+1] != '\n' {
		return Reply{}, fmt.Errorf("%w: string of %d bytes is not followed by CRLF", ErrProtocol, n)
	}
	rep.Str = string(buf[:n])
	if rep.Kind == Verbatim && (n < 4 || rep.Str[3] != ':') {
		return Reply{}, fmt.Errorf("%w: verbatim string %q has no three-letter format", ErrProtocol, rep.Str)
	}
	return rep, nil
}

func readElems(r *bufio.Reader, rep Reply, header string, depth int) (Reply, error) {
	n, err := parseInt(header)
	if err != nil {
		return Reply{}, err
	}
	if n == -1 && rep.Kind == Array {
		rep.Nil = true
		return rep, nil
	}
	if n < 0 || n > maxElems {
		return Reply{}, fmt.Errorf("%w: %d elements", ErrProtocol, n)
	}
	if rep.Kind == Map || rep.Kind == attribute {
		n *= 2
	}
	for range n {
		e, err := readReply(r, depth+1)
		if err != nil {
			return Reply{}, err
		}
		rep.Elems = append(rep.Elems, e)
	}
	if rep.Kind != attribute {
		return rep, nil
	}
	real, err := readReply(r, depth+1)
	real.Attrs = append(rep.Elems, real.Attrs...)
	return real, err
}

// readLine reads up to CRLF and returns the line without it.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			break
		}
		if err == bufio.ErrBufferFull && len(line) <= maxLine {
			continue
		}
		if err == bufio.ErrBufferFull {
			return "", fmt.Errorf("%w: line longer than %d bytes", ErrProtocol, maxLine)
		}
		if len(line) > 0 {
			err = unexpected(err)
		}
		return "", err
	}
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return "", fmt.Errorf("%w: line %q does not end in CRLF", ErrProtocol, line)
	}
	return string(line[:len(line)-2]), nil
}

func parseInt(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%w: integer %q", ErrProtocol, s)
	}
	return n, nil
}

func checkNumber(k Kind, s string) error {
	if k == Double {
		if _, err := strconv.ParseFloat(s, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%w: double %q", ErrProtocol, s)
		}
		return nil
	}
	digits := s
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return fmt.Errorf("%w: big number %q", ErrProtocol, s)
		}
	}
	if digits == "" {
		return fmt.Errorf("%w: big number %q", ErrProtocol, s)
	}
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
