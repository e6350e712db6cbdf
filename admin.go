package darter

import (
	"bytes"
	"strconv"
	"time"

	"github.com/darterdb/darter/internal/command"
	"github.com/darterdb/darter/internal/config"
	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
)

// boundRows are the commands about the cache as a whole, by the full names of their rows. Package resp has those about
// connections.
var boundRows map[string]func(*Session, *command.Call)

// The map is filled here because EXEC, which has a row, runs rows.
func init() {
	boundRows = map[string]func(*Session, *command.Call){
		"bgsave":               bgsaveCommand,
		"config|get":           configGetCommand,
		"config|resetstat":     configResetStatCommand,
		"config|rewrite":       configRewriteCommand,
		"config|set":           configSetCommand,
		"debug":                debugCommand,
		"discard":              discardCommand,
		"eval":                 observed(evalCommand),
		"eval_ro":              observed(evalCommand),
		"evalsha":              observed(evalShaCommand),
		"evalsha_ro":           observed(evalShaCommand),
		"exec":                 execCommand,
		"fcall":                observed(fcallCommand),
		"fcall_ro":             observed(fcallCommand),
		"function|delete":      functionDeleteCommand,
		"function|dump":        functionDumpCommand,
		"function|flush":       functionFlushCommand,
		"function|kill":        functionKillCommand,
		"function|list":        functionListCommand,
		"function|load":        functionLoadCommand,
		"function|restore":     functionRestoreCommand,
		"function|stats":       functionStatsCommand,
		"flushall":             flushAllCommand,
		"flushdb":              flushDBCommand,
		"info":                 infoCommand,
		"latency|doctor":       latencyDoctorCommand,
		"latency|graph":        latencyGraphCommand,
		"latency|histogram":    latencyHistogramCommand,
		"latency|history":      latencyHistoryCommand,
		"latency|latest":       latencyLatestCommand,
		"latency|reset":        latencyResetCommand,
		"slowlog|get":          slowlogGetCommand,
		"slowlog|len":          slowlogLenCommand,
		"slowlog|reset":        slowlogResetCommand,
		"lastsave":             lastSaveCommand,
		"memory|doctor":        memoryDoctorCommand,
		"memory|malloc-stats":  memoryMallocStatsCommand,
		"memory|purge":         memoryPurgeCommand,
		"memory|stats":         memoryStatsCommand,
		"publish":              publishCommand,
		"pubsub|channels":      pubsubChannelsCommand,
		"pubsub|numpat":        pubsubNumPatCommand,
		"pubsub|numsub":        pubsubNumSubCommand,
		"pubsub|shardchannels": pubsubShardChannelsCommand,
		"pubsub|shardnumsub":   pubsubShardNumSubCommand,
		"multi":                multiCommand,
		"save":                 saveCommand,
		"script|debug":         scriptDebugCommand,
		"script|exists":        scriptExistsCommand,
		"script|flush":         scriptFlushCommand,
		"script|kill":          scriptKillCommand,
		"script|load":          scriptLoadCommand,
		"select":               selectCommand,
		"spublish":             spublishCommand,
		"swapdb":               swapDBCommand,
		"unwatch":              unwatchCommand,
		"watch":                watchCommand,
	}
}

// boundTo returns what runs a row that has no handler of its own, nil if it belongs to package resp.
func boundTo(row *command.Row) func(*Session, *command.Call) {
	return boundRows[row.FullName()]
}

// Binds says whether the engine runs the row itself. It is for package resp, which runs the others.
func Binds(row *command.Row) bool {
	return row.Class != command.Bound || boundTo(row) != nil
}

func selectCommand(s *Session, c *command.Call) {
	n, err := c.Database(c.Args[1])
	if err != nil {
		c.Fail(err)
		return
	}
	c.DB = n
	c.OK()
}

// flushMode reads the one optional argument of FLUSHALL and FLUSHDB.
func (s *Session) flushMode(c *command.Call) (async, ok bool) {
	switch {
	case len(c.Args) == 1:
		return s.config.Bool("lazyfree-lazy-user-flush"), true
	case len(c.Args) == 2 && bytes.EqualFold(c.Args[1], []byte("sync")):
		return false, true
	case len(c.Args) == 2 && bytes.EqualFold(c.Args[1], []byte("async")):
		return true, true
	}
	c.Fail(errs.Syntax)
	return false, false
}

