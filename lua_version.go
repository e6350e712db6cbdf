package darter

import (
	"errors"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/keyspace"
)

// # Scripts that only read
//
// A script that is known to change nothing (EVAL_RO, EVALSHA_RO, FCALL_RO, the flag no-writes) first runs as any other,
// for as long as an event loop can afford. One that takes longer is begun anew on a version of all shards:
//
//	reads      find what was there at the instant of the version, and take no lock
//	writers    go on; they copy what they change, as under a snapshot
//	time       stands still: what had not expired at the instant doesn't
//
// To make a version is to wait for the transactions under way, once. A command that can't be read from a version, since
// it is no plain read of keys (PUBLISH, PFCOUNT, which keeps what it has counted), has the script run as a transaction. So
// does a client that is told when what it has read changes: it would not be told of what changes meanwhile.
type scriptVersion struct {
	state   *snapshotState
	shadows []*keyspace.Shadow // by shard, made when they are first read

	observed observations // to be told of at the end
}

// errNotFrozen says that a command can't be run on a version.
var errNotFrozen = errors.New("darter: the command is not to be run on a version")

// onVersion runs a script on a version of all shards.
func (s *Session) onVersion(once func(*transaction) (keep bool, err error)) error {
	state, err := s.freeze()
	if err != nil {
		return err
	}
	defer state.close()
	if !state.use() { // the cache is being closed, and waits for users of versions
		return ErrClosed
	}
	defer state.done()
	v := &scriptVersion{state: state, shadows: make([]*keyspace.Shadow, len(s.shards))}
	inner := s.scriptSession(nil, s.call.DB)
	inner.version = v
	defer func() {
		inner.version = nil
		v.free()
	}()
	if _, err = once(nil); err == nil {
		v.observed.tell()
	}
	return told(err)
}

// shard returns a shard as it was.
func (v *scriptVersion) shard(n int) *keyspace.Shadow {
	if v.shadows[n] == nil {
		v.shadows[n] = v.state.e.shards[n].data.Shadow(v.state.frozen[n])
	}
	return v.shadows[n]
}

// free gives back what reading took. The version itself is left.
func (v *scriptVersion) free() {
	for _, shadow := range v.shadows {
		if shadow != nil {
			shadow.Free()
		}
	}
}

// target returns a key with its part of the version.
func (v *scriptVersion) target(key []byte, db int) (command.Target, error) {
	e := v.state.e
	d, err := v.shard(e.shardOf(key)).Open(db)
	return command.Target{DB: d, Hash: e.hash(key), Key: key}, err
}

// runOnVersion runs a command on the version.
func (s *Session) runOnVersion(row *command.Row, c *command.Call) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = s.caught(r)
		}
	}()
	switch {
	case row.Class == command.Free:
		return s.runFree(row, c)
	case row.Class == command.Bound || !row.Reads():
		return errNotFrozen
	}
	c.Targets = nil
	switch row.Class {
	case command.OneKey:
		c.One, err = s.version.target(c.Args[row.Keys[0].Pos], c.DB)
	case command.ManyKeys:
		s.keys, _ = command.KeysOf(row, c.Args, s.keys[:0])
		s.targets = make([]command.Target, len(c.Args))
		for _, k := range s.keys {
			if s.targets[k.Index], err = s.version.target(c.Args[k.Index], c.DB); err != nil {
				break
			}
		}
		c.Targets = s.targets
	}
	if err != nil {
		c.Fail(err)
		return nil
	}
	row.Run(c)
	if c.Wait.On {
		c.Wait, c.NoWait = command.Wait{}, true
		row.Late(c)
		c.NoWait = false
	}
	return nil
}
