package darter

import (
	"slices"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/keyspace"
)

// # Work aside
//
// Who goes over much of what some keys hold has them set aside (package keyspace, aside.go) and lets their shards go:
//
//	shards held     the keys are found, and set aside as they are now
//	none            they are read, and what is to be stored is made, in memory of its own
//	shards held     if none of the keys has changed, it becomes the value of its key
//
// So what is stored is what the keys held at the moment at which it is stored, as if all had been done then. If one of them
// has changed the work was in vain, and all is done anew; the last time with the shards held throughout.

// makeTries is how often a key is made anew, the last time included.
const makeTries = 3

// asides are keys of some shards that were set aside.
type asides struct {
	e      *engine
	shards []int             // in order
	parts  []*keyspace.Aside // what was set aside in each; nil where that is nothing yet
}

func (e *engine) newAsides(shards []int) *asides {
	return &asides{e, shards, make([]*keyspace.Aside, len(shards))}
}

// part returns that of a shard, which is held.
func (a *asides) part(n int) (*keyspace.Aside, error) {
	i, _ := slices.BinarySearch(a.shards, n)
	if a.parts[i] == nil {
		p, err := a.e.shards[n].data.Aside()
		if err != nil {
			return nil, err
		}
		a.parts[i] = p
	}
	return a.parts[i], nil
}

// add sets a key aside, and makes its target one of what was set aside.
func (a *asides) add(t *command.Target) error {
	p, err := a.part(a.e.shardOf(t.Key))
	if err == nil {
		t.DB = p.Add(t.DB, t.Hash, t.Key)
	}
	return err
}

// beside does so with a key that is only written to.
func (a *asides) beside(t *command.Target) error {
	p, err := a.part(a.e.shardOf(t.Key))
	if err == nil {
		t.DB = p.Beside(t.DB)
	}
	return err
}

// made says that something was made of them.
func (a *asides) made() bool { return a.any((*keyspace.Aside).Made) }

// changed says that one of the keys is not what it was. The shards are held.
func (a *asides) changed() bool { return a.any((*keyspace.Aside).Changed) }

func (a *asides) any(is func(*keyspace.Aside) bool) bool {
	return slices.ContainsFunc(a.parts, func(p *keyspace.Aside) bool { return p != nil && is(p) })
}

// land stores what was made. The shards are held.
func (a *asides) land() error {
	for _, p := range a.parts {
		if p != nil {
			if err := p.Land(); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle leaves the traces of what was looked up. The shards are held.
func (a *asides) settle() {
	for _, p := range a.parts {
		if p != nil {
			p.Settle()
		}
	}
}

// close frees what only they keep. None of the shards is held.
func (a *asides) close() {
	for i, p := range a.parts {
		if p != nil {
			p.Drop()
			a.e.inSlices(&a.e.shards[a.shards[i]], func(*keyspace.Shard) bool { return p.Close() })
		}
	}
}

// lockAgain takes shards for a caller that holds them and is about to let them go.
func (e *engine) lockAgain(shards []int) {
	for _, n := range shards {
		e.shards[n].lock()
	}
}

// making is how a key is made of others.
type making struct {
	find   func(*asides) error // sets the keys aside, with their shards held
	modest func()              // what comes takes long, and holds no shard; nil to do nothing about it
	run    func()              // makes the key, of what was found
	sign   func(*shard)        // makes the change somebody's doing, in each shard
}

// makeKey makes a key of others aside. The shards of all of them, which no transaction owns, are held before and after, in
// order. The error is that of finding the keys or of storing what was made.
func (e *engine) makeKey(shards []int, m making) error {
	e.pins.Add(1)
	defer e.pins.Done()
	defer e.lockAgain(shards)
	for try := 1; ; try++ {
		done, err := e.tryKey(shards, m, try == makeTries)
		if done || err != nil {
			return err
		}
		e.lockEach(shards, nil, true, false)
	}
}

// tryKey is one try to. The shards are held before, not after.
func (e *engine) tryKey(shards []int, m making, throughout bool) (done bool, err error) {
	a, held := e.newAsides(shards), true
	defer func() {
		if held {
			e.unlockShards(shards)
		}
		a.close()
	}()
	if err := m.find(a); err != nil {
		return false, err
	}
	if throughout {
		defer e.markBusy(shards)()
		apart(m.run)
	} else {
		e.unlockShards(shards)
		held = false
		if m.modest != nil {
			m.modest()
		}
		m.run()
		e.lockEach(shards, nil, true, false)
		if held = true; a.made() && a.changed() {
			return false, nil
		}
	}
	for _, n := range shards {
		m.sign(&e.shards[n])
	}
	a.settle()
	return true, a.land()
}

// makeIn has fn make a key of a shard, which is held before and after, without it.
func (s *Session) makeIn(shard int, db *keyspace.DB, fn func(*keyspace.DB) error) error {
	var failed error
	err := s.makeKey([]int{shard}, making{
		find: func(a *asides) error {
			p, err := a.part(shard)
			if err == nil {
				db = p.Beside(db)
			}
			return err
		},
		run:  func() { failed = fn(db) },
		sign: s.sign,
	})
	if err == nil {
		err = failed
	}
	return err
}

// makeOf has fn make a key, to, of what others hold, whose shards, and that of the key, are held, or they are set aside.
// It may run more than once.
func (c *Cache) makeOf(dst string, keys []string, fn func(to keyspace.Target, from []keyspace.Target) error) (err error) {
	switch {
	case !c.fits(dst, nil):
		return ErrTooLong
	case c.closed.Load():
		return ErrClosed
	}
	all := append([]string{dst}, keys...)
	shards := make([]int, len(all))
	for i, key := range all {
		shards[i] = c.shardOf(bytesOf(key))
	}
	shards, _ = c.lockEach(shards, c.tx, true, false)
	defer func() {
		c.unlockShards(shards)
		if r := recover(); r != nil {
			err = c.caught(r)
		} else if err != nil {
			err = told(err)
		}
	}()
	targets := make([]keyspace.Target, len(all))
	aim := func() error {
		for i, key := range all {
			if targets[i], err = c.target(bytesOf(key), c.db); err != nil {
				return err
			}
		}
		return nil
	}
	if err := aim(); err != nil {
		return err
	}
	if c.full() {
		return ErrOutOfMemory
	}
	n := 0
	for i := range keys {
		t := &targets[1+i]
		n += command.Elements(t.DB.Look(t.Hash, t.Key))
	}
	if n <= command.Heavy || c.tx != nil || !c.noneOwned(shards) {
		return fn(targets[0], targets[1:])
	}
	var failed error
	err = c.makeKey(shards, making{
		find: func(a *asides) error {
			if err := aim(); err != nil {
				return err
			}
			for i := range keys {
				if err := a.add(&targets[1+i]); err != nil {
					return err
				}
			}
			return a.beside(&targets[0])
		},
		run:  func() { failed = fn(targets[0], targets[1:]) },
		sign: func(*shard) {},
	})
	if err == nil {
		err = failed
	}
	return err
}

// apart runs fn on a goroutine of its own, and so not on a thread that yields to others. It passes a panic on.
func apart(fn func()) {
	var panicked any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		fn()
	}()
	if <-done; panicked != nil {
		panic(panicked)
	}
}
