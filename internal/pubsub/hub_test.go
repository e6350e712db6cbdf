package pubsub

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/glob"
)

// listener is a subscriber on its own.
type listener struct {
	mu  sync.Mutex
	got []string
}

func (l *listener) Outlet() Outlet { return nil }

func (l *listener) Deliver(m *Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, text(m))
}

func text(m *Message) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", m.Pattern, m.Channel, m.Payload))
}

func (l *listener) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	got := l.got
	l.got = nil
	return got
}

// office is an outlet that keeps everything, as a loop does, and hands it over later.
type office struct {
	mu    sync.Mutex
	queue []parcel
	gate  *Gate
}

type parcel struct {
	m  *Message
	to []Subscriber
}

func (o *office) Deliver(m *Message, to []Subscriber) *Gate {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, parcel{m, to})
	return o.gate
}

func (o *office) handOver() {
	o.mu.Lock()
	queue := o.queue
	o.queue = nil
	o.mu.Unlock()
	for _, p := range queue {
		for _, s := range p.to {
			s.(*member).Deliver(p.m)
		}
	}
}

// member is a subscriber of an office.
type member struct {
	listener
	office *office
}

func (m *member) Outlet() Outlet { return m.office }

func TestPublish(t *testing.T) {
	h := New()
	var a, b listener
	sa, sb := h.NewSubscriptions(&a), h.NewSubscriptions(&b)
	publish := func(channel, payload string) int {
		n, full := h.Publish([]byte(channel), []byte(payload))
		require.Nil(t, full)
		return n
	}
	require.Zero(t, publish("news", "nobody hears"))
	sa.Add(Channel, "news")
	sa.Add(Channel, "news") // again: once
	sb.Add(Channel, "news")
	sb.Add(Pattern, "n*")
	sb.Add(Pattern, "?ews")
	sb.Add(ShardChannel, "news")
	require.Equal(t, 4, publish("news", "1"))
	require.Equal(t, []string{"news 1"}, a.take())
	require.Equal(t, []string{"news 1", "n* news 1", "?ews news 1"}, b.take())
	require.Equal(t, 1, publish("nothing", "2"))
	require.Equal(t, []string{"n* nothing 2"}, b.take())
	n, _ := h.PublishShard([]byte("news"), []byte("3"))
	require.Equal(t, 1, n)
	require.Equal(t, []string{"news 3"}, b.take())
	require.Empty(t, a.take())

	require.Equal(t, 1, h.Count(Channel))
	require.Equal(t, 2, h.Count(Pattern))
	require.Equal(t, 1, h.Count(ShardChannel))
	require.Equal(t, 2, h.Subscribers(Channel, []byte("news")))
	require.Equal(t, 1, h.Subscribers(ShardChannel, []byte("news")))
	require.Zero(t, h.Subscribers(Channel, []byte("none")))
	require.Equal(t, []string{"?ews", "n*"}, sb.Names(Pattern))
	require.Equal(t, 2, sb.Len(Pattern))

	sb.Remove(Channel, "news")
	sb.Remove(Channel, "news") // again: nothing
	sb.Remove(Pattern, "?ews")
	require.Equal(t, 2, publish("news", "4"))
	require.Equal(t, []string{"news 4"}, a.take())
	require.Equal(t, []string{"n* news 4"}, b.take())
	sb.Clear()
	require.Equal(t, 1, publish("news", "5"))
	require.Empty(t, b.take())
	sa.Clear()
	for k := range Kinds {
		require.Zero(t, h.Count(k))
		require.Zero(t, sa.Len(k))
	}
	require.Zero(t, publish("news", "6"))
	n, _ = h.PublishShard([]byte("news"), nil)
	require.Zero(t, n)
}

func TestNames(t *testing.T) {
	h := New()
	var a listener
	s := h.NewSubscriptions(&a)
	var want []string
	for i := range 500 {
		name := fmt.Sprint("channel:", i)
		want = append(want, name)
		s.Add(Channel, name)
	}
	s.Add(Channel, "")
	sorted := func(names []string) []string { slices.Sort(names); return names }
	require.Equal(t, sorted(append(want, "")), sorted(h.Names(Channel, nil)))
	require.Equal(t, []string{"channel:77"}, h.Names(Channel, []byte("channel:7*7")))
	require.Equal(t, []string{"channel:17"}, h.Names(Channel, []byte("channel:17")))
	require.Empty(t, h.Names(ShardChannel, nil))
}

