package frameworks

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/clienttest"
)

func locks(t *testing.T, socket string) *redsync.Redsync {
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, ReadTimeout: time.Minute, PoolTimeout: time.Minute})
	t.Cleanup(func() { _ = c.Close() })
	return redsync.New(goredis.NewPool(c))
}

// Many want one lock; the counter that it guards is no other way protected.
func TestMutualExclusion(t *testing.T) {
	rs := locks(t, clienttest.Server(t))
	const workers, each = 8, 25
	var inside atomic.Int32
	counter := 0
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			m := rs.NewMutex("lock", redsync.WithExpiry(time.Minute), redsync.WithTries(1_000_000),
				redsync.WithRetryDelay(200*time.Microsecond))
			for range each {
				if err := m.Lock(); err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two have the lock")
				}
				counter++
				inside.Add(-1)
				if ok, err := m.Unlock(); !ok || err != nil {
					t.Error(ok, err)
				}
			}
		})
	}
	all.Wait()
	require.Equal(t, workers*each, counter)
}

func TestLockIsOnesOwn(t *testing.T) {
	rs := locks(t, clienttest.Server(t))
	mine := rs.NewMutex("lock", redsync.WithExpiry(time.Minute))
	other := rs.NewMutex("lock", redsync.WithExpiry(time.Minute), redsync.WithTries(1))
	require.NoError(t, mine.Lock())
	var taken *redsync.ErrTaken
	require.True(t, errors.As(other.Lock(), &taken))
	ok, err := other.Unlock()
	require.False(t, ok)
	require.Error(t, err)
	ok, err = mine.Extend()
	require.True(t, ok)
	require.NoError(t, err)
	ok, err = mine.Unlock()
	require.True(t, ok)
	require.NoError(t, err)
	require.NoError(t, other.TryLock())

	// A lock that is not given back ends by itself.
	brief := rs.NewMutex("brief", redsync.WithExpiry(30*time.Millisecond))
	require.NoError(t, brief.Lock())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	next := rs.NewMutex("brief", redsync.WithExpiry(time.Minute), redsync.WithTries(100_000), redsync.WithRetryDelay(time.Millisecond))
	require.NoError(t, next.LockContext(ctx))
	ok, _ = brief.Extend()
	require.False(t, ok)
}
