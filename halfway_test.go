package darter_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// Writers give many keys, over all shards, the same number, each in a way of its own; some of them fail, are killed or are
// undone when they are half through. Whoever reads several keys must find the same number in all of them.

const (
	halfwayKeys  = 48
	halfwayReads = 20_000
)

func halfwayNames() (names []string) {
	for i := range halfwayKeys {
		names = append(names, fmt.Sprint("key", i))
	}
	return names
}

// theSame returns what all of several values are, or says which two differ.
func theSame[V any](values []V, text func(V) string) (string, error) {
	for i := range values {
		if text(values[i]) != text(values[0]) {
			return "", fmt.Errorf("key0 is %s, key%d is %s", text(values[0]), i, text(values[i]))
		}
	}
	return text(values[0]), nil
}

func TestNobodySeesHalf(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 16, ScriptTime: 2 * time.Millisecond})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	ctx := context.Background()
	names := halfwayNames()
	mset, mget := []any{"MSET"}, []any{"MGET"}
	for _, name := range names {
		require.NoError(t, c.Set(name, []byte("0")))
		mset, mget = append(mset, name, "0"), append(mget, name)
	}
	var number atomic.Int64
	var stop atomic.Bool
	var all sync.WaitGroup
	repeat := func(fn func(s *darter.Session) error) {
		all.Go(func() {
			s := c.NewSession()
			defer s.Close()
			for !stop.Load() {
				if err := fn(s); err != nil {
					t.Error(err)
					stop.Store(true)
				}
				runtime.Gosched()
			}
		})
	}
	const script = `
		for i = 0, tonumber(ARGV[1]) - 1 do redis.call('SET', 'key' .. i, ARGV[2]) end
		while ARGV[3] == 'spin' do end`
	repeat(func(s *darter.Session) error {
		_, err := s.Do(ctx, "EVAL", script, 0, halfwayKeys, number.Add(1), "end")
		if stoppedBy(err) {
			err = nil
		}
		return err
	})
	repeat(func(s *darter.Session) error {
		_, err := s.Do(ctx, "EVAL", script, 0, halfwayKeys, -1, "spin")
		if stoppedBy(err) {
			err = nil
		}
		return err
	})
	repeat(func(s *darter.Session) error {
		value := []byte(strconv.FormatInt(number.Add(1), 10))
		undo := value[len(value)-1] == '3'
		err := c.Update(ctx, func(tx *darter.Tx) error {
			for _, name := range names {
				if err := tx.Set(name, value); err != nil {
					return err
				}
			}
			if undo {
				return errUndo
			}
			return nil
		})
		if undo && errors.Is(err, errUndo) {
			return nil
		}
		return err
	})
	repeat(func(s *darter.Session) error {
		words := append([]any{}, mset...)
		for i, n := 2, number.Add(1); i < len(words); i += 2 {
			words[i] = n
		}
		do(s, "MULTI")
		do(s, words...)
		_, err := s.Do(ctx, "EXEC")
		return err
	})

	var reads atomic.Int64
	count := func(_ string, err error) error {
		if reads.Add(1) == halfwayReads {
			stop.Store(true)
		}
		return err
	}
	bytesText := func(v []byte) string { return string(v) }
	anyText := func(v any) string { return fmt.Sprintf("%s", v) }
	repeat(func(s *darter.Session) error {
		v, err := s.Do(ctx, mget...)
		if err != nil {
			return err
		}
		return count(theSame(v.([]any), anyText))
	})
	repeat(func(s *darter.Session) error {
		do(s, "MULTI")
		for _, name := range names {
			do(s, "GET", name)
		}
		v, err := s.Do(ctx, "EXEC")
		if err != nil {
			return err
		}
		return count(theSame(v.([]any), anyText))
	})
	repeat(func(*darter.Session) error {
		s, err := c.Snapshot()
		if err != nil {
			return err
		}
		defer s.Close()
		v, err := s.GetMany(names...)
		if err != nil {
			return err
		}
		return count(theSame(v, bytesText))
	})
	repeat(func(*darter.Session) error {
		v, err := c.GetMany(names...)
		if err != nil {
			return err
		}
		return count(theSame(v, bytesText))
	})
	all.Wait()
	require.GreaterOrEqual(t, reads.Load(), int64(halfwayReads))
}
