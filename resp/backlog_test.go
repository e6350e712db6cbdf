package resp

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// TestBacklog lets clients ask for more than their sockets take: one goes away, one reads it all in the end, and
// another is answered meanwhile.
func TestBacklog(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	defer c.Close()
	value := bytes.Repeat([]byte("v"), 1<<20)
	require.NoError(t, c.Set("big", value))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, ln, c, Options{}) }()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		return conn
	}
	const asks = 40
	ask := bytes.Repeat([]byte("*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n"), asks)
	pong := make([]byte, 7)

	gone, slow, other := dial(), dial(), dial()
	defer slow.Close()
	defer other.Close()
	for _, conn := range []net.Conn{gone, slow} {
		_, err := conn.Write(ask)
		require.NoError(t, err)
	}
	for range 50 {
		_, err := other.Write([]byte("PING\r\n"))
		require.NoError(t, err)
		_, err = io.ReadFull(other, pong)
		require.NoError(t, err)
		require.Equal(t, "+PONG\r\n", string(pong))
	}
	require.NoError(t, gone.Close())
	want := append(append([]byte("$1048576\r\n"), value...), '\r', '\n')
	got := make([]byte, len(want))
	for range asks {
		_, err := io.ReadFull(slow, got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got))
	}
	_, err = slow.Write([]byte("PING\r\n"))
	require.NoError(t, err)
	_, err = io.ReadFull(slow, pong)
	require.NoError(t, err)
	require.Equal(t, "+PONG\r\n", string(pong))
	stop()
	require.NoError(t, <-served)
}
