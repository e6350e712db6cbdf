package inproc

import (
	"fmt"
	"slices"

	"github.com/darterdb/darter"
)

// containers is over how many containers the elements of one measurement are spread, so that each is large and there is
// more than one.
const containers = 10

// Containers is a process's elements in a few large containers of one kind. There is nothing to time here: it is what a
// collector may have to look at.
type Containers struct {
	// Add stores element i, which no other is equal to.
	Add func(i int) error
	// Len counts what is held.
	Len   func() (int, error)
	Close func() error
}

// containerKinds are the kinds of containers: those of darter, and Go's own maps for comparison. A field, member or element
// has the workload's key; a hash's field has a value too.
var containerKinds = []struct {
	name string
	open func(valueSize int) (Containers, error)
}{
	{"darter-hash", func(valueSize int) (Containers, error) {
		value := make([]byte, valueSize)
		return darterContainers((*darter.Cache).Hash, func(h darter.Hash, key []byte) error { return h.Set(string(key), value) })
	}},
	{"darter-set", func(int) (Containers, error) {
		return darterContainers((*darter.Cache).SetOf, func(s darter.Set, key []byte) error {
			_, err := s.Add(string(key))
			return err
		})
	}},
	{"darter-zset", func(int) (Containers, error) {
		score := 0.0
		return darterContainers((*darter.Cache).SortedSet, func(z darter.SortedSet, key []byte) error {
			score++
			_, err := z.Add(string(key), score)
			return err
		})
	}},
	{"darter-list", func(int) (Containers, error) {
		return darterContainers((*darter.Cache).List, func(l darter.List, key []byte) error {
			_, err := l.PushRight(key)
			return err
		})
	}},
	{"map-hash", func(valueSize int) (Containers, error) {
		value := make([]byte, valueSize)
		return mapContainers(func(m map[string][]byte, key []byte) { m[string(key)] = slices.Clone(value) })
	}},
	{"map-set", func(int) (Containers, error) {
		return mapContainers(func(m map[string]struct{}, key []byte) { m[string(key)] = struct{}{} })
	}},
}

// ContainerNames lists the kinds of containers.
func ContainerNames() []string {
	var names []string
	for _, k := range containerKinds {
		names = append(names, k.name)
	}
	return names
}

// FillContainers returns containers of a kind with the workload's keys as their elements.
func (w *Workload) FillContainers(name string) (Containers, error) {
	for _, k := range containerKinds {
		if k.name != name {
			continue
		}
		c, err := k.open(w.ValueSize)
		if err != nil {
			return c, err
		}
		for i := range w.Entries {
			if err := c.Add(i); err != nil {
				_ = c.Close()
				return c, fmt.Errorf("%s refused element %d: %w", name, i, err)
			}
		}
		return c, nil
	}
	return Containers{}, fmt.Errorf("there is no kind of container %q, only %q", name, ContainerNames())
}

// darterContainers are containers of one type in a cache.
func darterContainers[H interface{ Len() (int, error) }](handle func(*darter.Cache, string) H, add func(H, []byte) error,
) (Containers, error) {
	c, err := darter.New(darter.Options{})
	if err != nil {
		return Containers{}, err
	}
	var all []H
	for i := range containers {
		all = append(all, handle(c, fmt.Sprint("container ", i)))
	}
	var key []byte
	return Containers{
		Add: func(i int) error {
			key = appendKey(key[:0], uint64(i))
			return add(all[i%containers], key)
		},
		Len: func() (sum int, err error) {
			for _, h := range all {
				n, err := h.Len()
				if err != nil {
					return 0, err
				}
				sum += n
			}
			return sum, nil
		},
		Close: c.Close,
	}, nil
}

func mapContainers[V any](add func(map[string]V, []byte)) (Containers, error) {
	var all [containers]map[string]V
	for i := range all {
		all[i] = map[string]V{}
	}
	var key []byte
	return Containers{
		Add: func(i int) error {
			key = appendKey(key[:0], uint64(i))
			add(all[i%containers], key)
			return nil
		},
		Len: func() (sum int, err error) {
			for _, m := range all {
				sum += len(m)
			}
			return sum, nil
		},
		Close: func() error { return nil },
	}, nil
}
