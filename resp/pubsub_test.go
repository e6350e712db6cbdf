package resp

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pubsubConversations are replies to one client, on any transport.
var pubsubConversations = []struct{ name, send, want string }{
	{"subscribe", "SUBSCRIBE a b a\r\n",
		"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n"},
	{"counts", "HELLO 3\r\nSUBSCRIBE a\r\nPSUBSCRIBE p* q*\r\nSSUBSCRIBE a\r\nUNSUBSCRIBE x a\r\nPUNSUBSCRIBE\r\nSUNSUBSCRIBE\r\nUNSUBSCRIBE\r\n",
		">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:2\r\n>3\r\n$10\r\npsubscribe\r\n$2\r\nq*\r\n:3\r\n" +
			">3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:3\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n" +
			">3\r\n$12\r\npunsubscribe\r\n$2\r\np*\r\n:1\r\n>3\r\n$12\r\npunsubscribe\r\n$2\r\nq*\r\n:0\r\n" +
			">3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n>3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n"},
	{"nothing to end", "UNSUBSCRIBE\r\nPUNSUBSCRIBE x\r\nSUNSUBSCRIBE\r\nPING\r\n",
		"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n*3\r\n$12\r\npunsubscribe\r\n$1\r\nx\r\n:0\r\n*3\r\n$12\r\nsunsubscribe\r\n$-1\r\n:0\r\n+PONG\r\n"},
	{"narrow", "SSUBSCRIBE s\r\nGET k\r\nclient id\r\nPUBLISH s x\r\nHELLO 3\r\nNOSUCH\r\nGET\r\nPING\r\nPING x\r\nPING x y\r\nKEYS *\r\nSUNSUBSCRIBE\r\nGET k\r\n",
		"*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n" + narrowed("get") + narrowed("client|id") + narrowed("publish") + narrowed("hello") +
			"-ERR unknown command 'NOSUCH', with args beginning with: \r\n-ERR wrong number of arguments for 'get' command\r\n" +
			"*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$1\r\nx\r\n-ERR wrong number of arguments for 'ping' command\r\n" +
			narrowed("keys") + "*3\r\n$12\r\nsunsubscribe\r\n$1\r\ns\r\n:0\r\n$-1\r\n"},
	{"reset", "PSUBSCRIBE p*\r\nRESET\r\nGET k\r\nPUBSUB NUMPAT\r\n", "*3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:1\r\n+RESET\r\n$-1\r\n:0\r\n"},
	{"quit", "SUBSCRIBE p\r\nQUIT\r\nPING\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\np\r\n:1\r\n+OK\r\n"},
	{"to itself", "HELLO 3\r\nSUBSCRIBE a\r\nPUBLISH a 1\r\nUNSUBSCRIBE a\r\nPUBLISH a 2\r\n",
		">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n:1\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n:0\r\n"},
	{"without replies", "CLIENT REPLY OFF\r\nSUBSCRIBE a\r\nUNSUBSCRIBE\r\nPING\r\nCLIENT REPLY ON\r\nCLIENT REPLY SKIP\r\nSUBSCRIBE b\r\nPING\r\n",
		"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n+OK\r\n" +
			"*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:1\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"},
	{"back to RESP2", "HELLO 3\r\nSUBSCRIBE a\r\nGET k\r\nHELLO 2\r\nGET k\r\nUNSUBSCRIBE\r\nGET k\r\n",
		">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n_\r\n" + narrowed("get") + "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n$-1\r\n"},
	{"looking", "PUBSUB CHANNELS\r\nPUBSUB NUMSUB\r\nPUBSUB NUMSUB a b\r\nPUBSUB SHARDNUMSUB a\r\nPUBSUB NUMPAT\r\nPUBSUB SHARDCHANNELS x\r\n" +
		"PUBSUB CHANNELS a b\r\nPUBSUB shardchannels a b\r\nPUBSUB NUMPAT x\r\nPUBSUB\r\nPUBSUB X\r\nPUBLISH a\r\nSPUBLISH a b\r\n",
		"*0\r\n*0\r\n*4\r\n$1\r\na\r\n:0\r\n$1\r\nb\r\n:0\r\n*2\r\n$1\r\na\r\n:0\r\n:0\r\n*0\r\n" +
			"-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.\r\n" +
			"-ERR unknown subcommand or wrong number of arguments for 'shardchannels'. Try PUBSUB HELP.\r\n" +
			"-ERR wrong number of arguments for 'pubsub|numpat' command\r\n-ERR wrong number of arguments for 'pubsub' command\r\n" +
			"-ERR unknown subcommand 'X'. Try PUBSUB HELP.\r\n-ERR wrong number of arguments for 'publish' command\r\n:0\r\n"},
}

