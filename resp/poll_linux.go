package resp

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of the loops. Those that never wait are made raw, without telling the scheduler: that costs more
// than a small read itself. Only a wait without a bound tells it, so that other goroutines get the processor.

// poller is an epoll set and a descriptor that interrupts a wait for it.
type poller struct {
	epoll, event int
}

func newPoller() (poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return poller{}, err
	}
	event, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(epoll)
		return poller{}, err
	}
	p := poller{epoll: epoll, event: event}
	if err := p.control(unix.EPOLL_CTL_ADD, event, unix.EPOLLIN|unix.EPOLLET); err != nil {
		p.close()
		return poller{}, err
	}
	return p, nil
}

func (p poller) close() {
	_ = unix.Close(p.epoll)
	_ = unix.Close(p.event)
}

// interrupt makes a wait return, the one under way or the next. The event is edge-triggered, so nobody reads the sum.
func (p poller) interrupt() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(p.event, one[:])
}

func (p poller) control(op, fd int, events uint32) error {
	return unix.EpollCtl(p.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// poll returns the events there are.
func (p poller) poll(events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// wait returns the next events. Interrupted by a signal it returns none.
func (p poller) wait(events []unix.EpollEvent) int {
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), ^uintptr(0), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// receive reads from a socket that does not block. buf must not be empty.
func receive(fd int32, buf []byte) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	return int(n), errno
}

// send writes to a socket that does not block. buf must not be empty. Go's runtime keeps SIGPIPE from a program that
// writes to a socket whose peer is gone.
func send(fd int32, buf []byte) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	return int(n), errno
}
