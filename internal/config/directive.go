package config

// A directive is a row of facts. What a kind accepts is in value.go; a row only narrows it.

import (
	"fmt"
	"io"
	"strings"
)

// Kind is the form a directive's value has.
type Kind uint8

// The kinds, each with the form its value has in a file.
const (
	Bool        Kind = iota // yes or no
	Int                     // a decimal number within Min and Max
	Octal                   // a file mode such as 700, within Min and Max
	Memory                  // a number of bytes, or with k, kb, m, mb, g, gb; within Min and Max
	Enum                    // one word of Allowed
	Text                    // any one value
	Dir                     // an existing folder; kept as an absolute path
	List                    // any number of addresses
	Saves                   // pairs of seconds and changes; "" for none
	Percentiles             // numbers from 0 to 100; "" for none
	Limits                  // class, hard limit, soft limit, seconds over the soft limit; any number of times
)

// Change says who may change a directive while the server runs.
type Change uint8

// The rules of change.
const (
	// Never is fixed at start.
	Never Change = iota
	// Hooked can change once the program has registered a hook that carries the change out (OnSet), else never: a
	// listening port that nobody moves must not claim to have moved.
	Hooked
	// Always can change; whoever needs it reads the current value.
	Always
	// Protected can change as enable-protected-configs says: it decides which files the server writes.
	Protected
)

// Directive is one row of the table.
type Directive struct {
	Name    string   // in lower case
	Aliases []string // older names, which CONFIG GET and SET know as well
	Kind    Kind
	Default string // written as CONFIG SET would be given it
	Min     int64  // Int, Octal, Memory
	Max     int64
	Allowed []string          // Enum: the words, in the order an error lists them
	Refused map[string]string // values of Redis that darter lacks, in lower case, each with the reason
	Change  Change
	Secret  bool                // errors and logs must not show the value
	Check   func(string) error  // Text: what else must hold; its error is shown to the user
	Form    func(string) string // Text: brings what Check lets pass into the form that CONFIG GET gives; nil to leave it
	About   string              // one line for --help
	Idle    bool                // it has no effect, and is known only because packaged config files set it
}

// Table is an ordered set of directives.
type Table []Directive

// Row returns the directive called name, to be narrowed before the table is given to New; nil if there is none.
func (t Table) Row(name string) *Directive {
	for i := range t {
		if t[i].Name == name {
			return &t[i]
		}
	}
	return nil
}

// Describe writes one paragraph per directive: its usage, its default and what it is for. Idle ones are just named.
func (t Table) Describe(w io.Writer) error {
	var idle []string
	for i := range t {
		d := &t[i]
		if d.Idle {
			idle = append(idle, d.Name)
			continue
		}
		text := fmt.Sprintf("  --%s\n        %s", d.Usage(), d.About)
		if d.Default != "" && d.Kind != Dir {
			text += " Default: " + d.Default + "."
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	if idle == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "  Without effect, known because packaged config files set them:\n        %s\n",
		strings.Join(idle, "\n        "))
	return err
}

// Usage returns the directive's name followed by the form of its value, such as "port <0-65535>".
func (d *Directive) Usage() string {
	form := "<text>"
	switch d.Kind {
	case Bool:
		form = "yes|no"
	case Int:
		form = fmt.Sprintf("<%d-%d>", d.Min, d.Max)
	case Octal:
		form = fmt.Sprintf("<%o-%o>", d.Min, d.Max)
	case Memory:
		form = "<bytes, or with k kb m mb g gb>"
	case Enum:
		form = strings.Join(d.Allowed, "|")
	case Dir:
		form = "<folder>"
	case List:
		form = fmt.Sprintf("<address> ... (at most %d)", maxAddresses)
	case Saves:
		form = `<seconds> <changes> ... | ""`
	case Percentiles:
		form = fmt.Sprintf("<0-100> ... (at most %d)", maxPercentiles)
	case Limits:
		form = "<normal|replica|pubsub> <hard> <soft> <seconds> ..."
	}
	return d.Name + " " + form
}

// multi reports whether the directive's value may be written as several arguments.
func (d *Directive) multi() bool {
	return d.Kind == List || d.Kind == Saves || d.Kind == Percentiles || d.Kind == Limits
}
