// Package errs has the errors that commands and the typed API share. The texts are Redis's, code first, so that one
// value serves as a reply and as a Go error.
package errs

// Error is an error whose text is a Redis error reply.
type Error string

func (e Error) Error() string { return string(e) }

const (
	// The request makes no sense.
	Syntax        = Error("ERR syntax error")
	NotInteger    = Error("ERR value is not an integer or out of range")
	NotFloat      = Error("ERR value is not a valid float")
	OutOfRange    = Error("ERR index is out of range")
	DBIndex       = Error("ERR DB index is out of range")
	InvalidDB     = Error("ERR invalid DB index")
	InvalidCursor = Error("ERR invalid cursor")
	SameObject    = Error("ERR source and destination objects are the same")

	// The data forbids it.
	WrongType = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
	NoSuchKey = Error("ERR no such key")
	Overflow  = Error("ERR increment or decrement would overflow")
	NaN       = Error("ERR increment would produce NaN or Infinity")
	ScoreNaN  = Error("ERR resulting score is not a number (NaN)")
	TooLong   = Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	ListIndex = Error("ERR index out of range")
	OffsetLow = Error("ERR offset is out of range")

	// A field of a hash is not what it should be.
	HashNotInteger = Error("ERR hash value is not an integer")
	HashNotFloat   = Error("ERR hash value is not a float")

	// A string is not what it should be.
	NotHLL     = Error("WRONGTYPE Key is not a valid HyperLogLog string value.")
	CorruptHLL = Error("INVALIDOBJ Corrupted HLL object detected")

	// The cache can't.
	OutOfMemory = Error("OOM command not allowed when used memory > 'maxmemory'.")
	Unsaved     = Error("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
		"Commands that may modify the data set are disabled, because this instance is configured to report errors during " +
		"writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details " +
		"about the RDB error.")
)

// Closed says that the cache, or the snapshot, was closed.
const Closed = Error("ERR the cache is closed")
