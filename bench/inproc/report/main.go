// Command report runs the in-process benchmarks in several rounds and prints, as Markdown tables, what an operation costs
// in CPU time with each cache, or with -gc what a cycle of the garbage collector costs with each of them loaded; with
// -gc -containers, with large containers filled.
//
// Every measurement is made in a process of its own, which is this program run again with -child: so no peer inherits
// another's heap. The order of the peers changes from round to round, so that whatever drifts on the machine meets all.
// CPU time is user and system time of the whole process, not the time on the clock: work that a cache leaves to
// goroutines of its own, or to the collector, is counted.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/darterdb/darter/bench/inproc"
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
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// options are the flags of one invocation. The child gets those that say what to measure.
type options struct {
	peers              []string
	match              string
	rounds, ops        int
	entries, valueSize int
	goroutines         []int
	gc, containers     bool
	baseline           string
	svg                string
	timeout            time.Duration
	child              string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var goroutines string
	f := flag.NewFlagSet("report", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.match, "peers", "", "only the caches whose name matches this `regexp`")
	f.IntVar(&o.rounds, "rounds", 5, "how many alternating `rounds` to run, 1 to 100")
	f.IntVar(&o.ops, "ops", 4_000_000, "`operations` of a measurement")
	f.IntVar(&o.entries, "entries", 0, "`entries` to load (default 1 000 000, with -gc 10 000 000)")
	f.IntVar(&o.valueSize, "value", 0, "`bytes` of a value (default 256, with -gc 32)")
	f.StringVar(&goroutines, "goroutines", "1,2", "`numbers` of goroutines that share the operations")
	f.BoolVar(&o.gc, "gc", false, "measure a cycle of the garbage collector instead")
	f.BoolVar(&o.containers, "containers", false, "with -gc, fill large containers of each kind instead of the caches")
	f.StringVar(&o.baseline, "baseline", "fastcache", "the `cache` that the ratios are to")
	f.StringVar(&o.svg, "svg", "", "write plots into this `directory`")
	f.DurationVar(&o.timeout, "timeout", time.Hour, "give up after this long")
	f.StringVar(&o.child, "child", "", "measure this one `cache` here and print JSON; used by the program itself")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: caches are chosen with -peers", f.Arg(0))
	}
	if o.rounds < 1 || o.rounds > 100 {
		return o, fmt.Errorf("-rounds is %d, want 1 to 100", o.rounds)
	}
	if o.ops < 1 {
		return o, fmt.Errorf("-ops is %d, want at least 1", o.ops)
	}
	for number := range strings.SplitSeq(goroutines, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || n < 1 || n > 1024 {
			return o, fmt.Errorf("-goroutines has %q, want numbers from 1 to 1024", number)
		}
		o.goroutines = append(o.goroutines, n)
	}
	if o.containers && !o.gc {
		return o, errors.New("-containers is for -gc only")
	}
	o.setDefaults()
	match, err := regexp.Compile(o.match)
	if err != nil {
		return o, fmt.Errorf("-peers: %w", err)
	}
	for _, name := range o.candidates() {
		if match.MatchString(name) {
			o.peers = append(o.peers, name)
		}
	}
	if len(o.peers) == 0 {
		return o, fmt.Errorf("no cache matches %q, there are %q", o.match, o.candidates())
	}
	return o, nil
}

func (o *options) setDefaults() {
	entries, valueSize := 1_000_000, 256
	if o.gc {
		entries, valueSize = 10_000_000, 32
	}
	if o.entries == 0 {
		o.entries = entries
	}
	if o.valueSize == 0 {
		o.valueSize = valueSize
	}
}

// nothing stands for a process without any cache: what a cycle of the collector costs there is no cache's doing.
const nothing = "nothing"

func (o *options) candidates() []string {
	switch {
	case o.containers:
		return append([]string{nothing}, inproc.ContainerNames()...)
	case o.gc:
		return append([]string{nothing}, inproc.Names()...)
	}
	return inproc.Names()
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.child != "" {
		m, err := measure(o)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(m)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not done after -timeout %v", o.timeout))
	defer cancel()
	results := map[string][]measurement{}
	for round := range o.rounds {
		for i := range o.peers {
			name := o.peers[(i+round)%len(o.peers)]
			fmt.Fprintf(stderr, "round %d of %d, %s\n", round+1, o.rounds, name)
			m, err := inChild(ctx, name, args)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			results[name] = append(results[name], m)
		}
	}
	machine := fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	r := report{options: o, results: results, machine: machine}
	fmt.Fprintf(stdout, "Machine: %s. %d entries of %d B keys and %d B values.\n\nRounds: %d. A cell is their median "+
		"(smallest..largest). Made by `go run ./inproc/report%s`.\n\n",
		machine, o.entries, inproc.KeySize, o.valueSize, o.rounds, strings.Join(append([]string{""}, quoted(args)...), " "))
	if o.gc {
		r.printCollector(stdout)
	} else {
		r.printOperations(stdout)
	}
	r.printDropped(stdout)
	if o.svg != "" {
		return r.writeCharts()
	}
	return nil
}

// inChild runs this program again to measure one cache.
func inChild(ctx context.Context, name string, args []string) (measurement, error) {
	self, err := os.Executable()
	if err != nil {
		return measurement{}, err
	}
	cmd := exec.CommandContext(ctx, self, append(slices.Clone(args), "-child", name)...)
	var problems strings.Builder
	cmd.Stderr = &problems
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return measurement{}, context.Cause(ctx)
	}
	if err != nil {
		return measurement{}, fmt.Errorf("%w\n%s", err, strings.TrimSpace(problems.String()))
	}
	var m measurement
	if err := json.Unmarshal(out, &m); err != nil {
		return measurement{}, fmt.Errorf("its measurement is unreadable: %w", err)
	}
	return m, nil
}

// quoted makes arguments fit for pasting into a shell.
func quoted(args []string) []string {
	var words []string
	for _, a := range args {
		if strings.ContainsAny(a, " \t$&|()<>*?[]{};'\"\\`") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return words
}