func flushAllCommand(s *Session, c *command.Call) {
	if async, ok := s.flushMode(c); ok {
		s.answer(c, s.flush(s.tx, 0, s.databases, async))
	}
}

func flushDBCommand(s *Session, c *command.Call) {
	if async, ok := s.flushMode(c); ok {
		s.answer(c, s.flush(s.tx, c.DB, c.DB+1, async))
	}
}

// answer answers OK or with the error.
func (s *Session) answer(c *command.Call, err error) {
	if err != nil {
		c.W.Error(errorReply(err))
		return
	}
	c.OK()
}

// errorReply is an error's text as a reply: with a code in front.
func errorReply(err error) string {
	if e, ok := err.(errs.Error); ok {
		return string(e)
	}
	return "ERR " + err.Error()
}

// flush empties databases from to below to at one instant. Their memory is freed in slices: before it returns, or, if
// async, in the background.
func (e *engine) flush(t *transaction, from, to int, async bool) error {
	graves := make([][]*keyspace.Grave, len(e.shards))
	err := e.alone(t, func() error {
		if e.closed.Load() {
			return ErrClosed
		}
		if t != nil {
			t.flushes++
		} else {
			e.trackers.TellAll()
		}
		for i := range e.shards {
			if a := e.shards[i].announcer; a != nil {
				a.emptied(t)
			}
			for n := from; n < to; n++ {
				if a := e.shards[i].announcer; a != nil {
					a.flushing(n)
				}
				g, err := e.shards[i].data.Bury(n)
				if err != nil {
					return err
				}
				graves[i] = append(graves[i], g)
			}
		}
		return nil
	})
	reclaim := func() {
		for i := range graves {
			e.free(i, graves[i])
		}
	}
	if async {
		e.inBackground(func() { lowerThread(); reclaim() })
	} else {
		reclaim()
	}
	return err
}

// Flush removes all keys of the cache's logical database at one instant. Their memory is freed before it returns, in
// slices, so that others are not held up.
func (c *Cache) Flush() error { return c.flush(c.tx, c.db, c.db+1, false) }

// FlushAll removes all keys of all logical databases; see Flush.
func (c *Cache) FlushAll() error { return c.flush(c.tx, 0, c.databases, false) }

func swapDBCommand(s *Session, c *command.Call) {
	var n [2]int64
	for i, text := range []string{"first", "second"} {
		var ok bool
		if n[i], ok = num.ParseInt(c.Args[1+i]); !ok || n[i] != int64(int32(n[i])) {
			c.W.Error("ERR invalid " + text + " DB index")
			return
		}
	}
	for _, n := range n {
		if n < 0 || n >= int64(s.databases) {
			c.Fail(errs.DBIndex)
			return
		}
	}
	s.answer(c, s.swap(s.tx, int(n[0]), int(n[1])))
}

// swap exchanges two databases at one instant. With itself a database is not exchanged: who watches its keys is left alone.
func (e *engine) swap(t *transaction, i, j int) error {
	if i == j {
		return nil
	}
	return e.alone(t, func() error {
		for k := range e.shards {
			if a := e.shards[k].announcer; a != nil {
				a.swapping(i, j)
			}
			e.shards[k].data.Swap(i, j)
		}
		e.shards[0].data.Stats.Changes++ // one change, to be saved like any other
		return nil
	})
}

// alone runs fn, which replaces whole databases, with all shards held: as part of a transaction, or between transactions.
func (e *engine) alone(t *transaction, fn func() error) error {
	if t == nil {
		e.flushing.Lock()
		defer e.flushing.Unlock()
		e.lockAll()
		defer e.unlockAll()
		return fn()
	}
	t.takeAll()
	for i := range e.shards {
		e.shards[i].lock()
	}
	defer func() {
		for i := range e.shards {
			e.shards[i].unlock()
		}
	}()
	return fn()
}

