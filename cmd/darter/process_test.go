//go:build !windows

package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/redistest"
)

// The tests run the server as a process. The process is the test binary again, which with this variable set is the server:
// so it is built with the same tags, and with the race detector where the tests are.
const beServer = "DARTER_TEST_BE_SERVER"

// shortGrace is the variable that has such a server give scripts and clients less time at its end.
const shortGrace = "DARTER_TEST_GRACE"

func TestMain(m *testing.M) {
	if os.Getenv(beServer) != "" {
		if grace, err := time.ParseDuration(os.Getenv(shortGrace)); err == nil {
			shutdownGrace = grace
		}
		main()
	}
	os.Exit(m.Run())
}

// process is a running server.
type process struct {
	*redistest.Process
	dir, socket string
}

// launch starts a server in a folder without waiting for it to serve. Where wrap is not empty it is the command line that is
// given the server's.
func launch(t testing.TB, dir, stdin string, wrap []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	line := append(append(append([]string{}, wrap...), self), args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), beServer+"=1")
	cmd.Stdin = strings.NewReader(stdin)
	return &process{redistest.Launch(t, cmd), dir, filepath.Join(dir, "socket")}
}

// start starts a server that listens on a unix socket in a folder of its own, and waits until it serves.
func start(t testing.TB, args ...string) *process { return startIn(t, t.TempDir(), args...) }

func startIn(t testing.TB, dir string, args ...string) *process {
	t.Helper()
	p := launch(t, dir, "", nil, append([]string{"--port", "0", "--unixsocket", filepath.Join(dir, "socket")}, args...)...)
	p.AwaitServing(t)
	return p
}

func (p *process) dial(t testing.TB) *redistest.Conn {
	t.Helper()
	return redistest.Dial(t, "unix", p.socket)
}

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	<-p.Ended
	return p.Cmd.ProcessState.ExitCode()
}

// terminate asks the server to end and returns the exit code.
func (p *process) terminate(t testing.TB) int {
	t.Helper()
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		require.NoError(t, err)
	}
	return p.wait()
}

// once runs a server that is to end by itself.
func once(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := launch(t, t.TempDir(), "", nil, args...)
	code = p.wait()
	return code, p.Stdout.String(), p.Stderr.String()
}

// freePort is a TCP port that nobody listened on a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// TestSupervised is asked for a word when it is ready, as systemd asks services of Type=notify.
func TestSupervised(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenPacket("unixgram", name)
	require.NoError(t, err)
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	start(t, "--supervised", "no")
	p := start(t, "--supervised", "systemd", "--set-proc-title", "no")
	buf := make([]byte, 100)
	n, _, err := manager.ReadFrom(buf)
	require.NoError(t, err)
	require.Equal(t, "READY=1", string(buf[:n]))
	require.Equal(t, "PONG", p.dial(t).Do("PING").Str)
	require.NoError(t, manager.SetReadDeadline(time.Now()))
	_, _, err = manager.ReadFrom(buf)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "one that is told not to says nothing")
}
