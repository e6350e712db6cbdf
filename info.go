package darter

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/pubsub"
	"github.com/darterdb/darter/internal/slab"
)

// RedisVersion is the version of Redis whose behaviour commands have; clients choose what they use by it.
const RedisVersion = "7.2.0"

// Stats is what a cache holds and has done. Sizes are in bytes.
type Stats struct {
	Keys    int // in all databases, expired ones that were not removed yet included
	Expires int // of these, keys with a time of expiry

	Hits, Misses int64 // lookups by reads
	Expired      int64 // keys removed because their time had come
	Changes      int64 // changes of keys
	Commands     int64 // run by sessions that are closed
	Panics       int64 // defects that were contained; see ErrInternal

	// Used is what keys, values and their index take; what MaxMemory bounds.
	Used int64
	// IndexBytes, EntryBytes and ExpiryBytes are what of Used is dictionaries, keys with their values, and the index by
	// time of expiry.
	IndexBytes, EntryBytes, ExpiryBytes int64
	// ContainerBytes is what of Used is nodes of large lists, hashes, sets, sorted sets and streams.
	ContainerBytes int64
	// KeyBytes and ValueBytes are the lengths of keys and values; they are part of EntryBytes.
	KeyBytes, ValueBytes int64
	// SnapshotBytes is what of Used is kept only for snapshots.
	SnapshotBytes int64
	// Taken is what was taken from the system for all that; what is beyond Used is slack.
	Taken int64
	// Moved counts entries that were moved to make slack smaller.
	Moved int64
	// Snapshots is how many snapshots are open.
	Snapshots int
}

// Stats fills st. It visits the shards one after another, so its sums are of slightly different moments.
func (c *Cache) Stats(st *Stats) { c.engine.stats(st) }

func (e *engine) stats(st *Stats) {
	*st = Stats{Commands: e.commands.Load(), Panics: e.panics.Load(), Snapshots: len(e.snapshots.all())}
	e.eachShard(func(s *keyspace.Shard) {
		u := s.Usage()
		st.Hits += s.Stats.Hits
		st.Misses += s.Stats.Misses
		st.Expired += s.Stats.Expired
		st.Changes += s.Stats.Changes
		st.Moved += s.Stats.Moved
		st.IndexBytes += u.Cells[slab.Index]
		st.EntryBytes += u.Cells[slab.Entry]
		st.ContainerBytes += u.Cells[slab.Container]
		st.ExpiryBytes += u.Cells[slab.Expiry]
		st.SnapshotBytes += u.Retired
		st.Taken += u.Taken
		for n := range e.databases {
			if db := s.DB(n); db != nil {
				st.Keys += db.Len()
				st.Expires += db.Expires()
				keys, values, outside := db.Bytes()
				st.KeyBytes += keys
				st.ValueBytes += values
				st.IndexBytes += outside
				st.Taken += outside
			}
		}
	})
	st.Used = st.IndexBytes + st.EntryBytes + st.ContainerBytes + st.ExpiryBytes
	e.notePeak(st.Used)
}

// notePeak remembers how much memory was in use at most.
func (e *engine) notePeak(used int64) {
	for {
		peak := e.peak.Load()
		if used <= peak || e.peak.CompareAndSwap(peak, used) {
			return
		}
	}
}

// resetStats sets the counters that CONFIG RESETSTAT resets to zero.
func (e *engine) resetStats() {
	e.dog.ResetHistograms()
	e.eachShard(func(s *keyspace.Shard) {
		s.Stats.Hits, s.Stats.Misses, s.Stats.Expired, s.Stats.Moved = 0, 0, 0, 0
	})
	e.commands.Store(0)
	e.panics.Store(0)
	for _, a := range e.attached.all() {
		a.ResetStats()
	}
}

// Attachment is a server that serves a cache, as INFO and CONFIG RESETSTAT see it.
type Attachment interface {
	// Info returns names and values that belong into a section of INFO, given in lower case.
	Info(section string) [][2]string
	ResetStats()
}

type attachments struct {
	mu   sync.Mutex
	list []Attachment
}

func (l *attachments) all() []Attachment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}

