//go:build !heapslab && (amd64 || arm64) && linux

package slab

import "golang.org/x/sys/unix"

// decommit gives the pages back; they read as zero when touched again.
func (r *Region) decommit(first, n int) {
	// The call fails only for locked pages; then the blocks merely stay resident.
	_ = unix.Madvise(r.b[first<<blockShift:(first+n)<<blockShift], unix.MADV_DONTNEED)
}
