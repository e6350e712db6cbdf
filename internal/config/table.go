package config

import (
	"errors"
	"math"
	"strings"
)

// maxInt is the largest number Redis holds in a plain integer setting.
const maxInt = math.MaxInt32

// Standard returns a new table of every directive darter serves, with the names, defaults and value forms that
// redis.conf has in Redis 7.2. What the program in hand supports less of, it narrows before New:
//
//	table := config.Standard()
//	table.Row("maxmemory-policy").Allowed = []string{"allkeys-lru", "noeviction"}
//
// A directive that would do nothing is not listed, unless refusing it would stop common tools and packaged config
// files; then its description says so, or it is Idle.
func Standard() Table {
	table := network()
	table = append(table, limits()...)
	table = append(table, containers()...)
	table = append(table, files()...)
	table = append(table, process()...)
	return append(table, packaged()...)
}

// network is where the server listens and whom it lets in.
func network() Table {
	return Table{
		{Name: "bind", Kind: List, Default: "* -::*", Change: Hooked,
			About: "Addresses to listen on; one that starts with - may be missing on this machine."},
		{Name: "port", Kind: Int, Default: "6379", Max: math.MaxUint16, Change: Hooked,
			About: "TCP port to listen on; 0 for none."},
		{Name: "tcp-backlog", Kind: Int, Default: "511", Max: maxInt, Change: Never,
			About: "Connections the system may hold until they are accepted."},
		{Name: "tcp-keepalive", Kind: Int, Default: "300", Max: maxInt, Change: Always,
			About: "Seconds between probes of a silent TCP connection; 0 for none."},
		{Name: "timeout", Kind: Int, Default: "0", Max: maxInt, Change: Always,
			About: "Seconds after which an idle client is disconnected; 0 for never."},
		{Name: "unixsocket", Kind: Text, Change: Never,
			About: "Path of a unix socket to listen on as well."},
		{Name: "unixsocketperm", Kind: Octal, Default: "0", Max: 0o777, Change: Never,
			About: "File mode of the unix socket; 0 leaves it to the umask."},
		{Name: "protected-mode", Kind: Bool, Default: "yes", Change: Always,
			About: "Refuse clients from other machines while there is no password."},
		{Name: "requirepass", Kind: Text, Change: Always, Secret: true,
			About: "Password a client must give with AUTH; empty for none."},
		{Name: "tls-port", Kind: Int, Default: "0", Max: math.MaxUint16, Change: Hooked,
			About: "TCP port to serve TLS on; 0 for none."},
		{Name: "tls-cert-file", Kind: Text, Change: Hooked,
			About: "The server's certificate chain, PEM."},
		{Name: "tls-key-file", Kind: Text, Change: Hooked,
			About: "The private key of tls-cert-file, PEM."},
		{Name: "tls-ca-cert-file", Kind: Text, Change: Hooked,
			About: "Certificates of the authorities that client certificates must come from, PEM."},
		{Name: "tls-auth-clients", Kind: Enum, Default: "yes", Allowed: []string{"no", "yes", "optional"}, Change: Hooked,
			About: "Whether a TLS client must show a certificate, may, or is not asked."},
		{Name: "enable-protected-configs", Kind: Enum, Default: "no", Allowed: []string{"no", "yes", "local"}, Change: Never,
			About: "Who may change dir and dbfilename with CONFIG SET: nobody, anybody, clients of this machine."},
		{Name: "enable-debug-command", Kind: Enum, Default: "no", Allowed: []string{"no", "yes", "local"}, Change: Never,
			About: "Who may use DEBUG: nobody, anybody, clients of this machine."},
	}
}

// limits is how much of the machine the server takes.
func limits() Table {
	return Table{
		{Name: "databases", Kind: Int, Default: "16", Min: 1, Max: maxInt, Change: Never,
			About: "Number of logical databases."},
		{Name: "maxclients", Kind: Int, Default: "10000", Min: 1, Max: math.MaxUint32, Change: Always,
			About: "Connections served at a time."},
		{Name: "maxmemory", Kind: Memory, Default: "0", Max: math.MaxInt64, Change: Hooked,
			About: "Bytes that the data may take; 0 for no limit."},
		{Name: "maxmemory-policy", Kind: Enum, Default: "noeviction", Allowed: []string{"noeviction"}, Change: Hooked,
			About: "What happens to a write when maxmemory is reached."},
		{Name: "client-output-buffer-limit", Kind: Limits, Change: Always,
			Default: "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
			About:   "Unsent reply bytes after which a client of that class is disconnected: at once, or after some seconds."},
		{Name: "client-query-buffer-limit", Kind: Memory, Default: "1gb", Min: 1 << 20, Max: math.MaxInt64, Change: Always,
			About: "Bytes of unfinished commands one client may send."},
		{Name: "proto-max-bulk-len", Kind: Memory, Default: "512mb", Min: 1 << 20, Max: math.MaxInt64, Change: Always,
			About: "Bytes that one argument of a command may have."},
		{Name: "tracking-table-max-keys", Kind: Int, Default: "1000000", Max: math.MaxInt64, Change: Always,
			About: "Keys of which it is known which clients have read them, for CLIENT TRACKING; 0 for any number."},
		{Name: "lazyfree-lazy-user-flush", Kind: Bool, Default: "no", Change: Always,
			About: "FLUSHALL and FLUSHDB without an argument free memory after their reply."},
	}
}

