package resp

import (
	"strings"
	"testing"
)

// CONFIG SET reaches a server whose options were given in code, one directive at a time: the others stay as given.
func TestConfigSetReachesTheServer(t *testing.T) {
	h := serveTCP(t, Options{MaxClients: 3})
	first := h.dial()
	first.want("CONFIG SET requirepass secret", "+OK")
	second := h.dial()
	second.want("PING", `-"NOAUTH Authentication required."`, "AUTH wrong", `-"`+wrongPass+`"`, "AUTH secret", "+OK")
	first.want("CONFIG SET timeout 1000", "+OK")
	if n := h.Stats().MaxClients; n != 3 {
		t.Errorf("maxclients is %d after another directive was set", n)
	}
	second.want("CONFIG SET maxclients 2", "+OK")
	if got := h.dial().wantClosed(); !strings.Contains(got, "max number of clients reached") {
		t.Errorf("a client beyond maxclients got %q", got)
	}
}

// A configured server takes its settings from the cache's directives.
func TestConfigured(t *testing.T) {
	h := serveTCP(t, Options{Configured: true, MaxClients: 3, Password: "ignored"})
	if n := h.Stats().MaxClients; n != 10000 {
		t.Errorf("maxclients is %d, not that of the configuration", n)
	}
	h.dial().want("PING", "+PONG")
}