func narrowed(name string) string {
	return "-ERR Can't execute '" + name + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n"
}

// withoutHello takes the replies to HELLO out.
func withoutHello(got string) string {
	for _, proto := range []string{"%7\r\n", "*14\r\n"} {
		for {
			i := strings.Index(got, proto+"$6\r\nserver")
			if i < 0 {
				break
			}
			end := i + strings.Index(got[i:], "modules\r\n*0\r\n") + len("modules\r\n*0\r\n")
			got = got[:i] + got[end:]
		}
	}
	return got
}

func TestPubSubConversations(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		for _, c := range pubsubConversations {
			t.Run(c.name, func(t *testing.T) {
				p := h.dial()
				go func() { _, _ = p.Write([]byte(c.send + "QUIT\r\n")) }()
				want := c.want
				if c.name != "quit" {
					want += "+OK\r\n"
				}
				b, _ := io.ReadAll(p.r)
				if got := withoutHello(string(b)); got != want {
					t.Errorf("\n got %q\nwant %q", got, want)
				}
			})
		}
	})
}

// On paper the same is answered, however the stream is cut.
func TestPubSubMachine(t *testing.T) {
	for _, conversation := range pubsubConversations {
		for size := 1; size < 40; size += 7 {
			c := onPaper(t)
			var buf []byte
			for send := conversation.send; len(send) > 0 && !c.closing; {
				n := min(size, len(send))
				buf = c.feed(append(append([]byte(nil), buf...), send[:n]...))
				send = send[n:]
			}
			if got := withoutHello(string(c.out.Buf)); got != conversation.want {
				t.Fatalf("%s, %d bytes at a time:\n got %q\nwant %q", conversation.name, size, got, conversation.want)
			}
		}
	}
}

func TestMessages(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		two, three, other := h.dial(), h.dial(), h.dial()
		two.want("SUBSCRIBE a", `["subscribe", "a", :1]`, "PSUBSCRIBE a*", `["psubscribe", "a*", :2]`)
		three.say("HELLO 3")
		three.hear()
		three.want("SUBSCRIBE a", `>["subscribe", "a", :1]`, "SSUBSCRIBE a", `>["ssubscribe", "a", :1]`, "SET k v", "+OK")
		other.want("PUBLISH a hello", ":3", "PUBLISH ab x", ":1", "SPUBLISH a shard", ":1", "PUBLISH b x", ":0",
			"PUBSUB NUMSUB a ab", `["a", :2, "ab", :0]`, "PUBSUB SHARDNUMSUB a", `["a", :1]`, "PUBSUB NUMPAT", ":1",
			"PUBSUB CHANNELS", `["a"]`, "PUBSUB CHANNELS b*", `[]`, "PUBSUB SHARDCHANNELS", `["a"]`)
		two.wantHear(`["message", "a", "hello"]`, `["pmessage", "a*", "a", "hello"]`, `["pmessage", "a*", "ab", "x"]`)
		three.wantHear(`>["message", "a", "hello"]`, `>["smessage", "a", "shard"]`)

		list := other.do("CLIENT LIST ID 1")
		for _, want := range []string{" sub=1 psub=1 ssub=0 ", " flags=P", " cmd=psubscribe ", " resp=2 "} {
			if !strings.Contains(list, want) {
				t.Errorf("no %q in %s", want, list)
			}
		}
		if list := other.do("CLIENT LIST TYPE pubsub"); strings.Count(list, "id=") != 2 {
			t.Errorf("subscribers: %s", list)
		}
		if list := other.do("CLIENT LIST TYPE normal"); strings.Count(list, "id=") != 1 {
			t.Errorf("others: %s", list)
		}
		info := other.do("INFO")
		for _, want := range []string{"pubsub_clients:2", "pubsub_channels:1", "pubsub_patterns:1", "pubsubshard_channels:1"} {
			if !strings.Contains(info, want+`\r\n`) {
				t.Errorf("INFO lacks %s", want)
			}
		}
		other.want("CLIENT KILL TYPE pubsub", ":2", "PING", "+PONG")
		two.wantHear("closed")
		three.wantHear("closed")
		eventually(t, "their subscriptions to end", func() bool { return other.do("PUBLISH a x") == ":0" })
		other.want("PUBSUB NUMPAT", ":0", "PUBSUB CHANNELS", `[]`, "PUBSUB SHARDCHANNELS", `[]`)
	})
}

