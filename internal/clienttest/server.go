package clienttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/darterdb/darter/internal/redistest"
)

var binary string

// Main builds the server, runs the tests of a package and returns their exit code. The server is that of the module in the
// folder top, built with the tags of the tests, and with the race detector where they are.
func Main(m *testing.M, top string) int {
	dir, err := os.MkdirTemp("", "darter")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "darter.exe")
	args := []string{"build", "-C", top, "-o", binary}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-race" || s.Key == "-tags" {
				args = append(args, s.Key+"="+s.Value)
			}
		}
	}
	if out, err := exec.Command("go", append(args, "./cmd/darter")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Server starts a server in a folder of its own, where it saves nothing by itself, and returns its unix socket. The test's
// end is its end.
func Server(t testing.TB, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "socket")
	cmd := exec.Command(binary, append([]string{"--port", "0", "--unixsocket", socket, "--save", ""}, args...)...)
	cmd.Dir = dir
	redistest.Launch(t, cmd).AwaitServing(t)
	return socket
}
