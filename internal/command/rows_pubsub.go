package command

// pubsubRows are the commands about channels. Subscribing belongs to a connection and is bound by package resp, the
// rest by the root package.
func pubsubRows() []Row {
	// Shard channels are routed like keys, but are none.
	channels := func(last int) []KeySpec { return []KeySpec{{Flags: "not_key", Pos: 1, Last: last, Step: 1}} }
	const subscriber = PubSub | NoScript | Loading | Stale
	return []Row{
		{
			Name: "psubscribe", Arity: -2, Since: "2.0.0", Group: "pubsub",
			Flags:      subscriber | Sentinel,
			Class:      Bound,
			Summary:    "Begins to listen to the channels that match patterns.",
			Complexity: "O(N) for N patterns",
			Args:       []Arg{{Name: "pattern", Type: "pattern", Multiple: true}},
		},
		{
			Name: "publish", Arity: 3, Since: "2.0.0", Group: "pubsub",
			Flags:      PubSub | Loading | Stale | Fast | MayReplicate | Sentinel,
			Class:      Bound,
			Summary:    "Sends a message to whoever listens to a channel.",
			Complexity: "O(N+M) for N subscribers of the channel and M patterns that anybody listens to",
			Args:       []Arg{{Name: "channel", Type: "string"}, {Name: "message", Type: "string"}},
		},
		{
			Name: "pubsub", Arity: -2, Since: "2.8.0", Group: "pubsub",
			Summary:    "Commands about channels and who listens to them.",
			Complexity: "That of the subcommand",
			Sub: []*Row{
				{
					Name: "channels", Arity: -2, Since: "2.8.0",
					Flags: PubSub | Loading | Stale,
					Class: Bound, Slow: true,
					Summary:    "Lists the channels that somebody listens to.",
					Complexity: "O(N) for N channels in use",
					Args:       []Arg{{Name: "pattern", Type: "pattern", Optional: true}},
				},
				{
					Name: "help", Arity: 2, Since: "6.2.0",
					Flags:      Loading | Stale,
					Run:        runHelp,
					Summary:    "Lists the subcommands of PUBSUB.",
					Complexity: "O(1)",
				},
				{
					Name: "numpat", Arity: 2, Since: "2.8.0",
					Flags:      PubSub | Loading | Stale,
					Class:      Bound,
					Summary:    "Counts the patterns that anybody listens to.",
					Complexity: "O(1)",
				},
				{
					Name: "numsub", Arity: -2, Since: "2.8.0",
					Flags:      PubSub | Loading | Stale,
					Class:      Bound,
					Summary:    "Counts who listens to channels, patterns left aside.",
					Complexity: "O(N) for N channels given",
					Args:       []Arg{{Name: "channel", Type: "string", Optional: true, Multiple: true}},
				},
				{
					Name: "shardchannels", Arity: -2, Since: "7.0.0",
					Flags: PubSub | Loading | Stale,
					Class: Bound, Slow: true,
					Summary:    "Lists the shard channels that somebody listens to.",
					Complexity: "O(N) for N shard channels in use",
					Args:       []Arg{{Name: "pattern", Type: "pattern", Optional: true}},
				},
				{
					Name: "shardnumsub", Arity: -2, Since: "7.0.0",
					Flags:      PubSub | Loading | Stale,
					Class:      Bound,
					Summary:    "Counts who listens to shard channels.",
					Complexity: "O(N) for N shard channels given",
					Args:       []Arg{{Name: "shardchannel", Type: "string", Optional: true, Multiple: true}},
				},
			},
		},
		{
			Name: "punsubscribe", Arity: -1, Since: "2.0.0", Group: "pubsub",
			Flags:      subscriber | Sentinel,
			Class:      Bound,
			Summary:    "Listens no longer to channels that match patterns.",
			Complexity: "O(N) for N patterns",
			Args:       []Arg{{Name: "pattern", Type: "pattern", Optional: true, Multiple: true}},
		},
		{
			Name: "spublish", Arity: 3, Since: "7.0.0", Group: "pubsub",
			Flags:      PubSub | Loading | Stale | Fast | MayReplicate,
			Class:      Bound,
			Keys:       channels(0),
			Summary:    "Sends a message to whoever listens to a shard channel.",
			Complexity: "O(N) for N subscribers of the shard channel",
			Args:       []Arg{{Name: "shardchannel", Type: "string"}, {Name: "message", Type: "string"}},
		},
		{
			Name: "ssubscribe", Arity: -2, Since: "7.0.0", Group: "pubsub",
			Flags:      subscriber,
			Class:      Bound,
			Keys:       channels(-1),
			Summary:    "Begins to listen to shard channels.",
			Complexity: "O(N) for N shard channels",
			Args:       []Arg{{Name: "shardchannel", Type: "string", Multiple: true}},
		},
		{
			Name: "subscribe", Arity: -2, Since: "2.0.0", Group: "pubsub",
			Flags:      subscriber | Sentinel,
			Class:      Bound,
			Summary:    "Begins to listen to channels.",
			Complexity: "O(N) for N channels",
			Args:       []Arg{{Name: "channel", Type: "string", Multiple: true}},
		},
		{
			Name: "sunsubscribe", Arity: -1, Since: "7.0.0", Group: "pubsub",
			Flags:      subscriber,
			Class:      Bound,
			Keys:       channels(-1),
			Summary:    "Listens no longer to shard channels.",
			Complexity: "O(N) for N shard channels",
			Args:       []Arg{{Name: "shardchannel", Type: "string", Optional: true, Multiple: true}},
		},
		{
			Name: "unsubscribe", Arity: -1, Since: "2.0.0", Group: "pubsub",
			Flags:      subscriber | Sentinel,
			Class:      Bound,
			Summary:    "Listens no longer to channels.",
			Complexity: "O(N) for N channels",
			Args:       []Arg{{Name: "channel", Type: "string", Optional: true, Multiple: true}},
		},
	}
}
