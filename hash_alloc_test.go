//go:build !race && !invariants

package darter

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHashAllocations holds reads and writes of fields to account.
func TestHashAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	for i := range 2000 {
		require.NoError(t, c.Hash("large").Set(fmt.Sprint("field", i), fmt.Append(nil, i)))
		require.NoError(t, c.Hash("timed").Set(fmt.Sprint("field", i), fmt.Append(nil, i)))
		if i < 20 {
			require.NoError(t, c.Hash("small").Set(fmt.Sprint("field", i), fmt.Append(nil, i)))
		}
	}
	_, err := c.Hash("timed").ExpireFields(time.Hour, "field1", "field2")
	require.NoError(t, err)
	snap, err := c.Snapshot()
	require.NoError(t, err)
	buf, v, long := make([]byte, 0, 100), []byte("12345"), []byte("a longer value")
	check := func(what string, run func() error) {
		t.Helper()
		require.NoError(t, run(), what)
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = run() }), what)
	}
	for _, key := range []string{"small", "large", "timed"} {
		h, frozen := c.Hash(key), snap.Hash(key)
		check(key+" AppendGet", func() (err error) { buf, err = h.AppendGet(buf[:0], "field5"); return err })
		check(key+" AppendGet, frozen", func() (err error) {
			buf, err = frozen.AppendGet(buf[:0], "field5")
			return err
		})
		check(key+" Has", func() error { _, err := h.Has("none"); return err })
		check(key+" Len", func() error { _, err := h.Len(); return err })
		check(key+" ValueLen", func() error { _, err := h.ValueLen("field5"); return err })
	}
	snap.Close()
	<-snap.state.freed
	for _, key := range []string{"small", "large", "timed"} {
		h := c.Hash(key)
		check(key+" Set", func() error { return firstOf(h.Set("field5", v), h.Set("field5", long)) })
		check(key+" Set and Delete", func() error {
			err := h.Set("new", v)
			_, err2 := h.Delete("new")
			return firstOf(err, err2)
		})
		check(key+" Incr", func() error { _, err := h.Incr("field7", 1); return err })
		check(key+" SetNew", func() error { _, err := h.SetNew("field9", v); return err })
	}
}
