//go:build !linux

package resp

import "net"

// loop would be an event loop; only Linux has them.
type loop struct{}

// loopClient is what a loop would know of a client.
type loopClient struct{}

func (*loopClient) behind() bool { return false }

func (*loop) stop() {}

func (s *Server) assignLoop(*client, net.Conn) (begin func(admitted bool)) { return nil }
