package darter

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// residentBytes returns the process's resident memory, 0 if it can't be told.
func residentBytes() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}

func totalMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// cpuTimes returns the processor time that the process has used.
func cpuTimes() (sys, user time.Duration) {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0, 0
	}
	return time.Duration(r.Stime.Nano()), time.Duration(r.Utime.Nano())
}

// backgroundNice is about a tenth of a full share of the processor.
const backgroundNice = 10

// yieldThread lets another thread have the processor that waits for it. A lower share alone does not see to that: the
// kernel ends a thread's time slice at its own ticks, milliseconds apart.
func yieldThread() {
	_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
}

// lowerThread gives the calling goroutine a thread of its own, which ends with it and yields the processor to others that
// want it: these would else wait for the end of one of the kernel's time slices, milliseconds, for what takes them
// microseconds. It is for long work that nobody else waits for. What it locks it must hold only for moments.
func lowerThread() {
	runtime.LockOSThread()
	// The call tells what is left to 20. Where it fails, the work is only less modest.
	if left, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil && 20-left < backgroundNice {
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, backgroundNice)
	}
}
