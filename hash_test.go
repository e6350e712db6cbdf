package darter

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// is checks what a hash has, in every way there is to read it.
func (h Hash) is(t testing.TB, want map[string]string) {
	t.Helper()
	if want == nil {
		want = map[string]string{}
	}
	all := map[string]string{}
	for f, v := range h.All() {
		all[f] = string(v)
	}
	require.Equal(t, want, all)
	m, err := h.Map()
	require.NoError(t, err)
	require.Len(t, m, len(want))
	fields, err := h.Fields()
	require.NoError(t, err)
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), fields)
	values, err := h.Values()
	require.NoError(t, err)
	var texts []string
	for _, v := range values {
		texts = append(texts, string(v))
	}
	require.ElementsMatch(t, slices.Collect(maps.Values(want)), texts)
	n, err := h.Len()
	require.NoError(t, err)
	require.Equal(t, len(want), n)
	many, err := h.GetMany(fields...)
	require.NoError(t, err)
	for i, f := range fields {
		require.Equal(t, want[f], string(m[f]))
		require.Equal(t, want[f], string(many[i]))
		v, err := h.Get(f)
		require.NoError(t, err)
		require.NotNil(t, v)
		require.Equal(t, want[f], string(v))
		has, err := h.Has(f)
		require.NoError(t, err)
		require.True(t, has)
		length, err := h.ValueLen(f)
		require.NoError(t, err)
		require.Equal(t, len(want[f]), length)
	}
	scanned := map[string]string{}
	for cursor := uint64(0); ; {
		var list []Field
		list, cursor, err = h.Scan(cursor, ScanOptions{})
		require.NoError(t, err)
		for _, f := range list {
			scanned[f.Name] = string(f.Value)
		}
		if cursor == 0 {
			break
		}
	}
	require.Equal(t, want, scanned)
	list, err := h.RandomMany(len(want) + 5)
	require.NoError(t, err)
	require.Len(t, list, len(want))
	_, err = h.Get("no such field")
	require.Equal(t, ErrNotFound, err)
	many, err = h.GetMany("no such field")
	require.NoError(t, err)
	require.Equal(t, [][]byte{nil}, many)
}

func bytesMap(m map[string]string) map[string][]byte {
	b := map[string][]byte{}
	for k, v := range m {
		b[k] = []byte(v)
	}
	return b
}

// padding makes a hash large.
func padding(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("pad", i)] = fmt.Sprint(i)
	}
	return m
}

func TestHashBasics(t *testing.T) {
	for _, pad := range []int{0, 2000} {
		c := newTestCache(t, Options{})
		h := c.Hash("h")
		h.is(t, nil)
		want := padding(pad)
		created, err := h.SetMany(maps.All(bytesMap(want)))
		require.NoError(t, err)
		require.Equal(t, pad, created)
		for f, v := range map[string]string{
			"": "", "a": "1", "b": "", "c": strings.Repeat("x", 70_000), "\x00\xff": "-12",
		} {
			require.NoError(t, h.Set(f, []byte(v)))
			want[f] = v
		}
		h.is(t, want)
		set, err := h.SetNew("a", []byte("2"))
		require.NoError(t, err)
		require.False(t, set)
		set, err = h.SetNew("d", []byte("2"))
		require.NoError(t, err)
		require.True(t, set)
		want["d"] = "2"
		sum, err := h.Incr("d", 40)
		require.NoError(t, err)
		require.EqualValues(t, 42, sum)
		_, err = h.Incr("c", 1)
		require.Equal(t, ErrNotInteger, err)
		require.NoError(t, h.Set("max", []byte("9223372036854775807")))
		_, err = h.Incr("max", 1)
		require.Equal(t, ErrOverflow, err)
		f, err := h.IncrFloat("d", 0.1)
		require.NoError(t, err)
		require.InDelta(t, 42.1, f, 0)
		_, err = h.IncrFloat("c", 1)
		require.Equal(t, ErrNotFloat, err)
		_, err = h.IncrFloat("d", math.NaN())
		require.Equal(t, ErrNotFloat, err)
		_, err = h.IncrFloat("d", math.Inf(1))
		require.Equal(t, ErrNaN, err)
		want["d"], want["max"] = "42.1", "9223372036854775807"
		h.is(t, want)
		v, err := h.AppendGet([]byte("d="), "d")
		require.NoError(t, err)
		require.Equal(t, "d=42.1", string(v))
		v, err = h.AppendGet([]byte("d="), "none")
		require.Equal(t, ErrNotFound, err)
		require.Equal(t, "d=", string(v))
		n, err := h.ValueLen("none")
		require.NoError(t, err)
		require.Zero(t, n)

		snap, err := c.Snapshot()
		require.NoError(t, err)
		removed, err := h.Delete("a", "none", "a", "b")
		require.NoError(t, err)
		require.Equal(t, 2, removed)
		require.NoError(t, h.Set("d", []byte("changed")))
		snap.Hash("h").is(t, want)
		delete(want, "a")
		delete(want, "b")
		want["d"] = "changed"
		h.is(t, want)
		for f := range want {
			_, err := h.Delete(f)
			require.NoError(t, err)
		}
		h.is(t, nil)
		_, err = c.Type("h")
		require.Equal(t, ErrNotFound, err)
		_, err = snap.Hash("h").Get("d")
		require.NoError(t, err)
		snap.Close()
	}
}

