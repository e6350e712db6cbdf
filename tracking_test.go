package darter_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/tracking"
)

// told is a tracked client that keeps what it is told.
type told struct {
	mu   sync.Mutex
	list []string
}

func (c *told) Invalidate(m *tracking.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := strings.Split(strings.TrimPrefix(string(m.Wire(3)), ">2\r\n$10\r\ninvalidate\r\n"), "\r\n")
	if lines[0] == "_" {
		c.list = append(c.list, "everything")
		return
	}
	for i := 2; i < len(lines); i += 2 {
		c.list = append(c.list, lines[i])
	}
}

func (c *told) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}

// tracked returns a session whose client is tracked.
func tracked(t *testing.T, c *darter.Cache, mode tracking.Mode, prefixes ...string) (*darter.Session, *told) {
	s, who := c.NewSession(), &told{}
	t.Cleanup(s.Close)
	s.Track(who, tracking.On|mode, prefixes)
	return s, who
}

func runLine(t *testing.T, s *darter.Session, line string) any {
	t.Helper()
	return doer{t, s}.run(strings.Fields(line)...)
}

func items(t *testing.T, s *darter.Session) string {
	t.Helper()
	_, after, _ := strings.Cut(runLine(t, s, "INFO stats").(string), "tracking_total_items:")
	n, _, _ := strings.Cut(after, "\r\n")
	return n
}

// What a transaction has changed before anybody kept it is told to those who have read it meanwhile.
func TestTrackingDuringATransaction(t *testing.T) {
	boom := errors.New("boom")
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprint("fails=", fails), func(t *testing.T) {
			c, err := darter.New(darter.Options{Shards: 4})
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.Set("k", []byte("old")))
			var reader *darter.Session
			var read, follows *told
			err = c.Update(context.Background(), func(tx *darter.Tx) error {
				if err := tx.Set("k", []byte("new")); err != nil {
					return err
				}
				reader, read = tracked(t, c, 0)
				require.Equal(t, []byte("old"), runLine(t, reader, "GET k"))
				_, follows = tracked(t, c, tracking.Broadcast, "")
				if fails {
					return boom
				}
				return nil
			})
			if fails {
				require.ErrorIs(t, err, boom)
				require.Empty(t, read.take())
				require.Empty(t, follows.take())
				require.NoError(t, c.Set("k", []byte("newer")))
				require.Equal(t, []string{"k"}, read.take(), "it is still known to have read it")
				require.Equal(t, []string{"k"}, follows.take())
				return
			}
			require.NoError(t, err)
			require.Contains(t, read.take(), "k")
			require.Equal(t, []string{"everything"}, follows.take())
			require.Equal(t, []byte("new"), runLine(t, reader, "GET k"))
			require.NoError(t, c.Update(context.Background(), func(tx *darter.Tx) error {
				if err := tx.Set("k", []byte("1")); err != nil {
					return err
				}
				require.Empty(t, read.take(), "not before the commit")
				return tx.Set("j", []byte("1"))
			}))
			require.Equal(t, []string{"k"}, read.take())
			require.Equal(t, []string{"j", "k"}, follows.take(), "in one message")
		})
	}
}

// What a script has read and done counts when it is through, and not if it is stopped.
func TestTrackingOfAScript(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 4, ScriptTime: 30 * time.Millisecond})
	require.NoError(t, err)
	defer c.Close()
	s, who := tracked(t, c, 0)
	other, keeps := tracked(t, c, 0)
	runLine(t, other, "GET b")
	_, err = s.Do(context.Background(), "EVAL", "redis.call('get','a') redis.call('set','b',1) redis.call('flushall') while true do end", 0)
	require.Error(t, err)
	require.Equal(t, "1", items(t, s), "what it has read is not noted, what the other has is not forgotten")
	require.Empty(t, who.take())
	require.Empty(t, keeps.take())
	runLine(t, other, "SET b 1")
	require.Equal(t, []string{"b"}, keeps.take())

	_, err = s.Do(context.Background(), "EVAL", "redis.call('get','a') redis.call('set','b',1) return redis.call('nosuch')", 0)
	require.Error(t, err)
	require.Equal(t, "1", items(t, s), "an error keeps what was done")
	runLine(t, other, "SET a 1")
	require.Equal(t, []string{"a"}, who.take())

	// It reads a key whose time comes meanwhile, which is there to its end
	runLine(t, other, "SET a 1 PX 20")
	there, err := s.Do(context.Background(), "EVAL", `redis.call('get','a')
		local t = redis.call('time') t = t[1] * 1e6 + t[2]
		while true do local n = redis.call('time') if n[1] * 1e6 + n[2] > t + 25000 then break end end
		return redis.call('exists','a')`, 0)
	if err == nil && there == int64(1) { // else the machine was too slow for its limit, or the key's time
		runLine(t, other, "EXISTS a")
		require.Contains(t, who.take(), "a")
	}
}

