// Package inproc measures darter and other caches for Go inside one process, each doing the same work on the same keys.
//
// Words: a *peer* is one cache behind the methods that the measurements need; the *workload* is the set of entries each
// peer is loaded with and a *sequence* of keys, drawn beforehand from a Zipf distribution, so that neither the random
// numbers nor the key's digits are part of what is timed. The keys of a sequence lie one behind the other in memory, in
// the order of their use, where reading them costs next to nothing.
//
// The loops are written out for each peer, because a call through an interface for each key would add the same few
// nanoseconds to all and so make them look more alike than they are.
package inproc

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// KeySize is the length of every key: "key:" and twelve digits.
const KeySize = 16

// zipfExponent makes few keys hot without leaving the others unused.
const zipfExponent = 1.01

// So many keys are drawn, fewer for small workloads; workers run through them in a circle.
const (
	longestSequence  = 1 << 21
	shortestSequence = 1 << 16
)

// Workload is what each peer is loaded with and asked for.
type Workload struct {
	Entries, ValueSize int
	sequence           Keys
}

// Keys is a run of keys, in both forms that caches take; both hold the same bytes.
type Keys struct {
	Text  string
	Bytes []byte
}

// Len returns the number of keys.
func (k Keys) Len() int { return len(k.Text) / KeySize }

// slice returns the keys from first up to but not including last.
func (k Keys) slice(first, last int) Keys {
	return Keys{k.Text[first*KeySize : last*KeySize], k.Bytes[first*KeySize : last*KeySize]}
}

// NewWorkload draws the sequence, the same one in every process. It takes at least 1 entry and values of at least KeySize
// bytes, since a value begins with its key so that it can be verified.
func NewWorkload(entries, valueSize int) (*Workload, error) {
	if entries < 1 || entries > 1_000_000_000 {
		return nil, fmt.Errorf("%d entries, want 1 to 1 000 000 000", entries)
	}
	if valueSize < KeySize || valueSize > 60_000 {
		return nil, fmt.Errorf("values of %d bytes, want %d to 60 000", valueSize, KeySize)
	}
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), zipfExponent, 1, uint64(entries-1))
	length := min(longestSequence, max(shortestSequence, 4*entries))
	drawn := make([]byte, 0, length*KeySize)
	for range length {
		drawn = appendKey(drawn, scatter(zipf.Uint64(), uint64(entries)))
	}
	return &Workload{entries, valueSize, Keys{string(drawn), drawn}}, nil
}

// scatter spreads the hot ranks over the entries, which were loaded in order and may lie beside each other. The factor is
// a prime above every number of entries, so no two ranks meet.
func scatter(rank, entries uint64) uint64 {
	const prime = 2_147_483_647
	return rank * prime % entries
}

func appendKey(dst []byte, i uint64) []byte {
	var digits [20]byte
	number := strconv.AppendUint(digits[:0], i, 10)
	dst = append(dst, "key:000000000000"[:KeySize-len(number)]...)
	return append(dst, number...)
}

// Load stores every entry once.
func (w *Workload) Load(p Peer) error {
	value := w.newValue()
	var key []byte
	for i := range w.Entries {
		key = appendKey(key[:0], uint64(i))
		copy(value, key)
		if err := p.Store(string(key), value); err != nil {
			return fmt.Errorf("%s refused entry %d: %w", p.Name(), i, err)
		}
	}
	p.Settle()
	return nil
}

// Kept counts the entries that the peer holds with the right value. A cache may drop entries without a word; a peer that
// did is not doing the same work as the others.
func (w *Workload) Kept(p Peer) int {
	kept := 0
	var key, buf []byte
	for i := range w.Entries {
		key = appendKey(key[:0], uint64(i))
		value, ok := p.Fetch(buf[:0], string(key))
		if ok && len(value) == w.ValueSize && string(value[:KeySize]) == string(key) {
			kept++
		}
		buf = value
	}
	return kept
}

func (w *Workload) newValue() []byte {
	value := make([]byte, w.ValueSize)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(value)
	return value
}

// Op is one kind of work.
type Op string

// The kinds of work: AppendGet copies the value into the caller's buffer, View looks at it where it lies (its first byte),
// Set overwrites it with a value that the cache must not share with the caller.
const (
	AppendGet Op = "AppendGet"
	View      Op = "View"
	Set       Op = "Set"
)

// Ops lists every Op.
func Ops() []Op { return []Op{AppendGet, View, Set} }

// Result is what a Run cost. CPU is that of the whole process, the collector's work included.
type Result struct {
	Ops, Hits int
	Wall, CPU time.Duration
}

// Run does ops operations of one kind, shared evenly among goroutines, each from its own place in the sequence on. Hits
// counts the operations that found their key (for Set: that were accepted).
func (w *Workload) Run(p Peer, op Op, ops, goroutines int) (Result, error) {
	if ops < 0 || goroutines < 1 {
		return Result{}, fmt.Errorf("%d operations by %d goroutines cannot be run", ops, goroutines)
	}
	before, err := CPUTime()
	if err != nil {
		return Result{}, err
	}
	begin := time.Now()
	hits := make([]int, goroutines)
	var workers sync.WaitGroup
	for g := range goroutines {
		share := ops*(g+1)/goroutines - ops*g/goroutines
		start := w.sequence.Len() * g / goroutines
		workers.Go(func() { hits[g] = w.work(p, op, start, share) })
	}
	workers.Wait()
	r := Result{Ops: ops, Wall: time.Since(begin)}
	after, err := CPUTime()
	r.CPU = after - before
	for _, h := range hits {
		r.Hits += h
	}
	return r, err
}

// work runs through the sequence from start on, in a circle.
func (w *Workload) work(p Peer, op Op, start, ops int) (hits int) {
	value, buf := w.newValue(), make([]byte, 0, w.ValueSize)
	for ops > 0 {
		n := min(ops, w.sequence.Len()-start)
		keys := w.sequence.slice(start, start+n)
		switch op {
		case AppendGet:
			hits += p.AppendGet(keys, buf)
		case View:
			hits += p.View(keys)
		case Set:
			hits += p.Set(keys, value)
		}
		ops -= n
		start = 0
	}
	return hits
}
