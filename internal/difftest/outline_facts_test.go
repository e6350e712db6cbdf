package difftest

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// factsFile has what Redis 7.2 says of its commands, with a JSON schema of every reply. It is not part of the project: where it
// is missing, the outlines stand as they are.
const factsFile = "../../../shared/data/redis-7.2-commands.json"

var updateOutlines = flag.Bool("outlines.update", false, "write testdata/outlines anew from Redis's schemas")

// schema is a JSON schema; only the words are known that the facts use.
type schema map[string]any

// knownWords are all of those. What only describes is passed over.
var knownWords = strings.Fields("type const pattern minimum minItems maxItems uniqueItems items additionalItems properties " +
	"patternProperties additionalProperties oneOf anyOf $ref description")

// outline writes a schema as an outline.
func (s schema) outline() string {
	for word := range s {
		if !slices.Contains(knownWords, word) {
			panic("a schema has the unknown word " + word)
		}
	}
	for _, word := range []string{"oneOf", "anyOf"} {
		if choices, ok := s[word].([]any); ok {
			var out []string
			for _, c := range choices {
				if o := schemaOf(c).outline(); !slices.Contains(out, o) {
					out = append(out, o)
				}
			}
			return strings.Join(out, "|")
		}
	}
	if c, ok := s["const"]; ok {
		if text, ok := c.(string); ok {
			return "'" + text + "'"
		}
		return fmt.Sprint(c)
	}
	if s["$ref"] != nil {
		return "@"
	}
	if p, ok := s["pattern"].(string); ok {
		return "/" + p + "/"
	}
	switch s["type"] {
	case nil:
		return "any"
	case "integer":
		if least, ok := s["minimum"].(float64); ok {
			return "int>=" + strconv.FormatFloat(least, 'f', -1, 64)
		}
		return "int"
	case "object":
		return s.fields()
	case "array":
		return s.elements()
	}
	return map[string]string{"string": "str", "number": "num", "null": "null"}[s["type"].(string)]
}

func schemaOf(v any) schema {
	m, ok := v.(map[string]any)
	if !ok {
		panic(fmt.Sprintf("%v is no schema", v))
	}
	return m
}

func (s schema) fields() string {
	var out []string
	known, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(known)) {
		out = append(out, name+": "+schemaOf(known[name]).outline())
	}
	patterns, _ := s["patternProperties"].(map[string]any)
	for _, p := range slices.Sorted(maps.Keys(patterns)) {
		name := "/" + p + "/"
		if p == "^.*$" {
			name = "*"
		}
		out = append(out, name+": "+schemaOf(patterns[p]).outline())
	}
	if more, ok := s["additionalProperties"].(map[string]any); ok {
		out = append(out, "*: "+schema(more).outline())
	} else if s["additionalProperties"] != false && len(patterns) == 0 {
		out = append(out, "*: any")
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func (s schema) elements() string {
	least, hasLeast := s["minItems"].(float64)
	most, hasMost := s["maxItems"].(float64)
	switch items := s["items"].(type) {
	case []any:
		var out []string
		for _, of := range items {
			out = append(out, schemaOf(of).outline())
		}
		if more, ok := s["additionalItems"].(map[string]any); ok {
			out = append(out, schema(more).outline()+"...")
		} else if int(least) != len(items) || int(most) != len(items) {
			panic(fmt.Sprintf("a list of %v to %v elements has %d outlines", least, most, len(items)))
		}
		return "(" + strings.Join(out, ", ") + ")"
	case nil:
		if hasMost && most == 0 {
			return "[]"
		}
		return "[any]"
	default:
		one := schemaOf(items).outline()
		switch {
		case hasLeast && hasMost && least == most:
			return "(" + strings.Join(slices.Repeat([]string{one}, int(least)), ", ") + ")"
		case least > 1:
			panic(fmt.Sprintf("a list has at least %v elements", least))
		}
		out := "[" + one + "]"
		if s["uniqueItems"] == true {
			out += "!"
		}
		if least == 1 {
			out += "+"
		}
		return out
	}
}

// TestOutlinesAreRedis holds the outlines against what Redis says.
func TestOutlinesAreRedis(t *testing.T) {
	text, err := os.ReadFile(factsFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("nothing to compare the outlines with")
	}
	require.NoError(t, err)
	var all map[string]struct {
		Schema schema `json:"reply_schema"`
	}
	require.NoError(t, json.Unmarshal(text, &all))
	var b strings.Builder
	b.WriteString(outlinesHead)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if s := all[name].Schema; s != nil && !strings.HasPrefix(name, "sentinel|") {
			fmt.Fprintf(&b, "%s %s\n", name, s.outline())
		}
	}
	if *updateOutlines {
		require.NoError(t, os.WriteFile(outlinesFile, []byte(b.String()), 0o644))
	}
	have, err := os.ReadFile(outlinesFile)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(have), "outlines can be written anew with -outlines.update")
}