func TestHashAtRandom(t *testing.T) {
	c := newTestCache(t, Options{})
	h := c.Hash("h")
	_, err := h.Random()
	require.Equal(t, ErrNotFound, err)
	want := padding(30)
	_, err = h.SetMany(maps.All(bytesMap(want)))
	require.NoError(t, err)
	seen := map[string]bool{}
	for range 2000 {
		f, err := h.Random()
		require.NoError(t, err)
		require.Equal(t, want[f.Name], string(f.Value))
		seen[f.Name] = true
	}
	require.Len(t, seen, 30)
	_, err = h.RandomMany(-1)
	require.ErrorIs(t, err, ErrInvalid)
	_, _, err = h.Scan(0, ScanOptions{Count: -1})
	require.ErrorIs(t, err, ErrInvalid)
	list, next, err := h.Scan(0, ScanOptions{Match: "pad1?"})
	require.NoError(t, err)
	require.Zero(t, next)
	require.Len(t, list, 10)
}

// TestHashReturnedBytes changes what was given and what was returned.
func TestHashReturnedBytes(t *testing.T) {
	c := newTestCache(t, Options{})
	h := c.Hash("h")
	v := []byte("value")
	require.NoError(t, h.Set("f", v))
	v[0] = 'X'
	got, err := h.Get("f")
	require.NoError(t, err)
	got[0] = 'Y'
	m, err := h.Map()
	require.NoError(t, err)
	m["f"][0] = 'Z'
	for _, v := range h.All() {
		v[0] = 'W'
	}
	h.is(t, map[string]string{"f": "value"})
}

