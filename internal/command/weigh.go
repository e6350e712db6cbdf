package command

import (
	"math"

	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
)

// # Heavy commands
//
// The work of some commands grows with what their keys hold. Before one of them runs it is weighed: how many elements it
// will go over, roughly, given how many there are. One that is heavy is kept off the event loops, and if it only reads, or
// makes one key of others, it lets the shards of its keys go and reads them aside (package keyspace, aside.go).
const (
	// Heavy is from how many elements on a command is.
	Heavy = 4096
	// Long is from how many elements on a heavy command is worth a thread of its own.
	Long = 16 * Heavy
	// bytesPerElement is how much of a string counts for one.
	bytesPerElement = 64
)

// weighs has the commands that are weighed, with what tells their weight from the elements of all their keys; nil stands
// for that number itself.
var weighs = map[string]func(args [][]byte, n int) int{
	"lrange": byRank, "lpos": nil, "lrem": nil, "linsert": nil, "ltrim": nil,
	"hgetall": nil, "hkeys": nil, "hvals": nil, "hrandfield": byCount,
	"smembers": nil, "sunion": nil, "sinter": nil, "sdiff": nil, "sintercard": nil,
	"sunionstore": nil, "sinterstore": nil, "sdiffstore": nil, "srandmember": byCount, "spop": byCount,
	"zrange": byRange, "zrevrange": byRank, "zrangebyscore": byRange, "zrevrangebyscore": byRange,
	"zrangebylex": byRange, "zrevrangebylex": byRange, "zrangestore": nil, "zrandmember": byCount,
	"zunion": nil, "zinter": nil, "zdiff": nil, "zintercard": nil,
	"zunionstore": nil, "zinterstore": nil, "zdiffstore": nil,
	"xrange": byLimit, "xrevrange": byLimit,
	"bitcount": nil, "bitop": nil, "bitpos": nil, "pfcount": nil, "pfmerge": nil,
	"sort": nil, "sort_ro": nil, "copy": nil, "geosearch": nil, "geosearchstore": nil, "georadius": nil,
	"georadius_ro": nil, "georadiusbymember": nil, "georadiusbymember_ro": nil, "lcs": nil,
}

// weighRows notes in the rows which are weighed, and which are brief. Those that don't exist are passed over.
func weighRows() {
	for name, fn := range weighs {
		if r := byName[name]; r != nil {
			r.weighed, r.weigh = true, fn
		}
	}
	for _, name := range makers {
		byName[name].makes = true
	}
	for _, r := range rows {
		little := r.Class == OneKey || r.Class == Free && r.Flags&Fast != 0
		r.brief = little && !r.weighed && !r.Slow && r.Flags&Blocking == 0
	}
}

// makers has the commands that do nothing but make one key of what others hold, through keyspace's Give: those that are
// heavy are run aside.
var makers = []string{
	"sunionstore", "sinterstore", "sdiffstore", "zunionstore", "zinterstore", "zdiffstore", "zrangestore",
	"geosearchstore", "georadius", "georadiusbymember",
}

// Weighed says that the row's calls are to be weighed.
func (r *Row) Weighed() bool { return r.weighed }

// Makes says that all that the command changes is one key, which it makes of what others hold: the whole work can be done
// without their shards, but for that key at the end.
func (r *Row) Makes() bool { return r.makes }

// Weight returns about how many elements a call will go over, given the elements of all its keys.
func (r *Row) Weight(args [][]byte, n int) int {
	if r.weigh == nil || n <= Heavy {
		return n
	}
	return r.weigh(args, n)
}

// Elements returns how many elements a key holds, for its weight.
func Elements(it keyspace.Item) int {
	switch {
	case !it.Found():
		return 0
	case it.Kind() == keyspace.String:
		return len(it.Value()) / bytesPerElement
	}
	return it.Kind().Count(it.View(), it.Value())
}

// byRank weighs a range given by first and last position.
func byRank(args [][]byte, n int) int {
	first, ok := num.ParseInt(args[2])
	last, ok2 := num.ParseInt(args[3])
	if !ok || !ok2 {
		return 0
	}
	return span(first, last, n)
}

func span(first, last int64, n int) int {
	size := int64(n)
	if first < 0 {
		first = max(first+size, 0)
	}
	if last < 0 {
		last += size
	}
	return int(max(min(last, size-1)-first+1, 0))
}

// byCount weighs a command by the count in its third argument.
func byCount(args [][]byte, n int) int {
	if len(args) < 3 {
		return 1
	}
	c, ok := num.ParseInt(args[2])
	if !ok {
		return 0
	}
	if c < 0 {
		return int(min(-max(c, -math.MaxInt32), math.MaxInt32))
	}
	return int(min(c, int64(n)))
}

// byLimit weighs a range by its COUNT or LIMIT.
func byLimit(args [][]byte, n int) int {
	for i := 4; i < len(args); i++ {
		at := 0
		switch {
		case isWord(args[i], "count"):
			at = i + 1
		case isWord(args[i], "limit"):
			at = i + 2
		}
		if at > 0 && at < len(args) {
			if c, ok := num.ParseInt(args[at]); ok && c >= 0 {
				return int(min(c, int64(n)))
			}
		}
	}
	return n
}

// byRange weighs ranges of sorted sets, by rank or with a LIMIT.
func byRange(args [][]byte, n int) int {
	for _, a := range args[4:] {
		if isWord(a, "byscore") || isWord(a, "bylex") || isWord(a, "limit") {
			return byLimit(args, n)
		}
	}
	if isWord(args[0], "zrange") {
		return byRank(args, n)
	}
	return byLimit(args, n)
}
