package darter

import (
	"runtime"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/keyspace"
)

// # Heavy commands
//
// A command that goes over many elements (package command, weigh.go) is not run by an impatient session, which stands for
// an event loop: it fails with ErrBusy, for somebody else to run it, and so does any other that needs the shard meanwhile.
// If it only reads, it holds its shards only to find its keys; then it reads them aside, as they were at that moment, and
// others go on with the shards.

// heavy says that a command whose targets are known is heavy. Its shards are held.
func (s *Session) heavy(row *command.Row, c *command.Call) bool {
	n := 0
	if c.Targets == nil {
		n = command.Elements(c.One.DB.Look(c.One.Hash, c.One.Key))
	} else {
		for _, k := range s.keys {
			t := &c.Targets[k.Index]
			n += command.Elements(t.DB.Look(t.Hash, t.Key))
		}
	}
	return n > command.Heavy && row.Weight(c.Args, n) > command.Heavy
}

// runHeavy runs a heavy command; its shards are held.
func (s *Session) runHeavy(row *command.Row, c *command.Call, shards []int) error {
	if s.maySetAside(row, shards) {
		return s.runAside(row, c, shards)
	}
	for _, n := range shards {
		s.shards[n].busy.Store(true)
	}
	defer func() {
		for _, n := range shards {
			s.shards[n].busy.Store(false)
		}
	}()
	row.Run(c)
	s.noteReads(row, c)
	return nil
}

// maySetAside says that a command can read its keys aside: it changes nothing, and is part of nothing larger.
func (s *Session) maySetAside(row *command.Row, shards []int) bool {
	if !row.Reads() || row.Scatter || s.tx != nil || s.held {
		return false
	}
	for _, n := range shards {
		if s.shards[n].owner != nil {
			return false
		}
	}
	return true
}

// runAside runs a heavy command that only reads, without the shards of its keys, which are held before and after.
func (s *Session) runAside(row *command.Row, c *command.Call, shards []int) error {
	asides := make([]*keyspace.Aside, len(shards))
	add := func(t *command.Target) error {
		n := s.shardOf(t.Key)
		for i, shard := range shards {
			if shard != n {
				continue
			}
			if asides[i] == nil {
				a, err := s.shards[n].data.Aside()
				if err != nil {
					return err
				}
				asides[i] = a
			}
			t.DB = asides[i].Add(t.DB, t.Hash, t.Key, c.NoTouch)
		}
		return nil
	}
	err := func() error {
		if c.Targets == nil {
			return add(&c.One)
		}
		for _, k := range s.keys {
			if err := add(&c.Targets[k.Index]); err != nil {
				return err
			}
		}
		return nil
	}()
	s.noteReads(row, c)
	s.pins.Add(1)
	defer s.pins.Done()
	s.unlockShards(shards)
	// The shards are held again whatever the command does, as the caller expects.
	defer func() {
		for i, n := range shards {
			if asides[i] != nil {
				s.inSlices(&s.shards[n], func(*keyspace.Shard) bool { return asides[i].Close() })
			}
		}
		for _, n := range shards {
			s.shards[n].lock()
		}
	}()
	if err != nil {
		c.Fail(err)
		return nil
	}
	row.Run(c)
	runtime.Gosched()
	return nil
}
