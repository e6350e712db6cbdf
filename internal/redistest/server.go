package redistest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// NeedEnv names the environment variable that turns a missing redis-server from a skipped test into a failed one.
// Automated checks set it to 1, so that no comparison is left out unnoticed.
const NeedEnv = "DARTER_NEED_REDIS"

// Server is a redis-server process of one test.
type Server struct {
	// Addr is its TCP address, on the loopback interface.
	Addr string
	// Socket is the path of its unix socket.
	Socket string
	// Dir is its working directory, removed when the test ends.
	Dir string

	process *Process
}

// Start runs the redis-server found in PATH on a free port and a unix socket, and stops it when the test ends. It saves nothing to
// disk by itself; args are further command-line options such as "--maxmemory", "10mb". Without the binary the test is skipped,
// or fails where NeedEnv is 1.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv(NeedEnv) == "1" {
			t.Fatalf("redistest: %s=1, but there is no redis-server in PATH: %v", NeedEnv, err)
		}
		t.Skip("redistest: there is no redis-server in PATH")
	}
	// Not t.TempDir: its paths hold the test's name and can be too long for a unix socket.
	dir, err := os.MkdirTemp("", "redistest")
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	const attempts = 5 // another process may take the port between our look and the server's bind
	for i := 1; ; i++ {
		s, err := start(path, dir, args)
		if err == nil {
			t.Cleanup(s.Stop)
			return s
		}
		if i == attempts {
			t.Fatalf("redistest: redis-server does not start: %v", err)
		}
	}
}

func start(path, dir string, args []string) (*Server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := ln.Addr().String()
	ln.Close()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: addr, Socket: filepath.Join(dir, "s"), Dir: dir}
	all := append([]string{
		"--port", port, "--bind", "127.0.0.1", "--unixsocket", s.Socket, "--dir", dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning",
	}, args...)
	if s.process, err = launch(exec.Command(path, all...)); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(DefaultTimeout)
	for {
		nc, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			nc.Close()
			return s, nil
		}
		select {
		case <-s.process.Ended:
			return nil, fmt.Errorf("it exited: %s", s.Log())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.Stop()
			return nil, fmt.Errorf("nothing listens on %s after %v: %s", addr, DefaultTimeout, s.Log())
		}
	}
}

// Dial opens a connection to the server.
func (s *Server) Dial(t testing.TB) *Conn {
	t.Helper()
	return Dial(t, "tcp", s.Addr)
}

// Pid is the process id, for tests that measure the process.
func (s *Server) Pid() int { return s.process.Cmd.Process.Pid }

// Log returns what the server has written so far.
func (s *Server) Log() string { return s.process.Stdout.String() + s.process.Stderr.String() }

// Stop kills the server and waits for its end; stopping twice is harmless.
func (s *Server) Stop() { s.process.Kill() }
