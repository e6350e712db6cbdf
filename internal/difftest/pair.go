package difftest

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/darterdb/darter/internal/redistest"
)

// pair is the two servers, spoken to in one protocol.
type pair struct {
	real, ours *side
	resp3      bool
	solo       bool // run the steps that are not for the real server
}

// newPair makes the two sides of servers that listen at the given addresses, and flushes them.
func newPair(t testing.TB, realAddr, ourAddr string, resp3 bool) *pair {
	t.Helper()
	p := &pair{real: newSide(t, "redis", realAddr, resp3), ours: newSide(t, "darter", ourAddr, resp3), resp3: resp3}
	p.real.reset()
	p.ours.reset()
	p.solo = version(t, realAddr) != version(t, ourAddr)
	return p
}

var versionLine = regexp.MustCompile(`redis_version:(\S+)`)

func version(t testing.TB, addr string) string {
	c := redistest.Dial(t, "tcp", addr)
	defer c.Close()
	found := versionLine.FindStringSubmatch(c.Do("INFO", "server").Str)
	if found == nil {
		return ""
	}
	return found[1]
}

// run does one step on both sides and returns what is wrong, or "".
func (p *pair) run(st *step) string {
	if st.only == 2 && p.resp3 || st.only == 3 && !p.resp3 {
		return ""
	}
	if st.op == opSleep {
		time.Sleep(st.sleep)
		return ""
	}
	now := time.Now()
	if !st.solo {
		a, b := p.real.run(st, now), p.ours.run(st, now)
		if st.rule.same(a, b) {
			return ""
		}
		return fmt.Sprintf("%s\n\tredis:  %s\n\tdarter: %s", st.where(), a.text(), b.text())
	}
	if !p.solo {
		return ""
	}
	got := p.ours.run(st, now)
	want := st.expect2
	if p.resp3 {
		want = st.expect3
	}
	for i, r := range got.replies {
		got.replies[i] = st.rule.normal(r)
	}
	if want != "" && got.text() == want {
		return ""
	}
	if want == "" && st.rule.same(got, got) {
		return ""
	}
	if want == "" {
		want = "(see the line)"
	}
	return fmt.Sprintf("%s\n\texpect: %s\n\tdarter: %s", st.where(), want, got.text())
}
