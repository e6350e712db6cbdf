package command

import (
	"bytes"
	"math"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
)

const (
	errMixedNX   = errs.Error("ERR NX and XX, GT or LT options at the same time are not compatible")
	errMixedGTLT = errs.Error("ERR GT and LT options at the same time are not compatible")
)

func runExpire(c *Call)    { c.expire('s', false) }
func runPexpire(c *Call)   { c.expire('m', false) }
func runExpireat(c *Call)  { c.expire('s', true) }
func runPexpireat(c *Call) { c.expire('m', true) }

func (c *Call) expire(unit byte, absolute bool) {
	cond, err := expireCondition(c.Args[3:])
	if err != nil {
		c.Fail(err)
		return
	}
	n, ok := num.ParseInt(c.Args[2])
	if !ok {
		c.Fail(errs.NotInteger)
		return
	}
	if unit == 's' {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			c.Fail(c.invalidExpire())
			return
		}
		n *= 1000
	}
	if !absolute {
		now := c.One.DB.Now()
		if n > math.MaxInt64-now {
			c.Fail(c.invalidExpire())
			return
		}
		n += now
	}
	it := c.One.DB.Look(c.One.Hash, c.One.Key)
	if !it.Found() {
		c.W.Int(0)
		return
	}
	c.countOf(c.One.DB.Expire(it, n, cond))
}

func expireCondition(args [][]byte) (cond keyspace.ExpireFlags, err error) {
	for _, a := range args {
		switch {
		case isWord(a, "nx"):
			cond |= keyspace.ExpireNX
		case isWord(a, "xx"):
			cond |= keyspace.ExpireXX
		case isWord(a, "gt"):
			cond |= keyspace.ExpireGT
		case isWord(a, "lt"):
			cond |= keyspace.ExpireLT
		default:
			// Redis ends it at a zero byte, and takes line ends off.
			return 0, refusal("ERR Unsupported option ", bytes.TrimRight(shown(a, len(a)), "\r\n"))
		}
	}
	const both = keyspace.ExpireGT | keyspace.ExpireLT
	if cond&keyspace.ExpireNX != 0 && cond != keyspace.ExpireNX {
		return 0, errMixedNX
	}
	if cond&both == both {
		return 0, errMixedGTLT
	}
	return cond, nil
}

func runPersist(c *Call) {
	it := c.One.DB.Look(c.One.Hash, c.One.Key)
	if !it.Found() {
		c.W.Int(0)
		return
	}
	c.countOf(c.One.DB.Persist(it))
}

func runTtl(c *Call)         { c.ttl(true, true) }
func runPttl(c *Call)        { c.ttl(false, true) }
func runExpiretime(c *Call)  { c.ttl(true, false) }
func runPexpiretime(c *Call) { c.ttl(false, false) }

func (c *Call) ttl(seconds, relative bool) {
	it := c.One.DB.FindUntouched(c.One.Hash, c.One.Key)
	if !it.Found() {
		c.W.Int(-2)
		return
	}
	at := it.ExpireAt()
	if at == 0 {
		c.W.Int(-1)
		return
	}
	if relative {
		at = max(at-c.One.DB.Now(), 0)
	}
	if seconds {
		at = at/1000 + (at%1000+500)/1000
	}
	c.W.Int(at)
}
