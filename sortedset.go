package darter

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"runtime"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/value"
)

// # Sorted sets
//
// A SortedSet is a key that holds a sorted set: different strings, its members, each with a score, in the order of
// scores, and of bytes where scores are the same. The rank of an element is how many come before it. The key comes
// with the first member and goes with the last; an absent key is an empty sorted set. Members are any bytes, and
// scores all float64s that are numbers, infinite ones too; -0 is kept as 0.
//
//	one sorted set   the methods of SortedSet; sortedset_range.go has ranges and walks
//	several          SortedUnion, SortedIntersect, SortedDifference and the same with Store: sortedset_merge.go
//
// Errors are ErrWrongType if a key holds something else, ErrClosed, ErrInternal; from methods that add ErrOutOfMemory,
// ErrTooLong, and ErrInvalid for a score that is no number; from those that change anything ErrReadOnly in a snapshot.

// ErrScoreNaN says that a sum of scores would be no number: of an infinite score and the opposite.
const ErrScoreNaN = errs.ScoreNaN

// SortedSet is the sorted set under a key of a cache or a snapshot: see Cache.SortedSet.
type SortedSet struct{ place }

// SortedSet returns the sorted set under a key, whether or not there is one yet. It costs nothing and need not be
// closed.
func (c *Cache) SortedSet(key string) SortedSet { return SortedSet{place{cache: c, key: key}} }

// SortedSet returns the sorted set under a key as it was at the instant of the snapshot.
func (s *Snapshot) SortedSet(key string) SortedSet { return SortedSet{place{snap: s, key: key}} }

// Scored is a member of a sorted set with its score.
type Scored struct {
	Member string
	Score  float64
}

// SortedAddOptions say more of an AddWith or IncrWith. The zero value adds members and changes scores.
type SortedAddOptions struct {
	OnlyNew     bool // only add members that are not there; clashes with all others
	OnlyOld     bool // only change scores of members that are there
	OnlyGreater bool // only change a score for a greater one
	OnlyLess    bool // only change a score for a lesser one; with OnlyGreater it is an error
}

func (o SortedAddOptions) mode() (mode value.AddMode, err error) {
	for _, option := range [...]struct {
		on   bool
		mode value.AddMode
	}{
		{o.OnlyNew, value.AddNew}, {o.OnlyOld, value.AddOld}, {o.OnlyGreater, value.AddGreater}, {o.OnlyLess, value.AddLess},
	} {
		if option.on {
			mode |= option.mode
		}
	}
	if o.OnlyNew && mode != value.AddNew || o.OnlyGreater && o.OnlyLess {
		return 0, fmt.Errorf("%w: SortedAddOptions that clash", ErrInvalid)
	}
	return mode, nil
}

// checkScore finds out whether a score is a number.
func checkScore(score float64) error {
	if math.IsNaN(score) {
		return fmt.Errorf("%w: a score that is not a number", ErrInvalid)
	}
	return nil
}

// Add gives a member a score and says whether the member is new. It allocates nothing. O(log n).
func (z SortedSet) Add(member string, score float64) (added bool, err error) {
	if err := checkScore(score); err != nil {
		return false, err
	}
	w, err := z.change(false)
	defer w.done(&err)
	if err != nil {
		return false, err
	}
	m := bytesOf(member)
	if !w.c.fits(z.key, m) {
		return false, ErrTooLong
	}
	n, _, err := w.db.SortedAdd(w.hash, w.key, 0, 1, func(int) ([]byte, float64) { return m, score })
	return n == 1, err
}

// AddMany gives members scores, at one instant, and returns how many of the members are new. If memory runs out some
// may be added. O(log n) for each.
func (z SortedSet) AddMany(elements ...Scored) (added int, err error) {
	added, _, err = z.AddWith(SortedAddOptions{}, elements...)
	return added, err
}

