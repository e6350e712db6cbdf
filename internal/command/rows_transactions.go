package command

// transactionRows are the commands around MULTI; the root package has what they do.
func transactionRows() []Row {
	return []Row{
		{
			Name: "discard", Arity: 1, Since: "2.0.0", Group: "transactions",
			Flags: NoScript | Loading | Stale | Fast | AllowBusy, Class: Bound,
			Categories: []string{"transaction"},
			Summary:    "Forgets the commands queued since MULTI, and ends all watches.",
			Complexity: "O(N) for N queued commands",
		},
		{
			Name: "exec", Arity: 1, Since: "1.2.0", Group: "transactions",
			Flags: NoScript | Loading | Stale | SkipSlowlog, Class: Bound,
			Categories: []string{"transaction"},
			Summary:    "Runs the commands queued since MULTI, unless a watched key has changed.",
			Complexity: "That of the queued commands",
		},
		{
			Name: "multi", Arity: 1, Since: "1.2.0", Group: "transactions",
			Flags: NoScript | Loading | Stale | Fast | AllowBusy, Class: Bound,
			Categories: []string{"transaction"},
			Summary:    "Begins to queue commands, for EXEC to run them at one instant.",
			Complexity: "O(1)",
		},
		{
			Name: "unwatch", Arity: 1, Since: "2.2.0", Group: "transactions",
			Flags: NoScript | Loading | Stale | Fast | AllowBusy, Class: Bound,
			Categories: []string{"transaction"},
			Summary:    "Ends all watches of the connection.",
			Complexity: "O(N) for N watched keys",
		},
		{
			Name: "watch", Arity: -2, Since: "2.2.0", Group: "transactions",
			Flags: NoScript | Loading | Stale | Fast | AllowBusy, Class: Bound,
			Categories: []string{"transaction"},
			Keys:       []KeySpec{{Flags: "RO", Pos: 1, Last: -1, Step: 1}},
			Summary:    "Has the next EXEC do nothing if one of the keys changes before.",
			Complexity: "O(N) for N keys",
			Args:       []Arg{{Name: "key", Type: "key", Key: 1, Multiple: true}},
		},
	}
}