// Attach makes INFO tell of a server until detach is called. It is for package resp.
func (c *Cache) Attach(a Attachment) (detach func()) {
	l := &c.attached
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, a)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = slices.DeleteFunc(l.list, func(x Attachment) bool { return x == a })
	}
}

// infoSections are the sections of INFO in their order.
var infoSections = []struct {
	name   string
	fields func(*engine, *infoText)
}{
	{"server", infoServer},
	{"clients", infoClients},
	{"memory", infoMemory},
	{"persistence", infoPersistence},
	{"stats", infoStats},
	{"replication", infoReplication},
	{"cpu", infoCPU},
	{"latencystats", infoLatency},
	{"cluster", infoCluster},
	{"keyspace", infoKeyspace},
}

type infoText struct{ strings.Builder }

func (t *infoText) add(name string, value any) { fmt.Fprintf(t, "%s:%v\r\n", name, value) }

func infoCommand(s *Session, c *command.Call) {
	wanted := map[string]bool{}
	all, latency := len(c.Args) == 1, false
	for _, a := range c.Args[1:] {
		switch name := strings.ToLower(string(a)); name {
		case "default":
			all = true
		case "all", "everything":
			all, latency = true, true
		default:
			wanted[name] = true
		}
	}
	var t infoText
	for _, section := range infoSections {
		named := wanted[section.name]
		if section.name == "latencystats" { // it is long: only who asks for all gets it
			named = named || latency
		} else {
			named = named || all
		}
		if !named {
			continue
		}
		if t.Len() > 0 {
			t.WriteString("\r\n")
		}
		t.WriteString("# " + infoTitle(section.name) + "\r\n")
		section.fields(s.engine, &t)
		for _, a := range s.attached.all() {
			for _, f := range a.Info(section.name) {
				t.add(f[0], f[1])
			}
		}
	}
	c.W.Verbatim("txt", t.String())
}

func infoTitle(section string) string {
	if section == "cpu" {
		return "CPU"
	}
	return strings.ToUpper(section[:1]) + section[1:]
}

func infoServer(e *engine, t *infoText) {
	up := int64(time.Since(e.started).Seconds())
	t.add("redis_version", RedisVersion)
	t.add("darter_version", Version)
	t.add("redis_mode", "standalone")
	t.add("os", runtime.GOOS+" "+runtime.GOARCH)
	t.add("arch_bits", 32<<(^uint(0)>>63))
	t.add("go_version", runtime.Version())
	t.add("process_id", os.Getpid())
	t.add("run_id", e.runID)
	t.add("server_time_usec", time.Now().UnixMicro())
	t.add("uptime_in_seconds", up)
	t.add("uptime_in_days", up/86400)
	t.add("shards", len(e.shards))
	t.add("gomaxprocs", runtime.GOMAXPROCS(0))
	t.add("config_file", e.config.File())
}

func infoClients(e *engine, t *infoText) {
	if len(e.attached.all()) == 0 {
		t.add("connected_clients", 0)
	}
}

func human(n int64) string {
	f := float64(n)
	for _, unit := range []string{"B", "K", "M", "G"} {
		if f < 1024 {
			if unit == "B" {
				return fmt.Sprintf("%dB", n)
			}
			return fmt.Sprintf("%.2f%s", f, unit)
		}
		f /= 1024
	}
	return fmt.Sprintf("%.2fT", f)
}

func infoMemory(e *engine, t *infoText) {
	var st Stats
	e.stats(&st)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	limit := e.maxMemory.Load()
	rss := residentBytes()
	t.add("used_memory", st.Used)
	t.add("used_memory_human", human(st.Used))
	t.add("used_memory_peak", e.peak.Load())
	t.add("used_memory_peak_human", human(e.peak.Load()))
	t.add("used_memory_rss", rss)
	t.add("used_memory_rss_human", human(rss))
	t.add("used_memory_index", st.IndexBytes)
	t.add("used_memory_entries", st.EntryBytes)
	t.add("used_memory_containers", st.ContainerBytes)
	t.add("used_memory_expiry", st.ExpiryBytes)
	t.add("used_memory_snapshots", st.SnapshotBytes)
	t.add("used_memory_slack", st.Taken-st.Used)
	t.add("used_memory_dataset", st.KeyBytes+st.ValueBytes+st.ContainerBytes)
	t.add("used_memory_overhead", st.Used-st.KeyBytes-st.ValueBytes-st.ContainerBytes)
	t.add("go_heap", m.HeapInuse)
	t.add("go_sys", m.Sys)
	t.add("total_system_memory", totalMemory())
	t.add("maxmemory", limit)
	t.add("maxmemory_human", human(limit))
	t.add("maxmemory_policy", "noeviction")
	t.add("mem_fragmentation_ratio", fmt.Sprintf("%.2f", float64(st.Taken)/float64(max(st.Used, 1))))
	t.add("mem_allocator", allocatorName())
	t.add("active_defrag_running", 0)
	t.add("active_defrag_hits", st.Moved)
}

