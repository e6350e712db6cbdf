//go:build !windows

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/redistest"
)

const dataFile = "dump.darter"

func (p *process) file() string { return filepath.Join(p.dir, dataFile) }

// load puts n keys with values of a size that don't compress into the server, in pipelines.
func load(t testing.TB, c *redistest.Conn, n, size int, prefix string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(n), uint64(size)))
	value := make([]byte, size)
	for from := 0; from < n; from += 1000 {
		var batch []byte
		to := min(from+1000, n)
		for i := from; i < to; i++ {
			for j := range value {
				value[j] = byte(rng.Uint32())
			}
			batch = redistest.AppendCommand(batch, "SET", prefix+strconv.Itoa(i), string(value))
		}
		c.SendRaw(batch)
		for range to - from {
			require.Equal(t, "OK", c.Receive().Str)
		}
	}
}

func TestTerminationSaves(t *testing.T) {
	p := start(t)
	load(t, p.dial(t), 3000, 20, "k")
	require.Zero(t, p.terminate(t))
	p = startIn(t, p.dir)
	c := p.dial(t)
	require.Equal(t, int64(3000), c.Do("DBSIZE").Int)
	require.Equal(t, "OK", c.Do("SET", "more", "v").Str)
	require.Zero(t, p.terminate(t))
	p = startIn(t, p.dir)
	require.Equal(t, int64(3001), p.dial(t).Do("DBSIZE").Int)
	require.NotContains(t, p.Stderr.String(), "level=ERROR")
}

// A script that does not end, and that a save has to wait for, does not keep the server from ending with its data saved.
func TestTerminationDuringAScript(t *testing.T) {
	dir := t.TempDir()
	p := launch(t, dir, "", []string{"env", shortGrace + "=200ms"}, "--port", "0", "--unixsocket", filepath.Join(dir, "socket"))
	p.AwaitServing(t)
	c, busy := p.dial(t), p.dial(t)
	require.Equal(t, "OK", c.Do("SET", "k", "v").Str)
	busy.Send("EVAL", "redis.call('SET', 'k', 'halfway') while true do end", "0")
	require.Eventually(t, func() bool { return strings.Contains(c.Do("CLIENT", "LIST").Str, " cmd=eval ") },
		time.Minute, time.Millisecond)
	require.Zero(t, p.terminate(t))
	p = startIn(t, dir)
	require.Equal(t, "v", p.dial(t).Do("GET", "k").Str)
}

func TestTerminationWithoutSavePoints(t *testing.T) {
	p := start(t, "--save", "")
	load(t, p.dial(t), 10, 20, "k")
	require.Zero(t, p.terminate(t))
	require.NoFileExists(t, p.file())
}

func TestShutdownCommand(t *testing.T) {
	for _, test := range []struct {
		points  string
		command []string
		saved   bool
	}{
		{"3600 1", []string{"SHUTDOWN"}, true},
		{"3600 1", []string{"SHUTDOWN", "NOSAVE"}, false},
		{"", []string{"SHUTDOWN"}, false},
		{"", []string{"SHUTDOWN", "SAVE"}, true},
		{"", []string{"shutdown", "save", "now", "force"}, true},
	} {
		t.Run(fmt.Sprintf("save=%s %v", test.points, test.command), func(t *testing.T) {
			t.Parallel()
			p := start(t, "--save", test.points)
			c := p.dial(t)
			require.Equal(t, "OK", c.Do("SET", "k", "v").Str)
			require.Equal(t, redistest.Error, c.Do("SHUTDOWN", "SAVE", "NOSAVE").Kind)
			require.Equal(t, redistest.Error, c.Do("SHUTDOWN", "LATER").Kind)
			c.Send(test.command...)
			replies, _ := c.ReceiveUntilClosed()
			require.Empty(t, replies)
			require.Zero(t, p.wait())
			if test.saved {
				require.FileExists(t, p.file())
			} else {
				require.NoFileExists(t, p.file())
			}
		})
	}
}

