package command

// watchdogRows are the commands that show what the server does and how long it takes.
func watchdogRows() []Row {
	return []Row{
		{
			Name: "latency", Arity: -2, Since: "2.8.13", Group: "server",
			Summary:    "Commands about latencies.",
			Complexity: "That of the subcommand",
			Sub: []*Row{
				{
					Name: "doctor", Arity: 2, Since: "2.8.13",
					Flags:      Admin | NoScript | Loading | Stale,
					Class:      Bound,
					Summary:    "Says what stands out among the latencies.",
					Complexity: "O(1)",
					Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
				},
				{
					Name: "graph", Arity: 3, Since: "2.8.13",
					Flags:      Admin | NoScript | Loading | Stale,
					Class:      Bound,
					Summary:    "Draws the latest spikes of an event.",
					Complexity: "O(1)",
					Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
					Args: []Arg{
						{Name: "event", Type: "string"},
					},
				},
				{
					Name: "help", Arity: 2, Since: "2.8.13",
					Flags:      Loading | Stale,
					Run:        runHelp,
					Summary:    "Lists the subcommands of LATENCY.",
					Complexity: "O(1)",
				},
				{
					Name: "histogram", Arity: -2, Since: "7.0.0",
					Flags:      Admin | NoScript | Loading | Stale,
					Class:      Bound,
					Summary:    "Returns how long commands took, as a distribution.",
					Complexity: "O(N) for N commands",
					Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
					Args: []Arg{
						{Name: "COMMAND", Type: "string", Optional: true, Multiple: true},
					},
				},
				{
					Name: "history", Arity: 3, Since: "2.8.13",
					Flags:      Admin | NoScript | Loading | Stale,
					Class:      Bound,
					Summary:    "Returns the latest spikes of an event.",
					Complexity: "O(1)",
					Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
					Args: []Arg{
						{Name: "event", Type: "string"},
					},
				},
				{
					Name: "latest", Arity: 2, Since: "2.8.13",
					Flags:      Admin | NoScript | Loading | Stale,
					Class:      Bound,
					Summary:    "Returns the latest spike of each event.",
					Complexity: "O(1)",
					Tips:       []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
				},
				{
					Name: "reset", Arity: -2, Since: "2.8.13",
					Flags:      Admin | NoScript | Loading | Stale,
					Class:      Bound,
					Summary:    "Forgets the spikes of events.",
					Complexity: "O(1)",
					Tips:       []string{"request_policy:all_nodes", "response_policy:agg_sum"},
					Args: []Arg{
						{Name: "event", Type: "string", Optional: true, Multiple: true},
					},
				},
			},
		},
		{
			Name: "monitor", Arity: 1, Since: "1.0.0", Group: "server",
			Flags:      Admin | NoScript | Loading | Stale,
			Class:      Bound,
			Summary:    "Shows every command that the server runs.",
			Complexity: "O(1)",
		},
		{
			Name: "slowlog", Arity: -2, Since: "2.2.12", Group: "server",
			Summary:    "Commands about the log of slow commands.",
			Complexity: "That of the subcommand",
			Sub: []*Row{
				{
					Name: "get", Arity: -2, Since: "2.2.12",
					Flags:      Admin | Loading | Stale,
					Class:      Bound,
					Summary:    "Returns the latest entries of the log.",
					Complexity: "O(N) for N entries",
					Tips:       []string{"request_policy:all_nodes", "nondeterministic_output"},
					Args: []Arg{
						{Name: "count", Type: "integer", Optional: true},
					},
				},
				{
					Name: "help", Arity: 2, Since: "6.2.0",
					Flags:      Loading | Stale,
					Run:        runHelp,
					Summary:    "Lists the subcommands of SLOWLOG.",
					Complexity: "O(1)",
				},
				{
					Name: "len", Arity: 2, Since: "2.2.12",
					Flags:      Admin | Loading | Stale,
					Class:      Bound,
					Summary:    "Counts the entries of the log.",
					Complexity: "O(1)",
					Tips:       []string{"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
				},
				{
					Name: "reset", Arity: 2, Since: "2.2.12",
					Flags:      Admin | Loading | Stale,
					Class:      Bound,
					Summary:    "Empties the log.",
					Complexity: "O(N) for N entries",
					Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				},
			},
		},
	}
}
