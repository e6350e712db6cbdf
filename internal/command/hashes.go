package command

import (
	"math"
	"math/rand/v2"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on hashes do; hashttl.go has those on the times of fields.

const errNaNOrInfinity = errs.Error("ERR value is NaN or Infinity")

// openHash makes a zero x the hash of a OneKey command's key, as a read does. It answers itself if that fails.
func (c *Call) openHash(x *value.Hash) bool {
	err := c.find(&c.One).OpenHash(x)
	if err != nil {
		c.Fail(err)
	}
	return err == nil
}

// text returns a buffer in which hashes write out integers.
func (c *Call) text() []byte {
	if cap(c.old) < value.DigitsSize {
		c.old = make([]byte, value.DigitsSize)
	}
	return c.old[:value.DigitsSize]
}

// field answers with the value of a field, or null.
func (c *Call) field(v []byte, found bool) {
	if found {
		c.W.Bulk(v)
	} else {
		c.W.Null()
	}
}

// oneField returns the value of the field that the command asks for. It answers itself if that fails.
func (c *Call) oneField() (v []byte, found, ok bool) {
	v, found, err := c.find(&c.One).HashGet(c.Args[2], c.digits[:])
	if err != nil {
		c.Fail(err)
	}
	return v, found, err == nil
}

func runHget(c *Call) {
	if v, found, ok := c.oneField(); ok {
		c.field(v, found)
	}
}

func runHmget(c *Call) {
	var x value.Hash
	if !c.openHash(&x) {
		return
	}
	fields := c.Args[2:]
	c.W.Array(len(fields))
	for i, f := range fields {
		x.Ahead(i, len(fields), func(i int) []byte { return fields[i] })
		v, _, found := x.Get(f, c.digits[:])
		c.field(v, found)
	}
}

func runHexists(c *Call) {
	if _, found, ok := c.oneField(); ok {
		c.countOf(found, nil)
	}
}

func runHstrlen(c *Call) {
	if v, _, ok := c.oneField(); ok {
		c.W.Int(int64(len(v)))
	}
}

func runHlen(c *Call) {
	var x value.Hash
	if c.openHash(&x) {
		c.W.Int(int64(x.Len()))
	}
}

func runHgetall(c *Call) {
	var x value.Hash
	if !c.openHash(&x) {
		return
	}
	c.W.Map(x.Len())
	x.All(c.text(), func(field, v []byte, _ int64) bool {
		c.W.Bulk(field)
		c.W.Bulk(v)
		return true
	})
}

func runHkeys(c *Call) {
	c.eachField(func(field, _ []byte) { c.W.Bulk(field) })
}

func runHvals(c *Call) {
	c.eachField(func(_, v []byte) { c.W.Bulk(v) })
}

// eachField answers with an array to which fn adds one element for each field.
func (c *Call) eachField(fn func(field, v []byte)) {
	var x value.Hash
	if !c.openHash(&x) {
		return
	}
	c.W.Array(x.Len())
	x.All(c.text(), func(field, v []byte, _ int64) bool {
		fn(field, v)
		return true
	})
}

func runHset(c *Call) {
	if n, ok := c.hset(); ok {
		c.W.Int(int64(n))
	}
}

func runHmset(c *Call) {
	if _, ok := c.hset(); ok {
		c.OK()
	}
}

// hset sets the fields of HSET or HMSET, and answers only if that fails.
func (c *Call) hset() (created int, ok bool) {
	if len(c.Args)%2 != 0 {
		c.Fail(WrongArity(c.Row))
		return 0, false
	}
	created, err := c.One.DB.HashSet(c.One.Hash, c.One.Key, c.Args[2:])
	if err != nil {
		c.Fail(err)
	}
	return created, err == nil
}

func runHsetnx(c *Call) {
	c.countOf(c.One.DB.HashSetNX(c.One.Hash, c.One.Key, c.Args[2], c.Args[3]))
}

func runHdel(c *Call) {
	c.lengthOf(c.One.DB.HashDelete(c.One.Hash, c.One.Key, c.Args[2:]))
}

func runHincrby(c *Call) {
	by, ok := num.ParseInt(c.Args[3])
	if !ok {
		c.Fail(errs.NotInteger)
		return
	}
	n, err := c.One.DB.HashIncrBy(c.One.Hash, c.One.Key, c.Args[2], by)
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Int(n)
}

func runHincrbyfloat(c *Call) {
	switch valid, finite := num.IsIncrement(c.Args[3]); {
	case !valid:
		c.Fail(errs.NotFloat)
		return
	case !finite:
		c.Fail(errNaNOrInfinity)
		return
	}
	sum, err := c.One.DB.HashIncrByFloat(nil, c.One.Hash, c.One.Key, c.Args[2], c.Args[3])
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Bulk(sum)
}

func runHrandfield(c *Call) {
	if len(c.Args) > 2 {
		c.hrandfieldMany()
		return
	}
	var x value.Hash
	if !c.openHash(&x) {
		return
	}
	found := false
	x.RandomRepeating(1, rand.Uint64, c.text(), func(field, _ []byte) bool {
		c.W.Bulk(field)
		found = true
		return true
	})
	if !found {
		c.W.Null()
	}
}

func (c *Call) hrandfieldMany() {
	n, ok := num.ParseInt(c.Args[2])
	switch {
	case !ok:
		c.Fail(errs.NotInteger)
		return
	case n == math.MinInt64:
		c.Fail(errNotLong)
		return
	case len(c.Args) > 4 || len(c.Args) == 4 && !isWord(c.Args[3], "withvalues"):
		c.Fail(errs.Syntax)
		return
	}
	p := fieldPrinter{c: c, values: len(c.Args) == 4, pairs: c.W.Proto() >= 3}
	if p.values && (n < -math.MaxInt64/2 || n > math.MaxInt64/2) {
		c.Fail(errTooMany)
		return
	}
	var x value.Hash
	switch {
	case !c.openHash(&x):
	case n >= 0:
		p.n = int(min(n, int64(x.Len())))
		p.open()
		x.Random(p.n, rand.Uint64, c.text(), p.print)
	case x.Len() == 0:
		c.W.Array(0)
	default:
		p.repeating(&x, -n)
	}
}

// fieldPrinter answers with fields, with their values or without.
type fieldPrinter struct {
	c      *Call
	n      int
	values bool
	pairs  bool // each field with its value is an array of its own
}

func (p *fieldPrinter) open() {
	n := p.n
	if p.values && !p.pairs {
		n *= 2
	}
	p.c.W.Array(n)
}

func (p *fieldPrinter) print(field, v []byte) {
	if p.values && p.pairs {
		p.c.W.Array(2)
	}
	p.c.W.Bulk(field)
	if p.values {
		p.c.W.Bulk(v)
	}
}

// repeating answers with n fields, of which some may come again. What that takes has no bound but n, so where it may be
// much it is counted before anything is written: a reply longer than the longest string allowed is refused.
func (p *fieldPrinter) repeating(x *value.Hash, n int64) {
	const overhead = int64(len("$1\r\n\r\n"))
	limit := p.c.Env.MaxBulk()
	if n > limit/overhead {
		p.c.Fail(errTooMany)
		return
	}
	p.n = int(n)
	a, b := rand.Uint64(), rand.Uint64()
	if x.Longest()+2*overhead > limit/n {
		total := int64(0)
		x.RandomRepeating(p.n, rand.NewPCG(a, b).Uint64, p.c.text(), func(field, v []byte) bool {
			total += overhead + int64(len(field))
			if p.values {
				total += overhead + int64(len(v))
			}
			return total <= limit
		})
		if total > limit {
			p.c.Fail(errTooMany)
			return
		}
	}
	p.open()
	x.RandomRepeating(p.n, rand.NewPCG(a, b).Uint64, p.c.text(), func(field, v []byte) bool {
		p.print(field, v)
		return true
	})
}

func runHscan(c *Call) {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		c.Fail(errs.InvalidCursor)
		return
	}
	var x value.Hash
	if !c.openHash(&x) {
		return
	}
	// An absent key is found out before the options are looked at.
	count, match, values := int64(10), func([]byte) bool { return true }, true
	if x.Len() > 0 {
		var err error
		if count, match, values, err = hscanOptions(c.Args[3:]); err != nil {
			c.Fail(err)
			return
		}
	}
	var found keyList
	seen := int64(0)
	visit := func(field, v []byte, _ int64) {
		if seen++; match(field) {
			found.add(field)
			if values {
				found.add(v)
			}
		}
	}
	for steps := int64(0); ; {
		cursor = x.Scan(cursor, c.text(), visit)
		// Where there is nothing the number of steps ends the call, as Redis does it.
		if steps++; cursor == 0 || seen >= count || steps/10 >= count {
			break
		}
	}
	c.W.Array(2)
	c.W.Bulk(num.AppendUint(c.digits[:0], cursor))
	found.write(c)
}

// hscanOptions reads the options of HSCAN: those of every scan, and NOVALUES.
func hscanOptions(args [][]byte) (count int64, match func([]byte) bool, values bool, err error) {
	values = true
	for i := 0; i < len(args); i++ {
		if isWord(args[i], "novalues") {
			values = false
			args = append(args[:i:i], args[i+1:]...)
			i--
		} else {
			i++ // its value
		}
	}
	count, match, err = scanOptions(args)
	return count, match, values, err
}