// Messages come between the replies to a pipeline, never inside one, and each client's in the order of publication.
func TestPushesBetweenReplies(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		const publishers, each, asks = 3, 100, 150
		busy := h.dial()
		busy.say("HELLO 3", "SUBSCRIBE c", "SET k "+strings.Repeat("v", 3000))
		busy.hear()
		busy.wantHear(`>["subscribe", "c", :1]`, "+OK")
		go func() {
			for range asks {
				_, _ = busy.Write(bytesOf("MGET k k k", "PING", "GET none", "KEYS none*"))
			}
		}()
		var group sync.WaitGroup
		for p := range publishers {
			peer := h.dial()
			group.Go(func() {
				for i := range each {
					if _, err := peer.Write(bytesOf(fmt.Sprintf("PUBLISH c %d:%d", p, i))); err != nil {
						t.Error(err)
						return
					}
					if got := peer.hear(); got != ":1" {
						t.Error("PUBLISH: ", got)
						return
					}
				}
			})
		}
		next := [publishers]int{}
		replies := 0
		value := quoted(strings.Repeat("v", 3000))
		want := []string{"[" + value + ", " + value + ", " + value + "]", "+PONG", "_", "[]"}
		for left := publishers*each + 4*asks; left > 0; left-- {
			got := busy.hear()
			if !strings.HasPrefix(got, ">") {
				if got != want[replies%4] {
					t.Fatalf("reply %d: %.100s", replies, got)
				}
				replies++
				continue
			}
			var p, i int
			if _, err := fmt.Sscanf(got, `>["message", "c", "%d:%d"]`, &p, &i); err != nil || next[p] != i {
				t.Fatalf("%s, %v, want %d", got, err, next[p])
			}
			next[p]++
		}
		group.Wait()
	})
}

// All subscribers of a channel get its messages in one order, whatever their transports and loops.
func TestOrderOfAChannel(t *testing.T) {
	onEach(t, Options{Loops: 2}, func(t *testing.T, h *house) {
		const publishers, each, subscribers = 4, 150, 6
		var subs []*peer
		for i := range subscribers {
			p := h.dial()
			if i%3 == 0 {
				p.want("PSUBSCRIBE c*", `["psubscribe", "c*", :1]`)
			} else {
				p.want("SUBSCRIBE c", `["subscribe", "c", :1]`)
			}
			subs = append(subs, p)
		}
		var group sync.WaitGroup
		for p := range publishers {
			peer := h.dial()
			group.Go(func() {
				for i := 0; i < each; i += 10 {
					var commands []string
					for j := range 10 {
						commands = append(commands, fmt.Sprintf("PUBLISH c %d:%d", p, i+j))
					}
					if _, err := peer.Write(bytesOf(commands...)); err != nil {
						t.Error(err)
					}
					for range 10 {
						if got := peer.hear(); got != ":"+strconv.Itoa(subscribers) {
							t.Error("PUBLISH: ", got)
						}
					}
				}
			})
		}
		heard := make([][]string, subscribers)
		for i, p := range subs {
			group.Go(func() {
				for range publishers * each {
					got := p.hear()
					heard[i] = append(heard[i], got[strings.LastIndexByte(got, ' '):])
				}
			})
		}
		group.Wait()
		for i := range heard {
			require.Equal(t, heard[0], heard[i])
		}
	})
}

