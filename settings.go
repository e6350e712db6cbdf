package darter

import (
	"strings"
	"sync/atomic"

	"github.com/darterdb/darter/internal/config"
	"github.com/darterdb/darter/internal/value"
)

// newConfig returns the directives' defaults, for a cache that was given none. It writes no files unasked into the folder
// of the program that it is a part of.
func newConfig() (*config.Config, error) {
	table := config.Standard()
	table.Row("save").Default = ""
	return config.New(table)
}

// bindConfig lets the directives that the engine itself obeys take effect, now and when CONFIG SET changes them.
func (e *engine) bindConfig(o Options) error {
	apply := func(v *config.Values) error {
		e.maxMemory.Store(v.Bytes("maxmemory"))
		e.maxValue.Store(v.Bytes("proto-max-bulk-len"))
		for name, limit := range containerLimits(e.limits) {
			if isBytes(name) {
				limit.Store(v.Bytes(name))
			} else {
				limit.Store(v.Int(name))
			}
		}
		e.bindWatchdog(v)
		e.notify(v.String("notify-keyspace-events"))
		e.maxTracked.Store(v.Int("tracking-table-max-keys"))
		e.limitTracked()
		return nil
	}
	if err := apply(e.config.Current()); err != nil {
		return err
	}
	if o.MaxMemory != 0 {
		e.maxMemory.Store(o.MaxMemory)
	}
	names := []string{"maxmemory", "proto-max-bulk-len", "notify-keyspace-events", "tracking-table-max-keys",
		"slowlog-log-slower-than", "slowlog-max-len", "latency-monitor-threshold", "latency-tracking"}
	for name := range containerLimits(e.limits) {
		names = append(names, name)
	}
	e.config.OnSet(apply, names...)
	return nil
}

// containerLimits returns the limits of packed containers by the names of their directives.
func containerLimits(l *value.Limits) map[string]*atomic.Int64 {
	return map[string]*atomic.Int64{
		"hash-max-listpack-entries": &l.HashEntries,
		"hash-max-listpack-value":   &l.HashValue,
		"list-max-listpack-size":    &l.ListSize,
		"set-max-intset-entries":    &l.SetInts,
		"set-max-listpack-entries":  &l.SetEntries,
		"set-max-listpack-value":    &l.SetValue,
		"zset-max-listpack-entries": &l.ZSetEntries,
		"zset-max-listpack-value":   &l.ZSetValue,
		"stream-node-max-bytes":     &l.StreamBytes,
		"stream-node-max-entries":   &l.StreamEntries,
		"hll-sparse-max-bytes":      &l.HLLSparse,
	}
}

// isBytes tells directives that are given as memory from those that are plain numbers.
func isBytes(name string) bool { return strings.HasSuffix(name, "-bytes") }

// Config returns the directives that CONFIG works on. It is for package resp.
func (c *Cache) Config() *config.Config { return c.config }
