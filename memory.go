package darter

import (
	"fmt"
	"runtime/debug"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/glob"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
)

func memoryStatsCommand(s *Session, c *command.Call) {
	var st Stats
	s.stats(&st)
	perKey := int64(0)
	if st.Keys > 0 {
		perKey = st.Used / int64(st.Keys)
	}
	fields := []struct {
		name  string
		value int64
	}{
		{"peak.allocated", s.peak.Load()},
		{"total.allocated", st.Used},
		{"keys.count", int64(st.Keys)},
		{"keys.bytes-per-key", perKey},
		{"dataset.bytes", st.KeyBytes + st.ValueBytes + st.ContainerBytes},
		{"overhead.total", st.Used - st.KeyBytes - st.ValueBytes - st.ContainerBytes},
		{"index.bytes", st.IndexBytes},
		{"entries.bytes", st.EntryBytes},
		{"containers.bytes", st.ContainerBytes},
		{"expiry.bytes", st.ExpiryBytes},
		{"snapshots.bytes", st.SnapshotBytes},
		{"allocator.allocated", st.Used},
		{"allocator.active", st.Taken},
		{"allocator.resident", st.Taken},
		{"allocator-fragmentation.bytes", st.Taken - st.Used},
	}
	c.W.Map(len(fields) + 1)
	for _, f := range fields {
		c.W.BulkString(f.name)
		c.W.Int(f.value)
	}
	c.W.BulkString("fragmentation")
	c.W.Double(float64(st.Taken) / float64(max(st.Used, 1)))
}

func memoryDoctorCommand(s *Session, c *command.Call) {
	var st Stats
	s.stats(&st)
	limit := s.maxMemory.Load()
	const mb = 1 << 20
	switch {
	case limit != 0 && st.Used > limit/10*9:
		c.W.Verbatim("txt", fmt.Sprintf("%d of %d MB of maxmemory are in use: writes fail, or will soon.\n", st.Used/mb, limit/mb))
	case st.SnapshotBytes > st.Used/4 && st.SnapshotBytes > mb:
		c.W.Verbatim("txt", fmt.Sprintf("%d MB are kept only for %d open snapshots.\n", st.SnapshotBytes/mb, st.Snapshots))
	case st.Taken-st.Used > st.Used/2 && st.Taken > 16*mb:
		c.W.Verbatim("txt", fmt.Sprintf("%d MB of %d taken are slack, which is being repaired.\n", (st.Taken-st.Used)/mb, st.Taken/mb))
	default:
		c.W.Verbatim("txt", "Nothing is wrong with this cache's memory.\n")
	}
}

func memoryMallocStatsCommand(s *Session, c *command.Call) {
	var st Stats
	s.stats(&st)
	c.W.Verbatim("txt", fmt.Sprintf("%s: %d bytes in use, %d taken; index %d, entries %d, containers %d, expiry %d, for snapshots %d\n",
		allocatorName(), st.Used, st.Taken, st.IndexBytes, st.EntryBytes, st.ContainerBytes, st.ExpiryBytes, st.SnapshotBytes))
}

func memoryPurgeCommand(s *Session, c *command.Call) {
	s.eachShard(func(sh *keyspace.Shard) { sh.Trim() })
	debug.FreeOSMemory()
	c.OK()
}

// debugObject tells of a key without a note of access.
func debugObject(s *Session, c *command.Call) {
	key := c.Args[2]
	env := env{s}
	env.WithShard(s.shardOf(key), c.DB, func(db *keyspace.DB) {
		it := db.Look(s.hash(key), key)
		if !it.Found() {
			c.W.Error("ERR no such key")
			return
		}
		c.W.Status(fmt.Sprintf("Value at:0x0 refcount:1 encoding:%s serializedlength:%d lru:0 lru_seconds_idle:%d",
			it.Encoding(), len(it.Value()), it.Idle()))
	})
}

// debugStringMatch answers whether a pattern of a's as long as asked for matches as many a's.
func debugStringMatch(c *command.Call) {
	n, ok := num.ParseInt(c.Args[2])
	if !ok || n < 0 || n > 1<<20 {
		c.W.Error("ERR value is out of range")
		return
	}
	text := make([]byte, n)
	for i := range text {
		text[i] = 'a'
	}
	c.W.Int(int64(flag(glob.Match(c.Args[3], text))))
}

var debugHelp = []string{
	"OBJECT <key>", "    Tells how a key is kept.",
	"RELOAD [NOSAVE]", "    Saves everything to a file beside the configured one and loads it again; with NOSAVE, loads the configured one.",
	"SET-ACTIVE-EXPIRE <0|1>", "    Switches the removal of expired keys that nobody asks for.",
	"SLEEP <seconds>", "    Answers after that time; other clients go on.",
	"STRINGMATCH-LEN <length> <pattern>", "    Matches the pattern against that many a's.",
}
