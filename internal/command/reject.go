// From a call's arguments to its row, and the texts for calls that don't get that far. Everyone who runs commands by
// name comes through Resolve, so that all of them refuse with the same words.

package command

import (
	"bytes"
	"strings"

	"github.com/darterdb/darter/internal/errs"
)

// shownArg is how many bytes of a name, and of all arguments together, a refusal repeats.
const shownArg = 128

// Resolve finds the row of a call, of a subcommand where the command has any, and checks the count of its arguments.
// The error's text is the reply (an errs.Error). It allocates only for an error.
func Resolve(args [][]byte) (*Row, error) {
	if len(args) == 0 {
		return nil, UnknownCommand(nil)
	}
	row := Lookup(args[0])
	if row == nil {
		return nil, UnknownCommand(args)
	}
	if len(row.Sub) > 0 && len(args) > 1 {
		sub := row.Subcommand(args[1])
		if sub == nil {
			return nil, UnknownSubcommand(row, args[1])
		}
		row = sub
	}
	if !row.Takes(len(args)) {
		return nil, WrongArity(row)
	}
	return row, nil
}

// Takes tells whether the command takes n arguments, its name (and its subcommand's) included.
func (r *Row) Takes(n int) bool { return n == r.Arity || (r.Arity < 0 && n >= -r.Arity) }

// UnknownCommand is the refusal of a command that doesn't exist. args has its name first.
func UnknownCommand(args [][]byte) error {
	var name, rest []byte
	if len(args) > 0 {
		name = args[0]
		for _, arg := range args[1:] {
			if len(rest) >= shownArg {
				break
			}
			rest = append(append(append(rest, '\''), shown(arg, shownArg-len(rest))...), "' "...)
		}
	}
	return refusal("ERR unknown command '", shown(name, shownArg), "', with args beginning with: ", rest)
}

// UnknownSubcommand is the refusal of a subcommand that the command doesn't have.
func UnknownSubcommand(row *Row, sub []byte) error {
	return refusal("ERR unknown subcommand '", shown(sub, shownArg), "'. Try ", []byte(strings.ToUpper(row.Name)),
		" HELP.")
}

// WrongArity is the refusal of too few or too many arguments.
func WrongArity(row *Row) error {
	return errs.Error("ERR wrong number of arguments for '" + row.FullName() + "' command")
}

// shown returns what a refusal repeats of an argument: it is cut at a zero byte, and at a length.
func shown(arg []byte, limit int) []byte {
	if len(arg) > limit {
		arg = arg[:limit]
	}
	if i := bytes.IndexByte(arg, 0); i >= 0 {
		arg = arg[:i]
	}
	return arg
}

// refusal joins strings and byte slices into an error of one line.
func refusal(parts ...any) error {
	var text []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			text = append(text, p...)
		case []byte:
			text = append(text, p...)
		}
	}
	for i, c := range text {
		if c == '\r' || c == '\n' {
			text[i] = ' '
		}
	}
	return errs.Error(text)
}
