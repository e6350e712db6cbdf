package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// small is a file with all frame types: info, raw and compressed blocks of several shards, pieces, end.
func small(t testing.TB) []byte {
	rnd := rand.New(rand.NewPCG(5, 5))
	zeros := Record{Shard: 2, Kind: KindSet, Key: []byte("zeros"), Payload: make([]byte, 400)}
	data, _ := write(t, testHeader, 160, randomRecords(rnd, 0, 6, 40), randomRecords(rnd, 1, 6, 40), []Record{zeros})
	_, parts := split(t, data)
	seen := make(map[[2]byte]bool)
	for _, p := range parts {
		seen[[2]byte{byte(p.header.typ), p.header.codec}] = true
	}
	for _, want := range [][2]byte{{1, 0}, {2, 0}, {2, 1}, {3, 1}, {4, 0}} {
		require.True(t, seen[want], want)
	}
	return data
}

// refused loads a file that is unsound and returns the error, which must be one of the two kinds and name a place in the
// file.
func refused(t *testing.T, data []byte, hint ...any) error {
	t.Helper()
	_, _, err := load(data, ReadOptions{Workers: 2})
	var damage *CorruptError
	var newer *UnsupportedError
	switch {
	case errors.As(err, &damage):
		require.True(t, 0 <= damage.Offset && damage.Offset <= int64(len(data)), err)
	case errors.As(err, &newer):
		require.True(t, 0 <= newer.Offset && newer.Offset <= int64(len(data)), err)
	default:
		require.Fail(t, "accepted, or another error", "%v %v", err, hint)
	}
	return err
}

func TestTruncated(t *testing.T) {
	data := small(t)
	for n := range len(data) {
		err := refused(t, data[:n], n)
		var damage *CorruptError
		require.ErrorAs(t, err, &damage)
		require.EqualValues(t, n, damage.Offset)
		require.Contains(t, damage.Reason, "ends")
	}
	refused(t, append(slices.Clone(data), 0))
	refused(t, append(slices.Clone(data), data...))
	refused(t, []byte("REDIS0011\xfa\x09redis-ver"))
}

// TestFlipped changes every bit of every byte: no place is harmless.
func TestFlipped(t *testing.T) {
	data := small(t)
	head, parts := split(t, data)
	starts := []int{0, len(head)}
	for _, p := range parts {
		starts = append(starts, starts[len(starts)-1]+frameHeaderSize+len(p.body))
	}
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			err := refused(t, data, i, bit)
			var damage *CorruptError
			require.ErrorAs(t, err, &damage)
			at := slices.IndexFunc(starts, func(start int) bool { return start > i }) - 1
			if i != fileHeaderFixed-1 { // a flip in the creator's length may make the header longer than the file
				require.EqualValues(t, starts[at], damage.Offset, err)
			}
			data[i] ^= 1 << bit
		}
	}
	_, _, err := load(data, ReadOptions{})
	require.NoError(t, err)
}

// TestFailure checks which of several errors is kept, and that nothing is delivered after the first.
func TestFailure(t *testing.T) {
	calls := 0
	l := &loader{stop: make(chan struct{}), handle: func(int, *Record) error {
		calls++
		return nil
	}}
	require.NoError(t, l.deliver(&worker{}))
	l.fail(corrupt(500, "b"))
	require.NoError(t, l.deliver(&worker{}))
	assert.Equal(t, 1, calls)
	l.fail(corrupt(900, "c"))
	l.fail(errors.New("of the handler"))
	l.fail(corrupt(100, "a"))
	assert.ErrorContains(t, l.failure.err, "byte 100: a")
}

