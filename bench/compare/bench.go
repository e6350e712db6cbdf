package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	redisName  = "redis"
	darterName = "darter"
)

// target is one of the programs compared.
type target struct {
	name, program string
}

// bench is what all scenarios of one invocation share.
type bench struct {
	options
	targets []target
	// machine is one line on where this ran.
	machine string
	// dir holds the built darter and the servers' logs and files, until close.
	dir      string
	progress io.Writer
}

// scenario is one question. Its run is called with a server program, starts what it needs, and returns the samples of
// one round, always the same ones in the same order.
type scenario struct {
	name, about string
	run         func(ctx context.Context, b *bench, t target) ([]sample, error)
}

// sample is one figure of one round. Chart names the plot it appears in, if any.
type sample struct {
	measure string
	value   float64
	chart   chart
}

// row gathers the samples of one measure: values[i] are the rounds of target i.
type row struct {
	measure string
	chart   chart
	values  [][]float64
}

func newBench(ctx context.Context, o options, progress io.Writer) (*bench, error) {
	b := &bench{options: o, progress: progress}
	if !canMeasure {
		return nil, fmt.Errorf("it reads Linux's /proc and pins processes to cores: %s has neither", runtime.GOOS)
	}
	if err := b.chooseCPUs(); err != nil {
		return nil, err
	}
	needed := []struct{ flag, program string }{{"-generator", o.generator}}
	if o.only != darterName {
		needed = append(needed, struct{ flag, program string }{"-redis", o.redis})
		b.targets = append(b.targets, target{redisName, o.redis})
	}
	if o.only != redisName && o.darter != "" {
		needed = append(needed, struct{ flag, program string }{"-darter", o.darter})
	}
	for _, n := range needed {
		if _, err := exec.LookPath(n.program); err != nil {
			return nil, fmt.Errorf("%s: %w: install it (Debian: apt-get install redis) or name another", n.flag, err)
		}
	}
	dir, err := os.MkdirTemp("", "darter-compare-")
	if err != nil {
		return nil, err
	}
	b.dir = dir
	if o.only != redisName {
		program := o.darter
		if program == "" {
			if program, err = buildDarter(ctx, dir); err != nil {
				return nil, errors.Join(err, b.close())
			}
		}
		b.targets = append(b.targets, target{darterName, program})
	}
	return b, nil
}

func (b *bench) close() error { return os.RemoveAll(b.dir) }

// chooseCPUs fills in the cores for pinned scenarios. On a machine with one core they stay -1, which pinned refuses.
func (b *bench) chooseCPUs() error {
	allowed, err := allowedCPUs()
	if err != nil {
		return err
	}
	for _, cpu := range []int{b.serverCPU, b.generatorCPU} {
		if cpu >= 0 && !slices.Contains(allowed, cpu) {
			return fmt.Errorf("core %d is not among those this process may use: %v", cpu, allowed)
		}
	}
	for _, cpu := range allowed {
		if b.serverCPU < 0 && cpu != b.generatorCPU {
			b.serverCPU = cpu
		} else if b.generatorCPU < 0 && cpu != b.serverCPU {
			b.generatorCPU = cpu
		}
	}
	return nil
}

// buildDarter builds the server from the module that this one replaces, with that module's own dependencies.
func buildDarter(ctx context.Context, dir string) (string, error) {
	const module = "github.com/darterdb/darter"
	source, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("cannot find %s (run this from bench/, or name a program with -darter): %w%s",
			module, err, stderrOf(err))
	}
	program := filepath.Join(dir, darterName)
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/darter")
	build.Dir = strings.TrimSpace(string(source))
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build darter: %w\n%s", err, out)
	}
	return program, nil
}

// stderrOf returns what a failed program said, on a line of its own.
func stderrOf(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		return "\n" + strings.TrimSpace(string(exit.Stderr))
	}
	return ""
}

// measure runs one scenario's rounds, alternating which server goes first.
func (b *bench) measure(ctx context.Context, s scenario) ([]row, error) {
	var rows []row
	for round := range b.rounds {
		for i := range b.targets {
			at := (i + round) % len(b.targets)
			t := b.targets[at]
			fmt.Fprintf(b.progress, "%s: round %d of %d, %s\n", s.name, round+1, b.rounds, t.name)
			samples, err := s.run(ctx, b, t)
			if ctx.Err() != nil {
				return nil, fmt.Errorf("%s: %w", s.name, context.Cause(ctx))
			}
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", s.name, t.name, err)
			}
			for n, sample := range samples {
				if n == len(rows) {
					rows = append(rows, row{sample.measure, sample.chart, make([][]float64, len(b.targets))})
				}
				rows[n].values[at] = append(rows[n].values[at], sample.value)
			}
		}
	}
	return rows, nil
}

// printMachine says where and how the table below it was made, so that it can be made again.
func (b *bench) printMachine(ctx context.Context, w io.Writer, args []string) {
	b.machine = fmt.Sprintf("%s, %d cores, %s, %s", cpuModel(), runtime.NumCPU(), kernel(), runtime.Version())
	fmt.Fprintf(w, "Machine: %s.\n\n", b.machine)
	for _, t := range append(slices.Clone(b.targets), target{"generator", b.generator}) {
		fmt.Fprintf(w, "- %s: %s\n", t.name, version(ctx, t.program))
	}
	if b.scale != 1 {
		fmt.Fprintf(w, "- every number of keys, requests and connections times %v\n", b.scale)
	}
	fmt.Fprintf(w, "\nRounds: %d. A cell is their median (smallest..largest). Made by `%s`.\n\n", b.rounds, commandLine(args))
}

// version returns the first line that a program prints about itself.
func version(ctx context.Context, program string) string {
	out, err := exec.CommandContext(ctx, program, "--version").CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return "version not known"
	}
	return line
}

// lasting shortens a window of time where -scale is so small that only the program is tried.
func (b *bench) lasting(d time.Duration) time.Duration {
	const whole = 0.1 // from here on
	return time.Duration(float64(d) * min(1, b.scale/whole))
}

// scaled multiplies a count of the scenario by -scale; it is never less than one.
func (b *bench) scaled(n int) int { return max(1, int(float64(n)*b.scale)) }
