package darter

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/keyspace"
)

// A transaction that is run again takes the shards that it has come to know first, and no others.
func TestRunAgainOnKnownShards(t *testing.T) {
	c := newTestCache(t, Options{Shards: 4})
	var tx transaction
	require.NoError(t, tx.start(c.engine, context.Background(), false))
	tx.known = append(tx.known, 2, 3, 2)
	runs := 0
	require.NoError(t, tx.run(func(tx *transaction) (bool, error) {
		if runs++; runs == 1 {
			panic(conflict{3})
		}
		require.Equal(t, []int{2, 3}, tx.owned)
		return true, nil
	}))
	require.Equal(t, 2, runs)
}

// Who reads a version keeps nobody off the shard itself.
func TestReadOfAVersionIsNotBusy(t *testing.T) {
	c := newTestCache(t, Options{Shards: 4})
	state, err := c.freeze()
	require.NoError(t, err)
	defer state.close()
	s := c.NewSession()
	defer s.Close()
	s.version = &scriptVersion{state: state, shadows: make([]*keyspace.Shadow, len(c.shards))}
	defer s.version.free()
	read := false
	env{s}.ReadKey(1, 0, []byte("k"), func(*keyspace.DB) {
		read = true
		require.False(t, c.shards[1].busy.Load())
	})
	require.True(t, read)
}

// A key that has expired before it is watched may be removed meanwhile: nothing has changed.
func TestWatchOfAnExpiredKey(t *testing.T) {
	clock := newTestClock()
	c := newTestCache(t, Options{Shards: 1, Now: clock.now})
	s := c.NewSession()
	defer s.Close()
	for _, words := range [][]any{{"SET", "k", "v", "PX", 1}, {"WATCH", "k"}, {"MULTI"}, {"SET", "x", "1"}, {"EXEC"}} {
		if words[0] == "WATCH" {
			clock.pass(time.Second)
		}
		reply, err := s.Do(context.Background(), words...)
		require.NoError(t, err)
		require.NotNil(t, reply, words[0])
	}
}
