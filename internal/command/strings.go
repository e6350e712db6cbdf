package command

import (
	"math"
	"slices"

	"github.com/darterdb/darter/internal/errs"
	"github.com/darterdb/darter/internal/keyspace"
	"github.com/darterdb/darter/internal/num"
	"github.com/darterdb/darter/internal/value"
)

// What the commands on strings do: each parses its arguments, calls the keyspace and answers.

const (
	errMixedLCS  = errs.Error("ERR If you want both the length and indexes, please just use IDX.")
	errLCSTypes  = errs.Error("ERR The specified keys must contain string values")
	errLCSMemory = errs.Error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
	errDecrement = errs.Error("ERR decrement would overflow")
)

func runGet(c *Call) {
	v, ok, err := c.readString(&c.One)
	switch {
	case err != nil:
		c.Fail(err)
	case !ok:
		c.W.Null()
	default:
		c.W.Bulk(v)
	}
}

// readString looks a string up as a read does, without a note of access if the client asked for that.
func (c *Call) readString(t *Target) ([]byte, bool, error) {
	it := c.find(t)
	if !it.Found() {
		return nil, false, nil
	}
	if it.Kind() != keyspace.String {
		return nil, false, errs.WrongType
	}
	return it.Value(), true, nil
}

// find looks a key up as a read does.
func (c *Call) find(t *Target) keyspace.Item {
	if c.NoTouch {
		return t.DB.FindUntouched(t.Hash, t.Key)
	}
	return t.DB.Find(t.Hash, t.Key)
}

// setArgs is what SET and GETEX take beside key and value.
type setArgs struct {
	nx, xx, get, keepTTL, persist bool
	unit                          byte // 's' or 'm', 0 without a time
	absolute                      bool
	time                          []byte
}

// parseSetArgs reads the options of SET, or of GETEX.
func parseSetArgs(args [][]byte, getex bool) (o setArgs, err error) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		last := i+1 == len(args)
		switch {
		case !getex && isWord(a, "nx") && !o.xx:
			o.nx = true
		case !getex && isWord(a, "xx") && !o.nx:
			o.xx = true
		case !getex && isWord(a, "get"):
			o.get = true
		case !getex && isWord(a, "keepttl") && o.unit == 0:
			o.keepTTL = true
		case getex && isWord(a, "persist") && o.unit == 0:
			o.persist = true
		case isWord(a, "ex") && !last && o.setUnit('s', false),
			isWord(a, "px") && !last && o.setUnit('m', false),
			isWord(a, "exat") && !last && o.setUnit('s', true),
			isWord(a, "pxat") && !last && o.setUnit('m', true):
			i++
			o.time = args[i]
		default:
			return o, errs.Syntax
		}
	}
	return o, nil
}

// setUnit says what the time is given in, and whether that suits the other options. The same may be said again.
func (o *setArgs) setUnit(unit byte, absolute bool) bool {
	if o.keepTTL || o.persist || o.unit != 0 && (o.unit != unit || o.absolute != absolute) {
		return false
	}
	o.unit, o.absolute = unit, absolute
	return true
}

// isWord compares an argument with a word in lower case, whatever the argument's case. Like Redis it looks no further
// than to a zero byte.
func isWord(arg []byte, word string) bool {
	if len(arg) > len(word) && arg[len(word)] == 0 {
		arg = arg[:len(word)]
	}
	return sameName(word, arg)
}

// expireTime turns a time to live, or a time, that a string is to have into Unix milliseconds.
func (c *Call) expireTime(arg []byte, unit byte, absolute bool, now int64) (int64, error) {
	n, ok := num.ParseInt(arg)
	if !ok {
		return 0, errs.NotInteger
	}
	if n <= 0 || unit == 's' && n > math.MaxInt64/1000 {
		return 0, c.invalidExpire()
	}
	if unit == 's' {
		n *= 1000
	}
	if !absolute {
		if n > math.MaxInt64-now {
			return 0, c.invalidExpire()
		}
		n += now
	}
	return n, nil
}

func (c *Call) invalidExpire() error {
	return errs.Error("ERR invalid expire time in '" + c.Row.FullName() + "' command")
}