// AddWith is AddMany as the options say. It also returns how many of the members that were there have another score
// now. Options that clash are ErrInvalid.
func (z SortedSet) AddWith(o SortedAddOptions, elements ...Scored) (added, changed int, err error) {
	mode, err := o.mode()
	if err != nil {
		return 0, 0, err
	}
	for i := range elements {
		if err := checkScore(elements[i].Score); err != nil {
			return 0, 0, err
		}
	}
	w, err := z.change(false)
	defer w.done(&err)
	if err != nil {
		return 0, 0, err
	}
	for i := range elements {
		if !w.c.fits(z.key, bytesOf(elements[i].Member)) {
			return 0, 0, ErrTooLong
		}
	}
	return w.db.SortedAdd(w.hash, w.key, mode, len(elements), func(i int) ([]byte, float64) {
		return bytesOf(elements[i].Member), elements[i].Score
	})
}

// Incr adds to the score of a member, 0 if it is not there yet, and returns the sum. One that is no number is
// ErrScoreNaN, and the score stays as it is. It allocates nothing. O(log n).
func (z SortedSet) Incr(member string, by float64) (score float64, err error) {
	score, _, err = z.incr(member, by, 0)
	return score, err
}

// IncrWith is Incr as the options say. Where they forbid it done is false, and nothing has changed.
func (z SortedSet) IncrWith(o SortedAddOptions, member string, by float64) (score float64, done bool, err error) {
	mode, err := o.mode()
	if err != nil {
		return 0, false, err
	}
	return z.incr(member, by, mode)
}

func (z SortedSet) incr(member string, by float64, mode value.AddMode) (score float64, done bool, err error) {
	if err := checkScore(by); err != nil {
		return 0, false, err
	}
	w, err := z.change(false)
	defer w.done(&err)
	if err != nil {
		return 0, false, err
	}
	m := bytesOf(member)
	if !w.c.fits(z.key, m) {
		return 0, false, ErrTooLong
	}
	if score, done, err = w.db.SortedIncr(w.hash, w.key, m, by, mode); !done {
		score = 0
	}
	return score, done, err
}

// Remove removes members and returns how many of them were there. O(log n) for each.
func (z SortedSet) Remove(members ...string) (removed int, err error) {
	w, err := z.change(true)
	defer w.done(&err)
	if err != nil {
		return 0, err
	}
	return w.db.SortedRemove(w.hash, w.key, len(members), func(i int) []byte { return bytesOf(members[i]) })
}

// open opens the sorted set of a key that is being read.
func (r *seen) sortedSet() value.SortedSet { return value.OpenSortedSet(*r.view, r.raw) }

// Score returns the score of a member, ErrNotFound if it is not there. It allocates nothing. O(1).
func (z SortedSet) Score(member string) (score float64, err error) {
	var r seen
	defer r.done(&err)
	if err = z.see(&r, keyspace.SortedSet); err != nil {
		return 0, err
	}
	score, found := value.SortedScore(r.view, r.raw, bytesOf(member))
	if !found {
		return 0, ErrNotFound
	}
	return score, nil
}

// Scores returns the scores of several members at one instant, in the order of the members; NaN stands for one that
// is not there. O(1) for each.
func (z SortedSet) Scores(members ...string) (scores []float64, err error) {
	var r seen
	defer r.done(&err)
	if err = z.see(&r, keyspace.SortedSet); err != nil {
		return nil, err
	}
	set := r.sortedSet()
	scores = make([]float64, len(members))
	for i, m := range members {
		set.Ahead(i, len(members), func(i int) []byte { return bytesOf(members[i]) })
		var found bool
		if scores[i], found = set.Score(bytesOf(m)); !found {
			scores[i] = math.NaN()
		}
	}
	return scores, nil
}

// Rank returns how many elements come before that of a member, from the lowest score on, ErrNotFound if it is not
// there. It allocates nothing. O(log n).
func (z SortedSet) Rank(member string) (rank int, err error) {
	rank, _, err = z.rank(member)
	return rank, err
}

// RevRank is Rank from the highest score on.
func (z SortedSet) RevRank(member string) (rank int, err error) {
	rank, n, err := z.rank(member)
	if err != nil {
		return 0, err
	}
	return n - 1 - rank, nil
}

