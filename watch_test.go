package darter

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/watchdog"
)

// diary is an observer that writes down what it is told.
type diary struct {
	mu   sync.Mutex
	deaf bool
	saw  []string
	took []string
}

func (d *diary) Watching() bool { return !d.deaf }

func (d *diary) Saw(_ *command.Row, db int, args [][]byte, byScript bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	who := ""
	if byScript {
		who = "lua "
	}
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = string(a)
	}
	d.saw = append(d.saw, fmt.Sprint(db, " ", who, strings.Join(words, " ")))
}

func (d *diary) Took(row *command.Row, _ [][]byte, took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.took = append(d.took, row.FullName())
	if took <= 0 {
		d.took = append(d.took, took.String())
	}
}

// read returns what was written since it was last read.
func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	saw := d.saw
	d.saw = nil
	return saw
}

func observedSession(t *testing.T, o Options) (*Cache, *Session, *diary) {
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	s := c.NewSession()
	t.Cleanup(s.Close)
	d := &diary{}
	s.SetObserver(d)
	return c, s, d
}

// do runs commands given as words; ~ is a space within a word.
func (s *Session) do(t *testing.T, commands ...string) (last any) {
	t.Helper()
	for _, c := range commands {
		var args []any
		for _, w := range strings.Fields(c) {
			args = append(args, strings.ReplaceAll(w, "~", " "))
		}
		var err error
		if last, err = s.Do(context.Background(), args...); err != nil {
			last = err
		}
	}
	return last
}

func TestObserver(t *testing.T) {
	_, s, d := observedSession(t, Options{})
	for _, tt := range []struct{ run, want string }{
		{"GET k", ""}, // its user sees it
		{"MULTI|SET k 1|SELECT 2|NOSUCH|DISCARD", ""},
		{"MULTI|SET k 1|SELECT 2|GET k|CONFIG GET x", ""},
		{"EXEC", "0 SET k 1|2 SELECT 2|2 GET k|2 CONFIG GET x"},
		{
			"SELECT 0|EVAL redis.call('SELECT',1);redis.call('SET','a','b') 0",
			"0 EVAL redis.call('SELECT',1);redis.call('SET','a','b') 0|1 lua SELECT 1|1 lua SET a b",
		},
		{"EVAL return~redis.pcall('LPUSH','k',1) 0", "0 EVAL return redis.pcall('LPUSH','k',1) 0|0 lua LPUSH k 1"},
		{"EVAL x 0", "0 EVAL x 0"},
		{"EVALSHA x 0", "0 EVALSHA x 0"},
		{"FCALL x 0", "0 FCALL x 0"},
		{"EVAL redis.call('INCR','k')error('x') 0", "0 EVAL redis.call('INCR','k')error('x') 0|0 lua INCR k"},
		{
			"MULTI|EVAL redis.call('INCR','k') 0|EVAL x 0|KEYS none|EXEC",
			"0 EVAL redis.call('INCR','k') 0|0 lua INCR k|0 EVAL x 0|0 KEYS none",
		},
	} {
		s.do(t, strings.Split(tt.run, "|")...)
		require.Equal(t, tt.want, strings.Join(d.read(), "|"), tt.run)
	}
	d.deaf = true
	s.do(t, "EVAL redis.call('INCR','k') 0")
	require.Empty(t, d.read())
}

// What was undone is not told of; the script that was, is.
func TestObserverOfWhatIsUndone(t *testing.T) {
	_, s, d := observedSession(t, Options{ScriptTime: 20 * time.Millisecond})
	got := s.do(t, "EVAL redis.call('SET','k',1)while~true~do~end 0")
	require.Error(t, got.(error))
	require.Equal(t, []string{"0 EVAL redis.call('SET','k',1)while true do end 0"}, d.read())

	// An impatient session gives a script up that takes long; when it is run again, it is told of once.
	_, s, d = observedSession(t, Options{})
	long := "EVAL for~i=1,200~do~redis.call('INCR','k')end 0"
	s.SetImpatient(true)
	require.ErrorIs(t, s.do(t, long).(error), ErrBusy)
	require.Empty(t, d.read())
	s.SetImpatient(false)
	s.do(t, long)
	require.Len(t, d.read(), 201)
}

// A script that only reads, and takes long, is begun anew on a version, and as a transaction if it can't go on there.
func TestObserverOfScriptsOnVersions(t *testing.T) {
	_, s, d := observedSession(t, Options{})
	s.do(t, "SET k v")
	for _, end := range []string{"'GET','k'", "'PFCOUNT','h'"} {
		s.do(t, "EVAL_RO for~i=1,300~do~redis.call('GET','k')end~redis.call("+end+") 0")
		saw := d.read()
		require.Len(t, saw, 302)
		require.Contains(t, saw[0], "0 EVAL_RO for")
		require.Equal(t, "0 lua GET k", saw[300])
		require.Equal(t, "0 lua "+strings.NewReplacer("'", "", ",", " ").Replace(end), saw[301])
	}
}

