package archive

// A record's encoding is drawn at the head of format.go. Its head holds both lengths, before any byte of the key, so that
// whoever reads knows the whole size after at most maxHead bytes and can refuse it before anything is allocated.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Kind is the type of a value. The archive only counts records by kind: what the payload of one looks like is between
// the one who saves and the one who loads. 0 is no kind, and from KindLibrary on they are no values of keys. A program
// that meets a kind it does not know has to refuse the file.
type Kind byte

// The kinds that have a number so far.
const (
	KindString Kind = 1
	KindList   Kind = 2
	KindHash   Kind = 3
	KindSet    Kind = 4
	KindZSet   Kind = 5
	KindStream Kind = 6

	// KindLibrary is a library of functions: Key is its name and Payload its text.
	KindLibrary Kind = 128
)

// MaxRecordBytes bounds key and payload of a record together: a key and a string of 512 MiB each. A container that is
// bigger is saved as several records, told apart by their flags.
const MaxRecordBytes = 1 << 30

// Record is one key with its value, or what else belongs to a cache.
type Record struct {
	// Shard is set by Read: the shard whose section held the record. Add ignores it.
	Shard int
	// DB is the logical database, 0 to 2^31-1.
	DB int
	// Kind is the type of the value.
	Kind Kind
	// Flags belong to the one who saves, a hint at the encoding of the payload for example.
	Flags byte
	// ExpireAtMs is when the key expires, in Unix milliseconds; 0 is never. It can't be negative.
	ExpireAtMs int64
	// Access is what is remembered about the use of the key, as eviction left it.
	Access uint64
	// Key and Payload are read by Add and not kept. In a record that Read hands out they are valid, and may be written
	// to, until handle returns.
	Key, Payload []byte
}

// maxHead is the longest encoding of a record's head.
const maxHead = 2 + 5 + 9 + 3*binary.MaxVarintLen64

// check reports what makes r unfit to be written.
func (r *Record) check() error {
	switch {
	case r.Kind == 0:
		return errors.New("archive: record without a kind")
	case r.DB < 0 || int64(r.DB) > math.MaxInt32:
		return fmt.Errorf("archive: record in database %d", r.DB)
	case r.ExpireAtMs < 0:
		return fmt.Errorf("archive: record that expires at %d", r.ExpireAtMs)
	case uint64(len(r.Key))+uint64(len(r.Payload)) > MaxRecordBytes:
		return fmt.Errorf("archive: record with a key of %d and a payload of %d bytes, at most %d together",
			len(r.Key), len(r.Payload), MaxRecordBytes)
	}
	return nil
}

func (r *Record) appendHead(dst []byte) []byte {
	dst = append(dst, byte(r.Kind), r.Flags)
	dst = binary.AppendUvarint(dst, uint64(r.DB))
	dst = binary.AppendUvarint(dst, uint64(r.ExpireAtMs))
	dst = binary.AppendUvarint(dst, r.Access)
	dst = binary.AppendUvarint(dst, uint64(len(r.Key)))
	return binary.AppendUvarint(dst, uint64(len(r.Payload)))
}

// parseHead decodes the head at the start of b into r, all but Shard, Key and Payload. It returns the head's length and
// those of key and payload, whose sum is at most limit. reason is empty unless the head is unfit.
func (r *Record) parseHead(b []byte, limit uint64) (n, keyLen, payloadLen int, reason string) {
	if len(b) < 2 {
		return 0, 0, 0, "a record's head is cut off"
	}
	r.Kind, r.Flags = Kind(b[0]), b[1]
	n = 2
	var fields [5]uint64
	for i := range fields {
		v, w := binary.Uvarint(b[n:])
		if w == 0 {
			return 0, 0, 0, "a record's head is cut off"
		}
		if w < 0 {
			return 0, 0, 0, "a number in a record's head has more than 64 bits"
		}
		fields[i] = v
		n += w
	}
	db, expire, access, key, payload := fields[0], fields[1], fields[2], fields[3], fields[4]
	switch {
	case r.Kind == 0:
		return 0, 0, 0, "a record has no kind"
	case db > math.MaxInt32:
		return 0, 0, 0, fmt.Sprintf("a record is in database %d", db)
	case expire > math.MaxInt64:
		return 0, 0, 0, "a record's expiry is out of range"
	case key > limit || payload > limit-key:
		return 0, 0, 0, fmt.Sprintf("a record claims a key of %d and a payload of %d bytes, the limit is %d together",
			key, payload, limit)
	}
	r.DB, r.ExpireAtMs, r.Access = int(db), int64(expire), access
	return n, int(key), int(payload), ""
}

// parse decodes the record at the start of b into r, whose Key and Payload then lie in b, and returns the bytes after it.
func (r *Record) parse(b []byte, limit uint64) (rest []byte, reason string) {
	n, keyLen, payloadLen, reason := r.parseHead(b, limit)
	if reason != "" {
		return nil, reason
	}
	b = b[n:]
	if keyLen+payloadLen > len(b) {
		return nil, "a record runs past the end of its block"
	}
	end := keyLen + payloadLen
	r.Key, r.Payload = b[:keyLen:keyLen], b[keyLen:end:end]
	return b[end:], ""
}

// appendAttributes appends the info payload.
func appendAttributes(dst []byte, attrs map[string]string) []byte {
	names := make([]string, 0, len(attrs))
	for name := range attrs {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = binary.AppendUvarint(dst, uint64(len(names)))
	for _, name := range names {
		for _, s := range [2]string{name, attrs[name]} {
			dst = binary.AppendUvarint(dst, uint64(len(s)))
			dst = append(dst, s...)
		}
	}
	return dst
}

// parseAttributes decodes an info payload; ok is false if it is malformed.
func parseAttributes(b []byte) (attrs map[string]string, ok bool) {
	count, w := binary.Uvarint(b)
	if w <= 0 {
		return nil, false
	}
	b = b[w:]
	text := func() (string, bool) {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return "", false
		}
		s := string(b[w : w+int(n)])
		b = b[w+int(n):]
		return s, true
	}
	attrs = make(map[string]string)
	last := ""
	for i := range count {
		name, ok := text()
		if !ok || i > 0 && name <= last {
			return nil, false
		}
		if attrs[name], ok = text(); !ok {
			return nil, false
		}
		last = name
	}
	return attrs, len(b) == 0
}
