//go:build !linux

package darter

import (
	"runtime"
	"time"
)

// residentBytes returns what the Go runtime has taken from the system, the nearest to resident memory that every
// system tells.
func residentBytes() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}

func totalMemory() int64 { return 0 }

func cpuTimes() (sys, user time.Duration) { return 0, 0 }

// lowerThread and yieldThread give way where the system has threads of different shares; here they do nothing.
func lowerThread() {}

func yieldThread() {}