// A script that runs very much is told of as it goes: what is kept is bounded.
func TestObservationsAreBounded(t *testing.T) {
	_, s, d := observedSession(t, Options{})
	s.do(t, "EVAL for~i=1,200~do~redis.call('SET','k',string.rep('x',100000))end 0")
	require.Len(t, d.read(), 201)
	var o observations
	row, _ := command.Resolve([][]byte{[]byte("PING")})
	for range 1000 {
		o.add(observation{d, row, 0, [][]byte{make([]byte, 100_000)}, true})
		require.LessOrEqual(t, o.bytes, maxObserved)
	}
	require.Greater(t, len(d.read()), 800)
}

// Two scripts that get in each other's way run again, and are told of once each.
func TestObserverOfScriptsThatRunAgain(t *testing.T) {
	c, _, _ := observedSession(t, Options{})
	const each = 30
	var wg sync.WaitGroup
	for g := range 2 {
		s := c.NewSession()
		d := &diary{}
		s.SetObserver(d)
		order := []string{"a,b,c,d,e,f", "f,e,d,c,b,a"}[g]
		wg.Go(func() {
			defer s.Close()
			script := "for~k~in~string.gmatch('" + order + "','%w')do~redis.call('INCR',k)end"
			for range each {
				s.do(t, "EVAL "+script+" 0")
			}
			saw := d.read()
			if len(saw) != 7*each {
				t.Errorf("%d commands are told of", len(saw))
			}
		})
	}
	wg.Wait()
	s := c.NewSession()
	defer s.Close()
	require.Equal(t, []byte("60"), s.do(t, "GET a"))
}

// Within EXEC each command is timed if all are wanted, else those that may take long.
func TestTimesWithinExec(t *testing.T) {
	_, s, d := observedSession(t, Options{})
	run := func() []string {
		d.took = nil
		s.do(t, "MULTI", "SET k 1", "GET k", "KEYS none", "INCR k", "EVAL return~1 0", "EXEC")
		return d.took
	}
	require.Equal(t, []string{"keys", "eval"}, run())
	s.do(t, "CONFIG SET slowlog-log-slower-than 0")
	require.Equal(t, []string{"set", "get", "keys", "incr", "eval"}, run())
	s.do(t, "CONFIG SET slowlog-log-slower-than -1")
	require.Empty(t, run())
	s.do(t, "CONFIG SET latency-monitor-threshold 1000")
	require.Equal(t, []string{"keys", "eval"}, run())
}

func TestWaited(t *testing.T) {
	_, s, _ := observedSession(t, Options{})
	s.do(t, "GET k", "RPUSH l x", "BLPOP l 0")
	notAtAll := func() {
		t.Helper()
		waited, inVain := s.Waited()
		require.Zero(t, waited)
		require.False(t, inVain)
	}
	notAtAll()
	began := time.Now()
	s.do(t, "BLPOP l 0.02")
	waited, inVain := s.Waited()
	require.True(t, inVain)
	require.GreaterOrEqual(t, waited, 20*time.Millisecond)
	require.LessOrEqual(t, waited, time.Since(began))
	notAtAll()
}

// The directives reach the watchdog, also when they are larger than any duration.
func TestWatchdogDirectives(t *testing.T) {
	c, s, _ := observedSession(t, Options{})
	dog := c.Watchdog()
	require.Equal(t, watchdog.Coarse, dog.Mode())
	require.True(t, dog.Wants(10*time.Millisecond))
	require.False(t, dog.Wants(10*time.Millisecond-1))
	for _, tt := range []struct {
		set  string
		mode watchdog.Mode
	}{
		{"slowlog-log-slower-than 9223372036854775807", watchdog.Coarse},
		{"slowlog-log-slower-than -1", watchdog.Off},
		{"latency-monitor-threshold 9223372036854775807", watchdog.Coarse},
		{"latency-monitor-threshold 1", watchdog.Exact},
		{"latency-monitor-threshold 0 latency-tracking yes", watchdog.Exact},
		{"latency-tracking no", watchdog.Off},
	} {
		require.Equal(t, "OK", s.do(t, "CONFIG SET "+tt.set))
		require.Equal(t, tt.mode, dog.Mode(), tt.set)
	}
}

// How long a shard is held for keys whose time has come is an event, if anybody wants to know.
func TestExpiryIsAnEvent(t *testing.T) {
	c, s, _ := observedSession(t, Options{})
	s.do(t, "SET k v PX 1")
	c.reclaimExpired()
	require.Empty(t, c.dog.Latest())
	c.dog.Set(watchdog.Wanted{Slower: -1, Spikes: 1})
	c.reclaimExpired()
	require.Equal(t, watchdog.EventExpiry, c.dog.Latest()[0].Event)
	require.Contains(t, fmt.Sprint(s.do(t, "LATENCY DOCTOR")), "1. expire-cycle: 1 spike")
}
