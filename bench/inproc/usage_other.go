//go:build !unix

package inproc

import (
	"errors"
	"time"
)

// CPUTime returns an error: the figure is not to be had here.
func CPUTime() (time.Duration, error) {
	return 0, errors.New("the CPU time of a process is read on Unix systems only")
}
