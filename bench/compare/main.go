// Command compare runs redis-server and darter side by side and prints, as a Markdown table, what each costs and
// what each gives: throughput, server CPU per operation, latency percentiles and resident memory, with the ratio of
// the two.
//
// Words: a *scenario* is one question, selectable by name; a *round* answers it once for each server, and the order of
// the servers changes from round to round, so that whatever drifts on the machine meets both; a *sample* is one
// figure of one round. A cell of the table is the median of the rounds with the smallest and largest beside it.
//
// Each round starts a server of its own, loads it, measures, and stops it: only one server is alive at any moment.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

func main() {
	// A reader that goes away, as head does, ends the run as an interrupt would, children and files cleared away.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	cancel()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// options are the flags of one invocation.
type options struct {
	redis, darter, generator string
	only, svg                string
	match                    *regexp.Regexp
	rounds                   int
	scale                    float64
	timeout                  time.Duration
	serverCPU, generatorCPU  int
	list                     bool
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var match string
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&match, "run", "", "run only the scenarios whose name matches this `regexp`")
	f.IntVar(&o.rounds, "rounds", 5, "how many alternating `rounds` to run, 1 to 100")
	f.BoolVar(&o.list, "list", false, "list the scenarios and stop")
	f.Float64Var(&o.scale, "scale", 1,
		"multiply keys, requests and connections by this `factor`, above 0 up to 10; below 0.1, windows of time shrink too")
	f.StringVar(&o.redis, "redis", "redis-server", "the redis-server `program`")
	f.StringVar(&o.darter, "darter", "", "the darter `program`; without it, it is built from the module above")
	f.StringVar(&o.generator, "generator", "redis-benchmark", "the redis-benchmark `program`")
	f.StringVar(&o.only, "only", "", "measure one `server` only, redis or darter; there are no ratios then")
	f.StringVar(&o.svg, "svg", "", "write plots of the ratios into this `directory`")
	f.DurationVar(&o.timeout, "timeout", time.Hour, "give up after this long")
	f.IntVar(&o.serverCPU, "server-cpu", -1, "the `core` that pinned scenarios give to the server (default: the first)")
	f.IntVar(&o.generatorCPU, "generator-cpu", -1, "the `core` they give to the generator (default: the second)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	o.match, err = regexp.Compile(match)
	switch {
	case err != nil:
		return o, fmt.Errorf("-run: %w", err)
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: scenarios are chosen with -run", f.Arg(0))
	case o.rounds < 1 || o.rounds > 100:
		return o, fmt.Errorf("-rounds is %d, want 1 to 100", o.rounds)
	case !(o.scale > 0 && o.scale <= 10):
		return o, fmt.Errorf("-scale is %v, want above 0 up to 10", o.scale)
	case o.only != "" && o.only != redisName && o.only != darterName:
		return o, fmt.Errorf("-only is %q, want %s or %s", o.only, redisName, darterName)
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	chosen := choose(o.match)
	if o.list {
		for _, s := range chosen {
			fmt.Fprintf(stdout, "%-20s %s\n", s.name, s.about)
		}
		return nil
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no scenario matches %q: -list shows them", o.match)
	}
	// The probe must run the moment its reply arrives, whatever else this process is doing: spare slots for running
	// goroutines leave that to the kernel, and a rare collection leaves it alone.
	runtime.GOMAXPROCS(max(8, runtime.NumCPU()))
	debug.SetGCPercent(400)

	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not done after -timeout %v", o.timeout))
	defer cancel()
	b, err := newBench(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()

	b.printMachine(ctx, stdout, args)
	t := newTable(stdout, b.targets)
	for _, s := range chosen {
		rows, err := b.measure(ctx, s)
		if err != nil {
			return err
		}
		t.add(s.name, rows)
	}
	if o.svg != "" {
		return t.writeCharts(o.svg, b.machine)
	}
	return nil
}

func choose(match *regexp.Regexp) []scenario {
	var chosen []scenario
	for _, s := range scenarios() {
		if match.MatchString(s.name) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// commandLine prints what was typed in a form that can be pasted again.
func commandLine(args []string) string {
	words := []string{"go", "run", "./compare"}
	for _, a := range args {
		if strings.ContainsAny(a, " \t$&|()<>*?[]{};'\"\\`") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// inside joins a name to a directory that exists or is made.
func inside(dir, name string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return filepath.Join(dir, name), nil
}
