//go:build !race && !invariants

package darter

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestListAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	for i := range 2000 {
		_, err := c.List("large").PushRight(fmt.Appendf(nil, "element%d", i))
		require.NoError(t, err)
		if i < 20 {
			_, err = c.List("small").PushRight(fmt.Append(nil, i*100))
			require.NoError(t, err)
		}
	}
	snap, err := c.Snapshot()
	require.NoError(t, err)
	frozen := snap.List("large")
	buf, elem, long := make([]byte, 0, 100), []byte("some element"), []byte("element999")
	for _, key := range []string{"small", "large"} {
		l := c.List(key)
		for name, fn := range map[string]func() error{
			"PushLeft, AppendPop": func() error {
				if _, err := l.PushLeft(elem); err != nil {
					return err
				}
				_, err := l.AppendPop(buf, Left)
				return err
			},
			"PushRight, AppendPop": func() error {
				if _, err := l.PushRight(elem, elem); err != nil {
					return err
				}
				_, err := l.AppendPop(buf, Right)
				return err
			},
			"AppendPop":   func() error { _, err := l.AppendPop(buf, Left); return err },
			"AppendIndex": func() error { _, err := l.AppendIndex(buf, 15); return err },
			"Set":         func() error { return l.Set(15, elem) },
			"Len":         func() error { _, err := l.Len(); return err },
			"Find":        func() error { _, err := l.Find(long); return err },
			"Trim":        func() error { return l.Trim(0, -1) },
			"Snapshot":    func() error { _, err := frozen.AppendIndex(buf, -1); return err },
		} {
			if name == "AppendPop" {
				for range 200 {
					_, err := l.PushLeft(elem)
					require.NoError(t, err)
				}
			}
			require.NoError(t, fn(), name)
			require.Zero(t, testing.AllocsPerRun(100, func() {
				if err := fn(); err != nil {
					t.Fatal(err)
				}
			}), "%s of the %s one", name, key)
		}
	}
	snap.Close()
}
