package errs

// Errors of streams.
const (
	StreamID       = Error("ERR Invalid stream ID specified as stream command argument")
	StreamIDZero   = Error("ERR The ID specified in XADD must be greater than 0-0")
	StreamIDLow    = Error("ERR The ID specified in XADD is equal or smaller than the target stream top item")
	StreamFull     = Error("ERR The stream has exhausted the last possible ID, unable to add more items")
	StreamTooLarge = Error("ERR Elements are too large to be stored")

	// What XSETID refuses.
	StreamBelowTop     = Error("ERR The ID specified in XSETID is smaller than the target stream top item")
	StreamBelowDeleted = Error("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
	StreamAddedLow     = Error("ERR The entries_added specified in XSETID is smaller than the target stream length")

	// Commands say NoGroup in words of their own, with the names.
	NoGroup     = Error("NOGROUP No such consumer group")
	GroupExists = Error("BUSYGROUP Consumer Group name already exists")
)
