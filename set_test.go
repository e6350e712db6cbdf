package darter

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/keyspace"
)

// is checks all that a set has, by every way to read it.
func (s Set) is(t testing.TB, want ...string) {
	t.Helper()
	n, err := s.Len()
	require.NoError(t, err)
	require.Equal(t, len(want), n)
	members, err := s.Members()
	require.NoError(t, err)
	sameMembers(t, want, members)
	all := slices.Collect(s.All())
	slices.Sort(all)
	sameMembers(t, want, slices.Compact(all))
	has, err := s.HasMany(append(slices.Clone(want), "absent")...)
	require.NoError(t, err)
	require.False(t, has[len(want)])
	for i, m := range want {
		one, err := s.Has(m)
		require.NoError(t, err)
		if !one || !has[i] {
			t.Fatalf("%.30q is not found", m)
		}
	}
}

// sameMembers compares members, whatever their order.
func sameMembers(t testing.TB, want, got []string) {
	t.Helper()
	want, got = slices.Clone(want), slices.Clone(got)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		require.Equal(t, want, got)
	}
}

// manyMembers returns so many that the set is large.
func manyMembers(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprint("member", i))
	}
	return list
}

func TestSetBasics(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, members := range [][]string{{"3", "-5", "70000"}, {"", "a\x00\xff", "12"}, manyMembers(0, 1000)} {
		for _, key := range []string{"", "k", "\x00"} {
			s := c.SetOf(key)
			s.is(t)
			n, err := s.Add(append(members, members[0])...)
			require.NoError(t, err)
			require.Equal(t, len(members), n)
			s.is(t, members...)
			n, err = s.Add(members[0])
			require.NoError(t, err)
			require.Zero(t, n)
			n, err = s.Remove(members[0], "absent", members[0])
			require.NoError(t, err)
			require.Equal(t, 1, n)
			s.is(t, members[1:]...)
			kind, err := c.Type(key)
			require.NoError(t, err)
			require.Equal(t, "set", kind)
			n, err = s.Remove(members...)
			require.NoError(t, err)
			require.Equal(t, len(members)-1, n)
			s.is(t)
			_, err = c.Type(key)
			require.Equal(t, ErrNotFound, err)
		}
	}
	require.Zero(t, c.Len())
	n, err := c.SetOf("k").Add()
	require.NoError(t, err)
	require.Zero(t, n)
	require.Zero(t, c.Len())
}

func TestSetAtRandom(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, members := range [][]string{{"1", "2", "3"}, {"a", "b", "7"}, manyMembers(0, 700)} {
		s := c.SetOf("k")
		_, err := s.Pop()
		require.Equal(t, ErrNotFound, err)
		out, err := s.AppendPop([]byte("as it was"))
		require.Equal(t, ErrNotFound, err)
		require.Equal(t, "as it was", string(out))
		_, err = s.Random()
		require.Equal(t, ErrNotFound, err)
		list, err := s.PopMany(5)
		require.NoError(t, err)
		require.Empty(t, list)
		list, err = s.RandomMany(5)
		require.NoError(t, err)
		require.Empty(t, list)

		_, err = s.Add(members...)
		require.NoError(t, err)
		m, err := s.Random()
		require.NoError(t, err)
		require.Contains(t, members, m)
		out, err = s.AppendRandom([]byte("one: "))
		require.NoError(t, err)
		require.Contains(t, members, strings.TrimPrefix(string(out), "one: "))
		for _, n := range []int{0, 1, 2, len(members) - 1, len(members), len(members) + 1} {
			list, err := s.RandomMany(n)
			require.NoError(t, err)
			require.Len(t, list, min(n, len(members)))
			require.Subset(t, members, list)
			slices.Sort(list)
			require.Len(t, slices.Compact(list), min(n, len(members)))
		}
		left := slices.Clone(members)
		drop := func(m string) {
			i := slices.Index(left, m)
			require.GreaterOrEqual(t, i, 0)
			left = slices.Delete(left, i, i+1)
		}
		m, err = s.Pop()
		require.NoError(t, err)
		drop(m)
		out, err = s.AppendPop([]byte("two: "))
		require.NoError(t, err)
		drop(strings.TrimPrefix(string(out), "two: "))
		s.is(t, left...)
		list, err = s.PopMany(len(left) / 2)
		require.NoError(t, err)
		require.Len(t, list, len(left)/2)
		for _, m := range list {
			drop(m)
		}
		s.is(t, left...)
		list, err = s.PopMany(1 << 30)
		require.NoError(t, err)
		sameMembers(t, left, list)
		s.is(t)
	}
	for _, fn := range []func(int) ([]string, error){c.SetOf("k").PopMany, c.SetOf("k").RandomMany} {
		_, err := fn(-1)
		require.ErrorIs(t, err, ErrInvalid)
	}
}

