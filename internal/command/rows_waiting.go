package command

// waitingRows are the commands that wait for an element; waiting.go has what they do.
func waitingRows() []Row {
	list := func(r Row) Row {
		r.Group, r.Flags, r.Late, r.Class = "list", r.Flags|Write|Blocking, lateArray, ManyKeys
		return r
	}
	sorted := func(r Row) Row {
		r = list(r)
		r.Group, r.Categories = "sorted-set", []string{"sortedset"}
		return r
	}
	move := func(r Row) Row {
		r = list(r)
		r.Flags, r.Late, r.Destination = r.Flags|DenyOOM, lateMove, 2
		r.Keys = []KeySpec{
			{Flags: "RW access delete", Pos: 1, Last: 0, Step: 1},
			{Flags: "RW insert", Pos: 2, Last: 0, Step: 1},
		}
		return r
	}
	allButLast := []KeySpec{{Flags: "RW access delete", Pos: 1, Last: -2, Step: 1}}
	counted := []KeySpec{{Flags: "RW access delete", Pos: 2, KeyNum: true, KeyNumAt: 0, FirstKey: 1, Step: 1}}
	keysAndTimeout := []Arg{
		{Name: "key", Type: "key", Key: 1, Multiple: true},
		{Name: "timeout", Type: "double"},
	}
	ends := func(name string) Arg {
		return Arg{Name: name, Type: "oneof", Args: []Arg{
			{Name: "left", Type: "pure-token", Token: "LEFT"},
			{Name: "right", Type: "pure-token", Token: "RIGHT"},
		}}
	}
	return []Row{
		move(Row{
			Name: "blmove", Arity: 6, Since: "6.2.0", Run: runBlmove,
			Summary:    "Moves an element from one list to another and returns it; waits for one if there is none.",
			Complexity: "O(1)",
			Args: []Arg{
				{Name: "source", Type: "key", Key: 1},
				{Name: "destination", Type: "key", Key: 2},
				ends("wherefrom"), ends("whereto"),
				{Name: "timeout", Type: "double"},
			},
		}),
		list(Row{
			Name: "blmpop", Arity: -5, Since: "7.0.0", Run: runBlmpop, Keys: counted,
			Summary:    "Removes elements from the first of several lists that has some; waits for one if none has.",
			Complexity: "O(N+M) for N keys and M elements returned",
			Args: []Arg{
				{Name: "timeout", Type: "double"},
				{Name: "numkeys", Type: "integer"},
				{Name: "key", Type: "key", Key: 1, Multiple: true},
				ends("where"),
				{Name: "count", Type: "integer", Token: "COUNT", Optional: true},
			},
		}),
		list(Row{
			Name: "blpop", Arity: -3, Since: "2.0.0", Run: runBlpop, Keys: allButLast, Args: keysAndTimeout,
			Summary:    "Removes the first element of the first of several lists that has one; waits for one if none has.",
			Complexity: "O(N) for N keys",
		}),
		list(Row{
			Name: "brpop", Arity: -3, Since: "2.0.0", Run: runBrpop, Keys: allButLast, Args: keysAndTimeout,
			Summary:    "Removes the last element of the first of several lists that has one; waits for one if none has.",
			Complexity: "O(N) for N keys",
		}),
		move(Row{
			Name: "brpoplpush", Arity: 4, Since: "2.2.0", Run: runBrpoplpush,
			Deprecated: "6.2.0", ReplacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
			Summary:    "Moves the last element of a list to the start of another; waits for one if there is none.",
			Complexity: "O(1)",
			Args: []Arg{
				{Name: "source", Type: "key", Key: 1},
				{Name: "destination", Type: "key", Key: 2},
				{Name: "timeout", Type: "double"},
			},
		}),
		sorted(Row{
			Name: "bzmpop", Arity: -5, Since: "7.0.0", Run: runBzmpop, Keys: counted,
			Summary:    "Removes members from the first of several sorted sets that has some; waits for one if none has.",
			Complexity: "O(N+M*log(L)) for N keys, M members returned of L",
			Args: []Arg{
				{Name: "timeout", Type: "double"},
				{Name: "numkeys", Type: "integer"},
				{Name: "key", Type: "key", Key: 1, Multiple: true},
				{Name: "where", Type: "oneof", Args: []Arg{
					{Name: "min", Type: "pure-token", Token: "MIN"},
					{Name: "max", Type: "pure-token", Token: "MAX"},
				}},
				{Name: "count", Type: "integer", Token: "COUNT", Optional: true},
			},
		}),
		sorted(Row{
			Name: "bzpopmax", Arity: -3, Since: "5.0.0", Run: runBzpopmax, Flags: Fast, Keys: allButLast, Args: keysAndTimeout,
			Summary:    "Removes the highest member of the first of several sorted sets that has one; waits if none has.",
			Complexity: "O(N+log(M)) for N keys and M members",
		}),
		sorted(Row{
			Name: "bzpopmin", Arity: -3, Since: "5.0.0", Run: runBzpopmin, Flags: Fast, Keys: allButLast, Args: keysAndTimeout,
			Summary:    "Removes the lowest member of the first of several sorted sets that has one; waits if none has.",
			Complexity: "O(N+log(M)) for N keys and M members",
		}),
	}
}
