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
type versions struct {
	epoch   uint32     // stamped on cells born now; greater than every version's
	newest  uint32     // the newest live version's epoch, 0 without one
	live    []*Version // by epoch, ascending
	retired int64      // bytes of retired cells
}

// Version is one moment of one slab's cells.
type Version struct {
	epoch uint32
	dead  [][]Ref // cells that were freed while this was the newest version and saw them, in chunks
}

const (
	deadChunk = 512
	// rebaseAt is the epoch from which births are set back to the start at the next Freeze that finds no version live
	// or being closed.
	rebaseAt = 1 << 31
)

// ErrTooManyVersions says that 2^32 versions were made during the life of one that is still open.
var ErrTooManyVersions = errors.New("slab: too many versions")

// Freeze makes a version of all cells as they are. O(1), but once in 2^31 calls, when births are set back.
func (s *Slab) Freeze() (*Version, error) {
	// Retired cells mean that a version is still being closed, which goes by their births.
	if s.epoch >= rebaseAt && len(s.live) == 0 && s.retired == 0 {
		s.rebase()
	}
	if s.epoch == deadCell-1 {
		return nil, ErrTooManyVersions
	}
	v := &Version{epoch: s.epoch}
	s.newest = s.epoch
	s.epoch++
	s.live = append(s.live, v)
	return v, nil
}

// Frozen says that a live version sees the cell, so that it must not change.
func (s *Slab) Frozen(ref Ref) bool {
	return s.newest != 0 && le32(s.At(ref, 4)) <= s.newest
}

// HasVersions says that at least one version is alive.
func (s *Slab) HasVersions() bool { return s.newest != 0 }

func (s *Slab) retire(ref Ref) {
	v := s.live[len(s.live)-1]
	v.add(ref)
	s.retired += int64(sizeOf(s.At(spanOf(ref), headerSize)))
}

func (v *Version) add(ref Ref) {
	if n := len(v.dead); n == 0 || len(v.dead[n-1]) == deadChunk {
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
		s.newest = 0
		if n := len(s.live); n > 0 {
			s.newest = s.live[n-1].epoch
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