func TestHashTimes(t *testing.T) {
	for _, pad := range []int{0, 1000} {
		clock := newTestClock()
		c := newTestCache(t, Options{Now: clock.now})
		h := c.Hash("h")
		want := padding(pad)
		maps.Copy(want, map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"})
		_, err := h.SetMany(maps.All(bytesMap(want)))
		require.NoError(t, err)
		ttl := func(field string, want time.Duration) {
			t.Helper()
			got, err := h.FieldTTL(field)
			require.NoError(t, err)
			require.Equal(t, want, got)
			at, err := h.FieldExpireTime(field)
			require.NoError(t, err)
			require.Equal(t, want == NoExpiry, at.IsZero())
			if want != NoExpiry {
				require.Equal(t, clock.now().Add(want).UnixMilli(), at.UnixMilli())
			}
		}
		count := func(want int) func(int, error) {
			return func(n int, err error) {
				t.Helper()
				require.NoError(t, err)
				require.Equal(t, want, n)
			}
		}
		ttl("a", NoExpiry)
		count(2)(h.ExpireFields(time.Second, "a", "none", "b"))
		ttl("a", time.Second)
		count(1)(h.ExpireFieldsAt(clock.now().Add(time.Hour), "c"))
		ttl("c", time.Hour)
		count(1)(h.PersistFields("a", "d", "none"))
		ttl("a", NoExpiry)
		_, err = h.Incr("b", 5)
		require.NoError(t, err)
		ttl("b", time.Second)
		snap, err := c.Snapshot()
		require.NoError(t, err)
		clock.pass(time.Second)
		_, err = h.Get("b")
		require.Equal(t, ErrNotFound, err)
		_, err = h.FieldTTL("b")
		require.Equal(t, ErrNotFound, err)
		_, err = h.FieldExpireTime("b")
		require.Equal(t, ErrNotFound, err)
		delete(want, "b")
		h.is(t, want)
		got, err := snap.Hash("h").FieldTTL("b")
		require.NoError(t, err)
		require.Equal(t, time.Second, got, "in the snapshot the time stands still")
		snap.Close()

		count(1)(h.ExpireFields(0, "c"))
		count(1)(h.ExpireFieldsAt(time.Unix(5, 0), "d"))
		delete(want, "c")
		delete(want, "d")
		h.is(t, want)
		count(1)(h.ExpireFields(time.Minute, "a"))
		count(1)(h.ExpireFields(NoExpiry, "a"))
		ttl("a", NoExpiry)
		for _, far := range []time.Time{time.Date(4300, 1, 1, 0, 0, 0, 0, time.UTC)} {
			_, err = h.ExpireFieldsAt(far, "a")
			require.ErrorIs(t, err, ErrInvalid)
		}

		setWith := func(fields map[string]string, o SetOptions) (bool, error) {
			return h.SetFieldsWith(maps.All(bytesMap(fields)), o)
		}
		stored, err := setWith(map[string]string{"a": "x", "e": "y"}, SetOptions{IfAbsent: true})
		require.NoError(t, err)
		require.False(t, stored)
		stored, err = setWith(map[string]string{"a": "x"}, SetOptions{IfPresent: true, TTL: time.Minute})
		require.NoError(t, err)
		require.True(t, stored)
		ttl("a", time.Minute)
		stored, err = setWith(map[string]string{"a": "z"}, SetOptions{KeepTTL: true})
		require.NoError(t, err)
		require.True(t, stored)
		ttl("a", time.Minute)
		_, err = setWith(map[string]string{"a": "z"}, SetOptions{TTL: -1})
		require.ErrorIs(t, err, ErrInvalid)
		values, err := h.GetExpire(time.Hour, "a", "none")
		require.NoError(t, err)
		require.Equal(t, [][]byte{[]byte("z"), nil}, values)
		ttl("a", time.Hour)
		values, err = h.GetExpire(NoExpiry, "a")
		require.NoError(t, err)
		require.Equal(t, [][]byte{[]byte("z")}, values)
		ttl("a", NoExpiry)
		require.NoError(t, h.Set("empty", nil))
		values, err = h.GetDelete("a", "empty", "a")
		require.NoError(t, err)
		require.Equal(t, [][]byte{[]byte("z"), {}, nil}, values)
		delete(want, "a")
		h.is(t, want)

		count(len(want))(h.ExpireFields(time.Second, slices.Collect(maps.Keys(want))...))
		require.NoError(t, h.Set("last", []byte("v")))
		count(1)(h.ExpireFields(2*time.Second, "last"))
		clock.pass(3 * time.Second)
		h.is(t, nil)
		require.Eventually(t, func() bool {
			exists, err := c.Exists("h")
			return err == nil && exists == 0
		}, 10*time.Second, 10*time.Millisecond, "the key goes with its last field")
	}
}

func TestHashErrors(t *testing.T) {
	c := newTestCache(t, Options{})
	mustSet(t, c, "string", "v")
	long := strings.Repeat("x", 100)
	reads := func(h Hash) map[string]error {
		e := map[string]error{}
		_, e["Get"] = h.Get("f")
		_, e["GetMany"] = h.GetMany("f")
		_, e["Has"] = h.Has("f")
		_, e["Len"] = h.Len()
		_, e["ValueLen"] = h.ValueLen("f")
		_, e["Fields"] = h.Fields()
		_, e["Values"] = h.Values()
		_, e["Map"] = h.Map()
		_, _, e["Scan"] = h.Scan(0, ScanOptions{})
		_, e["Random"] = h.Random()
		_, e["RandomMany"] = h.RandomMany(1)
		_, e["FieldTTL"] = h.FieldTTL("f")
		_, e["FieldExpireTime"] = h.FieldExpireTime("f")
		for range h.All() {
			t.Error("All yields something")
		}
		return e
	}
	pairs := map[string][]byte{"f": []byte("v")}
	writes := func(h Hash) map[string]error {
		e := map[string]error{}
		e["Set"] = h.Set("f", []byte("v"))
		_, e["SetNew"] = h.SetNew("f", nil)
		_, e["SetMany"] = h.SetMany(maps.All(pairs))
		_, e["SetFieldsWith"] = h.SetFieldsWith(maps.All(pairs), SetOptions{})
		_, e["Delete"] = h.Delete("f")
		_, e["Incr"] = h.Incr("f", 1)
		_, e["IncrFloat"] = h.IncrFloat("f", 1)
		_, e["ExpireFields"] = h.ExpireFields(time.Second, "f")
		_, e["ExpireFieldsAt"] = h.ExpireFieldsAt(time.Now(), "f")
		_, e["PersistFields"] = h.PersistFields("f")
		_, e["GetDelete"] = h.GetDelete("f")
		_, e["GetExpire"] = h.GetExpire(time.Second, "f")
		return e
	}
	all := func(want error, lists ...map[string]error) {
		t.Helper()
		for _, l := range lists {
			for name, err := range l {
				require.True(t, errors.Is(err, want), "%s: %v, want %v", name, err, want)
			}
		}
	}
	all(ErrWrongType, reads(c.Hash("string")), writes(c.Hash("string")))
	snap, err := c.Snapshot()
	require.NoError(t, err)
	all(ErrWrongType, reads(snap.Hash("string")))
	all(ErrReadOnly, writes(snap.Hash("none")))
	snap.Close()
	all(ErrClosed, reads(snap.Hash("string")))

	c.maxValue.Store(50)
	h := c.Hash("h")
	require.Equal(t, ErrTooLong, h.Set("f", []byte(long)))
	require.Equal(t, ErrTooLong, h.Set(long, nil))
	_, err = h.SetNew("f", []byte(long))
	require.Equal(t, ErrTooLong, err)
	_, err = h.SetMany(maps.All(map[string][]byte{"f": []byte(long)}))
	require.Equal(t, ErrTooLong, err)
	require.Equal(t, ErrTooLong, c.Hash(long).Set("f", nil))
	_, err = h.Incr(long, 1)
	require.Equal(t, ErrTooLong, err)
	h.is(t, nil)

	c.maxValue.Store(512 << 20)
	require.NoError(t, h.Set("f", make([]byte, 4<<20)))
	c.SetMaxMemory(1)
	require.Equal(t, ErrOutOfMemory, h.Set("g", nil))
	_, err = h.Delete("f")
	require.NoError(t, err)
	c.SetMaxMemory(0)
	require.NoError(t, c.Close())
	all(ErrClosed, reads(c.Hash("h")), writes(c.Hash("h")))
}

// TestHashUnderLoad has several goroutines change and read one hash.
func TestHashUnderLoad(t *testing.T) {
	c := newTestCache(t, Options{})
	h := c.Hash("h")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 1500 {
				f := fmt.Sprint("f", (i*7+g)%900)
				if err := h.Set(f, []byte(f)); err != nil {
					t.Error(err)
				}
				if _, err := h.Incr("count", 1); err != nil {
					t.Error(err)
				}
				if i%100 == 0 {
					for f, v := range h.All() {
						if f != "count" && f != string(v) {
							t.Errorf("%s has %s", f, v)
						}
						_, _ = h.Has(f) // the loop's body may use the cache
					}
				}
			}
		})
	}
	wg.Wait()
	n, err := h.Incr("count", 0)
	require.NoError(t, err)
	require.EqualValues(t, 6000, n)
}