// containers is up to what size the types of containers are kept packed.
func containers() Table {
	entries := func(name, alias, def, about string) Directive {
		d := Directive{Name: name, Kind: Int, Default: def, Max: math.MaxInt32, Change: Always, About: about}
		if alias != "" {
			d.Aliases = []string{alias}
		}
		return d
	}
	list := entries("list-max-listpack-size", "list-max-ziplist-size", "-2",
		"Elements of a packed list; from -1 to -5 its size instead: 4, 8, 16, 32, 64 KB.")
	list.Min = math.MinInt32
	return Table{
		entries("hash-max-listpack-entries", "hash-max-ziplist-entries", "512", "Fields of a packed hash."),
		entries("hash-max-listpack-value", "hash-max-ziplist-value", "64", "Bytes of a field or value in a packed hash."),
		list,
		entries("set-max-intset-entries", "", "512", "Members of a packed set of integers."),
		entries("set-max-listpack-entries", "", "128", "Members of a packed set."),
		entries("set-max-listpack-value", "", "64", "Bytes of a member of a packed set."),
		entries("zset-max-listpack-entries", "zset-max-ziplist-entries", "128", "Members of a packed sorted set."),
		entries("zset-max-listpack-value", "zset-max-ziplist-value", "64", "Bytes of a member of a packed sorted set."),
		{Name: "stream-node-max-bytes", Kind: Memory, Default: "4096", Max: math.MaxInt64, Change: Always,
			About: "Bytes of a block of stream entries; 0 for no limit."},
		{Name: "stream-node-max-entries", Kind: Int, Default: "100", Max: math.MaxInt64, Change: Always,
			About: "Entries of a block of a stream; 0 for no limit."},
		{Name: "hll-sparse-max-bytes", Kind: Memory, Default: "3000", Max: math.MaxInt64, Change: Always,
			About: "Bytes of a sparse HyperLogLog."},
	}
}

// files is what the server writes and where.
func files() Table {
	return Table{
		{Name: "dir", Kind: Dir, Default: ".", Change: Protected,
			About: "Folder of the data file and of relative paths. Default: the working directory."},
		{Name: "dbfilename", Kind: Text, Default: "dump.darter", Change: Protected, Check: fileNameOnly,
			About: "Name of the data file within dir."},
		{Name: "save", Kind: Saves, Default: "3600 1 300 100 60 10000", Change: Always,
			About: "Save after so many seconds if there were so many changes."},
		{Name: "stop-writes-on-bgsave-error", Kind: Bool, Default: "yes", Change: Always,
			About: "Refuse the writes of clients while saves in the background fail."},
		{Name: "appendonly", Kind: Bool, Default: "no", Change: Always,
			Refused: map[string]string{"yes": "darter keeps no append log"},
			About:   "Always no, known because tools ask for it: darter keeps no append log."},
		{Name: "logfile", Kind: Text, Change: Never,
			About: "File to log to; empty for standard error."},
		{Name: "loglevel", Kind: Enum, Default: "notice", Change: Hooked,
			Allowed: []string{"debug", "verbose", "notice", "warning", "nothing"},
			About:   "The least important messages that are logged."},
		{Name: "pidfile", Kind: Text, Change: Never,
			About: "File that holds the process id while the server runs."},
	}
}

