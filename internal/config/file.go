package config

// Config files. A line is blank, a comment that starts with #, "include <path>", or a directive; words may be quoted.
// Paths count from the working directory, or from the folder that a dir line above has named, as in Redis. A path with
// * ? or [ stands for all files it matches, in order of their names; none is no error.

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Limits on what one start reads, so that a wrong path (a disk image, a pipe that never ends) is an error, not a hang.
const (
	maxFileSize = 1 << 20 // bytes of one file
	maxFiles    = 256     // all files together, each counted as often as it is included
	maxDepth    = 32      // files within files
)

// readLimited reads r to its end, which must come within maxFileSize.
func readLimited(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileSize+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > maxFileSize:
		return "", fmt.Errorf("longer than %d bytes, which no config file is", maxFileSize)
	}
	return string(data), nil
}

// readFile reads the file at path.
func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readLimited(f)
}

// folder is what relative paths count from at this point of the pass.
func (l *loader) folder() string {
	for i := range l.config.table {
		if l.config.table[i].Kind == Dir {
			return l.of[i].text
		}
	}
	return l.config.cwd
}

// absolute returns path counted from the folder of this point.
func (l *loader) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(l.folder(), path)
}

// file takes the config file at path, which messages call name.
func (l *loader) file(path, name string) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	for i, open := range l.stack {
		if open == path {
			return fmt.Errorf("%s includes itself: %s", name, strings.Join(append(l.stack[i:], path), " -> "))
		}
	}
	if l.files++; l.files > maxFiles || len(l.stack) >= maxDepth {
		return fmt.Errorf("more than %d files, or files within files more than %d deep", maxFiles, maxDepth)
	}
	text, err := readFile(path)
	if err != nil {
		return fmt.Errorf("can't read config file '%s': %s", name, systemText(err))
	}
	l.stack = append(l.stack, path)
	err = l.text(text, name)
	l.stack = l.stack[:len(l.stack)-1]
	return err
}

// text takes the lines of a file, which messages call name.
func (l *loader) text(text, name string) error {
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.Trim(line, " \t\r")
		where := fmt.Sprintf("%s:%d", name, number)
		if err := l.line(line, where); err != nil {
			return l.fail(where, line, err)
		}
	}
	return nil
}

// line takes one trimmed line.
func (l *loader) line(line, where string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	words, err := splitLine(line)
	if err != nil || len(words) == 0 {
		return err
	}
	return l.words(words, where, line)
}

// include takes the file or files that an include line names.
func (l *loader) include(path string) error {
	full := l.absolute(path)
	if !strings.ContainsAny(path, "*?[") {
		return l.file(full, path)
	}
	matches, err := filepath.Glob(full)
	if err != nil {
		return fmt.Errorf("'%s' is not a path pattern", path)
	}
	for _, m := range matches {
		if err := l.file(m, m); err != nil {
			return err
		}
	}
	return nil
}
