package tracking

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// listener is a client that keeps what it is told.
type listener struct{ told []string }

func (l *listener) Invalidate(m *Message) {
	text := string(m.Wire(3))
	text = strings.TrimPrefix(text, ">2\r\n$10\r\ninvalidate\r\n")
	if text == "_\r\n" {
		l.told = append(l.told, "all")
		return
	}
	var keys []string
	for i, line := range strings.Split(text, "\r\n") {
		if i > 0 && i%2 == 0 {
			keys = append(keys, line)
		}
	}
	l.told = append(l.told, strings.Join(keys, " "))
}

func (l *listener) take() []string {
	told := l.told
	l.told = nil
	return told
}

func TestMessages(t *testing.T) {
	m := keyMessage("a", "")
	require.Equal(t, ">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\na\r\n$0\r\n\r\n", string(m.Wire(3)))
	require.Equal(t, "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*2\r\n$1\r\na\r\n$0\r\n\r\n", string(m.Wire(2)))
	require.Equal(t, ">2\r\n$10\r\ninvalidate\r\n_\r\n", string(everything.Wire(3)))
	require.Equal(t, "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n", string(everything.Wire(2)))
}

func TestNotes(t *testing.T) {
	for _, tt := range []struct {
		mode Mode
		want bool
	}{
		{0, false}, {On, true}, {On | Caching, true}, {On | NoLoop, true}, {On | Broadcast, false},
		{On | OptIn, false}, {On | OptIn | Caching, true}, {On | OptOut, true}, {On | OptOut | Caching, false},
	} {
		var r Registry
		tr := r.NewTracker(&listener{}, 1)
		r.Set(tr, tt.mode&^Caching, nil)
		tr.SetCaching(tt.mode&Caching != 0)
		require.Equal(t, tt.want, tr.Notes(), "%b", tt.mode)
	}
}

func TestBroadcasts(t *testing.T) {
	var r Registry
	var who [4]listener
	var tr [4]*Tracker
	for i := range tr {
		tr[i] = r.NewTracker(&who[i], 1)
	}
	r.Set(tr[0], On|Broadcast, []string{""})
	r.Set(tr[1], On|Broadcast|NoLoop, []string{"user:", "a"})
	r.Set(tr[2], On|Broadcast, []string{"user:1"})
	r.Set(tr[2], On|Broadcast, []string{"b", "user:1"})
	r.Set(tr[3], On, nil)
	require.Equal(t, 5, r.Prefixes())
	require.Equal(t, []string{"b", "user:1"}, tr[2].Prefixes())
	var c Changes
	change := func(by *Tracker, keys ...string) (told [4][]string) {
		for _, k := range keys {
			require.False(t, c.Add(&r, []byte(k)))
		}
		c.Tell(&r, by)
		require.True(t, c.Empty())
		for i := range who {
			told[i] = who[i].take()
		}
		return told
	}
	require.Equal(t, [4][]string{{"aa b user:1 user:12 user:2"}, {"aa", "user:1 user:12 user:2"}, {"b", "user:1 user:12"}, nil},
		change(nil, "user:2", "b", "user:1", "aa", "user:12", "b"))
	require.Equal(t, [4][]string{{"user:1"}, nil, {"user:1"}, nil}, change(tr[1], "user:1"))
	require.Equal(t, [4][]string{{"user:1"}, {"user:1"}, {"user:1"}, nil}, change(tr[2], "user:1"))
	r.Set(tr[0], 0, nil)
	require.Equal(t, [4][]string{}, change(nil, "use", "", "c"), "nothing matches")
	r.Remove(tr[1])
	require.Equal(t, [4][]string{nil, nil, {"user:1"}, nil}, change(nil, "user:1", "a"))
	r.TellAll()
	require.Equal(t, []string{"all"}, who[2].take())
	require.Equal(t, []string{"all"}, who[3].take())
	require.Empty(t, who[0].take())
	r.Remove(tr[2])
	require.False(t, r.Broadcasts())
	require.Zero(t, r.Prefixes())
}

func TestManyChangesAreToldEarly(t *testing.T) {
	var r Registry
	tr := r.NewTracker(&listener{}, 1)
	r.Set(tr, On|Broadcast, []string{""})
	var c Changes
	n := 0
	for !c.Add(&r, fmt.Appendf(nil, "%0100d", n)) {
		n++
	}
	require.InDelta(t, tellAt/100, n, 2)
}

// FuzzTable compares two shards' tables with plain sets of who has read what.
func FuzzTable(f *testing.F) {
	f.Add([]byte("aAbBcCdDeEfF"))
	f.Add([]byte{0, 1, 2, 3, 250, 0, 1, 64, 65, 66, 255, 128, 7, 9, 255, 80, 80, 81, 82, 200, 201, 7, 7, 7})
	f.Fuzz(func(t *testing.T, ops []byte) {
		const clients, names, shards = 12, 6, 2
		var r Registry
		var who [clients]listener
		var tr [clients]*Tracker
		for i := range tr {
			tr[i] = r.NewTracker(&who[i], shards)
			r.Set(tr[i], On, nil)
		}
		var tables [shards]Table
		for i := range tables {
			tables[i] = Table{Registry: &r, Shard: i}
		}
		type read struct{ shard, key, who int }
		model := map[read]bool{}
		noLoop := [clients]bool{}
		for i := 0; i+1 < len(ops); i += 2 {
			w, s, k := int(ops[i])%clients, int(ops[i])/clients%shards, int(ops[i+1])%names
			key := fmt.Appendf(nil, "%d", k)
			var want [clients][]string
			switch ops[i+1] / 32 {
			case 0, 1, 2, 3:
				tables[s].Note(key, tr[w])
				model[read{s, k, w}] = true
			case 4, 5:
				by := tr[w]
				if ops[i+1]%2 == 0 {
					by = nil
				}
				tables[s].Changed(key, by)
				for x := range clients {
					if model[read{s, k, x}] && (!noLoop[x] || by != tr[x]) {
						want[x] = []string{string(key)}
					}
					delete(model, read{s, k, x})
				}
			case 6:
				if noLoop[w] = !noLoop[w]; noLoop[w] {
					r.Set(tr[w], On|NoLoop, nil)
				} else {
					r.Set(tr[w], On, nil)
				}
			default:
				if k == 0 {
					tables[s].Clear()
				} else {
					for tables[s].Forget(tr[w], k) {
					}
				}
				for x := range model {
					if x.shard == s && (k == 0 || x.who == w) {
						delete(model, x)
					}
				}
			}
			for x := range who {
				require.Equal(t, want[x], who[x].take(), "client %d", x)
			}
			keys := map[read]bool{}
			reads := [clients]int64{}
			for x := range model {
				keys[read{x.shard, x.key, 0}] = true
				reads[x.who]++
			}
			require.EqualValues(t, len(model), r.Items())
			require.EqualValues(t, len(keys), r.Keys())
			require.Equal(t, len(keys), tables[0].Len()+tables[1].Len())
			for x := range tr {
				require.Equal(t, reads[x], tr[x].Reads())
			}
		}
		for i := range tables {
			for tables[i].DropOne() {
			}
			require.Zero(t, tables[i].Len())
		}
		told := 0
		for x := range who {
			told += len(who[x].take())
		}
		require.Equal(t, len(model), told)
		require.Zero(t, r.Items())
	})
}
