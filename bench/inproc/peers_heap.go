package inproc

import (
	"errors"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/dgraph-io/ristretto/v2"
	"github.com/maypok86/otter/v2"
)

// The peers of this file keep slices on the Go heap and hand out the slice itself. A cache must not share bytes with its
// caller, so each Set gives them a copy.

// otterPeer holds slices of the Go heap; a reader gets the slice itself.
type otterPeer struct{ c *otter.Cache[string, []byte] }

func newOtter(entries, _ int) (Peer, error) {
	c, err := otter.New(&otter.Options[string, []byte]{MaximumSize: 2 * entries, InitialCapacity: entries})
	if err != nil {
		return nil, err
	}
	return otterPeer{c}, nil
}

func (p otterPeer) Name() string { return "otter" }
func (p otterPeer) Views() bool  { return true }
func (p otterPeer) Settle()      { p.c.CleanUp() }

func (p otterPeer) Close() error {
	p.c.StopAllGoroutines()
	return nil
}

func (p otterPeer) Store(key string, v []byte) error {
	p.c.Set(key, slices.Clone(v))
	return nil
}

func (p otterPeer) Fetch(dst []byte, key string) ([]byte, bool) {
	v, ok := p.c.GetIfPresent(key)
	return append(dst, v...), ok
}

func (p otterPeer) AppendGet(keys Keys, buf []byte) (hits int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		if v, ok := p.c.GetIfPresent(text[:KeySize]); ok {
			buf = append(buf[:0], v...)
			hits++
		}
	}
	return hits
}

func (p otterPeer) View(keys Keys) (hits int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		if v, ok := p.c.GetIfPresent(text[:KeySize]); ok {
			hits += seen(v)
		}
	}
	return hits
}

func (p otterPeer) Set(keys Keys, value []byte) (accepted int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		copy(value, text[:KeySize])
		p.c.Set(text[:KeySize], slices.Clone(value))
		accepted++
	}
	return accepted
}

type ristrettoPeer struct {
	c *ristretto.Cache[string, []byte]
}

func newRistretto(entries, _ int) (Peer, error) {
	c, err := ristretto.NewCache(&ristretto.Config[string, []byte]{
		NumCounters: 10 * int64(entries), MaxCost: 2 * int64(entries), BufferItems: 64, IgnoreInternalCost: true,
	})
	if err != nil {
		return nil, err
	}
	return ristrettoPeer{c}, nil
}

func (p ristrettoPeer) Name() string { return "ristretto" }
func (p ristrettoPeer) Views() bool  { return true }
func (p ristrettoPeer) Settle()      { p.c.Wait() }

func (p ristrettoPeer) Close() error {
	p.c.Close()
	return nil
}

var errDropped = errors.New("the cache went on dropping it")

// Store tries again, as this cache drops a new entry when its buffer is full.
func (p ristrettoPeer) Store(key string, v []byte) error {
	for range 1000 {
		if p.c.Set(key, slices.Clone(v), 1) {
			return nil
		}
		p.c.Wait()
	}
	return errDropped
}

func (p ristrettoPeer) Fetch(dst []byte, key string) ([]byte, bool) {
	v, ok := p.c.Get(key)
	return append(dst, v...), ok
}

func (p ristrettoPeer) AppendGet(keys Keys, buf []byte) (hits int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		if v, ok := p.c.Get(text[:KeySize]); ok {
			buf = append(buf[:0], v...)
			hits++
		}
	}
	return hits
}

func (p ristrettoPeer) View(keys Keys) (hits int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		if v, ok := p.c.Get(text[:KeySize]); ok {
			hits += seen(v)
		}
	}
	return hits
}

func (p ristrettoPeer) Set(keys Keys, value []byte) (accepted int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		copy(value, text[:KeySize])
		if p.c.Set(text[:KeySize], slices.Clone(value), 1) {
			accepted++
		}
	}
	return accepted
}

type syncMapPeer struct{ m *sync.Map }

func newSyncMap(int, int) (Peer, error) { return syncMapPeer{new(sync.Map)}, nil }

func (p syncMapPeer) Name() string { return "sync.Map" }
func (p syncMapPeer) Views() bool  { return true }
func (p syncMapPeer) Settle()      {}
func (p syncMapPeer) Close() error { return nil }

func (p syncMapPeer) Store(key string, v []byte) error {
	p.m.Store(key, slices.Clone(v))
	return nil
}

func (p syncMapPeer) Fetch(dst []byte, key string) ([]byte, bool) {
	v, ok := p.m.Load(key)
	if !ok {
		return dst, false
	}
	return append(dst, v.([]byte)...), true
}

func (p syncMapPeer) AppendGet(keys Keys, buf []byte) (hits int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		if v, ok := p.m.Load(text[:KeySize]); ok {
			buf = append(buf[:0], v.([]byte)...)
			hits++
		}
	}
	return hits
}

func (p syncMapPeer) View(keys Keys) (hits int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		if v, ok := p.m.Load(text[:KeySize]); ok {
			hits += seen(v.([]byte))
		}
	}
	return hits
}

func (p syncMapPeer) Set(keys Keys, value []byte) (accepted int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		copy(value, text[:KeySize])
		p.m.Store(text[:KeySize], slices.Clone(value))
		accepted++
	}
	return accepted
}

// lockedMapsPeer is what one writes without a library: maps behind locks, a key's hash choosing among them.
type lockedMapsPeer struct {
	seed   maphash.Seed
	shards [64]lockedMap
}

type lockedMap struct {
	mu sync.RWMutex
	m  map[string][]byte
	_  [96]byte // locks of two shards never share a cache line
}

func newLockedMaps(entries, _ int) (Peer, error) {
	p := &lockedMapsPeer{seed: maphash.MakeSeed()}
	for i := range p.shards {
		p.shards[i].m = make(map[string][]byte, entries/len(p.shards))
	}
	return p, nil
}

func (p *lockedMapsPeer) shard(key string) *lockedMap {
	return &p.shards[maphash.String(p.seed, key)%uint64(len(p.shards))]
}

func (p *lockedMapsPeer) Name() string { return "map64" }
func (p *lockedMapsPeer) Views() bool  { return true }
func (p *lockedMapsPeer) Settle()      {}
func (p *lockedMapsPeer) Close() error { return nil }

func (p *lockedMapsPeer) Store(key string, v []byte) error {
	s := p.shard(key)
	s.mu.Lock()
	s.m[key] = slices.Clone(v)
	s.mu.Unlock()
	return nil
}

func (p *lockedMapsPeer) Fetch(dst []byte, key string) ([]byte, bool) {
	s := p.shard(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.m[key]
	return append(dst, v...), ok
}

func (p *lockedMapsPeer) AppendGet(keys Keys, buf []byte) (hits int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		s := p.shard(text[:KeySize])
		s.mu.RLock()
		if v, ok := s.m[text[:KeySize]]; ok {
			buf = append(buf[:0], v...)
			hits++
		}
		s.mu.RUnlock()
	}
	return hits
}

func (p *lockedMapsPeer) View(keys Keys) (hits int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		s := p.shard(text[:KeySize])
		s.mu.RLock()
		hits += seen(s.m[text[:KeySize]])
		s.mu.RUnlock()
	}
	return hits
}

func (p *lockedMapsPeer) Set(keys Keys, value []byte) (accepted int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		copy(value, text[:KeySize])
		v := slices.Clone(value)
		s := p.shard(text[:KeySize])
		s.mu.Lock()
		s.m[text[:KeySize]] = v
		s.mu.Unlock()
		accepted++
	}
	return accepted
}
