// Package deps holds the rooms of the module to the order in which they stand: a room imports only rooms below it.
package deps

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/darterdb/darter"
	top    = "../.." // the module's folder, seen from here

	root       = "."
	rootLength = 900 // lines of a file of the root; if one grows past it, a room below is missing
)

// room is a folder of the module, with what its files other than tests may import beside the standard library.
type room struct {
	dir   string
	rooms []string // of the module
	other []string // other modules' packages
}

// rooms stand in order, the lowest first. What a room may import stands above its own row.
var rooms = []room{
	{dir: "internal/errs"},
	{dir: "internal/num"},
	{dir: "internal/glob"},
	{dir: "internal/slab", other: []string{"golang.org/x/sys/unix"}},
	{dir: "internal/watchdog"},
	{dir: "internal/wire", rooms: []string{"internal/num"}},
	{dir: "internal/reply", rooms: []string{"internal/num"}},
	{dir: "internal/pubsub", rooms: []string{"internal/glob", "internal/reply"}},
	{dir: "internal/tracking", rooms: []string{"internal/reply"}},
	{
		dir: "internal/luavm", rooms: []string{"internal/num", "internal/reply"},
		other: []string{"github.com/yuin/gopher-lua/ast", "github.com/yuin/gopher-lua/parse"},
	},
	{dir: "internal/table", rooms: []string{"internal/slab"}},
	{dir: "internal/packed", rooms: []string{"internal/num"}},
	{dir: "internal/btree", rooms: []string{"internal/packed", "internal/slab"}},
	{dir: "internal/hashmap", rooms: []string{"internal/packed", "internal/slab"}},
	{dir: "internal/value", rooms: []string{
		"internal/btree", "internal/hashmap", "internal/num", "internal/packed", "internal/slab",
	}},
	{dir: "internal/archive", other: []string{"github.com/klauspost/compress/s2"}},
	{dir: "internal/config", rooms: []string{"internal/glob", "internal/num", "internal/wire"}},
	{dir: "internal/keyspace", rooms: []string{
		"internal/errs", "internal/num", "internal/slab", "internal/table", "internal/value",
	}},
	{dir: "internal/command", rooms: []string{
		"internal/errs", "internal/glob", "internal/keyspace", "internal/num", "internal/reply", "internal/value",
	}},
	{
		dir: root,
		rooms: []string{
			"internal/archive", "internal/command", "internal/config", "internal/errs", "internal/glob",
			"internal/keyspace", "internal/luavm", "internal/num", "internal/pubsub", "internal/reply", "internal/slab",
			"internal/tracking", "internal/value", "internal/watchdog",
		},
		other: []string{"github.com/dgryski/go-farm", "golang.org/x/sys/unix", "golang.org/x/sys/windows"},
	},
	{
		dir: "resp",
		rooms: []string{
			root, "internal/command", "internal/config", "internal/errs", "internal/glob", "internal/num",
			"internal/pubsub", "internal/reply", "internal/tracking", "internal/watchdog", "internal/wire",
		},
		other: []string{"golang.org/x/sys/unix"},
	},
	{
		dir: "cmd/darter", rooms: []string{root, "internal/config", "resp"},
		other: []string{"golang.org/x/sys/unix", "golang.org/x/sys/windows"},
	},
	{dir: "internal/deps"},
	{dir: "internal/redistest"},
	{dir: "internal/clienttest", rooms: []string{"internal/redistest"}},
	{dir: "internal/difftest", rooms: []string{"internal/command", "internal/redistest"}},
}

// forbidden are packages of the standard library that a room has no business with.
var forbidden = map[string][]string{
	root:                {"net", "net/http", "log"},
	"internal/keyspace": {"net", "os", "sync"},
	"internal/command":  {"net", "os", "sync"},
	"internal/luavm":    {"net", "os"},
	"internal/table":    {"net", "os", "time"},
	"internal/packed":   {"net", "os", "time", "sync"},
	"internal/btree":    {"net", "os", "time", "sync"},
	"internal/hashmap":  {"net", "os", "time", "sync"},
	"internal/value":    {"net", "os", "time", "sync"},
	"internal/slab":     {"net", "os", "time"},
	"internal/pubsub":   {"net", "os", "time"},
	"internal/tracking": {"net", "os", "time"},
}

