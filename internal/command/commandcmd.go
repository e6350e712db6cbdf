// COMMAND: what a client can learn about commands, read from the rows themselves. COMMAND DOCS is in docs.go.

package command

import (
	"bytes"
	"strings"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/glob"
	"github.com/darterdb/darter/internal/reply"
)

const (
	errNoCommand = errs.Error("ERR Invalid command specified")
	errNoKeys    = errs.Error("ERR The command has no key arguments")
	errKeyArity  = errs.Error("ERR Invalid number of arguments specified for command")
)

// runCommand answers COMMAND: every command's description.
func runCommand(c *Call) {
	c.W.Array(len(byName))
	for _, r := range rows {
		if r.parent == nil {
			writeInfo(c.W, r)
		}
	}
}

// runCommandCount answers COMMAND COUNT.
func runCommandCount(c *Call) { c.W.Int(int64(len(byName))) }

// runCommandInfo answers COMMAND INFO: descriptions by name, null where there is no such command.
func runCommandInfo(c *Call) {
	names := c.Args[2:]
	if len(names) == 0 {
		runCommand(c)
		return
	}
	c.W.Array(len(names))
	for _, name := range names {
		if r := lookupFull(name); r != nil {
			writeInfo(c.W, r)
		} else {
			c.W.Null()
		}
	}
}

// lookupFull finds a row by its full name: "get", "config|get". It returns nil where there is none.
func lookupFull(name []byte) *Row {
	name, sub, isSub := bytes.Cut(name, []byte("|"))
	r := Lookup(name)
	if r == nil || !isSub {
		return r
	}
	return r.Subcommand(sub)
}

// writeInfo writes a command's description: ten fields, of which the key positions are all that old clients know.
func writeInfo(w reply.Writer, r *Row) {
	first, last, step, _ := r.legacyRange()
	w.Array(10)
	w.BulkString(r.FullName())
	w.Int(int64(r.Arity))
	writeStatuses(w, r.shownFlags())
	w.Int(int64(first))
	w.Int(int64(last))
	w.Int(int64(step))
	writeStatuses(w, r.shownCategories())
	w.Set(len(r.Tips))
	for _, tip := range r.Tips {
		w.BulkString(tip)
	}
	w.Set(len(r.Keys))
	for i := range r.Keys {
		writeKeySpec(w, &r.Keys[i])
	}
	if len(r.Sub) == 0 {
		w.Set(0)
		return
	}
	w.Array(len(r.Sub))
	for _, sub := range r.Sub {
		writeInfo(w, sub)
	}
}

// writeStatuses writes a set of short names.
func writeStatuses(w reply.Writer, names []string) {
	w.Set(len(names))
	for _, name := range names {
		w.Status(name)
	}
}

// writeKeySpec writes a key specification as the map that COMMAND INFO shows.
func writeKeySpec(w reply.Writer, s *KeySpec) {
	fields := 3
	if s.Notes != "" {
		fields++
	}
	w.Map(fields)
	if s.Notes != "" {
		w.BulkString("notes")
		w.BulkString(s.Notes)
	}
	w.BulkString("flags")
	writeStatuses(w, strings.Fields(s.Flags))

	w.BulkString("begin_search")
	switch {
	case s.Unknown:
		openSpec(w, "unknown", 0)
	case s.Keyword != "":
		openSpec(w, "keyword", 2)
		w.BulkString("keyword")
		w.BulkString(s.Keyword)
		writeField(w, "startfrom", s.StartFrom)
	default:
		openSpec(w, "index", 1)
		writeField(w, "index", s.Pos)
	}

	w.BulkString("find_keys")
	switch {
	case s.Unknown:
		openSpec(w, "unknown", 0)
	case s.KeyNum:
		openSpec(w, "keynum", 3)
		writeField(w, "keynumidx", s.KeyNumAt)
		writeField(w, "firstkey", s.FirstKey)
		writeField(w, "keystep", s.Step)
	default:
		openSpec(w, "range", 3)
		writeField(w, "lastkey", s.Last)
		writeField(w, "keystep", s.Step)
		writeField(w, "limit", s.Limit)
	}
}

// openSpec opens one half of a key specification, whose n fields follow.
func openSpec(w reply.Writer, kind string, n int) {
	w.Map(2)
	w.BulkString("type")
	w.BulkString(kind)
	w.BulkString("spec")
	w.Map(n)
}

func writeField(w reply.Writer, name string, n int) {
	w.BulkString(name)
	w.Int(int64(n))
}

// runCommandList answers COMMAND LIST: full names, all or those that a filter lets through.
func runCommandList(c *Call) {
	accept, err := listFilter(c.Args[2:])
	if err != nil {
		c.Fail(err)
		return
	}
	var names []string
	for _, r := range rows {
		if accept(r) {
			names = append(names, r.FullName())
		}
	}
	c.W.Array(len(names))
	for _, name := range names {
		c.W.BulkString(name)
	}
}

// listFilter reads the options of COMMAND LIST. There are no modules, and so no command is of any.
func listFilter(options [][]byte) (func(*Row) bool, error) {
	if len(options) == 0 {
		return func(*Row) bool { return true }, nil
	}
	if len(options) != 3 || !sameName("filterby", options[0]) {
		return nil, errs.Syntax
	}
	kind, value := options[1], options[2]
	switch {
	case sameName("module", kind):
		return func(*Row) bool { return false }, nil
	case sameName("aclcat", kind):
		category := categoryBit(value)
		return func(r *Row) bool { return r.categorySet()&category != 0 }, nil
	case sameName("pattern", kind):
		return func(r *Row) bool { return glob.MatchFold(value, []byte(r.FullName())) }, nil
	}
	return nil, errs.Syntax
}

// runCommandGetKeys answers COMMAND GETKEYS.
func runCommandGetKeys(c *Call) {
	args := c.Args[2:]
	keys, err := keysOfText(args)
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Array(len(keys))
	for _, k := range keys {
		c.W.Bulk(args[k.Index])
	}
}

// runCommandGetKeysAndFlags answers COMMAND GETKEYSANDFLAGS.
func runCommandGetKeysAndFlags(c *Call) {
	args := c.Args[2:]
	keys, err := keysOfText(args)
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Array(len(keys))
	for _, k := range keys {
		c.W.Array(2)
		c.W.Bulk(args[k.Index])
		writeStatuses(c.W, strings.Fields(k.Flags))
	}
}

// keysOfText finds the keys of a call that is only written down, not run.
func keysOfText(args [][]byte) ([]KeyAt, error) {
	row := Lookup(args[0])
	if row != nil && len(row.Sub) > 0 && len(args) > 1 {
		row = row.Subcommand(args[1])
	}
	switch {
	case row == nil:
		return nil, errNoCommand
	case !row.HasKeys():
		return nil, errNoKeys
	case !row.Takes(len(args)):
		return nil, errKeyArity
	}
	keys, err := KeysOf(row, args, nil)
	if len(keys) > 0 || row.Flags&NoMandatoryKeys != 0 {
		return keys, nil
	}
	if err == nil {
		err = errKeys
	}
	return nil, err
}