// TestHashSaved saves hashes to a file and loads them again.
func TestHashSaved(t *testing.T) {
	clock := newTestClock()
	c := newTestCache(t, Options{Now: clock.now})
	want := padding(3000)
	_, err := c.Hash("large").SetMany(maps.All(bytesMap(want)))
	require.NoError(t, err)
	small := map[string]string{"a": "1", "b": "two"}
	_, err = c.Hash("small").SetMany(maps.All(bytesMap(small)))
	require.NoError(t, err)
	_, err = c.Hash("small").ExpireFields(time.Minute, "a")
	require.NoError(t, err)
	_, err = c.Hash("large").ExpireFields(time.Minute, "pad1", "pad2")
	require.NoError(t, err)
	var file strings.Builder
	require.NoError(t, c.Save(&file))
	d := newTestCache(t, Options{Now: clock.now})
	require.NoError(t, d.Load(strings.NewReader(file.String())))
	d.Hash("large").is(t, want)
	d.Hash("small").is(t, small)
	ttl, err := d.Hash("large").FieldTTL("pad1")
	require.NoError(t, err)
	require.Equal(t, time.Minute, ttl)
	clock.pass(time.Minute)
	delete(small, "a")
	delete(want, "pad1")
	delete(want, "pad2")
	d.Hash("large").is(t, want)
	d.Hash("small").is(t, small)
}