// What a long script has read is known, too, although others could go on without it.
func TestTrackingOfALongRead(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 4})
	require.NoError(t, err)
	defer c.Close()
	s, who := tracked(t, c, 0)
	for i := range 3 { // first it is found to be long
		_, err = s.Do(context.Background(), "EVAL_RO", "local v = redis.call('get','a') for i = 1, 100000 do end return v", 0)
		require.NoError(t, err)
		require.Equal(t, "1", items(t, s))
		require.NoError(t, c.Set("a", fmt.Append(nil, i)))
		require.Equal(t, []string{"a"}, who.take())
	}
}

// A large value that is read aside is noted before it is read.
func TestTrackingOfALargeRead(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 4})
	require.NoError(t, err)
	defer c.Close()
	w := c.NewSession()
	defer w.Close()
	for i := range 3000 {
		runLine(t, w, fmt.Sprintf("HSET h f%d v%d", i, i))
		runLine(t, w, fmt.Sprintf("SADD s1 m%d", i))
		runLine(t, w, fmt.Sprintf("SADD s2 m%d", i))
	}
	s, who := tracked(t, c, 0)
	for _, line := range []string{"HGETALL h", "HVALS h"} {
		runLine(t, s, line)
		runLine(t, w, "HSET h f 1")
		require.Equal(t, []string{"h"}, who.take(), line)
	}
	for _, key := range []string{"s1", "s2"} {
		runLine(t, s, "SINTER s1 s2")
		runLine(t, w, "SREM "+key+" m1")
		require.Equal(t, []string{key}, who.take())
	}
	runLine(t, w, "SREM s1 m2")
	require.Equal(t, []string{"s1"}, who.take())
	require.Equal(t, "0", items(t, s))

	// What is made aside is the doing of the client that asked for it.
	mine, me := tracked(t, c, tracking.NoLoop)
	for _, by := range []*darter.Session{mine, w} {
		runLine(t, mine, "SCARD to")
		runLine(t, by, "SUNIONSTORE to s1 s2")
		if by == mine {
			require.Empty(t, me.take())
		} else {
			require.Equal(t, []string{"to"}, me.take())
		}
	}

	// Nothing is missed while it is read again and again
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				if err := c.Hash("h").Set("f", fmt.Appendf(nil, "%d", i)); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 50 {
		runLine(t, s, "HGETALL h")
		require.Eventually(t, func() bool { return len(who.take()) > 0 }, time.Minute, 10*time.Microsecond)
	}
	close(stop)
	group.Wait()
}

// What EXEC changes is its client's doing, also where nobody had kept anything before it.
func TestTrackingOfAnExec(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 4})
	require.NoError(t, err)
	defer c.Close()
	s, who := tracked(t, c, tracking.NoLoop)
	for _, line := range []string{"MULTI", "GET k", "SET k 1", "EXEC"} {
		runLine(t, s, line)
	}
	require.Empty(t, who.take())
	runLine(t, s, "GET k")
	require.NoError(t, c.Set("k", []byte("2")))
	require.Equal(t, []string{"k"}, who.take())
}

// Changes cost nothing once nobody tracks.
func TestTrackingEnds(t *testing.T) {
	c, err := darter.New(darter.Options{Shards: 4})
	require.NoError(t, err)
	defer c.Close()
	key, value := "k", []byte("1")
	set := func() { _ = c.Set(key, value) }
	before := testing.AllocsPerRun(100, set)
	for range 3 {
		s, who := tracked(t, c, 0)
		f, all := tracked(t, c, tracking.Broadcast, "k")
		runLine(t, s, "MGET k j")
		require.NoError(t, c.Set("k", []byte("1")))
		require.Equal(t, []string{"k"}, who.take())
		require.Equal(t, []string{"k"}, all.take())
		s.Close()
		f.Close()
		require.NoError(t, c.Set("k", []byte("1")))
		require.Empty(t, who.take())
		require.Empty(t, all.take())
	}
	require.LessOrEqual(t, testing.AllocsPerRun(100, set), before)
}
