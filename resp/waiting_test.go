package resp

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func blocked(h *house, n int) func() bool {
	return func() bool { return h.Stats().Blocked == n }
}

func TestMultiOverAConnection(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		p.want("MULTI", "+OK", "SET k 1", "+QUEUED", "CLIENT SETNAME me", "+QUEUED", "CLIENT GETNAME", "+QUEUED", "ECHO x", "+QUEUED",
			"EXEC", `[+OK, +OK, "me", "x"]`)
		p.want("MULTI", "+OK", "NOSUCH", `-"ERR unknown command 'NOSUCH', with args beginning with: "`,
			"EXEC", `-"EXECABORT Transaction discarded because of previous errors."`)
		p.want("MULTI", "+OK", "SET k 2", "+QUEUED", "RESET", "+RESET", "EXEC", `-"ERR EXEC without MULTI"`, "GET k", `"1"`)
		p.want("WATCH k", "+OK")
		h.dial().want("SET k 3", "+OK")
		p.want("MULTI", "+OK", "GET k", "+QUEUED", "EXEC", "*nil")
	})
}

func TestWaitingOverAConnection(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		waiting, other := h.dial(), h.dial()
		waiting.say("BLPOP q 0", "PING")
		eventually(t, "a client waits", blocked(h, 1))
		other.want("RPUSH q a b", ":2")
		waiting.wantHear(`["q", "a"]`, "+PONG")
		other.want("DEL q", ":1")

		id := waiting.id()
		waiting.say("BLPOP q 0")
		eventually(t, "a client waits", blocked(h, 1))
		other.want("CLIENT UNBLOCK "+id+" ERROR", ":1")
		waiting.wantHear(`-"UNBLOCKED client unblocked via CLIENT UNBLOCK"`)
		other.want("CLIENT UNBLOCK "+id, ":0")

		// A client that has gone takes nothing.
		waiting.say("BLPOP q 0")
		eventually(t, "a client waits", blocked(h, 1))
		require.NoError(t, waiting.Close())
		eventually(t, "nobody waits", blocked(h, 0))
		other.want("RPUSH q x", ":1", "LLEN q", ":1")
	})
}

// What comes right behind CLIENT KILL stays: the killed client takes nothing, and hears nothing.
func TestKilledWhileItWaits(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		waiting, other := h.dial(), h.dial()
		id := waiting.id()
		waiting.say("BLPOP q 0")
		eventually(t, "a client waits", blocked(h, 1))
		other.say("CLIENT KILL ID "+id, "RPUSH q x", "LRANGE q 0 -1")
		other.wantHear(":1", ":1", `["x"]`)
		require.Empty(t, waiting.wantClosed())
	})
}

func TestScriptOverAConnection(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		busy, other := h.dial(), h.dial()
		other.want("SET n 1", "+OK")
		busy.raw("*3\r\n$4\r\nEVAL\r\n$66\r\nredis.call('SET', 'n', 2) while true do redis.call('INCR','m') end\r\n$1\r\n0\r\n")
		killed := func() bool { return other.do("SCRIPT KILL") == "+OK" }
		eventually(t, "a script runs", killed)
		require.Contains(t, busy.hear(), "Script killed by user")
		other.want("GET n", `"1"`, "EXISTS m", ":0")
	})
}

// A client that is cut off while its own command is being served, since it is told of a key that this changes, holds up
// nobody.
func TestCutOffWhileServed(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p, other := h.dial(), h.dial()
		p.say("HELLO 3")
		p.hear()
		p.want("CLIENT TRACKING ON", "+OK", "LLEN {q}to", ":0")
		p.say("BLMOVE {q}from {q}to LEFT LEFT 0")
		eventually(t, "it to wait", blocked(h, 1))
		h.SetOutputLimit(OutputLimit{Hard: 20})
		other.want("RPUSH {q}from x", ":1", "LLEN {q}to", ":1")
	})
}

// A client that goes takes nothing, though it has sent much behind the command that waits.
func TestClientsThatSendMuchAndGoTakeNothing(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		waiting, other := h.dial(), h.dial()
		waiting.say("BLPOP q 0")
		eventually(t, "a client waits", blocked(h, 1))
		waiting.raw(strings.Repeat("PING\r\n", 30_000)) // what sockets take without a reader
		require.NoError(t, waiting.Close())
		eventually(t, "nobody waits", blocked(h, 0))
		other.want("RPUSH q x", ":1", "LLEN q", ":1")
	})
}

// A server that is shut down does not wait for clients whose commands wait.
func TestShutdownEndsWaits(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p := h.dial()
		p.say("BLPOP never 0")
		eventually(t, "a client waits", blocked(h, 1))
		go func() { _, _ = io.Copy(io.Discard, p.Conn) }() // a pipe's writer waits for its reader
		require.NoError(t, h.Shutdown(context.Background()))
	})
}

