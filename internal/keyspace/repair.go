package keyspace

import "github.com/darterdb/darter/internal/slab"

// repairSlice is how many cells are moved while a shard is held once: some ten microseconds.
const repairSlice = 64

// RepairSome goes on moving entries out of sparsely filled memory, and says whether there is more to do.
func (s *Shard) RepairSome() (more bool) {
	if s.save != nil {
		return false
	}
	return s.slab.Repair(repairSlice, func(ref slab.Ref) {
		for _, db := range s.dbs {
			if db == nil {
				continue
			}
			if _, p, w, ok := db.t.Locate(ref); ok {
				// Without memory for the copy the entry stays where it is.
				if db.t.Move(p, w) == nil {
					s.Stats.Moved++
				}
				return
			}
		}
	})
}
