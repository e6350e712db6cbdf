package slab

import (
	"cmp"
	"errors"
	"slices"
)

// # Versions
//
// A slab has an epoch, and every cell carries the epoch of its birth. Freeze makes a version: it notes the epoch and
// moves on to the next. A cell is
//
//	private  if it was born after the newest live version: it may be changed in place,
//	frozen   else: a version sees it, so it never changes again. To change it is to write a copy and Free the old cell.
//
// With no version alive every cell is private and the test is one comparison with zero. Since frozen cells never
// change, whoever holds a version reads them without the shard's lock.
//
//	epoch      1    2    3    4    5
//	versions      |v1       |v3
//	cell a     born .......... freed      seen by v1 and v3
//	cell b          born ..... freed      seen by v3 only
//	cell c                     born       private
//
// A frozen cell that is freed is retired: it goes on the list of the newest version, the last one to see it for sure.
// When that version closes, each cell on its list that the next older live version sees too moves to that one's list;
// the others are released. So a cell is kept exactly as long as a version sees it, whatever the order of closing. The
// scheme is that of ZFS's dead lists (Bonwick and Moore, "ZFS: The Last Word in File Systems").
//
// A version of cells alone (FreezeCells) sees no pages of dictionaries: those are changed in place, and freed at once,
// unless an older version of all sees them. It serves whoever knows the cells that matter by heart: a reader of one large
// value, and a savepoint, which remembers where changed keys were. A savepoint can also be gone back to: Revive makes the
// cells that were freed since live again.
type versions struct {
	epoch        uint32     // stamped on cells born now; greater than every version's
	newest       uint32     // the newest live version's epoch, 0 without one
	paged        uint32     // the newest live version's that sees pages
	live         []*Version // by epoch, ascending
	retired      int64      // bytes of retired cells
	spareVersion *Version   // memory of one that is over; see Reuse
}

// Version is one moment of one slab's cells.
type Version struct {
	epoch uint32
	pages bool    // it sees pages of dictionaries, too
	dead  [][]Ref // cells that were freed while this was the newest version and saw them, in chunks
	first [firstDead]Ref
}

const (
	deadChunk = 512
	firstDead = 8
	// rebaseAt is the epoch from which births are set back to the start at the next Freeze that finds no version live
	// or being closed.
	rebaseAt = 1 << 31
)

// ErrTooManyVersions says that 2^32 versions were made during the life of one that is still open.
var ErrTooManyVersions = errors.New("slab: too many versions")

// Freeze makes a version of all cells as they are. O(1), but once in 2^31 calls, when births are set back.
func (s *Slab) Freeze() (*Version, error) { return s.freeze(true) }

// FreezeCells makes a version of all cells but pages of dictionaries, as they are. O(1) as Freeze is.
func (s *Slab) FreezeCells() (*Version, error) { return s.freeze(false) }

func (s *Slab) freeze(pages bool) (*Version, error) {
	// Retired cells mean that a version is still being closed, which goes by their births.
	if s.epoch >= rebaseAt && len(s.live) == 0 && s.retired == 0 {
		s.rebase()
	}
	if s.epoch == deadCell-1 {
		return nil, ErrTooManyVersions
	}
	v := s.spareVersion
	if s.spareVersion = nil; v == nil {
		v = &Version{}
	}
	v.epoch, v.pages = s.epoch, pages
	s.newest = s.epoch
	if pages {
		s.paged = s.epoch
	}
	s.epoch++
	s.live = append(s.live, v)
	return v, nil
}

// Frozen says that a live version sees the cell, so that it must not change.
func (s *Slab) Frozen(ref Ref) bool {
	return s.newest != 0 && le32(s.At(ref, 4)) <= s.newest
}

// FrozenPage is Frozen for a page of a dictionary.
func (s *Slab) FrozenPage(ref Ref) bool {
	return s.paged != 0 && le32(s.At(ref, 4)) <= s.paged
}