func runSet(c *Call) {
	o, err := parseSetArgs(c.Args[3:], false)
	if err != nil {
		c.Fail(err)
		return
	}
	set := keyspace.SetOptions{NX: o.nx, XX: o.xx, KeepTTL: o.keepTTL, Get: o.get, Old: c.old[:0]}
	if o.unit != 0 {
		if set.ExpireAt, err = c.expireTime(o.time, o.unit, o.absolute, c.One.DB.Now()); err != nil {
			c.Fail(err)
			return
		}
	}
	r, err := c.One.DB.Set(c.One.Hash, c.One.Key, c.Args[2], set)
	switch {
	case err != nil:
		c.Fail(err)
	case o.get:
		c.oldOrNull(r)
	case r.Stored:
		c.OK()
	default:
		c.W.Null()
	}
}

// oldOrNull answers with the value that a Set found.
func (c *Call) oldOrNull(r keyspace.SetResult) {
	if !r.Found {
		c.W.Null()
		return
	}
	c.W.Bulk(r.Old)
	if cap(r.Old) <= maxKept {
		c.old = r.Old
	}
}

// maxKept is the largest buffer that a Call keeps for the next command.
const maxKept = 16 << 10

func runSetnx(c *Call) {
	r, err := c.One.DB.Set(c.One.Hash, c.One.Key, c.Args[2], keyspace.SetOptions{NX: true})
	c.countOf(r.Stored, err)
}

// countOf answers 1 or 0, or with the error.
func (c *Call) countOf(done bool, err error) {
	if err != nil {
		c.Fail(err)
		return
	}
	n := int64(0)
	if done {
		n = 1
	}
	c.W.Int(n)
}

func runSetex(c *Call)  { c.setWithTime('s') }
func runPsetex(c *Call) { c.setWithTime('m') }

func (c *Call) setWithTime(unit byte) {
	at, err := c.expireTime(c.Args[2], unit, false, c.One.DB.Now())
	if err == nil {
		_, err = c.One.DB.Set(c.One.Hash, c.One.Key, c.Args[3], keyspace.SetOptions{ExpireAt: at})
	}
	if err != nil {
		c.Fail(err)
		return
	}
	c.OK()
}

func runGetset(c *Call) {
	r, err := c.One.DB.Set(c.One.Hash, c.One.Key, c.Args[2], keyspace.SetOptions{Get: true, Old: c.old[:0]})
	if err != nil {
		c.Fail(err)
		return
	}
	c.oldOrNull(r)
}

// aString looks up the string of a command that answers with it and changes the key; it answers itself if there is
// none.
func (c *Call) aString() (keyspace.Item, bool) {
	it := c.find(&c.One)
	if _, err := it.AsString(); err != nil {
		c.Fail(err)
		return it, false
	}
	if !it.Found() {
		c.W.Null()
	}
	return it, it.Found()
}

func runGetdel(c *Call) {
	if it, ok := c.aString(); ok {
		if err := c.One.DB.GetDel(it, c.W.Bulk); err != nil {
			c.Fail(err)
		}
	}
}

func runGetex(c *Call) {
	o, err := parseSetArgs(c.Args[2:], true)
	if err != nil {
		c.Fail(err)
		return
	}
	it, ok := c.aString()
	if !ok {
		return
	}
	ex := keyspace.GetExOptions{Persist: o.persist}
	if o.unit != 0 {
		if ex.ExpireAt, err = c.expireTime(o.time, o.unit, o.absolute, c.One.DB.Now()); err != nil {
			c.Fail(err)
			return
		}
	}
	if err := c.One.DB.GetEx(it, ex, c.W.Bulk); err != nil {
		c.Fail(err)
	}
}

func runIncr(c *Call) { c.incrBy(1) }
func runDecr(c *Call) { c.incrBy(-1) }

func (c *Call) incrBy(by int64) {
	n, err := c.One.DB.IncrBy(c.One.Hash, c.One.Key, by)
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Int(n)
}

func runIncrby(c *Call) {
	by, ok := num.ParseInt(c.Args[2])
	if !ok {
		c.Fail(errs.NotInteger)
		return
	}
	c.incrBy(by)
}

func runDecrby(c *Call) {
	by, ok := num.ParseInt(c.Args[2])
	switch {
	case !ok:
		c.Fail(errs.NotInteger)
	case by == math.MinInt64:
		c.Fail(errDecrement)
	default:
		c.incrBy(-by)
	}
}

func runIncrbyfloat(c *Call) {
	sum, err := c.One.DB.IncrByFloat(nil, c.One.Hash, c.One.Key, c.Args[2])
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Bulk(sum)
}

// lengthOf answers a length, or with the error.
func (c *Call) lengthOf(n int, err error) {
	if err != nil {
		c.Fail(err)
		return
	}
	c.W.Int(int64(n))
}

func runAppend(c *Call) {
	c.lengthOf(c.One.DB.Append(c.One.Hash, c.One.Key, c.Args[2], c.Env.MaxBulk()))
}

