package resp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A command that does not end holds up its own client and nobody else on the loop.
func TestSlowCommandHoldsUpNobodyElse(t *testing.T) {
	h := serveTCP(t, Options{})
	slow, quick := h.dial(), h.dial()
	id := slow.id()
	slow.say("DEBUG SLEEP 10000", "SET k v", "PING")
	for range 100 {
		quick.want("PING", "+PONG")
	}
	eventually(t, "the slow client to be seen", func() bool {
		return strings.Contains(quick.do("CLIENT LIST ID "+id), " cmd=debug ")
	})
	quick.want("EXISTS k", ":0", "CLIENT KILL ID "+id, ":1")
	slow.wantHear("closed")
	quick.want("EXISTS k", ":0")
}

func TestKill(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		admin := h.dial()
		admin.want("PING", "+PONG")
		kill := func(filters string, want string) *peer {
			victim := h.dial()
			id := victim.id()
			admin.want("CLIENT KILL "+strings.ReplaceAll(filters, "$id", id), want)
			if list := admin.do("CLIENT LIST ID " + id); list != `""` {
				t.Errorf("killed, and still in the list: %s", list)
			}
			return victim
		}
		kill("ID $id", ":1").wantHear("closed")
		kill("ID $id TYPE normal USER default", ":1").wantHear("closed")
		kill("TYPE normal", ":1").wantHear("closed")
		kill("SKIPME yes", ":1").wantHear("closed")
	})
}

// A script ends with its client, with nothing left: else nobody could tell why others wait.
func TestKillStopsScripts(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		admin, victim := h.dial(), h.dial()
		id := victim.id()
		victim.raw("*3\r\n$4\r\nEVAL\r\n$43\r\nredis.call('SET', 'k', 1) while true do end\r\n$1\r\n0\r\n")
		eventually(t, "the script to run", func() bool {
			return strings.Contains(admin.do("CLIENT LIST ID "+id), " cmd=eval ")
		})
		admin.want("CLIENT KILL ID "+id, ":1", "SETNX k 2", ":1")
		victim.wantClosed()
	})
}

func TestKillErrors(t *testing.T) {
	h := serveTCP(t, Options{})
	p := h.dial()
	syntax := `-"ERR syntax error"`
	badID := `-"ERR client-id should be greater than 0"`
	p.want(
		"CLIENT KILL nobody:1", `-"ERR No such client"`,
		"CLIENT KILL ID 0", badID, "CLIENT KILL ID -1", badID, "CLIENT KILL ID x", badID,
		"CLIENT KILL ID 99", ":0", "CLIENT KILL ID 99 ADDR", syntax, "CLIENT KILL what ever else", syntax,
		"CLIENT KILL TYPE nosuch", `-"ERR Unknown client type 'nosuch'"`, "CLIENT KILL TYPE pubsub", ":0",
		"CLIENT KILL USER nosuch", `-"ERR No such user 'nosuch'"`,
		"CLIENT KILL SKIPME maybe", syntax, "CLIENT KILL ID 1 SKIPME maybe", syntax,
		"CLIENT KILL LADDR 1.2.3.4:5", ":0",
		"CLIENT KILL ADDR "+p.LocalAddr().String(), ":0", // itself, which is skipped
		"PING", "+PONG",
		"CLIENT KILL "+p.LocalAddr().String(), "+OK", // unless it says so: after the reply
	)
	p.wantHear("closed")
}

