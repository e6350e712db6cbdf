package darter

import (
	"runtime"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/reply"
)

// # Heavy commands
//
// A command that goes over many elements (package command, weigh.go) is not run by an impatient session, which stands for
// an event loop: it fails with ErrBusy, for somebody else to run it, and so does any other that needs the shard meanwhile.
// If it only reads, it holds its shards only to find its keys; then it reads them aside, as they were at that moment, and
// others go on with the shards. If it makes one key of others, it makes that aside, too: see aside.go.

// weight returns how heavy a command is whose targets are known, 0 if it is not. Its shards are held.
func (s *Session) weight(row *command.Row, c *command.Call) int {
	n := 0
	if c.Targets == nil {
		n = command.Elements(c.One.DB.Look(c.One.Hash, c.One.Key))
	} else {
		for _, k := range s.keys {
			t := &c.Targets[k.Index]
			n += command.Elements(t.DB.Look(t.Hash, t.Key))
		}
	}
	if n <= command.Heavy {
		return 0
	}
	if n = row.Weight(c.Args, n); n <= command.Heavy {
		return 0
	}
	return n
}

// runHeavy runs a heavy command; its shards are held.
func (s *Session) runHeavy(row *command.Row, c *command.Call, weight int, shards []int) error {
	if s.tx == nil && !s.held && !row.Scatter && s.noneOwned(shards) {
		answer, ok := c.W.(reply.Rewinder)
		switch {
		case row.Reads():
			return s.runAside(row, c, weight, shards)
		case row.Makes() && ok:
			return s.makeAside(row, c, weight, shards, answer)
		}
	}
	defer s.markBusy(shards)()
	row.Run(c)
	s.noteReads(row, c)
	return nil
}

// markBusy says of shards that they are held for long, until what it returns is called.
func (e *engine) markBusy(shards []int) (done func()) {
	for _, n := range shards {
		e.shards[n].busy.Store(true)
	}
	return func() {
		for _, n := range shards {
			e.shards[n].busy.Store(false)
		}
	}
}

// noneOwned says that no transaction owns any of some shards.
func (e *engine) noneOwned(shards []int) bool {
	for _, n := range shards {
		if e.shards[n].owner != nil {
			return false
		}
	}
	return true
}

// setAside has a command, whose shards are held, find its keys in what is set aside.
func (s *Session) setAside(c *command.Call, a *asides) error {
	if c.Targets == nil {
		return a.add(&c.One)
	}
	for _, k := range s.keys {
		var err error
		if t := &c.Targets[k.Index]; k.Accessed() {
			err = a.add(t)
		} else {
			err = a.beside(t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runAside runs a heavy command that only reads, without the shards of its keys, which are held before and after.
func (s *Session) runAside(row *command.Row, c *command.Call, weight int, shards []int) error {
	a := s.newAsides(shards)
	err := s.setAside(c, a)
	s.noteReads(row, c)
	s.without(shards, a, func() {
		if err != nil {
			c.Fail(err)
			return
		}
		s.beModest(weight)
		row.Run(c)
		runtime.Gosched()
	})
	return nil
}

// beModest gives a long command that holds no shard a thread with a lower share of the processor, if the session may.
func (s *Session) beModest(weight int) {
	if weight > command.Long && s.expendable {
		lowerThread()
	}
}

// without runs fn, which reads what was set aside of some shards, without these, which are held before and after.
func (e *engine) without(shards []int, a *asides, fn func()) {
	e.pins.Add(1)
	defer e.pins.Done()
	e.unlockShards(shards)
	// They are held again whatever fn does, as the caller expects.
	defer func() {
		a.close()
		e.lockAgain(shards)
		a.settle()
	}()
	fn()
}

// makeAside runs a heavy command that makes one key of others, likewise. What it answers is taken back if it has to run
// again.
func (s *Session) makeAside(row *command.Row, c *command.Call, weight int, shards []int, answer reply.Rewinder) error {
	mark := answer.Mark()
	err := s.makeKey(shards, making{
		find: func(a *asides) error {
			if err := s.aim(c); err != nil {
				return err
			}
			return s.setAside(c, a)
		},
		modest: func() { s.beModest(weight) },
		run: func() {
			answer.Rewind(mark)
			row.Run(c)
		},
		sign: s.sign,
	})
	if err != nil {
		answer.Rewind(mark)
		c.Fail(err)
	}
	return nil
}
