// The rows of the server's own commands: data as a whole, saving, configuration, memory, and the command table itself.
// Most only state facts here and are bound by whoever owns the cache or the process.

package command

import (
	"time"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
)

func serverRows() []Row {
	return []Row{
		{
			Name: "flushdb", Arity: -1, Since: "1.0.0", Group: "server",
			Flags: Write,
			Class: Bound, Slow: true,
			Summary:    "Removes every key of the selected database.",
			Complexity: "O(N) for N keys in the database, freed bit by bit",
			Categories: []string{"keyspace", "dangerous"},
			Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Args: []Arg{
				{Name: "flush-type", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "async", Type: "pure-token", Token: "ASYNC", Since: "4.0.0"},
					{Name: "sync", Type: "pure-token", Token: "SYNC", Since: "6.2.0"},
				}},
			},
		},
		{
			Name: "flushall", Arity: -1, Since: "1.0.0", Group: "server",
			Flags: Write,
			Class: Bound, Slow: true,
			Summary:    "Removes every key of every database.",
			Complexity: "O(N) for N keys in all databases",
			Categories: []string{"keyspace", "dangerous"},
			Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Args: []Arg{
				{Name: "flush-type", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "async", Type: "pure-token", Token: "ASYNC", Since: "4.0.0"},
					{Name: "sync", Type: "pure-token", Token: "SYNC", Since: "6.2.0"},
				}},
			},
		},
		{
			Name: "swapdb", Arity: 3, Since: "4.0.0", Group: "server",
			Flags: Write | Fast,
			Class: Bound, Slow: true,
			Summary:    "Exchanges the contents of two databases.",
			Complexity: "O(1), and O(N) for N clients that watch or wait for keys of either database",
			Categories: []string{"keyspace", "dangerous"},
			Args: []Arg{
				{Name: "index1", Type: "integer"},
				{Name: "index2", Type: "integer"},
			},
		},
		{
			Name: "time", Arity: 1, Since: "2.6.0", Group: "server",
			Flags:      Loading | Stale | Fast,
			Run:        runTime,
			Summary:    "Tells the server's time.",
			Complexity: "O(1)",
			Tips:       []string{"nondeterministic_output"},
		},
		{
			Name: "lastsave", Arity: 1, Since: "1.0.0", Group: "server",
			Flags:      Loading | Stale | Fast,
			Class:      Bound,
			Summary:    "Tells when the data was last saved, in seconds of Unix time.",
			Complexity: "O(1)",
			Categories: []string{"admin", "dangerous"},
			Tips:       []string{"nondeterministic_output"},
		},
		{
			Name: "save", Arity: 1, Since: "1.0.0", Group: "server",
			Flags: Admin | NoScript | NoMulti | NoAsyncLoading,
			Class: Bound, Slow: true,
			Summary:    "Saves the data to disk before answering.",
			Complexity: "O(N) for N keys in all databases",
		},
		{
			Name: "bgsave", Arity: -1, Since: "1.0.0", Group: "server",
			Flags:      Admin | NoScript | NoAsyncLoading,
			Class:      Bound,
			Summary:    "Saves the data to disk while other commands go on.",
			Complexity: "O(1)",
			Args:       []Arg{{Name: "schedule", Type: "pure-token", Token: "SCHEDULE", Since: "3.2.2", Optional: true}},
		},
		{
			Name: "info", Arity: -1, Since: "1.0.0", Group: "server",
			Flags:      Loading | Stale | Sentinel,
			Class:      Bound,
			Summary:    "Reports on the state of the server and counts what it did.",
			Complexity: "O(1)",
			Categories: []string{"dangerous"},
			Tips:       []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
			Args:       []Arg{{Name: "section", Type: "string", Optional: true, Multiple: true}},
		},
		{
			Name: "config", Arity: -2, Since: "2.0.0", Group: "server",
			Summary:    "Commands about the configuration.",
			Complexity: "That of the subcommand",
			Sub: []*Row{
				{
					Name: "get", Arity: -3, Since: "2.0.0",
					Flags:      Admin | NoScript | Loading | Stale,
					Class:      Bound,
					Summary:    "Returns the settings whose names match a pattern.",
					Complexity: "O(N) for N directives",
					Args:       []Arg{{Name: "parameter", Type: "string", Multiple: true}},
				},
				{
					Name: "set", Arity: -4, Since: "2.0.0",
					Flags:      Admin | NoScript | Loading | Stale,
					Class:      Bound,
					Summary:    "Changes settings while the server runs, all of them or none.",
					Complexity: "O(N) for N directives",
					Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
					Args: []Arg{
						{Name: "data", Type: "block", Multiple: true, Args: []Arg{
							{Name: "parameter", Type: "string"},
							{Name: "value", Type: "string"},
						}},
					},
				},
				{
					Name: "resetstat", Arity: 2, Since: "2.0.0",
					Flags:      Admin | NoScript | Loading | Stale,
					Class:      Bound,
					Summary:    "Sets the statistics of INFO back to zero.",
					Complexity: "O(1)",
					Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				},
				{
					Name: "rewrite", Arity: 2, Since: "2.8.0",
					Flags: Admin | NoScript | Loading | Stale,
					Class: Bound, Slow: true,
					Summary:    "Writes the settings in force to the configuration file.",
					Complexity: "O(1)",
					Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				},
				{
					Name: "help", Arity: 2, Since: "5.0.0",
					Flags:      Loading | Stale,
					Run:        runHelp,
					Summary:    "Lists the subcommands of CONFIG.",
					Complexity: "O(1)",
				},
			},
		},
		{
			Name: "memory", Arity: -2, Since: "4.0.0", Group: "server",
			Summary:    "Commands about the use of memory.",
			Complexity: "That of the subcommand",
			Sub: []*Row{
				{
					Name: "usage", Arity: -3, Since: "4.0.0",
					Flags:      ReadOnly,
					Class:      OneKey,
					Run:        runMemoryUsage,
					Keys:       []KeySpec{{Flags: "RO", Pos: 2, Last: 0, Step: 1}},
					Summary:    "Tells how many bytes a key and its value take.",
					Complexity: "O(1)",
					Args: []Arg{
						{Name: "key", Type: "key", Key: 1},
						{Name: "count", Type: "integer", Token: "SAMPLES", Optional: true},
					},
				},
				{
					Name: "stats", Arity: 2, Since: "4.0.0",
					Class:      Bound,
					Summary:    "Tells what memory is used for.",
					Complexity: "O(1)",
					Tips:       []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
				},
				{
					Name: "doctor", Arity: 2, Since: "4.0.0",
					Class:      Bound,
					Summary:    "Looks for trouble with memory and says what it found.",
					Complexity: "O(1)",
					Tips:       []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
				},
				{
					Name: "malloc-stats", Arity: 2, Since: "4.0.0",
					Class: Bound, Slow: true,
					Summary:    "Returns the figures that the memory allocator keeps.",
					Complexity: "O(N) for N shards",
					Tips:       []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
				},
				{
					Name: "purge", Arity: 2, Since: "4.0.0",
					Class: Bound, Slow: true,
					Summary:    "Gives unused memory back to the operating system.",
					Complexity: "O(N) for N shards",
					Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
				},
				{
					Name: "help", Arity: 2, Since: "4.0.0",
					Flags:      Loading | Stale,
					Run:        runHelp,
					Summary:    "Lists the subcommands of MEMORY.",
					Complexity: "O(1)",
				},
			},
		},
		{
			Name: "command", Arity: -1, Since: "2.8.13", Group: "server",
			Flags:      Loading | Stale | Sentinel,
			Run:        runCommand,
			Summary:    "Describes all commands.",
			Complexity: "O(N) for N commands",
			Categories: []string{"connection"},
			Tips:       []string{"nondeterministic_output_order"},
			Sub: []*Row{
				{
					Name: "count", Arity: 2, Since: "2.8.13",
					Flags:      Loading | Stale | Sentinel,
					Run:        runCommandCount,
					Summary:    "Tells how many commands there are.",
					Complexity: "O(1)",
					Categories: []string{"connection"},
				},
				{
					Name: "info", Arity: -2, Since: "2.8.13",
					Flags:      Loading | Stale | Sentinel,
					Run:        runCommandInfo,
					Summary:    "Describes commands by name.",
					Complexity: "O(N) for N names",
					Categories: []string{"connection"},
					Tips:       []string{"nondeterministic_output_order"},
					Args:       []Arg{{Name: "command-name", Type: "string", Optional: true, Multiple: true}},
				},
				{
					Name: "list", Arity: -2, Since: "7.0.0",
					Flags:      Loading | Stale | Sentinel,
					Run:        runCommandList,
					Summary:    "Lists the names of commands.",
					Complexity: "O(N) for N commands",
					Categories: []string{"connection"},
					Tips:       []string{"nondeterministic_output_order"},
					Args: []Arg{
						{Name: "filterby", Type: "oneof", Token: "FILTERBY", Optional: true, Args: []Arg{
							{Name: "module-name", Type: "string", Token: "MODULE"},
							{Name: "category", Type: "string", Token: "ACLCAT"},
							{Name: "pattern", Type: "pattern", Token: "PATTERN"},
						}},
					},
				},
				{
					Name: "docs", Arity: -2, Since: "7.0.0",
					Flags:      Loading | Stale | Sentinel,
					Run:        runCommandDocs,
					Summary:    "Documents commands.",
					Complexity: "O(N) for N names",
					Categories: []string{"connection"},
					Tips:       []string{"nondeterministic_output_order"},
					Args:       []Arg{{Name: "command-name", Type: "string", Optional: true, Multiple: true}},
				},
				{
					Name: "getkeys", Arity: -3, Since: "2.8.13",
					Flags:      Loading | Stale | Sentinel,
					Run:        runCommandGetKeys,
					Summary:    "Picks the keys out of a full command.",
					Complexity: "O(N) for N arguments",
					Categories: []string{"connection"},
					Args: []Arg{
						{Name: "command", Type: "string"},
						{Name: "arg", Type: "string", Optional: true, Multiple: true},
					},
				},
				{
					Name: "getkeysandflags", Arity: -3, Since: "7.0.0",
					Flags:      Loading | Stale | Sentinel,
					Run:        runCommandGetKeysAndFlags,
					Summary:    "Picks the keys out of a full command and tells how each is used.",
					Complexity: "O(N) for N arguments",
					Categories: []string{"connection"},
					Args: []Arg{
						{Name: "command", Type: "string"},
						{Name: "arg", Type: "string", Optional: true, Multiple: true},
					},
				},
				{
					Name: "help", Arity: 2, Since: "5.0.0",
					Flags:      Loading | Stale | Sentinel,
					Run:        runHelp,
					Summary:    "Lists the subcommands of COMMAND.",
					Complexity: "O(1)",
					Categories: []string{"connection"},
				},
			},
		},
		{
			Name: "debug", Arity: -2, Since: "1.0.0", Group: "server",
			Flags: Admin | NoScript | Loading | Stale | Protected,
			Class: Bound, Slow: true,
			Summary:    "Commands for testing and finding faults.",
			Complexity: "That of the subcommand",
			SysCmd:     true,
		},
		{
			Name: "shutdown", Arity: -1, Since: "1.0.0", Group: "server",
			Flags: Admin | NoScript | Loading | Stale | NoMulti | AllowBusy | Sentinel,
			Class: Bound, Slow: true,
			Summary:    "Stops the server, saving the data first where that is configured.",
			Complexity: "O(N) for N keys in all databases if it saves, else O(1)",
			Args: []Arg{
				{Name: "save-selector", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "nosave", Type: "pure-token", Token: "NOSAVE"},
					{Name: "save", Type: "pure-token", Token: "SAVE"},
				}},
				{Name: "now", Type: "pure-token", Token: "NOW", Since: "7.0.0", Optional: true},
				{Name: "force", Type: "pure-token", Token: "FORCE", Since: "7.0.0", Optional: true},
				{Name: "abort", Type: "pure-token", Token: "ABORT", Since: "7.0.0", Optional: true},
			},
		},
		{
			Name: "lolwut", Arity: -1, Since: "5.0.0", Group: "server",
			Flags:   ReadOnly | Fast,
			Run:     runLolwut,
			Summary: "Draws a picture and tells the version.",
			Args:    []Arg{{Name: "version", Type: "integer", Token: "VERSION", Optional: true}},
		},
	}
}

// runTime answers TIME: the seconds of Unix time, and the microseconds of the current second.
func runTime(c *Call) {
	now := time.Now()
	var buf [20]byte
	c.W.Array(2)
	c.W.Bulk(num.AppendInt(buf[:0], now.Unix()))
	c.W.Bulk(num.AppendInt(buf[:0], int64(now.Nanosecond()/1000)))
}

// runMemoryUsage answers MEMORY USAGE. The count of samples is for values of many parts: a string is measured whole.
func runMemoryUsage(c *Call) {
	for i := 3; i < len(c.Args); i += 2 {
		if !isWord(c.Args[i], "samples") || i+1 == len(c.Args) {
			c.Fail(errs.Syntax)
			return
		}
		switch n, ok := num.ParseInt(c.Args[i+1]); {
		case !ok:
			c.Fail(errs.NotInteger)
			return
		case n < 0:
			c.Fail(errs.Syntax)
			return
		}
	}
	if it, ok := c.object(); ok {
		c.W.Int(int64(it.Bytes()))
	}
}
