package command

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/commands.md anew")

const commandsPage = "../../docs/commands.md"

// absent are the commands of Redis 7.2 that darter does not have, by group, with the reason.
var absent = []struct{ group, names, reason string }{
	{"cluster", "asking cluster readonly readwrite", "There is no cluster: one process serves all keys."},
	{"server", "failover psync replconf replicaof role slaveof sync restore-asking", "There is no replication yet."},
	{"server", "bgrewriteaof", "There is no append log yet."},
	{"server", "acl", "There is one user, `default`, with `requirepass`."},
	{"server", "module", "There are no loadable modules."},
	{"generic", "dump restore migrate", "Redis's serialized form is not read or written yet."},
	{"generic", "wait waitaof", "There are no replicas to wait for."},
	{"sentinel", "sentinel", "A Sentinel is a program of its own."},
}

// page is docs/commands.md as the table says it.
func page() string {
	var b strings.Builder
	b.WriteString("# Commands\n\n" +
		"Made from the command table: `go test ./internal/command -run TestCommandsPage -update` writes it anew.\n" +
		"What a command does is what it does in Redis 7.2, or in the version that brought it; where it differs on purpose,\n" +
		"[compatibility.md](compatibility.md) says how and why.\n")
	byGroup := map[string][]*Row{}
	have := map[string]bool{}
	for _, r := range Rows() {
		have[r.FullName()] = true
		if r.Parent() == nil {
			byGroup[r.Group] = append(byGroup[r.Group], r)
		}
	}
	var groups []string
	for g := range byGroup {
		groups = append(groups, g)
	}
	slices.Sort(groups)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| command | since | what it does | complexity |\n|---|---|---|---|\n", strings.ReplaceAll(g, "_", " "))
		rows := byGroup[g]
		slices.SortFunc(rows, func(x, y *Row) int { return strings.Compare(x.Name, y.Name) })
		for _, r := range rows {
			for _, r := range append([]*Row{r}, r.Sub...) {
				name := strings.ToUpper(strings.ReplaceAll(r.FullName(), "|", " "))
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, r.Since, r.Summary, r.Complexity)
			}
		}
	}
	b.WriteString("\n## Not there\n\n| command | why |\n|---|---|\n")
	for _, a := range absent {
		var names []string
		for _, n := range strings.Fields(a.names) {
			if !have[n] {
				names = append(names, "`"+strings.ToUpper(n)+"`")
			}
		}
		if len(names) > 0 {
			fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(names, " "), a.reason)
		}
	}
	return b.String()
}

func TestCommandsPage(t *testing.T) {
	want := page()
	if *update {
		require.NoError(t, os.WriteFile(commandsPage, []byte(want), 0o644))
	}
	got, err := os.ReadFile(commandsPage)
	require.NoError(t, err)
	require.True(t, want == strings.ReplaceAll(string(got), "\r\n", "\n"), "the page is old: run the test with -update")
}

// Every command of Redis 7.2 is in the table or among those that are absent for a reason, and not in both.
func TestEveryCommandHasAStatus(t *testing.T) {
	missing := map[string]bool{}
	for _, a := range absent {
		for _, n := range strings.Fields(a.names) {
			require.Nil(t, Lookup([]byte(n)), "%s is said to be absent", n)
			missing[n] = true
		}
	}
	for name := range loadFacts(t) {
		if !strings.Contains(name, "|") && !missing[name] {
			require.NotNil(t, Lookup([]byte(name)), "%s is neither in the table nor absent", name)
		}
	}
}