// FreePage is Free for a page of a dictionary.
func (s *Slab) FreePage(ref Ref) {
	if s.FrozenPage(ref) {
		s.retire(ref)
		return
	}
	s.release(ref)
}

// BornBy says that the cell was born when the version was made.
func (s *Slab) BornBy(ref Ref, v *Version) bool { return le32(s.At(ref, 4)) <= v.epoch }

// HasPagedVersions says that a version alive sees pages of dictionaries.
func (s *Slab) HasPagedVersions() bool { return s.paged != 0 }

// HasVersions says that at least one version is alive.
func (s *Slab) HasVersions() bool { return s.newest != 0 }

func (s *Slab) retire(ref Ref) {
	v := s.live[len(s.live)-1]
	v.add(ref)
	s.retired += int64(sizeOf(s.At(spanOf(ref), headerSize)))
}

func (v *Version) add(ref Ref) {
	switch n := len(v.dead); {
	case n == 0: // most versions of cells come to an end with a few
		v.dead = append(v.dead, v.first[:0])
	case len(v.dead[n-1]) >= deadChunk:
		v.dead = append(v.dead, make([]Ref, 0, deadChunk))
	}
	last := &v.dead[len(v.dead)-1]
	*last = append(*last, ref)
}

// Thaw closes a version and frees what only it saw. One call frees a bounded number of cells, so that the shard isn't
// held for long: it is called until it returns false.
func (s *Slab) Thaw(v *Version) (more bool) {
	at, found := slices.BinarySearchFunc(s.live, v.epoch, func(l *Version, e uint32) int { return cmp.Compare(l.epoch, e) })
	if found {
		s.live = slices.Delete(s.live, at, at+1)
		s.newest, s.paged = 0, 0
		for _, l := range s.live {
			s.newest = l.epoch
			if l.pages {
				s.paged = l.epoch
			}
		}
	}
	if len(v.dead) == 0 {
		return false
	}
	var older *Version
	if at > 0 {
		older = s.live[at-1]
	}
	last := len(v.dead) - 1
	for _, ref := range v.dead[last] {
		if older != nil && le32(s.At(ref, 4)) <= older.epoch {
			older.add(ref)
			continue
		}
		s.retired -= int64(sizeOf(s.At(spanOf(ref), headerSize)))
		s.release(ref)
	}
	v.dead[last] = nil
	v.dead = v.dead[:last]
	return last > 0
}

// Reuse takes the memory of a version that was thawed to its end, and that nobody refers to any more, for another.
func (s *Slab) Reuse(v *Version) {
	if cap(v.dead) <= firstDead {
		*v = Version{dead: v.dead[:0]} // the chunks themselves have been let go
		s.spareVersion = v
	}
}

// Revive makes the cells that a version saw and that were freed since live again. The version is alive, one of cells alone,
// and all of what was freed is to come back: the caller leads to it again.
func (s *Slab) Revive(v *Version) {
	for _, l := range s.live {
		if l.epoch < v.epoch {
			continue
		}
		for i, chunk := range l.dead {
			l.dead[i] = slices.DeleteFunc(chunk, func(ref Ref) bool {
				h := s.At(spanOf(ref), headerSize)
				back := Purpose(h[hdrKind]) != Index && s.BornBy(ref, v)
				if back {
					s.retired -= int64(sizeOf(h))
				}
				return back
			})
		}
	}
}

// rebase sets the births of all cells and the epoch back to 1. No version may be alive.
func (s *Slab) rebase() {
	for block := s.all; block != 0; {
		span := blockRef(block)
		h := s.At(span, headerSize)
		size, end := le32(h[hdrSize:]), le32(h[hdrBump:])
		if size == 0 {
			size, end = BlockSize, headerSize+1
		}
		for at := uint32(headerSize); at < end; at += size {
			if cell := s.At(span+Ref(at), 4); le32(cell) != deadCell {
				put32(cell, 1)
			}
		}
		block = le32(h[hdrAllNext:])
	}
	s.epoch = 1
}
