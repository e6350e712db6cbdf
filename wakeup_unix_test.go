//go:build unix

package darter_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// Ten thousand who wait take no processor time and a bounded amount of memory, all of which they give back.
func TestWaitingCostsNothing(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	const waiting = 10_000
	memory := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := memory()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	var all sync.WaitGroup
	sessions := make([]*darter.Session, waiting)
	for i := range sessions {
		s := c.NewSession()
		sessions[i] = s
		all.Go(func() {
			defer s.Close()
			_, err := s.Do(ctx, "BLPOP", fmt.Sprint("q", i%100), fmt.Sprint("own", i), 3600)
			if err != context.Canceled {
				t.Error(err)
			}
		})
	}
	for _, s := range sessions {
		require.True(t, eventually(s.Blocked))
	}
	each := (memory() - before) / waiting
	used := processTime(t)
	const quiet = 300 * time.Millisecond
	time.Sleep(quiet)
	used = processTime(t) - used
	t.Logf("%d bytes for each of those who wait; %v of processor time in %v", each, used, quiet)
	require.Less(t, each, int64(32<<10))
	require.Less(t, used, quiet/2)
	end()
	all.Wait()
}

// processTime is the processor time that this process has used.
func processTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
