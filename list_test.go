package darter

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// is checks all that a list has, by every way to read it.
func (l List) is(t testing.TB, want ...string) {
	t.Helper()
	n, err := l.Len()
	require.NoError(t, err)
	require.Equal(t, len(want), n)
	elems, err := l.Range(0, -1)
	require.NoError(t, err)
	require.Equal(t, want, texts(elems))
	at := 0
	for i, e := range l.All() {
		require.Equal(t, at, i)
		require.Equal(t, want[i], string(e))
		at++
	}
	require.Equal(t, n, at)
	for i, e := range l.Backward() {
		at--
		require.Equal(t, at, i)
		require.Equal(t, want[i], string(e))
	}
	require.Zero(t, at)
	for _, i := range []int{0, n / 2, n - 1} {
		if n > 0 {
			e, err := l.Index(i)
			require.NoError(t, err)
			require.Equal(t, want[i], string(e))
			e, err = l.Index(i - n)
			require.NoError(t, err)
			require.Equal(t, want[i], string(e))
		}
	}
}

func texts(elems [][]byte) []string {
	var list []string
	for _, e := range elems {
		list = append(list, string(e))
	}
	return list
}

func bytesList(words ...string) (list [][]byte) {
	for _, w := range words {
		list = append(list, []byte(w))
	}
	return list
}

// manyElements returns so many that the list is large.
func manyElements(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprint("element", i))
	}
	return list
}

func TestListBasics(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, words := range [][]string{
		{"3", "-5", "70000"}, {"", "a\x00\xff", "012"}, manyElements(0, 3000), {strings.Repeat("x", 100_000), "b", "c"},
	} {
		for _, key := range []string{"", "k", "\x00"} {
			l := c.List(key)
			l.is(t)
			n, err := l.PushIfPresent(Left, []byte("x"))
			require.NoError(t, err)
			require.Zero(t, n)
			n, err = l.PushRight(bytesList(words...)...)
			require.NoError(t, err)
			require.Equal(t, len(words), n)
			l.is(t, words...)
			n, err = l.PushLeft([]byte("1"), []byte("2"))
			require.NoError(t, err)
			require.Equal(t, len(words)+2, n)
			n, err = l.PushIfPresent(Right, []byte("last"))
			require.NoError(t, err)
			require.Equal(t, len(words)+3, n)
			l.is(t, slices.Concat([]string{"2", "1"}, words, []string{"last"})...)
			for _, want := range []string{"2", "1"} {
				e, err := l.PopLeft()
				require.NoError(t, err)
				require.Equal(t, want, string(e))
			}
			e, err := l.AppendPop([]byte("at "), Right)
			require.NoError(t, err)
			require.Equal(t, "at last", string(e))
			l.is(t, words...)
			elems, err := l.Pop(Right, 2)
			require.NoError(t, err)
			require.Equal(t, []string{words[len(words)-1], words[len(words)-2]}, texts(elems))
			elems, err = l.Pop(Left, math.MaxInt)
			require.NoError(t, err)
			require.Equal(t, words[:len(words)-2], texts(elems))
			l.is(t)
			elems, err = l.Pop(Left, 1)
			require.NoError(t, err)
			require.Empty(t, elems)
			_, err = l.PopRight()
			require.Equal(t, ErrNotFound, err)
			ok, err := c.Exists(key)
			require.NoError(t, err)
			require.Zero(t, ok)
		}
	}
}

func TestListChanges(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, more := range [][]string{nil, manyElements(0, 2000)} {
		l := c.List("l")
		words := append([]string{"a", "b", "a", "7"}, more...)
		_, err := l.PushRight(bytesList(words...)...)
		require.NoError(t, err)
		require.NoError(t, l.Set(1, []byte("B")))
		require.NoError(t, l.Set(-len(words), []byte("A")))
		words[0], words[1] = "A", "B"
		l.is(t, words...)
		require.Equal(t, ErrNoElement, l.Set(len(words), nil))
		require.Equal(t, ErrNoElement, l.Set(-len(words)-1, nil))
		require.Equal(t, ErrNotFound, c.List("none").Set(0, nil))

		ok, err := l.InsertBefore([]byte("7"), []byte("6"))
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = l.InsertAfter([]byte("7"), []byte("8"))
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = l.InsertAfter([]byte("none"), []byte("8"))
		require.NoError(t, err)
		require.False(t, ok)
		ok, err = c.List("none").InsertBefore([]byte("7"), []byte("8"))
		require.NoError(t, err)
		require.False(t, ok)
		words = slices.Concat([]string{"A", "B", "a", "6", "7", "8"}, more)
		l.is(t, words...)

		_, err = l.PushRight(bytesList("x", "y", "x", "x")...)
		require.NoError(t, err)
		n, err := l.Remove([]byte("x"), -2)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		l.is(t, append(words, "x", "y")...)
		n, err = l.Remove([]byte("x"), 0)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = l.Remove([]byte("none"), 1)
		require.NoError(t, err)
		require.Zero(t, n)

		require.NoError(t, l.Trim(2, 5))
		l.is(t, "a", "6", "7", "8")
		require.NoError(t, l.Trim(5, 9))
		l.is(t)
		require.NoError(t, l.Trim(0, 1))
	}
}

