package inproc

import (
	"context"
	"time"

	"github.com/VictoriaMetrics/fastcache"
	"github.com/allegro/bigcache/v3"
	"github.com/coocood/freecache"
)

// The peers of this file copy keys and values into large buffers of their own, as darter does.

type fastcachePeer struct{ c *fastcache.Cache }

func newFastcache(entries, valueSize int) (Peer, error) {
	const overhead = 4
	return fastcachePeer{fastcache.New(roomInBytes(entries, valueSize, overhead))}, nil
}

func (p fastcachePeer) Name() string  { return "fastcache" }
func (p fastcachePeer) Views() bool   { return false }
func (p fastcachePeer) View(Keys) int { return 0 }
func (p fastcachePeer) Settle()       {}

func (p fastcachePeer) Close() error {
	p.c.Reset()
	return nil
}

func (p fastcachePeer) Store(key string, v []byte) error {
	p.c.Set([]byte(key), v)
	return nil
}

func (p fastcachePeer) Fetch(dst []byte, key string) ([]byte, bool) {
	return p.c.HasGet(dst, []byte(key))
}

func (p fastcachePeer) AppendGet(keys Keys, buf []byte) (hits int) {
	for key := keys.Bytes; len(key) >= KeySize; key = key[KeySize:] {
		if len(p.c.Get(buf[:0], key[:KeySize])) > 0 {
			hits++
		}
	}
	return hits
}

func (p fastcachePeer) Set(keys Keys, value []byte) (accepted int) {
	for key := keys.Bytes; len(key) >= KeySize; key = key[KeySize:] {
		copy(value, key[:KeySize])
		p.c.Set(key[:KeySize], value)
		accepted++
	}
	return accepted
}

type freecachePeer struct{ c *freecache.Cache }

func newFreecache(entries, valueSize int) (Peer, error) {
	return freecachePeer{freecache.NewCache(roomInBytes(entries, valueSize, freecache.ENTRY_HDR_SIZE))}, nil
}

func (p freecachePeer) Name() string                     { return "freecache" }
func (p freecachePeer) Views() bool                      { return true }
func (p freecachePeer) Settle()                          {}
func (p freecachePeer) Store(key string, v []byte) error { return p.c.Set([]byte(key), v, 0) }

func (p freecachePeer) Close() error {
	p.c.Clear()
	return nil
}

func (p freecachePeer) Fetch(dst []byte, key string) ([]byte, bool) {
	v, err := p.c.Get([]byte(key))
	return append(dst, v...), err == nil
}

func (p freecachePeer) AppendGet(keys Keys, buf []byte) (hits int) {
	for key := keys.Bytes; len(key) >= KeySize; key = key[KeySize:] {
		if _, err := p.c.GetWithBuf(key[:KeySize], buf); err == nil {
			hits++
		}
	}
	return hits
}

func (p freecachePeer) View(keys Keys) (hits int) {
	see := func(v []byte) error {
		hits += seen(v)
		return nil
	}
	for key := keys.Bytes; len(key) >= KeySize; key = key[KeySize:] {
		_ = p.c.GetFn(key[:KeySize], see) // a key not found is a hit less
	}
	return hits
}

func (p freecachePeer) Set(keys Keys, value []byte) (accepted int) {
	for key := keys.Bytes; len(key) >= KeySize; key = key[KeySize:] {
		copy(value, key[:KeySize])
		if p.c.Set(key[:KeySize], value, 0) == nil {
			accepted++
		}
	}
	return accepted
}

type bigcachePeer struct{ c *bigcache.BigCache }

func newBigcache(entries, valueSize int) (Peer, error) {
	const (
		overhead = 24
		never    = 100 * 365 * 24 * time.Hour
	)
	room := roomInBytes(entries, valueSize, overhead)
	config := bigcache.DefaultConfig(never)
	config.CleanWindow = 0
	config.Verbose = false
	config.StatsEnabled = false
	config.MaxEntriesInWindow = entries
	config.MaxEntrySize = KeySize + valueSize + overhead
	// In whole megabytes, and each of its parts needs some bytes to begin with.
	config.HardMaxCacheSize = room>>20 + 8
	c, err := bigcache.New(context.Background(), config)
	if err != nil {
		return nil, err
	}
	return bigcachePeer{c}, nil
}

func (p bigcachePeer) Name() string                     { return "bigcache" }
func (p bigcachePeer) Views() bool                      { return false }
func (p bigcachePeer) View(Keys) int                    { return 0 }
func (p bigcachePeer) Settle()                          {}
func (p bigcachePeer) Close() error                     { return p.c.Close() }
func (p bigcachePeer) Store(key string, v []byte) error { return p.c.Set(key, v) }

func (p bigcachePeer) Fetch(dst []byte, key string) ([]byte, bool) {
	v, err := p.c.Get(key)
	return append(dst, v...), err == nil
}

// AppendGet uses what Get returns, a copy it makes: the cache has no way to copy into the caller's buffer.
func (p bigcachePeer) AppendGet(keys Keys, _ []byte) (hits int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		if _, err := p.c.Get(text[:KeySize]); err == nil {
			hits++
		}
	}
	return hits
}

func (p bigcachePeer) Set(keys Keys, value []byte) (accepted int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		copy(value, text[:KeySize])
		if p.c.Set(text[:KeySize], value) == nil {
			accepted++
		}
	}
	return accepted
}