func TestSetAlgebra(t *testing.T) {
	c := newTestCache(t, Options{})
	sets := map[string][]string{
		"ints": {"1", "2", "3", "70000"}, "more": {"2", "3", "4"}, "words": {"a", "b", "3"},
		"large": append(manyMembers(0, 600), "3", "a"), "larger": append(manyMembers(300, 1200), "3", "4"),
		"absent": {},
	}
	for key, members := range sets {
		if len(members) > 0 {
			_, err := c.SetOf(key).Add(members...)
			require.NoError(t, err)
		}
	}
	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()
	keys := slices.Sorted(maps.Keys(sets))
	rnd := rand.New(rand.NewPCG(1, 4))
	for range 100 {
		var chosen []string
		for range 1 + rnd.IntN(4) {
			chosen = append(chosen, keys[rnd.IntN(len(keys))])
		}
		counts := map[string]int{}
		for i, key := range chosen {
			for _, m := range sets[key] {
				if i == 0 || counts[m] >= 0 {
					counts[m]++
				}
			}
		}
		union := slices.Collect(maps.Keys(counts))
		in := func(m string, key string) bool { return slices.Contains(sets[key], m) }
		var both, diff []string
		for _, m := range sets[chosen[0]] {
			if !slices.ContainsFunc(chosen, func(key string) bool { return !in(m, key) }) {
				both = append(both, m)
			}
			if !slices.ContainsFunc(chosen[1:], func(key string) bool { return in(m, key) }) {
				diff = append(diff, m)
			}
		}
		for _, op := range []struct {
			want         []string
			read, frozen func(...string) ([]string, error)
			store        func(string, ...string) (int, error)
			destination  string
		}{
			{union, c.Union, snap.Union, c.UnionStore, "{x}"},
			{both, c.Intersect, snap.Intersect, c.IntersectStore, "y"},
			{diff, c.Difference, snap.Difference, c.DifferenceStore, ""},
		} {
			for _, read := range []func(...string) ([]string, error){op.read, op.frozen} {
				got, err := read(chosen...)
				require.NoError(t, err)
				require.NotNil(t, got)
				sameMembers(t, op.want, got)
			}
			n, err := op.store(op.destination, chosen...)
			require.NoError(t, err)
			require.Equal(t, len(op.want), n)
			got, err := c.SetOf(op.destination).Members()
			require.NoError(t, err)
			sameMembers(t, op.want, got)
		}
		n, err := c.IntersectLen(0, chosen...)
		require.NoError(t, err)
		require.Equal(t, len(both), n)
		n, err = c.IntersectLen(2, chosen...)
		require.NoError(t, err)
		require.Equal(t, min(2, len(both)), n)
	}
	// One of the sources as the destination, and no sources.
	n, err := c.DifferenceStore("ints", "ints", "more")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	c.SetOf("ints").is(t, "1", "70000")
	snap.SetOf("ints").is(t, sets["ints"]...)
	for _, fn := range []func(...string) ([]string, error){c.Union, c.Intersect, c.Difference, snap.Union} {
		list, err := fn()
		require.NoError(t, err)
		require.Empty(t, list)
	}
	n, err = c.UnionStore("ints")
	require.NoError(t, err)
	require.Zero(t, n)
	c.SetOf("ints").is(t)
	_, err = c.IntersectLen(-1, "more")
	require.ErrorIs(t, err, ErrInvalid)

	// Over a key that holds something else, with a time of expiry.
	_, err = c.SetWith("str", []byte("v"), SetOptions{TTL: time.Hour})
	require.NoError(t, err)
	_, err = c.UnionStore("str", "more")
	require.NoError(t, err)
	c.SetOf("str").is(t, sets["more"]...)
	ttl, err := c.TTL("str")
	require.NoError(t, err)
	require.Equal(t, NoExpiry, ttl)
}

