package command

import (
	"errors"
	"time"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/reply"
)

// Call is one command being run. It is reused for the next: a handler keeps nothing of it.
type Call struct {
	Args    [][]byte // the name first; good for the call only
	W       reply.Writer
	Row     *Row
	DB      int  // the selected database
	NoTouch bool // the client asked that its reads leave no note of access
	Env     Env

	// Wait is set by a command that found nothing and would wait: it has not answered then.
	Wait Wait
	// NoWait says to Row.Late that the command may not wait, as between MULTI and EXEC.
	NoWait bool
	// Waited says that the command is run again after it has waited. Of the keys that it waits for it is to look at those
	// that have targets: one of them has changed, and the others hold nothing for it.
	Waited bool

	old    []byte    // where a command puts a value that it replaces
	digits [20]byte  // where it puts those of an integer
	sorter *sorter   // memory of SORT, nil until there is any
	scores []float64 // of ZADD

	// Of a OneKey command, its key's target.
	One Target
	// Of a ManyKeys command, targets by the index of the argument; a zero Target where the argument is no key.
	Targets []Target
}

// skips says that a command which has waited isn't to look at the key in an argument.
func (c *Call) skips(i int) bool { return c.Waited && c.Targets != nil && c.Targets[i].DB == nil }

// Wait says for how long a command would wait for one of its keys.
type Wait struct {
	On      bool
	Timeout time.Duration // 0 for as long as it takes
}

// WaitFor has the command wait.
func (c *Call) WaitFor(timeout time.Duration) { c.Wait = Wait{true, timeout} }

// Env is what commands need of the cache as a whole.
type Env interface {
	// Databases returns how many logical databases there are.
	Databases() int
	// Shards returns how many shards there are, a power of two.
	Shards() int
	// WithShard runs fn with a shard held. fn should return within some tens of microseconds.
	WithShard(shard, db int, fn func(*keyspace.DB))
	// ReadKey runs fn, which reads one key of a shard and may go over all that it holds: if that is much, without the shard.
	ReadKey(shard, db int, key []byte, fn func(*keyspace.DB))
	// ShardOf returns which shard a key belongs to.
	ShardOf(key []byte) int
	// MakeKey runs fn, which does nothing but Give a key of a shard n elements, for a command that holds none. The error is
	// fn's, or that there is no memory.
	MakeKey(shard, db, n int, fn func(*keyspace.DB) error) error
	// In returns the target's key in another logical database of the same shard, which is held already.
	In(t Target, db int) (Target, error)
	// MaxBulk returns the largest string allowed (proto-max-bulk-len).
	MaxBulk() int64
}

// Fail answers with an error. One that isn't meant for users says that there is no memory for what was asked.
func (c *Call) Fail(err error) {
	var e errs.Error
	if !errors.As(err, &e) {
		e = errs.OutOfMemory
	}
	c.W.Error(string(e))
}

// OK answers OK.
func (c *Call) OK() { c.W.Status("OK") }

// Key returns the target of the key in Args[i].
func (c *Call) Key(i int) Target {
	if c.Targets == nil {
		return c.One
	}
	return c.Targets[i]
}
