//go:build !race && !invariants

package darter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/reply"
)

// TestAllocations holds the paths to account that must not burden the garbage collector. The builds left out allocate in
// their checks.
func TestAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	value := make([]byte, 200)
	require.NoError(t, c.Set("key", value))
	require.NoError(t, c.Set("number", []byte("1000")))
	snap, err := c.Snapshot()
	require.NoError(t, err)
	defer snap.Close()

	buf := make([]byte, 0, 256)
	seen := 0
	see := func(v []byte) error { seen += len(v); return nil }
	for name, run := range map[string]func() error{
		"AppendGet": func() (err error) { buf, err = c.AppendGet(buf[:0], "key"); return err },
		"View":      func() error { return c.View("key", see) },
		"Set":       func() error { return c.Set("key", value) },
		"SetWith": func() error {
			_, err := c.SetWith("key", value, SetOptions{TTL: time.Hour, IfPresent: true})
			return err
		},
		"Incr":               func() error { _, err := c.Incr("number", 1); return err },
		"Append":             func() error { _, err := c.Append("number", nil); return err },
		"StrLen":             func() error { _, err := c.StrLen("key"); return err },
		"Exists":             func() error { _, err := c.Exists("key"); return err },
		"Exists, many":       func() error { _, err := c.Exists("key", "number", "absent"); return err },
		"Touch":              func() error { _, err := c.Touch("key"); return err },
		"TTL":                func() error { _, err := c.TTL("key"); return err },
		"ExpireTime":         func() error { _, err := c.ExpireTime("key"); return err },
		"Type":               func() error { _, err := c.Type("key"); return err },
		"Expire":             func() error { _, err := c.Expire("key", time.Hour); return err },
		"Persist":            func() error { _, err := c.Persist("key"); return err },
		"Del":                func() error { _, err := c.Del("absent"); return err },
		"Set and Del":        func() error { _, err := c.Del("other"); return firstOf(c.Set("other", value), err) },
		"Len":                func() error { c.Len(); return nil },
		"Snapshot.AppendGet": func() (err error) { buf, err = snap.AppendGet(buf[:0], "key"); return err },
		"Snapshot.View":      func() error { return snap.View("key", see) },
		"Snapshot.TTL":       func() error { _, err := snap.TTL("key"); return err },
		"Snapshot.Exists":    func() error { _, err := snap.Exists("key"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			require.Zero(t, testing.AllocsPerRun(200, func() {
				if err := run(); err != nil {
					t.Fatal(err)
				}
			}))
		})
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestSessionAllocations does the same for what a server runs.
func TestSessionAllocations(t *testing.T) {
	c := newTestCache(t, Options{})
	s := c.NewSession()
	defer s.Close()
	w := &reply.RESP{}
	for _, words := range [][]string{
		{"SET", "key", "value"},
		{"SET", "key", "value", "EX", "100"},
		{"SET", "key", "value", "GET"},
		{"GET", "key"},
		{"GET", "absent"},
		{"INCR", "number"},
		{"EXISTS", "key"},
		{"TTL", "key"},
		{"EXPIRE", "key", "100"},
		{"MGET", "key", "number", "absent"},
		{"DEL", "key", "other"},
	} {
		t.Run(words[0], func(t *testing.T) {
			args := make([][]byte, len(words))
			for i, word := range words {
				args[i] = []byte(word)
			}
			row, err := command.Resolve(args)
			require.NoError(t, err)
			require.Zero(t, testing.AllocsPerRun(200, func() {
				w.Reset(2)
				if err := s.Run(row, args, w); err != nil {
					t.Fatal(err)
				}
			}))
			require.NotEqual(t, byte('-'), w.Buf[0], "%s", w.Buf)
		})
	}
}
