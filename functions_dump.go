package darter

import (
	"encoding/binary"
	"hash/crc64"
	"strconv"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/luavm"
)

// # Dumps of libraries
//
// FUNCTION DUMP and RESTORE use Redis's format, so that dumps go from one server to the other, both ways:
//
//	245 | length | text     for each library
//	version, 2 bytes | checksum, 8 bytes     little-endian both
//
// A length's first two bits say how long it is: 6 bits, 14, or 32 and 64 in the bytes that follow; 11 is a string in another
// form, a number or packed with LZF. Such forms are read but never written.
const (
	dumpLibrary    = 245
	dumpLibraryOld = 246
	dumpFooter     = 10
	// dumpVersion is that of Redis 7.0, which 7.2 and later read too; dumpNewest is the newest that is read.
	dumpVersion = 10
	dumpNewest  = 11
	// maxLibrary bounds the text of a library in a dump; LZF could make a little into very much.
	maxLibrary = 512 << 20
)

const (
	errDumpSum      = errs.Error("ERR DUMP payload version or checksum are wrong")
	errDumpKind     = errs.Error("ERR given type is not a function")
	errDumpOld      = errs.Error("ERR Pre-GA function format not supported")
	errDumpContents = errs.Error("ERR Failed loading library data")
)

// dumpTable is the polynomial of Redis's checksum, bits reversed.
var dumpTable = crc64.MakeTable(0x95ac9329ac4bc9b5)

// dumpSum is Redis's checksum: unlike package crc64 it begins with zero and ends as it is.
func dumpSum(b []byte) uint64 { return ^crc64.Update(^uint64(0), dumpTable, b) }

func dumpLibraries(libraries []*luavm.Library) []byte {
	var b []byte
	for _, lib := range libraries {
		b = append(b, dumpLibrary)
		b = appendDumpLength(b, uint64(len(lib.Text())))
		b = append(b, lib.Text()...)
	}
	b = binary.LittleEndian.AppendUint16(b, dumpVersion)
	return binary.LittleEndian.AppendUint64(b, dumpSum(b))
}

func appendDumpLength(b []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(b, byte(n))
	case n < 1<<14:
		return append(b, 1<<6|byte(n>>8), byte(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, 2<<6), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 2<<6|1), n)
}

// parseLibraries returns the texts of the libraries in a dump.
func parseLibraries(dump []byte) (texts []string, err error) {
	at := len(dump) - dumpFooter
	if at < 0 || binary.LittleEndian.Uint16(dump[at:]) > dumpNewest {
		return nil, errDumpSum
	}
	if binary.LittleEndian.Uint64(dump[at+2:]) != dumpSum(dump[:at+2]) {
		return nil, errDumpSum
	}
	for b := dump[:at]; len(b) > 0; {
		switch b[0] {
		case dumpLibrary:
		case dumpLibraryOld:
			return nil, errDumpOld
		default:
			return nil, errDumpKind
		}
		text, rest, ok := parseDumpString(b[1:])
		if !ok {
			return nil, errDumpContents
		}
		texts = append(texts, text)
		b = rest
	}
	return texts, nil
}

// parseDumpLength reads a length. special says that it is the number of a form of string instead.
func parseDumpLength(b []byte) (n uint64, special bool, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, false, nil, false
	}
	head := b[0]
	switch b = b[1:]; {
	case head>>6 == 0:
		return uint64(head), false, b, true
	case head>>6 == 1 && len(b) >= 1:
		return uint64(head&0x3f)<<8 | uint64(b[0]), false, b[1:], true
	case head == 2<<6 && len(b) >= 4:
		return uint64(binary.BigEndian.Uint32(b)), false, b[4:], true
	case head == 2<<6|1 && len(b) >= 8:
		return binary.BigEndian.Uint64(b), false, b[8:], true
	case head>>6 == 3:
		return uint64(head & 0x3f), true, b, true
	}
	return 0, false, nil, false
}

func parseDumpString(b []byte) (text string, rest []byte, ok bool) {
	n, special, b, ok := parseDumpLength(b)
	switch {
	case !ok:
		return "", nil, false
	case !special:
		if n > uint64(len(b)) {
			return "", nil, false
		}
		return string(b[:n]), b[n:], true
	case n == 3:
		return parseDumpPacked(b)
	case n == 0 && len(b) >= 1:
		return strconv.Itoa(int(int8(b[0]))), b[1:], true
	case n == 1 && len(b) >= 2:
		return strconv.Itoa(int(int16(binary.LittleEndian.Uint16(b)))), b[2:], true
	case n == 2 && len(b) >= 4:
		return strconv.Itoa(int(int32(binary.LittleEndian.Uint32(b)))), b[4:], true
	}
	return "", nil, false
}

// parseDumpPacked reads a string that is packed: both its sizes, then LZF.
func parseDumpPacked(b []byte) (text string, rest []byte, ok bool) {
	packed, special, b, ok := parseDumpLength(b)
	if !ok || special {
		return "", nil, false
	}
	size, special, b, ok := parseDumpLength(b)
	if !ok || special || packed > uint64(len(b)) || size > maxLibrary || size/lzfMost > packed {
		return "", nil, false
	}
	out, ok := unpackLZF(b[:packed], int(size))
	return string(out), b[packed:], ok
}

// lzfMost bounds how many bytes one byte of LZF can stand for: a reference of three bytes is at most 264.
const lzfMost = 88

// unpackLZF unpacks LZF, which is runs of bytes and references to what came before:
//
//	000nnnnn                       n+1 bytes follow
//	nnnooooo oooooooo              n+2 bytes from o+1 back, n from 1 to 6
//	111ooooo nnnnnnnn oooooooo     n+9 bytes from o+1 back
func unpackLZF(in []byte, size int) (out []byte, ok bool) {
	out = make([]byte, 0, size)
	for len(in) > 0 {
		head := in[0]
		in = in[1:]
		if head < 1<<5 {
			n := int(head) + 1
			if n > len(in) || len(out)+n > size {
				return nil, false
			}
			out, in = append(out, in[:n]...), in[n:]
			continue
		}
		n := int(head>>5) + 2
		if head>>5 == 7 {
			if len(in) == 0 {
				return nil, false
			}
			n += int(in[0])
			in = in[1:]
		}
		if len(in) == 0 {
			return nil, false
		}
		from := len(out) - (int(head&0x1f)<<8 | int(in[0])) - 1
		in = in[1:]
		if from < 0 || len(out)+n > size {
			return nil, false
		}
		for i := range n { // byte by byte: a reference may reach into what it makes
			out = append(out, out[from+i])
		}
	}
	return out, len(out) == size
}