func TestWire(t *testing.T) {
	for _, c := range []struct {
		m    *Message
		rest string
	}{
		{newMessage(Channel, "", []byte("c"), []byte("pay\r\nload")), "3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$9\r\npay\r\nload\r\n"},
		{newMessage(Channel, "", nil, nil), "3\r\n$7\r\nmessage\r\n$0\r\n\r\n$0\r\n\r\n"},
		{newMessage(ShardChannel, "", []byte("c"), []byte("p")), "3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$1\r\np\r\n"},
		{newMessage(Pattern, "c*", []byte("c1"), []byte("p")), "4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$2\r\nc1\r\n$1\r\np\r\n"},
	} {
		require.Equal(t, "*"+c.rest, string(c.m.Wire(2)))
		three := c.m.Wire(3)
		require.Equal(t, ">"+c.rest, string(three))
		require.Same(t, &three[0], &c.m.Wire(3)[0], "it is made once")
	}
	channel, payload := []byte("ch"), []byte("pay")
	m := newMessage(Channel, "", channel, payload)
	channel[0], payload[0] = '!', '!'
	require.Equal(t, "ch", string(m.Channel))
	require.Equal(t, "pay", string(m.Payload))
}

// What is lent to an outlet stays as it was, whoever comes and goes before the outlet looks at it.
func TestReceiversAreThoseOfTheMoment(t *testing.T) {
	h := New()
	o := &office{}
	var members []*member
	var subs []*Subscriptions
	for range 10 {
		m := &member{office: o}
		members = append(members, m)
		subs = append(subs, h.NewSubscriptions(m))
	}
	for _, k := range []Kind{Channel, Pattern} {
		for i := range 5 {
			subs[i].Add(k, "c")
		}
		publish := func(payload string, receivers int) {
			n, _ := h.Publish([]byte("c"), []byte(payload))
			require.Equal(t, receivers, n)
		}
		publish("1", 5)
		subs[5].Add(k, "c")
		publish("2", 6)
		subs[0].Remove(k, "c")
		subs[3].Remove(k, "c")
		publish("3", 4)
		subs[6].Add(k, "c")
		subs[0].Add(k, "c")
		publish("4", 6)
		for _, s := range subs {
			s.Clear()
		}
		publish("5", 0)
		o.handOver()
		want := []string{"124", "1234", "1234", "12", "1234", "234", "4", "", "", ""}
		for i, m := range members {
			got := ""
			for _, line := range m.take() {
				got += line[len(line)-1:]
			}
			require.Equal(t, want[i], got, "subscriber %d", i)
		}
	}
}

// Everyone gets the messages of a channel in one order, whichever way it has subscribed.
func TestOneOrder(t *testing.T) {
	h := New()
	offices := []*office{{}, {}}
	var all []*listener
	var subs []*Subscriptions
	for i := range 12 {
		var who Subscriber
		l := &listener{}
		if i < 8 {
			m := &member{office: offices[i%2]}
			l, who = &m.listener, m
		} else {
			who = l
		}
		all = append(all, l)
		s := h.NewSubscriptions(who)
		if i%3 == 0 {
			s.Add(Pattern, "chan*")
		} else {
			s.Add(Channel, "channel")
		}
		subs = append(subs, s)
	}
	const publishers, each = 8, 300
	var group sync.WaitGroup
	for p := range publishers {
		group.Go(func() {
			for i := range each {
				n, _ := h.Publish([]byte("channel"), fmt.Appendf(nil, "%d:%d", p, i))
				if n != len(all) {
					t.Errorf("%d receivers", n)
				}
				h.Publish([]byte("another"), nil)
			}
		})
	}
	group.Wait()
	for _, o := range offices {
		o.handOver()
	}
	payloads := func(l *listener) (list []string) {
		for _, line := range l.take() {
			list = append(list, line[strings.LastIndexByte(line, ' ')+1:])
		}
		return list
	}
	want := payloads(all[0])
	require.Len(t, want, publishers*each)
	for i, l := range all[1:] {
		require.Equal(t, want, payloads(l), "subscriber %d", i+1)
	}
	next := [publishers]int{}
	for _, line := range want {
		var p, i int
		_, err := fmt.Sscanf(line, "%d:%d", &p, &i)
		require.NoError(t, err)
		require.Equal(t, next[p], i, "publisher %d", p)
		next[p]++
	}
	for _, s := range subs {
		s.Clear()
	}
}