// Libraries of functions are saved by BGSAVE, DEBUG RELOAD and the end of the server, and are there at the next start. To
// load one is a change, for save points and the end alike.
func TestFunctionsAreKept(t *testing.T) {
	p := start(t, "--save", "3600 1", "--enable-debug-command", "yes")
	c := p.dial(t)
	text := func(library, function string) string {
		return "#!lua name=" + library + "\nredis.register_function('" + function + "', function() return '" + function + "' end)"
	}
	require.Equal(t, "one", c.Do("FUNCTION", "LOAD", text("one", "first")).Str)
	require.Contains(t, c.Do("INFO", "persistence").Str, "rdb_changes_since_last_save:1\r\n")
	require.Equal(t, "OK", c.Do("DEBUG", "RELOAD").Str)
	require.Equal(t, "first", c.Do("FCALL", "first", "0").Str)
	require.Zero(t, p.terminate(t))

	p = startIn(t, p.dir)
	c = p.dial(t)
	require.Equal(t, "first", c.Do("FCALL", "first", "0").Str)
	require.Equal(t, "two", c.Do("FUNCTION", "LOAD", text("two", "second")).Str)
	require.NotEqual(t, redistest.Error, c.Do("BGSAVE").Kind)
	for strings.Contains(c.Do("INFO", "persistence").Str, "rdb_bgsave_in_progress:1") {
		time.Sleep(time.Millisecond)
	}
	p.Kill()

	p = startIn(t, p.dir)
	c = p.dial(t)
	require.Equal(t, "first", c.Do("FCALL", "first", "0").Str)
	require.Equal(t, "second", c.Do("FCALL", "second", "0").Str)
}

func TestSavePoint(t *testing.T) {
	p := start(t, "--save", "1 2")
	c := p.dial(t)
	c.Do("MSET", "a", "1", "b", "2", "c", "3")
	for {
		if _, err := os.Stat(p.file()); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.Kill()
	p = startIn(t, p.dir)
	require.Equal(t, int64(3), p.dial(t).Do("DBSIZE").Int)
}

func TestDamagedFileAtStart(t *testing.T) {
	p := start(t)
	load(t, p.dial(t), 500, 50, "k")
	require.Zero(t, p.terminate(t))
	good, err := os.ReadFile(p.file())
	require.NoError(t, err)
	changed := bytes.Clone(good)
	changed[len(changed)/2] ^= 4
	for _, bad := range [][]byte{good[:len(good)/2], changed, []byte("REDIS0011"), {}} {
		require.NoError(t, os.WriteFile(p.file(), bad, 0o600))
		end := launch(t, p.dir, "", nil, "--port", "0", "--unixsocket", p.socket)
		require.Equal(t, 1, end.wait())
		stderr := end.Stderr.String()
		require.Contains(t, stderr, "at byte ")
		require.Contains(t, stderr, p.file())
		require.Contains(t, stderr, "move it away")
		left, err := os.ReadFile(p.file())
		require.NoError(t, err)
		require.True(t, bytes.Equal(bad, left), "the file is as it was")
	}
	require.NoError(t, os.WriteFile(p.file(), good, 0o600))
	p = startIn(t, p.dir)
	require.Equal(t, int64(500), p.dial(t).Do("DBSIZE").Int)
}

// TestKillDuringSave kills servers in the middle of saves: the file is the old one or the new one, and the next server starts
// from it.
func TestKillDuringSave(t *testing.T) {
	const old, added = 500, 20_000
	p := start(t)
	load(t, p.dial(t), old, 50, "old")
	require.Zero(t, p.terminate(t))
	interrupted := 0
	for round := range 4 {
		p = startIn(t, p.dir)
		c := p.dial(t)
		had := c.Do("DBSIZE").Int
		require.Contains(t, []int64{old, old + added}, had)
		for i := range int64(old) {
			if i%50 == 0 {
				require.Equal(t, int64(50), c.Do("STRLEN", fmt.Sprintf("old%d", i)).Int)
			}
		}
		load(t, c, added, 300, "new")
		require.Equal(t, "Background saving started", c.Do("BGSAVE").Str)
		for !unfinishedSave(t, p.dir) && !strings.Contains(p.Stderr.String(), "msg=saved") {
			time.Sleep(100 * time.Microsecond)
		}
		time.Sleep(time.Duration(round) * 3 * time.Millisecond)
		if !strings.Contains(p.Stderr.String(), "msg=saved") {
			interrupted++
		}
		p.Kill()
	}
	t.Logf("%d of 4 saves were interrupted", interrupted)
	p = startIn(t, p.dir)
	require.Contains(t, []int64{old, old + added}, p.dial(t).Do("DBSIZE").Int)
}

func unfinishedSave(t testing.TB, dir string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, dataFile+".*.tmp"))
	require.NoError(t, err)
	for _, f := range files {
		// Those of earlier rounds were written before.
		if st, err := os.Stat(f); err == nil && st.Size() > 0 && time.Since(st.ModTime()) < 20*time.Millisecond {
			return true
		}
	}
	return false
}

