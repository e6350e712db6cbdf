package resp

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/redistest"
)

// hello switches to RESP3.
func (p *peer) hello() *peer {
	p.t.Helper()
	p.do("HELLO 3")
	return p
}

func invalid(keys ...string) string {
	for i, k := range keys {
		keys[i] = strconv.Quote(k)
	}
	return `>["invalidate", [` + strings.Join(keys, ", ") + `]]`
}

const invalidAll = `>["invalidate", _]`

func TestTrackingConversation(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		a, w := h.dial().hello(), h.dial()
		a.want("CLIENT TRACKING ON", "+OK", "GET k", "_", "CLIENT GETREDIR", ":0")
		w.want("SET k 1", "+OK", "SET k 2", "+OK")
		a.wantHear(invalid("k"))
		a.want("PING", "+PONG", "MGET k j", `["2", _]`)
		w.want("MSET j 1 k 1", "+OK")
		a.wantHear(invalid("j"), invalid("k"))

		// Its own: behind the reply of the command, not of the batch
		a.say("GET k", "SET k 2", "GET k", "MULTI", "SET k 3", "SET j 3", "EXEC", "PING")
		a.wantHear(`"1"`, "+OK", invalid("k"), `"2"`, "+OK", "+QUEUED", "+QUEUED", `[+OK, +OK]`, invalid("k"), "+PONG")

		// All at once, and in RESP2 nothing
		a.want("GET k", `"3"`)
		w.want("FLUSHALL", "+OK")
		a.wantHear(invalidAll)
		a.want("GET k", "_")
		a.do("HELLO 2")
		w.want("SET k 1", "+OK", "FLUSHALL", "+OK")
		a.want("PING", "+PONG", "RESET", "+RESET", "CLIENT GETREDIR", ":-1")
	})
}

// What a client is told, and what it asked for before it changed its protocol, is never mixed up.
func TestTrackingAcrossProtocols(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		w := h.dial()
		var group sync.WaitGroup
		stop := make(chan struct{})
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					w.do("SET k 1")
				}
			}
		})
		a := h.dial()
		a.want("CLIENT TRACKING ON", "+OK")
		for range 100 {
			for _, proto := range []string{"3", "2"} {
				a.say("HELLO "+proto, "GET k", "ECHO end")
				for done := false; !done; {
					r, err := redistest.ReadReply(a.r)
					require.NoError(t, err)
					require.False(t, r.Kind == redistest.Array && len(r.Elems) > 0 && r.Elems[0].Str == "message")
					done = r.Kind == redistest.Bulk && r.Str == "end"
				}
			}
		}
		close(stop)
		group.Wait()
	})
}

func TestTrackingBroadcast(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		a, b, w := h.dial().hello(), h.dial().hello(), h.dial()
		a.want("CLIENT TRACKING ON BCAST PREFIX u PREFIX v", "+OK")
		b.want("CLIENT TRACKING ON BCAST NOLOOP", "+OK", "SET u 1", "+OK")
		a.wantHear(invalid("u"))
		w.say("SET u2 1", "SET x 1", "SET u1 1", "SET v 1", "SET u2 2")
		w.wantHear("+OK", "+OK", "+OK", "+OK", "+OK")
		a.wantHear(invalid("u1", "u2"), invalid("v"))
		b.wantHear(invalid("u1", "u2", "v", "x"))
		require.NoError(t, h.cache.Set("u", []byte("go")))
		a.wantHear(invalid("u"))
		b.wantHear(invalid("u"))
		w.want("MULTI", "+OK", "SET a 1", "+QUEUED", "DEL a", "+QUEUED", "SET b 1", "+QUEUED", "EXEC", "[+OK, :1, +OK]")
		b.wantHear(invalid("a", "b"))
		w.want("EVAL return{redis.call('set','a',1),redis.call('set','b',1)} 0", "[+OK, +OK]")
		b.wantHear(invalid("a", "b"))
		a.want("PING", "+PONG", "CLIENT TRACKING OFF", "+OK")
		b.want("CLIENT TRACKING OFF", "+OK")
		w.want("SET u 1", "+OK")
		a.want("PING", "+PONG")
		b.want("PING", "+PONG")
	})
}

