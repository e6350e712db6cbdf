package command

// bitmapRows are the commands on the bits of strings; bitmaps.go has what they do.
func bitmapRows() []Row {
	return []Row{
		{
			Name: "bitcount", Arity: -2, Since: "2.6.0", Group: "bitmap",
			Flags: ReadOnly,
			Class: OneKey, Run: runBitcount,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Counts the bits that are 1 in a string, or in a range of it.",
			Complexity: "O(N), N being the length of the range",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "range", Type: "block", Optional: true, Args: []Arg{
					{Name: "start", Type: "integer"},
					{Name: "end", Type: "integer"},
					{Name: "unit", Type: "oneof", Since: "7.0.0", Optional: true, Args: []Arg{
						{Name: "byte", Type: "pure-token", Token: "BYTE"},
						{Name: "bit", Type: "pure-token", Token: "BIT"},
					}},
				}},
			},
		},
		{
			Name: "bitfield", Arity: -2, Since: "3.2.0", Group: "bitmap",
			Flags: Write | DenyOOM,
			Class: OneKey, Run: runBitfield,
			Keys:       []KeySpec{{Flags: "RW access update variable_flags", Pos: 1, Last: 0, Step: 1}},
			FindKeys:   bitfieldKeys,
			Summary:    "Reads and changes integers of any width among the bits of a string.",
			Complexity: "O(N), N being the number of operations",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "operation", Type: "oneof", Optional: true, Multiple: true, Args: []Arg{
					{Name: "get-block", Type: "block", Token: "GET", Args: []Arg{
						{Name: "encoding", Type: "string"},
						{Name: "offset", Type: "integer"},
					}},
					{Name: "write", Type: "block", Args: []Arg{
						{Name: "overflow-block", Type: "oneof", Token: "OVERFLOW", Optional: true, Args: []Arg{
							{Name: "wrap", Type: "pure-token", Token: "WRAP"},
							{Name: "sat", Type: "pure-token", Token: "SAT"},
							{Name: "fail", Type: "pure-token", Token: "FAIL"},
						}},
						{Name: "write-operation", Type: "oneof", Args: []Arg{
							{Name: "set-block", Type: "block", Token: "SET", Args: []Arg{
								{Name: "encoding", Type: "string"},
								{Name: "offset", Type: "integer"},
								{Name: "value", Type: "integer"},
							}},
							{Name: "incrby-block", Type: "block", Token: "INCRBY", Args: []Arg{
								{Name: "encoding", Type: "string"},
								{Name: "offset", Type: "integer"},
								{Name: "increment", Type: "integer"},
							}},
						}},
					}},
				}},
			},
		},
		{
			Name: "bitfield_ro", Arity: -2, Since: "6.0.0", Group: "bitmap",
			Flags: ReadOnly | Fast,
			Class: OneKey, Run: runBitfieldRO,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Reads integers of any width among the bits of a string.",
			Complexity: "O(N), N being the number of operations",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "get-block", Type: "block", Token: "GET", Optional: true, Multiple: true, MultipleToken: true, Args: []Arg{
					{Name: "encoding", Type: "string"},
					{Name: "offset", Type: "integer"},
				}},
			},
		},
		{
			Name: "bitop", Arity: -4, Since: "2.6.0", Group: "bitmap",
			Flags: Write | DenyOOM,
			Class: ManyKeys, Run: runBitop,
			Keys: []KeySpec{
				{Flags: "OW update", Pos: 2, Last: 0, Step: 1},
				{Flags: "RO access", Pos: 3, Last: -1, Step: 1},
			},
			Summary:    "Combines strings bit by bit and stores the result.",
			Complexity: "O(N), N being the length of all strings",
			Args: []Arg{
				{Name: "operation", Type: "oneof", Args: []Arg{
					{Name: "and", Type: "pure-token", Token: "AND"},
					{Name: "or", Type: "pure-token", Token: "OR"},
					{Name: "xor", Type: "pure-token", Token: "XOR"},
					{Name: "not", Type: "pure-token", Token: "NOT"},
				}},
				{Name: "destkey", Type: "key", Key: 1},
				{Name: "key", Type: "key", Key: 2, Multiple: true},
			},
		},
		{
			Name: "bitpos", Arity: -3, Since: "2.8.7", Group: "bitmap",
			Flags: ReadOnly,
			Class: OneKey, Run: runBitpos,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Finds the first bit that is 1, or 0, in a string or a range of it.",
			Complexity: "O(N), N being the length of the range",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "bit", Type: "integer"},
				{Name: "range", Type: "block", Optional: true, Args: []Arg{
					{Name: "start", Type: "integer"},
					{Name: "end-unit-block", Type: "block", Optional: true, Args: []Arg{
						{Name: "end", Type: "integer"},
						{Name: "unit", Type: "oneof", Since: "7.0.0", Optional: true, Args: []Arg{
							{Name: "byte", Type: "pure-token", Token: "BYTE"},
							{Name: "bit", Type: "pure-token", Token: "BIT"},
						}},
					}},
				}},
			},
		},
		{
			Name: "getbit", Arity: 3, Since: "2.2.0", Group: "bitmap",
			Flags: ReadOnly | Fast,
			Class: OneKey, Run: runGetbit,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Returns one bit of a string.",
			Complexity: "O(1)",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "offset", Type: "integer"},
			},
		},
		{
			Name: "setbit", Arity: 4, Since: "2.2.0", Group: "bitmap",
			Flags: Write | DenyOOM,
			Class: OneKey, Run: runSetbit,
			Keys:       []KeySpec{{Flags: "RW access update", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Changes one bit of a string, which grows as needed, and returns what it was.",
			Complexity: "O(1)",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "offset", Type: "integer"},
				{Name: "value", Type: "integer"},
			},
		},
	}
}
