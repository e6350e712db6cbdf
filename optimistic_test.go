package darter_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// Watch runs anew for any change of a watched key meanwhile, and for no other.
func TestOptimisticWatch(t *testing.T) {
	ctx := context.Background()
	set := func(c *darter.Cache, key string) error { return c.Set(key, []byte("v")) }
	for name, test := range map[string]struct {
		meanwhile func(c *darter.Cache) error
		runs      int
	}{
		"nothing":        {func(*darter.Cache) error { return nil }, 1},
		"the same value": {func(c *darter.Cache) error { return set(c, "there") }, 2},
		"deleted":        {func(c *darter.Cache) error { _, err := c.Del("there"); return err }, 2},
		"made":           {func(c *darter.Cache) error { return set(c, "absent") }, 2},
		"another key":    {func(c *darter.Cache) error { return set(c, "else") }, 1},
		"of another DB":  {func(c *darter.Cache) error { return set(c.DB(1), "there") }, 1},
		"an Update": {func(c *darter.Cache) error {
			return c.Update(ctx, func(tx *darter.Tx) error { return set(tx.Cache, "there") })
		}, 2},
		"a script": {func(c *darter.Cache) error {
			_, err := c.Eval(ctx, "redis.call('APPEND', KEYS[1], 'x')", []string{"there"})
			return err
		}, 2},
		"one undone": {func(c *darter.Cache) error {
			err := c.Update(ctx, func(tx *darter.Tx) error { return errors.Join(set(tx.Cache, "there"), errUndo) })
			if errors.Is(err, errUndo) {
				return nil
			}
			return errors.Join(errors.New("the Update was not undone"), err)
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := darter.New(darter.Options{Shards: 2})
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, set(c, "there"))
			looks, changes := 0, 0
			err = c.Watch(ctx, []string{"there", "absent", "there"}, func() error {
				if looks++; looks == 1 {
					return test.meanwhile(c)
				}
				return nil
			}, func(tx *darter.Tx) error {
				changes++
				return tx.Set("there", []byte("changed"))
			})
			require.NoError(t, err)
			require.Equal(t, [2]int{test.runs, 1}, [2]int{looks, changes})
			got, err := c.Get("there")
			require.NoError(t, err)
			require.Equal(t, "changed", string(got))
		})
	}
}

func TestOptimisticWatchEnds(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	nothing, change := func() error { return nil }, func(tx *darter.Tx) error { return tx.Set("k", nil) }
	require.ErrorIs(t, c.Watch(ctx, []string{"k"}, func() error { return errUndo }, change), errUndo)
	require.ErrorIs(t, c.Watch(ctx, []string{"k"}, nothing, func(tx *darter.Tx) error {
		return errors.Join(tx.Set("k", nil), errUndo)
	}), errUndo)
	_, err = c.Get("k")
	require.ErrorIs(t, err, darter.ErrNotFound)
	require.ErrorIs(t, c.Update(ctx, func(tx *darter.Tx) error { return tx.Watch(ctx, nil, nothing, change) }), darter.ErrInvalid)
	looks := 0
	require.ErrorIs(t, c.Watch(ctx, []string{"k"}, func() error {
		if looks++; looks == 5 {
			cancel()
		}
		return c.Set("k", nil) // somebody is always faster
	}, change), context.Canceled)
	require.Equal(t, 5, looks)
	require.PanicsWithValue(t, "p", func() { _ = c.Watch(context.Background(), []string{"k"}, func() error { panic("p") }, change) })
	require.NoError(t, c.Close())
	require.ErrorIs(t, c.Watch(context.Background(), []string{"k"}, nothing, change), darter.ErrClosed)
}

// No step is lost or counted twice.
func TestOptimisticWatchCounts(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 4})
	require.NoError(t, err)
	defer c.Close()
	const users, steps = 8, 200
	var group sync.WaitGroup
	for range users {
		group.Go(func() {
			for range steps {
				var next []byte
				err := c.Watch(context.Background(), []string{"n", "m"}, func() error {
					now, err := c.Get("n")
					if err != nil && !errors.Is(err, darter.ErrNotFound) {
						return err
					}
					n, _ := strconv.Atoi(string(now))
					next = strconv.AppendInt(nil, int64(n+1), 10)
					return nil
				}, func(tx *darter.Tx) error { return errors.Join(tx.Set("n", next), tx.Set("m", next)) })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	got, err := c.Get("n")
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(users*steps), string(got))
}
