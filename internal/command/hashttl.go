package command

import (
	"math"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on the times of expiry of fields do: those of Redis 7.4, and HGETDEL, HGETEX and HSETEX of 8.0.

const (
	errNoFields      = errs.Error("ERR Mandatory argument FIELDS is missing or not at the right position")
	errFieldsNumber  = errs.Error("ERR Number of fields must be a positive integer")
	errFieldsBelow1  = errs.Error("ERR Parameter `numFields` should be greater than 0")
	errFieldsInvalid = errs.Error("ERR invalid number of fields")
	errFieldsCount   = errs.Error("ERR The `numfields` parameter must match the number of arguments")
	errTimeBelow0    = errs.Error("ERR invalid expire time, must be >= 0")
	errTimeMissing   = errs.Error("ERR missing expire time")
	errTwoConditions = errs.Error("ERR Only one of FXX or FNX arguments can be specified")
	errTwoSetTimes   = errs.Error("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified")
	errTwoGetTimes   = errs.Error("ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified")
)

// fieldTime turns a time to live, or a time, that fields are to have into Unix milliseconds.
func (c *Call) fieldTime(arg []byte, unit byte, absolute bool) (int64, error) {
	at, ok := num.ParseInt(arg)
	if !ok {
		return 0, errs.NotInteger
	}
	if at < 0 {
		return 0, errTimeBelow0
	}
	if unit == 's' {
		if at > keyspace.MaxFieldTime/1000 {
			return 0, c.invalidExpire()
		}
		at *= 1000
	}
	base := int64(0)
	if !absolute {
		base = c.One.DB.Now()
	}
	if at > keyspace.MaxFieldTime-base {
		return 0, c.invalidExpire()
	}
	return at + base, nil
}

// fieldsFrom reads FIELDS, their number and that many names, which end the arguments. notNumber is what a number that
// is none, or below 1, is refused with.
func fieldsFrom(args [][]byte, notNumber error) ([][]byte, error) {
	if len(args) == 0 || !isWord(args[0], "fields") {
		return nil, errNoFields
	}
	if len(args) == 1 {
		return nil, notNumber
	}
	n, ok := num.ParseInt(args[1])
	if !ok || n < 1 {
		return nil, notNumber
	}
	if n != int64(len(args)-2) {
		return nil, errFieldsCount
	}
	return args[2:], nil
}

// checkHash fails if the key holds no hash: Redis finds that out before it looks at the other arguments.
func (c *Call) checkHash() bool {
	_, err := c.One.DB.Look(c.One.Hash, c.One.Key).As(keyspace.Hash)
	if err != nil {
		c.Fail(err)
	}
	return err == nil
}

func runHexpire(c *Call)    { c.hexpire('s', false) }
func runHpexpire(c *Call)   { c.hexpire('m', false) }
func runHexpireat(c *Call)  { c.hexpire('s', true) }
func runHpexpireat(c *Call) { c.hexpire('m', true) }

func (c *Call) hexpire(unit byte, absolute bool) {
	if !c.checkHash() {
		return
	}
	at, err := c.fieldTime(c.Args[2], unit, absolute)
	if err != nil {
		c.Fail(err)
		return
	}
	rest := c.Args[3:]
	cond, given := fieldCondition(rest[0])
	if given {
		rest = rest[1:]
	}
	fields, err := fieldsFrom(rest, errFieldsBelow1)
	if err != nil {
		c.Fail(err)
		return
	}
	c.results(len(fields), func(fn func(keyspace.FieldResult)) error {
		return c.One.DB.HashExpire(c.One.Hash, c.One.Key, fields, at, cond, fn)
	})
}

func fieldCondition(arg []byte) (cond keyspace.ExpireFlags, given bool) {
	switch {
	case isWord(arg, "nx"):
		return keyspace.ExpireNX, true
	case isWord(arg, "xx"):
		return keyspace.ExpireXX, true
	case isWord(arg, "gt"):
		return keyspace.ExpireGT, true
	case isWord(arg, "lt"):
		return keyspace.ExpireLT, true
	}
	return 0, false
}

// results answers with what became of n fields. The answer waits until all is done: an operation may fail on its way.
func (c *Call) results(n int, run func(fn func(keyspace.FieldResult)) error) {
	got := make([]keyspace.FieldResult, 0, n)
	if err := run(func(r keyspace.FieldResult) { got = append(got, r) }); err != nil {
		c.Fail(err)
		return
	}
	c.W.Array(n)
	for _, r := range got {
		c.W.Int(int64(r))
	}
}

func runHpersist(c *Call) {
	if !c.checkHash() {
		return
	}
	fields, err := fieldsFrom(c.Args[2:], errFieldsNumber)
	if err != nil {
		c.Fail(err)
		return
	}
	c.results(len(fields), func(fn func(keyspace.FieldResult)) error {
		return c.One.DB.HashPersist(c.One.Hash, c.One.Key, fields, fn)
	})
}

func runHttl(c *Call)        { c.httl('s', false) }
func runHpttl(c *Call)       { c.httl('m', false) }
func runHexpiretime(c *Call) { c.httl('s', true) }

func runHpexpiretime(c *Call) { c.httl('m', true) }

func (c *Call) httl(unit byte, absolute bool) {
	var x value.Hash
	if !c.openHash(&x) {
		return
	}
	fields, err := fieldsFrom(c.Args[2:], errFieldsNumber)
	if err != nil {
		c.Fail(err)
		return
	}
	base := int64(0)
	if !absolute {
		base = c.One.DB.Now()
	}
	c.W.Array(len(fields))
	for _, f := range fields {
		_, at, ok := x.Get(f, c.digits[:])
		switch {
		case !ok:
			c.W.Int(int64(keyspace.FieldAbsent))
		case at == 0:
			c.W.Int(int64(keyspace.FieldNoTime))
		case unit == 's':
			c.W.Int((at - base + 999) / 1000)
		default:
			c.W.Int(at - base)
		}
	}
}

func runHgetdel(c *Call) {
	if !c.checkHash() {
		return
	}
	fields, err := fieldsFrom(c.Args[2:], errFieldsNumber)
	if err != nil {
		c.Fail(err)
		return
	}
	c.values(len(fields), func(fn func(v []byte, found bool)) error {
		return c.One.DB.HashGetDelete(c.One.Hash, c.One.Key, fields, fn)
	})
}

// values answers with n values or nulls. The header is written with the first: an operation that fails before has
// changed nothing, and one that fails later has passed on all values.
func (c *Call) values(n int, run func(fn func(v []byte, found bool)) error) {
	begun := false
	err := run(func(v []byte, found bool) {
		if !begun {
			c.W.Array(n)
			begun = true
		}
		if found {
			c.W.Bulk(v)
		} else {
			c.W.Null()
		}
	})
	if err != nil && !begun {
		c.Fail(err)
	}
}

// exArgs is what HGETEX and HSETEX take beside key and fields.
type exArgs struct {
	nx, xx, keepTTL, persist bool
	at                       int64 // 0 without a time
	rest                     [][]byte
}

// parseEx reads the options up to FIELDS with the number, and what comes after; each field takes step arguments.
func (c *Call) parseEx(set bool, step int) (o exArgs, err error) {
	timed := false
	args := c.Args[2:]
	for i := 0; i < len(args); i++ {
		a := args[i]
		unit, absolute := timeOption(a)
		switch {
		case isWord(a, "fields"):
			o.rest, err = c.exFields(args[i+1:], step)
			return o, err
		case set && (isWord(a, "fnx") || isWord(a, "fxx")):
			if o.nx || o.xx {
				return o, errTwoConditions
			}
			o.nx, o.xx = isWord(a, "fnx"), isWord(a, "fxx")
			continue
		case unit == 0 && !(set && isWord(a, "keepttl")) && !(!set && isWord(a, "persist")):
			return o, refusal("ERR unknown argument: ", shown(a, len(a)))
		case timed && set:
			return o, errTwoSetTimes
		case timed:
			return o, errTwoGetTimes
		}
		timed = true
		if unit == 0 {
			o.keepTTL, o.persist = set, !set
			continue
		}
		if i++; i == len(args) {
			return o, errTimeMissing
		}
		if o.at, err = c.fieldTime(args[i], unit, absolute); err != nil {
			return o, err
		}
		// The beginning of time has come; 0 would say that there is none.
		o.at = max(o.at, 1)
	}
	return o, WrongArity(c.Row)
}

// exFields reads the number of fields and what follows it.
func (c *Call) exFields(args [][]byte, step int) ([][]byte, error) {
	if len(args) < 1+step {
		return nil, WrongArity(c.Row)
	}
	n, ok := num.ParseInt(args[0])
	if !ok || n < 1 || n > math.MaxInt32 {
		return nil, errFieldsInvalid
	}
	if n*int64(step) != int64(len(args)-1) {
		return nil, WrongArity(c.Row)
	}
	return args[1:], nil
}

// timeOption reads EX and its kin; no unit says that it is none of them.
func timeOption(a []byte) (unit byte, absolute bool) {
	switch {
	case isWord(a, "ex"):
		return 's', false
	case isWord(a, "px"):
		return 'm', false
	case isWord(a, "exat"):
		return 's', true
	case isWord(a, "pxat"):
		return 'm', true
	}
	return 0, false
}

func runHsetex(c *Call) {
	o, err := c.parseEx(true, 2)
	if err != nil {
		c.Fail(err)
		return
	}
	c.countOf(c.One.DB.HashSetEx(c.One.Hash, c.One.Key, o.rest, keyspace.HashSetOptions{
		NX: o.nx, XX: o.xx, KeepTTL: o.keepTTL, ExpireAt: o.at,
	}))
}

func runHgetex(c *Call) {
	o, err := c.parseEx(false, 1)
	if err != nil {
		c.Fail(err)
		return
	}
	c.values(len(o.rest), func(fn func(v []byte, found bool)) error {
		return c.One.DB.HashGetEx(c.One.Hash, c.One.Key, o.rest, o.at, o.persist, fn)
	})
}
