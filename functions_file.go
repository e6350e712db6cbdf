package darter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/darterdb/darter/internal/archive"
	"github.com/darterdb/darter/internal/luavm"
)

// # Libraries in a file
//
// A library is a record of a kind of its own, its text under its name, in front of the keys of the first shard. A
// snapshot has the libraries of its instant. A load gathers the texts while the data is built up, compiles and runs them
// when the whole file is known to be sound, and puts libraries and data in place together:
//
//	file --> texts --reload--> a set of its own --adopt, all shards held--> scripting
//	    '--> databases apart -------------------------------------------'--> shards
//
// A file without libraries, as from before there were any, leaves none. Go functions belong to the program and are
// neither saved nor replaced; a library that wants the name of one can't be loaded beside it, and neither can its file.

// allLibraries returns the libraries as they are now. The map is not to be changed.
func (sc *scripting) allLibraries() map[string]*luavm.Library {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return sc.libraries
}

// saveLibraries writes libraries, in order, so that the same ones make the same bytes.
func saveLibraries(out *archive.Section, libraries map[string]*luavm.Library) error {
	for _, lib := range byName(libraries) {
		rec := archive.Record{Kind: archive.KindLibrary, Key: []byte(lib.Name()), Payload: []byte(lib.Text())}
		if err := out.Add(rec); err != nil {
			return err
		}
	}
	return out.Flush()
}

// libraryTexts gathers the libraries of a file, of which parts come from several goroutines.
type libraryTexts struct {
	mu     sync.Mutex
	byName map[string]string
}

func (l *libraryTexts) add(rec *archive.Record) error {
	if rec.Flags != 0 {
		return fmt.Errorf("library %.64q is of a form %d, which this version does not know", rec.Key, rec.Flags)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	name := string(rec.Key)
	if _, twice := l.byName[name]; twice {
		return fmt.Errorf("library %.64q stands twice in the file", name)
	}
	if l.byName == nil {
		l.byName = map[string]string{}
	}
	l.byName[name] = string(rec.Payload)
	return nil
}

// reload makes the libraries of texts, which go by their names.
func (sc *scripting) reload(texts map[string]string) (functionSet, error) {
	set := newFunctionSet()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		lib, err := sc.pool.ReloadLibrary(texts[name])
		if err == nil && lib.Name() != name {
			err = fmt.Errorf("its text is that of library %.64q", lib.Name())
		}
		if err == nil {
			err = set.add(lib)
		}
		if err != nil {
			return functionSet{}, libraryError(name, err)
		}
	}
	return set, nil
}

// replace puts a set in the place of all libraries. It fails, with nothing changed, if a Go function has the name of one
// of the set's functions.
func (sc *scripting) replace(set functionSet) error {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	merged := sc.copiedLocked(false)
	for _, lib := range byName(set.libraries) {
		if err := merged.add(lib); err != nil {
			return libraryError(lib.Name(), err)
		}
	}
	sc.installLocked(merged)
	return nil
}

// libraryError says which library of a file can't be loaded. The error's text is that of a reply, which is none here.
func libraryError(name string, err error) error {
	return fmt.Errorf("library %.64q: %w", name, errors.New(strings.TrimPrefix(err.Error(), "ERR ")))
}