// process is how the server lives among other processes.
func process() Table {
	return Table{
		{Name: "daemonize", Kind: Bool, Default: "no", Change: Never,
			Refused: map[string]string{"yes": "darter stays in the foreground: start it from a service manager"},
			About:   "Always no, known because scripts set it: a service manager runs darter."},
		{Name: "supervised", Kind: Enum, Default: "no", Allowed: []string{"no", "systemd", "auto"}, Change: Never,
			Refused: map[string]string{"upstart": "darter knows systemd only"},
			About:   "With systemd or auto, systemd is told when the server is ready (Type=notify)."},
		{Name: "slowlog-log-slower-than", Kind: Int, Default: "10000", Min: -1, Max: math.MaxInt64, Change: Hooked,
			About: "Microseconds from which on a command gets into SLOWLOG; -1 for none."},
		{Name: "slowlog-max-len", Kind: Int, Default: "128", Max: math.MaxInt64, Change: Hooked,
			About: "How many entries SLOWLOG keeps."},
		{Name: "busy-reply-threshold", Aliases: []string{"lua-time-limit"}, Kind: Int, Default: "5000", Max: math.MaxInt64,
			Change: Always,
			About:  "Milliseconds after which a script that still runs is logged; 0 for never. It holds up nobody."},
		{Name: "latency-monitor-threshold", Kind: Int, Default: "0", Max: math.MaxInt64, Change: Hooked,
			About: "Milliseconds from which on LATENCY notes how long something took; 0 for never."},
		{Name: "latency-tracking", Kind: Bool, Default: "no", Change: Hooked,
			About: "Measure every command for LATENCY HISTOGRAM and INFO, which costs a look at the clock each."},
		{Name: "latency-tracking-info-percentiles", Kind: Percentiles, Default: "50 99 99.9", Change: Always,
			About: "Which percentiles INFO tells of the time that commands take."},
		{Name: "notify-keyspace-events", Kind: Text, Change: Hooked, Check: eventClasses, Form: sortedClasses,
			About: "Which changes of keys are published: K and E for the channels, the other letters for the classes."},
	}
}

// packaged is what packaged config files set of parts that darter does not have, or does in its own way: memory is freed
// in slices, files are always compressed and checksummed, there is no append log, no replica and no rehashing.
func packaged() Table {
	var t Table
	add := func(kind Kind, value string, names ...string) {
		for _, name := range names {
			t = append(t, Directive{Name: name, Kind: kind, Default: value, Change: Always, Idle: true, Max: math.MaxInt64})
		}
	}
	choice := func(name string, allowed ...string) {
		t = append(t, Directive{Name: name, Kind: Enum, Default: allowed[0], Allowed: allowed, Change: Always, Idle: true})
	}
	add(Bool, "no", "lazyfree-lazy-eviction", "lazyfree-lazy-expire", "lazyfree-lazy-server-del", "lazyfree-lazy-user-del",
		"replica-lazy-flush", "rdb-del-sync-files", "repl-disable-tcp-nodelay", "no-appendfsync-on-rewrite",
		"aof-timestamp-enabled", "always-show-logo")
	add(Bool, "yes", "activerehashing", "dynamic-hz", "jemalloc-bg-thread", "disable-thp", "set-proc-title",
		"rdbcompression", "rdbchecksum", "rdb-save-incremental-fsync", "replica-serve-stale-data", "replica-read-only",
		"repl-diskless-sync", "aof-load-truncated", "aof-use-rdb-preamble", "aof-rewrite-incremental-fsync")
	add(Int, "0", "repl-diskless-sync-max-replicas", "list-compress-depth")
	add(Int, "5", "repl-diskless-sync-delay")
	add(Int, "10", "hz")
	add(Int, "100", "replica-priority", "auto-aof-rewrite-percentage")
	add(Int, "128", "acllog-max-len")
	add(Memory, "67108864", "auto-aof-rewrite-min-size")
	add(Text, "appendonly.aof", "appendfilename")
	add(Text, "appendonlydir", "appenddirname")
	add(Text, "{title} {listen-addr} {server-mode}", "proc-title-template")
	add(List, "0 200 800", "oom-score-adj-values")
	choice("appendfsync", "everysec", "always", "no")
	choice("repl-diskless-load", "disabled", "on-empty-db", "swapdb")
	choice("oom-score-adj", "no")
	const left = "darter leaves that to the service manager"
	t.Row("oom-score-adj").Refused = map[string]string{"yes": left, "relative": left, "absolute": left}
	return t
}

const (
	// plainClasses are the classes of events that A stands for, in the order of CONFIG GET.
	plainClasses = "g$lshzxetd"
	knownClasses = "A" + plainClasses + "nKEm"
)

// eventClasses refuses text that is no classes of events.
func eventClasses(text string) error {
	if strings.Trim(text, knownClasses) != "" {
		return errors.New("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
	}
	return nil
}

// sortedClasses brings classes of events into their order, A where it says it all.
func sortedClasses(text string) string {
	missing := strings.Trim(plainClasses, text) // what is left over of them
	if all := missing == "" || strings.Contains(text, "A"); all {
		text = strings.Map(func(r rune) rune {
			if strings.ContainsRune(plainClasses, r) {
				return -1
			}
			return r
		}, text) + "A"
	}
	sorted := make([]byte, 0, len(knownClasses))
	for _, c := range []byte(knownClasses) {
		if strings.IndexByte(text, c) >= 0 {
			sorted = append(sorted, c)
		}
	}
	return string(sorted)
}

// fileNameOnly refuses text that is not the name of a file within a folder.
func fileNameOnly(name string) error {
	switch {
	case name == "":
		return errors.New("dbfilename can't be empty")
	case strings.ContainsAny(name, `/\`) || name == "." || name == "..":
		return errors.New("dbfilename can't be a path, just a filename")
	}
	return nil
}