// A subscriber that does not read is cut off at the limit and counted; nobody else notices.
func TestSlowSubscriber(t *testing.T) {
	onEach(t, Options{PubSubLimit: OutputLimit{Hard: 1 << 20}}, func(t *testing.T, h *house) {
		deaf, hearing, publisher := h.dial(), h.dial(), h.dial()
		deaf.want("SUBSCRIBE c", `["subscribe", "c", :1]`)
		hearing.want("SUBSCRIBE c", `["subscribe", "c", :1]`)
		payload := strings.Repeat("x", 50_000)
		heard := make(chan int)
		go func() {
			n := 0
			for ; hearing.hear() != `["message", "c", "end"]`; n++ {
			}
			heard <- n
		}()
		sent := 0
		for publisher.do("PUBLISH c "+payload) == ":2" {
			sent++
		}
		publisher.want("PUBLISH c end", ":1")
		if n := <-heard; n < sent || n > sent+1 {
			t.Errorf("the other subscriber got %d of %d messages", n, sent)
		}
		st := h.Stats()
		if st.OverOutput != 1 || st.Clients != 2 || st.PubSub != 1 {
			t.Errorf("%+v", st)
		}
		if !strings.Contains(publisher.do("INFO stats"), `client_output_buffer_limit_disconnections:1\r\n`) {
			t.Error("INFO does not count it")
		}
		publisher.want("CONFIG RESETSTAT", "+OK")
		if h.Stats().OverOutput != 0 {
			t.Error("CONFIG RESETSTAT leaves the count")
		}
	})
}

// Two limits: the normal one does not hold for subscribers, theirs not for others.
func TestLimitsOfClasses(t *testing.T) {
	for _, loops := range []int{1, -1} {
		t.Run(fmt.Sprintf("%d loops", loops), func(t *testing.T) { limitsOfClasses(t, loops) })
	}
	s := New(onPaper(t).server.cache, Options{PubSubLimit: OutputLimit{Hard: -1}})
	if s.set.pubsub.hard.Load() != 0 {
		t.Error("a bound where there is to be none")
	}
	if l := &onPaper(t).server.set.pubsub; l.hard.Load() != 32<<20 || l.soft.Load() != 8<<20 || l.period.Load() != 60e9 {
		t.Error("another default than Redis's")
	}
}

func limitsOfClasses(t *testing.T, loops int) {
	h := serveTCP(t, Options{Loops: loops, OutputLimit: OutputLimit{Hard: 1000}, PubSubLimit: OutputLimit{Soft: 100_000}})
	a, b := h.dial(), h.dial()
	b.raw(bulk("k", 2000))
	b.wantHear("+OK")
	a.say("HELLO 3")
	a.hear()
	a.want("SUBSCRIBE c", `>["subscribe", "c", :1]`)
	if got := a.do("GET k"); len(got) < 2000 {
		t.Errorf("%s", got)
	}
	eventually(t, "the reply to be known as written", func() bool { return h.clients.all()[0].seen.out.Load() == 0 })
	a.want("UNSUBSCRIBE", `>["unsubscribe", "c", :0]`, "GET k", "closed")

	deaf := h.dial()
	deaf.want("SUBSCRIBE c", `["subscribe", "c", :1]`)
	payload := strings.Repeat("x", 200_000)
	eventually(t, "the limit to be reached", func() bool {
		b.do("PUBLISH c " + payload)
		list := h.clients.all()
		return list[len(list)-1].seen.overSoft.Load() != 0
	})
	list := h.clients.all()
	list[len(list)-1].seen.overSoft.Store(1) // long ago
	h.sweep()
	eventually(t, "the deaf subscriber to be cut off", func() bool { return b.do("PUBLISH c "+payload) == ":0" })
	if n := h.Stats().OverOutput; n != 2 {
		t.Errorf("%d were cut off", n)
	}
	b.want("CONFIG SET client-output-buffer-limit", `-"ERR wrong number of arguments for 'config|set' command"`)
	b.raw("CONFIG SET client-output-buffer-limit 'pubsub 5 6 7'\r\n")
	b.wantHear("+OK")
	if l := &h.set.pubsub; l.hard.Load() != 5 || l.soft.Load() != 6 || l.period.Load() != 7e9 {
		t.Error("CONFIG SET does not reach the limits")
	}
}

