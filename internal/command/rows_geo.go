package command

// geoRows are the commands on places; geo.go and geosearch.go have what they do.
func geoRows() []Row {
	return []Row{
		{
			Name: "geoadd", Arity: -5, Since: "3.2.0", Group: "geo",
			Flags: Write | DenyOOM,
			Class: OneKey, Run: runGeoadd,
			Keys:       []KeySpec{{Flags: "RW update", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Adds places to a sorted set, or moves them.",
			Complexity: "O(M log N), M being the number of places given and N that of members",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "condition", Type: "oneof", Since: "6.2.0", Optional: true, Args: []Arg{
					{Name: "nx", Type: "pure-token", Token: "NX"},
					{Name: "xx", Type: "pure-token", Token: "XX"},
				}},
				{Name: "change", Type: "pure-token", Token: "CH", Since: "6.2.0", Optional: true},
				{Name: "data", Type: "block", Multiple: true, Args: []Arg{
					{Name: "longitude", Type: "double"},
					{Name: "latitude", Type: "double"},
					{Name: "member", Type: "string"},
				}},
			},
		},
		{
			Name: "geodist", Arity: -4, Since: "3.2.0", Group: "geo",
			Flags: ReadOnly,
			Class: OneKey, Run: runGeodist,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Returns the distance between two members.",
			Complexity: "O(1)",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "member1", Type: "string"},
				{Name: "member2", Type: "string"},
				{Name: "unit", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "m", Type: "pure-token", Token: "m"},
					{Name: "km", Type: "pure-token", Token: "km"},
					{Name: "ft", Type: "pure-token", Token: "ft"},
					{Name: "mi", Type: "pure-token", Token: "mi"},
				}},
			},
		},
		{
			Name: "geohash", Arity: -2, Since: "3.2.0", Group: "geo",
			Flags: ReadOnly,
			Class: OneKey, Run: runGeohash,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Returns the places of members as geohash strings.",
			Complexity: "O(M), M being the number of members asked for",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "member", Type: "string", Optional: true, Multiple: true},
			},
		},
		{
			Name: "geopos", Arity: -2, Since: "3.2.0", Group: "geo",
			Flags: ReadOnly,
			Class: OneKey, Run: runGeopos,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Returns the longitudes and latitudes of members.",
			Complexity: "O(M), M being the number of members asked for",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "member", Type: "string", Optional: true, Multiple: true},
			},
		},
		{
			Name: "georadius", Arity: -6, Since: "3.2.0", Group: "geo",
			Flags: Write | DenyOOM,
			Class: ManyKeys, Run: runGeoradius,
			Keys: []KeySpec{
				{Flags: "RO access", Pos: 1, Last: 0, Step: 1},
				{Flags: "OW update", Keyword: "STORE", StartFrom: 6, Last: 0, Step: 1},
				{Flags: "OW update", Keyword: "STOREDIST", StartFrom: 6, Last: 0, Step: 1},
			},
			FindKeys:   georadiusKeys,
			Summary:    "Finds or stores the members within a distance of a point.",
			Complexity: "O(log N + M), N being the number of members and M how many the boxes around the area have",
			Deprecated: "6.2.0", ReplacedBy: "GEOSEARCH and GEOSEARCHSTORE",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "longitude", Type: "double"},
				{Name: "latitude", Type: "double"},
				{Name: "radius", Type: "double"},
				{Name: "unit", Type: "oneof", Args: []Arg{
					{Name: "m", Type: "pure-token", Token: "m"},
					{Name: "km", Type: "pure-token", Token: "km"},
					{Name: "ft", Type: "pure-token", Token: "ft"},
					{Name: "mi", Type: "pure-token", Token: "mi"},
				}},
				{Name: "withcoord", Type: "pure-token", Token: "WITHCOORD", Optional: true},
				{Name: "withdist", Type: "pure-token", Token: "WITHDIST", Optional: true},
				{Name: "withhash", Type: "pure-token", Token: "WITHHASH", Optional: true},
				{Name: "count-block", Type: "block", Optional: true, Args: []Arg{
					{Name: "count", Type: "integer", Token: "COUNT"},
					{Name: "any", Type: "pure-token", Token: "ANY", Since: "6.2.0", Optional: true},
				}},
				{Name: "order", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "asc", Type: "pure-token", Token: "ASC"},
					{Name: "desc", Type: "pure-token", Token: "DESC"},
				}},
				{Name: "store", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "storekey", Type: "key", Key: 2, Display: "key", Token: "STORE"},
					{Name: "storedistkey", Type: "key", Key: 3, Display: "key", Token: "STOREDIST"},
				}},
			},
		},
		{
			Name: "georadius_ro", Arity: -6, Since: "3.2.10", Group: "geo",
			Flags: ReadOnly,
			Class: OneKey, Run: runGeoradiusRO,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Finds the members within a distance of a point.",
			Complexity: "O(log N + M), N being the number of members and M how many the boxes around the area have",
			Deprecated: "6.2.0", ReplacedBy: "GEOSEARCH",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "longitude", Type: "double"},
				{Name: "latitude", Type: "double"},
				{Name: "radius", Type: "double"},
				{Name: "unit", Type: "oneof", Args: []Arg{
					{Name: "m", Type: "pure-token", Token: "m"},
					{Name: "km", Type: "pure-token", Token: "km"},
					{Name: "ft", Type: "pure-token", Token: "ft"},
					{Name: "mi", Type: "pure-token", Token: "mi"},
				}},
				{Name: "withcoord", Type: "pure-token", Token: "WITHCOORD", Optional: true},
				{Name: "withdist", Type: "pure-token", Token: "WITHDIST", Optional: true},
				{Name: "withhash", Type: "pure-token", Token: "WITHHASH", Optional: true},
				{Name: "count-block", Type: "block", Optional: true, Args: []Arg{
					{Name: "count", Type: "integer", Token: "COUNT"},
					{Name: "any", Type: "pure-token", Token: "ANY", Since: "6.2.0", Optional: true},
				}},
				{Name: "order", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "asc", Type: "pure-token", Token: "ASC"},
					{Name: "desc", Type: "pure-token", Token: "DESC"},
				}},
			},
		},
		{
			Name: "georadiusbymember", Arity: -5, Since: "3.2.0", Group: "geo",
			Flags: Write | DenyOOM,
			Class: ManyKeys, Run: runGeoradiusbymember,
			Keys: []KeySpec{
				{Flags: "RO access", Pos: 1, Last: 0, Step: 1},
				{Flags: "OW update", Keyword: "STORE", StartFrom: 5, Last: 0, Step: 1},
				{Flags: "OW update", Keyword: "STOREDIST", StartFrom: 5, Last: 0, Step: 1},
			},
			FindKeys:   georadiusKeys,
			Summary:    "Finds or stores the members within a distance of a member.",
			Complexity: "O(log N + M), N being the number of members and M how many the boxes around the area have",
			Deprecated: "6.2.0", ReplacedBy: "GEOSEARCH and GEOSEARCHSTORE",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "member", Type: "string"},
				{Name: "radius", Type: "double"},
				{Name: "unit", Type: "oneof", Args: []Arg{
					{Name: "m", Type: "pure-token", Token: "m"},
					{Name: "km", Type: "pure-token", Token: "km"},
					{Name: "ft", Type: "pure-token", Token: "ft"},
					{Name: "mi", Type: "pure-token", Token: "mi"},
				}},
				{Name: "withcoord", Type: "pure-token", Token: "WITHCOORD", Optional: true},
				{Name: "withdist", Type: "pure-token", Token: "WITHDIST", Optional: true},
				{Name: "withhash", Type: "pure-token", Token: "WITHHASH", Optional: true},
				{Name: "count-block", Type: "block", Optional: true, Args: []Arg{
					{Name: "count", Type: "integer", Token: "COUNT"},
					{Name: "any", Type: "pure-token", Token: "ANY", Optional: true},
				}},
				{Name: "order", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "asc", Type: "pure-token", Token: "ASC"},
					{Name: "desc", Type: "pure-token", Token: "DESC"},
				}},
				{Name: "store", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "storekey", Type: "key", Key: 2, Display: "key", Token: "STORE"},
					{Name: "storedistkey", Type: "key", Key: 3, Display: "key", Token: "STOREDIST"},
				}},
			},
		},
		{
			Name: "georadiusbymember_ro", Arity: -5, Since: "3.2.10", Group: "geo",
			Flags: ReadOnly,
			Class: OneKey, Run: runGeoradiusbymemberRO,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Finds the members within a distance of a member.",
			Complexity: "O(log N + M), N being the number of members and M how many the boxes around the area have",
			Deprecated: "6.2.0", ReplacedBy: "GEOSEARCH",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "member", Type: "string"},
				{Name: "radius", Type: "double"},
				{Name: "unit", Type: "oneof", Args: []Arg{
					{Name: "m", Type: "pure-token", Token: "m"},
					{Name: "km", Type: "pure-token", Token: "km"},
					{Name: "ft", Type: "pure-token", Token: "ft"},
					{Name: "mi", Type: "pure-token", Token: "mi"},
				}},
				{Name: "withcoord", Type: "pure-token", Token: "WITHCOORD", Optional: true},
				{Name: "withdist", Type: "pure-token", Token: "WITHDIST", Optional: true},
				{Name: "withhash", Type: "pure-token", Token: "WITHHASH", Optional: true},
				{Name: "count-block", Type: "block", Optional: true, Args: []Arg{
					{Name: "count", Type: "integer", Token: "COUNT"},
					{Name: "any", Type: "pure-token", Token: "ANY", Optional: true},
				}},
				{Name: "order", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "asc", Type: "pure-token", Token: "ASC"},
					{Name: "desc", Type: "pure-token", Token: "DESC"},
				}},
			},
		},
		{
			Name: "geosearch", Arity: -7, Since: "6.2.0", Group: "geo",
			Flags: ReadOnly,
			Class: OneKey, Run: runGeosearch,
			Keys:       []KeySpec{{Flags: "RO access", Pos: 1, Last: 0, Step: 1}},
			Summary:    "Finds the members within a circle or a box.",
			Complexity: "O(log N + M), N being the number of members and M how many the boxes around the area have",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "from", Type: "oneof", Args: []Arg{
					{Name: "member", Type: "string", Token: "FROMMEMBER"},
					{Name: "fromlonlat", Type: "block", Token: "FROMLONLAT", Args: []Arg{
						{Name: "longitude", Type: "double"},
						{Name: "latitude", Type: "double"},
					}},
				}},
				{Name: "by", Type: "oneof", Args: []Arg{
					{Name: "circle", Type: "block", Args: []Arg{
						{Name: "radius", Type: "double", Token: "BYRADIUS"},
						{Name: "unit", Type: "oneof", Args: []Arg{
							{Name: "m", Type: "pure-token", Token: "m"},
							{Name: "km", Type: "pure-token", Token: "km"},
							{Name: "ft", Type: "pure-token", Token: "ft"},
							{Name: "mi", Type: "pure-token", Token: "mi"},
						}},
					}},
					{Name: "box", Type: "block", Args: []Arg{
						{Name: "width", Type: "double", Token: "BYBOX"},
						{Name: "height", Type: "double"},
						{Name: "unit", Type: "oneof", Args: []Arg{
							{Name: "m", Type: "pure-token", Token: "m"},
							{Name: "km", Type: "pure-token", Token: "km"},
							{Name: "ft", Type: "pure-token", Token: "ft"},
							{Name: "mi", Type: "pure-token", Token: "mi"},
						}},
					}},
				}},
				{Name: "order", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "asc", Type: "pure-token", Token: "ASC"},
					{Name: "desc", Type: "pure-token", Token: "DESC"},
				}},
				{Name: "count-block", Type: "block", Optional: true, Args: []Arg{
					{Name: "count", Type: "integer", Token: "COUNT"},
					{Name: "any", Type: "pure-token", Token: "ANY", Optional: true},
				}},
				{Name: "withcoord", Type: "pure-token", Token: "WITHCOORD", Optional: true},
				{Name: "withdist", Type: "pure-token", Token: "WITHDIST", Optional: true},
				{Name: "withhash", Type: "pure-token", Token: "WITHHASH", Optional: true},
			},
		},
		{
			Name: "geosearchstore", Arity: -8, Since: "6.2.0", Group: "geo",
			Flags: Write | DenyOOM,
			Class: ManyKeys, Run: runGeosearchstore,
			Keys: []KeySpec{
				{Flags: "OW update", Pos: 1, Last: 0, Step: 1},
				{Flags: "RO access", Pos: 2, Last: 0, Step: 1},
			},
			Summary:    "Stores the members within a circle or a box as a sorted set.",
			Complexity: "O(log N + M), N being the number of members and M how many the boxes around the area have",
			Args: []Arg{
				{Name: "destination", Type: "key", Key: 1},
				{Name: "source", Type: "key", Key: 2},
				{Name: "from", Type: "oneof", Args: []Arg{
					{Name: "member", Type: "string", Token: "FROMMEMBER"},
					{Name: "fromlonlat", Type: "block", Token: "FROMLONLAT", Args: []Arg{
						{Name: "longitude", Type: "double"},
						{Name: "latitude", Type: "double"},
					}},
				}},
				{Name: "by", Type: "oneof", Args: []Arg{
					{Name: "circle", Type: "block", Args: []Arg{
						{Name: "radius", Type: "double", Token: "BYRADIUS"},
						{Name: "unit", Type: "oneof", Args: []Arg{
							{Name: "m", Type: "pure-token", Token: "m"},
							{Name: "km", Type: "pure-token", Token: "km"},
							{Name: "ft", Type: "pure-token", Token: "ft"},
							{Name: "mi", Type: "pure-token", Token: "mi"},
						}},
					}},
					{Name: "box", Type: "block", Args: []Arg{
						{Name: "width", Type: "double", Token: "BYBOX"},
						{Name: "height", Type: "double"},
						{Name: "unit", Type: "oneof", Args: []Arg{
							{Name: "m", Type: "pure-token", Token: "m"},
							{Name: "km", Type: "pure-token", Token: "km"},
							{Name: "ft", Type: "pure-token", Token: "ft"},
							{Name: "mi", Type: "pure-token", Token: "mi"},
						}},
					}},
				}},
				{Name: "order", Type: "oneof", Optional: true, Args: []Arg{
					{Name: "asc", Type: "pure-token", Token: "ASC"},
					{Name: "desc", Type: "pure-token", Token: "DESC"},
				}},
				{Name: "count-block", Type: "block", Optional: true, Args: []Arg{
					{Name: "count", Type: "integer", Token: "COUNT"},
					{Name: "any", Type: "pure-token", Token: "ANY", Optional: true},
				}},
				{Name: "storedist", Type: "pure-token", Token: "STOREDIST", Optional: true},
			},
		},
	}
}
