// Package command has one row for every command: its name, arity, flags, keys and handler. Dispatch, COMMAND, and
// whatever else must know a command read the same rows.
//
// A handler parses its arguments, calls the data (package keyspace) and answers through a reply.Writer. It knows neither
// sockets nor locks: whoever runs it holds the shards of the keys that its row names. Rows of commands about a
// connection or the whole cache have no handler here: the root package and package resp bind them by name.
//
// The table is built by init from one function per group; a literal would be an initialization cycle, since COMMAND,
// which has a row, reads it.
package command

import "github.com/darterdb/darter/internal/keyspace"

// Class says what must be held while a command runs.
type Class uint8

const (
	// Free commands touch no data.
	Free Class = iota
	// OneKey commands run with the shard of their one key held.
	OneKey
	// ManyKeys commands run with the shards of all their keys held.
	ManyKeys
	// Walk commands go over shards one at a time, a slice at a time, through Env.
	Walk
	// Bound commands are run by the root package or by package resp.
	Bound
)

// Flags are the command flags of COMMAND INFO.
type Flags uint32

const (
	Write Flags = 1 << iota
	ReadOnly
	DenyOOM
	Admin
	PubSub
	NoScript
	Blocking
	Loading
	Stale
	NoMulti
	SkipMonitor
	SkipSlowlog
	Asking
	Fast
	NoAuth
	MayReplicate
	NoAsyncLoading
	AllowBusy
	MovableKeys
	Sentinel
	NoMandatoryKeys
	Protected
)

// Row is what is known of a command. Rows never change after init.
type Row struct {
	Name       string // lower case; of a subcommand only its own name
	Arity      int    // arguments with the name; negative: at least so many
	Flags      Flags
	Keys       []KeySpec
	Class      Class
	Run        func(*Call) // nil where Class is Bound, and in rows that only have subcommands
	Slow       bool        // may take long or walk much: not to be run where others wait
	Group      string
	Since      string
	Summary    string // our own words
	Complexity string
	Categories []string // ACL categories that do not follow from flags and group, without the @
	Tips       []string
	Args       []Arg
	Sub        []*Row // subcommands

	// FindKeys, where it is set, finds the keys of a call in place of Keys, which can't say it all. It appends to dst,
	// and does what KeysOf promises.
	FindKeys func(args [][]byte, dst []KeyAt) ([]KeyAt, error)

	// Scatter says that the command looks at keys which its arguments do not name, in other shards, through Env.
	Scatter bool

	// Late answers for a command that waited and whose time is over.
	Late func(*Call)
	// Destination is which of the keys of a command that waits is not waited for but written to: the argument; 0 for none.
	Destination int

	Deprecated string // the version of Redis since which it shouldn't be used, empty if it should
	ReplacedBy string // what to use in place of a deprecated command
	SysCmd     bool   // not meant for applications

	parent  *Row
	index   int
	reads   bool
	control bool
	weighed bool
	makes   bool
	brief   bool
	weigh   func(args [][]byte, n int) int
}

// WaitsFor says whether a command that waits does so for this key of a call.
func (r *Row) WaitsFor(k KeyAt) bool { return r.Destination == 0 || k.Index != r.Destination }

// ControlsMulti says that the command is run at once between MULTI and EXEC, not queued.
func (r *Row) ControlsMulti() bool { return r.control }

// Brief says that a call takes no longer than its arguments and its reply are long: it goes over nothing else.
func (r *Row) Brief() bool { return r.brief }

// Reads says that the command changes nothing: neither keys nor what is kept with them.
func (r *Row) Reads() bool { return r.reads }

// Index is the row's place among all rows, subcommands included, from 0 to Count()-1.
func (r *Row) Index() int { return r.index }

// Parent returns the row of a subcommand's command, nil for others.
func (r *Row) Parent() *Row { return r.parent }

// FullName returns the name, of a subcommand "command|name".
func (r *Row) FullName() string {
	if r.parent != nil {
		return r.parent.Name + "|" + r.Name
	}
	return r.Name
}

// Target is a key with the part of the keyspace that it belongs to, whose shard is held.
type Target = keyspace.Target
