package resp

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMonitorForm(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	got := string(appendCommand(nil, time.Unix(1700000000, 1234567), 3, "1.2.3.4:5", [][]byte{[]byte("SET"), nil, all}))
	begin := `+1700000000.001234 [3 1.2.3.4:5] "SET" "" "\x00\x01\x02\x03\x04\x05\x06\a\b\t\n\x0b\x0c\r\x0e`
	require.True(t, strings.HasPrefix(got, begin), got)
	require.Contains(t, got, ` !\"#$%&'()*`)
	require.Contains(t, got, `XYZ[\\]^_`)
	require.True(t, strings.HasSuffix(got, "|}~\\x7f\\x80"+got[strings.Index(got, `\x80`)+4:]), got)
	require.True(t, strings.HasSuffix(got, "\\xfe\\xff\"\r\n"), got)
}

// lineForm is a line of MONITOR, without its time and its client.
var lineForm = regexp.MustCompile(`^\+"?([0-9]+\.[0-9]{6}) \[([0-9]+) ([^\]]+)\] (.*?)"?$`)

// shown returns what the next line of MONITOR shows, as "db command".
func (p *peer) shown() string {
	p.t.Helper()
	got := p.hear()
	m := lineForm.FindStringSubmatch(got)
	if m == nil {
		return got
	}
	from := ""
	if m[3] == "lua" {
		from = "lua "
	}
	return m[2] + " " + from + strings.NewReplacer(`\`, "", `"`, "").Replace(m[4])
}

func (p *peer) wantShown(lines ...string) {
	p.t.Helper()
	for _, want := range lines {
		require.Equal(p.t, want, p.shown())
	}
}

func TestMonitor(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		m, a := h.dial(), h.dial()
		m.say("MONITOR", "PING", "CLIENT ID")
		m.wantHear("+OK", "+PONG")
		m.hear()
		m.wantShown("0 PING", "0 CLIENT ID") // its own too, also in the batch that began it
		a.say("SET k v", "SELECT 1", "NOSUCH", "GET", "CONFIG GET none", "GET k",
			"AUTH secret", "MULTI", "INCR n", "CONFIG GET x", "EXEC")
		m.wantShown("0 SET k v", "1 SELECT 1", "1 GET k", "1 AUTH (redacted)", "1 MULTI", "1 INCR n", "1 EXEC")
		for range 11 {
			a.hear()
		}
		a.raw("EVAL \"return redis.call('GET','k')\" 0\r\n")
		a.hear()
		m.wantShown("1 EVAL return redis.call('GET','k') 0", "1 lua GET k")
		m.want("GET k", `-"ERR Replica can't interact with the keyspace"`)
		require.Contains(t, a.do("CLIENT LIST"), "flags=O")
		m.want("RESET", "+RESET", "GET k", `"v"`)
		a.want("ECHO hi", `"hi"`)
		m.want("PING", "+PONG")
		require.False(t, h.watched.any())
	})
}

// What a client in MONITOR was shown comes before the reply to its RESET, nothing after it.
func TestNothingShownAfterReset(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		p.say("MONITOR", "PING", "CLIENT NO-TOUCH ON", "RESET", "ECHO x", "PING")
		p.wantHear("+OK", "+PONG", "+OK")
		p.wantShown("0 PING", "0 CLIENT NO-TOUCH ON")
		p.wantHear("+RESET", `"x"`, "+PONG")
		p.want("PING", "+PONG")
	})
}

// A client that ends is not shown anything any more, also if it ends while a command of its runs elsewhere.
func TestMonitorsEnd(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		a, b, c := h.dial(), h.dial(), h.dial()
		for _, p := range []*peer{a, b, c} {
			p.want("MONITOR", "+OK")
		}
		_ = a.Close()
		eventually(t, "the first to be forgotten", func() bool { return len(*h.watched.list.Load()) == 2 })
		b.say("DEBUG SLEEP 0.05")
		_ = b.Close()
		eventually(t, "the second to be forgotten", func() bool { return len(*h.watched.list.Load()) == 1 })
		c.say("QUIT")
		eventually(t, "the third to be forgotten", func() bool { return !h.watched.any() })
		c.wantHear("+OK")
		require.Empty(t, c.wantClosed(), "it is not shown its QUIT")
	})
}

// A command that waits is shown before it does, and what is queued for EXEC when it runs.
func TestMonitorWhileOthersWait(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		m, a, b := h.dial(), h.dial(), h.dial()
		m.want("MONITOR", "+OK")
		a.say("BLPOP l 0")
		m.wantShown("0 BLPOP l 0")
		b.want("MULTI", "+OK", "RPUSH l x", "+QUEUED", "BLPOP none 0", "+QUEUED")
		m.wantShown("0 MULTI")
		b.want("EXEC", "[:1, *nil]")
		m.wantShown("0 RPUSH l x", "0 BLPOP none 0", "0 EXEC")
		a.wantHear(`["l", "x"]`)
		a.want("ECHO x", `"x"`)
		m.wantShown("0 ECHO x")
	})
}