func allocatorName() string {
	if slab.HeapTwin {
		return "slab-heap"
	}
	return "slab-mmap"
}

func infoPersistence(e *engine, t *infoText) {
	changes := e.changes()
	p := &e.persistence
	p.mu.Lock()
	defer p.mu.Unlock()
	status := "ok"
	if p.broken.Load() {
		status = "err"
	}
	background := p.background.Load()
	current := int64(-1)
	if background {
		current = int64(time.Since(time.UnixMilli(p.began.Load())).Seconds())
	}
	took := int64(-1)
	if p.lastTook != 0 {
		took = int64(p.lastTook.Seconds())
	}
	t.add("loading", flag(p.loading))
	t.add("async_loading", 0)
	t.add("rdb_changes_since_last_save", changes-p.changes)
	t.add("rdb_bgsave_in_progress", flag(background))
	t.add("rdb_last_save_time", maxTime(p.lastSave, e.started).Unix())
	t.add("rdb_last_bgsave_status", status)
	t.add("rdb_last_bgsave_time_sec", took)
	t.add("rdb_current_bgsave_time_sec", current)
	t.add("rdb_saves", p.saves)
	t.add("aof_enabled", 0)
	t.add("aof_rewrite_in_progress", 0)
	t.add("snapshots_open", len(e.snapshots.all()))
}

func flag(on bool) int {
	if on {
		return 1
	}
	return 0
}

func infoStats(e *engine, t *infoText) {
	var st Stats
	e.stats(&st)
	t.add("expired_keys", st.Expired)
	t.add("evicted_keys", 0)
	t.add("keyspace_hits", st.Hits)
	t.add("keyspace_misses", st.Misses)
	t.add("pubsub_channels", e.hub.Count(pubsub.Channel))
	t.add("pubsub_patterns", e.hub.Count(pubsub.Pattern))
	t.add("pubsubshard_channels", e.hub.Count(pubsub.ShardChannel))
	t.add("tracking_total_keys", e.trackers.Keys())
	t.add("tracking_total_items", e.trackers.Items())
	t.add("tracking_total_prefixes", e.trackers.Prefixes())
	t.add("contained_panics", st.Panics)
	t.add("latest_fork_usec", 0)
	t.add("total_forks", 0)
}

func infoReplication(e *engine, t *infoText) {
	t.add("role", "master")
	t.add("connected_slaves", 0)
	t.add("master_replid", e.runID)
	t.add("master_repl_offset", 0)
}

func infoCPU(_ *engine, t *infoText) {
	sys, user := cpuTimes()
	t.add("used_cpu_sys", fmt.Sprintf("%.6f", sys.Seconds()))
	t.add("used_cpu_user", fmt.Sprintf("%.6f", user.Seconds()))
}

func infoCluster(_ *engine, t *infoText) { t.add("cluster_enabled", 0) }

func infoKeyspace(e *engine, t *infoText) {
	keys := make([]int, e.databases)
	expires := make([]int, e.databases)
	e.eachShard(func(s *keyspace.Shard) {
		for n := range e.databases {
			if db := s.DB(n); db != nil {
				keys[n] += db.Len()
				expires[n] += db.Expires()
			}
		}
	})
	for n := range keys {
		if keys[n] > 0 {
			t.add(fmt.Sprintf("db%d", n), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=0", keys[n], expires[n]))
		}
	}
}
