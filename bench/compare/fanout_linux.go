package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A fanout is a publisher and its subscribers on one thread, over plain sockets and one epoll: to receive a message is to
// be cheaper than to send it, or the subscribers would be what is measured. So they count bytes, and a goroutine for each
// would cost too much. Messages and replies have a length that is known.
type fanout struct {
	epoll     int
	publisher int
	sockets   []int // the subscribers'
	cpu       int
	buf       []byte
}

// fanoutLimit is for how long nothing may arrive.
const fanoutLimit = 20 * time.Second

// openFanout connects n subscribers and a publisher to the server on a port of this machine. They run on one core.
func openFanout(port, n, cpu int) (*fanout, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := &fanout{epoll: epoll, publisher: -1, cpu: cpu, buf: make([]byte, 64<<10)}
	err = func() error {
		if f.publisher, err = f.connect(port); err != nil {
			return err
		}
		hello := command("SUBSCRIBE", publishChannel)
		answer := fmt.Sprintf("*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n", len(publishChannel), publishChannel)
		for range n {
			fd, err := f.connect(port)
			if err != nil {
				return fmt.Errorf("after %d subscribers: %w", len(f.sockets), err)
			}
			f.sockets = append(f.sockets, fd)
			if err := ask(fd, hello, answer); err != nil {
				return fmt.Errorf("after %d subscribers: %w", len(f.sockets), err)
			}
		}
		for _, fd := range append([]int{f.publisher}, f.sockets...) {
			if err := unix.SetNonblock(fd, true); err != nil {
				return err
			}
			ready := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
			if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &ready); err != nil {
				return err
			}
		}
		return nil
	}()
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// connect returns a socket that blocks.
func (f *fanout) connect(port int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	limit := unix.NsecToTimeval(fanoutLimit.Nanoseconds())
	err = errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}),
	)
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// ask sends a command on a socket that blocks and expects an answer.
func ask(fd int, text, want string) error {
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		return err
	}
	got := make([]byte, len(want))
	for at := 0; at < len(got); {
		n, err := unix.Read(fd, got[at:])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return io.ErrUnexpectedEOF
		}
		at += max(n, 0)
	}
	if string(got) != want {
		return fmt.Errorf("the server sent %q where %q was expected", got, want)
	}
	return nil
}

// publish sends messages, so many in a pipeline, until all subscribers have all of them, and returns how many deliveries
// that were in a second.
func (f *fanout) publish(ctx context.Context, messages, pipeline int) (perSecond float64, err error) {
	payload := strings.Repeat("x", publishSize)
	one := command("PUBLISH", publishChannel, payload)
	reply := fmt.Sprintf(":%d\r\n", len(f.sockets))
	frame := len(command("message", publishChannel, payload)) * len(f.sockets) // bytes of a message to all
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	release, err := pinThread(f.cpu)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, release()) }()

	events := make([]unix.EpollEvent, 512)
	sent, replied, delivered := 0, 0, 0 // the latter two in bytes
	begin := time.Now()
	for replied < messages*len(reply) || delivered < messages*frame {
		// A pipeline follows when the one before it is answered and the subscribers are not too far behind.
		if sent < messages && replied == sent*len(reply) && sent-delivered/frame <= (publishAhead-1)*pipeline {
			n := min(pipeline, messages-sent)
			if err := writeAll(f.publisher, strings.Repeat(one, n)); err != nil {
				return 0, fmt.Errorf("the publisher: %w", err)
			}
			sent += n
		}
		n, err := unix.EpollWait(f.epoll, events, int(fanoutLimit.Milliseconds()))
		switch {
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, fmt.Errorf("nothing came for %v; %d messages are sent, and %.1f received by all",
				fanoutLimit, sent, float64(delivered)/float64(frame))
		}
		for _, e := range events[:n] {
			got, err := unix.Read(int(e.Fd), f.buf)
			switch {
			case err == unix.EAGAIN || err == unix.EINTR:
			case err != nil:
				return 0, err
			case got == 0:
				return 0, errors.New("the server closed a connection")
			case int(e.Fd) == f.publisher:
				for i, c := range f.buf[:got] {
					if c != reply[(replied+i)%len(reply)] {
						return 0, fmt.Errorf("the server sent %q to the publisher, not %q", f.buf[:got], reply)
					}
				}
				replied += got
			default:
				delivered += got
			}
		}
	}
	if delivered != messages*frame {
		return 0, fmt.Errorf("the subscribers got %d bytes, %d messages have %d", delivered, messages, messages*frame)
	}
	return float64(messages*len(f.sockets)) / time.Since(begin).Seconds(), nil
}

// writeAll writes to a socket that doesn't block. A pipeline is far shorter than a socket's buffer, so it waits seldom.
func writeAll(fd int, text string) error {
	for b := []byte(text); len(b) > 0; {
		n, err := unix.Write(fd, b)
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			pause(10 * time.Microsecond)
		case err != nil:
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}

func (f *fanout) close() {
	for _, fd := range append(f.sockets, f.publisher, f.epoll) {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
