package darter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/reply"
)

type (
	// Map is a map in a reply: its pairs in the order of the reply.
	Map = reply.Map
	// Pair is one of them.
	Pair = reply.Pair
	// ReplyError is an error reply, code first.
	ReplyError = reply.Error
)

// Session is one user's conversation with the cache: the database it has selected and how its reads count. A server
// has one for each connection. A session is used by one goroutine at a time.
type Session struct {
	*engine
	call  command.Call
	keys  []command.KeyAt
	local bool // the user sits on this machine
	set   shardSet
	count int64
	by    author // of what it changes

	targets []command.Target
	values  reply.Values

	tx *transaction // nil outside of one
	// impatient says that a command which would have to wait for a transaction is not run: Run fails with ErrBusy.
	impatient bool
	// expendable says that the goroutine which runs its commands ends with the one that it runs, and its thread may.
	expendable bool
	held       bool           // EXEC holds the shards of all keys
	version    *scriptVersion // what is read in place of the shards
	heldIn     int            // the shard of the key of the command that it runs, if that is on one key

	ctx    context.Context
	multi  multiState
	watch  watchState
	waiter atomic.Pointer[waiter] // the command that waits, nil without one
	napped bool                   // the command that was just run is to wait
	busy   bool                   // it was not run, since it would have to wait or take long
	ended  error                  // it was not run to its end, since the context ended
	gone   atomic.Bool            // the user has left
	killed atomic.Bool            // somebody has ended what the user does
	script scriptState            // of scripts that it has run

	observer Observer      // nil if nobody wants to be told
	waited   time.Duration // in commands that waited; see Waited
	inVain   bool          // the last of these
}

// NewSession returns a session on the cache's logical database. Close it when done.
func (c *Cache) NewSession() *Session {
	s := &Session{engine: c.engine, local: true, tx: c.tx, ctx: context.Background()}
	s.call.Env = env{s}
	s.call.DB = c.db
	return s
}

// Close ends the session, its watches and what it has queued.
func (s *Session) Close() {
	s.discard()
	s.endTracking()
	if s.script.inner != nil {
		s.count += s.script.inner.count
		s.script.close(s.scripts)
	}
	s.commands.Add(s.count)
	s.count = 0
}

// DB returns the number of the selected logical database.
func (s *Session) DB() int { return s.call.DB }

// SetDB selects a logical database, 0 to Options.Databases-1.
func (s *Session) SetDB(n int) error {
	if n < 0 || n >= s.databases {
		return errs.DBIndex
	}
	s.call.DB = n
	return nil
}

// SetLocal says whether the user sits on this machine, which is at first taken to be so: configuration that decides
// which files are written may be changed only from there, if the directive enable-protected-configs says local.
func (s *Session) SetLocal(on bool) { s.local = on }

// SetNoTouch chooses whether reads by this session leave the keys' time of last use alone.
func (s *Session) SetNoTouch(on bool) { s.call.NoTouch = on }

// SetImpatient chooses whether a command that would have to wait for a transaction's end is not run: Run then fails with
// ErrBusy, and the command may be run again by somebody who can wait.
func (s *Session) SetImpatient(on bool) { s.impatient = on }

// SetExpendable says whether the goroutine that runs the next command ends with it. If that is a long script, the
// goroutine is then tied to a thread, which gets a lower share of the processor, so that short commands need not wait for
// the end of its time slices.
func (s *Session) SetExpendable(on bool) { s.expendable = on }

// Do runs a command by name and returns its reply as a Go value:
//
//	bulk string                    []byte
//	status, verbatim string        string
//	integer, double, boolean       int64, float64, bool
//	big number                     *big.Int
//	array, set                     []any
//	map                            Map
//	no value                       nil
//
// An error reply is returned as the error, a ReplyError; one inside an array is an element of that type. Arguments are strings,
// byte slices, integers, floats and booleans. Commands about a connection (HELLO, CLIENT, ...) belong to a server and
// fail. ctx bounds the wait of commands that wait, and scripts, which are undone when it ends.
func (s *Session) Do(ctx context.Context, args ...any) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	words, err := words(args)
	if err != nil {
		return nil, err
	}
	row, err := command.Resolve(words)
	if err != nil {
		s.Refuse()
		return nil, ReplyError(err.Error())
	}
	s.values.Reset()
	s.ctx = ctx
	defer func() { s.ctx = context.Background() }()
	err = s.Run(row, words, &s.values)
	s.Broadcast()
	if full := s.Jam(); full != nil {
		full.Pass(ctx.Done())
	}
	if err != nil {
		return nil, err
	}
	return s.values.Value()
}

// Do runs a command by name; see Session.Do.
func (c *Cache) Do(ctx context.Context, args ...any) (any, error) {
	s := c.NewSession()
	defer s.Close()
	return s.Do(ctx, args...)
}

