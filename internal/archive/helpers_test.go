package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var testHeader = Header{
	Creator:    "darter 0.0.0-test",
	CreatedMs:  1_700_000_000_123,
	Shards:     16,
	Attributes: map[string]string{"databases": "16", "": "empty name", "note": "\x00\xff"},
}

// clone copies a record out of Read's hands.
func clone(r *Record) Record {
	c := *r
	c.Key, c.Payload = append([]byte{}, r.Key...), append([]byte{}, r.Payload...)
	return c
}

// randomRecords makes n records of one shard with keys of their own; few payloads are longer than big.
func randomRecords(rnd *rand.Rand, shard, n, big int) []Record {
	out := make([]Record, n)
	for i := range out {
		r := &out[i]
		r.Shard = shard
		r.DB = []int{0, 1, 15, math.MaxInt32}[rnd.IntN(4)]
		r.Kind = Kind(1 + rnd.IntN(6))
		if rnd.IntN(8) == 0 {
			r.Kind = 255
		}
		r.Flags = byte(rnd.Uint32())
		r.ExpireAtMs = []int64{0, 1, 1_700_000_000_000, math.MaxInt64}[rnd.IntN(4)]
		r.Access = rnd.Uint64() >> rnd.IntN(64)
		r.Key = fmt.Appendf([]byte{}, "%d:%d:", shard, i)
		if rnd.IntN(50) == 0 {
			r.Key = append(r.Key, make([]byte, rnd.IntN(big+1))...)
		}
		size := rnd.IntN(64)
		if rnd.IntN(20) == 0 {
			size = rnd.IntN(big + 1)
		}
		r.Payload = make([]byte, size)
		if rnd.IntN(2) == 0 {
			for j := range r.Payload {
				r.Payload[j] = byte(rnd.Uint32())
			}
		}
	}
	return out
}

// write saves the records, one goroutine per list, each list in the section its records name.
func write(t testing.TB, h Header, blockSize int, lists ...[]Record) ([]byte, Info) {
	var buf bytes.Buffer
	w, err := newWriter(&buf, h, blockSize)
	require.NoError(t, err)
	var wg sync.WaitGroup
	errs := make([]error, len(lists))
	for i, list := range lists {
		wg.Go(func() {
			s := w.Section(list[0].Shard)
			scratch := Record{}
			for _, r := range list {
				// What Add is given is spoilt at once: it must not be kept.
				scratch = r
				scratch.Key = append([]byte{}, r.Key...)
				scratch.Payload = append([]byte{}, r.Payload...)
				if errs[i] = s.Add(scratch); errs[i] != nil {
					return
				}
				clear(scratch.Key)
				clear(scratch.Payload)
			}
			errs[i] = s.Flush()
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	info := w.Info()
	require.EqualValues(t, buf.Len(), info.Bytes)
	return buf.Bytes(), info
}

// load reads a file and returns its records sorted by key.
func load(data []byte, opts ReadOptions) ([]Record, Info, error) {
	var mu sync.Mutex
	var out []Record
	info, err := Read(bytes.NewReader(data), opts, func(_ int, r *Record) error {
		c := clone(r)
		clear(r.Key) // handle may write to what it is given
		clear(r.Payload)
		mu.Lock()
		defer mu.Unlock()
		out = append(out, c)
		return nil
	})
	slices.SortFunc(out, func(a, b Record) int { return bytes.Compare(a.Key, b.Key) })
	return out, info, err
}

// part is one frame of a file, payload included.
type part struct {
	header frameHeader
	body   []byte
}

// split takes a sound file apart.
func split(t testing.TB, data []byte) (head []byte, parts []part) {
	n := fileHeaderFixed + int(data[fileHeaderFixed-1]) + 4
	head, data = data[:n], data[n:]
	for len(data) > 0 {
		var p part
		require.True(t, p.header.parse(data))
		end := frameHeaderSize + int(p.header.storedLen)
		p.body = append([]byte{}, data[frameHeaderSize:end]...)
		parts = append(parts, p)
		data = data[end:]
	}
	return head, parts
}

// join is the reverse. It writes the headers as they are, with fresh header checksums.
func join(head []byte, parts []part) []byte {
	out := append([]byte{}, head...)
	for _, p := range parts {
		var b [frameHeaderSize]byte
		p.header.put(b[:])
		out = append(append(out, b[:]...), p.body...)
	}
	return out
}

// forge makes the file that a liar with a good knowledge of the format would: lengths of raw payloads, payload checksums,
// ordinals, and all that the end frame says but the kinds are made to fit.
func forge(head []byte, parts []part) []byte {
	chain := chainSum(0, head)
	var records, raw uint64
	for i := range parts {
		p := &parts[i]
		if p.header.typ == frameEnd && len(p.body) >= endFixed {
			binary.LittleEndian.PutUint64(p.body, records)
			binary.LittleEndian.PutUint64(p.body[8:], raw)
			binary.LittleEndian.PutUint64(p.body[16:], uint64(i))
			binary.LittleEndian.PutUint32(p.body[24:], chain)
		}
		p.header.ordinal = uint32(i)
		p.header.storedLen = uint32(len(p.body))
		if p.header.codec == codecRaw {
			p.header.rawLen = p.header.storedLen
		}
		p.header.payloadSum = checksum(p.body)
		records += uint64(p.header.records)
		if p.header.typ == frameBlock || p.header.typ == framePiece {
			raw += uint64(p.header.rawLen)
		}
		var b [frameHeaderSize]byte
		p.header.put(b[:])
		chain = chainSum(chain, b[:])
	}
	return join(head, parts)
}
