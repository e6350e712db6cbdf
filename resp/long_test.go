package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/redistest"
)

// Replies of several chunks come whole and in their place, also to one who reads slowly, and whose are over the limit
// is cut off.
func TestLongReplies(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		const n = 60_000
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("element:%d", i))
		}
		_, err := h.cache.List("list").PushRight(asBytes(list)...)
		require.NoError(t, err)
		p := h.dial()
		want := `["` + strings.Join(list, `", "`) + `"]`
		for range 3 {
			p.raw(string(bytesOf("ECHO before", "LRANGE list 0 -1", "ECHO between", "SORT list ALPHA LIMIT 0 1", "ECHO after")))
		}
		for range 3 {
			require.Equal(t, `"before"`, p.hear())
			require.True(t, want == p.hear(), "the list is not what was pushed")
			require.Equal(t, `"between"`, p.hear())
			require.Equal(t, `["element:0"]`, p.hear())
			require.Equal(t, `"after"`, p.hear())
		}
		for i := range n / 10 {
			require.NoError(t, h.cache.Set(fmt.Sprintf("key:%d:%s", i, strings.Repeat("k", 90)), nil))
		}
		p.say("KEYS *")
		require.Equal(t, n/10+1, strings.Count(p.hear(), `, "`)+1)

		p.raw(string(redistest.AppendCommand(nil, "CONFIG", "SET", "client-output-buffer-limit", "normal 400000 0 0")))
		p.wantHear("+OK")
		other := h.dial()
		other.want("PING", "+PONG")
		p.say("LRANGE list 0 -1")
		p.wantClosed()
		other.want("LLEN list", fmt.Sprintf(":%d", n))
	})
}

func asBytes(s []string) [][]byte {
	b := make([][]byte, len(s))
	for i := range s {
		b[i] = []byte(s[i])
	}
	return b
}
