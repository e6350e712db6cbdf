// Package wire reads requests off a byte stream and writes them: RESP's array-of-bulks form, and the inline form that
// people type into telnet.
//
// A Parser is given a buffer that starts at a command's first byte. It takes one of three ways:
//
//   - quick: the whole command is there, has at most 99 arguments and nothing odd about it. One pass cuts the
//     arguments out. Nearly every command of a pipeline goes this way. Whatever is odd or missing leaves it without a
//     trace, and the next way starts over.
//   - walk: checks what is there, remembers how far it came as offsets from the command's first byte, and goes on from
//     there on the next call. A large bulk or an array of a million arguments that arrives in small reads is looked at
//     once; nothing is kept per argument meanwhile.
//   - cut: once the walk is through, a second pass over headers known to be good makes the arguments.
//
// So the memory a client can claim by announcing lengths is none, and the work it can cause is at most two looks at
// each byte it sent.
//
// What Redis tolerates is tolerated: nobody looks at the byte after a CR, nor at the two bytes after a bulk. As there,
// a NUL in a header or inline line hides the rest: the line then never ends, until it is too long.
package wire

import (
	"math"

	"github.com/darterdb/darter/internal/num"
)

// Limits that hold where a Parser's fields are zero, and those of unauthenticated clients.
const (
	DefaultMaxBulk      = 512 << 20
	DefaultMaxMultibulk = math.MaxInt32
	DefaultMaxInline    = 64 << 10

	unauthenticatedArgs = 10
	unauthenticatedBulk = 16384
)

const (
	// keepArgs is the longest slice of arguments kept for the next command.
	keepArgs = 1024
	// firstArgs is what is made for the first command.
	firstArgs = 8
	// leastBulk is the length of the shortest bulk, an empty one.
	leastBulk = len("$0\r\n\r\n")
)

// ProtocolError is a request that cannot be read; its text is Redis's, without the leading "ERR ". After one the
// stream has no next command: answer with it and close.
type ProtocolError string

func (e ProtocolError) Error() string { return string(e) }

// The errors of Parse, but for the one that names a byte ("Protocol error: expected '$', got 'x'").
const (
	ErrInlineTooBig             ProtocolError = "Protocol error: too big inline request"
	ErrUnbalancedQuotes         ProtocolError = "Protocol error: unbalanced quotes in request"
	ErrMultibulkLength          ProtocolError = "Protocol error: invalid multibulk length"
	ErrMultibulkCountTooBig     ProtocolError = "Protocol error: too big mbulk count string"
	ErrBulkLength               ProtocolError = "Protocol error: invalid bulk length"
	ErrBulkCountTooBig          ProtocolError = "Protocol error: too big bulk count string"
	ErrUnauthenticatedMultibulk ProtocolError = "Protocol error: unauthenticated multibulk length"
	ErrUnauthenticatedBulk      ProtocolError = "Protocol error: unauthenticated bulk length"
)

// Parser reads the commands of one stream. The zero value has Redis's limits. The fields may be changed between
// calls. It is not safe for concurrent use.
type Parser struct {
	// MaxBulk is the longest argument in bytes; 0 means DefaultMaxBulk.
	MaxBulk int
	// MaxMultibulk is the largest number of arguments; 0 means DefaultMaxMultibulk.
	MaxMultibulk int
	// MaxInline is the longest inline request and the longest header line in bytes; 0 means DefaultMaxInline.
	MaxInline int
	// Unauthenticated cuts the limits down to 10 arguments of 16384 bytes each, for as long as the client has not
	// said who it is.
	Unauthenticated bool

	// pending says that a command has begun and is not complete; the fields below it describe it then.
	pending bool
	args    [][]byte // reused by every command that fits; all of its length may be written

	argc int // arguments announced; 0 while the first line is not complete
	left int // arguments not yet complete
	bulk int // length of the bulk whose bytes begin at pos; -1 while its header is not complete
	pos  int // offset of what is read next: a line or a bulk
	seen int // bytes of the line at pos already searched for its end
	have int // bytes of the command there were at the last call
}