func TestFailedSave(t *testing.T) {
	p := start(t)
	c := p.dial(t)
	c.Do("SET", "k", "v")
	require.NoError(t, os.Mkdir(p.file(), 0o700)) // what can't be replaced by a file, not even by root
	reply := c.Do("SAVE")
	require.Equal(t, redistest.Error, reply.Kind)
	require.Equal(t, "Background saving started", c.Do("BGSAVE").Str)
	for !strings.Contains(c.Do("INFO", "persistence").Str, "rdb_last_bgsave_status:err") ||
		!strings.Contains(c.Do("INFO", "persistence").Str, "rdb_bgsave_in_progress:0") {
		time.Sleep(time.Millisecond)
	}
	require.Contains(t, p.Stderr.String(), "save failed")

	// Neither ends the server: what it holds would be lost.
	require.Equal(t, "ERR Errors trying to SHUTDOWN. Check logs.", c.Do("SHUTDOWN").Str)
	require.Equal(t, "v", c.Do("GET", "k").Str)
	require.NoError(t, os.Remove(p.file()))
	require.Equal(t, "OK", c.Do("SAVE").Str)
	require.Zero(t, p.terminate(t))
	left, err := os.ReadDir(p.dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

// While saves in the background fail, clients may not write, unless nobody wants saves or writes are wanted all the same.
func TestUnsavedWritesAreRefused(t *testing.T) {
	const misconf = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
		"Commands that may modify the data set are disabled, because this instance is configured to report errors during " +
		"writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details " +
		"about the RDB error."
	folder := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.Mkdir(folder, 0o755))
	p := start(t, "--save", "3600 1", "--dir", folder)
	c := p.dial(t)
	say := func(want string, args ...string) {
		t.Helper()
		reply := c.Do(args...)
		if reply.IsError() {
			require.True(t, strings.HasPrefix(reply.Str, want), "%q: %s", args, reply.Str)
			return
		}
		require.Equal(t, want, reply.Str, "%q", args)
	}
	saveFails := func() {
		say("Background saving started", "BGSAVE")
		require.Eventually(t, func() bool {
			return strings.Contains(c.Do("INFO", "persistence").Str, "rdb_bgsave_in_progress:0")
		}, time.Minute, time.Millisecond)
		require.Contains(t, c.Do("INFO", "persistence").Str, "rdb_last_bgsave_status:err")
	}
	say("OK", "SET", "k", "v")
	require.NoError(t, os.RemoveAll(folder))
	require.True(t, c.Do("SAVE").IsError())
	say("OK", "SET", "k", "v") // who saved was told
	other := p.dial(t)
	require.Equal(t, "OK", other.Do("MULTI").Str)
	require.Equal(t, "QUEUED", other.Do("SET", "k", "queued").Str)
	saveFails()
	require.Equal(t, "EXECABORT Transaction discarded because of: "+misconf, other.Do("EXEC").Str)

	for _, command := range [][]string{
		{"SET", "k", "w"}, {"DEL", "k"}, {"LPOP", "none"}, {"FLUSHALL"}, {"PING"},
		{"EVAL", "return redis.call('DEL', 'k')", "0"}, {"EVAL", "#!lua\nreturn redis.call('GET', 'k')", "0"},
	} {
		say(misconf, command...)
	}
	say("v", "GET", "k")
	say("v", "EVAL", "return redis.call('GET', 'k')", "0")
	say("v", "EVAL", "#!lua flags=no-writes\nreturn redis.call('GET', 'k')", "0")
	say("OK", "MULTI")
	say(misconf, "SET", "k", "w")
	say("EXECABORT Transaction discarded because of previous errors.", "EXEC")

	say("OK", "CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
	say("OK", "SET", "k", "w")
	say("OK", "CONFIG", "SET", "stop-writes-on-bgsave-error", "yes", "save", "")
	say("OK", "SET", "k", "x")
	say("OK", "CONFIG", "SET", "save", "3600 1")
	say(misconf, "SET", "k", "y")
	require.NoError(t, os.Mkdir(folder, 0o755))
	say("OK", "SAVE")
	say("PONG", "PING")
	say("OK", "SET", "k", "y")
}
