// The rows of commands about one connection. Those that need the connection's state are bound by the server.

package command

func connectionRows() []Row {
	return []Row{
		{
			Name: "auth", Arity: -2, Since: "1.0.0", Group: "connection",
			Flags:      NoScript | Loading | Stale | Fast | NoAuth | AllowBusy | Sentinel,
			Class:      Bound,
			Summary:    "Proves to the server who is connected.",
			Complexity: "O(1)",
			Args: []Arg{
				{Name: "username", Type: "string", Since: "6.0.0", Optional: true},
				{Name: "password", Type: "string"},
			},
		},
		{
			Name: "client", Arity: -2, Since: "2.4.0", Group: "connection",
			Flags:      Sentinel,
			Summary:    "Commands about connections.",
			Complexity: "That of the subcommand",
			Sub: []*Row{
				{
					Name: "caching", Arity: 3, Since: "6.0.0",
					Flags:      NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Says whether what the next command reads is tracked.",
					Complexity: "O(1)",
					Args: []Arg{
						{Name: "mode", Type: "oneof", Args: []Arg{
							{Name: "yes", Type: "pure-token", Token: "YES"},
							{Name: "no", Type: "pure-token", Token: "NO"},
						}},
					},
				},
				{
					Name: "getredir", Arity: 2, Since: "6.0.0",
					Flags:      NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Returns the number of the connection that is told of keys in place of this one.",
					Complexity: "O(1)",
				},
				{
					Name: "tracking", Arity: -3, Since: "6.0.0",
					Flags:      NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Has the connection told when keys change that it has read, or that begin in some way.",
					Complexity: "O(1), and O(N) for N prefixes of all connections with BCAST",
					Args: []Arg{
						{Name: "status", Type: "oneof", Args: []Arg{
							{Name: "on", Type: "pure-token", Token: "ON"},
							{Name: "off", Type: "pure-token", Token: "OFF"},
						}},
						{Name: "client-id", Type: "integer", Token: "REDIRECT", Optional: true},
						{Name: "prefix", Type: "string", Token: "PREFIX", Optional: true, Multiple: true, MultipleToken: true},
						{Name: "BCAST", Type: "pure-token", Token: "BCAST", Optional: true},
						{Name: "OPTIN", Type: "pure-token", Token: "OPTIN", Optional: true},
						{Name: "OPTOUT", Type: "pure-token", Token: "OPTOUT", Optional: true},
						{Name: "NOLOOP", Type: "pure-token", Token: "NOLOOP", Optional: true},
					},
				},
				{
					Name: "trackinginfo", Arity: 2, Since: "6.2.0",
					Flags:      NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Returns how the connection is told of keys.",
					Complexity: "O(1)",
				},
				{
					Name: "id", Arity: 2, Since: "5.0.0",
					Flags:      NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Returns the number of the connection.",
					Complexity: "O(1)",
				},
				{
					Name: "info", Arity: 2, Since: "6.2.0",
					Flags:      NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Describes the connection.",
					Complexity: "O(1)",
					Tips:       []string{"nondeterministic_output"},
				},
				{
					Name: "list", Arity: -2, Since: "2.4.0",
					Flags:      Admin | NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Describes the open connections.",
					Complexity: "O(N) for N connections",
					Tips:       []string{"nondeterministic_output"},
					Args: []Arg{
						{Name: "client-type", Type: "oneof", Token: "TYPE", Since: "5.0.0", Optional: true, Args: []Arg{
							{Name: "normal", Type: "pure-token", Token: "normal"},
							{Name: "master", Type: "pure-token", Token: "master"},
							{Name: "replica", Type: "pure-token", Token: "replica"},
							{Name: "pubsub", Type: "pure-token", Token: "pubsub"},
						}},
						{Name: "client-id", Type: "integer", Token: "ID", Since: "6.2.0", Optional: true, Multiple: true},
					},
				},
				{
					Name: "setname", Arity: 3, Since: "2.6.9",
					Flags:      NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Gives the connection a name.",
					Complexity: "O(1)",
					Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
					Args:       []Arg{{Name: "connection-name", Type: "string"}},
				},
				{
					Name: "getname", Arity: 2, Since: "2.6.9",
					Flags:      NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Returns the name that the connection was given.",
					Complexity: "O(1)",
				},
				{
					Name: "setinfo", Arity: 4, Since: "7.2.0",
					Flags:      NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Notes the name or version of the library that the client uses.",
					Complexity: "O(1)",
					Tips:       []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
					Args: []Arg{
						{Name: "attr", Type: "oneof", Args: []Arg{
							{Name: "libname", Type: "string", Token: "lib-name"},
							{Name: "libver", Type: "string", Token: "lib-ver"},
						}},
					},
				},
				{
					Name: "kill", Arity: -3, Since: "2.4.0",
					Flags:      Admin | NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Closes connections chosen by their properties.",
					Complexity: "O(N) for N connections",
					Args: []Arg{
						{Name: "filter", Type: "oneof", Args: []Arg{
							{Name: "old-format", Type: "string", Display: "ip:port", Deprecated: "2.8.12"},
							{Name: "new-format", Type: "oneof", Multiple: true, Args: []Arg{
								{Name: "client-id", Type: "integer", Token: "ID", Since: "2.8.12", Optional: true},
								{Name: "client-type", Type: "oneof", Token: "TYPE", Since: "2.8.12", Optional: true, Args: []Arg{
									{Name: "normal", Type: "pure-token", Token: "normal"},
									{Name: "master", Type: "pure-token", Token: "master", Since: "3.2.0"},
									{Name: "slave", Type: "pure-token", Token: "slave"},
									{Name: "replica", Type: "pure-token", Token: "replica", Since: "5.0.0"},
									{Name: "pubsub", Type: "pure-token", Token: "pubsub"},
								}},
								{Name: "username", Type: "string", Token: "USER", Optional: true},
								{Name: "addr", Type: "string", Display: "ip:port", Token: "ADDR", Optional: true},
								{Name: "laddr", Type: "string", Display: "ip:port", Token: "LADDR", Since: "6.2.0", Optional: true},
								{Name: "skipme", Type: "oneof", Token: "SKIPME", Optional: true, Args: []Arg{
									{Name: "yes", Type: "pure-token", Token: "YES"},
									{Name: "no", Type: "pure-token", Token: "NO"},
								}},
							}},
						}},
					},
				},
				{
					Name: "pause", Arity: -3, Since: "3.0.0",
					Flags:      Admin | NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Makes all connections, or those that write, wait for a time.",
					Complexity: "O(1)",
					Args: []Arg{
						{Name: "timeout", Type: "integer"},
						{Name: "mode", Type: "oneof", Since: "6.2.0", Optional: true, Args: []Arg{
							{Name: "write", Type: "pure-token", Token: "WRITE"},
							{Name: "all", Type: "pure-token", Token: "ALL"},
						}},
					},
				},
				{
					Name: "unpause", Arity: 2, Since: "6.2.0",
					Flags:      Admin | NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Ends a pause of connections.",
					Complexity: "O(N) for N paused connections",
				},
				{
					Name: "reply", Arity: 3, Since: "3.2.0",
					Flags:      NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Says which of its commands the connection wants answered.",
					Complexity: "O(1)",
					Args: []Arg{
						{Name: "action", Type: "oneof", Args: []Arg{
							{Name: "on", Type: "pure-token", Token: "ON"},
							{Name: "off", Type: "pure-token", Token: "OFF"},
							{Name: "skip", Type: "pure-token", Token: "SKIP"},
						}},
					},
				},
				{
					Name: "no-evict", Arity: 3, Since: "7.0.0",
					Flags:      Admin | NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Keeps the connection open, or no longer, where others are closed to save memory.",
					Complexity: "O(1)",
					Args: []Arg{
						{Name: "enabled", Type: "oneof", Args: []Arg{
							{Name: "on", Type: "pure-token", Token: "ON"},
							{Name: "off", Type: "pure-token", Token: "OFF"},
						}},
					},
				},
				{
					Name: "no-touch", Arity: 3, Since: "7.2.0",
					Flags:      NoScript | Loading | Stale,
					Class:      Bound,
					Summary:    "Makes the connection's reads leave no note of access, or leave it again.",
					Complexity: "O(1)",
					Args: []Arg{
						{Name: "enabled", Type: "oneof", Args: []Arg{
							{Name: "on", Type: "pure-token", Token: "ON"},
							{Name: "off", Type: "pure-token", Token: "OFF"},
						}},
					},
				},
				{
					Name: "unblock", Arity: -3, Since: "5.0.0",
					Flags:      Admin | NoScript | Loading | Stale | Sentinel,
					Class:      Bound,
					Summary:    "Ends the wait of another connection's blocking command.",
					Complexity: "O(1)",
					Args: []Arg{
						{Name: "client-id", Type: "integer"},
						{Name: "unblock-type", Type: "oneof", Optional: true, Args: []Arg{
							{Name: "timeout", Type: "pure-token", Token: "TIMEOUT"},
							{Name: "error", Type: "pure-token", Token: "ERROR"},
						}},
					},
				},
				{
					Name: "help", Arity: 2, Since: "5.0.0",
					Flags:      Loading | Stale | Sentinel,
					Run:        runHelp,
					Summary:    "Lists the subcommands of CLIENT.",
					Complexity: "O(1)",
				},
			},
		},
		{
			Name: "echo", Arity: 2, Since: "1.0.0", Group: "connection",
			Flags:      Loading | Stale | Fast,
			Run:        runEcho,
			Summary:    "Answers with its argument.",
			Complexity: "O(1)",
			Args:       []Arg{{Name: "message", Type: "string"}},
		},
		{
			Name: "hello", Arity: -1, Since: "6.0.0", Group: "connection",
			Flags:      NoScript | Loading | Stale | Fast | NoAuth | AllowBusy | Sentinel,
			Class:      Bound,
			Summary:    "Negotiates the protocol, optionally with authentication and a name.",
			Complexity: "O(1)",
			Args: []Arg{
				{Name: "arguments", Type: "block", Optional: true, Args: []Arg{
					{Name: "protover", Type: "integer"},
					{Name: "auth", Type: "block", Token: "AUTH", Optional: true, Args: []Arg{
						{Name: "username", Type: "string"},
						{Name: "password", Type: "string"},
					}},
					{Name: "clientname", Type: "string", Token: "SETNAME", Optional: true},
				}},
			},
		},
		{
			Name: "ping", Arity: -1, Since: "1.0.0", Group: "connection",
			Flags:      Fast | Sentinel,
			Run:        runPing,
			Summary:    "Answers, to show that the connection works.",
			Complexity: "O(1)",
			Tips:       []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Args:       []Arg{{Name: "message", Type: "string", Optional: true}},
		},
		{
			Name: "quit", Arity: -1, Since: "1.0.0", Group: "connection",
			Flags:      NoScript | Loading | Stale | Fast | NoAuth | AllowBusy,
			Class:      Bound,
			Summary:    "Closes the connection.",
			Complexity: "O(1)",
			Deprecated: "7.2.0", ReplacedBy: "closing the connection on the client's side",
		},
		{
			Name: "reset", Arity: 1, Since: "6.2.0", Group: "connection",
			Flags:      NoScript | Loading | Stale | Fast | NoAuth | AllowBusy,
			Class:      Bound,
			Summary:    "Puts the connection back into the state of a new one.",
			Complexity: "O(1)",
		},
		{
			Name: "select", Arity: 2, Since: "1.0.0", Group: "connection",
			Flags:      Loading | Stale | Fast,
			Class:      Bound,
			Summary:    "Chooses the database of the connection.",
			Complexity: "O(1)",
			Args:       []Arg{{Name: "index", Type: "integer"}},
		},
	}
}

// runEcho answers ECHO.
func runEcho(c *Call) { c.W.Bulk(c.Args[1]) }

// runPing answers PING as outside of subscriptions; a subscribed RESP2 connection answers it in a shape of its own.
func runPing(c *Call) {
	switch len(c.Args) {
	case 1:
		c.W.Status("PONG")
	case 2:
		c.W.Bulk(c.Args[1])
	default:
		c.Fail(WrongArity(c.Row))
	}
}
