package darter

import (
	"github.com/darterdb/darter/internal/config"
)

// newConfig returns the directives' defaults, for a cache that was given none.
func newConfig() (*config.Config, error) {
	return config.New(config.Standard())
}

// bindConfig lets the directives that the engine itself obeys take effect, now and when CONFIG SET changes them.
func (e *engine) bindConfig(o Options) error {
	apply := func(v *config.Values) error {
		e.maxMemory.Store(v.Bytes("maxmemory"))
		e.maxValue.Store(v.Bytes("proto-max-bulk-len"))
		return nil
	}
	if err := apply(e.config.Current()); err != nil {
		return err
	}
	if o.MaxMemory != 0 {
		e.maxMemory.Store(o.MaxMemory)
	}
	e.config.OnSet(apply, "maxmemory", "proto-max-bulk-len")
	return nil
}

// Config returns the directives that CONFIG works on. It is for package resp.
func (c *Cache) Config() *config.Config { return c.config }
