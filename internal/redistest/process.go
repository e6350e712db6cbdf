package redistest

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Process is a program that a test runs.
type Process struct {
	Cmd            *exec.Cmd
	Stdout, Stderr Output
	// Ended is closed when the process has ended; Cmd.ProcessState says how.
	Ended chan struct{}
}

// Launch starts a program, whose output goes to the Process, and kills it when the test ends.
func Launch(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p, err := launch(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func launch(cmd *exec.Cmd) (*Process, error) {
	p := &Process{Cmd: cmd, Ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.Stdout, &p.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // the state has it
		close(p.Ended)
	}()
	return p, nil
}

// Kill ends the process as kill -9 does, and waits for its end; killing it twice is harmless.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill()
	<-p.Ended
}

// AwaitServing waits until the process, a darter server, says that it serves.
func (p *Process) AwaitServing(t testing.TB) {
	t.Helper()
	for !strings.Contains(p.Stderr.String(), "ready to accept connections") {
		select {
		case <-p.Ended:
			t.Fatalf("the server has ended: %s", p.Stderr.String())
		case <-time.After(time.Millisecond):
		}
	}
}

// Output is what was written so far, read while others write.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
