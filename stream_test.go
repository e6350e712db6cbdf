package darter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fieldsOf writes entries in short: "1-0 a=1 b=2".
func fieldsOf(entries []StreamEntry) (out []string) {
	for _, e := range entries {
		text := e.ID.String()
		for _, f := range e.Fields {
			text += fmt.Sprintf(" %s=%s", f.Name, f.Value)
		}
		out = append(out, text)
	}
	return out
}

func addAt(t testing.TB, s Stream, id StreamID, pairs ...string) {
	t.Helper()
	var fields []StreamField
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, StreamField{pairs[i], []byte(pairs[i+1])})
	}
	got, added, err := s.AddWith(StreamAddOptions{ID: id}, fields...)
	require.NoError(t, err)
	require.True(t, added)
	require.Equal(t, id, got)
}

func TestStreamIDs(t *testing.T) {
	id, err := ParseStreamID("1700000000000-7")
	require.NoError(t, err)
	require.Equal(t, StreamID{1_700_000_000_000, 7}, id)
	require.Equal(t, "1700000000000-7", id.String())
	require.Equal(t, time.UnixMilli(1_700_000_000_000), id.Time())
	require.Equal(t, StreamID{1_700_000_000_000, 0}, StreamIDAt(id.Time()))
	require.Zero(t, StreamIDAt(time.Unix(-5, 0)))
	require.Equal(t, 1, id.Compare(StreamID{1_700_000_000_000, 6}))
	for _, bad := range []string{"", "x", "-", "+", "1-", "1-*", "18446744073709551616"} {
		_, err := ParseStreamID(bad)
		require.ErrorIs(t, err, ErrInvalid, bad)
	}
}

func TestStreamAdd(t *testing.T) {
	clock := newTestClock()
	c := newTestCache(t, Options{Now: clock.now})
	s := c.Stream("s")
	id, err := s.Add("a", "1", "b", "")
	require.NoError(t, err)
	require.Equal(t, StreamID{1_700_000_000_000, 0}, id)
	id, err = s.Add("a", "2")
	require.NoError(t, err)
	require.Equal(t, StreamID{1_700_000_000_000, 1}, id)
	clock.pass(-time.Hour)
	id, err = s.Add("a", "3")
	require.NoError(t, err)
	require.Equal(t, StreamID{1_700_000_000_000, 2}, id)
	clock.pass(2 * time.Hour)
	id, err = s.Add("a", "4")
	require.NoError(t, err)
	require.Equal(t, StreamID{1_700_003_600_000, 0}, id)

	for _, pairs := range [][]string{nil, {"a"}, {"a", "b", "c"}} {
		_, err = s.Add(pairs...)
		require.ErrorIs(t, err, ErrInvalid)
	}
	_, _, err = s.AddWith(StreamAddOptions{})
	require.ErrorIs(t, err, ErrInvalid)
	field := StreamField{"a", []byte("5")}
	_, _, err = s.AddWith(StreamAddOptions{ID: id}, field)
	require.Equal(t, ErrStreamID, err)
	_, added, err := c.Stream("absent").AddWith(StreamAddOptions{IfExists: true}, field)
	require.NoError(t, err)
	require.False(t, added)
	next, added, err := s.AddWith(StreamAddOptions{ID: StreamID{Ms: id.Ms}, ChooseSeq: true, IfExists: true}, field)
	require.NoError(t, err)
	require.True(t, added)
	require.Equal(t, StreamID{id.Ms, 1}, next)
	most := StreamID{math.MaxUint64, math.MaxUint64}
	_, _, err = s.AddWith(StreamAddOptions{ID: most, Trim: StreamTrim{MaxLen: 2}}, field)
	require.NoError(t, err)
	_, err = s.Add("a", "6")
	require.Equal(t, ErrStreamID, err)
	n, err := s.Len()
	require.NoError(t, err)
	require.Equal(t, 2, n)

	for _, bad := range []StreamTrim{
		{MaxLen: -1}, {Limit: -1, Roughly: true}, {MaxLen: 1, MinID: id}, {MaxLen: 1, Empty: true}, {MinID: id, Empty: true},
		{MaxLen: 1, Limit: 5},
	} {
		_, err = s.Trim(bad)
		require.ErrorIs(t, err, ErrInvalid, "%+v", bad)
		_, _, err = s.AddWith(StreamAddOptions{Trim: bad}, field)
		require.ErrorIs(t, err, ErrInvalid, "%+v", bad)
	}
	removed, err := s.Trim(StreamTrim{})
	require.NoError(t, err)
	require.Zero(t, removed)
	removed, err = s.Trim(StreamTrim{Empty: true})
	require.NoError(t, err)
	require.Equal(t, 2, removed)
	info, err := s.Info()
	require.NoError(t, err)
	require.Equal(t, StreamInfo{LastAdded: most, Added: 6}, info)
}

