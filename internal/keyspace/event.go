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
)

var eventNames = [...]string{
	"set", "append", "incrby", "incrbyfloat", "setrange", "del", "expired", "expire", "persist",
	"rename_from", "rename_to", "copy_to", "move_from", "move_to",
}

func (e Event) String() string { return eventNames[e] }
