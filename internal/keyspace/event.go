package keyspace

// Event says what happened to a key, in the words of keyspace notifications.
type Event uint8

const (
	EventSet Event = iota
	EventAppend
	EventIncrBy
	EventIncrByFloat
	EventSetRange
	EventDel
	EventExpired
	EventExpire
	EventPersist
	EventRenameFrom
	EventRenameTo
	EventCopyTo
	EventMoveFrom
	EventMoveTo
	EventSetBit
	EventPFAdd
	EventSortStore
	EventLPush
	EventRPush
	EventLPop
	EventRPop
	EventLInsert
	EventLSet
	EventLTrim
	EventLRem
	EventHSet
	EventHIncrBy
	EventHIncrByFloat
	EventHDel
	EventHExpire
	EventHPersist
	EventHExpired
	EventSAdd
	EventSRem
	EventSPop
	EventSInterStore
	EventSUnionStore
	EventSDiffStore
	EventZAdd
	EventZIncr
	EventZRem
	EventZRemRangeByScore
	EventZRemRangeByRank
	EventZRemRangeByLex
	EventZPopMin
	EventZPopMax
	EventZDiffStore
	EventZInterStore
	EventZUnionStore
	EventZRangeStore
	EventGeoSearchStore
	EventGeoRadiusStore
	EventXAdd
	EventXTrim
	EventXDel
	EventXGroupMake // of a stream that was made for the group
	EventXSetID
	EventXGroupCreate
	EventXGroupCreateConsumer
	EventXGroupDelConsumer
	EventXGroupDestroy
	EventXGroupSetID
	EventXClaim
	EventXAutoClaim
	EventNew
	EventKeyMiss
)

// SparesWatch says that the event leaves those alone who watch the key: it is about who reads a stream, not what is in it.
func (e Event) SparesWatch() bool { return EventXSetID <= e && e <= EventXAutoClaim }

// Class is the class of an event, by its letter in the directive notify-keyspace-events.
type Class byte

const (
	ClassGeneric Class = 'g'
	ClassString  Class = '$'
	ClassList    Class = 'l'
	ClassSet     Class = 's'
	ClassHash    Class = 'h'
	ClassZSet    Class = 'z'
	ClassExpired Class = 'x'
	ClassStream  Class = 't'
	ClassMiss    Class = 'm'
	ClassNew     Class = 'n'
)

// Class returns an event's class.
func (e Event) Class() Class {
	switch e {
	case EventSet, EventAppend, EventIncrBy, EventIncrByFloat, EventSetRange, EventSetBit, EventPFAdd:
		return ClassString
	case EventDel, EventExpire, EventPersist, EventRenameFrom, EventRenameTo, EventCopyTo, EventMoveFrom, EventMoveTo:
		return ClassGeneric
	case EventExpired:
		return ClassExpired
	case EventSortStore, EventLPush, EventRPush, EventLPop, EventRPop, EventLInsert, EventLSet, EventLTrim, EventLRem:
		return ClassList
	case EventNew:
		return ClassNew
	case EventKeyMiss:
		return ClassMiss
	}
	switch name := e.String(); name[0] {
	case 'h':
		return ClassHash
	case 'x':
		return ClassStream
	case 'z', 'g':
		return ClassZSet
	}
	return ClassSet
}

var eventNames = [...]string{
	"set", "append", "incrby", "incrbyfloat", "setrange", "del", "expired", "expire", "persist", "rename_from", "rename_to", "copy_to", "move_from", "move_to",
	"setbit", "pfadd", "sortstore",
	"lpush", "rpush", "lpop", "rpop", "linsert", "lset", "ltrim", "lrem",
	"hset", "hincrby", "hincrbyfloat", "hdel", "hexpire", "hpersist", "hexpired",
	"sadd", "srem", "spop", "sinterstore", "sunionstore", "sdiffstore",
	"zadd", "zincr", "zrem", "zremrangebyscore", "zremrangebyrank", "zremrangebylex", "zpopmin", "zpopmax", "zdiffstore", "zinterstore", "zunionstore", "zrangestore",
	"geosearchstore", "georadiusstore",
	"xadd", "xtrim", "xdel", "xgroup-create", "xsetid", "xgroup-create", "xgroup-createconsumer", "xgroup-delconsumer", "xgroup-destroy", "xgroup-setid", "xclaim", "xautoclaim",
	"new", "keymiss",
}

func (e Event) String() string { return eventNames[e] }