func TestStreamReads(t *testing.T) {
	c := newTestCache(t, Options{})
	s := c.Stream("s")
	var want []string
	for i := range uint64(1000) {
		value := strings.Repeat("v", int(i%70))
		addAt(t, s, StreamID{i/10 + 1, i % 10}, "name", value, "number", fmt.Sprint(i))
		want = append(want, fmt.Sprintf("%d-%d name=%s number=%d", i/10+1, i%10, value, i))
	}
	entries, err := s.Range(StreamRange{})
	require.NoError(t, err)
	require.Equal(t, want, fieldsOf(entries))
	value, ok := entries[5].Get("number")
	require.True(t, ok)
	require.Equal(t, "5", string(value))
	_, ok = entries[5].Get("none")
	require.False(t, ok)

	for _, tt := range []struct {
		o          StreamRange
		from, to   int
		wantIsBack bool
	}{
		{StreamRange{From: StreamID{2, 0}, To: StreamID{3, 4}}, 10, 25, false},
		{StreamRange{From: StreamID{99, 0}}, 980, 1000, false},
		{StreamRange{After: StreamID{100, 7}}, 998, 1000, false},
		{StreamRange{From: StreamID{50, 0}, After: StreamID{2, 9}, Count: 3}, 20, 23, false},
		{StreamRange{Count: 7}, 0, 7, false},
		{StreamRange{Count: 7, Reverse: true}, 993, 1000, true},
		{StreamRange{To: StreamID{1, 3}, Reverse: true}, 0, 4, true},
		{StreamRange{From: StreamID{200, 0}}, 0, 0, false},
		{StreamRange{After: StreamID{math.MaxUint64, math.MaxUint64}}, 0, 0, false},
		{StreamRange{From: StreamID{5, 0}, To: StreamID{4, 0}}, 0, 0, false},
	} {
		entries, err := s.Range(tt.o)
		require.NoError(t, err)
		require.Len(t, entries, tt.to-tt.from, "%+v", tt.o)
		for i, got := range fieldsOf(entries) {
			if tt.wantIsBack {
				require.Equal(t, want[tt.to-1-i], got)
			} else {
				require.Equal(t, want[tt.from+i], got)
			}
		}
	}
	_, err = s.Range(StreamRange{Count: -1})
	require.ErrorIs(t, err, ErrInvalid)
	e, err := s.Get(StreamID{3, 5})
	require.NoError(t, err)
	require.Equal(t, want[25:26], fieldsOf([]StreamEntry{e}))
	_, err = s.Get(StreamID{3, 50})
	require.Equal(t, ErrNotFound, err)

	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()
	var met []StreamEntry
	for e := range s.All() {
		met = append(met, e)
		_, err := s.Delete(e.ID, e.ID)
		require.NoError(t, err)
	}
	require.Equal(t, want, fieldsOf(met))
	n, err := s.Len()
	require.NoError(t, err)
	require.Zero(t, n)

	old := snap.Stream("s")
	met = nil
	for e := range old.All() {
		met = append(met, e)
	}
	require.Equal(t, want, fieldsOf(met))
	info, err := old.Info()
	require.NoError(t, err)
	last := StreamID{100, 9}
	require.Equal(t, StreamInfo{Len: 1000, First: StreamID{1, 0}, Last: last, LastAdded: last, Added: 1000}, info)
	_, err = old.Add("a", "b")
	require.Equal(t, ErrReadOnly, err)
	_, err = old.ReadGroup("g", "c", GroupRead{})
	require.Equal(t, ErrReadOnly, err)

	absent := c.Stream("absent")
	for range absent.All() {
		t.Fatal("an absent stream has an entry")
	}
	_, err = absent.Info()
	require.Equal(t, ErrNotFound, err)
	mustSet(t, c, "string", "x")
	_, err = c.Stream("string").Len()
	require.Equal(t, ErrWrongType, err)
	_, err = c.Stream("string").Add("a", "b")
	require.Equal(t, ErrWrongType, err)
}

