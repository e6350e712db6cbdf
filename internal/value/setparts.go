package value

import (
	"fmt"
	"slices"

	"github.com/darterdb/darter/internal/num"
)

// In a snapshot file each member is a part, its bytes as they are.

var setOps = typeOps{
	count: func(v View, raw []byte) int {
		s := OpenSet(v, raw)
		return s.Len()
	},
	encoding: func(raw []byte) string {
		switch raw[0] {
		case setLarge:
			return "hashtable"
		case setStrings:
			return "listpack"
		}
		return "intset"
	},
	nodeBytes: func(v View, raw []byte) int64 {
		s := OpenSet(v, raw)
		return s.m.Bytes
	},
	roots: func(v View, raw []byte, dst []Node) []Node {
		s := OpenSet(v, raw)
		if s.m.Root != 0 {
			dst = append(dst, Node{MapNode, s.m.Root})
		}
		return dst
	},
	clone: func(v View, raw []byte, to *Heap) ([]byte, error) {
		s := OpenSet(v, raw)
		if s.form != setLarge {
			return slices.Clone(raw), nil
		}
		m, err := s.m.Clone(s.mem, to.Slab)
		if err != nil {
			return nil, err
		}
		return m.AppendTo([]byte{setLarge}), nil
	},
	parts: func(v View, raw []byte, yield func([]byte) bool) {
		s := OpenSet(v, raw)
		var digits [20]byte
		s.All(func(m Member) bool {
			if m.IsInt {
				return yield(num.AppendInt(digits[:0], m.Int))
			}
			return yield(m.Str)
		})
	},
	build: func(h *Heap) Builder {
		b := &setBuilder{}
		b.e.New(h)
		return b
	},
}

// setBuilder puts a set together from its members.
type setBuilder struct{ e SetEdit }

func (b *setBuilder) Add(part []byte) error {
	added, err := b.e.Add(part)
	if err == nil && !added {
		err = fmt.Errorf("member %.64q comes twice", part)
	}
	return err
}

func (b *setBuilder) Raw() ([]byte, bool, error) {
	raw, large := b.e.Raw()
	return raw, large, nil
}
