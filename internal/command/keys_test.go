package command

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// shapes are rows of every form that key specifications have, also those that no command here has yet.
var shapes = map[string]*Row{
	"one":     {Keys: []KeySpec{{Flags: "RO", Pos: 1, Step: 1}}},
	"all":     {Keys: []KeySpec{{Flags: "RO", Pos: 1, Last: -1, Step: 1}}},
	"pairs":   {Keys: []KeySpec{{Flags: "OW", Pos: 1, Last: -1, Step: 2}}},
	"butlast": {Keys: []KeySpec{{Flags: "RW", Pos: 1, Last: -2, Step: 1}}},
	"two":     {Keys: []KeySpec{{Flags: "RW", Pos: 1, Step: 1}, {Flags: "OW", Pos: 2, Step: 1}}},
	"rest":    {Keys: []KeySpec{{Flags: "OW", Pos: 2, Step: 1}, {Flags: "RO", Pos: 3, Last: -1, Step: 1}}},
	"count":   {Keys: []KeySpec{{Flags: "RO", Pos: 2, KeyNum: true, KeyNumAt: 0, FirstKey: 1, Step: 1}}},
	"store": {Keys: []KeySpec{
		{Flags: "OW", Pos: 1, Step: 1}, {Flags: "RO", Pos: 2, KeyNum: true, KeyNumAt: 0, FirstKey: 1, Step: 1},
	}},
	"half":    {Keys: []KeySpec{{Flags: "RO", Keyword: "STREAMS", StartFrom: 1, Last: -1, Step: 1, Limit: 2}}},
	"back":    {Keys: []KeySpec{{Flags: "RW", Keyword: "KEYS", StartFrom: -2, Last: -1, Step: 1}}},
	"channel": {Keys: []KeySpec{{Flags: "not_key", Pos: 1, Last: -1, Step: 1}}},
	"unknown": {Keys: []KeySpec{{Flags: "RO", Pos: 1, Step: 1}, {Flags: "RO", Unknown: true}}},
	"partly":  {Keys: []KeySpec{{Flags: "RW incomplete", Pos: 1, Step: 1}}},
	"set":     {FindKeys: setKeys, Keys: []KeySpec{{Flags: "RW access update variable_flags", Pos: 1, Step: 1}}},
}

func TestKeysOf(t *testing.T) {
	for _, tt := range []struct {
		shape, call string
		want        []KeyAt // nil: an error
	}{
		{"one", "get a", []KeyAt{{1, "RO"}}},
		{"one", "get", nil},
		{"all", "mget a b a", []KeyAt{{1, "RO"}, {2, "RO"}, {3, "RO"}}},
		{"all", "mget", nil},
		{"pairs", "mset a 1 b 2", []KeyAt{{1, "OW"}, {3, "OW"}}},
		{"butlast", "blpop a b 0", []KeyAt{{1, "RW"}, {2, "RW"}}},
		{"two", "rename a b", []KeyAt{{1, "RW"}, {2, "OW"}}},
		{"two", "rename a", nil},
		{"rest", "bitop and d a b", []KeyAt{{2, "OW"}, {3, "RO"}, {4, "RO"}}},
		{"count", "eval s 2 a b c", []KeyAt{{3, "RO"}, {4, "RO"}}},
		{"count", "eval s 0 a", nil},
		{"count", "eval s -1 a", nil},
		{"count", "eval s x a", nil},
		{"count", "eval s 2 a", nil},
		{"count", "eval s 9223372036854775807 a", nil},
		{"count", "eval s", nil},
		{"store", "zunionstore d 2 a b", []KeyAt{{1, "OW"}, {3, "RO"}, {4, "RO"}}},
		{"store", "zunionstore d 3 a b", nil},
		{"half", "xread count 1 Streams a b 1 2", []KeyAt{{4, "RO"}, {5, "RO"}}},
		{"half", "xread streams a 1", []KeyAt{{2, "RO"}}},
		{"half", "xread streams a b 1", []KeyAt{{2, "RO"}}},
		{"half", "xread streams a", nil},
		{"half", "xread count 1", []KeyAt{}},
		{"back", "migrate h p x 0 5 keys a b", []KeyAt{{7, "RW"}, {8, "RW"}}},
		{"back", "migrate h p x 0 5 copy", []KeyAt{}},
		{"back", "migrate", []KeyAt{}},
		{"channel", "spublish c m", []KeyAt{}},
		{"unknown", "sort a", nil},
		{"partly", "x a", []KeyAt{{1, "RW incomplete"}}},
		{"set", "set a b", []KeyAt{{1, "OW update"}}},
		{"set", "set get get", []KeyAt{{1, "OW update"}}},
		{"set", "set a b ex 1 GeT", []KeyAt{{1, "RW access update"}}},
		{"set", "set a", nil},
	} {
		before := []KeyAt{{99, "kept"}}
		keys, err := KeysOf(shapes[tt.shape], words(tt.call), before)
		if tt.want == nil {
			require.EqualError(t, err, "ERR Invalid arguments specified for command", tt.call)
			require.Equal(t, before, keys, tt.call)
			continue
		}
		require.NoError(t, err, tt.call)
		require.Equal(t, append(before, tt.want...), keys, tt.call)
	}
}

func TestLegacyRange(t *testing.T) {
	for shape, want := range map[string]struct {
		first, last, step int
		movable           bool
	}{
		"one":     {1, 1, 1, false},
		"all":     {1, -1, 1, false},
		"pairs":   {1, -1, 2, false},
		"butlast": {1, -2, 1, false},
		"two":     {1, 2, 1, false},
		"rest":    {2, -1, 1, false},
		"count":   {0, 0, 0, true},
		"store":   {1, 1, 1, true},
		"half":    {0, 0, 0, true},
		"unknown": {1, 1, 1, true},
		"partly":  {1, 1, 1, true},
		"set":     {1, 1, 1, false},
	} {
		first, last, step, movable := shapes[shape].legacyRange()
		got := []any{first, last, step, movable}
		require.Equal(t, []any{want.first, want.last, want.step, want.movable}, got, shape)
	}
	require.False(t, shapes["channel"].HasKeys())
	require.True(t, shapes["one"].HasKeys())
}

func TestResolveAndKeysOfDontAllocate(t *testing.T) {
	calls := [][][]byte{words("MGET a b c"), words("mset a 1 b 2"), words("MEMORY USAGE key"), words("get a")}
	dst := make([]KeyAt, 0, 8)
	allocs := testing.AllocsPerRun(100, func() {
		for _, args := range calls {
			row, err := Resolve(args)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := KeysOf(row, args, dst); err != nil {
				t.Fatal(err)
			}
		}
	})
	require.Zero(t, allocs)
	allocs = testing.AllocsPerRun(100, func() { _, _ = KeysOf(shapes["half"], calls[0], dst) })
	require.Zero(t, allocs)
}

// Whatever the arguments, the keys found lie among them, behind the name.
func FuzzKeysOf(f *testing.F) {
	for _, seed := range []string{"x 2 a b", "x s 3 a b c", "x count 1 streams a b 1 2", "x keys a b", "x a keys", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := words(line)
		for shape, row := range shapes {
			keys, err := KeysOf(row, args, nil)
			if err != nil && len(keys) != 0 {
				t.Fatalf("%s: keys with an error", shape)
			}
			for _, k := range keys {
				if k.Index < 1 || k.Index >= len(args) {
					t.Fatalf("%s: key at %d of %d arguments", shape, k.Index, len(args))
				}
			}
		}
	})
}
