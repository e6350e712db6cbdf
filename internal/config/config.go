// Package config knows redis.conf: which directives a server has, what each accepts, and what each is set to now.
//
//	directive.go  a row of the table: name, kind, default, bounds, who may change it
//	table.go      the rows
//	value.go      the value forms: text to value, value to text
//	load.go       one line of a file or one flag becomes values; errors that say where and what is wanted
//	file.go       config files: comments, includes, limits
//	args.go       the command line
//	set.go        CONFIG SET: all or nothing over several pairs, with the hooks that carry a change out
//	rewrite.go    CONFIG REWRITE: the file keeps its comments and its order
//	nearest.go    the known name closest to a misspelt one
//
// The table is the only place that names a directive. Everything else (the parser, CONFIG GET, SET, REWRITE, the
// text of --help) reads it, so a new directive is one row and, if a change must reach something, one hook.
//
// All values live in one immutable Values; a change builds the next one and swaps a pointer. A reader takes no lock
// and sees either all pairs of a CONFIG SET or none.
package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/darterdb/darter/internal/glob"
)

// Config holds a table and the current value of each of its directives. Its methods may be called by any goroutine.
type Config struct {
	table   Table
	entries map[string]entry
	cwd     string // the working directory at start, which relative paths in a file count from

	mu    sync.Mutex // held by whoever changes values, hooks or the file
	hooks []hook
	file  string // absolute path of the file CONFIG REWRITE rewrites; empty without one

	current atomic.Pointer[Values]
}

// entry is what a name leads to: a directive's own name and each of its aliases have one.
type entry struct {
	name string // as CONFIG GET prints it, in lower case
	row  int
}

// New returns a Config in which each directive of table has its default. It takes the table over: the caller must
// not change it any more. A table that contradicts itself (a name twice, a default its own row refuses) is an error.
func New(table Table) (*Config, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("cannot tell the working directory: %w", err)
	}
	return newAt(table, cwd)
}

// newAt is New with the working directory given.
func newAt(table Table, cwd string) (*Config, error) {
	c := &Config{table: table, entries: make(map[string]entry, len(table)), cwd: cwd}
	if len(table) == 0 {
		return nil, errors.New("the table has no directives")
	}
	values := &Values{config: c, of: make([]value, len(table))}
	for i := range table {
		d := &table[i]
		for _, name := range append([]string{d.Name}, d.Aliases...) {
			if _, twice := c.entries[name]; twice || name != strings.ToLower(name) {
				return nil, fmt.Errorf("directive %q is in the table twice or not in lower case", name)
			}
			c.entries[name] = entry{name, i}
		}
		start := value{}
		if d.Kind == Dir {
			start.text = cwd
		}
		v, err := d.parse([]string{d.Default}, &start)
		if err != nil {
			return nil, fmt.Errorf("the default of directive %q: %w", d.Name, err)
		}
		values.of[i] = v
	}
	c.current.Store(values)
	return c, nil
}

// lookup finds a directive by name or alias in any case.
func (c *Config) lookup(name string) (entry, bool) {
	e, ok := c.entries[strings.ToLower(name)]
	return e, ok
}

// File returns the absolute path of the config file the server was started with, empty without one.
func (c *Config) File() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.file
}

// Current returns the values as of now. They never change; a later CONFIG SET makes new ones.
func (c *Config) Current() *Values { return c.current.Load() }

// Pair is a directive's name with the text of its value.
type Pair struct{ Name, Value string }

// Get returns what CONFIG GET answers for patterns: each directive that one of them matches, once, in order of the
// patterns and then of the table; an alias counts as a directive of its own. A pattern without any of [ * ? is a plain
// name, shown as it was asked for. Case never matters.
func (c *Config) Get(patterns ...string) []Pair {
	v := c.Current()
	var pairs []Pair
	seen := make(map[string]bool)
	add := func(key, shown string, row int) {
		if !seen[key] {
			seen[key] = true
			pairs = append(pairs, Pair{shown, v.of[row].text})
		}
	}
	for _, p := range patterns {
		if !strings.ContainsAny(p, "[*?") {
			if e, ok := c.lookup(p); ok {
				add(e.name, p, e.row)
			}
			continue
		}
		for i := range c.table {
			d := &c.table[i]
			for _, name := range append([]string{d.Name}, d.Aliases...) {
				if glob.MatchFold([]byte(p), []byte(name)) {
					add(name, name, i)
				}
			}
		}
	}
	return pairs
}

// Int is Current().Int(name).
func (c *Config) Int(name string) int64 { return c.Current().Int(name) }

// Bool is Current().Bool(name).
func (c *Config) Bool(name string) bool { return c.Current().Bool(name) }

// Bytes is Current().Bytes(name).
func (c *Config) Bytes(name string) int64 { return c.Current().Bytes(name) }

// String is Current().String(name).
func (c *Config) String(name string) string { return c.Current().String(name) }

// Strings is Current().Strings(name).
func (c *Config) Strings(name string) []string { return c.Current().Strings(name) }

// SavePoints is Current().SavePoints(name).
func (c *Config) SavePoints(name string) []SavePoint { return c.Current().SavePoints(name) }

// Floats returns the numbers of a Percentiles directive.
func (v *Values) Floats(name string) []float64 { return v.row(name, Percentiles).floats }

// BufferLimits is Current().BufferLimits(name).
func (c *Config) BufferLimits(name string) BufferLimits { return c.Current().BufferLimits(name) }

// Path is Current().Path(name).
func (c *Config) Path(name string) string { return c.Current().Path(name) }

// Values is what every directive was set to at one moment; it never changes. Its getters panic when the table has no
// directive of that name and kind: names are constants of the program, never input.
type Values struct {
	config *Config
	of     []value // by row of the table
}

// row returns the value of the directive called name, which must be of one of kinds if any are given.
func (v *Values) row(name string, kinds ...Kind) *value {
	e, ok := v.config.entries[name]
	if !ok {
		panic("config: no directive " + name)
	}
	kind := v.config.table[e.row].Kind
	ok = len(kinds) == 0
	for _, k := range kinds {
		ok = ok || k == kind
	}
	if !ok {
		panic("config: directive " + name + " is of another kind")
	}
	return &v.of[e.row]
}

// Int returns the value of an Int or Octal directive.
func (v *Values) Int(name string) int64 { return v.row(name, Int, Octal).num }

// Bool returns the value of a Bool directive.
func (v *Values) Bool(name string) bool { return v.row(name, Bool).num != 0 }

// Bytes returns the value of a Memory directive.
func (v *Values) Bytes(name string) int64 { return v.row(name, Memory).num }

// String returns the value of any directive as CONFIG GET shows it: an Enum's word in lower case, a Dir's absolute
// path.
func (v *Values) String(name string) string { return v.row(name).text }

// Strings returns the value of a List directive; the caller must not change it.
func (v *Values) Strings(name string) []string { return v.row(name, List).list }

// SavePoints returns the value of a Saves directive, in the order written; the caller must not change it.
func (v *Values) SavePoints(name string) []SavePoint { return v.row(name, Saves).saves }

// BufferLimits returns the value of a Limits directive.
func (v *Values) BufferLimits(name string) BufferLimits { return v.row(name, Limits).limits }

// Path returns the value of a Text directive that names a file, made absolute by the dir directive; empty stays empty.
func (v *Values) Path(name string) string {
	path := v.row(name, Text).text
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(v.String("dir"), path)
}
