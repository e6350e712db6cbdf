package resp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

const (
	// A listener that can't accept for want of descriptors or memory is tried again after a pause between these.
	minBackoff = 5 * time.Millisecond
	maxBackoff = time.Second
	// refusalTime is what a client that is turned away has to take the reason.
	refusalTime = time.Second
	// keepAliveProbes is how many unanswered probes end a connection, a third of the silence apart.
	keepAliveProbes = 3
)

const (
	refusedFull = "-ERR max number of clients reached\r\n"
	refusedFar  = "-DENIED darter is running in protected mode: there is no password, so only clients on the same " +
		"machine are served. To let others in, set a password (--requirepass, or CONFIG SET requirepass from a " +
		"client on that machine), or give up the protection (--protected-mode no) if nobody but your own programs " +
		"can reach the port.\r\n"
)

// accept lets clients in until the listener is closed or fails for good.
func (s *Server) accept(ctx context.Context, ln net.Listener) error {
	var wait time.Duration
	for {
		conn, err := ln.Accept()
		if err == nil {
			wait = 0
			s.admit(conn)
			continue
		}
		if ctx.Err() != nil || s.shuttingDown() || !passing(err) {
			return err
		}
		if wait == 0 {
			s.log.Error("cannot accept connections; trying again", "listener", ln.Addr(), "error", err)
		}
		wait = min(max(2*wait, minBackoff), maxBackoff)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		case <-s.closing:
		}
	}
}

// passing tells whether a listener may work again later: descriptors or memory ran out, or a peer gave up.
func passing(err error) bool {
	var e interface{ Temporary() bool }
	return errors.As(err, &e) && e.Temporary()
}

// admit lets a client in, or tells it why not.
func (s *Server) admit(conn net.Conn) {
	peer := conn.RemoteAddr()
	if s.set.protected.Load() && s.set.password.Load() == nil && !isLocal(peer) {
		s.refuse(conn, refusedFar)
		return
	}
	s.setKeepAlive(conn)
	c := s.newClient(peer, conn.LocalAddr())
	begin := s.assignLoop(c, conn)
	if begin == nil {
		begin = s.assignStream(c, conn)
	}
	admitted := s.clients.add(c, s.set.maxClients.Load())
	if admitted {
		s.accepted.Add(1)
	} else {
		s.refuse(conn, refusedFull)
	}
	begin(admitted)
}

// refuse turns a connection away.
func (s *Server) refuse(conn net.Conn, reason string) {
	s.rejected.Add(1)
	s.work.Go(func() {
		_ = conn.SetDeadline(time.Now().Add(refusalTime))
		_, _ = conn.Write([]byte(reason))
		_ = conn.Close()
	})
}

// setKeepAlive has TCP find out that a silent peer is gone.
func (s *Server) setKeepAlive(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	idle := time.Duration(s.set.keepAlive.Load())
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable:   idle > 0,
		Idle:     idle,
		Interval: max(idle/keepAliveProbes, time.Second),
		Count:    keepAliveProbes,
	})
}
