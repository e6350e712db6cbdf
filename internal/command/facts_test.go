package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// factsFile has what Redis 7.2 says of its commands. It is not part of the project: where it is missing, there is
// nothing to compare the rows with.
const factsFile = "../../../shared/data/redis-7.2-commands.json"

type facts struct {
	Group, Since string
	Arity        int
	CommandFlags []string   `json:"command_flags"`
	Categories   []string   `json:"acl_categories"`
	Tips         []string   `json:"command_tips"`
	DocFlags     []string   `json:"doc_flags"`
	Deprecated   string     `json:"deprecated_since"`
	Keys         []keyFacts `json:"key_specs"`
	Args         []argFacts `json:"arguments"`
}

type keyFacts struct {
	Flags []string
	Begin struct {
		Index   *struct{ Pos int }
		Keyword *struct {
			Keyword   string
			StartFrom int
		}
	} `json:"begin_search"`
	Find struct {
		Range *struct {
			LastKey, Step, Limit int
		}
		KeyNum *struct {
			KeyNumIdx, FirstKey, Step int
		}
	} `json:"find_keys"`
}

type argFacts struct {
	Name, Type, Token, Display, Since string
	Deprecated                        string `json:"deprecated_since"`
	Key                               *int   `json:"key_spec_index"`
	Optional, Multiple                bool
	MultipleToken                     bool `json:"multiple_token"`
	Arguments                         []argFacts
}

// plain gives an argument in the form of a row.
func (a argFacts) plain() Arg {
	out := Arg{
		Name: a.Name, Type: a.Type, Token: a.Token, Display: a.Display, Since: a.Since, Deprecated: a.Deprecated,
		Optional: a.Optional, Multiple: a.Multiple, MultipleToken: a.MultipleToken,
	}
	if a.Key != nil {
		out.Key = *a.Key + 1
	}
	out.Args = plainArgs(a.Arguments)
	return out
}

func plainArgs(args []argFacts) []Arg {
	var out []Arg
	for _, a := range args {
		out = append(out, a.plain())
	}
	return out
}

// plain gives a key specification in the form of a row, without notes.
func (k keyFacts) plain() KeySpec {
	var out KeySpec
	out.Flags = sortedWords(lowerFlags(k.Flags))
	switch b := k.Begin; {
	case b.Index != nil:
		out.Pos = b.Index.Pos
	case b.Keyword != nil:
		out.Keyword, out.StartFrom = b.Keyword.Keyword, b.Keyword.StartFrom
	default:
		out.Unknown = true
	}
	switch f := k.Find; {
	case f.Range != nil:
		out.Last, out.Step, out.Limit = f.Range.LastKey, f.Range.Step, f.Range.Limit
	case f.KeyNum != nil:
		out.KeyNum, out.KeyNumAt, out.FirstKey, out.Step = true, f.KeyNum.KeyNumIdx, f.KeyNum.FirstKey, f.KeyNum.Step
	default:
		out.Unknown = true
	}
	return out
}

// lowerFlags gives the flags of a key specification as COMMAND shows them: RO and its like keep their case.
func lowerFlags(flags []string) []string {
	var out []string
	for _, f := range flags {
		if len(f) > 2 {
			f = strings.ToLower(f)
		}
		out = append(out, f)
	}
	return out
}

func sortedWords(words []string) string {
	words = slices.Clone(words)
	slices.Sort(words)
	return strings.Join(words, " ")
}

// allFlags has every flag by its name among the facts.
var allFlags = map[string]Flags{
	"WRITE": Write, "READONLY": ReadOnly, "DENYOOM": DenyOOM, "ADMIN": Admin, "PUBSUB": PubSub, "NOSCRIPT": NoScript,
	"BLOCKING": Blocking, "LOADING": Loading, "STALE": Stale, "NO_MULTI": NoMulti, "SKIP_MONITOR": SkipMonitor,
	"SKIP_SLOWLOG": SkipSlowlog, "ASKING": Asking, "FAST": Fast, "NO_AUTH": NoAuth, "MAY_REPLICATE": MayReplicate,
	"NO_ASYNC_LOADING": NoAsyncLoading, "ALLOW_BUSY": AllowBusy, "SENTINEL": Sentinel,
	"NO_MANDATORY_KEYS": NoMandatoryKeys, "PROTECTED": Protected,
	"TOUCHES_ARBITRARY_KEYS": 0, // never shown, and of no use here
}

func loadFacts(t *testing.T) map[string]facts {
	text, err := os.ReadFile(factsFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no facts to compare with")
	}
	require.NoError(t, err)
	var all map[string]facts
	require.NoError(t, json.Unmarshal(text, &all))
	return all
}

// laterCommands came with Redis 7.4 and 8.0: the facts, which are those of 7.2, don't have them.
var laterCommands = strings.Fields("hexpire hexpireat hexpiretime hgetdel hgetex hpersist hpexpire hpexpireat " +
	"hpexpiretime hpttl hsetex httl")