func TestListSearches(t *testing.T) {
	c := newTestCache(t, Options{})
	l := c.List("l")
	_, err := l.PushRight(bytesList("a", "b", "c", "1", "2", "3", "c", "c")...)
	require.NoError(t, err)
	for _, tc := range []struct {
		elem string
		o    ListSearch
		want []int
	}{
		{"c", ListSearch{}, []int{2, 6, 7}}, {"c", ListSearch{Count: 2}, []int{2, 6}},
		{"c", ListSearch{Rank: 2}, []int{6, 7}}, {"2", ListSearch{MaxLen: math.MaxInt}, []int{4}},
		{"c", ListSearch{Rank: -1, Count: 2}, []int{7, 6}}, {"c", ListSearch{MaxLen: 2}, nil}, {"x", ListSearch{}, nil},
		{"c", ListSearch{Rank: math.MinInt}, nil}, {"c", ListSearch{Rank: math.MaxInt}, nil},
	} {
		at, err := l.FindAll([]byte(tc.elem), tc.o)
		require.NoError(t, err)
		require.Equal(t, tc.want, at, "%+v", tc)
	}
	for elem, want := range map[string]int{"a": 0, "3": 5, "c": 2, "03": -1} {
		i, err := l.Find([]byte(elem))
		require.NoError(t, err)
		require.Equal(t, want, i)
	}
	_, err = l.FindAll(nil, ListSearch{Count: -1})
	require.ErrorIs(t, err, ErrInvalid)
	_, err = l.FindAll(nil, ListSearch{MaxLen: -1})
	require.ErrorIs(t, err, ErrInvalid)
	elems, err := l.Range(-3, 100)
	require.NoError(t, err)
	require.Equal(t, []string{"3", "c", "c"}, texts(elems))
	elems[0] = append(elems[0], "overwrites nothing"...)
	require.Equal(t, "c", string(elems[1]))
	elems, err = l.Range(5, 2)
	require.NoError(t, err)
	require.Empty(t, elems)
	_, err = l.Index(8)
	require.Equal(t, ErrNoElement, err)
	_, err = c.List("none").Index(0)
	require.Equal(t, ErrNotFound, err)
}

func TestListMove(t *testing.T) {
	c := newTestCache(t, Options{})
	a, b := c.List("a"), c.List("b")
	_, err := a.PushRight(bytesList("1", "2", "3")...)
	require.NoError(t, err)
	for _, want := range []string{"1", "2", "3"} {
		e, err := a.Move(Left, b, Left)
		require.NoError(t, err)
		require.Equal(t, want, string(e))
	}
	a.is(t)
	b.is(t, "3", "2", "1")
	_, err = b.Move(Right, b, Left)
	require.NoError(t, err)
	b.is(t, "1", "3", "2")
	_, err = a.Move(Left, b, Left)
	require.Equal(t, ErrNotFound, err)
	other := newTestCache(t, Options{})
	_, err = b.Move(Left, other.List("a"), Left)
	require.ErrorIs(t, err, ErrInvalid)
	require.NoError(t, c.Set("s", []byte("v")))
	_, err = b.Move(Left, c.List("s"), Left)
	require.Equal(t, ErrWrongType, err)
	b.is(t, "1", "3", "2")

	key, elems, err := c.PopAny(Right, 2, "none", "b", "a")
	require.NoError(t, err)
	require.Equal(t, "b", key)
	require.Equal(t, []string{"2", "3"}, texts(elems))
	_, _, err = c.PopAny(Right, 2, "none", "a")
	require.Equal(t, ErrNotFound, err)
	_, _, err = c.PopAny(Right, 2, "none", "s")
	require.Equal(t, ErrWrongType, err)
	_, _, err = c.PopAny(Right, 0, "b")
	require.ErrorIs(t, err, ErrInvalid)
}

