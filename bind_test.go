package darter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/darterdb/darter/internal/command"
)

// TestRowsAreBound holds the table of commands against what runs them: a row runs by its own handler, by the engine, by
// package resp (whose test holds the rest), or only has subcommands.
func TestRowsAreBound(t *testing.T) {
	bound := map[string]bool{}
	for _, row := range command.Rows() {
		name := row.FullName()
		if row.Class == command.Bound {
			bound[name] = true
			require.Nil(t, row.Run, "%s is bound and has a handler", name)
			require.Empty(t, row.Sub, "%s is bound and has subcommands", name)
			continue
		}
		require.NotContains(t, boundRows, name, "it has a handler of its own")
		if len(row.Sub) == 0 {
			require.NotNil(t, row.Run, "nothing runs %s", name)
		}
		switch row.Class {
		case command.OneKey:
			require.Len(t, row.Keys, 1, name)
			require.Positive(t, row.Keys[0].Pos, name)
			require.Zero(t, row.Keys[0].Last, name)
			require.True(t, row.Arity > row.Keys[0].Pos || -row.Arity > row.Keys[0].Pos, "%s may lack its key", name)
		case command.ManyKeys:
			require.True(t, len(row.Keys) > 0 || row.FindKeys != nil, name)
		}
	}
	for name, run := range boundRows {
		require.True(t, bound[name], "%s is bound here and is no bound row", name)
		require.NotNil(t, run, name)
	}
}