func TestRowsStateTheFacts(t *testing.T) {
	all := loadFacts(t)
	for _, r := range Rows() {
		if slices.Contains(laterCommands, r.FullName()) {
			require.NotContains(t, all, r.FullName())
			continue
		}
		t.Run(r.FullName(), func(t *testing.T) {
			want, ok := all[r.FullName()]
			require.True(t, ok, "there is no such command")
			require.Equal(t, want.Arity, r.Arity, "arity")
			require.Equal(t, want.Since, r.Since, "since")
			require.Equal(t, strings.ReplaceAll(want.Group, "_", "-"), r.Group, "group")
			require.Equal(t, want.Deprecated, r.Deprecated, "deprecated")
			require.Equal(t, slices.Contains(want.DocFlags, "SYSCMD"), r.SysCmd, "not for applications")
			require.NotEmpty(t, r.Summary)

			var flags Flags
			for _, name := range want.CommandFlags {
				flag, known := allFlags[name]
				require.True(t, known, name)
				flags |= flag
			}
			require.Equal(t, flags, r.Flags&^MovableKeys, "flags")
			require.Equal(t, wantCategories(want), sortedWords(r.shownCategories()), "ACL categories")
			require.Equal(t, strings.ToLower(sortedWords(want.Tips)), sortedWords(r.Tips), "tips")
			require.Equal(t, plainArgs(want.Args), noEmpty(r.Args), "arguments")

			require.Len(t, r.Keys, len(want.Keys))
			for i, spec := range r.Keys {
				spec.Flags = sortedWords(strings.Fields(spec.Flags))
				spec.Notes = ""
				require.Equal(t, want.Keys[i].plain(), spec, "key specification %d", i)
			}
		})
	}
}

// noEmpty makes empty lists of arguments nil ones, at all depths.
func noEmpty(args []Arg) []Arg {
	if len(args) == 0 {
		return nil
	}
	args = slices.Clone(args)
	for i := range args {
		args[i].Args = noEmpty(args[i].Args)
	}
	return args
}

// wantCategories derives all categories from facts, which state only those that don't follow from flags.
func wantCategories(f facts) string {
	set := map[string]bool{}
	for _, c := range f.Categories {
		set["@"+strings.ToLower(c)] = true
	}
	has := func(flag string) bool { return slices.Contains(f.CommandFlags, flag) }
	set["@write"] = set["@write"] || has("WRITE")
	set["@read"] = set["@read"] || has("READONLY") && !set["@scripting"]
	set["@admin"] = set["@admin"] || has("ADMIN")
	set["@dangerous"] = set["@dangerous"] || has("ADMIN")
	set["@pubsub"] = set["@pubsub"] || has("PUBSUB")
	set["@blocking"] = set["@blocking"] || has("BLOCKING")
	set["@fast"] = has("FAST")
	set["@slow"] = !has("FAST")
	var names []string
	for name, in := range set {
		if in {
			names = append(names, name)
		}
	}
	return sortedWords(names)
}

// Every command runs in exactly one place: here, or where Bound rows are bound, or, of a command that only has
// subcommands, in those.
func TestRowsRunInOnePlace(t *testing.T) {
	bound := map[*Row]bool{}
	for _, r := range BoundRows() {
		require.False(t, bound[r], "%s is there twice", r.FullName())
		bound[r] = true
	}
	for i, r := range Rows() {
		require.Equal(t, i, r.Index())
		only := len(r.Sub) > 0 && r.Run == nil
		places := 0
		for _, here := range []bool{r.Run != nil, bound[r], only} {
			if here {
				places++
			}
		}
		require.Equal(t, 1, places, r.FullName())
		require.Equal(t, bound[r], r.Class == Bound, r.FullName())
		for _, sub := range r.Sub {
			require.Same(t, r, sub.Parent())
		}
		if (r.Class == OneKey || r.Class == ManyKeys) && !r.HasKeys() {
			t.Errorf("%s is run with keys held, but has none", r.FullName())
		}
	}
}

// What KeysOf reads must be fit for it: a step of 0 would never end, and a flag that varies needs a function.
func TestKeySpecsAreUsable(t *testing.T) {
	for _, r := range Rows() {
		for _, s := range r.Keys {
			if s.Unknown {
				require.NotNil(t, r.FindKeys, r.FullName())
				continue
			}
			require.Positive(t, s.Step, r.FullName())
			require.True(t, s.Keyword != "" || s.Pos > 0, r.FullName())
			if strings.Contains(s.Flags, "variable_flags") || s.incomplete() {
				require.NotNil(t, r.FindKeys, r.FullName())
			}
		}
	}
}

func TestLookupFindsEveryRow(t *testing.T) {
	for _, r := range Rows() {
		if r.Parent() != nil {
			require.Same(t, r, r.Parent().Subcommand([]byte(strings.ToUpper(r.Name))))
			require.Same(t, r, lookupFull([]byte(r.FullName())))
			continue
		}
		require.Same(t, r, Lookup([]byte(r.Name)))
		require.Same(t, r, Lookup([]byte(strings.ToUpper(r.Name))))
		require.Nil(t, Lookup([]byte(r.Name+"~")), fmt.Sprintf("%s~", r.Name))
	}
	require.Nil(t, Lookup(nil))
	require.Nil(t, Lookup([]byte(strings.Repeat("a", 100))))
}
