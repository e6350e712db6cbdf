package darter_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// TestStreamWaiting has commands wait for entries.
func TestStreamWaiting(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 8})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	s := c.NewSession()
	defer s.Close()
	entry := []any{[]any{[]byte("7-1"), []any{[]byte("a"), []byte("1")}}}
	for _, tt := range []struct {
		name string
		wait []any
		then [][]any
		want any
	}{
		{"added", []any{"XREAD", "BLOCK", 0, "STREAMS", "x", "s", "$", "$"}, [][]any{{"XADD", "s", "7-1", "a", 1}},
			darter.Map{{Key: []byte("s"), Value: entry}}},
		{"for a group", []any{"XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "x", "s", ">", ">"},
			[][]any{{"XADD", "x", "7-1", "a", 1}}, darter.Map{{Key: []byte("x"), Value: entry}}},
		{"another type first", []any{"XREAD", "BLOCK", 0, "STREAMS", "new", "$"},
			[][]any{{"SET", "new", "x"}, {"DEL", "new"}, {"XADD", "new", "7-1", "a", 1}},
			darter.Map{{Key: []byte("new"), Value: entry}}},
		{"the time is over", []any{"XREAD", "BLOCK", 20, "STREAMS", "s", "$"}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.NoError(t, c.FlushAll())
			for _, key := range []string{"s", "x"} {
				require.NoError(t, c.Stream(key).CreateGroup("g", darter.GroupStart{MakeNew: true}))
			}
			reply, waiting := later(t, c, tt.wait...)
			defer waiting.Close()
			for _, args := range tt.then {
				do(s, args...)
			}
			select {
			case got := <-reply:
				require.Equal(t, tt.want, got)
			case <-time.After(time.Minute):
				t.Fatal("it waits for ever")
			}
		})
	}

	// The group goes away under those who wait for it.
	reply, waiting := later(t, c, "XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">")
	defer waiting.Close()
	_, err = c.Stream("s").DestroyGroup("g")
	require.NoError(t, err)
	require.Contains(t, <-reply, "NOGROUP")

	// Within a transaction nothing is waited for.
	require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
		_, err := tx.Do(context.Background(), "XREAD", "BLOCK", 0, "STREAMS", "s", "$")
		return err
	}))
}

// Who begins to wait while a transaction is under way is served with what that has added before.
func TestStreamWaitBegunDuringATransaction(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	var reply <-chan any
	require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
		_, err := tx.Do(context.Background(), "XADD", "s", "7-1", "a", 1)
		got, waiting := later(t, c, "XREAD", "BLOCK", 0, "STREAMS", "s", "$")
		t.Cleanup(waiting.Close)
		reply = got
		return err
	}))
	select {
	case got := <-reply:
		entry := []any{[]any{[]byte("7-1"), []any{[]byte("a"), []byte("1")}}}
		require.Equal(t, darter.Map{{Key: []byte("s"), Value: entry}}, got)
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for ever")
	}
}