// A client may have one that redirects to it, and that one may go, or itself.
func TestTrackingRedirect(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		a, s, w := h.dial(), h.dial(), h.dial()
		id := s.id()
		s.do("SUBSCRIBE __redis__:invalidate")
		a.want("CLIENT TRACKING ON REDIRECT "+id, "+OK", "GET k", "$nil")
		w.want("SET k 1", "+OK")
		s.wantHear(`["message", "__redis__:invalidate", ["k"]]`)
		w.want("FLUSHALL", "+OK")
		s.wantHear(`["message", "__redis__:invalidate", $nil]`)
		a.want("GET k", "$nil")
		require.NoError(t, s.Close())
		eventually(t, "the client to go", func() bool { return h.Stats().PubSub == 0 })
		w.want("SET k 1", "+OK")
		a.hello()
		a.want("GET k", `"1"`)
		w.want("SET k 2", "+OK")
		a.wantHear(`>["tracking-redir-broken", :` + id + `]`)
		require.Contains(t, a.do("CLIENT INFO"), "flags=tR")
	})
}

// figure returns a figure of INFO.
func (p *peer) figure(name string) int {
	p.t.Helper()
	_, after, found := strings.Cut(p.do("INFO"), name+":")
	require.True(p.t, found, name)
	digits := after[:strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })]
	n, err := strconv.Atoi(digits)
	require.NoError(p.t, err)
	return n
}

// Who goes away leaves nothing.
func TestTrackingLeavesNothing(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		w := h.dial()
		w.want("CLIENT TRACKING ON", "+OK", "GET 7", "$nil")
		for _, how := range []string{"QUIT", "close", "kill"} {
			a, b := h.dial(), h.dial()
			a.want("CLIENT TRACKING ON", "+OK")
			b.want("CLIENT TRACKING ON BCAST PREFIX x", "+OK")
			for i := range 30 {
				names := make([]string, 100)
				for j := range names {
					names[j] = strconv.Itoa(i*100 + j)
				}
				a.do("EXISTS " + strings.Join(names, " "))
			}
			require.Equal(t, 3000, w.figure("tracking_total_keys"))
			require.Equal(t, 3001, w.figure("tracking_total_items"))
			require.Equal(t, 1, w.figure("tracking_total_prefixes"))
			require.Equal(t, 3, w.figure("tracking_clients"))
			for _, p := range []*peer{a, b} {
				switch how {
				case "QUIT":
					p.want("QUIT", "+OK")
				case "kill":
					w.want("CLIENT KILL ID "+p.id(), ":1")
				}
				require.NoError(t, p.Close())
			}
			eventually(t, "the table to be empty", func() bool {
				return w.figure("tracking_total_items") == 1 && w.figure("tracking_total_prefixes") == 0
			})
			require.Equal(t, 1, w.figure("tracking_total_keys"))
			require.Equal(t, 1, w.figure("tracking_clients"))
		}
	})
}

// The table is bounded: what is beyond the limit is told of as if it had changed.
func TestTrackingLimit(t *testing.T) {
	h := serveTCP(t, Options{})
	a, w := h.dial().hello(), h.dial()
	a.want("CLIENT TRACKING ON", "+OK")
	w.want("CONFIG SET tracking-table-max-keys 3", "+OK")
	told := map[string]bool{}
	for i := range 100 {
		a.say(fmt.Sprint("GET ", i))
		a.wantHear("_")
		if i >= 3 {
			r := a.hear()
			require.Contains(t, r, "invalidate")
			require.False(t, told[r], "%s once", r)
			told[r] = true
		}
	}
	require.Equal(t, 3, w.figure("tracking_total_keys"))
	w.want("CONFIG SET tracking-table-max-keys 1", "+OK")
	require.Equal(t, 1, w.figure("tracking_total_keys"))
	a.hear()
	a.hear()
	w.want("CONFIG SET tracking-table-max-keys 0", "+OK")
	for i := range 100 {
		a.want(fmt.Sprint("GET ", i), "_")
	}
	require.Equal(t, 100, w.figure("tracking_total_keys"))
}

