package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// roundTrip saves random records in many sections at once and compares what is loaded with them.
func roundTrip(t testing.TB, seed uint64, blockSize, sections, records, big int) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var lists [][]Record
	var want []Record
	for i := range sections {
		list := randomRecords(rnd, i, records, big)
		if len(list) > 0 {
			lists = append(lists, list)
			want = append(want, list...)
		}
	}
	slices.SortFunc(want, func(a, b Record) int { return bytes.Compare(a.Key, b.Key) })
	data, written := write(t, testHeader, blockSize, lists...)
	got, info, err := load(data, ReadOptions{Workers: 1 + rnd.IntN(5)})
	require.NoError(t, err)
	require.Equal(t, len(want), len(got))
	for i := range want {
		require.Equal(t, want[i], got[i])
	}
	require.Equal(t, written, info)
	require.EqualValues(t, len(want), info.Records)
}

func TestRoundTrip(t *testing.T) {
	for _, c := range []struct{ blockSize, sections, records, big int }{
		{64, 1, 0, 0}, {64, 1, 1, 0}, {64, 8, 50, 1000}, {1000, 16, 200, 5000}, {blockBytes, 4, 5000, 1000},
		{blockBytes, 3, 60, 3 * blockBytes}, {maxFrameBytes, 2, 500, 20000},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) { roundTrip(t, 7, c.blockSize, c.sections, c.records, c.big) })
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(uint64(1), uint16(64), uint8(1), uint8(3), uint16(10))
	f.Add(uint64(2), uint16(100), uint8(15), uint8(40), uint16(3000))
	f.Add(uint64(3), uint16(60000), uint8(4), uint8(250), uint16(65535))
	f.Fuzz(func(t *testing.T, seed uint64, blockSize uint16, sections, records uint8, big uint16) {
		roundTrip(t, seed, maxHead+int(blockSize), 1+int(sections%16), int(records), int(big))
	})
}

// TestEdgeSizes puts records exactly at, below and above what a block holds.
func TestEdgeSizes(t *testing.T) {
	const blockSize = 200
	for size := blockSize - 30; size <= 3*blockSize+10; size++ {
		records := []Record{
			{Kind: KindString, Key: []byte("a"), Payload: make([]byte, size)},
			{Kind: KindString, Key: make([]byte, size), Payload: []byte{}},
			{Kind: KindString, Key: []byte("c"), Payload: []byte("x")},
		}
		data, _ := write(t, testHeader, blockSize, records)
		got, _, err := load(data, ReadOptions{Workers: 2})
		require.NoError(t, err)
		require.Equal(t, []Record{records[1], records[0], records[2]}, got)
	}
}

func TestHeader(t *testing.T) {
	data, _ := write(t, testHeader, blockBytes)
	var seen Header
	info, err := Read(bytes.NewReader(data), ReadOptions{OnHeader: func(h Header) error {
		seen = h
		return nil
	}}, nil)
	require.NoError(t, err)
	want := testHeader
	want.Version = formatVersion
	assert.Equal(t, want, seen)
	assert.Equal(t, want, info.Header)

	stop := errors.New("no")
	_, err = Read(bytes.NewReader(data), ReadOptions{OnHeader: func(Header) error { return stop }}, nil)
	assert.Same(t, stop, err)

	for name, h := range map[string]Header{
		"no shards":       {},
		"negative shards": {Shards: -1},
		"too many shards": {Shards: MaxShards + 1},
		"long creator":    {Shards: 1, Creator: string(make([]byte, 256))},
		"long attributes": {Shards: 1, Attributes: map[string]string{"x": string(make([]byte, maxInfoBytes))}},
	} {
		var buf bytes.Buffer
		_, err := NewWriter(&buf, h)
		assert.Error(t, err, name)
		assert.Zero(t, buf.Len(), name)
	}
}

