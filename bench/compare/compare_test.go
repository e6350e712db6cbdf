package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darterdb/darter/internal/redistest"
)

func TestParseReport(t *testing.T) {
	const report = "SET: rps=0.0 (overall: 0.0)\rSET: rps=9.0\r\n====== SET ======\n" +
		"Latency by percentile distribution:\n0.000% <= 0.183 milliseconds (cumulative count 48)\n" +
		"50.000% <= 0.447 milliseconds (cumulative count 100176)\n99.219% <= 1.071 milliseconds (cumulative count 198464)\n" +
		"99.902% <= 1.535 milliseconds (cumulative count 199824)\n100.000% <= 1.719 milliseconds (cumulative count 200000)\n\n" +
		"Cumulative distribution of latencies:\n99.968% <= 1.607 milliseconds (cumulative count 199936)\n\nSummary:\n" +
		"  throughput summary: 990099.00 requests per second\n  latency summary (msec):\n" +
		"          avg       min       p50       p95       p99       max\n" +
		"        0.481     0.176     0.447     0.719     1.015     1.719\n"
	got, err := parseReport(report)
	if err != nil {
		t.Fatal(err)
	}
	if want := (generated{perSecond: 990099, p50: 447, p99: 1015, p999: 1535}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, lacking := range []string{"", "Summary:", strings.ReplaceAll(report, "99.902%", "99.602%")[:600]} {
		if _, err := parseReport(lacking); err == nil {
			t.Errorf("a report without its figures was taken: %q", lacking)
		}
	}
}

func TestKeyNameIsRedisBenchmarks(t *testing.T) {
	for i, want := range map[int]string{0: "key:000000000000", 7: "key:000000000007", 999_999: "key:000000999999"} {
		if got := keyName(i); got != want {
			t.Errorf("keyName(%d) = %q, want %q", i, got, want)
		}
	}
}

// pipe returns a client whose server sends text and ends.
func pipe(text string) *client {
	near, far := net.Pipe()
	go func() {
		go func() { _, _ = io.Copy(io.Discard, far) }()
		_, _ = io.WriteString(far, text)
		_ = far.Close()
	}()
	return &client{conn: near, r: bufio.NewReaderSize(near, 64<<10)}
}

func TestReceive(t *testing.T) {
	for text, want := range map[string]reply{
		"+OK\r\n":                          {kind: '+', text: "OK"},
		":-12\r\n":                         {kind: ':', n: -12},
		"$3\r\na\r\n\r\n":                  {kind: '$', n: 3, text: "a\r\n"},
		"$-1\r\n":                          {kind: '$', n: -1},
		"*0\r\n":                           {kind: '*'},
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n":    {kind: '*', n: 2},
		"$" + "5\r\nhello\r\n+ignored\r\n": {kind: '$', n: 5, text: "hello"},
	} {
		got, err := pipe(text).receive()
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "\r\n", "+OK", "-ERR no\r\n", "$x\r\n", "$99999999999\r\n", "$5\r\nab", "*1\r\n-ERR\r\n",
		"?1\r\n", "*1\r\n"} {
		if got, err := pipe(text).receive(); err == nil {
			t.Errorf("%q was taken as %+v", text, got)
		}
	}
}

func TestInfo(t *testing.T) {
	c := pipe("$33\r\n# Persistence\r\nloading:0\r\na:b:c\r\n\r\n")
	if got, err := c.info("persistence", "a"); err != nil || got != "b:c" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := pipe("$9\r\nloading:0\r\n").info("persistence", "absent"); err == nil {
		t.Error("a field that is not there was found")
	}
}

func TestValuesAreTheSameForEveryServer(t *testing.T) {
	a, b, c := newValues(32, 1), newValues(32, 1), newValues(32, 2)
	first := a.next()
	if len(first) != 32 || first != b.next() || first == a.next() || first == c.next() {
		t.Error("a stream must repeat itself and differ from others")
	}
}

func TestOptions(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-rounds", "101"}, {"-scale", "0"}, {"-scale", "NaN"}, {"-scale", "11"},
		{"-only", "other"}, {"-run", "("}, {"pipeline-1"}, {"-unknown"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
	if err := run(t.Context(), []string{"-run", "no such scenario"}, io.Discard, io.Discard); err == nil ||
		!strings.Contains(err.Error(), "-list") {
		t.Errorf("no scenario chosen: %v", err)
	}
}

func TestMissingProgramsAreNamed(t *testing.T) {
	if !canMeasure {
		t.Skip("not on this system")
	}
	for _, flag := range []string{"-redis", "-darter", "-generator"} {
		args := []string{"-run", "empty", "-darter", "true", "-redis", "true", "-generator", "true", flag, "no-such-program"}
		err := run(t.Context(), args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), flag+":") || !strings.Contains(err.Error(), "no-such-program") {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func TestServerThatEndsAtOnce(t *testing.T) {
	if !canMeasure {
		t.Skip("not on this system")
	}
	err := run(t.Context(), []string{"-run", "empty", "-redis", "false", "-generator", "true", "-only", "redis"},
		io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "ended at once") {
		t.Errorf("got %v", err)
	}
}

func TestChosenByRegexp(t *testing.T) {
	o, err := parse([]string{"-run", "^p99-flush"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range choose(o.match) {
		names = append(names, s.name)
	}
	if want := []string{"p99-flush-async", "p99-flush-sync"}; !slices.Equal(names, want) {
		t.Errorf("chose %v, want %v", names, want)
	}
}

func TestTableAndCharts(t *testing.T) {
	var out strings.Builder
	tab := newTable(&out, []target{{redisName, ""}, {darterName, ""}})
	tab.add("one", []row{{"GET p50, µs", latencyChart, [][]float64{{100, 200, 300}, {50, 100, 600}}}})
	want := "| one | GET p50, µs | 200 (100..300) | 100 (50.0..600) | **0.500** (0.500..2.00) |\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%swant the last line\n%s", out.String(), want)
	}
	dir := filepath.Join(t.TempDir(), "plots")
	if err := tab.writeCharts(dir, "a machine"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != "latency.svg" {
		t.Errorf("wrote %v, %v", files, err)
	}
}

func TestCommandLineCanBePasted(t *testing.T) {
	if got, want := commandLine([]string{"-run", "a|b", "-rounds", "3"}), "go run ./compare -run 'a|b' -rounds 3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestProbeWindow(t *testing.T) {
	p := &probe{}
	begin := time.Now()
	for i := range 10 {
		p.points = append(p.points, point{begin.Add(time.Duration(i) * time.Second), time.Duration(10-i) * time.Microsecond})
	}
	if got, want := p.window(begin, begin.Add(4*time.Second)), []float64{7, 8, 9, 10}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: sorted, the begin included and the end not", got, want)
	}
}

// A GET that is refused because a script runs counts as answered with the next that is.
func TestProbeOfBusyServer(t *testing.T) {
	const value, busy = "$1\r\nv\r\n", "-BUSY a script runs\r\n"
	begin := time.Now().Add(-time.Minute)
	probed := func(replies string, gets int) (*probe, error) {
		p := &probe{conn: pipe(replies), sent: make(chan time.Time, gets)}
		for i := range gets {
			p.sent <- begin.Add(time.Duration(i) * time.Second)
		}
		close(p.sent)
		return p, p.receive()
	}
	p, err := probed(value+busy+busy+value+busy+value, 6)
	if err != nil || len(p.points) != 6 {
		t.Fatalf("%d points, %v", len(p.points), err)
	}
	for i, x := range p.points {
		if want := begin.Add(time.Duration(i) * time.Second); x.at != want || x.latency < time.Minute-6*time.Second {
			t.Errorf("GET %d: sent at %v, want %v, and took %v", i, x.at, want, x.latency)
		}
	}
	for _, replies := range []string{value + busy, value + "-ERR no\r\n", value + "$-1\r\n", value + ":1\r\n"} {
		if _, err := probed(replies, 2); err == nil {
			t.Errorf("%q was taken", replies)
		}
	}
}

func TestContainers(t *testing.T) {
	seen := map[int]bool{}
	for i := range 1_000_000 {
		seen[scattered(i)] = true
	}
	if len(seen) != 1_000_000 {
		t.Errorf("1 000 000 numbers became %d", len(seen))
	}
	for _, k := range []container{largeSet, largeList, largeZSet, largeHash, numbers} {
		if a, b := k.element([]string{"x"}, 0), k.element([]string{"x"}, 1); slices.Equal(a, b) || a[0] != "x" {
			t.Errorf("%s: elements %q and %q", k.add, a, b)
		}
	}
	if got := memberName(9_999_999); got != "member:09999999" {
		t.Errorf("a member is %q", got)
	}
}

// need skips a test that lacks a program, or fails it where none may be left out.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv(redistest.NeedEnv) == "1" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// TestEveryScenario runs each scenario on a thousandth of its load against a real redis-server, when there is one.
func TestEveryScenario(t *testing.T) {
	if testing.Short() || !canMeasure {
		t.Skip("starts servers")
	}
	need(t, "redis-server", "redis-benchmark")
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			o, err := parse([]string{"-only", redisName, "-scale", "0.002"}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			b, err := newBench(t.Context(), o, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			defer b.close()
			samples, err := s.run(t.Context(), b, b.targets[0])
			if errors.Is(err, errOneCore) {
				t.Skip(err)
			}
			if err != nil || len(samples) == 0 {
				t.Fatalf("%d samples, %v", len(samples), err)
			}
		})
	}
}

// TestCancelledRunLeavesNothing ends a run in its middle: it must return at once with the cause, its server gone.
func TestCancelledRunLeavesNothing(t *testing.T) {
	if testing.Short() || !canMeasure {
		t.Skip("starts servers")
	}
	need(t, "redis-server")
	o, err := parse([]string{"-only", redisName, "-generator", "true"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBench(t.Context(), o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := b.start(ctx, b.targets[0], anyCPU)
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	cancel()
	<-s.ended
	if _, err := memoryOf(s.pid, false); err == nil {
		t.Error("the server outlived its context")
	}
}
