package darter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
)

// variedCache has everything that a file must carry: several databases, times of expiry, marks of edited strings, empty
// and large values, keys of any bytes.
func variedCache(t testing.TB, clock *simClock, shards int) *darter.Cache {
	t.Helper()
	c, err := darter.New(darter.Options{Shards: shards, Now: clock.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	rng := rand.New(rand.NewPCG(4, 4))
	random := make([]byte, 1<<20)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	ctx := context.Background()
	do := func(args ...any) {
		_, err := c.Do(ctx, args...)
		require.NoError(t, err)
	}
	for i := range 1500 {
		do("SET", fmt.Sprintf("key:%d", i), fmt.Sprintf("value %d", i))
		do("SET", fmt.Sprintf("short-lived:%d", i%200), i, "PX", 1000+i)
	}
	do("SET", "", "the empty key")
	do("SET", "empty", "")
	do("SET", "binary \x00\r\n\xff", "\x00\xfe")
	do("SET", strings.Repeat("long key ", 2000), "x")
	do("SET", "large", random)
	do("SET", "compressible", bytes.Repeat([]byte("again "), 100_000))
	do("SET", "far", "v", "PXAT", int64(1)<<45)
	do("SET", "number", 12345)
	do("SET", "edited", 123)
	do("APPEND", "edited", 4)
	do("SETRANGE", "ranged", 3, "abc")
	for _, db := range []int{1, 7, 15} {
		require.NoError(t, c.DB(db).Set("here", fmt.Appendf(nil, "database %d", db)))
	}
	return c
}

// contentOf is all that a cache holds, by database, encodings included.
func contentOf(t testing.TB, c *darter.Cache, databases int) (all []map[string]simValue) {
	t.Helper()
	s := takeSnapshot(t, c)
	defer s.Close()
	for db := range databases {
		content := collect(t, s.DB(db))
		for _, key := range []string{"number", "edited", "ranged"} {
			if _, ok := content[key]; ok {
				encoding, err := c.DB(db).Do(context.Background(), "OBJECT", "ENCODING", key)
				require.NoError(t, err)
				content["encoding of "+key] = simValue{text: fmt.Sprintf("%s", encoding)}
			}
		}
		all = append(all, content)
	}
	return all
}

func sameContents(t testing.TB, want, got []map[string]simValue) {
	t.Helper()
	require.Len(t, got, len(want))
	for db := range want {
		sameContent(t, want[db], got[db], fmt.Sprintf("database %d", db))
	}
}

func savedBytes(t testing.TB, c *darter.Cache) []byte {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, c.Save(&file))
	return file.Bytes()
}

func TestSaveAndLoad(t *testing.T) {
	clock := newSimClock()
	from := variedCache(t, clock, 16)
	want := contentOf(t, from, 16)
	file := savedBytes(t, from)
	for _, shards := range []int{1, 16, 128} {
		to, err := darter.New(darter.Options{Shards: shards, Now: clock.Now})
		require.NoError(t, err)
		require.NoError(t, to.Set("in the way", nil))
		require.NoError(t, to.DB(3).Set("in the way", nil))
		before := takeSnapshot(t, to)
		require.NoError(t, to.Load(iotest.HalfReader(bytes.NewReader(file))))
		sameContents(t, want, contentOf(t, to, 16))
		require.Equal(t, 1, countEntries(before), "a snapshot from before the load")
		before.Close()
		require.Zero(t, statsOf(to).SnapshotBytes)

		// What was loaded can be worked with: it expires, and is saved again.
		clock.ms.Add(1500)
		_, err = to.Get("short-lived:0")
		require.NoError(t, err)
		clock.ms.Add(100_000)
		_, err = to.Get("short-lived:0")
		require.ErrorIs(t, err, darter.ErrNotFound)
		until(func() bool { return statsOf(to).Expires == 1 })
		require.NoError(t, from.Load(bytes.NewReader(savedBytes(t, to))))
		require.Equal(t, 1, statsOf(from).Expires)
		require.NoError(t, to.Close())
		clock.ms.Add(-101_500)
		require.NoError(t, from.Load(bytes.NewReader(file)))
		sameContents(t, want, contentOf(t, from, 16))
	}
}

func TestLoadLeavesOutWhatHasExpired(t *testing.T) {
	clock := newSimClock()
	from := variedCache(t, clock, 4)
	file := savedBytes(t, from)
	clock.ms.Add(1 << 40)
	to, err := darter.New(darter.Options{Now: clock.Now})
	require.NoError(t, err)
	defer to.Close()
	require.NoError(t, to.Load(bytes.NewReader(file)))
	require.Equal(t, 1, statsOf(to).Expires)
}

func TestLoadIntoFewerDatabases(t *testing.T) {
	clock := newSimClock()
	file := savedBytes(t, variedCache(t, clock, 4))
	c := filledCache(t, darter.Options{Databases: 15}, 10, 10)
	require.ErrorContains(t, c.Load(bytes.NewReader(file)), "is in database 15, and there are 15")
	require.Equal(t, 10, statsOf(c).Keys)
	c = filledCache(t, darter.Options{Databases: 17}, 10, 10)
	require.NoError(t, c.Load(bytes.NewReader(file)))
}

func TestSaveOfAnEmptyCache(t *testing.T) {
	c := filledCache(t, darter.Options{}, 0, 0)
	file := savedBytes(t, c)
	fill(t, c, 10, 10, 'a')
	require.NoError(t, c.Load(bytes.NewReader(file)))
	require.Zero(t, statsOf(c).Keys)
}

// TestDamagedFilesAreRefused cuts files off and changes them in many places. The error says where, and the cache stays
// as it was.
func TestDamagedFilesAreRefused(t *testing.T) {
	clock := newSimClock()
	source := filledCache(t, darter.Options{Shards: 4, Now: clock.Now}, 800, 60)
	_, err := source.Do(context.Background(), "SET", "random", func() []byte {
		b := make([]byte, 30_000)
		rng := rand.New(rand.NewPCG(9, 9))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}())
	require.NoError(t, err)
	file := savedBytes(t, source)
	c := filledCache(t, darter.Options{Shards: 2, Now: clock.Now}, 50, 10)
	want := contentOf(t, c, 16)
	used := statsOf(c).Used

	refused := func(damaged []byte, what string, at int) {
		t.Helper()
		err := c.Load(bytes.NewReader(damaged))
		require.Error(t, err, "%s at %d", what, at)
		require.ErrorContains(t, err, "at byte ", "%s at %d", what, at)
		require.Equal(t, 50, statsOf(c).Keys)
	}
	step := max(len(file)/150, 1)
	for at := 0; at < len(file); at += step {
		refused(file[:at], "cut off", at)
	}
	refused(file[:len(file)-1], "cut off", len(file)-1)
	for at := 0; at < len(file); at += step {
		damaged := bytes.Clone(file)
		damaged[at] ^= 1 << (at % 8)
		refused(damaged, "changed", at)
	}
	refused(append(bytes.Clone(file), 0), "a byte too many", len(file))
	refused([]byte("REDIS0011\xfa"), "another program's file", 0)
	refused(bytes.Repeat([]byte{0}, 4096), "zeroes", 0)

	// A part that is missing in the middle, and one that stands twice.
	for at := step; at < len(file)-step; at += 7 * step {
		refused(append(bytes.Clone(file[:at]), file[at+step/2+1:]...), "a part is missing", at)
		refused(append(bytes.Clone(file[:at]), file[at-step/2-1:]...), "a part stands twice", at)
	}
	sameContents(t, want, contentOf(t, c, 16))
	require.Equal(t, used, statsOf(c).Used, "memory of what was half loaded")

	broken := errors.New("the disk is broken")
	err = c.Load(io.MultiReader(bytes.NewReader(file[:len(file)/2]), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
	sameContents(t, want, contentOf(t, c, 16))
	require.NoError(t, c.Load(bytes.NewReader(file)))
}

// fullDisk takes some bytes and then no more.
type fullDisk struct{ room int }

var errDiskFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(d.room, len(p))
	d.room -= n
	if n < len(p) {
		return n, errDiskFull
	}
	return n, nil
}

func TestSaveToAFullDisk(t *testing.T) {
	clock := newSimClock()
	c := variedCache(t, clock, 8)
	size := len(savedBytes(t, c))
	for _, room := range []int{0, 1, 10, 100, size / 2, size - 1} {
		err := c.Save(&fullDisk{room})
		require.ErrorIs(t, err, errDiskFull, "room for %d of %d bytes", room, size)
		require.True(t, strings.HasPrefix(err.Error(), "darter: save: "), err)
	}
	require.NoError(t, c.Save(&fullDisk{size}))
	require.Zero(t, statsOf(c).Snapshots, "a failed save lets its snapshot go")
	require.Zero(t, statsOf(c).SnapshotBytes)
}

func filesIn(t testing.TB, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestSaveFile(t *testing.T) {
	clock := newSimClock()
	from := variedCache(t, clock, 8)
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	require.True(t, from.Dirty())
	require.NoError(t, from.SaveFile(path))
	require.False(t, from.Dirty())
	require.NoError(t, from.Set("more", nil))
	require.True(t, from.Dirty())
	require.NoError(t, from.SaveFile(path))
	require.Equal(t, []string{"file"}, filesIn(t, dir))

	to, err := darter.New(darter.Options{Shards: 2, Now: clock.Now})
	require.NoError(t, err)
	defer to.Close()
	require.NoError(t, to.LoadFile(path, nil))
	require.False(t, to.Dirty())
	sameContents(t, contentOf(t, from, 16), contentOf(t, to, 16))
	_, err = to.Do(context.Background(), "SWAPDB", 0, 1)
	require.NoError(t, err)
	require.True(t, to.Dirty(), "an exchange of databases is a change")
	require.NoError(t, to.SaveFile(path))
	require.NoError(t, to.FlushAll())
	require.True(t, to.Dirty())
}

func TestSaveFileFails(t *testing.T) {
	c := filledCache(t, darter.Options{}, 10, 10)
	dir := t.TempDir()
	require.ErrorIs(t, c.SaveFile(filepath.Join(dir, "no such folder", "file")), os.ErrNotExist)

	// A folder stands where the file should: the error is that and nothing else, and nothing is left over.
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o755))
	err := c.SaveFile(filepath.Join(dir, "folder"))
	require.ErrorContains(t, err, "darter: save: rename")
	require.NotContains(t, err.Error(), "closed")
	require.NotContains(t, err.Error(), "\n")
	require.Equal(t, []string{"folder"}, filesIn(t, dir))

	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("not a folder"), 0o600))
	require.Error(t, c.SaveFile(filepath.Join(file, "file")))
	require.True(t, c.Dirty())

	if runtime.GOOS != "windows" && os.Getuid() != 0 {
		require.NoError(t, os.Chmod(dir, 0o500))
		require.ErrorIs(t, c.SaveFile(filepath.Join(dir, "denied")), os.ErrPermission)
		require.NoError(t, os.Chmod(dir, 0o700))
	}
}

