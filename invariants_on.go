//go:build invariants

package darter

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
)

// held has the shards that each goroutine holds, in the order they were taken.
var held = struct {
	sync.Mutex
	by map[string][]int
}{by: map[string][]int{}}

func goroutine() string {
	var buf [64]byte
	b := buf[:runtime.Stack(buf[:], false)]
	b = bytes.TrimPrefix(b, []byte("goroutine "))
	id, _, _ := bytes.Cut(b, []byte(" "))
	return string(id)
}

// noteLock panics if the goroutine holds a shard that should be taken after this one. Shards of different caches are
// told apart by nobody: a goroutine that holds a shard calls no other cache.
func noteLock(n int) {
	id := goroutine()
	held.Lock()
	defer held.Unlock()
	if h := held.by[id]; len(h) > 0 && h[len(h)-1] >= n {
		panic(fmt.Sprintf("darter: shard %d is taken while %d are held", n, h))
	}
	held.by[id] = append(held.by[id], n)
}

// noteTry notes a shard that was free when it was tried: that may be out of order.
func noteTry(n int) {
	id := goroutine()
	held.Lock()
	defer held.Unlock()
	held.by[id] = append([]int{n}, held.by[id]...)
}

func noteUnlock(n int) {
	id := goroutine()
	held.Lock()
	defer held.Unlock()
	h := held.by[id]
	for i := len(h) - 1; i >= 0; i-- {
		if h[i] == n {
			h = append(h[:i], h[i+1:]...)
			break
		}
	}
	if len(h) == 0 {
		delete(held.by, id)
		return
	}
	held.by[id] = h
}
