package keyspace

import "github.com/darterdb/darter/internal/slab"

// Pin keeps the values of a shard where and as they are, so that one of them can be read when the shard has been let go:
// a version of the memory alone, without views of the dictionaries.
type Pin struct{ version *slab.Version }

// Pin makes one. O(1).
func (s *Shard) Pin() (Pin, error) {
	v, err := s.slab.FreezeCells()
	return Pin{v}, err
}

// Unpin frees what only the pin kept, a bounded amount a call: it is called, with the shard held, until it returns false.
func (s *Shard) Unpin(p Pin) (more bool) {
	more = s.slab.Thaw(p.version)
	s.note()
	return more
}
