package watchdog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func words(list ...string) (args [][]byte) {
	for _, w := range list {
		args = append(args, []byte(w))
	}
	return args
}

func TestMode(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		wanted Wanted
		mode   Mode
		from   time.Duration // what is wanted begins here
	}{
		{Wanted{Slower: -1}, Off, never},
		{Wanted{Slower: -1, Spikes: -1}, Off, never},
		{Wanted{Slower: 10 * ms}, Coarse, 10 * ms},
		{Wanted{Slower: -1, Spikes: 5 * ms}, Coarse, 5 * ms},
		{Wanted{Slower: 10 * ms, Spikes: 7 * ms}, Coarse, 7 * ms},
		{Wanted{Slower: 10 * ms, Spikes: ms}, Exact, ms},
		{Wanted{Slower: 0}, Exact, 0},
		{Wanted{Slower: -1, Tracking: true}, Exact, never},
		{Wanted{Slower: 10 * ms, Tracking: true}, Exact, 10 * ms},
	} {
		d := New(1)
		d.Set(tt.wanted)
		require.Equal(t, tt.mode, d.Mode(), "%+v", tt.wanted)
		require.True(t, d.Wants(tt.from), "%+v", tt.wanted)
		require.False(t, d.Wants(tt.from-1), "%+v", tt.wanted)
	}
}

// What the stopwatch times by itself, by mode, and what it passes over.
func TestStopwatch(t *testing.T) {
	run := func(w *Stopwatch, commands string) (timed string) {
		for i, c := range commands {
			long := c == 'L'
			if long {
				w.Settle()
			}
			if long || !w.Pass(0) {
				w.Lap()
				timed += fmt.Sprint(i)
			}
		}
		return timed
	}
	for _, tt := range []struct {
		slower  time.Duration
		want    string
		wantIn  string
		looking bool
	}{
		{-1, "4", "4", false},
		{time.Hour, "4", "4", true},
		{0, "01234567", "01234567", true},
	} {
		d := New(1)
		d.Set(Wanted{Slower: tt.slower})
		var w Stopwatch
		w.Start(d)
		require.Equal(t, tt.want, run(&w, "bbbbLbbb"))
		require.Equal(t, tt.looking, w.at != 0)
		w.Settle()
		at := w.at
		w.Start(d)
		require.Equal(t, at, w.at, "batches that follow each other need no look")
		w.Pause()
		if w.Start(d); tt.looking {
			require.Greater(t, w.at, at)
		}
		w = Stopwatch{}
		w.StartWithin(d)
		require.Equal(t, tt.wantIn, run(&w, "bbbbLbbb"))
	}
}

func TestStopwatchTakesTheTime(t *testing.T) {
	const nap = 5 * time.Millisecond
	d := New(1)
	d.Set(Wanted{Slower: nap, Spikes: nap})
	var w Stopwatch
	w.Start(d)
	time.Sleep(nap)
	require.GreaterOrEqual(t, w.Lap(), nap)
	require.True(t, w.Pass(0))
	time.Sleep(nap)
	require.Empty(t, d.Latest())
	w.Settle()
	require.Equal(t, EventFast, d.Latest()[0].Event, "brief commands took long together")
	time.Sleep(nap)
	require.GreaterOrEqual(t, w.Lap(), nap, "what comes after is measured alone")
	require.Equal(t, 0, d.Slow().Len())

	d.ResetLatency()
	time.Sleep(nap)
	for range mostLoad {
		w.Pass(0)
	}
	require.Len(t, d.Latest(), 1, "not too many are timed together")
	d.ResetLatency()
	time.Sleep(nap)
	w.Pass(mostLoad * loadBytes)
	require.Len(t, d.Latest(), 1, "nor too large replies")

	w.StartWithin(d)
	time.Sleep(nap)
	now := Now()
	w.Settle()
	require.GreaterOrEqual(t, w.at, now, "within another command nothing is measured before the first that may take long")
}

func TestStopwatchFollowsTheMode(t *testing.T) {
	d := New(1)
	var w Stopwatch
	w.Start(d)
	w.Settle()
	d.Set(Wanted{Slower: 0})
	require.Zero(t, w.Lap(), "it was not measured from its beginning")
	require.False(t, w.Pass(0))
	d.Set(Wanted{Slower: -1})
	w.Lap()
	require.True(t, w.Pass(0))
}