func TestStreamGroups(t *testing.T) {
	clock := newTestClock()
	c := newTestCache(t, Options{Now: clock.now})
	s := c.Stream("s")
	require.Equal(t, ErrNotFound, s.CreateGroup("g", GroupStart{}))
	require.NoError(t, s.CreateGroup("g", GroupStart{MakeNew: true}))
	require.Equal(t, ErrGroupExists, s.CreateGroup("g", GroupStart{}))
	for i := range uint64(6) {
		addAt(t, s, StreamID{i + 1, 0}, "n", fmt.Sprint(i))
	}
	entries, err := s.ReadGroup("g", "ann", GroupRead{Count: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"1-0 n=0", "2-0 n=1"}, fieldsOf(entries))
	clock.pass(time.Second)
	entries, err = s.ReadGroup("g", "bob", GroupRead{Count: 3})
	require.NoError(t, err)
	require.Equal(t, []string{"3-0 n=2", "4-0 n=3", "5-0 n=4"}, fieldsOf(entries))
	entries, err = s.ReadGroup("g", "bob", GroupRead{NoAck: true})
	require.NoError(t, err)
	require.Equal(t, []string{"6-0 n=5"}, fieldsOf(entries))
	entries, err = s.ReadGroup("g", "bob", GroupRead{})
	require.NoError(t, err)
	require.Empty(t, entries)

	pending, err := s.Pending("g", PendingRange{})
	require.NoError(t, err)
	require.Equal(t, []GroupPending{
		{StreamID{1, 0}, "ann", time.Second, 1}, {StreamID{2, 0}, "ann", time.Second, 1},
		{StreamID{3, 0}, "bob", 0, 1}, {StreamID{4, 0}, "bob", 0, 1}, {StreamID{5, 0}, "bob", 0, 1},
	}, pending)
	for _, tt := range []struct {
		o    PendingRange
		want []GroupPending
	}{
		{PendingRange{Consumer: "bob"}, pending[2:]},
		{PendingRange{Consumer: "nobody"}, nil},
		{PendingRange{MinIdle: time.Millisecond}, pending[:2]},
		{PendingRange{From: StreamID{2, 0}, To: StreamID{4, 0}}, pending[1:4]},
		{PendingRange{From: StreamID{2, 0}, Count: 1}, pending[1:2]},
		{PendingRange{Consumer: "bob", From: StreamID{4, 0}}, pending[3:]},
	} {
		got, err := s.Pending("g", tt.o)
		require.NoError(t, err)
		require.Equal(t, tt.want, got, "%+v", tt.o)
	}

	acked, err := s.Ack("g", StreamID{3, 0}, StreamID{3, 0}, StreamID{9, 0})
	require.NoError(t, err)
	require.Equal(t, 1, acked)
	_, err = s.Delete(StreamID{4, 0})
	require.NoError(t, err)
	entries, err = s.ReadGroup("g", "bob", GroupRead{History: true})
	require.NoError(t, err)
	require.Equal(t, []string{"4-0", "5-0 n=4"}, fieldsOf(entries))
	require.Nil(t, entries[0].Fields)
	entries, err = s.ReadGroup("g", "bob", GroupRead{History: true, After: StreamID{4, 0}, Count: 1})
	require.NoError(t, err)
	require.Equal(t, []string{"5-0 n=4"}, fieldsOf(entries))

	entries, err = s.Claim("g", "cid", ClaimOptions{MinIdle: time.Second}, StreamID{1, 0}, StreamID{5, 0})
	require.NoError(t, err)
	require.Equal(t, []string{"1-0 n=0"}, fieldsOf(entries))
	entries, err = s.Claim("g", "cid", ClaimOptions{JustID: true, Force: true}, StreamID{6, 0}, StreamID{7, 0})
	require.NoError(t, err)
	require.Equal(t, []string{"6-0"}, fieldsOf(entries))
	clock.pass(time.Minute)
	claimed, err := s.AutoClaim("g", "dot", AutoClaimOptions{ClaimOptions: ClaimOptions{MinIdle: time.Minute}, Count: 3})
	require.NoError(t, err)
	require.Equal(t, []string{"1-0 n=0", "2-0 n=1"}, fieldsOf(claimed.Entries))
	require.Equal(t, []StreamID{{4, 0}}, claimed.Lost)
	require.Equal(t, StreamID{5, 0}, claimed.Next)
	claimed, err = s.AutoClaim("g", "dot", AutoClaimOptions{From: claimed.Next})
	require.NoError(t, err)
	require.Equal(t, []string{"5-0 n=4", "6-0 n=5"}, fieldsOf(claimed.Entries))
	require.Zero(t, claimed.Next)
	_, err = s.AutoClaim("g", "dot", AutoClaimOptions{Count: -1})
	require.ErrorIs(t, err, ErrInvalid)

	groups, err := s.Groups()
	require.NoError(t, err)
	require.Equal(t, []GroupInfo{{"g", 4, 4, StreamID{6, 0}, 0}}, groups)
	created, err := s.CreateConsumer("g", "eve")
	require.NoError(t, err)
	require.True(t, created)
	created, err = s.CreateConsumer("g", "eve")
	require.NoError(t, err)
	require.False(t, created)
	consumers, err := s.Consumers("g")
	require.NoError(t, err)
	start := time.UnixMilli(1_700_000_000_000)
	now := start.Add(time.Second + time.Minute)
	require.Equal(t, []ConsumerInfo{
		{"ann", 0, start, start}, {"bob", 0, start.Add(time.Second), start.Add(time.Second)},
		{"cid", 0, start.Add(time.Second), start.Add(time.Second)}, {"dot", 4, now, now}, {"eve", 0, now, time.Time{}},
	}, consumers)
	lost, err := s.DeleteConsumer("g", "dot")
	require.NoError(t, err)
	require.Equal(t, 4, lost)
	require.NoError(t, s.SetGroup("g", GroupStart{After: StreamID{4, 0}}))
	entries, err = s.ReadGroup("g", "ann", GroupRead{})
	require.NoError(t, err)
	require.Equal(t, []string{"5-0 n=4", "6-0 n=5"}, fieldsOf(entries))
	done, err := s.DestroyGroup("g")
	require.NoError(t, err)
	require.True(t, done)

	for _, s := range []Stream{s, c.Stream("absent")} {
		done, err = s.DestroyGroup("g")
		require.NoError(t, err)
		require.False(t, done)
		require.Equal(t, ErrNoGroup, s.SetGroup("g", GroupStart{Latest: true}))
		_, err = s.ReadGroup("g", "c", GroupRead{})
		require.Equal(t, ErrNoGroup, err)
		_, err = s.ReadGroup("g", "c", GroupRead{Count: -1})
		require.ErrorIs(t, err, ErrInvalid)
		_, err = s.Ack("g", StreamID{1, 0})
		require.Equal(t, ErrNoGroup, err)
		_, err = s.Pending("g", PendingRange{})
		require.Equal(t, ErrNoGroup, err)
		_, err = s.Claim("g", "c", ClaimOptions{}, StreamID{1, 0})
		require.Equal(t, ErrNoGroup, err)
		_, err = s.AutoClaim("g", "c", AutoClaimOptions{})
		require.Equal(t, ErrNoGroup, err)
		_, err = s.CreateConsumer("g", "c")
		require.Equal(t, ErrNoGroup, err)
		_, err = s.DeleteConsumer("g", "c")
		require.Equal(t, ErrNoGroup, err)
		_, err = s.Consumers("g")
		require.Equal(t, ErrNoGroup, err)
		groups, err := s.Groups()
		require.NoError(t, err)
		require.Empty(t, groups)
	}
}