func TestSetMove(t *testing.T) {
	c := newTestCache(t, Options{})
	for i, members := range [][]string{{"1", "2"}, manyMembers(0, 500)} {
		from, to := c.SetOf(fmt.Sprint("from", i)), c.SetOf(fmt.Sprint("to", i))
		_, err := from.Add(members...)
		require.NoError(t, err)
		for n, m := range members {
			moved, err := from.Move(m, to.key)
			require.NoError(t, err)
			require.True(t, moved)
			moved, err = from.Move(m, to.key)
			require.NoError(t, err)
			require.False(t, moved)
			if n == len(members)/2 {
				from.is(t, members[n+1:]...)
				to.is(t, members[:n+1]...)
			}
		}
		from.is(t)
		to.is(t, members...)
		moved, err := to.Move(members[0], to.key)
		require.NoError(t, err)
		require.True(t, moved)
		to.is(t, members...)
	}
}

func TestSetErrors(t *testing.T) {
	c := newTestCache(t, Options{})
	mustSet(t, c, "str", "v")
	_, err := c.SetOf("set").Add("a")
	require.NoError(t, err)
	snap, err := c.Snapshot()
	require.NoError(t, err)
	reads := func(c *Cache, s Set) map[string]error {
		_, has := s.Has("a")
		_, hasMany := s.HasMany("a", "b")
		_, length := s.Len()
		_, members := s.Members()
		_, random := s.Random()
		_, randomMany := s.RandomMany(2)
		_, _, scan := s.Scan(0, ScanOptions{})
		require.Empty(t, slices.Collect(s.All()))
		return map[string]error{"Has": has, "HasMany": hasMany, "Len": length, "Members": members, "Random": random,
			"RandomMany": randomMany, "Scan": scan}
	}
	writes := func(c *Cache, s Set) map[string]error {
		_, add := s.Add("a")
		_, remove := s.Remove("a")
		_, pop := s.Pop()
		_, popMany := s.PopMany(2)
		_, move := s.Move("a", "other")
		return map[string]error{"Add": add, "Remove": remove, "Pop": pop, "PopMany": popMany, "Move": move}
	}
	several := func(c *Cache) map[string]error {
		_, union := c.Union("set", "str")
		_, intersect := c.Intersect("absent", "str")
		_, difference := c.Difference("absent", "str")
		_, length := c.IntersectLen(0, "absent", "str")
		_, store := c.UnionStore("set", "str", "set")
		_, store2 := c.IntersectStore("set", "absent", "str")
		_, store3 := c.DifferenceStore("set", "absent", "str")
		return map[string]error{
			"Union": union, "Intersect": intersect, "Difference": difference, "IntersectLen": length,
			"UnionStore": store, "IntersectStore": store2, "DifferenceStore": store3,
		}
	}
	all := func(want error, lists ...map[string]error) {
		t.Helper()
		for _, list := range lists {
			for name, err := range list {
				require.ErrorIs(t, err, want, name)
			}
		}
	}
	all(ErrWrongType, reads(c, c.SetOf("str")), writes(c, c.SetOf("str")), several(c), reads(c, snap.SetOf("str")))
	holds(t, c, "str", "v")
	_, err = c.SetOf("set").Move("a", "str")
	require.Equal(t, ErrWrongType, err)
	c.SetOf("set").is(t, "a")
	all(ErrReadOnly, writes(c, snap.SetOf("set")))
	for _, fn := range []func(...string) ([]string, error){snap.Union, snap.Intersect, snap.Difference} {
		_, err := fn("set", "str")
		require.Equal(t, ErrWrongType, err)
	}
	_, _, err = c.SetOf("set").Scan(0, ScanOptions{Count: -1})
	require.ErrorIs(t, err, ErrInvalid)

	c.maxValue.Store(10)
	_, err = c.SetOf("set").Add("short", strings.Repeat("x", 11))
	require.Equal(t, ErrTooLong, err)
	_, err = c.SetOf(strings.Repeat("k", 11)).Add("short")
	require.Equal(t, ErrTooLong, err)
	_, err = c.UnionStore(strings.Repeat("k", 11), "set")
	require.Equal(t, ErrTooLong, err)
	_, err = c.SetOf("set").Move("a", strings.Repeat("k", 11))
	require.Equal(t, ErrTooLong, err)
	c.SetOf("set").is(t, "a")

	c.maxValue.Store(1 << 20)
	mustSet(t, c, "str", strings.Repeat("x", 1<<20)) // so much is noticed at once
	c.SetMaxMemory(1)
	_, err = c.SetOf("set").Add("b")
	require.Equal(t, ErrOutOfMemory, err)
	_, err = c.UnionStore("other", "set")
	require.Equal(t, ErrOutOfMemory, err)
	n, err := c.SetOf("set").Remove("a")
	require.NoError(t, err)
	require.Equal(t, 1, n)

	snap.Close()
	all(ErrClosed, reads(c, snap.SetOf("set")))
	_, err = snap.Union("set")
	require.Equal(t, ErrClosed, err)
	closed, err := New(Options{})
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	all(ErrClosed, reads(closed, closed.SetOf("set")), writes(closed, closed.SetOf("set")), several(closed))
}

