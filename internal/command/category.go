// The names under which COMMAND shows a row's flags and ACL categories. Categories mostly follow from flags and group,
// so that rows state only what doesn't.

package command

// flagNames has the flags that COMMAND shows, in its order. The rest are for inside use.
var flagNames = []struct {
	flag Flags
	name string
}{
	{Write, "write"},
	{ReadOnly, "readonly"},
	{DenyOOM, "denyoom"},
	{Admin, "admin"},
	{PubSub, "pubsub"},
	{NoScript, "noscript"},
	{Blocking, "blocking"},
	{Loading, "loading"},
	{Stale, "stale"},
	{SkipMonitor, "skip_monitor"},
	{SkipSlowlog, "skip_slowlog"},
	{Asking, "asking"},
	{Fast, "fast"},
	{NoAuth, "no_auth"},
	{NoMandatoryKeys, "no_mandatory_keys"},
	{NoAsyncLoading, "no_async_loading"},
	{NoMulti, "no_multi"},
	{MovableKeys, "movablekeys"},
	{AllowBusy, "allow_busy"},
}

// categoryNames has the ACL categories in COMMAND's order. A set of them has bit i for the i-th.
var categoryNames = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
	"pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}

// groupCategories has the groups whose commands belong to a category.
var groupCategories = map[string]string{
	"string": "string", "generic": "keyspace", "list": "list", "set": "set", "sorted-set": "sortedset", "hash": "hash",
	"transactions": "transaction", "connection": "connection", "scripting": "scripting",
	"hyperloglog": "hyperloglog", "geo": "geo", "stream": "stream", "bitmap": "bitmap",
}

// categoryBit returns the set of one category, 0 if there is none of that name. Case doesn't matter.
func categoryBit(name []byte) uint32 {
	for i, known := range categoryNames {
		if sameName(known, name) {
			return 1 << i
		}
	}
	return 0
}

// categorySet returns all ACL categories of the command.
func (r *Row) categorySet() uint32 {
	var set uint32
	add := func(names ...string) {
		for _, name := range names {
			set |= categoryBit([]byte(name))
		}
	}
	add(r.Categories...)
	// A command that only has subcommands does nothing of its group's, and SORT, which is generic, is of the types it sorts.
	if (r.Run != nil || r.Class == Bound) && set&categoryBit([]byte("list")) == 0 {
		add(groupCategories[r.Group])
	}
	if r.Flags&Write != 0 {
		add("write")
	}
	if r.Flags&ReadOnly != 0 && set&categoryBit([]byte("scripting")) == 0 {
		add("read")
	}
	if r.Flags&Admin != 0 {
		add("admin", "dangerous")
	}
	if r.Flags&PubSub != 0 {
		add("pubsub")
	}
	if r.Flags&Blocking != 0 {
		add("blocking")
	}
	if r.Flags&Fast != 0 {
		add("fast")
	} else {
		add("slow")
	}
	return set
}

// shownFlags returns the names of the command's flags.
func (r *Row) shownFlags() []string {
	flags := r.Flags
	if _, _, _, movable := r.legacyRange(); movable {
		flags |= MovableKeys
	}
	var names []string
	for _, f := range flagNames {
		if flags&f.flag != 0 {
			names = append(names, f.name)
		}
	}
	return names
}

// shownCategories returns the names of the command's ACL categories, each with its @.
func (r *Row) shownCategories() []string {
	set := r.categorySet()
	var names []string
	for i, name := range categoryNames {
		if set&(1<<i) != 0 {
			names = append(names, "@"+name)
		}
	}
	return names
}
