package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const canMeasure = true

// allowedCPUs lists the cores this process may run on.
func allowedCPUs() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("cannot read the allowed cores: %w", err)
	}
	var cpus []int
	for cpu := 0; len(cpus) < set.Count(); cpu++ {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// startOn starts a program in a process group of its own, on one core unless cpu is -1, to be killed by the kernel
// should this process die without having done it. A child inherits the cores of the thread that starts it, so the
// thread moves there for the moment.
func startOn(cmd *exec.Cmd, cpu int) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if cpu < 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	release, err := pinThread(cpu)
	if err != nil {
		return err
	}
	return errors.Join(cmd.Start(), release())
}

// pinThread keeps the calling thread, to which its goroutine must be locked, on one core until release.
func pinThread(cpu int) (release func() error, err error) {
	var before, pinned unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, err
	}
	pinned.Set(cpu)
	if err := unix.SchedSetaffinity(0, &pinned); err != nil {
		return nil, fmt.Errorf("cannot pin to core %d: %w", cpu, err)
	}
	return func() error { return unix.SchedSetaffinity(0, &before) }, nil
}

// killGroup ends a process that startOn started and all it forked.
func killGroup(pid int) { _ = unix.Kill(-pid, unix.SIGKILL) }

// cpuTime returns what a process has used so far, user and system, threads that ended included, to the nanosecond:
// the kernel offers each process's CPU clock under an id made of the inverted pid and the kind of clock.
func cpuTime(pid int) (time.Duration, error) {
	const wholeProcess = 2
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|wholeProcess), &t); err != nil {
		return 0, fmt.Errorf("cannot read the CPU time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// memory is what a process and its children hold, in bytes. Shared counts a page that two of them share by halves,
// which makes it the true sum over a fork; resident counts it twice.
type memory struct {
	resident, shared int64
}

// memoryOf adds up a process and, when tree is set, the children it forked (a saving redis-server has one).
func memoryOf(pid int, tree bool) (memory, error) {
	sum, err := oneMemory(pid)
	if err != nil || !tree {
		return sum, err
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return sum, err
	}
	for _, child := range bytes.Fields(children) {
		id, err := strconv.Atoi(string(child))
		if err != nil {
			return sum, err
		}
		// A child that ended meanwhile holds nothing any more.
		if m, err := oneMemory(id); err == nil {
			sum.resident += m.resident
			sum.shared += m.shared
		}
	}
	return sum, nil
}

func oneMemory(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return memory{}, err
	}
	var m memory
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[2] != "kB" {
			continue
		}
		kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return memory{}, fmt.Errorf("/proc/%d/smaps_rollup: %w", pid, err)
		}
		switch fields[0] {
		case "Rss:":
			m.resident = kilobytes << 10
		case "Pss:":
			m.shared = kilobytes << 10
		}
	}
	if m.resident == 0 {
		return memory{}, fmt.Errorf("process %d holds no memory: it has ended", pid)
	}
	return m, nil
}

// allowFiles raises the limit of open files to at least n, for this process and the servers it starts.
func allowFiles(n int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < uint64(n) {
		return fmt.Errorf("%d open files are needed and the hard limit is %d: raise it (ulimit -Hn) or lower -scale",
			n, limit.Max)
	}
	limit.Cur = max(limit.Cur, uint64(n))
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// pause sleeps on the thread itself: the runtime's own timers round up to a millisecond, ten times a quiet reply.
func pause(d time.Duration) {
	t := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.Nanosleep(&t, nil)
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "CPU not known"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return runtime.GOOS
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}