func lastSaveCommand(s *Session, c *command.Call) {
	p := &s.persistence
	p.mu.Lock()
	defer p.mu.Unlock()
	c.W.Int(maxTime(p.lastSave, s.started).Unix())
}

func saveCommand(s *Session, c *command.Call) {
	if s.tx != nil {
		c.Fail(errInTx)
		return
	}
	if s.persistence.background.Load() {
		c.W.Error("ERR Background save already in progress")
		return
	}
	if err := s.saveFile(s.saveFilePath(), false); err != nil {
		c.W.Error("ERR " + err.Error())
		return
	}
	c.OK()
}

func bgsaveCommand(s *Session, c *command.Call) {
	if len(c.Args) > 2 || len(c.Args) == 2 && !bytes.EqualFold(c.Args[1], []byte("schedule")) {
		c.Fail(errs.Syntax)
		return
	}
	if !s.saveInBackground() {
		c.W.Error("ERR Background save already in progress")
		return
	}
	c.W.Status("Background saving started")
}

func configGetCommand(s *Session, c *command.Call) {
	patterns := make([]string, len(c.Args)-2)
	for i, a := range c.Args[2:] {
		patterns[i] = string(a)
	}
	pairs := s.config.Get(patterns...)
	c.W.Map(len(pairs))
	for _, p := range pairs {
		c.W.BulkString(p.Name)
		c.W.BulkString(p.Value)
	}
}

func configSetCommand(s *Session, c *command.Call) {
	if len(c.Args)%2 != 0 {
		c.Fail(errs.Syntax)
		return
	}
	var pairs []config.Pair
	for i := 2; i < len(c.Args); i += 2 {
		pairs = append(pairs, config.Pair{Name: string(c.Args[i]), Value: string(c.Args[i+1])})
	}
	if err := s.config.Set(pairs, s.local); err != nil {
		c.W.Error(err.Error())
		return
	}
	c.OK()
}

func configRewriteCommand(s *Session, c *command.Call) {
	if err := s.config.Rewrite(); err != nil {
		c.W.Error(err.Error())
		return
	}
	c.OK()
}

func configResetStatCommand(s *Session, c *command.Call) {
	s.resetStats()
	c.OK()
}

const errNoDebug = errs.Error("ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", " +
	"it is for connections from this machine; if it is \"no\", set it in the configuration file and start again.")

// debugAllowed says whether the directive enable-debug-command lets this user run DEBUG.
func (s *Session) debugAllowed() bool {
	switch s.config.String("enable-debug-command") {
	case "yes":
		return true
	case "local":
		return s.local
	}
	return false
}

// debugCommand has the few subcommands that test tools use.
func debugCommand(s *Session, c *command.Call) {
	if !s.debugAllowed() {
		c.Fail(errNoDebug)
		return
	}
	sub := string(bytes.ToLower(c.Args[1]))
	switch {
	case sub == "sleep" && len(c.Args) == 3:
		seconds, err := strconv.ParseFloat(string(c.Args[2]), 64)
		if err != nil || seconds < 0 || seconds > 1e6 {
			c.Fail(errs.NotFloat)
			return
		}
		select {
		case <-time.After(time.Duration(seconds * float64(time.Second))):
		case <-s.closing:
		}
		c.OK()
	case sub == "object" && len(c.Args) == 3:
		debugObject(s, c)
	case sub == "set-active-expire" && len(c.Args) == 3:
		s.noActiveExpiry.Store(string(c.Args[2]) == "0")
		c.OK()
	case sub == "reload" && len(c.Args) <= 3:
		noSave := len(c.Args) == 3 && bytes.EqualFold(c.Args[2], []byte("nosave"))
		if len(c.Args) == 3 && !noSave {
			c.W.Error("ERR DEBUG RELOAD only takes the option NOSAVE")
			return
		}
		if s.tx != nil {
			c.Fail(errInTx)
			return
		}
		s.answer(c, s.reload(!noSave))
	case sub == "stringmatch-len" && len(c.Args) == 4:
		debugStringMatch(c)
	case sub == "help":
		command.WriteHelp(c.W, "DEBUG", debugHelp...)
	default:
		wrongSubcommand(c, "DEBUG")
	}
}
