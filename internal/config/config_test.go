package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// fresh returns a Config with the standard table and the defaults.
func fresh(t testing.TB) *Config {
	t.Helper()
	c, err := New(Standard())
	require.NoError(t, err)
	return c
}

func TestStandardTableIsSound(t *testing.T) {
	for _, d := range Standard() {
		require.Equal(t, !d.Idle, strings.HasSuffix(d.About, "."), d.Name)
		require.Equal(t, d.Kind == Enum, len(d.Allowed) > 0, d.Name)
		require.LessOrEqual(t, d.Min, d.Max, d.Name)
	}
	fresh(t)
}

func TestNewRefusesBadTables(t *testing.T) {
	row := Directive{Name: "a", Kind: Bool, Default: "no"}
	for name, table := range map[string]Table{
		"empty":            {},
		"twice":            {row, row},
		"alias of another": {row, {Name: "b", Aliases: []string{"a"}, Kind: Bool, Default: "no"}},
		"upper case":       {{Name: "A", Kind: Bool, Default: "no"}},
		"bad default":      {{Name: "a", Kind: Int, Default: "x"}},
		"default too big":  {{Name: "a", Kind: Int, Default: "2", Max: 1}},
	} {
		_, err := New(table)
		require.Error(t, err, name)
	}
}

func TestDefaults(t *testing.T) {
	c := fresh(t)
	cwd, err := os.Getwd()
	require.NoError(t, err)
	require.EqualValues(t, 6379, c.Int("port"))
	require.Equal(t, []string{"*", "-::*"}, c.Strings("bind"))
	require.EqualValues(t, 512<<20, c.Bytes("proto-max-bulk-len"))
	require.True(t, c.Bool("protected-mode"))
	require.Equal(t, "noeviction", c.String("maxmemory-policy"))
	require.Equal(t, []SavePoint{{3600, 1}, {300, 100}, {60, 10000}}, c.SavePoints("save"))
	require.Equal(t, BufferLimits{ReplicaClients: {256 << 20, 64 << 20, 60}, PubSubClients: {32 << 20, 8 << 20, 60}},
		c.BufferLimits("client-output-buffer-limit"))
	require.Equal(t, cwd, c.String("dir"))
	require.Equal(t, filepath.Join(cwd, "dump.darter"), c.Path("dbfilename"))
	require.Equal(t, "", c.Path("unixsocket"))
	require.Equal(t, "", c.File())
	require.Panics(t, func() { c.Int("maxmemory") })
	require.Panics(t, func() { c.Int("nosuch") })
}

func TestTableCanBeNarrowed(t *testing.T) {
	table := Standard()
	table.Row("maxmemory-policy").Allowed = []string{"allkeys-lru", "noeviction"}
	require.Nil(t, table.Row("nosuch"))
	c, err := New(table)
	require.NoError(t, err)
	c.OnSet(func(*Values) error { return nil }, "maxmemory-policy")
	require.NoError(t, c.Set([]Pair{{"maxmemory-policy", "AllKeys-LRU"}}, false))
	require.Equal(t, "allkeys-lru", c.String("maxmemory-policy"))
	require.EqualError(t, c.Set([]Pair{{"maxmemory-policy", "volatile-ttl"}}, false),
		"ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - "+
			"argument(s) must be one of the following: allkeys-lru, noeviction")
}

func TestGet(t *testing.T) {
	c := fresh(t)
	port, policy, mem := Pair{"port", "6379"}, Pair{"maxmemory-policy", "noeviction"}, Pair{"maxmemory", "0"}
	for _, test := range []struct {
		patterns []string
		want     []Pair
	}{
		{[]string{"port"}, []Pair{port}},
		{[]string{"nosuch"}, nil},
		{[]string{`\port`}, nil},
		{nil, nil},
		{[]string{"port", "nosuch", "PORT", "p?rt"}, []Pair{port}},
		{[]string{"PORT", "port", "por[t]"}, []Pair{{"PORT", "6379"}}},
		{[]string{"MAXMEM*"}, []Pair{mem, policy}},
		{[]string{"maxmemory-*", "maxmemory*"}, []Pair{policy, mem}},
		{[]string{"hash-*-listpack-e*", "hash-max-ziplist-entries"},
			[]Pair{{"hash-max-listpack-entries", "512"}, {"hash-max-ziplist-entries", "512"}}},
		{[]string{"hash*entries"}, []Pair{{"hash-max-listpack-entries", "512"}, {"hash-max-ziplist-entries", "512"}}},
		{[]string{"client-output*"}, []Pair{{"client-output-buffer-limit",
			"normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"}}},
	} {
		require.Equal(t, test.want, c.Get(test.patterns...), "%q", test.patterns)
	}
	names := 0
	for _, d := range Standard() {
		names += 1 + len(d.Aliases)
	}
	require.Len(t, c.Get("*"), names)
}

func TestDescribe(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Standard().Describe(&out))
	for _, d := range Standard() {
		if d.Idle {
			require.Contains(t, out.String(), "        "+d.Name+"\n")
		} else {
			require.Contains(t, out.String(), "--"+d.Usage()+"\n")
		}
	}
	require.Contains(t, out.String(), "--port <0-65535>\n        TCP port to listen on; 0 for none. Default: 6379.\n")
	require.Contains(t, out.String(), "--unixsocketperm <0-777>\n")
}

func TestReadersSeeWholeSets(t *testing.T) {
	c := fresh(t)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				v := c.Current()
				if v.Int("timeout") != v.Int("tcp-keepalive")-300 {
					t.Error("half of a Set was seen")
					return
				}
				pairs := c.Get("timeout", "maxclients")
				if len(pairs) != 2 {
					t.Error("a pair is missing")
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for _, text := range []string{"timeout=5|tcp-keepalive=305", "tcp-keepalive=300|timeout=0"} {
		for range 500 {
			require.NoError(t, c.Set(pairsOf(text), false))
		}
	}
	close(stop)
	readers.Wait()
}

func TestNearest(t *testing.T) {
	c := fresh(t)
	for _, test := range []struct {
		name, known string
		likely      bool
	}{
		{"maxmemry", "maxmemory", true},
		{"MAXMEMORYY", "maxmemory", true},
		{"prot", "port", true},
		{"bnid", "bind", true},
		{"hash-max-ziplist-entry", "hash-max-ziplist-entries", true},
		{"foo", "port", false},
		{"", "dir", false},
		{strings.Repeat("x", 1<<20), "client-output-buffer-limit", false},
	} {
		_, known, likely := c.nearest(test.name)
		require.Equal(t, test.likely, likely, test.name)
		if likely {
			require.Equal(t, test.known, known)
		}
	}
	require.Equal(t, 1, distance("ab", "ba"))
	require.Equal(t, 3, distance("", "abc"))
	require.Equal(t, 3, distance("kitten", "sitting"))
}