func TestLog(t *testing.T) {
	d := New(1)
	d.Set(Wanted{Slower: time.Millisecond, Entries: 3})
	many := slices.Repeat(words("x"), 40)
	for _, args := range [][][]byte{
		words("a"), words("b"), words(strings.Repeat("k", 200), strings.Repeat("k", 128)), many, many[:32],
	} {
		d.Note(Command{Args: args, Took: time.Millisecond, Addr: "1.2.3.4:5", Client: "me"})
	}
	d.Note(Command{Args: many, Took: time.Millisecond - 1})
	d.Note(Command{Args: many, Took: time.Second, Secret: true})
	got := d.Slow().Latest(-1)
	require.Len(t, got, 3)
	require.Equal(t, int64(4), got[0].ID)
	require.Equal(t, slices.Repeat([]string{"x"}, 32), got[0].Args)
	require.Equal(t, append(slices.Repeat([]string{"x"}, 31), "... (9 more arguments)"), got[1].Args)
	require.Equal(t, []string{strings.Repeat("k", 128) + "... (72 more bytes)", strings.Repeat("k", 128)}, got[2].Args)
	require.Equal(t, Entry{4, got[0].At, 1000, got[0].Args, "1.2.3.4:5", "me"}, got[0])
	require.InDelta(t, time.Now().Unix(), got[0].At, 100)
	require.Equal(t, got[:1], d.Slow().Latest(1))
	require.Equal(t, got, d.Slow().Latest(99))
	require.Empty(t, d.Slow().Latest(0))
	d.Set(Wanted{Slower: time.Millisecond, Entries: 1})
	require.Equal(t, got[:1], d.Slow().Latest(-1))
	d.Slow().Reset()
	require.Zero(t, d.Slow().Len())
	d.Note(Command{Args: many, Took: time.Second})
	require.Equal(t, int64(5), d.Slow().Latest(1)[0].ID, "numbers go on")
	d.Set(Wanted{Slower: 0})
	require.Zero(t, d.Slow().Len())
	d.Note(Command{Args: many})
	require.Zero(t, d.Slow().Len(), "no entries are wanted")
}

func TestLatency(t *testing.T) {
	d := New(1)
	require.Contains(t, d.Doctor(), "not monitored")
	d.Set(Wanted{Slower: -1, Spikes: time.Millisecond})
	require.Contains(t, d.Doctor(), "No spike")
	for i := range int64(300) {
		d.latency.add(EventCommand, 1000+i/2, i)
	}
	spikes, worst := d.History(EventCommand)
	require.Len(t, spikes, 150)
	require.Equal(t, Spike{1149, 299}, spikes[149], "the worst of its second")
	require.Equal(t, int64(299), worst)
	for i := range int64(300) {
		d.latency.add(EventFast, 5000+i, 500-i)
	}
	spikes, worst = d.History(EventFast)
	require.Len(t, spikes, keptSpikes)
	require.Equal(t, Spike{5299, 201}, spikes[keptSpikes-1])
	require.Equal(t, int64(500), worst, "of all, also those that are forgotten")
	require.Contains(t, d.Doctor(), "1. command: 150 spikes")
	require.Equal(t, []Latest{{EventCommand, Spike{1149, 299}, 299}, {EventFast, Spike{5299, 201}, 500}}, d.Latest())
	require.Equal(t, 1, d.ResetLatency(EventCommand, "none", EventCommand))
	require.Equal(t, 1, d.ResetLatency())
	require.Empty(t, d.Latest())

	d.Note(Command{Took: time.Millisecond})
	d.Note(Command{Took: 7 * time.Millisecond, Fast: true, Secret: true})
	d.Note(Command{Took: time.Millisecond - 1})
	d.NoteEvent(EventExpiry, time.Microsecond)
	got := d.Latest()
	require.Len(t, got, 2)
	require.Equal(t, int64(1), got[0].Millis)
	require.Equal(t, int64(7), got[1].Millis)
}

