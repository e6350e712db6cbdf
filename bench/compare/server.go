package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

const (
	startLimit  = 30 * time.Second
	settleLimit = 15 * time.Second
	// anyCPU leaves a process to the scheduler.
	anyCPU = -1
)

// server is a running server program.
type server struct {
	addr    string
	port    int
	pid     int
	started time.Duration // from starting the process to the first answered PING
	dir     string
	log     bytes.Buffer // what it printed; read only after ended is closed
	ended   chan struct{}
	stops   func() bool
}

// start runs a server on a free port with nothing loaded and nothing saved by itself, and waits until it answers. It
// is killed by stop or when ctx ends. More holds further arguments, the same for every program.
func (b *bench) start(ctx context.Context, t target, cpu int, more ...string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, t.name+"-")
	if err != nil {
		return nil, err
	}
	s := &server{port: port, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), dir: dir, ended: make(chan struct{})}
	program, err := exec.LookPath(t.program)
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	args := append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", dir,
		"--loglevel", "warning"}, more...)
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &s.log, &s.log
	begin := time.Now()
	if err := startOn(cmd, cpu); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", program, err)
	}
	s.pid = cmd.Process.Pid
	go func() {
		_ = cmd.Wait()
		close(s.ended)
	}()
	s.stops = context.AfterFunc(ctx, func() { killGroup(s.pid) })
	if err := s.awaitPing(begin); err != nil {
		s.stop()
		return nil, fmt.Errorf("%s %q: %w\n%s", program, args, err, s.logTail())
	}
	return s, nil
}

var errOneCore = errors.New("two cores are needed, one for the server and one for the generator")

// pinned starts a server on a core of its own, with another for whoever loads it.
func (b *bench) pinned(ctx context.Context, t target, more ...string) (*server, error) {
	if b.serverCPU < 0 || b.generatorCPU < 0 {
		return nil, errOneCore
	}
	return b.start(ctx, t, b.serverCPU, more...)
}

func (s *server) awaitPing(begin time.Time) error {
	for {
		c, err := dial(s.addr)
		if err == nil {
			_, err = c.do("PING")
			c.close()
		}
		if err == nil {
			s.started = time.Since(begin)
			return nil
		}
		if time.Since(begin) > startLimit {
			return fmt.Errorf("no answer to PING after %v: %w", startLimit, err)
		}
		select {
		case <-s.ended:
			return errors.New("it ended at once")
		default:
			pause(200 * time.Microsecond)
		}
	}
}

// stop kills the server with all it forked, waits for its end and removes its files. It may be called again.
func (s *server) stop() {
	s.stops()
	select {
	case <-s.ended:
	default:
		killGroup(s.pid)
		<-s.ended
	}
	_ = os.RemoveAll(s.dir)
}

func (s *server) logTail() []byte {
	const most = 2000
	text := s.log.Bytes()
	return text[max(0, len(text)-most):]
}

// resident returns the server's resident memory in megabytes once it has stopped moving, so that what is still being
// given back after a load does not count.
func (s *server) resident(ctx context.Context) (float64, error) {
	const (
		every = 250 * time.Millisecond
		calm  = 4 // readings in a row within half a percent
	)
	steady, last := 0, math.Inf(1)
	for begin := time.Now(); steady < calm && time.Since(begin) < settleLimit; {
		m, err := memoryOf(s.pid, false)
		if err != nil {
			return 0, err
		}
		now := float64(m.resident) / 1e6
		if math.Abs(now-last) <= 0.005*now {
			steady++
		} else {
			steady = 0
		}
		last = now
		if err := sleep(ctx, every); err != nil {
			return 0, err
		}
	}
	return last, nil
}

// usedDuring returns the CPU time the server uses while f runs.
func (s *server) usedDuring(f func() error) (time.Duration, error) {
	before, err := cpuTime(s.pid)
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	after, err := cpuTime(s.pid)
	return after - before, err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