// TestFramesMoved drops, repeats and swaps frames: as they are, with ordinals made to fit, and with everything made to fit
// but the end frame's checksum over all frames.
func TestFramesMoved(t *testing.T) {
	data := small(t)
	head, parts := split(t, data)
	renumbered := func(parts []part) []byte {
		parts = slices.Clone(parts)
		for i := range parts {
			parts[i].header.ordinal = uint32(i)
		}
		return join(head, parts)
	}
	check := func(moved []part, what string) {
		t.Helper()
		// The ordinals tell at the first frame that is out of place.
		at, first := int64(len(head)), 0
		for first < len(moved) && moved[first].header.ordinal == uint32(first) {
			at += frameHeaderSize + int64(len(moved[first].body))
			first++
		}
		var damage *CorruptError
		require.ErrorAs(t, refused(t, join(head, moved), what), &damage)
		require.Equal(t, at, damage.Offset, what)
		if first < len(moved) && first > 0 && moved[first-1].header.typ != frameEnd {
			require.Contains(t, damage.Reason, "dropped, repeated or moved", what)
		}
		refused(t, renumbered(moved), what)
	}
	for i := range parts {
		check(slices.Delete(slices.Clone(parts), i, i+1), "dropped")
		check(slices.Insert(slices.Clone(parts), i, parts[i]), "repeated")
		for j := range i {
			swapped := slices.Clone(parts)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			check(swapped, "swapped")
		}
	}
	// A frame of another file of the same shape.
	foreign := slices.Clone(parts)
	i := slices.IndexFunc(foreign, func(p part) bool { return p.header.typ == frameBlock && p.header.codec == codecRaw })
	foreign[i].body = slices.Clone(foreign[i].body)
	foreign[i].body[len(foreign[i].body)-1] ^= 1
	foreign[i].header.payloadSum = checksum(foreign[i].body)
	err := refused(t, join(head, foreign))
	assert.ErrorContains(t, err, "the end frame belongs to other frames")
}

// body encodes records as a block's payload.
func body(records ...Record) []byte {
	var b []byte
	for _, r := range records {
		b = append(append(r.appendHead(b), r.Key...), r.Payload...)
	}
	return b
}