// words brings arguments into the form of the protocol.
func words(args []any) ([][]byte, error) {
	if len(args) == 0 {
		return nil, errors.New("darter: no command")
	}
	w := make([][]byte, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			w[i] = []byte(a)
		case []byte:
			w[i] = a
		case bool:
			w[i] = []byte{'0'}
			if a {
				w[i][0] = '1'
			}
		case float64:
			w[i] = strconv.AppendFloat(nil, a, 'g', -1, 64)
		case float32:
			w[i] = strconv.AppendFloat(nil, float64(a), 'g', -1, 32)
		case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
			w[i] = fmt.Append(nil, a)
		default:
			return nil, fmt.Errorf("darter: argument %d has type %T, which is not a string, number or boolean", i, a)
		}
	}
	return w, nil
}

// Run runs the command of a row and lets it answer to w. Between MULTI and EXEC it keeps a copy for EXEC instead. It is
// what Do and package resp stand on. An error means that the command was not run (ErrBusy), that its context or the cache
// has ended, or that it failed by a defect: what it may have written to w is to be thrown away, and the error is the
// answer.
func (s *Session) Run(row *command.Row, args [][]byte, w reply.Writer) error {
	s.count++
	if s.multi.on && !row.ControlsMulti() {
		return s.enqueue(row, args, w, nil)
	}
	c := &s.call
	c.Args, c.W, c.Row = args, w, row
	err := s.run(row, c)
	if s.napped {
		s.napped = false
		err = s.sleep(c)
		c.Wait = command.Wait{}
	}
	// An idle session should keep nobody's buffers alive.
	c.Args, c.W, c.One = nil, nil, command.Target{}
	if s.by.tracker != nil && s.tx == nil {
		s.limitTracked()
	}
	return err
}

func (s *Session) run(row *command.Row, c *command.Call) error {
	if row.Flags&command.DenyOOM != 0 && s.full() || s.persistence.broken.Load() {
		if err := s.refusal(row); err != nil {
			c.Fail(err)
			return nil
		}
	}
	if s.version != nil {
		return s.runOnVersion(row, c)
	}
	switch row.Class {
	case command.OneKey:
		return s.runOneKey(row, c)
	case command.ManyKeys:
		return s.runManyKeys(row, c)
	}
	return s.runFree(row, c)
}

// refusal returns why a command may not run now, if so: there is no memory for what it adds, or writes are to stop
// because saves fail. PING is refused then too, so that whoever watches over servers notices. What has begun as a
// transaction goes on as if saves went well.
func (s *Session) refusal(row *command.Row) error {
	switch {
	case row.Flags&command.DenyOOM != 0 && s.full():
		return errs.OutOfMemory
	case s.tx != nil || s.held:
	case (row.Flags&command.Write != 0 || row.Name == "ping") && s.unsaved():
		return errs.Unsaved
	}
	return nil
}

// runOneKey runs a command with the shard of its key held. It allocates nothing.
func (s *Session) runOneKey(row *command.Row, c *command.Call) (err error) {
	if s.held {
		return s.runHeld(row, c)
	}
	key := c.Args[row.Keys[0].Pos]
	n := s.shardOf(key)
	sh := &s.shards[n]
	if s.impatient && sh.busy.Load() {
		return ErrBusy
	}
	sh.lock()
	if sh.owner != nil || s.tx != nil {
		if err := s.enter(sh, row); err != nil {
			sh.unlock()
			return err
		}
	}
	defer s.contained(sh, &err)
	s.sign(sh)
	if c.One, err = s.targetIn(n, key, c.DB); err != nil {
		c.Fail(err)
		return nil
	}
	c.Targets = nil
	if row.Weighed() {
		if weight := s.weight(row, c); weight != 0 {
			if s.impatient {
				return ErrBusy
			}
			s.set.numbers = append(s.set.numbers[:0], n)
			return s.runHeavy(row, c, weight, s.set.numbers)
		}
	}
	row.Run(c)
	s.noteReads(row, c)
	return nil
}

// runManyKeys runs a command with the shards of all its keys held.
func (s *Session) runManyKeys(row *command.Row, c *command.Call) (err error) {
	// Where the keys can't be told the command is malformed: its handler finds that before it asks for a key.
	s.keys, _ = command.KeysOf(row, c.Args, s.keys[:0])
	if cap(s.targets) < len(c.Args) {
		s.targets = make([]command.Target, len(c.Args))
	}
	s.targets = s.targets[:len(c.Args)]
	if s.held {
		return s.runHeld(row, c)
	}
	s.set.reset()
	for _, k := range s.keys {
		s.set.add(s.shardOf(c.Args[k.Index]))
	}
	var ok bool
	if s.set.numbers, ok = s.lockEach(s.set.numbers, s.tx, !row.Reads(), s.impatient); !ok {
		return ErrBusy
	}
	defer func() {
		if !s.napped { // else they are whoever's who serves it
			clear(s.targets)
		}
		s.unlockShards(s.set.numbers)
		if r := recover(); r != nil {
			err = s.caught(r)
		}
	}()
	for _, n := range s.set.numbers {
		s.sign(&s.shards[n])
	}
	if err := s.aim(c); err != nil {
		c.Fail(err)
		return nil
	}
	if row.Weighed() {
		if weight := s.weight(row, c); weight != 0 {
			if s.impatient {
				return ErrBusy
			}
			return s.runHeavy(row, c, weight, s.set.numbers)
		}
	}
	row.Run(c)
	s.noteReads(row, c)
	if c.Wait.On {
		return s.wait(row, c)
	}
	return nil
}