func TestLoadFileFails(t *testing.T) {
	c := filledCache(t, darter.Options{}, 10, 10)
	dir := t.TempDir()
	require.ErrorIs(t, c.LoadFile(filepath.Join(dir, "none"), nil), os.ErrNotExist)
	require.Error(t, c.LoadFile(dir, nil))
	path := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(path, []byte("something else"), 0o600))
	err := c.LoadFile(path, nil)
	require.ErrorContains(t, err, "at byte 0")
	require.ErrorContains(t, err, path)
	require.Equal(t, 10, statsOf(c).Keys)
}

func TestLeftoversAreSwept(t *testing.T) {
	c := filledCache(t, darter.Options{}, 10, 10)
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for name, at := range map[string]time.Time{
		"file.123.tmp": old,        // goes
		"file.456.tmp": time.Now(), // may be another process's
		"file.tmp":     old, "file.x1.tmp": old, "other.123.tmp": old, "file.123": old,
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("half a file"), 0o600))
		require.NoError(t, os.Chtimes(path, at, at))
	}
	require.NoError(t, c.SaveFile(filepath.Join(dir, "file")))
	require.Equal(t, []string{"file", "file.123", "file.456.tmp", "file.tmp", "file.x1.tmp", "other.123.tmp"}, filesIn(t, dir))
}

func TestLoadFileTellsOfItsProgress(t *testing.T) {
	c := filledCache(t, darter.Options{Shards: 4}, 60_000, 100)
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, c.SaveFile(path))
	size, err := os.Stat(path)
	require.NoError(t, err)
	calls, lastBytes, lastKeys := 0, int64(0), int64(0)
	require.NoError(t, c.LoadFile(path, func(bytes, keys int64) {
		require.GreaterOrEqual(t, bytes, lastBytes)
		require.GreaterOrEqual(t, keys, lastKeys)
		require.LessOrEqual(t, bytes, size.Size())
		require.LessOrEqual(t, keys, int64(60_000))
		calls, lastBytes, lastKeys = calls+1, bytes, keys
	}))
	require.NotZero(t, calls)
}

// A cache that is a part of a program writes nothing into the program's folder by itself.
func TestNoSavepointsUnasked(t *testing.T) {
	c, err := darter.New(darter.Options{})
	require.NoError(t, err)
	defer c.Close()
	got, err := c.Do(context.Background(), "CONFIG", "GET", "save")
	require.NoError(t, err)
	require.Equal(t, darter.Map{{Key: []byte("save"), Value: []byte{}}}, got)
}