// TestForged loads files that are consistent in all checksums and wrong in one place.
func TestForged(t *testing.T) {
	one := Record{Kind: KindString, Key: []byte("key"), Payload: bytes.Repeat([]byte("v"), 200)}
	uvarints := func(prefix string, vs ...uint64) []byte {
		b := []byte(prefix)
		for _, v := range vs {
			b = binary.AppendUvarint(b, v)
		}
		return b
	}
	block := func(records uint32, body []byte) part {
		return part{header: frameHeader{typ: frameBlock, records: records}, body: body}
	}
	piece := func(shard, last uint32, body []byte) part {
		return part{header: frameHeader{typ: framePiece, shard: shard, records: last}, body: body}
	}
	packed := func(rawLen uint32, body []byte) part {
		return part{header: frameHeader{typ: frameBlock, codec: codecS2, records: 1, rawLen: rawLen}, body: body}
	}
	whole := body(one)
	squeezed := s2.Encode(nil, whole)
	for name, c := range map[string]struct {
		parts []part
		want  string
	}{
		"no kind":            {[]part{block(1, uvarints("\x00\x00", 0, 0, 0, 0, 0))}, "no kind"},
		"cut head":           {[]part{block(1, uvarints("\x01\x00", 0, 0, 0, 1))}, "head is cut off"},
		"one byte":           {[]part{block(1, []byte("\x01"))}, "head is cut off"},
		"65 bits":            {[]part{block(1, []byte("\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))}, "more than 64 bits"},
		"big db":             {[]part{block(1, uvarints("\x01\x00", 1<<31, 0, 0, 0, 0))}, "database 2147483648"},
		"big expiry":         {[]part{block(1, uvarints("\x01\x00", 0, 1<<63, 0, 0, 0))}, "expiry is out of range"},
		"big key":            {[]part{block(1, uvarints("\x01\x00", 0, 0, 0, 1<<63, 0))}, "claims a key of"},
		"big payload":        {[]part{block(1, uvarints("\x01\x00", 0, 0, 0, 0, 1<<64-1))}, "claims a key of"},
		"big sum":            {[]part{block(1, uvarints("\x01\x00", 0, 0, 0, 1<<30, 1))}, "claims a key of"},
		"long key":           {[]part{block(1, uvarints("\x01\x00", 0, 0, 0, 1<<30, 0))}, "past the end of its block"},
		"more records":       {[]part{block(2, whole)}, "head is cut off"},
		"fewer records":      {[]part{block(1, append(slices.Clone(whole), whole...))}, "bytes after the last record"},
		"no records":         {[]part{block(0, whole)}, "without a record"},
		"4 billion records":  {[]part{block(1<<32-1, whole)}, "head is cut off"},
		"s2 longer":          {[]part{packed(uint32(len(whole)+1), squeezed)}, "doesn't decompress"},
		"s2 shorter":         {[]part{packed(uint32(len(whole)-1), squeezed)}, "doesn't decompress"},
		"s2 broken":          {[]part{packed(uint32(len(whole)), squeezed[:len(squeezed)-1])}, "doesn't decompress"},
		"s2 empty":           {[]part{packed(10, nil)}, "doesn't decompress"},
		"s2 no gain":         {[]part{packed(5, squeezed)}, "stored bytes for"},
		"raw length 4 GiB":   {[]part{packed(1<<32-1, squeezed)}, "a frame claims 4294967295 bytes"},
		"raw length 0":       {[]part{block(1, nil)}, "a frame claims 0 bytes"},
		"too long a frame":   {[]part{block(1, make([]byte, maxFrameBytes+1))}, "a frame claims 1048577 bytes"},
		"foreign shard":      {[]part{{header: frameHeader{typ: frameBlock, shard: 16, records: 1}, body: whole}}, "shard 16"},
		"second info":        {[]part{{header: frameHeader{typ: frameInfo}, body: []byte{0}}}, "second info"},
		"second end":         {[]part{{header: frameHeader{typ: frameEnd}, body: make([]byte, endFixed)}}, "bytes after the end frame"},
		"short end":          {[]part{{header: frameHeader{typ: frameEnd}, body: make([]byte, 3)}}, "end frame is malformed"},
		"short pieces":       {[]part{piece(0, 0, whole[:20]), piece(0, 1, whole[20:50])}, "shorter than the record"},
		"long pieces":        {[]part{piece(0, 0, whole), piece(0, 1, []byte("x"))}, "longer than the record"},
		"cut first piece":    {[]part{piece(0, 0, whole[:3]), piece(0, 1, whole[3:])}, "head is cut off"},
		"pieces of two":      {[]part{piece(0, 0, whole[:20]), piece(1, 1, whole[20:])}, "a piece of shard 1 among those"},
		"piece of 2 records": {[]part{piece(0, 2, whole)}, "a piece of 2 records"},
		"huge piece":         {[]part{piece(0, 0, uvarints("\x01\x00", 0, 0, 0, 0, 1<<40)), piece(0, 1, whole)}, "claims a key of"},
		"unknown type 0":     {[]part{{header: frameHeader{typ: 0}, body: whole}}, "unknown frame type 0"},
		"unknown type 5":     {[]part{{header: frameHeader{typ: 5}, body: whole}}, "unknown frame type 5"},
		"unknown type 127":   {[]part{{header: frameHeader{typ: 127}, body: whole}}, "unknown frame type 127"},
		"unknown codec":      {[]part{{header: frameHeader{typ: frameBlock, codec: 2, rawLen: 999}, body: whole}}, "unknown codec 2"},
		"unknown flags":      {[]part{{header: frameHeader{typ: frameBlock, flags: 4, records: 1}, body: whole}}, "unknown frame flags 0x4"},
		"skippable records":  {[]part{{header: frameHeader{typ: 0x80, records: 1}, body: whole}}, "skippable"},
	} {
		t.Run(name, func(t *testing.T) {
			head, parts := split(t, small(t))
			err := refused(t, forge(head, slices.Insert(parts, 1, c.parts...)))
			assert.ErrorContains(t, err, c.want)
		})
	}
	t.Run("raw lengths differ", func(t *testing.T) {
		head, parts := split(t, small(t))
		i := slices.IndexFunc(parts, func(p part) bool { return p.header.codec == codecRaw && p.header.typ == frameBlock })
		parts[i].header.rawLen++
		assert.ErrorContains(t, refused(t, join(head, parts)), "uncompressed")
	})
	t.Run("wrong kinds", func(t *testing.T) {
		head, parts := split(t, small(t))
		parts[len(parts)-1].body[endFixed+1]++
		assert.ErrorContains(t, refused(t, forge(head, parts)), "other kinds")
	})
	t.Run("unfinished", func(t *testing.T) {
		head, parts := split(t, small(t))
		file := forge(head, slices.Insert(parts, len(parts)-1, piece(0, 0, whole[:50])))
		assert.ErrorContains(t, refused(t, file), "ends inside a large record")
	})
	t.Run("wrong count", func(t *testing.T) {
		head, parts := split(t, small(t))
		end := &parts[len(parts)-1]
		end.body[0]++
		end.header.payloadSum = checksum(end.body)
		assert.ErrorContains(t, refused(t, join(head, parts)), "other frames")
	})
	t.Run("kinds twice", func(t *testing.T) {
		head, parts := split(t, small(t))
		b := parts[len(parts)-1].body
		b[endFixed+endPerKind] = b[endFixed]
		assert.ErrorContains(t, refused(t, forge(head, parts)), "end frame is malformed")
	})
	for name, info := range map[string]string{
		"endless count": "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut": "\x01\x05ab", "tail": "\x00x",
		"order": "\x02\x01b\x00\x01a\x00", "twice": "\x02\x01b\x00\x01b\x00", "no value": "\x01\x01b",
	} {
		t.Run("info "+name, func(t *testing.T) {
			head, parts := split(t, small(t))
			parts[0].body = []byte(info)
			assert.ErrorContains(t, refused(t, forge(head, parts)), "info frame is malformed")
		})
	}
	t.Run("info too long", func(t *testing.T) {
		head, parts := split(t, small(t))
		parts[0].body = make([]byte, maxInfoBytes+1)
		assert.ErrorContains(t, refused(t, forge(head, parts)), "an info frame of 65537 bytes")
	})
	t.Run("no info", func(t *testing.T) {
		head, parts := split(t, small(t))
		assert.ErrorContains(t, refused(t, forge(head, parts[1:])), "not an info frame")
	})
}

// TestSkippable puts a frame of a later version into a file, anywhere after the first.
func TestSkippable(t *testing.T) {
	data := small(t)
	want, _, err := load(data, ReadOptions{})
	require.NoError(t, err)
	_, parts := split(t, data)
	for i := 1; i < len(parts); i++ {
		for _, typ := range []frameType{0x80, 0xc3, 0xff} {
			head, parts := split(t, data)
			// Shard and codec of a skippable frame are its own business.
			news := part{header: frameHeader{typ: typ, codec: 77, shard: 99, rawLen: 1000}, body: []byte("from the future")}
			file := forge(head, slices.Insert(parts, i, news))
			got, _, err := load(file, ReadOptions{})
			require.NoError(t, err)
			require.Equal(t, want, got)
			at := bytes.Index(file, []byte("the future"))
			file[at]++
			refused(t, file)
		}
	}
}

func TestFutureVersion(t *testing.T) {
	data := small(t)
	n := fileHeaderFixed + int(data[fileHeaderFixed-1])
	change := func(at int, v uint16) []byte {
		file := slices.Clone(data)
		binary.LittleEndian.PutUint16(file[at:], v)
		binary.LittleEndian.PutUint32(file[n:], checksum(file[:n]))
		return file
	}
	err := refused(t, change(8, formatVersion+1))
	assert.ErrorAs(t, err, new(*UnsupportedError))
	assert.ErrorContains(t, err, `format version 2, written by "darter 0.0.0-test", is newer than version 1`)
	assert.ErrorContains(t, refused(t, change(8, 0)), "no format version 0")
	err = refused(t, change(10, 1))
	assert.ErrorAs(t, err, new(*UnsupportedError))
	assert.ErrorContains(t, err, "unknown file flags 0x1")
	assert.ErrorContains(t, refused(t, change(14, 0xffff)), "shards")
	assert.ErrorContains(t, refused(t, change(12, 0)), "0 shards")
}

func TestMaxRecordBytes(t *testing.T) {
	for _, blockSize := range []int{100, 10_000} {
		data, _ := write(t, testHeader, blockSize, []Record{{Kind: 1, Key: []byte("k"), Payload: make([]byte, 1000)}})
		_, _, err := load(data, ReadOptions{MaxRecordBytes: 1001})
		require.NoError(t, err)
		_, _, err = load(data, ReadOptions{MaxRecordBytes: 1000})
		require.ErrorAs(t, err, new(*CorruptError))
		require.ErrorContains(t, err, "the limit is 1000 together")
	}
}

// TestClaimsDoNotAllocate loads files that claim a gigabyte and bring next to nothing.
func TestClaimsDoNotAllocate(t *testing.T) {
	head, parts := split(t, small(t))
	claim := []byte("\x01\x00\x00\x00\x00\x00")
	claim = binary.AppendUvarint(claim, MaxRecordBytes)
	for name, p := range map[string]part{
		"piece": {header: frameHeader{typ: framePiece}, body: claim},
		"block": {header: frameHeader{typ: frameBlock, records: 1 << 31}, body: claim},
		"frame": {header: frameHeader{typ: frameBlock, codec: codecS2, records: 1, rawLen: maxFrameBytes}, body: claim},
	} {
		file := forge(head, []part{parts[0], p})
		got := allocated(func() {
			_, err := Read(bytes.NewReader(file), ReadOptions{Workers: 2}, func(int, *Record) error { return nil })
			require.ErrorAs(t, err, new(*CorruptError))
		})
		assert.Less(t, got, uint64(3<<20), name)
	}
}

// TestAssemblyGrowsWithArrivals puts a record together from pieces of several sizes and watches the room it takes.
func TestAssemblyGrowsWithArrivals(t *testing.T) {
	for _, step := range []int{1000, blockBytes, maxFrameBytes} {
		const total = 64 << 20
		head := (&Record{Kind: 1}).appendHead(nil)
		head = binary.AppendUvarint(head[:len(head)-1], total)
		var a assembly
		a.begin(0)
		require.Empty(t, a.add(append(head, 'x'), MaxRecordBytes))
		require.LessOrEqual(t, cap(a.buf), 4*assemblyStart+4)
		piece := make([]byte, step)
		for len(a.buf)+step <= total/2 {
			require.Empty(t, a.add(piece, MaxRecordBytes))
			require.LessOrEqual(t, cap(a.buf), 4*max(len(a.buf), assemblyStart)+4)
		}
	}
}

// FuzzBlock hands any payload to the decoder of blocks and pieces, in a file that is sound otherwise.
func FuzzBlock(f *testing.F) {
	one := body(Record{Kind: 1, Key: []byte("k"), Payload: bytes.Repeat([]byte("v"), 100)})
	f.Add(one, uint32(1), byte(codecRaw), uint32(0), false)
	f.Add(s2.Encode(nil, one), uint32(1), byte(codecS2), uint32(len(one)), false)
	f.Add(one, uint32(1), byte(codecRaw), uint32(0), true)
	empty, _ := write(f, testHeader, blockBytes)
	f.Fuzz(func(t *testing.T, payload []byte, records uint32, codec byte, rawLen uint32, pieces bool) {
		head, parts := split(t, empty)
		h := frameHeader{typ: frameBlock, codec: codec, records: records, rawLen: rawLen}
		if pieces {
			h.typ = framePiece
		}
		file := forge(head, []part{parts[0], {header: h, body: payload}, parts[1]})
		total := 0
		_, err := Read(bytes.NewReader(file), ReadOptions{Workers: 1}, func(_ int, r *Record) error {
			if err := r.check(); err != nil {
				t.Fatal(err)
			}
			total += len(r.Key) + len(r.Payload)
			return nil
		})
		// The end frame knows no kinds, so no file with a record is accepted, and a block without one isn't either.
		if err == nil || total > maxFrameBytes {
			t.Fatal(err, total)
		}
	})
}

// FuzzRead hands any bytes to Read.
func FuzzRead(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(magic))
	f.Add(small(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		records := int64(0)
		info, err := Read(bytes.NewReader(data), ReadOptions{Workers: 1}, func(int, *Record) error {
			records++
			return nil
		})
		if info.Records != records || err == nil && info.Bytes != int64(len(data)) {
			t.Fatal(info, records, err)
		}
	})
}

// benchRecord makes a record with a payload of which half compresses.
func benchRecord(rnd *rand.Rand, size int) Record {
	r := Record{Kind: KindString, Key: make([]byte, 16), Payload: make([]byte, size)}
	for i := range size / 2 {
		r.Payload[i] = byte(rnd.Uint32())
	}
	for i := range r.Key {
		r.Key[i] = byte('a' + rnd.IntN(26))
	}
	return r
}

func BenchmarkWrite(b *testing.B) {
	for name, size := range map[string]int{"32B": 32, "256B": 256, "64KiB": 64 << 10, "4MiB": 4 << 20} {
		b.Run(name, func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(1, 1))
			records := make([]Record, max(1, min(4096, (8<<20)/size)))
			for i := range records {
				records[i] = benchRecord(rnd, size)
			}
			w, _ := NewWriter(io.Discard, Header{Shards: 1})
			s := w.Section(0)
			b.SetBytes(int64(size + 16))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := s.Add(records[i%len(records)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for name, size := range map[string]int{"32B": 32, "256B": 256, "64KiB": 64 << 10, "4MiB": 4 << 20} {
		b.Run(name, func(b *testing.B) {
			rnd := rand.New(rand.NewPCG(1, 1))
			var file bytes.Buffer
			w, _ := NewWriter(&file, Header{Shards: 1})
			s := w.Section(0)
			n := (32 << 20) / (size + 16)
			for range n {
				if err := s.Add(benchRecord(rnd, size)); err != nil {
					b.Fatal(err)
				}
			}
			if s.Flush() != nil || w.Close() != nil {
				b.Fatal("write")
			}
			b.SetBytes(int64(n * (size + 16)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := Read(bytes.NewReader(file.Bytes()), ReadOptions{}, func(int, *Record) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