// aim finds the targets of all keys of a command, whose shards are held.
func (s *Session) aim(c *command.Call) (err error) {
	for _, k := range s.keys {
		if s.targets[k.Index], err = s.target(c.Args[k.Index], c.DB); err != nil {
			return err
		}
	}
	c.Targets = s.targets
	return nil
}

// wait has a command wait that found nothing, if it may. The shards of its keys are held.
func (s *Session) wait(row *command.Row, c *command.Call) error {
	switch {
	case s.tx != nil || s.held:
		c.Wait, c.NoWait = command.Wait{}, true
		row.Late(c)
		c.NoWait = false
	case s.impatient:
		c.Wait = command.Wait{}
		return ErrBusy
	default:
		s.startWait(c)
		s.napped = true
	}
	return nil
}

// runHeld runs a command on keys whose shards are held.
func (s *Session) runHeld(row *command.Row, c *command.Call) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = s.caught(r)
		}
	}()
	if row.Class == command.OneKey {
		if c.One, err = s.targetIn(s.heldIn, c.Args[row.Keys[0].Pos], c.DB); err != nil {
			c.Fail(err)
			return nil
		}
		c.Targets = nil
	} else if err := s.aim(c); err != nil {
		c.Fail(err)
		return nil
	}
	row.Run(c)
	s.noteReads(row, c)
	if c.Wait.On {
		return s.wait(row, c)
	}
	return nil
}

// runFree runs a command that takes what it needs itself.
func (s *Session) runFree(row *command.Row, c *command.Call) (err error) {
	defer func() {
		r := recover()
		if stop, ok := r.(stopped); ok && s.tx == nil {
			err = stop.err
		} else if r != nil {
			err = s.caught(r)
		}
	}()
	c.Targets = nil
	if row.Class != command.Bound {
		s.noteWalk(row, c)
		row.Run(c)
		return nil
	}
	run := boundTo(row)
	if run == nil {
		c.W.Error("ERR this command belongs to a connection")
		return nil
	}
	run(s, c)
	if s.busy {
		s.busy = false
		return ErrBusy
	}
	err, s.ended = s.ended, nil
	return err
}

// env is what handlers see of the engine.
type env struct{ *Session }

func (e env) Databases() int { return e.databases }
func (e env) Shards() int    { return len(e.shards) }
func (e env) MaxBulk() int64 { return e.maxValue.Load() }

func (e env) WithShard(shard, db int, fn func(*keyspace.DB)) {
	if e.version != nil {
		if d, err := e.version.shard(shard).Open(db); err == nil {
			fn(d)
		}
		return
	}
	s := &e.shards[shard]
	func() {
		e.lockWalk(s)
		defer s.unlock()
		if d, err := s.db(db); err == nil {
			fn(d)
		}
	}()
	s.giveWay() // a walk takes many slices: let others have the processor between them
}

func (e env) ReadKey(shard, db int, key []byte, fn func(*keyspace.DB)) {
	n, much := 0, false
	e.WithShard(shard, db, func(d *keyspace.DB) {
		t := d.Target(key)
		n = command.Elements(d.Look(t.Hash, t.Key))
		much = n > command.Heavy
		if !much || e.version != nil { // the shard is not held for a version
			fn(d)
			return
		}
		numbers := []int{shard}
		if e.tx == nil && e.noneOwned(numbers) {
			a := e.newAsides(numbers)
			one := command.Target{DB: d, Hash: t.Hash, Key: t.Key}
			if a.add(&one) == nil {
				e.without(numbers, a, func() {
					e.beModest(n)
					fn(one.DB)
				})
				return
			}
		}
		defer e.markBusy(numbers)()
		fn(d)
	})
}

func (e env) ShardOf(key []byte) int { return e.shardOf(key) }

func (e env) MakeKey(shard, db, n int, fn func(*keyspace.DB) error) error {
	s := &e.shards[shard]
	s.lockWrite(e.tx)
	defer s.unlock()
	e.sign(s)
	d, err := s.db(db)
	if err != nil {
		return err
	}
	if n > command.Heavy && e.tx == nil && s.owner == nil {
		return e.makeIn(shard, d, fn)
	}
	return fn(d)
}

func (e env) In(t command.Target, db int) (command.Target, error) {
	if db < 0 || db >= e.databases {
		return command.Target{}, errs.DBIndex
	}
	return e.target(t.Key, db)
}