func TestListErrors(t *testing.T) {
	c := newTestCache(t, Options{})
	require.NoError(t, c.Set("s", []byte("v")))
	snap, err := c.Snapshot()
	require.NoError(t, err)
	calls := func(l List) map[string]error {
		e := map[string]error{}
		note := func(name string, err error) { e[name] = err }
		_, err := l.PushLeft([]byte("x"))
		note("PushLeft", err)
		_, err = l.PushRight([]byte("x"))
		note("PushRight", err)
		_, err = l.PopLeft()
		note("PopLeft", err)
		_, err = l.Pop(Right, 3)
		note("Pop", err)
		note("Set", l.Set(0, nil))
		_, err = l.InsertAfter(nil, nil)
		note("InsertAfter", err)
		_, err = l.Remove(nil, 0)
		note("Remove", err)
		note("Trim", l.Trim(0, 0))
		_, err = l.Move(Left, l, Left)
		note("Move", err)
		return e
	}
	reads := func(l List) map[string]error {
		e := map[string]error{}
		_, err := l.Len()
		e["Len"] = err
		_, err = l.Index(0)
		e["Index"] = err
		_, err = l.Range(0, 1)
		e["Range"] = err
		_, err = l.Find(nil)
		e["Find"] = err
		_, err = l.FindAll(nil, ListSearch{})
		e["FindAll"] = err
		for range l.All() {
			e["All"] = fmt.Errorf("something")
		}
		for range l.Backward() {
			e["Backward"] = fmt.Errorf("something")
		}
		return e
	}
	for name, err := range calls(c.List("s")) {
		require.Equal(t, ErrWrongType, err, name)
	}
	for name, err := range reads(c.List("s")) {
		require.Equal(t, ErrWrongType, err, name)
	}
	for name, err := range calls(snap.List("s")) {
		require.Equal(t, ErrReadOnly, err, name)
	}
	for name, err := range reads(snap.List("s")) {
		require.Equal(t, ErrWrongType, err, name)
	}
	_, err = c.List("l").Pop(Left, -1)
	require.ErrorIs(t, err, ErrInvalid)
	snap.Close()
	for name, err := range reads(snap.List("s")) {
		require.Equal(t, ErrClosed, err, name)
	}
	require.NoError(t, c.Close())
	for name, err := range calls(c.List("s")) {
		require.Equal(t, ErrClosed, err, name)
	}
	for name, err := range reads(c.List("s")) {
		require.Equal(t, ErrClosed, err, name)
	}
}

// TestListInSnapshots holds several snapshots of a list that changes, and compares each with what the list was then.
func TestListInSnapshots(t *testing.T) {
	c := newTestCache(t, Options{})
	l := c.List("l")
	type moment struct {
		s    *Snapshot
		want []string
	}
	var moments []moment
	var model []string
	for i := range 40 {
		w := manyElements(i*100, i*100+i*7)
		_, err := l.PushRight(bytesList(w...)...)
		require.NoError(t, err)
		model = append(model, w...)
		if n := len(model); n > 50 {
			require.NoError(t, l.Set(n/2, []byte("changed")))
			model[n/2] = "changed"
			require.NoError(t, l.Trim(3, -1))
			model = model[3:]
		}
		s, err := c.Snapshot()
		require.NoError(t, err)
		moments = append(moments, moment{s, slices.Clone(model)})
	}
	_, err := c.Del("l")
	require.NoError(t, err)
	for i := range moments {
		m := moments[(i*7)%len(moments)]
		m.s.List("l").is(t, m.want...)
	}
	for _, m := range moments {
		m.s.Close()
	}
}

// TestListLoopsLetOthersWork changes a list in loops over it.
func TestListLoopsLetOthersWork(t *testing.T) {
	c := newTestCache(t, Options{})
	l := c.List("l")
	_, err := l.PushRight(bytesList(manyElements(0, 1000)...)...)
	require.NoError(t, err)
	n := 0
	for range l.All() {
		_, err := l.PopRight()
		require.NoError(t, err)
		n++
	}
	require.GreaterOrEqual(t, n, 500)
	for i := range l.Backward() {
		require.NoError(t, l.Trim(0, i/2))
	}
	n, err = l.Len()
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for range c.List("l").All() {
		break
	}
}

func TestListUnderLoad(t *testing.T) {
	c := newTestCache(t, Options{})
	const workers, each = 4, 500
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				if _, err := c.List("in").PushLeft(fmt.Appendf(nil, "%d/%d", w, i)); err != nil {
					t.Error(err)
				}
				if _, err := c.List("in").Move(Right, c.List("out"), Left); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	n, err := c.List("out").Len()
	require.NoError(t, err)
	require.Equal(t, workers*each, n)
	elems, err := c.List("out").Range(0, -1)
	require.NoError(t, err)
	all := texts(elems)
	slices.Sort(all)
	require.Len(t, slices.Compact(all), workers*each)
}

func TestListExpiry(t *testing.T) {
	clock := newTestClock()
	c := newTestCache(t, Options{Now: clock.now})
	l := c.List("l")
	_, err := l.PushRight([]byte("a"))
	require.NoError(t, err)
	_, err = c.Expire("l", time.Minute)
	require.NoError(t, err)
	_, err = l.PushRight([]byte("b"))
	require.NoError(t, err)
	l.is(t, "a", "b")
	clock.pass(time.Minute)
	l.is(t)
}