// Parse reads one command from the start of buf. buf must begin at the command's first byte, and until the command
// is complete every call must be given those same bytes, with more after them; they may have moved.
//
// n is the number of bytes the command takes. n == 0 without an error means that it is not complete. A command may
// come out with no arguments at all (an empty line, an empty array): it is to be skipped without an answer. An error
// is a ProtocolError.
//
// The arguments are parts of buf, so they are good for as long as buf is; args itself is overwritten by the next
// call. Quoted arguments of an inline command are unescaped in place, in buf.
//
// To read a stream: keep one buffer, read into its free end, parse until n == 0, then move what is left to the front.
// If the buffer is full, double it, or grow it by Need if that is less. That never takes more than twice what really
// arrived, whatever a header claims.
func (p *Parser) Parse(buf []byte) (args [][]byte, n int, err error) {
	if !p.pending {
		if !p.Unauthenticated {
			if args, n = p.quick(buf); n > 0 {
				return args, n, nil
			}
		}
		if len(buf) == 0 {
			return nil, 0, nil
		}
		p.pending, p.argc, p.pos, p.seen = true, 0, 0, 0
	}
	p.have = len(buf)
	if buf[0] != '*' {
		return p.inline(buf)
	}
	done, err := p.walk(buf)
	if err != nil || !done {
		return nil, 0, err
	}
	p.pending = false
	return p.cut(buf), p.pos, nil
}

// Need is how many more bytes the command that Parse found incomplete takes at least; 1 if nothing is known.
func (p *Parser) Need() int {
	if !p.pending || p.argc == 0 {
		return 1
	}
	need := int64(1)
	if p.bulk >= 0 {
		need = int64(p.pos) + int64(p.bulk) + 2 - int64(p.have)
	} else {
		need = max(need, int64(leastBulk-(p.have-p.pos)))
	}
	need += int64(p.left-1) * int64(leastBulk)
	return int(min(need, math.MaxInt))
}

// Pending reports whether the last call of Parse left a command incomplete.
func (p *Parser) Pending() bool { return p.pending }

// Reset forgets a half-read command, and lets go of the buffer of the last one. The limits stay. Call it to put a
// parser to other use, or when its connection idles, so that the arguments do not keep a dropped buffer alive.
func (p *Parser) Reset() {
	p.pending = false
	clear(p.args)
}

// quick reads a complete array command of at most 99 arguments below 100 000 bytes. n is 0 for everything else.
func (p *Parser) quick(buf []byte) (args [][]byte, n int) {
	if len(buf) < 5 || buf[0] != '*' {
		return nil, 0
	}
	argc := uint(buf[1] - '0')
	if argc-1 > 8 {
		return nil, 0
	}
	pos := uint(4)
	if buf[2] != '\r' {
		d := uint(buf[2] - '0')
		if d > 9 || buf[3] != '\r' {
			return nil, 0
		}
		argc = argc*10 + d
		pos = 5
	}
	if argc > uint(p.maxMultibulk()) {
		return nil, 0
	}
	if argc > uint(len(p.args)) {
		p.args = make([][]byte, max(firstArgs, argc))
	}
	args = p.args[:argc]
	for i := range args {
		// The header is at least $0, and there are at least 6 bytes from its first to the end of its bulk.
		if pos+5 >= uint(len(buf)) || buf[pos] != '$' {
			return nil, 0
		}
		size := uint(buf[pos+1] - '0')
		if size > 9 {
			return nil, 0
		}
		begin := pos + 4
		if buf[pos+2] != '\r' {
			d := uint(buf[pos+2] - '0')
			if d > 9 || size == 0 {
				return nil, 0
			}
			size = size*10 + d
			begin = pos + 5
			if buf[pos+3] != '\r' {
				size, begin = longSize(buf, pos+3, size)
			}
			if size > p.maxBulk() {
				return nil, 0
			}
		}
		end := begin + size
		if end+2 > uint(len(buf)) {
			return nil, 0
		}
		args[i] = buf[begin:end:end]
		pos = end + 2
	}
	return args, int(pos)
}

// longSize reads on in the header of a bulk, at its third digit. begin is where the bulk begins: beyond buf if the
// header is not there in full, or has more than five digits or something else in it.
func longSize(buf []byte, pos, size uint) (total, begin uint) {
	for last := pos + 3; pos < uint(len(buf)) && pos <= last; pos++ {
		c := buf[pos]
		if c == '\r' {
			return size, pos + 2
		}
		if c-'0' > 9 {
			break
		}
		size = size*10 + uint(c-'0')
	}
	return 0, uint(len(buf))
}

