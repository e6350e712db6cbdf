package resp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A loop that is stopped leaves nothing of a client whose command ended at the same moment.
func TestStoppedLoopForgetsAll(t *testing.T) {
	h := serveTCP(t, Options{})
	p := h.dial()
	p.say("HELLO 3")
	p.hear()
	p.want("SUBSCRIBE c", `>["subscribe", "c", :1]`)
	h.mu.Lock()
	l := h.mu.loops[0]
	h.mu.Unlock()
	p.say("BLPOP q 0")
	eventually(t, "it to wait", blocked(h, 1))
	l.mu.Lock()
	l.mu.jobs = append(l.mu.jobs, order{}) // without an interrupt: it is taken with the next
	l.mu.Unlock()
	_, err := h.cache.Do(t.Context(), "RPUSH", "q", "x")
	require.NoError(t, err)
	eventually(t, "the command to end", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.mu.jobs) == 2
	})
	l.poller.interrupt()
	eventually(t, "the subscription to end", func() bool { return h.cache.Publish("c", nil) == 0 })
}
