package command

// sortRows are SORT and its twin that only reads; sort.go has what they do.
func sortRows() []Row {
	return []Row{
		{
			Name: "sort", Arity: -2, Since: "1.0.0", Group: "generic",
			Flags: Write | DenyOOM,
			Class: Walk, Run: runSort, Slow: true, Scatter: true,
			Keys: []KeySpec{
				{Flags: "RO access", Pos: 1, Last: 0, Step: 1},
				{Flags: "RO access", Unknown: true},
				{Flags: "OW update", Unknown: true},
			},
			FindKeys:   sortKeys,
			Summary:    "Sorts the elements of a list, set or sorted set, and returns or stores them.",
			Complexity: "O(N + M log M), N being the number of elements and M that of elements returned; O(N) where nothing is sorted",
			Categories: []string{"set", "sortedset", "list", "dangerous"},
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "by-pattern", Type: "pattern", Key: 2, Display: "pattern", Token: "BY", Optional: true},
				{Name: "limit", Type: "block", Token: "LIMIT", Optional: true, Args: []Arg{
					{Name: "offset", Type: "integer"},
					{Name: "count", Type: "integer"},
				}},
				{Name: "get-pattern", Type: "pattern", Key: 2, Display: "pattern", Token: "GET", Optional: true, Multiple: true, MultipleToken: true},
				{Name: "order", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "asc", Type: "pure-token", Token: "ASC"},
					{Name: "desc", Type: "pure-token", Token: "DESC"},
				}},
				{Name: "sorting", Type: "pure-token", Token: "ALPHA", Optional: true},
				{Name: "destination", Type: "key", Key: 3, Token: "STORE", Optional: true},
			},
		},
		{
			Name: "sort_ro", Arity: -2, Since: "7.0.0", Group: "generic",
			Flags: ReadOnly,
			Class: Walk, Run: runSortRO, Slow: true, Scatter: true,
			Keys: []KeySpec{
				{Flags: "RO access", Pos: 1, Last: 0, Step: 1},
				{Flags: "RO access", Unknown: true},
			},
			FindKeys:   sortKeys,
			Summary:    "Returns the elements of a list, set or sorted set in order.",
			Complexity: "O(N + M log M), N being the number of elements and M that of elements returned; O(N) where nothing is sorted",
			Categories: []string{"set", "sortedset", "list", "dangerous"},
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "by-pattern", Type: "pattern", Key: 2, Display: "pattern", Token: "BY", Optional: true},
				{Name: "limit", Type: "block", Token: "LIMIT", Optional: true, Args: []Arg{
					{Name: "offset", Type: "integer"},
					{Name: "count", Type: "integer"},
				}},
				{Name: "get-pattern", Type: "pattern", Key: 2, Display: "pattern", Token: "GET", Optional: true, Multiple: true, MultipleToken: true},
				{Name: "order", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "asc", Type: "pure-token", Token: "ASC"},
					{Name: "desc", Type: "pure-token", Token: "DESC"},
				}},
				{Name: "sorting", Type: "pure-token", Token: "ALPHA", Optional: true},
			},
		},
	}
}
