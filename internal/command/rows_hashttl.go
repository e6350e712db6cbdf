package command

// hashttlRows are the commands on the times of expiry of fields; hashttl.go has what they do. They came with Redis 7.4
// and 8.0.
func hashttlRows() []Row {
	fieldsArg := Arg{Name: "fields", Type: "block", Token: "FIELDS", Args: []Arg{
		{Name: "numfields", Type: "integer"},
		{Name: "field", Type: "string", Multiple: true},
	}}
	fieldConditionArg := Arg{Name: "condition", Type: "oneof", Optional: true, Args: []Arg{
		{Name: "nx", Type: "pure-token", Token: "NX"},
		{Name: "xx", Type: "pure-token", Token: "XX"},
		{Name: "gt", Type: "pure-token", Token: "GT"},
		{Name: "lt", Type: "pure-token", Token: "LT"},
	}}
	fieldTimeArg := func(other Arg) Arg {
		return Arg{Name: "expiration", Type: "oneof", Optional: true, Args: []Arg{
			{Name: "seconds", Type: "integer", Token: "EX"},
			{Name: "milliseconds", Type: "integer", Token: "PX"},
			{Name: "unix-time-seconds", Type: "unix-time", Token: "EXAT"},
			{Name: "unix-time-milliseconds", Type: "unix-time", Token: "PXAT"},
			other,
		}}
	}
	return []Row{
		{
			Name: "hexpire", Arity: -6, Since: "7.4.0", Group: "hash",
			Flags: Write | DenyOOM | Fast,
			Class: OneKey, Run: runHexpire,
			Keys:       []KeySpec{{Flags: "RW update", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Lets fields of a hash expire after some seconds.",
			Complexity: "O(N) for N fields given",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "seconds", Type: "integer"},
				fieldConditionArg,
				fieldsArg,
			},
		},
		{
			Name: "hexpireat", Arity: -6, Since: "7.4.0", Group: "hash",
			Flags: Write | DenyOOM | Fast,
			Class: OneKey, Run: runHexpireat,
			Keys:       []KeySpec{{Flags: "RW update", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Lets fields of a hash expire at a second of Unix time.",
			Complexity: "O(N) for N fields given",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "unix-time-seconds", Type: "unix-time"},
				fieldConditionArg,
				fieldsArg,
			},
		},
		{
			Name: "hexpiretime", Arity: -5, Since: "7.4.0", Group: "hash",
			Flags: ReadOnly | Fast,
			Class: OneKey, Run: runHexpiretime,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Tells at which second of Unix time fields of a hash expire.",
			Complexity: "O(N) for N fields given",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				fieldsArg,
			},
		},
		{
			Name: "hgetdel", Arity: -5, Since: "8.0.0", Group: "hash",
			Flags: Write | Fast,
			Class: OneKey, Run: runHgetdel,
			Keys:       []KeySpec{{Flags: "RW access delete", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Returns the values of fields and removes the fields.",
			Complexity: "O(N) for N fields given",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				fieldsArg,
			},
		},
		{
			Name: "hgetex", Arity: -5, Since: "8.0.0", Group: "hash",
			Flags: Write | Fast,
			Class: OneKey, Run: runHgetex,
			Keys:       []KeySpec{{Flags: "RW access update", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Returns the values of fields and changes when the fields expire.",
			Complexity: "O(N) for N fields given",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				fieldTimeArg(Arg{Name: "persist", Type: "pure-token", Token: "PERSIST"}),
				fieldsArg,
			},
		},
		{
			Name: "hpersist", Arity: -5, Since: "7.4.0", Group: "hash",
			Flags: Write | Fast,
			Class: OneKey, Run: runHpersist,
			Keys:       []KeySpec{{Flags: "RW update", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Lets fields of a hash no longer expire.",
			Complexity: "O(N) for N fields given",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				fieldsArg,
			},
		},
		{
			Name: "hpexpire", Arity: -6, Since: "7.4.0", Group: "hash",
			Flags: Write | DenyOOM | Fast,
			Class: OneKey, Run: runHpexpire,
			Keys:       []KeySpec{{Flags: "RW update", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Lets fields of a hash expire after some milliseconds.",
			Complexity: "O(N) for N fields given",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "milliseconds", Type: "integer"},
				fieldConditionArg,
				fieldsArg,
			},
		},
		{
			Name: "hpexpireat", Arity: -6, Since: "7.4.0", Group: "hash",
			Flags: Write | DenyOOM | Fast,
			Class: OneKey, Run: runHpexpireat,
			Keys:       []KeySpec{{Flags: "RW update", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Lets fields of a hash expire at a millisecond of Unix time.",
			Complexity: "O(N) for N fields given",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "unix-time-milliseconds", Type: "unix-time"},
				fieldConditionArg,
				fieldsArg,
			},
		},
		{
			Name: "hpexpiretime", Arity: -5, Since: "7.4.0", Group: "hash",
			Flags: ReadOnly | Fast,
			Class: OneKey, Run: runHpexpiretime,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Tells at which millisecond of Unix time fields of a hash expire.",
			Complexity: "O(N) for N fields given",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				fieldsArg,
			},
		},
		{
			Name: "hpttl", Arity: -5, Since: "7.4.0", Group: "hash",
			Flags: ReadOnly | Fast,
			Class: OneKey, Run: runHpttl,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Tells in how many milliseconds fields of a hash expire.",
			Complexity: "O(N) for N fields given",
			Tips:       []string{"nondeterministic_output"},
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				fieldsArg,
			},
		},
		{
			Name: "hsetex", Arity: -6, Since: "8.0.0", Group: "hash",
			Flags: Write | DenyOOM | Fast,
			Class: OneKey, Run: runHsetex,
			Keys:       []KeySpec{{Flags: "RW update", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Sets fields of a hash and when they expire.",
			Complexity: "O(N) for N fields given",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "condition", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "fnx", Type: "pure-token", Token: "FNX"},
					{Name: "fxx", Type: "pure-token", Token: "FXX"},
				}},
				fieldTimeArg(Arg{Name: "keepttl", Type: "pure-token", Token: "KEEPTTL"}),
				{Name: "fields", Type: "block", Token: "FIELDS", Args: []Arg{
					{Name: "numfields", Type: "integer"},
					{Name: "data", Type: "block", Multiple: true, Args: []Arg{
						{Name: "field", Type: "string"},
						{Name: "value", Type: "string"},
					}},
				}},
			},
		},
		{
			Name: "httl", Arity: -5, Since: "7.4.0", Group: "hash",
			Flags: ReadOnly | Fast,
			Class: OneKey, Run: runHttl,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Tells in how many seconds fields of a hash expire.",
			Complexity: "O(N) for N fields given",
			Tips:       []string{"nondeterministic_output"},
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				fieldsArg,
			},
		},
	}
}