func TestThousandSubscribers(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		const messages = 20
		subscribers := 1000
		switch {
		case strings.Contains(t.Name(), "tls"):
			subscribers = 50 // handshakes take their time
		case !strings.HasSuffix(t.Name(), "tcp"):
			subscribers = 200
		}
		var subs []*peer
		for i := range subscribers {
			p := h.dial()
			if i%2 == 0 {
				p.say("HELLO 3")
			}
			p.say("SUBSCRIBE c")
			subs = append(subs, p)
		}
		for i, p := range subs {
			if i%2 == 0 {
				p.hear()
			}
			if got := p.hear(); !strings.HasSuffix(got, `["subscribe", "c", :1]`) {
				t.Fatal(got)
			}
		}
		publisher := h.dial()
		var commands []string
		for i := range messages {
			commands = append(commands, fmt.Sprintf("PUBLISH c %d", i))
		}
		go func() { _, _ = publisher.Write(bytesOf(commands...)) }()
		for i, p := range subs {
			for m := range messages {
				want := fmt.Sprintf(`["message", "c", "%d"]`, m)
				if i%2 == 0 {
					want = ">" + want
				}
				if got := p.hear(); got != want {
					t.Fatalf("subscriber %d: %s, want %s", i, got, want)
				}
			}
		}
		for range messages {
			publisher.wantHear(":" + strconv.Itoa(subscribers))
		}
		for _, p := range subs[1:] {
			_ = p.Close()
		}
		eventually(t, "the closed ones to be gone", func() bool { return publisher.do("PUBLISH c x") == ":1" })
	})
}

// Publishers that are far ahead of a loop wait for it: no subscriber that reads is ever cut off.
func TestPublishersWaitForLoops(t *testing.T) {
	for _, loops := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d loops", loops), func(t *testing.T) {
			h := serveTCP(t, Options{Loops: loops})
			const subscribers, messages, size = 20, 300, 60_000
			var group sync.WaitGroup
			for range subscribers {
				p := h.dial()
				p.want("SUBSCRIBE c", `["subscribe", "c", :1]`)
				group.Go(func() {
					want := int64(messages * len(fmt.Sprintf("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$%d\r\n%s\r\n", size, strings.Repeat("x", size))))
					if n, err := io.CopyN(io.Discard, p.r, want); err != nil {
						t.Errorf("%d of %d bytes: %v", n, want, err)
					}
				})
			}
			publish := fmt.Sprintf("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$%d\r\n%s\r\n", size, strings.Repeat("x", size))
			for range 2 {
				p := h.dial()
				go func() { _, _ = p.Write([]byte(strings.Repeat(publish, messages/2))) }()
				group.Go(func() {
					for range messages / 2 {
						if got := p.hear(); got != ":20" {
							t.Error(got)
						}
					}
				})
			}
			group.Wait()
			if st := h.Stats(); st.OverOutput != 0 {
				t.Errorf("%d were cut off", st.OverOutput)
			}
		})
	}
}

// While a command of a client runs elsewhere its messages wait; they come after the reply.
func TestPushesComeAfterTheReply(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p, other := h.dial(), h.dial()
		p.say("HELLO 3")
		p.hear()
		p.want("SUBSCRIBE c", `>["subscribe", "c", :1]`)
		p.say("DEBUG SLEEP 0.1", "PING")
		eventually(t, "the command to run", func() bool { return strings.Contains(other.do("CLIENT LIST"), " cmd=debug ") })
		other.want("PUBLISH c 1", ":1", "PUBLISH c 2", ":1")
		p.wantHear("+OK")
		got := []string{p.hear(), p.hear(), p.hear()}
		require.Contains(t, got, "+PONG")
		require.Contains(t, got, `>["message", "c", "1"]`)
	})
}

// A pause holds up subscribing too, and messages reach those who wait for its end.
func TestPauseAndSubscribers(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		waiting, sub := h.dial(), h.dial()
		waiting.say("HELLO 3")
		waiting.hear()
		waiting.want("SUBSCRIBE c", `>["subscribe", "c", :1]`)
		h.pause.begin(100_000, pauseAll)
		sub.say("SUBSCRIBE c", "PING")
		waiting.say("PSUBSCRIBE c*", "PING", "RESET", "PING")
		eventually(t, "both to wait", func() bool {
			h.pause.mu.Lock()
			defer h.pause.mu.Unlock()
			return len(h.pause.waiting) == 2
		})
		if n := h.cache.Publish("c", []byte("now")); n != 1 {
			t.Errorf("%d receivers", n)
		}
		waiting.wantHear(`>["message", "c", "now"]`)
		h.pause.end()
		waiting.wantHear(`>["psubscribe", "c*", :2]`, "+PONG", "+RESET", "+PONG")
		sub.wantHear(`["subscribe", "c", :1]`, `["pong", ""]`)
	})
}

