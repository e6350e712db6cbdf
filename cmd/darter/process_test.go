//go:build !windows

package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/redistest"
)

// The tests run the server as a process. The process is the test binary again, which with this variable set is the server:
// so it is built with the same tags, and with the race detector where the tests are.
const beServer = "DARTER_TEST_BE_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(beServer) != "" {
		main()
	}
	os.Exit(m.Run())
}

// output is what a process has written so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// process is a running server.
type process struct {
	cmd            *exec.Cmd
	dir, socket    string
	stdout, stderr output
	ended          chan struct{} // closed when it has
}

// launch starts a server in a folder without waiting for it to serve. Where wrap is not empty it is the command line that is
// given the server's.
func launch(t testing.TB, dir, stdin string, wrap []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	line := append(append(append([]string{}, wrap...), self), args...)
	p := &process{cmd: exec.Command(line[0], line[1:]...), dir: dir, socket: filepath.Join(dir, "socket"), ended: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), beServer+"=1")
	p.cmd.Stdin = strings.NewReader(stdin)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // the state has it
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// start starts a server that listens on a unix socket in a folder of its own, and waits until it serves.
func start(t testing.TB, args ...string) *process { return startIn(t, t.TempDir(), args...) }

func startIn(t testing.TB, dir string, args ...string) *process {
	t.Helper()
	p := launch(t, dir, "", nil, append([]string{"--port", "0", "--unixsocket", filepath.Join(dir, "socket")}, args...)...)
	p.waitReady(t)
	return p
}

func (p *process) waitReady(t testing.TB) {
	t.Helper()
	for !strings.Contains(p.stderr.String(), "ready to accept connections") {
		select {
		case <-p.ended:
			t.Fatalf("the server has ended: %s", p.stderr.String())
		case <-time.After(time.Millisecond):
		}
	}
}

func (p *process) dial(t testing.TB) *redistest.Conn {
	t.Helper()
	return redistest.Dial(t, "unix", p.socket)
}

// kill ends the server as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	<-p.ended
	return p.cmd.ProcessState.ExitCode()
}

// terminate asks the server to end and returns the exit code.
func (p *process) terminate(t testing.TB) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		require.NoError(t, err)
	}
	return p.wait()
}

// once runs a server that is to end by itself.
func once(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := launch(t, t.TempDir(), "", nil, args...)
	code = p.wait()
	return code, p.stdout.String(), p.stderr.String()
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
