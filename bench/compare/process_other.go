//go:build !linux

package main

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"time"
)

// Only Linux offers what the figures are read from; elsewhere the program says so and ends before it starts anything.
const canMeasure = false

var errNotLinux = errors.ErrUnsupported

type memory struct {
	resident, shared int64
}

type fanout struct{}

func openFanout(_, _, _ int) (*fanout, error)                      { return nil, errNotLinux }
func (*fanout) publish(context.Context, int, int) (float64, error) { return 0, errNotLinux }
func (*fanout) close()                                             {}

func allowedCPUs() ([]int, error)        { return nil, errNotLinux }
func startOn(*exec.Cmd, int) error       { return errNotLinux }
func killGroup(int)                      {}
func cpuTime(int) (time.Duration, error) { return 0, errNotLinux }
func memoryOf(int, bool) (memory, error) { return memory{}, errNotLinux }
func allowFiles(int) error               { return errNotLinux }
func pause(d time.Duration)              { time.Sleep(d) }
func cpuModel() string                   { return runtime.GOARCH }
func kernel() string                     { return runtime.GOOS }