// After the confirmation of an UNSUBSCRIBE nothing comes any more, however many publish.
func TestNothingAfterUnsubscribe(t *testing.T) {
	onEach(t, Options{Loops: 2}, func(t *testing.T, h *house) {
		stop := make(chan struct{})
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						h.cache.Publish("c", []byte("x"))
					}
				}
			})
		}
		p := h.dial()
		for round := range 12 {
			end, confirmed := "UNSUBSCRIBE c", `["unsubscribe", "c", :0]`
			if round%3 == 0 {
				end, confirmed = "RESET", "+RESET"
			}
			p.say("SUBSCRIBE c", "PING", end, "GET none", "PING")
			if got := p.hear(); got != `["subscribe", "c", :1]` {
				t.Fatalf("first: %s", got)
			}
			got := p.hear()
			for ; got == `["message", "c", "x"]` || got == `["pong", ""]`; got = p.hear() {
			}
			if got != confirmed {
				t.Fatalf("%s, want %s", got, confirmed)
			}
			p.wantHear("$nil", "+PONG")
		}
		close(stop)
		group.Wait()
	})
}

// Subscribers come and go, some by force and some without reading, while others publish.
func TestPubSubTurmoil(t *testing.T) {
	onEach(t, Options{Loops: 2, PubSubLimit: OutputLimit{Hard: 200_000}}, func(t *testing.T, h *house) {
		var users, publishers sync.WaitGroup
		stop := make(chan struct{})
		for i := range 2 {
			publishers.Go(func() {
				payload := []byte(strings.Repeat("x", 1+i*20_000))
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
						h.cache.Publish(fmt.Sprint("c", n%3), payload)
					}
				}
			})
		}
		for u := range 8 {
			rnd := rand.New(rand.NewPCG(1, uint64(u)))
			users.Go(func() {
				for range 6 {
					conn, err := h.call()
					if err != nil {
						return
					}
					p := &peer{t: t, Conn: conn}
					commands := bytesOf("HELLO "+fmt.Sprint(2+rnd.IntN(2)), "SUBSCRIBE c0 c1", "PSUBSCRIBE c*", "PING",
						fmt.Sprintf("CLIENT KILL ID %d", rnd.IntN(100)), "UNSUBSCRIBE c0", "PUBLISH c1 x", "RESET", "SUBSCRIBE c0")
					go func() { _, _ = p.Write(commands) }()
					_, _ = io.CopyN(io.Discard, conn, rnd.Int64N(100_000))
					_ = conn.Close()
				}
			})
		}
		users.Wait()
		close(stop)
		publishers.Wait()
		eventually(t, "all clients to be gone", func() bool { return h.Stats().Clients == 0 })
		eventually(t, "all subscriptions to be gone", func() bool { return h.cache.Publish("c0", nil) == 0 })
	})
}

// Go code and clients share the channels.
func TestGoAndClients(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		sub := h.cache.SubscribePattern(t.Context(), "c*")
		defer sub.Close()
		p := h.dial()
		p.want("PUBLISH c1 from-client", ":1", "SUBSCRIBE c2", `["subscribe", "c2", :1]`)
		for m := range sub.Messages() {
			require.Equal(t, "c1 from-client", m.Channel+" "+string(m.Payload))
			break
		}
		require.Equal(t, 2, h.cache.Publish("c2", []byte("from-go")))
		p.wantHear(`["message", "c2", "from-go"]`)
	})
}

