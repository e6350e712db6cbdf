package darter_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter"
	"github.com/darterdb/darter/internal/archive"
)

// function is the text of a library with one function, which returns a word.
func function(library, name, word string) string {
	return "#!lua name=" + library + "\nredis.register_function{function_name='" + name +
		"', callback=function() return '" + word + "' end, flags={'no-writes'}}"
}

// libraries are the libraries' texts by name, as FUNCTION LIST tells them.
func libraries(t *testing.T, s *darter.Session) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, lib := range do(s, "FUNCTION", "LIST", "WITHCODE").([]any) {
		fields := lib.(darter.Map)
		all[string(fields[0].Value.([]byte))] = string(fields[3].Value.([]byte))
	}
	return all
}

func TestFunctionsAreSaved(t *testing.T) {
	c, s := newSession(t)
	long := function("long", "long", "here") + "\n--" + strings.Repeat("a comment larger than a block ", 20_000)
	for _, text := range []string{library, function("other", "Word", "first"), long} {
		require.NotContains(t, do(s, "FUNCTION", "LOAD", text), "ERR")
	}
	native := func(*darter.Tx, []string, [][]byte) (any, error) { return "native", nil }
	require.NoError(t, c.RegisterFunction("native", native))
	do(s, "SET", "k", "v")
	snap := takeSnapshot(t, c)
	defer snap.Close()
	file := savedBytes(t, c)
	want := libraries(t, s)
	require.Len(t, want, 3)

	to, in := newSession(t)
	do(in, "FUNCTION", "LOAD", function("goes", "gone", "x"))
	require.NoError(t, to.RegisterFunction("mine", native))
	require.NoError(t, to.Load(bytes.NewReader(file)))
	require.Equal(t, want, libraries(t, in))
	require.Equal(t, "v", do(in, "FCALL", "get", 1, "k"))
	require.Equal(t, "first", do(in, "FCALL_RO", "wORD", 0))
	require.Equal(t, "here", do(in, "FCALL", "long", 0))
	require.Equal(t, "native", do(in, "FCALL", "mine", 0), "Go functions stay")
	require.Equal(t, "ERR Function not found", do(in, "FCALL", "native", 0), "and are not saved")
	require.Equal(t, "ERR Function not found", do(in, "FCALL", "gone", 0))
	require.True(t, to.Dirty())

	// A snapshot has the libraries of its instant.
	do(s, "FUNCTION", "LOAD", "REPLACE", function("other", "Word", "second"))
	do(s, "FUNCTION", "DELETE", "lib")
	var earlier bytes.Buffer
	require.NoError(t, snap.Save(&earlier))
	require.NoError(t, to.Load(&earlier))
	require.Equal(t, want, libraries(t, in))

	// A file without libraries leaves none.
	empty, _ := newSession(t)
	require.NoError(t, to.Load(bytes.NewReader(savedBytes(t, empty))))
	require.Empty(t, libraries(t, in))
	require.Equal(t, "native", do(in, "FCALL", "mine", 0))
}

func TestFunctionsInFiles(t *testing.T) {
	c, s := newSession(t)
	_, other := newSession(t)
	do(other, "FUNCTION", "LOAD", library)
	path := filepath.Join(t.TempDir(), "file")
	for _, change := range [][]any{
		{"FUNCTION", "LOAD", library},
		{"FUNCTION", "DELETE", "lib"},
		{"FUNCTION", "FLUSH"},
		{"FUNCTION", "RESTORE", []byte(do(other, "FUNCTION", "DUMP").(string)), "FLUSH"},
	} {
		require.NoError(t, c.SaveFile(path))
		require.False(t, c.Dirty())
		require.NotContains(t, do(s, change...), "ERR")
		require.True(t, c.Dirty(), "%v is a change", change[:2])
	}
	require.NoError(t, c.SaveFile(path))

	to, in := newSession(t)
	require.NoError(t, to.LoadFile(path, nil))
	require.False(t, to.Dirty())
	require.Equal(t, libraries(t, s), libraries(t, in))
}

