package difftest

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	rows "github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/redistest"
	"github.com/darterdb/darter/internal/reply"
)

// The same commands must get the same replies whatever form the cache has: in how many shards it is split, which
// containers are packed and which are large, whether snapshots are open, and whether all was saved and loaded in between.
// It takes no server: these are caches in this process, with a clock of their own.

// form is how a cache is.
type form struct {
	shards    int
	limits    string // of packed containers
	reload    bool   // events save and load everything
	snapshots bool   // events take snapshots and let others go
}

var limits = map[string]string{
	"": "",
	"zero": "list-max-listpack-size 1 hash-max-listpack-entries 0 set-max-intset-entries 0 set-max-listpack-entries 0 " +
		"zset-max-listpack-entries 0 stream-node-max-entries 1",
	"small": "list-max-listpack-size 8 hash-max-listpack-entries 4 hash-max-listpack-value 8 set-max-intset-entries 4 " +
		"set-max-listpack-entries 6 set-max-listpack-value 8 zset-max-listpack-entries 5 zset-max-listpack-value 8 " +
		"stream-node-max-entries 3 stream-node-max-bytes 64",
	"huge": "list-max-listpack-size 1000000 hash-max-listpack-entries 1000000 hash-max-listpack-value 1000000 " +
		"set-max-intset-entries 1000000 set-max-listpack-entries 1000000 set-max-listpack-value 1000000 " +
		"zset-max-listpack-entries 1000000 zset-max-listpack-value 1000000 stream-node-max-entries 0 stream-node-max-bytes 0",
}

var forms = []form{
	{shards: 1, limits: "zero"},
	{shards: 1, limits: "huge", snapshots: true},
	{shards: 2, limits: "small", reload: true},
	{shards: 64, limits: "zero", reload: true, snapshots: true},
	{shards: 64, limits: "huge", reload: true},
	{shards: 256, limits: "small", snapshots: true},
}

// inside is a session on a cache of this process that answers as a server would.
type inside struct {
	form
	t     testing.TB
	clock *atomic.Int64
	cache *darter.Cache
	user  *darter.Session
	open  []*darter.Snapshot
	n     int // events so far
	w     reply.RESP
}

func newInside(t testing.TB, s form) *inside {
	clock := &atomic.Int64{}
	clock.Store(1_700_000_000_000)
	now := func() time.Time { return time.UnixMilli(clock.Load()) }
	cache, err := darter.New(darter.Options{Shards: s.shards, Databases: 16, Now: now})
	require.NoError(t, err)
	in := &inside{form: s, t: t, clock: clock, cache: cache, user: cache.NewSession()}
	if words := strings.Fields(limits[s.limits]); len(words) > 0 {
		require.Equal(t, "+OK", in.do(append([]string{"CONFIG", "SET"}, words...)).text())
	}
	return in
}

func (in *inside) close() {
	in.user.Close()
	for _, s := range in.open {
		s.Close()
	}
	var st darter.Stats
	in.cache.Stats(&st)
	require.Zero(in.t, st.SnapshotBytes)
	require.Zero(in.t, st.Panics)
	require.NoError(in.t, in.cache.Close())
}

func (in *inside) title() string { return fmt.Sprintf("%d/%s", in.shards, in.limits) }

func (in *inside) do(args []string) outcome {
	in.w.Reset(3)
	words := bytesOf(args)
	row, err := rows.Resolve(words)
	if err != nil {
		in.user.Refuse()
		in.w.Error(err.Error())
	} else if err := in.user.Run(row, words, &in.w); err != nil {
		return outcome{failure: err.Error()}
	}
	r, err := redistest.ReadReply(bufio.NewReader(bytes.NewReader(in.w.Buf)))
	if err != nil {
		return outcome{failure: err.Error()}
	}
	return outcome{replies: []redistest.Reply{r}}
}

func (in *inside) batch(all [][]string) (out []outcome) {
	for _, args := range all {
		out = append(out, in.do(args))
	}
	return out
}

// event does what the form has to show nothing of, and lets some hours pass.
func (in *inside) event() {
	in.n++
	in.clock.Add(int64(in.n%7) * 3_600_000)
	if in.reload && in.n%2 == 0 {
		var file bytes.Buffer
		require.NoError(in.t, in.cache.Save(&file))
		require.NoError(in.t, in.cache.Load(&file))
	}
	if in.snapshots {
		s, err := in.cache.Snapshot()
		require.NoError(in.t, err)
		in.open = append(in.open, s)
		if len(in.open) > 3 {
			in.open[in.n%3].Close()
			in.open = append(in.open[:in.n%3], in.open[in.n%3+1:]...)
		}
	}
}

// replayForms runs a history in two forms and returns after how many units they differ, and how, or "".
func replayForms(t testing.TB, a, b form, history []unit) (n int, wrong string) {
	x, y := newInside(t, a), newInside(t, b)
	defer x.close()
	defer y.close()
	for i, u := range history {
		for _, c := range u {
			switch {
			case c.event:
				x.event()
				y.event()
				continue
			case c.look:
				wrong = look(x, y, false)
			default:
				wrong = compare(x, y, c)
			}
			if wrong != "" {
				return i + 1, wrong
			}
		}
	}
	return 0, ""
}

func TestFormDoesNotShow(t *testing.T) {
	t.Parallel()
	units := *randomCount / 2
	g := newGrammar(rand.New(rand.NewPCG(*randomSeed, 5)))
	g.later, g.shapes = true, true
	var history []unit
	for i := range units {
		history = append(history, g.unit())
		if i%40 == 0 {
			history = append(history, unit{{event: true}})
		}
		if i%500 == 499 || i == units-1 {
			history = append(history, unit{{look: true}})
		}
	}
	for _, s := range forms {
		plain := form{shards: 16}
		n, wrong := replayForms(t, plain, s, history)
		if wrong == "" {
			continue
		}
		short, last := shrink(history[:n], func(h []unit) (int, string) { return replayForms(t, plain, s, h) })
		t.Errorf("seed %d, %+v, unit %d: %s\nit takes these commands:\n%s%s", *randomSeed, s, n, wrong, printed(short), last)
	}
}
