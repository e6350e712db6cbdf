// COMMAND DOCS and the HELP subcommands: the rows put into words. Both are derived, so that a row's arguments are
// written down once.

package command

import (
	"strings"

	"github.com/darterdb/darter/internal/reply"
)

// runCommandDocs answers COMMAND DOCS: documentation by full name. Names that don't exist are left out.
func runCommandDocs(c *Call) {
	var wanted []*Row
	if len(c.Args) == 2 {
		for _, r := range rows {
			if r.parent == nil {
				wanted = append(wanted, r)
			}
		}
	}
	for _, name := range c.Args[2:] {
		if r := lookupFull(name); r != nil {
			wanted = append(wanted, r)
		}
	}
	writeDocs(c.W, wanted)
}

// writeDocs writes a map from full names to documentation.
func writeDocs(w reply.Writer, list []*Row) {
	w.Map(len(list))
	for _, r := range list {
		w.BulkString(r.FullName())
		writeDoc(w, r)
	}
}

func writeDoc(w reply.Writer, r *Row) {
	texts := []struct{ name, value string }{
		{"summary", r.Summary}, {"since", r.Since}, {"group", r.Group}, {"complexity", r.Complexity},
	}
	var flags []string
	if r.Deprecated != "" {
		flags = append(flags, "deprecated")
	}
	if r.SysCmd {
		flags = append(flags, "syscmd")
	}
	changes := []struct{ name, value string }{{"deprecated_since", r.Deprecated}, {"replaced_by", r.ReplacedBy}}

	n := 0
	for _, t := range append(texts, changes...) {
		if t.value != "" {
			n++
		}
	}
	for _, has := range []bool{len(flags) > 0, len(r.Args) > 0, len(r.Sub) > 0} {
		if has {
			n++
		}
	}

	w.Map(n)
	for _, t := range texts {
		writeText(w, t.name, t.value)
	}
	if len(flags) > 0 {
		w.BulkString("doc_flags")
		writeStatuses(w, flags)
	}
	for _, t := range changes {
		writeText(w, t.name, t.value)
	}
	if len(r.Args) > 0 {
		w.BulkString("arguments")
		writeArgs(w, r.Args)
	}
	if len(r.Sub) > 0 {
		w.BulkString("subcommands")
		writeDocs(w, r.Sub)
	}
}

// writeText writes a pair of a map, or nothing where there is no text.
func writeText(w reply.Writer, name, value string) {
	if value != "" {
		w.BulkString(name)
		w.BulkString(value)
	}
}

// writeArgs writes the descriptions of arguments. Groups of arguments have no text to display but arguments inside.
func writeArgs(w reply.Writer, args []Arg) {
	w.Array(len(args))
	for i := range args {
		a := &args[i]
		group := a.group()
		var flags []string
		if a.Optional {
			flags = append(flags, "optional")
		}
		if a.Multiple {
			flags = append(flags, "multiple")
		}
		if a.MultipleToken {
			flags = append(flags, "multiple_token")
		}
		n := 3 // name, type, and either a text to display or arguments
		for _, has := range []bool{a.Key > 0, a.Token != "", a.Since != "", a.Deprecated != "", len(flags) > 0} {
			if has {
				n++
			}
		}
		w.Map(n)
		writeText(w, "name", a.Name)
		writeText(w, "type", a.Type)
		if !group {
			writeText(w, "display_text", a.display())
		}
		if a.Key > 0 {
			writeField(w, "key_spec_index", a.Key-1)
		}
		writeText(w, "token", a.Token)
		writeText(w, "since", a.Since)
		writeText(w, "deprecated_since", a.Deprecated)
		if len(flags) > 0 {
			w.BulkString("flags")
			writeStatuses(w, flags)
		}
		if group {
			w.BulkString("arguments")
			writeArgs(w, a.Args)
		}
	}
}

// group tells whether the argument stands for others.
func (a *Arg) group() bool { return a.Type == "oneof" || a.Type == "block" }

// display returns the name that people see.
func (a *Arg) display() string {
	if a.Display != "" {
		return a.Display
	}
	return a.Name
}

// runHelp answers a HELP subcommand from the rows of its neighbours.
func runHelp(c *Call) {
	parent := c.Row.parent
	var lines []string
	if parent.Run != nil {
		lines = append(lines, "(no subcommand)", "    "+parent.Summary)
	}
	for _, sub := range parent.Sub {
		if sub != c.Row {
			lines = append(lines, strings.ToUpper(sub.Name)+usage(sub.Args), "    "+sub.Summary)
		}
	}
	WriteHelp(c.W, parent.Name, lines...)
}

// WriteHelp answers the HELP of a command: a first line that names it, the given lines, and HELP itself. A subcommand
// has its usage in one line and what it does in those after it, four blanks in.
func WriteHelp(w reply.Writer, command string, lines ...string) {
	w.Array(len(lines) + 3)
	w.Status(strings.ToUpper(command) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, line := range lines {
		w.Status(line)
	}
	w.Status("HELP")
	w.Status("    Print this help.")
}

// usage writes arguments as people read them, each after a blank: " <key> [COUNT <n>]".
func usage(args []Arg) string {
	var b strings.Builder
	for i := range args {
		b.WriteByte(' ')
		text := args[i].usage()
		if !args[i].Optional {
			b.WriteString(text)
			continue
		}
		if choice, ok := strings.CutPrefix(text, "("); ok && strings.HasSuffix(choice, ")") {
			text = strings.TrimSuffix(choice, ")")
		}
		b.WriteString("[" + text + "]")
	}
	return b.String()
}

// usage writes one argument, without the brackets of an optional one.
func (a *Arg) usage() string {
	var text string
	switch a.Type {
	case "pure-token":
		return a.Token
	case "oneof":
		choices := make([]string, len(a.Args))
		for i := range a.Args {
			choices[i] = a.Args[i].usage()
		}
		text = "(" + strings.Join(choices, "|") + ")"
	case "block":
		text = strings.TrimPrefix(usage(a.Args), " ")
	default:
		text = "<" + a.display() + ">"
	}
	token := ""
	if a.Token != "" {
		token = a.Token + " "
	}
	if !a.Multiple {
		return token + text
	}
	again := text
	switch {
	case a.MultipleToken:
		again = token + text
	case a.group() && len(text) > 40:
		again = "" // long enough once
	}
	return token + text + " [" + strings.TrimPrefix(again+" ...", " ") + "]"
}