// A file that is damaged anywhere changes neither libraries nor data.
func TestFunctionsOfDamagedFiles(t *testing.T) {
	from, s := newSession(t)
	do(s, "FUNCTION", "LOAD", library)
	do(s, "FUNCTION", "LOAD", function("other", "word", "new"))
	do(s, "SET", "k", "new")
	file := savedBytes(t, from)

	c, in := newSession(t)
	do(in, "FUNCTION", "LOAD", function("other", "word", "old"))
	do(in, "SET", "k", "old")
	want := libraries(t, in)
	refused := func(damaged []byte, at int) {
		t.Helper()
		require.ErrorContains(t, c.Load(bytes.NewReader(damaged)), "at byte ", "%d", at)
		require.Equal(t, "old", do(in, "FCALL", "word", 0))
		require.Equal(t, "old", do(in, "GET", "k"))
	}
	for at := range file {
		refused(file[:at], at)
		damaged := bytes.Clone(file)
		damaged[at] ^= 1 << (at % 8)
		refused(damaged, at)
	}
	require.Equal(t, want, libraries(t, in))
	require.NoError(t, c.Load(bytes.NewReader(file)))
	require.Equal(t, "new", do(in, "FCALL", "word", 0))
}

// archived makes a file of records, sound in itself.
func archived(t *testing.T, records ...archive.Record) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := archive.NewWriter(&file, archive.Header{Shards: 1})
	require.NoError(t, err)
	out := w.Section(0)
	for _, r := range records {
		require.NoError(t, out.Add(r))
	}
	require.NoError(t, errors.Join(out.Flush(), w.Close()))
	return file.Bytes()
}

// Libraries that this version does not take, in files that are otherwise sound, are named, and nothing is loaded.
func TestLibrariesThatAreRefused(t *testing.T) {
	c, s := newSession(t)
	do(s, "FUNCTION", "LOAD", function("stays", "stays", "x"))
	do(s, "SET", "k", "old")
	native := func(*darter.Tx, []string, [][]byte) (any, error) { return nil, nil }
	require.NoError(t, c.RegisterFunction("Native", native))
	lib := func(name, text string) archive.Record {
		return archive.Record{Kind: archive.KindLibrary, Key: []byte(name), Payload: []byte(text)}
	}
	odd := lib("a", function("a", "f", "x"))
	odd.Flags = 1
	unknown := lib("a", "")
	unknown.Kind++
	for _, tt := range []struct {
		records []archive.Record
		want    string
	}{
		{[]archive.Record{lib("a", "#!lua name=a\nthis is no Lua")}, `load: library "a": Error compiling function: `},
		{[]archive.Record{lib("a", "#!lua name=a\nredis.register_function('f', redis.gone)")},
			`library "a": Error registering functions: `},
		{[]archive.Record{lib("a", "#!lua name=a\n")}, `library "a": No functions registered`},
		{[]archive.Record{lib("a", "#!lua name=a\nerror('"+strings.Repeat("x", 300_000)+"')")}, `library "a": `},
		{[]archive.Record{lib("a", "")}, `library "a": Missing library metadata`},
		{[]archive.Record{lib("", "")}, `library "": Missing library metadata`},
		{[]archive.Record{lib("a", function("b", "f", "x"))}, `library "a": its text is that of library "b"`},
		{[]archive.Record{lib("a", function("a", "f", "x")), lib("b", function("b", "F", "x"))},
			`library "b": Function F already exists`},
		{[]archive.Record{lib("a", function("a", "f", "x")), lib("a", function("a", "f", "x"))}, `library "a" stands twice`},
		{[]archive.Record{lib("a", function("a", "native", "x"))}, `library "a": Function native already exists`},
		{[]archive.Record{odd}, `library "a" is of a form 1, which this version does not know`},
		{[]archive.Record{unknown}, "a value of kind 129, which this version does not know"},
	} {
		key := archive.Record{Kind: archive.KindString, Key: []byte("k"), Payload: []byte("new")}
		err := c.Load(bytes.NewReader(archived(t, append(tt.records, key)...)))
		require.ErrorContains(t, err, tt.want)
		require.Equal(t, "x", do(s, "FCALL", "stays", 0), tt.want)
		require.Len(t, libraries(t, s), 1, tt.want)
		require.Equal(t, "old", do(s, "GET", "k"), tt.want)
	}
	require.NoError(t, c.Load(bytes.NewReader(archived(t, lib("a", function("a", "f", "x"))))))
	require.Equal(t, "x", do(s, "FCALL", "f", 0))
}