// TestHeaderBytes holds the drawing in format.go to its word.
func TestHeaderBytes(t *testing.T) {
	data, _ := write(t, Header{Creator: "d1", CreatedMs: 258, Shards: 3}, blockBytes,
		[]Record{{Shard: 2, DB: 1, Kind: KindString, Flags: 9, ExpireAtMs: 300, Access: 5,
			Key: []byte("k"), Payload: []byte("vw")}})
	assert.Equal(t, "DARTER\x00\n"+"\x01\x00"+"\x00\x00"+"\x03\x00\x00\x00"+"\x02\x01\x00\x00\x00\x00\x00\x00"+"\x02"+"d1",
		string(data[:27]))
	info, block := data[31:], data[64:]
	assert.Equal(t, "\x01\x00\x00\x00"+"\x00\x00\x00\x00"+"\x00\x00\x00\x00"+"\x00\x00\x00\x00"+"\x01\x00\x00\x00"+
		"\x01\x00\x00\x00", string(info[:24]))
	assert.Equal(t, "\x02\x00\x00\x00"+"\x01\x00\x00\x00"+"\x02\x00\x00\x00"+"\x01\x00\x00\x00"+"\x0b\x00\x00\x00"+
		"\x0b\x00\x00\x00", string(block[:24]))
	assert.Equal(t, "\x01\x09"+"\x01"+"\xac\x02"+"\x05"+"\x01"+"\x02"+"k"+"vw", string(block[32:43]))
	end := block[43:]
	assert.Equal(t, "\x04\x00\x00\x00"+"\x02\x00\x00\x00", string(end[:8]))
	assert.Equal(t, "\x01\x00\x00\x00\x00\x00\x00\x00"+"\x0b\x00\x00\x00\x00\x00\x00\x00"+"\x02\x00\x00\x00\x00\x00\x00\x00",
		string(end[32:56]))
	assert.Equal(t, "\x01\x00"+"\x01"+"\x01\x00\x00\x00\x00\x00\x00\x00", string(end[60:]))
}

func TestUnfitRecords(t *testing.T) {
	w, err := NewWriter(io.Discard, Header{Shards: 2})
	require.NoError(t, err)
	s := w.Section(1)
	for name, r := range map[string]Record{
		"no kind":         {},
		"negative db":     {Kind: 1, DB: -1},
		"negative expiry": {Kind: 1, ExpireAtMs: -1},
	} {
		assert.Error(t, s.Add(r), name)
	}
	assert.Error(t, w.Section(2).Add(Record{Kind: 1}))
	assert.Error(t, w.Section(-1).Add(Record{Kind: 1}))
	assert.NoError(t, s.Add(Record{Kind: 1}))
	assert.NoError(t, s.Flush())
	assert.NoError(t, s.Flush())
	require.NoError(t, w.Close())
	assert.EqualValues(t, 1, w.Info().Records)
	assert.ErrorIs(t, w.Close(), ErrClosed)
	assert.ErrorIs(t, s.Add(Record{Kind: 1}), ErrClosed)
	assert.ErrorIs(t, s.Flush(), ErrClosed)
}

func TestCloseWithPendingRecords(t *testing.T) {
	var buf bytes.Buffer
	w, err := NewWriter(&buf, Header{Shards: 2})
	require.NoError(t, err)
	s := w.Section(0)
	require.NoError(t, s.Add(Record{Kind: 1}))
	assert.ErrorContains(t, w.Close(), "1 sections had records pending")
	assert.Error(t, s.Flush())
	assert.Error(t, w.Close())
	_, _, err = load(buf.Bytes(), ReadOptions{})
	assert.ErrorContains(t, err, "without an end frame")
}

func TestTooLargeRecord(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes untouched memory cost")
	}
	w, err := NewWriter(io.Discard, Header{Shards: 1})
	require.NoError(t, err)
	half := make([]byte, MaxRecordBytes/2+1)
	err = w.Section(0).Add(Record{Kind: 1, Key: half, Payload: half})
	assert.ErrorContains(t, err, "at most 1073741824 together")
	assert.NoError(t, w.Close())
}

// limitedWriter takes n bytes and then fails, with err or, if that is nil, by a short count.
type limitedWriter struct {
	n   int
	err error
}

func (w *limitedWriter) Write(b []byte) (int, error) {
	n := min(len(b), w.n)
	w.n -= n
	if n < len(b) {
		return n, w.err
	}
	return n, nil
}

func TestFailingWriter(t *testing.T) {
	full := errors.New("disk full")
	rnd := rand.New(rand.NewPCG(1, 1))
	records := randomRecords(rnd, 0, 100, 2000)
	data, _ := write(t, testHeader, 500, records)
	for n := 0; n < len(data); n += 97 {
		for _, cause := range []error{full, nil} {
			want := cause
			if want == nil {
				want = io.ErrShortWrite
			}
			w, err := newWriter(&limitedWriter{n, cause}, testHeader, 500)
			if err != nil {
				require.ErrorIs(t, err, want)
				continue
			}
			s, idle := w.Section(0), w.Section(1)
			for _, r := range records {
				if err = s.Add(r); err != nil {
					break
				}
			}
			if err == nil {
				err = s.Flush()
			}
			if err == nil {
				err = w.Close()
			}
			require.ErrorIs(t, err, want)
			require.Equal(t, err, w.Close())
			require.Equal(t, err, s.Flush())
			require.Equal(t, err, idle.Add(Record{Kind: 1}))
		}
	}
}