// One who monitors and does not read is cut off at a limit, that of subscribers if normal clients have none. Nobody
// else notices.
func TestSlowMonitor(t *testing.T) {
	onEach(t, Options{PubSubLimit: OutputLimit{Hard: 1 << 20}}, slowMonitor)
	t.Run("limit of normal clients", func(t *testing.T) {
		slowMonitor(t, serveTCP(t, Options{PubSubLimit: OutputLimit{Hard: 1 << 30}, OutputLimit: OutputLimit{Hard: 1 << 20}}))
	})
}

func slowMonitor(t *testing.T, h *house) {
	deaf, hearing, a := h.dial(), h.dial(), h.dial()
	deaf.want("MONITOR", "+OK")
	hearing.want("MONITOR", "+OK")
	payload := strings.Repeat("x", 100_000)
	heard := make(chan int)
	go func() {
		n := 0
		for ; !strings.Contains(hearing.hear(), "PING"); n++ {
		}
		heard <- n
	}()
	sent := 0
	for ; h.Stats().OverOutput == 0; sent++ {
		a.want("SET k "+payload, "+OK")
	}
	a.want("PING", "+PONG")
	require.Equal(t, sent, <-heard)
	require.Equal(t, 2, h.Stats().Clients)
}

// All who monitor see one order, in which each client's commands are in theirs, and times never go back.
func TestMonitorsSeeOneOrder(t *testing.T) {
	const clients, each = 3, 60
	onEach(t, Options{Loops: 2}, func(t *testing.T, h *house) {
		var watching []*peer
		for range 2 {
			m := h.dial()
			m.want("MONITOR", "+OK")
			watching = append(watching, m)
		}
		var group sync.WaitGroup
		for i := range clients {
			p := h.dial()
			group.Go(func() {
				for n := 0; n < each; n += 4 {
					incr := fmt.Sprint("INCR ", i)
					p.say(incr, "MULTI", incr, "EXEC", incr, fmt.Sprint("DECRBY ", i, " -1"))
					for range 6 {
						p.hear()
					}
				}
			})
		}
		const lines = clients * each / 4 * 6
		seen := make([][]string, len(watching))
		for i, m := range watching {
			for range lines {
				seen[i] = append(seen[i], m.hear())
			}
		}
		group.Wait()
		require.Equal(t, seen[0], seen[1])
		last := ""
		steps := map[string]string{}
		for _, l := range seen[0] {
			m := lineForm.FindStringSubmatch(l)
			require.NotNil(t, m, l)
			require.GreaterOrEqual(t, m[1], last)
			last = m[1]
			word, _, _ := strings.Cut(strings.NewReplacer(`\`, "", `"`, "").Replace(m[4]), " ")
			steps[m[3]] += word[:1]
		}
		if _, unix := steps["unix:"]; !unix && len(steps) == clients { // elsewhere clients can't be told apart
			for _, s := range steps {
				require.Equal(t, strings.Repeat("IMIEID", each/4), s)
			}
		}
	})
}

// Clients that monitor, transact, run scripts, and go, all at once.
func TestMonitorTurmoil(t *testing.T) {
	for _, loops := range []int{2, -1} {
		t.Run(fmt.Sprintf("%d loops", loops), func(t *testing.T) { monitorTurmoil(t, serveTCP(t, Options{Loops: loops})) })
	}
}

func monitorTurmoil(t *testing.T, h *house) {
	a := h.dial()
	a.want("CONFIG SET slowlog-log-slower-than 0", "+OK", "CONFIG SET latency-tracking yes", "+OK",
		"CONFIG SET latency-monitor-threshold 1", "+OK")
	var group sync.WaitGroup
	for i := range 3 {
		group.Go(func() {
			for range 10 {
				p := h.dial()
				p.say("MONITOR", "PING", "SLOWLOG GET", "LATENCY LATEST", "LATENCY HISTOGRAM", "INFO latencystats")
				for range 6 + i {
					p.hear()
				}
				if i == 0 {
					p.say("RESET")
					for p.hear() != "+RESET" {
					}
				}
				_ = p.Close()
			}
		})
		p := h.dial()
		group.Go(func() {
			for n := range 40 {
				p.say("MULTI", "INCR n", "KEYS none", "EXEC", "BLPOP none 0.001", "GET n", "SLOWLOG RESET")
				p.raw("EVAL \"redis.call('INCR', 'n') return redis.call('INCR', KEYS[1])\" 1 " + strconv.Itoa(n) + "\r\n")
				for range 8 {
					p.hear()
				}
			}
		})
	}
	group.Wait()
	a.want("GET n", `"240"`)
	eventually(t, "all who monitored to be forgotten", func() bool { return !h.watched.any() })
}

var entryForm = regexp.MustCompile(`\[:[0-9]+, :[0-9]+, :[0-9]+, \[([^\]]*)\]`)

// entries returns the log's commands, the latest first.
func (p *peer) entries() (list []string) {
	p.t.Helper()
	for _, e := range entryForm.FindAllStringSubmatch(p.do("SLOWLOG GET -1"), -1) {
		list = append(list, strings.NewReplacer(`"`, "", ",", "").Replace(e[1]))
	}
	return list
}

// Every command of a batch gets into the log if all are wanted, those of EXEC each for itself, scripts as a whole.
func TestSlowlogOfAll(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		a := h.dial()
		a.want("CLIENT SETNAME ann", "+OK", "CONFIG SET slowlog-log-slower-than 0", "+OK")
		a.say("SLOWLOG RESET", "SET k v", "GET k", "NOSUCH", "MULTI", "INCR n", "GET n", "CLIENT GETNAME", "EXEC",
			"PING", "AUTH x y")
		for range 11 {
			a.hear()
		}
		a.raw("EVAL \"return redis.call('GET','k')\" 0\r\n")
		a.hear()
		require.Equal(t, []string{
			"EVAL return redis.call('GET''k') 0", "AUTH (redacted) (redacted)", "PING",
			"CLIENT GETNAME", "GET n", "INCR n", "MULTI", "GET k", "SET k v", "SLOWLOG RESET",
		}, a.entries())
		require.Contains(t, a.do("SLOWLOG GET 1"), fmt.Sprintf("%q, \"ann\"]]", h.clients.all()[0].addr))
		a.say("CONFIG SET slowlog-log-slower-than -1", "PING", "SLOWLOG RESET", "PING", "SLOWLOG LEN")
		a.wantHear("+OK", "+PONG", "+OK", "+PONG", ":0")
		a.say("CONFIG SET slowlog-log-slower-than 0", "PING", "PING") // from that very command on
		a.wantHear("+OK", "+PONG", "+PONG")
		require.Equal(t, []string{"PING", "PING", "CONFIG SET slowlog-log-slower-than 0"}, a.entries())
	})
}