func TestList(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		a, b := h.dial(), h.dial()
		a.want("CLIENT SETNAME first", "+OK")
		b.want("SELECT 5", "+OK", "CLIENT SETNAME second", "+OK", "CLIENT SETINFO LIB-NAME lib", "+OK",
			"CLIENT SETINFO lib-ver 1.2", "+OK", "CLIENT NO-TOUCH on", "+OK", "CLIENT NO-EVICT on", "+OK",
			"CLIENT SETINFO lib-name {a\x01", "-"+quoted("ERR lib-name cannot contain spaces, newlines or special characters."),
			"CLIENT SETINFO what x", "-"+quoted("ERR Unrecognized option 'what'"))
		list := a.do("CLIENT LIST")
		lines := strings.Split(strings.TrimSuffix(strings.Trim(list, `"`), `\n`), `\n`)
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "id=1 ") || !strings.HasPrefix(lines[1], "id=2 ") {
			t.Fatalf("CLIENT LIST: %s", list)
		}
		names := func(line string) (n []string) {
			for _, f := range strings.Split(line, " ") {
				name, _, _ := strings.Cut(f, "=")
				n = append(n, name)
			}
			return n
		}
		const fields = "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem " +
			"rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver"
		if got := strings.Join(names(lines[0]), " "); got != fields {
			t.Errorf("fields: %s\n  want: %s", got, fields)
		}
		flags := " flags=eT "
		if strings.Contains(t.Name(), "/unix") {
			flags = " flags=UeT "
		}
		for _, want := range []string{" name=second ", " db=5 ", " multi=-1 ", " lib-name=lib lib-ver=1.2", " user=default ",
			" redir=-1 ", " cmd=client|setinfo ", flags} {
			if !strings.Contains(lines[1], want) {
				t.Errorf("no %q in %s", want, lines[1])
			}
		}
		a.want("CLIENT LIST TYPE pubsub", `""`, "CLIENT LIST TYPE x", `-"ERR Unknown client type 'x'"`,
			"CLIENT LIST ID", `-"ERR syntax error"`, "CLIENT LIST ID x", `-"ERR Invalid client ID"`,
			"CLIENT LIST ID 77", `""`, "CLIENT LIST junk", `-"ERR syntax error"`)
		if two := a.do("CLIENT LIST ID 2 1"); strings.Index(two, "name=second") > strings.Index(two, "name=first") {
			t.Errorf("not in the order asked for: %s", two)
		}
		a.want("CLIENT UNBLOCK 2", ":0", "CLIENT UNBLOCK 2 ERROR", ":0", "CLIENT UNBLOCK x", `-"ERR value is not an integer or out of range"`,
			"CLIENT UNBLOCK 2 maybe", `-"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"`)
	})
}

// More clients than a list makes on a loop: it is made elsewhere.
func TestListOfMany(t *testing.T) {
	h := serveTCP(t, Options{})
	for range slowList + 10 {
		h.dial().want("PING", "+PONG")
	}
	p := h.dial()
	if n := strings.Count(p.do("CLIENT LIST"), "id="); n < slowList+11 {
		t.Errorf("%d clients", n)
	}
	p.want("CLIENT KILL TYPE normal", fmt.Sprintf(":%d", slowList+10), "PING", "+PONG")
}

func TestPause(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		admin, writer, reader, killed := h.dial(), h.dial(), h.dial(), h.dial()
		admin.want("CLIENT PAUSE x", `-"ERR timeout is not an integer or out of range"`,
			"CLIENT PAUSE -1", `-"ERR timeout is negative"`, "CLIENT PAUSE 1 maybe", `-"ERR CLIENT PAUSE mode must be WRITE or ALL"`,
			"CLIENT PAUSE 9223372036854775807", "+OK", "PING", "+PONG",
			"CLIENT PAUSE 1000000 WRITE", "+OK", "CLIENT PAUSE 1 WRITE", "+OK")
		id := killed.id()
		killed.say("SET k killed")
		writer.say("SET k 1", "KEYS *", "SET k 2", "PING")
		reader.want("GET k", "$nil", "PING", "+PONG")
		admin.want("CLIENT KILL ID "+id, ":1")
		killed.wantHear("closed")
		admin.want("GET k", "$nil", "CLIENT UNPAUSE", "+OK")
		writer.wantHear("+OK", `["k"]`, "+OK", "+PONG")
		reader.want("GET k", `"2"`)

		admin.want("CLIENT PAUSE 50 ALL", "+OK")
		reader.want("GET k", `"2"`) // at the end of the pause
		admin.want("CLIENT PAUSE 0", "+OK", "PING", "+PONG")
	})
}

// hasWaiting tells whether so many clients wait for the end of the pause.
func (p *pause) hasWaiting(n int) func() bool {
	return func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.waiting) == n
	}
}

// What is queued by MULTI may have to wait for it, and EXEC for what it is going to do.
func TestPauseAndMulti(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p, reader, monitor := h.dial(), h.dial(), h.dial()
		p.want("MULTI", "+OK", "SET k 1", "+QUEUED")
		reader.want("MULTI", "+OK", "GET k", "+QUEUED")
		h.pause.begin(1e6, pauseWrites)
		reader.want("EXEC", "[$nil]")
		p.say("EXEC", "PING")
		eventually(t, "EXEC to wait", h.pause.hasWaiting(1))
		h.pause.end()
		p.wantHear("[+OK]", "+PONG")

		p.want("MULTI", "+OK")
		monitor.want("MONITOR", "+OK")
		h.pause.begin(1e6, pauseAll)
		p.say("CLIENT GETNAME", "KEYS *", "SUBSCRIBE c", "GET k", "EXEC")
		eventually(t, "it to wait", h.pause.hasWaiting(1))
		monitor.want("PING", "+PONG") // who monitors doesn't wait
		h.pause.end()
		p.wantHear("+QUEUED", "+QUEUED", "+QUEUED", "+QUEUED")
		require.Equal(t, `[$nil, ["k"], ["subscribe", "c", :1], "1"]`, p.hear())
	})
}