func TestFailingReader(t *testing.T) {
	broken := errors.New("broken pipe")
	data, _ := write(t, testHeader, 500, randomRecords(rand.New(rand.NewPCG(1, 1)), 0, 100, 2000))
	for n := len(data); n >= 0; n -= 41 {
		_, err := Read(io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(broken)), ReadOptions{Workers: 3},
			func(int, *Record) error { return nil })
		require.ErrorIs(t, err, broken)
		require.NotErrorAs(t, err, new(*CorruptError))
		require.ErrorContains(t, err, fmt.Sprintf("read at byte %d:", n))
	}
	for _, r := range []io.Reader{iotest.OneByteReader(bytes.NewReader(data)), iotest.DataErrReader(bytes.NewReader(data))} {
		info, err := Read(r, ReadOptions{}, func(int, *Record) error { return nil })
		require.NoError(t, err)
		require.EqualValues(t, 100, info.Records)
	}
}

// working says whether a worker of any Read is alive. It looks for the function on the stacks: a count of goroutines would
// include those that have ended and are only about to vanish.
func working() bool {
	stacks := make([]byte, 1<<20)
	return bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("archive.(*loader).work("))
}

func TestHandleError(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	data, _ := write(t, testHeader, 300, randomRecords(rnd, 0, 500, 3000), randomRecords(rnd, 1, 500, 3000))
	stop := errors.New("enough")
	for _, workers := range []int{1, 4} {
		for _, after := range []int64{1, 10, 999} {
			var calls, under atomic.Int64
			var done atomic.Bool
			_, err := Read(bytes.NewReader(data), ReadOptions{Workers: workers}, func(w int, _ *Record) error {
				under.Add(1)
				defer under.Add(-1)
				if w >= workers || done.Load() {
					panic("a call that must not be")
				}
				if calls.Add(1) >= after {
					return stop
				}
				for range 10 {
					runtime.Gosched()
				}
				return nil
			})
			done.Store(true)
			require.Zero(t, under.Load())
			require.False(t, working())
			require.Same(t, stop, err)
			require.LessOrEqual(t, calls.Load(), after+int64(workers))
		}
	}
	_, err := Read(bytes.NewReader(data), ReadOptions{Workers: 2}, func(int, *Record) error { panic("oh no") })
	require.ErrorContains(t, err, "oh no")
	require.False(t, working())
	_, err = Read(bytes.NewReader(data), ReadOptions{Workers: 2}, func(int, *Record) error {
		runtime.Goexit()
		return nil
	})
	require.ErrorContains(t, err, "ended its goroutine")
}

