//go:build amd64 || arm64

package slab

// prefetch touches the cache lines of the n bytes from p on.
//
//go:noescape
func prefetch(p *byte, n int)
