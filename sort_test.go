package darter_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// TestSortTogether sorts by keys all over the shards, from several sides at once, with and without transactions: nobody
// waits for ever, and in a transaction all keys are of one moment.
func TestSortTogether(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 16})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	const elements, rounds = 40, 30
	setup := c.NewSession()
	defer setup.Close()
	for i := range elements {
		for _, list := range []string{"a", "b"} {
			_, err := setup.Do(context.Background(), "RPUSH", list, i)
			require.NoError(t, err)
		}
		require.Equal(t, "OK", do(setup, "SET", fmt.Sprint("w", i), "0"))
	}
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			s := c.NewSession()
			defer s.Close()
			from, to := "a", "b"
			if worker%2 == 1 {
				from, to = to, from
			}
			for round := range rounds {
				switch worker {
				case 0, 1:
					n := do(s, "SORT", from, "BY", "w*", "STORE", to)
					if n != int64(elements) {
						t.Errorf("SORT stored %v", n)
					}
				case 2: // all weights change at one moment
					args := []any{"MSET"}
					for i := range elements {
						args = append(args, fmt.Sprint("w", i), round)
					}
					if got := do(s, args...); got != "OK" {
						t.Errorf("MSET: %v", got)
					}
				case 3:
					do(s, "MULTI")
					do(s, "SORT", "a", "GET", "w*")
					do(s, "SORT", "b", "BY", "w*", "DESC", "STORE", "c")
					reply, _ := do(s, "EXEC").([]any)
					if len(reply) != 2 {
						t.Errorf("EXEC: %v", reply)
						continue
					}
					weights := reply[0].([]any)
					for _, w := range weights {
						if string(w.([]byte)) != string(weights[0].([]byte)) {
							t.Errorf("weights of several moments: %q", weights)
							break
						}
					}
				}
			}
		})
	}
	all.Wait()
	for _, list := range []string{"a", "b", "c"} {
		require.Equal(t, int64(elements), do(setup, "LLEN", list))
	}
	sorted, err := setup.Do(context.Background(), "SORT", "c", "LIMIT", 5, 2)
	require.NoError(t, err)
	require.Equal(t, []any{[]byte(strconv.Itoa(5)), []byte(strconv.Itoa(6))}, sorted)
}