// TestWorkersAreAlone checks that one worker is never in two calls at a time, so that what belongs to a worker needs no
// lock.
func TestWorkersAreAlone(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	data, _ := write(t, testHeader, 300, randomRecords(rnd, 0, 2000, 3000), randomRecords(rnd, 1, 2000, 3000))
	counts := make([]int, 4)
	var busy [4]atomic.Bool
	_, err := Read(bytes.NewReader(data), ReadOptions{Workers: 4}, func(w int, _ *Record) error {
		if busy[w].Swap(true) {
			return errors.New("called twice")
		}
		counts[w]++
		busy[w].Store(false)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, 4000, counts[0]+counts[1]+counts[2]+counts[3])
}

func TestProgress(t *testing.T) {
	data, _ := write(t, testHeader, 300, randomRecords(rand.New(rand.NewPCG(1, 1)), 0, 500, 3000))
	var bytesSeen, recordsSeen int64
	info, err := Read(bytes.NewReader(data), ReadOptions{Workers: 2, Progress: func(b, r int64) {
		require.GreaterOrEqual(t, b, bytesSeen)
		require.GreaterOrEqual(t, r, recordsSeen)
		bytesSeen, recordsSeen = b, r
	}}, func(int, *Record) error { return nil })
	require.NoError(t, err)
	assert.EqualValues(t, len(data), bytesSeen)
	assert.EqualValues(t, 500, recordsSeen)
	assert.EqualValues(t, len(data), info.Bytes)
}

// TestEmbedded reads two files and a tail from one stream.
func TestEmbedded(t *testing.T) {
	a, _ := write(t, testHeader, 300, randomRecords(rand.New(rand.NewPCG(1, 1)), 0, 50, 300))
	b, _ := write(t, testHeader, 300, randomRecords(rand.New(rand.NewPCG(2, 1)), 0, 70, 300))
	stream := bytes.NewReader(slices.Concat(a, b, []byte("tail")))
	for _, want := range []int64{50, 70} {
		info, err := Read(stream, ReadOptions{Embedded: true}, func(int, *Record) error { return nil })
		require.NoError(t, err)
		require.Equal(t, want, info.Records)
	}
	assert.Equal(t, 4, stream.Len())
}

// allocated returns the bytes that f allocates on the Go heap.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestLargeValueMemory saves and loads a value of 20 MiB. Saving takes a few buffers; loading takes the value, a third of
// it for the copies that growth leaves behind, and a few buffers.
func TestLargeValueMemory(t *testing.T) {
	const size = 20 << 20
	value := make([]byte, size)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := 0; i < size; i += 3 {
		value[i] = byte(rnd.Uint32())
	}
	var file bytes.Buffer
	file.Grow(size + 1<<20)
	wrote := allocated(func() {
		w, err := NewWriter(&file, Header{Shards: 1})
		require.NoError(t, err)
		s := w.Section(0)
		require.NoError(t, s.Add(Record{Kind: KindString, Key: []byte("small"), Payload: value[:100]}))
		require.NoError(t, s.Add(Record{Kind: KindString, Key: []byte("large"), Payload: value}))
		require.NoError(t, s.Add(Record{Kind: KindString, Key: []byte("after"), Payload: value[:100]}))
		require.NoError(t, s.Flush())
		require.NoError(t, w.Close())
	})
	// Under the race detector a pool forgets at random, and each piece may get a buffer of its own.
	if !raceEnabled {
		assert.Less(t, wrote, uint64(2<<20))
	}
	same := atomic.Int64{}
	read := allocated(func() {
		_, err := Read(bytes.NewReader(file.Bytes()), ReadOptions{Workers: 2}, func(_ int, r *Record) error {
			if bytes.Equal(r.Payload, value[:len(r.Payload)]) && cap(r.Payload) <= size {
				same.Add(1)
			}
			return nil
		})
		require.NoError(t, err)
	})
	assert.EqualValues(t, 3, same.Load())
	assert.Less(t, read, uint64(size+size/3+4<<20))
}

// TestAddAllocates checks that adding small records costs no allocation, writes included.
func TestAddAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	w, err := NewWriter(io.Discard, Header{Shards: 1})
	require.NoError(t, err)
	s := w.Section(0)
	r := Record{Kind: KindString, Key: make([]byte, 16), Payload: make([]byte, 1000), ExpireAtMs: math.MaxInt64}
	assert.Zero(t, testing.AllocsPerRun(2000, func() {
		if err := s.Add(r); err != nil {
			t.Fatal(err)
		}
	}))
}

// TestIdleSections checks that a flushed section holds no buffer.
func TestIdleSections(t *testing.T) {
	w, err := NewWriter(io.Discard, Header{Shards: 64})
	require.NoError(t, err)
	for i := range 64 {
		s := w.Section(i)
		require.NoError(t, s.Add(Record{Kind: 1, Key: []byte("k")}))
		require.NotNil(t, s.pending)
		require.NoError(t, s.Flush())
		require.Nil(t, s.pending)
	}
	require.NoError(t, w.Close())
}

// TestManySectionsOfLargeRecords has more unfinished records at once than the reader has workers.
func TestManySectionsOfLargeRecords(t *testing.T) {
	var lists [][]Record
	for shard := range 16 {
		list := make([]Record, 20)
		for i := range list {
			key := fmt.Appendf(nil, "%d:%d", shard, i)
			list[i] = Record{Shard: shard, Kind: KindList, Key: key, Payload: make([]byte, 1000*i+1)}
		}
		lists = append(lists, list)
	}
	data, _ := write(t, testHeader, 100, lists...)
	for _, workers := range []int{1, 2, 7} {
		var mu sync.Mutex
		sizes := make(map[string]int)
		info, err := Read(bytes.NewReader(data), ReadOptions{Workers: workers}, func(_ int, r *Record) error {
			mu.Lock()
			defer mu.Unlock()
			sizes[fmt.Sprint(r.Shard, "/", string(r.Key))] = len(r.Payload)
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, map[Kind]int64{KindList: 320}, info.Kinds)
		for shard := range 16 {
			for i := range 20 {
				require.Equal(t, 1000*i+1, sizes[fmt.Sprintf("%d/%d:%d", shard, shard, i)])
			}
		}
	}
}