func (z SortedSet) rank(member string) (rank, n int, err error) {
	var r seen
	defer r.done(&err)
	if err = z.see(&r, keyspace.SortedSet); err != nil {
		return 0, 0, err
	}
	set := r.sortedSet()
	rank, _, found := set.Rank(bytesOf(member))
	if !found {
		return 0, 0, ErrNotFound
	}
	return rank, set.Len(), nil
}

// Len returns how many members there are. O(1).
func (z SortedSet) Len() (n int, err error) {
	var r seen
	defer r.done(&err)
	if err = z.see(&r, keyspace.SortedSet); err != nil {
		return 0, err
	}
	set := r.sortedSet()
	return set.Len(), nil
}

// PopMin removes the element with the lowest score and returns it, ErrNotFound if there is none. O(log n).
func (z SortedSet) PopMin() (Scored, error) { return z.popOne(false) }

// PopMax removes the element with the highest score and returns it, ErrNotFound if there is none. O(log n).
func (z SortedSet) PopMax() (Scored, error) { return z.popOne(true) }

// PopMinMany removes up to n elements with the lowest scores and returns them, the lowest first. If memory runs out it
// returns those that it has removed with the error. A number below 0 is ErrInvalid. O(log n) for each.
func (z SortedSet) PopMinMany(n int) ([]Scored, error) { return z.pop(n, false) }

// PopMaxMany is PopMinMany for the highest scores, the highest first.
func (z SortedSet) PopMaxMany(n int) ([]Scored, error) { return z.pop(n, true) }

func (z SortedSet) popOne(highest bool) (e Scored, err error) {
	w, err := z.change(true)
	defer w.done(&err)
	if err != nil {
		return e, err
	}
	var buf [128]byte
	popped, n, err := w.db.SortedPop(buf[:0], w.hash, w.key, 1, highest)
	if n == 0 {
		if err == nil {
			err = ErrNotFound
		}
		return e, err
	}
	member, score, _ := keyspace.NextPopped(popped)
	return Scored{string(member), score}, err
}

func (z SortedSet) pop(n int, highest bool) (elements []Scored, err error) {
	if n < 0 {
		return nil, fmt.Errorf("%w: %d elements", ErrInvalid, n)
	}
	w, err := z.change(true)
	defer w.done(&err)
	if err != nil {
		return nil, err
	}
	popped, n, err := w.db.SortedPop(nil, w.hash, w.key, n, highest)
	elements = make([]Scored, 0, n)
	for len(popped) > 0 {
		var member []byte
		var score float64
		member, score, popped = keyspace.NextPopped(popped)
		elements = append(elements, Scored{string(member), score})
	}
	return elements, err
}

// Random returns an element chosen at random, all with the same chance, ErrNotFound if there is none. O(log n).
func (z SortedSet) Random() (e Scored, err error) {
	var r seen
	defer r.done(&err)
	if err = z.see(&r, keyspace.SortedSet); err != nil {
		return e, err
	}
	set := r.sortedSet()
	if set.Len() == 0 {
		return e, ErrNotFound
	}
	at := set.From(rand.IntN(set.Len()))
	el, _ := at.Next()
	var digits [20]byte
	return Scored{string(el.Member(digits[:])), el.Score}, nil
}

// scoredList gathers elements whose members share one piece of memory.
type scoredList struct {
	bytes  []byte
	ends   []int
	scores []float64
}

func (l *scoredList) add(member []byte, score float64) {
	l.bytes = append(l.bytes, member...)
	l.ends = append(l.ends, len(l.bytes))
	l.scores = append(l.scores, score)
}

// span adds elements by rank, from the last on if it is to be backwards.
func (l *scoredList) span(set *value.SortedSet, s value.Ranks, reverse bool) {
	var digits [20]byte
	at := set.From(s.From)
	if reverse {
		at = set.From(s.To)
	}
	for range s.Len() {
		var e value.SortedElem
		if reverse {
			e, _ = at.Prev()
		} else {
			e, _ = at.Next()
		}
		l.add(e.Member(digits[:]), e.Score)
	}
}

