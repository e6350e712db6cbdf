package config

// Loading: directives from files and flags, in order, each over what came before.

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/darterdb/darter/internal/wire"
)

// Error is a line of a file or a flag that can't be taken.
type Error struct {
	Where   string // "redis.conf:3", "standard input:1" or "command line"
	Text    string // the line or flag, shortened and without secrets
	Problem string // what is wrong, and what is wanted
}

// Error returns all three parts in one line.
func (e *Error) Error() string { return e.Where + ": " + e.Text + ": " + e.Problem }

// maxShown is how many bytes of an offending line an error repeats.
const maxShown = 100

// loader is one pass over all sources. It builds values that nobody sees until it is done.
type loader struct {
	config *Config
	of     []value
	given  []bool   // by row: a line or flag has set it in this pass
	lacks  []error  // by row: why what a line or flag says is refused, until a later one says something else
	stack  []string // files being read, outermost first
	files  int
}

func (c *Config) newLoader() *loader {
	return &loader{config: c, of: slices.Clone(c.Current().of), given: make([]bool, len(c.table)), lacks: make([]error, len(c.table))}
}

// refusal says why darter does not have a value that Redis has. The last line or flag counts: a packaged file is taken if
// the command line overrides what it can't have.
type refusal string

func (r refusal) Error() string { return string(r) }

// words takes what the line or flag text at where consists of: a directive or an include.
func (l *loader) words(words []string, where, text string) error {
	if !strings.EqualFold(words[0], "include") {
		return l.directive(words, where, text)
	}
	if len(words) != 2 {
		return fmt.Errorf("%w (usage: include <path>)", errArity)
	}
	return l.include(words[1])
}

// directive takes one directive: its name and its arguments.
func (l *loader) directive(args []string, where, text string) error {
	c := l.config
	e, ok := c.lookup(args[0])
	if !ok {
		return c.unknown(args[0])
	}
	d, old := &c.table[e.row], &l.of[e.row]
	args = args[1:]
	v, err := d.parse(args, old)
	if err != nil {
		err = fmt.Errorf("%w (usage: %s)", err, d.Usage())
		if errors.As(err, new(refusal)) {
			l.lacks[e.row], err = l.fail(where, text, err), nil
		}
		return err
	}
	l.lacks[e.row] = nil
	if d.Kind == Saves && l.given[e.row] && len(v.saves) > 0 {
		// The first save line replaces the default, later ones add to it, an empty one starts over.
		v = savesValue(slices.Concat(old.saves, v.saves))
	}
	l.of[e.row], l.given[e.row] = v, true
	return nil
}

// unknown is the error for a name that no directive has.
func (c *Config) unknown(name string) error {
	_, known, likely := c.nearest(name)
	if likely {
		return fmt.Errorf("unknown directive '%s', did you mean '%s'?", clip(name), known)
	}
	return fmt.Errorf("unknown directive '%s', the nearest known one is '%s'", clip(name), known)
}

// fail makes the Error for a line or flag, unless err is one already: an included file has said where.
func (l *loader) fail(where, text string, err error) error {
	if inner := (*Error)(nil); errors.As(err, &inner) {
		return err
	}
	return &Error{Where: where, Text: l.config.show(text), Problem: err.Error()}
}

// show returns text as an error repeats it: a value that is secret, or that a slip of the pen made unrecognizable as
// one, is left out.
func (c *Config) show(text string) string {
	word, _, _ := strings.Cut(text, " ")
	word, _, _ = strings.Cut(word, "=")
	if row, _, _ := c.nearest(strings.Trim(word, "-\"'\t")); c.table[row].Secret {
		return clip(word) + " (value not shown)"
	}
	return clip(text)
}

// clip returns text without its far end and without bytes that would disturb a terminal.
func clip(text string) string {
	if len(text) > maxShown {
		text = text[:maxShown] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '?'
		}
		return r
	}, text)
}

// store makes the loaded values the current ones, if none of them is refused.
func (l *loader) store() error {
	for _, err := range l.lacks {
		if err != nil {
			return err
		}
	}
	l.config.current.Store(&Values{config: l.config, of: l.of})
	return nil
}

// splitLine splits a line into words by Redis's quoting rules; a line of blanks has none.
func splitLine(line string) ([]string, error) {
	words, err := wire.SplitArgs(line)
	if err != nil {
		return nil, errors.New("unbalanced quotes")
	}
	return words, nil
}