// HELLO changes the protocol of what comes after it in the same EXEC, wherever that runs.
func TestHelloInExec(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		for _, between := range []string{"PING", "KEYS none*"} {
			p := h.dial()
			p.want("MULTI", "+OK", between, "+QUEUED", "HELLO 3", "+QUEUED", "HGETALL none", "+QUEUED")
			p.raw("EXEC\r\nHGETALL none\r\n")
			got := make([]byte, 0, 1000)
			for !strings.HasSuffix(string(got), "*0\r\n%0\r\n%0\r\n") && len(got) < cap(got) {
				n, err := p.r.Read(got[len(got):cap(got)])
				require.NoError(t, err, "%q", got)
				got = got[:len(got)+n]
			}
			require.Contains(t, string(got), "%7\r\n$6\r\nserver")
			require.Contains(t, string(got), "$5\r\nproto\r\n:3\r\n")
		}
	})
}

// A client that asks and does not read is closed at the limit; nobody else notices.
func TestOutputLimit(t *testing.T) {
	onEach(t, Options{OutputLimit: OutputLimit{Hard: 4 << 20}}, func(t *testing.T, h *house) {
		deaf, other := h.dial(), h.dial()
		other.want("PING", "+PONG") // it counts
		deaf.raw(bulk("k", 1<<20))
		deaf.wantHear("+OK")
		go func() { _, _ = deaf.Write([]byte(strings.Repeat("GET k\r\n", 10_000))) }()
		eventually(t, "the deaf client to be closed", func() bool { return h.Stats().Clients == 1 })
		other.want("PING", "+PONG", "STRLEN k", fmt.Sprintf(":%d", 1<<20))
		// One reply above the limit is refused as a whole.
		h.SetOutputLimit(OutputLimit{Hard: 1000})
		other.want("GET k", "closed")
		h.SetOutputLimit(OutputLimit{})
		eventually(t, "it to be gone", func() bool { return h.Stats().Clients == 0 })
	})
}

