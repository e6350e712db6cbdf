package value

import (
	"fmt"
	"hash/maphash"
	"sync/atomic"

	"github.com/darterdb/darter/internal/btree"
	"github.com/darterdb/darter/internal/hashmap"
	"github.com/darterdb/darter/internal/slab"
)

// Kind is what a key holds. The numbers stand in snapshot files.
type Kind uint8

const (
	KindString    Kind = 1
	KindList      Kind = 2
	KindHash      Kind = 3
	KindSet       Kind = 4
	KindSortedSet Kind = 5
	KindStream    Kind = 6
	// KindHashTTL is a hash some of whose fields have a time of expiry. Its raw bytes go on after the form with the
	// earliest of them, 8 bytes, little-endian. Users see a hash.
	KindHashTTL Kind = 7
)

func (k Kind) String() string {
	switch k {
	case KindString:
		return "string"
	case KindList:
		return "list"
	case KindHash, KindHashTTL:
		return "hash"
	case KindSet:
		return "set"
	case KindSortedSet:
		return "zset"
	case KindStream:
		return "stream"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// # Containers
//
// A list, hash, set, sorted set or stream is kept in one of two ways. While it is small, all of it stands in the bytes
// of its key's value, *packed*. When it grows past its type's limits, the value is a short record that leads to nodes in
// the shard's slab, *large*:
//
//	packed   | form | elements one after the other ...  |
//	large    | form | roots and counts of B+trees and hash maps |  -->  nodes
//
// The slot's mark says which of the two it is, and the first byte of the value is the form, given by the type. Bytes of
// both kinds are called *raw*. An operation opens the raw bytes, works on them and on the nodes, and gives new raw bytes
// back, which whoever owns the key stores. Nodes obey the rule of versions: a frozen one is copied before it changes, so
// the raw bytes that a version has lead to the container as it was.
//
// A container is never empty: the key goes with the last element (a stream stays).

// View reads containers: those of a shard that is held, or of a version.
type View struct {
	Mem  slab.Mem
	Seed maphash.Seed // of the hashes of fields and members
	Now  int64        // Unix time in milliseconds, by which fields of hashes expire
}

// Heap is the memory that a shard's containers are made in. The caller holds the shard.
type Heap struct {
	*slab.Slab
	Seed   maphash.Seed
	Limits *Limits
	// Scratch is for bytes under work. An operation may use it, grow it and return parts of it as raw bytes, which are
	// good until the next operation on the shard.
	Scratch []byte
}

// maxScratch is the most that a heap keeps between operations.
const maxScratch = 64 << 10

// Tidy lets go of scratch that has grown large. Called between operations.
func (h *Heap) Tidy() {
	if cap(h.Scratch) > maxScratch {
		h.Scratch = nil
	}
}

// Limits say up to what size containers stay packed, and HyperLogLogs sparse, by the names of Redis's directives. They
// may change at any time.
type Limits struct {
	HashEntries   atomic.Int64 // hash-max-listpack-entries
	HashValue     atomic.Int64 // hash-max-listpack-value
	ListSize      atomic.Int64 // list-max-listpack-size
	SetInts       atomic.Int64 // set-max-intset-entries
	SetEntries    atomic.Int64 // set-max-listpack-entries
	SetValue      atomic.Int64 // set-max-listpack-value
	ZSetEntries   atomic.Int64 // zset-max-listpack-entries
	ZSetValue     atomic.Int64 // zset-max-listpack-value
	StreamBytes   atomic.Int64 // stream-node-max-bytes
	StreamEntries atomic.Int64 // stream-node-max-entries
	HLLSparse     atomic.Int64 // hll-sparse-max-bytes
}

// NewLimits returns Redis's defaults.
func NewLimits() *Limits {
	l := new(Limits)
	l.HashEntries.Store(512)
	l.HashValue.Store(64)
	l.ListSize.Store(-2)
	l.SetInts.Store(512)
	l.SetEntries.Store(128)
	l.SetValue.Store(64)
	l.ZSetEntries.Store(128)
	l.ZSetValue.Store(64)
	l.StreamBytes.Store(4096)
	l.StreamEntries.Store(100)
	l.HLLSparse.Store(HLLSparseMax)
	return l
}

// Structure is which of the structures a node belongs to.
type Structure uint8

const (
	TreeNode  Structure = iota // package btree
	MapNode                    // package hashmap
	LoneCell                   // a cell that leads nowhere
	BlockNode                  // package btree, of a stream's blocks: its elements lead to cells
)

// Node is a cell of a large container.
type Node struct {
	Of  Structure
	Ref slab.Ref
}

// typeOps is what the plumbing must know of a type of container.
type typeOps struct {
	// count returns the number of elements.
	count func(v View, raw []byte) int
	// encoding names the form as Redis does.
	encoding func(raw []byte) string
	// nodeBytes returns what the nodes of a large one take, in bytes of whole cells.
	nodeBytes func(v View, raw []byte) int64
	// roots appends the nodes that a large one leads to directly.
	roots func(v View, raw []byte, dst []Node) []Node
	// clone copies a large one into another heap (or the same) and returns its raw bytes, in dst or elsewhere.
	clone func(v View, raw []byte, to *Heap) ([]byte, error)
	// parts yields a container, packed or large, bit by bit as a snapshot file keeps it; build puts them together again.
	parts func(v View, raw []byte, yield func(part []byte) bool)
	build func(h *Heap) Builder
}

// Builder puts a container together from its parts. The caller holds the heap's shard during each call.
type Builder interface {
	// Add takes the next part. One that no container yields is an error.
	Add(part []byte) error
	// Raw returns the container's raw bytes and whether it is large. Without any Add they are empty.
	Raw() (raw []byte, large bool, err error)
}

// ops returns what is known of a kind; nil for strings and what doesn't exist.
func (k Kind) ops() *typeOps {
	switch k {
	case KindList:
		return &listOps
	case KindHash:
		return &hashOps
	case KindHashTTL:
		return &hashTTLOps
	case KindSet:
		return &setOps
	case KindSortedSet:
		return &sortedSetOps
	case KindStream:
		return &streamOps
	}
	return nil
}

// Container says whether values of the kind are containers.
func (k Kind) Container() bool { return k.ops() != nil }

// Count returns how many elements a container has, entries in a stream.
func (k Kind) Count(v View, raw []byte) int { return k.ops().count(v, raw) }

// Encoding names the way that Redis would keep a container.
func (k Kind) Encoding(raw []byte) string { return k.ops().encoding(raw) }

// NodeBytes returns what the nodes of a large container take.
func (k Kind) NodeBytes(v View, raw []byte) int64 { return k.ops().nodeBytes(v, raw) }

// Clone copies a large container into another heap, or the same, and returns the copy's raw bytes.
func (k Kind) Clone(v View, raw []byte, to *Heap) ([]byte, error) { return k.ops().clone(v, raw, to) }

// Parts yields a container bit by bit, as a snapshot file keeps it: each part is bytes that Build's Add takes, good until
// the next. The parts of a container don't depend on its form.
func (k Kind) Parts(v View, raw []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) { k.ops().parts(v, raw, yield) }
}

// Build returns a builder of a container.
func (k Kind) Build(h *Heap) Builder { return k.ops().build(h) }

// Debris is what large containers that no key leads to any more still have in the slab. It is freed bit by bit.
type Debris struct{ nodes []Node }

// Add takes in the nodes of a large container.
func (d *Debris) Add(k Kind, v View, raw []byte) { d.nodes = k.ops().roots(v, raw, d.nodes) }

// Empty says that nothing is left.
func (d *Debris) Empty() bool { return len(d.nodes) == 0 }

// FreeSome frees up to n nodes.
func (d *Debris) FreeSome(s *slab.Slab, n int) {
	for ; n > 0 && len(d.nodes) > 0; n-- {
		last := d.nodes[len(d.nodes)-1]
		d.nodes = last.children(s.Mem, d.nodes[:len(d.nodes)-1])
		s.Free(last.Ref)
	}
	if len(d.nodes) == 0 {
		d.nodes = nil
	}
}

// FreeWhere frees the nodes that are wanted, all at once. What only an unwanted one leads to is left.
func (d *Debris) FreeWhere(s *slab.Slab, want func(slab.Ref) bool) {
	for len(d.nodes) > 0 {
		last := d.nodes[len(d.nodes)-1]
		d.nodes = d.nodes[:len(d.nodes)-1]
		if want(last.Ref) {
			d.nodes = last.children(s.Mem, d.nodes)
			s.Free(last.Ref)
		}
	}
	d.nodes = nil
}

// Take takes what another has.
func (d *Debris) Take(other *Debris) {
	d.nodes = append(d.nodes, other.nodes...)
	other.nodes = nil
}

// children appends the nodes that a node leads to.
func (n Node) children(m slab.Mem, dst []Node) []Node {
	switch n.Of {
	case TreeNode:
		btree.Children(m, n.Ref, func(ref slab.Ref, lone bool) { dst = append(dst, nodeOf(TreeNode, ref, lone)) })
	case BlockNode:
		btree.Children(m, n.Ref, func(ref slab.Ref, lone bool) { dst = append(dst, nodeOf(BlockNode, ref, lone)) })
		dst = blockRefs(m, n.Ref, dst)
	case MapNode:
		hashmap.Children(m, n.Ref, func(ref slab.Ref, lone bool) { dst = append(dst, nodeOf(MapNode, ref, lone)) })
	}
	return dst
}

func nodeOf(of Structure, ref slab.Ref, lone bool) Node {
	if lone {
		of = LoneCell
	}
	return Node{of, ref}
}