// TestStreamKeyLife takes a stream, small and large, through what happens to keys.
func TestStreamKeyLife(t *testing.T) {
	c := newTestCache(t, Options{})
	for _, n := range []uint64{3, 3000} {
		s := c.Stream("s")
		for i := range n {
			addAt(t, s, StreamID{i + 1, 0}, "name", fmt.Sprint("value:", i))
		}
		require.NoError(t, s.CreateGroup("g", GroupStart{}))
		_, err := s.ReadGroup("g", "c", GroupRead{Count: 2})
		require.NoError(t, err)
		require.NoError(t, c.Copy("s", "copy"))
		_, err = s.Delete(StreamID{1, 0}, StreamID{2, 0})
		require.NoError(t, err)
		for key, want := range map[string]uint64{"s": n - 2, "copy": n} {
			got, err := c.Stream(key).Len()
			require.NoError(t, err)
			require.Equal(t, int(want), got)
			pending, err := c.Stream(key).Pending("g", PendingRange{})
			require.NoError(t, err)
			require.Len(t, pending, 2)
		}
		removed, err := c.Del("s", "copy")
		require.NoError(t, err)
		require.Equal(t, 2, removed)
	}
}

// TestStreamSurvives saves and loads streams, and takes back what a transaction has done to them.
func TestStreamSurvives(t *testing.T) {
	c := newTestCache(t, Options{})
	fill := func(s Stream, n uint64) {
		for i := range n {
			addAt(t, s, StreamID{i + 1, 5}, "name", fmt.Sprint("value:", i), "number", fmt.Sprint(i))
		}
		require.NoError(t, s.CreateGroup("g", GroupStart{}))
		_, err := s.ReadGroup("g", "ann", GroupRead{Count: int(n / 2)})
		require.NoError(t, err)
		_, err = s.ReadGroup("g", "bob", GroupRead{Count: 1})
		require.NoError(t, err)
		_, err = s.Delete(StreamID{2, 5})
		require.NoError(t, err)
	}
	state := func(s Stream) []any {
		entries, err := s.Range(StreamRange{})
		require.NoError(t, err)
		info, err := s.Info()
		require.NoError(t, err)
		groups, err := s.Groups()
		require.NoError(t, err)
		consumers, err := s.Consumers("g")
		require.NoError(t, err)
		pending, err := s.Pending("g", PendingRange{})
		require.NoError(t, err)
		for i := range pending {
			pending[i].Idle = 0
		}
		return []any{fieldsOf(entries), info, groups, consumers, pending}
	}
	before := map[string][]any{}
	for key, n := range map[string]uint64{"small": 6, "large": 2000} {
		fill(c.Stream(key), n)
		before[key] = state(c.Stream(key))
	}
	var file bytes.Buffer
	require.NoError(t, c.Save(&file))
	other := newTestCache(t, Options{Shards: 4})
	require.NoError(t, other.Load(&file))
	enough := errors.New("enough")
	for key, want := range before {
		require.Equal(t, want, state(other.Stream(key)))
		err := c.Update(context.Background(), func(tx *Tx) error {
			s := tx.Stream(key)
			for i := range uint64(500) {
				addAt(t, s, StreamID{10_000 + i, 0}, "name", "in vain")
			}
			_, err := s.ReadGroup("g", "cid", GroupRead{})
			require.NoError(t, err)
			_, err = s.Trim(StreamTrim{MaxLen: 3})
			require.NoError(t, err)
			_, err = s.DestroyGroup("g")
			require.NoError(t, err)
			return enough
		})
		require.Equal(t, enough, err)
		require.Equal(t, want, state(c.Stream(key)))
		addAt(t, c.Stream(key), StreamID{20_000, 0}, "name", "value")
	}
}