// With a usual limit, slow commands are found wherever they are: alone, amid brief ones, in EXEC; EXEC itself is not.
func TestSlowlog(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		a := h.dial()
		a.want("CONFIG SET slowlog-log-slower-than 20000", "+OK", "CONFIG SET latency-monitor-threshold 20", "+OK")
		a.want("DEBUG SLEEP 0.02", "+OK")
		a.say("PING", "GET k", "DEBUG SLEEP 0.021", "PING", "MULTI", "PING", "DEBUG SLEEP 0.022", "PING", "EXEC", "PING")
		for range 10 {
			a.hear()
		}
		got := strings.Join(a.entries(), "; ")
		for _, want := range []string{"DEBUG SLEEP 0.02", "DEBUG SLEEP 0.021", "DEBUG SLEEP 0.022"} {
			require.Contains(t, got, want)
		}
		require.NotContains(t, got, "EXEC")
		require.Contains(t, a.do("LATENCY LATEST"), `["command", `)
	})
}

// What a command waits for its keys is not its time.
func TestSlowlogOfCommandsThatWait(t *testing.T) {
	const wait = 150 * time.Millisecond
	onEach(t, Options{}, func(t *testing.T, h *house) {
		a := h.dial()
		a.want("CONFIG SET slowlog-log-slower-than 0", "+OK")
		began := time.Now()
		a.say("BLPOP late 0")
		eventually(t, "it to wait", blocked(h, 1))
		time.Sleep(wait)
		_, err := h.cache.Do(t.Context(), "RPUSH", "late", "x")
		require.NoError(t, err)
		a.wantHear(`["late", "x"]`)
		took := time.Since(began)
		m := regexp.MustCompile(`:([0-9]+), \["BLPOP", "late"`).FindStringSubmatch(a.do("SLOWLOG GET 1"))
		require.NotNil(t, m)
		micros, _ := strconv.ParseInt(m[1], 10, 64)
		require.LessOrEqual(t, time.Duration(micros)*time.Microsecond, took-wait)
		// Who has waited in vain is not in the log, as with Redis.
		a.want("BLPOP none 0.001", "*nil", "XREAD BLOCK 1 STREAMS none $", "*nil")
		require.NotContains(t, a.do("SLOWLOG GET -1"), `"none"`)
	})
}

// Histograms count every call, of all clients at once.
func TestHistograms(t *testing.T) {
	onEach(t, Options{Loops: 2}, func(t *testing.T, h *house) {
		const clients, batches = 3, 50
		a := h.dial()
		a.want("SET k v", "+OK", "LATENCY HISTOGRAM", "[]",
			"CONFIG SET latency-tracking yes", "+OK", "CONFIG RESETSTAT", "+OK")
		var group sync.WaitGroup
		for range clients {
			p := h.dial()
			group.Go(func() {
				for range batches {
					p.say("SET k v", "GET k", "MULTI", "GET k", "EXEC", "CONFIG GET none", "NOSUCH")
					for range 7 {
						p.hear()
					}
				}
			})
		}
		group.Wait()
		for name, n := range map[string]int{"set": 1, "get": 2, "multi": 1, "exec": 1, "config|get": 1} {
			require.Contains(t, a.do("LATENCY HISTOGRAM "+name), fmt.Sprintf(`["%s", ["calls", :%d, `, name, n*clients*batches))
		}
		require.Contains(t, a.do("INFO latencystats"), "latency_percentiles_usec_config|get:p50=")
		require.NotContains(t, a.do("INFO"), "latencystats")
	})
}