// Subscribers come and go while others publish. Run with the race detector.
func TestComeAndGo(t *testing.T) {
	h := New()
	o := &office{}
	stop := make(chan struct{})
	var publishers, users sync.WaitGroup
	for range 3 {
		publishers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				h.Publish(fmt.Append(nil, i%5), []byte("x"))
				h.PublishShard(fmt.Append(nil, i%5), []byte("x"))
				o.handOver()
			}
		})
	}
	for u := range 4 {
		users.Go(func() {
			m := &member{office: o}
			s := h.NewSubscriptions(m)
			for i := range 400 {
				s.Add(Kind((i+u)%3), fmt.Sprint(i%5))
				s.Remove(Kind((i+u+1)%3), fmt.Sprint((i+3)%5))
				if i%50 == 0 {
					s.Clear()
				}
				h.Names(Channel, nil)
			}
			s.Clear()
		})
	}
	users.Wait()
	close(stop)
	publishers.Wait()
	for k := range Kinds {
		require.Zero(t, h.Count(k))
	}
}

func TestGate(t *testing.T) {
	var g Gate
	require.False(t, g.Wait(nil), "it is open")
	g.Pass(nil)
	g.Shut()
	woken := 0
	for range 3 {
		require.True(t, g.Wait(func() { woken++ }))
	}
	passed := make(chan struct{})
	go func() { g.Pass(nil); close(passed) }()
	g.Open()
	<-passed
	require.Equal(t, 3, woken)
	g.Open()
	require.Equal(t, 3, woken, "once each")
	g.Shut()
	done := make(chan struct{})
	close(done)
	g.Pass(done)

	h := New()
	o := &office{gate: &g}
	s := h.NewSubscriptions(&member{office: o})
	s.Add(Pattern, "*")
	s.Add(ShardChannel, "c")
	_, full := h.Publish([]byte("c"), nil)
	require.Same(t, &g, full)
	_, full = h.PublishShard([]byte("c"), nil)
	require.Same(t, &g, full)
}

func TestNobodyListensAllocatesNothing(t *testing.T) {
	h := New()
	s := h.NewSubscriptions(&listener{})
	channel, payload := []byte("channel"), []byte("payload")
	publish := func() {
		h.Publish(channel, payload)
		h.PublishShard(channel, payload)
	}
	require.Zero(t, testing.AllocsPerRun(100, publish))
	s.Add(Channel, "another")
	s.Add(Pattern, "another*")
	s.Add(ShardChannel, "another")
	require.Zero(t, testing.AllocsPerRun(100, publish))
}

// FuzzHub compares who gets what with a plain list of subscriptions.
func FuzzHub(f *testing.F) {
	f.Add([]byte("aA1bB2cC3"))
	f.Add([]byte{0, 1, 2, 3, 200, 0, 1, 64, 65, 66, 255, 128, 7, 9, 255})
	names := []string{"a", "b", "ab", "", "a*", "*", "[ab]", "?b"}
	f.Fuzz(func(t *testing.T, ops []byte) {
		h := New()
		o := &office{}
		type subscription struct {
			who, name int
			kind      Kind
		}
		model := map[subscription]bool{}
		var members [6]*listener
		var subs [6]*Subscriptions
		for i := range members {
			if i%2 == 0 {
				members[i] = &listener{}
				subs[i] = h.NewSubscriptions(members[i])
			} else {
				m := &member{office: o}
				members[i] = &m.listener
				subs[i] = h.NewSubscriptions(m)
			}
		}
		for i := 0; i+1 < len(ops); i += 2 {
			who, name, kind := int(ops[i]%6), int(ops[i+1]%8), Kind(ops[i]/6%3)
			key := subscription{who, name, kind}
			switch ops[i+1] / 64 {
			case 0, 1:
				subs[who].Add(kind, names[name])
				model[key] = true
			case 2:
				subs[who].Remove(kind, names[name])
				delete(model, key)
			default:
				want := [6]int{}
				total := 0
				for s := range model {
					hit := s.kind == kind && s.name == name
					if kind != ShardChannel {
						hit = s.kind == Channel && s.name == name ||
							s.kind == Pattern && glob.Match([]byte(names[s.name]), []byte(names[name]))
					}
					if hit {
						want[s.who]++
						total++
					}
				}
				publish, count := h.Publish, h.Receivers
				if kind == ShardChannel {
					publish = h.PublishShard
					count = func(channel []byte) int { return h.Subscribers(ShardChannel, channel) }
				}
				require.Equal(t, total, count([]byte(names[name])))
				n, _ := publish([]byte(names[name]), nil)
				require.Equal(t, total, n)
				o.handOver()
				for i, m := range members {
					require.Len(t, m.take(), want[i])
				}
			}
		}
		for s := range model {
			subs[s.who].Remove(s.kind, names[s.name])
		}
		for k := range Kinds {
			require.Zero(t, h.Count(k))
		}
	})
}
