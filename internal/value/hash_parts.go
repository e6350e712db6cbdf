package value

import (
	"errors"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/packed"
)

// hashOps is what the plumbing must know of hashes; hashTTLOps differs in what it builds.
var (
	hashOps    = typeOps{countFields, hashEncoding, hashNodeBytes, hashRoots, cloneHash, hashParts, buildHash}
	hashTTLOps = typeOps{countFields, hashEncoding, hashNodeBytes, hashRoots, cloneHash, hashParts, buildTimedHash}
)

func countFields(v View, raw []byte) int {
	x := OpenHash(v, raw)
	return x.Len()
}

func hashEncoding(raw []byte) string {
	switch raw[0] {
	case hashPacked:
		return "listpack"
	case hashTimedPacked:
		return "listpackex"
	}
	return "hashtable"
}

func hashNodeBytes(v View, raw []byte) int64 {
	x := OpenHash(v, raw)
	return x.m.Bytes + x.index.Bytes
}

func hashRoots(v View, raw []byte, dst []Node) []Node {
	x := OpenHash(v, raw)
	if x.m.Root != 0 {
		dst = append(dst, Node{MapNode, x.m.Root})
	}
	if x.index.Root != 0 {
		dst = append(dst, Node{TreeNode, x.index.Root})
	}
	return dst
}

func cloneHash(v View, raw []byte, to *Heap) ([]byte, error) {
	x := OpenHash(v, raw)
	m, err := x.m.Clone(v.Mem, to.Slab)
	if err != nil {
		return nil, err
	}
	var index btree.Tree
	if x.timed() {
		if index, err = x.index.Clone(v.Mem, to.Slab); err != nil {
			m.Free(to.Slab)
			return nil, err
		}
	}
	head := 1
	if x.timed() {
		head += earliestSize
	}
	b := m.AppendTo(append([]byte(nil), raw[:head]...))
	if x.timed() {
		b = index.AppendTo(b)
	}
	return b, nil
}

// # Parts of a hash
//
//	| 0 | field | value | field | value | ...
//	| 1 | field | value | time | field | value | time | ...
//
// in elements of package packed. The first byte is the same in all parts of a hash.
const (
	plainPart = 0
	timedPart = 1
	partBytes = 4096
)

var errHashPart = errors.New("value: not a part of a hash")

func hashParts(v View, raw []byte, yield func(part []byte) bool) {
	x := OpenHash(v, raw)
	kind := byte(plainPart)
	if x.timed() {
		kind = timedPart
	}
	part := append(make([]byte, 0, partBytes+512), kind)
	more := true
	x.All(make([]byte, DigitsSize), func(field, value []byte, at int64) bool {
		part = packed.AppendValue(packed.AppendValue(part, field), value)
		if kind == timedPart {
			part = packed.AppendInt(part, at)
		}
		if len(part) >= partBytes {
			more = yield(part)
			part = part[:1]
		}
		return more
	})
	if more && len(part) > 1 {
		yield(part)
	}
}

// hashBuilder is the Builder of hashes. Its heap is a copy of the shard's with a scratch of its own, which others don't
// use between the calls.
type hashBuilder struct {
	heap  Heap
	edit  HashEdit
	timed bool
}

func buildHash(h *Heap) Builder      { return newHashBuilder(h, false) }
func buildTimedHash(h *Heap) Builder { return newHashBuilder(h, true) }

func newHashBuilder(h *Heap, timed bool) Builder {
	b := &hashBuilder{heap: *h, timed: timed}
	b.heap.Scratch = nil
	b.edit = EditHash(&b.heap, 0, nil)
	return b
}

// Add takes the next part.
func (b *hashBuilder) Add(part []byte) error {
	kind := byte(plainPart)
	if b.timed {
		kind = timedPart
	}
	if len(part) < 2 || part[0] != kind || !packed.Valid(part[1:]) {
		return errHashPart
	}
	stride := 2 + int(kind)
	if packed.Count(part[1:])%stride != 0 {
		return errHashPart
	}
	var buf [DigitsSize]byte
	for rest := part[1:]; len(rest) > 0; {
		f, n := packed.Decode(rest)
		rest = rest[n:]
		v, n := packed.Decode(rest)
		rest = rest[n:]
		at := int64(0)
		if b.timed {
			t, n := packed.Decode(rest)
			rest = rest[n:]
			if at = t.Int; !t.IsInt || at < 0 {
				return errHashPart
			}
		}
		existed, err := b.edit.Set(text(f, buf[:0:20]), text(v, buf[20:20]), at)
		if err != nil {
			return err
		}
		if existed {
			return errHashPart
		}
	}
	return nil
}

// Raw returns what was built.
func (b *hashBuilder) Raw() (raw []byte, large bool, err error) {
	if b.timed && b.edit.all() > 0 {
		b.edit.stayTimed()
	}
	raw, large, _ = b.edit.Raw()
	return raw, large, nil
}
