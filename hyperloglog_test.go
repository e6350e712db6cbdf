package darter

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func elements(from, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("element:%d", from+i)
	}
	return out
}

func TestHyperLogLog(t *testing.T) {
	c := newTestCache(t, Options{})
	count := func(l HyperLogLog, want int64) {
		t.Helper()
		for range 2 { // once to count, once to be told
			n, err := l.Count()
			require.NoError(t, err)
			require.InDelta(t, want, n, float64(want)/30)
		}
	}
	add := func(l HyperLogLog, want bool, elements ...string) {
		t.Helper()
		changed, err := l.Add(elements...)
		require.NoError(t, err)
		require.Equal(t, want, changed)
	}
	l := c.HyperLogLog("l")
	count(l, 0)
	add(l, true)
	add(l, false)
	count(l, 0)
	add(l, true, elements(0, 10)...)
	add(l, false, elements(0, 10)...)
	count(l, 10)
	_, err := c.Expire("l", time.Hour)
	require.NoError(t, err)
	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()
	add(l, true, elements(0, 20_000)...)
	count(l, 20_000)
	size, err := c.StrLen("l")
	require.NoError(t, err)
	require.Equal(t, 12304, size)
	ttl, err := c.TTL("l")
	require.NoError(t, err)
	require.InDelta(t, time.Hour, ttl, float64(time.Minute))
	second, err := c.Snapshot()
	require.NoError(t, err)
	defer second.Close()
	add(l, true, elements(20_000, 20_000)...)

	other := c.HyperLogLog("other")
	add(other, true, elements(30_000, 20_000)...)
	n, err := l.CountWith("other", "absent")
	require.NoError(t, err)
	require.InDelta(t, 50_000, n, 1500)
	require.NoError(t, other.Merge("l", "absent"))
	count(other, 50_000)
	count(l, 40_000)
	require.NoError(t, c.HyperLogLog("new").Merge())
	count(c.HyperLogLog("new"), 0)

	count(snap.HyperLogLog("l"), 10)
	count(snap.HyperLogLog("other"), 0)
	count(second.HyperLogLog("l"), 20_000)
	n, err = second.HyperLogLog("l").CountWith("l", "other")
	require.NoError(t, err)
	require.InDelta(t, 20_000, n, 700)
}

func TestHyperLogLogErrors(t *testing.T) {
	c := newTestCache(t, Options{})
	mustSet(t, c, "plain", "not one")
	mustSet(t, c, "broken", "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xf0")
	snap, err := c.Snapshot()
	require.NoError(t, err)
	for key, want := range map[string]error{"plain": ErrNotHyperLogLog, "broken": ErrBrokenHyperLogLog} {
		l := c.HyperLogLog(key)
		for range 2 {
			_, err := l.Count()
			require.Equal(t, want, err)
			_, err = l.CountWith("absent")
			require.Equal(t, want, err)
			_, err = snap.HyperLogLog(key).Count()
			require.Equal(t, want, err)
			_, err = snap.HyperLogLog("absent").CountWith(key)
			require.Equal(t, want, err)
			require.Equal(t, want, l.Merge("absent"))
			require.Equal(t, want, c.HyperLogLog("absent").Merge(key))
			_, err = l.Add(strings.Repeat("element whose register is beyond the end", 12))
			if key == "plain" {
				require.Equal(t, want, err)
			}
		}
	}
	n, err := c.Exists("absent")
	require.NoError(t, err)
	require.Zero(t, n)

	_, err = snap.HyperLogLog("absent").Add("x")
	require.Equal(t, ErrReadOnly, err)
	require.Equal(t, ErrReadOnly, snap.HyperLogLog("absent").Merge("x"))
	snap.Close()
	_, err = snap.HyperLogLog("absent").Count()
	require.Equal(t, ErrClosed, err)
	_, err = snap.HyperLogLog("absent").CountWith()
	require.Equal(t, ErrClosed, err)

	mustSet(t, c, "large", strings.Repeat("v", 1<<20))
	c.SetMaxMemory(1)
	_, err = c.HyperLogLog("l").Add("x")
	require.Equal(t, ErrOutOfMemory, err)
	require.Equal(t, ErrOutOfMemory, c.HyperLogLog("l").Merge("x"))
}
