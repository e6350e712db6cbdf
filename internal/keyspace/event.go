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
	EventXSetID
	EventXGroupCreate
	EventXGroupCreateConsumer
	EventXGroupDelConsumer
	EventXGroupDestroy
	EventXGroupSetID
	EventXClaim
	EventXAutoClaim
)

var eventNames = [...]string{
	"set", "append", "incrby", "incrbyfloat", "setrange", "del", "expired", "expire", "persist", "rename_from", "rename_to", "copy_to", "move_from", "move_to",
	"setbit", "pfadd", "sortstore",
	"lpush", "rpush", "lpop", "rpop", "linsert", "lset", "ltrim", "lrem",
	"hset", "hincrby", "hincrbyfloat", "hdel", "hexpire", "hpersist", "hexpired",
	"sadd", "srem", "spop", "sinterstore", "sunionstore", "sdiffstore",
	"zadd", "zincr", "zrem", "zremrangebyscore", "zremrangebyrank", "zremrangebylex", "zpopmin", "zpopmax", "zdiffstore", "zinterstore", "zunionstore", "zrangestore",
	"geosearchstore", "georadiusstore",
	"xadd", "xtrim", "xdel", "xsetid", "xgroup-create", "xgroup-createconsumer", "xgroup-delconsumer", "xgroup-destroy", "xgroup-setid", "xclaim", "xautoclaim",
}

func (e Event) String() string { return eventNames[e] }