func TestSoftOutputLimit(t *testing.T) {
	for _, loops := range []int{1, -1} {
		h := serveTCP(t, Options{Loops: loops, OutputLimit: OutputLimit{Soft: 1 << 20}})
		deaf := h.dial()
		deaf.raw(bulk("k", 1<<20))
		deaf.wantHear("+OK")
		deaf.raw(strings.Repeat("GET k\r\n", 30))
		eventually(t, "the deaf client to be closed", func() bool { return h.Stats().Clients == 0 })
		if err := h.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// Limits that have changed hold for the backlogs there are.
func TestLimitsThatChange(t *testing.T) {
	for _, loops := range []int{1, -1} {
		t.Run(fmt.Sprintf("%d loops", loops), func(t *testing.T) { limitsThatChange(t, loops) })
	}
}

func limitsThatChange(t *testing.T, loops int) {
	h := serveTCP(t, Options{Loops: loops, OutputLimit: OutputLimit{Soft: 1 << 20, Period: time.Hour}})
	reading, deaf := h.dial(), h.dial()
	reading.raw(bulk("k", 16<<20))
	reading.wantHear("+OK")
	reading.say("GET k")
	c := h.clients.all()[0]
	eventually(t, "a backlog", func() bool { return c.seen.overSoft.Load() != 0 })
	h.SetOutputLimit(OutputLimit{})
	c.seen.overSoft.Store(1) // long ago
	h.sweep()
	if got := reading.hear(); len(got) < 16<<20 {
		t.Errorf("got %d bytes, under a limit that was lifted", len(got))
	}
	deaf.say("GET k")
	c = h.clients.all()[1]
	eventually(t, "a backlog", func() bool { return c.seen.out.Load() > 1<<20 })
	h.SetOutputLimit(OutputLimit{Soft: 1 << 20, Period: time.Hour})
	h.sweep()
	if c.seen.overSoft.Load() == 0 || c.killed.Load() {
		t.Error("a backlog from before a soft limit is not seen")
	}
	h.SetOutputLimit(OutputLimit{Hard: 1 << 20})
	h.sweep()
	if !c.killed.Load() {
		t.Error("a backlog from before a hard limit is not seen")
	}
}

// Who takes what he has asked for is not idle, however long it takes him.
func TestReadersDoNotIdle(t *testing.T) {
	for _, loops := range []int{1, -1} {
		t.Run(fmt.Sprintf("%d loops", loops), func(t *testing.T) { readersDoNotIdle(t, loops) })
	}
}

func readersDoNotIdle(t *testing.T, loops int) {
	h := serveTCP(t, Options{Loops: loops})
	p := h.dial()
	p.raw(bulk("k", 16<<20))
	p.wantHear("+OK")
	p.say("GET k")
	c := h.clients.all()[0]
	eventually(t, "a backlog", func() bool { return c.seen.out.Load() > 0 })
	c.seen.active.Store(0)
	if _, err := p.r.Discard(8 << 20); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it to be seen", func() bool { return c.seen.active.Load() != 0 })
}

// Shutdown lets commands that run end and replies that are under way arrive.
func TestShutdownFinishesReplies(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		busy, reading, idle := h.dial(), h.dial(), h.dial()
		idle.want("PING", "+PONG")
		reading.raw(bulk("k", 1<<20))
		reading.wantHear("+OK")
		reading.raw(strings.Repeat("GET k\r\n", 20))
		id := busy.id()
		busy.say("DEBUG SLEEP 0.2")
		eventually(t, "the commands to run", func() bool {
			return h.Stats().Commands >= 24 && strings.Contains(idle.do("CLIENT LIST ID "+id), " cmd=debug ")
		})
		done := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			done <- h.Shutdown(ctx)
		}()
		idle.wantHear("closed")
		busy.wantHear("+OK", "closed")
		if n := len(reading.wantClosed()); n != 20*(len("$1048576\r\n\r\n")+1<<20) {
			t.Errorf("the last client got %d bytes", n)
		}
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

func TestShutdownCommand(t *testing.T) {
	for _, loops := range []int{1, -1} {
		asked := make(chan ShutdownMode, 1)
		var fail atomic.Bool
		fail.Store(true)
		var h *house
		h = serveTCP(t, Options{Loops: loops, OnShutdown: func(m ShutdownMode) error {
			asked <- m
			if fail.Load() {
				return errors.New("disk full")
			}
			return h.Shutdown(context.Background())
		}})
		p := h.dial()
		p.want("SHUTDOWN junk", `-"ERR syntax error"`, "SHUTDOWN SAVE NOSAVE", `-"ERR syntax error"`,
			"SHUTDOWN NOW ABORT", `-"ERR syntax error"`, "SHUTDOWN ABORT", `-"ERR No shutdown in progress."`,
			"SHUTDOWN SAVE FORCE", `-"ERR Errors trying to SHUTDOWN. Check logs."`, "PING", "+PONG")
		if got := <-asked; got != (ShutdownMode{Save: true, Force: true}) {
			t.Errorf("SHUTDOWN SAVE FORCE asked for %+v", got)
		}
		fail.Store(false)
		p.want("SHUTDOWN NOSAVE NOW", "closed")
		if got := <-asked; got != (ShutdownMode{NoSave: true, Now: true}) {
			t.Errorf("SHUTDOWN NOSAVE NOW asked for %+v", got)
		}
		eventually(t, "the server to end", func() bool { return h.dialFails() })
	}
	h := serveTCP(t, Options{})
	h.dial().want("SHUTDOWN", `-"ERR Errors trying to SHUTDOWN. Check logs."`, "PING", "+PONG")
}

// Clients come and go, are killed and kill, while the server is used and at last shut down.
func TestTurmoil(t *testing.T) {
	onEach(t, Options{Loops: 2}, func(t *testing.T, h *house) {
		done := make(chan struct{})
		const workers = 8
		for i := range workers {
			go func() {
				defer func() { done <- struct{}{} }()
				for round := range 30 {
					conn, err := h.call()
					if err != nil {
						return
					}
					_ = conn.SetDeadline(time.Now().Add(patience))
					_, _ = conn.Write(bytesOf("SET k v", "KEYS *", "CLIENT LIST", "PING",
						fmt.Sprintf("CLIENT KILL ID %d", 1+i*30+round), "CLIENT REPLY SKIP", "KEYS nothing", "QUIT"))
					buf := make([]byte, 100)
					for n := 0; n < 1+round; n++ {
						if _, err := conn.Read(buf); err != nil {
							break
						}
					}
					_ = conn.Close()
				}
			}()
		}
		for range workers {
			<-done
		}
		eventually(t, "all clients to be gone", func() bool { return h.Stats().Clients == 0 })
	})
}
