package config

// The command line: [file | -] [--name value ...]. Files come first, then standard input, then flags, whatever their
// places; the last word on a directive counts.

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Action is what the command line asks for.
type Action uint8

// The actions.
const (
	// Run is to start the server.
	Run Action = iota
	// ShowVersion is to print the version and end.
	ShowVersion
	// ShowHelp is to print the usage and end.
	ShowHelp
)

// commandLine is the Where of an error in a flag.
const commandLine = "command line"

// flag is one directive given on the command line.
type flag struct {
	text string // as the user wrote it
	args []string
}

// Load takes the command line (without the program's own name) into c, which should be new: a config file as first
// argument, or "-" (first or last) for standard input, then flags. A flag is --name followed by its values, or
// --name=value, or "--name value" in one argument. A value right after its --name may itself start with --, except for
// save, which may stand alone and then means "". Nothing changes in c unless the action is Run and the error nil.
func (c *Config) Load(args []string, stdin io.Reader) (Action, error) {
	if len(args) > 0 && (args[0] == "-v" || args[0] == "-h") {
		return map[string]Action{"-v": ShowVersion, "-h": ShowHelp}[args[0]], nil
	}
	path, fromStdin, flags, action, err := c.scanArgs(args)
	if err != nil || action != Run {
		return action, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l, file := c.newLoader(), ""
	if path != nil {
		file = *path
		if !filepath.IsAbs(file) {
			file = filepath.Join(c.cwd, file)
		}
		if err := l.file(file, *path); err != nil {
			return Run, err
		}
	}
	if fromStdin {
		text, err := readLimited(stdin)
		if err != nil {
			return Run, fmt.Errorf("can't read standard input: %w", err)
		}
		if err := l.text(text, "standard input"); err != nil {
			return Run, err
		}
	}
	for _, f := range flags {
		if err := l.words(f.args, commandLine, f.text); err != nil {
			return Run, l.fail(commandLine, f.text, err)
		}
	}
	if err := l.store(); err != nil {
		return Run, err
	}
	c.file = file
	return Run, nil
}

// scanArgs sorts the command line into its parts.
func (c *Config) scanArgs(args []string) (path *string, stdin bool, flags []flag, action Action, err error) {
	last := len(args) - 1
	for i, arg := range args {
		var open *flag // the flag that arg may belong to
		if len(flags) > 0 {
			open = &flags[len(flags)-1]
		}
		wantsValue := open != nil && len(open.args) == 1
		isFlag := strings.HasPrefix(arg, "--")
		if wantsValue && isFlag && strings.EqualFold(open.args[0], "save") {
			open.args, wantsValue = append(open.args, ""), false
		}
		switch {
		case i == 0 && !strings.HasPrefix(arg, "-"):
			path = &args[0]
		case arg == "-" && (i == 0 || i == last):
			stdin = true
		case isFlag && !wantsValue:
			switch arg {
			case "--version":
				return nil, false, nil, ShowVersion, nil
			case "--help":
				return nil, false, nil, ShowHelp, nil
			}
			f, err := c.parseFlag(arg)
			if err != nil {
				return nil, false, nil, Run, err
			}
			flags = append(flags, f)
		case open == nil:
			return nil, false, nil, Run, &Error{commandLine, c.show(arg), "a flag starts with --, a config file comes first"}
		default:
			open.args = append(open.args, arg)
			open.text += " " + arg
		}
	}
	if n := len(flags); n > 0 && len(flags[n-1].args) == 1 && strings.EqualFold(flags[n-1].args[0], "save") {
		flags[n-1].args = append(flags[n-1].args, "")
	}
	return path, stdin, flags, Run, nil
}

// parseFlag reads one argument that starts with --: a name, a name=value, or a name and values after blanks.
func (c *Config) parseFlag(arg string) (flag, error) {
	f := flag{text: arg}
	name, value, assigned := strings.Cut(arg[2:], "=")
	if assigned && !strings.ContainsAny(name, " \t") {
		f.args = []string{name, value}
	} else {
		words, err := splitLine(arg[2:])
		if err != nil {
			return f, &Error{commandLine, c.show(arg), err.Error()}
		}
		f.args = words
	}
	if len(f.args) == 0 || f.args[0] == "" {
		return f, &Error{commandLine, c.show(arg), "a flag needs a name"}
	}
	return f, nil
}