func TestGraph(t *testing.T) {
	d := New(1)
	now := time.Now().Unix()
	for i, s := range []Spike{{now - 3*86400, 10}, {now - 7300, 20}, {now - 130, 30}, {now, 43}} {
		d.latency.add(EventCommand, s.At+int64(i), s.Millis)
	}
	drawing, ok := d.Graph(EventCommand)
	require.True(t, ok)
	lines := strings.Split(drawing, "\n")
	require.Equal(t, "command - high 43 ms, low 10 ms (all time high 43 ms)", lines[0])
	require.Equal(t, strings.Repeat("-", 80), lines[1])
	require.Equal(t, []string{"   `", "  _|", " _||", "_|||", "", "322", "dhm"}, []string{
		lines[2], lines[3], lines[4], lines[5], lines[6], lines[7][:3], lines[8][:3],
	})
	_, ok = d.Graph("none")
	require.False(t, ok)
}

// A bucket holds what its edges say, and the edges are within the digits that are promised.
func TestBuckets(t *testing.T) {
	next := int64(0)
	for b := range nBuckets {
		low, high := edges(b)
		require.Equal(t, next, low)
		require.Equal(t, b, bucketOf(uint64(low)))
		require.Equal(t, b, bucketOf(uint64(high)))
		require.LessOrEqual(t, (high-low)*perPower, max(low, perPower))
		next = high + 1
	}
	require.Greater(t, next, int64(longest))
}

func TestHistogram(t *testing.T) {
	d := New(2)
	for i, micros := range []int64{0, 1, 2, 3, 4, 5, 33, 1000, 1 << 40, -1} {
		d.Tally(i*7).Add(1, time.Duration(micros)*time.Microsecond)
	}
	none, sum := d.Distribution(0), d.Distribution(1)
	require.Zero(t, none.Calls)
	require.Empty(t, none.Buckets())
	require.Equal(t, int64(10), sum.Calls)
	require.Equal(t, []Bucket{{1, 3}, {2, 4}, {4, 6}, {8, 7}, {33, 8}, {1056, 9}, {1082130, 10}}, sum.Buckets())
	d.ResetHistograms()
	sum = d.Distribution(1)
	require.Zero(t, sum.Calls)
	require.Zero(t, sum.Percentile(50))
}

// Percentiles are those of the sorted times, but for the digits that buckets drop.
func TestPercentiles(t *testing.T) {
	d := New(1)
	rnd := rand.New(rand.NewPCG(1, 2))
	var all []int64
	for i := range 1000 {
		took := int64(1 << rnd.IntN(29))
		took += rnd.Int64N(took)
		all = append(all, took)
		d.Tally(i).Add(0, time.Duration(took))
	}
	slices.Sort(all)
	sum := d.Distribution(0)
	for _, p := range []float64{0, 0.1, 50, 99, 99.9, 100} {
		want := all[max(int(p/100*1000+0.5)-1, 0)]
		low, high := edges(bucketOf(uint64(want)))
		if p == 0 {
			high = low
		}
		require.Equal(t, high, sum.Percentile(p), "p%v", p)
	}
	var want []Bucket
	before := int64(0)
	for edge := uint64(firstEdge); before < 1000; edge *= 2 {
		_, high := edges(bucketOf(edge))
		calls := int64(0)
		for _, took := range all {
			calls += int64(min(max(high-took+1, 0), 1))
		}
		if calls > before {
			want = append(want, Bucket{high / 1000, calls})
			before = calls
		}
	}
	require.Equal(t, want, sum.Buckets())
}

func TestAllAtOnce(t *testing.T) {
	const each = 500
	d := New(3)
	d.Set(Wanted{Slower: 0, Entries: 10, Spikes: 1, Tracking: true})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range each {
				d.Note(Command{Args: words("x"), Took: time.Duration(i), Fast: i%2 == 0})
				d.Tally(g).Add(i%3, time.Duration(i))
				if i%50 == 0 {
					d.Set(Wanted{Slower: 0, Entries: 10 + int64(i), Spikes: 1, Tracking: true})
					_, _, _ = d.Latest(), d.Doctor(), d.Slow().Latest(5)
					sum := d.Distribution(1)
					_ = sum.Buckets()
				}
			}
		})
	}
	wg.Wait()
	calls := int64(0)
	for i := range 3 {
		sum := d.Distribution(i)
		calls += sum.Calls
	}
	require.Equal(t, int64(4*each), calls)
	require.Equal(t, int64(4*each-1), d.Slow().Latest(1)[0].ID)
}
