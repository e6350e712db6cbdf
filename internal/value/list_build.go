package value

import (
	"errors"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/packed"
)

// listPart is from how many bytes on a part of a list ends. Where parts end depends on the elements only.
const listPart = 8 << 10

var errListPart = errors.New("value: not a part of a list")

// listParts yields sequences of elements.
func listParts(v View, raw []byte, yield func(part []byte) bool) {
	l := OpenList(v, raw)
	part := make([]byte, 0, listPart+listPart/4)
	var digits [20]byte
	c := l.From(0)
	for e, ok := c.Next(); ok; e, ok = c.Next() {
		if part = packed.AppendValue(part, l.Bytes(e, digits[:0])); len(part) < listPart {
			continue
		}
		if !yield(part) {
			return
		}
		part = part[:0]
	}
	if len(part) > 0 {
		yield(part)
	}
}

// listBuilder makes a list of parts, which come from outside: it checks them.
type listBuilder struct {
	heap *Heap
	body []byte     // while the list is small, its elements
	tree btree.Tree // else
	n    int
	size int
}

func (b *listBuilder) Add(part []byte) error {
	n := 0
	if !packed.Valid(part) {
		b.tree.Free(b.heap.Slab)
		return errListPart
	}
	n = packed.Count(part)
	b.n += n
	b.size += len(part)
	if b.tree.Root == 0 {
		if len(b.body)+len(part) <= listPackedMax {
			b.body = append(b.body, part...)
			return nil
		}
		if err := b.add(b.body); err != nil {
			return err
		}
		b.body = nil
	}
	return b.add(part)
}

func (b *listBuilder) add(run []byte) error {
	err := b.tree.Append(b.heap.Slab, run)
	if err != nil {
		b.tree.Free(b.heap.Slab)
	}
	return err
}

func (b *listBuilder) Raw() (raw []byte, large bool, err error) {
	var l List
	l.Edit(b.heap, nil)
	if l.n = b.n; b.n > 0 {
		if most, count := b.heap.listLimits(); redisSize(b.size, b.n) > most || b.n > count {
			l.form |= listQuick
		}
	}
	if b.tree.Root == 0 {
		l.body = b.body
	} else {
		l.tree, l.size = b.tree, b.size
		l.form |= listLarge
	}
	raw, large = l.Raw()
	return raw, large, nil
}
