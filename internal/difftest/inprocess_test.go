package difftest

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/config"
	"github.com/darterdb/darter/resp"
)

// serveDarter serves a cache of this process for the time of the test and returns its address.
func serveDarter(t testing.TB) string {
	t.Helper()
	cfg, err := config.New(config.Standard())
	require.NoError(t, err)
	_, err = cfg.Load([]string{"--enable-debug-command", "yes", "--dir", t.TempDir(), "--save", ""}, nil)
	require.NoError(t, err)
	cache, err := darter.New(darter.Options{Config: cfg})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- resp.Serve(ctx, ln, cache, resp.Options{Configured: true}) }()
	t.Cleanup(func() {
		cancel()
		<-done
		cache.Close()
	})
	return ln.Addr().String()
}
