//go:build !windows

package main

import (
	"errors"
	"os/signal"
	"syscall"
)

func inUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// ignoreSignals makes a file that reaches the process's limit of size the error of a write, as a full disk is, and not the
// end of the process with all it holds.
func ignoreSignals() { signal.Ignore(syscall.SIGXFSZ) }
