//go:build !windows

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

func TestVersionAndHelp(t *testing.T) {
	code, stdout, stderr := once(t, "--version")
	require.Zero(t, code)
	require.True(t, strings.HasPrefix(stdout, "darter "+darter.Version+" "), stdout)
	require.Empty(t, stderr)

	code, stdout, stderr = once(t, "--help")
	require.Zero(t, code)
	require.Contains(t, stdout, "Usage: darter")
	for _, directive := range []string{"port", "maxmemory", "requirepass", "tls-port", "save"} {
		require.Contains(t, stdout, directive)
	}
	require.Empty(t, stderr)
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--prot", "6379"}, "did you mean 'port'?"},
		{[]string{"--max-memory", "1gb"}, "did you mean 'maxmemory'?"},
		{[]string{"--requirepas", "secret"}, "did you mean 'requirepass'?"},
		{[]string{"--port"}, "port"},
		{[]string{"--port", "70000"}, "port"},
		{[]string{"--port", "x"}, "port"},
		{[]string{"--databases", "0"}, "databases"},
		{[]string{"--databases", "100000"}, "databases"},
		{[]string{"--maxmemory", "12 parsecs"}, "maxmemory"},
		{[]string{"--maxmemory-policy", "allkeys-lru"}, "noeviction"},
		{[]string{"--appendonly", "yes"}, "append log"},
		{[]string{"--daemonize", "yes"}, "foreground"},
		{[]string{"--save", "60"}, "save"},
		{[]string{"--dir", "/no/such/folder"}, "/no/such/folder"},
		{[]string{"--dbfilename", "../file"}, "can't be a path"},
		{[]string{"no-such.conf"}, "no-such.conf"},
		{[]string{"-p", "1"}, "a flag starts with --"},
		{[]string{"--port", "0"}, "nothing to listen on"},
		{[]string{"--port", "0", "--unixsocket", "/no/such/folder/s"}, "unixsocket"},
		{[]string{"--port", "0", "--tls-port", "1", "--tls-cert-file", "none", "--tls-key-file", "none"}, "tls"},
		{[]string{"--port", "0", "--unixsocket", "s", "--logfile", "/no/such/folder/log"}, "logfile"},
		{[]string{"--port", "0", "--unixsocket", "s", "--pidfile", "/no/such/folder/pid"}, "/no/such/folder/pid"},
		{[]string{"--port", "0", "--loglevel", "nothing"}, "nothing to listen on"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := once(t, test.args...)
			require.Equal(t, 1, code)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.want)
			require.NotContains(t, stderr, "goroutine ")
			require.NotContains(t, stderr, "secret")
		})
	}
}

func TestConfigFile(t *testing.T) {
	dir := t.TempDir()
	more := filepath.Join(dir, "more.conf")
	require.NoError(t, os.WriteFile(more, []byte("requirepass \"open \\x73esame\"\r\nmaxclients 77\n"), 0o600))
	file := filepath.Join(dir, "darter.conf")
	socket := filepath.Join(dir, "socket")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil,
		"# a comment\n\nPORT 0\nunixsocket %s\nunixsocketperm 700\ninclude %s\nsave 900 1\nsave 300 10\nmaxmemory 100mb\n", socket, more), 0o600))
	p := launch(t, dir, "", nil, file, "--maxmemory", "5mb")
	p.AwaitServing(t)
	c := p.dial(t)
	require.Equal(t, "NOAUTH Authentication required.", c.Do("GET", "k").Str)
	require.True(t, strings.HasPrefix(c.Do("AUTH", "wrong").Str, "WRONGPASS"))
	require.Equal(t, "OK", c.Do("AUTH", "open sesame").Str)
	for name, want := range map[string]string{"maxclients": "77", "maxmemory": "5242880", "save": "900 1 300 10", "port": "0"} {
		require.Equal(t, want, c.Do("CONFIG", "GET", name).Elems[1].Str, name)
	}
	st, err := os.Stat(socket)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), st.Mode().Perm())

	// CONFIG SET and REWRITE last.
	require.Equal(t, "OK", c.Do("CONFIG", "SET", "maxclients", "78", "requirepass", "new").Str)
	require.Equal(t, "OK", c.Do("CONFIG", "REWRITE").Str)
	require.Zero(t, p.terminate(t))
	p = launch(t, dir, "", nil, file)
	p.AwaitServing(t)
	c = p.dial(t)
	require.Equal(t, "OK", c.Do("AUTH", "new").Str)
	require.Equal(t, "78", c.Do("CONFIG", "GET", "maxclients").Elems[1].Str)
}

func TestConfigFromStandardInput(t *testing.T) {
	dir := t.TempDir()
	p := launch(t, dir, fmt.Sprintf("port 0\nunixsocket %s\nmaxclients 12\n", filepath.Join(dir, "socket")), nil, "-")
	p.AwaitServing(t)
	require.Equal(t, "12", p.dial(t).Do("CONFIG", "GET", "maxclients").Elems[1].Str)
}

func TestMistakesInAConfigFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "darter.conf")
	require.NoError(t, os.WriteFile(file, []byte("port 0\n\nmaxcleints 10\n"), 0o600))
	code, _, stderr := once(t, file)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, file+":3")
	require.Contains(t, stderr, "did you mean 'maxclients'?")
}

func TestPortInUse(t *testing.T) {
	port := freePort(t)
	dir := t.TempDir()
	pidfile := filepath.Join(dir, "pid")
	first := launch(t, dir, "", nil, "--port", port, "--bind", "127.0.0.1", "--pidfile", pidfile)
	first.AwaitServing(t)
	pid, err := os.ReadFile(pidfile)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%d\n", first.Cmd.Process.Pid), string(pid))

	code, _, stderr := once(t, "--port", port, "--bind", "127.0.0.1", "--pidfile", pidfile)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "127.0.0.1:"+port)
	require.Contains(t, stderr, "in use")
	after, err := os.ReadFile(pidfile)
	require.NoError(t, err, "the pidfile of the server that has the port is gone")
	require.Equal(t, pid, after)
	require.Zero(t, first.terminate(t))
	require.NoFileExists(t, pidfile)
}

func TestUnixSocketInUse(t *testing.T) {
	first := start(t)
	code, _, stderr := once(t, "--port", "0", "--unixsocket", first.socket)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "another server listens there")
	require.Equal(t, "PONG", first.dial(t).Do("PING").Str)

	// The socket of a dead server is in nobody's way.
	first.Kill()
	require.FileExists(t, first.socket)
	second := startIn(t, first.dir)
	require.Equal(t, "PONG", second.dial(t).Do("PING").Str)
	require.Zero(t, second.terminate(t))
	require.NoFileExists(t, first.socket)
}

func TestLogFile(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	code, _, stderr := once(t, "--port", "0", "--logfile", log)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "nothing to listen on")
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Contains(t, string(text), "nothing to listen on")
}
