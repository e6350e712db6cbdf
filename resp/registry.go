package resp

import (
	"cmp"
	"slices"
	"sync"
)

// registry holds the clients that are connected. Ids start at 1 and are never used again.
type registry struct {
	mu     sync.Mutex
	byID   map[uint64]*client
	lastID uint64
	closed func() // set once no client may enter: called when the last has left
}

// add gives the client an id and enters it, unless limit clients are in already or no more may enter.
func (r *registry) add(c *client, limit int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed != nil || int64(len(r.byID)) >= limit {
		return false
	}
	r.lastID++
	c.id = r.lastID
	r.byID[c.id] = c
	return true
}

// remove takes the client out of what others see. Its memory and socket are its transport's to free; gone says when.
func (r *registry) remove(c *client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID[c.id] == c {
		delete(r.byID, c.id)
	}
	if len(r.byID) == 0 && r.closed != nil {
		r.closed()
		r.closed = func() {}
	}
}

// close lets nobody in any more, and has last called once all are out.
func (r *registry) close(last func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed = last; len(r.byID) == 0 {
		last()
		r.closed = func() {}
	}
}

func (r *registry) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byID)
}

func (r *registry) get(id uint64) *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}

// all returns the clients in the order of their ids.
func (r *registry) all() []*client {
	r.mu.Lock()
	list := make([]*client, 0, len(r.byID))
	for _, c := range r.byID {
		list = append(list, c)
	}
	r.mu.Unlock()
	slices.SortFunc(list, func(a, b *client) int { return cmp.Compare(a.id, b.id) })
	return list
}