// What has to wait for a script's end keeps nobody else from being served.
func TestLoopGoesOnWhileAScriptRuns(t *testing.T) {
	h := serveTCP(t, Options{})
	busy, other := h.dial(), h.dial()
	other.want("SET n 1", "+OK")
	script := "redis.call('SET', 'n', 2) while true do end"
	busy.raw(fmt.Sprintf("*3\r\n$4\r\nEVAL\r\n$%d\r\n%s\r\n$1\r\n0\r\n", len(script), script))
	// A write has to wait, once the script has the shard.
	eventually(t, "the script has written", func() bool {
		p := h.dial()
		p.say("SETNX n 3")
		_ = p.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := p.r.ReadByte()
		return err != nil
	})
	var waiting []*peer
	commands := []string{
		"WATCH n", "SCAN 0 COUNT 1000", "DBSIZE", "KEYS *", "MEMORY USAGE n", "APPEND n x", "MSET n 1 m 2", "DEL n m", "GETDEL n",
		"SORT n", "COPY n m", "EXPIRE n 100", "BLMOVE n m LEFT LEFT 0.1", "RENAME n m", "FLUSHDB", "SWAPDB 0 1", "OBJECT FREQ n",
	}
	for _, c := range commands {
		p := h.dial()
		p.say(c)
		waiting = append(waiting, p)
		other.want("GET n", `"1"`, "PING", "+PONG")
	}
	p := h.dial()
	p.want("WATCH elsewhere", "+OK", "MULTI", "+OK", "INCR n", "+QUEUED")
	p.say("EXEC")
	waiting = append(waiting, p)
	other.want("MGET n elsewhere", `["1", $nil]`, "EXISTS n", ":1", "STRLEN n", ":1", "PING", "+PONG", "SCRIPT KILL", "+OK")
	for i, p := range waiting {
		if p.hear() == "closed" {
			t.Errorf("no reply to command %d", i)
		}
	}
}

// CLIENT LIST tells who is between MULTI and EXEC, who waits and whose watched keys have changed.
func TestClientListTellsOfMultiAndWaits(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		p, other := h.dial(), h.dial()
		id := p.id()
		shows := func(flags, multi string) {
			t.Helper()
			var line string
			eventually(t, "flags "+flags+" and multi="+multi, func() bool {
				line = other.do("CLIENT LIST ID " + id)
				plain := strings.Replace(line, "flags=U", "flags=N", 1) // on a unix socket
				plain = strings.Replace(plain, flags+"U ", flags+" ", 1)
				return strings.Contains(plain, " flags="+flags+" ") && strings.Contains(plain, " multi="+multi+" ")
			})
		}
		shows("N", "-1")
		p.want("WATCH k", "+OK")
		other.want("SET k v", "+OK")
		shows("d", "-1")
		p.want("MULTI", "+OK")
		shows("xd", "0")
		p.want("GET k", "+QUEUED", "PING", "+QUEUED")
		shows("xd", "2")
		p.want("EXEC", "*nil")
		shows("N", "-1")
		p.say("BLPOP q 0")
		shows("b", "-1")
		other.want("RPUSH q x", ":1")
		p.wantHear(`["q", "x"]`)
		shows("N", "-1")
		p.want("MULTI", "+OK", "DISCARD", "+OK")
		shows("N", "-1")
	})
}

// Of many who wait some go, in every way there is, and take nothing with them: the others get all that comes.
func TestManyWaitAndSomeGo(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		const waiting = 240
		waits := []string{"BLPOP %s none 0", "BRPOP none %s 0", "BLMPOP 0 2 none %s LEFT", "BLMOVE %s {%[1]s}done LEFT LEFT 0"}
		list := func(i int) string { return fmt.Sprint("list", i%3) }
		other := h.dial()
		peers, ids := make([]*peer, waiting), make([]string, waiting)
		for i := range peers {
			peers[i] = h.dial()
			ids[i] = peers[i].id()
			peers[i].say(fmt.Sprintf(waits[i%len(waits)], list(i)))
		}
		eventually(t, "all wait", blocked(h, waiting))
		var stay []int
		for i, p := range peers {
			switch i % 12 {
			case 1, 6:
				_ = p.Close()
			case 2:
				other.want("CLIENT UNBLOCK "+ids[i], ":1", "CLIENT UNBLOCK "+ids[i], ":0")
				p.wantHear("*nil")
			case 7:
				other.want("CLIENT UNBLOCK "+ids[i]+" ERROR", ":1")
				p.wantHear(`-"UNBLOCKED client unblocked via CLIENT UNBLOCK"`)
			case 9:
				other.want("CLIENT KILL ID "+ids[i], ":1")
			default:
				stay = append(stay, i)
			}
		}
		eventually(t, "those who stay wait", blocked(h, len(stay)))
		for n, i := range stay {
			elem := fmt.Sprint("elem", i)
			switch n % 3 {
			case 0:
				other.do("RPUSH " + list(i) + " " + elem)
			case 1:
				other.want("MULTI", "+OK", "LPUSH "+list(i)+" "+elem, "+QUEUED")
				other.do("EXEC")
			case 2:
				other.do("SADD from " + elem)
				other.do("EVAL redis.call('LPUSH',KEYS[1],redis.call('SPOP','from')) 1 " + list(i))
			}
		}
		seen := map[string]bool{}
		for _, i := range stay {
			reply := peers[i].hear()
			at := strings.Index(reply, "elem")
			if at < 0 {
				t.Fatalf("client %d heard %s", i, reply)
			}
			seen[strings.Trim(reply[at:], `"]`)] = true
		}
		if len(seen) != len(stay) {
			t.Errorf("%d elements were taken, want %d", len(seen), len(stay))
		}
		other.want("EXISTS list0 list1 list2", ":0")
	})
}

// Clients that end between MULTI and EXEC, with keys watched, leave nothing.
func TestClientsEndInTheMidst(t *testing.T) {
	onEach(t, Options{}, func(t *testing.T, h *house) {
		other := h.dial()
		for i := range 20 {
			p := h.dial()
			p.want("WATCH a b", "+OK", "MULTI", "+OK", "SET a 1", "+QUEUED", "BLPOP q 0", "+QUEUED")
			if i%2 == 0 {
				p.raw("*1\r\n$4\r\nEXE")
			}
			_ = p.Close()
		}
		eventually(t, "all are gone", func() bool { return h.Stats().Clients == 1 })
		other.want("EXISTS a", ":0", "WATCH a", "+OK", "SET a 1", "+OK", "MULTI", "+OK", "EXEC", "*nil", "GET a", `"1"`)
	})
}
