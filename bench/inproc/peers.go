package inproc

import (
	"fmt"

	"github.com/darterdb/darter"
)

// Peer is one cache, ready for the workload. AppendGet, View and Set do their work once for each key and return how many
// keys were found or accepted; they may be called by several goroutines at once, with a buffer and a value of their own.
type Peer interface {
	Name() string
	// Views tells whether the cache can show a value without copying it; View must not be called otherwise.
	Views() bool
	// Store and Fetch serve loading and verifying, where time does not matter.
	Store(key string, value []byte) error
	Fetch(dst []byte, key string) ([]byte, bool)
	// Settle waits for what the cache does in the background with entries it has accepted.
	Settle()
	// AppendGet appends each value to buf[:0].
	AppendGet(keys Keys, buf []byte) int
	View(keys Keys) int
	// Set writes each key into the beginning of value and stores that.
	Set(keys Keys, value []byte) int
	Close() error
}

// constructors make the peers. Each cache gets room for twice the workload, by entries or by bytes, whichever it counts.
var constructors = []struct {
	name string
	make func(entries, valueSize int) (Peer, error)
}{
	{"darter", newDarter},
	{"fastcache", newFastcache},
	{"freecache", newFreecache},
	{"bigcache", newBigcache},
	{"otter", newOtter},
	{"ristretto", newRistretto},
	{"sync.Map", newSyncMap},
	{"map64", newLockedMaps},
}

// Names lists the peers.
func Names() []string {
	var names []string
	for _, c := range constructors {
		names = append(names, c.name)
	}
	return names
}

// Open makes an empty peer with room for the workload.
func (w *Workload) Open(name string) (Peer, error) {
	for _, c := range constructors {
		if c.name == name {
			return c.make(w.Entries, w.ValueSize)
		}
	}
	return nil, fmt.Errorf("there is no peer %q, only %q", name, Names())
}

// roomInBytes is twice what the entries need, with overhead bytes for the cache's own use in each.
func roomInBytes(entries, valueSize, overhead int) int {
	return 2 * entries * (KeySize + valueSize + overhead)
}

type darterPeer struct{ c *darter.Cache }

func newDarter(int, int) (Peer, error) {
	c, err := darter.New(darter.Options{})
	if err != nil {
		return nil, err
	}
	return darterPeer{c}, nil
}

func (p darterPeer) Name() string                     { return "darter" }
func (p darterPeer) Views() bool                      { return true }
func (p darterPeer) Settle()                          {}
func (p darterPeer) Close() error                     { return p.c.Close() }
func (p darterPeer) Store(key string, v []byte) error { return p.c.Set(key, v) }

func (p darterPeer) Fetch(dst []byte, key string) ([]byte, bool) {
	v, err := p.c.AppendGet(dst, key)
	return v, err == nil
}

func (p darterPeer) AppendGet(keys Keys, buf []byte) (hits int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		if _, err := p.c.AppendGet(buf[:0], text[:KeySize]); err == nil {
			hits++
		}
	}
	return hits
}

func (p darterPeer) View(keys Keys) (hits int) {
	see := func(v []byte) error {
		hits += seen(v)
		return nil
	}
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		_ = p.c.View(text[:KeySize], see) // a key not found is a hit less
	}
	return hits
}

func (p darterPeer) Set(keys Keys, value []byte) (accepted int) {
	for text := keys.Text; len(text) >= KeySize; text = text[KeySize:] {
		copy(value, text[:KeySize])
		if p.c.Set(text[:KeySize], value) == nil {
			accepted++
		}
	}
	return accepted
}

// seen reads a value's first byte, which every value has ('k', its key's), and is 1 then.
func seen(v []byte) int {
	if len(v) > 0 && v[0] == 'k' {
		return 1
	}
	return 0
}