func runSetrange(c *Call) {
	at, ok := num.ParseInt(c.Args[2])
	if !ok {
		c.Fail(errs.NotInteger)
		return
	}
	c.lengthOf(c.One.DB.SetRange(c.One.Hash, c.One.Key, at, c.Args[3], c.Env.MaxBulk()))
}

func runStrlen(c *Call) {
	v, _, err := c.readString(&c.One)
	c.lengthOf(len(v), err)
}

func runGetrange(c *Call) {
	start, ok1 := num.ParseInt(c.Args[2])
	end, ok2 := num.ParseInt(c.Args[3])
	if !ok1 || !ok2 {
		c.Fail(errs.NotInteger)
		return
	}
	v, _, err := c.readString(&c.One)
	if err != nil {
		c.Fail(err)
		return
	}
	from, to := value.Range(len(v), start, end)
	c.W.Bulk(v[from:to])
}

func runSubstr(c *Call) { runGetrange(c) }

func runMget(c *Call) {
	c.W.Array(len(c.Args) - 1)
	for i := 1; i < len(c.Args); i++ {
		t := c.Key(i)
		v, ok, err := c.readString(&t)
		if err != nil || !ok {
			c.W.Null()
			continue
		}
		c.W.Bulk(v)
	}
}

func runMset(c *Call) {
	if c.mset() {
		c.OK()
	}
}

func runMsetnx(c *Call) {
	if len(c.Args)%2 == 0 {
		c.Fail(WrongArity(c.Row))
		return
	}
	for i := 1; i < len(c.Args); i += 2 {
		t := c.Key(i)
		if t.DB.Look(t.Hash, t.Key).Found() {
			c.W.Int(0)
			return
		}
	}
	if c.mset() {
		c.W.Int(1)
	}
}

// mset sets all keys of MSET or MSETNX, and answers only if that fails.
func (c *Call) mset() bool {
	if len(c.Args)%2 == 0 {
		c.Fail(WrongArity(c.Row))
		return false
	}
	for i := 1; i < len(c.Args); i += 2 {
		t := c.Key(i)
		if _, err := t.DB.Set(t.Hash, t.Key, c.Args[i+1], keyspace.SetOptions{}); err != nil {
			c.Fail(err)
			return false
		}
	}
	return true
}

func runLcs(c *Call) {
	var strings [2][]byte
	for i := range strings {
		t := c.Key(i + 1)
		v, _, err := c.readString(&t)
		if err != nil {
			c.Fail(errLCSTypes)
			return
		}
		strings[i] = v
	}
	var wantLen, wantIdx, withLen bool
	var minLen int64
	for i := 3; i < len(c.Args); i++ {
		switch a := c.Args[i]; {
		case isWord(a, "idx"):
			wantIdx = true
		case isWord(a, "len"):
			wantLen = true
		case isWord(a, "withmatchlen"):
			withLen = true
		case isWord(a, "minmatchlen") && i+1 < len(c.Args):
			i++
			n, ok := num.ParseInt(c.Args[i])
			if !ok {
				c.Fail(errs.NotInteger)
				return
			}
			minLen = max(n, 0)
		default:
			c.Fail(errs.Syntax)
			return
		}
	}
	if wantIdx && wantLen {
		c.Fail(errMixedLCS)
		return
	}
	a, b := strings[0], strings[1]
	if !value.CommonWithin(len(a), len(b), c.Env.MaxBulk()) {
		c.Fail(errLCSMemory)
		return
	}
	if wantLen {
		c.W.Int(int64(value.CommonLen(a, b)))
		return
	}
	text, matches := value.Common(a, b)
	if !wantIdx {
		c.W.Bulk(text)
		return
	}
	matches = slices.DeleteFunc(matches, func(m value.Match) bool { return int64(m.Len) < minLen })
	c.writeMatches(matches, len(text), withLen)
}

func (c *Call) writeMatches(matches []value.Match, length int, withLen bool) {
	c.W.Map(2)
	c.W.BulkString("matches")
	c.W.Array(len(matches))
	for _, m := range matches {
		if withLen {
			c.W.Array(3)
		} else {
			c.W.Array(2)
		}
		for _, from := range []int{m.A, m.B} {
			c.W.Array(2)
			c.W.Int(int64(from))
			c.W.Int(int64(from + m.Len - 1))
		}
		if withLen {
			c.W.Int(int64(m.Len))
		}
	}
	c.W.BulkString("len")
	c.W.Int(int64(length))
}
