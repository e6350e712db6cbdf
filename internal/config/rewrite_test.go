package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// started loads d.conf (and further arguments) into a Config whose hooks accept everything.
func started(t testing.TB, args ...string) *Config {
	t.Helper()
	c := fresh(t)
	hookAll(c)
	_, err := c.Load(append([]string{"d.conf"}, args...), strings.NewReader(""))
	require.NoError(t, err)
	return c
}

func TestRewrite(t *testing.T) {
	for _, test := range []struct{ what, file, args, set, want string }{
		{"an untouched file only gains its folder",
			"# head\n\nport   1\n  # tail\nMAXCLIENTS 5", "", "",
			"# head\n\nport   1\n  # tail\nMAXCLIENTS 5\n" + marker + "\ndir $DIR\n"},
		{"an empty file", "", "", "", marker + "\ndir $DIR\n"},
		{"a changed value changes in place, what is the same stays as it is written",
			"dir .\n# a\nport 1\n# b\n# c\nmaxmemory 1024\n", "", "port=2|maxmemory=1kb",
			"dir .\n# a\nport 2\n# b\n# c\nmaxmemory 1024\n"},
		{"a value that went back to its default keeps its line",
			"dir .\nport 1\n", "", "port=6379", "dir .\nport 6379\n"},
		{"what is new goes below one marker",
			"dir .\n" + marker + "\nport 1\n", "", "timeout=3|requirepass=a \"b\"\n\x00é",
			"dir .\n" + marker + "\nport 1\ntimeout 3\nrequirepass \"a \\\"b\\\"\\n\\x00\\xc3\\xa9\"\n"},
		{"flags are written down",
			"dir .\nport 1\n", "--port 2 --timeout 4", "", "dir .\nport 2\n" + marker + "\ntimeout 4\n"},
		{"several lines of one directive become one",
			"port 1\ndir .\nport 2\n# x\nport 3\n", "", "port=4", "port 4\ndir .\n# x\n"},
		{"save points", "dir .\nsave 1 2\n# x\nsave 3 4\n", "", "save=5 6 7 8 9 10",
			"dir .\nsave 5 6\nsave 7 8\nsave 9 10\n# x\n"},
		{"save points in one line stay", "dir .\nsave 1 2 3 4\n", "", "timeout=0", "dir .\nsave 1 2 3 4\n"},
		{"no save points", "dir .\nsave 1 2\nsave 3 4\n", "", "save=", "dir .\nsave \"\"\n"},
		{"buffer limits", "dir .\n", "", "client-output-buffer-limit=normal 1mb 2 3",
			"dir .\n" + marker + "\nclient-output-buffer-limit normal 1mb 2 3\n" +
				"client-output-buffer-limit replica 256mb 64mb 60\nclient-output-buffer-limit pubsub 32mb 8mb 60\n"},
		{"addresses", "dir .\nbind a\nunixsocketperm 0700\n", "", `bind=b "c '#`,
			"dir .\nbind b \"\\\"c\" \"'#\"\nunixsocketperm 0700\n"},
		{"no addresses", "dir .\nbind a\n", "", "bind=", "dir .\nbind \"\"\n"},
		{"sizes take their largest unit", "dir .\nmaxmemory 1\nproto-max-bulk-len 1gb\n", "",
			"maxmemory=3145728|proto-max-bulk-len=1048577",
			"dir .\nmaxmemory 3mb\nproto-max-bulk-len 1048577\n"},
		{"carriage returns stay on kept lines", "dir .\r\n# a\r\nport 1\r\n", "", "timeout=1",
			"dir .\r\n# a\r\nport 1\r\n" + marker + "\ntimeout 1\n"},
		{"an included file's values are kept out", "dir .\ninclude inc.conf\n", "", "", "dir .\ninclude inc.conf\n"},
		{"an included file is overruled at the end", "dir .\nmaxclients 1\ninclude inc.conf\n", "", "maxclients=3|save=5 6",
			"dir .\nmaxclients 3\ninclude inc.conf\n" + marker + "\nmaxclients 3\nsave \"\"\nsave 5 6\n"},
	} {
		t.Run(test.what, func(t *testing.T) {
			dir := inFolder(t, "d.conf", test.file,
				"inc.conf", "maxclients 2\nsave 1 1\n")
			c := started(t, line(test.args)...)
			if test.set != "" {
				require.NoError(t, c.Set(pairsOf(test.set), true))
			}
			want := strings.ReplaceAll(test.want, "$DIR", quote(dir))
			for range 2 { // the second time changes nothing more
				require.NoError(t, c.Rewrite())
				got, err := os.ReadFile("d.conf")
				require.NoError(t, err)
				require.Equal(t, want, string(got))
			}
			require.Equal(t, c.Get("*"), started(t).Get("*"))
			if runtime.GOOS != "windows" {
				info, err := os.Stat("d.conf")
				require.NoError(t, err)
				require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			}
		})
	}
}

func TestRewriteAfterTheFileChanged(t *testing.T) {
	inFolder(t, "d.conf", "dir .\nport 1\n")
	c := started(t)
	require.NoError(t, os.WriteFile("d.conf", []byte("  foo bar\ndir .\nport \"x\nport 99999\n#hi"), 0o600))
	require.NoError(t, c.Rewrite())
	got, err := os.ReadFile("d.conf")
	require.NoError(t, err)
	require.Equal(t, "# ??? foo bar\ndir .\n# ??? port \"x\nport 1\n#hi\n", string(got))

	require.NoError(t, os.Remove("d.conf"))
	require.NoError(t, c.Rewrite())
	require.Equal(t, c.Get("*"), started(t).Get("*"))
}

func TestRewriteThroughALink(t *testing.T) {
	dir := inFolder(t, "real/d.conf", "dir .\nport 1\n")
	if err := os.Symlink(filepath.Join("real", "d.conf"), "d.conf"); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	c := started(t)
	require.NoError(t, c.Set(pairsOf("port=2"), false))
	require.NoError(t, c.Rewrite())
	got, err := os.ReadFile(filepath.Join(dir, "real", "d.conf"))
	require.NoError(t, err)
	require.Equal(t, "dir .\nport 2\n", string(got))
}

func TestRewriteErrors(t *testing.T) {
	require.EqualError(t, fresh(t).Rewrite(), "ERR The server is running without a config file")

	const before = "dir .\ninclude inc.conf\nport 1\n"
	dir := inFolder(t, "d.conf", before, "inc.conf", "")
	c := started(t)
	require.NoError(t, os.Remove("inc.conf"))
	require.EqualError(t, c.Rewrite(), "ERR Rewriting config file: d.conf:2: include inc.conf: "+
		"can't read config file 'inc.conf': No such file or directory")
	got, err := os.ReadFile("d.conf")
	require.NoError(t, err)
	require.Equal(t, before, string(got))

	require.NoError(t, os.Remove("d.conf"))
	require.NoError(t, os.Mkdir("d.conf", 0o755))
	require.ErrorContains(t, c.Rewrite(), "ERR Rewriting config file: ")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary file stays")
}
