//go:build !heapslab && (amd64 || arm64) && (darwin || freebsd)

package slab

import "golang.org/x/sys/unix"

// decommit tells the system that it may take the pages. What they hold afterwards is undefined, which suits: a block
// is handed out as raw memory.
func (r *Region) decommit(first, n int) {
	// The call fails only for locked pages; then the blocks merely stay resident.
	_ = unix.Madvise(r.b[first<<blockShift:(first+n)<<blockShift], unix.MADV_FREE)
}