// unsafeFiles are the files that may import unsafe.
var unsafeFiles = []string{
	"strings.go",         // the bytes of a key given as a string, without a copy
	"resp/poll_linux.go", // system calls that tell the scheduler nothing
}

// testRooms are imported by tests only.
var testRooms = []string{"internal/clienttest", "internal/redistest", "internal/difftest"}

// source is a Go file that isn't a test.
type source struct {
	path    string
	imports []string
	lines   int
}

// sources returns all files of the module by folder, those for other systems and build tags included.
func sources(t *testing.T) map[string][]source {
	found := make(map[string][]source)
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && rel != root {
				return fs.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		s := source{path: rel, lines: strings.Count(string(text), "\n")}
		for _, i := range file.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, p)
		}
		found[path.Dir(rel)] = append(found[path.Dir(rel)], s)
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, found[root])
	return found
}

// roomOf returns the folder of a package of the module.
func roomOf(pkg string) (dir string, ok bool) {
	if pkg == module {
		return root, true
	}
	return strings.CutPrefix(pkg, module+"/")
}

// TestOrder holds the table of rooms itself to the order.
func TestOrder(t *testing.T) {
	below := make(map[string]bool)
	for _, r := range rooms {
		for _, dir := range r.rooms {
			assert.True(t, below[dir], "%s may import %s, which does not stand below it", r.dir, dir)
		}
		if strings.HasPrefix(r.dir, "internal/") {
			assert.NotContains(t, r.rooms, root, r.dir)
			assert.NotContains(t, r.rooms, "resp", r.dir)
		}
		assert.False(t, below[r.dir], "%s stands there twice", r.dir)
		below[r.dir] = true
	}
}

// TestImports holds every file to what its room may import.
func TestImports(t *testing.T) {
	found := sources(t)
	for dir, files := range found {
		var may room
		switch i := slices.IndexFunc(rooms, func(r room) bool { return r.dir == dir }); {
		case i >= 0:
			may = rooms[i]
		case strings.HasPrefix(dir, "examples/"):
			may = room{dir: dir, rooms: []string{root, "resp"}}
		default:
			t.Errorf("%s is a room that nobody knows of", dir)
			continue
		}
		for _, f := range files {
			for _, pkg := range f.imports {
				if to, ok := roomOf(pkg); ok {
					assert.Contains(t, may.rooms, to, "%s imports %s", f.path, pkg)
				} else if first, _, _ := strings.Cut(pkg, "/"); strings.Contains(first, ".") {
					assert.Contains(t, may.other, pkg, "%s imports %s", f.path, pkg)
				}
				assert.NotContains(t, forbidden[dir], pkg, "%s imports %s", f.path, pkg)
			}
		}
	}
	for _, dir := range []string{"internal/slab", "internal/keyspace", "resp"} {
		assert.NotEmpty(t, found[dir], "the walk has missed %s", dir)
	}
}

// TestUnsafe counts the files that go past the language's safety.
func TestUnsafe(t *testing.T) {
	for dir, files := range sources(t) {
		for _, f := range files {
			if slices.Contains(f.imports, "unsafe") {
				assert.Contains(t, unsafeFiles, f.path)
			}
			assert.NotContains(t, f.imports, "C", f.path)
			if !slices.Contains(testRooms, dir) {
				assert.NotContains(t, f.imports, "testing", f.path+" is no test")
			}
		}
	}
}

// TestRootFiles bounds the length of the root's files.
func TestRootFiles(t *testing.T) {
	for _, f := range sources(t)[root] {
		assert.LessOrEqual(t, f.lines, rootLength, f.path)
	}
}
