package keyspace

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// randomProgram returns operations chosen by a seed.
func randomProgram(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// FuzzStrings runs operations on shards and on the model of a world beside them.
func FuzzStrings(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(randomProgram(seed, 300))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		newWorld(t).run(&program{b[:min(len(b), 1000)]})
	})
}

// TestWorld runs long programs, which grow and shrink tables and hold snapshots meanwhile.
func TestWorld(t *testing.T) {
	n := 40_000
	if testing.Short() {
		n = 8000
	}
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			newWorld(t).run(&program{randomProgram(seed+1000, n)})
		})
	}
}