// walk checks the command from where the last call left off; done means that it is complete and ends at p.pos.
func (p *Parser) walk(buf []byte) (done bool, err error) {
	if p.argc == 0 {
		end := p.line(buf, '\r')
		if end < 0 || end == len(buf)-1 {
			return false, p.overlong(end, ErrMultibulkCountTooBig)
		}
		argc, ok := num.ParseInt(buf[1:end])
		if !ok || argc > int64(p.maxMultibulk()) {
			return false, ErrMultibulkLength
		}
		if p.Unauthenticated && argc > unauthenticatedArgs {
			return false, ErrUnauthenticatedMultibulk
		}
		p.pos, p.seen = end+2, 0
		p.argc = int(max(argc, 0))
		p.left, p.bulk = p.argc, -1
	}
	for p.left > 0 {
		if p.bulk < 0 {
			end := p.line(buf, '\r')
			if end < 0 || end == len(buf)-1 {
				return false, p.overlong(end, ErrBulkCountTooBig)
			}
			if buf[p.pos] != '$' {
				return false, errNoBulk(buf[p.pos])
			}
			size, ok := num.ParseInt(buf[p.pos+1 : end])
			if !ok || size < 0 || uint64(size) > uint64(p.maxBulk()) {
				return false, ErrBulkLength
			}
			if p.Unauthenticated && size > unauthenticatedBulk {
				return false, ErrUnauthenticatedBulk
			}
			p.pos, p.seen = end+2, 0
			p.bulk = int(size)
		}
		if len(buf)-p.pos-2 < p.bulk {
			return false, nil
		}
		p.pos += p.bulk + 2
		p.bulk = -1
		p.left--
	}
	return true, nil
}

// cut makes the arguments of a command that walk found complete.
func (p *Parser) cut(buf []byte) [][]byte {
	args := p.room(p.argc)
	_, rest := header(buf)
	for i := range args {
		size, body := header(rest)
		args[i] = body[:size:size]
		rest = body[size+2:]
	}
	return args
}

// header reads a header line known to be good.
func header(buf []byte) (number int, rest []byte) {
	i := 1
	for ; buf[i] != '\r'; i++ {
		number = number*10 + int(buf[i]-'0')
	}
	return number, buf[i+2:]
}

// room gives a slice for argc arguments: the parser's own, or for a very long command one that is not kept.
func (p *Parser) room(argc int) [][]byte {
	if argc > keepArgs {
		return make([][]byte, argc)
	}
	if argc > len(p.args) {
		p.args = make([][]byte, max(firstArgs, argc))
	}
	return p.args[:argc]
}

// inline reads a command in the inline form, which ends with its line.
func (p *Parser) inline(buf []byte) (args [][]byte, n int, err error) {
	end := p.line(buf, '\n')
	if end < 0 {
		return nil, 0, p.overlong(end, ErrInlineTooBig)
	}
	line := buf[:end]
	if end > 0 && line[end-1] == '\r' {
		line = line[:end-1]
	}
	args, ok := split(p.args[:0], line)
	if !ok {
		return nil, 0, ErrUnbalancedQuotes
	}
	if cap(args) <= keepArgs {
		p.args = args[:cap(args)]
	}
	p.pending = false
	return args, end + 1, nil
}

// line gives the offset of the byte that ends the line at p.pos, or -1 if it is not among the bytes a line may have.
func (p *Parser) line(buf []byte, terminator byte) int {
	window := buf[p.pos:]
	if limit := p.maxInline(); len(window)-1 > limit {
		window = window[:limit+1]
	}
	for i := p.seen; i < len(window); i++ {
		c := window[i]
		if c == terminator || c == 0 {
			p.seen = i // the same byte is found at once by the next call
			if c == 0 {
				return -1
			}
			return p.pos + i
		}
	}
	p.seen = len(window)
	return -1
}

// overlong is err if the line at p.pos, whose end line gave, has no end and may not grow.
func (p *Parser) overlong(end int, err error) error {
	if end < 0 && p.have-p.pos > p.maxInline() {
		return err
	}
	return nil
}

// errNoBulk names the byte that stands where a bulk should begin; a line break becomes a space, as in every error.
func errNoBulk(got byte) ProtocolError {
	if got == '\r' || got == '\n' {
		got = ' '
	}
	return ProtocolError("Protocol error: expected '$', got '" + string([]byte{got}) + "'")
}

func (p *Parser) maxBulk() uint {
	if p.MaxBulk > 0 {
		return uint(p.MaxBulk)
	}
	return DefaultMaxBulk
}

func (p *Parser) maxMultibulk() int {
	if p.MaxMultibulk > 0 {
		return p.MaxMultibulk
	}
	return DefaultMaxMultibulk
}

func (p *Parser) maxInline() int {
	if p.MaxInline > 0 {
		return p.MaxInline
	}
	return DefaultMaxInline
}