// A tracked client that does not read is cut off at its limit, and nobody waits for it.
func TestTrackedClientThatDoesNotRead(t *testing.T) {
	onEach(t, Options{OutputLimit: OutputLimit{Hard: 256 << 10}}, func(t *testing.T, h *house) {
		a, w := h.dial().hello(), h.dial()
		a.want("CLIENT TRACKING ON BCAST", "+OK")
		long := strings.Repeat("x", 10_000)
		eventually(t, "the client to be cut off", func() bool {
			for i := range 50 {
				w.want(fmt.Sprint("SET ", long, i, " 1"), "+OK")
			}
			return h.Stats().Clients == 1
		})
		require.EqualValues(t, 1, h.Stats().OverOutput)
		eventually(t, "what it followed is forgotten", func() bool { return w.figure("tracking_total_prefixes") == 0 })
	})
}

// A command that waits is told of what changes meanwhile; what changes once it was served comes after its reply.
func TestTrackingOfAWait(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		a, w := h.dial().hello(), h.dial()
		a.want("CLIENT TRACKING ON", "+OK", "GET k", "_")
		for i := 1; i <= 50; i++ {
			a.say("XREAD BLOCK 0 STREAMS s $")
			eventually(t, "the wait", func() bool { return h.Stats().Blocked == 1 })
			if i == 1 {
				w.want("SET k 1", "+OK")
				a.wantHear(invalid("k"))
			}
			w.say(fmt.Sprintf("XADD s %d f v", i), "SET k 2", fmt.Sprintf("XADD s %d-1 f v", i))
			w.wantHear(fmt.Sprintf(`"%d-0"`, i), "+OK", fmt.Sprintf(`"%d-1"`, i))
			a.say("PING")
			answered, after := false, false
			var heard []string
			for got := a.hear(); got != "+PONG"; got = a.hear() {
				heard = append(heard, got)
				if got == invalid("s") {
					after = answered
				} else {
					require.Equal(t, fmt.Sprintf(`%%{"s": [["%d-0", ["f", "v"]]]}`, i), got)
					answered = true
				}
			}
			require.True(t, after, "what it has read has changed: %q", heard)
		}
	})
}

// Once the reply to a write is there, a PING finds the message of it before its own reply.
func TestTrackingBarrier(t *testing.T) {
	for _, mode := range []string{"ON", "ON BCAST"} {
		onEach(t, Options{Loops: 3}, func(t *testing.T, h *house) {
			a, w := h.dial().hello(), h.dial()
			a.want("CLIENT TRACKING "+mode, "+OK")
			for i := range 200 {
				a.do("GET k")
				w.do(fmt.Sprint("SET k ", i))
				a.say("PING")
				a.wantHear(invalid("k"), "+PONG")
			}
		})
	}
}

// model is what one caching client keeps, as a client library does: replies of reads, until it is told otherwise.
type model struct {
	*peer
	kept map[string]string
}

// await reads up to the reply that follows the messages there are.
func (m *model) await() redistest.Reply {
	for {
		r, err := redistest.ReadReply(m.r)
		require.NoError(m.t, err)
		if r.Kind != redistest.Push {
			return r
		}
		if r.Elems[1].Kind != redistest.Array {
			clear(m.kept)
		}
		for _, k := range r.Elems[1].Elems {
			delete(m.kept, k.Str)
		}
	}
}

