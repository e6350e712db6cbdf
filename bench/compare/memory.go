package main

import (
	"context"
	"fmt"
)

// memoryStrings measures what a million strings add to the resident memory of the empty server.
func memoryStrings(name string, size int) scenario {
	about := fmt.Sprintf("resident memory of 1 M keys of 16 B with values of %d random bytes, less the empty server's", size)
	return scenario{name, about, func(ctx context.Context, b *bench, t target) ([]sample, error) {
		s, err := b.start(ctx, t, anyCPU)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		empty, err := s.resident(ctx)
		if err != nil {
			return nil, err
		}
		n := b.scaled(millionKeys)
		if err := load(s.addr, 0, n, size); err != nil {
			return nil, err
		}
		full, err := s.resident(ctx)
		if err != nil {
			return nil, err
		}
		each := (full - empty) * 1e6 / float64(n)
		return []sample{
			{"empty, MB", empty, noChart},
			{"loaded, MB", full, noChart},
			{"loaded less empty, MB", full - empty, memoryChart},
			{"overhead, B/key", each - float64(16+size), noChart},
		}, nil
	}}
}

// memoryTypes measures what containers of each type add to the resident memory of an empty server: many small ones, and a few
// large ones.
func memoryTypes(ctx context.Context, b *bench, t target) ([]sample, error) {
	var samples []sample
	for _, of := range []container{largeHash, largeSet, largeZSet, largeList} {
		for _, size := range []struct {
			name        string
			n, elements int
		}{{"20", b.scaled(20_000), 20}, {"150 000", 2, b.scaled(150_000)}} {
			held, err := b.containersMemory(ctx, t, of, size.n, size.elements)
			if err != nil {
				return nil, err
			}
			samples = append(samples, sample{fmt.Sprintf("%s of %s, MB", of.key, size.name), held, memoryChart})
		}
	}
	return samples, nil
}

// containersMemory is what n containers add to the resident memory of an empty server, in MB.
func (b *bench) containersMemory(ctx context.Context, t target, of container, n, elements int) (float64, error) {
	s, err := b.start(ctx, t, anyCPU)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	empty, err := s.resident(ctx)
	if err != nil {
		return 0, err
	}
	c, err := dial(s.addr)
	if err != nil {
		return 0, err
	}
	defer c.close()
	for i := range n {
		one := of
		one.key = fmt.Sprintf("%s:%d", of.key, i)
		if err := one.build(c, elements); err != nil {
			return 0, err
		}
	}
	full, err := s.resident(ctx)
	return full - empty, err
}
