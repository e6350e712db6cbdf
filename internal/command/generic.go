package command

import (
	"math"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
)

// What the commands on keys of any type do; expire.go and scan.go have the rest.

const (
	errNotLFU = errs.Error("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that " +
		"when switching between policies at runtime LRU and LFU data will take some time to adjust.")
	errNotInt32 = errs.Error("ERR value is out of range, value must between -2147483648 and 2147483647")
)

// countKeys answers for how many of the keys fn says true.
func (c *Call) countKeys(fn func(Target) (bool, error)) {
	n := int64(0)
	for i := 1; i < len(c.Args); i++ {
		done, err := fn(c.Key(i))
		if err != nil {
			c.Fail(err)
			return
		}
		if done {
			n++
		}
	}
	c.W.Int(n)
}

func runDel(c *Call) {
	c.countKeys(func(t Target) (bool, error) { return t.DB.Del(t.Hash, t.Key) })
}

// runUnlink does what DEL does: what is big is freed in slices either way.
func runUnlink(c *Call) { runDel(c) }

func runExists(c *Call) {
	c.countKeys(func(t Target) (bool, error) { return t.DB.FindUntouched(t.Hash, t.Key).Found(), nil })
}

func runTouch(c *Call) {
	c.countKeys(func(t Target) (bool, error) { return t.DB.Find(t.Hash, t.Key).Found(), nil })
}

func runType(c *Call) {
	it := c.One.DB.FindUntouched(c.One.Hash, c.One.Key)
	if !it.Found() {
		c.W.Status("none")
		return
	}
	c.W.Status(it.Kind().String())
}

func runRename(c *Call) {
	if _, err := keyspace.Rename(c.Key(1), c.Key(2), true); err != nil {
		c.Fail(err)
		return
	}
	c.OK()
}

func runRenamenx(c *Call) {
	c.countOf(keyspace.Rename(c.Key(1), c.Key(2), false))
}

func runCopy(c *Call) {
	from, to := c.Key(1), c.Key(2)
	replace := false
	db := c.DB
	for i := 3; i < len(c.Args); i++ {
		switch a := c.Args[i]; {
		case isWord(a, "replace"):
			replace = true
		case isWord(a, "db") && i+1 < len(c.Args):
			i++
			var err error
			if db, err = c.Database(c.Args[i]); err != nil {
				c.Fail(err)
				return
			}
		default:
			c.Fail(errs.Syntax)
			return
		}
	}
	if db == c.DB && string(from.Key) == string(to.Key) {
		c.Fail(errs.SameObject)
		return
	}
	to, err := c.Env.In(to, db)
	if err != nil {
		c.Fail(err)
		return
	}
	c.countOf(keyspace.Copy(from, to, replace))
}

// Database reads the number of a logical database.
func (c *Call) Database(arg []byte) (int, error) {
	n, ok := num.ParseInt(arg)
	switch {
	case !ok:
		return 0, errs.NotInteger
	case n > math.MaxInt32 || n < math.MinInt32:
		return 0, errNotInt32
	case n < 0 || n >= int64(c.Env.Databases()):
		return 0, errs.DBIndex
	}
	return int(n), nil
}

func runMove(c *Call) {
	db, err := c.Database(c.Args[2])
	if err == nil && db == c.DB {
		err = errs.SameObject
	}
	if err != nil {
		c.Fail(err)
		return
	}
	to, err := c.Env.In(c.One, db)
	if err != nil {
		c.Fail(err)
		return
	}
	c.countOf(keyspace.Move(c.One, to))
}

// object looks up the key of an OBJECT subcommand without a note of access; it answers if there is none.
func (c *Call) object() (keyspace.Item, bool) {
	it := c.One.DB.FindQuietly(c.One.Hash, c.One.Key)
	if !it.Found() {
		c.W.Null()
	}
	return it, it.Found()
}

func runObjectEncoding(c *Call) {
	if it, ok := c.object(); ok {
		c.W.BulkString(it.Encoding())
	}
}

func runObjectIdletime(c *Call) {
	if it, ok := c.object(); ok {
		c.W.Int(it.Idle())
	}
}

func runObjectRefcount(c *Call) {
	if it, ok := c.object(); ok {
		c.W.Int(it.References())
	}
}

// runObjectFreq answers as under every policy that keeps no frequencies.
func runObjectFreq(c *Call) {
	if _, ok := c.object(); ok {
		c.Fail(errNotLFU)
	}
}
