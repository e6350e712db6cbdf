package config

// CONFIG SET. The new values are parsed into a copy, hooks carry them out, and only when all have done so the copy
// becomes current. If a hook fails, those that ran before it are run again with the old values.

import (
	"errors"
	"fmt"
	"slices"
)

// hook carries changes of some directives out.
type hook struct {
	apply func(*Values) error
	rows  []int
}

// OnSet registers apply, to be called when a Set changes at least one of the directives in names. It is given the
// values that are about to be current and must put them into effect, or return an error and leave everything as it
// was; the error's text becomes part of CONFIG SET's answer. It is called once per Set, however many of its names
// change (a certificate and its key belong together), and again with the old values if a later hook fails. It must not
// call Set, Rewrite, Load, File or OnSet. Directives whose Change is Hooked can be changed from now on. An unknown
// name panics.
func (c *Config) OnSet(apply func(*Values) error, names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := hook{apply: apply}
	for _, name := range names {
		e, ok := c.lookup(name)
		if !ok {
			panic("config: no directive " + name)
		}
		h.rows = append(h.rows, e.row)
	}
	c.hooks = append(c.hooks, h)
}

// hooked reports whether a hook waits for changes of row.
func (c *Config) hooked(row int) bool {
	return slices.ContainsFunc(c.hooks, func(h hook) bool { return slices.Contains(h.rows, row) })
}

// setting is one pair of a Set, looked up.
type setting struct {
	entry
	asked string // the name as it was given
	value string
}

// failed makes the error of a Set that name is to blame for.
func failed(name string, why any) error {
	return fmt.Errorf("ERR CONFIG SET failed (possibly related to argument '%s') - %v", name, why)
}

var (
	errImmutable = errors.New("can't set immutable config")
	errProtected = errors.New("can't set protected config")
	errDuplicate = errors.New("duplicate parameter")
)

// Set changes all of pairs or none, as CONFIG SET does; local says whether who asks sits on this machine (loopback or
// unix socket), which enable-protected-configs may demand. The error is the whole text of Redis's error reply.
func (c *Config) Set(pairs []Pair, local bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	settings, err := c.resolve(pairs, local)
	if err != nil {
		return err
	}
	old := c.current.Load()
	next := &Values{config: c, of: slices.Clone(old.of)}
	for _, s := range settings {
		d := &c.table[s.row]
		v, err := d.parse([]string{s.value}, &next.of[s.row])
		if err != nil {
			return failed(s.name, err)
		}
		if d.Change == Hooked && !v.equal(&old.of[s.row]) && !c.hooked(s.row) {
			return failed(s.asked, errImmutable)
		}
		next.of[s.row] = v
	}
	if err := c.apply(settings, old, next); err != nil {
		return err
	}
	c.current.Store(next)
	return nil
}

// resolve looks the names up and refuses what may not be changed at all, before any value is read.
func (c *Config) resolve(pairs []Pair, local bool) ([]setting, error) {
	settings := make([]setting, 0, len(pairs))
	seen := make(map[string]bool, len(pairs))
	for _, p := range pairs {
		e, ok := c.lookup(p.Name)
		if !ok {
			return nil, fmt.Errorf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", p.Name)
		}
		switch change := c.table[e.row].Change; {
		case change == Never:
			return nil, failed(p.Name, errImmutable)
		case change == Protected && !c.protectedAllowed(local):
			return nil, failed(p.Name, errProtected)
		case seen[e.name]:
			return nil, failed(p.Name, errDuplicate)
		}
		seen[e.name] = true
		settings = append(settings, setting{e, p.Name, p.Value})
	}
	return settings, nil
}

// protectedAllowed reports whether Protected directives may be changed by a local or a remote client.
func (c *Config) protectedAllowed(local bool) bool {
	switch c.Current().String("enable-protected-configs") {
	case "yes":
		return true
	case "local":
		return local
	}
	return false
}

// apply runs the hooks of what differs between old and next, in order of settings. On failure everything is as before.
func (c *Config) apply(settings []setting, old, next *Values) error {
	var done []int // hooks that have carried their change out
	for _, s := range settings {
		if next.of[s.row].equal(&old.of[s.row]) {
			continue
		}
		for i, h := range c.hooks {
			if !slices.Contains(h.rows, s.row) || slices.Contains(done, i) {
				continue
			}
			err := h.apply(next)
			if err == nil {
				done = append(done, i)
				continue
			}
			for _, back := range slices.Backward(done) {
				if again := c.hooks[back].apply(old); again != nil {
					err = fmt.Errorf("%w; going back failed too: %w", err, again)
				}
			}
			return failed(s.name, err)
		}
	}
	return nil
}