// Several clients read and write at random. Whenever all are quiet and each has had the reply to a PING, no client keeps
// a value that is not the key's.
func TestTrackingHunt(t *testing.T) {
	modes := []string{"ON", "ON", "ON BCAST", "ON BCAST PREFIX k1 PREFIX k2 PREFIX l PREFIX k3", "ON NOLOOP", "ON BCAST NOLOOP"}
	for _, tr := range transports {
		t.Run(tr.name, func(t *testing.T) {
			ln, dial := tr.open(t)
			o := Options{Loops: tr.loops}
			if o.Loops == 0 {
				o.Loops = 3
			}
			h := serveOn(t, ln, dial, o)
			clients := make([]*model, len(modes))
			for i := range clients {
				clients[i] = &model{h.dial().hello(), map[string]string{}}
				clients[i].want("CLIENT TRACKING "+modes[i], "+OK")
			}
			plain := h.dial()
			for round := range 20 {
				var group sync.WaitGroup
				for i, m := range clients {
					noLoop := strings.Contains(modes[i], "NOLOOP")
					group.Go(func() { m.live(rand.New(rand.NewPCG(uint64(round), uint64(i))), noLoop) })
				}
				group.Wait()
				// A key whose time has come is told of when it is removed, at the latest when somebody looks.
				time.Sleep(2 * time.Millisecond)
				plain.do("EXISTS k0 k1 k2 k3 k4 k5")
				for _, m := range clients {
					m.say("PING")
					require.Equal(t, "PONG", m.await().Str)
				}
				for i, m := range clients {
					for k, v := range m.kept {
						if strings.Contains(modes[i], "PREFIX") && !strings.Contains("k1 k2 k3", k) {
							continue
						}
						now := plain.do("GET " + k)
						if now == "$nil" {
							now = "_"
						}
						require.Equal(t, now, v, "round %d, client %d (%s) keeps an old %s", round, i, modes[i], k)
					}
				}
			}
		})
	}
}

// live runs commands in batches, and keeps what it reads.
func (m *model) live(r *rand.Rand, noLoop bool) {
	key := func() string { return fmt.Sprint("k", r.IntN(6)) }
	for range 30 {
		var batch, reads []string
		for range 1 + r.IntN(4) {
			k := key()
			read := ""
			switch n := r.IntN(14); {
			case n < 6:
				batch, read = append(batch, "GET "+k), k
			case n == 6:
				batch, read = append(batch, "EVAL return{redis.call('get',KEYS[1])} 1 "+k), k
			case n == 7:
				batch = append(batch, fmt.Sprintf("SET %s %d PX 1", k, r.IntN(1000)))
			case n == 8:
				batch = append(batch, fmt.Sprintf("MSET %s %d %s %d", k, r.IntN(1000), key(), r.IntN(1000)))
			case n == 9:
				batch = append(batch, fmt.Sprintf("EVAL redis.call('set',KEYS[1],1)redis.call('set',KEYS[2],2)redis.call('set',KEYS[1],%d) 2 %s %s",
					r.IntN(1000), k, key()))
			case n == 10:
				batch = append(batch, "RENAMENX "+k+" "+key())
			case n == 11 && r.IntN(5) == 0:
				batch = append(batch, "FLUSHALL")
			default:
				batch = append(batch, fmt.Sprintf("SET %s %d", k, r.IntN(1000)))
			}
			reads = append(reads, read)
		}
		m.say(batch...)
		for i, k := range reads {
			got := m.await()
			switch {
			case k == "":
				if noLoop { // it must know itself what it changes
					for _, word := range strings.Fields(batch[i])[1:] {
						delete(m.kept, word)
					}
					if batch[i] == "FLUSHALL" {
						clear(m.kept)
					}
				}
			case got.Kind == redistest.Array:
				m.kept[k] = got.Elems[0].Text()
				if got.Elems[0].Kind == redistest.Bulk && got.Elems[0].Nil {
					m.kept[k] = "_"
				}
			default:
				m.kept[k] = got.Text()
			}
		}
	}
}
