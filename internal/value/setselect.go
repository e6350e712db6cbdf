package value

import (
	"cmp"
	"slices"
)

// Selection is what a union, an intersection or a difference of sets consists of: those members of some sets that are
// in each of some other sets, or in none of them. It copies nothing; it is good as long as the sets. A walk over it
// looks each member up in the other sets; Fix does so once for several walks.
type Selection struct {
	over   []Set // walked, one after another
	others []Set // where members are looked up
	in     bool  // they must be there, not absent
	union  bool  // the others are the sets of over that came before

	fixed []uint64 // a bit for each member of over in the order of the walk, after Fix
	temp  SetEdit  // a set made for the purpose
}

// Intersection selects the members that all of the sets have. It reorders sets, which it keeps.
func Intersection(sets []Set) Selection {
	slices.SortStableFunc(sets, bySize)
	return Selection{over: sets[:min(1, len(sets))], others: sets[min(1, len(sets)):], in: true}
}

// Difference selects the members of the first set that no other has. It reorders sets, which it keeps. Where the others
// are small beside the first it may make a set of what is to be left out in the heap, if one is given.
func Difference(sets []Set, h *Heap) Selection {
	if len(sets) == 0 {
		return Selection{}
	}
	s := Selection{over: sets[:1], others: sets[1:]}
	slices.SortStableFunc(s.others, byFalling) // a member is likeliest to be found in a large set
	first, all := int64(sets[0].n), int64(0)
	for i := range sets {
		all += int64(sets[i].n)
	}
	// The choice is Redis's: to look all members up everywhere, or to go over all sets once.
	if h == nil || first*int64(len(sets))/2 <= all {
		return s
	}
	s.temp.New(h)
	for i := range s.others {
		both := Intersection([]Set{sets[0], s.others[i]})
		if s.temp.AddAll(&both) != nil {
			s.temp.Free() // lookups need no memory
			return s
		}
	}
	s.others = []Set{s.temp.Set}
	return s
}

// Union selects the members that any of the sets has. It reorders sets, which it keeps. Where there are many it may
// make the union in the heap, if one is given.
func Union(sets []Set, h *Heap) Selection {
	slices.SortStableFunc(sets, byFalling)
	lookups, all := int64(0), int64(0)
	for i := range sets {
		all += int64(sets[i].n)
		lookups += int64(i) * int64(sets[i].n)
	}
	// To add a member to a set takes some times as long as to look one up.
	const addCost = 4
	if h == nil || lookups <= addCost*all {
		return Selection{over: sets, union: true}
	}
	s := Selection{}
	s.temp.New(h)
	if s.temp.AddUnion(sets) != nil {
		s.temp.Free()
		return Selection{over: sets, union: true}
	}
	s.over = []Set{s.temp.Set}
	return s
}

func bySize(a, b Set) int    { return cmp.Compare(a.n, b.n) }
func byFalling(a, b Set) int { return cmp.Compare(b.n, a.n) }

// Free frees what was made in the heap.
func (s *Selection) Free() {
	if s.temp.h != nil {
		s.temp.Free()
	}
}

// wants says whether a member of over[i] is selected.
func (s *Selection) wants(i int, m Member) bool {
	others := s.others
	if s.union {
		others = s.over[:i]
	}
	for j := range others {
		if others[j].has(m) != s.in {
			return false
		}
	}
	return true
}

// All passes on every selected member, each once, until yield returns false.
func (s *Selection) All(yield func(Member) bool) {
	at, more := 0, true
	for i := range s.over {
		s.over[i].All(func(m Member) bool {
			selected := false
			if s.fixed != nil {
				selected = s.fixed[at>>6]>>(at&63)&1 != 0
			} else {
				selected = s.wants(i, m)
			}
			at++
			if selected {
				more = yield(m)
			}
			return more
		})
		if !more {
			return
		}
	}
}

// Count counts the selected members, up to a limit.
func (s *Selection) Count(limit int) int {
	n := 0
	if limit > 0 {
		s.All(func(Member) bool {
			n++
			return n < limit
		})
	}
	return n
}

// Fix notes which members are selected, one bit each, and returns how many.
func (s *Selection) Fix() int {
	all := 0
	for i := range s.over {
		all += s.over[i].n
	}
	if len(s.over) == 1 && len(s.others) == 0 {
		return all // each of them
	}
	fixed := make([]uint64, (all+63)/64)
	at, n := 0, 0
	for i := range s.over {
		s.over[i].All(func(m Member) bool {
			if s.wants(i, m) {
				fixed[at>>6] |= 1 << (at & 63)
				n++
			}
			at++
			return true
		})
	}
	s.fixed = fixed
	return n
}

// AddAll adds the members of a selection to a set that isn't among its sets. After an error some of them are added.
func (e *SetEdit) AddAll(s *Selection) (err error) {
	s.All(func(m Member) bool {
		_, err = e.add(m)
		return err == nil
	})
	return err
}

// AddUnion adds the members of several sets to an empty one that isn't among them. After an error some of them are
// added.
func (e *SetEdit) AddUnion(sets []Set) (err error) {
	slices.SortStableFunc(sets, byFalling)
	for i := range sets {
		if i == 0 && e.mustBeLarge(sets[i].n) && sets[i].form == setLarge {
			if err = e.copyLarge(&sets[i]); err != nil {
				return err
			}
			continue
		}
		sets[i].All(func(m Member) bool {
			_, err = e.add(m)
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mustBeLarge says that no packed set has so many members.
func (e *SetEdit) mustBeLarge(n int) bool {
	return int64(n) > max(e.h.Limits.SetInts.Load(), e.h.Limits.SetEntries.Load())
}

// copyLarge makes an empty set the copy of a large one.
func (e *SetEdit) copyLarge(s *Set) error {
	m, err := s.m.Clone(s.mem, e.h.Slab)
	if err == nil {
		e.setMap(m)
	}
	return err
}