// TestSetIterations changes sets from the body of a loop over them, and stops loops.
func TestSetIterations(t *testing.T) {
	c := newTestCache(t, Options{})
	s := c.SetOf("k")
	stay := manyMembers(0, 3000)
	_, err := s.Add(stay...)
	require.NoError(t, err)
	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()
	met := map[string]int{}
	for m := range s.All() {
		met[m]++
		_, err := s.Add(m + "!")
		require.NoError(t, err)
	}
	again := 0
	for _, m := range stay {
		require.Positive(t, met[m], m)
		again += met[m] - 1
	}
	require.Less(t, again, 600)
	met = map[string]int{}
	for m := range snap.SetOf("k").All() {
		met[m]++
		_, err := s.Remove(m)
		require.NoError(t, err)
	}
	require.Len(t, met, len(stay))
	snap.SetOf("k").is(t, stay...)
	for _, set := range []Set{s, snap.SetOf("k")} {
		n := 0
		for range set.All() {
			if n++; n == 10 {
				break
			}
		}
		require.Equal(t, 10, n)
		require.PanicsWithValue(t, "mine", func() {
			for range set.All() {
				panic("mine")
			}
		})
		got, cursor := map[string]bool{}, uint64(0)
		for {
			list, next, err := set.Scan(cursor, ScanOptions{Match: "*9*", Count: 100})
			require.NoError(t, err)
			for _, m := range list {
				require.Contains(t, m, "9")
				got[m] = true
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
		want := 0
		for m := range set.All() {
			if strings.Contains(m, "9") {
				require.True(t, got[m])
				want++
			}
		}
		require.Len(t, got, want)
	}
}

// TestSetsSurvive saves sets of all forms, loads them, and compares; a set's memory is free when the key is gone.
func TestSetsSurvive(t *testing.T) {
	c := newTestCache(t, Options{})
	sets := map[string][]string{"ints": {"1", "99999999999"}, "words": {"a", "5"}, "large": manyMembers(0, 10_000)}
	for key, members := range sets {
		_, err := c.SetOf(key).Add(members...)
		require.NoError(t, err)
		_, err = c.SetOf("longest").Add(strings.Repeat(key, 40_000))
		require.NoError(t, err)
	}
	longest, err := c.SetOf("longest").Members()
	require.NoError(t, err)
	sets["longest"] = longest
	var file bytes.Buffer
	require.NoError(t, c.Save(&file))
	d := newTestCache(t, Options{})
	require.NoError(t, d.Load(&file))
	for _, c := range []*Cache{c, d} {
		for key, members := range sets {
			c.SetOf(key).is(t, members...)
			require.NoError(t, c.Copy(key, "copy of "+key))
			require.NoError(t, c.Rename("copy of "+key, "{other}"+key))
			c.SetOf("{other}"+key).is(t, members...)
			n, err := c.Del(key, "{other}"+key)
			require.NoError(t, err)
			require.Equal(t, 2, n)
		}
		require.Zero(t, c.Len())
		require.Eventually(t, func() bool {
			nodes := int64(0)
			c.eachShard(func(s *keyspace.Shard) { nodes += s.Usage().Cells[3] })
			return nodes == 0
		}, 5*time.Second, time.Millisecond)
	}
}

// TestSetsTogether moves members to and fro from many goroutines: none gets lost and no union sees one missing.
func TestSetsTogether(t *testing.T) {
	c := newTestCache(t, Options{})
	members := manyMembers(0, 300)
	_, err := c.SetOf("a").Add(members...)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 1))
			keys := []string{"a", "b", "c"}
			for range 500 {
				m := members[rnd.IntN(len(members))]
				_, err := c.SetOf(keys[rnd.IntN(3)]).Move(m, keys[rnd.IntN(3)])
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 30 {
		all, err := c.Union("a", "b", "c")
		require.NoError(t, err)
		require.Len(t, all, len(members))
		both, err := c.Intersect("a", "b")
		require.NoError(t, err)
		require.Empty(t, both)
	}
	wg.Wait()
	all, err := c.Union("a", "b", "c")
	require.NoError(t, err)
	sameMembers(t, members, all)
}
