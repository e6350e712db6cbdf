package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/redistest"
)

// Defaults are Redis's, also of what has no effect, but where another is meant.
func TestDefaultsAreThoseOfRedis(t *testing.T) {
	meant := map[string]bool{
		"dbfilename": true, "dir": true, "latency-tracking": true,
		// The tests' own server is started with these.
		"port": true, "bind": true, "save": true, "unixsocket": true, "unixsocketperm": true, "daemonize": true,
		"enable-protected-configs": true, "loglevel": true, "protected-mode": true,
	}
	server := redistest.Start(t).Dial(t)
	known := 0
	for _, d := range Standard() {
		reply := server.Do("CONFIG", "GET", d.Name)
		if len(reply.Elems) == 0 || meant[d.Name] { // none: it is younger than the server
			continue
		}
		known++
		c, err := New(Standard())
		require.NoError(t, err)
		require.Equal(t, []Pair{{d.Name, reply.Elems[1].Str}}, c.Get(d.Name))
	}
	require.Greater(t, known, 60)
}

// What has no effect is read in the forms that packages write.
func TestPackaged(t *testing.T) {
	inFolder(t, "r.conf", `hz 10
oom-score-adj no
oom-score-adj-values 0 200 800
proc-title-template "{title} {listen-addr} {server-mode}"
auto-aof-rewrite-min-size 64mb
appendfsync always
rdbcompression no
`)
	c, err := New(Standard())
	require.NoError(t, err)
	_, err = c.Load([]string{"r.conf"}, nil)
	require.NoError(t, err)
	require.Equal(t, []Pair{{"appendfsync", "always"}, {"auto-aof-rewrite-min-size", "67108864"}},
		c.Get("appendfsync", "auto-aof-rewrite-min-size"))
	_, err = c.Load([]string{"--oom-score-adj", "relative"}, nil)
	require.ErrorContains(t, err, "service manager")
	_, err = c.Load([]string{"--oom-score-adj", "relative", "--oom-score-adj", "no"}, nil)
	require.NoError(t, err)
	_, err = c.Load([]string{"--hz", "often"}, nil)
	require.ErrorContains(t, err, "hz <0-")
}

// A packaged file wants a daemon. The command line of a service says otherwise, and what is said last counts, also where the
// file is written anew.
func TestOverridden(t *testing.T) {
	folder := inFolder(t, "r.conf", "port 7000\ninclude more.conf\ndaemonize yes\n", "more.conf", "oom-score-adj relative\n")
	c, err := New(Standard())
	require.NoError(t, err)
	_, err = c.Load([]string{"r.conf"}, nil)
	require.ErrorContains(t, err, "foreground")
	require.ErrorContains(t, err, "r.conf:3")
	require.Equal(t, []Pair{{"port", "6379"}}, c.Get("port"), "nothing was taken")
	_, err = c.Load([]string{"r.conf", "--daemonize", "no"}, nil)
	require.ErrorContains(t, err, "more.conf:1")
	_, err = c.Load([]string{"r.conf", "--daemonize", "no", "--oom-score-adj", "no", "--supervised", "systemd"}, nil)
	require.NoError(t, err)
	require.Equal(t, []Pair{{"port", "7000"}, {"supervised", "systemd"}}, c.Get("port", "supervised"))
	require.NoError(t, c.Rewrite())
	text, err := os.ReadFile(filepath.Join(folder, "r.conf"))
	require.NoError(t, err)
	require.NotContains(t, string(text), "daemonize yes")
	again, err := New(Standard())
	require.NoError(t, err)
	_, err = again.Load([]string{"r.conf"}, nil)
	require.NoError(t, err, string(text))
	require.Equal(t, c.Get("*"), again.Get("*"))
}