// Idle subscribers are not closed for their silence, and count as what they are only while they subscribe.
func TestSubscribersDoNotIdle(t *testing.T) {
	for _, loops := range []int{1, -1} {
		t.Run(fmt.Sprintf("%d loops", loops), func(t *testing.T) {
			h := serveTCP(t, Options{Timeout: time.Hour, Loops: loops})
			sleep := func() {
				for _, c := range h.clients.all() {
					c.seen.active.Store(0)
				}
				h.sweep()
			}
			sub, idle := h.dial(), h.dial()
			sub.want("SUBSCRIBE c", `["subscribe", "c", :1]`)
			idle.want("PING", "+PONG")
			sleep()
			idle.wantHear("closed")
			if h.cache.Publish("c", []byte("x")) != 1 {
				t.Error("the subscriber was closed too")
			}
			sub.wantHear(`["message", "c", "x"]`)
			sub.want("UNSUBSCRIBE c", `["unsubscribe", "c", :0]`)
			sleep()
			sub.wantHear("closed")
		})
	}
}

// A burst that the receivers' sockets do not take is shared between them, large messages are not copied.
func TestLargeMessages(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		const subscribers, messages, size = 4, 4, 1 << 20
		var subs []*peer
		for range subscribers {
			p := h.dial()
			p.want("SUBSCRIBE c", `["subscribe", "c", :1]`)
			subs = append(subs, p)
		}
		payload := []byte(strings.Repeat("0123456789abcdef", size/16))
		for i := range messages {
			payload[0] = byte('0' + i)
			if n := h.cache.Publish("c", payload); n != subscribers {
				t.Fatalf("%d receivers", n)
			}
		}
		for _, p := range subs {
			for i := range messages {
				payload[0] = byte('0' + i)
				got := p.hear()
				if want := `["message", "c", "` + string(payload) + `"]`; got != want {
					t.Fatalf("message %d: %.60s (%d bytes), want %d bytes", i, got, len(got), len(want))
				}
			}
		}
	})
}

// Messages that come while a backlog is being sent, in turns, come behind it.
func TestMessagesBehindABacklog(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		const messages, size = 200, 192 << 10
		sub := h.dial()
		sub.want("SUBSCRIBE c", `["subscribe", "c", :1]`)
		h.dial().raw("CONFIG SET client-output-buffer-limit 'pubsub 0 0 0'\r\n")
		payload := bytes.Repeat([]byte("0123456789abcdef"), size/16)
		numbered := func(i int) []byte { return append(fmt.Appendf(nil, "%04d ", i), payload...) }
		published := make(chan int, messages)
		go func() {
			defer close(published)
			for i := range messages {
				published <- h.cache.Publish("c", numbered(i))
			}
		}()
		for i := range messages {
			want := `["message", "c", "` + string(numbered(i)) + `"]`
			if got := sub.hear(); got != want {
				t.Fatalf("message %d: %.60s (%d bytes), want %d bytes", i, got, len(got), len(want))
			}
		}
		for n := range published {
			require.Equal(t, 1, n)
		}
	})
}

// Commands about subscriptions are queued by MULTI like others. What is published meanwhile comes after EXEC's reply.
func TestSubscribingInMulti(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		p.say("HELLO 3")
		p.hear()
		p.want("MULTI", "+OK", "SUBSCRIBE a b", "+QUEUED", "PUBLISH a x", "+QUEUED", "UNSUBSCRIBE b", "+QUEUED", "SET k v", "+QUEUED")
		p.raw(string(bytesOf("EXEC", "GET k", "PUBLISH b x")))
		want := "*4\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n:1\r\n" +
			">3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n+OK\r\n"
		message := ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n"
		rest := "$1\r\nv\r\n:0\r\n"
		got := make([]byte, len(want+message+rest))
		_, err := io.ReadFull(p.r, got)
		require.NoError(t, err)
		require.Equal(t, want, string(got[:len(want)]))
		require.Contains(t, []string{message + rest, rest + message, "$1\r\nv\r\n" + message + ":0\r\n"}, string(got[len(want):]))
	})
}

// Who waits in a blocking command gets messages meanwhile.
func TestMessagesWhileBlocked(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		p.say("HELLO 3")
		p.hear()
		p.want("SUBSCRIBE c", `>["subscribe", "c", :1]`)
		p.say("BLPOP list 0", "PING")
		eventually(t, "it to block", func() bool { return h.Stats().Blocked == 1 })
		require.Equal(t, 1, h.cache.Publish("c", []byte("x")))
		p.wantHear(`>["message", "c", "x"]`)
		h.dial().want("RPUSH list element", ":1")
		p.wantHear(`["list", "element"]`, "+PONG")
	})
}
