package command

// hyperloglogRows are the commands on HyperLogLogs; hll.go has what they do.
func hyperloglogRows() []Row {
	return []Row{
		{
			Name: "pfadd", Arity: -2, Since: "2.8.9", Group: "hyperloglog",
			Flags: Write | DenyOOM | Fast,
			Class: OneKey, Run: runPfadd,
			Keys:       []KeySpec{{Flags: "RW insert", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Adds elements to a HyperLogLog, which is made if the key is absent.",
			Complexity: "O(N), N being the number of elements",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "element", Type: "string", Optional: true, Multiple: true},
			},
		},
		{
			Name: "pfcount", Arity: -2, Since: "2.8.9", Group: "hyperloglog",
			Flags: ReadOnly | MayReplicate,
			Class: ManyKeys, Run: runPfcount,
			Keys:       []KeySpec{{Flags: "RW access", Pos: 1, Last: -1, Step: 1}},
			Summary:    "Estimates how many different elements were added to one or more HyperLogLogs.",
			Complexity: "O(N), N being the number of keys; O(1) for one key whose count is known",
			Args:       []Arg{{Name: "key", Type: "key", Key: 1, Multiple: true}},
		},
		{
			Name: "pfdebug", Arity: 3, Since: "2.8.9", Group: "hyperloglog",
			Flags: Write | DenyOOM | Admin,
			Class: OneKey, Run: runPfdebug,
			Keys:       []KeySpec{{Flags: "RW access", Pos: 2, Last: 0, Step: 1}},
			Summary:    "Shows how a HyperLogLog is kept.",
			Complexity: "O(1)",
			SysCmd:     true,
			Args: []Arg{
				{Name: "subcommand", Type: "string"},
				{Name: "key", Type: "key", Key: 1},
			},
		},
		{
			Name: "pfmerge", Arity: -2, Since: "2.8.9", Group: "hyperloglog",
			Flags: Write | DenyOOM,
			Class: ManyKeys, Run: runPfmerge,
			Keys: []KeySpec{
				{Flags: "RW access insert", Pos: 1, Last: 0, Step: 1},
				{Flags: "RO access", Pos: 2, Last: -1, Step: 1},
			},
			FindKeys:   pfmergeKeys,
			Summary:    "Merges HyperLogLogs into one.",
			Complexity: "O(N), N being the number of keys",
			Args: []Arg{
				{Name: "destkey", Type: "key", Key: 1},
				{Name: "sourcekey", Type: "key", Key: 2, Optional: true, Multiple: true},
			},
		},
		{
			Name: "pfselftest", Arity: 1, Since: "2.8.9", Group: "hyperloglog",
			Flags: Admin,
			Class: Free, Run: runPfselftest, Slow: true,
			Summary:    "Checks the implementation of HyperLogLogs.",
			Complexity: "O(1)",
			SysCmd:     true,
		},
	}
}