// elements returns what was gathered, never nil.
func (l *scoredList) elements() []Scored {
	all, from := string(l.bytes), 0
	list := make([]Scored, len(l.ends))
	for i, end := range l.ends {
		list[i], from = Scored{all[from:end], l.scores[i]}, end
	}
	return list
}

// Scan returns some elements, in no order, and the cursor to go on with, 0 at the end; a walk starts with 0. Elements
// that are there from the start of a walk to its end are returned at least once, even if their scores change, others
// may be or not. A small sorted set is returned whole, whatever Count says. ScanOptions.Type means nothing here; a
// Count below 0 is ErrInvalid. O(Count log n); more where many scores are the same. All goes over the elements in
// order.
func (z SortedSet) Scan(cursor uint64, o ScanOptions) (elements []Scored, next uint64, err error) {
	if o.Count < 0 {
		return nil, 0, fmt.Errorf("%w: ScanOptions.Count is %d, below 0", ErrInvalid, o.Count)
	}
	if o.Count == 0 {
		o.Count = scanCount
	}
	if o.Match == "" {
		o.Match = "*"
	}
	var r seen
	defer r.done(&err)
	if err = z.see(&r, keyspace.SortedSet); err != nil {
		return nil, 0, err
	}
	set, match := r.sortedSet(), matcher(o.Match)
	var list scoredList
	next = set.Scan(cursor, min(o.Count, set.Len()), func(member []byte, score float64) {
		if match(member) {
			list.add(member, score)
		}
	})
	return list.elements(), next, nil
}

// All yields the elements from the lowest score to the highest. In a cache it takes a slice of them at a time, and
// holds nothing while the loop's body runs, which may use the cache: after each slice it goes on behind the last
// element it has met, so that one whose score changes meanwhile may be met twice or not at all. In a snapshot each is
// met once. What is no sorted set, or closed, yields nothing. O(n).
func (z SortedSet) All() iter.Seq2[string, float64] { return z.walk(false) }

// Backward is All from the highest score to the lowest.
func (z SortedSet) Backward() iter.Seq2[string, float64] { return z.walk(true) }

func (z SortedSet) walk(reverse bool) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		if z.cache == nil {
			z.walkFrozen(reverse, yield)
			return
		}
		var last *Scored
		for {
			elements, err := z.slice(last, reverse)
			if err != nil || len(elements) == 0 {
				return
			}
			for _, e := range elements {
				if !yield(e.Member, e.Score) {
					return
				}
			}
			last = &elements[len(elements)-1]
		}
	}
}

// slice returns some elements behind one, nil for the start, or before it.
func (z SortedSet) slice(last *Scored, reverse bool) (elements []Scored, err error) {
	const size = 256
	var r seen
	defer r.done(&err)
	if err = z.see(&r, keyspace.SortedSet); err != nil {
		return nil, err
	}
	set := r.sortedSet()
	s := value.Ranks{From: 0, To: set.Len()}
	if last != nil {
		rank, found := set.Seek(last.Score, bytesOf(last.Member))
		switch {
		case reverse:
			s.To = rank
		case found:
			s.From = rank + 1
		default:
			s.From = rank
		}
	}
	if reverse {
		s.From = max(s.From, s.To-size)
	} else {
		s.To = min(s.To, s.From+size)
	}
	var list scoredList
	list.span(&set, s, reverse)
	return list.elements(), nil
}

// walkFrozen is walk in a snapshot, whose pages are kept meanwhile.
func (z SortedSet) walkFrozen(reverse bool, yield func(string, float64) bool) {
	var r seen
	err := z.snap.seeFrozen(&r, keyspace.SortedSet, bytesOf(z.key))
	if r.st == nil {
		return
	}
	defer runtime.KeepAlive(r.hand)
	defer r.st.done()
	if err != nil {
		return
	}
	set := r.sortedSet()
	var digits [20]byte
	at := set.From(0)
	if reverse {
		at = set.From(set.Len())
	}
	for range set.Len() {
		var e value.SortedElem
		if reverse {
			e, _ = at.Prev()
		} else {
			e, _ = at.Next()
		}
		if !yield(string(e.Member(digits[:])), e.Score) {
			return
		}
	}
}
